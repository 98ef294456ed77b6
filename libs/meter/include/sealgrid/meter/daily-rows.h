#pragma once
/*
 * daily rows - reader of load curves as CSV, one day a line, plain or gzip (any number of
 * members, nothing else behind them):
 *
 *   customer,day,weekday,h00,...,h23      day: any whole number; weekday 0 = Monday .. 6 = Sunday
 *   building,date,h00,...,h23             date: 2008-01-31; the weekday follows from it
 *
 * "customer", "building" and "client" mean the same.  24, 48 or 96 columns of energy, of any names,
 * in any one unit.  A value is a decimal, 0 or more; blank, NA and NaN are a missing one.  Line
 * ends LF or CRLF; empty lines count for nothing; a cell may stand in quotes, but holds no comma and
 * no quote.  Anything else is refused with line and column, never guessed.
 *
 * Memory: one chunk of the file (256 KiB), whatever its size; a line has at most 4,096 octets.
 * Owns: the open file.  One thread at a time.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>

#define SG_DAILY_POINTS_MAX 96
#define SG_DAILY_NAME_MAX   63
#define SG_DAILY_LINE_MAX   4096
#define SG_DAILY_DAY_MAX    9999999
#define SG_DAILY_LOAD_MAX   1e12f

struct sg_daily;

enum sg_daily_outcome {
    SG_DAILY_END = 1,
    SG_DAILY_BAD, /* *why says what and where */
};

struct sg_daily_error {
    uint64_t line;   /* from 1; the header is line 1 */
    unsigned column; /* from 1; 0: the line as a whole */
    char text[120];  /* holds nothing of the file but a column's name */
};

struct sg_daily_row {
    struct sg_bytes customer; /* 1..SG_DAILY_NAME_MAX octets; borrowed until the next call */
    int32_t day;              /* as written, or days since 1970-01-01 */
    uint8_t weekday;          /* 0 = Monday */
    const float *load;        /* of `points` intervals, NaN: missing; borrowed likewise */
    unsigned missing;
    uint64_t line;
};

/* Reads the header.  0, SG_DAILY_BAD, -errno. */
SG_MUST_USE int sg_daily_open(struct sg_daily **ret, const char *path, struct sg_daily_error *why);
/* The same over text in memory, borrowed, not compressed. */
SG_MUST_USE int sg_daily_over(struct sg_daily **ret, struct sg_bytes text,
                              struct sg_daily_error *why);
void sg_daily_free(struct sg_daily *d);
SG_DEFINE_FREEP(struct sg_daily, sg_daily_free)

unsigned sg_daily_points(const struct sg_daily *d);
bool sg_daily_dated(const struct sg_daily *d); /* days are days since 1970-01-01 */

/* 0, SG_DAILY_END, SG_DAILY_BAD or -errno; nothing is to be read after a failure. */
SG_MUST_USE int sg_daily_next(struct sg_daily *d, struct sg_daily_row *ret,
                              struct sg_daily_error *why);
