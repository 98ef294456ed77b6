#pragma once
/*
 * features-int - how the features of one customer come about, in two steps because peers want the
 * levels of the first and the second wants what peers lead to expect.
 */
#include "view-int.h"

#include <sealgrid/fraud/features.h>

/* One number a day.  X(constant, name, family) */
#define SG_DAY_STATS(X)                                                                            \
    X(LEVEL, "level", LEVEL)      /* mean load over that of the regular day of its kind */         \
    X(APART, "apart", LEVEL)      /* the same over what peers' movement lets expect */             \
    X(OWN, "own", SHAPE)          /* Pearson's r with the regular day */                           \
    X(TURNED, "turned", REVERSED) /* r with the regular day reversed, minus own */                 \
    X(MISFIT, "misfit", SHAPE)    /* root mean square of day / mean - regular / mean */            \
    X(SMOOTH, "smooth", NOISE)    /* correlation of that difference with itself an hour later */   \
    X(SPREAD, "spread", FLAT)     /* standard deviation over mean */                               \
    X(ROUGH, "rough", NOISE)      /* mean step from hour to hour over mean */                      \
    X(JAG, "jag", NOISE)          /* mean change of the step over mean step */                     \
    X(LEAST, "least", BASE)       /* least and largest hour over the customer's mean load */       \
    X(MOST, "most", PEAKS)                                                                         \
    X(TOP, "top", FLAT)      /* hours within 0.5 % of the largest */                               \
    X(STILL, "still", FLAT)  /* steps of less than 0.4 % of the mean */                            \
    X(LOW, "low", GAP)       /* hours below half of that hour's least in the reference */          \
    X(NIGHT, "night", SHAPE) /* mean of the hours 0 to 5 over mean */                              \
    X(SLOPE, "slope", PEAKS) /* of the line day = offset + slope x regular day */                  \
    X(OFFSET, "offset", BASE)                                                                      \
    X(CLASS, "class", SHAPE)     /* r with the code of the regular day's class on the map */       \
    X(AWAY, "away", SHAPE)       /* distance on the map from that class over its diameter */       \
    X(STRANGE, "strange", SHAPE) /* distance from the best match: no day of the fleet is alike */

enum sg_day_stat {
#define X(name, word, family) SG_STAT_##name,
    SG_DAY_STATS(X)
#undef X
        SG_STATS
};

/* Each statistic gives four features: late median - reference median; that over the reference's
 * spread; shares of the late days below and above what 5 % of the reference days are. */
enum { SG_STAT_FEATURES = 4 };

/* Features of all days together.  X(constant, name, family) */
#define SG_POOLED_FEATURES(X)                                                                      \
    X(LEVEL_LAST, "level-against-last-block", LEVEL)                                               \
    X(LEVEL_LOW, "level-against-lowest-block", LEVEL)                                              \
    X(LEVEL_HIGH, "level-against-highest-block", LEVEL)                                            \
    X(LEVEL_TREND, "level-trend-of-reference", HABIT)                                              \
    X(LEVEL_SPREAD, "level-spread-of-blocks", HABIT)                                               \
    X(HOURS_SPREAD, "hours-spread", SHAPE) /* of the ratio late over expected, by hour */          \
    X(WINDOW_LOW, "window-low", GAP)       /* four hours running: largest ratio, least */          \
    X(WINDOW_HIGH, "window-high", SHAPE)   /* and least ratio, largest */                          \
    X(MEAN_OWN, "mean-own", SHAPE)         /* r, slope and offset of the mean late day */          \
    X(MEAN_SLOPE, "mean-slope", PEAKS)                                                             \
    X(MEAN_TURNED, "mean-turned", REVERSED)                                                        \
    X(MIRROR, "mirror", HABIT)                 /* r of the regular day with itself reversed */     \
    X(SHIFT, "shift", LEVEL)                   /* distance of mean late day and expected one */    \
    X(SHIFT_OVER_OWN, "shift-over-own", LEVEL) /* over the largest among the blocks */             \
    X(SHAPE_SHIFT, "shape-shift", SHAPE)       /* likewise, both over their mean */                \
    X(SHAPE_OVER_OWN, "shape-shift-over-own", SHAPE)                                               \
    X(Q02, "quantile-02", BASE) /* of hours, late against reference */                             \
    X(Q10, "quantile-10", BASE)                                                                    \
    X(Q50, "quantile-50", LEVEL)                                                                   \
    X(Q90, "quantile-90", PEAKS)                                                                   \
    X(Q98, "quantile-98", PEAKS)                                                                   \
    X(CAP_HOURS, "cap-hours", PEAKS)          /* a day, at the largest load of the late days */    \
    X(CAP_GAIN, "cap-hours-gain", PEAKS)      /* more than in any block */                         \
    X(CAP_BEFORE, "cap-passed-before", PEAKS) /* share of reference days above it */               \
    X(CAP_RATIO, "cap-ratio", PEAKS)                                                               \
    X(STEP_T, "step-t", STEP) /* best split of the recent days' levels */                          \
    X(STEP_SIZE, "step-size", STEP)                                                                \
    X(STEP_JUMP, "step-jump", STEP)  /* three days after against three before */                   \
    X(APART_T, "apart-step-t", STEP) /* the same beside what peers did */                          \
    X(APART_SIZE, "apart-step-size", STEP)                                                         \
    X(SELF_OWN, "self-own", SHAPE) /* late days against their own mean */                          \
    X(SELF_MISFIT, "self-misfit", NOISE)                                                           \
    X(OWN_USUAL, "own-usual", HABIT) /* medians over the reference */                              \
    X(SPREAD_USUAL, "spread-usual", HABIT)                                                         \
    X(MISFIT_USUAL, "misfit-usual", HABIT)                                                         \
    X(TURNED_USUAL, "turned-usual", HABIT)                                                         \
    X(OVER_BASE, "over-base", BASE)          /* late level against the reference's base */         \
    X(MIDDAY, "midday", GAP)                 /* ratio of hours 10 to 14 against the night's */     \
    X(MISSING_MORE, "missing-more", MISSING) /* share of days not whole, recent - before */        \
    X(PEERS_SAY, "peers-say", HABIT)         /* movement that peers lead to expect */              \
    X(PEERS_KNOW, "peers-know", HABIT)       /* how well they foretold held-back days */

