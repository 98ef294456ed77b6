/*
 * What a store lists of its documents, who vouches for them, and what becomes of those that a newer
 * one has superseded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "testkit/amd.h"
#include "testkit/expect.h"
#include "testkit/intel.h"

#include <sealgrid/tee/documents.h>
#include <stdio.h>

#define AT  INT64_C(1782864000)
#define DAY INT64_C(86400)

static struct tk_intel intel;
static struct tk_amd amd;

static void add(struct sg_tee_store *s, struct sg_buf *b)
{
    unsigned items = 0;
    assert_int_equal(sg_tee_store_add(s, sg_buf_bytes(b), &items), 0);
    assert_int_not_equal(items, 0);
    sg_buf_reset(b);
}

static struct sg_tee_store *new_store(bool with_root)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    struct sg_tee_store *s = NULL;
    assert_int_equal(sg_tee_store_new(&s, false), 0);
    if (!with_root)
        return s;
    tk_cert_pem(intel.root, &b);
    assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_INTEL, sg_buf_bytes(&b)), 0);
    sg_buf_reset(&b);
    tk_cert_pem(amd.ark, &b);
    assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_AMD, sg_buf_bytes(&b)), 0);
    return s;
}

static void add_tcb_info(struct sg_tee_store *s, unsigned evaluation)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    struct tk_tcb_info info = tk_tcb_info_good(&intel, false);
    info.evaluation = evaluation;
    tk_tcb_info_json(&intel, &info, &b);
    add(s, &b);
}

static void add_identity(struct sg_tee_store *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    const struct tk_identity id = tk_identity_good(&intel, false);
    tk_identity_json(&intel, &id, &b);
    add(s, &b);
}

static void add_chains(struct sg_tee_store *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    tk_intel_signer_chain(&intel, &b);
    tk_intel_pck_chain(&intel, &b);
    add(s, &b);
}

static void add_crl(struct sg_tee_store *s, bool of_root, uint64_t number, int64_t from_s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    const struct tk_crl_spec spec = {.from_s = from_s, .until_s = AT + DAY, .number = number};
    tk_crl_der(&spec, of_root ? intel.root : intel.ca, of_root ? intel.root_key : intel.ca_key, &b);
    add(s, &b);
}

static void add_lists(struct sg_tee_store *s)
{
    add_crl(s, true, 7, AT - DAY);
    add_crl(s, false, 0, AT - DAY);
}

/* The one of that name. */
static size_t find(const struct sg_tee_store *s, const char *name, int64_t at_s,
                   struct sg_tee_document *ret)
{
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < sg_tee_store_n_documents(s); i++) {
        struct sg_tee_document d;
        sg_tee_store_document(s, i, at_s, &d);
        if (strcmp(d.name, name) != 0)
            continue;
        assert_int_equal(found, SIZE_MAX);
        found = i;
        *ret = d;
    }
    if (found == SIZE_MAX)
        fail_msg("no %s", name);
    return found;
}

static const char *tcb_info_name(void)
{
    static char name[SG_TEE_DOCUMENT_NAME_MAX];
    snprintf(name, sizeof name, "sgx-tcb-info %02x%02x%02x%02x%02x%02x", intel.fmspc[0],
             intel.fmspc[1], intel.fmspc[2], intel.fmspc[3], intel.fmspc[4], intel.fmspc[5]);
    return name;
}

static void test_every_document_is_listed(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = new_store(true);
    struct sg_tee_document d;
    add_tcb_info(s, 17);
    add_identity(s);
    add_chains(s);
    add_lists(s);
    assert_int_equal(sg_tee_store_seal(s), 0);
    assert_int_equal(sg_tee_store_n_documents(s), 8); /* signer, root, PCK, CA */
    find(s, tcb_info_name(), AT, &d);
    assert_int_equal(d.kind, SG_TEE_DOCUMENT_TCB_INFO);
    assert_true(d.vouched && d.numbered && !d.superseded);
    assert_int_equal(sg_tee_document_number(&d), 17);
    assert_true(d.from_s < AT && d.until_s > AT);
    find(s, "qe-identity QE", AT, &d);
    assert_true(d.vouched && d.numbered);
    find(s, "crl Intel SGX Root CA", AT, &d);
    assert_true(d.vouched && d.numbered);
    assert_int_equal(sg_tee_document_number(&d), 7);
    assert_int_equal(d.from_s, AT - DAY);
    assert_int_equal(d.until_s, AT + DAY);
    find(s, "crl Intel SGX PCK Processor CA", AT, &d);
    assert_true(d.vouched);
    assert_false(d.numbered);
    find(s, "certificate Intel SGX PCK Certificate", AT, &d);
    assert_int_equal(d.kind, SG_TEE_DOCUMENT_CERTIFICATE);
    assert_true(d.vouched);
}

