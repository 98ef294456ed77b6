/*
 * supervised-bench [--seed N] [--part 0|1|2] [--buildings F] [ROWS LABELS] - what a ranking learnt
 * from inspections finds, cross-validated by building: every customer is judged by trees that saw
 * no customer of its building.  Buildings with the same load but for a factor (two names of one
 * meter, or a share of it) count as one building.
 *
 * Without ROWS: thefts that this program injects into honest windows of buildings
 * (cambridge_hourly_shared.csv.gz in $SEALGRID_DATA or ../shared/data) of one part, or of both (2);
 * fails if less is found than when it was made.  With ROWS and LABELS: a labelled benchmark in the
 * shared form, whose customers are windows of the same buildings under shuffled ids; which building
 * is found by its honest days 0..89 in F (or the rows of buildings above); if some are not, folds
 * are not by building, and the program fails.  Buildings serve the folds alone.
 *
 * Every customer counts as inspected, its label as the outcome.  The unsupervised score, which is
 * one of the features, comes from mode full over all customers without labels.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/fraud/full.h>
#include <sealgrid/fraud/learn.h>
#include <sealgrid/meter/daily-rows.h>

#include "labels.h"
#include "theft.h"
#include "windows.h"

#define THIEVES 0.085

enum { FOLDS = SG_LEARN_FOLDS, TYPES = 9 };

struct customer {
    char id[SG_FRAUD_ID_MAX + 1];
    struct window w; /* meter "": its building was not found */
    int type;        /* 0: honest */
};

struct bench {
    struct customer *list;
    size_t n, room;
    uint64_t seed;
    uint32_t features;
    size_t lost; /* customers of buildings not known */
    float *x, *score;
    uint8_t *outcome;
    int32_t *day;
    uint64_t *group, *key;
    uint32_t *fold;
    double *margin;
};

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t hash_of(const void *p, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const uint8_t *)p)[i]) * UINT64_C(0x100000001b3);
    return mix(h);
}

/* --- customers ------------------------------------------------------------------------------- */

static struct customer *next_customer(struct bench *b)
{
    if (b->n == b->room) {
        const size_t room = b->room ? 2 * b->room : 512;
        struct customer *list = reallocarray(b->list, room, sizeof(*list));
        if (!list)
            return NULL;
        b->list = list;
        b->room = room;
    }
    b->list[b->n] = (struct customer){.type = 0};
    return &b->list[b->n++];
}

/* Every window a customer, one in twelve a thief of the next type. */
static int inject(struct bench *b, const struct windows *all, int part)
{
    struct draw d = {b->seed * 1000003 + 17};
    int thieves = 0;
    for (size_t i = 0; i < all->n; i++) {
        if (part != 2 && windows_part(&all->list[i]) != part)
            continue;
        struct customer *c = next_customer(b);
        if (!c)
            return sg_raise(-ENOMEM);
        snprintf(c->id, sizeof(c->id), "c%05zu", b->n);
        c->w = all->list[i];
        if (draw_share(&d) >= THIEVES)
            continue;
        c->type = thieves++ % THEFT_TYPES + 1;
        (void)theft_do(&c->w, c->type, &d);
    }
    return 0;
}

static int take_row(struct bench *b, const struct sg_daily_row *row)
{
    struct customer *c = b->n ? &b->list[b->n - 1] : NULL;
    if (!c || !sg_bytes_equal(row->customer, sg_bytes_str(c->id))) {
        c = next_customer(b);
        if (!c)
            return sg_raise(-ENOMEM);
        memcpy(c->id, row->customer.data, row->customer.len);
        c->w.weekday = row->weekday;
    }
    if (row->day < 0 || row->day >= WINDOW_DAYS || row->missing)
        return 1;
    memcpy(c->w.load[row->day], row->load, sizeof(c->w.load[0]));
    return 0;
}

static int read_rows(struct bench *b, const char *path)
{
    SG_CLEANUP(sg_daily_freep) struct sg_daily *in = NULL;
    struct sg_daily_error why = {.line = 0};
    struct sg_daily_row row;
    int r = sg_daily_open(&in, path, &why);
    if (r == 0 && sg_daily_points(in) != WINDOW_HOURS)
        r = SG_DAILY_BAD;
    while (r == 0 && (r = sg_daily_next(in, &row, &why)) == 0)
        r = take_row(b, &row);
    if (r == SG_DAILY_END)
        return 0;
    if (r > 0)
        fprintf(stderr, "%s: line %llu: %s\n", path, (unsigned long long)why.line, why.text);
    return r < 0 ? r : 1;
}

