/* The uplink between two authenticators that come and go, over real TLS on loopback. */
#include "uplink.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/crypto/x509.h>
#include <sealgrid/meter/agg-link.h>
#include <sealgrid/net/tls.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#define T0      INT64_C(1700000000)
#define WAIT_MS 5000
#define BACK_MS 40

/* An authenticator that is done with every frame at once, or never. */
struct fake {
    struct world *w;
    char address[32];
    int listen_fd, wake;
    pthread_t thread;
    bool running;
    _Atomic bool stop, mute;
    _Atomic unsigned connections, connected, frames;
    struct sg_agg_link *link;
};

struct world {
    char dir[64];
    struct sg_key *ca_key, *key;
    struct sg_cert *ca, *cert[2];
    struct sg_tls_ctx *tls[2]; /* client, server */
    struct fake fakes[2];
    struct agg_backlog *backlog;
    struct agg_uplink *uplink;
    char *addresses[2];
    struct sg_conf_list list;
    uint64_t next_seq;
};

/* ---- authenticators ---- */

static int on_message(void *user, const struct sg_agg_message *m)
{
    struct fake *f = user;
    struct sg_agg_message done = {.type = SG_AGG_DONE, .number = m->number};
    f->frames++;
    return f->mute ? 0 : sg_agg_link_put(f->link, &done);
}

static void serve_one(struct fake *f)
{
    struct sg_tls *tls = NULL;
    int fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0 || sg_tls_accept(&tls, f->w->tls[1], fd, 2000))
        return;
    assert_int_equal(sg_agg_link_new(&f->link, tls, 1 << 20), 0);
    f->connections++;
    f->connected = 1;
    int r = 0;
    while (r == 0 && !f->stop)
        r = sg_agg_link_pump(f->link, f->wake, 5, true, on_message, f);
    f->connected = 0;
    sg_agg_link_free(TAKE_PTR(f->link));
}

static void *fake_main(void *arg)
{
    struct fake *f = arg;
    while (!f->stop) {
        struct pollfd p = {.fd = f->listen_fd, .events = POLLIN};
        if (poll(&p, 1, 5) > 0)
            serve_one(f);
    }
    return NULL;
}

static void start_fake(struct fake *f)
{
    uint16_t port;
    const char *at = *f->address ? f->address : "127.0.0.1:0";
    assert_int_equal(sg_tcp_listen(at, &f->listen_fd, &port), 0);
    if (!*f->address) /* the uplink may be reading it */
        snprintf(f->address, sizeof f->address, "127.0.0.1:%u", port);
    f->stop = false;
    f->running = true;
    assert_int_equal(pthread_create(&f->thread, NULL, fake_main, f), 0);
}

static void stop_fake(struct fake *f)
{
    if (!f->running)
        return;
    f->stop = true;
    pthread_join(f->thread, NULL);
    f->running = false;
    close(f->listen_fd);
}

/* ---- the aggregator's side ---- */

static int dial(void *user, const char *address, struct sg_tls **ret)
{
    struct world *w = user;
    int fd;
    int r = sg_tcp_connect(address, 500, &fd);
    return r ? r : sg_tls_connect(ret, w->tls[0], fd, "spiffe://sealgrid/authd", NULL, 500);
}

static void down(void *user, uint64_t handle, struct sg_bytes frame)
{
    (void)user;
    (void)handle;
    (void)frame;
}

static uint64_t handle_of(void *user, struct sg_addr addr)
{
    (void)user;
    (void)addr;
    return 1;
}

static void add_frames(struct world *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint8_t d[SG_FRAME_UPLINK_HEADER + 32] = {SG_FRAME_VERSION, SG_FRAME_UPLINK, 7};
        struct sg_frame f;
        sg_store_be64(d + 10, ++w->next_seq);
        sg_store_be64(d + sizeof d - 8, w->next_seq);
        assert_int_equal(sg_frame_decode(SG_BYTES_ARRAY(d), &f), 0);
        assert_int_equal(agg_backlog_add(w->backlog, 1, (struct sg_addr){.port = 9}, &f, false), 0);
    }
    agg_uplink_kick(w->uplink);
}

static bool within(bool (*holds)(struct world *w), struct world *w)
{
    const struct timespec moment = {.tv_nsec = 2000000};
    int64_t until = sg_clock_monotonic_ns() + WAIT_MS * INT64_C(1000000);
    while (!holds(w) && sg_clock_monotonic_ns() < until)
        nanosleep(&moment, NULL);
    return holds(w);
}

static bool with_first(struct world *w)
{
    return w->fakes[0].connected && !w->fakes[1].connected && agg_uplink_is_up(w->uplink);
}
static bool with_second(struct world *w)
{
    return w->fakes[1].connected && !w->fakes[0].connected && agg_uplink_is_up(w->uplink);
}
static bool nothing_waits(struct world *w)
{
    return agg_backlog_status(w->backlog).frames == 0;
}

/* ---- life ---- */

