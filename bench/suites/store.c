/*
 * store - the record interface in process beside RocksDB and LMDB: rows put, durable batch by
 * batch, point reads, one client's month, whole tables, at three sizes.
 *
 * Ours seals, keeps three copies and checks every head; a peer keeps one copy of plain rows, or,
 * where a line says so, three of them, each synced.  Values are the readings of store-data.h.
 */
#include "store-callers.h"
#include "store-ours.h"
#include "suites.h"

#include "../peers/copies.h"
#include "../peers/lmdb.h"
#include "../peers/rocksdb.h"
#include "../peers/server.h"

#include <dirent.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>
#include <stdio.h>
#include <sys/stat.h>

#define COPIES 3
/* Gets before any is measured: far more than twice as many as the smallest table has pages. */
#define WARM_GETS       12000
#define WARM_GETS_QUICK 200
#define GET_ROWS        64 /* keys drawn at a time, outside of what is timed by less than 1 % */
#define BATCH_ROWS      (SG_STORE_GROUP * SG_STORE_DAY)
#define SCAN_LAPS       5
#define N_SIZES         3

/* Clients of 31 days each: 119,040, 952,320 and 4,047,360 rows. */
static const struct {
    uint64_t clients, quick_clients;
    const char *name;
} sizes[N_SIZES] = {{40, 40, "0.12 M"}, {320, 80, "0.95 M"}, {1360, 120, "4.05 M"}};

enum peer_kind { ROCKSDB, LMDB };

/* One side: an engine, how far it is filled, and what it was asked. */
struct side {
    struct sg_bench_map *map;
    struct sg_bench_store *store; /* ours only */
    const struct sg_store_data *data;
    char folder[4096];
    /* filling: batches of one day of SG_STORE_GROUP clients, day by day */
    uint64_t first_client, clients, next;
    /* adding: rows of one client a batch, client after client, from a slot on */
    uint64_t add_clients, add_slot, add_next;
    size_t add_rows;
    /* reading */
    uint64_t days;
    struct sg_prng rng;
    struct sg_bench_seen seen;
};

/* ---- units of work ---- */

/* n batches of BATCH_ROWS. */
static int fill(void *ctx, uint64_t n, int64_t *ret_ns)
{
    static struct sg_bench_row rows[BATCH_ROWS];
    struct side *s = ctx;
    uint64_t groups = s->clients / SG_STORE_GROUP;
    int r = 0;
    (void)ret_ns;
    for (uint64_t i = 0; r == 0 && i < n; i++, s->next++) {
        uint64_t first = s->first_client + s->next % groups * SG_STORE_GROUP,
                 slot = s->next / groups * SG_STORE_DAY;
        for (size_t k = 0; k < BATCH_ROWS; k++)
            sg_store_data_row(s->data, first + k / SG_STORE_DAY, slot + k % SG_STORE_DAY, &rows[k]);
        r = s->map->ops->put(s->map, rows, BATCH_ROWS);
    }
    return r;
}

/* n batches of add_rows. */
static int add(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct sg_bench_row rows[SG_STORE_DAY];
    struct side *s = ctx;
    int r = 0;
    (void)ret_ns;
    for (uint64_t i = 0; r == 0 && i < n; i++, s->add_next++) {
        uint64_t client = s->add_next % s->add_clients,
                 slot = s->add_slot + s->add_next / s->add_clients * s->add_rows;
        for (size_t k = 0; k < s->add_rows; k++)
            sg_store_data_row(s->data, client, slot + k, &rows[k]);
        r = s->map->ops->put(s->map, rows, s->add_rows);
    }
    return r;
}

static int get(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct sg_bench_row rows[GET_ROWS];
    struct side *s = ctx;
    int r = 0;
    (void)ret_ns;
    for (uint64_t done = 0; r == 0 && done < n;) {
        size_t k = 0;
        for (; k < GET_ROWS && done < n; k++, done++)
            sg_store_data_key(sg_prng_below(&s->rng, s->first_client + s->clients),
                              sg_prng_below(&s->rng, s->days * SG_STORE_DAY), rows[k].key);
        r = s->map->ops->get(s->map, rows, k, &s->seen);
    }
    return r;
}

