/*
 * casd and its client over loopback TLS: the honest way, the wrong casd, and attackers with real
 * connections.
 */
#include "test-cas-int.h"
/* cmocka first */
#include <sealgrid/base/clock.h>
#include <sealgrid/base/log.h>
#include <sealgrid/cas/identity.h>
#include <sealgrid/net/http.h>
#include <time.h>

struct fixture {
    struct world w;
    struct sg_cas_server *server;
    char address[32];
};

static void start_server(struct fixture *f)
{
    const struct sg_cas_server_options o = {.dir = f->w.state,
                                            .tee = f->w.tee,
                                            .seal = SG_TEE_SEAL_MEASUREMENT,
                                            .listen = "127.0.0.1:0",
                                            .workers = 4};
    assert_int_equal(sg_cas_server_start(&f->server, &o), 0);
    snprintf(f->address, sizeof f->address, "127.0.0.1:%u", sg_cas_server_port(f->server));
}

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    world_init(&f.w);
    start_server(&f);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    sg_cas_server_free(f->server);
    world_clear(&f->w);
    return 0;
}

static struct sg_cas_bootstrap options(const struct fixture *f, const char *service)
{
    return (struct sg_cas_bootstrap){.connect = f->address,
                                     .pin_hex = f->w.pin,
                                     .service = service,
                                     .provider = "sim",
                                     .sim_platform = f->w.platform};
}

static void bootstrap(const struct fixture *f, const char *service, struct sg_cas_grant *ret)
{
    struct sg_cas_bootstrap o = options(f, service);
    assert_int_equal(sg_cas_bootstrap(&o, ret), 0);
}

#define GRANT(name) SG_CLEANUP(sg_cas_grant_clear) struct sg_cas_grant name = {0}

/* ---- the honest way ---- */

static void test_a_service_bootstraps(void **state)
{
    struct fixture *f = *state;
    GRANT(g);
    char uri[128];
    bootstrap(f, "alpha", &g);
    sg_cert_uri(g.cert, uri, sizeof uri);
    assert_string_equal(uri, "spiffe://sealgrid/alpha");
    assert_int_equal(g.n_secrets, 5);
    assert_int_equal(sg_cas_secret(&g, "kek/metering/1")->len, 32);
    assert_null(sg_cas_secret(&g, "api-key/reader"));
    int64_t now_s = sg_clock_unix_s();
    assert_true(g.expires_s > now_s + 86000 && g.expires_s <= now_s + 86400);
    assert_true(sg_cas_renew_at(&g) > now_s + 50000 && sg_cas_renew_at(&g) < g.expires_s);
}

static void test_every_bootstrap_gets_another_key_and_lease(void **state)
{
    struct fixture *f = *state;
    GRANT(a);
    GRANT(b);
    uint8_t x[64], y[64];
    bootstrap(f, "alpha", &a);
    bootstrap(f, "alpha", &b);
    assert_memory_not_equal(a.lease, b.lease, sizeof a.lease);
    assert_int_equal(sg_key_p256_xy(a.key, x), 0);
    assert_int_equal(sg_key_p256_xy(b.key, y), 0);
    assert_memory_not_equal(x, y, sizeof x);
    const struct sg_secret *s = sg_cas_secret(&a, "kek/metering/1");
    const struct sg_secret *t = sg_cas_secret(&b, "kek/metering/1");
    assert_true(sg_secret_equal(sg_secret_bytes(s), sg_secret_bytes(t)));
}

