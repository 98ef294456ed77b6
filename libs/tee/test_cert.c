#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "cert-int.h"
#include "der-int.h"
#include "testkit/pki.h"

#include <openssl/x509v3.h>
#include <time.h>

#define AT INT64_C(1782864000)

static EVP_PKEY *ca_key, *leaf_key;

static int make(void **state)
{
    (void)state;
    ca_key = tk_key_new(TK_P256);
    leaf_key = tk_key_new(TK_P256);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(leaf_key);
    return 0;
}

static struct tk_cert_spec ca_spec(void)
{
    return (struct tk_cert_spec){.common_name = "Some CA",
                                 .from_s = AT - 100,
                                 .until_s = AT + 100,
                                 .serial = 0x80,
                                 .constraints = TK_CA,
                                 .path_length = 3,
                                 .key_usage = "keyCertSign,cRLSign"};
}

static void issue(const struct tk_cert_spec *spec, EVP_PKEY *subject, struct sg_buf *ret_der)
{
    X509 *x = tk_cert_new(spec, subject, NULL, ca_key);
    tk_cert_der(x, ret_der);
    X509_free(x);
}

static void test_a_ca_is_read(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_tee_cert_freep) struct sg_tee_cert *c = NULL;
    const struct tk_cert_spec spec = ca_spec();
    issue(&spec, ca_key, &der);
    assert_int_equal(sg_tee_cert_new(&c, sg_buf_bytes(&der)), 0);
    assert_string_equal(c->common_name, "Some CA");
    assert_string_equal(c->issuer_common_name, "Some CA");
    assert_true(sg_der_names_equal(c->subject, c->issuer));
    assert_int_equal(c->serial.len, 1);
    assert_int_equal(c->serial.data[0], 0x80);
    assert_int_equal(c->not_before_s, AT - 100);
    assert_int_equal(c->not_after_s, AT + 100);
    assert_true(c->has_constraints && c->ca && c->has_key_usage);
    assert_int_equal(c->path_length, 3);
    assert_true(c->may_sign_certs && c->may_sign_crls);
    assert_false(c->may_sign || c->unknown_critical);
    assert_int_equal(c->alg, SG_TEE_ECDSA_256);
    assert_true(sg_tee_cert_signed_by(c, c->key));
}

static void test_a_leaf_is_no_ca(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_tee_cert_freep) struct sg_tee_cert *c = NULL;
    struct tk_cert_spec spec = ca_spec();
    spec.constraints = TK_END_ENTITY;
    spec.key_usage = "digitalSignature";
    spec.digest = "SHA384";
    tk_add_extension(&spec, "1.2.3.4", true, SG_BYTES_LIT("\x05\x00"));
    issue(&spec, ca_key, &der);
    assert_int_equal(sg_tee_cert_new(&c, sg_buf_bytes(&der)), 0);
    assert_true(c->has_constraints && c->may_sign && c->unknown_critical);
    assert_false(c->ca || c->may_sign_certs || c->may_sign_crls);
    assert_int_equal(c->path_length, -1);
    assert_int_equal(c->alg, SG_TEE_ECDSA_384);
    struct sg_bytes value;
    assert_true(sg_tee_cert_extension(c, SG_BYTES_LIT("\x2a\x03\x04"), &value));
    assert_true(sg_bytes_equal(value, SG_BYTES_LIT("\x05\x00")));
    assert_false(sg_tee_cert_extension(c, SG_BYTES_LIT("\x2a\x03\x05"), &value));
}

static void test_absent_extensions_grant_nothing(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_tee_cert_freep) struct sg_tee_cert *c = NULL;
    struct tk_cert_spec spec = ca_spec();
    spec.constraints = TK_NO_CONSTRAINTS;
    spec.key_usage = NULL;
    issue(&spec, ca_key, &der);
    assert_int_equal(sg_tee_cert_new(&c, sg_buf_bytes(&der)), 0);
    assert_false(c->has_constraints || c->ca || c->has_key_usage);
    assert_false(c->may_sign || c->may_sign_certs || c->may_sign_crls);
}

