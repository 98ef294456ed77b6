/* object: every kind of policy, several chunks, every set of lost volumes that it must survive. */
#include "store-fixture-int.h"

#define CHUNK (1u << 20)
#define BIG   (2 * CHUNK + 12345)

static uint8_t contents[BIG];

static void start(struct fixture *f, const char *policy, size_t n_volumes)
{
    struct sg_prng rng;
    sg_prng_seed(&rng, 17);
    for (size_t i = 0; i < sizeof(contents); i++)
        contents[i] = (uint8_t)sg_prng_u64(&rng);
    fixture_init(f, n_volumes);
    f->buckets[1].policy = policy;
    fixture_open(f);
}

static const size_t sizes[] = {0, 1, 1024, 1025, 70000, CHUNK, CHUNK + 1, BIG};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void put_all(struct fixture *f)
{
    for (size_t i = 0; i < SIZES; i++) {
        char name[32];
        snprintf(name, sizeof(name), "object-%zu", sizes[i]);
        assert_int_equal(sg_kv_object_put(f->kv, "evidence", name, SG_BYTES(contents, sizes[i])),
                         0);
    }
}

static void get_all(struct fixture *f)
{
    for (size_t i = 0; i < SIZES; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(BIG);
        char name[32];
        snprintf(name, sizeof(name), "object-%zu", sizes[i]);
        assert_int_equal(sg_kv_object_get(f->kv, "evidence", name, &b), 0);
        assert_true(sg_bytes_equal(sg_buf_bytes(&b), SG_BYTES(contents, sizes[i])));
    }
}

static void test_policies(void **state)
{
    (void)state;
    static const char *const policies[] = {"replicas=1", "replicas=3",        "ec=2+1",
                                           "ec=4+2",     "replicas=1,ec=3+2", "replicas=2,ec=6+2"};
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        struct fixture f;
        start(&f, policies[i], 8);
        put_all(&f);
        get_all(&f);
        fixture_close(&f);
        fixture_open(&f);
        get_all(&f);
        fixture_clear(&f);
    }
}

/* The fragments of those slots go; heads and manifests are another test's matter. */
static void lose_fragments(struct fixture *f, unsigned a, unsigned b)
{
    char path[128];
    for (unsigned slot = 0; slot < f->options.n_volumes; slot++) {
        if (slot != a && slot != b)
            continue;
        snprintf(path, sizeof(path), "%s/fragments", f->paths[slot]);
        assert_int_equal(sg_remove_tree(path), 0);
        assert_int_equal(sg_mkdir_p(path, 0700), 0);
    }
}

static void survive_any_two(const char *policy)
{
    const struct sg_scrub_options o = {.depth = SG_SCRUB_FULL, .volumes = SG_SCRUB_ALL_VOLUMES};
    struct sg_scrub_report report;
    struct fixture f;
    start(&f, policy, 6);
    put_all(&f);
    for (unsigned a = 0; a < 6; a++)
        for (unsigned b = a + 1; b < 6; b++) {
            lose_fragments(&f, a, b);
            get_all(&f);
            assert_int_equal(sg_store_scrub(f.store, &o, &report), 0);
            assert_int_equal(report.lost, 0);
            assert_true(report.damage > 0);
        }
    get_all(&f);
    assert_int_equal(sg_store_scrub(f.store, &o, &report), 0);
    assert_int_equal(report.damage, 0);
    fixture_clear(&f);
}

static void test_any_two_volumes(void **state)
{
    (void)state;
    survive_any_two("ec=4+2");
    survive_any_two("replicas=1,ec=2+2");
}

static void test_too_many_volumes_lost(void **state)
{
    (void)state;
    struct fixture f;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(BIG);
    const struct sg_scrub_options o = {.depth = SG_SCRUB_FULL, .volumes = SG_SCRUB_ALL_VOLUMES};
    struct sg_scrub_report report;
    start(&f, "ec=4+2", 6);
    put_all(&f);
    lose_fragments(&f, 0, 1);
    lose_fragments(&f, 2, 2);
    assert_int_equal(sg_kv_object_get(f.kv, "evidence", "object-70000", &b), SG_KV_DAMAGED);
    assert_int_equal(b.len, 0);
    assert_int_equal(sg_store_scrub(f.store, &o, &report), 0);
    assert_int_equal(report.lost, 5); /* the ones that are not in their manifests */
    assert_int_equal(sg_kv_object_get(f.kv, "evidence", "object-1024", &b), 0);
    fixture_clear(&f);
}

/* Fewer volumes than shards: they share, and the policy says what that survives. */
static void test_few_volumes(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "ec=4+2", 3);
    put_all(&f);
    lose_fragments(&f, 1, 1);
    get_all(&f);
    fixture_clear(&f);
}

static void test_old_versions_are_swept(void **state)
{
    (void)state;
    struct fixture f;
    struct sg_volume_status before, after;
    const struct sg_scrub_options o = {.depth = SG_SCRUB_FILES, .volumes = SG_SCRUB_ALL_VOLUMES};
    struct sg_scrub_report report;
    start(&f, "replicas=3", 3);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(
            sg_kv_object_put(f.kv, "evidence", "same", SG_BYTES(contents, sizeof(contents))), 0);
        fixture_close(&f); /* so that the next one begins a segment */
        fixture_open(&f);
    }
    sg_store_volume_status(f.store, 0, &before);
    assert_int_equal(sg_store_scrub(f.store, &o, &report), 0);
    sg_store_volume_status(f.store, 0, &after);
    assert_true(before.fragment_bytes > 4 * (uint64_t)BIG);
    assert_true(after.fragment_bytes < 2 * (uint64_t)BIG);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(BIG);
    assert_int_equal(sg_kv_object_get(f.kv, "evidence", "same", &b), 0);
    assert_int_equal(b.len, sizeof(contents));
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_any_two_volumes),
        cmocka_unit_test(test_too_many_volumes_lost),
        cmocka_unit_test(test_few_volumes),
        cmocka_unit_test(test_old_versions_are_swept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
