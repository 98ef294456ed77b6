#pragma once
/*
 * fraud full - a customer's recent days judged by its own past, by customers who move alike, and by
 * what thefts would look like in this very fleet.  No label of any customer is used.
 *
 *   1  a bounded, hash-chosen panel of the fleet is kept (struct sg_full_sample).  The last part of
 *      its customers' reference days, judged by the days before, are placebos: honest by
 *      assumption.  Copies of these and of the recent days get thefts injected (inject-int.h), and
 *      trees (trees.h) learn to tell copies from what they were made of: first from the placebos,
 *      then also from those recent days that did not stand out.  In folds: nobody of the panel is
 *      judged by trees that saw it.
 *   2  each customer alone is judged by the model: an independent task, given the saved model.
 *
 * The score is calibrated on the placebos, each judged by the fold that did not hold it:
 *     score = -10 log10(share of honest months that look as suspect)
 * 10: one in ten looks like this, 20: one in 100, 30: one in 1,000.  Beyond the last 2 % of the
 * placebos the share falls as an exponential fitted to them.
 *
 * Facts of the consumer (context.h) and the patterns of honest change (vacant premises, solar
 * panels, a tariff change) lower the score before calibration; the reason says so.
 *
 * Same bits for any number of threads, order of customers, kernel and compiler.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/fraud/context.h>
#include <sealgrid/fraud/correlation.h>
#include <sealgrid/fraud/features.h>

enum {
    SG_FULL_PANEL_DEFAULT = 2048, /* customers in the panel */
    SG_FULL_PANEL_MAX = 8192,
    SG_FULL_PANEL_LEAST = 24, /* fewer: SG_FULL_NO_CUSTOMERS */
    SG_FULL_THREADS_MAX = 256,
    SG_FULL_REASONS = 3,
    SG_FULL_PICTURE_DAYS = 200,
};

enum sg_full_outcome {
    SG_FULL_NO_REFERENCE = 1, /* too few reference days */
    SG_FULL_NO_TEST,          /* too few days to judge */
    SG_FULL_NO_LEVEL,         /* nothing was drawn in the whole reference */
    SG_FULL_TOO_LARGE,        /* a window or number out of its limits */
    SG_FULL_NO_CUSTOMERS,     /* a model of nobody */
};

/* --- pass 1 --------------------------------------------------------------------------------- */

struct sg_full_sample; /* owns its customers' days; one thread at a time */

/* max: customers kept, 1..SG_FULL_PANEL_MAX; those with the smallest hash of (seed, customer).
 * Memory: 24 floats a day of each.  0, -ENOMEM, SG_FULL_TOO_LARGE (windows of more than
 * SG_FEATURE_DAYS_MAX days). */
SG_MUST_USE int sg_full_sample_new(struct sg_full_sample **ret, const struct sg_corr_windows *w,
                                   size_t max, uint64_t seed);
void sg_full_sample_free(struct sg_full_sample *s);
SG_DEFINE_FREEP(struct sg_full_sample, sg_full_sample_free)
/* One customer; each once.  ctx may be NULL.  0, -ENOMEM; a customer with an outcome (NO_REFERENCE,
 * NO_TEST, NO_LEVEL) adds nothing and is no reason to stop. */
SG_MUST_USE int sg_full_sample_add(struct sg_full_sample *s, const struct sg_fraud_days *d,
                                   const struct sg_fraud_context *ctx);
/* As if everything added to other had been added to s.  Takes what it keeps: other is empty
 * afterwards.  Both of the same windows, max and seed.  0, -ENOMEM. */
SG_MUST_USE int sg_full_sample_merge(struct sg_full_sample *s, struct sg_full_sample *other);
size_t sg_full_sample_size(const struct sg_full_sample *s);

/* --- model ---------------------------------------------------------------------------------- */

struct sg_full_model; /* only read once it is made: any number of threads */

