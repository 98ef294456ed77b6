#pragma once
/*
 * source - where customers' days come from: a file of daily rows, or the readings of the store.
 * Workers ask for the next customer until there is none; a second pass starts with source_rewind.
 * The k-th customer of a pass is the same in every pass, however many workers ask.
 */
#include <sealgrid/billing/tz.h>
#include <sealgrid/fraud/context.h>
#include <sealgrid/fraud/days.h>
#include <sealgrid/fraud/phasor.h>
#include <sealgrid/kv.h>

#define WINDOW_DAYS_MAX 2000 /* reference and recent days together, below SG_FRAUD_DAYS_MAX / 2 */

enum source_outcome {
    SOURCE_END = 1,
    SOURCE_BAD,       /* the file is at fault: said in source_why */
    SOURCE_UNGROUPED, /* a customer's rows lie apart or out of order: source_file_sort helps */
};

/* What was left out of a customer's days, and why it may be doubted. */
struct source_notes {
    size_t index;        /* of the customer in the pass, from 0 */
    uint64_t readings;   /* or rows */
    uint32_t incomplete; /* days of which too much is missing */
    uint32_t bad_rows;   /* of the store: not readable, or more than there may be; left out */
    uint32_t conflicts;  /* readings told twice with differing values */
    int32_t last_day;    /* that was told of, complete or not; undefined without any */
    struct sg_fraud_context context; /* what the store knows besides; its epoch is not set */
    uint32_t bad_facts;              /* rows of the store about it that could not be read */
    bool has_phasors;
    struct sg_phasor_summary phasors;
    const struct balances_customer *balance; /* of its transformer; NULL: not known */
};

/* Days of the calendar to be read; first > last: all. */
struct source_span {
    int32_t first, last;
};

struct source;
/* A file has no session; the store opens one for the calling thread. */
struct source_session;

/* 0, SOURCE_BAD, -errno. */
SG_MUST_USE int source_file_open(struct source **ret, const char *path, struct source_span span);
/* Reads the file again, whole, into memory (at most max_bytes) and sorts it by customer and day. */
SG_MUST_USE int source_file_sort(struct source *s, uint64_t max_bytes);
/* "line 7, column 3: day: not a whole number" */
const char *source_why(const struct source *s);

struct source_store {
    int (*open_kv)(void *user, struct sg_kv **ret); /* a session for the calling thread */
    void *user;
    const struct sg_tz *tz; /* NULL: days are those of UTC + east_s */
    int32_t east_s;
    struct source_span span;
    uint32_t points; /* of a day */
    const int64_t *clients;
    size_t n_clients;
    uint64_t keep_bytes; /* of days that stay in memory for a second pass; 0: none */
};
SG_MUST_USE int source_store_open(struct source **ret, const struct source_store *o);

void source_free(struct source *s);
SG_DEFINE_FREEP(struct source, source_free)
/* Of a day; 0: not known. */
uint32_t source_points(const struct source *s);
bool source_dated(const struct source *s);      /* days are days since 1970-01-01 */
size_t source_expected(const struct source *s); /* customers; 0: not known */
SG_MUST_USE int source_rewind(struct source *s);
/* Before the first pass: the phasors of the store's customers are judged, too, intervals from day
 * `recent` on by those before.  A file of days has none. */
void source_want_phasors(struct source *s, int32_t recent);
SG_MUST_USE int source_session_open(struct source *s, struct source_session **ret);
void source_session_free(struct source_session *v);
SG_DEFINE_FREEP(struct source_session, source_session_free)
SG_MUST_USE int source_next(struct source *s, struct source_session *v, struct sg_fraud_days *ret,
                            struct source_notes *ret_notes);
