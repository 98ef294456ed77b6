/*
 * phasor-states - rules that count intervals in a state: a voltage gone, no current, power the
 * wrong way, registers that disagree, seals that were opened.
 */
#include "phasor-int.h"

#define HOURS 24.0

/* x[d] = of[d] / over[d] of two sums of a day; NAN where fewer than `least` lie under it. */
#define FEATURE(p, of, over, least)                                                                \
    do {                                                                                           \
        for (uint32_t d_ = 0; d_ < (p)->n_days; d_++) {                                            \
            const struct phasor_day *day = &(p)->day[d_];                                          \
            (p)->x[d_] = (over) >= (least) ? (of) / (over) : NAN;                                  \
        }                                                                                          \
    } while (0)

/* Sum over days from..end of one member. */
#define TOTAL(p, from, member)                                                                     \
    ({                                                                                             \
        double sum_ = 0;                                                                           \
        for (uint32_t d_ = (from); d_ < (p)->n_days; d_++)                                         \
            sum_ += (double)(p)->day[d_].member;                                                   \
        sum_;                                                                                      \
    })

static double kwh_per_day(const struct sg_phasor *p, double watts)
{
    return watts * HOURS / 1000 * p->config.ratio;
}

/* Median of x over the judged days; NAN: none. */
static double recent_median(struct sg_phasor *p)
{
    double sum = 0, n = 0;
    for (uint32_t d = p->n_past; d < p->n_days; d++)
        if (!isnan(p->x[d])) {
            sum += p->x[d];
            n++;
        }
    return n >= 2 ? sum / n : NAN;
}

/* ---- voltage -------------------------------------------------------------------------------- */

/* What the element would have shown with the voltage of its past at its own past power factor. */
static double voltage_loss(const struct sg_phasor *p, uint32_t from, int k, double size)
{
    const struct phasor_cell past = phasor_sum(p, 0, p->n_past, -1, 1u << k);
    const struct phasor_cell now = phasor_sum(p, from, p->n_days, -1, 1u << k);
    const double pf = past.s > 0 ? past.p / past.s : 0.92;
    double v = 0, n = 0;
    for (uint32_t d = 0; d < p->n_past; d++) {
        v += p->day[d].v[k];
        n += p->day[d].n_v[k];
    }
    /* Without a past: what is there, and the share of it that is missing. */
    const double volts = n > 0 ? v / n : now.s / fmax(now.i, 1) / fmax(1 - size, 0.01);
    if (!(now.n > 0))
        return 0;
    return kwh_per_day(p, (volts * now.i * pf - now.p) / now.n);
}

static void voltage_lost(struct sg_phasor *p, int k)
{
    struct phasor_step step = {.from = p->n_past};
    double size = 0, strength = 0;
    FEATURE(p, day->ratio[k], day->n_ratio[k], 4);
    const double now = recent_median(p);
    if (phasor_step_of(p, -1, &step)) {
        size = step.past > 0 ? 1 - step.after / step.past : 0;
        strength = phasor_strength(SG_PHASOR_VOLTAGE_LOST, size, step.z);
    }
    /* Ever since: no past tells, but the other phases do (unbalance of 3 %: PRODIST module 8). */
    const double ever = 1 - now - 0.05;
    if (ever > 0 && phasor_strength(SG_PHASOR_VOLTAGE_LOST, ever, INFINITY) > strength) {
        step.from = p->n_past;
        size = 1 - now;
        strength = phasor_strength(SG_PHASOR_VOLTAGE_LOST, ever, INFINITY);
    }
    phasor_claim(
        p, &(struct phasor_claim){
               .rule = SG_PHASOR_VOLTAGE_LOST,
               .elements = 1u << k,
               .from = step.from,
               .share = TOTAL(p, step.from, n_low[k]) / fmax(TOTAL(p, step.from, n_ratio[k]), 1),
               .size = size,
               .strength = strength,
               .kwh_per_day = strength > 0 ? voltage_loss(p, step.from, k, size) : 0});
}

/* ---- current -------------------------------------------------------------------------------- */

