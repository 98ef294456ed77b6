#include "street.h"

#include <math.h>
#include <stdlib.h>

#define T(id, name) name,
const char *const street_line_names[STREET_N_LINES] = {STREET_LINES(T)};
const char *const street_theft_names[STREET_N_THEFTS] = {STREET_THEFTS(T)};
const char *const street_fault_names[STREET_N_FAULTS] = {STREET_FAULTS(T)};
#undef T

static double between(struct sg_prng *p, double lo, double hi)
{
    return lo + (hi - lo) * sg_prng_unit(p);
}

static bool chance(struct sg_prng *p, double probability)
{
    return sg_prng_unit(p) < probability;
}

static double hours_from(double hour, double centre)
{
    const double away = fabs(hour - centre);
    return fmin(away, 24 - away);
}

/* ---- loads ---------------------------------------------------------------------------------- */

/* What all share: a day's weather, drawn once a street. */
struct weather {
    double day[512];
};

struct home {
    double kw, base, morning, evening, width, weekend, sensitive, events, season;
    bool shop;
};

static struct home draw_home(struct sg_prng *p)
{
    return (struct home){.kw = 0.45 * exp(0.55 * sg_prng_normal(p)),
                         .base = between(p, 0.15, 0.5),
                         .morning = between(p, 6, 9),
                         .evening = between(p, 18, 22),
                         .width = between(p, 1.5, 3.5),
                         .weekend = between(p, 0.8, 1.4),
                         .sensitive = between(p, 0, 0.5),
                         .events = between(p, 1, 4),
                         .season = between(p, -0.15, 0.15),
                         .shop = chance(p, 0.1)};
}

static double activity(const struct home *h, double hour, bool weekend)
{
    if (h->shop)
        return hour >= 8 && hour < 18 && !weekend ? 2.2 : 0.1;
    const double m = hours_from(hour, h->morning) / h->width,
                 e = hours_from(hour, h->evening) / h->width;
    return (1.2 * exp(-m * m) + 2.4 * exp(-e * e) + 0.4) * (weekend ? h->weekend : 1);
}

/* Energy of kettles, showers, irons begun in this interval: kWh. */
static double events(struct sg_prng *p, const struct home *h, double dt, double busy)
{
    const double rate = h->events * busy * dt / 24 / 1.2;
    double kwh = 0;
    for (int i = 0; i < 3; i++)
        if (chance(p, fmin(rate / 3, 1)))
            kwh += between(p, 0.15, 0.9) * fmin(1, 4 * dt);
    return kwh;
}

static void draw_load(struct street *s, float *to, const struct weather *w)
{
    struct sg_prng *p = &s->prng;
    const struct home h = draw_home(p);
    const double dt = 24 / (double)s->plan.per_day, keep = pow(0.55, dt);
    double wander = 0, day = 1;
    size_t away = 0;
    for (size_t t = 0; t < s->intervals; t++) {
        const size_t d = t / s->plan.per_day;
        const double hour = (double)(t % s->plan.per_day) * dt;
        if (t % s->plan.per_day == 0) {
            day = exp(0.15 * sg_prng_normal(p));
            away = away ? away - 1 : chance(p, 0.01) ? 1 + (size_t)sg_prng_below(p, 10) : 0;
        }
        wander = keep * wander + sqrt(1 - keep * keep) * 0.35 * sg_prng_normal(p);
        const double hot = h.sensitive * w->day[d] *
                           (0.4 + exp(-hours_from(hour, 15) * hours_from(hour, 15) / 18));
        const double drift = 1 + h.season * ((double)d / (double)s->plan.days - 0.5);
        const double busy = away ? 0 : activity(&h, hour, d % 7 >= 5) * day;
        const double kw =
            h.kw * (h.base + (1 - h.base) * 0.75 * busy * exp(wander) * fmax(1 + hot, 0.3) * drift);
        to[t] = (float)(kw * dt + events(p, &h, dt, busy));
    }
}

