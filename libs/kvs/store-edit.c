/* Evaluation of a batch's operations against one partition. */
#include "store-edit-int.h"

void sg_edit_clear(struct sg_edit *e)
{
    for (size_t i = 0; i < e->n_pages; i++) {
        sg_rows_clear(&e->pages[i].rows);
        free(e->pages[i].extra.rows);
    }
    for (size_t i = 0; i < e->n_added; i++)
        free(e->added[i].bounds);
    free(e->added);
    free(e->pages);
    free(e->changes);
    free(e->tail.rows);
    free(e->merged.rows);
    free(e->next_dir);
    free(e->next_tail);
    free(e->removed);
    free(e->filled);
    sg_part_keys_free(e->fresh_keys);
}

int sg_edit_open_page(struct sg_edit *e, size_t dir, size_t *ret)
{
    for (size_t i = 0; i < e->n_pages; i++)
        if (e->pages[i].dir == dir) {
            *ret = i;
            return 0;
        }
    struct sg_edit_page *pages = reallocarray(e->pages, e->n_pages + 1, sizeof(*pages));
    if (!pages)
        return sg_raise(-ENOMEM);
    e->pages = pages;
    pages[e->n_pages] = (struct sg_edit_page){.dir = dir, .rows = SG_ROWS_INIT};
    int r = sg_part_read_page(e->s, e->p, e->p->keys, &e->p->dir[dir].page, NULL,
                              &pages[e->n_pages].rows);
    if (r)
        return r;
    *ret = e->n_pages++;
    return 0;
}

struct present {
    enum sg_where where;
    size_t page;
    struct sg_bytes value;
};

static int find_present(struct sg_edit *e, struct sg_bytes sort, struct present *ret)
{
    bool found;
    struct present at = {.where = SG_ABSENT};
    size_t i = sg_row_find(e->p->tail, e->p->n_tail, sort, &found);
    if (found) {
        *ret = (struct present){.where = SG_IN_TAIL, .value = e->p->tail[i].value};
        return 0;
    }
    size_t dir = sg_part_find(e->p, sort);
    if (dir < e->p->n_dir) {
        int r = sg_edit_open_page(e, dir, &at.page);
        if (r)
            return r;
        const struct sg_rows *rows = &e->pages[at.page].rows;
        i = sg_row_find(rows->row, rows->n, sort, &found);
        if (found) {
            at.where = SG_IN_PAGE;
            at.value = rows->row[i].value;
        }
    }
    *ret = at;
    return 0;
}

static bool as_expected(const struct sg_kv_op *op, const struct present *at)
{
    if (op->expect_absent)
        return at->where == SG_ABSENT;
    return at->where != SG_ABSENT && sg_bytes_equal(op->expect, at->value);
}

enum verdict { WRITE, KEEP, REFUSE };

static enum verdict judge(const struct sg_kv_op *op, const struct present *at,
                          enum sg_kv_op_result *result)
{
    bool there = at->where != SG_ABSENT;
    bool same = there && sg_bytes_equal(op->value, at->value);
    *result = SG_KV_OP_OK;
    switch (op->kind) {
    case SG_KV_PUT:
        return same ? KEEP : WRITE;
    case SG_KV_INSERT:
        if (there)
            *result = same ? SG_KV_OP_SAME : SG_KV_OP_CONFLICT;
        return !there ? WRITE : same ? KEEP : REFUSE;
    case SG_KV_DELETE:
        return there ? WRITE : KEEP;
    case SG_KV_REPLACE:
    case SG_KV_CHECK:
        if (as_expected(op, at))
            return op->kind == SG_KV_CHECK || same ? KEEP : WRITE;
        *result = SG_KV_OP_CONFLICT;
        return REFUSE;
    }
    return REFUSE;
}

static bool writes(const struct sg_kv_op *op)
{
    return op->kind != SG_KV_CHECK;
}

/* Neighbours in order may share a key only if one of them is a check. */
static bool written_twice(const struct sg_edit *e, size_t i)
{
    for (size_t k = i; k-- > 0;) {
        const struct sg_kv_op *a = &e->ops[e->order[k]], *b = &e->ops[e->order[i]];
        if (!sg_bytes_equal(a->key.sort, b->key.sort))
            return false;
        if (writes(a) && writes(b))
            return true;
    }
    return false;
}

static void add_change(struct sg_edit *e, const struct sg_kv_op *op, const struct present *at)
{
    e->changes[e->n_changes++] =
        (struct sg_change){.row = {.sort = op->key.sort,
                                   .value = op->kind == SG_KV_DELETE ? SG_BYTES_NONE : op->value},
                           .is_delete = op->kind == SG_KV_DELETE,
                           .where = at->where,
                           .page = at->where == SG_IN_PAGE ? at->page : 0};
}

int sg_edit_evaluate(struct sg_edit *e, enum sg_kv_op_result *results)
{
    bool refused = false;
    e->changes = calloc(e->n_ops, sizeof(*e->changes));
    if (!e->changes)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < e->n_ops; i++) {
        const struct sg_kv_op *op = &e->ops[e->order[i]];
        struct present at;
        if (written_twice(e, i))
            return sg_raisef(-EINVAL, "batch: two writes to one key");
        int r = find_present(e, op->key.sort, &at);
        if (r)
            return r;
        enum verdict v = judge(op, &at, &results[e->order[i]]);
        refused |= v == REFUSE;
        if (v == WRITE)
            add_change(e, op, &at);
    }
    return refused ? SG_KV_CONFLICT : 0;
}

/* Installation. */

static int by_first(const void *a, const void *b)
{
    const struct sg_dir_entry *x = a, *y = b;
    return sg_bytes_cmp(x->page.first, y->page.first);
}

int sg_edit_prepare(struct sg_edit *e)
{
    size_t n = 0;
    if (e->n_changes == 0)
        return 0;
    e->next_dir = calloc(e->p->n_dir + e->n_added + 1, sizeof(*e->next_dir));
    if (!e->next_dir)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < e->p->n_dir; i++)
        if (!e->removed[i])
            e->next_dir[n++] = e->p->dir[i];
    for (size_t i = 0; i < e->n_added; i++)
        e->next_dir[n++] = e->added[i];
    qsort(e->next_dir, n, sizeof(*e->next_dir), by_first);
    e->n_next_dir = n;
    return sg_rows_copy(e->tail.rows, e->tail.n, &e->next_tail);
}

void sg_edit_install(struct sg_edit *e)
{
    struct sg_part *p = e->p;
    if (e->n_changes == 0)
        return;
    for (size_t i = 0; i < p->n_dir; i++)
        if (e->removed[i])
            free(p->dir[i].bounds);
    free(p->dir);
    free(p->tail);
    p->dir = TAKE_PTR(e->next_dir);
    p->n_dir = e->n_next_dir;
    p->tail = TAKE_PTR(e->next_tail);
    p->n_tail = e->tail.n;
    p->n_rows = e->n_rows;
    p->next_page = e->next_page;
    memcpy(p->sum, e->sum, SG_MULTISET_LEN);
    p->version++;
    if (e->fresh_keys) {
        sg_part_keys_free(p->keys);
        p->keys = TAKE_PTR(e->fresh_keys);
    }
    e->n_added = 0; /* their bounds belong to the partition now */
}