/* Thread, casd and all: what expired is replaced without anybody asking. */
static void test_an_identity_renews_itself(void **state)
{
    struct fixture *f = *state;
    GRANT(stale);
    SG_CLEANUP(sg_cas_identity_freep) struct sg_cas_identity *i = NULL;
    const struct timespec moment = {.tv_nsec = 1000000};
    int64_t now_s = sg_clock_unix_s();
    const struct sg_cert_request req = {
        .common_name = "x", .not_before_s = now_s - 7200, .not_after_s = now_s - 1};
    assert_int_equal(sg_key_generate(&stale.key, SG_KEY_P256), 0);
    assert_int_equal(sg_cert_issue(&stale.cert, &req, stale.key, NULL, stale.key), 0);
    assert_int_equal(sg_cert_issue(&stale.root, &req, stale.key, NULL, stale.key), 0);
    const struct sg_cas_bootstrap o = options(f, "alpha");
    assert_int_equal(sg_cas_identity_new(&i, &o, &stale, SG_TLS_PEER_REQUIRED), 0);
    int64_t until_ns = sg_clock_monotonic_ns() + 30000000000;
    while (sg_cas_identity_generation(i) == 0 && sg_clock_monotonic_ns() < until_ns)
        nanosleep(&moment, NULL);
    assert_int_equal(sg_cas_identity_generation(i), 1);
}

static int answer_who(void *user, struct sg_http_exchange *x)
{
    (void)user;
    return sg_http_reply(x, 200, "text/plain", sg_bytes_str(sg_tls_peer_uri(sg_http_tls(x))));
}

/* What the identities are for. */
static void test_two_granted_services_talk_over_mutual_tls(void **state)
{
    struct fixture *f = *state;
    GRANT(server);
    GRANT(client);
    SG_CLEANUP(sg_tls_ctx_freep) struct sg_tls_ctx *server_tls = NULL;
    SG_CLEANUP(sg_tls_ctx_freep) struct sg_tls_ctx *client_tls = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(128);
    struct sg_http_server *http = NULL;
    struct sg_http_client *caller = NULL;
    char address[32];
    int status = 0;
    bootstrap(f, "alpha", &server);
    bootstrap(f, "beta", &client);
    assert_int_equal(sg_cas_tls(&server, true, SG_TLS_PEER_REQUIRED, &server_tls), 0);
    assert_int_equal(sg_cas_tls(&client, false, SG_TLS_PEER_REQUIRED, &client_tls), 0);
    const struct sg_http_server_options so = {
        .listen = "127.0.0.1:0", .tls = server_tls, .workers = 1};
    assert_int_equal(sg_http_server_start(&http, &so, answer_who, NULL), 0);
    snprintf(address, sizeof address, "127.0.0.1:%u", sg_http_server_port(http));
    const struct sg_http_client_options co = {
        .connect = address, .tls = client_tls, .expect_uri = "spiffe://sealgrid/alpha"};
    assert_int_equal(sg_http_client_new(&caller, &co), 0);
    assert_int_equal(sg_http_call(caller, "GET", "/", NULL, 0, SG_BYTES_NONE, &status, &body), 0);
    assert_int_equal(status, 200);
    assert_true(sg_bytes_equal(sg_buf_bytes(&body), SG_BYTES_LIT("spiffe://sealgrid/beta")));
    sg_http_client_free(caller);
    sg_http_server_stop(http, 0);
    sg_http_server_free(http);
}

static void test_refusal_is_named_to_the_service(void **state)
{
    struct fixture *f = *state;
    GRANT(g);
    struct sg_cas_bootstrap o = options(f, "gamma");
    o.retry_ms = 60000; /* no second try helps: comes back at once */
    assert_int_equal(sg_cas_bootstrap(&o, &g), SG_CAS_REFUSED);
    assert_non_null(strstr(sg_error_trace(), "measurement-unknown"));
    assert_null(g.cert);
}

static void expect_the_fourth_throttled(struct fixture *f, unsigned burst, unsigned origin_burst)
{
    GRANT(first);
    GRANT(second);
    sg_cas_server_free(f->server);
    f->server = NULL;
    const struct sg_cas_server_options so = {.dir = f->w.state,
                                             .tee = f->w.tee,
                                             .seal = SG_TEE_SEAL_MEASUREMENT,
                                             .listen = "127.0.0.1:0",
                                             .workers = 2,
                                             .throttle_per_s = 1,
                                             .throttle_burst = burst,
                                             .origin_per_s = 1,
                                             .origin_burst = origin_burst};
    assert_int_equal(sg_cas_server_start(&f->server, &so), 0);
    snprintf(f->address, sizeof f->address, "127.0.0.1:%u", sg_cas_server_port(f->server));
    bootstrap(f, "alpha", &first); /* three requests */
    struct sg_cas_bootstrap o = options(f, "alpha");
    assert_int_equal(sg_cas_bootstrap(&o, &second), SG_CAS_REFUSED);
    assert_non_null(strstr(sg_error_trace(), "429 throttled"));
}

