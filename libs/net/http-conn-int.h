#pragma once
/*
 * http conn - one connection of the server, and the exchange on it.
 *
 * A connection is either parked, armed once in the server's epoll, or held by the one worker that
 * got its event.  A parked connection costs no thread, whatever its peer does: handshakes and heads
 * are read as far as they have come, then parked again.  Only a whole head takes a worker.
 *
 *   HANDSHAKE -> HEAD -> (exchange) -> HEAD ... -> LINGER -> gone
 */
#include "stream-int.h"
#include <pthread.h>
#include <sealgrid/net/http.h>
#include <stdatomic.h>

#define SG_HTTP_OUT_SIZE 65536
/* Of a body that the handler left unread: up to so much is read to keep the connection, and no
 * worker waits longer than this for it. */
#define SG_HTTP_DRAIN_MAX 65536
#define SG_HTTP_DRAIN_MS  1000
/* Before closing, what the peer still sends is dropped, so that our last reply is not lost to a
 * reset: for so long, and so much. */
#define SG_HTTP_LINGER_MS      2000
#define SG_HTTP_LINGER_STOP_MS 100 /* while the server is being stopped */
#define SG_HTTP_LINGER_MAX     4194304

enum sg_http_phase { SG_HTTP_HANDSHAKE, SG_HTTP_HEAD, SG_HTTP_LINGER };
enum sg_http_holder { SG_HTTP_PARKED, SG_HTTP_HELD, SG_HTTP_EXPIRED };

struct sg_http_conn {
    struct sg_http_server *server;
    struct sg_http_conn *next, *prev; /* under the server's lock */
    pthread_mutex_t turn; /* held by its worker until it is armed again, and that call is over */
    _Atomic int holder;   /* enum sg_http_holder */
    _Atomic int64_t deadline_ms; /* while parked */
    _Atomic int phase;           /* enum sg_http_phase */
    struct sg_stream stream;
    short wants;     /* POLLIN or POLLOUT */
    bool head_timed; /* the head's time has begun to run */
    bool cut;        /* to be closed so that the peer cannot mistake it for an end */
    size_t lingered;
    struct sg_http_head head;
    struct sg_http_target target;
    struct sg_buf out;
    struct sg_inbox in;
};

enum sg_http_reply_state { SG_HTTP_UNANSWERED, SG_HTTP_ANSWERING, SG_HTTP_ANSWERED };

struct sg_http_exchange {
    struct sg_http_conn *conn;
    struct sg_http_body body;
    uint64_t body_read;
    struct sg_buf extra; /* field lines to add */
    enum sg_http_reply_state reply;
    bool head_only;  /* HEAD: no body in the reply */
    bool old;        /* HTTP/1.0 */
    bool owes_100;   /* the peer waits for 100 Continue */
    bool close;      /* this is the last exchange */
    bool chunked;    /* the reply is */
    bool gone;       /* the peer is */
    int status;      /* of the reply, 0 before it */
    int failed;      /* enum sg_http_outcome of the body, sticky */
    size_t chunk_at; /* in conn->out: where the open chunk's head will stand */
};

struct sg_http_settings {
    struct sg_http_server_options o; /* defaults filled in; strings not kept */
    sg_http_handler fn;
    void *user;
};

/* What conn_event leaves to the server. */
enum sg_http_verdict { SG_HTTP_GO_ON, SG_HTTP_PARK, SG_HTTP_CLOSE };

const struct sg_http_settings *sg_http_settings(const struct sg_http_server *s);
/* One exchange is over, or one handshake was refused. */
void sg_http_count_reply(int status);
void sg_http_count_refused(void);
bool sg_http_stopping(const struct sg_http_server *s);

SG_MUST_USE int sg_http_conn_new(struct sg_http_conn **ret, struct sg_http_server *s, int fd);
void sg_http_conn_free(struct sg_http_conn *c);
SG_DEFINE_FREEP(struct sg_http_conn, sg_http_conn_free)
/* Does what can be done without waiting for a head.  expired: the deadline has passed. */
enum sg_http_verdict sg_http_conn_event(struct sg_http_conn *c, bool expired);
void sg_http_conn_until(struct sg_http_conn *c, int after_ms);

void sg_http_exchange_init(struct sg_http_exchange *x, struct sg_http_conn *c);
/* The unread rest of the body, within bounds; false: the connection cannot be kept. */
bool sg_http_exchange_drain(struct sg_http_exchange *x);
/* Answers an error and makes this the last exchange, if nothing was answered yet. */
void sg_http_refuse(struct sg_http_exchange *x, int status);
