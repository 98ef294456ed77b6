#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/billing/tariff.h>

#include <stdio.h>

/* A white tariff in any zone. */
static struct sg_tariff *in_zone(const char *zone)
{
    struct sg_tariff *t = NULL;
    struct sg_yaml_error why = {0, ""};
    char yaml[1000];

    snprintf(yaml, sizeof(yaml),
             "format: 2\nid: t\ncurrency: BRL\ndecimals: 2\nzone: %s\ninterval_minutes: 15\n"
             "rounding: half-even\n"
             "holidays: [01-01, easter-47, easter-2, easter+60, 09-07, 2026-10-30]\n"
             "seasons: [{name: dry, from: 05-01}, {name: wet, from: 12-01}]\n"
             "posts:\n"
             " - {name: peak, when: [{days: working, hours: '18:00-21:00'}]}\n"
             " - {name: mid, when: [{days: working, hours: ['17:00-18:00', '21:00-22:00']},"
             " {days: saturday, seasons: wet, hours: '10:00-12:00'}]}\n"
             " - {name: off}\n"
             "charges: [{name: e, kind: energy, rates: [{rate: 1}]}]\n",
             zone);
    if (sg_tariff_parse(&t, sg_bytes_str(yaml), &why))
        fail_msg("%u: %s", why.line, why.text);
    return t;
}

static int64_t at(const char *text)
{
    int64_t s = 0;
    assert_int_equal(sg_time_parse(text, &s), 0);
    return s;
}

static struct sg_tariff_slot slot(const struct sg_tariff *t, const char *text)
{
    struct sg_tariff_cursor c = {0};
    return sg_tariff_slot_at(t, &c, at(text));
}

static const char *post(const struct sg_tariff *t, const char *text)
{
    return t->posts[slot(t, text).post].name;
}

static void posts_follow_hours_days_and_holidays(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = in_zone("America/Sao_Paulo");

    /* 2026-09-02 is a Wednesday. */
    assert_string_equal(post(t, "2026-09-02T16:45:00-03:00"), "off");
    assert_string_equal(post(t, "2026-09-02T17:00:00-03:00"), "mid");
    assert_string_equal(post(t, "2026-09-02T17:45:00-03:00"), "mid");
    assert_string_equal(post(t, "2026-09-02T18:00:00-03:00"), "peak");
    assert_string_equal(post(t, "2026-09-02T20:45:00-03:00"), "peak");
    assert_string_equal(post(t, "2026-09-02T21:00:00-03:00"), "mid");
    assert_string_equal(post(t, "2026-09-02T22:00:00-03:00"), "off");
    assert_string_equal(post(t, "2026-09-05T19:00:00-03:00"), "off"); /* Saturday */
    assert_string_equal(post(t, "2026-09-06T19:00:00-03:00"), "off"); /* Sunday */
    assert_string_equal(post(t, "2026-09-07T19:00:00-03:00"), "off"); /* Independence Day */
    assert_string_equal(post(t, "2026-09-08T19:00:00-03:00"), "peak");
    assert_string_equal(post(t, "2026-02-17T19:00:00-03:00"), "off"); /* carnival */
    assert_string_equal(post(t, "2026-04-03T19:00:00-03:00"), "off"); /* Good Friday */
    assert_string_equal(post(t, "2026-06-04T19:00:00-03:00"), "off"); /* Corpus Christi */
    assert_string_equal(post(t, "2026-10-30T19:00:00-03:00"), "off"); /* that day alone */
    assert_string_equal(post(t, "2025-10-30T19:00:00-03:00"), "peak");
    /* Summer time: 18:00 local is 20:00 UTC in January 2019. */
    assert_string_equal(post(t, "2019-01-09T20:00:00Z"), "peak");
    assert_string_equal(post(t, "2019-01-09T19:59:00Z"), "mid");
    /* A post of one season, and of Saturdays that are no holidays. */
    assert_string_equal(post(t, "2026-01-03T11:00:00-03:00"), "mid");
    assert_string_equal(post(t, "2026-07-04T11:00:00-03:00"), "off");
    assert_int_equal(sg_tariff_day_kind(t, at("2028-01-01T00:00:00Z") / 86400), SG_DAY_HOLIDAY);
    assert_string_equal(post(t, "2028-01-01T11:00:00-03:00"), "off"); /* a Saturday, and New Year */
}