static void test_the_fourth_request_of_strangers_is_throttled(void **state)
{
    expect_the_fourth_throttled(*state, 3, 100);
}

static void test_the_fourth_request_of_one_address_is_throttled(void **state)
{
    expect_the_fourth_throttled(*state, 100, 3);
}

/* ---- the wrong casd ---- */

static void test_another_pin_is_untrusted(void **state)
{
    struct fixture *f = *state;
    GRANT(g);
    struct sg_cas_bootstrap o = options(f, "alpha");
    f->w.pin[0] = f->w.pin[0] == '0' ? '1' : '0';
    assert_int_equal(sg_cas_bootstrap(&o, &g), SG_CAS_UNTRUSTED);
    f->w.pin[1] = 'x';
    assert_int_equal(sg_cas_bootstrap(&o, &g), -EINVAL);
}

struct impostor {
    struct sg_buf root;
    unsigned asked; /* requests after /v1/root */
};

static int answer_as_casd(void *user, struct sg_http_exchange *x)
{
    struct impostor *i = user;
    if (strcmp(sg_http_path(x), "/v1/root") != 0)
        i->asked++;
    return sg_http_reply(x, 200, "application/pkix-cert", sg_buf_bytes(&i->root));
}

/*
 * Serves the true CA certificate under the given certificate, in the place of casd: the pin alone
 * fits.  The client must stop before it asks for a nonce.
 */
static void assert_impostor_is_seen(struct fixture *f, const struct sg_cert *cert,
                                    const struct sg_key *key, const struct sg_cert *root)
{
    SG_CLEANUP(sg_tls_ctx_freep) struct sg_tls_ctx *tls = NULL;
    GRANT(g);
    struct impostor impostor = {.root = SG_BUF_INIT(8192)};
    struct sg_http_server *http = NULL;
    const struct sg_tls_identity id = {.cert = cert, .key = key};
    assert_int_equal(sg_cert_der(root, &impostor.root), 0);
    assert_int_equal(sg_tls_ctx_new(&tls, &id, true, SG_TLS_PEER_ANY), 0);
    const struct sg_http_server_options so = {.listen = "127.0.0.1:0", .tls = tls, .workers = 1};
    assert_int_equal(sg_http_server_start(&http, &so, answer_as_casd, &impostor), 0);
    struct sg_cas_bootstrap o = options(f, "alpha");
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", sg_http_server_port(http));
    o.connect = address;
    assert_int_equal(sg_cas_bootstrap(&o, &g), SG_CAS_UNTRUSTED);
    assert_int_equal(impostor.asked, 0);
    sg_http_server_stop(http, 0);
    sg_http_server_free(http);
    sg_buf_clear(&impostor.root);
}

static void test_an_impostor_with_its_own_certificate(void **state)
{
    struct fixture *f = *state;
    GRANT(g);
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    int64_t now_s = sg_clock_unix_s();
    struct sg_cert_request req = {.common_name = "casd",
                                  .uri = SG_CAS_URI,
                                  .not_before_s = now_s - 60,
                                  .not_after_s = now_s + 3600,
                                  .server = true};
    bootstrap(f, "alpha", &g);
    assert_int_equal(sg_key_generate(&key, SG_KEY_P256), 0);
    assert_int_equal(sg_cert_issue(&cert, &req, key, NULL, key), 0);
    assert_impostor_is_seen(f, cert, key, g.root);
}

