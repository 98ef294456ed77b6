/*
 * schema - what tables there are, as tables:
 *   sealgrid_tables  (name, kind, partition_columns)   kind: "user" or "system"
 *   sealgrid_columns (table_name, position, name, type, not_null, key_position, unit)
 * key_position: place in the primary key, from 1, NULL outside; unit: of a reading's quantities.
 * Both show the catalog of the connection.  A rowid is table << 16 | column.
 */
#include <sealgrid/meter/reading.h>

#include "sql-int.h"

struct schema_vtab {
    sqlite3_vtab base;
    struct sg_sql *conn;
    bool columns; /* sealgrid_columns */
};

struct schema_cursor {
    sqlite3_vtab_cursor base;
    struct sg_sql_catalog *catalog; /* own reference, so that it stays while we walk */
    bool columns;
    size_t table;
    unsigned column;
};

static struct schema_cursor *self(sqlite3_vtab_cursor *base)
{
    return (struct schema_cursor *)base;
}

static const struct sg_sql_table *table_at(const struct schema_cursor *c)
{
    return c->catalog->tables[c->table];
}

/* ---- cells ---- */

static const char *unit_of(const char *column)
{
    static const struct {
        const char *name, *unit;
    } units[] = {
#define SG_F(name, unit, lo, hi) {#name, unit},
        SG_READING_FIELDS(SG_F)
#undef SG_F
            {"ts", "s"}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(units[i].name, column) == 0)
            return units[i].unit;
    return NULL;
}

static void result_text(sqlite3_context *ctx, const char *text)
{
    if (text)
        sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
    else
        sqlite3_result_null(ctx);
}

static void result_partition(sqlite3_context *ctx, const struct sg_sql_shape *s)
{
    SG_CLEANUP(sg_buf_clear)
    struct sg_buf b = SG_BUF_INIT(SG_SQL_KEY_MAX * (SG_SQL_NAME_MAX + 2));
    for (unsigned i = 0; i < s->n_partition; i++)
        if (sg_buf_printf(&b, "%s%s", i ? ", " : "", s->columns[s->key[i]].name) < 0)
            sqlite3_result_error_nomem(ctx);
    sqlite3_result_text(ctx, (const char *)b.data, (int)b.len, SQLITE_TRANSIENT);
}

static void table_cell(sqlite3_context *ctx, const struct sg_sql_table *t, int cell)
{
    if (cell == 0)
        result_text(ctx, t->shape.name);
    else if (cell == 1)
        result_text(ctx, t->flags & SG_SQL_TABLE_SYSTEM ? "system" : "user");
    else
        result_partition(ctx, &t->shape);
}

static void column_cell(sqlite3_context *ctx, const struct sg_sql_table *t, unsigned column,
                        int cell)
{
    const struct sg_sql_column *c = &t->shape.columns[column];
    bool metering = t->id == SG_TABLE_READING || t->id == SG_TABLE_READING_CONFLICT;
    switch (cell) {
    case 0:
        result_text(ctx, t->shape.name);
        break;
    case 1:
        sqlite3_result_int(ctx, (int)column + 1);
        break;
    case 2:
        result_text(ctx, c->name);
        break;
    case 3:
        result_text(ctx, sg_sql_type_name(c->type));
        break;
    case 4:
        sqlite3_result_int(ctx, c->not_null);
        break;
    case 5:
        if (c->key >= 0)
            sqlite3_result_int(ctx, c->key + 1);
        break;
    default:
        result_text(ctx, metering ? unit_of(c->name) : NULL);
    }
}

/* ---- methods ---- */

static int x_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    (void)base;
    info->estimatedCost = 1000;
    info->estimatedRows = 1000;
    return SQLITE_OK;
}

static int x_open(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
    const struct schema_vtab *t = (const struct schema_vtab *)base;
    struct schema_cursor *c = calloc(1, sizeof(*c));
    if (!c)
        return SQLITE_NOMEM;
    c->catalog = t->conn->catalog;
    c->columns = t->columns;
    atomic_fetch_add_explicit(&c->catalog->refs, 1, memory_order_relaxed);
    *ret = &c->base;
    return SQLITE_OK;
}

static int x_close(sqlite3_vtab_cursor *base)
{
    sg_sql_catalog_unref(self(base)->catalog);
    free(base);
    return SQLITE_OK;
}

static int x_filter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc,
                    sqlite3_value **argv)
{
    (void)plan;
    (void)text;
    (void)argc;
    (void)argv;
    self(base)->table = 0;
    self(base)->column = 0;
    return SQLITE_OK;
}

static int x_eof(sqlite3_vtab_cursor *base)
{
    return self(base)->table >= self(base)->catalog->n;
}

static int x_next(sqlite3_vtab_cursor *base)
{
    struct schema_cursor *c = self(base);
    if (!c->columns || ++c->column == table_at(c)->shape.n_columns) {
        c->column = 0;
        c->table++;
    }
    return SQLITE_OK;
}

static int x_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int cell)
{
    const struct schema_cursor *c = self(base);
    if (c->columns)
        column_cell(ctx, table_at(c), c->column, cell);
    else
        table_cell(ctx, table_at(c), cell);
    return SQLITE_OK;
}

static int x_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
    *ret = (sqlite3_int64)(self(base)->table << 16 | self(base)->column);
    return SQLITE_OK;
}

static int connect_to(sqlite3 *db, struct sg_sql *conn, bool columns, sqlite3_vtab **ret)
{
    conn->trusted = true; /* as in vtab.c */
    int rc = sqlite3_declare_vtab(
        db, columns ? "CREATE TABLE t (table_name TEXT, position INTEGER, name TEXT, type TEXT, "
                      "not_null INTEGER, key_position INTEGER, unit TEXT)"
                    : "CREATE TABLE t (name TEXT, kind TEXT, partition_columns TEXT)");
    conn->trusted = false;
    if (rc)
        return rc;
    struct schema_vtab *t = calloc(1, sizeof(*t));
    if (!t)
        return SQLITE_NOMEM;
    t->conn = conn;
    t->columns = columns;
    *ret = &t->base;
    return SQLITE_OK;
}

static int connect_tables(sqlite3 *db, void *conn, int argc, const char *const *argv,
                          sqlite3_vtab **ret, char **ret_error)
{
    (void)argc;
    (void)argv;
    (void)ret_error;
    return connect_to(db, conn, false, ret);
}

static int connect_columns(sqlite3 *db, void *conn, int argc, const char *const *argv,
                           sqlite3_vtab **ret, char **ret_error)
{
    (void)argc;
    (void)argv;
    (void)ret_error;
    return connect_to(db, conn, true, ret);
}

static int x_disconnect(sqlite3_vtab *base)
{
    free(base);
    return SQLITE_OK;
}

#define METHODS                                                                                    \
    .xBestIndex = x_best_index, .xDisconnect = x_disconnect, .xDestroy = x_disconnect,             \
    .xOpen = x_open, .xClose = x_close, .xFilter = x_filter, .xNext = x_next, .xEof = x_eof,       \
    .xColumn = x_column, .xRowid = x_rowid

int sg_sql_schema_register(struct sg_sql *c)
{
    static const sqlite3_module tables = {.xConnect = connect_tables, METHODS};
    static const sqlite3_module columns = {.xConnect = connect_columns, METHODS};
    if (sqlite3_create_module_v2(c->db, "sealgrid_tables", &tables, c, NULL) ||
        sqlite3_create_module_v2(c->db, "sealgrid_columns", &columns, c, NULL))
        return sg_raise(-ENOMEM);
    return 0;
}
