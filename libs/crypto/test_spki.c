/* spki - what is recognised is what OpenSSL's own decoder makes of it, octet by octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "sign-int.h"
#include "spki-int.h"

#define KEY(name) SG_CLEANUP(sg_key_freep) struct sg_key *name = NULL

static struct sg_buf public_der(enum sg_key_type type)
{
    struct sg_buf der = SG_BUF_INIT(1024);
    KEY(k);
    assert_int_equal(sg_key_generate(&k, type), 0);
    assert_int_equal(sg_key_public_der(k, &der), 0);
    return der;
}

/* OpenSSL's verdict: 0 and the key in *ret, or a refusal. */
static int by_decoder(struct sg_bytes der, struct sg_key **ret)
{
    const unsigned char *at = der.data;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)der.len);
    int r = -EBADMSG;

    if (pkey && at == der.data + der.len)
        r = sg_key_wrap(ret, pkey, false);
    else
        EVP_PKEY_free(pkey);
    ERR_clear_error();
    return r;
}

static void expect_same(struct sg_bytes der)
{
    KEY(ours);
    KEY(theirs);
    int r = sg_key_load_public(&ours, der);

    assert_int_equal(r, by_decoder(der, &theirs));
    if (r)
        return;
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(1024);
    assert_int_equal(sg_key_type(ours), sg_key_type(theirs));
    assert_int_equal(EVP_PKEY_eq(sg_key_evp(ours), sg_key_evp(theirs)), 1);
    assert_int_equal(sg_key_public_der(ours, &again), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&again), der));
}

static const struct {
    enum sg_key_type type;
    enum sg_spki_kind kind;
} kinds[] = {
    {SG_KEY_P256, SG_SPKI_P256}, {SG_KEY_ED25519, SG_SPKI_ED25519}, {SG_KEY_RSA2048, SG_SPKI_RSA}};

static void every_kind_is_recognised(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf der = public_der(kinds[i].type);
        assert_int_equal(sg_spki_recognise(sg_buf_bytes(&der)).kind, kinds[i].kind);
        expect_same(sg_buf_bytes(&der));
    }
}

/* One bit changed anywhere in what is not the number itself, and in some of it: refused by both or
 * the same key to both. */
static void every_changed_octet(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf der = public_der(kinds[i].type);
        for (size_t at = 0; at < der.len; at += at < 40 || at + 8 > der.len ? 1 : 16)
            for (unsigned bit = 0; bit < 8; bit++) {
                der.data[at] ^= (uint8_t)(1u << bit);
                if (sg_spki_recognise(sg_buf_bytes(&der)).kind != SG_SPKI_OTHER)
                    expect_same(sg_buf_bytes(&der));
                der.data[at] ^= (uint8_t)(1u << bit);
            }
    }
}

static void every_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf der = public_der(kinds[i].type);
        for (size_t len = 0; len < der.len; len++)
            assert_int_equal(sg_spki_recognise(SG_BYTES(der.data, len)).kind, SG_SPKI_OTHER);
        assert_int_equal(sg_buf_append_u8(&der, 0), 0);
        assert_int_equal(sg_spki_recognise(sg_buf_bytes(&der)).kind, SG_SPKI_OTHER);
        KEY(none);
        assert_int_equal(sg_key_load_public(&none, sg_buf_bytes(&der)), -EBADMSG);
    }
}

/* Small moduli, of lengths in every form of DER; they are recognised, and refused as too small. */
static void put(struct sg_buf *b, uint8_t tag, size_t len)
{
    assert_int_equal(sg_buf_append_u8(b, tag), 0);
    if (len >= 0x80)
        assert_int_equal(sg_buf_append_u8(b, len < 0x100 ? 0x81 : 0x82), 0);
    if (len >= 0x100)
        assert_int_equal(sg_buf_append_u8(b, (uint8_t)(len >> 8)), 0);
    assert_int_equal(sg_buf_append_u8(b, (uint8_t)len), 0);
}

