#pragma once
/*
 * fraud balance - energy of a transformer against that of the customers it feeds.
 *
 * For every interval t the transformer's own meter T(t) and its customers' c_j(t) give
 *
 *   T(t) - sum_j c_j(t) = a + b T(t)^2 + sum_j (w_j c_j(t) + u_j d_j(t) + v_j e_j(t)) + n(t)
 *
 *   a  no-load loss (iron),  b  load loss (copper: goes with the square of the current): at most
 *      1.5 % of the mean load and 2 % at the largest (ABNT NBR 5440)
 *   w_j  what customer j draws unmetered for each kWh metered: a share s passed by the meter gives
 *        w_j = s / (1 - s); from the first judged day on or from one of the fifths
 *        of the judged days
 *   d_j  at the hours at which j draws clearly less than in its past: what the past lets expect
 *        beyond what it reports (hours switched off);  e_j  the mean of that fall (an amount taken
 *        off, peaks cut); both only where a past is given
 *   n    noise
 * with all coefficients >= 0.  Few customers steal: so columns come in one by one, each the one
 * that explains most of what is left, while it explains more than chance would (orthogonal matching
 * pursuit, Pati et al. 1993), and after each all that are in are fitted together by coordinate
 * descent (Franc, Hlavac and Navara 2005); rows of large residual are weighed down (Huber 1964).
 * That is the idea of Zheng et al. 2019 (loss of an area against each customer's load) with all
 * customers at once, so that one who merely looks like the thief is not accused instead.  The
 * partial correlation of the loss with each load is told beside it.
 *
 * Whoever takes energy by a line of its own, or has no meter in the list, is left in `unexplained`.
 * A customer whose readings are missing in more than a fifth of the intervals is left out and
 * named: what it used to draw, where a past tells it, stands for it in a column of its own and
 * stays in `unexplained`; else that energy would be shared out among neighbours.  Of the rest a
 * reading that is missing is taken as the mean of that hour and kind of day in the judged intervals
 * (and counts so in `metered`); an interval in which more than a fifth of the customers lack theirs
 * is left out.
 *
 * Arithmetic in one order: same bits on every machine.  Any thread; borrows all arguments.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SG_BALANCE_CUSTOMERS_MAX = 400,
    SG_BALANCE_INTERVALS_MAX = 200000,
};

struct sg_balance_input {
    size_t n_customers, n_intervals;
    const float *transformer; /* n_intervals, kWh; NAN: missing */
    const float *customer;    /* n_customers rows of n_intervals values */
    size_t n_past;            /* intervals at the beginning that tell habits; the rest is judged */
    uint32_t per_day;         /* intervals of a day; 1..96 */
    uint32_t weekday;         /* of the first interval; 0 = Monday */
    double no_load_kwh;       /* loss of an interval without load; NAN: fitted */
    double loss_per_kwh2;     /* b; NAN: fitted */
};

struct sg_balance_customer {
    double weight;      /* w_j at the end */
    double kwh;         /* unmetered, over the intervals used */
    double share;       /* of what it truly draws that is not metered, 0..1 */
    double correlation; /* of the loss that others leave with its load, -1..1 */
    double sureness;    /* 0..1: one half at four standard deviations and 8 % of its load */
    bool used;          /* false: too many readings missing */
};

struct sg_balance_result {
    size_t intervals; /* used */
    double delivered_kwh, metered_kwh;
    double technical_kwh;   /* a and b T^2 */
    double explained_kwh;   /* by customers */
    double unexplained_kwh; /* what is left; near 0 where a and b are fitted */
    double no_load_kwh, loss_per_kwh2;
    double residual_sd; /* kWh an interval */
};

enum sg_balance_outcome {
    SG_BALANCE_TOO_FEW = 1, /* usable intervals: below 48, or below twice the customers */
};

/* ret: n_customers.  0, SG_BALANCE_TOO_FEW, -EINVAL (a number past its limit), -ENOMEM. */
SG_MUST_USE int sg_balance(const struct sg_balance_input *in, struct sg_balance_customer *ret,
                           struct sg_balance_result *ret_result);
/* Loss that is not technical by interval, T - sum of customers - a - b T^2, NAN where a reading is
 * missing: for a picture.  used: as sg_balance gave it. */
void sg_balance_residual(const struct sg_balance_input *in, const struct sg_balance_customer *used,
                         const struct sg_balance_result *fit, float *ret);
