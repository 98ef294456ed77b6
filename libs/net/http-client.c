#include "stream-int.h"
#include <sealgrid/net/http.h>

#define PIECE_MAX   262144 /* of a request body, between looks for an early answer */
#define INTERIM_MAX 8      /* 1xx answers before the real one */

struct sg_http_client {
    char *address, *uri, *host;
    struct sg_tls_ctx *tls;
    int connect_timeout_ms;
    uint64_t body_max;
    struct sg_stream stream;
    bool connected;
    bool used; /* at least one exchange has been on this connection */
    bool busy; /* an answer is being read */
    bool keep; /* the connection may carry another exchange */
    struct sg_http_head head;
    struct sg_http_body body;
    struct sg_buf out;
    struct sg_inbox in;
};

/* ---- life ---- */

static int copy_text(char **ret, const char *text)
{
    if (text && !(*ret = strdup(text)))
        return sg_raise(-ENOMEM);
    return 0;
}

int sg_http_client_new(struct sg_http_client **ret, const struct sg_http_client_options *o)
{
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *c = calloc(1, sizeof(*c));
    if (!c)
        return sg_raise(-ENOMEM);
    c->tls = o->tls;
    c->connect_timeout_ms = o->connect_timeout_ms ? o->connect_timeout_ms : 5000;
    c->body_max = o->body_max ? o->body_max : UINT64_C(64) << 20;
    c->stream =
        (struct sg_stream){.fd = -1, .timeout_ms = o->io_timeout_ms ? o->io_timeout_ms : 30000};
    c->out = (struct sg_buf)SG_BUF_INIT_SECRET(SG_HTTP_HEAD_MAX + 65536);
    sg_http_head_init(&c->head, SG_HTTP_RESPONSE);
    int r = copy_text(&c->address, o->connect);
    if (r == 0)
        r = copy_text(&c->uri, o->expect_uri);
    if (r == 0)
        r = copy_text(&c->host, o->expect_host);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(c);
    return 0;
}

static void disconnect(struct sg_http_client *c)
{
    if (c->connected)
        sg_stream_close(&c->stream);
    c->connected = c->used = c->busy = false;
    c->in.len = 0;
    sg_inbox_wipe(&c->in);
}

void sg_http_client_free(struct sg_http_client *c)
{
    if (!c)
        return;
    disconnect(c);
    sg_http_head_clear(&c->head);
    sg_buf_clear(&c->out);
    free(c->address);
    free(c->uri);
    free(c->host);
    free(c);
}

/* ---- connecting ---- */

/*
 * Whether the server has said something, if only that it is gone; octets go to the inbox, which is
 * empty.  A readable descriptor alone tells little: TLS has things to say too, such as session
 * tickets (RFC 8446, section 4.6), which the read takes and answers with nothing.
 */
static bool has_spoken(struct sg_http_client *c)
{
    size_t n = 0;
    if (!sg_stream_pending(&c->stream) &&
        sg_wait_fd(c->stream.fd, POLLIN, sg_deadline(0)) == SG_TLS_TIMEOUT)
        return false;
    int r = sg_stream_read_now(&c->stream, c->in.data, sizeof(c->in.data), &n);
    if (r == 0)
        sg_inbox_filled(&c->in, n);
    return r != SG_STREAM_TIMEOUT;
}

/* An idle connection has nothing to say but its end. */
static bool still_good(struct sg_http_client *c)
{
    return c->in.len == 0 && !has_spoken(c);
}

static int secure(struct sg_http_client *c, int *fd, int64_t deadline_ms)
{
    int64_t left = deadline_ms - sg_deadline(0);
    int r = sg_tls_connect(&c->stream.tls, c->tls, *fd, c->uri, c->host, left > 0 ? (int)left : 0);
    switch (r) {
    case SG_TLS_TIMEOUT:
        return sg_raise(-ETIMEDOUT);
    case SG_TLS_REFUSED:
        return sg_raise(-EACCES);
    default:
        return r;
    }
}

int sg_http_client_connect(struct sg_http_client *c)
{
    if (c->connected && !c->busy && still_good(c))
        return 0;
    disconnect(c);
    SG_CLOSE int fd = -1;
    int64_t deadline = sg_deadline(c->connect_timeout_ms);
    int r = sg_tcp_connect(c->address, c->connect_timeout_ms, &fd);
    if (r == 0 && c->tls)
        r = secure(c, &fd, deadline);
    if (r)
        return r;
    c->stream.fd = TAKE_FD(fd);
    c->connected = true;
    return 0;
}

struct sg_tls *sg_http_client_tls(struct sg_http_client *c)
{
    return c->connected ? c->stream.tls : NULL;
}

