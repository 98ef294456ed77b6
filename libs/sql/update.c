/*
 * update - xUpdate: the row that a statement wants written, checked and encoded, goes into the
 * transaction's writes.
 */
#include <math.h>

#include <sealgrid/base/utf8.h>

#include "sql-int.h"

/* ---- a row to be written ---- */

struct new_row {
    struct sg_buf partition, sort, value;
};

#define NEW_ROW_INIT                                                                               \
    {                                                                                              \
        SG_BUF_INIT(SG_SQL_KEY_OCTETS), SG_BUF_INIT(SG_SQL_KEY_OCTETS),                            \
            SG_BUF_INIT(SG_SQL_VALUE_OCTETS)                                                       \
    }

static void new_row_clear(struct new_row *n)
{
    sg_buf_clear(&n->partition);
    sg_buf_clear(&n->sort);
    sg_buf_clear(&n->value);
}

static int wrong_type(const struct sg_sql_vtab *t, const struct sg_sql_column *c,
                      const struct sg_value *v)
{
    return sg_sql_vtab_fail(t->conn, SG_SQL_ERR_type, "column %s of table %s takes %s, not %s",
                            c->name, t->table->shape.name, sg_sql_type_name(c->type),
                            sg_sql_type_name(v->type));
}

/* The value as the column's type, if that loses nothing. */
static int fit(const struct sg_sql_vtab *t, const struct sg_sql_column *c, struct sg_value *v)
{
    if (v->type == SG_NULL) {
        if (!c->not_null)
            return SQLITE_OK;
        return sg_sql_vtab_fail(t->conn, SG_SQL_ERR_not_null,
                                "column %s of table %s cannot be NULL", c->name,
                                t->table->shape.name);
    }
    if (c->type == SG_REAL && v->type == SG_INTEGER)
        *v = (struct sg_value){.type = SG_REAL, .f = (double)v->i};
    if (c->type == SG_INTEGER && v->type == SG_REAL && v->f == floor(v->f) &&
        fabs(v->f) < 9007199254740992.0)
        *v = SG_VAL_INT((int64_t)v->f);
    if (v->type != c->type)
        return wrong_type(t, c, v);
    if (v->type == SG_REAL && !isfinite(v->f))
        return sg_sql_vtab_fail(t->conn, SG_SQL_ERR_range, "column %s: not a finite number",
                                c->name);
    if (v->type == SG_TEXT && !sg_utf8_valid(v->bytes))
        return sg_sql_vtab_fail(t->conn, SG_SQL_ERR_type, "column %s: text is not UTF-8", c->name);
    return SQLITE_OK;
}

static int append_key(const struct sg_sql_vtab *t, struct sg_buf *b, const struct sg_value *v,
                      unsigned n)
{
    static const struct sg_value unit = {.type = SG_INTEGER, .i = 0};
    if (sg_tuple_key_append(b, n ? v : &unit, n ? n : 1) == 0)
        return SQLITE_OK;
    return sg_sql_vtab_fail(t->conn, SG_SQL_ERR_limit, "the primary key is longer than %d octets",
                            SG_SQL_KEY_OCTETS);
}

static int encode_row(const struct sg_sql_vtab *t, const struct sg_value *key,
                      const struct sg_value *fields, unsigned n_fields, struct new_row *ret)
{
    const struct sg_sql_shape *s = &t->table->shape;
    int rc = append_key(t, &ret->partition, key, s->n_partition);
    if (rc == SQLITE_OK)
        rc = append_key(t, &ret->sort, key + s->n_partition, s->n_key - s->n_partition);
    if (rc)
        return rc;
    if (sg_tuple_value_append(&ret->value, fields, n_fields) < 0)
        return sg_sql_vtab_fail(t->conn, SG_SQL_ERR_limit, "the row is longer than %d octets",
                                SG_SQL_VALUE_OCTETS);
    return SQLITE_OK;
}

/* columns: the values of the statement, in the table's order. */
static int make_row(const struct sg_sql_vtab *t, sqlite3_value **columns, struct new_row *ret)
{
    const struct sg_sql_shape *s = &t->table->shape;
    struct sg_value v[SG_SQL_COLUMNS_MAX], key[SG_SQL_KEY_MAX], fields[SG_SQL_COLUMNS_MAX];
    unsigned n_fields = 0;
    for (unsigned i = 0; i < s->n_columns; i++) {
        const struct sg_sql_column *c = &s->columns[i];
        v[i] = (int)i == t->table->origin_column ? SG_VAL_INT(SG_SQL_ORIGIN)
                                                 : sg_sql_from_sqlite(columns[i]);
        int rc = fit(t, c, &v[i]);
        if (rc)
            return rc;
        if (c->key >= 0)
            key[c->key] = v[i];
        else
            fields[n_fields++] = v[i];
    }
    const char *column =
        t->table->flags & SG_SQL_TABLE_SYSTEM ? sg_sql_system_check(t->table, v) : NULL;
    if (column)
        return sg_sql_vtab_fail(t->conn, SG_SQL_ERR_range, "column %s of table %s is out of range",
                                column, s->name);
    return encode_row(t, key, fields, n_fields, ret);
}

/* ---- xUpdate ---- */

