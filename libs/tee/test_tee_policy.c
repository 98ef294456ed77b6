#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include <sealgrid/tee/policy.h>

#include <string.h>

/* A judged SGX enclave, UpToDate, against which nothing was found. */
static const struct sg_tee_field fields[] = {{"isvsvn", 0, 2, SG_TEE_FIELD_UINT},
                                             {"mrconfigid", 2, 4, SG_TEE_FIELD_HEX},
                                             {"beyond", 4, 8, SG_TEE_FIELD_HEX}};
static const uint8_t body[] = {0x05, 0x01, 0xaa, 0xbb, 0xcc, 0xdd};

static struct sg_tee_verdict judged(void)
{
    struct sg_tee_verdict v = {.kind = SG_TEE_SGX,
                               .judged = true,
                               .tcb_status = SG_TEE_STATUS_UP_TO_DATE,
                               .platform = {SG_TEE_STATUS_UP_TO_DATE, 0},
                               .qe = {SG_TEE_STATUS_UP_TO_DATE, 0},
                               .tdx_module = {SG_TEE_STATUS_NOT_APPLICABLE, 0},
                               .tcb_evaluation = 17,
                               .collateral_oldest_s = 1000,
                               .collateral_from_s = 2000,
                               .collateral_until_s = 9000,
                               .fields = fields,
                               .n_fields = 3,
                               .body = SG_BYTES_ARRAY(body)};
    v.claims.kind = SG_TEE_SGX;
    v.claims.measurement_len = v.claims.signer_len = 32;
    memset(v.claims.measurement, 0x11, 32);
    memset(v.claims.signer, 0x22, 32);
    memset(v.claims.report_data, 0x33, 64);
    v.claims.svn = 5;
    return v;
}

static void expect(const struct sg_tee_policy *p, struct sg_tee_verdict v, enum sg_tee_reason r)
{
    sg_tee_apply(p, &v);
    if (r == SG_TEE_REASON_NONE && v.reasons.n)
        fail_msg("refused: %s", sg_tee_reason_name(v.reasons.at[0]));
    assert_int_equal(sg_tee_trusted(&v), r == SG_TEE_REASON_NONE);
    if (r != SG_TEE_REASON_NONE) {
        assert_int_equal(v.reasons.n, 1);
        assert_string_equal(sg_tee_reason_name(v.reasons.at[0]), sg_tee_reason_name(r));
    }
}

static void test_a_policy_of_zeros_accepts_nothing(void **state)
{
    (void)state;
    const struct sg_tee_policy p = {0};
    struct sg_tee_verdict v = judged();
    sg_tee_apply(&p, &v);
    assert_false(sg_tee_trusted(&v));
    static const enum sg_tee_reason all[] = {SG_TEE_REASON_KIND_REFUSED, SG_TEE_REASON_MEASUREMENT,
                                             SG_TEE_REASON_SIGNER, SG_TEE_REASON_TCB_STATUS,
                                             SG_TEE_REASON_VMPL};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_true(sg_tee_reasons_have(&v.reasons, all[i]));
}

static void test_the_default(void **state)
{
    (void)state;
    const struct sg_tee_policy p = sg_tee_policy_default();
    expect(&p, judged(), SG_TEE_REASON_NONE);
    struct sg_tee_verdict v = judged();
    v.claims.debug = true;
    expect(&p, v, SG_TEE_REASON_DEBUG);
    v = judged();
    v.migratable = true;
    expect(&p, v, SG_TEE_REASON_MIGRATABLE);
    v = judged();
    v.vmpl = 1;
    expect(&p, v, SG_TEE_REASON_VMPL);
    v.vmpl = 32;
    expect(&p, v, SG_TEE_REASON_VMPL);
    v = judged();
    v.kind = SG_TEE_SIM;
    expect(&p, v, SG_TEE_REASON_SIMULATED);
    for (unsigned s = 0; s < SG_TEE_N_STATUSES; s++) {
        v = judged();
        v.tcb_status = (enum sg_tee_status)s;
        const bool ok = s == SG_TEE_STATUS_UP_TO_DATE || s == SG_TEE_STATUS_NOT_APPLICABLE;
        expect(&p, v, ok ? SG_TEE_REASON_NONE : SG_TEE_REASON_TCB_STATUS);
    }
}

