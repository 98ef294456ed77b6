#include "fleet.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include <sealgrid/base/clock.h>

#define SECOND_NS INT64_C(1000000000)

/* One pass over the source. */
struct pass {
    const struct fleet *f;
    const char *what;
    const struct sg_som *map; /* NULL: this pass takes a sample, or correlation needs none */
    bool sampling;
    bool unranked;       /* lines are told and forgotten */
    _Atomic int failure; /* first failure or outcome other than the end */
    _Atomic size_t done;
    _Atomic int64_t told_ns;
    pthread_mutex_t lock; /* of all below */
    struct sg_paper_sample *sample;
    struct sg_full_sample *panel;
    struct fleet_result result;
    size_t room_suspects;
};

/* What one thread works with. */
struct worker {
    struct pass *pass;
    struct source_session *session;
    struct sg_fraud_days days;
    struct sg_paper_sample *sample; /* mode paper, pass 1 */
    struct sg_full_sample *panel;   /* mode full, pass 1 */
    struct scorer scorer;
    struct picture picture;
};

void fleet_result_clear(struct fleet_result *r)
{
    ranking_clear(&r->ranking);
    free(r->suspects);
    *r = (struct fleet_result){.suspects = NULL};
}

/* ---- progress ------------------------------------------------------------------------------ */

/* At most once a second, by whoever comes first. */
static void tell(struct pass *p, bool last)
{
    const size_t done = atomic_load(&p->done), of = source_expected(p->f->source);
    const int64_t now = sg_clock_monotonic_ns();
    int64_t told = atomic_load(&p->told_ns);
    if (!p->f->progress || (!last && now - told < SECOND_NS) ||
        !atomic_compare_exchange_strong(&p->told_ns, &told, now))
        return;
    if (of)
        fprintf(stderr, "%s: %zu of %zu customers\n", p->what, done, of);
    else
        fprintf(stderr, "%s: %zu customers\n", p->what, done);
}

/* ---- suspects ------------------------------------------------------------------------------ */

/* The order of the ranking, among those that rank (score_ranks). */
static bool before(const struct suspect *s, const struct line *l)
{
    if (s->score != l->score)
        return s->score > l->score;
    if (s->unsupervised != l->unsupervised)
        return s->unsupervised > l->unsupervised;
    return strcmp(s->id, l->id) < 0;
}

static bool is_among_first(const struct pass *p, const struct line *l)
{
    const struct fleet_result *r = &p->result;
    return r->n_suspects < p->f->pictures || !before(&r->suspects[r->n_suspects - 1], l);
}

/* Of those that came so far: once it is not, it never is. */
static bool wants_picture(void *ctx, const struct line *l)
{
    struct pass *p = ctx;
    pthread_mutex_lock(&p->lock);
    const bool wants = is_among_first(p, l);
    pthread_mutex_unlock(&p->lock);
    return wants;
}

/* Kept in order; the last falls out when there are more than wanted. */
static int keep_picture(struct pass *p, const struct line *l, const struct picture *pic)
{
    struct fleet_result *r = &p->result;
    size_t at = r->n_suspects;
    if (!score_ranks(l) || p->f->pictures == 0 || !is_among_first(p, l))
        return 0;
    if (!r->suspects) {
        r->suspects = calloc(p->f->pictures + 1, sizeof(*r->suspects));
        if (!r->suspects)
            return sg_raise(-ENOMEM);
    }
    while (at > 0 && !before(&r->suspects[at - 1], l))
        at--;
    memmove(&r->suspects[at + 1], &r->suspects[at], (r->n_suspects - at) * sizeof(*r->suspects));
    struct suspect *s = &r->suspects[at];
    memcpy(s->id, l->id, sizeof(s->id));
    s->score = l->score;
    s->unsupervised = l->unsupervised;
    s->picture = *pic;
    r->n_suspects += r->n_suspects < p->f->pictures;
    return 0;
}

/* ---- one customer -------------------------------------------------------------------------- */

static int tell_features(const struct fleet *f, const struct scorer *s, const struct line *l)
{
    if (!f->seen || l->unjudged != JUDGED)
        return 0;
    return f->seen(f->seen_ctx, l, sg_full_judge_features(s->full));
}

