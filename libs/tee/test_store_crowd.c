/*
 * A genuine set in a folder of a thousand certificates that others made: under every name, with the
 * genuine keys, signed by each other.  It counts as if it lay there alone, and what sealing and
 * judging cost is bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "store-int.h"
#include "testkit/expect.h"
#include "testkit/intel.h"

#include <stdio.h>

#define AT  INT64_C(1782864000)
#define DAY INT64_C(86400)

enum { FEW = 100, CROWD = 1000, LISTS = 20, DOCUMENTS = 9 };

static struct tk_intel intel, strangers;

static void add(struct sg_tee_store *s, struct sg_bytes b)
{
    unsigned items;
    assert_int_equal(sg_tee_store_add(s, b, &items), 0);
    assert_int_not_equal(items, 0);
}

static void add_clear(struct sg_tee_store *s, struct sg_buf *b)
{
    add(s, sg_buf_bytes(b));
    sg_buf_reset(b);
}

static void add_genuine(struct sg_tee_store *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    for (int tdx = 0; tdx < 2; tdx++) {
        const struct tk_tcb_info info = tk_tcb_info_good(&intel, tdx);
        const struct tk_identity id = tk_identity_good(&intel, tdx);
        tk_tcb_info_json(&intel, &info, &b);
        add_clear(s, &b);
        tk_identity_json(&intel, &id, &b);
        add_clear(s, &b);
    }
    tk_intel_signer_chain(&intel, &b);
    add_clear(s, &b);
    tk_cert_der(intel.ca, &b);
    add_clear(s, &b);
    tk_intel_root_crl(&intel, NULL, 0, &b);
    add_clear(s, &b);
    tk_intel_pck_crl(&intel, NULL, 0, &b);
    add_clear(s, &b);
}

/* Who the crowd says it is, and who it says its issuers are; NULL: each itself. */
struct crowd {
    unsigned n;
    const char *name, *issuer;
    bool leaves;       /* no CAs */
    EVP_PKEY *subject; /* whose public key it shows; NULL: its own */
};

static void add_crowd(struct sg_tee_store *s, const struct crowd *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    const struct tk_cert_spec above = {.common_name = c->issuer ? c->issuer
                                                      : c->name ? c->name
                                                                : "Nobody",
                                       .from_s = AT - DAY,
                                       .until_s = AT + DAY,
                                       .serial = 1,
                                       .constraints = TK_CA,
                                       .path_length = -1};
    X509 *issuer = tk_cert_new(&above, strangers.ca_key, NULL, strangers.ca_key);
    for (unsigned i = 0; i < c->n; i++) {
        char own[64];
        snprintf(own, sizeof own, "Stranger %u", i);
        struct tk_cert_spec spec = above;
        spec.common_name = c->name ? c->name : own;
        spec.serial = 2 + i;
        spec.constraints = c->leaves ? TK_END_ENTITY : TK_CA;
        spec.key_usage = c->leaves ? "digitalSignature" : "keyCertSign,cRLSign";
        X509 *x = tk_cert_new(&spec, c->subject ? c->subject : strangers.pck_key,
                              c->name ? issuer : NULL, strangers.ca_key);
        tk_cert_der(x, &b);
        add_clear(s, &b);
        X509_free(x);
    }
    X509_free(issuer);
}

static void add_foreign_lists(struct sg_tee_store *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    for (unsigned i = 0; i < LISTS; i++) {
        const struct tk_crl_spec spec = {
            .from_s = AT - DAY + i, .until_s = AT + DAY, .number = 1 + i};
        tk_crl_der(&spec, i % 2 ? intel.ca : intel.root, strangers.root_key, &b);
        add_clear(s, &b);
    }
}

/* Of other platforms, and signed by nobody that anybody knows. */
static void add_foreign_documents(struct sg_tee_store *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        struct tk_tcb_info info = tk_tcb_info_good(&strangers, i % 2);
        info.evaluation = 100 + i;
        tk_tcb_info_json(&strangers, &info, &b);
        add_clear(s, &b);
    }
}

static void judge_good_quotes(const struct sg_tee_store *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    for (int td = 0; td < 2; td++) {
        const struct tk_quote q = td ? tk_quote_td(&intel, 4, TK_TD10_BODY) : tk_quote_sgx(&intel);
        sg_buf_reset(&b);
        tk_quote_make(&intel, &q, &b);
        const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&b)};
        const struct sg_tee_verdict v = tk_judge(s, &e, AT, false);
        tk_expect_trusted(&v);
        assert_int_equal(v.tcb_status, SG_TEE_STATUS_UP_TO_DATE);
    }
}

