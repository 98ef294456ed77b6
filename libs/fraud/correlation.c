#include <sealgrid/fraud/correlation.h>

#include "kernel-int.h"

#include <math.h>
#include <string.h>

/* First index whose day is not before `day`. */
static uint32_t lower_bound(const struct sg_fraud_days *d, int64_t day)
{
    uint32_t from = 0, to = d->n_days;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (d->day[middle] < day)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

uint32_t sg_corr_find(const struct sg_fraud_days *d, struct sg_corr_window w, uint32_t *ret_first)
{
    uint32_t first = lower_bound(d, w.first);
    uint32_t end = lower_bound(d, (int64_t)w.last + 1);
    *ret_first = first;
    return end > first ? end - first : 0;
}

static void profile_finish(struct sg_corr_profile *p, const struct sg_fraud_kernel *kernel)
{
    for (unsigned k = 0; k < SG_FRAUD_DAY_KINDS; k++) {
        if (p->n_days[k] == 0)
            continue;
        /* r does not mind the scale, so the sum does for the mean. */
        p->varies[k] = kernel->unit(p->mean[k], p->unit[k], p->points);
        for (uint32_t i = 0; i < p->points; i++)
            p->mean[k][i] /= p->n_days[k];
    }
}

int sg_corr_profile_of(const struct sg_fraud_days *d, struct sg_corr_window reference,
                       const struct sg_fraud_kernel *kernel, struct sg_corr_profile *ret)
{
    uint32_t first, n = sg_corr_find(d, reference, &first);
    if (n == 0)
        return SG_CORR_NO_REFERENCE;
    kernel = sg_fraud_kernel_or_best(kernel);
    *ret = (struct sg_corr_profile){.points = d->points};
    for (uint32_t i = first; i < first + n; i++) {
        unsigned kind = sg_fraud_day_kind_of(d->weekday[i]);
        kernel->add_row(ret->mean[kind], sg_fraud_days_row(d, i), d->points);
        ret->n_days[kind]++;
    }
    profile_finish(ret, kernel);
    return 0;
}

void sg_corr_profile_set(struct sg_corr_profile *p, enum sg_fraud_day_kind kind,
                         const float *values, const struct sg_fraud_kernel *kernel)
{
    for (uint32_t i = 0; i < p->points; i++)
        p->mean[kind][i] = (double)values[i];
    p->n_days[kind] = 1;
    p->varies[kind] =
        sg_fraud_kernel_or_best(kernel)->unit(p->mean[kind], p->unit[kind], p->points);
}

void sg_corr_rows(const struct sg_corr_profile *p, const struct sg_fraud_days *d, uint32_t first,
                  uint32_t n, const struct sg_fraud_kernel *kernel, double *ret_r)
{
    sg_assert(p->points == d->points && first <= d->n_days && n <= d->n_days - first);
    kernel = sg_fraud_kernel_or_best(kernel);
    for (uint32_t i = 0; i < n; i++) {
        unsigned kind = sg_fraud_day_kind_of(d->weekday[first + i]);
        if (p->n_days[kind] == 0)
            ret_r[i] = (double)NAN;
        else if (!p->varies[kind])
            ret_r[i] = 0;
        else
            ret_r[i] = kernel->correlate(sg_fraud_days_row(d, first + i), p->unit[kind], p->points);
    }
}

/* 1 - median of those of the n values, from the last backwards, that are numbers; at most `most`.
 */
static int score_of(double *r, uint32_t n, uint32_t most, double *ret_score)
{
    double judged[SG_FRAUD_DAYS_MAX];
    uint32_t n_judged = 0;
    while (n-- > 0 && n_judged < most)
        if (!isnan(r[n]))
            judged[n_judged++] = r[n];
    if (n_judged == 0)
        return SG_CORR_NO_TEST;
    *ret_score = 1 - sg_corr_median(judged, n_judged);
    return 0;
}

int sg_corr_score(const struct sg_fraud_days *d, const struct sg_corr_windows *w,
                  const struct sg_fraud_kernel *kernel, double *ret_score)
{
    struct sg_corr_profile profile;
    double r[SG_FRAUD_DAYS_MAX];
    int outcome = sg_corr_profile_of(d, w->reference, kernel, &profile);
    if (outcome)
        return outcome;
    uint32_t first, n = sg_corr_find(d, w->test, &first);
    sg_corr_rows(&profile, d, first, n, kernel, r);
    return score_of(r, n, n, ret_score);
}

/* --- sliding ------------------------------------------------------------------------------ */

/* The reference of one kind of day: the sum over the days at `out` up to, not including, `in`. */
struct slide {
    _Alignas(64) double sum[SG_FRAUD_POINTS_MAX];
    uint32_t in, out; /* indices; days of the other kind between them do not count */
    uint32_t n;
};

/* 1.5 * 2^52 * g, of which adding and subtracting rounds to a multiple of g; see the header. */
static double magic_of(const struct sg_fraud_days *d, const struct sg_fraud_kernel *kernel)
{
    float max = kernel->largest(d->load, (size_t)d->n_days * d->points);
    int e;
    (void)frexpf(max, &e); /* max < 2^e, or 0 and e = 0 */
    return ldexp(1.5, 52 + e - 40);
}

static uint32_t next_of_kind(const struct sg_fraud_days *d, unsigned kind, uint32_t i)
{
    while (i < d->n_days && sg_fraud_day_kind_of(d->weekday[i]) != kind)
        i++;
    return i;
}

/* Takes in all days of the kind up to `last`, and drops the oldest beyond N. */
static void slide_to(struct slide *w, const struct sg_fraud_days *d, unsigned kind, int64_t last,
                     uint32_t most, double magic, const struct sg_fraud_kernel *kernel)
{
    for (;;) {
        w->in = next_of_kind(d, kind, w->in);
        if (w->in == d->n_days || d->day[w->in] > last)
            return;
        const float *out = NULL;
        if (w->n == most) {
            w->out = next_of_kind(d, kind, w->out);
            out = sg_fraud_days_row(d, w->out++);
        } else {
            w->n++;
        }
        kernel->slide(w->sum, sg_fraud_days_row(d, w->in++), out, magic, d->points);
    }
}

void sg_corr_slide(const struct sg_fraud_days *d, const struct sg_corr_sliding *s,
                   const struct sg_fraud_kernel *kernel, double *ret_r)
{
    sg_assert(s->reference_days >= 1 && s->reference_days <= SG_FRAUD_DAYS_MAX);
    sg_assert(s->least_days >= 1 && s->least_days <= s->reference_days);
    struct slide window[SG_FRAUD_DAY_KINDS] = {0};
    double unit[SG_FRAUD_POINTS_MAX];
    kernel = sg_fraud_kernel_or_best(kernel);
    double magic = magic_of(d, kernel);
    for (uint32_t i = 0; i < d->n_days; i++) {
        unsigned kind = sg_fraud_day_kind_of(d->weekday[i]);
        struct slide *w = &window[kind];
        slide_to(w, d, kind, (int64_t)d->day[i] - 1 - s->lag_days, s->reference_days, magic,
                 kernel);
        if (w->n < s->least_days)
            ret_r[i] = (double)NAN;
        else if (!kernel->unit(w->sum, unit, d->points))
            ret_r[i] = 0;
        else
            ret_r[i] = kernel->correlate(sg_fraud_days_row(d, i), unit, d->points);
    }
}

int sg_corr_sliding_score(const struct sg_fraud_days *d, const struct sg_corr_sliding *s,
                          const struct sg_fraud_kernel *kernel, double *ret_r, double *ret_score)
{
    sg_corr_slide(d, s, kernel, ret_r);
    return score_of(ret_r, d->n_days, s->recent_days, ret_score);
}

/* --- median ------------------------------------------------------------------------------- */

/* Hoare's selection: afterwards v[k] is what sorting would put there, none before it is larger,
 * none after it smaller. */
static double select_nth(double *v, uint32_t n, uint32_t k)
{
    int64_t from = 0, to = (int64_t)n - 1;
    while (from < to) {
        double pivot = v[from + (to - from) / 2];
        int64_t i = from, j = to;
        do {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i <= j) {
                double t = v[i];
                v[i++] = v[j];
                v[j--] = t;
            }
        } while (i <= j);
        if (k <= j)
            to = j;
        else if (k >= i)
            from = i;
        else
            break;
    }
    return v[k];
}

double sg_corr_median(double *v, uint32_t n)
{
    sg_assert(n >= 1);
    double upper = select_nth(v, n, n / 2);
    if (n % 2)
        return upper;
    double lower = v[0];
    for (uint32_t i = 1; i < n / 2; i++)
        lower = v[i] > lower ? v[i] : lower;
    return (lower + upper) / 2;
}
