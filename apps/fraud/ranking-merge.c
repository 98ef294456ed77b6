/* ranking-merge - the runs of a ranking that was spilled, as one. */
#include "ranking-int.h"
#include "spill.h"

/* Where a run stands: its next line is block[at]. */
struct cursor {
    struct line *block; /* in memory */
    uint64_t next;      /* block of the spill */
    size_t at, in_block;
    size_t left; /* lines of the blocks after this */
};

/* The cursors that have lines, as a heap: none comes before its parent. */
struct merge {
    struct spill *spill;
    struct cursor *cursors;
    struct cursor **heap;
    size_t n;
    struct line *blocks;
};

static void merge_clear(struct merge *m)
{
    free(m->cursors);
    free(m->heap);
    free(m->blocks);
}

static int load(struct merge *m, struct cursor *c)
{
    c->at = 0;
    c->in_block = c->left < RANKING_BLOCK_LINES ? c->left : RANKING_BLOCK_LINES;
    c->left -= c->in_block;
    return c->in_block ? spill_get(m->spill, c->next++, c->block) : 0;
}

static bool before(const struct cursor *a, const struct cursor *b)
{
    return ranking_compare(&a->block[a->at], &b->block[b->at]) < 0;
}

static void sift_down(struct merge *m, size_t i)
{
    for (;;) {
        size_t best = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < m->n; child++)
            if (before(m->heap[child], m->heap[best]))
                best = child;
        if (best == i)
            return;
        struct cursor *c = m->heap[i];
        m->heap[i] = m->heap[best];
        m->heap[best] = c;
        i = best;
    }
}

static int merge_init(struct merge *m, const struct ranking *r)
{
    int e = 0;
    *m = (struct merge){.spill = r->spill};
    m->cursors = calloc(r->n_runs, sizeof(*m->cursors));
    m->heap = calloc(r->n_runs, sizeof(*m->heap));
    m->blocks = reallocarray(NULL, r->n_runs, RANKING_BLOCK_LINES * sizeof(*m->blocks));
    if (!m->cursors || !m->heap || !m->blocks)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; e == 0 && i < r->n_runs; i++) {
        struct cursor *c = &m->cursors[i];
        *c = (struct cursor){.block = m->blocks + i * RANKING_BLOCK_LINES,
                             .next = r->runs[i].block,
                             .left = r->runs[i].n};
        e = load(m, c);
        m->heap[m->n++] = c;
    }
    for (size_t i = m->n / 2; e == 0 && i-- > 0;)
        sift_down(m, i);
    return e;
}

/* Past the first line of all. */
static int step(struct merge *m)
{
    struct cursor *c = m->heap[0];
    int e = ++c->at == c->in_block ? load(m, c) : 0;
    if (c->in_block == 0)
        m->heap[0] = m->heap[--m->n];
    sift_down(m, 0);
    return e;
}

static int each_merged(const struct ranking *r, ranking_fn fn, void *ctx)
{
    SG_CLEANUP(merge_clear) struct merge m;
    int e = merge_init(&m, r);
    for (size_t rank = 1; e == 0 && m.n; rank++) {
        const struct cursor *c = m.heap[0];
        e = fn(ctx, &c->block[c->at], rank);
        if (e == 0)
            e = step(&m);
    }
    return e;
}

int ranking_each(const struct ranking *r, ranking_fn fn, void *ctx)
{
    int e = 0;
    if (r->spill)
        return each_merged(r, fn, ctx);
    for (size_t i = 0; e == 0 && i < r->n; i++)
        e = fn(ctx, &r->lines[i], i + 1);
    return e;
}
