#include "som-int.h"
#include "threads-int.h"

#include <math.h>
#include <string.h>

enum {
    SLICES_MAX = 32,   /* more than cores of one trainer are of use with */
    SLICE_LEAST = 512, /* vectors; below that a slice costs more than it gains */
    BATCH = 256,
};

/* All slices' sums together: large maps get fewer slices. */
#define SUMS_BYTES_MAX ((size_t)128 << 20)

/* Everything that the vectors of one slice leave behind. */
struct slice {
    double *sum;     /* nodes x points: of the vectors whose best match the node is */
    uint64_t *count; /* nodes */
    double distance; /* sum of distances */
};

struct trainer {
    struct sg_som *map;
    const struct sg_som_training *training;
    const float *x;
    size_t n;
    struct sg_som_matcher *matcher;
    struct slice *slice;
    size_t n_slices;
    double *pull;   /* points: numerator of one node's new code */
    uint16_t *step; /* nodes x nodes: sg_som_grid_step */
    double *weight; /* one a step, of this epoch */
};

/* By the data alone, never by the threads: the bits depend on it. */
static size_t slices_for(const struct sg_som *m, size_t n)
{
    size_t bytes = (size_t)m->nodes * m->shape.points * sizeof(double);
    size_t most = SUMS_BYTES_MAX / bytes;
    most = most > SLICES_MAX ? SLICES_MAX : most < 1 ? 1 : most;
    size_t wanted = n / SLICE_LEAST;
    return wanted < 1 ? 1 : wanted > most ? most : wanted;
}

static void trainer_clear(struct trainer *t)
{
    for (size_t s = 0; t->slice && s < t->n_slices; s++) {
        free(t->slice[s].sum);
        free(t->slice[s].count);
    }
    free(t->slice);
    free(t->pull);
    free(t->step);
    free(t->weight);
    sg_som_matcher_free(t->matcher);
}

static int trainer_init(struct trainer *t)
{
    const struct sg_som *m = t->map;
    size_t values = (size_t)m->nodes * m->shape.points;
    t->n_slices = slices_for(m, t->n);
    t->slice = calloc(t->n_slices, sizeof(*t->slice));
    t->pull = calloc(m->shape.points, sizeof(double));
    t->step = calloc((size_t)m->nodes * m->nodes, sizeof(*t->step));
    t->weight = calloc(sg_som_grid_steps(&m->shape), sizeof(double));
    if (!t->slice || !t->pull || !t->step || !t->weight)
        return sg_raise(-ENOMEM);
    for (uint32_t a = 0; a < m->nodes; a++)
        for (uint32_t b = 0; b < m->nodes; b++)
            t->step[(size_t)a * m->nodes + b] = (uint16_t)sg_som_grid_step(&m->shape, a, b);
    for (size_t s = 0; s < t->n_slices; s++) {
        t->slice[s].sum = calloc(values, sizeof(double));
        t->slice[s].count = calloc(m->nodes, sizeof(uint64_t));
        if (!t->slice[s].sum || !t->slice[s].count)
            return sg_raise(-ENOMEM);
    }
    return sg_som_matcher_new(&t->matcher, m, t->training->kernel);
}

/* --- one epoch: match ---------------------------------------------------------------------- */

static void slice_add(struct slice *s, const struct sg_som_matcher *w, const float *x, size_t n)
{
    uint32_t node[BATCH];
    float distance2[BATCH];
    w->kernel->best_match(x, n, w->points, w->code, w->lanes, node, distance2);
    for (size_t i = 0; i < n; i++) {
        sg_assert(node[i] < w->nodes); /* all values are within bounds, so all distances finite */
        w->kernel->add_row(s->sum + (size_t)node[i] * w->points, x + i * w->points, w->points);
        s->count[node[i]]++;
        s->distance += sqrt((double)distance2[i]);
    }
}

static void slice_run(void *ctx, size_t which)
{
    struct trainer *t = ctx;
    const struct sg_som_matcher *w = t->matcher;
    struct slice *s = &t->slice[which];
    size_t share = t->n / t->n_slices, rest = t->n % t->n_slices;
    size_t at = which * share + (which < rest ? which : rest);
    size_t end = at + share + (which < rest);

    memset(s->sum, 0, (size_t)w->nodes * w->points * sizeof(double));
    memset(s->count, 0, w->nodes * sizeof(uint64_t));
    s->distance = 0;
    while (at < end) {
        size_t batch = end - at < BATCH ? end - at : BATCH;
        slice_add(s, w, t->x + at * w->points, batch);
        at += batch;
    }
}

