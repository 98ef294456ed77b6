#include <sealgrid/base/clock.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/log.h>
#include <sealgrid/base/random.h>
#include <sealgrid/net/http.h>

#include <stdio.h>
#include <time.h>

#include "expect-int.h"

#define CONNECT_TIMEOUT_MS 5000
#define IO_TIMEOUT_MS      15000
#define OWN_CERT_LIFE_S    3600 /* of the self-signed one; only its key counts */
#define CLOCK_SKEW_S       86400
#define PAUSE_FIRST_MS     20
#define PAUSE_MAX_MS       1000
#define REASON_MAX         48

/* One attempt: one connection, one key. */
struct attempt {
    const struct sg_cas_bootstrap *o;
    struct sg_tee_provider *tee;
    struct sg_key *key;
    struct sg_cert *self_signed;
    struct sg_tls_ctx *tls;
    struct sg_http_client *http;
    struct sg_buf spki;
    struct sg_cert *root;              /* pinned */
    struct sg_cas_connection verified; /* of the connection on which casd was recognised */
    bool again;                        /* the outcome may be another one later */
};

static void attempt_clear(struct attempt *a)
{
    sg_http_client_free(a->http);
    sg_tls_ctx_free(a->tls);
    sg_cert_free(a->self_signed);
    sg_cert_free(a->root);
    sg_key_free(a->key);
    sg_buf_clear(&a->spki);
}

static int untrusted(const char *why)
{
    return sg_cas_traced(sg_raisef(-EACCES, "casd is not the pinned one: %s", why),
                         SG_CAS_UNTRUSTED);
}

/* ---- calls ---- */

/* The machine code of {"error":{"code":"...",...}}; casd has been recognised, so a plain search
 * does. */
static void error_code(struct sg_bytes body, char ret[REASON_MAX])
{
    static const char key[] = "\"code\":\"";
    const uint8_t *at = body.len ? memmem(body.data, body.len, key, sizeof key - 1) : NULL;
    size_t n = 0;
    if (at) {
        at += sizeof key - 1;
        size_t left = body.len - (size_t)(at - body.data);
        while (n < left && n < REASON_MAX - 1 && ((at[n] >= 'a' && at[n] <= 'z') || at[n] == '-'))
            n++;
        memcpy(ret, at, n);
    }
    ret[n] = 0;
}

/* 200 or an outcome; the answer is in *ret. */
static int call(struct attempt *a, const char *method, const char *target, struct sg_bytes body,
                struct sg_buf *ret)
{
    const struct sg_http_field type = {"Content-Type", "application/cbor"};
    char reason[REASON_MAX];
    int status = 0;
    int r = sg_http_call(a->http, method, target, &type, body.len ? 1 : 0, body, &status, ret);
    if (r != 0) {
        a->again = true;
        return r < 0 ? r : sg_raisef(-EIO, "connection to casd lost");
    }
    if (status == 200)
        return 0;
    error_code(sg_buf_bytes(ret), reason);
    a->again = status == 429 || status == 503 || status >= 500;
    return sg_cas_traced(sg_raisef(-EACCES, "casd refused %s: %d %s", target, status, reason),
                         SG_CAS_REFUSED);
}

/* True while the client still talks on the connection on which casd was recognised. */
static int same_connection(struct attempt *a)
{
    uint8_t exporter[SG_CAS_EXPORTER_LEN];
    struct sg_tls *tls = sg_http_client_tls(a->http);
    int r = tls ? sg_tls_export(tls, SG_CAS_EXPORTER_LABEL, exporter, sizeof exporter)
                : sg_raise(-ENOTCONN);
    if (r == 0 && memcmp(exporter, a->verified.exporter, sizeof exporter) != 0)
        r = sg_raisef(-ECONNRESET, "the connection to casd changed during bootstrap");
    if (r < 0)
        a->again = true;
    return r;
}

/* ---- connect and recognise casd ---- */

static int make_identity(struct attempt *a)
{
    int64_t now_s = sg_clock_unix_s();
    const struct sg_cert_request req = {.common_name = a->o->service,
                                        .not_before_s = now_s - CLOCK_SKEW_S,
                                        .not_after_s = now_s + OWN_CERT_LIFE_S,
                                        .client = true};
    int r = sg_key_generate(&a->key, SG_KEY_P256);
    if (r == 0)
        r = sg_key_public_der(a->key, &a->spki);
    if (r == 0)
        r = sg_cert_issue(&a->self_signed, &req, a->key, NULL, a->key);
    return r;
}

