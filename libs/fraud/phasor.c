/*
 * phasor - intervals to days of sums; a customer's summary.
 */
#include "phasor-int.h"

#include <stdlib.h>
#include <string.h>

#define DAY_S     86400
#define VALUE_MAX 1e10
/* Of a finding: 100 times what its limit asks for is sure enough. */
#define STRENGTH_MOST 100.0
#define TIME_MAX      INT64_C(253402300799) /* the end of year 9999 */

void sg_phasor_sample_clear(struct sg_phasor_sample *s)
{
    *s = (struct sg_phasor_sample){.p_total = NAN,
                                   .neutral = NAN,
                                   .v_angle = {NAN, NAN},
                                   .frequency = NAN,
                                   .temperature = NAN,
                                   .energy_wh = NAN,
                                   .check_wh = NAN};
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++)
        s->v[k] = s->i[k] = s->p[k] = s->q[k] = NAN;
}

int sg_phasor_new(struct sg_phasor **ret)
{
    struct sg_phasor *p = calloc(1, sizeof(*p));
    if (!p)
        return sg_raise(-ENOMEM);
    *ret = p;
    return 0;
}

void sg_phasor_free(struct sg_phasor *p)
{
    free(p);
}

int sg_phasor_start(struct sg_phasor *p, const struct sg_phasor_config *c)
{
    if (!(c->ratio > 0 && c->ratio < 1e9) || c->day_s < 4 || c->day_s > DAY_S)
        return sg_raisef(-EINVAL, "ratio %g, day of %d s", c->ratio, c->day_s);
    p->config = *c;
    p->n_days = 0;
    p->last_ts_s = -1;
    p->tells_energy = false;
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++) {
        p->v_sum[k] = p->v_n[k] = 0;
        p->last_v[k] = p->last_i[k] = NAN;
    }
    return 0;
}

/* ---- one interval --------------------------------------------------------------------------- */

/* Local seconds since the epoch of an instant within the interval. */
static int64_t local_s(const struct sg_phasor *p, int64_t ts_s)
{
    return ts_s - 1 + p->config.east_s;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* With an instant given: a day belongs whole to the past or to the recent days. */
static bool is_recent(const struct sg_phasor *p, int64_t ts_s)
{
    return p->config.recent_from_s != INT64_MIN && ts_s > p->config.recent_from_s;
}

static struct phasor_day *day_of(struct sg_phasor *p, int64_t ts_s)
{
    const int32_t day = (int32_t)floor_div(local_s(p, ts_s), p->config.day_s);
    struct phasor_day *last = p->n_days ? &p->day[p->n_days - 1] : NULL;
    if (last && last->day == day && is_recent(p, last->last_s) == is_recent(p, ts_s))
        return last;
    if (p->n_days == SG_PHASOR_DAYS_MAX)
        memmove(p->day, p->day + 1, --p->n_days * sizeof(*p->day));
    last = &p->day[p->n_days++];
    *last = (struct phasor_day){.day = day, .first_s = ts_s};
    return last;
}

/* Without the sun: local 20 h to 5 h.  In a record shorter than days every interval counts. */
static bool is_night(const struct sg_phasor *p, int64_t ts_s)
{
    const int64_t s = local_s(p, ts_s), of_day = s - floor_div(s, DAY_S) * DAY_S;
    return p->config.day_s < DAY_S || of_day < 5 * 3600 || of_day >= 20 * 3600;
}

static unsigned quarter_of(const struct sg_phasor *p, int64_t ts_s)
{
    const int64_t s = local_s(p, ts_s), length = p->config.day_s;
    return (unsigned)((s - floor_div(s, length) * length) * PHASOR_QUARTERS / length);
}

double phasor_others(const double v[SG_PHASOR_ELEMENTS], int k)
{
    double sum = 0, n = 0;
    for (int j = 0; j < SG_PHASOR_ELEMENTS; j++)
        if (j != k && !isnan(v[j])) {
            sum += v[j];
            n++;
        }
    return phasor_ratio(sum, n);
}

static void add_power(struct phasor_day *d, struct phasor_cell *cell,
                      const struct sg_phasor_sample *s, int k)
{
    const double vi = s->v[k] * s->i[k], s1 = sqrt(s->p[k] * s->p[k] + s->q[k] * s->q[k]);
    if (isnan(vi) || isnan(s1))
        return;
    cell->n++;
    cell->i += s->i[k];
    cell->p += s->p[k];
    cell->q += s->q[k];
    cell->s += vi;
    cell->s1 += s1;
    if (s->i[k] < PHASOR_START_A)
        return;
    d->n_power++;
    /* Two class 1 quantities, read one after the other, and the last digit of each. */
    if (s1 > 1.08 * vi + 5 || fabs(s->p[k]) > 1.08 * vi + 5)
        d->n_impossible++;
}

/* A broken neutral lifts other voltages while one falls: no theft, and no measure of one. */
static bool neutral_floats(const struct sg_phasor *p, const struct sg_phasor_sample *s)
{
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++)
        if (p->v_n[k] > 0 && s->v[k] > 1.06 * p->v_sum[k] / p->v_n[k])
            return true;
    return false;
}

