/* judge - figures of a ranking over tie groups, and the bootstrap. */
#include <sealgrid/fraud/judge.h>

#include <math.h>
#include <stdlib.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/random.h>

/* Customers of one score, counted as often as a round drew them. */
struct group {
    uint32_t thieves, honest;
    double energy;
};

/* A ranking, made once: cases know their group, groups lie in falling order of score. */
struct ranking {
    const struct sg_judge_case *cases; /* labels and energy */
    size_t n;
    uint32_t *group_of; /* by case */
    struct group *groups;
    size_t n_groups;
};

static void ranking_clear(struct ranking *r)
{
    free(r->group_of);
    free(r->groups);
}

struct scored {
    double score;
    uint32_t index;
};

static int by_falling_score(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

static int sort_scores(const struct sg_judge_case *cases, size_t n, struct scored **ret)
{
    SG_FREE struct scored *list = calloc(n ? n : 1, sizeof(*list));
    if (!list)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < n; i++) {
        if (isnan(cases[i].score))
            return sg_raisef(-EINVAL, "case %zu has no score", i);
        list[i] = (struct scored){cases[i].score, (uint32_t)i};
    }
    qsort(list, n, sizeof(*list), by_falling_score);
    *ret = TAKE_PTR(list);
    return 0;
}

static int ranking_make(struct ranking *ret, const struct sg_judge_case *scores,
                        const struct sg_judge_case *labels, size_t n)
{
    SG_FREE struct scored *list = NULL;
    int r = sort_scores(scores, n, &list);
    if (r)
        return r;
    SG_FREE uint32_t *group_of = calloc(n ? n : 1, sizeof(*group_of));
    size_t n_groups = 0;
    if (!group_of)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < n; i++) {
        n_groups += i == 0 || list[i].score < list[i - 1].score;
        group_of[list[i].index] = (uint32_t)(n_groups - 1);
    }
    struct group *groups = calloc(n_groups ? n_groups : 1, sizeof(*groups));
    if (!groups)
        return sg_raise(-ENOMEM);
    *ret = (struct ranking){labels, n, TAKE_PTR(group_of), groups, n_groups};
    return 0;
}

/* drawn: how often each case counts; NULL: once. */
static void fill_groups(const struct ranking *r, const uint32_t *drawn)
{
    memset(r->groups, 0, r->n_groups * sizeof(*r->groups));
    for (size_t i = 0; i < r->n; i++) {
        const uint32_t times = drawn ? drawn[i] : 1;
        struct group *g = &r->groups[r->group_of[i]];
        if (r->cases[i].thief)
            g->thieves += times;
        else
            g->honest += times;
        g->energy += times * r->cases[i].energy;
    }
}

/* ---- figures ------------------------------------------------------------------------------- */

struct total {
    double thieves, honest;
};

static struct total count_all(const struct ranking *r)
{
    struct total t = {0, 0};
    for (size_t i = 0; i < r->n_groups; i++) {
        t.thieves += r->groups[i].thieves;
        t.honest += r->groups[i].honest;
    }
    return t;
}

/* Pairs (thief, honest) in which the thief stands first, ties as half. */
static double auc(const struct ranking *r, struct total all)
{
    double thieves = 0, won = 0;
    for (size_t i = 0; i < r->n_groups; i++) {
        won += r->groups[i].honest * (thieves + r->groups[i].thieves / 2.0);
        thieves += r->groups[i].thieves;
    }
    return won / (all.thieves * all.honest);
}

static double average_precision(const struct ranking *r, struct total all)
{
    double thieves = 0, accused = 0, sum = 0;
    for (size_t i = 0; i < r->n_groups; i++) {
        const struct group *g = &r->groups[i];
        thieves += g->thieves;
        accused += (double)g->thieves + g->honest;
        if (g->thieves)
            sum += g->thieves * (thieves / accused);
    }
    return sum / all.thieves;
}

/* Thieves and energy among the first k; of the group on the border its mean share. */
static void take_first(const struct ranking *r, double k, double *ret_thieves, double *ret_energy)
{
    double left = k, thieves = 0, energy = 0;
    for (size_t i = 0; i < r->n_groups && left > 0; i++) {
        const struct group *g = &r->groups[i];
        const double size = (double)g->thieves + g->honest;
        const double share = size <= left ? 1 : left / size;
        thieves += share * g->thieves;
        energy += share * g->energy;
        left -= size;
    }
    *ret_thieves = thieves;
    *ret_energy = energy;
}

static double false_per_1000(const struct ranking *r, struct total all, double recall)
{
    double thieves = 0, honest = 0;
    for (size_t i = 0; i < r->n_groups && thieves < recall * all.thieves; i++) {
        thieves += r->groups[i].thieves;
        honest += r->groups[i].honest;
    }
    return all.thieves > 0 ? 1000 * honest / all.honest : NAN;
}

static double figure_of(const struct ranking *r, struct total all, struct sg_judge_figure f)
{
    const double n = all.thieves + all.honest, k = fmin(f.at, n);
    double thieves, energy;
    take_first(r, k, &thieves, &energy);
    switch (f.kind) {
    case SG_JUDGE_AUC:
        return auc(r, all);
    case SG_JUDGE_AVERAGE_PRECISION:
        return average_precision(r, all);
    case SG_JUDGE_PRECISION_AT:
        return thieves / k;
    case SG_JUDGE_LIFT_AT:
        return thieves / k / (all.thieves / n);
    case SG_JUDGE_FALSE_PER_1000:
        return false_per_1000(r, all, f.at);
    case SG_JUDGE_RECOVERED_AT:
        return energy;
    }
    return NAN;
}