static void test_an_extension_twice_is_broken(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    struct sg_tee_cert *c = NULL;
    struct tk_cert_spec spec = ca_spec();
    tk_add_extension(&spec, "1.2.3.4", false, SG_BYTES_LIT("\x05\x00"));
    tk_add_extension(&spec, "1.2.3.4", false, SG_BYTES_LIT("\x05\x00"));
    issue(&spec, ca_key, &der);
    assert_int_equal(sg_tee_cert_new(&c, sg_buf_bytes(&der)), SG_TEE_CERT_BROKEN);
}

static void test_every_cut_is_broken(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    struct sg_tee_cert *c = NULL;
    const struct tk_cert_spec spec = ca_spec();
    issue(&spec, ca_key, &der);
    for (size_t n = 0; n < der.len; n++)
        assert_int_equal(sg_tee_cert_new(&c, SG_BYTES(der.data, n)), SG_TEE_CERT_BROKEN);
    assert_int_equal(sg_buf_append_u8(&der, 0), 0);
    assert_int_equal(sg_tee_cert_new(&c, sg_buf_bytes(&der)), SG_TEE_CERT_BROKEN);
}

/* What ours takes, OpenSSL takes and reads alike. */
static void compare_with_openssl(struct sg_bytes der)
{
    SG_CLEANUP(sg_tee_cert_freep) struct sg_tee_cert *c = NULL;
    if (sg_tee_cert_new(&c, der) != 0)
        return;
    const unsigned char *at = der.data;
    X509 *x = d2i_X509(NULL, &at, (long)der.len);
    if (!x)
        return; /* an algorithm or a string that OpenSSL does not like; nothing hangs on ours */
    struct tm tm;
    uint8_t serial[64];
    BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
    assert_non_null(bn);
    assert_int_equal(BN_bn2bin(bn, serial), c->serial.len);
    assert_memory_equal(serial, c->serial.data, c->serial.len);
    assert_int_equal(ASN1_TIME_to_tm(X509_get0_notBefore(x), &tm), 1);
    assert_int_equal(timegm(&tm), c->not_before_s);
    assert_int_equal(ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm), 1);
    assert_int_equal(timegm(&tm), c->not_after_s);
    if (!(X509_get_extension_flags(x) & EXFLAG_INVALID)) {
        assert_int_equal(X509_check_ca(x) == 1, c->ca && (!c->has_key_usage || c->may_sign_certs));
        assert_int_equal(c->has_key_usage, X509_get_key_usage(x) != UINT32_MAX);
    }
    BN_free(bn);
    X509_free(x);
}

static void test_damaged_certificates_read_as_openssl_reads_them(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    struct tk_cert_spec spec = ca_spec();
    tk_add_extension(&spec, "1.2.3.4", false, SG_BYTES_LIT("\x05\x00"));
    issue(&spec, ca_key, &der);
    compare_with_openssl(sg_buf_bytes(&der));
    for (size_t i = 0; i < der.len; i++) {
        static const uint8_t flips[] = {0x01, 0x80, 0xff};
        for (size_t k = 0; k < sizeof flips; k++) {
            der.data[i] ^= flips[k];
            compare_with_openssl(sg_buf_bytes(&der));
            der.data[i] ^= flips[k];
        }
    }
}

static void test_an_rsa_issuer_signs_by_pss(void **state)
{
    (void)state;
    static const struct {
        const char *digest;
        bool pss;
        enum sg_tee_alg alg;
    } cases[] = {{"SHA384", true, SG_TEE_PS384},
                 {"SHA256", true, SG_TEE_PS256},
                 {"SHA256", false, SG_TEE_RS256},
                 {"SHA1", true, SG_TEE_ALG_NONE},
                 {"SHA1", false, SG_TEE_ALG_NONE}};
    EVP_PKEY *rsa = tk_key_new(TK_RSA2048);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
        SG_CLEANUP(sg_tee_cert_freep) struct sg_tee_cert *c = NULL;
        struct tk_cert_spec spec = ca_spec();
        spec.digest = cases[i].digest;
        spec.pss = cases[i].pss;
        X509 *x = tk_cert_new(&spec, rsa, NULL, rsa);
        tk_cert_der(x, &der);
        X509_free(x);
        assert_int_equal(sg_tee_cert_new(&c, sg_buf_bytes(&der)), 0);
        assert_int_equal(c->alg, cases[i].alg);
        assert_int_equal(sg_tee_cert_signed_by(c, c->key), cases[i].alg != SG_TEE_ALG_NONE);
    }
    EVP_PKEY_free(rsa);
}

