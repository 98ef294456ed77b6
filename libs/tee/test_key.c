#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "key-int.h"
#include "testkit/pki.h"

#include <sealgrid/base/buf.h>

static const struct sg_bytes message = SG_BYTES_LIT("what was said");

struct pair {
    EVP_PKEY *private;
    struct sg_tee_key *public;
};

static struct pair make(enum tk_key_type type)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf spki = SG_BUF_INIT(4096);
    struct pair p = {tk_key_new(type), NULL};
    tk_key_spki(p.private, &spki);
    assert_int_equal(sg_tee_key_spki(&p.public, sg_buf_bytes(&spki)), 0);
    return p;
}

static void drop(struct pair *p)
{
    EVP_PKEY_free(p->private);
    sg_tee_key_free(p->public);
}

static bool round_trip(const struct pair *p, enum tk_scheme scheme, const char *digest,
                       enum sg_tee_alg alg)
{
    uint8_t sig[512];
    const size_t n = tk_sign(p->private, scheme, digest, message, sig);
    if (!sg_tee_key_verifies(p->public, alg, message, SG_BYTES(sig, n)))
        return false;
    assert_false(sg_tee_key_verifies(p->public, alg, SG_BYTES(message.data, message.len - 1),
                                     SG_BYTES(sig, n)));
    assert_false(sg_tee_key_verifies(p->public, alg, message, SG_BYTES(sig, n - 1)));
    assert_false(sg_tee_key_verifies(p->public, SG_TEE_ALG_NONE, message, SG_BYTES(sig, n)));
    sig[n / 2] ^= 1;
    assert_false(sg_tee_key_verifies(p->public, alg, message, SG_BYTES(sig, n)));
    return true;
}

static void test_every_algorithm_verifies_its_own(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pair p256 = make(TK_P256), p384 = make(TK_P384);
    SG_CLEANUP(drop) struct pair rsa = make(TK_RSA2048);
    assert_int_equal(sg_tee_key_type(p256.public), SG_TEE_KEY_P256);
    assert_int_equal(sg_tee_key_type(p384.public), SG_TEE_KEY_P384);
    assert_int_equal(sg_tee_key_type(rsa.public), SG_TEE_KEY_RSA);
    /* Signatures differ each time: their lengths and leading zeros do too. */
    for (unsigned i = 0; i < 64; i++)
        assert_true(round_trip(&p256, TK_RAW, "SHA256", SG_TEE_ES256));
    assert_true(round_trip(&p384, TK_RAW, "SHA384", SG_TEE_ES384));
    assert_true(round_trip(&p256, TK_ECDSA, "SHA256", SG_TEE_ECDSA_256));
    assert_true(round_trip(&p384, TK_ECDSA, "SHA384", SG_TEE_ECDSA_384));
    assert_true(round_trip(&p384, TK_ECDSA, "SHA512", SG_TEE_ECDSA_512));
    assert_true(round_trip(&rsa, TK_PKCS1, "SHA256", SG_TEE_RS256));
    assert_true(round_trip(&rsa, TK_PKCS1, "SHA384", SG_TEE_RS384));
    assert_true(round_trip(&rsa, TK_PSS, "SHA256", SG_TEE_PS256));
    assert_true(round_trip(&rsa, TK_PSS, "SHA384", SG_TEE_PS384));
    assert_true(round_trip(&rsa, TK_PSS, "SHA512", SG_TEE_PS512));
}

static void test_no_algorithm_verifies_anothers(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pair p256 = make(TK_P256), p384 = make(TK_P384);
    SG_CLEANUP(drop) struct pair rsa = make(TK_RSA2048);
    assert_false(round_trip(&p256, TK_RAW, "SHA384", SG_TEE_ES256));
    assert_false(round_trip(&p256, TK_RAW, "SHA256", SG_TEE_ES384));
    assert_false(round_trip(&p384, TK_RAW, "SHA384", SG_TEE_ES256));
    assert_false(round_trip(&p256, TK_ECDSA, "SHA256", SG_TEE_ES256));
    assert_false(round_trip(&rsa, TK_PKCS1, "SHA256", SG_TEE_PS256));
    assert_false(round_trip(&rsa, TK_PSS, "SHA256", SG_TEE_RS256));
    assert_false(round_trip(&rsa, TK_PSS, "SHA256", SG_TEE_PS384));
    assert_false(round_trip(&rsa, TK_PKCS1, "SHA256", SG_TEE_ES256));
}

static void test_signatures_of_zeros_verify_nothing(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pair p256 = make(TK_P256), p384 = make(TK_P384);
    uint8_t zeros[96] = {0}, ones[96];
    memset(ones, 0xff, sizeof ones);
    assert_false(sg_tee_key_verifies(p256.public, SG_TEE_ES256, message, SG_BYTES(zeros, 64)));
    assert_false(sg_tee_key_verifies(p256.public, SG_TEE_ES256, message, SG_BYTES(ones, 64)));
    assert_false(sg_tee_key_verifies(p384.public, SG_TEE_ES384, message, SG_BYTES(zeros, 96)));
    assert_false(sg_tee_key_verifies(p384.public, SG_TEE_ES384, message, SG_BYTES(ones, 96)));
    assert_false(sg_tee_key_verifies(p256.public, SG_TEE_ES256, message, SG_BYTES_NONE));
}

