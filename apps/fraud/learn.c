#include "learn.h"

#include <stdatomic.h>
#include <stdio.h>

#include <sealgrid/fraud/features.h>

void learn_label(char ret[SG_TREES_LABEL_MAX + 1])
{
    uint64_t hash = 0;
    for (uint32_t f = 0; f < sg_feature_count(); f++)
        hash = (hash ^ outcomes_hash(sg_bytes_str(sg_feature_name(f)))) * 31;
    snprintf(ret, SG_TREES_LABEL_MAX + 1, "full-features/%08x", (unsigned)(hash >> 32));
}

bool learn_fits(const struct sg_learned *m)
{
    const struct sg_learned_facts facts = sg_learned_facts(m);
    char label[SG_TREES_LABEL_MAX + 1];
    learn_label(label);
    return strcmp(facts.label, label) == 0 && facts.features == sg_feature_count();
}

/* ---- examples ------------------------------------------------------------------------------ */

struct example {
    uint64_t group, key;
    float score;
    int32_t day;
    uint8_t outcome;
};

struct examples {
    struct example *list;
    float *x; /* n rows */
    size_t n, room;
};

struct collector {
    const struct learn_job *job;
    uint32_t features;
    int32_t anchor;          /* the fleet is that of the end of this day */
    int32_t after, until;    /* days of the inspections that take what was known then */
    int32_t done;            /* the anchor before */
    _Atomic int32_t latest;  /* day told of anybody */
    struct examples all;     /* of the anchors that are done, and the inspected ones of this */
    struct examples unknown; /* never inspected, of this anchor */
    size_t unknown_most;     /* of one anchor */
    uint64_t threshold;      /* keys of unknown ones are below */
};

static void examples_clear(struct examples *e)
{
    free(e->list);
    free(e->x);
    *e = (struct examples){.list = NULL};
}

static int make_room(struct examples *e, uint32_t features)
{
    const size_t room = e->room ? 2 * e->room : 256;
    if (e->n < e->room)
        return 0;
    struct example *list = reallocarray(e->list, room, sizeof(*list));
    if (!list)
        return sg_raise(-ENOMEM);
    e->list = list;
    float *x = reallocarray(e->x, room, features * sizeof(*x));
    if (!x)
        return sg_raise(-ENOMEM);
    e->x = x;
    e->room = room;
    return 0;
}

static int add(struct examples *e, uint32_t features, const struct example *one, const float *x)
{
    int r = make_room(e, features);
    if (r)
        return r;
    e->list[e->n] = *one;
    memcpy(e->x + e->n * features, x, features * sizeof(*x));
    e->n++;
    return 0;
}

/* Those of `from` whose keys are below. */
static int add_below(struct examples *to, const struct examples *from, uint32_t features,
                     uint64_t key)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < from->n; i++)
        if (from->list[i].key < key)
            r = add(to, features, &from->list[i], from->x + i * features);
    return r;
}

/* The finalizer of SplitMix64. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t key_of(const struct learn_job *job, uint64_t customer, int32_t day)
{
    return mix(mix(customer ^ mix(job->fleet.seed + 1)) + (uint32_t)day);
}

/* ---- customers never inspected ------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* As many with the smallest keys stay, whatever order they came in. */
static int thin_out(struct collector *c)
{
    struct examples kept = {.list = NULL};
    const size_t n = c->unknown.n;
    if (n <= c->unknown_most)
        return 0;
    SG_FREE uint64_t *key = calloc(n, sizeof(*key));
    if (!key)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < n; i++)
        key[i] = c->unknown.list[i].key;
    qsort(key, n, sizeof(*key), compare_keys);
    c->threshold = key[c->unknown_most];
    int r = add_below(&kept, &c->unknown, c->features, c->threshold);
    examples_clear(&c->unknown);
    c->unknown = kept;
    return r;
}

static int take_unknown(struct collector *c, const struct line *l, uint64_t customer,
                        const float *x)
{
    const struct example e = {.group = customer,
                              .key = key_of(c->job, customer, c->anchor),
                              .score = (float)l->unsupervised,
                              .day = c->anchor,
                              .outcome = SG_LEARN_UNKNOWN};
    if (e.key >= c->threshold)
        return 0;
    int r = add(&c->unknown, c->features, &e, x);
    return r || c->unknown.n < 2 * c->unknown_most ? r : thin_out(c);
}

/* ---- one anchor ---------------------------------------------------------------------------- */

