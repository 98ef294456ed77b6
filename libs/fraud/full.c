#include "full-int.h"

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
    m->tail_excess = tail && sum > 0 ? sum / tail : 1;
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
    return (m->tail + 1) / of * sg_fraud_exp((m->tail_margin - margin) / m->tail_excess);
}

/* ---- judging --------------------------------------------------------------------------------- */

struct sg_full_judge {
    const struct sg_full_model *model;
    struct sg_view view;
    struct sg_expected expected;
    float feature[SG_FEATURES];
    double effect[SG_FEATURES]; /* what each adds to the margin */
    struct sg_feature_work work;
};

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
    sg_features_end(&j->work, &j->expected, j->feature);
    return 0;
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
    sg_trees_margins(trees, j->feature, 1, &s.margin);
    const double share = sg_full_share(m, s.margin);
    s.per_1000 = 1000 * share;
    s.score = -10 / 2.302585092994045684 * sg_fraud_log(share);
    s.n_reference = j->view.n_reference;
    s.n_test = j->view.n_recent;
    *ret = s;
    return 0;
}
