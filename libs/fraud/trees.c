#include "exact-int.h"
#include "trees-int.h"

#include <math.h>
#include <string.h>

/* --- model --------------------------------------------------------------------------------- */

int trees_new(struct sg_trees **ret, uint32_t features, uint64_t seed)
{
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = calloc(1, sizeof(*m));
    if (!m)
        return sg_raise(-ENOMEM);
    m->features = features;
    m->seed = seed;
    m->slope = 1;
    m->first = calloc(1, sizeof(*m->first));
    if (!m->first)
        return sg_raise(-ENOMEM);
    *ret = TAKE_PTR(m);
    return 0;
}

void sg_trees_free(struct sg_trees *m)
{
    if (!m)
        return;
    free(m->first);
    free(m->depth);
    free(m->node);
    free(m);
}

static int reserve_trees(struct sg_trees *m)
{
    if (m->n_trees < m->room_trees)
        return 0;
    const uint32_t room = m->room_trees ? 2 * m->room_trees : 64;
    uint32_t *first = realloc(m->first, (room + 1) * sizeof(*first));
    if (!first)
        return sg_raise(-ENOMEM);
    m->first = first;
    uint8_t *depth = realloc(m->depth, room);
    if (!depth)
        return sg_raise(-ENOMEM);
    m->depth = depth;
    m->room_trees = room;
    return 0;
}

int trees_reserve(struct sg_trees *m, uint32_t n)
{
    const uint32_t used = m->first[m->n_trees];
    int r = reserve_trees(m);
    if (r || n <= m->room_nodes - used)
        return r;
    const uint32_t room = 2 * m->room_nodes + n; /* at most SG_TREES_MAX * TREES_NODES_MAX * 2 */
    struct trees_node *node = realloc(m->node, room * sizeof(*node));
    if (!node)
        return sg_raise(-ENOMEM);
    m->node = node;
    m->room_nodes = room;
    return 0;
}

void trees_append(struct sg_trees *m, uint32_t n, uint8_t depth)
{
    sg_assert(m->n_trees < m->room_trees && n <= m->room_nodes - m->first[m->n_trees]);
    m->depth[m->n_trees] = depth;
    m->first[m->n_trees + 1] = m->first[m->n_trees] + n;
    m->n_trees++;
}

uint32_t sg_trees_count(const struct sg_trees *m)
{
    return m->n_trees;
}

uint32_t sg_trees_features(const struct sg_trees *m)
{
    return m->features;
}

void sg_trees_importance(const struct sg_trees *m, double *ret)
{
    memset(ret, 0, m->features * sizeof(*ret));
    for (uint32_t i = 0; i < m->first[m->n_trees]; i++)
        ret[m->node[i].feature] += (double)m->node[i].gain;
}

/* --- margins ------------------------------------------------------------------------------- */

/* Rows that walk a tree together: the steps of one wait for memory, those of several overlap. */
enum { ABREAST = 8, BLOCK = 64 };

static inline uint32_t step(const struct trees_node *tree, uint32_t at, const float *row)
{
    const struct trees_node *node = &tree[at];
    const float x = row[node->feature];
    const unsigned right = (unsigned)(x > node->threshold) | (node->missing_right & (x != x));
    return node->next[right];
}

static void walk_abreast(const struct trees_node *tree, uint32_t depth, const float *x,
                         uint32_t features, double *ret)
{
    uint32_t at[ABREAST] = {0};
    for (uint32_t d = 0; d < depth; d++)
        for (uint32_t i = 0; i < ABREAST; i++)
            at[i] = step(tree, at[i], x + (size_t)i * features);
    for (uint32_t i = 0; i < ABREAST; i++)
        ret[i] += (double)tree[at[i]].value;
}

static void walk(const struct trees_node *tree, uint32_t depth, const float *row, double *ret)
{
    uint32_t at = 0;
    for (uint32_t d = 0; d < depth; d++)
        at = step(tree, at, row);
    *ret += (double)tree[at].value;
}

/* Tree by tree over a block of rows: its nodes stay in the nearest cache. */
static void margins_block(const struct sg_trees *m, const float *x, size_t n, double *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = m->base;
    for (uint32_t t = 0; t < m->n_trees; t++) {
        const struct trees_node *tree = m->node + m->first[t];
        size_t i = 0;
        for (; i + ABREAST <= n; i += ABREAST)
            walk_abreast(tree, m->depth[t], x + i * m->features, m->features, ret + i);
        for (; i < n; i++)
            walk(tree, m->depth[t], x + i * m->features, ret + i);
    }
}

void sg_trees_margins(const struct sg_trees *m, const float *x, size_t n, double *ret)
{
    for (size_t i = 0; i < n; i += BLOCK)
        margins_block(m, x + i * m->features, n - i < BLOCK ? n - i : BLOCK, ret + i);
}

double sg_trees_probability(const struct sg_trees *m, double margin)
{
    return sg_fraud_sigmoid(m->slope * margin + m->intercept);
}
