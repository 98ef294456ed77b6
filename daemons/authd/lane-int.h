#pragma once
/*
 * lane-int - what worker and committer of a lane share.
 */
#include "lane.h"

#include "counters.h"

#include <pthread.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/log.h>

#define AUTH_INBOX_FRAMES 1024
#define AUTH_INBOX_BYTES  (16u << 20)
#define AUTH_JOBS_MAX     256 /* waiting for the committer */
#define AUTH_BATCH_JOBS   128
#define AUTH_BATCH_OPS    14000 /* kv.h allows 16,384; conflicts may add rows */
#define AUTH_BATCH_BYTES  (8u << 20)

/* A frame as it came. */
struct auth_item {
    struct auth_item *next;
    struct auth_conn *conn;
    uint64_t handle, number;
    size_t len;
    uint8_t frame[];
};

enum auth_job_kind {
    AUTH_JOB_BLOCK,   /* rows of a block, admitted by its session's window */
    AUTH_JOB_SESSION, /* a session record: message_4 follows when it is durable */
};

enum auth_job_verdict {
    AUTH_VERDICT_OPEN,
    AUTH_VERDICT_STORED,
    AUTH_VERDICT_DUPLICATE, /* its number or all its rows were there already */
    AUTH_VERDICT_ABANDONED, /* no answer: the meter sends it again */
};

/* Where a reading goes. */
enum auth_row_to {
    AUTH_TO_READING,
    AUTH_TO_CONFLICT, /* a differing reading of that time is there: to reading_conflict */
    AUTH_TO_NOWHERE,  /* this very conflict is on record */
};

struct auth_job {
    struct auth_job *next;
    enum auth_job_kind kind;
    enum auth_job_verdict verdict;
    struct auth_conn *conn;
    uint64_t handle, number;
    /* AUTH_JOB_BLOCK */
    struct sg_auth_session *session; /* claimed */
    uint64_t seq;
    struct auth_rows rows;
    uint8_t rows_to[SG_BLOCK_READINGS_MAX]; /* enum auth_row_to */
    bool no_block_row;                      /* other evidence of these readings is there already */
    bool ambiguous; /* a failed call may have stored it: what is found there may be our own */
    size_t n_new, n_same, n_conflict; /* readings, when stored */
    /* AUTH_JOB_SESSION */
    uint8_t handshake[SG_FRAME_ID_LEN];
    uint8_t cid[SG_FRAME_ID_LEN];
    struct sg_buf record; /* secret */
};

struct auth_lane {
    const struct auth_lane_options *o;
    unsigned index;
    _Atomic bool stop, store_ok;
    pthread_t worker, committer;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t inbox_filled, jobs_filled, jobs_taken;
    struct auth_item *inbox, **inbox_end;
    size_t inbox_frames, inbox_bytes;
    struct auth_job *jobs, **jobs_end;
    size_t n_jobs;
    struct sg_auth *engine;
    /* Worker's own. */
    struct sg_kv *worker_kv;
    struct auth_registry *registry;
    /* Committer's own. */
    struct sg_kv *commit_kv;
};

static inline int64_t auth_now_ms(void)
{
    return sg_clock_monotonic_ns() / 1000000;
}
static inline int64_t auth_unix_s(const struct auth_lane *l)
{
    return l->o->unix_s ? l->o->unix_s() : sg_clock_unix_s();
}

void *auth_worker_main(void *lane);
void *auth_committer_main(void *lane);
void auth_job_free(struct auth_job *j);
void auth_item_free(struct auth_item *i);
/* What the engine asks of its lane; user is the lane. */
extern const struct sg_auth_ops auth_engine_ops;
/* Makes sure *kv is a session not too old. */
SG_MUST_USE int auth_lane_kv(struct auth_lane *l, struct sg_kv **kv);
void auth_lane_kv_close(struct auth_lane *l, struct sg_kv **kv);
/*
 * After a failed use of the store: closes the session, waits, longer each time.  AGAIN: try it
 * again. GIVE_UP: it failed again and again while the store answered, so it is at fault itself.
 * STOP: the lane ends.
 */
struct auth_patience {
    unsigned failures; /* how long to wait */
    unsigned strikes;  /* failures while the store answered */
};
enum auth_retry { AUTH_RETRY_AGAIN, AUTH_RETRY_GIVE_UP, AUTH_RETRY_STOP };
enum auth_retry auth_lane_retry(struct auth_lane *l, struct sg_kv **kv, struct auth_patience *p);
