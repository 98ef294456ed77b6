#pragma once
/* balance-int - least squares over a few chosen columns with coefficients within bounds. */
#include <sealgrid/fraud/balance.h>

enum { BALANCE_OPEN_MAX = 256 };

/* Sums of products of n columns with each other (h, n x n), with the left-hand side (g), and of
 * that with itself; x: coefficients, most: their upper bounds.  open: the columns that are in. */
struct balance_equations {
    size_t n;
    double *h, *g, *x, *most;
    double left2;
    size_t open[BALANCE_OPEN_MAX];
    size_t n_open;
};

/* Least squares over the open columns, from x on; x of the others is 0. */
void balance_descend(struct balance_equations *e);
/* Sum of squared residuals. */
double balance_rss(const struct balance_equations *e);
/* How much of it column i would take, alone and by a coefficient above 0. */
double balance_gain(const struct balance_equations *e, size_t i);
bool balance_is_open(const struct balance_equations *e, size_t i);
