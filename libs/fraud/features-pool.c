#include "features-int.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define PUT(name) ret[sg_feature_of_pooled(SG_POOLED_##name)]

enum { BLOCKS_MAX = 8, BINS = 512, BINS_OF_MEAN = 64 };

static uint32_t n_late(const struct sg_feature_work *w)
{
    return w->n - w->late;
}

static float mean24(const float v[SG_VIEW_HOURS])
{
    float sum = 0;
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++)
        sum += v[h];
    return sum / SG_VIEW_HOURS;
}

static float at_least(float v, float least)
{
    return v > least ? v : least;
}

/* Means of loads and of regular days over some rows. */
static void mean_days(const struct sg_feature_work *w, uint32_t first, uint32_t n,
                      float y[SG_VIEW_HOURS], float p[SG_VIEW_HOURS])
{
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++) {
        float sum_y = 0, sum_p = 0;
        for (uint32_t d = first; d < first + n; d++) {
            sum_y += w->y[h][d];
            sum_p += w->p[h][d];
        }
        y[h] = sum_y / (float)n;
        p[h] = sum_p / (float)n;
    }
}

/* ---- blocks of the reference: how far the customer strays by itself ------------------------- */

struct stray {
    float level, shift, shape; /* level ratio; distances of the mean day and the expected one */
};

static struct stray stray_of(const float y[SG_VIEW_HOURS], const float p[SG_VIEW_HOURS])
{
    const float of_y = at_least(mean24(y), 1e-6f), of_p = at_least(mean24(p), 1e-6f);
    float shift = 0, shape = 0;
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++) {
        const float a = y[h] - p[h], b = y[h] / of_y - p[h] / of_p;
        shift += a * a;
        shape += b * b;
    }
    return (struct stray){of_y / of_p, sqrtf(shift / SG_VIEW_HOURS), sqrtf(shape / SG_VIEW_HOURS)};
}

/* As many blocks as hold as many days as are judged, two at least. */
static uint32_t count_blocks(const struct sg_feature_work *w, uint32_t *ret_rows)
{
    uint32_t blocks = w->view->n_reference / n_late(w);
    blocks = blocks < 2 ? 2 : blocks > BLOCKS_MAX ? BLOCKS_MAX : blocks;
    *ret_rows = w->view->n_reference / blocks;
    return blocks;
}

static void pool_strays(const struct sg_feature_work *w, float *ret)
{
    struct stray now = stray_of(w->late_y, w->late_p), block[BLOCKS_MAX];
    uint32_t rows, n = count_blocks(w, &rows);
    float low = FLT_MAX, high = 0, shift = 0, shape = 0, sum = 0, squares = 0;
    for (uint32_t b = 0; b < n; b++) {
        float y[SG_VIEW_HOURS], p[SG_VIEW_HOURS];
        mean_days(w, b * rows, rows, y, p);
        block[b] = stray_of(y, p);
        low = block[b].level < low ? block[b].level : low;
        high = at_least(block[b].level, high);
        shift = at_least(block[b].shift, shift);
        shape = at_least(block[b].shape, shape);
        sum += block[b].level;
    }
    for (uint32_t b = 0; b < n; b++)
        squares += (block[b].level - sum / (float)n) * (block[b].level - sum / (float)n);
    PUT(LEVEL_LAST) = sg_contrast(now.level, block[n - 1].level);
    PUT(LEVEL_LOW) = sg_contrast(now.level, low);
    PUT(LEVEL_HIGH) = sg_contrast(now.level, high);
    PUT(LEVEL_TREND) = block[n - 1].level - block[0].level;
    PUT(LEVEL_SPREAD) = sqrtf(squares / (float)n);
    PUT(SHIFT) = now.shift;
    PUT(SHIFT_OVER_OWN) = now.shift / (shift + 0.01f);
    PUT(SHAPE_SHIFT) = now.shape;
    PUT(SHAPE_OVER_OWN) = now.shape / (shape + 0.01f);
}

/* ---- the mean late day against the expected one ---------------------------------------------- */

