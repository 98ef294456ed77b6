/*
 * Older collateral put back, in the run and across a restart of casd (docs/adr/0011).
 */
#include "test-platforms-int.h"

static const int64_t at_s = 1800000000; /* the world's */
static struct platforms platforms;
static struct tk_intel stranger;

static void policy_of(unsigned version, unsigned epoch, char *ret, size_t size)
{
    int n = snprintf(ret, size,
                     "version: %u\ncollateral-epoch: %u\n"
                     "services:\n"
                     "  alpha:\n    kinds: [sgx]\n    measurements: ['%s']\n"
                     "  lenient:\n    kinds: [sgx]\n    measurements: ['%s']\n"
                     "    allow_absent: [tcb-info, qe-identity, crl]\n",
                     version, epoch, MEASUREMENT_SGX, MEASUREMENT_SGX);
    assert_true(n > 0 && (size_t)n < size);
}

/* A set of Intel's documents of that number, its lists of that issue, a minute each. */
static void put_set(struct fixture *f, const struct tk_intel *by, unsigned evaluation, int issue)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    const struct tk_crl_spec crl = {
        .from_s = at_s - 86400 + 60 * issue, .until_s = at_s + 30 * 86400, .number = 1};
    struct tk_tcb_info info = tk_tcb_info_good(by, false);
    struct tk_identity id = tk_identity_good(by, false);
    info.evaluation = id.evaluation = evaluation;
    put_tcb_info(&f->w, by, "collateral/tcb-sgx.json", &info);
    tk_identity_json(by, &id, &b);
    put_file(&f->w, "collateral/qe.json", &b);
    sg_buf_reset(&b);
    tk_crl_der(&crl, by->root, by->root_key, &b);
    put_file(&f->w, "collateral/root.crl", &b);
    sg_buf_reset(&b);
    tk_crl_der(&crl, by->ca, by->ca_key, &b);
    put_file(&f->w, "collateral/pck.crl", &b);
}

static size_t load(struct fixture *f)
{
    struct sg_cas_collateral_report report;
    bool loaded = false;
    assert_int_equal(sg_cas_service_refresh(f->service, &loaded, &report), 0);
    assert_true(loaded);
    return report.n_superseded;
}

static size_t restart(struct fixture *f)
{
    struct sg_cas_collateral_report report;
    sg_cas_service_free(f->service);
    f->service = NULL;
    open_service(f);
    assert_int_equal(use_collateral(f, &report), 0);
    return report.n_superseded;
}

static void granted(struct fixture *f, const char *service)
{
    if (attest_sgx(f, &platforms, service) != 0)
        fail_msg("%s: %s", service, sg_tee_reason_name(f->finding.reasons.at[0]));
}

static void refused(struct fixture *f, const char *service, const char *reason)
{
    assert_int_equal(attest_sgx(f, &platforms, service), SG_CAS_REFUSAL_UNTRUSTED);
    if (!has_reason(f, reason))
        fail_msg("%s: not %s but %s", service, reason,
                 sg_tee_reason_name(f->finding.reasons.at[0]));
}

static int set_up(void **state)
{
    static struct fixture f;
    struct sg_cas_collateral_report report;
    char text[2048];
    f = (struct fixture){0};
    world_new(&f.w);
    policy_of(1, 0, text, sizeof text);
    write_text(f.w.policy, text);
    put_platforms(&f.w, &platforms);
    put_root(&f.w, "collateral/pck-ca.pem", platforms.intel.ca);
    put_set(&f, &platforms.intel, 18, 9);
    struct sg_cas_init o = init_options(&f.w);
    assert_int_equal(sg_cas_init(&o, f.w.pin), 0);
    open_service(&f);
    assert_int_equal(use_collateral(&f, &report), 0);
    assert_int_equal(report.n_superseded, 0);
    granted(&f, "alpha");
    *state = &f;
    return 0;
}

static void expect_all_superseded(struct fixture *f)
{
    refused(f, "alpha", "tcb-info-superseded");
    refused(f, "alpha", "qe-identity-superseded");
    refused(f, "alpha", "pck-crl-superseded");
    refused(f, "alpha", "pck-ca-crl-superseded");
    refused(f, "lenient", "tcb-info-superseded"); /* that is no absence */
}

static void test_an_older_set_in_the_run(void **state)
{
    struct fixture *f = *state;
    put_set(f, &platforms.intel, 17, 8);
    assert_int_equal(load(f), 4);
    expect_all_superseded(f);
    put_set(f, &platforms.intel, 18, 9);
    assert_int_equal(load(f), 0);
    granted(f, "alpha");
    put_set(f, &platforms.intel, 19, 10);
    assert_int_equal(load(f), 0);
    granted(f, "alpha");
}

/* casd is stopped, the folder is put back to what it was last month, casd is started. */
static void test_an_older_set_across_a_restart(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(restart(f), 0);
    granted(f, "alpha");
    put_set(f, &platforms.intel, 17, 8);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(restart(f), 4);
        expect_all_superseded(f);
    }
    put_set(f, &platforms.intel, 18, 9);
    assert_int_equal(restart(f), 0);
    granted(f, "alpha");
}

