/*
 * casd's own evidence, as whoever is about to trust it sees it: of every kind as a value, then over
 * TLS from a running casd.
 */
#include "test-platforms-int.h"
/* cmocka first */
#include <sealgrid/base/clock.h>
#include <sealgrid/base/metrics.h>

#include "expect-int.h"

static struct platforms platforms; /* judged now: the clock of a client is the real one */
static const enum sg_tee_kind kinds[] = {SG_TEE_SIM, SG_TEE_SGX, SG_TEE_TDX, SG_TEE_SNP};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

struct scene {
    struct world w;
    struct sg_cas_server *server;
    char policy[128], collateral[128], intel[160], amd[160], address[32];
    const char *folders[1], *roots[2];
    struct sg_cas_expect expect;
};

static void write_expectation(struct scene *s, const char *more)
{
    uint8_t self[32];
    char hex[65], text[1024];
    assert_int_equal(sg_sim_measure_self(self), 0);
    sg_hex(hex, self, sizeof self);
    snprintf(text, sizeof text,
             "measurements: ['%s', '" MEASUREMENT_SGX "', '" MEASUREMENT_33 "']\n%s", hex, more);
    write_text(s->policy, text);
}

static int set_up(void **state)
{
    static struct scene s;
    s = (struct scene){0};
    world_init(&s.w);
    put_platforms(&s.w, &platforms);
    snprintf(s.policy, sizeof s.policy, "%s/expect.yaml", s.w.dir);
    snprintf(s.collateral, sizeof s.collateral, "%s/collateral", s.w.dir);
    snprintf(s.intel, sizeof s.intel, "intel:%s/intel.pem", s.w.dir);
    snprintf(s.amd, sizeof s.amd, "amd:%s/amd.pem", s.w.dir);
    s.folders[0] = s.collateral;
    s.roots[0] = s.intel;
    s.roots[1] = s.amd;
    s.expect = (struct sg_cas_expect){.policy = s.policy,
                                      .collateral = s.folders,
                                      .n_collateral = 1,
                                      .roots = s.roots,
                                      .n_roots = 2,
                                      .sim_platform = s.w.platform};
    write_expectation(&s, "simulated: true\n");
    *state = &s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    sg_cas_server_free(s->server);
    world_clear(&s->w);
    return 0;
}

/* ---- as a value ---- */

static const uint8_t nonce[SG_CAS_NONCE_LEN] = {1}, ca[32] = {2};

static int judge_with(const struct scene *s, struct forgery g, const struct sg_cas_connection *made,
                      const struct sg_cas_connection *seen, const char *kind)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    uint8_t made_data[SG_TEE_REPORT_DATA_LEN], expected[SG_TEE_REPORT_DATA_LEN];
    struct sg_tee_claims claims;
    sg_cas_casd_report_data(made_data, nonce, made, ca);
    sg_cas_casd_report_data(expected, nonce, seen, ca);
    g.report_data = made_data;
    g.sim_platform = s->w.platform;
    forge(&platforms, &g, &evidence);
    const struct sg_cas_proof proof = {.kind = sg_bytes_str(kind),
                                       .evidence = sg_buf_bytes(&evidence)};
    return sg_cas_expect_judge(&s->expect, &proof, expected, sg_clock_unix_s(), &claims);
}

static void untrusted(int r, const char *reason)
{
    assert_int_equal(r, SG_CAS_UNTRUSTED);
    if (!strstr(sg_error_trace(), reason))
        fail_msg("%s is not in: %s", reason, sg_error_trace());
}

static void test_good_evidence_of_every_kind(void **state)
{
    struct scene *s = *state;
    PEER(casd);
    for (size_t i = 0; i < N_KINDS; i++)
        assert_int_equal(judge_with(s, (struct forgery){.kind = kinds[i]}, &casd.connection,
                                    &casd.connection, sg_tee_kind_name(kinds[i])),
                         0);
}

