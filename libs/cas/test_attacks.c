/*
 * Every attack on the bootstrap, with evidence of every kind.  What stops it must not hang on how
 * good the hardware is, nor on where its evidence has room for a challenge.
 */
#include <pthread.h>

#include "test-platforms-int.h"

static const int64_t at_s = 1800000000; /* the world's */
static struct platforms good, other;    /* the other ones have roots that nobody knows */

static struct world shared; /* files of the good ones: signed once */

struct scene {
    struct fixture f;
    enum sg_tee_kind kind;
};

#define KINDS "sim, sgx, tdx, snp, tpm, azure-vtpm, nitro, cca"

/* Good programs of every kind; %1$s: this one, %2$s: what the TPMs quote. */
#define GOOD                                                                                       \
    "'%1$s', '%2$s', '" MEASUREMENT_SGX "', '" MEASUREMENT_33 "', '" MEASUREMENT_NITRO             \
    "', '" MEASUREMENT_CCA "'"

static void policy_of(const char *self, const char *tpm, char *ret, size_t size)
{
    int n = snprintf(ret, size,
                     "version: 1\n"
                     "secrets:\n"
                     "  note: {kind: text, text: hello}\n"
                     "services:\n"
                     "  alpha:\n"
                     "    kinds: [" KINDS "]\n"
                     "    statuses: [UpToDate, not_applicable]\n"
                     "    measurements: [" GOOD "]\n"
                     "    secrets: [note]\n"
                     "  beta:\n"
                     "    kinds: [" KINDS "]\n"
                     "    measurements: [" GOOD "]\n"
                     "  gamma:\n"
                     "    kinds: [" KINDS "]\n"
                     "    measurements: ['%3$064d']\n"
                     "  nobody:\n"
                     "    kinds: [" KINDS "]\n"
                     "    measurements: []\n"
                     "  nothing:\n"
                     "    kinds: []\n"
                     "    measurements: [" GOOD "]\n"
                     "  real:\n"
                     "    kinds: [sgx, tdx, snp]\n"
                     "    measurements: [" GOOD "]\n",
                     self, tpm, 7);
    assert_true(n > 0 && (size_t)n < size);
}

static void write_policy(struct world *w)
{
    uint8_t self[32];
    char hex[65], tpm[65], text[8192];
    assert_int_equal(sg_sim_measure_self(self), 0);
    sg_hex(hex, self, sizeof self);
    tpm_measurement(&good.more.tpm, tpm);
    policy_of(hex, tpm, text, sizeof text);
    write_text(w->policy, text);
}

static void link_platforms(const struct world *w, const struct world *to)
{
    static const char *const names[] = {"collateral", "intel.pem", "amd.pem",
                                        "tpm.pem",    "aws.pem",   "arm.pem"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char target[128], path[128];
        snprintf(target, sizeof target, "%s/%s", to->dir, names[i]);
        snprintf(path, sizeof path, "%s/%s", w->dir, names[i]);
        assert_int_equal(symlink(target, path), 0);
    }
}

static struct scene scene; /* one casd, which meets them all */

static void set_scene(void)
{
    struct sg_cas_collateral_report report;
    struct fixture *f = &scene.f;
    world_new(&f->w);
    write_policy(&f->w);
    link_platforms(&f->w, &shared);
    struct sg_cas_init o = init_options(&f->w);
    assert_int_equal(sg_cas_init(&o, f->w.pin), 0);
    open_service(f);
    assert_int_equal(use_roots(f, N_ROOTS, &report), 0);
}

static void clear_scene(void)
{
    sg_cas_service_free(scene.f.service);
    world_clear(&scene.f.w);
}

static int set_up(void **state)
{
    const enum sg_tee_kind *kind = *state;
    scene.kind = *kind;
    memset(&scene.f.finding, 0, sizeof scene.f.finding);
    scene.f.w.now.mono_ms += 2 * SG_CAS_NONCE_LIFETIME_MS; /* nonces of the test before are gone */
    *state = &scene;
    return 0;
}

