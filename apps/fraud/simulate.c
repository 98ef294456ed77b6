/* simulate - campaigns of inspections, and rounds of them. */
#include "simulate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/random.h>

#define WORKDAYS 5
#define WEEK     7

const char *const sim_figure_names[SIM_N_FIGURES] = {
#define F(name) #name,
    SIM_FIGURES(F)
#undef F
};

/* ---- one campaign -------------------------------------------------------------------------- */

/* A customer who was not at home; due days never fall from one to the next. */
struct again {
    uint32_t index, due, made;
};

struct campaign {
    const struct sim_customer *customers;
    const struct sim_campaign *c;
    const uint32_t *order;
    size_t n, next;
    struct again *again; /* a visit makes one at most */
    size_t again_first, again_end;
    struct sg_prng chance;
    sim_visit_fn visit;
    void *user;
    double visits, found, regular, kwh;
};

/* Whose turn it is; false: nobody's today. */
static bool take_turn(struct campaign *m, uint32_t day, struct again *ret)
{
    if (m->again_first < m->again_end && m->again[m->again_first].due <= day) {
        *ret = m->again[m->again_first++];
        return true;
    }
    if (m->next == m->n)
        return false;
    *ret = (struct again){.index = m->order[m->next++]};
    return true;
}

/* Both numbers are drawn in any case: the k-th visit of a campaign has the same chance whatever
 * came of those before. */
static enum sim_outcome draw(struct campaign *m, bool thief)
{
    const double access = sg_prng_unit(&m->chance), finding = sg_prng_unit(&m->chance);
    if (access < m->c->no_access)
        return SIM_NO_ACCESS;
    return thief && finding >= m->c->missed ? SIM_FOUND : SIM_REGULAR;
}

static double recovered(const struct sim_customer *one, const struct sim_campaign *c, uint32_t day)
{
    const double left = c->horizon_days > day ? c->horizon_days - day : 0;
    return one->kwh_day * (left + (one->days_before + day) * c->billed_share);
}

static int visit(struct campaign *m, struct again turn, uint32_t day)
{
    const struct sim_customer *one = &m->customers[turn.index];
    const enum sim_outcome outcome = draw(m, one->thief);
    m->visits++;
    m->found += outcome == SIM_FOUND;
    m->regular += outcome == SIM_REGULAR;
    if (outcome == SIM_FOUND)
        m->kwh += recovered(one, m->c, day);
    if (outcome == SIM_NO_ACCESS && turn.made + 1 < m->c->attempts)
        m->again[m->again_end++] =
            (struct again){turn.index, day + m->c->retry_days, turn.made + 1};
    return m->visit ? m->visit(m->user, turn.index, day, outcome) : 0;
}

/* Visits of working day number k of the campaign: the rest of a division is spread evenly. */
static uint64_t visits_of(const struct sim_campaign *c, uint32_t k)
{
    const double each = c->visits_week / WORKDAYS;
    return (uint64_t)(floor((k + 1) * each + 1e-9) - floor(k * each + 1e-9));
}

static int go(struct campaign *m)
{
    int r = 0;
    for (uint32_t k = 0; r == 0 && k < m->c->weeks * WORKDAYS; k++) {
        const uint32_t day = k / WORKDAYS * WEEK + k % WORKDAYS;
        struct again turn;
        for (uint64_t left = visits_of(m->c, k); r == 0 && left && take_turn(m, day, &turn); left--)
            r = visit(m, turn, day);
    }
    return r;
}

/* Visits that a campaign can make at most. */
static size_t room_of(const struct sim_campaign *c, size_t n)
{
    const double most = fmin(c->visits_week * c->weeks, (double)n * c->attempts);
    return (size_t)most + 1;
}

struct truth {
    double n, thieves;
};

