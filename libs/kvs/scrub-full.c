/* The part of a scrub that opens everything: each partition's copies against its head, page by
 * page, under the partition's lock, so that readers and writers of others go on. */
#include <stdlib.h>

#include "store-int.h"

struct name {
    uint8_t key[SG_HEAD_KEY_LEN];
    uint8_t replicas;
    struct sg_bucket *bucket;
    uint32_t table;
    struct sg_bytes partition; /* owned */
};

struct name_list {
    struct name *all;
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
        struct name *more = reallocarray(l->all, capacity, sizeof(*more));
        if (!more)
            return sg_raise(-ENOMEM);
        l->all = more;
        l->capacity = capacity;
    }
    uint8_t *copy = malloc(p->partition.len + 1);
    if (!copy)
        return sg_raise(-ENOMEM);
    sg_put(copy, p->partition);
    struct name *name = &l->all[l->n++];
    *name = (struct name){.replicas = p->replicas, .bucket = p->bucket, .table = p->table};
    memcpy(name->key, p->key, SG_HEAD_KEY_LEN);
    name->partition = SG_BYTES(copy, p->partition.len);
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

/* Strays: entries that no partition of this volume owns, left by a change of policy or of the
 * number of volumes, or put there by somebody. */

static int by_name(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    return memcmp(sg_head_key_name(x->key), sg_head_key_name(y->key), SG_NAME_LEN);
}

static bool belongs_here(struct sg_store *s, const struct name_list *l, struct sg_bytes key,
                         unsigned slot)
{
    struct name want = {.replicas = 0};
    if (key.len == SG_HEAD_KEY_LEN && key.data[1] == SG_HEAD_CLASS)
        memcpy(want.key, key.data, SG_HEAD_KEY_LEN);
    else if (key.len == SG_PAGE_KEY_LEN && key.data[1] == SG_PAGE_CLASS)
        memcpy(want.key + 2 + SG_TABLE_TAG_LEN, key.data + 2, SG_NAME_LEN);
    else
        return false;
    const struct name *found =
        l->n ? bsearch(&want, l->all, l->n, sizeof(*l->all), by_name) : NULL;
    if (!found || (key.data[1] == SG_HEAD_CLASS && memcmp(found->key, key.data, key.len) != 0))
        return false;
    for (unsigned i = 0; i < found->replicas; i++)
        if (s->rank[key.data[0]][i] == slot)
            return true;
    return false;
}

static int remove_strays_from(struct checking *c, const struct name_list *l, uint8_t group,
                              struct sg_volume *v)
{
    SG_CLEANUP(sg_index_iter_freep) struct sg_index_iter *it = NULL;
    SG_CLEANUP(sg_index_batch_freep) struct sg_index_batch *b = NULL;
    struct sg_bytes key, value;
    int r = sg_index_batch_new(&b);
    if (r == 0)
        r = sg_index_iter_new(&it, v->index, SG_BYTES(&group, 1), true);
    while (r == 0 && (r = sg_index_iter_next(it, &key, &value)) == 0)
        if (!belongs_here(c->s, l, key, v->slot))
            sg_index_batch_delete(b, key);
    if (r < 0)
        return r;
    if (sg_index_batch_bytes(b) && sg_index_write(v->index, b))
        sg_store_set_aside(c->s, v->slot, SG_VOLUME_DAMAGED);
    return 0;
}

/* Only where every head could be read: else something might look unowned. */
static int remove_strays(struct checking *c, struct name_list *l, uint8_t group)
{
    int r = 0;
    if (l->n)
        qsort(l->all, l->n, sizeof(*l->all), by_name);
    for (unsigned slot = 0; r == 0 && slot < c->s->n_volumes; slot++) {
        struct sg_volume *v = &c->s->volumes[slot];
        if (sg_volume_state(v) == SG_VOLUME_ONLINE && (c->o->volumes >> slot & 1))
            r = remove_strays_from(c, l, group, v);
    }
    return r;
}

static bool all_online(const struct sg_store *s)
{
    for (unsigned slot = 0; slot < s->n_volumes; slot++)
        if (sg_volume_state(&s->volumes[slot]) != SG_VOLUME_ONLINE)
            return false;
    return true;
}

/* Nobody may create a partition between the walk and the removal. */
static int list_group(struct checking *c, struct name_list *l, uint8_t group)
{
    uint64_t lost = c->report->lost;
    pthread_rwlock_wrlock(&c->s->gate);
    int r = sg_scrub_walk(c->s, group, NULL, note_name, l, c->report);
    if (r == 0 && lost == c->report->lost && !c->o->verify_only && all_online(c->s))
        r = remove_strays(c, l, group);
    pthread_rwlock_unlock(&c->s->gate);
    return r;
}

static int check_group(struct checking *c, uint8_t group)
{
    SG_CLEANUP(clear_names) struct name_list l = {NULL, 0, 0};
    int r = list_group(c, &l, group);
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