static struct forgery honest(const struct scene *s)
{
    return (struct forgery){.kind = s->kind, .sim_platform = s->f.w.platform};
}

static int with_nonce(struct scene *s, const struct peer *p, const char *service,
                      const uint8_t nonce[SG_CAS_NONCE_LEN], struct sg_buf *ret)
{
    return attest_nonce(&s->f, &good, honest(s), p, service, nonce, ret);
}

/* Evidence over somebody's connection and service, sent over p's own for alpha. */
static int with_evidence_of(struct scene *s, const struct peer *p,
                            const struct sg_cas_connection *made_over, const char *made_as,
                            struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    uint8_t nonce[SG_CAS_NONCE_LEN];
    get_nonce(&s->f, p, nonce);
    forge_for(&good, honest(s), made_over, nonce, made_as, &evidence);
    struct sg_cas_request q = kind_request(p, s->kind, "alpha", nonce, &evidence);
    return send_request(&s->f, &p->connection, &q, ret);
}

static void honest_evidence_gets_its_grant(void **state)
{
    struct scene *s = *state;
    OUT(out);
    assert_int_equal(attest_as(&s->f, &good, honest(s), "alpha", &out), 0);
    assert_non_null(memmem(out.data, out.len, "hello", 5));
    assert_int_equal(s->f.finding.claims.kind, s->kind);
    assert_int_equal(s->f.finding.reasons.n, 0);
}

/* ---- nonces ---- */

static void replay_of_everything(void **state)
{
    struct scene *s = *state;
    PEER(p);
    OUT(out);
    uint8_t nonce[SG_CAS_NONCE_LEN];
    get_nonce(&s->f, &p, nonce);
    assert_int_equal(with_nonce(s, &p, "alpha", nonce, &out), 0);
    sg_buf_reset(&out);
    assert_refused(with_nonce(s, &p, "alpha", nonce, &out), SG_CAS_REFUSAL_NONCE_REPLAYED, &out);
}

/* A refused attempt spends its nonce as well. */
static void replay_after_a_refusal(void **state)
{
    struct scene *s = *state;
    PEER(p);
    OUT(out);
    uint8_t nonce[SG_CAS_NONCE_LEN];
    get_nonce(&s->f, &p, nonce);
    assert_refused(with_nonce(s, &p, "gamma", nonce, &out), SG_CAS_REFUSAL_MEASUREMENT, &out);
    assert_refused(with_nonce(s, &p, "alpha", nonce, &out), SG_CAS_REFUSAL_NONCE_REPLAYED, &out);
}

static void a_stale_nonce(void **state)
{
    struct scene *s = *state;
    PEER(p);
    OUT(out);
    uint8_t nonce[SG_CAS_NONCE_LEN];
    get_nonce(&s->f, &p, nonce);
    s->f.w.now.mono_ms += SG_CAS_NONCE_LIFETIME_MS;
    assert_refused(with_nonce(s, &p, "alpha", nonce, &out), SG_CAS_REFUSAL_NONCE_EXPIRED, &out);
}

static void an_invented_nonce(void **state)
{
    struct scene *s = *state;
    PEER(p);
    OUT(out);
    const uint8_t nonce[SG_CAS_NONCE_LEN] = {9};
    assert_refused(with_nonce(s, &p, "alpha", nonce, &out), SG_CAS_REFUSAL_NONCE_UNKNOWN, &out);
}

static void a_nonce_of_another_connection(void **state)
{
    struct scene *s = *state;
    PEER(p);
    PEER(elsewhere);
    OUT(out);
    uint8_t nonce[SG_CAS_NONCE_LEN];
    get_nonce(&s->f, &elsewhere, nonce);
    assert_refused(with_nonce(s, &p, "alpha", nonce, &out), SG_CAS_REFUSAL_NONCE_FOREIGN, &out);
}

