/* What authors of tariffs get wrong, one mistake a file: the line is the one to look at, the reason
 * says what is wrong there, and nothing else is complained of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lint.h"

#include <sealgrid/base/buf.h>
#include <sealgrid/base/file.h>

#include <stdio.h>
#include <unistd.h>

#define TODAY 20697 /* 2026-09-01 */

static const char right[] =
    "format: 2\n"
    "id: b1-test\n"
    "title: Distribuicao\n"
    "source: none\n"
    "currency: BRL\n" /* 5 */
    "decimals: 2\n"
    "zone: America/Sao_Paulo\n"
    "interval_minutes: 15\n"
    "rounding: half-even\n"
    "holidays: [01-01, easter-2, 09-07]\n" /* 10 */
    "seasons: [{name: dry, from: 05-01}, {name: wet, from: 12-01}]\n"
    "posts:\n"
    "  - name: peak\n"
    "    when:\n"
    "      - {days: working, seasons: dry, hours: \"18:00-21:00\"}\n" /* 15 */
    "  - name: off_peak\n"
    "charges:\n"
    "  - name: te\n"
    "    kind: energy\n"
    "    rates:\n" /* 20 */
    "      - {from: 2025-11-22, rate: {peak: 0.5, off_peak: 0.3}}\n"
    "      - {from: 2026-11-22, rate: {peak: 0.6, off_peak: 0.35}}\n"
    "  - name: demand\n"
    "    kind: demand\n"
    "    integration_minutes: 15\n" /* 25 */
    "    contracted: true\n"
    "    excess: {tolerance_percent: 5, factor: 2}\n"
    "    rates: [{rate: {peak: 58.42, off_peak: 24.15}}]\n"
    "  - name: flag\n"
    "    kind: flag\n" /* 30 */
    "    split: days\n"
    "    months:\n"
    "      2026-09: {name: red-1, adder: 0.04463}\n"
    "      2026-10: {name: green, adder: 0}\n"
    "taxes:\n" /* 35 */
    "  - {name: icms, rates: [{percent: 17}]}\n"
    "  - {name: pis, excludes: [icms], rates: [{percent: 0.93}]}\n";

struct mistake {
    const char *instead_of, *written;
    unsigned line;
    const char *says;
    size_t also; /* further problems, that follow from it */
};

static const struct mistake mistakes[] = {
    {"peak: 0.5,", "peak: \"0,5\",", 21,
     "peak: not a decimal number with at most 9 decimals: 0,5 (", 0},
    {"peak: 0.5,", "peak: 0,5,", 21, "5: no post of that name (decimals are behind a point)", 0},
    {"peak: 0.5,", "peak: R$0.5,", 21, "not a decimal number with at most 9 decimals: R$0.5", 0},
    {"0.35}", "3.5e-1}", 22, "not a decimal number with at most 9 decimals: 3.5e-1", 0},
    {"0.35}", "0.1234567890}", 22, "at most 9 decimals: 0.1234567890", 0},
    {"percent: 17}", "percent: 17%}", 36, "at most 4 decimals: 17%", 0},
    {"percent: 17}", "percent: 170}", 36, "percent: must be from 0 to 99.9999", 0},
    {"peak: 0.5,", "peak: 500000000,", 21, "peak: must be from -1000000 to 1000000", 0},
    {"    kind: energy", "\tkind: energy", 19, "tab", 0},
    {"kind: flag", "kind:flag", 30, "could not find expected ':'", 0},
    {"  - name: flag", "  -name: flag", 29, "expected '-' indicator", 0},
    {"24.15}}]", "24.15}]", 28, "expected ',' or '}'", 0},
    {"    rates: [{rate: {peak", "   rates: [{rate: {peak", 28, "expected '-' indicator", 0},
    {"integration_minutes", "integration_minute", 25, "integration_minute: unknown key", 1},
    {"kind: demand", "kind: demmand", 24, "kind: one of: energy, tiers, dynamic, demand", 0},
    {"peak: 58.42", "peek: 58.42", 28, "peek: no post of that name", 0},
    {"peak: 0.6, ", "", 22, "rate: every post must be named", 0},
    {"2026-11-22", "2024-11-22", 22, "from: must be later than the date before", 0},
    {"2026-11-22", "2026-11-31", 22, "from: a date is 2026-09-07, not 2026-11-31", 0},
    {"2026-11-22", "22/11/2026", 22, "from: a date is 2026-09-07, not 22/11/2026", 0},
    {"from: 2026-11-22, ", "", 22, "from is missing: there are several", 0},
    {"18:00-21:00", "22:00-06:00", 15, "not past midnight", 0},
    {"18:00-21:00", "18-21", 15, "hours are written 18:00-21:00", 0},
    {"days: working", "days: weekdays", 15, "days: one of: working, saturday, sunday", 0},
    {"seasons: dry", "seasons: summer", 15, "seasons: no season is named summer", 0},
    {"09-07]", "02-30]", 10, "not 02-30", 0},
    {"America/Sao_Paulo", "America/SaoPaulo", 7, "zone: no such time zone", 0},
    {"BRL", "R$", 5, "currency: three capital letters", 0},
    {"half-even", "bankers", 9, "rounding: one of: half-even, half-up", 0},
    {"rounding: half-even\n", "rounding: half-even\nid: again\n", 10, "id: key given twice", 0},
    {"format: 2", "format: 1", 1, "format: must be 2", 0},
    {"interval_minutes: 15", "interval_minutes: 7", 8, "must divide an hour", 0},
    {"_minutes: 15\n    con", "_minutes: 20\n    con", 25, "multiple of interval_minutes", 0},
    {"contracted: true", "contracted: yes", 26, "contracted: one of: false, true", 1},
    {"  - name: flag", "  - name: te", 29, "name: a charge of that name stands above", 0},
    {"2026-10: {", "2026-8: {", 34, "2026-8: a month is written 2026-09", 0},
    {"2026-10: {", "2026-07: {", 34, "2026-07: months must rise", 0},
    {"excludes: [icms]", "excludes: [ICMS]", 37, "no tax named ICMS stands above", 0},
    {"taxes:\n", "taxes: &t\n", 35, "anchors are not allowed", 0},
    {"Distribuicao", "Distribui\xe7\xe3o", 3, "UTF-8", 0},
    {"rates: [{percent: 17}]", "rates: []", 36, "rates: 1 to 240 dated rates", 0},
};

