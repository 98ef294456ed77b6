#pragma once
/*
 * bench - a fleet of real load curves with thefts put into them, and its scores.
 */
#include <sealgrid/fraud/full.h>
#include <sealgrid/fraud/judge.h>

#include "change.h"
#include "theft.h"
#include "windows.h"

struct bench_customer {
    struct window w;
    int type;     /* of theft; 0: honest */
    int start;    /* day of the theft or change; -1: none */
    int change;   /* enum change; -1: none */
    double drawn; /* in the recent days, before a theft */
    bool link;    /* bad all along */
};

struct bench {
    struct bench_customer *list;
    size_t n;
    uint64_t seed;
};
void bench_clear(struct bench *b);

/* Customers of a part (2: both), 8.5 % of them thieves. */
SG_MUST_USE int bench_make(struct bench *b, const struct windows *all, int part, bool hard);
/* Energy of the recent days. */
double bench_recent_energy(const struct window *w);
SG_MUST_USE int bench_days(const struct window *w, size_t i, struct sg_fraud_days *d);
/* without: enum sg_full_part */
SG_MUST_USE int bench_learn(const struct bench *b, uint32_t without, struct sg_full_model **ret);
SG_MUST_USE int bench_score(const struct bench *b, const struct sg_full_model *m,
                            struct sg_judge_case *ret, double *ret_seconds);
/* Of the thieves of one type among all honest; NaN: none. */
double bench_auc_of_type(const struct bench *b, const struct sg_judge_case *all, int type);

/* changes-table.c: where honest customers who change come in the ranking, and thieves who change.
 */
SG_MUST_USE int bench_changes(struct bench *b);