static void pool_hours(const struct sg_feature_work *w, float *ret)
{
    float ratio[SG_VIEW_HOURS], squares = 0, lowest = FLT_MAX, highest = 0, noon = 0, night = 0;
    const float level = at_least(mean24(w->late_y), 1e-6f) / at_least(mean24(w->late_p), 1e-6f);
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++) {
        ratio[h] = w->late_y[h] / at_least(w->late_p[h], 1e-6f);
        ratio[h] = ratio[h] < 100 ? ratio[h] : 100;
        squares += (ratio[h] / level - 1) * (ratio[h] / level - 1);
        noon += h >= 10 && h < 15 ? ratio[h] / 5 : 0;
        night += h < 6 || h >= 20 ? ratio[h] / 10 : 0;
    }
    for (unsigned h = 0; h + 4 <= SG_VIEW_HOURS; h++) {
        float most = ratio[h], least = ratio[h];
        for (unsigned i = h + 1; i < h + 4; i++) {
            most = at_least(ratio[i], most);
            least = ratio[i] < least ? ratio[i] : least;
        }
        lowest = most < lowest ? most : lowest;
        highest = at_least(least, highest);
    }
    PUT(HOURS_SPREAD) = sqrtf(squares / SG_VIEW_HOURS);
    PUT(WINDOW_LOW) = lowest;
    PUT(WINDOW_HIGH) = highest;
    PUT(MIDDAY) = sg_contrast(noon, night);
}

static float ratio_of(float sum, float squares)
{
    return squares > 1e-12f ? sum / sqrtf(squares) : 0;
}

static void pool_mean_day(const struct sg_feature_work *w, float *ret)
{
    const float of_y = mean24(w->late_y), of_p = mean24(w->late_p);
    float yy = 0, pp = 0, yp = 0, yr = 0, pr = 0;
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++) {
        const float y = w->late_y[h] - of_y, p = w->late_p[h] - of_p;
        const float r = w->late_p[SG_VIEW_HOURS - 1 - h] - of_p;
        yy += y * y;
        pp += p * p;
        yp += y * p;
        yr += y * r;
        pr += p * r;
    }
    PUT(MEAN_OWN) = ratio_of(yp, yy * pp);
    PUT(MEAN_SLOPE) = yp / at_least(pp, 1e-3f);
    PUT(MEAN_TURNED) = ratio_of(yr - yp, yy * pp);
    PUT(MIRROR) = pp > 1e-6f ? pr / pp : 0;
}

/* ---- quantiles of the hours ------------------------------------------------------------------ */

static uint32_t bin_of(float load)
{
    const float at = load * BINS_OF_MEAN;
    return at < BINS - 1 ? (uint32_t)at : BINS - 1;
}

/* Returns how many: hours filled in do not count. */
static uint32_t count_loads(const struct sg_feature_work *w, uint32_t first, uint32_t n,
                            uint32_t bin[BINS])
{
    uint32_t filled = 0;
    memset(bin, 0, BINS * sizeof(*bin));
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++)
        for (uint32_t d = first; d < first + n; d++)
            bin[bin_of(w->y[h][d])]++;
    for (unsigned h = 0; h < SG_VIEW_HOURS && w->view->gaps; h++)
        for (uint32_t d = first; d < first + n; d++)
            if (sg_view_filled(w->view, h, d)) {
                bin[bin_of(w->y[h][d])]--;
                filled++;
            }
    return n * SG_VIEW_HOURS - filled;
}

/* Shares of a mean load; within a bin as if its loads lay evenly. */
static void find_quantiles(const uint32_t bin[BINS], uint32_t n, float ret[5])
{
    static const float share[5] = {0.02f, 0.10f, 0.50f, 0.90f, 0.98f};
    uint32_t below = 0, b = 0;
    for (unsigned q = 0; q < 5; q++) {
        const float rank = share[q] * (float)n;
        while (b < BINS - 1 && (float)(below + bin[b]) < rank)
            below += bin[b++];
        const float within = bin[b] ? (rank - (float)below) / (float)bin[b] : 0;
        ret[q] = ((float)b + within) / BINS_OF_MEAN;
    }
}

static void pool_quantiles(struct sg_feature_work *w, float *ret)
{
    uint32_t bin[BINS];
    uint32_t n = count_loads(w, 0, w->view->n_reference, bin);
    find_quantiles(bin, n, w->quantile);
    n = count_loads(w, w->late, n_late(w), bin);
    find_quantiles(bin, n, w->quantile_late);
    for (unsigned q = 0; q < 5; q++)
        ret[sg_feature_of_pooled(SG_POOLED_Q02) + q] =
            sg_contrast(w->quantile_late[q], w->quantile[q]);
    PUT(OVER_BASE) = sg_contrast(mean24(w->late_y), w->quantile[1]);
}

/* ---- a cap ----------------------------------------------------------------------------------- */

