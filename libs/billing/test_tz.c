#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tz-rule-int.h"

#include <sealgrid/base/clock.h>

#include <stdlib.h>
#include <time.h>

static int64_t at(const char *text)
{
    int64_t s = 0;
    assert_int_equal(sg_time_parse(text, &s), 0);
    return s;
}

static int32_t east(const struct sg_tz *tz, const char *text)
{
    return sg_tz_at(tz, at(text)).east_s;
}

/* Brazil had summer time until February 2019. */
static void sao_paulo(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tz_freep) struct sg_tz *tz = NULL;

    assert_int_equal(sg_tz_load(&tz, "America/Sao_Paulo"), 0);
    assert_int_equal(east(tz, "2026-09-01T03:00:00Z"), -3 * 3600);
    assert_int_equal(east(tz, "2019-02-17T01:59:59Z"), -2 * 3600);
    assert_int_equal(east(tz, "2019-02-17T02:00:00Z"), -3 * 3600);
    assert_int_equal(sg_tz_midnight(tz, 2026, 9, 1), at("2026-09-01T03:00:00Z"));
    /* Clocks went from 0:00 to 1:00: that day began at 1:00. */
    assert_int_equal(sg_tz_midnight(tz, 2018, 11, 4), at("2018-11-04T03:00:00Z"));
    struct sg_tz_span now = sg_tz_at(tz, at("2026-09-01T03:00:00Z"));
    assert_int_equal(now.from_s, at("2019-02-17T02:00:00Z"));
    assert_true(now.until_s >= INT32_MAX); /* some builds of tzdata end with a 2038 entry */
}

/* Every zone of a handful, every three hours and a bit of 1980..2045, against the C library. */
static void agrees_with_the_c_library(void **state)
{
    (void)state;
    static const char *const zones[] = {
        "America/Sao_Paulo", "Europe/London",     "Australia/Lord_Howe",
        "America/Santiago",  "Africa/Casablanca", "Asia/Kathmandu",
        "Pacific/Apia",      "Etc/UTC",           "Europe/Dublin"};
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        SG_CLEANUP(sg_tz_freep) struct sg_tz *tz = NULL;
        assert_int_equal(sg_tz_load(&tz, zones[i]), 0);
        setenv("TZ", zones[i], 1);
        tzset();
        for (int64_t s = 315532800; s < 2366841600; s += 40009) {
            time_t t = (time_t)s;
            struct tm tm;
            struct sg_tz_span span = sg_tz_at(tz, s);
            localtime_r(&t, &tm);
            if (span.east_s != tm.tm_gmtoff)
                fail_msg("%s at %lld: %d, not %ld", zones[i], (long long)s, span.east_s,
                         tm.tm_gmtoff);
            assert_true(span.from_s <= s && s < span.until_s);
        }
    }
    unsetenv("TZ");
    tzset();
}

static void spans_meet_at_their_ends(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tz_freep) struct sg_tz *tz = NULL;
    int64_t s = at("2030-01-01T00:00:00Z");

    assert_int_equal(sg_tz_load(&tz, "Europe/London"), 0);
    for (int i = 0; i < 50; i++) {
        struct sg_tz_span span = sg_tz_at(tz, s);
        assert_int_equal(sg_tz_at(tz, span.until_s - 1).east_s, span.east_s);
        assert_int_equal(sg_tz_at(tz, span.until_s).from_s, span.until_s);
        assert_int_not_equal(sg_tz_at(tz, span.until_s).east_s, span.east_s);
        s = span.until_s;
    }
}

static void names_stay_inside_the_zone_folder(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",       "/etc/passwd", "../../etc/passwd", "Europe//London", "Nowhere/Land", "Europe/",
        "Europe", "a b"};
    struct sg_tz *tz = NULL;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(sg_tz_load(&tz, bad[i]), SG_TZ_UNKNOWN);
    assert_null(tz);
}

static void rules_of_posix(void **state)
{
    (void)state;
    static const char *const good[] = {"UTC0",
                                       "<-03>3",
                                       "EST5EDT,M3.2.0,M11.1.0",
                                       "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
                                       "IST-1GMT0,M10.5.0,M3.5.0/1",
                                       "EST5EDT,J60/2,J300",
                                       "AAA3BBB,0/0,365/-167"};
    static const char *const bad[] = {"U0",
                                      "UTC",
                                      "<-03",
                                      "UTC0x",
                                      "EST5EDT",
                                      "EST5EDT,M13.1.0,M1.1.0",
                                      "EST5EDT,M3.0.0,M11.1.0",
                                      "EST5EDT,M3.2.7,M11.1.0",
                                      "EST5EDT,J0,J3",
                                      "EST5EDT,M3.2.0",
                                      "UTC168",
                                      "UTC0:60",
                                      "AAA3BBB,366,1"};
    struct sg_tz_rule rule;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!sg_tz_rule_parse(sg_bytes_str(good[i]), &rule))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (sg_tz_rule_parse(sg_bytes_str(bad[i]), &rule))
            fail_msg("accepted: %s", bad[i]);
    assert_true(sg_tz_rule_parse(SG_BYTES_LIT("EST5EDT,M3.2.0,M11.1.0"), &rule));
    assert_int_equal(sg_tz_rule_at(&rule, at("2026-03-08T06:59:59Z")).east_s, -5 * 3600);
    assert_int_equal(sg_tz_rule_at(&rule, at("2026-03-08T07:00:00Z")).east_s, -4 * 3600);
    assert_int_equal(sg_tz_rule_at(&rule, at("2026-11-01T06:00:00Z")).east_s, -5 * 3600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sao_paulo),
        cmocka_unit_test(agrees_with_the_c_library),
        cmocka_unit_test(spans_meet_at_their_ends),
        cmocka_unit_test(names_stay_inside_the_zone_folder),
        cmocka_unit_test(rules_of_posix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
