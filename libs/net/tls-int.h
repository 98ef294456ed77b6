#pragma once
/*
 * tls, inside the library - a server's handshake step by step, so that a peer which sends its
 * ClientHello octet by octet holds no thread; and deadlines shared by everything that waits.
 */
#include <poll.h>
#include <sealgrid/net/tls.h>

/* Owns fd from success on. */
SG_MUST_USE int sg_tls_server_new(struct sg_tls **ret, struct sg_tls_ctx *c, int fd);
/* 0 when done; SG_TLS_TIMEOUT: would wait for *ret_events (POLLIN or POLLOUT); SG_TLS_REFUSED;
 * -errno. */
SG_MUST_USE int sg_tls_handshake_step(struct sg_tls *t, short *ret_events);

/* Sends close_notify if it can and frees the stream, but not its descriptor. */
void sg_tls_detach(struct sg_tls *t);
/* No close_notify will be sent: the peer shall see a cut. */
void sg_tls_spoil(struct sg_tls *t);

/* Negative timeout_ms: never. */
int64_t sg_deadline(int timeout_ms);
/* 0 when one of events (or an error, which the next call will tell) is there; SG_TLS_TIMEOUT. */
SG_MUST_USE int sg_wait_fd(int fd, short events, int64_t deadline_ms);
SG_MUST_USE int sg_fd_nonblocking(int fd);
