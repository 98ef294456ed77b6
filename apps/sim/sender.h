#pragma once
/*
 * sender - many meters over one loop, real or simulated: sessions, sockets, windows.
 *
 * Takes blocks from a source, keeps each in its session until it is settled, stops the loop when
 * all are or when nothing has been settled for too long.
 * Owns: sessions and sockets.  Borrows: loop, fleet, authenticators.  Loop thread only.
 */
#include "modes.h"

#include <sealgrid/meter/session.h>
#include <sealgrid/net/loop.h>

/* Where blocks come from: the fleet's own, or one made up by a test of the platform. */
struct sim_source {
    uint32_t (*blocks)(void *user, uint32_t meter);
    uint32_t (*readings)(void *user, uint32_t meter, uint32_t block);
    int (*make)(void *user, uint32_t meter, uint32_t block, struct sg_buf *ret);
    void *user;
};
struct sim_source sim_fleet_source(struct sim_fleet *f);

struct sim_sender_config {
    const struct sim_fleet *fleet; /* with keys */
    uint32_t first_meter, n_meters;
    struct sim_source source;
    const struct sg_addr *aggregators;
    size_t n_aggregators;
    const struct sg_edhoc_identity *const *authenticators;
    size_t n_authenticators;
    uint32_t window;    /* KiB in flight an aggregator, at most */
    int64_t timeout_ms; /* without anything settled */
    const char *record; /* file for uplink frames, or NULL */
    uint64_t record_max;
    bool hold;     /* record and do not send: done when every session is full or has no more */
    bool move;     /* halfway, to the next aggregator */
    bool progress; /* lines on standard error */
};

struct sim_sender;
SG_MUST_USE int sim_sender_new(struct sim_sender **ret, struct sg_loop *loop,
                               const struct sim_sender_config *c);
void sim_sender_free(struct sim_sender *s);
SG_DEFINE_FREEP(struct sim_sender, sim_sender_free)
/* All settled; before that false. */
bool sim_sender_done(const struct sim_sender *s);
/* Counters so far, added to *r. */
void sim_sender_report(const struct sim_sender *s, struct sim_report *r);

/* One recorded frame is be32 length and octets. */
#define SIM_RECORD_MAX ((size_t)1 << 30)
