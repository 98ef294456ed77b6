#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>
#include <string.h>

#include <sealgrid/tee/reason.h>
#include <sealgrid/tee/status.h>

static void test_every_reason_has_its_own_name(void **state)
{
    (void)state;
    for (unsigned a = 0; a < SG_TEE_N_REASONS; a++) {
        const char *name = sg_tee_reason_name((enum sg_tee_reason)a);
        assert_non_null(name);
        for (unsigned b = 0; b < a; b++)
            assert_string_not_equal(name, sg_tee_reason_name((enum sg_tee_reason)b));
    }
    assert_string_equal(sg_tee_reason_name(SG_TEE_N_REASONS), "unknown");
}

static void test_roles_and_faults_find_their_reason(void **state)
{
    (void)state;
    assert_int_equal(sg_tee_cert_reason(SG_TEE_ROLE_PCK, SG_TEE_FAULT_REVOKED), SG_TEE_PCK_REVOKED);
    assert_string_equal(
        sg_tee_reason_name(sg_tee_cert_reason(SG_TEE_ROLE_PCK_CA, SG_TEE_FAULT_NOT_YET_VALID)),
        "pck-ca-not-yet-valid");
    assert_int_equal(sg_tee_cert_reason(SG_TEE_ROLE_CPAK_CA, SG_TEE_FAULT_CRL_UNUSABLE),
                     SG_TEE_CPAK_CA_CRL_UNUSABLE);
    assert_int_equal(sg_tee_doc_reason(SG_TEE_DOC_QE_IDENTITY, SG_TEE_DOC_FAULT_NOT_YET_VALID),
                     SG_TEE_QE_IDENTITY_NOT_YET_VALID);
    assert_string_equal(
        sg_tee_reason_name(sg_tee_doc_reason(SG_TEE_DOC_TCB_INFO, SG_TEE_DOC_FAULT_SIGNATURE)),
        "tcb-info-signature");
}

static void test_reasons_are_listed_once_and_overflow_still_refuses(void **state)
{
    (void)state;
    struct sg_tee_reasons list = {0};
    sg_tee_reasons_add(&list, SG_TEE_REASON_DEBUG);
    sg_tee_reasons_add(&list, SG_TEE_REASON_DEBUG);
    assert_int_equal(list.n, 1);
    for (unsigned r = 1; r < SG_TEE_N_REASONS; r++)
        sg_tee_reasons_add(&list, (enum sg_tee_reason)r);
    assert_int_equal(list.n, SG_TEE_REASONS_MAX);
    assert_int_equal(list.at[SG_TEE_REASONS_MAX - 1], SG_TEE_REASON_NOT_JUDGED);
}

#define U SG_TEE_STATUS_UP_TO_DATE
#define S SG_TEE_STATUS_SW_HARDENING
#define C SG_TEE_STATUS_CONFIGURATION
#define B SG_TEE_STATUS_CONFIGURATION_AND_SW
#define O SG_TEE_STATUS_OUT_OF_DATE
#define P SG_TEE_STATUS_OUT_OF_DATE_CONFIGURATION
#define R SG_TEE_STATUS_REVOKED
#define N SG_TEE_STATUS_NOT_SUPPORTED
#define A SG_TEE_STATUS_NOT_APPLICABLE
#define M SG_TEE_STATUS_COLLATERAL_MISSING

static const enum sg_tee_status merges[][3] = {
    {U, U, U}, {S, U, S}, {C, U, C}, {B, U, B}, {O, U, O}, {P, U, P}, {R, U, R}, {N, U, N},
    {U, O, O}, {S, O, O}, {C, O, P}, {B, O, P}, {O, O, O}, {P, O, P}, {R, O, R}, {N, O, N},
    {S, C, B}, {U, A, U}, {O, A, O}, {A, A, A}, {R, N, N}, {M, U, M}, {M, O, M}, {M, R, R},
};

static void test_statuses_merge_to_what_either_lacks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof merges / sizeof merges[0]; i++) {
        assert_int_equal(sg_tee_status_merge(merges[i][0], merges[i][1]), merges[i][2]);
        assert_int_equal(sg_tee_status_merge(merges[i][1], merges[i][0]), merges[i][2]);
    }
}

static void test_only_the_vendors_statuses_parse(void **state)
{
    (void)state;
    enum sg_tee_status s = SG_TEE_STATUS_NOT_CHECKED;
    assert_true(sg_tee_status_parse(SG_BYTES_LIT("OutOfDateConfigurationNeeded"), &s));
    assert_int_equal(s, P);
    assert_true(sg_tee_status_parse(SG_BYTES_LIT("UpToDate"), &s));
    assert_int_equal(s, U);
    assert_false(sg_tee_status_parse(SG_BYTES_LIT("uptodate"), &s));
    assert_false(sg_tee_status_parse(SG_BYTES_LIT("UpToDat"), &s));
    assert_false(sg_tee_status_parse(SG_BYTES_LIT("NOT_SUPPORTED"), &s));
    assert_false(sg_tee_status_parse(SG_BYTES_LIT("not_checked"), &s));
    assert_int_equal(s, U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_reason_has_its_own_name),
        cmocka_unit_test(test_roles_and_faults_find_their_reason),
        cmocka_unit_test(test_reasons_are_listed_once_and_overflow_still_refuses),
        cmocka_unit_test(test_statuses_merge_to_what_either_lacks),
        cmocka_unit_test(test_only_the_vendors_statuses_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
