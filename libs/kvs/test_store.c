/* store: the suite of kv.h on 1, 3 and 8 volumes; reopening; model test against a plain table. */
#include "kv-suite-int.h"
#include "store-fixture-int.h"

static struct fixture suite;

static int suite_setup(void **state, size_t n_volumes)
{
    fixture_init(&suite, n_volumes);
    fixture_open(&suite);
    *state = suite.kv;
    return 0;
}

static int setup_1(void **state)
{
    return suite_setup(state, 1);
}

static int setup_3(void **state)
{
    return suite_setup(state, 3);
}

static int setup_8(void **state)
{
    return suite_setup(state, 8);
}

static int teardown(void **state)
{
    (void)state;
    fixture_clear(&suite);
    return 0;
}

static void test_reopen(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 4);
    fixture_open(&f);
    assert_int_equal(fixture_write(f.kv, SG_KV_INSERT, 20, 1, 0, 96, 0), 0);
    assert_int_equal(fixture_write(f.kv, SG_KV_INSERT, 20, 2, 0, 1, 0), 0);
    assert_int_equal(fixture_write(f.kv, SG_KV_PUT, 20, 1, 5, 1, 1), 0);
    assert_int_equal(fixture_write(f.kv, SG_KV_DELETE, 20, 1, 6, 1, 0), 0);
    for (int i = 0; i < 3; i++) {
        fixture_close(&f);
        fixture_open(&f);
        assert_int_equal(fixture_count(f.kv, 20, 1), 95);
        assert_true(fixture_has(f.kv, 20, 1, 5, 1));
        assert_true(fixture_has(f.kv, 20, 1, 6, -1));
        assert_true(fixture_has(f.kv, 20, 2, 0, 0));
        struct sg_store_status st;
        sg_store_status(f.store, &st);
        assert_int_equal(st.damage, 0);
        assert_int_equal(st.online, 4);
    }
    fixture_clear(&f);
}

static void test_second_owner(void **state)
{
    (void)state;
    struct fixture f;
    struct sg_store *second = NULL;
    fixture_init(&f, 2);
    fixture_open(&f);
    assert_int_equal(sg_store_open(&second, &f.options), SG_STORE_LOCKED);
    assert_null(second);
    fixture_clear(&f);
}

static void test_foreign_keys(void **state)
{
    (void)state;
    struct fixture f;
    struct sg_store *other = NULL;
    fixture_init(&f, 2);
    fixture_open(&f);
    fixture_close(&f);
    f.keys[3][0] ^= 1;
    assert_int_equal(sg_store_open(&other, &f.options), SG_STORE_FOREIGN);
    f.keys[3][0] ^= 1;
    fixture_open(&f);
    fixture_clear(&f);
}

static void test_volumes_in_another_order(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 3);
    fixture_open(&f);
    assert_int_equal(fixture_write(f.kv, SG_KV_INSERT, 20, 1, 0, 10, 0), 0);
    fixture_close(&f);
    const char *first = f.volumes[0];
    f.volumes[0] = f.volumes[2];
    f.volumes[2] = first;
    fixture_open(&f);
    assert_int_equal(fixture_count(f.kv, 20, 1), 10);
    fixture_clear(&f);
}

static void test_new_epoch(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 3);
    fixture_open(&f);
    assert_int_equal(fixture_write(f.kv, SG_KV_INSERT, 20, 1, 0, 10, 0), 0);
    assert_int_equal(fixture_write(f.kv, SG_KV_INSERT, 20, 2, 0, 10, 0), 0);
    fixture_close(&f);
    f.buckets[0].n_keks = 2;
    fixture_open(&f);
    assert_int_equal(fixture_count(f.kv, 20, 1), 10);
    assert_int_equal(fixture_write(f.kv, SG_KV_INSERT, 20, 1, 10, 10, 0), 0);
    fixture_close(&f);
    /* without the old KEK what was written since opens, the rest is refused */
    f.keks[0] = f.keks[1];
    f.buckets[0].n_keks = 1;
    fixture_open(&f);
    assert_int_equal(fixture_count(f.kv, 20, 1), 20);
    assert_int_equal(fixture_count(f.kv, 20, 2), -SG_KV_DAMAGED);
    fixture_clear(&f);
}