/* RSASSA-PSS, SHA-384, MGF1 with SHA-384, salt 48. */
#define SHA384_ID "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00"
#define PSS_ID                                                                                     \
    "\x30\x41\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x34\xa0\x0f" SHA384_ID               \
    "\xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08" SHA384_ID                       \
    "\xa2\x03\x02\x01\x30"

static void test_parameters_of_pss(void **state)
{
    (void)state;
    uint8_t id[] = PSS_ID;
    const struct sg_bytes whole = SG_BYTES(id, sizeof id - 1);
    assert_int_equal(sg_tee_alg_of(whole), SG_TEE_PS384);
    id[whole.len - 1] = 32;
    assert_int_equal(sg_tee_alg_of(whole), SG_TEE_PS384);
    id[whole.len - 1] = 20; /* SHA-1's */
    assert_int_equal(sg_tee_alg_of(whole), SG_TEE_ALG_NONE);
    id[whole.len - 1] = 48;
    id[whole.len - 5 - 3] = 1; /* the mask's digest: SHA-256 */
    assert_int_equal(sg_tee_alg_of(whole), SG_TEE_ALG_NONE);
    /* No parameters: SHA-1 throughout. */
    assert_int_equal(
        sg_tee_alg_of(SG_BYTES_LIT("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x00")),
        SG_TEE_ALG_NONE);
}

/* Inside the signature one algorithm, outside another. */
static void test_two_algorithms_are_none(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_tee_cert_freep) struct sg_tee_cert *c = NULL;
    const struct sg_bytes oid = SG_BYTES_LIT("\x2a\x86\x48\xce\x3d\x04\x03\x02");
    const struct tk_cert_spec spec = ca_spec();
    size_t last = 0;
    issue(&spec, ca_key, &der);
    for (size_t i = 0; i + oid.len <= der.len; i++) {
        if (memcmp(der.data + i, oid.data, oid.len) == 0)
            last = i;
    }
    der.data[last + 7] = 3;
    assert_int_equal(sg_tee_cert_new(&c, sg_buf_bytes(&der)), 0);
    assert_int_equal(c->alg, SG_TEE_ALG_NONE);
}

static void make_crl(const struct tk_crl_spec *spec, struct sg_buf *ret)
{
    const struct tk_cert_spec ca = ca_spec();
    X509 *issuer = tk_cert_new(&ca, ca_key, NULL, ca_key);
    tk_crl_der(spec, issuer, ca_key, ret);
    X509_free(issuer);
}

static struct sg_bytes serial_of(uint64_t v, uint8_t room[8])
{
    size_t skip = 0;
    sg_store_be64(room, v);
    while (skip < 8 && !room[skip])
        skip++;
    return SG_BYTES(room + skip, 8 - skip);
}

static void test_a_list_is_read(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_tee_crl_freep) struct sg_tee_crl *c = NULL;
    const uint64_t serials[] = {0x100, 7, 0xff00ff00ff, 0x80};
    const struct tk_crl_spec spec = {
        .from_s = AT, .until_s = AT + 50, .serials = serials, .n_serials = 4};
    uint8_t room[8];
    make_crl(&spec, &der);
    assert_int_equal(sg_tee_crl_new(&c, sg_buf_bytes(&der)), 0);
    assert_int_equal(c->this_update_s, AT);
    assert_true(c->has_next_update);
    assert_int_equal(c->next_update_s, AT + 50);
    assert_false(c->unusable);
    for (size_t i = 0; i < 4; i++)
        assert_true(sg_tee_crl_lists(c, serial_of(serials[i], room)));
    assert_false(sg_tee_crl_lists(c, serial_of(8, room)));
    assert_false(sg_tee_crl_lists(c, serial_of(0, room)));
    assert_false(sg_tee_crl_lists(c, serial_of(0x10000, room)));
}

