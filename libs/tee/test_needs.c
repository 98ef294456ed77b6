/*
 * Which documents evidence will be judged by.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "testkit/amd.h"
#include "testkit/intel.h"
#include "testkit/tpm.h"

#include <sealgrid/tee/needs.h>

#define AT  INT64_C(1782864000)
#define DAY INT64_C(86400)

static struct tk_intel intel;
static struct tk_amd amd;

static struct sg_tee_needs needs_of(struct sg_bytes report, struct sg_bytes certificates)
{
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = report,
                                      .part[SG_TEE_PART_CERTIFICATES] = certificates};
    struct sg_tee_needs n;
    assert_int_equal(sg_tee_needs(&e, &n), 0);
    return n;
}

static void expect(const struct sg_tee_needs *n, const enum sg_tee_need_kind *kinds)
{
    size_t i = 0;
    for (; kinds[i]; i++) {
        assert_true(i < n->n);
        assert_int_equal(n->at[i].kind, kinds[i]);
    }
    assert_int_equal(n->n, i);
}
#define EXPECT(n, ...) expect((n), (const enum sg_tee_need_kind[]){__VA_ARGS__ __VA_OPT__(, ) 0})

static struct sg_tee_needs needs_of_quote(const struct tk_quote *q)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    tk_quote_make(&intel, q, &b);
    return needs_of(sg_buf_bytes(&b), SG_BYTES_NONE);
}

static void expect_name(const struct sg_tee_need *n, const char *name)
{
    char text[SG_TEE_DOCUMENT_NAME_MAX];
    sg_tee_need_name(n, text);
    assert_string_equal(text, name);
}

static void test_quotes(void **state)
{
    (void)state;
    struct tk_quote q = tk_quote_sgx(&intel);
    struct sg_tee_needs n = needs_of_quote(&q);
    EXPECT(&n, SG_TEE_NEED_INTEL_ROOT_CRL, SG_TEE_NEED_PCK_CRL, SG_TEE_NEED_TCB_INFO,
           SG_TEE_NEED_QE_IDENTITY);
    assert_memory_equal(n.at[2].fmspc, intel.fmspc, sizeof intel.fmspc);
    assert_memory_equal(n.at[2].pceid, intel.pceid, sizeof intel.pceid);
    assert_false(n.at[1].platform);
    assert_false(n.at[2].tdx);
    expect_name(&n.at[0], "crl Intel SGX Root CA");
    expect_name(&n.at[1], "crl Intel SGX PCK Processor CA");
    expect_name(&n.at[3], "qe-identity QE");
    q = tk_quote_td(&intel, 5, TK_TD15_BODY);
    n = needs_of_quote(&q);
    EXPECT(&n, SG_TEE_NEED_INTEL_ROOT_CRL, SG_TEE_NEED_PCK_CRL, SG_TEE_NEED_TCB_INFO,
           SG_TEE_NEED_QE_IDENTITY);
    assert_true(n.at[2].tdx && n.at[3].tdx);
    expect_name(&n.at[3], "qe-identity TD_QE");
}

static void test_reports(void **state)
{
    (void)state;
    uint8_t report[TK_SNP_REPORT];
    tk_snp_report(&amd, 3, report);
    struct sg_tee_needs n = needs_of(SG_BYTES_ARRAY(report), SG_BYTES_NONE);
    EXPECT(&n, SG_TEE_NEED_AMD_CHAIN, SG_TEE_NEED_AMD_CRL, SG_TEE_NEED_VCEK);
    assert_string_equal(n.at[2].product, "Milan");
    assert_memory_equal(n.at[2].chip_id, amd.chip_id, 64);
    assert_int_equal(n.at[2].chip_id_len, 64);
    assert_int_equal(n.at[2].fmc, -1);
    assert_int_equal(n.at[2].bl, amd.bl);
    assert_int_equal(n.at[2].tee, amd.tee);
    assert_int_equal(n.at[2].snp, amd.snp);
    assert_int_equal(n.at[2].ucode, amd.ucode);
    expect_name(&n.at[0], "certificate SEV-Milan");
    expect_name(&n.at[1], "crl ARK-Milan");
    /* A provider's key is not AMD's to give. */
    report[0x48] = 1 << 2;
    n = needs_of(SG_BYTES_ARRAY(report), SG_BYTES_NONE);
    EXPECT(&n, SG_TEE_NEED_AMD_CHAIN, SG_TEE_NEED_AMD_CRL);
    assert_true(n.at[0].vlek);
    expect_name(&n.at[0], "certificate SEV-VLEK-Milan");
    /* A chip that does not say its name. */
    tk_snp_report(&amd, 3, report);
    memset(report + 0x1A0, 0, 64);
    n = needs_of(SG_BYTES_ARRAY(report), SG_BYTES_NONE);
    EXPECT(&n, SG_TEE_NEED_AMD_CHAIN, SG_TEE_NEED_AMD_CRL);
}

