#pragma once
/*
 * fraud days - the load of one customer, day by day: what every fraud score reads.
 *
 * One row a day, `points` values a row (24 hourly, 48 half-hourly, 96 quarter-hourly), the energy
 * drawn in each interval in any one unit (kWh by custom).  A day of which up to a quarter is
 * missing is filled in (sg_fraud_days_add_part), and which points are filled is kept.  Any other
 * day with a missing, doubled or damaged interval (the days on which clocks are put forward or back
 * among them) is left out by whoever fills this in, and noted in `lost` if it arrived: whoever
 * drops a reading a day is judged, and whoever drops more is seen to.  Days may lack but stand in
 * ascending order.  A customer that feeds in has drawn 0 there; what it fed in is another channel.
 *
 * Owns: its arrays, which sg_fraud_days_start keeps from one customer to the next, so that a fleet
 * is read with one of these a thread.  No sharing between threads while it is written.  At most
 * SG_FRAUD_DAYS_MAX days.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SG_FRAUD_ID_MAX = 63,     /* octets of a customer's name without its NUL */
    SG_FRAUD_DAYS_MAX = 4096, /* eleven years; the exactness of sliding sums rests on it */
    SG_FRAUD_POINTS_MAX = 96,
    SG_FRAUD_LOAD_ALIGN = 64,
    SG_FRAUD_GAP_PART = 4, /* at most this part of a day's points is filled in */
    SG_FRAUD_GAP_WORDS = SG_FRAUD_POINTS_MAX / 32,
};

/* Bit i % 32 of word i / 32: point i was missing, its load is filled in. */
struct sg_fraud_gap {
    uint32_t word[SG_FRAUD_GAP_WORDS];
    uint32_t missing; /* readings; more than bits where a point is made of several */
};

/* The largest value of one interval.  Far above any meter's (10^12 kWh); squares and sums of them
 * stay finite. */
#define SG_FRAUD_LOAD_MAX 1e12f

/* Days are compared with days of their own kind. */
enum sg_fraud_day_kind {
    SG_FRAUD_WORKDAY, /* Monday to Friday */
    SG_FRAUD_WEEKEND, /* Saturday, Sunday */
    SG_FRAUD_DAY_KINDS,
};

/* A day that arrived but cannot be used.  Bit h: of hour h anything is missing or wrong. */
struct sg_fraud_lost {
    int32_t day;
    uint32_t hours;
};
#define SG_FRAUD_ALL_HOURS 0xffffffu

struct sg_fraud_days {
    char id[SG_FRAUD_ID_MAX + 1];
    uint32_t points; /* 24, 48 or 96 */
    uint32_t n_days;
    uint32_t room;    /* days the arrays can hold */
    float *load;      /* n_days rows of points values, 0..SG_FRAUD_LOAD_MAX; aligned to 64 octets */
    int32_t *day;     /* strictly ascending; days since any fixed day */
    uint8_t *weekday; /* 0 = Monday .. 6 = Sunday */
    struct sg_fraud_gap *gap;
    uint32_t n_gaps; /* days of which a reading was missing */
    uint32_t n_lost, room_lost;
    struct sg_fraud_lost *lost; /* ascending; the latest, if many */
};

#define SG_FRAUD_DAYS_INIT                                                                         \
    {                                                                                              \
        .points = 0                                                                                \
    }

enum sg_fraud_days_outcome {
    SG_FRAUD_DAYS_BAD_ID = 1,  /* empty, or longer than SG_FRAUD_ID_MAX */
    SG_FRAUD_DAYS_BAD_POINTS,  /* neither 24 nor 48 nor 96 */
    SG_FRAUD_DAYS_BAD_WEEKDAY, /* above 6 */
    SG_FRAUD_DAYS_NOT_AFTER,   /* not after the last day added */
    SG_FRAUD_DAYS_BAD_LOAD,    /* NaN, infinite, negative or above SG_FRAUD_LOAD_MAX */
    SG_FRAUD_DAYS_FULL,        /* SG_FRAUD_DAYS_MAX days are there already */
    SG_FRAUD_DAYS_GAPS,        /* more than a quarter of its points is missing */
};

/* Empties d for another customer.  0, BAD_ID or BAD_POINTS. */
SG_MUST_USE int sg_fraud_days_start(struct sg_fraud_days *d, const char *id, uint32_t points);

/* Appends one day of d->points values.  0, -ENOMEM, or an outcome with nothing appended; with
 * BAD_LOAD *reterr_at is the index of the offending value (reterr_at may be NULL). */
SG_MUST_USE int sg_fraud_days_add(struct sg_fraud_days *d, int32_t day, uint8_t weekday,
                                  const float *load, uint32_t *reterr_at);

/*
 * The same for a day of which values are missing (NaN).  A missing point becomes what lies on the
 * line between the measured ones beside it on that day, times what the customer's own last days of
 * that kind (20 at most, and none later) have there over what they have on their line, within 1/4
 * and 4; with fewer than three such days, the line alone.  At the day's ends the one neighbour
 * stands for both.  A gap of less than an hour stays between its neighbours.  So a gap says nothing
 * that the rest of the day does not say, and what a score reads out of single points it must not
 * read out of filled ones (sg_fraud_days_is_filled).  DAYS_GAPS: nothing appended.
 */
SG_MUST_USE int sg_fraud_days_add_part(struct sg_fraud_days *d, int32_t day, uint8_t weekday,
                                       const float *load, uint32_t *reterr_at);
/* Of the day appended last `missing` readings were missing, whichever points they belong to. */
void sg_fraud_days_note_missing(struct sg_fraud_days *d, uint32_t missing);
/* A day that arrived but cannot be used; after all lost ones so far, else it is passed over.  0,
 * -ENOMEM. */
SG_MUST_USE int sg_fraud_days_lose(struct sg_fraud_days *d, int32_t day, uint32_t hours);
/* Hours in which any point is missing (NaN). */
uint32_t sg_fraud_missing_hours(const float *load, uint32_t points);
/* The first n days go. */
void sg_fraud_days_forget(struct sg_fraud_days *d, uint32_t n);
/* Takes `by` off the number of every day. */
void sg_fraud_days_renumber(struct sg_fraud_days *d, int32_t by);
/* to is as from; other arrays.  0, -ENOMEM. */
SG_MUST_USE int sg_fraud_days_copy(struct sg_fraud_days *to, const struct sg_fraud_days *from);

/* Frees the arrays; d can be started again. */
void sg_fraud_days_clear(struct sg_fraud_days *d);

/* One word for a person: "load", "weekday", ... */
const char *sg_fraud_days_outcome_text(int outcome);

static inline const float *sg_fraud_days_row(const struct sg_fraud_days *d, uint32_t i)
{
    return d->load + (size_t)i * d->points;
}

static inline enum sg_fraud_day_kind sg_fraud_day_kind_of(uint8_t weekday)
{
    return weekday < 5 ? SG_FRAUD_WORKDAY : SG_FRAUD_WEEKEND;
}

/* Is this point of row i filled in? */
static inline bool sg_fraud_days_is_filled(const struct sg_fraud_days *d, uint32_t i,
                                           uint32_t point)
{
    return d->gap[i].word[point / 32] >> point % 32 & 1;
}

/* Is any, or was any reading of it missing? */
static inline bool sg_fraud_days_has_gap(const struct sg_fraud_days *d, uint32_t i)
{
    return d->gap[i].missing != 0;
}
