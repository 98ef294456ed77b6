/* What survives: kill -9 at any moment, an old state put back, a changed state. */
#include "test-cas-int.h"

#include <signal.h>
#include <sys/wait.h>

static const struct sg_cas_limits limits = {100000, 100000, 1024, 100000, 100000};

static int set_up(void **state)
{
    static struct world w;
    world_init(&w);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    world_clear(*state);
    return 0;
}

static int open_service(struct world *w, struct sg_cas_service **ret)
{
    return sg_cas_service_open(ret, w->state, w->tee, SG_TEE_SEAL_MEASUREMENT, &limits, w->now);
}

/* One whole honest attestation; the encoded grant in *ret. */
static int attest(struct world *w, struct sg_cas_service *s, const struct sg_key *key,
                  struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf spki = SG_BUF_INIT(1024);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_CAS_REQUEST_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    struct sg_cas_request q = {.service = SG_BYTES_LIT("alpha"), .kind = SG_BYTES_LIT("sim")};
    struct sg_cas_connection c = {.key = key};
    struct sg_cas_challenge challenge;
    struct sg_cas_finding finding;
    uint8_t report_data[SG_TEE_REPORT_DATA_LEN];
    int r = sg_key_public_der(key, &spki);
    q.spki = c.spki = sg_buf_bytes(&spki);
    if (r == 0)
        r = sg_cas_service_challenge(s, c.exporter, w->now, &b);
    if (r == 0)
        r = sg_message_decode(&sg_cas_challenge_type, sg_buf_bytes(&b), &challenge);
    if (r != 0)
        return r;
    sg_cas_report_data(report_data, challenge.nonce, &c, q.service);
    memcpy(q.nonce, challenge.nonce, sizeof q.nonce);
    r = sg_tee_evidence(w->tee, report_data, &evidence);
    q.evidence = sg_buf_bytes(&evidence);
    sg_buf_reset(&b);
    if (r == 0)
        r = sg_message_encode(&sg_cas_request_type, &q, &b);
    return r ? r : sg_cas_service_attest(s, &c, sg_buf_bytes(&b), w->now, ret, &finding);
}

static int get_lease(struct world *w, struct sg_cas_service *s, const struct sg_key *key,
                     uint8_t ret[SG_CAS_LEASE_LEN])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT_SECRET(SG_CAS_GRANT_MAX);
    struct sg_cas_reply reply;
    int r = attest(w, s, key, &b);
    if (r == 0)
        r = sg_message_decode(&sg_cas_reply_type, sg_buf_bytes(&b), &reply);
    if (r == 0)
        memcpy(ret, reply.lease, SG_CAS_LEASE_LEN);
    return r;
}

/* A process that hands out leases as fast as it can and tells them as soon as it has them, until it
 * is killed.  After the first it skips most of the block, so that a kill may meet the reserving of
 * the next one. */
static void hand_out_leases(struct world *w, int out)
{
    struct sg_cas_service *s = NULL;
    struct sg_key *key = NULL;
    uint8_t lease[SG_CAS_LEASE_LEN];
    if (open_service(w, &s) != 0 || sg_key_generate(&key, SG_KEY_P256) != 0)
        _exit(1);
    for (int i = 0;; i++) {
        if (get_lease(w, s, key, lease) != 0 || sg_write_all(out, SG_BYTES_ARRAY(lease)) < 0)
            _exit(1);
        if (i % 4 == 0)
            s->lease_next = s->vault->leases_reserved - 3;
    }
}

/* Leases read until kill_after of them, then kill -9, then what was still in the pipe. */
static size_t collect_leases(struct world *w, size_t kill_after, uint8_t (*ret)[16], size_t max)
{
    int ends[2];
    size_t n = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        hand_out_leases(w, ends[1]);
    }
    close(ends[1]);
    while (n < max && read(ends[0], ret[n], 16) == 16)
        if (++n == kill_after)
            assert_int_equal(kill(child, SIGKILL), 0);
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return n;
}

static int by_octets(const void *a, const void *b)
{
    return memcmp(a, b, 8);
}

static void test_no_lease_twice_across_kills(void **state)
{
    struct world *w = *state;
    static uint8_t leases[4096][16];
    size_t n = 0;
    for (size_t round = 0; round < 5; round++)
        n += collect_leases(w, 1 + round * 3 % 7, leases + n, 300);
    assert_true(n >= 5);
    qsort(leases, n, sizeof leases[0], by_octets);
    for (size_t i = 1; i < n; i++)
        assert_memory_not_equal(leases[i - 1], leases[i], 8); /* the numbers alone differ */
}

static size_t count_grants;

static void count_grant(void *user, const struct sg_cas_record *r)
{
    (void)user;
    count_grants += sg_bytes_equal(r->event, SG_BYTES_LIT("grant"));
}

