#pragma once
/*
 * tls state - what tls-ctx.c, tls-bio.c and tls.c share; OpenSSL does not appear outside them.
 */
#include "tls-int.h"
#include <openssl/ssl.h>
#include <pthread.h>

#define SG_TLS_URI_MAX      256
#define SG_TLS_READ_BUFFER  65536 /* one recv takes up to this: four full records */
#define SG_TLS_WRITE_BUFFER 66560 /* one send takes up to this: four full records and headers */

struct sg_tls_ctx {
    bool server;
    enum sg_tls_peer peer;
    pthread_mutex_t lock;
    SSL_CTX *ssl;   /* under lock; every SSL holds a reference of its own */
    bool has_roots; /* under lock */
};

struct sg_tls {
    SSL *ssl;
    enum sg_tls_peer peer;
    bool has_roots;
    int fd;
    bool untrusted;         /* some certificate of the peer's chain was judged bad */
    bool established;       /* handshake done */
    bool broken;            /* nothing more can be sent or trusted */
    bool eof;               /* the socket's end was seen */
    const char *expect_uri; /* the caller's, during the handshake only */
    struct sg_cert *peer_cert;
    char uri[SG_TLS_URI_MAX];
    int io_errno; /* last failure of the socket that was not EAGAIN */
    /* Sealed records on their way to the socket. */
    uint8_t *out;
    size_t out_len, out_sent;
};

SG_MUST_USE int sg_tls_raise(int negative_errno, const char *what);
/* Puts our socket below t->ssl. */
SG_MUST_USE int sg_tls_bio_new(struct sg_tls *t);
/* One send's worth from out; 0, SG_TLS_TIMEOUT (would block), -errno. */
SG_MUST_USE int sg_tls_flush_step(struct sg_tls *t);
/* A session under the context's present identity, for t. */
SG_MUST_USE int sg_tls_session_new(struct sg_tls_ctx *c, struct sg_tls *t);
void sg_tls_uri_of(X509 *x, char ret[SG_TLS_URI_MAX]);
