#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "quote-int.h"
#include "testkit/intel.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/tee/policy.h>

#define AT  INT64_C(1782864000)
#define DAY INT64_C(86400)

enum form { SGX3, TD4, TD5_10, TD5_15 };

/* Everything that is judged; a case changes something of it. */
struct world {
    struct tk_intel intel;
    struct tk_quote quote;
    struct tk_tcb_info info;
    struct tk_identity identity;
    bool no_info, no_identity, no_pck_crl, no_root_crl, no_signer;
    bool signer_under_ca;             /* not under the root */
    const struct tk_tcb_info *second; /* one more TCB info */
    const uint64_t *pck_revoked, *root_revoked;
    struct sg_bytes tail; /* behind the quote */
    bool crypto_only;
    struct sg_tee_policy policy;
};

static struct tk_intel good; /* keys and certificates, made once */
static EVP_PKEY *stranger;

static struct world make(enum form f)
{
    struct world w = {.intel = good, .policy = sg_tee_policy_default()};
    w.intel.root = w.intel.ca = w.intel.pck = w.intel.signer = NULL;
    const bool td = f != SGX3;
    w.info = tk_tcb_info_good(&good, td);
    w.identity = tk_identity_good(&good, td);
    w.quote = f == SGX3  ? tk_quote_sgx(&good)
              : f == TD4 ? tk_quote_td(&good, 4, TK_TD10_BODY)
                         : tk_quote_td(&good, 5, f == TD5_10 ? TK_TD10_BODY : TK_TD15_BODY);
    w.policy.at_s = AT;
    return w;
}

static void add(struct sg_tee_store *s, const struct sg_buf *b)
{
    unsigned items;
    assert_int_equal(sg_tee_store_add(s, sg_buf_bytes(b), &items), 0);
    assert_int_not_equal(items, 0);
}

static void put_signer(const struct world *w, struct sg_buf *ret)
{
    if (!w->signer_under_ca) {
        tk_intel_signer_chain(&w->intel, ret);
        return;
    }
    X509 *signer =
        tk_cert_new(&w->intel.signer_spec, w->intel.signer_key, w->intel.ca, w->intel.ca_key);
    tk_cert_pem(signer, ret);
    X509_free(signer);
    tk_cert_pem(w->intel.ca, ret);
}

static struct sg_tee_store *store_of(const struct world *w)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf root = SG_BUF_INIT(8192), chain = SG_BUF_INIT(16384);
    SG_CLEANUP(sg_buf_clear) struct sg_buf info = SG_BUF_INIT(65536), id = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf a = SG_BUF_INIT(8192), b = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_buf_clear) struct sg_buf second = SG_BUF_INIT(65536);
    struct sg_tee_store *s = NULL;
    assert_int_equal(sg_tee_store_new(&s, true), 0);
    tk_cert_der(w->intel.root, &root);
    assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_INTEL, sg_buf_bytes(&root)), 0);
    put_signer(w, &chain);
    tk_tcb_info_json(&w->intel, &w->info, &info);
    if (w->second)
        tk_tcb_info_json(&w->intel, w->second, &second);
    tk_identity_json(&w->intel, &w->identity, &id);
    tk_intel_root_crl(&w->intel, w->root_revoked, w->root_revoked ? 1 : 0, &a);
    tk_intel_pck_crl(&w->intel, w->pck_revoked, w->pck_revoked ? 1 : 0, &b);
    const struct {
        bool no;
        const struct sg_buf *doc;
    } docs[] = {{w->no_signer, &chain}, {w->no_info, &info},  {!w->second, &second},
                {w->no_identity, &id},  {w->no_root_crl, &a}, {w->no_pck_crl, &b}};
    for (size_t i = 0; i < sizeof docs / sizeof docs[0]; i++) {
        if (!docs[i].no)
            add(s, docs[i].doc);
    }
    assert_int_equal(sg_tee_store_seal(s), 0);
    return s;
}

