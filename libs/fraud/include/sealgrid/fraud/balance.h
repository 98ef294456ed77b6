#pragma once
/*
 * fraud balance - energy of a transformer against that of the customers it feeds.
 *
 * For every interval t the transformer's own meter T(t) and its customers' c_j(t) give
 *
 *   T(t) - sum_j c_j(t) = losses(t) + sum_j w_j c_j(t) + what is not listed(t) + n(t)
 *
 * with w_j = s / (1 - s) where a share s of what customer j draws passes by its meter.  A line that
 * nobody lists (street lights, a household) is part of the left side as well, and its load looks
 * like that of many customers: same hours, same weather.  So nobody is accused for his hours.
 *
 * Shares.  Out of every series come the mean of its hour (past and judged days apart, weekends
 * apart, each fifth of the judged days apart) and the mean of its day: the two-way within estimator
 * of panels (Baltagi, Econometric Analysis of Panel Data, 3).  What is left of a load is its own
 * doing, minute by minute, and only a by-pass repeats it in the loss.  Beside the customers
 * stand the sum of all (weather that all share; a wrong ratio) and T^2 (copper) as explanations
 * that accuse nobody.  Customers come in one by one, each from the past or from a fifth of the
 * judged days on, while they explain more than chance (orthogonal matching pursuit, Pati et al.
 * 1993), fitted together by coordinate descent (Franc, Hlavac and Navara 2005); residuals past 2.5
 * deviations are cut (Huber 1981).  One half of sureness is reached where all of these are: six
 * deviations, the days being the witnesses (a sum over days, each day's sum a draw); days agree
 * (mean by deviation 2); nobody else in its place does as well; a tenth of its load.
 *
 * Falls.  Of who takes everything, or hours, or peaks, nothing is left to go with the loss.  There,
 * where a past is given, the loss must rise by what the customer falls below its own past: in the
 * same days, and at the same hours after a constant and the common profile are taken out, which a
 * new line would have.
 *
 * What nobody explains, less the losses that transformers have (ABNT NBR 5440), is told as the
 * transformer's: `findings`.  A customer whose load is missing in the loss, as if it drew nothing
 * (w_j = -1), is fed by another transformer; sg_balance_match finds which.
 *
 * A customer whose readings are missing in more than a fifth of the judged intervals is left out
 * and named; what it used to draw is absent_kwh, a part of the unexplained.  Of the rest a reading
 * that is missing is taken as the mean of that hour and kind of day; an interval in which more than
 * a fifth of the customers lack theirs is left out, and one in which the transformer's own reading
 * is beyond what anybody could draw.
 *
 * What is not seen: a by-pass of everything from the first day on, an amount taken off that never
 * touches zero, a share below a tenth; they are in the unexplained.
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
    double kwh;         /* unmetered, over the intervals used; elsewhere: metered, but not here */
    double fall_kwh;    /* of it: what it draws less than it used to */
    double share;       /* of what it truly draws that is not metered, 0..1 */
    double correlation; /* of the loss that others leave with its load, -1..1 */
    double deviations;  /* standard deviations of the weight */
    double sureness;    /* 0..1: one half where every piece of evidence just suffices */
    bool used;          /* false: too many readings missing */
    bool elsewhere;     /* what it draws does not come from this transformer */
};

/* What is wrong with the transformer or with its list; bits. */
enum sg_balance_finding {
    SG_BALANCE_UNLISTED = 1, /* a line that is not listed: unexplained_kwh less absent_kwh */
    SG_BALANCE_TOO_MUCH = 2, /* customers report more than it delivers */
    SG_BALANCE_RATIO = 4,    /* its meter counts `ratio` times what passes */
    SG_BALANCE_PHASE = 8,    /* a phase of its meter is missing: many draw what it does not see */
    SG_BALANCE_CLOCK = 16,   /* its readings come clock_late intervals late; judged as set right */
    SG_BALANCE_LACKING = 32, /* its readings are missing */
};

struct sg_balance_result {
    size_t intervals; /* used */
    double delivered_kwh, metered_kwh;
    double technical_kwh;   /* a and b T^2 */
    double explained_kwh;   /* by customers */
    double elsewhere_kwh;   /* metered of customers whom others feed */
    double ratio_kwh;       /* by a wrong ratio of the transformer's meter */
    double absent_kwh;      /* what customers whose readings are missing used to draw */
    double unexplained_kwh; /* what is left; near 0 where a and b are fitted */
    double no_load_kwh, loss_per_kwh2;
    double residual_sd; /* kWh an interval */
    double ratio;       /* 1: right */
    double lacking;     /* of the transformer's judged readings, 0..1 */
    int clock_late;     /* intervals */
    unsigned findings;
};

enum sg_balance_outcome {
    SG_BALANCE_TOO_FEW = 1, /* usable intervals: below 48, or below twice the customers */
};

/* ret: n_customers.  ret_rest: n_intervals, or NULL: what of the loss nobody explains, without what
 * is usual at its hour and its day's level, kWh; NAN where an interval does not count.
 * 0, SG_BALANCE_TOO_FEW, -EINVAL (a number past its limit), -ENOMEM. */
SG_MUST_USE int sg_balance(const struct sg_balance_input *in, struct sg_balance_customer *ret,
                           struct sg_balance_result *ret_result, float *ret_rest);

struct sg_balance_match {
    double weight;     /* 1: all of the load is in what the transformer cannot explain */
    double deviations; /* of the weight, days being the witnesses */
    bool fits;         /* weight within 0.6 to 1.4 at six deviations or more */
};
/* Is a load, listed elsewhere, in the rest of this transformer?  in: of the transformer; its
 * customers are not looked at.  load: n_intervals, NAN: missing.  0, -EINVAL, -ENOMEM. */
SG_MUST_USE int sg_balance_match(const struct sg_balance_input *in, const float *rest,
                                 const float *load, struct sg_balance_match *ret);