/* Random operations against a plain table of revisions; -1 is absent. */
#define MODEL_PARTITIONS 3
#define MODEL_ROWS       700
struct model {
    int revision[MODEL_PARTITIONS][MODEL_ROWS];
};

static void model_step(struct fixture *f, struct model *m, struct sg_prng *rng, int step)
{
    size_t p = sg_prng_below(rng, MODEL_PARTITIONS);
    size_t n = sg_prng_below(rng, 4) == 0 ? 1 + sg_prng_below(rng, 200) : 1;
    size_t first = sg_prng_below(rng, MODEL_ROWS - n + 1);
    bool delete = sg_prng_below(rng, 4) == 0;
    assert_int_equal(fixture_write(f->kv, delete ? SG_KV_DELETE : SG_KV_PUT, 30, (int64_t)p,
                                   (int64_t)first, n, step),
                     0);
    for (size_t i = first; i < first + n; i++)
        m->revision[p][i] = delete ? -1 : step;
}

static void model_check(struct fixture *f, const struct model *m)
{
    for (size_t p = 0; p < MODEL_PARTITIONS; p++) {
        long rows = 0;
        for (size_t i = 0; i < MODEL_ROWS; i++)
            rows += m->revision[p][i] >= 0;
        assert_int_equal(fixture_count(f->kv, 30, (int64_t)p), rows);
        for (size_t i = 0; i < MODEL_ROWS; i += 7)
            assert_true(fixture_has(f->kv, 30, (int64_t)p, (int64_t)i, m->revision[p][i]));
    }
}

static void test_model(void **state)
{
    (void)state;
    struct fixture f;
    struct model m;
    struct sg_prng rng;
    struct sg_store_status st;
    sg_prng_seed(&rng, 3);
    memset(&m, 0xff, sizeof(m));
    fixture_init(&f, 3);
    fixture_open(&f);
    for (int step = 0; step < 250; step++) {
        model_step(&f, &m, &rng, step);
        if (step % 60 == 59) {
            fixture_close(&f);
            fixture_open(&f);
        }
        if (step % 50 == 49)
            model_check(&f, &m);
    }
    sg_store_status(f.store, &st);
    assert_int_equal(st.damage, 0);
    fixture_clear(&f);
}

/* Neither work nor a close that succeeds notes a failure: a caller that cleans up after one of its
 * own would report the store's in its place.  (Opening looks for what need not be there.) */
static void test_success_leaves_no_trace(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 3);
    fixture_open(&f);
    assert_int_equal(sg_raisef(-EPROTO, "a failure of the caller"), -EPROTO);
    assert_int_equal(fixture_write(f.kv, SG_KV_PUT, 20, 1, 0, 300, 0), 0);
    assert_true(fixture_has(f.kv, 20, 1, 7, 0));
    assert_int_equal(fixture_count(f.kv, 20, 1), 300);
    assert_int_equal(sg_store_checkpoint(f.store), 0);
    fixture_close(&f);
    assert_non_null(strstr(sg_error_trace(), "a failure of the caller"));
    assert_int_equal(sg_remove_tree(f.root), 0);
}

int main(void)
{
    const struct CMUnitTest kv_tests[] = {SUITE_TESTS};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reopen),
        cmocka_unit_test(test_second_owner),
        cmocka_unit_test(test_foreign_keys),
        cmocka_unit_test(test_volumes_in_another_order),
        cmocka_unit_test(test_new_epoch),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_success_leaves_no_trace),
    };
    int failed = cmocka_run_group_tests_name("kv.h on 1 volume", kv_tests, setup_1, teardown);
    failed += cmocka_run_group_tests_name("kv.h on 3 volumes", kv_tests, setup_3, teardown);
    failed += cmocka_run_group_tests_name("kv.h on 8 volumes", kv_tests, setup_8, teardown);
    failed += cmocka_run_group_tests(tests, NULL, NULL);
    return failed;
}