static void test_measurements_and_signers_are_closed_lists(void **state)
{
    (void)state;
    uint8_t ones[32], twos[32];
    memset(ones, 0x11, sizeof ones);
    memset(twos, 0x22, sizeof twos);
    const struct sg_bytes list[] = {SG_BYTES_ARRAY(twos), SG_BYTES(ones, 31), SG_BYTES_NONE,
                                    SG_BYTES_ARRAY(ones)};
    struct sg_tee_policy p = sg_tee_policy_default();
    p.any_measurement = false;
    expect(&p, judged(), SG_TEE_REASON_MEASUREMENT);
    p.measurements = list;
    p.n_measurements = 3;
    expect(&p, judged(), SG_TEE_REASON_MEASUREMENT);
    p.n_measurements = 4;
    expect(&p, judged(), SG_TEE_REASON_NONE);
    p.any_signer = false;
    expect(&p, judged(), SG_TEE_REASON_SIGNER);
    p.signers = list;
    p.n_signers = 1;
    expect(&p, judged(), SG_TEE_REASON_NONE);
    /* No measurement is no match of an empty one. */
    struct sg_tee_verdict v = judged();
    v.claims.measurement_len = 0;
    expect(&p, v, SG_TEE_REASON_MEASUREMENT);
    /* Nor is a program that nobody signed one of those who are listed. */
    v = judged();
    v.claims.signer_len = 0;
    expect(&p, v, SG_TEE_REASON_SIGNER);
    p.signers = list + 2;
    expect(&p, v, SG_TEE_REASON_SIGNER);
}

static void test_versions_of_the_program(void **state)
{
    (void)state;
    struct sg_tee_policy p = sg_tee_policy_default();
    p.min_svn = 5;
    expect(&p, judged(), SG_TEE_REASON_NONE);
    p.min_svn = 6;
    expect(&p, judged(), SG_TEE_REASON_SVN);
}

static void test_report_data_is_all_of_it(void **state)
{
    (void)state;
    struct sg_tee_policy p = sg_tee_policy_default();
    uint8_t wanted[64];
    memset(wanted, 0x33, sizeof wanted);
    p.report_data = wanted;
    expect(&p, judged(), SG_TEE_REASON_NONE);
    wanted[63] = 0;
    expect(&p, judged(), SG_TEE_REASON_REPORT_DATA);
}

