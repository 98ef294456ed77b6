#include "etcd.h"

#include <sealgrid/base/encode.h>
#include <sealgrid/net/http.h>
#include <stdio.h>

#define BODY_MAX    (32u << 20)
#define ANSWER_MAX  (64u << 20)
#define VALUE_MAX   65536
#define TIMEOUT_MS  20000
#define TXN_OPS_MAX "4096"

struct sg_bench_etcd {
    struct sg_bench_server *server;
    struct sg_tls_ctx *tls;
    char address[32], url[48], peer_url[48], cluster[64];
};

struct connection {
    struct sg_bench_map base;
    struct sg_http_client *http;
    struct sg_buf body, answer, value;
};

/* ---- JSON ---- */

static int add_member(struct sg_buf *b, const char *before, const void *p, size_t n)
{
    int r = sg_buf_append(b, sg_bytes_str(before));
    return r ? r : sg_base64_append(b, SG_BYTES(p, n));
}

static int add_put(struct sg_buf *b, const struct sg_bench_row *row)
{
    int r = add_member(b, "{\"key\":\"", row->key, SG_BENCH_KEY_LEN);
    if (r == 0)
        r = add_member(b, "\",\"value\":\"", row->value.data, row->value.len);
    return r ? r : sg_buf_append(b, SG_BYTES_LIT("\"}"));
}

static int see_value(struct connection *c, struct sg_bytes text, struct sg_bench_seen *seen)
{
    sg_buf_reset(&c->value);
    int r = sg_base64_decode(&c->value, text);
    if (r == 0)
        sg_bench_see(seen, c->value.data, c->value.len);
    return r;
}

/* Values of an answer, in its order.  Nothing else of it may hold the member's name: keys are
 * base64. */
static int see_values(struct connection *c, struct sg_bench_seen *seen)
{
    static const char name[] = "\"value\":\"";
    const uint8_t *at = c->answer.data, *end = at + c->answer.len;
    while ((at = memmem(at, (size_t)(end - at), name, sizeof(name) - 1))) {
        at += sizeof(name) - 1;
        const uint8_t *quote = memchr(at, '"', (size_t)(end - at));
        int r = quote ? see_value(c, SG_BYTES(at, (size_t)(quote - at)), seen) : sg_raise(-EPROTO);
        if (r)
            return r;
        at = quote;
    }
    return 0;
}

/* ---- requests ---- */

static int call(struct connection *c, const char *target)
{
    int status = 0;
    sg_buf_reset(&c->answer);
    int r =
        sg_http_call(c->http, "POST", target, NULL, 0, sg_buf_bytes(&c->body), &status, &c->answer);
    if (r > 0)
        return sg_raisef(-EIO, "etcd: no answer (%d)", r);
    if (r == 0 && status != 200)
        return sg_raisef(-EPROTO, "etcd: %d %.*s", status,
                         (int)(c->answer.len < 200 ? c->answer.len : 200), c->answer.data);
    return r;
}

static int etcd_put(struct sg_bench_map *m, const struct sg_bench_row *rows, size_t n)
{
    struct connection *c = (struct connection *)(void *)m;
    sg_buf_reset(&c->body);
    if (n == 1) {
        int r = add_put(&c->body, rows);
        return r ? r : call(c, "/v3/kv/put");
    }
    int r = sg_buf_append(&c->body, SG_BYTES_LIT("{\"success\":["));
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = sg_buf_printf(&c->body, "%s{\"requestPut\":", i ? "," : "");
        if (r == 0)
            r = add_put(&c->body, &rows[i]);
        if (r == 0)
            r = sg_buf_append(&c->body, SG_BYTES_LIT("}"));
    }
    if (r == 0)
        r = sg_buf_append(&c->body, SG_BYTES_LIT("]}"));
    return r ? r : call(c, "/v3/kv/txn");
}

static int etcd_get(struct sg_bench_map *m, const struct sg_bench_row *rows, size_t n,
                    struct sg_bench_seen *seen)
{
    struct connection *c = (struct connection *)(void *)m;
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        uint64_t before = seen->rows;
        sg_buf_reset(&c->body);
        r = add_member(&c->body, "{\"key\":\"", rows[i].key, SG_BENCH_KEY_LEN);
        if (r == 0)
            r = sg_buf_append(&c->body, SG_BYTES_LIT("\"}"));
        if (r == 0)
            r = call(c, "/v3/kv/range");
        if (r == 0)
            r = see_values(c, seen);
        if (r == 0 && seen->rows != before + 1)
            r = sg_raisef(-ENOENT, "etcd: no value");
    }
    return r;
}

