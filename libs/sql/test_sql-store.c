/* The same SQL over the real store in a folder of its own: in process, and through the record
 * service over HTTPS. */
#include "test-kv.h"

#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>
#include <sealgrid/kvs/service.h>
#include <sealgrid/kvs/store.h>

#include "../net/test-pki-int.h"

struct real {
    struct fixture f; /* memory and counts unused */
    char dir[64];
    struct sg_store *store;
    struct test_identity ca, kvsd, sqld;
    struct sg_tls_ctx *server_tls, *client_tls;
    struct sg_kv_service *records;
    struct sg_http_server *http;
    char connect[32];
};

static void store_open(struct real *t)
{
    static const uint8_t kek[32] = {1}, name_key[32] = {2};
    char paths[3][128];
    const char *volumes[3];
    for (int i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/v%d", t->dir, i);
        volumes[i] = paths[i];
    }
    struct sg_store_kek keks[] = {{1, SG_BYTES_ARRAY(kek)}};
    struct sg_store_bucket bucket = {.name = "metering",
                                     .policy = "replicas=2",
                                     .keks = keks,
                                     .n_keks = 1,
                                     .name_key = SG_BYTES_ARRAY(name_key)};
    struct sg_store_options o = {
        .volumes = volumes, .n_volumes = 3, .buckets = &bucket, .n_buckets = 1};
    sg_random_bytes(o.lease, sizeof(o.lease));
    assert_int_equal(sg_store_open(&t->store, &o), 0);
}

static int open_local(void *user, struct sg_kv **ret)
{
    struct real *t = user;
    return sg_kv_open_local(ret, t->store);
}

static int open_remote(void *user, struct sg_kv **ret)
{
    struct real *t = user;
    struct sg_kv_remote o = {
        .connect = t->connect, .tls = t->client_tls, .expect_uri = "spiffe://sealgrid/kvsd"};
    return sg_kv_open_remote(ret, &o);
}

static void engine_open(struct real *t, int (*open)(void *user, struct sg_kv **ret))
{
    struct sg_sql_engine_options o = {.open = open, .user = t};
    assert_int_equal(sg_sql_engine_new(&t->f.engine, &o), 0);
    assert_int_equal(sg_sql_open(&t->f.c, t->f.engine), 0);
}

static void engine_close(struct real *t)
{
    sg_sql_close(t->f.c);
    sg_sql_engine_free(t->f.engine);
}

