/*
 * Services over HTTP on this machine: good, and bad in every way that the wire allows.
 */
#include "test-vendor-int.h"

#include <sealgrid/net/http.h>
#include <stdatomic.h>
#include <time.h>

#include "gather-int.h"
#include "transport-int.h"

static struct caller caller;
static struct sg_http_server *http;
static char base[64];

static enum {
    GOOD,
    SLOW,      /* the answer takes longer than anybody waits */
    DRIP,      /* begins in time and never ends */
    CUT,       /* the connection ends in the middle */
    OVERSIZED, /* more than any document has */
    ENDLESS,   /* as much, and does not say so before */
    REDIRECT,
    BUSY_ONCE,
} behaviour;
static _Atomic unsigned elsewhere; /* requests that a redirect led to */
static _Atomic bool release;

static void pause_ms(long ms)
{
    const struct timespec t = {.tv_nsec = ms * 1000000};
    nanosleep(&t, NULL);
}

static int hold(struct sg_http_exchange *x)
{
    while (!atomic_load(&release))
        pause_ms(5);
    return sg_http_reply(x, 200, NULL, SG_BYTES_LIT("late"));
}

static int drip(struct sg_http_exchange *x)
{
    int r = sg_http_reply_begin(x, 200, NULL);
    while (r == 0 && !atomic_load(&release)) {
        r = sg_http_reply_write(x, SG_BYTES_LIT("{"));
        if (r == 0)
            r = sg_http_reply_flush(x);
        pause_ms(20);
    }
    return r;
}

static int cut(struct sg_http_exchange *x)
{
    int r = sg_http_reply_begin(x, 200, NULL);
    if (r == 0)
        r = sg_http_reply_write(x, SG_BYTES_LIT("{\"tcbInfo\":{"));
    if (r == 0)
        r = sg_http_reply_flush(x);
    return r ? r : sg_raise(-EIO);
}

static int oversized(struct sg_http_exchange *x, bool says_so)
{
    static uint8_t data[5u << 20];
    memset(data, ' ', sizeof data);
    if (says_so)
        return sg_http_reply(x, 200, NULL, SG_BYTES_ARRAY(data));
    int r = sg_http_reply_begin(x, 200, NULL);
    if (r == 0)
        r = sg_http_reply_write(x, SG_BYTES_ARRAY(data));
    return r ? r : sg_http_reply_end(x);
}

static int redirect(struct sg_http_exchange *x)
{
    char where[128];
    snprintf(where, sizeof where, "%s/elsewhere", base);
    int r = sg_http_add_header(x, "Location", where);
    return r ? r : sg_http_reply(x, 302, NULL, SG_BYTES_NONE);
}

static int busy(struct sg_http_exchange *x)
{
    behaviour = GOOD;
    int r = sg_http_add_header(x, "Retry-After", "7");
    return r ? r : sg_http_reply(x, 429, NULL, SG_BYTES_NONE);
}

static int answer(struct sg_http_exchange *x)
{
    SG_CLEANUP(answer_clear) struct answer a = ANSWER_INIT;
    vendor_answer(&caller.vendor, sg_http_raw_target(x), &a);
    int r = 0;
    if (a.chain_header) {
        assert_int_equal(sg_buf_append_u8(&a.chain, 0), 0);
        r = sg_http_add_header(x, a.chain_header, (const char *)a.chain.data);
    }
    return r ? r : sg_http_reply(x, a.status, "application/octet-stream", sg_buf_bytes(&a.body));
}

static int handle(void *user, struct sg_http_exchange *x)
{
    (void)user;
    if (!strcmp(sg_http_path(x), "/elsewhere"))
        atomic_fetch_add(&elsewhere, 1);
    switch (behaviour) {
    case SLOW:
        return hold(x);
    case DRIP:
        return drip(x);
    case CUT:
        return cut(x);
    case OVERSIZED:
        return oversized(x, true);
    case ENDLESS:
        return oversized(x, false);
    case REDIRECT:
        return redirect(x);
    case BUSY_ONCE:
        return busy(x);
    default:
        return answer(x);
    }
}

static int set_up(void **state)
{
    const struct sg_http_server_options o = {.listen = "127.0.0.1:0", .workers = 2};
    (void)state;
    behaviour = GOOD;
    atomic_store(&release, false);
    atomic_store(&elsewhere, 0);
    assert_int_equal(sg_http_server_start(&http, &o, handle, NULL), 0);
    snprintf(base, sizeof base, "http://127.0.0.1:%u", sg_http_server_port(http));
    caller_new(&caller);
    caller.o.intel = caller.o.amd = base;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    atomic_store(&release, true);
    sg_http_server_stop(http, 100);
    sg_http_server_free(http);
    caller_clear(&caller);
    return 0;
}

static const struct sg_collateral_user user = {
    .user = &caller, .new_store = new_store, .take = take, .warn = warned};

static int try_gather(enum proof p)
{
    const struct sg_tee_needs n = needs_of(p);
    start_over(&caller);
    return sg_collateral_gather(&caller.o, &n, &user, &caller.report);
}

static void gather(enum proof p)
{
    assert_int_equal(try_gather(p), 0);
}

