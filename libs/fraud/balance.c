/*
 * balance - the equations of a transformer, put together, solved and read.
 */
#include "balance-int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_INTERVALS 48
#define MISSING_MOST    0.2 /* of the judged intervals */
#define PAST_LEAST      7   /* days that tell a habit */
#define ROUNDS          4   /* of weighing rows down */
#define HUBER           2.0 /* standard deviations within which a row counts in full */
#define FALL_LEAST      0.25
#define FALL_DEVIATIONS 2.5
#define SURE_SHARE      0.05
#define SURE_DEVIATIONS 3.0

enum { COLUMN_A, COLUMN_B, COLUMN_FIRST };

struct fit {
    const struct sg_balance_input *in;
    struct sg_balance_customer *customers;
    bool habits;
    size_t n; /* columns: a, b, then w of each customer, then u of each if there are habits */
    size_t rows;
    double t2_scale; /* of the column T^2 */
    float *habit;    /* by customer: 2 kinds of day times per_day */
    double *h, *g, *x, *row, *work, *diagonal;
    double *residual, *weight; /* by interval; NAN: not usable */
};

static void fit_clear(struct fit *f)
{
    free(f->customers);
    free(f->habit);
    free(f->h);
    free(f->g);
    free(f->x);
    free(f->row);
    free(f->work);
    free(f->diagonal);
    free(f->residual);
    free(f->weight);
}

static int fit_init(struct fit *f, const struct sg_balance_input *in)
{
    f->habits = in->n_past >= (size_t)PAST_LEAST * in->per_day;
    f->n = COLUMN_FIRST + in->n_customers * (f->habits ? 2 : 1);
    f->customers = calloc(in->n_customers, sizeof(*f->customers));
    f->habit = calloc(in->n_customers * 2 * in->per_day + 1, sizeof(*f->habit));
    f->h = calloc(f->n * f->n, sizeof(*f->h));
    f->g = calloc(f->n, sizeof(*f->g));
    f->x = calloc(f->n, sizeof(*f->x));
    f->row = calloc(f->n, sizeof(*f->row));
    f->work = calloc(f->n * f->n + f->n, sizeof(*f->work));
    f->diagonal = calloc(f->n, sizeof(*f->diagonal));
    f->residual = calloc(in->n_intervals, sizeof(*f->residual));
    f->weight = calloc(in->n_intervals, sizeof(*f->weight));
    if (!f->customers || !f->habit || !f->h || !f->g || !f->x || !f->row || !f->work ||
        !f->diagonal || !f->residual || !f->weight)
        return sg_raise(-ENOMEM);
    return 0;
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

/* What it used to draw at the hours at which it now draws clearly less; 0 at the others, where the
 * difference from day to day is its own affair. */
static void learn_habit(const struct sg_balance_input *in, size_t j, float *ret)
{
    for (size_t slot = 0; slot < 2 * (size_t)in->per_day; slot++) {
        const struct mean then = mean_of(in, j, slot, 0, in->n_past);
        const struct mean now = mean_of(in, j, slot, in->n_past, in->n_intervals);
        const double fall = then.is - now.is;
        const bool clear =
            then.n >= 2 && now.n >= 2 && fall > FALL_LEAST * then.is &&
            fall * fall > FALL_DEVIATIONS * FALL_DEVIATIONS * (then.variance + now.variance);
        ret[slot] = clear ? (float)then.is : 0;
    }
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
        if (f->habits)
            learn_habit(in, j, f->habit + j * 2 * in->per_day);
    }
}

static bool row_is_usable(const struct fit *f, size_t t)
{
    if (isnan(f->in->transformer[t]))
        return false;
    for (size_t j = 0; j < f->in->n_customers; j++)
        if (f->customers[j].used && isnan(load_of(f->in, j)[t]))
            return false;
    return true;
}

/* Left-hand side of interval t, and its columns in f->row. */
static double make_row(struct fit *f, size_t t)
{
    const struct sg_balance_input *in = f->in;
    const double of = (double)in->transformer[t];
    double left = of;
    memset(f->row, 0, f->n * sizeof(*f->row));
    if (isnan(in->no_load_kwh))
        f->row[COLUMN_A] = 1;
    else
        left -= in->no_load_kwh;
    if (isnan(in->loss_per_kwh2))
        f->row[COLUMN_B] = of * of * f->t2_scale;
    else
        left -= in->loss_per_kwh2 * of * of;
    for (size_t j = 0; j < in->n_customers; j++) {
        if (!f->customers[j].used)
            continue;
        const double c = (double)load_of(in, j)[t];
        left -= c;
        f->row[COLUMN_FIRST + j] = c;
        if (f->habits)
            f->row[COLUMN_FIRST + in->n_customers + j] =
                fmax((double)f->habit[j * 2 * in->per_day + slot_of(in, t)] - c, 0);
    }
    return left;
}

