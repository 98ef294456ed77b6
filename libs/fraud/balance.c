/*
 * balance - the equations of a transformer, put together, solved and read.
 */
#include "balance-int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_INTERVALS 48
#define MISSING_MOST    0.2 /* of the judged intervals */
#define GUESSED_MOST    0.2 /* of the customers, in one interval */
#define PAST_LEAST      7   /* days that tell a habit */
#define ROUNDS          4   /* of weighing rows down */
#define HUBER           2.0 /* standard deviations within which a row counts in full */
#define FALL_LEAST      0.25
#define FALL_DEVIATIONS 2.5
/* ABNT NBR 5440, 30 to 112.5 kVA: at most 0.5 % of the rating without load, 2 % at full load; the
 * mean load is a third of the rating or more. */
#define NO_LOAD_MOST    0.015
#define LOAD_LOSS_MOST  0.02
#define ENTER           1.0 /* standard deviations at which a column comes in */
#define SURE_SHARE      0.08
#define SURE_DEVIATIONS 4.0

/* Columns: a, b; then of each customer its load from each fifth of the judged intervals on, and the
 * two of its habit. */
enum { COLUMN_A, COLUMN_B, COLUMN_FIRST, STARTS = 5, EACH = STARTS + 2 };

struct fit {
    const struct sg_balance_input *told; /* with readings missing */
    const struct sg_balance_input *in;   /* the same with gaps of a few filled */
    struct sg_balance_input filled;
    float *load; /* of filled */
    struct sg_balance_customer *customers;
    struct balance_equations e;
    size_t rows;
    double t2_scale;     /* of the column T^2 */
    float *habit, *fall; /* by customer: 2 kinds of day times per_day; habit 0: no clear fall */
    double *row;
    double *residual, *weight; /* by interval; NAN: not usable */
    double dependent;          /* correlation of a residual with the next one */
};

static void fit_clear(struct fit *f)
{
    free(f->customers);
    free(f->load);
    free(f->habit);
    free(f->fall);
    free(f->e.h);
    free(f->e.g);
    free(f->e.x);
    free(f->e.most);
    free(f->row);
    free(f->residual);
    free(f->weight);
}

static int fit_init(struct fit *f, const struct sg_balance_input *in)
{
    const size_t n = COLUMN_FIRST + EACH * in->n_customers, slots = 2 * (size_t)in->per_day;
    f->e.n = n;
    f->customers = calloc(in->n_customers, sizeof(*f->customers));
    f->habit = calloc(in->n_customers * slots, sizeof(*f->habit));
    f->fall = calloc(in->n_customers * slots, sizeof(*f->fall));
    f->e.h = calloc(n * n, sizeof(*f->e.h));
    f->e.g = calloc(n, sizeof(*f->e.g));
    f->e.x = calloc(n, sizeof(*f->e.x));
    f->e.most = calloc(n, sizeof(*f->e.most));
    f->row = calloc(n, sizeof(*f->row));
    f->residual = calloc(in->n_intervals, sizeof(*f->residual));
    f->weight = calloc(in->n_intervals, sizeof(*f->weight));
    if (!f->customers || !f->habit || !f->fall || !f->e.h || !f->e.g || !f->e.x || !f->e.most ||
        !f->row || !f->residual || !f->weight)
        return sg_raise(-ENOMEM);
    return 0;
}

static size_t column_of(size_t customer)
{
    return COLUMN_FIRST + EACH * customer;
}

static const float *load_of(const struct sg_balance_input *in, size_t j)
{
    return in->customer + j * in->n_intervals;
}

/* Monday to Friday, Saturday and Sunday; by interval of the day. */
static size_t slot_of(const struct sg_balance_input *in, size_t t)
{
    const size_t day = t / in->per_day;
    return ((in->weekday + day) % 7 >= 5 ? in->per_day : 0) + t % in->per_day;
}

struct mean {
    double n, is, variance; /* variance of the mean */
};

/* Of a customer's intervals first..end-1 of one slot. */
static struct mean mean_of(const struct sg_balance_input *in, size_t j, size_t slot, size_t first,
                           size_t end)
{
    double n = 0, sum = 0, squares = 0;
    for (size_t t = first + slot % in->per_day; t < end; t += in->per_day) {
        const double c = (double)load_of(in, j)[t];
        if (slot_of(in, t) != slot || isnan(c))
            continue;
        n++;
        sum += c;
        squares += c * c;
    }
    if (n < 2)
        return (struct mean){.n = n};
    return (struct mean){n, sum / n, fmax(squares - sum * sum / n, 0) / (n - 1) / n};
}

