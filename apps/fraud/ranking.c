#include "ranking.h"

#include <math.h>

#include <sealgrid/base/grow.h>

#include "ranking-int.h"
#include "spill.h"

#define CUSTOMERS_MAX 50000000u
#define SMALL_FLEET   1024u /* lines */

void ranking_clear(struct ranking *r)
{
    free(r->lines);
    free(r->runs);
    spill_free(r->spill);
    *r = (struct ranking){.lines = NULL};
}

/* ---- order --------------------------------------------------------------------------------- */

int ranking_compare(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    const int ranks = score_ranks(y) - score_ranks(x);
    if (ranks)
        return ranks;
    if (!score_ranks(x) && x->incomplete != y->incomplete)
        return x->incomplete < y->incomplete ? 1 : -1;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    if (x->unsupervised != y->unsupervised) /* of many nothing is expected to be recovered */
        return x->unsupervised < y->unsupervised ? 1 : -1;
    return strcmp(x->id, y->id);
}

static void sort_lines(struct ranking *r)
{
    if (r->n_lines)
        qsort(r->lines, r->n_lines, sizeof(*r->lines), ranking_compare);
}

/* ---- lines come ---------------------------------------------------------------------------- */

static size_t run_lines(const struct ranking *r)
{
    return r->room.run ? r->room.run : RANKING_RUN_BYTES / sizeof(*r->lines);
}

/* A small fleet's, or a whole run at once: pages that are not touched take no memory, and a buffer
 * that doubles would leave as much behind as it gets. */
static int grow_lines(struct ranking *r)
{
    const size_t run = run_lines(r), room = r->lines_room || run < SMALL_FLEET ? run : SMALL_FLEET;
    if (r->n_lines < r->lines_room)
        return 0;
    struct line *lines = reallocarray(r->lines, room, sizeof(*lines));
    if (!lines)
        return sg_raise(-ENOMEM);
    r->lines = lines;
    r->lines_room = room;
    return 0;
}

/* Lines go as they are, what they borrow by its address: only what went out comes back (spill.h).
 * The last block of a run is filled up with whatever it was filled with before. */
static int put_run(struct ranking *r)
{
    SG_FREE struct line *block = calloc(RANKING_BLOCK_LINES, sizeof(*block));
    int e = block ? 0 : sg_raise(-ENOMEM);
    for (size_t i = 0; e == 0 && i < r->n_lines; i += RANKING_BLOCK_LINES) {
        const size_t left = r->n_lines - i;
        memcpy(block, r->lines + i,
               (left < RANKING_BLOCK_LINES ? left : RANKING_BLOCK_LINES) * sizeof(*block));
        e = spill_put(r->spill, block);
    }
    return e;
}

/* All lines at hand, sorted, as one more run. */
static int spill_run(struct ranking *r)
{
    if (r->n_lines == 0)
        return 0;
    int e = sg_grow(&r->runs, &r->runs_room, r->n_runs, CUSTOMERS_MAX);
    if (e == 0 && !r->spill)
        e = spill_new(&r->spill, r->room.folder, RANKING_BLOCK_LINES * sizeof(*r->lines));
    if (e)
        return e;
    const struct ranking_run run = {spill_blocks(r->spill), r->n_lines};
    sort_lines(r);
    e = put_run(r);
    if (e)
        return e;
    r->runs[r->n_runs++] = run;
    r->n_lines = 0;
    return 0;
}

int ranking_add(struct ranking *r, const struct line *l)
{
    if (r->n == CUSTOMERS_MAX)
        return sg_raisef(-E2BIG, "more than %u customers", CUSTOMERS_MAX);
    int e = r->n_lines == run_lines(r) ? spill_run(r) : 0;
    if (e == 0)
        e = grow_lines(r);
    if (e)
        return e;
    if (l->unjudged == JUDGED)
        r->lowest = r->n > r->n_unjudged ? fmin(r->lowest, l->score) : l->score;
    r->lines[r->n_lines++] = *l;
    r->n++;
    r->n_unjudged += l->unjudged != JUDGED;
    r->unjudged[l->unjudged]++;
    return 0;
}

/* ---- sorted -------------------------------------------------------------------------------- */

static int take_first(void *ctx, const struct line *l, size_t rank)
{
    struct ranking *r = ctx;
    if (rank > r->room.first)
        return RANKING_ENOUGH;
    r->lines[r->n_lines++] = *l;
    return 0;
}

int ranking_sort(struct ranking *r)
{
    if (!r->spill) {
        sort_lines(r);
        return 0;
    }
    int e = spill_run(r);
    if (e)
        return e;
    free(r->lines); /* the merge needs room, and the first are few */
    r->lines_room = r->room.first;
    r->lines = calloc(r->lines_room + 1, sizeof(*r->lines));
    if (!r->lines)
        return sg_raise(-ENOMEM);
    e = ranking_each(r, take_first, r);
    return e == RANKING_ENOUGH ? 0 : e;
}

struct again {
    struct ranking other;
    ranking_score_fn score;
    const void *ctx;
};

static int add_again(void *ctx, const struct line *l, size_t rank)
{
    struct again *a = ctx;
    struct line copy = *l;
    (void)rank;
    copy.score = l->unjudged == JUDGED ? a->score(a->ctx, l) : 0;
    return ranking_add(&a->other, &copy);
}

int ranking_again(const struct ranking *r, ranking_score_fn score, const void *ctx,
                  struct ranking *ret)
{
    struct again a = {.other = {.room = r->room}, .score = score, .ctx = ctx};
    int e = ranking_each(r, add_again, &a);
    if (e == 0)
        e = ranking_sort(&a.other);
    if (e)
        ranking_clear(&a.other);
    else
        *ret = a.other;
    return e;
}

static double drop_of(const void *ctx, const struct line *l)
{
    (void)ctx;
    return isnan(l->level) ? 0 : 1 - (double)l->level;
}

int ranking_by_drop(const struct ranking *r, struct ranking *ret)
{
    return ranking_again(r, drop_of, NULL, ret);
}

static double energy_of(const void *ctx, const struct line *l)
{
    return score_expected(ctx, l);
}

int ranking_by_energy(const struct ranking *r, const struct odds *o, struct ranking *ret)
{
    return ranking_again(r, energy_of, o, ret);
}

double ranking_score(const struct ranking *r, const struct line *l)
{
    if (score_ranks(l))
        return l->score;
    return r->n > r->n_unjudged ? fmin(0, r->lowest) : 0;
}