static int read_labels(struct bench *b, const char *path)
{
    SG_CLEANUP(labels_clear) struct labels l = {.list = NULL};
    char why[160];
    int r = labels_read(&l, path, why);
    for (size_t i = 0; r == 0 && i < b->n; i++) {
        const struct label *one = labels_find(&l, b->list[i].id);
        if (!one) {
            snprintf(why, sizeof(why), "no label of customer %s", b->list[i].id);
            r = 1;
        } else if (one->thief) {
            b->list[i].type = one->type ? one->type : TYPES - 1;
        }
    }
    if (r > 0)
        fprintf(stderr, "%s: %s\n", path, why);
    return r;
}

/* --- buildings ------------------------------------------------------------------------------- */

static uint64_t honest_hash(const struct window *w)
{
    float honest[WINDOW_REFERENCE][WINDOW_HOURS];
    for (int d = 0; d < WINDOW_REFERENCE; d++)
        for (int h = 0; h < WINDOW_HOURS; h++) /* one bit pattern for one decimal */
            honest[d][h] = (float)(floor((double)w->load[d][h] * 10 + 0.5) / 10);
    return hash_of(honest, sizeof(honest));
}

/* How many customers have none. */
static size_t find_buildings(struct bench *b, const struct windows *all)
{
    SG_FREE uint64_t *hash = calloc(all->n, sizeof(*hash));
    size_t lost = 0;
    for (size_t k = 0; hash && k < all->n; k++)
        hash[k] = honest_hash(&all->list[k]);
    for (size_t i = 0; hash && i < b->n; i++) {
        const uint64_t wanted = honest_hash(&b->list[i].w);
        size_t k = 0;
        while (k < all->n && hash[k] != wanted)
            k++;
        if (k == all->n)
            lost++;
        else
            memcpy(b->list[i].w.meter, all->list[k].meter, sizeof(all->list[k].meter));
    }
    return lost;
}

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* How many buildings. */
static size_t count_groups(const struct bench *b)
{
    SG_FREE uint64_t *group = calloc(b->n, sizeof(*group));
    size_t n = 0;
    if (!group)
        return 0;
    memcpy(group, b->group, b->n * sizeof(*group));
    qsort(group, b->n, sizeof(*group), compare_hashes);
    for (size_t i = 0; i < b->n; i++)
        n += i == 0 || group[i] != group[i - 1];
    return n;
}

/* --- features -------------------------------------------------------------------------------- */

static int to_days(const struct customer *c, struct sg_fraud_days *d)
{
    int r = sg_fraud_days_start(d, c->id, WINDOW_HOURS);
    for (int day = 0; r == 0 && day < WINDOW_DAYS; day++)
        r = sg_fraud_days_add(d, day, (uint8_t)((c->w.weekday + day) % 7), c->w.load[day], NULL);
    return sg_fold(r);
}

static int make_model(const struct bench *b, struct sg_full_model **ret)
{
    const struct sg_corr_windows windows = SG_CORR_WINDOWS_DEFAULT;
    SG_CLEANUP(sg_full_sample_freep) struct sg_full_sample *s = NULL;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct sg_full_training t = SG_FULL_TRAINING_DEFAULT;
    t.threads = 2;
    int r = sg_full_sample_new(&s, &windows, SG_FULL_PANEL_DEFAULT, b->seed);
    for (size_t i = 0; r == 0 && i < b->n; i++) {
        r = to_days(&b->list[i], &d);
        if (r == 0)
            r = sg_full_sample_add(s, &d, NULL);
    }
    return r ? r : sg_full_train(s, &t, ret);
}

static int allocate(struct bench *b)
{
    b->features = sg_feature_count();
    b->x = calloc(b->n * b->features, sizeof(*b->x));
    b->score = calloc(b->n, sizeof(*b->score));
    b->outcome = calloc(b->n, 1);
    b->day = calloc(b->n, sizeof(*b->day));
    b->group = calloc(b->n, sizeof(*b->group));
    b->key = calloc(b->n, sizeof(*b->key));
    b->fold = calloc(b->n, sizeof(*b->fold));
    b->margin = calloc(b->n, sizeof(*b->margin));
    return b->x && b->score && b->outcome && b->day && b->group && b->key && b->fold && b->margin
               ? 0
               : sg_raise(-ENOMEM);
}

