#include "fraud.h"

#include <math.h>

const char *const phasor_fraud_names[N_PHASOR_FRAUDS] = {
#define F(id, name) name,
    PHASOR_FRAUDS(F)
#undef F
};

static double between(struct sg_prng *p, double lo, double hi)
{
    return lo + (hi - lo) * sg_prng_unit(p);
}

static unsigned bits(unsigned mask)
{
    return (unsigned)__builtin_popcount(mask);
}

/* n of the elements, never more than there are. */
static unsigned draw_mask(struct sg_prng *p, unsigned elements, unsigned n)
{
    unsigned mask = 0;
    while (bits(mask) < n && mask != elements) {
        const unsigned k = 1u << sg_prng_below(p, 3);
        mask |= k & elements;
    }
    return mask;
}

/* One phase mostly, two now and then, if others stay to compare with. */
static unsigned draw_some(struct sg_prng *p, unsigned elements)
{
    return draw_mask(p, elements, sg_prng_below(p, 4) == 0 && bits(elements) > 2 ? 2 : 1);
}

static unsigned draw_one_or_all(struct sg_prng *p, unsigned elements)
{
    return sg_prng_below(p, 2) ? elements : draw_mask(p, elements, 1);
}

void fraud_draw(struct fraud *f, struct sg_prng *p, unsigned elements, int64_t first_s,
                int64_t last_s, int64_t step_s)
{
    /* The six of the list; half of the by-passes on one phase. */
    static const enum phasor_fraud kinds[] = {FRAUD_VOLTAGE,  FRAUD_CURRENT,  FRAUD_REVERSED,
                                              FRAUD_BYPASS_1, FRAUD_HARMONIC, FRAUD_ANGLE};
    *f = (struct fraud){.kind = kinds[sg_prng_below(p, 6)]};
    f->from_s =
        first_s + step_s * (int64_t)sg_prng_below(p, (uint64_t)((last_s - first_s) / step_s) + 1);
    f->mask = draw_some(p, elements);
    switch (f->kind) {
    case FRAUD_VOLTAGE:
        f->depth = sg_prng_below(p, 5) < 2 ? 1 : between(p, 0.1, 1);
        f->ghost = between(p, 0, 3);
        break;
    case FRAUD_CURRENT:
        f->depth = between(p, 0.9, 1);
        break;
    case FRAUD_BYPASS_1:
        f->depth = between(p, 0.1, 0.9);
        if (sg_prng_below(p, 2)) {
            f->kind = sg_prng_below(p, 2) && bits(elements) > 2 ? FRAUD_BYPASS_2 : FRAUD_BYPASS_ALL;
            f->mask = f->kind == FRAUD_BYPASS_ALL ? elements : draw_mask(p, elements, 2);
        } else {
            f->mask = draw_mask(p, elements, 1);
        }
        break;
    case FRAUD_HARMONIC:
        f->depth = between(p, 0.1, 0.6);
        f->mask = draw_one_or_all(p, elements);
        break;
    case FRAUD_ANGLE:
        f->depth = between(p, 15, 75) * M_PI / 180;
        f->mask = draw_one_or_all(p, elements);
        break;
    default:
        break;
    }
}

static void scale(struct sg_phasor_sample *s, int k, double v, double i, double p, double q)
{
    s->v[k] *= v;
    s->i[k] *= i;
    s->p[k] *= p;
    s->q[k] *= q;
}

static void apply_to(const struct fraud *f, struct sg_phasor_sample *s, int k)
{
    const double left = 1 - f->depth;
    const double p = s->p[k], q = s->q[k];
    switch (f->kind) {
    case FRAUD_VOLTAGE: {
        const double v = fmax(left, f->ghost / fmax(s->v[k], 1));
        scale(s, k, v, 1, v, v);
        break;
    }
    case FRAUD_CURRENT:
    case FRAUD_BYPASS_1:
    case FRAUD_BYPASS_2:
    case FRAUD_BYPASS_ALL:
        scale(s, k, 1, left, left, left);
        break;
    case FRAUD_REVERSED:
        scale(s, k, 1, 1, -1, -1);
        break;
    case FRAUD_HARMONIC:
        s->p[k] *= left;
        break;
    case FRAUD_ANGLE: /* the way that lowers the power of a load that lags */
        s->p[k] = p * cos(f->depth) - q * sin(f->depth);
        s->q[k] = p * sin(f->depth) + q * cos(f->depth);
        break;
    default:
        break;
    }
}

void fraud_apply(const struct fraud *f, struct sg_phasor_sample *s)
{
    if (f->kind == FRAUD_NONE || s->ts_s <= f->from_s)
        return;
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++)
        if (f->mask >> k & 1)
            apply_to(f, s, k);
}
