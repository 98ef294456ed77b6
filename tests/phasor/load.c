#include "load.h"

#include <math.h>
#include <string.h>

static double between(struct sg_prng *p, double lo, double hi)
{
    return lo + (hi - lo) * sg_prng_unit(p);
}

static bool chance(struct sg_prng *p, double probability)
{
    return sg_prng_unit(p) < probability;
}

static int phase_of(struct sg_prng *p)
{
    return (int)sg_prng_below(p, 3);
}

/* ---- one customer --------------------------------------------------------------------------- */

/* Base load and a working time with soft edges. */
static void draw_hours(struct sg_prng *p, double ret[24])
{
    const double open = between(p, 5, 11), close = open + between(p, 6, 14);
    const double base = between(p, 0.15, 0.9);
    double sum = 0;
    for (int h = 0; h < 24; h++) {
        const double in = 1 / (1 + exp(-2 * (h + 0.5 - open)));
        double out = 1 / (1 + exp(-2 * (h + 0.5 - close)));
        if (close > 24)
            out = 1 - 1 / (1 + exp(2 * (h + 24.5 - close))) * (h < 12);
        ret[h] = base + (1 - base) * fmax(in - out, 0) * between(p, 0.85, 1.15);
        sum += ret[h];
    }
    for (int h = 0; h < 24; h++)
        ret[h] *= 24 / sum;
}

static void draw_load(struct load_customer *c)
{
    struct sg_prng *p = &c->prng;
    /* 10 to 69 A a phase were captured: mean currents 8 to 36 A, peaks twice that. */
    const double amperes = fmin(fmax(18 * exp(0.4 * sg_prng_normal(p)), 8), 36);
    const double common = between(p, 0.15, 0.9);
    draw_hours(p, c->hours);
    c->weekend = between(p, 0.35, 1.1);
    c->season = between(p, 0, 0.15);
    c->three = amperes * 129.4 * common;
    c->tan_three = between(p, 0.1, 0.65);
    for (int k = 0; k < 3; k++) {
        draw_hours(p, c->hours_phase[k]);
        c->single[k] = amperes * 129.4 * (1 - common) * exp(0.35 * sg_prng_normal(p));
        c->tan_single[k] = between(p, -0.05, 0.35);
        c->filter[k] = between(p, 0, 0.08) * amperes * 129.4;
        c->thd[k] = between(p, 0.04, 0.2);
        c->volts[k] = between(p, 128.9, 130.0);
    }
    /* A phase with hardly anything on it, as small businesses have. */
    if (chance(p, 0.12))
        c->single[phase_of(p)] *= 0.05;
    c->bank = chance(p, 0.15) ? c->three * c->tan_three * between(p, 0.4, 0.9) : 0;
    c->sigma_day = between(p, 0.04, 0.2);
    c->sigma_day_phase = between(p, 0.02, 0.12);
    c->sigma_week = between(p, 0.005, 0.025);
    c->sigma_common = between(p, 0.05, 0.25);
    c->sigma_phase = between(p, 0.08, 0.35);
    c->ohms = between(p, 0.005, 0.06);
    c->feeder_sigma = between(p, 0.3, 0.7);
    c->lean_sigma = between(p, 0.05, 0.3);
}

/* Two IEC 62053-21 class 1 meters differ by less than 2 %; class 0.5 ones at transformers by 1 %.
 */
static void draw_meter(struct load_customer *c, const struct load_config *config)
{
    struct sg_prng *p = &c->prng;
    const double kind = sg_prng_unit(p);
    c->elements = 7;
    c->ratio = 1;
    if (kind < 0.12) {
        c->wiring = SG_PHASOR_ARON;
        c->elements = 5;
        c->ratio = chance(p, 0.5) ? 20 : 1;
    } else if (kind < 0.25) {
        c->elements = 7u & ~(1u << phase_of(p));
    } else if (kind < 0.4) {
        c->ratio = chance(p, 0.5) ? 20 : 40;
    }
    const double class = c->ratio > 1 ? 0.004 : 0.008;
    for (int k = 0; k < 3; k++) {
        c->gain_v[k] = 1 + between(p, -0.004, 0.004);
        c->gain_i[k] = 1 + between(p, -class, class);
        c->gain_p[k] = c->gain_v[k] * c->gain_i[k] * (1 + between(p, -0.003, 0.003));
    }
    c->has_neutral =
        c->wiring == SG_PHASOR_STAR && sg_prng_below(p, 1000) < config->neutral_permille;
    c->has_check = sg_prng_below(p, 1000) < config->check_permille;
}