static size_t der_len(size_t len)
{
    return len + (len < 0x80 ? 2 : len < 0x100 ? 3 : 4);
}

static void make_rsa(struct sg_buf *b, const uint8_t *n, size_t n_len, uint8_t e)
{
    const size_t pair = der_len(n_len) + 3, bits = 1 + der_len(pair);
    put(b, 0x30, 15 + der_len(bits));
    assert_int_equal(
        sg_buf_append(b,
                      SG_BYTES_LIT("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00")),
        0);
    put(b, 0x03, bits);
    assert_int_equal(sg_buf_append_u8(b, 0), 0);
    put(b, 0x30, pair);
    put(b, 0x02, n_len);
    assert_int_equal(sg_buf_append(b, SG_BYTES(n, n_len)), 0);
    assert_int_equal(sg_buf_append(b, SG_BYTES(((uint8_t[]){0x02, 0x01, e}), 3)), 0);
}

static void rsa_of_every_length(void **state)
{
    (void)state;
    static uint8_t n[600];
    memset(n, 0x5b, sizeof(n));
    for (size_t len = 1; len < sizeof(n); len++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(1024);
        make_rsa(&der, n, len, 3);
        const struct sg_spki s = sg_spki_recognise(sg_buf_bytes(&der));
        assert_int_equal(s.kind, SG_SPKI_RSA);
        assert_int_equal(s.key.len, len);
        assert_int_equal(s.rsa_e.len, 1);
        if (len % 20 == 16 || len < 3)
            expect_same(sg_buf_bytes(&der));
    }
}

/* Numbers that are negative, even, zero or padded have another form or none. */
static void rsa_of_odd_forms(void **state)
{
    (void)state;
    uint8_t n[256];
    memset(n, 0x5b, sizeof(n));
    static const struct {
        uint8_t first, second, last, e;
        enum sg_spki_kind kind;
    } cases[] = {{0x5b, 0x5b, 0x5b, 3, SG_SPKI_RSA},   {0x00, 0x9b, 0x5b, 3, SG_SPKI_RSA},
                 {0x00, 0x5b, 0x5b, 3, SG_SPKI_OTHER}, {0x9b, 0x5b, 0x5b, 3, SG_SPKI_OTHER},
                 {0x5b, 0x5b, 0x5a, 3, SG_SPKI_OTHER}, {0x5b, 0x5b, 0x5b, 2, SG_SPKI_OTHER},
                 {0x5b, 0x5b, 0x5b, 0, SG_SPKI_OTHER}, {0x5b, 0x5b, 0x5b, 0x83, SG_SPKI_OTHER}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(1024);
        n[0] = cases[i].first;
        n[1] = cases[i].second;
        n[255] = cases[i].last;
        make_rsa(&der, n, sizeof(n), cases[i].e);
        assert_int_equal(sg_spki_recognise(sg_buf_bytes(&der)).kind, cases[i].kind);
    }
}

static void a_point_off_the_curve_is_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = public_der(SG_KEY_P256);
    KEY(none);
    der.data[der.len - 1] ^= 1;
    assert_int_equal(sg_spki_recognise(sg_buf_bytes(&der)).kind, SG_SPKI_P256);
    assert_int_equal(sg_key_load_public(&none, sg_buf_bytes(&der)), -EBADMSG);
    memset(der.data + der.len - 64, 0, 64);
    assert_int_equal(sg_key_load_public(&none, sg_buf_bytes(&der)), -EBADMSG);
    memset(der.data + der.len - 64, 0xff, 64); /* beyond the field */
    assert_int_equal(sg_key_load_public(&none, sg_buf_bytes(&der)), -EBADMSG);
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_recognised),
        cmocka_unit_test(every_changed_octet),
        cmocka_unit_test(every_length),
        cmocka_unit_test(rsa_of_every_length),
        cmocka_unit_test(rsa_of_odd_forms),
        cmocka_unit_test(a_point_off_the_curve_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
