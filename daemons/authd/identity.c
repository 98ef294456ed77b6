/* identity - the grant of casd. */
#include "identity.h"

#include <pthread.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/log.h>
#include <stdio.h>
#include <string.h>

#define STORES_MAX    256
#define RENEW_AGAIN_S 30

struct opened {
    struct sg_kv *kv;
    struct sg_tls_ctx *tls;
    unsigned generation;
};

struct auth_identity {
    pthread_mutex_t lock;
    struct sg_cas_bootstrap o;
    struct sg_cas_grant grant;
    unsigned generation;
    int64_t next_try_s;
    struct opened opened[STORES_MAX];
};

/* Under the lock. */
static int renew(struct auth_identity *i, int retry_ms)
{
    struct sg_cas_grant fresh = {0};
    struct sg_cas_bootstrap o = i->o;
    o.retry_ms = retry_ms;
    int r = sg_cas_bootstrap(&o, &fresh);
    if (r)
        return sg_fold(r);
    sg_cas_grant_clear(&i->grant);
    i->grant = fresh;
    i->generation++;
    return 0;
}

static bool is_due(const struct auth_identity *i)
{
    int64_t now = sg_clock_unix_s();
    return now >= sg_cas_renew_at(&i->grant) && now >= i->next_try_s;
}

/* Under the lock, so without waiting for a casd that is away: the present one serves meanwhile. */
static void renew_in_time(struct auth_identity *i)
{
    if (!is_due(i))
        return;
    i->next_try_s = sg_clock_unix_s() + RENEW_AGAIN_S;
    int r = renew(i, 0);
    if (r)
        sg_log_failure("identity.not_renewed", r);
}

int auth_identity_new(struct auth_identity **ret, const struct sg_cas_bootstrap *o)
{
    SG_CLEANUP(auth_identity_freep) struct auth_identity *i = calloc(1, sizeof *i);
    if (!i)
        return sg_raise(-ENOMEM);
    pthread_mutex_init(&i->lock, NULL);
    i->o = *o;
    int r = renew(i, o->retry_ms);
    if (r)
        return r;
    *ret = TAKE_PTR(i);
    return 0;
}

void auth_identity_free(struct auth_identity *i)
{
    if (!i)
        return;
    sg_cas_grant_clear(&i->grant);
    pthread_mutex_destroy(&i->lock);
    free(i);
}

int auth_identity_tls(struct auth_identity *i, bool server, struct sg_tls_ctx **ret)
{
    pthread_mutex_lock(&i->lock);
    renew_in_time(i);
    int r = sg_cas_tls(&i->grant, server, SG_TLS_PEER_REQUIRED, ret);
    pthread_mutex_unlock(&i->lock);
    return r;
}

int auth_identity_edhoc(struct auth_identity *i, int suite, struct sg_edhoc_identity **ret)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    char name[64];
    snprintf(name, sizeof name, SG_SECRET_EDHOC_KEY, suite);
    const struct sg_secret *k = sg_cas_secret(&i->grant, name);
    snprintf(name, sizeof name, SG_SECRET_EDHOC_CERT, suite);
    const struct sg_secret *c = sg_cas_secret(&i->grant, name);
    if (!k || !c)
        return sg_raisef(-ENOKEY, "casd grants no EDHOC credential of suite %d", suite);
    int r = sg_key_load_private(&key, sg_secret_bytes(k));
    r = r ? r : sg_cert_load(&cert, sg_secret_bytes(c));
    r = r ? r : sg_edhoc_identity_x509(ret, cert, key);
    if (r == 0)
        (void)TAKE_PTR(key);
    return r;
}

int auth_identity_roots(struct auth_identity *i, struct sg_cert **ret, size_t *ret_n)
{
    static const char end[] = "-----END CERTIFICATE-----";
    const struct sg_secret *s = sg_cas_secret(&i->grant, SG_SECRET_AUTHORITY_ROOT);
    size_t n = 0;
    int r = 0;
    if (!s)
        return sg_raisef(-ENOKEY, "casd grants no %s", SG_SECRET_AUTHORITY_ROOT);
    struct sg_bytes rest = sg_secret_bytes(s);
    while (r == 0 && rest.len && n < AUTH_ROOTS_MAX) {
        const uint8_t *e = memmem(rest.data, rest.len, end, sizeof end - 1);
        if (!e)
            break;
        size_t len = (size_t)(e - rest.data) + sizeof end - 1;
        r = sg_cert_load(&ret[n], SG_BYTES(rest.data, len));
        n += r == 0;
        rest = SG_BYTES(rest.data + len, rest.len - len);
    }
    *ret_n = n;
    return r ? r : n ? 0 : sg_raisef(-EBADMSG, "no certificate in %s", SG_SECRET_AUTHORITY_ROOT);
}

/* ---- store sessions ---- */

static struct opened *place(struct auth_identity *i, const struct sg_kv *kv)
{
    for (size_t k = 0; k < STORES_MAX; k++)
        if (i->opened[k].kv == kv)
            return &i->opened[k];
    return NULL;
}

int auth_store_open(void *store, struct sg_kv **ret)
{
    const struct auth_store *s = store;
    SG_CLEANUP(sg_tls_ctx_freep) struct sg_tls_ctx *tls = NULL;
    struct sg_kv *kv = NULL;
    int r = auth_identity_tls(s->identity, false, &tls);
    if (r)
        return r;
    struct sg_kv_remote o = {.connect = s->connect,
                             .tls = tls,
                             .expect_uri = "spiffe://sealgrid/kvsd",
                             .timeout_ms = s->timeout_ms};
    r = sg_kv_open_remote(&kv, &o);
    if (r)
        return sg_fold(r);
    pthread_mutex_lock(&s->identity->lock);
    struct opened *p = place(s->identity, NULL);
    if (p)
        *p = (struct opened){kv, TAKE_PTR(tls), s->identity->generation};
    pthread_mutex_unlock(&s->identity->lock);
    if (!p) {
        sg_kv_free(kv);
        return sg_raise(-EMFILE);
    }
    *ret = kv;
    return 0;
}

void auth_store_close(void *store, struct sg_kv *kv)
{
    const struct auth_store *s = store;
    struct sg_tls_ctx *tls = NULL;
    pthread_mutex_lock(&s->identity->lock);
    struct opened *p = place(s->identity, kv);
    if (p) {
        tls = p->tls;
        *p = (struct opened){0};
    }
    pthread_mutex_unlock(&s->identity->lock);
    sg_kv_free(kv);
    sg_tls_ctx_free(tls);
}

bool auth_store_is_old(void *store, const struct sg_kv *kv)
{
    const struct auth_store *s = store;
    pthread_mutex_lock(&s->identity->lock);
    const struct opened *p = place(s->identity, kv);
    bool old = p && (p->generation != s->identity->generation || is_due(s->identity));
    pthread_mutex_unlock(&s->identity->lock);
    return old;
}