static int put_result(struct worker *w, const struct source_notes *notes, const struct line *l,
                      const struct picture *pic)
{
    struct pass *p = w->pass;
    pthread_mutex_lock(&p->lock);
    int r = p->unranked ? 0 : ranking_add(&p->result.ranking, l);
    if (r == 0)
        r = keep_picture(p, l, pic);
    if (r == 0)
        r = tell_features(p->f, &w->scorer, l);
    if (r == 0 && p->f->full && l->unjudged == JUDGED)
        odds_add(&p->result.odds, l->unsupervised);
    p->result.readings += notes->readings;
    p->result.incomplete += notes->incomplete;
    p->result.conflicts += notes->conflicts;
    p->result.bad_facts += notes->bad_facts + notes->bad_rows;
    pthread_mutex_unlock(&p->lock);
    return r;
}

static int take_sample(struct worker *w, const struct source_notes *notes)
{
    plan_renumber(w->pass->f->plan, &w->days, notes->last_day);
    if (w->panel) {
        struct sg_fraud_context ctx = notes->context;
        ctx.epoch = plan_epoch(w->pass->f->plan, notes->last_day);
        int added = sg_full_sample_add(w->panel, &w->days, &ctx);
        return added < 0 ? added : 0;
    }
    int r = sg_paper_sample_add(w->sample, &w->days, w->pass->f->plan->windows.reference);
    return r < 0 ? r : r == SG_PAPER_POINTS ? sg_fold(r) : 0;
}

/* What is known of this customer besides its days. */
static void add_known(const struct fleet *f, const char *id, struct source_notes *notes)
{
    const struct sg_phasor_summary *s = f->phasors ? phasors_find(f->phasors, id) : NULL;
    notes->balance = f->balances ? balances_find(f->balances, id) : NULL;
    if (!s)
        return;
    notes->has_phasors = true;
    notes->phasors = *s;
}

static void note_latest(const struct fleet *f, const struct source_notes *notes)
{
    int32_t known = f->latest ? atomic_load(f->latest) : INT32_MAX;
    while (notes->readings && known < notes->last_day &&
           !atomic_compare_exchange_weak(f->latest, &known, notes->last_day))
        ;
}

static int work_on(struct worker *w, struct source_notes *notes)
{
    const struct fleet *f = w->pass->f;
    struct line l;
    if (f->only && strcmp(f->only, w->days.id) != 0)
        return 0;
    note_latest(f, notes);
    if (w->pass->sampling)
        return take_sample(w, notes);
    add_known(f, w->days.id, notes);
    int r = score_one(&w->scorer, &w->days, notes, &l, f->pictures ? &w->picture : NULL);
    return r ? r : put_result(w, notes, &l, &w->picture);
}

/* ---- threads ------------------------------------------------------------------------------- */

static int worker_init(struct worker *w, struct pass *p)
{
    const uint32_t points = source_points(p->f->source);
    *w = (struct worker){.pass = p};
    int r = source_session_open(p->f->source, &w->session);
    if (r == 0 && p->sampling && p->f->plan->mode == MODE_FULL)
        r = sg_fold(
            sg_full_sample_new(&w->panel, &p->f->plan->windows, SG_FULL_PANEL_DEFAULT, p->f->seed));
    else if (r == 0 && p->sampling)
        r = sg_fold(sg_paper_sample_new(&w->sample, points, SG_PAPER_SAMPLE_DEFAULT, p->f->seed));
    if (r == 0 && !p->sampling)
        r = scorer_init(&w->scorer, p->f->plan, p->map);
    if (r == 0 && !p->sampling && p->f->full)
        r = scorer_use_full(&w->scorer, p->f->full);
    w->scorer.wants_picture = wants_picture;
    w->scorer.wants_ctx = p;
    w->scorer.learned = p->f->learned;
    w->scorer.odds = p->f->odds;
    return r;
}

static void worker_clear(struct worker *w)
{
    source_session_free(w->session);
    sg_fraud_days_clear(&w->days);
    sg_paper_sample_free(w->sample);
    sg_full_sample_free(w->panel);
    scorer_clear(&w->scorer);
}

static int work(struct worker *w)
{
    struct pass *p = w->pass;
    int r = 0;
    while (r == 0 && !atomic_load(&p->failure)) {
        struct source_notes notes;
        r = source_next(p->f->source, w->session, &w->days, &notes);
        if (r == 0) {
            context_fill(p->f->facts, w->days.id, &notes.context);
            r = work_on(w, &notes);
        }
        if (r == 0) {
            atomic_fetch_add(&p->done, 1);
            tell(p, false);
        }
    }
    return r == SOURCE_END ? 0 : r;
}

/* The samples of all threads become one. */
static int hand_in(struct worker *w)
{
    struct pass *p = w->pass;
    int r = 0;
    pthread_mutex_lock(&p->lock);
    if (w->panel && !p->panel)
        p->panel = TAKE_PTR(w->panel);
    else if (w->panel)
        r = sg_full_sample_merge(p->panel, w->panel);
    else if (!p->sample)
        p->sample = TAKE_PTR(w->sample);
    else
        r = sg_paper_sample_merge(p->sample, w->sample);
    pthread_mutex_unlock(&p->lock);
    return r;
}

