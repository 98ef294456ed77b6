/*
 * score-phasor - what phasors and transformers say joins what the load says.
 */
#include "score.h"

#define TOLD_LEAST 0.3f

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
    if (l->unjudged == JUDGED)
        add_decibel(l, sg_phasor_decibel(s->score));
}

/* The same with what its transformer tells. */
void score_add_balance(struct line *l, const struct balances_customer *b)
{
    if (l->unjudged != JUDGED || !b->used)
        return;
    add_decibel(l, balances_decibel(b->sureness));
    l->balance = b;
}

bool score_phasor_words(const struct line *l, bool portuguese, char ret[SG_PHASOR_WORDS_MAX])
{
    if (l->phasor.sureness < TOLD_LEAST)
        return false;
    sg_phasor_words_in(&l->phasor, l->east_s, portuguese ? SG_PHASOR_PORTUGUESE : SG_PHASOR_ENGLISH,
                       ret);
    return true;
}
