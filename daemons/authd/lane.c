/* lane - life of the pipelines, inboxes, sessions of the store. */
#include "lane-int.h"

#include <sealgrid/crypto/hash.h>
#include <time.h>

#define STRIKES_MAX 4

struct auth_lanes {
    struct auth_lane_options o;
    struct sg_secret cid_key;
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

/* ---- queues ---- */

void auth_item_free(struct auth_item *i)
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

/* ---- life ---- */

/* What every instance knows and nobody else: by it they know each other's connection ids. */
static int derive_cid_key(const struct auth_lane_options *o, struct sg_secret *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT_SECRET(8192);
    uint8_t prk[32];
    if (!o->own[0] || !o->own[0]->key)
        return 0;
    int r = sg_key_private_der(o->own[0]->key, &der);
    r = r ? r : sg_secret_new(ret, 32);
    if (r)
        return r;
    sg_hkdf_extract(prk, SG_BYTES_NONE, sg_buf_bytes(&der));
    sg_hkdf_expand(ret->data, 32, SG_BYTES_ARRAY(prk), SG_BYTES_LIT("sealgrid-cid-key-v1"));
    sg_wipe(prk, sizeof prk);
    return 0;
}

static int lane_init(struct auth_lane *l, const struct auth_lane_options *o, const uint8_t *cid_key,
                     unsigned index)
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
    struct sg_auth_options e = {.ops = &auth_engine_ops,
                                .user = l,
                                .suites = {o->suites[0], o->suites[1]},
                                .n_suites = o->n_suites,
                                .own = {o->own[0], o->own[1]},
                                .sessions_max = o->sessions_max,
                                .cid_key = cid_key,
                                .lane = index,
                                .lanes = o->lanes};
    int r = sg_auth_new(&l->engine, &e);
    return r ? r : auth_registry_new(&l->registry, o->roots, o->n_roots);
}

static void lane_clear(struct auth_lane *l)
{
    for (struct auth_item *i = l->inbox, *next; i; i = next) {
        next = i->next;
        auth_item_free(i);
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

/* Its name is what a profile or top -H shows. */
static int run_thread(pthread_t *ret, const char *name, void *(*fn)(void *lane),
                      struct auth_lane *l)
{
    int e = pthread_create(ret, NULL, fn, l);
    if (e)
        return sg_raise(-e);
    (void)pthread_setname_np(*ret, name);
    return 0;
}

static int lane_run(struct auth_lane *l)
{
    int r = run_thread(&l->worker, "worker", auth_worker_main, l);
    return r ? r : run_thread(&l->committer, "committer", auth_committer_main, l);
}

int auth_lanes_start(struct auth_lanes **ret, const struct auth_lane_options *o)
{
    struct auth_lanes *l = calloc(1, sizeof *l);
    if (!l)
        return sg_raise(-ENOMEM);
    l->o = *o;
    l->lanes = calloc(o->lanes, sizeof *l->lanes);
    int r = l->lanes ? derive_cid_key(o, &l->cid_key) : sg_raise(-ENOMEM);
    for (unsigned i = 0; r == 0 && i < o->lanes; i++, l->n++)
        r = lane_init(&l->lanes[i], &l->o, l->cid_key.data, i);
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
    sg_secret_clear(&l->cid_key);
    free(l->lanes);
    free(l);
}
