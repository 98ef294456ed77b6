/* kvsd: options beyond ranges, and a grant of casd turned into the keys of a store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <sealgrid/base/file.h>

#include "kvsd.h"

/* ---- options ---- */

static int parse(const char *bucket, const char *access)
{
    struct kvsd_options o = {0};
    char volumes[] = "--volumes=/tmp/v", pin[] = "--cas.pin=00", check[] = "--check-conf";
    char buckets[128], grants[128], name[] = "kvsd";
    int first;
    snprintf(buckets, sizeof(buckets), "--buckets=%s", bucket);
    snprintf(grants, sizeof(grants), "--access=%s", access);
    char *argv[] = {name, volumes, pin, buckets, grants, check, NULL};
    return sg_conf_parse(&kvsd_table, 6, argv, &o, &first);
}

static void test_check_conf_reads_buckets_and_access(void **state)
{
    (void)state;
    static const char good[] = "spiffe://sealgrid/authd metering read,write";
    assert_int_equal(parse("metering replicas=3", good), SG_CONF_EXIT);
    assert_int_equal(parse("metering", good), SG_CONF_BAD);
    assert_int_equal(parse("me replicas=3", good), SG_CONF_BAD);
    assert_int_equal(parse("Metering replicas=3", good), SG_CONF_BAD);
    assert_int_equal(parse("metering replicas=0", good), SG_CONF_BAD);
    assert_int_equal(parse("metering ec=6+2,", good), SG_CONF_BAD);
    assert_int_equal(parse("metering replicas=3", "authd metering read"), SG_CONF_BAD);
    assert_int_equal(parse("metering replicas=3", "key:x metering all"), SG_CONF_BAD);
}

/* ---- keys ---- */

#define SECRETS 5

static struct {
    char root[64], volume[96];
    char *volumes[1], *buckets[1];
    struct sg_cas_secret secrets[SECRETS];
    struct sg_cas_grant grant;
    struct kvsd_options options;
} t;

static void set_secret(size_t i, const char *name, int octet)
{
    uint8_t key[32];
    memset(key, octet, sizeof(key));
    t.secrets[i].name = strdup(name);
    assert_non_null(t.secrets[i].name);
    assert_int_equal(sg_secret_copy(&t.secrets[i].value, SG_BYTES_ARRAY(key)), 0);
}

static int setup(void **state)
{
    static char bucket[] = "metering replicas=1";
    (void)state;
    memset(&t, 0, sizeof(t));
    strcpy(t.root, "/tmp/sealgrid-test-kvsd-XXXXXX");
    if (!mkdtemp(t.root))
        return -1;
    snprintf(t.volume, sizeof(t.volume), "%s/v", t.root);
    t.volumes[0] = t.volume;
    t.buckets[0] = bucket;
    t.options = (struct kvsd_options){.volumes = {t.volumes, 1},
                                      .buckets = {t.buckets, 1},
                                      .cache_mib = 8,
                                      .index_mib = 8,
                                      .journal_mib = 8};
    set_secret(0, "kek/metering/1", 1);
    set_secret(1, "kek/metering/2", 2);
    set_secret(2, "kek/metering-old/3", 3); /* another bucket's, of a longer name */
    set_secret(3, "name-key/metering", 4);
    set_secret(4, "api-key/reader", 5);
    t.grant.secrets = t.secrets;
    t.grant.n_secrets = SECRETS;
    t.grant.lease[0] = 1;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < SECRETS; i++) {
        free(t.secrets[i].name);
        sg_secret_clear(&t.secrets[i].value);
    }
    return sg_remove_tree(t.root);
}

static int open_store(struct sg_store **ret)
{
    t.grant.lease[0]++; /* casd gives each process its own */
    return kvsd_open_store(ret, &t.options, &t.grant);
}

static int write_one(struct sg_store *store, const char *value)
{
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    const struct sg_kv_op op = {.kind = SG_KV_INSERT,
                                .key = {20, SG_BYTES_LIT("p"), SG_BYTES_LIT("s")},
                                .value = sg_bytes_str(value)};
    assert_int_equal(sg_kv_open_local(&kv, store), 0);
    return sg_kv_batch(kv, "metering", &op, 1, NULL);
}

static void test_a_store_opens_again_once_secrets_were_forgotten(void **state)
{
    (void)state;
    struct sg_store *store = NULL;
    assert_int_equal(open_store(&store), 0);
    sg_cas_forget_secrets(&t.grant);
    for (size_t i = 0; i < SECRETS; i++)
        assert_int_equal(t.secrets[i].value.len, 0);
    assert_int_equal(write_one(store, "v"), 0);
    sg_store_close(store);
    for (size_t i = 0; i < SECRETS; i++)
        free(t.secrets[i].name);
    set_secret(0, "kek/metering/1", 1);
    set_secret(1, "kek/metering/2", 2);
    set_secret(2, "kek/metering/3", 3); /* an epoch more */
    set_secret(3, "name-key/metering", 4);
    set_secret(4, "api-key/reader", 5);
    assert_int_equal(open_store(&store), 0);
    assert_int_equal(write_one(store, "another"), SG_KV_CONFLICT);
    sg_store_close(store);
}

static void test_a_bucket_without_keys_is_fatal(void **state)
{
    (void)state;
    struct sg_store *store = NULL;
    t.secrets[3].name[0] = 'x'; /* no name key */
    assert_int_equal(open_store(&store), -ENOKEY);
    t.secrets[3].name[0] = 'n';
    t.secrets[0].name[0] = t.secrets[1].name[0] = 'x'; /* no epoch */
    assert_int_equal(open_store(&store), -ENOKEY);
    assert_null(store);
}

static void test_a_second_process_is_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_store_closep) struct sg_store *first = NULL;
    struct sg_store *second = NULL;
    assert_int_equal(open_store(&first), 0);
    assert_int_equal(open_store(&second), -EBUSY);
}

static void test_another_casds_keys_open_nothing(void **state)
{
    (void)state;
    struct sg_store *store = NULL;
    assert_int_equal(open_store(&store), 0);
    sg_store_close(TAKE_PTR(store));
    for (size_t i = 0; i < SECRETS; i++)
        t.secrets[i].value.data[0] ^= 0x80;
    assert_int_equal(open_store(&store), -EKEYREJECTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_conf_reads_buckets_and_access),
        cmocka_unit_test_setup_teardown(test_a_store_opens_again_once_secrets_were_forgotten, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_bucket_without_keys_is_fatal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_second_process_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_casds_keys_open_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
