#include "full-int.h"

#include "exact-int.h"
#include "inject-int.h"
#include "threads-int.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

/* Rows of features of one customer, of each of two eras: the honest one and its copies with a
 * theft.  Eras: the last reference days judged by those before (a placebo: honest by assumption),
 * and the recent days as they are. */
enum era { PLACEBO, NOW, ERAS };

enum {
    COPIES_WANTED = 9216, /* of thefts, in each era */
    REPEATS_MAX = 16,
    PLACEBO_SHARE = 3, /* the placebo is at most this part of the reference */
    SMALL_PANEL = 512, /* more folds below */
    TREES = 160,       /* of a fold */
    MAP_DAYS = 32768,  /* the map is trained on about as many, at most */
};

/* Recent days that stand out more than all but this share of the placebos are no example of
 * honesty. */
#define DOUBTED_SHARE 0.01

struct training {
    const struct sg_full_sample *sample;
    const struct sg_full_training *options;
    struct sg_corr_windows windows[ERAS];
    struct sg_peers peers[ERAS];
    struct sg_full_map map;
    uint32_t kinds, repeats, copies; /* of theft; copies of each; in all */
    uint32_t folds;
    float *x;        /* member x era x (1 + copies) x SG_FEATURES */
    uint8_t *usable; /* member x era */
    double *margin;  /* member x era: honest row, by trees that did not see the member */
    float *off;      /* member x era: taken off that margin for a pattern of honest change */
    bool *doubted;   /* member: its recent days are left out */
    bool placebo;    /* there is room for placebos */
    struct sg_absences absences[ERAS];
    struct sg_absence *absent; /* member x era */
    struct sg_full_usual usual;
    float *rows; /* of the trees at hand */
    float *label, *weight;
    uint64_t *key;
    size_t n_rows;
    atomic_size_t done;
    atomic_int failure;
};

static size_t rows_of_member(const struct training *t)
{
    return (size_t)ERAS * (1 + t->copies);
}

static float *row_at(const struct training *t, size_t member, enum era era, uint32_t copy)
{
    return t->x + ((member * ERAS + era) * (1 + t->copies) + copy) * SG_FEATURES;
}

static struct sg_view view_of(const struct training *t, size_t member, enum era era)
{
    return sg_view_part(&t->sample->member[member].view, &t->windows[era]);
}

static void tell(const struct training *t, const char *what, size_t done, size_t of)
{
    if (t->options->progress)
        t->options->progress(t->options->progress_ctx, what, done, of);
}

/* ---- windows --------------------------------------------------------------------------------- */

static int by_day(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Days from that on which half of the members have readings to the end of the reference: meters
 * may be younger than it. */
static int find_reference(const struct sg_full_sample *s, uint32_t *ret)
{
    SG_FREE int32_t *first = calloc(s->n, sizeof(*first));
    if (!first)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < s->n; i++)
        first[i] = s->member[i].view.day[0];
    qsort(first, s->n, sizeof(*first), by_day);
    *ret = (uint32_t)(s->windows.reference.last - first[(s->n - 1) / 2] + 1);
    return 0;
}

static void make_windows(struct training *t, uint32_t reference)
{
    const struct sg_corr_windows now = t->sample->windows;
    const uint32_t recent = sg_window_days(now.test);
    uint32_t placebo = reference / PLACEBO_SHARE;
    placebo = placebo < recent ? placebo : recent;
    t->windows[NOW] = t->windows[PLACEBO] = now;
    t->placebo = placebo > 0 && !(t->options->without & SG_FULL_PLACEBO);
    if (!t->placebo)
        return;
    t->windows[PLACEBO].test =
        (struct sg_corr_window){now.reference.last - (int32_t)placebo + 1, now.reference.last};
    t->windows[PLACEBO].reference.last = now.reference.last - (int32_t)placebo;
}

/* ---- peers ----------------------------------------------------------------------------------- */

