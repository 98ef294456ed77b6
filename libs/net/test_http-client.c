/*
 * The client against our own server over TLS, and against scripted peers over plain sockets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the four above first */
#include "test-pki-int.h"
#include "tls-int.h"
#include <openssl/ssl.h>
#include <pthread.h>
#include <sealgrid/net/http.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static struct test_identity ca, other_ca, server_id, client_id, stranger_id;

/* ---- over TLS ---- */

static int serve(void *user, struct sg_http_exchange *x)
{
    (void)user;
    if (strcmp(sg_http_path(x), "/who") == 0)
        return sg_http_reply(x, 200, "text/plain", sg_bytes_str(sg_tls_peer_uri(sg_http_tls(x))));
    if (strcmp(sg_http_path(x), "/missing") == 0)
        return sg_http_reply_error(x, 404, "not_found", "no \"such\" thing");
    if (strcmp(sg_http_method(x), "GET") == 0) {
        uint8_t piece[4096];
        int r = sg_http_reply_begin(x, 200, NULL);
        for (size_t i = 0; r == 0 && i < 500; i++) {
            memset(piece, (int)i, sizeof(piece));
            r = sg_http_reply_write(x, SG_BYTES_ARRAY(piece));
        }
        return r ? r : sg_http_reply_end(x);
    }
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(8u << 20);
    int r = sg_http_read_all(x, 4u << 20, &body);
    return r ? r : sg_http_reply(x, 200, NULL, sg_buf_bytes(&body));
}

struct world {
    struct sg_tls_ctx *server_tls, *client_tls;
    struct sg_http_server *server;
    struct sg_http_client *client;
};

static struct world open_world(enum sg_tls_peer peer, const struct test_identity *client,
                               const char *expect_uri)
{
    struct world w = {test_context(&server_id, &ca, true, peer),
                      test_context(client, &ca, false, SG_TLS_PEER_REQUIRED), NULL, NULL};
    struct sg_http_server_options so = {.listen = "127.0.0.1:0", .tls = w.server_tls, .workers = 2};
    char address[32];
    assert_int_equal(sg_http_server_start(&w.server, &so, serve, NULL), 0);
    snprintf(address, sizeof(address), "127.0.0.1:%u", sg_http_server_port(w.server));
    struct sg_http_client_options co = {
        .connect = address, .tls = w.client_tls, .expect_uri = expect_uri};
    assert_int_equal(sg_http_client_new(&w.client, &co), 0);
    return w;
}

static void close_world(struct world *w)
{
    sg_http_client_free(w->client);
    sg_http_server_free(w->server);
    sg_tls_ctx_free(w->server_tls);
    sg_tls_ctx_free(w->client_tls);
}

static void calls_over_mutual_tls(void **state)
{
    (void)state;
    SG_CLEANUP(close_world)
    struct world w = open_world(SG_TLS_PEER_REQUIRED, &client_id, "spiffe://sealgrid/kvsd");
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(8u << 20);
    int status = 0;
    assert_null(sg_http_client_tls(w.client));
    assert_int_equal(sg_http_call(w.client, "GET", "/who", NULL, 0, SG_BYTES_NONE, &status, &b), 0);
    assert_int_equal(status, 200);
    assert_true(sg_bytes_equal(sg_buf_bytes(&b), SG_BYTES_LIT("spiffe://sealgrid/authd")));
    const struct sg_tls *first = sg_http_client_tls(w.client);
    sg_buf_reset(&b);
    assert_int_equal(sg_http_call(w.client, "GET", "/missing", NULL, 0, SG_BYTES_NONE, &status, &b),
                     0);
    assert_int_equal(status, 404);
    assert_true(sg_bytes_equal(
        sg_buf_bytes(&b),
        SG_BYTES_LIT(
            "{\"error\":{\"code\":\"not_found\",\"message\":\"no \\\"such\\\" thing\"}}")));
    SG_FREE uint8_t *much = malloc(3000000);
    for (size_t i = 0; i < 3000000; i++)
        much[i] = (uint8_t)(i >> 7);
    sg_buf_reset(&b);
    assert_int_equal(
        sg_http_call(w.client, "POST", "/echo", NULL, 0, SG_BYTES(much, 3000000), &status, &b), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&b), SG_BYTES(much, 3000000)));
    assert_ptr_equal(sg_http_client_tls(w.client), first); /* one connection for all */
}