/* n months. */
static int scan_month(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct side *s = ctx;
    int r = 0;
    (void)ret_ns;
    for (uint64_t i = 0; r == 0 && i < n; i++) {
        struct sg_bench_range range;
        uint64_t client = sg_prng_below(&s->rng, s->first_client + s->clients),
                 before = s->seen.rows;
        sg_store_data_key(client, 0, range.from);
        sg_store_data_key(client, s->days * SG_STORE_DAY, range.until);
        r = s->map->ops->scan(s->map, &range, &s->seen);
        if (r == 0 && s->seen.rows - before != s->days * SG_STORE_DAY)
            r = sg_raisef(-EIO, "%s: a month of %llu rows", s->map->name,
                          (unsigned long long)(s->seen.rows - before));
    }
    return r;
}

/* n whole tables. */
static int scan_all(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct side *s = ctx;
    uint64_t want = (s->first_client + s->clients) * s->days * SG_STORE_DAY;
    int r = 0;
    (void)ret_ns;
    for (uint64_t i = 0; r == 0 && i < n; i++) {
        uint64_t before = s->seen.rows;
        r = s->map->ops->scan_all(s->map, &s->seen);
        if (r == 0 && s->seen.rows - before != want)
            r = sg_raisef(-EIO, "%s: a table of %llu rows", s->map->name,
                          (unsigned long long)(s->seen.rows - before));
    }
    return r;
}

/* ---- sides ---- */

static void close_side(struct side *s)
{
    sg_bench_map_close(s->map);
    sg_bench_store_close(s->store);
    s->map = NULL;
    s->store = NULL;
}

static int prepare_side(struct side *s, struct sg_bench *b, const struct sg_store_data *data,
                        const char *name)
{
    *s = (struct side){.data = data, .days = sg_bench_scale(b, SG_STORE_DAYS, 2)};
    sg_prng_seed(&s->rng, 1);
    return sg_bench_folder(b, name, s->folder, sizeof(s->folder));
}

static int open_ours(struct side *s, struct sg_bench *b, const struct sg_store_data *data)
{
    int r = prepare_side(s, b, data, "store");
    if (r == 0)
        r = sg_bench_store_open(&s->store, s->folder);
    return r ? r : sg_bench_store_map(&s->map, s->store, false);
}

static int open_one(struct sg_bench_map **ret, enum peer_kind kind, const char *folder)
{
    return kind == ROCKSDB ? sg_bench_rocksdb_open(ret, folder) : sg_bench_lmdb_open(ret, folder);
}

static int open_copies(struct side *s, enum peer_kind kind)
{
    struct sg_bench_map *maps[COPIES] = {NULL};
    char path[4200];
    int r = 0;
    for (size_t i = 0; r == 0 && i < COPIES; i++) {
        snprintf(path, sizeof(path), "%s/%zu", s->folder, i);
        r = sg_mkdir_p(path, 0700);
        if (r == 0)
            r = open_one(&maps[i], kind, path);
    }
    if (r == 0)
        r = sg_bench_copies_new(
            &s->map, kind == ROCKSDB ? "RocksDB, fsync, 3 copies" : "LMDB, sync, 3 copies", maps,
            COPIES);
    for (size_t i = 0; r && i < COPIES; i++)
        sg_bench_map_close(maps[i]);
    return r;
}

/* SG_BENCH_ABSENT. */
static int open_peer(struct side *s, struct sg_bench *b, const struct sg_store_data *data,
                     enum peer_kind kind, size_t copies)
{
    int r = prepare_side(s, b, data, kind == ROCKSDB ? "rocksdb" : "lmdb");
    if (r)
        return r;
    return copies > 1 ? open_copies(s, kind) : open_one(&s->map, kind, s->folder);
}

static int settle(struct side *s)
{
    return s->map->ops->settle ? s->map->ops->settle(s->map) : 0;
}

/* Octets of all files below a folder; files may go while we look. */
static int folder_octets(const char *folder, double *sum)
{
    char path[4400];
    struct stat st;
    DIR *d = opendir(folder);
    if (!d)
        return sg_raise_errno();
    int r = 0;
    for (const struct dirent *e; r == 0 && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        if (lstat(path, &st))
            continue;
        if (S_ISDIR(st.st_mode))
            r = folder_octets(path, sum);
        else
            *sum += (double)st.st_size;
    }
    closedir(d);
    return r;
}

/* ---- lines ---- */

struct duel {
    struct sg_bench *b;
    struct side ours, theirs;
    const char *peer; /* in names of lines */
};