/* The largest load of some rows, and how many hours a day are at it, within 0.1 %. */
static float hours_at_most(const struct sg_feature_work *w, uint32_t first, uint32_t n,
                           float *ret_most)
{
    float most = 0;
    uint32_t hours = 0;
    for (uint32_t d = first; d < first + n; d++)
        most = at_least(w->stat[SG_STAT_MOST][d], most);
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++)
        for (uint32_t d = first; d < first + n; d++)
            hours += w->y[h][d] >= 0.999f * most;
    for (unsigned h = 0; h < SG_VIEW_HOURS && w->view->gaps; h++)
        for (uint32_t d = first; d < first + n; d++)
            hours -= sg_view_filled(w->view, h, d) && w->y[h][d] >= 0.999f * most;
    *ret_most = most;
    return (float)hours / (float)n;
}

static void pool_cap(struct sg_feature_work *w, float *ret)
{
    uint32_t rows, n = count_blocks(w, &rows), above = 0;
    float before = 0, most;
    const float hours = hours_at_most(w, w->late, n_late(w), &w->cap);
    for (uint32_t b = 0; b < n; b++)
        before = at_least(hours_at_most(w, b * rows, rows, &most), before);
    for (uint32_t d = 0; d < w->view->n_reference; d++)
        above += w->stat[SG_STAT_MOST][d] > 1.02f * w->cap;
    PUT(CAP_HOURS) = hours;
    PUT(CAP_GAIN) = hours - before;
    PUT(CAP_BEFORE) = (float)above / (float)w->view->n_reference;
    PUT(CAP_RATIO) = sg_contrast(w->cap, w->quantile[4]);
}

/* ---- a step ---------------------------------------------------------------------------------- */

enum { STEP_BEFORE = 14 }; /* reference days that a step is measured from */

struct step {
    float t, size, ratio; /* after - before, after / before */
    uint32_t at;          /* row */
};

static float spread_of(const float *v, uint32_t n)
{
    float mean = 0, sum = 0;
    for (uint32_t i = 0; i < n; i++)
        mean += v[i];
    mean /= (float)n;
    for (uint32_t i = 0; i < n; i++)
        sum += fabsf(v[i] - mean);
    return sum / (float)n;
}

/* The best split of the days from shortly before the recent ones; it lies in their first half. */
static struct step find_step(const struct sg_feature_work *w, const float *v)
{
    const uint32_t reference = w->view->n_reference;
    const uint32_t first = reference > STEP_BEFORE ? reference - STEP_BEFORE : 0;
    const float noise = spread_of(v, reference) * 1.25f + 0.02f;
    struct step best = {.t = -1, .ratio = 1, .at = reference};
    float all = 0, left = 0;
    for (uint32_t d = first; d < w->n; d++)
        all += v[d];
    for (uint32_t d = first; d < reference; d++)
        left += v[d];
    for (uint32_t s = reference; s <= reference + w->view->n_recent / 2 && s < w->n; s++) {
        const float a = (float)(s - first), b = (float)(w->n - s);
        const float size = (all - left) / b - left / a;
        const float t = fabsf(size) * sqrtf(a * b / (a + b)) / noise;
        if (t > best.t)
            best = (struct step){t, size, (all - left) / b / at_least(left / a, 1e-3f), s};
        left += v[s];
    }
    return best;
}

static float mean_of(const float *v, uint32_t first, uint32_t n)
{
    float sum = 0;
    for (uint32_t i = first; i < first + n; i++)
        sum += v[i];
    return sum / (float)n;
}

static void pool_steps(struct sg_feature_work *w, float *ret)
{
    const float *level = w->stat[SG_STAT_LEVEL];
    const struct step step = find_step(w, level), apart = find_step(w, w->stat[SG_STAT_APART]);
    const uint32_t before = step.at < 3 ? step.at : 3;
    const uint32_t after = w->n - step.at < 3 ? w->n - step.at : 3;
    w->change = step.ratio;
    w->split = step.at;
    w->split_t = step.t;
    PUT(STEP_T) = step.t;
    PUT(STEP_SIZE) = step.size;
    PUT(STEP_JUMP) =
        sg_contrast(mean_of(level, step.at, after), mean_of(level, step.at - before, before));
    PUT(APART_T) = apart.t;
    PUT(APART_SIZE) = apart.size;
}

/* ---- late days among themselves -------------------------------------------------------------- */