/* A service of the same CA is still not casd. */
static void test_an_impostor_with_the_certificate_of_another_service(void **state)
{
    struct fixture *f = *state;
    GRANT(g);
    bootstrap(f, "alpha", &g);
    assert_impostor_is_seen(f, g.cert, g.key, g.root);
}

/* ---- attackers ---- */

/* A connection with a key of its own, doing what it likes. */
struct attacker {
    struct sg_key *key;
    struct sg_cert *cert;
    struct sg_tls_ctx *tls;
    struct sg_http_client *http;
    struct sg_buf spki;
    struct sg_cas_connection connection;
};

static void attacker_clear(struct attacker *a)
{
    sg_http_client_free(a->http);
    sg_tls_ctx_free(a->tls);
    sg_cert_free(a->cert);
    sg_key_free(a->key);
    sg_buf_clear(&a->spki);
}

static void attacker_with(struct attacker *a, const struct fixture *f, enum sg_key_type type)
{
    int64_t now_s = sg_clock_unix_s();
    struct sg_cert_request req = {
        .common_name = "x", .not_before_s = now_s - 60, .not_after_s = now_s + 3600};
    *a = (struct attacker){.spki = SG_BUF_INIT(1024)};
    assert_int_equal(sg_key_generate(&a->key, type), 0);
    assert_int_equal(sg_key_public_der(a->key, &a->spki), 0);
    assert_int_equal(sg_cert_issue(&a->cert, &req, a->key, NULL, a->key), 0);
    const struct sg_tls_identity id = {.cert = a->cert, .key = a->key};
    assert_int_equal(sg_tls_ctx_new(&a->tls, &id, false, SG_TLS_PEER_ANY), 0);
    const struct sg_http_client_options o = {.connect = f->address, .tls = a->tls};
    assert_int_equal(sg_http_client_new(&a->http, &o), 0);
    assert_int_equal(sg_http_client_connect(a->http), 0);
    a->connection.spki = sg_buf_bytes(&a->spki);
    assert_int_equal(sg_tls_export(sg_http_client_tls(a->http), SG_CAS_EXPORTER_LABEL,
                                   a->connection.exporter, sizeof a->connection.exporter),
                     0);
}

#define ATTACKER(name)                                                                             \
    SG_CLEANUP(attacker_clear) struct attacker name;                                               \
    attacker_with(&name, f, SG_KEY_P256)

static void get_nonce(struct attacker *a, uint8_t ret[SG_CAS_NONCE_LEN])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1024);
    struct sg_cas_challenge c;
    int status = 0;
    assert_int_equal(
        sg_http_call(a->http, "POST", "/v1/attest/challenge", NULL, 0, SG_BYTES_NONE, &status, &b),
        0);
    assert_int_equal(status, 200);
    assert_int_equal(sg_message_decode(&sg_cas_challenge_type, sg_buf_bytes(&b), &c), 0);
    assert_int_equal(c.lifetime_ms, 30000);
    memcpy(ret, c.nonce, sizeof c.nonce);
}