static int real_setup(void **state)
{
    struct real *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    snprintf(t->dir, sizeof(t->dir), "/tmp/sealgrid-test-sql-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    store_open(t);
    *state = t;
    return 0;
}

static int real_teardown(void **state)
{
    struct real *t = *state;
    sg_store_close(t->store);
    assert_int_equal(sg_remove_tree(t->dir), 0);
    free(t);
    return 0;
}

static void serve(struct real *t)
{
    struct sg_kv_grant grant;
    assert_int_equal(sg_kv_grant_parse("spiffe://sealgrid/sqld metering read,write", &grant), 0);
    struct sg_kv_service_options o = {
        .open = open_local, .user = t, .grants = &grant, .n_grants = 1};
    assert_int_equal(sg_kv_service_new(&t->records, &o), 0);
    t->ca = test_issue(NULL, NULL, true);
    t->kvsd = test_issue(&t->ca, "spiffe://sealgrid/kvsd", false);
    t->sqld = test_issue(&t->ca, "spiffe://sealgrid/sqld", false);
    t->server_tls = test_context(&t->kvsd, &t->ca, true, SG_TLS_PEER_OPTIONAL);
    t->client_tls = test_context(&t->sqld, &t->ca, false, SG_TLS_PEER_REQUIRED);
    struct sg_http_server_options so = {
        .listen = "127.0.0.1:0", .tls = t->server_tls, .body_max = UINT64_C(1) << 30};
    assert_int_equal(sg_http_server_start(&t->http, &so, sg_kv_service_handle, t->records), 0);
    snprintf(t->connect, sizeof(t->connect), "127.0.0.1:%u", sg_http_server_port(t->http));
}

static void stop_serving(struct real *t)
{
    sg_http_server_stop(t->http, 1000);
    sg_http_server_free(t->http);
    sg_kv_service_free(t->records);
    sg_tls_ctx_free(t->server_tls);
    sg_tls_ctx_free(t->client_tls);
    test_identity_clear(&t->ca);
    test_identity_clear(&t->kvsd);
    test_identity_clear(&t->sqld);
}

static void exercise(struct fixture *f)
{
    expect_rows(f, "SELECT count(*) FROM reading", "0;");
    expect_done(f, "CREATE TABLE t (a INTEGER, b TEXT, c REAL, d BLOB, PRIMARY KEY (a, b))");
    expect_done(f, "CREATE TABLE p (k TEXT PRIMARY KEY, v INTEGER) PARTITION BY ()");
    expect_rows(f, "CREATE TABLE t (a INTEGER PRIMARY KEY)", "!table_exists");
    expect_done(f, "WITH RECURSIVE n(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM n WHERE x < 599) "
                   "INSERT INTO t SELECT x / 200, 'k' || (x % 200), x / 2.0, NULL FROM n");
    expect_rows(f, "SELECT count(*), sum(c) FROM t WHERE a = 1", "200 29950;");
    expect_rows(f, "SELECT b FROM t WHERE a = 1 AND b > 'k98' ORDER BY b", "'k99';");
    expect_rows(f, "SELECT b FROM t WHERE a = 1 AND b BETWEEN 'k10' AND 'k11' ORDER BY b DESC",
                "'k11';'k109';'k108';'k107';'k106';'k105';'k104';'k103';'k102';'k101';'k100';"
                "'k10';");
    expect_rows(f, "SELECT c FROM t WHERE a = 2 AND b = 'k7'", "203.5;");
    expect_rows(f, "SELECT a, count(*) FROM t GROUP BY a", "0 200;1 200;2 200;");
    expect_rows(f, "SELECT b FROM t WHERE a = 2 ORDER BY b DESC LIMIT 2", "'k99';'k98';");
    expect_rows(f, "SELECT a, b FROM t WHERE a >= 1 AND b = 'k5'", "1 'k5';2 'k5';");
    expect_rows(f, "INSERT INTO t VALUES (9, 'x', 1, x'00'), (1, 'k1', 0, NULL)", "!duplicate_key");
    expect_rows(f, "SELECT count(*) FROM t WHERE a = 9", "0;");
    expect_done(f, "UPDATE t SET c = c + 1, d = x'00ff' WHERE a = 1 AND b < 'k101'");
    expect_rows(f, "SELECT b, c, hex(d) FROM t WHERE a = 1 AND d IS NOT NULL",
                "'k0' 101 '00FF';'k1' 101.5 '00FF';'k10' 106 '00FF';'k100' 151 '00FF';");
    expect_done(f, "DELETE FROM t WHERE a = 0");
    expect_done(f, "DELETE FROM t WHERE a = 2 AND b <> 'k3'");
    expect_rows(f, "SELECT a, count(*) FROM t GROUP BY a", "1 200;2 1;");
    expect_done(f, "INSERT OR REPLACE INTO p VALUES ('x', 1), ('y', 2), ('x', 3)");
    expect_rows(f, "SELECT * FROM p", "'x' 3;'y' 2;");
    expect_rows(f, "SELECT t.a, p.v FROM t JOIN p ON p.v = t.a + 1 WHERE t.b = 'k3'", "1 2;2 3;");
    assert_int_equal(sg_sql_transaction_begin(f->c), 0);
    expect_done(f, "DELETE FROM p WHERE k = 'x'");
    expect_done(f, "INSERT INTO p VALUES ('x', 7)");
    expect_done(f, "UPDATE p SET v = v * 10");
    assert_int_equal(sg_sql_transaction_commit(f->c), 0);
    expect_rows(f, "SELECT * FROM p", "'x' 70;'y' 20;");
    expect_done(f, "DROP TABLE t");
    expect_done(f, "DROP TABLE p");
    expect_rows(f, "SELECT * FROM t", "!no_table");
}

static void t_in_process(void **state)
{
    struct real *t = *state;
    engine_open(t, open_local);
    exercise(&t->f);
    engine_close(t);
}

static void t_over_https(void **state)
{
    struct real *t = *state;
    serve(t);
    engine_open(t, open_remote);
    exercise(&t->f);
    engine_close(t);
    stop_serving(t);
}

/* What was written is there after the store was closed and opened again. */
static void t_reopened(void **state)
{
    struct real *t = *state;
    engine_open(t, open_local);
    expect_done(&t->f, "CREATE TABLE t (a INTEGER, b INTEGER, PRIMARY KEY (a, b))");
    expect_done(&t->f, "INSERT INTO t VALUES (1, 2), (3, 4)");
    engine_close(t);
    sg_store_close(t->store);
    store_open(t);
    engine_open(t, open_local);
    expect_rows(&t->f, "SELECT * FROM t", "1 2;3 4;");
    engine_close(t);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, real_setup, real_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {T(t_in_process), T(t_over_https), T(t_reopened)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