static int find_features(struct bench *b)
{
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *m = NULL;
    SG_CLEANUP(sg_full_judge_freep) struct sg_full_judge *j = NULL;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    int r = make_model(b, &m);
    if (r == 0)
        r = sg_full_judge_new(&j, m);
    for (size_t i = 0; r == 0 && i < b->n; i++) {
        const struct customer *c = &b->list[i];
        struct sg_full_score s;
        r = to_days(c, &d);
        if (r == 0)
            r = sg_fold(sg_full_judge_score(j, &d, NULL, &s));
        if (r)
            return r;
        memcpy(b->x + i * b->features, sg_full_judge_features(j), b->features * sizeof(*b->x));
        b->score[i] = (float)s.score;
        b->outcome[i] = c->type ? SG_LEARN_FRAUD : SG_LEARN_NOTHING;
        b->day[i] = WINDOW_DAYS;
        b->group[i] =
            c->w.meter[0] ? hash_of(c->w.meter, strlen(c->w.meter)) : hash_of(c->id, strlen(c->id));
        b->key[i] = hash_of(c->id, strlen(c->id));
    }
    return r;
}

/* --- figures --------------------------------------------------------------------------------- */

enum { AP, AUC, P20, P50, P100, FALSE_ALARMS, FIGURES };

static const struct sg_judge_figure figures[FIGURES] = {
    {SG_JUDGE_AVERAGE_PRECISION, 0}, {SG_JUDGE_AUC, 0},
    {SG_JUDGE_PRECISION_AT, 20},     {SG_JUDGE_PRECISION_AT, 50},
    {SG_JUDGE_PRECISION_AT, 100},    {SG_JUDGE_FALSE_PER_1000, 0.5}};

/* fold FOLDS: all; type 0: all. */
static size_t cases_of(const struct bench *b, bool learnt, uint32_t fold, int type,
                       struct sg_judge_case *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        const int is = b->list[i].type;
        if ((fold == FOLDS || b->fold[i] == fold) && (!type || !is || is == type))
            ret[n++] = (struct sg_judge_case){.score = learnt ? b->margin[i] : (double)b->score[i],
                                              .thief = is > 0};
    }
    return n;
}

static int print_fold(const struct bench *b, uint32_t fold, struct sg_judge_case *some)
{
    const struct sg_judge_rounds rounds = {1000, 1, 0.95};
    struct sg_judge_interval v[FIGURES];
    const size_t n = cases_of(b, true, fold, 0, some);
    size_t thieves = 0;
    for (size_t i = 0; i < n; i++)
        thieves += some[i].thief;
    int r = sg_judge(some, n, figures, FIGURES, &rounds, v);
    if (r)
        return r;
    printf("fold %u: %4zu customers, %3zu thieves: AP %.3f [%.3f, %.3f] AUC %.3f [%.3f, %.3f] "
           "P@20 %.2f [%.2f, %.2f]\n",
           fold + 1, n, thieves, v[AP].value, v[AP].low, v[AP].high, v[AUC].value, v[AUC].low,
           v[AUC].high, v[P20].value, v[P20].low, v[P20].high);
    return 0;
}

static int print_all(const struct bench *b, const char *name, bool learnt,
                     struct sg_judge_case *all, double *ret_ap)
{
    const struct sg_judge_rounds rounds = {1000, 1, 0.95}, none = {.level = 0.95};
    const struct sg_judge_figure auc = {SG_JUDGE_AUC, 0};
    struct sg_judge_interval v[FIGURES], of_type;
    int r = sg_judge(all, cases_of(b, learnt, FOLDS, 0, all), figures, FIGURES, &rounds, v);
    if (r)
        return r;
    printf("%-12s AP %.4f [%.3f, %.3f] AUC %.4f [%.3f, %.3f] P@50 %.2f [%.2f, %.2f] "
           "P@100 %.2f [%.2f, %.2f] false of 1,000 at half %.1f; types",
           name, v[AP].value, v[AP].low, v[AP].high, v[AUC].value, v[AUC].low, v[AUC].high,
           v[P50].value, v[P50].low, v[P50].high, v[P100].value, v[P100].low, v[P100].high,
           v[FALSE_ALARMS].value);
    for (int type = 1; r == 0 && type < TYPES; type++) {
        r = sg_judge(all, cases_of(b, learnt, FOLDS, type, all), &auc, 1, &none, &of_type);
        printf(" %.3f", of_type.value);
    }
    printf("\n");
    *ret_ap = v[AP].value;
    return r;
}

static struct sg_learn_examples examples_of(const struct bench *b)
{
    return (struct sg_learn_examples){b->x,     b->score, b->outcome, b->day,
                                      b->group, b->key,   b->n,       b->features};
}

static struct sg_learn_settings settings_of(const struct bench *b)
{
    struct sg_learn_settings s = SG_LEARN_SETTINGS_DEFAULT;
    s.training.seed = b->seed;
    s.training.threads = 2;
    return s;
}