/* Evidence made over `made_on`, presented by a. */
static int present(struct fixture *f, struct attacker *a, const struct sg_cas_connection *made_on,
                   const uint8_t nonce[SG_CAS_NONCE_LEN], char *ret_body, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf request = SG_BUF_INIT(SG_CAS_REQUEST_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(65536);
    uint8_t report_data[SG_TEE_REPORT_DATA_LEN];
    struct sg_cas_request q = {.service = SG_BYTES_LIT("alpha"),
                               .kind = SG_BYTES_LIT("sim"),
                               .spki = sg_buf_bytes(&a->spki)};
    int status = 0;
    sg_cas_report_data(report_data, nonce, made_on, q.service);
    assert_int_equal(sg_tee_evidence(f->w.tee, report_data, &evidence), 0);
    memcpy(q.nonce, nonce, sizeof q.nonce);
    q.evidence = sg_buf_bytes(&evidence);
    assert_int_equal(sg_message_encode(&sg_cas_request_type, &q, &request), 0);
    assert_int_equal(sg_http_call(a->http, "POST", "/v1/attest", NULL, 0, sg_buf_bytes(&request),
                                  &status, &body),
                     0);
    snprintf(ret_body, size, "%.*s", (int)body.len, (const char *)body.data);
    return status;
}

static void test_relay_over_real_connections(void **state)
{
    struct fixture *f = *state;
    ATTACKER(attacker);
    ATTACKER(victim);
    uint8_t nonce[SG_CAS_NONCE_LEN];
    char body[512];
    get_nonce(&attacker, nonce);
    assert_int_equal(present(f, &attacker, &victim.connection, nonce, body, sizeof body), 403);
    assert_non_null(strstr(body, "\"evidence-relayed\""));
}

static void test_nonce_over_another_real_connection(void **state)
{
    struct fixture *f = *state;
    ATTACKER(one);
    ATTACKER(two);
    uint8_t nonce[SG_CAS_NONCE_LEN];
    char body[512];
    get_nonce(&one, nonce);
    assert_int_equal(present(f, &two, &two.connection, nonce, body, sizeof body), 403);
    assert_non_null(strstr(body, "\"nonce-foreign-connection\""));
}

static void test_replay_over_a_real_connection(void **state)
{
    struct fixture *f = *state;
    ATTACKER(a);
    uint8_t nonce[SG_CAS_NONCE_LEN];
    char body[512];
    get_nonce(&a, nonce);
    assert_int_equal(present(f, &a, &a.connection, nonce, body, sizeof body), 200);
    assert_int_equal(present(f, &a, &a.connection, nonce, body, sizeof body), 403);
    assert_non_null(strstr(body, "\"nonce-replayed\""));
}

/* Only P-256 keys are certified. */
static void test_an_rsa_key_is_not_certified(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(attacker_clear) struct attacker a;
    uint8_t nonce[SG_CAS_NONCE_LEN];
    char body[512];
    attacker_with(&a, f, SG_KEY_RSA2048);
    get_nonce(&a, nonce);
    assert_int_equal(present(f, &a, &a.connection, nonce, body, sizeof body), 403);
    assert_non_null(strstr(body, "\"client-key-missing\""));
}

static int get(struct sg_http_client *http, const char *method, const char *target,
               struct sg_bytes body, struct sg_buf *ret)
{
    int status = 0;
    sg_buf_reset(ret);
    assert_int_equal(sg_http_call(http, method, target, NULL, 0, body, &status, ret), 0);
    return status;
}

static void test_a_client_without_a_key_gets_no_nonce(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_tls_ctx_freep) struct sg_tls_ctx *tls = NULL;
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *http = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(4096);
    const struct sg_tls_identity nobody = {0};
    assert_int_equal(sg_tls_ctx_new(&tls, &nobody, false, SG_TLS_PEER_ANY), 0);
    const struct sg_http_client_options o = {.connect = f->address, .tls = tls};
    assert_int_equal(sg_http_client_new(&http, &o), 0);
    assert_int_equal(get(http, "POST", "/v1/attest/challenge", SG_BYTES_NONE, &body), 403);
    assert_int_equal(get(http, "GET", "/v1/root", SG_BYTES_NONE, &body), 200);
    assert_int_equal(get(http, "GET", "/v1/policy", SG_BYTES_NONE, &body), 403);
    assert_int_equal(get(http, "GET", "/v1/attest", SG_BYTES_NONE, &body), 405);
    assert_int_equal(get(http, "GET", "/v1/secrets", SG_BYTES_NONE, &body), 404);
}

/* ---- the operator and the log ---- */

static void call_as(const struct fixture *f, const char *service, struct sg_tls_ctx **ret_tls,
                    struct sg_http_client **ret)
{
    GRANT(g);
    bootstrap(f, service, &g);
    assert_int_equal(sg_cas_tls(&g, false, SG_TLS_PEER_REQUIRED, ret_tls), 0);
    const struct sg_http_client_options o = {
        .connect = f->address, .tls = *ret_tls, .expect_uri = SG_CAS_URI};
    assert_int_equal(sg_http_client_new(ret, &o), 0);
}

