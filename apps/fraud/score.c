#include "score.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include <sealgrid/base/clock.h>

int scorer_init(struct scorer *s, const struct plan *plan, const struct sg_som *map)
{
    *s = (struct scorer){.plan = plan};
    return map ? sg_fold(sg_paper_judge_new(&s->judge, map, &plan->windows, NULL)) : 0;
}

int scorer_use_full(struct scorer *s, const struct sg_full_model *m)
{
    return sg_full_judge_new(&s->full, m);
}

void scorer_clear(struct scorer *s)
{
    sg_paper_judge_free(s->judge);
    sg_full_judge_free(s->full);
    free(s->r);
    *s = (struct scorer){.plan = NULL};
}

static int make_room(struct scorer *s, uint32_t n)
{
    if (n <= s->room)
        return 0;
    double *r = reallocarray(s->r, n, sizeof(*r));
    if (!r)
        return sg_raise(-ENOMEM);
    s->r = r;
    s->room = n;
    return 0;
}

static enum sg_fraud_day_kind kind_of(const struct sg_fraud_days *d, uint32_t i)
{
    return sg_fraud_day_kind_of(d->weekday[i]);
}

/* ---- which days ---------------------------------------------------------------------------- */

/* Indices of the regular and the recent days. */
struct parts {
    uint32_t reference, n_reference, recent, n_recent;
};

/* Sliding: judged are the last days of the calendar, whatever is before them is reference. */
static struct parts cut(const struct plan *p, const struct sg_fraud_days *d)
{
    struct parts parts;
    struct sg_corr_window reference = p->windows.reference, recent = p->windows.test;
    if (p->sliding) {
        recent.first = recent.last - (int32_t)p->slide.recent_days + 1;
        reference = (struct sg_corr_window){INT32_MIN, recent.first - 1};
    }
    parts.n_reference = sg_corr_find(d, reference, &parts.reference);
    parts.n_recent = sg_corr_find(d, recent, &parts.recent);
    return parts;
}

static enum unjudged check_days(const struct plan *p, const struct sg_fraud_days *d,
                                const struct parts *parts)
{
    if (d->n_days == 0)
        return NO_DAYS;
    if (parts->n_reference < p->least_reference)
        return FEW_REFERENCE;
    return parts->n_recent < p->least_recent ? FEW_RECENT : JUDGED;
}

/* ---- what an inspector is told ------------------------------------------------------------- */

static enum sg_fraud_day_kind usual_kind(const struct sg_fraud_days *d, const struct parts *parts)
{
    uint32_t workdays = 0;
    for (uint32_t i = 0; i < parts->n_recent; i++)
        workdays += kind_of(d, parts->recent + i) == SG_FRAUD_WORKDAY;
    return workdays * 2 >= parts->n_recent ? SG_FRAUD_WORKDAY : SG_FRAUD_WEEKEND;
}

/* Mean day of the kind; 0 days: zeros. */
static uint32_t mean_day(const struct sg_fraud_days *d, uint32_t first, uint32_t n,
                         enum sg_fraud_day_kind kind, double ret[SG_FRAUD_POINTS_MAX])
{
    uint32_t days = 0;
    memset(ret, 0, SG_FRAUD_POINTS_MAX * sizeof(*ret));
    for (uint32_t i = first; i < first + n; i++) {
        if (kind_of(d, i) != kind)
            continue;
        days++;
        for (uint32_t k = 0; k < d->points; k++)
            ret[k] += (double)sg_fraud_days_row(d, i)[k];
    }
    for (uint32_t k = 0; k < d->points && days; k++)
        ret[k] /= days;
    return days;
}

static double sum_of(const double *v, uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += v[i];
    return sum;
}