static void figures_of(const struct campaign *m, struct truth t, double ret[SIM_N_FIGURES])
{
    const struct sim_campaign *c = m->c;
    const double base = t.thieves / t.n * (1 - c->missed), seen = m->found + m->regular;
    ret[SIM_visits] = m->visits;
    ret[SIM_found] = m->found;
    ret[SIM_hit_rate] = seen > 0 ? m->found / seen : NAN;
    ret[SIM_lift] = seen > 0 && base > 0 ? m->found / seen / base : NAN;
    ret[SIM_found_share] = t.thieves > 0 ? m->found / t.thieves : NAN;
    ret[SIM_kwh] = m->kwh;
    ret[SIM_money] = m->kwh * c->kwh_price - m->visits * c->visit_cost;
}

static bool is_share(double v)
{
    return v >= 0 && v <= 1;
}

static bool is_campaign(const struct sim_campaign *c)
{
    return c->weeks >= 1 && c->weeks <= SIM_WEEKS_MAX && c->attempts >= 1 &&
           c->attempts <= SIM_ATTEMPTS_MAX && c->retry_days <= SIM_DAYS_MAX &&
           c->horizon_days <= SIM_DAYS_MAX && c->visits_week > 0 &&
           c->visits_week <= SIM_VISITS_MAX && is_share(c->no_access) && is_share(c->missed) &&
           is_share(c->billed_share) && isfinite(c->visit_cost) && isfinite(c->kwh_price);
}

static struct truth truth_of(const struct sim_customer *customers, const uint32_t *order, size_t n)
{
    struct truth t = {.n = (double)n};
    for (size_t i = 0; i < n; i++)
        t.thieves += customers[order[i]].thief;
    return t;
}

int sim_campaign_run(const struct sim_customer *customers, size_t n, const uint32_t *order,
                     const struct sim_campaign *c, uint64_t seed, sim_visit_fn visit_fn, void *user,
                     double ret[SIM_N_FIGURES])
{
    struct campaign m = {
        .customers = customers, .c = c, .order = order, .n = n, .visit = visit_fn, .user = user};
    if (n == 0 || !is_campaign(c))
        return sg_raise(-EINVAL);
    m.again = calloc(room_of(c, n), sizeof(*m.again));
    if (!m.again)
        return sg_raise(-ENOMEM);
    sg_prng_seed(&m.chance, seed);
    const int r = go(&m);
    if (r == 0)
        figures_of(&m, truth_of(customers, order, n), ret);
    free(m.again);
    return r;
}

/* ---- rounds -------------------------------------------------------------------------------- */

struct study {
    const struct sim_study *s;
    size_t n_rows;
    uint32_t *best;  /* the order of the best there is */
    uint32_t *times; /* how often a round drew each customer */
    uint32_t *order; /* of a round */
    double *values;  /* [row][capacity][figure][round] */
};

static void study_clear(struct study *m)
{
    free(m->best);
    free(m->times);
    free(m->order);
    free(m->values);
}

static int by_theft(const void *a, const void *b, void *customers)
{
    const struct sim_customer *all = customers;
    const uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    const struct sim_customer *x = &all[i], *y = &all[k];
    if (x->thief != y->thief)
        return x->thief ? -1 : 1;
    if (x->kwh_day != y->kwh_day)
        return x->kwh_day > y->kwh_day ? -1 : 1;
    return i < k ? -1 : 1;
}

static void draw_customers(struct study *m, struct sg_prng *p)
{
    memset(m->times, 0, m->s->n * sizeof(*m->times));
    for (size_t i = 0; i < m->s->n; i++)
        m->times[sg_prng_below(p, m->s->n)]++;
}

/* An order of customers with each as often as it was drawn. */
static void repeat(struct study *m, const uint32_t *order)
{
    size_t at = 0;
    for (size_t i = 0; i < m->s->n; i++)
        for (uint32_t k = 0; k < m->times[order[i]]; k++)
            m->order[at++] = order[i];
}

/* Fisher and Yates. */
static void shuffle(struct study *m, struct sg_prng *p)
{
    for (size_t i = m->s->n - 1; i > 0; i--) {
        const size_t k = sg_prng_below(p, i + 1);
        const uint32_t kept = m->order[i];
        m->order[i] = m->order[k];
        m->order[k] = kept;
    }
}

