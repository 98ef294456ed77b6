#include "http-conn-int.h"

#include <netinet/in.h>

void sg_http_exchange_init(struct sg_http_exchange *x, struct sg_http_conn *c)
{
    *x = (struct sg_http_exchange){.conn = c, .extra = SG_BUF_INIT(16384)};
    sg_http_body_init(&x->body, SG_HTTP_NO_BODY, 0);
}

/* ---- the request ---- */

const char *sg_http_method(const struct sg_http_exchange *x)
{
    return sg_http_head_method(&x->conn->head);
}

const char *sg_http_path(const struct sg_http_exchange *x)
{
    return sg_http_target_path(&x->conn->target);
}

const char *sg_http_raw_target(const struct sg_http_exchange *x)
{
    return sg_http_head_target(&x->conn->head);
}

const char *sg_http_query(const struct sg_http_exchange *x, const char *name)
{
    return sg_http_target_param(&x->conn->target, name);
}

const char *sg_http_header(const struct sg_http_exchange *x, const char *name)
{
    return sg_http_head_field(&x->conn->head, name);
}

struct sg_tls *sg_http_tls(struct sg_http_exchange *x)
{
    return x->conn->stream.tls;
}

static void origin_of_ipv6(const struct in6_addr *a, uint8_t ret[SG_HTTP_ORIGIN_LEN])
{
    memcpy(ret, a, IN6_IS_ADDR_V4MAPPED(a) ? SG_HTTP_ORIGIN_LEN : SG_HTTP_ORIGIN_LEN / 2);
}

static void origin_of_ipv4(const struct in_addr *a, uint8_t ret[SG_HTTP_ORIGIN_LEN])
{
    ret[10] = ret[11] = 0xff;
    memcpy(ret + 12, a, 4);
}

void sg_http_origin(const struct sg_http_exchange *x, uint8_t ret[SG_HTTP_ORIGIN_LEN])
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } a;
    socklen_t len = sizeof a;
    memset(ret, 0, SG_HTTP_ORIGIN_LEN);
    if (getpeername(x->conn->stream.fd, &a.any, &len) < 0)
        return;
    if (a.any.sa_family == AF_INET)
        origin_of_ipv4(&a.in.sin_addr, ret);
    else if (a.any.sa_family == AF_INET6)
        origin_of_ipv6(&a.in6.sin6_addr, ret);
}

/* ---- its body ---- */

static int fail(struct sg_http_exchange *x, int status, int outcome)
{
    x->failed = outcome;
    sg_http_refuse(x, status);
    return outcome;
}

/* The stream's way of ending in the middle of a body. */
static int lost(struct sg_http_exchange *x, int r)
{
    if (r == SG_STREAM_TIMEOUT)
        return fail(x, 408, SG_HTTP_PEER_GONE);
    x->gone = true;
    return x->failed = SG_HTTP_PEER_GONE;
}

static int send_100(struct sg_http_exchange *x)
{
    x->owes_100 = false;
    int r = sg_stream_write(&x->conn->stream, SG_BYTES_LIT("HTTP/1.1 100 Continue\r\n\r\n"));
    return r < 0 ? lost(x, r) : 0;
}

static int fill(struct sg_http_exchange *x)
{
    struct sg_http_conn *c = x->conn;
    size_t n = 0;
    int r = sg_stream_read(&c->stream, c->in.data, sizeof(c->in.data), &n);
    if (r)
        return lost(x, r);
    sg_inbox_filled(&c->in, n);
    return 0;
}

/* From the stream to its place, when all of it is known to be data. */
static int read_plain(struct sg_http_exchange *x, void *p, size_t n, size_t *ret_n)
{
    uint64_t plain = sg_http_body_plain(&x->body);
    size_t got = 0;
    int r = sg_stream_read(&x->conn->stream, p, n < plain ? n : (size_t)plain, &got);
    if (r)
        return lost(x, r);
    sg_http_body_took(&x->body, got);
    *ret_n = got;
    return 0;
}

