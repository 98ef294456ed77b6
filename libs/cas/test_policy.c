#include "test-cas-int.h"

static int parse(const char *text, struct sg_cas_policy **ret, struct sg_yaml_error *e)
{
    return sg_cas_policy_parse(ret, sg_bytes_str(text), e);
}

/* Refused at this line, with these words. */
static void refuse(const char *text, unsigned line, const char *words)
{
    struct sg_cas_policy *p = NULL;
    struct sg_yaml_error e = {0};
    assert_int_equal(parse(text, &p, &e), SG_CAS_POLICY_BAD);
    assert_null(p);
    assert_int_equal(e.line, line);
    if (!strstr(e.text, words))
        fail_msg("\"%s\" does not say \"%s\"", e.text, words);
}

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void test_a_whole_policy(void **state)
{
    (void)state;
    SG_CLEANUP(sg_cas_policy_freep) struct sg_cas_policy *p = NULL;
    struct sg_yaml_error e;
    char text[4096];
    policy_text(7, "", text, sizeof text);
    assert_int_equal(parse(text, &p, &e), 0);
    assert_int_equal(p->version, 7);
    assert_int_equal(p->certificate_s, 86400);
    assert_int_equal(p->n_rules, 5);
    assert_int_equal(p->n_wanted, 8);
    const struct sg_cas_rule *alpha = sg_cas_policy_rule(p, SG_BYTES_LIT("alpha"));
    assert_non_null(alpha);
    assert_string_equal(alpha->ip, "127.0.0.1");
    assert_true(sg_cas_rule_releases(alpha, "kek/metering/1"));
    assert_true(sg_cas_rule_releases(alpha, "note"));
    assert_false(sg_cas_rule_releases(alpha, "api-key/reader"));
    assert_false(sg_cas_rule_releases(alpha, "notebook"));
    assert_null(sg_cas_policy_rule(p, SG_BYTES_LIT("alph")));
    assert_null(sg_cas_policy_rule(p, SG_BYTES_LIT("alpha2")));
}

/* Simulated evidence of this program, against nothing but the policy. */
static bool allows(const struct sg_cas_rule *rule, struct sg_bytes measurement)
{
    struct sg_tee_verdict v = {.kind = SG_TEE_SIM,
                               .judged = true,
                               .tcb_status = SG_TEE_STATUS_NOT_APPLICABLE,
                               .collateral_from_s = INT64_MIN};
    memcpy(v.claims.measurement, measurement.data ? measurement.data : (const uint8_t *)"",
           measurement.len);
    v.claims.measurement_len = measurement.len;
    sg_tee_apply(&rule->accept->policy, &v);
    return sg_tee_trusted(&v);
}

static void test_measurements_are_compared_whole(void **state)
{
    (void)state;
    SG_CLEANUP(sg_cas_policy_freep) struct sg_cas_policy *p = NULL;
    struct sg_yaml_error e;
    uint8_t m[48] = {0};
    assert_int_equal(
        parse("version: 1\nservices:\n  a:\n    measurements: ['" HEX64 "']\n", &p, &e), 0);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(64);
    assert_int_equal(sg_hex_decode(&b, SG_BYTES_LIT(HEX64)), 0);
    memcpy(m, b.data, 32);
    assert_true(allows(&p->rules[0], SG_BYTES(m, 32)));
    assert_false(allows(&p->rules[0], SG_BYTES(m, 48)));
    assert_false(allows(&p->rules[0], SG_BYTES(m, 31)));
    assert_false(allows(&p->rules[0], SG_BYTES_NONE));
    m[31] ^= 1;
    assert_false(allows(&p->rules[0], SG_BYTES(m, 32)));
}

