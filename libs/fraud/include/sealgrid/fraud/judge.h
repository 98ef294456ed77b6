#pragma once
/*
 * judge - how good a ranking is against known labels, and how sure one can be of that.
 *
 * A case is one customer.  Customers of one score are tied: every figure is the mean over all
 * orders of the tied, or counts them as one step, so no figure depends on the order of the input.
 *
 *   AUC                 P(thief's score > honest one's) + P(equal) / 2     (Mann-Whitney)
 *   AVERAGE_PRECISION   sum over distinct scores, falling, of (recall gained) x precision there
 *   PRECISION_AT k      share of thieves among the first k
 *   LIFT_AT k           PRECISION_AT k over the share of thieves among all
 *   FALSE_PER_1000 r    honest customers accused of every 1,000 honest ones, at the highest score
 *                       whose recall is at least r
 *   RECOVERED_AT k      sum of `energy` of the first k, in its unit; k = n: all there is
 *
 * k above the number of cases means all.  A figure that needs a thief or an honest customer where
 * there is none is NaN.
 *
 * Intervals: percentile bootstrap over customers (Efron 1979; each round draws n of n cases with
 * replacement), seeded: same cases in the same order and same seed, same interval on every machine.
 * Rounds whose figure is NaN are left out.
 * Borrows all arguments for the call.  Any thread.
 */
#include <sealgrid/base/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sg_judge_case {
    double score;  /* higher: more suspect; not NaN */
    double energy; /* hidden by a thief; 0 where not known */
    bool thief;
};

enum sg_judge_kind {
    SG_JUDGE_AUC,
    SG_JUDGE_AVERAGE_PRECISION,
    SG_JUDGE_PRECISION_AT,
    SG_JUDGE_LIFT_AT,
    SG_JUDGE_FALSE_PER_1000,
    SG_JUDGE_RECOVERED_AT,
};

struct sg_judge_figure {
    enum sg_judge_kind kind;
    double at; /* k, or a recall in 0..1; else 0 */
};

struct sg_judge_interval {
    double value, low, high;
};

struct sg_judge_rounds {
    uint32_t rounds; /* 0: no interval, low and high are NaN */
    uint64_t seed;
    double level; /* 0.95 */
};

#define SG_JUDGE_CASES_MAX   100000000u
#define SG_JUDGE_FIGURES_MAX 32u
#define SG_JUDGE_ROUNDS_MAX  1000000u

/* One interval for each figure.  -EINVAL: a score that is NaN, a number past its limit. */
SG_MUST_USE int sg_judge(const struct sg_judge_case *cases, size_t n,
                         const struct sg_judge_figure *figures, size_t n_figures,
                         const struct sg_judge_rounds *rounds, struct sg_judge_interval *ret);

/* Two rankings of the same customers (case i of both is one customer; labels and energy are taken
 * from a): intervals of figure(a) - figure(b), both drawn alike in each round.  An interval without
 * 0 means that the difference is more than chance among these customers. */
SG_MUST_USE int sg_judge_paired(const struct sg_judge_case *a, const struct sg_judge_case *b,
                                size_t n, const struct sg_judge_figure *figures, size_t n_figures,
                                const struct sg_judge_rounds *rounds,
                                struct sg_judge_interval *ret);