/* What it used to draw, and by how much it draws less, at the hours at which that is clear; 0 at
 * the others, where the difference is its own affair. */
static void learn_habit(struct fit *f, size_t j)
{
    const struct sg_balance_input *in = f->in;
    const size_t slots = 2 * (size_t)in->per_day;
    for (size_t slot = 0; slot < slots; slot++) {
        const struct mean then = mean_of(in, j, slot, 0, in->n_past);
        const struct mean now = mean_of(in, j, slot, in->n_past, in->n_intervals);
        const double fall = then.is - now.is;
        const bool clear =
            then.n >= 2 && now.n >= 2 && fall > FALL_LEAST * then.is &&
            fall * fall > FALL_DEVIATIONS * FALL_DEVIATIONS * (then.variance + now.variance);
        f->habit[j * slots + slot] = clear ? (float)then.is : 0;
        f->fall[j * slots + slot] = clear ? (float)fall : 0;
    }
}

/* What is left out draws on: as it used to, for want of anything better.  Without it that energy
 * would be shared out among neighbours whose loads go up and down alike. */
static void remember(struct fit *f, size_t j)
{
    const size_t slots = 2 * (size_t)f->in->per_day;
    for (size_t slot = 0; slot < slots; slot++)
        f->habit[j * slots + slot] = (float)mean_of(f->in, j, slot, 0, f->in->n_past).is;
}

static void choose_customers(struct fit *f)
{
    const struct sg_balance_input *in = f->in;
    for (size_t j = 0; j < in->n_customers; j++) {
        size_t missing = 0;
        for (size_t t = in->n_past; t < in->n_intervals; t++)
            missing += isnan(load_of(in, j)[t]) != 0;
        f->customers[j] = (struct sg_balance_customer){
            .used = (double)missing <= MISSING_MOST * (double)(in->n_intervals - in->n_past)};
        if (in->n_past < (size_t)PAST_LEAST * in->per_day)
            continue;
        if (f->customers[j].used)
            learn_habit(f, j);
        else
            remember(f, j);
    }
}

/* A reading that is missing is taken as usual at that hour: were all others' intervals lost with
 * it, a few gaps of each would leave none, and a thief could choose which. */
static int fill_gaps(struct fit *f)
{
    const struct sg_balance_input *in = f->told;
    const size_t n = in->n_customers * in->n_intervals;
    f->load = malloc(n * sizeof(*f->load));
    if (!f->load)
        return sg_raise(-ENOMEM);
    memcpy(f->load, in->customer, n * sizeof(*f->load));
    for (size_t i = 0; i < n; i++) {
        const size_t j = i / in->n_intervals, t = i % in->n_intervals;
        if (!f->customers[j].used || t < in->n_past || !isnan(f->load[i]))
            continue;
        const struct mean usual = mean_of(in, j, slot_of(in, t), in->n_past, in->n_intervals);
        f->load[i] = usual.n >= 2 ? (float)usual.is : NAN;
    }
    f->filled = *in;
    f->filled.customer = f->load;
    f->in = &f->filled;
    return 0;
}

static bool row_is_usable(const struct fit *f, size_t t)
{
    size_t guessed = 0;
    if (isnan(f->in->transformer[t]))
        return false;
    for (size_t j = 0; j < f->in->n_customers; j++) {
        if (f->customers[j].used && isnan(load_of(f->in, j)[t]))
            return false;
        guessed += f->customers[j].used && isnan(load_of(f->told, j)[t]);
    }
    return (double)guessed <= GUESSED_MOST * (double)f->in->n_customers;
}

/* The columns of a customer. */
static void make_columns(const struct fit *f, size_t j, size_t t, double ret[EACH])
{
    const size_t at = j * 2 * f->in->per_day + slot_of(f->in, t);
    const double c = (double)load_of(f->in, j)[t], habit = (double)f->habit[at];
    const size_t judged = f->in->n_intervals - f->in->n_past, past = t - f->in->n_past;
    for (size_t i = 0; i < STARTS; i++)
        ret[i] = past * STARTS >= judged * i ? c : 0;
    ret[STARTS] = fmax(habit - c, 0);
    ret[STARTS + 1] = (double)f->fall[at];
}

