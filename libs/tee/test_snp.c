#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "snp-int.h"
#include "testkit/amd.h"
#include "testkit/expect.h"

#include <sealgrid/base/buf.h>
#include <sealgrid/tee/policy.h>
#include <string.h>

#define AT INT64_C(1782864000) /* 2026-07-01 */

static struct tk_amd milan, turin;

static int make(void **state)
{
    (void)state;
    tk_amd_init(&milan, TK_MILAN, AT);
    tk_amd_init(&turin, TK_TURIN, AT);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    tk_amd_clear(&milan);
    tk_amd_clear(&turin);
    return 0;
}

/* ---- a case ---- */

static void add(struct sg_tee_store *s, X509 *cert, bool root)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(8192);
    unsigned items;
    tk_cert_pem(cert, &pem);
    if (root)
        assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_AMD, sg_buf_bytes(&pem)), 0);
    else
        assert_int_equal(sg_tee_store_add(s, sg_buf_bytes(&pem), &items), 0);
}

static struct sg_tee_store *store_of(const struct tk_amd *amd)
{
    struct sg_tee_store *s;
    assert_int_equal(sg_tee_store_new(&s, true), 0);
    add(s, amd->ark, true);
    add(s, amd->ask, false);
    add(s, amd->asvk, false);
    assert_int_equal(sg_tee_store_seal(s), 0);
    return s;
}

static struct sg_tee_verdict judge_with(const struct sg_tee_store *s, X509 *leaf,
                                        struct sg_bytes report)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = report};
    const struct sg_tee_case c = {.evidence = &e, .store = s, .at_s = AT};
    struct sg_tee_policy p = sg_tee_policy_default();
    struct sg_tee_verdict v;

    if (leaf)
        tk_cert_der(leaf, &der);
    e.part[SG_TEE_PART_CERTIFICATES] = sg_buf_bytes(&der);
    p.at_s = AT;
    p.allow_absent = SG_TEE_ABSENT_CRL;
    assert_int_equal(sg_tee_judge(&c, &v), 0);
    sg_tee_apply(&p, &v);
    return v;
}

static struct sg_tee_verdict judge(const struct tk_amd *amd, X509 *leaf, const uint8_t *report)
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(amd);
    return judge_with(s, leaf, SG_BYTES(report, TK_SNP_REPORT));
}

/* ---- tests ---- */

static void good_reports_are_trusted(void **state)
{
    (void)state;
    static const unsigned versions[] = {2, 3, 5};
    uint8_t r[TK_SNP_REPORT];

    for (size_t i = 0; i < 3; i++) {
        tk_snp_report(&milan, versions[i], r);
        tk_snp_sign(milan.vcek_key, r);
        struct sg_tee_verdict v = judge(&milan, milan.vcek, r);
        tk_expect_trusted(&v);
        assert_int_equal(v.kind, SG_TEE_SNP);
        assert_int_equal(v.claims.svn, 5);
        assert_int_equal(v.claims.measurement[47], 0x33);
        assert_int_equal(v.claims.report_data[63], 0x77);
        assert_int_equal(v.claims.signer_len, 0);
        assert_int_equal(v.tcb_status, SG_TEE_STATUS_NOT_APPLICABLE);
    }
    tk_snp_report(&turin, 5, r);
    tk_snp_sign(turin.vcek_key, r);
    struct sg_tee_verdict v = judge(&turin, turin.vcek, r);
    tk_expect_trusted(&v);
}

static void a_provider_key_signs_for_a_masked_chip(void **state)
{
    (void)state;
    uint8_t r[TK_SNP_REPORT];

    tk_snp_report(&milan, 3, r);
    r[SG_SNP_KEY_FLAGS] = 1 << 2;
    memset(r + SG_SNP_CHIP_ID, 0, SG_SNP_CHIP_ID_LEN);
    tk_snp_sign(milan.vlek_key, r);
    struct sg_tee_verdict v = judge(&milan, milan.vlek, r);
    tk_expect_trusted(&v);
    /* The report says which kind of key signed it; another kind did. */
    r[SG_SNP_KEY_FLAGS] = 0;
    tk_snp_sign(milan.vlek_key, r);
    v = judge(&milan, milan.vlek, r);
    tk_expect_among(&v, SG_TEE_REASON_SNP_SIGNING_KEY);
}

