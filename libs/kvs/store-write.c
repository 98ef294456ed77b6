#include "store-edit-int.h"

#include <stdlib.h>

#define BATCH_BYTES_MAX (40u << 20)

/* A batch in progress: its operations ordered by partition, one edit for each. */
struct batch {
    struct sg_store *s;
    const struct sg_kv_op *ops;
    size_t n_ops;
    uint32_t *order;
    struct sg_edit *edits;
    size_t n_edits, n_locked;
    bool gated;
    enum sg_kv_op_result *results;
    struct sg_buf payload;
};

static int op_order(const void *a, const void *b, void *user)
{
    const struct sg_kv_op *ops = user;
    const struct sg_kv_key *x = &ops[*(const uint32_t *)a].key, *y = &ops[*(const uint32_t *)b].key;
    if (x->table != y->table)
        return x->table < y->table ? -1 : 1;
    int c = sg_bytes_cmp(x->partition, y->partition);
    return c ? c : sg_bytes_cmp(x->sort, y->sort);
}

static int sort_ops(struct batch *b)
{
    bool sorted = true;
    b->order = calloc(b->n_ops, sizeof(*b->order));
    if (!b->order)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < b->n_ops; i++) {
        b->order[i] = (uint32_t)i;
        sorted = sorted && (i == 0 || op_order(&b->order[i - 1], &b->order[i],
                                               (void *)(uintptr_t)b->ops) <= 0);
    }
    if (!sorted)
        qsort_r(b->order, b->n_ops, sizeof(*b->order), op_order, (void *)(uintptr_t)b->ops);
    return 0;
}

static bool same_partition(const struct sg_kv_op *a, const struct sg_kv_op *b)
{
    return a->key.table == b->key.table && sg_bytes_equal(a->key.partition, b->key.partition);
}

static size_t count_partitions(const struct batch *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n_ops; i++)
        n += i == 0 || !same_partition(&b->ops[b->order[i - 1]], &b->ops[b->order[i]]);
    return n;
}

static int make_edits(struct batch *b, struct sg_bucket *bucket)
{
    b->edits = calloc(count_partitions(b), sizeof(*b->edits));
    if (!b->edits)
        return sg_raise(-ENOMEM);
    for (size_t at = 0; at < b->n_ops;) {
        const struct sg_kv_op *first = &b->ops[b->order[at]];
        struct sg_edit *e = &b->edits[b->n_edits];
        size_t n = 1;
        while (at + n < b->n_ops && same_partition(first, &b->ops[b->order[at + n]]))
            n++;
        *e = (struct sg_edit){.s = b->s, .ops = b->ops, .order = b->order + at, .n_ops = n};
        int r = sg_part_get(&e->p, b->s, bucket, first->key.table, first->key.partition);
        if (r < 0)
            return r;
        b->n_edits++;
        at += n;
    }
    return 0;
}

static int by_key(const void *a, const void *b)
{
    const struct sg_edit *x = a, *y = b;
    return memcmp(x->p->key, y->p->key, SG_HEAD_KEY_LEN);
}

static void lock_partitions(struct batch *b)
{
    qsort(b->edits, b->n_edits, sizeof(*b->edits), by_key);
    for (; b->n_locked < b->n_edits; b->n_locked++)
        pthread_mutex_lock(&b->edits[b->n_locked].p->lock);
    pthread_rwlock_rdlock(&b->s->gate);
    b->gated = true;
}

static void end_batch(struct batch *b)
{
    if (b->gated)
        pthread_rwlock_unlock(&b->s->gate);
    for (size_t i = 0; i < b->n_locked; i++)
        pthread_mutex_unlock(&b->edits[i].p->lock);
    for (size_t i = 0; i < b->n_edits; i++) {
        sg_part_put(b->s, b->edits[i].p);
        sg_edit_clear(&b->edits[i]);
    }
    free(b->edits);
    free(b->order);
    sg_buf_clear(&b->payload);
}

/* More than half of the replicas, or half of an even number: a volume that misses a write is set
 * aside until it is rebuilt, so one copy alone would still be read right; more are asked for so
 * that a further loss does no harm. */
static bool enough_volumes(struct sg_store *s, const struct sg_part *p)
{
    unsigned online = 0;
    for (unsigned i = 0; i < p->replicas; i++)
        online += sg_volume_state(sg_store_replica(s, p->key, i)) == SG_VOLUME_ONLINE;
    return online >= (p->replicas + 1u) / 2;
}

static int evaluate(struct batch *b)
{
    int result = 0;
    for (size_t i = 0; i < b->n_edits; i++) {
        struct sg_edit *e = &b->edits[i];
        int r = sg_part_load(b->s, e->p);
        if (r)
            return r;
        r = sg_edit_evaluate(e, b->results);
        if (r && r != SG_KV_CONFLICT)
            return r;
        result = r ? r : result;
    }
    return result;
}

