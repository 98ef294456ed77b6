/*
 * The committer: many blocks and sessions in one atomic batch.
 *
 *   plan windows -> build -> sg_kv_batch --0--> durable: acknowledge
 *        ^                      |
 *        |                      +--conflict--> window differs: another authenticator was here:
 * reload |                      |              reading differs: that job alone, its row to | |
 * reading_conflict
 *        +----------------------+--failure---> wait, longer each time; nothing is acknowledged
 *
 * Every batch carries the windows' next states by compare-and-set from the states it was judged by,
 * so it either has its whole effect or none, whoever else writes.
 */
#include "lane-int.h"

#define ROUNDS_TOGETHER 4 /* then each job by itself */
#define ROUNDS_ALONE    16
#define SCRATCH_MAX     (2u << 20) /* keys and values that are not in the jobs' own buffers */

enum op_of { OF_WINDOW, OF_READING, OF_BLOCK, OF_SESSION };

struct owner {
    uint16_t of;  /* enum op_of */
    uint16_t job; /* or session, for OF_WINDOW */
    uint16_t row;
};

struct planned {
    struct sg_auth_session *session;
    struct sg_window before, next;
    bool absent;
};

/* One try. */
struct batch {
    struct auth_lane *lane;
    struct auth_job **jobs;
    size_t n_jobs;
    struct sg_kv_op *ops;
    enum sg_kv_op_result *results;
    struct owner *owners;
    size_t n_ops, max_ops;
    struct planned sessions[AUTH_BATCH_JOBS];
    size_t n_sessions;
    struct sg_buf scratch; /* reserved whole: never moves while ops point into it */
};

static void batch_clear(struct batch *b)
{
    free(b->ops);
    free(b->results);
    free(b->owners);
    sg_buf_clear(&b->scratch);
}

static int batch_init(struct batch *b, struct auth_lane *l)
{
    *b = (struct batch){.lane = l, .max_ops = 16384, .scratch = SG_BUF_INIT(SCRATCH_MAX)};
    b->ops = calloc(b->max_ops, sizeof *b->ops);
    b->results = calloc(b->max_ops, sizeof *b->results);
    b->owners = calloc(b->max_ops, sizeof *b->owners);
    if (!b->ops || !b->results || !b->owners)
        return sg_raise(-ENOMEM);
    return sg_buf_reserve(&b->scratch, SCRATCH_MAX);
}

/* ---- plan ---- */

/* Somebody was there before: another authenticator, or we ourselves by a call whose answer was
 * lost. */
static void note_not_fresh(struct auth_job *j, enum sg_window_verdict now)
{
    if (now != SG_WINDOW_SEEN) {
        j->verdict = AUTH_VERDICT_ABANDONED; /* fell out of the window meanwhile */
        return;
    }
    j->verdict = j->ambiguous ? AUTH_VERDICT_STORED : AUTH_VERDICT_DUPLICATE;
    j->n_new = j->ambiguous ? j->rows.n : 0;
}

static void plan_session(struct batch *b, struct sg_auth_session *s)
{
    uint64_t seqs[AUTH_BATCH_JOBS];
    bool ok[AUTH_BATCH_JOBS];
    struct auth_job *of[AUTH_BATCH_JOBS];
    struct planned *p = &b->sessions[b->n_sessions];
    size_t n = 0;
    for (size_t i = 0; i < b->n_jobs; i++) {
        struct auth_job *j = b->jobs[i];
        if (j->kind != AUTH_JOB_BLOCK || j->session != s || j->verdict != AUTH_VERDICT_OPEN)
            continue;
        of[n] = j;
        seqs[n++] = j->seq;
    }
    if (n == 0)
        return;
    p->session = s;
    p->before = *sg_auth_session_window(s, &p->absent);
    sg_auth_plan(s, seqs, n, &p->next, ok);
    size_t taken = 0;
    for (size_t i = 0; i < n; i++) {
        taken += ok[i];
        if (ok[i])
            continue;
        note_not_fresh(of[i], sg_window_judge(&p->before, seqs[i]));
    }
    b->n_sessions += taken > 0;
}

