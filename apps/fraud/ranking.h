#pragma once
/*
 * ranking - the lines of a fleet, in the end in order of rank: highest score first, equal scores by
 * that of mode full and then by id, the unjudged last, most incomplete days first: whoever drops a
 * reading a day does not hide among meters that are silent.
 *
 * Memory does not grow with the fleet: lines come in any order, and whenever there are `run` of
 * them they are sorted and spilled (spill.h), to be merged as often as somebody walks the ranking.
 * What is at hand without a walk: the first of them, and what is counted.  A merge holds one block
 * of every run: 30 MiB for the most customers there may be.
 *
 * Owns its lines.  One thread at a time, walks included.
 */
#include "score.h"

#include <limits.h>

#include <sealgrid/base/buf.h>

#define RANKING_RUN_BYTES ((size_t)16 << 20)

struct spill;

/* How much is in memory; zeros for the usual. */
struct ranking_room {
    size_t run;         /* lines before they are spilled; 0: as many as RANKING_RUN_BYTES hold */
    size_t first;       /* so many of the first in rank stay at hand once sorted */
    const char *folder; /* of the temporary file, if $TMPDIR is not set; borrowed; NULL: /var/tmp */
};

struct ranking_run {
    uint64_t block; /* its first in the spill */
    size_t n;       /* lines */
};

struct ranking {
    struct ranking_room room;
    struct line *lines; /* sorted: the first n_lines by rank, all of them if nothing was spilled */
    size_t n_lines, lines_room;
    size_t n, n_unjudged;
    size_t unjudged[N_UNJUDGED];
    double lowest;       /* score of the judged */
    struct spill *spill; /* NULL: nothing was */
    struct ranking_run *runs;
    size_t n_runs, runs_room;
};

void ranking_clear(struct ranking *r);
SG_MUST_USE int ranking_add(struct ranking *r, const struct line *l);
/* After the last line; before anything else. */
SG_MUST_USE int ranking_sort(struct ranking *r);
/* Every line and its rank, from 1, in order.  What fn returns other than 0 ends the walk. */
typedef int (*ranking_fn)(void *ctx, const struct line *l, size_t rank);
SG_MUST_USE int ranking_each(const struct ranking *r, ranking_fn fn, void *ctx);
/* The same customers ranked by another score of the judged. */
typedef double (*ranking_score_fn)(const void *ctx, const struct line *l);
SG_MUST_USE int ranking_again(const struct ranking *r, ranking_score_fn score, const void *ctx,
                              struct ranking *ret);
/* By the fall of their consumption alone, 1 - level: what a better ranking is compared with. */
SG_MUST_USE int ranking_by_drop(const struct ranking *r, struct ranking *ret);
/* The same customers ranked by what visits are expected to recover (score_expected). */
SG_MUST_USE int ranking_by_energy(const struct ranking *r, const struct odds *o,
                                  struct ranking *ret);
/* What stands in the column score: an unjudged customer gets the lowest there is, 0 at most. */
double ranking_score(const struct ranking *r, const struct line *l);
/* customer,score,rank,reasons: to a file, whole or not at all and of mode 0600 (it accuses), or to
 * standard output ("-"), a pipe or a device, where a failure may leave the first part.  A name that
 * a spreadsheet would run as a formula gets a ' before it. */
SG_MUST_USE int ranking_write(const struct ranking *r, const struct plan *plan, const char *path);
/* The folder of the file that would be; false: it would be none. */
bool ranking_folder(const char *path, char ret[PATH_MAX]);
