/* batch - plan of windows, operations, what came of them (batch-int.h). */
#include "batch-int.h"

#define SCRATCH_MAX (2u << 20) /* keys and values that are not in the jobs' own buffers */
#define OPS_MAX     16384      /* of kv.h */

void auth_batch_clear(struct auth_batch *b)
{
    free(b->ops);
    free(b->results);
    free(b->owners);
    sg_buf_clear(&b->scratch);
}

int auth_batch_init(struct auth_batch *b, struct auth_lane *l)
{
    *b = (struct auth_batch){.lane = l, .max_ops = OPS_MAX, .scratch = SG_BUF_INIT(SCRATCH_MAX)};
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

static void plan_session(struct auth_batch *b, struct sg_auth_session *s)
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

static bool is_planned(const struct auth_batch *b, const struct sg_auth_session *s,
                       size_t before_job)
{
    for (size_t i = 0; i < before_job; i++)
        if (b->jobs[i]->session == s)
            return true;
    return false;
}

void auth_batch_plan(struct auth_batch *b)
{
    b->n_sessions = 0;
    pthread_mutex_lock(&b->lane->lock);
    for (size_t i = 0; i < b->n_jobs; i++)
        if (b->jobs[i]->kind == AUTH_JOB_BLOCK && !is_planned(b, b->jobs[i]->session, i))
            plan_session(b, b->jobs[i]->session);
    pthread_mutex_unlock(&b->lane->lock);
}

/* ---- build ---- */

static int add_op(struct auth_batch *b, struct sg_kv_op op, enum op_of of, size_t job, size_t row)
{
    if (b->n_ops == b->max_ops)
        return sg_raise(-E2BIG);
    b->ops[b->n_ops] = op;
    b->owners[b->n_ops++] = (struct owner){(uint16_t)of, (uint16_t)job, (uint16_t)row};
    return 0;
}

/* What was appended to scratch since the mark. */
static struct sg_bytes since(const struct auth_batch *b, size_t mark)
{
    return SG_BYTES(b->scratch.data + mark, b->scratch.len - mark);
}

static int scratch_session_key(struct auth_batch *b, const uint8_t *cid, struct sg_bytes *partition,
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

static int scratch_window(struct auth_batch *b, const struct sg_window *w, struct sg_bytes *ret)
{
    size_t mark = b->scratch.len;
    int r = sg_window_row_encode(&b->scratch, w);
    *ret = since(b, mark);
    return r;
}

static int add_window(struct auth_batch *b, size_t i)
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
static int add_conflict(struct auth_batch *b, size_t job, size_t i)
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

static int add_reading(struct auth_batch *b, size_t job, size_t i)
{
    const struct auth_rows *rows = &b->jobs[job]->rows;
    const struct auth_span *s = &rows->readings[i];
    struct sg_kv_op op = {.kind = SG_KV_INSERT, .value = in_rows(rows, s->value_at, s->value_len)};
    op.key = (struct sg_kv_key){SG_TABLE_READING, partition_of(rows),
                                in_rows(rows, s->sort_at, s->sort_len)};
    return add_op(b, op, OF_READING, job, i);
}

static int add_block(struct auth_batch *b, size_t job)
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

static int add_session(struct auth_batch *b, size_t job)
{
    const struct auth_job *j = b->jobs[job];
    struct sg_kv_op op = {.kind = SG_KV_INSERT, .value = sg_buf_bytes(&j->record)};
    op.key.table = SG_TABLE_SESSION;
    int r = scratch_session_key(b, j->cid, &op.key.partition, &op.key.sort);
    return r ? r : add_op(b, op, OF_SESSION, job, 0);
}

int auth_batch_build(struct auth_batch *b)
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

void auth_batch_durable(struct auth_batch *b)
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

static int reload_window(struct auth_batch *b, const struct planned *p)
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

int auth_batch_conflicts(struct auth_batch *b, bool *alone)
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
