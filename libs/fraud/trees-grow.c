#include "threads-int.h"
#include "trees-int.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* One cell of a histogram: the sums over the rows in that bin.  Whole numbers: no order. */
struct sum {
    int64_t g, h;
};

/* The best way found to part a leaf. */
struct cut {
    double gain; /* 0: none */
    uint32_t feature, bin;
    bool missing_right;
    struct sum left;
    double value[2]; /* of the children, before shrinkage */
};

/* A leaf as long as the tree grows. */
struct leaf {
    uint32_t node, depth;
    size_t first, n; /* its rows in the list */
    struct sum total;
    double low, high; /* what its value must keep to (monotone) */
    double value;
    struct sum *cells; /* its histogram, one of the pool; NULL: never parted */
    struct cut best;
};

struct grown {
    uint32_t feature, bin; /* leaf: feature UINT32_MAX */
    bool missing_right;
    uint32_t child[2];
    double value, gain, cover;
};

struct trees_grower {
    const struct trees_bins *bins;
    const struct sg_trees_training *t;
    double unit, l2, least_child, least_gain; /* the last three in units of the sums */
    struct sum *pool;
    struct sum **free_cells;
    uint32_t n_free, n_pool;
    uint32_t *spare; /* rows that go right, while a leaf is parted */
    struct leaf *leaf;
    uint32_t n_leaves;
    struct grown *node;
    uint32_t n_nodes;
    /* Of the tree at hand: */
    const struct trees_gradient *gradient;
    const bool *columns;
    uint32_t *list;
};

/* --- gains --------------------------------------------------------------------------------- */

static double value_of(const struct trees_grower *w, struct sum s, double low, double high)
{
    const double weight = (double)s.h + w->l2;
    const double v = weight > 0 ? -(double)s.g / weight : 0;
    return v < low ? low : v > high ? high : v;
}

/* What the loss falls by if the rows' value is v instead of 0: of the second-order form, also for
 * a value that a bound has moved. */
static double fall(const struct trees_grower *w, struct sum s, double v)
{
    return -((double)s.g * v + ((double)s.h + w->l2) * v * v / 2);
}

struct search {
    const struct trees_grower *w;
    const struct leaf *leaf;
    double now; /* fall of the leaf as it is */
    int monotone;
    struct cut *best;
};

static struct sum minus(struct sum a, struct sum b)
{
    return (struct sum){a.g - b.g, a.h - b.h};
}

static void consider(const struct search *s, uint32_t feature, uint32_t bin, bool missing_right,
                     struct sum left)
{
    const struct trees_grower *w = s->w;
    const struct sum right = minus(s->leaf->total, left);
    if ((double)left.h < w->least_child || (double)right.h < w->least_child)
        return;
    const double vl = value_of(w, left, s->leaf->low, s->leaf->high);
    const double vr = value_of(w, right, s->leaf->low, s->leaf->high);
    if ((s->monotone > 0 && vl > vr) || (s->monotone < 0 && vl < vr))
        return;
    const double gain = fall(w, left, vl) + fall(w, right, vr) - s->now - w->least_gain;
    if (gain > s->best->gain)
        *s->best = (struct cut){gain, feature, bin, missing_right, left, {vl, vr}};
}

/* Equal gains: the lowest feature, then the lowest bin. */
static void search_feature(const struct search *s, uint32_t feature, const struct sum *cells)
{
    const uint32_t bins = s->w->bins->n[feature];
    const struct sum missing = cells[TREES_MISSING];
    const bool some_missing = missing.h || missing.g;
    struct sum left = {0, 0};
    for (uint32_t bin = 1; bin < bins; bin++) {
        if (cells[bin].h == 0 && cells[bin].g == 0)
            continue;
        left.g += cells[bin].g;
        left.h += cells[bin].h;
        if (!some_missing) {
            consider(s, feature, bin, 2 * left.h < s->leaf->total.h, left);
            continue;
        }
        consider(s, feature, bin, true, left);
        consider(s, feature, bin, false, (struct sum){left.g + missing.g, left.h + missing.h});
    }
    /* All told values on one side, the missing ones on the other. */
    if (some_missing && bins > 0)
        consider(s, feature, bins, true, minus(s->leaf->total, missing));
}

