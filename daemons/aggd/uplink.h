#pragma once
/*
 * uplink - the one mTLS connection to an authenticator, on its own thread: takes frames from the
 * backlog and handshake datagrams from a short queue, hands back what authenticators send down.
 *
 *   DOWN --try next address--> (TCP, TLS, identity spiffe://sealgrid/authd) --ok--> UP
 *   UP --closed, cut, malformed, silent--> DOWN: the backlog's sent frames wait again
 *   UP, not with the first --a better one answers--> outstanding frames are waited for --> UP with
 * it A round through all addresses without success waits, 250 ms doubling to 5 s.  Better ones are
 * tried every back_ms, on a thread beside; the longer apart the more often they failed.
 *
 * Owns: its threads, its identity (from casd, renewed before the certificate runs out).
 */
#include "backlog.h"

#include <sealgrid/base/conf.h>
#include <sealgrid/cas/client.h>

struct agg_uplink;
struct sg_tls;

struct agg_uplink_options {
    struct agg_backlog *backlog;               /* borrowed */
    const struct sg_conf_list *authenticators; /* borrowed; first choice first */
    const struct sg_cas_bootstrap *bootstrap;  /* borrowed */
    const char *expect_uri;
    size_t window_frames; /* sent and not done at once */
    size_t window_bytes;
    int64_t back_ms; /* how often authenticators before the present one are tried; 0: never */
    /* A datagram for a meter; called on the uplink's thread. */
    void (*down)(void *user, uint64_t handle, struct sg_bytes frame);
    void *user;
    /* Tests: a connection in place of one over TCP with the identity from casd.  Any thread. */
    int (*dial)(void *user, const char *address, struct sg_tls **ret);
};

SG_MUST_USE int agg_uplink_start(struct agg_uplink **ret, const struct agg_uplink_options *o);
void agg_uplink_stop(struct agg_uplink *u); /* joins and frees; NULL accepted */
bool agg_uplink_is_up(const struct agg_uplink *u);
/* Something was added to the backlog. */
void agg_uplink_kick(struct agg_uplink *u);
/* A handshake datagram (copied): sent if the uplink is up and its queue has room, else dropped: the
 * meter asks again. */
enum agg_uplink_outcome { AGG_UPLINK_DOWN = 1, AGG_UPLINK_FULL };
SG_MUST_USE int agg_uplink_handshake(struct agg_uplink *u, uint64_t handle,
                                     struct sg_bytes datagram);
