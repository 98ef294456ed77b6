/* kv service and its client over loopback TLS: the suite of kv.h, then who may do what, what bad
 * requests get, and what a client makes of answers that are cut or damaged. */
#include "kv-suite-int.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/kvs/memory.h>
#include <sealgrid/kvs/service.h>

#include "record-stream-int.h"

#define AUTHD   "spiffe://sealgrid/authd"
#define KVSD    "spiffe://sealgrid/kvsd"
#define API_KEY "an api key of thirty-two octets!"

struct identity {
    struct sg_cert *cert;
    struct sg_key *key;
};

static struct {
    struct sg_kv_memory *memory;
    struct sg_kv_service *service;
    struct sg_http_server *server;
    struct identity ca, kvsd, authd, operator, sqld;
    struct sg_tls_ctx *server_tls, *authd_tls, *operator_tls, *sqld_tls, *anonymous_tls;
    char address[32];
} t;

/* ---- set-up ---- */

static int issue(struct identity *ret, const char *uri)
{
    bool ca = !uri;
    int64_t now = sg_clock_unix_s();
    const struct sg_cert_request request = {.common_name = "test",
                                            .uri = uri,
                                            .not_before_s = now - 60,
                                            .not_after_s = now + 3600,
                                            .ca = ca,
                                            .server = !ca,
                                            .client = !ca};
    int r = sg_key_generate(&ret->key, SG_KEY_P256);
    return r < 0 ? r
                 : sg_cert_issue(&ret->cert, &request, ret->key, ca ? NULL : t.ca.cert,
                                 ca ? ret->key : t.ca.key);
}

static int context(struct sg_tls_ctx **ret, const struct identity *who, bool server,
                   enum sg_tls_peer peer)
{
    const struct sg_tls_identity id = {.cert = who ? who->cert : NULL,
                                       .key = who ? who->key : NULL,
                                       .roots = &t.ca.cert,
                                       .n_roots = 1};
    return sg_tls_ctx_new(ret, &id, server, peer);
}

static int make_identities(void)
{
    int r = issue(&t.ca, NULL);
    if (r == 0)
        r = issue(&t.kvsd, KVSD);
    if (r == 0)
        r = issue(&t.authd, AUTHD);
    if (r == 0)
        r = issue(&t.operator, "spiffe://sealgrid/operator");
    if (r == 0)
        r = issue(&t.sqld, "spiffe://sealgrid/sqld");
    if (r == 0)
        r = context(&t.server_tls, &t.kvsd, true, SG_TLS_PEER_OPTIONAL);
    if (r == 0)
        r = context(&t.authd_tls, &t.authd, false, SG_TLS_PEER_REQUIRED);
    if (r == 0)
        r = context(&t.operator_tls, &t.operator, false, SG_TLS_PEER_REQUIRED);
    if (r == 0)
        r = context(&t.sqld_tls, &t.sqld, false, SG_TLS_PEER_REQUIRED);
    return r ? r : context(&t.anonymous_tls, NULL, false, SG_TLS_PEER_REQUIRED);
}

static int open_session(void *user, struct sg_kv **ret)
{
    return sg_kv_open_memory(ret, user);
}

static int volumes(void *user, struct sg_http_exchange *x)
{
    return sg_http_reply(x, 200, "application/json", sg_bytes_str(user));
}

static char no_volumes[] = "{\"volumes\":[]}";

static int start_service(void)
{
    struct sg_kv_grant grants[5];
    static const char *const texts[] = {AUTHD " metering read,write", AUTHD " evidence read,write",
                                        "spiffe://sealgrid/operator * read,write,admin",
                                        "spiffe://sealgrid/sqld metering read",
                                        "key:grafana metering read"};
    for (size_t i = 0; i < 5; i++)
        if (sg_kv_grant_parse(texts[i], &grants[i]) != 0)
            return -1;
    const struct sg_api_key key = {"grafana", SG_BYTES_LIT(API_KEY)};
    const struct sg_kv_service_options o = {.open = open_session,
                                            .user = t.memory,
                                            .grants = grants,
                                            .n_grants = 5,
                                            .api_keys = &key,
                                            .n_api_keys = 1,
                                            .admin_volumes = volumes,
                                            .admin_user = no_volumes,
                                            .object_max = 8u << 20};
    return sg_kv_service_new(&t.service, &o);
}

