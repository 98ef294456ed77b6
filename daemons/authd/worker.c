/* worker - opens frames, judges blocks, hands what may be stored to the committer. */
#include "lane-int.h"

#include <sealgrid/base/random.h>

/* ---- what the engine asks ---- */

static int find_meter(void *user, const struct sg_edhoc_id *id, struct sg_auth_meter *ret)
{
    struct auth_lane *l = user;
    struct auth_meter *m;
    if (id->label != SG_EDHOC_X5T || id->hash_alg != -16 || id->value.len != 32)
        return SG_EDHOC_NOBODY;
    int r = auth_lane_kv(l, &l->worker_kv);
    r = r ? r
          : auth_registry_find(l->registry, l->worker_kv, id->value.data, auth_now_ms(),
                               auth_unix_s(l), &m);
    if (r)
        return r == AUTH_NOBODY ? SG_EDHOC_NOBODY : r;
    ret->credential = sg_edhoc_identity_credential(m->edhoc);
    memcpy(ret->serial, m->serial, sizeof ret->serial);
    ret->client_id = m->client_id;
    memcpy(ret->x5t, m->x5t, sizeof ret->x5t);
    return 0;
}

/* Session or window row of a connection id: 0, SG_KV_NOT_FOUND, -errno. */
static int get_row(struct auth_lane *l, enum sg_table table, const uint8_t *cid, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(64);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(64);
    int r = auth_lane_kv(l, &l->worker_kv);
    r = r ? r : sg_session_partition(&partition, cid);
    r = r ? r : sg_session_sort(&sort);
    struct sg_kv_key key = {table, sg_buf_bytes(&partition), sg_buf_bytes(&sort)};
    r = r ? r : sg_kv_get(l->worker_kv, AUTH_BUCKET, key, ret);
    return r == SG_KV_NOT_FOUND ? r : sg_fold(r);
}

static int load_session(void *user, const uint8_t *cid, struct sg_session_record *ret,
                        struct sg_window *ret_window)
{
    struct auth_lane *l = user;
    SG_CLEANUP(sg_buf_clear) struct sg_buf session = SG_BUF_INIT_SECRET(65536);
    SG_CLEANUP(sg_buf_clear) struct sg_buf window = SG_BUF_INIT(65536);
    int r = get_row(l, SG_TABLE_SESSION, cid, &session);
    if (r)
        return r == SG_KV_NOT_FOUND ? SG_AUTH_NO_SESSION : r;
    r = get_row(l, SG_TABLE_WINDOW, cid, &window);
    if (r < 0)
        return r;
    if (r == 0) {
        r = sg_window_row_decode(sg_buf_bytes(&window), ret_window);
        if (r)
            return r;
    }
    return sg_session_row_decode(cid, sg_buf_bytes(&session), ret);
}

static void fresh_random(void *user, void *p, size_t n)
{
    (void)user;
    sg_random_bytes(p, n);
}

const struct sg_auth_ops auth_engine_ops = {find_meter, load_session, fresh_random};

static struct auth_item *next_item(struct auth_lane *l)
{
    struct auth_item *i = NULL;
    pthread_mutex_lock(&l->lock);
    while (!l->inbox && !l->stop)
        pthread_cond_wait(&l->inbox_filled, &l->lock);
    if (!l->stop) {
        i = l->inbox;
        l->inbox = i->next;
        if (!l->inbox)
            l->inbox_end = &l->inbox;
        l->inbox_frames--;
        l->inbox_bytes -= i->len;
    }
    pthread_mutex_unlock(&l->lock);
    return i;
}

/* Waits while the committer has enough: back-pressure. */
static void put_job(struct auth_lane *l, struct auth_job *j)
{
    pthread_mutex_lock(&l->lock);
    while (l->n_jobs >= AUTH_JOBS_MAX && !l->stop)
        pthread_cond_wait(&l->jobs_taken, &l->lock);
    *l->jobs_end = j;
    l->jobs_end = &j->next;
    l->n_jobs++;
    pthread_cond_signal(&l->jobs_filled);
    pthread_mutex_unlock(&l->lock);
}

/* ---- worker ---- */

static struct auth_job *new_job(enum auth_job_kind kind, const struct auth_item *i)
{
    struct auth_job *j = calloc(1, sizeof *j);
    if (!j)
        return NULL;
    j->kind = kind;
    j->conn = auth_conn_ref(i->conn);
    j->handle = i->handle;
    j->number = i->number;
    return j;
}