static void test_what_the_evidence_brings_is_not_needed(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf certs = SG_BUF_INIT(65536);
    uint8_t report[TK_SNP_REPORT];
    tk_snp_report(&amd, 2, report);
    tk_cert_pem(amd.vcek, &certs);
    struct sg_tee_needs n = needs_of(SG_BYTES_ARRAY(report), sg_buf_bytes(&certs));
    EXPECT(&n, SG_TEE_NEED_AMD_CHAIN, SG_TEE_NEED_AMD_CRL);
    assert_false(n.at[0].guess); /* the key says its product */
    tk_cert_pem(amd.ask, &certs);
    n = needs_of(SG_BYTES_ARRAY(report), sg_buf_bytes(&certs));
    EXPECT(&n, SG_TEE_NEED_AMD_CRL);
}

static void test_old_reports_do_not_say_their_product(void **state)
{
    (void)state;
    uint8_t report[TK_SNP_REPORT];
    tk_snp_report(&amd, 2, report);
    struct sg_tee_needs n = needs_of(SG_BYTES_ARRAY(report), SG_BYTES_NONE);
    EXPECT(&n, SG_TEE_NEED_AMD_CHAIN, SG_TEE_NEED_AMD_CRL, SG_TEE_NEED_VCEK, SG_TEE_NEED_AMD_CHAIN,
           SG_TEE_NEED_AMD_CRL, SG_TEE_NEED_VCEK);
    assert_true(n.at[0].guess && n.at[5].guess);
    assert_string_equal(n.at[2].product, "Milan");
    assert_string_equal(n.at[5].product, "Genoa");
    memset(report + 0x1A0 + 8, 0, 56);
    n = needs_of(SG_BYTES_ARRAY(report), SG_BYTES_NONE);
    EXPECT(&n, SG_TEE_NEED_AMD_CHAIN, SG_TEE_NEED_AMD_CRL, SG_TEE_NEED_VCEK);
    assert_string_equal(n.at[2].product, "Turin");
    assert_int_equal(n.at[2].chip_id_len, 8);
    assert_int_equal(n.at[2].fmc, report[0x180]);
    assert_int_equal(n.at[2].bl, report[0x181]);
}

static void test_azure_needs_what_the_hardware_does(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf runtime = SG_BUF_INIT(4096);
    SG_CLEANUP(sg_buf_clear) struct sg_buf hcl = SG_BUF_INIT(8192), quote = SG_BUF_INIT(65536);
    struct tk_tpm ak;
    uint8_t report[TK_SNP_REPORT];
    tk_tpm_init(&ak, TK_RSA2048);
    tk_hcl_runtime(&ak, &runtime);
    tk_snp_report(&amd, 3, report);
    tk_hcl_report(2, SG_BYTES_ARRAY(report), sg_buf_bytes(&runtime), &hcl);
    struct sg_tee_needs n = needs_of(sg_buf_bytes(&hcl), SG_BYTES_NONE);
    EXPECT(&n, SG_TEE_NEED_AMD_CHAIN, SG_TEE_NEED_AMD_CRL, SG_TEE_NEED_VCEK);
    sg_buf_reset(&hcl);
    tk_hcl_report(4, SG_BYTES_ARRAY(report), sg_buf_bytes(&runtime), &hcl);
    const struct tk_quote q = tk_quote_td(&intel, 4, TK_TD10_BODY);
    tk_quote_make(&intel, &q, &quote);
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&hcl),
                                      .part[SG_TEE_PART_TD_QUOTE] = sg_buf_bytes(&quote)};
    assert_int_equal(sg_tee_needs(&e, &n), 0);
    EXPECT(&n, SG_TEE_NEED_INTEL_ROOT_CRL, SG_TEE_NEED_PCK_CRL, SG_TEE_NEED_TCB_INFO,
           SG_TEE_NEED_QE_IDENTITY);
    tk_tpm_clear(&ak);
}