static int connect_casd(struct attempt *a)
{
    const struct sg_tls_identity id = {.cert = a->self_signed, .key = a->key};
    struct sg_http_client_options o = {.connect = a->o->connect,
                                       .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                       .io_timeout_ms = IO_TIMEOUT_MS,
                                       .body_max = SG_CAS_GRANT_MAX};
    int r = sg_tls_ctx_new(&a->tls, &id, false, SG_TLS_PEER_ANY);
    if (r < 0)
        return r;
    o.tls = a->tls;
    r = sg_http_client_new(&a->http, &o);
    if (r == 0)
        r = sg_http_client_connect(a->http);
    if (r != 0)
        a->again = true;
    return r > 0 ? sg_raise(-ECONNREFUSED) : r;
}

static int check_pin(const struct attempt *a, const struct sg_cert *root)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pin = SG_BUF_INIT(32);
    uint8_t fingerprint[32];
    if (!a->o->pin_hex) /* sg_cas_attest */
        return 0;
    if (sg_hex_decode(&pin, sg_bytes_str(a->o->pin_hex)) < 0 || pin.len != sizeof fingerprint)
        return sg_raisef(-EINVAL, "the pin of casd is not 64 hexadecimal digits");
    sg_cert_fingerprint(root, fingerprint);
    return memcmp(fingerprint, pin.data, sizeof fingerprint) == 0 ? 0 : untrusted("other CA");
}

/* The server's own certificate, under the pinned CA, named casd. */
static int check_server(struct sg_tls *tls, struct sg_cert *root)
{
    char uri[128];
    const struct sg_cert *leaf = sg_tls_peer_cert(tls);
    if (!leaf)
        return untrusted("no certificate");
    int r = sg_cert_verify(leaf, NULL, 0, &root, 1, sg_clock_unix_s());
    if (r != 0)
        return r < 0 ? r : untrusted("certificate not under its CA, or expired");
    sg_cert_uri(leaf, uri, sizeof uri);

    return strcmp(uri, SG_CAS_URI) == 0 ? 0 : untrusted("certificate of another service");
}

static int recognise(struct attempt *a)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_cert_freep) struct sg_cert *root = NULL;
    int r = call(a, "GET", "/v1/root", SG_BYTES_NONE, &der);
    if (r != 0)
        return r;
    if (sg_cert_load(&root, sg_buf_bytes(&der)) < 0)
        return untrusted("no CA certificate");
    r = check_pin(a, root);
    struct sg_tls *tls = sg_http_client_tls(a->http);
    if (r == 0 && !tls)
        r = sg_raise(-ENOTCONN);
    if (r == 0)
        r = check_server(tls, root);
    if (r == 0)
        r = sg_tls_export(tls, SG_CAS_EXPORTER_LABEL, a->verified.exporter,
                          sizeof a->verified.exporter);
    if (r == 0) {
        a->verified.key = a->key;
        a->verified.spki = sg_buf_bytes(&a->spki);
        a->root = TAKE_PTR(root);
    }
    return r;
}

/* ---- casd's evidence ---- */

static int ask_proof(struct attempt *a, const uint8_t nonce[SG_CAS_NONCE_LEN], struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(SG_CAS_QUESTION_MAX);
    struct sg_cas_question question;
    memcpy(question.nonce, nonce, sizeof question.nonce);
    int r = sg_message_encode(&sg_cas_question_type, &question, &body);
    if (r == 0)
        r = call(a, "POST", "/v1/attest/casd", sg_buf_bytes(&body), ret);
    return r ? r : same_connection(a);
}

/* The key that casd's certificate on this connection shows. */
static int server_spki(struct attempt *a, struct sg_buf *ret)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    struct sg_tls *tls = sg_http_client_tls(a->http);
    int r = tls ? sg_cert_public_key(sg_tls_peer_cert(tls), &key) : sg_raise(-ENOTCONN);
    return r ? r : sg_key_public_der(key, ret);
}

