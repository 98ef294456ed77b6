#pragma once
/*
 * sql-int - what the parts of libs/sql share.
 *
 *   conn.c     a connection: prepare, step, errors
 *   prepared.c its statements, kept for the next time
 *   guard.c    what SQLite may not do
 *   ddl.c      CREATE TABLE, DROP TABLE as text
 *   define.c   and as changes of the dictionary
 *   catalog.c  the dictionary as a shared snapshot; the engine
 *   system.c   the system tables; schema.c  all tables as tables
 *   pool.c     kv sessions, shared by all connections
 *   vtab.c     SQLite's module; plan.c  xBestIndex; update.c  xUpdate
 *   writes.c   a transaction's writes, folded into one batch
 *   cursor.c, filter.c, walk.c   reading (cursor-int.h), with
 *   bound.c    constraint values as key bounds
 *   parts.c    lists of partitions
 *   row.c      lazy decoding of a row
 *   plain.c    rows that need nothing of SQLite
 *   request.c, result.c   JSON documents; service.c, access.c   HTTP handler
 *   error.c    the table of errors
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include <sealgrid/kv.h>
#include <sealgrid/sql.h>

#include "ddl-int.h"
#include "prepared-int.h"
#include "writes-int.h"

/* ---- tables ---- */

enum {
    SG_SQL_TABLE_SYSTEM = 1,      /* not in the dictionary, cannot be dropped */
    SG_SQL_TABLE_READ_ONLY = 2,   /* no writes through SQL */
    SG_SQL_TABLE_INSERT_ONLY = 4, /* no UPDATE, no DELETE, no OR REPLACE */
};

/* One version of one table's definition: immutable, shared. */
struct sg_sql_table {
    _Atomic unsigned refs;
    uint32_t id;
    unsigned flags;
    int origin_column; /* always written as SG_SQL_ORIGIN, or -1 */
    struct sg_sql_shape shape;
    uint8_t *record; /* the dictionary's value, owned; NULL for a system table */
    size_t record_len;
    uint8_t sort[SG_SQL_NAME_MAX + 3]; /* the dictionary's sort key */
    size_t sort_len;
    uint8_t domain[SG_SQL_COLUMNS_MAX]; /* of a system table: see system.c */
};

/* Partition and sort key each: a little below what kv.h allows, so that a bound just past a key is
 * still a key. */
#define SG_SQL_KEY_OCTETS   1000
#define SG_SQL_VALUE_OCTETS 65536

#define SG_SQL_ORIGIN 2 /* rows inserted through SQL are unsigned, whatever they say */

struct sg_sql_table *sg_sql_table_ref(struct sg_sql_table *t);
void sg_sql_table_unref(struct sg_sql_table *t);
SG_DEFINE_FREEP(struct sg_sql_table, sg_sql_table_unref)

/* The tables of one moment, by name; immutable, shared. */
struct sg_sql_catalog {
    _Atomic unsigned refs;
    size_t n;
    struct sg_sql_table **tables;
};

void sg_sql_catalog_unref(struct sg_sql_catalog *c);
SG_DEFINE_FREEP(struct sg_sql_catalog, sg_sql_catalog_unref)
struct sg_sql_table *sg_sql_catalog_find(const struct sg_sql_catalog *c, const char *name);
/* Appends the system tables; new references. */
SG_MUST_USE int sg_sql_system_tables(struct sg_sql_table **ret, size_t max, size_t *ret_n);
#define SG_SQL_SYSTEM_TABLES 10
/* A row to be written, by column: the first column whose value the metering side would refuse to
 * read back, or NULL. */
const char *sg_sql_system_check(const struct sg_sql_table *t, const struct sg_value *v);

/*
 * The dictionary, table SG_TABLE_DICTIONARY (partition | sort -> value):
 *   ("table" | name)       (1, id, canonical CREATE TABLE)
 *   ("meta" | "next_id")   (id)          ids are never given out twice
 *   ("dropped" | id)       (name)        rows are still being removed
 */
