#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/billing/bill.h>

#include <string.h>

#define HEADER                                                                                     \
    "format: 1\nid: t\ncurrency: BRL\ndecimals: 2\nzone: America/Sao_Paulo\n"                      \
    "interval_minutes: 15\nrounding: half-even\n"
#define FROM  1788231600 /* 2026-09-01T00:00 in Sao Paulo */
#define UNTIL 1790823600 /* 2026-10-01T00:00 */

static struct sg_tariff *parse(const char *yaml)
{
    struct sg_tariff *t = NULL;
    struct sg_yaml_error why = {0, ""};
    if (sg_tariff_parse(&t, sg_bytes_str(yaml), &why))
        fail_msg("%u: %s", why.line, why.text);
    return t;
}

static const struct sg_bill_install one_meter = {"1000", FROM - 900, INT64_MAX, 1, 1};

/* Bills n intervals from the period's begin, wh each. */
static int bill_flat(const struct sg_tariff *t, const struct sg_bill_install *install, int64_t n,
                     int64_t wh, struct sg_bill *ret)
{
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    uint8_t leaf[32] = {1};
    int r = sg_billing_new(&b, t, 3000000001, FROM, UNTIL, install, 1);

    for (int64_t i = 1; i <= n && !r; i++)
        r = sg_billing_add(b, install->serial, FROM + i * 900, wh, leaf);
    return r ? r : sg_billing_finish(b, ret);
}

/* 2880 x 100 Wh = 288 kWh at 0.82200: 236.736, printed 236.74. */
static void a_flat_bill_by_hand(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = NULL;
    struct sg_yaml_error why;
    struct sg_bill b;

    assert_int_equal(sg_tariff_load(&t, "apps/bill/tariffs/b1-conventional.yaml", &why), 0);
    assert_int_equal(bill_flat(t, &one_meter, 2880, 100, &b), 0);
    assert_int_equal(b.energy_wh, 288000);
    assert_int_equal(b.total, 23674);
    assert_int_equal(b.expected, 2880);
    assert_int_equal(b.billed, 2880);
    assert_int_equal(b.missing, 0);
    assert_int_equal(b.n_lines, 1);
    assert_string_equal(b.lines[0].code, "energy.all");
    assert_null(sg_bill_inconsistency(&b));
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
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = NULL;
    struct sg_yaml_error why;
    struct sg_bill b;

    assert_int_equal(sg_tariff_load(&t, "apps/bill/tariffs/b1-taxed.yaml", &why), 0);
    assert_int_equal(bill_flat(t, &one_meter, 2000, 100, &b), 0);
    assert_int_equal(b.lines[0].amount, 16440);
    assert_string_equal(b.lines[1].code, "flag.2026-09.red-1");
    assert_int_equal(b.lines[1].amount, 893);
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
    assert_null(sg_bill_inconsistency(&b));
}

/*
 * September 2026 has 22 weekdays of which the 7th is a holiday: 21 working days.  100 Wh a quarter:
 * peak 21 x 12 x 100 = 25,200 Wh; intermediate 21 x 8 x 100 = 16,800 Wh; the rest 246,000 Wh.
 */
static void a_white_bill_by_hand(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = NULL;
    struct sg_yaml_error why;
    struct sg_bill b;

    assert_int_equal(sg_tariff_load(&t, "apps/bill/tariffs/b1-white.yaml", &why), 0);
    assert_int_equal(bill_flat(t, &one_meter, 2880, 100, &b), 0);
    assert_int_equal(b.lines[0].energy_wh, 25200);
    assert_int_equal(b.lines[1].energy_wh, 16800);
    assert_int_equal(b.lines[2].energy_wh, 246000);
    assert_int_equal(b.lines[0].amount, 3729);  /* 37.28592 */
    assert_int_equal(b.lines[1].amount, 1657);  /* 16.57152 */
    assert_int_equal(b.lines[2].amount, 16177); /* 161.7696 */
    assert_int_equal(b.total, 3729 + 1657 + 16177);
}