/* Any prefix, and what is no evidence: nothing, or the same. */
static void test_evidence_that_does_not_decode(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    const struct tk_quote q = tk_quote_sgx(&intel);
    uint8_t report[TK_SNP_REPORT];
    tk_quote_make(&intel, &q, &b);
    for (size_t n = 0; n < b.len; n++)
        assert_int_equal(needs_of(SG_BYTES(b.data, n), SG_BYTES_NONE).n, 0);
    tk_snp_report(&amd, 3, report);
    for (size_t n = 0; n < sizeof report; n++)
        assert_int_equal(needs_of(SG_BYTES(report, n), SG_BYTES_NONE).n, 0);
    assert_int_equal(needs_of(SG_BYTES_LIT("hello"), SG_BYTES_NONE).n, 0);
    report[0x188] = 0x77; /* a family that nobody knows */
    assert_int_equal(needs_of(SG_BYTES_ARRAY(report), SG_BYTES_NONE).n, 0);
}

/* ---- which document is it ---- */

static unsigned met_by(const struct sg_tee_need *n, const struct sg_tee_store *s)
{
    unsigned met = 0;
    for (size_t i = 0; i < sg_tee_store_n_documents(s); i++)
        met += sg_tee_need_is(n, s, i);
    return met;
}

static void add(struct sg_tee_store *s, struct sg_buf *b)
{
    unsigned items = 0;
    assert_int_equal(sg_tee_store_add(s, sg_buf_bytes(b), &items), 0);
    assert_int_not_equal(items, 0);
    sg_buf_reset(b);
}

static struct sg_tee_store *store_of(bool tdx)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    struct sg_tee_store *s = NULL;
    const struct tk_crl_spec crl = {.from_s = AT, .until_s = AT + 1, .digest = "SHA384"};
    assert_int_equal(sg_tee_store_new(&s, false), 0);
    const struct tk_tcb_info info = tk_tcb_info_good(&intel, tdx);
    tk_tcb_info_json(&intel, &info, &b);
    add(s, &b);
    const struct tk_identity id = tk_identity_good(&intel, tdx);
    tk_identity_json(&intel, &id, &b);
    add(s, &b);
    tk_intel_root_crl(&intel, NULL, 0, &b);
    add(s, &b);
    tk_intel_pck_crl(&intel, NULL, 0, &b);
    add(s, &b);
    tk_cert_pem(amd.ask, &b);
    tk_cert_pem(amd.ark, &b);
    tk_cert_pem(amd.vcek, &b);
    add(s, &b);
    tk_crl_der(&crl, amd.ark, amd.ark_key, &b);
    add(s, &b);
    assert_int_equal(sg_tee_store_seal(s), 0);
    return s;
}

static void test_which_document_it_is(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(false);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *td = store_of(true);
    uint8_t report[TK_SNP_REPORT];
    const struct tk_quote q = tk_quote_sgx(&intel);
    struct sg_tee_needs n = needs_of_quote(&q);
    for (size_t i = 0; i < n.n; i++) {
        assert_int_equal(met_by(&n.at[i], s), 1);
        assert_int_equal(met_by(&n.at[i], td), i < 2); /* lists are the same for both */
    }
    n.at[2].fmspc[5] ^= 1;
    assert_int_equal(met_by(&n.at[2], s), 0);
    n.at[1].platform = true;
    assert_int_equal(met_by(&n.at[1], s), 0);
    tk_snp_report(&amd, 3, report);
    n = needs_of(SG_BYTES_ARRAY(report), SG_BYTES_NONE);
    for (size_t i = 0; i < n.n; i++)
        assert_int_equal(met_by(&n.at[i], s), 1);
    n.at[0].vlek = true;
    n.at[1].product = "Genoa";
    n.at[2].ucode++;
    for (size_t i = 0; i < n.n; i++)
        assert_int_equal(met_by(&n.at[i], s), 0);
    n.at[2].ucode--;
    n.at[2].chip_id[3] ^= 1;
    assert_int_equal(met_by(&n.at[2], s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_reports),
        cmocka_unit_test(test_what_the_evidence_brings_is_not_needed),
        cmocka_unit_test(test_old_reports_do_not_say_their_product),
        cmocka_unit_test(test_azure_needs_what_the_hardware_does),
        cmocka_unit_test(test_evidence_that_does_not_decode),
        cmocka_unit_test(test_which_document_it_is),
    };
    tk_intel_init(&intel, AT);
    tk_amd_init(&amd, TK_MILAN, AT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tk_intel_clear(&intel);
    tk_amd_clear(&amd);
    return failed;
}
