#include "balance-int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOURS  24
#define SLOTS  (2 * HOURS)
#define BLOCK  3 /* days: of the course in time */
#define PLACES 8 /* at most so many falls a transformer */
/* Steps and profiles of hours are smooth: of the blocks and of the hours so many are independent.
 */
#define WITNESSES_TIME   3.0
#define WITNESSES_SHAPE  8.0
#define CLEAR_DEVIATIONS 2.5
#define FALL_LEAST       0.1 /* of what it used to draw */
#define RISE_LEAST       0.4 /* of the fall; it may be more, where others fall as well */
#define RATIO_LEAST      0.3 /* of the loss's rise to the fall, in their course */
#define RATIO_MOST       1.8
#define DEVIATIONS_LEAST 2.0
#define SURE_DEVIATIONS  2.8
#define SURE_GAP         1.5
#define SURE_SHARE       0.08

struct falls {
    const struct balance_data *d;
    const struct balance_fit *fit;
    size_t n_blocks;
    float *rest;         /* the loss that no share explains, less what was usual in the past */
    float *rise, *fall;  /* of the customer in hand: with its share again; what it used to draw */
    double *n, *x, *y;   /* by block */
    bool clear[SLOTS];   /* hours at which it falls clearly in some part; or all */
    double usual[SLOTS]; /* profile of all customers */
};

static size_t slot_of(const struct sg_balance_input *in, size_t t)
{
    const size_t k = t % in->per_day, day = t / in->per_day;
    const size_t hour = in->per_day > HOURS ? k * HOURS / in->per_day : k;
    return ((in->weekday + day) % 7 >= 5 ? HOURS : 0) + hour;
}

static bool counts(const struct falls *f, size_t t)
{
    return !isnan(f->d->left[t]);
}

/* ---- the two sides -------------------------------------------------------------------------- */

/* Takes out of a series what was usual in the past at that hour. */
static void less_past(const struct falls *f, float *series)
{
    const struct sg_balance_input *in = f->d->in;
    double n[BALANCE_SLOTS_MAX] = {0}, sum[BALANCE_SLOTS_MAX] = {0};
    for (size_t t = 0; t < in->n_past; t++)
        if (counts(f, t)) {
            n[balance_slot(in, t)]++;
            sum[balance_slot(in, t)] += (double)series[t];
        }
    for (size_t t = 0; t < in->n_intervals; t++) {
        const size_t slot = balance_slot(in, t);
        series[t] = n[slot] > 0 && counts(f, t) ? series[t] - (float)(sum[slot] / n[slot]) : 0;
    }
}

static void add_share(const struct falls *f, size_t j, double sign, float *to)
{
    const struct balance_data *d = f->d;
    for (size_t part = 0; part < d->parts; part++) {
        const double w = sign * balance_weight(f->fit, j, part);
        const size_t end = balance_part_begins(d, part + 1);
        for (size_t t = balance_part_begins(d, part); w != 0 && t < end; t++)
            to[t] += (float)(w * (double)balance_load(d, j, t));
    }
}

static void make_rest(struct falls *f)
{
    const struct balance_data *d = f->d;
    const size_t n = d->in->n_customers;
    const double of_sum = balance_ratio(d, f->fit) - 1;
    double slots[SLOTS] = {0};
    for (size_t t = 0; t < d->in->n_intervals; t++) {
        f->rest[t] = d->left[t] - (float)of_sum * d->sum[t];
        if (t < d->in->n_past && counts(f, t)) {
            f->usual[slot_of(d->in, t)] += (double)d->sum[t];
            slots[slot_of(d->in, t)]++;
        }
    }
    for (size_t slot = 0; slot < SLOTS; slot++)
        f->usual[slot] = slots[slot] > 0 ? f->usual[slot] / slots[slot] : 0;
    for (size_t j = 0; j < n; j++)
        add_share(f, j, -1, f->rest);
    less_past(f, f->rest);
}

/* Of a customer: what it draws less than it used to, and the loss's rise with what its share
 * explains. */
