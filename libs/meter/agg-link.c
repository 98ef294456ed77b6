/* agg-link - the pump of one aggregator connection. */
#include <poll.h>
#include <sealgrid/meter/agg-link.h>
#include <sealgrid/net/tls.h>

#define READ_CHUNK 65536
#define READ_ROUND (1u << 20)

struct sg_agg_link {
    struct sg_tls *tls;
    struct sg_buf in, out;
    size_t out_sent;  /* front of out that is gone already */
    bool write_waits; /* the descriptor must become writable first */
};

int sg_agg_link_new(struct sg_agg_link **ret, struct sg_tls *tls, size_t out_max)
{
    struct sg_agg_link *l = calloc(1, sizeof *l);
    if (!l)
        return sg_raise(-ENOMEM);
    l->in.max = READ_ROUND + READ_CHUNK + SG_AGG_MESSAGE_MAX;
    l->out.max = out_max;
    l->tls = tls;
    *ret = l;
    return 0;
}

void sg_agg_link_free(struct sg_agg_link *l)
{
    if (!l)
        return;
    sg_tls_free(l->tls);
    sg_buf_clear(&l->in);
    sg_buf_clear(&l->out);
    free(l);
}

struct sg_tls *sg_agg_link_tls(struct sg_agg_link *l)
{
    return l->tls;
}

size_t sg_agg_link_room(const struct sg_agg_link *l)
{
    return l->out.max - l->out.len;
}

int sg_agg_link_put(struct sg_agg_link *l, const struct sg_agg_message *m)
{
    return sg_agg_encode(m, &l->out);
}

static int send_some(struct sg_agg_link *l)
{
    size_t n = 0;
    struct sg_bytes rest = SG_BYTES(l->out.data + l->out_sent, l->out.len - l->out_sent);
    if (rest.len == 0 && !l->write_waits)
        return 0;
    int r = sg_tls_try_write(l->tls, rest, &n);
    if (r < 0)
        return r;
    l->write_waits = r == SG_TLS_TIMEOUT;
    l->out_sent += n;
    /* Moved to the front seldom enough to cost nothing. */
    if (l->out_sent == l->out.len || l->out_sent > l->out.max / 2) {
        sg_buf_consume(&l->out, l->out_sent);
        l->out_sent = 0;
    }
    return 0;
}

static int wait_for_work(struct sg_agg_link *l, int wake_fd, int timeout_ms, bool reading)
{
    struct pollfd p[2] = {{.fd = sg_tls_fd(l->tls)}, {.fd = wake_fd, .events = POLLIN}};
    if (reading)
        p[0].events = POLLIN;
    if (l->write_waits)
        p[0].events = (short)(p[0].events | POLLOUT);
    if (reading && sg_tls_pending(l->tls))
        timeout_ms = 0;
    if (poll(p, 2, timeout_ms) < 0 && errno != EINTR)
        return sg_raise_errno();
    return 0;
}

/* 0; SG_TLS_TIMEOUT: nothing more now; other outcomes and failures of sg_tls_read. */
static int receive_some(struct sg_agg_link *l)
{
    size_t start = l->in.len, n;
    uint8_t *p;
    while (l->in.len - start < READ_ROUND) {
        int r = sg_buf_extend(&l->in, READ_CHUNK, &p);
        if (r)
            return r;
        r = sg_tls_read(l->tls, p, READ_CHUNK, 0, &n);
        l->in.len -= READ_CHUNK - (r ? 0 : n);
        if (r)
            return r;
    }
    return 0;
}

static int hand_over(struct sg_agg_link *l, sg_agg_link_fn fn, void *user)
{
    struct sg_reader r = sg_reader_over(sg_buf_bytes(&l->in));
    struct sg_agg_message m;
    int e = 0;
    while (e == 0 && (e = sg_agg_take(&r, &m)) == 0)
        e = fn(user, &m);
    sg_buf_consume(&l->in, l->in.len - r.left);
    switch (e) {
    case SG_AGG_PARTIAL:
        return 0;
    case SG_AGG_MALFORMED:
        return SG_AGG_LINK_MALFORMED;
    default:
        return e;
    }
}

int sg_agg_link_pump(struct sg_agg_link *l, int wake_fd, int timeout_ms, bool reading,
                     sg_agg_link_fn fn, void *user)
{
    int r = send_some(l);
    r = r ? r : wait_for_work(l, wake_fd, timeout_ms, reading);
    if (r || !reading)
        return r;
    int end = receive_some(l);
    r = hand_over(l, fn, user);
    if (r)
        return r;
    switch (end) {
    case 0:
    case SG_TLS_TIMEOUT:
        return 0;
    case SG_TLS_CLOSED:
    case SG_TLS_REFUSED:
        return SG_AGG_LINK_CLOSED;
    default:
        return end;
    }
}
