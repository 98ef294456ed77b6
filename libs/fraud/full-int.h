#pragma once
/*
 * full-int - what the files of the full score share.
 */
#include "absence-int.h"
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

/* 99 of 100 honest months miss no more than this more than before: share of days, and of the usable
 * days those of which a reading is missing. */
struct sg_full_usual {
    float gone, touched;
};

struct sg_full_model {
    struct sg_corr_windows windows;
    uint64_t seed;
    uint32_t folds;
    struct sg_trees *trees[SG_FULL_FOLDS_MAX]; /* [f] never saw a customer of fold f */
    struct sg_peers peers;
    struct sg_full_map map;
    uint32_t without; /* enum sg_full_part: left out in training, and so in judging */
    struct sg_full_usual usual;
    struct sg_absences absences; /* of the panel's judged days */
    uint32_t n_null;
    float *null; /* margins of honest windows by trees that did not see them, falling */
    /* Of those margins: where the exponential tail begins, and its mean excess. */
    uint32_t tail;
    double tail_margin, tail_excess;
};

/* Log odds for days and readings that are missing more than is usual: no injected theft hides any,
 * so the trees know nothing of it.  0 if others lack the same. */
double sg_full_missing(const struct sg_full_usual *usual, const struct sg_absence *x);
/* Both of a view; id: hash of the customer. */
struct sg_absence sg_full_absence(const struct sg_absences *panel, uint32_t without, uint64_t id,
                                  const struct sg_view *v);

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
                          const struct sg_absence *absence, const struct sg_full_excuse *excuse,
                          struct sg_full_score *s);
/* What is missing in figures; false: it bears nothing out. */
bool sg_full_missing_reason(const struct sg_absence *x, struct sg_full_reason *ret);