/* What sg_learn itself says: intervals that draw whole buildings. */
static int print_learn(const struct bench *b)
{
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = NULL;
    const struct sg_learn_examples e = examples_of(b);
    const struct sg_learn_settings s = settings_of(b);
    struct sg_learn_report report;
    int r = sg_learn(&e, &s, "bench", &m, &report);
    if (r < 0 || r == SG_LEARN_FEW || r == SG_LEARN_BAD)
        return sg_fold(r);
    const struct sg_learn_comparison *c = &report.folds;
    printf("drawn by building: AP unsupervised %.4f [%.3f, %.3f] learnt %.4f [%.3f, %.3f]; gain "
           "%+.4f, 80 %% [%+.4f, %+.4f]: %s\n",
           c->unsupervised.value, c->unsupervised.low, c->unsupervised.high, c->learnt.value,
           c->learnt.low, c->learnt.high, c->gain.value, c->gain.low, c->gain.high,
           m ? "learnt" : "the unsupervised ranking is kept");
    return 0;
}

static int evaluate(struct bench *b, double *ret_ap)
{
    SG_FREE struct sg_judge_case *all = calloc(b->n, sizeof(*all));
    double unsupervised;
    int r = all ? allocate(b) : sg_raise(-ENOMEM);
    if (r == 0)
        r = find_features(b);
    if (r)
        return r;
    const struct sg_learn_examples e = examples_of(b);
    const struct sg_learn_settings s = settings_of(b);
    printf("%zu customers of %zu buildings\n", b->n, count_groups(b));
    r = sg_fold(sg_learn_folds(&e, &s, b->margin, b->fold));
    for (uint32_t fold = 0; r == 0 && fold < FOLDS; fold++)
        r = print_fold(b, fold, all);
    if (r == 0)
        r = print_all(b, "unsupervised", false, all, &unsupervised);
    if (r == 0)
        r = print_all(b, "learnt", true, all, ret_ap);
    return r ? r : print_learn(b);
}

/* --- options --------------------------------------------------------------------------------- */

struct arguments {
    const char *rows, *labels, *buildings;
    uint64_t seed;
    int part;
};

static bool parse(int argc, char **argv, struct arguments *a)
{
    for (int i = 1; i < argc; i++) {
        const bool more = i + 1 < argc;
        if (!strcmp(argv[i], "--seed") && more)
            a->seed = strtoull(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--part") && more)
            a->part = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--buildings") && more)
            a->buildings = argv[++i];
        else if (argv[i][0] != '-' && !a->rows)
            a->rows = argv[i];
        else if (argv[i][0] != '-' && !a->labels)
            a->labels = argv[i];
        else
            return false;
    }
    return !a->rows == !a->labels;
}

static int fill(struct bench *b, const struct arguments *a, const struct windows *all)
{
    if (!a->rows)
        return inject(b, all, a->part);
    int r = read_rows(b, a->rows);
    if (r == 0)
        r = read_labels(b, a->labels);
    if (r == 0)
        b->lost = find_buildings(b, all);
    return r;
}

static void bench_clear(struct bench *b)
{
    free(b->list);
    free(b->x);
    free(b->score);
    free(b->outcome);
    free(b->day);
    free(b->group);
    free(b->key);
    free(b->fold);
    free(b->margin);
}

int main(int argc, char **argv)
{
    const char *folder = getenv("SEALGRID_DATA");
    char buildings[1024];
    snprintf(buildings, sizeof(buildings), "%s/cambridge_hourly_shared.csv.gz",
             folder ? folder : "../shared/data");
    struct arguments a = {.seed = 1};
    SG_CLEANUP(windows_clear) struct windows all = {.list = NULL};
    SG_CLEANUP(bench_clear) struct bench b = {.n = 0};
    double ap = 0;
    if (!parse(argc, argv, &a)) {
        fprintf(stderr,
                "supervised-bench [--seed N] [--part 0|1|2] [--buildings F] [ROWS LABELS]\n");
        return 2;
    }
    if (!a.buildings)
        a.buildings = buildings;
    if (access(a.buildings, R_OK)) {
        printf("skipped: no %s\n", a.buildings);
        return 0;
    }
    b.seed = a.seed;
    int r = windows_read(&all, a.buildings);
    if (r == 0)
        printf("%zu windows of buildings are those of another\n", windows_join_twins(&all));
    if (r == 0)
        r = fill(&b, &a, &all);
    if (r == 0)
        r = evaluate(&b, &ap);
    if (r < 0)
        fprintf(stderr, "%s\n", sg_error_trace());
    if (r == 0 && !a.rows && ap < 0.9) {
        printf("less than was found when it was made\n");
        return 1;
    }
    if (r == 0 && b.lost) {
        printf("not cross-validated by building: of %zu customers it is not known (--buildings)\n",
               b.lost);
        return 1;
    }
    return r != 0;
}
