#pragma once
/*
 * app - one run of sealgrid-fraud: what was asked for, what was read for it and what came of it.
 * Functions return 0 or the exit status, and have said why on standard error.
 */
#include "fleet.h"
#include "labels.h"
#include "learn.h"

#include <limits.h>

#include <sealgrid/cas/client.h>

#define EXIT_UNJUDGED 1
#define EXIT_UNUSABLE 2
#define APP_JSON_MAX  ((size_t)256 << 20)

struct app {
    struct fraud_options options;
    struct plan plan;
    struct fleet fleet;
    struct source *source;
    struct sg_som *map;
    struct sg_full_model *full;
    bool too_few; /* customers to learn a model from */
    struct labels labels;
    struct context_files facts;
    struct phasors phasors;
    struct topology topology;
    struct balances balances;
    struct odds odds;
    struct sg_cas_grant grant;
    struct sg_tz *tz;
    int32_t east_s;
    int64_t *clients;
    size_t n_clients;
    struct outcomes outcomes;
    struct sg_learned *learned;
    struct sg_drift *drift;
    double map_error, seconds_train, seconds_score;
    struct fleet_result result;
    char folder[PATH_MAX]; /* of the ranking */
};

/* EXIT_UNUSABLE; app_fail: with what the last failure was. */
int app_complain(const char *what, const char *why);
int app_fail(const char *what);

/* app-usage.c: options that do not go together. */
SG_MUST_USE int app_check_usage(const struct app *a);
/* Whether something other than the summary is wanted on standard output. */
bool app_stdout_is_taken(const struct fraud_options *o);

/* app-source.c.  open_kv is that of struct source_store, open_source that of struct learn_job. */
SG_MUST_USE int app_take_zone(struct app *a);
/* Everything but the source itself. */
SG_MUST_USE int app_prepare_store(struct app *a);
SG_MUST_USE int app_open_kv(void *user, struct sg_kv **ret);
SG_MUST_USE int app_open_source(void *user, const struct plan *plan, struct source **ret);

/* app-model.c: what customers are judged by, loaded or learnt. */
SG_MUST_USE int app_make_map(struct app *a);
/* A pass over the source; a file whose customers lie apart is sorted first and the pass run again.
 */
SG_MUST_USE int app_run_pass(struct app *a, int (*pass)(struct app *a));
/* What came of a pass; a failure was said by its thread. */
SG_MUST_USE int app_judge_pass(const struct app *a, int r);

/* app-given.c: files beside the load. */
SG_MUST_USE int app_take_labels(struct app *a);
SG_MUST_USE int app_take_facts(struct app *a);
SG_MUST_USE int app_take_phasors(struct app *a);

/* app-learn.c: inspections.  app_count_drift is a `seen` of struct fleet. */
SG_MUST_USE int app_take_learned(struct app *a);
SG_MUST_USE int app_learn(struct app *a);
int app_count_drift(void *ctx, const struct line *l, const float *features);

/* app-balance.c: transformers. */
SG_MUST_USE int app_make_balances(struct app *a);