static void test_nobody_vouches_without_a_root(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = new_store(false);
    add_tcb_info(s, 17);
    add_identity(s);
    add_chains(s);
    add_lists(s);
    assert_int_equal(sg_tee_store_seal(s), 0);
    for (size_t i = 0; i < sg_tee_store_n_documents(s); i++) {
        struct sg_tee_document d;
        sg_tee_store_document(s, i, AT, &d);
        if (d.vouched)
            fail_msg("%s", d.name);
    }
}

/* A platform's key chains to Intel's root and is nobody to sign a TCB info; nor is a certificate
 * that has ended, or whose issuer is not there. */
static void test_who_may_vouch(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = new_store(true);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *without = new_store(true);
    struct tk_intel forger = intel;
    struct sg_tee_document d;
    forger.signer_key = intel.pck_key;
    const struct tk_tcb_info info = tk_tcb_info_good(&forger, false);
    tk_tcb_info_json(&forger, &info, &b);
    add(s, &b);
    add_identity(s);
    add_chains(s);
    const struct tk_crl_spec spec = {.from_s = AT - DAY, .until_s = AT + DAY};
    tk_crl_der(&spec, intel.pck, intel.pck_key, &b); /* a leaf signs no lists */
    add(s, &b);
    struct tk_cert_spec below = intel.pck_spec; /* nor certificates */
    below.common_name = "Below";
    X509 *c = tk_cert_new(&below, amd.vcek_key, intel.pck, intel.pck_key);
    tk_cert_der(c, &b);
    X509_free(c);
    add(s, &b);
    assert_int_equal(sg_tee_store_seal(s), 0);
    find(s, tcb_info_name(), AT, &d);
    assert_false(d.vouched);
    find(s, "crl Intel SGX PCK Certificate", AT, &d);
    assert_false(d.vouched);
    find(s, "certificate Below", AT, &d);
    assert_false(d.vouched);
    find(s, "qe-identity QE", AT, &d);
    assert_true(d.vouched);
    find(s, "qe-identity QE", AT + 400 * DAY, &d); /* the signer's certificate has ended */
    assert_false(d.vouched);
    add_crl(without, false, 1, AT - DAY);
    assert_int_equal(sg_tee_store_seal(without), 0);
    find(without, "crl Intel SGX PCK Processor CA", AT, &d);
    assert_false(d.vouched);
}

static void test_subjects(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = new_store(true);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *later = new_store(true);
    struct sg_tee_document a, b;
    add_tcb_info(s, 17);
    add_tcb_info(later, 18);
    add_identity(s);
    add_chains(s);
    add_lists(s);
    add_chains(later);
    add_crl(later, true, 8, AT);
    assert_int_equal(sg_tee_store_seal(s), 0);
    assert_int_equal(sg_tee_store_seal(later), 0);
    find(s, tcb_info_name(), AT, &a);
    find(later, tcb_info_name(), AT, &b);
    assert_memory_equal(a.subject, b.subject, sizeof a.subject);
    assert_true(sg_tee_document_older(&a, &b));
    assert_false(sg_tee_document_older(&b, &a));
    assert_false(sg_tee_document_older(&a, &a));
    find(s, "qe-identity QE", AT, &b);
    assert_memory_not_equal(a.subject, b.subject, sizeof a.subject);
    find(s, "crl Intel SGX Root CA", AT, &a);
    find(later, "crl Intel SGX Root CA", AT, &b);
    assert_memory_equal(a.subject, b.subject, sizeof a.subject);
    assert_true(sg_tee_document_older(&a, &b));
    find(s, "crl Intel SGX PCK Processor CA", AT, &b);
    assert_memory_not_equal(a.subject, b.subject, sizeof a.subject);
    /* Its issuer need not be there. */
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *alone = new_store(false);
    struct sg_tee_document c;
    add_crl(alone, false, 1, AT);
    assert_int_equal(sg_tee_store_seal(alone), 0);
    find(alone, "crl Intel SGX PCK Processor CA", AT, &c);
    assert_false(c.vouched);
    assert_memory_equal(b.subject, c.subject, sizeof b.subject);
    /* Of lists the issue counts, whatever their numbers. */
    assert_false(sg_tee_document_older(&b, &b));
    c = b;
    c.from_s--;
    c.numbered = true;
    c.number[19] = 200;
    assert_true(sg_tee_document_older(&c, &b));
    assert_false(sg_tee_document_older(&b, &c));
    /* Of the others the number. */
    find(s, tcb_info_name(), AT, &a);
    c = a;
    c.from_s--;
    assert_false(sg_tee_document_older(&c, &a));
}

