/*
 * phasor-angle - angle and distortion of an element's power against its own past.
 *
 * A turned angle or a distorted current lowers the power that is measured while the current stays;
 * a capacitor bank that failed, a new drive or lamp raises the current while the power stays.
 */
#include "phasor-int.h"

#define NOISE_OF_ODDS   0.05
#define NOISE_OF_LEVELS 0.10

static double length(double x, double y)
{
    return sqrt(x * x + y * y);
}

/* Sine of the angle from the past's P + jQ to the other's; beyond a right angle +-1, and nearly
 * opposite, where noise alone gives the sine its sign, 1. */
static double turned(const struct phasor_cell *past, const struct phasor_cell *c)
{
    const double of = length(past->p, past->q) * length(c->p, c->q);
    const double sine = phasor_ratio(c->q * past->p - c->p * past->q, of);
    const double cosine = phasor_ratio(c->p * past->p + c->q * past->q, of);
    if (isnan(cosine) || cosine >= 0)
        return sine;
    return sine < 0 && cosine > -0.9 ? -1 : 1;
}

static double distorted(const struct phasor_cell *past, const struct phasor_cell *c)
{
    return 1 - phasor_ratio(phasor_ratio(c->s1, c->s), phasor_ratio(past->s1, past->s));
}

typedef double effect(const struct phasor_cell *past, const struct phasor_cell *c);

/* What all quarters of the day agree on. */
static double agreed(const struct sg_phasor *p, effect *of, uint32_t from, unsigned mask, int sign,
                     double size)
{
    const double all = phasor_sum(p, 0, p->n_past, -1, mask).i;
    double least = size;
    for (int b = 0; b < PHASOR_QUARTERS; b++) {
        const struct phasor_cell past = phasor_sum(p, 0, p->n_past, b, mask);
        const struct phasor_cell now = phasor_sum(p, from, p->n_days, b, mask);
        const double x = sign * of(&past, &now);
        if (past.i >= 0.08 * all && !isnan(x))
            least = fmin(least, 1.5 * x);
    }
    return fmax(least, 0);
}

/* 1: the power fell while the current stayed, or cannot be said; 0: the current rose instead. */
static double power_fell(const struct sg_phasor *p, uint32_t from, unsigned mask, unsigned base)
{
    const struct phasor_cell past = phasor_sum(p, 0, p->n_past, -1, mask);
    const struct phasor_cell now = phasor_sum(p, from, p->n_days, -1, mask);
    double power = phasor_ratio(now.p / now.n, past.p / past.n);
    double current = phasor_ratio(now.i / now.n, past.i / past.n);
    double noise = NOISE_OF_LEVELS * NOISE_OF_LEVELS;
    /* Of an empty house only what is always on is left: another load, with another angle. */
    const double empty = fmin(fmax((current - 0.3) / 0.3, 0), 1);
    if (base) {
        const struct phasor_cell o_past = phasor_sum(p, 0, p->n_past, -1, base);
        const struct phasor_cell o_now = phasor_sum(p, from, p->n_days, -1, base);
        const double others = phasor_ratio(o_now.i / o_now.n, o_past.i / o_past.n);
        power = phasor_ratio(power, others);
        current = phasor_ratio(current, others);
        noise = NOISE_OF_ODDS * NOISE_OF_ODDS;
    }
    if (isnan(power) || isnan(current))
        return 0.5;
    /* A power factor that got better costs nobody anything. */
    if (power > 1.02 * current)
        return 0.3 * empty;
    const double by_power = (1 - power) * (1 - power) + noise;
    const double by_current = (current - 1) * (current - 1) + noise;
    return empty * fmin(1, 1.6 * by_power / (by_power + by_current));
}

static bool each_changed(const struct sg_phasor *p, effect *of, uint32_t from, int sign,
                         double least)
{
    for (unsigned k = 0; k < SG_PHASOR_ELEMENTS; k++) {
        const struct phasor_cell past = phasor_sum(p, 0, p->n_past, -1, 1u << k);
        const struct phasor_cell now = phasor_sum(p, from, p->n_days, -1, 1u << k);
        if ((p->elements >> k & 1) && sign * of(&past, &now) < least)
            return false;
    }
    return true;
}

static double others_changed(const struct sg_phasor *p, effect *of, uint32_t from, unsigned mask)
{
    const unsigned base = p->elements & ~mask;
    const struct phasor_cell past = phasor_sum(p, 0, p->n_past, -1, base);
    const struct phasor_cell now = phasor_sum(p, from, p->n_days, -1, base);
    return base ? of(&past, &now) : NAN;
}

/* The other elements, if they did not change likewise: what they carry tells the load's level. */
static unsigned unchanged(const struct sg_phasor *p, effect *of, uint32_t from, unsigned mask,
                          double size)
{
    return fabs(others_changed(p, of, from, mask)) < 0.35 * size ? p->elements & ~mask : 0;
}

struct spread {
    double n, sum, squares;
};

