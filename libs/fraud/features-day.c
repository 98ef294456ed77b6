#include "features-int.h"

#include <math.h>
#include <string.h>

/* A load this many times the customer's mean is cut here, like in paper.h. */
#define RATIO_MAX 100.0f
/* Means below this share of the customer's own are nothing. */
#define NOTHING 1e-6f
/* Squared differences below this share of the squared mean are rounding. */
#define CONSTANT 1e-9f
#define HOURS    24.0f

/* ---- what is usual ------------------------------------------------------------------------- */

static float mean_load(const struct sg_view *v)
{
    double sum = 0;
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++)
        for (uint32_t d = 0; d < v->n_reference; d++)
            sum += (double)v->x[h * v->stride + d];
    return (float)(sum / ((double)v->n_reference * SG_VIEW_HOURS));
}

static void normalise(struct sg_feature_work *w)
{
    const struct sg_view *v = w->view;
    const float scale = 1 / w->level;
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++)
        for (uint32_t d = 0; d < w->n; d++) {
            const float ratio = v->x[h * v->stride + d] * scale;
            w->y[h][d] = ratio < RATIO_MAX ? ratio : RATIO_MAX;
        }
}

static void sum_reference(struct sg_feature_work *w)
{
    const struct sg_view *v = w->view;
    memset(w->n_kind, 0, sizeof(w->n_kind));
    memset(w->sum, 0, sizeof(w->sum));
    for (uint32_t d = 0; d < v->n_reference; d++)
        w->n_kind[v->kind[d]]++;
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++) {
        float least = RATIO_MAX;
        for (uint32_t d = 0; d < v->n_reference; d++) {
            const float y = w->y[h][d];
            w->sum[v->kind[d]][h] += y;
            least = y < least ? y : least;
        }
        w->least_hour[h] = least;
    }
}

/* A day is no part of the regular day that it is compared with: else a short reference would fit
 * itself better than anything later could. */
static void expect_days(struct sg_feature_work *w)
{
    const struct sg_view *v = w->view;
    for (uint32_t d = 0; d < w->n; d++) {
        unsigned kind = v->kind[d];
        bool inside = d < v->n_reference;
        if (w->n_kind[kind] < (inside ? 2u : 1u)) { /* the other kind is better than nothing */
            kind = 1 - kind;
            inside = false;
        }
        const float scale = 1 / (float)(w->n_kind[kind] - inside);
        for (uint32_t h = 0; h < SG_VIEW_HOURS; h++) {
            const float rest = w->sum[kind][h] - (inside ? w->y[h][d] : 0);
            w->p[h][d] = rest > 0 ? rest * scale : 0;
        }
    }
}

static void find_levels(struct sg_feature_work *w)
{
    memset(w->mean, 0, w->n * sizeof(*w->mean));
    memset(w->regular, 0, w->n * sizeof(*w->regular));
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++)
        for (uint32_t d = 0; d < w->n; d++) {
            w->mean[d] += w->y[h][d] * (1 / HOURS);
            w->regular[d] += w->p[h][d] * (1 / HOURS);
        }
    for (uint32_t d = 0; d < w->n; d++) {
        if (w->regular[d] < NOTHING)
            w->regular[d] = NOTHING;
        const float level = w->mean[d] / w->regular[d];
        w->stat[SG_STAT_LEVEL][d] = level < RATIO_MAX ? level : RATIO_MAX;
    }
}

/* The last two thirds of the test window, if they have three days. */
static uint32_t find_late(const struct sg_view *v)
{
    const uint32_t n = sg_view_days(v);
    const int64_t from = v->windows.test.first + (int64_t)sg_window_days(v->windows.test) / 3;
    uint32_t late = v->n_reference;
    while (late < n && v->day[late] < from)
        late++;
    return n - late < 3 ? v->n_reference : late;
}

/* ---- statistics of a day ------------------------------------------------------------------- */

