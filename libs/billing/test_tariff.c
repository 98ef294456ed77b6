#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/billing/tariff.h>

#include <stdio.h>

#define HEADER                                                                                     \
    "format: 1\nid: t\ncurrency: BRL\ndecimals: 2\nzone: America/Sao_Paulo\n"                      \
    "interval_minutes: 15\nrounding: half-even\n"

static struct sg_tariff *load(const char *yaml)
{
    struct sg_tariff *t = NULL;
    struct sg_yaml_error why = {0, ""};
    int r = sg_tariff_parse(&t, sg_bytes_str(yaml), &why);

    if (r)
        fail_msg("%u: %s", why.line, why.text);
    return t;
}

static int64_t at(const char *text)
{
    int64_t s = 0;
    assert_int_equal(sg_time_parse(text, &s), 0);
    return s;
}

static const char *post_at(const struct sg_tariff *t, const char *text)
{
    struct sg_tariff_cursor c = {0};
    return t->posts[sg_tariff_slot_at(t, &c, at(text)).post].name;
}

static void ready_tariffs_are_right(void **state)
{
    (void)state;
    static const char *const names[] = {"b1-conventional", "b1-white", "b1-taxed"};
    for (size_t i = 0; i < 3; i++) {
        SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = NULL;
        struct sg_yaml_error why = {0, ""};
        char path[128];
        snprintf(path, sizeof(path), "apps/bill/tariffs/%s.yaml", names[i]);
        if (sg_tariff_load(&t, path, &why))
            fail_msg("%s:%u: %s", path, why.line, why.text);
        assert_string_equal(t->id, names[i]);
    }
}

static void white_posts_follow_local_hours_and_days(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = NULL;
    struct sg_yaml_error why;

    assert_int_equal(sg_tariff_load(&t, "apps/bill/tariffs/b1-white.yaml", &why), 0);
    /* 2026-09-02 is a Wednesday. */
    assert_string_equal(post_at(t, "2026-09-02T16:45:00-03:00"), "off_peak");
    assert_string_equal(post_at(t, "2026-09-02T17:00:00-03:00"), "intermediate");
    assert_string_equal(post_at(t, "2026-09-02T17:45:00-03:00"), "intermediate");
    assert_string_equal(post_at(t, "2026-09-02T18:00:00-03:00"), "peak");
    assert_string_equal(post_at(t, "2026-09-02T20:45:00-03:00"), "peak");
    assert_string_equal(post_at(t, "2026-09-02T21:00:00-03:00"), "intermediate");
    assert_string_equal(post_at(t, "2026-09-02T22:00:00-03:00"), "off_peak");
    assert_string_equal(post_at(t, "2026-09-05T19:00:00-03:00"), "off_peak"); /* Saturday */
    assert_string_equal(post_at(t, "2026-09-06T19:00:00-03:00"), "off_peak"); /* Sunday */
    assert_string_equal(post_at(t, "2026-09-07T19:00:00-03:00"), "off_peak"); /* Independence Day */
    assert_string_equal(post_at(t, "2026-09-08T19:00:00-03:00"), "peak");
    assert_string_equal(post_at(t, "2026-02-17T19:00:00-03:00"), "off_peak"); /* carnival */
    assert_string_equal(post_at(t, "2026-04-03T19:00:00-03:00"), "off_peak"); /* Good Friday */
    assert_string_equal(post_at(t, "2026-06-04T19:00:00-03:00"), "off_peak"); /* Corpus Christi */
    /* Summer time: 18:00 local is 20:00 UTC in January 2019. */
    assert_string_equal(post_at(t, "2019-01-09T20:00:00Z"), "peak");
    assert_string_equal(post_at(t, "2019-01-09T19:59:00Z"), "intermediate");
}

static void a_cursor_gives_what_a_fresh_one_gives(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = NULL;
    struct sg_yaml_error why;
    struct sg_tariff_cursor c = {0};

    assert_int_equal(sg_tariff_load(&t, "apps/bill/tariffs/b1-white.yaml", &why), 0);
    /* Across the end of summer time 2019, quarter by quarter. */
    for (int64_t s = at("2019-02-14T00:00:00Z"); s < at("2019-02-20T00:00:00Z"); s += 900) {
        struct sg_tariff_cursor fresh = {0};
        struct sg_tariff_slot a = sg_tariff_slot_at(t, &c, s);
        struct sg_tariff_slot b = sg_tariff_slot_at(t, &fresh, s);
        assert_int_equal(a.post, b.post);
        assert_int_equal(a.month, b.month);
    }
}