/* Left-hand side of interval t, and its columns in f->row. */
static double make_row(struct fit *f, size_t t)
{
    const struct sg_balance_input *in = f->in;
    const double of = (double)in->transformer[t];
    double left = of;
    f->row[COLUMN_A] = f->row[COLUMN_B] = 0;
    if (isnan(in->no_load_kwh))
        f->row[COLUMN_A] = 1;
    else
        left -= in->no_load_kwh;
    if (isnan(in->loss_per_kwh2))
        f->row[COLUMN_B] = of * of * f->t2_scale;
    else
        left -= in->loss_per_kwh2 * of * of;
    for (size_t j = 0; j < in->n_customers; j++) {
        double *column = f->row + column_of(j);
        if (f->customers[j].used) {
            make_columns(f, j, t, column);
        } else {
            memset(column, 0, EACH * sizeof(*column));
            column[STARTS] = (double)f->habit[j * 2 * in->per_day + slot_of(in, t)];
        }
        left -= column[0];
    }
    return left;
}

/* Technical losses that are fitted stay within what transformers have; else a constant theft would
 * pass for iron. */
static void bound(struct fit *f)
{
    double sum = 0, n = 0, largest = 0;
    for (size_t t = f->in->n_past; t < f->in->n_intervals; t++)
        if (row_is_usable(f, t)) {
            sum += (double)f->in->transformer[t];
            largest = fmax(largest, (double)f->in->transformer[t]);
            n++;
        }
    f->t2_scale = sum > 0 ? n * n / (sum * sum) : 1;
    for (size_t i = COLUMN_FIRST; i < f->e.n; i++)
        f->e.most[i] = INFINITY;
    f->e.most[COLUMN_A] = n > 0 ? NO_LOAD_MOST * sum / n : 0;
    f->e.most[COLUMN_B] = largest > 0 ? LOAD_LOSS_MOST / largest / f->t2_scale : 0;
}

static void add_row(struct fit *f, double left, double weight)
{
    struct balance_equations *e = &f->e;
    e->left2 += left * left * weight;
    for (size_t i = 0; i < e->n; i++) {
        const double x = f->row[i] * weight;
        double *h = e->h + i * e->n;
        if (f->row[i] == 0)
            continue;
        e->g[i] += x * left;
        for (size_t j = 0; j < e->n; j++)
            h[j] += x * f->row[j];
    }
}

static void make_equations(struct fit *f)
{
    struct balance_equations *e = &f->e;
    memset(e->h, 0, e->n * e->n * sizeof(*e->h));
    memset(e->g, 0, e->n * sizeof(*e->g));
    e->left2 = 0;
    f->rows = 0;
    for (size_t t = f->in->n_past; t < f->in->n_intervals; t++) {
        f->residual[t] = NAN;
        if (!row_is_usable(f, t))
            continue;
        const double left = make_row(f, t);
        add_row(f, left, f->weight[t]);
        f->residual[t] = left;
        f->rows++;
    }
}

/* ---- choosing ------------------------------------------------------------------------------- */

/* Variance of a residual, larger as neighbours are no independent witnesses. */
static double variance(const struct fit *f)
{
    return balance_rss(&f->e) / (double)f->rows * (1 + f->dependent) / (1 - f->dependent);
}

static size_t best_column(const struct balance_equations *e, double *ret_gain)
{
    size_t best = 0;
    *ret_gain = 0;
    for (size_t i = COLUMN_FIRST; i < e->n; i++) {
        const double gain = balance_is_open(e, i) ? 0 : balance_gain(e, i);
        if (gain > *ret_gain) {
            *ret_gain = gain;
            best = i;
        }
    }
    return best;
}

static void choose_columns(struct fit *f)
{
    struct balance_equations *e = &f->e;
    memset(e->x, 0, e->n * sizeof(*e->x));
    e->n_open = 0;
    e->open[e->n_open++] = COLUMN_A;
    e->open[e->n_open++] = COLUMN_B;
    balance_descend(e);
    while (e->n_open < BALANCE_OPEN_MAX) {
        double gain;
        const size_t i = best_column(e, &gain);
        if (gain <= ENTER * ENTER * variance(f))
            return;
        e->open[e->n_open++] = i;
        balance_descend(e);
    }
}

