/*
 * identity: certificates of a CA in this program, with lives of any length, in the place of casd;
 * real handshakes over socket pairs show which certificate counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include <pthread.h>
#include <sys/socket.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/log.h>

#include "identity-int.h"

#define PATIENCE_MS 5000
#define URI         "spiffe://sealgrid/alpha"

struct fixture {
    struct sg_key *ca_key;
    struct sg_cert *ca;
    int64_t now_s, life_from_s, life_until_s; /* of the next certificate */
    int answer;                               /* of the next fetch */
    unsigned asked;
};

static int issue(void *user, struct sg_cas_grant *ret)
{
    struct fixture *f = user;
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(8192);
    const struct sg_cert_request q = {.common_name = "alpha",
                                      .uri = URI,
                                      .not_before_s = f->life_from_s,
                                      .not_after_s = f->life_until_s,
                                      .path_len = -1,
                                      .server = true,
                                      .client = true};
    f->asked++;
    if (f->answer != 0)
        return f->answer < 0 ? sg_raise(f->answer) : f->answer;
    assert_int_equal(sg_key_generate(&ret->key, SG_KEY_P256), 0);
    assert_int_equal(sg_cert_issue(&ret->cert, &q, ret->key, f->ca, f->ca_key), 0);
    assert_int_equal(sg_cert_der(f->ca, &der), 0);
    assert_int_equal(sg_cert_load(&ret->root, sg_buf_bytes(&der)), 0);
    ret->expires_s = f->life_until_s;
    return 0;
}

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.now_s = sg_clock_unix_s()};
    const struct sg_cert_request q = {.common_name = "CA",
                                      .not_before_s = f.now_s - 7200,
                                      .not_after_s = f.now_s + 7200,
                                      .ca = true};
    assert_int_equal(sg_key_generate(&f.ca_key, SG_KEY_P256), 0);
    assert_int_equal(sg_cert_issue(&f.ca, &q, f.ca_key, NULL, f.ca_key), 0);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    sg_cert_free(f->ca);
    sg_key_free(f->ca_key);
    return 0;
}

/* An identity whose certificate lives from now + from_s until now + until_s. */
static struct sg_cas_identity *identity(struct fixture *f, int64_t from_s, int64_t until_s)
{
    SG_CLEANUP(sg_cas_grant_clear) struct sg_cas_grant g = {0};
    struct sg_cas_identity *i = NULL;
    f->life_from_s = f->now_s + from_s;
    f->life_until_s = f->now_s + until_s;
    assert_int_equal(issue(f, &g), 0);
    assert_int_equal(sg_cas_identity_make(&i, issue, f, &g, SG_TLS_PEER_REQUIRED), 0);
    f->asked = 0;
    f->life_from_s = f->now_s - 60; /* of what is fetched from now on */
    f->life_until_s = f->now_s + 3600;
    return i;
}

/* ---- two ends ---- */

struct ends {
    struct sg_tls *server, *client;
    struct sg_tls_ctx *server_ctx;
    int server_fd, server_r;
    pthread_t thread;
};

static void *accept_one(void *user)
{
    struct ends *e = user;
    e->server_r = sg_tls_accept(&e->server, e->server_ctx, e->server_fd, PATIENCE_MS);
    return NULL;
}

/* The client's outcome; both streams on success. */
static int meet(struct ends *e, struct sg_tls_ctx *server, struct sg_tls_ctx *client)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    *e = (struct ends){.server_ctx = server, .server_fd = fds[0]};
    assert_int_equal(pthread_create(&e->thread, NULL, accept_one, e), 0);
    int r = sg_tls_connect(&e->client, client, fds[1], URI, NULL, PATIENCE_MS);
    if (r != 0)
        close(fds[1]);
    pthread_join(e->thread, NULL);
    if (e->server_r != 0)
        close(fds[0]);
    return r;
}

static void part(struct ends *e)
{
    sg_tls_free(e->client);
    sg_tls_free(e->server);
}

static void assert_they_talk(struct ends *e)
{
    char got[8];
    size_t n = 0;
    assert_int_equal(sg_tls_write(e->client, SG_BYTES_LIT("hello"), PATIENCE_MS), 0);
    assert_int_equal(sg_tls_read(e->server, got, sizeof got, PATIENCE_MS, &n), 0);
    assert_int_equal(n, 5);
    assert_memory_equal(got, "hello", 5);
}

