#pragma once
/*
 * learn-int - a learnt ranking inside.
 */
#include <sealgrid/fraud/learn.h>

#include "trees-int.h"

enum { LEARN_EDGES = SG_DRIFT_CLASSES - 2 }; /* between ten classes */

struct sg_learned {
    char label[SG_TREES_LABEL_MAX + 1];
    struct sg_trees *trees; /* of features + 1 columns */
    uint32_t features;
    struct trees_line start; /* from the unsupervised score to log odds */
    int32_t first_day, last_day;
    uint32_t n_fraud, n_nothing;
    /* Of the population at the time, for each of features + 2 columns. */
    float *edge;     /* LEARN_EDGES: class k holds values up to edge k */
    uint32_t *count; /* SG_DRIFT_CLASSES, the last of missing values */
};

/* Room for edges and counts of features + 2 columns. */
SG_MUST_USE int learned_new(struct sg_learned **ret, uint32_t features);
/* One column's edges at the tenths of n values (reordered), and counts. */
void learned_population(struct sg_learned *m, uint32_t column, float *value, size_t n);

/* Weights and soft labels of all examples. */
void learn_weigh(const struct sg_learn_examples *e, const struct sg_learn_settings *s,
                 const uint32_t *by_score, float *ret_weight, float *ret_label);

struct learn_case {
    double learnt, unsupervised; /* what it is ranked by */
    uint64_t group;
    bool thief;
};
/* Figures of both rankings; intervals by a bootstrap that draws whole groups.  n >= 1. */
SG_MUST_USE int learn_compare(const struct learn_case *c, size_t n, uint32_t rounds, uint64_t seed,
                              struct sg_learn_comparison *ret);
