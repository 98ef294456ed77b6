/*
 * The server as its peers see it: raw octets over plain sockets, then our own client over TLS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the four above first */
#include "test-pki-int.h"
#include "tls-int.h"
#include <pthread.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/net/http.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define PATIENCE_MS 30000 /* nothing waits so long unless it is broken */

static _Atomic int handled;
static _Atomic bool release_handlers;

/* ---- the handlers ---- */

static int echo(struct sg_http_exchange *x)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(8u << 20);
    int r = sg_http_read_all(x, 1u << 20, &body);
    return r ? r : sg_http_reply(x, 200, "application/octet-stream", sg_buf_bytes(&body));
}

/* Back as it comes, without ever holding it whole. */
static int stream(struct sg_http_exchange *x)
{
    uint8_t piece[3000];
    size_t n = 0;
    int r = sg_http_reply_begin(x, 200, "application/octet-stream");
    while (r == 0 && (r = sg_http_read(x, piece, sizeof(piece), &n)) == 0 && n)
        r = sg_http_reply_write(x, SG_BYTES(piece, n));
    return r ? r : sg_http_reply_end(x);
}

static int produce(struct sg_http_exchange *x)
{
    size_t left = (size_t)strtoul(sg_http_query(x, "n"), NULL, 10);
    uint8_t piece[1000];
    memset(piece, 'p', sizeof(piece));
    int r = sg_http_reply_begin(x, 200, NULL);
    while (r == 0 && left) {
        size_t n = left < sizeof(piece) ? left : sizeof(piece);
        r = sg_http_reply_write(x, SG_BYTES(piece, n));
        left -= n;
    }
    return r ? r : sg_http_reply_end(x);
}

static int big(struct sg_http_exchange *x)
{
    static uint8_t data[2000000];
    memset(data, 'b', sizeof(data));
    return sg_http_reply(x, 200, NULL, SG_BYTES_ARRAY(data));
}

static int halfway(struct sg_http_exchange *x)
{
    int r = sg_http_reply_begin(x, 200, NULL);
    if (r == 0)
        r = sg_http_reply_write(x, SG_BYTES_LIT("half"));
    if (r == 0)
        r = sg_http_reply_flush(x);
    return r < 0 ? r : sg_raise(-EIO);
}

static int header_test(struct sg_http_exchange *x)
{
    if (sg_http_add_header(x, "X-Bad", "a\r\nb") != -EINVAL ||
        sg_http_add_header(x, "Content-Length", "1") != -EINVAL)
        return sg_http_reply(x, 500, NULL, SG_BYTES_NONE);
    int r = sg_http_add_header(x, "X-Good", sg_http_header(x, "x-in"));
    return r < 0 ? r : sg_http_reply(x, 204, NULL, SG_BYTES_NONE);
}

static int who(struct sg_http_exchange *x)
{
    const char *uri = sg_http_tls(x) ? sg_tls_peer_uri(sg_http_tls(x)) : "plain";
    return sg_http_reply(x, 200, "text/plain", sg_bytes_str(uri));
}

static int origin(struct sg_http_exchange *x)
{
    uint8_t from[SG_HTTP_ORIGIN_LEN];
    char hex[2 * SG_HTTP_ORIGIN_LEN + 1];
    sg_http_origin(x, from);
    sg_hex(hex, from, sizeof(from));
    return sg_http_reply(x, 200, "text/plain", sg_bytes_str(hex));
}

static int wait_for_release(struct sg_http_exchange *x)
{
    while (!atomic_load(&release_handlers)) {
        struct timespec t = {.tv_nsec = 1000000};
        nanosleep(&t, NULL);
    }
    return sg_http_reply(x, 200, NULL, SG_BYTES_LIT("released"));
}

static int fail_plainly(struct sg_http_exchange *x)
{
    (void)x;
    return sg_raisef(-EIO, "test");
}

static int forget(struct sg_http_exchange *x)
{
    (void)x;
    return 0;
}

