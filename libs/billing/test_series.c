#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/billing/tariff.h>
#include <sealgrid/meter/gz.h>

#include <stdio.h>

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

/* A published series, its lines "2013-01-01 00:30:00,Value" brought into our form. */
static bool published(const char *path, struct sg_buf *ret)
{
    SG_CLEANUP(sg_gz_closep) struct sg_gz *gz = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(4 << 20);
    size_t n = 1;

    if (sg_gz_open(&gz, path))
        return false;
    while (n) {
        uint8_t *to = NULL;
        assert_int_equal(sg_buf_extend(&text, 65536, &to), 0);
        assert_int_equal(sg_gz_read(gz, (char *)to, 65536, &n), 0);
        text.len -= 65536 - n;
    }
    const char *at = memchr(text.data, '\n', text.len), *end = (char *)text.data + text.len;
    for (at++; at < end; at = (char *)memchr(at, '\n', (size_t)(end - at)) + 1) {
        char word[16] = "";
        assert_int_equal(sscanf(at + 20, "%15[^\r\n]", word), 1);
        for (char *c = word; *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        assert_int_equal(sg_buf_printf(ret, "%.10sT%.8sZ,%s\n", at, at + 11, word), 0);
    }
    return true;
}

static void londons_schedule_of_2013(void **state)
{
    (void)state;
    static const char *const names[] = {"normal", "low", "high"};
    static const struct sg_series_words words = {names, 3};
    SG_CLEANUP(sg_buf_clear) struct sg_buf csv = SG_BUF_INIT(4 << 20);
    SG_CLEANUP(sg_series_freep) struct sg_series *s = NULL;
    struct sg_yaml_error why = {0, ""};
    size_t count[3] = {0};

    if (!published("../shared/data/lcl_dtou_tariff_2013_halfhourly.csv.gz", &csv)) {
        print_message("skipped: no ../shared/data\n");
        skip();
    }
    if (sg_series_read(&s, sg_buf_bytes(&csv), 1800, &words, &why))
        fail_msg("%u: %s", why.line, why.text);
    for (size_t i = 0; i < s->n; i++)
        count[sg_series_at(s, s->from_s + (int64_t)i * 1800)]++;
    /* As its publisher counts them. */
    assert_int_equal(count[0], 15072);
    assert_int_equal(count[1], 1660);
    assert_int_equal(count[2], 788);
}

static void agile_prices_of_five_years(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf csv = SG_BUF_INIT(4 << 20);
    SG_CLEANUP(sg_series_freep) struct sg_series *s = NULL;
    struct sg_yaml_error why = {0, ""};
    int64_t least = 0;

    if (!published("../shared/data/agile_octopus_import_regA_hourly_2019_2023.csv.gz", &csv)) {
        print_message("skipped: no ../shared/data\n");
        skip();
    }
    if (sg_series_read(&s, sg_buf_bytes(&csv), 3600, NULL, &why))
        fail_msg("%u: %s", why.line, why.text);
    assert_int_equal(s->n, 43824);
    for (size_t i = 0; i < s->n; i++)
        least = s->values[i] < least ? s->values[i] : least;
    assert_int_equal(least, -190300000);
    assert_int_equal(sg_series_at(s, at("2019-01-01T03:59:59Z")), 101000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_hold_for_a_step),
        cmocka_unit_test(mistakes_are_named_with_their_line),
        cmocka_unit_test(londons_schedule_of_2013),
        cmocka_unit_test(agile_prices_of_five_years),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