static void current_lost(struct sg_phasor *p, int k)
{
    struct phasor_step step;
    FEATURE(p, day->n_idle[k], day->n_others[k], 4);
    if (!phasor_step_of(p, 1, &step))
        return;
    const unsigned others = p->elements & ~(1u << k);
    const struct phasor_cell past = phasor_sum(p, 0, p->n_past, -1, 1u << k);
    const struct phasor_cell past_o = phasor_sum(p, 0, p->n_past, -1, others);
    const struct phasor_cell now = phasor_sum(p, step.from, p->n_days, -1, 1u << k);
    const struct phasor_cell now_o = phasor_sum(p, step.from, p->n_days, -1, others);
    const double size = step.after - step.past;
    const double expected = past_o.p > 0 ? past.p / past_o.p * now_o.p : 0;
    phasor_claim(p, &(struct phasor_claim){
                        .rule = SG_PHASOR_CURRENT_LOST,
                        .elements = 1u << k,
                        .from = step.from,
                        .share = step.after,
                        .size = size,
                        .strength = phasor_strength(SG_PHASOR_CURRENT_LOST, size, step.z),
                        .kwh_per_day = kwh_per_day(p, (expected - now.p) / fmax(now.n, 1))});
}

/* Star: power below zero by night, when nobody's panels feed in.  Aron: an element may be negative
 * by the load's own angle, so only a change counts. */
static void current_reversed(struct sg_phasor *p, int k)
{
    struct phasor_step step = {.from = p->n_past};
    double size = 0, strength = 0, share;
    FEATURE(p, day->n_reversed[k], day->n_night[k], 4);
    const double now = recent_median(p);
    if (phasor_step_of(p, 1, &step)) {
        size = step.after - step.past;
        strength = phasor_strength(SG_PHASOR_CURRENT_REVERSED, size, step.z);
    }
    share = step.after;
    if (p->config.wiring == SG_PHASOR_STAR && now > 0.5 && strength < 2) {
        step.from = p->n_past;
        share = size = now;
        strength = 2 * now;
    }
    const struct phasor_cell c = phasor_sum(p, step.from, p->n_days, -1, 1u << k);
    phasor_claim(p, &(struct phasor_claim){.rule = SG_PHASOR_CURRENT_REVERSED,
                                           .elements = 1u << k,
                                           .from = step.from,
                                           .share = share,
                                           .size = size,
                                           .strength = strength,
                                           .kwh_per_day = kwh_per_day(p, -2 * c.p / fmax(c.n, 1))});
}

static void sequence(struct sg_phasor *p)
{
    const double n = TOTAL(p, p->n_past, n_angle);
    const double share = n > 0 ? TOTAL(p, p->n_past, n_sequence) / n : 0;
    if (share > 0.5)
        phasor_claim(p, &(struct phasor_claim){.rule = SG_PHASOR_PHASE_SEQUENCE,
                                               .elements = p->elements,
                                               .from = p->n_past,
                                               .share = share,
                                               .size = share,
                                               .strength = phasor_strength(SG_PHASOR_PHASE_SEQUENCE,
                                                                           share, INFINITY)});
}

/* ---- sums and registers --------------------------------------------------------------------- */

static void neutral(struct sg_phasor *p)
{
    struct phasor_step step;
    FEATURE(p, day->neutral, day->neutral_of, 1);
    if (!phasor_step_of(p, 1, &step))
        return;
    const struct phasor_cell now = phasor_sum(p, step.from, p->n_days, -1, p->elements);
    const double size = step.after - step.past;
    phasor_claim(p, &(struct phasor_claim){
                        .rule = SG_PHASOR_NEUTRAL,
                        .elements = p->elements,
                        .from = step.from,
                        .share = 1,
                        .size = size,
                        .strength = phasor_strength(SG_PHASOR_NEUTRAL, size, step.z),
                        /* n counts elements: sum of powers of all of them in an interval */
                        .kwh_per_day = kwh_per_day(p, now.p / fmax(now.n, 1) * size * 3)});
}

/* Two class 1 meters and the line between them differ by less than 5 % without any past. */
static void sum_check(struct sg_phasor *p)
{
    struct phasor_step step = {.from = p->n_past};
    double size = 0, strength = 0;
    FEATURE(p, day->check_wh - day->check_energy_wh, day->check_wh, 1);
    const double now = recent_median(p);
    if (phasor_step_of(p, 1, &step)) {
        size = step.after - step.past;
        strength = phasor_strength(SG_PHASOR_SUM_CHECK, size, step.z);
    }
    if (now > 0.05 && phasor_strength(SG_PHASOR_SUM_CHECK, now - 0.05, INFINITY) > strength) {
        step.from = p->n_past;
        size = now;
        strength = phasor_strength(SG_PHASOR_SUM_CHECK, now - 0.05, INFINITY);
    }
    const double days = (double)(p->n_days - step.from);
    const double lost = TOTAL(p, step.from, check_wh) - TOTAL(p, step.from, check_energy_wh);
    phasor_claim(p, &(struct phasor_claim){.rule = SG_PHASOR_SUM_CHECK,
                                           .elements = p->elements,
                                           .from = step.from,
                                           .share = 1,
                                           .size = size,
                                           .strength = strength,
                                           .kwh_per_day = lost / days / 1000 * p->config.ratio});
}