static void make_sides(struct falls *f, size_t j)
{
    const struct balance_data *d = f->d;
    memset(f->rise, 0, d->in->n_intervals * sizeof(*f->rise));
    add_share(f, j, 1, f->rise);
    less_past(f, f->rise);
    for (size_t t = 0; t < d->in->n_intervals; t++) {
        f->rise[t] += f->rest[t];
        f->fall[t] = balance_load(d, j, t);
    }
    less_past(f, f->fall);
    for (size_t t = 0; t < d->in->n_intervals; t++)
        f->fall[t] = -f->fall[t];
    for (size_t slot = 0; slot < SLOTS; slot++)
        f->clear[slot] = true;
}

struct spread {
    double n, sum, squares;
};

/* Of the fall in intervals from..end-1, by slot. */
static void spread_of(const struct falls *f, size_t from, size_t end, struct spread ret[SLOTS])
{
    memset(ret, 0, SLOTS * sizeof(*ret));
    for (size_t t = from; t < end; t++)
        if (counts(f, t)) {
            struct spread *s = &ret[slot_of(f->d->in, t)];
            const double x = (double)f->fall[t];
            s->n++;
            s->sum += x;
            s->squares += x * x;
        }
}

static double variance_of_mean(const struct spread *s)
{
    return s->n >= 2 ? fmax(s->squares - s->sum * s->sum / s->n, 0) / (s->n - 1) / s->n : 0;
}

/* Leaves of the fall the hours at which it is clear: what is switched off by the clock. */
static void keep_clear(struct falls *f)
{
    const struct balance_data *d = f->d;
    struct spread then[SLOTS], now[SLOTS];
    spread_of(f, 0, d->in->n_past, then);
    memset(f->clear, 0, sizeof(f->clear));
    memset(f->fall, 0, d->in->n_past * sizeof(*f->fall));
    for (size_t part = 1; part < d->parts; part++) {
        const size_t from = balance_part_begins(d, part), end = balance_part_begins(d, part + 1);
        bool clear[SLOTS];
        spread_of(f, from, end, now);
        for (size_t slot = 0; slot < SLOTS; slot++) {
            const double fall = now[slot].n > 0 ? now[slot].sum / now[slot].n : 0;
            clear[slot] =
                now[slot].n >= 2 && fall > 0 &&
                fall * fall > CLEAR_DEVIATIONS * CLEAR_DEVIATIONS *
                                  (variance_of_mean(&now[slot]) + variance_of_mean(&then[slot]));
            f->clear[slot] |= clear[slot];
        }
        for (size_t t = from; t < end; t++)
            if (!clear[slot_of(d->in, t)])
                f->fall[t] = 0;
    }
}

/* ---- comparing ------------------------------------------------------------------------------ */

/* Sums of products of two weighed series about their means. */
struct moments {
    double n, x, y, xx, yy, xy;
};

static void add_moment(struct moments *m, double w, double x, double y)
{
    m->n += w;
    m->x += w * x;
    m->y += w * y;
    m->xx += w * x * x;
    m->yy += w * y * y;
    m->xy += w * x * y;
}

/* r^2 / (1 - r^2) where r > 0. */
static double agreement(double xx, double yy, double xy)
{
    if (!(xx > 0) || !(yy > 0) || !(xy > 0))
        return 0;
    const double r2 = fmin(xy * xy / (xx * yy), 0.99);
    return r2 / (1 - r2);
}

/* The course in time, by blocks of days; ret_slope: of the rise by the fall. */
static double compare_time(struct falls *f, double *ret_slope)
{
    const struct sg_balance_input *in = f->d->in;
    struct moments m = {.n = 0};
    memset(f->n, 0, f->n_blocks * sizeof(*f->n));
    memset(f->x, 0, f->n_blocks * sizeof(*f->x));
    memset(f->y, 0, f->n_blocks * sizeof(*f->y));
    for (size_t t = 0; t < in->n_intervals; t++)
        if (counts(f, t) && f->clear[slot_of(in, t)]) {
            const size_t block = t / in->per_day / BLOCK;
            f->n[block]++;
            f->x[block] += (double)f->fall[t];
            f->y[block] += (double)f->rise[t];
        }
    for (size_t b = 0; b < f->n_blocks; b++)
        if (f->n[b] > 0)
            add_moment(&m, f->n[b], f->x[b] / f->n[b], f->y[b] / f->n[b]);
    if (!(m.n > 0))
        return 0;
    const double xx = m.xx - m.x * m.x / m.n, yy = m.yy - m.y * m.y / m.n,
                 xy = m.xy - m.x * m.y / m.n;
    *ret_slope = xx > 0 ? xy / xx : 0;
    return agreement(xx, yy, xy);
}

