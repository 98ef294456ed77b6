/*
 * store-net - the record service over TLS 1.3, both sides authenticated, beside Redis and etcd, all
 * on loopback: one caller with one request at a time, then 16 and 64 of them.
 *
 * Ours runs in this process and keeps three sealed copies; each peer is one server with one copy of
 * plain rows.  All are durable before they answer.
 */
#include "store-data.h"
#include "store-ours.h"
#include "suites.h"

#include "../peers/etcd.h"
#include "../peers/redis.h"

#include <pthread.h>
#include <sealgrid/base/random.h>
#include <stdio.h>

#define CALLERS_MAX    64
#define CLIENTS        40
#define BATCH_ROWS     (CLIENTS * SG_STORE_DAY)
#define FIRST_ADDED    1000 /* clients that the lines write; each caller has some of its own */
#define CALLER_CLIENTS 16
#define AT_ONCE        16

struct caller;

/* One side: where its connections come from, and who calls. */
struct side {
    int (*open)(struct side *s, struct sg_bench_map **ret);
    void *server;
    const char *name;
    const struct sg_store_data *data;
    uint64_t days;
    struct caller {
        struct side *of;
        struct sg_bench_map *map;
        pthread_t thread;
        size_t number;
        uint64_t n; /* units of this lap */
        int r;
        struct sg_prng rng;
        uint64_t next; /* batches written so far */
        struct sg_bench_seen seen;
    } callers[CALLERS_MAX];
    size_t n_open, n_calling;
    int (*work)(struct caller *c); /* does c->n units */
};

/* ---- units of work of one caller ---- */

static int get_at_once(struct caller *c, size_t most)
{
    struct sg_bench_row rows[AT_ONCE];
    int r = 0;
    for (uint64_t left = c->n; r == 0 && left;) {
        size_t n = left < most ? (size_t)left : most;
        for (size_t i = 0; i < n; i++)
            sg_store_data_key(sg_prng_below(&c->rng, CLIENTS),
                              sg_prng_below(&c->rng, c->of->days * SG_STORE_DAY), rows[i].key);
        r = c->map->ops->get(c->map, rows, n, &c->seen);
        left -= n;
    }
    return r;
}

static int get_one(struct caller *c)
{
    return get_at_once(c, 1);
}

static int get_some(struct caller *c)
{
    return get_at_once(c, AT_ONCE);
}

/* Batches of one client's rows; the caller's clients in turn, later times at each turn. */
static int put(struct caller *c, size_t rows_each)
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

static int put_one(struct caller *c)
{
    return put(c, 1);
}

static int put_day(struct caller *c)
{
    return put(c, SG_STORE_DAY);
}

