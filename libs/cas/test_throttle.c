#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "throttle-int.h"

#include <sealgrid/base/bytes.h>
#include <string.h>

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

/* ---- by origin ---- */

static void origin_of(unsigned n, uint8_t ret[SG_CAS_ORIGIN_LEN])
{
    memset(ret, 0, SG_CAS_ORIGIN_LEN);
    sg_store_be32(ret + 12, n);
}

static int take_from(struct sg_cas_origins *o, unsigned n, int64_t now_ms)
{
    uint8_t origin[SG_CAS_ORIGIN_LEN];
    int taken = 0;
    origin_of(n, origin);
    while (taken < 1000 && sg_cas_origins_take(o, origin, now_ms))
        taken++;
    return taken;
}

static void test_every_origin_has_a_bucket(void **state)
{
    (void)state;
    struct sg_cas_origins *o = NULL;
    assert_int_equal(sg_cas_origins_new(&o, 10, 5), 0);
    assert_int_equal(take_from(o, 1, 1000), 5);
    assert_int_equal(take_from(o, 1, 1099), 0);
    assert_int_equal(take_from(o, 2, 1099), 5);
    assert_int_equal(take_from(o, 1, 1100), 1);
    assert_int_equal(take_from(o, 1, 0), 0); /* a clock set back */
    assert_int_equal(take_from(o, 2, 1100), 0);
    assert_int_equal(take_from(o, 1, 1000000000), 5);
    sg_cas_origins_free(o);
}

/* Eight thousand places: a hundred thousand passers-by do not make one who floods be forgotten. */
static void test_who_floods_is_not_forgotten_for_passers_by(void **state)
{
    (void)state;
    struct sg_cas_origins *o = NULL;
    uint8_t origin[SG_CAS_ORIGIN_LEN];
    int again = 0;
    assert_int_equal(sg_cas_origins_new(&o, 1, 100), 0);
    assert_int_equal(take_from(o, 0, 0), 100);
    for (unsigned n = 1; n <= 100000; n++) {
        origin_of(n, origin);
        assert_true(sg_cas_origins_take(o, origin, 0));
        if (n % 1000 == 0)
            again += take_from(o, 0, 0);
    }
    assert_int_equal(again, 0);
    sg_cas_origins_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_then_rate),
        cmocka_unit_test(test_a_long_pause_saves_no_more_than_the_burst),
        cmocka_unit_test(test_a_clock_set_back_gives_nothing),
        cmocka_unit_test(test_every_origin_has_a_bucket),
        cmocka_unit_test(test_who_floods_is_not_forgotten_for_passers_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