static double mean_of(const struct street *s, const float *load)
{
    double sum = 0;
    for (size_t t = 0; t < s->intervals; t++)
        sum += (double)load[t];
    return sum / (double)s->intervals;
}

/* ---- what nobody lists ---------------------------------------------------------------------- */

static size_t midway(struct street *s)
{
    const size_t judged = s->plan.days - s->plan.past;
    return (s->plan.past + (size_t)sg_prng_below(&s->prng, judged * 2 / 3 + 1)) * s->plan.per_day;
}

static void draw_line(struct street *s, float *to, const struct weather *w)
{
    const enum street_line line = s->plan.line;
    const double dt = 24 / (double)s->plan.per_day, kw = between(&s->prng, 0.3, 1.5);
    const bool late = line == STREET_LINE_NEW || line == STREET_LINE_HOOKED;
    const size_t begun = late ? midway(s) : 0;
    if (line == STREET_LINE_LIGHTS || line == STREET_LINE_CONSTANT || line == STREET_LINE_HOOKED)
        for (size_t t = 0; t < s->intervals; t++) {
            const double hour = (double)(t % s->plan.per_day) * dt;
            const bool on = line != STREET_LINE_LIGHTS || hour >= 18 || hour < 6;
            to[t] = (float)(on ? kw * dt * (1 + 0.02 * sg_prng_normal(&s->prng)) : 0);
        }
    else
        draw_load(s, to, w);
    for (size_t t = 0; t < begun; t++)
        to[t] = 0;
}

/* ---- thieves -------------------------------------------------------------------------------- */

static void steal(struct street *s, size_t j)
{
    struct sg_prng *p = &s->prng;
    const enum street_theft theft = s->theft[j];
    const double left = between(p, 0.05, 0.8);
    const double cut = between(p, 0.6, 1.5) * mean_of(s, s->drawn + j * s->intervals);
    const size_t hours = 4 + (size_t)sg_prng_below(p, 9), from = (size_t)sg_prng_below(p, 24);
    const size_t begun = theft == STREET_THEFT_ALWAYS ? 0 : midway(s);
    for (size_t t = begun; theft != STREET_THEFT_NONE && t < s->intervals; t++) {
        float *to = &s->reported[j * s->intervals + t];
        const size_t hour = t % s->plan.per_day * 24 / s->plan.per_day;
        const double x = (double)*to;
        if (theft == STREET_THEFT_ALWAYS || theft == STREET_THEFT_SHARE)
            *to = (float)(x * left);
        else if (theft == STREET_THEFT_ALL)
            *to = 0;
        else if (theft == STREET_THEFT_HOURS && (hour + 24 - from) % 24 < hours)
            *to = 0;
        else if (theft == STREET_THEFT_CUT)
            *to = (float)fmin(x, cut);
        if (t >= s->plan.past * s->plan.per_day)
            s->stolen[j] += x - (double)*to;
    }
}

static void choose_thieves(struct street *s)
{
    for (size_t i = 0; i < s->plan.thieves; i++) {
        const size_t j = (size_t)sg_prng_below(&s->prng, s->listed);
        const bool usual = chance(&s->prng, 0.6); /* by-passes are what is found most */
        s->theft[j] = (enum street_theft)(1 + sg_prng_below(&s->prng, usual ? 2 : 5));
    }
    for (size_t j = 0; j < s->listed; j++)
        steal(s, j);
}

/* ---- meters --------------------------------------------------------------------------------- */

/* Watts without load and at full load: three phases, 15 kV. */
static const struct {
    double kva, no_load, total;
} ratings[] = {{15, 85, 410},      {30, 150, 695},   {45, 195, 945},   {75, 295, 1395},
               {112.5, 390, 1890}, {150, 485, 2335}, {225, 650, 3260}, {300, 810, 4060}};

enum { BRANCHES = 4, RATINGS = sizeof(ratings) / sizeof(ratings[0]) };

/* What leaves the transformer at t, with the loss of the lines; phase: one of three that its meter
 * does not see, or 3. */
