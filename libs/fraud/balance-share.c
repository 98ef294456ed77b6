#include "balance-int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS      2   /* of cutting outliers */
#define HUBER       4.0 /* standard deviations within which a residual stays as it is */
#define ENTER       3.2 /* standard deviations at which a column comes in */
#define FREEDOM     0.8 /* of the rows, after what is usual has been taken out */
#define WEIGHT_MOST 20.0
/* A customer whom another transformer feeds has coefficient -1. */
#define ELSEWHERE_MAYBE      (-0.5)
#define ELSEWHERE_MOST       (-0.75)
#define ELSEWHERE_LEAST      (-1.3)
#define ELSEWHERE_DEVIATIONS 5.0
#define ELSEWHERE_DAYS       2.5
#define KEEP_DEVIATIONS      3.0 /* below, a column that came in goes again */
#define SURE_DEVIATIONS      4.0
#define HINT_DEVIATIONS      6.0
#define SURE_DAYS            2.0
#define SURE_GAP             2.0
#define SURE_SHARE           0.08
/* Copper: ABNT NBR 5440, 2 % at full load, and as much in the lines. */
#define SQUARE_MOST 0.04

static const float *series_of(const struct balance_sums *s, size_t i)
{
    return s->z + i * s->d->in->n_intervals;
}

double balance_weight(const struct balance_fit *f, size_t series, size_t part)
{
    double weight = 0;
    for (size_t k = 0; k < f->n; k++)
        if (f->open[k].series == series && f->open[k].part <= part)
            weight += f->x[k];
    return weight;
}

/* ---- choosing ------------------------------------------------------------------------------- */

struct candidate {
    struct balance_column column;
    double gain;
    bool elsewhere;
};

/* What the column would take of the squares, above 0, or below where it would be far below. */
static struct candidate candidate_of(const struct balance_fit *f, struct balance_column c)
{
    const double square = balance_product(f->sums, c, c), slope = balance_slope(f, c);
    struct candidate ret = {.column = c};
    if (!(square > 0))
        return ret;
    ret.elsewhere = slope < ELSEWHERE_MAYBE * square;
    if (slope > 0 || ret.elsewhere)
        ret.gain = slope * slope / square;
    return ret;
}

/* but: a customer that may not; SIZE_MAX: all may. */
static struct candidate best_of(const struct balance_fit *f, size_t but)
{
    const struct balance_data *d = f->sums->d;
    struct candidate best = {.gain = 0};
    for (size_t j = 0; j < d->in->n_customers; j++)
        for (size_t part = d->first_part; part < d->parts && j != but && d->used[j]; part++) {
            const struct balance_column c = {j, part};
            if (balance_is_open(f, c))
                continue;
            const struct candidate is = candidate_of(f, c);
            if (is.gain > best.gain)
                best = is;
        }
    return best;
}

static double variance_of(const struct balance_share *s, double dependent)
{
    const double freedom = FREEDOM * (double)s->fit.sums->d->rows - (double)s->fit.n;
    return balance_rss(&s->fit) / fmax(freedom, 1) * (1 + dependent) / (1 - dependent);
}

static void choose_columns(struct balance_share *s, double dependent)
{
    struct balance_fit *f = &s->fit;
    const struct balance_data *d = f->sums->d;
    const size_t n = d->in->n_customers;
    double most = 0;
    for (size_t t = 0; t < d->in->n_intervals; t++)
        if (!isnan(d->left[t]))
            most = fmax(most, (double)d->of[t]);
    f->n = 0;
    balance_open(f, (struct balance_column){n + BALANCE_SUM, d->first_part}, -1, WEIGHT_MOST);
    balance_open(f, (struct balance_column){n + BALANCE_SQUARE, d->first_part}, 0,
                 most > 0 ? SQUARE_MOST / most / f->sums->t2_scale : 0);
    balance_descend(f);
    while (f->n < BALANCE_OPEN_MAX) {
        const struct candidate best = best_of(f, SIZE_MAX);
        s->variance = variance_of(s, dependent);
        if (best.gain <= ENTER * ENTER * s->variance)
            return;
        balance_open(f, best.column, best.elsewhere ? ELSEWHERE_LEAST : 0,
                     best.elsewhere ? 0 : WEIGHT_MOST);
        balance_descend(f);
    }
}

