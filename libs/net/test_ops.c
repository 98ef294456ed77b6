#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the four above first */
#include <cmocka.h>
#include <sealgrid/base/metrics.h>
#include <sealgrid/net/http.h>
#include <sealgrid/net/ops.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static _Atomic bool is_ready;

static bool ready(void *user)
{
    return atomic_load((_Atomic bool *)user);
}

static int get(struct sg_http_client *c, const char *method, const char *path, struct sg_buf *b)
{
    int status = 0;
    sg_buf_reset(b);
    assert_int_equal(sg_http_call(c, method, path, NULL, 0, SG_BYTES_NONE, &status, b), 0);
    assert_int_equal(sg_buf_append_u8(b, 0), 0);
    return status;
}

static void probes(void **state)
{
    (void)state;
    static struct sg_metric m = {.name = "sealgrid_test_total", .help = "a test"};
    sg_metric_register(&m);
    sg_metric_add(&m, 41);
    struct sg_ops *o = NULL;
    struct sg_http_client *c = NULL;
    char address[32];
    assert_int_equal(sg_ops_start(&o, "127.0.0.1:0", ready, &is_ready), 0);
    snprintf(address, sizeof(address), "127.0.0.1:%u", sg_ops_port(o));
    assert_int_equal(sg_http_client_new(&c, &(struct sg_http_client_options){.connect = address}),
                     0);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    assert_int_equal(get(c, "GET", "/healthz", &b), 200);
    assert_int_equal(get(c, "GET", "/readyz", &b), 503);
    atomic_store(&is_ready, true);
    assert_int_equal(get(c, "GET", "/readyz", &b), 200);
    assert_int_equal(get(c, "GET", "/metrics", &b), 200);
    assert_non_null(strstr((char *)b.data, "\nsealgrid_test_total 41\n"));
    assert_non_null(strstr((char *)b.data, "\nsealgrid_http_connections 1\n"));
    assert_non_null(strstr((char *)b.data, "\nsealgrid_http_replies_total{class=\"2xx\"} 2\n"));
    assert_non_null(strstr((char *)b.data, "\nsealgrid_http_replies_total{class=\"5xx\"} 1\n"));
    assert_int_equal(get(c, "GET", "/", &b), 404);
    assert_int_equal(get(c, "POST", "/metrics", &b), 405);
    assert_int_equal(get(c, "HEAD", "/metrics", &b), 200);
    assert_int_equal(b.len, 1);
    sg_http_client_free(c);
    sg_ops_free(o);
}

static void only_on_loopback(void **state)
{
    (void)state;
    struct sg_ops *o = NULL;
    assert_int_equal(sg_ops_start(&o, "0.0.0.0:0", NULL, NULL), -EINVAL);
    assert_int_equal(sg_ops_start(&o, "10.0.0.1:80", NULL, NULL), -EINVAL);
    assert_int_equal(sg_ops_start(&o, "127.0.0.1", NULL, NULL), -EINVAL);
    assert_null(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probes),
        cmocka_unit_test(only_on_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