/* --- histograms ---------------------------------------------------------------------------- */

enum { COLUMNS_A_BLOCK = 8, THREADS_FROM = 1 << 18 };

/* The histograms of one leaf or of two new ones, block by block of features. */
struct look {
    struct trees_grower *w;
    struct leaf *counted;   /* its rows are counted */
    struct leaf *remainder; /* has its parent's histogram: the counted one is taken off; or NULL */
    struct cut *best;       /* a block: of counted, then of remainder */
    uint32_t blocks;
};

static void count_rows(const struct trees_grower *w, const struct leaf *l, uint32_t from,
                       uint32_t to)
{
    const struct trees_bins *b = w->bins;
    memset(l->cells + b->offset[from], 0, (b->offset[to] - b->offset[from]) * sizeof(*l->cells));
    for (size_t i = l->first; i < l->first + l->n; i++) {
        const uint32_t row = w->list[i];
        const uint8_t *code = b->code + (size_t)row * b->features;
        const int64_t g = w->gradient[row].g, h = w->gradient[row].h;
        for (uint32_t f = from; f < to; f++) {
            struct sum *cell = l->cells + b->offset[f] + code[f];
            cell->g += g;
            cell->h += h;
        }
    }
}

static void search_block(const struct trees_grower *w, const struct leaf *l, uint32_t from,
                         uint32_t to, struct cut *best)
{
    struct search s = {.w = w, .leaf = l, .best = best};
    s.now = fall(w, l->total, value_of(w, l->total, l->low, l->high));
    best->gain = 0;
    for (uint32_t f = from; f < to; f++) {
        s.monotone = w->t->monotone ? w->t->monotone[f] : 0;
        if (w->columns[f])
            search_feature(&s, f, l->cells + w->bins->offset[f]);
    }
}

static void look_block(void *ctx, size_t block)
{
    struct look *k = ctx;
    const struct trees_bins *b = k->w->bins;
    const uint32_t from = (uint32_t)block * COLUMNS_A_BLOCK;
    const uint32_t to = from + COLUMNS_A_BLOCK < b->features ? from + COLUMNS_A_BLOCK : b->features;
    count_rows(k->w, k->counted, from, to);
    search_block(k->w, k->counted, from, to, &k->best[block]);
    if (!k->remainder)
        return;
    for (uint32_t i = b->offset[from]; i < b->offset[to]; i++)
        k->remainder->cells[i] = minus(k->remainder->cells[i], k->counted->cells[i]);
    search_block(k->w, k->remainder, from, to, &k->best[k->blocks + block]);
}

static void best_of(const struct cut *best, uint32_t blocks, struct leaf *l)
{
    l->best = best[0];
    for (uint32_t i = 1; i < blocks; i++)
        if (best[i].gain > l->best.gain)
            l->best = best[i];
}

static void look(struct trees_grower *w, struct leaf *counted, struct leaf *remainder)
{
    struct cut best[2 * (SG_TREES_FEATURES_MAX / COLUMNS_A_BLOCK)];
    struct look k = {.w = w, .counted = counted, .remainder = remainder, .best = best};
    k.blocks = (w->bins->features + COLUMNS_A_BLOCK - 1) / COLUMNS_A_BLOCK;
    const bool alone = counted->n * w->bins->features < THREADS_FROM;
    sg_fraud_each(alone ? 1 : w->t->threads, k.blocks, look_block, &k);
    best_of(best, k.blocks, counted);
    if (remainder)
        best_of(best + k.blocks, k.blocks, remainder);
}

/* --- parting ------------------------------------------------------------------------------- */

static bool goes_right(const struct grown *n, uint8_t code)
{
    return code == TREES_MISSING ? n->missing_right : code > n->bin;
}

/* Both sides keep the order of their rows.  How many go left. */
static size_t part_rows(struct trees_grower *w, const struct leaf *l, const struct grown *node)
{
    const uint8_t *code = w->bins->code + node->feature;
    uint32_t *row = w->list + l->first;
    size_t left = 0, right = 0;
    for (size_t i = 0; i < l->n; i++) {
        const uint32_t at = row[i];
        if (goes_right(node, code[(size_t)at * w->bins->features]))
            w->spare[right++] = at;
        else
            row[left++] = at;
    }
    memcpy(row + left, w->spare, right * sizeof(*row));
    return left;
}

