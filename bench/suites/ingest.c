/*
 * ingest - sealed frames to durable, acknowledged rows: the authenticator's lanes over a store of
 * three copies in one process.  Frames are made ahead.
 *
 * Beside the verification of the same number of signatures alone, which nobody can do without, both
 * sides are measured in processor time of the whole process, background threads included: what one
 * core does.  Beside RocksDB the clock on the wall counts, because both wait for disks.
 */
#include "suites.h"

#include "../peers/copies.h"
#include "../peers/rocksdb.h"
#include "ingest-live.h"
#include "ingest-rig.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/random.h>
#include <sealgrid/crypto/hash.h>

#define GOAL_READINGS_S 60000
#define GOAL_SINGLE     0.6
#define COPIES          3
#define SIZES           3
#define OCTETS_MAX      65536

/* ---- bound: the signatures alone ----------------------------------------------------------- */

struct signature {
    EVP_PKEY_CTX *ctx; /* the key, loaded and ready to verify */
    uint8_t digest[32], octets[512];
    size_t len;
};

struct bound {
    struct signature *signatures;
    size_t n, turn;
};

static void clear_bound(struct bound *b)
{
    for (size_t i = 0; i < b->n; i++)
        EVP_PKEY_CTX_free(b->signatures[i].ctx);
    free(b->signatures);
}

static bool set_padding(EVP_PKEY_CTX *c, enum sg_sign_alg alg)
{
    return alg == SG_SIGN_ES256 || (EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
                                    EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 &&
                                    EVP_PKEY_CTX_set_rsa_pss_saltlen(c, 32) == 1);
}

static bool prepare_signature(struct signature *s, EVP_PKEY *key, enum sg_sign_alg alg)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
    s->len = sizeof s->octets;
    sg_random_bytes(s->digest, sizeof s->digest);
    bool ok = c && EVP_PKEY_sign_init(c) == 1 && set_padding(c, alg) &&
              EVP_PKEY_sign(c, s->octets, &s->len, s->digest, sizeof s->digest) == 1;
    EVP_PKEY_CTX_free(c);
    s->ctx = ok ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    return s->ctx && EVP_PKEY_verify_init(s->ctx) == 1 && set_padding(s->ctx, alg);
}

static int prepare_bound(struct bound *b, const struct fleet *f)
{
    b->signatures = calloc(f->o.meters, sizeof *b->signatures);
    if (!b->signatures)
        return sg_raise(-ENOMEM);
    for (; b->n < f->o.meters; b->n++)
        if (!prepare_signature(&b->signatures[b->n], sg_key_evp(f->meters[b->n].metrology),
                               f->o.alg))
            return sg_raisef(-EIO, "bare signature");
    return 0;
}

static int run_bound(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bound *b = ctx;
    const int64_t begun = sg_clock_cpu_ns();
    for (uint64_t i = 0; i < n; i++) {
        const struct signature *s = &b->signatures[b->turn];
        if (EVP_PKEY_verify(s->ctx, s->octets, s->len, s->digest, sizeof s->digest) != 1)
            return sg_raisef(-EIO, "bare verification");
        b->turn = (b->turn + 1) % b->n;
    }
    *ret_ns = sg_clock_cpu_ns() - begun;
    return 0;
}

/* ---- ours ---------------------------------------------------------------------------------- */

struct ours {
    struct rig *rig;
    struct rig_lap sum; /* of the laps so far */
};

static int run_ours(struct ours *o, uint64_t n, struct rig_lap *ret)
{
    int r = rig_run(o->rig, n, ret);
    if (r)
        return r;
    o->sum.wall_ns += ret->wall_ns;
    o->sum.cpu_ns += ret->cpu_ns;
    o->sum.blocks += ret->blocks;
    o->sum.batches += ret->batches;
    return 0;
}

static int run_cpu(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct rig_lap lap;
    int r = run_ours(ctx, n, &lap);
    if (r == 0)
        *ret_ns = lap.cpu_ns;
    return r;
}

