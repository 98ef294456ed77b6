/* From changes to pages: see the rules in store-edit-int.h. */
#include "store-edit-int.h"

#define SMALL_PAGE_BYTES 4096u
#define SMALL_PAGE_ROWS  64u
#define SMALL_PAGES_MAX  16u
#define MERGE_PAGES_MIN  4u
#define MERGE_BYTES_MAX  (32u << 10)

/* New pages. */

static int emit_page(struct sg_edit *e, const struct sg_row *rows, size_t n, struct sg_buf *out)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf columns = SG_BUF_INIT_SECRET(SG_ENTRY_BYTES_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sealed = SG_BUF_INIT(SG_ENTRY_BYTES_MAX);
    uint8_t key[SG_PAGE_KEY_LEN];
    struct sg_part *p = e->p;
    struct sg_dir_entry *added = reallocarray(e->added, e->n_added + 1, sizeof(*added));
    if (!added)
        return sg_raise(-ENOMEM);
    e->added = added;
    int r = sg_columns_encode(rows, n, &columns);
    if (r < 0)
        return r;
    struct sg_page page = {.id = e->next_page++,
                           .version = p->version + 1,
                           .n_rows = (uint16_t)n,
                           .first = rows[0].sort,
                           .last = rows[n - 1].sort,
                           .columns = sg_buf_bytes(&columns)};
    r = sg_page_seal(p->keys, &e->s->writer, sg_part_name(p), &page, &sealed);
    if (r < 0)
        return r;
    sg_page_key(sg_part_name(p), page.id, key);
    r = sg_physical_append(out, &(struct sg_physical){.replicas = p->replicas,
                                                      .key = SG_BYTES_ARRAY(key),
                                                      .value = sg_buf_bytes(&sealed)});
    uint8_t *bounds = r < 0 ? NULL : malloc(page.first.len + page.last.len + 1);
    if (!bounds)
        return r < 0 ? r : sg_raise(-ENOMEM);
    sg_put(sg_put(bounds, page.first), page.last);
    page.first.data = bounds;
    page.last.data = bounds + page.first.len;
    page.columns = SG_BYTES_NONE;
    sg_multiset_add(e->sum, p->keys, &page);
    added[e->n_added++] =
        (struct sg_dir_entry){.page = page, .bytes = (uint32_t)sealed.len, .bounds = bounds};
    return 0;
}

static int emit_rows(struct sg_edit *e, const struct sg_row *rows, size_t n, struct sg_buf *out)
{
    for (size_t at = 0; at < n;) {
        size_t take = 0, octets = 0;
        while (at + take < n && take < SG_PAGE_ROWS_MAX &&
               (take == 0 || octets + rows[at + take].value.len <= SG_PAGE_BYTES_MAX)) {
            octets += rows[at + take].sort.len + rows[at + take].value.len;
            take++;
        }
        int r = emit_page(e, rows + at, take, out);
        if (r < 0)
            return r;
        at += take;
    }
    return 0;
}

static int remove_page(struct sg_edit *e, size_t dir, struct sg_buf *out)
{
    const struct sg_page *page = &e->p->dir[dir].page;
    uint8_t key[SG_PAGE_KEY_LEN];
    e->removed[dir] = true;
    sg_multiset_remove(e->sum, e->p->keys, page);
    sg_page_key(sg_part_name(e->p), page->id, key);
    return sg_physical_append(out, &(struct sg_physical){.is_delete = true,
                                                         .replicas = e->p->replicas,
                                                         .key = SG_BYTES_ARRAY(key)});
}

/* Where the rows go. */

