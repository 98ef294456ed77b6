#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bill-int.h"
#include "test-bill.c"

#include <sealgrid/base/encode.h>
#include <sealgrid/crypto/hash.h>

#include <stdio.h>

#define HOUR INT64_C(3600)

/* Readings by rule: Wh and varh everywhere, other values at a few places, none
 * at others. */
struct spot {
    int64_t at_s; /* begin, seconds after the period's */
    int64_t wh, varh;
    bool gone;
};
struct load {
    int64_t from_s, wh, varh;
    const struct spot *spots;
    size_t n;
};

static bool by_load(void *user, int64_t ts_s, struct sg_bill_reading *ret)
{
    const struct load *l = user;

    ret->energy_wh = l->wh;
    ret->reactive_varh = l->varh;
    for (size_t i = 0; i < l->n; i++)
        if (l->from_s + l->spots[i].at_s + 900 == ts_s) {
            ret->energy_wh = l->spots[i].wh;
            ret->reactive_varh = l->spots[i].varh;
            return !l->spots[i].gone;
        }
    return true;
}

static struct sg_bill bill_of(const char *charges, const struct load *l, const char *contract)
{
    char yaml[4096];

    snprintf(yaml, sizeof(yaml),
             TB_HEADER "posts: [{name: peak, when: [{days: working, hours: \"18:00-21:00\"}]}, "
                       "{name: off}]\ncharges:\n%s",
             charges);
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = tb_tariff(yaml);
    return tb_made(&(struct tb_case){
        .tariff = t, .contract = contract, .fn = by_load, .user = (void *)(uintptr_t)l});
}

/* ---- demand
 * --------------------------------------------------------------------------------
 */

/* An hour's window of four quarter-hours, each 1 kWh: 4 kW; with one of them
 * gone it is not counted, however high the rest. */
static void a_window_with_a_gap_is_not_counted(void **state)
{
    (void)state;
    static const struct spot spots[] = {
        {10 * HOUR, 50000, 0, false}, {10 * HOUR + 900, 0, 0, true}, {12 * HOUR, 2000, 0, false}};
    const struct load l = {TB_FROM, 1000, 0, spots, 3};
    SG_CLEANUP(sg_bill_clear)
    struct sg_bill b = bill_of("  - {name: d, kind: demand, integration_minutes: 60, "
                               "rates: [{rate: 10}]}\n",
                               &l, NULL);

    tb_expect(&b, "d", 5000, 5000); /* 2 + 1 + 1 + 1 kWh in the hour from 12 */
    assert_non_null(strstr((const char *)b.trace.data, "\"at\":\"2026-09-01T15:00:00Z\""));
    assert_non_null(strstr((const char *)b.trace.data, "\"windows\":719"));
}

/* 105 kW is not above 100 by more than 5 %, 105.004 is: all above the contract
 * is charged. */
static void the_tolerance_decides_on_the_excess(void **state)
{
    (void)state;
    static const char charge[] = "  - {name: d, kind: demand, integration_minutes: 15, contracted: "
                                 "true, excess: {tolerance_percent: 5, factor: 2.5}, rates: "
                                 "[{rate: {peak: 2, off: 1}}]}\n";
    static const char contract[] = "- {client: 3000000001, from: 2026-01-01, until: null, "
                                   "demand_kw: {peak: 100, off: 100}}\n";
    struct spot spot = {10 * HOUR, 26250, 0, false};
    const struct load l = {TB_FROM, 10, 0, &spot, 1};
    struct sg_bill b = bill_of(charge, &l, contract);

    tb_expect(&b, "d.peak", 100000, 20000);
    tb_expect(&b, "d.off", 105000, 10500);
    assert_null(tb_line(&b, "d.off.excess"));
    sg_bill_clear(&b);
    spot.wh = 26251;
    b = bill_of(charge, &l, contract);
    tb_expect(&b, "d.off", 105004, 10500);
    tb_expect(&b, "d.off.excess", 5004, 1251); /* 5.004 x 2.5 = 12.51 */
    assert_null(tb_line(&b, "d.peak.excess"));
    sg_bill_clear(&b);
}

