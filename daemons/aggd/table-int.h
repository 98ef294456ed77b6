#pragma once
/*
 * table-int - a hash table of fixed size over slots of an array: chains of slot numbers, a free
 * list, the most silent slot to give way.  The keys stay with the caller.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGG_NO_SLOT UINT32_MAX

struct agg_slot {
    uint64_t hash;
    int64_t heard_ms;
    uint32_t next; /* of the bucket's chain, or of the free list */
    bool used;
};

struct agg_table {
    struct agg_slot *slots;
    uint32_t *buckets;
    uint32_t n_slots, n_buckets, free_slot;
    size_t n;
    int64_t next_sweep_ms; /* a full table has no silent slot before */
};

/* False: out of memory. */
bool agg_table_init(struct agg_table *t, size_t max);
void agg_table_clear(struct agg_table *t);
/* Slots of one hash: begin with AGG_NO_SLOT, ends with it. */
uint32_t agg_table_next(const struct agg_table *t, uint64_t hash, uint32_t after);
/* A slot for a key of this hash.  In a full table every slot not heard for silent_ms is released
 * first; AGG_NO_SLOT if there is none. */
uint32_t agg_table_take(struct agg_table *t, uint64_t hash, int64_t now_ms, int64_t silent_ms);
void agg_table_release(struct agg_table *t, uint32_t slot);
/* Releases what was last heard at last_ms or before. */
void agg_table_expire(struct agg_table *t, int64_t last_ms);