/* The crowd first: nothing may hang on what was read before what. */
static void expect_genuine_among(const struct crowd *c)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf root = SG_BUF_INIT(8192);
    assert_int_equal(sg_tee_store_new(&s, true), 0);
    tk_cert_der(intel.root, &root);
    assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_INTEL, sg_buf_bytes(&root)), 0);
    add_foreign_documents(s);
    add_foreign_lists(s);
    add_crowd(s, c);
    add_genuine(s);
    assert_int_equal(sg_tee_store_seal(s), 0);
    /* A root of that name, CAs under it, strangers, each document's signer; no squares. */
    assert_in_range(s->n_checks, 1,
                    (s->n_certs + s->n_crls) * (3 + SG_TEE_STRANGER_TRIES) +
                        s->n_docs * SG_TEE_SIGNER_TRIES);
    judge_good_quotes(s);
}

static void test_everyone_by_a_name_of_its_own(void **state)
{
    (void)state;
    expect_genuine_among(&(struct crowd){.n = CROWD, .leaves = true});
    expect_genuine_among(&(struct crowd){.n = FEW});
}

static void test_all_of_one_name(void **state)
{
    (void)state;
    expect_genuine_among(&(struct crowd){.n = CROWD, .name = "Somebody"});
}

static void test_all_by_the_name_of_the_signer(void **state)
{
    (void)state;
    expect_genuine_among(&(struct crowd){.n = FEW,
                                         .name = SG_TEE_TCB_SIGNER_NAME,
                                         .issuer = intel.root_spec.common_name,
                                         .leaves = true});
}

/* Each shows the very key that signed the documents. */
static void test_all_with_the_key_of_the_signer(void **state)
{
    (void)state;
    expect_genuine_among(&(struct crowd){.n = FEW,
                                         .name = SG_TEE_TCB_SIGNER_NAME,
                                         .issuer = intel.root_spec.common_name,
                                         .leaves = true,
                                         .subject = intel.signer_key});
}

static void test_all_by_the_name_of_the_ca(void **state)
{
    (void)state;
    expect_genuine_among(&(struct crowd){
        .n = FEW, .name = intel.ca_spec.common_name, .issuer = intel.root_spec.common_name});
    expect_genuine_among(&(struct crowd){.n = FEW, .name = intel.ca_spec.common_name});
}

static void test_all_by_the_name_of_the_root(void **state)
{
    (void)state;
    expect_genuine_among(&(struct crowd){.n = FEW, .name = intel.root_spec.common_name});
}

/* Nothing is checked before sealing: one certificate under many numbers will do. */
static void test_more_than_a_store_takes_is_said(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    struct tk_cert_spec spec = intel.signer_spec;
    unsigned items;
    spec.serial = UINT64_C(0x1122334455660000);
    X509 *x = tk_cert_new(&spec, intel.signer_key, intel.root, intel.root_key);
    tk_cert_der(x, &b);
    X509_free(x);
    uint8_t *serial = memmem(b.data, b.len, "\x11\x22\x33\x44\x55\x66", 6);
    assert_non_null(serial);
    assert_int_equal(sg_tee_store_new(&s, true), 0);
    for (uint16_t i = 0; i < SG_TEE_CERTS_MAX; i++) {
        sg_store_be16(serial + 6, i);
        add(s, sg_buf_bytes(&b));
    }
    sg_store_be16(serial + 6, SG_TEE_CERTS_MAX);
    assert_int_equal(sg_tee_store_add(s, sg_buf_bytes(&b), &items), -ENOBUFS);
    assert_non_null(strstr(sg_error_trace(), "more than 1024 certificates"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everyone_by_a_name_of_its_own),
        cmocka_unit_test(test_all_of_one_name),
        cmocka_unit_test(test_all_by_the_name_of_the_signer),
        cmocka_unit_test(test_all_with_the_key_of_the_signer),
        cmocka_unit_test(test_all_by_the_name_of_the_ca),
        cmocka_unit_test(test_all_by_the_name_of_the_root),
        cmocka_unit_test(test_more_than_a_store_takes_is_said),
    };
    tk_intel_init(&intel, AT);
    tk_intel_init(&strangers, AT);
    strangers.fmspc[0] ^= 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tk_intel_clear(&intel);
    tk_intel_clear(&strangers);
    return failed;
}
