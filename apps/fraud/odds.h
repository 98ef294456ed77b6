#pragma once
/*
 * odds - how likely a score of mode full is a thief's, by the fleet's own scores.
 *
 * A score of x decibels says that a share 10^(-x/10) of the honest months of before looks as
 * suspect. Honest customers of now are of another season, and more of them look a little suspect
 * than that: of H, H q^x stand at x or above (Efron 2004, empirical null), with q and H from how
 * many customers stand below 8 decibels and from 8 to 16, where thieves are few.  What stands
 * higher beyond that, and beyond twice the standard deviation of chance, are thieves:
 *
 *     chance = (n - h - 2 sqrt(h)) / (n + 1),  at least 0
 *
 * n customers of like score, h of them honest.  Of like score: half a decibel, neighbours joined
 * until n / h falls nowhere as the score rises (pool adjacent violators).  The 1 is an honest
 * customer more: a single odd one at the top is no certainty.
 *
 * Where many honest customers changed at once for reasons of their own the chance is too high.
 *
 * A plain value: counts, the same in any order and for any number of threads.
 */
#include <stdbool.h>
#include <stdint.h>

enum { ODDS_BINS = 121 }; /* of half a decibel; the last: 60 and more */

struct odds {
    uint32_t count[ODDS_BINS];
    float chance[ODDS_BINS]; /* once they are found */
};

void odds_add(struct odds *o, double score);
/* After the last one. */
void odds_find(struct odds *o);
/* Of a customer with this score, 0 to below 1; never falls as the score rises. */
double odds_of(const struct odds *o, double score);
