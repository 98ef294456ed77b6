#include "picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NO_CHANGE 0.15 /* a step of less than this share of the level is no change day */

static double sum_of(const float *row, uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += (double)row[i];
    return sum;
}

static bool is_kind(const struct picture_input *in, uint32_t i)
{
    return sg_fraud_day_kind_of(in->days->weekday[i]) == in->kind;
}

/* ---- own days ------------------------------------------------------------------------------ */

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* 10 and 90 % of the regular days' values of every interval. */
static void fill_band(struct picture *p, const struct picture_input *in)
{
    float v[SG_FRAUD_DAYS_MAX];
    for (uint32_t k = 0; k < p->points; k++) {
        uint32_t n = 0;
        for (uint32_t i = in->reference; i < in->reference + in->n_reference; i++)
            if (is_kind(in, i))
                v[n++] = sg_fraud_days_row(in->days, i)[k];
        if (n)
            qsort(v, n, sizeof(*v), ascending);
        p->low[k] = n ? v[(n - 1) / 10] : 0;
        p->high[k] = n ? v[(n - 1) - (n - 1) / 10] : 0;
    }
}

/* Mean energy of the regular days of each kind; of a kind without any, that of all. */
static void regular_levels(const struct picture_input *in, double ret[SG_FRAUD_DAY_KINDS])
{
    double sum[SG_FRAUD_DAY_KINDS] = {0}, n[SG_FRAUD_DAY_KINDS] = {0};
    for (uint32_t i = in->reference; i < in->reference + in->n_reference; i++) {
        const enum sg_fraud_day_kind kind = sg_fraud_day_kind_of(in->days->weekday[i]);
        sum[kind] += sum_of(sg_fraud_days_row(in->days, i), in->days->points);
        n[kind]++;
    }
    const double all = (sum[0] + sum[1]) / fmax(1, n[0] + n[1]);
    for (int kind = 0; kind < SG_FRAUD_DAY_KINDS; kind++)
        ret[kind] = n[kind] > 0 ? sum[kind] / n[kind] : all;
}

static void fill_days(struct picture *p, const struct picture_input *in)
{
    const struct sg_fraud_days *d = in->days;
    const uint32_t end = in->recent + in->n_recent;
    const uint32_t first = end > PICTURE_DAYS ? end - PICTURE_DAYS : 0;
    double levels[SG_FRAUD_DAY_KINDS];
    regular_levels(in, levels);
    p->n_days = 0;
    for (uint32_t i = first > in->reference ? first : in->reference; i < end; i++) {
        p->day[p->n_days] = d->day[i];
        p->level[p->n_days] = (float)sum_of(sg_fraud_days_row(d, i), d->points);
        p->expected[p->n_days++] = (float)levels[sg_fraud_day_kind_of(d->weekday[i])];
    }
}

/* The step of level over expected that leaves least squares, if it is one to speak of. */
static void find_change(struct picture *p)
{
    double before = 0, after = 0, best = 0;
    const uint32_t n = p->n_days;
    for (uint32_t i = 0; i < n; i++)
        after += (double)p->level[i] - (double)p->expected[i];
    for (uint32_t i = 1; i < n; i++) {
        const double left = i, right = n - i;
        const double one = (double)p->level[i - 1] - (double)p->expected[i - 1];
        before += one;
        after -= one;
        const double step = after / right - before / left;
        const double gain = step * step * left * right;
        if (right >= 3 && left >= 3 && gain > best) {
            best = gain;
            p->change_day =
                fabs(step) > NO_CHANGE * (double)p->expected[i] ? p->day[i] : SG_FRAUD_NO_DAY;
        }
    }
}

/* ---- mode full ----------------------------------------------------------------------------- */

static void take_full(struct picture *p, const struct picture_input *in)
{
    struct sg_full_picture seen;
    sg_full_judge_picture(in->full, in->days, in->context, &seen);
    memcpy(p->regular, seen.regular, sizeof(p->regular));
    memcpy(p->recent, seen.recent, sizeof(p->recent));
    memcpy(p->low, seen.low, sizeof(p->low));
    memcpy(p->high, seen.high, sizeof(p->high));
    p->points = seen.points;
    p->n_days = seen.n_days;
    p->first_recent = seen.first_recent;
    p->change_day = in->change_day;
    for (uint32_t i = 0; i < seen.n_days; i++) {
        p->day[i] = seen.day[i];
        p->level[i] = seen.level[i] * (float)seen.points;
        p->expected[i] = seen.expected[i] * (float)seen.points;
    }
}

/* ---- what is missing ----------------------------------------------------------------------- */

static void fill_missing(struct picture *p, const struct picture_input *in)
{
    double levels[SG_FRAUD_DAY_KINDS], missing = 0, n = 0;
    p->missing_since = p->change_day != SG_FRAUD_NO_DAY ? p->change_day : p->first_recent;
    for (uint32_t i = 0; i < p->n_days; i++)
        if (p->day[i] >= p->missing_since && isfinite(p->expected[i])) {
            missing += (double)p->expected[i] - (double)p->level[i];
            n++;
        }
    regular_levels(in, levels);
    p->regular_day = (5 * levels[SG_FRAUD_WORKDAY] + 2 * levels[SG_FRAUD_WEEKEND]) / 7;
    p->missing_day = n > 0 ? missing / n : 0;
}

static void shift_days(struct picture *p, int32_t shift)
{
    for (uint32_t i = 0; i < p->n_days; i++)
        p->day[i] += shift;
    p->first_recent += shift;
    p->missing_since += shift;
    if (p->change_day != SG_FRAUD_NO_DAY)
        p->change_day += shift;
    p->last_day = p->n_days ? p->day[p->n_days - 1] : p->first_recent;
}

void picture_fill(struct picture *p, const struct picture_input *in)
{
    static const struct sg_fraud_context none = SG_FRAUD_CONTEXT_NONE;
    p->context = in->context ? *in->context : none;
    p->change_day = SG_FRAUD_NO_DAY;
    p->first_recent = in->days->day[in->recent];
    if (in->full) {
        take_full(p, in);
    } else {
        fill_band(p, in);
        fill_days(p, in);
        find_change(p);
    }
    fill_missing(p, in);
    if (in->full)
        p->missing_day = in->missing_day;
    shift_days(p, in->shift);
}
