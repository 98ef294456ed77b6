/*
 * vtab - SQLite's view of a table: an eponymous module a table, WITHOUT ROWID, keyed by the hidden
 * column _row, so that no CREATE VIRTUAL TABLE is needed and SQLite's schema stays empty.
 *
 * xUpdate only notes what is to be written (writes.c).  The first xSync of a transaction writes it
 * all as one kv batch; the others find nothing left to do.
 */
#include "sql-int.h"

static struct sg_sql_vtab *self(sqlite3_vtab *base)
{
    return (struct sg_sql_vtab *)base;
}

/* ---- values ---- */

struct sg_value sg_sql_from_sqlite(sqlite3_value *v)
{
    struct sg_value ret = {.type = SG_NULL};
    switch (sqlite3_value_type(v)) {
    case SQLITE_INTEGER:
        ret.type = SG_INTEGER;
        ret.i = sqlite3_value_int64(v);
        break;
    case SQLITE_FLOAT:
        ret.type = SG_REAL;
        ret.f = sqlite3_value_double(v);
        break;
    case SQLITE_TEXT:
        ret.type = SG_TEXT;
        ret.bytes.data = sqlite3_value_text(v);
        ret.bytes.len = (size_t)sqlite3_value_bytes(v);
        break;
    case SQLITE_BLOB:
        ret.type = SG_BLOB;
        ret.bytes.data = sqlite3_value_blob(v);
        ret.bytes.len = (size_t)sqlite3_value_bytes(v);
        break;
    default:
        break;
    }
    return ret;
}

void sg_sql_to_sqlite(sqlite3_context *ctx, const struct sg_value *v)
{
    switch (v->type) {
    case SG_INTEGER:
        sqlite3_result_int64(ctx, v->i);
        break;
    case SG_REAL:
        sqlite3_result_double(ctx, v->f);
        break;
    case SG_TEXT:
        sqlite3_result_text64(ctx, v->bytes.len ? (const char *)v->bytes.data : "", v->bytes.len,
                              SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case SG_BLOB:
        if (v->bytes.len)
            sqlite3_result_blob64(ctx, v->bytes.data, v->bytes.len, SQLITE_TRANSIENT);
        else
            sqlite3_result_zeroblob(ctx, 0);
        break;
    default:
        sqlite3_result_null(ctx);
    }
}

int sg_sql_handle_append(struct sg_buf *b, const struct sg_sql_handle *h)
{
    int r = sg_buf_append_be32(b, (uint32_t)h->partition.len);
    if (r == 0)
        r = sg_buf_append_be32(b, (uint32_t)h->sort.len);
    if (r == 0)
        r = sg_buf_append(b, h->partition);
    if (r == 0)
        r = sg_buf_append(b, h->sort);
    if (r == 0)
        r = sg_buf_append(b, h->value);
    return r;
}

bool sg_sql_handle_parse(struct sg_bytes b, struct sg_sql_handle *ret)
{
    struct sg_reader in = sg_reader_over(b);
    uint32_t n_partition, n_sort;
    if (!sg_take_be32(&in, &n_partition) || !sg_take_be32(&in, &n_sort))
        return false;
    return sg_take(&in, n_partition, &ret->partition) && sg_take(&in, n_sort, &ret->sort) &&
           sg_take(&in, in.left, &ret->value);
}

/* ---- transactions ---- */

static int refuse_batch(struct sg_sql *c, const struct sg_sql_batch *b,
                        const enum sg_kv_op_result *results)
{
    for (size_t i = 0; i < b->n; i++) {
        if (results[i] != SG_KV_OP_CONFLICT)
            continue;
        const struct sg_sql_write *w = b->sources[i];
        if (!w)
            return sg_sql_vtab_fail(c, SG_SQL_ERR_no_table, "the table was dropped meanwhile");
        if (w->expect == SG_SQL_EXPECT_ABSENT) {
            (void)sg_sql_vtab_fail(c, SG_SQL_ERR_duplicate_key,
                                   "table %s has a row with this primary key",
                                   w->table->shape.name);
            return SQLITE_CONSTRAINT_PRIMARYKEY;
        }
        return sg_sql_vtab_fail(c, SG_SQL_ERR_conflict,
                                "a row of table %s was changed since it was read, try again",
                                w->table->shape.name);
    }
    return sg_sql_vtab_fail(c, SG_SQL_ERR_conflict, "rows were changed meanwhile, try again");
}

static int run_batch(struct sg_sql *c, const struct sg_sql_batch *b)
{
    SG_FREE enum sg_kv_op_result *results = calloc(b->n, sizeof(*results));
    struct sg_kv *kv = NULL;
    if (!results)
        return SQLITE_NOMEM;
    int r = sg_sql_pool_get(&c->engine->pool, false, &kv);
    if (r == SG_SQL_POOL_FULL)
        return sg_sql_vtab_fail(c, SG_SQL_ERR_busy, "too many statements at once");
    if (r) {
        (void)sg_sql_refuse_kv(&c->error, r);
        return SQLITE_ERROR;
    }
    r = sg_kv_batch(kv, c->engine->bucket, b->ops, b->n, results);
    sg_sql_pool_put(&c->engine->pool, kv, r < 0);
    if (r == SG_KV_CONFLICT)
        return refuse_batch(c, b, results);
    if (r < 0)
        return sg_sql_vtab_fail(c, SG_SQL_ERR_unknown_outcome,
                                "the store did not answer: the change may or may not be written");
    if (r == 0)
        return SQLITE_OK;
    (void)sg_sql_refuse_kv(&c->error, r);
    return SQLITE_ERROR;
}

int sg_sql_vtab_commit(struct sg_sql *c)
{
    SG_CLEANUP(sg_sql_batch_clear) struct sg_sql_batch b = {0};
    if (c->writes.n == 0)
        return SQLITE_OK;
    if (sg_sql_writes_fold(&c->writes, &b) < 0)
        return SQLITE_NOMEM;
    int rc = b.n ? run_batch(c, &b) : SQLITE_OK;
    if (rc == SQLITE_OK)
        sg_sql_writes_clear(&c->writes);
    return rc;
}

static int x_begin(sqlite3_vtab *base)
{
    (void)base;
    return SQLITE_OK;
}

static int x_sync(sqlite3_vtab *base)
{
    return sg_sql_vtab_commit(self(base)->conn);
}

static int x_end(sqlite3_vtab *base)
{
    sg_sql_writes_clear(&self(base)->conn->writes);
    return SQLITE_OK;
}

static int x_savepoint(sqlite3_vtab *base, int level)
{
    int r = sg_sql_writes_savepoint(&self(base)->conn->writes, level);
    return r ? sg_sql_vtab_refuse_write(self(base), r) : SQLITE_OK;
}

static int x_release(sqlite3_vtab *base, int level)
{
    sg_sql_writes_release(&self(base)->conn->writes, level);
    return SQLITE_OK;
}

static int x_rollback_to(sqlite3_vtab *base, int level)
{
    sg_sql_writes_rollback_to(&self(base)->conn->writes, level);
    return SQLITE_OK;
}

/* ---- connecting ---- */

struct registration {
    struct sg_sql *conn;
    struct sg_sql_table *table;
};

static void registration_free(void *p)
{
    struct registration *reg = p;
    sg_sql_table_unref(reg->table);
    free(reg);
}

static int declare(sqlite3 *db, const struct sg_sql_shape *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_DDL_TEXT_MAX);
    int r = sg_buf_append(&b, SG_BYTES_LIT("CREATE TABLE t ("));
    for (unsigned i = 0; r == 0 && i < s->n_columns; i++)
        r = sg_buf_printf(&b, "\"%s\" %s, ", s->columns[i].name,
                          sg_sql_type_name(s->columns[i].type));
    if (r == 0)
        r = sg_buf_printf(&b, "_row BLOB HIDDEN PRIMARY KEY NOT NULL) WITHOUT ROWID");
    if (r == 0)
        r = sg_buf_append_u8(&b, 0);
    return r < 0 ? SQLITE_NOMEM : sqlite3_declare_vtab(db, (const char *)b.data);
}

