/*
 * sim_sessions - many meters and two authenticators on a network that loses, doubles and reorders
 * one datagram in five, with authenticators that restart and a store that goes away, in virtual
 * time: every payload is stored exactly once, none is acknowledged that is not stored, and the same
 * seed gives the same story.
 * Arguments: seeds (default 1 2 3).
 */
#include "session-fixture.h"

#include <sealgrid/net/loop-sim.h>
#include <stdio.h>

#define METERS     32
#define PAYLOADS   60 /* of each meter */
#define HOURS      6
#define RESTARTS   10 /* of each authenticator; each is a new sender to every meter */
#define RESTART_MS 200000
#define OUTAGE_MS  45000

struct world;

struct node {
    struct world *w;
    struct sg_loop *loop;
    struct sg_udp *udp;
    struct sg_loop_timer *timer;
};

struct sim_meter {
    struct node node;
    size_t index;
    struct sg_meter_session *s;
    struct sg_addr at; /* the authenticator reached now */
    uint64_t next;     /* payload not queued yet */
    unsigned settled;
    struct fx_identity id;
};

struct sim_auth {
    struct node node;
    struct fx_auth auth;
    struct sg_buf reply;
    unsigned restarts, conflicts;
};

struct world {
    struct sg_sim *sim;
    struct fx_store store;
    struct fx_identity auth_id;
    struct fx_identity ids[METERS];
    const struct sg_edhoc_identity *authenticators[1];
    struct sg_meter_session_config config;
    struct sim_meter meters[METERS];
    struct sim_auth auths[2];
    struct node outage;
    uint64_t seed;
};

static void must(int r)
{
    if (r)
        fprintf(stderr, "%d %s\n", r, sg_error_trace());
    sg_assert(r == 0);
}

static struct sg_addr address(size_t n)
{
    return (struct sg_addr){{10, 0, 0, (uint8_t)(n + 1)}, 7000};
}

static uint64_t draw(struct node *n, uint64_t below)
{
    uint32_t v;
    sg_loop_random(n->loop, &v, sizeof v);
    return v % below;
}

/* ---- meter ---- */

static void meter_send(void *user, struct sg_bytes d)
{
    struct sim_meter *m = user;
    if (draw(&m->node, 25) == 0) /* an aggregator that fails over */
        m->at = address(draw(&m->node, 2));
    (void)!sg_udp_send(m->node.udp, m->at, d);
}

static void meter_settled(void *user, uint64_t token, enum sg_ack_status status,
                          enum sg_refusal reason)
{
    struct sim_meter *m = user;
    sg_assert(status != SG_ACK_REFUSED && reason == SG_REFUSED_NONE);
    /* Acknowledged means durable: at this very moment. */
    sg_assert(fx_times(&m->node.w->store, 1000 + (int64_t)m->index, token) == 1);
    m->settled++;
}

static void meter_connected(void *user)
{
    (void)user;
}

static void meter_random(void *user, void *p, size_t n)
{
    sg_loop_random(((struct sim_meter *)user)->node.loop, p, n);
}

static const struct sg_meter_session_ops meter_ops = {
    .send = meter_send,
    .settled = meter_settled,
    .connected = meter_connected,
    .random = meter_random,
};

static void meter_work(struct sim_meter *m)
{
    int64_t now = sg_loop_now_ms(m->node.loop);
    must(sg_meter_session_tick(m->s, now));
    /* Seldom a burst, so that there is something under way whenever something happens. */
    bool burst = draw(&m->node, 20) == 0;
    while (burst && m->next < PAYLOADS && sg_meter_session_room(m->s) > 0 &&
           draw(&m->node, 3) > 0) {
        uint8_t payload[64] = {0};
        sg_store_be64(payload, m->next);
        must(sg_meter_session_queue(m->s, SG_PAYLOAD_BLOCK, SG_BYTES_ARRAY(payload), m->next, now));
        m->next++;
    }
    int64_t next = sg_meter_session_next_ms(m->s);
    int64_t wait = next == INT64_MAX || m->next < PAYLOADS ? 5000 : next - now;
    sg_loop_timer_arm(m->node.timer, wait < 1 ? 1 : wait > 5000 ? 5000 : wait);
}

static void meter_tick(void *user)
{
    struct sim_meter *m = user;
    if (m->settled < PAYLOADS)
        meter_work(m);
}

static void meter_receive(void *user, struct sg_addr from, struct sg_bytes d)
{
    struct sim_meter *m = user;
    (void)from;
    must(sg_meter_session_receive(m->s, d, sg_loop_now_ms(m->node.loop)));
}

static void meter_start(struct world *w, size_t i)
{
    struct sim_meter *m = &w->meters[i];
    m->node.w = w;
    m->index = i;
    m->at = address(i % 2);
    must(sg_sim_loop(w->sim, &m->node.loop));
    must(sg_udp_new(&m->node.udp, m->node.loop, address(2 + i), 0, meter_receive, m));
    must(sg_loop_timer_new(&m->node.timer, m->node.loop, meter_tick, m));
    must(sg_meter_session_new(&m->s, &w->config, w->ids[i].own, m));
    must(sg_meter_session_connect(m->s, sg_loop_now_ms(m->node.loop)));
    sg_loop_timer_arm(m->node.timer, 1000);
}

/* ---- authenticator ---- */

static void auth_receive(void *user, struct sg_addr from, struct sg_bytes d)
{
    struct sim_auth *a = user;
    fx_auth_receive(&a->auth, d, sg_loop_now_ms(a->node.loop), &a->reply);
    if (a->reply.len)
        (void)!sg_udp_send(a->node.udp, from, sg_buf_bytes(&a->reply));
}

