#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the four above first */
#include <cmocka.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/net/http-parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Feeds text in pieces of `step` octets; *ret_used over all. */
static int feed(struct sg_http_head *h, struct sg_bytes text, size_t step, size_t *ret_used)
{
    size_t at = 0;
    for (;;) {
        size_t n = text.len - at < step ? text.len - at : step, used = 0;
        int r = sg_http_head_feed(h, SG_BYTES(text.data + at, n), &used);
        if (r != SG_HTTP_PARSE_MORE || at + n == text.len) {
            *ret_used = at + used;
            return r;
        }
        assert_int_equal(used, n);
        at += n;
    }
}

struct attack {
    const char *name;
    struct sg_bytes text;
    int expect;
};

#define A(name, text, expect)                                                                      \
    {                                                                                              \
        name, {(const uint8_t *)("" text), sizeof(text) - 1}, expect                               \
    }
#define GET  "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

static const struct attack attacks[] = {
    /* two lengths: who stands in front of us may believe the other one */
    A("CL.TE", POST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
      SG_HTTP_PARSE_BAD),
    A("TE.CL", POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n8\r\n",
      SG_HTTP_PARSE_BAD),
    A("CL.CL differing", POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("CL.CL equal", POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("CL list", POST "Content-Length: 5, 5\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("CL plus", POST "Content-Length: +5\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("CL minus", POST "Content-Length: -5\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("CL hex", POST "Content-Length: 0x5\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("CL empty", POST "Content-Length:\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("CL inner space", POST "Content-Length: 1 2\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("CL past 64 bits", POST "Content-Length: 18446744073709551617\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("TE twice", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
      SG_HTTP_PARSE_BAD),
    A("TE list", POST "Transfer-Encoding: gzip, chunked\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("TE not final", POST "Transfer-Encoding: chunked, gzip\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("TE identity", POST "Transfer-Encoding: identity\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("TE quoted", POST "Transfer-Encoding: \"chunked\"\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("TE vertical tab", POST "Transfer-Encoding: \vchunked\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("TE xchunked", POST "Transfer-Encoding: xchunked\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("TE parameter", POST "Transfer-Encoding: chunked;q=1\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("TE in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", SG_HTTP_PARSE_BAD),
    /* lines */
    A("bare LF after start line", "GET / HTTP/1.1\nHost: a\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("bare LF after field", GET "X: y\n\r\n", SG_HTTP_PARSE_BAD),
    A("bare LF as end", GET "\n", SG_HTTP_PARSE_BAD),
    A("bare CR in value", GET "X: y\rZ: w\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("CR CR LF", GET "X: y\r\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("obs-fold, space", GET "X: y\r\n z\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("obs-fold, tab", GET "Transfer-Encoding:\r\n\tchunked\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("space before first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("space before colon", POST "Content-Length : 5\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("tab before colon", POST "Content-Length\t: 5\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("no colon", GET "Content-Length 5\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("empty name", GET ": 5\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("NUL in value", GET "X: a\0b\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("NUL in name", GET "Content-Length\0: 5\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("NUL in target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("DEL in value", GET "X: \x7f\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("control character", GET "X: \x01\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("8-bit name", GET "X\xe9: 1\r\n\r\n", SG_HTTP_PARSE_BAD),
    /* start line */
    A("two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("tab", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("space in target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("trailing space", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("leading space", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("no version (HTTP/0.9)", "GET /\r\nHost: a\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("8-bit target", "GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("method with colon", "GET: / HTTP/1.1\r\nHost: a\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("long method", "ABCDEFGHIJKLMNOPQ / HTTP/1.1\r\nHost: a\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("lower-case http", "GET / http/1.1\r\nHost: a\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("version 1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", SG_HTTP_PARSE_VERSION),
    A("HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", SG_HTTP_PARSE_VERSION),
    A("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", SG_HTTP_PARSE_VERSION),
    A("TLS hello", "\x16\x03\x01\x02\x00\x01\x00", SG_HTTP_PARSE_BAD),
    A("two empty lines first", "\r\n\r\n" GET "\r\n", SG_HTTP_PARSE_BAD),
    /* Host */
    A("no Host", "GET / HTTP/1.1\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("two Hosts", GET "Host: b\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("two equal Hosts", GET "host: a\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("Host with user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("Host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("Host with list", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", SG_HTTP_PARSE_BAD),
    A("unknown expectation", POST "Expect: 200-ok\r\n\r\n", SG_HTTP_PARSE_EXPECT),
};

static void attacks_are_refused_in_any_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(attacks) / sizeof(*attacks); i++) {
        for (size_t step = 1; step <= 64; step *= 4) {
            struct sg_http_head h;
            size_t used;
            sg_http_head_init(&h, SG_HTTP_REQUEST);
            int r = feed(&h, attacks[i].text, step, &used);
            if (r != attacks[i].expect)
                fail_msg("%s in pieces of %zu: %d", attacks[i].name, step, r);
            /* A failed parser stays failed. */
            assert_int_equal(sg_http_head_feed(&h, SG_BYTES_LIT(GET "\r\n"), &used), r);
            sg_http_head_clear(&h);
        }
    }
}

static void a_request_is_understood(void **state)
{
    (void)state;
    static const char text[] = "\r\nPOST /v1/sql?x=1 HTTP/1.1\r\nhost: localhost:17440\r\n"
                               "Content-Length: 0012\r\nX-Empty:\r\nX-Padded: \t a  b \t\r\n"
                               "Connection: foo, Close\r\nExpect: 100-Continue\r\n\r\nbody";
    for (size_t step = 1; step < sizeof(text); step++) {
        struct sg_http_head h;
        size_t used;
        sg_http_head_init(&h, SG_HTTP_REQUEST);
        assert_false(sg_http_head_begun(&h));
        assert_int_equal(feed(&h, sg_bytes_str(text), step, &used), 0);
        assert_int_equal(used, sizeof(text) - 1 - 4);
        assert_true(sg_http_head_begun(&h));
        assert_string_equal(sg_http_head_method(&h), "POST");
        assert_string_equal(sg_http_head_target(&h), "/v1/sql?x=1");
        assert_int_equal(h.minor, 1);
        assert_int_equal(h.framing, SG_HTTP_LENGTH);
        assert_int_equal(h.content_length, 12);
        assert_int_equal(h.n_fields, 6);
        assert_string_equal(sg_http_head_field(&h, "HOST"), "localhost:17440");
        assert_string_equal(sg_http_head_field(&h, "x-empty"), "");
        assert_string_equal(sg_http_head_field(&h, "x-padded"), "a  b");
        assert_null(sg_http_head_field(&h, "x-pad"));
        assert_false(h.keep_alive);
        assert_true(h.expect_continue);
        sg_http_head_reset(&h);
        assert_false(sg_http_head_begun(&h));
        assert_int_equal(feed(&h, SG_BYTES_LIT(GET "\r\n"), step, &used), 0);
        assert_true(h.keep_alive);
        assert_int_equal(h.framing, SG_HTTP_NO_BODY);
        sg_http_head_clear(&h);
    }
}

static void http_1_0_closes_unless_asked(void **state)
{
    (void)state;
    struct sg_http_head h;
    size_t used;
    sg_http_head_init(&h, SG_HTTP_REQUEST);
    assert_int_equal(feed(&h, SG_BYTES_LIT("GET / HTTP/1.0\r\n\r\n"), 99, &used), 0);
    assert_false(h.keep_alive);
    sg_http_head_reset(&h);
    assert_int_equal(feed(&h,
                          SG_BYTES_LIT("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n"
                                       "Expect: 100-continue\r\n\r\n"),
                          99, &used),
                     0);
    assert_true(h.keep_alive);
    assert_false(h.expect_continue); /* 1.0 knows no interim answers */
    sg_http_head_clear(&h);
}

/* before, then n times fill, then after. */
static int parse_padded(const char *before, char fill, size_t n, const char *after)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    uint8_t *at;
    assert_int_equal(sg_buf_append(&b, sg_bytes_str(before)), 0);
    assert_int_equal(sg_buf_extend(&b, n, &at), 0);
    memset(at, fill, n);
    assert_int_equal(sg_buf_append(&b, sg_bytes_str(after)), 0);
    int whole, piecewise;
    size_t used;
    struct sg_http_head h;
    sg_http_head_init(&h, SG_HTTP_REQUEST);
    whole = feed(&h, sg_buf_bytes(&b), b.len, &used);
    sg_http_head_clear(&h);
    piecewise = feed(&h, sg_buf_bytes(&b), 7, &used);
    sg_http_head_clear(&h);
    assert_int_equal(whole, piecewise);
    return whole;
}

static void limits_are_exact(void **state)
{
    (void)state;
    size_t line = SG_HTTP_LINE_MAX - strlen("GET / HTTP/1.1");
    assert_int_equal(parse_padded("GET /", 'a', line, " HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
    assert_int_equal(parse_padded("GET /", 'a', line + 1, " HTTP/1.1\r\nHost: a\r\n\r\n"),
                     SG_HTTP_PARSE_LONG_LINE);
    assert_int_equal(parse_padded("GET /", 'a', SG_HTTP_LINE_MAX, ""), SG_HTTP_PARSE_LONG_LINE);
    assert_int_equal(parse_padded(GET "X: ", 'a', SG_HTTP_LINE_MAX - 3, "\r\n\r\n"), 0);
    assert_int_equal(parse_padded(GET "X: ", 'a', SG_HTTP_LINE_MAX - 2, "\r\n\r\n"),
                     SG_HTTP_PARSE_LARGE);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    assert_int_equal(sg_buf_printf(&b, GET), 0);
    for (int i = 0; i < SG_HTTP_HEADERS_MAX - 1; i++)
        assert_int_equal(sg_buf_printf(&b, "X%d: y\r\n", i), 0);
    assert_int_equal(sg_buf_append_u8(&b, 0), 0);
    assert_int_equal(parse_padded((char *)b.data, 'x', 0, "\r\n"), 0);
    assert_int_equal(parse_padded((char *)b.data, 'x', 1, ": y\r\n\r\n"), SG_HTTP_PARSE_LARGE);
    /* Lines each within bounds, the head not. */
    sg_buf_reset(&b);
    assert_int_equal(sg_buf_printf(&b, GET), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(sg_buf_printf(&b, "X: %07000d\r\n", i), 0);
    assert_int_equal(sg_buf_append_u8(&b, 0), 0);
    assert_int_equal(parse_padded((char *)b.data, 'x', 0, "\r\n"), SG_HTTP_PARSE_LARGE);
    assert_int_equal(sg_http_parse_status(SG_HTTP_PARSE_LONG_LINE), 414);
    assert_int_equal(sg_http_parse_status(SG_HTTP_PARSE_LARGE), 431);
    assert_int_equal(sg_http_parse_status(SG_HTTP_PARSE_VERSION), 505);
    assert_int_equal(sg_http_parse_status(SG_HTTP_PARSE_EXPECT), 417);
    assert_int_equal(sg_http_parse_status(SG_HTTP_PARSE_BAD), 400);
}

static void answers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool to_head;
        int r, status, framing;
        bool keep;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", false, 0, 200, SG_HTTP_LENGTH, true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, 0, 200, SG_HTTP_NO_BODY, true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", false, 0, 200, SG_HTTP_CHUNKED,
         true},
        {"HTTP/1.1 200\r\n\r\n", false, 0, 200, SG_HTTP_UNTIL_CLOSE, false},
        {"HTTP/1.1 204 No Content\r\n\r\n", false, 0, 204, SG_HTTP_NO_BODY, true},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, 0, 304, SG_HTTP_NO_BODY,
         true},
        {"HTTP/1.1 100 Continue\r\n\r\n", false, 0, 100, SG_HTTP_NO_BODY, true},
        {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", false, 0, 200, SG_HTTP_LENGTH, false},
        {"HTTP/1.1 20 OK\r\n\r\n", false, SG_HTTP_PARSE_BAD, 0, 0, false},
        {"HTTP/1.1 2000 OK\r\n\r\n", false, SG_HTTP_PARSE_BAD, 0, 0, false},
        {"HTTP/1.1 099 OK\r\n\r\n", false, SG_HTTP_PARSE_BAD, 0, 0, false},
        {"HTTP/1.1  200 OK\r\n\r\n", false, SG_HTTP_PARSE_BAD, 0, 0, false},
        {"ICY 200 OK\r\n\r\n", false, SG_HTTP_PARSE_BAD, 0, 0, false},
        {"\r\nHTTP/1.1 200 OK\r\n\r\n", false, SG_HTTP_PARSE_BAD, 0, 0, false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", false,
         SG_HTTP_PARSE_BAD, 0, 0, false},
        {"HTTP/2.0 200 OK\r\n\r\n", false, SG_HTTP_PARSE_VERSION, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct sg_http_head h;
        size_t used;
        sg_http_head_init(&h, SG_HTTP_RESPONSE);
        h.answers_head = cases[i].to_head;
        int r = feed(&h, sg_bytes_str(cases[i].text), 3, &used);
        if (r != cases[i].r)
            fail_msg("case %zu: %d", i, r);
        if (r == 0) {
            assert_int_equal(h.status, cases[i].status);
            assert_int_equal(h.framing, cases[i].framing);
            assert_int_equal(h.keep_alive, cases[i].keep);
        }
        sg_http_head_clear(&h);
    }
}

/* ---- bodies ---- */

static int decode(const char *text, size_t len, size_t step, struct sg_buf *out, bool *ret_done,
                  size_t *ret_used)
{
    struct sg_http_body b;
    size_t at = 0;
    sg_http_body_init(&b, SG_HTTP_CHUNKED, 0);
    while (at < len && !b.done) {
        size_t n = len - at < step ? len - at : step, used = 0;
        struct sg_bytes piece;
        int r = sg_http_body_feed(&b, SG_BYTES(text + at, n), &used, &piece);
        if (r)
            return r;
        assert_true(used > 0);
        assert_int_equal(sg_buf_append(out, piece), 0);
        at += used;
    }
    *ret_done = b.done;
    *ret_used = at;
    return 0;
}

static void chunked_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *text, *body;
        int r; /* -1: incomplete */
    } cases[] = {
        {"0\r\n\r\n", "", 0},
        {"5\r\nhello\r\n0\r\n\r\n", "hello", 0},
        {"00000005\r\nhello\r\nA\r\n, world!!!\r\n0\r\n\r\n", "hello, world!!!", 0},
        {"5;name=value\r\nhello\r\n0;x\r\nDigest: abc\r\nX:\r\n\r\n", "hello", 0},
        {"5\r\n\r\n0\r\n\r\n0\r\n\r\n", "\r\n0\r\n", 0}, /* data that looks like framing */
        {"5\r\nhello\r\n", "hello", -1},
        {"0\r\n", "", -1},
        {"\r\n", "", SG_HTTP_PARSE_BAD},
        {";\r\n", "", SG_HTTP_PARSE_BAD},
        {" 5\r\n", "", SG_HTTP_PARSE_BAD},
        {"5 \r\nhello", "", SG_HTTP_PARSE_BAD},
        {"+5\r\nhello", "", SG_HTTP_PARSE_BAD},
        {"0x5\r\nhello", "", SG_HTTP_PARSE_BAD},
        {"5\nhello", "", SG_HTTP_PARSE_BAD},
        {"5\r\rhello", "", SG_HTTP_PARSE_BAD},
        {"5\r\nhelloX", "hello", SG_HTTP_PARSE_BAD},
        {"5\r\nhello\rX", "hello", SG_HTTP_PARSE_BAD},
        {"5\r\nhello\n", "hello", SG_HTTP_PARSE_BAD},
        {"5;a\nb\r\nhello", "", SG_HTTP_PARSE_BAD},
        {"g\r\n", "", SG_HTTP_PARSE_BAD},
        {"1000000000000000\r\n", "", SG_HTTP_PARSE_BAD},
        {"0000000000000001\r\n", "", SG_HTTP_PARSE_BAD},
        {"0\r\nX y\r\n\r\n", "", SG_HTTP_PARSE_BAD},
        {"0\r\n X: y\r\n\r\n", "", SG_HTTP_PARSE_BAD},
        {"0\r\nX: y\n\r\n", "", SG_HTTP_PARSE_BAD},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        for (size_t step = 1; step < 40; step++) {
            SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(100);
            bool done = false;
            size_t used = 0;
            int r = decode(cases[i].text, strlen(cases[i].text), step, &out, &done, &used);
            if (r != (cases[i].r < 0 ? 0 : cases[i].r))
                fail_msg("%s by %zu: %d", cases[i].text, step, r);
            assert_true(sg_bytes_equal(sg_buf_bytes(&out), sg_bytes_str(cases[i].body)));
            assert_int_equal(done, cases[i].r == 0);
        }
}

static void chunk_limits(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20), out = SG_BUF_INIT(1);
    uint8_t *at;
    bool done;
    size_t used;
    assert_int_equal(sg_buf_printf(&b, "0;"), 0);
    assert_int_equal(sg_buf_extend(&b, SG_HTTP_CHUNK_LINE_MAX, &at), 0);
    memset(at, 'x', SG_HTTP_CHUNK_LINE_MAX);
    assert_int_equal(decode((char *)b.data, b.len, 99, &out, &done, &used), SG_HTTP_PARSE_BAD);
    sg_buf_reset(&b);
    assert_int_equal(sg_buf_printf(&b, "0\r\n"), 0);
    for (int i = 0; i <= SG_HTTP_HEADERS_MAX; i++)
        assert_int_equal(sg_buf_printf(&b, "X: y\r\n"), 0);
    assert_int_equal(decode((char *)b.data, b.len, 99, &out, &done, &used), SG_HTTP_PARSE_LARGE);
    sg_buf_reset(&b);
    assert_int_equal(sg_buf_printf(&b, "0\r\nX: %040000d\r\n\r\n", 1), 0);
    assert_int_equal(decode((char *)b.data, b.len, 99, &out, &done, &used), SG_HTTP_PARSE_LARGE);
}

/* What comes after the body is left alone: it is the next request. */
static void bodies_end_where_they_end(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(100);
    bool done = false;
    size_t used = 0;
    static const char two[] = "1\r\na\r\n0\r\n\r\nGET /";
    assert_int_equal(decode(two, strlen(two), 99, &out, &done, &used), 0);
    assert_true(done);
    assert_int_equal(used, strlen(two) - 5);
    struct sg_http_body b;
    struct sg_bytes piece;
    sg_http_body_init(&b, SG_HTTP_LENGTH, 3);
    assert_int_equal(sg_http_body_plain(&b), 3);
    assert_int_equal(sg_http_body_feed(&b, SG_BYTES_LIT("abcGET"), &used, &piece), 0);
    assert_int_equal(used, 3);
    assert_true(b.done);
    sg_http_body_init(&b, SG_HTTP_LENGTH, 0);
    assert_true(b.done);
    sg_http_body_init(&b, SG_HTTP_UNTIL_CLOSE, 0);
    assert_int_equal(sg_http_body_feed(&b, SG_BYTES_LIT("abc"), &used, &piece), 0);
    assert_int_equal(piece.len, 3);
    assert_false(b.done);
}

/* ---- targets ---- */

static void targets(void **state)
{
    (void)state;
    static const struct {
        const char *method, *target, *path; /* path NULL: refused */
    } cases[] = {
        {"GET", "/", "/"},
        {"GET", "/v1/objects/evidence/a%20b%2Fc", "/v1/objects/evidence/a b/c"},
        {"GET", "/caf%C3%A9", "/caf\xc3\xa9"},
        {"GET", "/a//b/", "/a//b/"},
        {"GET", "/...", "/..."},
        {"GET", "/.well-known/x", "/.well-known/x"},
        {"GET", "http://Host:1/x?y", "/x"},
        {"GET", "https://host:1/x", "/x"},
        {"OPTIONS", "*", "*"},
        {"GET", "*", NULL},
        {"GET", "", NULL},
        {"GET", "v1", NULL},
        {"GET", "host:1", NULL},
        {"CONNECT", "host:1", NULL},
        {"GET", "http://other/x", NULL},
        {"GET", "http://u@host:1/x", NULL},
        {"GET", "http://host:1", NULL},
        {"GET", "ftp://host:1/x", NULL},
        {"GET", "/a/../b", NULL},
        {"GET", "/a/%2e%2e/b", NULL},
        {"GET", "/a/.%2E/b", NULL},
        {"GET", "/a/..%2fb", NULL},
        {"GET", "/a%2f..%2fb", NULL},
        {"GET", "/..", NULL},
        {"GET", "/.", NULL},
        {"GET", "/a/./b", NULL},
        {"GET", "/%", NULL},
        {"GET", "/%2", NULL},
        {"GET", "/%zz", NULL},
        {"GET", "/%00", NULL},
        {"GET", "/%0a", NULL},
        {"GET", "/%7f", NULL},
        {"GET", "/a\\b", NULL},
        {"GET", "/a#b", NULL},
        {"GET", "/a\"b", NULL},
        {"GET", "/{a}", NULL},
        {"GET", "/?a=%", NULL},
        {"GET", "/?%00=1", NULL},
        {"GET", "/?a=[1]", NULL},
    };
    struct sg_http_target t;
    sg_http_target_init(&t);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int r = sg_http_target_parse(&t, cases[i].method, cases[i].target, "host:1");
        if (r != (cases[i].path ? 0 : SG_HTTP_PARSE_BAD))
            fail_msg("%s: %d", cases[i].target, r);
        if (r == 0)
            assert_string_equal(sg_http_target_path(&t), cases[i].path);
    }
    assert_int_equal(
        sg_http_target_parse(&t, "GET", "/a?prefix=x%2by+z&flag&=e&prefix=2&&q=a/b?c", NULL), 0);
    assert_string_equal(sg_http_target_path(&t), "/a");
    assert_string_equal(sg_http_target_param(&t, "prefix"), "x+y z");
    assert_string_equal(sg_http_target_param(&t, "flag"), "");
    assert_string_equal(sg_http_target_param(&t, ""), "e");
    assert_string_equal(sg_http_target_param(&t, "q"), "a/b?c");
    assert_null(sg_http_target_param(&t, "pre"));
    sg_http_target_clear(&t);
}

static void nothing_is_smuggled_out(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1000);
    assert_int_equal(sg_http_put_field(&b, "X", "a\r\nY: b"), -EINVAL);
    assert_int_equal(sg_http_put_field(&b, "X", "a\nb"), -EINVAL);
    assert_int_equal(sg_http_put_field(&b, "X", " a"), -EINVAL);
    assert_int_equal(sg_http_put_field(&b, "X:", "a"), -EINVAL);
    assert_int_equal(sg_http_put_field(&b, "", "a"), -EINVAL);
    assert_int_equal(sg_http_put_request_line(&b, "GE T", "/"), -EINVAL);
    assert_int_equal(sg_http_put_request_line(&b, "GET", "/a b"), -EINVAL);
    assert_int_equal(sg_http_put_request_line(&b, "GET", "/\r\nX: y"), -EINVAL);
    assert_int_equal(sg_http_put_request_line(&b, "GET", ""), -EINVAL);
    assert_int_equal(sg_http_put_status_line(&b, 99), -EINVAL);
    assert_int_equal(b.len, 0);
    uint8_t head[SG_HTTP_CHUNK_HEAD];
    sg_http_chunk_head(head, 0xfff0);
    assert_memory_equal(head, "0000fff0\r\n", 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attacks_are_refused_in_any_cut),
        cmocka_unit_test(a_request_is_understood),
        cmocka_unit_test(http_1_0_closes_unless_asked),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(answers),
        cmocka_unit_test(chunked_bodies),
        cmocka_unit_test(chunk_limits),
        cmocka_unit_test(bodies_end_where_they_end),
        cmocka_unit_test(targets),
        cmocka_unit_test(nothing_is_smuggled_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
