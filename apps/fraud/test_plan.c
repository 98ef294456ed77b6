#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan.h"

static struct fraud_options options(const char *const *argv, int n)
{
    struct fraud_options o;
    char *args[16] = {(char[]){"sealgrid-fraud"}};
    int first;
    for (int i = 0; i < n; i++)
        args[i + 1] = strdup(argv[i]);
    assert_int_equal(sg_conf_parse(&fraud_table, n + 1, args, &o, &first), 0);
    for (int i = 0; i < n; i++)
        free(args[i + 1]);
    return o;
}

#define PLAN(...)                                                                                  \
    make((const char *const[]){__VA_ARGS__},                                                       \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static const char *why;

static struct plan make(const char *const *argv, int n)
{
    struct fraud_options o = options(argv, n);
    struct plan p = {.fixed = true};
    why = NULL;
    if (plan_make(&p, &o, &why) == PLAN_BAD)
        assert_non_null(why);
    sg_conf_clear(&fraud_table, &o);
    return p;
}

static void assert_windows(const struct plan *p, int32_t a, int32_t b, int32_t c, int32_t d)
{
    assert_null(why);
    assert_int_equal(p->windows.reference.first, a);
    assert_int_equal(p->windows.reference.last, b);
    assert_int_equal(p->windows.test.first, c);
    assert_int_equal(p->windows.test.last, d);
}

static void windows_end_with_the_last_day(void **state)
{
    (void)state;
    struct plan p = PLAN("--input=x");
    assert_windows(&p, 0, 89, 90, 119);
    assert_int_equal(p.mode, MODE_FULL);
    assert_false(p.fixed || p.sliding);
    struct source_span span = plan_span(&p);
    assert_true(span.first > span.last);

    struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    const float load[24] = {1};
    assert_int_equal(sg_fraud_days_start(&d, "x", 24), 0);
    assert_int_equal(sg_fraud_days_add(&d, 700, 0, load, NULL), 0);
    assert_int_equal(sg_fraud_days_add(&d, 1000, 6, load, NULL), 0);
    plan_renumber(&p, &d, 1000);
    assert_int_equal(d.day[0], -181);
    assert_int_equal(d.day[1], 119);
    plan_anchor(&p, 1000);
    assert_windows(&p, 881, 970, 971, 1000);
    assert_true(p.fixed && p.dated);
    span = plan_span(&p);
    assert_int_equal(span.first, 881);
    assert_int_equal(span.last, 1000);
    plan_renumber(&p, &d, 1000); /* windows stay where they are: so do days */
    assert_int_equal(d.day[1], 119);
    sg_fraud_days_clear(&d);
}

static void windows_as_given(void **state)
{
    (void)state;
    struct plan p = PLAN("--input=x", "--reference-days=3..10", "--test-days=12..12");
    assert_windows(&p, 3, 10, 12, 12);
    assert_true(p.fixed && !p.dated);
    plan_anchor(&p, 1000);
    assert_windows(&p, 3, 10, 12, 12);
    p = PLAN("--input=x", "--mode=correlation", "--reference-days=1970-01-02..1970-01-31",
             "--test-days=1970-02-01..1970-02-28");
    assert_windows(&p, 1, 30, 31, 58);
    assert_true(p.fixed && p.dated && !p.sliding);
}

static void days_of_the_store_slide(void **state)
{
    (void)state;
    struct plan p =
        PLAN("--store", "--mode=correlation", "--recent=10", "--sliding-lag=5", "--sliding-days=4");
    assert_null(why);
    assert_true(p.sliding);
    assert_int_equal(p.slide.least_days, 4); /* 7 of 4 there cannot be */
    plan_anchor(&p, 100);
    const struct source_span span = plan_span(&p);
    assert_int_equal(span.last, 100);
    assert_int_equal(span.first, 100 - (10 + 5 + 14) + 1);
    p = PLAN("--store", "--mode=correlation", "--reference-days=1970-01-02..1970-01-31",
             "--test-days=1970-02-01..1970-02-28");
    assert_null(why);
    assert_false(p.sliding);
    p = PLAN("--store");
    assert_false(p.sliding);
    p = PLAN("--mode=full");
    assert_null(why);
    assert_int_equal(p.mode, MODE_FULL);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    (void)PLAN("--mode=full", "--reference=600");
    assert_non_null(strstr(why, "512 days"));
    static const char *const bad[][4] = {
        {"--mode=som", "", "", ""},
        {"--reference-days=0..89", "", "", ""},
        {"--test-days=90..119", "", "", ""},
        {"--reference-days=0..90", "--test-days=90..119", "", ""},
        {"--reference-days=89..0", "--test-days=90..119", "", ""},
        {"--reference-days=0..", "--test-days=90..119", "", ""},
        {"--reference-days=0-89", "--test-days=90-119", "", ""},
        {"--reference-days=0..8 ", "--test-days=90..119", "", ""},
        {"--reference-days=1970-01-01..1970-01-31", "--test-days=90..119", "", ""},
        {"--reference-days=1970-01-01..90", "--test-days=90..119", "", ""},
        {"--reference-days=1970-02-30..1970-03-31", "--test-days=1971-01-01..1971-01-02", "", ""},
        {"--reference-days=0..1999", "--test-days=2000..2001", "", ""},
        {"--store", "--reference-days=0..89", "--test-days=90..119", ""},
        {"--sliding", "--mode=paper", "", ""},
        {"--sliding", "--mode=correlation", "--reference-days=0..8", "--test-days=9..10"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        int n = 0;
        while (n < 4 && bad[i][n][0])
            n++;
        const struct plan p = make(bad[i], n);
        if (!why)
            fail_msg("%s %s was taken", bad[i][0], bad[i][1]);
        assert_true(p.fixed && p.windows.test.last == 0); /* untouched */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_end_with_the_last_day),
        cmocka_unit_test(windows_as_given),
        cmocka_unit_test(days_of_the_store_slide),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
