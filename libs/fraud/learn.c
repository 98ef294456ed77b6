#include "exact-int.h"
#include "learn-int.h"

#include <math.h>
#include <string.h>

/* The outcomes of a comparison are the latest of them, one in so many. */
enum { LATER_PART = 3 };

struct learner {
    const struct sg_learn_examples *e;
    const struct sg_learn_settings *s;
    struct sg_learn_report *report;
    int8_t *monotone;   /* features + 1 */
    float *x;           /* features and score: what the trees see */
    uint32_t *by_score; /* lowest score first, equal ones by key */
    float *weight, *label, *left_weight;
    double *margin, *score, *start;
    struct learn_case *cases;
    struct sg_trees_rows rows;
    struct sg_trees_training training;
};

/* --- examples -------------------------------------------------------------------------------- */

static bool is_told(uint8_t outcome)
{
    return outcome == SG_LEARN_FRAUD || outcome == SG_LEARN_NOTHING;
}

static bool examples_are_good(const struct sg_learn_examples *e, const struct sg_learn_settings *s)
{
    if (e->n < 1 || e->n > SG_TREES_ROWS_MAX || e->features < 1 ||
        e->features > SG_LEARN_FEATURES_MAX || s->rounds < 100 || s->rounds > SG_JUDGE_ROUNDS_MAX ||
        !(s->false_catch >= 0 && s->false_catch <= 0.5) ||
        !(s->overlooked >= 0 && s->overlooked <= 0.5))
        return false;
    for (size_t i = 0; i < e->n; i++)
        if (e->outcome[i] >= SG_LEARN_OUTCOMES || !isfinite(e->score[i]))
            return false;
    for (size_t i = 0; i < e->n * e->features; i++)
        if (isinf(e->x[i]))
            return false;
    return true;
}

static bool enough(size_t fraud, size_t nothing)
{
    return fraud >= SG_LEARN_LEAST && nothing >= SG_LEARN_LEAST;
}

static void count(struct learner *l)
{
    struct sg_learn_report *r = l->report;
    bool any = false;
    for (size_t i = 0; i < l->e->n; i++) {
        const int32_t day = l->e->day[i];
        r->n[l->e->outcome[i]]++;
        if (!is_told(l->e->outcome[i]))
            continue;
        r->first_day = any && r->first_day < day ? r->first_day : day;
        r->last_day = any && r->last_day > day ? r->last_day : day;
        any = true;
    }
}

static int compare_scores(const void *a, const void *b, void *ctx)
{
    const struct sg_learn_examples *e = ((const struct learner *)ctx)->e;
    const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    if (e->score[i] != e->score[j])
        return e->score[i] < e->score[j] ? -1 : 1;
    return (e->key[i] > e->key[j]) - (e->key[i] < e->key[j]);
}

/* Sum of weights, squared, over the sum of squares (Kish 1965). */
static double effective(const struct learner *l)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < l->e->n; i++)
        if (is_told(l->e->outcome[i])) {
            sum += (double)l->weight[i];
            squares += (double)l->weight[i] * (double)l->weight[i];
        }
    return squares > 0 ? sum * sum / squares : 0;
}

static void learner_clear(struct learner *l)
{
    free(l->monotone);
    free(l->x);
    free(l->by_score);
    free(l->weight);
    free(l->label);
    free(l->left_weight);
    free(l->margin);
    free(l->score);
    free(l->start);
    free(l->cases);
}

static int allocate(struct learner *l)
{
    const size_t n = l->e->n, columns = l->e->features + 1;
    l->monotone = calloc(columns, 1);
    l->x = calloc(n * columns, sizeof(*l->x));
    l->by_score = calloc(n, sizeof(*l->by_score));
    l->weight = calloc(n, sizeof(*l->weight));
    l->label = calloc(n, sizeof(*l->label));
    l->left_weight = calloc(n, sizeof(*l->left_weight));
    l->margin = calloc(n, sizeof(*l->margin));
    l->score = calloc(n, sizeof(*l->score));
    l->start = calloc(n, sizeof(*l->start));
    l->cases = calloc(n, sizeof(*l->cases));
    if (!l->monotone || !l->x || !l->by_score || !l->weight || !l->label || !l->left_weight ||
        !l->margin || !l->score || !l->start || !l->cases)
        return sg_raise(-ENOMEM);
    return 0;
}