/* Sums over the hours of many days at once, each in the order of hours. */
struct sums {
    float yy[SG_VIEW_DAYS_MAX], pp[SG_VIEW_DAYS_MAX], yp[SG_VIEW_DAYS_MAX], yr[SG_VIEW_DAYS_MAX];
    float ee[SG_VIEW_DAYS_MAX], lag[SG_VIEW_DAYS_MAX];
    float step[SG_VIEW_DAYS_MAX], jag[SG_VIEW_DAYS_MAX];
    float inverse[SG_VIEW_DAYS_MAX]; /* of the mean; 0: nothing was drawn */
    float flat[SG_VIEW_DAYS_MAX];    /* what a load over the mean is if nothing was drawn */
};

static void prepare(const struct sg_feature_work *w, struct sums *s)
{
    memset(s, 0, sizeof(*s));
    for (uint32_t d = 0; d < w->n; d++) {
        s->inverse[d] = w->mean[d] > NOTHING ? 1 / w->mean[d] : 0;
        s->flat[d] = w->mean[d] > NOTHING ? 0 : 1;
    }
}

static void add_products(const struct sg_feature_work *w, struct sums *s)
{
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++) {
        const float *yh = w->y[h], *ph = w->p[h], *rh = w->p[SG_VIEW_HOURS - 1 - h];
        for (uint32_t d = 0; d < w->n; d++) {
            const float y = yh[d] - w->mean[d];
            const float p = ph[d] - w->regular[d], r = rh[d] - w->regular[d];
            s->yy[d] += y * y;
            s->pp[d] += p * p;
            s->yp[d] += y * p;
            s->yr[d] += y * r;
        }
    }
}

static float misfit(const struct sg_feature_work *w, const struct sums *s, uint32_t h, uint32_t d)
{
    return w->y[h][d] * s->inverse[d] + s->flat[d] - w->p[h][d] / w->regular[d];
}

static void add_misfits(const struct sg_feature_work *w, struct sums *s)
{
    for (uint32_t d = 0; d < w->n; d++) {
        const float e = misfit(w, s, 0, d);
        s->ee[d] = e * e;
    }
    for (uint32_t h = 1; h < SG_VIEW_HOURS; h++)
        for (uint32_t d = 0; d < w->n; d++) {
            const float e = misfit(w, s, h, d), before = misfit(w, s, h - 1, d);
            s->ee[d] += e * e;
            s->lag[d] += e * before;
        }
}

static void add_steps(const struct sg_feature_work *w, struct sums *s, float *still)
{
    for (uint32_t h = 1; h < SG_VIEW_HOURS; h++)
        for (uint32_t d = 0; d < w->n; d++) {
            const float step = fabsf(w->y[h][d] - w->y[h - 1][d]);
            s->step[d] += step;
            still[d] += step <= 0.004f * w->mean[d] ? 1.0f : 0.0f;
        }
    for (uint32_t h = 2; h < SG_VIEW_HOURS; h++)
        for (uint32_t d = 0; d < w->n; d++)
            s->jag[d] += fabsf(w->y[h][d] - 2 * w->y[h - 1][d] + w->y[h - 2][d]);
}

static void find_extremes(struct sg_feature_work *w)
{
    float *least = w->stat[SG_STAT_LEAST], *most = w->stat[SG_STAT_MOST];
    memcpy(least, w->y[0], w->n * sizeof(*least));
    memcpy(most, w->y[0], w->n * sizeof(*most));
    for (uint32_t h = 1; h < SG_VIEW_HOURS; h++)
        for (uint32_t d = 0; d < w->n; d++) {
            const float y = w->y[h][d];
            least[d] = y < least[d] ? y : least[d];
            most[d] = y > most[d] ? y : most[d];
        }
}