static int plan(struct batch *b)
{
    for (size_t i = 0; i < b->n_edits; i++) {
        struct sg_edit *e = &b->edits[i];
        if (e->n_changes && !enough_volumes(b->s, e->p))
            return sg_raisef(-EIO, "too few volumes are online");
        int r = sg_edit_plan(e, &b->payload);
        if (r == 0)
            r = sg_edit_prepare(e);
        if (r)
            return r;
    }
    return 0;
}

static int commit(struct batch *b)
{
    if (b->payload.len == 0)
        return 0;
    int r = sg_store_commit(b->s, sg_buf_bytes(&b->payload));
    if (r < 0)
        return r;
    for (size_t i = 0; i < b->n_edits; i++) {
        struct sg_edit *e = &b->edits[i];
        b->s->rows_written += e->n_changes;
        b->s->pages_written += e->n_added;
        sg_edit_install(e);
    }
    return 0;
}

static int run_batch(struct batch *b, struct sg_bucket *bucket)
{
    int r = sort_ops(b);
    if (r == 0)
        r = make_edits(b, bucket);
    if (r < 0)
        return r;
    lock_partitions(b);
    r = evaluate(b);
    if (r == 0)
        r = plan(b);
    if (r == 0)
        r = commit(b);
    b->s->batches++;
    return r;
}

int sg_store_batch(struct sg_store *s, struct sg_bucket *bucket, const struct sg_kv_op *ops,
                   size_t n, enum sg_kv_op_result *ret_results)
{
    int r = sg_store_usable(s);
    if (r < 0 || n == 0)
        return r;
    SG_FREE enum sg_kv_op_result *results = calloc(n, sizeof(*results));
    if (!results)
        return sg_raise(-ENOMEM);
    struct batch b = {.s = s,
                      .ops = ops,
                      .n_ops = n,
                      .results = results,
                      .payload = SG_BUF_INIT(BATCH_BYTES_MAX)};
    r = run_batch(&b, bucket);
    end_batch(&b);
    if (ret_results && (r == 0 || r == SG_KV_CONFLICT))
        memcpy(ret_results, results, n * sizeof(*results));
    return r;
}

/* Point read. */

static int from_page(struct sg_store *s, struct sg_part *p, const struct sg_page *page,
                     struct sg_bytes sort, struct sg_buf *ret)
{
    SG_CLEANUP(sg_rows_clear) struct sg_rows rows = SG_ROWS_INIT;
    bool found;
    int kept = sg_pages_get(&s->pages, sg_part_name(p), page, sort, ret);
    if (kept != SG_PAGES_ONCE && kept != SG_PAGES_AGAIN)
        return kept == SG_PAGES_NO_ROW ? SG_KV_NOT_FOUND : kept;
    /* a page that is to be kept is opened whole, any other no further than the row */
    const struct sg_columns_want want = {.sort = kept == SG_PAGES_ONCE ? &sort : NULL};
    int r = sg_part_read_some(s, p, p->keys, page, NULL, &want, &rows);
    if (r)
        return r;
    if (kept == SG_PAGES_AGAIN)
        sg_pages_keep(&s->pages, sg_part_name(p), page, &rows);
    size_t i = sg_row_find(rows.row, rows.n, sort, &found);
    return found ? sg_buf_append(ret, rows.row[i].value) : SG_KV_NOT_FOUND;
}

static int get_loaded(struct sg_store *s, struct sg_part *p, struct sg_bytes sort,
                      struct sg_buf *ret)
{
    bool found;
    size_t i = sg_row_find(p->tail, p->n_tail, sort, &found);
    if (found)
        return sg_buf_append(ret, p->tail[i].value);
    size_t dir = sg_part_find(p, sort);
    return dir == p->n_dir ? SG_KV_NOT_FOUND : from_page(s, p, &p->dir[dir].page, sort, ret);
}

int sg_store_get(struct sg_store *s, struct sg_bucket *b, struct sg_kv_key key, struct sg_buf *ret)
{
    struct sg_part *p;
    int r = sg_store_usable(s);
    if (r == 0)
        r = sg_part_get(&p, s, b, key.table, key.partition);
    if (r < 0)
        return r;
    pthread_mutex_lock(&p->lock);
    pthread_rwlock_rdlock(&s->gate);
    r = sg_part_load(s, p);
    if (r == 0)
        r = get_loaded(s, p, key.sort, ret);
    pthread_rwlock_unlock(&s->gate);
    pthread_mutex_unlock(&p->lock);
    sg_part_put(s, p);
    return r;
}
