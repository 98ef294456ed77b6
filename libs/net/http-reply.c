/*
 * A reply is built in the connection's out buffer and leaves in as few records as possible: head
 * and small body together, streamed pieces gathered into chunks of up to SG_HTTP_OUT_SIZE.
 */
#include "http-conn-int.h"
#include <sealgrid/base/clock.h>
#include <sealgrid/base/json.h>
#include <stdio.h>
#include <time.h>

static int send_out(struct sg_http_exchange *x)
{
    struct sg_http_conn *c = x->conn;
    int r = sg_stream_write(&c->stream, sg_buf_bytes(&c->out));
    sg_buf_reset(&c->out);
    if (r < 0)
        x->gone = x->close = true;
    return r;
}

/* ---- head ---- */

/* IMF-fixdate (RFC 9110, section 5.6.7), made once a second per thread. */
static const char *http_date(void)
{
    static _Thread_local char text[32];
    static _Thread_local int64_t made_s = -1;
    int64_t now = sg_clock_unix_s();
    if (now != made_s) {
        static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        struct tm t;
        time_t at = (time_t)now;
        gmtime_r(&at, &t);
        snprintf(text, sizeof(text), "%s, %02u %s %04u %02u:%02u:%02u GMT", days[t.tm_wday],
                 (unsigned)t.tm_mday % 100, months[t.tm_mon], (unsigned)(t.tm_year + 1900) % 10000,
                 (unsigned)t.tm_hour % 100, (unsigned)t.tm_min % 100, (unsigned)t.tm_sec % 100);
        made_s = now;
    }
    return text;
}

/* A body left unread must be read before the next request can be: worth it if it is small, and
 * impossible if the peer may yet decide not to send it. */
static bool can_keep(const struct sg_http_exchange *x)
{
    if (x->close || x->failed || !x->conn->head.keep_alive || sg_http_stopping(x->conn->server))
        return false;
    if (x->body.done)
        return true;
    return !x->owes_100 && (x->body.framing != SG_HTTP_LENGTH || x->body.left <= SG_HTTP_DRAIN_MAX);
}

static bool has_no_body(int status)
{
    return status < 200 || status == 204 || status == 304;
}

static int put_framing(struct sg_http_exchange *x, int status, const uint64_t *length)
{
    struct sg_buf *out = &x->conn->out;
    if (has_no_body(status))
        return 0;
    if (length)
        return sg_buf_printf(out, "Content-Length: %llu\r\n", (unsigned long long)*length);
    if (x->old) {
        x->close = true;
        return 0;
    }
    x->chunked = true;
    return sg_buf_append(out, SG_BYTES_LIT("Transfer-Encoding: chunked\r\n"));
}

static int put_connection(struct sg_http_exchange *x)
{
    if (!can_keep(x))
        x->close = true;
    if (x->close)
        return sg_buf_append(&x->conn->out, SG_BYTES_LIT("Connection: close\r\n"));
    if (x->old)
        return sg_buf_append(&x->conn->out, SG_BYTES_LIT("Connection: keep-alive\r\n"));
    return 0;
}

/* length NULL: not known yet. */
static int put_head(struct sg_http_exchange *x, int status, const char *content_type,
                    const uint64_t *length)
{
    struct sg_buf *out = &x->conn->out;
    if (x->reply != SG_HTTP_UNANSWERED)
        return sg_raisef(-EALREADY, "second reply");
    sg_buf_reset(out);
    int r = sg_http_put_status_line(out, status);
    if (r == 0)
        r = sg_http_put_field(out, "Date", http_date());
    if (r == 0 && content_type)
        r = sg_http_put_field(out, "Content-Type", content_type);
    if (r == 0)
        r = sg_buf_append(out, sg_buf_bytes(&x->extra));
    if (r == 0)
        r = put_framing(x, status, length);
    if (r == 0)
        r = put_connection(x);
    if (r == 0)
        r = sg_buf_append(out, SG_BYTES_LIT("\r\n"));
    if (r < 0) {
        sg_buf_reset(out);
        return r;
    }
    x->head_only |= has_no_body(status);
    x->status = status;
    return 0;
}

/* These say how the message is read, which is not the handler's to decide. */
static bool is_ours(const char *name)
{
    static const char *const ours[] = {
        "Content-Length", "Transfer-Encoding", "Connection", "Content-Type",
        "Date",           "Upgrade",           "Trailer",    "Keep-Alive"};
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
        if (sg_http_name_equal(name, ours[i]))
            return true;
    return false;
}

int sg_http_add_header(struct sg_http_exchange *x, const char *name, const char *value)
{
    if (x->reply != SG_HTTP_UNANSWERED || is_ours(name))
        return sg_raisef(-EINVAL, "header field");
    return sg_http_put_field(&x->extra, name, value);
}

/* ---- whole replies ---- */