/* Called for every judged customer, one at a time. */
static int take(void *ctx, const struct line *l, const float *x)
{
    struct collector *c = ctx;
    const uint64_t customer = outcomes_hash(sg_bytes_str(l->id));
    size_t n;
    int r = 0;
    const struct outcome *o = outcomes_of(c->job->outcomes, l->id, &n);
    if (!o)
        return take_unknown(c, l, customer, x);
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct example e = {.group = o[i].group,
                                  .key = key_of(c->job, customer, o[i].day),
                                  .score = (float)l->unsupervised,
                                  .day = o[i].day,
                                  .outcome = o[i].outcome};
        if (o[i].day > c->after && o[i].day <= c->until)
            r = add(&c->all, c->features, &e, x);
    }
    return r;
}

enum { READINGS_END = 300 }; /* before the anchor, beside enum learn_outcome */

/* Both passes; a file whose customers lie apart is sorted first.  No day told after `least`:
 * READINGS_END. */
static int learn_and_score(struct fleet *f, int32_t least, uint64_t sort_bytes)
{
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *full = NULL;
    int r = fleet_learn(f, &full);
    if (r == SOURCE_UNGROUPED) {
        r = source_file_sort(f->source, sort_bytes);
        if (r == 0)
            r = fleet_learn(f, &full);
    }
    const int32_t latest = atomic_load(f->latest);
    if ((r == 0 || r == FLEET_NO_MAP) && latest > INT32_MIN && latest < least)
        r = READINGS_END;
    if (r)
        return r;
    f->full = full;
    return fleet_score(f, NULL, NULL);
}

static int one_anchor(struct collector *c, const struct plan *plan, int32_t least)
{
    SG_CLEANUP(source_freep) struct source *source = NULL;
    struct fleet f = c->job->fleet;
    if (c->job->open(c->job->user, plan, &source))
        return LEARN_OPEN;
    f.plan = plan;
    f.source = source;
    f.learned = NULL;
    f.seen = take;
    f.seen_ctx = c;
    f.latest = &c->latest;
    f.phasors = NULL; /* those of a file are of now; the store's come with the source */
    f.balances = NULL;
    f.pictures = 0;
    c->threshold = UINT64_MAX;
    atomic_store(&c->latest, INT32_MIN);
    int r = learn_and_score(&f, least, c->job->sort_bytes);
    if (r == SOURCE_BAD) {
        fprintf(stderr, "sealgrid-fraud: %s\n", source_why(source));
        r = LEARN_OPEN;
    }
    if (r == 0)
        r = thin_out(c);
    if (r == 0)
        r = add_below(&c->all, &c->unknown, c->features, UINT64_MAX);
    examples_clear(&c->unknown);
    return r;
}

/* ---- anchors ------------------------------------------------------------------------------- */

struct span {
    int32_t first, last; /* days of inspections */
};

static struct span span_of(const struct outcomes *o)
{
    struct span s = {o->list[0].day, o->list[0].day};
    for (size_t i = 1; i < o->n; i++) {
        s.first = o->list[i].day < s.first ? o->list[i].day : s.first;
        s.last = o->list[i].day > s.last ? o->list[i].day : s.last;
    }
    return s;
}

static size_t outcomes_within(const struct outcomes *o, int32_t after, int32_t until)
{
    size_t n = 0;
    for (size_t i = 0; i < o->n; i++)
        n += o->list[i].day > after && o->list[i].day <= until;
    return n;
}

/* Windows that are given stay; the others end at the anchor. */
static struct plan plan_at(const struct learn_job *job, int32_t anchor)
{
    struct plan p = *job->plan;
    plan_anchor(&p, anchor);
    p.dated = job->outcomes->dated;
    return p;
}

/* Inspections after a day and up to another, by the fleet of the anchor. */
static int visit(struct collector *c, int32_t anchor, int32_t after, int32_t until, int32_t least,
                 struct learn_result *ret)
{
    if (outcomes_within(c->job->outcomes, after, until) == 0)
        return 0;
    const struct plan plan = plan_at(c->job, anchor);
    c->anchor = anchor;
    c->after = after;
    c->until = until;
    int r = one_anchor(c, &plan, least);
    if (r)
        return r;
    c->done = anchor;
    ret->anchors++;
    return 0;
}

static int visit_fixed(struct collector *c, struct learn_result *ret)
{
    const int32_t anchor = c->job->plan->windows.test.last;
    ret->too_early = outcomes_within(c->job->outcomes, INT32_MIN, anchor);
    c->unknown_most = LEARN_UNKNOWN_MAX;
    int r = visit(c, anchor, anchor, INT32_MAX, INT32_MIN, ret);
    return r == 0 && ret->anchors == 0 ? LEARN_NO_OUTCOME : r;
}

