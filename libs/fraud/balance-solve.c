#include "balance-int.h"

#include <math.h>

#define SWEEPS_MAX 2000
#define CLOSE      1e-9

/* What of column i's product with the left-hand side is not explained. */
static double slope_of(const struct balance_equations *e, size_t i)
{
    double left = e->g[i];
    for (size_t k = 0; k < e->n_open; k++)
        left -= e->h[i * e->n + e->open[k]] * e->x[e->open[k]];
    return left;
}

/* One coordinate after the other goes to its own least within its bounds. */
void balance_descend(struct balance_equations *e)
{
    for (int sweep = 0; sweep < SWEEPS_MAX; sweep++) {
        double moved = 0, scale = 0;
        for (size_t k = 0; k < e->n_open; k++) {
            const size_t i = e->open[k];
            const double square = e->h[i * e->n + i];
            if (!(square > 0))
                continue;
            const double to = fmin(fmax(e->x[i] + slope_of(e, i) / square, 0), e->most[i]);
            /* In units of what the column explains. */
            moved = fmax(moved, fabs(to - e->x[i]) * sqrt(square));
            scale = fmax(scale, to * sqrt(square));
            e->x[i] = to;
        }
        if (moved <= CLOSE * scale)
            return;
    }
}

double balance_rss(const struct balance_equations *e)
{
    double rss = e->left2;
    for (size_t k = 0; k < e->n_open; k++) {
        const size_t i = e->open[k];
        rss -= e->x[i] * (e->g[i] + slope_of(e, i));
    }
    return fmax(rss, 0);
}

double balance_gain(const struct balance_equations *e, size_t i)
{
    const double square = e->h[i * e->n + i], slope = slope_of(e, i);
    return square > 0 && slope > 0 ? slope * slope / square : 0;
}

bool balance_is_open(const struct balance_equations *e, size_t i)
{
    for (size_t k = 0; k < e->n_open; k++)
        if (e->open[k] == i)
            return true;
    return false;
}
