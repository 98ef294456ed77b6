#pragma once
/*
 * prepared - a connection's statements, kept for when the same text comes again: clients send the
 * same few texts with other parameters, and preparing costs more than most point queries.
 *
 * A statement was allowed for a role and made against one state of the dictionary: the role is part
 * of its key, and all are dropped when the dictionary changes.
 */
#include <sealgrid/base/buf.h>
#include <sqlite3.h>

struct sg_sql;

#define SG_SQL_PREPARED_KEPT      16
#define SG_SQL_PREPARED_TEXT_MAX  ((size_t)64 << 10)
#define SG_SQL_PREPARED_BYTES_MAX (2 << 20) /* of SQLite's memory, one statement */

enum sg_sql_plain { SG_SQL_PLAIN_UNKNOWN, SG_SQL_PLAIN_NO, SG_SQL_PLAIN_YES };

struct sg_sql_prepared {
    sqlite3_stmt *stmt;
    uint8_t *text;
    size_t len;
    int role;
    uint64_t used; /* when, counted in statements */
    enum sg_sql_plain plain;
    int *columns; /* if plain: the table's column of each result column */
    /* of a result document, up to its rows, if every column has a declared type */
    struct sg_buf head;
};

/* Longest head kept. */
#define SG_SQL_PREPARED_HEAD_MAX ((size_t)64 << 10)

/* Of a connection; zeroed is empty. */
struct sg_sql_prepared_list {
    struct sg_sql_prepared *now; /* running, not among the kept */
    struct sg_sql_prepared *kept[SG_SQL_PREPARED_KEPT];
    uint64_t clock;
};

/* Makes a kept statement the running one. */
bool sg_sql_prepared_take(struct sg_sql *c, struct sg_bytes text);
/* Makes stmt the running one, owned from now on, also on failure. */
SG_MUST_USE int sg_sql_prepared_new(struct sg_sql *c, struct sg_bytes text, sqlite3_stmt *stmt);
/* Ends the running one; keep: it may run again. */
void sg_sql_prepared_end(struct sg_sql *c, bool keep);
/* Drops all that are kept. */
void sg_sql_prepared_clear(struct sg_sql *c);
