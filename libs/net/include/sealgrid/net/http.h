#pragma once
/*
 * http - strict HTTP/1.1 (RFC 9112) server and client over TLS.
 *
 * The message parser (http-parser.h) is sans-I/O.  The server accepts on its own threads; a request
 * is handled on one of its workers by straight-line blocking code with deadlines, so that a slow
 * peer holds a worker only for a bounded time and bodies stream both ways with back pressure.
 * Refused with 400 and close: bare LF, obs-fold, both Content-Length and Transfer-Encoding,
 * differing Content-Lengths, any transfer coding but a lone final chunked, space before a colon,
 * control characters, absent or double Host.  Limits below, each answered by its own status (414,
 * 431, 413).
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/net/http-parser.h> /* SG_HTTP_LINE_MAX, SG_HTTP_HEADERS_MAX, SG_HTTP_HEAD_MAX */
#include <sealgrid/net/tls.h>

struct sg_http_exchange; /* one request and its reply, on one worker thread */
struct sg_http_server;

/* A connection ends with the first exchange after its peer's verified certificate expired: who is
 * no longer granted an identity does not live on in an old stream. */
struct sg_http_server_options {
    const char *listen;       /* "127.0.0.1:0" */
    struct sg_tls_ctx *tls;   /* borrowed; NULL: plain HTTP (tests and /metrics on loopback only) */
    unsigned workers;         /* 0: 8 */
    unsigned max_connections; /* 0: 256; past it new ones are closed at once */
    uint64_t body_max;        /* 0: 64 MiB; a handler may lower it */
    int head_timeout_ms;      /* 0: 10,000 */
    int io_timeout_ms;        /* 0: 30,000: one read or write */
    int idle_timeout_ms;      /* 0: 60,000: keep-alive */
    int64_t (*unix_s)(void);  /* NULL: the world's clock */
};

/* Must answer with one of the replies below, else the peer gets 500.  Negative: logged, 500 if
 * nothing was sent, else the connection is cut.  Called on any of the workers, several at once.
 * Judge the peer before reading its body: until then it holds the worker for a moment only.  Body
 * octets left unread are dropped. */
typedef int (*sg_http_handler)(void *user, struct sg_http_exchange *x);

SG_MUST_USE int sg_http_server_start(struct sg_http_server **ret,
                                     const struct sg_http_server_options *o, sg_http_handler fn,
                                     void *user);
uint16_t sg_http_server_port(const struct sg_http_server *s);
/* Stops accepting, lets running exchanges end for grace_ms, joins the threads. */
void sg_http_server_stop(struct sg_http_server *s, int grace_ms);
void sg_http_server_free(struct sg_http_server *s);
SG_DEFINE_FREEP(struct sg_http_server, sg_http_server_free)

/* Request; borrowed for the length of the exchange. */
const char *sg_http_method(const struct sg_http_exchange *x);
const char *sg_http_path(const struct sg_http_exchange *x); /* percent-decoded, no query, no NUL */
const char *sg_http_raw_target(const struct sg_http_exchange *x);
/* Decoded value of a query parameter, NULL if absent. */
const char *sg_http_query(const struct sg_http_exchange *x, const char *name);
const char *sg_http_header(const struct sg_http_exchange *x, const char *name); /* NULL if absent */
struct sg_tls *sg_http_tls(struct sg_http_exchange *x);
/* From where the connection came: an IPv4 address as ::ffff:a.b.c.d, of IPv6 the network of 64 bits
 * (who has one address of it has all); zeros if that cannot be told. */
#define SG_HTTP_ORIGIN_LEN 16
void sg_http_origin(const struct sg_http_exchange *x, uint8_t ret[SG_HTTP_ORIGIN_LEN]);
/* Whole body: SG_HTTP_TOO_LARGE past max (413 was sent). */
enum sg_http_outcome {
    SG_HTTP_TOO_LARGE = 1, /* server: 413 was sent */
    SG_HTTP_PEER_GONE,     /* connection lost, or too slow (server: 408 was sent if it could be) */
    SG_HTTP_BAD,           /* not HTTP (server: 400 was sent) */
};
SG_MUST_USE int sg_http_read_all(struct sg_http_exchange *x, size_t max, struct sg_buf *ret);
/* Next piece of the body, *ret_n 0 at its end. */
SG_MUST_USE int sg_http_read(struct sg_http_exchange *x, void *p, size_t n, size_t *ret_n);
/* After a positive outcome of these two the reply is settled: the handler just returns. */

