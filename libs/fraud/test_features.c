#include "features-int.h"
#include "full-test-int.h"
#include "inject-int.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct sg_feature_work work;

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void test_every_number_of_rows_is_sorted(void **state)
{
    (void)state;
    static float v[130][SG_SORT_LANES], want[130];
    for (uint32_t n = 1; n <= 130; n++) {
        for (uint32_t i = 0; i < n; i++)
            for (unsigned l = 0; l < SG_SORT_LANES; l++)
                v[i][l] = made_share(n, i * SG_SORT_LANES + l) - 0.5f;
        for (uint32_t i = 0; i < n; i++)
            want[i] = v[i][7];
        qsort(want, n, sizeof(*want), by_value);
        sg_sort_lanes(v, n);
        for (uint32_t i = 0; i < n; i++)
            assert_true(v[i][7] == want[i]);
    }
}

static void test_features_have_names_and_families(void **state)
{
    (void)state;
    assert_int_equal(sg_feature_count(), SG_FEATURES);
    for (uint32_t f = 0; f < SG_FEATURES; f++) {
        assert_true(strlen(sg_feature_name(f)) > 1);
        assert_true((unsigned)sg_feature_family(f) < SG_FEATURE_FAMILIES);
        for (uint32_t g = 0; g < f; g++)
            assert_string_not_equal(sg_feature_name(f), sg_feature_name(g));
    }
    assert_string_equal(sg_feature_name(sg_feature_of_stat(SG_STAT_LEVEL, 1)),
                        "level-change-over-spread");
    assert_string_equal(sg_feature_name(sg_feature_of_pooled(SG_POOLED_CAP_HOURS)), "cap-hours");
}

static int features_of(const struct made *m, uint32_t points, const struct sg_fraud_context *ctx,
                       float ret[SG_FEATURES])
{
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    SG_CLEANUP(sg_view_clear) struct sg_view v = {.x = NULL};
    made_days(m, "c", points, 0, &d);
    assert_int_equal(sg_view_init(&v, &made_windows), 0);
    sg_view_fill(&v, &d, ctx);
    int r = sg_features_begin(&work, &v);
    if (r == 0)
        sg_features_end(&work, NULL, ret);
    return r;
}

static void test_points_do_not_matter(void **state)
{
    (void)state;
    struct made m;
    float hours[SG_FEATURES], halves[SG_FEATURES], quarters[SG_FEATURES];
    made_customer(&m, 3, 0);
    assert_int_equal(features_of(&m, 24, NULL, hours), 0);
    assert_int_equal(features_of(&m, 48, NULL, halves), 0);
    assert_int_equal(features_of(&m, 96, NULL, quarters), 0);
    assert_memory_equal(hours, halves, sizeof(hours)); /* halves and quarters add up exactly */
    assert_memory_equal(hours, quarters, sizeof(hours));
}

static void test_size_does_not_matter(void **state)
{
    (void)state;
    struct made m;
    float small[SG_FEATURES], large[SG_FEATURES];
    made_customer(&m, 4, 0);
    assert_int_equal(features_of(&m, 24, NULL, small), 0);
    for (unsigned d = 0; d < MADE_DAYS; d++)
        for (unsigned h = 0; h < 24; h++)
            m.load[d][h] *= 1024;
    assert_int_equal(features_of(&m, 24, NULL, large), 0);
    assert_memory_equal(small, large, sizeof(small));
}

static float honest[SG_FEATURES], stolen[SG_FEATURES];

#define STAT(f, name, which) (f)[sg_feature_of_stat(SG_STAT_##name, which)]
#define POOLED(f, name)      (f)[sg_feature_of_pooled(SG_POOLED_##name)]

/* A share, a mean, ...: done to the recent days of one office. */
static void steal(unsigned kind)
{
    struct made m;
    made_customer(&m, 2, 0);
    assert_int_equal(features_of(&m, 24, NULL, honest), 0);
    for (unsigned d = MADE_REFERENCE + 2; d < MADE_DAYS; d++) {
        float *x = m.load[d], mean = 0, turned[24];
        for (unsigned h = 0; h < 24; h++) {
            mean += x[h] / 24;
            turned[23 - h] = x[h];
        }
        for (unsigned h = 0; h < 24; h++)
            x[h] = kind == 1   ? x[h] * 0.5f
                   : kind == 2 ? (h >= 10 && h < 15 ? 0 : x[h])
                   : kind == 3 ? x[h] * made_share(d, h)
                   : kind == 5 ? mean
                   : kind == 6 ? turned[(h + 3) % 24]
                   : kind == 7 ? fminf(x[h], mean * 1.2f)
                               : fmaxf(x[h] - mean * 0.4f, 0);
    }
    assert_int_equal(features_of(&m, 24, NULL, stolen), 0);
}