static double sum_at(const struct street *s, size_t t, const double loss[BRANCHES], size_t phase)
{
    double branch[BRANCHES] = {0}, sum = 0;
    for (size_t j = 0; j < s->n; j++)
        if (j != s->elsewhere && j % 3 != phase)
            branch[j % BRANCHES] += (double)s->drawn[j * s->intervals + t];
    for (size_t b = 0; b < BRANCHES; b++)
        sum += branch[b] + loss[b] * branch[b] * branch[b];
    return sum;
}

static void deliver(struct street *s)
{
    struct sg_prng *p = &s->prng;
    const double dt = 24 / (double)s->plan.per_day, none[BRANCHES] = {0};
    const size_t phase = s->plan.fault == STREET_FAULT_PHASE ? (size_t)sg_prng_below(p, 3) : 3;
    double most = 0, loss[BRANCHES];
    for (size_t t = 0; t < s->intervals; t++)
        most = fmax(most, sum_at(s, t, none, phase));
    size_t r = 0;
    while (r + 1 < RATINGS && ratings[r].kva * dt < most * 1.1)
        r++;
    for (size_t b = 0; b < BRANCHES; b++) /* 0.5 to 3 % at the branch's largest */
        loss[b] = between(p, 0.005, 0.03) / (most / BRANCHES * 1.5);
    const double iron = ratings[r].no_load / 1000 * dt, full = ratings[r].kva * dt,
                 copper = (ratings[r].total - ratings[r].no_load) / 1000 * dt / (full * full);
    const double gain = between(p, 0.995, 1.005) * s->ratio;
    for (size_t t = 0; t < s->intervals; t++) {
        const double sum = sum_at(s, t, loss, phase);
        s->transformer[t] =
            (float)((sum + iron + copper * sum * sum) * gain * (1 + 0.002 * sg_prng_normal(p)));
    }
}

static void shift_clock(struct street *s)
{
    float *to = s->transformer;
    s->shift = 1 + (int)sg_prng_below(&s->prng, 2);
    for (size_t t = s->intervals; t-- > (size_t)s->shift;)
        to[t] = to[t - (size_t)s->shift];
    for (size_t t = 0; t < (size_t)s->shift; t++)
        to[t] = NAN;
}

static void lose_readings(struct street *s)
{
    for (size_t t = s->plan.past * s->plan.per_day; t < s->intervals; t++)
        if (t / s->plan.per_day % 2)
            s->transformer[t] = NAN;
}

