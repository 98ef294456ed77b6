#include "ingest-rig.h"

#include "counters.h"
#include "lane.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/kv.h>
#include <sealgrid/kvs/store.h>

#define WAIT_S    60
#define PATH      512
#define RIG_HEADS 3 /* a block touches a partition of READING, one of BLOCK, one of WINDOW */

struct rig {
    struct fleet *fleet;
    struct sg_store *store;
    struct auth_lanes *lanes;
    struct auth_conn *sink;
    struct fleet_frames frames;
    uint64_t number;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    size_t due; /* answers still awaited */
};

struct fleet *rig_fleet(struct rig *r)
{
    return r->fleet;
}

/* ---- store --------------------------------------------------------------------------------- */

static int open_store(struct rig *r, const char *folder)
{
    static const uint8_t key[32] = {1};
    const struct sg_store_kek kek = {1, SG_BYTES_ARRAY(key)};
    const struct sg_store_bucket bucket = {AUTH_BUCKET, "replicas=3", &kek, 1, SG_BYTES_ARRAY(key)};
    char paths[RIG_VOLUMES][PATH];
    const char *names[RIG_VOLUMES];
    for (unsigned i = 0; i < RIG_VOLUMES; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/volume-%u", folder, i);
        names[i] = paths[i];
    }
    const struct sg_store_options o = {.volumes = names,
                                       .n_volumes = RIG_VOLUMES,
                                       .buckets = &bucket,
                                       .n_buckets = 1,
                                       .lease = {1}};
    return sg_fold(sg_store_open(&r->store, &o));
}

static int open_kv(void *user, struct sg_kv **ret)
{
    const struct rig *r = user;
    return sg_kv_open_local(ret, r->store);
}

static void close_kv(void *user, struct sg_kv *kv)
{
    (void)user;
    sg_kv_free(kv);
}

static int register_meters(struct rig *r)
{
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    int e = sg_kv_open_local(&kv, r->store);
    return e ? e : fleet_register(r->fleet, kv, AUTH_BUCKET);
}

/* ---- authenticator ------------------------------------------------------------------------- */

/* No reading of a run lies ahead of it. */
static int64_t clock_s(void)
{
    return FLEET_START_S + INT64_C(10) * 365 * 86400;
}

static void on_answer(void *user, const struct sg_agg_message *m)
{
    struct rig *r = user;
    if (m->type != SG_AGG_DONE)
        return;
    pthread_mutex_lock(&r->lock);
    if (--r->due == 0)
        pthread_cond_signal(&r->answered);
    pthread_mutex_unlock(&r->lock);
}

static int start_lanes(struct rig *r)
{
    const struct auth_lane_options o = {
        .lanes = RIG_LANES,
        .suites = {2},
        .n_suites = 1,
        .own = {r->fleet->authenticator},
        .roots = r->fleet->roots,
        .n_roots = 2,
        .rules = {.future_max_s = 300},
        .sessions_max = 65536,
        .open_kv = open_kv,
        .close_kv = close_kv,
        .kv_user = r,
        .unix_s = clock_s,
    };
    int e = auth_conn_new_sink(&r->sink, on_answer, r);
    return e ? e : auth_lanes_start(&r->lanes, &o);
}

/* ---- one measurement ----------------------------------------------------------------------- */

static int give_frames(struct rig *r)
{
    const struct timespec moment = {.tv_nsec = 500000};
    int e = 0;
    for (size_t i = 0; e == 0 && i < r->frames.n; i++) {
        while (!auth_lanes_have_room(r->lanes))
            nanosleep(&moment, NULL);
        e = auth_lanes_put(r->lanes, r->sink, 1, ++r->number, fleet_frame(&r->frames, i));
    }
    return e;
}

static int wait_for_answers(struct rig *r)
{
    struct timespec until;
    int e = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&r->lock);
    while (r->due > 0 && e == 0)
        e = pthread_cond_timedwait(&r->answered, &r->lock, &until);
    pthread_mutex_unlock(&r->lock);
    return e ? sg_raise(-e) : 0;
}