static void test_points_off_the_curve_are_refused(void **state)
{
    (void)state;
    uint8_t xy[96] = {0};
    struct sg_tee_key *k = NULL;
    assert_int_equal(sg_tee_key_point(&k, SG_BYTES(xy, 64)), SG_TEE_KEY_BAD);
    assert_int_equal(sg_tee_key_point(&k, SG_BYTES(xy, 96)), SG_TEE_KEY_BAD);
    assert_int_equal(sg_tee_key_point(&k, SG_BYTES(xy, 63)), SG_TEE_KEY_BAD);
    assert_int_equal(sg_tee_key_point(&k, SG_BYTES_NONE), SG_TEE_KEY_BAD);
    memset(xy, 0xff, sizeof xy);
    assert_int_equal(sg_tee_key_point(&k, SG_BYTES(xy, 64)), SG_TEE_KEY_BAD);
    assert_null(k);
}

static void test_a_point_and_its_spki_are_one_key(void **state)
{
    (void)state;
    static const enum tk_key_type types[] = {TK_P256, TK_P384};
    for (size_t i = 0; i < 2; i++) {
        SG_CLEANUP(drop) struct pair p = make(types[i]);
        SG_CLEANUP(sg_tee_key_freep) struct sg_tee_key *again = NULL;
        uint8_t xy[96];
        const size_t n = tk_key_point(p.private, xy);
        assert_int_equal(sg_tee_key_point(&again, SG_BYTES(xy, n)), 0);
        assert_memory_equal(sg_tee_key_id(p.public), sg_tee_key_id(again), 32);
    }
}

static void test_an_rsa_key_from_its_numbers(void **state)
{
    (void)state;
    SG_CLEANUP(drop) struct pair p = make(TK_RSA2048);
    SG_CLEANUP(sg_tee_key_freep) struct sg_tee_key *again = NULL;
    const struct sg_bytes e = SG_BYTES_LIT("\x01\x00\x01");
    BIGNUM *n = NULL;
    uint8_t raw[256], weak[128];
    assert_int_equal(EVP_PKEY_get_bn_param(p.private, "n", &n), 1);
    assert_int_equal(BN_bn2bin(n, raw), sizeof raw);
    BN_free(n);
    assert_int_equal(sg_tee_key_rsa(&again, SG_BYTES_ARRAY(raw), e), 0);
    assert_memory_equal(sg_tee_key_id(p.public), sg_tee_key_id(again), 32);
    memcpy(weak, raw, sizeof weak);
    weak[127] |= 1;
    sg_tee_key_free(again);
    again = NULL;
    assert_int_equal(sg_tee_key_rsa(&again, SG_BYTES_ARRAY(weak), e), SG_TEE_KEY_BAD);
    assert_int_equal(sg_tee_key_rsa(&again, SG_BYTES_ARRAY(raw), SG_BYTES_LIT("\x01")),
                     SG_TEE_KEY_BAD);
    assert_int_equal(sg_tee_key_rsa(&again, SG_BYTES_ARRAY(raw), SG_BYTES_LIT("\x02")),
                     SG_TEE_KEY_BAD);
    assert_int_equal(sg_tee_key_rsa(&again, SG_BYTES_ARRAY(raw), SG_BYTES_NONE), SG_TEE_KEY_BAD);
    assert_int_equal(sg_tee_key_rsa(&again, SG_BYTES_NONE, e), SG_TEE_KEY_BAD);
    raw[255] &= 0xfe;
    assert_int_equal(sg_tee_key_rsa(&again, SG_BYTES_ARRAY(raw), e), SG_TEE_KEY_BAD);
}

static void test_every_cut_of_a_key_is_refused(void **state)
{
    (void)state;
    static const enum tk_key_type types[] = {TK_P256, TK_P384, TK_RSA2048};
    for (size_t i = 0; i < 3; i++) {
        EVP_PKEY *key = tk_key_new(types[i]);
        SG_CLEANUP(sg_buf_clear) struct sg_buf spki = SG_BUF_INIT(4096);
        struct sg_tee_key *k = NULL;
        tk_key_spki(key, &spki);
        for (size_t n = 0; n < spki.len; n++)
            assert_int_equal(sg_tee_key_spki(&k, SG_BYTES(spki.data, n)), SG_TEE_KEY_BAD);
        assert_int_equal(sg_buf_append_u8(&spki, 0), 0);
        assert_int_equal(sg_tee_key_spki(&k, sg_buf_bytes(&spki)), SG_TEE_KEY_BAD);
        EVP_PKEY_free(key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_algorithm_verifies_its_own),
        cmocka_unit_test(test_no_algorithm_verifies_anothers),
        cmocka_unit_test(test_signatures_of_zeros_verify_nothing),
        cmocka_unit_test(test_points_off_the_curve_are_refused),
        cmocka_unit_test(test_a_point_and_its_spki_are_one_key),
        cmocka_unit_test(test_an_rsa_key_from_its_numbers),
        cmocka_unit_test(test_every_cut_of_a_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