static int x_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
                     char **ret_error)
{
    const struct registration *reg = aux;
    (void)argc;
    (void)argv;
    (void)ret_error;
    reg->conn->trusted = true; /* the authorizer is asked about the key's index, too */
    int rc = declare(db, &reg->table->shape);
    reg->conn->trusted = false;
    if (rc == SQLITE_OK)
        rc = sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
    if (rc)
        return rc;
    struct sg_sql_vtab *t = calloc(1, sizeof(*t));
    if (!t)
        return SQLITE_NOMEM;
    t->conn = reg->conn;
    t->table = sg_sql_table_ref(reg->table);
    *ret = &t->base;
    return SQLITE_OK;
}

static int x_disconnect(sqlite3_vtab *base)
{
    struct sg_sql_vtab *t = self(base);
    sg_sql_table_unref(t->table);
    free(t);
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .iVersion = 2,
    .xConnect = x_connect, /* no xCreate: eponymous only */
    .xBestIndex = sg_sql_best_index,
    .xDisconnect = x_disconnect,
    .xDestroy = x_disconnect,
    .xOpen = sg_sql_cursor_open,
    .xClose = sg_sql_cursor_close,
    .xFilter = sg_sql_cursor_filter,
    .xNext = sg_sql_cursor_next,
    .xEof = sg_sql_cursor_eof,
    .xColumn = sg_sql_cursor_column,
    .xRowid = sg_sql_cursor_rowid,
    .xUpdate = sg_sql_vtab_update,
    .xBegin = x_begin,
    .xSync = x_sync,
    .xCommit = x_end,
    .xRollback = x_end,
    .xSavepoint = x_savepoint,
    .xRelease = x_release,
    .xRollbackTo = x_rollback_to,
};

int sg_sql_vtab_register(struct sg_sql *c, struct sg_sql_table *t)
{
    struct registration *reg = calloc(1, sizeof(*reg));
    if (!reg)
        return sg_raise(-ENOMEM);
    *reg = (struct registration){c, sg_sql_table_ref(t)};
    /* Calls registration_free itself if it fails. */
    if (sqlite3_create_module_v2(c->db, t->shape.name, &module, reg, registration_free))
        return sg_raise(-ENOMEM);
    return 0;
}

int sg_sql_vtab_unregister(struct sg_sql *c, const char *name)
{
    if (sqlite3_create_module_v2(c->db, name, NULL, NULL, NULL))
        return sg_raise(-ENOMEM);
    return 0;
}