static void seasons_go_round_the_year(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = in_zone("America/Sao_Paulo");
    static const struct {
        const char *day;
        size_t season;
    } cases[] = {{"2026-01-01", 1}, {"2026-04-30", 1}, {"2026-05-01", 0},
                 {"2026-11-30", 0}, {"2026-12-01", 1}, {"2028-02-29", 1}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char stamp[32];
        snprintf(stamp, sizeof(stamp), "%sT00:00:00Z", cases[i].day);
        assert_int_equal(sg_tariff_season_of(t, at(stamp) / 86400), cases[i].season);
    }
    /* The season is that of the local day. */
    assert_int_equal(slot(t, "2026-05-01T02:59:00Z").season, 1);
    assert_int_equal(slot(t, "2026-05-01T03:00:00Z").season, 0);
}

static int quarters_of_day(const struct sg_tariff *t, int64_t first_s, int64_t local_day)
{
    struct sg_tariff_cursor c = {0};
    int n = 0;

    for (int64_t s = first_s; s < first_s + 3 * 86400; s += 900)
        n += sg_tariff_slot_at(t, &c, s).day == local_day;
    return n;
}

static void local_days_have_92_96_or_100_quarters(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *day;
        int quarters;
    } cases[] = {
        {"America/Sao_Paulo", "2018-11-04", 92}, /* 00:00 became 01:00: no midnight */
        {"America/Sao_Paulo", "2018-11-03", 96},   {"America/Sao_Paulo", "2019-02-16", 100},
        {"America/Sao_Paulo", "2019-02-17", 96},   {"America/Sao_Paulo", "2019-11-03", 96},
        {"Europe/London", "2013-03-31", 92},       {"Europe/London", "2013-10-27", 100},
        {"America/Los_Angeles", "2026-03-08", 92}, {"America/Los_Angeles", "2026-11-01", 100},
        {"Australia/Lord_Howe", "2026-10-04", 94}, /* half an hour */
        {"Australia/Lord_Howe", "2026-04-05", 98}, {"Asia/Kathmandu", "2026-04-05", 96},
        {"America/St_Johns", "2026-11-01", 100},   {"Pacific/Apia", "2011-12-30", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = in_zone(cases[i].zone);
        char stamp[32];
        snprintf(stamp, sizeof(stamp), "%sT00:00:00Z", cases[i].day);
        int64_t s = at(stamp);
        int n = quarters_of_day(t, s - 86400, s / 86400);
        if (n != cases[i].quarters)
            fail_msg("%s %s: %d quarter-hours", cases[i].zone, cases[i].day, n);
    }
}

