#include "exact-int.h"
#include "learn-int.h"

#include <math.h>
#include <string.h>

struct sg_drift {
    const struct sg_learned *m; /* borrowed; its edges and counts */
    uint64_t *count;            /* SG_DRIFT_CLASSES a column */
    uint64_t customers;
};

enum { MISSING = SG_DRIFT_CLASSES - 1 };

static uint32_t class_of(const struct sg_learned *m, uint32_t column, float value)
{
    const float *edge = m->edge + (size_t)column * LEARN_EDGES;
    uint32_t k = 0;
    if (isnan(value))
        return MISSING;
    while (k < LEARN_EDGES && value > edge[k])
        k++;
    return k;
}

static int compare(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

void learned_population(struct sg_learned *m, uint32_t column, float *value, size_t n)
{
    float *edge = m->edge + (size_t)column * LEARN_EDGES;
    uint32_t *count = m->count + (size_t)column * SG_DRIFT_CLASSES;
    size_t told = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(value[i]))
            value[told++] = value[i];
    qsort(value, told, sizeof(*value), compare);
    for (size_t k = 0; k < LEARN_EDGES; k++)
        edge[k] = told ? value[(k + 1) * (told - 1) / (LEARN_EDGES + 1)] + 0.0f : 0;
    count[MISSING] = (uint32_t)(n - told);
    for (size_t i = 0; i < told; i++)
        count[class_of(m, column, value[i])]++;
}

int sg_drift_new(struct sg_drift **ret, const struct sg_learned *m)
{
    SG_CLEANUP(sg_drift_freep) struct sg_drift *d = calloc(1, sizeof(*d));
    if (!d)
        return sg_raise(-ENOMEM);
    d->m = m;
    d->count = calloc((m->features + 2) * SG_DRIFT_CLASSES, sizeof(*d->count));
    if (!d->count)
        return sg_raise(-ENOMEM);
    *ret = TAKE_PTR(d);
    return 0;
}

void sg_drift_free(struct sg_drift *d)
{
    if (!d)
        return;
    free(d->count);
    free(d);
}

void sg_drift_add(struct sg_drift *d, const float *features, float score, double margin)
{
    const uint32_t n = d->m->features;
    for (uint32_t column = 0; column < n + 2; column++) {
        const float value = column < n ? features[column] : column == n ? score : (float)margin;
        d->count[column * SG_DRIFT_CLASSES + class_of(d->m, column, value)]++;
    }
    d->customers++;
}

uint64_t sg_drift_customers(const struct sg_drift *d)
{
    return d->customers;
}

/* Half a customer more in every class that somebody is in, so that there is a logarithm. */
double sg_drift_index(const struct sg_drift *d, uint32_t column, bool *ret_warns)
{
    const uint32_t *then = d->m->count + (size_t)column * SG_DRIFT_CLASSES;
    const uint64_t *now = d->count + (size_t)column * SG_DRIFT_CLASSES;
    double all_then = 0, all_now = 0, index = 0;
    uint32_t classes = 0;
    for (uint32_t k = 0; k < SG_DRIFT_CLASSES; k++)
        if (then[k] || now[k]) {
            classes++;
            all_then += then[k] + 0.5;
            all_now += (double)now[k] + 0.5;
        }
    for (uint32_t k = 0; k < SG_DRIFT_CLASSES; k++)
        if (then[k] || now[k]) {
            const double p = (then[k] + 0.5) / all_then, q = ((double)now[k] + 0.5) / all_now;
            index += (q - p) * sg_fraud_log(q / p);
        }
    const double chance = classes ? (classes - 1) * (1 / all_then + 1 / all_now) : 0;
    *ret_warns = index > SG_DRIFT_LIMIT && index > 3 * chance;
    return index;
}
