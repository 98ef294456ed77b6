/*
 * cas bench - attestations a second, client and casd in one process over loopback, against what
 * bare connections (handshake with both certificates, one small answer) reach in the same run.
 *   bench-cas [SECONDS [THREADS]]
 */
#include <pthread.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/log.h>
#include <sealgrid/cas/policy.h>
#include <sealgrid/cas/server.h>
#include <sealgrid/net/http.h>
#include <sealgrid/tee/sim.h>
#include <stdio.h>

#include "libs/cas/messages-int.h"

#define LATENCIES_MAX 100000

static char address[32];
static struct sg_tee_provider *tee;
static int64_t end_ns;

static void must(int r, const char *what)
{
    if (r == 0)
        return;
    fprintf(stderr, "%s: %d %s\n", what, r, sg_error_trace());
    exit(2);
}

/* One client: its key and certificate serve all its connections. */
struct client {
    pthread_t thread;
    bool attests;
    struct sg_key *key;
    struct sg_tls_ctx *tls;
    struct sg_buf spki;
    size_t n;
    float *ms;
};

static void client_new(struct client *c, bool attests)
{
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    int64_t now_s = sg_clock_unix_s();
    const struct sg_cert_request req = {
        .common_name = "bench", .not_before_s = now_s - 60, .not_after_s = now_s + 3600};
    *c = (struct client){.attests = attests, .spki = SG_BUF_INIT(1024)};
    c->ms = calloc(LATENCIES_MAX, sizeof *c->ms);
    must(sg_key_generate(&c->key, SG_KEY_P256), "key");
    must(sg_key_public_der(c->key, &c->spki), "key");
    must(sg_cert_issue(&cert, &req, c->key, NULL, c->key), "certificate");
    const struct sg_tls_identity id = {.cert = cert, .key = c->key};
    must(sg_tls_ctx_new(&c->tls, &id, false, SG_TLS_PEER_ANY), "tls");
}

static void client_free(struct client *c)
{
    sg_tls_ctx_free(c->tls);
    sg_key_free(c->key);
    sg_buf_clear(&c->spki);
    free(c->ms);
}

static void call(struct sg_http_client *http, const char *method, const char *target,
                 struct sg_bytes body, struct sg_buf *ret)
{
    int status = 0;
    must(sg_http_call(http, method, target, NULL, 0, body, &status, ret), target);
    must(status == 200 ? 0 : status, target);
}

static void attest(const struct client *c, struct sg_http_client *http)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT_SECRET(SG_CAS_GRANT_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf request = SG_BUF_INIT(SG_CAS_REQUEST_MAX);
    struct sg_cas_connection connection = {.spki = sg_buf_bytes(&c->spki)};
    struct sg_cas_request q = {.service = SG_BYTES_LIT("kvsd"), .kind = SG_BYTES_LIT("sim")};
    struct sg_cas_challenge challenge;
    uint8_t report_data[SG_TEE_REPORT_DATA_LEN];
    call(http, "POST", "/v1/attest/challenge", SG_BYTES_NONE, &b);
    must(sg_message_decode(&sg_cas_challenge_type, sg_buf_bytes(&b), &challenge), "challenge");
    must(sg_tls_export(sg_http_client_tls(http), SG_CAS_EXPORTER_LABEL, connection.exporter,
                       sizeof connection.exporter),
         "exporter");
    sg_cas_report_data(report_data, challenge.nonce, &connection, q.service);
    must(sg_tee_evidence(tee, report_data, &evidence), "evidence");
    memcpy(q.nonce, challenge.nonce, sizeof q.nonce);
    q.evidence = sg_buf_bytes(&evidence);
    q.spki = connection.spki;
    must(sg_message_encode(&sg_cas_request_type, &q, &request), "request");
    sg_buf_reset(&b);
    call(http, "POST", "/v1/attest", sg_buf_bytes(&request), &b);
}

static void one(const struct client *c)
{
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *http = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    const struct sg_http_client_options o = {.connect = address, .tls = c->tls};
    must(sg_http_client_new(&http, &o), "client");
    if (c->attests)
        attest(c, http);
    else
        call(http, "GET", "/v1/root", SG_BYTES_NONE, &b);
}

