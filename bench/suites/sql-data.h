#pragma once
/*
 * sql data - what the sql suite asks: the same table of readings, statements and answers on every
 * side, ours and the peers'.
 *
 * A side reads every value of an answer and adds it up, so that none is measured without the work
 * of its client, and so that two sides can be compared before they are timed.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/meter/reading.h>

#define SQL_CLIENT_ROWS  2976 /* 31 days of 15 minutes */
#define SQL_COLUMNS      (SG_READING_N_FIELDS + 5)
#define SQL_FIRST_CLIENT INT64_C(3000000001)
#define SQL_FIRST_TS     INT64_C(1788232500)
#define SQL_SERIAL       "12345678"
#define SQL_BATCH        96

struct sql_row {
    int64_t client, ts, seq, field[SG_READING_N_FIELDS], origin;
};

/* The same row in every run. */
void sql_row_make(int64_t client, int64_t seq, struct sql_row *ret);
/* Column c as SQL has it: false for the one that is text (SQL_SERIAL). */
bool sql_row_column(const struct sql_row *r, int c, int64_t *ret);
/* Its name. */
const char *sql_column_name(int c);

/* What an answer came to: integers and lengths of texts, modulo 2^64. */
struct sql_tally {
    uint64_t rows, sum;
};

enum sql_ask {
    SQL_MONTH,   /* one client's month, 45 columns, by time */
    SQL_MONTH_3, /* three of them */
    SQL_POINT,   /* one row, 45 columns */
    SQL_GROUP,   /* readings and power by client, over the whole table */
    SQL_TOP,     /* the ten highest powers in the whole table */
    SQL_ASKS
};

/*
 * One side.  ask: the parameters are client (MONTH, MONTH_3, POINT) and the time from which a month
 * or at which one reading is wanted.  insert: durable when it returns, rows all or nothing.
 * 0 or -errno; what a peer says goes to standard error.
 */
struct sql_target {
    int (*ask)(void *ctx, enum sql_ask what, int64_t client, int64_t ts, struct sql_tally *t);
    int (*insert)(void *ctx, const struct sql_row *rows, size_t n);
    void *ctx;
};

/* With parameters as ?1, ?2, ?3: client, time, end of the month. */
const char *sql_text(enum sql_ask what);
int sql_params(enum sql_ask what, int64_t client, int64_t ts, int64_t ret[3]);
/* Decimal text, ended by anything that is no digit: what clients of text protocols do. */
static inline int64_t sql_int(const char *text)
{
    bool negative = *text == '-';
    uint64_t v = 0;
    for (text += negative; *text >= '0' && *text <= '9'; text++)
        v = 10 * v + (uint64_t)(*text - '0');
    return (int64_t)(negative ? 0 - v : v);
}
