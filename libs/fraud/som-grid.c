#include "exact-int.h"
#include "som-int.h"

#include <math.h>

static uint32_t difference(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

/* A step is (rows, half columns), both without sign. */
static uint32_t halves_of(const struct sg_som_shape *shape)
{
    return 2 * shape->columns;
}

uint32_t sg_som_grid_steps(const struct sg_som_shape *shape)
{
    return shape->rows * halves_of(shape);
}

uint32_t sg_som_grid_step(const struct sg_som_shape *shape, uint32_t a, uint32_t b)
{
    uint32_t halves_a = 2 * (a % shape->columns), row_a = a / shape->columns;
    uint32_t halves_b = 2 * (b % shape->columns), row_b = b / shape->columns;
    if (shape->topology == SG_SOM_HEXAGONAL) { /* every other row is moved by a half */
        halves_a += !(row_a % 2);
        halves_b += !(row_b % 2);
    }
    return difference(row_a, row_b) * halves_of(shape) + difference(halves_a, halves_b);
}

uint32_t sg_som_grid_distance4(const struct sg_som_shape *shape, uint32_t step)
{
    uint32_t rows = step / halves_of(shape), halves = step % halves_of(shape);
    if (shape->topology == SG_SOM_RECTANGULAR) {
        uint32_t larger = halves > 2 * rows ? halves : 2 * rows;
        return larger * larger;
    }
    /* Rows stand sqrt(3)/2 apart: (halves/2)^2 + (sqrt(3)/2 rows)^2, times 4. */
    return halves * halves + 3 * rows * rows;
}

double sg_som_grid_distance(const struct sg_som *m, uint32_t a, uint32_t b)
{
    sg_assert(a < m->nodes && b < m->nodes);
    return sqrt(sg_som_grid_distance4(&m->shape, sg_som_grid_step(&m->shape, a, b))) / 2;
}

/* Of all nodes one at the end of a row is farthest from anywhere, so the pairs of ends do. */
double sg_som_grid_diameter(const struct sg_som *m)
{
    const struct sg_som_shape *s = &m->shape;
    uint32_t widest = 0;
    for (uint32_t i = 0; i < 2 * s->rows; i++)
        for (uint32_t j = 0; j < i; j++) {
            uint32_t a = i / 2 * s->columns + i % 2 * (s->columns - 1);
            uint32_t b = j / 2 * s->columns + j % 2 * (s->columns - 1);
            uint32_t d = sg_som_grid_distance4(s, sg_som_grid_step(s, a, b));
            widest = d > widest ? d : widest;
        }
    return sqrt(widest) / 2;
}

double sg_som_weight(enum sg_som_neighbourhood neighbourhood, double radius, uint32_t distance4)
{
    if (distance4 == 0)
        return 1;
    if (neighbourhood == SG_SOM_BUBBLE)
        return distance4 <= 4 * radius * radius;
    /* A radius of 0 leaves the node alone. */
    return radius > 0 ? sg_fraud_exp(-(double)distance4 / (8 * radius * radius)) : 0;
}
