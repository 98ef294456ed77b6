/*
 * cursor - xFilter, xNext, xColumn: the rows of one table for one set of key constraints.
 *
 *   filter:  constraints -> partitions to visit (known, or listed from the store a load at a time)
 *                        -> range of sort keys within each
 *   next:    of the current partition the store's rows and the transaction's own, merged by sort
 *            key; at its end the next partition; at the end of the load the next load
 *
 * A cursor holds one kv session while a scan is open.  Rows are borrowed from the scan, and decoded
 * when a column is asked for.
 */
#include "bound-int.h"
#include "parts-int.h"
#include "row-int.h"
#include "sql-int.h"

struct cursor {
    sqlite3_vtab_cursor base;
    struct sg_sql_vtab *vtab;
    int plan;
    /* where to look */
    struct sg_sql_parts parts;
    size_t part;     /* index of the current one */
    bool more_parts; /* the listing goes on after the last of this load */
    struct sg_buf list_from, list_until;
    struct sg_buf from, until; /* sort keys; until empty: no end */
    uint64_t hint;             /* rows to ask for in the next scan, 0: all */
    /* the current partition */
    struct sg_kv *kv;
    struct sg_kv_scan *scan;
    uint64_t asked, got; /* of this scan */
    struct sg_bytes scan_sort, scan_value;
    bool have_scan_row;
    struct sg_buf resume; /* where a scan with a limit goes on */
    struct sg_sql_overlay overlay;
    size_t own, own_end; /* of the overlay in this partition and range, not yet shown */
    struct sg_buf point_value;
    /* the row */
    bool eof;
    struct sg_bytes partition, sort, value;
    struct sg_sql_row row;
    struct sg_value part_values[SG_SQL_KEY_MAX], sort_values[SG_SQL_KEY_MAX];
    bool sort_decoded;
    struct sg_buf part_scratch, sort_scratch;
};

#define KEY_ROOM (2 * SG_SQL_KEY_OCTETS)
#define NO_BOUND ((struct sg_bound){.kind = SG_BOUND_ALL})

static struct cursor *self(sqlite3_vtab_cursor *base)
{
    return (struct cursor *)base;
}

static struct sg_sql *conn(const struct cursor *c)
{
    return c->vtab->conn;
}

static const struct sg_sql_shape *shape(const struct cursor *c)
{
    return &c->vtab->table->shape;
}

static int fail_kv(struct cursor *c, int r)
{
    (void)sg_sql_refuse_kv(&conn(c)->error, r);
    return SQLITE_ERROR;
}

static int fail_damaged(struct cursor *c)
{
    return sg_sql_vtab_fail(conn(c), SG_SQL_ERR_damaged,
                            "a row of table %s does not fit its definition", shape(c)->name);
}

/* ---- sessions ---- */

static void close_scan(struct cursor *c, bool broken)
{
    sg_kv_scan_free(TAKE_PTR(c->scan));
    sg_sql_pool_put(&conn(c)->engine->pool, TAKE_PTR(c->kv), broken);
    c->have_scan_row = false;
}

static int take_session(struct cursor *c, bool fresh)
{
    int r = sg_sql_pool_get(&conn(c)->engine->pool, fresh, &c->kv);
    if (r == SG_SQL_POOL_FULL)
        return sg_sql_vtab_fail(conn(c), SG_SQL_ERR_busy, "too many statements or tables at once");
    return r ? fail_kv(c, r) : SQLITE_OK;
}

/* Runs a read; a session that turns out dead is replaced once, since kvsd may have restarted. */
static int with_session(struct cursor *c, int (*fn)(struct cursor *c))
{
    for (int attempt = 0;; attempt++) {
        int rc = take_session(c, attempt > 0);
        if (rc)
            return rc;
        int r = fn(c);
        if (r == 0)
            return SQLITE_OK;
        close_scan(c, r < 0);
        if (r > 0 || attempt > 0)
            return r == SG_KV_NOT_FOUND ? SQLITE_DONE : fail_kv(c, r);
    }
}

/* ---- partitions ---- */