/* By how many standard deviations the balance is worse without the customer. */
static double deviations_of(const struct fit *f, size_t j)
{
    struct balance_equations without = f->e;
    double x[BALANCE_OPEN_MAX];
    const double noise = variance(f), rss = balance_rss(&f->e);
    size_t n = 0;
    for (size_t k = 0; k < f->e.n_open; k++) {
        const size_t i = f->e.open[k];
        x[k] = f->e.x[i];
        if (i < column_of(j) || i >= column_of(j + 1))
            without.open[n++] = i;
    }
    if (n == f->e.n_open)
        return 0;
    without.n_open = n;
    balance_descend(&without);
    const double worse = balance_rss(&without) - rss;
    for (size_t k = 0; k < f->e.n_open; k++)
        f->e.x[f->e.open[k]] = x[k];
    return noise > 0 ? sqrt(fmax(worse, 0) / noise) : 0;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Residuals, their spread by the median, and the next round's weights.  NAN: no memory. */
static double weigh_rows(struct fit *f)
{
    size_t n = 0;
    double *distance = malloc((f->rows + 1) * sizeof(*distance));
    if (!distance)
        return NAN;
    for (size_t t = f->in->n_past; t < f->in->n_intervals; t++) {
        if (isnan(f->residual[t]))
            continue;
        double r = make_row(f, t);
        for (size_t k = 0; k < f->e.n_open; k++)
            r -= f->row[f->e.open[k]] * f->e.x[f->e.open[k]];
        f->residual[t] = r;
        distance[n++] = fabs(r);
    }
    qsort(distance, n, sizeof(*distance), by_value);
    const double sigma = 1.4826 * distance[n / 2];
    free(distance);
    for (size_t t = f->in->n_past; t < f->in->n_intervals; t++)
        if (!isnan(f->residual[t])) {
            const double r = fabs(f->residual[t]);
            f->weight[t] = r > HUBER * sigma && sigma > 0 ? HUBER * sigma / r : 1;
        }
    return sigma;
}

/* Of one interval's residual with the next one's: neighbours are no independent witnesses. */
static double neighbours(const struct fit *f)
{
    double product = 0, squares = 0;
    for (size_t t = f->in->n_past + 1; t < f->in->n_intervals; t++)
        if (!isnan(f->residual[t]) && !isnan(f->residual[t - 1])) {
            product += f->residual[t] * f->residual[t - 1];
            squares += f->residual[t] * f->residual[t];
        }
    return squares > 0 ? fmin(fmax(product / squares, 0), 0.95) : 0;
}

/* Correlation of what the others leave with the customer's load. */
static double partial_correlation(const struct fit *f, size_t j)
{
    double n = 0, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
    for (size_t t = f->in->n_past; t < f->in->n_intervals; t++) {
        if (isnan(f->residual[t]))
            continue;
        const double x = (double)load_of(f->in, j)[t];
        double column[EACH], y = f->residual[t];
        make_columns(f, j, t, column);
        for (size_t i = 0; i < STARTS; i++)
            y += f->e.x[column_of(j) + i] * column[i];
        n++;
        sx += x;
        sy += y;
        sxx += x * x;
        syy += y * y;
        sxy += x * y;
    }
    const double vx = sxx - sx * sx / n, vy = syy - sy * sy / n;
    return vx > 0 && vy > 0 ? (sxy - sx * sy / n) / sqrt(vx * vy) : 0;
}

static void read_customer(struct fit *f, size_t j)
{
    struct sg_balance_customer *c = &f->customers[j];
    const double *x = f->e.x + column_of(j);
    double load = 0;
    for (size_t t = f->in->n_past; t < f->in->n_intervals; t++) {
        double column[EACH];
        if (isnan(f->residual[t]))
            continue;
        make_columns(f, j, t, column);
        load += column[0];
        for (size_t i = 0; i < EACH; i++)
            c->kwh += x[i] * column[i];
    }
    for (size_t i = 0; i < STARTS; i++)
        c->weight += x[i];
    c->share = c->kwh > 0 ? c->kwh / (c->kwh + load) : 0;
    c->correlation = partial_correlation(f, j);
    const double s = fmin(deviations_of(f, j) / SURE_DEVIATIONS, c->share / SURE_SHARE);
    c->sureness = s * s / (1 + s * s);
}

static void read_result(const struct fit *f, double sigma, struct sg_balance_result *ret)
{
    const struct sg_balance_input *in = f->in;
    *ret = (struct sg_balance_result){.intervals = f->rows, .residual_sd = sigma};
    ret->no_load_kwh = isnan(in->no_load_kwh) ? f->e.x[COLUMN_A] : in->no_load_kwh;
    ret->loss_per_kwh2 =
        isnan(in->loss_per_kwh2) ? f->e.x[COLUMN_B] * f->t2_scale : in->loss_per_kwh2;
    for (size_t t = in->n_past; t < in->n_intervals; t++) {
        if (isnan(f->residual[t]))
            continue;
        const double of = (double)in->transformer[t];
        ret->delivered_kwh += of;
        ret->technical_kwh += ret->no_load_kwh + ret->loss_per_kwh2 * of * of;
        for (size_t j = 0; j < in->n_customers; j++)
            ret->metered_kwh += f->customers[j].used ? (double)load_of(in, j)[t] : 0;
    }
    for (size_t j = 0; j < in->n_customers; j++)
        ret->explained_kwh += f->customers[j].kwh;
    ret->unexplained_kwh =
        ret->delivered_kwh - ret->metered_kwh - ret->technical_kwh - ret->explained_kwh;
}

static int solve(struct fit *f, struct sg_balance_result *ret)
{
    const struct sg_balance_input *in = f->in;
    double sigma = 0;
    choose_customers(f);
    int r = fill_gaps(f);
    if (r)
        return r;
    bound(f);
    for (size_t t = 0; t < in->n_intervals; t++)
        f->weight[t] = 1;
    for (int round = 0; round < ROUNDS; round++) {
        make_equations(f);
        if (f->rows < LEAST_INTERVALS || f->rows < 2 * in->n_customers)
            return SG_BALANCE_TOO_FEW;
        choose_columns(f);
        sigma = weigh_rows(f);
        if (isnan(sigma))
            return sg_raise(-ENOMEM);
        f->dependent = neighbours(f);
    }
    for (size_t j = 0; j < in->n_customers; j++)
        if (f->customers[j].used)
            read_customer(f, j);
    read_result(f, sigma, ret);
    return 0;
}

static bool input_is_valid(const struct sg_balance_input *in)
{
    return in->n_customers >= 1 && in->n_customers <= SG_BALANCE_CUSTOMERS_MAX &&
           in->n_intervals >= 1 && in->n_intervals <= SG_BALANCE_INTERVALS_MAX &&
           in->n_past < in->n_intervals && in->per_day >= 1 && in->per_day <= 96 &&
           in->n_past % in->per_day == 0 && in->weekday < 7 && !(in->no_load_kwh < 0) &&
           !(in->loss_per_kwh2 < 0);
}

int sg_balance(const struct sg_balance_input *in, struct sg_balance_customer *ret,
               struct sg_balance_result *ret_result)
{
    SG_CLEANUP(fit_clear) struct fit f = {.told = in, .in = in};
    if (!input_is_valid(in))
        return sg_raisef(-EINVAL, "%zu customers, %zu intervals, %zu of them past, %u a day",
                         in->n_customers, in->n_intervals, in->n_past, in->per_day);
    struct sg_balance_result result;
    int r = fit_init(&f, in);
    if (r == 0)
        r = solve(&f, &result);
    if (r)
        return r;
    memcpy(ret, f.customers, in->n_customers * sizeof(*ret));
    *ret_result = result;
    return 0;
}

void sg_balance_residual(const struct sg_balance_input *in, const struct sg_balance_customer *used,
                         const struct sg_balance_result *fit, float *ret)
{
    for (size_t t = 0; t < in->n_intervals; t++) {
        const double of = (double)in->transformer[t];
        double left = of - fit->no_load_kwh - fit->loss_per_kwh2 * of * of;
        for (size_t j = 0; j < in->n_customers; j++)
            left -= used[j].used ? (double)load_of(in, j)[t] : 0;
        ret[t] = (float)left;
    }
}
