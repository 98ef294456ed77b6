/* The pump of an aggregator connection, over real TLS on loopback. */
#include <poll.h>
#include <pthread.h>
#include <sealgrid/crypto/x509.h>
#include <sealgrid/meter/agg-link.h>
#include <sealgrid/net/tls.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#define T0      INT64_C(1700000000)
#define OUT_MAX (1u << 20)

struct side {
    struct sg_key *key;
    struct sg_cert *cert;
    struct sg_tls_ctx *tls;
    struct sg_agg_link *link;
    size_t heard;
    uint64_t next;
};

struct pair {
    struct sg_key *ca_key;
    struct sg_cert *ca;
    struct side client, server;
    int listen_fd;
    struct sg_tls *accepted;
};

static void make_side(struct pair *p, struct side *s, const char *uri, bool server)
{
    struct sg_cert_request req = {.common_name = "side",
                                  .uri = uri,
                                  .not_before_s = T0,
                                  .not_after_s = T0 + 1000000000,
                                  .server = server,
                                  .client = !server};
    assert_int_equal(sg_key_generate(&s->key, SG_KEY_P256), 0);
    assert_int_equal(sg_cert_issue(&s->cert, &req, s->key, p->ca, p->ca_key), 0);
    struct sg_tls_identity id = {.cert = s->cert, .key = s->key, .roots = &p->ca, .n_roots = 1};
    assert_int_equal(sg_tls_ctx_new(&s->tls, &id, server, SG_TLS_PEER_REQUIRED), 0);
}

static void *accept_main(void *arg)
{
    struct pair *p = arg;
    struct pollfd ready = {.fd = p->listen_fd, .events = POLLIN}; /* it does not block by itself */
    (void)poll(&ready, 1, 5000);
    int fd = accept(p->listen_fd, NULL, NULL);
    if (sg_tls_accept(&p->accepted, p->server.tls, fd, 5000))
        p->accepted = NULL;
    return NULL;
}

static int setup(void **state)
{
    struct pair *p = calloc(1, sizeof *p);
    struct sg_cert_request ca = {.common_name = "ca",
                                 .not_before_s = T0,
                                 .not_after_s = T0 + 1000000000,
                                 .ca = true,
                                 .path_len = -1};
    struct sg_tls *tls;
    pthread_t t;
    uint16_t port;
    char to[32];
    int fd;
    assert_non_null(p);
    assert_int_equal(sg_key_generate(&p->ca_key, SG_KEY_P256), 0);
    assert_int_equal(sg_cert_issue(&p->ca, &ca, p->ca_key, NULL, p->ca_key), 0);
    make_side(p, &p->client, "spiffe://sealgrid/aggd", false);
    make_side(p, &p->server, "spiffe://sealgrid/authd", true);
    assert_int_equal(sg_tcp_listen("127.0.0.1:0", &p->listen_fd, &port), 0);
    assert_int_equal(pthread_create(&t, NULL, accept_main, p), 0);
    snprintf(to, sizeof to, "127.0.0.1:%u", port);
    assert_int_equal(sg_tcp_connect(to, 2000, &fd), 0);
    assert_int_equal(sg_tls_connect(&tls, p->client.tls, fd, "spiffe://sealgrid/authd", NULL, 5000),
                     0);
    pthread_join(t, NULL);
    assert_non_null(p->accepted);
    assert_int_equal(sg_agg_link_new(&p->client.link, tls, OUT_MAX), 0);
    assert_int_equal(sg_agg_link_new(&p->server.link, p->accepted, OUT_MAX), 0);
    *state = p;
    return 0;
}

static void clear_side(struct side *s)
{
    sg_agg_link_free(s->link);
    sg_tls_ctx_free(s->tls);
    sg_cert_free(s->cert);
    sg_key_free(s->key);
}

