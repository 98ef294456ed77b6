#include "sender.h"

#include <math.h>
#include <stdio.h>

#define SOCKETS_MAX           1000
#define SOCKET_BUFFER         (1u << 20)
#define TICK_MS               50
#define PROGRESS_MS           2000
#define WINDOW_FIRST          256 /* KiB */
#define WINDOW_LEAST          64
#define WINDOW_STEP           16   /* a day's frame */
#define HANDSHAKES_MAX        32   /* under way an aggregator */
#define HANDSHAKE_PATIENCE_MS 8000 /* then its place is given to another */
#define BLOCKS_PER_TURN       8    /* signed before the loop looks at the sockets again */

struct aggregator;

struct meter {
    struct sim_sender *s;
    struct sg_meter_session *session;
    struct aggregator *aggregator;
    uint32_t number; /* in the fleet */
    uint32_t next, n_blocks;
    int64_t begun_ms; /* of the first handshake; -1: not yet */
    bool connected;
    uint64_t held;                   /* highest number recorded instead of sent */
    uint8_t ids[2][SG_FRAME_ID_LEN]; /* handshake id and connection id used last */
};

/* One UDP source port, one meter or several. */
struct port {
    struct sim_sender *s;
    struct sg_udp *udp;
    uint32_t first; /* meters first, first + n_ports, ... */
};

struct aggregator {
    struct sim_sender *s;
    struct sg_addr addr;
    uint32_t first;    /* meters first, first + n_aggregators, ... */
    uint32_t turn;     /* whose turn it is */
    uint32_t inflight; /* KiB */
    uint32_t to_begin; /* next meter without handshake */
    uint32_t handshaking;
    double window;
    uint64_t retransmissions; /* at the last look */
    uint64_t settled, total;  /* blocks of its meters */
    bool pumping, moved;
};

struct sim_sender {
    struct sg_loop *loop;
    struct sim_sender_config c;
    struct sg_meter_session_config session_config;
    struct meter *meters;
    struct port *ports;
    struct aggregator *aggregators;
    size_t n_ports;
    struct sg_loop_timer *tick;
    int64_t last_settled_ms, last_progress_ms, begun_ms;
    uint64_t blocks, unsettled;
    uint64_t readings_total;
    struct sim_report r;
    struct sg_buf scratch;
    FILE *record;
    uint64_t recorded;
    bool done;
};

/* ---- source: the fleet itself -------------------------------------------------------------- */

static uint32_t fleet_blocks(void *user, uint32_t meter)
{
    return sim_block_count(user, meter);
}

static uint32_t fleet_readings(void *user, uint32_t meter, uint32_t block)
{
    uint64_t first;
    uint32_t count;
    sim_block_range(user, meter, block, &first, &count);
    return count;
}

static int fleet_make(void *user, uint32_t meter, uint32_t block, struct sg_buf *ret)
{
    return sim_make_block(user, meter, block, ret);
}

struct sim_source sim_fleet_source(struct sim_fleet *f)
{
    return (struct sim_source){fleet_blocks, fleet_readings, fleet_make, f};
}

/* ---- pump: sign and queue while there is room ---------------------------------------------- */

static void fail(struct sim_sender *s)
{
    fprintf(stderr, "sealgrid-sim: %s\n", sg_error_trace());
    sg_loop_stop(s->loop);
}

static uint32_t meters_of(const struct aggregator *a)
{
    const uint32_t n = a->s->c.n_meters, step = (uint32_t)a->s->c.n_aggregators;
    return a->first >= n ? 0 : (n - a->first + step - 1) / step;
}

static struct meter *meter_of(const struct aggregator *a, uint32_t i)
{
    return &a->s->meters[a->first + i * (uint32_t)a->s->c.n_aggregators];
}

static bool has_work(const struct meter *m)
{
    return m->next < m->n_blocks && sg_meter_session_room(m->session) > 0;
}