static void demand_that_goes_out_counts_for_nothing(void **state)
{
    (void)state;
    const struct load l = {TB_FROM, -5000, 0, NULL, 0};
    SG_CLEANUP(sg_bill_clear)
    struct sg_bill b = bill_of("  - {name: d, kind: demand, integration_minutes: 15, "
                               "rates: [{rate: 10}]}\n"
                               "  - {name: e, kind: energy, of: export, rates: [{rate: -0.05}]}\n"
                               "  - {name: n, kind: energy, of: net, rates: [{rate: 0.1}]}\n",
                               &l, NULL);

    tb_expect(&b, "d", 0, 0);
    tb_expect(&b, "e", 14400000, -72000);
    tb_expect(&b, "n", -14400000, -144000);
    assert_int_equal(b.net, -216000);
}

/* ---- reactive
 * ------------------------------------------------------------------------------
 */

static void an_hour_without_reactive_energy_is_not_judged(void **state)
{
    (void)state;
    static const struct spot spots[] = {{10 * HOUR, 250, INT64_MIN, false},
                                        {12 * HOUR, 250, 0, true},
                                        {14 * HOUR, -3000, 100, false}};
    const struct load l = {TB_FROM, 250, 250, spots, 3};
    SG_CLEANUP(sg_bill_clear)
    struct sg_bill b = bill_of("  - {name: r, kind: reactive_energy, "
                               "power_factor: 0.92, rates: [{rate: 1}]}\n",
                               &l, NULL);
    /* P = Q = 1000: S = floor(sqrt(2e12)) = 1414213, W = floor(1301075.96) =
     * 1301075, X 301.075 Wh. Of 720 hours three do not count: no varh, a gap, net
     * export. */
    tb_expect(&b, "r", 215871, 21587); /* 717 x 301.075 = 215870.775 */
    assert_non_null(strstr((const char *)b.trace.data, "\"hours\":717"));
}

static void roots_are_floors(void **state)
{
    (void)state;
    const unsigned __int128 big = (unsigned __int128)UINT64_MAX * UINT64_MAX;

    for (uint64_t n = 0; n < 2000; n++) {
        uint64_t r = sg_isqrt(n);
        assert_true(r * r <= n && (r + 1) * (r + 1) > n);
    }
    assert_int_equal(sg_isqrt(UINT64_C(1) << 62), UINT64_C(1) << 31);
    assert_int_equal(sg_isqrt((UINT64_C(1) << 62) - 1), (UINT64_C(1) << 31) - 1);
    assert_true(sg_isqrt(big) == UINT64_MAX);
    assert_true(sg_isqrt(big - 1) == UINT64_MAX - 1);
    for (uint64_t k = 1; k < UINT64_C(1) << 58; k = k * 3 + 1) {
        unsigned __int128 square = (unsigned __int128)k * k;
        assert_true(sg_isqrt(square) == k && sg_isqrt(square - 1) == k - 1);
        assert_true(sg_isqrt(square + k) == k);
    }
}

/* ---- time
 * ----------------------------------------------------------------------------------
 */

