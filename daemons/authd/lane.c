/* lane - life of the pipelines, queues, the worker. */
#include "lane-int.h"

#include <sealgrid/base/random.h>
#include <time.h>

#define STRIKES_MAX 4

struct auth_lanes {
    struct auth_lane_options o;
    size_t n;
    struct auth_lane *lanes;
};

/* ---- store sessions ---- */

void auth_lane_kv_close(struct auth_lane *l, struct sg_kv **kv)
{
    if (*kv)
        l->o->close_kv(l->o->kv_user, *kv);
    *kv = NULL;
}

int auth_lane_kv(struct auth_lane *l, struct sg_kv **kv)
{
    if (*kv && l->o->kv_is_old && l->o->kv_is_old(l->o->kv_user, *kv))
        auth_lane_kv_close(l, kv);
    return *kv ? 0 : l->o->open_kv(l->o->kv_user, kv);
}

/* False: stop. */
static bool back_off(const struct auth_lane *l, unsigned failures)
{
    int64_t wait = l->o->retry_first_ms ? l->o->retry_first_ms : 100;
    int64_t max = l->o->retry_max_ms ? l->o->retry_max_ms : 5000;
    for (unsigned i = 1; i < failures && wait < max; i++)
        wait *= 2;
    wait = wait < max ? wait : max;
    for (int64_t until = auth_now_ms() + wait; !l->stop && auth_now_ms() < until;) {
        struct timespec ts = {.tv_nsec = 20000000};
        nanosleep(&ts, NULL);
    }
    return !l->stop;
}

static bool store_answers(struct auth_lane *l, struct sg_kv **kv)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(64);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(64);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(65536);
    static const uint8_t nobody[SG_FRAME_ID_LEN];
    int r = auth_lane_kv(l, kv);
    r = r ? r : sg_session_partition(&partition, nobody);
    r = r ? r : sg_session_sort(&sort);
    struct sg_kv_key key = {SG_TABLE_WINDOW, sg_buf_bytes(&partition), sg_buf_bytes(&sort)};
    return (r ? r : sg_kv_get(*kv, AUTH_BUCKET, key, &value)) >= 0;
}

enum auth_retry auth_lane_retry(struct auth_lane *l, struct sg_kv **kv, struct auth_patience *p)
{
    auth_count(store_failures, 1);
    auth_lane_kv_close(l, kv);
    if (!back_off(l, ++p->failures))
        return AUTH_RETRY_STOP;
    l->store_ok = store_answers(l, kv);
    p->strikes += l->store_ok;
    return p->strikes >= STRIKES_MAX ? AUTH_RETRY_GIVE_UP : AUTH_RETRY_AGAIN;
}

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

static const struct sg_auth_ops engine_ops = {find_meter, load_session, fresh_random};

/* ---- queues ---- */

static void free_item(struct auth_item *i)
{
    auth_conn_unref(i->conn);
    free(i);
}

void auth_job_free(struct auth_job *j)
{
    auth_conn_unref(j->conn);
    auth_rows_clear(&j->rows);
    sg_buf_clear(&j->record);
    free(j);
}

bool auth_lanes_have_room(const struct auth_lanes *l)
{
    bool room = true;
    for (size_t i = 0; room && i < l->n; i++) {
        struct auth_lane *x = &l->lanes[i];
        pthread_mutex_lock(&x->lock);
        room = x->inbox_frames < AUTH_INBOX_FRAMES && x->inbox_bytes < AUTH_INBOX_BYTES;
        pthread_mutex_unlock(&x->lock);
    }
    return room;
}

bool auth_lanes_ready(const struct auth_lanes *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (!l->lanes[i].store_ok)
            return false;
    return true;
}

int auth_lanes_put(struct auth_lanes *l, struct auth_conn *c, uint64_t handle, uint64_t number,
                   struct sg_bytes frame)
{
    struct sg_frame f;
    auth_count(frames, 1);
    if (sg_frame_decode(frame, &f)) {
        sg_metric_add(&auth_counters.dropped[SG_AUTH_DROP_MALFORMED], 1);
        auth_conn_done(c, number);
        return 0;
    }
    struct auth_item *i = malloc(sizeof *i + frame.len);
    if (!i)
        return sg_raise(-ENOMEM);
    *i = (struct auth_item){
        .conn = auth_conn_ref(c), .handle = handle, .number = number, .len = frame.len};
    memcpy(i->frame, frame.data, frame.len);
    struct auth_lane *x = &l->lanes[sg_auth_lane(&f, (unsigned)l->n)];
    pthread_mutex_lock(&x->lock);
    *x->inbox_end = i;
    x->inbox_end = &i->next;
    x->inbox_frames++;
    x->inbox_bytes += i->len;
    pthread_cond_signal(&x->inbox_filled);
    pthread_mutex_unlock(&x->lock);
    return 0;
}

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

