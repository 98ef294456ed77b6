/*
 * conn - one connection: a private in-memory SQLite database without any table of its own, whose
 * modules follow the dictionary.
 */
#include "sql-int.h"

#include <sealgrid/base/clock.h>

/* ---- errors ---- */

static bool begins(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* SQLite has one code for most mistakes in a statement; its texts are stable and tell them apart.
 */
static enum sg_sql_code code_of_text(const char *text)
{
    static const struct {
        const char *prefix;
        enum sg_sql_code code;
    } known[] = {
        {"no such table", SG_SQL_ERR_no_table},
        {"no such column", SG_SQL_ERR_no_column},
        {"no such function", SG_SQL_ERR_no_function},
        {"wrong number of arguments to function", SG_SQL_ERR_no_function},
        {"ambiguous column", SG_SQL_ERR_ambiguous},
        {"integer overflow", SG_SQL_ERR_range},
        {"UPSERT not implemented", SG_SQL_ERR_unsupported},
        {"parser stack overflow", SG_SQL_ERR_limit},
        {"too many", SG_SQL_ERR_limit},
        {"Expression tree is too large", SG_SQL_ERR_limit},
        {"string or blob too big", SG_SQL_ERR_limit},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (begins(text, known[i].prefix))
            return known[i].code;
    if (strstr(text, "not available on virtual tables"))
        return SG_SQL_ERR_unsupported;
    if (strstr(text, "may not be modified"))
        return SG_SQL_ERR_read_only;
    return SG_SQL_ERR_syntax;
}

static int refuse_sqlite(struct sg_sql *c, int rc)
{
    struct sg_sql_error *e = &c->error;
    const char *text = sqlite3_errmsg(c->db);
    switch (rc & 0xff) {
    case SQLITE_INTERRUPT:
        e->code = SG_SQL_OK; /* whatever was noted on the way, time ran out */
        return sg_sql_refuse(e, SG_SQL_ERR_timeout, "the statement took too long");
    case SQLITE_NOMEM:
        return sg_sql_refuse(e, SG_SQL_ERR_memory, "the statement needs too much memory");
    case SQLITE_TOOBIG:
        return sg_sql_refuse(e, SG_SQL_ERR_limit, "%s", text);
    case SQLITE_RANGE:
        return sg_sql_refuse(e, SG_SQL_ERR_params, "%s", text);
    case SQLITE_MISMATCH:
        return sg_sql_refuse(e, SG_SQL_ERR_type, "%s", text);
    case SQLITE_CONSTRAINT:
        return sg_sql_refuse(e, SG_SQL_ERR_duplicate_key, "%s", text);
    case SQLITE_ERROR:
        return sg_sql_refuse(e, code_of_text(text), "%s", text);
    default:
        return sg_sql_refuse(e, SG_SQL_ERR_internal, "SQLite error %d", rc);
    }
}

const struct sg_sql_error *sg_sql_error(const struct sg_sql *c)
{
    return &c->error;
}

/* ---- the dictionary's tables as modules ---- */

static bool same_table(const struct sg_sql_table *a, const struct sg_sql_table *b)
{
    return a->id == b->id && a->record_len == b->record_len &&
           (a->record_len == 0 || memcmp(a->record, b->record, a->record_len) == 0);
}

static bool has_same_tables(const struct sg_sql_catalog *a, const struct sg_sql_catalog *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!same_table(a->tables[i], b->tables[i]) ||
            strcmp(a->tables[i]->shape.name, b->tables[i]->shape.name) != 0)
            return false;
    return true;
}

static int register_missing(struct sg_sql *c, const struct sg_sql_catalog *old,
                            const struct sg_sql_catalog *new)
{
    for (size_t i = 0; i < new->n; i++) {
        struct sg_sql_table *t = new->tables[i];
        struct sg_sql_table *had = old ? sg_sql_catalog_find(old, t->shape.name) : NULL;
        if (had && same_table(had, t))
            continue;
        int r = sg_sql_vtab_register(c, t);
        if (r < 0)
            return r;
    }
    return 0;
}

static int unregister_gone(struct sg_sql *c, const struct sg_sql_catalog *old,
                           const struct sg_sql_catalog *new)
{
    for (size_t i = 0; old && i < old->n; i++) {
        if (sg_sql_catalog_find(new, old->tables[i]->shape.name))
            continue;
        int r = sg_sql_vtab_unregister(c, old->tables[i]->shape.name);
        if (r < 0)
            return r;
    }
    return 0;
}

static int follow_catalog(struct sg_sql *c, bool force)
{
    SG_CLEANUP(sg_sql_catalog_unrefp) struct sg_sql_catalog *new = NULL;
    int r = sg_sql_engine_catalog(c->engine, force, &new, &c->error);
    if (r || new == c->catalog)
        return r;
    if (!c->catalog || !has_same_tables(c->catalog, new))
        sg_sql_prepared_clear(c); /* made for tables that are others now */
    r = unregister_gone(c, c->catalog, new);
    if (r == 0)
        r = register_missing(c, c->catalog, new);
    if (r < 0)
        return r;
    sg_sql_catalog_unref(c->catalog);
    c->catalog = TAKE_PTR(new);
    return 0;
}

/* ---- life ---- */

void sg_sql_close(struct sg_sql *c)
{
    if (!c)
        return;
    sg_sql_end(c);
    sg_sql_prepared_clear(c);
    free(c->row);
    sqlite3_close(c->db);
    sg_sql_writes_clear(&c->writes);
    sg_sql_catalog_unref(c->catalog);
    free(c);
}

int sg_sql_open(struct sg_sql **ret, struct sg_sql_engine *e)
{
    SG_CLEANUP(sg_sql_closep) struct sg_sql *c = calloc(1, sizeof(*c));
    if (!c)
        return sg_raise(-ENOMEM);
    c->engine = e;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(":memory:", &c->db, flags, NULL) != SQLITE_OK)
        return sg_raise(-ENOMEM);
    int r = sg_sql_guard(c);
    if (r == 0)
        r = sg_sql_schema_register(c);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(c);
    return 0;
}

