#pragma once
/*
 * fraud correlation - how like its own regular self a customer's days are.
 *
 * The ranking step of Brito et al. 2019, and of Monedero et al. 2012 before it (Pearson's
 * coefficient against the customer's own regular behaviour).  r compares shapes: a day of the same
 * shape at half the level has r = 1.
 *
 *   file form     score = 1 - median over the test days of r(day, profile of the day's kind), the
 *                 profile being the mean of the customer's days of that kind (Monday to Friday,
 *                 Saturday and Sunday) in the reference window
 *   sliding form  r(day, mean of the N days of its kind before it), for a store in which days
 *                 keep coming
 * 0 is a perfect repetition of the past, 1 no likeness, 2 its opposite.
 *
 * r is 0 if either vector is constant.  Loads are binary32, so a vector is constant if its
 * standard deviation is below 2^-22 of its root mean square: what rounding alone may leave
 * (relative 2^-24 a value) of a constant in decimals.
 *
 * All sums are binary64.  Nothing here allocates; everything may run on any thread.  kernel may be
 * NULL: the best.
 */
#include <sealgrid/fraud/days.h>
#include <sealgrid/fraud/kernel.h>

/* Both ends belong to the window; in the days' own numbers. */
struct sg_corr_window {
    int32_t first, last;
};

struct sg_corr_windows {
    struct sg_corr_window reference, test;
};

#define SG_CORR_WINDOWS_DEFAULT                                                                    \
    {                                                                                              \
        .reference = {0, 89}, .test = { 90, 119 }                                                  \
    }

enum sg_corr_outcome {
    SG_CORR_NO_REFERENCE = 1, /* no day of any kind in the reference window */
    SG_CORR_NO_TEST,          /* no day to judge that has a reference of its kind */
};

/* One profile a kind of day. */
struct sg_corr_profile {
    uint32_t points;
    uint32_t n_days[SG_FRAUD_DAY_KINDS]; /* days behind each profile; 0: there is none */
    bool varies[SG_FRAUD_DAY_KINDS];     /* false: constant, every r is 0 */
    /* Mean over its days. */
    _Alignas(64) double mean[SG_FRAUD_DAY_KINDS][SG_FRAUD_POINTS_MAX];
    /* The mean moved to sum 0 and scaled to norm 1: r is a dot product with it. */
    _Alignas(64) double unit[SG_FRAUD_DAY_KINDS][SG_FRAUD_POINTS_MAX];
};

/* The customer's own regular behaviour.  0, or SG_CORR_NO_REFERENCE. */
SG_MUST_USE int sg_corr_profile_of(const struct sg_fraud_days *d, struct sg_corr_window reference,
                                   const struct sg_fraud_kernel *kernel,
                                   struct sg_corr_profile *ret);
/* Somebody else's behaviour as profile of one kind: `points` finite values.  Start from a zeroed
 * profile with `points` set. */
void sg_corr_profile_set(struct sg_corr_profile *p, enum sg_fraud_day_kind kind,
                         const float *values, const struct sg_fraud_kernel *kernel);
/* r of each of the days first..first+n-1 (indices) against the profile of its kind; NAN for a day
 * whose kind has no profile. */
void sg_corr_rows(const struct sg_corr_profile *p, const struct sg_fraud_days *d, uint32_t first,
                  uint32_t n, const struct sg_fraud_kernel *kernel, double *ret_r);

/* Indices of the days within a window: *ret_first and how many. */
uint32_t sg_corr_find(const struct sg_fraud_days *d, struct sg_corr_window w, uint32_t *ret_first);

/* The file form.  0 and *ret_score in [0, 2], or an outcome. */
SG_MUST_USE int sg_corr_score(const struct sg_fraud_days *d, const struct sg_corr_windows *w,
                              const struct sg_fraud_kernel *kernel, double *ret_score);

/* --- sliding ---------------------------------------------------------------------------------
 * The sums of a window slide: each day enters once and leaves once, whatever N is.  That is exact,
 * not merely close: every load is first rounded to a multiple of g = 2^(e-40), with 2^e the least
 * power of two above the customer's largest load.  A window holds at most 2^12 = SG_FRAUD_DAYS_MAX
 * days, so each sum is a multiple of g below 2^(e+12) = 2^52 g, and binary64 holds all of those:
 * no addition or subtraction ever rounds, and the sum that slid there is the sum over the window
 * afresh, bit for bit.  The rounding moves no load by more than 2^-41 of the customer's largest.
 */
struct sg_corr_sliding {
    uint32_t reference_days; /* N: days of the kind in a reference; 1..SG_FRAUD_DAYS_MAX */
    uint32_t least_days;     /* fewer days of the kind: no judgement; 1..N */
    uint32_t lag_days;       /* the reference ends this many calendar days before the day, so that
                              * a theft does not soon become its own reference; 0: the day before */
    uint32_t recent_days;    /* score: this many of the latest days that were judged */
};

#define SG_CORR_SLIDING_DEFAULT                                                                    \
    {                                                                                              \
        .reference_days = 60, .least_days = 8, .lag_days = 30, .recent_days = 30                   \
    }

/* ret_r[i] for each of the d->n_days days; NAN where no reference of least_days was there. */
void sg_corr_slide(const struct sg_fraud_days *d, const struct sg_corr_sliding *s,
                   const struct sg_fraud_kernel *kernel, double *ret_r);
/* 1 - median of the last recent_days judged ones.  0, or SG_CORR_NO_TEST.  ret_r: as above, the
 * caller's d->n_days values. */
SG_MUST_USE int sg_corr_sliding_score(const struct sg_fraud_days *d,
                                      const struct sg_corr_sliding *s,
                                      const struct sg_fraud_kernel *kernel, double *ret_r,
                                      double *ret_score);

/* Median, the mean of the middle two for even n; reorders v.  n >= 1, no NAN. */
double sg_corr_median(double *v, uint32_t n);