/* --- one epoch: move ----------------------------------------------------------------------- */

/* Adds all slices to the first, in their order. */
static void slices_reduce(struct trainer *t)
{
    size_t nodes = t->map->nodes, values = nodes * t->map->shape.points;
    struct slice *all = &t->slice[0];
    for (size_t s = 1; s < t->n_slices; s++) {
        const struct slice *one = &t->slice[s];
        for (size_t i = 0; i < values; i++)
            all->sum[i] += one->sum[i];
        for (size_t i = 0; i < nodes; i++)
            all->count[i] += one->count[i];
        all->distance += one->distance;
    }
}

/* One node's code becomes the weighted mean of all vectors, summed node by node. */
static void node_move(struct trainer *t, uint32_t node)
{
    const struct slice *all = &t->slice[0];
    uint32_t points = t->map->shape.points;
    const uint16_t *step = t->step + (size_t)node * t->map->nodes;
    double weight = 0;
    memset(t->pull, 0, points * sizeof(double));
    for (uint32_t b = 0; b < t->map->nodes; b++) {
        double h = t->weight[step[b]];
        if (all->count[b] == 0 || h == 0)
            continue;
        t->matcher->kernel->add_scaled(t->pull, all->sum + (size_t)b * points, h, points);
        weight += h * (double)all->count[b];
    }
    if (weight == 0)
        return;
    float *code = t->map->code + (size_t)node * points;
    for (uint32_t p = 0; p < points; p++)
        code[p] = (float)(t->pull[p] / weight);
}

static void nodes_move(struct trainer *t, double radius)
{
    const struct sg_som_shape *shape = &t->map->shape;
    for (uint32_t s = 0; s < sg_som_grid_steps(shape); s++)
        t->weight[s] =
            sg_som_weight(t->training->neighbourhood, radius, sg_som_grid_distance4(shape, s));
    for (uint32_t node = 0; node < t->map->nodes; node++)
        node_move(t, node);
}

static void epoch(struct trainer *t, uint32_t number)
{
    const struct sg_som_training *p = t->training;
    double done = (double)number / p->epochs;
    sg_som_matcher_fill(t->matcher, t->map);
    sg_fraud_each(p->threads, t->n_slices, slice_run, t);
    slices_reduce(t);
    nodes_move(t, p->radius_from - (p->radius_from - p->radius_to) * done);
    if (p->progress)
        p->progress(p->progress_ctx, number + 1, t->slice[0].distance / (double)t->n);
}

/* --- a training ---------------------------------------------------------------------------- */

static bool radius_is_good(double r)
{
    return r >= 0 && r <= 1e6; /* false for NaN */
}

static bool training_is_good(const struct sg_som_training *p)
{
    return p->epochs >= 1 && p->epochs <= SG_SOM_EPOCHS_MAX && radius_is_good(p->radius_from) &&
           radius_is_good(p->radius_to) && p->threads >= 1 && p->threads <= SG_SOM_THREADS_MAX &&
           (p->neighbourhood == SG_SOM_GAUSSIAN || p->neighbourhood == SG_SOM_BUBBLE);
}

int sg_som_train(struct sg_som *m, const float *x, size_t n, const struct sg_som_training *p,
                 size_t *reterr_at)
{
    if (!training_is_good(p))
        return SG_SOM_BAD_TRAINING;
    if (n == 0)
        return SG_SOM_NO_VECTORS;
    size_t good = sg_som_good_vectors(x, n, m->shape.points);
    if (good < n) {
        if (reterr_at)
            *reterr_at = good;
        return SG_SOM_BAD_VALUE;
    }
    SG_CLEANUP(trainer_clear)
    struct trainer t = {.map = m, .training = p, .x = x, .n = n};
    int r = trainer_init(&t);
    for (uint32_t i = 0; r == 0 && i < p->epochs; i++)
        epoch(&t, i);
    return r;
}
