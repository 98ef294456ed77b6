#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the four above first */
#include "heap-int.h"
#include <cmocka.h>
#include <pthread.h>
#include <sealgrid/base/random.h>
#include <sealgrid/net/loop.h>
#include <stdio.h>
#include <sys/socket.h>

/* ---- heap ---- */

static void heap_gives_the_earliest_first(void **state)
{
    (void)state;
    enum { N = 500 };
    static struct sg_heap_node nodes[N];
    struct sg_heap h = {0};
    struct sg_prng p;
    sg_prng_seed(&p, 7);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(sg_heap_reserve(&h), 0);
    for (size_t round = 0; round < 5 * N; round++) {
        struct sg_heap_node *n = &nodes[sg_prng_below(&p, N)];
        if (sg_prng_below(&p, 3))
            sg_heap_set(&h, n, (int64_t)sg_prng_below(&p, 50));
        else
            sg_heap_remove(&h, n);
    }
    int64_t last_at = -1;
    uint64_t last_order = 0;
    size_t left = h.n;
    assert_true(left > 100);
    struct sg_heap_node *first;
    while ((first = sg_heap_first(&h))) {
        assert_true(first->at_ms > last_at ||
                    (first->at_ms == last_at && first->order > last_order));
        last_at = first->at_ms;
        last_order = first->order;
        sg_heap_remove(&h, first);
        left--;
    }
    assert_int_equal(left, 0);
    sg_heap_clear(&h);
}

/* ---- timers and posts ---- */

struct ticker {
    struct sg_loop *loop;
    struct sg_loop_timer *timers[4];
    char log[32];
    size_t n;
};

static void tick(struct ticker *t, char what)
{
    t->log[t->n++] = what;
}

static void on_a(void *user)
{
    struct ticker *t = user;
    tick(t, 'a');
    sg_loop_timer_disarm(t->timers[2]);
    sg_loop_timer_free(TAKE_PTR(t->timers[0])); /* its own handle */
}

static void on_b(void *user)
{
    tick(user, 'b');
}

static void on_c(void *user)
{
    tick(user, 'c');
}

static void on_d(void *user)
{
    struct ticker *t = user;
    tick(t, 'd');
    if (t->n < 6)
        sg_loop_timer_arm(t->timers[3], 0);
    else
        sg_loop_stop(t->loop);
}

static void timers_fire_in_order(void **state)
{
    (void)state;
    struct ticker t = {0};
    static void (*const fns[4])(void *) = {on_a, on_b, on_c, on_d};
    assert_int_equal(sg_loop_new(&t.loop), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(sg_loop_timer_new(&t.timers[i], t.loop, fns[i], &t), 0);
    sg_loop_timer_arm(t.timers[3], 9);
    sg_loop_timer_arm(t.timers[2], 5);
    sg_loop_timer_arm(t.timers[1], 20);
    sg_loop_timer_arm(t.timers[1], 3); /* moved forward */
    sg_loop_timer_arm(t.timers[0], 1);
    assert_int_equal(sg_loop_run(t.loop), 0);
    assert_string_equal(t.log, "abdddd");
    for (size_t i = 0; i < 4; i++)
        sg_loop_timer_free(t.timers[i]);
    sg_loop_free(t.loop);
}

struct posts {
    struct sg_loop *loop;
    int next;
    bool in_order;
};

struct numbered {
    struct posts *posts;
    int number;
};

static void on_post(void *user)
{
    struct numbered *n = user;
    n->posts->in_order &= n->number == n->posts->next++;
    if (n->number == 99)
        sg_loop_stop(n->posts->loop);
}

static struct numbered numbered[100];

static void *post_all(void *user)
{
    for (int i = 0; i < 100; i++) {
        numbered[i] = (struct numbered){user, i};
        assert_int_equal(sg_loop_post(((struct posts *)user)->loop, on_post, &numbered[i]), 0);
    }
    return NULL;
}

static void posts_come_from_other_threads(void **state)
{
    (void)state;
    struct posts p = {.in_order = true};
    pthread_t thread;
    assert_int_equal(sg_loop_new(&p.loop), 0);
    pthread_create(&thread, NULL, post_all, &p);
    assert_int_equal(sg_loop_run(p.loop), 0);
    pthread_join(thread, NULL);
    assert_int_equal(p.next, 100);
    assert_true(p.in_order);
    sg_loop_free(p.loop);
}

/* ---- readiness ---- */

struct two {
    struct sg_loop *loop;
    struct sg_loop_io *ios[2];
    int fds[2];
    int calls;
};

/* Both are ready at once; the first called frees both. */
static void on_ready(void *user, unsigned ready)
{
    struct two *t = user;
    assert_int_equal(ready, SG_LOOP_IN);
    t->calls++;
    sg_loop_io_free(TAKE_PTR(t->ios[0]));
    sg_loop_io_free(TAKE_PTR(t->ios[1]));
    sg_loop_stop(t->loop);
}

static void a_freed_handle_is_never_called(void **state)
{
    (void)state;
    struct two t = {0};
    assert_int_equal(sg_loop_new(&t.loop), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, t.fds), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(sg_loop_io_new(&t.ios[i], t.loop, t.fds[i], SG_LOOP_IN, on_ready, &t), 0);
    assert_int_equal(send(t.fds[0], "x", 1, 0), 1);
    assert_int_equal(send(t.fds[1], "x", 1, 0), 1);
    assert_int_equal(sg_loop_run(t.loop), 0);
    assert_int_equal(t.calls, 1);
    close(t.fds[0]);
    close(t.fds[1]);
    sg_loop_free(t.loop);
}

static void on_writable(void *user, unsigned ready)
{
    struct two *t = user;
    t->calls += ready == SG_LOOP_OUT;
    assert_int_equal(sg_loop_io_want(t->ios[0], 0), 0);
    sg_loop_stop(t->loop);
}

static void stop_loop(void *user)
{
    sg_loop_stop(user);
}

static void wants_change(void **state)
{
    (void)state;
    struct two t = {0};
    assert_int_equal(sg_loop_new(&t.loop), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, t.fds), 0);
    assert_int_equal(sg_loop_io_new(&t.ios[0], t.loop, t.fds[0], SG_LOOP_IN, on_writable, &t), 0);
    assert_int_equal(sg_loop_io_want(t.ios[0], SG_LOOP_OUT), 0);
    assert_int_equal(sg_loop_run(t.loop), 0);
    assert_int_equal(t.calls, 1);
    /* Wanting nothing, it does not even hear of a hang-up. */
    struct sg_loop_timer *timer = NULL;
    close(t.fds[1]);
    assert_int_equal(sg_loop_timer_new(&timer, t.loop, stop_loop, t.loop), 0);
    sg_loop_timer_arm(timer, 2);
    assert_int_equal(sg_loop_run(t.loop), 0);
    assert_int_equal(t.calls, 1);
    assert_int_equal(sg_loop_io_want(t.ios[0], SG_LOOP_OUT), 0);
    assert_int_equal(sg_loop_run(t.loop), 0);
    assert_int_equal(t.calls, 2);
    sg_loop_timer_free(timer);
    sg_loop_io_free(t.ios[0]);
    close(t.fds[0]);
    sg_loop_free(t.loop);
}

