/* What is known of a meter follows the store, and what has not changed is not verified again. */
#include "registry.h"

#include <sealgrid/kvs/memory.h>
#include <sealgrid/meter/rows.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define T0      INT64_C(1788231600)
#define DAY_S   86400
#define LATER   600000 /* ms after which an entry is looked up again */
#define CLIENT  3000000001
#define SERIAL  "70000001"
#define FIRST_S (T0 - DAY_S)

struct world {
    struct sg_kv_memory *memory;
    struct sg_kv *kv;
    struct sg_key *root_key, *key;
    struct sg_cert *root;
    struct auth_registry *registry;
    struct sg_buf edhoc;
    uint8_t x5t[32];
};

static void issue(const struct world *w, int64_t until_s, struct sg_buf *ret)
{
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    struct sg_cert_request req = {
        .common_name = "meter", .not_before_s = FIRST_S, .not_after_s = until_s};
    *ret = (struct sg_buf)SG_BUF_INIT(4096);
    assert_int_equal(sg_cert_issue(&cert, &req, w->key, w->root, w->root_key), 0);
    assert_int_equal(sg_cert_der(cert, ret), 0);
}

static void put_credential(struct world *w, const struct sg_buf *metrology)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(256);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(256);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(8192);
    struct sg_row_credential c = {.serial = SERIAL,
                                  .client_id = CLIENT,
                                  .edhoc_cert = sg_buf_bytes(&w->edhoc),
                                  .metrology_cert = sg_buf_bytes(metrology)};
    assert_int_equal(sg_row_x5t_partition(&partition, w->x5t), 0);
    assert_int_equal(sg_row_int_sort(&sort, 0), 0);
    assert_int_equal(sg_row_credential_encode(&value, &c), 0);
    struct sg_kv_op op = {
        .kind = SG_KV_PUT,
        .key = {SG_TABLE_CREDENTIAL, sg_buf_bytes(&partition), sg_buf_bytes(&sort)},
        .value = sg_buf_bytes(&value)};
    assert_int_equal(sg_kv_batch(w->kv, AUTH_BUCKET, &op, 1, NULL), 0);
}

static void withdraw_credential(struct world *w)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(256);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(256);
    assert_int_equal(sg_row_x5t_partition(&partition, w->x5t), 0);
    assert_int_equal(sg_row_int_sort(&sort, 0), 0);
    struct sg_kv_op op = {
        .kind = SG_KV_DELETE,
        .key = {SG_TABLE_CREDENTIAL, sg_buf_bytes(&partition), sg_buf_bytes(&sort)}};
    assert_int_equal(sg_kv_batch(w->kv, AUTH_BUCKET, &op, 1, NULL), 0);
}

static void put_installation(struct world *w, int64_t from_s, const struct sg_buf *metrology)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(256);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(256);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(8192);
    struct sg_row_installation in = {.client_id = CLIENT,
                                     .from_ts_s = from_s,
                                     .serial = SERIAL,
                                     .open = true,
                                     .ratio_num = 1,
                                     .ratio_den = 1,
                                     .metrology_cert = sg_buf_bytes(metrology),
                                     .tariff_class = "B1"};
    assert_int_equal(sg_row_client_partition(&partition, CLIENT), 0);
    assert_int_equal(sg_row_int_sort(&sort, from_s), 0);
    assert_int_equal(sg_row_installation_encode(&value, &in), 0);
    struct sg_kv_op op = {
        .kind = SG_KV_PUT,
        .key = {SG_TABLE_INSTALLATION, sg_buf_bytes(&partition), sg_buf_bytes(&sort)},
        .value = sg_buf_bytes(&value)};
    assert_int_equal(sg_kv_batch(w->kv, AUTH_BUCKET, &op, 1, NULL), 0);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    struct sg_cert_request ca = {.common_name = "authority",
                                 .not_before_s = FIRST_S,
                                 .not_after_s = T0 + 100 * DAY_S,
                                 .ca = true,
                                 .path_len = -1};
    assert_non_null(w);
    assert_int_equal(sg_kv_memory_new(&w->memory), 0);
    assert_int_equal(sg_kv_open_memory(&w->kv, w->memory), 0);
    assert_int_equal(sg_key_generate(&w->root_key, SG_KEY_P256), 0);
    assert_int_equal(sg_key_generate(&w->key, SG_KEY_P256), 0);
    assert_int_equal(sg_cert_issue(&w->root, &ca, w->root_key, NULL, w->root_key), 0);
    issue(w, T0 + 50 * DAY_S, &w->edhoc);
    assert_int_equal(sg_cert_load(&cert, sg_buf_bytes(&w->edhoc)), 0);
    sg_cert_fingerprint(cert, w->x5t);
    assert_int_equal(auth_registry_new(&w->registry, &w->root, 1), 0);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    auth_registry_free(w->registry);
    sg_buf_clear(&w->edhoc);
    sg_cert_free(w->root);
    sg_key_free(w->root_key);
    sg_key_free(w->key);
    sg_kv_free(w->kv);
    sg_kv_memory_free(w->memory);
    free(w);
    return 0;
}