static void describe(const struct sg_fraud_days *d, const struct parts *parts, struct line *l,
                     struct picture *pic)
{
    double regular[SG_FRAUD_POINTS_MAX], recent[SG_FRAUD_POINTS_MAX];
    l->kind = usual_kind(d, parts);
    mean_day(d, parts->reference, parts->n_reference, l->kind, regular);
    mean_day(d, parts->recent, parts->n_recent, l->kind, recent);
    const double then = sum_of(regular, d->points);
    l->level = then > 0 ? (float)(sum_of(recent, d->points) / then) : NAN;
    if (!pic)
        return;
    pic->points = d->points;
    for (uint32_t k = 0; k < d->points; k++) {
        pic->regular[k] = (float)regular[k];
        pic->recent[k] = (float)recent[k];
    }
}

/* Median of r over the recent days of the kind, or of any kind; NAN values do not count. */
static bool median_of(const struct sg_fraud_days *d, const struct parts *parts, const double *r,
                      int kind, double *ret)
{
    double v[SG_FRAUD_DAYS_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < parts->n_recent; i++)
        if (!isnan(r[i]) && (kind < 0 || (int)kind_of(d, parts->recent + i) == kind))
            v[n++] = r[i];
    if (n == 0)
        return false;
    *ret = sg_corr_median(v, n);
    return true;
}

/* ---- modes --------------------------------------------------------------------------------- */

/* r of the recent days; 0 or an outcome of sg_corr. */
static int recent_likeness(struct scorer *s, const struct sg_fraud_days *d,
                           const struct parts *parts, double **ret)
{
    struct sg_corr_profile profile;
    int r = make_room(s, d->n_days);
    if (r)
        return r;
    *ret = s->r + parts->recent;
    if (s->plan->sliding) {
        sg_corr_slide(d, &s->plan->slide, NULL, s->r);
        return 0;
    }
    r = sg_corr_profile_of(d, s->plan->windows.reference, NULL, &profile);
    if (r == 0)
        sg_corr_rows(&profile, d, parts->recent, parts->n_recent, NULL, *ret);
    return r;
}

static int by_correlation(struct scorer *s, const struct sg_fraud_days *d,
                          const struct parts *parts, struct line *l)
{
    double all, own;
    double *likeness;
    int r = recent_likeness(s, d, parts, &likeness);
    if (r < 0)
        return r;
    if (r > 0 || !median_of(d, parts, likeness, -1, &all)) {
        l->unjudged = FEW_REFERENCE; /* of the kinds that the recent days are */
        return 0;
    }
    if (!median_of(d, parts, likeness, (int)l->kind, &own))
        own = all;
    l->score = 1 - all;
    l->likeness = (float)own;
    return 0;
}

/* The node that most recent days of the kind matched best, the lowest among equals. */
static uint32_t usual_node(const struct sg_fraud_days *d, const struct sg_paper_day *day, size_t n,
                           enum sg_fraud_day_kind kind)
{
    uint16_t count[SG_SOM_NODES_MAX] = {0};
    uint32_t best = UINT32_MAX;
    for (size_t i = 0; i < n; i++)
        if (day[i].test && kind_of(d, day[i].index) == kind)
            count[day[i].node]++;
    for (uint32_t node = 0; node < SG_SOM_NODES_MAX; node++)
        if (count[node] && (best == UINT32_MAX || count[node] > count[best]))
            best = node;
    return best;
}

static double own_median(const struct sg_fraud_days *d, const struct sg_paper_day *day, size_t n,
                         enum sg_fraud_day_kind kind)
{
    double v[SG_FRAUD_DAYS_MAX];
    uint32_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (day[i].test && kind_of(d, day[i].index) == kind && !isnan(day[i].own))
            v[m++] = day[i].own;
    return m ? sg_corr_median(v, m) : NAN;
}

