#include "http-conn-int.h"
#include <sealgrid/base/clock.h>
#include <sealgrid/base/log.h>
#include <sys/socket.h>

/* ---- life ---- */

void sg_http_conn_until(struct sg_http_conn *c, int after_ms)
{
    atomic_store(&c->deadline_ms, sg_deadline(after_ms));
}

static int begin_tls(struct sg_http_conn *c, struct sg_tls_ctx *tls, int fd)
{
    if (!tls)
        return sg_fd_nonblocking(fd);
    c->phase = SG_HTTP_HANDSHAKE;
    return sg_tls_server_new(&c->stream.tls, tls, fd);
}

int sg_http_conn_new(struct sg_http_conn **ret, struct sg_http_server *s, int fd)
{
    const struct sg_http_server_options *o = &sg_http_settings(s)->o;
    SG_CLEANUP(sg_http_conn_freep) struct sg_http_conn *c = calloc(1, sizeof(*c));
    if (!c)
        return sg_raise(-ENOMEM);
    c->server = s;
    pthread_mutex_init(&c->turn, NULL);
    c->wants = POLLIN;
    c->phase = SG_HTTP_HEAD;
    c->stream = (struct sg_stream){.fd = -1, .timeout_ms = o->io_timeout_ms};
    c->out = (struct sg_buf)SG_BUF_INIT_SECRET(SG_HTTP_OUT_SIZE + 64);
    sg_http_head_init(&c->head, SG_HTTP_REQUEST);
    sg_http_target_init(&c->target);
    int r = begin_tls(c, o->tls, fd);
    if (r < 0)
        return r;
    c->stream.fd = fd;
    sg_http_conn_until(c, o->head_timeout_ms);
    *ret = TAKE_PTR(c);
    return 0;
}

void sg_http_conn_free(struct sg_http_conn *c)
{
    if (!c)
        return;
    if (c->cut)
        sg_stream_cut(&c->stream);
    else
        sg_stream_close(&c->stream);
    sg_http_head_clear(&c->head);
    sg_http_target_clear(&c->target);
    sg_buf_clear(&c->out);
    sg_inbox_wipe(&c->in);
    pthread_mutex_destroy(&c->turn);
    free(c);
}

/* ---- lingering ---- */