/* ---- addresses and datagrams ---- */

static void addresses(void **state)
{
    (void)state;
    struct sg_addr a;
    char text[SG_ADDR_TEXT_MAX];
    assert_int_equal(sg_addr_parse("192.168.255.10:65535", &a), 0);
    sg_addr_text(text, a);
    assert_string_equal(text, "192.168.255.10:65535");
    static const char *const bad[] = {
        "",           "1.2.3.4",    "1.2.3.4:",    "1.2.3:4",     "1.2.3.4:x",  "1.2.3.4:65536",
        "1.2.3.4:-1", "1.2.3.4: 1", "1.2.3.256:1", "localhost:1", "1.2.3.4:1 ", "1.2.3.4:000001"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_true(sg_addr_parse(bad[i], &a) < 0);
    assert_int_equal(a.port, 65535);
}

#define SENT 200

struct talk {
    struct sg_loop *loop;
    struct sg_udp *near, *far;
    int echoed;
    bool whole;
};

static void on_far(void *user, struct sg_addr from, struct sg_bytes datagram)
{
    struct talk *t = user;
    assert_int_equal(sg_udp_send(t->far, from, datagram), 0);
}

static void on_near(void *user, struct sg_addr from, struct sg_bytes datagram)
{
    struct talk *t = user;
    (void)from;
    t->whole &= datagram.len == 65000 || datagram.len < SENT;
    if (++t->echoed == SENT) {
        sg_udp_free(TAKE_PTR(t->near)); /* its own handle */
        sg_loop_stop(t->loop);
        return;
    }
    static uint8_t data[SENT];
    size_t len = (size_t)t->echoed % SENT;
    assert_int_equal(sg_udp_send(t->near, sg_udp_local(t->far), SG_BYTES(data, len)), 0);
}

static void datagrams_there_and_back(void **state)
{
    (void)state;
    struct talk t = {.whole = true};
    struct sg_addr any = {{127, 0, 0, 1}, 0};
    static uint8_t large[65001];
    assert_int_equal(sg_loop_new(&t.loop), 0);
    assert_int_equal(sg_udp_new(&t.near, t.loop, any, 1u << 20, on_near, &t), 0);
    assert_int_equal(sg_udp_new(&t.far, t.loop, any, 0, on_far, &t), 0);
    assert_true(sg_udp_local(t.near).port != sg_udp_local(t.far).port);
    assert_true(sg_udp_send(t.near, sg_udp_local(t.far), SG_BYTES(large, 65001)) < 0);
    assert_int_equal(sg_udp_send(t.near, sg_udp_local(t.far), SG_BYTES(large, 65000)), 0);
    assert_int_equal(sg_loop_run(t.loop), 0);
    assert_int_equal(t.echoed, SENT);
    assert_true(t.whole);
    struct sg_udp *twin = NULL;
    assert_true(sg_udp_new(&twin, t.loop, sg_udp_local(t.far), 0, on_far, &t) < 0);
    assert_null(twin);
    sg_udp_free(t.far);
    sg_loop_free(t.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heap_gives_the_earliest_first),
        cmocka_unit_test(timers_fire_in_order),
        cmocka_unit_test(posts_come_from_other_threads),
        cmocka_unit_test(a_freed_handle_is_never_called),
        cmocka_unit_test(wants_change),
        cmocka_unit_test(addresses),
        cmocka_unit_test(datagrams_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
