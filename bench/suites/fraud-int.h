#pragma once
/*
 * fraud-int - what the files of the fraud suite share.
 */
#include "bench.h"
#include "fraud-data.h"
#include "peers/server.h"

#include "fleet.h"

struct bench {
    struct sg_bench *b;
    struct fraud_data data;
    char folder[1024];
    size_t n_vectors;
    float *vectors;
    uint32_t epochs;
    struct sg_som *first, *map; /* before and after training */
    struct sg_som_matcher *matcher;
    uint32_t *nodes;
    double r_error;           /* of kohonen's map, the last that it trained */
    double ours_mean, r_mean; /* of the correlation scores */
    size_t n_customers;
    struct sg_fraud_days all[FRAUD_MODELS];
    struct sg_fraud_days days;
    enum plan_mode mode;         /* of the whole-score lines */
    struct sg_full_model *model; /* of mode full */
    uint64_t fleet;              /* customers of the smallest fleet */
    const char *csv;
    size_t csv_bytes;
    struct sg_bench_reason reason;
};

/* fraud-score.c: what sealgrid-fraud does with a customer, in modes paper and full, at three sizes
 * of fleet.  r_map: kohonen's map() over all of s->vectors, NULL without R. */
SG_MUST_USE int fraud_measure_scores(struct bench *s,
                                     int (*r_map)(void *ctx, uint64_t n, int64_t *ret_ns));
/* fraud-fleet.c: fleets of 10^3 to 10^6, their memory and their rate. */
SG_MUST_USE int fraud_measure_fleet(struct bench *s);
/* fraud-rows.c: the reader of daily rows. */
SG_MUST_USE int fraud_measure_rows(struct bench *s);

/* fraud-balance.c: transformers of three sizes. */
SG_MUST_USE int fraud_measure_balance(struct bench *s);

/* R takes a second to start: once is proof enough that it runs. */
static inline unsigned fraud_laps(const struct bench *s, unsigned full)
{
    return (unsigned)sg_bench_scale(s->b, full, 1);
}
