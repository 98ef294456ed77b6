#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/crypto/hash.h>
#include <sealgrid/crypto/x509.h>

#define NOW 1788231600 /* 2026-09-01T03:00:00Z */
#define DAY 86400

/* root -> intermediate -> leaf, as under the metrology authority. */
static struct {
    struct sg_key *root_key, *mid_key, *leaf_key;
    struct sg_cert *root, *mid, *leaf, *other_root;
} g;

static int make_chain(void **state)
{
    (void)state;
    const struct sg_cert_request root = {.common_name = "root",
                                         .not_before_s = NOW - 10 * DAY,
                                         .not_after_s = NOW + 1000 * DAY,
                                         .ca = true,
                                         .path_len = 1};
    const struct sg_cert_request mid = {.common_name = "mid",
                                        .not_before_s = NOW - 9 * DAY,
                                        .not_after_s = NOW + 900 * DAY,
                                        .ca = true,
                                        .path_len = 0};
    const struct sg_cert_request leaf = {.common_name = "12345678",
                                         .uri = "spiffe://sealgrid/authd",
                                         .dns = "localhost",
                                         .ip = "127.0.0.1",
                                         .not_before_s = NOW,
                                         .not_after_s = NOW + 30 * DAY,
                                         .server = true,
                                         .client = true};
    return sg_key_generate(&g.root_key, SG_KEY_P256) ||
           sg_key_generate(&g.mid_key, SG_KEY_ED25519) ||
           sg_key_generate(&g.leaf_key, SG_KEY_P256) ||
           sg_cert_issue(&g.root, &root, g.root_key, NULL, g.root_key) ||
           sg_cert_issue(&g.other_root, &root, g.leaf_key, NULL, g.leaf_key) ||
           sg_cert_issue(&g.mid, &mid, g.mid_key, g.root, g.root_key) ||
           sg_cert_issue(&g.leaf, &leaf, g.leaf_key, g.mid, g.mid_key);
}

static int drop_chain(void **state)
{
    (void)state;
    sg_key_free(g.root_key);
    sg_key_free(g.mid_key);
    sg_key_free(g.leaf_key);
    sg_cert_free(g.root);
    sg_cert_free(g.mid);
    sg_cert_free(g.leaf);
    sg_cert_free(g.other_root);
    return 0;
}

static void a_chain_is_trusted_while_it_is_valid(void **state)
{
    (void)state;
    assert_int_equal(sg_cert_verify(g.leaf, &g.mid, 1, &g.root, 1, NOW + DAY), 0);
    assert_int_equal(sg_cert_verify(g.leaf, &g.mid, 1, &g.root, 1, NOW - 1), SG_CHAIN_EXPIRED);
    assert_int_equal(sg_cert_verify(g.leaf, &g.mid, 1, &g.root, 1, NOW + 31 * DAY),
                     SG_CHAIN_EXPIRED);
}

static void other_roots_and_gaps_are_not(void **state)
{
    (void)state;
    assert_int_equal(sg_cert_verify(g.leaf, &g.mid, 1, &g.other_root, 1, NOW + DAY),
                     SG_CHAIN_UNTRUSTED);
    assert_int_equal(sg_cert_verify(g.leaf, NULL, 0, &g.root, 1, NOW + DAY), SG_CHAIN_UNTRUSTED);
    assert_int_equal(sg_cert_verify(g.leaf, &g.mid, 1, NULL, 0, NOW + DAY), SG_CHAIN_UNTRUSTED);
    /* A self-signed certificate among the intermediates makes no root. */
    assert_int_equal(sg_cert_verify(g.other_root, &g.other_root, 1, &g.root, 1, NOW),
                     SG_CHAIN_UNTRUSTED);
}

/* Of keys of both kinds, under issuers of both. */
static void octets_alone_are_the_same_certificate(void **state)
{
    (void)state;
    struct sg_key *const keys[] = {g.leaf_key, g.mid_key};
    const struct sg_cert_request req = {.common_name = "octets",
                                        .uri = "spiffe://sealgrid/octets",
                                        .dns = "localhost",
                                        .not_before_s = NOW,
                                        .not_after_s = NOW + DAY,
                                        .server = true};
    for (int i = 0; i < 4; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192), a = SG_BUF_INIT(8192);
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
        SG_CLEANUP(sg_cert_freep) struct sg_cert *c = NULL, *whole = NULL;
        SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
        struct sg_cert *issuer = i & 1 ? g.root : g.mid;
        struct sg_key *issuer_key = i & 1 ? g.root_key : g.mid_key;
        char uri[64];
        assert_int_equal(sg_cert_issue_der(&der, &req, keys[i >> 1], issuer, issuer_key), 0);
        assert_int_equal(sg_cert_load(&c, sg_buf_bytes(&der)), 0);
        assert_int_equal(sg_cert_verify(c, &g.mid, 1, &g.root, 1, NOW + 1), 0);
        sg_cert_uri(c, uri, sizeof uri);
        assert_string_equal(uri, req.uri);
        assert_int_equal(sg_cert_public_key(c, &key), 0);
        assert_int_equal(sg_key_public_der(key, &a), 0);
        assert_int_equal(sg_key_public_der(keys[i >> 1], &b), 0);
        assert_true(sg_bytes_equal(sg_buf_bytes(&a), sg_buf_bytes(&b)));
        /* Octet for octet from the names to the last extension: serial before, signature behind. */
        sg_buf_reset(&a);
        assert_int_equal(sg_cert_issue(&whole, &req, keys[i >> 1], issuer, issuer_key), 0);
        assert_int_equal(sg_cert_der(whole, &a), 0);
        assert_memory_equal(a.data + 40, der.data + 40, der.len - 40 - 100);
    }
}