static int list_load(struct cursor *c)
{
    sg_sql_parts_reset(&c->parts);
    c->more_parts = false;
    int r = sg_kv_partitions_open(&c->scan, c->kv, conn(c)->engine->bucket, c->vtab->table->id,
                                  sg_buf_bytes(&c->list_from), sg_buf_bytes(&c->list_until));
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

static bool in_list_range(const struct cursor *c, struct sg_bytes key)
{
    struct sg_bytes until = sg_buf_bytes(&c->list_until);
    if (c->more_parts && sg_bytes_cmp(key, sg_sql_parts_key(&c->parts, SG_SQL_PARTS_LOAD - 1)) > 0)
        return false;
    return sg_bytes_cmp(key, sg_buf_bytes(&c->list_from)) >= 0 &&
           (until.len == 0 || sg_bytes_cmp(key, until) < 0);
}

/* Partitions that so far exist only in this transaction. */
static int add_own_partitions(struct cursor *c)
{
    for (size_t i = 0; i < c->overlay.n; i++) {
        if (!in_list_range(c, c->overlay.rows[i].partition))
            continue;
        int r = sg_sql_parts_add(&c->parts, c->overlay.rows[i].partition);
        if (r < 0)
            return fail_kv(c, r);
    }
    if (c->overlay.n)
        sg_sql_parts_sort(&c->parts);
    return SQLITE_OK;
}

static int list_partitions(struct cursor *c)
{
    int rc = with_session(c, list_load);
    if (rc)
        return rc;
    close_scan(c, false);
    c->part = 0;
    return add_own_partitions(c);
}

/* The next load begins right after the last key of this one. */
static int list_more(struct cursor *c)
{
    sg_buf_reset(&c->list_from);
    int r = sg_buf_append(&c->list_from, sg_sql_parts_key(&c->parts, c->parts.n - 1));
    if (r == 0)
        r = sg_buf_append_u8(&c->list_from, 0);
    return r < 0 ? fail_kv(c, r) : list_partitions(c);
}

/* ---- one partition ---- */

static int open_scan(struct cursor *c)
{
    struct sg_kv_range range = {
        .table = c->vtab->table->id,
        .partition = c->partition,
        .from = sg_buf_bytes(&c->from),
        .until = sg_buf_bytes(&c->until),
        .reverse = (c->plan & SG_SQL_PLAN_REVERSE) != 0,
        .limit = c->hint,
    };
    if (c->resume.len && range.reverse)
        range.until = sg_buf_bytes(&c->resume);
    else if (c->resume.len)
        range.from = sg_buf_bytes(&c->resume);
    c->asked = range.limit;
    c->got = 0;
    int r = sg_kv_scan_open(&c->scan, c->kv, conn(c)->engine->bucket, &range);
    return r == SG_KV_NOT_FOUND ? 0 : r;
}

static int get_point(struct cursor *c)
{
    struct sg_kv_key key = {
        .table = c->vtab->table->id, .partition = c->partition, .sort = sg_buf_bytes(&c->from)};
    sg_buf_reset(&c->point_value);
    return sg_kv_get(c->kv, conn(c)->engine->bucket, key, &c->point_value);
}

static bool in_range(const struct cursor *c, struct sg_bytes sort)
{
    return sg_bytes_cmp(sort, sg_buf_bytes(&c->from)) >= 0 &&
           (c->until.len == 0 || sg_bytes_cmp(sort, sg_buf_bytes(&c->until)) < 0);
}

/* The overlay is sorted: this partition's rows in range are one run of it. */
static void find_own_rows(struct cursor *c)
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

static int decode_partition(struct cursor *c)
{
    struct sg_reader in = sg_reader_over(c->partition);
    sg_buf_reset(&c->part_scratch);
    for (unsigned k = 0; k < shape(c)->n_partition; k++)
        if (sg_tuple_key_next(&in, &c->part_values[k], &c->part_scratch) < 0)
            return fail_damaged(c);
    return SQLITE_OK;
}

static int enter_partition(struct cursor *c)
{
    c->partition = sg_sql_parts_key(&c->parts, c->part);
    int rc = decode_partition(c);
    if (rc || (c->plan & SG_SQL_PLAN_POINT))
        return rc;
    find_own_rows(c);
    sg_buf_reset(&c->resume);
    rc = with_session(c, open_scan);
    if (rc == SQLITE_OK && !c->scan)
        close_scan(c, false); /* no such partition: its session is free again */
    return rc;
}

/* ---- rows ---- */

static int show(struct cursor *c, struct sg_bytes sort, struct sg_bytes value)
{
    c->sort = sort;
    c->value = value;
    c->sort_decoded = false;
    return sg_sql_row_set(&c->row, value) ? fail_damaged(c) : SQLITE_OK;
}

/* A scan that was asked for only so many rows goes on behind them, with more at a time. */
static int scan_on(struct cursor *c)
{
    c->hint = c->hint < UINT64_MAX / 8 ? c->hint * 8 : 0;
    close_scan(c, false);
    return with_session(c, open_scan);
}

/* The last row asked for: the next scan begins behind it. */
static int note_resume(struct cursor *c)
{
    sg_buf_reset(&c->resume);
    int r = sg_buf_append(&c->resume, c->scan_sort);
    if (r == 0 && !(c->plan & SG_SQL_PLAN_REVERSE))
        r = sg_buf_append_u8(&c->resume, 0);
    return r < 0 ? fail_kv(c, r) : SQLITE_OK;
}

/* Makes have_scan_row true unless the scan is at its end. */
static int fetch(struct cursor *c)
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
            close_scan(c, r < 0);
            return r == SG_KV_NOT_FOUND ? SQLITE_OK : fail_kv(c, r);
        }
    }
    return SQLITE_OK;
}

