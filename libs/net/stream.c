#include "stream-int.h"
#include <sealgrid/base/clock.h>
#include <sys/socket.h>

static int plain_read(int fd, void *p, size_t n, size_t *ret_n)
{
    ssize_t got;
    do
        got = recv(fd, p, n, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        *ret_n = (size_t)got;
        return 0;
    }
    if (got == 0)
        return SG_STREAM_CLOSED;
    return errno == EAGAIN ? SG_STREAM_TIMEOUT : sg_raise_errno();
}

static int plain_write_now(int fd, struct sg_bytes b, size_t *ret_n)
{
    ssize_t put;
    do
        put = send(fd, b.data, b.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (put < 0 && errno == EINTR);
    if (put < 0)
        return errno == EAGAIN ? SG_STREAM_TIMEOUT : sg_raise_errno();
    *ret_n = (size_t)put;
    return (size_t)put < b.len ? SG_STREAM_TIMEOUT : 0;
}

int sg_stream_read_now(struct sg_stream *s, void *p, size_t n, size_t *ret_n)
{
    return s->tls ? sg_tls_read(s->tls, p, n, 0, ret_n) : plain_read(s->fd, p, n, ret_n);
}

static int write_now(struct sg_stream *s, struct sg_bytes b, size_t *ret_n)
{
    return s->tls ? sg_tls_try_write(s->tls, b, ret_n) : plain_write_now(s->fd, b, ret_n);
}

static void reward(struct sg_stream *s, size_t n)
{
    s->patience_ms += (int64_t)n;
    if (s->patience_ms > s->timeout_ms)
        s->patience_ms = s->timeout_ms;
}

static int wait_for(struct sg_stream *s, short events)
{
    if (s->patience_ms <= 0)
        return SG_STREAM_TIMEOUT;
    int64_t begun = sg_clock_monotonic_ns();
    int r = sg_wait_fd(s->fd, events, sg_deadline((int)s->patience_ms));
    s->patience_ms -= (sg_clock_monotonic_ns() - begun) / 1000000;
    return r;
}

int sg_stream_read(struct sg_stream *s, void *p, size_t n, size_t *ret_n)
{
    for (;;) {
        size_t got = 0;
        int r = sg_stream_read_now(s, p, n, &got);
        if (r == 0) {
            reward(s, got);
            *ret_n = got;
            return 0;
        }
        if (r == SG_STREAM_TIMEOUT)
            r = wait_for(s, POLLIN);
        if (r)
            return r;
    }
}

int sg_stream_write(struct sg_stream *s, struct sg_bytes b)
{
    for (;;) {
        size_t put = 0;
        int r = write_now(s, b, &put);
        if (r < 0)
            return r;
        reward(s, put);
        if (put)
            b = SG_BYTES(b.data + put, b.len - put);
        if (r == 0 && b.len == 0)
            return 0;
        if (r == SG_STREAM_TIMEOUT) {
            r = wait_for(s, POLLOUT);
            if (r)
                return r < 0 ? r : sg_raise(-ETIMEDOUT);
        }
    }
}

bool sg_stream_pending(const struct sg_stream *s)
{
    return s->tls && sg_tls_pending(s->tls) > 0;
}

void sg_stream_end(struct sg_stream *s)
{
    if (s->tls)
        sg_tls_detach(TAKE_PTR(s->tls));
    shutdown(s->fd, SHUT_WR);
}

void sg_stream_close(struct sg_stream *s)
{
    if (s->tls)
        sg_tls_free(TAKE_PTR(s->tls));
    else if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

void sg_stream_cut(struct sg_stream *s)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    if (s->tls)
        sg_tls_spoil(s->tls);
    sg_stream_close(s);
}
