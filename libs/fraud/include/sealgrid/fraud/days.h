#pragma once
/*
 * fraud days - the load of one customer, day by day: what every fraud score reads.
 *
 * One row a day, `points` values a row (24 hourly, 48 half-hourly, 96 quarter-hourly), the energy
 * drawn in each interval in any one unit (kWh by custom).  Only complete days are kept: a day with
 * a missing, doubled or damaged interval (the days on which clocks are put forward or back among
 * them) is left out by whoever fills this in, so days may have gaps but stand in ascending order.
 * A customer that feeds in has drawn 0 there; what it fed in is another channel.
 *
 * Owns: its three arrays, which sg_fraud_days_start keeps from one customer to the next, so that a
 * fleet is read with one of these a thread.  No sharing between threads while it is written.
 * At most SG_FRAUD_DAYS_MAX days.
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

struct sg_fraud_days {
    char id[SG_FRAUD_ID_MAX + 1];
    uint32_t points; /* 24, 48 or 96 */
    uint32_t n_days;
    uint32_t room;    /* days the arrays can hold */
    float *load;      /* n_days rows of points values, 0..SG_FRAUD_LOAD_MAX; aligned to 64 octets */
    int32_t *day;     /* strictly ascending; days since any fixed day */
    uint8_t *weekday; /* 0 = Monday .. 6 = Sunday */
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
};

/* Empties d for another customer.  0, BAD_ID or BAD_POINTS. */
SG_MUST_USE int sg_fraud_days_start(struct sg_fraud_days *d, const char *id, uint32_t points);

/* Appends one day of d->points values.  0, -ENOMEM, or an outcome with nothing appended; with
 * BAD_LOAD *reterr_at is the index of the offending value (reterr_at may be NULL). */
SG_MUST_USE int sg_fraud_days_add(struct sg_fraud_days *d, int32_t day, uint8_t weekday,
                                  const float *load, uint32_t *reterr_at);

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