static int run_wall(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct rig_lap lap;
    int r = run_ours(ctx, n, &lap);
    if (r == 0)
        *ret_ns = lap.wall_ns;
    return r;
}

/* ---- peer: the same entries, made durable by the index engine alone ------------------------ */

struct plain {
    struct sg_bench_map *map;
    struct rig_shape shape;
    double blocks_a_batch; /* of ours */
    struct sg_bench_row *rows;
    size_t rows_max;
    uint64_t entries, meters; /* written so far; in the fleet */
    uint8_t octets[OCTETS_MAX];
};

static void free_plain(struct plain **p)
{
    if (!*p)
        return;
    sg_bench_map_close((*p)->map);
    free((*p)->rows);
    free(*p);
}

#ifdef SG_HAVE_ROCKSDB
static int open_copies(struct sg_bench *b, struct sg_bench_map **ret)
{
    struct sg_bench_map *maps[COPIES] = {NULL};
    char folder[512];
    int r = 0;
    for (size_t i = 0; r == 0 && i < COPIES; i++) {
        r = sg_bench_folder(b, "rocksdb", folder, sizeof folder);
        r = r ? r : sg_bench_rocksdb_open(&maps[i], folder);
    }
    r = r ? r : sg_bench_copies_new(ret, "RocksDB, WAL and fsync, 3 copies", maps, COPIES);
    for (size_t i = 0; r && i < COPIES; i++)
        sg_bench_map_close(maps[i]);
    return r;
}

/* Names as ours: octets of a pseudorandom function, so that neighbours come from different meters;
 * heads are written again and again, pages once. */
static void next_key(struct plain *p, uint8_t ret[SG_BENCH_KEY_LEN])
{
    const uint64_t each = (uint64_t)(p->shape.entries + 0.5), kind = p->entries % each;
    struct sg_prng name;
    sg_prng_seed2(&name, kind, p->entries / each % p->meters);
    memset(ret, 0, SG_BENCH_KEY_LEN);
    sg_store_be64(ret, sg_prng_u64(&name));
    if (kind >= 3)
        sg_store_be64(ret + 8, p->entries);
    p->entries++;
}

static int put_batch(struct plain *p, uint64_t blocks)
{
    const size_t n = (size_t)((double)blocks * p->shape.entries + 0.5);
    const size_t len = (size_t)(p->shape.octets / p->shape.entries);
    if (n > p->rows_max || len >= OCTETS_MAX / 2)
        return sg_raise(-E2BIG);
    for (size_t i = 0; i < n; i++) {
        next_key(p, p->rows[i].key);
        p->rows[i].value = SG_BYTES(p->octets + i % (OCTETS_MAX / 2), len);
    }
    return p->map->ops->put(p->map, p->rows, n);
}

static int run_plain(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct plain *p = ctx;
    const uint64_t each = (uint64_t)(p->blocks_a_batch + 0.5);
    int r = 0;
    (void)ret_ns;
    for (uint64_t done = 0; r == 0 && done < n; done += each)
        r = put_batch(p, n - done < each ? n - done : each);
    return r;
}

static int open_plain(struct sg_bench *b, struct ours *o, size_t n, struct plain **ret)
{
    SG_CLEANUP(free_plain) struct plain *p = calloc(1, sizeof *p);
    if (!p)
        return sg_raise(-ENOMEM);
    int r = rig_shape(o->rig, n, &p->shape);
    p->blocks_a_batch = (double)o->sum.blocks / (double)o->sum.batches;
    p->meters = rig_fleet(o->rig)->o.meters;
    p->rows_max = (size_t)((p->blocks_a_batch + 1) * (p->shape.entries + 1)) + 1;
    p->rows = calloc(p->rows_max, sizeof *p->rows);
    sg_random_bytes(p->octets, sizeof p->octets);
    r = r || p->rows ? r : sg_raise(-ENOMEM);
    r = r ? r : open_copies(b, &p->map);
    if (r == 0)
        *ret = TAKE_PTR(p);
    return r;
}
#endif

