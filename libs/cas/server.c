/* server - casd's HTTP side: routes, connection facts, answers, log lines. */
#include <sealgrid/base/clock.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/log.h>
#include <sealgrid/base/metrics.h>
#include <sealgrid/net/http.h>

#include <stdio.h>

#include "judge-int.h"
#include "service-int.h"

#define DEFAULT_PER_S  2000
#define DEFAULT_WARN_S (7 * 86400)
/* 30 s of nonces at the default rate: 4,000 + 30 * 2,000 / 3 < 65,536 */
#define NONCE_CAPACITY  65536
#define OWN_LIFE_S      86400
#define HEAD_TIMEOUT_MS 5000
#define IO_TIMEOUT_MS   5000
#define IDLE_TIMEOUT_MS 10000
#define STOP_GRACE_MS   2000
#define CBOR            "application/cbor"

struct sg_cas_server {
    struct sg_cas_service *service;
    struct sg_tls_ctx *tls;
    struct sg_http_server *http;
    unsigned workers;
    int64_t expires_s;
    struct sg_buf root; /* DER of the CA certificate, as served */
    struct sg_tee_provider *tee;
    pthread_mutex_t tee_mutex; /* evidence of our own: one at a time, who comes meanwhile is told */
    int64_t warn_s;
    int64_t expiry_s;    /* of the first collateral to end; INT64_MAX: none */
    int64_t announced_s; /* the end that was announced last */
};

static struct sg_metric metric_challenges = {.name = "sealgrid_casd_challenges_total",
                                             .help = "Nonces given out."};
static struct sg_metric metric_grants = {.name = "sealgrid_casd_grants_total",
                                         .help = "Identities and secrets granted."};
static struct sg_metric metric_refusals = {.name = "sealgrid_casd_refusals_total",
                                           .help = "Attestations refused by a named rule."};
static struct sg_metric metric_throttled = {.name = "sealgrid_casd_throttled_total",
                                            .help = "Requests turned away unread."};

static struct sg_metric metric_expiry = {
    .name = "sealgrid_casd_collateral_expiry_timestamp_seconds",
    .help = "When the first valid document of the collateral ends; 0: nothing ends.",
    .gauge = true};
static struct sg_metric metric_loads = {.name = "sealgrid_casd_collateral_loads_total",
                                        .help = "Collateral read and put in place."};

static struct sg_metric metric_superseded = {
    .name = "sealgrid_casd_collateral_superseded",
    .help = "Documents that are refused because a newer one of their subject was seen.",
    .gauge = true};

static pthread_once_t metrics_once = PTHREAD_ONCE_INIT;

static struct sg_cas_now now(void)
{
    return (struct sg_cas_now){.unix_s = sg_clock_unix_s(),
                               .mono_ms = sg_clock_monotonic_ns() / 1000000};
}

/* ---- one exchange ---- */

struct call {
    struct sg_cas_server *server;
    struct sg_http_exchange *x;
    struct sg_cas_now now;
};

static int reply_refusal(struct call *c, enum sg_cas_refusal r, const char *message)
{
    return sg_http_reply_error(c->x, sg_cas_refusal_status(r), sg_cas_refusal_name(r), message);
}

static int export_of(struct call *c, uint8_t ret[SG_CAS_EXPORTER_LEN])
{
    struct sg_tls *tls = sg_http_tls(c->x);
    if (!tls || !sg_tls_peer_cert(tls))
        return SG_CAS_REFUSAL_NO_KEY;
    return sg_tls_export(tls, SG_CAS_EXPORTER_LABEL, ret, SG_CAS_EXPORTER_LEN);
}

static int get_root(struct call *c)
{
    return sg_http_reply(c->x, 200, "application/pkix-cert", sg_buf_bytes(&c->server->root));
}

