/*
 * http bench - our server and our client over mutual TLS in one process.
 *   bench-http               prints bulk rates and request rates
 *   bench-http serve DIR     writes DIR/ca.pem, serves /echo, /n?n=OCTETS until interrupted, for
 *                            foreign clients; prints the port
 */
#include <inttypes.h>
#include <pthread.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/net/http.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define PIECE (1u << 20)

static uint8_t piece[PIECE];

static void must(int r, const char *what)
{
    if (r == 0)
        return;
    fprintf(stderr, "%s: %d %s\n", what, r, sg_error_trace());
    exit(2);
}

static int send_octets(struct sg_http_exchange *x, uint64_t left)
{
    int r = sg_http_reply_begin(x, 200, "application/octet-stream");
    while (r == 0 && left) {
        size_t n = left < PIECE ? (size_t)left : PIECE;
        r = sg_http_reply_write(x, SG_BYTES(piece, n));
        left -= n;
    }
    return r ? r : sg_http_reply_end(x);
}

static int swallow(struct sg_http_exchange *x)
{
    static _Thread_local uint8_t scrap[65536];
    char text[24];
    uint64_t total = 0;
    size_t n = 0;
    int r;
    while ((r = sg_http_read(x, scrap, sizeof(scrap), &n)) == 0 && n)
        total += n;
    if (r)
        return r;
    snprintf(text, sizeof(text), "%" PRIu64 "\n", total);
    return sg_http_reply(x, 200, "text/plain", sg_bytes_str(text));
}

static int serve(void *user, struct sg_http_exchange *x)
{
    (void)user;
    const char *n = sg_http_query(x, "n"), *path = sg_http_path(x);
    if (n)
        return send_octets(x, strtoull(n, NULL, 10));
    if (strcmp(path, "/swallow") == 0)
        return swallow(x);
    if (strcmp(path, "/echo") != 0)
        return sg_http_reply(x, 200, "text/plain", SG_BYTES_LIT("hello\n"));
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(64u << 20);
    int r = sg_http_read_all(x, 64u << 20, &body);
    return r ? r : sg_http_reply(x, 200, "application/octet-stream", sg_buf_bytes(&body));
}

/* ---- identities ---- */

struct identity {
    struct sg_cert *cert;
    struct sg_key *key;
};

static struct identity issue(const struct identity *ca, const char *uri)
{
    struct identity i;
    int64_t now = sg_clock_unix_s();
    struct sg_cert_request q = {.common_name = uri ? "bench" : "bench CA",
                                .uri = uri,
                                .dns = uri ? "localhost" : NULL,
                                .ip = uri ? "127.0.0.1" : NULL,
                                .not_before_s = now - 60,
                                .not_after_s = now + 86400,
                                .ca = !uri,
                                .path_len = uri ? -1 : 0,
                                .server = uri != NULL,
                                .client = uri != NULL};
    must(sg_key_generate(&i.key, SG_KEY_P256), "key");
    must(sg_cert_issue(&i.cert, &q, i.key, ca ? ca->cert : NULL, ca ? ca->key : i.key), "issue");
    return i;
}

static struct sg_tls_ctx *context(const struct identity *i, const struct identity *ca, bool server)
{
    struct sg_cert *roots[1] = {ca->cert};
    struct sg_tls_identity id = {.cert = i->cert, .key = i->key, .roots = roots, .n_roots = 1};
    struct sg_tls_ctx *c = NULL;
    must(sg_tls_ctx_new(&c, &id, server, server ? SG_TLS_PEER_OPTIONAL : SG_TLS_PEER_REQUIRED),
         "context");
    return c;
}

/* ---- measuring ---- */

struct load {
    char address[32];
    struct sg_tls_ctx *tls;
    int64_t until_ns;
    uint64_t done;
};

static struct sg_http_client *client(const struct load *l)
{
    struct sg_http_client *c = NULL;
    must(sg_http_client_new(
             &c, &(struct sg_http_client_options){.connect = l->address,
                                                  .tls = l->tls,
                                                  .expect_uri = "spiffe://sealgrid/bench"}),
         "client");
    return c;
}