static const struct sg_sql_write *own_row(const struct cursor *c)
{
    if (c->own == c->own_end)
        return NULL;
    return &c->overlay.rows[c->plan & SG_SQL_PLAN_REVERSE ? c->own_end - 1 : c->own];
}

static void own_taken(struct cursor *c)
{
    if (c->plan & SG_SQL_PLAN_REVERSE)
        c->own_end--;
    else
        c->own++;
}

/* The next row of this partition; SQLITE_DONE at its end. */
static int scan_row(struct cursor *c)
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
            return show(c, c->scan_sort, c->scan_value);
        own_taken(c);
        if (!own->is_delete)
            return show(c, own->sort, own->value);
    }
}

static int point_row(struct cursor *c)
{
    struct sg_bytes sort = sg_buf_bytes(&c->from);
    const struct sg_sql_write *own =
        sg_sql_writes_find(&conn(c)->writes, c->vtab->table->id, c->partition, sort);
    if (own)
        return own->is_delete ? SQLITE_DONE : show(c, sort, own->value);
    int rc = with_session(c, get_point);
    if (rc)
        return rc;
    close_scan(c, false);
    return show(c, sort, sg_buf_bytes(&c->point_value));
}

/* ---- from partition to partition ---- */

static bool at_last_part(const struct cursor *c)
{
    return c->plan & SG_SQL_PLAN_REVERSE ? c->part == 0 : c->part + 1 >= c->parts.n;
}

static int next_partition(struct cursor *c)
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
static int advance(struct cursor *c, bool entered)
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
    return advance(self(base), true);
}

int sg_sql_cursor_eof(sqlite3_vtab_cursor *base)
{
    return self(base)->eof;
}

/* ---- filter ---- */

/* What xBestIndex arranged, argument by argument. */
struct constraints {
    sqlite3_value *eq[SG_SQL_KEY_MAX]; /* of = or, if in[], the list */
    bool in[SG_SQL_KEY_MAX];
    struct sg_bound lower[SG_SQL_KEY_MAX], upper[SG_SQL_KEY_MAX];
    uint64_t limit;
    bool empty; /* no row can match */
};

static enum sg_value_type key_type(const struct cursor *c, unsigned key)
{
    return shape(c)->columns[shape(c)->key[key]].type;
}

static int bound_of(struct cursor *c, unsigned key, enum sg_bound_op op, sqlite3_value *v,
                    struct sg_bound *ret)
{
    enum sg_value_type type = key_type(c, key);
    if (type == SG_INTEGER || type == SG_REAL)
        (void)sqlite3_value_numeric_type(v);
    *ret = sg_bound_make(type, op, sg_sql_from_sqlite(v));
    if (ret->kind == SG_BOUND_UNFIT)
        return sg_sql_vtab_fail(conn(c), SG_SQL_ERR_type,
                                "key column %s is TEXT and cannot be compared with a number",
                                shape(c)->columns[shape(c)->key[key]].name);
    return SQLITE_OK;
}