/* ---- lines --------------------------------------------------------------------------------- */

struct subject {
    const char *name; /* "days ES256": a block a day */
    enum sg_sign_alg alg;
    uint32_t readings;
    double goal;     /* beside the bound */
    uint32_t blocks; /* a lap */
};

static int line_bound(struct sg_bench *b, const struct subject *s, struct ours *o)
{
    SG_CLEANUP(clear_bound) struct bound bound = {0};
    char name[64];
    snprintf(name, sizeof name, "%s, %u meters", s->name, rig_fleet(o->rig)->o.meters);
    int r = prepare_bound(&bound, rig_fleet(o->rig));
    return r ? r
             : sg_bench_pair(b, &(struct sg_bench_line){
                                    .name = name,
                                    .unit = "readings/s",
                                    .per_unit = s->readings,
                                    .fixed_n = s->blocks,
                                    .goal = s->goal,
                                    .cpu = true,
                                    .note = "One core (processor time of all threads): frame to "
                                            "durable rows in 3 copies and acknowledgement, beside "
                                            "the signatures of the same blocks, keys loaded.",
                                    .ours = {"sealgrid", run_cpu, o},
                                    .theirs = {"OpenSSL, signatures alone", run_bound, &bound}});
}

static int line_plain(struct sg_bench *b, const struct subject *s, struct ours *o)
{
    char name[64];
    snprintf(name, sizeof name, "%s, durable", s->name);
#ifdef SG_HAVE_ROCKSDB
    SG_CLEANUP(free_plain) struct plain *p = NULL;
    int r = open_plain(b, o, s->blocks, &p);
    return r ? r
             : sg_bench_pair(b, &(struct sg_bench_line){
                                    .name = name,
                                    .unit = "readings/s",
                                    .per_unit = s->readings,
                                    .fixed_n = s->blocks,
                                    .note = "Wall clock.  RocksDB writes as many entries of as "
                                            "many octets in batches as large as ours, synced, "
                                            "to 3 databases at once, and does nothing else.",
                                    .ours = {"sealgrid", run_wall, o},
                                    .theirs = {p->map->name, run_plain, p}});
#else
    (void)o;
    sg_bench_skip(b, name, "RocksDB was not there when this was built");
    return 0;
#endif
}

/* Of all laps so far. */
static double readings_a_second(const struct ours *o, int64_t ns)
{
    return (double)o->sum.blocks * rig_fleet(o->rig)->o.readings / ((double)ns / 1e9);
}

static int line_rate(struct sg_bench *b, const struct subject *s, const struct ours *o)
{
    char name[64];
    snprintf(name, sizeof name, "%s, rate", s->name);
    return sg_bench_quantity(
        b,
        &(struct sg_bench_line){.name = name,
                                .unit = "readings/s",
                                .goal = 1,
                                .note = "Wall clock, two lanes, durable in 3 copies, beside the "
                                        "goal of the project, a constant.",
                                .ours = {.name = "sealgrid"},
                                .theirs = {.name = "goal"}},
        readings_a_second(o, o->sum.wall_ns), GOAL_READINGS_S, false);
}

/* Whether a reading costs more in a larger fleet. */
static int line_growth(struct sg_bench *b, const struct subject *s, const double per_s[SIZES])
{
    char name[64];
    snprintf(name, sizeof name, "%s, growth", s->name);
    return sg_bench_quantity(
        b,
        &(struct sg_bench_line){.name = name,
                                .unit = "readings/s",
                                .goal = 0.8,
                                .note = "One core: the largest fleet beside the smallest, a "
                                        "hundredth of it.",
                                .ours = {.name = "largest fleet"},
                                .theirs = {.name = "smallest fleet"}},
        per_s[SIZES - 1], per_s[0], false);
}

