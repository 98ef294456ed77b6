#pragma once
/*
 * fraud trees - gradient-boosted decision trees for labels of 0 to 1 over features that may be
 * missing (NaN).
 *
 * Friedman 2001 with the second-order gains of Chen and Guestrin 2016: the margin (log odds) of a
 * row is a base plus one leaf's value of each tree.  Every tree is grown on the gradients
 * g = w (p - y) and curvatures h = w p (1 - p) of the logistic loss, best leaf first; a leaf's
 * value is -shrinkage G / (H + l2), a split's gain (GL^2 / (HL + l2) + GR^2 / (HR + l2) - G^2 / (H
 * + l2)) / 2 - least_gain. Splits stand between quantiles of a feature (at most SG_TREES_BINS_MAX
 * of them); x <= threshold goes left.  Missing values go to the side that gains more; where
 * training saw none at that split, to the side of more weight.
 *
 * Monotone: with +1 the margin never falls as the feature rises, everything else being equal, with
 * -1 it never rises.  A split against it is refused, and what is below a split stays on its side of
 * the two values' mean.  Between missing and told nothing is promised.
 *
 * Deterministic: gradients are rounded to multiples of a power of two (2^-30 of the largest weight,
 * rounded up to a power of two) and added as whole numbers, so no sum depends on its order; exp and
 * log are our own; rows and columns are drawn by hashes of seed, tree and the row's key or the
 * column.  The same rows in any order with the same keys, any number of threads, any compiler and
 * machine give the same bits.
 *
 * Owns: its nodes.  A trained model is only read: any number of threads.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>

#include <stddef.h>
#include <stdint.h>

enum {
    SG_TREES_FEATURES_MAX = 1024,
    SG_TREES_MAX = 4096,
    SG_TREES_DEPTH_MAX = 8, /* splits from the root to a leaf */
    SG_TREES_BINS_MAX = 255,
    SG_TREES_ROWS_MAX = 1 << 24,
};

/* Rows to learn from; everything is borrowed. */
struct sg_trees_rows {
    const float *x;        /* n rows of `features` values; NaN: missing */
    const float *label;    /* n, 0..1: how sure it is that the row is of the sought kind */
    const float *weight;   /* n, 0..1e6, or NULL: all 1; a row of weight 0 counts nowhere */
    const uint64_t *group; /* n, or NULL: each row its own; held back and folded as a whole */
    const uint64_t *key;   /* n, what a row is called in hashes, or NULL: its index */
    /* n, the margin that each row has already, or NULL: the log odds of all.  The trees learn what
     * is to be added to it; the model's own base is 0 then. */
    const double *start;
    size_t n;
    uint32_t features;
};

struct sg_trees_training {
    uint32_t trees;         /* at most; 1..SG_TREES_MAX */
    uint32_t depth;         /* 1..SG_TREES_DEPTH_MAX */
    uint32_t leaves;        /* of one tree at most; 2..2^SG_TREES_DEPTH_MAX */
    uint32_t bins;          /* 2..SG_TREES_BINS_MAX */
    double shrinkage;       /* above 0, at most 1 */
    double l2;              /* 0..1e9 */
    double least_child;     /* sum of h in a leaf at least; above 0 */
    double least_gain;      /* 0..1e9 */
    double row_share;       /* of the rows, drawn anew for every tree; above 0, at most 1 */
    double column_share;    /* of the features likewise, one at least */
    const int8_t *monotone; /* one a feature: -1, 0, 1; NULL: all 0 */
    /* Early stop: this share of the groups is held back, and trees after the one with the least
     * loss there are dropped once `stop_after` trees brought no less.  stop_share 0: no early
     * stop.  To use all rows train again with trees = sg_trees_count() and stop_share 0. */
    double stop_share; /* 0..0.9 */
    uint32_t stop_after;
    uint64_t seed;
    uint32_t threads;
};

#define SG_TREES_TRAINING_DEFAULT                                                                  \
    {                                                                                              \
        .trees = 200, .depth = 4, .leaves = 16, .bins = SG_TREES_BINS_MAX, .shrinkage = 0.1,       \
        .l2 = 1, .least_child = 1, .row_share = 1, .column_share = 1, .stop_after = 20, .seed = 1, \
        .threads = 1                                                                               \
    }

enum sg_trees_outcome {
    SG_TREES_BAD_TRAINING = 1, /* a number of sg_trees_training out of its range */
    SG_TREES_BAD_SHAPE,        /* too many rows or features, or none */
    SG_TREES_BAD_VALUE,        /* an infinite feature; a label, weight or start out of its range */
    SG_TREES_ONE_KIND,         /* labels all 0 or all 1 where there is weight: nothing to learn */
};

struct sg_trees;

/* 0, -ENOMEM or an outcome; with BAD_VALUE *reterr_at is the row (reterr_at may be NULL). */
SG_MUST_USE int sg_trees_train(struct sg_trees **ret, const struct sg_trees_rows *rows,
                               const struct sg_trees_training *t, size_t *reterr_at);
void sg_trees_free(struct sg_trees *m);
SG_DEFINE_FREEP(struct sg_trees, sg_trees_free)

uint32_t sg_trees_count(const struct sg_trees *m);
uint32_t sg_trees_features(const struct sg_trees *m);
/* Sum of the gains of the splits on each feature: ret[features]. */
void sg_trees_importance(const struct sg_trees *m, double *ret);

/* Margins of n rows of sg_trees_features(m) values.  Infinite values are told ones. */
void sg_trees_margins(const struct sg_trees *m, const float *x, size_t n, double *ret);

/*
 * What each feature adds to the margin of one row: margin = *ret_base + sum of ret[features], up to
 * rounding (below 1e-9).  Shapley values of the game "the features of a set are known, the others
 * are averaged over the training rows that reached that split" (Lundberg et al. 2020, the
 * path-dependent form).  Not the cheaper walk that credits each step of the path (Saabas 2014):
 * that gives nearly all to the split nearest the leaf, so that a reason named to an inspector would
 * depend on the order in which a tree happened to ask.  Not the form averaged over a background
 * sample either: the model would have to carry customers' rows.
 */
void sg_trees_explain(const struct sg_trees *m, const float *row, double *ret, double *ret_base);

/* --- calibration -------------------------------------------------------------------------------
 * probability = 1 / (1 + exp(-(slope margin + intercept))), fitted to margins of rows that the
 * trees were not trained on (Platt 1999, with his targets against overconfidence; Lin, Lin and Weng
 * 2007).  Two numbers, because outcomes are few: isotonic regression wants a thousand or more.
 * A new model has slope 1 and intercept 0.
 */

/* Fits slope (above 0: never turns the order round) and intercept.  weight may be NULL.
 * 0, -ENOMEM, or ONE_KIND with m as it was. */
SG_MUST_USE int sg_trees_calibrate(struct sg_trees *m, const double *margin, const float *label,
                                   const float *weight, size_t n);
double sg_trees_probability(const struct sg_trees *m, double margin);
