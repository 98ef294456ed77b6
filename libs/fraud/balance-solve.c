#include "balance-int.h"

#include <math.h>

#define SWEEPS_MAX 5000
#define CLOSE      1e-9

/* One coordinate after the other goes to its own least, not below 0; each keeps the gradient. */
void balance_descend(const double *h, const double *g, size_t n, double *x)
{
    for (int sweep = 0; sweep < SWEEPS_MAX; sweep++) {
        double moved = 0, scale = 0;
        for (size_t i = 0; i < n; i++) {
            const double *row = h + i * n;
            double slope = -g[i];
            if (!(row[i] > 0))
                continue;
            for (size_t j = 0; j < n; j++)
                slope += row[j] * x[j];
            const double to = fmax(x[i] - slope / row[i], 0);
            /* In units of what the column explains. */
            moved = fmax(moved, fabs(to - x[i]) * sqrt(row[i]));
            scale = fmax(scale, to * sqrt(row[i]));
            x[i] = to;
        }
        if (moved <= CLOSE * scale)
            return;
    }
}

/* Cholesky of the rows that are in; false: singular. */
static bool factor(double *l, size_t m)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = l[i * m + j];
            for (size_t k = 0; k < j; k++)
                sum -= l[i * m + k] * l[j * m + k];
            if (i != j)
                l[i * m + j] = sum / l[j * m + j];
            else if (sum <= 1e-12 * l[i * m + i] || !(sum > 0))
                return false;
            else
                l[i * m + i] = sqrt(sum);
        }
    return true;
}

/* Squared length of the column of the inverse of L. */
static double column_length(const double *l, size_t m, size_t i, double *v)
{
    double squares = 0;
    for (size_t r = i; r < m; r++) {
        double sum = r == i ? 1 : 0;
        for (size_t k = i; k < r; k++)
            sum -= l[r * m + k] * v[k];
        v[r] = sum / l[r * m + r];
        squares += v[r] * v[r];
    }
    return squares;
}

void balance_inverse_diagonal(const double *h, const double *x, size_t n, double *work, double *ret)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        m += x[i] > 0;
    size_t row = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(x[i] > 0))
            continue;
        size_t column = 0;
        for (size_t j = 0; j < n; j++)
            if (x[j] > 0)
                work[row * m + column++] = h[i * n + j];
        row++;
    }
    const bool good = factor(work, m);
    row = 0;
    for (size_t i = 0; i < n; i++)
        ret[i] = INFINITY;
    for (size_t i = 0; i < n && good; i++)
        if (x[i] > 0) {
            ret[i] = column_length(work, m, row, work + m * m);
            row++;
        }
}
