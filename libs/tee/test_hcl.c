#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "testkit/amd.h"
#include "testkit/expect.h"
#include "testkit/intel.h"
#include "testkit/tpm.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/crypto/hash.h>
#include <sealgrid/tee/policy.h>

#define AT INT64_C(1782864000) /* 2026-07-01 */

/* A case; tests change something of it. */
struct world {
    bool td;                     /* a TD quote beside, in place of an SNP report inside */
    struct tk_tpm tpm;           /* signs the quote */
    const struct tk_tpm *stated; /* in the runtime data; NULL: none */
    const struct tk_tpm *beside; /* public area among the parts; NULL: none */
    const char *runtime;         /* in place of what is stated */
    bool no_vcek, no_td_quote, crypto_only, report_data_filled;
    bool snp_debug;
    EVP_PKEY *chip_key;         /* in place of the chip's */
    const char *runtime_beside; /* a part of its own */
    void (*change)(struct sg_buf *hcl);
};

static struct tk_tpm ak, other;
static struct tk_amd amd;
static struct tk_intel intel;
static struct sg_tee_store *whole_store, *bare_store; /* with and without the chip's certificate */

static struct world good(void)
{
    return (struct world){.tpm = ak, .stated = &ak};
}

/* ---- making ---- */

static void put_runtime(const struct world *w, struct sg_buf *ret)
{
    if (w->runtime)
        assert_int_equal(sg_buf_append(ret, sg_bytes_str(w->runtime)), 0);
    else
        tk_hcl_runtime(w->stated, ret);
}

static void put_snp(const struct world *w, struct sg_bytes runtime, struct sg_buf *hcl)
{
    uint8_t report[TK_SNP_REPORT];
    tk_snp_report(&amd, 3, report);
    memset(report + 0x50, 0, 64);
    sg_sha256(report + 0x50, runtime);
    report[0x50 + 63] = w->report_data_filled;
    if (w->snp_debug)
        report[0x08 + 2] |= 8;
    tk_snp_sign(w->chip_key ? w->chip_key : amd.vcek_key, report);
    tk_hcl_report(2, SG_BYTES_ARRAY(report), runtime, hcl);
}

static void put_td(struct sg_bytes runtime, struct sg_buf *hcl, struct sg_buf *quote)
{
    struct tk_quote q = tk_quote_td(&intel, 4, TK_TD10_BODY);
    memset(q.body + 520, 0, 64);
    sg_sha256(q.body + 520, runtime);
    tk_quote_make(&intel, &q, quote);
    tk_hcl_report(4, SG_BYTES_LIT("a TDREPORT, good on its machine alone"), runtime, hcl);
}

static void add(struct sg_tee_store *s, const struct sg_buf *b)
{
    unsigned items;
    assert_int_equal(sg_tee_store_add(s, sg_buf_bytes(b), &items), 0);
    assert_int_not_equal(items, 0);
}

static void add_amd(bool vcek, struct sg_tee_store *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf root = SG_BUF_INIT(8192), rest = SG_BUF_INIT(16384);
    SG_CLEANUP(sg_buf_clear) struct sg_buf crl = SG_BUF_INIT(8192);
    const struct tk_crl_spec spec = {
        .from_s = AT - 86400, .until_s = AT + 86400, .digest = "SHA384", .pss = true};
    tk_cert_pem(amd.ark, &root);
    assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_AMD, sg_buf_bytes(&root)), 0);
    tk_cert_pem(amd.ask, &rest);
    if (vcek)
        tk_cert_pem(amd.vcek, &rest);
    add(s, &rest);
    tk_crl_der(&spec, amd.ark, amd.ark_key, &crl);
    add(s, &crl);
}

