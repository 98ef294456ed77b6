#include "full-test-int.h"
#include "inject-int.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct sg_view from, to;
static struct sg_inject_base base;

static int setup(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct made m;
    made_customer(&m, 2, 0);
    made_days(&m, "c", 24, 0, &d);
    assert_int_equal(sg_view_init(&from, &made_windows), 0);
    sg_view_fill(&from, &d, NULL);
    assert_int_equal(sg_view_copy(&to, &from), 0);
    base = (struct sg_inject_base){.grain = 0.1f, .mean = 20, .peak = 35};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sg_view_clear(&from);
    sg_view_clear(&to);
    return 0;
}

static void test_grain_is_found(void **state)
{
    (void)state;
    assert_true(sg_inject_grain(&from) == 0.1f);
    from.x[5] = 3.14f;
    assert_true(sg_inject_grain(&from) == 0.01f);
    from.x[5] = 3.14159f;
    assert_true(sg_inject_grain(&from) == 0);
    for (unsigned h = 0; h < SG_VIEW_HOURS; h++)
        for (uint32_t d = 0; d < sg_view_days(&from); d++)
            from.x[h * from.stride + d] = (float)(10 * (d + h));
    assert_true(sg_inject_grain(&from) == 10);
}

/* Missing grain must not give a theft away. */
static void test_reported_loads_keep_the_grain(void **state)
{
    (void)state;
    for (unsigned k = 0; k < SG_INJECT_COUNT; k++)
        for (uint64_t key = 0; key < 5; key++) {
            sg_inject(&from, &base, (enum sg_inject_kind)k, key, &to);
            assert_true(sg_inject_grain(&to) >= 0.1f);
        }
}

static void test_thefts_begin_in_the_first_half_and_touch_no_reference(void **state)
{
    (void)state;
    const uint32_t n = sg_view_days(&from);
    for (unsigned k = 0; k < SG_INJECT_COUNT; k++)
        for (uint64_t key = 0; key < 20; key++) {
            uint32_t first = n;
            sg_inject(&from, &base, (enum sg_inject_kind)k, key, &to);
            for (unsigned h = 0; h < SG_VIEW_HOURS; h++)
                for (uint32_t d = 0; d < n; d++) {
                    const bool same =
                        fabsf(from.x[h * from.stride + d] - to.x[h * to.stride + d]) < 1e-4f;
                    if (d < from.n_reference)
                        assert_true(same);
                    else if (!same && d < first)
                        first = d;
                    assert_true(to.x[h * to.stride + d] >= 0);
                }
            /* Days may be skipped: the first that differs can come a little later. */
            assert_in_range(first, from.n_reference, from.n_reference + from.n_recent / 2 + 8);
        }
}

static void test_the_key_alone_decides(void **state)
{
    (void)state;
    SG_CLEANUP(sg_view_clear) struct sg_view again = {.x = NULL};
    assert_int_equal(sg_view_copy(&again, &from), 0);
    const size_t bytes = (size_t)to.stride * SG_VIEW_HOURS * sizeof(float);
    for (unsigned k = 0; k < SG_INJECT_COUNT; k++) {
        sg_inject(&from, &base, (enum sg_inject_kind)k, 7, &to);
        sg_inject(&from, &base, (enum sg_inject_kind)k, 7, &again);
        assert_memory_equal(to.x, again.x, bytes);
        sg_inject(&from, &base, (enum sg_inject_kind)k, 8, &again);
        assert_memory_not_equal(to.x, again.x, bytes);
    }
}

/* Nothing is reported above the true load by who takes off. */
static void test_takers_report_no_more_than_was_drawn(void **state)
{
    (void)state;
    static const enum sg_inject_kind takers[] = {SG_INJECT_SHARE, SG_INJECT_HOURS_OFF,
                                                 SG_INJECT_CHANGING_SHARE, SG_INJECT_CUT_PEAKS,
                                                 SG_INJECT_AMOUNT_OFF};
    for (unsigned k = 0; k < sizeof(takers) / sizeof(takers[0]); k++)
        for (uint64_t key = 0; key < 10; key++) {
            double less = 0;
            sg_inject(&from, &base, takers[k], key, &to);
            for (unsigned h = 0; h < SG_VIEW_HOURS; h++)
                for (uint32_t d = 0; d < sg_view_days(&from); d++) {
                    const float x = from.x[h * from.stride + d], y = to.x[h * to.stride + d];
                    assert_true(y <= x + 0.051f);
                    less += (double)(x - y);
                }
            assert_true(less > 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_grain_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reported_loads_keep_the_grain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_thefts_begin_in_the_first_half_and_touch_no_reference,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_key_alone_decides, setup, teardown),
        cmocka_unit_test_setup_teardown(test_takers_report_no_more_than_was_drawn, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
