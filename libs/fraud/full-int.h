#pragma once
/*
 * full-int - what the files of the full score share.
 */
#include "features-int.h"
#include "map-int.h"
#include "peers-int.h"

#include <sealgrid/fraud/full.h>
#include <sealgrid/fraud/trees.h>

enum {
    SG_FULL_FOLDS_MAX = 4,
    SG_FULL_NULL_MAX = SG_FULL_PANEL_MAX,
};

/* A customer of the panel. */
struct sg_full_member {
    uint64_t hash; /* of seed and name: its place in the panel, its fold, its name among peers */
    struct sg_view view;
};

struct sg_full_sample {
    struct sg_corr_windows windows;
    uint64_t seed;
    size_t max, n, room;
    struct sg_full_member *member; /* a heap by hash once full, largest first; or ascending */
    bool sorted;
    struct sg_view scratch;
};

/* Members in ascending order of their hash. */
void sg_full_sample_sort(struct sg_full_sample *s);

struct sg_full_model {
    struct sg_corr_windows windows;
    uint64_t seed;
    uint32_t folds;
    struct sg_trees *trees[SG_FULL_FOLDS_MAX]; /* [f] never saw a customer of fold f */
    struct sg_peers peers;
    struct sg_full_map map;
    uint32_t without; /* enum sg_full_part: left out in training, and so in judging */
    float missing; /* share of days more than before that 99 of 100 honest months miss, at most */
    uint32_t n_null;
    float *null; /* margins of honest windows by trees that did not see them, falling */
    /* Of those margins: where the exponential tail begins, and its mean excess. */
    uint32_t tail;
    double tail_margin, tail_excess;
};

/* Log odds for days that are missing more than `usual`: no injected theft hides days, so the trees
 * know nothing of it. */
double sg_full_missing(float usual, const float *features);

/* Sets the features of families that are left out to 0. */
void sg_full_leave_out(uint32_t without, float *features);

uint64_t sg_full_hash(uint64_t seed, const char *id);

static inline uint32_t sg_full_fold(uint64_t hash, uint32_t folds)
{
    return (uint32_t)(hash >> 32) % folds;
}

/* n_null and null are set: finds the tail. */
void sg_full_fit_tail(struct sg_full_model *m);
/* Share of honest windows with this margin or a larger one; above 0, at most 1. */
double sg_full_share(const struct sg_full_model *m, double margin);

/* --- honest reasons for a change (full-excuse.c) --- */

struct sg_full_excuse {
    uint8_t kind; /* SG_FULL_REASON_VACANT..TARIFF, or NONE */
    bool known;   /* by a fact; else by its pattern alone */
    float off;    /* taken off the margin */
    float a;      /* figure for the reason */
};

/* The strongest one. */
struct sg_full_excuse sg_full_find_excuse(const struct sg_feature_work *w, const float *features,
                                          const struct sg_fraud_context *ctx);

/* s->family is set: puts the reasons. */
void sg_full_find_reasons(const struct sg_feature_work *w, const float *features,
                          const struct sg_full_excuse *excuse, struct sg_full_score *s);