/* ---- outliers ------------------------------------------------------------------------------- */

/* Adds the columns that are open, of one series or (SIZE_MAX) of all, times `sign` to `to`. */
static void add_columns(const struct balance_fit *f, size_t series, float sign, float *to)
{
    const struct balance_data *d = f->sums->d;
    for (size_t k = 0; k < f->n; k++) {
        const float *z = series_of(f->sums, f->open[k].series), x = sign * (float)f->x[k];
        if (series != SIZE_MAX && f->open[k].series != series)
            continue;
        for (size_t t = balance_part_begins(d, f->open[k].part); t < d->in->n_intervals; t++)
            to[t] += x * z[t];
    }
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* Spread of the residuals that count among first..end-1, by the median.  scratch: as many. */
static double spread_of(const struct balance_data *d, const float *rest, size_t first, size_t end,
                        float *scratch)
{
    size_t n = 0;
    for (size_t t = first; t < end; t++)
        if (!isnan(d->left[t]))
            scratch[n++] = fabsf(rest[t]);
    qsort(scratch, n, sizeof(*scratch), by_value);
    return n ? 1.4826 * (double)scratch[n / 2] : 0;
}

/* Correlation of a residual with the next one: neighbours are no independent witnesses. */
static double neighbours(const struct balance_data *d, const float *rest)
{
    double product = 0, squares = 0;
    for (size_t t = 1; t < d->in->n_intervals; t++) {
        product += (double)rest[t] * (double)rest[t - 1];
        squares += (double)rest[t] * (double)rest[t];
    }
    return squares > 0 ? fmin(fmax(product / squares, 0), 0.95) : 0;
}

/* rest: what the columns leave.  What of it is past HUBER deviations of its part of the days is cut
 * off the left-hand side (Huber 1981, 7.8: modified residuals), and with it its part in what is
 * usual.  By parts: a line that is new makes the rest restless, not a rest of outliers. */
static void cut_outliers(struct balance_share *s, struct balance_sums *sums, float *scratch)
{
    const struct balance_data *d = sums->d;
    const size_t n = d->in->n_intervals;
    float *left = sums->left;
    memcpy(s->rest, left, n * sizeof(*left));
    add_columns(&s->fit, SIZE_MAX, -1, s->rest);
    for (size_t part = 0; part < d->parts; part++) {
        const size_t from = balance_part_begins(d, part), end = balance_part_begins(d, part + 1);
        const float most = (float)(HUBER * spread_of(d, s->rest, from, end, scratch));
        for (size_t t = from; t < end; t++)
            left[t] += fminf(fmaxf(s->rest[t], -most), most) - s->rest[t];
    }
    balance_within(d, left);
    balance_sums_left(sums);
}

int balance_share_fit(struct balance_share *ret, struct balance_sums *sums)
{
    struct balance_share *s = ret;
    const size_t n = sums->d->in->n_intervals;
    SG_FREE float *scratch = malloc(n * sizeof(*scratch));
    s->fit.sums = sums;
    s->rest = malloc(n * sizeof(*s->rest));
    if (!s->rest || !scratch)
        return sg_raise(-ENOMEM);
    double dependent = 0;
    for (int round = 0; round < ROUNDS; round++) {
        choose_columns(s, dependent);
        cut_outliers(s, sums, scratch);
        dependent = neighbours(sums->d, s->rest);
    }
    choose_columns(s, dependent);
    memcpy(s->rest, sums->left, n * sizeof(*s->rest));
    add_columns(&s->fit, SIZE_MAX, -1, s->rest);
    s->sigma = spread_of(sums->d, s->rest, sums->d->in->n_past, n, scratch);
    return 0;
}

void balance_share_rest(const struct balance_share *s, float *ret)
{
    const struct balance_data *d = s->fit.sums->d;
    memcpy(ret, d->left, d->in->n_intervals * sizeof(*ret));
    balance_within(d, ret);
    add_columns(&s->fit, SIZE_MAX, -1, ret);
    for (size_t t = 0; t < d->in->n_intervals; t++)
        if (isnan(d->left[t]))
            ret[t] = NAN;
}

void balance_share_clear(struct balance_share *s)
{
    free(s->rest);
    s->rest = NULL;
}

/* ---- evidence ------------------------------------------------------------------------------- */

/* How much worse is it without the customer, and how much if anybody else may stand in? */
struct worse {
    double alone, replaced;
};

static struct worse without(struct balance_fit *f, size_t j)
{
    struct balance_fit *g = f;
    double x[BALANCE_OPEN_MAX], low[BALANCE_OPEN_MAX], high[BALANCE_OPEN_MAX];
    const double rss = balance_rss(f);
    memcpy(x, f->x, sizeof(x));
    memcpy(low, f->low, sizeof(low));
    memcpy(high, f->high, sizeof(high));
    for (size_t k = 0; k < g->n; k++)
        if (g->open[k].series == j)
            g->x[k] = g->low[k] = g->high[k] = 0;
    balance_descend(g);
    struct worse ret = {.alone = fmax(balance_rss(g) - rss, 0)};
    ret.replaced = fmax(ret.alone - best_of(g, j).gain, 0);
    memcpy(f->x, x, sizeof(x));
    memcpy(f->low, low, sizeof(low));
    memcpy(f->high, high, sizeof(high));
    return ret;
}

/* What the customer's columns say that the others' do not: into `own`. */
static void make_own(const struct balance_fit *f, size_t j, struct balance_fit *side, float *own)
{
    const struct balance_data *d = f->sums->d;
    memset(own, 0, d->in->n_intervals * sizeof(*own));
    add_columns(f, j, 1, own);
    side->sums = f->sums;
    side->n = 0;
    for (size_t k = 0; k < f->n; k++)
        if (f->open[k].series != j && f->x[k] != 0)
            balance_open(side, f->open[k], -INFINITY, INFINITY);
    for (size_t i = 0; i < side->n; i++) {
        side->g[i] = 0;
        for (size_t k = 0; k < f->n; k++)
            if (f->open[k].series == j)
                side->g[i] += f->x[k] * balance_product(f->sums, side->open[i], f->open[k]);
    }
    balance_descend(side);
    add_columns(side, SIZE_MAX, -1, own);
}

/* Deviations, with days as the witnesses: what is the same all day long counts once. */
struct days {
    double deviations; /* of the coefficient */
    double steady;     /* mean over the days by its deviation: one day alone gives 1 */
};

/* Few days vary by chance in their own spread too: Student's t as a normal deviate of about the
 * same probability (Wallace 1959, simplified: without the logarithm). */
static double as_normal(double t, double freedom)
{
    return freedom > 0 ? t / sqrt(1 + t * t / (2 * freedom)) : 0;
}

static struct days ask_days(const struct balance_share *s, const float *own)
{
    const struct sg_balance_input *in = s->fit.sums->d->in;
    double all = 0, noise = 0, sum = 0, squares = 0, n = 0;
    for (size_t day = 0; day < in->n_intervals; day += in->per_day) {
        double own2 = 0, with = 0;
        for (size_t k = 0; k < in->per_day && day + k < in->n_intervals; k++) {
            own2 += (double)own[day + k] * (double)own[day + k];
            with += (double)own[day + k] * (double)s->rest[day + k];
        }
        n += own2 > 0;
        all += own2;
        noise += with * with;
        sum += own2 + with;
        squares += (own2 + with) * (own2 + with);
    }
    return (struct days){noise > 0 ? as_normal(all / sqrt(noise), n - 1) : 0,
                         squares > 0 ? sum / sqrt(squares) : 0};
}

static double least(double a, double b, double c, double d)
{
    return fmin(fmin(a, b), fmin(c, d));
}

static void judge(struct balance_share *s, size_t j, struct balance_fit *side, float *own,
                  struct sg_balance_customer *ret)
{
    const struct worse worse = without(&s->fit, j);
    const double share = ret->weight > 0 ? ret->weight / (1 + ret->weight) : 0;
    make_own(&s->fit, j, side, own);
    const struct days days = ask_days(s, own);
    const double by_model = s->variance > 0 ? sqrt(worse.alone / s->variance) : 0,
                 gap = s->variance > 0 ? sqrt(worse.replaced / s->variance) : 0;
    ret->deviations = fmin(by_model, days.deviations);
    const double x = least(ret->deviations / SURE_DEVIATIONS, days.steady / SURE_DAYS,
                           gap / SURE_GAP, share / SURE_SHARE);
    ret->elsewhere = ret->weight < ELSEWHERE_MOST && ret->deviations > ELSEWHERE_DEVIATIONS &&
                     days.steady > ELSEWHERE_DAYS;
    ret->sureness = ret->weight > 0 ? x * x / (1 + x * x) : 0;
}

/* Of one who did not come in: the best of its columns, for what little it says. */
static double hint_of(const struct balance_share *s, size_t j)
{
    const struct balance_data *d = s->fit.sums->d;
    double hint = 0;
    for (size_t part = d->first_part; part < d->parts && s->variance > 0; part++) {
        const struct balance_column c = {j, part};
        const double square = balance_product(s->fit.sums, c, c), slope = balance_slope(&s->fit, c);
        if (!(square > 0) || !(slope > 0))
            continue;
        const double weight = slope / square;
        hint = fmax(hint, fmin(sqrt(slope * weight / s->variance) / HINT_DEVIATIONS,
                               weight / (1 + weight) / SURE_SHARE));
    }
    hint = fmin(hint, BALANCE_HINT_MOST);
    return hint * hint / (1 + hint * hint);
}

/* Columns that say little would lend their chance to what comes after. */
static void prune(struct balance_fit *f, struct sg_balance_customer *c)
{
    const size_t n = f->sums->d->in->n_customers;
    for (size_t k = 0; k < f->n; k++) {
        const size_t j = f->open[k].series;
        if (j >= n || c[j].elsewhere || (c[j].weight > 0 && c[j].deviations >= KEEP_DEVIATIONS))
            continue;
        f->x[k] = f->low[k] = f->high[k] = 0;
        c[j].weight = 0;
    }
    balance_descend(f);
}

/* Of what the other columns leave with the customer's load. */
static double correlation(const struct balance_fit *f, size_t j)
{
    const struct balance_column c = {j, f->sums->d->first_part};
    double slope = balance_slope(f, c), rss = balance_rss(f);
    for (size_t k = 0; k < f->n; k++)
        if (f->open[k].series == j) {
            const double with = balance_product(f->sums, c, f->open[k]);
            slope += with * f->x[k];
            rss += f->x[k] * f->x[k] * f->h[k][k];
        }
    const double square = balance_product(f->sums, c, c);
    return square > 0 && rss > 0 ? fmin(fmax(slope / sqrt(square * rss), -1), 1) : 0;
}

int balance_share_judge(struct balance_share *s, struct sg_balance_customer *ret)
{
    const struct balance_data *d = s->fit.sums->d;
    SG_FREE float *own = malloc(d->in->n_intervals * sizeof(*own));
    SG_FREE struct balance_fit *side = malloc(sizeof(*side));
    if (!own || !side)
        return sg_raise(-ENOMEM);
    for (size_t j = 0; j < d->in->n_customers; j++) {
        if (!d->used[j])
            continue;
        ret[j].correlation = correlation(&s->fit, j);
        ret[j].weight = balance_weight(&s->fit, j, d->parts - 1);
        if (ret[j].weight != 0)
            judge(s, j, side, own, &ret[j]);
    }
    prune(&s->fit, ret);
    for (size_t j = 0; j < d->in->n_customers; j++)
        if (d->used[j] && ret[j].weight == 0)
            ret[j].sureness = hint_of(s, j);
    return 0;
}