/* The elements' powers against the total that the meter tells: rounding of each to 1 W apart. */
static void total_differs(struct sg_phasor *p)
{
    const double of = TOTAL(p, p->n_past, p_total);
    const double size = of > 0 ? TOTAL(p, p->n_past, p_differs) / of - 0.02 : 0;
    phasor_claim(p, &(struct phasor_claim){
                        .rule = SG_PHASOR_SUM_CHECK,
                        .elements = p->elements,
                        .from = p->n_past,
                        .share = 1,
                        .size = size,
                        .strength = phasor_strength(SG_PHASOR_SUM_CHECK, size, INFINITY)});
}

static void register_slow(struct sg_phasor *p)
{
    struct phasor_step step;
    FEATURE(p, day->register_wh, day->power_wh, 1);
    if (!phasor_step_of(p, -1, &step) || !(step.past > 0))
        return;
    const double size = 1 - step.after / step.past, days = (double)(p->n_days - step.from);
    const double lost =
        TOTAL(p, step.from, power_wh) * step.past - TOTAL(p, step.from, register_wh);
    phasor_claim(
        p, &(struct phasor_claim){.rule = SG_PHASOR_REGISTER,
                                  .elements = p->elements,
                                  .from = step.from,
                                  .share = 1,
                                  .size = size,
                                  .strength = phasor_strength(SG_PHASOR_REGISTER, size, step.z),
                                  .kwh_per_day = lost / days / 1000 * p->config.ratio});
}

/* ---- the meter itself ----------------------------------------------------------------------- */

static void share_of_time(struct sg_phasor *p, enum sg_phasor_rule rule, double count, double of)
{
    const double share = of > 0 ? count / of : 0;
    phasor_claim(p, &(struct phasor_claim){.rule = rule,
                                           .elements = p->elements,
                                           .from = p->n_past,
                                           .share = share,
                                           .size = share,
                                           .strength = phasor_strength(rule, share, INFINITY)});
}

/* A visit excuses its day, but the meter alone says that there was one: who visits a meter on more
 * of the judged days than this is not the utility, and none of those visits excuses anything. */
enum { VISITS_MOST = 3 };

static bool visits_count(const struct sg_phasor *p)
{
    uint32_t visits = 0;
    for (uint32_t d = p->n_past; d < p->n_days; d++)
        visits += p->day[d].service;
    return visits <= VISITS_MOST;
}

/* A magnet has no honest use near a meter; lids are opened by electricians too, and lorries shake.
 */
static void tamper_events(struct sg_phasor *p)
{
    static const double weight[PHASOR_EVENTS] = {1.5, 1.0, 1.0, 0.4};
    const bool excused = visits_count(p);
    double sum = 0;
    uint32_t from = UINT32_MAX;
    for (uint32_t d = p->n_past; d < p->n_days; d++) {
        double day = 0;
        for (unsigned e = 0; e < PHASOR_EVENTS && !(excused && p->day[d].service); e++)
            day += p->day[d].events[e] ? weight[e] : 0;
        if (day > 0 && from == UINT32_MAX)
            from = d;
        sum += day;
    }
    if (from == UINT32_MAX)
        return;
    const double size = fmin(sum, 3);
    phasor_claim(p, &(struct phasor_claim){
                        .rule = SG_PHASOR_TAMPER_EVENT,
                        .elements = 0,
                        .from = from,
                        .share = 0,
                        .size = size,
                        .strength = phasor_strength(SG_PHASOR_TAMPER_EVENT, size, INFINITY)});
}

void phasor_rules_states(struct sg_phasor *p)
{
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++) {
        if (!(p->elements >> k & 1))
            continue;
        voltage_lost(p, k);
        current_lost(p, k);
        current_reversed(p, k);
    }
    sequence(p);
    neutral(p);
    sum_check(p);
    total_differs(p);
    register_slow(p);
    share_of_time(p, SG_PHASOR_IMPOSSIBLE, TOTAL(p, p->n_past, n_impossible),
                  TOTAL(p, p->n_past, n_power));
    share_of_time(p, SG_PHASOR_NONSENSE, TOTAL(p, p->n_past, n_nonsense), TOTAL(p, p->n_past, n));
    share_of_time(p, SG_PHASOR_FROZEN, TOTAL(p, p->n_past, n_steady), TOTAL(p, p->n_past, n));
    tamper_events(p);
}