static void test_the_operator_replaces_the_policy(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_tls_ctx_freep) struct sg_tls_ctx *tls = NULL;
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *http = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(8192);
    char text[4096], target[128], hex[65];
    uint8_t digest[32];
    call_as(f, "operator", &tls, &http);
    assert_int_equal(get(http, "GET", "/v1/policy", SG_BYTES_NONE, &body), 200);
    sg_sha256(digest, sg_buf_bytes(&body));
    sg_hex(hex, digest, sizeof digest);
    snprintf(target, sizeof target, "/v1/policy?predecessor=%s", hex);
    policy_text(2, "", text, sizeof text);
    assert_int_equal(get(http, "POST", target, SG_BYTES_LIT("version: x"), &body), 400);
    assert_int_equal(get(http, "POST", target, sg_bytes_str(text), &body), 204);
    assert_int_equal(get(http, "POST", target, sg_bytes_str(text), &body), 409);
    assert_int_equal(get(http, "GET", "/v1/policy", SG_BYTES_NONE, &body), 200);
    assert_true(sg_bytes_equal(sg_buf_bytes(&body), sg_bytes_str(text)));
}

static void test_a_service_is_no_operator(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_tls_ctx_freep) struct sg_tls_ctx *tls = NULL;
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *http = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(8192);
    call_as(f, "alpha", &tls, &http);
    assert_int_equal(get(http, "GET", "/v1/policy", SG_BYTES_NONE, &body), 403);
    assert_int_equal(get(http, "GET", "/v1/audit/proof?index=0&size=1", SG_BYTES_NONE, &body), 403);
}

static void load_audit_key(const struct fixture *f, struct sg_key **ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(1024);
    char path[160];
    snprintf(path, sizeof path, "%s/public/audit.pub", f->w.state);
    assert_int_equal(sg_file_read(path, &der), 0);
    assert_int_equal(sg_key_load_public(ret, sg_buf_bytes(&der)), 0);
}

/* The log's records as a stranger reads them from the file: leaf hashes by index. */
static size_t read_leaves(const struct fixture *f, uint8_t (*ret)[32], size_t max)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf log = SG_BUF_INIT(1 << 20);
    struct sg_cas_replay replay;
    struct sg_cas_record record;
    char path[160];
    size_t n = 0, len;
    sg_merkle_init(&replay.tree);
    snprintf(path, sizeof path, "%s/audit.log", f->w.state);
    assert_int_equal(sg_file_read(path, &log), 0);
    struct sg_reader in = sg_reader_over(sg_buf_bytes(&log));
    while (in.left && n < max)
        assert_int_equal(sg_cas_frame_take(&replay, &in, &record, ret[n++], &len), 0);
    return n;
}

static void test_head_is_signed_and_proofs_lead_to_it(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_tls_ctx_freep) struct sg_tls_ctx *tls = NULL;
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *http = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    struct sg_cas_head head;
    uint8_t leaves[64][32], path[64][32];
    char target[96];
    call_as(f, "operator", &tls, &http);
    for (int i = 0; i < 5; i++) {
        GRANT(g);
        bootstrap(f, "beta", &g);
    }
    assert_int_equal(get(http, "GET", "/v1/audit/head", SG_BYTES_NONE, &body), 200);
    assert_int_equal(sg_message_decode(&sg_cas_head_type, sg_buf_bytes(&body), &head), 0);
    load_audit_key(f, &key);
    assert_int_equal(sg_cas_head_verify(&head, key), 0);
    assert_int_equal(read_leaves(f, leaves, 64), head.size);
    for (uint64_t i = 0; i < head.size; i++) {
        snprintf(target, sizeof target, "/v1/audit/proof?index=%u&size=%u", (unsigned)i,
                 (unsigned)head.size);
        assert_int_equal(get(http, "GET", target, SG_BYTES_NONE, &body), 200);
        struct sg_reader in = sg_reader_over(sg_buf_bytes(&body));
        struct sg_bytes node;
        uint64_t n;
        assert_int_equal(sg_cbor_get_array(&in, &n), 0);
        for (uint64_t k = 0; k < n; k++) {
            assert_int_equal(sg_cbor_get_bytes(&in, &node), 0);
            memcpy(path[k], node.data, 32);
        }
        assert_int_equal(
            sg_merkle_check_path(head.root, leaves[i], i, head.size, (const uint8_t(*)[32])path, n),
            0);
    }
    head.size++;
    assert_int_equal(sg_cas_head_verify(&head, key), SG_VERIFY_BAD);
}

