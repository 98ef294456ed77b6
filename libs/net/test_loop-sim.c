/*
 * Ten nodes that send each other numbered datagrams over a bad network; what arrives is a function
 * of the seed alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the four above first */
#include <cmocka.h>
#include <sealgrid/net/loop-sim.h>

#define NODES 10
#define SENDS 100

struct node {
    struct sg_loop *loop;
    struct sg_loop_timer *timer;
    struct sg_udp *udp;
    struct town *town;
    unsigned sent, received, late; /* late: came after a later one from the same node */
    unsigned highest[NODES];
    int64_t last_ms;
};

struct town {
    struct sg_sim *sim;
    struct node nodes[NODES];
};

static struct sg_addr address_of(size_t i)
{
    return (struct sg_addr){{10, 0, 0, (uint8_t)i}, 7000};
}

static void on_datagram(void *user, struct sg_addr from, struct sg_bytes d)
{
    struct node *n = user;
    unsigned number = sg_load_be32(d.data);
    n->received++;
    n->late += number < n->highest[from.ip[3]];
    if (number > n->highest[from.ip[3]])
        n->highest[from.ip[3]] = number;
    n->last_ms = sg_loop_now_ms(n->loop);
}

static void on_timer(void *user)
{
    struct node *n = user;
    uint8_t draw, datagram[4];
    sg_loop_random(n->loop, &draw, 1);
    sg_store_be32(datagram, ++n->sent);
    assert_int_equal(sg_udp_send(n->udp, address_of(draw % NODES), SG_BYTES_ARRAY(datagram)), 0);
    if (n->sent < SENDS)
        sg_loop_timer_arm(n->timer, 1 + draw % 20);
}

static void build(struct town *t, uint64_t seed, const struct sg_sim_network *network)
{
    *t = (struct town){0};
    assert_int_equal(sg_sim_new(&t->sim, seed, 1000000), 0);
    sg_sim_set_network(t->sim, network);
    for (size_t i = 0; i < NODES; i++) {
        struct node *n = &t->nodes[i];
        n->town = t;
        assert_int_equal(sg_sim_loop(t->sim, &n->loop), 0);
        assert_int_equal(sg_udp_new(&n->udp, n->loop, address_of(i), 0, on_datagram, n), 0);
        assert_int_equal(sg_loop_timer_new(&n->timer, n->loop, on_timer, n), 0);
        sg_loop_timer_arm(n->timer, 0);
    }
}

static void demolish(struct town *t)
{
    for (size_t i = 0; i < NODES; i++) {
        sg_loop_timer_free(t->nodes[i].timer);
        sg_udp_free(t->nodes[i].udp);
        sg_loop_free(t->nodes[i].loop);
    }
    sg_sim_free(t->sim);
}

struct sums {
    unsigned sent, received, late;
    uint64_t history;
};

static struct sums live(uint64_t seed, const struct sg_sim_network *network)
{
    struct town t;
    struct sums s = {0};
    build(&t, seed, network);
    assert_int_equal(sg_sim_run(t.sim, INT64_MAX), 0);
    for (size_t i = 0; i < NODES; i++) {
        s.sent += t.nodes[i].sent;
        s.received += t.nodes[i].received;
        s.late += t.nodes[i].late;
    }
    s.history = sg_sim_history(t.sim);
    demolish(&t);
    return s;
}

static const struct sg_sim_network bad = {
    .loss = 0.1, .duplicate = 0.05, .reorder = 0.1, .delay_min_ms = 5, .delay_max_ms = 60};

static void same_seed_same_history(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct sums a = live(seed, &bad), b = live(seed, &bad), c = live(seed + 100, &bad);
        assert_true(a.history == b.history);
        assert_int_equal(a.received, b.received);
        assert_true(a.history != c.history);
    }
}

static void the_network_is_as_bad_as_told(void **state)
{
    (void)state;
    struct sums good = live(1, &(struct sg_sim_network){.delay_min_ms = 1, .delay_max_ms = 50});
    assert_int_equal(good.received, NODES * SENDS);
    assert_int_equal(good.late, 0); /* random delays alone keep the order */
    struct sums lossy = live(1, &(struct sg_sim_network){.loss = 0.3});
    assert_in_range(lossy.received, 600, 800);
    struct sums doubled = live(1, &(struct sg_sim_network){.duplicate = 0.3});
    assert_in_range(doubled.received, 1200, 1400);
    struct sums mixed =
        live(1, &(struct sg_sim_network){.reorder = 0.3, .delay_min_ms = 1, .delay_max_ms = 90});
    assert_int_equal(mixed.received, NODES * SENDS);
    assert_true(mixed.late > 10);
    struct sums dead = live(1, &(struct sg_sim_network){.loss = 1});
    assert_int_equal(dead.received, 0);
}

