#pragma once
/* balance-int - least squares with coefficients that are not negative. */
#include <sealgrid/fraud/balance.h>

/* Minimises x' H x / 2 - g' x over x >= 0; H symmetric, n x n, row-major.  x: start and result. */
void balance_descend(const double *h, const double *g, size_t n, double *x);
/* ret[i]: i-th diagonal element of the inverse of H over the rows where x > 0, and infinite where x
 * is 0 or H is singular there.  work: n * n + n. */
void balance_inverse_diagonal(const double *h, const double *x, size_t n, double *work,
                              double *ret);
