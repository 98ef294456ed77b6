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
#include <sealgrid/tee/policy.h>

#define AT  INT64_C(1782864000) /* 2026-07-01 */
#define DAY INT64_C(86400)

/* A document; tests change something of it. */
struct world {
    int algorithm;
    bool tagged;
    EVP_PKEY *signer; /* in place of the leaf's key */
    const X509 *leaf;
    const X509 *ca; /* NULL: not in the bundle */
    const char *digest;
    uint64_t timestamp_ms;
    size_t n_pcrs, pcr_len;
    uint8_t image; /* every octet of PCR 0 */
    size_t user_data_len;
    const char *left_out, *twice, *foreign; /* members */
    struct sg_bytes tail, raw_payload;
    bool open, no_break; /* members of a number that is not said */
    bool crypto_only, no_root;
};

static EVP_PKEY *root_key, *ca_key, *leaf_key, *p256_key;
static X509 *root, *ca, *leaf;
static struct tk_cert_spec ca_spec, leaf_spec;

static struct tk_cert_spec spec_of(const char *name, int64_t days, bool is_ca)
{
    return (struct tk_cert_spec){.common_name = name,
                                 .from_s = AT - DAY,
                                 .until_s = AT + days * DAY,
                                 .constraints = is_ca ? TK_CA : TK_END_ENTITY,
                                 .path_length = -1,
                                 .key_usage = is_ca ? "keyCertSign,cRLSign" : "digitalSignature",
                                 .digest = "SHA384"};
}

static int make(void **state)
{
    (void)state;
    const struct tk_cert_spec root_spec = spec_of("aws.nitro-enclaves", 3650, true);
    ca_spec = spec_of("zonal CA", 20, true);
    leaf_spec = spec_of("i-0123-enc0123", 1, false);
    root_key = tk_key_new(TK_P384);
    ca_key = tk_key_new(TK_P384);
    leaf_key = tk_key_new(TK_P384);
    p256_key = tk_key_new(TK_P256);
    root = tk_cert_new(&root_spec, root_key, NULL, root_key);
    ca = tk_cert_new(&ca_spec, ca_key, root, root_key);
    leaf = tk_cert_new(&leaf_spec, leaf_key, ca, ca_key);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    X509_free(root);
    X509_free(ca);
    X509_free(leaf);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(leaf_key);
    EVP_PKEY_free(p256_key);
    return 0;
}

static struct world good(void)
{
    return (struct world){.algorithm = -35,
                          .signer = leaf_key,
                          .leaf = leaf,
                          .ca = ca,
                          .digest = "SHA384",
                          .timestamp_ms = (uint64_t)AT * 1000,
                          .n_pcrs = 16,
                          .pcr_len = 48,
                          .image = 0x5a,
                          .user_data_len = 64};
}

/* ---- making ---- */

#define MUST(expr) assert_int_equal((expr), 0)

static void put_filled(struct sg_buf *b, uint8_t octet, size_t len)
{
    uint8_t room[2048];
    assert_true(len <= sizeof room);
    memset(room, octet, len);
    MUST(sg_cbor_put_bytes(b, SG_BYTES(room, len)));
}

static void put_cert(struct sg_buf *b, const X509 *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    if (c)
        tk_cert_der(c, &der);
    else
        MUST(sg_buf_append(&der, SG_BYTES_LIT("\x30\x03\x02\x01\x01")));
    MUST(sg_cbor_put_bytes(b, sg_buf_bytes(&der)));
}

static void put_value(const struct world *w, const char *name, struct sg_buf *b)
{
    if (!strcmp(name, "module_id"))
        MUST(sg_cbor_put_text(b, "i-0123-enc0123"));
    else if (!strcmp(name, "digest"))
        MUST(sg_cbor_put_text(b, w->digest));
    else if (!strcmp(name, "timestamp"))
        MUST(sg_cbor_put_uint(b, w->timestamp_ms));
    else if (!strcmp(name, "certificate"))
        put_cert(b, w->leaf);
    else if (!strcmp(name, "user_data"))
        put_filled(b, 0x77, w->user_data_len);
    else
        MUST(sg_cbor_put_null(b));
}