static void *small_requests(void *user)
{
    struct load *l = user;
    struct sg_http_client *c = client(l);
    struct sg_buf b = SG_BUF_INIT(1000);
    while (sg_clock_monotonic_ns() < l->until_ns) {
        int status;
        sg_buf_reset(&b);
        must(sg_http_call(c, "GET", "/", NULL, 0, SG_BYTES_NONE, &status, &b), "call");
        l->done++;
    }
    sg_buf_clear(&b);
    sg_http_client_free(c);
    return NULL;
}

static void *downloads(void *user)
{
    struct load *l = user;
    struct sg_http_client *c = client(l);
    uint8_t *scrap = malloc(PIECE);
    int status;
    must(sg_http_call_begin(c, "GET", "/?n=1000000000000", NULL, 0, SG_BYTES_NONE, &status), "get");
    while (sg_clock_monotonic_ns() < l->until_ns) {
        size_t n;
        must(sg_http_call_read(c, scrap, PIECE, &n), "read");
        l->done += n;
    }
    free(scrap);
    sg_http_client_free(c);
    return NULL;
}

static void *uploads(void *user)
{
    struct load *l = user;
    struct sg_http_client *c = client(l);
    struct sg_buf b = SG_BUF_INIT(1000);
    uint8_t *much = calloc(1, 32u << 20);
    while (sg_clock_monotonic_ns() < l->until_ns) {
        int status;
        sg_buf_reset(&b);
        must(sg_http_call(c, "PUT", "/swallow", NULL, 0, SG_BYTES(much, 32u << 20), &status, &b),
             "put");
        l->done += 32u << 20;
    }
    free(much);
    sg_buf_clear(&b);
    sg_http_client_free(c);
    return NULL;
}

static double measure(const struct load *l, void *(*fn)(void *), unsigned n)
{
    struct load loads[16];
    pthread_t threads[16];
    int64_t begun = sg_clock_monotonic_ns();
    for (unsigned i = 0; i < n; i++) {
        loads[i] = *l;
        loads[i].until_ns = begun + 2000000000;
        pthread_create(&threads[i], NULL, fn, &loads[i]);
    }
    uint64_t done = 0;
    for (unsigned i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
        done += loads[i].done;
    }
    return (double)done / ((double)(sg_clock_monotonic_ns() - begun) / 1e9);
}

static void print_figures(const struct load *l)
{
    printf("download, 1 connection   %8.0f MB/s\n", measure(l, downloads, 1) / 1e6);
    printf("upload, 1 connection     %8.0f MB/s\n", measure(l, uploads, 1) / 1e6);
    printf("requests, 1 connection   %8.0f /s\n", measure(l, small_requests, 1));
    printf("requests, 4 connections  %8.0f /s\n", measure(l, small_requests, 4));
    printf("requests, 16 connections %8.0f /s\n", measure(l, small_requests, 16));
}

static void wait_for_signal(void)
{
    sigset_t set;
    int which;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigwait(&set, &which);
}

static void serve_others(const char *dir, const struct identity *ca, uint16_t port)
{
    char path[4096];
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(65536);
    must(sg_cert_pem(ca->cert, &pem), "pem");
    snprintf(path, sizeof(path), "%s/ca.pem", dir);
    must(sg_file_write_atomic(path, sg_buf_bytes(&pem), 0644), "write");
    printf("%u\n", port);
    fflush(stdout);
    wait_for_signal();
}

int main(int argc, char **argv)
{
    must(sg_process_harden(), "harden");
    struct identity ca = issue(NULL, NULL), one = issue(&ca, "spiffe://sealgrid/bench");
    struct sg_tls_ctx *server_tls = context(&one, &ca, true);
    struct load l = {.tls = context(&one, &ca, false)};
    struct sg_http_server *s = NULL;
    must(sg_http_server_start(
             &s, &(struct sg_http_server_options){.listen = "127.0.0.1:0", .tls = server_tls},
             serve, NULL),
         "server");
    snprintf(l.address, sizeof(l.address), "127.0.0.1:%u", sg_http_server_port(s));
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        serve_others(argv[2], &ca, sg_http_server_port(s));
    else
        print_figures(&l);
    sg_http_server_stop(s, 1000);
    sg_http_server_free(s);
    sg_tls_ctx_free(server_tls);
    sg_tls_ctx_free(l.tls);
    sg_cert_free(ca.cert);
    sg_cert_free(one.cert);
    sg_key_free(ca.key);
    sg_key_free(one.key);
    return 0;
}
