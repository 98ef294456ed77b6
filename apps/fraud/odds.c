#include "odds.h"

#include <math.h>
#include <stddef.h>

#define BIN_DB 0.5
/* What q^x falls by from one bin to the next: at least by the score's own calibration, 10^(-0.05);
 * at most a third of that, else nothing is known of this fleet. */
#define FALL_LEAST 0.8912509381337456
#define FALL_MOST  0.9623506263980886

enum { PART = 16 }; /* bins of 8 decibels */

static unsigned bin_of(double score)
{
    const double at = score / BIN_DB;
    return at >= ODDS_BINS - 1 ? ODDS_BINS - 1 : at > 0 ? (unsigned)at : 0;
}

void odds_add(struct odds *o, double score)
{
    o->count[bin_of(score)]++;
}

/* ---- the honest ---------------------------------------------------------------------------- */

struct honest {
    double all, fall;
};

static struct honest find_honest(const struct odds *o)
{
    double low = 0, next = 0, all = 0;
    for (unsigned i = 0; i < ODDS_BINS; i++) {
        low += i < PART ? o->count[i] : 0;
        next += i >= PART && i < 2 * PART ? o->count[i] : 0;
        all += o->count[i];
    }
    /* The 16th root: square roots have the same bits everywhere. */
    const double root = sqrt(sqrt(sqrt(sqrt(low > 0 ? next / low : 1))));
    const double fall = root < FALL_LEAST ? FALL_LEAST : root > FALL_MOST ? FALL_MOST : root;
    double power = fall;
    for (unsigned i = 1; i < PART; i *= 2)
        power *= power;
    const double honest = low / (1 - power);
    return (struct honest){honest < all ? honest : all, fall};
}

/* ---- all ----------------------------------------------------------------------------------- */

/* Neighbouring bins: customers, and those of them that are honest. */
struct piece {
    double n, honest;
    unsigned first;
};

static bool falls(const struct piece *low, const struct piece *high)
{
    return high->n * low->honest <= low->n * high->honest;
}

static size_t find_pieces(const struct odds *o, struct piece ret[ODDS_BINS])
{
    struct honest h = find_honest(o);
    size_t n = 0;
    for (unsigned i = 0; i < ODDS_BINS; i++) {
        const double above = i + 1 < ODDS_BINS ? h.all * h.fall : 0;
        ret[n++] = (struct piece){o->count[i], h.all - above, i};
        h.all = above;
        while (n > 1 && falls(&ret[n - 2], &ret[n - 1])) {
            ret[n - 2].n += ret[n - 1].n;
            ret[n - 2].honest += ret[n - 1].honest;
            n--;
        }
    }
    return n;
}

void odds_find(struct odds *o)
{
    struct piece piece[ODDS_BINS];
    const size_t n = find_pieces(o, piece);
    float chance = 0;
    for (size_t k = 0; k < n; k++) {
        const unsigned end = k + 1 < n ? piece[k + 1].first : ODDS_BINS;
        const double more = piece[k].n - piece[k].honest - 2 * sqrt(piece[k].honest);
        chance = fmaxf(chance, (float)(more / (piece[k].n + 1)));
        for (unsigned i = piece[k].first; i < end; i++)
            o->chance[i] = chance;
    }
}

double odds_of(const struct odds *o, double score)
{
    return (double)o->chance[bin_of(score)];
}