static void scale_square(struct fit *f)
{
    double sum = 0, n = 0;
    for (size_t t = f->in->n_past; t < f->in->n_intervals; t++)
        if (row_is_usable(f, t)) {
            sum += (double)f->in->transformer[t];
            n++;
        }
    f->t2_scale = sum > 0 ? n * n / (sum * sum) : 1;
}

static void add_row(struct fit *f, double left, double weight)
{
    for (size_t i = 0; i < f->n; i++) {
        const double x = f->row[i] * weight;
        double *h = f->h + i * f->n;
        if (f->row[i] == 0)
            continue;
        f->g[i] += x * left;
        for (size_t j = 0; j < f->n; j++)
            h[j] += x * f->row[j];
    }
}

static void make_equations(struct fit *f)
{
    memset(f->h, 0, f->n * f->n * sizeof(*f->h));
    memset(f->g, 0, f->n * sizeof(*f->g));
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
        for (size_t i = 0; i < f->n; i++)
            r -= f->row[i] * f->x[i];
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
        const double y = f->residual[t] + f->x[COLUMN_FIRST + j] * x;
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

static void read_customer(struct fit *f, size_t j, double sigma, double dependent)
{
    const struct sg_balance_input *in = f->in;
    struct sg_balance_customer *c = &f->customers[j];
    const size_t w = COLUMN_FIRST + j, u = w + in->n_customers;
    double load = 0, missing = 0;
    for (size_t t = in->n_past; t < in->n_intervals; t++) {
        if (isnan(f->residual[t]))
            continue;
        const double kwh = (double)load_of(in, j)[t];
        load += kwh;
        if (f->habits)
            missing += fmax((double)f->habit[j * 2 * in->per_day + slot_of(in, t)] - kwh, 0);
    }
    c->weight = f->x[w];
    c->habit = f->habits ? f->x[u] : 0;
    c->kwh = c->weight * load + c->habit * missing;
    c->share = c->kwh > 0 ? c->kwh / (c->kwh + load) : 0;
    c->correlation = partial_correlation(f, j);
    const double inflate = (1 + dependent) / (1 - dependent);
    double deviations = c->weight / (sigma * sqrt(f->diagonal[w] * inflate) + 1e-12);
    if (f->habits)
        deviations = fmax(deviations, c->habit / (sigma * sqrt(f->diagonal[u] * inflate) + 1e-12));
    const double s = fmin(deviations / SURE_DEVIATIONS, c->share / SURE_SHARE);
    c->sureness = s * s / (1 + s * s);
}

static void read_result(const struct fit *f, double sigma, struct sg_balance_result *ret)
{
    const struct sg_balance_input *in = f->in;
    *ret = (struct sg_balance_result){.intervals = f->rows, .residual_sd = sigma};
    ret->no_load_kwh = isnan(in->no_load_kwh) ? f->x[COLUMN_A] : in->no_load_kwh;
    ret->loss_per_kwh2 =
        isnan(in->loss_per_kwh2) ? f->x[COLUMN_B] * f->t2_scale : in->loss_per_kwh2;
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
    scale_square(f);
    for (size_t t = 0; t < in->n_intervals; t++)
        f->weight[t] = 1;
    for (int round = 0; round < ROUNDS; round++) {
        make_equations(f);
        if (f->rows < LEAST_INTERVALS || f->rows < 2 * in->n_customers)
            return SG_BALANCE_TOO_FEW;
        balance_descend(f->h, f->g, f->n, f->x);
        sigma = weigh_rows(f);
        if (isnan(sigma))
            return sg_raise(-ENOMEM);
    }
    balance_inverse_diagonal(f->h, f->x, f->n, f->work, f->diagonal);
    const double dependent = neighbours(f);
    for (size_t j = 0; j < in->n_customers; j++)
        if (f->customers[j].used)
            read_customer(f, j, sigma, dependent);
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
    SG_CLEANUP(fit_clear) struct fit f = {.in = in};
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