/* ---- superseded ---- */

static struct sg_tee_verdict judge(const struct sg_tee_store *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf quote = SG_BUF_INIT(65536);
    const struct tk_quote q = tk_quote_sgx(&intel);
    tk_quote_make(&intel, &q, &quote);
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&quote)};
    struct sg_tee_verdict v = tk_judge(s, &e, AT, false);
    v.fields = NULL;
    v.body = SG_BYTES_NONE;
    return v;
}

static struct sg_tee_store *full_store(void)
{
    struct sg_tee_store *s = new_store(true);
    add_tcb_info(s, 17);
    add_identity(s);
    add_chains(s);
    add_lists(s);
    assert_int_equal(sg_tee_store_seal(s), 0);
    return s;
}

static void expect_superseded(const char *name, enum sg_tee_reason reason)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = full_store();
    struct sg_tee_document d;
    struct sg_tee_verdict v = judge(s);
    tk_expect_trusted(&v);
    sg_tee_store_supersede(s, find(s, name, AT, &d));
    find(s, name, AT, &d);
    assert_true(d.superseded);
    v = judge(s);
    tk_expect_among(&v, reason);
    for (size_t i = 0; i < v.reasons.n; i++) /* of every certificate under that issuer */
        assert_non_null(strstr(sg_tee_reason_name(v.reasons.at[i]), "superseded"));
}

static void test_what_is_superseded_is_refused(void **state)
{
    (void)state;
    expect_superseded(tcb_info_name(), SG_TEE_TCB_INFO_SUPERSEDED);
    expect_superseded("qe-identity QE", SG_TEE_QE_IDENTITY_SUPERSEDED);
    expect_superseded("crl Intel SGX PCK Processor CA", SG_TEE_PCK_CRL_SUPERSEDED);
    expect_superseded("crl Intel SGX Root CA", SG_TEE_PCK_CA_CRL_SUPERSEDED);
}

static void test_the_newer_one_serves(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = new_store(true);
    add_tcb_info(s, 17);
    add_tcb_info(s, 18);
    add_identity(s);
    add_chains(s);
    add_lists(s);
    add_crl(s, true, 8, AT - DAY / 2);
    assert_int_equal(sg_tee_store_seal(s), 0);
    for (size_t i = 0; i < sg_tee_store_n_documents(s); i++) {
        struct sg_tee_document d;
        sg_tee_store_document(s, i, AT, &d);
        if (d.numbered && d.kind != SG_TEE_DOCUMENT_IDENTITY &&
            (sg_tee_document_number(&d) == 17 || sg_tee_document_number(&d) == 7))
            sg_tee_store_supersede(s, i);
    }
    const struct sg_tee_verdict v = judge(s);
    tk_expect_trusted(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_document_is_listed),
        cmocka_unit_test(test_nobody_vouches_without_a_root),
        cmocka_unit_test(test_who_may_vouch),
        cmocka_unit_test(test_subjects),
        cmocka_unit_test(test_what_is_superseded_is_refused),
        cmocka_unit_test(test_the_newer_one_serves),
    };
    tk_intel_init(&intel, AT);
    tk_amd_init(&amd, TK_MILAN, AT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tk_intel_clear(&intel);
    tk_amd_clear(&amd);
    return failed;
}