static int setup(void **state)
{
    const struct sg_http_server_options o = {
        .listen = "127.0.0.1:0", .workers = 3, .idle_timeout_ms = 2000};
    struct sg_http_server_options with_tls = o;
    if (make_identities() != 0 || sg_kv_memory_new(&t.memory) != 0 || start_service() != 0)
        return -1;
    with_tls.tls = t.server_tls;
    if (sg_http_server_start(&t.server, &with_tls, sg_kv_service_handle, t.service) != 0)
        return -1;
    snprintf(t.address, sizeof(t.address), "127.0.0.1:%u", sg_http_server_port(t.server));
    const struct sg_kv_remote remote = {
        .connect = t.address, .tls = t.authd_tls, .expect_uri = KVSD};
    struct sg_kv *kv = NULL;
    if (sg_kv_open_remote(&kv, &remote) != 0)
        return -1;
    *state = kv;
    return 0;
}

static void identity_clear(struct identity *i)
{
    sg_cert_free(i->cert);
    sg_key_free(i->key);
}

static int teardown(void **state)
{
    sg_kv_free(*state);
    sg_http_server_stop(t.server, 1000);
    sg_http_server_free(t.server);
    sg_kv_service_free(t.service);
    sg_kv_memory_free(t.memory);
    sg_tls_ctx_free(t.server_tls);
    sg_tls_ctx_free(t.authd_tls);
    sg_tls_ctx_free(t.operator_tls);
    sg_tls_ctx_free(t.sqld_tls);
    sg_tls_ctx_free(t.anonymous_tls);
    identity_clear(&t.ca);
    identity_clear(&t.kvsd);
    identity_clear(&t.authd);
    identity_clear(&t.operator);
    identity_clear(&t.sqld);
    return 0;
}

static struct sg_kv *open_as(struct sg_tls_ctx *tls, const char *api_key)
{
    const struct sg_kv_remote o = {
        .connect = t.address, .tls = tls, .expect_uri = KVSD, .api_key = api_key};
    struct sg_kv *kv = NULL;
    assert_int_equal(sg_kv_open_remote(&kv, &o), 0);
    return kv;
}

/* ---- access ---- */

static void test_readers_may_not_write(void **state)
{
    SG_CLEANUP(sg_kv_freep) struct sg_kv *sqld = open_as(t.sqld_tls, NULL);
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(64);
    struct suite_key k;
    struct sg_kv_key key = suite_key(&k, 50, 1, 1);
    assert_int_equal(suite_write(*state, SG_KV_PUT, key, "v", NULL), 0);
    suite_expect(sqld, key, "v");
    assert_int_equal(suite_write(sqld, SG_KV_PUT, key, "w", NULL), SG_KV_DENIED);
    assert_int_equal(suite_write(sqld, SG_KV_DELETE, key, NULL, NULL), SG_KV_DENIED);
    assert_int_equal(sg_kv_object_get(sqld, "evidence", "x", &out), SG_KV_DENIED);
    assert_int_equal(sg_kv_object_put(sqld, "metering", "x", SG_BYTES_NONE), SG_KV_DENIED);
    suite_expect(*state, key, "v");
}

static void test_only_admins_create_buckets(void **state)
{
    SG_CLEANUP(sg_kv_freep) struct sg_kv *operator= open_as(t.operator_tls, NULL);
    assert_int_equal(sg_kv_bucket_create(*state, "new-one", "replicas=3"), SG_KV_DENIED);
    assert_int_equal(sg_kv_bucket_create(operator, "new-one", "replicas=3"), 0);
    assert_int_equal(sg_kv_bucket_create(operator, "new-one", "replicas=3"), 0);
    assert_int_equal(sg_kv_bucket_create(operator, "new-one", "ec=6+2"), SG_KV_CONFLICT);
}

