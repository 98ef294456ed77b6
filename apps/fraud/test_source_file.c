#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include <sealgrid/base/buf.h>
#include <sealgrid/base/file.h>

#include "source.h"

static char path[64];
static struct sg_buf text = SG_BUF_INIT(16 << 20);
static const struct source_span everything = {1, 0};
static struct sg_fraud_days days;
static struct source_notes notes;

static void begin(void)
{
    sg_buf_reset(&text);
    assert_int_equal(sg_buf_printf(&text, "customer,day,weekday"), 0);
    for (int i = 0; i < 24; i++)
        assert_int_equal(sg_buf_printf(&text, ",h%02d", i), 0);
    assert_int_equal(sg_buf_printf(&text, "\n"), 0);
}

/* A day whose every hour is `load`. */
static void row(const char *customer, int day, const char *load)
{
    assert_int_equal(sg_buf_printf(&text, "%s,%d,%d", customer, day, day % 7), 0);
    for (int i = 0; i < 24; i++)
        assert_int_equal(sg_buf_printf(&text, ",%s", load), 0);
    assert_int_equal(sg_buf_printf(&text, "\n"), 0);
}

static struct source *open_text(struct source_span span)
{
    struct source *s = NULL;
    assert_int_equal(sg_file_write_atomic(path, sg_buf_bytes(&text), 0600), 0);
    assert_int_equal(source_file_open(&s, path, span), 0);
    return s;
}

static void expect(struct source *s, const char *id, size_t index, uint32_t n_days)
{
    assert_int_equal(source_next(s, NULL, &days, &notes), 0);
    assert_string_equal(days.id, id);
    assert_int_equal(notes.index, index);
    assert_int_equal(days.n_days, n_days);
}

static void expect_end(struct source *s)
{
    assert_int_equal(source_next(s, NULL, &days, &notes), SOURCE_END);
    assert_int_equal(source_next(s, NULL, &days, &notes), SOURCE_END);
}

static void customers_stream(void **state)
{
    (void)state;
    begin();
    row("a", 0, "1");
    row("a", 1, "");
    row("a", 3, "2");
    row("b", 5, "3");
    row("c", 0, "");
    SG_CLEANUP(source_freep) struct source *s = open_text(everything);
    assert_int_equal(source_points(s), 24);
    assert_false(source_dated(s));
    for (int pass = 0; pass < 2; pass++) {
        expect(s, "a", 0, 2);
        assert_int_equal(notes.incomplete, 1);
        assert_int_equal(notes.readings, 3);
        assert_int_equal(days.day[1], 3);
        assert_true(sg_fraud_days_row(&days, 1)[23] == 2);
        expect(s, "b", 1, 1);
        assert_int_equal(notes.incomplete, 0);
        assert_int_equal(days.weekday[0], 5);
        expect(s, "c", 2, 0);
        assert_int_equal(notes.incomplete, 1);
        expect_end(s);
        assert_int_equal(source_rewind(s), 0);
    }
}

static void days_outside_the_span_are_passed_over(void **state)
{
    (void)state;
    begin();
    for (int day = 0; day < 9; day++)
        row("a", day, day == 1 || day == 4 ? "" : "1");
    SG_CLEANUP(source_freep) struct source *s = open_text((struct source_span){3, 6});
    expect(s, "a", 0, 3);
    assert_int_equal(notes.incomplete, 1);
    assert_int_equal(days.day[0], 3);
    assert_int_equal(days.day[2], 6);
    expect_end(s);
}

/* Rows that lie apart, or backwards: told at once, and the same after sorting. */
static void other_orders_are_sorted_on_request(void **state)
{
    (void)state;
    begin();
    row("b", 5, "3");
    row("a", 3, "2");
    row("b", 4, "4");
    row("a", 0, "1");
    row("a", 1, "");
    SG_CLEANUP(source_freep) struct source *s = open_text(everything);
    int r;
    while ((r = source_next(s, NULL, &days, &notes)) == 0)
        ;
    assert_int_equal(r, SOURCE_UNGROUPED);
    assert_int_equal(source_file_sort(s, 1 << 30), 0);
    for (int pass = 0; pass < 2; pass++) {
        expect(s, "a", 0, 2);
        assert_int_equal(notes.incomplete, 1);
        assert_true(sg_fraud_days_row(&days, 0)[0] == 1 && sg_fraud_days_row(&days, 1)[0] == 2);
        expect(s, "b", 1, 2);
        assert_int_equal(days.day[0], 4);
        assert_true(sg_fraud_days_row(&days, 0)[7] == 4);
        expect_end(s);
        assert_int_equal(source_rewind(s), 0);
    }
}

