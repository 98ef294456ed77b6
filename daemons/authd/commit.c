/*
 * The committer: many blocks and sessions in one atomic batch.
 *
 *   plan -> build -> sg_kv_batch --0--> durable: acknowledge
 *    ^                    |
 *    +---- conflict ------+  a window differs: another authenticator was here: read it
 *    |                    |  a reading differs: that job alone, its row to reading_conflict
 *    +---- failure -------+  wait, longer each time; nothing is acknowledged
 *
 * Every batch carries the windows' next states by compare-and-set from the states it was judged by,
 * so it either has its whole effect or none, whoever else writes.
 */
#include "batch-int.h"

#define ROUNDS_TOGETHER 4 /* then each job by itself */
#define ROUNDS_ALONE    16

static bool any_open(const struct auth_batch *b)
{
    for (size_t i = 0; i < b->n_jobs; i++)
        if (b->jobs[i]->verdict == AUTH_VERDICT_OPEN)
            return true;
    return false;
}

static void abandon(struct auth_batch *b)
{
    for (size_t i = 0; i < b->n_jobs; i++)
        if (b->jobs[i]->verdict == AUTH_VERDICT_OPEN)
            b->jobs[i]->verdict = AUTH_VERDICT_ABANDONED;
}

/* One call of the store: 0 or a sg_kv_outcome or -errno. */
static int call_store(struct auth_batch *b)
{
    int r = auth_lane_kv(b->lane, &b->lane->commit_kv);
    return r ? r : sg_kv_batch(b->lane->commit_kv, AUTH_BUCKET, b->ops, b->n_ops, b->results);
}

/* Windows may have been written by a call that failed: read them before they are trusted again. */
static void note_failure(struct auth_batch *b)
{
    for (size_t i = 0; i < b->n_jobs; i++)
        b->jobs[i]->ambiguous = true;
}

enum try_end { TRY_DONE, TRY_CONFLICT, TRY_SPLIT };

/* Plans, builds and calls until the store has spoken. */
static enum try_end try_batch(struct auth_batch *b, bool *alone)
{
    for (struct auth_patience patience = {0};;) {
        auth_batch_plan(b);
        if (!any_open(b))
            return TRY_DONE;
        int r = auth_batch_build(b);
        r = r ? r : call_store(b);
        if (r == 0) {
            auth_batch_durable(b);
            b->lane->store_ok = true;
            return TRY_DONE;
        }
        if (r == SG_KV_CONFLICT)
            r = auth_batch_conflicts(b, alone);
        if (r == 0)
            return TRY_CONFLICT;
        sg_log_failure("store.failed", r);
        note_failure(b);
        switch (auth_lane_retry(b->lane, &b->lane->commit_kv, &patience)) {
        case AUTH_RETRY_AGAIN:
            continue;
        case AUTH_RETRY_GIVE_UP:
            return TRY_SPLIT;
        case AUTH_RETRY_STOP:
        default:
            abandon(b);
            return TRY_DONE;
        }
    }
}

static void commit_alone(struct auth_batch *b, struct auth_job *job)
{
    bool changed[1];
    b->jobs = &job;
    b->n_jobs = 1;
    for (int round = 0; round < ROUNDS_ALONE; round++)
        switch (try_batch(b, changed)) {
        case TRY_DONE:
            return;
        case TRY_CONFLICT:
            continue;
        case TRY_SPLIT:
        default:
            abandon(b); /* the store answers, and not this: its fault */
            return;
        }
    abandon(b);
}

/* Together while only windows differ; jobs with conflicting rows, and in the end all, by
 * themselves. */
static void commit_together(struct auth_batch *b, struct auth_job **jobs, size_t n)
{
    bool alone[AUTH_BATCH_JOBS] = {false};
    struct auth_job *together[AUTH_BATCH_JOBS], *later[AUTH_BATCH_JOBS];
    size_t n_later = 0;
    memcpy(together, jobs, n * sizeof *jobs);
    for (int round = 0; round < ROUNDS_TOGETHER && n > 0; round++) {
        b->jobs = together;
        b->n_jobs = n;
        enum try_end end = try_batch(b, alone);
        if (end == TRY_DONE)
            n = 0;
        if (end == TRY_SPLIT)
            break;
        size_t left = 0;
        for (size_t i = 0; i < n; i++) {
            if (alone[i])
                later[n_later++] = together[i];
            else
                together[left++] = together[i];
        }
        n = left;
        memset(alone, 0, sizeof alone);
    }
    for (size_t i = 0; i < n; i++)
        commit_alone(b, together[i]);
    for (size_t i = 0; i < n_later; i++)
        commit_alone(b, later[i]);
}

/* ---- answers ---- */

static void count_stored(const struct auth_job *j)
{
    auth_count(blocks, j->n_new > 0);
    auth_count(accepted, j->n_new + j->n_conflict);
    auth_count(stored, j->n_new);
    auth_count(duplicate, j->n_same);
    auth_count(conflict, j->n_conflict);
}

