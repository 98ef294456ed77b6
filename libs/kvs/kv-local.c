/* Sessions in process: kv.h over a struct sg_store. */
#include "kv-int.h"
#include "object-int.h"
#include "store-edit-int.h"
#include "transpose-int.h"

struct local {
    struct sg_kv base;
    struct sg_store *s;
};

static struct sg_store *store_of(struct sg_kv *kv)
{
    return ((struct local *)(void *)kv)->s;
}

static void local_free(struct sg_kv *kv)
{
    free(kv);
}

static int local_batch(struct sg_kv *kv, const char *bucket, const struct sg_kv_op *ops, size_t n,
                       enum sg_kv_op_result *ret_results)
{
    struct sg_bucket *b = sg_store_bucket(store_of(kv), bucket);
    return b ? sg_store_batch(store_of(kv), b, ops, n, ret_results) : SG_KV_NOT_FOUND;
}

static int local_get(struct sg_kv *kv, const char *bucket, struct sg_kv_key key, struct sg_buf *ret)
{
    struct sg_bucket *b = sg_store_bucket(store_of(kv), bucket);
    return b ? sg_store_get(store_of(kv), b, key, ret) : SG_KV_NOT_FOUND;
}

/*
 * Scan of a partition: what it needs is copied when it opens (tail, the directory's entries in
 * range, keys) with a snapshot of each replica's index, so later commits do not disturb it.
 */
struct scan {
    struct sg_kv_scan base;
    struct sg_store *s;
    struct sg_part *p; /* pinned */
    struct sg_part_keys *keys;
    struct sg_index_snapshot *snaps[SG_STORE_VOLUMES_MAX];
    struct sg_dir_entry *pages;
    size_t n_pages, page_at;
    struct sg_row *tail;
    size_t n_tail, tail_at;
    struct sg_rows rows; /* of the page before page_at */
    size_t row_at;
    struct sg_bytes from, until, fields; /* owned, one allocation at from.data */
    bool reverse;
    uint64_t left;
};

static void scan_free(struct sg_kv_scan *base)
{
    struct scan *sc = (struct scan *)(void *)base;
    for (size_t i = 0; i < SG_STORE_VOLUMES_MAX; i++)
        sg_index_snapshot_free(sc->snaps[i]);
    for (size_t i = 0; i < sc->n_pages; i++)
        free(sc->pages[i].bounds);
    free(sc->pages);
    free(sc->tail);
    free((void *)(uintptr_t)sc->from.data);
    sg_rows_clear(&sc->rows);
    sg_part_keys_free(sc->keys);
    if (sc->p)
        sg_part_put(sc->s, sc->p);
    free(sc);
}

static void scan_freep(struct scan **sc)
{
    if (*sc)
        scan_free(&(*sc)->base);
}

static bool before_range(const struct scan *sc, struct sg_bytes sort)
{
    return sg_bytes_cmp(sort, sc->from) < 0;
}

static bool after_range(const struct scan *sc, struct sg_bytes sort)
{
    return sc->until.len && sg_bytes_cmp(sort, sc->until) >= 0;
}

static int copy_bounds(struct scan *sc, const struct sg_kv_range *range)
{
    uint8_t *all = malloc(range->from.len + range->until.len + range->fields.len + 1);
    if (!all)
        return sg_raise(-ENOMEM);
    uint8_t *until = sg_put(all, range->from), *fields = sg_put(until, range->until);
    sg_put(fields, range->fields);
    sc->from = SG_BYTES(all, range->from.len);
    sc->until = SG_BYTES(until, range->until.len);
    sc->fields = SG_BYTES(fields, range->fields.len);
    sc->reverse = range->reverse;
    sc->left = range->limit ? range->limit : UINT64_MAX;
    return 0;
}

static int copy_entry(struct scan *sc, const struct sg_dir_entry *e)
{
    struct sg_dir_entry *to = &sc->pages[sc->n_pages];
    *to = *e;
    to->bounds = malloc(e->page.first.len + e->page.last.len + 1);
    if (!to->bounds)
        return sg_raise(-ENOMEM);
    memcpy(to->bounds, e->bounds, e->page.first.len + e->page.last.len);
    to->page.first.data = to->bounds;
    to->page.last.data = to->bounds + e->page.first.len;
    sc->n_pages++;
    return 0;
}