static int pair(struct duel *d, const char *what, const char *size, const char *note,
                int (*run)(void *, uint64_t, int64_t *), double per_unit, uint64_t fixed_n,
                unsigned laps)
{
    char name[128];
    snprintf(name, sizeof(name), "%s%s%s, vs %s", what, *size ? ", " : "", size, d->peer);
    struct sg_bench_line line = {.name = name,
                                 .unit = "rows/s",
                                 .per_unit = per_unit,
                                 .fixed_n = fixed_n,
                                 .laps = laps,
                                 .note = note,
                                 .ours = {d->ours.map->name, run, &d->ours},
                                 .theirs = {d->theirs.map->name, run, &d->theirs}};
    return sg_bench_pair(d->b, &line);
}

/* A lap is one day of all new clients, so that the laps together fill the table. */
static int fill_to(struct duel *d, uint64_t clients, const char *size)
{
    for (size_t i = 0; i < 2; i++) {
        struct side *s = i ? &d->theirs : &d->ours;
        s->first_client += s->clients;
        s->clients = clients - s->first_client;
        s->next = 0;
    }
    int r = pair(d, "put, 3,840 a batch", size, "filling the table; each batch durable", fill,
                 BATCH_ROWS, d->ours.clients / SG_STORE_GROUP, SG_STORE_DAYS);
    if (r == 0)
        r = settle(&d->ours);
    return r ? r : settle(&d->theirs);
}

static int read_lines(struct duel *d, const char *size)
{
    double month = (double)d->ours.days * SG_STORE_DAY,
           table = month * (double)(d->ours.first_client + d->ours.clients);
    int64_t ns = 0;
    uint64_t warm = sg_bench_scale(d->b, WARM_GETS, WARM_GETS_QUICK);
    int r = get(&d->ours, warm, &ns);
    if (r == 0)
        r = get(&d->theirs, warm, &ns);
    if (r == 0)
        r = pair(d, "get, random", size, "one row by its key", get, 1, 0, 0);
    if (r == 0)
        r = pair(d, "one client's month", size, "2,976 rows in order", scan_month, month, 0, 0);
    if (r == 0)
        r = pair(d, "whole table", size, "every row, client by client", scan_all, table, 1,
                 SCAN_LAPS);
    return r;
}

static int add_lines(struct duel *d, const char *what, size_t rows, const char *note)
{
    for (size_t i = 0; i < 2; i++) {
        struct side *s = i ? &d->theirs : &d->ours;
        /* behind what was added before, of the widest clients' range */
        s->add_slot += SG_STORE_MONTH * 1000;
        s->add_next = 0;
        s->add_rows = rows;
        s->add_clients = s->first_client + s->clients;
    }
    return pair(d, what, "", note, add, (double)rows, 0, 0);
}

static int small_batches(struct duel *d)
{
    int r = add_lines(d, "put, 96 a batch", SG_STORE_DAY, "one client's day; each batch durable");
    return r ? r : add_lines(d, "put, 1 a batch", 1, "one reading, durable");
}

static int disk_line(struct duel *d)
{
    char name[128];
    double rows = (double)((d->ours.first_client + d->ours.clients) * d->ours.days * SG_STORE_DAY),
           ours = 0, theirs = 0;
    int r = folder_octets(d->ours.folder, &ours);
    if (r == 0)
        r = folder_octets(d->theirs.folder, &theirs);
    if (r)
        return r;
    snprintf(name, sizeof(name), "octets on disk a reading, vs %s", d->peer);
    struct sg_bench_line line = {.name = name,
                                 .unit = "B",
                                 .note = "files after checkpoint or compaction",
                                 .ours = {.name = d->ours.map->name},
                                 .theirs = {.name = d->theirs.map->name}};
    return sg_bench_quantity(d->b, &line, ours / rows, theirs / rows, true);
}

/* Against three copies only what is written. */
static int run_lines(struct duel *d, size_t copies, size_t first, size_t last)
{
    bool quick = sg_bench_quick(d->b);
    int r = 0;
    for (size_t i = first; r == 0 && i <= last; i++) {
        r = fill_to(d, quick ? sizes[i].quick_clients : sizes[i].clients, sizes[i].name);
        if (r == 0 && copies == 1)
            r = read_lines(d, sizes[i].name);
    }
    if (r == 0)
        r = disk_line(d);
    return r ? r : small_batches(d);
}