/* ---- bootstrap ----------------------------------------------------------------------------- */

/* One or two rankings over the same cases: what is judged is the first, or first minus second. */
struct contest {
    struct ranking side[2];
    int n_sides;
    const struct sg_judge_figure *figures;
    size_t n_figures;
};

static void contest_clear(struct contest *c)
{
    for (int i = 0; i < c->n_sides; i++)
        ranking_clear(&c->side[i]);
}

static void evaluate(const struct contest *c, const uint32_t *drawn, double *ret)
{
    for (int s = 0; s < c->n_sides; s++) {
        fill_groups(&c->side[s], drawn);
        const struct total all = count_all(&c->side[s]);
        for (size_t i = 0; i < c->n_figures; i++) {
            const double v = figure_of(&c->side[s], all, c->figures[i]);
            ret[i] = s ? ret[i] - v : v;
        }
    }
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Linear between order statistics (Hyndman and Fan 1996, type 7); v sorted, n >= 1. */
static double quantile(const double *v, size_t n, double q)
{
    const double at = q * (double)(n - 1), below = floor(at);
    const size_t i = (size_t)below;
    return i + 1 < n ? v[i] + (at - below) * (v[i + 1] - v[i]) : v[n - 1];
}

static void interval_of(double *v, size_t rounds, double level, struct sg_judge_interval *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < rounds; i++)
        if (!isnan(v[i]))
            v[n++] = v[i];
    ret->low = ret->high = NAN;
    if (n == 0)
        return;
    qsort(v, n, sizeof(*v), by_value);
    ret->low = quantile(v, n, (1 - level) / 2);
    ret->high = quantile(v, n, (1 + level) / 2);
}

static void draw(struct sg_prng *p, uint32_t *drawn, size_t n)
{
    memset(drawn, 0, n * sizeof(*drawn));
    for (size_t i = 0; i < n; i++)
        drawn[sg_prng_below(p, n)]++;
}

static int bootstrap(const struct contest *c, const struct sg_judge_rounds *b,
                     struct sg_judge_interval *ret)
{
    const size_t n = c->side[0].n;
    SG_FREE uint32_t *drawn = calloc(n ? n : 1, sizeof(*drawn));
    SG_FREE double *values = calloc((size_t)b->rounds * c->n_figures + 1, sizeof(*values));
    double round[SG_JUDGE_FIGURES_MAX];
    struct sg_prng p;
    if (!drawn || !values)
        return sg_raise(-ENOMEM);
    sg_prng_seed(&p, b->seed);
    for (size_t k = 0; k < b->rounds; k++) {
        draw(&p, drawn, n);
        evaluate(c, drawn, round);
        for (size_t i = 0; i < c->n_figures; i++)
            values[i * b->rounds + k] = round[i];
    }
    for (size_t i = 0; i < c->n_figures; i++)
        interval_of(values + i * b->rounds, b->rounds, b->level, &ret[i]);
    return 0;
}

static int judge(const struct contest *c, const struct sg_judge_rounds *b,
                 struct sg_judge_interval *ret)
{
    struct sg_judge_interval made[SG_JUDGE_FIGURES_MAX];
    double value[SG_JUDGE_FIGURES_MAX];
    int r = bootstrap(c, b, made);
    if (r)
        return r;
    evaluate(c, NULL, value);
    for (size_t i = 0; i < c->n_figures; i++)
        ret[i] = (struct sg_judge_interval){value[i], made[i].low, made[i].high};
    return 0;
}

static int check(size_t n, size_t n_figures, const struct sg_judge_rounds *b)
{
    return n <= SG_JUDGE_CASES_MAX && n_figures <= SG_JUDGE_FIGURES_MAX &&
                   b->rounds <= SG_JUDGE_ROUNDS_MAX && b->level > 0 && b->level < 1
               ? 0
               : sg_raise(-EINVAL);
}

int sg_judge(const struct sg_judge_case *cases, size_t n, const struct sg_judge_figure *figures,
             size_t n_figures, const struct sg_judge_rounds *rounds, struct sg_judge_interval *ret)
{
    SG_CLEANUP(contest_clear)
    struct contest c = {.figures = figures, .n_figures = n_figures};
    int r = check(n, n_figures, rounds);
    if (r == 0)
        r = ranking_make(&c.side[0], cases, cases, n);
    if (r)
        return r;
    c.n_sides = 1;
    return judge(&c, rounds, ret);
}

int sg_judge_paired(const struct sg_judge_case *a, const struct sg_judge_case *b, size_t n,
                    const struct sg_judge_figure *figures, size_t n_figures,
                    const struct sg_judge_rounds *rounds, struct sg_judge_interval *ret)
{
    SG_CLEANUP(contest_clear)
    struct contest c = {.figures = figures, .n_figures = n_figures};
    int r = check(n, n_figures, rounds);
    if (r == 0)
        r = ranking_make(&c.side[0], a, a, n);
    if (r)
        return r;
    c.n_sides = 1;
    r = ranking_make(&c.side[1], b, a, n);
    if (r)
        return r;
    c.n_sides = 2;
    return judge(&c, rounds, ret);
}
