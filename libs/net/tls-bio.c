/*
 * The stream below OpenSSL: recv and send without signals.  Records are gathered, so that one send
 * carries several; sg_tls_write and the handshake say when they must go.
 */
#include "tls-state-int.h"
#include <openssl/bio.h>
#include <pthread.h>
#include <sys/socket.h>

int sg_tls_flush_step(struct sg_tls *t)
{
    while (t->out_sent < t->out_len) {
        ssize_t n = send(t->fd, t->out + t->out_sent, t->out_len - t->out_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return SG_TLS_TIMEOUT;
        if (n < 0) {
            t->io_errno = errno;
            t->broken = true;
            return sg_raise(-t->io_errno);
        }
        t->out_sent += (size_t)n;
    }
    t->out_len = t->out_sent = 0;
    return 0;
}

static int bio_write(BIO *b, const char *data, size_t n, size_t *ret_n)
{
    struct sg_tls *t = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (n > SG_TLS_WRITE_BUFFER - t->out_len) {
        int r = sg_tls_flush_step(t);
        if (r < 0)
            return 0;
        if (r > 0 || n > SG_TLS_WRITE_BUFFER) {
            BIO_set_retry_write(b);
            return 0;
        }
    }
    memcpy(t->out + t->out_len, data, n);
    t->out_len += n;
    *ret_n = n;
    return 1;
}

static int bio_read(BIO *b, char *data, size_t n, size_t *ret_n)
{
    struct sg_tls *t = BIO_get_data(b);
    ssize_t got;
    BIO_clear_retry_flags(b);
    do
        got = recv(t->fd, data, n, 0);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        *ret_n = (size_t)got;
        return 1;
    }
    if (got < 0 && errno == EAGAIN)
        BIO_set_retry_read(b);
    else if (got < 0)
        t->io_errno = errno;
    else
        t->eof = true;
    return 0;
}

static long bio_ctrl(BIO *b, int command, long number, void *pointer)
{
    (void)number, (void)pointer;
    struct sg_tls *t = BIO_get_data(b);
    switch (command) {
    case BIO_CTRL_EOF:
        return t->eof;
    case BIO_CTRL_FLUSH: {
        BIO_clear_retry_flags(b);
        int r = sg_tls_flush_step(t);
        if (r > 0)
            BIO_set_retry_write(b);
        return r == 0 ? 1 : -1;
    }
    default:
        return 0;
    }
}

static int bio_create(BIO *b)
{
    BIO_set_init(b, 1);
    return 1;
}

static BIO_METHOD *method;

/* Once per process: OpenSSL has no more than 127 types of BIO to give. */
static void make_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "sealgrid socket");
    if (m && BIO_meth_set_write_ex(m, bio_write) == 1 && BIO_meth_set_read_ex(m, bio_read) == 1 &&
        BIO_meth_set_ctrl(m, bio_ctrl) == 1 && BIO_meth_set_create(m, bio_create) == 1)
        method = m;
    else
        BIO_meth_free(m);
}

int sg_tls_bio_new(struct sg_tls *t)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_method);
    BIO *b = method ? BIO_new(method) : NULL;
    if (!b)
        return sg_tls_raise(-ENOMEM, "TLS stream");
    BIO_set_data(b, t);
    SSL_set_bio(t->ssl, b, b);
    return 0;
}