static void make_order(struct study *m, size_t row, struct sg_prng *p)
{
    repeat(m, row < m->s->n_orders ? m->s->orders[row] : m->best);
    if (row == m->s->n_orders)
        shuffle(m, p);
}

/* One order of one round, at every capacity. */
static int run_row(struct study *m, size_t row, uint32_t round)
{
    const struct sim_study *s = m->s;
    struct sim_campaign c = s->campaign;
    int r = 0;
    for (size_t i = 0; r == 0 && i < s->n_capacities; i++) {
        double got[SIM_N_FIGURES];
        c.visits_week = s->capacities[i];
        r = sim_campaign_run(s->customers, s->n, m->order, &c, s->seed + round, NULL, NULL, got);
        double *to = m->values + ((row * s->n_capacities + i) * SIM_N_FIGURES) * s->rounds;
        for (size_t f = 0; r == 0 && f < SIM_N_FIGURES; f++)
            to[f * s->rounds + round] = got[f];
    }
    return r;
}

static int run_round(struct study *m, uint32_t round)
{
    struct sg_prng p;
    int r = 0;
    sg_prng_seed2(&p, m->s->seed, round);
    draw_customers(m, &p);
    for (size_t row = 0; r == 0 && row < m->n_rows; row++) {
        make_order(m, row, &p);
        r = run_row(m, row, round);
    }
    return r;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Rounds without a value (no visit got in) are left out.  Percentiles by the nearest rank. */
static struct sim_interval interval_of(double *v, size_t rounds)
{
    size_t n = 0;
    double sum = 0;
    for (size_t i = 0; i < rounds; i++)
        if (!isnan(v[i]))
            v[n++] = v[i];
    if (n == 0)
        return (struct sim_interval){NAN, NAN, NAN};
    qsort(v, n, sizeof(*v), ascending);
    for (size_t i = 0; i < n; i++)
        sum += v[i];
    const double last = (double)(n - 1);
    return (struct sim_interval){sum / (double)n, v[(size_t)floor(0.025 * last + 0.5)],
                                 v[(size_t)floor(0.975 * last + 0.5)]};
}

static int make_room(struct study *m)
{
    const struct sim_study *s = m->s;
    size_t bytes;
    if (__builtin_mul_overflow(m->n_rows * s->n_capacities * SIM_N_FIGURES * sizeof(*m->values),
                               s->rounds, &bytes))
        return sg_raise(-EINVAL);
    m->best = calloc(s->n, sizeof(*m->best));
    m->times = calloc(s->n, sizeof(*m->times));
    m->order = calloc(s->n, sizeof(*m->order));
    m->values = malloc(bytes);
    if (!m->best || !m->times || !m->order || !m->values)
        return sg_raise(-ENOMEM);
    for (uint32_t i = 0; i < s->n; i++)
        m->best[i] = i;
    qsort_r(m->best, s->n, sizeof(*m->best), by_theft, (void *)(uintptr_t)s->customers);
    return 0;
}

static int sum_up(struct study *m, struct sim_result **ret)
{
    const size_t n = m->n_rows * m->s->n_capacities, rounds = m->s->rounds;
    struct sim_result *list = calloc(n, sizeof(*list));
    if (!list)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < n; i++)
        for (size_t f = 0; f < SIM_N_FIGURES; f++)
            list[i].figure[f] = interval_of(m->values + (i * SIM_N_FIGURES + f) * rounds, rounds);
    *ret = list;
    return 0;
}

int sim_study_run(const struct sim_study *s, struct sim_result **ret)
{
    SG_CLEANUP(study_clear) struct study m = {.s = s, .n_rows = s->n_orders + 2};
    if (s->n < 1 || s->n > SIM_CUSTOMERS_MAX || s->rounds < 1 || s->rounds > SIM_ROUNDS_MAX ||
        s->n_orders > SIM_ORDERS_MAX || s->n_capacities < 1 || s->n_capacities > 1000)
        return sg_raise(-EINVAL);
    int r = make_room(&m);
    for (uint32_t round = 0; r == 0 && round < s->rounds; round++)
        r = run_round(&m, round);
    return r ? r : sum_up(&m, ret);
}
