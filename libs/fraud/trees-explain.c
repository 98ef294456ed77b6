#include "trees-int.h"

#include <string.h>

/*
 * One leaf is a game of its own: its value counts fully if every feature on its path is known and
 * agrees; an unknown one counts with the share of the cover that goes the leaf's way.  For features
 * 1..n of a path, of which `hot` ones agree, each with its share z:
 *   v(S) = value * product over known of (1 if hot, else 0) * product over unknown of z
 * The Shapley value weighs sets of k others by k! (n-1-k)! / n!; how much all sets of k known hot
 * others are worth is the coefficient of t^k in the product of (z + t) over them.
 */
enum { PATH_MAX_ = SG_TREES_DEPTH_MAX };

struct path {
    uint32_t n;
    uint16_t feature[PATH_MAX_]; /* each once */
    double share[PATH_MAX_];     /* of all splits on it together */
    bool hot[PATH_MAX_];         /* the row agrees with all of them */
};

struct explainer {
    const struct trees_node *tree;
    const float *row;
    double cover[TREES_NODES_MAX];               /* of the whole part below a node */
    double weight[PATH_MAX_ + 1][PATH_MAX_ + 1]; /* [n][k]: k! (n-1-k)! / n! */
    double *ret;
    double expected;
};

/* Coefficients of the product of (z + t) over the hot features but `left_out`; returns how many. */
static uint32_t product_of_hot(const struct path *p, uint32_t left_out, double c[PATH_MAX_ + 1])
{
    uint32_t degree = 0;
    c[0] = 1;
    for (uint32_t i = 0; i < p->n; i++) {
        if (!p->hot[i] || i == left_out)
            continue;
        c[degree + 1] = c[degree];
        for (uint32_t k = degree; k > 0; k--)
            c[k] = c[k] * p->share[i] + c[k - 1];
        c[0] *= p->share[i];
        degree++;
    }
    return degree;
}

static double worth(const struct explainer *e, const struct path *p, uint32_t left_out)
{
    const double *weight = e->weight[p->n];
    double c[PATH_MAX_ + 1], sum = 0;
    const uint32_t degree = product_of_hot(p, left_out, c);
    for (uint32_t k = 0; k <= degree && k < p->n; k++)
        sum += weight[k] * c[k];
    return sum;
}

static void add_leaf(struct explainer *e, const struct path *p, double value)
{
    double cold = 1; /* shares of the features that disagree: as long as none of them is known */
    bool any_cold = false;
    for (uint32_t i = 0; i < p->n; i++)
        if (!p->hot[i]) {
            cold *= p->share[i];
            any_cold = true;
        }
    /* To know one that disagrees makes the leaf worthless: what it was worth is lost. */
    const double loss = any_cold ? value * cold * worth(e, p, p->n) : 0;
    for (uint32_t i = 0; i < p->n; i++)
        e->ret[p->feature[i]] +=
            p->hot[i] ? value * cold * (1 - p->share[i]) * worth(e, p, i) : -loss;
}

static bool goes_right(const struct trees_node *node, const float *row)
{
    const float x = row[node->feature];
    return x > node->threshold || (x != x && node->missing_right);
}

static struct path longer(const struct path *p, uint16_t feature, double share, bool hot)
{
    struct path q = *p;
    uint32_t i = 0;
    while (i < q.n && q.feature[i] != feature)
        i++;
    if (i == q.n) {
        q.feature[i] = feature;
        q.share[i] = 1;
        q.hot[i] = true;
        q.n++;
    }
    q.share[i] *= share;
    q.hot[i] = q.hot[i] && hot;
    return q;
}

/* As deep as a tree: SG_TREES_DEPTH_MAX. */
static void descend(struct explainer *e, uint32_t at, const struct path *p, double chance)
{
    const struct trees_node *node = &e->tree[at];
    if (trees_is_leaf(e->tree, at)) {
        e->expected += chance * (double)node->value;
        add_leaf(e, p, (double)node->value);
        return;
    }
    const bool right = goes_right(node, e->row);
    for (unsigned side = 0; side < 2; side++) {
        const double share = e->cover[node->next[side]] / e->cover[at];
        const struct path q = longer(p, node->feature, share, right == (side == 1));
        descend(e, node->next[side], &q, chance * share);
    }
}

static void fill_weights(struct explainer *e)
{
    for (uint32_t n = 1; n <= PATH_MAX_; n++) {
        e->weight[n][0] = 1.0 / n;
        for (uint32_t k = 1; k < n; k++)
            e->weight[n][k] = e->weight[n][k - 1] * k / (n - k);
    }
}

void sg_trees_explain(const struct sg_trees *m, const float *row, double *ret, double *ret_base)
{
    struct explainer e = {.row = row, .ret = ret};
    double base = m->base;
    memset(ret, 0, m->features * sizeof(*ret));
    fill_weights(&e);
    for (uint32_t t = 0; t < m->n_trees; t++) {
        const struct path empty = {.n = 0};
        e.tree = m->node + m->first[t];
        e.expected = 0;
        for (uint32_t i = m->first[t + 1] - m->first[t]; i-- > 0;) /* children stand behind */
            e.cover[i] = trees_is_leaf(e.tree, i)
                             ? (double)e.tree[i].cover
                             : e.cover[e.tree[i].next[0]] + e.cover[e.tree[i].next[1]];
        descend(&e, 0, &empty, 1);
        base += e.expected;
    }
    *ret_base = base;
}