#define SG_SQL_DICTIONARY_VERSION 1
struct sg_bytes sg_sql_dictionary_tables(void); /* the first partition, encoded */
SG_MUST_USE int sg_sql_table_new(struct sg_sql_table **ret, const struct sg_sql_shape *shape,
                                 uint32_t id, unsigned flags);
SG_MUST_USE int sg_sql_table_encode(const struct sg_sql_table *t, struct sg_buf *ret);
/* 0, SG_SQL_REFUSED: not a record of ours. */
SG_MUST_USE int sg_sql_table_decode(struct sg_bytes record, struct sg_sql_table **ret);

/* ---- pool ---- */

struct sg_sql_pool {
    pthread_mutex_t lock;
    int (*open)(void *user, struct sg_kv **ret);
    void *user;
    struct sg_kv **idle;
    unsigned n_idle, n_open, max;
};

enum sg_sql_pool_outcome { SG_SQL_POOL_FULL = 1 };

SG_MUST_USE int sg_sql_pool_init(struct sg_sql_pool *p, const struct sg_sql_engine_options *o);
void sg_sql_pool_clear(struct sg_sql_pool *p);
/* 0, SG_SQL_POOL_FULL, -errno.  fresh: not one that was idle. */
SG_MUST_USE int sg_sql_pool_get(struct sg_sql_pool *p, bool fresh, struct sg_kv **ret);
/* NULL accepted.  A session that failed once is closed, not kept. */
void sg_sql_pool_put(struct sg_sql_pool *p, struct sg_kv *kv, bool broken);

/* ---- engine ---- */

struct sg_sql_engine {
    struct sg_sql_pool pool;
    char *bucket;
    int64_t catalog_ns;
    pthread_mutex_t lock; /* of what follows */
    struct sg_sql_catalog *catalog;
    int64_t catalog_read_ns; /* monotonic; 0: never or known to be old */
};

/* A reference to the dictionary, read again if it is older than catalog_ms or force says so. */
SG_MUST_USE int sg_sql_engine_catalog(struct sg_sql_engine *e, bool force,
                                      struct sg_sql_catalog **ret, struct sg_sql_error *reterr);
/* The next reader reads it again. */
void sg_sql_engine_catalog_changed(struct sg_sql_engine *e);

/* ---- errors ---- */

/* Fills *e unless it has a code already: the first cause stays.  SG_SQL_REFUSED. */
int sg_sql_refuse(struct sg_sql_error *e, enum sg_sql_code code, const char *fmt, ...)
    SG_PRINTF(3, 4);
/* A kv result that is not 0: negative or an outcome of kv.h. */
int sg_sql_refuse_kv(struct sg_sql_error *e, int r);

/* ---- connection ---- */

struct sg_sql_cursor;

struct sg_sql {
    struct sg_sql_engine *engine;
    sqlite3 *db;
    struct sg_sql_catalog *catalog; /* whose tables are registered as modules */
    sqlite3_stmt *stmt;             /* of prepared.now */
    struct sg_sql_prepared_list prepared;
    struct sg_sql_error error;
    enum sg_sql_role role;
    bool writing; /* set by the authorizer while a statement that writes is prepared */
    bool trusted; /* our own BEGIN and COMMIT: the authorizer lets them pass */
    bool in_transaction;
    int64_t deadline_ns; /* monotonic, 0: none */
    size_t n_columns;
    bool have_row;
    bool ended;
    uint64_t n_rows; /* shown so far */
    /* plain rows: see plain.c */
    unsigned n_cursors;
    struct sg_sql_cursor *cursor; /* opened last; alive if there is one only */
    bool plain;
    const struct sg_value **row; /* if plain, the current one; the list is owned */
    int64_t changes;
    struct sg_sql_writes writes;
};

/* For the methods of the module: SQLITE_ERROR with the connection's error set. */
#define sg_sql_vtab_fail(c, ...) ((void)sg_sql_refuse(&(c)->error, __VA_ARGS__), SQLITE_ERROR)

SG_MUST_USE int sg_sql_guard(struct sg_sql *c);
/* Rows that come straight from the one open cursor.  begin: whether it can be so, with the
 * statement at a row; next: SQLite's result codes, the columns in row[]. */