struct counts {
    int64_t stored, acks, batches;
};

static struct counts count(void)
{
    return (struct counts){sg_metric_get(&auth_counters.stored), sg_metric_get(&auth_counters.acks),
                           sg_metric_get(&auth_counters.batches)};
}

int rig_run(struct rig *r, size_t n, struct rig_lap *ret)
{
    int e = fleet_make_frames(r->fleet, n, &r->frames);
    if (e)
        return e;
    r->due = n;
    const struct counts before = count();
    const int64_t wall = sg_clock_monotonic_ns(), cpu = sg_clock_cpu_ns();
    e = give_frames(r);
    e = e ? e : wait_for_answers(r);
    if (e)
        return e;
    ret->wall_ns = sg_clock_monotonic_ns() - wall;
    ret->cpu_ns = sg_clock_cpu_ns() - cpu;
    const struct counts after = count();
    ret->blocks = n;
    ret->batches = (uint64_t)(after.batches - before.batches);
    if ((uint64_t)(after.stored - before.stored) != n * r->fleet->o.readings ||
        (uint64_t)(after.acks - before.acks) != n)
        return sg_raisef(-EBADMSG, "not every reading was stored and acknowledged");
    return 0;
}

/* ---- what a block weighs ------------------------------------------------------------------- */

static int add_journal(void *user, enum sg_store_file_class class, const char *path,
                       uint64_t live_bytes)
{
    uint64_t *sum = user;
    (void)path;
    *sum += class == SG_FILE_JOURNAL ? live_bytes : 0;
    return 0;
}

/* Octets in the journals of all copies; pages ever written. */
static int weigh(struct rig *r, uint64_t *ret_journal, uint64_t *ret_pages)
{
    struct sg_store_status s;
    uint64_t sum = 0;
    int e = sg_store_files(r->store, add_journal, &sum);
    sg_store_status(r->store, &s);
    *ret_journal = sum;
    *ret_pages = s.pages_written;
    return sg_fold(e);
}

int rig_shape(struct rig *r, size_t n, struct rig_shape *ret)
{
    uint64_t journal[2] = {0}, pages[2] = {0};
    struct rig_lap lap;
    int e = 0;
    do {
        e = weigh(r, &journal[0], &pages[0]);
        e = e ? e : rig_run(r, n, &lap);
        e = e ? e : weigh(r, &journal[1], &pages[1]);
    } while (e == 0 && journal[1] <= journal[0]);
    if (e)
        return e;
    ret->octets = (double)(journal[1] - journal[0]) / RIG_VOLUMES / (double)n;
    ret->entries = RIG_HEADS + (double)(pages[1] - pages[0]) / (double)n;
    return 0;
}

/* ---- life ---------------------------------------------------------------------------------- */

int rig_new(struct rig **ret, const char *folder, const struct fleet_options *o)
{
    SG_CLEANUP(rig_freep) struct rig *r = calloc(1, sizeof *r);
    struct rig_lap warm;
    if (!r)
        return sg_raise(-ENOMEM);
    r->frames = (struct fleet_frames)FLEET_FRAMES_INIT;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->answered, NULL);
    int e = fleet_new(&r->fleet, o);
    e = e ? e : open_store(r, folder);
    e = e ? e : register_meters(r);
    e = e ? e : start_lanes(r);
    e = e ? e : rig_run(r, o->meters, &warm);
    if (e == 0)
        *ret = TAKE_PTR(r);
    return e;
}

void rig_free(struct rig *r)
{
    if (!r)
        return;
    auth_lanes_stop(r->lanes);
    auth_conn_unref(r->sink);
    sg_store_close(r->store);
    fleet_free(r->fleet);
    fleet_frames_clear(&r->frames);
    pthread_cond_destroy(&r->answered);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