/* The certificates; keys are of `good`. */
static void release(struct world *w)
{
    X509_free(w->intel.root);
    X509_free(w->intel.ca);
    X509_free(w->intel.pck);
    X509_free(w->intel.signer);
    w->intel.root = w->intel.ca = w->intel.pck = w->intel.signer = NULL;
}

/* The verdict's advisories and fields are not to be looked at: what they borrow is gone. */
static struct sg_tee_verdict judge(struct world *w)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf quote = SG_BUF_INIT(65536);
    tk_intel_issue(&w->intel);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(w);
    tk_quote_make(&w->intel, &w->quote, &quote);
    assert_int_equal(sg_buf_append(&quote, w->tail), 0);
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&quote)};
    struct sg_tee_cache *cache = NULL;
    assert_int_equal(sg_tee_cache_new(&cache, s), 0);
    struct sg_tee_case c = {.evidence = &e, .store = s, .at_s = AT, .crypto_only = w->crypto_only};
    struct sg_tee_verdict first, v;
    assert_int_equal(sg_tee_judge(&c, &first), 0);
    /* With a cache, cold and warm, the same. */
    c.cache = cache;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(sg_tee_judge(&c, &v), 0);
        assert_memory_equal(&v, &first, sizeof v);
    }
    sg_tee_apply(&w->policy, &v);
    sg_tee_cache_free(cache);
    release(w);
    return v;
}

static void expect(struct world *w, enum sg_tee_reason r, enum sg_tee_status status)
{
    const struct sg_tee_verdict v = judge(w);
    if (r == SG_TEE_REASON_NONE && v.reasons.n)
        fail_msg("refused: %s", sg_tee_reason_name(v.reasons.at[0]));
    assert_int_equal(sg_tee_trusted(&v), r == SG_TEE_REASON_NONE);
    if (r != SG_TEE_REASON_NONE && !sg_tee_reasons_have(&v.reasons, r))
        fail_msg("%s expected, %s found", sg_tee_reason_name(r),
                 v.reasons.n ? sg_tee_reason_name(v.reasons.at[0]) : "nothing");
    assert_string_equal(sg_tee_status_name(v.tcb_status), sg_tee_status_name(status));
}

/* Nothing else is against it. */
static void expect_only(struct world *w, enum sg_tee_reason r, enum sg_tee_status status)
{
    const struct sg_tee_verdict v = judge(w);
    for (size_t i = 0; i < v.reasons.n; i++)
        assert_string_equal(sg_tee_reason_name(v.reasons.at[i]), sg_tee_reason_name(r));
    assert_int_equal(v.reasons.n, 1);
    assert_string_equal(sg_tee_status_name(v.tcb_status), sg_tee_status_name(status));
}

#define UP SG_TEE_STATUS_UP_TO_DATE

static void test_good_quotes_are_trusted(void **state)
{
    (void)state;
    static const struct {
        enum form form;
        const char *format;
        size_t measurement;
    } forms[] = {{SGX3, "sgx-quote-v3", 32},
                 {TD4, "tdx-quote-v4", 48},
                 {TD5_10, "tdx-quote-v5", 48},
                 {TD5_15, "tdx-quote-v5", 48}};
    for (size_t i = 0; i < 4; i++) {
        struct world w = make(forms[i].form);
        const struct sg_tee_verdict v = judge(&w);
        if (!sg_tee_trusted(&v))
            fail_msg("refused: %s", sg_tee_reason_name(v.reasons.at[0]));
        assert_string_equal(v.format, forms[i].format);
        assert_int_equal(v.tcb_status, UP);
        assert_int_equal(v.claims.measurement_len, forms[i].measurement);
        assert_int_equal(v.claims.platform_len, 16);
        assert_int_equal(v.claims.report_data[0], 0x77);
        assert_int_equal(v.claims.report_data[63], 0x77);
        assert_int_equal(v.absent.n, 0);
        assert_int_equal(v.collateral_until_s, AT + 29 * DAY);
    }
}