static int prove(struct attempt *a, struct sg_tee_claims *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(SG_CAS_REQUEST_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf spki = SG_BUF_INIT(1024);
    struct sg_cas_connection connection = a->verified;
    struct sg_cas_proof proof;
    uint8_t nonce[SG_CAS_NONCE_LEN], ca[32], expected[SG_TEE_REPORT_DATA_LEN];
    sg_random_bytes(nonce, sizeof nonce);
    int r = ask_proof(a, nonce, &body);
    if (r == 0)
        r = server_spki(a, &spki);
    if (r == 0)
        r = sg_message_decode(&sg_cas_proof_type, sg_buf_bytes(&body), &proof);
    if (r != 0)
        return r;
    connection.spki = sg_buf_bytes(&spki);
    sg_cert_fingerprint(a->root, ca);
    sg_cas_casd_report_data(expected, nonce, &connection, ca);
    return sg_cas_expect_judge(&a->o->expect, &proof, expected, sg_clock_unix_s(), ret);
}

static int prove_if_asked(struct attempt *a)
{
    struct sg_tee_claims claims;
    return a->o->expect.policy ? prove(a, &claims) : 0;
}

/* ---- challenge, evidence, grant ---- */

static int get_nonce(struct attempt *a, uint8_t ret[SG_CAS_NONCE_LEN])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(128);
    struct sg_cas_challenge challenge;
    int r = call(a, "POST", "/v1/attest/challenge", SG_BYTES_NONE, &body);
    if (r == 0)
        r = same_connection(a);
    if (r == 0)
        r = sg_message_decode(&sg_cas_challenge_type, sg_buf_bytes(&body), &challenge);
    if (r == 0)
        memcpy(ret, challenge.nonce, SG_CAS_NONCE_LEN);
    return r;
}

static int make_request(struct attempt *a, const uint8_t nonce[SG_CAS_NONCE_LEN],
                        struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    uint8_t report_data[SG_TEE_REPORT_DATA_LEN];
    struct sg_cas_request q = {.service = sg_bytes_str(a->o->service),
                               .kind = sg_bytes_str(sg_tee_kind_name(sg_tee_provider_kind(a->tee))),
                               .spki = a->verified.spki};
    sg_cas_report_data(report_data, nonce, &a->verified, q.service);
    int r = sg_tee_evidence(a->tee, report_data, &evidence);
    if (r < 0)
        return r;
    memcpy(q.nonce, nonce, sizeof q.nonce);
    q.evidence = sg_buf_bytes(&evidence);
    return sg_message_encode(&sg_cas_request_type, &q, ret);
}

/* The certificate is for our key, under the pinned CA, in our name. */
static int check_certificate(const struct attempt *a, const struct sg_cert *cert)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf spki = SG_BUF_INIT(1024);
    char uri[128], expected[128];
    struct sg_cert *root = a->root;
    int r = sg_cert_public_key(cert, &key);
    if (r == 0)
        r = sg_key_public_der(key, &spki);
    if (r == 0)
        r = sg_cert_verify(cert, NULL, 0, &root, 1, sg_clock_unix_s());
    if (r != 0)
        return r < 0 ? r : untrusted("granted certificate not under its CA");
    sg_cert_uri(cert, uri, sizeof uri);
    snprintf(expected, sizeof expected, "%s%s", SG_CAS_URI_PREFIX, a->o->service);
    bool ours = sg_bytes_equal(sg_buf_bytes(&spki), sg_buf_bytes(&a->spki));
    return ours && strcmp(uri, expected) == 0 ? 0 : untrusted("granted another's certificate");
}

static int take_grant(struct attempt *a, struct sg_bytes body, struct sg_cas_grant *ret)
{
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    struct sg_cas_secrets secrets = {NULL, 0};
    struct sg_cas_reply reply;
    int64_t not_before_s;
    int r = sg_message_decode(&sg_cas_reply_type, body, &reply);
    if (r == 0)
        r = sg_cert_load(&cert, reply.cert);
    if (r == 0)
        r = check_certificate(a, cert);
    if (r == 0)
        r = sg_cas_secrets_decode(&secrets, reply.secrets);
    if (r != 0)
        return r;
    *ret = (struct sg_cas_grant){.cert = TAKE_PTR(cert),
                                 .key = TAKE_PTR(a->key),
                                 .root = TAKE_PTR(a->root),
                                 .secrets = secrets.items,
                                 .n_secrets = secrets.n};
    sg_cert_validity(ret->cert, &not_before_s, &ret->expires_s);
    memcpy(ret->lease, reply.lease, sizeof ret->lease);
    return 0;
}