static void test_api_keys(void **state)
{
    SG_CLEANUP(sg_kv_freep) struct sg_kv *right = open_as(t.anonymous_tls, API_KEY);
    SG_CLEANUP(sg_kv_freep) struct sg_kv *wrong = open_as(t.anonymous_tls, API_KEY "?");
    SG_CLEANUP(sg_kv_freep) struct sg_kv *none = open_as(t.anonymous_tls, NULL);
    /* A certificate does not make a wrong key good. */
    SG_CLEANUP(sg_kv_freep) struct sg_kv *both = open_as(t.authd_tls, API_KEY "?");
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(64);
    struct suite_key k;
    struct sg_kv_key key = suite_key(&k, 51, 1, 1);
    assert_int_equal(suite_write(*state, SG_KV_PUT, key, "v", NULL), 0);
    suite_expect(right, key, "v");
    assert_int_equal(suite_write(right, SG_KV_PUT, key, "w", NULL), SG_KV_DENIED);
    assert_int_equal(sg_kv_get(wrong, SUITE_BUCKET, key, &out), -EACCES);
    assert_int_equal(sg_kv_get(none, SUITE_BUCKET, key, &out), -EACCES);
    assert_int_equal(sg_kv_get(both, SUITE_BUCKET, key, &out), -EACCES);
}

static void test_another_server_is_refused(void **state)
{
    (void)state;
    const struct sg_kv_remote o = {
        .connect = t.address, .tls = t.authd_tls, .expect_uri = "spiffe://sealgrid/another"};
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(64);
    struct suite_key k;
    assert_int_equal(sg_kv_open_remote(&kv, &o), 0);
    assert_true(sg_kv_get(kv, SUITE_BUCKET, suite_key(&k, 1, 1, 1), &out) < 0);
}

static void test_grants(void **state)
{
    (void)state;
    struct sg_kv_grant g = {.verbs = 99};
    static const char *const bad[] = {"",
                                      "spiffe://x/y",
                                      "spiffe://x/y metering",
                                      "spiffe://x/y metering ",
                                      "spiffe://x/y metering read,",
                                      "spiffe://x/y metering readwrite",
                                      "spiffe://x/y UPPER read",
                                      "somebody metering read",
                                      "key: metering read"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(sg_kv_grant_parse(bad[i], &g), -EINVAL);
        assert_int_equal(g.verbs, 99);
    }
    assert_int_equal(sg_kv_grant_parse("key:a  *  admin,read", &g), 0);
    assert_string_equal(g.who, "key:a");
    assert_string_equal(g.bucket, "*");
    assert_int_equal(g.verbs, SG_KV_READ | SG_KV_ADMIN);
}

/* ---- raw requests ---- */

struct answer {
    int status;
    struct sg_buf body;
};

static struct answer ask(struct sg_tls_ctx *tls, const char *method, const char *target,
                         struct sg_bytes body)
{
    const struct sg_http_client_options o = {.connect = t.address, .tls = tls, .expect_uri = KVSD};
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *c = NULL;
    struct answer a = {.body = SG_BUF_INIT(1u << 20)};
    assert_int_equal(sg_http_client_new(&c, &o), 0);
    assert_int_equal(sg_http_call(c, method, target, NULL, 0, body, &a.status, &a.body), 0);
    assert_int_equal(sg_buf_append_u8(&a.body, 0), 0);
    return a;
}

static void expect_answer(struct sg_tls_ctx *tls, const char *method, const char *target,
                          struct sg_bytes body, int status, const char *word)
{
    struct answer a = ask(tls, method, target, body);
    if (a.status != status || !strstr((const char *)a.body.data, word))
        print_error("%s %s: %d %s\n", method, target, a.status, (const char *)a.body.data);
    assert_int_equal(a.status, status);
    assert_non_null(strstr((const char *)a.body.data, word));
    sg_buf_clear(&a.body);
}