static void test_a_verdict_is_none_before_both_steps(void **state)
{
    (void)state;
    struct sg_tee_verdict v = {0};
    assert_false(sg_tee_trusted(&v));
    v.judged = true;
    assert_false(sg_tee_trusted(&v));
    v = (struct sg_tee_verdict){0};
    const struct sg_tee_policy p = sg_tee_policy_default();
    sg_tee_apply(&p, &v);
    assert_false(sg_tee_trusted(&v));
    assert_true(sg_tee_reasons_have(&v.reasons, SG_TEE_REASON_NOT_JUDGED));
}

static void test_headers(void **state)
{
    (void)state;
    static const struct {
        enum form form;
        size_t at;
        uint8_t value;
        enum sg_tee_reason reason;
    } cases[] = {
        {SGX3, 0, 2, SG_TEE_REASON_VERSION},           {SGX3, 0, 6, SG_TEE_REASON_VERSION},
        {SGX3, 1, 1, SG_TEE_REASON_VERSION},           {SGX3, 2, 3, SG_TEE_REASON_QUOTE_KEY_TYPE},
        {SGX3, 4, 0x81, SG_TEE_REASON_QUOTE_TEE_TYPE}, {TD4, 4, 0x82, SG_TEE_REASON_QUOTE_TEE_TYPE},
        {TD4, 5, 1, SG_TEE_REASON_QUOTE_TEE_TYPE},     {SGX3, 12, 0, SG_TEE_REASON_QUOTE_VENDOR},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world w = make(cases[i].form);
        w.quote.header[cases[i].at] = cases[i].value;
        const struct sg_tee_verdict v = judge(&w);
        assert_false(sg_tee_trusted(&v));
        if (!sg_tee_reasons_have(&v.reasons, cases[i].reason))
            fail_msg("case %zu: %s", i, sg_tee_reason_name(v.reasons.at[0]));
    }
}

static void test_unknown_bodies_are_refused(void **state)
{
    (void)state;
    static const unsigned types[] = {0, 1, 2, 4, 5, 0xffff};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct world w = make(TD5_15);
        w.quote.body_type = (uint16_t)types[i];
        const struct sg_tee_verdict v = judge(&w);
        const enum sg_tee_reason wanted =
            types[i] == 2 ? SG_TEE_REASON_MALFORMED : SG_TEE_REASON_QUOTE_BODY_TYPE;
        assert_true(sg_tee_reasons_have(&v.reasons, wanted));
    }
}

static void test_octets_behind_the_quote(void **state)
{
    (void)state;
    struct world w = make(TD4);
    w.tail = SG_BYTES_LIT("\0\0\0\0\0\0\0");
    expect(&w, SG_TEE_REASON_NONE, UP);
    w.tail = SG_BYTES_LIT("\0\0\0\1\0\0\0");
    expect_only(&w, SG_TEE_REASON_TRAILING, UP);
}

/* A length that counts more than what is known to be in it. */
static void test_octets_inside_the_signature_data(void **state)
{
    (void)state;
    static const struct {
        enum form form;
        size_t len_at;
    } forms[] = {{SGX3, 432}, {TD4, 632}, {TD5_15, 702}};
    for (size_t i = 0; i < 3; i++) {
        struct world w = make(forms[i].form);
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
        struct sg_quote q;
        tk_intel_issue(&w.intel);
        tk_quote_make(&w.intel, &w.quote, &b);
        release(&w);
        assert_int_equal(sg_quote_read(sg_buf_bytes(&b), &q), SG_TEE_REASON_NONE);
        assert_int_equal(sg_buf_append_zeros(&b, 4), 0);
        assert_int_equal(sg_quote_read(sg_buf_bytes(&b), &q), SG_TEE_REASON_NONE);
        assert_int_equal(q.trailing, 4);
        const unsigned len = sg_load_le16(b.data + forms[i].len_at) + 4u;
        b.data[forms[i].len_at] = (uint8_t)len;
        b.data[forms[i].len_at + 1] = (uint8_t)(len >> 8);
        assert_int_equal(sg_quote_read(sg_buf_bytes(&b), &q), SG_TEE_REASON_MALFORMED);
    }
}

