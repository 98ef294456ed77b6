/* vee-session - attested, then connected. */
#include "vee-session.h"

#define CAS_RETRY_MS 10000

int vee_session_open(struct vee_session *ret, const struct vee_session_options *o)
{
    const struct sg_cas_bootstrap b = {.connect = o->cas_connect,
                                       .pin_hex = o->cas_pin,
                                       .service = "vee",
                                       .provider = o->cas_provider,
                                       .sim_platform = o->cas_platform,
                                       .retry_ms = CAS_RETRY_MS};
    int r = o->cas_pin ? 0 : sg_raisef(-EINVAL, "--cas.pin must be given with --store");

    if (!r)
        r = sg_fold(sg_cas_bootstrap(&b, &ret->grant));
    if (!r)
        r = sg_fold(sg_cas_tls(&ret->grant, false, SG_TLS_PEER_REQUIRED, &ret->tls));
    if (r)
        return r;
    const struct sg_kv_remote remote = {
        .connect = o->kvsd_connect, .tls = ret->tls, .expect_uri = "spiffe://sealgrid/kvsd"};
    return sg_fold(sg_kv_open_remote(&ret->kv, &remote));
}

void vee_session_close(struct vee_session *s)
{
    sg_kv_free(s->kv);
    sg_tls_ctx_freep(&s->tls);
    sg_cas_grant_clear(&s->grant);
}
