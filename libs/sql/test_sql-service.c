/* Round trips over HTTPS with certificates of a test CA, on loopback. */
#include "test-kv.h"

#include <jansson.h>

#include <sealgrid/net/http.h>
#include <sealgrid/sql/service.h>

#include "../net/test-pki-int.h"
#include "access-int.h"

#define READER_KEY "reader-key-0123456789abcdefghijklmnopqrstuvw"
#define ADMIN_KEY  "admin-key-0123456789abcdefghijklmnopqrstuvwx"

struct front {
    struct fixture *f;
    struct sg_sql_service *service;
    struct test_identity ca, server, operator, kvsd;
    struct sg_tls_ctx *server_tls;
    struct sg_http_server *http;
    char connect[32];
    _Atomic int updates;
};

static int front_new(void **state, int timeout_ms)
{
    struct front *t = calloc(1, sizeof(*t));
    t->f = fixture_new();
    struct sg_sql_grant grants[3];
    assert_int_equal(sg_sql_grant_parse("key:reader reader", &grants[0]), 0);
    assert_int_equal(sg_sql_grant_parse("key:admin  admin", &grants[1]), 0);
    assert_int_equal(sg_sql_grant_parse("spiffe://sealgrid/operator admin", &grants[2]), 0);
    struct sg_api_key keys[] = {{"reader", SG_BYTES_LIT(READER_KEY)},
                                {"admin", SG_BYTES_LIT(ADMIN_KEY)},
                                {"idle", SG_BYTES_LIT("a key without any grant")}};
    struct sg_sql_service_options o = {.engine = t->f->engine,
                                       .grants = grants,
                                       .n_grants = 3,
                                       .api_keys = keys,
                                       .n_api_keys = 3,
                                       .body_max = 65536,
                                       .timeout_ms = timeout_ms};
    assert_int_equal(sg_sql_service_new(&t->service, &o), 0);
    t->ca = test_issue(NULL, NULL, true);
    t->server = test_issue(&t->ca, "spiffe://sealgrid/sqld", false);
    t->operator= test_issue(&t->ca, "spiffe://sealgrid/operator", false);
    t->kvsd = test_issue(&t->ca, "spiffe://sealgrid/kvsd", false);
    t->server_tls = test_context(&t->server, &t->ca, true, SG_TLS_PEER_OPTIONAL);
    struct sg_http_server_options so = {
        .listen = "127.0.0.1:0", .tls = t->server_tls, .workers = 4};
    assert_int_equal(sg_http_server_start(&t->http, &so, sg_sql_service_handle, t->service), 0);
    snprintf(t->connect, sizeof(t->connect), "127.0.0.1:%u", sg_http_server_port(t->http));
    *state = t;
    return 0;
}

static int front_setup(void **state)
{
    return front_new(state, 60000);
}

static int hurried_setup(void **state)
{
    return front_new(state, 300);
}

static int front_teardown(void **state)
{
    struct front *t = *state;
    sg_http_server_stop(t->http, 1000);
    sg_http_server_free(t->http);
    sg_tls_ctx_free(t->server_tls);
    sg_sql_service_free(t->service);
    fixture_free(t->f);
    test_identity_clear(&t->ca);
    test_identity_clear(&t->server);
    test_identity_clear(&t->operator);
    test_identity_clear(&t->kvsd);
    free(t);
    return 0;
}

/* identity NULL: anonymous; key NULL: no Authorization.  The answer's status, its body in *ret. */
static int post(struct front *t, const struct test_identity *identity, const char *authorization,
                const char *body, struct sg_buf *ret)
{
    SG_CLEANUP(sg_tls_ctx_freep)
    struct sg_tls_ctx *tls = test_context(identity, &t->ca, false, SG_TLS_PEER_REQUIRED);
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *c = NULL;
    struct sg_http_client_options o = {
        .connect = t->connect, .tls = tls, .expect_uri = "spiffe://sealgrid/sqld"};
    struct sg_http_field field = {"Authorization", authorization};
    int status = 0;
    assert_int_equal(sg_http_client_new(&c, &o), 0);
    sg_buf_reset(ret);
    assert_int_equal(sg_http_call(c, "POST", "/v1/sql", &field, authorization ? 1 : 0,
                                  sg_bytes_str(body), &status, ret),
                     0);
    assert_int_equal(sg_buf_append_u8(ret, 0), 0);
    return status;
}

static struct sg_buf answer = SG_BUF_INIT(64 << 20);