/* A fuse of the feeder: neither voltage nor current.  The loads of that phase are off, and motors
 * draw more from the others: no day to compare with. */
static bool phase_is_out(const struct sg_phasor_sample *s)
{
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++)
        if (s->v[k] < 0.7 * phasor_others(s->v, k) && s->i[k] < PHASOR_START_A)
            return true;
    return false;
}

static void learn_voltage(struct sg_phasor *p, struct phasor_day *d,
                          const struct sg_phasor_sample *s)
{
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++)
        if (s->v[k] > 0) {
            p->v_sum[k] += s->v[k];
            p->v_n[k]++;
            d->v[k] += s->v[k];
            d->n_v[k]++;
        }
}

static void add_voltage(const struct sg_phasor *p, struct phasor_day *d,
                        const struct sg_phasor_sample *s, int k)
{
    const double v_others = phasor_others(s->v, k), i_others = phasor_others(s->i, k);
    if (isnan(s->v[k]) || isnan(s->i[k]) || isnan(v_others) || isnan(i_others))
        return;
    if (s->i[k] >= PHASOR_START_A && v_others > 1 && !neutral_floats(p, s)) {
        d->ratio[k] += s->v[k] / v_others;
        d->n_ratio[k]++;
        d->n_low[k] += s->v[k] < 0.955 * v_others;
    }
    if (i_others < 5 * PHASOR_START_A || s->v[k] < 0.5 * v_others)
        return;
    d->n_others[k]++;
    d->n_idle[k] += s->i[k] < fmax(PHASOR_START_A, 0.02 * i_others);
}

static void add_direction(const struct sg_phasor *p, struct phasor_day *d,
                          const struct sg_phasor_sample *s, int k)
{
    if (isnan(s->p[k]) || isnan(s->i[k]) || s->i[k] < PHASOR_START_A || !is_night(p, s->ts_s))
        return;
    d->n_night[k]++;
    d->n_reversed[k] += s->p[k] < -0.03 * s->v[k] * s->i[k] - 2;
}

/* Current of the neutral from those of the phases, 120 degrees apart; each lags its voltage by the
 * angle of P + jQ. */
static void add_neutral(const struct sg_phasor *p, struct phasor_day *d,
                        const struct sg_phasor_sample *s)
{
    static const double co[] = {1, -0.5, -0.5},
                        si[] = {0, -0.86602540378443865, 0.86602540378443865};
    double re = 0, im = 0, sum = 0;
    if (isnan(s->neutral) || p->config.wiring != SG_PHASOR_STAR)
        return;
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++) {
        const double s1 = sqrt(s->p[k] * s->p[k] + s->q[k] * s->q[k]);
        if (!(s1 > 0) || isnan(s->i[k]))
            continue;
        const double c = s->i[k] * s->p[k] / s1, l = -s->i[k] * s->q[k] / s1;
        re += c * co[k] - l * si[k];
        im += c * si[k] + l * co[k];
        sum += s->i[k];
    }
    d->neutral += fabs(s->neutral - sqrt(re * re + im * im));
    d->neutral_of += sum;
    d->n_neutral++;
}