static int ignore_body(struct sg_http_exchange *x)
{
    return sg_http_reply(x, 200, NULL, SG_BYTES_LIT("ignored"));
}

static int path_back(struct sg_http_exchange *x)
{
    return sg_http_reply(x, 200, NULL, sg_bytes_str(sg_http_path(x)));
}

static int route(void *user, struct sg_http_exchange *x)
{
    static const struct {
        const char *path;
        int (*fn)(struct sg_http_exchange *x);
    } routes[] = {
        {"/echo", echo},     {"/stream", stream},         {"/produce", produce},
        {"/big", big},       {"/half", halfway},          {"/header", header_test},
        {"/who", who},       {"/wait", wait_for_release}, {"/fail", fail_plainly},
        {"/forget", forget}, {"/ignore", ignore_body},    {"/origin", origin},
    };
    (void)user;
    atomic_fetch_add(&handled, 1);
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
        if (strcmp(sg_http_path(x), routes[i].path) == 0)
            return routes[i].fn(x);
    return path_back(x);
}

/* ---- raw peers ---- */

static struct sg_http_server *start(const struct sg_http_server_options *o)
{
    struct sg_http_server *s = NULL;
    struct sg_http_server_options with = *o;
    with.listen = "127.0.0.1:0";
    assert_int_equal(sg_http_server_start(&s, &with, route, NULL), 0);
    return s;
}

static struct sg_http_server *start_small(void)
{
    return start(&(struct sg_http_server_options){.workers = 2});
}

static const char *address(const struct sg_http_server *s)
{
    static char text[32];
    snprintf(text, sizeof(text), "127.0.0.1:%u", sg_http_server_port(s));
    return text;
}

static int dial(const struct sg_http_server *s)
{
    int fd = -1;
    assert_int_equal(sg_tcp_connect(address(s), PATIENCE_MS, &fd), 0);
    return fd;
}

static void say(int fd, struct sg_bytes b)
{
    while (b.len) {
        ssize_t n = send(fd, b.data, b.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            assert_int_equal(sg_wait_fd(fd, POLLOUT, sg_deadline(PATIENCE_MS)), 0);
            continue;
        }
        if (n <= 0)
            return; /* the server closed: what it said before is what counts */
        b.data += n;
        b.len -= (size_t)n;
    }
}

/* Everything until the server closes, or until `end` has come. */
static char *hear(int fd, const char *end)
{
    static char text[4u << 20];
    size_t len = 0;
    text[0] = '\0';
    while (!(end && strstr(text, end))) {
        assert_int_equal(sg_wait_fd(fd, POLLIN, sg_deadline(PATIENCE_MS)), 0);
        ssize_t n = recv(fd, text + len, sizeof(text) - 1 - len, 0);
        if (n <= 0)
            break;
        len += (size_t)n;
        text[len] = '\0';
    }
    return text;
}

static const char *ask(const struct sg_http_server *s, const char *text)
{
    SG_CLOSE int fd = dial(s);
    say(fd, sg_bytes_str(text));
    return hear(fd, NULL);
}

#define HOST "Host: a\r\n"
#define LAST "Host: a\r\nConnection: close\r\n"

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, const char *with)
{
    size_t n = strlen(text), m = strlen(with);
    return n >= m && strcmp(text + n - m, with) == 0;
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;
    while ((text = strstr(text, what))) {
        text += strlen(what);
        n++;
    }
    return n;
}

/* ---- tests ---- */