int sg_http_reply(struct sg_http_exchange *x, int status, const char *content_type,
                  struct sg_bytes body)
{
    uint64_t length = body.len;
    int r = put_head(x, status, content_type, &length);
    if (r < 0)
        return r;
    struct sg_buf *out = &x->conn->out;
    x->reply = SG_HTTP_ANSWERING;
    if (x->head_only)
        body = SG_BYTES_NONE;
    size_t first = SG_HTTP_OUT_SIZE - out->len;
    if (body.len < first)
        first = body.len;
    r = sg_buf_append(out, SG_BYTES(body.data, first));
    if (r == 0)
        r = send_out(x);
    if (r == 0 && body.len > first) {
        r = sg_stream_write(&x->conn->stream, SG_BYTES(body.data + first, body.len - first));
        x->gone |= r < 0;
    }
    if (r == 0)
        x->reply = SG_HTTP_ANSWERED;
    return r;
}

int sg_http_reply_error(struct sg_http_exchange *x, int status, const char *code,
                        const char *message)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(16384);
    struct sg_json j;
    sg_json_init(&j, &body);
    sg_json_object(&j);
    sg_json_key(&j, "error");
    sg_json_object(&j);
    sg_json_key(&j, "code");
    sg_json_str(&j, code);
    sg_json_key(&j, "message");
    sg_json_str(&j, message);
    sg_json_end_object(&j);
    sg_json_end_object(&j);
    int r = sg_json_done(&j);
    return r < 0 ? r : sg_http_reply(x, status, "application/json", sg_buf_bytes(&body));
}

static const char *refusal_code(int status)
{
    switch (status) {
    case 408:
        return "timeout";
    case 413:
        return "too_large";
    case 414:
        return "target_too_long";
    case 417:
        return "expectation";
    case 431:
        return "head_too_large";
    case 500:
        return "internal";
    case 503:
        return "unavailable";
    case 505:
        return "version";
    default:
        return "bad_request";
    }
}

void sg_http_refuse(struct sg_http_exchange *x, int status)
{
    x->close = true;
    if (x->reply != SG_HTTP_UNANSWERED || x->gone)
        return;
    sg_buf_reset(&x->extra);
    /* Nobody is left to tell of a failure: the connection ends either way. */
    if (sg_http_reply_error(x, status, refusal_code(status), sg_http_reason(status)) < 0)
        x->gone = true;
}

/* ---- streamed replies ---- */

static int open_chunk(struct sg_http_exchange *x)
{
    uint8_t *head;
    x->chunk_at = x->conn->out.len;
    return x->chunked ? sg_buf_extend(&x->conn->out, SG_HTTP_CHUNK_HEAD, &head) : 0;
}

static int close_chunk(struct sg_http_exchange *x)
{
    struct sg_buf *out = &x->conn->out;
    if (!x->chunked)
        return 0;
    size_t len = out->len - x->chunk_at - SG_HTTP_CHUNK_HEAD;
    if (len == 0) { /* an empty chunk would end the body */
        out->len = x->chunk_at;
        return 0;
    }
    sg_http_chunk_head(out->data + x->chunk_at, (uint32_t)len);
    return sg_buf_append(out, SG_BYTES_LIT("\r\n"));
}

int sg_http_reply_begin(struct sg_http_exchange *x, int status, const char *content_type)
{
    int r = put_head(x, status, content_type, NULL);
    if (r < 0)
        return r;
    x->reply = SG_HTTP_ANSWERING;
    return open_chunk(x);
}

int sg_http_reply_flush(struct sg_http_exchange *x)
{
    if (x->reply != SG_HTTP_ANSWERING)
        return sg_raisef(-EINVAL, "no reply begun");
    int r = close_chunk(x);
    if (r == 0)
        r = send_out(x);
    return r < 0 ? r : open_chunk(x);
}

int sg_http_reply_write(struct sg_http_exchange *x, struct sg_bytes piece)
{
    struct sg_buf *out = &x->conn->out;
    if (x->reply != SG_HTTP_ANSWERING)
        return sg_raisef(-EINVAL, "no reply begun");
    if (x->gone)
        return sg_raise(-EPIPE);
    while (piece.len && !x->head_only) {
        size_t room = SG_HTTP_OUT_SIZE - out->len;
        size_t n = piece.len < room ? piece.len : room;
        int r = sg_buf_append(out, SG_BYTES(piece.data, n));
        if (r == 0 && n == room)
            r = sg_http_reply_flush(x);
        if (r < 0)
            return r;
        piece.data += n;
        piece.len -= n;
    }
    return 0;
}

int sg_http_reply_end(struct sg_http_exchange *x)
{
    if (x->reply != SG_HTTP_ANSWERING)
        return sg_raisef(-EINVAL, "no reply begun");
    int r = close_chunk(x);
    if (r == 0 && x->chunked && !x->head_only)
        r = sg_buf_append(&x->conn->out, SG_BYTES_LIT("0\r\n\r\n"));
    if (r == 0)
        r = send_out(x);
    if (r == 0)
        x->reply = SG_HTTP_ANSWERED;
    return r;
}