static void *work_in_thread(void *arg)
{
    struct pass *p = arg;
    struct worker w;
    int none = 0, r = worker_init(&w, p);
    if (r == 0)
        r = work(&w);
    if (r == 0 && p->sampling)
        r = hand_in(&w);
    worker_clear(&w);
    /* The trace is this thread's: it is printed here, once. */
    if (r && atomic_compare_exchange_strong(&p->failure, &none, r) && r < 0)
        fprintf(stderr, "sealgrid-fraud: %s\n", sg_error_trace());
    return NULL;
}

static int run_pass(struct pass *p)
{
    pthread_t threads[SG_SOM_THREADS_MAX];
    unsigned n = 0;
    pthread_mutex_init(&p->lock, NULL);
    p->told_ns = sg_clock_monotonic_ns();
    int r = source_rewind(p->f->source);
    if (r)
        return r;
    while (n < p->f->threads && n < SG_SOM_THREADS_MAX &&
           pthread_create(&threads[n], NULL, work_in_thread, p) == 0)
        n++;
    if (n == 0)
        return sg_raise(-EAGAIN);
    while (n)
        pthread_join(threads[--n], NULL);
    tell(p, true);
    return p->failure;
}

/* ---- passes -------------------------------------------------------------------------------- */

struct epochs {
    const struct fleet *f;
    double error;
    int64_t told_ns;
};

static void note_epoch(void *ctx, uint32_t done, double error)
{
    struct epochs *e = ctx;
    const int64_t now = sg_clock_monotonic_ns();
    e->error = error;
    if (!e->f->progress || now - e->told_ns < SECOND_NS)
        return;
    e->told_ns = now;
    fprintf(stderr, "map: epoch %u, quantisation error %.4f\n", done, error);
}

static int train(const struct fleet *f, struct sg_paper_sample *sample, struct sg_som **ret,
                 double *ret_error)
{
    struct epochs e = {.f = f, .told_ns = sg_clock_monotonic_ns()};
    const struct sg_som_shape shape = SG_SOM_SHAPE_DEFAULT(source_points(f->source));
    struct sg_som_training t = SG_SOM_TRAINING_DEFAULT;
    t.threads = f->threads;
    t.progress = note_epoch;
    t.progress_ctx = &e;
    int r = sg_paper_train(sample, &shape, &t, ret);
    if (r == 0)
        *ret_error = e.error;
    return r == SG_SOM_NO_VECTORS ? FLEET_NO_MAP : sg_fold(r);
}

int fleet_train(const struct fleet *f, struct sg_som **ret, double *ret_error)
{
    struct pass p = {.f = f, .what = "sample", .sampling = true};
    int r = run_pass(&p);
    if (r == 0)
        r = train(f, p.sample, ret, ret_error);
    sg_paper_sample_free(p.sample);
    return r;
}

static void note_learning(void *ctx, const char *what, size_t done, size_t of)
{
    const struct fleet *f = ctx;
    if (f->progress)
        fprintf(stderr, "learning: %s, %zu of %zu\n", what, done, of);
}

int fleet_learn(const struct fleet *f, struct sg_full_model **ret)
{
    struct pass p = {.f = f, .what = "panel", .sampling = true};
    struct sg_full_training t = SG_FULL_TRAINING_DEFAULT;
    t.threads = f->threads < SG_FULL_THREADS_MAX ? f->threads : SG_FULL_THREADS_MAX;
    t.repeats = f->repeats;
    t.trees = f->trees;
    t.progress = note_learning;
    t.progress_ctx = (void *)(uintptr_t)f;
    int r = run_pass(&p);
    if (r == 0)
        r = sg_full_train(p.panel, &t, ret);
    sg_full_sample_free(p.panel);
    return r == SG_FULL_NO_CUSTOMERS ? FLEET_NO_MAP : r;
}

int fleet_score(const struct fleet *f, const struct sg_som *map, struct fleet_result *ret)
{
    struct pass p = {.f = f, .what = "score", .map = map, .unranked = !ret};
    p.result.ranking.room = f->room;
    p.result.ranking.room.first = f->pictures;
    int r = run_pass(&p);
    if (r == 0)
        r = ranking_sort(&p.result.ranking);
    odds_find(&p.result.odds);
    if (r || !ret)
        fleet_result_clear(&p.result);
    else
        *ret = p.result;
    return r;
}
