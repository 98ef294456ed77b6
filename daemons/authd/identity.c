/* identity - what the grant of casd is used for. */
#include "identity.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define STORES_MAX 256

struct opened {
    struct sg_kv *kv;
    unsigned generation;
};

struct auth_store {
    const struct sg_cas_identity *identity;
    const char *connect;
    int timeout_ms;
    pthread_mutex_t lock;
    struct opened opened[STORES_MAX]; /* under the lock */
};

int auth_grant_edhoc(const struct sg_cas_grant *g, int suite, struct sg_edhoc_identity **ret)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    char name[64];
    snprintf(name, sizeof name, SG_SECRET_EDHOC_KEY, suite);
    const struct sg_secret *k = sg_cas_secret(g, name);
    snprintf(name, sizeof name, SG_SECRET_EDHOC_CERT, suite);
    const struct sg_secret *c = sg_cas_secret(g, name);
    if (!k || !c)
        return sg_raisef(-ENOKEY, "casd grants no EDHOC credential of suite %d", suite);
    int r = sg_key_load_private(&key, sg_secret_bytes(k));
    r = r ? r : sg_cert_load(&cert, sg_secret_bytes(c));
    r = r ? r : sg_edhoc_identity_x509(ret, cert, key);
    if (r == 0)
        (void)TAKE_PTR(key);
    return r;
}

int auth_grant_roots(const struct sg_cas_grant *g, struct sg_cert **ret, size_t *ret_n)
{
    static const char end[] = "-----END CERTIFICATE-----";
    const struct sg_secret *s = sg_cas_secret(g, SG_SECRET_AUTHORITY_ROOT);
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

int auth_store_new(struct auth_store **ret, const struct sg_cas_identity *identity,
                   const char *connect, int timeout_ms)
{
    struct auth_store *s = calloc(1, sizeof *s);
    if (!s)
        return sg_raise(-ENOMEM);
    pthread_mutex_init(&s->lock, NULL);
    s->identity = identity;
    s->connect = connect;
    s->timeout_ms = timeout_ms;
    *ret = s;
    return 0;
}

void auth_store_free(struct auth_store *s)
{
    if (!s)
        return;
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* Under the lock. */
static struct opened *place(struct auth_store *s, const struct sg_kv *kv)
{
    for (size_t k = 0; k < STORES_MAX; k++)
        if (s->opened[k].kv == kv)
            return &s->opened[k];
    return NULL;
}

int auth_store_open(void *store, struct sg_kv **ret)
{
    struct auth_store *s = store;
    struct sg_kv *kv = NULL;
    unsigned generation = sg_cas_identity_generation(s->identity);
    struct sg_kv_remote o = {.connect = s->connect,
                             .tls = sg_cas_identity_client(s->identity),
                             .expect_uri = "spiffe://sealgrid/kvsd",
                             .timeout_ms = s->timeout_ms};
    int r = sg_kv_open_remote(&kv, &o);
    if (r)
        return sg_fold(r);
    pthread_mutex_lock(&s->lock);
    struct opened *p = place(s, NULL);
    if (p)
        *p = (struct opened){kv, generation};
    pthread_mutex_unlock(&s->lock);
    if (!p) {
        sg_kv_free(kv);
        return sg_raise(-EMFILE);
    }
    *ret = kv;
    return 0;
}

void auth_store_close(void *store, struct sg_kv *kv)
{
    struct auth_store *s = store;
    pthread_mutex_lock(&s->lock);
    struct opened *p = place(s, kv);
    if (p)
        *p = (struct opened){0};
    pthread_mutex_unlock(&s->lock);
    sg_kv_free(kv);
}

bool auth_store_is_old(void *store, const struct sg_kv *kv)
{
    struct auth_store *s = store;
    pthread_mutex_lock(&s->lock);
    const struct opened *p = place(s, kv);
    bool old = p && p->generation != sg_cas_identity_generation(s->identity);
    pthread_mutex_unlock(&s->lock);
    return old;
}