static void test_what_would_silently_do_nothing_is_refused(void **state)
{
    (void)state;
    refuse("version: 1\nservises: {}\n", 2, "unknown key \"servises\"");
    refuse("version: 1\nservices:\n  a:\n    measurement: []\n", 4, "unknown key");
    refuse("version: 1\nservices:\n  a:\n    secrets: []\n", 4, "no measurements");
    refuse("version: 1\nservices:\n  a:\n    measurements: []\n    secrets: [kek/x/1]\n", 5,
           "no secret of this policy");
    refuse("version: 1\nservices:\n  a:\n    measurements: [any]\n", 4, "hexadecimal");
    refuse("version: 1\nservices:\n  a:\n    measurements: ['" HEX64 "00']\n", 4, "32, 48 or 64");
    refuse("version: 1\nsecrets:\n  s: {kind: rand}\n", 3, "kind is");
    refuse("version: 1\nsecrets:\n  s: {kind: ''}\n", 3, "empty");
    refuse("version: 1\nsecrets:\n  s: {kind: text, text: a, octets: 3}\n", 3, "does not go");
    refuse("version: 1\nsecrets:\n  s: {kind: file}\n", 3, "no path");
}

static void test_a_service_without_kinds_means_simulated_evidence(void **state)
{
    (void)state;
    SG_CLEANUP(sg_cas_policy_freep) struct sg_cas_policy *p = NULL;
    struct sg_yaml_error e;
    assert_int_equal(parse("version: 1\nservices:\n"
                           "  old: {measurements: []}\n"
                           "  new: {measurements: any, signers: ['" HEX64 "'], kinds: [sgx, tdx]}\n"
                           "  none: {measurements: [], kinds: []}\n",
                           &p, &e),
                     0);
    assert_int_equal(p->rules[0].accept->policy.kinds, 1u << SG_TEE_SIM);
    assert_true(p->rules[0].accept->policy.allow_simulated);
    assert_int_equal(p->rules[1].accept->policy.kinds, 1u << SG_TEE_SGX | 1u << SG_TEE_TDX);
    assert_false(p->rules[1].accept->policy.allow_simulated);
    assert_int_equal(p->rules[2].accept->policy.kinds, 0);
    for (size_t i = 0; i < 3; i++)
        assert_false(p->rules[i].accept->policy.any_kind);
}

static void test_what_would_allow_anybody_is_refused(void **state)
{
    (void)state;
    refuse("version: 1\nservices:\n  a:\n    measurements: any\n", 4, "signers");
    refuse("version: 1\nservices:\n  a:\n    measurements: any\n    signers: any\n", 4, "signers");
    refuse("version: 1\nservices:\n  a:\n    measurements: []\n    kinds: any\n", 4, "named");
    refuse("version: 1\nservices:\n  a:\n    measurements: []\n    simulated: true\n", 5, "casd's");
    refuse("version: 1\nservices:\n  a:\n    measurements: []\n    report_data: aa\n", 5,
           "64 octets");
    refuse("version: 1\nservices:\n  a:\n    measurements: []\n    kinds: [sgx, sgy]\n", 5,
           "no word");
    refuse("version: 1\nroots: ['" HEX64 "', 'aa']\n", 2, "64 hexadecimal");
    refuse("version: 1\nroots: " HEX64 "\n", 2, "a list");
}

static void test_bounds(void **state)
{
    (void)state;
    refuse("services: {}\n", 1, "version is missing");
    refuse("version: 0\n", 1, "number from 1");
    refuse("version: 1x\n", 1, "number from 1");
    refuse("version: 1\ncertificate-hours: 25\n", 2, "1 to 24");
    refuse("version: 1\nbuckets:\n  b: {}\n", 3, "3..63");
    refuse("version: 1\nbuckets:\n  bucket: {epochs: 65}\n", 3, "1 to 64");
    refuse("version: 1\nsecrets:\n  s: {kind: random, octets: 15}\n", 3, "16 to 4096");
    refuse("version: 1\nservices:\n  casd: {measurements: []}\n", 3, "not casd");
    refuse("version: 1\nservices:\n  a/b: {measurements: []}\n", 3, "service names");
    refuse("version: 1\nsecrets:\n  UPPER: {kind: random}\n", 3, "secret names");
    /* A secret that a bucket makes already. */
    refuse("version: 1\nbuckets:\n  bucket: {}\nsecrets:\n  name-key/bucket: {kind: random}\n", 5,
           "stands twice");
}

