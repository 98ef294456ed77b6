#include "features-int.h"

#include <string.h>

/* ---- names --------------------------------------------------------------------------------- */

struct name {
    const char *name;
    enum sg_feature_family family;
};

#define STAT(constant, word, family)                                                               \
    {word "-change", SG_FEATURE_##family}, {word "-change-over-spread", SG_FEATURE_##family},      \
        {word "-below", SG_FEATURE_##family}, {word "-above", SG_FEATURE_##family},
#define POOLED(constant, word, family) {word, SG_FEATURE_##family},
static const struct name names[SG_FEATURES] = {SG_DAY_STATS(STAT) SG_POOLED_FEATURES(POOLED)};
#undef STAT
#undef POOLED

uint32_t sg_feature_count(void)
{
    return SG_FEATURES;
}

const char *sg_feature_name(uint32_t feature)
{
    sg_assert(feature < SG_FEATURES);
    return names[feature].name;
}

enum sg_feature_family sg_feature_family(uint32_t feature)
{
    sg_assert(feature < SG_FEATURES);
    return names[feature].family;
}

/* ---- sorting ------------------------------------------------------------------------------- */

/* Four lanes at once, and no branch: which one is smaller cannot be foreseen. */
typedef float four __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t four_bits __attribute__((vector_size(16)));
_Static_assert(SG_SORT_LANES % 4 == 0, "whole vectors");

static inline void exchange(float *a, float *b)
{
    for (unsigned i = 0; i < SG_SORT_LANES; i += 4) {
        const four x = *(const four *)(a + i), y = *(const four *)(b + i);
        const four_bits less = x < y, x_bits = (four_bits)x, y_bits = (four_bits)y;
        *(four *)(a + i) = (four)((x_bits & less) | (y_bits & ~less));
        *(four *)(b + i) = (four)((y_bits & less) | (x_bits & ~less));
    }
}

void sg_sort_lanes(float (*v)[SG_SORT_LANES], uint32_t n)
{
    uint32_t top = 1;
    while (top * 2 < n)
        top *= 2;
    for (uint32_t p = n > 1 ? top : 0; p > 0; p /= 2) {
        uint32_t r = 0, d = p;
        for (uint32_t q = top;; q /= 2) {
            for (uint32_t i = 0; i + d < n; i++)
                if ((i & p) == r)
                    exchange(v[i], v[i + d]);
            if (q == p)
                break;
            d = q - p;
            r = p;
        }
    }
}

/* ---- four features of each statistic ------------------------------------------------------- */

/* Spread below which a change is no longer divided by it: medians of noise-free habits. */
#define SPREAD_SHARE 0.02f
#define SPREAD_LEAST 0.005f
/* Quartiles of a normal distribution lie this many standard deviations apart. */
#define QUARTILES 1.349f

typedef float lanes[SG_SORT_LANES];

static void take_rows(const struct sg_feature_work *w, uint32_t first, uint32_t n, lanes *ret)
{
    for (uint32_t i = 0; i < n; i++) {
        for (unsigned s = 0; s < SG_STATS; s++)
            ret[i][s] = w->stat[s][first + i];
        for (unsigned s = SG_STATS; s < SG_SORT_LANES; s++)
            ret[i][s] = 0;
    }
}

static float median_of(const lanes *v, uint32_t n, unsigned s)
{
    return (v[(n - 1) / 2][s] + v[n / 2][s]) * 0.5f;
}

/* Late rows of a statistic beyond the values between which 90 % of the reference lie. */
static void count_beyond(const lanes *late, uint32_t n, unsigned s, float low, float high,
                         float *ret_below, float *ret_above)
{
    uint32_t below = 0, above = 0;
    for (uint32_t i = 0; i < n; i++) {
        below += late[i][s] < low;
        above += late[i][s] > high;
    }
    *ret_below = (float)below / (float)n;
    *ret_above = (float)above / (float)n;
}

/* The usual values that other features name, by the way. */
static void keep_usual(const lanes *reference, uint32_t n, float *ret)
{
    ret[sg_feature_of_pooled(SG_POOLED_OWN_USUAL)] = median_of(reference, n, SG_STAT_OWN);
    ret[sg_feature_of_pooled(SG_POOLED_SPREAD_USUAL)] = median_of(reference, n, SG_STAT_SPREAD);
    ret[sg_feature_of_pooled(SG_POOLED_MISFIT_USUAL)] = median_of(reference, n, SG_STAT_MISFIT);
    ret[sg_feature_of_pooled(SG_POOLED_TURNED_USUAL)] = median_of(reference, n, SG_STAT_TURNED);
}

static void compare_stats(const struct sg_feature_work *w, float *ret)
{
    lanes reference[SG_VIEW_DAYS_MAX], late[SG_VIEW_DAYS_MAX];
    const uint32_t n = w->view->n_reference, n_late = w->n - w->late;
    take_rows(w, 0, n, reference);
    take_rows(w, w->late, n_late, late);
    sg_sort_lanes(reference, n);
    sg_sort_lanes(late, n_late);
    for (unsigned s = 0; s < SG_STATS; s++) {
        float *f = &ret[sg_feature_of_stat((enum sg_day_stat)s, 0)];
        const float usual = median_of(reference, n, s);
        const float spread = (reference[n * 3 / 4][s] - reference[n / 4][s]) / QUARTILES;
        const float size = usual < 0 ? -usual : usual;
        f[0] = median_of(late, n_late, s) - usual;
        f[1] = f[0] / (spread + SPREAD_SHARE * size + SPREAD_LEAST);
        count_beyond(late, n_late, s, reference[n / 20][s], reference[n - 1 - n / 20][s], &f[2],
                     &f[3]);
    }
    keep_usual(reference, n, ret);
}

void sg_features_end(struct sg_feature_work *w, const struct sg_expected *expected, float *ret)
{
    for (uint32_t d = 0; d < w->n; d++)
        w->stat[SG_STAT_APART][d] =
            w->stat[SG_STAT_LEVEL][d] / (1 + (expected ? expected->movement[d] : 0));
    compare_stats(w, ret);
    sg_features_pool(w, expected, ret);
}