/* The next meter in turn that can send; NULL: none now. */
static struct meter *whose_turn(struct aggregator *a)
{
    const uint32_t n = meters_of(a);
    for (uint32_t i = 0; i < n; i++) {
        struct meter *m = meter_of(a, (a->turn + i) % n);
        if (has_work(m)) {
            a->turn = (a->turn + i + 1) % n;
            return m;
        }
    }
    return NULL;
}

/* KiB that a block's frame takes in buffers on its way, a small one more than its octets. */
static uint32_t cost_of(const struct meter *m, uint32_t block)
{
    return 2 + m->s->c.source.readings(m->s->c.source.user, m->number, block) / 8;
}

static int send_block(struct meter *m)
{
    struct sim_sender *s = m->s;
    sg_buf_reset(&s->scratch);
    int r = s->c.source.make(s->c.source.user, m->number, m->next, &s->scratch);
    if (r)
        return r;
    r = sg_meter_session_queue(m->session, SG_PAYLOAD_BLOCK, sg_buf_bytes(&s->scratch), m->next,
                               sg_loop_now_ms(s->loop));
    if (r > 0) /* renewed meanwhile: its turn comes again */
        return 0;
    if (r)
        return r;
    s->r.blocks++;
    s->r.readings_sent += s->c.source.readings(s->c.source.user, m->number, m->next);
    m->aggregator->inflight += cost_of(m, m->next);
    m->next++;
    return 0;
}

static void pump(void *user);

static void pump_soon(struct aggregator *a)
{
    if (a->pumping)
        return;
    a->pumping = true;
    if (sg_loop_post(a->s->loop, pump, a) != 0)
        fail(a->s);
}

static void pump(void *user)
{
    struct aggregator *a = user;
    a->pumping = false;
    for (int i = 0; i < BLOCKS_PER_TURN; i++) {
        struct meter *m = a->inflight < (uint32_t)a->window ? whose_turn(a) : NULL;
        if (!m)
            return;
        if (send_block(m) != 0) {
            fail(a->s);
            return;
        }
    }
    pump_soon(a);
}

/* A bounded number of handshakes at once: a thousand first messages would not fit the aggregator's
 * socket. */
static void begin_handshakes(struct aggregator *a)
{
    while (a->handshaking < HANDSHAKES_MAX && a->to_begin < meters_of(a)) {
        struct meter *m = meter_of(a, a->to_begin++);
        m->begun_ms = sg_loop_now_ms(a->s->loop);
        a->handshaking++;
        if (sg_meter_session_connect(m->session, m->begun_ms) != 0) {
            fail(a->s);
            return;
        }
    }
}

/* ---- what sessions call -------------------------------------------------------------------- */

static void record(struct sim_sender *s, struct sg_bytes datagram)
{
    uint8_t len[4];
    if (!s->record || s->recorded >= s->c.record_max)
        return;
    sg_store_be32(len, (uint32_t)datagram.len);
    fwrite(len, 1, 4, s->record);
    fwrite(datagram.data, 1, datagram.len, s->record);
    s->recorded++;
}

static struct sg_udp *udp_of(const struct meter *m)
{
    const size_t i = (size_t)(m - m->s->meters);
    return m->s->ports[i % m->s->n_ports].udp;
}

/* Once, however often the session sends it again. */
static void hold(struct meter *m, const struct sg_frame *f, struct sg_bytes datagram)
{
    if (f->seq <= m->held)
        return;
    m->held = f->seq;
    record(m->s, datagram);
    m->s->last_settled_ms = sg_loop_now_ms(m->s->loop); /* as good as settled */
}

static void on_send(void *user, struct sg_bytes datagram)
{
    struct meter *m = user;
    struct sg_frame f;
    if (sg_frame_decode(datagram, &f) == 0) {
        const bool uplink = f.type == SG_FRAME_UPLINK;
        memcpy(m->ids[uplink], f.id, SG_FRAME_ID_LEN);
        if (uplink && m->s->c.hold) {
            hold(m, &f, datagram);
            return;
        }
        if (uplink)
            record(m->s, datagram);
    }
    /* Dropped by a full queue or refused by a stopped aggregator: the session sends it again. */
    (void)!sg_udp_send(udp_of(m), m->aggregator->addr, datagram);
}