static void a_flag_by_days_leaves_nothing_over(void **state)
{
    (void)state;
    const struct load l = {TB_FROM - 7 * 86400, 1, 0, NULL, 0}; /* 31 days, 7 of them in August */
    SG_CLEANUP(sg_tariff_freep)
    struct sg_tariff *t =
        tb_tariff(TB_HEADER "posts: [{name: all}]\ncharges:\n"
                            "  - {name: f, kind: flag, split: days, months: {2026-08: {name: red, "
                            "adder: 1},"
                            " 2026-09: {name: green, adder: 0}}}\n"
                            "  - {name: g, kind: flag, split: interval, months: {2026-08: {name: "
                            "red, "
                            "adder: 1}, 2026-09: {name: green, adder: 0}}}\n"
                            "  - {name: m, kind: fixed, per: month, rates: [{from: 2026-01-01, "
                            "amount: 31}, "
                            "{from: 2026-09-11, "
                            "amount: 60}]}\n"
                            "  - {name: c, kind: fixed, per: cycle, rates: [{amount: 31}]}\n"
                            "  - {name: y, kind: fixed, per: day, rates: [{amount: 0.5}]}\n");
    SG_CLEANUP(sg_bill_clear)
    struct sg_bill b = tb_made(&(struct tb_case){.tariff = t,
                                                 .from_s = TB_FROM - 7 * 86400,
                                                 .until_s = TB_FROM + 24 * 86400,
                                                 .fn = by_load,
                                                 .user = (void *)(uintptr_t)&l});

    assert_int_equal(b.days, 31);
    assert_int_equal(b.import_wh, 2976);
    tb_expect(&b, "f.2026-08.red", 672, 67);
    tb_expect(&b, "f.2026-09.green", 2304, 0);
    tb_expect(&b, "g.2026-08.red", 672, 67);
    assert_int_equal(b.n_buckets, 2); /* cut at the first of September */
    /* 31 x 7/31, 31 x 10/30, 60 x 14/30 */
    assert_int_equal(b.lines[4].amount, 700);
    assert_int_equal(b.lines[5].amount, 1033);
    assert_int_equal(b.lines[6].amount, 2800);
    assert_int_equal(b.lines[6].days, 14);
    assert_int_equal(b.lines[6].of_days, 30);
    tb_expect(&b, "c", 1, 3100);
    tb_expect(&b, "y", 31, 1550);
}

static int refused(const char *rest, const char *contract)
{
    SG_CLEANUP(sg_bill_clear) struct sg_bill b = {.client = 0};
    const struct load l = {TB_FROM, 100, 0, NULL, 0};
    char yaml[2048];

    snprintf(yaml, sizeof(yaml), TB_HEADER "posts: [{name: all}]\n%s", rest);
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = tb_tariff(yaml);
    return tb_bill(
        &(struct tb_case){
            .tariff = t, .contract = contract, .fn = by_load, .user = (void *)(uintptr_t)&l},
        &b);
}

#define ENERGY "charges: [{name: e, kind: energy, rates: [{rate: 1}]}"
#define NETTED                                                                                     \
    "charges: [{name: e, kind: energy, rates: [{rate: 1}]}, {name: n, kind: "                      \
    "net_metering, "                                                                               \
    "carry_months: 2, rates: [{percent: {e: 100}}]}]\n"

static void what_is_not_known_refuses_the_bill(void **state)
{
    (void)state;
    assert_int_equal(refused(ENERGY "]\n", NULL), 0);
    assert_int_equal(refused("charges: [{name: e, kind: energy, rates: [{from: "
                             "2026-09-02, rate: 1}]}]\n",
                             NULL),
                     SG_BILL_NO_RATE);
    assert_int_equal(
        refused(ENERGY "]\ntaxes: [{name: x, rates: [{from: 2026-10-01, percent: 1}]}]\n", NULL),
        SG_BILL_NO_RATE);
    assert_int_equal(
        refused(ENERGY "]\ntaxes: [{name: x, rates: [{from: 2026-09-30, percent: 1}]}]\n", NULL),
        0);
    assert_int_equal(refused(ENERGY "]\nlighting: {rates: [{from: 2026-10-01, steps: [{amount: 1}]}"
                                    "]}\n",
                             NULL),
                     SG_BILL_NO_RATE);
    assert_int_equal(refused(ENERGY ", {name: f, kind: flag, split: days, months: {2026-08: {name: "
                                    "x, adder: 0}}}]\n",
                             NULL),
                     SG_BILL_NO_FLAG);
    static const char phases[] =
        ENERGY ", {name: g, kind: fixed, per: cycle, rates: [{amount: {one: 1, "
               "two: 2, three: 3}}]}]"
               "\n";
    assert_int_equal(refused(phases, NULL), SG_BILL_NO_CONTRACT);
    assert_int_equal(refused(phases, "- {client: 3000000002, from: 2026-01-01, until: null, "
                                     "phases: 1}\n"),
                     SG_BILL_NO_CONTRACT);
    assert_int_equal(refused(phases, "- {client: 3000000001, from: 2026-01-01, until: null}\n"),
                     SG_BILL_NO_CONTRACT);
    assert_int_equal(refused(phases, "- {client: 3000000001, from: 2026-09-02, until: null, "
                                     "phases: 1}\n"),
                     SG_BILL_CONTRACT_CHANGED);
    assert_int_equal(refused(phases, "- {client: 3000000001, from: 2026-09-01, until: 2026-10-01, "
                                     "phases: 2}\n"),
                     0);
    assert_int_equal(refused(phases, "- {client: 3000000001, from: 2026-01-01, until: null, "
                                     "phases: 1, tariff: other}\n"),
                     SG_BILL_OTHER_TARIFF);
    assert_int_equal(refused(phases, "- {client: 3000000001, from: 2026-01-01, until: null, "
                                     "phases: 1, tariff: t}\n"),
                     0);
    assert_int_equal(refused(NETTED, "- {client: 3000000001, from: 2026-01-01, until: null, "
                                     "credits: [{month: 2026-08, post: other, kwh: 1}]}\n"),
                     SG_BILL_NO_POST);
    assert_int_equal(refused(NETTED, "- {client: 3000000001, from: 2026-01-01, until: null, "
                                     "credits: [{month: 2026-06, post: other, kwh: 1}]}\n"),
                     0); /* lapsed */
}