static int make_peers(struct training *t, enum era era, struct sg_feature_work *w)
{
    const bool wanted = !(t->options->without & SG_FULL_PEERS);
    int r = sg_peers_init(&t->peers[era], &t->windows[era], t->sample->n);
    for (size_t i = 0; r == 0 && wanted && i < t->sample->n; i++) {
        const struct sg_view v = view_of(t, i, era);
        if (sg_features_begin(w, &v) == 0)
            sg_peers_add(&t->peers[era], t->sample->member[i].hash, w);
    }
    return r;
}

static int make_absences(struct training *t, enum era era)
{
    SG_FREE struct sg_absence *x = malloc(sizeof(*x));
    int r =
        x ? sg_absences_init(&t->absences[era], &t->windows[era], t->sample->n) : sg_raise(-ENOMEM);
    for (size_t i = 0; r == 0 && i < t->sample->n; i++) {
        const struct sg_view v = view_of(t, i, era);
        if (v.n_reference < 2 || v.n_recent == 0)
            continue;
        sg_absence_of(&v, x);
        sg_absences_add(&t->absences[era], t->sample->member[i].hash, x);
    }
    return r;
}

/* ---- map ------------------------------------------------------------------------------------- */

/* One reference day in so many, by hash. */
static bool is_drawn(const struct training *t, size_t member, int32_t day, uint32_t one_in)
{
    return sg_fraud_mix(t->sample->member[member].hash ^ (uint32_t)day) % one_in == 0;
}

static size_t put_days(const struct training *t, size_t member, uint32_t one_in,
                       const struct sg_feature_work *w, float *x)
{
    size_t n = 0;
    for (uint32_t d = 0; d < w->view->n_reference; d++) {
        if (!is_drawn(t, member, w->view->day[d], one_in))
            continue;
        for (unsigned h = 0; h < SG_VIEW_HOURS; h++)
            x[n * SG_VIEW_HOURS + h] = w->y[h][d];
        n++;
    }
    return n;
}