static void on_connected(void *user)
{
    struct meter *m = user;
    if (!m->connected && m->aggregator->handshaking > 0)
        m->aggregator->handshaking--;
    m->connected = true;
    pump_soon(m->aggregator);
}

static void count_settled(struct sim_sender *s, uint32_t readings, enum sg_ack_status status,
                          enum sg_refusal reason)
{
    if (status == SG_ACK_REFUSED) {
        s->r.refused++;
        s->r.refused_by[reason < SG_REFUSED_COUNT ? reason : 0]++;
        return;
    }
    s->r.readings_acked += readings;
    if (status == SG_ACK_STORED)
        s->r.stored++;
    else
        s->r.duplicates++;
}

/* Halfway the meters go over to the next aggregator, and so perhaps to another authenticator, in
 * the middle of their sessions. */
static void move_halfway(struct aggregator *a)
{
    struct sim_sender *s = a->s;
    const size_t index = (size_t)(a - s->aggregators);
    if (!s->c.move || a->moved || s->c.n_aggregators < 2 || a->settled * 2 < a->total)
        return;
    a->addr = s->c.aggregators[(index + 1) % s->c.n_aggregators];
    a->moved = true;
    s->r.moved += meters_of(a);
}

static void on_settled(void *user, uint64_t token, enum sg_ack_status status,
                       enum sg_refusal reason)
{
    struct meter *m = user;
    struct sim_sender *s = m->s;
    struct aggregator *a = m->aggregator;
    count_settled(s, s->c.source.readings(s->c.source.user, m->number, (uint32_t)token), status,
                  reason);
    a->inflight -= cost_of(m, (uint32_t)token);
    a->window += WINDOW_STEP * cost_of(m, (uint32_t)token) / a->window;
    if (a->window > s->c.window)
        a->window = s->c.window;
    a->settled++;
    move_halfway(a);
    s->last_settled_ms = sg_loop_now_ms(s->loop);
    if (--s->unsettled == 0) {
        s->done = true;
        sg_loop_stop(s->loop);
        return;
    }
    pump_soon(a);
}

static void on_random(void *user, void *p, size_t n)
{
    struct meter *m = user;
    sg_loop_random(m->s->loop, p, n);
}

static const struct sg_meter_session_ops session_ops = {
    .send = on_send,
    .connected = on_connected,
    .settled = on_settled,
    .random = on_random,
};

/* ---- sockets ------------------------------------------------------------------------------- */

static bool has_id(const struct meter *m, const uint8_t id[SG_FRAME_ID_LEN])
{
    return memcmp(m->ids[0], id, SG_FRAME_ID_LEN) == 0 ||
           memcmp(m->ids[1], id, SG_FRAME_ID_LEN) == 0;
}

static void receive(struct meter *m, struct sg_bytes datagram)
{
    if (sg_meter_session_receive(m->session, datagram, sg_loop_now_ms(m->s->loop)) < 0)
        fail(m->s);
}

/* A port's only meter gets everything; several are told apart by the id in the frame. */
static void on_datagram(void *user, struct sg_addr from, struct sg_bytes datagram)
{
    struct port *p = user;
    struct sim_sender *s = p->s;
    struct sg_frame f;
    (void)from;
    s->r.answers++;
    if (s->n_ports == s->c.n_meters) {
        receive(&s->meters[p->first], datagram);
        return;
    }
    if (sg_frame_decode(datagram, &f) != 0)
        return;
    for (size_t i = p->first; i < s->c.n_meters; i += s->n_ports)
        if (has_id(&s->meters[i], f.id)) {
            receive(&s->meters[i], datagram);
            return;
        }
}

/* ---- time ---------------------------------------------------------------------------------- */

