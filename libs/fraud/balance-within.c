#include "balance-int.h"

#include <math.h>
#include <string.h>

/* Below that many intervals a day its level is all that there is. */
#define DAY_LEAST 12

/* Takes out of the days of first..end-1 the mean of each slot; kinds: weekends by themselves. */
static void less_slots(const struct balance_data *d, float *x, size_t first, size_t end, bool kinds)
{
    const size_t per_day = d->in->per_day;
    double n[BALANCE_SLOTS_MAX] = {0}, sum[BALANCE_SLOTS_MAX] = {0};
    for (size_t day = first; day < end; day += per_day) {
        const size_t slot = kinds ? balance_slot(d->in, day) : 0;
        for (size_t k = 0; k < per_day && day + k < end; k++)
            if (!isnan(d->left[day + k])) {
                n[slot + k]++;
                sum[slot + k] += (double)x[day + k];
            }
    }
    for (size_t slot = 0; slot < BALANCE_SLOTS_MAX; slot++)
        sum[slot] = n[slot] > 0 ? sum[slot] / n[slot] : 0;
    for (size_t day = first; day < end; day += per_day) {
        const size_t slot = kinds ? balance_slot(d->in, day) : 0;
        for (size_t k = 0; k < per_day && day + k < end; k++)
            x[day + k] -= (float)sum[slot + k];
    }
}

static void less_days(const struct balance_data *d, float *x)
{
    const size_t per_day = d->in->per_day, n = d->in->n_intervals;
    for (size_t day = 0; day < n; day += per_day) {
        double sum = 0, count = 0;
        const size_t end = day + per_day < n ? day + per_day : n;
        for (size_t t = day; t < end; t++)
            if (!isnan(d->left[t])) {
                sum += (double)x[t];
                count++;
            }
        const float mean = count > 0 ? (float)(sum / count) : 0;
        for (size_t t = day; t < end; t++)
            x[t] -= mean;
    }
}

void balance_within(const struct balance_data *d, float *series)
{
    const struct sg_balance_input *in = d->in;
    for (size_t t = 0; t < in->n_intervals; t++)
        if (isnan(d->left[t]))
            series[t] = 0;
    less_slots(d, series, 0, in->n_past, true);
    less_slots(d, series, in->n_past, in->n_intervals, true);
    for (size_t part = 1; part < d->parts; part++)
        less_slots(d, series, balance_part_begins(d, part), balance_part_begins(d, part + 1),
                   false);
    if (in->per_day >= DAY_LEAST)
        less_days(d, series);
    for (size_t t = 0; t < in->n_intervals; t++)
        if (isnan(d->left[t]))
            series[t] = 0;
}