static struct auth_meter *find(struct world *w, int64_t now_ms, int64_t unix_s)
{
    struct auth_meter *m = NULL;
    assert_int_equal(auth_registry_find(w->registry, w->kv, w->x5t, now_ms, unix_s, &m), 0);
    return m;
}

static void test_same_certificates_stay_parsed(void **state)
{
    struct world *w = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf cert = SG_BUF_INIT(0);
    issue(w, T0 + 50 * DAY_S, &cert);
    put_credential(w, &cert);
    put_installation(w, T0, &cert);
    struct auth_meter *m = find(w, 0, T0 + 1);
    const struct sg_key *key = m->metrology;
    assert_non_null(key);
    assert_int_equal(m->n_installations, 1);
    put_installation(w, T0 + DAY_S, &cert);
    assert_int_equal(find(w, LATER - 1, T0 + 2)->n_installations, 1);
    m = find(w, LATER, T0 + 2);
    assert_int_equal(m->n_installations, 2);
    assert_ptr_equal(m->metrology, key);
    put_installation(w, T0 + 2 * DAY_S, &cert);
    assert_int_equal(find(w, 2 * LATER - 1, T0 + 2)->n_installations, 2); /* its turn began anew */
    assert_int_equal(find(w, 2 * LATER, T0 + 2)->n_installations, 3);
}

static void test_another_certificate_counts(void **state)
{
    struct world *w = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf cert = SG_BUF_INIT(0);
    SG_CLEANUP(sg_buf_clear) struct sg_buf other = SG_BUF_INIT(0);
    issue(w, T0 + 50 * DAY_S, &cert);
    issue(w, T0 + 60 * DAY_S, &other);
    put_credential(w, &cert);
    put_installation(w, T0, &cert);
    assert_true(find(w, 0, T0 + 1)->installations[0].same_cert);
    put_credential(w, &other);
    struct auth_meter *m = find(w, LATER, T0 + 2);
    assert_false(m->installations[0].same_cert);
    assert_int_equal(m->trusted_until_s, T0 + 60 * DAY_S);
}

static void test_attack_certificate_past_its_date(void **state)
{
    struct world *w = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf cert = SG_BUF_INIT(0);
    issue(w, T0 + DAY_S, &cert);
    put_credential(w, &cert);
    assert_non_null(find(w, 0, T0)->metrology);
    assert_non_null(find(w, LATER, T0 + DAY_S - 1)->metrology);
    assert_null(find(w, 2 * LATER, T0 + DAY_S + 1)->metrology);
    assert_non_null(find(w, 3 * LATER, T0)->metrology); /* a clock mended is believed again */
}

static void test_attack_root_past_its_date(void **state)
{
    struct world *w = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf cert = SG_BUF_INIT(0);
    issue(w, T0 + 1000 * DAY_S, &cert);
    put_credential(w, &cert);
    assert_non_null(find(w, 0, T0)->metrology);
    assert_null(find(w, LATER, T0 + 101 * DAY_S)->metrology);
}

static void test_attack_withdrawn_credential(void **state)
{
    struct world *w = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf cert = SG_BUF_INIT(0);
    struct auth_meter *m = NULL;
    issue(w, T0 + 50 * DAY_S, &cert);
    put_credential(w, &cert);
    assert_non_null(find(w, 0, T0)->metrology);
    withdraw_credential(w);
    assert_int_equal(auth_registry_find(w->registry, w->kv, w->x5t, LATER, T0, &m), AUTH_NOBODY);
    put_credential(w, &cert);
    assert_non_null(find(w, LATER + 1, T0)->metrology);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_same_certificates_stay_parsed),    TEST(test_another_certificate_counts),
        TEST(test_attack_certificate_past_its_date), TEST(test_attack_root_past_its_date),
        TEST(test_attack_withdrawn_credential),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
