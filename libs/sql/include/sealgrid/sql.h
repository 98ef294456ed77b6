#pragma once
/*
 * sql - SQL over the record store (ARCHITECTURE, section 5; language and types: docs/sql.md).
 *
 * SQLite parses, plans, joins and aggregates; every table is a virtual table over kv.h and nothing
 * of the data is ever in SQLite's own storage.  An engine is shared by all threads: it holds the
 * dictionary and the pool of kv sessions.  A connection is used by one thread at a time.
 *
 * Errors of a statement are an outcome, SG_SQL_REFUSED, with a struct sg_sql_error: SQLSTATE, HTTP
 * status and a sentence for the client.  That sentence may quote the client's own SQL: it is never
 * logged; sg_sql_code_name() is.
 *
 * Limits: SQL text 1 MiB, 200 columns and 16 key columns a table, row key and value as kv.h, 16,000
 * changed rows and 15 MiB a transaction, one statement a call.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/kvs/tuple.h>

struct sg_kv;
struct sg_sql;
struct sg_sql_engine;

/* C(name, SQLSTATE, HTTP status): one table for every error a client can see. */
#define SG_SQL_CODES(C)                                                                            \
    C(syntax, "42601", 400)                                                                        \
    C(no_table, "42P01", 400)                                                                      \
    C(no_column, "42703", 400)                                                                     \
    C(ambiguous, "42702", 400)                                                                     \
    C(no_function, "42883", 400)                                                                   \
    C(table_exists, "42P07", 409)                                                                  \
    C(type, "42804", 400)                                                                          \
    C(range, "22003", 400)                                                                         \
    C(twice, "21000", 400)                                                                         \
    C(not_null, "23502", 400)                                                                      \
    C(duplicate_key, "23505", 409)                                                                 \
    C(conflict, "40001", 409)                                                                      \
    C(denied, "42501", 403)                                                                        \
    C(read_only, "25006", 403)                                                                     \
    C(unsupported, "0A000", 400)                                                                   \
    C(params, "07001", 400)                                                                        \
    C(request, "08P01", 400)                                                                       \
    C(unauthenticated, "28000", 401)                                                               \
    C(limit, "54000", 413)                                                                         \
    C(timeout, "57014", 504)                                                                       \
    C(memory, "53200", 503)                                                                        \
    C(busy, "53300", 503)                                                                          \
    C(store, "57P03", 503)                                                                         \
    C(unknown_outcome, "08007", 503)                                                               \
    C(damaged, "XX001", 500)                                                                       \
    C(internal, "XX000", 500)

enum sg_sql_code {
    SG_SQL_OK,
#define SG_C(name, state, status) SG_SQL_ERR_##name,
    SG_SQL_CODES(SG_C)
#undef SG_C
        SG_SQL_N_CODES
};

/* For SG_SQL_OK: "ok", "00000", 200. */
const char *sg_sql_code_name(enum sg_sql_code code);
const char *sg_sql_code_state(enum sg_sql_code code);
int sg_sql_code_status(enum sg_sql_code code);

struct sg_sql_error {
    enum sg_sql_code code;
    char message[240];
};

enum sg_sql_outcome {
    SG_SQL_REFUSED = 1, /* see the error */
    SG_SQL_DONE,        /* no further row */
};

struct sg_sql_engine_options {
    /* A new kv session; called from any thread.  The engine owns what it returns. */
    int (*open)(void *user, struct sg_kv **ret);
    void *user;
    const char *bucket;       /* copied; NULL: "metering" */
    unsigned max_sessions;    /* open at once; 0: 64.  More are refused with "busy". */
    int64_t catalog_ms;       /* age at which the dictionary is read again; 0: 2,000 */
    int64_t memory_max_bytes; /* of all SQLite in this process (sorters); 0: 512 MiB */
};

SG_MUST_USE int sg_sql_engine_new(struct sg_sql_engine **ret,
                                  const struct sg_sql_engine_options *o);
/* After every connection. */
void sg_sql_engine_free(struct sg_sql_engine *e);
SG_DEFINE_FREEP(struct sg_sql_engine, sg_sql_engine_free)
/* Does the store answer?  0, SG_SQL_REFUSED. */
SG_MUST_USE int sg_sql_engine_probe(struct sg_sql_engine *e);

SG_MUST_USE int sg_sql_open(struct sg_sql **ret, struct sg_sql_engine *e);
void sg_sql_close(struct sg_sql *c);
SG_DEFINE_FREEP(struct sg_sql, sg_sql_close)