/* Parts that can be left out, to measure what they bring; a model with any cannot be saved. */
enum sg_full_part {
    SG_FULL_PEERS = 1 << 0,
    SG_FULL_MAP = 1 << 1,
    SG_FULL_PLACEBO = 1 << 2, /* learn from the recent days alone, thieves among them */
    SG_FULL_NOW = 1 << 3,     /* learn from the placebos alone */
    SG_FULL_DOUBT = 1 << 4,   /* recent days that stand out are examples of honesty, too */
    SG_FULL_GENERAL = 1 << 5, /* no thefts but of the published forms */
    SG_FULL_EXCUSES = 1 << 6, /* patterns and facts of honest change */
    SG_FULL_FAMILY = 1 << 8,  /* shifted left by a family: features of it */
};

struct sg_full_training {
    unsigned threads; /* 1..SG_FULL_THREADS_MAX; does not change the result */
    /* NULL, or called on the calling thread as copies are made and trees grow. */
    void (*progress)(void *ctx, const char *what, size_t done, size_t of);
    void *progress_ctx;
    uint32_t without; /* sum of enum sg_full_part; 0 but in measurements */
    uint32_t repeats; /* thefts of each kind a customer and era; 0: about 9,000 in all */
    uint32_t trees;   /* a fold; 0: 160 */
};

#define SG_FULL_TRAINING_DEFAULT                                                                   \
    {                                                                                              \
        .threads = 1                                                                               \
    }

/* 0, -ENOMEM, or NO_CUSTOMERS. */
SG_MUST_USE int sg_full_train(struct sg_full_sample *s, const struct sg_full_training *t,
                              struct sg_full_model **ret);
void sg_full_model_free(struct sg_full_model *m);
SG_DEFINE_FREEP(struct sg_full_model, sg_full_model_free)
/* The windows the model was made for; a judge uses them. */
const struct sg_corr_windows *sg_full_model_windows(const struct sg_full_model *m);
size_t sg_full_model_panel(const struct sg_full_model *m); /* customers behind it */

/* --- pass 2 --------------------------------------------------------------------------------- */

/* Why a customer is in the ranking where it is: a kind and its figures; full-reason.c says it in
 * words.  NONE ends the list. */
enum sg_full_reason_kind {
    SG_FULL_REASON_NONE,
    /* Suspicion, one a family of features (features.h). */
    SG_FULL_REASON_LEVEL, /* a: late over regular level, b: what peers lead to expect */
    SG_FULL_REASON_SHAPE, /* a: median r with the own regular day, b: before */
    SG_FULL_REASON_PEAKS, /* a: the cap, in the load's unit an hour; before, b of c days passed it
                           */
    SG_FULL_REASON_GAP,   /* a: share left at worst, hours b to c of the day */
    SG_FULL_REASON_BASE,  /* a: base load now over before */
    SG_FULL_REASON_REVERSED, /* a: r with the own day reversed, b: r with it as it was */
    SG_FULL_REASON_FLAT,     /* a: spread within the day now over before */
    SG_FULL_REASON_NOISE,    /* a: hour-to-hour noise now over before */
    SG_FULL_REASON_STEP,     /* a: level after over before, b: how far it stands out, c: its day */
    SG_FULL_REASON_MISSING, /* a: share of days now of which readings are missing, b: before; c: the
                             * day from which on most are, or NO_DAY */
    /* What speaks for the customer. */
    SG_FULL_REASON_VACANT, /* a: recent level over the old base load; b: 1 if known */
    SG_FULL_REASON_SOLAR,  /* a: midday left, b: 1 if known */
    SG_FULL_REASON_TARIFF, /* a: total now over before, b: 1 if known */
    SG_FULL_REASON_COUNT
};

struct sg_full_reason {
    uint8_t kind; /* enum sg_full_reason_kind */
    float a, b, c;
};

