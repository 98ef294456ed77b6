#include "som-int.h"

#include <sealgrid/base/random.h>

#include <math.h>
#include <string.h>

static bool shape_is_good(const struct sg_som_shape *s)
{
    if (s->columns == 0 || s->rows == 0 || s->points == 0 || s->points > SG_SOM_POINTS_MAX)
        return false;
    if (s->columns > SG_SOM_NODES_MAX || s->rows > SG_SOM_NODES_MAX / s->columns)
        return false;
    return s->topology == SG_SOM_RECTANGULAR || s->topology == SG_SOM_HEXAGONAL;
}

int sg_som_new(struct sg_som **ret, const struct sg_som_shape *shape)
{
    if (!shape_is_good(shape))
        return SG_SOM_BAD_SHAPE;
    SG_CLEANUP(sg_som_freep) struct sg_som *m = calloc(1, sizeof(*m));
    if (!m)
        return sg_raise(-ENOMEM);
    m->shape = *shape;
    m->nodes = shape->columns * shape->rows;
    m->code = calloc((size_t)m->nodes * shape->points, sizeof(float));
    if (!m->code)
        return sg_raise(-ENOMEM);
    *ret = TAKE_PTR(m);
    return 0;
}

void sg_som_free(struct sg_som *m)
{
    if (!m)
        return;
    free(m->code);
    free(m);
}

const struct sg_som_shape *sg_som_shape(const struct sg_som *m)
{
    return &m->shape;
}

uint32_t sg_som_nodes(const struct sg_som *m)
{
    return m->nodes;
}

const float *sg_som_code(const struct sg_som *m, uint32_t node)
{
    sg_assert(node < m->nodes);
    return m->code + (size_t)node * m->shape.points;
}

/* False for NaN too. */
static bool vector_is_good(const float *v, uint32_t points)
{
    bool good = true;
    for (uint32_t i = 0; i < points; i++)
        good &= fabsf(v[i]) <= SG_SOM_VALUE_MAX;
    return good;
}

size_t sg_som_good_vectors(const float *x, size_t n, uint32_t points)
{
    size_t i = 0;
    while (i < n && vector_is_good(x + i * points, points))
        i++;
    return i;
}

int sg_som_set(struct sg_som *m, const float *codes)
{
    if (sg_som_good_vectors(codes, m->nodes, m->shape.points) < m->nodes)
        return SG_SOM_BAD_VALUE;
    memcpy(m->code, codes, (size_t)m->nodes * m->shape.points * sizeof(float));
    return 0;
}

static bool is_among(const size_t *pick, size_t n, size_t v)
{
    for (size_t i = 0; i < n; i++)
        if (pick[i] == v)
            return true;
    return false;
}

/* `count` distinct numbers below n, every choice and order alike (Floyd's choice, then shuffled).
 */
static void draw(struct sg_prng *random, size_t n, size_t count, size_t *pick)
{
    for (size_t i = 0; i < count; i++) {
        size_t top = n - count + i;
        size_t v = sg_prng_below(random, top + 1);
        pick[i] = is_among(pick, i, v) ? top : v;
    }
    for (size_t i = count; i-- > 1;) {
        size_t j = sg_prng_below(random, i + 1), t = pick[i];
        pick[i] = pick[j];
        pick[j] = t;
    }
}

int sg_som_seed(struct sg_som *m, const float *x, size_t n, uint64_t seed)
{
    if (n == 0)
        return SG_SOM_NO_VECTORS;
    size_t count = n < m->nodes ? n : m->nodes, points = m->shape.points;
    size_t pick[SG_SOM_NODES_MAX];
    struct sg_prng random;
    sg_prng_seed(&random, seed);
    draw(&random, n, count, pick);
    for (size_t i = 0; i < count; i++)
        if (!vector_is_good(x + pick[i] * points, m->shape.points))
            return SG_SOM_BAD_VALUE;
    for (size_t i = 0; i < m->nodes; i++)
        memcpy(m->code + i * points, x + pick[i % count] * points, points * sizeof(float));
    return 0;
}

/* --- matching ----------------------------------------------------------------------------- */

int sg_som_matcher_new(struct sg_som_matcher **ret, const struct sg_som *m,
                       const struct sg_fraud_kernel *kernel)
{
    SG_CLEANUP(sg_som_matcher_freep) struct sg_som_matcher *w = calloc(1, sizeof(*w));
    if (!w)
        return sg_raise(-ENOMEM);
    w->nodes = m->nodes;
    w->points = m->shape.points;
    w->lanes = (m->nodes + SG_KERNEL_NODE_LANES - 1) / SG_KERNEL_NODE_LANES * SG_KERNEL_NODE_LANES;
    w->kernel = sg_fraud_kernel_or_best(kernel);
    w->code = aligned_alloc(64, (size_t)w->points * w->lanes * sizeof(float));
    if (!w->code)
        return sg_raise(-ENOMEM);
    sg_som_matcher_fill(w, m);
    *ret = TAKE_PTR(w);
    return 0;
}

void sg_som_matcher_fill(struct sg_som_matcher *w, const struct sg_som *m)
{
    for (uint32_t p = 0; p < w->points; p++)
        for (uint32_t i = 0; i < w->lanes; i++)
            w->code[(size_t)p * w->lanes + i] =
                i < w->nodes ? m->code[(size_t)i * w->points + p] : INFINITY;
}

void sg_som_matcher_free(struct sg_som_matcher *w)
{
    if (!w)
        return;
    free(w->code);
    free(w);
}

enum { MATCH_BATCH = 256 };

int sg_som_match(const struct sg_som_matcher *w, const float *x, size_t n, uint32_t *ret_node,
                 float *ret_distance2, size_t *reterr_at)
{
    float scratch[MATCH_BATCH];
    for (size_t at = 0; at < n; at += MATCH_BATCH) {
        size_t batch = n - at < MATCH_BATCH ? n - at : MATCH_BATCH;
        w->kernel->best_match(x + at * w->points, batch, w->points, w->code, w->lanes,
                              ret_node + at, ret_distance2 ? ret_distance2 + at : scratch);
        for (size_t i = at; i < at + batch; i++)
            if (ret_node[i] == UINT32_MAX) {
                if (reterr_at)
                    *reterr_at = i;
                return SG_SOM_BAD_VALUE;
            }
    }
    return 0;
}

int sg_som_quantisation_error(const struct sg_som *m, const float *x, size_t n,
                              const struct sg_fraud_kernel *kernel, double *ret)
{
    sg_assert(n >= 1);
    SG_CLEANUP(sg_som_matcher_freep) struct sg_som_matcher *w = NULL;
    int r = sg_som_matcher_new(&w, m, kernel);
    if (r)
        return r;
    double sum = 0;
    for (size_t at = 0; at < n; at += MATCH_BATCH) {
        uint32_t node[MATCH_BATCH];
        float distance2[MATCH_BATCH];
        size_t batch = n - at < MATCH_BATCH ? n - at : MATCH_BATCH;
        r = sg_som_match(w, x + at * w->points, batch, node, distance2, NULL);
        if (r)
            return SG_SOM_BAD_VALUE;
        for (size_t i = 0; i < batch; i++)
            sum += sqrt((double)distance2[i]);
    }
    *ret = sum / (double)n;
    return 0;
}