static uint32_t new_node(struct trees_grower *w, double value, struct sum total)
{
    sg_assert(w->n_nodes < TREES_NODES_MAX);
    w->node[w->n_nodes] =
        (struct grown){.feature = UINT32_MAX, .value = value, .cover = (double)total.h * w->unit};
    return w->n_nodes++;
}

static struct leaf child_of(struct trees_grower *w, const struct leaf *parent, unsigned side)
{
    const struct cut *c = &parent->best;
    const struct sum total = side ? minus(parent->total, c->left) : c->left;
    const int monotone = w->t->monotone ? w->t->monotone[c->feature] : 0;
    const double middle = (c->value[0] + c->value[1]) / 2;
    struct leaf l = {.depth = parent->depth + 1,
                     .total = total,
                     .low = parent->low,
                     .high = parent->high,
                     .value = c->value[side]};
    if (monotone && (monotone > 0) == (side == 1))
        l.low = middle;
    else if (monotone)
        l.high = middle;
    l.node = new_node(w, l.value, total);
    return l;
}

/* Histograms for the new leaves: one goes on with the parent's. */
static void look_at_children(struct trees_grower *w, struct leaf *a, struct leaf *b,
                             struct sum *parents)
{
    if (a->depth == w->t->depth || w->n_leaves == w->t->leaves) {
        w->free_cells[w->n_free++] = parents;
        return;
    }
    struct leaf *fewer = a->n <= b->n ? a : b, *more = fewer == a ? b : a;
    sg_assert(w->n_free > 0);
    fewer->cells = w->free_cells[--w->n_free];
    more->cells = parents;
    look(w, fewer, more);
}

static void part(struct trees_grower *w, uint32_t which)
{
    const struct leaf parent = w->leaf[which];
    const struct cut *c = &parent.best;
    struct leaf left = child_of(w, &parent, 0), right = child_of(w, &parent, 1);
    struct grown *node = &w->node[parent.node];
    *node = (struct grown){.feature = c->feature,
                           .bin = c->bin,
                           .missing_right = c->missing_right,
                           .child = {left.node, right.node},
                           .gain = c->gain * w->unit};
    left.first = parent.first;
    left.n = part_rows(w, &parent, node);
    right.first = left.first + left.n;
    right.n = parent.n - left.n;
    w->n_leaves++;
    look_at_children(w, &left, &right, parent.cells);
    w->leaf[which] = left;
    w->leaf[w->n_leaves - 1] = right;
}

/* The leaf to part next: of the greatest gain, the one that came first among equals. */
static bool choose(const struct trees_grower *w, uint32_t *ret)
{
    double most = 0;
    for (uint32_t i = 0; i < w->n_leaves; i++) {
        const struct leaf *l = &w->leaf[i];
        if (l->cells && l->best.gain > most) {
            most = l->best.gain;
            *ret = i;
        }
    }
    return most > 0;
}

/* --- the tree in pre-order ------------------------------------------------------------------ */

static float bounded(double v, double most)
{
    return (float)(v > most ? most : v < -most ? -most : v);
}

static void put_node(const struct trees_grower *w, const struct grown *g, struct trees_node *ret)
{
    *ret = (struct trees_node){.threshold = INFINITY};
    if (g->feature == UINT32_MAX) {
        ret->value = bounded(g->value * w->t->shrinkage, TREES_NUMBER_MAX) + 0.0f;
        ret->cover = bounded(g->cover < 1e-30 ? 1e-30 : g->cover, 1e30);
        return;
    }
    const float *edge = w->bins->edge + (size_t)g->feature * SG_TREES_BINS_MAX;
    /* All told values go left: the largest number there is is no infinity. */
    ret->threshold = isinf(edge[g->bin - 1]) ? FLT_MAX : edge[g->bin - 1] + 0.0f;
    ret->feature = (uint16_t)g->feature;
    ret->missing_right = g->missing_right;
    ret->gain = bounded(g->gain, 1e30);
}

