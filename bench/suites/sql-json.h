#pragma once
/*
 * sql json - the client's side of a result document (docs/sql.md), read as it arrives: every value
 * of every row is converted and added up.
 */
#include "sql-data.h"

struct sql_json {
    struct sg_buf in;
    enum { SQL_JSON_HEAD, SQL_JSON_ROWS, SQL_JSON_TAIL } at;
    struct sql_tally tally;
};

/* Longest piece that sql_json_room offers, and longest row. */
#define SQL_JSON_PIECE ((size_t)64 << 10)

void sql_json_begin(struct sql_json *j);
/* Where to put the next octets: SQL_JSON_PIECE of them.  -ENOMEM, -ENOBUFS: a row too long. */
SG_MUST_USE int sql_json_room(struct sql_json *j, uint8_t **ret);
/* n octets were put there.  -EBADMSG. */
SG_MUST_USE int sql_json_took(struct sql_json *j, size_t n);
/* The document is complete and its count is right, else -EBADMSG. */
SG_MUST_USE int sql_json_end(struct sql_json *j);
void sql_json_clear(struct sql_json *j);
