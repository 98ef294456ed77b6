#include "sqlite.h"

#include <sqlite3.h>
#include <stdio.h>

struct sqlite_peer {
    sqlite3 *db;
    sqlite3_stmt *ask[SQL_ASKS], *insert, *begin, *commit;
};

static int failed(struct sqlite_peer *p, const char *what)
{
    fprintf(stderr, "SQLite: %s: %s\n", what, sqlite3_errmsg(p->db));
    return sg_raise(-EIO);
}

const char *sqlite_peer_name(void)
{
    static char name[64];
    snprintf(name, sizeof(name), "SQLite %s, WAL, synchronous=FULL", sqlite3_libversion());
    return name;
}

static int execute(struct sqlite_peer *p, const char *sql)
{
    return sqlite3_exec(p->db, sql, NULL, NULL, NULL) ? failed(p, sql) : 0;
}

static int prepare(struct sqlite_peer *p, const char *sql, sqlite3_stmt **ret)
{
    return sqlite3_prepare_v3(p->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) ? failed(p, sql)
                                                                                    : 0;
}

static int create(struct sqlite_peer *p)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8192);
    int r = sg_buf_printf(&b, "CREATE TABLE reading (");
    for (int c = 0; r == 0 && c < SQL_COLUMNS; c++)
        r = sg_buf_printf(&b, "%s %s, ", sql_column_name(c), c == 2 ? "TEXT" : "INTEGER");
    if (r == 0)
        r = sg_buf_printf(&b, "PRIMARY KEY (client_id, ts)) WITHOUT ROWID%c", 0);
    return r < 0 ? r : execute(p, (const char *)b.data);
}

static int prepare_all(struct sqlite_peer *p)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1024);
    int r = sg_buf_printf(&b, "INSERT INTO reading VALUES (?");
    for (int c = 1; r == 0 && c < SQL_COLUMNS; c++)
        r = sg_buf_printf(&b, ",?");
    if (r == 0)
        r = sg_buf_printf(&b, ")%c", 0);
    if (r == 0)
        r = prepare(p, (const char *)b.data, &p->insert);
    if (r == 0)
        r = prepare(p, "BEGIN", &p->begin);
    if (r == 0)
        r = prepare(p, "COMMIT", &p->commit);
    for (int i = 0; r == 0 && i < SQL_ASKS; i++)
        r = prepare(p, sql_text((enum sql_ask)i), &p->ask[i]);
    return r;
}

int sqlite_peer_open(struct sqlite_peer **ret, const char *folder)
{
    char path[4200];
    SG_CLEANUP(sqlite_peer_closep) struct sqlite_peer *p = calloc(1, sizeof(*p));
    if (!p)
        return sg_raise(-ENOMEM);
    snprintf(path, sizeof(path), "%s/readings.db", folder);
    if (sqlite3_open_v2(path, &p->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL))
        return failed(p, path);
    int r = execute(p, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
                       "PRAGMA cache_size=-262144; PRAGMA mmap_size=1073741824;");
    if (r == 0)
        r = create(p);
    if (r == 0)
        r = prepare_all(p);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(p);
    return 0;
}

void sqlite_peer_close(struct sqlite_peer *p)
{
    if (!p)
        return;
    for (int i = 0; i < SQL_ASKS; i++)
        sqlite3_finalize(p->ask[i]);
    sqlite3_finalize(p->insert);
    sqlite3_finalize(p->begin);
    sqlite3_finalize(p->commit);
    sqlite3_close(p->db);
    free(p);
}

/* ---- target ---- */

static void add_row(sqlite3_stmt *s, int n, struct sql_tally *t)
{
    for (int c = 0; c < n; c++) {
        if (sqlite3_column_type(s, c) == SQLITE_INTEGER) {
            t->sum += (uint64_t)sqlite3_column_int64(s, c);
        } else {
            (void)sqlite3_column_text(s, c);
            t->sum += (uint64_t)sqlite3_column_bytes(s, c);
        }
    }
    t->rows++;
}

static int ask(void *ctx, enum sql_ask what, int64_t client, int64_t ts, struct sql_tally *t)
{
    struct sqlite_peer *p = ctx;
    sqlite3_stmt *s = p->ask[what];
    int64_t param[3];
    int n = sql_params(what, client, ts, param), columns = sqlite3_column_count(s), rc;
    for (int i = 0; i < n; i++)
        sqlite3_bind_int64(s, i + 1, param[i]);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW)
        add_row(s, columns, t);
    sqlite3_reset(s);
    return rc == SQLITE_DONE ? 0 : failed(p, sql_text(what));
}

static int run_once(struct sqlite_peer *p, sqlite3_stmt *s)
{
    int rc = sqlite3_step(s);
    sqlite3_reset(s);
    return rc == SQLITE_DONE ? 0 : failed(p, sqlite3_sql(s));
}

static int insert_row(struct sqlite_peer *p, const struct sql_row *row)
{
    for (int c = 0; c < SQL_COLUMNS; c++) {
        int64_t v;
        if (sql_row_column(row, c, &v))
            sqlite3_bind_int64(p->insert, c + 1, v);
        else
            sqlite3_bind_text(p->insert, c + 1, SQL_SERIAL, -1, SQLITE_STATIC);
    }
    return run_once(p, p->insert);
}

static int insert(void *ctx, const struct sql_row *rows, size_t n)
{
    struct sqlite_peer *p = ctx;
    int r = n > 1 ? run_once(p, p->begin) : 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = insert_row(p, &rows[i]);
    return r == 0 && n > 1 ? run_once(p, p->commit) : r;
}

struct sql_target sqlite_peer_target(struct sqlite_peer *p)
{
    return (struct sql_target){ask, insert, p};
}