static void test_signatures_and_bindings(void **state)
{
    (void)state;
    for (unsigned f = SGX3; f <= TD5_15; f++) {
        struct world w = make((enum form)f);
        w.quote.other_key = stranger;
        expect_only(&w, SG_TEE_REASON_QUOTE_SIGNATURE, UP);
        w = make((enum form)f);
        w.quote.other_pck = stranger;
        expect_only(&w, SG_TEE_REASON_QE_SIGNATURE, UP);
        w = make((enum form)f);
        w.quote.keep_binding = true;
        expect_only(&w, SG_TEE_REASON_QE_BINDING, UP);
    }
}

/* What stands behind the hash in the QE's REPORTDATA must be zero. */
static void test_the_second_half_of_the_binding(void **state)
{
    (void)state;
    struct world w = make(SGX3);
    SG_CLEANUP(sg_buf_clear) struct sg_buf quote = SG_BUF_INIT(65536);
    struct sg_quote q;
    tk_intel_issue(&w.intel);
    tk_quote_make(&w.intel, &w.quote, &quote);
    assert_int_equal(sg_quote_read(sg_buf_bytes(&quote), &q), SG_TEE_REASON_NONE);
    memcpy(w.quote.qe, q.qe_report.data, TK_SGX_BODY);
    w.quote.keep_binding = true;
    release(&w);
    expect(&w, SG_TEE_REASON_NONE, UP);
    w.quote.qe[SG_SGX_AT_reportdata + 63] = 1;
    expect_only(&w, SG_TEE_REASON_QE_BINDING, UP);
}

static void test_the_quoting_enclave_is_intels(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
        enum sg_tee_reason reason;
    } cases[] = {
        {SG_SGX_AT_miscselect, 1, SG_TEE_REASON_QE_MISCSELECT},
        {SG_SGX_AT_attributes, 0x15, SG_TEE_REASON_NONE}, /* MODE64 is not in the mask */
        {SG_SGX_AT_attributes, 0x31, SG_TEE_REASON_QE_ATTRIBUTES},
        {SG_SGX_AT_mrsigner, 0, SG_TEE_REASON_QE_MRSIGNER},
        {SG_SGX_AT_mrsigner + 31, 0, SG_TEE_REASON_QE_MRSIGNER},
        {SG_SGX_AT_isvprodid, 77, SG_TEE_REASON_QE_ISVPRODID},
        {SG_SGX_AT_isvprodid + 1, 1, SG_TEE_REASON_QE_ISVPRODID},
    };
    for (unsigned f = SGX3; f <= TD4; f++) {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            struct world w = make((enum form)f);
            w.quote.qe[cases[i].at] = cases[i].value;
            if (cases[i].reason)
                expect_only(&w, cases[i].reason, UP);
            else
                expect(&w, cases[i].reason, UP);
        }
        struct world w = make((enum form)f);
        w.quote.qe[SG_SGX_AT_attributes] |= SG_SGX_ATTRIBUTE_DEBUG;
        expect(&w, SG_TEE_REASON_QE_DEBUG, UP);
        w = make((enum form)f);
        w.quote.qe[SG_SGX_AT_isvsvn] = 1;
        expect(&w, SG_TEE_REASON_QE_SVN, SG_TEE_STATUS_NOT_SUPPORTED);
        w = make((enum form)f);
        w.identity.status = "OutOfDate";
        expect_only(&w, SG_TEE_REASON_TCB_STATUS, SG_TEE_STATUS_OUT_OF_DATE);
        w = make((enum form)f);
        w.identity.status = "Revoked";
        expect(&w, SG_TEE_REASON_TCB_REVOKED, SG_TEE_STATUS_REVOKED);
    }
}