static bool has_conflict(const struct auth_job *j)
{
    for (size_t i = 0; i < j->rows.n; i++)
        if (j->rows_to[i] != AUTH_TO_READING)
            return true;
    return false;
}

static struct sg_ack ack_of(const struct auth_job *j)
{
    struct sg_ack a = {.seq = j->seq, .status = SG_ACK_STORED};
    if (has_conflict(j)) {
        a.status = SG_ACK_REFUSED;
        a.reason = SG_REFUSED_CONFLICT;
    } else if (j->verdict == AUTH_VERDICT_DUPLICATE || (j->n_new == 0 && j->n_same > 0)) {
        a.status = SG_ACK_DUPLICATE;
    }
    return a;
}

static void answer_block(struct auth_lane *l, const struct auth_job *j)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf frame = SG_BUF_INIT(256);
    struct sg_ack ack = ack_of(j);
    int r = 0;
    pthread_mutex_lock(&l->lock);
    if (j->verdict != AUTH_VERDICT_ABANDONED)
        r = sg_auth_ack(l->engine, j->session, &ack, 1, &frame);
    sg_auth_settled(j->session, j->seq);
    pthread_mutex_unlock(&l->lock);
    if (r)
        sg_log_failure("ack.failed", r);
    if (j->verdict == AUTH_VERDICT_STORED)
        count_stored(j);
    else if (j->verdict == AUTH_VERDICT_DUPLICATE)
        auth_count(replays, 1);
    if (frame.len) {
        auth_count(acks, 1);
        auth_conn_down(j->conn, j->handle, sg_buf_bytes(&frame));
    }
}

static void answer_session(struct auth_lane *l, const struct auth_job *j)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf frame = SG_BUF_INIT(1024);
    int r = 0;
    pthread_mutex_lock(&l->lock);
    if (j->verdict == AUTH_VERDICT_STORED)
        r = sg_auth_stored(l->engine, j->handshake, &frame);
    else
        sg_auth_store_failed(l->engine, j->handshake);
    pthread_mutex_unlock(&l->lock);
    if (r)
        sg_log_failure("handshake.failed", r);
    if (frame.len == 0)
        return;
    auth_count(handshakes, 1);
    auth_conn_down(j->conn, j->handle, sg_buf_bytes(&frame));
}

static void answer(struct auth_lane *l, const struct auth_job *j)
{
    if (j->kind == AUTH_JOB_BLOCK)
        answer_block(l, j);
    else
        answer_session(l, j);
    auth_count(abandoned, j->verdict == AUTH_VERDICT_ABANDONED);
    auth_conn_done(j->conn, j->number);
}

/* ---- thread ---- */

/* Two blocks over the same time of one client would write the same keys: not in one batch. */
static bool overlaps(struct auth_job *const *jobs, size_t n, const struct auth_job *j)
{
    for (size_t i = 0; i < n; i++) {
        const struct auth_job *x = jobs[i];
        if (x->kind == AUTH_JOB_BLOCK && j->kind == AUTH_JOB_BLOCK &&
            x->rows.client_id == j->rows.client_id && x->rows.first_ts_s <= j->rows.last_ts_s &&
            j->rows.first_ts_s <= x->rows.last_ts_s)
            return true;
    }
    return false;
}

/* Waits for jobs, takes what fits into one batch, in order. */
static size_t take_jobs(struct auth_lane *l, struct auth_job **jobs)
{
    size_t n = 0, ops = 0, bytes = 0;
    pthread_mutex_lock(&l->lock);
    while (!l->jobs && !l->stop)
        pthread_cond_wait(&l->jobs_filled, &l->lock);
    for (struct auth_job **at = &l->jobs; *at && !l->stop && n < AUTH_BATCH_JOBS;) {
        struct auth_job *j = *at;
        size_t j_ops = j->rows.n + 2, j_bytes = j->rows.octets.len + 1024;
        if (overlaps(jobs, n, j)) {
            at = &j->next;
            continue;
        }
        if (n > 0 && (ops + j_ops > AUTH_BATCH_OPS || bytes + j_bytes > AUTH_BATCH_BYTES))
            break;
        ops += j_ops;
        bytes += j_bytes;
        *at = j->next;
        if (!*at)
            l->jobs_end = at;
        j->next = NULL;
        jobs[n++] = j;
        l->n_jobs--;
    }
    pthread_cond_broadcast(&l->jobs_taken);
    pthread_mutex_unlock(&l->lock);
    return n;
}

void *auth_committer_main(void *arg)
{
    struct auth_lane *l = arg;
    struct auth_job *jobs[AUTH_BATCH_JOBS];
    struct auth_batch b;
    int r = auth_batch_init(&b, l);
    if (r) {
        sg_log_failure("committer.failed", r);
        abort();
    }
    for (size_t n; (n = take_jobs(l, jobs)) > 0;) {
        commit_together(&b, jobs, n);
        for (size_t i = 0; i < n; i++) {
            answer(l, jobs[i]);
            auth_job_free(jobs[i]);
        }
    }
    auth_batch_clear(&b);
    return NULL;
}