/* ---- request ---- */

static bool sends_length(const char *method, struct sg_bytes body)
{
    return body.len || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
}

static int put_request(struct sg_http_client *c, const char *method, const char *target,
                       const struct sg_http_field *fields, size_t n_fields, struct sg_bytes body)
{
    sg_buf_reset(&c->out);
    int r = sg_http_put_request_line(&c->out, method, target);
    if (r == 0)
        r = sg_http_put_field(&c->out, "Host", c->address);
    for (size_t i = 0; r == 0 && i < n_fields; i++)
        r = sg_http_put_field(&c->out, fields[i].name, fields[i].value);
    if (r == 0 && sends_length(method, body))
        r = sg_buf_printf(&c->out, "Content-Length: %zu\r\n", body.len);
    return r < 0 ? r : sg_buf_append(&c->out, SG_BYTES_LIT("\r\n"));
}

/* 0 also when the server answers before it has everything: *ret_whole tells. */
static int send_request(struct sg_http_client *c, struct sg_bytes body, bool *ret_whole)
{
    size_t first = body.len < 16384 ? body.len : 16384;
    int r = sg_buf_append(&c->out, SG_BYTES(body.data, first));
    if (r == 0)
        r = sg_stream_write(&c->stream, sg_buf_bytes(&c->out));
    size_t at = first;
    while (r == 0 && at < body.len) {
        if (has_spoken(c))
            break;
        size_t n = body.len - at < PIECE_MAX ? body.len - at : PIECE_MAX;
        r = sg_stream_write(&c->stream, SG_BYTES(body.data + at, n));
        at += n;
    }
    *ret_whole = r == 0 && at >= body.len;
    return r;
}

/* ---- answer ---- */

static int fill(struct sg_http_client *c)
{
    size_t n = 0;
    int r = sg_stream_read(&c->stream, c->in.data, sizeof(c->in.data), &n);
    if (r)
        return r;
    sg_inbox_filled(&c->in, n);
    return 0;
}

/* One head.  0; SG_HTTP_PEER_GONE; SG_HTTP_BAD; -EACCES (our certificate was refused); -ENOMEM. */
static int read_head(struct sg_http_client *c)
{
    for (;;) {
        size_t used = 0;
        int r = c->in.len ? 0 : fill(c);
        if (r)
            return r == SG_STREAM_REFUSED ? sg_raise(-EACCES) : SG_HTTP_PEER_GONE;
        r = sg_http_head_feed(&c->head, sg_inbox_bytes(&c->in), &used);
        if (r < 0)
            return r;
        if (r > SG_HTTP_PARSE_MORE)
            return SG_HTTP_BAD;
        sg_inbox_took(&c->in, used);
        if (r == 0)
            return 0;
    }
}

static int read_answer(struct sg_http_client *c, const char *method)
{
    for (unsigned i = 0; i <= INTERIM_MAX; i++) {
        sg_http_head_reset(&c->head);
        c->head.answers_head = strcmp(method, "HEAD") == 0;
        int r = read_head(c);
        if (r)
            return r;
        if (c->head.status == 101)
            return SG_HTTP_BAD; /* nobody asked to leave HTTP */
        if (c->head.status >= 200)
            return 0;
    }
    return SG_HTTP_BAD;
}

static bool is_idempotent(const char *method)
{
    static const char *const safe[] = {"GET", "HEAD", "PUT", "DELETE"};
    for (size_t i = 0; i < sizeof(safe) / sizeof(*safe); i++)
        if (strcmp(method, safe[i]) == 0)
            return true;
    return false;
}

/* One attempt.  *ret_silent: the connection ended without one octet of an answer. */
static int attempt(struct sg_http_client *c, const char *method, struct sg_bytes body,
                   bool *ret_silent)
{
    bool whole = false;
    int sent = send_request(c, body, &whole);
    int r = read_answer(c, method);
    *ret_silent = r == SG_HTTP_PEER_GONE && !sg_http_head_begun(&c->head);
    if (sent < 0 && r > 0)
        r = SG_HTTP_PEER_GONE;
    if (r)
        return r;
    c->keep = whole && c->head.keep_alive;
    return 0;
}

/* An answer that ends at once leaves the client free for the next call. */
static void end_if_done(struct sg_http_client *c)
{
    if (!c->body.done)
        return;
    c->busy = false;
    sg_inbox_wipe(&c->in);
    sg_buf_reset(&c->out);
    if (!c->keep)
        disconnect(c);
}