static void the_certificate_may_lie_in_the_store(void **state)
{
    (void)state;
    uint8_t r[TK_SNP_REPORT];
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = SG_BYTES_ARRAY(r)};
    struct sg_tee_case c = {.evidence = &e, .at_s = AT};
    struct sg_tee_policy p = sg_tee_policy_default();
    struct sg_tee_verdict v;

    tk_snp_report(&milan, 3, r);
    tk_snp_sign(milan.vcek_key, r);
    v = judge(&milan, NULL, r);
    tk_expect_only(&v, SG_TEE_VCEK_MISSING);
    assert_int_equal(sg_tee_store_new(&s, false), 0);
    add(s, milan.ark, true);
    add(s, milan.ask, false);
    add(s, turin.vcek, false);
    add(s, milan.vcek, false);
    assert_int_equal(sg_tee_store_seal(s), 0);
    c.store = s;
    p.allow_absent = SG_TEE_ABSENT_CRL;
    assert_int_equal(sg_tee_judge(&c, &v), 0);
    sg_tee_apply(&p, &v);
    tk_expect_trusted(&v);
}

/* Every octet that the signature covers, and every octet that it does not. */
static void a_changed_octet_is_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&milan);
    uint8_t r[TK_SNP_REPORT];

    tk_snp_report(&milan, 5, r);
    tk_snp_sign(milan.vcek_key, r);
    for (size_t at = 0; at < TK_SNP_REPORT; at += at < 0x2a0 ? 7 : 1) {
        r[at] ^= 0x10;
        struct sg_tee_verdict v = judge_with(s, milan.vcek, SG_BYTES(r, TK_SNP_REPORT));
        r[at] ^= 0x10;
        assert_false(sg_tee_trusted(&v));
        if (at >= SG_SNP_SIGNATURE_END)
            tk_expect_only(&v, SG_TEE_REASON_SNP_PADDING);
        else if (at >= 0x50 && at < 0x110) /* data, measurement, digests */
            tk_expect_only(&v, SG_TEE_REASON_SNP_SIGNATURE);
    }
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&milan);
    uint8_t r[TK_SNP_REPORT];

    tk_snp_report(&milan, 5, r);
    tk_snp_sign(milan.vcek_key, r);
    for (size_t len = 0; len < TK_SNP_REPORT; len += 13) {
        struct sg_tee_verdict v = judge_with(s, milan.vcek, SG_BYTES(r, len));
        tk_expect_among(&v, len < 4 ? SG_TEE_REASON_UNSUPPORTED : SG_TEE_REASON_MALFORMED);
    }
}

static void a_buffer_may_end_in_zeros_only(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&milan);
    uint8_t r[4000] = {0};

    tk_snp_report(&milan, 2, r);
    tk_snp_sign(milan.vcek_key, r);
    struct sg_tee_verdict v = judge_with(s, milan.vcek, SG_BYTES_ARRAY(r));
    tk_expect_trusted(&v);
    r[3999] = 1;
    v = judge_with(s, milan.vcek, SG_BYTES_ARRAY(r));
    tk_expect_only(&v, SG_TEE_REASON_TRAILING);
}

/* Reports signed by the genuine key that say what must not be said. */
static void signed_but_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
        enum sg_tee_reason reason;
    } cases[] = {
        {0x00, 4, SG_TEE_REASON_VERSION},
        {0x00, 6, SG_TEE_REASON_VERSION},
        {0x0a, 0x01, SG_TEE_REASON_SNP_POLICY_RESERVED}, /* bit 17 clear */
        {0x0b, 0x04, SG_TEE_REASON_SNP_POLICY_RESERVED}, /* bit 26 set */
        {0x0f, 0x80, SG_TEE_REASON_SNP_POLICY_RESERVED},
        {0x0a, 0x0b, SG_TEE_REASON_DEBUG},
        {0x0a, 0x07, SG_TEE_REASON_MIGRATABLE},
        {0x30, 1, SG_TEE_REASON_VMPL},
        {0x30, 3, SG_TEE_REASON_VMPL},
        {0x33, 1, SG_TEE_REASON_VMPL},
        {0x34, 2, SG_TEE_REASON_SNP_ALGORITHM},
        {0x48, 0x20, SG_TEE_REASON_SNP_RESERVED},
        {0x4c, 1, SG_TEE_REASON_SNP_RESERVED},
        {0x18b, 1, SG_TEE_REASON_SNP_RESERVED},
        {0x1eb, 1, SG_TEE_REASON_SNP_RESERVED},
        {0x29f, 1, SG_TEE_REASON_SNP_RESERVED},
        {0x180, 3, SG_TEE_REASON_SNP_TCB}, /* reported TCB lower than the key's */
        {0x187, 255, SG_TEE_REASON_SNP_TCB},
        {0x188, 0x1a, SG_TEE_REASON_SNP_PRODUCT},
        {0x189, 0x11, SG_TEE_REASON_SNP_PRODUCT},
        {0x1a0, 0, SG_TEE_REASON_SNP_CHIP_ID},
        {0x1df, 0, SG_TEE_REASON_SNP_CHIP_ID},
    };
    uint8_t r[TK_SNP_REPORT];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tk_snp_report(&milan, 5, r);
        r[cases[i].at] = cases[i].value;
        tk_snp_sign(milan.vcek_key, r);
        struct sg_tee_verdict v = judge(&milan, milan.vcek, r);
        tk_expect_only(&v, cases[i].reason);
    }
}