static void put_pcrs(const struct world *w, struct sg_buf *b)
{
    MUST(sg_cbor_put_map(b, w->n_pcrs));
    for (size_t i = 0; i < w->n_pcrs; i++) {
        MUST(sg_cbor_put_uint(b, i));
        put_filled(b, i == 0 ? w->image : (uint8_t)(i == 8 ? 0x88 : 0), w->pcr_len);
    }
}

static void put_member(const struct world *w, const char *name, struct sg_buf *b)
{
    MUST(sg_cbor_put_text(b, name));
    if (!strcmp(name, "pcrs")) {
        put_pcrs(w, b);
    } else if (!strcmp(name, "cabundle")) {
        MUST(sg_cbor_put_array(b, w->ca ? 2 : 1));
        put_cert(b, root);
        if (w->ca)
            put_cert(b, w->ca);
    } else {
        put_value(w, name, b);
    }
}

static void put_payload(const struct world *w, struct sg_buf *b)
{
    static const char *const members[] = {"module_id", "digest",      "timestamp",
                                          "pcrs",      "certificate", "cabundle",
                                          "user_data", "nonce",       "public_key"};
    enum { N = sizeof members / sizeof members[0] };
    if (w->raw_payload.len) {
        MUST(sg_buf_append(b, w->raw_payload));
        return;
    }
    const size_t more = (size_t)(w->twice != NULL) + (size_t)(w->foreign != NULL);
    if (w->open)
        MUST(sg_buf_append_u8(b, 0xbf));
    else
        MUST(sg_cbor_put_map(b, N + more - (size_t)(w->left_out != NULL)));
    for (size_t i = 0; i < N; i++)
        if (!w->left_out || strcmp(w->left_out, members[i]) != 0)
            put_member(w, members[i], b);
    if (w->twice)
        put_member(w, w->twice, b);
    if (w->foreign)
        put_member(w, w->foreign, b);
    if (w->open && !w->no_break)
        MUST(sg_buf_append_u8(b, 0xff));
}

static void make_document(const struct world *w, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf payload = SG_BUF_INIT(65536);
    put_payload(w, &payload);
    tk_cose_sign1(w->signer, w->algorithm, w->tagged, sg_buf_bytes(&payload), ret);
    MUST(sg_buf_append(ret, w->tail));
}

static struct sg_tee_store *store_of(const struct world *w)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(8192), crl = SG_BUF_INIT(8192);
    const struct tk_crl_spec spec = {.from_s = AT - DAY, .until_s = AT + DAY, .digest = "SHA384"};
    struct sg_tee_store *s = NULL;
    unsigned items;
    MUST(sg_tee_store_new(&s, true));
    tk_cert_pem(root, &pem);
    if (!w->no_root)
        MUST(sg_tee_store_add_root(s, SG_TEE_VENDOR_AWS, sg_buf_bytes(&pem)));
    tk_crl_der(&spec, root, root_key, &crl);
    MUST(sg_tee_store_add(s, sg_buf_bytes(&crl), &items));
    MUST(sg_tee_store_seal(s));
    return s;
}

static struct sg_tee_verdict judge_octets(const struct world *w, const struct sg_tee_store *s,
                                          struct sg_bytes document)
{
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = document};
    return tk_judge(s, &e, AT, w->crypto_only);
}

static struct sg_tee_verdict judge(const struct world *w)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf document = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(w);
    make_document(w, &document);
    return judge_octets(w, s, sg_buf_bytes(&document));
}

static void expect_trusted(const struct world *w)
{
    const struct sg_tee_verdict v = judge(w);
    tk_expect_trusted(&v);
    assert_int_equal(v.kind, SG_TEE_NITRO);
}

static void expect_only(const struct world *w, enum sg_tee_reason reason)
{
    const struct sg_tee_verdict v = judge(w);
    tk_expect_only(&v, reason);
}

/* ---- tests ---- */

static void test_good_documents_are_trusted(void **state)
{
    (void)state;
    struct world w = good();
    expect_trusted(&w);
    w.tagged = true;
    expect_trusted(&w);
    w.left_out = "nonce"; /* as public_key and user_data: absent as good as null */
    expect_trusted(&w);
    w.n_pcrs = 32;
    expect_trusted(&w);
    const struct sg_tee_verdict v = judge(&w);
    assert_int_equal(v.claims.measurement_len, 48);
    assert_int_equal(v.claims.measurement[0], 0x5a);
    assert_int_equal(v.claims.signer[0], 0x88);
    assert_int_equal(v.claims.report_data[0], 0x77);
    assert_int_equal(v.tcb_status, SG_TEE_STATUS_NOT_APPLICABLE);
}

