#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/crypto/sign.h>

#define P256_X "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
#define P256_Y "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"

static struct sg_buf unhex(const char *hex)
{
    struct sg_buf b = SG_BUF_INIT(512);
    assert_int_equal(sg_hex_decode(&b, sg_bytes_str(hex)), 0);
    return b;
}

#define UNHEX(name, hex) SG_CLEANUP(sg_buf_clear) struct sg_buf name = unhex(hex)
#define KEY(name)        SG_CLEANUP(sg_key_freep) struct sg_key *name = NULL

/* RFC 6979 appendix A.2.5, message "sample" under SHA-256. */
static void ecdsa_of_rfc_6979(void **state)
{
    (void)state;
    UNHEX(xy, P256_X P256_Y);
    UNHEX(sig, "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
               "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    KEY(k);

    assert_int_equal(sg_key_p256_public(&k, sg_buf_bytes(&xy)), 0);
    assert_int_equal(sg_verify(k, SG_SIGN_ES256, SG_BYTES_LIT("sample"), sg_buf_bytes(&sig)), 0);
    assert_int_equal(sg_verify(k, SG_SIGN_ES256, SG_BYTES_LIT("Sample"), sg_buf_bytes(&sig)),
                     SG_VERIFY_BAD);
    assert_int_equal(sg_verify(k, SG_SIGN_ES256, SG_BYTES_LIT("sample"), SG_BYTES(sig.data, 63)),
                     SG_VERIFY_BAD);
    sig.data[63] ^= 1;
    assert_int_equal(sg_verify(k, SG_SIGN_ES256, SG_BYTES_LIT("sample"), sg_buf_bytes(&sig)),
                     SG_VERIFY_BAD);
    memset(sig.data, 0, sig.len);
    assert_int_equal(sg_verify(k, SG_SIGN_ES256, SG_BYTES_LIT("sample"), sg_buf_bytes(&sig)),
                     SG_VERIFY_BAD);
}

/* The same appendix: a scalar gives the public point; x alone gives it with y's sign. */
static void raw_p256_keys(void **state)
{
    (void)state;
    UNHEX(d, "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    UNHEX(xy, P256_X P256_Y);
    uint8_t got[64];
    KEY(priv);
    KEY(pub);
    KEY(none);

    assert_int_equal(sg_key_p256_private(&priv, sg_buf_bytes(&d)), 0);
    assert_true(sg_key_is_private(priv));
    assert_int_equal(sg_key_p256_xy(priv, got), 0);
    assert_memory_equal(got, xy.data, 64);
    assert_int_equal(sg_key_p256_public_x(&pub, SG_BYTES(xy.data, 32), true), 0);
    assert_int_equal(sg_key_p256_xy(pub, got), 0);
    assert_memory_equal(got, xy.data, 64);
    xy.data[63] ^= 2; /* off the curve */
    assert_int_equal(sg_key_p256_public(&none, sg_buf_bytes(&xy)), -EBADMSG);
    memset(d.data, 0, 32);
    assert_int_equal(sg_key_p256_private(&none, sg_buf_bytes(&d)), -EBADMSG);
    memset(d.data, 0xff, 32);
    assert_int_equal(sg_key_p256_private(&none, sg_buf_bytes(&d)), -EBADMSG);
    assert_null(none);
}

/* SEQUENCE { SEQUENCE { ecPublicKey, prime256v1 }, BIT STRING { point } } */
static void expect_no_key_of_point(const uint8_t *point, uint8_t len)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(128);
    KEY(none);
    const uint8_t lead[] = {0x30, (uint8_t)(24 + len)}, bits[] = {0x03, (uint8_t)(1 + len), 0x00};
    assert_int_equal(sg_buf_append(&der, SG_BYTES_ARRAY(lead)), 0);
    assert_int_equal(
        sg_hex_decode(&der, sg_bytes_str("301306072a8648ce3d020106082a8648ce3d030107")), 0);
    assert_int_equal(sg_buf_append(&der, SG_BYTES_ARRAY(bits)), 0);
    assert_int_equal(sg_buf_append(&der, SG_BYTES(point, len)), 0);
    assert_int_equal(sg_key_load_public(&none, sg_buf_bytes(&der)), -EBADMSG);
    assert_null(none);
}

/*
 * What sg_ecdh_p256 rests on: no key is ever made of a point that is not of the curve, in whatever
 * form it comes.  (7, 0) has order two on a curve that differs in b alone: an exchange with it
 * would tell the lowest bit of the secret.  Under the point at infinity (the generator's x, the
 * digest) is a good signature of anything.
 */
static void points_of_other_curves(void **state)
{
    (void)state;
    uint8_t point[65] = {0x04};
    KEY(none);
    point[32] = 7;
    expect_no_key_of_point(point, 65);
    assert_int_equal(sg_key_p256_public(&none, SG_BYTES(point + 1, 64)), -EBADMSG);
    point[0] = 0x06; /* hybrid form */
    expect_no_key_of_point(point, 65);
    expect_no_key_of_point((const uint8_t[]){0x00}, 1);
    assert_null(none);
}

/* A key is the same whichever way its point was written. */
static void points_in_every_form(void **state)
{
    (void)state;
    UNHEX(compressed, "3039301306072a8648ce3d020106082a8648ce3d030107032200"
                      "03" P256_X);
    UNHEX(hybrid, "3059301306072a8648ce3d020106082a8648ce3d030107034200"
                  "07" P256_X P256_Y);
    UNHEX(plain, "3059301306072a8648ce3d020106082a8648ce3d030107034200"
                 "04" P256_X P256_Y);
    UNHEX(xy, P256_X P256_Y);
    const struct sg_buf *const forms[] = {&plain, &compressed, &hybrid};
    for (size_t i = 0; i < 3; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(128);
        uint8_t got[64];
        KEY(k);
        assert_int_equal(sg_key_load_public(&k, sg_buf_bytes(forms[i])), 0);
        assert_int_equal(sg_key_p256_xy(k, got), 0);
        assert_memory_equal(got, xy.data, 64);
        assert_int_equal(sg_key_public_der(k, &der), 0);
        assert_true(sg_bytes_equal(sg_buf_bytes(&der), sg_buf_bytes(&plain)));
    }
}

/* NIST CAVP, ECC CDH primitive, P-256, COUNT = 0. */
static void ecdh_of_nist(void **state)
{
    (void)state;
    UNHEX(d, "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534");
    UNHEX(q, "700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287"
             "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac");
    UNHEX(z, "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b");
    uint8_t got[32];
    KEY(priv);
    KEY(pub);
    KEY(either_y);

    assert_int_equal(sg_key_p256_private(&priv, sg_buf_bytes(&d)), 0);
    assert_int_equal(sg_key_p256_public(&pub, sg_buf_bytes(&q)), 0);
    assert_int_equal(sg_ecdh_p256(priv, pub, got), 0);
    assert_memory_equal(got, z.data, 32);
    /* EDHOC sends x alone: the sign of y does not matter to the shared x. */
    assert_int_equal(sg_key_p256_public_x(&either_y, SG_BYTES(q.data, 32), true), 0);
    assert_int_equal(sg_ecdh_p256(priv, either_y, got), 0);
    assert_memory_equal(got, z.data, 32);
    assert_int_equal(sg_ecdh_p256(pub, priv, got), -EINVAL);
}

/* RFC 8032 section 7.1, test 2. */
static void ed25519_of_the_rfc(void **state)
{
    (void)state;
    UNHEX(x, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    UNHEX(sig, "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
               "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    KEY(k);

    assert_int_equal(sg_key_ed25519_public(&k, sg_buf_bytes(&x)), 0);
    assert_int_equal(sg_verify(k, SG_SIGN_EDDSA, SG_BYTES_LIT("\x72"), sg_buf_bytes(&sig)), 0);
    assert_int_equal(sg_verify(k, SG_SIGN_EDDSA, SG_BYTES_LIT("\x73"), sg_buf_bytes(&sig)),
                     SG_VERIFY_BAD);
    assert_int_equal(sg_verify(k, SG_SIGN_ES256, SG_BYTES_LIT("\x72"), sg_buf_bytes(&sig)),
                     SG_VERIFY_UNSUITED);
}

static void sign_and_verify(enum sg_key_type type, enum sg_sign_alg alg, size_t sig_len)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf sig = SG_BUF_INIT(512);
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(4096);
    SG_CLEANUP(sg_buf_clear) struct sg_buf secret = SG_BUF_INIT_SECRET(8192);
    KEY(k);
    KEY(pub);
    KEY(again);

    assert_int_equal(sg_key_generate(&k, type), 0);
    assert_int_equal(sg_key_type(k), type);
    assert_int_equal(sg_sign(k, alg, SG_BYTES_LIT("reading"), &sig), 0);
    assert_int_equal(sig.len, sig_len);
    assert_int_equal(sg_key_public_der(k, &der), 0);
    assert_int_equal(sg_key_load_public(&pub, sg_buf_bytes(&der)), 0);
    assert_false(sg_key_is_private(pub));
    assert_int_equal(sg_verify(pub, alg, SG_BYTES_LIT("reading"), sg_buf_bytes(&sig)), 0);
    assert_int_equal(sg_verify(pub, alg, SG_BYTES_LIT("readinG"), sg_buf_bytes(&sig)),
                     SG_VERIFY_BAD);
    assert_int_equal(sg_verify(pub, alg, SG_BYTES_LIT("reading"), SG_BYTES(sig.data, 10)),
                     SG_VERIFY_BAD);
    sig.data[sig.len / 2] ^= 1;
    assert_int_equal(sg_verify(pub, alg, SG_BYTES_LIT("reading"), sg_buf_bytes(&sig)),
                     SG_VERIFY_BAD);

    assert_int_equal(sg_key_private_der(k, &secret), 0);
    assert_int_equal(sg_key_load_private(&again, sg_buf_bytes(&secret)), 0);
    sg_buf_reset(&sig);
    assert_int_equal(sg_sign(again, alg, SG_BYTES_LIT("x"), &sig), 0);
    assert_int_equal(sg_verify(pub, alg, SG_BYTES_LIT("x"), sg_buf_bytes(&sig)), 0);
    assert_int_equal(sg_sign(pub, alg, SG_BYTES_LIT("x"), &sig), -EINVAL);
}

static void every_algorithm_signs(void **state)
{
    (void)state;
    sign_and_verify(SG_KEY_P256, SG_SIGN_ES256, 64);
    sign_and_verify(SG_KEY_ED25519, SG_SIGN_EDDSA, 64);
    sign_and_verify(SG_KEY_RSA2048, SG_SIGN_PS256, 256);
    sign_and_verify(SG_KEY_RSA2048, SG_SIGN_RS256, 256);
}

static void what_is_no_key_is_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(4096);
    KEY(k);
    KEY(none);

    assert_int_equal(sg_key_load_public(&none, SG_BYTES_LIT("no key")), -EBADMSG);
    assert_int_equal(sg_key_load_public(&none, SG_BYTES_NONE), -EBADMSG);
    assert_int_equal(sg_key_generate(&k, SG_KEY_P256), 0);
    assert_int_equal(sg_key_public_der(k, &der), 0);
    assert_int_equal(sg_key_load_private(&none, sg_buf_bytes(&der)), -EBADMSG);
    assert_int_equal(sg_buf_append_u8(&der, 0), 0);
    assert_int_equal(sg_key_load_public(&none, sg_buf_bytes(&der)), -EBADMSG);
    assert_null(none);
}

/* Numbers with leading zeros and with a leading one bit are longer and shorter in DER. */
static void ecdsa_numbers_of_every_length(void **state)
{
    (void)state;
    unsigned zero[2] = {0}, high[2] = {0};
    KEY(k);

    assert_int_equal(sg_key_generate(&k, SG_KEY_P256), 0);
    for (uint32_t i = 0; i < 4000 && !(i > 64 && zero[0] && zero[1]); i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf sig = SG_BUF_INIT(64);
        struct sg_bytes message = SG_BYTES((const uint8_t *)&i, sizeof(i));
        assert_int_equal(sg_sign(k, SG_SIGN_ES256, message, &sig), 0);
        assert_int_equal(sg_verify(k, SG_SIGN_ES256, message, sg_buf_bytes(&sig)), 0);
        for (size_t half = 0; half < 2; half++) {
            zero[half] += sig.data[32 * half] == 0;
            high[half] += sig.data[32 * half] >> 7;
        }
    }
    assert_true(zero[0] && zero[1] && high[0] && high[1]);
}

/* What a key keeps ready from one verification to the next belongs to one padding and one caller.
 */
static void one_key_for_both_paddings(void **state)
{
    (void)state;
    static const enum sg_sign_alg algs[] = {SG_SIGN_PS256, SG_SIGN_RS256};
    struct sg_buf sig[2] = {SG_BUF_INIT(512), SG_BUF_INIT(512)};
    KEY(k);

    assert_int_equal(sg_key_generate(&k, SG_KEY_RSA2048), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(sg_sign(k, algs[i], SG_BYTES_LIT("sample"), &sig[i]), 0);
    for (size_t i = 0; i < 16; i++) {
        size_t alg = i & 1, other = i >> 1 & 1;
        assert_int_equal(sg_verify(k, algs[alg], SG_BYTES_LIT("sample"), sg_buf_bytes(&sig[other])),
                         alg == other ? 0 : SG_VERIFY_BAD);
    }
    sg_buf_clear(&sig[0]);
    sg_buf_clear(&sig[1]);
}

struct crowd {
    const struct sg_key *key;
    struct sg_bytes good, bad;
    unsigned wrong;
};

static void *verify_often(void *user)
{
    struct crowd *c = user;
    for (int i = 0; i < 300; i++) {
        c->wrong += sg_verify(c->key, SG_SIGN_ES256, SG_BYTES_LIT("sample"), c->good) != 0;
        c->wrong +=
            sg_verify(c->key, SG_SIGN_ES256, SG_BYTES_LIT("sample"), c->bad) != SG_VERIFY_BAD;
    }
    return NULL;
}

static void one_key_for_many_threads(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf good = SG_BUF_INIT(64);
    SG_CLEANUP(sg_buf_clear) struct sg_buf bad = SG_BUF_INIT(64);
    pthread_t threads[4];
    struct crowd crowds[4];
    KEY(k);

    assert_int_equal(sg_key_generate(&k, SG_KEY_P256), 0);
    assert_int_equal(sg_sign(k, SG_SIGN_ES256, SG_BYTES_LIT("sample"), &good), 0);
    assert_int_equal(sg_sign(k, SG_SIGN_ES256, SG_BYTES_LIT("other"), &bad), 0);
    for (size_t i = 0; i < 4; i++) {
        crowds[i] = (struct crowd){k, sg_buf_bytes(&good), sg_buf_bytes(&bad), 0};
        assert_int_equal(pthread_create(&threads[i], NULL, verify_often, &crowds[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(crowds[i].wrong, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ecdsa_numbers_of_every_length),
        cmocka_unit_test(one_key_for_both_paddings),
        cmocka_unit_test(one_key_for_many_threads),
        cmocka_unit_test(ecdsa_of_rfc_6979),
        cmocka_unit_test(raw_p256_keys),
        cmocka_unit_test(points_of_other_curves),
        cmocka_unit_test(points_in_every_form),
        cmocka_unit_test(ecdh_of_nist),
        cmocka_unit_test(ed25519_of_the_rfc),
        cmocka_unit_test(every_algorithm_signs),
        cmocka_unit_test(what_is_no_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