static void test_paths(void **state)
{
    (void)state;
    struct sg_tls_ctx *op = t.operator_tls;
    const struct sg_bytes none = SG_BYTES_NONE;
    expect_answer(op, "GET", "/", none, 404, "not_found");
    expect_answer(op, "POST", "/v1/kv/metering", none, 404, "not_found");
    expect_answer(op, "POST", "/v1/kv//get", none, 404, "not_found");
    expect_answer(op, "POST", "/v1/kv/metering/drop", none, 404, "not_found");
    expect_answer(op, "GET", "/v1/kv/metering/get", none, 405, "bad_method");
    expect_answer(op, "POST", "/v1/objects/metering/x", none, 405, "bad_method");
    expect_answer(op, "POST", "/v1/kv/Metering/get", none, 400, "bad_name");
    expect_answer(op, "PUT", "/v1/objects/metering/a%0Ab", none, 400, "bad_request");
    expect_answer(op, "PUT", "/v1/objects/metering/%ff", none, 400, "bad_name");
    expect_answer(op, "PUT", "/v1/buckets/abc", SG_BYTES_LIT("{}"), 400, "bad_policy");
    expect_answer(op, "PUT", "/v1/buckets/abc", SG_BYTES_LIT("{\"policy\":3}"), 400, "bad_policy");
    expect_answer(op, "POST", "/v1/admin/scrub", none, 404, "not_found");
    expect_answer(op, "GET", "/v1/admin/volumes", none, 200, "volumes");
    expect_answer(t.authd_tls, "GET", "/v1/admin/volumes", none, 403, "denied");
    expect_answer(t.anonymous_tls, "GET", "/", none, 401, "unauthenticated");
}

static void test_bad_streams(void **state)
{
    (void)state;
    struct sg_tls_ctx *tls = t.authd_tls;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    struct sg_records_writer w;
    struct suite_key k;
    const struct sg_kv_op op = {
        .kind = SG_KV_PUT, .key = suite_key(&k, 52, 1, 1), .value = SG_BYTES_LIT("v")};
    assert_int_equal(sg_records_begin(&w, &b, SG_RECORDS_BATCH), 0);
    assert_int_equal(sg_records_put_op(&w, &op), 0);
    assert_int_equal(sg_records_end(&w), 0);
    /* Each cut, whatever Content-Length says, is refused and writes nothing. */
    for (size_t len = 0; len < b.len; len += 5)
        expect_answer(tls, "POST", "/v1/kv/metering/batch", SG_BYTES(b.data, len), 400,
                      "bad_stream");
    expect_answer(tls, "POST", "/v1/kv/metering/get", sg_buf_bytes(&b), 400, "bad_stream");
    suite_expect(*state, op.key, NULL);
    expect_answer(tls, "POST", "/v1/kv/metering/batch", sg_buf_bytes(&b), 200, "SGRS");
    suite_expect(*state, op.key, "v");
}

static void test_large_bodies(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(20u << 20);
    assert_int_equal(sg_buf_append_zeros(&b, 9u << 20), 0);
    expect_answer(t.authd_tls, "PUT", "/v1/objects/evidence/big", sg_buf_bytes(&b), 413, "large");
    expect_answer(t.authd_tls, "POST", "/v1/kv/metering/get", SG_BYTES(b.data, 9000), 413, "large");
}

/* ---- answers that end badly ---- */

