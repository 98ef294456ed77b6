/*
 * score-phasor - what phasors and transformers say joins what the load says.
 */
#include "score.h"

#define TOLD_LEAST 0.3f
/* One whose load cannot be judged is ranked by a finding that is likelier than not. */
#define RANKED_LEAST 0.5f

/* Both figures are decibels of honest customers (full.h, phasor.h); without phasors nothing
 * changes.  A chance learnt from inspections starts from what comes of it. */
static void add_decibel(struct line *l, double decibel)
{
    l->score = sg_phasor_combine(l->score, decibel);
    l->per_1000 = (float)sg_phasor_per_1000(l->score);
}

void score_add_phasors(struct line *l, const struct sg_phasor_summary *s)
{
    l->phasor = s->top[0];
    l->east_s = s->east_s;
    if (l->unjudged == JUDGED || s->score >= RANKED_LEAST)
        add_decibel(l, sg_phasor_decibel(s->score));
}

/* The same with what its transformer tells. */
void score_add_balance(struct line *l, const struct balances_customer *b)
{
    if (!b->used)
        return;
    l->balance = b;
    if (l->unjudged == JUDGED || b->sureness >= RANKED_LEAST)
        add_decibel(l, balances_decibel(b->sureness));
}

void score_unjudged(const struct scorer *s, struct line *l)
{
    l->unsupervised = l->score;
    /* Neither a chance of a find nor energy can be told of a load that nobody knows. */
    if (s->learned || s->odds)
        l->score = 0;
}

bool score_phasor_words(const struct line *l, bool portuguese, char ret[SG_PHASOR_WORDS_MAX])
{
    if (l->phasor.sureness < TOLD_LEAST)
        return false;
    sg_phasor_words_in(&l->phasor, l->east_s, portuguese ? SG_PHASOR_PORTUGUESE : SG_PHASOR_ENGLISH,
                       ret);
    return true;
}
