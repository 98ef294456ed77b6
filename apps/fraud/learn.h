#pragma once
/*
 * learn - examples for a ranking that learns from inspections (fraud/learn.h): each customer as it
 * was before its inspection.
 *
 * Time is cut at anchors, every `step` days from the day before the first inspection.  At each
 * anchor the fleet is judged in mode full as it would have been on that day: panel, injected thefts
 * and windows end there.  An inspection takes what was known at the last anchor before it, so
 * nothing of the inspection or later is in its example.  Where readings end before an anchor, as in
 * a file that was written before the visits, the last anchor is the last day told.  With windows
 * that are given there is one anchor, their end, and inspections up to it count as too early.
 *
 * Customers never inspected are drawn by hash, LEARN_UNKNOWN_MAX at most.
 */
#include "fleet.h"
#include "outcomes.h"

#define LEARN_UNKNOWN_MAX 20000u
#define LEARN_ANCHORS_MAX 400u

/* "full-features/1f2e3d4c": changes with the list of features. */
void learn_label(char ret[SG_TREES_LABEL_MAX + 1]);
/* Learnt from the features of this program: their list and their number, as a file may tell the one
 * and hold another. */
bool learn_fits(const struct sg_learned *m);

struct learn_job {
    struct fleet fleet; /* threads, seed, progress; plan and source are set here */
    const struct plan *plan;
    const struct outcomes *outcomes;
    int32_t step;                 /* days from anchor to anchor, 1 at least */
    const struct sg_learned *old; /* checked against outcomes after its own; NULL: none */
    /* The days of the plan's windows, which are fixed.  0 or an exit status; *ret is owned by the
     * job then. */
    int (*open)(void *user, const struct plan *plan, struct source **ret);
    uint64_t sort_bytes; /* for a file whose customers' rows lie apart */
    void *user;
};

struct learn_check {
    size_t n; /* outcomes after the old model's, fraud or nothing */
    double found, expected, surprise;
};

struct learn_result {
    struct sg_learned *learned; /* NULL: the unsupervised ranking is to be kept */
    int why_not;                /* 0, SG_LEARN_FEW, SG_LEARN_NOT_BETTER */
    struct sg_learn_report report;
    struct learn_check check;
    size_t anchors, too_early, not_judged; /* inspections without an example */
    uint32_t features;
};
void learn_result_clear(struct learn_result *r);

enum learn_outcome {
    LEARN_NO_OUTCOME = 200, /* none lies after an anchor */
    LEARN_TOO_LONG,         /* more than LEARN_ANCHORS_MAX anchors: a longer step is needed */
    LEARN_OPEN,             /* the source is unusable: said on standard error */
};
/* 0 with a result, also if nothing was learnt; learn_outcome; outcomes of fleet_learn. */
SG_MUST_USE int learn_run(const struct learn_job *job, struct learn_result *ret);

/* --- words ---------------------------------------------------------------------------------- */

struct sg_json;
void learn_json(const struct learn_result *r, bool dated, struct sg_json *j);
void learn_print(const struct learn_result *r);

/* "level-change", "unsupervised score", "learnt score": columns of sg_drift_index. */
const char *learn_column(const struct sg_learned *m, uint32_t column);
/* What moved since the model was learnt: members of an object that is open. */
void learn_drift_json(const struct sg_learned *m, const struct sg_drift *d, struct sg_json *j);
/* Warnings on standard error; how many. */
unsigned learn_drift_warn(const struct sg_learned *m, const struct sg_drift *d);