struct racer {
    struct fixture *f;
    const struct peer *p;
    struct sg_bytes request;
    int outcome;
    bool released;
};

static void *race(void *user)
{
    struct racer *r = user;
    OUT(out);
    struct sg_cas_finding finding;
    r->outcome = sg_cas_service_attest(r->f->service, &r->p->connection, r->request, r->f->w.now,
                                       &out, &finding);
    r->released = out.len > 0;
    return NULL;
}

/* Many at once with one nonce: one is first. */
static void one_nonce_in_parallel(void **state)
{
    enum { RACERS = 8 };
    struct scene *s = *state;
    PEER(p);
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf request = SG_BUF_INIT(SG_CAS_REQUEST_MAX);
    uint8_t nonce[SG_CAS_NONCE_LEN];
    pthread_t threads[RACERS];
    struct racer racers[RACERS];
    unsigned granted = 0;
    get_nonce(&s->f, &p, nonce);
    forge_for(&good, honest(s), &p.connection, nonce, "alpha", &evidence);
    struct sg_cas_request q = kind_request(&p, s->kind, "alpha", nonce, &evidence);
    assert_int_equal(sg_message_encode(&sg_cas_request_type, &q, &request), 0);
    for (size_t i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){.f = &s->f, .p = &p, .request = sg_buf_bytes(&request)};
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (size_t i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(racers[i].released, racers[i].outcome == 0);
        assert_true(racers[i].outcome == 0 || racers[i].outcome == SG_CAS_REFUSAL_NONCE_REPLAYED);
        granted += racers[i].outcome == 0;
    }
    assert_int_equal(granted, 1);
}

/* ---- relay and splice ---- */

/*
 * The attacker stands between a good program and casd: he passes his own nonce on to the program,
 * which makes evidence over its connection with him, and presents that as his.
 */
static void relay_from_another_connection(void **state)
{
    struct scene *s = *state;
    PEER(attacker);
    PEER(victim);
    OUT(out);
    assert_refused(with_evidence_of(s, &attacker, &victim.connection, "alpha", &out),
                   SG_CAS_REFUSAL_RELAYED, &out);
}

/* A TPM whose nonces are no longer than a SHA-256: bound by it as well as by all 64 octets. */
static void a_nonce_that_is_a_digest(void **state)
{
    struct scene *s = *state;
    PEER(attacker);
    PEER(victim);
    OUT(out);
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    uint8_t nonce[SG_CAS_NONCE_LEN];
    struct forgery g = honest(s);
    g.digest_only = true;
    get_nonce(&s->f, &attacker, nonce);
    forge_for(&good, g, &victim.connection, nonce, "alpha", &evidence);
    struct sg_cas_request q = kind_request(&attacker, s->kind, "alpha", nonce, &evidence);
    assert_refused(send_request(&s->f, &attacker.connection, &q, &out), SG_CAS_REFUSAL_RELAYED,
                   &out);
    assert_int_equal(attest_as(&s->f, &good, g, "alpha", &out), 0);
}

/* Even with the victim's key on both connections: the exporter alone tells them apart. */
static void relay_under_the_same_key(void **state)
{
    struct scene *s = *state;
    PEER(victim);
    OUT(out);
    struct sg_cas_connection elsewhere = victim.connection;
    elsewhere.exporter[0] ^= 1;
    assert_refused(with_evidence_of(s, &victim, &elsewhere, "alpha", &out), SG_CAS_REFUSAL_RELAYED,
                   &out);
}

/* Evidence over everything that it should be over, under the name of another exchange (what casd
 * makes of itself for its clients), or of none. */
