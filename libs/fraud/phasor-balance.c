/*
 * phasor-balance - currents of the elements against each other and against their own past: a
 * by-pass takes the same share of a phase at every hour, while a new or a vanished load does not.
 */
#include "phasor-int.h"

/* How far a level wanders from month to month without meaning anything. */
#define LEVEL_NOISE 0.08
/* A by-pass leaves some current to the meter; less is an open or shorted current circuit. */
#define NEARLY_ALL 0.88

static double mean_current(const struct phasor_cell *c)
{
    return c->n > 0 ? c->i / c->n : NAN;
}

/* Mean current of the elements `mask` over that of `base`, first..end-1. */
static double odds(const struct sg_phasor *p, uint32_t first, uint32_t end, int quarter,
                   unsigned mask, unsigned base)
{
    const struct phasor_cell a = phasor_sum(p, first, end, quarter, mask);
    const struct phasor_cell b = phasor_sum(p, first, end, quarter, base);
    return phasor_ratio(mean_current(&a), mean_current(&b));
}

static double level(const struct sg_phasor *p, uint32_t from, int quarter, unsigned mask)
{
    const struct phasor_cell now = phasor_sum(p, from, p->n_days, quarter, mask);
    const struct phasor_cell past = phasor_sum(p, 0, p->n_past, quarter, mask);
    return phasor_ratio(mean_current(&now), mean_current(&past));
}

/* Share of the past's current that fell into the quarter. */
static double weight_of(const struct sg_phasor *p, int quarter, unsigned mask)
{
    return phasor_ratio(phasor_sum(p, 0, p->n_past, quarter, mask).i,
                        phasor_sum(p, 0, p->n_past, -1, mask).i);
}

/* Did these fall, or did the others rise?  1: fell, or cannot be said; 0: the others rose. */
static double fell(double level_these, double level_others)
{
    const double noise = LEVEL_NOISE * LEVEL_NOISE;
    const double these = (level_these - 1) * (level_these - 1) + noise;
    const double others = (level_others - 1) * (level_others - 1) + noise;
    return fmin(1, 1.6 * these / (these + others));
}

static void set_odds(struct sg_phasor *p, unsigned mask, unsigned base)
{
    for (uint32_t d = 0; d < p->n_days; d++)
        p->x[d] = odds(p, d, d + 1, -1, mask, base);
}

static bool one_bypass(struct sg_phasor *p, unsigned mask, struct phasor_claim *ret)
{
    const unsigned base = p->elements & ~mask;
    struct phasor_step step;
    set_odds(p, mask, base);
    if (!phasor_step_of(p, -1, &step) || !(step.past > 0))
        return false;
    const double size = 1 - step.after / step.past;
    double least = size;
    for (int b = 0; b < PHASOR_QUARTERS; b++) {
        const double past = odds(p, 0, p->n_past, b, mask, base);
        const double now = odds(p, step.from, p->n_days, b, mask, base);
        if (weight_of(p, b, mask) >= 0.08 && past > 0)
            least = fmin(least, 1.5 * (1 - now / past));
    }
    const struct phasor_cell now = phasor_sum(p, step.from, p->n_days, -1, mask);
    const double line = phasor_line_says(p, step.from, mask, size);
    const double by_level = fell(level(p, step.from, -1, mask), level(p, step.from, -1, base));
    const double agreed = least * by_level;
    const double kept = fmax(1 - size, 0.02);
    *ret = (struct phasor_claim){
        .rule = SG_PHASOR_BYPASS,
        .elements = mask,
        .from = step.from,
        .share = 1,
        .size = size,
        .strength = (1 + line) * phasor_strength(SG_PHASOR_BYPASS, agreed, step.z),
        .kwh_per_day = now.p / fmax(now.n, 1) * (mask == 3 || mask == 5 || mask == 6 ? 2 : 1) *
                       (1 / kept - 1) * 24 / 1000 * p->config.ratio};
    return true;
}