/* Means of the late days of a kind, hours filled in not counted. */
static void mean_by_kind(const struct sg_feature_work *w,
                         float ret[SG_FRAUD_DAY_KINDS][SG_VIEW_HOURS])
{
    uint32_t n[SG_FRAUD_DAY_KINDS][SG_VIEW_HOURS] = {{0}};
    memset(ret, 0, sizeof(float) * SG_FRAUD_DAY_KINDS * SG_VIEW_HOURS);
    for (uint32_t d = w->late; d < w->n; d++) {
        const unsigned kind = w->view->kind[d];
        for (unsigned h = 0; h < SG_VIEW_HOURS; h++) {
            const bool there = !sg_view_filled(w->view, h, d);
            n[kind][h] += there;
            ret[kind][h] += there ? w->y[h][d] : 0;
        }
    }
    for (unsigned k = 0; k < SG_FRAUD_DAY_KINDS; k++)
        for (unsigned h = 0; h < SG_VIEW_HOURS; h++)
            ret[k][h] = n[k][h] ? ret[k][h] / (float)n[k][h] : 0;
}

/* Means over the measured hours of a row. */
static void mean_measured(const struct sg_feature_work *w, uint32_t d, const float m[SG_VIEW_HOURS],
                          float *ret_y, float *ret_m, float *ret_n)
{
    float sum_y = 0, sum_m = 0, n = 0;
    *ret_y = w->mean[d];
    *ret_m = mean24(m);
    *ret_n = SG_VIEW_HOURS;
    if (!w->view->gap[d])
        return;
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++)
        if (!sg_view_filled(w->view, h, d)) {
            sum_y += w->y[h][d];
            sum_m += m[h];
            n++;
        }
    *ret_y = sum_y / n;
    *ret_m = sum_m / n;
    *ret_n = n;
}

/* r with the mean late day of the kind, and the distance from it. */
static void compare_self(const struct sg_feature_work *w, uint32_t d, const float m[SG_VIEW_HOURS],
                         float *ret_r, float *ret_misfit)
{
    float of_y, of_m, n, yy = 0, mm = 0, ym = 0, ee = 0;
    mean_measured(w, d, m, &of_y, &of_m, &n);
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++) {
        const float y = w->y[h][d] - of_y, p = m[h] - of_m;
        const float e = w->y[h][d] / at_least(of_y, 1e-6f) - m[h] / at_least(of_m, 1e-6f);
        if (sg_view_filled(w->view, h, d))
            continue;
        yy += y * y;
        mm += p * p;
        ym += y * p;
        ee += e * e;
    }
    *ret_r = ratio_of(ym, yy * mm);
    *ret_misfit = sqrtf(ee / n);
}

/* Medians over the late days. */
static void pool_self(const struct sg_feature_work *w, float *ret)
{
    float mean[SG_FRAUD_DAY_KINDS][SG_VIEW_HOURS], v[SG_VIEW_DAYS_MAX][SG_SORT_LANES];
    mean_by_kind(w, mean);
    for (uint32_t d = w->late; d < w->n; d++) {
        float *row = v[d - w->late];
        memset(row, 0, sizeof(*v));
        compare_self(w, d, mean[w->view->kind[d]], &row[0], &row[1]);
    }
    sg_sort_lanes(v, n_late(w));
    const float *low = v[(n_late(w) - 1) / 2], *high = v[n_late(w) / 2];
    PUT(SELF_OWN) = (low[0] + high[0]) / 2 - PUT(OWN_USUAL);
    PUT(SELF_MISFIT) = sg_contrast((low[1] + high[1]) / 2, PUT(MISFIT_USUAL));
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* Days of which nothing is missing. */
static float whole_days(const struct sg_view *v, uint32_t first, uint32_t n, uint32_t of)
{
    uint32_t whole = 0;
    for (uint32_t i = first; i < first + n; i++)
        whole += v->gap[i] == 0;
    return (float)whole / (float)of;
}

static void pool_missing(const struct sg_feature_work *w, float *ret)
{
    const struct sg_view *v = w->view;
    PUT(MISSING_MORE) = whole_days(v, 0, v->n_reference, sg_window_days(v->windows.reference)) -
                        whole_days(v, v->n_reference, v->n_recent, sg_window_days(v->windows.test));
}

static void pool_peers(const struct sg_feature_work *w, const struct sg_expected *expected,
                       float *ret)
{
    PUT(PEERS_SAY) = expected ? mean_of(expected->movement, w->late, n_late(w)) : 0;
    PUT(PEERS_KNOW) = expected ? expected->quality : 0;
}

void sg_features_pool(struct sg_feature_work *w, const struct sg_expected *expected, float *ret)
{
    mean_days(w, w->late, n_late(w), w->late_y, w->late_p);
    pool_strays(w, ret);
    pool_hours(w, ret);
    pool_mean_day(w, ret);
    pool_quantiles(w, ret);
    pool_cap(w, ret);
    pool_steps(w, ret);
    pool_self(w, ret);
    pool_missing(w, ret);
    pool_peers(w, expected, ret);
}
