/* walk - from row to row and from partition to partition. */
#include "cursor-int.h"

int sg_sql_cursor_fail(struct sg_sql_cursor *c, int r)
{
    (void)sg_sql_refuse_kv(&sg_sql_cursor_conn(c)->error, r);
    return SQLITE_ERROR;
}

int sg_sql_cursor_damaged(struct sg_sql_cursor *c)
{
    return sg_sql_vtab_fail(sg_sql_cursor_conn(c), SG_SQL_ERR_damaged,
                            "a row of table %s does not fit its definition",
                            sg_sql_cursor_shape(c)->name);
}

/* ---- sessions ---- */

void sg_sql_cursor_close_scan(struct sg_sql_cursor *c, bool broken)
{
    sg_kv_scan_free(TAKE_PTR(c->scan));
    sg_sql_pool_put(&sg_sql_cursor_conn(c)->engine->pool, TAKE_PTR(c->kv), broken);
    c->have_scan_row = false;
}

static int take_session(struct sg_sql_cursor *c, bool fresh)
{
    int r = sg_sql_pool_get(&sg_sql_cursor_conn(c)->engine->pool, fresh, &c->kv);
    if (r == SG_SQL_POOL_FULL)
        return sg_sql_vtab_fail(sg_sql_cursor_conn(c), SG_SQL_ERR_busy,
                                "too many statements or tables at once");
    return r ? sg_sql_cursor_fail(c, r) : SQLITE_OK;
}

/* Runs a read; a session that turns out dead is replaced once, since kvsd may have restarted. */
static int with_session(struct sg_sql_cursor *c, int (*fn)(struct sg_sql_cursor *c))
{
    for (int attempt = 0;; attempt++) {
        int rc = take_session(c, attempt > 0);
        if (rc)
            return rc;
        int r = fn(c);
        if (r == 0)
            return SQLITE_OK;
        sg_sql_cursor_close_scan(c, r < 0);
        if (r > 0 || attempt > 0)
            return r == SG_KV_NOT_FOUND ? SQLITE_DONE : sg_sql_cursor_fail(c, r);
    }
}

/* ---- partitions ---- */

static int list_load(struct sg_sql_cursor *c)
{
    sg_sql_parts_reset(&c->parts);
    c->more_parts = false;
    int r = sg_kv_partitions_open(&c->scan, c->kv, sg_sql_cursor_conn(c)->engine->bucket,
                                  c->vtab->table->id, sg_buf_bytes(&c->list_from),
                                  sg_buf_bytes(&c->list_until));
    if (r)
        return r == SG_KV_NOT_FOUND ? 0 : r;
    struct sg_bytes key, none;
    while (c->parts.n < SG_SQL_PARTS_LOAD) {
        r = sg_kv_scan_next(c->scan, &key, &none);
        if (r)
            return r == SG_KV_NOT_FOUND ? 0 : r;
        r = sg_sql_parts_add(&c->parts, key);
        if (r < 0)
            return r;
    }
    c->more_parts = true;
    return 0;
}

static bool in_list_range(const struct sg_sql_cursor *c, struct sg_bytes key)
{
    struct sg_bytes until = sg_buf_bytes(&c->list_until);
    if (c->more_parts && sg_bytes_cmp(key, sg_sql_parts_key(&c->parts, SG_SQL_PARTS_LOAD - 1)) > 0)
        return false;
    return sg_bytes_cmp(key, sg_buf_bytes(&c->list_from)) >= 0 &&
           (until.len == 0 || sg_bytes_cmp(key, until) < 0);
}

/* Partitions that so far exist only in this transaction. */
static int add_own_partitions(struct sg_sql_cursor *c)
{
    for (size_t i = 0; i < c->overlay.n; i++) {
        if (!in_list_range(c, c->overlay.rows[i].partition))
            continue;
        int r = sg_sql_parts_add(&c->parts, c->overlay.rows[i].partition);
        if (r < 0)
            return sg_sql_cursor_fail(c, r);
    }
    if (c->overlay.n)
        sg_sql_parts_sort(&c->parts);
    return SQLITE_OK;
}

int sg_sql_cursor_list(struct sg_sql_cursor *c)
{
    int rc = with_session(c, list_load);
    if (rc)
        return rc;
    sg_sql_cursor_close_scan(c, false);
    c->part = 0;
    return add_own_partitions(c);
}

/* The next load begins right after the last key of this one. */
static int list_more(struct sg_sql_cursor *c)
{
    sg_buf_reset(&c->list_from);
    int r = sg_buf_append(&c->list_from, sg_sql_parts_key(&c->parts, c->parts.n - 1));
    if (r == 0)
        r = sg_buf_append_u8(&c->list_from, 0);
    return r < 0 ? sg_sql_cursor_fail(c, r) : sg_sql_cursor_list(c);
}

