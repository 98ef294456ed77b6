/*
 * What casd judges SGX evidence by: collateral that ends, goes back, is revoked or missing; roots
 * of the configuration; what services accept; production.
 */
#include "test-platforms-int.h"

static const int64_t at_s = 1800000000; /* the world's */
static struct platforms platforms;

/* What services of one good enclave accept besides. */
static const struct {
    const char *name, *more;
} sgx_services[] = {
    {"alpha", ""},
    {"fresh", "    max_collateral_age_days: 3\n    min_tcb_evaluation: 17\n"},
    {"lenient", "    allow_absent: [tcb-info, qe-identity, crl]\n"},
    {"old", "    statuses: [UpToDate, OutOfDate]\n"},
    {"hardened", "    statuses: [SWHardeningNeeded]\n    advisories: [INTEL-SA-00001]\n"},
    {"hardened-otherwise", "    statuses: [SWHardeningNeeded]\n    advisories: [INTEL-SA-00002]\n"},
    {"svn9", "    min_svn: 9\n"},
    {"svn10", "    min_svn: 10\n"},
    {"debugged", "    debug: true\n"},
    {"field", "    fields: {isvprodid: {at_least: 3}}\n"},
    {"field-higher", "    fields: {isvprodid: {at_least: 4}}\n"},
    {"field-unknown", "    fields: {mrtd: {at_least: 0}}\n"},
};

static const char other_services[] =
    "  signed:\n    kinds: [sgx]\n    measurements: any\n    signers: ['" SIGNER_SGX "']\n"
    "  signed-otherwise:\n    kinds: [sgx]\n    measurements: any\n"
    "    signers: ['" MEASUREMENT_SGX "']\n"
    "  simulated:\n    kinds: [sim]\n    measurements: ['%s']\n";

/* Version n, and who else may be a root. */
static void policy_of(unsigned version, const char *roots, char *ret, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    uint8_t self[32];
    char hex[65];
    assert_int_equal(sg_sim_measure_self(self), 0);
    sg_hex(hex, self, sizeof self);
    assert_int_equal(sg_buf_printf(&b, "version: %u\n%sservices:\n", version, roots), 0);
    for (size_t i = 0; i < sizeof sgx_services / sizeof sgx_services[0]; i++)
        assert_int_equal(sg_buf_printf(&b, "  %s:\n    kinds: [sgx]\n    measurements: ['%s']\n%s",
                                       sgx_services[i].name, MEASUREMENT_SGX, sgx_services[i].more),
                         0);
    assert_int_equal(sg_buf_printf(&b, other_services, hex), 0);
    assert_true(b.len < size);
    memcpy(ret, b.data, b.len);
    ret[b.len] = 0;
}

static void world_of(struct fixture *f, const char *roots, bool production)
{
    char text[8192];
    *f = (struct fixture){0};
    world_new(&f->w);
    policy_of(1, roots, text, sizeof text);
    write_text(f->w.policy, text);
    put_platforms(&f->w, &platforms);
    struct sg_cas_init o = init_options(&f->w);
    o.production = production;
    assert_int_equal(sg_cas_init(&o, f->w.pin), 0);
    open_service(f);
}

static int set_up(void **state)
{
    static struct fixture f;
    struct sg_cas_collateral_report report;
    world_of(&f, "", false);
    assert_int_equal(use_collateral(&f, &report), 0);
    assert_int_equal(report.n_roots_added, 2);
    assert_int_equal(report.n_roots_refused, 0);
    *state = &f;
    return 0;
}

static void granted(struct fixture *f, const char *service)
{
    int r = attest_sgx(f, &platforms, service);
    if (r != 0)
        fail_msg("%s: %s, %s", service, sg_cas_refusal_name((enum sg_cas_refusal)r),
                 sg_tee_reason_name(f->finding.reasons.at[0]));
}

/* The client learns the code, the log the reason. */
static void refused(struct fixture *f, const char *service, enum sg_cas_refusal code,
                    const char *reason)
{
    int r = attest_sgx(f, &platforms, service);
    assert_string_equal(sg_cas_refusal_name((enum sg_cas_refusal)r), sg_cas_refusal_name(code));
    if (!has_reason(f, reason))
        fail_msg("%s: %s is not among the reasons, %s is", service, reason,
                 sg_tee_reason_name(f->finding.reasons.at[0]));
}

static void refresh(struct fixture *f)
{
    struct sg_cas_collateral_report report;
    bool loaded = false;
    assert_int_equal(sg_cas_service_refresh(f->service, &loaded, &report), 0);
    assert_true(loaded);
    assert_int_equal(sg_cas_service_refresh(f->service, &loaded, &report), 0);
    assert_false(loaded); /* nothing changed since */
}