static void test_a_list_without_entries_or_end(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_tee_crl_freep) struct sg_tee_crl *c = NULL;
    const struct tk_crl_spec spec = {.from_s = AT};
    make_crl(&spec, &der);
    assert_int_equal(sg_tee_crl_new(&c, sg_buf_bytes(&der)), 0);
    assert_false(c->has_next_update);
    assert_false(sg_tee_crl_lists(c, SG_BYTES_LIT("\x07")));
}

static void test_every_cut_of_a_list_is_broken(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(1 << 20);
    struct sg_tee_crl *c = NULL;
    const uint64_t serials[] = {1, 2};
    const struct tk_crl_spec spec = {
        .from_s = AT, .until_s = AT + 50, .serials = serials, .n_serials = 2};
    make_crl(&spec, &der);
    for (size_t n = 0; n < der.len; n++)
        assert_int_equal(sg_tee_crl_new(&c, SG_BYTES(der.data, n)), SG_TEE_CERT_BROKEN);
}

static int next(const char *text, size_t *at, char label[32], struct sg_buf *der)
{
    return sg_tee_pem_next(sg_bytes_str(text), at, label, der);
}

static void test_pem_blocks_come_one_by_one(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(64);
    const char *text = "noise\n-----BEGIN A-----\r\nAQID\r\n-----END A-----\nmore "
                       "-----BEGIN B C-----\nBA==\n-----END B C-----";
    char label[32];
    size_t at = 0;
    assert_int_equal(next(text, &at, label, &der), SG_TEE_PEM_BLOCK);
    assert_string_equal(label, "A");
    assert_true(sg_bytes_equal(sg_buf_bytes(&der), SG_BYTES_LIT("\x01\x02\x03")));
    assert_int_equal(next(text, &at, label, &der), SG_TEE_PEM_BLOCK);
    assert_string_equal(label, "B C");
    assert_true(sg_bytes_equal(sg_buf_bytes(&der), SG_BYTES_LIT("\x04")));
    assert_int_equal(next(text, &at, label, &der), 0);
}

static void test_broken_pem_is_told_and_passed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "-----BEGIN A-----\nAQ=\n-----END A-----",
        "-----BEGIN A-----\nAQID\n-----END B-----",
        "-----BEGIN A-----\nAQID\n",
        "-----BEGIN A",
        "-----BEGIN AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-----\nAQID\n-----END A-----",
        "-----BEGIN A-----\nA*ID\n-----END A-----"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(64);
        char label[32];
        size_t at = 0;
        assert_int_equal(next(texts[i], &at, label, &der), SG_TEE_PEM_BROKEN);
        assert_int_equal(next(texts[i], &at, label, &der), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ca_is_read),
        cmocka_unit_test(test_a_leaf_is_no_ca),
        cmocka_unit_test(test_absent_extensions_grant_nothing),
        cmocka_unit_test(test_an_extension_twice_is_broken),
        cmocka_unit_test(test_every_cut_is_broken),
        cmocka_unit_test(test_damaged_certificates_read_as_openssl_reads_them),
        cmocka_unit_test(test_an_rsa_issuer_signs_by_pss),
        cmocka_unit_test(test_parameters_of_pss),
        cmocka_unit_test(test_two_algorithms_are_none),
        cmocka_unit_test(test_a_list_is_read),
        cmocka_unit_test(test_a_list_without_entries_or_end),
        cmocka_unit_test(test_every_cut_of_a_list_is_broken),
        cmocka_unit_test(test_pem_blocks_come_one_by_one),
        cmocka_unit_test(test_broken_pem_is_told_and_passed),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