static void add_intel(struct sg_tee_store *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf root = SG_BUF_INIT(8192), doc = SG_BUF_INIT(65536);
    const struct tk_tcb_info info = tk_tcb_info_good(&intel, true);
    const struct tk_identity id = tk_identity_good(&intel, true);
    tk_cert_der(intel.root, &root);
    assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_INTEL, sg_buf_bytes(&root)), 0);
    tk_intel_signer_chain(&intel, &doc);
    add(s, &doc);
    sg_buf_reset(&doc);
    tk_tcb_info_json(&intel, &info, &doc);
    add(s, &doc);
    sg_buf_reset(&doc);
    tk_identity_json(&intel, &id, &doc);
    add(s, &doc);
    sg_buf_reset(&doc);
    tk_intel_root_crl(&intel, NULL, 0, &doc);
    add(s, &doc);
    sg_buf_reset(&doc);
    tk_intel_pck_crl(&intel, NULL, 0, &doc);
    add(s, &doc);
}

static struct sg_tee_store *store_of(bool vcek)
{
    struct sg_tee_store *s = NULL;
    assert_int_equal(sg_tee_store_new(&s, true), 0);
    add_amd(vcek, s);
    add_intel(s);
    assert_int_equal(sg_tee_store_seal(s), 0);
    return s;
}

static int make(void **state)
{
    (void)state;
    tk_tpm_init(&ak, TK_RSA2048);
    tk_tpm_init(&other, TK_RSA2048);
    tk_amd_init(&amd, TK_MILAN, AT);
    tk_intel_init(&intel, AT);
    whole_store = store_of(true);
    bare_store = store_of(false);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    tk_tpm_clear(&ak);
    tk_tpm_clear(&other);
    tk_amd_clear(&amd);
    tk_intel_clear(&intel);
    sg_tee_store_free(whole_store);
    sg_tee_store_free(bare_store);
    return 0;
}

struct judged {
    struct sg_tee_verdict v;
    struct sg_buf part[SG_TEE_N_PARTS];
    struct sg_tee_evidence e;
};

static void release(struct judged *j)
{
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        sg_buf_clear(&j->part[i]);
}

static void put_parts(const struct world *w, struct judged *j)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf runtime = SG_BUF_INIT(8192);
    struct sg_buf *hcl = &j->part[SG_TEE_PART_REPORT];
    put_runtime(w, &runtime);
    if (w->td)
        put_td(sg_buf_bytes(&runtime), hcl, &j->part[SG_TEE_PART_TD_QUOTE]);
    else
        put_snp(w, sg_buf_bytes(&runtime), hcl);
    if (w->no_td_quote)
        sg_buf_reset(&j->part[SG_TEE_PART_TD_QUOTE]);
    if (w->change)
        w->change(hcl);
    tk_tpm_quote(&w->tpm, &j->part[SG_TEE_PART_TPM_QUOTE]);
    tk_tpm_sign(&w->tpm, sg_buf_bytes(&j->part[SG_TEE_PART_TPM_QUOTE]),
                &j->part[SG_TEE_PART_TPM_SIGNATURE]);
    tk_tpm_values(&w->tpm, &j->part[SG_TEE_PART_TPM_PCRS]);
    if (w->beside)
        tk_tpm_public(w->beside, &j->part[SG_TEE_PART_TPM_KEY]);
    if (w->runtime_beside)
        assert_int_equal(
            sg_buf_append(&j->part[SG_TEE_PART_RUNTIME_DATA], sg_bytes_str(w->runtime_beside)), 0);
}

static void judge_again(const struct world *w, struct judged *j)
{
    const struct sg_tee_case c = {.evidence = &j->e,
                                  .store = w->no_vcek ? bare_store : whole_store,
                                  .at_s = AT,
                                  .crypto_only = w->crypto_only};
    struct sg_tee_policy p = w->crypto_only ? sg_tee_policy_crypto_only() : sg_tee_policy_default();
    p.at_s = AT;
    assert_int_equal(sg_tee_judge(&c, &j->v), 0);
    sg_tee_apply(&p, &j->v);
}

static void judge(const struct world *w, struct judged *j)
{
    *j = (struct judged){0};
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        j->part[i].max = 65536;
    put_parts(w, j);
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        j->e.part[i] = sg_buf_bytes(&j->part[i]);
    judge_again(w, j);
}

static void expect_only(const struct world *w, enum sg_tee_reason reason)
{
    SG_CLEANUP(release) struct judged j;
    judge(w, &j);
    tk_expect_only(&j.v, reason);
}