static int teardown(void **state)
{
    struct pair *p = *state;
    clear_side(&p->client);
    clear_side(&p->server);
    sg_cert_free(p->ca);
    sg_key_free(p->ca_key);
    close(p->listen_fd);
    free(p);
    return 0;
}

/* Frames are numbered by handle; the sizes differ. */
static int hear(void *user, const struct sg_agg_message *m)
{
    struct side *s = user;
    assert_int_equal(m->handle, s->heard);
    assert_int_equal(m->frame.len, 1 + m->handle * 7919 % 40000);
    assert_int_equal(m->frame.data[m->frame.len - 1], (uint8_t)m->handle);
    s->heard++;
    return 0;
}

static void fill(struct side *s, enum sg_agg_type type, size_t until)
{
    static uint8_t frame[40000];
    while (s->next < until && sg_agg_link_room(s->link) > SG_AGG_MESSAGE_MAX) {
        struct sg_agg_message m = {.type = type, .handle = s->next, .number = 1};
        memset(frame, (int)(uint8_t)s->next, sizeof frame);
        m.frame = SG_BYTES(frame, 1 + s->next * 7919 % 40000);
        if (type == SG_AGG_DOWN)
            m.number = 0;
        assert_int_equal(sg_agg_link_put(s->link, &m), 0);
        s->next++;
    }
}

static void test_both_ways_at_full_load_on_one_thread(void **state)
{
    struct pair *p = *state;
    const size_t n = 1000; /* 20 MB each way: far past every buffer between them */
    for (int i = 0; i < 100000 && (p->client.heard < n || p->server.heard < n); i++) {
        fill(&p->client, SG_AGG_UP, n);
        fill(&p->server, SG_AGG_DOWN, n);
        assert_int_equal(sg_agg_link_pump(p->client.link, -1, 0, true, hear, &p->client), 0);
        assert_int_equal(sg_agg_link_pump(p->server.link, -1, 0, true, hear, &p->server), 0);
    }
    assert_int_equal(p->client.heard, n);
    assert_int_equal(p->server.heard, n);
}

static void test_not_reading_is_back_pressure(void **state)
{
    struct pair *p = *state;
    for (int i = 0; i < 2000; i++) {
        fill(&p->client, SG_AGG_UP, 1000);
        assert_int_equal(sg_agg_link_pump(p->client.link, -1, 0, true, hear, &p->client), 0);
        assert_int_equal(sg_agg_link_pump(p->server.link, -1, 0, false, hear, &p->server), 0);
    }
    assert_int_equal(p->server.heard, 0);
    assert_true(p->client.next < 1000); /* held up, and what waits is bounded */
    for (int i = 0; i < 100000 && p->server.heard < 1000; i++) {
        fill(&p->client, SG_AGG_UP, 1000);
        assert_int_equal(sg_agg_link_pump(p->client.link, -1, 0, true, hear, &p->client), 0);
        assert_int_equal(sg_agg_link_pump(p->server.link, -1, 0, true, hear, &p->server), 0);
    }
    assert_int_equal(p->server.heard, 1000);
}

static void test_end_and_rubbish(void **state)
{
    struct pair *p = *state;
    assert_int_equal(
        sg_tls_write(sg_agg_link_tls(p->client.link), SG_BYTES_LIT("GET / HTTP/1.1\r\n\r\n"), 1000),
        0);
    int r = 0;
    for (int i = 0; i < 100 && r == 0; i++)
        r = sg_agg_link_pump(p->server.link, -1, 100, true, hear, &p->server);
    assert_int_equal(r, SG_AGG_LINK_MALFORMED);
    sg_agg_link_free(p->server.link);
    p->server.link = NULL;
    r = 0;
    for (int i = 0; i < 100 && r == 0; i++)
        r = sg_agg_link_pump(p->client.link, -1, 100, true, hear, &p->client);
    assert_int_not_equal(r, 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_both_ways_at_full_load_on_one_thread),
        T(test_not_reading_is_back_pressure),
        T(test_end_and_rubbish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
