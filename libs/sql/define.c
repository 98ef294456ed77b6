/*
 * define - CREATE TABLE and DROP TABLE as changes of the dictionary, by compare-and-set, so that
 * two who define at once cannot overwrite each other.  DROP TABLE takes the name away first and
 * leaves a mark; the rows go afterwards, and if that is cut short, at the next
 * sg_sql_purge_dropped.
 */
#include "parts-int.h"
#include "sql-int.h"

#define TRIES      8
#define PURGE_ROWS 1000

/* ---- keys and small records of the dictionary ---- */

#define KEY_BUF SG_BUF_INIT(128)

static int dictionary_key(const char *partition, const struct sg_value *sort, struct sg_buf *part,
                          struct sg_buf *row, struct sg_kv_key *ret)
{
    int r = sg_tuple_key_append(part, &SG_VAL_TEXT(partition), 1);
    if (r == 0)
        r = sg_tuple_key_append(row, sort, 1);
    if (r < 0)
        return r;
    *ret = (struct sg_kv_key){SG_TABLE_DICTIONARY, sg_buf_bytes(part), sg_buf_bytes(row)};
    return 0;
}

static struct sg_kv_key table_key(const struct sg_sql_table *t)
{
    return (struct sg_kv_key){SG_TABLE_DICTIONARY, sg_sql_dictionary_tables(),
                              SG_BYTES(t->sort, t->sort_len)};
}

/* A session for fn, given back afterwards; outcomes of fn are kv.h's. */
static int with_session(struct sg_sql *c, int (*fn)(struct sg_sql *c, struct sg_kv *kv, void *arg),
                        void *arg)
{
    struct sg_kv *kv = NULL;
    int r = sg_sql_pool_get(&c->engine->pool, false, &kv);
    if (r == SG_SQL_POOL_FULL)
        return sg_sql_refuse(&c->error, SG_SQL_ERR_busy, "too many statements at once");
    if (r)
        return sg_sql_refuse_kv(&c->error, r);
    r = fn(c, kv, arg);
    sg_sql_pool_put(&c->engine->pool, kv, r < 0);
    return r;
}

/* Without an answer the change may have been made all the same. */
static int change(struct sg_sql *c, struct sg_kv *kv, const struct sg_kv_op *ops, size_t n)
{
    int r = sg_kv_batch(kv, c->engine->bucket, ops, n, NULL);
    if (r < 0)
        (void)sg_sql_refuse(&c->error, SG_SQL_ERR_unknown_outcome,
                            "the store did not answer: the change may or may not be made");
    return r;
}

/* ---- CREATE TABLE ---- */

struct creation {
    const struct sg_sql_shape *shape;
};

static int read_next_id(struct sg_sql *c, struct sg_kv *kv, struct sg_kv_key key,
                        struct sg_buf *ret_record, int64_t *ret_id)
{
    struct sg_value v;
    size_t n;
    int r = sg_kv_get(kv, c->engine->bucket, key, ret_record);
    if (r == SG_KV_NOT_FOUND) {
        *ret_id = SG_TABLE_USER_FIRST;
        return 0;
    }
    if (r)
        return r;
    if (sg_tuple_value_decode(sg_buf_bytes(ret_record), &v, 1, &n) < 0 || n != 1 ||
        v.type != SG_INTEGER || v.i < SG_TABLE_USER_FIRST || v.i >= UINT32_MAX)
        return SG_KV_DAMAGED;
    *ret_id = v.i;
    return 0;
}

/* One try: SG_KV_CONFLICT if somebody else took the id or the name. */
static int create_once(struct sg_sql *c, struct sg_kv *kv, void *arg)
{
    const struct creation *create = arg;
    SG_CLEANUP(sg_buf_clear) struct sg_buf part = KEY_BUF;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = KEY_BUF;
    SG_CLEANUP(sg_buf_clear) struct sg_buf before = SG_BUF_INIT(64);
    SG_CLEANUP(sg_buf_clear) struct sg_buf after = SG_BUF_INIT(64);
    SG_CLEANUP(sg_buf_clear) struct sg_buf record = SG_BUF_INIT(SG_SQL_VALUE_OCTETS);
    SG_CLEANUP(sg_sql_table_unrefp) struct sg_sql_table *t = NULL;
    struct sg_kv_key next_id;
    int64_t id = 0;
    int r = dictionary_key("meta", &SG_VAL_TEXT("next_id"), &part, &sort, &next_id);
    if (r == 0)
        r = read_next_id(c, kv, next_id, &before, &id);
    if (r == 0)
        r = sg_tuple_value_append(&after, &SG_VAL_INT(id + 1), 1);
    if (r == 0)
        r = sg_sql_table_new(&t, create->shape, (uint32_t)id, 0);
    if (r == 0)
        r = sg_sql_table_encode(t, &record);
    if (r)
        return r;
    struct sg_kv_op ops[2] = {
        {.kind = SG_KV_REPLACE,
         .key = next_id,
         .value = sg_buf_bytes(&after),
         .expect = sg_buf_bytes(&before),
         .expect_absent = before.len == 0},
        {.kind = SG_KV_REPLACE,
         .key = table_key(t),
         .value = sg_buf_bytes(&record),
         .expect_absent = true},
    };
    return change(c, kv, ops, 2);
}

