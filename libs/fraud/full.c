#include "full-judge-int.h"

#include "exact-int.h"

#include <math.h>
#include <string.h>

void sg_full_model_free(struct sg_full_model *m)
{
    if (!m)
        return;
    for (unsigned f = 0; f < SG_FULL_FOLDS_MAX; f++)
        sg_trees_free(m->trees[f]);
    sg_peers_clear(&m->peers);
    sg_absences_clear(&m->absences);
    sg_full_map_clear(&m->map);
    free(m->null);
    free(m);
}

const struct sg_corr_windows *sg_full_model_windows(const struct sg_full_model *m)
{
    return &m->windows;
}

size_t sg_full_model_panel(const struct sg_full_model *m)
{
    return m->peers.n;
}

/* ---- calibration ----------------------------------------------------------------------------- */

/* Of margins that hardly differ, and of any. */
#define EXCESS_LEAST 0.05
#define SHARE_LEAST  1e-30

enum { TAIL_PART = 50, TAIL_LEAST = 5 }; /* the tail is fitted to this part of the margins */

void sg_full_fit_tail(struct sg_full_model *m)
{
    uint32_t tail = m->n_null / TAIL_PART;
    tail = tail < TAIL_LEAST ? TAIL_LEAST : tail;
    tail = tail < m->n_null ? tail : m->n_null - 1;
    double sum = 0;
    for (uint32_t i = 0; i < tail; i++)
        sum += (double)m->null[i] - (double)m->null[tail];
    m->tail = tail;
    m->tail_margin = (double)m->null[tail];
    m->tail_excess = tail && sum > EXCESS_LEAST * tail ? sum / tail : EXCESS_LEAST;
}

/* Falling margins: how many are above, and between which two this one lies. */
static double rank_of(const struct sg_full_model *m, double margin)
{
    uint32_t low = 0, high = m->n_null;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if ((double)m->null[middle] > margin)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return 1;
    if (low == m->n_null) /* below all: closer and closer to n + 1 */
        return m->n_null + 1 - sg_fraud_exp(margin - (double)m->null[low - 1]);
    const double above = (double)m->null[low - 1], below = (double)m->null[low];
    return low + 1 - (margin - below) / (above - below);
}

double sg_full_share(const struct sg_full_model *m, double margin)
{
    const double of = m->n_null + 1.0;
    if (margin <= m->tail_margin)
        return rank_of(m, margin) / of;
    const double share =
        (m->tail + 1) / of * sg_fraud_exp((m->tail_margin - margin) / m->tail_excess);
    return share > SHARE_LEAST ? share : SHARE_LEAST;
}

/* Half of the days gone, while others' are not, counts as much as a clear step does.  Days of which
 * a reading is missing are judged by the rest of them, so that little is hidden: half as much, and
 * as much when so many hours of theirs lack that something could be hidden in these. */
#define MISSING_LEAST 0.1f
#define MISSING_SPAN  0.4f
#define GONE_MOST     4.0
#define TOUCHED_MOST  2.0
#define LACKING_LEAST 0.05f
#define LACKING_SPAN  0.15f
#define LACKING_MOST  2.0

static double over_span(float over)
{
    return over <= 0 ? 0 : over < 1 ? (double)over : 1;
}

static double more_than(float usual, float share)
{
    return over_span((share - (usual > MISSING_LEAST ? usual : MISSING_LEAST)) / MISSING_SPAN);
}

double sg_full_missing(const struct sg_full_usual *usual, const struct sg_absence *x)
{
    const double odds = GONE_MOST * more_than(usual->gone, x->gone) +
                        TOUCHED_MOST * more_than(usual->touched, x->touched) +
                        LACKING_MOST * over_span((x->lacking - LACKING_LEAST) / LACKING_SPAN);
    if (x->alike >= SG_ABSENCE_TOGETHER)
        return 0;
    return odds < GONE_MOST ? odds : GONE_MOST;
}

struct sg_absence sg_full_absence(const struct sg_absences *panel, uint32_t without, uint64_t id,
                                  const struct sg_view *v)
{
    struct sg_absence x;
    sg_absence_of(v, &x);
    if (without & (uint32_t)SG_FULL_FAMILY << SG_FEATURE_MISSING)
        x.gone = x.touched = x.lacking = 0;
    sg_absences_ask(panel, id, &x);
    return x;
}

void sg_full_leave_out(uint32_t without, float *features)
{
    for (uint32_t f = 0; without >= SG_FULL_FAMILY && f < SG_FEATURES; f++)
        if (without & (uint32_t)SG_FULL_FAMILY << sg_feature_family(f))
            features[f] = 0;
}

/* ---- judging --------------------------------------------------------------------------------- */

int sg_full_judge_new(struct sg_full_judge **ret, const struct sg_full_model *m)
{
    SG_CLEANUP(sg_full_judge_freep) struct sg_full_judge *j = calloc(1, sizeof(*j));
    if (!j)
        return sg_raise(-ENOMEM);
    j->model = m;
    int r = sg_view_init(&j->view, &m->windows);
    if (r)
        return r;
    *ret = TAKE_PTR(j);
    return 0;
}