static void add_limit(struct constraints *k, sqlite3_value *v)
{
    sqlite3_int64 n = sqlite3_value_int64(v);
    if (n > 0 && n < INT32_MAX)
        k->limit += (uint64_t)n;
}

static int read_range(struct cursor *c, struct constraints *k, char what, unsigned key,
                      sqlite3_value *v)
{
    static const struct {
        char what;
        enum sg_bound_op op;
        bool lower;
    } ops[] = {{SG_SQL_ARG_GT, SG_BOUND_GT, true},
               {SG_SQL_ARG_GE, SG_BOUND_GE, true},
               {SG_SQL_ARG_LT, SG_BOUND_LT, false},
               {SG_SQL_ARG_LE, SG_BOUND_LE, false}};
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (ops[i].what != what)
            continue;
        struct sg_bound *b = ops[i].lower ? &k->lower[key] : &k->upper[key];
        int rc = bound_of(c, key, ops[i].op, v, b);
        k->empty = k->empty || b->kind == SG_BOUND_NOTHING;
        return rc;
    }
    return sg_sql_vtab_fail(conn(c), SG_SQL_ERR_internal, "unknown plan");
}

static int read_arguments(struct cursor *c, const char *args, int argc, sqlite3_value **argv,
                          struct constraints *k)
{
    for (unsigned i = 0; i < SG_SQL_KEY_MAX; i++)
        k->lower[i] = k->upper[i] = NO_BOUND;
    for (int i = 0; i < argc; i++) {
        unsigned key = (unsigned)(args[2 * i + 1] - 'a');
        int rc = SQLITE_OK;
        switch (args[2 * i]) {
        case SG_SQL_ARG_IN:
            k->in[key] = true; /* fall through */
        case SG_SQL_ARG_EQ:
            k->eq[key] = argv[i];
            break;
        case SG_SQL_ARG_LIMIT:
            add_limit(k, argv[i]);
            break;
        case SG_SQL_ARG_OFFSET:
            if (k->limit)
                add_limit(k, argv[i]);
            break;
        default:
            rc = read_range(c, k, args[2 * i], key, argv[i]);
        }
        if (rc)
            return rc;
    }
    return SQLITE_OK;
}

static int append_eq(struct cursor *c, struct constraints *k, unsigned key, sqlite3_value *v,
                     struct sg_buf *b)
{
    struct sg_bound bound;
    int rc = bound_of(c, key, SG_BOUND_EQ, v, &bound);
    if (rc)
        return rc;
    if (bound.kind != SG_BOUND_AT) {
        k->empty = true;
        return SQLITE_OK;
    }
    int r = sg_tuple_key_append(b, &bound.value, 1);
    if (r < 0 || b->len > SG_SQL_KEY_OCTETS)
        k->empty = true; /* longer than any key that can be stored */
    return SQLITE_OK;
}

/* A tuple of no columns still needs a key: the integer 0, as in the system's own tables. */
static int append_unit(struct sg_buf *b)
{
    return sg_tuple_key_append(b, &SG_VAL_INT(0), 1);
}