/* Dates of Easter as published by the United States Naval Observatory. */
static void easter(void **state)
{
    (void)state;
    static const struct {
        int year;
        unsigned month, day;
    } cases[] = {{1961, 4, 2},  {1990, 4, 15}, {2000, 4, 23}, {2008, 3, 23}, {2011, 4, 24},
                 {2024, 3, 31}, {2025, 4, 20}, {2026, 4, 5},  {2038, 4, 25}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(sg_easter(cases[i].year),
                         sg_days_from_civil(cases[i].year, cases[i].month, cases[i].day));
}

static void numbers_are_exact(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep)
    struct sg_tariff *t =
        load(HEADER "posts: [{name: a, rate: 0.123456789, hours: ['00:00-12:00']},"
                    " {name: b, rate: -1.5}]\n"
                    "taxes: [{name: icms, percent: 18},"
                    " {name: pis, percent: 0.9301, excludes: [icms]}]\n"
                    "flags: {2026-09: {name: red, adder: 0.04463}}\n"
                    "lighting: [{up_to_kwh: 100.5, amount: 5.10}, {amount: 9}]\n"
                    "minimum: {kwh: 30, post: b}\n");
    assert_int_equal(t->posts[0].rate, 123456789);
    assert_int_equal(t->posts[1].rate, -1500000000);
    assert_int_equal(t->taxes[1].rate_ppm, 9301);
    assert_int_equal(t->taxes[1].excludes, 1);
    assert_int_equal(sg_tariff_flag_of(t, 2026 * 12 + 8)->adder, 44630000);
    assert_null(sg_tariff_flag_of(t, 2026 * 12 + 9));
    assert_int_equal(t->lighting[0].up_to_wh, 100500);
    assert_int_equal(t->lighting[1].amount, 900);
    assert_int_equal(t->minimum_wh, 30000);
    assert_int_equal(t->minimum_post, 1);
}

static void mistakes_are_named_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *reason;
        unsigned line;
    } cases[] = {
        {"", "", 0},
        {"[]", "a mapping", 1},
        {"format: 2\n", "format: out of range", 1},
        {HEADER, "posts is missing", 0},
        {HEADER "posts: []\n", "no hours", 8},
        {HEADER "posts: [{name: a}]\n", "rate is missing", 8},
        {HEADER "posts: [{name: a, rate: 1e3}]\n", "rate: not a decimal", 8},
        {HEADER "posts: [{name: a, rate: 0.1234567891}]\n", "rate: not a decimal", 8},
        {HEADER "posts: [{name: A, rate: 1}]\n", "name: a name has only", 8},
        {HEADER "posts: [{name: a, rate: 1, foo: 2}]\n", "foo: unknown key", 8},
        {HEADER "posts: [{name: a, rate: 1}, {name: b, rate: 1}]\n", "second post without", 8},
        {HEADER "posts: [{name: a, rate: 1}, {name: a, rate: 1, hours: ['01:00-02:00']}]\n",
         "name: a post of that name", 8},
        {HEADER "posts:\n - {name: a, rate: 1, hours: ['18:00-21:00', '20:45-22:00']}\n", "overlap",
         9},
        {HEADER "posts: [{name: a, rate: 1, hours: ['21:00-18:00']}]\n", "hours are written", 8},
        {HEADER "posts: [{name: a, rate: 1, hours: ['18:60-21:00']}]\n", "hours are written", 8},
        {HEADER "posts: [{name: a, rate: 1, hours: ['23:00-24:15']}]\n", "hours are written", 8},
        {HEADER "posts: [{name: a, rate: 1}]\nholidays: [2026-02-30]\n", "a holiday is", 9},
        {HEADER "posts: [{name: a, rate: 1}]\nholidays: [easter*3]\n", "a holiday is", 9},
        {HEADER "posts: [{name: a, rate: 1}]\nflags: {2026-13: {name: x, adder: 0}}\n",
         "a month is written", 9},
        {HEADER "posts: [{name: a, rate: 1}]\nminimum: {kwh: 30, post: c}\n", "no post of that", 9},
        {HEADER "posts: [{name: a, rate: 1}]\ntaxes: [{name: x, percent: 50}, {name: y, percent: "
                "45}]\n",
         "more than 90 %", 9},
        {HEADER "posts: [{name: a, rate: 1}]\ntaxes: [{name: x, percent: 5, excludes: [y]}]\n",
         "no tax of that name", 9},
        {HEADER "posts: [{name: a, rate: 1}]\nlighting: [{up_to_kwh: 5, amount: 1}]\n", "last step",
         9},
        {HEADER "posts: [{name: a, rate: 1}]\nlighting: [{amount: 1.001}]\n", "not a decimal", 9},
        {HEADER "posts: [{name: a, rate: 1}]\nposts: []\n", "given twice", 9},
        {HEADER "posts: &p [{name: a, rate: 1}]\n", "anchors", 8},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sg_yaml_error why = {0, ""};
        struct sg_tariff *t = NULL;
        assert_int_equal(sg_tariff_parse(&t, sg_bytes_str(cases[i].yaml), &why), SG_TARIFF_BAD);
        assert_null(t);
        if (!strstr(why.text, cases[i].reason) || (cases[i].line && why.line != cases[i].line))
            fail_msg("case %zu said %u: %s", i, why.line, why.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_tariffs_are_right),
        cmocka_unit_test(white_posts_follow_local_hours_and_days),
        cmocka_unit_test(a_cursor_gives_what_a_fresh_one_gives),
        cmocka_unit_test(easter),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(mistakes_are_named_with_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