static void test_damage_after_some_rows(void **state)
{
    struct sg_kv *kv = *state;
    struct sg_kv_scan *scan = NULL;
    struct sg_bytes sort, value;
    uint8_t p[9];
    const struct sg_kv_range range = {.table = 53, .partition = suite_integer(p, 1)};
    suite_fill(kv, 53, 1, 5);
    for (int good = 0; good < 4; good += 3) {
        sg_kv_memory_damage_after(t.memory, good);
        int r = sg_kv_scan_open(&scan, kv, SUITE_BUCKET, &range);
        for (int i = 0; r == 0 && i < good; i++)
            assert_int_equal(sg_kv_scan_next(scan, &sort, &value), 0);
        if (r == 0) {
            assert_int_equal(sg_kv_scan_next(scan, &sort, &value), SG_KV_DAMAGED);
            sg_kv_scan_free(scan);
        } else {
            assert_int_equal(r, SG_KV_DAMAGED);
        }
    }
    sg_kv_memory_damage_after(t.memory, -1);
    suite_expect_rows(kv, &range, 0, 1, 5);
}

/* A server that says what it is told to. */
static int say(void *user, struct sg_http_exchange *x)
{
    return sg_http_reply(x, 200, "application/vnd.sealgrid.records", *(struct sg_bytes *)user);
}

static int scan_all(struct sg_kv *kv)
{
    struct sg_kv_scan *scan = NULL;
    struct sg_bytes sort, value;
    const struct sg_kv_range range = {.table = 1};
    int r = sg_kv_scan_open(&scan, kv, SUITE_BUCKET, &range);
    while (r == 0)
        r = sg_kv_scan_next(scan, &sort, &value);
    sg_kv_scan_free(scan);
    return r;
}

static void test_rows_of_a_server_that_lies(void **state)
{
    (void)state;
    static const struct {
        struct sg_bytes said;
        int want;
    } cases[] = {
        {SG_BYTES_LIT("SGRS\1\6\6\2\1a\17\1\1"), SG_KV_NOT_FOUND}, /* one row, well ended */
        {SG_BYTES_LIT("SGRS\1\6\6\2\1a"), -EIO},                   /* end withheld */
        {SG_BYTES_LIT("SGRS\1\6\6\2\1"), -EIO},                    /* cut within a row */
        {SG_BYTES_LIT("SGRS\1\6\17\1\1"), -EBADMSG},               /* a row withheld */
        {SG_BYTES_LIT("SGRS\1\6\6\2\1a\17\1\1x"), -EBADMSG},       /* and then some */
        {SG_BYTES_LIT("SGRS\1\6\6\2\1a\16\7\0failure"), -EBADMSG}, /* item longer than it says */
        {SG_BYTES_LIT("SGRS\1\6\6\2\1a\16\10\0failure"), -EIO},    /* the server's own failure */
        {SG_BYTES_LIT("SGRS\1\6\6\2\1a\16\10\5damaged"), SG_KV_DAMAGED},
        {SG_BYTES_LIT(""), -EIO},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        SG_CLEANUP(sg_http_server_freep) struct sg_http_server *server = NULL;
        SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
        struct sg_bytes said = cases[i].said;
        char address[32];
        const struct sg_http_server_options o = {.listen = "127.0.0.1:0", .workers = 1};
        assert_int_equal(sg_http_server_start(&server, &o, say, &said), 0);
        snprintf(address, sizeof(address), "127.0.0.1:%u", sg_http_server_port(server));
        const struct sg_kv_remote remote = {.connect = address};
        assert_int_equal(sg_kv_open_remote(&kv, &remote), 0);
        assert_int_equal(scan_all(kv), cases[i].want);
        sg_kv_free(TAKE_PTR(kv));
        sg_http_server_stop(server, 100);
    }
}

static void test_a_busy_session_says_so(void **state)
{
    struct sg_kv *kv = *state;
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *scan = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(64);
    struct suite_key k;
    const struct sg_kv_range range = {.table = 54};
    assert_int_equal(sg_kv_scan_open(&scan, kv, SUITE_BUCKET, &range), 0);
    assert_int_equal(sg_kv_get(kv, SUITE_BUCKET, suite_key(&k, 54, 1, 1), &out), -EBUSY);
}

