#pragma once
/*
 * ranking - the lines of a fleet, in the end in order of rank: highest score first, equal scores by
 * that of mode full and then by id, the unjudged last, most incomplete days first: whoever drops a
 * reading a day does not hide among meters that are silent.  Owns its lines.  One thread at a time.
 */
#include "score.h"

#include <sealgrid/base/buf.h>

struct ranking {
    struct line *lines; /* the customer's index in the pass until ranking_sort, then by rank */
    size_t n, room;
    size_t n_unjudged;
};

void ranking_clear(struct ranking *r);
/* Line of customer `index`; those between are filled later. */
SG_MUST_USE int ranking_put(struct ranking *r, size_t index, const struct line *l);
void ranking_sort(struct ranking *r);
/* The same customers ranked by the fall of their consumption alone, 1 - level: what a better
 * ranking is compared with. */
SG_MUST_USE int ranking_by_drop(const struct ranking *r, struct ranking *ret);
/* The same customers ranked by what visits are expected to recover (score_expected). */
SG_MUST_USE int ranking_by_energy(const struct ranking *r, const struct odds *o,
                                  struct ranking *ret);
/* What stands in the column score: an unjudged customer gets the lowest there is, 0 at most. */
double ranking_score(const struct ranking *r, const struct line *l);
/* customer,score,rank,reasons: to a file, whole or not at all and of mode 0600 (it accuses), or to
 * standard output ("-"), a pipe or a device.  A name that a spreadsheet would run as a formula gets
 * a ' before it. */
SG_MUST_USE int ranking_write(const struct ranking *r, const struct plan *plan, const char *path);