/* ---- one partition ---- */

static int open_scan(struct sg_sql_cursor *c)
{
    struct sg_kv_range range = {
        .table = c->vtab->table->id,
        .partition = c->partition,
        .from = sg_buf_bytes(&c->from),
        .until = sg_buf_bytes(&c->until),
        .reverse = (c->plan & SG_SQL_PLAN_REVERSE) != 0,
        .limit = c->hint,
        .fields = SG_BYTES(c->fields, c->fields_len),
    };
    if (c->resume.len && range.reverse)
        range.until = sg_buf_bytes(&c->resume);
    else if (c->resume.len)
        range.from = sg_buf_bytes(&c->resume);
    c->asked = range.limit;
    c->got = 0;
    int r = sg_kv_scan_open(&c->scan, c->kv, sg_sql_cursor_conn(c)->engine->bucket, &range);
    return r == SG_KV_NOT_FOUND ? 0 : r;
}

static int get_point(struct sg_sql_cursor *c)
{
    struct sg_kv_key key = {
        .table = c->vtab->table->id, .partition = c->partition, .sort = sg_buf_bytes(&c->from)};
    sg_buf_reset(&c->point_value);
    return sg_kv_get(c->kv, sg_sql_cursor_conn(c)->engine->bucket, key, &c->point_value);
}

static bool in_range(const struct sg_sql_cursor *c, struct sg_bytes sort)
{
    return sg_bytes_cmp(sort, sg_buf_bytes(&c->from)) >= 0 &&
           (c->until.len == 0 || sg_bytes_cmp(sort, sg_buf_bytes(&c->until)) < 0);
}

/* The overlay is sorted: this partition's rows in range are one run of it. */
static void find_own_rows(struct sg_sql_cursor *c)
{
    size_t i = 0;
    c->own = c->own_end = 0;
    while (i < c->overlay.n && (!sg_bytes_equal(c->overlay.rows[i].partition, c->partition) ||
                                !in_range(c, c->overlay.rows[i].sort)))
        i++;
    c->own = i;
    while (i < c->overlay.n && sg_bytes_equal(c->overlay.rows[i].partition, c->partition) &&
           in_range(c, c->overlay.rows[i].sort))
        i++;
    c->own_end = i;
}

static int decode_partition(struct sg_sql_cursor *c)
{
    struct sg_reader in = sg_reader_over(c->partition);
    sg_buf_reset(&c->part_scratch);
    for (unsigned k = 0; k < sg_sql_cursor_shape(c)->n_partition; k++)
        if (sg_tuple_key_next(&in, &c->part_values[k], &c->part_scratch) < 0)
            return sg_sql_cursor_damaged(c);
    return SQLITE_OK;
}

static int enter_partition(struct sg_sql_cursor *c)
{
    c->partition = sg_sql_parts_key(&c->parts, c->part);
    int rc = decode_partition(c);
    if (rc || (c->plan & SG_SQL_PLAN_POINT))
        return rc;
    find_own_rows(c);
    sg_buf_reset(&c->resume);
    rc = with_session(c, open_scan);
    if (rc == SQLITE_OK && !c->scan)
        sg_sql_cursor_close_scan(c, false); /* no such partition: its session is free again */
    return rc;
}

/* ---- rows ---- */

/* narrow: the value comes from a scan, with the fields that were asked for. */
static int show(struct sg_sql_cursor *c, struct sg_bytes sort, struct sg_bytes value, bool narrow)
{
    c->narrow = narrow && c->fields_len;
    c->sort = sort;
    c->value = value;
    c->sort_decoded = false;
    return sg_sql_row_set(&c->row, value) ? sg_sql_cursor_damaged(c) : SQLITE_OK;
}

/* A scan that was asked for only so many rows goes on behind them, with more at a time. */
static int scan_on(struct sg_sql_cursor *c)
{
    c->hint = c->hint < UINT64_MAX / 8 ? c->hint * 8 : 0;
    sg_sql_cursor_close_scan(c, false);
    return with_session(c, open_scan);
}

/* The last row asked for: the next scan begins behind it. */
static int note_resume(struct sg_sql_cursor *c)
{
    sg_buf_reset(&c->resume);
    int r = sg_buf_append(&c->resume, c->scan_sort);
    if (r == 0 && !(c->plan & SG_SQL_PLAN_REVERSE))
        r = sg_buf_append_u8(&c->resume, 0);
    return r < 0 ? sg_sql_cursor_fail(c, r) : SQLITE_OK;
}

