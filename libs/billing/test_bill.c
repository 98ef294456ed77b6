#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test-bill.c"

#include <sealgrid/crypto/merkle.h>

#include <stdio.h>

#define FLAT                                                                                       \
    TB_HEADER "posts: [{name: all}]\ncharges: [{name: e, kind: energy, rates: [{rate: 1}]}]\n"

static struct sg_tariff *load(const char *name)
{
    struct sg_tariff *t = NULL;
    struct sg_yaml_error why = {0, ""};
    char path[128];

    snprintf(path, sizeof(path), "apps/bill/tariffs/%s.yaml", name);
    if (sg_tariff_load(&t, path, &why))
        fail_msg("%s:%u: %s", path, why.line, why.text);
    return t;
}

/* 2880 x 100 Wh = 288 kWh at 0.82200: 236.736, printed 236.74. */
static void a_flat_bill_by_hand(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = load("b1-conventional");
    int64_t wh = 100;
    SG_CLEANUP(sg_bill_clear)
    struct sg_bill b = tb_made(&(struct tb_case){.tariff = t, .fn = tb_flat, .user = &wh});

    assert_int_equal(b.import_wh, 288000);
    assert_int_equal(b.total, 23674);
    assert_int_equal(b.days, 30);
    assert_int_equal(b.expected, 2880);
    assert_int_equal(b.billed, 2880);
    assert_int_equal(b.missing, 0);
    assert_int_equal(b.n_lines, 1);
    assert_int_equal(b.n_buckets, 1);
    tb_expect(&b, "energy", 288000, 23674);
}

static bool until_20_sept(void *user, int64_t ts_s, struct sg_bill_reading *ret)
{
    ret->energy_wh = *(const int64_t *)user;
    return ts_s <= TB_FROM + 2000 * 900;
}

/*
 * ANEEL, CEEE-D B1 in force 2025-11-22: 822.00 BRL/MWh.  200 kWh in September 2026, flag red 1
 * (44.63 BRL/MWh), ICMS 17 %, PIS 0.93 %, COFINS 4.30 %, the latter two without ICMS in their base:
 *   energy 164.40, flag 8.926 -> 8.93, net 173.33
 *   gross = 173.33 / ((1 - 0.17) (1 - 0.0523)) = 173.33 / 0.786591 = 220.3559... -> 220.36
 *   ICMS 17 % of 220.36 = 37.4612 -> 37.46; base of the others 182.90
 *   PIS 0.93 % = 1.70097 -> 1.70; COFINS 4.30 % = 7.8647 -> 7.86
 *   lighting (100 to 300 kWh) 11.75; total 232.11
 */
static void a_taxed_bill_by_hand(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = load("b1-taxed");
    int64_t wh = 100;
    SG_CLEANUP(sg_bill_clear)
    struct sg_bill b = tb_made(&(struct tb_case){.tariff = t, .fn = until_20_sept, .user = &wh});

    tb_expect(&b, "energy", 200000, 16440);
    tb_expect(&b, "flag.2026-09.red-1", 200000, 893);
    assert_int_equal(b.net, 17333);
    assert_int_equal(b.gross, 22036);
    assert_int_equal(b.taxes[0].base, 22036);
    assert_int_equal(b.taxes[0].amount, 3746);
    assert_int_equal(b.taxes[1].base, 18290);
    assert_int_equal(b.taxes[1].amount, 170);
    assert_int_equal(b.taxes[2].amount, 786);
    assert_int_equal(b.lighting, 1175);
    assert_int_equal(b.total, 23211);
    assert_int_equal(b.missing, 880);
}

/*
 * September 2026 has 22 weekdays of which the 7th is a holiday: 21 working days.  100 Wh a quarter:
 * peak 21 x 12 x 100 = 25,200 Wh; intermediate 21 x 8 x 100 = 16,800 Wh; the rest 246,000 Wh.
 */
