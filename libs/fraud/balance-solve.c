#include "balance-int.h"

#include <math.h>

#define SWEEPS_MAX 2000
#define CLOSE      1e-7

double balance_product(const struct balance_sums *s, struct balance_column a,
                       struct balance_column b)
{
    const size_t part = a.part > b.part ? a.part : b.part;
    return s->h[(part * s->m + a.series) * s->m + b.series];
}

static struct balance_column left_of(const struct balance_fit *f)
{
    return (struct balance_column){f->sums->m - BALANCE_OTHERS + BALANCE_LEFT,
                                   f->sums->d->first_part};
}

bool balance_is_open(const struct balance_fit *f, struct balance_column c)
{
    for (size_t k = 0; k < f->n; k++)
        if (f->open[k].series == c.series && f->open[k].part == c.part)
            return true;
    return false;
}

void balance_open(struct balance_fit *f, struct balance_column c, double low, double high)
{
    const size_t i = f->n++;
    f->open[i] = c;
    f->x[i] = 0;
    f->low[i] = low;
    f->high[i] = high;
    f->g[i] = balance_product(f->sums, c, left_of(f));
    for (size_t k = 0; k <= i; k++)
        f->h[i][k] = f->h[k][i] = balance_product(f->sums, c, f->open[k]);
}

/* What of open column i's product with the left-hand side is not explained. */
static double slope_of(const struct balance_fit *f, size_t i)
{
    double left = f->g[i];
    for (size_t k = 0; k < f->n; k++)
        left -= f->h[i][k] * f->x[k];
    return left;
}

double balance_slope(const struct balance_fit *f, struct balance_column c)
{
    double left = balance_product(f->sums, c, left_of(f));
    for (size_t k = 0; k < f->n; k++)
        left -= balance_product(f->sums, c, f->open[k]) * f->x[k];
    return left;
}

/* One coordinate after the other goes to its own least within its bounds. */
void balance_descend(struct balance_fit *f)
{
    for (int sweep = 0; sweep < SWEEPS_MAX; sweep++) {
        double moved = 0, scale = 0;
        for (size_t i = 0; i < f->n; i++) {
            const double square = f->h[i][i];
            if (!(square > 0))
                continue;
            const double to = fmin(fmax(f->x[i] + slope_of(f, i) / square, f->low[i]), f->high[i]);
            /* In units of what the column explains. */
            moved = fmax(moved, fabs(to - f->x[i]) * sqrt(square));
            scale = fmax(scale, fabs(to) * sqrt(square));
            f->x[i] = to;
        }
        if (moved <= CLOSE * scale)
            return;
    }
}

double balance_rss(const struct balance_fit *f)
{
    double rss = f->sums->left2;
    for (size_t i = 0; i < f->n; i++)
        rss -= f->x[i] * (f->g[i] + slope_of(f, i));
    return fmax(rss, 0);
}