static int begin(struct sg_http_client *c, const char *method, const char *target,
                 const struct sg_http_field *fields, size_t n_fields, struct sg_bytes body)
{
    for (;;) {
        int r = sg_http_client_connect(c);
        if (r == 0)
            r = put_request(c, method, target, fields, n_fields, body);
        if (r)
            return r;
        bool reused = c->used, silent = false;
        c->used = c->busy = true;
        sg_stream_grant(&c->stream);
        r = attempt(c, method, body, &silent);
        if (r == 0)
            return 0;
        disconnect(c);
        if (!reused || !silent || !is_idempotent(method))
            return r;
    }
}

int sg_http_call_begin(struct sg_http_client *c, const char *method, const char *target,
                       const struct sg_http_field *fields, size_t n_fields, struct sg_bytes body,
                       int *ret_status)
{
    int r = begin(c, method, target, fields, n_fields, body);
    if (r)
        return r;
    sg_http_body_init(&c->body, c->head.framing, c->head.content_length);
    *ret_status = c->head.status;
    end_if_done(c);
    return 0;
}

static int read_framed(struct sg_http_client *c, void *p, size_t n, size_t *ret_n)
{
    struct sg_bytes piece = SG_BYTES_NONE;
    size_t used = 0;
    int r = sg_http_body_feed(
        &c->body, SG_BYTES(c->in.data + c->in.at, c->in.len < n ? c->in.len : n), &used, &piece);
    if (r)
        return SG_HTTP_BAD;
    if (piece.len)
        memcpy(p, piece.data, piece.len);
    sg_inbox_took(&c->in, used);
    *ret_n = piece.len;
    return 0;
}

/* The end of the stream ends a body that runs until it; any other body it cuts. */
static int lost(struct sg_http_client *c, int r)
{
    if (r != SG_STREAM_CLOSED || c->body.framing != SG_HTTP_UNTIL_CLOSE)
        return SG_HTTP_PEER_GONE;
    c->body.done = true;
    return 0;
}

static int read_plain(struct sg_http_client *c, void *p, size_t n, size_t *ret_n)
{
    uint64_t plain = sg_http_body_plain(&c->body);
    size_t got = 0;
    int r = sg_stream_read(&c->stream, p, n < plain ? n : (size_t)plain, &got);
    if (r)
        return lost(c, r);
    sg_http_body_took(&c->body, got);
    *ret_n = got;
    return 0;
}

int sg_http_call_read(struct sg_http_client *c, void *p, size_t n, size_t *ret_n)
{
    sg_assert(n > 0);
    size_t got = 0;
    int r = 0;
    while (r == 0 && got == 0 && !c->body.done) {
        if (!c->busy)
            return SG_HTTP_PEER_GONE;
        if (c->in.len)
            r = read_framed(c, p, n, &got);
        else if (n >= 1024 && sg_http_body_plain(&c->body))
            r = read_plain(c, p, n, &got);
        else if ((r = fill(c)) != 0)
            r = lost(c, r);
    }
    if (r) {
        disconnect(c);
        return r;
    }
    if (c->busy)
        end_if_done(c);
    *ret_n = got;
    return 0;
}

void sg_http_call_end(struct sg_http_client *c)
{
    if (c->busy)
        disconnect(c);
    c->body.done = true;
}

/* ---- whole answers ---- */

static int read_body(struct sg_http_client *c, size_t limit, struct sg_buf *b)
{
    size_t begin_len = b->len;
    for (;;) {
        uint8_t beyond;
        size_t room = limit - (b->len - begin_len), got = 0;
        uint64_t want = c->body.framing == SG_HTTP_LENGTH ? c->body.left : 65536;
        size_t n = want < room ? (size_t)want : room;
        int r = n ? sg_buf_reserve(b, n) : 0;
        if (r < 0)
            return r;
        r = n ? sg_http_call_read(c, b->data + b->len, n, &got)
              : sg_http_call_read(c, &beyond, 1, &got);
        if (r || got == 0)
            return r;
        if (n == 0)
            return SG_HTTP_TOO_LARGE;
        b->len += got;
    }
}

int sg_http_call(struct sg_http_client *c, const char *method, const char *target,
                 const struct sg_http_field *fields, size_t n_fields, struct sg_bytes body,
                 int *ret_status, struct sg_buf *ret_body)
{
    int status = 0;
    int r = sg_http_call_begin(c, method, target, fields, n_fields, body, &status);
    if (r)
        return r;
    size_t begin_len = ret_body->len, room = ret_body->max - begin_len;
    r = read_body(c, room < c->body_max ? room : (size_t)c->body_max, ret_body);
    sg_http_call_end(c);
    if (r) {
        ret_body->len = begin_len;
        return r;
    }
    *ret_status = status;
    return 0;
}
