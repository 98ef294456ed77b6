#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "testkit/cose.h"
#include "testkit/expect.h"

#include <sealgrid/base/cbor.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/crypto/hash.h>
#include <sealgrid/tee/policy.h>

#define AT INT64_C(1782864000)

/* A token; tests change something of it. */
struct world {
    EVP_PKEY *platform_key, *realm_key; /* that sign */
    EVP_PKEY *stated_key;               /* in the realm's claims */
    int platform_algorithm, realm_algorithm;
    const char *hash; /* of the realm's key */
    bool other_challenge;
    uint64_t lifecycle;
    size_t challenge_len, measurement_len, instance_len;
    int64_t left_out, twice; /* labels; 0: none */
    bool no_realm, double_platform, other_tag;
    bool collection; /* of records of this content format */
    uint64_t format;
    enum { POINT, COSE_KEY, NO_TYPE, OKP, P256, SHORT_X, ODD_Y, TWO_X, FIVE } key_form;
    struct sg_bytes tail;
    enum { PINNED, BARE, NEITHER } endorsed;
    bool crypto_only;
};

static EVP_PKEY *cpak, *rak, *other;

static int make(void **state)
{
    (void)state;
    cpak = tk_key_new(TK_P384);
    rak = tk_key_new(TK_P384);
    other = tk_key_new(TK_P384);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    EVP_PKEY_free(cpak);
    EVP_PKEY_free(rak);
    EVP_PKEY_free(other);
    return 0;
}

static struct world good(void)
{
    return (struct world){.platform_key = cpak,
                          .realm_key = rak,
                          .stated_key = rak,
                          .platform_algorithm = -35,
                          .realm_algorithm = -35,
                          .hash = "sha-256",
                          .lifecycle = 0x3003,
                          .challenge_len = 64,
                          .measurement_len = 32,
                          .instance_len = 33};
}

/* ---- making ---- */

#define MUST(expr) assert_int_equal((expr), 0)

enum { PLATFORM_TOKEN = 44234, REALM_TOKEN = 44241 };

static void put_coordinate(struct sg_buf *b, int64_t label, struct sg_bytes value)
{
    MUST(sg_cbor_put_int(b, label));
    MUST(sg_cbor_put_bytes(b, value));
}

static void put_number(struct sg_buf *b, int64_t label, uint64_t value)
{
    MUST(sg_cbor_put_int(b, label));
    MUST(sg_cbor_put_uint(b, value));
}

/* {1: 2, -1: 2, -2: x, -3: y}, or something like it. */
static void put_cose_key(const struct world *w, const uint8_t *xy, struct sg_buf *b)
{
    const struct sg_bytes x = SG_BYTES(xy, 48), y = SG_BYTES(xy + 48, 48);
    MUST(sg_cbor_put_map(b, w->key_form == FIVE ? 5 : w->key_form == NO_TYPE ? 3 : 4));
    if (w->key_form != NO_TYPE)
        put_number(b, 1, w->key_form == OKP ? 1 : 2);
    put_number(b, -1, w->key_form == P256 ? 1 : 2);
    put_coordinate(b, -2, w->key_form == SHORT_X ? SG_BYTES(xy, 47) : x);
    if (w->key_form == ODD_Y) {
        MUST(sg_cbor_put_int(b, -3));
        MUST(sg_cbor_put_bool(b, true)); /* a compressed point */
        return;
    }
    put_coordinate(b, w->key_form == TWO_X ? -2 : -3, y);
    if (w->key_form == FIVE)
        put_number(b, 3, 1);
}

/* The octets that the realm's claims have, and that the platform's challenge is the hash of. */
static void key_claim(const struct world *w, struct sg_buf *ret)
{
    uint8_t point[97] = {4};
    assert_int_equal(tk_key_point(w->stated_key, point + 1), 96);
    if (w->key_form == POINT)
        MUST(sg_buf_append(ret, SG_BYTES_ARRAY(point)));
    else
        put_cose_key(w, point + 1, ret);
}