static void make_tls(struct world *w, bool server)
{
    struct sg_cert_request req = {.common_name = "side",
                                  .uri =
                                      server ? "spiffe://sealgrid/authd" : "spiffe://sealgrid/aggd",
                                  .not_before_s = T0,
                                  .not_after_s = T0 + 1000000000,
                                  .server = server,
                                  .client = !server};
    assert_int_equal(sg_cert_issue(&w->cert[server], &req, w->key, w->ca, w->ca_key), 0);
    struct sg_tls_identity id = {
        .cert = w->cert[server], .key = w->key, .roots = &w->ca, .n_roots = 1};
    assert_int_equal(sg_tls_ctx_new(&w->tls[server], &id, server, SG_TLS_PEER_REQUIRED), 0);
}

static void start_uplink(struct world *w)
{
    struct agg_backlog_options b = {.dir = w->dir,
                                    .memory_max = 1 << 20,
                                    .disk_max = 1 << 20,
                                    .segment_bytes = 1 << 16,
                                    .frames_max = 1000};
    struct agg_uplink_options o = {.authenticators = &w->list,
                                   .window_frames = 16,
                                   .back_ms = BACK_MS,
                                   .down = down,
                                   .user = w,
                                   .dial = dial};
    assert_int_equal(agg_backlog_open(&w->backlog, &b, handle_of, w), 0);
    o.backlog = w->backlog;
    assert_int_equal(agg_uplink_start(&w->uplink, &o), 0);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct sg_cert_request ca = {.common_name = "ca",
                                 .not_before_s = T0,
                                 .not_after_s = T0 + 1000000000,
                                 .ca = true,
                                 .path_len = -1};
    assert_non_null(w);
    strcpy(w->dir, "/tmp/sealgrid-test-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    assert_int_equal(sg_key_generate(&w->ca_key, SG_KEY_P256), 0);
    assert_int_equal(sg_key_generate(&w->key, SG_KEY_P256), 0);
    assert_int_equal(sg_cert_issue(&w->ca, &ca, w->ca_key, NULL, w->ca_key), 0);
    make_tls(w, false);
    make_tls(w, true);
    for (size_t i = 0; i < 2; i++) {
        w->fakes[i].w = w;
        w->fakes[i].wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        start_fake(&w->fakes[i]);
        w->addresses[i] = w->fakes[i].address;
    }
    w->list = (struct sg_conf_list){.items = w->addresses, .n = 2};
    start_uplink(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    agg_uplink_stop(w->uplink);
    agg_backlog_free(w->backlog);
    for (size_t i = 0; i < 2; i++) {
        stop_fake(&w->fakes[i]);
        close(w->fakes[i].wake);
        sg_tls_ctx_free(w->tls[i]);
        sg_cert_free(w->cert[i]);
    }
    sg_cert_free(w->ca);
    sg_key_free(w->ca_key);
    sg_key_free(w->key);
    assert_int_equal(sg_remove_tree(w->dir), 0);
    free(w);
    return 0;
}

/* ---- tests ---- */

static void test_back_to_the_first_when_it_returns(void **state)
{
    struct world *w = *state;
    assert_true(within(with_first, w));
    add_frames(w, 10);
    assert_true(within(nothing_waits, w));
    assert_int_equal(w->fakes[0].frames, 10);
    stop_fake(&w->fakes[0]);
    assert_true(within(with_second, w));
    add_frames(w, 10);
    assert_true(within(nothing_waits, w));
    assert_int_equal(w->fakes[1].frames, 10);
    start_fake(&w->fakes[0]);
    assert_true(within(with_first, w));
    add_frames(w, 10);
    assert_true(within(nothing_waits, w));
    assert_int_equal(w->fakes[0].frames, 20);
    assert_int_equal(w->fakes[1].frames, 10);
}

static bool first_has_rest(struct world *w)
{
    return w->fakes[0].frames >= 40;
}

/* Looking for the first one, in vain, disturbs nothing; and what the second does not finish with
 * goes to the first, nothing is lost on the way. */
static void test_stays_with_the_second_while_the_first_is_away(void **state)
{
    struct world *w = *state;
    const struct timespec while_searching = {.tv_nsec = 6 * BACK_MS * 1000000L};
    assert_true(within(with_first, w));
    stop_fake(&w->fakes[0]);
    assert_true(within(with_second, w));
    nanosleep(&while_searching, NULL);
    add_frames(w, 100);
    assert_true(within(nothing_waits, w));
    assert_int_equal(w->fakes[1].frames, 100);
    assert_int_equal(w->fakes[1].connections, 1);
    w->fakes[1].mute = true;
    add_frames(w, 40); /* more than the window */
    start_fake(&w->fakes[0]);
    stop_fake(&w->fakes[1]);
    assert_true(within(with_first, w));
    assert_true(within(first_has_rest, w));
    assert_true(within(nothing_waits, w));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_back_to_the_first_when_it_returns),
        TEST(test_stays_with_the_second_while_the_first_is_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