static int by_paper(struct scorer *s, const struct sg_fraud_days *d, struct line *l)
{
    struct sg_paper_score score;
    size_t n;
    int r = sg_paper_judge_score(s->judge, d, &score);
    if (r < 0 || r == SG_PAPER_POINTS)
        return sg_fold(r);
    if (r) {
        l->unjudged = r == SG_PAPER_NO_LEVEL  ? NOTHING_DRAWN
                      : r == SG_PAPER_NO_TEST ? FEW_RECENT
                                              : FEW_REFERENCE;
        return 0;
    }
    const struct sg_paper_day *day = sg_paper_judge_matrix(s->judge, &n);
    l->score = score.score;
    l->likeness = (float)own_median(d, day, n, l->kind);
    l->class_then = score.class_node[l->kind];
    l->class_now = usual_node(d, day, n, l->kind);
    return 0;
}

static void put_picture(const struct scorer *s, const struct sg_fraud_days *d,
                        const struct parts *parts, const struct line *l, struct picture *pic)
{
    const struct picture_input in = {
        .days = d,
        .reference = parts->reference,
        .n_reference = parts->n_reference,
        .recent = parts->recent,
        .n_recent = parts->n_recent,
        .kind = l->kind,
        .shift = l->epoch,
        .full = s->full,
        .change_day = l->change_day == SG_FRAUD_NO_DAY ? SG_FRAUD_NO_DAY : l->change_day - l->epoch,
        .missing_day = (double)l->missing_day,
        .context = &s->context};
    picture_fill(pic, &in);
}

int score_one(struct scorer *s, struct sg_fraud_days *d, const struct source_notes *notes,
              struct line *ret, struct picture *pic)
{
    struct line l = {.incomplete = notes->incomplete,
                     .conflicts = notes->conflicts,
                     .bad_rows = notes->bad_rows,
                     .gaps = d->n_gaps,
                     .last_day = d->n_days || d->n_lost ? notes->last_day : SG_FRAUD_NO_DAY,
                     .likeness = NAN,
                     .level = NAN,
                     .class_then = UINT32_MAX,
                     .class_now = UINT32_MAX,
                     .per_1000 = NAN,
                     .change_day = SG_FRAUD_NO_DAY};
    memcpy(l.id, d->id, sizeof(l.id));
    plan_renumber(s->plan, d, notes->last_day);
    l.epoch = plan_epoch(s->plan, notes->last_day);
    s->context = notes->context;
    s->context.epoch = l.epoch;
    const struct parts parts = cut(s->plan, d);
    l.n_reference = parts.n_reference;
    l.n_recent = parts.n_recent;
    l.unjudged = check_days(s->plan, d, &parts);
    int r = 0;
    if (l.unjudged == JUDGED) {
        describe(d, &parts, &l, pic);
        r = s->full    ? score_by_full(s, d, &l)
            : s->judge ? by_paper(s, d, &l)
                       : by_correlation(s, d, &parts, &l);
    }
    if (r == 0 && s->full)
        r = score_by_absence(s, d, &l);
    if (r)
        return r;
    if (s->full && notes->has_phasors)
        score_add_phasors(&l, &notes->phasors);
    if (s->full && notes->balance)
        score_add_balance(&l, notes->balance);
    if (s->full && l.unjudged == JUDGED) {
        score_energy(&l);
        score_by_inspections(s, &l);
    } else if (s->full) {
        score_unjudged(s, &l);
    }
    if (pic && l.unjudged != JUDGED)
        *pic = (struct picture){.change_day = SG_FRAUD_NO_DAY, .context = s->context};
    else if (pic && (!s->wants_picture || s->wants_picture(s->wants_ctx, &l)))
        put_picture(s, d, &parts, &l, pic);
    *ret = l;
    return 0;
}

/* ---- words --------------------------------------------------------------------------------- */

const char *score_unjudged_word(enum unjudged u)
{
    static const char *const words[N_UNJUDGED] = {
        [JUDGED] = "judged",
        [NO_DAYS] = "no-complete-day",
        [FEW_REFERENCE] = "few-regular-days",
        [FEW_RECENT] = "few-recent-days",
        [NOTHING_DRAWN] = "nothing-drawn",
        [LOST_RECENT] = "recent-days-unusable",
    };
    return words[u];
}