static void test_user_data_of_another_length_is_no_report_data(void **state)
{
    (void)state;
    struct world w = good();
    static const uint8_t zeros[64];
    w.user_data_len = 63;
    const struct sg_tee_verdict v = judge(&w);
    assert_true(sg_tee_trusted(&v));
    assert_int_equal(v.claims.report_data[0], 0);
    assert_false(sg_tee_is_over(&v, zeros));
}

static void test_debug_is_an_image_of_zeros(void **state)
{
    (void)state;
    struct world w = good();
    w.image = 0;
    expect_only(&w, SG_TEE_REASON_DEBUG);
    w.crypto_only = true;
    expect_trusted(&w);
}

static void test_another_key_signed(void **state)
{
    (void)state;
    struct world w = good();
    w.signer = ca_key;
    expect_only(&w, SG_TEE_REASON_COSE_SIGNATURE);
}

static void test_chains_that_do_not_do(void **state)
{
    (void)state;
    struct tk_cert_spec spec = leaf_spec;
    struct world w = good();
    w.no_root = true;
    expect_only(&w, SG_TEE_NITRO_UNTRUSTED);
    w = good();
    w.ca = NULL;
    expect_only(&w, SG_TEE_NITRO_UNTRUSTED);
    w = good();
    X509 *by_other = tk_cert_new(&spec, leaf_key, ca, p256_key);
    w.leaf = by_other;
    expect_only(&w, SG_TEE_NITRO_SIGNATURE);
    X509_free(by_other);
    /* Valid for three hours; judged after them, but made within. */
    spec.until_s = AT - 3600;
    X509 *old = tk_cert_new(&spec, leaf_key, ca, ca_key);
    w.leaf = old;
    w.timestamp_ms = (uint64_t)(AT - 7200) * 1000;
    expect_only(&w, SG_TEE_NITRO_EXPIRED);
    X509_free(old);
}

static void test_made_outside_of_its_certificates_life(void **state)
{
    (void)state;
    struct world w = good();
    w.timestamp_ms = (uint64_t)(AT - 2 * DAY) * 1000;
    expect_only(&w, SG_TEE_REASON_NITRO_TIME);
    w.timestamp_ms = (uint64_t)(AT + 2 * DAY) * 1000;
    expect_only(&w, SG_TEE_REASON_NITRO_TIME);
}

static void test_a_ca_that_is_none(void **state)
{
    (void)state;
    struct tk_cert_spec spec = ca_spec;
    struct world w = good();
    spec.constraints = TK_END_ENTITY;
    X509 *none = tk_cert_new(&spec, ca_key, root, root_key);
    w.ca = none;
    const struct sg_tee_verdict v = judge(&w);
    assert_false(sg_tee_trusted(&v));
    assert_true(sg_tee_reasons_have(&v.reasons, SG_TEE_NITRO_CA_CONSTRAINTS));
    X509_free(none);
}

static void test_broken_certificates(void **state)
{
    (void)state;
    struct world w = good();
    w.leaf = NULL;
    expect_only(&w, SG_TEE_NITRO_MALFORMED);
}

static void test_another_algorithm(void **state)
{
    (void)state;
    struct world w = good();
    w.algorithm = -7;
    const struct sg_tee_verdict v = judge(&w);
    assert_true(sg_tee_reasons_have(&v.reasons, SG_TEE_REASON_COSE_ALGORITHM));
    assert_false(sg_tee_trusted(&v));
}

static void test_members_left_out_double_or_foreign(void **state)
{
    (void)state;
    static const char *const required[] = {"module_id", "digest",      "timestamp",
                                           "pcrs",      "certificate", "cabundle"};
    struct world w = good();
    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
        w = good();
        w.left_out = required[i];
        expect_only(&w, SG_TEE_REASON_COSE_PAYLOAD);
        w = good();
        w.left_out = "nonce"; /* as many members as before */
        w.twice = required[i];
        expect_only(&w, SG_TEE_REASON_COSE_PAYLOAD);
    }
    w = good();
    w.left_out = "nonce";
    w.foreign = "debug";
    expect_only(&w, SG_TEE_REASON_COSE_PAYLOAD);
}

