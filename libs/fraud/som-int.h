#pragma once
/*
 * som-int - the map inside.
 */
#include <sealgrid/fraud/som.h>

#include "kernel-int.h"

struct sg_som {
    struct sg_som_shape shape;
    uint32_t nodes;
    float *code; /* nodes x points; owned */
};

struct sg_som_matcher {
    uint32_t nodes, points;
    uint32_t lanes; /* nodes, padded */
    const struct sg_fraud_kernel *kernel;
    float *code; /* points x lanes, padded with infinity; owned */
};

/* How many vectors before the first with a value that is no number or beyond bounds. */
size_t sg_som_good_vectors(const float *x, size_t n, uint32_t points);
/* Copies the codes into the matcher's order. */
void sg_som_matcher_fill(struct sg_som_matcher *w, const struct sg_som *m);
/* The step from one node to another, as an index below sg_som_grid_steps: equal steps, equal
 * distances.  There are at most 3 * SG_SOM_NODES_MAX. */
uint32_t sg_som_grid_steps(const struct sg_som_shape *shape);
uint32_t sg_som_grid_step(const struct sg_som_shape *shape, uint32_t a, uint32_t b);
/* Four times the squared distance of a step: a whole number in either topology. */
uint32_t sg_som_grid_distance4(const struct sg_som_shape *shape, uint32_t step);
/* What a vector whose best match is that far weighs at a node. */
double sg_som_weight(enum sg_som_neighbourhood neighbourhood, double radius, uint32_t distance4);
