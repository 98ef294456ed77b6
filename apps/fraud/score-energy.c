/*
 * score-energy - what is missing a day, and what a visit is expected to recover of it.
 */
#include "score.h"

#include <math.h>
#include <stdio.h>

#include <sealgrid/base/clock.h>

#define SURE 0.5f /* a finding below is no figure to go by */
/* Less is nobody's business: half an hour of a kettle. */
#define TOLD_LEAST_KWH 0.05f

void score_energy(struct line *l)
{
    if (l->phasor.sureness >= SURE)
        l->missing_day = fmaxf(l->missing_day, l->phasor.kwh_per_day);
    if (l->balance && l->balance->sureness >= SURE)
        l->missing_day = fmaxf(l->missing_day, l->balance->kwh_per_day);
}

double score_chance(const struct odds *o, const struct line *l)
{
    return l->chance > 0 ? (double)l->chance : odds_of(o, l->unsupervised);
}

double score_expected(const struct odds *o, const struct line *l)
{
    return score_chance(o, l) * (double)l->missing_day;
}

bool score_energy_words(const struct line *l, const struct plan *plan, char ret[SCORE_ENERGY_MAX])
{
    const int digits = l->missing_day < 1 ? 2 : l->missing_day < 10 ? 1 : 0;
    char date[SG_RFC3339_MAX];
    if (l->unjudged != JUDGED || l->missing_day < TOLD_LEAST_KWH)
        return false;
    const int n = snprintf(ret, SCORE_ENERGY_MAX, "about %.*f kWh a day missing", digits,
                           (double)l->missing_day);
    if (l->change_day == SG_FRAUD_NO_DAY)
        return true;
    if (plan->calendar) {
        sg_time_rfc3339(date, (int64_t)l->change_day * 86400);
        snprintf(ret + n, SCORE_ENERGY_MAX - (size_t)n, " since %.10s", date);
    } else {
        snprintf(ret + n, SCORE_ENERGY_MAX - (size_t)n, " since day %d", (int)l->change_day);
    }
    return true;
}