/* As newer hypervisors write the payload. */
static void test_a_number_of_members_left_open(void **state)
{
    (void)state;
    struct world w = good();
    w.open = true;
    expect_trusted(&w);
    w.left_out = "nonce";
    expect_trusted(&w);
    w.twice = "pcrs";
    expect_only(&w, SG_TEE_REASON_COSE_PAYLOAD);
    w = good();
    w.open = true;
    w.left_out = "pcrs";
    expect_only(&w, SG_TEE_REASON_COSE_PAYLOAD);
    w.left_out = NULL;
    w.no_break = true;
    expect_only(&w, SG_TEE_REASON_COSE_PAYLOAD);
}

static void test_members_of_the_wrong_form(void **state)
{
    (void)state;
    struct world w = good();
    w.digest = "SHA256";
    expect_only(&w, SG_TEE_REASON_COSE_PAYLOAD);
    w = good();
    w.pcr_len = 47;
    expect_only(&w, SG_TEE_REASON_COSE_PAYLOAD);
    w = good();
    w.n_pcrs = 0;
    expect_only(&w, SG_TEE_REASON_COSE_PAYLOAD);
    w = good();
    w.n_pcrs = 33;
    expect_only(&w, SG_TEE_REASON_COSE_PAYLOAD);
    w = good();
    w.user_data_len = 1025;
    expect_only(&w, SG_TEE_REASON_COSE_PAYLOAD);
    w = good();
    w.timestamp_ms = UINT64_C(1) << 53;
    expect_only(&w, SG_TEE_REASON_COSE_PAYLOAD);
}

static void test_what_is_no_document(void **state)
{
    (void)state;
    struct world w = good();
    w.tail = SG_BYTES_LIT("\0");
    const struct sg_tee_verdict v = judge(&w);
    assert_false(sg_tee_trusted(&v));
    w = good();
    w.raw_payload = SG_BYTES_LIT("\xa0");
    const struct sg_tee_verdict empty = judge(&w);
    assert_false(sg_tee_trusted(&empty));
}

/* Exactly as long as it says, so that a sanitizer sees every octet read behind it. */
static void test_cut_anywhere_it_is_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf document = SG_BUF_INIT(65536);
    const struct world w = good();
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&w);
    make_document(&w, &document);
    for (size_t n = 0; n < document.len; n++) {
        SG_FREE uint8_t *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, document.data, n);
        const struct sg_tee_verdict v = judge_octets(&w, s, SG_BYTES(copy, n));
        assert_false(sg_tee_trusted(&v));
    }
}

/* A sample: P-384 is slow.  The tag and the signature's other form are all that is free. */
static void test_octets_turned(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf document = SG_BUF_INIT(65536);
    const struct world w = good();
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&w);
    make_document(&w, &document);
    for (size_t i = 0; i < document.len; i += i < 16 ? 1 : 31) {
        document.data[i] ^= 1;
        const struct sg_tee_verdict v = judge_octets(&w, s, sg_buf_bytes(&document));
        assert_false(sg_tee_trusted(&v));
        document.data[i] ^= 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_documents_are_trusted),
        cmocka_unit_test(test_user_data_of_another_length_is_no_report_data),
        cmocka_unit_test(test_debug_is_an_image_of_zeros),
        cmocka_unit_test(test_another_key_signed),
        cmocka_unit_test(test_chains_that_do_not_do),
        cmocka_unit_test(test_made_outside_of_its_certificates_life),
        cmocka_unit_test(test_a_ca_that_is_none),
        cmocka_unit_test(test_broken_certificates),
        cmocka_unit_test(test_another_algorithm),
        cmocka_unit_test(test_members_left_out_double_or_foreign),
        cmocka_unit_test(test_a_number_of_members_left_open),
        cmocka_unit_test(test_members_of_the_wrong_form),
        cmocka_unit_test(test_what_is_no_document),
        cmocka_unit_test(test_cut_anywhere_it_is_refused),
        cmocka_unit_test(test_octets_turned),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