static void sorting_stops_at_its_limit(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 10000; i++)
        row(i % 2 ? "a" : "b", i, "1");
    SG_CLEANUP(source_freep) struct source *s = open_text(everything);
    assert_int_equal(source_file_sort(s, 1 << 20), SOURCE_BAD);
    assert_non_null(strstr(source_why(s), "1 MiB"));
    assert_int_equal(source_file_sort(s, 64 << 20), 0);
    assert_int_equal(source_next(s, NULL, &days, &notes), 0);
    assert_int_equal(notes.readings, 5000);
}

/* Nor may the second telling make an incomplete day whole. */
static void a_day_told_twice_is_named(void **state)
{
    (void)state;
    static const char *const first[] = {"1", ""};
    for (int i = 0; i < 2; i++) {
        begin();
        row("a", 0, "1");
        row("a", 1, first[i]);
        row("a", 1, "2");
        SG_CLEANUP(source_freep) struct source *s = open_text(everything);
        assert_int_equal(source_next(s, NULL, &days, &notes), SOURCE_UNGROUPED);
        assert_int_equal(source_file_sort(s, 1 << 30), SOURCE_BAD);
        assert_non_null(strstr(source_why(s), "there before"));
    }
}

static void a_bad_line_is_named_and_stays_bad(void **state)
{
    (void)state;
    begin();
    row("a", 0, "1");
    row("b", 0, "1,");
    struct source *s = open_text(everything);
    assert_int_equal(source_next(s, NULL, &days, &notes), SOURCE_BAD);
    assert_int_equal(source_next(s, NULL, &days, &notes), SOURCE_BAD);
    assert_string_equal(source_why(s),
                        "line 3, column 27: the line has more values than the header has columns");
    source_free(s);
    s = NULL;
    sg_buf_reset(&text);
    assert_int_equal(sg_buf_printf(&text, "nothing\n"), 0);
    assert_int_equal(sg_file_write_atomic(path, sg_buf_bytes(&text), 0600), 0);
    assert_int_equal(source_file_open(&s, path, everything), SOURCE_BAD);
    assert_non_null(strstr(source_why(s), "line 1: columns must be"));
    source_free(s);
    s = NULL;
    assert_int_equal(source_file_open(&s, "/nonexistent", everything), -ENOENT);
    source_free(s);
}

/* Twenty years of days: the latest are kept, in order. */
static void the_oldest_days_give_way(void **state)
{
    (void)state;
    begin();
    for (int day = 0; day < 7300; day++)
        row("a", day, "1");
    SG_CLEANUP(source_freep) struct source *s = open_text(everything);
    assert_int_equal(source_next(s, NULL, &days, &notes), 0);
    assert_true(days.n_days >= WINDOW_DAYS_MAX && days.n_days <= SG_FRAUD_DAYS_MAX);
    for (uint32_t i = 0; i < days.n_days; i++)
        assert_int_equal(days.day[i], 7300 - (int)days.n_days + (int)i);
    assert_int_equal(days.weekday[days.n_days - 1], 7299 % 7);
    expect_end(s);
}

static int name_file(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/sealgrid-fraud-source-%d.csv", (int)getpid());
    return 0;
}

static int clear(void **state)
{
    (void)state;
    unlink(path);
    sg_fraud_days_clear(&days);
    sg_buf_clear(&text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(customers_stream),
        cmocka_unit_test(days_outside_the_span_are_passed_over),
        cmocka_unit_test(other_orders_are_sorted_on_request),
        cmocka_unit_test(sorting_stops_at_its_limit),
        cmocka_unit_test(a_day_told_twice_is_named),
        cmocka_unit_test(a_bad_line_is_named_and_stays_bad),
        cmocka_unit_test(the_oldest_days_give_way),
    };
    return cmocka_run_group_tests(tests, name_file, clear);
}
