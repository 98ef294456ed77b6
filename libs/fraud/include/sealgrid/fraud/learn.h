#pragma once
/*
 * fraud learn - a ranking that has learnt from inspections.
 *
 * It starts from the unsupervised score: a line (slope above 0) makes log odds of it, and boosted
 * trees (trees.h) over the customer's features and the score learn what is to be added; by the
 * score they may only rise.  So a few outcomes correct the ranking, and do not have to find it
 * again.  An example is one customer as it was on the day before an inspection, or on some day
 * without one.
 *
 * What inspections tell is not the truth:
 *   - Inspected customers were chosen, mostly by the unsupervised score.  Each outcome weighs the
 *     inverse of the share inspected among examples of like score (tenths of the ranking), against
 *     the share inspected of all, held within 1/4..4.
 *   - A catch may be a mistake, and inspectors overlook thefts: "fraud" is a label of
 *     1 - false_catch, "nothing" one of `overlooked`.
 *   - Customers nobody inspected are mostly honest: label `overlooked`, all of them together half
 * the weight of the outcomes "nothing", none more than 0.1.
 *   - A defect looks like a theft and is none: left out, as is a visit without access.
 *
 * A model is only used if it ranks better than the unsupervised score among outcomes that it has
 * not seen: the latest third by day, none of whose groups is in what it learnt from.  Where all
 * outcomes are of one time, or a part has fewer than SG_LEARN_LEAST of either kind, by folds of
 * groups instead, and the report says so.  Better: the gain in average precision is above 0 at the
 * lower end of its 80 % bootstrap interval.  Then all examples are learnt from.
 *
 * Probabilities are those of a find, calibrated on margins out of fold, outcomes weighted as above:
 * so of a customer of the whole fleet, not of those usually chosen.
 *
 * Same bits for any order of examples (with their keys) and number of threads.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/fraud/judge.h>
#include <sealgrid/fraud/trees-file.h>

enum {
    SG_LEARN_FEATURES_MAX = SG_TREES_FEATURES_MAX - 1,
    SG_LEARN_LEAST = 20, /* outcomes of either kind, without which nothing is learnt or compared */
    SG_LEARN_FOLDS = 5,
};

enum sg_learn_outcome {
    SG_LEARN_UNKNOWN, /* not inspected */
    SG_LEARN_FRAUD,
    SG_LEARN_NOTHING,
    SG_LEARN_DEFECT,
    SG_LEARN_NO_ACCESS,
    SG_LEARN_OUTCOMES
};

/* Everything is borrowed. */
struct sg_learn_examples {
    const float *x;         /* n rows of `features` values; NaN: missing; no infinity */
    const float *score;     /* unsupervised, as of the same day; not NaN */
    const uint8_t *outcome; /* enum sg_learn_outcome */
    const int32_t *day;     /* of the inspection; UNKNOWN: the last day looked at */
    const uint64_t *group;  /* customers that belong together: a building, a feeder, the customer */
    const uint64_t *key;    /* hash of customer and day */
    size_t n;
    uint32_t features;
};

struct sg_learn_settings {
    double false_catch;                /* 0..0.5 */
    double overlooked;                 /* 0..0.5 */
    struct sg_trees_training training; /* monotone: of the features alone, or NULL */
    uint32_t rounds;                   /* of the bootstrap, 100 at least */
};

/* Depth, trees and shares were chosen on injected thefts (docs/fraud-scores.md). */
#define SG_LEARN_SETTINGS_DEFAULT                                                                  \
    {                                                                                              \
        .false_catch = 0.02, .overlooked = 0.05, .rounds = 1000, .training = {                     \
            .trees = 100,                                                                          \
            .depth = 3,                                                                            \
            .leaves = 8,                                                                           \
            .bins = 64,                                                                            \
            .shrinkage = 0.05,                                                                     \
            .l2 = 3,                                                                               \
            .least_child = 1,                                                                      \
            .row_share = 0.7,                                                                      \
            .column_share = 0.3,                                                                   \
            .seed = 1,                                                                             \
            .threads = 1                                                                           \
        }                                                                                          \
    }

/* Average precision (and AUC) of both rankings among outcomes not learnt from.  The bootstrap draws
 * groups, not customers: customers of one group err alike. */
struct sg_learn_comparison {
    size_t n_fraud, n_nothing, n_groups;
    struct sg_judge_interval unsupervised, learnt; /* 95 % */
    struct sg_judge_interval gain;                 /* 80 % */
    struct sg_judge_interval unsupervised_auc, learnt_auc;
};

struct sg_learn_report {
    size_t n[SG_LEARN_OUTCOMES];
    int32_t first_day, last_day; /* of the outcomes fraud and nothing */
    double effective;            /* Kish's effective number of outcomes, after weighting */
    bool has_folds, has_later;
    struct sg_learn_comparison folds; /* groups in folds */
    struct sg_learn_comparison later; /* from this day on: */
    int32_t later_from;
};

struct sg_learned;

