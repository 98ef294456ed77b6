#include "theft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HOURS = WINDOW_HOURS, START = WINDOW_REFERENCE };

double draw_share(struct draw *d)
{
    uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

double draw_within(struct draw *d, double from, double to)
{
    return from + (to - from) * draw_share(d);
}

int draw_one_of(struct draw *d, int from, int to)
{
    return from + (int)(draw_share(d) * (to - from + 1));
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Mean and 99 % quantile of an hour in the reference. */
static void measure(const struct window *w, double *ret_mean, double *ret_peak)
{
    static float v[WINDOW_REFERENCE * WINDOW_HOURS];
    const size_t n = sizeof(v) / sizeof(v[0]);
    double sum = 0;
    memcpy(v, w->load, sizeof(v));
    for (size_t i = 0; i < n; i++)
        sum += (double)v[i];
    qsort(v, n, sizeof(v[0]), by_value);
    *ret_mean = sum / (double)n;
    *ret_peak = (double)v[n * 99 / 100];
}

static double mean_of(const float *x)
{
    double sum = 0;
    for (int h = 0; h < HOURS; h++)
        sum += (double)x[h];
    return sum / HOURS;
}

void window_put(float *row, const double *x)
{
    for (int h = 0; h < HOURS; h++)
        row[h] = (float)(floor((x[h] > 0 ? x[h] : 0) * 10 + 0.5) / 10);
}

/* ---- published forms ------------------------------------------------------------------------- */

struct parameters {
    double share, cap, amount;
    int from, to;
};

static double reported(int type, const struct parameters *p, const float *x, double mean, int h,
                       struct draw *d)
{
    switch (type) {
    case 1:
        return (double)x[h] * p->share;
    case 2:
        return h >= p->from && h < p->to ? 0 : (double)x[h];
    case 3:
        return (double)x[h] * draw_within(d, 0.1, 0.8);
    case 4:
        return mean * draw_within(d, 0.1, 0.8);
    case 5:
        return mean;
    case 6:
        return (double)x[HOURS - 1 - h];
    case 7:
        return fmin((double)x[h], p->cap);
    default:
        return (double)x[h] - p->amount;
    }
}

int theft_do(struct window *w, int type, struct draw *d)
{
    const int start = draw_one_of(d, START, START + 9);
    double mean, peak;
    measure(w, &mean, &peak);
    struct parameters p = {.share = draw_within(d, 0.1, 0.8),
                           .cap = draw_within(d, 0.3, 0.7) * peak,
                           .amount = draw_within(d, 0.3, 0.8) * mean,
                           .from = draw_one_of(d, 0, 19)};
    p.to = draw_one_of(d, p.from + 4, HOURS);
    for (int day = start; day < WINDOW_DAYS; day++) {
        double x[HOURS];
        for (int h = 0; h < HOURS; h++)
            x[h] = reported(type, &p, w->load[day], mean_of(w->load[day]), h, d);
        window_put(w->load[day], x);
    }
    return start;
}

/* ---- harder ones ----------------------------------------------------------------------------- */

static double reported_hard(int type, const struct parameters *p, const float *x, double mean,
                            int h, struct draw *d)
{
    const double load = (double)x[h];
    switch (type) {
    case 2:
        return h >= p->from && h < p->to ? load * p->share : load;
    case 3:
        return load * draw_within(d, 0.5, 1);
    case 4:
        return mean * draw_within(d, 0.6, 1.4);
    case 5:
        return (load + mean) / 2;
    case 6:
        return (load + (double)x[HOURS - 1 - h]) / 2;
    case 7:
        return fmin(load, p->cap);
    case 8:
        return load - p->amount;
    default:
        return load * p->share;
    }
}

int theft_do_hard(struct window *w, int type, struct draw *d)
{
    const int start = draw_one_of(d, START, START + 15);
    double mean, peak;
    measure(w, &mean, &peak);
    struct parameters p = {.share = type == 1   ? draw_within(d, 0.7, 0.92)
                                    : type == 2 ? draw_within(d, 0, 0.5)
                                                : draw_within(d, 0.2, 0.6),
                           .cap = draw_within(d, 0.65, 0.9) * peak,
                           .amount = draw_within(d, 0.1, 0.35) * mean,
                           .from = draw_one_of(d, 0, 20)};
    p.to = p.from + draw_one_of(d, 2, 3);
    for (int day = start; day < WINDOW_DAYS; day++) {
        double x[HOURS];
        if (type == 9 && draw_share(d) < 0.5) /* on some days only */
            continue;
        if (type == 10) /* slowly to a half */
            p.share = 1 - 0.5 * (day - start) / (WINDOW_DAYS - 1 - start);
        for (int h = 0; h < HOURS; h++)
            x[h] = reported_hard(type, &p, w->load[day], mean_of(w->load[day]), h, d);
        window_put(w->load[day], x);
    }
    return start;
}