/* ---- net metering
 * -------------------------------------------------------------------------- */

/* Own export first, then the oldest; what lapsed is gone; what is left goes on
 * in order. */
static void credits_are_used_oldest_first(void **state)
{
    (void)state;
    static const struct spot spots[] = {{0, -1000, 0, false}};
    const struct load l = {TB_FROM, 1, 0, spots, 1};
    SG_CLEANUP(sg_tariff_freep)
    struct sg_tariff *t = tb_tariff(TB_HEADER "posts: [{name: all}]\n" NETTED);
    struct tb_case c = {.tariff = t,
                        .contract =
                            "- {client: 3000000001, from: 2026-01-01, until: null, credits: "
                            "[{month: 2026-06, post: all, kwh: 9}, {month: 2026-07, post: "
                            "all, kwh: 1.5}, {month: 2026-08, post: all, kwh: 2}]}\n",
                        .fn = by_load,
                        .user = (void *)(uintptr_t)&l};
    struct sg_bill b = tb_made(&c);

    /* import 2879, export 1000: 1000 of its own, 1500 of July, 379 of August */
    tb_expect(&b, "n.e.all", 2879, -288);
    assert_int_equal(b.net, 0);
    assert_int_equal(b.n_credits, 1);
    assert_int_equal(b.credits[0].month, 2026 * 12 + 7);
    assert_int_equal(b.credits[0].wh, 1621);
    sg_bill_clear(&b);
    const struct load out = {TB_FROM, -10, 0, NULL, 0};
    c.user = (void *)(uintptr_t)&out;
    b = tb_made(&c);
    tb_expect(&b, "n.e.all", 0, 0);
    assert_int_equal(b.n_credits, 3);
    assert_int_equal(b.credits[0].month, 2026 * 12 + 6);
    assert_int_equal(b.credits[2].month, 2026 * 12 + 8);
    assert_int_equal(b.credits[2].wh, 28800);
    sg_bill_clear(&b);
}

/* ---- dynamic prices
 * ------------------------------------------------------------------------ */

static const char *series;

static int fetch(void *user, const char *name, struct sg_buf *ret)
{
    (void)user;
    (void)name;
    return sg_buf_append(ret, sg_bytes_str(series));
}

/* The hash of the series stands between the two parts of the tariff. */
static struct sg_tariff *dynamic_tariff(const char *csv, const char *before, const char *after)
{
    struct sg_tariff *t = NULL;
    const struct sg_tariff_reading how = {.fetch = fetch};
    struct sg_yaml_error why = {0, ""};
    char yaml[2048], hex[65];
    uint8_t hash[32];

