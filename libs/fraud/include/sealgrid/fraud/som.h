#pragma once
/*
 * fraud som - a self-organizing map (Kohonen 1982; batch form: Kohonen 2001, section 3.6).
 *
 * A map is a grid of nodes, each holding one vector (its code) of `points` values.  A vector's
 * best match is the node whose code has the smallest squared Euclidean distance, the lowest node
 * among equals.  Node i stands in column i % columns and row i / columns.
 *
 * Batch training, epoch by epoch: all vectors are matched to the map as it is; then every code
 * becomes the weighted mean of all vectors, the weight falling with the distance on the grid
 * between that node and the vector's best match:
 *   bubble    1 up to the radius, 0 beyond
 *   gaussian  exp(-distance^2 / (2 radius^2))
 * A node out of every vector's reach keeps its code.  The radius of epoch t of T is
 * from - (from - to) t / T.  Grid distances: rectangular the larger of the differences in columns
 * and rows, hexagonal Euclidean.  These are the semantics of mode "batch" of R's kohonen 3.0.11,
 * found by observation (tests/compat/compat_kohonen.c compares): the same data and first map lead
 * to the same map, up to rounding (it reckons in binary64 all through, codes here are binary32).
 * One difference: of nodes with equal codes it takes one at random.  Bubbles make whole regions
 * equal, so there it differs from run to run, and from this, by some 2 % in quantisation error.
 *
 * Deterministic: the vectors are cut into slices by their number alone, each slice is summed in
 * order, the slices are added in order.  So any number of threads, and any kernel, gives the same
 * bits.
 *
 * Owns: its codes.  Not to be trained and used at the same time; matching may run on many threads.
 * Limits: SG_SOM_NODES_MAX nodes, SG_SOM_POINTS_MAX points.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>
#include <sealgrid/fraud/kernel.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SG_SOM_NODES_MAX = 1024,
    SG_SOM_POINTS_MAX = 1024,
    SG_SOM_EPOCHS_MAX = 100000,
    SG_SOM_THREADS_MAX = 256,
};

/* Codes and vectors stay within +- this: squares and their sums are finite. */
#define SG_SOM_VALUE_MAX 1e15f

enum sg_som_topology { SG_SOM_RECTANGULAR, SG_SOM_HEXAGONAL };
enum sg_som_neighbourhood { SG_SOM_GAUSSIAN, SG_SOM_BUBBLE };

struct sg_som_shape {
    uint32_t columns, rows, points;
    enum sg_som_topology topology;
};

#define SG_SOM_SHAPE_DEFAULT(points_)                                                              \
    {                                                                                              \
        .columns = 10, .rows = 10, .points = (points_)                                             \
    }

enum sg_som_outcome {
    SG_SOM_BAD_SHAPE = 1, /* a side or the points 0, too many nodes or points, unknown topology */
    SG_SOM_BAD_VALUE,     /* NaN, infinite or beyond SG_SOM_VALUE_MAX */
    SG_SOM_NO_VECTORS,    /* training or seeding by nothing */
    SG_SOM_BAD_TRAINING,  /* epochs, radii or threads out of range */
};

struct sg_som;

/* A map with all codes 0.  0, -ENOMEM, or BAD_SHAPE. */
SG_MUST_USE int sg_som_new(struct sg_som **ret, const struct sg_som_shape *shape);
void sg_som_free(struct sg_som *m);
SG_DEFINE_FREEP(struct sg_som, sg_som_free)

const struct sg_som_shape *sg_som_shape(const struct sg_som *m);
uint32_t sg_som_nodes(const struct sg_som *m);
/* The code of one node, `points` values; borrowed. */
const float *sg_som_code(const struct sg_som *m, uint32_t node);
/* Distance on the grid, and the largest there is on this grid (0 for a single node). */
double sg_som_grid_distance(const struct sg_som *m, uint32_t a, uint32_t b);
double sg_som_grid_diameter(const struct sg_som *m);

/* First map given: nodes x points values, node by node.  0, or BAD_VALUE. */
SG_MUST_USE int sg_som_set(struct sg_som *m, const float *codes);
/* First map from the data: distinct vectors drawn with this seed; if there are fewer vectors than
 * nodes each is used before one is used again.  0, -ENOMEM, NO_VECTORS, BAD_VALUE. */
SG_MUST_USE int sg_som_seed(struct sg_som *m, const float *x, size_t n, uint64_t seed);

struct sg_som_training {
    uint32_t epochs;               /* 1..SG_SOM_EPOCHS_MAX */
    double radius_from, radius_to; /* 0..1e6 */
    enum sg_som_neighbourhood neighbourhood;
    uint32_t threads;                     /* 1..SG_SOM_THREADS_MAX; does not change the result */
    const struct sg_fraud_kernel *kernel; /* NULL: the best; does not change the result */
    /* If not NULL: called after each epoch on the calling thread, with the mean distance of the
     * vectors to their best match before the codes moved. */
    void (*progress)(void *ctx, uint32_t epochs_done, double quantisation_error);
    void *progress_ctx;
};

#define SG_SOM_TRAINING_DEFAULT                                                                    \
    {                                                                                              \
        .epochs = 20, .radius_from = 5, .radius_to = 0.5, .neighbourhood = SG_SOM_GAUSSIAN,        \
        .threads = 1                                                                               \
    }

/* Trains on n vectors of x, row by row.  0, -ENOMEM, or an outcome with the map unchanged; with
 * BAD_VALUE *reterr_at (may be NULL) is the index of the first offending vector. */
SG_MUST_USE int sg_som_train(struct sg_som *m, const float *x, size_t n,
                             const struct sg_som_training *t, size_t *reterr_at);

/* The map made ready for matching: codes in the order the kernels read.  Later training does not
 * change it.  Many threads may share one. */
struct sg_som_matcher;
SG_MUST_USE int sg_som_matcher_new(struct sg_som_matcher **ret, const struct sg_som *m,
                                   const struct sg_fraud_kernel *kernel);
void sg_som_matcher_free(struct sg_som_matcher *w);
SG_DEFINE_FREEP(struct sg_som_matcher, sg_som_matcher_free)

/* Best match of each of n vectors and its squared distance; both arrays the caller's, ret_distance2
 * may be NULL.  0, or BAD_VALUE with *reterr_at (may be NULL) the first vector that has no distance
 * (NaN, infinite or so large that squares overflow); outputs are then undefined. */
SG_MUST_USE int sg_som_match(const struct sg_som_matcher *w, const float *x, size_t n,
                             uint32_t *ret_node, float *ret_distance2, size_t *reterr_at);
/* Mean Euclidean distance of n >= 1 vectors to their best match.  0, -ENOMEM, or BAD_VALUE. */
SG_MUST_USE int sg_som_quantisation_error(const struct sg_som *m, const float *x, size_t n,
                                          const struct sg_fraud_kernel *kernel, double *ret);
