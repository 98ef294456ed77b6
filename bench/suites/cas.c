/*
 * cas - attest and release, client and casd in one process over loopback: a TLS connection with
 * both certificates, challenge, evidence, judgement, a service certificate, the grant, the audit
 * log.  Beside the bare connection with one small answer, on the clock, six clients at a time; and
 * beside the public-key operations in it alone, in CPU time of both ends.
 */
#include "suites.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/cas/policy.h>
#include <sealgrid/cas/server.h>
#include <sealgrid/net/http.h>
#include <sealgrid/tee/sim.h>

#include <limits.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>

#include "messages-int.h"

#define CLIENTS 6

struct service {
    struct sg_tee_provider *tee;
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
    return sg_fold(sg_tee_evidence(c->service->tee, report_data, ret));
}

static int attest(const struct client *c, struct sg_http_client *http)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT_SECRET(SG_CAS_GRANT_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf request = SG_BUF_INIT(SG_CAS_REQUEST_MAX);
    struct sg_cas_request q = {.service = SG_BYTES_LIT("kvsd"), .kind = SG_BYTES_LIT("sim")};
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
    for (uint64_t i = 0; i < c->n && !c->outcome; i++)
        c->outcome = one(c);
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

static int write_policy(const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(65536);
    const struct sg_cas_program self = {"kvsd", "/proc/self/exe"};
    int r = sg_cas_policy_measure(&self, 1, NULL, &text);

    return r ? sg_fold(r) : sg_file_write_atomic(path, sg_buf_bytes(&text), 0600);
}

static int start(struct service *s, const char *dir)
{
    char platform[PATH_MAX], state[PATH_MAX], policy[PATH_MAX], pin[SG_CAS_PIN_LEN + 1];
    snprintf(platform, sizeof(platform), "%.4000s/platform", dir);
    snprintf(state, sizeof(state), "%.4000s/state", dir);
    snprintf(policy, sizeof(policy), "%.4000s/policy.yaml", dir);
    int r = sg_sim_platform_create(platform);
    if (!r)
        r = sg_tee_provider_open(&s->tee, "sim", platform);
    if (!r)
        r = write_policy(policy);
    if (r)
        return sg_fold(r);
    const struct sg_cas_init init = {.dir = state,
                                     .policy = policy,
                                     .tee = s->tee,
                                     .seal = SG_TEE_SEAL_MEASUREMENT,
                                     .sim_platform = platform};
    const struct sg_cas_server_options o = {.dir = state,
                                            .tee = s->tee,
                                            .seal = SG_TEE_SEAL_MEASUREMENT,
                                            .listen = "127.0.0.1:0",
                                            .throttle_per_s = 1000000};
    r = sg_cas_init(&init, pin);
    if (!r)
        r = sg_cas_server_start(&s->server, &o);
    if (r)
        return sg_fold(r);
    snprintf(s->address, sizeof(s->address), "127.0.0.1:%u", sg_cas_server_port(s->server));
    return 0;
}

static void clear_rig(struct rig *rig)
{
    for (size_t i = 0; i < CLIENTS; i++)
        client_clear(&rig->clients[i]);
    sg_cas_server_free(rig->service.server);
    sg_tee_provider_free(rig->service.tee);
}

/* ---- bare ---------------------------------------------------------------------------------- */

/*
 * ES256 signatures of one attestation: TLS server, TLS client, evidence, service certificate, audit
 * log; verifications: TLS client's, TLS server's, evidence's.  X25519: two ephemeral keys, two
 * agreements.
 */
#define SIGNATURES    5
#define VERIFICATIONS 3
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

static int measure(struct sg_bench *b, struct rig *rig, struct bare *bare)
{
    const struct sg_bench_line connection = {
        .name = "attest and release",
        .unit = "/s",
        .note = "six clients at a time, a new connection each, casd on the same cores",
        .ours = {"sealgrid", attestations, rig},
        .theirs = {"bare connections, both certificates", connections, rig}};
    const struct sg_bench_line alone = {
        .name = "attest and release, CPU",
        .unit = "/s",
        .cpu = true,
        .note = "CPU of both ends, against 5 ES256 signatures, 3 verifications and 2 X25519 "
                "agreements alone",
        .ours = {"sealgrid", attestations, rig},
        .theirs = {"OpenSSL: its operations", operations, bare}};
    int r = sg_bench_pair(b, &connection);
    return r ? r : sg_bench_pair(b, &alone);
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
