#include "balance-int.h"

#include <math.h>

/* ABNT NBR 5440, 15 to 112.5 kVA: at most 0.6 % of the rating without load, 2 % at full load; the
 * mean load is a fifth of the rating or more.  Lines lose as much as copper does. */
#define NO_LOAD_MOST   0.025
#define LOAD_LOSS_MOST 0.03
#define RESTLESS       0.008
#define USUAL          0.4
/* A loss that nobody explains is told from so much of what is delivered on, and so much a day. */
#define UNLISTED_SHARE 0.025
#define UNLISTED_KWH   1.0
#define LACKING_MOST   0.05
#define RATIO_LEAST    0.06
#define RATIO_SLACK    0.02
#define PHASE_SHARE    0.15 /* of its customers, whom it does not feed */
#define PHASE_LEAST    3
/* Meters are right within 1 %, a by-pass that pays is not that small. */
#define SURE_SHARE 0.1
/* Who takes more than what is lost in all cannot be right. */
#define AGREES_LEAST 0.3
#define AGREES       0.7

/* Intervals that count and are judged. */
static bool counts(const struct balance_data *d, size_t t)
{
    return t >= d->in->n_past && !isnan(d->left[t]);
}

/* ---- customers ------------------------------------------------------------------------------ */

static void read_customer(const struct balance_data *d, const struct balance_fit *f, size_t j,
                          struct sg_balance_customer *c)
{
    double load = 0, kwh = 0;
    for (size_t part = 1; part < d->parts; part++) {
        const double w = balance_weight(f, j, part);
        const size_t end = balance_part_begins(d, part + 1);
        for (size_t t = balance_part_begins(d, part); t < end; t++) {
            const double x = counts(d, t) ? (double)balance_load(d, j, t) : 0;
            load += x;
            kwh += w * x;
        }
    }
    c->kwh = kwh + c->fall_kwh;
    c->share = c->kwh > 0 ? c->kwh / (c->kwh + load) : 0;
    if (!(c->kwh > 0)) {
        const double most = BALANCE_HINT_MOST * BALANCE_HINT_MOST;
        c->sureness = fmin(c->sureness, most / (1 + most));
        return;
    }
    const double x = c->share / SURE_SHARE;
    c->sureness = fmin(c->sureness, x * x / (1 + x * x));
}

/* What the customers are told to take is within what is lost, or nobody can be sure. */
static void agree(double lost, struct sg_balance_customer *c, size_t n)
{
    double told = 0;
    for (size_t j = 0; j < n; j++)
        told += c[j].elsewhere ? 0 : c[j].kwh;
    const double is = told > 0 ? lost / told : 1;
    const double part = fmin(fmax((is - AGREES_LEAST) / (AGREES - AGREES_LEAST), 0), 1);
    for (size_t j = 0; j < n; j++)
        c[j].sureness *= part;
}

/* ---- the transformer ------------------------------------------------------------------------ */

struct level {
    double n, of, sum, left; /* judged: intervals, delivered, metered, difference */
    double of2, most;
};

static struct level read_level(const struct balance_data *d)
{
    struct level l = {.n = 0};
    for (size_t t = d->in->n_past; t < d->in->n_intervals; t++) {
        if (!counts(d, t))
            continue;
        const double of = (double)d->of[t], left = (double)d->left[t];
        l.n++;
        l.of += of;
        l.sum += (double)d->sum[t];
        l.left += left;
        l.of2 += of * of;
        l.most = fmax(l.most, of);
    }
    return l;
}

/* Losses of the transformer: of what nobody explains, as much as transformers have.  The course of
 * it tells iron from copper no better than it tells either from a line, so each gets its share. */
static void fit_losses(const struct sg_balance_input *in, const struct level *l, double rest,
                       struct sg_balance_result *ret)
{
    /* Losses do not come and go by themselves: where what is left does, somebody else draws, and
     * losses get what is usual instead of the most there is. */
    const double most = ret->residual_sd * l->n > RESTLESS * l->of ? USUAL : 1;
    double a = isnan(in->no_load_kwh) ? most * NO_LOAD_MOST * l->of / l->n : in->no_load_kwh;
    double b =
        isnan(in->loss_per_kwh2) ? most * LOAD_LOSS_MOST / fmax(l->most, 1e-9) : in->loss_per_kwh2;
    const double fixed = (isnan(in->no_load_kwh) ? 0 : a * l->n) +
                         (isnan(in->loss_per_kwh2) ? 0 : b * l->of2),
                 free = a * l->n + b * l->of2 - fixed;
    const double part = free > 0 ? fmin(fmax((rest - fixed) / free, 0), 1) : 0;
    a *= isnan(in->no_load_kwh) ? part : 1;
    b *= isnan(in->loss_per_kwh2) ? part : 1;
    ret->no_load_kwh = a;
    ret->loss_per_kwh2 = b;
    ret->technical_kwh = a * l->n + b * l->of2;
}