static void expect_answer(struct front *t, const char *key, const char *body, int status,
                          const char *text)
{
    int got = post(t, NULL, key, body, &answer);
    if (got != status || !strstr((const char *)answer.data, text))
        fail_msg("%s: %d %.500s", body, got, (const char *)answer.data);
}

#define READER "Bearer " READER_KEY
#define ADMIN  "bearer " ADMIN_KEY

static void t_round_trip(void **state)
{
    struct front *t = *state;
    expect_answer(t, ADMIN, "{\"sql\":\"CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)\"}", 200,
                  "\"rowcount\":0}");
    expect_answer(t, ADMIN,
                  "{\"sql\":\"INSERT INTO t VALUES (?, ?), (2, 'y')\",\"params\":[1,\"x\"]}", 200,
                  "\"rowcount\":2}");
    expect_answer(t, READER, "{\"sql\":\"SELECT * FROM t ORDER BY a\"}", 200,
                  "{\"columns\":[{\"name\":\"a\",\"type\":\"INTEGER\"},{\"name\":\"b\",\"type\":"
                  "\"TEXT\"}],\"rows\":[[1,\"x\"],[2,\"y\"]],\"rowcount\":2}\n");
    expect_answer(t, ADMIN, "{\"sql\":\"INSERT INTO t VALUES (1, 'z')\"}", 409, "\"23505\"");
    expect_answer(t, READER, "{\"sql\":\"SELECT nosuch FROM t\"}", 400, "\"42703\"");
    expect_answer(t, READER, "{\"sql\":\"SELECT * FROM nosuch\"}", 400, "\"42P01\"");
    expect_answer(t, READER, "not json", 400, "\"08P01\"");
}

static void t_who_may(void **state)
{
    struct front *t = *state;
    const char *select = "{\"sql\":\"SELECT 1\"}";
    const char *create = "{\"sql\":\"CREATE TABLE t (a INTEGER PRIMARY KEY)\"}";
    expect_answer(t, NULL, select, 401, "\"28000\"");
    expect_answer(t, "Bearer " READER_KEY "x", select, 401, "\"28000\"");
    expect_answer(t, "Bearer", select, 401, "\"28000\"");
    expect_answer(t, "Basic " READER_KEY, select, 401, "\"28000\"");
    expect_answer(t, "Bearer a key without any grant", select, 403, "\"42501\"");
    expect_answer(t, READER, create, 403, "\"42501\"");
    assert_int_equal(post(t, &t->kvsd, NULL, select, &answer), 403);
    assert_int_equal(post(t, &t->operator, NULL, create, &answer), 200);
    /* A key that is shown decides, whatever the certificate would allow. */
    assert_int_equal(post(t, &t->operator, "Bearer wrong-key-wrong-key", select, &answer), 401);
}

static void t_transaction(void **state)
{
    struct front *t = *state;
    expect_answer(t, ADMIN, "{\"sql\":\"CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)\"}", 200,
                  "rowcount");
    expect_answer(t, ADMIN,
                  "{\"statements\":[{\"sql\":\"INSERT INTO t VALUES (1,'x'),(2,'y')\"},"
                  "{\"sql\":\"UPDATE t SET b = ? WHERE a = 2\",\"params\":[\"z\"]},"
                  "{\"sql\":\"SELECT * FROM t\"}]}",
                  200, "{\"results\":[{\"rowcount\":2},{\"rowcount\":1},{\"rowcount\":2}]}");
    expect_answer(t, ADMIN,
                  "{\"statements\":[{\"sql\":\"DELETE FROM t\"},{\"sql\":\"SELECT nosuch\"}]}", 400,
                  "42703");
    expect_answer(t, READER, "{\"sql\":\"SELECT b FROM t ORDER BY a\"}", 200, "[[\"x\"],[\"z\"]]");
    expect_answer(t, READER, "{\"statements\":[{\"sql\":\"DELETE FROM t\"}]}", 403, "42501");
}

static void t_timeout(void **state)
{
    struct front *t = *state;
    expect_answer(t, READER,
                  "{\"sql\":\"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
                  "SELECT max(x) FROM n\"}",
                  504, "57014");
}

static void t_large_request(void **state)
{
    struct front *t = *state;
    static char large[70000];
    memset(large, ' ', sizeof(large) - 1);
    assert_int_equal(post(t, NULL, READER, large, &answer), 413);
}

