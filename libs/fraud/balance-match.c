#include "balance-int.h"

#include <math.h>
#include <stdlib.h>

#define WEIGHT_LEAST     0.6
#define WEIGHT_MOST      1.4
#define DEVIATIONS_LEAST 6.0

static double product(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t t = 0; t < n; t++)
        sum += (double)a[t] * (double)b[t];
    return sum;
}

/* Days being the witnesses, as in balance-share.c. */
static double deviations_of(const struct sg_balance_input *in, const float *x, const float *y,
                            double weight)
{
    double all = 0, noise = 0;
    for (size_t day = 0; day < in->n_intervals; day += in->per_day) {
        const size_t left = in->n_intervals - day, n = left < in->per_day ? left : in->per_day;
        const double xx = product(x + day, x + day, n);
        const double with = product(x + day, y + day, n) - weight * xx;
        all += xx;
        noise += with * with;
    }
    return noise > 0 ? weight * all / sqrt(noise) : 0;
}

int sg_balance_match(const struct sg_balance_input *in, const float *rest, const float *load,
                     struct sg_balance_match *ret)
{
    const size_t n = in->n_intervals;
    if (!balance_input_is_valid(in))
        return sg_raise(-EINVAL);
    SG_FREE float *left = malloc(n * sizeof(*left)), *x = malloc(n * sizeof(*x)),
                  *y = malloc(n * sizeof(*y));
    if (!left || !x || !y)
        return sg_raise(-ENOMEM);
    for (size_t t = 0; t < n; t++) {
        left[t] = isnan(load[t]) ? NAN : rest[t];
        x[t] = isnan(left[t]) ? 0 : load[t];
        y[t] = isnan(left[t]) ? 0 : rest[t];
    }
    struct balance_data d = {.in = in, .left = left};
    balance_data_part(&d);
    balance_within(&d, x);
    balance_within(&d, y);
    const double xx = product(x, x, n), weight = xx > 0 ? product(x, y, n) / xx : 0;
    *ret =
        (struct sg_balance_match){.weight = weight, .deviations = deviations_of(in, x, y, weight)};
    ret->fits =
        weight >= WEIGHT_LEAST && weight <= WEIGHT_MOST && ret->deviations >= DEVIATIONS_LEAST;
    return 0;
}