static void *run(void *user)
{
    struct client *c = user;
    while (sg_clock_monotonic_ns() < end_ns && c->n < LATENCIES_MAX) {
        int64_t before_ns = sg_clock_monotonic_ns();
        one(c);
        c->ms[c->n++] = (float)(sg_clock_monotonic_ns() - before_ns) / 1e6f;
    }
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    const float *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Rate of all clients; prints it with the 99th percentile. */
static double measure(const char *what, bool attests, unsigned seconds, unsigned n_clients)
{
    struct client *clients = calloc(n_clients, sizeof *clients);
    float *all = calloc((size_t)n_clients * LATENCIES_MAX, sizeof *all);
    size_t n = 0;
    for (unsigned i = 0; i < n_clients; i++)
        client_new(&clients[i], attests);
    int64_t before_ns = sg_clock_monotonic_ns(), cpu_ns = sg_clock_cpu_ns();
    end_ns = before_ns + (int64_t)seconds * 1000000000;
    for (unsigned i = 0; i < n_clients; i++)
        must(pthread_create(&clients[i].thread, NULL, run, &clients[i]), "thread");
    for (unsigned i = 0; i < n_clients; i++) {
        pthread_join(clients[i].thread, NULL);
        memcpy(all + n, clients[i].ms, clients[i].n * sizeof *all);
        n += clients[i].n;
    }
    double rate = (double)n / ((double)(sg_clock_monotonic_ns() - before_ns) / 1e9);
    double cpu_ms = (double)(sg_clock_cpu_ns() - cpu_ns) / 1e6 / (double)n;
    qsort(all, n, sizeof *all, by_size);
    printf("%-34s %8.0f /s   p50 %5.1f ms   p99 %5.1f ms   %5.2f ms of CPU, both ends\n", what,
           rate, (double)all[n / 2], (double)all[n * 99 / 100], cpu_ms);
    for (unsigned i = 0; i < n_clients; i++)
        client_free(&clients[i]);
    free(clients);
    free(all);
    return rate;
}

static void write_policy(const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(65536);
    const struct sg_cas_program self = {"kvsd", "/proc/self/exe"};
    must(sg_cas_policy_measure(&self, 1, NULL, &text), "policy");
    must(sg_file_write_atomic(path, sg_buf_bytes(&text), 0600), path);
}

static void start(const char *dir, struct sg_cas_server **ret)
{
    char platform[128], state[128], policy[128], pin[SG_CAS_PIN_LEN + 1];
    snprintf(platform, sizeof platform, "%s/platform", dir);
    snprintf(state, sizeof state, "%s/state", dir);
    snprintf(policy, sizeof policy, "%s/policy.yaml", dir);
    must(sg_sim_platform_create(platform), platform);
    must(sg_tee_provider_open(&tee, "sim", platform), platform);
    write_policy(policy);
    const struct sg_cas_init init = {.dir = state,
                                     .policy = policy,
                                     .tee = tee,
                                     .seal = SG_TEE_SEAL_MEASUREMENT,
                                     .sim_platform = platform};
    must(sg_cas_init(&init, pin), "init");
    const struct sg_cas_server_options o = {.dir = state,
                                            .tee = tee,
                                            .seal = SG_TEE_SEAL_MEASUREMENT,
                                            .listen = "127.0.0.1:0",
                                            .throttle_per_s = 1000000};
    must(sg_cas_server_start(ret, &o), "start");
    snprintf(address, sizeof address, "127.0.0.1:%u", sg_cas_server_port(*ret));
}

int main(int argc, char **argv)
{
    char dir[] = "/tmp/sg-bench-cas-XXXXXX";
    struct sg_cas_server *server = NULL;
    unsigned seconds = argc > 1 ? (unsigned)atoi(argv[1]) : 4;
    unsigned threads = argc > 2 ? (unsigned)atoi(argv[2]) : 6;
    sg_log_init("bench-cas", SG_LOG_ERROR);
    must(mkdtemp(dir) ? 0 : -errno, dir);
    start(dir, &server);
    double bound = measure("bare connections, mutual TLS", false, seconds, threads);
    double rate = measure("attest and release", true, seconds, threads);
    printf("ratio %.2f\n", rate / bound);
    sg_cas_server_free(server);
    sg_tee_provider_free(tee);
    return sg_remove_tree(dir) == 0 ? 0 : 2;
}
