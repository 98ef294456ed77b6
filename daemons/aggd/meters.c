/* meters - slots, a hash chain over addresses, generations in the handles. */
#include "meters.h"

#include <sealgrid/base/random.h>

#define SLOT_BITS 20
#define SILENT_MS 60000
#define NONE      UINT32_MAX

struct meter {
    uint64_t handle; /* generation << SLOT_BITS | slot; 0: free */
    int64_t heard_ms;
    struct sg_addr addr;
    uint8_t cid[SG_FRAME_ID_LEN];
    struct sg_window seen;
    uint32_t next; /* chain of the bucket, or of free slots */
};
_Static_assert(sizeof(struct meter) <= 256, "state of one meter");

struct agg_meters {
    struct meter *slots;
    uint32_t *buckets;
    uint32_t n_slots, n_buckets, free_slot;
    size_t n;
    uint64_t next_generation;
    uint64_t salt; /* so that addresses cannot be chosen to collide */
};

int agg_meters_new(struct agg_meters **ret, size_t max)
{
    SG_CLEANUP(agg_meters_freep) struct agg_meters *m = calloc(1, sizeof *m);
    if (max == 0 || max > (1u << SLOT_BITS))
        return sg_raise(-EINVAL);
    if (!m)
        return sg_raise(-ENOMEM);
    m->n_slots = (uint32_t)max;
    m->n_buckets = 64;
    while (m->n_buckets < m->n_slots)
        m->n_buckets *= 2;
    m->slots = calloc(m->n_slots, sizeof *m->slots);
    m->buckets = malloc(m->n_buckets * sizeof *m->buckets);
    if (!m->slots || !m->buckets)
        return sg_raise(-ENOMEM);
    memset(m->buckets, 0xff, m->n_buckets * sizeof *m->buckets);
    for (uint32_t i = 0; i < m->n_slots; i++)
        m->slots[i].next = i + 1 < m->n_slots ? i + 1 : NONE;
    m->salt = sg_random_u64();
    /* Handles of an earlier run mean nobody in this one. */
    m->next_generation = 1 + (sg_random_u64() >> 32);
    *ret = TAKE_PTR(m);
    return 0;
}

void agg_meters_free(struct agg_meters *m)
{
    if (!m)
        return;
    free(m->slots);
    free(m->buckets);
    free(m);
}

size_t agg_meters_count(const struct agg_meters *m)
{
    return m->n;
}

static uint32_t *bucket(struct agg_meters *m, struct sg_addr a)
{
    uint64_t x = ((uint64_t)sg_load_be32(a.ip) << 16 | a.port) ^ m->salt;
    x *= UINT64_C(0x9e3779b97f4a7c15);
    return &m->buckets[(x >> 32) & (m->n_buckets - 1)];
}

static bool same_addr(struct sg_addr a, struct sg_addr b)
{
    return a.port == b.port && memcmp(a.ip, b.ip, sizeof a.ip) == 0;
}

static void release(struct agg_meters *m, uint32_t slot)
{
    uint32_t *at = bucket(m, m->slots[slot].addr);
    while (*at != slot)
        at = &m->slots[*at].next;
    *at = m->slots[slot].next;
    m->slots[slot] = (struct meter){.next = m->free_slot};
    m->free_slot = slot;
    m->n--;
}

/* A full table forgets its most silent meter, if that has been silent for a while: what comes down
 * for it until it speaks again is lost, and sent again. */
static void make_room(struct agg_meters *m, int64_t now_ms)
{
    uint32_t oldest = 0;
    if (m->free_slot != NONE)
        return;
    for (uint32_t i = 1; i < m->n_slots; i++)
        if (m->slots[i].heard_ms < m->slots[oldest].heard_ms)
            oldest = i;
    if (now_ms - m->slots[oldest].heard_ms >= SILENT_MS)
        release(m, oldest);
}

uint64_t agg_meters_handle(struct agg_meters *m, struct sg_addr addr, int64_t now_ms)
{
    uint32_t i = *bucket(m, addr);
    while (i != NONE && !same_addr(m->slots[i].addr, addr))
        i = m->slots[i].next;
    if (i == NONE) {
        make_room(m, now_ms);
        uint32_t *head = bucket(m, addr);
        i = m->free_slot;
        if (i == NONE)
            return 0;
        m->free_slot = m->slots[i].next;
        m->slots[i] = (struct meter){
            .handle = m->next_generation++ << SLOT_BITS | i, .addr = addr, .next = *head};
        *head = i;
        m->n++;
    }
    m->slots[i].heard_ms = now_ms;
    return m->slots[i].handle;
}

static struct meter *by_handle(const struct agg_meters *m, uint64_t handle)
{
    uint64_t slot = handle & ((1u << SLOT_BITS) - 1);
    if (handle == 0 || slot >= m->n_slots || m->slots[slot].handle != handle)
        return NULL;
    return &m->slots[slot];
}

bool agg_meters_address(const struct agg_meters *m, uint64_t handle, struct sg_addr *ret)
{
    const struct meter *x = by_handle(m, handle);
    if (!x)
        return false;
    *ret = x->addr;
    return true;
}

bool agg_meters_is_new_frame(struct agg_meters *m, uint64_t handle, const struct sg_frame *f)
{
    struct meter *x = by_handle(m, handle);
    if (!x)
        return false;
    if (memcmp(x->cid, f->id, sizeof x->cid) != 0) {
        memcpy(x->cid, f->id, sizeof x->cid);
        x->seen = (struct sg_window){0};
    }
    if (sg_window_judge(&x->seen, f->seq) != SG_WINDOW_FRESH)
        return false;
    sg_window_mark(&x->seen, f->seq);
    return true;
}

void agg_meters_expire(struct agg_meters *m, int64_t before_ms)
{
    for (uint32_t i = 0; i < m->n_slots; i++)
        if (m->slots[i].handle && m->slots[i].heard_ms < before_ms)
            release(m, i);
}