static void remove_file(const struct fixture *f, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", f->w.dir, name);
    assert_int_equal(unlink(path), 0);
}

/* ---- what services accept ---- */

static void test_the_language_of_policies(void **state)
{
    struct fixture *f = *state;
    granted(f, "alpha");
    granted(f, "fresh");
    granted(f, "old");
    granted(f, "svn9");
    granted(f, "signed");
    granted(f, "field");
    granted(f, "debugged");
    refused(f, "svn10", SG_CAS_REFUSAL_NOT_ACCEPTED, "svn-too-low");
    refused(f, "signed-otherwise", SG_CAS_REFUSAL_NOT_ACCEPTED, "signer-unknown");
    refused(f, "field-higher", SG_CAS_REFUSAL_NOT_ACCEPTED, "field-not-accepted");
    refused(f, "field-unknown", SG_CAS_REFUSAL_NOT_ACCEPTED, "field-not-accepted");
    refused(f, "hardened", SG_CAS_REFUSAL_NOT_ACCEPTED, "tcb-status-not-accepted");
    refused(f, "simulated", SG_CAS_REFUSAL_KIND, "kind-not-accepted");
}

static void put_level(struct fixture *f, const char *status, const char *advisories)
{
    struct tk_tcb_info info = tk_tcb_info_good(&platforms.intel, false);
    info.level[0].status = status;
    info.level[0].advisories = advisories;
    put_tcb_info(&f->w, &platforms.intel, "collateral/tcb-sgx.json", &info);
    refresh(f);
}

static void test_statuses_and_advisories(void **state)
{
    struct fixture *f = *state;
    put_level(f, "OutOfDate", NULL);
    refused(f, "alpha", SG_CAS_REFUSAL_NOT_ACCEPTED, "tcb-status-not-accepted");
    granted(f, "old");
    put_level(f, "SWHardeningNeeded", "[\"INTEL-SA-00001\"]");
    refused(f, "old", SG_CAS_REFUSAL_NOT_ACCEPTED, "tcb-status-not-accepted");
    granted(f, "hardened");
    refused(f, "hardened-otherwise", SG_CAS_REFUSAL_NOT_ACCEPTED, "advisory-not-accepted");
    put_level(f, "Revoked", NULL);
    refused(f, "old", SG_CAS_REFUSAL_UNTRUSTED, "tcb-revoked");
}

static void test_debug_is_a_services_own_choice(void **state)
{
    struct fixture *f = *state;
    OUT(out);
    const struct forgery g = {.kind = SG_TEE_SGX, .debug = true};
    assert_refused(attest_as(f, &platforms, g, "alpha", &out), SG_CAS_REFUSAL_DEBUG, &out);
    assert_int_equal(attest_as(f, &platforms, g, "debugged", &out), 0);
}

/* ---- time ---- */

static void test_collateral_that_has_ended(void **state)
{
    struct fixture *f = *state;
    const int64_t end = sg_cas_collateral_next_expiry(f->service->collateral, f->w.now.unix_s);
    assert_true(end > at_s && end < at_s + 40 * 86400);
    f->w.now.unix_s = end;
    granted(f, "alpha");
    f->w.now.unix_s = end + 1;
    refused(f, "alpha", SG_CAS_REFUSAL_UNTRUSTED, "tcb-info-expired");
    refused(f, "lenient", SG_CAS_REFUSAL_UNTRUSTED, "tcb-info-expired");
    f->w.now.unix_s = at_s - 3 * 86400; /* a casd whose clock went back */
    refused(f, "alpha", SG_CAS_REFUSAL_UNTRUSTED, "tcb-info-not-yet-valid");
}

static void test_collateral_that_is_valid_and_too_old(void **state)
{
    struct fixture *f = *state;
    granted(f, "fresh");
    f->w.now.unix_s += 5 * 86400;
    granted(f, "alpha");
    refused(f, "fresh", SG_CAS_REFUSAL_NOT_ACCEPTED, "collateral-too-old");
}

/* Who can write the folder puts back last year's document, still valid and rightly signed. */
static void test_a_downgrade_to_older_collateral(void **state)
{
    struct fixture *f = *state;
    struct tk_tcb_info info = tk_tcb_info_good(&platforms.intel, false);
    granted(f, "fresh");
    info.evaluation = 16;
    put_tcb_info(&f->w, &platforms.intel, "collateral/tcb-sgx.json", &info);
    refresh(f);
    refused(f, "alpha", SG_CAS_REFUSAL_UNTRUSTED, "tcb-info-superseded");
    refused(f, "fresh", SG_CAS_REFUSAL_UNTRUSTED, "tcb-info-superseded");
}