static void a_white_bill_by_hand(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = load("b1-white");
    int64_t wh = 100;
    SG_CLEANUP(sg_bill_clear)
    struct sg_bill b = tb_made(&(struct tb_case){.tariff = t, .fn = tb_flat, .user = &wh});

    tb_expect(&b, "energy.peak", 25200, 3729);         /* 37.28592 */
    tb_expect(&b, "energy.intermediate", 16800, 1657); /* 16.57152 */
    tb_expect(&b, "energy.off_peak", 246000, 16177);   /* 161.7696 */
    assert_int_equal(b.total, 3729 + 1657 + 16177);
    assert_int_equal(b.n_buckets, 3);
    assert_int_equal(b.buckets[0].readings, 21 * 12);
    assert_int_equal(b.buckets[0].import_wh, 25200);
}

static void a_small_bill_reaches_the_minimum(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = load("b1-conventional");
    int64_t wh = 10; /* 28.8 kWh = 23.6736 */
    SG_CLEANUP(sg_bill_clear)
    struct sg_bill b = tb_made(&(struct tb_case){.tariff = t, .fn = tb_flat, .user = &wh});

    tb_expect(&b, "energy", 28800, 2367);
    tb_expect(&b, "minimum", 1, 8220 - 2367);
    assert_int_equal(b.total, 8220); /* 100 kWh */
}

static bool first_n(void *user, int64_t ts_s, struct sg_bill_reading *ret)
{
    const int64_t *v = user; /* how many, and Wh each */
    ret->energy_wh = v[1];
    return ts_s <= TB_FROM + v[0] * 900;
}

static void the_ratio_multiplies_energy(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = tb_tariff(FLAT);
    struct sg_bill_install install = {"1000", TB_FROM, INT64_MAX, 40, 1, NULL};
    int64_t what[] = {10, 123};
    struct tb_case c = {
        .tariff = t, .installs = &install, .n_installs = 1, .fn = first_n, .user = what};
    struct sg_bill b = tb_made(&c);

    assert_int_equal(b.import_wh, 49200);
    sg_bill_clear(&b);
    install = (struct sg_bill_install){"1000", TB_FROM, INT64_MAX, 1, 3, NULL};
    what[0] = 1;
    what[1] = 100;
    b = tb_made(&c);
    assert_int_equal(b.import_wh, 33);
    sg_bill_clear(&b);
}

static int add(struct sg_billing *b, const char *serial, int64_t ts_s, int64_t wh)
{
    static const uint8_t leaf[32] = {0};
    const struct sg_bill_reading r = {
        .serial = serial, .ts_s = ts_s, .energy_wh = wh, .reactive_varh = INT64_MIN, .leaf = leaf};
    return sg_billing_add(b, &r);
}

static void a_changed_meter_is_billed_for_both_parts(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = tb_tariff(FLAT);
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    const int64_t change = TB_FROM + 10 * 900;
    const struct sg_bill_install installs[] = {{"new", change + 900, INT64_MAX, 2, 1, NULL},
                                               {"old", 0, change, 1, 1, NULL}};
    const struct sg_bill_input in = {.tariff = t,
                                     .client = 1,
                                     .from_s = TB_FROM,
                                     .until_s = TB_FROM + 20 * 900,
                                     .installs = installs,
                                     .n_installs = 2};

    assert_int_equal(sg_billing_new(&b, &in), 0);
    assert_int_equal(add(b, "old", change, 100), 0);
    assert_int_equal(add(b, "old", change + 900, 100), SG_BILL_FOREIGN);
    assert_int_equal(add(b, "new", change + 900, 100), SG_BILL_FOREIGN);
    assert_int_equal(add(b, "new", change + 1800, 100), 0);
    assert_int_equal(sg_billing_finish(b, &bill), 0);
    assert_int_equal(bill.import_wh, 300);
    assert_int_equal(bill.expected, 19);
    assert_int_equal(bill.missing, 17);
    assert_string_equal(bill.meters[0].serial, "old");
    assert_string_equal(bill.meters[1].serial, "new");
    assert_int_equal(bill.meters[0].installed_s, 0);
    assert_int_equal(bill.meters[0].removed_s, change);
    assert_int_equal(bill.meters[1].removed_s, INT64_MAX);
    assert_int_equal(bill.n_buckets, 2);
    assert_null(sg_bill_inconsistency(&bill));
}

