/* mesh - datagrams from and to meters. */
#include "mesh.h"

#include "counters.h"

#include <pthread.h>
#include <sealgrid/base/log.h>
#include <sealgrid/meter/agg-wire.h>

#define TICK_MS  5000
#define DOWN_MAX (8u << 20) /* octets on their way to the loop's thread */

struct agg_mesh {
    struct agg_mesh_options o;
    struct agg_uplink *uplink;
    struct sg_udp *udp;
    struct sg_loop_timer *timer;
    pthread_mutex_t lock;
    struct sg_buf down; /* DOWN messages, encoded; under the lock */
    bool posted;
    struct sg_buf delivering;
};

/* ---- up ---- */

static void take_frame(struct agg_mesh *m, uint64_t handle, struct sg_addr from,
                       const struct sg_frame *f)
{
    if (agg_meters_is_new_frame(m->o.meters, f, sg_loop_now_ms(m->o.loop)))
        agg_count(frames);
    else
        agg_count(retransmissions);
    int r = agg_backlog_add(m->o.backlog, handle, from, f, !agg_uplink_is_up(m->uplink));
    switch (r) {
    case 0:
        agg_uplink_kick(m->uplink);
        return;
    case AGG_BACKLOG_KNOWN:
        return;
    case AGG_BACKLOG_FULL:
        agg_count(dropped_backlog_full);
        return;
    default: /* the disk; the meter keeps the frame and sends it again */
        agg_count(dropped_backlog_full);
        sg_log_failure("backlog.write", r);
    }
}

static void take_handshake(struct agg_mesh *m, uint64_t handle, struct sg_bytes datagram)
{
    agg_count(handshakes);
    if (agg_uplink_handshake(m->uplink, handle, datagram))
        agg_count(dropped_no_uplink);
}

static bool from_meter(const struct sg_frame *f)
{
    return f->type == SG_FRAME_UPLINK || f->type == SG_FRAME_EDHOC_1 ||
           f->type == SG_FRAME_EDHOC_3 || f->type == SG_FRAME_EDHOC_ERROR;
}

static void on_datagram(void *user, struct sg_addr from, struct sg_bytes datagram)
{
    struct agg_mesh *m = user;
    struct sg_frame f;
    if (sg_frame_decode(datagram, &f) || !from_meter(&f)) {
        agg_count(dropped_malformed);
        return;
    }
    uint64_t handle = agg_meters_handle(m->o.meters, from, sg_loop_now_ms(m->o.loop));
    if (handle == 0)
        agg_count(dropped_meters_full);
    else if (f.type == SG_FRAME_UPLINK)
        take_frame(m, handle, from, &f);
    else
        take_handshake(m, handle, datagram);
}

/* ---- down ---- */

static void send_down(struct agg_mesh *m, const struct sg_agg_message *d)
{
    struct sg_addr to;
    if (!agg_meters_address(m->o.meters, d->handle, &to)) {
        agg_count(dropped_unknown_handle);
        return;
    }
    if (sg_udp_send(m->udp, to, d->frame))
        agg_count(dropped_socket);
    else
        agg_count(downlinks);
}

static void deliver(void *user)
{
    struct agg_mesh *m = user;
    struct sg_agg_message d;
    sg_buf_reset(&m->delivering);
    pthread_mutex_lock(&m->lock);
    struct sg_buf taken = m->down;
    m->down = m->delivering;
    m->posted = false;
    pthread_mutex_unlock(&m->lock);
    m->delivering = taken;
    struct sg_reader r = sg_reader_over(sg_buf_bytes(&taken));
    while (sg_agg_take(&r, &d) == 0)
        send_down(m, &d);
}

void agg_mesh_down(void *user, uint64_t handle, struct sg_bytes frame)
{
    struct agg_mesh *m = user;
    struct sg_agg_message d = {.type = SG_AGG_DOWN, .handle = handle, .frame = frame};
    pthread_mutex_lock(&m->lock);
    int r = sg_agg_encode(&d, &m->down);
    bool post = r == 0 && !m->posted;
    m->posted = m->posted || post;
    pthread_mutex_unlock(&m->lock);
    if (r)
        agg_count(dropped_socket);
    if (post && sg_loop_post(m->o.loop, deliver, m))
        agg_count(dropped_socket);
}

/* ---- life ---- */

static void on_tick(void *user)
{
    struct agg_mesh *m = user;
    struct agg_backlog_status s = agg_backlog_status(m->o.backlog);
    agg_meters_expire(m->o.meters, sg_loop_now_ms(m->o.loop) - m->o.idle_ms);
    sg_metric_set(&agg_counters.meters, (int64_t)agg_meters_count(m->o.meters));
    sg_metric_set(&agg_counters.backlog_frames, (int64_t)s.frames);
    sg_metric_set(&agg_counters.backlog_octets, (int64_t)s.disk);
    sg_loop_timer_arm(m->timer, TICK_MS);
}

int agg_mesh_new(struct agg_mesh **ret, const struct agg_mesh_options *o)
{
    SG_CLEANUP(agg_mesh_freep) struct agg_mesh *m = calloc(1, sizeof *m);
    if (!m)
        return sg_raise(-ENOMEM);
    m->o = *o;
    m->down.max = m->delivering.max = DOWN_MAX;
    pthread_mutex_init(&m->lock, NULL);
    int r = sg_udp_new(&m->udp, o->loop, o->listen, o->rcvbuf_bytes, on_datagram, m);
    r = r ? r : sg_loop_timer_new(&m->timer, o->loop, on_tick, m);
    if (r)
        return r;
    sg_loop_timer_arm(m->timer, TICK_MS);
    *ret = TAKE_PTR(m);
    return 0;
}

void agg_mesh_free(struct agg_mesh *m)
{
    if (!m)
        return;
    sg_loop_timer_free(m->timer);
    sg_udp_free(m->udp);
    sg_buf_clear(&m->down);
    sg_buf_clear(&m->delivering);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

struct sg_addr agg_mesh_address(const struct agg_mesh *m)
{
    return sg_udp_local(m->udp);
}

void agg_mesh_set_uplink(struct agg_mesh *m, struct agg_uplink *u)
{
    m->uplink = u;
}