/* A casd that never saw a newer one has the policy's bound alone. */
static void test_collateral_of_too_low_a_number(void **state)
{
    (void)state;
    struct fixture f;
    struct sg_cas_collateral_report report;
    struct tk_tcb_info info = tk_tcb_info_good(&platforms.intel, false);
    world_of(&f, "", false);
    info.evaluation = 16;
    put_tcb_info(&f.w, &platforms.intel, "collateral/tcb-sgx.json", &info);
    assert_int_equal(use_collateral(&f, &report), 0);
    granted(&f, "alpha");
    refused(&f, "fresh", SG_CAS_REFUSAL_NOT_ACCEPTED, "tcb-evaluation-too-old");
    sg_cas_service_free(f.service);
    world_clear(&f.w);
}

/* ---- absence ---- */

static void test_nothing_is_trusted_because_a_document_is_absent(void **state)
{
    struct fixture *f = *state;
    remove_file(f, "collateral/tcb-sgx.json");
    refresh(f); /* what is there is of TDX */
    refused(f, "alpha", SG_CAS_REFUSAL_NOT_ACCEPTED, "tcb-info-mismatch");
    remove_file(f, "collateral/tcb-tdx.json");
    refresh(f);
    refused(f, "alpha", SG_CAS_REFUSAL_NOT_ACCEPTED, "tcb-info-missing");
    granted(f, "lenient");
    refused(f, "fresh", SG_CAS_REFUSAL_NOT_ACCEPTED, "tcb-info-missing");
    put_intel(&f->w, &platforms.intel);
    remove_file(f, "collateral/qe.json");
    remove_file(f, "collateral/td-qe.json");
    refresh(f);
    refused(f, "alpha", SG_CAS_REFUSAL_NOT_ACCEPTED, "qe-identity-missing");
    granted(f, "lenient");
    put_intel(&f->w, &platforms.intel);
    remove_file(f, "collateral/pck.crl");
    refresh(f);
    refused(f, "alpha", SG_CAS_REFUSAL_NOT_ACCEPTED, "pck-crl-missing");
    granted(f, "lenient");
}

static void test_a_casd_without_roots_trusts_no_hardware_of_ours(void **state)
{
    (void)state;
    struct fixture f;
    world_of(&f, "", false);
    refused(&f, "alpha", SG_CAS_REFUSAL_UNTRUSTED, "pck-untrusted");
    sg_cas_service_free(f.service);
    world_clear(&f.w);
}

/* ---- change ---- */

/* Chains that a cache has verified are judged again by what a new list says. */
static void test_a_revocation_counts_from_the_next_load(void **state)
{
    struct fixture *f = *state;
    granted(f, "alpha");
    granted(f, "alpha");
    put_pck_crl(&f->w, &platforms.intel, &platforms.intel.pck_spec.serial);
    granted(f, "alpha"); /* nobody has looked yet */
    refresh(f);
    refused(f, "alpha", SG_CAS_REFUSAL_UNTRUSTED, "pck-revoked");
    refused(f, "lenient", SG_CAS_REFUSAL_UNTRUSTED, "pck-revoked");
    put_pck_crl(&f->w, &platforms.intel, NULL);
    refresh(f);
    granted(f, "alpha");
}

static void test_what_cannot_be_read_leaves_the_present(void **state)
{
    struct fixture *f = *state;
    struct sg_cas_collateral_report report;
    char from[128], to[128];
    bool loaded = false;
    snprintf(from, sizeof from, "%s/collateral", f->w.dir);
    snprintf(to, sizeof to, "%s/elsewhere", f->w.dir);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(sg_cas_service_refresh(f->service, &loaded, &report), -ENOENT);
    granted(f, "alpha");
    sg_cas_collateral_drop(f->service->collateral);
    assert_int_equal(attest_sgx(f, &platforms, "alpha"), -ENODATA);
    assert_int_equal(rename(to, from), 0);
    refresh(f);
    granted(f, "alpha");
}

