#include "exact-int.h"
#include "threads-int.h"
#include "trees-int.h"

#include <math.h>
#include <string.h>

enum {
    UNIT_BITS = 30,
    ROWS_A_SLICE = 1 << 14,
};

/* A row of weight w and loss l counts as l w 2^LOSS_BITS / (largest weight): 2^24 rows of the
 * largest loss fit into 63 bits. */
#define LOSS_BITS 28
#define LOSS_MAX  1000.0

struct trainer {
    const struct sg_trees_rows *rows;
    const struct sg_trees_training *t;
    struct trees_bins bins;
    struct trees_grower *grower;
    uint8_t *use;
    double *margin;
    struct trees_gradient *gradient;
    uint32_t *list; /* of the tree at hand */
    bool *columns;
    double unit; /* of the gradients: 2^-30 of the largest weight rounded up */
    bool held;   /* some rows are held back */
    struct sg_trees *model;
};

/* --- what may be learnt from ----------------------------------------------------------------- */

static bool within(double v, double low, double high)
{
    return v >= low && v <= high; /* false for NaN */
}

static bool training_is_good(const struct sg_trees_training *t, uint32_t features)
{
    for (uint32_t f = 0; t->monotone && f < features; f++)
        if (t->monotone[f] < -1 || t->monotone[f] > 1)
            return false;
    return within(t->trees, 1, SG_TREES_MAX) && within(t->depth, 1, SG_TREES_DEPTH_MAX) &&
           within(t->leaves, 2, 1 << SG_TREES_DEPTH_MAX) && within(t->bins, 2, SG_TREES_BINS_MAX) &&
           within(t->shrinkage, 1e-6, 1) && within(t->l2, 0, 1e9) &&
           within(t->least_child, 1e-9, 1e9) && within(t->least_gain, 0, 1e9) &&
           within(t->row_share, 1e-6, 1) && within(t->column_share, 1e-6, 1) &&
           within(t->stop_share, 0, 0.9) && within(t->threads, 1, 256);
}

static bool row_is_good(const struct sg_trees_rows *rows, size_t i)
{
    const float *x = rows->x + i * rows->features;
    for (uint32_t f = 0; f < rows->features; f++)
        if (isinf(x[f]))
            return false;
    return within((double)rows->label[i], 0, 1) &&
           (!rows->start || within(rows->start[i], -TREES_NUMBER_MAX, TREES_NUMBER_MAX)) &&
           (!rows->weight || within((double)rows->weight[i], 0, 1e6));
}

static int check(const struct sg_trees_rows *rows, const struct sg_trees_training *t,
                 size_t *reterr_at)
{
    if (rows->n < 1 || rows->n > SG_TREES_ROWS_MAX || rows->features < 1 ||
        rows->features > SG_TREES_FEATURES_MAX)
        return SG_TREES_BAD_SHAPE;
    if (!training_is_good(t, rows->features))
        return SG_TREES_BAD_TRAINING;
    for (size_t i = 0; i < rows->n; i++)
        if (!row_is_good(rows, i)) {
            if (reterr_at)
                *reterr_at = i;
            return SG_TREES_BAD_VALUE;
        }
    return 0;
}

/* --- draws ----------------------------------------------------------------------------------- */

/* Hash functions for different ends. */
enum draw { DRAW_HELD = 1, DRAW_ROWS, DRAW_COLUMNS };

static uint64_t draw(uint64_t seed, enum draw what, uint64_t round, uint64_t of)
{
    return sg_fraud_mix(sg_fraud_mix(sg_fraud_mix(seed ^ (uint64_t)what << 56) + round) ^ of);
}

static bool falls_within(uint64_t hash, double share)
{
    return (double)(hash >> 11) * 0x1p-53 < share;
}

static uint64_t group_of(const struct sg_trees_rows *rows, size_t i)
{
    return rows->group ? rows->group[i] : rows->key ? rows->key[i] : i;
}

static double weight_of(const struct sg_trees_rows *rows, size_t i)
{
    return rows->weight ? (double)rows->weight[i] : 1;
}

