#pragma once
/*
 * conn - one aggregator: a thread that reads its frames into the lanes and writes what lanes
 * answer. When a lane is full it stops reading (the aggregator keeps its frames), but never stops
 * writing. Counted references: its thread holds one, every frame in work another; answers for a
 * connection that has gone are dropped, the aggregator sends those frames again.
 */
#include <sealgrid/meter/agg-wire.h>

struct auth_conn;
struct auth_lanes;
struct sg_tls_ctx;

#define AUTH_CONNS_MAX 256

struct auth_conn_options {
    struct auth_lanes *lanes;
    struct sg_tls_ctx *tls; /* the server's; borrowed */
    const char *peer_uri;   /* whoever else connects is turned away */
};

/* A thread of its own for an accepted descriptor, TLS handshake included, so that a silent peer
 * holds up nobody.  Takes fd over in any case.  Ends by itself when the peer goes or stop is
 * called. */
SG_MUST_USE int auth_conn_start(const struct auth_conn_options *o, int fd);
/* Asks every connection to end and waits until all have. */
void auth_conns_stop(void);
size_t auth_conns_count(void);

struct auth_conn *auth_conn_ref(struct auth_conn *c);
void auth_conn_unref(struct auth_conn *c);
/* Any thread. */
void auth_conn_done(struct auth_conn *c, uint64_t number);
void auth_conn_down(struct auth_conn *c, uint64_t handle, struct sg_bytes frame);
/* Tests: a connection without a peer, whose answers are handed to fn. */
SG_MUST_USE int auth_conn_new_sink(struct auth_conn **ret,
                                   void (*fn)(void *user, const struct sg_agg_message *m),
                                   void *user);
