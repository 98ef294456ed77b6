#pragma once
/*
 * picture - what an inspector is shown of one customer: the regular day and its band against the
 * recent day, the days before and after the change against what was to be expected, and what that
 * makes a day.
 */
#include <sealgrid/fraud/context.h>
#include <sealgrid/fraud/full.h>

#define PICTURE_DAYS SG_FULL_PICTURE_DAYS

struct picture {
    uint32_t points;
    /* Mean regular and mean recent day of the kind that most recent days are, energy an interval;
     * low and high: 10 and 90 % of the regular days lie below. */
    float regular[SG_FRAUD_POINTS_MAX], recent[SG_FRAUD_POINTS_MAX];
    float low[SG_FRAUD_POINTS_MAX], high[SG_FRAUD_POINTS_MAX];
    /* The last complete days, energy a day, and what was to be expected. */
    uint32_t n_days;
    int32_t day[PICTURE_DAYS]; /* as in the source, not renumbered */
    float level[PICTURE_DAYS], expected[PICTURE_DAYS];
    int32_t first_recent;
    int32_t change_day; /* SG_FRAUD_NO_DAY: none stands out */
    /* From then on, or over the recent days: mean energy a day that is missing; below 0: more than
     * expected. */
    double regular_day, missing_day;
    int32_t missing_since, last_day;
    struct sg_fraud_context context;
};

/* Fills everything but regular, recent and points, which are there.  shift: what was taken off the
 * days' numbers (plan_renumber); full NULL: not of mode full.  kind: of the day shown. */
struct picture_input {
    const struct sg_fraud_days *days;
    uint32_t reference, n_reference, recent, n_recent; /* days by index */
    enum sg_fraud_day_kind kind;
    int32_t shift;
    const struct sg_full_judge *full;
    int32_t change_day;                     /* of mode full; renumbered; NO_DAY: none */
    double missing_day;                     /* of mode full, by all that is known */
    const struct sg_fraud_context *context; /* NULL: nothing known */
};
void picture_fill(struct picture *p, const struct picture_input *in);
