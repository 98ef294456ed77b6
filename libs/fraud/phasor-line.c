/*
 * phasor-line - the service line as a witness: current lowers the voltage at the meter by the
 * line's resistance, whether the meter sees that current or not.  If a share a of an element's
 * current passes it by, the fall of voltage for each ampere it measures grows by 1 / (1 - a);
 * if a load was only switched off, it stays.
 *
 * Changes from one interval to the next, of one phase against the others, leave the feeder's own
 * wander out.  Regression of them on the changes of the element's and of the others' current.
 */
#include "phasor-int.h"

#define LONGEST_GAP_S 3600
#define VOLTS_MOST    5.0 /* more is a sag, or a switch of the feeder */
/* What joints, weather and neighbours move a line's resistance by. */
#define OHMS_NATURAL 0.10
/* Too little current is left to measure by. */
#define SHARE_MOST 0.85

/* Fed in: negative. */
double phasor_signed_current(const struct sg_phasor_sample *s, int k)
{
    return s->p[k] < 0 ? -s->i[k] : s->i[k];
}

void phasor_line_add(const struct sg_phasor *p, struct phasor_day *d,
                     const struct sg_phasor_sample *s)
{
    double v[SG_PHASOR_ELEMENTS], i[SG_PHASOR_ELEMENTS];
    if (p->config.wiring != SG_PHASOR_STAR || s->ts_s - p->last_ts_s > LONGEST_GAP_S)
        return;
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++) {
        v[k] = s->v[k] - p->last_v[k];
        i[k] = phasor_signed_current(s, k) - p->last_i[k];
        if (fabs(v[k]) > VOLTS_MOST)
            return;
    }
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++) {
        const double x = i[k], o = phasor_others(i, k), y = v[k] - phasor_others(v, k);
        struct phasor_line *l = &d->line[k];
        if (isnan(x) || isnan(o) || isnan(y))
            continue;
        l->n++;
        l->xx += x * x;
        l->oo += o * o;
        l->xo += x * o;
        l->xy += x * y;
        l->oy += o * y;
        l->yy += y * y;
    }
}

struct ohms {
    double is, variance;
};

static bool ohms_of(const struct sg_phasor *p, uint32_t first, uint32_t end, int k,
                    struct ohms *ret)
{
    struct phasor_line t = {.n = 0};
    for (uint32_t d = first; d < end; d++) {
        const struct phasor_line *l = &p->day[d].line[k];
        t.n += l->n;
        t.xx += l->xx;
        t.oo += l->oo;
        t.xo += l->xo;
        t.xy += l->xy;
        t.oy += l->oy;
        t.yy += l->yy;
    }
    const double det = t.xx * t.oo - t.xo * t.xo;
    if (t.n < 50 || !(det > 1e-9 * t.xx * t.oo))
        return false;
    const double x = (t.xy * t.oo - t.oy * t.xo) / det, o = (t.oy * t.xx - t.xy * t.xo) / det;
    const double rest = fmax(t.yy - x * t.xy - o * t.oy, 0) / (t.n - 2);
    *ret = (struct ohms){.is = -x, .variance = rest * t.oo / det};
    return true;
}

/* Logarithm of the likelihoods' ratio. */
static double witness(const struct sg_phasor *p, uint32_t from, int k, double share)
{
    struct ohms past, now;
    if (!ohms_of(p, 0, p->n_past, k, &past) || !ohms_of(p, from, p->n_days, k, &now) ||
        past.is <= 0 || past.is * past.is < 16 * past.variance)
        return 0;
    const double grown = 1 / fmax(1 - share, 0.1);
    const double natural = OHMS_NATURAL * past.is;
    const double if_drawn = now.is - past.is * grown, if_not = now.is - past.is;
    const double v_drawn = now.variance + (past.variance + natural * natural) * grown * grown;
    const double v_not = now.variance + past.variance + natural * natural;
    return fmin(fmax(if_not * if_not / v_not - if_drawn * if_drawn / v_drawn, -10), 10) / 2;
}

double phasor_line_says(const struct sg_phasor *p, uint32_t from, unsigned mask, double share)
{
    double sum = 0;
    if (share > SHARE_MOST)
        return 0;
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++)
        if (mask >> k & 1)
            sum += witness(p, from, k, share);
    return sum / (1 + fabs(sum));
}