static void test_an_identity_of_another_enclave_is_none(void **state)
{
    (void)state;
    static const char *const ids[] = {"QE", "TD_QE", "QVE"};
    for (unsigned f = SGX3; f <= TD4; f++) {
        for (size_t i = 0; i < 3; i++) {
            struct world w = make((enum form)f);
            w.identity.id = ids[i];
            if (i == (f == SGX3 ? 0 : 1))
                expect(&w, SG_TEE_REASON_NONE, UP);
            else
                expect(&w, SG_TEE_QE_IDENTITY_MISMATCH, SG_TEE_STATUS_COLLATERAL_MISSING);
        }
    }
}

static void test_statuses_of_the_platform(void **state)
{
    (void)state;
    for (unsigned s = SG_TEE_STATUS_UP_TO_DATE; s <= SG_TEE_STATUS_REVOKED; s++) {
        struct world w = make(s % 2 ? SGX3 : TD4);
        const enum sg_tee_status status = (enum sg_tee_status)s;
        w.info.level[0].status = sg_tee_status_name(status);
        expect(&w,
               status == UP                      ? SG_TEE_REASON_NONE
               : status == SG_TEE_STATUS_REVOKED ? SG_TEE_REASON_TCB_REVOKED
                                                 : SG_TEE_REASON_TCB_STATUS,
               status);
        w.policy.statuses = UINT32_C(1) << s;
        expect(&w, status == SG_TEE_STATUS_REVOKED ? SG_TEE_REASON_TCB_REVOKED : SG_TEE_REASON_NONE,
               status);
    }
}

/* Any component below a level, and the next level counts; below the last, none does. */
static void test_every_component_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < TK_SVNS + 1; i++) {
        struct world w = make(SGX3);
        w.info.n_levels = 2;
        w.info.level[1] = w.info.level[0];
        w.info.level[1].status = "SWHardeningNeeded";
        if (i < TK_SVNS)
            w.info.level[0].sgx[i]++;
        else
            w.info.level[0].pcesvn++;
        expect_only(&w, SG_TEE_REASON_TCB_STATUS, SG_TEE_STATUS_SW_HARDENING);
        w.info.n_levels = 1;
        expect(&w, SG_TEE_REASON_TCB_NOT_SUPPORTED, SG_TEE_STATUS_NOT_SUPPORTED);
    }
}

static void test_components_of_a_td(void **state)
{
    (void)state;
    for (size_t i = 0; i < TK_SVNS; i++) {
        struct world w = make(TD4);
        w.info.level[0].tdx[i] = (uint8_t)(w.info.level[0].tdx[i] + 1);
        /* 0 and 1 are the module's, judged by its identity when there is a module version. */
        expect(&w, i < 2 ? SG_TEE_REASON_NONE : SG_TEE_REASON_TCB_NOT_SUPPORTED,
               i < 2 ? UP : SG_TEE_STATUS_NOT_SUPPORTED);
    }
    /* Without a module version all sixteen are the platform's, and no identity judges the module.
     */
    for (size_t i = 0; i < TK_SVNS; i++) {
        struct world w = make(TD4);
        w.quote.body[SG_TD_AT_tee_tcb_svn + 1] = w.info.level[0].tdx[1] = 0;
        expect(&w, SG_TEE_REASON_NONE, UP);
        w.info.level[0].tdx[i]++;
        expect(&w, SG_TEE_REASON_TCB_NOT_SUPPORTED, SG_TEE_STATUS_NOT_SUPPORTED);
    }
}

static void test_modules(void **state)
{
    (void)state;
    struct world w = make(TD5_15);
    w.quote.body[SG_TD_AT_mrsignerseam + 47] = 1;
    expect_only(&w, SG_TEE_REASON_TDX_MODULE_SIGNER, UP);
    w = make(TD5_15);
    w.quote.body[SG_TD_AT_seamattributes + 7] = 1;
    expect_only(&w, SG_TEE_REASON_TDX_MODULE_ATTRIBUTES, UP);
    w = make(TD5_15);
    w.quote.body[SG_TD_AT_tee_tcb_svn + 1] = 2;
    expect(&w, SG_TEE_REASON_TDX_MODULE_UNKNOWN, SG_TEE_STATUS_NOT_SUPPORTED);
    w = make(TD5_15);
    w.quote.body[SG_TD_AT_tee_tcb_svn] = 1;
    expect_only(&w, SG_TEE_REASON_TCB_STATUS, SG_TEE_STATUS_OUT_OF_DATE);
    w = make(TD5_15);
    w.quote.body[SG_TD_AT_tee_tcb_svn] = 0;
    expect(&w, SG_TEE_REASON_TDX_MODULE_SVN, SG_TEE_STATUS_NOT_SUPPORTED);
    w = make(TD5_15);
    w.info.module_status = "Revoked";
    expect(&w, SG_TEE_REASON_TCB_REVOKED, SG_TEE_STATUS_REVOKED);
}

