#include "exact-int.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The C library is right to about half a unit in the last place: near enough to compare with. */
static void test_exp(void **state)
{
    (void)state;
    for (double x = -690; x < 690; x += 0.37)
        assert_true(fabs(sg_fraud_exp(x) / exp(x) - 1) < 0x1p-51);
    assert_true(sg_fraud_exp(0) == 1);
    assert_true(sg_fraud_exp(-701) == 0 && sg_fraud_exp(-INFINITY) == 0);
    assert_true(isfinite(sg_fraud_exp(INFINITY)) && sg_fraud_exp(INFINITY) > 1e304);
}

static void test_log(void **state)
{
    (void)state;
    for (double x = 1e-300; x < 1e300; x *= 1.7) {
        const double want = log(x);
        assert_true(fabs(sg_fraud_log(x) - want) < 0x1p-52 * fmax(1, fabs(want)));
    }
    for (double x = 0.5; x < 2; x += 0.001)
        assert_true(fabs(sg_fraud_log(x) - log(x)) < 0x1p-52);
    assert_true(sg_fraud_log(1) == 0);
}

static void test_sigmoid(void **state)
{
    (void)state;
    assert_true(sg_fraud_sigmoid(0) == 0.5);
    assert_true(sg_fraud_sigmoid(1000) == 1);
    assert_true(sg_fraud_sigmoid(-1000) >= 0 && sg_fraud_sigmoid(-1000) < 1e-300);
    assert_true(fabs(sg_fraud_sigmoid(2) - 0.88079707797788) < 1e-14);
}

/* The first numbers of SplitMix64 from state 0, as published with it. */
static void test_mix(void **state)
{
    (void)state;
    assert_true(sg_fraud_mix(0) == 0xe220a8397b1dcdafu);
    assert_true(sg_fraud_mix(0x9e3779b97f4a7c15u) == 0x6e789e6aa1b965f4u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_sigmoid),
        cmocka_unit_test(test_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
