/* filter - xFilter: what xBestIndex arranged becomes partitions and a range of sort keys. */
#include "bound-int.h"
#include "cursor-int.h"

#define NO_BOUND ((struct sg_bound){.kind = SG_BOUND_ALL})

/* What xBestIndex arranged, argument by argument. */
struct constraints {
    sqlite3_value *eq[SG_SQL_KEY_MAX]; /* of = or, if in[], the list */
    bool in[SG_SQL_KEY_MAX];
    struct sg_bound lower[SG_SQL_KEY_MAX], upper[SG_SQL_KEY_MAX];
    uint64_t limit;
    bool empty; /* no row can match */
};

static enum sg_value_type key_type(const struct sg_sql_cursor *c, unsigned key)
{
    return sg_sql_cursor_shape(c)->columns[sg_sql_cursor_shape(c)->key[key]].type;
}

static int bound_of(struct sg_sql_cursor *c, unsigned key, enum sg_bound_op op, sqlite3_value *v,
                    struct sg_bound *ret)
{
    enum sg_value_type type = key_type(c, key);
    if (type == SG_INTEGER || type == SG_REAL)
        (void)sqlite3_value_numeric_type(v);
    *ret = sg_bound_make(type, op, sg_sql_from_sqlite(v));
    if (ret->kind == SG_BOUND_UNFIT)
        return sg_sql_vtab_fail(
            sg_sql_cursor_conn(c), SG_SQL_ERR_type,
            "key column %s is TEXT and cannot be compared with a number",
            sg_sql_cursor_shape(c)->columns[sg_sql_cursor_shape(c)->key[key]].name);
    return SQLITE_OK;
}

static void add_limit(struct constraints *k, sqlite3_value *v)
{
    sqlite3_int64 n = sqlite3_value_int64(v);
    if (n > 0 && n < INT32_MAX)
        k->limit += (uint64_t)n;
}

static int read_range(struct sg_sql_cursor *c, struct constraints *k, char what, unsigned key,
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
    return sg_sql_vtab_fail(sg_sql_cursor_conn(c), SG_SQL_ERR_internal, "unknown plan");
}

static int read_arguments(struct sg_sql_cursor *c, const char *args, int argc, sqlite3_value **argv,
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

static int append_eq(struct sg_sql_cursor *c, struct constraints *k, unsigned key, sqlite3_value *v,
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
static int add_combinations(struct sg_sql_cursor *c, struct constraints *k, unsigned key,
                            struct sg_buf *prefix)
{
    if (key == sg_sql_cursor_shape(c)->n_partition) {
        if (key == 0 && append_unit(prefix) < 0)
            return SQLITE_NOMEM;
        if (sg_sql_parts_add(&c->parts, sg_buf_bytes(prefix)) < 0)
            return sg_sql_vtab_fail(sg_sql_cursor_conn(c), SG_SQL_ERR_limit,
                                    "IN lists name too many keys");
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
static int key_range(struct sg_sql_cursor *c, struct constraints *k, unsigned first, unsigned end,
                     struct sg_buf *ret_from, struct sg_buf *ret_until)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf prefix = SG_BUF_INIT(SG_SQL_CURSOR_KEY_ROOM);
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

static int point_key(struct sg_sql_cursor *c, struct constraints *k)
{
    unsigned n_partition = sg_sql_cursor_shape(c)->n_partition,
             n_key = sg_sql_cursor_shape(c)->n_key;
    if (n_partition == n_key)
        return append_unit(&c->from) < 0 ? SQLITE_NOMEM : SQLITE_OK;
    for (unsigned i = n_partition; i < n_key; i++) {
        int rc = append_eq(c, k, i, k->eq[i], &c->from);
        if (rc)
            return rc;
    }
    return SQLITE_OK;
}

static void rewind_cursor(struct sg_sql_cursor *c)
{
    sg_sql_cursor_close_scan(c, false);
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

static int find_partitions(struct sg_sql_cursor *c, struct constraints *k)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf prefix = SG_BUF_INIT(SG_SQL_CURSOR_KEY_ROOM);
    if (!(c->plan & SG_SQL_PLAN_FIXED)) {
        int rc =
            key_range(c, k, 0, sg_sql_cursor_shape(c)->n_partition, &c->list_from, &c->list_until);
        return rc || k->empty ? rc : sg_sql_cursor_list(c);
    }
    int rc = add_combinations(c, k, 0, &prefix);
    if (rc)
        return rc;
    sg_sql_parts_sort(&c->parts);
    if ((c->plan & SG_SQL_PLAN_REVERSE) && c->parts.n)
        c->part = c->parts.n - 1;
    return SQLITE_OK;
}

static bool is_used(uint64_t used, unsigned column)
{
    return used >> (column < 63 ? column : 63) & 1;
}

/* Which fields of a value the statement reads.  The row handle is made of all of them, and so a
 * table whose columns past the 63rd are read, which SQLite does not tell apart, is read whole if it
 * has that many. */
static void choose_fields(struct sg_sql_cursor *c, uint64_t used)
{
    const struct sg_sql_shape *s = sg_sql_cursor_shape(c);
    unsigned n = 0, n_fields = 0, bits = 8;
    memset(c->fields, 0, sizeof(c->fields));
    memset(c->place, SG_SQL_NO_PLACE, sizeof(c->place));
    for (unsigned i = 0; i < s->n_columns; i++) {
        int field = s->columns[i].field;
        if (s->columns[i].key >= 0)
            continue;
        n_fields++;
        if (!is_used(used, i))
            continue;
        c->fields[field / 8] |= (uint8_t)(1u << (field % 8));
        bits = (unsigned)field + 1 > bits ? (unsigned)field + 1 : bits;
        c->place[field] = (uint8_t)n++;
    }
    c->key_handles = !is_used(used, s->n_columns);
    c->fields_len = n == n_fields || !c->key_handles ? 0 : (bits + 7) / 8;
}

int sg_sql_cursor_filter(sqlite3_vtab_cursor *base, int plan, const char *args, int argc,
                         sqlite3_value **argv)
{
    struct sg_sql_cursor *c = sg_sql_cursor_of(base);
    struct constraints k = {.empty = false};
    rewind_cursor(c);
    c->plan = plan;
    int rc = read_arguments(c, args, argc, argv, &k);
    if (rc)
        return rc;
    c->hint = k.limit;
    const char *columns = strchr(args, SG_SQL_ARG_COLUMNS);
    c->fields_len = 0;
    c->key_handles = false;
    if (columns)
        choose_fields(c, strtoull(columns + 1, NULL, 16));
    rc = plan & SG_SQL_PLAN_POINT ? point_key(c, &k)
                                  : key_range(c, &k, sg_sql_cursor_shape(c)->n_partition,
                                              sg_sql_cursor_shape(c)->n_key, &c->from, &c->until);
    if (rc)
        return rc;
    if (!(plan & SG_SQL_PLAN_POINT) &&
        sg_sql_writes_overlay(&sg_sql_cursor_conn(c)->writes, c->vtab->table->id, &c->overlay) < 0)
        return SQLITE_NOMEM;
    if (!k.empty)
        rc = find_partitions(c, &k);
    if (rc || k.empty || c->parts.n == 0) {
        c->eof = true;
        return rc;
    }
    return sg_sql_cursor_start(c);
}
