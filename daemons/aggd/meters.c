/* meters - addresses with their handles, sessions with their windows. */
#include "meters.h"

#include "table-int.h"

#include <sealgrid/base/random.h>

#define SLOT_BITS       20
#define SILENT_MS       60000 /* whoever has been silent so long gives way in a full table */
#define CONNECTIONS_MIN 4096

struct address {
    uint64_t handle; /* generation << SLOT_BITS | slot */
    struct sg_addr addr;
};

struct connection {
    uint8_t cid[SG_FRAME_ID_LEN];
    struct sg_window seen;
};
_Static_assert(sizeof(struct address) + 2 * sizeof(struct connection) +
                       3 * sizeof(struct agg_slot) <=
                   256,
               "state of one meter, two sessions of it included");

struct agg_meters {
    struct agg_table by_addr, by_cid;
    struct address *addresses;
    struct connection *connections;
    uint64_t next_generation;
    uint64_t salt; /* so that strangers cannot choose what collides */
};

int agg_meters_new(struct agg_meters **ret, size_t max)
{
    SG_CLEANUP(agg_meters_freep) struct agg_meters *m = calloc(1, sizeof *m);
    if (max == 0 || max > (1u << SLOT_BITS))
        return sg_raise(-EINVAL);
    size_t connections = 2 * max > CONNECTIONS_MIN ? 2 * max : CONNECTIONS_MIN;
    if (!m || !agg_table_init(&m->by_addr, max) || !agg_table_init(&m->by_cid, connections))
        return sg_raise(-ENOMEM);
    m->addresses = calloc(max, sizeof *m->addresses);
    m->connections = calloc(connections, sizeof *m->connections);
    if (!m->addresses || !m->connections)
        return sg_raise(-ENOMEM);
    m->salt = sg_random_u64() | 1;
    /* Handles of an earlier run mean nobody in this one. */
    m->next_generation = 1 + (sg_random_u64() >> 32);
    *ret = TAKE_PTR(m);
    return 0;
}

void agg_meters_free(struct agg_meters *m)
{
    if (!m)
        return;
    agg_table_clear(&m->by_addr);
    agg_table_clear(&m->by_cid);
    free(m->addresses);
    free(m->connections);
    free(m);
}

size_t agg_meters_count(const struct agg_meters *m)
{
    return m->by_addr.n;
}

static uint64_t hash_of(const struct agg_meters *m, uint64_t x)
{
    x = (x ^ x >> 29) * m->salt;
    return (x ^ x >> 32) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint32_t find_address(const struct agg_meters *m, uint64_t hash, struct sg_addr a)
{
    uint32_t i = AGG_NO_SLOT;
    do
        i = agg_table_next(&m->by_addr, hash, i);
    while (i != AGG_NO_SLOT && (m->addresses[i].addr.port != a.port ||
                                memcmp(m->addresses[i].addr.ip, a.ip, sizeof a.ip) != 0));
    return i;
}

uint64_t agg_meters_handle(struct agg_meters *m, struct sg_addr addr, int64_t now_ms)
{
    uint64_t hash = hash_of(m, (uint64_t)sg_load_be32(addr.ip) << 16 | addr.port);
    uint32_t i = find_address(m, hash, addr);
    if (i == AGG_NO_SLOT) {
        i = agg_table_take(&m->by_addr, hash, now_ms, SILENT_MS);
        if (i == AGG_NO_SLOT)
            return 0;
        m->addresses[i] = (struct address){m->next_generation++ << SLOT_BITS | i, addr};
    }
    m->by_addr.slots[i].heard_ms = now_ms;
    return m->addresses[i].handle;
}

bool agg_meters_address(const struct agg_meters *m, uint64_t handle, struct sg_addr *ret)
{
    uint64_t i = handle & ((1u << SLOT_BITS) - 1);
    if (i >= m->by_addr.n_slots || !m->by_addr.slots[i].used || m->addresses[i].handle != handle)
        return false;
    *ret = m->addresses[i].addr;
    return true;
}

static uint32_t find_connection(const struct agg_meters *m, uint64_t hash, const uint8_t *cid)
{
    uint32_t i = AGG_NO_SLOT;
    do
        i = agg_table_next(&m->by_cid, hash, i);
    while (i != AGG_NO_SLOT && memcmp(m->connections[i].cid, cid, SG_FRAME_ID_LEN) != 0);
    return i;
}

bool agg_meters_is_new_frame(struct agg_meters *m, const struct sg_frame *f, int64_t now_ms)
{
    uint64_t hash = hash_of(m, sg_load_be64(f->id));
    uint32_t i = find_connection(m, hash, f->id);
    if (i == AGG_NO_SLOT) {
        i = agg_table_take(&m->by_cid, hash, now_ms, SILENT_MS);
        if (i == AGG_NO_SLOT)
            return true; /* more sessions at once than can be told apart */
        m->connections[i] = (struct connection){0};
        memcpy(m->connections[i].cid, f->id, SG_FRAME_ID_LEN);
    }
    m->by_cid.slots[i].heard_ms = now_ms;
    if (sg_window_judge(&m->connections[i].seen, f->seq) != SG_WINDOW_FRESH)
        return false;
    sg_window_mark(&m->connections[i].seen, f->seq);
    return true;
}

void agg_meters_expire(struct agg_meters *m, int64_t before_ms)
{
    agg_table_expire(&m->by_addr, before_ms - 1);
    agg_table_expire(&m->by_cid, before_ms - 1);
}