static void test_yaml_tricks_are_refused(void **state)
{
    (void)state;
    refuse("version: &a 1\n", 1, "anchor");
    refuse("version: !!int 1\n", 1, "tag");
    refuse("version: 1\nversion: 2\n", 2, "twice");
    refuse("version: 1\n---\nversion: 2\n", 2, "one YAML document");
    refuse("", 1, "");
    refuse("- version\n", 1, "mapping");
}

static void test_measured_policy_is_usable(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_cas_policy_freep) struct sg_cas_policy *p = NULL;
    struct sg_yaml_error e;
    uint8_t self[32], other[32];
    const struct sg_cas_program programs[] = {{"kvsd", "/proc/self/exe"},
                                              {"authd", "/proc/self/exe"},
                                              {"authd", "/proc/self/status"},
                                              {"mdcd", "/proc/self/exe"}};
    assert_int_equal(sg_cas_policy_measure(programs, 2, NULL, &text), 0);
    sg_buf_reset(&text);
    assert_int_equal(sg_cas_policy_measure(programs, 2, "it's here/root.pem", &text), 0);
    assert_int_equal(sg_cas_policy_parse(&p, sg_buf_bytes(&text), &e), 0);
    assert_int_equal(sg_sim_measure_self(self), 0);
    memset(other, 1, sizeof other);
    const struct sg_cas_rule *kvsd = sg_cas_policy_rule(p, SG_BYTES_LIT("kvsd"));
    const struct sg_cas_rule *authd = sg_cas_policy_rule(p, SG_BYTES_LIT("authd"));
    assert_true(allows(kvsd, SG_BYTES_ARRAY(self)));
    assert_false(allows(kvsd, SG_BYTES_ARRAY(other)));
    assert_true(sg_cas_rule_releases(kvsd, "kek/metering/1"));
    assert_true(sg_cas_rule_releases(kvsd, "name-key/evidence"));
    assert_false(sg_cas_rule_releases(kvsd, "edhoc/suite2/key"));
    assert_true(sg_cas_rule_releases(authd, "edhoc/suite3/key"));
    assert_true(sg_cas_rule_releases(authd, "authority/root"));
    assert_false(sg_cas_rule_releases(authd, "kek/metering/1"));
    for (size_t i = 0; i < p->n_wanted; i++)
        if (p->wanted[i].kind == SG_CAS_SECRET_FILE)
            assert_string_equal(p->wanted[i].source, "it's here/root.pem");
}

static void test_measuring_two_builds_of_one_service(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_cas_policy_freep) struct sg_cas_policy *p = NULL;
    struct sg_yaml_error e;
    const struct sg_cas_program programs[] = {
        {"aggd", "/proc/self/exe"}, {"bill", "/proc/self/exe"}, {"aggd", "/proc/self/cmdline"}};
    assert_int_equal(sg_cas_policy_measure(programs, 3, NULL, &text), 0);
    assert_int_equal(sg_cas_policy_parse(&p, sg_buf_bytes(&text), &e), 0);
    assert_int_equal(p->n_rules, 2);
    assert_int_equal(sg_cas_policy_rule(p, SG_BYTES_LIT("aggd"))->accept->policy.n_measurements, 2);
    assert_int_equal(sg_cas_policy_rule(p, SG_BYTES_LIT("bill"))->accept->policy.n_measurements, 1);
}

static void test_measuring_what_is_not_there(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(65536);
    const struct sg_cas_program absent = {"kvsd", "/nonexistent/kvsd"};
    const struct sg_cas_program bad = {"KVSD", "/proc/self/exe"};
    assert_int_equal(sg_cas_policy_measure(&absent, 1, NULL, &text), -ENOENT);
    assert_int_equal(sg_cas_policy_measure(&bad, 1, NULL, &text), -EINVAL);
    assert_int_equal(text.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_policy),
        cmocka_unit_test(test_measurements_are_compared_whole),
        cmocka_unit_test(test_what_would_silently_do_nothing_is_refused),
        cmocka_unit_test(test_a_service_without_kinds_means_simulated_evidence),
        cmocka_unit_test(test_what_would_allow_anybody_is_refused),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_yaml_tricks_are_refused),
        cmocka_unit_test(test_measured_policy_is_usable),
        cmocka_unit_test(test_measuring_two_builds_of_one_service),
        cmocka_unit_test(test_measuring_what_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
