/*
 * cas - attest and release, client and casd in one process over loopback: a TLS connection with
 * both certificates, challenge, an SGX quote (v3) made and judged under a root of the run's own,
 * with collateral, CRLs, identity and TCB info; a service certificate, the grant, the audit log.
 * Beside the bare connection with one small answer, on the clock, six clients at a time; beside the
 * public-key operations in it alone, in CPU time of both ends; and beside the goal, attestations a
 * second and the hundredth slowest of 10,000.
 */
#include "suites.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/cas/server.h>
#include <sealgrid/net/http.h>
#include <sealgrid/tee/sim.h>

#include <limits.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>

#include "messages-int.h"
#include "testkit/provider.h"

#define CLIENTS 6

struct service {
    struct sg_tee_provider *tee; /* seals casd's state */
    struct tk_intel intel;       /* what clients run on */
    struct sg_tee_provider *sgx;
    struct sg_cas_server *server;
    char address[32];
};

/* One client: its key and certificate serve all its connections. */
struct client {
    const struct service *service;
    struct sg_key *key;
    struct sg_tls_ctx *tls;
    struct sg_buf spki;
    /* of a lap */
    bool attests;
    uint64_t n;
    int outcome;
    int64_t *ns; /* of each attestation of the lap; NULL: nobody asks */
};

struct rig {
    struct service service;
    struct client clients[CLIENTS];
};

/* ---- ours ---------------------------------------------------------------------------------- */

static int client_init(struct client *c, const struct service *s)
{
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    int64_t now_s = sg_clock_unix_s();
    const struct sg_cert_request req = {
        .common_name = "bench", .not_before_s = now_s - 60, .not_after_s = now_s + 86400};

    *c = (struct client){.service = s, .spki = SG_BUF_INIT(1024)};
    int r = sg_key_generate(&c->key, SG_KEY_P256);
    if (!r)
        r = sg_key_public_der(c->key, &c->spki);
    if (!r)
        r = sg_cert_issue(&cert, &req, c->key, NULL, c->key);
    const struct sg_tls_identity id = {.cert = cert, .key = c->key};
    return r ? r : sg_tls_ctx_new(&c->tls, &id, false, SG_TLS_PEER_ANY);
}

static void client_clear(struct client *c)
{
    sg_tls_ctx_free(c->tls);
    sg_key_free(c->key);
    sg_buf_clear(&c->spki);
}

static int call(struct sg_http_client *http, const char *method, const char *target,
                struct sg_bytes body, struct sg_buf *ret)
{
    int status = 0;
    int r = sg_http_call(http, method, target, NULL, 0, body, &status, ret);

    if (!r && status != 200)
        r = sg_raisef(-EIO, "%s: status %d", target, status);
    return sg_fold(r);
}

static int make_evidence(const struct client *c, struct sg_http_client *http,
                         struct sg_cas_request *q, struct sg_bytes challenge_text,
                         struct sg_buf *ret)
{
    struct sg_cas_connection connection = {.spki = sg_buf_bytes(&c->spki)};
    struct sg_cas_challenge challenge;
    uint8_t report_data[SG_TEE_REPORT_DATA_LEN];
    int r = sg_message_decode(&sg_cas_challenge_type, challenge_text, &challenge);

    if (!r)
        r = sg_tls_export(sg_http_client_tls(http), SG_CAS_EXPORTER_LABEL, connection.exporter,
                          sizeof(connection.exporter));
    if (r)
        return sg_fold(r);
    sg_cas_report_data(report_data, challenge.nonce, &connection, q->service);
    memcpy(q->nonce, challenge.nonce, sizeof(q->nonce));
    q->spki = connection.spki;
    return sg_fold(sg_tee_evidence(c->service->sgx, report_data, ret));
}

static int attest(const struct client *c, struct sg_http_client *http)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT_SECRET(SG_CAS_GRANT_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf request = SG_BUF_INIT(SG_CAS_REQUEST_MAX);
    struct sg_cas_request q = {.service = SG_BYTES_LIT("kvsd"), .kind = SG_BYTES_LIT("sgx")};
    int r = call(http, "POST", "/v1/attest/challenge", SG_BYTES_NONE, &b);

    if (!r)
        r = make_evidence(c, http, &q, sg_buf_bytes(&b), &evidence);
    q.evidence = sg_buf_bytes(&evidence);
    if (!r)
        r = sg_message_encode(&sg_cas_request_type, &q, &request);
    sg_buf_reset(&b);
    return r ? sg_fold(r) : call(http, "POST", "/v1/attest", sg_buf_bytes(&request), &b);
}