static int make_map(struct training *t, struct sg_feature_work *w)
{
    const size_t days = t->sample->n * sg_window_days(t->sample->windows.reference);
    const uint32_t one_in = 1 + (uint32_t)(days / MAP_DAYS);
    size_t n = 0, room = 0;
    SG_FREE float *x = NULL;
    for (size_t i = 0; i < t->sample->n; i++) {
        const struct sg_view v = view_of(t, i, NOW);
        if (n + v.n_reference > room) {
            room = 2 * room + v.n_reference;
            float *more = reallocarray(x, room, SG_VIEW_HOURS * sizeof(*x));
            if (!more)
                return sg_raise(-ENOMEM);
            x = more;
        }
        if (sg_features_begin(w, &v) == 0)
            n += put_days(t, i, one_in, w, x + n * SG_VIEW_HOURS);
    }
    int r = sg_full_map_train(&t->map, x, n, t->sample->seed, t->options->threads);
    return r > 0 ? SG_FULL_NO_CUSTOMERS : r;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void make_copies(struct training *t, size_t member, enum era era, const struct sg_view *v,
                        struct sg_feature_work *w, const struct sg_expected *expected,
                        struct sg_view *copy)
{
    const struct sg_inject_base base = {
        .grain = sg_inject_grain(v), .mean = w->level, .peak = w->quantile[4] * w->level};
    const uint64_t key = sg_fraud_mix(t->sample->member[member].hash + (uint64_t)era);
    for (uint32_t c = 0; c < t->copies; c++) {
        sg_inject(v, &base, (enum sg_inject_kind)(c % t->kinds), key + c, copy);
        if (sg_features_begin(w, copy))
            continue;
        sg_features_map(w, &t->map);
        sg_features_end(w, expected, row_at(t, member, era, 1 + c));
        sg_full_leave_out(t->options->without, row_at(t, member, era, 1 + c));
    }
}

static int make_rows(struct training *t, size_t member, enum era era, struct sg_feature_work *w)
{
    const struct sg_view v = view_of(t, member, era);
    SG_CLEANUP(sg_view_clear) struct sg_view copy = {.x = NULL};
    struct sg_expected expected;
    if (sg_features_begin(w, &v))
        return 0;
    int r = sg_view_copy(&copy, &v);
    if (r)
        return r;
    sg_peers_expect(&t->peers[era], t->sample->member[member].hash, w, &expected);
    sg_features_map(w, &t->map);
    sg_features_end(w, &expected, row_at(t, member, era, 0));
    sg_full_leave_out(t->options->without, row_at(t, member, era, 0));
    if (!(t->options->without & SG_FULL_EXCUSES))
        t->off[member * ERAS + era] = sg_full_find_excuse(w, row_at(t, member, era, 0), NULL).off;
    make_copies(t, member, era, &v, w, &expected, &copy);
    t->absent[member * ERAS + era] =
        sg_full_absence(&t->absences[era], t->options->without, t->sample->member[member].hash, &v);
    t->usable[member * ERAS + era] = 1;
    return 0;
}

static void make_member(void *ctx, size_t member)
{
    struct training *t = ctx;
    SG_FREE struct sg_feature_work *w = malloc(sizeof(*w));
    int r = w ? 0 : -ENOMEM;
    for (enum era era = t->placebo ? PLACEBO : NOW; r == 0 && era < ERAS; era++)
        r = make_rows(t, member, era, w);
    if (r)
        atomic_store(&t->failure, r);
}

/* ---- trees ----------------------------------------------------------------------------------- */

static void put_row(struct training *t, size_t member, enum era era, uint32_t copy)
{
    memcpy(t->rows + t->n_rows * SG_FEATURES, row_at(t, member, era, copy),
           SG_FEATURES * sizeof(float));
    t->label[t->n_rows] = copy ? 1 : 0;
    t->key[t->n_rows] = sg_fraud_mix(t->sample->member[member].hash ^ ((uint64_t)era << 32 | copy));
    t->n_rows++;
}

static void put_member(struct training *t, size_t member, enum era era)
{
    if (!t->usable[member * ERAS + era] || (era == NOW && t->doubted[member]))
        return;
    for (uint32_t c = 0; c <= t->copies; c++)
        put_row(t, member, era, c);
}

/* Honest and thieving rows weigh the same in all, a row of a thief 1. */
static void weigh(struct training *t)
{
    size_t honest = 0;
    for (size_t i = 0; i < t->n_rows; i++)
        honest += t->label[i] < 0.5f;
    const float weight = honest ? (float)(t->n_rows - honest) / (float)honest : 1;
    for (size_t i = 0; i < t->n_rows; i++)
        t->weight[i] = t->label[i] < 0.5f ? weight : 1;
}

static int grow_trees(struct training *t, uint32_t fold, bool now, struct sg_trees **ret)
{
    struct sg_trees_training how = SG_TREES_TRAINING_DEFAULT;
    how.trees = t->options->trees ? t->options->trees : TREES;
    how.leaves = 12;
    how.bins = 64;
    how.shrinkage = 0.12;
    how.l2 = 5;
    how.least_child = 3;
    how.column_share = 0.4;
    how.seed = t->sample->seed;
    how.threads = t->options->threads;
    t->n_rows = 0;
    for (size_t i = 0; i < t->sample->n; i++) {
        if (sg_full_fold(t->sample->member[i].hash, t->folds) == fold)
            continue;
        if (t->placebo)
            put_member(t, i, PLACEBO);
        if (now)
            put_member(t, i, NOW);
    }
    weigh(t);
    const struct sg_trees_rows rows = {.x = t->rows,
                                       .label = t->label,
                                       .weight = t->weight,
                                       .key = t->key,
                                       .n = t->n_rows,
                                       .features = SG_FEATURES};
    return t->n_rows ? sg_trees_train(ret, &rows, &how, NULL) : SG_TREES_ONE_KIND;
}

static void judge_row(struct training *t, size_t member, enum era era, const struct sg_trees *trees)
{
    const size_t at = member * ERAS + era;
    if (!t->usable[at])
        return;
    sg_trees_margins(trees, row_at(t, member, era, 0), 1, &t->margin[at]);
    t->margin[at] += sg_full_missing(&t->usual, &t->absent[at]) - (double)t->off[at];
}

static void judge_fold(struct training *t, uint32_t fold, const struct sg_trees *trees)
{
    for (size_t i = 0; i < t->sample->n; i++)
        for (enum era era = PLACEBO; era < ERAS; era++)
            if (sg_full_fold(t->sample->member[i].hash, t->folds) == fold)
                judge_row(t, i, era, trees);
}

static int by_falling(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* In the file's steps, so that a model read back is the same. */
static float hundredth_of(float *v, uint32_t n)
{
    qsort(v, n, sizeof(*v), by_falling);
    return n && v[n / 100] > 0 ? (float)(uint32_t)(v[n / 100] * 1e4f + 0.5f) / 1e4f : 0;
}

/* What 99 of 100 honest months miss more than those before them, at most.  Outages do not count. */
static int find_missing(struct training *t)
{
    const enum era era = t->placebo ? PLACEBO : NOW;
    SG_FREE float *gone = calloc(t->sample->n, sizeof(*gone));
    SG_FREE float *touched = calloc(t->sample->n, sizeof(*touched));
    uint32_t n = 0;
    if (!gone || !touched)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < t->sample->n; i++) {
        const struct sg_absence *x = &t->absent[i * ERAS + era];
        if (!t->usable[i * ERAS + era])
            continue;
        gone[n] = x->alike < SG_ABSENCE_TOGETHER ? x->gone : 0;
        touched[n++] = x->alike < SG_ABSENCE_TOGETHER ? x->touched : 0;
    }
    t->usual = (struct sg_full_usual){hundredth_of(gone, n), hundredth_of(touched, n)};
    return 0;
}

/* Margins of honest windows: placebos if there are any. */
static int collect_null(const struct training *t, struct sg_full_model *m)
{
    const enum era era = t->placebo ? PLACEBO : NOW;
    free(m->null);
    m->n_null = 0;
    m->null = calloc(t->sample->n, sizeof(*m->null));
    if (!m->null)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < t->sample->n; i++)
        if (t->usable[i * ERAS + era])
            m->null[m->n_null++] = (float)t->margin[i * ERAS + era];
    qsort(m->null, m->n_null, sizeof(*m->null), by_falling);
    return 0;
}

