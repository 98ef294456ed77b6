#pragma once
/*
 * fleet - every customer of a source, scored on several threads; and the map that is trained on
 * them first.  The result does not depend on the number of threads: the map comes from a sample
 * that does not (fraud/paper.h), each score from one customer alone, and ranks from scores. Memory:
 * the sample, what a ranking has in memory (ranking.h), and one customer's days a thread; not the
 * number of customers.
 */
#include "balances.h"
#include "context-file.h"
#include "phasors.h"
#include "ranking.h"

#include <sealgrid/fraud/full.h>
#include <sealgrid/fraud/som.h>

/* A picture that was kept, of one of the first in rank. */
struct suspect {
    char id[SG_FRAUD_ID_MAX + 1];
    double score, unsupervised; /* of its line */
    struct picture picture;
};

struct fleet {
    const struct plan *plan;
    struct source *source;
    unsigned threads;
    uint64_t seed;
    const char *only;                 /* one customer; NULL: all */
    const struct sg_full_model *full; /* what fleet_score judges by in mode full; else NULL */
    uint32_t repeats, trees;          /* struct sg_full_training; 0 but in tests */
    const struct sg_learned *learned; /* mode full: ranks instead of the score; or NULL */
    const struct odds *odds;          /* mode full: energy times these ranks (score.h); or NULL */
    /* Mode full: told of every judged customer and its features, one at a time; or NULL.  What it
     * returns other than 0 ends the pass. */
    int (*seen)(void *ctx, const struct line *l, const float *features);
    void *seen_ctx;
    _Atomic int32_t *latest;           /* raised to the last day told of anybody; or NULL */
    size_t pictures;                   /* how many suspects' pictures are kept */
    struct ranking_room room;          /* of the ranking; `first` becomes `pictures` */
    const struct phasors *phasors;     /* of a file, for mode full; NULL or empty: none */
    const struct context_files *facts; /* of files, about customers; NULL: none */
    const struct balances *balances;   /* of a topology, for mode full; likewise */
    bool progress;                     /* on standard error */
};

struct fleet_result {
    struct ranking ranking;   /* sorted */
    struct odds odds;         /* of mode full, found */
    struct suspect *suspects; /* in order of rank */
    size_t n_suspects;
    uint64_t readings; /* or rows */
    uint64_t incomplete, conflicts;
    uint64_t bad_facts; /* rows of and about customers that could not be read */
};
void fleet_result_clear(struct fleet_result *r);

/* First pass: samples every customer's reference days and trains a map.  *ret_error: its
 * quantisation error.  Positive outcomes of source_next; FLEET_NO_MAP: nobody has reference days.
 */
enum fleet_outcome { FLEET_NO_MAP = 100 };
SG_MUST_USE int fleet_train(const struct fleet *f, struct sg_som **ret, double *ret_error);
/* First pass of mode full: keeps a panel of the fleet and learns from it. */
SG_MUST_USE int fleet_learn(const struct fleet *f, struct sg_full_model **ret);
/* Second pass, or the only one; map NULL in mode correlation.  ret NULL: nothing is ranked, only
 * `seen` is told.  Outcomes of source_next. */
SG_MUST_USE int fleet_score(const struct fleet *f, const struct sg_som *map,
                            struct fleet_result *ret);
