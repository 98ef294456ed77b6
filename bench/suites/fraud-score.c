/*
 * fraud-score - what sealgrid-fraud does with a customer's 120 days of 96, in modes paper and full,
 * beside R's best match of the same days, beside ours, and by size of the fleet.  Reasons are made;
 * making the days is not counted.
 */
#include "fraud-int.h"

#include <stdio.h>

#include <sealgrid/base/clock.h>

static const struct sg_corr_windows windows = SG_CORR_WINDOWS_DEFAULT;

/* ---- sides --------------------------------------------------------------------------------- */

static int scorer_open(struct bench *s, const struct plan *plan, struct scorer *ret)
{
    int r = scorer_init(ret, plan, s->mode == MODE_PAPER ? s->map : NULL);
    return r || s->mode != MODE_FULL ? r : scorer_use_full(ret, s->model);
}

/* By the map or the model made before. */
static int score_fleet(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bench *s = ctx;
    const struct plan plan = {.mode = s->mode,
                              .fixed = true,
                              .windows = windows,
                              .least_reference = 7,
                              .least_recent = 3};
    const struct source_notes notes = {.last_day = FRAUD_DAYS - 1};
    char reasons[REASONS_MAX];
    struct scorer scorer;
    struct line line;
    int64_t spent = 0;
    int r = scorer_open(s, &plan, &scorer);
    for (uint64_t i = 0; r == 0 && i < n; i++) {
        r = fraud_data_customer(&s->data, i, &s->days);
        const int64_t begun = sg_clock_cpu_ns();
        if (r == 0)
            r = score_one(&scorer, &s->days, &notes, &line, NULL);
        if (r == 0)
            score_reasons(&line, &plan, reasons);
        spent += sg_clock_cpu_ns() - begun;
        if (r == 0 && line.unjudged != JUDGED)
            r = sg_raisef(-EBADMSG, "customer %llu was not judged", (unsigned long long)i);
    }
    scorer_clear(&scorer);
    *ret_ns = spent;
    return r;
}

/* A bound of mode paper: the best match of the same number of days and nothing else. */
static int match_days(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bench *s = ctx;
    int64_t spent = 0;
    for (uint64_t i = 0; i < n; i++) {
        const size_t at = (size_t)(i % (s->n_vectors / FRAUD_DAYS)) * FRAUD_DAYS;
        const int64_t begun = sg_clock_cpu_ns();
        int r = sg_fold(sg_som_match(s->matcher, s->vectors + at * FRAUD_POINTS, FRAUD_DAYS,
                                     s->nodes, NULL, NULL));
        spent += sg_clock_cpu_ns() - begun;
        if (r)
            return r;
    }
    *ret_ns = spent;
    return 0;
}

/* The smallest fleet over and over, ten times at most: n is what it would have been. */
static int score_smallest(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bench *s = ctx;
    uint64_t done = 0;
    int64_t spent = 0;
    int r = 0;
    for (int k = 0; r == 0 && k < 10 && done < n; k++, done += s->fleet) {
        int64_t ns = 0;
        r = score_fleet(s, s->fleet, &ns);
        spent += ns;
    }
    *ret_ns = done ? (int64_t)((double)spent * (double)n / (double)done) : 0;
    return r;
}

/* ---- model --------------------------------------------------------------------------------- */

static int fill_panel(struct bench *s, struct sg_full_sample *panel, uint64_t customers)
{
    int r = 0;
    for (uint64_t i = 0; r >= 0 && i < customers; i++) {
        r = fraud_data_customer(&s->data, i, &s->days);
        if (r == 0)
            r = sg_full_sample_add(panel, &s->days, NULL);
    }
    return r < 0 ? r : 0;
}

/* From a panel as large as it gets in the field: peers and thefts take as long as there. */
static int learn(struct bench *s)
{
    SG_CLEANUP(sg_full_sample_freep) struct sg_full_sample *panel = NULL;
    const struct sg_full_training how = SG_FULL_TRAINING_DEFAULT;
    int r = sg_fold(sg_full_sample_new(&panel, &windows, SG_FULL_PANEL_DEFAULT, 1));
    if (r == 0)
        r = fill_panel(s, panel, sg_bench_scale(s->b, SG_FULL_PANEL_DEFAULT, 40));
    return r ? r : sg_fold(sg_full_train(panel, &how, &s->model));
}

/* ---- lines --------------------------------------------------------------------------------- */

static void name_line(char ret[64], const struct bench *s, uint64_t customers)
{
    snprintf(ret, 64, "whole score, mode %s, %llu customers", plan_mode_word(s->mode),
             (unsigned long long)customers);
}

/* s->fleet customers are those of s->vectors, for R and for the bound. */
static int measure_beside(struct bench *s, const struct sg_bench_side *theirs, double goal,
                          const char *note)
{
    char name[64];
    const struct sg_bench_line line = {.name = name,
                                       .unit = "customers/s",
                                       .cpu = true,
                                       .laps = fraud_laps(s, 3),
                                       .fixed_n = s->n_vectors / FRAUD_DAYS,
                                       .goal = goal,
                                       .note = note,
                                       .ours = {"sealgrid", score_fleet, s},
                                       .theirs = *theirs};
    name_line(name, s, line.fixed_n);
    return sg_bench_pair(s->b, &line);
}

static int measure_growth(struct bench *s)
{
    char name[64];
    struct sg_bench_line line = {.name = name,
                                 .unit = "customers/s",
                                 .cpu = true,
                                 .goal = 0.9,
                                 .note = "growth: theirs is the rate over the smallest fleet",
                                 .ours = {"sealgrid", score_fleet, s},
                                 .theirs = {"smallest fleet", score_smallest, s}};
    int r = 0;
    s->fleet = sg_bench_scale(s->b, 1000, 20);
    for (uint64_t times = 10; r == 0 && times <= 100; times *= 10) {
        line.fixed_n = s->fleet * times;
        line.laps = times == 100 ? 1 : fraud_laps(s, 3);
        name_line(name, s, line.fixed_n);
        r = sg_bench_pair(s->b, &line);
    }
    return r;
}

static int measure_paper(struct bench *s)
{
    const struct sg_bench_side bound = {"best match alone", match_days, s};
    s->mode = MODE_PAPER;
    int r = measure_beside(s, &bound, 0, "theirs: our best match of those days alone");
    return r ? r : measure_growth(s);
}

static int measure_full(struct bench *s, int (*r_map)(void *ctx, uint64_t n, int64_t *ret_ns))
{
    const struct sg_bench_side peer = {"kohonen, map()", r_map, s};
    s->mode = MODE_FULL;
    int r = learn(s);
    if (r)
        return r;
    if (r_map)
        r = measure_beside(s, &peer, 2, "theirs: R's best match of those days alone");
    else
        sg_bench_skip(s->b, "whole score, mode full, beside R", "no R with package kohonen");
    return r ? r : measure_growth(s);
}

int fraud_measure_scores(struct bench *s, int (*r_map)(void *ctx, uint64_t n, int64_t *ret_ns))
{
    int r = measure_paper(s);
    return r ? r : measure_full(s, r_map);
}
