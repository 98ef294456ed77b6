#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/billing/series.h>

static int64_t at(const char *text)
{
    int64_t s = 0;
    assert_int_equal(sg_time_parse(text, &s), 0);
    return s;
}

static void values_hold_for_a_step(void **state)
{
    (void)state;
    SG_CLEANUP(sg_series_freep) struct sg_series *s = NULL;
    struct sg_yaml_error why = {0, ""};

    assert_int_equal(sg_series_read(&s,
                                    SG_BYTES_LIT("2026-01-01T00:00:00Z,0.25\n"
                                                 "2026-01-01T00:30:00Z,-0.190300001\n"
                                                 "2026-01-01T02:00:00Z,0"),
                                    1800, NULL, &why),
                     0);
    assert_int_equal(s->n, 5);
    assert_int_equal(sg_series_at(s, at("2025-12-31T23:59:59Z")), SG_SERIES_NONE);
    assert_int_equal(sg_series_at(s, at("2026-01-01T00:00:00Z")), 250000000);
    assert_int_equal(sg_series_at(s, at("2026-01-01T00:29:59Z")), 250000000);
    assert_int_equal(sg_series_at(s, at("2026-01-01T00:30:00Z")), -190300001);
    assert_int_equal(sg_series_at(s, at("2026-01-01T01:00:00Z")), SG_SERIES_NONE);
    assert_int_equal(sg_series_at(s, at("2026-01-01T02:29:59Z")), 0);
    assert_int_equal(sg_series_at(s, at("2026-01-01T02:30:00Z")), SG_SERIES_NONE);
}

static void mistakes_are_named_with_their_line(void **state)
{
    (void)state;
    static const char *const names[] = {"low", "high"};
    static const struct sg_series_words words = {names, 2};
    static const struct {
        const char *csv, *reason;
        unsigned line;
        bool posts;
    } cases[] = {
        {"", "no line", 0, false},
        {"\n", "a line is", 1, false},
        {"instant,price\n", "a line is", 1, false},
        {"2026-01-01T00:00:00Z,1\r\n", "not a decimal", 1, false},
        {"2026-01-01T00:00:00Z,\n", "a line is", 1, false},
        {"2026-01-01T00:00:00Z;1\n", "a line is", 1, false},
        {"2026-01-01T00:00:00Z,1\n\n", "a line is", 2, false},
        {"2026-02-30T00:00:00Z,1\n", "no such instant", 1, false},
        {"2026-01-01T01:00:00+1,1\n", "a line is", 1, false},
        {"2026-01-01T00:15:00Z,1\n", "not a multiple", 1, false},
        {"2026-01-01T00:00:00Z,1\n2026-01-01T00:00:00Z,2\n", "not later", 2, false},
        {"2026-01-01T01:00:00Z,1\n2026-01-01T00:00:00Z,2\n", "not later", 2, false},
        {"2026-01-01T00:00:00Z,1e3\n", "not a decimal", 1, false},
        {"2026-01-01T00:00:00Z,0.1234567891\n", "not a decimal", 1, false},
        {"2026-01-01T00:00:00Z,1000000.5\n", "more than a million", 1, false},
        {"1970-01-01T00:00:00Z,1\n2970-01-01T00:00:00Z,1\n", "more than 1048576 steps", 2, false},
        {"2026-01-01T00:00:00Z,low\n2026-01-01T00:30:00Z,Low\n", "no post of that name", 2, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sg_series *s = NULL;
        struct sg_yaml_error why = {0, ""};
        assert_int_equal(sg_series_read(&s, sg_bytes_str(cases[i].csv), 1800,
                                        cases[i].posts ? &words : NULL, &why),
                         SG_SERIES_BAD);
        assert_null(s);
        if (!strstr(why.text, cases[i].reason) || why.line != cases[i].line)
            fail_msg("case %zu said %u: %s", i, why.line, why.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_hold_for_a_step),
        cmocka_unit_test(mistakes_are_named_with_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