static void time_is_virtual(void **state)
{
    (void)state;
    struct town t;
    build(&t, 3, &bad);
    assert_int_equal(sg_loop_now_ms(t.nodes[0].loop), 0);
    assert_int_equal(sg_loop_unix_s(t.nodes[0].loop), 1000000);
    assert_int_equal(sg_sim_run(t.sim, 50), 0);
    assert_int_equal(sg_loop_now_ms(t.nodes[0].loop), 50);
    assert_true(t.nodes[0].sent > 0 && t.nodes[0].sent < SENDS);
    assert_int_equal(sg_sim_run(t.sim, INT64_MAX), 0);
    int64_t end = sg_loop_now_ms(t.nodes[0].loop);
    for (size_t i = 0; i < NODES; i++)
        assert_true(t.nodes[i].last_ms <= end);
    assert_int_equal(sg_sim_run(t.sim, 30ll * 86400 * 1000), 0); /* a month of nothing */
    assert_int_equal(sg_loop_unix_s(t.nodes[0].loop), 1000000 + (end + 30ll * 86400 * 1000) / 1000);
    demolish(&t);
}

/* A node that dies with datagrams on their way to it, and its successor at the same address. */
static void nodes_die_and_return(void **state)
{
    (void)state;
    struct town t;
    build(&t, 4, &bad);
    struct node *n = &t.nodes[0];
    assert_int_equal(sg_sim_run(t.sim, 300), 0);
    struct sg_udp *twin = NULL;
    assert_int_equal(sg_udp_new(&twin, n->loop, address_of(0), 0, on_datagram, n), -EADDRINUSE);
    sg_udp_free(TAKE_PTR(n->udp));
    sg_loop_timer_disarm(n->timer);
    unsigned before = n->received;
    assert_int_equal(sg_sim_run(t.sim, 300), 0);
    assert_int_equal(n->received, before);
    assert_int_equal(sg_udp_new(&n->udp, n->loop, address_of(0), 0, on_datagram, n), 0);
    assert_int_equal(sg_sim_run(t.sim, INT64_MAX), 0);
    assert_true(n->received > before);
    demolish(&t);
}

static void count_one(void *user)
{
    ++*(int *)user;
}

static void stop_here(void *user)
{
    sg_loop_stop(user);
}

static void posts_and_stops(void **state)
{
    (void)state;
    SG_CLEANUP(sg_sim_freep) struct sg_sim *s = NULL;
    struct sg_loop *a = NULL, *b = NULL;
    struct sg_loop_io *io = NULL;
    int ran_a = 0, ran_b = 0;
    assert_int_equal(sg_sim_new(&s, 1, 0), 0);
    assert_int_equal(sg_sim_loop(s, &a), 0);
    assert_int_equal(sg_sim_loop(s, &b), 0);
    assert_true(sg_loop_io_new(&io, a, 0, SG_LOOP_IN, NULL, NULL) < 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(sg_loop_post(i % 2 ? a : b, count_one, i % 2 ? &ran_a : &ran_b), 0);
    sg_loop_free(b); /* what was posted to it is dropped */
    assert_int_equal(sg_loop_run(a), 0);
    assert_int_equal(ran_a, 50);
    assert_int_equal(ran_b, 0);
    assert_int_equal(sg_loop_post(a, stop_here, a), 0);
    assert_int_equal(sg_loop_post(a, count_one, &ran_a), 0);
    assert_int_equal(sg_loop_run(a), 0);
    assert_int_equal(ran_a, 50);
    assert_int_equal(sg_loop_run(a), 0);
    assert_int_equal(ran_a, 51);
    sg_loop_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_history), cmocka_unit_test(the_network_is_as_bad_as_told),
        cmocka_unit_test(time_is_virtual),        cmocka_unit_test(nodes_die_and_return),
        cmocka_unit_test(posts_and_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