/* A verdict that needs no store: one sealed acknowledgement. */
static void answer_refusal(struct auth_lane *l, const struct auth_item *i,
                           const struct sg_auth_result *res, enum sg_refusal why)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf frame = SG_BUF_INIT(256);
    struct sg_ack ack = {.seq = res->seq, .status = SG_ACK_REFUSED, .reason = why};
    pthread_mutex_lock(&l->lock);
    int r = sg_auth_ack(l->engine, res->session, &ack, 1, &frame);
    sg_auth_settled(res->session, res->seq);
    pthread_mutex_unlock(&l->lock);
    if (r)
        sg_log_failure("ack.failed", r);
    else
        auth_conn_down(i->conn, i->handle, sg_buf_bytes(&frame));
    auth_count(acks, 1);
    auth_conn_done(i->conn, i->number);
}

static void log_refusal(const struct sg_session_record *who, enum sg_refusal why, size_t readings)
{
    char tag[17];
    sg_log_who(tag, sg_bytes_str(who->serial));
    sg_log(SG_LOG_WARN, "block.refused", SG_STR("meter", tag),
           SG_STR("reason", sg_refusal_words[why]), SG_UINT("readings", readings));
}

/* No answer: the meter sends it again. */
static void give_up(struct auth_lane *l, const struct auth_item *i,
                    const struct sg_auth_result *res)
{
    pthread_mutex_lock(&l->lock);
    sg_auth_settled(res->session, res->seq);
    pthread_mutex_unlock(&l->lock);
    auth_count(abandoned, 1);
    auth_conn_done(i->conn, i->number);
}

/* 0: judged; *ret_refusal.  The meter is looked up by the session's credential. */
static int judge(struct auth_lane *l, const struct sg_auth_result *res, struct auth_rows *rows,
                 enum sg_refusal *ret_refusal, size_t *ret_readings)
{
    const struct sg_session_record *who = sg_auth_session_record(res->session);
    struct auth_meter *m;
    *ret_readings = 0;
    if (res->kind != SG_PAYLOAD_BLOCK) {
        *ret_refusal = SG_REFUSED_KIND;
        return 0;
    }
    int r = auth_lane_kv(l, &l->worker_kv);
    r = r ? r
          : auth_registry_find(l->registry, l->worker_kv, who->x5t, auth_now_ms(), auth_unix_s(l),
                               &m);
    if (r == AUTH_NOBODY) {
        *ret_refusal = SG_REFUSED_CREDENTIAL;
        return 0;
    }
    if (r)
        return r;
    r = auth_judge(&l->o->rules, m, who->serial, res->payload, auth_unix_s(l), rows, ret_refusal,
                   ret_readings);
    if (r == 0 &&
        (*ret_refusal == SG_REFUSED_NOT_INSTALLED || *ret_refusal == SG_REFUSED_CREDENTIAL))
        auth_registry_doubt(m, auth_now_ms());
    return r;
}

/* Tried again while the store is away; false: given up. */
static bool judge_patiently(struct auth_lane *l, const struct sg_auth_result *res,
                            struct auth_rows *rows, enum sg_refusal *ret_refusal,
                            size_t *ret_readings)
{
    struct auth_patience patience = {0};
    int r;
    while ((r = judge(l, res, rows, ret_refusal, ret_readings))) {
        if (auth_lane_retry(l, &l->worker_kv, &patience) == AUTH_RETRY_AGAIN)
            continue;
        sg_log_failure("payload.failed", r);
        return false;
    }
    return true;
}

static void take_payload(struct auth_lane *l, const struct auth_item *i,
                         const struct sg_auth_result *res)
{
    enum sg_refusal why = SG_REFUSED_NONE;
    size_t readings = 0;
    struct auth_job *j = new_job(AUTH_JOB_BLOCK, i);
    bool judged = j && judge_patiently(l, res, &j->rows, &why, &readings);
    if (judged && why == SG_REFUSED_NONE) {
        j->session = res->session;
        j->seq = res->seq;
        put_job(l, j);
        return;
    }
    if (j)
        auth_job_free(j);
    if (!judged) {
        give_up(l, i, res);
        return;
    }
    sg_metric_add(&auth_counters.refused[why], (int64_t)(readings ? readings : 1));
    log_refusal(sg_auth_session_record(res->session), why, readings);
    answer_refusal(l, i, res, why);
}