/* What a run with these records and this end says. */
static int open_run(const struct sg_tariff *t, int64_t until_s, const struct sg_bill_install *list,
                    size_t n)
{
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    const struct sg_bill_input in = {.tariff = t,
                                     .client = 1,
                                     .from_s = TB_FROM,
                                     .until_s = until_s,
                                     .installs = list,
                                     .n_installs = n};
    return sg_billing_new(&b, &in);
}

static void what_cannot_be_billed_is_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = tb_tariff(FLAT);
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    const struct sg_bill_install twice[] = {{"a", TB_FROM, TB_UNTIL, 1, 1, NULL},
                                            {"b", TB_FROM, TB_UNTIL, 1, 1, NULL}};
    const struct sg_bill_install zero = {"a", TB_FROM, TB_UNTIL, 0, 1, NULL};
    const struct sg_bill_input in = {.tariff = t,
                                     .client = 1,
                                     .from_s = TB_FROM,
                                     .until_s = TB_UNTIL,
                                     .installs = twice,
                                     .n_installs = 1};

    assert_int_equal(open_run(t, TB_UNTIL, twice, 2), SG_BILL_BAD_RECORD);
    assert_int_equal(open_run(t, TB_UNTIL, &zero, 1), SG_BILL_BAD_RECORD);
    assert_int_equal(open_run(t, TB_FROM, twice, 1), SG_BILL_EMPTY);
    assert_int_equal(open_run(t, TB_FROM + 899, twice, 1), SG_BILL_EMPTY);
    assert_int_equal(open_run(t, TB_FROM + INT64_C(801) * 86400, twice, 1), SG_BILL_TOO_LONG);
    assert_int_equal(sg_billing_new(&b, &in), 0);
    assert_int_equal(add(b, "a", TB_FROM, 1), SG_BILL_OUTSIDE);
    assert_int_equal(add(b, "a", TB_UNTIL + 900, 1), SG_BILL_OUTSIDE);
    assert_int_equal(add(b, "a", TB_FROM + 901, 1), SG_BILL_OUTSIDE);
    assert_int_equal(add(b, "a", TB_FROM + 900, 1), 0);
    assert_int_equal(add(b, "a", TB_FROM + 900, 1), SG_BILL_REPEATED);
    assert_int_equal(add(b, "b", TB_FROM + 1800, 1), SG_BILL_FOREIGN);
    assert_int_equal(add(b, "a", TB_FROM + 1800, INT64_MAX), SG_BILL_TOO_LARGE);
    assert_int_equal(add(b, "a", TB_FROM + 1800, INT64_MIN), SG_BILL_TOO_LARGE);
}

/* ---- files --------------------------------------------------------------------------------- */

#define EVERYTHING                                                                                 \
    TB_HEADER                                                                                      \
    "posts: [{name: peak, when: [{hours: \"18:00-21:00\"}]}, {name: off}]\n"                       \
    "charges:\n"                                                                                   \
    "  - {name: te, kind: energy, rates: [{from: 2026-01-01, rate: {peak: 0.5, off: 0.3}},"        \
    "     {from: 2026-09-11, rate: {peak: 0.6, off: 0.4}}]}\n"                                     \
    "  - {name: demand, kind: demand, integration_minutes: 15, contracted: true,"                  \
    "     excess: {tolerance_percent: 5, factor: 2}, rates: [{rate: {peak: 30, off: 10}}]}\n"      \
    "  - {name: service, kind: fixed, per: month, rates: [{amount: {one: 1, two: 2, three: "       \
    "3}}]}\n"                                                                                      \
    "  - {name: scee, kind: net_metering, carry_months: 60, rates: [{percent: {te: 100}}]}\n"      \
    "  - {name: minimum, kind: minimum, kwh: 100, charges: [te], post: off}\n"                     \
    "taxes:\n"                                                                                     \
    "  - {name: icms, rates: [{percent: 18}]}\n"                                                   \
    "  - {name: vat, on_top: true, rates: [{percent: 5}]}\n"                                       \
    "lighting: {rates: [{steps: [{amount: 5}]}]}\n"

#define EVERY_CONTRACT                                                                             \
    "- {client: 3000000001, from: 2026-01-01, until: null, phases: 3, demand_kw: {peak: 1, off: "  \
    "2},"                                                                                          \
    " demand_history: [{month: 2026-08, kw: {peak: 1.5}}],"                                        \
    " credits: [{month: 2026-07, post: off, kwh: 700.5}], exempt: [vat]}\n"