/* Rows by their use; the unit of gradients by the largest weight. */
static void divide_rows(struct trainer *w)
{
    double largest = 0;
    int exponent;
    for (size_t i = 0; i < w->rows->n; i++) {
        const double weight = weight_of(w->rows, i);
        const uint64_t hash = draw(w->t->seed, DRAW_HELD, 0, group_of(w->rows, i));
        const bool held = falls_within(hash, w->t->stop_share);
        w->use[i] = weight <= 0 ? TREES_UNUSED : held ? TREES_HELD : TREES_TRAIN;
        w->held = w->held || w->use[i] == TREES_HELD;
        largest = weight > largest ? weight : largest;
    }
    frexp(largest, &exponent); /* largest <= 2^exponent */
    w->unit = ldexp(1, exponent - UNIT_BITS);
}

static uint32_t draw_rows(struct trainer *w, uint32_t tree)
{
    const struct sg_trees_rows *rows = w->rows;
    uint32_t n = 0;
    for (size_t i = 0; i < rows->n; i++) {
        if (w->use[i] != TREES_TRAIN)
            continue;
        const uint64_t key = rows->key ? rows->key[i] : i;
        if (w->t->row_share >= 1 ||
            falls_within(draw(w->t->seed, DRAW_ROWS, tree, key), w->t->row_share))
            w->list[n++] = (uint32_t)i;
    }
    return n;
}

/* Those with the smallest hashes. */
static void draw_columns(struct trainer *w, uint32_t tree)
{
    const uint32_t features = w->rows->features;
    const uint32_t wanted = (uint32_t)ceil(w->t->column_share * features);
    for (uint32_t f = 0; f < features; f++) {
        const uint64_t hash = draw(w->t->seed, DRAW_COLUMNS, tree, f);
        uint32_t before = 0;
        for (uint32_t other = 0; wanted < features && other < features; other++) {
            const uint64_t theirs = draw(w->t->seed, DRAW_COLUMNS, tree, other);
            before += theirs < hash || (theirs == hash && other < f);
        }
        w->columns[f] = before < wanted;
    }
}

/* --- loss ------------------------------------------------------------------------------------ */

static int32_t rounded(double v)
{
    return (int32_t)floor(v + 0.5);
}

/* Slices of rows; each row by itself. */
static void find_gradients(void *ctx, size_t slice)
{
    struct trainer *w = ctx;
    const size_t from = slice * ROWS_A_SLICE;
    const size_t to = from + ROWS_A_SLICE < w->rows->n ? from + ROWS_A_SLICE : w->rows->n;
    for (size_t i = from; i < to; i++) {
        const double scaled = weight_of(w->rows, i) / w->unit;
        const double p = sg_fraud_sigmoid(w->margin[i]);
        w->gradient[i].g = rounded(scaled * (p - (double)w->rows->label[i]));
        w->gradient[i].h = rounded(scaled * p * (1 - p));
    }
}

/* log(1 + exp(m)) - y m, without overflow. */
static double loss_of(double margin, double label)
{
    const double small = sg_fraud_log(1 + sg_fraud_exp(-fabs(margin)));
    const double loss = (margin > 0 ? margin : 0) + small - label * margin;
    return loss < LOSS_MAX ? loss : LOSS_MAX;
}

/* Of the rows held back; whole numbers, so that their order does not matter. */
static int64_t held_loss(const struct trainer *w)
{
    const double scale = ldexp(1, LOSS_BITS - UNIT_BITS) / w->unit;
    int64_t sum = 0;
    for (size_t i = 0; i < w->rows->n; i++)
        if (w->use[i] == TREES_HELD)
            sum += (int64_t)floor(weight_of(w->rows, i) * scale *
                                      loss_of(w->margin[i], (double)w->rows->label[i]) +
                                  0.5);
    return sum;
}