static void test_a_judge_keeps_what_he_took(void **state)
{
    struct fixture *f = *state;
    struct sg_cas_judging a, b, c;
    struct sg_cas_collateral *collateral = f->service->collateral;
    assert_int_equal(sg_cas_collateral_take(collateral, &a), 0);
    assert_int_equal(sg_cas_collateral_take(collateral, &b), 0);
    assert_ptr_equal(a.store, b.store);
    assert_ptr_not_equal(a.cache, b.cache); /* one thread each */
    put_pck_crl(&f->w, &platforms.intel, NULL);
    refresh(f);
    assert_int_equal(sg_cas_collateral_take(collateral, &c), 0);
    assert_ptr_not_equal(a.store, c.store);
    assert_true(sg_tee_store_next_expiry(a.store, at_s) > at_s); /* still there */
    sg_cas_collateral_give(collateral, &a);
    sg_cas_collateral_give(collateral, &b);
    struct sg_tee_cache *kept = c.cache;
    sg_cas_collateral_give(collateral, &c);
    assert_int_equal(sg_cas_collateral_take(collateral, &c), 0);
    assert_ptr_equal(c.cache, kept);
    sg_cas_collateral_give(collateral, &c);
}

/* ---- roots ---- */

static int set_roots(struct fixture *f, const char *root, struct sg_cas_collateral_report *report)
{
    char folder[128];
    const char *const folders[] = {folder}, *const roots[] = {root};
    const struct sg_cas_collateral_options o = {folders, 1, roots, root ? 1 : 0};
    struct sg_cas_collateral *c = NULL;
    snprintf(folder, sizeof folder, "%s/collateral", f->w.dir);
    assert_int_equal(sg_cas_collateral_new(&c, &o), 0);
    return sg_cas_service_set_collateral(f->service, c, report);
}

static void test_a_root_among_the_collateral_is_none(void **state)
{
    struct fixture *f = *state;
    struct sg_cas_collateral_report report;
    put_root(&f->w, "collateral/root.pem", platforms.intel.root);
    assert_int_equal(set_roots(f, NULL, &report), 0);
    refused(f, "alpha", SG_CAS_REFUSAL_UNTRUSTED, "pck-untrusted");
}

static void test_a_root_speaks_for_its_vendor(void **state)
{
    struct fixture *f = *state;
    struct sg_cas_collateral_report report;
    char root[160];
    snprintf(root, sizeof root, "amd:%s/intel.pem", f->w.dir);
    assert_int_equal(set_roots(f, root, &report), 0);
    refused(f, "alpha", SG_CAS_REFUSAL_UNTRUSTED, "pck-untrusted");
    snprintf(root, sizeof root, "%s/intel.pem", f->w.dir);
    assert_int_equal(set_roots(f, root, &report), -EINVAL);
    snprintf(root, sizeof root, "intel:%s/collateral/qe.json", f->w.dir);
    assert_true(set_roots(f, root, &report) < 0);
}

/* ---- production ---- */

static void root_line(const struct world *w, const char *name, char *ret, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    uint8_t digest[32];
    char path[128], hex[65];
    snprintf(path, sizeof path, "%s/%s", w->dir, name);
    assert_int_equal(sg_file_read(path, &b), 0);
    sg_sha256(digest, sg_buf_bytes(&b));
    sg_hex(hex, digest, sizeof digest);
    size_t at = strlen(ret);
    snprintf(ret + at, size - at, "%s'%s'", at ? ", " : "", hex);
}

static int update(struct fixture *f, const char *text)
{
    struct sg_yaml_error e;
    return sg_cas_service_update(f->service, sg_bytes_str(text), f->service->policy_digest,
                                 f->w.now, &e);
}

static void permitted_roots(const struct world *w, char *ret, size_t size)
{
    char list[256] = "";
    root_line(w, "intel.pem", list, sizeof list);
    root_line(w, "amd.pem", list, sizeof list);
    snprintf(ret, size, "roots: [%s]\n", list);
}

static void test_production_wants_its_roots_in_the_policy(void **state)
{
    (void)state;
    struct fixture f;
    struct sg_cas_collateral_report report;
    char roots[300], text[8192];
    world_of(&f, "", true);
    assert_int_equal(use_collateral(&f, &report), SG_CAS_ROOT_REFUSED);
    refused(&f, "alpha", SG_CAS_REFUSAL_UNTRUSTED, "pck-untrusted");
    permitted_roots(&f.w, roots, sizeof roots);
    policy_of(2, roots, text, sizeof text);
    assert_int_equal(update(&f, text), 0);
    granted(&f, "alpha"); /* the update loaded again */
    assert_int_equal(use_collateral(&f, &report), 0);
    granted(&f, "alpha");
    policy_of(3, "", text, sizeof text);
    assert_int_equal(update(&f, text), 0);
    sg_cas_service_loaded(f.service, &report);
    assert_int_equal(report.n_roots_refused, 2);
    refused(&f, "alpha", SG_CAS_REFUSAL_UNTRUSTED, "pck-untrusted");
    sg_cas_service_free(f.service);
    world_clear(&f.w);
}