/* Runs of missing readings: one customer in ten lacks a few, one in forty all of the last days. */
static void lose_some(struct street *s)
{
    struct sg_prng *p = &s->prng;
    for (size_t j = 0; j < s->listed; j++) {
        float *row = s->reported + j * s->intervals;
        const bool few = chance(p, 0.1), stops = chance(p, 0.025);
        const size_t end = stops ? midway(s) : s->intervals;
        for (size_t t = 0; t < s->intervals; t++)
            if (few && chance(p, 0.004))
                for (size_t k = 0; k < 24 && t < s->intervals; k++)
                    row[t++] = NAN;
        for (size_t t = end; t < s->intervals; t++)
            row[t] = NAN;
        s->stopped[j] = stops;
    }
    for (size_t t = 0; t < s->intervals; t++)
        if (chance(p, 0.01))
            s->transformer[t] = NAN;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void settle(struct street *s)
{
    struct sg_prng *p = &s->prng;
    struct weather w;
    double heat = 0;
    for (size_t d = 0; d < s->plan.days && d < 512; d++)
        w.day[d] = heat = 0.7 * heat + 0.6 * sg_prng_normal(p);
    for (size_t j = 0; j < s->n; j++) {
        float *drawn = s->drawn + j * s->intervals, *reported = s->reported + j * s->intervals;
        const double gain = between(p, 0.99, 1.01);
        if (j < s->listed)
            draw_load(s, drawn, &w);
        else
            draw_line(s, drawn, &w);
        for (size_t t = 0; t < s->intervals; t++)
            reported[t] = (float)(round((double)drawn[t] * gain * 1000) / 1000);
    }
}

static void spoil(struct street *s)
{
    if (s->plan.fault == STREET_FAULT_CLOCK)
        shift_clock(s);
    if (s->plan.fault == STREET_FAULT_GAPS)
        lose_readings(s);
    if (s->plan.outages)
        lose_some(s);
}

/* The first of the shares, in hundredths, that the draw falls into; past them: 0. */
static int kind_of(struct sg_prng *p, const unsigned char *hundredths, int n)
{
    unsigned draw = (unsigned)sg_prng_below(p, 100);
    for (int k = 1; k < n; k++) {
        if (draw < hundredths[k])
            return k;
        draw -= hundredths[k];
    }
    return 0;
}

struct street_plan street_of_town(uint64_t seed, uint32_t index)
{
    static const unsigned char lines[STREET_N_LINES] = {
        [STREET_LINE_LIGHTS] = 15, [STREET_LINE_HOUSEHOLD] = 10, [STREET_LINE_TWO] = 3,
        [STREET_LINE_NEW] = 6,     [STREET_LINE_CONSTANT] = 8,   [STREET_LINE_HOOKED] = 6};
    static const unsigned char faults[STREET_N_FAULTS] = {[STREET_FAULT_RATIO] = 1,
                                                          [STREET_FAULT_PHASE] = 1,
                                                          [STREET_FAULT_CLOCK] = 2,
                                                          [STREET_FAULT_GAPS] = 1,
                                                          [STREET_FAULT_ELSEWHERE] = 3};
    static const unsigned char thieves[4] = {0, 20, 5, 5};
    struct sg_prng p;
    sg_prng_seed2(&p, seed, UINT64_C(0x746f776e) << 32 | index);
    return (struct street_plan){.seed = seed,
                                .index = index,
                                .per_day = 24,
                                .days = 60,
                                .past = 30,
                                .thieves = (size_t)kind_of(&p, thieves, 4),
                                .line = (enum street_line)kind_of(&p, lines, STREET_N_LINES),
                                .fault = (enum street_fault)kind_of(&p, faults, STREET_N_FAULTS),
                                .outages = true};
}

bool street_make(struct street *ret, const struct street_plan *plan)
{
    struct street s = {
        .plan = *plan, .intervals = plan->days * plan->per_day, .elsewhere = SIZE_MAX, .ratio = 1};
    sg_prng_seed2(&s.prng, plan->seed, UINT64_C(0x737472) << 32 | plan->index);
    s.listed = plan->customers ? plan->customers : 10 + (size_t)sg_prng_below(&s.prng, 51);
    s.n = s.listed + (plan->line != STREET_LINE_NONE) + (plan->line == STREET_LINE_TWO);
    s.drawn = calloc(s.n * s.intervals, sizeof(float));
    s.reported = calloc(s.n * s.intervals, sizeof(float));
    s.transformer = calloc(s.intervals, sizeof(float));
    if (!s.drawn || !s.reported || !s.transformer) {
        street_clear(&s);
        return false;
    }
    if (plan->fault == STREET_FAULT_RATIO)
        s.ratio = chance(&s.prng, 0.5) ? 1.5 : 2.0 / 3;
    settle(&s);
    choose_thieves(&s);
    if (plan->fault == STREET_FAULT_ELSEWHERE)
        s.elsewhere = (size_t)sg_prng_below(&s.prng, s.listed);
    deliver(&s);
    spoil(&s);
    *ret = s;
    return true;
}

void street_clear(struct street *s)
{
    free(s->drawn);
    free(s->reported);
    free(s->transformer);
    *s = (struct street){.drawn = NULL};
}

struct sg_balance_input street_input(const struct street *s)
{
    return (struct sg_balance_input){.n_customers = s->listed,
                                     .n_intervals = s->intervals,
                                     .transformer = s->transformer,
                                     .customer = s->reported,
                                     .n_past = s->plan.past * s->plan.per_day,
                                     .per_day = (uint32_t)s->plan.per_day,
                                     .no_load_kwh = NAN,
                                     .loss_per_kwh2 = NAN};
}