static void test_documents_of_another_platform(void **state)
{
    (void)state;
    struct world w = make(SGX3);
    w.info.fmspc[5] ^= 1;
    expect(&w, SG_TEE_TCB_INFO_MISMATCH, SG_TEE_STATUS_COLLATERAL_MISSING);
    w = make(SGX3);
    w.info.pceid[0] ^= 1;
    expect(&w, SG_TEE_TCB_INFO_MISMATCH, SG_TEE_STATUS_COLLATERAL_MISSING);
    w = make(SGX3);
    w.info.id = "TDX";
    const struct sg_tee_verdict v = judge(&w); /* and it has no components of a TD */
    assert_true(sg_tee_reasons_have(&v.reasons, SG_TEE_TCB_INFO_MALFORMED));
    w = make(TD4);
    w.info.id = "SGX";
    expect(&w, SG_TEE_TCB_INFO_MISMATCH, SG_TEE_STATUS_COLLATERAL_MISSING);
}

static void test_versions_of_documents(void **state)
{
    (void)state;
    struct world w = make(SGX3);
    w.info.version = 2;
    expect(&w, SG_TEE_REASON_NONE, UP);
    w.info.version = 4;
    expect(&w, SG_TEE_TCB_INFO_VERSION, SG_TEE_STATUS_COLLATERAL_MISSING);
}

static void test_dates_of_documents(void **state)
{
    (void)state;
    struct world w = make(SGX3);
    w.info.next_s = AT - 1;
    expect_only(&w, SG_TEE_TCB_INFO_EXPIRED, UP);
    w = make(SGX3);
    w.info.issued_s = AT + 1;
    expect_only(&w, SG_TEE_TCB_INFO_NOT_YET_VALID, UP);
    w = make(TD4);
    w.identity.next_s = AT - 1;
    expect_only(&w, SG_TEE_QE_IDENTITY_EXPIRED, UP);
    w = make(TD4);
    w.identity.issued_s = AT + 1;
    expect_only(&w, SG_TEE_QE_IDENTITY_NOT_YET_VALID, UP);
}

static void test_missing_documents(void **state)
{
    (void)state;
    const enum sg_tee_status missing = SG_TEE_STATUS_COLLATERAL_MISSING;
    struct world w = make(SGX3);
    w.no_info = true;
    expect(&w, SG_TEE_TCB_INFO_MISSING, missing);
    w.policy.allow_absent = SG_TEE_ABSENT_QE_IDENTITY | SG_TEE_ABSENT_CRL;
    expect(&w, SG_TEE_TCB_INFO_MISSING, missing);
    w.policy.allow_absent = SG_TEE_ABSENT_TCB_INFO;
    expect(&w, SG_TEE_REASON_NONE, missing);
    /* What can be told still counts. */
    w.identity.status = "OutOfDate";
    expect(&w, SG_TEE_REASON_TCB_STATUS, missing);
    w = make(SGX3);
    w.no_identity = true;
    expect(&w, SG_TEE_QE_IDENTITY_MISSING, missing);
    w.policy.allow_absent = SG_TEE_ABSENT_QE_IDENTITY;
    expect(&w, SG_TEE_REASON_NONE, missing);
    w = make(SGX3);
    w.no_pck_crl = true;
    expect_only(&w, SG_TEE_PCK_CRL_MISSING, UP);
    w.policy.allow_absent = SG_TEE_ABSENT_CRL;
    expect(&w, SG_TEE_REASON_NONE, UP);
    w = make(SGX3);
    w.no_root_crl = true;
    expect(&w, SG_TEE_PCK_CA_CRL_MISSING, UP);
    expect(&w, SG_TEE_TCB_SIGNER_CRL_MISSING, UP);
    w = make(SGX3);
    w.no_signer = true;
    expect(&w, SG_TEE_TCB_SIGNER_MISSING, missing);
    w.policy.allow_absent = ~0u;
    expect(&w, SG_TEE_TCB_SIGNER_MISSING, missing);
}

