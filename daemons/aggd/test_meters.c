/* The aggregator's table of meters. */
#include "meters.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct sg_addr addr(unsigned n)
{
    return (struct sg_addr){{10, 0, (uint8_t)(n >> 8), (uint8_t)n}, 7000};
}

static struct sg_frame frame(uint8_t cid, uint64_t seq)
{
    struct sg_frame f = {.type = SG_FRAME_UPLINK, .seq = seq};
    f.id[0] = cid;
    return f;
}

static void test_handles_stay_and_lead_back(void **state)
{
    SG_CLEANUP(agg_meters_freep) struct agg_meters *m = NULL;
    uint64_t h[100];
    struct sg_addr a;
    (void)state;
    assert_int_equal(agg_meters_new(&m, 100), 0);
    for (unsigned i = 0; i < 100; i++)
        assert_true((h[i] = agg_meters_handle(m, addr(i), 1)) != 0);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(agg_meters_handle(m, addr(i), 2), h[i]);
        assert_true(agg_meters_address(m, h[i], &a));
        assert_memory_equal(a.ip, addr(i).ip, 4);
    }
    assert_int_equal(agg_meters_handle(m, addr(100), 3), 0); /* full */
    assert_int_equal(agg_meters_count(m), 100);
    assert_int_equal(agg_meters_handle(m, addr(7), 30000), h[7]);
    assert_int_equal(agg_meters_handle(m, addr(100), 60001), 0);
    assert_int_not_equal(agg_meters_handle(m, addr(100), 60002), 0); /* the silent ones go */
    assert_true(agg_meters_address(m, h[7], &a));
    assert_false(agg_meters_address(m, h[8], &a));
    assert_int_equal(agg_meters_count(m), 2);
}

static void test_an_expired_handle_is_never_somebody_else(void **state)
{
    SG_CLEANUP(agg_meters_freep) struct agg_meters *m = NULL;
    struct sg_addr a;
    (void)state;
    assert_int_equal(agg_meters_new(&m, 2), 0);
    uint64_t old = agg_meters_handle(m, addr(1), 100);
    uint64_t other = agg_meters_handle(m, addr(2), 200);
    agg_meters_expire(m, 150);
    assert_false(agg_meters_address(m, old, &a));
    assert_true(agg_meters_address(m, other, &a));
    uint64_t fresh = agg_meters_handle(m, addr(3), 300);
    assert_int_not_equal(fresh, 0);
    assert_int_not_equal(fresh, old);
    assert_false(agg_meters_address(m, old, &a));
    assert_false(agg_meters_address(m, 0, &a));
    assert_false(agg_meters_address(m, UINT64_MAX, &a));
}

static void test_new_frames_and_repeats(void **state)
{
    SG_CLEANUP(agg_meters_freep) struct agg_meters *m = NULL;
    struct sg_frame f = frame(1, 5), g = frame(1, 6), s = frame(2, 5);
    (void)state;
    assert_int_equal(agg_meters_new(&m, 2), 0);
    assert_true(agg_meters_is_new_frame(m, &f, 0));
    assert_false(agg_meters_is_new_frame(m, &f, 0));
    assert_true(agg_meters_is_new_frame(m, &g, 0));
    assert_true(agg_meters_is_new_frame(m, &s, 0)); /* a new session counts anew */
    assert_false(agg_meters_is_new_frame(m, &f, 0));
    assert_false(agg_meters_is_new_frame(m, &s, 0));
}

/* Many meters behind one address, each frame twice. */
static void test_sessions_are_told_apart_whatever_their_address(void **state)
{
    SG_CLEANUP(agg_meters_freep) struct agg_meters *m = NULL;
    unsigned fresh = 0;
    (void)state;
    assert_int_equal(agg_meters_new(&m, 2), 0);
    for (uint64_t seq = 1; seq <= 20; seq++) {
        for (int twice = 0; twice < 2; twice++) {
            for (unsigned meter = 0; meter < 200; meter++) {
                struct sg_frame f = frame((uint8_t)meter, seq);
                fresh += agg_meters_is_new_frame(m, &f, 0);
            }
        }
    }
    assert_int_equal(fresh, 200 * 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handles_stay_and_lead_back),
        cmocka_unit_test(test_an_expired_handle_is_never_somebody_else),
        cmocka_unit_test(test_new_frames_and_repeats),
        cmocka_unit_test(test_sessions_are_told_apart_whatever_their_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