static void expect_among(const struct world *w, enum sg_tee_reason reason)
{
    SG_CLEANUP(release) struct judged j;
    judge(w, &j);
    tk_expect_among(&j.v, reason);
}

static void expect_trusted(const struct world *w, const char *format)
{
    SG_CLEANUP(release) struct judged j;
    judge(w, &j);
    if (!sg_tee_trusted(&j.v))
        fail_msg("refused: %s", sg_tee_reason_name(j.v.reasons.at[0]));
    assert_int_equal(j.v.kind, SG_TEE_AZURE);
    assert_string_equal(j.v.format, format);
}

/* ---- what is good ---- */

static void test_bundles_around_both_kinds_are_trusted(void **state)
{
    (void)state;
    struct world w = good();
    expect_trusted(&w, "azure-vtpm-snp");
    w.beside = &ak;
    expect_trusted(&w, "azure-vtpm-snp");
    w.td = true;
    expect_trusted(&w, "azure-vtpm-tdx");
}

static void test_facts_are_of_the_machine_and_of_what_runs_in_it(void **state)
{
    (void)state;
    SG_CLEANUP(release) struct judged j;
    const struct world w = good();
    struct sg_bytes value;
    judge(&w, &j);
    assert_memory_equal(j.v.claims.report_data, ak.extra, 64); /* the challenge: the quote's */
    assert_true(sg_tee_verdict_field(&j.v, SG_BYTES_LIT("pcr4"), &value));
    assert_memory_equal(value.data, ak.pcr[4], 32);
    assert_true(sg_tee_verdict_field(&j.v, SG_BYTES_LIT("pcrdigest"), &value));
    assert_memory_equal(value.data, j.v.claims.measurement, 32);
    assert_true(sg_tee_verdict_field(&j.v, SG_BYTES_LIT("measurement"), &value)); /* paravisor */
    assert_int_equal(value.data[0], 0x33);
    assert_memory_equal(j.v.claims.platform, amd.chip_id, 64);
}

/* ---- attacks ---- */

static void test_quote_of_another_tpm(void **state)
{
    (void)state;
    struct world w = good();
    w.tpm = other;
    expect_only(&w, SG_TEE_REASON_TPM_SIGNATURE);
}

/* The attacker's key and quote, and the machine's own report. */
static void put_other_runtime(struct sg_buf *hcl)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf runtime = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_buf_clear) struct sg_buf forged = SG_BUF_INIT(8192);
    tk_hcl_runtime(&other, &runtime);
    tk_hcl_report(2, SG_BYTES(hcl->data + 32, TK_SNP_REPORT), sg_buf_bytes(&runtime), &forged);
    hcl->len = 0;
    assert_int_equal(sg_buf_append(hcl, sg_buf_bytes(&forged)), 0);
}

static void test_attestation_key_replaced(void **state)
{
    (void)state;
    struct world w = good();
    w.tpm = other;
    w.change = put_other_runtime;
    expect_only(&w, SG_TEE_REASON_HCL_BINDING);
}

static void test_key_beside_is_another(void **state)
{
    (void)state;
    struct tk_tpm loose = ak;
    struct world w = good();
    w.beside = &other;
    expect_only(&w, SG_TEE_REASON_TPM_AK_UNBOUND);
    loose.attributes &= ~UINT32_C(0x10000);
    w.beside = &loose;
    expect_only(&w, SG_TEE_REASON_TPM_AK_UNBOUND);
}

static void turn_secure_boot(struct sg_buf *hcl)
{
    hcl->data[32 + TK_SNP_REPORT + 20 + 420] ^= 1;
}

static void test_runtime_data_altered(void **state)
{
    (void)state;
    struct world w = good();
    w.change = turn_secure_boot;
    expect_among(&w, SG_TEE_REASON_HCL_BINDING);
    w = good();
    w.runtime_beside = "{}";
    expect_only(&w, SG_TEE_REASON_HCL_BINDING);
}

static void test_report_data_with_more_than_the_hash(void **state)
{
    (void)state;
    struct world w = good();
    w.report_data_filled = true;
    expect_only(&w, SG_TEE_REASON_HCL_BINDING);
}

