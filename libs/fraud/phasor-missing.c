/*
 * phasor-missing - a meter that told voltages, currents or powers and now tells them no more, while
 * its energy goes on arriving: who keeps a meter from telling silences every other rule.  Readings
 * that do not arrive at all are no matter of this.
 */
#include "phasor-int.h"

/* Of a share of readings above this nothing more follows: it may be the utility that asks for less,
 * of everybody at once, so it never makes a finding as sure as a wiring that was seen. */
#define SIZE_MOST 0.5
/* A quantity that is missing in more of the past than this was never told. */
#define NEVER 0.5

void phasor_missing_add(struct sg_phasor *p, struct phasor_day *d, const struct sg_phasor_sample *s)
{
    p->tells_energy |= !isnan(s->energy_wh);
    if (p->tells_energy && isnan(s->energy_wh))
        return;
    d->n_arrived++;
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++) {
        d->n_told[PHASOR_VOLTAGES][k] += !isnan(s->v[k]);
        d->n_told[PHASOR_CURRENTS][k] += !isnan(s->i[k]);
        d->n_told[PHASOR_POWERS][k] += !isnan(s->p[k]);
    }
}

/* The step of one quantity of one element; false: none. */
static bool step_of(struct sg_phasor *p, enum phasor_quantity q, int k, struct phasor_step *ret)
{
    for (uint32_t d = 0; d < p->n_days; d++) {
        const struct phasor_day *day = &p->day[d];
        p->x[d] = day->n_arrived > 0 ? 1 - day->n_told[q][k] / day->n_arrived : NAN;
    }
    return phasor_step_of(p, 1, ret) && ret->past <= NEVER && ret->after > ret->past;
}

void phasor_rules_missing(struct sg_phasor *p)
{
    struct phasor_claim c = {.rule = SG_PHASOR_MISSING, .share = 1};
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++)
        for (enum phasor_quantity q = 0; q < PHASOR_QUANTITIES; q++) {
            struct phasor_step step;
            if (!step_of(p, q, k, &step))
                continue;
            const double size = step.after - step.past;
            const double strength =
                phasor_strength(SG_PHASOR_MISSING, fmin(size, SIZE_MOST), step.z);
            if (strength > 0)
                c.elements |= 1u << k;
            if (strength <= c.strength)
                continue;
            c.strength = strength;
            c.size = size;
            c.from = step.from;
        }
    phasor_claim(p, &c);
}
