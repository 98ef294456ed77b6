#pragma once
/*
 * nonces-int - single-use nonces, each bound to the TLS connection it was given to.
 *
 * A ring in order of issue: the first four octets of a nonce are its number, the other 28 are
 * random.  A spent nonce stays until the ring comes round or it expires, so that its second use is
 * named.  Time is a parameter.  Any thread.
 */
#include <pthread.h>

#include "messages-int.h"

#define SG_CAS_NONCE_LIFETIME_MS 30000

struct sg_cas_nonce {
    uint8_t nonce[SG_CAS_NONCE_LEN];
    uint8_t exporter[SG_CAS_EXPORTER_LEN];
    int64_t issued_ms;
    bool used; /* this slot of the ring */
    bool spent;
};

struct sg_cas_nonces {
    pthread_mutex_t mutex;
    struct sg_cas_nonce *ring;
    uint32_t capacity; /* a power of two */
    uint32_t next;
};

SG_MUST_USE int sg_cas_nonces_init(struct sg_cas_nonces *n, uint32_t capacity);
void sg_cas_nonces_clear(struct sg_cas_nonces *n);
/* 0 or NONCES_EXHAUSTED: more live ones than the ring holds. */
SG_MUST_USE int sg_cas_nonces_issue(struct sg_cas_nonces *n,
                                    const uint8_t exporter[SG_CAS_EXPORTER_LEN], int64_t now_ms,
                                    uint8_t ret[SG_CAS_NONCE_LEN]);
/* 0 once; else NONCE_UNKNOWN, NONCE_FOREIGN, NONCE_REPLAYED, NONCE_EXPIRED. */
SG_MUST_USE int sg_cas_nonces_spend(struct sg_cas_nonces *n, const uint8_t nonce[SG_CAS_NONCE_LEN],
                                    const uint8_t exporter[SG_CAS_EXPORTER_LEN], int64_t now_ms);