/* ---- statements ---- */

static int prepare(struct sg_sql *c, struct sg_bytes sql, const char **ret_tail)
{
    c->writing = false;
    return sqlite3_prepare_v3(c->db, (const char *)sql.data, (int)sql.len,
                              SQLITE_PREPARE_PERSISTENT, &c->stmt, ret_tail);
}

/* A table that another process made is not known yet: look once more. */
static int prepare_known(struct sg_sql *c, struct sg_bytes sql, bool fixed, const char **ret_tail)
{
    int r, rc = prepare(c, sql, ret_tail);
    if (rc == SQLITE_ERROR && !fixed && c->error.code == SG_SQL_OK &&
        code_of_text(sqlite3_errmsg(c->db)) == SG_SQL_ERR_no_table) {
        r = follow_catalog(c, true);
        if (r)
            return r;
        rc = prepare(c, sql, ret_tail);
    }
    return rc == SQLITE_OK ? 0 : refuse_sqlite(c, rc);
}

static int check_single(struct sg_sql *c, struct sg_bytes sql, const char *tail)
{
    if (!c->stmt)
        return sg_sql_refuse(&c->error, SG_SQL_ERR_syntax, "no statement");
    size_t used = (size_t)(tail - (const char *)sql.data);
    if (!sg_ddl_is_blank(SG_BYTES(tail, sql.len - used)))
        return sg_sql_refuse(&c->error, SG_SQL_ERR_syntax, "one statement at a time");
    return 0;
}