static void count_hours(struct sg_feature_work *w)
{
    float *top = w->stat[SG_STAT_TOP], *low = w->stat[SG_STAT_LOW], *night = w->stat[SG_STAT_NIGHT];
    for (uint32_t h = 0; h < SG_VIEW_HOURS; h++) {
        const float half = 0.5f * w->least_hour[h];
        for (uint32_t d = 0; d < w->n; d++) {
            const float y = w->y[h][d];
            top[d] += y >= 0.995f * w->stat[SG_STAT_MOST][d] ? 1.0f : 0.0f;
            low[d] += y < half ? 1.0f : 0.0f;
            night[d] += h < 6 ? y * (1 / 6.0f) : 0;
        }
    }
}

static void put_shapes(struct sg_feature_work *w, const struct sums *s)
{
    for (uint32_t d = 0; d < w->n; d++) {
        const float mean = w->mean[d], regular = w->regular[d];
        const bool varies = s->yy[d] > CONSTANT * HOURS * mean * mean &&
                            s->pp[d] > CONSTANT * HOURS * regular * regular;
        const float norm = varies ? 1 / sqrtf(s->yy[d] * s->pp[d]) : 0;
        w->stat[SG_STAT_OWN][d] = s->yp[d] * norm;
        w->stat[SG_STAT_TURNED][d] = (s->yr[d] - s->yp[d]) * norm;
        w->stat[SG_STAT_MISFIT][d] = sqrtf(s->ee[d] / HOURS);
        w->stat[SG_STAT_SMOOTH][d] = s->ee[d] > HOURS * CONSTANT ? s->lag[d] / s->ee[d] : 0;
        w->stat[SG_STAT_SPREAD][d] = sqrtf(s->yy[d] / HOURS) * s->inverse[d];
    }
}

static void put_noises(struct sg_feature_work *w, const struct sums *s)
{
    for (uint32_t d = 0; d < w->n; d++) {
        const float rough = s->step[d] / (HOURS - 1) * s->inverse[d];
        const float jag = s->jag[d] / (HOURS - 2) * s->inverse[d];
        const float variance = s->pp[d] / HOURS;
        const float slope = s->yp[d] / HOURS / (variance > 1e-4f ? variance : 1e-4f);
        w->stat[SG_STAT_ROUGH][d] = rough;
        w->stat[SG_STAT_JAG][d] = jag / (rough + 0.01f);
        w->stat[SG_STAT_NIGHT][d] *= s->inverse[d];
        w->stat[SG_STAT_SLOPE][d] = slope;
        w->stat[SG_STAT_OFFSET][d] = w->mean[d] - slope * w->regular[d];
    }
}

static void find_stats(struct sg_feature_work *w)
{
    struct sums s;
    const size_t bytes = w->n * sizeof(float);
    memset(w->stat[SG_STAT_TOP], 0, bytes);
    memset(w->stat[SG_STAT_STILL], 0, bytes);
    memset(w->stat[SG_STAT_LOW], 0, bytes);
    memset(w->stat[SG_STAT_NIGHT], 0, bytes);
    prepare(w, &s);
    add_products(w, &s);
    add_misfits(w, &s);
    add_steps(w, &s, w->stat[SG_STAT_STILL]);
    find_extremes(w);
    count_hours(w);
    put_shapes(w, &s);
    put_noises(w, &s);
}

int sg_features_begin(struct sg_feature_work *w, const struct sg_view *v)
{
    w->view = v;
    w->n = sg_view_days(v);
    if (v->n_reference < 2)
        return SG_FEATURES_NO_REFERENCE;
    if (v->n_recent == 0)
        return SG_FEATURES_NO_TEST;
    w->level = mean_load(v);
    if (!(w->level > 0) || !isfinite(1 / w->level))
        return SG_FEATURES_NO_LEVEL;
    w->late = find_late(v);
    normalise(w);
    sum_reference(w);
    if (v->gaps)
        sg_features_mend_least(w);
    expect_days(w);
    find_levels(w);
    find_stats(w);
    if (v->gaps)
        sg_features_mend(w);
    return 0;
}