/* A man in the middle fetches evidence from the true casd over a connection of his own. */
static void test_relayed_evidence_of_every_kind(void **state)
{
    struct scene *s = *state;
    PEER(casd);
    PEER(attacker);
    struct sg_cas_connection elsewhere = casd.connection;
    elsewhere.exporter[31] ^= 1;
    for (size_t i = 0; i < N_KINDS; i++) {
        const struct forgery g = {.kind = kinds[i]};
        const char *name = sg_tee_kind_name(kinds[i]);
        untrusted(judge_with(s, g, &casd.connection, &attacker.connection, name),
                  "report-data-mismatch");
        untrusted(judge_with(s, g, &elsewhere, &casd.connection, name), "report-data-mismatch");
    }
}

static void test_other_programs_and_debuggers_of_every_kind(void **state)
{
    struct scene *s = *state;
    PEER(casd);
    for (size_t i = 0; i < N_KINDS; i++) {
        const char *name = sg_tee_kind_name(kinds[i]);
        const struct forgery other = {.kind = kinds[i], .other_measurement = true};
        const struct forgery debug = {.kind = kinds[i], .debug = true};
        untrusted(judge_with(s, other, &casd.connection, &casd.connection, name),
                  "measurement-unknown");
        untrusted(judge_with(s, debug, &casd.connection, &casd.connection, name), "debug");
    }
}

static void test_a_kind_under_a_false_name(void **state)
{
    struct scene *s = *state;
    PEER(casd);
    const struct sg_cas_connection *c = &casd.connection;
    untrusted(judge_with(s, (struct forgery){.kind = SG_TEE_SGX}, c, c, "tdx"),
              "evidence-unsupported");
    untrusted(judge_with(s, (struct forgery){.kind = SG_TEE_SIM}, c, c, "sgx"),
              "evidence-unsupported");
    untrusted(judge_with(s, (struct forgery){.kind = SG_TEE_SGX}, c, c, "sim"),
              "evidence-malformed");
}

static void test_simulated_evidence_must_be_asked_for(void **state)
{
    struct scene *s = *state;
    PEER(casd);
    const struct sg_cas_connection *c = &casd.connection;
    const struct forgery g = {.kind = SG_TEE_SIM};
    write_expectation(s, "");
    untrusted(judge_with(s, g, c, c, "sim"), "simulated");
    write_expectation(s, "simulated: true\n");
    s->expect.sim_platform = NULL;
    untrusted(judge_with(s, g, c, c, "sim"), "evidence-platform");
}

static void test_roots_and_documents_are_the_clients_own(void **state)
{
    struct scene *s = *state;
    PEER(casd);
    const struct sg_cas_connection *c = &casd.connection;
    const struct forgery g = {.kind = SG_TEE_SGX};
    s->expect.n_collateral = 0;
    untrusted(judge_with(s, g, c, c, "sgx"), "tcb-info-missing");
    s->expect.n_collateral = 1;
    s->expect.n_roots = 0;
    untrusted(judge_with(s, g, c, c, "sgx"), "pck-untrusted");
}

static void test_an_unusable_policy_is_a_failure(void **state)
{
    struct scene *s = *state;
    PEER(casd);
    const struct sg_cas_connection *c = &casd.connection;
    write_text(s->policy, "kinds: [sgx]\n");
    assert_int_equal(judge_with(s, (struct forgery){.kind = SG_TEE_SGX}, c, c, "sgx"), -EINVAL);
}

/* ---- over TLS ---- */

static void start_server(struct scene *s)
{
    const struct sg_cas_server_options o = {.dir = s->w.state,
                                            .tee = s->w.tee,
                                            .seal = SG_TEE_SEAL_MEASUREMENT,
                                            .listen = "127.0.0.1:0",
                                            .workers = 2,
                                            .tee_collateral = s->folders,
                                            .n_tee_collateral = 1,
                                            .tee_roots = s->roots,
                                            .n_tee_roots = 2};
    assert_int_equal(sg_cas_server_start(&s->server, &o), 0);
    snprintf(s->address, sizeof s->address, "127.0.0.1:%u", sg_cas_server_port(s->server));
}

