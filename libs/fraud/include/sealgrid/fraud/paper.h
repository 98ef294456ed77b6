#pragma once
/*
 * fraud paper - the paper's own way of finding fraud (Brito et al. 2019, after Cabral et al. 2009):
 * a self-organizing map learns how the fleet's days look, each customer gets a regular class, and
 * recent days are correlated with that class's profile and with the customer's own.
 *
 * Two passes over the fleet, memory bounded in both:
 *   1  a sample of the fleet's reference days trains the map.  The sample keeps the days with the
 *      smallest hash of (seed, customer, day): so it is the same whatever the order in which
 *      customers come and however they are split over threads, and samples can be merged.
 *   2  each customer alone is judged by the trained map: an independent task, given the saved map.
 *
 * Normalisation.  A day is divided by the customer's own mean load per interval over its
 * reference window, and cut at SG_PAPER_RATIO_MAX.  So large and small customers share classes and
 * the level of a day against the customer's habit stays in the vector.  The usual alternatives
 * (each day by its own mean, or to mean 0 and norm 1) throw the level away; then the map, like the
 * correlation, is blind to the commonest theft of all, a bypass of part of the load.  The class's
 * profile comes out of the same space, and a correlation does not mind the scale.
 *
 * Per customer and kind of day (Monday to Friday, Saturday and Sunday) the regular class is the
 * best match of the mean normalised reference day.  Per day, the customer's matrix:
 *   own    r of the day and the customer's own regular profile of its kind
 *   class  r of the day and the class's profile (the node's code)
 *   shift  distance on the map from the class to the day's best match, as a share of the map's
 *          diameter: 0..1
 * Each is judged against the same customer's reference days, because some customers repeat
 * themselves and others never do:
 *   own drop    median of own over the reference days - the same over the test days
 *   class drop  likewise
 *   shift gain  mean of shift over the test days - the same over the reference days
 *   score       (own drop + class drop) / 2 + shift gain
 * Each of the three is 0 where nothing changed; (1 - r)/2 and shift both run over 0..1, which is
 * why the drops are halved and nothing else is weighted.
 *
 * Every score is a function of the map and of this customer's days alone.
 */
#include <sealgrid/fraud/correlation.h>
#include <sealgrid/fraud/som.h>

/* A load this many times the customer's mean is cut here: a broken meter must not bend the map. */
#define SG_PAPER_RATIO_MAX 100.0
/* The label of the maps of this mode (som-map.h): the normalisation above, first form. */
#define SG_PAPER_LABEL "day/customer-mean/1"

enum sg_paper_outcome {
    SG_PAPER_NO_REFERENCE = 1, /* no reference day */
    SG_PAPER_NO_TEST,          /* no test day of a kind that the reference has */
    SG_PAPER_NO_LEVEL,         /* nothing was drawn in the whole reference window */
    SG_PAPER_POINTS,           /* the days have not as many points as the map or sample */
    SG_PAPER_TOO_LARGE,        /* the sample cannot hold that many vectors or points */
};

/* --- pass 1 ------------------------------------------------------------------------------- */

struct sg_paper_sample; /* owns its vectors; one thread at a time */

enum { SG_PAPER_SAMPLE_MAX = 1 << 24, SG_PAPER_SAMPLE_DEFAULT = 1 << 17 };

/* max: vectors kept, 1..SG_PAPER_SAMPLE_MAX; memory grows with what is added up to
 * max * (4 * points + 16) octets.  0, -ENOMEM, SG_PAPER_TOO_LARGE. */
SG_MUST_USE int sg_paper_sample_new(struct sg_paper_sample **ret, uint32_t points, size_t max,
                                    uint64_t seed);
void sg_paper_sample_free(struct sg_paper_sample *s);
SG_DEFINE_FREEP(struct sg_paper_sample, sg_paper_sample_free)
/* The reference days of one customer.  Each customer once.  0, -ENOMEM, NO_REFERENCE, NO_LEVEL,
 * POINTS: a customer with an outcome adds nothing and is no reason to stop. */
SG_MUST_USE int sg_paper_sample_add(struct sg_paper_sample *s, const struct sg_fraud_days *d,
                                    struct sg_corr_window reference);
/* As if everything added to other had been added to s: for one sample a thread.  Both of the same
 * points, max and seed.  0, -ENOMEM. */
SG_MUST_USE int sg_paper_sample_merge(struct sg_paper_sample *s,
                                      const struct sg_paper_sample *other);
/* The vectors in the order of their hash, row by row; borrowed until the next add or merge. */
const float *sg_paper_sample_vectors(struct sg_paper_sample *s, size_t *ret_n);

/* A new map: seeded with the first vectors of the sample, trained on all.  shape->points must be
 * the sample's.  0, -ENOMEM, or an outcome of som.h (NO_VECTORS, BAD_SHAPE, BAD_TRAINING). */
SG_MUST_USE int sg_paper_train(struct sg_paper_sample *s, const struct sg_som_shape *shape,
                               const struct sg_som_training *t, struct sg_som **ret);

/* --- pass 2 ------------------------------------------------------------------------------- */

struct sg_paper_day {
    uint32_t index; /* of the day in sg_fraud_days */
    bool test;      /* of the test window, else of the reference window */
    uint32_t node;  /* its best match */
    float own, cls, shift;
};

struct sg_paper_score {
    double score;
    double own_drop, class_drop, shift_gain;
    double level;                            /* mean load per interval in the reference */
    uint32_t class_node[SG_FRAUD_DAY_KINDS]; /* UINT32_MAX: the reference has no such day */
    uint32_t n_reference, n_test;            /* days behind it */
};

struct sg_paper_judge; /* owns its work space, borrows the map; one a thread */

/* 0, -ENOMEM.  The map outlives the judge. */
SG_MUST_USE int sg_paper_judge_new(struct sg_paper_judge **ret, const struct sg_som *map,
                                   const struct sg_corr_windows *w,
                                   const struct sg_fraud_kernel *kernel);
void sg_paper_judge_free(struct sg_paper_judge *j);
SG_DEFINE_FREEP(struct sg_paper_judge, sg_paper_judge_free)
/* One customer.  0, -ENOMEM, NO_REFERENCE, NO_TEST, NO_LEVEL, POINTS. */
SG_MUST_USE int sg_paper_judge_score(struct sg_paper_judge *j, const struct sg_fraud_days *d,
                                     struct sg_paper_score *ret);
/* The matrix of the customer scored last, reference days and test days in the order of days;
 * borrowed until the next score. */
const struct sg_paper_day *sg_paper_judge_matrix(const struct sg_paper_judge *j, size_t *ret_n);