static bool is_planned(const struct batch *b, const struct sg_auth_session *s, size_t before_job)
{
    for (size_t i = 0; i < before_job; i++)
        if (b->jobs[i]->session == s)
            return true;
    return false;
}

static void plan(struct batch *b)
{
    b->n_sessions = 0;
    pthread_mutex_lock(&b->lane->lock);
    for (size_t i = 0; i < b->n_jobs; i++)
        if (b->jobs[i]->kind == AUTH_JOB_BLOCK && !is_planned(b, b->jobs[i]->session, i))
            plan_session(b, b->jobs[i]->session);
    pthread_mutex_unlock(&b->lane->lock);
}

/* ---- build ---- */

static int add_op(struct batch *b, struct sg_kv_op op, enum op_of of, size_t job, size_t row)
{
    if (b->n_ops == b->max_ops)
        return sg_raise(-E2BIG);
    b->ops[b->n_ops] = op;
    b->owners[b->n_ops++] = (struct owner){(uint16_t)of, (uint16_t)job, (uint16_t)row};
    return 0;
}

/* What was appended to scratch since the mark. */
static struct sg_bytes since(const struct batch *b, size_t mark)
{
    return SG_BYTES(b->scratch.data + mark, b->scratch.len - mark);
}

static int scratch_session_key(struct batch *b, const uint8_t *cid, struct sg_bytes *partition,
                               struct sg_bytes *sort)
{
    size_t mark = b->scratch.len;
    int r = sg_session_partition(&b->scratch, cid);
    *partition = since(b, mark);
    mark = b->scratch.len;
    r = r ? r : sg_session_sort(&b->scratch);
    *sort = since(b, mark);
    return r;
}

static int scratch_window(struct batch *b, const struct sg_window *w, struct sg_bytes *ret)
{
    size_t mark = b->scratch.len;
    int r = sg_window_row_encode(&b->scratch, w);
    *ret = since(b, mark);
    return r;
}

static int add_window(struct batch *b, size_t i)
{
    const struct planned *p = &b->sessions[i];
    struct sg_kv_op op = {.kind = SG_KV_REPLACE, .expect_absent = p->absent};
    op.key.table = SG_TABLE_WINDOW;
    int r = scratch_session_key(b, sg_auth_session_record(p->session)->cid, &op.key.partition,
                                &op.key.sort);
    r = r ? r : scratch_window(b, &p->next, &op.value);
    if (r == 0 && !p->absent)
        r = scratch_window(b, &p->before, &op.expect);
    return r ? r : add_op(b, op, OF_WINDOW, i, 0);
}

static struct sg_bytes in_rows(const struct auth_rows *r, uint32_t at, uint32_t len)
{
    return SG_BYTES(r->octets.data + at, len);
}

static struct sg_bytes partition_of(const struct auth_rows *r)
{
    return in_rows(r, 0, r->partition_len);
}

/* A row of READING turned into one of READING_CONFLICT. */
static int add_conflict(struct batch *b, size_t job, size_t i)
{
    const struct auth_rows *rows = &b->jobs[job]->rows;
    const struct auth_span *s = &rows->readings[i];
    struct sg_row_conflict c = {.received_ts_s = auth_unix_s(b->lane)};
    uint8_t digest[SG_ROW_DIGEST_LEN];
    struct sg_kv_op op = {.kind = SG_KV_INSERT};
    int r = sg_row_reading_decode(in_rows(rows, s->sort_at, s->sort_len),
                                  in_rows(rows, s->value_at, s->value_len), &c.row);
    r = r ? r : sg_row_digest(&c.row.reading, digest);
    size_t mark = b->scratch.len;
    r = r ? r : sg_row_conflict_sort(&b->scratch, &c.row.reading, digest);
    op.key = (struct sg_kv_key){SG_TABLE_READING_CONFLICT, partition_of(rows), since(b, mark)};
    mark = b->scratch.len;
    r = r ? r : sg_row_conflict_encode(&b->scratch, &c);
    op.value = since(b, mark);
    return r ? r : add_op(b, op, OF_READING, job, i);
}

