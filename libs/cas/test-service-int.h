#pragma once
/*
 * test-service - casd's decisions without a network: a connection is two values that a test
 * chooses, so that every attack is a few lines.
 */
#include "test-cas-int.h"

static const struct sg_cas_limits limits = {1000, 1000, 1024, 500, 300};

struct fixture {
    struct world w;
    struct sg_cas_service *service;
    struct sg_cas_finding finding; /* of the last request */
};

/* Somebody on a TLS connection of his own. */
struct peer {
    struct sg_key *key;
    struct sg_buf spki;
    struct sg_cas_connection connection;
};

static inline void open_service(struct fixture *f)
{
    assert_int_equal(sg_cas_service_open(&f->service, f->w.state, f->w.tee, SG_TEE_SEAL_MEASUREMENT,
                                         &limits, f->w.now),
                     0);
}

/* Of cmocka; *state is the fixture. */
static inline int fixture_tear_down(void **state)
{
    struct fixture *f = *state;
    sg_cas_service_free(f->service);
    world_clear(&f->w);
    return 0;
}

static inline void peer_clear(struct peer *p)
{
    sg_key_free(p->key);
    sg_buf_clear(&p->spki);
}

static inline void peer_new(struct peer *p)
{
    *p = (struct peer){.spki = SG_BUF_INIT(1024)};
    assert_int_equal(sg_key_generate(&p->key, SG_KEY_P256), 0);
    assert_int_equal(sg_key_public_der(p->key, &p->spki), 0);
    p->connection.key = p->key;
    p->connection.spki = sg_buf_bytes(&p->spki);
    sg_random_bytes(p->connection.exporter, sizeof p->connection.exporter);
}

static inline void get_nonce(struct fixture *f, const struct peer *p, uint8_t ret[SG_CAS_NONCE_LEN])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(128);
    struct sg_cas_challenge c;
    assert_int_equal(sg_cas_service_challenge(f->service, p->connection.exporter, f->w.now, &b), 0);
    assert_int_equal(sg_message_decode(&sg_cas_challenge_type, sg_buf_bytes(&b), &c), 0);
    memcpy(ret, c.nonce, sizeof c.nonce);
}

static inline int send_request(struct fixture *f, const struct sg_cas_connection *c,
                               const struct sg_cas_request *q, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_CAS_REQUEST_MAX);
    assert_int_equal(sg_message_encode(&sg_cas_request_type, q, &b), 0);
    return sg_cas_service_attest(f->service, c, sg_buf_bytes(&b), f->w.now, ret, &f->finding);
}

/* Refused under this name, and nothing came out. */
static inline void assert_refused(int r, enum sg_cas_refusal expected, const struct sg_buf *out)
{
    assert_string_equal(sg_cas_refusal_name((enum sg_cas_refusal)r), sg_cas_refusal_name(expected));
    assert_int_equal(out->len, 0);
}

#define PEER(name)                                                                                 \
    SG_CLEANUP(peer_clear) struct peer name;                                                       \
    peer_new(&name)
#define OUT(name) SG_CLEANUP(sg_buf_clear) struct sg_buf name = SG_BUF_INIT_SECRET(SG_CAS_GRANT_MAX)