/* Replies: 0 or -errno (a peer that went away is -EPIPE, -ECONNRESET or -ETIMEDOUT; a handler
 * may return that, it is not logged as ours).
 * Header lines to add before the reply begins: name and value are checked (-EINVAL). */
SG_MUST_USE int sg_http_add_header(struct sg_http_exchange *x, const char *name, const char *value);
SG_MUST_USE int sg_http_reply(struct sg_http_exchange *x, int status, const char *content_type,
                              struct sg_bytes body);
/* {"error":{"code":"...","message":"..."}} */
SG_MUST_USE int sg_http_reply_error(struct sg_http_exchange *x, int status, const char *code,
                                    const char *message);
/* Streamed, chunked (or close-delimited for HTTP/1.0). */
SG_MUST_USE int sg_http_reply_begin(struct sg_http_exchange *x, int status,
                                    const char *content_type);
SG_MUST_USE int sg_http_reply_write(struct sg_http_exchange *x, struct sg_bytes piece);
/* Pieces are gathered into chunks of up to 64 KiB; this sends what there is. */
SG_MUST_USE int sg_http_reply_flush(struct sg_http_exchange *x);
SG_MUST_USE int sg_http_reply_end(struct sg_http_exchange *x);

/* ---- client: one kept-alive connection, one thread at a time; reconnects when idle-closed ---- */
struct sg_http_client;

struct sg_http_client_options {
    const char *connect;     /* "127.0.0.1:7443" */
    struct sg_tls_ctx *tls;  /* borrowed; NULL: plain */
    const char *expect_uri;  /* service identity, or NULL */
    const char *expect_host; /* or NULL */
    int connect_timeout_ms;  /* 0: 5,000 */
    int io_timeout_ms;       /* 0: 30,000 */
    uint64_t body_max;       /* of sg_http_call; 0: 64 MiB */
};

/* Options are copied; nothing is connected yet. */
SG_MUST_USE int sg_http_client_new(struct sg_http_client **ret,
                                   const struct sg_http_client_options *o);
void sg_http_client_free(struct sg_http_client *c);
SG_DEFINE_FREEP(struct sg_http_client, sg_http_client_free)

struct sg_http_field {
    const char *name, *value;
};

/*
 * One request, whole body each way.  A GET, HEAD, PUT or DELETE on a connection that the server
 * closed while idle is sent once more on a new one; a POST only if not one octet of it was sent.
 * 0 (also for 4xx and 5xx); SG_HTTP_TOO_LARGE: the answer passes body_max or ret_body->max;
 * SG_HTTP_PEER_GONE: the connection was lost or too slow before the whole answer came (whether the
 * request took effect is unknown); SG_HTTP_BAD: the answer is not HTTP.  Failures to connect:
 * negative errno (-ECONNREFUSED, -ETIMEDOUT, ...), -EACCES when either side refused the other in
 * TLS.  A final answer that comes before the whole body is sent ends the sending.  The answer's
 * body is appended to ret_body; on failure ret_body is as before.
 */
SG_MUST_USE int sg_http_call(struct sg_http_client *c, const char *method, const char *target,
                             const struct sg_http_field *fields, size_t n_fields,
                             struct sg_bytes body, int *ret_status, struct sg_buf *ret_body);
/* Streamed answer: begin, then read until *ret_n is 0.  Until then the client is busy; abandoning
 * it midway (sg_http_call_end) closes the connection. */
SG_MUST_USE int sg_http_call_begin(struct sg_http_client *c, const char *method, const char *target,
                                   const struct sg_http_field *fields, size_t n_fields,
                                   struct sg_bytes body, int *ret_status);
SG_MUST_USE int sg_http_call_read(struct sg_http_client *c, void *p, size_t n, size_t *ret_n);
void sg_http_call_end(struct sg_http_client *c);
/* The TLS stream of the current connection (NULL before the first call); connects if needed with
 * sg_http_client_connect. */
SG_MUST_USE int sg_http_client_connect(struct sg_http_client *c);
struct sg_tls *sg_http_client_tls(struct sg_http_client *c);
