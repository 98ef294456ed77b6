/* kv admin: the service in front of a real store: volumes, scrub, several writers at once. */
#include <pthread.h>

#include "store-fixture-int.h"

#include <sealgrid/kvs/admin.h>
#include <sealgrid/kvs/service.h>

#define API_KEY "an api key of thirty-two octets!"
#define VOLUMES 8

static struct {
    struct fixture store;
    struct sg_kv_service *service;
    struct sg_http_server *server;
    char address[32];
} t;

static int open_session(void *user, struct sg_kv **ret)
{
    return sg_kv_open_local(ret, user);
}

static int setup(void **state)
{
    (void)state;
    struct sg_kv_grant grant;
    const struct sg_api_key key = {"operator", SG_BYTES_LIT(API_KEY)};
    const struct sg_http_server_options http = {.listen = "127.0.0.1:0", .workers = 4};
    fixture_init(&t.store, VOLUMES);
    fixture_open(&t.store);
    if (sg_kv_grant_parse("key:operator * read,write,admin", &grant) != 0)
        return -1;
    const struct sg_kv_service_options o = {.open = open_session,
                                            .user = t.store.store,
                                            .admin_volumes = sg_store_admin_volumes,
                                            .admin_files = sg_store_admin_files,
                                            .admin_scrub = sg_store_admin_scrub,
                                            .admin_user = t.store.store,
                                            .grants = &grant,
                                            .n_grants = 1,
                                            .api_keys = &key,
                                            .n_api_keys = 1};
    if (sg_kv_service_new(&t.service, &o) != 0 ||
        sg_http_server_start(&t.server, &http, sg_kv_service_handle, t.service) != 0)
        return -1;
    snprintf(t.address, sizeof(t.address), "127.0.0.1:%u", sg_http_server_port(t.server));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sg_http_server_stop(t.server, 1000);
    sg_http_server_free(t.server);
    sg_kv_service_free(t.service);
    fixture_clear(&t.store);
    return 0;
}

static struct sg_kv *open_remote(void)
{
    const struct sg_kv_remote o = {.connect = t.address, .api_key = API_KEY};
    struct sg_kv *kv = NULL;
    assert_int_equal(sg_kv_open_remote(&kv, &o), 0);
    return kv;
}

/* The answer as text in *ret. */
static int ask(const char *method, const char *target, struct sg_buf *ret)
{
    static const struct sg_http_field key = {"Authorization", "Bearer " API_KEY};
    const struct sg_http_client_options o = {.connect = t.address};
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *c = NULL;
    int status = 0;
    sg_buf_reset(ret);
    assert_int_equal(sg_http_client_new(&c, &o), 0);
    assert_int_equal(sg_http_call(c, method, target, &key, 1, SG_BYTES_NONE, &status, ret), 0);
    assert_int_equal(sg_buf_append_u8(ret, 0), 0);
    return status;
}

static unsigned count(const char *text, const char *word)
{
    unsigned n = 0;
    for (; (text = strstr(text, word)); text += strlen(word))
        n++;
    return n;
}

/* Number after "key": in text. */
static long long number(const char *text, const char *key)
{
    long long v = -1;
    char want[64];
    snprintf(want, sizeof(want), "\"%s\":", key);
    const char *at = strstr(text, want);
    assert_non_null(at);
    assert_int_equal(sscanf(at + strlen(want), "%lld", &v), 1);
    return v;
}

static void test_volumes(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    assert_int_equal(ask("GET", "/v1/admin/volumes", &b), 200);
    const char *text = (const char *)b.data;
    assert_int_equal(number(text, "online"), VOLUMES);
    assert_int_equal(count(text, "\"state\":\"online\""), VOLUMES);
}

static void test_files(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    assert_int_equal(ask("GET", "/v1/admin/files", &b), 200);
    assert_true(count((const char *)b.data, "\"class\":\"journal\"") > 0);
    assert_true(count((const char *)b.data, t.store.root) >= VOLUMES);
}