static int visit_all(struct collector *c, struct learn_result *ret)
{
    const struct learn_job *job = c->job;
    const struct span s = span_of(job->outcomes);
    if (job->plan->fixed)
        return visit_fixed(c, ret);
    const int64_t anchors = ((int64_t)s.last - s.first) / job->step + 1;
    if (anchors > LEARN_ANCHORS_MAX)
        return LEARN_TOO_LONG;
    c->unknown_most = LEARN_UNKNOWN_MAX / (size_t)anchors;
    int r = 0;
    int64_t at = (int64_t)s.first - 1;
    for (; r == 0 && at < s.last; at += job->step)
        r = visit(c, (int32_t)at, (int32_t)at, (int32_t)(at + job->step), (int32_t)at, ret);
    if (r != READINGS_END)
        return r;
    const int32_t after = (int32_t)(at - job->step), latest = atomic_load(&c->latest);
    if (latest == c->done) /* the uninspected of that day were drawn then */
        c->unknown_most = 0;
    return visit(c, latest, after, INT32_MAX, INT32_MIN, ret);
}

/* ---- learning ------------------------------------------------------------------------------ */

/* The examples as columns. */
struct columns {
    float *score;
    uint8_t *outcome;
    int32_t *day;
    uint64_t *group, *key;
};

static void columns_clear(struct columns *k)
{
    free(k->score);
    free(k->outcome);
    free(k->day);
    free(k->group);
    free(k->key);
}

static int columns_of(struct columns *k, const struct examples *e)
{
    k->score = calloc(e->n, sizeof(*k->score));
    k->outcome = calloc(e->n, sizeof(*k->outcome));
    k->day = calloc(e->n, sizeof(*k->day));
    k->group = calloc(e->n, sizeof(*k->group));
    k->key = calloc(e->n, sizeof(*k->key));
    if (!k->score || !k->outcome || !k->day || !k->group || !k->key)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < e->n; i++) {
        k->score[i] = e->list[i].score;
        k->outcome[i] = e->list[i].outcome;
        k->day[i] = e->list[i].day;
        k->group[i] = e->list[i].group;
        k->key[i] = e->list[i].key;
    }
    return 0;
}

static int check_old(const struct collector *c, struct learn_check *ret)
{
    const struct sg_learned *old = c->job->old;
    SG_FREE double *probability = calloc(c->all.n, sizeof(*probability));
    SG_FREE uint8_t *outcome = calloc(c->all.n, 1);
    if (!probability || !outcome)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < c->all.n; i++) {
        const struct example *e = &c->all.list[i];
        if (e->day <= sg_learned_facts(old).last_day ||
            (e->outcome != SG_LEARN_FRAUD && e->outcome != SG_LEARN_NOTHING))
            continue;
        probability[ret->n] = sg_learned_probability(
            old, sg_learned_margin(old, c->all.x + i * c->features, e->score));
        outcome[ret->n++] = e->outcome;
    }
    ret->surprise = sg_learned_surprise(probability, outcome, ret->n, &ret->found, &ret->expected);
    return 0;
}

static int learn_from(const struct collector *c, struct learn_result *ret)
{
    SG_CLEANUP(columns_clear) struct columns k = {.score = NULL};
    struct sg_learn_settings s = SG_LEARN_SETTINGS_DEFAULT;
    char label[SG_TREES_LABEL_MAX + 1];
    int r = columns_of(&k, &c->all);
    if (r)
        return r;
    const struct sg_learn_examples e = {.x = c->all.x,
                                        .score = k.score,
                                        .outcome = k.outcome,
                                        .day = k.day,
                                        .group = k.group,
                                        .key = k.key,
                                        .n = c->all.n,
                                        .features = c->features};
    learn_label(label);
    s.training.seed = c->job->fleet.seed;
    s.training.threads = c->job->fleet.threads;
    r = sg_learn(&e, &s, label, &ret->learned, &ret->report);
    if (r < 0 || r == SG_LEARN_BAD)
        return sg_fold(r);
    ret->why_not = r;
    return 0;
}

void learn_result_clear(struct learn_result *r)
{
    sg_learned_free(r->learned);
    *r = (struct learn_result){.learned = NULL};
}

static void collector_clear(struct collector *c)
{
    examples_clear(&c->all);
    examples_clear(&c->unknown);
}

int learn_run(const struct learn_job *job, struct learn_result *ret)
{
    SG_CLEANUP(collector_clear)
    struct collector c = {.job = job, .done = INT32_MIN, .features = sg_feature_count()};
    struct learn_result result = {.features = c.features};
    size_t told = 0;
    int r = visit_all(&c, &result);
    if (r == 0 && c.all.n == 0)
        r = LEARN_NO_OUTCOME;
    for (size_t i = 0; i < c.all.n; i++)
        told += c.all.list[i].outcome != SG_LEARN_UNKNOWN;
    result.not_judged = job->outcomes->n - result.too_early - told;
    if (r == 0 && job->old)
        r = check_old(&c, &result.check);
    if (r == 0)
        r = learn_from(&c, &result);
    if (r == 0)
        *ret = result;
    return r;
}