static size_t hash_key(const struct world *w, uint8_t ret[64])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = SG_BUF_INIT(256);
    key_claim(w, &key);
    const struct sg_bytes octets = sg_buf_bytes(&key);
    if (!strcmp(w->hash, "sha-512")) {
        sg_sha512_parts(ret, &octets, 1);
        return 64;
    }
    sg_sha256(ret, octets);
    return 32;
}

static void put_octets(struct sg_buf *b, uint8_t octet, size_t len)
{
    uint8_t room[128];
    memset(room, octet, sizeof room);
    MUST(sg_cbor_put_bytes(b, SG_BYTES(room, len)));
}

static void put_platform_claim(const struct world *w, int64_t label, struct sg_buf *b)
{
    uint8_t digest[64];
    MUST(sg_cbor_put_int(b, label));
    switch (label) {
    case 10: {
        const size_t len = hash_key(w, digest);
        digest[0] ^= w->other_challenge;
        MUST(sg_cbor_put_bytes(b, SG_BYTES(digest, len)));
        break;
    }
    case 256:
        put_octets(b, 1, w->instance_len);
        break;
    case 2395:
        MUST(sg_cbor_put_uint(b, w->lifecycle));
        break;
    default:
        put_octets(b, 2, 32);
    }
}

static void put_realm_claim(const struct world *w, int64_t label, struct sg_buf *b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = SG_BUF_INIT(256);
    MUST(sg_cbor_put_int(b, label));
    switch (label) {
    case 10:
        put_octets(b, 0x77, w->challenge_len);
        break;
    case 44237:
        key_claim(w, &key);
        MUST(sg_cbor_put_bytes(b, sg_buf_bytes(&key)));
        break;
    case 44238:
        put_octets(b, 0x33, w->measurement_len);
        break;
    default:
        MUST(sg_cbor_put_text(b, w->hash));
    }
}

static void put_claims(const struct world *w, bool platform, struct sg_buf *ret)
{
    static const int64_t labels[2][4] = {{10, 44237, 44238, 44240}, {10, 256, 2395, 2396}};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    uint64_t n = 0;
    for (size_t i = 0; i < 4; i++) {
        const int64_t label = labels[platform][i];
        /* 10 is in both: of the platform it is -10 to tests. */
        const int64_t name = platform && label == 10 ? -10 : label;
        for (int times = (name != w->left_out) + (name == w->twice); times > 0; times--, n++)
            (platform ? put_platform_claim : put_realm_claim)(w, label, &b);
    }
    MUST(sg_cbor_put_map(ret, n));
    MUST(sg_buf_append(ret, sg_buf_bytes(&b)));
}

static void put_token(const struct world *w, bool platform, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf claims = SG_BUF_INIT(4096), token = SG_BUF_INIT(8192);
    put_claims(w, platform, &claims);
    tk_cose_sign1(platform ? w->platform_key : w->realm_key,
                  platform ? w->platform_algorithm : w->realm_algorithm, true,
                  sg_buf_bytes(&claims), &token);
    MUST(sg_cbor_put_uint(ret, platform ? PLATFORM_TOKEN : REALM_TOKEN));
    if (w->collection) {
        MUST(sg_cbor_put_array(ret, 2));
        MUST(sg_cbor_put_uint(ret, w->format));
    }
    MUST(sg_cbor_put_bytes(ret, sg_buf_bytes(&token)));
}

static void make_token(const struct world *w, struct sg_buf *ret)
{
    MUST(sg_cbor_put_tag(ret, w->other_tag ? 398 : w->collection ? 907 : 399));
    MUST(sg_cbor_put_map(ret, 2u - w->no_realm));
    put_token(w, true, ret);
    if (!w->no_realm)
        put_token(w, w->double_platform, ret);
    MUST(sg_buf_append(ret, w->tail));
}

static struct sg_tee_store *store_of(const struct world *w)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(1024);
    struct sg_tee_store *s = NULL;
    unsigned items;
    MUST(sg_tee_store_new(&s, true));
    tk_key_spki(cpak, &der);
    if (w->endorsed == PINNED)
        MUST(sg_tee_store_add_root(s, SG_TEE_VENDOR_ARM, sg_buf_bytes(&der)));
    if (w->endorsed == BARE)
        MUST(sg_tee_store_add(s, sg_buf_bytes(&der), &items));
    MUST(sg_tee_store_seal(s));
    return s;
}

