/*
 * fold-bench [--fold 0..4 | --fold all] [--seed N] [ROWS] - what mode full finds in fleets of few
 * buildings: the archive (cambridge_hourly_shared.csv.gz in $SEALGRID_DATA or ../shared/data) is
 * parted into five by building, each a fleet of its own, with thefts as in the shared benchmark; it
 * learns from nothing else.  And what a score means there: how many of the honest reach 10, 20, 30.
 * Fails if a fleet misses what the score promises of buildings it was not made with.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/crypto/hash.h>

#include "bench.h"

enum { FOLDS = 5, ROUNDS = 1000 };

/* The goals of the score. */
#define AUC_LEAST        0.945
#define AP_LEAST         0.72
#define FALSE_MOST       12.0
#define TYPES_MEAN_LEAST 0.85
#define TYPE_LEAST       0.75

static int fold_of(const struct window *w)
{
    char text[WINDOW_NAME + 16];
    uint8_t hash[32];
    snprintf(text, sizeof(text), "fold-%s", w->meter);
    sg_sha256(hash, sg_bytes_str(text));
    return hash[0] % FOLDS;
}

static int take_fold(struct windows *ret, const struct windows *all, int fold)
{
    ret->list = calloc(all->n, sizeof(*ret->list));
    if (!ret->list)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < all->n; i++)
        if (fold_of(&all->list[i]) == fold)
            ret->list[ret->n++] = all->list[i];
    return 0;
}

static size_t count_buildings(const struct windows *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        n += i == 0 || strcmp(w->list[i].building, w->list[i - 1].building) != 0;
    return n;
}

/* Of 1,000 honest customers. */
static double honest_above(const struct bench *b, const struct sg_judge_case *all, double score)
{
    size_t honest = 0, above = 0;
    for (size_t i = 0; i < b->n; i++) {
        honest += !all[i].thief;
        above += !all[i].thief && all[i].score >= score;
    }
    return 1000 * (double)above / (double)honest;
}

/* Whether the fleet is as promised. */
static int tell(const struct bench *b, const struct sg_judge_case *all, bool *ret_good)
{
    const struct sg_judge_figure wanted[] = {{.kind = SG_JUDGE_AUC},
                                             {.kind = SG_JUDGE_AVERAGE_PRECISION},
                                             {.kind = SG_JUDGE_PRECISION_AT, .at = 20},
                                             {.kind = SG_JUDGE_FALSE_PER_1000, .at = 0.5}};
    const struct sg_judge_rounds rounds = {ROUNDS, b->seed, 0.95};
    struct sg_judge_interval v[4];
    double sum = 0, least = 1;
    int r = sg_judge(all, b->n, wanted, 4, &rounds, v);
    if (r)
        return r;
    printf("AUC %.3f [%.3f, %.3f] AP %.3f [%.3f, %.3f] P@20 %.2f false of 1,000 %.1f [%.1f, %.1f] "
           "types",
           v[0].value, v[0].low, v[0].high, v[1].value, v[1].low, v[1].high, v[2].value, v[3].value,
           v[3].low, v[3].high);
    for (int type = 1; type <= THEFT_TYPES; type++) {
        const double auc = bench_auc_of_type(b, all, type);
        sum += auc;
        least = fmin(least, auc);
        printf(" %.3f", auc);
    }
    printf("; honest of 1,000 at 10: %.0f, 20: %.1f, 30: %.1f\n", honest_above(b, all, 10),
           honest_above(b, all, 20), honest_above(b, all, 30));
    fflush(stdout);
    *ret_good = v[0].value >= AUC_LEAST && v[1].value >= AP_LEAST && v[3].value <= FALSE_MOST &&
                sum >= TYPES_MEAN_LEAST * THEFT_TYPES && least >= TYPE_LEAST;
    return 0;
}

static int one_fold(const struct windows *all, int fold, uint64_t seed, bool *ret_good)
{
    SG_CLEANUP(windows_clear) struct windows some = {.list = NULL};
    SG_CLEANUP(bench_clear) struct bench b = {.seed = seed};
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *m = NULL;
    double seconds;
    int r = take_fold(&some, all, fold);
    if (r == 0)
        r = bench_make(&b, &some, 2, false);
    SG_FREE struct sg_judge_case *cases = calloc(b.n + 1, sizeof(*cases));
    if (r == 0)
        r = cases ? bench_learn(&b, 0, &m) : sg_raise(-ENOMEM);
    if (r == 0)
        r = bench_score(&b, m, cases, &seconds);
    if (r)
        return r;
    printf("fold %d, seed %llu: %zu customers of %zu buildings: ", fold, (unsigned long long)seed,
           b.n, count_buildings(&some));
    return tell(&b, cases, ret_good);
}

struct arguments {
    const char *rows;
    int first, last; /* folds */
    uint64_t seed;
};

static void take_fold_name(struct arguments *a, const char *name)
{
    const bool all = !strcmp(name, "all");
    a->first = all ? 0 : atoi(name);
    a->last = all ? FOLDS - 1 : a->first;
}

static bool parse(int argc, char **argv, struct arguments *a)
{
    for (int i = 1; i < argc; i++) {
        const bool more = i + 1 < argc;
        if (!strcmp(argv[i], "--seed") && more)
            a->seed = strtoull(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--fold") && more)
            take_fold_name(a, argv[++i]);
        else if (argv[i][0] != '-')
            a->rows = argv[i];
        else
            return false;
    }
    return a->first >= 0 && a->last < FOLDS;
}

int main(int argc, char **argv)
{
    const char *folder = getenv("SEALGRID_DATA");
    char rows[1024];
    snprintf(rows, sizeof(rows), "%s/cambridge_hourly_shared.csv.gz",
             folder ? folder : "../shared/data");
    struct arguments a = {.rows = rows, .seed = 1};
    SG_CLEANUP(windows_clear) struct windows all = {.list = NULL};
    bool good = true;
    if (!parse(argc, argv, &a)) {
        fprintf(stderr, "fold-bench [--fold 0..4 | --fold all] [--seed N] [ROWS]\n");
        return 2;
    }
    if (a.rows == rows && access(rows, R_OK)) {
        printf("skipped: no %s\n", rows);
        return 0;
    }
    int r = windows_read(&all, a.rows);
    if (r == 0)
        (void)windows_join_twins(&all);
    for (int fold = a.first; r == 0 && fold <= a.last; fold++) {
        bool as_promised = false;
        r = one_fold(&all, fold, a.seed, &as_promised);
        good = good && as_promised;
    }
    if (r < 0)
        fprintf(stderr, "%s\n", sg_error_trace());
    if (r == 0 && !good)
        printf("less than was promised\n");
    return r || !good;
}