    series = csv;
    sg_sha256(hash, sg_bytes_str(csv));
    sg_hex(hex, hash, 32);
    snprintf(yaml, sizeof(yaml), "%s%s%s", before, hex, after);
    if (sg_tariff_read(&t, sg_bytes_str(yaml), &how, &why))
        fail_msg("line %u: %s", why.line, why.text);
    return t;
}

/* 0.1, -0.2, 0.7 a kWh for an hour each; ratio 1/3, rounded to 1e-12 per meter,
 * once to the cent.
 */
static void dynamic_prices_are_summed_exactly(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep)
    struct sg_tariff *t =
        dynamic_tariff("2026-09-01T03:00:00Z,0.1\n2026-09-01T04:00:00Z,-0.2\n2026-09-01T05:00:"
                       "00Z,0.7\n",
                       TB_HEADER "posts: [{name: all}]\ncharges: [{name: e, kind: dynamic, "
                                 "prices: {file: p, "
                                 "sha256: ",
                       ", step_minutes: 60}, rates: [{adder: 0.01, cap: 0.5}]}]\n");
    const struct load l = {TB_FROM, 1000, 0, NULL, 0};
    const struct sg_bill_install installs[] = {{"1000", 0, INT64_MAX, 1, 3, NULL}};
    struct tb_case c = {.tariff = t,
                        .until_s = TB_FROM + 3 * HOUR,
                        .installs = installs,
                        .n_installs = 1,
                        .fn = by_load,
                        .user = (void *)(uintptr_t)&l};
    SG_CLEANUP(sg_bill_clear) struct sg_bill b = tb_made(&c);

    /* 4 x (0.11 - 0.19 + 0.5) / 3 = 0.56 */
    tb_expect(&b, "e", 4000, 56);
    assert_false(b.lines[0].has_rate);
    SG_CLEANUP(sg_billing_freep) struct sg_billing *run = NULL;
    const struct sg_bill_input in = {.tariff = t,
                                     .client = 1,
                                     .from_s = TB_FROM,
                                     .until_s = TB_FROM + 4 * HOUR,
                                     .installs = installs,
                                     .n_installs = 1};
    struct sg_bill_reading reading = {.serial = "1000", .reactive_varh = INT64_MIN};
    assert_int_equal(sg_billing_new(&run, &in), 0);
    reading.ts_s = TB_FROM + 3 * HOUR;
    assert_int_equal(sg_billing_add(run, &reading), 0);
    reading.ts_s += 900; /* of no energy, but of no price either */
    assert_int_equal(sg_billing_add(run, &reading), SG_BILL_NO_PRICE);
}

static bool exchanged(void *user, int64_t ts_s, struct sg_bill_reading *ret)
{
    ret->serial = ts_s > *(const int64_t *)user ? "new" : "old";
    ret->energy_wh = 1000;
    return true;
}

static void dynamic_prices_know_their_meter(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep)
    struct sg_tariff *t = dynamic_tariff("2026-09-01T03:00:00Z,0.1\n2026-09-01T04:00:00Z,0.2\n",
                                         TB_HEADER "posts: [{name: all}]\ncharges: [{name: e, "
                                                   "kind: dynamic, prices: {file: p, "
                                                   "sha256: ",
                                         ", step_minutes: 60}}]\n");
    int64_t at_s = TB_FROM + HOUR + 900;
    const struct sg_bill_install installs[] = {{"old", 0, at_s, 1, 1, NULL},
                                               {"new", at_s, INT64_MAX, 10, 1, NULL}};
    SG_CLEANUP(sg_bill_clear)
    struct sg_bill b = tb_made(&(struct tb_case){.tariff = t,
                                                 .until_s = TB_FROM + 2 * HOUR,
                                                 .installs = installs,
                                                 .n_installs = 2,
                                                 .fn = exchanged,
                                                 .user = &at_s});

    /* 4 x 0.1 + 0.2, and ten times 3 x 0.2 */
    tb_expect(&b, "e", 35000, 660);
}