enum sg_learn_failure {
    SG_LEARN_FEW = 1,    /* fewer than SG_LEARN_LEAST outcomes of a kind */
    SG_LEARN_NOT_BETTER, /* the unsupervised ranking is to be kept */
    SG_LEARN_BAD,        /* a number out of its range */
};

/* label: what the features are, 1..SG_TREES_LABEL_MAX octets.  0; -ENOMEM; FEW or NOT_BETTER with
 * *ret untouched and the report filled; BAD. */
SG_MUST_USE int sg_learn(const struct sg_learn_examples *e, const struct sg_learn_settings *s,
                         const char *label, struct sg_learned **ret,
                         struct sg_learn_report *ret_report);
/* The margin of every example as learnt from the other folds of groups, and its fold: for looking
 * closer at what the report sums up.  0; -ENOMEM; FEW: a fold's rest is of one kind; BAD. */
SG_MUST_USE int sg_learn_folds(const struct sg_learn_examples *e, const struct sg_learn_settings *s,
                               double *ret_margin, uint32_t *ret_fold);
void sg_learned_free(struct sg_learned *m);
SG_DEFINE_FREEP(struct sg_learned, sg_learned_free)

/* Of one customer.  Any number of threads. */
double sg_learned_margin(const struct sg_learned *m, const float *features, float score);
double sg_learned_probability(const struct sg_learned *m, double margin);

struct sg_learned_facts {
    const char *label;           /* borrowed from the model */
    uint32_t features;           /* without the unsupervised score */
    int32_t first_day, last_day; /* of the outcomes learnt from */
    uint32_t n_fraud, n_nothing;
};
struct sg_learned_facts sg_learned_facts(const struct sg_learned *m);

/* Are outcomes of later as likely as the model says?  found - expected over its standard deviation,
 * n of them; a model that is right stays within SG_LEARN_TRUST almost always. */
#define SG_LEARN_TRUST 2.6 /* 99 of 100 */
double sg_learned_surprise(const double *probability, const uint8_t *outcome, size_t n,
                           double *ret_found, double *ret_expected);

/* --- drift -------------------------------------------------------------------------------------
 * Are today's customers like those learnt from?  For every feature, the unsupervised score and the
 * learnt margin: the population stability index over tenths of then (and the missing),
 *   PSI = sum (now - then) log(now / then)
 * By custom below 0.1 nothing, above 0.25 the model is to be renewed.  What chance alone brings is
 * about (classes - 1) (1/n + 1/m): a warning is above 0.25 and above three times that.
 */
#define SG_DRIFT_LIMIT 0.25
enum { SG_DRIFT_CLASSES = 11 }; /* ten and the missing */

struct sg_drift; /* counts of now; one thread at a time */

SG_MUST_USE int sg_drift_new(struct sg_drift **ret, const struct sg_learned *m);
void sg_drift_free(struct sg_drift *d);
SG_DEFINE_FREEP(struct sg_drift, sg_drift_free)
void sg_drift_add(struct sg_drift *d, const float *features, float score, double margin);
uint64_t sg_drift_customers(const struct sg_drift *d);
/* column: a feature, features: the score, features + 1: the margin. */
double sg_drift_index(const struct sg_drift *d, uint32_t column, bool *ret_warns);

/* --- file --------------------------------------------------------------------------------------
 * Deterministic CBOR:
 *   learned = [ "sealgrid-learned", 1, first_day, last_day, fraud, nothing, start, edges, counts,
 *               trees ]
 *   first_day, last_day  integers, -2^31..2^31-1, first not after last
 *   fraud, nothing       unsigned below 2^32
 *   start                byte string of 16: slope and intercept, binary64, big-endian; finite,
 * within
 *                        +- 1e6, slope above 0, no negative zero
 *   edges                byte string: 9 binary32, big-endian, for each of features + 2 columns:
 *                        finite, ascending or equal, no negative zero
 *   counts               byte string: 11 numbers of 4 octets, big-endian, a column; each column has
 *                        the same sum, below 2^32
 *   trees                byte string: the trees as trees-file.h has them, of features + 1 columns
 */
#define SG_LEARNED_BYTES_MAX (SG_TREES_BYTES_MAX + (SG_TREES_FEATURES_MAX + 1) * 80 + 256)

enum sg_learned_outcome {
    SG_LEARNED_NOT_LEARNED = 1, /* not this format, or damaged */
    SG_LEARNED_VERSION,         /* of a version not known here */
};
SG_MUST_USE int sg_learned_encode(const struct sg_learned *m, struct sg_buf *b);
/* 0, -ENOMEM, or an outcome. */
SG_MUST_USE int sg_learned_decode(struct sg_bytes bytes, struct sg_learned **ret);
/* Whole file, atomically, mode 0600; -errno. */
SG_MUST_USE int sg_learned_save(const struct sg_learned *m, const char *path);
SG_MUST_USE int sg_learned_load(const char *path, struct sg_learned **ret);
