#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "throttle-int.h"

static int take_all(struct sg_cas_throttle *t, int64_t now_ms)
{
    int n = 0;
    while (n < 1000 && sg_cas_throttle_take(t, now_ms))
        n++;
    return n;
}

static void test_burst_then_rate(void **state)
{
    (void)state;
    struct sg_cas_throttle t;
    sg_cas_throttle_init(&t, 10, 5, 1000);
    assert_int_equal(take_all(&t, 1000), 5);
    assert_int_equal(take_all(&t, 1099), 0);
    assert_int_equal(take_all(&t, 1100), 1);
    assert_int_equal(take_all(&t, 1400), 3);
    sg_cas_throttle_clear(&t);
}

static void test_a_long_pause_saves_no_more_than_the_burst(void **state)
{
    (void)state;
    struct sg_cas_throttle t;
    sg_cas_throttle_init(&t, 2000, 7, 0);
    assert_int_equal(take_all(&t, 0), 7);
    assert_int_equal(take_all(&t, INT64_MAX / 2), 7);
    sg_cas_throttle_clear(&t);
}

static void test_a_clock_set_back_gives_nothing(void **state)
{
    (void)state;
    struct sg_cas_throttle t;
    sg_cas_throttle_init(&t, 10, 1, 5000);
    assert_int_equal(take_all(&t, 5000), 1);
    assert_int_equal(take_all(&t, 0), 0);
    assert_int_equal(take_all(&t, 5099), 0);
    sg_cas_throttle_clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_then_rate),
        cmocka_unit_test(test_a_long_pause_saves_no_more_than_the_burst),
        cmocka_unit_test(test_a_clock_set_back_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