/* The file with its first occurrence replaced. */
static void write_file(const char *path, const struct mistake *m)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1 << 16);
    const char *at = strstr(right, m->instead_of);

    assert_non_null(at);
    assert_int_equal(sg_buf_append(&text, SG_BYTES((const uint8_t *)right, (size_t)(at - right))),
                     0);
    assert_int_equal(sg_buf_append(&text, sg_bytes_str(m->written)), 0);
    assert_int_equal(sg_buf_append(&text, sg_bytes_str(at + strlen(m->instead_of))), 0);
    assert_int_equal(sg_file_write_atomic(path, sg_buf_bytes(&text), 0600), 0);
}

static char path[64];

static void lint(const struct mistake *m, struct lint_report *r)
{
    write_file(path, m);
    memset(r, 0, sizeof(*r));
    assert_int_equal(lint_file(r, path, TODAY), 0);
}

static int make(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/sg-test-lint-%ld.yaml", (long)getpid());
    return 0;
}

static int clear(void **state)
{
    (void)state;
    return unlink(path);
}

static void the_file_is_right_without(void **state)
{
    (void)state;
    static struct lint_report r;

    lint(&(struct mistake){.instead_of = "", .written = ""}, &r);
    if (r.errors)
        fail_msg("%u: %s", r.notes[0].line, r.notes[0].text);
    lint_clear(&r);
}

static void each_mistake_is_named(void **state)
{
    (void)state;
    static struct lint_report r;

    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        const struct mistake *m = &mistakes[i];
        lint(m, &r);
        if (r.errors != 1 + m->also || r.notes[0].line != m->line ||
            !strstr(r.notes[0].text, m->says))
            fail_msg("%s: %zu problems, the first in line %u: %s", m->written, r.errors,
                     r.notes[0].line, r.notes[0].text);
        lint_clear(&r);
    }
}

static void an_empty_file_is_named(void **state)
{
    (void)state;
    static struct lint_report r;

    assert_int_equal(sg_file_write_atomic(path, SG_BYTES_NONE, 0600), 0);
    memset(&r, 0, sizeof(r));
    assert_int_equal(lint_file(&r, path, TODAY), 0);
    assert_int_equal(r.errors, 1);
    assert_string_equal(r.notes[0].text, "nothing in it");
    lint_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_is_right_without),
        cmocka_unit_test(each_mistake_is_named),
        cmocka_unit_test(an_empty_file_is_named),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
