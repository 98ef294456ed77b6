#pragma once
/*
 * kv memory - the kv interface over plain memory, for tests of whatever uses it: same outcomes,
 * nothing sealed, nothing durable.
 *
 * The memory is shared by its sessions and outlives them.  Sessions of several threads may work at
 * once (one lock).  A scan is a copy of its range.  Buckets exist once created, and "metering" and
 * "evidence" from the start.
 */
#include <sealgrid/kv.h>

struct sg_kv_memory;

SG_MUST_USE int sg_kv_memory_new(struct sg_kv_memory **ret);
void sg_kv_memory_free(struct sg_kv_memory *m);
SG_DEFINE_FREEP(struct sg_kv_memory, sg_kv_memory_free)
SG_MUST_USE int sg_kv_open_memory(struct sg_kv **ret, struct sg_kv_memory *m);
/* The next n row reads of any scan succeed, then one says SG_KV_DAMAGED; negative: never. */
void sg_kv_memory_damage_after(struct sg_kv_memory *m, int64_t rows);