static void test_every_grant_told_is_on_record(void **state)
{
    struct world *w = *state;
    static uint8_t leases[300][16];
    struct sg_cas_audit *audit = NULL;
    struct sg_cas_service *s = NULL;
    const struct sg_cas_anchor none = {0};
    size_t n = collect_leases(w, 10, leases, 300);
    assert_int_equal(open_service(w, &s), 0);
    count_grants = 0;
    assert_int_equal(
        sg_cas_audit_open(&audit, w->state, s->vault->audit_key, &none, count_grant, NULL), 0);
    assert_true(count_grants >= n);
    sg_cas_audit_free(audit);
    sg_cas_service_free(s);
}

static void path_of(const struct world *w, const char *name, char *ret, size_t size)
{
    snprintf(ret, size, "%s/%s", w->state, name);
}

static void read_state(const struct world *w, const char *name, struct sg_buf *ret)
{
    char path[160];
    path_of(w, name, path, sizeof path);
    assert_int_equal(sg_file_read(path, ret), 0);
}

static void write_state(const struct world *w, const char *name, const struct sg_buf *contents)
{
    char path[160];
    path_of(w, name, path, sizeof path);
    write_plain(path, sg_buf_bytes(contents));
}

static void start_and_grant(struct world *w)
{
    struct sg_cas_service *s = NULL;
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT_SECRET(SG_CAS_GRANT_MAX);
    assert_int_equal(open_service(w, &s), 0);
    assert_int_equal(sg_key_generate(&key, SG_KEY_P256), 0);
    assert_int_equal(attest(w, s, key, &b), 0);
    sg_cas_service_free(s);
}

static void test_an_old_state_put_back_is_a_rollback(void **state)
{
    struct world *w = *state;
    struct sg_cas_service *s = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf old = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf present = SG_BUF_INIT(1 << 20);
    read_state(w, "state.sealed", &old);
    start_and_grant(w);
    read_state(w, "state.sealed", &present);
    write_state(w, "state.sealed", &old);
    assert_int_equal(open_service(w, &s), SG_CAS_STATE_ROLLED_BACK);
    write_state(w, "state.sealed", &present);
    start_and_grant(w);
}

static void test_an_old_log_put_back_is_found(void **state)
{
    struct world *w = *state;
    struct sg_cas_service *s = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf log = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf head = SG_BUF_INIT(1 << 20);
    start_and_grant(w);
    read_state(w, "audit.log", &log);
    read_state(w, "audit.head", &head);
    start_and_grant(w); /* reserves a block: a newer state */
    write_state(w, "audit.log", &log);
    write_state(w, "audit.head", &head);
    assert_int_equal(open_service(w, &s), SG_CAS_LOG_DAMAGED);
}

/* Killed between the state and its record in the log: that record and what follows is cut off. */
static void cut_log_before_last_state(struct world *w)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf log = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf none = SG_BUF_INIT(1);
    struct sg_cas_replay replay;
    struct sg_cas_record record;
    uint8_t leaf[32];
    size_t keep = 0, len;
    sg_merkle_init(&replay.tree);
    read_state(w, "audit.log", &log);
    struct sg_reader in = sg_reader_over(sg_buf_bytes(&log));
    while (in.left) {
        size_t at = log.len - in.left;
        assert_int_equal(sg_cas_frame_take(&replay, &in, &record, leaf, &len), 0);
        if (sg_bytes_equal(record.event, SG_BYTES_LIT("state")))
            keep = at;
    }
    log.len = keep;
    write_state(w, "audit.log", &log);
    write_state(w, "audit.head", &none);
}

static void test_a_state_one_ahead_of_the_log_is_taken(void **state)
{
    struct world *w = *state;
    start_and_grant(w);
    cut_log_before_last_state(w);
    start_and_grant(w);
    start_and_grant(w);
}

static void test_every_flipped_octet_of_the_state_is_found(void **state)
{
    struct world *w = *state;
    struct sg_cas_service *s = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sealed = SG_BUF_INIT(1 << 20);
    read_state(w, "state.sealed", &sealed);
    for (size_t i = 0; i < sealed.len; i += i < 48 ? 3 : 397) {
        sealed.data[i] ^= 4;
        write_state(w, "state.sealed", &sealed);
        assert_int_equal(open_service(w, &s), SG_CAS_STATE_FORGED);
        sealed.data[i] ^= 4;
    }
    write_state(w, "state.sealed", &sealed);
    start_and_grant(w);
}

static void test_another_platform_or_seal_does_not_open_it(void **state)
{
    struct world *w = *state;
    struct sg_cas_service *s = NULL;
    SG_CLEANUP(sg_tee_provider_freep) struct sg_tee_provider *other = NULL;
    char dir[128];
    snprintf(dir, sizeof dir, "%s/other", w->dir);
    assert_int_equal(sg_sim_platform_create(dir), 0);
    assert_int_equal(sg_tee_provider_open(&other, "sim", dir), 0);
    assert_int_equal(
        sg_cas_service_open(&s, w->state, other, SG_TEE_SEAL_MEASUREMENT, &limits, w->now),
        SG_CAS_STATE_FORGED);
    assert_int_equal(
        sg_cas_service_open(&s, w->state, w->tee, SG_TEE_SEAL_PLATFORM, &limits, w->now),
        SG_CAS_STATE_FORGED);
}