static int read_framed(struct sg_http_exchange *x, void *p, size_t n, size_t *ret_n)
{
    struct sg_http_conn *c = x->conn;
    struct sg_bytes piece = SG_BYTES_NONE;
    size_t used = 0, give = c->in.len < n ? c->in.len : n;
    int r = sg_http_body_feed(&x->body, SG_BYTES(c->in.data + c->in.at, give), &used, &piece);
    if (r)
        return fail(x, sg_http_parse_status(r), SG_HTTP_BAD);
    if (piece.len)
        memcpy(p, piece.data, piece.len);
    sg_inbox_took(&c->in, used);
    *ret_n = piece.len;
    return 0;
}

static int read_some(struct sg_http_exchange *x, void *p, size_t n, size_t *ret_n)
{
    size_t got = 0;
    int r = 0;
    if (x->owes_100 && !x->body.done && x->conn->in.len == 0)
        r = send_100(x);
    while (r == 0 && got == 0 && !x->body.done) {
        if (x->conn->in.len)
            r = read_framed(x, p, n, &got);
        else if (n >= 1024 && sg_http_body_plain(&x->body))
            r = read_plain(x, p, n, &got);
        else
            r = fill(x);
    }
    if (r == 0)
        *ret_n = got;
    return r;
}

int sg_http_read(struct sg_http_exchange *x, void *p, size_t n, size_t *ret_n)
{
    sg_assert(n > 0);
    if (x->failed)
        return x->failed;
    size_t got = 0;
    int r = read_some(x, p, n, &got);
    if (r)
        return r;
    x->body_read += got;
    if (x->body_read > sg_http_settings(x->conn->server)->o.body_max)
        return fail(x, 413, SG_HTTP_TOO_LARGE);
    *ret_n = got;
    return 0;
}

/* Room for the next piece: all of a known length at once, else ever larger steps. */
static int make_room(struct sg_http_exchange *x, struct sg_buf *b, size_t room, size_t *ret_n)
{
    uint64_t want = 65536;
    if (x->body.framing == SG_HTTP_LENGTH)
        want = x->body.left;
    /* One octet past the limit tells a body that ends there from one that goes on. */
    size_t n = want < room ? (size_t)want : room;
    int r = sg_buf_reserve(b, n);
    if (r == 0)
        *ret_n = n;
    return r;
}

static int read_up_to(struct sg_http_exchange *x, size_t limit, struct sg_buf *b)
{
    size_t begin = b->len;
    for (;;) {
        uint8_t beyond;
        size_t room = limit - (b->len - begin), n = 0, got = 0;
        int r = room ? make_room(x, b, room, &n) : 0;
        if (r < 0)
            return r;
        r = n ? sg_http_read(x, b->data + b->len, n, &got) : sg_http_read(x, &beyond, 1, &got);
        if (r || got == 0)
            return r;
        if (n == 0)
            return fail(x, 413, SG_HTTP_TOO_LARGE);
        b->len += got;
    }
}

int sg_http_read_all(struct sg_http_exchange *x, size_t max, struct sg_buf *ret)
{
    if (x->failed)
        return x->failed;
    size_t begin = ret->len, room = ret->max - begin, limit = max < room ? max : room;
    if (x->body.framing == SG_HTTP_LENGTH && x->body.left > limit)
        return fail(x, 413, SG_HTTP_TOO_LARGE);
    int r = read_up_to(x, limit, ret);
    if (r)
        ret->len = begin;
    return r;
}

bool sg_http_exchange_drain(struct sg_http_exchange *x)
{
    uint8_t scrap[4096];
    size_t n = 1, total = 0;
    if (x->failed || (x->owes_100 && !x->body.done))
        return false;
    if (x->conn->stream.patience_ms > SG_HTTP_DRAIN_MS)
        x->conn->stream.patience_ms = SG_HTTP_DRAIN_MS;
    while (!x->body.done && total <= SG_HTTP_DRAIN_MAX) {
        if (read_some(x, scrap, sizeof(scrap), &n))
            return false;
        total += n;
    }
    return x->body.done;
}
