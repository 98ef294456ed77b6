#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include <sealgrid/tee/policy-text.h>

#include <string.h>

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char *const others[] = {"secrets", NULL};

static struct sg_tee_policy_text text; /* large */

static int take(const char *yaml, struct sg_yaml *tree, struct sg_yaml_error *e)
{
    assert_int_equal(sg_yaml_parse(tree, sg_bytes_str(yaml), e), 0);
    return sg_tee_policy_read(&text, &tree->nodes[0], others, e);
}

static void refuse(const char *yaml, unsigned line, const char *words)
{
    SG_CLEANUP(sg_yaml_clear) struct sg_yaml tree = {0};
    struct sg_yaml_error e = {0};
    assert_int_equal(take(yaml, &tree, &e), SG_YAML_BAD);
    assert_int_equal(e.line, line);
    if (!strstr(e.text, words))
        fail_msg("\"%s\" does not say \"%s\"", e.text, words);
}

static void test_every_key(void **state)
{
    (void)state;
    SG_CLEANUP(sg_yaml_clear) struct sg_yaml tree = {0};
    struct sg_yaml_error e = {0};
    const struct sg_tee_policy *p = &text.policy;
    assert_int_equal(take("measurements: ['" HEX64 "', aa]\n"
                          "kinds: [sgx, tdx]\n"
                          "signers: bb\n"
                          "min_svn: 7\n"
                          "statuses: [UpToDate, SWHardeningNeeded]\n"
                          "advisories: [INTEL-SA-00001]\n"
                          "min_tcb_evaluation: 17\n"
                          "max_collateral_age_days: 2\n"
                          "allow_absent: [crl]\n"
                          "debug: true\n"
                          "migratable: true\n"
                          "simulated: true\n"
                          "vmpl: [0, 3]\n"
                          "fields: {isvsvn: {at_least: 3}, mrconfigid: [01, 02]}\n"
                          "secrets: [somebody, else]\n",
                          &tree, &e),
                     0);
    assert_int_equal(p->n_measurements, 2);
    assert_int_equal(p->measurements[0].len, 32);
    assert_int_equal(p->measurements[1].data[0], 0xaa);
    assert_false(p->any_measurement || p->any_kind || p->any_signer || p->any_advisory);
    assert_int_equal(p->kinds, 1u << SG_TEE_SGX | 1u << SG_TEE_TDX);
    assert_int_equal(p->signers[0].data[0], 0xbb);
    assert_int_equal(p->min_svn, 7);
    assert_int_equal(p->statuses,
                     1u << SG_TEE_STATUS_UP_TO_DATE | 1u << SG_TEE_STATUS_SW_HARDENING);
    assert_string_equal(p->advisories[0], "INTEL-SA-00001");
    assert_int_equal(p->min_tcb_evaluation, 17);
    assert_int_equal(p->max_collateral_age_s, 2 * 86400);
    assert_int_equal(p->allow_absent, SG_TEE_ABSENT_CRL);
    assert_true(p->allow_debug && p->allow_migratable && p->allow_simulated);
    assert_int_equal(p->vmpls, 9);
    assert_int_equal(p->n_rules, 2);
    assert_true(p->rules[0].at_least);
    assert_int_equal(p->rules[0].minimum, 3);
    assert_int_equal(p->rules[1].n_values, 2);
}

static void test_absent_keys_allow_no_more_than_the_default(void **state)
{
    (void)state;
    SG_CLEANUP(sg_yaml_clear) struct sg_yaml tree = {0};
    struct sg_yaml_error e = {0};
    const struct sg_tee_policy d = sg_tee_policy_default();
    assert_int_equal(take("measurements: []\n", &tree, &e), 0);
    assert_false(text.policy.any_measurement);
    assert_int_equal(text.policy.n_measurements, 0);
    assert_int_equal(text.policy.statuses, d.statuses);
    assert_int_equal(text.policy.vmpls, d.vmpls);
    assert_int_equal(text.policy.allow_absent, 0);
    assert_false(text.policy.allow_debug || text.policy.allow_migratable ||
                 text.policy.allow_simulated);
}

static void test_what_would_allow_by_accident_is_refused(void **state)
{
    (void)state;
    refuse("kinds: [sgx]\n", 1, "no measurements");
    refuse("measurements: any\nsignres: [aa]\n", 2, "unknown key");
    refuse("measurements: any\nkinds: [sgz]\n", 2, "no word");
    refuse("measurements: any\nkinds: sgx\n", 2, "a list");
    refuse("measurements: any\nstatuses: [uptodate]\n", 2, "no word");
    refuse("measurements: any\nstatuses: [not_checked]\n", 2, "no word");
    refuse("measurements: any\nallow_absent: [all]\n", 2, "no word");
    refuse("measurements: any\nvmpl: [4]\n", 2, "no word");
    refuse("measurements: any\nmin_svn: -1\n", 2, "number");
    refuse("measurements: any\nmin_svn: 0x3\n", 2, "number");
    refuse("measurements: any\ndebug: no\n", 2, "true or false");
    refuse("measurements: ['']\n", 1, "hexadecimal");
    refuse("measurements: [any]\n", 1, "hexadecimal");
    refuse("measurements: any\nfields: {isvsvn: {at_most: 3}}\n", 2, "at_least");
    refuse("measurements: any\nreport_data: aa\n", 2, "64 octets");
    refuse("[measurements]\n", 1, "mapping");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_absent_keys_allow_no_more_than_the_default),
        cmocka_unit_test(test_what_would_allow_by_accident_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
