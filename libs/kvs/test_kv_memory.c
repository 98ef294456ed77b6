/* kv memory: the suite of kv.h; the stand-in must not promise what the store does not keep. */
#include "kv-suite-int.h"

#include <sealgrid/kvs/memory.h>

static struct sg_kv_memory *memory;

static int setup(void **state)
{
    struct sg_kv *kv = NULL;
    if (sg_kv_memory_new(&memory) != 0 || sg_kv_open_memory(&kv, memory) != 0)
        return -1;
    *state = kv;
    return 0;
}

static int teardown(void **state)
{
    sg_kv_free(*state);
    sg_kv_memory_free(memory);
    return 0;
}

static void test_buckets(void **state)
{
    struct sg_kv *kv = *state;
    struct suite_key k;
    const struct sg_kv_op op = {.kind = SG_KV_PUT, .key = suite_key(&k, 20, 1, 1)};
    assert_int_equal(sg_kv_batch(kv, "another", &op, 1, NULL), SG_KV_NOT_FOUND);
    assert_int_equal(sg_kv_bucket_create(kv, "another", "replicas=1"), 0);
    assert_int_equal(sg_kv_bucket_create(kv, "another", "replicas=1"), 0);
    assert_int_equal(sg_kv_bucket_create(kv, "another", "replicas=2"), SG_KV_CONFLICT);
    assert_int_equal(sg_kv_batch(kv, "another", &op, 1, NULL), 0);
}

static void test_damage_on_request(void **state)
{
    struct sg_kv *kv = *state;
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *scan = NULL;
    struct sg_bytes sort, value;
    uint8_t p[9];
    const struct sg_kv_range range = {.table = 40, .partition = suite_integer(p, 1)};
    suite_fill(kv, 40, 1, 3);
    sg_kv_memory_damage_after(memory, 2);
    assert_int_equal(sg_kv_scan_open(&scan, kv, SUITE_BUCKET, &range), 0);
    assert_int_equal(sg_kv_scan_next(scan, &sort, &value), 0);
    assert_int_equal(sg_kv_scan_next(scan, &sort, &value), 0);
    assert_int_equal(sg_kv_scan_next(scan, &sort, &value), SG_KV_DAMAGED);
    sg_kv_memory_damage_after(memory, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TESTS,
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_damage_on_request),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