/* One fleet: every line of it; *ret_per_s: readings a second of processor time. */
static int measure(struct sg_bench *b, const struct subject *s, uint32_t meters, bool all,
                   double *ret_per_s)
{
    SG_CLEANUP(rig_freep) struct rig *rig = NULL;
    char folder[512];
    int r = sg_bench_folder(b, "ingest", folder, sizeof folder);
    r = r ? r : rig_new(&rig, folder, &(struct fleet_options){meters, s->alg, s->readings});
    struct ours o = {.rig = rig};
    r = r ? r : line_bound(b, s, &o);
    if (r)
        return r;
    *ret_per_s = readings_a_second(&o, o.sum.cpu_ns);
    r = all ? line_plain(b, s, &o) : 0;
    return r || !all || s->readings == 1 ? r : line_rate(b, s, &o);
}

static int measure_sizes(struct sg_bench *b, const struct subject *s)
{
    static const uint32_t full[SIZES] = {100, 1000, 10000}, quick[SIZES] = {10, 20, 40};
    const uint32_t *sizes = sg_bench_quick(b) ? quick : full;
    double per_s[SIZES];
    int r = 0;
    for (size_t i = 0; r == 0 && i < SIZES; i++)
        r = measure(b, s, sizes[i], i == 1, &per_s[i]);
    return r ? r : line_growth(b, s, per_s);
}

/* The same work done by the daemons; both sides in processor time. */
static int line_live(struct sg_bench *b, const struct subject *s, const struct live_options *o)
{
    SG_CLEANUP(fleet_freep) struct fleet *fleet = NULL;
    SG_CLEANUP(clear_bound) struct bound bound = {0};
    struct sg_bench_reason reason = {0};
    struct live_result live;
    int64_t bound_ns = 0;
    char name[64];
    snprintf(name, sizeof name, "%s, all daemons", s->name);
    int r = live_measure(b, o, &live, &reason);
    if (r > 0) {
        sg_bench_skip(b, name, reason.text);
        return 0;
    }
    r = r ? r : fleet_new(&fleet, &(struct fleet_options){100, s->alg, s->readings});
    r = r ? r : prepare_bound(&bound, fleet);
    r = r ? r : run_bound(&bound, live.blocks, &bound_ns);
    return r ? r
             : sg_bench_quantity(
                   b,
                   &(struct sg_bench_line){
                       .name = name,
                       .unit = "readings/s",
                       .note = "One core: casd, kvsd, two authd, two aggd on loopback, recorded "
                               "frames over UDP, mTLS between, 3 copies; processor time of all, "
                               "sessions and registry cold, once; beside the signatures alone.",
                       .ours = {.name = "sealgrid"},
                       .theirs = {.name = "OpenSSL, signatures alone"}},
                   (double)live.readings / live.cpu_s,
                   (double)live.readings / ((double)bound_ns / 1e9), false);
}

static int run(struct sg_bench *b)
{
    const struct subject days = {"days ES256", SG_SIGN_ES256, SG_BLOCK_READINGS_MAX, 0,
                                 (uint32_t)sg_bench_scale(b, 400, 40)},
                         singles = {"single ES256", SG_SIGN_ES256, 1, GOAL_SINGLE,
                                    (uint32_t)sg_bench_scale(b, 4000, 80)},
                         rsa = {"days PS256", SG_SIGN_PS256, SG_BLOCK_READINGS_MAX, 0,
                                (uint32_t)sg_bench_scale(b, 400, 40)};
    double per_s;
    int r = measure_sizes(b, &days);
    r = r ? r : measure(b, &rsa, (uint32_t)sg_bench_scale(b, 1000, 20), false, &per_s);
    r = r ? r : measure_sizes(b, &singles);
    const struct live_options live_singles = {(unsigned)sg_bench_scale(b, 1000, 10), 1, true},
                              live_days = {(unsigned)sg_bench_scale(b, 400, 10), 16, false};
    r = r ? r : line_live(b, &singles, &live_singles);
    return r || sg_bench_quick(b) ? r : line_live(b, &days, &live_days);
}

const struct sg_bench_suite sg_bench_suite_ingest = {
    .name = "ingest",
    .what = "readings from sealed frames to durable rows, by day and one by one",
    .run = run,
};
