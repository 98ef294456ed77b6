#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/billing/tariff.h>

#include <glob.h>
#include <stdio.h>

#define HEAD                                                                                       \
    "format: 2\nid: t\ncurrency: BRL\ndecimals: 2\nzone: America/Sao_Paulo\n"                      \
    "interval_minutes: 15\nrounding: half-even\n"
#define POSTS  "posts: [{name: a, when: [{hours: '00:00-12:00'}]}, {name: b}]\n"
#define ENERGY "{name: e, kind: energy, rates: [{rate: 1}]}"
#define DEMAND                                                                                     \
    "{name: d, kind: demand, integration_minutes: 15, contracted: true, rates: [{rate: 1}]}"

static int day(const char *text)
{
    char stamp[40];
    int64_t s = 0;
    snprintf(stamp, sizeof(stamp), "%sT00:00:00Z", text);
    assert_int_equal(sg_time_parse(stamp, &s), 0);
    return (int)(s / 86400);
}

static struct sg_tariff *load(const char *yaml)
{
    struct sg_tariff *t = NULL;
    struct sg_yaml_error why = {0, ""};
    int r = sg_tariff_parse(&t, sg_bytes_str(yaml), &why);

    if (r)
        fail_msg("%u: %s", why.line, why.text);
    return t;
}

static void ready_tariffs_are_right(void **state)
{
    (void)state;
    glob_t found;
    assert_int_equal(glob("apps/bill/tariffs/*.yaml", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 13);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = NULL;
        struct sg_yaml_error why = {0, ""};
        char id[120];
        if (sg_tariff_load(&t, found.gl_pathv[i], &why))
            fail_msg("%s:%u: %s", found.gl_pathv[i], why.line, why.text);
        snprintf(id, sizeof(id), "apps/bill/tariffs/%s.yaml", t->id);
        assert_string_equal(id, found.gl_pathv[i]);
    }
    globfree(&found);
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

static void rates_are_exact_and_dated(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep)
    struct sg_tariff *t =
        load(HEAD POSTS
             "charges:\n"
             " - {name: e, kind: energy, rates: [{from: 2025-01-01, rate: {a: 0.123456789, b: "
             "-1.5}}, {from: 2026-01-01, rate: {b: 2, a: 3}}]}\n"
             " - {name: n, kind: energy, of: net, rates: [{rate: 0.5}]}\n"
             " - {name: t, kind: tiers, per_days: 30, rates: [{tiers: [{up_to_kwh: 100.5, "
             "rate: 1}, {rate: 2}]}]}\n"
             " - {name: m, kind: minimum, kwh: {one: 30, two: 50, three: 100}, charges: [e], "
             "post: b}\n");
    const struct sg_tariff_charge *e = &t->charges[0];

    assert_int_equal(sg_charge_piece_at(e, day("2024-12-31")), SG_CHARGE_NO_PIECE);
    assert_int_equal(sg_charge_piece_at(e, day("2025-01-01")), 0);
    assert_int_equal(sg_charge_piece_at(e, day("2025-12-31")), 0);
    assert_int_equal(sg_charge_piece_at(e, day("2026-01-01")), 1);
    assert_true(e->by_post);
    assert_int_equal(e->pieces[0].rate[0], 123456789);
    assert_int_equal(e->pieces[0].rate[1], -1500000000);
    assert_int_equal(e->pieces[1].rate[0], 3000000000);
    assert_false(t->charges[1].by_post);
    assert_int_equal(t->charges[1].of, SG_OF_NET);
    assert_int_equal(t->charges[1].pieces[0].rate[1], 500000000);
    assert_int_equal(sg_charge_piece_at(&t->charges[1], day("1970-01-02")), 0);
    assert_int_equal(t->charges[2].pieces[0].tiers[0].up_to_wh, 100500);
    assert_int_equal(t->charges[2].pieces[0].tiers[1].up_to_wh, INT64_MAX);
    assert_int_equal(t->charges[3].least_wh[2], 100000);
    assert_int_equal(t->charges[3].least_post, 1);
    assert_true(sg_tariff_needs_contract(t));
}