/* As deep as a tree.  The index of the node put. */
static uint32_t put_part(const struct trees_grower *w, uint32_t from, struct trees_node *tree,
                         uint32_t *n, uint32_t depth, uint8_t *ret_depth)
{
    const struct grown *g = &w->node[from];
    const uint32_t at = (*n)++;
    put_node(w, g, &tree[at]);
    tree[at].next[0] = tree[at].next[1] = (uint16_t)at;
    *ret_depth = depth > *ret_depth ? (uint8_t)depth : *ret_depth;
    if (g->feature == UINT32_MAX)
        return at;
    for (unsigned side = 0; side < 2; side++)
        tree[at].next[side] = (uint16_t)put_part(w, g->child[side], tree, n, depth + 1, ret_depth);
    return at;
}

static int put_tree(const struct trees_grower *w, struct sg_trees *m)
{
    uint32_t n = 0;
    uint8_t depth = 0;
    int r = trees_reserve(m, w->n_nodes);
    if (r)
        return r;
    put_part(w, 0, m->node + m->first[m->n_trees], &n, 0, &depth);
    trees_append(m, n, depth);
    return 0;
}

float trees_grown_value(const struct trees_grower *w, const uint8_t *code)
{
    uint32_t at = 0;
    while (w->node[at].feature != UINT32_MAX)
        at = w->node[at].child[goes_right(&w->node[at], code[w->node[at].feature])];
    return bounded(w->node[at].value * w->t->shrinkage, TREES_NUMBER_MAX) + 0.0f;
}

int trees_grow(struct trees_grower *w, const struct trees_gradient *gradient, uint32_t *list,
               size_t n, const bool *columns, struct sg_trees *m)
{
    struct leaf root = {.n = n, .low = -INFINITY, .high = INFINITY};
    uint32_t which = 0;
    w->gradient = gradient;
    w->columns = columns;
    w->list = list;
    w->n_nodes = 0;
    w->n_leaves = 1;
    w->n_free = w->n_pool;
    for (uint32_t i = 0; i < w->n_pool; i++)
        w->free_cells[i] = w->pool + (size_t)i * w->bins->offset[w->bins->features];
    for (size_t i = 0; i < n; i++) {
        root.total.g += gradient[list[i]].g;
        root.total.h += gradient[list[i]].h;
    }
    root.value = value_of(w, root.total, root.low, root.high);
    root.node = new_node(w, root.value, root.total);
    root.cells = w->free_cells[--w->n_free];
    look(w, &root, NULL);
    w->leaf[0] = root;
    while (w->n_leaves < w->t->leaves && choose(w, &which))
        part(w, which);
    return put_tree(w, m);
}

/* --- work space ---------------------------------------------------------------------------- */

int trees_grower_new(struct trees_grower **ret, const struct trees_bins *bins,
                     const struct sg_trees_training *t, size_t n_rows, double unit)
{
    SG_CLEANUP(trees_grower_freep) struct trees_grower *w = calloc(1, sizeof(*w));
    if (!w)
        return sg_raise(-ENOMEM);
    w->bins = bins;
    w->t = t;
    w->unit = unit;
    w->l2 = t->l2 / unit;
    w->least_child = t->least_child / unit;
    w->least_gain = t->least_gain / unit;
    /* Leaves at the greatest depth need no histogram; while one is parted there is one more. */
    const uint32_t above = 1u << (t->depth - 1);
    w->n_pool = (t->leaves < above ? t->leaves : above) + 1;
    w->pool = calloc((size_t)w->n_pool * bins->offset[bins->features], sizeof(*w->pool));
    w->free_cells = calloc(w->n_pool, sizeof(struct sum *));
    w->spare = calloc(n_rows, sizeof(*w->spare));
    w->leaf = calloc(t->leaves, sizeof(*w->leaf));
    w->node = calloc(TREES_NODES_MAX, sizeof(*w->node));
    if (!w->pool || !w->free_cells || !w->spare || !w->leaf || !w->node)
        return sg_raise(-ENOMEM);
    *ret = TAKE_PTR(w);
    return 0;
}

void trees_grower_free(struct trees_grower *w)
{
    if (!w)
        return;
    free(w->pool);
    free(w->free_cells);
    free(w->spare);
    free(w->leaf);
    free(w->node);
    free(w);
}
