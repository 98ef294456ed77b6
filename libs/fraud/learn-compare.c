#include "learn-int.h"

#include <sealgrid/base/random.h>

#include <math.h>

enum figure { LEARNT_AP, UNSUPERVISED_AP, GAIN, LEARNT_AUC, UNSUPERVISED_AUC, FIGURES };

struct comparing {
    const struct learn_case *c;
    size_t n;
    uint32_t *by_learnt, *by_unsupervised; /* cases, highest score first */
    uint32_t *by_group;
    uint32_t *group; /* of each case: 0..n_groups - 1 */
    uint32_t n_groups;
    uint32_t *drawn; /* a group: how often it is in this round's sample */
    double *value[FIGURES];
    size_t n_values;
};

static int by_learnt(const void *a, const void *b, void *ctx)
{
    const struct learn_case *c = ((const struct comparing *)ctx)->c;
    const double x = c[*(const uint32_t *)a].learnt, y = c[*(const uint32_t *)b].learnt;
    return (x < y) - (x > y);
}

static int by_unsupervised(const void *a, const void *b, void *ctx)
{
    const struct learn_case *c = ((const struct comparing *)ctx)->c;
    const double x = c[*(const uint32_t *)a].unsupervised, y = c[*(const uint32_t *)b].unsupervised;
    return (x < y) - (x > y);
}

static int by_group(const void *a, const void *b, void *ctx)
{
    const struct learn_case *c = ((const struct comparing *)ctx)->c;
    const uint64_t x = c[*(const uint32_t *)a].group, y = c[*(const uint32_t *)b].group;
    return (x > y) - (x < y);
}

/* Numbers for the groups, in the order of their ids. */
static void number_groups(struct comparing *k)
{
    for (size_t i = 0; i < k->n; i++) {
        const uint32_t at = k->by_group[i];
        if (i && k->c[at].group != k->c[k->by_group[i - 1]].group)
            k->n_groups++;
        k->group[at] = k->n_groups;
    }
    k->n_groups++;
}

static bool same_score(const struct comparing *k, uint32_t i, uint32_t j, bool learnt)
{
    return learnt ? k->c[i].learnt == k->c[j].learnt : k->c[i].unsupervised == k->c[j].unsupervised;
}

/* Average precision and AUC (judge.h) of the cases, each as often as its group was drawn; cases of
 * one score are one step. */
static void figures_of(const struct comparing *k, bool learnt, double *ret_ap, double *ret_auc)
{
    const uint32_t *at = learnt ? k->by_learnt : k->by_unsupervised;
    double thieves = 0, honest = 0, precision = 0, pairs = 0;
    for (size_t i = 0; i < k->n;) {
        double more_thieves = 0, more_honest = 0;
        size_t end = i;
        for (; end < k->n && same_score(k, at[end], at[i], learnt); end++) {
            const double times = k->drawn[k->group[at[end]]];
            more_thieves += k->c[at[end]].thief ? times : 0;
            more_honest += k->c[at[end]].thief ? 0 : times;
        }
        pairs += more_honest * (thieves + more_thieves / 2);
        thieves += more_thieves;
        honest += more_honest;
        if (more_thieves > 0)
            precision += more_thieves * thieves / (thieves + honest);
        i = end;
    }
    *ret_ap = precision / thieves;         /* NaN without a thief */
    *ret_auc = pairs / (thieves * honest); /* NaN without either */
}

static void all_figures(const struct comparing *k, double ret[FIGURES])
{
    figures_of(k, true, &ret[LEARNT_AP], &ret[LEARNT_AUC]);
    figures_of(k, false, &ret[UNSUPERVISED_AP], &ret[UNSUPERVISED_AUC]);
    ret[GAIN] = ret[LEARNT_AP] - ret[UNSUPERVISED_AP];
}

