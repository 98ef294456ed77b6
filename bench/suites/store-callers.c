#include "store-callers.h"

#include <stdio.h>

#define BATCH_ROWS     (SG_CALLERS_CLIENTS * SG_STORE_DAY)
#define FIRST_ADDED    1000 /* clients that are written; each caller has some of its own */
#define CALLER_CLIENTS 16

/* ---- units of work of one caller ---- */

static int get_at_once(struct sg_caller *c, size_t most)
{
    struct sg_bench_row rows[SG_CALLERS_AT_ONCE];
    int r = 0;
    for (uint64_t left = c->n; r == 0 && left;) {
        size_t n = left < most ? (size_t)left : most;
        for (size_t i = 0; i < n; i++)
            sg_store_data_key(sg_prng_below(&c->rng, SG_CALLERS_CLIENTS),
                              sg_prng_below(&c->rng, c->of->days * SG_STORE_DAY), rows[i].key);
        r = c->map->ops->get(c->map, rows, n, &c->seen);
        left -= n;
    }
    return r;
}

int sg_caller_get(struct sg_caller *c)
{
    return get_at_once(c, 1);
}

int sg_caller_get_some(struct sg_caller *c)
{
    return get_at_once(c, SG_CALLERS_AT_ONCE);
}

/* Batches of one client's rows; the caller's clients in turn, later times at each turn. */
static int put(struct sg_caller *c, size_t rows_each)
{
    struct sg_bench_row rows[SG_STORE_DAY];
    int r = 0;
    for (uint64_t i = 0; r == 0 && i < c->n; i++, c->next++) {
        uint64_t client = FIRST_ADDED + c->number * CALLER_CLIENTS + c->next % CALLER_CLIENTS,
                 slot = c->next / CALLER_CLIENTS * SG_STORE_DAY;
        for (size_t k = 0; k < rows_each; k++)
            sg_store_data_row(c->of->data, client, slot + k, &rows[k]);
        r = c->map->ops->put(c->map, rows, rows_each);
    }
    return r;
}

int sg_caller_put(struct sg_caller *c)
{
    return put(c, 1);
}

int sg_caller_put_day(struct sg_caller *c)
{
    return put(c, SG_STORE_DAY);
}

int sg_caller_scan_month(struct sg_caller *c)
{
    int r = 0;
    for (uint64_t i = 0; r == 0 && i < c->n; i++) {
        struct sg_bench_range range;
        uint64_t client = sg_prng_below(&c->rng, SG_CALLERS_CLIENTS), before = c->seen.rows;
        sg_store_data_key(client, 0, range.from);
        sg_store_data_key(client, c->of->days * SG_STORE_DAY, range.until);
        r = c->map->ops->scan(c->map, &range, &c->seen);
        if (r == 0 && c->seen.rows - before != c->of->days * SG_STORE_DAY)
            r = sg_raisef(-EIO, "%s: a month of %llu rows", c->map->name,
                          (unsigned long long)(c->seen.rows - before));
    }
    return r;
}

/* ---- callers ---- */

static void *call(void *user)
{
    struct sg_caller *c = user;
    c->r = sg_fold(c->of->work(c));
    if (c->r)
        snprintf(c->trace, sizeof(c->trace), "%s", sg_error_trace());
    return NULL;
}

static int call_together(struct sg_callers *s)
{
    size_t started = 0;
    int r = 0;
    for (; r == 0 && started < s->n_calling; started++) {
        struct sg_caller *c = &s->callers[started];
        r = pthread_create(&c->thread, NULL, call, c);
        if (r) {
            r = sg_raise(-r);
            break;
        }
    }
    for (size_t i = 0; i < started; i++) {
        pthread_join(s->callers[i].thread, NULL);
        if (r == 0 && s->callers[i].r)
            r = sg_raisef(s->callers[i].r, "%s", s->callers[i].trace);
    }
    return r;
}

/* n units, shared by the callers. */
int sg_callers_run(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct sg_callers *s = ctx;
    (void)ret_ns;
    for (size_t i = 0; i < s->n_calling; i++)
        s->callers[i].n = n / s->n_calling + (i < n % s->n_calling);
    return s->n_calling == 1 ? s->work(&s->callers[0]) : call_together(s);
}

int sg_callers_open(struct sg_callers *s, size_t n)
{
    s->n_calling = n;
    for (; s->n_open < n; s->n_open++) {
        struct sg_caller *c = &s->callers[s->n_open];
        *c = (struct sg_caller){.of = s, .number = s->n_open};
        sg_prng_seed2(&c->rng, 1, c->number);
        int r = s->open(s->server, &c->map);
        if (r)
            return r;
    }
    s->name = s->callers[0].map->name;
    return 0;
}

void sg_callers_close(struct sg_callers *s)
{
    for (size_t i = 0; i < s->n_open; i++)
        sg_bench_map_close(s->callers[i].map);
    s->n_open = 0;
}

int sg_callers_fill(struct sg_callers *s)
{
    static struct sg_bench_row rows[BATCH_ROWS];
    int r = sg_callers_open(s, 1);
    for (uint64_t day = 0; r == 0 && day < s->days; day++) {
        for (size_t i = 0; i < BATCH_ROWS; i++)
            sg_store_data_row(s->data, i / SG_STORE_DAY, day * SG_STORE_DAY + i % SG_STORE_DAY,
                              &rows[i]);
        r = s->callers[0].map->ops->put(s->callers[0].map, rows, BATCH_ROWS);
    }
    return r;
}