static void an_interval_outside_the_schedule_is_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep)
    struct sg_tariff *t =
        dynamic_tariff("2026-09-01T03:00:00Z,low\n2026-09-01T04:00:00Z,high\n",
                       TB_HEADER "posts: [{name: low}, {name: high}]\nschedule: {file: s, sha256: ",
                       ", step_minutes: 60}\ncharges: [{name: e, kind: energy, rates: [{rate: "
                       "{low: 1, "
                       "high: 2}}]}]\n");
    const struct load l = {TB_FROM, 1000, 0, NULL, 0};
    struct tb_case c = {
        .tariff = t, .until_s = TB_FROM + 2 * HOUR, .fn = by_load, .user = (void *)(uintptr_t)&l};
    SG_CLEANUP(sg_bill_clear) struct sg_bill b = tb_made(&c);

    tb_expect(&b, "e.low", 4000, 400);
    tb_expect(&b, "e.high", 4000, 800);
    SG_CLEANUP(sg_billing_freep) struct sg_billing *run = NULL;
    const struct sg_bill_install install = {"1000", 0, INT64_MAX, 1, 1, NULL};
    const struct sg_bill_input in = {.tariff = t,
                                     .client = 1,
                                     .from_s = TB_FROM,
                                     .until_s = TB_FROM + 86400,
                                     .installs = &install,
                                     .n_installs = 1};
    const struct sg_bill_reading late = {
        .serial = "1000", .ts_s = TB_FROM + 2 * HOUR + 900, .reactive_varh = INT64_MIN};
    assert_int_equal(sg_billing_new(&run, &in), 0);
    assert_int_equal(sg_billing_add(run, &late), SG_BILL_NO_SCHEDULE);
}

/* ---- taxes
 * ---------------------------------------------------------------------------------
 */

static void exempt_is_zero_percent_and_on_top_is_added(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep)
    struct sg_tariff *t = tb_tariff(
        TB_HEADER "posts: [{name: all}]\n" ENERGY "]\n"
                  "taxes: [{name: a, rates: [{percent: 20}]}, {name: b, rates: [{percent: "
                  "30}]}, "
                  "{name: v, on_top: true, rates: [{bands: [{up_to_kwh: 288, percent: 5}, "
                  "{percent: 50}]}]}]\n");
    const struct load l = {TB_FROM, 100, 0, NULL, 0};
    SG_CLEANUP(sg_bill_clear)
    struct sg_bill b = tb_made(&(struct tb_case){.tariff = t,
                                                 .contract = "- {client: 3000000001, from: "
                                                             "2026-01-01, until: null, exempt: [b]}"
                                                             "\n",
                                                 .fn = by_load,
                                                 .user = (void *)(uintptr_t)&l});

    assert_int_equal(b.net, 28800);
    assert_int_equal(b.gross, 36000);
    assert_int_equal(b.taxes[0].amount, 7200);
    assert_int_equal(b.taxes[1].rate_ppm, 0);
    assert_int_equal(b.taxes[1].amount, 0);
    assert_int_equal(b.taxes[2].base, 36000);
    assert_int_equal(b.taxes[2].amount, 1800); /* 288 kWh are up to 288 */
    assert_int_equal(b.total, 37800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_with_a_gap_is_not_counted),
        cmocka_unit_test(the_tolerance_decides_on_the_excess),
        cmocka_unit_test(demand_that_goes_out_counts_for_nothing),
        cmocka_unit_test(an_hour_without_reactive_energy_is_not_judged),
        cmocka_unit_test(roots_are_floors),
        cmocka_unit_test(a_flag_by_days_leaves_nothing_over),
        cmocka_unit_test(what_is_not_known_refuses_the_bill),
        cmocka_unit_test(credits_are_used_oldest_first),
        cmocka_unit_test(dynamic_prices_are_summed_exactly),
        cmocka_unit_test(dynamic_prices_know_their_meter),
        cmocka_unit_test(an_interval_outside_the_schedule_is_refused),
        cmocka_unit_test(exempt_is_zero_percent_and_on_top_is_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
