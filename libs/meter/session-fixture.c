/* session-fixture - see the header; linked into tests only. */
#include "session-fixture.h"

#include <stdio.h>

static void check(int r)
{
    if (r)
        fprintf(stderr, "fixture: %d %s\n", r, sg_error_trace());
    sg_assert(r == 0);
}

void fx_identity(struct fx_identity *ret, const char *name)
{
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    struct sg_key *key = NULL;
    struct sg_cert_request req = {
        .common_name = name, .not_before_s = FX_T0 - 86400, .not_after_s = FX_T0 + 86400 * 3650};
    check(sg_key_generate(&key, SG_KEY_P256));
    check(sg_cert_issue(&cert, &req, key, NULL, key));
    check(sg_edhoc_identity_x509(&ret->own, cert, key));
    check(sg_edhoc_identity_x509(&ret->peer, cert, NULL));
}

void fx_identity_clear(struct fx_identity *i)
{
    sg_edhoc_identity_free(i->own);
    sg_edhoc_identity_free(i->peer);
}

struct fx_stored_session *fx_find(struct fx_store *s, const uint8_t *cid)
{
    for (size_t i = 0; i < s->n_sessions; i++)
        if (memcmp(s->sessions[i].record.cid, cid, SG_FRAME_ID_LEN) == 0)
            return &s->sessions[i];
    return NULL;
}

static struct fx_payload *find_payload(struct fx_store *s, int64_t client_id, uint64_t number)
{
    for (size_t i = 0; i < s->n_payloads; i++)
        if (s->payloads[i].client_id == client_id && s->payloads[i].number == number)
            return &s->payloads[i];
    return NULL;
}

unsigned fx_times(const struct fx_store *s, int64_t client_id, uint64_t number)
{
    for (size_t i = 0; i < s->n_payloads; i++)
        if (s->payloads[i].client_id == client_id && s->payloads[i].number == number)
            return s->payloads[i].times;
    return 0;
}

int fx_commit(struct fx_store *s, const uint8_t *cid, const struct sg_window *expect,
              bool expect_absent, const struct sg_window *next, int64_t client_id, uint64_t number,
              bool *ret_same)
{
    struct fx_stored_session *x = fx_find(s, cid);
    struct fx_payload *p = find_payload(s, client_id, number);
    sg_assert(x);
    if (x->has_window == expect_absent ||
        (x->has_window && memcmp(&x->window, expect, sizeof *expect) != 0))
        return 1;
    x->window = *next;
    x->has_window = true;
    *ret_same = p != NULL; /* insert of the same value: the same rows, not a second time */
    if (!p) {
        sg_assert(s->n_payloads < FX_PAYLOADS);
        s->payloads[s->n_payloads++] = (struct fx_payload){client_id, number, 1};
    }
    return 0;
}

/* ---- authenticator ---- */

static int find_meter(void *user, const struct sg_edhoc_id *id, struct sg_auth_meter *ret)
{
    const struct fx_auth *a = user;
    for (size_t i = 0; i < a->n_meters; i++) {
        const struct sg_edhoc_identity *m = a->meters[i].peer;
        if (!sg_bytes_equal(sg_buf_bytes(&m->id_cred), id->id_cred))
            continue;
        ret->credential = sg_edhoc_identity_credential(m);
        snprintf(ret->serial, sizeof ret->serial, "%zu", 70000000 + i);
        ret->client_id = 1000 + (int64_t)i;
        memcpy(ret->x5t, m->x5t, 32);
        return 0;
    }
    return SG_EDHOC_NOBODY;
}

static int load_session(void *user, const uint8_t *cid, struct sg_session_record *ret,
                        struct sg_window *ret_window)
{
    struct fx_auth *a = user;
    if (a->store->down)
        return sg_raise(-EIO);
    const struct fx_stored_session *x = fx_find(a->store, cid);
    if (!x)
        return SG_AUTH_NO_SESSION;
    *ret = x->record;
    *ret_window = x->has_window ? x->window : (struct sg_window){0};
    return 0;
}

static void seeded_random(void *user, void *p, size_t n)
{
    struct fx_auth *a = user;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)p)[i] = (uint8_t)sg_prng_u64(&a->prng);
}