static void test_a_restarted_server_is_found_again(void **state)
{
    struct sg_kv *kv = *state;
    struct suite_key k;
    struct sg_kv_key key = suite_key(&k, 55, 1, 1);
    const struct sg_http_server_options o = {
        .listen = t.address, .workers = 3, .tls = t.server_tls};
    assert_int_equal(suite_write(kv, SG_KV_PUT, key, "v", NULL), 0);
    sg_http_server_stop(t.server, 100);
    sg_http_server_free(TAKE_PTR(t.server));
    assert_int_equal(suite_write(kv, SG_KV_PUT, key, "w", NULL), -ECONNREFUSED);
    assert_int_equal(sg_http_server_start(&t.server, &o, sg_kv_service_handle, t.service), 0);
    suite_expect(kv, key, "v");
    assert_int_equal(suite_write(kv, SG_KV_PUT, key, "w", NULL), 0);
}

/* ---- connections lost between a request and its answer ---- */

/* Takes whole requests and closes without a word. */
struct deaf {
    pthread_t thread;
    int fd, requests;
    char address[32];
};

static void *hear_nothing(void *user)
{
    struct deaf *d = user;
    for (;;) {
        char request[4096];
        SG_CLOSE int fd = accept(d->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        if (recv(fd, request, sizeof(request), 0) > 0)
            d->requests++;
    }
}

static void deaf_start(struct deaf *d)
{
    uint16_t port = 0;
    *d = (struct deaf){.fd = -1};
    assert_int_equal(sg_tcp_listen("127.0.0.1:0", &d->fd, &port), 0);
    /* the listener may come non-blocking */
    assert_int_equal(fcntl(d->fd, F_SETFL, 0), 0);
    snprintf(d->address, sizeof(d->address), "127.0.0.1:%u", port);
    assert_int_equal(pthread_create(&d->thread, NULL, hear_nothing, d), 0);
}

static int deaf_stop(struct deaf *d)
{
    shutdown(d->fd, SHUT_RDWR);
    pthread_join(d->thread, NULL);
    close(d->fd);
    return d->requests;
}

static int requests_of_a_lost_batch(enum sg_kv_op_kind first, enum sg_kv_op_kind second)
{
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    struct deaf d;
    struct suite_key k[2];
    const struct sg_kv_op ops[] = {
        {.kind = first, .key = suite_key(&k[0], 1, 1, 1), .value = SG_BYTES_LIT("v")},
        {.kind = second, .key = suite_key(&k[1], 1, 1, 2), .value = SG_BYTES_LIT("v")}};
    deaf_start(&d);
    const struct sg_kv_remote o = {.connect = d.address};
    assert_int_equal(sg_kv_open_remote(&kv, &o), 0);
    assert_int_equal(sg_kv_batch(kv, SUITE_BUCKET, ops, 2, NULL), -EIO);
    return deaf_stop(&d);
}

static void test_only_inserts_are_sent_again(void **state)
{
    (void)state;
    assert_int_equal(requests_of_a_lost_batch(SG_KV_INSERT, SG_KV_INSERT), 2);
    assert_int_equal(requests_of_a_lost_batch(SG_KV_INSERT, SG_KV_REPLACE), 1);
    assert_int_equal(requests_of_a_lost_batch(SG_KV_PUT, SG_KV_PUT), 1);
    assert_int_equal(requests_of_a_lost_batch(SG_KV_INSERT, SG_KV_CHECK), 1);
    assert_int_equal(requests_of_a_lost_batch(SG_KV_DELETE, SG_KV_INSERT), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TESTS,
        cmocka_unit_test(test_readers_may_not_write),
        cmocka_unit_test(test_only_admins_create_buckets),
        cmocka_unit_test(test_api_keys),
        cmocka_unit_test(test_another_server_is_refused),
        cmocka_unit_test(test_grants),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_bad_streams),
        cmocka_unit_test(test_large_bodies),
        cmocka_unit_test(test_damage_after_some_rows),
        cmocka_unit_test(test_rows_of_a_server_that_lies),
        cmocka_unit_test(test_a_busy_session_says_so),
        cmocka_unit_test(test_a_restarted_server_is_found_again),
        cmocka_unit_test(test_only_inserts_are_sent_again),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