int sg_sql_vtab_refuse_write(const struct sg_sql_vtab *t, int r)
{
    const char *name = t->table->shape.name;
    switch (r) {
    case SG_SQL_WRITES_DUPLICATE:
        (void)sg_sql_vtab_fail(t->conn, SG_SQL_ERR_duplicate_key,
                               "table %s has a row with this primary key", name);
        return SQLITE_CONSTRAINT_PRIMARYKEY;
    case SG_SQL_WRITES_STALE:
        return sg_sql_vtab_fail(t->conn, SG_SQL_ERR_twice,
                                "the statement would change a row of table %s twice", name);
    case SG_SQL_WRITES_FULL:
        return sg_sql_vtab_fail(t->conn, SG_SQL_ERR_limit,
                                "a transaction changes at most %u rows and %u octets",
                                SG_SQL_WRITES_MAX, SG_SQL_WRITES_BYTES);
    default:
        return SQLITE_NOMEM;
    }
}

/* Is there a row with this key, in the transaction or else in the store?  Only OR IGNORE and a
 * changed primary key need to know before the commit. */
static int row_exists(const struct sg_sql_vtab *t, const struct new_row *n, bool *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(SG_SQL_VALUE_OCTETS);
    struct sg_sql *c = t->conn;
    struct sg_kv_key key = {.table = t->table->id,
                            .partition = sg_buf_bytes(&n->partition),
                            .sort = sg_buf_bytes(&n->sort)};
    const struct sg_sql_write *own =
        sg_sql_writes_find(&c->writes, key.table, key.partition, key.sort);
    if (own) {
        *ret = !own->is_delete;
        return SQLITE_OK;
    }
    struct sg_kv *kv = NULL;
    int r = sg_sql_pool_get(&c->engine->pool, false, &kv);
    if (r == SG_SQL_POOL_FULL)
        return sg_sql_vtab_fail(c, SG_SQL_ERR_busy, "too many statements at once");
    if (r == 0)
        r = sg_kv_get(kv, c->engine->bucket, key, &value);
    sg_sql_pool_put(&c->engine->pool, kv, r < 0);
    *ret = r == 0;
    if (r == 0 || r == SG_KV_NOT_FOUND)
        return SQLITE_OK;
    (void)sg_sql_refuse_kv(&c->error, r);
    return SQLITE_ERROR;
}

static int insert_new(struct sg_sql_vtab *t, const struct new_row *n)
{
    int mode = sqlite3_vtab_on_conflict(t->conn->db);
    if (mode == SQLITE_IGNORE) {
        bool exists = false;
        int rc = row_exists(t, n, &exists);
        if (rc || exists)
            return rc ? rc : SQLITE_CONSTRAINT_PRIMARYKEY;
    }
    if (mode == SQLITE_REPLACE && (t->table->flags & SG_SQL_TABLE_INSERT_ONLY))
        return sg_sql_vtab_fail(t->conn, SG_SQL_ERR_read_only,
                                "rows of table %s are inserted once and never replaced",
                                t->table->shape.name);
    int r = sg_sql_writes_insert(&t->conn->writes, t->table, sg_buf_bytes(&n->partition),
                                 sg_buf_bytes(&n->sort), sg_buf_bytes(&n->value),
                                 mode == SQLITE_REPLACE);
    return r ? sg_sql_vtab_refuse_write(t, r) : SQLITE_OK;
}

static int change(struct sg_sql_vtab *t, const struct sg_sql_handle *old, struct sg_bytes value)
{
    int r = sg_sql_writes_change(&t->conn->writes, t->table, old->partition, old->sort, old->value,
                                 value);
    return r ? sg_sql_vtab_refuse_write(t, r) : SQLITE_OK;
}

static int update(struct sg_sql_vtab *t, const struct sg_sql_handle *old, sqlite3_value **columns)
{
    SG_CLEANUP(new_row_clear) struct new_row n = NEW_ROW_INIT;
    int rc = make_row(t, columns, &n);
    if (rc)
        return rc;
    if (sg_bytes_equal(old->partition, sg_buf_bytes(&n.partition)) &&
        sg_bytes_equal(old->sort, sg_buf_bytes(&n.sort)))
        return change(t, old, sg_buf_bytes(&n.value));
    rc = insert_new(t, &n);
    return rc ? rc : change(t, old, SG_BYTES_NONE);
}

static int insert(struct sg_sql_vtab *t, sqlite3_value **columns)
{
    SG_CLEANUP(new_row_clear) struct new_row n = NEW_ROW_INIT;
    int rc = make_row(t, columns, &n);
    return rc ? rc : insert_new(t, &n);
}

static int forbid(const struct sg_sql_vtab *t, bool is_insert)
{
    if ((t->table->flags & SG_SQL_TABLE_READ_ONLY) ||
        (!is_insert && (t->table->flags & SG_SQL_TABLE_INSERT_ONLY)))
        return sg_sql_vtab_fail(t->conn, SG_SQL_ERR_read_only, "table %s: %s", t->table->shape.name,
                                is_insert ? "rows come from the meters only"
                                          : "rows are never changed or deleted");
    return SQLITE_OK;
}

/* argv: the old row's _row (NULL: INSERT), then, unless DELETE, the new _row and the columns. */
int sg_sql_vtab_update(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *ret_rowid)
{
    struct sg_sql_vtab *t = (struct sg_sql_vtab *)base;
    struct sg_sql_handle old;
    (void)ret_rowid;
    bool is_insert = argc > 1 && sqlite3_value_type(argv[0]) == SQLITE_NULL;
    int rc = forbid(t, is_insert);
    if (rc)
        return rc;
    if (is_insert)
        return insert(t, argv + 2);
    if (!sg_sql_handle_parse(sg_sql_from_sqlite(argv[0]).bytes, &old))
        return sg_sql_vtab_fail(t->conn, SG_SQL_ERR_internal, "not a row handle");
    return argc == 1 ? change(t, &old, SG_BYTES_NONE) : update(t, &old, argv + 2);
}
