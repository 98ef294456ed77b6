#pragma once
/*
 * test pki - a service CA and identities under it, for the tests of this library.
 */
#include <cmocka.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/net/tls.h>

struct test_identity {
    struct sg_cert *cert;
    struct sg_key *key;
};

static inline void test_identity_clear(struct test_identity *i)
{
    sg_cert_free(i->cert);
    sg_key_free(i->key);
}

static inline struct test_identity test_issue(const struct test_identity *ca, const char *uri,
                                              bool is_ca)
{
    struct test_identity i = {0};
    int64_t now = sg_clock_unix_s();
    struct sg_cert_request request = {
        .common_name = uri ? "service" : "test CA",
        .uri = uri,
        .dns = uri ? "localhost" : NULL,
        .ip = uri ? "127.0.0.1" : NULL,
        .not_before_s = now - 60,
        .not_after_s = now + 3600,
        .ca = is_ca,
        .path_len = is_ca ? 0 : -1,
        .server = !is_ca,
        .client = !is_ca,
    };
    assert_int_equal(sg_key_generate(&i.key, SG_KEY_P256), 0);
    assert_int_equal(
        sg_cert_issue(&i.cert, &request, i.key, ca ? ca->cert : NULL, ca ? ca->key : i.key), 0);
    return i;
}

static inline struct sg_tls_ctx *test_context(const struct test_identity *who,
                                              const struct test_identity *root, bool server,
                                              enum sg_tls_peer peer)
{
    struct sg_cert *roots[1] = {root ? root->cert : NULL};
    struct sg_tls_identity id = {
        .cert = who ? who->cert : NULL,
        .key = who ? who->key : NULL,
        .roots = roots,
        .n_roots = root ? 1 : 0,
    };
    struct sg_tls_ctx *c = NULL;
    assert_int_equal(sg_tls_ctx_new(&c, &id, server, peer), 0);
    return c;
}