/* The platforms' CA travels with every quote: its list must be known without it, too. */
static void test_an_older_list_without_its_issuer(void **state)
{
    struct fixture *f = *state;
    char path[160];
    put_set(f, &platforms.intel, 17, 8);
    snprintf(path, sizeof path, "%s/collateral/pck-ca.pem", f->w.dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(restart(f), 4);
    expect_all_superseded(f);
}

static void read_state(const struct fixture *f, struct sg_buf *ret)
{
    char path[160];
    snprintf(path, sizeof path, "%s/state.sealed", f->w.state);
    assert_int_equal(sg_file_read(path, ret), 0);
}

/* The state that remembers is put back too: the log knows it. */
static void test_the_memory_put_back(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf before = SG_BUF_INIT(SG_CAS_STATE_MAX);
    char path[160];
    read_state(f, &before);
    put_set(f, &platforms.intel, 19, 10);
    assert_int_equal(load(f), 0);
    assert_int_equal(restart(f), 0);
    put_set(f, &platforms.intel, 20, 11);
    assert_int_equal(load(f), 0);
    sg_cas_service_free(f->service);
    f->service = NULL;
    put_set(f, &platforms.intel, 18, 9);
    snprintf(path, sizeof path, "%s/state.sealed", f->w.state);
    assert_int_equal(sg_file_write_atomic(path, sg_buf_bytes(&before), 0600), 0);
    assert_int_equal(sg_cas_service_open(&f->service, f->w.state, f->w.tee, SG_TEE_SEAL_MEASUREMENT,
                                         &limits, f->w.now),
                     SG_CAS_STATE_ROLLED_BACK);
}

/* Who can write the folder and not sign for Intel cannot lock good documents out. */
static void test_strangers_are_not_remembered(void **state)
{
    struct fixture *f = *state;
    put_set(f, &stranger, 4000000000, 99);
    load(f);
    assert_int_equal(attest_sgx(f, &platforms, "alpha"), SG_CAS_REFUSAL_UNTRUSTED);
    put_set(f, &platforms.intel, 18, 9);
    assert_int_equal(load(f), 0);
    granted(f, "alpha");
    assert_int_equal(restart(f), 0);
    granted(f, "alpha");
}

/* Nothing new is no reason to write. */
static void test_the_state_is_written_when_a_mark_rises(void **state)
{
    struct fixture *f = *state;
    const uint64_t before = f->service->vault->sequence;
    put_set(f, &platforms.intel, 18, 9);
    load(f);
    put_set(f, &platforms.intel, 17, 8);
    load(f);
    assert_int_equal(f->service->vault->sequence, before);
    put_set(f, &platforms.intel, 19, 9);
    load(f);
    assert_int_equal(f->service->vault->sequence, before + 1);
}

/* Documents that could not be remembered are not used: the present ones serve on. */
static void test_a_memory_that_cannot_be_written(void **state)
{
    struct fixture *f = *state;
    struct sg_cas_collateral_report report;
    bool loaded = false;
    char aside[128];
    snprintf(aside, sizeof aside, "%s.aside", f->w.state);
    put_set(f, &platforms.intel, 19, 10);
    assert_int_equal(rename(f->w.state, aside), 0);
    assert_true(sg_cas_service_refresh(f->service, &loaded, &report) < 0);
    assert_int_equal(rename(aside, f->w.state), 0);
    put_set(f, &platforms.intel, 18, 9);
    assert_int_equal(load(f), 0);
    granted(f, "alpha");
    put_set(f, &platforms.intel, 19, 10);
    assert_int_equal(load(f), 0);
    granted(f, "alpha");
}

static int update(struct fixture *f, unsigned version, unsigned epoch)
{
    char text[2048];
    struct sg_yaml_error e;
    policy_of(version, epoch, text, sizeof text);
    return sg_cas_service_update(f->service, sg_bytes_str(text), f->service->policy_digest,
                                 f->w.now, &e);
}

/* The operator's word, in the policy, forgets: a vendor may go back on purpose. */
static void test_forgotten_by_the_policy(void **state)
{
    struct fixture *f = *state;
    put_set(f, &platforms.intel, 17, 8);
    assert_int_equal(load(f), 4);
    assert_int_equal(update(f, 2, 0), 0);
    refused(f, "alpha", "tcb-info-superseded");
    assert_int_equal(update(f, 3, 1), 0);
    granted(f, "alpha");
    assert_int_equal(restart(f), 0);
    granted(f, "alpha");
    /* Once: what is seen from then on counts, and a lower epoch brings nothing back. */
    put_set(f, &platforms.intel, 16, 7);
    assert_int_equal(load(f), 4);
    assert_int_equal(update(f, 4, 0), 0);
    refused(f, "alpha", "tcb-info-superseded");
    assert_int_equal(restart(f), 4);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_older_set_in_the_run),
        TEST(test_an_older_set_across_a_restart),
        TEST(test_an_older_list_without_its_issuer),
        TEST(test_the_memory_put_back),
        TEST(test_strangers_are_not_remembered),
        TEST(test_the_state_is_written_when_a_mark_rises),
        TEST(test_a_memory_that_cannot_be_written),
        TEST(test_forgotten_by_the_policy),
    };
    platforms_init(&platforms, at_s);
    tk_intel_init(&stranger, at_s);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    platforms_clear(&platforms);
    tk_intel_clear(&stranger);
    return failed;
}
