#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/meter/cose-message.h>
#include <sealgrid/meter/cose.h>

/* ---- the strict profile --------------------------------------------------------------------- */

static struct sg_key *ed;

static void make(struct sg_buf *ret)
{
    struct sg_buf tbs = SG_BUF_INIT(256), sig = SG_BUF_INIT(64);
    assert_int_equal(sg_cose_sign1_to_be_signed(SG_SIGN_EDDSA, SG_BYTES_LIT("aad"),
                                                SG_BYTES_LIT("payload"), &tbs),
                     0);
    assert_int_equal(sg_sign(ed, SG_SIGN_EDDSA, sg_buf_bytes(&tbs), &sig), 0);
    const struct sg_cose_sign1 m = {SG_SIGN_EDDSA, SG_BYTES_LIT("payload"), sg_buf_bytes(&sig)};
    assert_int_equal(sg_cose_sign1_put(ret, &m), 0);
    sg_buf_clear(&tbs);
    sg_buf_clear(&sig);
}

static void to_be_signed(void **state)
{
    (void)state;
    static const uint8_t want[] = {0x84, 0x6a, 'S',  'i',  'g',  'n',  'a', 't',  'u', 'r', 'e',
                                   '1',  0x43, 0xa1, 0x01, 0x26, 0x41, 'a', 0x42, 'h', 'i'};
    struct sg_buf tbs = SG_BUF_INIT(256);
    assert_int_equal(
        sg_cose_sign1_to_be_signed(SG_SIGN_ES256, SG_BYTES_LIT("a"), SG_BYTES_LIT("hi"), &tbs), 0);
    assert_int_equal(tbs.len, sizeof(want));
    assert_memory_equal(tbs.data, want, sizeof(want));
    sg_buf_clear(&tbs);
}

static void profile_round_trip(void **state)
{
    (void)state;
    struct sg_buf b = SG_BUF_INIT(256);
    struct sg_cose_sign1 m;
    make(&b);
    struct sg_reader in = sg_reader_over(sg_buf_bytes(&b));
    assert_int_equal(sg_cose_sign1_take(&in, &m), 0);
    assert_int_equal(m.alg, SG_SIGN_EDDSA);
    assert_true(sg_bytes_equal(m.payload, SG_BYTES_LIT("payload")));
    for (size_t n = 0; n < b.len; n++) {
        in = sg_reader_over(SG_BYTES(b.data, n));
        assert_true(sg_cose_sign1_take(&in, &m) < 0);
    }
    const struct sg_cose_sign1 bad = {SG_SIGN_ES256, SG_BYTES_LIT("x"), SG_BYTES_LIT("short")};
    assert_true(sg_cose_sign1_put(&b, &bad) < 0);
    sg_buf_clear(&b);
}

/* What others may do and we do not: no tag, another tag, unprotected headers, more headers. */
static void profile_is_strict(void **state)
{
    (void)state;
    struct sg_buf b = SG_BUF_INIT(256);
    struct sg_cose_sign1 m;
    make(&b);
    assert_int_equal(b.data[0], 0xd2);
    struct sg_reader in = sg_reader_over(SG_BYTES(b.data + 1, b.len - 1));
    assert_true(sg_cose_sign1_take(&in, &m) < 0);
    b.data[0] = 0xd1;
    in = sg_reader_over(sg_buf_bytes(&b));
    assert_true(sg_cose_sign1_take(&in, &m) < 0);
    b.data[0] = 0xd2;
    assert_int_equal(b.data[5], 0x27); /* EdDSA in h'a10127' */
    b.data[5] = 0x3a;                  /* -59 and so on: no number any more */
    in = sg_reader_over(sg_buf_bytes(&b));
    assert_true(sg_cose_sign1_take(&in, &m) < 0);
    b.data[5] = 0x27;
    assert_int_equal(b.data[6], 0xa0);
    b.data[6] = 0xa1;
    in = sg_reader_over(sg_buf_bytes(&b));
    assert_true(sg_cose_sign1_take(&in, &m) < 0);
    sg_buf_clear(&b);
}

/* ---- messages of others --------------------------------------------------------------------- */

static void judged_like_ours(void **state)
{
    (void)state;
    struct sg_buf b = SG_BUF_INIT(256), der = SG_BUF_INIT(256);
    struct sg_cose_message m;
    make(&b);
    assert_int_equal(sg_key_public_der(ed, &der), 0);
    const struct sg_cose_key key = {.okp_x = SG_BYTES(der.data + der.len - 32, 32)};
    const struct sg_bytes aad = SG_BYTES_LIT("aad");
    assert_int_equal(sg_cose_message_decode(sg_buf_bytes(&b), SG_COSE_SIGN1, &m), 0);
    assert_int_equal(sg_cose_verify(&m, 0, aad, &key), 0);
    assert_int_equal(sg_cose_verify(&m, 0, SG_BYTES_LIT("bad"), &key), SG_COSE_FORGED);
    const struct sg_cose_key other = {.secret = SG_BYTES_LIT("secret")};
    assert_int_equal(sg_cose_verify(&m, 0, aad, &other), SG_COSE_UNSUPPORTED);
    b.data[b.len - 1] ^= 1;
    assert_int_equal(sg_cose_message_decode(sg_buf_bytes(&b), SG_COSE_SIGN1, &m), 0);
    assert_int_equal(sg_cose_verify(&m, 0, aad, &key), SG_COSE_FORGED);
    sg_buf_clear(&b);
    sg_buf_clear(&der);
}