static void prepare(struct learner *l)
{
    const struct sg_learn_examples *e = l->e;
    const uint32_t columns = e->features + 1;
    for (size_t i = 0; i < e->n; i++) {
        memcpy(l->x + i * columns, e->x + i * e->features, e->features * sizeof(*l->x));
        l->x[i * columns + e->features] = e->score[i];
        l->by_score[i] = (uint32_t)i;
        l->score[i] = (double)e->score[i];
    }
    qsort_r(l->by_score, e->n, sizeof(*l->by_score), compare_scores, l);
    learn_weigh(e, l->s, l->by_score, l->weight, l->label);
    l->report->effective = effective(l);
    if (l->s->training.monotone)
        memcpy(l->monotone, l->s->training.monotone, e->features);
    l->monotone[e->features] = 1;
    l->training = l->s->training;
    l->training.monotone = l->monotone;
    l->rows = (struct sg_trees_rows){.x = l->x,
                                     .label = l->label,
                                     .group = e->group,
                                     .key = e->key,
                                     .start = l->start,
                                     .n = e->n,
                                     .features = columns};
}

/* --- comparing ------------------------------------------------------------------------------- */

/* Both rankings of the told outcomes from a day on, by l->margin and by the score. */
static int compare(struct learner *l, int32_t from, struct sg_learn_comparison *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < l->e->n; i++)
        if (is_told(l->e->outcome[i]) && l->e->day[i] >= from)
            l->cases[n++] = (struct learn_case){.learnt = l->margin[i],
                                                .unsupervised = (double)l->e->score[i],
                                                .group = l->e->group[i],
                                                .thief = l->e->outcome[i] == SG_LEARN_FRAUD};
    return learn_compare(l->cases, n, l->s->rounds, l->training.seed, ret);
}

/* --- learning -------------------------------------------------------------------------------- */

/* From the examples that have weight: the line from the score, and what is added to it. */
static int train(struct learner *l, const float *weight, struct trees_line *ret_line,
                 struct sg_trees **ret)
{
    struct sg_trees_rows rows = l->rows;
    int r = trees_fit_line(l->score, l->label, weight, l->e->n, ret_line);
    if (r)
        return r;
    for (size_t i = 0; i < l->e->n; i++)
        l->start[i] = ret_line->slope * l->score[i] + ret_line->intercept;
    rows.weight = weight;
    return sg_trees_train(ret, &rows, &l->training, NULL);
}

static uint32_t fold_of(const struct learner *l, size_t i)
{
    return (uint32_t)(sg_fraud_mix(l->e->group[i] ^ sg_fraud_mix(l->training.seed)) %
                      SG_LEARN_FOLDS);
}

/* Margins of the examples of a fold, or of all; after train. */
static void judge(struct learner *l, const struct sg_trees *m, const uint32_t *fold)
{
    for (size_t i = 0; i < l->e->n; i++) {
        double added;
        if (fold && fold_of(l, i) != *fold)
            continue;
        sg_trees_margins(m, l->x + i * l->rows.features, 1, &added);
        l->margin[i] = l->start[i] + added;
    }
}

/* Margins of each fold's examples, learnt from the others. */
static int cross(struct learner *l)
{
    int r = 0;
    for (uint32_t fold = 0; r == 0 && fold < SG_LEARN_FOLDS; fold++) {
        SG_CLEANUP(sg_trees_freep) struct sg_trees *m = NULL;
        struct trees_line line;
        for (size_t i = 0; i < l->e->n; i++)
            l->left_weight[i] = fold_of(l, i) == fold ? 0 : l->weight[i];
        r = train(l, l->left_weight, &line, &m);
        if (r == 0)
            judge(l, m, &fold);
    }
    return r;
}

static int compare_by_folds(struct learner *l)
{
    int r = cross(l);
    if (r == SG_TREES_ONE_KIND) /* in the rest of some fold: no comparison */
        return 0;
    if (r)
        return r < 0 ? r : SG_LEARN_BAD;
    r = compare(l, INT32_MIN, &l->report->folds);
    l->report->has_folds = r == 0;
    return r;
}

/* --- the latest third ------------------------------------------------------------------------ */

