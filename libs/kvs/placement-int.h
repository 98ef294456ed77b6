#pragma once
/*
 * placement - which volumes hold what, by rendezvous (highest random weight) hashing: for every
 * item each slot draws a weight from (item, slot), the highest weights win.  Adding a slot moves
 * only what it wins.  Not secret and not keyed: it sees names that are already pseudorandom.
 * Pure functions.
 */
#include <sealgrid/kvs/store.h>

/* Placement group of an index entry: its first octet, which is the first of the partition's name.
 */
#define SG_PLACEMENT_GROUPS 256

/* The n_volumes slots in falling order of weight for this item. */
void sg_placement_rank(uint64_t item, unsigned n_volumes, uint8_t ret[SG_STORE_VOLUMES_MAX]);