static void test_honest_days_change_nothing(void **state)
{
    (void)state;
    steal(1);
    assert_true(fabsf(STAT(honest, LEVEL, 0)) < 0.1f);
    assert_true(fabsf(STAT(honest, OWN, 0)) < 0.1f);
    assert_true(POOLED(honest, STEP_T) < 3);
    assert_true(fabsf(POOLED(honest, Q02)) < 0.1f);
    assert_true(POOLED(honest, CAP_GAIN) < 0.5f);
}

static void test_each_theft_moves_its_own_features(void **state)
{
    (void)state;
    steal(1);
    assert_true(STAT(stolen, LEVEL, 0) < -0.4f);
    assert_true(STAT(stolen, LEVEL, 2) > 0.9f); /* below what 95 % of the reference days are */
    assert_true(STAT(stolen, OWN, 0) > -0.1f);  /* the shape stayed */
    assert_true(POOLED(stolen, STEP_SIZE) < -0.4f);
    steal(2);
    assert_true(POOLED(stolen, WINDOW_LOW) < 0.01f);
    assert_true(STAT(stolen, LOW, 0) >= 5);
    steal(3);
    assert_true(STAT(stolen, ROUGH, 0) > 2 * STAT(honest, ROUGH, 0) + 0.1f);
    assert_true(STAT(stolen, OWN, 0) < -0.2f);
    steal(5);
    assert_true(STAT(stolen, STILL, 0) > 15);
    assert_true(STAT(stolen, SPREAD, 0) < -0.2f);
    steal(6);
    assert_true(STAT(stolen, TURNED, 0) > 0.5f);
    steal(7);
    assert_true(POOLED(stolen, CAP_HOURS) < 3 && POOLED(stolen, CAP_BEFORE) > 0.6f);
    assert_true(POOLED(stolen, CAP_RATIO) < -0.05f);
    steal(8);
    assert_true(POOLED(stolen, Q02) < -0.3f);
}

static void test_a_known_holiday_is_lived_like_a_weekend(void **state)
{
    (void)state;
    static const int32_t days[] = {1064, 1065, 1066, 1067, 1068};
    struct sg_fraud_context ctx = SG_FRAUD_CONTEXT_NONE;
    struct made m;
    float unknown[SG_FEATURES], known[SG_FEATURES];
    made_customer(&m, 2, 0);
    for (unsigned d = 64; d < 69; d++) /* five workdays off: each like the Saturday before */
        memcpy(m.load[d], m.load[61 - 61 % 7 + 5], sizeof(m.load[d]));
    ctx.epoch = 1000;
    ctx.holiday = days;
    ctx.n_holidays = 5;
    assert_int_equal(features_of(&m, 24, NULL, unknown), 0);
    assert_int_equal(features_of(&m, 24, &ctx, known), 0);
    assert_true(POOLED(unknown, SHAPE_SHIFT) > 2 * POOLED(known, SHAPE_SHIFT));
    assert_true(sg_fraud_context_holiday(&ctx, 68) && !sg_fraud_context_holiday(&ctx, 69));
}

static void test_what_cannot_be_compared_is_said(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    SG_CLEANUP(sg_view_clear) struct sg_view v = {.x = NULL};
    struct made m;
    float f[SG_FEATURES];
    memset(&m, 0, sizeof(m));
    assert_int_equal(features_of(&m, 24, NULL, f), SG_FEATURES_NO_LEVEL);
    made_customer(&m, 1, 0);
    made_days(&m, "c", 24, -1000, &d); /* long before the windows */
    assert_int_equal(sg_view_init(&v, &made_windows), 0);
    sg_view_fill(&v, &d, NULL);
    assert_int_equal(sg_features_begin(&work, &v), SG_FEATURES_NO_REFERENCE);
    made_days(&m, "c", 24, -MADE_DAYS + 10, &d); /* ten reference days, none recent */
    sg_view_fill(&v, &d, NULL);
    assert_int_equal(sg_features_begin(&work, &v), SG_FEATURES_NO_TEST);
}