static int compare_days(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* The day from which on outcomes are held back; days are not cut in two.  There are outcomes. */
static int later_from(const struct learner *l, int32_t *ret)
{
    size_t n = 0;
    SG_FREE int32_t *day = calloc(l->e->n, sizeof(*day));
    if (!day)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < l->e->n; i++)
        if (is_told(l->e->outcome[i]))
            day[n++] = l->e->day[i];
    qsort(day, n, sizeof(*day), compare_days);
    *ret = day[n - n / LATER_PART];
    return 0;
}

static int compare_groups(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* left_weight: of the examples before the day, without the groups of outcomes after it.  Both
 * parts have enough of either kind: *ret. */
static int leave_later_out(struct learner *l, int32_t from, bool *ret)
{
    const struct sg_learn_examples *e = l->e;
    size_t n = 0, before[2] = {0, 0}, after[2] = {0, 0};
    SG_FREE uint64_t *group = calloc(e->n, sizeof(*group));
    if (!group)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < e->n; i++)
        if (is_told(e->outcome[i]) && e->day[i] >= from) {
            group[n++] = e->group[i];
            after[e->outcome[i] == SG_LEARN_FRAUD]++;
        }
    qsort(group, n, sizeof(*group), compare_groups);
    for (size_t i = 0; i < e->n; i++) {
        const bool stays =
            e->day[i] < from && !bsearch(&e->group[i], group, n, sizeof(*group), compare_groups);
        l->left_weight[i] = stays ? l->weight[i] : 0;
        if (stays && is_told(e->outcome[i]))
            before[e->outcome[i] == SG_LEARN_FRAUD]++;
    }
    *ret = enough(before[1], before[0]) && enough(after[1], after[0]);
    return 0;
}

static int compare_later(struct learner *l)
{
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = NULL;
    struct trees_line line;
    int32_t from;
    bool can;
    int r = later_from(l, &from);
    if (r == 0)
        r = leave_later_out(l, from, &can);
    if (r || !can)
        return r;
    r = train(l, l->left_weight, &line, &m);
    if (r)
        return r < 0 ? r : SG_LEARN_BAD;
    judge(l, m, NULL);
    r = compare(l, from, &l->report->later);
    l->report->has_later = r == 0;
    l->report->later_from = from;
    return r;
}

/* --- model ----------------------------------------------------------------------------------- */

int learned_new(struct sg_learned **ret, uint32_t features)
{
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = calloc(1, sizeof(*m));
    if (!m)
        return sg_raise(-ENOMEM);
    m->features = features;
    m->edge = calloc((features + 2) * LEARN_EDGES, sizeof(*m->edge));
    m->count = calloc((features + 2) * SG_DRIFT_CLASSES, sizeof(*m->count));
    if (!m->edge || !m->count)
        return sg_raise(-ENOMEM);
    *ret = TAKE_PTR(m);
    return 0;
}

void sg_learned_free(struct sg_learned *m)
{
    if (!m)
        return;
    sg_trees_free(m->trees);
    free(m->edge);
    free(m->count);
    free(m);
}

/* l->margin is by the model.  The population is that of customers not inspected; if they are few,
 * of all. */
static int keep_population(const struct learner *l, struct sg_learned *m)
{
    const struct sg_learn_examples *e = l->e;
    const uint32_t columns = e->features + 1;
    const bool all = l->report->n[SG_LEARN_UNKNOWN] < 200;
    SG_FREE float *value = calloc(e->n, sizeof(*value));
    if (!value)
        return sg_raise(-ENOMEM);
    for (uint32_t column = 0; column < columns + 1; column++) {
        size_t n = 0;
        for (size_t i = 0; i < e->n; i++)
            if (all || e->outcome[i] == SG_LEARN_UNKNOWN)
                value[n++] = column < columns ? l->x[i * columns + column] : (float)l->margin[i];
        learned_population(m, column, value, n);
    }
    return 0;
}

/* Calibrated on margins out of fold. */
static int calibrate(struct learner *l, struct sg_learned *m)
{
    SG_FREE float *found = calloc(l->e->n, sizeof(*found));
    int r = found ? cross(l) : sg_raise(-ENOMEM);
    for (size_t i = 0; r == 0 && i < l->e->n; i++) {
        l->left_weight[i] = is_told(l->e->outcome[i]) ? l->weight[i] : 0;
        found[i] = l->e->outcome[i] == SG_LEARN_FRAUD;
    }
    return r ? sg_fold(r)
             : sg_fold(sg_trees_calibrate(m->trees, l->margin, found, l->left_weight, l->e->n));
}