static void padding_of_the_signature_counts(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&milan);
    static const size_t at[] = {0x2a0 + 48, 0x2a0 + 71, 0x2e8 + 48, 0x2e8 + 71};
    uint8_t r[TK_SNP_REPORT];

    tk_snp_report(&milan, 5, r);
    tk_snp_sign(milan.vcek_key, r);
    for (size_t i = 0; i < 4; i++) {
        r[at[i]] = 1;
        struct sg_tee_verdict v = judge_with(s, milan.vcek, SG_BYTES(r, TK_SNP_REPORT));
        tk_expect_only(&v, SG_TEE_REASON_SNP_PADDING);
        r[at[i]] = 0;
    }
}

/* The same key, certified otherwise. */
static struct sg_tee_verdict reissued(struct tk_amd *amd, unsigned version)
{
    uint8_t r[TK_SNP_REPORT];
    struct tk_amd other = *amd; /* the report is of the platform as it was */

    tk_snp_report(&other, version, r);
    tk_snp_sign(amd->vcek_key, r);
    return judge(amd, amd->vcek, r);
}

static void certificates_that_do_not_fit(void **state)
{
    (void)state;
    struct tk_amd saved = milan;
    uint8_t r[TK_SNP_REPORT];

    tk_snp_report(&milan, 5, r);
    tk_snp_sign(milan.vcek_key, r);
#define CASE(change, reason)                                                                       \
    do {                                                                                           \
        change;                                                                                    \
        tk_amd_issue(&milan);                                                                      \
        struct sg_tee_verdict v_ = judge(&milan, milan.vcek, r);                                   \
        tk_expect_only(&v_, reason);                                                               \
        X509 *const certs_[] = {milan.ark, milan.ask, milan.asvk, milan.vcek, milan.vlek};         \
        milan = saved;                                                                             \
        milan.ark = certs_[0], milan.ask = certs_[1], milan.asvk = certs_[2];                      \
        milan.vcek = certs_[3], milan.vlek = certs_[4];                                            \
    } while (0)
    CASE(milan.ucode++, SG_TEE_REASON_SNP_TCB);
    CASE(milan.tee--, SG_TEE_REASON_SNP_TCB);
    CASE(milan.chip_id[63] ^= 1, SG_TEE_REASON_SNP_CHIP_ID);
    CASE(milan.product_name = "Genoa", SG_TEE_REASON_SNP_PRODUCT);
    CASE(milan.vcek_spec.until_s = AT - 1, SG_TEE_VCEK_EXPIRED);
    CASE(milan.vcek_spec.from_s = AT + 1, SG_TEE_VCEK_NOT_YET_VALID);
    CASE(milan.vcek_spec.constraints = TK_CA, SG_TEE_VCEK_CONSTRAINTS);
    CASE(milan.ask_spec.until_s = AT - 1, SG_TEE_VCEK_CA_EXPIRED);
    CASE(milan.ask_spec.constraints = TK_END_ENTITY, SG_TEE_VCEK_CA_CONSTRAINTS);
    CASE(milan.ask_spec.key_usage = "digitalSignature", SG_TEE_VCEK_CA_KEY_USAGE);
#undef CASE
    tk_add_integer(&milan.vcek_spec, "1.3.6.1.4.1.3704.1.1", 0); /* and none of the others */
    tk_amd_issue(&milan);
    struct sg_tee_verdict v = judge(&milan, milan.vcek, r);
    tk_expect_among(&v, SG_TEE_VCEK_EXTENSION);
    milan.vcek_spec = saved.vcek_spec;
    tk_amd_issue(&milan);
    milan.chip_id_in_der = true;
    tk_amd_issue(&milan);
    v = reissued(&milan, 3);
    tk_expect_trusted(&v);
    milan.chip_id_in_der = false;
    tk_amd_issue(&milan);
}

/* Names are free to take, keys are not. */
static void a_root_of_the_same_name_is_not_trusted(void **state)
{
    (void)state;
    struct tk_amd forged;
    SG_CLEANUP(sg_buf_clear) struct sg_buf all = SG_BUF_INIT(16384);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&milan);
    uint8_t r[TK_SNP_REPORT];
    struct sg_tee_verdict v;

    tk_amd_init(&forged, TK_MILAN, AT);
    tk_snp_report(&forged, 3, r);
    tk_snp_sign(forged.vcek_key, r);
    tk_cert_pem(forged.vcek, &all);
    tk_cert_pem(forged.ask, &all);
    tk_cert_pem(forged.ark, &all);
    const struct sg_tee_evidence e = {.part = {[SG_TEE_PART_REPORT] = SG_BYTES_ARRAY(r),
                                               [SG_TEE_PART_CERTIFICATES] = sg_buf_bytes(&all)}};
    const struct sg_tee_case c = {.evidence = &e, .store = s, .at_s = AT};
    struct sg_tee_policy p = sg_tee_policy_crypto_only();
    assert_int_equal(sg_tee_judge(&c, &v), 0);
    sg_tee_apply(&p, &v);
    assert_false(sg_tee_trusted(&v));
    assert_true(sg_tee_reasons_have(&v.reasons, SG_TEE_VCEK_UNTRUSTED) ||
                sg_tee_reasons_have(&v.reasons, SG_TEE_VCEK_SIGNATURE));
    tk_amd_clear(&forged);
}