static int post_challenge(struct call *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf reply = SG_BUF_INIT(128);
    uint8_t exporter[SG_CAS_EXPORTER_LEN];
    int r = export_of(c, exporter);
    if (r == 0)
        r = sg_cas_service_challenge(c->server->service, exporter, c->now, &reply);
    if (r > 0)
        return reply_refusal(c, (enum sg_cas_refusal)r, "no nonce");
    if (r < 0)
        return r;
    sg_metric_add(&metric_challenges, 1);
    return sg_http_reply(c->x, 200, CBOR, sg_buf_bytes(&reply));
}

static void log_refusal(const struct sg_cas_finding *f, enum sg_cas_refusal r)
{
    char reasons[512];
    sg_cas_reasons_text(&f->reasons, reasons, sizeof reasons);
    sg_log(SG_LOG_WARN, "attestation.refused", SG_STR("reason", sg_cas_refusal_name(r)),
           SG_STR("service", f->service), SG_STR("kind", sg_tee_kind_name(f->claims.kind)),
           SG_STR("evidence", reasons),
           SG_HEX("measurement", SG_BYTES(f->claims.measurement, f->claims.measurement_len)),
           SG_HEX("key", SG_BYTES_ARRAY(f->key)));
}

static void log_grant(const struct sg_cas_finding *f)
{
    sg_log(SG_LOG_INFO, "attestation.granted", SG_STR("service", f->service),
           SG_STR("kind", sg_tee_kind_name(f->claims.kind)), SG_HEX("key", SG_BYTES_ARRAY(f->key)),
           SG_HEX("lease", SG_BYTES_ARRAY(f->lease)));
}

/* Body, judgement, answer. */
static int attest(struct call *c, const struct sg_cas_connection *connection)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(SG_CAS_REQUEST_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf reply = SG_BUF_INIT_SECRET(SG_CAS_GRANT_MAX);
    struct sg_cas_finding finding;
    int r = sg_http_read_all(c->x, SG_CAS_REQUEST_MAX, &body);
    if (r != 0)
        return r < 0 ? r : 0; /* a positive outcome was answered */
    c->now = now();           /* a body that dawdles does not stop the clock of its nonce */
    r = sg_cas_service_attest(c->server->service, connection, sg_buf_bytes(&body), c->now, &reply,
                              &finding);
    if (r < 0)
        return r;
    if (r > 0) {
        sg_metric_add(&metric_refusals, 1);
        if (finding.recorded) /* strangers must not fill the disk with lines either */
            log_refusal(&finding, (enum sg_cas_refusal)r);
        return reply_refusal(c, (enum sg_cas_refusal)r, "attestation refused");
    }
    sg_metric_add(&metric_grants, 1);
    log_grant(&finding);
    return sg_http_reply(c->x, 200, CBOR, sg_buf_bytes(&reply));
}

static int post_attest(struct call *c)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf spki = SG_BUF_INIT(1024);
    struct sg_cas_connection connection = {0};
    int r = export_of(c, connection.exporter);
    /* A kind of key that we do not certify is as good as none. */
    if (r == 0 && (sg_cert_public_key(sg_tls_peer_cert(sg_http_tls(c->x)), &key) < 0 ||
                   sg_key_type(key) != SG_KEY_P256 || sg_key_public_der(key, &spki) < 0))
        r = SG_CAS_REFUSAL_NO_KEY;
    if (r > 0)
        return reply_refusal(c, (enum sg_cas_refusal)r, "present a client certificate");
    if (r < 0)
        return r;
    connection.key = key;
    connection.spki = sg_buf_bytes(&spki);
    return attest(c, &connection);
}

/* ---- our own evidence ---- */

static int put_proof(struct call *c, const uint8_t nonce[SG_CAS_NONCE_LEN], struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf spki = SG_BUF_INIT(1024);
    struct sg_tee_provider *tee = c->server->tee;
    struct sg_cas_connection connection = {0};
    uint8_t report_data[SG_TEE_REPORT_DATA_LEN], ca[32];
    struct sg_tls *tls = sg_http_tls(c->x);
    int r = tls ? sg_tls_own_spki(tls, &spki) : sg_raise(-ENOTCONN);
    if (r == 0)
        r = sg_tls_export(tls, SG_CAS_EXPORTER_LABEL, connection.exporter, SG_CAS_EXPORTER_LEN);
    if (r < 0)
        return r;
    connection.spki = sg_buf_bytes(&spki);
    sg_cert_fingerprint(c->server->service->vault->ca_cert, ca);
    sg_cas_casd_report_data(report_data, nonce, &connection, ca);
    r = sg_tee_evidence(tee, report_data, &evidence);
    const struct sg_cas_proof proof = {
        .kind = sg_bytes_str(sg_tee_kind_name(sg_tee_provider_kind(tee))),
        .evidence = sg_buf_bytes(&evidence)};
    return r < 0 ? r : sg_message_encode(&sg_cas_proof_type, &proof, ret);
}