/* ---- life ---- */

static void test_secrets_survive_a_restart(void **state)
{
    struct fixture *f = *state;
    GRANT(before);
    GRANT(after);
    bootstrap(f, "alpha", &before);
    sg_cas_server_free(f->server);
    f->server = NULL;
    start_server(f);
    bootstrap(f, "alpha", &after);
    const struct sg_secret *a = sg_cas_secret(&before, "kek/metering/1");
    const struct sg_secret *b = sg_cas_secret(&after, "kek/metering/1");
    assert_true(sg_secret_equal(sg_secret_bytes(a), sg_secret_bytes(b)));
    assert_memory_not_equal(before.lease, after.lease, sizeof before.lease);
}

/* A connection of before the renewal goes on, a bootstrap after it trusts the new certificate. */
static void test_renewal_closes_nothing(void **state)
{
    struct fixture *f = *state;
    GRANT(g);
    ATTACKER(a);
    uint8_t nonce[SG_CAS_NONCE_LEN];
    SG_CLEANUP(sg_buf_clear) struct sg_buf before = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_buf_clear) struct sg_buf after = SG_BUF_INIT(8192);
    assert_int_equal(sg_cert_der(sg_tls_peer_cert(sg_http_client_tls(a.http)), &before), 0);
    assert_int_equal(sg_cas_server_renew(f->server), 0);
    get_nonce(&a, nonce);
    bootstrap(f, "alpha", &g);
    ATTACKER(b);
    assert_int_equal(sg_cert_der(sg_tls_peer_cert(sg_http_client_tls(b.http)), &after), 0);
    assert_false(sg_bytes_equal(sg_buf_bytes(&before), sg_buf_bytes(&after)));
}

static void test_no_casd_is_a_failure_after_retrying(void **state)
{
    struct fixture *f = *state;
    GRANT(g);
    struct sg_cas_bootstrap o = options(f, "alpha");
    sg_cas_server_free(f->server);
    f->server = NULL;
    o.retry_ms = 100;
    int64_t before_ns = sg_clock_monotonic_ns();
    assert_int_equal(sg_cas_bootstrap(&o, &g), -ECONNREFUSED);
    assert_true(sg_clock_monotonic_ns() - before_ns < 2000000000);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_service_bootstraps),
        TEST(test_every_bootstrap_gets_another_key_and_lease),
        TEST(test_an_identity_renews_itself),
        TEST(test_two_granted_services_talk_over_mutual_tls),
        TEST(test_refusal_is_named_to_the_service),
        TEST(test_the_fourth_request_of_strangers_is_throttled),
        TEST(test_the_fourth_request_of_one_address_is_throttled),
        TEST(test_another_pin_is_untrusted),
        TEST(test_an_impostor_with_its_own_certificate),
        TEST(test_an_impostor_with_the_certificate_of_another_service),
        TEST(test_relay_over_real_connections),
        TEST(test_nonce_over_another_real_connection),
        TEST(test_replay_over_a_real_connection),
        TEST(test_an_rsa_key_is_not_certified),
        TEST(test_a_client_without_a_key_gets_no_nonce),
        TEST(test_the_operator_replaces_the_policy),
        TEST(test_a_service_is_no_operator),
        TEST(test_head_is_signed_and_proofs_lead_to_it),
        TEST(test_secrets_survive_a_restart),
        TEST(test_renewal_closes_nothing),
        TEST(test_no_casd_is_a_failure_after_retrying),
    };
    sg_log_init("test_server", SG_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