/* Every combination of the partition columns' values, from column key on. */
static int add_combinations(struct cursor *c, struct constraints *k, unsigned key,
                            struct sg_buf *prefix)
{
    if (key == shape(c)->n_partition) {
        if (key == 0 && append_unit(prefix) < 0)
            return SQLITE_NOMEM;
        if (sg_sql_parts_add(&c->parts, sg_buf_bytes(prefix)) < 0)
            return sg_sql_vtab_fail(conn(c), SG_SQL_ERR_limit, "IN lists name too many keys");
        return SQLITE_OK;
    }
    size_t before = prefix->len;
    sqlite3_value *v = k->eq[key];
    int rc = k->in[key] ? sqlite3_vtab_in_first(k->eq[key], &v) : SQLITE_OK;
    while (rc == SQLITE_OK && v) {
        struct constraints one = {.empty = false};
        rc = append_eq(c, &one, key, v, prefix);
        if (rc == SQLITE_OK && !one.empty)
            rc = add_combinations(c, k, key + 1, prefix);
        prefix->len = before;
        if (rc || !k->in[key])
            return rc;
        rc = sqlite3_vtab_in_next(k->eq[key], &v);
    }
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Keys of parts first..end-1: = as far as there is one, then a range. */
static int key_range(struct cursor *c, struct constraints *k, unsigned first, unsigned end,
                     struct sg_buf *ret_from, struct sg_buf *ret_until)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf prefix = SG_BUF_INIT(KEY_ROOM);
    unsigned i = first;
    for (; i < end && k->eq[i]; i++) {
        int rc = append_eq(c, k, i, k->eq[i], &prefix);
        if (rc || k->empty)
            return rc;
    }
    struct sg_bound none = NO_BOUND;
    int r = sg_bound_range(sg_buf_bytes(&prefix), i < end ? &k->lower[i] : &none,
                           i < end ? &k->upper[i] : &none, ret_from, ret_until);
    if (r == 0 && ret_from->len <= SG_SQL_KEY_OCTETS && ret_until->len <= SG_SQL_KEY_OCTETS)
        return SQLITE_OK;
    /* A bound longer than any key: leave it to SQLite. */
    sg_buf_reset(ret_from);
    sg_buf_reset(ret_until);
    r = sg_bound_range(sg_buf_bytes(&prefix), &none, &none, ret_from, ret_until);
    return r < 0 ? SQLITE_NOMEM : SQLITE_OK;
}

static int point_key(struct cursor *c, struct constraints *k)
{
    unsigned n_partition = shape(c)->n_partition, n_key = shape(c)->n_key;
    if (n_partition == n_key)
        return append_unit(&c->from) < 0 ? SQLITE_NOMEM : SQLITE_OK;
    for (unsigned i = n_partition; i < n_key; i++) {
        int rc = append_eq(c, k, i, k->eq[i], &c->from);
        if (rc)
            return rc;
    }
    return SQLITE_OK;
}

static void rewind_cursor(struct cursor *c)
{
    close_scan(c, false);
    sg_sql_overlay_clear(&c->overlay);
    sg_sql_parts_reset(&c->parts);
    sg_buf_reset(&c->list_from);
    sg_buf_reset(&c->list_until);
    sg_buf_reset(&c->from);
    sg_buf_reset(&c->until);
    sg_buf_reset(&c->resume);
    c->part = 0;
    c->more_parts = false;
    c->own = c->own_end = 0;
    c->eof = false;
}

static int find_partitions(struct cursor *c, struct constraints *k)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf prefix = SG_BUF_INIT(KEY_ROOM);
    if (!(c->plan & SG_SQL_PLAN_FIXED)) {
        int rc = key_range(c, k, 0, shape(c)->n_partition, &c->list_from, &c->list_until);
        return rc || k->empty ? rc : list_partitions(c);
    }
    int rc = add_combinations(c, k, 0, &prefix);
    if (rc)
        return rc;
    sg_sql_parts_sort(&c->parts);
    if ((c->plan & SG_SQL_PLAN_REVERSE) && c->parts.n)
        c->part = c->parts.n - 1;
    return SQLITE_OK;
}

int sg_sql_cursor_filter(sqlite3_vtab_cursor *base, int plan, const char *args, int argc,
                         sqlite3_value **argv)
{
    struct cursor *c = self(base);
    struct constraints k = {.empty = false};
    rewind_cursor(c);
    c->plan = plan;
    int rc = read_arguments(c, args, argc, argv, &k);
    if (rc)
        return rc;
    c->hint = k.limit;
    rc = plan & SG_SQL_PLAN_POINT
             ? point_key(c, &k)
             : key_range(c, &k, shape(c)->n_partition, shape(c)->n_key, &c->from, &c->until);
    if (rc)
        return rc;
    if (!(plan & SG_SQL_PLAN_POINT) &&
        sg_sql_writes_overlay(&conn(c)->writes, c->vtab->table->id, &c->overlay) < 0)
        return SQLITE_NOMEM;
    if (!k.empty)
        rc = find_partitions(c, &k);
    if (rc || k.empty || c->parts.n == 0) {
        c->eof = true;
        return rc;
    }
    return advance(c, false);
}

