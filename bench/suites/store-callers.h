#pragma once
/*
 * store callers - one side of a line of the store's suites with several callers at once: each has
 * its own thread, its own session or connection, and its own clients to write.
 *
 * One thread uses a side; the callers' threads live as long as a lap.
 */
#include "store-data.h"

#include <pthread.h>
#include <sealgrid/base/random.h>

#define SG_CALLERS_MAX     64
#define SG_CALLERS_CLIENTS 40 /* whose month is there to be read */
#define SG_CALLERS_AT_ONCE 16

struct sg_caller {
    struct sg_callers *of;
    struct sg_bench_map *map;
    pthread_t thread;
    size_t number;
    uint64_t n; /* units of this lap */
    int r;
    char trace[256]; /* of r; a trace is its thread's own */
    struct sg_prng rng;
    uint64_t next; /* batches written so far */
    struct sg_bench_seen seen;
};

struct sg_callers {
    /* Where sessions come from. */
    int (*open)(void *server, struct sg_bench_map **ret);
    void *server;
    const struct sg_store_data *data;
    uint64_t days; /* of a month: 31, or fewer to be quick */
    const char *name;
    struct sg_caller callers[SG_CALLERS_MAX];
    size_t n_open, n_calling;
    int (*work)(struct sg_caller *c); /* does c->n units */
};

/* The first n of them are to call; opened as needed. */
SG_MUST_USE int sg_callers_open(struct sg_callers *s, size_t n);
void sg_callers_close(struct sg_callers *s);
/* The month of SG_CALLERS_CLIENTS clients, day by day, by the first caller. */
SG_MUST_USE int sg_callers_fill(struct sg_callers *s);
/* A side's run (bench.h), ctx being the callers: n units of work, shared among them. */
int sg_callers_run(void *ctx, uint64_t n, int64_t *ret_ns);

/* Work: random rows, one or sixteen at a time; batches of one row or of one client's day; months.
 */
int sg_caller_get(struct sg_caller *c);
int sg_caller_get_some(struct sg_caller *c);
int sg_caller_put(struct sg_caller *c);
int sg_caller_put_day(struct sg_caller *c);
int sg_caller_scan_month(struct sg_caller *c);
