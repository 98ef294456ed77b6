#pragma once
/*
 * ingest-rig - the authenticator's own lanes over a store of our own, in one process: what
 * sealgrid-authd and sealgrid-kvsd do with a frame, without the two connections.
 * Owns: fleet, store, lanes.  One at a time in a process: the authenticator's counters are global.
 */
#include "ingest-fleet.h"

#define RIG_VOLUMES 3
#define RIG_LANES   2

struct rig;

/* Everything of one measurement. */
struct rig_lap {
    int64_t wall_ns, cpu_ns; /* from the first frame given to the last answer got */
    uint64_t blocks, batches;
};
/* What one block puts into the store's index, on the average of a lap. */
struct rig_shape {
    double entries; /* sealed pages and heads */
    double octets;  /* of all of them, in one copy */
};

/* folder is empty.  The store keeps three copies; every meter's session, credential and newest
 * reading are in memory when it returns. */
SG_MUST_USE int rig_new(struct rig **ret, const char *folder, const struct fleet_options *o);
void rig_free(struct rig *r);
SG_DEFINE_FREEP(struct rig, rig_free)

/* Signs and seals n blocks, then takes them in; every reading must be stored and acknowledged as
 * new.  -EBADMSG otherwise. */
SG_MUST_USE int rig_run(struct rig *r, size_t n, struct rig_lap *ret);
/* The same for n blocks, and what they made the store write.  Of laps that a checkpoint falls into
 * nothing can be told: another one is made. */
SG_MUST_USE int rig_shape(struct rig *r, size_t n, struct rig_shape *ret);
struct fleet *rig_fleet(struct rig *r);