static int learn_all(struct learner *l, const char *label, struct sg_learned **ret)
{
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = NULL;
    int r = learned_new(&m, l->e->features);
    if (r == 0)
        r = sg_fold(train(l, l->weight, &m->start, &m->trees));
    if (r == 0)
        r = calibrate(l, m);
    if (r)
        return r;
    for (size_t i = 0; i < l->e->n; i++)
        l->margin[i] = sg_learned_margin(m, l->e->x + i * l->e->features, l->e->score[i]);
    r = keep_population(l, m);
    if (r)
        return r;
    memcpy(m->label, label, strlen(label) + 1);
    m->first_day = l->report->first_day;
    m->last_day = l->report->last_day;
    m->n_fraud = (uint32_t)l->report->n[SG_LEARN_FRAUD];
    m->n_nothing = (uint32_t)l->report->n[SG_LEARN_NOTHING];
    *ret = TAKE_PTR(m);
    return 0;
}

int sg_learn(const struct sg_learn_examples *e, const struct sg_learn_settings *s,
             const char *label, struct sg_learned **ret, struct sg_learn_report *ret_report)
{
    const size_t len = strlen(label);
    sg_assert(len >= 1 && len <= SG_TREES_LABEL_MAX);
    if (!examples_are_good(e, s))
        return SG_LEARN_BAD;
    struct sg_learn_report report = {.first_day = 0};
    SG_CLEANUP(learner_clear) struct learner l = {.e = e, .s = s, .report = &report};
    int r = allocate(&l);
    if (r)
        return r;
    count(&l);
    prepare(&l);
    if (enough(report.n[SG_LEARN_FRAUD], report.n[SG_LEARN_NOTHING])) {
        r = compare_by_folds(&l);
        if (r == 0)
            r = compare_later(&l);
    }
    if (r)
        return r;
    *ret_report = report;
    if (!report.has_folds)
        return SG_LEARN_FEW;
    if (!((report.has_later ? report.later : report.folds).gain.low > 0))
        return SG_LEARN_NOT_BETTER;
    return learn_all(&l, label, ret);
}

int sg_learn_folds(const struct sg_learn_examples *e, const struct sg_learn_settings *s,
                   double *ret_margin, uint32_t *ret_fold)
{
    if (!examples_are_good(e, s))
        return SG_LEARN_BAD;
    struct sg_learn_report report = {.first_day = 0};
    SG_CLEANUP(learner_clear) struct learner l = {.e = e, .s = s, .report = &report};
    int r = allocate(&l);
    if (r)
        return r;
    prepare(&l);
    r = cross(&l);
    if (r)
        return r < 0 ? r : r == SG_TREES_ONE_KIND ? SG_LEARN_FEW : SG_LEARN_BAD;
    memcpy(ret_margin, l.margin, e->n * sizeof(*ret_margin));
    for (size_t i = 0; i < e->n; i++)
        ret_fold[i] = fold_of(&l, i);
    return 0;
}

/* --- using it -------------------------------------------------------------------------------- */

double sg_learned_margin(const struct sg_learned *m, const float *features, float score)
{
    float row[SG_TREES_FEATURES_MAX];
    double margin;
    memcpy(row, features, m->features * sizeof(*row));
    row[m->features] = score;
    sg_trees_margins(m->trees, row, 1, &margin);
    return m->start.slope * (double)score + m->start.intercept + margin;
}

double sg_learned_probability(const struct sg_learned *m, double margin)
{
    return sg_trees_probability(m->trees, margin);
}

struct sg_learned_facts sg_learned_facts(const struct sg_learned *m)
{
    return (struct sg_learned_facts){.label = m->label,
                                     .features = m->features,
                                     .first_day = m->first_day,
                                     .last_day = m->last_day,
                                     .n_fraud = m->n_fraud,
                                     .n_nothing = m->n_nothing};
}

double sg_learned_surprise(const double *probability, const uint8_t *outcome, size_t n,
                           double *ret_found, double *ret_expected)
{
    double found = 0, expected = 0, variance = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_told(outcome[i]))
            continue;
        found += outcome[i] == SG_LEARN_FRAUD;
        expected += probability[i];
        variance += probability[i] * (1 - probability[i]);
    }
    *ret_found = found;
    *ret_expected = expected;
    return variance > 0 ? (found - expected) / sqrt(variance) : 0;
}