static void test_scrub_options(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    assert_int_equal(ask("POST", "/v1/admin/scrub?depth=deep", &b), 400);
    assert_int_equal(ask("POST", "/v1/admin/scrub?verify_only=yes", &b), 400);
    assert_int_equal(ask("POST", "/v1/admin/scrub?volume=64", &b), 400);
    assert_int_equal(ask("POST", "/v1/admin/scrub?volume=x", &b), 400);
    assert_int_equal(ask("POST", "/v1/admin/scrub?volume=7&depth=files", &b), 200);
    assert_int_equal(ask("POST", "/v1/admin/scrub?depth=files&verify_only=1", &b), 200);
    assert_non_null(strstr((const char *)b.data, "\"complete\":true"));
}

/* ---- several writers ---- */

enum { WRITERS = 4, BATCHES = 6, EACH = 100 };

/* One writer's partition, and how many of its batches were taken: cmocka asserts on its own thread
 * only. */
struct writer {
    pthread_t thread;
    struct sg_kv *kv;
    int64_t partition;
    int taken;
};

static void *write_some(void *user)
{
    struct writer *w = user;
    for (int b = 0; b < BATCHES; b++)
        w->taken += fixture_write(w->kv, SG_KV_INSERT, 20, w->partition, b * EACH, EACH, 0) == 0;
    return NULL;
}

static void test_writers_at_once(void **state)
{
    (void)state;
    struct writer w[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        w[i] = (struct writer){.kv = open_remote(), .partition = i};
        assert_int_equal(pthread_create(&w[i].thread, NULL, write_some, &w[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(w[i].thread, NULL);
        assert_int_equal(w[i].taken, BATCHES);
        sg_kv_free(w[i].kv);
    }
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = open_remote();
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(fixture_count(kv, 20, i), BATCHES * EACH);
}

/* ---- scrub of damage ---- */

static int flip(void *user, enum sg_store_file_class class, const char *path, uint64_t live_bytes)
{
    unsigned *flipped = user;
    if (class != SG_FILE_FRAGMENT || live_bytes < 200 || *flipped == 1)
        return 0;
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, (long)(live_bytes / 2), SEEK_SET), 0);
    int c = fgetc(f);
    assert_int_equal(fseek(f, (long)(live_bytes / 2), SEEK_SET), 0);
    assert_int_equal(fputc(c ^ 0x40, f), c ^ 0x40);
    fclose(f);
    ++*flipped;
    return 0;
}

static void test_scrub_repairs_a_fragment(void **state)
{
    (void)state;
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = open_remote();
    SG_CLEANUP(sg_buf_clear)
    struct sg_buf b = SG_BUF_INIT(1u << 20), object = SG_BUF_INIT(1u << 20);
    unsigned flipped = 0;
    assert_int_equal(sg_buf_append_zeros(&object, 300000), 0);
    assert_int_equal(sg_kv_object_put(kv, "evidence", "object", sg_buf_bytes(&object)), 0);
    assert_int_equal(sg_store_files(t.store.store, flip, &flipped), 0);
    assert_int_equal(flipped, 1);
    assert_int_equal(ask("POST", "/v1/admin/scrub", &b), 200);
    const char *text = (const char *)b.data;
    assert_non_null(strstr(text, "\"complete\":true"));
    assert_true(number(text, "damage") >= 1);
    assert_true(number(text, "repaired") >= 1);
    assert_int_equal(number(text, "lost"), 0);
    assert_int_equal(ask("POST", "/v1/admin/scrub", &b), 200);
    assert_int_equal(number((const char *)b.data, "damage"), 0);
    sg_buf_reset(&b);
    assert_int_equal(sg_kv_object_get(kv, "evidence", "object", &b), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&b), sg_buf_bytes(&object)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_volumes),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_scrub_options),
        cmocka_unit_test(test_writers_at_once),
        cmocka_unit_test(test_scrub_repairs_a_fragment),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
