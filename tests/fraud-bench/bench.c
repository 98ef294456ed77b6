#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>

#define THIEVES 0.085

void bench_clear(struct bench *b)
{
    free(b->list);
    b->list = NULL;
}

double bench_recent_energy(const struct window *w)
{
    double sum = 0;
    for (int day = WINDOW_REFERENCE; day < WINDOW_DAYS; day++)
        for (int h = 0; h < WINDOW_HOURS; h++)
            sum += (double)w->load[day][h];
    return sum;
}

/* ---- a fleet --------------------------------------------------------------------------------- */

static size_t pick(struct draw *d, const bool *taken, size_t n)
{
    size_t i;
    do
        i = (size_t)(draw_share(d) * (double)n);
    while (taken[i]);
    return i;
}

static void take_part(struct bench *b, const struct windows *all, int part)
{
    for (size_t i = 0; i < all->n; i++)
        if (windows_part(&all->list[i]) == part || part == 2)
            b->list[b->n++] = (struct bench_customer){.w = all->list[i],
                                                      .start = -1,
                                                      .change = -1,
                                                      .drawn = bench_recent_energy(&all->list[i])};
}

int bench_make(struct bench *b, const struct windows *all, int part, bool hard)
{
    struct draw d = {b->seed * 1000003};
    const int types = hard ? HARD_TYPES : THEFT_TYPES;
    b->list = calloc(all->n, sizeof(*b->list));
    SG_FREE bool *taken = calloc(all->n, sizeof(*taken));
    if (!b->list || !taken)
        return sg_raise(-ENOMEM);
    take_part(b, all, part);
    const int thieves = (int)(THIEVES * (double)b->n / types + 0.5) * types;
    for (int k = 0; k < thieves; k++) {
        const size_t i = pick(&d, taken, b->n);
        struct bench_customer *c = &b->list[i];
        taken[i] = true;
        c->type = k % types + 1;
        c->start = hard ? theft_do_hard(&c->w, c->type, &d) : theft_do(&c->w, c->type, &d);
    }
    return 0;
}

int bench_days(const struct window *w, size_t i, struct sg_fraud_days *d)
{
    char id[32];
    snprintf(id, sizeof(id), "c%05zu", i);
    int r = sg_fraud_days_start(d, id, WINDOW_HOURS);
    for (int day = 0; r == 0 && day < WINDOW_DAYS; day++) {
        const uint8_t weekday = (uint8_t)((w->weekday + day) % 7);
        r = sg_fraud_days_add_part(d, day, weekday, w->load[day], NULL);
        if (r == SG_FRAUD_DAYS_GAPS)
            r = sg_fraud_days_lose(d, day, sg_fraud_missing_hours(w->load[day], WINDOW_HOURS));
    }
    return sg_fold(r);
}

/* ---- scores ---------------------------------------------------------------------------------- */

int bench_learn(const struct bench *b, uint32_t without, struct sg_full_model **ret)
{
    const struct sg_corr_windows windows = SG_CORR_WINDOWS_DEFAULT;
    SG_CLEANUP(sg_full_sample_freep) struct sg_full_sample *s = NULL;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct sg_full_training t = SG_FULL_TRAINING_DEFAULT;
    t.without = without;
    t.threads = 2;
    int r = sg_full_sample_new(&s, &windows, SG_FULL_PANEL_DEFAULT, b->seed);
    for (size_t i = 0; r == 0 && i < b->n; i++) {
        r = bench_days(&b->list[i].w, i, &d);
        if (r == 0)
            r = sg_full_sample_add(s, &d, NULL);
    }
    return r ? r : sg_full_train(s, &t, ret);
}

int bench_score(const struct bench *b, const struct sg_full_model *m, struct sg_judge_case *ret,
                double *ret_seconds)
{
    SG_CLEANUP(sg_full_judge_freep) struct sg_full_judge *j = NULL;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct sg_full_score s;
    *ret_seconds = 0;
    int r = sg_full_judge_new(&j, m);
    for (size_t i = 0; r == 0 && i < b->n; i++) {
        r = bench_days(&b->list[i].w, i, &d);
        const int64_t begun = sg_clock_monotonic_ns();
        if (r == 0)
            r = sg_full_judge_score(j, &d, NULL, &s);
        *ret_seconds += (double)(sg_clock_monotonic_ns() - begun) / 1e9;
        ret[i] = (struct sg_judge_case){.score = s.score, .thief = b->list[i].type > 0};
    }
    return r;
}

double bench_auc_of_type(const struct bench *b, const struct sg_judge_case *all, int type)
{
    const struct sg_judge_figure auc = {.kind = SG_JUDGE_AUC};
    const struct sg_judge_rounds none = {.level = 0.95};
    struct sg_judge_interval v;
    size_t n = 0;
    SG_FREE struct sg_judge_case *some = calloc(b->n, sizeof(*some));
    for (size_t i = 0; some && i < b->n; i++)
        if (b->list[i].type == 0 || b->list[i].type == type)
            some[n++] = all[i];
    return some && sg_judge(some, n, &auc, 1, &none, &v) == 0 ? v.value : (double)NAN;
}