static void demand_and_reactive_members(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = NULL;
    struct sg_yaml_error why = {0, ""};

    assert_int_equal(sg_tariff_load(&t, "apps/bill/tariffs/a4-blue.yaml", &why), 0);
    const struct sg_tariff_charge *demand = &t->charges[2], *reactive = &t->charges[4];
    assert_int_equal(demand->window_s, 900);
    assert_true(demand->contracted && demand->has_excess);
    assert_int_equal(demand->tolerance_ppm, 50000);
    assert_int_equal(sg_charge_excess_rate(t, demand, &demand->pieces[1], 0), 122100000000);
    assert_int_equal(reactive->demand, 2);
    assert_int_equal(reactive->power_factor_ppm, 920000);
    assert_false(sg_charge_is_capacitive(reactive, 29));
    assert_true(sg_charge_is_capacitive(reactive, 30));
    assert_true(sg_charge_is_capacitive(reactive, 389));
    assert_false(sg_charge_is_capacitive(reactive, 390));
}

static void taxes_by_band_and_date(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep)
    struct sg_tariff *t =
        load(HEAD POSTS "charges: [" ENERGY "]\n"
                        "taxes:\n"
                        " - {name: icms, rates: [{bands: [{up_to_kwh: 90, percent: 0}, {up_to_kwh: "
                        "200, percent: 12}, {percent: 18}]}]}\n"
                        " - {name: pis, excludes: [icms], rates: [{from: 2026-01-01, percent: "
                        "0.9301}, {from: 2026-02-01, percent: 1}]}\n"
                        "lighting: {rates: [{steps: [{up_to_kwh: 100, amount: 5.10}, {amount: "
                        "9}]}]}\n");
    int64_t v = 7;

    static const int64_t cases[][2] = {{0, 0},           {90000, 0},       {90001, 120000},
                                       {200000, 120000}, {200001, 180000}, {1, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(sg_tariff_tax_rate(&t->taxes[0], day("2026-05-05"), cases[i][0], &v), 0);
        assert_int_equal(v, cases[i][1]);
    }
    v = 7;
    assert_int_equal(sg_tariff_tax_rate(&t->taxes[1], day("2025-12-31"), 0, &v), SG_TARIFF_NO_RATE);
    assert_int_equal(v, 7);
    assert_int_equal(sg_tariff_tax_rate(&t->taxes[1], day("2026-01-31"), 0, &v), 0);
    assert_int_equal(v, 9301);
    assert_int_equal(t->taxes[1].excludes, 1);
    assert_int_equal(sg_tariff_lighting(t, day("2026-01-01"), 100000, &v), 0);
    assert_int_equal(v, 510);
    assert_int_equal(sg_tariff_lighting(t, day("2026-01-01"), 100001, &v), 0);
    assert_int_equal(v, 900);
}

static void flags_of_months(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep)
    struct sg_tariff *t =
        load(HEAD POSTS "charges: [{name: f, kind: flag, split: days, months: {2026-09: {name: "
                        "red, adder: 0.04463}, 2026-11: {name: green, adder: 0}}}]\n");
    const struct sg_tariff_charge *f = &t->charges[0];

    assert_int_equal(sg_charge_flag_of(f, 2026 * 12 + 8)->adder, 44630000);
    assert_null(sg_charge_flag_of(f, 2026 * 12 + 9));
    assert_string_equal(sg_charge_flag_of(f, 2026 * 12 + 10)->name, "green");
}

/* A folder of two files. */
static int fetch(void *user, const char *name, struct sg_buf *ret)
{
    const char *const *files = user;

    for (; *files; files += 2)
        if (!strcmp(files[0], name))
            return sg_buf_append(ret, sg_bytes_str(files[1]));
    return -ENOENT;
}