static void hours_are_what_clocks_show(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *brazil = in_zone("America/Sao_Paulo");
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *california = in_zone("America/Los_Angeles");
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *nepal = in_zone("Asia/Kathmandu");
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *adelaide = in_zone("Australia/Adelaide");

    /* The first minute of a day without a midnight is 01:00. */
    assert_int_equal(slot(brazil, "2018-11-04T02:59:00Z").minute, 23 * 60 + 59);
    assert_int_equal(slot(brazil, "2018-11-04T03:00:00Z").minute, 60);
    assert_int_equal(slot(brazil, "2018-11-04T03:00:00Z").day, at("2018-11-04T00:00:00Z") / 86400);
    /* 23:00 twice, both of the old day. */
    assert_int_equal(slot(brazil, "2019-02-17T01:30:00Z").minute, 23 * 60 + 30);
    assert_int_equal(slot(brazil, "2019-02-17T02:30:00Z").minute, 23 * 60 + 30);
    assert_int_equal(slot(brazil, "2019-02-17T02:30:00Z").day, at("2019-02-16T00:00:00Z") / 86400);
    assert_int_equal(slot(california, "2026-11-01T08:30:00Z").minute, 90);
    assert_int_equal(slot(california, "2026-11-01T09:30:00Z").minute, 90);
    /* Peak at 18:00 by the clock, before and after the change. */
    assert_string_equal(post(california, "2026-03-06T18:00:00-08:00"), "peak");
    assert_string_equal(post(california, "2026-03-09T18:00:00-07:00"), "peak");
    assert_string_equal(post(california, "2026-03-09T18:00:00-08:00"), "peak");
    assert_string_equal(post(california, "2026-03-09T17:45:00-07:00"), "mid");
    /* Offsets of three quarters and of half an hour. */
    assert_string_equal(post(nepal, "2026-09-02T12:00:00Z"), "mid");
    assert_string_equal(post(nepal, "2026-09-02T12:15:00Z"), "peak");
    assert_int_equal(slot(nepal, "2026-09-02T18:15:00Z").minute, 0);
    assert_string_equal(post(adelaide, "2026-09-02T08:15:00Z"), "mid");
    assert_string_equal(post(adelaide, "2026-09-02T08:30:00Z"), "peak");
}

static void months_and_days_agree(void **state)
{
    (void)state;
    for (int m = 1970 * 12; m < 2101 * 12; m++) {
        int64_t first = sg_first_day_of_month(m);
        assert_int_equal(sg_month_of_day(first), m);
        if (first > 0)
            assert_int_equal(sg_month_of_day(first - 1), m - 1);
    }
}

static void a_cursor_gives_what_a_fresh_one_gives(void **state)
{
    (void)state;
    static const char *const zones[] = {"America/Sao_Paulo", "Australia/Lord_Howe",
                                        "Asia/Kathmandu"};
    for (size_t z = 0; z < 3; z++) {
        SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = in_zone(zones[z]);
        struct sg_tariff_cursor c = {0};
        /* Across the end of summer time 2019 and a change of season, forth and back. */
        int64_t from = at("2019-02-14T00:00:00Z"), until = at("2019-05-03T00:00:00Z");
        for (int64_t i = 0; i < 2 * (until - from); i += 900) {
            int64_t s = i < until - from ? from + i : 2 * until - from - i;
            struct sg_tariff_cursor fresh = {0};
            struct sg_tariff_slot a = sg_tariff_slot_at(t, &c, s);
            struct sg_tariff_slot b = sg_tariff_slot_at(t, &fresh, s);
            assert_true(a.post == b.post && a.month == b.month && a.day == b.day &&
                        a.minute == b.minute && a.season == b.season);
        }
    }
}

static void a_schedule_says_the_post(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = NULL;
    struct sg_yaml_error why = {0, ""};

    assert_int_equal(sg_tariff_load(&t, "apps/bill/tariffs/gb-dynamic-tou.yaml", &why), 0);
    assert_string_equal(post(t, "2013-03-29T16:30:00Z"), "normal");
    assert_string_equal(post(t, "2013-03-29T17:00:00Z"), "high");
    assert_string_equal(post(t, "2013-03-31T03:30:00Z"), "low");
    assert_string_equal(post(t, "2013-03-31T04:00:00Z"), "normal");
    assert_int_equal(slot(t, "2013-03-27T23:30:00Z").post, SG_TARIFF_NO_POST);
    assert_int_equal(slot(t, "2013-04-04T00:00:00Z").post, SG_TARIFF_NO_POST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_follow_hours_days_and_holidays),
        cmocka_unit_test(seasons_go_round_the_year),
        cmocka_unit_test(local_days_have_92_96_or_100_quarters),
        cmocka_unit_test(hours_are_what_clocks_show),
        cmocka_unit_test(months_and_days_agree),
        cmocka_unit_test(a_cursor_gives_what_a_fresh_one_gives),
        cmocka_unit_test(a_schedule_says_the_post),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