static void a_small_bill_reaches_the_minimum(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = NULL;
    struct sg_yaml_error why;
    struct sg_bill b;

    assert_int_equal(sg_tariff_load(&t, "apps/bill/tariffs/b1-conventional.yaml", &why), 0);
    assert_int_equal(bill_flat(t, &one_meter, 2880, 10, &b), 0); /* 28.8 kWh = 23.6736 */
    assert_int_equal(b.lines[0].amount, 2367);
    assert_string_equal(b.lines[1].code, "minimum");
    assert_int_equal(b.total, 8220); /* 100 kWh */
    assert_null(sg_bill_inconsistency(&b));
}

static void the_ratio_multiplies_energy(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep)
    struct sg_tariff *t = parse(HEADER "posts: [{name: a, rate: 1}]\n");
    struct sg_bill_install install = {"1000", FROM, INT64_MAX, 40, 1};
    struct sg_bill b;

    assert_int_equal(bill_flat(t, &install, 10, 123, &b), 0);
    assert_int_equal(b.energy_wh, 49200);
    install = (struct sg_bill_install){"1000", FROM, INT64_MAX, 1, 3};
    assert_int_equal(bill_flat(t, &install, 1, 100, &b), 0);
    assert_int_equal(b.energy_wh, 33);
}

static void a_changed_meter_is_billed_for_both_parts(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep)
    struct sg_tariff *t = parse(HEADER "posts: [{name: a, rate: 1}]\n");
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    const int64_t change = FROM + 10 * 900;
    const struct sg_bill_install installs[] = {{"new", change + 900, INT64_MAX, 2, 1},
                                               {"old", 0, change, 1, 1}};
    uint8_t leaf[32] = {0};
    struct sg_bill bill;

    assert_int_equal(sg_billing_new(&b, t, 1, FROM, FROM + 20 * 900, installs, 2), 0);
    assert_int_equal(sg_billing_add(b, "old", change, 100, leaf), 0);
    assert_int_equal(sg_billing_add(b, "old", change + 900, 100, leaf), SG_BILL_FOREIGN);
    assert_int_equal(sg_billing_add(b, "new", change + 900, 100, leaf), SG_BILL_FOREIGN);
    assert_int_equal(sg_billing_add(b, "new", change + 1800, 100, leaf), 0);
    assert_int_equal(sg_billing_finish(b, &bill), 0);
    assert_int_equal(bill.energy_wh, 300);
    assert_int_equal(bill.expected, 19);
    assert_int_equal(bill.missing, 17);
    assert_string_equal(bill.meters[0].serial, "old");
    assert_string_equal(bill.meters[1].serial, "new");
}

static void what_cannot_be_billed_is_refused(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep)
    struct sg_tariff *t = parse(HEADER "posts: [{name: a, rate: 1}]\n"
                                       "flags: {2026-08: {name: x, adder: 0}}\n");
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    const struct sg_bill_install twice[] = {{"a", FROM, UNTIL, 1, 1}, {"b", FROM, UNTIL, 1, 1}};
    const struct sg_bill_install zero = {"a", FROM, UNTIL, 0, 1};
    uint8_t leaf[32] = {0};
    struct sg_bill bill;

    assert_int_equal(sg_billing_new(&b, t, 1, FROM, UNTIL, twice, 2), SG_BILL_BAD_RECORD);
    assert_int_equal(sg_billing_new(&b, t, 1, FROM, UNTIL, &zero, 1), SG_BILL_BAD_RECORD);
    assert_int_equal(sg_billing_new(&b, t, 1, UNTIL, FROM, twice, 1), SG_BILL_TOO_LONG);
    assert_int_equal(sg_billing_new(&b, t, 1, FROM, UNTIL, twice, 1), 0);
    assert_int_equal(sg_billing_add(b, "a", FROM, 1, leaf), SG_BILL_OUTSIDE);
    assert_int_equal(sg_billing_add(b, "a", UNTIL + 900, 1, leaf), SG_BILL_OUTSIDE);
    assert_int_equal(sg_billing_add(b, "a", FROM + 901, 1, leaf), SG_BILL_OUTSIDE);
    assert_int_equal(sg_billing_add(b, "a", FROM + 900, 1, leaf), 0);
    assert_int_equal(sg_billing_add(b, "a", FROM + 900, 1, leaf), SG_BILL_REPEATED);
    assert_int_equal(sg_billing_add(b, "b", FROM + 1800, 1, leaf), SG_BILL_FOREIGN);
    assert_int_equal(sg_billing_add(b, "a", FROM + 1800, INT64_MAX, leaf), SG_BILL_TOO_LONG);
    assert_int_equal(sg_billing_finish(b, &bill), SG_BILL_NO_FLAG);
}