#define EMPTY_SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void prices_come_from_the_folder(void **state)
{
    (void)state;
    static const char *files[] = {"p.csv", "2026-01-01T00:00:00Z,0.2\n2026-01-01T00:30:00Z,-0.1\n",
                                  "empty", "", NULL};
    static const struct {
        const char *prices, *reason;
    } cases[] = {
        {"{file: p.csv, sha256: " EMPTY_SHA ", step_minutes: 30}", "another sha256"},
        {"{file: q.csv, sha256: " EMPTY_SHA ", step_minutes: 30}", "cannot read q.csv"},
        {"{file: empty, sha256: " EMPTY_SHA ", step_minutes: 30}", "empty:0: no line"},
        {"{file: ../p.csv, sha256: " EMPTY_SHA ", step_minutes: 30}", "in this folder"},
        {"{file: .p, sha256: " EMPTY_SHA ", step_minutes: 30}", "begin with a point"},
        {"{file: p.csv, sha256: 00, step_minutes: 30}", "64 hexadecimal"},
        {"{file: p.csv, sha256: " EMPTY_SHA ", step_minutes: 7}", "must divide a day"},
        {"{file: p.csv, sha256: " EMPTY_SHA ", step_minutes: 10}", "multiple of interval"},
        {"{file: p.csv, sha256: " EMPTY_SHA ", step_minutes: 60}", "p.csv:2: not a multiple"},
    };
    const struct sg_tariff_reading how = {.fetch = fetch, .user = files};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sg_yaml_error why = {0, ""};
        struct sg_tariff *t = NULL;
        char yaml[800];
        snprintf(yaml, sizeof(yaml), HEAD POSTS "charges: [{name: e, kind: dynamic, prices: %s}]\n",
                 cases[i].prices);
        assert_int_equal(sg_tariff_read(&t, sg_bytes_str(yaml), &how, &why), SG_TARIFF_BAD);
        if (!strstr(why.text, cases[i].reason))
            fail_msg("case %zu said %s", i, why.text);
        /* Without a folder nothing is read. */
        assert_int_equal(sg_tariff_parse(&t, sg_bytes_str(yaml), &why), SG_TARIFF_BAD);
        assert_null(t);
    }
}