static void forget_session(struct auth_lane *l, const struct sg_auth_result *res)
{
    pthread_mutex_lock(&l->lock);
    sg_auth_store_failed(l->engine, res->handshake);
    pthread_mutex_unlock(&l->lock);
}

/* Charged only now that the signature is verified: strangers cannot use up a meter's share. */
static bool may_have_session(struct auth_lane *l, const struct sg_auth_result *res)
{
    struct auth_meter *m;
    int r = auth_lane_kv(l, &l->worker_kv);
    r = r ? r
          : auth_registry_find(l->registry, l->worker_kv, res->record.x5t, auth_now_ms(),
                               auth_unix_s(l), &m);
    if (r) /* a store that is away is the committer's to wait for */
        return r < 0;
    return auth_registry_new_session(m, auth_now_ms());
}

static void take_session(struct auth_lane *l, const struct auth_item *i,
                         const struct sg_auth_result *res)
{
    if (!may_have_session(l, res)) {
        auth_count(sessions_too_many, 1);
        forget_session(l, res);
        return;
    }
    struct auth_job *j = new_job(AUTH_JOB_SESSION, i);
    int r = j ? 0 : sg_raise(-ENOMEM);
    if (j) {
        memcpy(j->handshake, res->handshake, sizeof j->handshake);
        memcpy(j->cid, res->record.cid, sizeof j->cid);
        j->record = (struct sg_buf)SG_BUF_INIT_SECRET(SG_SESSION_ROW_MAX);
        r = sg_session_row_encode(&j->record, &res->record);
    }
    if (r == 0) {
        put_job(l, j);
        return;
    }
    sg_log_failure("session.failed", r);
    if (j)
        auth_job_free(j);
    forget_session(l, res);
}

static void log_handshake_refused(int outcome)
{
    auth_count(handshakes_refused, 1);
    sg_log(SG_LOG_INFO, "handshake.refused", SG_STR("reason", sg_edhoc_outcome_word(outcome)));
}

static void take_result(struct auth_lane *l, const struct auth_item *i,
                        const struct sg_auth_result *res)
{
    switch (res->event) {
    case SG_AUTH_PAYLOAD:
        take_payload(l, i, res);
        return;
    case SG_AUTH_ESTABLISHED:
        take_session(l, i, res);
        return;
    case SG_AUTH_DUPLICATE:
        auth_count(replays, 1);
        auth_count(acks, 1);
        auth_conn_down(i->conn, i->handle, sg_buf_bytes(&res->out));
        break;
    case SG_AUTH_REPLY:
        if (res->handshake_outcome)
            log_handshake_refused(res->handshake_outcome);
        auth_conn_down(i->conn, i->handle, sg_buf_bytes(&res->out));
        break;
    case SG_AUTH_PENDING:
        auth_count(pending, 1);
        break;
    case SG_AUTH_DROPPED:
    default:
        sg_metric_add(&auth_counters.dropped[res->drop], 1);
        auth_count(replays, res->drop == SG_AUTH_DROP_STALE); /* genuine, and long past */
        break;
    }
    auth_conn_done(i->conn, i->number);
}

/*
 * Our own failure here is the store's: nothing is answered meanwhile and the inbox fills up behind.
 * A frame that fails while the store answers is put aside.
 */
static void take_item(struct auth_lane *l, const struct auth_item *i, struct sg_auth_result *res)
{
    for (struct auth_patience patience = {0};;) {
        pthread_mutex_lock(&l->lock);
        int r = sg_auth_receive(l->engine, SG_BYTES(i->frame, i->len), auth_now_ms(),
                                auth_unix_s(l), res);
        pthread_mutex_unlock(&l->lock);
        if (r == 0)
            break;
        if (auth_lane_retry(l, &l->worker_kv, &patience) == AUTH_RETRY_AGAIN)
            continue;
        sg_log_failure("frame.failed", r);
        auth_count(abandoned, 1);
        auth_conn_done(i->conn, i->number);
        return;
    }
    take_result(l, i, res);
    sg_wipe(&res->record, sizeof res->record);
}

void *auth_worker_main(void *arg)
{
    struct auth_lane *l = arg;
    struct sg_auth_result res = {.out = SG_BUF_INIT_SECRET(SG_FRAME_MAX)};
    for (struct auth_item *i; (i = next_item(l));) {
        take_item(l, i, &res);
        auth_item_free(i);
    }
    sg_buf_clear(&res.out);
    return NULL;
}