/* What is left of a profile without a constant and its share of the usual profile: a line that is
 * new, as lights or as a household, has these; who falls has hours of its own. */
static void less_common(const double *w, const double *usual, double *x)
{
    struct moments m = {.n = 0};
    for (size_t i = 0; i < SLOTS; i++)
        add_moment(&m, w[i], usual[i], x[i]);
    if (!(m.n > 0))
        return;
    const double v = m.xx - m.x * m.x / m.n, slope = v > 0 ? (m.xy - m.x * m.y / m.n) / v : 0,
                 at = (m.y - slope * m.x) / m.n;
    for (size_t i = 0; i < SLOTS; i++)
        x[i] -= at + slope * usual[i];
}

/* The hours of it, over the parts in which it falls, each as much as it does. */
static double compare_shape(const struct falls *f)
{
    const struct balance_data *d = f->d;
    double w[SLOTS] = {0}, x[SLOTS] = {0}, y[SLOTS] = {0};
    for (size_t part = 1; part < d->parts; part++) {
        const size_t from = balance_part_begins(d, part), end = balance_part_begins(d, part + 1);
        double fall = 0;
        for (size_t t = from; t < end; t++)
            fall += (double)f->fall[t];
        fall /= (double)(end - from);
        for (size_t t = from; fall > 0 && t < end; t++)
            if (counts(f, t)) {
                const size_t slot = slot_of(d->in, t);
                w[slot] += fall;
                x[slot] += fall * (double)f->fall[t];
                y[slot] += fall * (double)f->rise[t];
            }
    }
    for (size_t i = 0; i < SLOTS; i++) {
        x[i] = w[i] > 0 ? x[i] / w[i] : 0;
        y[i] = w[i] > 0 ? y[i] / w[i] : 0;
    }
    less_common(w, f->usual, x);
    less_common(w, f->usual, y);
    struct moments m = {.n = 0};
    for (size_t i = 0; i < SLOTS; i++)
        add_moment(&m, w[i], x[i], y[i]);
    return agreement(m.xx, m.yy, m.xy);
}

/* ---- choosing ------------------------------------------------------------------------------- */

struct match {
    size_t j;
    double ratio;      /* of the rise to the fall */
    double kwh;        /* fall */
    double deviations; /* squared */
    bool clear;        /* hours at which the fall is clear alone */
};

static struct match compare(struct falls *f, size_t j)
{
    const struct sg_balance_input *in = f->d->in;
    struct match ret = {.j = j};
    double load = 0, rise = 0;
    for (size_t t = in->n_past; t < in->n_intervals; t++) {
        if (!counts(f, t))
            continue;
        ret.kwh += (double)f->fall[t];
        rise += f->clear[slot_of(in, t)] ? (double)f->rise[t] : 0;
        load += (double)balance_load(f->d, j, t);
    }
    if (!(ret.kwh > FALL_LEAST * (ret.kwh + load)))
        return ret;
    const double time = compare_time(f, &ret.ratio);

    if (rise >= RISE_LEAST * ret.kwh && ret.ratio >= RATIO_LEAST && ret.ratio <= RATIO_MOST)
        ret.deviations = WITNESSES_TIME * time + WITNESSES_SHAPE * compare_shape(f);
    return ret;
}