#define SG_SQL_PLAIN_AFTER 16 /* rows; fewer do not pay for looking at the program */
bool sg_sql_plain_begin(struct sg_sql *c);
int sg_sql_plain_next(struct sg_sql *c);
/* CREATE TABLE, DROP TABLE.  SG_SQL_DONE or SG_SQL_REFUSED. */
SG_MUST_USE int sg_sql_define(struct sg_sql *c, struct sg_bytes sql);
/* Rows of tables whose DROP was cut short. */
SG_MUST_USE int sg_sql_purge_dropped(struct sg_sql *c);

/* The tables sealgrid_tables and sealgrid_columns. */
SG_MUST_USE int sg_sql_schema_register(struct sg_sql *c);

/* ---- module ---- */

struct sg_sql_vtab {
    sqlite3_vtab base;
    struct sg_sql *conn;
    struct sg_sql_table *table;
};

/* Registers a table's module, or removes it. */
SG_MUST_USE int sg_sql_vtab_register(struct sg_sql *c, struct sg_sql_table *t);
SG_MUST_USE int sg_sql_vtab_unregister(struct sg_sql *c, const char *name);
SG_MUST_USE int sg_sql_vtab_commit(struct sg_sql *c);

int sg_sql_vtab_update(sqlite3_vtab *base, int argc, sqlite3_value **argv,
                       sqlite3_int64 *ret_rowid);
/* An outcome of writes-int.h as SQLite's result code and the connection's error. */
int sg_sql_vtab_refuse_write(const struct sg_sql_vtab *t, int r);

int sg_sql_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info);
int sg_sql_cursor_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **ret);
int sg_sql_cursor_close(sqlite3_vtab_cursor *cursor);
int sg_sql_cursor_filter(sqlite3_vtab_cursor *cursor, int plan, const char *args, int argc,
                         sqlite3_value **argv);
int sg_sql_cursor_next(sqlite3_vtab_cursor *cursor);
int sg_sql_cursor_eof(sqlite3_vtab_cursor *cursor);
int sg_sql_cursor_column(sqlite3_vtab_cursor *cursor, sqlite3_context *ctx, int column);
int sg_sql_cursor_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *ret);

/*
 * The hidden column _row: names a row for UPDATE and DELETE and carries the value that was read, so
 * that the write can be a compare-and-set.  be32 partition length, be32 sort length, partition,
 * sort, value.
 */
struct sg_sql_handle {
    struct sg_bytes partition, sort, value;
};
SG_MUST_USE int sg_sql_handle_append(struct sg_buf *b, const struct sg_sql_handle *h);
bool sg_sql_handle_parse(struct sg_bytes b, struct sg_sql_handle *ret);

/* Borrowed from the sqlite3_value until it changes. */
struct sg_value sg_sql_from_sqlite(sqlite3_value *v);
void sg_sql_to_sqlite(sqlite3_context *ctx, const struct sg_value *v);

/* ---- JSON ---- */

struct sg_json;
void sg_sql_json_base64(struct sg_json *j, struct sg_bytes v);
void sg_sql_json_real(struct sg_json *j, double f);

/* ---- plan: what xBestIndex tells xFilter ---- */

enum {
    SG_SQL_PLAN_FIXED = 1,   /* every partition column has = or IN: the partitions are known */
    SG_SQL_PLAN_REVERSE = 2, /* descending primary key */
    SG_SQL_PLAN_POINT = 4,   /* every key column has =: get instead of scan */
};
/* args: two characters an argument, what it is and 'a' + the key part it is about. */
enum sg_sql_plan_arg {
    SG_SQL_ARG_EQ = 'e',
    SG_SQL_ARG_IN = 'i',
    SG_SQL_ARG_GT = 'g',
    SG_SQL_ARG_GE = 'G',
    SG_SQL_ARG_LT = 'l',
    SG_SQL_ARG_LE = 'L',
    SG_SQL_ARG_LIMIT = 'm',
    SG_SQL_ARG_OFFSET = 'o',
};
/* After the arguments, if not all columns are needed: sqlite3_index_info.colUsed in hexadecimal. */
#define SG_SQL_ARG_COLUMNS '|'