static int decode(const char *octets, size_t n)
{
    struct sg_cose_message m;
    return sg_cose_message_decode(SG_BYTES(octets, n), SG_COSE_SIGN1, &m);
}
#define DECODE(s) decode("" s, sizeof(s) - 1)

static void headers_refused(void **state)
{
    (void)state;
    assert_int_equal(DECODE("\x84\x43\xa1\x01\x26\xa0\x41x\x41y"), 0);
    assert_int_equal(DECODE("\x84\x44\xa1\x02\x81\x01\xa0\x41x\x41y"), SG_COSE_UNSUPPORTED);
    assert_int_equal(DECODE("\x84\x45\xa2\x01\x26\x01\x27\xa0\x41x\x41y"), SG_COSE_MALFORMED);
    assert_int_equal(DECODE("\x84\x43\xa1\x01\x26\xa1\x01\x27\x41x\x41y"), SG_COSE_MALFORMED);
    assert_int_equal(DECODE("\x84\x44\xa1\x01\x61z\xa0\x41x\x41y"), SG_COSE_UNSUPPORTED);
    assert_int_equal(DECODE("\x84\x44\xa1\x01\x26\x00\xa0\x41x\x41y"), SG_COSE_MALFORMED);
    assert_int_equal(DECODE("\xd9\x03\xe6\x84\x43\xa1\x01\x26\xa0\x41x\x41y"), SG_COSE_UNSUPPORTED);
    assert_int_equal(DECODE("\x83\x43\xa1\x01\x26\xa0\x41x"), SG_COSE_MALFORMED);
    assert_int_equal(DECODE("\x84\x43\xa1\x01\x26\xa0\x41x\x41y\x00"), SG_COSE_MALFORMED);
    assert_int_equal(DECODE("\xd8\x62\x84\x40\xa0\x41x\x80"), SG_COSE_MALFORMED); /* no signer */
}

/* Sealed by the headers of a message, opened again, refused when a bit differs; every AEAD. */
static void sealed(void **state)
{
    (void)state;
    static const struct {
        uint8_t alg;
        size_t key_len, nonce_len;
    } algs[] = {{1, 16, 12},  {2, 24, 12},  {3, 32, 12},  {10, 16, 13},
                {11, 32, 13}, {24, 32, 12}, {30, 16, 13}, {31, 32, 13}};
    static const uint8_t secret[32] = {1, 2, 3};
    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        struct sg_buf out = SG_BUF_INIT(256), back = SG_BUF_INIT(256);
        const uint8_t map[] = {0xa1, 0x01, 0x18, algs[i].alg};
        struct sg_cose_message m = {.kind = SG_COSE_ENCRYPT0,
                                    .headers = {.protected_map = SG_BYTES_ARRAY(map),
                                                .alg = algs[i].alg,
                                                .iv = SG_BYTES(secret, algs[i].nonce_len)}};
        const struct sg_cose_key key = {.secret = SG_BYTES(secret, algs[i].key_len)};
        assert_int_equal(
            sg_cose_seal(&m, SG_BYTES_NONE, &key, SG_BYTES_NONE, SG_BYTES_LIT("plain text"), &out),
            0);
        m.content = sg_buf_bytes(&out);
        assert_int_equal(sg_cose_open(&m, SG_BYTES_NONE, &key, SG_BYTES_NONE, &back), 0);
        assert_true(sg_bytes_equal(sg_buf_bytes(&back), SG_BYTES_LIT("plain text")));
        sg_buf_reset(&back);
        assert_int_equal(sg_cose_open(&m, SG_BYTES_LIT("x"), &key, SG_BYTES_NONE, &back),
                         SG_COSE_FORGED);
        out.data[3] ^= 1;
        assert_int_equal(sg_cose_open(&m, SG_BYTES_NONE, &key, SG_BYTES_NONE, &back),
                         SG_COSE_FORGED);
        assert_int_equal(back.len, 0);
        sg_buf_clear(&out);
        sg_buf_clear(&back);
    }
}

static int setup(void **state)
{
    (void)state;
    return sg_key_generate(&ed, SG_KEY_ED25519);
}

static int teardown(void **state)
{
    (void)state;
    sg_key_free(ed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(to_be_signed),      cmocka_unit_test(profile_round_trip),
        cmocka_unit_test(profile_is_strict), cmocka_unit_test(judged_like_ours),
        cmocka_unit_test(headers_refused),   cmocka_unit_test(sealed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
