/*
 * Partitions of a table: all heads under the table's tag, from every replica, since one volume
 * alone might withhold some; the newest of each name is opened.
 */
#include "store-int.h"

#include <stdlib.h>

struct found {
    uint8_t key[SG_HEAD_KEY_LEN];
    uint64_t version;
    uint8_t *entry;
    size_t len;
};

struct listing {
    struct sg_store *s;
    struct sg_bucket *b;
    uint32_t table;
    struct sg_bytes from, until;
    struct found *found; /* of one placement group, ascending by key while one volume is read */
    size_t n, capacity;
    struct sg_part_keys *keys;
    struct sg_buf plain;
    struct sg_part_list out;
    size_t out_capacity;
    bool read_any;
};

void sg_part_list_clear(struct sg_part_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free((void *)(uintptr_t)l->keys[i].data);
    free(l->keys);
    *l = (struct sg_part_list){NULL, 0};
}

static void reset_group(struct listing *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->found[i].entry);
    l->n = 0;
}

static int add_found(struct listing *l, struct sg_bytes key, struct sg_bytes value)
{
    struct sg_head_clear c;
    if (key.len != SG_HEAD_KEY_LEN || !sg_head_peek(value, &c))
        return 0; /* scrub counts it */
    if (l->n == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 64;
        struct found *more = reallocarray(l->found, capacity, sizeof(*more));
        if (!more)
            return sg_raise(-ENOMEM);
        l->found = more;
        l->capacity = capacity;
    }
    struct found *f = &l->found[l->n];
    f->entry = malloc(value.len);
    if (!f->entry)
        return sg_raise(-ENOMEM);
    memcpy(f->entry, value.data, value.len);
    memcpy(f->key, key.data, SG_HEAD_KEY_LEN);
    f->len = value.len;
    f->version = c.version;
    l->n++;
    return 0;
}

static int read_volume(struct listing *l, struct sg_volume *v, const uint8_t *prefix)
{
    SG_CLEANUP(sg_index_iter_freep) struct sg_index_iter *it = NULL;
    struct sg_bytes key, value;
    int r = sg_index_iter_new(&it, v->index, SG_BYTES(prefix, 2 + SG_TABLE_TAG_LEN), false);
    while (r == 0 && (r = sg_index_iter_next(it, &key, &value)) == 0)
        r = add_found(l, key, value);
    if (r < 0)
        return r;
    l->read_any |= r == SG_INDEX_NOT_FOUND;
    if (r == SG_INDEX_DAMAGED)
        sg_store_damage(l->s, v->slot, 1);
    return 0;
}

/* By key, the newest version first. */
static int by_key_and_age(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    int c = memcmp(x->key, y->key, SG_HEAD_KEY_LEN);
    return c ? c : (x->version < y->version) - (x->version > y->version);
}

static int add_partition(struct listing *l, struct sg_bytes partition)
{
    if (sg_bytes_cmp(partition, l->from) < 0 ||
        (l->until.len && sg_bytes_cmp(partition, l->until) >= 0))
        return 0;
    if (l->out.n == l->out_capacity) {
        size_t capacity = l->out_capacity ? 2 * l->out_capacity : 64;
        struct sg_bytes *more = reallocarray(l->out.keys, capacity, sizeof(*more));
        if (!more)
            return sg_raise(-ENOMEM);
        l->out.keys = more;
        l->out_capacity = capacity;
    }
    uint8_t *copy = malloc(partition.len + 1);
    if (!copy)
        return sg_raise(-ENOMEM);
    sg_put(copy, partition);
    l->out.keys[l->out.n++] = SG_BYTES(copy, partition.len);
    return 0;
}

/* found[from..until) are the versions of one name.  0, or SG_KV_DAMAGED if none opens. */
static int open_newest(struct listing *l, size_t from, size_t until)
{
    struct sg_row tail[SG_TAIL_ROWS_MAX];
    struct sg_head h;
    for (size_t i = from; i < until; i++) {
        const struct found *f = &l->found[i];
        int r = sg_head_open(l->keys, &l->b->keys, f->key, SG_BYTES(f->entry, f->len), &l->plain,
                             tail, &h);
        if (r < 0)
            return r;
        if (r == 0)
            return h.n_rows && h.table == l->table ? add_partition(l, h.partition) : 0;
    }
    return SG_KV_DAMAGED;
}

static int list_group(struct listing *l, uint8_t group)
{
    uint8_t prefix[2 + SG_TABLE_TAG_LEN] = {group, SG_HEAD_CLASS};
    unsigned replicas = sg_store_replicas(l->s, l->b, l->table);
    int r = 0;
    sg_name_table(&l->b->keys, l->table, prefix + 2);
    reset_group(l);
    l->read_any = false;
    for (unsigned i = 0; r == 0 && i < replicas; i++) {
        struct sg_volume *v = sg_store_replica(l->s, prefix, i);
        r = sg_volume_state(v) == SG_VOLUME_ONLINE ? read_volume(l, v, prefix) : 0;
    }
    if (r < 0)
        return r;
    if (!l->read_any)
        return SG_KV_DAMAGED;
    if (l->n)
        qsort(l->found, l->n, sizeof(*l->found), by_key_and_age);
    for (size_t at = 0, end; r == 0 && at < l->n; at = end) {
        for (end = at + 1; end < l->n; end++)
            if (memcmp(l->found[at].key, l->found[end].key, SG_HEAD_KEY_LEN) != 0)
                break;
        r = open_newest(l, at, end);
    }
    return r;
}

static int by_partition(const void *a, const void *b)
{
    return sg_bytes_cmp(*(const struct sg_bytes *)a, *(const struct sg_bytes *)b);
}

static int list_all(struct listing *l)
{
    int r = sg_part_keys_new(&l->keys);
    for (unsigned group = 0; r == 0 && group < SG_PLACEMENT_GROUPS; group++) {
        pthread_rwlock_rdlock(&l->s->gate);
        r = list_group(l, (uint8_t)group);
        pthread_rwlock_unlock(&l->s->gate);
    }
    return r;
}

int sg_store_list(struct sg_store *s, struct sg_bucket *b, uint32_t table, struct sg_bytes from,
                  struct sg_bytes until, struct sg_part_list *ret)
{
    struct listing l = {.s = s,
                        .b = b,
                        .table = table,
                        .from = from,
                        .until = until,
                        .plain = SG_BUF_INIT_SECRET(SG_ENTRY_BYTES_MAX)};
    int r = list_all(&l);
    reset_group(&l);
    free(l.found);
    sg_part_keys_free(l.keys);
    sg_buf_clear(&l.plain);
    if (r) {
        sg_part_list_clear(&l.out);
        return r;
    }
    if (l.out.n)
        qsort(l.out.keys, l.out.n, sizeof(*l.out.keys), by_partition);
    *ret = l.out;
    return 0;
}