/* Real hardware may take seconds: a flood of askers occupies one worker, not all. */
static int post_casd(struct call *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(SG_CAS_QUESTION_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf reply = SG_BUF_INIT(SG_CAS_REQUEST_MAX);
    struct sg_cas_question question;
    int r = sg_http_read_all(c->x, SG_CAS_QUESTION_MAX, &body);
    if (r != 0)
        return r < 0 ? r : 0;
    if (sg_message_decode(&sg_cas_question_type, sg_buf_bytes(&body), &question) < 0)
        return reply_refusal(c, SG_CAS_REFUSAL_REQUEST_MALFORMED, "a nonce of 32 octets");
    if (pthread_mutex_trylock(&c->server->tee_mutex) != 0) {
        sg_metric_add(&metric_throttled, 1);
        return reply_refusal(c, SG_CAS_REFUSAL_THROTTLED, "evidence is being made; try again");
    }
    r = put_proof(c, question.nonce, &reply);
    pthread_mutex_unlock(&c->server->tee_mutex);
    return r < 0 ? r : sg_http_reply(c->x, 200, CBOR, sg_buf_bytes(&reply));
}

static int get_audit_head(struct call *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf reply = SG_BUF_INIT(256);
    int r = sg_cas_audit_head(c->server->service->audit, c->now.unix_s, &reply);
    return r < 0 ? r : sg_http_reply(c->x, 200, CBOR, sg_buf_bytes(&reply));
}

/* ---- the operator's ---- */

static bool query_number(struct call *c, const char *name, uint64_t *ret)
{
    const char *text = sg_http_query(c->x, name);
    char *end = NULL;
    if (!text || *text < '0' || *text > '9')
        return false;
    errno = 0;
    *ret = strtoull(text, &end, 10);
    return errno == 0 && *end == 0;
}

static int encode_path(struct sg_buf *ret, uint8_t (*path)[32], size_t n)
{
    int r = sg_cbor_put_array(ret, n);
    for (size_t i = 0; i < n && r == 0; i++)
        r = sg_cbor_put_bytes(ret, SG_BYTES(path[i], 32));
    return r;
}

/* ?index=I&size=N: audit path of record I in the tree of the first N, bottom up. */
static int get_audit_proof(struct call *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf reply = SG_BUF_INIT(4096);
    uint8_t path[SG_MERKLE_PATH_MAX][32];
    uint64_t index, size;
    size_t n = 0;
    if (!query_number(c, "index", &index) || !query_number(c, "size", &size) ||
        sg_cas_audit_path(c->server->service->audit, index, size, path, &n) < 0)
        return reply_refusal(c, SG_CAS_REFUSAL_REQUEST_MALFORMED,
                             "index and size: index < size <= records");
    int r = encode_path(&reply, path, n);
    return r < 0 ? r : sg_http_reply(c->x, 200, CBOR, sg_buf_bytes(&reply));
}

static int get_policy(struct call *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_CAS_POLICY_TEXT_MAX);
    char digest[65];
    int r = sg_cas_service_policy(c->server->service, &text, digest);
    if (r == 0)
        r = sg_http_add_header(c->x, "Sealgrid-Policy-Digest", digest);
    return r < 0 ? r : sg_http_reply(c->x, 200, "application/yaml", sg_buf_bytes(&text));
}