static int one(const struct client *c)
{
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *http = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    const struct sg_http_client_options o = {.connect = c->service->address, .tls = c->tls};
    int r = sg_http_client_new(&http, &o);

    if (r)
        return sg_fold(r);
    return c->attests ? attest(c, http) : call(http, "GET", "/v1/root", SG_BYTES_NONE, &b);
}

static void *run_client(void *user)
{
    struct client *c = user;

    c->outcome = 0;
    for (uint64_t i = 0; i < c->n && !c->outcome; i++) {
        const int64_t start_ns = sg_clock_monotonic_ns();
        c->outcome = one(c);
        if (c->ns)
            c->ns[i] = sg_clock_monotonic_ns() - start_ns;
    }
    if (c->outcome)
        fprintf(stderr, "cas: %s\n", sg_error_trace()); /* traces belong to their threads */
    return NULL;
}

static int run_clients(struct rig *rig, uint64_t n, bool attests)
{
    pthread_t threads[CLIENTS];
    unsigned started = 0;
    int r = 0;

    for (; started < CLIENTS && !r; started++) {
        struct client *c = &rig->clients[started];
        c->attests = attests;
        c->n = n / CLIENTS + (started < n % CLIENTS);
        r = -pthread_create(&threads[started], NULL, run_client, c);
        if (r)
            break;
    }
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < started && !r; i++)
        r = rig->clients[i].outcome;
    return r ? sg_raisef(-EIO, "a client failed") : 0;
}

static int attestations(void *ctx, uint64_t n, int64_t *ret_ns)
{
    (void)ret_ns;
    return run_clients(ctx, n, true);
}

static int connections(void *ctx, uint64_t n, int64_t *ret_ns)
{
    (void)ret_ns;
    return run_clients(ctx, n, false);
}

/* ---- casd ---------------------------------------------------------------------------------- */

static int put(const char *dir, const char *name, struct sg_bytes contents)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%.3900s/%s", dir, name);
    return sg_fold(sg_file_write_atomic(path, contents, 0600));
}

/* The enclave of tk_quote_sgx, and what kvsd of a deployment is given. */
static int write_policy(const char *dir)
{
    static const char text[] =
        "version: 1\n"
        "buckets:\n"
        "  metering: {epochs: 2}\n"
        "  evidence: {epochs: 1}\n"
        "services:\n"
        "  kvsd:\n"
        "    kinds: [sgx]\n"
        "    measurements: ['1111111111111111111111111111111111111111111111111111111111111111']\n"
        "    signers: ['2222222222222222222222222222222222222222222222222222222222222222']\n"
        "    min_svn: 9\n"
        "    statuses: [UpToDate]\n"
        "    min_tcb_evaluation: 17\n"
        "    secrets: ['kek/metering/*', name-key/metering, 'kek/evidence/*', name-key/evidence]\n";
    return put(dir, "policy.yaml", sg_bytes_str(text));
}

static int write_collateral(const struct tk_intel *t, const char *dir)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf root = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    const struct tk_tcb_info info = tk_tcb_info_good(t, false);
    const struct tk_identity id = tk_identity_good(t, false);
    char folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%.4000s/collateral", dir);
    int r = sg_mkdir_p(folder, 0700);

    tk_cert_pem(t->root, &root);
    if (!r)
        r = put(dir, "root.pem", sg_buf_bytes(&root));
    tk_intel_signer_chain(t, &b);
    if (!r)
        r = put(folder, "signer.pem", sg_buf_bytes(&b));
    sg_buf_reset(&b);
    tk_tcb_info_json(t, &info, &b);
    if (!r)
        r = put(folder, "tcb-info.json", sg_buf_bytes(&b));
    sg_buf_reset(&b);
    tk_identity_json(t, &id, &b);
    if (!r)
        r = put(folder, "qe-identity.json", sg_buf_bytes(&b));
    sg_buf_reset(&b);
    tk_intel_root_crl(t, NULL, 0, &b);
    if (!r)
        r = put(folder, "root.crl", sg_buf_bytes(&b));
    sg_buf_reset(&b);
    tk_intel_pck_crl(t, NULL, 0, &b);
    return r ? sg_fold(r) : put(folder, "pck.crl", sg_buf_bytes(&b));
}