static void test_one_casd_per_folder(void **state)
{
    struct world *w = *state;
    struct sg_cas_service *first = NULL, *second = NULL;
    assert_int_equal(open_service(w, &first), 0);
    assert_int_equal(open_service(w, &second), SG_CAS_STATE_BUSY);
    sg_cas_service_free(first);
}

static void test_init_never_overwrites(void **state)
{
    struct world *w = *state;
    char pin[SG_CAS_PIN_LEN + 1] = "untouched";
    struct sg_cas_init o = init_options(w);
    assert_int_equal(sg_cas_init(&o, pin), SG_CAS_STATE_EXISTS);
    assert_string_equal(pin, "untouched");
    start_and_grant(w);
}

/* Killed after the state, before the pin. */
static void test_init_can_be_run_again_until_the_pin_is_there(void **state)
{
    struct world *w = *state;
    char path[160], pin[SG_CAS_PIN_LEN + 1];
    path_of(w, "public/pin", path, sizeof path);
    assert_int_equal(unlink(path), 0);
    struct sg_cas_init o = init_options(w);
    assert_int_equal(sg_cas_init(&o, pin), 0);
    assert_string_equal(pin, w->pin);
    assert_int_equal(sg_cas_init(&o, pin), SG_CAS_STATE_EXISTS);
    start_and_grant(w);
}

static void test_a_developer_s_new_policy(void **state)
{
    struct world *w = *state;
    struct sg_cas_service *s = NULL;
    char text[4096];
    struct sg_cas_init o = init_options(w);
    policy_text(1, "  extra: {kind: random}\n", text, sizeof text);
    write_text(w->policy, text);
    assert_int_equal(sg_cas_repolicy(&o), 0);
    assert_int_equal(open_service(w, &s), 0);
    assert_int_equal(s->policy->version, 2);
    assert_non_null(sg_cas_secrets_find(&s->vault->secrets, "extra"));
    assert_int_equal(sg_cas_repolicy(&o), SG_CAS_STATE_BUSY);
    sg_cas_service_free(s);
    write_text(w->policy, "# no version first\n");
    assert_int_equal(sg_cas_repolicy(&o), SG_CAS_POLICY_REFUSED);
    start_and_grant(w);
}

static void test_no_such_shortcut_in_production(void **state)
{
    (void)state;
    struct world w;
    char pin[SG_CAS_PIN_LEN + 1];
    world_new(&w);
    struct sg_cas_init o = init_options(&w);
    o.production = true;
    assert_int_equal(sg_cas_init(&o, pin), 0);
    assert_int_equal(sg_cas_repolicy(&o), SG_CAS_POLICY_REFUSED);
    world_clear(&w);
}

static void test_init_without_what_the_policy_imports(void **state)
{
    (void)state;
    struct world w;
    char path[128], pin[SG_CAS_PIN_LEN + 1];
    world_new(&w);
    snprintf(path, sizeof path, "%s/imported.txt", w.dir);
    assert_int_equal(unlink(path), 0);
    struct sg_cas_init o = init_options(&w);
    assert_int_equal(sg_cas_init(&o, pin), -ENOENT);
    write_text(w.policy, "version: 1\nservices: [\n");
    assert_int_equal(sg_cas_init(&o, pin), SG_CAS_POLICY_REFUSED);
    assert_non_null(strstr(sg_error_trace(), "policy.yaml:"));
    world_clear(&w);
}

/* Nothing that is secret stands readable in the folder. */
static void test_no_secret_in_the_folder(void **state)
{
    struct world *w = *state;
    static const char *const files[] = {"state.sealed", "audit.log", "audit.head"};
    struct sg_cas_service *s = NULL;
    start_and_grant(w);
    assert_int_equal(open_service(w, &s), 0);
    for (size_t k = 0; k < sizeof files / sizeof files[0]; k++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
        read_state(w, files[k], &b);
        for (size_t i = 0; i < s->vault->secrets.n; i++) {
            struct sg_bytes v = sg_secret_bytes(&s->vault->secrets.items[i].value);
            assert_null(memmem(b.data, b.len, v.data, v.len < 16 ? v.len : 16));
        }
        assert_null(memmem(b.data, b.len, "kek/metering", 12));
    }
    sg_cas_service_free(s);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_no_lease_twice_across_kills),
        TEST(test_every_grant_told_is_on_record),
        TEST(test_an_old_state_put_back_is_a_rollback),
        TEST(test_an_old_log_put_back_is_found),
        TEST(test_a_state_one_ahead_of_the_log_is_taken),
        TEST(test_every_flipped_octet_of_the_state_is_found),
        TEST(test_another_platform_or_seal_does_not_open_it),
        TEST(test_one_casd_per_folder),
        TEST(test_init_never_overwrites),
        TEST(test_init_can_be_run_again_until_the_pin_is_there),
        TEST(test_a_developer_s_new_policy),
        cmocka_unit_test(test_no_such_shortcut_in_production),
        TEST(test_init_without_what_the_policy_imports),
        TEST(test_no_secret_in_the_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