static void streamed_answers(void **state)
{
    (void)state;
    SG_CLEANUP(close_world)
    struct world w = open_world(SG_TLS_PEER_REQUIRED, &client_id, "spiffe://sealgrid/kvsd");
    uint8_t piece[1500];
    size_t at = 0, n = 0;
    int status = 0;
    assert_int_equal(
        sg_http_call_begin(w.client, "GET", "/stream", NULL, 0, SG_BYTES_NONE, &status), 0);
    do {
        assert_int_equal(sg_http_call_read(w.client, piece, sizeof(piece), &n), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(piece[i], (uint8_t)((at + i) / 4096));
        at += n;
    } while (n);
    assert_int_equal(at, 500 * 4096);
    const struct sg_tls *first = sg_http_client_tls(w.client);
    sg_http_call_end(w.client);
    assert_ptr_equal(sg_http_client_tls(w.client), first);
    /* Left midway: the connection goes, the next call makes a new one. */
    assert_int_equal(
        sg_http_call_begin(w.client, "GET", "/stream", NULL, 0, SG_BYTES_NONE, &status), 0);
    assert_int_equal(sg_http_call_read(w.client, piece, sizeof(piece), &n), 0);
    sg_http_call_end(w.client);
    assert_null(sg_http_client_tls(w.client));
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(100);
    assert_int_equal(sg_http_call(w.client, "GET", "/who", NULL, 0, SG_BYTES_NONE, &status, &b), 0);
    assert_int_equal(sg_http_call(w.client, "GET", "/stream", NULL, 0, SG_BYTES_NONE, &status, &b),
                     SG_HTTP_TOO_LARGE);
    assert_int_equal(b.len, strlen("spiffe://sealgrid/authd")); /* untouched */
}

static void wrong_servers_and_clients(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(100);
    int status = 0;
    struct world w = open_world(SG_TLS_PEER_REQUIRED, &client_id, "spiffe://sealgrid/casd");
    assert_int_equal(sg_http_call(w.client, "GET", "/who", NULL, 0, SG_BYTES_NONE, &status, &b),
                     -EACCES);
    close_world(&w);
    w = open_world(SG_TLS_PEER_REQUIRED, &stranger_id, "spiffe://sealgrid/kvsd");
    int r = sg_http_call(w.client, "GET", "/who", NULL, 0, SG_BYTES_NONE, &status, &b);
    assert_true(r == -EACCES || r == SG_HTTP_PEER_GONE);
    close_world(&w);
    w = open_world(SG_TLS_PEER_OPTIONAL, NULL, "spiffe://sealgrid/kvsd");
    assert_int_equal(sg_http_call(w.client, "GET", "/who", NULL, 0, SG_BYTES_NONE, &status, &b), 0);
    assert_int_equal(b.len, 0);
    sg_http_server_stop(w.server, 0);
    assert_int_equal(sg_http_call(w.client, "GET", "/who", NULL, 0, SG_BYTES_NONE, &status, &b),
                     -ECONNREFUSED);
    close_world(&w);
}

/* ---- scripted peers ---- */

/* Per connection: waits for a request, says the next answer, closes.  NULL: closes unheard. */
struct script {
    int listener;
    const char *const *answers;
    _Atomic int served, closed;
};

static void *play(void *user)
{
    struct script *s = user;
    for (size_t i = 0; s->answers[i]; i++) {
        char request[4096];
        if (sg_wait_fd(s->listener, POLLIN, sg_deadline(30000)))
            break;
        int fd = accept(s->listener, NULL, NULL);
        ssize_t n = recv(fd, request, sizeof(request), 0);
        if (n > 0)
            atomic_fetch_add(&s->served, 1);
        n = send(fd, s->answers[i], strlen(s->answers[i]), MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        atomic_fetch_add(&s->closed, 1);
        while (recv(fd, request, sizeof(request), 0) > 0)
            ;
        close(fd);
    }
    return NULL;
}

struct stage {
    struct script script;
    pthread_t thread;
    struct sg_http_client *client;
};

static void set_stage(struct stage *t, const char *const *answers)
{
    uint16_t port;
    char address[32];
    t->script = (struct script){.listener = -1, .answers = answers};
    assert_int_equal(sg_tcp_listen("127.0.0.1:0", &t->script.listener, &port), 0);
    snprintf(address, sizeof(address), "127.0.0.1:%u", port);
    struct sg_http_client_options o = {.connect = address, .body_max = 100};
    assert_int_equal(sg_http_client_new(&t->client, &o), 0);
    pthread_create(&t->thread, NULL, play, &t->script);
}

static void clear_stage(struct stage *t)
{
    sg_http_client_free(t->client);
    pthread_join(t->thread, NULL);
    close(t->script.listener);
}

#define OK "HTTP/1.1 200 OK\r\n"

static void odd_answers(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        int r;
        const char *body;
    } cases[] = {
        {OK "Content-Length: 2\r\n\r\nhi", 0, "hi"},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nX: y\r\n\r\n" OK
         "Content-Length: 2\r\n\r\nhi",
         0, "hi"},
        {OK "\r\nuntil the end", 0, "until the end"},
        {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 0, "hi"},
        {OK "Content-Length: 3\r\n\r\nhi", SG_HTTP_PEER_GONE, ""},
        {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", SG_HTTP_PEER_GONE, ""},
        {OK "Transfer-Encoding: chunked\r\n\r\nhi\r\n", SG_HTTP_BAD, ""},
        {OK "Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi", SG_HTTP_BAD, ""},
        {OK "Content-Length: 101\r\n\r\n", SG_HTTP_PEER_GONE, ""},
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", SG_HTTP_BAD, ""},
        {"SSH-2.0-OpenSSH\r\n", SG_HTTP_BAD, ""},
        {"", SG_HTTP_PEER_GONE, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1000);
        const char *const answers[] = {cases[i].answer, NULL};
        struct stage t;
        int status = 0;
        set_stage(&t, answers);
        int r = sg_http_call(t.client, "POST", "/", NULL, 0, SG_BYTES_LIT("x"), &status, &b);
        if (r != cases[i].r)
            fail_msg("case %zu: %d", i, r);
        assert_true(sg_bytes_equal(sg_buf_bytes(&b), sg_bytes_str(cases[i].body)));
        clear_stage(&t);
    }
}

/* The script closes after each answer, whatever it said about keeping.  A POST after that close
 * goes to a new connection, and a GET even if it crossed with the close. */
static void idle_close_is_survived(void **state)
{
    (void)state;
    static const char *const answers[] = {OK "Content-Length: 1\r\n\r\na",
                                          OK "Content-Length: 1\r\n\r\nb",
                                          OK "Content-Length: 1\r\n\r\nc", NULL};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1000);
    struct stage t;
    int status = 0;
    set_stage(&t, answers);
    for (int i = 0; i < 3; i++) {
        while (i == 1 && atomic_load(&t.script.closed) == 0)
            ;
        assert_int_equal(sg_http_call(t.client, i == 1 ? "POST" : "GET", "/", NULL, 0,
                                      SG_BYTES_NONE, &status, &b),
                         0);
        assert_int_equal(status, 200);
    }
    assert_true(sg_bytes_equal(sg_buf_bytes(&b), SG_BYTES_LIT("abc")));
    clear_stage(&t);
    assert_int_equal(t.script.served, 3);
}

