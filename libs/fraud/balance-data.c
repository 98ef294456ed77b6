#include "balance-int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_INTERVALS 48
#define MISSING_MOST    0.2 /* of the judged intervals */
#define GUESSED_MOST    0.2 /* of the customers, in one interval */
#define PAST_LEAST      7   /* days */
#define PART_LEAST      4   /* days */
/* A clock is set right where the steps of the transformer go with those of its customers better by
 * that much of correlation, looked for this many intervals either way. */
#define SHIFT_MOST 4
#define SHIFT_GAIN 0.1

size_t balance_slot(const struct sg_balance_input *in, size_t t)
{
    const size_t day = t / in->per_day;
    return ((in->weekday + day) % 7 >= 5 ? in->per_day : 0) + t % in->per_day;
}

size_t balance_part_begins(const struct balance_data *d, size_t part)
{
    const size_t past = d->in->n_past / d->in->per_day, starts = d->parts - 1;
    if (part == 0)
        return 0;
    /* Rounded up: the first day of which a part's share has begun. */
    const size_t day = past + ((part - 1) * (d->days - past) + starts - 1) / starts;
    return day < d->days ? day * d->in->per_day : d->in->n_intervals;
}

static const float *row_of(const struct sg_balance_input *in, size_t j)
{
    return in->customer + j * in->n_intervals;
}

float balance_load(const struct balance_data *d, size_t j, size_t t)
{
    const float c = row_of(d->in, j)[t];
    if (!d->used[j] || !isnan(c))
        return d->used[j] ? c : 0;
    const float *usual = t < d->in->n_past ? d->then : d->usual;
    const float fill = usual[j * 2 * d->in->per_day + balance_slot(d->in, t)];
    return isnan(fill) ? 0 : fill;
}

/* ---- what is usual -------------------------------------------------------------------------- */

/* Mean by slot of intervals first..end-1; NAN where fewer than two are there. */
static void learn_usual(const struct sg_balance_input *in, size_t j, size_t first, size_t end,
                        float *ret)
{
    double n[BALANCE_SLOTS_MAX] = {0}, sum[BALANCE_SLOTS_MAX] = {0};
    const float *row = row_of(in, j);
    for (size_t day = first; day < end; day += in->per_day)
        for (size_t k = 0, slot = balance_slot(in, day); k < in->per_day && day + k < end; k++)
            if (!isnan(row[day + k])) {
                n[slot + k]++;
                sum[slot + k] += (double)row[day + k];
            }
    for (size_t slot = 0; slot < 2 * (size_t)in->per_day; slot++)
        ret[slot] = n[slot] >= 2 ? (float)(sum[slot] / n[slot]) : NAN;
}

