/* conn - connections of aggregators. */
#include "conn.h"

#include "counters.h"
#include "lane.h"

#include <poll.h>
#include <pthread.h>
#include <sealgrid/base/log.h>
#include <sealgrid/meter/agg-link.h>
#include <sealgrid/net/tls.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ACCEPT_MS    5000
#define ANSWERS_MAX  (32u << 20) /* waiting for the connection's thread */
#define LINK_OUT_MAX (1u << 20)
#define PUMP_MS      1000
#define FULL_MS      10 /* how often room in the lanes is looked for */

struct auth_conn {
    _Atomic unsigned refs;
    struct auth_conn_options o;
    int fd; /* until TLS has it */
    struct sg_agg_link *link;
    int wake;
    pthread_mutex_t lock;
    struct sg_buf answers; /* messages, encoded; under the lock */
    bool gone;             /* under the lock: answers are dropped */
    struct sg_buf sending;
    size_t sent;
    void (*sink)(void *user, const struct sg_agg_message *m);
    void *sink_user;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    size_t n;
    _Atomic bool stop;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};

/* ---- references ---- */

struct auth_conn *auth_conn_ref(struct auth_conn *c)
{
    c->refs++;
    return c;
}

void auth_conn_unref(struct auth_conn *c)
{
    if (!c || --c->refs > 0)
        return;
    sg_agg_link_free(c->link);
    sg_close_fd(&c->fd);
    sg_buf_clear(&c->answers);
    sg_buf_clear(&c->sending);
    if (c->wake >= 0)
        close(c->wake);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static int conn_new(struct auth_conn **ret)
{
    struct auth_conn *c = calloc(1, sizeof *c);
    if (!c)
        return sg_raise(-ENOMEM);
    c->refs = 1;
    c->fd = c->wake = -1;
    c->answers.max = c->sending.max = ANSWERS_MAX;
    pthread_mutex_init(&c->lock, NULL);
    c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->wake < 0) {
        auth_conn_unref(c);
        return sg_raise_errno();
    }
    *ret = c;
    return 0;
}

int auth_conn_new_sink(struct auth_conn **ret,
                       void (*fn)(void *user, const struct sg_agg_message *m), void *user)
{
    int r = conn_new(ret);
    if (r)
        return r;
    (*ret)->sink = fn;
    (*ret)->sink_user = user;
    return 0;
}

/* ---- answers ---- */

static void put_answer(struct auth_conn *c, const struct sg_agg_message *m)
{
    uint64_t one = 1;
    if (c->sink) {
        pthread_mutex_lock(&c->lock);
        c->sink(c->sink_user, m);
        pthread_mutex_unlock(&c->lock);
        return;
    }
    pthread_mutex_lock(&c->lock);
    bool first = c->answers.len == 0;
    int r = c->gone ? 0 : sg_agg_encode(m, &c->answers);
    /* A peer that takes no answers is cut off; it will ask again. */
    c->gone = c->gone || r;
    pthread_mutex_unlock(&c->lock);
    if (first)
        (void)!write(c->wake, &one, sizeof one);
}

void auth_conn_done(struct auth_conn *c, uint64_t number)
{
    struct sg_agg_message m = {.type = SG_AGG_DONE, .number = number};
    if (number)
        put_answer(c, &m);
}

void auth_conn_down(struct auth_conn *c, uint64_t handle, struct sg_bytes frame)
{
    struct sg_agg_message m = {.type = SG_AGG_DOWN, .handle = handle, .frame = frame};
    put_answer(c, &m);
}

/* Moves answers into the link as far as it has room. */
static int send_answers(struct auth_conn *c)
{
    struct sg_agg_message m;
    if (c->sent == c->sending.len) {
        sg_buf_reset(&c->sending);
        c->sent = 0;
        pthread_mutex_lock(&c->lock);
        struct sg_buf taken = c->answers;
        c->answers = c->sending;
        bool gone = c->gone;
        pthread_mutex_unlock(&c->lock);
        c->sending = taken;
        if (gone)
            return SG_AGG_LINK_CLOSED;
    }
    struct sg_reader r =
        sg_reader_over(SG_BYTES(c->sending.data + c->sent, c->sending.len - c->sent));
    int e = 0;
    while (e == 0 && sg_agg_link_room(c->link) > SG_AGG_MESSAGE_MAX && sg_agg_take(&r, &m) == 0)
        e = sg_agg_link_put(c->link, &m);
    c->sent = c->sending.len - r.left;
    return e;
}