/* All of its fall, or the hours at which it is clear: whatever fits better. */
static struct match match_of(struct falls *f, size_t j)
{
    make_sides(f, j);
    struct match all = compare(f, j);
    keep_clear(f);
    struct match clear = compare(f, j);
    clear.clear = true;
    return clear.deviations > all.deviations ? clear : all;
}

static void hint(double deviations, struct sg_balance_customer *c)
{
    const double x = fmin(sqrt(deviations) / SURE_DEVIATIONS, BALANCE_HINT_MOST);
    c->sureness = fmax(c->sureness, x * x / (1 + x * x));
}

/* Whose fall fits best, and how well the second best does. */
static struct match best_match(struct falls *f, struct sg_balance_customer *c, const bool *taken,
                               double *ret_second)
{
    struct match best = {.deviations = 0};
    *ret_second = 0;
    for (size_t j = 0; j < f->d->in->n_customers; j++) {
        if (!f->d->used[j] || taken[j] || c[j].elsewhere)
            continue;
        const struct match is = match_of(f, j);
        hint(is.deviations, &c[j]);
        if (is.deviations > best.deviations) {
            *ret_second = best.deviations;
            best = is;
        } else {
            *ret_second = fmax(*ret_second, is.deviations);
        }
    }
    return best;
}

static void accuse(struct falls *f, const struct match *m, double second,
                   struct sg_balance_customer *c)
{
    const struct balance_data *d = f->d;
    double load = 0, told = 0;
    make_sides(f, m->j);
    if (m->clear)
        keep_clear(f);
    for (size_t t = d->in->n_past; t < d->in->n_intervals; t++) {
        load += counts(f, t) ? (double)balance_load(d, m->j, t) : 0;
        told += (double)(f->rise[t] - f->rest[t]);
        f->rest[t] -=
            (float)fmax(m->ratio * (double)f->fall[t] - (double)(f->rise[t] - f->rest[t]), 0);
    }
    const double kwh = m->ratio * m->kwh, share = kwh / (kwh + load);
    const double all = m->deviations + c->deviations * c->deviations;
    const double x = fmin(fmin(sqrt(all) / SURE_DEVIATIONS, sqrt(fmax(all - second, 0)) / SURE_GAP),
                          share / SURE_SHARE);
    const double sureness = x * x / (1 + x * x);
    if (sureness <= c->sureness)
        return;
    c->sureness = sureness;
    c->fall_kwh = fmax(kwh - told, 0);
}

static int falls_init(struct falls *f)
{
    const size_t n = f->d->in->n_intervals;
    f->n_blocks = (f->d->days + BLOCK - 1) / BLOCK;
    f->rest = malloc(n * sizeof(*f->rest));
    f->rise = malloc(n * sizeof(*f->rise));
    f->fall = malloc(n * sizeof(*f->fall));
    f->n = malloc(f->n_blocks * sizeof(*f->n));
    f->x = malloc(f->n_blocks * sizeof(*f->x));
    f->y = malloc(f->n_blocks * sizeof(*f->y));
    return f->rest && f->rise && f->fall && f->n && f->x && f->y ? 0 : sg_raise(-ENOMEM);
}

static void falls_clear(struct falls *f)
{
    free(f->rest);
    free(f->rise);
    free(f->fall);
    free(f->n);
    free(f->x);
    free(f->y);
}

int balance_fall_judge(const struct balance_data *d, const struct balance_fit *fit,
                       struct sg_balance_customer *ret)
{
    SG_CLEANUP(falls_clear) struct falls f = {.d = d, .fit = fit};
    SG_FREE bool *taken = calloc(d->in->n_customers, sizeof(*taken));
    int r = falls_init(&f);
    if (r || !taken)
        return r ? r : sg_raise(-ENOMEM);
    if (d->first_part > 0)
        return 0;
    make_rest(&f);
    for (int k = 0; k < PLACES; k++) {
        double second;
        const struct match best = best_match(&f, ret, taken, &second);
        if (best.deviations < DEVIATIONS_LEAST * DEVIATIONS_LEAST)
            return 0;
        taken[best.j] = true;
        accuse(&f, &best, second, &ret[best.j]);
    }
    return 0;
}