static int add_reading(struct batch *b, size_t job, size_t i)
{
    const struct auth_rows *rows = &b->jobs[job]->rows;
    const struct auth_span *s = &rows->readings[i];
    struct sg_kv_op op = {.kind = SG_KV_INSERT, .value = in_rows(rows, s->value_at, s->value_len)};
    op.key = (struct sg_kv_key){SG_TABLE_READING, partition_of(rows),
                                in_rows(rows, s->sort_at, s->sort_len)};
    return add_op(b, op, OF_READING, job, i);
}

static int add_block(struct batch *b, size_t job)
{
    const struct auth_job *j = b->jobs[job];
    const struct auth_span *s = &j->rows.block;
    int r = 0;
    for (size_t i = 0; r == 0 && i < j->rows.n; i++) {
        if (j->rows_to[i] == AUTH_TO_READING)
            r = add_reading(b, job, i);
        else if (j->rows_to[i] == AUTH_TO_CONFLICT)
            r = add_conflict(b, job, i);
    }
    if (r || j->no_block_row)
        return r;
    struct sg_kv_op op = {.kind = SG_KV_INSERT,
                          .value = in_rows(&j->rows, s->value_at, s->value_len)};
    op.key = (struct sg_kv_key){SG_TABLE_BLOCK, partition_of(&j->rows),
                                in_rows(&j->rows, s->sort_at, s->sort_len)};
    return add_op(b, op, OF_BLOCK, job, 0);
}

static int add_session(struct batch *b, size_t job)
{
    const struct auth_job *j = b->jobs[job];
    struct sg_kv_op op = {.kind = SG_KV_INSERT, .value = sg_buf_bytes(&j->record)};
    op.key.table = SG_TABLE_SESSION;
    int r = scratch_session_key(b, j->cid, &op.key.partition, &op.key.sort);
    return r ? r : add_op(b, op, OF_SESSION, job, 0);
}

static int build(struct batch *b)
{
    int r = 0;
    b->n_ops = 0;
    sg_buf_reset(&b->scratch);
    for (size_t i = 0; r == 0 && i < b->n_jobs; i++) {
        if (b->jobs[i]->verdict != AUTH_VERDICT_OPEN)
            continue;
        r = b->jobs[i]->kind == AUTH_JOB_BLOCK ? add_block(b, i) : add_session(b, i);
    }
    for (size_t i = 0; r == 0 && i < b->n_sessions; i++)
        r = add_window(b, i);
    return r;
}

/* ---- what came of it ---- */

static void count_row(struct auth_job *j, size_t row, enum sg_kv_op_result result)
{
    if (j->rows_to[row] == AUTH_TO_CONFLICT)
        j->n_conflict++;
    else if (result == SG_KV_OP_SAME && !j->ambiguous)
        j->n_same++;
    else
        j->n_new++;
}

static void note_durable(struct batch *b)
{
    pthread_mutex_lock(&b->lane->lock);
    for (size_t i = 0; i < b->n_sessions; i++)
        sg_auth_planned_durable(b->sessions[i].session, &b->sessions[i].next);
    pthread_mutex_unlock(&b->lane->lock);
    for (size_t i = 0; i < b->n_ops; i++)
        if (b->owners[i].of == OF_READING)
            count_row(b->jobs[b->owners[i].job], b->owners[i].row, b->results[i]);
    for (size_t i = 0; i < b->n_jobs; i++)
        if (b->jobs[i]->verdict == AUTH_VERDICT_OPEN)
            b->jobs[i]->verdict = AUTH_VERDICT_STORED;
    auth_count(batches, 1);
}