/* A POST whose answer never came is not sent again: it may have taken effect. */
static void a_post_is_never_sent_twice(void **state)
{
    (void)state;
    static const char *const answers[] = {"", OK "Content-Length: 1\r\n\r\nb", NULL};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1000);
    struct stage t;
    int status = 0;
    set_stage(&t, answers);
    assert_int_equal(sg_http_call(t.client, "POST", "/", NULL, 0, SG_BYTES_LIT("x"), &status, &b),
                     SG_HTTP_PEER_GONE);
    assert_int_equal(t.script.served, 1);
    assert_int_equal(sg_http_call(t.client, "GET", "/", NULL, 0, SG_BYTES_NONE, &status, &b), 0);
    clear_stage(&t);
}

static void bad_requests_are_not_sent(void **state)
{
    (void)state;
    static const char *const answers[] = {OK "Content-Length: 1\r\n\r\na", NULL};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1000);
    struct stage t;
    int status = 0;
    struct sg_http_field evil = {"X", "a\r\nContent-Length: 7"};
    set_stage(&t, answers);
    assert_true(sg_http_call(t.client, "GET", "/ HTTP/1.1\r\nX: y", NULL, 0, SG_BYTES_NONE, &status,
                             &b) < 0);
    assert_true(sg_http_call(t.client, "GET", "/", &evil, 1, SG_BYTES_NONE, &status, &b) < 0);
    assert_int_equal(sg_http_call(t.client, "GET", "/", NULL, 0, SG_BYTES_NONE, &status, &b), 0);
    clear_stage(&t);
    assert_int_equal(t.script.served, 1);
}

static int make_identities(void **state)
{
    (void)state;
    ca = test_issue(NULL, NULL, true);
    other_ca = test_issue(NULL, NULL, true);
    server_id = test_issue(&ca, "spiffe://sealgrid/kvsd", false);
    client_id = test_issue(&ca, "spiffe://sealgrid/authd", false);
    stranger_id = test_issue(&other_ca, "spiffe://sealgrid/authd", false);
    return 0;
}

