#include <sealgrid/fraud/days.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void fill(float *row, uint32_t points, float first)
{
    for (uint32_t i = 0; i < points; i++)
        row[i] = first + (float)i;
}

static void test_keeps_rows_while_growing(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    float row[96];
    assert_int_equal(sg_fraud_days_start(&d, "c1", 96), 0);
    for (int i = 0; i < 1000; i++) {
        fill(row, 96, (float)i);
        assert_int_equal(sg_fraud_days_add(&d, i * 2 - 7, (uint8_t)(i % 7), row, NULL), 0);
    }
    assert_int_equal(d.n_days, 1000);
    assert_int_equal((uintptr_t)d.load % SG_FRAUD_LOAD_ALIGN, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        fill(row, 96, (float)i);
        assert_memory_equal(sg_fraud_days_row(&d, i), row, sizeof(row));
        assert_int_equal(d.day[i], (int)i * 2 - 7);
        assert_int_equal(d.weekday[i], i % 7);
    }
}

static void test_another_width_starts_afresh(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    float row[96] = {1};
    assert_int_equal(sg_fraud_days_start(&d, "narrow", 24), 0);
    assert_int_equal(sg_fraud_days_add(&d, 1, 0, row, NULL), 0);
    assert_int_equal(sg_fraud_days_start(&d, "wide", 96), 0);
    assert_int_equal(d.n_days, 0);
    for (int i = 0; i < 200; i++)
        assert_int_equal(sg_fraud_days_add(&d, i, 0, row, NULL), 0);
    assert_string_equal(d.id, "wide");
}

static void test_refuses(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    char id[SG_FRAUD_ID_MAX + 2];
    memset(id, 'x', sizeof(id));
    id[SG_FRAUD_ID_MAX + 1] = '\0';
    assert_int_equal(sg_fraud_days_start(&d, id, 24), SG_FRAUD_DAYS_BAD_ID);
    assert_int_equal(sg_fraud_days_start(&d, "", 24), SG_FRAUD_DAYS_BAD_ID);
    assert_int_equal(sg_fraud_days_start(&d, "a", 25), SG_FRAUD_DAYS_BAD_POINTS);
    id[SG_FRAUD_ID_MAX] = '\0';
    assert_int_equal(sg_fraud_days_start(&d, id, 24), 0);
    assert_string_equal(d.id, id);

    float row[24] = {0};
    assert_int_equal(sg_fraud_days_add(&d, 5, 7, row, NULL), SG_FRAUD_DAYS_BAD_WEEKDAY);
    assert_int_equal(sg_fraud_days_add(&d, 5, 6, row, NULL), 0);
    assert_int_equal(sg_fraud_days_add(&d, 5, 6, row, NULL), SG_FRAUD_DAYS_NOT_AFTER);
    assert_int_equal(sg_fraud_days_add(&d, 4, 6, row, NULL), SG_FRAUD_DAYS_NOT_AFTER);
    const float bad[] = {NAN, -NAN, INFINITY, -INFINITY, -0.1f, 1.1e12f};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint32_t at = 99;
        row[17] = bad[i];
        assert_int_equal(sg_fraud_days_add(&d, 6, 0, row, &at), SG_FRAUD_DAYS_BAD_LOAD);
        assert_int_equal(at, 17);
    }
    assert_int_equal(d.n_days, 1);
    assert_string_equal(sg_fraud_days_outcome_text(SG_FRAUD_DAYS_BAD_LOAD), "load");
    assert_string_equal(sg_fraud_days_outcome_text(0), "unknown");
    assert_string_equal(sg_fraud_days_outcome_text(99), "unknown");
}

static void test_full(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    float row[24] = {0};
    assert_int_equal(sg_fraud_days_start(&d, "old", 24), 0);
    for (int i = 0; i < SG_FRAUD_DAYS_MAX; i++)
        assert_int_equal(sg_fraud_days_add(&d, i, 0, row, NULL), 0);
    assert_int_equal(sg_fraud_days_add(&d, SG_FRAUD_DAYS_MAX, 0, row, NULL), SG_FRAUD_DAYS_FULL);
    assert_int_equal(d.n_days, SG_FRAUD_DAYS_MAX);
}

static void test_kinds(void **state)
{
    (void)state;
    assert_int_equal(sg_fraud_day_kind_of(0), SG_FRAUD_WORKDAY);
    assert_int_equal(sg_fraud_day_kind_of(4), SG_FRAUD_WORKDAY);
    assert_int_equal(sg_fraud_day_kind_of(5), SG_FRAUD_WEEKEND);
    assert_int_equal(sg_fraud_day_kind_of(6), SG_FRAUD_WEEKEND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_rows_while_growing),
        cmocka_unit_test(test_another_width_starts_afresh),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