enum sg_pooled {
#define X(name, word, family) SG_POOLED_##name,
    SG_POOLED_FEATURES(X)
#undef X
        SG_POOLED_COUNT
};

enum { SG_FEATURES = SG_STATS * SG_STAT_FEATURES + SG_POOLED_COUNT };

static inline uint32_t sg_feature_of_stat(enum sg_day_stat s, unsigned which)
{
    return (uint32_t)s * SG_STAT_FEATURES + which;
}

static inline uint32_t sg_feature_of_pooled(enum sg_pooled p)
{
    return (uint32_t)SG_STATS * SG_STAT_FEATURES + (uint32_t)p;
}

/* What peers lead to expect of one customer, as shares of its regular level. */
struct sg_expected {
    float movement[SG_VIEW_DAYS_MAX]; /* of each row: 0.1 is 10 % above the regular day */
    float quality;                    /* 0: peers know nothing .. 1 */
};

/* The customer worked on; one a thread.  64-octet alignment is not needed. */
struct sg_feature_work {
    const struct sg_view *view;                   /* borrowed */
    uint32_t n, late;                             /* rows; the first late one */
    float level;                                  /* mean hourly load of the reference */
    float sum[SG_FRAUD_DAY_KINDS][SG_VIEW_HOURS]; /* of reference days */
    uint32_t n_kind[SG_FRAUD_DAY_KINDS];
    float y[SG_VIEW_HOURS][SG_VIEW_DAYS_MAX]; /* loads over level */
    float p[SG_VIEW_HOURS][SG_VIEW_DAYS_MAX]; /* regular day of the row's kind, without the row */
    float mean[SG_VIEW_DAYS_MAX], regular[SG_VIEW_DAYS_MAX]; /* over the hours of y and p */
    float least_hour[SG_VIEW_HOURS];                         /* least of that hour, reference */
    float stat[SG_STATS][SG_VIEW_DAYS_MAX];
    float late_y[SG_VIEW_HOURS], late_p[SG_VIEW_HOURS]; /* means over the late rows */
    float change;                        /* level after the best split over that before */
    uint32_t split;                      /* row where the best split begins */
    float split_t;                       /* how far it stands out */
    float cap;                           /* largest load of the late rows, over level */
    float quantile[5], quantile_late[5]; /* SG_POOLED_Q02.. */
};

enum sg_features_outcome {
    SG_FEATURES_NO_REFERENCE = 1, /* fewer than two reference days */
    SG_FEATURES_NO_TEST,
    SG_FEATURES_NO_LEVEL, /* nothing was drawn in the reference */
};

/* Step 1: fills w but for the statistics other than level.  0 or an outcome. */
SG_MUST_USE int sg_features_begin(struct sg_feature_work *w, const struct sg_view *v);
/* Step 2, between the two: sg_features_map (map-int.h).
 * Step 3: SG_FEATURES values.  expected may be NULL: nothing known. */
void sg_features_end(struct sg_feature_work *w, const struct sg_expected *expected, float *ret);

/* Sorts each of SG_SORT_LANES columns of n rows by itself (Batcher's merge exchange: Knuth, The Art
 * of Computer Programming 5.2.2, algorithm M), all columns at once.  No NaN. */
enum { SG_SORT_LANES = 20 };
void sg_sort_lanes(float (*v)[SG_SORT_LANES], uint32_t n);
/* (a - b) / (a + b) for a, b of 0 or more, not both 0 (else 0): -1..1 */
static inline float sg_contrast(float a, float b)
{
    const float sum = a + b;
    return sum > 1e-9f ? (a - b) / sum : 0;
}
/* In features-gap.c, if view->gaps: least_hour of the measured hours; then, when all statistics are
 * there, those of rows with hours filled in. */
void sg_features_mend_least(struct sg_feature_work *w);
void sg_features_mend(struct sg_feature_work *w);
/* Pooled features, in features-pool.c. */
void sg_features_pool(struct sg_feature_work *w, const struct sg_expected *expected, float *ret);