static void log_loaded(const struct sg_cas_collateral_report *report)
{
    const struct sg_tee_store_counts *n = &report->counts;
    sg_metric_add(&metric_loads, 1);
    sg_log(SG_LOG_INFO, "collateral.loaded", SG_UINT("roots", n->roots),
           SG_UINT("certificates", n->certificates), SG_UINT("crls", n->crls),
           SG_UINT("tcb_infos", n->tcb_infos), SG_UINT("identities", n->identities),
           SG_UINT("broken", n->broken), SG_UINT("unvouched", report->n_unmarked));
    sg_metric_set(&metric_superseded, (int64_t)report->n_superseded);
    if (report->n_superseded)
        sg_log(SG_LOG_WARN, "collateral.superseded", SG_UINT("documents", report->n_superseded),
               SG_STR("first", report->superseded),
               SG_STR("meaning", "a newer one was seen before: refused"));
    if (report->n_roots_added)
        sg_log(SG_LOG_WARN, "attestation.extra_roots", SG_UINT("roots", report->n_roots_added),
               SG_STR("meaning", "evidence under these roots of the configuration is trusted like "
                                 "a vendor's"));
    if (report->n_roots_refused)
        sg_log(SG_LOG_ERROR, "attestation.root_refused", SG_STR("path", report->root_refused),
               SG_STR("meaning", "production, and the policy does not name this root"));
}

static int update(struct call *c, struct sg_bytes yaml, const uint8_t predecessor[32])
{
    struct sg_cas_collateral_report loaded;
    struct sg_yaml_error e = {0};
    char message[sizeof e.text + 32] = "policy not taken";
    int r = sg_cas_service_update(c->server->service, yaml, predecessor, c->now, &e);
    if (r < 0)
        return r;
    if (r > 0) {
        if (r == SG_CAS_REFUSAL_POLICY_BAD)
            snprintf(message, sizeof message, "line %u: %s", e.line, e.text);
        sg_log(SG_LOG_WARN, "policy.refused",
               SG_STR("reason", sg_cas_refusal_name((enum sg_cas_refusal)r)));
        return reply_refusal(c, (enum sg_cas_refusal)r, message);
    }
    sg_log(SG_LOG_INFO, "policy.updated");
    sg_cas_service_loaded(c->server->service, &loaded);
    log_loaded(&loaded);
    return sg_http_reply(c->x, 204, NULL, SG_BYTES_NONE);
}

/* ?predecessor=HEX: SHA-256 of the policy that this one replaces. */
static int post_policy(struct call *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(SG_CAS_POLICY_TEXT_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf predecessor = SG_BUF_INIT(32);
    const char *hex = sg_http_query(c->x, "predecessor");
    if (!hex || sg_hex_decode(&predecessor, sg_bytes_str(hex)) < 0 || predecessor.len != 32)
        return reply_refusal(c, SG_CAS_REFUSAL_POLICY_PREDECESSOR, "?predecessor=<64 hex digits>");
    int r = sg_http_read_all(c->x, SG_CAS_POLICY_TEXT_MAX, &body);
    if (r != 0)
        return r < 0 ? r : 0;
    return update(c, sg_buf_bytes(&body), predecessor.data);
}

/* ---- routes ---- */

static const struct route {
    const char *method, *path;
    bool operator_only;
    int (*handle)(struct call *c);
} routes[] = {
    {"GET", "/v1/root", false, get_root},
    {"POST", "/v1/attest/challenge", false, post_challenge},
    {"POST", "/v1/attest", false, post_attest},
    {"POST", "/v1/attest/casd", false, post_casd},
    {"GET", "/v1/audit/head", false, get_audit_head},
    {"GET", "/v1/audit/proof", true, get_audit_proof},
    {"GET", "/v1/policy", true, get_policy},
    {"POST", "/v1/policy", true, post_policy},
};

static const struct route *find_route(const char *method, const char *path, bool *ret_known_path)
{
    *ret_known_path = false;
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(routes[i].path, path) != 0)
            continue;
        *ret_known_path = true;
        if (strcmp(routes[i].method, method) == 0)
            return &routes[i];
    }
    return NULL;
}

