/*
 * store-net - the record service over TLS 1.3, both sides authenticated, beside Redis and etcd, all
 * on loopback: one caller with one request at a time, then 16 and 64 of them.
 *
 * Ours runs in this process and keeps three sealed copies; each peer is one server with one copy of
 * plain rows.  All are durable before they answer.
 */
#include "store-callers.h"
#include "store-ours.h"
#include "suites.h"

#include "../peers/etcd.h"
#include "../peers/redis.h"

#include <stdio.h>

/* Gets before any is measured: ours keeps a page from its second use on. */
#define WARM_OURS   12000
#define WARM_THEIRS 1000
#define WARM_QUICK  20

/* ---- sides ---- */

static int open_ours(void *server, struct sg_bench_map **ret)
{
    return sg_bench_store_map(ret, server, true);
}

static int open_redis(void *server, struct sg_bench_map **ret)
{
    return sg_bench_redis_open(ret, server);
}

static int open_etcd(void *server, struct sg_bench_map **ret)
{
    return sg_bench_etcd_open(ret, server);
}

/* ---- lines ---- */

struct duel {
    struct sg_bench *b;
    struct sg_callers *ours, *theirs;
    const char *peer;
};

/* Ours connects with its first request: that is not what a line is about. */
static int connect_all(struct sg_callers *s, size_t callers)
{
    int64_t ns = 0;
    int r = sg_callers_open(s, callers);
    s->work = sg_caller_get;
    return r ? r : sg_callers_run(s, 2 * callers, &ns);
}

static int pair(const struct duel *d, const char *what, size_t callers, double rows_each,
                int (*work)(struct sg_caller *), const char *note)
{
    char name[128];
    int r = connect_all(d->ours, callers);
    if (r == 0)
        r = connect_all(d->theirs, callers);
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
                                 .ours = {d->ours->name, sg_callers_run, d->ours},
                                 .theirs = {d->theirs->name, sg_callers_run, d->theirs}};
    return sg_bench_pair(d->b, &line);
}

static int lines(const struct duel *d, const char *at_once_note, const char *scan_note)
{
    static const size_t callers[] = {1, 16, SG_CALLERS_MAX};
    double month = (double)d->ours->days * SG_STORE_DAY;
    int r = 0;
    for (size_t i = 0; r == 0 && i < 3; i++)
        r = pair(d, "get", callers[i], 1, sg_caller_get, "one row a request");
    if (r == 0)
        r = pair(d, "get, 16 wanted at once", 1, 1, sg_caller_get_some, at_once_note);
    if (r == 0)
        r = pair(d, "one client's month", 1, month, sg_caller_scan_month, scan_note);
    for (size_t i = 0; r == 0 && i < 3; i++)
        r = pair(d, "put, 1 a batch", callers[i], 1, sg_caller_put, "one reading, durable");
    return r ? r
             : pair(d, "put, 96 a batch", 1, SG_STORE_DAY, sg_caller_put_day,
                    "one client's day, durable");
}

static int duel(struct sg_bench *b, struct sg_callers *ours, struct sg_callers *theirs,
                const char *peer, const char *at_once_note, const char *scan_note)
{
    const struct duel d = {b, ours, theirs, peer};
    int64_t ns = 0;
    int r = sg_callers_fill(theirs);
    if (r == 0)
        r = sg_callers_open(ours, 1);
    ours->work = theirs->work = sg_caller_get;
    if (r == 0)
        r = sg_callers_run(ours, sg_bench_scale(b, WARM_OURS, WARM_QUICK), &ns);
    if (r == 0)
        r = sg_callers_run(theirs, sg_bench_scale(b, WARM_THEIRS, WARM_QUICK), &ns);
    if (r == 0)
        r = lines(&d, at_once_note, scan_note);
    sg_callers_close(theirs);
    return r;
}

static int against_redis(struct sg_bench *b, struct sg_callers *ours,
                         const struct sg_bench_trust *trust)
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
    struct sg_callers theirs = {
        .open = open_redis, .server = server, .data = ours->data, .days = ours->days};
    return r ? r
             : duel(b, ours, &theirs, "Redis", "ours one by one, Redis pipelined",
                    "2,976 rows; Redis: a hash, unordered");
}

static int against_etcd(struct sg_bench *b, struct sg_callers *ours,
                        const struct sg_bench_trust *trust)
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
    struct sg_callers theirs = {
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
    struct sg_callers ours = {.open = open_ours,
                              .server = store,
                              .data = data,
                              .days = sg_bench_scale(b, SG_STORE_DAYS, 2)};
    r = sg_callers_fill(&ours);
    if (r == 0)
        r = against_redis(b, &ours, trust);
    if (r == 0)
        r = against_etcd(b, &ours, trust);
    sg_callers_close(&ours);
    return r;
}

const struct sg_bench_suite sg_bench_suite_store_net = {
    .name = "store-net", .what = "records over TLS, vs Redis and etcd", .run = run};