/* One part more of the reasons, behind those there are. */
static SG_PRINTF(2, 3) void add(char ret[REASONS_MAX], const char *fmt, ...)
{
    size_t n = strlen(ret);
    va_list ap;
    if (n)
        n += (size_t)snprintf(ret + n, REASONS_MAX - n, "; ");
    va_start(ap, fmt);
    if (n < REASONS_MAX)
        vsnprintf(ret + n, REASONS_MAX - n, fmt, ap);
    va_end(ap);
}

/* Nothing at all arrives any more: a meter that is gone, or one that is kept from telling. */
static void add_silence(const struct line *l, const struct plan *plan, char ret[REASONS_MAX])
{
    char date[SG_RFC3339_MAX];
    if (!plan->fixed || l->last_day == SG_FRAUD_NO_DAY || l->last_day >= plan->windows.test.first)
        return;
    sg_time_rfc3339(date, (int64_t)l->last_day * 86400);
    if (plan->calendar)
        add(ret, "nothing arrives since %.10s", date);
    else
        add(ret, "nothing arrives since day %d", (int)l->last_day);
}

void score_reasons(const struct line *l, const struct plan *plan, char ret[REASONS_MAX])
{
    char phasors[SG_PHASOR_WORDS_MAX], balance[BALANCES_WORDS_MAX], energy[SCORE_ENERGY_MAX];
    ret[0] = 0;
    if (l->unjudged != JUDGED)
        add(ret, "not judged: %s (%u regular, %u recent)", score_unjudged_word(l->unjudged),
            l->n_reference, l->n_recent);
    if (l->unjudged == FEW_RECENT)
        add_silence(l, plan, ret);
    if (l->chance > 0)
        add(ret, "chance of a find %.2f after inspections, unsupervised score %.1f",
            (double)l->chance, l->unsupervised);
    if (!isnan(l->likeness))
        add(ret, "correlation with own %s %.2f",
            l->kind == SG_FRAUD_WORKDAY ? "workdays" : "weekends", (double)l->likeness);
    if (l->class_then != UINT32_MAX && l->class_now != UINT32_MAX)
        add(ret, "class %u -> %u", l->class_then, l->class_now);
    if (l->unjudged == JUDGED && plan->mode == MODE_PAPER && !isnan(l->level))
        add(ret, "level %.2f of before", (double)l->level);
    for (unsigned i = 0; i < SG_FULL_REASONS && l->reason[i].kind != SG_FULL_REASON_NONE; i++) {
        char text[SG_FULL_REASON_MAX];
        sg_full_reason_text(&l->reason[i], plan->calendar, l->epoch, text);
        add(ret, "%s", text);
    }
    if (score_phasor_words(l, false, phasors))
        add(ret, "%s", phasors);
    if (l->balance && balances_words(l->balance, balance))
        add(ret, "%s", balance);
    if (score_energy_words(l, plan, energy))
        add(ret, "%s", energy);
    if (l->unjudged == JUDGED && plan->mode == MODE_FULL && l->per_1000 < 1)
        add(ret, "fewer than 1 of 1000 honest customers looks like this");
    else if (l->unjudged == JUDGED && plan->mode == MODE_FULL)
        add(ret, "%.0f of 1000 honest customers look%s like this", (double)l->per_1000,
            l->per_1000 < 1.5f ? "s" : "");
    if (l->incomplete)
        add(ret, "%u day%s incomplete", l->incomplete, l->incomplete > 1 ? "s" : "");
    if (l->gaps)
        add(ret, "%u day%s with readings missing", l->gaps, l->gaps > 1 ? "s" : "");
    if (l->bad_rows)
        add(ret, "%u row%s of the store cannot be read", l->bad_rows, l->bad_rows > 1 ? "s" : "");
    if (l->conflicts)
        add(ret, "%u reading%s in conflict", l->conflicts, l->conflicts > 1 ? "s" : "");
}