static int scan_month(struct caller *c)
{
    int r = 0;
    for (uint64_t i = 0; r == 0 && i < c->n; i++) {
        struct sg_bench_range range;
        uint64_t client = sg_prng_below(&c->rng, CLIENTS), before = c->seen.rows;
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
    struct caller *c = user;
    c->r = c->of->work(c);
    /* A trace is its thread's own; the run reports from the first thread. */
    if (c->r)
        fprintf(stderr, "sealgrid-bench: %s\n", sg_error_trace());
    return NULL;
}

static int call_together(struct side *s)
{
    size_t started = 0;
    int r = 0;
    for (; r == 0 && started < s->n_calling; started++) {
        struct caller *c = &s->callers[started];
        r = pthread_create(&c->thread, NULL, call, c);
        if (r) {
            r = sg_raise(-r);
            break;
        }
    }
    for (size_t i = 0; i < started; i++) {
        pthread_join(s->callers[i].thread, NULL);
        r = r ? r : s->callers[i].r;
    }
    return r;
}

/* n units, shared by the callers. */
static int run_side(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct side *s = ctx;
    (void)ret_ns;
    for (size_t i = 0; i < s->n_calling; i++)
        s->callers[i].n = n / s->n_calling + (i < n % s->n_calling);
    return s->n_calling == 1 ? s->work(&s->callers[0]) : call_together(s);
}

static int open_callers(struct side *s, size_t n)
{
    s->n_calling = n;
    for (; s->n_open < n; s->n_open++) {
        struct caller *c = &s->callers[s->n_open];
        *c = (struct caller){.of = s, .number = s->n_open};
        sg_prng_seed2(&c->rng, 1, c->number);
        int r = s->open(s, &c->map);
        if (r)
            return r;
    }
    s->name = s->callers[0].map->name;
    return 0;
}

static void close_callers(struct side *s)
{
    for (size_t i = 0; i < s->n_open; i++)
        sg_bench_map_close(s->callers[i].map);
    s->n_open = 0;
}

/* ---- sides ---- */

static int open_ours(struct side *s, struct sg_bench_map **ret)
{
    return sg_bench_store_map(ret, s->server, true);
}

static int open_redis(struct side *s, struct sg_bench_map **ret)
{
    return sg_bench_redis_open(ret, s->server);
}

static int open_etcd(struct side *s, struct sg_bench_map **ret)
{
    return sg_bench_etcd_open(ret, s->server);
}

/* The month of CLIENTS clients, day by day. */
static int fill(struct side *s)
{
    static struct sg_bench_row rows[BATCH_ROWS];
    int r = open_callers(s, 1);
    for (uint64_t day = 0; r == 0 && day < s->days; day++) {
        for (size_t i = 0; i < BATCH_ROWS; i++)
            sg_store_data_row(s->data, i / SG_STORE_DAY, day * SG_STORE_DAY + i % SG_STORE_DAY,
                              &rows[i]);
        r = s->callers[0].map->ops->put(s->callers[0].map, rows, BATCH_ROWS);
    }
    return r;
}

/* ---- lines ---- */

struct duel {
    struct sg_bench *b;
    struct side *ours, *theirs;
    const char *peer;
};

static int pair(const struct duel *d, const char *what, size_t callers, double rows_each,
                int (*work)(struct caller *), const char *note)
{
    char name[128];
    int r = open_callers(d->ours, callers);
    if (r == 0)
        r = open_callers(d->theirs, callers);
    if (r)
        return r;
    d->ours->work = d->theirs->work = work;
    if (callers > 1)
        snprintf(name, sizeof(name), "%s, %zu callers, vs %s", what, callers, d->peer);
    else
        snprintf(name, sizeof(name), "%s, vs %s", what, d->peer);
    struct sg_bench_line line = {.name = name,
                                 .unit = "rows/s",
                                 .per_unit = rows_each,
                                 .note = note,
                                 .ours = {d->ours->name, run_side, d->ours},
                                 .theirs = {d->theirs->name, run_side, d->theirs}};
    return sg_bench_pair(d->b, &line);
}

static int lines(const struct duel *d, const char *at_once_note, const char *scan_note)
{
    static const size_t callers[] = {1, 16, CALLERS_MAX};
    double month = (double)d->ours->days * SG_STORE_DAY;
    int r = 0;
    for (size_t i = 0; r == 0 && i < 3; i++)
        r = pair(d, "get", callers[i], 1, get_one, "one row a request");
    if (r == 0)
        r = pair(d, "get, 16 wanted at once", 1, 1, get_some, at_once_note);
    if (r == 0)
        r = pair(d, "one client's month", 1, month, scan_month, scan_note);
    for (size_t i = 0; r == 0 && i < 3; i++)
        r = pair(d, "put, 1 a batch", callers[i], 1, put_one, "one reading, durable");
    return r ? r
             : pair(d, "put, 96 a batch", 1, SG_STORE_DAY, put_day, "one client's day, durable");
}

static int duel(struct sg_bench *b, struct side *ours, struct side *theirs, const char *peer,
                const char *at_once_note, const char *scan_note)
{
    const struct duel d = {b, ours, theirs, peer};
    int r = fill(theirs);
    if (r == 0)
        r = lines(&d, at_once_note, scan_note);
    close_callers(theirs);
    return r;
}

static int against_redis(struct sg_bench *b, struct side *ours, const struct sg_bench_trust *trust)
{
    SG_CLEANUP(sg_bench_redis_stopp) struct sg_bench_redis *server = NULL;
    struct sg_bench_reason why;
    char folder[4096];
    int r = sg_bench_folder(b, "redis", folder, sizeof(folder));
    if (r == 0)
        r = sg_bench_redis_start(&server, folder, trust, &why);
    if (r > 0) {
        sg_bench_skip(b, "Redis", why.text);
        return 0;
    }
    struct side theirs = {
        .open = open_redis, .server = server, .data = ours->data, .days = ours->days};
    return r ? r
             : duel(b, ours, &theirs, "Redis", "ours one by one, Redis pipelined",
                    "2,976 rows; Redis: a hash, unordered");
}

static int against_etcd(struct sg_bench *b, struct side *ours, const struct sg_bench_trust *trust)
{
    SG_CLEANUP(sg_bench_etcd_stopp) struct sg_bench_etcd *server = NULL;
    struct sg_bench_reason why;
    char folder[4096];
    int r = sg_bench_folder(b, "etcd", folder, sizeof(folder));
    if (r == 0)
        r = sg_bench_etcd_start(&server, folder, trust, &why);
    if (r > 0) {
        sg_bench_skip(b, "etcd", why.text);
        return 0;
    }
    struct side theirs = {
        .open = open_etcd, .server = server, .data = ours->data, .days = ours->days};
    return r ? r
             : duel(b, ours, &theirs, "etcd", "one by one; etcd through its JSON gateway",
                    "2,976 rows in order; etcd through its JSON gateway");
}

static int run(struct sg_bench *b)
{
    SG_CLEANUP(sg_store_data_freep) struct sg_store_data *data = NULL;
    SG_CLEANUP(sg_bench_trust_freep) struct sg_bench_trust *trust = NULL;
    SG_CLEANUP(sg_bench_store_closep) struct sg_bench_store *store = NULL;
    char folder[4096];
    int r = sg_store_data_new(&data);
    if (r == 0)
        r = sg_bench_folder(b, "trust", folder, sizeof(folder));
    if (r == 0)
        r = sg_bench_trust_new(&trust, folder);
    if (r == 0)
        r = sg_bench_folder(b, "store", folder, sizeof(folder));
    if (r == 0)
        r = sg_bench_store_open(&store, folder);
    if (r == 0)
        r = sg_bench_store_serve(store, trust);
    if (r)
        return r;
    struct side ours = {.open = open_ours,
                        .server = store,
                        .data = data,
                        .days = sg_bench_scale(b, SG_STORE_DAYS, 2)};
    r = fill(&ours);
    if (r == 0)
        r = against_redis(b, &ours, trust);
    if (r == 0)
        r = against_etcd(b, &ours, trust);
    close_callers(&ours);
    return r;
}

const struct sg_bench_suite sg_bench_suite_store_net = {
    .name = "store-net", .what = "records over TLS, vs Redis and etcd", .run = run};