static void prices_are_cut_to_cap_and_floor(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = NULL;
    struct sg_yaml_error why = {0, ""};

    assert_int_equal(sg_tariff_load(&t, "apps/bill/tariffs/gb-agile.yaml", &why), 0);
    const struct sg_tariff_charge *c = &t->charges[0];
    struct sg_tariff_piece piece = c->pieces[0];
    int64_t first = c->prices->from_s;

    assert_int_equal(sg_charge_price(c, &piece, first), -16000000);
    assert_int_equal(sg_charge_price(c, &piece, first + 1799), -16000000);
    assert_int_equal(sg_charge_price(c, &piece, first + 35 * 1800), 333330000);
    assert_int_equal(sg_charge_price(c, &piece, first - 1), SG_SERIES_NONE);
    piece.floor = -10000000;
    assert_int_equal(sg_charge_price(c, &piece, first), -10000000);
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
        {"format: 3\n", "format: must be 2", 1},
        {HEAD, "posts is missing", 1},
        {HEAD "posts: []\n", "an empty list", 8},
        {HEAD "posts: [{name: A}]\n", "name: a name has only", 8},
        {HEAD "posts: [{name: a, foo: 2}]\n", "foo: unknown key", 8},
        {HEAD "posts: [{name: a}, {name: b}]\n", "second post without", 8},
        {HEAD "posts: [{name: a, when: [{days: every}]}]\n", "one post must have no when", 8},
        {HEAD "posts: [{name: a}, {name: a, when: [{days: rest}]}]\n", "a post of that name", 8},
        {HEAD "posts:\n - {name: a, when: [{hours: '18:00-21:00'}]}\n"
              " - {name: b, when: [{days: sunday, hours: ['12:00-13:00', '20:00-22:00']}]}\n",
         "a and b both have 20:00 of Sundays", 10},
        {HEAD
         "seasons: [{name: s, from: 04-01}, {name: w, from: 10-01}]\n"
         "posts:\n - {name: a, when: [{seasons: w}]}\n - {name: b, when: [{seasons: [s, w]}]}\n",
         "a and b both have 00:00 of working days, season w", 11},
        {HEAD "posts: [{name: a, when: [{seasons: x}]}]\n", "no season is named x", 8},
        {HEAD "posts: [{name: a, when: [{}]}]\n", "a rule has days", 8},
        {HEAD "posts: [{name: a, when: [{days: monday}]}]\n", "days: one of: working, sat", 8},
        {HEAD "posts: [{name: a, when: [{hours: '21:00-18:00'}]}]\n", "hours are written", 8},
        {HEAD "posts: [{name: a, when: [{hours: '18:60-21:00'}]}]\n", "hours are written", 8},
        {HEAD "posts: [{name: a, when: [{hours: '23:00-24:15'}]}]\n", "hours are written", 8},
        {HEAD "seasons: [{name: a, from: 05-01}, {name: b, from: 04-01}]\n", "later in the year",
         8},
        {HEAD "seasons: [{name: a, from: 2026-05-01}]\n", "a season begins", 8},
        {HEAD "holidays: [2026-02-30]\n", "a holiday is", 8},
        {HEAD "holidays: [easter*3]\n", "a holiday is", 8},
        {HEAD POSTS "charges: []\n", "charges: an empty list", 9},
        {HEAD POSTS "charges: [{name: e}]\n", "kind is missing", 9},
        {HEAD POSTS "charges: [{name: e, kind: x}]\n", "kind: one of: energy, tiers", 9},
        {HEAD POSTS "charges: [{name: e, kind: energy}]\n", "rates is missing", 9},
        {HEAD POSTS "charges: [{name: e, kind: energy, rates: []}]\n", "1 to 240", 9},
        {HEAD POSTS "charges: [{name: e, kind: energy, rates: [{rate: 1e3}]}]\n", "not a dec", 9},
        {HEAD POSTS "charges: [{name: e, kind: energy, rates: [{rate: 0.1234567891}]}]\n",
         "rate: not a decimal number with at most 9", 9},
        {HEAD POSTS "charges: [{name: e, kind: energy, rates: [{rate: 1000000.1}]}]\n",
         "rate: must be from -1000000 to 1000000", 9},
        {HEAD POSTS "charges: [{name: e, kind: energy, rates: [{rate: {a: 1}}]}]\n",
         "every post must be named", 9},
        {HEAD POSTS "charges: [{name: e, kind: energy, rates: [{rate: {a: 1, b: 2, c: 3}}]}]\n",
         "c: no post of that name", 9},
        {HEAD POSTS "charges: [{name: e, kind: energy, rates: [{rate: 1}, {rate: 1}]}]\n",
         "from is missing", 9},
        {HEAD POSTS "charges: [{name: e, kind: energy, rates: [{from: 2026-02-01, rate: 1},\n"
                    "{from: 2026-02-01, rate: 1}]}]\n",
         "must be later than the date before", 10},
        {HEAD POSTS "charges: [{name: e, kind: energy, rates: [{from: 2026-02-01, rate: 1},\n"
                    "{from: 2026-03-01, rate: {a: 1, b: 1}}]}]\n",
         "the same posts", 10},
        {HEAD POSTS "charges: [" ENERGY ", " ENERGY "]\n", "a charge of that name", 9},
        {HEAD POSTS "charges: [{name: e, kind: energy, of: gross, rates: [{rate: 1}]}]\n",
         "of: one of: import, export, net", 9},
        {HEAD POSTS "charges: [{name: t, kind: tiers, rates: [{tiers: [{rate: 1}, {rate: 2}]}]}]\n",
         "only the last", 9},
        {HEAD POSTS "charges: [{name: t, kind: tiers, rates: [{tiers: [{up_to_kwh: 5, rate: 1}]}]}]"
                    "\n",
         "the last must have none", 9},
        {HEAD POSTS "charges: [{name: t, kind: tiers, rates: [{tiers: [{up_to_kwh: 5, rate: 1},"
                    " {up_to_kwh: 5, rate: 1}, {rate: 1}]}]}]\n",
         "must rise", 9},
        {HEAD POSTS "charges: [{name: d, kind: demand, integration_minutes: 20, rates: [{rate: "
                    "1}]}]\n",
         "multiple of interval_minutes", 9},
        {HEAD POSTS "charges: [{name: d, kind: demand, integration_minutes: 45, rates: [{rate: "
                    "1}]}]\n",
         "must divide an hour", 9},
        {HEAD POSTS "charges: [{name: d, kind: demand, integration_minutes: 15, excess: "
                    "{tolerance_percent: 5, factor: 2}, rates: [{rate: 1}]}]\n",
         "needs contracted: true", 9},
        {HEAD POSTS "charges: [{name: r, kind: reactive_energy, power_factor: 1.1, rates: [{rate: "
                    "1}]}]\n",
         "must be from 0.000001 to 1", 9},
        {HEAD POSTS "charges: [{name: r, kind: reactive_demand, demand: d, power_factor: 0.92, "
                    "rates: [{rate: 1}]}]\n",
         "no demand charge of that name stands above", 9},
        {HEAD POSTS "charges: [" DEMAND ",{name: r, kind: reactive_demand, demand: d, "
                    "power_factor: 0.92, rates: [{rate: {a: 1}}]}]\n",
         "demands of other posts", 9},
        {HEAD POSTS "charges: [{name: f, kind: fixed, per: day, rates: [{amount: {one: 1}}]}]\n",
         "two is missing", 9},
        {HEAD POSTS "charges: [{name: f, kind: flag, split: days, months: {2026-13: {name: x, "
                    "adder: 0}}}]\n",
         "a month is written", 9},
        {HEAD POSTS "charges: [{name: f, kind: flag, split: days, months: {2026-12: {name: x, "
                    "adder: 0}, 2026-11: {name: x, adder: 0}}}]\n",
         "months must rise", 9},
        {HEAD POSTS "charges: [{name: m, kind: minimum, kwh: 30, charges: [e], post: a}]\n",
         "no energy charge of import named e", 9},
        {HEAD POSTS "charges: [" ENERGY ", {name: m, kind: minimum, kwh: 30, charges: [e], post: "
                    "c}]\n",
         "no post of that name", 9},
        {HEAD POSTS "charges: [" ENERGY ", {name: m, kind: minimum, kwh: 30, charges: [e, e], "
                    "post: a}]\n",
         "e is named twice", 9},
        {HEAD POSTS "charges: [" ENERGY ", {name: m, kind: minimum, kwh: 30, charges: [e], post: "
                    "a},\n {name: n, kind: net_metering, carry_months: 60, rates: [{percent: {e: "
                    "100}}]}]\n",
         "must stand above a minimum", 10},
        {HEAD POSTS "charges: [" ENERGY ", {name: n, kind: net_metering, carry_months: 60, rates: "
                    "[{percent: {x: 100}}]}]\n",
         "no energy charge of import by that name", 9},
        {HEAD POSTS "charges: [{name: e, kind: dynamic, prices: {file: p, sha256: " EMPTY_SHA
                    ", step_minutes: 30}}]\n",
         "no folder to read p from", 9},
        {HEAD POSTS "charges: [" ENERGY "]\ntaxes: [{name: x, rates: [{percent: 50}]}, {name: y, "
                    "rates: [{percent: 45}]}]\n",
         "more than 90 %", 10},
        {HEAD POSTS "charges: [" ENERGY "]\ntaxes: [{name: x, excludes: [y], rates: [{percent: "
                    "5}]}]\n",
         "no tax named y", 10},
        {HEAD POSTS "charges: [" ENERGY "]\ntaxes: [{name: x, on_top: true, rates: [{percent: 5}]},"
                    " {name: y, excludes: [x], rates: [{percent: 5}]}]\n",
         "x is on top", 10},
        {HEAD POSTS "charges: [" ENERGY "]\ntaxes: [{name: x, rates: [{from: 2026-01-01}]}]\n",
         "either percent or bands", 10},
        {HEAD POSTS "charges: [" ENERGY "]\nlighting: {rates: [{steps: [{up_to_kwh: 5, amount: "
                    "1}]}]}\n",
         "the last must have none", 10},
        {HEAD POSTS "charges: [" ENERGY "]\nlighting: {rates: [{steps: [{amount: 1.001}]}]}\n",
         "not a decimal", 10},
        {HEAD POSTS "posts: []\n", "given twice", 9},
        {HEAD "posts: &p [{name: a}]\n", "anchors", 8},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sg_yaml_error why = {0, ""};
        struct sg_tariff *t = NULL;
        assert_int_equal(sg_tariff_parse(&t, sg_bytes_str(cases[i].yaml), &why), SG_TARIFF_BAD);
        assert_null(t);
        if (!strstr(why.text, cases[i].reason) || (cases[i].line && why.line != cases[i].line))
            fail_msg("case %zu (%s) said %u: %s", i, cases[i].reason, why.line, why.text);
    }
}