static struct sg_cas_bootstrap options(const struct scene *s)
{
    return (struct sg_cas_bootstrap){.connect = s->address,
                                     .pin_hex = s->w.pin,
                                     .service = "alpha",
                                     .provider = "sim",
                                     .sim_platform = s->w.platform,
                                     .expect = s->expect};
}

/* Who has no pin yet gets one that the evidence vouches for. */
static void test_casd_shows_itself_to_strangers(void **state)
{
    struct scene *s = *state;
    struct sg_cas_attested casd;
    uint8_t self[32];
    start_server(s);
    struct sg_cas_bootstrap o = options(s);
    o.pin_hex = NULL;
    assert_int_equal(sg_cas_attest(&o, &casd), 0);
    assert_string_equal(casd.pin, s->w.pin);
    assert_int_equal(sg_sim_measure_self(self), 0);
    assert_int_equal(casd.claims.measurement_len, 32);
    assert_memory_equal(casd.claims.measurement, self, 32);
    assert_int_equal(sg_cas_server_renew(s->server), 0); /* another key from now on */
    assert_int_equal(sg_cas_attest(&o, &casd), 0);
    write_text(s->policy, "measurements: ['" MEASUREMENT_SGX "']\nsimulated: true\n");
    untrusted(sg_cas_attest(&o, &casd), "measurement-unknown");
}

static void test_a_service_looks_before_it_asks(void **state)
{
    struct scene *s = *state;
    SG_CLEANUP(sg_cas_grant_clear) struct sg_cas_grant g = {0};
    start_server(s);
    const struct sg_cas_bootstrap o = options(s);
    assert_int_equal(sg_cas_bootstrap(&o, &g), 0);
    sg_cas_grant_clear(&g);
    write_expectation(s, "");
    untrusted(sg_cas_bootstrap(&o, &g), "simulated");
    assert_null(g.cert);
}

/* ---- the collateral of a running casd ---- */

static int64_t metric(const char *name)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    char line[128];
    assert_int_equal(sg_metrics_write(&b), 0);
    assert_int_equal(sg_buf_append_u8(&b, 0), 0);
    snprintf(line, sizeof line, "\n%s ", name);
    const char *at = strstr((const char *)b.data, line);
    assert_non_null(at);
    return strtoll(at + strlen(line), NULL, 10);
}

static void test_the_end_of_collateral_is_known_ahead(void **state)
{
    struct scene *s = *state;
    static const char expiry[] = "sealgrid_casd_collateral_expiry_timestamp_seconds";
    static const char loads[] = "sealgrid_casd_collateral_loads_total";
    struct tk_tcb_info info = tk_tcb_info_good(&platforms.intel, false);
    int64_t now_s = sg_clock_unix_s();
    start_server(s);
    assert_true(metric(expiry) > now_s + 86400);
    int64_t before = metric(loads);
    sg_cas_server_tend(s->server);
    assert_int_equal(metric(loads), before); /* nothing has changed */
    info.next_s = now_s + 3600;
    put_tcb_info(&s->w, &platforms.intel, "collateral/tcb-sgx.json", &info);
    sg_cas_server_tend(s->server);
    assert_int_equal(metric(loads), before + 1);
    assert_int_equal(metric(expiry), now_s + 3600);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good_evidence_of_every_kind),
        TEST(test_relayed_evidence_of_every_kind),
        TEST(test_other_programs_and_debuggers_of_every_kind),
        TEST(test_a_kind_under_a_false_name),
        TEST(test_simulated_evidence_must_be_asked_for),
        TEST(test_roots_and_documents_are_the_clients_own),
        TEST(test_an_unusable_policy_is_a_failure),
        TEST(test_casd_shows_itself_to_strangers),
        TEST(test_a_service_looks_before_it_asks),
        TEST(test_the_end_of_collateral_is_known_ahead),
    };
    platforms_init(&platforms, sg_clock_unix_s());
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    platforms_clear(&platforms);
    return failed;
}
