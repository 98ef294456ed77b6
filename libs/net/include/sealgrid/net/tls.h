#pragma once
/*
 * tls - TLS 1.3 (RFC 8446) over OpenSSL 3, nothing older, both sides authenticated by default.
 * A context is one identity plus one trust root set, usable from any number of threads; make one
 * per thread where throughput counts (OpenSSL 3 locks).  Streams are
 * blocking with a deadline; a stream is used by one thread at a time.
 * No resumption, no tickets, no early data, no renegotiation: every session starts with both
 * certificates.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/crypto/x509.h>

struct sg_tls_ctx;
struct sg_tls;

enum sg_tls_peer {
    SG_TLS_PEER_REQUIRED, /* certificate under our roots */
    SG_TLS_PEER_OPTIONAL, /* server: foreign clients that carry an API key instead */
    SG_TLS_PEER_ANY,      /* bootstrap only: any certificate, chain not judged; proof of key only.
                             A server takes a client without one too: check sg_tls_peer_cert. */
};

struct sg_tls_identity {
    const struct sg_cert *cert; /* leaf; may be NULL for an anonymous client */
    const struct sg_key *key;
    struct sg_cert *const *chain;
    size_t n_chain;
    struct sg_cert *const *roots;
    size_t n_roots;
};

/* Everything is copied or referenced: the caller may free its parts afterwards. */
SG_MUST_USE int sg_tls_ctx_new(struct sg_tls_ctx **ret, const struct sg_tls_identity *id,
                               bool server, enum sg_tls_peer peer);
/* A new identity (a renewed certificate, say) for every handshake from now on; streams that exist
 * keep the one they began with.  Any thread, while others use c.  On failure nothing changes. */
SG_MUST_USE int sg_tls_ctx_renew(struct sg_tls_ctx *c, const struct sg_tls_identity *id);
void sg_tls_ctx_free(struct sg_tls_ctx *c);
SG_DEFINE_FREEP(struct sg_tls_ctx, sg_tls_ctx_free)

enum sg_tls_outcome {
    SG_TLS_CLOSED = 1, /* clean end (close_notify) at a record boundary */
    SG_TLS_TIMEOUT,
    SG_TLS_REFUSED, /* handshake failed: certificate, version, name */
};

/* Own fd from success on.  Handshake done within timeout_ms.  A client checks that the
 * server's certificate carries expect_uri (a SPIFFE-style service identity) or expect_host (DNS
 * name or IP); one of them must be given unless peer is SG_TLS_PEER_ANY. */
SG_MUST_USE int sg_tls_accept(struct sg_tls **ret, struct sg_tls_ctx *c, int fd, int timeout_ms);
SG_MUST_USE int sg_tls_connect(struct sg_tls **ret, struct sg_tls_ctx *c, int fd,
                               const char *expect_uri, const char *expect_host, int timeout_ms);
void sg_tls_free(struct sg_tls *t); /* sends close_notify if it can, closes the descriptor */
SG_DEFINE_FREEP(struct sg_tls, sg_tls_free)

/*
 * At least one octet, *ret_n of at most n (n >= 1).  timeout_ms 0 never waits, negative waits for
 * ever.  0; SG_TLS_CLOSED; SG_TLS_TIMEOUT; SG_TLS_REFUSED: the peer refused our certificate, which
 * in TLS 1.3 a client hears only here; -ECONNRESET and the like when the connection was cut, which
 * is never taken for an end.
 */
SG_MUST_USE int sg_tls_read(struct sg_tls *t, void *p, size_t n, int timeout_ms, size_t *ret_n);
/* All of b, of any size.  0; SG_TLS_TIMEOUT, after which the stream is good for nothing but
 * sg_tls_free; -errno. */
SG_MUST_USE int sg_tls_write(struct sg_tls *t, struct sg_bytes b, int timeout_ms);
/* Never waits, for owners of an event loop: takes *ret_n octets of b (maybe none, maybe all).
 * 0: all that was ever taken is on its way; SG_TLS_TIMEOUT: some of it waits until the descriptor
 * is writable, then call again with the rest, even if that is empty. */
SG_MUST_USE int sg_tls_try_write(struct sg_tls *t, struct sg_bytes b, size_t *ret_n);
/* Not 0: a read would not wait (octets or the end are here already, which poll on the descriptor
 * does not show). */
size_t sg_tls_pending(const struct sg_tls *t);
int sg_tls_fd(const struct sg_tls *t);
/* The peer's certificate, borrowed; NULL if it sent none. */
const struct sg_cert *sg_tls_peer_cert(const struct sg_tls *t);
/* SubjectPublicKeyInfo (DER) of the certificate that this side showed on this connection, appended.
 * -ENODATA: none. */
SG_MUST_USE int sg_tls_own_spki(const struct sg_tls *t, struct sg_buf *ret);
/* The URI of the peer's certificate if its chain was verified under our roots, else "".  A
 * certificate with two URIs has none (SPIFFE X509-SVID, section 2). */
const char *sg_tls_peer_uri(const struct sg_tls *t);
/* RFC 8446 section 7.5 exporter with an empty context. */
SG_MUST_USE int sg_tls_export(struct sg_tls *t, const char *label, uint8_t *ret, size_t len);

/* Blocking TCP helpers: connected or listening descriptor (SO_REUSEADDR, TCP_NODELAY). */
SG_MUST_USE int sg_tcp_connect(const char *host_port, int timeout_ms, int *ret_fd);
/* Port 0 picks one; *ret_port says which. */
SG_MUST_USE int sg_tcp_listen(const char *host_port, int *ret_fd, uint16_t *ret_port);
