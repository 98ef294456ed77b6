#pragma once
/*
 * send - what every mode needs that talks to aggregators: fleet, trust, addresses, loop.
 */
#include "sender.h"

#define SIM_PEERS_MAX 64

struct sim_link {
    struct sim_fleet fleet;
    struct sg_edhoc_identity *authenticators[SIM_PEERS_MAX];
    size_t n_authenticators;
    struct sg_addr aggregators[SIM_PEERS_MAX];
    size_t n_aggregators;
    struct sg_loop *loop;
};

/* Cleared by sim_link_clear in any case. */
SG_MUST_USE int sim_link_open(struct sim_link *l, const struct sim_options *o);
void sim_link_clear(struct sim_link *l);
/* For all meters; the source is the caller's to set. */
struct sim_sender_config sim_link_config(const struct sim_link *l, const struct sim_options *o);
/* Runs to the end; ok: all settled and nothing refused. */
SG_MUST_USE int sim_link_run(struct sim_link *l, const struct sim_sender_config *c,
                             struct sim_report *report);