static void whole_replies(void **state)
{
    (void)state;
    SG_CLEANUP(sg_http_server_freep) struct sg_http_server *s = start_small();
    const char *t = ask(s, "POST /echo HTTP/1.1\r\n" LAST "Content-Length: 5\r\n\r\nhello");
    assert_true(begins(t, "HTTP/1.1 200 OK\r\nDate: "));
    assert_non_null(strstr(t, "Content-Length: 5\r\n"));
    assert_non_null(strstr(t, "Connection: close\r\n"));
    assert_true(ends(t, "\r\n\r\nhello"));
    t = ask(s, "POST /echo HTTP/1.1\r\n" LAST
               "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");
    assert_true(ends(t, "\r\n\r\nhello"));
    t = ask(s, "GET /header HTTP/1.1\r\n" LAST "X-In: yes\r\n\r\n");
    assert_true(begins(t, "HTTP/1.1 204 "));
    assert_non_null(strstr(t, "X-Good: yes\r\n"));
    assert_null(strstr(t, "Content-Length"));
    t = ask(s, "GET /a%20b?c=d HTTP/1.1\r\n" LAST "\r\n");
    assert_true(ends(t, "\r\n\r\n/a b"));
    t = ask(s, "HEAD /big HTTP/1.1\r\n" LAST "\r\n");
    assert_non_null(strstr(t, "Content-Length: 2000000\r\n"));
    assert_true(ends(t, "\r\n\r\n"));
    t = ask(s, "HEAD /produce?n=100 HTTP/1.1\r\n" LAST "\r\n");
    assert_true(ends(t, "\r\n\r\n"));
    t = ask(s, "GET /big HTTP/1.1\r\n" LAST "\r\n");
    assert_int_equal(strlen(strstr(t, "\r\n\r\n")), 4 + 2000000);
}

static void streamed_replies(void **state)
{
    (void)state;
    SG_CLEANUP(sg_http_server_freep) struct sg_http_server *s = start_small();
    const char *t = ask(s, "GET /produce?n=3 HTTP/1.1\r\n" LAST "\r\n");
    assert_non_null(strstr(t, "Transfer-Encoding: chunked\r\n"));
    assert_true(ends(t, "\r\n\r\n00000003\r\nppp\r\n0\r\n\r\n"));
    t = ask(s, "GET /produce?n=0 HTTP/1.1\r\n" LAST "\r\n");
    assert_true(ends(t, "\r\n\r\n0\r\n\r\n"));
    t = ask(s, "GET /produce?n=200000 HTTP/1.1\r\n" LAST "\r\n");
    assert_int_equal(count(t, "p"), 200000);
    t = ask(s, "GET /produce?n=200000 HTTP/1.0\r\n\r\n");
    assert_null(strstr(t, "chunked"));
    assert_int_equal(strlen(strstr(t, "\r\n\r\n")), 4 + 200000);
    t = ask(s, "POST /stream HTTP/1.1\r\n" LAST "Content-Length: 4\r\n\r\nabcd");
    assert_true(ends(t, "00000004\r\nabcd\r\n0\r\n\r\n"));
}

static void origins_are_addresses(void **state)
{
    (void)state;
    SG_CLEANUP(sg_http_server_freep) struct sg_http_server *s = start_small();
    const char *t = ask(s, "GET /origin HTTP/1.1\r\n" LAST "\r\n");
    assert_true(ends(t, "\r\n\r\n00000000000000000000ffff7f000001"));
}