static void add_totals(const struct sg_phasor *p, struct phasor_day *d,
                       const struct sg_phasor_sample *s)
{
    double sum = 0, told = 0;
    bool drawn = true;
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++)
        if (!isnan(s->p[k])) {
            sum += s->p[k];
            told++;
            drawn = drawn && s->p[k] >= 0;
        }
    if (told > 0 && !isnan(s->p_total)) {
        d->p_differs += fabs(sum - s->p_total);
        d->p_total += fabs(s->p_total);
    }
    if (!isnan(s->check_wh) && !isnan(s->energy_wh)) {
        d->check_wh += s->check_wh;
        d->check_energy_wh += s->energy_wh;
    }
    const int64_t length = p->n_days == 1 && d->n == 1 ? 0 : s->ts_s - p->last_ts_s;
    if (told > 0 && !isnan(s->energy_wh) && drawn && length > 0 && length <= 3600) {
        d->register_wh += s->energy_wh;
        d->power_wh += sum * (double)length / 3600;
    }
}

/* PRODIST module 8: a 60 Hz grid stays within 56.5 and 66 Hz; a 50 Hz one analogously.  IEC
 * 62052-11: limits of operation of an outdoor meter -40 to 70 degrees. */
static bool is_nonsense(const struct sg_phasor_sample *s)
{
    return s->frequency < 47 || s->frequency > 66 || s->temperature < -40 || s->temperature > 85;
}

static void add_state(struct sg_phasor *p, struct phasor_day *d, const struct sg_phasor_sample *s)
{
    bool steady = false;
    d->n_nonsense += is_nonsense(s);
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++) {
        if (s->v[k] > 1 && !isnan(p->last_v[k]))
            steady = true;
    }
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++) {
        if (s->v[k] > 1 && s->v[k] != p->last_v[k])
            steady = false;
        p->last_v[k] = s->v[k];
        p->last_i[k] = phasor_signed_current(s, k);
    }
    d->n_steady += steady;
    if (!isnan(s->v_angle[0]) && !isnan(s->v_angle[1])) {
        d->n_angle++;
        /* -120 or 240 degrees: the other way round. */
        d->n_sequence += (s->v_angle[0] < 0 || s->v_angle[0] > 180) &&
                         (s->v_angle[1] < 0 || s->v_angle[1] > 180);
    }
    for (unsigned e = 0; e < PHASOR_EVENTS; e++)
        d->events[e] += s->events >> e & 1;
    d->service |= (s->events & SG_PHASOR_SERVICE) != 0;
}

/* What no meter shows is not told. */
static void drop_wild(double *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs(v[i]) <= VALUE_MAX))
            v[i] = NAN;
}

static void clean(struct sg_phasor_sample *s)
{
    drop_wild(s->v, SG_PHASOR_ELEMENTS);
    drop_wild(s->i, SG_PHASOR_ELEMENTS);
    drop_wild(s->p, SG_PHASOR_ELEMENTS);
    drop_wild(s->q, SG_PHASOR_ELEMENTS);
    drop_wild(s->v_angle, 2);
    drop_wild(&s->p_total, 1);
    drop_wild(&s->neutral, 1);
    drop_wild(&s->frequency, 1);
    drop_wild(&s->temperature, 1);
    drop_wild(&s->energy_wh, 1);
    drop_wild(&s->check_wh, 1);
}

int sg_phasor_add(struct sg_phasor *p, const struct sg_phasor_sample *told)
{
    struct sg_phasor_sample clear = *told, *s = &clear;
    if (told->ts_s <= p->last_ts_s || told->ts_s > TIME_MAX)
        return SG_PHASOR_NOT_AFTER;
    clean(s);
    struct phasor_day *d = day_of(p, s->ts_s);
    const unsigned quarter = quarter_of(p, s->ts_s);
    d->last_s = s->ts_s;
    d->n++;
    learn_voltage(p, d, s);
    const bool out = phase_is_out(s);
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++) {
        if (!out)
            add_power(d, &d->cell[quarter][k], s, k);
        add_voltage(p, d, s, k);
        add_direction(p, d, s, k);
    }
    add_neutral(p, d, s);
    add_totals(p, d, s);
    phasor_line_add(p, d, s);
    phasor_missing_add(p, d, s);
    add_state(p, d, s);
    p->last_ts_s = s->ts_s;
    return 0;
}

