#include "map-int.h"

#include <math.h>
#include <string.h>

int sg_full_map_init(struct sg_full_map *m, struct sg_som *som)
{
    *m = (struct sg_full_map){.som = som, .diameter = sg_som_grid_diameter(som)};
    return sg_fold(sg_som_matcher_new(&m->matcher, som, NULL));
}

void sg_full_map_clear(struct sg_full_map *m)
{
    sg_som_matcher_free(m->matcher);
    sg_som_free(m->som);
    *m = (struct sg_full_map){.som = NULL};
}

int sg_full_map_train(struct sg_full_map *m, const float *x, size_t n, uint64_t seed,
                      unsigned threads)
{
    const struct sg_som_shape shape = SG_SOM_SHAPE_DEFAULT(SG_VIEW_HOURS);
    struct sg_som_training t = SG_SOM_TRAINING_DEFAULT;
    SG_CLEANUP(sg_som_freep) struct sg_som *som = NULL;
    t.threads = threads;
    if (n == 0)
        return 1;
    int r = sg_som_new(&som, &shape);
    if (r == 0)
        r = sg_som_seed(som, x, n, seed);
    if (r == 0)
        r = sg_som_train(som, x, n, &t, NULL);
    return r ? sg_fold(r) : sg_full_map_init(m, TAKE_PTR(som));
}

/* ---- statistics ------------------------------------------------------------------------------ */

static void take_day(const struct sg_feature_work *w, uint32_t d, float x[SG_VIEW_HOURS])
{
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++)
        x[h] = w->y[h][d];
}

/* The class of each kind of day: the best match of its mean regular day. */
static void find_classes(const struct sg_feature_work *w, const struct sg_full_map *m,
                         uint32_t ret[SG_FRAUD_DAY_KINDS])
{
    for (unsigned k = 0; k < SG_FRAUD_DAY_KINDS; k++) {
        const unsigned from = w->n_kind[k] ? k : 1 - k;
        float x[SG_VIEW_HOURS];
        for (unsigned h = 0; h < SG_VIEW_HOURS; h++)
            x[h] = w->sum[from][h] / (float)w->n_kind[from];
        const int r = sg_som_match(m->matcher, x, 1, &ret[k], NULL, NULL);
        sg_assert(r == 0); /* loads cut at 100, codes within bounds: always a distance */
    }
}

static float correlation(const float *a, const float *b)
{
    float mean_a = 0, mean_b = 0, aa = 0, bb = 0, ab = 0;
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++) {
        mean_a += a[h] / SG_VIEW_HOURS;
        mean_b += b[h] / SG_VIEW_HOURS;
    }
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++) {
        const float x = a[h] - mean_a, y = b[h] - mean_b;
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    return aa * bb > 1e-12f ? ab / sqrtf(aa * bb) : 0;
}

void sg_features_map(struct sg_feature_work *w, const struct sg_full_map *m)
{
    float x[SG_VIEW_DAYS_MAX][SG_VIEW_HOURS], distance2[SG_VIEW_DAYS_MAX];
    uint32_t node[SG_VIEW_DAYS_MAX], cls[SG_FRAUD_DAY_KINDS];
    if (!m->som) {
        memset(w->stat[SG_STAT_CLASS], 0, sizeof(w->stat[0]));
        memset(w->stat[SG_STAT_AWAY], 0, sizeof(w->stat[0]));
        memset(w->stat[SG_STAT_STRANGE], 0, sizeof(w->stat[0]));
        return;
    }
    for (uint32_t d = 0; d < w->n; d++)
        take_day(w, d, x[d]);
    find_classes(w, m, cls);
    const int r = sg_som_match(m->matcher, x[0], w->n, node, distance2, NULL);
    sg_assert(r == 0);
    for (uint32_t d = 0; d < w->n; d++) {
        const uint32_t own = cls[w->view->kind[d]];
        w->stat[SG_STAT_CLASS][d] = correlation(x[d], sg_som_code(m->som, own));
        w->stat[SG_STAT_AWAY][d] =
            (float)(sg_som_grid_distance(m->som, own, node[d]) / m->diameter);
        w->stat[SG_STAT_STRANGE][d] = sqrtf(distance2[d] / SG_VIEW_HOURS);
    }
}
