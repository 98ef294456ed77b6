/*
 * What is done to the elements of a polyphase meter, and what it measures then: of each phase one
 * factor on the voltage, one on the current, and one, of two parts, on the power, at every hour
 * alike.  The energy follows: registers count what the elements measure.
 */
#include "model-int.h"
#include <sealgrid/base/random.h>

/* What motors and the other phases feed back into a voltage circuit that was cut. */
#define GHOST 0.02

static double between(struct sg_prng *p, double lo, double hi)
{
    return lo + (hi - lo) * sg_prng_unit(p);
}

static unsigned draw_phases(struct sg_prng *p, unsigned n)
{
    const unsigned one = 1u << sg_prng_below(p, 3);
    return n == 1 ? one : n == 2 ? 7 & ~one : 7;
}

/* So the whole never runs backwards: less than half of the load in every interval. */
static unsigned least_phase(const struct sg_model_meter *mm)
{
    unsigned least = 0;
    for (unsigned i = 1; i < 3; i++)
        if (mm->share[i] < mm->share[least])
            least = i;
    return 1u << least;
}

static void draw_deed(struct sg_prng *p, struct sg_model_meter *mm)
{
    const unsigned some = sg_prng_below(p, 4) == 0 ? 2 : 1;
    mm->fraud_phases = draw_phases(p, some);
    switch (mm->fraud) {
    case SG_FRAUD_VOLTAGE:
        mm->fraud_param = fmax(sg_prng_below(p, 5) < 2 ? 0 : between(p, 0, 0.8), GHOST);
        break;
    case SG_FRAUD_CURRENT:
        mm->fraud_param = between(p, 0, 0.1);
        break;
    case SG_FRAUD_REVERSED:
        mm->fraud_phases = least_phase(mm);
        break;
    case SG_FRAUD_BYPASS_ONE:
    case SG_FRAUD_BYPASS_TWO:
    case SG_FRAUD_BYPASS_ALL:
        mm->fraud_phases = draw_phases(p, 1 + (unsigned)(mm->fraud - SG_FRAUD_BYPASS_ONE));
        mm->fraud_param = between(p, 0.1, 0.6);
        break;
    default: /* by 26 to 60 degrees, of a load whose tan phi stays below 0.41 */
        mm->fraud_phases = sg_prng_below(p, 2) ? 7 : draw_phases(p, 1);
        mm->fraud_param = between(p, 0.5, 0.9);
    }
}

void sg_tamper_draw(const struct sg_model_config *c, uint32_t meter, struct sg_model_meter *mm)
{
    const uint32_t days = c->fraud_last_day - c->fraud_first_day + 1;
    struct sg_prng p;
    sg_prng_seed2(&p, c->seed, UINT64_C(0x74616d706572) << 16 | meter);
    if (mm->fraud != SG_FRAUD_NONE || sg_prng_below(&p, 1000) >= c->fraud_phasor_permille)
        return;
    mm->fraud =
        (enum sg_fraud)(SG_FRAUD_VOLTAGE + sg_prng_below(&p, SG_FRAUD_KINDS - SG_FRAUD_VOLTAGE));
    mm->fraud_day = c->fraud_first_day + (uint32_t)sg_prng_below(&p, days);
    mm->fraud_from_h = 18 + (uint32_t)sg_prng_below(&p, 6); /* done in the evening */
    mm->fraud_opened = sg_prng_below(&p, 5) < 2;
    mm->fraud_past_neutral = sg_prng_below(&p, 2);
    draw_deed(&p, mm);
}

/* ---- one element ---------------------------------------------------------------------------- */

/* power: factor re + j im on P + j Q. */
struct gain {
    double volts, amperes, re, im;
};

static struct gain gain_of(const struct sg_model_meter *mm, unsigned i)
{
    const double left = mm->fraud_param;
    if (!(mm->fraud_phases >> i & 1))
        return (struct gain){1, 1, 1, 0};
    switch (mm->fraud) {
    case SG_FRAUD_VOLTAGE:
        return (struct gain){left, 1, left, 0};
    case SG_FRAUD_REVERSED:
        return (struct gain){1, 1, -1, 0};
    case SG_FRAUD_ANGLE: /* the way that lowers the power of a load that lags */
        return (struct gain){1, 1, left, sqrt(1 - left * left)};
    default:
        return (struct gain){1, left, left, 0};
    }
}

void sg_tamper_kept(const struct sg_model_meter *mm, const struct sg_model_split *split,
                    double *ret_active, double *ret_reactive)
{
    double active = 0, reactive = 0;
    for (unsigned i = 0; i < 3; i++) {
        const struct gain g = gain_of(mm, i);
        active += split->share[i] * (g.re - g.im * split->tan_phi[i]);
        reactive += split->share[i] * (g.im + g.re * split->tan_phi[i]);
    }
    *ret_active = active;
    *ret_reactive = reactive;
}

void sg_tamper_phases(const struct sg_model_meter *mm, struct sg_model_phase ph[3])
{
    for (unsigned i = 0; i < 3; i++) {
        const struct gain g = gain_of(mm, i);
        const double p = ph[i].p, q = ph[i].q;
        ph[i].p = g.re * p - g.im * q;
        ph[i].q = g.im * p + g.re * q;
        ph[i].volts *= g.volts;
        ph[i].amperes *= g.amperes;
        ph[i].s *= g.volts * g.amperes;
    }
}

bool sg_tamper_hides_neutral(const struct sg_model_meter *mm)
{
    return mm->fraud >= SG_FRAUD_BYPASS_ONE && mm->fraud <= SG_FRAUD_BYPASS_ALL &&
           mm->fraud_past_neutral;
}