static void test_revocation_of_each_certificate(void **state)
{
    (void)state;
    struct world w = make(SGX3);
    const uint64_t pck = w.intel.pck_spec.serial, ca = w.intel.ca_spec.serial,
                   signer = w.intel.signer_spec.serial;
    w.pck_revoked = &pck;
    expect_only(&w, SG_TEE_PCK_REVOKED, UP);
    w = make(SGX3);
    w.root_revoked = &ca;
    expect_only(&w, SG_TEE_PCK_CA_REVOKED, UP);
    w.root_revoked = &signer;
    expect_only(&w, SG_TEE_TCB_SIGNER_REVOKED, UP);
}

/* A platform's key must not be able to sign the document that it is judged by. */
static void test_a_pck_signs_no_documents(void **state)
{
    (void)state;
    struct world w = make(SGX3);
    EVP_PKEY *signer = w.intel.signer_key;
    w.intel.signer_key = w.intel.pck_key;
    w.no_signer = true;
    w.policy.allow_absent = ~0u;
    const struct sg_tee_verdict v = judge(&w);
    w.intel.signer_key = signer;
    assert_false(sg_tee_trusted(&v));
}

static void test_a_signer_of_documents_is_right_under_the_root(void **state)
{
    (void)state;
    struct world w = make(SGX3);
    w.signer_under_ca = true;
    w.policy.allow_absent = SG_TEE_ABSENT_CRL;
    expect(&w, SG_TEE_TCB_SIGNER_CA_PATH_LENGTH, UP);
    w = make(SGX3);
    w.intel.signer_spec.common_name = "Intel SGX PCK Certificate";
    expect(&w, SG_TEE_TCB_SIGNER_NAME, UP);
}

static void test_a_platforms_key_is_not_right_under_the_root(void **state)
{
    (void)state;
    struct world w = make(SGX3);
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(65536);
    tk_intel_issue(&w.intel);
    struct tk_cert_spec spec = w.intel.pck_spec;
    X509_EXTENSION *e = X509_get_ext(w.intel.pck, X509_get_ext_count(w.intel.pck) - 1);
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(e);
    tk_add_extension(&spec, "1.2.840.113741.1.13.1", false,
                     SG_BYTES(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)));
    X509 *pck = tk_cert_new(&spec, w.intel.pck_key, w.intel.root, w.intel.root_key);
    tk_cert_pem(pck, &pem);
    X509_free(pck);
    release(&w);
    w.quote.cert = &pem;
    expect_only(&w, SG_TEE_PCK_CA_PATH_LENGTH, UP);
}

/* Both valid; the older evaluation would say UpToDate. */
static void test_no_downgrade_to_an_older_evaluation(void **state)
{
    (void)state;
    struct world w = make(SGX3);
    struct tk_tcb_info newer = w.info;
    newer.evaluation++;
    newer.issued_s -= DAY / 2; /* though issued before it */
    newer.level[0].status = "OutOfDate";
    w.second = &newer;
    expect_only(&w, SG_TEE_REASON_TCB_STATUS, SG_TEE_STATUS_OUT_OF_DATE);
    /* Not valid any more, it does not count. */
    newer.next_s = AT - 1;
    expect(&w, SG_TEE_REASON_NONE, UP);
}