static void keep_alive_and_requests_sent_ahead(void **state)
{
    (void)state;
    SG_CLEANUP(sg_http_server_freep) struct sg_http_server *s = start_small();
    SG_CLOSE int fd = dial(s);
    for (int i = 0; i < 3; i++) {
        say(fd, SG_BYTES_LIT("GET /again HTTP/1.1\r\n" HOST "\r\n"));
        assert_null(strstr(hear(fd, "/again"), "Connection"));
    }
    say(fd, SG_BYTES_LIT("GET /1 HTTP/1.1\r\n" HOST "\r\n"
                         "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
                         "POST /ignore HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
                         "GET /4 HTTP/1.1\r\n" LAST "\r\nGET /5 HTTP/1.1\r\n" HOST "\r\n"));
    const char *t = hear(fd, NULL);
    assert_int_equal(count(t, "HTTP/1.1 200 OK"), 4); /* nothing after "close" */
    assert_non_null(strstr(t, "\r\n\r\n/1HTTP"));
    assert_non_null(strstr(t, "\r\n\r\nabcHTTP"));
    assert_true(ends(t, "\r\n\r\n/4"));
    t = ask(s, "GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n");
    assert_int_equal(count(t, "200 OK"), 1);
    t = ask(s, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n");
    assert_int_equal(count(t, "200 OK"), 2);
    assert_int_equal(count(t, "Connection: keep-alive"), 1);
}

static void heads_in_single_octets(void **state)
{
    (void)state;
    SG_CLEANUP(sg_http_server_freep) struct sg_http_server *s = start_small();
    SG_CLOSE int fd = dial(s);
    static const char text[] =
        "POST /echo HTTP/1.1\r\n" LAST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        say(fd, SG_BYTES(text + i, 1));
    assert_true(ends(hear(fd, NULL), "\r\n\r\nhello"));
}

static void continue_only_when_the_body_is_wanted(void **state)
{
    (void)state;
    SG_CLEANUP(sg_http_server_freep) struct sg_http_server *s = start_small();
    SG_CLOSE int fd = dial(s);
    say(fd, SG_BYTES_LIT("POST /echo HTTP/1.1\r\n" HOST
                         "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
    assert_string_equal(hear(fd, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    say(fd, SG_BYTES_LIT("hello"));
    assert_true(begins(hear(fd, "hello"), "HTTP/1.1 200 OK"));
    /* Refused unread: the peer may or may not send the body, so the connection must end. */
    say(fd, SG_BYTES_LIT("POST /ignore HTTP/1.1\r\n" HOST
                         "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
    const char *t = hear(fd, NULL);
    assert_true(begins(t, "HTTP/1.1 200 OK"));
    assert_non_null(strstr(t, "Connection: close"));
    t = ask(s, "POST /echo HTTP/1.1\r\n" HOST "Expect: x\r\nContent-Length: 5\r\n\r\n");
    assert_true(begins(t, "HTTP/1.1 417 "));
    t = ask(s, "POST /echo HTTP/1.1\r\n" HOST
               "Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n");
    assert_true(begins(t, "HTTP/1.1 413 "));
}

static void limits_have_their_own_answers(void **state)
{
    (void)state;
    SG_CLEANUP(sg_http_server_freep)
    struct sg_http_server *s =
        start(&(struct sg_http_server_options){.workers = 2, .body_max = 3000000});
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    int before = atomic_load(&handled);
    assert_int_equal(sg_buf_printf(&b, "GET /%09000d HTTP/1.1\r\n" HOST "\r\n", 1), 0);
    assert_true(begins(ask(s, (char *)b.data), "HTTP/1.1 414 "));
    sg_buf_reset(&b);
    assert_int_equal(sg_buf_printf(&b, "GET / HTTP/1.1\r\n" HOST "X: %09000d\r\n\r\n", 1), 0);
    assert_true(begins(ask(s, (char *)b.data), "HTTP/1.1 431 "));
    assert_true(begins(ask(s, "GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "));
    assert_true(begins(ask(s, "GET /../x HTTP/1.1\r\n" HOST "\r\n"), "HTTP/1.1 400 "));
    assert_true(begins(ask(s, "GET / HTTP/3.0\r\n" HOST "\r\n"), "HTTP/1.1 505 "));
    assert_true(begins(ask(s, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3000001\r\n\r\n"),
                       "HTTP/1.1 413 "));
    assert_int_equal(atomic_load(&handled), before);
    const char *t = ask(s, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\n");
    assert_true(begins(t, "HTTP/1.1 413 "));
    assert_true(ends(t, "{\"error\":{\"code\":\"too_large\",\"message\":\"Content Too Large\"}}"));
    t = ask(s, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX");
    assert_true(begins(t, "HTTP/1.1 400 "));
    assert_true(begins(ask(s, "GET /fail HTTP/1.1\r\n" LAST "\r\n"), "HTTP/1.1 500 "));
    assert_true(begins(ask(s, "GET /forget HTTP/1.1\r\n" LAST "\r\n"), "HTTP/1.1 500 "));
}

/* The whole of a large body is sent before the answer is read: the answer must survive. */
static void early_answers_reach_a_peer_that_goes_on_sending(void **state)
{
    (void)state;
    SG_CLEANUP(sg_http_server_freep) struct sg_http_server *s = start_small();
    SG_CLOSE int fd = dial(s);
    SG_FREE uint8_t *much = calloc(1, 3000000);
    say(fd, SG_BYTES_LIT("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3000000\r\n\r\n"));
    say(fd, SG_BYTES(much, 3000000));
    assert_true(begins(hear(fd, NULL), "HTTP/1.1 413 "));
    SG_CLOSE int other = dial(s);
    say(other, SG_BYTES_LIT("POST /ignore HTTP/1.1\r\n" HOST "Content-Length: 3000000\r\n\r\n"));
    say(other, SG_BYTES(much, 3000000));
    const char *t = hear(other, NULL);
    assert_true(begins(t, "HTTP/1.1 200 "));
    assert_non_null(strstr(t, "Connection: close\r\n"));
}

/* More dawdlers than workers, and still everybody else is served. */
static void slow_peers_hold_no_worker(void **state)
{
    (void)state;
    SG_CLEANUP(sg_http_server_freep)
    struct sg_http_server *s =
        start(&(struct sg_http_server_options){.workers = 2, .head_timeout_ms = 300});
    int slow[8];
    for (size_t i = 0; i < 8; i++) {
        slow[i] = dial(s);
        if (i % 2)
            say(slow[i], SG_BYTES_LIT("GET / HTTP/1.1\r\nHo"));
    }
    assert_true(begins(ask(s, "GET / HTTP/1.1\r\n" LAST "\r\n"), "HTTP/1.1 200 "));
    for (size_t i = 0; i < 8; i++) {
        const char *t = hear(slow[i], NULL);
        assert_true(i % 2 ? begins(t, "HTTP/1.1 408 ") : *t == '\0');
        close(slow[i]);
    }
}

static void slow_bodies_are_given_up(void **state)
{
    (void)state;
    SG_CLEANUP(sg_http_server_freep)
    struct sg_http_server *s =
        start(&(struct sg_http_server_options){.workers = 2, .io_timeout_ms = 100});
    const char *t = ask(s, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhel");
    assert_true(begins(t, "HTTP/1.1 408 "));
    /* Always in time for the next octet, never fast enough. */
    SG_CLOSE int fd = dial(s);
    say(fd, SG_BYTES_LIT("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 500\r\n\r\n"));
    for (int i = 0; i < 40 && sg_wait_fd(fd, POLLIN, sg_deadline(10)) == SG_TLS_TIMEOUT; i++)
        say(fd, SG_BYTES_LIT("x"));
    assert_true(begins(hear(fd, NULL), "HTTP/1.1 408 "));
}

static void idle_connections_end(void **state)
{
    (void)state;
    SG_CLEANUP(sg_http_server_freep)
    struct sg_http_server *s =
        start(&(struct sg_http_server_options){.workers = 2, .idle_timeout_ms = 100});
    SG_CLOSE int fd = dial(s);
    say(fd, SG_BYTES_LIT("GET / HTTP/1.1\r\n" HOST "\r\n"));
    assert_true(ends(hear(fd, NULL), "\r\n\r\n/"));
}

static void too_many_connections_are_turned_away(void **state)
{
    (void)state;
    SG_CLEANUP(sg_http_server_freep)
    struct sg_http_server *s =
        start(&(struct sg_http_server_options){.workers = 1, .max_connections = 2});
    int fds[3];
    for (size_t i = 0; i < 3; i++) {
        fds[i] = dial(s);
        say(fds[i], SG_BYTES_LIT("GET / HTTP/1.1\r\n" HOST "\r\n"));
        if (i < 2)
            hear(fds[i], "\r\n\r\n/");
    }
    assert_true(begins(hear(fds[2], NULL), "HTTP/1.1 503 "));
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
}

static void a_cut_reply_is_seen_as_cut(void **state)
{
    (void)state;
    SG_CLEANUP(sg_http_server_freep) struct sg_http_server *s = start_small();
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *c = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(1000);
    assert_int_equal(
        sg_http_client_new(&c, &(struct sg_http_client_options){.connect = address(s)}), 0);
    int status = 0;
    assert_int_equal(sg_http_call(c, "GET", "/half", NULL, 0, SG_BYTES_NONE, &status, &body),
                     SG_HTTP_PEER_GONE);
    assert_int_equal(body.len, 0);
    assert_int_equal(status, 0);
}

/* A peer that closes, or resets, after every prefix of a request. */
static void peers_vanish_at_any_point(void **state)
{
    (void)state;
    SG_CLEANUP(sg_http_server_freep) struct sg_http_server *s = start_small();
    static const char text[] = "POST /stream HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for (size_t n = 0; n < 2 * sizeof(text); n++) {
        SG_CLOSE int fd = dial(s);
        struct linger reset = {.l_onoff = n % 2, .l_linger = 0};
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
        say(fd, SG_BYTES(text, n / 2));
    }
    assert_true(ends(ask(s, "GET /alive HTTP/1.1\r\n" LAST "\r\n"), "\r\n\r\n/alive"));
}

/* What is not TLS at all, what is half a hello, and what never speaks. */
static void noise_before_the_handshake(void **state)
{
    (void)state;
    struct test_identity ca = test_issue(NULL, NULL, true);
    struct test_identity id = test_issue(&ca, "spiffe://sealgrid/kvsd", false);
    struct sg_tls_ctx *tls = test_context(&id, &ca, true, SG_TLS_PEER_OPTIONAL);
    struct sg_tls_ctx *client_tls = test_context(NULL, &ca, false, SG_TLS_PEER_REQUIRED);
    struct sg_http_server *s =
        start(&(struct sg_http_server_options){.workers = 1, .tls = tls, .head_timeout_ms = 300});
    int silent = dial(s), half = dial(s);
    say(half, SG_BYTES_LIT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"));
    ask(s, "GET / HTTP/1.1\r\n" LAST "\r\n");
    struct sg_http_client *c = NULL;
    struct sg_http_client_options o = {
        .connect = address(s), .tls = client_tls, .expect_host = "127.0.0.1"};
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(100);
    int status = 0;
    assert_int_equal(sg_http_client_new(&c, &o), 0);
    assert_int_equal(sg_http_call(c, "GET", "/x", NULL, 0, SG_BYTES_NONE, &status, &b), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&b), SG_BYTES_LIT("/x")));
    hear(silent, NULL); /* both are ended by the server in the end */
    hear(half, NULL);
    close(silent);
    close(half);
    sg_http_client_free(c);
    sg_http_server_free(s);
    sg_tls_ctx_free(client_tls);
    sg_tls_ctx_free(tls);
    test_identity_clear(&id);
    test_identity_clear(&ca);
}

/* ---- certificates run out ---- */

static _Atomic int64_t clock_s;

static int64_t fake_clock(void)
{
    return clock_s;
}

/* One exchange on a stream that is kept; true if the server says it is the last one. */
static bool is_last(struct sg_tls *t)
{
    char got[4096];
    size_t at = 0, n = 0;
    assert_int_equal(
        sg_tls_write(t, SG_BYTES_LIT("GET /who HTTP/1.1\r\n" HOST "\r\n"), PATIENCE_MS), 0);
    do {
        assert_int_equal(sg_tls_read(t, got + at, sizeof(got) - 1 - at, PATIENCE_MS, &n), 0);
        at += n;
        got[at] = '\0';
    } while (!strstr(got, "spiffe://sealgrid/authd"));
    return strstr(got, "Connection: close\r\n");
}

static void a_stream_does_not_outlive_its_certificate(void **state)
{
    (void)state;
    struct test_identity ca = test_issue(NULL, NULL, true);
    struct test_identity id = test_issue(&ca, "spiffe://sealgrid/kvsd", false);
    struct test_identity peer = test_issue(&ca, "spiffe://sealgrid/authd", false);
    struct sg_tls_ctx *tls = test_context(&id, &ca, true, SG_TLS_PEER_REQUIRED);
    struct sg_tls_ctx *client_tls = test_context(&peer, &ca, false, SG_TLS_PEER_REQUIRED);
    struct sg_http_server *s =
        start(&(struct sg_http_server_options){.workers = 1, .tls = tls, .unix_s = fake_clock});
    struct sg_tls *t = NULL;
    int64_t from_s, until_s;
    char c;
    size_t n;
    sg_cert_validity(peer.cert, &from_s, &until_s);
    clock_s = from_s;
    assert_int_equal(
        sg_tls_connect(&t, client_tls, dial(s), "spiffe://sealgrid/kvsd", NULL, PATIENCE_MS), 0);
    assert_false(is_last(t));
    clock_s = until_s;
    assert_false(is_last(t));
    clock_s = until_s + 1;
    assert_true(is_last(t));
    assert_int_equal(sg_tls_read(t, &c, 1, PATIENCE_MS, &n), SG_TLS_CLOSED);
    sg_tls_free(t);
    sg_http_server_free(s);
    sg_tls_ctx_free(client_tls);
    sg_tls_ctx_free(tls);
    test_identity_clear(&peer);
    test_identity_clear(&id);
    test_identity_clear(&ca);
}

static void *stop_server(void *user)
{
    sg_http_server_stop(user, PATIENCE_MS);
    return NULL;
}

static void stop_lets_running_exchanges_end(void **state)
{
    (void)state;
    SG_CLEANUP(sg_http_server_freep) struct sg_http_server *s = start_small();
    SG_CLOSE int idle = dial(s);
    SG_CLOSE int busy = dial(s);
    int before = atomic_load(&handled);
    atomic_store(&release_handlers, false);
    say(busy, SG_BYTES_LIT("GET /wait HTTP/1.1\r\n" HOST "\r\n"));
    while (atomic_load(&handled) == before)
        ;
    pthread_t stopper;
    pthread_create(&stopper, NULL, stop_server, s);
    assert_string_equal(hear(idle, NULL), "");
    atomic_store(&release_handlers, true);
    const char *t = hear(busy, NULL);
    assert_true(ends(t, "\r\n\r\nreleased"));
    assert_non_null(strstr(t, "Connection: close"));
    pthread_join(stopper, NULL);
    int fd = -1;
    assert_true(sg_tcp_connect(address(s), PATIENCE_MS, &fd) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_replies),
        cmocka_unit_test(streamed_replies),
        cmocka_unit_test(origins_are_addresses),
        cmocka_unit_test(keep_alive_and_requests_sent_ahead),
        cmocka_unit_test(heads_in_single_octets),
        cmocka_unit_test(continue_only_when_the_body_is_wanted),
        cmocka_unit_test(limits_have_their_own_answers),
        cmocka_unit_test(early_answers_reach_a_peer_that_goes_on_sending),
        cmocka_unit_test(slow_peers_hold_no_worker),
        cmocka_unit_test(slow_bodies_are_given_up),
        cmocka_unit_test(idle_connections_end),
        cmocka_unit_test(too_many_connections_are_turned_away),
        cmocka_unit_test(a_cut_reply_is_seen_as_cut),
        cmocka_unit_test(peers_vanish_at_any_point),
        cmocka_unit_test(noise_before_the_handshake),
        cmocka_unit_test(a_stream_does_not_outlive_its_certificate),
        cmocka_unit_test(stop_lets_running_exchanges_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