static struct sg_bill taxed_bill(void)
{
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = NULL;
    struct sg_yaml_error why;
    struct sg_bill b;

    assert_int_equal(sg_tariff_load(&t, "apps/bill/tariffs/b1-taxed.yaml", &why), 0);
    assert_int_equal(bill_flat(t, &one_meter, 2000, 100, &b), 0);
    return b;
}

static void a_bill_is_written_and_read(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_BILL_JSON_MAX);
    struct sg_bill b = taxed_bill(), back;

    assert_int_equal(sg_bill_write(&b, &text), 0);
    assert_int_equal(sg_bill_read(sg_buf_bytes(&text), &back), 0);
    assert_null(sg_bill_difference(&b, &back));
    assert_int_equal(sg_bill_write(&back, &again), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&text), sg_buf_bytes(&again)));
}

/* Any octet of the bill object changed: never accepted as it stands. */
static void a_doctored_file_is_noticed(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_BILL_JSON_MAX);
    struct sg_bill b = taxed_bill(), back;

    assert_int_equal(sg_bill_write(&b, &text), 0);
    const uint8_t *end = memmem(text.data, text.len, ",\"trace\"", 8);
    assert_non_null(end);
    for (uint8_t *p = text.data; p < end; p++) {
        *p ^= 1;
        assert_true(sg_bill_read(sg_buf_bytes(&text), &back) > 0);
        *p ^= 1;
    }
    assert_int_equal(sg_bill_read(SG_BYTES(text.data, text.len - 2), &back), SG_BILL_MALFORMED);
    assert_int_equal(sg_bill_read(SG_BYTES_LIT("{}"), &back), SG_BILL_MALFORMED);
    /* The trace is under no hash; it must still be the bill's. */
    uint8_t *total = memmem(text.data, text.len, "\"total: ", 8);
    assert_non_null(total);
    total[8] ^= 1;
    assert_int_equal(sg_bill_read(sg_buf_bytes(&text), &back), SG_BILL_BAD_TRACE);
}

static void an_inconsistent_bill_is_named(void **state)
{
    (void)state;
    struct sg_bill good = taxed_bill(), b = good;

    assert_null(sg_bill_inconsistency(&b));
    b.lines[0].amount++;
    assert_string_equal(sg_bill_inconsistency(&b), "energy.all");
    b = good;
    b.total--;
    assert_string_equal(sg_bill_inconsistency(&b), "total");
    b = good;
    b.taxes[1].amount++;
    assert_string_equal(sg_bill_inconsistency(&b), "pis");
    b = good;
    b.missing = 0;
    assert_string_equal(sg_bill_inconsistency(&b), "readings");
    b = good;
    b.energy_wh += 1000;
    assert_string_equal(sg_bill_inconsistency(&b), "energy_wh");
    b = good;
    b.taxes[0].rate_ppm = 999999; /* a forged tax must not end the program */
    b.taxes[1].rate_ppm = 999999;
    b.taxes[1].excludes = 0;
    assert_non_null(sg_bill_inconsistency(&b));
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