static void test_debug_and_migration(void **state)
{
    (void)state;
    struct world w = make(SGX3);
    w.quote.body[SG_SGX_AT_attributes] |= SG_SGX_ATTRIBUTE_DEBUG;
    expect_only(&w, SG_TEE_REASON_DEBUG, UP);
    w.policy.allow_debug = true;
    expect(&w, SG_TEE_REASON_NONE, UP);
    w = make(TD4);
    w.quote.body[SG_TD_AT_tdattributes] = 1;
    expect_only(&w, SG_TEE_REASON_DEBUG, UP);
    w = make(TD4);
    w.quote.body[SG_TD_AT_tdattributes] = 0x80;
    w.policy.allow_debug = true;
    expect_only(&w, SG_TEE_REASON_TD_ATTRIBUTES_RESERVED, UP);
    w = make(TD5_15);
    w.quote.body[SG_TD_AT_tdattributes + 3] |= 0x20;
    expect_only(&w, SG_TEE_REASON_MIGRATABLE, UP);
    w.policy.allow_migratable = true;
    expect(&w, SG_TEE_REASON_NONE, UP);
}

static void test_crypto_only(void **state)
{
    (void)state;
    struct world w = make(TD4);
    w.crypto_only = w.no_info = w.no_identity = w.no_pck_crl = w.no_root_crl = true;
    w.policy = sg_tee_policy_crypto_only();
    w.quote.body[SG_TD_AT_tdattributes] = 1;
    expect(&w, SG_TEE_REASON_NONE, SG_TEE_STATUS_NOT_CHECKED);
    w.quote.keep_binding = true;
    expect_only(&w, SG_TEE_REASON_QE_BINDING, SG_TEE_STATUS_NOT_CHECKED);
}

static void test_the_platforms_extension(void **state)
{
    (void)state;
    static const char *const values[] = {"\x30\x00", "\x05\x00", "\x31\x00", ""};
    for (size_t i = 0; i < 4; i++) {
        struct world w = make(SGX3);
        tk_add_extension(&w.intel.pck_spec, "1.2.840.113741.1.13.1", false,
                         SG_BYTES(values[i], i < 3 ? 2 : 0));
        expect(&w, SG_TEE_PCK_EXTENSION, SG_TEE_STATUS_COLLATERAL_MISSING);
    }
}

static int init(void **state)
{
    (void)state;
    tk_intel_init(&good, AT);
    stranger = tk_key_new(TK_P256);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    tk_intel_clear(&good);
    EVP_PKEY_free(stranger);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_quotes_are_trusted),
        cmocka_unit_test(test_a_verdict_is_none_before_both_steps),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_unknown_bodies_are_refused),
        cmocka_unit_test(test_octets_behind_the_quote),
        cmocka_unit_test(test_octets_inside_the_signature_data),
        cmocka_unit_test(test_signatures_and_bindings),
        cmocka_unit_test(test_the_second_half_of_the_binding),
        cmocka_unit_test(test_the_quoting_enclave_is_intels),
        cmocka_unit_test(test_an_identity_of_another_enclave_is_none),
        cmocka_unit_test(test_statuses_of_the_platform),
        cmocka_unit_test(test_every_component_counts),
        cmocka_unit_test(test_components_of_a_td),
        cmocka_unit_test(test_modules),
        cmocka_unit_test(test_documents_of_another_platform),
        cmocka_unit_test(test_versions_of_documents),
        cmocka_unit_test(test_dates_of_documents),
        cmocka_unit_test(test_missing_documents),
        cmocka_unit_test(test_revocation_of_each_certificate),
        cmocka_unit_test(test_a_pck_signs_no_documents),
        cmocka_unit_test(test_a_signer_of_documents_is_right_under_the_root),
        cmocka_unit_test(test_a_platforms_key_is_not_right_under_the_root),
        cmocka_unit_test(test_no_downgrade_to_an_older_evaluation),
        cmocka_unit_test(test_debug_and_migration),
        cmocka_unit_test(test_crypto_only),
        cmocka_unit_test(test_the_platforms_extension),
    };
    return cmocka_run_group_tests(tests, init, clear);
}
