/* The part of a scrub that opens everything: each partition's copies against its head, page by
 * page, under the partition's lock, so that readers and writers of others go on. */
#include <stdlib.h>

#include "store-int.h"

struct name_list {
    struct {
        struct sg_bucket *bucket;
        uint32_t table;
        struct sg_bytes partition; /* owned */
    } * all;
    size_t n, capacity;
};

static void clear_names(struct name_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free((void *)(uintptr_t)l->all[i].partition.data);
    free(l->all);
}

static int note_name(struct sg_store *s, struct sg_part *p, void *user)
{
    struct name_list *l = user;
    (void)s;
    if (l->n == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 64;
        void *more = reallocarray(l->all, capacity, sizeof(*l->all));
        if (!more)
            return sg_raise(-ENOMEM);
        l->all = more;
        l->capacity = capacity;
    }
    uint8_t *copy = malloc(p->partition.len + 1);
    if (!copy)
        return sg_raise(-ENOMEM);
    sg_put(copy, p->partition);
    l->all[l->n].bucket = p->bucket;
    l->all[l->n].table = p->table;
    l->all[l->n++].partition = SG_BYTES(copy, p->partition.len);
    return 0;
}

struct checking {
    struct sg_store *s;
    const struct sg_scrub_options *o;
    struct sg_scrub_report *report;
};

static int check_copy(struct checking *c, struct sg_part *p, unsigned slot)
{
    uint64_t pages = 0;
    int r = sg_part_check_copy(c->s, p, slot, &pages);
    c->report->pages += pages;
    if (r <= 0)
        return r;
    sg_scrub_count(c->s, slot, c->report, 1, 0);
    if (c->o->verify_only)
        return 0;
    r = sg_part_copy_to(c->s, p, slot, NULL);
    if (r == 0)
        sg_scrub_count(c->s, slot, c->report, 0, 1);
    return r < 0 ? r : 0;
}

/* What the load itself found and mended counts for this scrub too. */
static int load_counting(struct checking *c, struct sg_part *p)
{
    uint64_t damage[SG_STORE_VOLUMES_MAX], repaired[SG_STORE_VOLUMES_MAX];
    for (unsigned i = 0; i < c->s->n_volumes; i++) {
        damage[i] = c->s->volumes[i].damage;
        repaired[i] = c->s->volumes[i].repaired;
    }
    int r = sg_part_load(c->s, p);
    for (unsigned i = 0; i < c->s->n_volumes; i++) {
        c->report->volumes[i].damage += c->s->volumes[i].damage - damage[i];
        c->report->volumes[i].repaired += c->s->volumes[i].repaired - repaired[i];
    }
    return r;
}

static int check_locked(struct checking *c, struct sg_part *p)
{
    int r = load_counting(c, p);
    if (r) {
        c->report->lost += r == SG_KV_DAMAGED;
        return r < 0 ? r : 0;
    }
    c->report->partitions++;
    c->report->rows += p->n_rows;
    for (unsigned i = 0; r == 0 && i < p->replicas; i++) {
        struct sg_volume *v = sg_store_replica(c->s, p->key, i);
        if (sg_volume_state(v) == SG_VOLUME_ONLINE && (c->o->volumes >> v->slot & 1))
            r = check_copy(c, p, v->slot);
    }
    return r;
}

static int check_partition(struct checking *c, struct sg_bucket *b, uint32_t table,
                           struct sg_bytes partition)
{
    struct sg_part *p;
    int r = sg_part_get(&p, c->s, b, table, partition);
    if (r < 0)
        return r;
    pthread_mutex_lock(&p->lock);
    pthread_rwlock_rdlock(&c->s->gate);
    r = check_locked(c, p);
    pthread_rwlock_unlock(&c->s->gate);
    pthread_mutex_unlock(&p->lock);
    sg_part_put(c->s, p);
    return r;
}

static int check_group(struct checking *c, uint8_t group)
{
    SG_CLEANUP(clear_names) struct name_list l = {NULL, 0, 0};
    pthread_rwlock_rdlock(&c->s->gate);
    int r = sg_scrub_walk(c->s, group, NULL, note_name, &l, c->report);
    pthread_rwlock_unlock(&c->s->gate);
    for (size_t i = 0; r == 0 && i < l.n; i++)
        r = check_partition(c, l.all[i].bucket, l.all[i].table, l.all[i].partition);
    return r;
}

int sg_scrub_partitions(struct sg_store *s, const struct sg_scrub_options *o,
                        struct sg_scrub_report *report)
{
    struct checking c = {s, o, report};
    int r = 0;
    for (unsigned group = 0; r == 0 && group < SG_PLACEMENT_GROUPS; group++)
        r = check_group(&c, (uint8_t)group);
    return r;
}