/* New rows, ascending. */
static int collect_new(struct sg_edit *e, struct sg_row_list *out)
{
    for (size_t i = 0; i < e->n_changes; i++) {
        const struct sg_change *c = &e->changes[i];
        int r = c->where == SG_ABSENT && !c->is_delete ? sg_row_list_push(out, c->row) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

static bool fits_tail(const struct sg_row_list *a, const struct sg_row_list *b)
{
    return a->n + b->n <= SG_TAIL_ROWS_MAX &&
           sg_row_list_bytes(a) + sg_row_list_bytes(b) <= SG_TAIL_BYTES_MAX;
}

/* Divides old tail and new rows into the new tail and what must become pages. */
static int divide(struct sg_edit *e, const struct sg_row_list *old, const struct sg_row_list *fresh,
                  struct sg_row_list *spill)
{
    const struct sg_row_list none = {NULL, 0, 0};
    if (fits_tail(old, fresh))
        return sg_rows_merge(old->rows, old->n, fresh->rows, fresh->n, &e->tail);
    if (sg_row_list_bytes(fresh) <= SG_TAIL_BYTES_MAX / 2 || !fits_tail(old, &none))
        return sg_rows_merge(old->rows, old->n, fresh->rows, fresh->n, spill);
    int r = sg_rows_merge(old->rows, old->n, NULL, 0, &e->tail);
    return r < 0 ? r : sg_rows_merge(fresh->rows, fresh->n, NULL, 0, spill);
}

static int page_for(struct sg_edit *e, size_t dir, struct sg_edit_page **ret)
{
    size_t i;
    int r = sg_edit_open_page(e, dir, &i);
    if (r == 0)
        *ret = &e->pages[i];
    return r;
}

/* First entry of the directory that ends at or after sort: equal for rows of one gap. */
static size_t gap_of(const struct sg_part *p, struct sg_bytes sort)
{
    size_t low = 0, high = p->n_dir;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (sg_bytes_cmp(p->dir[mid].page.last, sort) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Rows inside an existing page's range join it; runs of the others become pages in the gaps. */
static int place_spill(struct sg_edit *e, const struct sg_row_list *spill, struct sg_buf *out)
{
    size_t at = 0;
    while (at < spill->n) {
        struct sg_edit_page *page;
        size_t dir = sg_part_find(e->p, spill->rows[at].sort), n = 1;
        if (dir < e->p->n_dir) {
            int r = page_for(e, dir, &page);
            if (r == 0)
                r = sg_row_list_push(&page->extra, spill->rows[at]);
            if (r)
                return r;
            page->replaced = true;
            at++;
            continue;
        }
        size_t gap = gap_of(e->p, spill->rows[at].sort);
        while (at + n < spill->n && sg_part_find(e->p, spill->rows[at + n].sort) == e->p->n_dir &&
               gap_of(e->p, spill->rows[at + n].sort) == gap)
            n++;
        e->filled[gap] = true;
        int r = emit_rows(e, spill->rows + at, n, out);
        if (r < 0)
            return r;
        at += n;
    }
    return 0;
}

static int replace_page(struct sg_edit *e, size_t i, struct sg_buf *out)
{
    struct sg_edit_page *page = &e->pages[i];
    SG_FREE struct sg_row *changed_rows = NULL;
    struct sg_row_list changed = {NULL, 0, 0};
    int r = sg_rows_change(page->rows.row, page->rows.n, e->changes, e->n_changes, SG_IN_PAGE, i,
                           &changed);
    changed_rows = changed.rows;
    e->merged.n = 0;
    if (r == 0)
        r = sg_rows_merge(changed.rows, changed.n, page->extra.rows, page->extra.n, &e->merged);
    if (r == 0)
        r = remove_page(e, page->dir, out);
    return r < 0 ? r : emit_rows(e, e->merged.rows, e->merged.n, out);
}

static int replace_pages(struct sg_edit *e, struct sg_buf *out)
{
    for (size_t i = 0; i < e->n_changes; i++)
        if (e->changes[i].where == SG_IN_PAGE)
            e->pages[e->changes[i].page].replaced = true;
    for (size_t i = 0; i < e->n_pages; i++) {
        int r = e->pages[i].replaced ? replace_page(e, i, out) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

/* Merging of small neighbours. */

static bool small(const struct sg_edit *e, size_t dir)
{
    const struct sg_dir_entry *d = &e->p->dir[dir];
    return !e->removed[dir] && d->bytes < SMALL_PAGE_BYTES && d->page.n_rows < SMALL_PAGE_ROWS;
}

static size_t neighbours(const struct sg_edit *e, size_t from)
{
    size_t n = 0, rows = 0, octets = 0;
    while (from + n < e->p->n_dir && small(e, from + n) && !(n > 0 && e->filled[from + n])) {
        rows += e->p->dir[from + n].page.n_rows;
        octets += e->p->dir[from + n].bytes;
        if (rows > SG_PAGE_ROWS_MAX || octets > MERGE_BYTES_MAX)
            break;
        n++;
    }
    return n;
}

static int merge_run(struct sg_edit *e, size_t from, size_t n, struct sg_buf *out)
{
    e->merged.n = 0;
    for (size_t dir = from; dir < from + n; dir++) {
        struct sg_edit_page *page;
        int r = page_for(e, dir, &page);
        for (size_t i = 0; r == 0 && i < page->rows.n; i++)
            r = sg_row_list_push(&e->merged, page->rows.row[i]);
        if (r == 0)
            r = remove_page(e, dir, out);
        if (r)
            return r;
    }
    return emit_rows(e, e->merged.rows, e->merged.n, out);
}

static int merge_small(struct sg_edit *e, struct sg_buf *out)
{
    size_t n_small = 0;
    for (size_t dir = 0; dir < e->p->n_dir; dir++)
        n_small += small(e, dir);
    for (size_t dir = 0; n_small >= SMALL_PAGES_MAX && dir < e->p->n_dir;) {
        size_t n = neighbours(e, dir);
        int r = n >= MERGE_PAGES_MIN ? merge_run(e, dir, n, out) : 0;
        if (r)
            return r;
        dir += n ? n : 1;
    }
    return 0;
}

/* Head. */

static uint32_t pages_after(const struct sg_edit *e)
{
    size_t n = e->p->n_dir + e->n_added;
    for (size_t i = 0; i < e->p->n_dir; i++)
        n -= e->removed[i];
    return (uint32_t)n;
}

static int emit_head(struct sg_edit *e, struct sg_buf *out)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf entry = SG_BUF_INIT(SG_ENTRY_BYTES_MAX);
    struct sg_part *p = e->p;
    struct sg_head h = {.version = p->version + 1,
                        .table = p->table,
                        .partition = p->partition,
                        .n_rows = e->n_rows,
                        .next_page = e->next_page,
                        .n_pages = pages_after(e),
                        .tail = e->tail.rows,
                        .n_tail = e->tail.n};
    if (e->n_rows == 0) {
        int r = sg_part_keys_new(&e->fresh_keys);
        if (r < 0)
            return r;
        sg_part_keys_generate(e->fresh_keys);
        memset(e->sum, 0, sizeof(e->sum));
    }
    memcpy(h.sum, e->sum, SG_MULTISET_LEN);
    int r = sg_head_seal(e->fresh_keys ? e->fresh_keys : p->keys, &e->s->writer, &p->bucket->keys,
                         p->key, &h, &entry);
    if (r < 0)
        return r;
    return sg_physical_append(out, &(struct sg_physical){.replicas = p->replicas,
                                                         .key = SG_BYTES(p->key, SG_HEAD_KEY_LEN),
                                                         .value = sg_buf_bytes(&entry)});
}

static int start_plan(struct sg_edit *e)
{
    e->removed = calloc(e->p->n_dir + 1, sizeof(*e->removed));
    e->filled = calloc(e->p->n_dir + 1, sizeof(*e->filled));
    if (!e->removed || !e->filled)
        return sg_raise(-ENOMEM);
    e->n_rows = e->p->n_rows;
    e->next_page = e->p->next_page;
    memcpy(e->sum, e->p->sum, SG_MULTISET_LEN);
    for (size_t i = 0; i < e->n_changes; i++) {
        e->n_rows += e->changes[i].where == SG_ABSENT;
        e->n_rows -= e->changes[i].is_delete;
    }
    return 0;
}

static int plan_rows(struct sg_edit *e, struct sg_row_list *old, struct sg_row_list *fresh,
                     struct sg_row_list *spill, struct sg_buf *out)
{
    int r = sg_rows_change(e->p->tail, e->p->n_tail, e->changes, e->n_changes, SG_IN_TAIL, 0, old);
    if (r == 0)
        r = collect_new(e, fresh);
    if (r == 0)
        r = divide(e, old, fresh, spill);
    return r < 0 ? r : place_spill(e, spill, out);
}

int sg_edit_plan(struct sg_edit *e, struct sg_buf *out)
{
    struct sg_row_list old = {NULL, 0, 0}, fresh = {NULL, 0, 0}, spill = {NULL, 0, 0};
    if (e->n_changes == 0)
        return 0;
    int r = start_plan(e);
    if (r == 0)
        r = plan_rows(e, &old, &fresh, &spill, out);
    if (r == 0)
        r = replace_pages(e, out);
    if (r == 0)
        r = merge_small(e, out);
    if (r == 0)
        r = emit_head(e, out);
    free(old.rows);
    free(fresh.rows);
    free(spill.rows);
    return r;
}
