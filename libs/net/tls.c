#include "tls-state-int.h"
#include <arpa/inet.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

/* ---- making a stream ---- */

/* The stream borrows fd until the caller says otherwise: sg_tls_free would close it. */
static int tls_new(struct sg_tls **ret, struct sg_tls_ctx *c, int fd)
{
    SG_CLEANUP(sg_tls_freep) struct sg_tls *t = calloc(1, sizeof(*t));
    if (!t)
        return sg_raise(-ENOMEM);
    t->fd = -1;
    t->out = malloc(SG_TLS_WRITE_BUFFER);
    if (!t->out)
        return sg_raise(-ENOMEM);
    int r = sg_tls_session_new(c, t);
    if (r == 0)
        r = sg_tls_bio_new(t);
    if (r == 0)
        r = sg_fd_nonblocking(fd);
    if (r < 0)
        return r;
    t->fd = fd;
    *ret = TAKE_PTR(t);
    return 0;
}

/* Frees t but leaves its descriptor to the caller. */
static void give_back_fd(struct sg_tls **t)
{
    if (*t) {
        (*t)->fd = -1;
        sg_tls_free(*t);
    }
}

int sg_tls_server_new(struct sg_tls **ret, struct sg_tls_ctx *c, int fd)
{
    sg_assert(c->server);
    int r = tls_new(ret, c, fd);
    if (r == 0)
        SSL_set_accept_state((*ret)->ssl);
    return r;
}

/* ---- handshake ---- */

static int keep_peer(struct sg_tls *t)
{
    X509 *x = SSL_get0_peer_certificate(t->ssl);
    if (!x)
        return 0;
    int r = sg_cert_of_x509(&t->peer_cert, x); /* decoding it again costs two signatures */
    if (r < 0)
        return r;
    if (t->has_roots && !t->untrusted && SSL_get_verify_result(t->ssl) == X509_V_OK)
        sg_tls_uri_of(x, t->uri);
    return 0;
}

static bool is_eof(void)
{
    unsigned long e = ERR_peek_error();
    return ERR_GET_LIB(e) == ERR_LIB_SSL && ERR_GET_REASON(e) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

/* The reason of a refusal goes to the trace; the refusal itself is an outcome. */
static int refused(const char *what)
{
    int raised = sg_tls_raise(-EACCES, what);
    (void)raised;
    return SG_TLS_REFUSED;
}

/* The connection ended where TLS did not: a cut must never look like an end. */
static int cut(struct sg_tls *t)
{
    ERR_clear_error();
    t->broken = true;
    bool reset = t->eof || t->io_errno == 0;
    return sg_raisef(reset ? -ECONNRESET : -t->io_errno, "connection cut");
}

int sg_tls_handshake_step(struct sg_tls *t, short *ret_events)
{
    ERR_clear_error();
    int done = SSL_do_handshake(t->ssl);
    if (done == 1) {
        t->established = true;
        return keep_peer(t);
    }
    switch (SSL_get_error(t->ssl, done)) {
    case SSL_ERROR_WANT_READ:
        *ret_events = POLLIN;
        return SG_TLS_TIMEOUT;
    case SSL_ERROR_WANT_WRITE:
        *ret_events = POLLOUT;
        return SG_TLS_TIMEOUT;
    case SSL_ERROR_SSL:
        if (is_eof())
            return cut(t);
        t->broken = true;
        return refused("TLS handshake");
    default:
        return cut(t);
    }
}

static int handshake(struct sg_tls *t, int64_t deadline_ms)
{
    for (;;) {
        short events = 0;
        int r = sg_tls_handshake_step(t, &events);
        if (r != SG_TLS_TIMEOUT)
            return r;
        r = sg_wait_fd(t->fd, events, deadline_ms);
        if (r)
            return r;
    }
}

int sg_tls_accept(struct sg_tls **ret, struct sg_tls_ctx *c, int fd, int timeout_ms)
{
    SG_CLEANUP(give_back_fd) struct sg_tls *t = NULL;
    int64_t deadline = sg_deadline(timeout_ms);
    int r = sg_tls_server_new(&t, c, fd);
    if (r == 0)
        r = handshake(t, deadline);
    if (r)
        return r;
    *ret = TAKE_PTR(t);
    return 0;
}

/* The name goes into verification itself, so that the server hears of a refusal as an alert. */
static int expect_host_name(SSL *ssl, const char *host)
{
    uint8_t ip[16];
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (inet_pton(AF_INET, host, ip) == 1 || inet_pton(AF_INET6, host, ip) == 1) {
        if (X509_VERIFY_PARAM_set1_ip_asc(param, host) != 1)
            return sg_tls_raise(-EINVAL, "expected address");
        return 0;
    }
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    /* The macro of SSL_set_tlsext_host_name casts const away. */
    if (SSL_set1_host(ssl, host) != 1 ||
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 (void *)(uintptr_t)host) != 1)
        return sg_tls_raise(-EINVAL, "expected host");
    return 0;
}