static void choose_customers(struct balance_data *d)
{
    const struct sg_balance_input *in = d->in;
    for (size_t j = 0; j < in->n_customers; j++) {
        size_t missing = 0;
        for (size_t t = in->n_past; t < in->n_intervals; t++)
            missing += isnan(row_of(in, j)[t]) != 0;
        d->used[j] = (double)missing <= MISSING_MOST * (double)(in->n_intervals - in->n_past);
        learn_usual(in, j, 0, in->n_past, d->then + j * 2 * in->per_day);
        learn_usual(in, j, in->n_past, in->n_intervals, d->usual + j * 2 * in->per_day);
    }
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* Sum of the customers at t, NAN where too many of them are guessed. */
static float sum_at(const struct balance_data *d, size_t t)
{
    const struct sg_balance_input *in = d->in;
    const size_t slot = balance_slot(in, t);
    double sum = 0;
    size_t guessed = 0;
    for (size_t j = 0; j < in->n_customers; j++) {
        if (!d->used[j])
            continue;
        if (isnan(row_of(in, j)[t])) {
            guessed++;
            if (t >= in->n_past && isnan(d->usual[j * 2 * in->per_day + slot]))
                return NAN;
        }
        sum += (double)balance_load(d, j, t);
    }
    return (double)guessed <= GUESSED_MOST * (double)in->n_customers ? (float)sum : NAN;
}

/* A reading of more than twice what customers draw beyond what is usual there is none. */
static bool is_wild(const struct balance_data *d, size_t t, double mean_sum, double mean_left)
{
    const double left = (double)(d->of[t] - d->sum[t]) - mean_left;
    return fabs(left) > fabs(mean_left) + (double)d->sum[t] + mean_sum;
}

static void make_left(struct balance_data *d)
{
    const struct sg_balance_input *in = d->in;
    double n = 0, sum = 0, of = 0;
    for (size_t t = 0; t < in->n_intervals; t++)
        if (!isnan(d->of[t]) && !isnan(d->sum[t])) {
            n++;
            sum += (double)d->sum[t];
            of += (double)d->of[t];
        }
    d->rows = d->judged = d->lacking = 0;
    for (size_t t = 0; t < in->n_intervals; t++) {
        const bool counts = n > 0 && t >= balance_part_begins(d, d->first_part) &&
                            !isnan(d->of[t]) && !isnan(d->sum[t]) &&
                            !is_wild(d, t, sum / n, (of - sum) / n);
        d->left[t] = counts ? d->of[t] - d->sum[t] : NAN;
        d->rows += counts;
        d->judged += counts && t >= in->n_past;
        d->lacking += t >= in->n_past && isnan(d->of[t]);
    }
}

/* ---- clock ---------------------------------------------------------------------------------- */

/* Correlation of the steps of the transformer, `late` intervals on, with those of its customers. */
static double steps_agree(const struct balance_data *d, int late)
{
    const size_t n = d->in->n_intervals, margin = SHIFT_MOST + 1;
    double sxx = 0, syy = 0, sxy = 0;
    for (size_t t = d->in->n_past + margin; t + margin < n; t++) {
        const size_t at = (size_t)((ptrdiff_t)t + late);
        const double x = (double)(d->sum[t] - d->sum[t - 1]),
                     y = (double)(d->in->transformer[at] - d->in->transformer[at - 1]);
        if (isnan(x) || isnan(y))
            continue;
        sxx += x * x;
        syy += y * y;
        sxy += x * y;
    }
    return sxx > 0 && syy > 0 ? sxy / sqrt(sxx * syy) : 0;
}

static void set_clock(struct balance_data *d)
{
    const size_t n = d->in->n_intervals;
    double best = steps_agree(d, 0) + SHIFT_GAIN;
    d->shift = 0;
    for (int late = -SHIFT_MOST; late <= SHIFT_MOST; late++) {
        const double is = late ? steps_agree(d, late) : 0;
        if (is > best) {
            best = is;
            d->shift = late;
        }
    }
    for (size_t t = 0; t < n; t++) {
        const ptrdiff_t at = (ptrdiff_t)t + d->shift;
        d->of[t] = at >= 0 && at < (ptrdiff_t)n ? d->in->transformer[at] : NAN;
    }
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int data_init(struct balance_data *d)
{
    const size_t n = d->in->n_customers, slots = 2 * (size_t)d->in->per_day;
    d->used = calloc(n, sizeof(*d->used));
    d->then = calloc(n * slots, sizeof(*d->then));
    d->usual = calloc(n * slots, sizeof(*d->usual));
    d->of = calloc(d->in->n_intervals, sizeof(*d->of));
    d->sum = calloc(d->in->n_intervals, sizeof(*d->sum));
    d->left = calloc(d->in->n_intervals, sizeof(*d->left));
    return d->used && d->then && d->usual && d->of && d->sum && d->left ? 0 : sg_raise(-ENOMEM);
}

void balance_data_part(struct balance_data *d)
{
    const struct sg_balance_input *in = d->in;
    const size_t past = in->n_past / in->per_day;
    d->days = (in->n_intervals + in->per_day - 1) / in->per_day;
    const size_t starts = (d->days - past) / PART_LEAST;
    d->parts = 1 + (starts < 1 ? 1 : starts > BALANCE_STARTS_MAX ? BALANCE_STARTS_MAX : starts);
    d->first_part = past < PAST_LEAST;
}

int balance_data_make(struct balance_data *ret, const struct sg_balance_input *in)
{
    struct balance_data *d = ret;
    *d = (struct balance_data){.in = in};
    int r = data_init(d);
    if (r)
        return r;
    balance_data_part(d);
    choose_customers(d);
    for (size_t t = 0; t < in->n_intervals; t++)
        d->sum[t] = sum_at(d, t);
    set_clock(d);
    make_left(d);
    return d->judged < LEAST_INTERVALS || d->judged < 2 * in->n_customers ? SG_BALANCE_TOO_FEW : 0;
}

void balance_data_clear(struct balance_data *d)
{
    free(d->used);
    free(d->then);
    free(d->usual);
    free(d->of);
    free(d->sum);
    free(d->left);
    *d = (struct balance_data){.in = NULL};
}
