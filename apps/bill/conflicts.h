#pragma once
/*
 * conflicts - differing second readings of a client's intervals, and who chose between them.
 *
 * A conflict is settled by the latest resolution of its interval, if that is rightly signed and its
 * chosen reading is there.  The chosen reading then stands among the client's rows.  One that was
 * not chosen stays there for its block's sake, marked as rejected, if the meter gave it a number of
 * its own (a clock that was set back); if the meter gave both the same number (a day told twice),
 * the block that signed the other leaves the list.
 */
#include "client.h"

#include <sealgrid/billing/resolution.h>
#include <sealgrid/kv.h>

struct conflict_record {
    struct sg_row_resolution row; /* points into room */
    uint8_t *room;
};
struct conflicts {
    struct sg_row_conflict *rows; /* second readings, by time */
    size_t n_rows, rows_capacity;
    struct conflict_record *records; /* the latest of each interval, by time */
    size_t n_records, records_capacity;
};
void conflicts_clear(struct conflicts *c);
/* Rows whose interval ends in [first, after). */
SG_MUST_USE int conflicts_read(struct conflicts *ret, struct sg_kv *kv, int64_t client,
                               int64_t first_s, int64_t after_s);
/* Among c's rows and blocks; *ret_open: conflicts that nobody settled. */
SG_MUST_USE int conflicts_settle(const struct conflicts *conflicts, struct client *c,
                                 uint64_t *ret_open);

enum conflicts_outcome { CONFLICTS_MALFORMED = 1 };
/* Rows of an evidence file by its own section of choices (may be empty): c->conflicts counts the
 * intervals that it leaves open. */
SG_MUST_USE int conflicts_settle_file(struct client *c, struct sg_bytes section);