/* At the sizes from first to last. */
static int against(struct sg_bench *b, const struct sg_store_data *data, enum peer_kind kind,
                   size_t copies, size_t first, size_t last, const char *peer)
{
    struct duel d = {.b = b, .peer = peer};
    int r = open_peer(&d.theirs, b, data, kind, copies);
    if (r == SG_BENCH_ABSENT) {
        sg_bench_skip(b, peer, "this build was made without its library");
        return 0;
    }
    if (r == 0)
        r = open_ours(&d.ours, b, data);
    if (r == 0)
        r = run_lines(&d, copies, first, last);
    close_side(&d.ours);
    close_side(&d.theirs);
    /* Some GB by now: the next pair needs the room. */
    if (r == 0)
        r = sg_remove_tree(d.ours.folder);
    return r ? r : sg_remove_tree(d.theirs.folder);
}

/* ---- many threads ---- */

static int session_of_ours(void *server, struct sg_bench_map **ret)
{
    return sg_bench_store_map(ret, server, false);
}

static int session_of_rocksdb(void *server, struct sg_bench_map **ret)
{
    return sg_bench_rocksdb_again(ret, server);
}

static int threads_line(struct sg_bench *b, struct sg_callers *ours, struct sg_callers *theirs,
                        size_t threads, const char *what, int (*work)(struct sg_caller *))
{
    char name[64];
    int r = sg_callers_open(ours, threads);
    if (r == 0)
        r = sg_callers_open(theirs, threads);
    if (r)
        return r;
    ours->work = theirs->work = work;
    if (work == sg_caller_get) {
        int64_t ns = 0;
        uint64_t warm = sg_bench_scale(b, WARM_GETS, WARM_GETS_QUICK);
        r = sg_callers_run(ours, warm, &ns);
        if (r == 0)
            r = sg_callers_run(theirs, warm, &ns);
        if (r)
            return r;
    }
    snprintf(name, sizeof(name), "%s, %zu threads, vs RocksDB", what, threads);
    struct sg_bench_line line = {.name = name,
                                 .unit = "rows/s",
                                 .note = "each thread its own session and clients",
                                 .ours = {ours->name, sg_callers_run, ours},
                                 .theirs = {theirs->name, sg_callers_run, theirs}};
    return sg_bench_pair(b, &line);
}

static int threads_lines(struct sg_bench *b, struct sg_callers *ours, struct sg_callers *theirs)
{
    int r = sg_callers_fill(ours);
    if (r == 0)
        r = sg_callers_fill(theirs);
    if (r == 0)
        r = threads_line(b, ours, theirs, 4, "get, random", sg_caller_get);
    if (r == 0)
        r = threads_line(b, ours, theirs, 16, "put, 1 a batch", sg_caller_put);
    sg_callers_close(ours);
    sg_callers_close(theirs);
    return r;
}

/* Both engines gather what waits at the same time into one sync. */
static int with_threads(struct sg_bench *b, const struct sg_store_data *data)
{
    struct side ours = {.map = NULL}, theirs = {.map = NULL};
    int r = open_peer(&theirs, b, data, ROCKSDB, 1);
    if (r == 0)
        r = open_ours(&ours, b, data);
    if (r == 0) {
        struct sg_callers a = {session_of_ours, ours.store, data, ours.days, .n_open = 0},
                          c = {session_of_rocksdb, theirs.map, data, ours.days, .n_open = 0};
        r = threads_lines(b, &a, &c);
    }
    close_side(&ours);
    close_side(&theirs);
    return r;
}

static int run(struct sg_bench *b)
{
    SG_CLEANUP(sg_store_data_freep) struct sg_store_data *data = NULL;
    int r = sg_store_data_new(&data);
    if (r == 0)
        r = against(b, data, ROCKSDB, 1, 0, N_SIZES - 1, "RocksDB");
    if (r == 0)
        r = against(b, data, LMDB, 1, 0, 1, "LMDB");
    if (r == 0)
        r = against(b, data, ROCKSDB, COPIES, 1, 1, "RocksDB x3");
    if (r == 0)
        r = against(b, data, LMDB, COPIES, 1, 1, "LMDB x3");
    return r ? r : with_threads(b, data);
}

const struct sg_bench_suite sg_bench_suite_store = {
    .name = "store", .what = "records in process, vs RocksDB and LMDB", .run = run};