/* ---- columns ---- */

static int decode_sort(struct cursor *c)
{
    struct sg_reader in = sg_reader_over(c->sort);
    unsigned n = shape(c)->n_key - shape(c)->n_partition;
    sg_buf_reset(&c->sort_scratch);
    for (unsigned i = 0; i < n; i++)
        if (sg_tuple_key_next(&in, &c->sort_values[i], &c->sort_scratch) < 0)
            return fail_damaged(c);
    c->sort_decoded = true;
    return SQLITE_OK;
}

static int key_value(struct cursor *c, unsigned key, const struct sg_value **ret)
{
    unsigned n_partition = shape(c)->n_partition;
    if (key < n_partition) {
        *ret = &c->part_values[key];
        return SQLITE_OK;
    }
    if (!c->sort_decoded) {
        int rc = decode_sort(c);
        if (rc)
            return rc;
    }
    *ret = &c->sort_values[key - n_partition];
    return SQLITE_OK;
}

static int handle_column(struct cursor *c, sqlite3_context *ctx)
{
    SG_CLEANUP(sg_buf_clear)
    struct sg_buf b = SG_BUF_INIT(SG_SQL_WRITES_BYTES);
    struct sg_sql_handle h = {c->partition, c->sort, c->value};
    if (sg_sql_handle_append(&b, &h) < 0)
        return SQLITE_NOMEM;
    sqlite3_result_blob64(ctx, b.data, b.len, SQLITE_TRANSIENT);
    return SQLITE_OK;
}

int sg_sql_cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int column)
{
    struct cursor *c = self(base);
    const struct sg_value *v;
    if (column >= (int)shape(c)->n_columns)
        return handle_column(c, ctx);
    const struct sg_sql_column *col = &shape(c)->columns[column];
    if (col->key >= 0) {
        int rc = key_value(c, (unsigned)col->key, &v);
        if (rc)
            return rc;
    } else if (sg_sql_row_field(&c->row, (unsigned)col->field, &v)) {
        return fail_damaged(c);
    }
    if (v->type != col->type && v->type != SG_NULL)
        return fail_damaged(c);
    sg_sql_to_sqlite(ctx, v);
    return SQLITE_OK;
}

/* Tables are WITHOUT ROWID: SQLite never asks. */
int sg_sql_cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
    (void)base;
    *ret = 0;
    return SQLITE_ERROR;
}

/* ---- life ---- */

int sg_sql_cursor_close(sqlite3_vtab_cursor *base)
{
    struct cursor *c = self(base);
    close_scan(c, false);
    sg_sql_overlay_clear(&c->overlay);
    sg_sql_parts_clear(&c->parts);
    sg_buf_clear(&c->list_from);
    sg_buf_clear(&c->list_until);
    sg_buf_clear(&c->from);
    sg_buf_clear(&c->until);
    sg_buf_clear(&c->resume);
    sg_buf_clear(&c->point_value);
    sg_buf_clear(&c->part_scratch);
    sg_buf_clear(&c->sort_scratch);
    sg_sql_row_clear(&c->row);
    free(c);
    return SQLITE_OK;
}

int sg_sql_cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
    struct cursor *c = calloc(1, sizeof(*c));
    if (!c)
        return SQLITE_NOMEM;
    *c = (struct cursor){
        .vtab = (struct sg_sql_vtab *)base,
        .eof = true,
        .parts = SG_SQL_PARTS_INIT,
        .list_from = SG_BUF_INIT(KEY_ROOM),
        .list_until = SG_BUF_INIT(KEY_ROOM),
        .from = SG_BUF_INIT(KEY_ROOM),
        .until = SG_BUF_INIT(KEY_ROOM),
        .resume = SG_BUF_INIT(KEY_ROOM),
        .point_value = SG_BUF_INIT(128 * 1024),
        .part_scratch = SG_BUF_INIT(KEY_ROOM),
        .sort_scratch = SG_BUF_INIT(KEY_ROOM),
    };
    if (sg_sql_row_init(&c->row, SG_TUPLE_FIELDS_MAX) < 0) {
        free(c);
        return SQLITE_NOMEM;
    }
    *ret = &c->base;
    return SQLITE_OK;
}
