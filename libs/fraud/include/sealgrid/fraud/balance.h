#pragma once
/*
 * fraud balance - energy of a transformer against that of the customers it feeds.
 *
 * For every interval t the transformer's own meter T(t) and the sum of its customers' c_j(t) give
 *
 *   T(t) - sum_j c_j(t) = a + b T(t)^2 + sum_j w_j c_j(t) + n(t)
 *
 * a: no-load loss (iron), b: load loss (copper, goes with the square of the current), w_j >= 0:
 * what customer j draws unmetered for each kWh metered, n: noise.  A customer who passes on a share
 * s of its energy unmetered has w_j = s / (1 - s); one who takes energy by a separate line, not in
 * step with its own load, leaves its mark in n and in the unexplained part alone.  a, b and all w_j
 * are found together by non-negative least squares (Lawson and Hanson 1974), over a ridge that
 * keeps customers of like shape apart only as far as the data does; customers are also ranked by
 * the correlation of the loss with their load (the idea of Zheng et al. 2019, there by maximal
 * information coefficient).
 *
 * A customer without any reading in an interval makes that interval unusable (it is left out, and
 * counted); one that is missing in most of them is left out itself and named.  Arithmetic is done
 * in one order: same bits on every machine.  Any thread; borrows all arguments for the call.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SG_BALANCE_CUSTOMERS_MAX = 1024,
    SG_BALANCE_INTERVALS_MAX = 200000,
};

/* n_intervals rows of n_customers values; NAN: missing.  kWh. */
struct sg_balance_input {
    size_t n_customers, n_intervals;
    const float *transformer; /* n_intervals */
    const float *customer;    /* customer-major: n_customers rows of n_intervals values */
    double rated_kwh;         /* what the transformer can pass in an interval; 0: not known */
    double no_load_kwh;       /* loss of an interval without load; NAN: fitted */
    double load_loss_kwh;     /* loss of an interval at rated load; NAN: fitted */
};

struct sg_balance_customer {
    double weight;      /* w_j; 0: metered in full */
    double share;       /* of its true load that is not metered: w / (1 + w) */
    double kwh;         /* unmetered, over the intervals used */
    double correlation; /* of the loss left by all others with its load, -1..1 */
    double sureness;    /* 0..1: how much worse the balance is without it */
    bool used;          /* false: too many readings missing */
};

struct sg_balance_result {
    size_t intervals; /* used */
    double delivered_kwh, metered_kwh;
    double technical_kwh;   /* a and b T^2 */
    double explained_kwh;   /* by customers' weights */
    double unexplained_kwh; /* what is left: lines of their own, customers without a meter */
    double no_load_kwh, load_loss_per_kwh2; /* a, b */
    double residual_sd;                     /* kWh an interval */
};

enum sg_balance_outcome {
    SG_BALANCE_TOO_FEW = 1, /* usable intervals: fewer than 2 for each customer, or below 48 */
};

/* ret: n_customers.  0, SG_BALANCE_TOO_FEW, -EINVAL, -ENOMEM. */
SG_MUST_USE int sg_balance(const struct sg_balance_input *in, struct sg_balance_customer *ret,
                           struct sg_balance_result *ret_result);
/* T - sum of customers - a - b T^2 by interval, NAN where unusable: for a picture. */
void sg_balance_residual(const struct sg_balance_input *in, const struct sg_balance_result *fit,
                         float *ret);