static struct sg_tee_verdict judge_octets(const struct world *w, const struct sg_tee_store *s,
                                          struct sg_bytes token)
{
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = token};
    return tk_judge(s, &e, AT, w->crypto_only);
}

static struct sg_tee_verdict judge(const struct world *w)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf token = SG_BUF_INIT(16384);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(w);
    make_token(w, &token);
    return judge_octets(w, s, sg_buf_bytes(&token));
}

static void expect_trusted(const struct world *w)
{
    const struct sg_tee_verdict v = judge(w);
    tk_expect_trusted(&v);
    assert_int_equal(v.kind, SG_TEE_CCA);
}

static void expect_only(const struct world *w, enum sg_tee_reason reason)
{
    const struct sg_tee_verdict v = judge(w);
    tk_expect_only(&v, reason);
}

static void expect_among(const struct world *w, enum sg_tee_reason reason)
{
    const struct sg_tee_verdict v = judge(w);
    tk_expect_among(&v, reason);
}

/* ---- tests ---- */

static void test_good_tokens_are_trusted(void **state)
{
    (void)state;
    struct world w = good();
    expect_trusted(&w);
    w.hash = "sha-512";
    w.measurement_len = 64;
    expect_trusted(&w);
    const struct sg_tee_verdict v = judge(&w);
    assert_int_equal(v.claims.measurement_len, 64);
    assert_int_equal(v.claims.measurement[63], 0x33);
    assert_int_equal(v.claims.report_data[0], 0x77);
    assert_int_equal(v.claims.platform_len, 33);
}

static void test_a_platform_key_must_be_endorsed(void **state)
{
    (void)state;
    struct world w = good();
    w.endorsed = NEITHER;
    expect_only(&w, SG_TEE_CPAK_MISSING);
    w.crypto_only = true;
    expect_only(&w, SG_TEE_CPAK_MISSING);
    w.endorsed = BARE; /* enough to check a signature, not to trust it */
    expect_trusted(&w);
    w.crypto_only = false;
    expect_only(&w, SG_TEE_CPAK_UNTRUSTED);
}

static void test_another_platform_signed(void **state)
{
    (void)state;
    struct world w = good();
    w.platform_key = other;
    expect_only(&w, SG_TEE_CPAK_MISSING);
    w.endorsed = BARE;
    w.crypto_only = true;
    expect_only(&w, SG_TEE_REASON_COSE_SIGNATURE);
}

static void test_another_realm_signed(void **state)
{
    (void)state;
    struct world w = good();
    w.realm_key = other;
    expect_only(&w, SG_TEE_REASON_COSE_SIGNATURE);
}

/* A realm token of another machine beside a genuine platform's. */
static void test_realm_of_another_platform(void **state)
{
    (void)state;
    struct world w = good();
    w.other_challenge = true;
    expect_only(&w, SG_TEE_REASON_CCA_BINDING);
    w = good();
    w.hash = "sha-384";
    expect_only(&w, SG_TEE_REASON_CCA_BINDING);
}

static void test_every_life_but_the_secured_one_is_debug(void **state)
{
    (void)state;
    static const uint64_t lives[] = {0, 0x1000, 0x2fff, 0x3100, 0x4000, 0x6000, 0x13000};
    struct world w = good();
    for (size_t i = 0; i < sizeof lives / sizeof lives[0]; i++) {
        w.lifecycle = lives[i];
        expect_only(&w, SG_TEE_REASON_DEBUG);
    }
}

static void test_claims_left_out_or_double(void **state)
{
    (void)state;
    static const int64_t labels[] = {10, -10, 256, 2395, 44237, 44238, 44240};
    struct world w = good();
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        w = good();
        w.left_out = labels[i];
        expect_among(&w, labels[i] == -10 || labels[i] == 44240 ? SG_TEE_REASON_CCA_BINDING
                                                                : SG_TEE_REASON_COSE_PAYLOAD);
        w = good();
        w.twice = labels[i];
        expect_only(&w, SG_TEE_REASON_COSE_MALFORMED);
    }
}