static void doubt(struct training *t, const struct sg_full_model *m)
{
    const float cut = m->null[(size_t)(DOUBTED_SHARE * m->n_null)];
    for (size_t i = 0; i < t->sample->n; i++)
        t->doubted[i] = t->usable[i * ERAS + NOW] && (float)t->margin[i * ERAS + NOW] > cut;
}

/* One model a fold, each judging the members it did not see. */
static int stage(struct training *t, bool now, struct sg_full_model *m)
{
    for (uint32_t f = 0; f < t->folds; f++) {
        sg_trees_free(m->trees[f]);
        m->trees[f] = NULL;
        int r = grow_trees(t, f, now, &m->trees[f]);
        if (r)
            return r == SG_TREES_ONE_KIND ? SG_FULL_NO_CUSTOMERS : sg_fold(r);
        judge_fold(t, f, m->trees[f]);
        tell(t, now ? "trees" : "trees of the placebo", f + 1, t->folds);
    }
    int r = collect_null(t, m);
    return r == 0 && m->n_null == 0 ? SG_FULL_NO_CUSTOMERS : r;
}

/* ---- all ------------------------------------------------------------------------------------- */

static void training_clear(struct training *t)
{
    sg_peers_clear(&t->peers[PLACEBO]);
    sg_peers_clear(&t->peers[NOW]);
    sg_full_map_clear(&t->map);
    free(t->x);
    free(t->usable);
    free(t->margin);
    free(t->off);
    free(t->doubted);
    free(t->rows);
    free(t->label);
    free(t->weight);
    free(t->key);
    free(t->absent);
    sg_absences_clear(&t->absences[PLACEBO]);
    sg_absences_clear(&t->absences[NOW]);
}

