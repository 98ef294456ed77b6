#pragma once
/*
 * meters - who is behind which address: a fixed table of at most `max` addresses, each with a
 * handle that is never given to another one; and of the sessions seen lately, each with a window,
 * to tell new frames from repeats for the counters.  Several meters may share an address, and a
 * meter has a new session now and then, so the two tables are apart. Knows no identity: a
 * connection id is a random number of one session. Loop thread only.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/meter/frame.h>
#include <sealgrid/net/loop.h>

struct agg_meters;

SG_MUST_USE int agg_meters_new(struct agg_meters **ret, size_t max);
void agg_meters_free(struct agg_meters *m);
SG_DEFINE_FREEP(struct agg_meters, agg_meters_free)

/* The handle of an address, a new one if it has none; 0: the table is full of meters heard within a
 * minute. */
uint64_t agg_meters_handle(struct agg_meters *m, struct sg_addr addr, int64_t now_ms);
/* False: the handle has expired or never was. */
bool agg_meters_address(const struct agg_meters *m, uint64_t handle, struct sg_addr *ret);
/* True the first time this number of this connection comes. */
bool agg_meters_is_new_frame(struct agg_meters *m, const struct sg_frame *f, int64_t now_ms);
/* Forgets addresses and connections not heard since before_ms. */
void agg_meters_expire(struct agg_meters *m, int64_t before_ms);
size_t agg_meters_count(const struct agg_meters *m);
