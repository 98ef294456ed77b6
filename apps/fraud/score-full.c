#include "score.h"

static enum unjudged why_not(int outcome)
{
    return outcome == SG_FULL_NO_LEVEL  ? NOTHING_DRAWN
           : outcome == SG_FULL_NO_TEST ? FEW_RECENT
                                        : FEW_REFERENCE;
}

int score_by_full(struct scorer *s, const struct sg_fraud_days *d, struct line *l)
{
    struct sg_full_score score;
    int r = sg_full_judge_score(s->full, d, &s->context, &score);
    if (r < 0)
        return r;
    if (r) {
        l->unjudged = why_not(r);
        return 0;
    }
    l->score = score.score;
    l->per_1000 = (float)score.per_1000;
    l->level = score.level;
    l->change_day = score.began == SG_FRAUD_NO_DAY ? SG_FRAUD_NO_DAY : score.began + l->epoch;
    l->missing_day = score.missing_day > 0 ? (float)score.missing_day : 0;
    memcpy(l->reason, score.reason, sizeof(l->reason));
    return 0;
}

/* Too few can be used: did they arrive? */
static bool arrives_unusable(const struct plan *p, const struct sg_fraud_days *d)
{
    const struct sg_corr_window w = p->windows.test;
    uint32_t lost = 0;
    for (uint32_t i = 0; i < d->n_lost; i++)
        lost += d->lost[i].day >= w.first && d->lost[i].day <= w.last;
    return lost >= p->least_recent && 2 * lost >= (uint32_t)(w.last - w.first + 1);
}

int score_by_absence(struct scorer *s, const struct sg_fraud_days *d, struct line *l)
{
    struct sg_full_score score;
    if (l->unjudged != FEW_RECENT || !arrives_unusable(s->plan, d))
        return 0;
    l->unjudged = LOST_RECENT;
    int r = sg_full_judge_absence(s->full, d, &s->context, &score);
    if (r)
        return r < 0 ? r : 0;
    l->score = score.score;
    l->per_1000 = (float)score.per_1000;
    memcpy(l->reason, score.reason, sizeof(l->reason));
    return 0;
}

void score_by_inspections(const struct scorer *s, struct line *l)
{
    l->unsupervised = l->score;
    if (s->learned) {
        l->margin =
            sg_learned_margin(s->learned, sg_full_judge_features(s->full), (float)l->unsupervised);
        const double chance = sg_learned_probability(s->learned, l->margin);
        l->chance = (float)chance;
        l->score = 100 * chance;
    }
    if (s->odds)
        l->score = score_expected(s->odds, l);
}
