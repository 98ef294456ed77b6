#pragma once
/*
 * verify-rows - reads the SQL service's answer as it streams in and compares every value with what
 * is expected; made for millions of rows, so it parses just this shape:
 *   {"columns":[{"name":"...","type":"..."},...],"rows":[[...],...],"rowcount":N}
 * with integers, null and one text column.  White space between tokens is allowed.
 * Owns its buffer.  No I/O: the caller fills sim_rows_room and says how much came.
 */
#include <sealgrid/meter/reading.h>

/* client_id, ts, meter_serial, seq, the reading's fields, origin. */
#define SIM_COLUMNS       (SG_READING_N_FIELDS + 5)
#define SIM_COLUMN_SERIAL 2
extern const char *const sim_column_names[SIM_COLUMNS];

/* Values of one row; SG_READING_NA is null; SIM_COLUMN_SERIAL is not used. */
struct sim_expected {
    int64_t value[SIM_COLUMNS];
};

struct sim_rows_source {
    /* The row that should come next; false: there should be none. */
    bool (*next)(void *user, struct sim_expected *ret);
    const char *serial;
    /* Told of the first differences only.  got: text of the value as it came. */
    void (*differs)(void *user, uint64_t row, const char *column, const char *got);
    void *user;
};

enum sim_rows_outcome {
    SIM_ROWS_MALFORMED = 1, /* not the shape above */
    SIM_ROWS_ERROR,         /* the service says "error" */
};

struct sim_rows;
SG_MUST_USE int sim_rows_new(struct sim_rows **ret);
void sim_rows_free(struct sim_rows *r);
/* For the next answer. */
void sim_rows_begin(struct sim_rows *r, const struct sim_rows_source *source);
/* At least 32 KiB unless the answer has an endless token (then 0: malformed). */
size_t sim_rows_room(struct sim_rows *r, uint8_t **ret);
SG_MUST_USE int sim_rows_advance(struct sim_rows *r, size_t n);
/* After the last octet: the tail's row count must agree.  0 or an outcome. */
SG_MUST_USE int sim_rows_end(struct sim_rows *r);
uint64_t sim_rows_count(const struct sim_rows *r);
/* Rows that differ, came too many, or are missing (known after sim_rows_end). */
uint64_t sim_rows_mismatches(const struct sim_rows *r);