static int dispatch(struct call *c)
{
    bool known_path;
    const struct route *route = find_route(sg_http_method(c->x), sg_http_path(c->x), &known_path);
    uint8_t origin[SG_HTTP_ORIGIN_LEN];
    sg_http_origin(c->x, origin);
    int r = sg_cas_service_admit(c->server->service, origin, c->now);
    if (r > 0) {
        sg_metric_add(&metric_throttled, 1);
        return reply_refusal(c, (enum sg_cas_refusal)r, "too many requests; try again");
    }
    if (!route)
        return known_path ? sg_http_reply_error(c->x, 405, "method", "method not allowed")
                          : sg_http_reply_error(c->x, 404, "path", "no such thing");
    if (route->operator_only) {
        struct sg_tls *tls = sg_http_tls(c->x);
        r = sg_cas_service_operator(c->server->service, tls ? sg_tls_peer_cert(tls) : NULL, c->now);
        if (r != 0)
            return r < 0 ? r : reply_refusal(c, (enum sg_cas_refusal)r, "for the operator");
    }
    return route->handle(c);
}

static int handle(void *user, struct sg_http_exchange *x)
{
    struct call c = {.server = user, .x = x, .now = now()};
    return dispatch(&c); /* a failure is logged by the HTTP server */
}

/* ---- life ---- */

static int make_tls(struct sg_cas_server *s)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    const struct sg_cas_names names = {.service = "casd", .ip = "127.0.0.1", .dns = "localhost"};
    int64_t now_s = sg_clock_unix_s();
    int r = sg_key_generate(&key, SG_KEY_P256);
    if (r == 0)
        r = sg_cas_authority_issue(s->service->vault, &names, key, now_s, OWN_LIFE_S, &cert);
    if (r < 0)
        return r;
    /* Whoever has no identity yet must get in; the operator's is checked per request. */
    const struct sg_tls_identity id = {.cert = cert, .key = key};
    r = s->tls ? sg_tls_ctx_renew(s->tls, &id)
               : sg_tls_ctx_new(&s->tls, &id, true, SG_TLS_PEER_ANY);
    if (r == 0)
        s->expires_s = now_s + OWN_LIFE_S;
    return r;
}

static int listen_on(struct sg_cas_server *s, const char *address)
{
    const struct sg_http_server_options o = {.listen = address,
                                             .tls = s->tls,
                                             .workers = s->workers,
                                             .body_max = SG_CAS_POLICY_TEXT_MAX,
                                             .head_timeout_ms = HEAD_TIMEOUT_MS,
                                             .io_timeout_ms = IO_TIMEOUT_MS,
                                             .idle_timeout_ms = IDLE_TIMEOUT_MS};
    return sg_http_server_start(&s->http, &o, handle, s);
}

/* One origin's, of what all have together. */
static unsigned share_of(unsigned all)
{
    return all / 4 ? all / 4 : 1;
}

static int open_service(struct sg_cas_server *s, const struct sg_cas_server_options *o)
{
    unsigned rate = o->throttle_per_s ? o->throttle_per_s : DEFAULT_PER_S;
    unsigned burst = o->throttle_burst ? o->throttle_burst : 2 * rate;
    const unsigned origin_rate = o->origin_per_s ? o->origin_per_s : share_of(rate);
    const unsigned origin_burst = o->origin_burst ? o->origin_burst : share_of(burst);
    const struct sg_cas_limits limits = {.throttle_per_s = rate,
                                         .throttle_burst = burst,
                                         .nonces = NONCE_CAPACITY,
                                         .origin_per_s = origin_rate,
                                         .origin_burst = origin_burst};
    int r = sg_cas_service_open(&s->service, o->dir, o->tee, o->seal, &limits, now());
    return r ? r : sg_cert_der(s->service->vault->ca_cert, &s->root);
}

/* ---- collateral ---- */

