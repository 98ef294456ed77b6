/*
 * features-gap - statistics of the days of which hours were filled in (view-int.h): over the hours
 * that were measured alone, so that what is missing is evidence of nothing, be it that it was
 * dropped to break a series up.  Means stay means; counts become what they would be in 24 hours
 * like those measured, but for hours below half of their least: such an hour has to be seen.
 */
#include "features-int.h"

#include <math.h>

#define RATIO_MAX 100.0f
#define NOTHING   1e-6f
#define CONSTANT  1e-9f
#define HOURS     24.0f

void sg_features_mend_least(struct sg_feature_work *w)
{
    const struct sg_view *v = w->view;
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++) {
        float least = RATIO_MAX;
        bool seen = false;
        for (uint32_t d = 0; d < v->n_reference; d++) {
            if (sg_view_filled(v, h, d))
                continue;
            least = w->y[h][d] < least ? w->y[h][d] : least;
            seen = true;
        }
        w->least_hour[h] = seen ? least : 0;
    }
}

/* The measured hours of a row. */
struct hours {
    float y[SG_VIEW_HOURS], p[SG_VIEW_HOURS], r[SG_VIEW_HOURS]; /* day, regular, that reversed */
    bool there[SG_VIEW_HOURS];
    float n, of_y, of_p, of_r; /* how many, and means over them */
};

static void take_hours(const struct sg_feature_work *w, uint32_t d, struct hours *x)
{
    *x = (struct hours){.n = 0};
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++) {
        if (sg_view_filled(w->view, h, d))
            continue;
        x->there[h] = true;
        x->y[h] = w->y[h][d];
        x->p[h] = w->p[h][d];
        x->r[h] = w->p[SG_VIEW_HOURS - 1 - h][d];
        x->of_y += x->y[h];
        x->of_p += x->p[h];
        x->of_r += x->r[h];
        x->n++;
    }
    x->of_y /= x->n;
    x->of_p /= x->n;
    x->of_r /= x->n;
    if (x->of_p < NOTHING)
        x->of_p = NOTHING;
}

static void mend_shape(struct sg_feature_work *w, uint32_t d, const struct hours *x, float inverse)
{
    float yy = 0, pp = 0, yp = 0, yr = 0;
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++) {
        if (!x->there[h])
            continue;
        const float y = x->y[h] - x->of_y, p = x->p[h] - x->of_p;
        yy += y * y;
        pp += p * p;
        yp += y * p;
        yr += y * (x->r[h] - x->of_r);
    }
    const bool varies =
        yy > CONSTANT * x->n * x->of_y * x->of_y && pp > CONSTANT * x->n * x->of_p * x->of_p;
    const float norm = varies ? 1 / sqrtf(yy * pp) : 0, variance = pp / x->n;
    const float slope = yp / x->n / (variance > 1e-4f ? variance : 1e-4f);
    w->stat[SG_STAT_OWN][d] = yp * norm;
    w->stat[SG_STAT_TURNED][d] = (yr - yp) * norm;
    w->stat[SG_STAT_SPREAD][d] = sqrtf(yy / x->n) * inverse;
    w->stat[SG_STAT_SLOPE][d] = slope;
    w->stat[SG_STAT_OFFSET][d] = x->of_y - slope * x->of_p;
}

static float misfit(const struct hours *x, float inverse, uint32_t h)
{
    return x->y[h] * inverse + (inverse > 0 ? 0 : 1) - x->p[h] / x->of_p;
}

/* Hours that follow each other, both measured. */
static void mend_noise(struct sg_feature_work *w, uint32_t d, const struct hours *x, float inverse)
{
    float ee = 0, lag = 0, step = 0, jag = 0, still = 0, pairs = 0, triples = 0;
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++) {
        const float e = misfit(x, inverse, h);
        if (!x->there[h])
            continue;
        ee += e * e;
        if (h < 1 || !x->there[h - 1])
            continue;
        const float by = fabsf(x->y[h] - x->y[h - 1]);
        lag += e * misfit(x, inverse, h - 1);
        step += by;
        still += by <= 0.004f * x->of_y ? 1.0f : 0.0f;
        pairs++;
        if (h < 2 || !x->there[h - 2])
            continue;
        jag += fabsf(x->y[h] - 2 * x->y[h - 1] + x->y[h - 2]);
        triples++;
    }
    w->stat[SG_STAT_MISFIT][d] = sqrtf(ee / x->n);
    if (pairs < 1) /* every other hour is missing: the filled ones are all there is */
        return;
    const float rough = step / pairs * inverse, usual = (HOURS - 1) / HOURS;
    w->stat[SG_STAT_SMOOTH][d] = ee > x->n * CONSTANT ? lag / pairs / (ee / x->n) * usual : 0;
    w->stat[SG_STAT_ROUGH][d] = rough;
    w->stat[SG_STAT_STILL][d] = still * (HOURS - 1) / pairs;
    if (triples >= 1)
        w->stat[SG_STAT_JAG][d] = jag / triples * inverse / (rough + 0.01f);
}

static void mend_counts(struct sg_feature_work *w, uint32_t d, const struct hours *x, float inverse)
{
    float least = RATIO_MAX, most = 0, top = 0, low = 0, night = 0, nights = 0;
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++) {
        if (!x->there[h])
            continue;
        least = x->y[h] < least ? x->y[h] : least;
        most = x->y[h] > most ? x->y[h] : most;
        low += x->y[h] < 0.5f * w->least_hour[h] ? 1.0f : 0.0f;
        night += h < 6 ? x->y[h] : 0;
        nights += h < 6 ? 1.0f : 0.0f;
    }
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++)
        top += x->there[h] && x->y[h] >= 0.995f * most ? 1.0f : 0.0f;
    w->stat[SG_STAT_LEAST][d] = least;
    w->stat[SG_STAT_MOST][d] = most;
    w->stat[SG_STAT_LOW][d] = low;
    w->stat[SG_STAT_TOP][d] = top * HOURS / x->n;
    if (nights >= 1)
        w->stat[SG_STAT_NIGHT][d] = night / nights * inverse;
}

void sg_features_mend(struct sg_feature_work *w)
{
    for (uint32_t d = 0; d < w->n; d++) {
        struct hours x;
        if (!(w->view->gap[d] & ~SG_VIEW_TOUCHED))
            continue;
        take_hours(w, d, &x);
        const float inverse = x.of_y > NOTHING ? 1 / x.of_y : 0, level = x.of_y / x.of_p;
        w->stat[SG_STAT_LEVEL][d] = level < RATIO_MAX ? level : RATIO_MAX;
        mend_shape(w, d, &x, inverse);
        mend_noise(w, d, &x, inverse);
        mend_counts(w, d, &x, inverse);
    }
}
