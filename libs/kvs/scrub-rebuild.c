/*
 * Rebuild of a volume's index: a new one is filled placement group by placement group from verified
 * copies on the other volumes, while batches go on; groups that are done receive them too.  What
 * the old index can still read is asked last, for partitions that have no other copy.
 */
#include "store-int.h"

#include <stdio.h>

#include <sealgrid/base/file.h>

#include "fragment-int.h"

struct rebuild {
    unsigned slot;
    struct sg_index *fresh, *old;
    struct sg_scrub_report *report;
};

static bool belongs(struct sg_store *s, const struct sg_part *p, unsigned slot)
{
    for (unsigned i = 0; i < p->replicas; i++)
        if (s->rank[p->key[0]][i] == slot)
            return true;
    return false;
}

static int copy_partition(struct sg_store *s, struct sg_part *p, void *user)
{
    struct rebuild *rb = user;
    if (!belongs(s, p, rb->slot))
        return 0;
    p->salvage = rb->old;
    p->salvage_slot = rb->slot;
    int r = sg_part_load(s, p);
    if (r == 0)
        r = sg_part_copy_to(s, p, rb->slot, rb->fresh);
    if (r < 0)
        return r;
    rb->report->lost += r == SG_KV_DAMAGED;
    sg_scrub_count(s, rb->slot, rb->report, 0, r == 0);
    return 0;
}

static int copy_groups(struct sg_store *s, struct rebuild *rb)
{
    int r = 0;
    for (unsigned group = 0; r == 0 && group < SG_PLACEMENT_GROUPS; group++) {
        pthread_rwlock_wrlock(&s->gate);
        r = sg_scrub_walk(s, (uint8_t)group, rb->old, copy_partition, rb, rb->report);
        atomic_store(&s->volumes[rb->slot].rebuilt_to, (int)group + 1);
        pthread_rwlock_unlock(&s->gate);
    }
    return r;
}

/* A generation that no folder of this volume has. */
static uint32_t next_generation(const struct sg_volume *v)
{
    char path[300];
    uint32_t g = v->label.generation;
    do
        sg_volume_index_folder(v, ++g, path);
    while (access(path, F_OK) == 0);
    return g;
}

/* The folder itself may be gone, and with it the lock. */
static int prepare_folder(struct sg_store *s, struct sg_volume *v)
{
    char lock[300];
    snprintf(lock, sizeof(lock), "%s/lock", v->path);
    int r = sg_mkdir_p(v->path, 0700);
    if (r == 0 && (v->lock_fd < 0 || access(lock, F_OK) < 0))
        r = sg_fold(sg_volume_lock(v));
    if (r == 0)
        r = sg_volume_make_folders(v);
    sg_fragments_restart(s->fragments, v->slot);
    return r;
}

static void swap_in(struct sg_store *s, struct rebuild *rb)
{
    struct sg_volume *v = &s->volumes[rb->slot];
    pthread_rwlock_wrlock(&s->gate);
    rb->old = v->index;
    v->index = sg_index_ref(rb->fresh);
    atomic_store(&v->rebuilt_to, 0);
    atomic_store(&v->state, SG_VOLUME_REBUILDING);
    pthread_rwlock_unlock(&s->gate);
}

static int finish(struct sg_store *s, struct rebuild *rb, uint32_t generation)
{
    struct sg_volume *v = &s->volumes[rb->slot];
    struct sg_label at = {.slot = (uint16_t)rb->slot, .generation = generation};
    sg_store_mark(s, &at);
    int r = sg_volume_checkpoint(v, rb->fresh, sg_secret_bytes(&s->label_key), &at);
    if (r > 0)
        r = sg_raise(-EIO);
    v->failures = 0;
    pthread_rwlock_wrlock(&s->gate);
    atomic_store(&v->state, r < 0 ? SG_VOLUME_DAMAGED : SG_VOLUME_ONLINE);
    pthread_rwlock_unlock(&s->gate);
    if (r == 0)
        sg_volume_remove_old(v);
    return r;
}

int sg_volume_rebuild(struct sg_store *s, unsigned slot, struct sg_scrub_report *report)
{
    struct sg_volume *v = &s->volumes[slot];
    SG_CLEANUP(sg_index_unrefp) struct sg_index *fresh = NULL;
    struct rebuild rb = {.slot = slot, .report = report};
    uint32_t generation = next_generation(v);
    int r = prepare_folder(s, v);
    if (r == 0)
        r = sg_volume_create_index(v, s->pool, generation, &fresh);
    if (r < 0)
        return r;
    rb.fresh = fresh;
    swap_in(s, &rb);
    r = copy_groups(s, &rb);
    if (r == 0)
        r = finish(s, &rb, generation);
    else
        sg_store_set_aside(s, slot, SG_VOLUME_DAMAGED);
    sg_index_unref(rb.old);
    if (r < 0)
        return r;
    report->volumes[slot].rebuilt = true;
    return 0;
}