/* ---- thread ---- */

static int on_message(void *user, const struct sg_agg_message *m)
{
    struct auth_conn *c = user;
    if (m->type != SG_AGG_UP)
        return SG_AGG_LINK_MALFORMED;
    return auth_lanes_put(c->o.lanes, c, m->handle, m->number, m->frame);
}

static int serve(struct auth_conn *c)
{
    uint64_t n;
    while (!all.stop) {
        bool room = auth_lanes_have_room(c->o.lanes);
        int r = send_answers(c);
        bool more = c->sent < c->sending.len;
        r = r ? r
              : sg_agg_link_pump(c->link, c->wake, room && !more ? PUMP_MS : FULL_MS, room,
                                 on_message, c);
        if (r)
            return r;
        (void)!read(c->wake, &n, sizeof n);
    }
    return 0;
}

static int accept_peer(struct auth_conn *c)
{
    SG_CLEANUP(sg_tls_freep) struct sg_tls *tls = NULL;
    int r = sg_tls_accept(&tls, c->o.tls, c->fd, ACCEPT_MS);
    if (r)
        return r;
    (void)TAKE_FD(c->fd);
    if (strcmp(sg_tls_peer_uri(tls), c->o.peer_uri) != 0)
        return SG_TLS_REFUSED;
    r = sg_agg_link_new(&c->link, tls, LINK_OUT_MAX);
    if (r == 0)
        (void)TAKE_PTR(tls);
    return r;
}

static void forget_conn(void)
{
    pthread_mutex_lock(&all.lock);
    all.n--;
    pthread_cond_broadcast(&all.ended);
    pthread_mutex_unlock(&all.lock);
}

static void end_conn(struct auth_conn *c)
{
    pthread_mutex_lock(&c->lock);
    c->gone = true;
    pthread_mutex_unlock(&c->lock);
    sg_agg_link_free(TAKE_PTR(c->link)); /* closed now, whoever still holds a reference */
    auth_conn_unref(c);
}

static void *conn_main(void *arg)
{
    struct auth_conn *c = arg;
    int r = accept_peer(c);
    if (r) {
        sg_log(SG_LOG_WARN, "aggregator.refused", SG_INT("outcome", r),
               SG_STR("trace", r < 0 ? sg_error_trace() : ""));
    } else {
        sg_metric_add(&auth_counters.aggregators, 1);
        sg_log(SG_LOG_INFO, "aggregator.connected");
        r = serve(c);
        sg_log(SG_LOG_INFO, "aggregator.gone", SG_INT("outcome", r),
               SG_STR("trace", r < 0 ? sg_error_trace() : ""));
        sg_metric_add(&auth_counters.aggregators, -1);
    }
    end_conn(c);
    forget_conn();
    return NULL;
}

static bool remember_conn(void)
{
    pthread_mutex_lock(&all.lock);
    bool room = all.n < AUTH_CONNS_MAX && !all.stop;
    all.n += room;
    pthread_mutex_unlock(&all.lock);
    return room;
}

int auth_conn_start(const struct auth_conn_options *o, int accepted)
{
    SG_CLOSE int fd = accepted;
    struct auth_conn *c = NULL;
    pthread_t thread;
    if (!remember_conn())
        return sg_raise(-EMFILE);
    int r = conn_new(&c);
    if (r) {
        forget_conn();
        return r;
    }
    c->o = *o;
    c->fd = TAKE_FD(fd);
    int e = pthread_create(&thread, NULL, conn_main, c);
    if (e) {
        auth_conn_unref(c);
        forget_conn();
        return sg_raise(-e);
    }
    pthread_detach(thread);
    return 0;
}

void auth_conns_stop(void)
{
    all.stop = true;
    pthread_mutex_lock(&all.lock);
    while (all.n > 0)
        pthread_cond_wait(&all.ended, &all.lock);
    pthread_mutex_unlock(&all.lock);
}

size_t auth_conns_count(void)
{
    pthread_mutex_lock(&all.lock);
    size_t n = all.n;
    pthread_mutex_unlock(&all.lock);
    return n;
}
