#include "redis.h"

#include <stdio.h>

#define TIMEOUT_MS 20000
#define IN_BYTES   65536
#define OUT_MAX    (64u << 20)
#define VALUE_MAX  65536

struct sg_bench_redis {
    struct sg_bench_server *server;
    struct sg_tls_ctx *tls;
    char address[32], port[8];
};

struct connection {
    struct sg_bench_map base;
    struct sg_tls *tls;
    struct sg_buf out;
    uint8_t in[IN_BYTES];
    size_t in_at, in_len;
    uint8_t value[VALUE_MAX];
};

/* ---- answers: RESP2 ---- */

static int fill(struct connection *c)
{
    c->in_at = c->in_len = 0;
    int r = sg_tls_read(c->tls, c->in, sizeof(c->in), TIMEOUT_MS, &c->in_len);
    return r > 0 ? sg_raisef(-EIO, "Redis: connection ended (%d)", r) : r;
}

static int take(struct connection *c, uint8_t *to, size_t n)
{
    while (n) {
        size_t ready = c->in_len - c->in_at;
        if (ready == 0) {
            int r = fill(c);
            if (r)
                return r;
            continue;
        }
        ready = ready < n ? ready : n;
        memcpy(to, c->in + c->in_at, ready);
        c->in_at += ready;
        to += ready;
        n -= ready;
    }
    return 0;
}

/* A line without its CR LF. */
static int take_line(struct connection *c, char ret[256])
{
    size_t n = 0;
    do {
        int r = n < 255 ? take(c, (uint8_t *)ret + n, 1) : sg_raise(-EMSGSIZE);
        if (r)
            return r;
    } while (ret[n++] != '\n');
    ret[n - 1] = 0;
    if (n > 1 && ret[n - 2] == '\r')
        ret[n - 2] = 0;
    return 0;
}

/* Head of an answer of that kind: the number behind it. */
static int take_head(struct connection *c, char kind, long *ret)
{
    char line[256];
    int r = take_line(c, line);
    if (r)
        return r;
    if (line[0] != kind)
        return sg_raisef(-EPROTO, "Redis: %.200s", line);
    *ret = strtol(line + 1, NULL, 10);
    return 0;
}

static int take_bulk(struct connection *c, size_t *ret_len)
{
    long len;
    uint8_t end[2];
    int r = take_head(c, '$', &len);
    if (r)
        return r;
    if (len < 0 || len > VALUE_MAX)
        return sg_raisef(-ENOENT, "Redis: no value");
    r = take(c, c->value, (size_t)len);
    if (r == 0)
        r = take(c, end, 2);
    *ret_len = (size_t)len;
    return r;
}

/* ---- commands ---- */

static int add_argument(struct connection *c, const void *p, size_t n)
{
    int r = sg_buf_printf(&c->out, "$%zu\r\n", n);
    if (r == 0)
        r = sg_buf_append(&c->out, SG_BYTES(p, n));
    return r ? r : sg_buf_append(&c->out, SG_BYTES_LIT("\r\n"));
}

static int add_command(struct connection *c, const char *verb, size_t arguments, const uint8_t *key)
{
    int r = sg_buf_printf(&c->out, "*%zu\r\n", arguments);
    if (r == 0)
        r = add_argument(c, verb, strlen(verb));
    return r ? r : add_argument(c, key, SG_BENCH_CLIENT_LEN);
}

static int add_field(struct connection *c, const struct sg_bench_row *row)
{
    return add_argument(c, row->key + SG_BENCH_CLIENT_LEN, SG_BENCH_KEY_LEN - SG_BENCH_CLIENT_LEN);
}

static int send_all(struct connection *c)
{
    int r = sg_tls_write(c->tls, sg_buf_bytes(&c->out), TIMEOUT_MS);
    sg_buf_reset(&c->out);
    return r > 0 ? sg_raise(-ETIMEDOUT) : r;
}

static size_t run_of_client(const struct sg_bench_row *rows, size_t n)
{
    size_t len = 1;
    while (len < n && memcmp(rows[0].key, rows[len].key, SG_BENCH_CLIENT_LEN) == 0)
        len++;
    return len;
}

static int add_rows(struct connection *c, const struct sg_bench_row *rows, size_t n)
{
    int r = add_command(c, "HSET", 2 + 2 * n, rows[0].key);
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = add_field(c, &rows[i]);
        if (r == 0)
            r = add_argument(c, rows[i].value.data, rows[i].value.len);
    }
    return r;
}

static int redis_put(struct sg_bench_map *m, const struct sg_bench_row *rows, size_t n)
{
    struct connection *c = (struct connection *)(void *)m;
    size_t commands = 0;
    int r = 0;
    for (size_t at = 0; r == 0 && at < n; commands++) {
        size_t len = run_of_client(rows + at, n - at);
        r = add_rows(c, rows + at, len);
        at += len;
    }
    if (r == 0)
        r = send_all(c);
    long added;
    while (r == 0 && commands--)
        r = take_head(c, ':', &added);
    return r;
}