static int bind_one(sqlite3_stmt *stmt, int i, const struct sg_value *v)
{
    switch (v->type) {
    case SG_INTEGER:
        return sqlite3_bind_int64(stmt, i, v->i);
    case SG_REAL:
        return sqlite3_bind_double(stmt, i, v->f);
    case SG_TEXT:
        return sqlite3_bind_text64(stmt, i, v->bytes.len ? (const char *)v->bytes.data : "",
                                   v->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
    case SG_BLOB:
        if (v->bytes.len == 0)
            return sqlite3_bind_zeroblob(stmt, i, 0);
        return sqlite3_bind_blob64(stmt, i, v->bytes.data, v->bytes.len, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(stmt, i);
    }
}

static int bind_all(struct sg_sql *c, const struct sg_sql_query *q)
{
    int n = sqlite3_bind_parameter_count(c->stmt);
    if ((size_t)n != q->n_params)
        return sg_sql_refuse(&c->error, SG_SQL_ERR_params,
                             "the statement has %d parameters, %zu values are given", n,
                             q->n_params);
    for (int i = 0; i < n; i++) {
        int rc = bind_one(c->stmt, i + 1, &q->params[i]);
        if (rc)
            return refuse_sqlite(c, rc);
    }
    return 0;
}

#define PLAIN_ROWS 64 /* between looks at the clock: about 50 us */

static int plain_step(struct sg_sql *c)
{
    bool late = c->n_rows % PLAIN_ROWS == 0 && c->deadline_ns != 0 &&
                sg_clock_monotonic_ns() > c->deadline_ns;
    return late ? SQLITE_INTERRUPT : sg_sql_plain_next(c);
}

static int step(struct sg_sql *c)
{
    if (c->n_rows == SG_SQL_PLAIN_AFTER)
        c->plain = sg_sql_plain_begin(c);
    return c->plain ? plain_step(c) : sqlite3_step(c->stmt);
}

int sg_sql_next(struct sg_sql *c)
{
    if (!c->stmt)
        return SG_SQL_DONE;
    if (c->ended) /* SQLite would begin again */
        return c->error.code ? SG_SQL_REFUSED : SG_SQL_DONE;
    int rc = step(c);
    c->have_row = rc == SQLITE_ROW;
    c->ended = !c->have_row;
    c->n_rows++;
    if (rc == SQLITE_ROW)
        return 0;
    if (rc != SQLITE_DONE)
        return refuse_sqlite(c, rc);
    if (!sqlite3_stmt_readonly(c->stmt))
        c->changes = sqlite3_changes64(c->db);
    return SG_SQL_DONE;
}

static int check_text(struct sg_sql *c, struct sg_bytes sql)
{
    if (sql.len > 1 << 20)
        return sg_sql_refuse(&c->error, SG_SQL_ERR_limit, "the statement is longer than 1 MiB");
    if (sg_ddl_is_blank(sql))
        return sg_sql_refuse(&c->error, SG_SQL_ERR_syntax, "no statement");
    return 0;
}

static int prepare_new(struct sg_sql *c, struct sg_bytes sql, bool fixed)
{
    const char *tail = NULL;
    int r = prepare_known(c, sql, fixed, &tail);
    if (r == 0)
        r = check_single(c, sql, tail);
    if (r) {
        sqlite3_finalize(TAKE_PTR(c->stmt));
        return r;
    }
    return sg_sql_prepared_new(c, sql, c->stmt);
}

static int begin_statement(struct sg_sql *c, const struct sg_sql_query *q)
{
    /* A transaction keeps to the dictionary it began with; its batch checks that it still holds. */
    bool fixed = c->in_transaction && c->catalog;
    int r = fixed ? 0 : follow_catalog(c, false);
    if (r == 0 && !sg_sql_prepared_take(c, q->sql))
        r = prepare_new(c, q->sql, fixed);
    c->stmt = c->prepared.now ? c->prepared.now->stmt : NULL;
    if (r == 0)
        r = bind_all(c, q);
    if (r)
        return r;
    c->n_columns = (size_t)sqlite3_column_count(c->stmt);
    return sg_sql_next(c);
}

int sg_sql_begin(struct sg_sql *c, const struct sg_sql_query *q)
{
    sg_sql_end(c);
    c->error = (struct sg_sql_error){0};
    c->role = q->role;
    c->changes = 0;
    c->deadline_ns = q->timeout_ms ? sg_clock_monotonic_ns() + q->timeout_ms * 1000000 : 0;
    int r = check_text(c, q->sql);
    if (r)
        return r;
    if (!sg_ddl_is_ours(q->sql))
        return begin_statement(c, q);
    if (q->n_params)
        return sg_sql_refuse(&c->error, SG_SQL_ERR_params, "the statement has no parameters");
    return sg_sql_define(c, q->sql);
}

void sg_sql_end(struct sg_sql *c)
{
    sg_sql_prepared_end(c, c->error.code == SG_SQL_OK);
    c->stmt = NULL;
    c->plain = c->ended = false;
    c->n_rows = 0;
    c->n_columns = 0;
    c->have_row = false;
}

/* ---- results ---- */

size_t sg_sql_columns(const struct sg_sql *c)
{
    return c->n_columns;
}

const char *sg_sql_column_name(const struct sg_sql *c, size_t i)
{
    sg_assert(i < c->n_columns);
    const char *name = sqlite3_column_name(c->stmt, (int)i);
    return name ? name : "";
}

const char *sg_sql_column_type(const struct sg_sql *c, size_t i)
{
    sg_assert(i < c->n_columns);
    const char *declared = sqlite3_column_decltype(c->stmt, (int)i);
    if (declared && *declared)
        return declared;
    switch (c->have_row ? sqlite3_column_type(c->stmt, (int)i) : SQLITE_NULL) {
    case SQLITE_INTEGER:
        return "INTEGER";
    case SQLITE_FLOAT:
        return "REAL";
    case SQLITE_TEXT:
        return "TEXT";
    case SQLITE_BLOB:
        return "BLOB";
    default:
        return "ANY";
    }
}

struct sg_value sg_sql_value(struct sg_sql *c, size_t i)
{
    sg_assert(c->have_row && i < c->n_columns);
    if (c->plain)
        return *c->row[i];
    /* Without SQLite's mutexes (catalog.c) a column's value may be read directly. */
    return sg_sql_from_sqlite(sqlite3_column_value(c->stmt, (int)i));
}

int64_t sg_sql_changes(const struct sg_sql *c)
{
    return c->changes;
}

/* ---- transactions ---- */

static int run_trusted(struct sg_sql *c, const char *sql)
{
    c->trusted = true;
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    c->trusted = false;
    return rc == SQLITE_OK ? 0 : refuse_sqlite(c, rc);
}

int sg_sql_transaction_begin(struct sg_sql *c)
{
    sg_sql_transaction_rollback(c);
    c->error = (struct sg_sql_error){0};
    int r = run_trusted(c, "BEGIN");
    c->in_transaction = r == 0;
    return r;
}

int sg_sql_transaction_commit(struct sg_sql *c)
{
    sg_sql_end(c);
    c->error = (struct sg_sql_error){0};
    if (sqlite3_get_autocommit(c->db)) { /* an error inside has rolled it back already */
        c->in_transaction = false;
        return sg_sql_refuse(&c->error, SG_SQL_ERR_conflict, "the transaction was rolled back");
    }
    int r = run_trusted(c, "COMMIT");
    if (r) {
        struct sg_sql_error first = c->error;
        sg_sql_transaction_rollback(c);
        c->error = first;
    }
    c->in_transaction = false;
    return r;
}

void sg_sql_transaction_rollback(struct sg_sql *c)
{
    sg_sql_end(c);
    if (!sqlite3_get_autocommit(c->db))
        (void)run_trusted(c, "ROLLBACK");
    sg_sql_writes_clear(&c->writes);
    c->in_transaction = false;
}