static void take_session(struct auth_lane *l, const struct auth_item *i,
                         const struct sg_auth_result *res)
{
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
    pthread_mutex_lock(&l->lock);
    sg_auth_store_failed(l->engine, res->handshake);
    pthread_mutex_unlock(&l->lock);
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
        free_item(i);
    }
    sg_buf_clear(&res.out);
    return NULL;
}

/* ---- life ---- */

static int lane_init(struct auth_lane *l, const struct auth_lane_options *o, unsigned index)
{
    l->o = o;
    l->index = index;
    l->store_ok = true;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->inbox_filled, NULL);
    pthread_cond_init(&l->jobs_filled, NULL);
    pthread_cond_init(&l->jobs_taken, NULL);
    l->inbox_end = &l->inbox;
    l->jobs_end = &l->jobs;
    struct sg_auth_options e = {.ops = &engine_ops,
                                .user = l,
                                .suites = {o->suites[0], o->suites[1]},
                                .n_suites = o->n_suites,
                                .own = {o->own[0], o->own[1]},
                                .sessions_max = o->sessions_max,
                                .lane = index,
                                .lanes = o->lanes};
    int r = sg_auth_new(&l->engine, &e);
    return r ? r : auth_registry_new(&l->registry, o->roots, o->n_roots);
}

static void lane_clear(struct auth_lane *l)
{
    for (struct auth_item *i = l->inbox, *next; i; i = next) {
        next = i->next;
        free_item(i);
    }
    for (struct auth_job *j = l->jobs, *next; j; j = next) {
        next = j->next;
        auth_job_free(j);
    }
    sg_auth_free(l->engine);
    auth_registry_free(l->registry);
    auth_lane_kv_close(l, &l->worker_kv);
    auth_lane_kv_close(l, &l->commit_kv);
}

static int lane_run(struct auth_lane *l)
{
    int e = pthread_create(&l->worker, NULL, auth_worker_main, l);
    if (e)
        return sg_raise(-e);
    e = pthread_create(&l->committer, NULL, auth_committer_main, l);
    return e ? sg_raise(-e) : 0;
}

int auth_lanes_start(struct auth_lanes **ret, const struct auth_lane_options *o)
{
    struct auth_lanes *l = calloc(1, sizeof *l);
    if (!l)
        return sg_raise(-ENOMEM);
    l->o = *o;
    l->lanes = calloc(o->lanes, sizeof *l->lanes);
    int r = l->lanes ? 0 : sg_raise(-ENOMEM);
    for (unsigned i = 0; r == 0 && i < o->lanes; i++, l->n++)
        r = lane_init(&l->lanes[i], &l->o, i);
    for (unsigned i = 0; r == 0 && i < o->lanes; i++)
        r = lane_run(&l->lanes[i]);
    if (r) {
        auth_lanes_stop(l);
        return r;
    }
    *ret = l;
    return 0;
}

static void lane_stop(struct auth_lane *l)
{
    l->stop = true;
    pthread_mutex_lock(&l->lock);
    pthread_cond_broadcast(&l->inbox_filled);
    pthread_cond_broadcast(&l->jobs_filled);
    pthread_cond_broadcast(&l->jobs_taken);
    pthread_mutex_unlock(&l->lock);
}

void auth_lanes_stop(struct auth_lanes *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->n; i++)
        lane_stop(&l->lanes[i]);
    for (size_t i = 0; i < l->n; i++) {
        if (l->lanes[i].worker)
            pthread_join(l->lanes[i].worker, NULL);
        if (l->lanes[i].committer)
            pthread_join(l->lanes[i].committer, NULL);
        lane_clear(&l->lanes[i]);
    }
    free(l->lanes);
    free(l);
}