/* Two reference days and one recent one are little, but give finite numbers. */
static void test_few_days_give_finite_features(void **state)
{
    (void)state;
    const struct sg_corr_windows w = {.reference = {0, 1}, .test = {2, 2}};
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    SG_CLEANUP(sg_view_clear) struct sg_view v = {.x = NULL};
    struct made m;
    float f[SG_FEATURES];
    for (unsigned n = 0; n < 8; n++) {
        made_customer(&m, n, 1);
        memset(m.load[n % 3], 0, n >= 4 ? sizeof(m.load[0]) : 0);
        made_days(&m, "c", 24, 0, &d);
        assert_int_equal(sg_view_init(&v, &w), 0);
        sg_view_fill(&v, &d, NULL);
        assert_int_equal(sg_features_begin(&work, &v), 0);
        sg_features_end(&work, NULL, f);
        for (uint32_t i = 0; i < SG_FEATURES; i++)
            assert_true(isfinite(f[i]));
        sg_view_clear(&v);
    }
}

/* Late days at their mean, or capped; of each the hour of the regular peak is dropped. */
static void features_of_flat(bool capped, bool dropped, float ret[SG_FEATURES])
{
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    SG_CLEANUP(sg_view_clear) struct sg_view v = {.x = NULL};
    struct made m;
    made_customer(&m, 2, 0);
    assert_int_equal(sg_fraud_days_start(&d, "c", 24), 0);
    for (unsigned day = 0; day < MADE_DAYS; day++) {
        float *x = m.load[day], mean = 0;
        unsigned peak = 0;
        for (unsigned h = 0; h < 24; h++) {
            mean += x[h] / 24;
            peak = x[h] > x[peak] ? h : peak;
        }
        for (unsigned h = 0; h < 24 && day >= MADE_REFERENCE; h++)
            x[h] = !capped ? mean : x[h] < 12 ? x[h] : 12;
        if (dropped && day >= MADE_REFERENCE)
            x[peak] = NAN;
        assert_int_equal(sg_fraud_days_add_part(&d, (int32_t)day, m.weekday[day], x, NULL), 0);
    }
    assert_int_equal(sg_view_init(&v, &made_windows), 0);
    sg_view_fill(&v, &d, NULL);
    assert_true(v.gaps == dropped);
    assert_int_equal(sg_features_begin(&work, &v), 0);
    sg_features_end(&work, NULL, ret);
}

/* What was filled in is no evidence: neither does it end a flat stretch nor pass a cap. */
static void test_filled_hours_say_nothing(void **state)
{
    (void)state;
    static float whole[SG_FEATURES], dropped[SG_FEATURES];
    features_of_flat(false, false, whole);
    features_of_flat(false, true, dropped);
    assert_true(STAT(whole, STILL, 0) > 10 && STAT(whole, TOP, 0) > 10);
    assert_true(fabsf(STAT(dropped, STILL, 0) - STAT(whole, STILL, 0)) < 0.01f);
    assert_true(fabsf(STAT(dropped, TOP, 0) - STAT(whole, TOP, 0)) < 0.01f);
    assert_true(fabsf(STAT(dropped, SPREAD, 0) - STAT(whole, SPREAD, 0)) < 0.01f);
    assert_true(fabsf(STAT(dropped, LEVEL, 0) - STAT(whole, LEVEL, 0)) < 0.1f);
    features_of_flat(true, false, whole);
    features_of_flat(true, true, dropped);
    assert_true(POOLED(whole, CAP_HOURS) > 2 && work.cap > 0);
    assert_true(POOLED(dropped, CAP_HOURS) > POOLED(whole, CAP_HOURS) - 1.01f);
    assert_true(fabsf(POOLED(dropped, CAP_RATIO) - POOLED(whole, CAP_RATIO)) < 1e-3f);
    assert_true(fabsf(STAT(dropped, MOST, 0) - STAT(whole, MOST, 0)) < 1e-3f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filled_hours_say_nothing),
        cmocka_unit_test(test_every_number_of_rows_is_sorted),
        cmocka_unit_test(test_features_have_names_and_families),
        cmocka_unit_test(test_points_do_not_matter),
        cmocka_unit_test(test_size_does_not_matter),
        cmocka_unit_test(test_honest_days_change_nothing),
        cmocka_unit_test(test_each_theft_moves_its_own_features),
        cmocka_unit_test(test_a_known_holiday_is_lived_like_a_weekend),
        cmocka_unit_test(test_what_cannot_be_compared_is_said),
        cmocka_unit_test(test_few_days_give_finite_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