static uint64_t new_seed(struct sim_auth *a)
{
    return a->node.w->seed * 1000 + (uint64_t)(a - a->node.w->auths) * 100 + a->restarts;
}

/* kill -9: everything in memory is gone, the store stays. */
static void auth_restart(void *user)
{
    struct sim_auth *a = user;
    struct world *w = a->node.w;
    if (a->restarts++ >= RESTARTS)
        return;
    a->conflicts += a->auth.conflicts;
    fx_auth_free(&a->auth);
    fx_auth_new(&a->auth, &w->store, &w->auth_id, w->ids, METERS, new_seed(a));
    sg_loop_timer_arm(a->node.timer, RESTART_MS + (int64_t)draw(&a->node, RESTART_MS));
}

static void auth_start(struct world *w, size_t i)
{
    struct sim_auth *a = &w->auths[i];
    a->node.w = w;
    a->reply = (struct sg_buf)SG_BUF_INIT(SG_FRAME_MAX);
    must(sg_sim_loop(w->sim, &a->node.loop));
    must(sg_udp_new(&a->node.udp, a->node.loop, address(i), 0, auth_receive, a));
    must(sg_loop_timer_new(&a->node.timer, a->node.loop, auth_restart, a));
    fx_auth_new(&a->auth, &w->store, &w->auth_id, w->ids, METERS, new_seed(a));
    sg_loop_timer_arm(a->node.timer, 20000 + (int64_t)draw(&a->node, 20000));
}

static void toggle_store(void *user)
{
    struct world *w = user;
    w->store.down = !w->store.down;
    sg_loop_timer_arm(w->outage.timer,
                      w->store.down ? OUTAGE_MS : 4 * OUTAGE_MS + (int64_t)draw(&w->outage, 60000));
}

/* ---- one run ---- */

static void free_node(struct node *n)
{
    sg_loop_timer_free(n->timer);
    sg_udp_free(n->udp);
    sg_loop_free(n->loop);
}

static void start(struct world *w)
{
    const struct sg_sim_network net = {
        .loss = 0.2, .duplicate = 0.2, .reorder = 0.2, .delay_min_ms = 5, .delay_max_ms = 400};
    must(sg_sim_new(&w->sim, w->seed, FX_T0));
    sg_sim_set_network(w->sim, &net);
    w->authenticators[0] = w->auth_id.peer;
    w->config = (struct sg_meter_session_config){.ops = &meter_ops,
                                                 .suites = {2, 3},
                                                 .n_suites = 2,
                                                 .authenticators = w->authenticators,
                                                 .n_authenticators = 1};
    for (size_t i = 0; i < 2; i++)
        auth_start(w, i);
    for (size_t i = 0; i < METERS; i++)
        meter_start(w, i);
    must(sg_sim_loop(w->sim, &w->outage.loop));
    must(sg_loop_timer_new(&w->outage.timer, w->outage.loop, toggle_store, w));
    sg_loop_timer_arm(w->outage.timer, 30000);
}

static void stop(struct world *w)
{
    for (size_t i = 0; i < METERS; i++) {
        sg_meter_session_free(w->meters[i].s);
        free_node(&w->meters[i].node);
    }
    for (size_t i = 0; i < 2; i++) {
        fx_auth_free(&w->auths[i].auth);
        sg_buf_clear(&w->auths[i].reply);
        free_node(&w->auths[i].node);
    }
    free_node(&w->outage);
    sg_sim_free(w->sim);
}

static bool judge(const struct world *w)
{
    uint64_t handshakes = 0, retransmissions = 0, frames = 0;
    unsigned conflicts = w->auths[0].conflicts + w->auths[1].conflicts;
    bool ok = w->store.n_payloads == METERS * PAYLOADS;
    for (size_t i = 0; i < METERS; i++) {
        const struct sg_meter_counters *c = sg_meter_session_counters(w->meters[i].s);
        ok = ok && w->meters[i].settled == PAYLOADS;
        for (uint64_t n = 0; n < PAYLOADS; n++)
            ok = ok && fx_times(&w->store, 1000 + (int64_t)i, n) == 1;
        handshakes += c->handshakes;
        retransmissions += c->retransmissions;
        frames += c->frames;
    }
    printf("seed %llu: %zu of %d payloads stored, %llu frames, %llu sent again, %llu handshakes, "
           "%u restarts, %u window conflicts: %s\n",
           (unsigned long long)w->seed, w->store.n_payloads, METERS * PAYLOADS,
           (unsigned long long)frames, (unsigned long long)retransmissions,
           (unsigned long long)handshakes, w->auths[0].restarts + w->auths[1].restarts, conflicts,
           ok ? "ok" : "WRONG");
    return ok;
}

static bool run(struct world *keys, uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    sg_assert(w);
    w->seed = seed;
    w->auth_id = keys->auth_id;
    memcpy(w->ids, keys->ids, sizeof w->ids);
    start(w);
    must(sg_sim_run(w->sim, HOURS * INT64_C(3600000)));
    bool ok = judge(w);
    stop(w);
    free(w);
    return ok;
}

int main(int argc, char **argv)
{
    static const char *const defaults[] = {"", "1", "2", "3"};
    static struct world keys;
    bool ok = true;
    fx_identity(&keys.auth_id, "authenticator");
    for (size_t i = 0; i < METERS; i++)
        fx_identity(&keys.ids[i], "meter");
    int n = argc > 1 ? argc : 4;
    for (int i = 1; i < n; i++)
        ok = run(&keys, strtoull(argc > 1 ? argv[i] : defaults[i], NULL, 10)) && ok;
    for (size_t i = 0; i < METERS; i++)
        fx_identity_clear(&keys.ids[i]);
    fx_identity_clear(&keys.auth_id);
    return ok ? 0 : 1;
}
