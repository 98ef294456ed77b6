#pragma once
/*
 * loop-sim - the simulated twin of the loop: one virtual clock and one network for any number of
 * nodes; same seed, same history.  Each node gets a struct sg_loop; running the simulation runs
 * them all, event by event, on the calling thread.
 */
#include <sealgrid/net/loop.h>

struct sg_sim;

struct sg_sim_network {
    double loss, duplicate, reorder;    /* probabilities 0..1 per datagram */
    int64_t delay_min_ms, delay_max_ms; /* each way; in order unless reordered */
};

SG_MUST_USE int sg_sim_new(struct sg_sim **ret, uint64_t seed, int64_t start_unix_s);
void sg_sim_free(struct sg_sim *s);
SG_DEFINE_FREEP(struct sg_sim, sg_sim_free)
void sg_sim_set_network(struct sg_sim *s, const struct sg_sim_network *n);
/* The loop is freed with sg_loop_free before the simulation. */
SG_MUST_USE int sg_sim_loop(struct sg_sim *s, struct sg_loop **ret);
/* Runs events until none is left, until_ms of virtual time has passed (which it then has, also if
 * nothing happened), or a node calls sg_loop_stop. */
SG_MUST_USE int sg_sim_run(struct sg_sim *s, int64_t until_ms);
/* Digest of all that has happened: two runs with equal digests had the same history. */
uint64_t sg_sim_history(const struct sg_sim *s);