/* The log odds of all together, from which the first tree starts. */
static int find_base(struct trainer *w)
{
    int64_t yes = 0, no = 0;
    for (size_t i = 0; i < w->rows->n; i++) {
        if (w->use[i] != TREES_TRAIN)
            continue;
        const double scaled = weight_of(w->rows, i) / w->unit;
        const double label = (double)w->rows->label[i];
        yes += rounded(scaled * label);
        no += rounded(scaled * (1 - label));
    }
    if (yes == 0 || no == 0)
        return SG_TREES_ONE_KIND;
    if (!w->rows->start)
        w->model->base = sg_fraud_log((double)yes / (double)no);
    for (size_t i = 0; i < w->rows->n; i++)
        w->margin[i] = w->rows->start ? w->rows->start[i] : w->model->base;
    return 0;
}

/* --- boosting -------------------------------------------------------------------------------- */

static void add_tree(void *ctx, size_t slice)
{
    struct trainer *w = ctx;
    const size_t from = slice * ROWS_A_SLICE;
    const size_t to = from + ROWS_A_SLICE < w->rows->n ? from + ROWS_A_SLICE : w->rows->n;
    for (size_t i = from; i < to; i++)
        if (w->use[i] != TREES_UNUSED)
            w->margin[i] +=
                (double)trees_grown_value(w->grower, w->bins.code + i * w->rows->features);
}

static int one_tree(struct trainer *w, uint32_t tree)
{
    const size_t slices = (w->rows->n + ROWS_A_SLICE - 1) / ROWS_A_SLICE;
    sg_fraud_each(w->t->threads, slices, find_gradients, w);
    draw_columns(w, tree);
    const uint32_t n = draw_rows(w, tree);
    int r = trees_grow(w->grower, w->gradient, w->list, n, w->columns, w->model);
    if (r == 0)
        sg_fraud_each(w->t->threads, slices, add_tree, w);
    return r;
}

static int boost(struct trainer *w)
{
    int64_t least = w->held ? held_loss(w) : 0;
    uint32_t best = 0;
    for (uint32_t tree = 0; tree < w->t->trees; tree++) {
        int r = one_tree(w, tree);
        if (r)
            return r;
        if (!w->held)
            continue;
        const int64_t loss = held_loss(w);
        if (loss < least) {
            least = loss;
            best = tree + 1;
        }
        if (tree + 1 - best >= w->t->stop_after)
            break;
    }
    if (w->held)
        w->model->n_trees = best;
    return 0;
}

static void trainer_clear(struct trainer *w)
{
    trees_bins_clear(&w->bins);
    trees_grower_free(w->grower);
    free(w->use);
    free(w->margin);
    free(w->gradient);
    free(w->list);
    free(w->columns);
    sg_trees_free(w->model);
}

static int trainer_init(struct trainer *w)
{
    const size_t n = w->rows->n;
    w->use = calloc(n, 1);
    w->margin = calloc(n, sizeof(*w->margin));
    w->gradient = calloc(n, sizeof(*w->gradient));
    w->list = calloc(n, sizeof(*w->list));
    w->columns = calloc(w->rows->features, sizeof(*w->columns));
    if (!w->use || !w->margin || !w->gradient || !w->list || !w->columns)
        return sg_raise(-ENOMEM);
    divide_rows(w);
    int r = trees_new(&w->model, w->rows->features, w->t->seed);
    if (r == 0)
        r = find_base(w);
    if (r == 0)
        r = trees_bins_init(&w->bins, w->rows, w->use, w->t->bins, w->t->threads);
    if (r == 0)
        r = trees_grower_new(&w->grower, &w->bins, w->t, n, w->unit);
    return r;
}

int sg_trees_train(struct sg_trees **ret, const struct sg_trees_rows *rows,
                   const struct sg_trees_training *t, size_t *reterr_at)
{
    int r = check(rows, t, reterr_at);
    if (r)
        return r;
    SG_CLEANUP(trainer_clear) struct trainer w = {.rows = rows, .t = t};
    r = trainer_init(&w);
    if (r == 0)
        r = boost(&w);
    if (r == 0)
        *ret = TAKE_PTR(w.model);
    return r;
}