static void tick_meters(struct sim_sender *s, int64_t now)
{
    for (uint32_t i = 0; i < s->c.n_meters && !s->done; i++) {
        struct meter *m = &s->meters[i];
        if (m->begun_ms >= 0 && sg_meter_session_next_ms(m->session) <= now &&
            sg_meter_session_tick(m->session, now) < 0)
            fail(s);
        if (m->begun_ms >= 0 && !m->connected && now - m->begun_ms > HANDSHAKE_PATIENCE_MS) {
            m->begun_ms = now;
            if (m->aggregator->handshaking > 0)
                m->aggregator->handshaking--;
        }
    }
}

/* Frames sent again since the last look: the path is full, halve. */
static void adapt_window(struct aggregator *a)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < meters_of(a); i++)
        sum += sg_meter_session_counters(meter_of(a, i)->session)->retransmissions;
    if (sum > a->retransmissions && a->window / 2 >= WINDOW_LEAST && !a->s->c.hold)
        a->window /= 2;
    a->retransmissions = sum;
}

static void show_progress(struct sim_sender *s, int64_t now)
{
    if (!s->c.progress || now - s->last_progress_ms < PROGRESS_MS)
        return;
    s->last_progress_ms = now;
    const double percent = 100.0 * (double)s->r.readings_acked / (double)s->readings_total;
    fprintf(stderr, "%6.1f s  %5.1f %%  %llu of %llu readings, %llu refused\n",
            (double)(now - s->begun_ms) / 1000, percent, (unsigned long long)s->r.readings_acked,
            (unsigned long long)s->readings_total, (unsigned long long)s->r.refused);
}

static bool all_held(const struct sim_sender *s)
{
    for (uint32_t i = 0; i < s->c.n_meters; i++)
        if (!s->meters[i].connected || has_work(&s->meters[i]))
            return false;
    return true;
}

static void on_tick(void *user)
{
    struct sim_sender *s = user;
    const int64_t now = sg_loop_now_ms(s->loop);
    if (s->c.hold && all_held(s)) {
        s->done = true;
        sg_loop_stop(s->loop);
        return;
    }
    tick_meters(s, now);
    for (size_t i = 0; i < s->c.n_aggregators; i++) {
        adapt_window(&s->aggregators[i]);
        begin_handshakes(&s->aggregators[i]);
        pump_soon(&s->aggregators[i]);
    }
    show_progress(s, now);
    if (now - s->last_settled_ms > s->c.timeout_ms) {
        fprintf(stderr, "sealgrid-sim: nothing acknowledged for %lld s, %llu blocks are open\n",
                (long long)(s->c.timeout_ms / 1000), (unsigned long long)s->unsettled);
        sg_loop_stop(s->loop);
        return;
    }
    if (!s->done)
        sg_loop_timer_arm(s->tick, TICK_MS);
}

/* ---- life ---------------------------------------------------------------------------------- */

static int make_meters(struct sim_sender *s)
{
    s->meters = calloc(s->c.n_meters, sizeof(*s->meters));
    if (!s->meters)
        return sg_raise(-ENOMEM);
    for (uint32_t i = 0; i < s->c.n_meters; i++) {
        struct meter *m = &s->meters[i];
        *m = (struct meter){.s = s,
                            .aggregator = &s->aggregators[i % s->c.n_aggregators],
                            .number = s->c.first_meter + i,
                            .begun_ms = -1};
        m->n_blocks = s->c.source.blocks(s->c.source.user, m->number);
        s->unsettled += m->n_blocks;
        m->aggregator->total += m->n_blocks;
        for (uint32_t b = 0; b < m->n_blocks; b++)
            s->readings_total += s->c.source.readings(s->c.source.user, m->number, b);
        int r = sg_meter_session_new(&m->session, &s->session_config,
                                     s->c.fleet->keys[m->number].edhoc, m);
        if (r)
            return r;
    }
    return s->unsettled ? 0 : sg_raisef(-EINVAL, "nothing to send");
}