static void draw_events(struct load_customer *c)
{
    static const double probability[LOAD_N_EVENTS] = {
        [LOAD_VACATION] = 0.20,    [LOAD_NEW_SINGLE] = 0.10, [LOAD_OLD_SINGLE] = 0.08,
        [LOAD_NEW_THREE] = 0.08,   [LOAD_SOLAR] = 0.04,      [LOAD_CAPACITOR] = 0.06,
        [LOAD_ELECTRONICS] = 0.05, [LOAD_DECLINE] = 0.06,    [LOAD_TENANT] = 0.02,
        [LOAD_FLOATING] = 0.01,    [LOAD_VISIT] = 0.05,
    };
    struct sg_prng *p = &c->prng;
    for (int e = 0; e < LOAD_N_EVENTS; e++) {
        c->event[e] = chance(p, probability[e]);
        c->event_day[e] = (uint32_t)sg_prng_below(p, c->days);
        c->event_days[e] = 4 + (uint32_t)sg_prng_below(p, 17);
    }
    c->event_phase = phase_of(p);
    c->event_size = sg_prng_unit(p);
    c->solar = chance(p, 0.06);
    c->solar_phase = chance(p, 0.5) ? -1 : phase_of(p);
    c->solar_w = between(p, 0.4, 1.6) * (c->three + c->single[0]);
}

void load_draw(struct load_customer *c, const struct load_config *config, uint32_t index)
{
    memset(c, 0, sizeof(*c));
    sg_prng_seed2(&c->prng, config->seed, UINT64_C(0x70686173) << 32 | index);
    c->index = index;
    c->days = config->days;
    draw_load(c);
    draw_meter(c, config);
    draw_events(c);
    c->outage_phase = c->sag_phase = -1;
}

/* ---- time ----------------------------------------------------------------------------------- */

static bool on(const struct load_customer *c, enum load_event e, uint32_t d)
{
    return c->event[e] && d >= c->event_day[e];
}

static bool within(const struct load_customer *c, enum load_event e, uint32_t d)
{
    return on(c, e, d) && d < c->event_day[e] + c->event_days[e];
}

/* x' = rho x + sqrt(1 - rho^2) sigma z */
static void wander(struct sg_prng *p, double *x, double rho, double sigma)
{
    *x = rho * *x + sqrt(1 - rho * rho) * sigma * sg_prng_normal(p);
}

static void begin_day(struct load_customer *c)
{
    struct sg_prng *p = &c->prng;
    wander(p, &c->day_common, 0.4, c->sigma_day);
    for (int k = 0; k < 3; k++) {
        wander(p, &c->day_phase[k], 0.4, c->sigma_day_phase);
        c->week_phase[k] += c->sigma_week / sqrt(7) * sg_prng_normal(p);
    }
    c->cloud = between(p, 0.2, 1);
}

static void begin_interval(struct load_customer *c)
{
    struct sg_prng *p = &c->prng;
    wander(p, &c->common, 0.85, c->sigma_common);
    for (int k = 0; k < 3; k++)
        wander(p, &c->phase[k], 0.7, c->sigma_phase);
    wander(p, &c->feeder, 0.95, c->feeder_sigma);
    for (int k = 0; k < 3; k++)
        wander(p, &c->lean[k], 0.93, c->lean_sigma);
    wander(p, &c->frequency, 0.5, 0.025);
}

/* Two outages a quarter of an hour to two hours long a period, of all phases or of one; sags. */
static void draw_disturbances(struct load_customer *c)
{
    struct sg_prng *p = &c->prng;
    const double each = 1.0 / (LOAD_PER_DAY * 45);
    if (c->outage_left)
        c->outage_left--;
    else if (chance(p, each)) {
        c->outage_left = 1 + (uint32_t)sg_prng_below(p, 8);
        c->outage_phase = chance(p, 0.7) ? -1 : phase_of(p);
    }
    if (c->sag_left)
        c->sag_left--;
    else if (chance(p, 8 * each)) {
        c->sag_left = 1 + (uint32_t)sg_prng_below(p, 3);
        c->sag_phase = chance(p, 0.5) ? -1 : phase_of(p);
        c->sag_depth = between(p, 0.05, 0.5);
    }
}

/* ---- electricity ---------------------------------------------------------------------------- */

struct element {
    double v, p, q, i;
};