static int redis_get(struct sg_bench_map *m, const struct sg_bench_row *rows, size_t n,
                     struct sg_bench_seen *seen)
{
    struct connection *c = (struct connection *)(void *)m;
    size_t len;
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = add_command(c, "HGET", 3, rows[i].key);
        if (r == 0)
            r = add_field(c, &rows[i]);
    }
    if (r == 0)
        r = send_all(c);
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = take_bulk(c, &len);
        if (r == 0)
            sg_bench_see(seen, c->value, len);
    }
    return r;
}

static int redis_scan(struct sg_bench_map *m, const struct sg_bench_range *range,
                      struct sg_bench_seen *seen)
{
    struct connection *c = (struct connection *)(void *)m;
    size_t len;
    long items = 0;
    int r = add_command(c, "HGETALL", 2, range->from);
    if (r == 0)
        r = send_all(c);
    if (r == 0)
        r = take_head(c, '*', &items);
    for (long i = 0; r == 0 && i < items; i++) {
        r = take_bulk(c, &len);
        if (r == 0 && i % 2)
            sg_bench_see(seen, c->value, len);
    }
    return r;
}

static void redis_close(struct sg_bench_map *m)
{
    struct connection *c = (struct connection *)(void *)m;
    sg_tls_free(c->tls);
    sg_buf_clear(&c->out);
    free(c);
}

static const struct sg_bench_map_ops ops = {
    .put = redis_put, .get = redis_get, .scan = redis_scan, .close = redis_close};

/* ---- server ---- */

static int connect_to(struct sg_tls **ret, const struct sg_bench_redis *d)
{
    SG_CLOSE int fd = -1;
    int r = sg_tcp_connect(d->address, TIMEOUT_MS, &fd);
    if (r)
        return r;
    r = sg_tls_connect(ret, d->tls, fd, NULL, "127.0.0.1", TIMEOUT_MS);
    if (r == 0)
        fd = -1; /* the stream's now */
    return r > 0 ? sg_raisef(-EACCES, "Redis: TLS (%d)", r) : r;
}

int sg_bench_redis_open(struct sg_bench_map **ret, struct sg_bench_redis *d)
{
    struct connection *c = calloc(1, sizeof(*c));
    if (!c)
        return sg_raise(-ENOMEM);
    c->base = (struct sg_bench_map){&ops, "Redis 7, TLS, AOF always"};
    c->out.max = OUT_MAX;
    int r = connect_to(&c->tls, d);
    if (r) {
        free(c);
        return r;
    }
    *ret = &c->base;
    return 0;
}

static int answers(void *ctx)
{
    SG_CLEANUP(sg_tls_freep) struct sg_tls *t = NULL;
    return connect_to(&t, ctx);
}

static int start(struct sg_bench_redis *d, const char *folder, const struct sg_bench_trust *trust,
                 struct sg_bench_reason *ret_reason)
{
    const char *argv[] = {"redis-server",
                          "--port",
                          "0",
                          "--tls-port",
                          d->port,
                          "--bind",
                          "127.0.0.1",
                          "--tls-cert-file",
                          trust->cert,
                          "--tls-key-file",
                          trust->key,
                          "--tls-ca-cert-file",
                          trust->ca,
                          "--tls-auth-clients",
                          "yes",
                          "--tls-protocols",
                          "TLSv1.3",
                          "--dir",
                          folder,
                          "--save",
                          "",
                          "--appendonly",
                          "yes",
                          "--appendfsync",
                          "always",
                          NULL};
    struct sg_bench_server_spec spec = {
        .name = "redis", .argv = argv, .folder = folder, .answers = answers, .ctx = d};
    return sg_bench_server_start(&d->server, &spec, ret_reason);
}

int sg_bench_redis_start(struct sg_bench_redis **ret, const char *folder,
                         const struct sg_bench_trust *trust, struct sg_bench_reason *ret_reason)
{
    SG_CLEANUP(sg_bench_redis_stopp) struct sg_bench_redis *d = calloc(1, sizeof(*d));
    uint16_t port = 0;
    if (!d)
        return sg_raise(-ENOMEM);
    int r = sg_bench_port(&port);
    if (r == 0)
        r = sg_bench_trust_context(&d->tls, trust, false);
    if (r)
        return r;
    snprintf(d->port, sizeof(d->port), "%u", port);
    snprintf(d->address, sizeof(d->address), "127.0.0.1:%u", port);
    r = start(d, folder, trust, ret_reason);
    if (r == 0)
        *ret = TAKE_PTR(d);
    return r;
}

void sg_bench_redis_stop(struct sg_bench_redis *d)
{
    if (!d)
        return;
    sg_bench_server_stop(d->server);
    sg_tls_ctx_free(d->tls);
    free(d);
}