/* Variance over squared mean, at least that of what is measured so coarsely. */
static double relative(const struct spread *s)
{
    const double mean = s->sum / s->n;
    return 0.0025 + fmax(s->squares / s->n - mean * mean, 0) / (mean * mean);
}

static void spread_add(struct spread *s, double x)
{
    s->n++;
    s->sum += x;
    s->squares += x * x;
}

/* A turned angle turns by the same at every load; a capacitor that comes or goes adds the same
 * reactive power at every load.  1: rather turned, or cannot be said; 0: rather added. */
static double turned_not_added(const struct sg_phasor *p, uint32_t from, unsigned mask)
{
    const double all = phasor_sum(p, 0, p->n_past, -1, mask).i;
    struct spread angle = {.n = 0}, power = {.n = 0};
    for (int b = 0; b < PHASOR_QUARTERS; b++) {
        const struct phasor_cell past = phasor_sum(p, 0, p->n_past, b, mask);
        const struct phasor_cell now = phasor_sum(p, from, p->n_days, b, mask);
        const double x = turned(&past, &now);
        if (!(past.i >= 0.08 * all) || isnan(x))
            continue;
        spread_add(&angle, x);
        spread_add(&power, x * now.s1 / now.n);
    }
    if (angle.n < 2)
        return 1;
    return fmin(1, 1.6 * relative(&power) / (relative(&power) + relative(&angle)));
}

/* At the past's ratio of power to V I. */
static double loss(const struct sg_phasor *p, uint32_t from, unsigned mask)
{
    const struct phasor_cell past = phasor_sum(p, 0, p->n_past, -1, mask);
    const struct phasor_cell now = phasor_sum(p, from, p->n_days, -1, mask);
    double elements = 0;
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++)
        elements += mask >> k & 1;
    return (past.p / past.s * now.s - now.p) / fmax(now.n, 1) * elements * 24 / 1000 *
           p->config.ratio;
}

static bool find(struct sg_phasor *p, enum sg_phasor_rule rule, effect *of, int sign, unsigned mask,
                 struct phasor_claim *ret)
{
    const struct phasor_cell past = phasor_sum(p, 0, p->n_past, -1, mask);
    struct phasor_step step;
    for (uint32_t d = 0; d < p->n_days; d++) {
        const struct phasor_cell c = phasor_sum(p, d, d + 1, -1, mask);
        p->x[d] = of(&past, &c);
    }
    if (!phasor_step_of(p, sign, &step))
        return false;
    const double size = fmax(sign * (step.after - step.past), 0);
    if (mask == p->elements && !each_changed(p, of, step.from, sign, 0.4 * size))
        return false;
    /* All alike is one finding, of all. */
    if (mask != p->elements && sign * others_changed(p, of, step.from, mask) > 0.7 * size)
        return false;
    const double constant = of == turned ? turned_not_added(p, step.from, mask) : 1;
    const double counts = constant * agreed(p, of, step.from, mask, sign, size) *
                          power_fell(p, step.from, mask, unchanged(p, of, step.from, mask, size));
    *ret = (struct phasor_claim){.rule = rule,
                                 .elements = mask,
                                 .from = step.from,
                                 .share = 1,
                                 .size = size,
                                 .strength = phasor_strength(rule, counts, step.z),
                                 .kwh_per_day = loss(p, step.from, mask)};
    return true;
}

/* The other way round: reversed.  60 or 120 degrees off: the current of one phase measured with the
 * voltage of another. */
static void name_turn(const struct sg_phasor *p, struct phasor_claim *c)
{
    const struct phasor_cell past = phasor_sum(p, 0, p->n_past, -1, c->elements);
    const struct phasor_cell now = phasor_sum(p, c->from, p->n_days, -1, c->elements);
    const double of = length(past.p, past.q) * length(now.p, now.q);
    const double cosine = phasor_ratio(now.p * past.p + now.q * past.q, of);
    if (cosine < -0.7)
        c->rule = SG_PHASOR_CURRENT_REVERSED;
    else if (c->strength > 2 && fabs(fabs(cosine) - 0.5) < 0.12)
        c->rule = SG_PHASOR_WRONG_PHASE;
}

static void strongest(struct sg_phasor *p, enum sg_phasor_rule rule, effect *of, bool both_ways)
{
    struct phasor_claim best = {.strength = 0}, c;
    for (unsigned mask = 1; mask <= 7; mask++) {
        const bool single = (mask & (mask - 1)) == 0;
        if ((mask & p->elements) != mask || (!single && mask != p->elements))
            continue;
        for (int sign = both_ways ? -1 : 1; sign <= 1; sign += 2)
            if (find(p, rule, of, sign, mask, &c) && c.strength > best.strength)
                best = c;
    }
    if (rule == SG_PHASOR_POWER_FACTOR && best.strength > 0)
        name_turn(p, &best);
    phasor_claim(p, &best);
}

void phasor_rules_angle(struct sg_phasor *p)
{
    if (p->n_past == 0)
        return;
    strongest(p, SG_PHASOR_POWER_FACTOR, turned, true);
    strongest(p, SG_PHASOR_DISTORTION, distorted, false);
}