static int get_grant(struct attempt *a, const uint8_t nonce[SG_CAS_NONCE_LEN],
                     struct sg_cas_grant *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf request = SG_BUF_INIT(SG_CAS_REQUEST_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT_SECRET(SG_CAS_GRANT_MAX);
    int r = make_request(a, nonce, &request);
    if (r == 0)
        r = call(a, "POST", "/v1/attest", sg_buf_bytes(&request), &body);
    if (r == 0)
        r = same_connection(a);
    return r ? r : take_grant(a, sg_buf_bytes(&body), ret);
}

static int try_once(const struct sg_cas_bootstrap *o, struct sg_tee_provider *tee,
                    struct sg_cas_grant *ret, bool *ret_again)
{
    SG_CLEANUP(attempt_clear)
    struct attempt a = {.o = o, .tee = tee, .spki = SG_BUF_INIT(1024)};
    uint8_t nonce[SG_CAS_NONCE_LEN];
    int r = make_identity(&a);
    if (r == 0)
        r = connect_casd(&a);
    if (r == 0)
        r = recognise(&a);
    if (r == 0)
        r = prove_if_asked(&a);
    if (r == 0)
        r = get_nonce(&a, nonce);
    if (r == 0)
        r = get_grant(&a, nonce, ret);
    *ret_again = a.again;
    return r;
}

/* ---- the whole ---- */

static void pause_ms(int64_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

int sg_cas_bootstrap(const struct sg_cas_bootstrap *o, struct sg_cas_grant *ret)
{
    SG_CLEANUP(sg_tee_provider_freep) struct sg_tee_provider *tee = NULL;
    int64_t pause = PAUSE_FIRST_MS;
    int64_t deadline_ns = sg_clock_monotonic_ns() + (int64_t)o->retry_ms * 1000000;
    bool again = false;
    int r = sg_tee_provider_open(&tee, o->provider, o->sim_platform);
    if (r < 0)
        return r;
    if (sg_tee_provider_kind(tee) == SG_TEE_SIM)
        sg_log(SG_LOG_WARN, "attestation.simulated", SG_STR("service", o->service),
               SG_STR("meaning", "the trusted environment is simulated and protects nobody"));
    for (;;) {
        r = try_once(o, tee, ret, &again);
        if (r == 0 || !again || sg_clock_monotonic_ns() + pause * 1000000 > deadline_ns)
            return r;
        pause_ms(pause);
        pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
    }
}

int sg_cas_attest(const struct sg_cas_bootstrap *o, struct sg_cas_attested *ret)
{
    struct sg_cas_bootstrap stranger = *o;
    stranger.service = "stranger"; /* the name in the self-signed certificate */
    SG_CLEANUP(attempt_clear) struct attempt a = {.o = &stranger, .spki = SG_BUF_INIT(1024)};
    uint8_t fingerprint[32];
    int r = make_identity(&a);
    if (r == 0)
        r = connect_casd(&a);
    if (r == 0)
        r = recognise(&a);
    if (r == 0)
        r = prove(&a, &ret->claims);
    if (r != 0)
        return r;
    sg_cert_fingerprint(a.root, fingerprint);
    sg_hex(ret->pin, fingerprint, sizeof fingerprint);
    return 0;
}

void sg_cas_grant_clear(struct sg_cas_grant *g)
{
    struct sg_cas_secrets secrets = {g->secrets, g->n_secrets};
    sg_cas_secrets_clear(&secrets);
    sg_cert_free(g->cert);
    sg_key_free(g->key);
    sg_cert_free(g->root);
    *g = (struct sg_cas_grant){0};
}

const struct sg_secret *sg_cas_secret(const struct sg_cas_grant *g, const char *name)
{
    struct sg_cas_secrets secrets = {g->secrets, g->n_secrets};
    return sg_cas_secrets_find(&secrets, name);
}

size_t sg_cas_api_keys(const struct sg_cas_grant *g, struct sg_api_key *ret)
{
    static const char prefix[] = "api-key/";
    size_t n = 0;
    for (size_t i = 0; i < g->n_secrets; i++) {
        const struct sg_cas_secret *s = &g->secrets[i];
        if (strncmp(s->name, prefix, sizeof prefix - 1) == 0)
            ret[n++] = (struct sg_api_key){s->name + sizeof prefix - 1, sg_secret_bytes(&s->value)};
    }
    return n;
}

int64_t sg_cas_renew_at(const struct sg_cas_grant *g)
{
    int64_t not_before_s, not_after_s;
    sg_cert_validity(g->cert, &not_before_s, &not_after_s);
    return not_before_s + (not_after_s - not_before_s) / 3 * 2;
}

int sg_cas_tls(const struct sg_cas_grant *g, bool server, enum sg_tls_peer peer,
               struct sg_tls_ctx **ret)
{
    const struct sg_tls_identity id = {
        .cert = g->cert, .key = g->key, .roots = &g->root, .n_roots = 1};
    return sg_tls_ctx_new(ret, &id, server, peer);
}

int sg_cas_tls_renew(const struct sg_cas_grant *g, struct sg_tls_ctx *c)
{
    const struct sg_tls_identity id = {
        .cert = g->cert, .key = g->key, .roots = &g->root, .n_roots = 1};
    return sg_tls_ctx_renew(c, &id);
}

void sg_cas_forget_secrets(struct sg_cas_grant *g)
{
    for (size_t i = 0; i < g->n_secrets; i++)
        sg_secret_clear(&g->secrets[i].value);
}