static int64_t expiry(const struct sg_tls *t)
{
    int64_t from_s, until_s;
    sg_cert_validity(sg_tls_peer_cert(t), &from_s, &until_s);
    return until_s;
}

/* ---- when ---- */

static void test_nothing_happens_before_two_thirds_of_the_life(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_cas_identity_freep) struct sg_cas_identity *i = identity(f, 0, 300);
    sg_cas_identity_tick(i, f->now_s + 199);
    assert_int_equal(f->asked, 0);
    assert_int_equal(sg_cas_identity_generation(i), 0);
    sg_cas_identity_tick(i, f->now_s + 200);
    assert_int_equal(f->asked, 1);
    assert_int_equal(sg_cas_identity_generation(i), 1);
    sg_cas_identity_tick(i, f->now_s + 200); /* the new one lives longer */
    assert_int_equal(f->asked, 1);
}

static void test_a_casd_that_is_away_is_asked_again(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_cas_identity_freep) struct sg_cas_identity *i = identity(f, -60, 300);
    struct ends e;
    int64_t due_s = f->now_s + 180;
    f->answer = -ECONNREFUSED;
    sg_cas_identity_tick(i, due_s);
    sg_cas_identity_tick(i, due_s + SG_CAS_RENEW_AGAIN_S - 1);
    assert_int_equal(f->asked, 1);
    f->answer = SG_CAS_REFUSED; /* no reason to give up what is still good */
    sg_cas_identity_tick(i, due_s + SG_CAS_RENEW_AGAIN_S);
    assert_int_equal(f->asked, 2);
    assert_int_equal(sg_cas_identity_generation(i), 0);
    assert_int_equal(meet(&e, sg_cas_identity_server(i), sg_cas_identity_client(i)), 0);
    assert_int_equal(expiry(e.client), f->now_s + 300);
    part(&e);
    f->answer = 0;
    sg_cas_identity_tick(i, due_s + 2 * SG_CAS_RENEW_AGAIN_S);
    assert_int_equal(sg_cas_identity_generation(i), 1);
}

/* ---- what ---- */

static void test_streams_go_on_and_the_next_ones_have_the_new_certificate(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_cas_identity_freep) struct sg_cas_identity *i = identity(f, -60, 300);
    struct sg_tls_ctx *server = sg_cas_identity_server(i), *client = sg_cas_identity_client(i);
    struct ends before, after;
    assert_int_equal(meet(&before, server, client), 0);
    sg_cas_identity_tick(i, f->now_s + 250);
    assert_ptr_equal(sg_cas_identity_server(i), server);
    assert_ptr_equal(sg_cas_identity_client(i), client);
    assert_they_talk(&before);
    assert_int_equal(meet(&after, server, client), 0);
    assert_they_talk(&after);
    assert_int_equal(expiry(before.client), f->now_s + 300);
    assert_int_equal(expiry(after.client), f->now_s + 3600); /* the server's */
    assert_int_equal(expiry(after.server), f->now_s + 3600); /* the client's */
    part(&before);
    part(&after);
}

/* Both sides judge: without renewal nobody gets in any more. */
static void test_an_expired_identity_is_let_in_only_once_renewed(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_cas_identity_freep) struct sg_cas_identity *old = identity(f, -300, -1);
    SG_CLEANUP(sg_cas_identity_freep) struct sg_cas_identity *good = identity(f, -60, 300);
    struct ends e;
    assert_int_equal(meet(&e, sg_cas_identity_server(old), sg_cas_identity_client(good)),
                     SG_TLS_REFUSED);
    part(&e);
    (void)meet(&e, sg_cas_identity_server(good), sg_cas_identity_client(old));
    assert_int_equal(e.server_r, SG_TLS_REFUSED);
    part(&e);
    sg_cas_identity_tick(old, f->now_s);
    assert_int_equal(meet(&e, sg_cas_identity_server(old), sg_cas_identity_client(good)), 0);
    part(&e);
    assert_int_equal(meet(&e, sg_cas_identity_server(good), sg_cas_identity_client(old)), 0);
    assert_int_equal(e.server_r, 0);
    assert_they_talk(&e);
    part(&e);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_happens_before_two_thirds_of_the_life),
        TEST(test_a_casd_that_is_away_is_asked_again),
        TEST(test_streams_go_on_and_the_next_ones_have_the_new_certificate),
        TEST(test_an_expired_identity_is_let_in_only_once_renewed),
    };
    sg_log_init("test_identity", SG_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