static int copy_directory(struct scan *sc)
{
    const struct sg_part *p = sc->p;
    sc->pages = calloc(p->n_dir + 1, sizeof(*sc->pages));
    if (!sc->pages)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < p->n_dir; i++) {
        const struct sg_page *page = &p->dir[i].page;
        if (before_range(sc, page->last) || after_range(sc, page->first))
            continue;
        int r = copy_entry(sc, &p->dir[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int copy_tail(struct scan *sc)
{
    size_t from = 0, until;
    const struct sg_part *p = sc->p;
    while (from < p->n_tail && before_range(sc, p->tail[from].sort))
        from++;
    until = from;
    while (until < p->n_tail && !after_range(sc, p->tail[until].sort))
        until++;
    sc->n_tail = until - from;
    int r = sg_rows_copy(p->tail + from, sc->n_tail, &sc->tail);
    if (r < 0)
        return r;
    struct sg_rows rows = {.row = sc->tail, .n = sc->n_tail};
    const struct sg_columns_want want = {.fields = sc->fields};
    return sg_rows_narrow(&rows, &want) ? SG_KV_DAMAGED : 0;
}

static int take_snapshots(struct scan *sc)
{
    for (unsigned i = 0; sc->n_pages && i < sc->p->replicas; i++) {
        struct sg_volume *v = sg_store_replica(sc->s, sc->p->key, i);
        int r = sg_volume_state(v) == SG_VOLUME_ONLINE
                    ? sg_index_snapshot_new(&sc->snaps[i], v->index)
                    : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

static int copy_partition(struct scan *sc)
{
    int r = sg_part_load(sc->s, sc->p);
    if (r == 0)
        r = sg_part_keys_new(&sc->keys);
    if (r)
        return r;
    *sc->keys = *sc->p->keys;
    sc->keys->can_write = false;
    r = copy_tail(sc);
    if (r == 0)
        r = copy_directory(sc);
    return r ? r : take_snapshots(sc);
}

/* Pages and tail are two ascending lists without a common key; the scan merges them. */

static int load_page(struct scan *sc)
{
    size_t i = sc->reverse ? sc->n_pages - 1 - sc->page_at : sc->page_at;
    pthread_rwlock_rdlock(&sc->s->gate);
    const struct sg_columns_want want = {.fields = sc->fields};
    int r =
        sg_part_read_some(sc->s, sc->p, sc->keys, &sc->pages[i].page, sc->snaps, &want, &sc->rows);
    pthread_rwlock_unlock(&sc->s->gate);
    if (r)
        return r;
    sc->page_at++;
    sc->row_at = 0;
    return 0;
}

static const struct sg_row *nth(const struct scan *sc, const struct sg_row *rows, size_t n,
                                size_t at)
{
    return at >= n ? NULL : &rows[sc->reverse ? n - 1 - at : at];
}

static bool in_range(const struct scan *sc, const struct sg_row *row)
{
    return !before_range(sc, row->sort) && !after_range(sc, row->sort);
}

/* The next row that the pages give, not yet taken; NULL at their end. */
static int peek_pages(struct scan *sc, const struct sg_row **ret)
{
    for (;;) {
        const struct sg_row *row = nth(sc, sc->rows.row, sc->rows.n, sc->row_at);
        if (row && in_range(sc, row)) {
            *ret = row;
            return 0;
        }
        if (row) {
            sc->row_at++;
        } else if (sc->page_at < sc->n_pages) {
            int r = load_page(sc);
            if (r)
                return r;
        } else {
            *ret = NULL;
            return 0;
        }
    }
}

static int scan_next(struct sg_kv_scan *base, struct sg_bytes *ret_sort, struct sg_bytes *ret_value)
{
    struct scan *sc = (struct scan *)(void *)base;
    const struct sg_row *page, *tail = nth(sc, sc->tail, sc->n_tail, sc->tail_at);
    int r = sc->left ? peek_pages(sc, &page) : SG_KV_NOT_FOUND;
    if (r)
        return r;
    if (!page && !tail)
        return SG_KV_NOT_FOUND;
    int order = !page ? 1 : !tail ? -1 : sg_bytes_cmp(page->sort, tail->sort);
    bool from_page = page && (!tail || (sc->reverse ? order > 0 : order < 0));
    const struct sg_row *row = from_page ? page : tail;
    *(from_page ? &sc->row_at : &sc->tail_at) += 1;
    sc->left--;
    *ret_sort = row->sort;
    *ret_value = row->value;
    return 0;
}

static const struct sg_kv_scan_ops scan_ops = {.next = scan_next, .free = scan_free};

static int open_scan(struct scan *sc, struct sg_bucket *b, const struct sg_kv_range *range)
{
    int r = copy_bounds(sc, range);
    if (r == 0)
        r = sg_part_get(&sc->p, sc->s, b, range->table, range->partition);
    if (r < 0)
        return r;
    pthread_mutex_lock(&sc->p->lock);
    pthread_rwlock_rdlock(&sc->s->gate);
    r = copy_partition(sc);
    pthread_rwlock_unlock(&sc->s->gate);
    pthread_mutex_unlock(&sc->p->lock);
    return r;
}

static int local_scan_open(struct sg_kv_scan **ret, struct sg_kv *kv, const char *bucket,
                           const struct sg_kv_range *range)
{
    struct sg_bucket *b = sg_store_bucket(store_of(kv), bucket);
    SG_CLEANUP(scan_freep) struct scan *sc = NULL;
    int r = b ? sg_store_usable(store_of(kv)) : SG_KV_NOT_FOUND;
    if (r)
        return r;
    sc = calloc(1, sizeof(*sc));
    if (!sc)
        return sg_raise(-ENOMEM);
    sc->base.ops = &scan_ops;
    sc->s = store_of(kv);
    r = open_scan(sc, b, range);
    if (r)
        return r;
    *ret = &TAKE_PTR(sc)->base;
    return 0;
}

/* List of partitions. */

struct list_scan {
    struct sg_kv_scan base;
    struct sg_part_list list;
    size_t at;
};

static int list_next(struct sg_kv_scan *base, struct sg_bytes *ret_sort, struct sg_bytes *ret_value)
{
    struct list_scan *l = (struct list_scan *)(void *)base;
    if (l->at == l->list.n)
        return SG_KV_NOT_FOUND;
    *ret_sort = l->list.keys[l->at++];
    *ret_value = SG_BYTES_NONE;
    return 0;
}

static void list_free(struct sg_kv_scan *base)
{
    struct list_scan *l = (struct list_scan *)(void *)base;
    sg_part_list_clear(&l->list);
    free(l);
}

static const struct sg_kv_scan_ops list_ops = {.next = list_next, .free = list_free};

static int local_partitions_open(struct sg_kv_scan **ret, struct sg_kv *kv, const char *bucket,
                                 uint32_t table, struct sg_bytes from, struct sg_bytes until)
{
    struct sg_bucket *b = sg_store_bucket(store_of(kv), bucket);
    int r = b ? sg_store_usable(store_of(kv)) : SG_KV_NOT_FOUND;
    if (r)
        return r;
    struct list_scan *l = calloc(1, sizeof(*l));
    if (!l)
        return sg_raise(-ENOMEM);
    l->base.ops = &list_ops;
    r = sg_store_list(store_of(kv), b, table, from, until, &l->list);
    if (r) {
        free(l);
        return r;
    }
    *ret = &l->base;
    return 0;
}

/* Objects and buckets. */

static int local_object_put(struct sg_kv *kv, const char *bucket, const char *name,
                            struct sg_bytes contents)
{
    struct sg_bucket *b = sg_store_bucket(store_of(kv), bucket);
    return b ? sg_object_put(store_of(kv), b, name, contents) : SG_KV_NOT_FOUND;
}

static int local_object_get(struct sg_kv *kv, const char *bucket, const char *name,
                            struct sg_buf *ret)
{
    struct sg_bucket *b = sg_store_bucket(store_of(kv), bucket);
    return b ? sg_object_get(store_of(kv), b, name, ret) : SG_KV_NOT_FOUND;
}

static int local_object_delete(struct sg_kv *kv, const char *bucket, const char *name)
{
    struct sg_bucket *b = sg_store_bucket(store_of(kv), bucket);
    return b ? sg_object_delete(store_of(kv), b, name) : SG_KV_NOT_FOUND;
}

static int local_object_list(struct sg_kv *kv, const char *bucket, const char *prefix,
                             int (*fn)(void *user, const char *name, uint64_t size), void *user)
{
    struct sg_bucket *b = sg_store_bucket(store_of(kv), bucket);
    return b ? sg_object_list(store_of(kv), b, prefix, fn, user) : SG_KV_NOT_FOUND;
}

static int local_bucket_create(struct sg_kv *kv, const char *bucket, const char *policy)
{
    int r = sg_store_usable(store_of(kv));
    return r ? r : sg_settings_bucket_create(store_of(kv), bucket, policy);
}

static const struct sg_kv_ops local_ops = {
    .free = local_free,
    .batch = local_batch,
    .get = local_get,
    .scan_open = local_scan_open,
    .partitions_open = local_partitions_open,
    .object_put = local_object_put,
    .object_get = local_object_get,
    .object_delete = local_object_delete,
    .object_list = local_object_list,
    .bucket_create = local_bucket_create,
};

int sg_kv_open_local(struct sg_kv **ret, struct sg_store *store)
{
    struct local *l = calloc(1, sizeof(*l));
    if (!l)
        return sg_raise(-ENOMEM);
    l->base.ops = &local_ops;
    l->s = store;
    *ret = &l->base;
    return 0;
}