/* A file that was exchanged for another root is not the one that the policy names. */
static void test_production_knows_its_roots_by_content(void **state)
{
    (void)state;
    struct fixture f;
    struct sg_cas_collateral_report report;
    char roots[300], text[8192];
    world_of(&f, "", true);
    permitted_roots(&f.w, roots, sizeof roots);
    policy_of(2, roots, text, sizeof text);
    assert_int_equal(update(&f, text), 0);
    put_root(&f.w, "amd.pem", platforms.intel.ca);
    assert_int_equal(use_collateral(&f, &report), SG_CAS_ROOT_REFUSED);
    assert_int_equal(report.n_roots_refused, 1);
    assert_int_equal(report.n_roots_added, 1);
    sg_cas_service_free(f.service);
    world_clear(&f.w);
}

static int attest_simulated(struct fixture *f)
{
    OUT(out);
    const struct forgery g = {.kind = SG_TEE_SIM, .sim_platform = f->w.platform};
    int r = attest_as(f, &platforms, g, "simulated", &out);
    assert_int_equal(out.len > 0, r == 0);
    return r;
}

/* Neither a restart, nor a policy of the operator's, nor one from a file brings "sim" back. */
static void test_production_refuses_simulated_evidence_for_ever(void **state)
{
    (void)state;
    struct fixture f;
    char text[8192];
    world_of(&f, "", true);
    for (unsigned version = 2; version < 5; version++) {
        assert_int_equal(attest_simulated(&f), SG_CAS_REFUSAL_SIMULATED);
        policy_of(version, "", text, sizeof text);
        assert_int_equal(update(&f, text), 0);
        assert_int_equal(attest_simulated(&f), SG_CAS_REFUSAL_SIMULATED);
        sg_cas_service_free(f.service);
        const struct sg_cas_init o = init_options(&f.w); /* production = false */
        assert_int_equal(sg_cas_repolicy(&o), SG_CAS_POLICY_REFUSED);
        assert_int_equal(sg_cas_init(&o, f.w.pin), SG_CAS_STATE_EXISTS);
        open_service(&f);
    }
    sg_cas_service_free(f.service);
    world_clear(&f.w);
}

/* A casd that is none of production takes it: the above can fail. */
static void test_others_take_simulated_evidence(void **state)
{
    assert_int_equal(attest_simulated(*state), 0);
}

static void test_production_refuses_debug_whatever_the_policy_says(void **state)
{
    (void)state;
    struct fixture f;
    struct sg_cas_collateral_report report;
    char roots[300], text[8192];
    OUT(out);
    const struct forgery g = {.kind = SG_TEE_SGX, .debug = true};
    world_of(&f, "", true);
    permitted_roots(&f.w, roots, sizeof roots);
    policy_of(2, roots, text, sizeof text);
    assert_int_equal(update(&f, text), 0);
    assert_int_equal(use_collateral(&f, &report), 0);
    granted(&f, "debugged");
    assert_refused(attest_as(&f, &platforms, g, "debugged", &out), SG_CAS_REFUSAL_DEBUG, &out);
    sg_cas_service_free(f.service);
    world_clear(&f.w);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_language_of_policies),
        TEST(test_statuses_and_advisories),
        TEST(test_debug_is_a_services_own_choice),
        TEST(test_collateral_that_has_ended),
        TEST(test_collateral_that_is_valid_and_too_old),
        TEST(test_a_downgrade_to_older_collateral),
        cmocka_unit_test(test_collateral_of_too_low_a_number),
        TEST(test_nothing_is_trusted_because_a_document_is_absent),
        cmocka_unit_test(test_a_casd_without_roots_trusts_no_hardware_of_ours),
        TEST(test_a_revocation_counts_from_the_next_load),
        TEST(test_what_cannot_be_read_leaves_the_present),
        TEST(test_a_judge_keeps_what_he_took),
        TEST(test_a_root_among_the_collateral_is_none),
        TEST(test_a_root_speaks_for_its_vendor),
        cmocka_unit_test(test_production_wants_its_roots_in_the_policy),
        cmocka_unit_test(test_production_knows_its_roots_by_content),
        cmocka_unit_test(test_production_refuses_simulated_evidence_for_ever),
        TEST(test_others_take_simulated_evidence),
        cmocka_unit_test(test_production_refuses_debug_whatever_the_policy_says),
    };
    platforms_init(&platforms, at_s);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    platforms_clear(&platforms);
    return failed;
}
