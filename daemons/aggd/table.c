/* table - hash table of fixed size (table-int.h). */
#include "table-int.h"

#include <stdlib.h>
#include <string.h>

bool agg_table_init(struct agg_table *t, size_t max)
{
    *t = (struct agg_table){.n_slots = (uint32_t)max, .n_buckets = 64};
    while (t->n_buckets < t->n_slots)
        t->n_buckets *= 2;
    t->slots = calloc(t->n_slots, sizeof *t->slots);
    t->buckets = malloc(t->n_buckets * sizeof *t->buckets);
    if (!t->slots || !t->buckets)
        return false;
    memset(t->buckets, 0xff, t->n_buckets * sizeof *t->buckets);
    for (uint32_t i = 0; i < t->n_slots; i++)
        t->slots[i].next = i + 1 < t->n_slots ? i + 1 : AGG_NO_SLOT;
    return true;
}

void agg_table_clear(struct agg_table *t)
{
    free(t->slots);
    free(t->buckets);
}

static uint32_t *bucket(const struct agg_table *t, uint64_t hash)
{
    return &t->buckets[(hash >> 32) & (t->n_buckets - 1)];
}

uint32_t agg_table_next(const struct agg_table *t, uint64_t hash, uint32_t after)
{
    uint32_t i = after == AGG_NO_SLOT ? *bucket(t, hash) : t->slots[after].next;
    while (i != AGG_NO_SLOT && t->slots[i].hash != hash)
        i = t->slots[i].next;
    return i;
}

void agg_table_release(struct agg_table *t, uint32_t slot)
{
    uint32_t *at = bucket(t, t->slots[slot].hash);
    while (*at != slot)
        at = &t->slots[*at].next;
    *at = t->slots[slot].next;
    t->slots[slot] = (struct agg_slot){.next = t->free_slot};
    t->free_slot = slot;
    t->n--;
}

void agg_table_expire(struct agg_table *t, int64_t last_ms)
{
    for (uint32_t i = 0; i < t->n_slots; i++)
        if (t->slots[i].used && t->slots[i].heard_ms <= last_ms)
            agg_table_release(t, i);
}

/* All that are silent go at once, and the table is looked through again only when the next could
 * be: so a flood of new keys costs no more than the flood itself. */
static void make_room(struct agg_table *t, int64_t now_ms, int64_t silent_ms)
{
    if (t->free_slot != AGG_NO_SLOT || now_ms < t->next_sweep_ms)
        return;
    agg_table_expire(t, now_ms - silent_ms);
    t->next_sweep_ms = INT64_MAX;
    for (uint32_t i = 0; i < t->n_slots; i++)
        if (t->slots[i].used && t->slots[i].heard_ms + silent_ms < t->next_sweep_ms)
            t->next_sweep_ms = t->slots[i].heard_ms + silent_ms;
}

uint32_t agg_table_take(struct agg_table *t, uint64_t hash, int64_t now_ms, int64_t silent_ms)
{
    make_room(t, now_ms, silent_ms);
    uint32_t slot = t->free_slot, *head = bucket(t, hash);
    if (slot == AGG_NO_SLOT)
        return slot;
    t->free_slot = t->slots[slot].next;
    t->slots[slot] =
        (struct agg_slot){.hash = hash, .heard_ms = now_ms, .next = *head, .used = true};
    *head = slot;
    t->n++;
    return slot;
}
