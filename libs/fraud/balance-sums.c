#include "balance-int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

/* Values after which partial sums go into doubles. */
#define RUN ((size_t)512)

static double fold(four a, four b)
{
    const four s = a + b;
    return ((double)s[0] + (double)s[1]) + ((double)s[2] + (double)s[3]);
}

static void run_products(const float *a, const float *const b[4], size_t n, double ret[4])
{
    four s[4][2] = {{{0}}};
    for (size_t t = 0; t + 8 <= n; t += 8) {
        const four x = *(const four *)(a + t), y = *(const four *)(a + t + 4);
        for (int k = 0; k < 4; k++) {
            s[k][0] += x * *(const four *)(b[k] + t);
            s[k][1] += y * *(const four *)(b[k] + t + 4);
        }
    }
    for (int k = 0; k < 4; k++) {
        ret[k] += fold(s[k][0], s[k][1]);
        for (size_t t = n / 8 * 8; t < n; t++)
            ret[k] += (double)a[t] * (double)b[k][t];
    }
}

void balance_products(const float *a, const float *const b[4], size_t n, double ret[4])
{
    const float *at[4] = {b[0], b[1], b[2], b[3]};
    memset(ret, 0, 4 * sizeof(*ret));
    for (size_t t = 0; t < n; t += RUN) {
        run_products(a + t, at, n - t < RUN ? n - t : RUN, ret);
        for (int k = 0; k < 4; k++)
            at[k] += RUN;
    }
}

/* ---- series --------------------------------------------------------------------------------- */

static float *series_of(const struct balance_sums *s, size_t i)
{
    return s->z + i * s->d->in->n_intervals;
}

static void fill_series(struct balance_sums *s)
{
    const struct balance_data *d = s->d;
    const size_t n = d->in->n_customers, intervals = d->in->n_intervals;
    double sum = 0, rows = 0;
    for (size_t j = 0; j < n; j++)
        for (size_t t = 0; t < intervals; t++)
            series_of(s, j)[t] = balance_load(d, j, t);
    for (size_t t = 0; t < intervals; t++)
        if (!isnan(d->left[t])) {
            sum += (double)d->of[t];
            rows++;
        }
    s->t2_scale = sum > 0 ? rows * rows / (sum * sum) : 1;
    for (size_t t = 0; t < intervals; t++) {
        const double of = (double)d->of[t];
        series_of(s, n + BALANCE_SUM)[t] = d->sum[t];
        series_of(s, n + BALANCE_SQUARE)[t] = (float)(of * of * s->t2_scale);
        series_of(s, n + BALANCE_LEFT)[t] = d->left[t];
    }
    for (size_t i = 0; i < s->m; i++)
        balance_within(d, series_of(s, i));
}

/* ---- products ------------------------------------------------------------------------------- */

static double *matrix(const struct balance_sums *s, size_t part)
{
    return s->h + part * s->m * s->m;
}

/* Series i with those from k0 on, four at a time, within one part. */
static void row_products(struct balance_sums *s, size_t part, size_t i, const float *row)
{
    const size_t from = balance_part_begins(s->d, part), to = balance_part_begins(s->d, part + 1);
    double *h = matrix(s, part);
    for (size_t k = 0; k <= i; k += 4) {
        const float *b[4];
        double product[4];
        for (size_t l = 0; l < 4; l++)
            b[l] = series_of(s, k + l <= i ? k + l : i) + from;
        balance_products(row + from, b, to - from, product);
        for (size_t l = 0; l < 4 && k + l <= i; l++)
            h[i * s->m + k + l] = h[(k + l) * s->m + i] = product[l];
    }
}

/* From a part on: those of it and of all after it. */
static void add_up(struct balance_sums *s, size_t i)
{
    for (size_t part = s->d->parts - 1; part-- > s->d->first_part;)
        for (size_t k = 0; k <= i; k++) {
            const double sum = matrix(s, part)[i * s->m + k] + matrix(s, part + 1)[i * s->m + k];
            matrix(s, part)[i * s->m + k] = matrix(s, part)[k * s->m + i] = sum;
        }
}

static void make_products(struct balance_sums *s, size_t i, const float *row)
{
    for (size_t part = s->d->first_part; part < s->d->parts; part++)
        row_products(s, part, i, row);
    add_up(s, i);
}

void balance_sums_left(struct balance_sums *s)
{
    const size_t i = s->m - BALANCE_OTHERS + BALANCE_LEFT;
    memcpy(series_of(s, i), s->left, s->d->in->n_intervals * sizeof(*s->left));
    make_products(s, i, series_of(s, i));
    s->left2 = matrix(s, s->d->first_part)[i * s->m + i];
}

int balance_sums_make(struct balance_sums *ret, const struct balance_data *d)
{
    struct balance_sums *s = ret;
    const size_t m = d->in->n_customers + BALANCE_OTHERS, n = d->in->n_intervals;
    *s = (struct balance_sums){.d = d, .m = m};
    s->z = malloc(m * n * sizeof(*s->z));
    s->left = malloc(n * sizeof(*s->left));
    s->h = malloc(d->parts * m * m * sizeof(*s->h));
    if (!s->z || !s->left || !s->h)
        return sg_raise(-ENOMEM);
    fill_series(s);
    for (size_t i = 0; i < m; i++)
        make_products(s, i, series_of(s, i));
    memcpy(s->left, series_of(s, m - BALANCE_OTHERS + BALANCE_LEFT), n * sizeof(*s->left));
    s->left2 = matrix(s, d->first_part)[m * m - 1];
    return 0;
}

void balance_sums_clear(struct balance_sums *s)
{
    free(s->z);
    free(s->left);
    free(s->h);
    *s = (struct balance_sums){.d = NULL};
}
