#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include <sealgrid/base/clock.h>

static void writes_and_reads_rfc3339(void **state)
{
    (void)state;
    static const struct {
        int64_t s;
        const char *text;
    } cases[] = {{0, "1970-01-01T00:00:00Z"},          {951782400, "2000-02-29T00:00:00Z"},
                 {1788231600, "2026-09-01T03:00:00Z"}, {4107542399, "2100-02-28T23:59:59Z"},
                 {4107542400, "2100-03-01T00:00:00Z"}, {253402300799, "9999-12-31T23:59:59Z"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[SG_RFC3339_MAX];
        int64_t s = -1;
        sg_time_rfc3339(text, cases[i].s);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(sg_time_parse(text, &s), 0);
        assert_int_equal(s, cases[i].s);
    }
}

static void offsets_are_taken_off(void **state)
{
    (void)state;
    int64_t s = 0;
    assert_int_equal(sg_time_parse("2026-09-01T00:00:00-03:00", &s), 0);
    assert_int_equal(s, 1788231600);
    assert_int_equal(sg_time_parse("2026-09-01T08:30:00+05:30", &s), 0);
    assert_int_equal(s, 1788231600);
}

static void refuses_what_is_not_a_time(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "2026-09-01",
                                      "2026-09-01T03:00:00",
                                      "2026-9-01T03:00:00Z",
                                      "2026-02-29T00:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-00-01T00:00:00Z",
                                      "2026-01-00T00:00:00Z",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:60:00Z",
                                      "2026-01-01T00:00:60Z",
                                      "1969-12-31T23:59:59Z",
                                      "2026-01-01T00:00:00Zx",
                                      "2026-01-01T00:00:00-3:00",
                                      "2026-01-01T00:00:00-24:00",
                                      "2026-01-01 00:00:00Z"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t s = 77;
        assert_int_equal(sg_time_parse(bad[i], &s), -EINVAL);
        assert_int_equal(s, 77);
    }
}

/* Every day of 200 years against the C library. */
static void civil_days_agree_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t day = -25567; day < 47482; day++) {
        time_t t = (time_t)(day * 86400);
        struct tm tm;
        int y;
        unsigned m, d;
        gmtime_r(&t, &tm);
        sg_civil_from_days(day, &y, &m, &d);
        assert_int_equal(y, tm.tm_year + 1900);
        assert_int_equal(m, tm.tm_mon + 1);
        assert_int_equal(d, tm.tm_mday);
        assert_int_equal(sg_days_from_civil(y, m, d), day);
    }
}

static void clocks_go_forward(void **state)
{
    (void)state;
    int64_t a = sg_clock_monotonic_ns();
    assert_true(sg_clock_monotonic_ns() >= a);
    assert_true(sg_clock_unix_s() > 1700000000);
    assert_true(sg_clock_cpu_ns() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads_rfc3339),
        cmocka_unit_test(offsets_are_taken_off),
        cmocka_unit_test(refuses_what_is_not_a_time),
        cmocka_unit_test(civil_days_agree_with_the_c_library),
        cmocka_unit_test(clocks_go_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