/* A chip's key does not speak for another chip, nor a Turin for a Milan. */
static void reports_and_keys_are_not_mixed(void **state)
{
    (void)state;
    uint8_t r[TK_SNP_REPORT];

    tk_snp_report(&milan, 5, r);
    tk_snp_sign(turin.vcek_key, r);
    struct sg_tee_verdict v = judge(&turin, turin.vcek, r);
    tk_expect_among(&v, SG_TEE_REASON_SNP_PRODUCT);
    tk_snp_report(&turin, 5, r);
    r[SG_SNP_CHIP_ID + 8] = 1; /* behind the eight octets of a Turin */
    tk_snp_sign(turin.vcek_key, r);
    v = judge(&turin, turin.vcek, r);
    tk_expect_only(&v, SG_TEE_REASON_SNP_CHIP_ID);
}

static struct sg_tee_verdict judge_alone(const struct sg_tee_store *s, X509 *cert, bool crypto_only)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    tk_cert_der(cert, &der);
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = sg_buf_bytes(&der)};
    return tk_judge(s, &e, AT, crypto_only);
}

/* A certificate by itself has a chain to judge, and is evidence of nothing. */
static void a_certificate_is_no_evidence(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&milan);
    struct sg_tee_verdict v = judge_alone(s, milan.vcek, true);

    tk_expect_trusted(&v);
    assert_string_equal(v.format, "snp-vcek-milan");
    v = judge_alone(s, milan.vlek, true);
    tk_expect_trusted(&v);
    v = judge_alone(s, turin.vcek, true);
    tk_expect_among(&v, SG_TEE_VCEK_UNTRUSTED);
    v = judge_alone(s, milan.ask, true);
    tk_expect_only(&v, SG_TEE_REASON_UNSUPPORTED);
    v = judge_alone(s, milan.vcek, false);
    tk_expect_among(&v, SG_TEE_REASON_UNSUPPORTED);
}

/* What the leaf says of its product must be what its CA speaks for. */
static void a_certificate_alone_must_fit_its_ca(void **state)
{
    (void)state;
    struct tk_amd saved = milan;
    milan.product_name = "Genoa";
    tk_amd_issue(&milan);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(&milan);
    struct sg_tee_verdict v = judge_alone(s, milan.vcek, true);
    tk_expect_only(&v, SG_TEE_REASON_SNP_PRODUCT);
    milan.product_name = saved.product_name;
    tk_amd_issue(&milan);
}

static void names_of_products(void **state)
{
    (void)state;
    assert_int_equal(sg_snp_product_of_name(sg_bytes_str("Milan")), SG_SNP_MILAN);
    assert_int_equal(sg_snp_product_of_name(sg_bytes_str("Milan-B0")), SG_SNP_MILAN);
    assert_int_equal(sg_snp_product_of_name(sg_bytes_str("Milano")), SG_SNP_UNKNOWN);
    assert_int_equal(sg_snp_product_of_name(sg_bytes_str("")), SG_SNP_UNKNOWN);
    assert_int_equal(sg_snp_product_of_cpu(0x19, 0xa0), SG_SNP_GENOA);
    assert_int_equal(sg_snp_product_of_cpu(0x19, 0x20), SG_SNP_UNKNOWN);
    assert_int_equal(sg_snp_product_of_cpu(0x1a, 0x02), SG_SNP_TURIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_reports_are_trusted),
        cmocka_unit_test(a_provider_key_signs_for_a_masked_chip),
        cmocka_unit_test(the_certificate_may_lie_in_the_store),
        cmocka_unit_test(a_changed_octet_is_refused),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(a_buffer_may_end_in_zeros_only),
        cmocka_unit_test(signed_but_refused),
        cmocka_unit_test(padding_of_the_signature_counts),
        cmocka_unit_test(certificates_that_do_not_fit),
        cmocka_unit_test(a_root_of_the_same_name_is_not_trusted),
        cmocka_unit_test(reports_and_keys_are_not_mixed),
        cmocka_unit_test(a_certificate_is_no_evidence),
        cmocka_unit_test(a_certificate_alone_must_fit_its_ca),
        cmocka_unit_test(names_of_products),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