static double expected_of_absent(const struct balance_data *d)
{
    double sum = 0;
    for (size_t j = 0; j < d->in->n_customers; j++)
        for (size_t t = d->in->n_past; t < d->in->n_intervals && !d->used[j]; t++) {
            const double then = (double)d->then[j * 2 * d->in->per_day + balance_slot(d->in, t)];
            sum += counts(d, t) && !isnan(then) ? then : 0;
        }
    return sum;
}

double balance_ratio(const struct balance_data *d, const struct balance_fit *f)
{
    const struct level l = read_level(d);
    const double course = balance_weight(f, d->in->n_customers + BALANCE_SUM, d->first_part),
                 level = l.sum > 0 ? l.left / l.sum : 0;
    const bool is =
        fabs(course) >= RATIO_LEAST && fabs(level - course) < 0.5 * fabs(course) + RATIO_SLACK;
    return is ? 1 + course : 1;
}

bool balance_phase_lacks(const struct balance_data *d, const struct sg_balance_customer *c)
{
    size_t elsewhere = 0, used = 0;
    for (size_t j = 0; j < d->in->n_customers; j++) {
        elsewhere += c[j].elsewhere;
        used += d->used[j];
    }
    return elsewhere >= PHASE_LEAST && (double)elsewhere > PHASE_SHARE * (double)used;
}

/* ---- findings ------------------------------------------------------------------------------- */

static void find(const struct balance_data *d, const struct balance_share *s,
                 struct sg_balance_customer *c, struct sg_balance_result *ret)
{
    const size_t n = d->in->n_customers, judged = d->in->n_intervals - d->in->n_past;
    if (balance_phase_lacks(d, c))
        ret->findings |= SG_BALANCE_PHASE;
    ret->ratio = balance_ratio(d, &s->fit);
    if (ret->ratio != 1)
        ret->findings |= SG_BALANCE_RATIO;
    ret->clock_late = d->shift;
    if (d->shift)
        ret->findings |= SG_BALANCE_CLOCK;
    ret->lacking = (double)d->lacking / (double)judged;
    if (ret->lacking > LACKING_MOST)
        ret->findings |= SG_BALANCE_LACKING;
    for (size_t j = 0; j < n; j++)
        c[j].elsewhere = c[j].elsewhere && !(ret->findings & (SG_BALANCE_PHASE | SG_BALANCE_RATIO));
}

static void find_unlisted(const struct balance_data *d, struct sg_balance_result *ret)
{
    const double days = (double)ret->intervals / d->in->per_day,
                 rest = ret->unexplained_kwh - ret->absent_kwh;
    if (ret->findings & (SG_BALANCE_PHASE | SG_BALANCE_RATIO))
        return;
    if (rest > UNLISTED_SHARE * ret->delivered_kwh && rest > UNLISTED_KWH * days)
        ret->findings |= SG_BALANCE_UNLISTED;
    if (-ret->unexplained_kwh > UNLISTED_SHARE * ret->delivered_kwh &&
        -ret->unexplained_kwh > UNLISTED_KWH * days)
        ret->findings |= SG_BALANCE_TOO_MUCH;
}

void balance_level(const struct balance_data *d, const struct balance_share *s,
                   struct sg_balance_customer *c, struct sg_balance_result *ret)
{
    const struct level l = read_level(d);
    double told = 0, elsewhere = 0;
    *ret = (struct sg_balance_result){.intervals = d->judged, .residual_sd = s->sigma};
    find(d, s, c, ret);
    const double of_sum = (ret->ratio - 1) * l.sum;
    for (size_t j = 0; j < d->in->n_customers; j++) {
        if (d->used[j])
            read_customer(d, &s->fit, j, &c[j]);
        told += c[j].kwh > 0 ? c[j].kwh : 0;
        elsewhere += c[j].kwh < 0 ? c[j].kwh : 0;
    }
    agree(l.left - elsewhere - of_sum, c, d->in->n_customers);
    ret->delivered_kwh = l.of;
    ret->metered_kwh = l.sum;
    ret->explained_kwh = told;
    ret->elsewhere_kwh = -elsewhere;
    ret->ratio_kwh = of_sum;
    const double rest = l.left - told - elsewhere - of_sum;
    ret->absent_kwh = expected_of_absent(d);
    const double open = rest - fmin(ret->absent_kwh, fmax(rest, 0));
    fit_losses(d->in, &l, open, ret);
    ret->unexplained_kwh = rest - ret->technical_kwh;
    find_unlisted(d, ret);
}