/* While nobody is there: at most what runs in the emptiest hour, at all hours. */
static double hourly(const struct load_customer *c, const double hours[24], uint32_t d,
                     uint32_t hour)
{
    double least = hours[0];
    if (!within(c, LOAD_VACATION, d))
        return hours[hour];
    for (int h = 1; h < 24; h++)
        least = fmin(least, hours[h]);
    return least * (0.3 + 0.7 * c->event_size);
}

static double single_load(const struct load_customer *c, int k, uint32_t d, uint32_t hour)
{
    double w =
        c->single[k] * hourly(c, c->hours_phase[k], d, hour) *
        exp(c->day_phase[k] + c->week_phase[k] + c->phase[k] - c->sigma_phase * c->sigma_phase / 2);
    const bool working = hour >= 8 && hour < 20;
    const double machine =
        (0.2 + 0.8 * c->event_size) * (c->three + c->single[k]) * (working ? 1 : 0.1);
    if (k == c->event_phase && on(c, LOAD_NEW_SINGLE, d))
        w += machine;
    if (k == c->event_phase && c->event[LOAD_OLD_SINGLE] && !on(c, LOAD_OLD_SINGLE, d))
        w += machine;
    if (k == c->event_phase && on(c, LOAD_TENANT, d))
        w *= 0.1;
    return w;
}

static double three_load(const struct load_customer *c, uint32_t d, uint32_t hour)
{
    double w = c->three * hourly(c, c->hours, d, hour) *
               exp(c->common - c->sigma_common * c->sigma_common / 2);
    if (on(c, LOAD_NEW_THREE, d) && hour >= 7 && hour < 19)
        w += (0.2 + 0.8 * c->event_size) * c->three;
    return w;
}

/* Of both: the days' and the weeks' factor. */
static double factor(const struct load_customer *c, uint32_t d)
{
    const bool weekend = d % 7 >= 5;
    double f = (weekend ? c->weekend : 1) * exp(c->day_common) *
               (1 + c->season * cos(2 * M_PI * d / 365.0));
    if (on(c, LOAD_DECLINE, d)) /* over a month at last */
        f *= 1 - (0.1 + 0.25 * c->event_size) * fmin((d - c->event_day[LOAD_DECLINE]) / 30.0, 1);
    return f;
}

static double sun(const struct load_customer *c, int k, uint32_t d, double hour)
{
    if (!(c->solar || on(c, LOAD_SOLAR, d)) || (c->solar_phase >= 0 && c->solar_phase != k))
        return 0;
    const double s = sin(M_PI * (hour - 6) / 12);
    return hour > 6 && hour < 18 ? c->solar_w * s * c->cloud : 0;
}

static double bank(const struct load_customer *c, uint32_t d)
{
    /* Fails where there is one, else is added. */
    if (!on(c, LOAD_CAPACITOR, d))
        return c->bank;
    return c->bank > 0 ? 0 : 0.6 * c->three * c->tan_three;
}

static struct element phase_now(struct load_customer *c, int k, uint32_t d, uint32_t at)
{
    const uint32_t hour = at / 4;
    const double f = factor(c, d), three = f * three_load(c, d, hour);
    /* What never is switched off: a fridge, a router, a lamp. */
    const double single = f * single_load(c, k, d, hour) + 25;
    const bool closed = within(c, LOAD_VACATION, d);
    struct element e;
    e.p = three + single - sun(c, k, d, at / 4.0);
    e.q = three * c->tan_three + single * c->tan_single[k] - c->filter[k] -
          (closed ? 0.3 : 1) * bank(c, d) * (three > 0.5 * c->three ? 1 : 0.5);
    double thd = c->thd[k] * (0.8 + 0.4 * sg_prng_unit(&c->prng));
    if (on(c, LOAD_ELECTRONICS, d) && hour >= 7 && hour < 22)
        thd += 0.1 + 0.2 * c->event_size;
    const double s = sqrt((e.p * e.p + e.q * e.q) * (1 + thd * thd));
    e.v = c->volts[k] + c->feeder + c->lean[k] + 0.06 * sg_prng_normal(&c->prng) -
          c->ohms * s / 129.4;
    e.i = s / e.v;
    return e;
}