static void downgrade_to_another_label(void **state)
{
    struct scene *s = *state;
    uint8_t report_data[2][SG_TEE_REPORT_DATA_LEN], nonce[SG_CAS_NONCE_LEN], ca[32];
    for (size_t i = 0; i < 2; i++) {
        PEER(p);
        OUT(out);
        SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
        struct forgery g = honest(s);
        get_nonce(&s->f, &p, nonce);
        sg_cert_fingerprint(s->f.service->vault->ca_cert, ca);
        sg_cas_casd_report_data(report_data[0], nonce, &p.connection, ca);
        sg_sha512_parts(report_data[1],
                        (struct sg_bytes[]){SG_BYTES_ARRAY(nonce), p.connection.spki,
                                            SG_BYTES_ARRAY(p.connection.exporter),
                                            SG_BYTES_LIT("alpha")},
                        4);
        g.report_data = report_data[i];
        forge(&good, &g, &evidence);
        struct sg_cas_request q = kind_request(&p, s->kind, "alpha", nonce, &evidence);
        assert_refused(send_request(&s->f, &p.connection, &q, &out), SG_CAS_REFUSAL_RELAYED, &out);
    }
}

/* Evidence made over another nonce of the same connection. */
static void relay_of_older_evidence(void **state)
{
    struct scene *s = *state;
    PEER(p);
    OUT(out);
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    uint8_t first[SG_CAS_NONCE_LEN], second[SG_CAS_NONCE_LEN];
    get_nonce(&s->f, &p, first);
    forge_for(&good, honest(s), &p.connection, first, "alpha", &evidence);
    get_nonce(&s->f, &p, second);
    struct sg_cas_request q = kind_request(&p, s->kind, "alpha", second, &evidence);
    assert_refused(send_request(&s->f, &p.connection, &q, &out), SG_CAS_REFUSAL_RELAYED, &out);
}

/* What a certificate with evidence inside proves: the key, at some time, to somebody. */
static void evidence_as_in_a_certificate(void **state)
{
    struct scene *s = *state;
    PEER(p);
    OUT(out);
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    struct forgery g = honest(s);
    uint8_t nonce[SG_CAS_NONCE_LEN], report_data[SG_TEE_REPORT_DATA_LEN];
    sg_sha512_parts(report_data, &p.connection.spki, 1);
    g.report_data = report_data;
    forge(&good, &g, &evidence);
    get_nonce(&s->f, &p, nonce);
    struct sg_cas_request q = kind_request(&p, s->kind, "alpha", nonce, &evidence);
    assert_refused(send_request(&s->f, &p.connection, &q, &out), SG_CAS_REFUSAL_RELAYED, &out);
}

/* Good evidence for the victim's key, sent over the attacker's TLS key. */
static void splice_of_the_key(void **state)
{
    struct scene *s = *state;
    PEER(attacker);
    PEER(victim);
    OUT(out);
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    uint8_t nonce[SG_CAS_NONCE_LEN];
    struct sg_cas_connection mixed = attacker.connection;
    mixed.spki = victim.connection.spki;
    get_nonce(&s->f, &attacker, nonce);
    forge_for(&good, honest(s), &mixed, nonce, "alpha", &evidence);
    struct sg_cas_request q = kind_request(&victim, s->kind, "alpha", nonce, &evidence);
    assert_refused(send_request(&s->f, &attacker.connection, &q, &out), SG_CAS_REFUSAL_KEY_SPLICED,
                   &out);
}

/* Evidence made as beta asks for alpha's secrets. */
static void splice_of_the_service(void **state)
{
    struct scene *s = *state;
    PEER(p);
    OUT(out);
    assert_refused(with_evidence_of(s, &p, &p.connection, "beta", &out),
                   SG_CAS_REFUSAL_SERVICE_SPLICED, &out);
}

/* ---- programs and platforms ---- */