static int start_casd(struct service *s, const char *dir, const char *platform)
{
    char state[PATH_MAX], policy[PATH_MAX], collateral[PATH_MAX], root[PATH_MAX];
    char pin[SG_CAS_PIN_LEN + 1];
    const char *const folders[] = {collateral}, *const roots[] = {root};
    snprintf(state, sizeof(state), "%.4000s/state", dir);
    snprintf(policy, sizeof(policy), "%.4000s/policy.yaml", dir);
    snprintf(collateral, sizeof(collateral), "%.4000s/collateral", dir);
    snprintf(root, sizeof(root), "intel:%.4000s/root.pem", dir);
    const struct sg_cas_init init = {.dir = state,
                                     .policy = policy,
                                     .tee = s->tee,
                                     .seal = SG_TEE_SEAL_MEASUREMENT,
                                     .sim_platform = platform};
    const struct sg_cas_server_options o = {.dir = state,
                                            .tee = s->tee,
                                            .seal = SG_TEE_SEAL_MEASUREMENT,
                                            .listen = "127.0.0.1:0",
                                            .throttle_per_s = 1000000,
                                            .tee_collateral = folders,
                                            .n_tee_collateral = 1,
                                            .tee_roots = roots,
                                            .n_tee_roots = 1};
    int r = sg_cas_init(&init, pin);
    if (!r)
        r = sg_cas_server_start(&s->server, &o);
    if (r)
        return sg_fold(r);
    snprintf(s->address, sizeof(s->address), "127.0.0.1:%u", sg_cas_server_port(s->server));
    return 0;
}

static int start(struct service *s, const char *dir)
{
    char platform[PATH_MAX];
    snprintf(platform, sizeof(platform), "%.4000s/platform", dir);
    tk_intel_init(&s->intel, sg_clock_unix_s());
    int r = tk_provider_new(&s->sgx, &s->intel, SG_TEE_SGX);
    if (!r)
        r = sg_sim_platform_create(platform);
    if (!r)
        r = sg_tee_provider_open(&s->tee, "sim", platform);
    if (!r)
        r = write_policy(dir);
    if (!r)
        r = write_collateral(&s->intel, dir);
    return r ? sg_fold(r) : start_casd(s, dir, platform);
}

static void clear_rig(struct rig *rig)
{
    for (size_t i = 0; i < CLIENTS; i++)
        client_clear(&rig->clients[i]);
    sg_cas_server_free(rig->service.server);
    sg_tee_provider_free(rig->service.tee);
    sg_tee_provider_free(rig->service.sgx);
    tk_intel_clear(&rig->service.intel);
}

/* ---- bare ---------------------------------------------------------------------------------- */

/*
 * ES256 signatures of one attestation: TLS server, TLS client, quote, QE report (made by the
 * make-believe platform; a real one keeps it), service certificate, audit log; verifications: TLS
 * client's, TLS server's, quote's, QE report's; those of the chain are cached.  X25519: two
 * ephemeral keys, two agreements.
 */
#define SIGNATURES    6
#define VERIFICATIONS 4
#define AGREEMENTS    2

struct bare {
    EVP_PKEY *key, *peer;
    EVP_PKEY_CTX *sign, *verify, *generate;
    uint8_t digest[32], signature[80];
    size_t signature_len;
};

static void clear_bare(struct bare *b)
{
    EVP_PKEY_CTX_free(b->sign);
    EVP_PKEY_CTX_free(b->verify);
    EVP_PKEY_CTX_free(b->generate);
    EVP_PKEY_free(b->key);
    EVP_PKEY_free(b->peer);
}

static int make_bare(struct bare *b)
{
    *b = (struct bare){.key = EVP_EC_gen("P-256"),
                       .generate = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL)};
    b->sign = b->key ? EVP_PKEY_CTX_new_from_pkey(NULL, b->key, NULL) : NULL;
    b->verify = b->key ? EVP_PKEY_CTX_new_from_pkey(NULL, b->key, NULL) : NULL;
    bool ok = b->sign && b->verify && b->generate && EVP_PKEY_sign_init(b->sign) == 1 &&
              EVP_PKEY_verify_init(b->verify) == 1 && EVP_PKEY_keygen_init(b->generate) == 1 &&
              EVP_PKEY_generate(b->generate, &b->peer) == 1;
    return ok ? 0 : sg_raise(-EIO);
}

static bool agree(const struct bare *b)
{
    EVP_PKEY *own = NULL;
    uint8_t secret[32];
    size_t len = sizeof(secret);
    bool ok = EVP_PKEY_generate(b->generate, &own) == 1;
    EVP_PKEY_CTX *c = ok ? EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL) : NULL;

    ok = c && EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_derive_set_peer_ex(c, b->peer, 0) == 1 &&
         EVP_PKEY_derive(c, secret, &len) == 1;
    EVP_PKEY_CTX_free(c);
    EVP_PKEY_free(own);
    return ok;
}