int sg_tls_connect(struct sg_tls **ret, struct sg_tls_ctx *c, int fd, const char *expect_uri,
                   const char *expect_host, int timeout_ms)
{
    sg_assert(!c->server);
    if (!expect_uri && !expect_host && c->peer != SG_TLS_PEER_ANY)
        return sg_raisef(-EINVAL, "no expected name");
    SG_CLEANUP(give_back_fd) struct sg_tls *t = NULL;
    int64_t deadline = sg_deadline(timeout_ms);
    int r = tls_new(&t, c, fd);
    if (r == 0 && expect_host)
        r = expect_host_name(t->ssl, expect_host);
    if (r < 0)
        return r;
    SSL_set_connect_state(t->ssl);
    t->expect_uri = expect_uri;
    r = handshake(t, deadline);
    t->expect_uri = NULL;
    if (r)
        return r;
    *ret = TAKE_PTR(t);
    return 0;
}

/* Best effort: never waits, and nobody is left to tell of a failure. */
static void say_goodbye(struct sg_tls *t)
{
    if (!t->established || t->broken || t->fd < 0)
        return;
    ERR_clear_error();
    if (SSL_shutdown(t->ssl) >= 0 && sg_tls_flush_step(t) != 0)
        t->broken = true;
}

void sg_tls_detach(struct sg_tls *t)
{
    say_goodbye(t);
    t->fd = -1;
    sg_tls_free(t);
}

void sg_tls_spoil(struct sg_tls *t)
{
    t->broken = true;
}

void sg_tls_free(struct sg_tls *t)
{
    if (!t)
        return;
    say_goodbye(t);
    ERR_clear_error();
    SSL_free(t->ssl);
    free(t->out);
    sg_cert_free(t->peer_cert);
    if (t->fd >= 0)
        close(t->fd);
    free(t);
}

/* ---- reading ---- */

/* A server that refuses our certificate can say so only after our handshake is done (TLS 1.3):
 * the alert comes with the first read.  Alerts 42..51 and 116 are about certificates. */
static bool is_certificate_alert(void)
{
    int reason = ERR_GET_REASON(ERR_peek_error()) - SSL_AD_REASON_OFFSET;
    return ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SSL &&
           ((reason >= 42 && reason <= 51) || reason == 116);
}

static int read_failed(struct sg_tls *t, int error)
{
    switch (error) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return SG_TLS_TIMEOUT;
    case SSL_ERROR_ZERO_RETURN:
        return SG_TLS_CLOSED;
    case SSL_ERROR_SSL:
        t->broken = true;
        if (is_eof())
            return cut(t);
        if (is_certificate_alert())
            return refused("TLS");
        return sg_tls_raise(-EPROTO, "TLS");
    default:
        return cut(t);
    }
}

/* One SSL_read; SG_TLS_TIMEOUT means nothing is there now. */
static int read_step(struct sg_tls *t, void *p, size_t n, size_t *ret_n)
{
    size_t got = 0;
    if (t->broken)
        return cut(t);
    ERR_clear_error();
    int ok = SSL_read_ex(t->ssl, p, n, &got);
    if (ok != 1)
        return read_failed(t, SSL_get_error(t->ssl, ok));
    *ret_n = got;
    return 0;
}

