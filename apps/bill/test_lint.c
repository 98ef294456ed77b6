#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lint.h"

#include <sealgrid/base/clock.h>

#include <stdio.h>
#include <unistd.h>

#define HEAD                                                                                       \
    "format: 2\nid: t\ncurrency: BRL\ndecimals: 2\nzone: America/Sao_Paulo\n"                      \
    "interval_minutes: 15\nrounding: half-even\n"
#define ENERGY "charges: [{name: e, kind: energy, rates: [{rate: 1}]}]\n"

static int64_t day(const char *text)
{
    char stamp[40];
    int64_t s = 0;
    snprintf(stamp, sizeof(stamp), "%sT00:00:00Z", text);
    assert_int_equal(sg_time_parse(stamp, &s), 0);
    return s / 86400;
}

static struct lint_report *lint(const char *yaml, const char *today)
{
    static char path[64];
    struct lint_report *r = calloc(1, sizeof(*r));

    snprintf(path, sizeof(path), "/tmp/test-lint-%ld.yaml", (long)getpid());
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(yaml, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_non_null(r);
    assert_int_equal(lint_file(r, path, day(today)), 0);
    unlink(path);
    return r;
}

static void drop(struct lint_report *r)
{
    lint_clear(r);
    free(r);
}

static void each_warning(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *says;
    } cases[] = {
        {"posts: [{name: a, when: [{days: holiday}]}, {name: b}]\n" ENERGY,
         "post a is never reached"},
        {"posts: [{name: a, when: [{days: holiday}]}, {name: b}]\n" ENERGY,
         "posts differ on holidays, but there are none"},
        {"holidays: [2025-09-07]\nposts: [{name: a, when: [{days: holiday}]}, {name: b}]\n" ENERGY,
         "holidays given by date end with 2025-09-07"},
        {"seasons: [{name: s, from: 05-01}, {name: w, from: 10-01}]\nposts: [{name: a}]\n" ENERGY,
         "season s has the posts of the season before it"},
        {"seasons: [{name: s, from: 05-01}]\nposts: [{name: a}]\n" ENERGY,
         "season s is the only one"},
        {"posts: [{name: a}]\ncharges: [{name: e, kind: energy, rates: [{rate: 0}]}]\n",
         "e never applies"},
        {"posts: [{name: a}]\ncharges: [{name: e, kind: energy, rates: [{from: 2025-01-01, rate: "
         "1}]}]\n",
         "e: the last rates are of 2025-01-01"},
        {"posts: [{name: a}]\ncharges: [{name: e, kind: energy, rates: [{from: 2026-01-01, rate: "
         "1}]}, {name: f, kind: fixed, per: day, rates: [{from: 2026-05-01, amount: 1}]}]\n",
         "f begins with 2026-05-01"},
        {"posts: [{name: a}]\ncharges: [{name: f, kind: flag, split: days, months: {2026-07: {name:"
         " x, adder: 0}, 2026-09: {name: x, adder: 0}}}]\n",
         "no flag for 2026-08"},
        {"posts: [{name: a}]\ncharges: [{name: f, kind: flag, split: days, months: {2026-09: {name:"
         " x, adder: 0}}}]\n",
         "flags end with 2026-09"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1 << 16);
        char yaml[1000];
        snprintf(yaml, sizeof(yaml), HEAD "%s", cases[i].yaml);
        struct lint_report *r = lint(yaml, "2026-09-15");
        assert_int_equal(r->errors, 0);
        assert_true(r->warnings > 0);
        assert_int_equal(lint_text(r, &text), 0);
        assert_int_equal(sg_buf_append_u8(&text, 0), 0);
        if (!strstr((char *)text.data, cases[i].says))
            fail_msg("case %zu said %s", i, (char *)text.data);
        drop(r);
    }
}

static void nothing_to_warn_of(void **state)
{
    (void)state;
    struct lint_report *r =
        lint(HEAD "holidays: [09-07]\n"
                  "posts: [{name: a, when: [{days: working, hours: '18:00-21:00'}]}, {name: b}]\n"
                  "charges: [{name: e, kind: energy, rates: [{from: 2026-01-01, rate: 1}]}]\n",
             "2026-09-15");
    assert_int_equal(r->errors + r->warnings, 0);
    drop(r);
}

static void every_problem_stands_with_its_line(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1 << 16);
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(1 << 16);
    struct lint_report *r = lint("format: 2\nid: T\n" ENERGY "posts: [{name: a}]\n", "2026-09-15");
    const struct lint_report *const reports[] = {r};

    assert_true(r->errors >= 6); /* id, and five that lack */
    assert_null(r->tariff);
    assert_int_equal(lint_text(r, &text), 0);
    assert_int_equal(sg_buf_append_u8(&text, 0), 0);
    assert_non_null(strstr((char *)text.data, ".yaml:2: id: a name has only"));
    assert_non_null(strstr((char *)text.data, ".yaml:1: currency is missing"));
    assert_int_equal(lint_json(reports, 1, &json), 0);
    assert_int_equal(sg_buf_append_u8(&json, 0), 0);
    assert_non_null(
        strstr((char *)json.data, "{\"line\":2,\"severity\":\"error\",\"text\":\"id: "));
    drop(r);
}

static void the_summary_says_what_was_understood(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1 << 16);
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(1 << 18);
    struct lint_report *r = calloc(1, sizeof(*r));
    const struct lint_report *const reports[] = {r};
    static const char *const says[] = {
        "  season dry from 05-01\n",
        "  working   00:00-18:00 off_peak_dry, 18:00-21:00 peak_dry, 21:00-24:00 off_peak_dry\n",
        "  demand: demand, windows of 15 min, contracted, excess above % 5, factor 2\n",
        "    always      peak_dry 2.1645, peak_wet 2.0913, off_peak_wet 0.4221, off_peak_dry",
        "power factor 0.92, capacitive 00:30-06:30\n"};

    assert_non_null(r);
    assert_int_equal(lint_file(r, "apps/bill/tariffs/a4-green.yaml", day("2026-09-15")), 0);
    assert_int_equal(lint_text(r, &text), 0);
    assert_int_equal(sg_buf_append_u8(&text, 0), 0);
    for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++)
        if (!strstr((char *)text.data, says[i]))
            fail_msg("lacks %s:\n%s", says[i], (char *)text.data);
    assert_int_equal(lint_json(reports, 1, &json), 0);
    assert_int_equal(sg_buf_append_u8(&json, 0), 0);
    assert_non_null(strstr((char *)json.data, "{\"from\":\"18:00\",\"post\":\"peak_dry\"}"));
    drop(r);
}

static void a_file_that_cannot_be_read(void **state)
{
    (void)state;
    struct lint_report *r = calloc(1, sizeof(*r));
    assert_non_null(r);
    assert_int_equal(lint_file(r, "apps/bill/tariffs/none.yaml", 0), -ENOENT);
    drop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_warning),
        cmocka_unit_test(nothing_to_warn_of),
        cmocka_unit_test(every_problem_stands_with_its_line),
        cmocka_unit_test(the_summary_says_what_was_understood),
        cmocka_unit_test(a_file_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
