/*
 * guard - what SQLite may not do for a client: touch files, other modules, its own schema or
 * settings, and use more than its share.  A list of what is allowed, everything else is denied.
 */
#include "sql-int.h"

#include <sealgrid/base/clock.h>

#define PROGRESS_STEPS 1000 /* of the virtual machine between looks at the clock: about 50 us */

static int deny(struct sg_sql *c, enum sg_sql_code code, const char *message)
{
    (void)sg_sql_refuse(&c->error, code, "%s", message);
    return SQLITE_DENY;
}

static bool is_one_of(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (name && sqlite3_stricmp(name, *list) == 0)
            return true;
    return false;
}

static bool is_table(const struct sg_sql *c, const char *name)
{
    for (size_t i = 0; name && c->catalog && i < c->catalog->n; i++)
        if (sqlite3_stricmp(name, c->catalog->tables[i]->shape.name) == 0)
            return true;
    return false;
}

static int may_read(struct sg_sql *c, const char *table, const char *column)
{
    static const char *const others[] = {"json_each",
                                         "json_tree",
                                         "pragma_table_info",
                                         "pragma_table_xinfo",
                                         "sealgrid_tables",
                                         "sealgrid_columns",
                                         NULL};
    if (!column || !*column)
        return SQLITE_OK; /* count(*) and the like, also of a common table expression */
    if (is_table(c, table) || is_one_of(table, others))
        return SQLITE_OK;
    return deny(c, SG_SQL_ERR_denied, "this table is internal");
}

static int may_write(struct sg_sql *c, const char *table, const char *column)
{
    if (c->role != SG_SQL_ADMIN)
        return deny(c, SG_SQL_ERR_denied, "this key or identity may only read");
    if (!is_table(c, table))
        return deny(c, SG_SQL_ERR_denied, "this table is internal");
    if (column && sqlite3_stricmp(column, "_row") == 0)
        return deny(c, SG_SQL_ERR_denied, "column _row is internal");
    c->writing = true;
    return SQLITE_OK;
}

static int may_call(struct sg_sql *c, const char *function)
{
    static const char *const denied[] = {"load_extension", "fts3_tokenizer", "sqlite_log",
                                         "sqlite_rename_table", NULL};
    if (is_one_of(function, denied))
        return deny(c, SG_SQL_ERR_denied, "this function is not available");
    return SQLITE_OK;
}

static int may_pragma(struct sg_sql *c, const char *name)
{
    static const char *const allowed[] = {"table_info", "table_xinfo", NULL};
    if (is_one_of(name, allowed))
        return SQLITE_OK;
    return deny(c, SG_SQL_ERR_unsupported, "PRAGMA is not supported");
}

static int authorize(void *user, int action, const char *a, const char *b, const char *db,
                     const char *inner)
{
    struct sg_sql *c = user;
    (void)db;
    (void)inner;
    if (c->trusted)
        return SQLITE_OK;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_READ:
        return may_read(c, a, b);
    case SQLITE_FUNCTION:
        return may_call(c, b);
    case SQLITE_INSERT:
    case SQLITE_DELETE:
        return may_write(c, a, NULL);
    case SQLITE_UPDATE:
        return may_write(c, a, b);
    case SQLITE_PRAGMA:
        return may_pragma(c, a);
    case SQLITE_TRANSACTION:
        return deny(c, SG_SQL_ERR_unsupported,
                    "BEGIN, COMMIT and ROLLBACK are not supported, send \"statements\"");
    default:
        return deny(c, SG_SQL_ERR_unsupported, "this kind of statement is not supported");
    }
}

static int on_progress(void *user)
{
    const struct sg_sql *c = user;
    return c->deadline_ns != 0 && sg_clock_monotonic_ns() > c->deadline_ns;
}

static void set_limits(sqlite3 *db)
{
    static const struct {
        int which, max;
    } limits[] = {
        {SQLITE_LIMIT_LENGTH, 16 << 20},
        {SQLITE_LIMIT_SQL_LENGTH, 1 << 20},
        {SQLITE_LIMIT_COLUMN, 2000},
        {SQLITE_LIMIT_EXPR_DEPTH, 200},
        {SQLITE_LIMIT_COMPOUND_SELECT, 100},
        {SQLITE_LIMIT_VDBE_OP, 5000000},
        {SQLITE_LIMIT_FUNCTION_ARG, 64},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 32766},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        (void)sqlite3_limit(db, limits[i].which, limits[i].max);
}

static int set_options(sqlite3 *db)
{
    static const struct {
        int which, on;
    } options[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},       {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0},     {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},  {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
        {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0}, {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (sqlite3_db_config(db, options[i].which, options[i].on, NULL))
            return sg_raise(-EIO);
    return 0;
}

int sg_sql_guard(struct sg_sql *c)
{
    /* Table functions stay connected once used; connecting asks the authorizer about SQLite's own
     * schema, so it is done before there is one. */
    static const char connect_functions[] =
        "SELECT * FROM json_each('[]'), json_tree('[]'), pragma_table_info('x'), "
        "pragma_table_xinfo('x')";
    const char *keep[] = {"json_each", "json_tree", NULL};
    int r = set_options(c->db);
    if (r < 0)
        return r;
    set_limits(c->db);
    if (sqlite3_exec(c->db, "PRAGMA temp_store=memory; PRAGMA cache_spill=off;", NULL, NULL,
                     NULL) ||
        sqlite3_drop_modules(c->db, keep) ||
        sqlite3_exec(c->db, connect_functions, NULL, NULL, NULL) ||
        sqlite3_set_authorizer(c->db, authorize, c))
        return sg_raise(-EIO);
    sqlite3_progress_handler(c->db, PROGRESS_STEPS, on_progress, c);
    return 0;
}