static void one_round(struct comparing *k, uint64_t seed, uint32_t round)
{
    struct sg_prng p;
    double figure[FIGURES];
    sg_prng_seed2(&p, seed, round);
    for (uint32_t g = 0; g < k->n_groups; g++)
        k->drawn[g] = 0;
    for (uint32_t g = 0; g < k->n_groups; g++)
        k->drawn[sg_prng_below(&p, k->n_groups)]++;
    all_figures(k, figure);
    if (isnan(figure[LEARNT_AUC]))
        return;
    for (int f = 0; f < FIGURES; f++)
        k->value[f][k->n_values] = figure[f];
    k->n_values++;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct sg_judge_interval interval(double value, double *v, size_t n, double level)
{
    struct sg_judge_interval i = {value, NAN, NAN};
    if (n == 0)
        return i;
    qsort(v, n, sizeof(*v), ascending);
    const double tail = (1 - level) / 2;
    i.low = v[(size_t)(tail * (double)(n - 1))];
    i.high = v[(size_t)ceil((1 - tail) * (double)(n - 1))];
    return i;
}

static void comparing_clear(struct comparing *k)
{
    free(k->by_learnt);
    free(k->by_unsupervised);
    free(k->by_group);
    free(k->group);
    free(k->drawn);
    for (int f = 0; f < FIGURES; f++)
        free(k->value[f]);
}

static int comparing_init(struct comparing *k, uint32_t rounds)
{
    k->by_learnt = calloc(k->n, sizeof(*k->by_learnt));
    k->by_unsupervised = calloc(k->n, sizeof(*k->by_unsupervised));
    k->by_group = calloc(k->n, sizeof(*k->by_group));
    k->group = calloc(k->n, sizeof(*k->group));
    k->drawn = calloc(k->n, sizeof(*k->drawn));
    bool failed = !k->by_learnt || !k->by_unsupervised || !k->by_group || !k->group || !k->drawn;
    for (int f = 0; f < FIGURES; f++) {
        k->value[f] = calloc(rounds, sizeof(double));
        failed = failed || !k->value[f];
    }
    if (failed)
        return sg_raise(-ENOMEM);
    for (uint32_t i = 0; i < k->n; i++)
        k->by_learnt[i] = k->by_unsupervised[i] = k->by_group[i] = i;
    qsort_r(k->by_learnt, k->n, sizeof(*k->by_learnt), by_learnt, k);
    qsort_r(k->by_unsupervised, k->n, sizeof(*k->by_unsupervised), by_unsupervised, k);
    qsort_r(k->by_group, k->n, sizeof(*k->by_group), by_group, k);
    number_groups(k);
    return 0;
}

int learn_compare(const struct learn_case *c, size_t n, uint32_t rounds, uint64_t seed,
                  struct sg_learn_comparison *ret)
{
    SG_CLEANUP(comparing_clear) struct comparing k = {.c = c, .n = n};
    struct sg_learn_comparison result = {.n_fraud = 0};
    double figure[FIGURES];
    int r = comparing_init(&k, rounds);
    if (r)
        return r;
    for (uint32_t g = 0; g < k.n_groups; g++)
        k.drawn[g] = 1;
    all_figures(&k, figure);
    for (uint32_t round = 0; round < rounds; round++)
        one_round(&k, seed, round);
    for (size_t i = 0; i < n; i++) {
        result.n_fraud += c[i].thief;
        result.n_nothing += !c[i].thief;
    }
    result.n_groups = k.n_groups;
    result.learnt = interval(figure[LEARNT_AP], k.value[LEARNT_AP], k.n_values, 0.95);
    result.unsupervised =
        interval(figure[UNSUPERVISED_AP], k.value[UNSUPERVISED_AP], k.n_values, 0.95);
    result.gain = interval(figure[GAIN], k.value[GAIN], k.n_values, 0.8);
    result.learnt_auc = interval(figure[LEARNT_AUC], k.value[LEARNT_AUC], k.n_values, 0.95);
    result.unsupervised_auc =
        interval(figure[UNSUPERVISED_AUC], k.value[UNSUPERVISED_AUC], k.n_values, 0.95);
    *ret = result;
    return 0;
}