static void a_leaf_cannot_issue(void **state)
{
    (void)state;
    const struct sg_cert_request req = {
        .common_name = "forged", .not_before_s = NOW, .not_after_s = NOW + DAY};
    SG_CLEANUP(sg_cert_freep) struct sg_cert *forged = NULL;
    struct sg_cert *between[] = {g.mid, g.leaf};

    assert_int_equal(sg_cert_issue(&forged, &req, g.leaf_key, g.leaf, g.leaf_key), 0);
    assert_int_equal(sg_cert_verify(forged, between, 2, &g.root, 1, NOW), SG_CHAIN_UNTRUSTED);
}

static void path_length_is_kept(void **state)
{
    (void)state;
    const struct sg_cert_request sub = {.common_name = "sub",
                                        .not_before_s = NOW,
                                        .not_after_s = NOW + DAY,
                                        .ca = true,
                                        .path_len = -1};
    const struct sg_cert_request req = {
        .common_name = "end", .not_before_s = NOW, .not_after_s = NOW + DAY};
    SG_CLEANUP(sg_cert_freep) struct sg_cert *under = NULL;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *end = NULL;

    assert_int_equal(sg_cert_issue(&under, &sub, g.leaf_key, g.mid, g.mid_key), 0);
    assert_int_equal(sg_cert_issue(&end, &req, g.root_key, under, g.leaf_key), 0);
    struct sg_cert *between[] = {g.mid, under};
    assert_int_equal(sg_cert_verify(end, between, 2, &g.root, 1, NOW), SG_CHAIN_UNTRUSTED);
}

static void contents_come_back(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_buf_clear) struct sg_buf a = SG_BUF_INIT(1024);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1024);
    SG_CLEANUP(sg_cert_freep) struct sg_cert *from_der = NULL;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *from_pem = NULL;
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    uint8_t fingerprint[32], want[32];
    char name[64], cut[4], uri[64];
    int64_t from, until;

    assert_int_equal(sg_cert_der(g.leaf, &der), 0);
    assert_int_equal(sg_cert_pem(g.leaf, &pem), 0);
    assert_int_equal(sg_cert_load(&from_der, sg_buf_bytes(&der)), 0);
    assert_int_equal(sg_cert_load(&from_pem, sg_buf_bytes(&pem)), 0);
    sg_sha256(want, sg_buf_bytes(&der));
    sg_cert_fingerprint(from_pem, fingerprint);
    assert_memory_equal(fingerprint, want, 32);
    sg_cert_common_name(from_der, name, sizeof(name));
    assert_string_equal(name, "12345678");
    sg_cert_common_name(from_der, cut, sizeof(cut));
    assert_string_equal(cut, "123");
    sg_cert_uri(from_der, uri, sizeof(uri));
    assert_string_equal(uri, "spiffe://sealgrid/authd");
    sg_cert_uri(g.root, uri, sizeof(uri));
    assert_string_equal(uri, "");
    sg_cert_validity(from_der, &from, &until);
    assert_int_equal(from, NOW);
    assert_int_equal(until, NOW + 30 * DAY);
    assert_int_equal(sg_cert_public_key(from_der, &key), 0);
    assert_int_equal(sg_key_public_der(key, &a), 0);
    assert_int_equal(sg_key_public_der(g.leaf_key, &b), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&a), sg_buf_bytes(&b)));
    assert_int_equal(sg_buf_append_u8(&der, 0), 0);
    SG_CLEANUP(sg_cert_freep) struct sg_cert *none = NULL;
    assert_int_equal(sg_cert_load(&none, sg_buf_bytes(&der)), -EBADMSG);
    assert_int_equal(sg_cert_load(&none, SG_BYTES_NONE), -EBADMSG);
    assert_null(none);
}

static void a_name_with_commas_stays_one_name(void **state)
{
    (void)state;
    const struct sg_cert_request req = {.common_name = "x",
                                        .dns = "a,URI:spiffe://sealgrid/casd",
                                        .not_before_s = NOW,
                                        .not_after_s = NOW + DAY};
    SG_CLEANUP(sg_cert_freep) struct sg_cert *c = NULL;
    char uri[64];

    assert_int_equal(sg_cert_issue(&c, &req, g.leaf_key, g.mid, g.mid_key), 0);
    sg_cert_uri(c, uri, sizeof(uri));
    assert_string_equal(uri, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_is_trusted_while_it_is_valid),
        cmocka_unit_test(other_roots_and_gaps_are_not),
        cmocka_unit_test(octets_alone_are_the_same_certificate),
        cmocka_unit_test(a_leaf_cannot_issue),
        cmocka_unit_test(path_length_is_kept),
        cmocka_unit_test(contents_come_back),
        cmocka_unit_test(a_name_with_commas_stays_one_name),
    };
    return cmocka_run_group_tests(tests, make_chain, drop_chain);
}