void fx_auth_new(struct fx_auth *a, struct fx_store *store, const struct fx_identity *own,
                 const struct fx_identity *meters, size_t n_meters, uint64_t seed)
{
    *a = (struct fx_auth){.store = store, .meters = meters, .n_meters = n_meters};
    sg_prng_seed(&a->prng, seed);
    a->ops = (struct sg_auth_ops){
        .find_meter = find_meter, .load_session = load_session, .random = seeded_random};
    static const uint8_t cid_key[32] = {1, 2, 3};
    struct sg_auth_options o = {.ops = &a->ops,
                                .user = a,
                                .suites = {2, 3},
                                .n_suites = 2,
                                .own = {own->own, own->own},
                                .cid_key = cid_key};
    check(sg_auth_new(&a->engine, &o));
}

void fx_auth_free(struct fx_auth *a)
{
    sg_auth_free(a->engine);
}

static void establish(struct fx_auth *a, const struct sg_auth_result *res, struct sg_buf *reply)
{
    if (a->store->down || a->store->n_sessions == FX_SESSIONS) {
        sg_auth_store_failed(a->engine, res->handshake);
        return;
    }
    a->store->sessions[a->store->n_sessions++] = (struct fx_stored_session){.record = res->record};
    check(sg_auth_stored(a->engine, res->handshake, reply));
}

/* One try: 0 done (*ack set), 1 conflict. */
static int try_commit(struct fx_auth *a, const struct sg_auth_result *res, struct sg_ack *ack)
{
    const struct sg_session_record *who = sg_auth_session_record(res->session);
    struct sg_window next;
    bool absent, ok, same;
    const struct sg_window *stored = sg_auth_session_window(res->session, &absent);
    sg_auth_plan(res->session, &res->seq, 1, &next, &ok);
    ack->status = SG_ACK_DUPLICATE;
    if (!ok)
        return 0;
    if (fx_commit(a->store, who->cid, stored, absent, &next, who->client_id,
                  sg_load_be64(res->payload.data), &same)) {
        a->conflicts++;
        sg_auth_session_reload(res->session, &fx_find(a->store, who->cid)->window);
        return 1;
    }
    sg_auth_planned_durable(res->session, &next);
    ack->status = same ? SG_ACK_DUPLICATE : SG_ACK_STORED;
    return 0;
}

static void store_payload(struct fx_auth *a, const struct sg_auth_result *res, struct sg_buf *reply)
{
    struct sg_ack ack = {.seq = res->seq};
    if (a->store->down) {
        sg_auth_settled(res->session, res->seq);
        return;
    }
    if (res->kind != SG_PAYLOAD_BLOCK || res->payload.len < 8) {
        ack.status = SG_ACK_REFUSED;
        ack.reason = SG_REFUSED_KIND;
    } else {
        while (try_commit(a, res, &ack))
            ;
    }
    sg_auth_settled(res->session, res->seq);
    check(sg_auth_ack(a->engine, res->session, &ack, 1, reply));
}

void fx_auth_receive(struct fx_auth *a, struct sg_bytes datagram, int64_t now_ms,
                     struct sg_buf *reply)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT_SECRET(SG_FRAME_MAX);
    struct sg_auth_result res = {.out = out};
    sg_buf_reset(reply);
    int r = sg_auth_receive(a->engine, datagram, now_ms, FX_T0 + now_ms / 1000, &res);
    if (r == 0) {
        a->events[res.event]++;
        switch (res.event) {
        case SG_AUTH_ESTABLISHED:
            establish(a, &res, reply);
            break;
        case SG_AUTH_PAYLOAD:
            store_payload(a, &res, reply);
            break;
        case SG_AUTH_REPLY:
        case SG_AUTH_DUPLICATE:
            check(sg_buf_append(reply, sg_buf_bytes(&res.out)));
            break;
        case SG_AUTH_DROPPED:
            a->drops[res.drop]++;
            break;
        case SG_AUTH_PENDING:
        default:
            break;
        }
    }
    sg_assert(r == 0 || a->store->down);
    out = res.out;
}
