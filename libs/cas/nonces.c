#include <sealgrid/base/random.h>

#include "nonces-int.h"

int sg_cas_nonces_init(struct sg_cas_nonces *n, uint32_t capacity)
{
    sg_assert(capacity && (capacity & (capacity - 1)) == 0);
    *n = (struct sg_cas_nonces){.capacity = capacity};
    n->ring = calloc(capacity, sizeof *n->ring);
    if (!n->ring)
        return sg_raise(-ENOMEM);
    pthread_mutex_init(&n->mutex, NULL);
    return 0;
}

void sg_cas_nonces_clear(struct sg_cas_nonces *n)
{
    if (!n->ring)
        return;
    free(n->ring);
    n->ring = NULL;
    pthread_mutex_destroy(&n->mutex);
}

static bool is_expired(const struct sg_cas_nonce *e, int64_t now_ms)
{
    return now_ms - e->issued_ms >= SG_CAS_NONCE_LIFETIME_MS;
}

int sg_cas_nonces_issue(struct sg_cas_nonces *n, const uint8_t exporter[SG_CAS_EXPORTER_LEN],
                        int64_t now_ms, uint8_t ret[SG_CAS_NONCE_LEN])
{
    pthread_mutex_lock(&n->mutex);
    struct sg_cas_nonce *e = &n->ring[n->next & (n->capacity - 1)];
    bool full = e->used && !e->spent && !is_expired(e, now_ms);
    if (!full) {
        *e = (struct sg_cas_nonce){.issued_ms = now_ms, .used = true};
        sg_store_be32(e->nonce, n->next++);
        sg_random_bytes(e->nonce + 4, sizeof e->nonce - 4);
        memcpy(e->exporter, exporter, sizeof e->exporter);
        memcpy(ret, e->nonce, sizeof e->nonce);
    }
    pthread_mutex_unlock(&n->mutex);
    return full ? SG_CAS_REFUSAL_NONCES_EXHAUSTED : 0;
}

static int judge(const struct sg_cas_nonce *e, const uint8_t nonce[SG_CAS_NONCE_LEN],
                 const uint8_t exporter[SG_CAS_EXPORTER_LEN], int64_t now_ms)
{
    if (!e->used || !sg_secret_equal(SG_BYTES_ARRAY(e->nonce), SG_BYTES(nonce, SG_CAS_NONCE_LEN)))
        return SG_CAS_REFUSAL_NONCE_UNKNOWN;
    if (!sg_secret_equal(SG_BYTES_ARRAY(e->exporter), SG_BYTES(exporter, SG_CAS_EXPORTER_LEN)))
        return SG_CAS_REFUSAL_NONCE_FOREIGN;
    if (e->spent)
        return SG_CAS_REFUSAL_NONCE_REPLAYED;
    return is_expired(e, now_ms) ? SG_CAS_REFUSAL_NONCE_EXPIRED : 0;
}

int sg_cas_nonces_spend(struct sg_cas_nonces *n, const uint8_t nonce[SG_CAS_NONCE_LEN],
                        const uint8_t exporter[SG_CAS_EXPORTER_LEN], int64_t now_ms)
{
    pthread_mutex_lock(&n->mutex);
    struct sg_cas_nonce *e = &n->ring[sg_load_be32(nonce) & (n->capacity - 1)];
    int r = judge(e, nonce, exporter, now_ms);
    if (r == 0)
        e->spent = true;
    pthread_mutex_unlock(&n->mutex);
    return r;
}