static void programs_that_no_policy_names(void **state)
{
    struct scene *s = *state;
    OUT(out);
    struct forgery g = honest(s);
    assert_refused(attest_as(&s->f, &good, g, "gamma", &out), SG_CAS_REFUSAL_MEASUREMENT, &out);
    assert_refused(attest_as(&s->f, &good, g, "nobody", &out), SG_CAS_REFUSAL_MEASUREMENT, &out);
    assert_refused(attest_as(&s->f, &good, g, "delta", &out), SG_CAS_REFUSAL_SERVICE_UNKNOWN, &out);
    g.other_measurement = true;
    assert_refused(attest_as(&s->f, &good, g, "alpha", &out), SG_CAS_REFUSAL_MEASUREMENT, &out);
}

static void a_program_under_a_debugger(void **state)
{
    struct scene *s = *state;
    OUT(out);
    struct forgery g = honest(s);
    g.debug = true;
    assert_refused(attest_as(&s->f, &good, g, "alpha", &out), SG_CAS_REFUSAL_DEBUG, &out);
    assert_true(has_reason(&s->f, "debug"));
}

static void a_platform_under_an_unknown_root(void **state)
{
    struct scene *s = *state;
    OUT(out);
    struct forgery g = honest(s);
    char platform[128];
    snprintf(platform, sizeof platform, "%s/other", s->f.w.dir);
    assert_int_equal(sg_sim_platform_create(platform), 0);
    g.sim_platform = platform;
    int expected = s->kind == SG_TEE_SIM ? SG_CAS_REFUSAL_EVIDENCE + SG_TEE_REFUSED_PLATFORM
                                         : SG_CAS_REFUSAL_UNTRUSTED;
    assert_refused(attest_as(&s->f, &other, g, "alpha", &out), (enum sg_cas_refusal)expected, &out);
    assert_int_equal(s->f.finding.claims.measurement_len, 0); /* nothing of it goes on record */
    /* What was wrong with it is for the operator; the client had one word for all of it. */
    assert_int_equal(s->f.finding.reasons.n > 0, s->kind != SG_TEE_SIM);
}

/* Every octet that the report data or the measurement has, and some of the rest. */
static void evidence_changed_on_the_way(void **state)
{
    struct scene *s = *state;
    PEER(p);
    OUT(out);
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    uint8_t nonce[SG_CAS_NONCE_LEN];
    for (size_t at = 64; at < 700; at += 37) {
        get_nonce(&s->f, &p, nonce);
        sg_buf_reset(&evidence);
        forge_for(&good, honest(s), &p.connection, nonce, "alpha", &evidence);
        if (at < evidence.len)
            evidence.data[at] ^= 0x20;
        else
            evidence.len--;
        struct sg_cas_request q = kind_request(&p, s->kind, "alpha", nonce, &evidence);
        assert_true(send_request(&s->f, &p.connection, &q, &out) > 0);
        assert_int_equal(out.len, 0);
    }
}

/* ---- kinds ---- */

/* The strongest evidence there is does not help a service that wants none, and the weakest does
 * not do where hardware is wanted. */
static void downgrade_to_another_kind(void **state)
{
    struct scene *s = *state;
    OUT(out);
    struct forgery g = honest(s);
    assert_refused(attest_as(&s->f, &good, g, "nothing", &out), SG_CAS_REFUSAL_KIND, &out);
    g.kind = SG_TEE_SIM;
    assert_refused(attest_as(&s->f, &good, g, "real", &out), SG_CAS_REFUSAL_KIND, &out);
}

/* Evidence of one kind under the name of every other. */
static void evidence_under_a_false_name(void **state)
{
    struct scene *s = *state;
    static const char *const names[] = {"sim",        "sgx",   "tdx", "snp", "tpm",
                                        "azure-vtpm", "nitro", "cca", "tee", "SGX"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        PEER(p);
        OUT(out);
        SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
        uint8_t nonce[SG_CAS_NONCE_LEN];
        get_nonce(&s->f, &p, nonce);
        forge_for(&good, honest(s), &p.connection, nonce, "alpha", &evidence);
        struct sg_cas_request q = kind_request(&p, s->kind, "alpha", nonce, &evidence);
        q.kind = sg_bytes_str(names[i]);
        int r = send_request(&s->f, &p.connection, &q, &out);
        if (strcmp(names[i], sg_tee_kind_name(s->kind)) == 0)
            assert_int_equal(r, 0);
        else
            assert_refused(r,
                           SG_CAS_REFUSAL_EVIDENCE + (strcmp(names[i], "sim") == 0
                                                          ? SG_TEE_REFUSED_MALFORMED
                                                          : SG_TEE_REFUSED_UNSUPPORTED),
                           &out);
    }
}

