#include "threads-int.h"
#include "trees-int.h"

#include <math.h>
#include <string.h>

/* Floats as whole numbers of the same order; both zeros are one. */
static uint32_t ordered(float x)
{
    uint32_t bits;
    x += 0.0f;
    memcpy(&bits, &x, sizeof(bits));
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static float unordered(uint32_t order)
{
    float x;
    order = order & 0x80000000u ? order & 0x7fffffffu : ~order;
    memcpy(&x, &order, sizeof(x));
    return x;
}

/* Least significant digit first; spare: n.  Four passes: the result stands in v. */
static void sort(uint32_t *v, uint32_t *spare, size_t n)
{
    for (unsigned shift = 0; shift < 32; shift += 8) {
        size_t at[257] = {0};
        for (size_t i = 0; i < n; i++)
            at[(v[i] >> shift & 255) + 1]++;
        for (size_t i = 1; i < 257; i++)
            at[i] += at[i - 1];
        for (size_t i = 0; i < n; i++)
            spare[at[v[i] >> shift & 255]++] = v[i];
        uint32_t *swap = v;
        v = spare;
        spare = swap;
    }
}

/* Between a < b: a <= result < b. */
static float between(float a, float b)
{
    const float middle = (float)(((double)a + (double)b) / 2);
    return middle < b ? middle : a;
}

/* Edges at the quantiles of n sorted values, or between all of them if they are few; the last bin
 * has no end.  How many bins. */
static uint16_t cut(const uint32_t *v, size_t n, uint32_t most, float *edge)
{
    uint16_t bins = 0;
    size_t distinct = n > 0, share = 1;
    for (size_t i = 1; i < n; i++)
        distinct += v[i] != v[i - 1];
    for (size_t i = 1; i < n; i++) {
        if (v[i] == v[i - 1])
            continue;
        if (distinct > most) { /* wait for the end of the next share of n / most */
            if (i * most < share * n)
                continue;
            share = i * most / n + 1;
        }
        edge[bins++] = between(unordered(v[i - 1]), unordered(v[i]));
    }
    edge[bins] = INFINITY;
    return n ? (uint16_t)(bins + 1) : 0;
}

/* The first bin whose edge is not below x. */
static uint8_t code_of(const float *edge, uint32_t bins, float x)
{
    uint32_t low = 0, high = bins - 1;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (x <= edge[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return (uint8_t)(low + 1);
}

struct binning {
    struct trees_bins *bins;
    const struct sg_trees_rows *rows;
    const uint8_t *use;
    uint32_t most;
    uint32_t *space; /* two values a row, of each feature being worked on */
    uint32_t spaces;
};

static void bin_feature(struct binning *b, uint32_t f, uint32_t *space)
{
    const struct sg_trees_rows *rows = b->rows;
    const float *x = rows->x + f;
    float *edge = b->bins->edge + (size_t)f * SG_TREES_BINS_MAX;
    size_t n = 0;
    for (size_t i = 0; i < rows->n; i++)
        if (b->use[i] == TREES_TRAIN && !isnan(x[i * rows->features]))
            space[n++] = ordered(x[i * rows->features]);
    sort(space, space + rows->n, n);
    b->bins->n[f] = cut(space, n, b->most, edge);
    for (size_t i = 0; i < rows->n; i++) {
        const float value = x[i * rows->features];
        b->bins->code[i * rows->features + f] =
            isnan(value) || n == 0 ? TREES_MISSING : code_of(edge, b->bins->n[f], value);
    }
}

/* Features are dealt out to as many piles as there is work space for. */
static void bin_pile(void *ctx, size_t pile)
{
    struct binning *b = ctx;
    for (uint32_t f = (uint32_t)pile; f < b->rows->features; f += b->spaces)
        bin_feature(b, f, b->space + pile * 2 * b->rows->n);
}

int trees_bins_init(struct trees_bins *ret, const struct sg_trees_rows *rows, const uint8_t *use,
                    uint32_t most, uint32_t threads)
{
    SG_CLEANUP(trees_bins_clear) struct trees_bins b = {.features = rows->features};
    SG_FREE uint32_t *space = calloc(threads * rows->n, 2 * sizeof(*space));
    b.code = malloc(rows->n * rows->features);
    b.n = calloc(rows->features, sizeof(*b.n));
    b.edge = calloc(rows->features, SG_TREES_BINS_MAX * sizeof(*b.edge));
    b.offset = calloc(rows->features + 1, sizeof(*b.offset));
    if (!space || !b.code || !b.n || !b.edge || !b.offset)
        return sg_raise(-ENOMEM);
    struct binning work = {
        .bins = &b, .rows = rows, .use = use, .most = most, .space = space, .spaces = threads};
    sg_fraud_each(threads, threads, bin_pile, &work);
    for (uint32_t f = 0; f < rows->features; f++)
        b.offset[f + 1] = b.offset[f] + b.n[f] + 1u; /* and missing */
    *ret = b;
    b = (struct trees_bins){.features = 0};
    return 0;
}

void trees_bins_clear(struct trees_bins *b)
{
    free(b->code);
    free(b->n);
    free(b->edge);
    free(b->offset);
    *b = (struct trees_bins){.features = 0};
}