/* Ends that came, once each; ends that come soon, once each. */
static void announce(struct sg_cas_server *s, int64_t now_s)
{
    int64_t next = sg_cas_collateral_next_expiry(s->service->collateral, now_s);
    if (s->expiry_s < now_s)
        sg_log(SG_LOG_ERROR, "collateral.expired", SG_INT("at_s", s->expiry_s));
    if (next != INT64_MAX && next - now_s <= s->warn_s && next != s->announced_s) {
        sg_log(SG_LOG_WARN, "collateral.expires", SG_INT("at_s", next),
               SG_INT("left_s", next - now_s));
        s->announced_s = next;
    }
    s->expiry_s = next;
    sg_metric_set(&metric_expiry, next == INT64_MAX ? 0 : next);
}

void sg_cas_server_tend(struct sg_cas_server *s)
{
    struct sg_cas_collateral_report report;
    bool loaded = false;
    int r = sg_cas_service_refresh(s->service, &loaded, &report);
    if (r < 0)
        sg_log_failure("collateral.failed", r); /* what is in place serves on */
    else if (loaded)
        log_loaded(&report);
    announce(s, sg_clock_unix_s());
}

static int open_collateral(struct sg_cas_server *s, const struct sg_cas_server_options *o)
{
    const struct sg_cas_collateral_options co = {.folders = o->tee_collateral,
                                                 .n_folders = o->n_tee_collateral,
                                                 .roots = o->tee_roots,
                                                 .n_roots = o->n_tee_roots};
    struct sg_cas_collateral *c = NULL;
    struct sg_cas_collateral_report report;
    int r = sg_cas_collateral_new(&c, &co);
    if (r == 0)
        r = sg_cas_service_set_collateral(s->service, c, &report);
    if (r != 0)
        return r;
    s->warn_s = o->tee_warn_s ? o->tee_warn_s : DEFAULT_WARN_S;
    s->expiry_s = INT64_MAX;
    log_loaded(&report);
    announce(s, sg_clock_unix_s());
    return 0;
}

/* ---- start ---- */

static void register_metrics(void)
{
    sg_metric_register(&metric_challenges);
    sg_metric_register(&metric_grants);
    sg_metric_register(&metric_refusals);
    sg_metric_register(&metric_throttled);
    sg_metric_register(&metric_expiry);
    sg_metric_register(&metric_loads);
    sg_metric_register(&metric_superseded);
}

int sg_cas_server_start(struct sg_cas_server **ret, const struct sg_cas_server_options *o)
{
    SG_CLEANUP(sg_cas_server_freep) struct sg_cas_server *s = calloc(1, sizeof *s);
    if (!s)
        return sg_raise(-ENOMEM);
    pthread_once(&metrics_once, register_metrics);
    s->root = (struct sg_buf)SG_BUF_INIT(8192);
    s->workers = o->workers;
    s->tee = o->tee;
    pthread_mutex_init(&s->tee_mutex, NULL);
    if (sg_tee_provider_kind(o->tee) == SG_TEE_SIM)
        sg_log(SG_LOG_WARN, "attestation.simulated", SG_STR("service", "casd"),
               SG_STR("meaning", "the trusted environment is simulated: state and secrets are "
                                 "protected from nobody who can read the platform folder"));
    int r = open_service(s, o);
    if (r == 0)
        r = open_collateral(s, o);
    if (r == 0)
        r = make_tls(s);
    if (r == 0)
        r = listen_on(s, o->listen);
    if (r == 0)
        *ret = TAKE_PTR(s);
    return r;
}

uint16_t sg_cas_server_port(const struct sg_cas_server *s)
{
    return sg_http_server_port(s->http);
}

int64_t sg_cas_server_expires_s(const struct sg_cas_server *s)
{
    return s->expires_s;
}

int sg_cas_server_renew(struct sg_cas_server *s)
{
    return make_tls(s);
}

void sg_cas_server_free(struct sg_cas_server *s)
{
    if (!s)
        return;
    if (s->http)
        sg_http_server_stop(s->http, STOP_GRACE_MS);
    sg_http_server_free(s->http);
    sg_tls_ctx_free(s->tls);
    sg_cas_service_free(s->service);
    sg_buf_clear(&s->root);
    pthread_mutex_destroy(&s->tee_mutex);
    free(s);
}