static int etcd_scan(struct sg_bench_map *m, const struct sg_bench_range *range,
                     struct sg_bench_seen *seen)
{
    struct connection *c = (struct connection *)(void *)m;
    sg_buf_reset(&c->body);
    int r = add_member(&c->body, "{\"key\":\"", range->from, SG_BENCH_KEY_LEN);
    if (r == 0)
        r = add_member(&c->body, "\",\"range_end\":\"", range->until, SG_BENCH_KEY_LEN);
    if (r == 0)
        r = sg_buf_append(&c->body, SG_BYTES_LIT("\"}"));
    if (r == 0)
        r = call(c, "/v3/kv/range");
    return r ? r : see_values(c, seen);
}

static void etcd_close(struct sg_bench_map *m)
{
    struct connection *c = (struct connection *)(void *)m;
    sg_http_client_free(c->http);
    sg_buf_clear(&c->body);
    sg_buf_clear(&c->answer);
    sg_buf_clear(&c->value);
    free(c);
}

static const struct sg_bench_map_ops ops = {
    .put = etcd_put, .get = etcd_get, .scan = etcd_scan, .close = etcd_close};

/* ---- server ---- */

int sg_bench_etcd_open(struct sg_bench_map **ret, struct sg_bench_etcd *e)
{
    struct connection *c = calloc(1, sizeof(*c));
    if (!c)
        return sg_raise(-ENOMEM);
    c->base = (struct sg_bench_map){&ops, "etcd 3.4, HTTPS"};
    c->body.max = BODY_MAX;
    c->answer.max = ANSWER_MAX;
    c->value.max = VALUE_MAX;
    struct sg_http_client_options o = {.connect = e->address,
                                       .tls = e->tls,
                                       .expect_host = "127.0.0.1",
                                       .io_timeout_ms = TIMEOUT_MS};
    int r = sg_http_client_new(&c->http, &o);
    if (r) {
        free(c);
        return r;
    }
    *ret = &c->base;
    return 0;
}

/* It has elected itself once it stores something. */
static int answers(void *ctx)
{
    SG_CLEANUP(sg_bench_map_closep) struct sg_bench_map *m = NULL;
    const struct sg_bench_row row = {.key = "start", .value = SG_BYTES_LIT("up")};
    int r = sg_bench_etcd_open(&m, ctx);
    return r ? r : m->ops->put(m, &row, 1);
}

static int start(struct sg_bench_etcd *e, const char *folder, const struct sg_bench_trust *trust,
                 struct sg_bench_reason *ret_reason)
{
    const char *argv[] = {"etcd",
                          "--name",
                          "bench",
                          "--data-dir",
                          "data",
                          "--listen-client-urls",
                          e->url,
                          "--advertise-client-urls",
                          e->url,
                          "--listen-peer-urls",
                          e->peer_url,
                          "--initial-advertise-peer-urls",
                          e->peer_url,
                          "--initial-cluster",
                          e->cluster,
                          "--cert-file",
                          trust->cert,
                          "--key-file",
                          trust->key,
                          "--client-cert-auth",
                          "--trusted-ca-file",
                          trust->ca,
                          "--max-txn-ops",
                          TXN_OPS_MAX,
                          "--max-request-bytes",
                          "16777216",
                          "--logger",
                          "zap",
                          "--log-level",
                          "error",
                          NULL};
    struct sg_bench_server_spec spec = {
        .name = "etcd", .argv = argv, .folder = folder, .answers = answers, .ctx = e};
    return sg_bench_server_start(&e->server, &spec, ret_reason);
}

int sg_bench_etcd_start(struct sg_bench_etcd **ret, const char *folder,
                        const struct sg_bench_trust *trust, struct sg_bench_reason *ret_reason)
{
    SG_CLEANUP(sg_bench_etcd_stopp) struct sg_bench_etcd *e = calloc(1, sizeof(*e));
    uint16_t port = 0, peer_port = 0;
    if (!e)
        return sg_raise(-ENOMEM);
    int r = sg_bench_port(&port);
    if (r == 0)
        r = sg_bench_port(&peer_port);
    if (r == 0)
        r = sg_bench_trust_context(&e->tls, trust, false);
    if (r)
        return r;
    snprintf(e->address, sizeof(e->address), "127.0.0.1:%u", port);
    snprintf(e->url, sizeof(e->url), "https://127.0.0.1:%u", port);
    snprintf(e->peer_url, sizeof(e->peer_url), "http://127.0.0.1:%u", peer_port);
    snprintf(e->cluster, sizeof(e->cluster), "bench=%s", e->peer_url);
    r = start(e, folder, trust, ret_reason);
    if (r == 0)
        *ret = TAKE_PTR(e);
    return r;
}

void sg_bench_etcd_stop(struct sg_bench_etcd *e)
{
    if (!e)
        return;
    sg_bench_server_stop(e->server);
    sg_tls_ctx_free(e->tls);
    free(e);
}