static bool is_reserved(const char *name)
{
    static const char *const names[] = {"sqlite_", "pragma_", "sealgrid_", "json_each",
                                        "json_tree"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strncmp(name, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static int fresh_catalog(struct sg_sql *c, struct sg_sql_catalog **ret)
{
    return sg_sql_engine_catalog(c->engine, true, ret, &c->error);
}

static int create_table(struct sg_sql *c, const struct sg_ddl *ddl)
{
    struct creation create = {&ddl->shape};
    const char *name = ddl->shape.name;
    if (is_reserved(name))
        return sg_sql_refuse(&c->error, SG_SQL_ERR_denied, "the name %s is reserved", name);
    for (int i = 0; i < TRIES; i++) {
        SG_CLEANUP(sg_sql_catalog_unrefp) struct sg_sql_catalog *catalog = NULL;
        int r = fresh_catalog(c, &catalog);
        if (r)
            return r;
        if (sg_sql_catalog_find(catalog, name))
            return ddl->if_clause ? SG_SQL_DONE
                                  : sg_sql_refuse(&c->error, SG_SQL_ERR_table_exists,
                                                  "table %s exists already", name);
        r = with_session(c, create_once, &create);
        sg_sql_engine_catalog_changed(c->engine);
        if (r == 0)
            return SG_SQL_DONE;
        if (c->error.code || r != SG_KV_CONFLICT)
            return sg_sql_refuse_kv(&c->error, r);
    }
    return sg_sql_refuse(&c->error, SG_SQL_ERR_conflict, "others define tables too, try again");
}

/* ---- DROP TABLE ---- */

static int drop_name(struct sg_sql *c, struct sg_kv *kv, void *arg)
{
    const struct sg_sql_table *t = arg;
    SG_CLEANUP(sg_buf_clear) struct sg_buf part = KEY_BUF;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = KEY_BUF;
    SG_CLEANUP(sg_buf_clear) struct sg_buf mark = SG_BUF_INIT(128);
    struct sg_kv_key dropped;
    int r = dictionary_key("dropped", &SG_VAL_INT(t->id), &part, &sort, &dropped);
    if (r == 0)
        r = sg_tuple_value_append(&mark, &SG_VAL_TEXT(t->shape.name), 1);
    if (r < 0)
        return r;
    struct sg_kv_op ops[3] = {
        {.kind = SG_KV_CHECK, .key = table_key(t), .expect = SG_BYTES(t->record, t->record_len)},
        {.kind = SG_KV_DELETE, .key = table_key(t)},
        {.kind = SG_KV_PUT, .key = dropped, .value = sg_buf_bytes(&mark)},
    };
    return change(c, kv, ops, 3);
}

/* First partition of a table; SG_KV_NOT_FOUND if it has no row. */
static int first_partition(struct sg_sql *c, struct sg_kv *kv, uint32_t table, struct sg_buf *ret)
{
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *scan = NULL;
    struct sg_bytes key, none;
    int r =
        sg_kv_partitions_open(&scan, kv, c->engine->bucket, table, SG_BYTES_NONE, SG_BYTES_NONE);
    if (r == 0)
        r = sg_kv_scan_next(scan, &key, &none);
    if (r)
        return r;
    sg_buf_reset(ret);
    return sg_buf_append(ret, key);
}

static int collect_rows(struct sg_sql *c, struct sg_kv *kv, const struct sg_kv_range *range,
                        struct sg_sql_parts *ret)
{
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *scan = NULL;
    struct sg_bytes sort, value;
    int r = sg_kv_scan_open(&scan, kv, c->engine->bucket, range);
    sg_sql_parts_reset(ret);
    while (r == 0) {
        r = sg_kv_scan_next(scan, &sort, &value);
        if (r == 0)
            r = sg_sql_parts_add(ret, sort);
    }
    return r == SG_KV_NOT_FOUND ? 0 : r;
}

static int delete_rows(struct sg_sql *c, struct sg_kv *kv, uint32_t table,
                       struct sg_bytes partition, const struct sg_sql_parts *rows)
{
    struct sg_kv_op ops[PURGE_ROWS];
    for (size_t i = 0; i < rows->n; i++)
        ops[i] = (struct sg_kv_op){.kind = SG_KV_DELETE,
                                   .key = {table, partition, sg_sql_parts_key(rows, i)}};
    return sg_kv_batch(kv, c->engine->bucket, ops, rows->n, NULL);
}

static int purge_rows(struct sg_sql *c, struct sg_kv *kv, uint32_t table)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(2 * SG_SQL_KEY_OCTETS);
    SG_CLEANUP(sg_sql_parts_clear) struct sg_sql_parts rows = SG_SQL_PARTS_INIT;
    int r;
    while ((r = first_partition(c, kv, table, &partition)) == 0) {
        struct sg_kv_range range = {
            .table = table, .partition = sg_buf_bytes(&partition), .limit = PURGE_ROWS};
        r = collect_rows(c, kv, &range, &rows);
        if (r == 0)
            r = delete_rows(c, kv, table, range.partition, &rows);
        if (r)
            return r;
    }
    return r == SG_KV_NOT_FOUND ? 0 : r;
}

static int purge_first(struct sg_sql *c, struct sg_kv *kv, void *arg)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf part = KEY_BUF;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = KEY_BUF;
    SG_CLEANUP(sg_sql_parts_clear) struct sg_sql_parts marks = SG_SQL_PARTS_INIT;
    struct sg_value id;
    (void)arg;
    int r = sg_tuple_key_append(&part, &SG_VAL_TEXT("dropped"), 1);
    if (r < 0)
        return r;
    struct sg_kv_range range = {
        .table = SG_TABLE_DICTIONARY, .partition = sg_buf_bytes(&part), .limit = 1};
    r = collect_rows(c, kv, &range, &marks);
    if (r || marks.n == 0)
        return r ? r : SG_KV_NOT_FOUND;
    struct sg_reader in = sg_reader_over(sg_sql_parts_key(&marks, 0));
    if (sg_tuple_key_next(&in, &id, &sort) < 0 || id.type != SG_INTEGER ||
        id.i < SG_TABLE_USER_FIRST || id.i > UINT32_MAX)
        return SG_KV_DAMAGED;
    r = purge_rows(c, kv, (uint32_t)id.i);
    return r ? r : delete_rows(c, kv, SG_TABLE_DICTIONARY, range.partition, &marks);
}

int sg_sql_purge_dropped(struct sg_sql *c)
{
    int r;
    do
        r = with_session(c, purge_first, NULL);
    while (r == 0);
    return r == SG_KV_NOT_FOUND ? 0 : r < 0 ? r : SG_SQL_REFUSED;
}

static int drop_table(struct sg_sql *c, const struct sg_ddl *ddl)
{
    SG_CLEANUP(sg_sql_catalog_unrefp) struct sg_sql_catalog *catalog = NULL;
    const char *name = ddl->shape.name;
    int r = fresh_catalog(c, &catalog);
    if (r)
        return r;
    struct sg_sql_table *t = sg_sql_catalog_find(catalog, name);
    if (!t)
        return ddl->if_clause
                   ? SG_SQL_DONE
                   : sg_sql_refuse(&c->error, SG_SQL_ERR_no_table, "no such table: %s", name);
    if (t->flags & SG_SQL_TABLE_SYSTEM)
        return sg_sql_refuse(&c->error, SG_SQL_ERR_denied, "table %s cannot be dropped", name);
    r = with_session(c, drop_name, t);
    sg_sql_engine_catalog_changed(c->engine);
    if (r == SG_KV_CONFLICT)
        return sg_sql_refuse(&c->error, SG_SQL_ERR_conflict, "table %s was changed meanwhile",
                             name);
    if (r)
        return sg_sql_refuse_kv(&c->error, r);
    /* The table is gone from here on; rows that stay behind now are found by their mark later. */
    if (sg_sql_purge_dropped(c))
        c->error = (struct sg_sql_error){0};
    return SG_SQL_DONE;
}

int sg_sql_define(struct sg_sql *c, struct sg_bytes sql)
{
    SG_FREE struct sg_ddl *ddl = calloc(1, sizeof(*ddl));
    size_t at;
    const char *what;
    if (!ddl)
        return sg_raise(-ENOMEM);
    if (c->role != SG_SQL_ADMIN)
        return sg_sql_refuse(&c->error, SG_SQL_ERR_denied, "this key or identity may only read");
    if (c->in_transaction)
        return sg_sql_refuse(&c->error, SG_SQL_ERR_unsupported,
                             "tables are not defined inside a transaction");
    int r = sg_ddl_parse(sql, ddl, &at, &what);
    if (r < 0)
        return r;
    if (r)
        return sg_sql_refuse(&c->error, SG_SQL_ERR_syntax, "%s (at character %zu)", what, at + 1);
    return ddl->kind == SG_DDL_CREATE ? create_table(c, ddl) : drop_table(c, ddl);
}