static void test_hardware_report_that_does_not_hold(void **state)
{
    (void)state;
    struct world w = good();
    w.chip_key = amd.vlek_key;
    expect_only(&w, SG_TEE_REASON_SNP_SIGNATURE);
    w = good();
    w.no_vcek = true;
    expect_only(&w, SG_TEE_VCEK_MISSING);
    w.crypto_only = true; /* the TPM's signature alone proves nothing */
    expect_only(&w, SG_TEE_VCEK_MISSING);
    w = good();
    w.snp_debug = true;
    expect_only(&w, SG_TEE_REASON_DEBUG);
}

static void test_td_without_its_quote(void **state)
{
    (void)state;
    struct world w = good();
    w.td = w.no_td_quote = true;
    expect_among(&w, SG_TEE_REASON_HCL_QUOTE_MISSING);
}

static void test_a_report_beside_is_the_one_inside(void **state)
{
    (void)state;
    const struct world w = good();
    struct judged j;
    judge(&w, &j);
    SG_CLEANUP(sg_buf_clear) struct sg_buf beside = SG_BUF_INIT(8192);
    const struct sg_bytes inside = SG_BYTES(j.part[SG_TEE_PART_REPORT].data + 32, TK_SNP_REPORT);
    assert_int_equal(sg_buf_append(&beside, inside), 0);
    for (size_t i = 0; i < 2; i++) { /* a whole buffer, too */
        j.e.part[SG_TEE_PART_TD_QUOTE] = sg_buf_bytes(&beside);
        judge_again(&w, &j);
        tk_expect_trusted(&j.v);
        assert_int_equal(sg_buf_append_u8(&beside, 0), 0);
    }
    beside.data[0x90] ^= 1;
    j.e.part[SG_TEE_PART_TD_QUOTE] = sg_buf_bytes(&beside);
    judge_again(&w, &j);
    tk_expect_only(&j.v, SG_TEE_REASON_HCL_REPORT);
    j.e.part[SG_TEE_PART_TD_QUOTE].len = 100;
    judge_again(&w, &j);
    tk_expect_only(&j.v, SG_TEE_REASON_HCL_REPORT);
    release(&j);
}

static void say_tdx(struct sg_buf *hcl)
{
    hcl->data[32 + TK_SNP_REPORT + 8] = 4;
}

static void test_an_snp_report_called_a_td(void **state)
{
    (void)state;
    struct world w = good();
    w.change = say_tdx;
    expect_among(&w, SG_TEE_REASON_HCL_QUOTE_MISSING);
}

static void test_runtime_data_without_one_key_of_the_name(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{",
        "{}",
        "{\"keys\":[]}",
        "{\"keys\":{}}",
        "{\"keys\":[7,{\"kid\":7},{\"kid\":\"HCLAkPub\"}]}",
        "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"EC\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
        "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
        "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":\"+/==\",\"e\":\"AQAB\"}]}",
        "{\"keys\":[{\"kid\":\"HCLAkPub\"},{\"kid\":\"HCLAkPub\"}]}",
        "{\"keys\":[],\"keys\":[]}",
    };
    struct world w = good();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        w.runtime = bad[i];
        expect_only(&w, SG_TEE_REASON_HCL_MALFORMED);
    }
    w = good();
    w.stated = NULL;
    expect_only(&w, SG_TEE_REASON_HCL_MALFORMED);
}

/* ---- the wrapper ---- */

static size_t spoil_at;
static uint8_t spoil_with;

static void spoil(struct sg_buf *hcl)
{
    hcl->data[spoil_at] = spoil_with;
}