/* Peak imports, the sun at noon sends out, one estimate a day. */
static bool prosumer(void *user, int64_t ts_s, struct sg_bill_reading *ret)
{
    int64_t hour = ((ts_s - 900 - 10800) % 86400) / 3600;
    (void)user;
    ret->energy_wh = hour >= 18 && hour < 21 ? 400 : hour >= 10 && hour < 14 ? -900 : 50;
    if (ts_s % 86400 == 0) {
        ret->estimated = "linear";
        ret->leaf = NULL;
    }
    return true;
}

static struct sg_bill everything(void)
{
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = tb_tariff(EVERYTHING);
    static const uint8_t hash[32] = {9};
    const struct sg_bill_install install = {"1000", 86400, TB_UNTIL + 900, 7, 3, hash};

    return tb_made(&(struct tb_case){.tariff = t,
                                     .installs = &install,
                                     .n_installs = 1,
                                     .contract = EVERY_CONTRACT,
                                     .fn = prosumer});
}

static void a_bill_is_written_and_read(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(sg_bill_clear) struct sg_bill b = everything();
    SG_CLEANUP(sg_bill_clear) struct sg_bill back = {.client = 0};

    assert_int_equal(b.estimated, 30);
    assert_int_equal(b.n_estimates, 30);
    assert_true(b.n_credits > 0);
    assert_int_equal(sg_bill_write(&b, &text), 0);
    assert_int_equal(sg_bill_read(sg_buf_bytes(&text), &back), 0);
    assert_null(sg_bill_difference(&b, &back));
    assert_null(sg_bill_inconsistency(&back));
    assert_int_equal(sg_bill_write(&back, &again), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&text), sg_buf_bytes(&again)));
}

/* Any octet changed anywhere: never accepted as it stands. */
static void a_doctored_file_is_noticed(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = load("b1-taxed");
    int64_t wh = 100;
    SG_CLEANUP(sg_bill_clear)
    struct sg_bill b = tb_made(&(struct tb_case){.tariff = t, .fn = tb_flat, .user = &wh});
    struct sg_bill back = {.client = 0};

    assert_int_equal(sg_bill_write(&b, &text), 0);
    for (uint8_t *p = text.data; p < text.data + text.len; p++) {
        *p ^= 1;
        int r = sg_bill_read(sg_buf_bytes(&text), &back);
        assert_true(r > 0);
        if (r != SG_BILL_MALFORMED)
            sg_bill_clear(&back);
        *p ^= 1;
    }
    assert_int_equal(sg_bill_read(SG_BYTES(text.data, text.len - 2), &back), SG_BILL_MALFORMED);
    assert_int_equal(sg_bill_read(SG_BYTES_LIT("{}"), &back), SG_BILL_MALFORMED);
    assert_int_equal(sg_bill_read(SG_BYTES_LIT(""), &back), SG_BILL_MALFORMED);
    /* The trace stands beside the bill, its hash on it. */
    uint8_t *trace = memmem(text.data, text.len, "\"wh_by_meter\":[2", 16);
    assert_non_null(trace);
    trace[15] = '3';
    assert_int_equal(sg_bill_read(sg_buf_bytes(&text), &back), SG_BILL_BAD_TRACE);
    sg_bill_clear(&back);
}

static void expect_wrong(struct sg_bill *b, int64_t *member, const char *name)
{
    const char *said;

    (*member)++;
    said = sg_bill_inconsistency(b);
    (*member)--;
    if (!said || strcmp(said, name))
        fail_msg("%s: said %s", name, said ? said : "nothing");
}