static int make_ports(struct sim_sender *s)
{
    const bool loopback = s->c.aggregators[0].ip[0] == 127;
    const struct sg_addr bind = {.ip = {loopback ? 127 : 0, 0, 0, loopback ? 1 : 0}};
    const size_t n = s->c.n_meters < SOCKETS_MAX ? s->c.n_meters : SOCKETS_MAX;
    s->ports = calloc(n, sizeof(*s->ports));
    if (!s->ports)
        return sg_raise(-ENOMEM);
    s->n_ports = n;
    for (size_t i = 0; i < n; i++) {
        s->ports[i] = (struct port){.s = s, .first = (uint32_t)i};
        int r = sg_udp_new(&s->ports[i].udp, s->loop, bind, n < 16 ? SOCKET_BUFFER : 0, on_datagram,
                           &s->ports[i]);
        if (r)
            return r;
    }
    return 0;
}

static int make_aggregators(struct sim_sender *s)
{
    s->aggregators = calloc(s->c.n_aggregators, sizeof(*s->aggregators));
    if (!s->aggregators)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < s->c.n_aggregators; i++)
        s->aggregators[i] =
            (struct aggregator){.s = s,
                                .addr = s->c.aggregators[i],
                                .first = (uint32_t)i,
                                .window = s->c.hold ? UINT32_MAX : fmin(WINDOW_FIRST, s->c.window)};
    return 0;
}

static int start(struct sim_sender *s)
{
    int r = sg_meter_key_pool_new(&s->session_config.keys);
    if (r == 0)
        r = make_aggregators(s);
    if (r == 0)
        r = make_ports(s);
    if (r == 0)
        r = make_meters(s);
    if (r == 0)
        r = sg_loop_timer_new(&s->tick, s->loop, on_tick, s);
    if (r == 0 && s->c.record && !(s->record = fopen(s->c.record, "wbe")))
        r = sg_raisef(-errno, "%s", s->c.record);
    if (r)
        return r;
    s->begun_ms = s->last_settled_ms = s->last_progress_ms = sg_loop_now_ms(s->loop);
    sg_loop_timer_arm(s->tick, 1);
    return 0;
}

int sim_sender_new(struct sim_sender **ret, struct sg_loop *loop, const struct sim_sender_config *c)
{
    SG_CLEANUP(sim_sender_freep) struct sim_sender *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    if (c->n_meters == 0 || c->n_aggregators == 0)
        return sg_raise(-EINVAL);
    s->loop = loop;
    s->c = *c;
    s->scratch = (struct sg_buf)SG_BUF_INIT(SG_BLOCK_MAX);
    s->session_config = (struct sg_meter_session_config){
        .ops = &session_ops,
        .suites = {2, 3},
        .n_suites = 2,
        .authenticators = c->authenticators,
        .n_authenticators = c->n_authenticators,
    };
    int r = start(s);
    if (r)
        return r;
    *ret = TAKE_PTR(s);
    return 0;
}

void sim_sender_free(struct sim_sender *s)
{
    if (!s)
        return;
    sg_loop_timer_freep(&s->tick);
    for (uint32_t i = 0; s->meters && i < s->c.n_meters; i++)
        sg_meter_session_freep(&s->meters[i].session);
    for (size_t i = 0; i < s->n_ports; i++)
        sg_udp_freep(&s->ports[i].udp);
    if (s->session_config.keys)
        sg_meter_key_pool_free(s->session_config.keys);
    if (s->record)
        fclose(s->record);
    free(s->meters);
    free(s->ports);
    free(s->aggregators);
    sg_buf_clear(&s->scratch);
    free(s);
}

bool sim_sender_done(const struct sim_sender *s)
{
    return s->done;
}

void sim_sender_report(const struct sim_sender *s, struct sim_report *r)
{
    const char *mode = r->mode;
    *r = s->r;
    r->mode = mode;
    r->meters = s->c.n_meters;
    for (uint32_t i = 0; i < s->c.n_meters; i++) {
        const struct sg_meter_counters *c = sg_meter_session_counters(s->meters[i].session);
        r->handshakes += c->handshakes;
        r->frames_sent += c->frames;
        r->retransmitted += c->retransmissions;
        r->refused_downlinks += c->refused_downlinks;
    }
    r->seconds = (double)(sg_loop_now_ms(s->loop) - s->begun_ms) / 1000;
}