static void test_rules_about_fields(void **state)
{
    (void)state;
    const struct sg_bytes values[] = {SG_BYTES_LIT("\xaa\xbb\xcc\xdd")};
    const struct {
        struct sg_tee_field_rule rule;
        bool holds;
    } cases[] = {
        {{.name = "isvsvn", .at_least = true, .minimum = 0x105}, true},
        {{.name = "isvsvn", .at_least = true, .minimum = 0x106}, false},
        {{.name = "mrconfigid", .values = values, .n_values = 1}, true},
        {{.name = "mrconfigid", .values = values, .n_values = 0}, false},
        {{.name = "isvsvn", .values = values, .n_values = 1}, false},
        {{.name = "nothing", .at_least = true}, false},
        {{.name = "beyond", .at_least = true}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sg_tee_policy p = sg_tee_policy_default();
        p.rules = &cases[i].rule;
        p.n_rules = 1;
        expect(&p, judged(), cases[i].holds ? SG_TEE_REASON_NONE : SG_TEE_REASON_FIELD);
    }
}

static void test_advisories(void **state)
{
    (void)state;
    static const char *const known[] = {"INTEL-SA-00615", "INTEL-SA-00657"};
    struct sg_tee_policy p = sg_tee_policy_default();
    struct sg_tee_verdict v = judged();
    v.advisories.n = 2;
    v.advisories.id[0] = "INTEL-SA-00657";
    v.advisories.id[1] = "INTEL-SA-00615";
    expect(&p, v, SG_TEE_REASON_NONE);
    p.any_advisory = false;
    expect(&p, v, SG_TEE_REASON_ADVISORY);
    p.advisories = known;
    p.n_advisories = 1;
    expect(&p, v, SG_TEE_REASON_ADVISORY);
    p.n_advisories = 2;
    expect(&p, v, SG_TEE_REASON_NONE);
}

static void test_absences(void **state)
{
    (void)state;
    static const struct {
        enum sg_tee_reason reason;
        uint32_t bit;
    } cases[] = {{SG_TEE_TCB_INFO_MISSING, SG_TEE_ABSENT_TCB_INFO},
                 {SG_TEE_TCB_INFO_MISMATCH, SG_TEE_ABSENT_TCB_INFO},
                 {SG_TEE_QE_IDENTITY_MISSING, SG_TEE_ABSENT_QE_IDENTITY},
                 {SG_TEE_PCK_CRL_MISSING, SG_TEE_ABSENT_CRL},
                 {SG_TEE_VCEK_CA_CRL_MISSING, SG_TEE_ABSENT_CRL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sg_tee_policy p = sg_tee_policy_default();
        struct sg_tee_verdict v = judged();
        sg_tee_reasons_add(&v.absent, cases[i].reason);
        p.allow_absent = ~cases[i].bit;
        expect(&p, v, cases[i].reason);
        p.allow_absent = cases[i].bit;
        expect(&p, v, SG_TEE_REASON_NONE);
    }
}

/* Going without TCB info does not make an out-of-date quoting enclave current. */
static void test_an_excused_absence_hides_no_status(void **state)
{
    (void)state;
    struct sg_tee_policy p = sg_tee_policy_default();
    struct sg_tee_verdict v = judged();
    p.allow_absent = SG_TEE_ABSENT_TCB_INFO;
    v.tcb_status = v.platform.status = SG_TEE_STATUS_COLLATERAL_MISSING;
    /* Missing, and nothing says why: not excused. */
    expect(&p, v, SG_TEE_REASON_TCB_STATUS);
    sg_tee_reasons_add(&v.absent, SG_TEE_TCB_INFO_MISSING);
    expect(&p, v, SG_TEE_REASON_NONE);
    v.qe.status = SG_TEE_STATUS_OUT_OF_DATE;
    expect(&p, v, SG_TEE_REASON_TCB_STATUS);
}

static void test_age_and_evaluation_of_collateral(void **state)
{
    (void)state;
    struct sg_tee_policy p = sg_tee_policy_default();
    p.at_s = 3000;
    p.max_collateral_age_s = 2000;
    expect(&p, judged(), SG_TEE_REASON_NONE);
    p.max_collateral_age_s = 1999;
    expect(&p, judged(), SG_TEE_REASON_COLLATERAL_AGE);
    p.max_collateral_age_s = 0;
    p.min_tcb_evaluation = 17;
    expect(&p, judged(), SG_TEE_REASON_NONE);
    p.min_tcb_evaluation = 18;
    expect(&p, judged(), SG_TEE_REASON_TCB_EVALUATION);
}

static void test_no_policy_takes_reasons_back(void **state)
{
    (void)state;
    const struct sg_tee_policy p = sg_tee_policy_crypto_only();
    struct sg_tee_verdict v = judged();
    sg_tee_reasons_add(&v.reasons, SG_TEE_REASON_QUOTE_SIGNATURE);
    expect(&p, v, SG_TEE_REASON_QUOTE_SIGNATURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_policy_of_zeros_accepts_nothing),
        cmocka_unit_test(test_the_default),
        cmocka_unit_test(test_measurements_and_signers_are_closed_lists),
        cmocka_unit_test(test_versions_of_the_program),
        cmocka_unit_test(test_report_data_is_all_of_it),
        cmocka_unit_test(test_rules_about_fields),
        cmocka_unit_test(test_advisories),
        cmocka_unit_test(test_absences),
        cmocka_unit_test(test_an_excused_absence_hides_no_status),
        cmocka_unit_test(test_age_and_evaluation_of_collateral),
        cmocka_unit_test(test_no_policy_takes_reasons_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