static void test_everything_from_the_services(void **state)
{
    (void)state;
    static const enum proof proofs[] = {SGX, TDX, SNP};
    for (size_t i = 0; i < sizeof proofs / sizeof proofs[0]; i++) {
        gather(proofs[i]);
        expect_quiet(&caller);
        assert_int_equal(caller.report.missing, 0);
        assert_true(caller.report.fetched > 0);
        expect_trusted(&caller, proofs[i]);
    }
    caller.o.connect = false;
    for (size_t i = 0; i < sizeof proofs / sizeof proofs[0]; i++) {
        gather(proofs[i]);
        assert_int_equal(caller.vendor.asked, 0);
        expect_trusted(&caller, proofs[i]);
    }
}

/* As caches of Intel's service are often named. */
static void test_the_path_may_be_part_of_the_name(void **state)
{
    (void)state;
    char named[96];
    snprintf(named, sizeof named, "%s/sgx/certification/v4/", base);
    caller.o.intel = named;
    gather(SGX);
    expect_quiet(&caller);
    expect_trusted(&caller, SGX);
}

static void test_bad_services(void **state)
{
    (void)state;
    enum { SHORT_MS = 100, LONG_MS = 20000 };
    static const struct {
        int how, request_ms;
        const char *text;
    } cases[] = {{SLOW, SHORT_MS, "in time"},   {DRIP, SHORT_MS, "in time"},
                 {CUT, LONG_MS, "is cut"},      {OVERSIZED, LONG_MS, "allowed"},
                 {ENDLESS, LONG_MS, "allowed"}, {REDIRECT, LONG_MS, "redirects are not"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        caller.o.request_ms = cases[i].request_ms;
        behaviour = (__typeof__(behaviour))cases[i].how;
        gather(SGX);
        expect_warning(&caller, "crl Intel SGX Root CA", cases[i].text);
        assert_int_equal(caller.report.missing, 4);
        assert_int_equal(caller.report.fetched, 0);
    }
    assert_int_equal(atomic_load(&elsewhere), 0);
}

static int waited_ms;
static void (*wait_really)(void *transport, int ms);

/* A thousand times as fast. */
static void wait_less(void *transport, int ms)
{
    waited_ms += ms;
    wait_really(transport, ms / 1000);
}

static void test_retry_after(void **state)
{
    (void)state;
    SG_CLEANUP(sg_transport_curl_freep) struct sg_transport_curl *curl = NULL;
    const struct sg_tee_needs n = needs_of(SNP);
    assert_int_equal(sg_transport_curl_new(&curl, &caller.o), 0);
    struct sg_transport t = sg_transport_curl_of(curl);
    wait_really = t.wait;
    t.wait = wait_less;
    waited_ms = 0;
    behaviour = BUSY_ONCE;
    start_over(&caller);
    assert_int_equal(sg_collateral_gather_over(&t, &caller.o, &n, &user, &caller.report), 0);
    expect_quiet(&caller);
    assert_int_equal(caller.report.fetched, 3);
    assert_int_equal(waited_ms, 7000);
    caller.o.total_ms = 5000; /* seven seconds are too long */
    caller.o.cache = NULL;
    behaviour = BUSY_ONCE;
    gather(SNP);
    expect_warning(&caller, "certificate SEV-Milan", "429");
}

static void test_nobody_there(void **state)
{
    (void)state;
    sg_http_server_stop(http, 0);
    gather(SGX);
    expect_warning(&caller, "crl Intel SGX Root CA", "cannot be reached");
    assert_int_equal(caller.report.missing, 4);
}

static void test_no_tls_where_tls_was_asked(void **state)
{
    (void)state;
    char tls[96];
    snprintf(tls, sizeof tls, "https%s", base + 4);
    caller.o.intel = tls;
    gather(SGX);
    expect_warning(&caller, "crl Intel SGX Root CA", "TLS");
}

static void test_the_environments_proxy_is_not_used(void **state)
{
    (void)state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    assert_int_equal(setenv("all_proxy", "http://127.0.0.1:1", 1), 0);
    gather(SGX);
    expect_quiet(&caller);
    caller.o.proxy = true;
    caller.o.cache = NULL;
    gather(SGX);
    expect_warning(&caller, "crl Intel SGX Root CA", "cannot be reached");
    unsetenv("http_proxy");
    unsetenv("all_proxy");
}

static void test_urls_that_are_not_allowed(void **state)
{
    (void)state;
    caller.o.intel = "http://192.0.2.1";
    assert_int_equal(try_gather(SGX), -EINVAL);
    caller.o.intel = NULL;
    caller.o.amd = "ftp://127.0.0.1";
    assert_int_equal(try_gather(SNP), -EINVAL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_everything_from_the_services),
        TEST(test_the_path_may_be_part_of_the_name),
        TEST(test_bad_services),
        TEST(test_retry_after),
        TEST(test_nobody_there),
        TEST(test_no_tls_where_tls_was_asked),
        TEST(test_the_environments_proxy_is_not_used),
        TEST(test_urls_that_are_not_allowed),
    };
    vendors_init();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vendors_clear();
    return failed;
}