static uint32_t choose_repeats(const struct sg_full_training *options, size_t customers)
{
    const size_t repeats = COPIES_WANTED / SG_INJECT_COUNT / customers;
    if (options->repeats)
        return options->repeats < REPEATS_MAX ? options->repeats : REPEATS_MAX;
    return repeats < 1 ? 1 : repeats > REPEATS_MAX ? REPEATS_MAX : (uint32_t)repeats;
}

static int training_init(struct training *t)
{
    const size_t n = t->sample->n;
    t->repeats = choose_repeats(t->options, n);
    t->kinds = SG_INJECT_COUNT - (t->options->without & SG_FULL_GENERAL ? 1 : 0);
    t->copies = t->repeats * t->kinds;
    t->folds = n < SMALL_PANEL ? SG_FULL_FOLDS_MAX : 2;
    const size_t rows = n * rows_of_member(t);
    uint32_t reference;
    int r = find_reference(t->sample, &reference);
    if (r)
        return r;
    make_windows(t, reference);
    t->x = calloc(rows * SG_FEATURES, sizeof(float));
    t->usable = calloc(n * ERAS, 1);
    t->margin = calloc(n * ERAS, sizeof(double));
    t->off = calloc(n * ERAS, sizeof(float));
    t->doubted = calloc(n, sizeof(bool));
    t->rows = calloc(rows * SG_FEATURES, sizeof(float));
    t->label = calloc(rows, sizeof(float));
    t->weight = calloc(rows, sizeof(float));
    t->key = calloc(rows, sizeof(uint64_t));
    t->absent = calloc(n * ERAS, sizeof(*t->absent));
    return t->x && t->usable && t->margin && t->off && t->doubted && t->rows && t->label &&
                   t->weight && t->key && t->absent
               ? 0
               : sg_raise(-ENOMEM);
}

static int train(struct training *t, struct sg_full_model *m)
{
    SG_FREE struct sg_feature_work *w = malloc(sizeof(*w));
    int r = w ? training_init(t) : sg_raise(-ENOMEM);
    for (enum era era = t->placebo ? PLACEBO : NOW; r == 0 && era < ERAS; era++)
        r = make_peers(t, era, w);
    for (enum era era = t->placebo ? PLACEBO : NOW; r == 0 && era < ERAS; era++)
        r = make_absences(t, era);
    if (r == 0 && !(t->options->without & SG_FULL_MAP))
        r = make_map(t, w);
    if (r)
        return r;
    sg_fraud_each(t->options->threads, t->sample->n, make_member, t);
    if (atomic_load(&t->failure))
        return sg_raise(-ENOMEM);
    tell(t, "thefts", t->sample->n, t->sample->n);
    m->folds = t->folds;
    r = find_missing(t);
    m->usual = t->usual;
    if (r == 0 && t->placebo) {
        r = stage(t, false, m);
        if (r == 0 && !(t->options->without & SG_FULL_DOUBT))
            doubt(t, m);
    }
    const bool now = !t->placebo || !(t->options->without & SG_FULL_NOW);
    return r || !now ? r : stage(t, true, m);
}

int sg_full_train(struct sg_full_sample *s, const struct sg_full_training *options,
                  struct sg_full_model **ret)
{
    if (s->n < SG_FULL_PANEL_LEAST)
        return SG_FULL_NO_CUSTOMERS;
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *m = calloc(1, sizeof(*m));
    SG_CLEANUP(training_clear) struct training t = {.sample = s, .options = options};
    if (!m)
        return sg_raise(-ENOMEM);
    sg_full_sample_sort(s);
    m->windows = s->windows;
    m->seed = s->seed;
    m->without = options->without;
    int r = train(&t, m);
    if (r)
        return r;
    m->peers = t.peers[NOW];
    t.peers[NOW] = (struct sg_peers){.n = 0};
    m->absences = t.absences[NOW];
    t.absences[NOW] = (struct sg_absences){.n = 0};
    m->map = t.map;
    t.map = (struct sg_full_map){.som = NULL};
    sg_full_fit_tail(m);
    *ret = TAKE_PTR(m);
    return 0;
}