/* Makes have_scan_row true unless the scan is at its end. */
static int fetch(struct sg_sql_cursor *c)
{
    while (c->scan && !c->have_scan_row) {
        int r = sg_kv_scan_next(c->scan, &c->scan_sort, &c->scan_value);
        if (r == 0) {
            c->have_scan_row = true;
            c->got++;
            if (c->got == c->asked && note_resume(c))
                return SQLITE_ERROR;
        } else if (r == SG_KV_NOT_FOUND && c->asked && c->got == c->asked) {
            int rc = scan_on(c);
            if (rc)
                return rc;
        } else {
            sg_sql_cursor_close_scan(c, r < 0);
            return r == SG_KV_NOT_FOUND ? SQLITE_OK : sg_sql_cursor_fail(c, r);
        }
    }
    return SQLITE_OK;
}

static const struct sg_sql_write *own_row(const struct sg_sql_cursor *c)
{
    if (c->own == c->own_end)
        return NULL;
    return &c->overlay.rows[c->plan & SG_SQL_PLAN_REVERSE ? c->own_end - 1 : c->own];
}

static void own_taken(struct sg_sql_cursor *c)
{
    if (c->plan & SG_SQL_PLAN_REVERSE)
        c->own_end--;
    else
        c->own++;
}

/* The next row of this partition; SQLITE_DONE at its end. */
static int scan_row(struct sg_sql_cursor *c)
{
    for (;;) {
        int rc = fetch(c);
        if (rc)
            return rc;
        const struct sg_sql_write *own = own_row(c);
        if (!own && !c->have_scan_row)
            return SQLITE_DONE;
        int order = !own ? 1 : !c->have_scan_row ? -1 : sg_bytes_cmp(own->sort, c->scan_sort);
        if (own && c->have_scan_row && (c->plan & SG_SQL_PLAN_REVERSE))
            order = -order;
        if (order >= 0)
            c->have_scan_row = false; /* shown now, or hidden by our own */
        if (order > 0)
            return show(c, c->scan_sort, c->scan_value, true);
        own_taken(c);
        if (!own->is_delete)
            return show(c, own->sort, own->value, false);
    }
}

static int point_row(struct sg_sql_cursor *c)
{
    struct sg_bytes sort = sg_buf_bytes(&c->from);
    const struct sg_sql_write *own =
        sg_sql_writes_find(&sg_sql_cursor_conn(c)->writes, c->vtab->table->id, c->partition, sort);
    if (own)
        return own->is_delete ? SQLITE_DONE : show(c, sort, own->value, false);
    int rc = with_session(c, get_point);
    if (rc)
        return rc;
    sg_sql_cursor_close_scan(c, false);
    return show(c, sort, sg_buf_bytes(&c->point_value), false);
}

/* ---- from partition to partition ---- */

static bool at_last_part(const struct sg_sql_cursor *c)
{
    return c->plan & SG_SQL_PLAN_REVERSE ? c->part == 0 : c->part + 1 >= c->parts.n;
}

static int next_partition(struct sg_sql_cursor *c)
{
    if (!at_last_part(c)) {
        c->part += c->plan & SG_SQL_PLAN_REVERSE ? (size_t)-1 : 1;
        return SQLITE_OK;
    }
    if (!c->more_parts)
        return SQLITE_DONE;
    int rc = list_more(c);
    return rc == SQLITE_OK && c->parts.n == 0 ? SQLITE_DONE : rc;
}

/* entered: the current partition is being read already. */
static int advance(struct sg_sql_cursor *c, bool entered)
{
    for (;;) {
        int rc = SQLITE_DONE;
        if (c->plan & SG_SQL_PLAN_POINT) {
            if (!entered) {
                rc = enter_partition(c);
                rc = rc ? rc : point_row(c);
            }
        } else {
            rc = entered ? SQLITE_OK : enter_partition(c);
            rc = rc ? rc : scan_row(c);
        }
        if (rc != SQLITE_DONE)
            return rc;
        rc = next_partition(c);
        if (rc == SQLITE_DONE) {
            c->eof = true;
            return SQLITE_OK;
        }
        if (rc)
            return rc;
        entered = false;
    }
}

int sg_sql_cursor_next(sqlite3_vtab_cursor *base)
{
    return advance(sg_sql_cursor_of(base), true);
}

int sg_sql_cursor_eof(sqlite3_vtab_cursor *base)
{
    return sg_sql_cursor_of(base)->eof;
}

int sg_sql_cursor_start(struct sg_sql_cursor *c)
{
    return advance(c, false);
}
