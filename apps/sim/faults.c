/* What the platform must not fall for: frames sent again by a stranger, a reading told twice.  The
 * same replay, of frames that were recorded and held back, loads it without a meter's work. */
#include "send.h"

#include <stdio.h>

#include <sealgrid/base/file.h>

#define REPLAY_WAIT_MS 3000
#define REPLAY_GAP_MS  2
#define REPLAY_BUFFER  (4u << 20)
#define STALL_MS       1000 /* with a window: then what has no answer is taken for lost */

/* ---- replay -------------------------------------------------------------------------------- */

struct replay {
    struct sim_link link;
    struct sg_udp *udp;
    struct sg_loop_timer *timer;
    struct sg_buf file;
    struct sg_reader left;
    uint32_t window, inflight;
    int64_t begun_ms, answered_ms;
    struct sim_report report;
};

static void clear_replay(struct replay *x)
{
    sg_loop_timer_freep(&x->timer);
    sg_udp_freep(&x->udp);
    sg_buf_clear(&x->file);
    sim_link_clear(&x->link);
}

/* False: none is left. */
static bool send_one(struct replay *x)
{
    uint32_t len;
    struct sg_bytes frame;
    if (!sg_take_be32(&x->left, &len) || !sg_take(&x->left, len, &frame))
        return false;
    const size_t turn = x->report.replayed++ % x->link.n_aggregators;
    (void)!sg_udp_send(x->udp, x->link.aggregators[turn], frame);
    x->inflight++;
    return true;
}

static void send_window(struct replay *x)
{
    while (x->inflight < x->window && send_one(x))
        ;
}

static void on_answer(void *user, struct sg_addr from, struct sg_bytes datagram)
{
    struct replay *x = user;
    (void)from;
    (void)datagram;
    x->report.answers++;
    x->inflight -= x->inflight > 0;
    x->answered_ms = sg_loop_now_ms(x->link.loop);
    if (x->window == 0)
        return;
    send_window(x);
    if (x->report.answers == x->report.replayed && x->left.left == 0)
        sg_loop_stop(x->link.loop);
}

/* One frame, then a moment; after the last a while for answers. */
static void send_slowly(struct replay *x)
{
    if (!send_one(x)) {
        sg_loop_stop(x->link.loop);
        return;
    }
    sg_loop_timer_arm(x->timer, x->left.left ? REPLAY_GAP_MS : REPLAY_WAIT_MS);
}

/* Answers make room; only what is lost is waited for in vain. */
static void send_fast(struct replay *x)
{
    const int64_t silent_ms = sg_loop_now_ms(x->link.loop) - x->answered_ms;
    if (x->left.left == 0 && silent_ms > REPLAY_WAIT_MS) {
        sg_loop_stop(x->link.loop);
        return;
    }
    if (silent_ms > STALL_MS)
        x->inflight = 0;
    send_window(x);
    sg_loop_timer_arm(x->timer, STALL_MS / 4);
}

static void on_timer(void *user)
{
    struct replay *x = user;
    if (x->window)
        send_fast(x);
    else
        send_slowly(x);
}

static int run_replay(struct replay *x, const struct sim_options *o)
{
    int r = sim_link_open(&x->link, o);
    if (r == 0)
        r = sg_file_read(o->replay, &x->file);
    if (r)
        return r;
    x->left = sg_reader_over(sg_buf_bytes(&x->file));
    const bool loopback = x->link.aggregators[0].ip[0] == 127;
    const struct sg_addr bind = {.ip = {loopback ? 127 : 0, 0, 0, loopback ? 1 : 0}};
    r = sg_udp_new(&x->udp, x->link.loop, bind, REPLAY_BUFFER, on_answer, x);
    if (r == 0)
        r = sg_loop_timer_new(&x->timer, x->link.loop, on_timer, x);
    if (r)
        return r;
    x->window = (uint32_t)o->replay_window;
    x->begun_ms = x->answered_ms = sg_loop_now_ms(x->link.loop);
    sg_loop_timer_arm(x->timer, 0);
    r = sg_loop_run(x->link.loop);
    x->report.seconds =
        (double)((x->window ? x->answered_ms : sg_loop_now_ms(x->link.loop)) - x->begun_ms) / 1000;
    return r;
}

int sim_replay(const struct sim_options *o, bool *ret_ok)
{
    SG_CLEANUP(clear_replay) struct replay x = {.file = SG_BUF_INIT(SIM_RECORD_MAX)};
    x.report.mode = "replay";
    int r = run_replay(&x, o);
    if (r)
        return r;
    x.report.ok = *ret_ok = x.report.replayed > 0;
    fprintf(stderr, "%llu frames sent again, %llu answers\n", (unsigned long long)x.report.replayed,
            (unsigned long long)x.report.answers);
    return sim_report_write(&x.report, o->json);
}

/* ---- conflict ------------------------------------------------------------------------------ */

struct conflict {
    const struct sim_fleet *fleet;
    uint64_t reading;
};

static uint32_t one(void *user, uint32_t meter)
{
    (void)user;
    (void)meter;
    return 1;
}

static uint32_t one_reading(void *user, uint32_t meter, uint32_t block)
{
    (void)block;
    return one(user, meter);
}

/* The same interval and sequence number, a third of the energy, and a good signature. */
static int make_conflict(void *user, uint32_t meter, uint32_t block, struct sg_buf *ret)
{
    const struct conflict *x = user;
    struct sg_reading r;
    (void)block;
    sg_model_reading_at(x->fleet->model, meter, x->reading, &r);
    r.field[SG_READING_interval_energy] /= 3;
    r.field[SG_READING_energy_register] += 1;
    return sim_sign_readings(x->fleet, meter, &r, 1, ret);
}

int sim_conflict(const struct sim_options *o, bool *ret_ok)
{
    SG_CLEANUP(sim_link_clear) struct sim_link l;
    struct sim_report report = {.mode = "conflict"};
    struct sg_reading original;
    int r = sim_link_open(&l, o);
    if (r)
        return r;
    struct conflict x = {&l.fleet, (uint64_t)o->conflict_reading};
    if (o->conflict_meter >= l.fleet.params.meters)
        return sg_raisef(-EINVAL, "the fleet has no meter %lld", (long long)o->conflict_meter);
    struct sim_sender_config c = sim_link_config(&l, o);
    c.first_meter = (uint32_t)o->conflict_meter;
    c.n_meters = 1;
    c.progress = false;
    c.source = (struct sim_source){one, one_reading, make_conflict, &x};
    r = sim_link_run(&l, &c, &report);
    if (r)
        return r;
    sg_model_reading_at(l.fleet.model, c.first_meter, x.reading, &original);
    report.client_id = sim_client_id(&l.fleet.params, c.first_meter);
    report.ts_s = original.ts_s;
    report.ok = *ret_ok = report.refused_by[SG_REFUSED_CONFLICT] == 1;
    fprintf(stderr, "differing reading %s\n",
            report.ok ? "refused as a conflict" : "NOT refused as a conflict");
    return sim_report_write(&report, o->json);
}
