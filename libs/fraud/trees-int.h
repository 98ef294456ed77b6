#pragma once
/*
 * trees-int - the trees inside, and the steps of a training.
 */
#include <sealgrid/fraud/trees.h>

#include <stdbool.h>

enum {
    TREES_NODES_MAX = (2 << SG_TREES_DEPTH_MAX) - 1, /* of one tree */
    TREES_MISSING = 0,                               /* the bin of missing values */
};

#define TREES_NUMBER_MAX 1e6 /* bound of base, values, slope, intercept */

/* A leaf is its own successor on either side, so that a walk of `depth` steps ends in one. */
struct trees_node {
    float threshold; /* leaf: infinite */
    uint16_t feature;
    uint16_t missing_right;
    uint16_t next[2]; /* left, right: within the tree */
    float value;      /* leaf: added to the margin; else 0 */
    float gain;       /* split; leaf: 0 */
    float cover;      /* leaf: sum of h of its training rows, above 0; else 0 */
};

struct sg_trees {
    uint32_t features, n_trees;
    uint32_t room_trees, room_nodes;
    uint32_t *first; /* n_trees + 1: index of each tree's root; trees are in pre-order */
    uint8_t *depth;  /* n_trees: steps from root to the deepest leaf */
    struct trees_node *node;
    uint64_t seed;
    double base, slope, intercept;
};

static inline bool trees_is_leaf(const struct trees_node *tree, uint32_t i)
{
    return tree[i].next[0] == i;
}

/* A model without trees. */
SG_MUST_USE int trees_new(struct sg_trees **ret, uint32_t features, uint64_t seed);
/* Room for one more tree of n nodes. */
SG_MUST_USE int trees_reserve(struct sg_trees *m, uint32_t n);
/* Appends a tree of n nodes that stand in room reserved at m->node + m->first[m->n_trees]. */
void trees_append(struct sg_trees *m, uint32_t n, uint8_t depth);

struct trees_line {
    double slope, intercept;
};
/* Platt's line through outcomes; the slope is above 0.  0, -ENOMEM, SG_TREES_ONE_KIND. */
SG_MUST_USE int trees_fit_line(const double *margin, const float *label, const float *weight,
                               size_t n, struct trees_line *ret);

/* --- bins ---------------------------------------------------------------------------------- */

struct trees_bins {
    uint32_t features;
    uint8_t *code;    /* rows x features: TREES_MISSING, or 1.. */
    uint16_t *n;      /* features: bins but that of missing values; 0: always missing */
    float *edge;      /* features x SG_TREES_BINS_MAX: bin b holds values up to edge b - 1 */
    uint32_t *offset; /* features + 1: of a feature's cells in a histogram */
};

/* Quantiles are those of the rows whose `use` is TREES_TRAIN. */
SG_MUST_USE int trees_bins_init(struct trees_bins *b, const struct sg_trees_rows *rows,
                                const uint8_t *use, uint32_t most, uint32_t threads);
void trees_bins_clear(struct trees_bins *b);

/* --- growing ------------------------------------------------------------------------------- */

enum trees_use { TREES_UNUSED, TREES_TRAIN, TREES_HELD };

/* Gradient and curvature of a row, in units of 2^-shift. */
struct trees_gradient {
    int32_t g, h;
};

struct trees_grower; /* work space of a training */

SG_MUST_USE int trees_grower_new(struct trees_grower **ret, const struct trees_bins *bins,
                                 const struct sg_trees_training *t, size_t n_rows, double unit);
void trees_grower_free(struct trees_grower *w);
SG_DEFINE_FREEP(struct trees_grower, trees_grower_free)
/* One tree on the rows of `list` (n of them; reordered), appended to m.  columns[f]: may be split
 * on. */
SG_MUST_USE int trees_grow(struct trees_grower *w, const struct trees_gradient *gradient,
                           uint32_t *list, size_t n, const bool *columns, struct sg_trees *m);
/* The last tree's value for a row, by its bins. */
float trees_grown_value(const struct trees_grower *w, const uint8_t *code);
