#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>
#include <sealgrid/base/file.h>
#include <sealgrid/tee/provider.h>

#include "sim-int.h"

static char dir[64];
static struct sg_tee_provider *provider;

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/sg-test-provider-XXXXXX");
    if (!mkdtemp(dir) || sg_sim_platform_create(dir) != 0)
        return -1;
    return sg_tee_provider_open(&provider, "sim", dir);
}

static int tear_down(void **state)
{
    (void)state;
    sg_tee_provider_free(provider);
    provider = NULL;
    return sg_remove_tree(dir);
}

static void test_evidence_of_this_executable_verifies(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    SG_CLEANUP(sg_key_freep) struct sg_key *root = NULL;
    uint8_t report_data[64] = {1, 2, 3}, self[32];
    struct sg_tee_claims claims;
    assert_int_equal(sg_tee_evidence(provider, report_data, &evidence), 0);
    assert_int_equal(sg_sim_platform_public(dir, &root), 0);
    struct sg_tee_collateral c = {&root, 1};
    assert_int_equal(
        sg_tee_verify(sg_tee_provider_kind(provider), sg_buf_bytes(&evidence), &c, 0, &claims), 0);
    assert_int_equal(sg_sim_measure_self(self), 0);
    assert_memory_equal(claims.measurement, self, sizeof self);
    assert_memory_equal(claims.report_data, report_data, sizeof report_data);
}

static void test_evidence_is_fresh_every_time(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf a = SG_BUF_INIT(4096);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    uint8_t report_data[64] = {0};
    assert_int_equal(sg_tee_evidence(provider, report_data, &a), 0);
    assert_int_equal(sg_tee_evidence(provider, report_data, &b), 0);
    assert_false(sg_bytes_equal(sg_buf_bytes(&a), sg_buf_bytes(&b)));
}

static bool same_key(enum sg_tee_seal p1, const char *l1, enum sg_tee_seal p2, const char *l2)
{
    SG_CLEANUP(sg_secret_clear) struct sg_secret a = SG_SECRET_INIT;
    SG_CLEANUP(sg_secret_clear) struct sg_secret b = SG_SECRET_INIT;
    assert_int_equal(sg_tee_sealing_key(provider, p1, l1, &a), 0);
    assert_int_equal(sg_tee_sealing_key(provider, p2, l2, &b), 0);
    assert_int_equal(a.len, 32);
    return sg_secret_equal(sg_secret_bytes(&a), sg_secret_bytes(&b));
}

static void test_sealing_keys_hang_on_policy_and_label(void **state)
{
    (void)state;
    assert_true(same_key(SG_TEE_SEAL_MEASUREMENT, "a", SG_TEE_SEAL_MEASUREMENT, "a"));
    assert_false(same_key(SG_TEE_SEAL_MEASUREMENT, "a", SG_TEE_SEAL_MEASUREMENT, "b"));
    assert_false(same_key(SG_TEE_SEAL_MEASUREMENT, "a", SG_TEE_SEAL_PLATFORM, "a"));
}

static void test_sealing_key_of_another_build_differs(void **state)
{
    (void)state;
    SG_CLEANUP(sg_secret_clear) struct sg_secret a = SG_SECRET_INIT;
    SG_CLEANUP(sg_secret_clear) struct sg_secret b = SG_SECRET_INIT;
    SG_CLEANUP(sg_secret_clear) struct sg_secret c = SG_SECRET_INIT;
    SG_CLEANUP(sg_secret_clear) struct sg_secret d = SG_SECRET_INIT;
    const uint8_t one[32] = {1}, two[32] = {2}, platform[32] = {3};
    struct sg_bytes p = SG_BYTES_ARRAY(platform);
    assert_int_equal(sg_sim_derive_sealing(p, SG_TEE_SEAL_MEASUREMENT, one, "x", &a), 0);
    assert_int_equal(sg_sim_derive_sealing(p, SG_TEE_SEAL_MEASUREMENT, two, "x", &b), 0);
    assert_false(sg_secret_equal(sg_secret_bytes(&a), sg_secret_bytes(&b)));
    assert_int_equal(sg_sim_derive_sealing(p, SG_TEE_SEAL_PLATFORM, one, "x", &c), 0);
    assert_int_equal(sg_sim_derive_sealing(p, SG_TEE_SEAL_PLATFORM, two, "x", &d), 0);
    assert_true(sg_secret_equal(sg_secret_bytes(&c), sg_secret_bytes(&d)));
}

static void test_unknown_kind_and_absent_platform(void **state)
{
    (void)state;
    struct sg_tee_provider *none = NULL;
    assert_int_equal(sg_tee_provider_open(&none, "sgx", dir), -ENOTSUP);
    assert_int_equal(sg_tee_provider_open(&none, "sim", "/tmp/sg-no-such-platform"), -ENOENT);
    assert_null(none);
    assert_int_equal(sg_tee_kind_parse(SG_BYTES_LIT("sim")), SG_TEE_SIM);
    assert_int_equal(sg_tee_kind_parse(SG_BYTES_LIT("simm")), SG_TEE_KIND_NONE);
    assert_string_equal(sg_tee_kind_name(SG_TEE_SIM), "sim");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_evidence_of_this_executable_verifies),
        TEST(test_evidence_is_fresh_every_time),
        TEST(test_sealing_keys_hang_on_policy_and_label),
        TEST(test_sealing_key_of_another_build_differs),
        TEST(test_unknown_kind_and_absent_platform),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