static void t_large_result(void **state)
{
    struct front *t = *state;
    const char *sql = "{\"sql\":\"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n "
                      "WHERE x < 100000) SELECT x, x * x, 'text' FROM n\"}";
    expect_answer(t, READER, sql, 200, "\"rowcount\":100000}");
    json_t *root = json_loads((const char *)answer.data, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(root, "rows")), 100000);
    json_decref(root);
}

static void t_store_gone_and_back(void **state)
{
    struct front *t = *state;
    expect_answer(t, ADMIN, "{\"sql\":\"CREATE TABLE t (a INTEGER PRIMARY KEY)\"}", 200, "0}");
    __atomic_store_n(&t->f->n.fail, 1000, __ATOMIC_RELAXED);
    expect_answer(t, READER, "{\"sql\":\"SELECT * FROM t\"}", 503, "57P03");
    __atomic_store_n(&t->f->n.fail, 0, __ATOMIC_RELAXED);
    expect_answer(t, READER, "{\"sql\":\"SELECT * FROM t\"}", 200, "\"rowcount\":0}");
}

static void *hammer(void *user)
{
    struct front *t = user;
    SG_CLEANUP(sg_tls_ctx_freep)
    struct sg_tls_ctx *tls = test_context(NULL, &t->ca, false, SG_TLS_PEER_REQUIRED);
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *c = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    struct sg_http_client_options o = {
        .connect = t->connect, .tls = tls, .expect_uri = "spiffe://sealgrid/sqld"};
    struct sg_http_field field = {"Authorization", ADMIN};
    assert_int_equal(sg_http_client_new(&c, &o), 0);
    for (int i = 0; i < 40; i++) {
        static const char *const bodies[] = {
            "{\"sql\":\"CREATE TABLE IF NOT EXISTS h (a INTEGER PRIMARY KEY, n INTEGER)\"}",
            "{\"sql\":\"INSERT OR IGNORE INTO h VALUES (1, 0)\"}",
            "{\"sql\":\"UPDATE h SET n = n + 1\"}",
            "{\"sql\":\"SELECT * FROM h\"}",
        };
        int status = 0;
        sg_buf_reset(&b);
        assert_int_equal(
            sg_http_call(c, "POST", "/v1/sql", &field, 1, sg_bytes_str(bodies[i % 4]), &status, &b),
            0);
        assert_true(status == 200 || status == 409); /* 409: another thread was first */
        if (status == 200 && i % 4 == 2)
            atomic_fetch_add(&t->updates, 1);
    }
    return NULL;
}

/* Statements of several clients at once: every update that was acknowledged counts. */
static void t_many_at_once(void **state)
{
    struct front *t = *state;
    pthread_t threads[4];
    char expected[64];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, t), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    snprintf(expected, sizeof(expected), "[[%d]]", atomic_load(&t->updates));
    expect_answer(t, READER, "{\"sql\":\"SELECT n FROM h\"}", 200, expected);
}

static void t_paths_and_methods(void **state)
{
    struct front *t = *state;
    SG_CLEANUP(sg_tls_ctx_freep)
    struct sg_tls_ctx *tls = test_context(NULL, &t->ca, false, SG_TLS_PEER_REQUIRED);
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *c = NULL;
    struct sg_http_client_options o = {
        .connect = t->connect, .tls = tls, .expect_uri = "spiffe://sealgrid/sqld"};
    int status = 0;
    assert_int_equal(sg_http_client_new(&c, &o), 0);
    assert_int_equal(sg_http_call(c, "GET", "/v1/sql", NULL, 0, SG_BYTES_NONE, &status, &answer),
                     0);
    assert_int_equal(status, 405);
    assert_int_equal(sg_http_call(c, "POST", "/", NULL, 0, SG_BYTES_NONE, &status, &answer), 0);
    assert_int_equal(status, 404);
}

static void t_grants(void **state)
{
    (void)state;
    struct sg_sql_grant g;
    static const char *const bad[] = {"",         "key:x",       "key: reader",
                                      "x reader", "key:x owner", "spiffe://a reader admin"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_true(sg_sql_grant_parse(bad[i], &g) < 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, front_setup, front_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(t_round_trip),
        T(t_who_may),
        T(t_transaction),
        T(t_large_request),
        cmocka_unit_test_setup_teardown(t_timeout, hurried_setup, front_teardown),
        T(t_large_result),
        T(t_store_gone_and_back),
        T(t_many_at_once),
        T(t_paths_and_methods),
        cmocka_unit_test(t_grants),
    };
    int r = cmocka_run_group_tests(tests, NULL, NULL);
    sg_buf_clear(&answer);
    return r;
}