static enum sg_http_verdict linger(struct sg_http_conn *c)
{
    uint8_t scrap[16384];
    while (c->lingered < SG_HTTP_LINGER_MAX) {
        ssize_t n = recv(c->stream.fd, scrap, sizeof(scrap), MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return SG_HTTP_PARK;
        if (n <= 0)
            break;
        c->lingered += (size_t)n;
    }
    return SG_HTTP_CLOSE;
}

static enum sg_http_verdict begin_linger(struct sg_http_conn *c)
{
    sg_stream_end(&c->stream);
    c->phase = SG_HTTP_LINGER;
    c->wants = POLLIN;
    sg_http_conn_until(c, sg_http_stopping(c->server) ? SG_HTTP_LINGER_STOP_MS : SG_HTTP_LINGER_MS);
    return linger(c);
}

/* ---- exchange ---- */

/* An error found before there is anything to hand to the handler. */
static enum sg_http_verdict refuse_head(struct sg_http_conn *c, int status)
{
    struct sg_http_exchange x;
    sg_http_exchange_init(&x, c);
    sg_stream_grant(&c->stream);
    sg_http_refuse(&x, status);
    sg_http_count_reply(x.status);
    return begin_linger(c);
}

static bool peer_expired(const struct sg_http_conn *c)
{
    const struct sg_tls *tls = c->stream.tls;
    int64_t not_before_s, not_after_s;
    if (!tls || !*sg_tls_peer_uri(tls))
        return false;
    sg_cert_validity(sg_tls_peer_cert(tls), &not_before_s, &not_after_s);
    return sg_http_settings(c->server)->o.unix_s() > not_after_s;
}

static int open_exchange(struct sg_http_exchange *x, struct sg_http_conn *c)
{
    struct sg_http_head *h = &c->head;
    sg_http_exchange_init(x, c);
    sg_stream_grant(&c->stream);
    x->old = h->minor == 0;
    x->owes_100 = h->expect_continue;
    x->close = peer_expired(c);
    x->head_only = strcmp(sg_http_head_method(h), "HEAD") == 0;
    sg_http_body_init(&x->body, h->framing, h->content_length);
    return sg_http_target_parse(&c->target, sg_http_head_method(h), sg_http_head_target(h),
                                sg_http_head_field(h, "Host"));
}

/* What the handler said, against what it did. */
static void settle(struct sg_http_exchange *x, int r)
{
    if (r > 0 && !x->failed)
        r = sg_fold(r);
    if (r == 0 && x->reply != SG_HTTP_ANSWERED && !x->failed)
        r = sg_raisef(-EPROTO, "handler left a request without a whole reply");
    if (r < 0 && !x->gone)
        sg_log_failure("http.handler", r);
    if (x->reply == SG_HTTP_UNANSWERED)
        sg_http_refuse(x, 500);
}

static enum sg_http_verdict exchange(struct sg_http_conn *c)
{
    const struct sg_http_settings *s = sg_http_settings(c->server);
    struct sg_http_exchange x;
    int r = open_exchange(&x, c);
    if (r)
        sg_http_refuse(&x, r < 0 ? 500 : 400);
    else if (c->head.framing == SG_HTTP_LENGTH && c->head.content_length > s->o.body_max)
        sg_http_refuse(&x, 413);
    else
        settle(&x, s->fn(s->user, &x));
    bool keep = x.reply == SG_HTTP_ANSWERED && !x.close && sg_http_exchange_drain(&x);
    sg_buf_clear(&x.extra);
    sg_http_count_reply(x.status);
    if (x.gone || x.reply != SG_HTTP_ANSWERED) {
        c->cut = true;
        return SG_HTTP_CLOSE;
    }
    if (!keep)
        return begin_linger(c);
    sg_http_head_reset(&c->head);
    sg_inbox_wipe(&c->in);
    c->head_timed = false;
    sg_http_conn_until(c, s->o.idle_timeout_ms);
    return SG_HTTP_GO_ON;
}

/* ---- head ---- */

/* What has come, without waiting.  */
static enum sg_http_verdict fill(struct sg_http_conn *c)
{
    size_t n = 0;
    int r = sg_stream_read_now(&c->stream, c->in.data, sizeof(c->in.data), &n);
    c->wants = POLLIN;
    if (r == SG_STREAM_TIMEOUT)
        return SG_HTTP_PARK;
    if (r)
        return SG_HTTP_CLOSE;
    sg_inbox_filled(&c->in, n);
    return SG_HTTP_GO_ON;
}

static enum sg_http_verdict feed_head(struct sg_http_conn *c)
{
    size_t used = 0;
    int r = sg_http_head_feed(&c->head, sg_inbox_bytes(&c->in), &used);
    if (r < 0)
        return refuse_head(c, 503);
    if (r > SG_HTTP_PARSE_MORE)
        return refuse_head(c, sg_http_parse_status(r));
    sg_inbox_took(&c->in, used);
    if (r == 0)
        return exchange(c);
    if (!c->head_timed) {
        c->head_timed = true;
        sg_http_conn_until(c, sg_http_settings(c->server)->o.head_timeout_ms);
    }
    return SG_HTTP_GO_ON;
}

/* Requests one after the other, those sent ahead included, until the next head is not all here. */
static enum sg_http_verdict serve(struct sg_http_conn *c)
{
    for (;;) {
        enum sg_http_verdict v = c->in.len ? feed_head(c) : fill(c);
        if (v)
            return v;
        if (sg_http_stopping(c->server) && !sg_http_head_begun(&c->head) && c->in.len == 0)
            return begin_linger(c);
        if (c->in.len == 0 && !c->head_timed && !sg_stream_pending(&c->stream))
            return SG_HTTP_PARK;
    }
}

static enum sg_http_verdict shake_hands(struct sg_http_conn *c)
{
    int r = sg_tls_handshake_step(c->stream.tls, &c->wants);
    if (r == SG_TLS_TIMEOUT)
        return SG_HTTP_PARK;
    if (r == SG_TLS_REFUSED)
        sg_http_count_refused();
    if (r)
        return SG_HTTP_CLOSE;
    c->phase = SG_HTTP_HEAD;
    sg_http_conn_until(c, sg_http_settings(c->server)->o.head_timeout_ms);
    return serve(c);
}

enum sg_http_verdict sg_http_conn_event(struct sg_http_conn *c, bool expired)
{
    if (expired) {
        if (c->phase == SG_HTTP_HEAD && sg_http_head_begun(&c->head))
            refuse_head(c, sg_http_stopping(c->server) ? 503 : 408);
        return SG_HTTP_CLOSE;
    }
    switch (atomic_load(&c->phase)) {
    case SG_HTTP_HANDSHAKE:
        return shake_hands(c);
    case SG_HTTP_HEAD:
        return serve(c);
    default:
        return linger(c);
    }
}
