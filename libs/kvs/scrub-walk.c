/* Every partition of a placement group, from the heads on all volumes. */
#include <stdlib.h>

#include "store-int.h"

struct head_copy {
    uint8_t key[SG_HEAD_KEY_LEN];
    uint64_t version;
    uint8_t *entry;
    size_t len;
};

struct head_list {
    struct head_copy *all;
    size_t n, capacity;
};

static void clear_list(struct head_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->all[i].entry);
    free(l->all);
}

static int add_head(struct head_list *l, struct sg_bytes key, struct sg_bytes value)
{
    struct sg_head_clear c;
    if (key.len != SG_HEAD_KEY_LEN || !sg_head_peek(value, &c))
        return 0;
    if (l->n == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 64;
        struct head_copy *more = reallocarray(l->all, capacity, sizeof(*more));
        if (!more)
            return sg_raise(-ENOMEM);
        l->all = more;
        l->capacity = capacity;
    }
    struct head_copy *h = &l->all[l->n];
    h->entry = malloc(value.len);
    if (!h->entry)
        return sg_raise(-ENOMEM);
    memcpy(h->entry, value.data, value.len);
    memcpy(h->key, key.data, SG_HEAD_KEY_LEN);
    h->len = value.len;
    h->version = c.version;
    l->n++;
    return 0;
}

static int read_heads(struct head_list *l, struct sg_index *ix, uint8_t group)
{
    SG_CLEANUP(sg_index_iter_freep) struct sg_index_iter *it = NULL;
    const uint8_t prefix[2] = {group, SG_HEAD_CLASS};
    struct sg_bytes key, value;
    int r = sg_index_iter_new(&it, ix, SG_BYTES_ARRAY(prefix), true);
    while (r == 0 && (r = sg_index_iter_next(it, &key, &value)) == 0)
        r = add_head(l, key, value);
    return r < 0 ? r : 0; /* what one volume cannot read the others know */
}

static int by_key(const void *a, const void *b)
{
    const struct head_copy *x = a, *y = b;
    int c = memcmp(x->key, y->key, SG_HEAD_KEY_LEN);
    return c ? c : (x->version < y->version) - (x->version > y->version);
}

static struct sg_bucket *bucket_of(struct sg_store *s, const struct head_copy *h)
{
    struct sg_head_clear c;
    bool ok = sg_head_peek(SG_BYTES(h->entry, h->len), &c);
    for (size_t i = 0; ok && i < s->n_buckets; i++)
        if (memcmp(s->buckets[i].keys.tag, c.bucket_tag, SG_BUCKET_TAG_LEN) == 0)
            return &s->buckets[i];
    return NULL;
}

/* A partition by the first copy that opens.  SG_KV_NOT_FOUND if none does. */
static int identify(struct sg_store *s, const struct head_copy *copies, size_t n,
                    struct sg_part *ret, struct sg_buf *plain)
{
    SG_CLEANUP(sg_part_keys_freep) struct sg_part_keys *keys = NULL;
    struct sg_row tail[SG_TAIL_ROWS_MAX];
    struct sg_head h;
    int r = sg_part_keys_new(&keys);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        struct sg_bucket *b = bucket_of(s, &copies[i]);
        if (!b)
            continue;
        r = sg_head_open(keys, &b->keys, copies[i].key, SG_BYTES(copies[i].entry, copies[i].len),
                         plain, tail, &h);
        if (r < 0)
            return r;
        if (r)
            continue;
        *ret = (struct sg_part){.bucket = b, .table = h.table, .partition = h.partition};
        ret->replicas = (uint8_t)sg_store_replicas(s, b, h.table);
        memcpy(ret->key, copies[i].key, SG_HEAD_KEY_LEN);
        return 0;
    }
    return SG_KV_NOT_FOUND;
}

static int visit(struct sg_store *s, const struct head_copy *copies, size_t n,
                 int (*fn)(struct sg_store *s, struct sg_part *p, void *user), void *user,
                 struct sg_scrub_report *report)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT_SECRET(SG_ENTRY_BYTES_MAX);
    struct sg_part p;
    int r = identify(s, copies, n, &p, &plain);
    if (r == SG_KV_NOT_FOUND) {
        report->lost++;
        return 0;
    }
    if (r < 0)
        return r;
    r = fn(s, &p, user);
    sg_part_forget(&p);
    return r;
}

int sg_scrub_walk(struct sg_store *s, uint8_t group, struct sg_index *extra,
                  int (*fn)(struct sg_store *s, struct sg_part *p, void *user), void *user,
                  struct sg_scrub_report *report)
{
    SG_CLEANUP(clear_list) struct head_list l = {NULL, 0, 0};
    int r = extra ? read_heads(&l, extra, group) : 0;
    for (unsigned slot = 0; r == 0 && slot < s->n_volumes; slot++)
        if (sg_volume_state(&s->volumes[slot]) == SG_VOLUME_ONLINE)
            r = read_heads(&l, s->volumes[slot].index, group);
    if (r == 0 && l.n)
        qsort(l.all, l.n, sizeof(*l.all), by_key);
    for (size_t at = 0, end; r == 0 && at < l.n; at = end) {
        for (end = at + 1; end < l.n; end++)
            if (memcmp(l.all[at].key, l.all[end].key, SG_HEAD_KEY_LEN) != 0)
                break;
        r = visit(s, l.all + at, end - at, fn, user, report);
    }
    return r;
}
