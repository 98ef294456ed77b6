#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/random.h>

/* First outputs of xoshiro256** 1.0 from the state 1, 2, 3, 4: the reference implementation's, as
 * published with the Rust crate rand_xoshiro. */
static void follows_the_reference(void **state)
{
    (void)state;
    static const uint64_t want[] = {
        11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600};
    struct sg_prng p = {.s = {1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        assert_int_equal(sg_prng_u64(&p), want[i]);
}

static void same_seed_same_numbers_other_stream_others(void **state)
{
    (void)state;
    struct sg_prng a, b, c;
    int equal = 0;

    sg_prng_seed2(&a, 42, 7);
    sg_prng_seed2(&b, 42, 7);
    sg_prng_seed2(&c, 42, 8);
    for (int i = 0; i < 100; i++) {
        uint64_t v = sg_prng_u64(&a);
        assert_int_equal(v, sg_prng_u64(&b));
        equal += v == sg_prng_u64(&c);
    }
    assert_int_equal(equal, 0);
}

static void below_stays_below_and_reaches_all(void **state)
{
    (void)state;
    struct sg_prng p;
    unsigned seen[7] = {0};

    sg_prng_seed(&p, 1);
    for (int i = 0; i < 7000; i++) {
        uint64_t v = sg_prng_below(&p, 7);
        assert_true(v < 7);
        seen[v]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 850, 1150);
    assert_int_equal(sg_prng_below(&p, 1), 0);
}

static void unit_and_normal_have_their_moments(void **state)
{
    (void)state;
    struct sg_prng p;
    double sum = 0, sum2 = 0, unit = 0;
    const int n = 20000;

    sg_prng_seed(&p, 3);
    for (int i = 0; i < n; i++) {
        double v = sg_prng_normal(&p), u = sg_prng_unit(&p);
        assert_true(u >= 0 && u < 1);
        sum += v;
        sum2 += v * v;
        unit += u;
    }
    assert_true(sum / n > -0.03 && sum / n < 0.03);
    assert_true(sum2 / n > 0.95 && sum2 / n < 1.05);
    assert_true(unit / n > 0.49 && unit / n < 0.51);
}

static void the_kernel_gives_octets(void **state)
{
    (void)state;
    uint8_t a[300] = {0}, b[300] = {0};
    sg_random_bytes(a, sizeof(a));
    sg_random_bytes(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    assert_true(sg_random_u64() != sg_random_u64());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_reference),
        cmocka_unit_test(same_seed_same_numbers_other_stream_others),
        cmocka_unit_test(below_stays_below_and_reaches_all),
        cmocka_unit_test(unit_and_normal_have_their_moments),
        cmocka_unit_test(the_kernel_gives_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