static int clear_identities(void **state)
{
    (void)state;
    test_identity_clear(&ca);
    test_identity_clear(&other_ca);
    test_identity_clear(&server_id);
    test_identity_clear(&client_id);
    test_identity_clear(&stranger_id);
    return 0;
}

/* ---- a foreign server that speaks TLS for itself ---- */

struct ticketing {
    int listener;
    SSL_CTX *ctx;
    size_t body; /* octets of a request's body */
    bool midway; /* more tickets while the body comes */
    size_t got;
};

static size_t read_head_of(SSL *ssl)
{
    static const char end[] = "\r\n\r\n";
    char head[4096];
    for (size_t n = 0; n < sizeof(head); n++) {
        if (SSL_read(ssl, head + n, 1) != 1)
            return 0;
        if (n >= 3 && memcmp(head + n - 3, end, 4) == 0)
            return n + 1;
    }
    return 0;
}

static void answer_one(struct ticketing *t, SSL *ssl)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    char piece[4096];
    if (!read_head_of(ssl))
        return;
    if (t->midway && SSL_new_session_ticket(ssl) == 1 && SSL_do_handshake(ssl) != 1)
        return;
    for (t->got = 0; t->got < t->body;) {
        int n = SSL_read(ssl, piece, sizeof(piece));
        if (n <= 0)
            return;
        t->got += (size_t)n;
    }
    SSL_write(ssl, answer, sizeof(answer) - 1);
}

/* One connection, one request; a second one would find nobody. */
static void *ticket_server(void *user)
{
    struct ticketing *t = user;
    int r = sg_wait_fd(t->listener, POLLIN, sg_deadline(5000));
    SG_CLOSE int fd = r == 0 ? accept(t->listener, NULL, NULL) : -1;
    close(t->listener);
    SSL *ssl = SSL_new(t->ctx);
    if (SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1)
        answer_one(t, ssl);
    SSL_shutdown(ssl);
    SSL_free(ssl);
    return NULL;
}

static void post_to_ticket_server(size_t body, bool midway)
{
    struct ticketing t = {.body = body, .midway = midway, .ctx = SSL_CTX_new(TLS_server_method())};
    SG_CLEANUP(sg_tls_ctx_freep)
    struct sg_tls_ctx *tls = test_context(&client_id, &ca, false, SG_TLS_PEER_REQUIRED);
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *client = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf answer = SG_BUF_INIT(100);
    SG_FREE uint8_t *much = calloc(1, body);
    char address[32];
    uint16_t port;
    pthread_t thread;
    int status = 0, small = 65536;
    assert_int_equal(SSL_CTX_use_certificate(t.ctx, sg_cert_x509(server_id.cert)), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(t.ctx, sg_key_evp(server_id.key)), 1);
    assert_int_equal(sg_tcp_listen("127.0.0.1:0", &t.listener, &port), 0);
    /* so that the client cannot be done before the server has read a word */
    assert_int_equal(setsockopt(t.listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    assert_int_equal(pthread_create(&thread, NULL, ticket_server, &t), 0);
    snprintf(address, sizeof(address), "127.0.0.1:%u", port);
    struct sg_http_client_options o = {
        .connect = address, .tls = tls, .expect_host = "127.0.0.1", .io_timeout_ms = 5000};
    assert_int_equal(sg_http_client_new(&client, &o), 0);
    assert_int_equal(sg_http_client_connect(client), 0);
    /* the tickets of the handshake are here before the request begins */
    assert_int_equal(sg_wait_fd(sg_tls_fd(sg_http_client_tls(client)), POLLIN, sg_deadline(5000)),
                     0);
    assert_int_equal(
        sg_http_call(client, "POST", "/", NULL, 0, SG_BYTES(much, body), &status, &answer), 0);
    pthread_join(thread, NULL);
    assert_int_equal(status, 200);
    assert_int_equal(t.got, body);
    SSL_CTX_free(t.ctx);
}

/* Tickets were taken for the beginning of an answer: the rest of a body was never sent, and an idle
 * connection with one was given up. */
static void tickets_are_no_answer(void **state)
{
    (void)state;
    post_to_ticket_server(100, false);
    post_to_ticket_server(16u << 20, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_over_mutual_tls),     cmocka_unit_test(streamed_answers),
        cmocka_unit_test(wrong_servers_and_clients), cmocka_unit_test(odd_answers),
        cmocka_unit_test(idle_close_is_survived),    cmocka_unit_test(a_post_is_never_sent_twice),
        cmocka_unit_test(bad_requests_are_not_sent), cmocka_unit_test(tickets_are_no_answer),
    };
    return cmocka_run_group_tests(tests, make_identities, clear_identities);
}