static void disturb(struct load_customer *c, uint32_t d, uint32_t at, struct element e[3])
{
    for (int k = 0; k < 3; k++) {
        if (c->sag_left && (c->sag_phase < 0 || c->sag_phase == k)) {
            e[k].v *= 1 - c->sag_depth;
            e[k].p *= 1 - c->sag_depth;
            e[k].q *= 1 - c->sag_depth;
        }
        /* A fuse of the feeder: motors feed some voltage back. */
        if (c->outage_left && c->outage_phase == k) {
            e[k].v *= 0.04 + 0.5 * c->event_size;
            e[k].i = e[k].p = e[k].q = 0;
        }
    }
    if (c->event[LOAD_FLOATING] && d == c->event_day[LOAD_FLOATING] && at > 30 && at < 70)
        for (int k = 0; k < 3; k++) {
            const double by = k == c->event_phase ? 0.7 : 1.12;
            e[k].v *= by;
            e[k].i *= by;
            e[k].p *= by * by;
            e[k].q *= by * by;
        }
}

/* ---- the meter ------------------------------------------------------------------------------ */

static double neutral_of(const struct element e[3], unsigned elements, double third)
{
    double re = 0, im = 0, sum = 0;
    for (int k = 0; k < 3; k++) {
        const double s1 = sqrt(e[k].p * e[k].p + e[k].q * e[k].q);
        if (!(elements >> k & 1) || s1 <= 0)
            continue;
        const double a = -2 * M_PI / 3 * k - atan2(e[k].q, e[k].p);
        re += e[k].i * cos(a);
        im += e[k].i * sin(a);
        sum += e[k].i;
    }
    /* Third harmonics add up in the neutral. */
    return sqrt(re * re + im * im + third * third * sum * sum);
}

/* Elements ab and cb see line voltages 30 degrees ahead of a and behind c. */
static void to_aron(const struct element e[3], struct element ret[3])
{
    static const double turn[3] = {M_PI / 6, 0, -M_PI / 6};
    for (int k = 0; k < 3; k += 2) {
        const double s1 = sqrt(e[k].p * e[k].p + e[k].q * e[k].q);
        const double phi = atan2(e[k].q, e[k].p) + turn[k];
        const double s = s1 * (e[1].v + e[k].v) / 2 * 1.7320508 / e[k].v;
        ret[k] =
            (struct element){(e[1].v + e[k].v) / 2 * 1.7320508, s * cos(phi), s * sin(phi), e[k].i};
    }
}

static double rounded(double v, double unit)
{
    return nearbyint(v / unit) * unit;
}

static void measure(struct load_customer *c, const struct element *e, int k,
                    struct sg_phasor_sample *ret)
{
    struct sg_prng *p = &c->prng;
    /* Quantities are read one after the other while the load moves. */
    const double moved = chance(p, 0.06) ? 0.03 * sg_prng_normal(p) : 0.002 * sg_prng_normal(p);
    ret->v[k] = e->v * c->gain_v[k];
    ret->i[k] = fabs(e->i) * c->gain_i[k] / c->ratio;
    ret->p[k] = e->p * c->gain_p[k] * (1 + moved) / c->ratio;
    ret->q[k] = e->q * c->gain_p[k] * (1 + moved) / c->ratio;
}

bool load_next(struct load_customer *c, uint32_t d, uint32_t k, struct sg_phasor_sample *ret)
{
    struct element e[3], aron[3];
    if (k == 0)
        begin_day(c);
    begin_interval(c);
    draw_disturbances(c);
    for (int i = 0; i < 3; i++)
        e[i] = phase_now(c, i, d, k);
    disturb(c, d, k, e);
    sg_phasor_sample_clear(ret);
    ret->ts_s = INT64_C(1767236400) - LOAD_EAST_S - 10800 +
                ((int64_t)d * LOAD_PER_DAY + k + 1) * LOAD_INTERVAL_S;
    if (c->wiring == SG_PHASOR_ARON)
        to_aron(e, aron);
    for (int i = 0; i < 3; i++)
        if (c->elements >> i & 1)
            measure(c, c->wiring == SG_PHASOR_ARON ? &aron[i] : &e[i], i, ret);
    if (c->has_neutral)
        ret->neutral =
            neutral_of(e, c->elements, 0.05) * (1 + 0.005 * sg_prng_normal(&c->prng)) / c->ratio;
    ret->frequency = rounded(60 + c->frequency, 0.01);
    ret->temperature = rounded(25 + 4 * cos(2 * M_PI * (k / 4.0 - 15) / 24), 0.1);
    if (c->event[LOAD_VISIT] && d == c->event_day[LOAD_VISIT] && k == 40)
        ret->events = SG_PHASOR_TERMINAL_COVER | SG_PHASOR_SERVICE;
    return !(c->outage_left && c->outage_phase < 0);
}