struct sg_full_score {
    double score;                       /* -10 log10 of the share: 0 and more */
    double per_1000;                    /* that share, of 1,000 honest months */
    double margin;                      /* of the trees, log odds, excuses taken off */
    double family[SG_FEATURE_FAMILIES]; /* what each family of features adds to it */
    struct sg_full_reason reason[SG_FULL_REASONS];
    float level;        /* recent mean load over the reference's */
    float level_peers;  /* what peers lead to expect; 1: nothing to say */
    int32_t change_day; /* best day of one step; SG_FRAUD_NO_DAY: none */
    int32_t began;      /* the same, before the judged days, too; NO_DAY: none, or none missing */
    /* Energy a day that is missing, in the load's unit: mean of what habit and peers lead to expect
     * less what was drawn, from `began` (or the first judged day) on.  Below 0: more than expected.
     */
    double missing_day;
    uint32_t n_reference, n_test; /* days behind it */
};

/* What a picture needs.  Loads in the unit of the customer's days, `points` a day. */
struct sg_full_picture {
    uint32_t points;
    enum sg_fraud_day_kind kind;        /* the kind that most recent days are */
    float regular[SG_FRAUD_POINTS_MAX]; /* mean regular day of the kind */
    float low[SG_FRAUD_POINTS_MAX];     /* 10 and 90 % of the regular days lie below */
    float high[SG_FRAUD_POINTS_MAX];
    float recent[SG_FRAUD_POINTS_MAX]; /* mean of the recent ones from the change day on */
    int32_t first_recent;              /* day: where the judged ones begin */
    int32_t change_day;                /* NO_DAY: no step stands out */
    /* The last days, missing ones left out: mean load of an interval, and what the own habit (of
     * that kind of day) times the peers' movement lets expect. */
    uint32_t n_days;
    int32_t day[SG_FULL_PICTURE_DAYS];
    float level[SG_FULL_PICTURE_DAYS], expected[SG_FULL_PICTURE_DAYS];
};

struct sg_full_judge; /* owns its work space, borrows the model; one a thread */

SG_MUST_USE int sg_full_judge_new(struct sg_full_judge **ret, const struct sg_full_model *m);
void sg_full_judge_free(struct sg_full_judge *j);
SG_DEFINE_FREEP(struct sg_full_judge, sg_full_judge_free)
/* One customer; ctx may be NULL.  0, -ENOMEM, NO_REFERENCE, NO_TEST, NO_LEVEL. */
SG_MUST_USE int sg_full_judge_score(struct sg_full_judge *j, const struct sg_fraud_days *d,
                                    const struct sg_fraud_context *ctx, struct sg_full_score *ret);
/* A customer with too few usable days now, though there were before: judged by that alone, where no
 * others lack the same hours.  Nothing of the load enters: the score is that of a month as suspect
 * as one honest month in four, with what is missing on top.  0, NO_REFERENCE, or NO_TEST: nothing
 * is to be made of it. No picture and no features belong to it. */
SG_MUST_USE int sg_full_judge_absence(struct sg_full_judge *j, const struct sg_fraud_days *d,
                                      const struct sg_fraud_context *ctx,
                                      struct sg_full_score *ret);
/* The picture of the customer scored last; d and ctx as they were then. */
void sg_full_judge_picture(const struct sg_full_judge *j, const struct sg_fraud_days *d,
                           const struct sg_fraud_context *ctx, struct sg_full_picture *ret);
/* The features of the customer scored last, sg_feature_count() values; borrowed until the next. */
const float *sg_full_judge_features(const struct sg_full_judge *j);

/* One reason for a person, without a comma or line end: "draws 0.45 of its usual load"; "" for
 * NONE.  Days are told as dates (since 1970-01-01) or numbers, epoch added to the load's own. */
enum { SG_FULL_REASON_MAX = 160 };
void sg_full_reason_text(const struct sg_full_reason *r, bool dated, int32_t epoch,
                         char ret[SG_FULL_REASON_MAX]);