static void bypass(struct sg_phasor *p)
{
    struct phasor_claim best = {.strength = 0}, c;
    for (unsigned mask = 1; mask < 7; mask++)
        if ((mask & p->elements) == mask && mask != p->elements && one_bypass(p, mask, &c) &&
            c.strength > best.strength)
            best = c;
    if (best.size > NEARLY_ALL)
        best.rule = SG_PHASOR_CURRENT_LOST;
    phasor_claim(p, &best);
}

/* Mean current of a day over that of the past's days of the week's same half. */
static void set_levels(struct sg_phasor *p)
{
    double sum[2] = {0}, n[2] = {0};
    for (uint32_t d = 0; d < p->n_days; d++) {
        const struct phasor_cell c = phasor_sum(p, d, d + 1, -1, p->elements);
        p->x[d] = mean_current(&c);
        if (d >= p->n_past || isnan(p->x[d]))
            continue;
        const bool weekend = (p->day[d].day + 3) % PHASOR_WEEK >= 5;
        sum[weekend] += p->x[d];
        n[weekend]++;
    }
    for (uint32_t d = 0; d < p->n_days; d++) {
        const bool weekend = (p->day[d].day + 3) % PHASOR_WEEK >= 5;
        p->x[d] = phasor_ratio(p->x[d] * n[weekend], sum[weekend]);
    }
}

/* Standard deviation over elements and quarters of the day of what is left of the current, relative
 * to its mean. */
static double unlike(const struct sg_phasor *p, uint32_t from)
{
    double n = 0, sum = 0, squares = 0;
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++)
        for (int b = 0; b < PHASOR_QUARTERS && p->elements >> k & 1; b++) {
            const double left = level(p, from, b, 1u << k);
            if (isnan(left) || weight_of(p, b, 1u << k) < 0.08)
                continue;
            n++;
            sum += left;
            squares += left * left;
        }
    if (n < 2 || !(sum > 0))
        return INFINITY;
    return sqrt(fmax(squares - sum * sum / n, 0) / (n - 1)) / (sum / n);
}

/* Of any element in any quarter. */
static double least_fall(const struct sg_phasor *p, uint32_t from)
{
    double least = 1;
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++)
        for (int b = 0; b < PHASOR_QUARTERS && p->elements >> k & 1; b++)
            if (weight_of(p, b, 1u << k) >= 0.08)
                least = fmin(least, 1 - level(p, from, b, 1u << k));
    return least;
}

/* All elements, at all hours, by one factor, for good: people who leave keep their base load. */
static void bypass_all(struct sg_phasor *p)
{
    struct phasor_step step;
    set_levels(p);
    if (!phasor_step_of(p, -1, &step) || !(step.past > 0))
        return;
    const double size = 1 - step.after / step.past;
    const double line = phasor_line_says(p, step.from, p->elements, size);
    const double alike = fmin(fmax(1.5 - unlike(p, step.from) / 0.2, fmax(line, 0)), 1);
    const double agreed = fmin(size, fmax(2 * least_fall(p, step.from), 0)) * alike;
    const struct phasor_cell now = phasor_sum(p, step.from, p->n_days, -1, p->elements);
    const double kept = fmax(1 - size, 0.02);
    phasor_claim(p,
                 &(struct phasor_claim){
                     .rule = SG_PHASOR_BYPASS_ALL,
                     .elements = p->elements,
                     .from = step.from,
                     .share = 1,
                     .size = size,
                     .strength = (1 + line) * phasor_strength(SG_PHASOR_BYPASS_ALL, agreed, step.z),
                     .kwh_per_day = now.p / fmax(now.n, 1) * 3 * (1 / kept - 1) * 24 / 1000 *
                                    p->config.ratio});
}

void phasor_rules_balance(struct sg_phasor *p)
{
    if (p->n_past == 0 || (p->elements & (p->elements - 1)) == 0)
        return;
    bypass(p);
    bypass_all(p);
}