enum sg_sql_role {
    SG_SQL_READER, /* SELECT, EXPLAIN */
    SG_SQL_ADMIN,  /* and INSERT, UPDATE, DELETE, CREATE TABLE, DROP TABLE */
};

struct sg_sql_query {
    struct sg_bytes sql;
    const struct sg_value *params; /* ?1, ?2, ... ; exactly as many as the statement has */
    size_t n_params;
    enum sg_sql_role role;
    int64_t timeout_ms; /* 0: none */
};

/*
 * Prepares and runs up to the first row; a statement without rows is complete (and durable) then.
 * 0: a row is there.  SG_SQL_DONE.  SG_SQL_REFUSED.  Whatever came before on this connection is
 * ended first, as by sg_sql_end.  The query's parts are borrowed until sg_sql_end.
 */
SG_MUST_USE int sg_sql_begin(struct sg_sql *c, const struct sg_sql_query *q);
/* 0: the next row.  SG_SQL_DONE.  SG_SQL_REFUSED. */
SG_MUST_USE int sg_sql_next(struct sg_sql *c);
/* Finishes the statement; outside sg_sql_transaction_begin nothing of it stays open.  Idempotent.
 */
void sg_sql_end(struct sg_sql *c);
/* Of the last SG_SQL_REFUSED; borrowed until the next call. */
const struct sg_sql_error *sg_sql_error(const struct sg_sql *c);

/* The statement's columns; 0 of them for one that returns no rows. */
size_t sg_sql_columns(const struct sg_sql *c);
const char *sg_sql_column_name(const struct sg_sql *c, size_t i);
/* "INTEGER", "REAL", "TEXT", "BLOB"; of an expression the type in the current row, "ANY" if NULL.
 */
const char *sg_sql_column_type(const struct sg_sql *c, size_t i);
/* Of the current row; text and blob borrowed until the next call. */
struct sg_value sg_sql_value(struct sg_sql *c, size_t i);
/* Rows changed by the last statement that changes rows. */
int64_t sg_sql_changes(const struct sg_sql *c);

/*
 * Several statements as one all-or-nothing batch.  They read what the transaction wrote, as well as
 * the store.  Nothing is written before the commit; the commit fails with "conflict" if a row that
 * the transaction changed was changed by somebody else since it read it.
 */
SG_MUST_USE int sg_sql_transaction_begin(struct sg_sql *c);
SG_MUST_USE int sg_sql_transaction_commit(struct sg_sql *c);
void sg_sql_transaction_rollback(struct sg_sql *c);

/* ---- the HTTPS interface's documents ---- */

/* {"sql": "...", "params": [...]} or {"statements": [{"sql": ..., "params": ...}, ...]}. */
#define SG_SQL_STATEMENTS_MAX 1000

struct sg_sql_request;
struct sg_sql_statement {
    struct sg_bytes sql;
    const struct sg_value *params;
    size_t n_params;
};

/* Owns everything it yields.  SG_SQL_REFUSED with *ret_error filled. */
SG_MUST_USE int sg_sql_request_decode(struct sg_bytes json, struct sg_sql_request **ret,
                                      struct sg_sql_error *ret_error);
void sg_sql_request_free(struct sg_sql_request *q);
SG_DEFINE_FREEP(struct sg_sql_request, sg_sql_request_free)
bool sg_sql_request_is_transaction(const struct sg_sql_request *q);
size_t sg_sql_request_statements(const struct sg_sql_request *q);
const struct sg_sql_statement *sg_sql_request_statement(const struct sg_sql_request *q, size_t i);
/* Appends the request in its shortest spelling. */
SG_MUST_USE int sg_sql_request_encode(const struct sg_sql_request *q, struct sg_buf *ret);

/*
 * The result document (docs/sql.md), in pieces of 8 to 64 KiB to write().  Nothing is written
 * before the first piece is full or the result complete, so that an early error can still choose
 * its own reply: then SG_SQL_REFUSED comes back with *ret_started false.  Once started, an error
 * ends the document in an "error" member and SG_SQL_REFUSED comes back with *ret_started true.  A
 * negative result of write() passes through.
 */
struct sg_sql_writer {
    int (*write)(void *user, struct sg_bytes piece);
    void *user;
};
SG_MUST_USE int sg_sql_write_result(struct sg_sql *c, const struct sg_sql_query *q,
                                    const struct sg_sql_writer *w, bool *ret_started,
                                    uint64_t *ret_rows);