#define ATTACKS(X)                                                                                 \
    X(honest_evidence_gets_its_grant)                                                              \
    X(replay_of_everything)                                                                        \
    X(replay_after_a_refusal)                                                                      \
    X(a_stale_nonce)                                                                               \
    X(an_invented_nonce)                                                                           \
    X(a_nonce_of_another_connection)                                                               \
    X(one_nonce_in_parallel)                                                                       \
    X(relay_from_another_connection)                                                               \
    X(a_nonce_that_is_a_digest)                                                                    \
    X(relay_under_the_same_key)                                                                    \
    X(relay_of_older_evidence)                                                                     \
    X(evidence_as_in_a_certificate)                                                                \
    X(splice_of_the_key)                                                                           \
    X(splice_of_the_service)                                                                       \
    X(programs_that_no_policy_names)                                                               \
    X(a_program_under_a_debugger)                                                                  \
    X(a_platform_under_an_unknown_root)                                                            \
    X(evidence_changed_on_the_way)                                                                 \
    X(downgrade_to_another_label)                                                                  \
    X(downgrade_to_another_kind)                                                                   \
    X(evidence_under_a_false_name)

static const struct {
    const char *name;
    CMUnitTestFunction run;
} attacks[] = {
#define X(fn) {#fn, fn},
    ATTACKS(X)
#undef X
};

static bool applies(enum sg_tee_kind kind, CMUnitTestFunction attack)
{
    const bool quotes = kind == SG_TEE_TPM || kind == SG_TEE_AZURE;
    if (attack == a_nonce_that_is_a_digest)
        return quotes;
    /* A TPM's quote says what ran, not whether somebody looks on: PCRs are all there is. */
    return kind != SG_TEE_TPM || attack != a_program_under_a_debugger;
}

int main(void)
{
    enum { N_ATTACKS = sizeof attacks / sizeof attacks[0], N_KINDS = 8 };
    static enum sg_tee_kind kinds[N_KINDS] = {SG_TEE_SIM, SG_TEE_SGX,   SG_TEE_TDX,   SG_TEE_SNP,
                                              SG_TEE_TPM, SG_TEE_AZURE, SG_TEE_NITRO, SG_TEE_CCA};
    static struct CMUnitTest tests[N_KINDS * N_ATTACKS];
    static char names[N_KINDS * N_ATTACKS][64];
    size_t n = 0;
    for (size_t i = 0; i < N_KINDS * N_ATTACKS; i++) {
        enum sg_tee_kind *kind = &kinds[i / N_ATTACKS];
        if (!applies(*kind, attacks[i % N_ATTACKS].run))
            continue;
        snprintf(names[n], sizeof names[n], "%s: %s", sg_tee_kind_name(*kind),
                 attacks[i % N_ATTACKS].name);
        tests[n] = (struct CMUnitTest){names[n], attacks[i % N_ATTACKS].run, set_up, NULL, kind};
        n++;
    }
    platforms_init(&good, at_s);
    platforms_init(&other, at_s);
    make_folder(shared.dir, sizeof shared.dir, "attacks");
    put_platforms(&shared, &good);
    set_scene();
    int failed = _cmocka_run_group_tests("attacks", tests, n, NULL, NULL);
    clear_scene();
    platforms_clear(&good);
    platforms_clear(&other);
    return failed + (sg_remove_tree(shared.dir) != 0);
}