struct problems {
    size_t n;
    unsigned lines[16];
};

static void note(void *user, const struct sg_yaml_error *why)
{
    struct problems *p = user;

    if (p->n < 16)
        p->lines[p->n] = why->line;
    p->n++;
}

static void all_problems_are_named(void **state)
{
    (void)state;
    static const char yaml[] = "format: 2\n"
                               "id: T\n"                                          /* 2 */
                               "currency: BRL\ndecimals: 2\nzone: Mars/Olympus\n" /* 5 */
                               "interval_minutes: 15\nrounding: up\n"             /* 7 */
                               "posts:\n"
                               " - {name: a, when: [{days: monday}, {hours: '9-10'}]}\n" /* 9, 9 */
                               " - {name: b}\n"
                               "charges:\n"
                               " - {name: e, kind: energy, rates: [{rate: x}]}\n"  /* 12 */
                               " - {name: e, kind: energy, rates: [{rate: 1}]}\n"  /* 13 */
                               " - {name: f, kind: fixed, rates: [{amount: 1}]}\n" /* 14 */
                               "extra: 1\n";                                       /* 15 */
    static const unsigned lines[] = {15, 2, 5, 7, 9, 9, 12, 13, 14};
    struct problems p = {.n = 0};
    struct sg_yaml_error why = {0, ""};
    struct sg_tariff *t = NULL;
    const struct sg_tariff_reading how = {.problem = note, .user = &p};

    assert_int_equal(sg_tariff_read(&t, sg_bytes_str(yaml), &how, &why), SG_TARIFF_BAD);
    assert_int_equal(why.line, 15);
    assert_int_equal(p.n, 9);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(p.lines[i], lines[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_tariffs_are_right),
        cmocka_unit_test(easter),
        cmocka_unit_test(rates_are_exact_and_dated),
        cmocka_unit_test(demand_and_reactive_members),
        cmocka_unit_test(taxes_by_band_and_date),
        cmocka_unit_test(flags_of_months),
        cmocka_unit_test(prices_come_from_the_folder),
        cmocka_unit_test(prices_are_cut_to_cap_and_floor),
        cmocka_unit_test(mistakes_are_named_with_their_line),
        cmocka_unit_test(all_problems_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
