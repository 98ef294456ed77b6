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

/* A customer whose days are 1, 2, .. 24, three days of it. */
static void start_regular(struct sg_fraud_days *d, uint32_t points)
{
    float row[96];
    assert_int_equal(sg_fraud_days_start(d, "c", points), 0);
    for (int day = 0; day < 3; day++) {
        for (uint32_t i = 0; i < points; i++)
            row[i] = (float)(1 + i * 24 / points);
        assert_int_equal(sg_fraud_days_add(d, day, 0, row, NULL), 0);
    }
}

static void test_gaps_are_filled_by_own_days_and_neighbours(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    float row[24], peak[24];
    for (int i = 0; i < 24; i++) {
        row[i] = 0.5f * (float)(1 + i);
        peak[i] = i == 12 ? 40 : 10;
    }
    start_regular(&d, 24);
    row[0] = row[7] = row[22] = row[23] = NAN;
    assert_int_equal(sg_fraud_days_add_part(&d, 3, 0, row, NULL), 0);
    assert_int_equal(d.n_days, 4);
    assert_int_equal(d.n_gaps, 1);
    assert_int_equal(d.gap[3].missing, 4);
    for (uint32_t i = 0; i < 24; i++) { /* as the day is elsewhere: half of usual */
        assert_true(fabsf(sg_fraud_days_row(&d, 3)[i] - 0.5f * (float)(1 + i)) < 1e-5f);
        assert_int_equal(sg_fraud_days_is_filled(&d, 3, i), i == 0 || i == 7 || i >= 22);
        assert_false(sg_fraud_days_is_filled(&d, 2, i));
    }
    /* A weekend: no such day is known, so the line between its neighbours. */
    peak[12] = NAN;
    assert_int_equal(sg_fraud_days_add_part(&d, 5, 5, peak, NULL), 0);
    assert_true(sg_fraud_days_row(&d, 4)[12] == 10);
    /* Off all day: nothing is made up. */
    memset(row, 0, sizeof(row));
    row[12] = NAN;
    assert_int_equal(sg_fraud_days_add_part(&d, 7, 0, row, NULL), 0);
    assert_true(sg_fraud_days_row(&d, 5)[12] == 0);
}

static void test_short_gaps_stay_between_their_neighbours(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    float row[96];
    assert_int_equal(sg_fraud_days_start(&d, "c", 96), 0);
    for (int day = 0; day < 4; day++) {
        for (int i = 0; i < 96; i++)
            row[i] = i == 50 ? 9 : 3;
        if (day == 3) { /* capped, and the reading of the peak is dropped */
            row[50] = NAN;
            for (int i = 60; i < 64; i++)
                row[i] = NAN;
        }
        assert_int_equal(sg_fraud_days_add_part(&d, day, 0, row, NULL), 0);
    }
    assert_true(sg_fraud_days_row(&d, 3)[50] == 3);
    assert_int_equal(d.gap[3].missing, 5);
}

static void test_more_than_a_quarter_is_too_much(void **state)
{
    (void)state;
    static const uint32_t widths[] = {24, 48, 96};
    for (int w = 0; w < 3; w++) {
        SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
        float row[96];
        const uint32_t points = widths[w];
        start_regular(&d, points);
        memcpy(row, sg_fraud_days_row(&d, 0), points * sizeof(*row));
        for (uint32_t i = 0; i < points / 4; i++)
            row[2 * i] = NAN;
        assert_int_equal(sg_fraud_days_add_part(&d, 3, 0, row, NULL), 0);
        row[1] = NAN;
        assert_int_equal(sg_fraud_days_add_part(&d, 4, 0, row, NULL), SG_FRAUD_DAYS_GAPS);
        assert_int_equal(d.n_days, 4);
        row[1] = -1;
        assert_int_equal(sg_fraud_days_add_part(&d, 4, 0, row, NULL), SG_FRAUD_DAYS_BAD_LOAD);
    }
}

static void test_gaps_and_lost_days_go_along(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days copy = SG_FRAUD_DAYS_INIT;
    float row[24];
    start_regular(&d, 24);
    for (int day = 3; day < 300; day++) {
        memcpy(row, sg_fraud_days_row(&d, 0), sizeof(row));
        row[day % 24] = NAN;
        assert_int_equal(sg_fraud_days_add_part(&d, day, 0, row, NULL), 0);
    }
    for (int day = 300; day < 500; day++)
        assert_int_equal(sg_fraud_days_lose(&d, day, 1u << day % 24), 0);
    assert_int_equal(sg_fraud_days_lose(&d, 400, 0), 0); /* passed over */
    sg_fraud_days_note_missing(&d, 3);
    assert_int_equal(sg_fraud_days_copy(&copy, &d), 0);
    sg_fraud_days_forget(&copy, 100);
    sg_fraud_days_renumber(&copy, 1000);
    assert_int_equal(d.n_gaps, 297);
    assert_int_equal(copy.n_days, 200);
    assert_int_equal(copy.n_gaps, 200);
    assert_int_equal(copy.n_lost, 200);
    assert_int_equal(copy.lost[0].day, -700);
    assert_int_equal(copy.lost[0].hours, 1u << 300 % 24);
    assert_int_equal(copy.gap[199].missing, 3);
    for (uint32_t i = 0; i < 200; i++) {
        assert_int_equal(copy.day[i], (int)i - 900);
        assert_true(sg_fraud_days_is_filled(&copy, i, (i + 100) % 24));
        assert_memory_equal(sg_fraud_days_row(&copy, i), sg_fraud_days_row(&d, i + 100),
                            sizeof(row));
    }
    for (int day = 500; day < 3 * SG_FRAUD_DAYS_MAX; day++)
        assert_int_equal(sg_fraud_days_lose(&d, day, 1u << day % 24), 0);
    assert_true(d.n_lost <= SG_FRAUD_DAYS_MAX);
    assert_int_equal(d.lost[d.n_lost - 1].day, 3 * SG_FRAUD_DAYS_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_rows_while_growing),
        cmocka_unit_test(test_gaps_are_filled_by_own_days_and_neighbours),
        cmocka_unit_test(test_short_gaps_stay_between_their_neighbours),
        cmocka_unit_test(test_more_than_a_quarter_is_too_much),
        cmocka_unit_test(test_gaps_and_lost_days_go_along),
        cmocka_unit_test(test_another_width_starts_afresh),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