int sg_tls_read(struct sg_tls *t, void *p, size_t n, int timeout_ms, size_t *ret_n)
{
    sg_assert(n > 0);
    int r = read_step(t, p, n, ret_n);
    if (r != SG_TLS_TIMEOUT || timeout_ms == 0)
        return r;
    int64_t deadline = sg_deadline(timeout_ms);
    do {
        r = sg_wait_fd(t->fd, POLLIN, deadline);
        if (r == 0)
            r = read_step(t, p, n, ret_n);
        else
            return r;
    } while (r == SG_TLS_TIMEOUT);
    return r;
}

/* Read-ahead may hold a whole record that OpenSSL has not opened yet; poll would not tell. */
size_t sg_tls_pending(const struct sg_tls *t)
{
    uint8_t octet;
    size_t n = 0;
    if (SSL_pending(t->ssl) == 0 && SSL_has_pending(t->ssl)) {
        ERR_clear_error();
        int ok = SSL_peek_ex(t->ssl, &octet, 1, &n);
        /* A failure stays with the SSL, and the next read is where the caller hears of it. */
        if (ok != 1 && SSL_get_error(t->ssl, ok) != SSL_ERROR_WANT_READ)
            return 1;
    }
    return (size_t)SSL_pending(t->ssl);
}

/* ---- writing ---- */

#define RECORD_MAX 16384

/* Room for a whole record and its framing, so that OpenSSL never has to be retried. */
static bool has_room(const struct sg_tls *t)
{
    return SG_TLS_WRITE_BUFFER - t->out_len >= RECORD_MAX + 256;
}

static int seal_record(struct sg_tls *t, struct sg_bytes *left)
{
    size_t n = left->len < RECORD_MAX ? left->len : RECORD_MAX, put = 0;
    ERR_clear_error();
    if (SSL_write_ex(t->ssl, left->data, n, &put) != 1) {
        t->broken = true;
        return sg_tls_raise(-EPROTO, "TLS write");
    }
    left->data += put;
    left->len -= put;
    return 0;
}

int sg_tls_try_write(struct sg_tls *t, struct sg_bytes b, size_t *ret_n)
{
    struct sg_bytes left = b;
    if (t->broken)
        return cut(t);
    while (left.len && has_room(t)) {
        int r = seal_record(t, &left);
        if (r < 0)
            return r;
    }
    int r = sg_tls_flush_step(t);
    if (r < 0)
        return r;
    *ret_n = b.len - left.len;
    return r;
}

int sg_tls_write(struct sg_tls *t, struct sg_bytes b, int timeout_ms)
{
    int64_t deadline = INT64_MIN;
    for (;;) {
        size_t n = 0;
        int r = sg_tls_try_write(t, b, &n);
        if (r < 0)
            return r;
        if (n)
            b = SG_BYTES(b.data + n, b.len - n);
        if (r == 0 && b.len == 0)
            return 0;
        if (r == 0)
            continue;
        if (deadline == INT64_MIN)
            deadline = sg_deadline(timeout_ms);
        r = sg_wait_fd(t->fd, POLLOUT, deadline);
        if (r) {
            t->broken = true;
            return r;
        }
    }
}

/* ---- facts ---- */

int sg_tls_fd(const struct sg_tls *t)
{
    return t->fd;
}

int sg_tls_own_spki(const struct sg_tls *t, struct sg_buf *ret)
{
    const X509 *own = SSL_get_certificate(t->ssl);
    unsigned char *der = NULL;
    int len = own ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(own), &der) : 0;
    if (len <= 0)
        return sg_raise(-ENODATA);
    int r = sg_buf_append(ret, SG_BYTES(der, (size_t)len));
    OPENSSL_free(der);
    return r;
}

const struct sg_cert *sg_tls_peer_cert(const struct sg_tls *t)
{
    return t->peer_cert;
}

const char *sg_tls_peer_uri(const struct sg_tls *t)
{
    return t->uri;
}

int sg_tls_export(struct sg_tls *t, const char *label, uint8_t *ret, size_t len)
{
    /* In TLS 1.3 an absent context and an empty one are the same. */
    if (!t->established ||
        SSL_export_keying_material(t->ssl, ret, len, label, strlen(label), NULL, 0, 0) != 1)
        return sg_tls_raise(-EINVAL, "TLS exporter");
    return 0;
}