/* ---- summary -------------------------------------------------------------------------------- */

struct phasor_cell phasor_sum(const struct sg_phasor *p, uint32_t first, uint32_t end, int quarter,
                              unsigned mask)
{
    struct phasor_cell sum = {.n = 0};
    for (uint32_t d = first; d < end; d++)
        for (int b = 0; b < PHASOR_QUARTERS; b++)
            for (int k = 0; k < SG_PHASOR_ELEMENTS; k++) {
                const struct phasor_cell *c = &p->day[d].cell[b][k];
                if ((quarter >= 0 && b != quarter) || !(mask >> k & 1))
                    continue;
                sum.n += c->n;
                sum.i += c->i;
                sum.p += c->p;
                sum.q += c->q;
                sum.s += c->s;
                sum.s1 += c->s1;
            }
    return sum;
}

static double sureness_of(double strength)
{
    return strength * strength / (1 + strength * strength);
}

/* The strongest counts whole; each other one adds a quarter of its square: what is done to a meter
 * mostly shows in several ways, but they are not independent. */
void phasor_claim(struct sg_phasor *p, const struct phasor_claim *c)
{
    const double strength = fmin(c->strength, STRENGTH_MOST), sureness = sureness_of(strength);
    if (!(strength > 0))
        return;
    const double low = fmin(p->strongest, strength);
    p->strongest = fmax(p->strongest, strength);
    p->strength_2 += low * low / 4;
    if (sureness < 0.2)
        return;
    struct sg_phasor_finding f = {.rule = c->rule,
                                  .elements = (uint8_t)c->elements,
                                  .first_s = p->day[c->from].first_s,
                                  .last_s = p->day[p->n_days - 1].last_s,
                                  .share = (float)c->share,
                                  .size = (float)c->size,
                                  .kwh_per_day = (float)fmax(c->kwh_per_day, 0),
                                  .sureness = (float)sureness};
    p->n_findings++;
    for (int i = 0; i < SG_PHASOR_TOP; i++)
        if (f.sureness > p->top[i].sureness) {
            const struct sg_phasor_finding keep = p->top[i];
            p->top[i] = f;
            f = keep;
        }
}

static void find_elements(struct sg_phasor *p)
{
    p->elements = 0;
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++)
        if (phasor_sum(p, 0, p->n_days, -1, 1u << k).n > 0)
            p->elements |= 1u << k;
}

static uint32_t count_past(const struct sg_phasor *p)
{
    const struct sg_phasor_config *c = &p->config;
    uint32_t n = 0;
    while (n < p->n_days &&
           (c->recent_from_s != INT64_MIN
                ? !is_recent(p, p->day[n].last_s)
                : p->day[p->n_days - 1].day - p->day[n].day >= (int64_t)c->recent_days))
        n++;
    return n;
}

int sg_phasor_finish(struct sg_phasor *p, struct sg_phasor_summary *ret)
{
    *ret = (struct sg_phasor_summary){.score = 0};
    p->n_past = count_past(p);
    ret->east_s = p->config.east_s;
    ret->days_past = p->n_past;
    ret->days_recent = p->n_days - p->n_past;
    if (ret->days_recent == 0)
        return SG_PHASOR_NO_RECENT;
    p->n_findings = 0;
    p->strength_2 = p->strongest = 0;
    p->top = ret->top;
    find_elements(p);
    phasor_rules_states(p);
    phasor_rules_missing(p);
    phasor_rules_balance(p);
    phasor_rules_angle(p);
    p->top = NULL;
    ret->n_findings = p->n_findings;
    const double total = p->strongest * p->strongest + p->strength_2;
    ret->score = (float)(total / (1 + total));
    return 0;
}