static int reload_window(struct batch *b, const struct planned *p)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(64);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(64);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(65536);
    struct sg_window w = {0};
    int r = sg_session_partition(&partition, sg_auth_session_record(p->session)->cid);
    r = r ? r : sg_session_sort(&sort);
    struct sg_kv_key key = {SG_TABLE_WINDOW, sg_buf_bytes(&partition), sg_buf_bytes(&sort)};
    r = r ? r : sg_kv_get(b->lane->commit_kv, AUTH_BUCKET, key, &value);
    if (r == 0)
        r = sg_window_row_decode(sg_buf_bytes(&value), &w);
    if (r && r != SG_KV_NOT_FOUND)
        return sg_fold(r);
    pthread_mutex_lock(&b->lane->lock);
    sg_auth_session_reload(p->session, &w);
    pthread_mutex_unlock(&b->lane->lock);
    return 0;
}

static void note_row_conflict(struct auth_job *j, const struct owner *o)
{
    switch (o->of) {
    case OF_READING:
        j->rows_to[o->row] =
            j->rows_to[o->row] == AUTH_TO_READING ? AUTH_TO_CONFLICT : AUTH_TO_NOWHERE;
        break;
    case OF_BLOCK:
        j->no_block_row = true;
        auth_count(evidence_conflict, 1);
        break;
    case OF_SESSION:
    default:
        j->verdict = AUTH_VERDICT_ABANDONED; /* its connection id is taken: the meter tries again */
        break;
    }
}

/* Adjusts windows and jobs to what was found; alone[i]: job i changed, so that it may need more
 * rows than were reckoned with. */
static int note_conflicts(struct batch *b, bool *alone)
{
    auth_count(batch_conflicts, 1);
    for (size_t i = 0; i < b->n_ops; i++) {
        const struct owner *o = &b->owners[i];
        if (b->results[i] != SG_KV_OP_CONFLICT)
            continue;
        if (o->of == OF_WINDOW) {
            int r = reload_window(b, &b->sessions[o->job]);
            if (r)
                return r;
            continue;
        }
        note_row_conflict(b->jobs[o->job], o);
        alone[o->job] = true;
    }
    return 0;
}

static bool any_open(const struct batch *b)
{
    for (size_t i = 0; i < b->n_jobs; i++)
        if (b->jobs[i]->verdict == AUTH_VERDICT_OPEN)
            return true;
    return false;
}

static void abandon(struct batch *b)
{
    for (size_t i = 0; i < b->n_jobs; i++)
        if (b->jobs[i]->verdict == AUTH_VERDICT_OPEN)
            b->jobs[i]->verdict = AUTH_VERDICT_ABANDONED;
}

/* One call of the store: 0 or a sg_kv_outcome or -errno. */
static int call_store(struct batch *b)
{
    int r = auth_lane_kv(b->lane, &b->lane->commit_kv);
    return r ? r : sg_kv_batch(b->lane->commit_kv, AUTH_BUCKET, b->ops, b->n_ops, b->results);
}

/* Windows may have been written by a call that failed: read them before they are trusted again. */
static void note_failure(struct batch *b)
{
    for (size_t i = 0; i < b->n_jobs; i++)
        b->jobs[i]->ambiguous = true;
}

enum try_end { TRY_DONE, TRY_CONFLICT, TRY_SPLIT };

/* Plans, builds and calls until the store has spoken. */
static enum try_end try_batch(struct batch *b, bool *alone)
{
    for (struct auth_patience patience = {0};;) {
        plan(b);
        if (!any_open(b))
            return TRY_DONE;
        int r = build(b);
        r = r ? r : call_store(b);
        if (r == 0) {
            note_durable(b);
            b->lane->store_ok = true;
            return TRY_DONE;
        }
        if (r == SG_KV_CONFLICT)
            r = note_conflicts(b, alone);
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

static void commit_alone(struct batch *b, struct auth_job *job)
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
static void commit_together(struct batch *b, struct auth_job **jobs, size_t n)
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
    struct batch b;
    int r = batch_init(&b, l);
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
    batch_clear(&b);
    return NULL;
}
