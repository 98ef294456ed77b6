#pragma once
/*
 * cursor - the rows of one table for one set of key constraints.
 *
 *   filter.c  xFilter: constraints -> partitions to visit (known, or listed from the store a load
 * at a time) and the range of sort keys within each walk.c    xNext: of the current partition the
 * store's rows and the transaction's own, merged by sort key; at its end the next partition; at the
 * end of the load the next load cursor.c  xColumn, xOpen, xClose
 *
 * A cursor holds one kv session while a scan is open.  Rows are borrowed from the scan, and decoded
 * when a column is asked for.
 */
#include "parts-int.h"
#include "row-int.h"
#include "sql-int.h"

struct sg_sql_cursor {
    sqlite3_vtab_cursor base;
    struct sg_sql_vtab *vtab;
    int plan;
    /* where to look */
    struct sg_sql_parts parts;
    size_t part;     /* index of the current one */
    bool more_parts; /* the listing goes on after the last of this load */
    struct sg_buf list_from, list_until;
    struct sg_buf from, until; /* sort keys; until empty: no end */
    uint64_t hint;             /* rows to ask for in the next scan, 0: all */
    /* the current partition */
    struct sg_kv *kv;
    struct sg_kv_scan *scan;
    uint64_t asked, got; /* of this scan */
    struct sg_bytes scan_sort, scan_value;
    bool have_scan_row;
    struct sg_buf resume; /* where a scan with a limit goes on */
    struct sg_sql_overlay overlay;
    size_t own, own_end; /* of the overlay in this partition and range, not yet shown */
    struct sg_buf point_value;
    /* which fields a scan brings: empty for all, else their places in its values */
    uint8_t fields[SG_SQL_COLUMNS_MAX / 8 + 1];
    size_t fields_len;
    uint8_t place[SG_SQL_COLUMNS_MAX];
    bool key_handles; /* _row is not asked for: RIGHT JOIN reads it all the same, to tell rows apart
                       */
    /* the row */
    bool eof;
    bool narrow; /* value has only those fields */
    struct sg_bytes partition, sort, value;
    struct sg_sql_row row;
    struct sg_value part_values[SG_SQL_KEY_MAX], sort_values[SG_SQL_KEY_MAX];
    bool sort_decoded;
    struct sg_buf part_scratch, sort_scratch;
};

#define SG_SQL_NO_PLACE UINT8_MAX

#define SG_SQL_CURSOR_KEY_ROOM (2 * SG_SQL_KEY_OCTETS)

static inline struct sg_sql_cursor *sg_sql_cursor_of(sqlite3_vtab_cursor *base)
{
    return (struct sg_sql_cursor *)base;
}

static inline struct sg_sql *sg_sql_cursor_conn(const struct sg_sql_cursor *c)
{
    return c->vtab->conn;
}

static inline const struct sg_sql_shape *sg_sql_cursor_shape(const struct sg_sql_cursor *c)
{
    return &c->vtab->table->shape;
}

/* A column of the table, but for _row, in the current row: borrowed until the next one. */
int sg_sql_cursor_value(struct sg_sql_cursor *c, int column, const struct sg_value **ret);
/* SQLite result codes: of a kv result that is not 0, and of a row that cannot be read. */
int sg_sql_cursor_fail(struct sg_sql_cursor *c, int r);
int sg_sql_cursor_damaged(struct sg_sql_cursor *c);
/* Gives the session back, closed if it broke. */
void sg_sql_cursor_close_scan(struct sg_sql_cursor *c, bool broken);
/* The first load of partitions in list_from..list_until. */
int sg_sql_cursor_list(struct sg_sql_cursor *c);
/* To the first row of the current partition or a later one, or eof. */
int sg_sql_cursor_start(struct sg_sql_cursor *c);