static void test_claims_of_the_wrong_length(void **state)
{
    (void)state;
    struct world w = good();
    w.challenge_len = 63;
    expect_only(&w, SG_TEE_REASON_COSE_PAYLOAD);
    w = good();
    w.measurement_len = 65;
    expect_only(&w, SG_TEE_REASON_COSE_PAYLOAD);
    w = good();
    w.measurement_len = 0;
    expect_only(&w, SG_TEE_REASON_COSE_PAYLOAD);
    w = good();
    w.instance_len = 65;
    expect_only(&w, SG_TEE_REASON_COSE_PAYLOAD);
}

static void test_other_algorithms(void **state)
{
    (void)state;
    struct world w = good();
    w.platform_algorithm = -8;
    expect_among(&w, SG_TEE_REASON_COSE_ALGORITHM);
    w = good();
    w.realm_algorithm = -36;
    expect_among(&w, SG_TEE_REASON_COSE_ALGORITHM);
    w = good();
    w.realm_algorithm = -7; /* SHA-256 with a key of P-384 */
    expect_only(&w, SG_TEE_REASON_COSE_SIGNATURE);
}

/* The form of the current profile. */
static void test_a_collection_with_a_cose_key(void **state)
{
    (void)state;
    struct world w = good();
    w.key_form = COSE_KEY;
    expect_trusted(&w);
    w.hash = "sha-512";
    w.collection = true;
    w.format = 263;
    expect_trusted(&w);
    w.realm_key = other;
    expect_only(&w, SG_TEE_REASON_COSE_SIGNATURE);
    w.realm_key = rak;
    w.format = 262;
    expect_only(&w, SG_TEE_REASON_COSE_MALFORMED);
}

static void test_keys_that_are_none(void **state)
{
    (void)state;
    struct world w = good();
    for (w.key_form = NO_TYPE; w.key_form <= FIVE; w.key_form++)
        expect_only(&w, SG_TEE_REASON_COSE_PAYLOAD);
}

static void test_what_is_no_token(void **state)
{
    (void)state;
    struct world w = good();
    w.tail = SG_BYTES_LIT("\0");
    expect_only(&w, SG_TEE_REASON_COSE_MALFORMED);
    w = good();
    w.no_realm = true;
    expect_only(&w, SG_TEE_REASON_COSE_MALFORMED);
    w = good();
    w.double_platform = true;
    expect_only(&w, SG_TEE_REASON_COSE_MALFORMED);
    w = good();
    w.other_tag = true;
    expect_among(&w, SG_TEE_REASON_UNSUPPORTED);
}

/* Exactly as long as it says, so that a sanitizer sees every octet read behind it. */
static void test_cut_or_changed_anywhere_it_is_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf token = SG_BUF_INIT(16384);
    const struct world w = good();
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&w);
    make_token(&w, &token);
    for (size_t n = 0; n < token.len; n++) {
        SG_FREE uint8_t *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, token.data, n);
        const struct sg_tee_verdict v = judge_octets(&w, s, SG_BYTES(copy, n));
        assert_false(sg_tee_trusted(&v));
    }
    for (size_t n = 0; n < token.len; n += 5) { /* a sample: P-384 is slow */
        token.data[n] ^= 1;
        const struct sg_tee_verdict v = judge_octets(&w, s, sg_buf_bytes(&token));
        assert_false(sg_tee_trusted(&v));
        token.data[n] ^= 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_tokens_are_trusted),
        cmocka_unit_test(test_a_platform_key_must_be_endorsed),
        cmocka_unit_test(test_another_platform_signed),
        cmocka_unit_test(test_another_realm_signed),
        cmocka_unit_test(test_realm_of_another_platform),
        cmocka_unit_test(test_every_life_but_the_secured_one_is_debug),
        cmocka_unit_test(test_claims_left_out_or_double),
        cmocka_unit_test(test_claims_of_the_wrong_length),
        cmocka_unit_test(test_other_algorithms),
        cmocka_unit_test(test_a_collection_with_a_cose_key),
        cmocka_unit_test(test_keys_that_are_none),
        cmocka_unit_test(test_what_is_no_token),
        cmocka_unit_test(test_cut_or_changed_anywhere_it_is_refused),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