static void test_a_wrapper_in_another_form(void **state)
{
    (void)state;
    enum { REQUEST = 32 + TK_SNP_REPORT };
    static const struct {
        size_t at;
        uint8_t value;
        enum sg_tee_reason reason;
    } wrong[] = {
        {4, 3, SG_TEE_REASON_VERSION},
        {4, 0, SG_TEE_REASON_VERSION},
        {8, 0, SG_TEE_REASON_HCL_MALFORMED},           /* its size */
        {16, 1, SG_TEE_REASON_HCL_MALFORMED},          /* status */
        {31, 1, SG_TEE_REASON_HCL_MALFORMED},          /* reserved */
        {REQUEST, 0, SG_TEE_REASON_HCL_MALFORMED},     /* size of the request */
        {REQUEST + 4, 2, SG_TEE_REASON_HCL_MALFORMED}, /* its version */
        {REQUEST + 8, 3, SG_TEE_REASON_HCL_MALFORMED}, /* kind of hardware */
        {REQUEST + 12, 0, SG_TEE_REASON_HCL_BINDING},  /* kind of hash */
        {REQUEST + 12, 2, SG_TEE_REASON_HCL_BINDING},
        {REQUEST + 12, 4, SG_TEE_REASON_HCL_BINDING},
        {REQUEST + 16, 1, SG_TEE_REASON_HCL_MALFORMED}, /* length of the runtime data */
        {REQUEST + 19, 1, SG_TEE_REASON_HCL_MALFORMED},
        {TK_HCL_LEN - 1, 1, SG_TEE_REASON_HCL_MALFORMED}, /* padding */
    };
    struct world w = good();
    w.change = spoil;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        spoil_at = wrong[i].at;
        spoil_with = wrong[i].value;
        expect_only(&w, wrong[i].reason);
    }
    spoil_at = 0;
    spoil_with = 'X';
    expect_among(&w, SG_TEE_REASON_UNSUPPORTED);
}

/* Of the octets that no signature covers, only the header's word for the request (12..15) is free.
 */
static void test_octets_that_nothing_covers(void **state)
{
    (void)state;
    SG_CLEANUP(release) struct judged j;
    const struct world w = good();
    judge(&w, &j);
    struct sg_buf *hcl = &j.part[SG_TEE_PART_REPORT];
    /* All of the headers, and a sample of what hardware signs and of the padding. */
    for (size_t i = 0; i < hcl->len;
         i += i < 32 || (i >= 32 + TK_SNP_REPORT && i < 32 + TK_SNP_REPORT + 20) ? 1 : 29) {
        hcl->data[i] ^= 0x10;
        judge_again(&w, &j);
        if (sg_tee_trusted(&j.v) != (i >= 12 && i < 16))
            fail_msg("octet %zu", i);
        hcl->data[i] ^= 0x10;
    }
}

static void test_cut_anywhere_it_is_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf runtime = SG_BUF_INIT(8192);
    SG_CLEANUP(release) struct judged j;
    const struct world w = good();
    judge(&w, &j);
    tk_hcl_runtime(&ak, &runtime);
    const size_t end = 32 + TK_SNP_REPORT + 20 + runtime.len;
    /* Exactly as long as it says, so that a sanitizer sees every octet read behind it. */
    for (size_t n = 0; n <= end; n += n > 40 && n + 47 < end ? 7 : 1) {
        SG_FREE uint8_t *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, j.part[SG_TEE_PART_REPORT].data, n);
        j.e.part[SG_TEE_PART_REPORT] = SG_BYTES(copy, n);
        judge_again(&w, &j);
        assert_int_equal(sg_tee_trusted(&j.v), n == end); /* padding may be cut off */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundles_around_both_kinds_are_trusted),
        cmocka_unit_test(test_facts_are_of_the_machine_and_of_what_runs_in_it),
        cmocka_unit_test(test_quote_of_another_tpm),
        cmocka_unit_test(test_attestation_key_replaced),
        cmocka_unit_test(test_key_beside_is_another),
        cmocka_unit_test(test_runtime_data_altered),
        cmocka_unit_test(test_report_data_with_more_than_the_hash),
        cmocka_unit_test(test_hardware_report_that_does_not_hold),
        cmocka_unit_test(test_td_without_its_quote),
        cmocka_unit_test(test_a_report_beside_is_the_one_inside),
        cmocka_unit_test(test_an_snp_report_called_a_td),
        cmocka_unit_test(test_runtime_data_without_one_key_of_the_name),
        cmocka_unit_test(test_a_wrapper_in_another_form),
        cmocka_unit_test(test_octets_that_nothing_covers),
        cmocka_unit_test(test_cut_anywhere_it_is_refused),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
