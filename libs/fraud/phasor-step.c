/*
 * phasor-step - did a quantity change for good, how much, since when, and how sure is that?
 */
#include "phasor-int.h"

#include <stdlib.h>

#define LEAST_PAST  5
#define LEAST_AFTER 2
/* A change of so many times its own uncertainty weighs as much as one of the rule's limit. */
#define Z_LIMIT 5.0

const double phasor_limits[SG_PHASOR_N_RULES] = {
#define SG_R(id, name, limit, unit) limit,
    SG_PHASOR_RULES(SG_R)
#undef SG_R
};

const char *const sg_phasor_rule_names[SG_PHASOR_N_RULES] = {
#define SG_R(id, name, limit, unit) name,
    SG_PHASOR_RULES(SG_R)
#undef SG_R
};

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double middle(const double *v, uint32_t n)
{
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Median of x[first..end-1] without NAN; *ret_n of them. */
static double median_of(struct sg_phasor *p, uint32_t first, uint32_t end, uint32_t *ret_n)
{
    uint32_t n = 0;
    for (uint32_t d = first; d < end; d++)
        if (!isnan(p->x[d]))
            p->sorted[n++] = p->x[d];
    *ret_n = n;
    if (n == 0)
        return NAN;
    qsort(p->sorted, n, sizeof(*p->sorted), by_value);
    return middle(p->sorted, n);
}

/* 1.4826 times the median distance from the median: sigma of a normal distribution. */
static double day_sigma(struct sg_phasor *p, double median)
{
    uint32_t n = 0;
    for (uint32_t d = 0; d < p->n_past; d++)
        if (!isnan(p->x[d]))
            p->sorted[n++] = fabs(p->x[d] - median);
    qsort(p->sorted, n, sizeof(*p->sorted), by_value);
    return 1.4826 * middle(p->sorted, n);
}

/* Root mean square distance of the weeks' means from the median: what wanders slowly. */
static double week_sigma(const struct sg_phasor *p, double median, double of_days)
{
    double squares = 0, weeks = 0, sum = 0, n = 0;
    for (uint32_t d = 0; d < p->n_past; d++) {
        if (!isnan(p->x[d])) {
            sum += p->x[d];
            n++;
        }
        if ((d + 1) % PHASOR_WEEK)
            continue;
        if (n >= 3) {
            squares += (sum / n - median) * (sum / n - median);
            weeks++;
        }
        sum = n = 0;
    }
    return weeks >= 4 ? sqrt(squares / (weeks - 1)) : 0.6 * of_days;
}

/* The first day of the days to the end that together lie furthest off: mean times square root of
 * their number (the likelihood of a change of mean, Page 1954). */
static bool find_change(const struct sg_phasor *p, int sign, double past, uint32_t *ret)
{
    double sum = 0, n = 0, best = 0;
    bool found = false;
    for (uint32_t d = p->n_days; d-- > p->n_past;) {
        if (isnan(p->x[d]))
            continue;
        sum += sign * (p->x[d] - past);
        n++;
        if (n >= LEAST_AFTER && (!found || sum / sqrt(n) > best)) {
            best = sum / sqrt(n);
            *ret = d;
            found = true;
        }
    }
    return found;
}

bool phasor_step_of(struct sg_phasor *p, int sign, struct phasor_step *ret)
{
    uint32_t n_past, n_after;
    const double past = median_of(p, 0, p->n_past, &n_past);
    if (n_past < LEAST_PAST || !find_change(p, sign, past, &ret->from))
        return false;
    const double of_days = day_sigma(p, past), of_weeks = week_sigma(p, past, of_days);
    ret->past = past;
    ret->after = median_of(p, ret->from, p->n_days, &n_after);
    /* pi / 2: variance of a median over that of a mean. */
    const double sigma = sqrt(of_weeks * of_weeks + of_days * of_days * 1.571 / n_after + 1e-8);
    ret->z = fmax(sign * (ret->after - past) / sigma, 0);
    return true;
}

double phasor_strength(enum sg_phasor_rule rule, double size, double z)
{
    return fmax(fmin(size / phasor_limits[rule], z / Z_LIMIT), 0);
}