static void an_inconsistent_bill_is_named(void **state)
{
    (void)state;
    SG_CLEANUP(sg_bill_clear) struct sg_bill b = everything();

    assert_null(sg_bill_inconsistency(&b));
    expect_wrong(&b, &b.lines[0].amount, "te.peak");
    b.lines[0].rate *= 2;
    assert_string_equal(sg_bill_inconsistency(&b), "te.peak");
    b.lines[0].rate /= 2;
    expect_wrong(&b, &b.total, "total");
    expect_wrong(&b, &b.gross, "gross");
    expect_wrong(&b, &b.net, "net");
    expect_wrong(&b, &b.lighting, "total");
    expect_wrong(&b, &b.taxes[0].amount, "icms");
    expect_wrong(&b, (int64_t *)&b.missing, "readings");
    expect_wrong(&b, (int64_t *)&b.estimated, "readings");
    expect_wrong(&b, (int64_t *)&b.estimates[0].intervals, "estimates");
    expect_wrong(&b, (int64_t *)&b.buckets[1].readings, "buckets");
    expect_wrong(&b, &b.buckets[1].import_wh, "energy");
    expect_wrong(&b, &b.import_wh, "energy");
    expect_wrong(&b, &b.export_wh, "energy");
    b.meters[0].ratio_num = 8;
    assert_string_equal(sg_bill_inconsistency(&b), "energy");
    b.meters[0].ratio_num = 7;
    b.taxes[0].rate_ppm = 1000000; /* a forged tax must not end the program */
    assert_non_null(sg_bill_inconsistency(&b));
}

/* Whatever member differs is noticed. */
static void a_different_bill_is_named(void **state)
{
    (void)state;
    SG_CLEANUP(sg_bill_clear) struct sg_bill a = everything(), b = everything();

    assert_null(sg_bill_difference(&a, &b));
    b.contract.demand[0].w++;
    assert_string_equal(sg_bill_difference(&a, &b), "contract");
    b.contract.demand[0].w--;
    b.contract.history[0].demand[0].w++;
    assert_string_equal(sg_bill_difference(&a, &b), "contract");
    b.contract.history[0].demand[0].w--;
    b.contract.exempt[0][0]++;
    assert_string_equal(sg_bill_difference(&a, &b), "contract");
    b.contract.exempt[0][0]--;
    b.buckets[1].root[7]++;
    assert_string_equal(sg_bill_difference(&a, &b), "buckets");
    b.buckets[1].root[7]--;
    b.meters[0].certificate_sha256[3]++;
    assert_string_equal(sg_bill_difference(&a, &b), "meters");
    b.meters[0].certificate_sha256[3]--;
    b.credits[0].wh++;
    assert_string_equal(sg_bill_difference(&a, &b), "credits");
    b.credits[0].wh--;
    b.trace_sha256[0]++;
    assert_string_equal(sg_bill_difference(&a, &b), "trace_sha256");
    b.trace_sha256[0]--;
    b.lines[2].of_days++;
    assert_string_equal(sg_bill_difference(&a, &b), b.lines[2].code);
    b.lines[2].of_days--;
    assert_null(sg_bill_difference(&a, &b));
}

/* Unsigned readings and estimates are under no root. */
static bool unsigned_flat(void *user, int64_t ts_s, struct sg_bill_reading *ret)
{
    (void)user;
    (void)ts_s;
    ret->leaf = NULL;
    ret->energy_wh = 100;
    return true;
}

static void unsigned_readings_prove_nothing(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = tb_tariff(FLAT);
    SG_CLEANUP(sg_bill_clear)
    struct sg_bill b = tb_made(&(struct tb_case){.tariff = t, .fn = unsigned_flat});
    uint8_t empty[32];

    sg_merkle_root(empty, NULL, 0);
    assert_memory_equal(b.root, empty, 32);
    assert_int_equal(b.n_buckets, 0);
    assert_int_equal(b.billed, 2880);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flat_bill_by_hand),
        cmocka_unit_test(a_taxed_bill_by_hand),
        cmocka_unit_test(a_white_bill_by_hand),
        cmocka_unit_test(a_small_bill_reaches_the_minimum),
        cmocka_unit_test(the_ratio_multiplies_energy),
        cmocka_unit_test(a_changed_meter_is_billed_for_both_parts),
        cmocka_unit_test(what_cannot_be_billed_is_refused),
        cmocka_unit_test(a_bill_is_written_and_read),
        cmocka_unit_test(a_doctored_file_is_noticed),
        cmocka_unit_test(an_inconsistent_bill_is_named),
        cmocka_unit_test(a_different_bill_is_named),
        cmocka_unit_test(unsigned_readings_prove_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