static bool operations_once(struct bare *b)
{
    bool ok = true;

    for (unsigned i = 0; i < SIGNATURES && ok; i++) {
        b->signature_len = sizeof(b->signature);
        ok = EVP_PKEY_sign(b->sign, b->signature, &b->signature_len, b->digest, 32) == 1;
    }
    for (unsigned i = 0; i < VERIFICATIONS && ok; i++)
        ok = EVP_PKEY_verify(b->verify, b->signature, b->signature_len, b->digest, 32) == 1;
    for (unsigned i = 0; i < AGREEMENTS && ok; i++)
        ok = agree(b);
    return ok;
}

static int operations(void *ctx, uint64_t n, int64_t *ret_ns)
{
    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++)
        if (!operations_once(ctx))
            return sg_raise(-EIO);
    return 0;
}

/* ---- lines --------------------------------------------------------------------------------- */

static int by_length(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Attestations of every client, with the time that each took. */
static int timed(struct rig *rig, uint64_t n, int64_t *ns, double *ret_per_s, double *ret_p99_ms)
{
    for (size_t i = 0; i < CLIENTS; i++)
        rig->clients[i].ns = ns + i * (n / CLIENTS);
    const int64_t start_ns = sg_clock_monotonic_ns();
    int r = run_clients(rig, n, true);
    const double s = (double)(sg_clock_monotonic_ns() - start_ns) / 1e9;

    for (size_t i = 0; i < CLIENTS; i++)
        rig->clients[i].ns = NULL;
    if (r)
        return r;
    qsort(ns, n, sizeof(*ns), by_length);
    *ret_per_s = (double)n / s;
    *ret_p99_ms = (double)ns[n - 1 - n / 100] / 1e6;
    return 0;
}

static int against_goal(struct sg_bench *b, struct rig *rig)
{
    const uint64_t n = sg_bench_scale(b, 9996, 600) / CLIENTS * CLIENTS;
    SG_FREE int64_t *ns = calloc(n, sizeof(*ns));
    double per_s = 0, p99_ms = 0;
    const struct sg_bench_line rate = {
        .name = "SGX v3, attest and release",
        .unit = "/s",
        .goal = 1,
        .note = "six clients at a time; casd, clients and the platform that makes the quotes share "
                "the cores",
        .ours = {.name = "sealgrid"},
        .theirs = {.name = "goal, on 2 cores"}};
    const struct sg_bench_line slow = {.name = "SGX v3, attest and release, p99",
                                       .unit = "ms",
                                       .goal = 1,
                                       .note = "from before the connection until after the grant",
                                       .ours = {.name = "sealgrid"},
                                       .theirs = {.name = "goal"}};
    int r = ns ? timed(rig, n, ns, &per_s, &p99_ms) : sg_raise(-ENOMEM);

    if (!r)
        r = sg_bench_quantity(b, &rate, per_s, 400, false);
    return r ? r : sg_bench_quantity(b, &slow, p99_ms, 50, true);
}

static int measure(struct sg_bench *b, struct rig *rig, struct bare *bare)
{
    const struct sg_bench_line connection = {
        .name = "attest and release",
        .unit = "/s",
        .note = "SGX v3; six clients at a time, a new connection each, casd on the same cores",
        .ours = {"sealgrid", attestations, rig},
        .theirs = {"bare connections, both certificates", connections, rig}};
    const struct sg_bench_line alone = {
        .name = "attest and release, CPU",
        .unit = "/s",
        .cpu = true,
        .note = "SGX v3; CPU of both ends, against 6 ES256 signatures, 4 verifications and 2 "
                "X25519 agreements alone",
        .ours = {"sealgrid", attestations, rig},
        .theirs = {"OpenSSL: its operations", operations, bare}};
    int r = sg_bench_pair(b, &connection);
    if (!r)
        r = sg_bench_pair(b, &alone);
    return r ? r : against_goal(b, rig);
}

static int run(struct sg_bench *b)
{
    SG_CLEANUP(clear_rig) struct rig rig = {.service = {.tee = NULL}};
    SG_CLEANUP(clear_bare) struct bare bare = {.key = NULL};
    char dir[PATH_MAX];
    int r = sg_bench_folder(b, "cas", dir, sizeof(dir));

    if (!r)
        r = start(&rig.service, dir);
    for (size_t i = 0; i < CLIENTS && !r; i++)
        r = client_init(&rig.clients[i], &rig.service);
    if (!r)
        r = make_bare(&bare);
    return r ? r : measure(b, &rig, &bare);
}

const struct sg_bench_suite sg_bench_suite_cas = {
    "cas", "attestation and release, beside connections and signatures", run};