void sg_full_judge_free(struct sg_full_judge *j)
{
    if (!j)
        return;
    sg_view_clear(&j->view);
    free(j);
}

const float *sg_full_judge_features(const struct sg_full_judge *j)
{
    return j->feature;
}

static int find_features(struct sg_full_judge *j, uint64_t hash)
{
    switch (sg_features_begin(&j->work, &j->view)) {
    case 0:
        break;
    case SG_FEATURES_NO_REFERENCE:
        return SG_FULL_NO_REFERENCE;
    case SG_FEATURES_NO_TEST:
        return SG_FULL_NO_TEST;
    default:
        return SG_FULL_NO_LEVEL;
    }
    sg_peers_expect(&j->model->peers, hash, &j->work, &j->expected);
    sg_features_map(&j->work, &j->model->map);
    sg_features_end(&j->work, &j->expected, j->feature);
    sg_full_leave_out(j->model->without, j->feature);
    j->absence = sg_full_absence(&j->model->absences, j->model->without, hash, &j->view);
    return 0;
}

/* A split that stands out less than this is where noise would put one, too. */
#define SPLIT_T_LEAST 3.0f

int32_t sg_full_change_day(const struct sg_feature_work *w)
{
    return w->split_t >= SPLIT_T_LEAST ? w->view->day[w->split] : SG_FRAUD_NO_DAY;
}

static float level_of(const struct sg_feature_work *w)
{
    float now = 0, then = 0;
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++) {
        now += w->late_y[h];
        then += w->late_p[h];
    }
    return now / (then + 1e-6f);
}

/* Who looks like one in five or more is told no reasons: finding them costs more than the score. */
#define REASON_SHARE 0.2

static void explain(struct sg_full_judge *j, const struct sg_trees *trees,
                    const struct sg_full_excuse *excuse, struct sg_full_score *s)
{
    double base;
    sg_trees_explain(trees, j->feature, j->effect, &base);
    for (uint32_t f = 0; f < SG_FEATURES; f++)
        s->family[sg_feature_family(f)] += j->effect[f];
    s->family[SG_FEATURE_MISSING] += sg_full_missing(&j->model->usual, &j->absence);
    sg_full_find_reasons(&j->work, j->feature, &j->absence, excuse, s);
}

static void put_share(const struct sg_full_model *m, struct sg_full_score *s)
{
    const double share = sg_full_share(m, s->margin);
    s->per_1000 = 1000 * share;
    s->score = -10 / 2.302585092994045684 * sg_fraud_log(share);
}

int sg_full_judge_score(struct sg_full_judge *j, const struct sg_fraud_days *d,
                        const struct sg_fraud_context *ctx, struct sg_full_score *ret)
{
    const struct sg_full_model *m = j->model;
    const uint64_t hash = sg_full_hash(m->seed, d->id);
    struct sg_full_score s = {.change_day = SG_FRAUD_NO_DAY};
    sg_view_fill(&j->view, d, ctx);
    int r = find_features(j, hash);
    if (r)
        return r;
    const struct sg_trees *trees = m->trees[sg_full_fold(hash, m->folds)];
    const struct sg_full_excuse excuse = m->without & SG_FULL_EXCUSES
                                             ? (struct sg_full_excuse){.kind = SG_FULL_REASON_NONE}
                                             : sg_full_find_excuse(&j->work, j->feature, ctx);
    sg_trees_margins(trees, j->feature, 1, &s.margin);
    s.margin += sg_full_missing(&m->usual, &j->absence);
    const bool told = sg_full_share(m, s.margin) < REASON_SHARE;
    s.margin -= (double)excuse.off;
    put_share(m, &s);
    s.level = level_of(&j->work);
    s.level_peers = 1 + j->feature[sg_feature_of_pooled(SG_POOLED_PEERS_SAY)];
    s.change_day = sg_full_change_day(&j->work);
    sg_full_find_missing(j, &s);
    s.n_reference = j->view.n_reference;
    s.n_test = j->view.n_recent;
    if (told)
        explain(j, trees, &excuse, &s);
    *ret = s;
    return 0;
}

int sg_full_judge_absence(struct sg_full_judge *j, const struct sg_fraud_days *d,
                          const struct sg_fraud_context *ctx, struct sg_full_score *ret)
{
    const struct sg_full_model *m = j->model;
    struct sg_full_score s = {.change_day = SG_FRAUD_NO_DAY, .level = NAN, .level_peers = 1};
    sg_view_fill(&j->view, d, ctx);
    if (j->view.n_reference < 2)
        return SG_FULL_NO_REFERENCE;
    j->absence = sg_full_absence(&m->absences, m->without, sg_full_hash(m->seed, d->id), &j->view);
    const double odds = sg_full_missing(&m->usual, &j->absence);
    if (odds <= 0)
        return SG_FULL_NO_TEST;
    /* Nothing is known of the load: it may look as one honest month in four does, or worse. */
    s.margin = (double)m->null[m->n_null / 4] + odds;
    s.family[SG_FEATURE_MISSING] = odds;
    put_share(m, &s);
    s.n_reference = j->view.n_reference;
    s.n_test = j->view.n_recent;
    (void)sg_full_missing_reason(&j->absence, &s.reason[0]);
    *ret = s;
    return 0;
}
