/*
 * What must hold for any load: parts make the whole, a period cut at midnight
 * makes two bills of the same energy, the order of charges changes no line, two
 * meters make what each makes, a day has as many intervals as its clock, and
 * what is too large is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test-bill.c"

#include <sealgrid/base/clock.h>

#include <stdio.h>

#define CASES 12
#define DAY   INT64_C(86400)

/* A load that is a function of the instant alone, with gaps and energy sent
 * out. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 31) * UINT64_C(0x7fb5d329728ea185);
    x = (x ^ x >> 27) * UINT64_C(0x81dadef4bc2dd44d);
    return x ^ x >> 33;
}

static bool wild(void *user, int64_t ts_s, struct sg_bill_reading *ret)
{
    uint64_t x = mix((uint64_t)ts_s * 31 + *(const uint64_t *)user);

    ret->energy_wh = (int64_t)(x % 7001) - 2000;
    ret->reactive_varh = (int64_t)(x >> 20) % 4001 - 2000;
    if (x >> 40 & 1)
        ret->reactive_varh = INT64_MIN;
    return x >> 41 & 63;
}

static int64_t midnight(const struct sg_tariff *t, int64_t day)
{
    unsigned month, mday;
    int year;

    sg_civil_from_days(day, &year, &month, &mday);
    return sg_tz_midnight(t->tz, year, month, mday);
}

static const char *const charges[] = {
    "  - {name: te, kind: energy, rates: [{from: 2015-01-01, rate: {peak: 0.5, "
    "mid: 0.4, off: "
    "0.3}},"
    " {from: 2018-11-10, rate: {peak: 0.6, mid: 0.5, off: 0.4}},"
    " {from: 2019-02-10, rate: {peak: 0.7, mid: 0.6, off: 0.5}}]}\n",
    "  - {name: out, kind: energy, of: export, rates: [{rate: {peak: -0.1, "
    "mid: -0.1, off: "
    "-0.1}}]}\n",
    "  - {name: net, kind: energy, of: net, rates: [{from: 2015-01-01, rate: "
    "0.1}, {from: "
    "2018-12-01,"
    " rate: 0.2}]}\n",
    "  - {name: tier, kind: tiers, per_days: 1, rates: [{tiers: [{up_to_kwh: "
    "40.4, rate: 0.1},"
    " {up_to_kwh: 90, rate: 0.2}, {rate: 0.3}]}]}\n",
    "  - {name: demand, kind: demand, integration_minutes: 30, rates: [{from: "
    "2015-01-01, rate: "
    "{peak: "
    "30, off: 10}}, {from: 2019-01-01, rate: {peak: 31, off: 11}}]}\n",
    "  - {name: re, kind: reactive_energy, power_factor: 0.92, "
    "capacitive_hours: \"00:30-06:30\", "
    "rates: [{from: 2015-01-01, rate: 0.3}, {from: 2018-11-20, rate: 0.4}]}\n",
    "  - {name: fee, kind: fixed, per: month, rates: [{amount: 12.34}]}\n",
};
#define N_CHARGES (sizeof(charges) / sizeof(charges[0]))
#define HEAD                                                                                       \
    TB_HEADER                                                                                      \
    "posts: [{name: peak, when: [{days: working, hours: \"18:00-21:00\"}]}, "                      \
    "{name: mid, "                                                                                 \
    "when: [{days: [working, saturday], hours: [\"00:00-01:30\", "                                 \
    "\"21:00-22:00\"]}]}, "                                                                        \
    "{name: off}]\nholidays: [01-01, 11-15, easter-47]\ncharges:\n"

static struct sg_tariff *tariff_in_order(const size_t *order)
{
    char yaml[4096];
    size_t n = (size_t)snprintf(yaml, sizeof(yaml), "%s", HEAD);

    for (size_t i = 0; i < N_CHARGES; i++)
        n += (size_t)snprintf(yaml + n, sizeof(yaml) - n, "%s", charges[order ? order[i] : i]);
    assert_true(n < sizeof(yaml));
    return tb_tariff(yaml);
}

/* Sum of the quantities of one charge's lines. */
static int64_t quantity_of(const struct sg_bill *b, const char *name)
{
    size_t len = strlen(name);
    int64_t sum = 0;

    for (size_t i = 0; i < b->n_lines; i++)
        if (!strncmp(b->lines[i].code, name, len) && strchr(".", b->lines[i].code[len]))
            sum += b->lines[i].quantity;
    return sum;
}

/* First day of the k-th case, around changes of Brazil's clocks. */
static int64_t first_day(uint64_t k)
{
    return sg_days_from_civil(k % 2 ? 2019 : 2018, k % 2 ? 2 : 11, 1) - (int64_t)(mix(k) % 20);
}

static struct sg_bill random_bill(const struct sg_tariff *t, uint64_t *seed, int64_t from_day,
                                  int64_t until_day)
{
    return tb_made(&(struct tb_case){.tariff = t,
                                     .from_s = midnight(t, from_day),
                                     .until_s = midnight(t, until_day),
                                     .fn = wild,
                                     .user = seed});
}

static void parts_make_the_whole(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = tariff_in_order(NULL);

    for (uint64_t k = 0; k < CASES; k++) {
        int64_t day = first_day(k), bucket_import = 0, bucket_export = 0;
        SG_CLEANUP(sg_bill_clear)
        struct sg_bill b = random_bill(t, &k, day, day + 20 + (int64_t)(mix(k) % 20));

        assert_int_equal(quantity_of(&b, "te"), b.import_wh);
        assert_int_equal(quantity_of(&b, "tier"), b.import_wh);
        assert_int_equal(quantity_of(&b, "out"), b.export_wh);
        assert_int_equal(quantity_of(&b, "net"), b.import_wh - b.export_wh);
        for (size_t i = 0; i < b.n_buckets; i++) {
            bucket_import += b.buckets[i].import_wh;
            bucket_export += b.buckets[i].export_wh;
        }
        assert_int_equal(bucket_import, b.import_wh);
        assert_int_equal(bucket_export, b.export_wh);
    }
}

/* Energy by post of two bills of neighbouring periods is that of one bill over
 * both. */
static void a_period_cut_at_midnight_has_the_same_energy(void **state)
{
    (void)state;
    static const char *const codes[] = {"te.peak", "te.mid", "te.off", "out", "net", "re"};
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = tariff_in_order(NULL);

    for (uint64_t k = 0; k < CASES; k++) {
        int64_t day = first_day(k), end = day + 35, cut = day + 1 + (int64_t)(mix(k + 99) % 34);
        SG_CLEANUP(sg_bill_clear)
        struct sg_bill whole = random_bill(t, &k, day, end);
        SG_CLEANUP(sg_bill_clear)
        struct sg_bill first = random_bill(t, &k, day, cut);
        SG_CLEANUP(sg_bill_clear)
        struct sg_bill second = random_bill(t, &k, cut, end);

        assert_int_equal(first.days + second.days, whole.days);
        assert_int_equal(first.expected + second.expected, whole.expected);
        assert_int_equal(first.import_wh + second.import_wh, whole.import_wh);
        for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
            int64_t parts = quantity_of(&first, codes[i]) + quantity_of(&second, codes[i]);
            int64_t off = parts - quantity_of(&whole, codes[i]);
            /* Reactive energy is rounded to Wh a piece. */
            assert_true(strcmp(codes[i], "re") ? off == 0 : off >= -3 && off <= 3);
        }
    }
}

static const struct sg_bill_line *same_line(const struct sg_bill *b, const struct sg_bill_line *of)
{
    for (size_t i = 0; i < b->n_lines; i++)
        if (!strcmp(b->lines[i].code, of->code) && b->lines[i].from_day == of->from_day)
            return &b->lines[i];
    fail_msg("no line %s", of->code);
    return NULL;
}

static void the_order_of_charges_changes_no_line(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = tariff_in_order(NULL);

    for (uint64_t k = 0; k < CASES; k++) {
        size_t order[N_CHARGES];
        for (size_t i = 0; i < N_CHARGES; i++) {
            size_t at = mix(k * 64 + i) % (i + 1);
            order[i] = order[at];
            order[at] = i;
        }
        SG_CLEANUP(sg_tariff_freep)
        struct sg_tariff *other = tariff_in_order(order);
        SG_CLEANUP(sg_bill_clear)
        struct sg_bill a = random_bill(t, &k, first_day(k), first_day(k) + 30);
        SG_CLEANUP(sg_bill_clear)
        struct sg_bill b = random_bill(other, &k, first_day(k), first_day(k) + 30);

        assert_int_equal(a.n_lines, b.n_lines);
        assert_int_equal(a.total, b.total);
        for (size_t i = 0; i < a.n_lines; i++) {
            const struct sg_bill_line *line = same_line(&b, &a.lines[i]);
            assert_int_equal(line->quantity, a.lines[i].quantity);
            assert_int_equal(line->amount, a.lines[i].amount);
        }
    }
}

/* ---- two meters
 * ----------------------------------------------------------------------------
 */

struct exchange {
    uint64_t seed;
    int64_t at_s;
};

static bool exchanged(void *user, int64_t ts_s, struct sg_bill_reading *ret)
{
    struct exchange *x = user;

    ret->serial = ts_s > x->at_s ? "new" : "old";
    return wild(&x->seed, ts_s, ret);
}

static bool until_exchange(void *user, int64_t ts_s, struct sg_bill_reading *ret)
{
    return ts_s <= ((struct exchange *)user)->at_s && exchanged(user, ts_s, ret);
}

static bool from_exchange(void *user, int64_t ts_s, struct sg_bill_reading *ret)
{
    return ts_s > ((struct exchange *)user)->at_s && exchanged(user, ts_s, ret);
}

/* Energy is rounded per meter: the bill of both is the bills of each. */
static void two_meters_make_what_each_makes(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = tariff_in_order(NULL);

    for (uint64_t k = 0; k < CASES; k++) {
        int64_t day = first_day(k);
        struct exchange x = {k, midnight(t, day + 7) + 900 * (int64_t)(mix(k) % 96)};
        const struct sg_bill_install installs[] = {
            {"old", 0, x.at_s, 1 + (int64_t)(k % 7), 3, NULL},
            {"new", x.at_s, INT64_MAX, 7, 2, NULL}};
        struct tb_case c = {.tariff = t,
                            .from_s = midnight(t, day),
                            .until_s = midnight(t, day + 30),
                            .installs = installs,
                            .n_installs = 2,
                            .fn = exchanged,
                            .user = &x};
        SG_CLEANUP(sg_bill_clear) struct sg_bill both = tb_made(&c);
        c.fn = until_exchange;
        SG_CLEANUP(sg_bill_clear) struct sg_bill old = tb_made(&c);
        c.fn = from_exchange;
        SG_CLEANUP(sg_bill_clear) struct sg_bill new = tb_made(&c);

        assert_int_equal(both.n_meters, 2);
        assert_int_equal(both.import_wh, old.import_wh + new.import_wh);
        for (size_t i = 0; i < both.n_lines; i++)
            if (!strncmp(both.lines[i].code, "te.", 3))
                assert_int_equal(both.lines[i].quantity,
                                 same_line(&old, &both.lines[i])->quantity +
                                     same_line(&new, &both.lines[i])->quantity);
    }
}

/* ---- days
 * ----------------------------------------------------------------------------------
 */

static void a_day_has_the_intervals_of_its_clock(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int year;
        unsigned month, day;
        uint64_t intervals;
    } days[] = {
        {"America/Sao_Paulo", 2018, 11, 3, 96},  {"America/Sao_Paulo", 2018, 11, 4, 92},
        {"America/Sao_Paulo", 2019, 2, 16, 100}, {"America/Sao_Paulo", 2019, 2, 17, 96},
        {"Europe/London", 2026, 3, 29, 92},      {"Europe/London", 2026, 10, 25, 100},
        {"America/New_York", 2026, 11, 1, 100},  {"Asia/Kolkata", 2026, 11, 1, 96},
        {"Australia/Lord_Howe", 2026, 4, 5, 98}, {"Asia/Kathmandu", 2026, 4, 5, 96},
    };

    for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
        char yaml[512];
        snprintf(yaml, sizeof(yaml),
                 "format: 2\nid: t\ncurrency: XXX\ndecimals: 2\nzone: "
                 "%s\ninterval_minutes: 15\n"
                 "rounding: half-up\nposts: [{name: all}]\ncharges: [{name: d, "
                 "kind: fixed, per: day,"
                 " rates: [{amount: 1}]}, {name: e, kind: energy, rates: [{rate: "
                 "1}]}]\n",
                 days[i].zone);
        SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = tb_tariff(yaml);
        int64_t day = sg_days_from_civil(days[i].year, days[i].month, days[i].day), wh = 1000;
        SG_CLEANUP(sg_bill_clear)
        struct sg_bill b = tb_made(&(struct tb_case){.tariff = t,
                                                     .from_s = midnight(t, day),
                                                     .until_s = midnight(t, day + 1),
                                                     .fn = tb_flat,
                                                     .user = &wh});
        assert_int_equal(b.expected, days[i].intervals);
        assert_int_equal(b.billed, days[i].intervals);
        assert_int_equal(b.days, 1);
        tb_expect(&b, "d", 1, 100);
        tb_expect(&b, "e", 1000 * (int64_t)days[i].intervals, 100 * (int64_t)days[i].intervals);
    }
}

/* ---- extremes
 * ------------------------------------------------------------------------------
 */

static void what_is_too_large_is_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t wh, num, den;
        const char *rate;
        int want;
    } extremes[] = {
        {1000000000, 1, 1, "1", 0}, /* 2,880 GWh */
        {1000000000, 300, 1, "0.01", 0},
        {1000000000, 1000, 1, "0.000001", SG_BILL_TOO_LARGE}, /* 2.9e15 Wh */
        {1000000000, 1000000, 1, "0", SG_BILL_TOO_LARGE},
        {-1000000000, 1000000, 1, "0", SG_BILL_TOO_LARGE},
        {1000000000, 1000000, 1000000, "1000", 0},
        {1000000000, 1, 1, "1000000", SG_BILL_TOO_LARGE}, /* 2.9e15 currency */
        {1000000000, 1, 1, "-1000000", SG_BILL_TOO_LARGE},
        {1, 1, 1000000, "1000000", 0},
    };

    for (size_t i = 0; i < sizeof(extremes) / sizeof(extremes[0]); i++) {
        char yaml[1024];
        snprintf(yaml, sizeof(yaml),
                 TB_HEADER "posts: [{name: all}]\ncharges: [{name: e, kind: "
                           "energy, of: net, rates: "
                           "[{rate: %s}]}, {name: d, kind: demand, "
                           "integration_minutes: 60, rates: "
                           "[{rate: 0}]}]\n",
                 extremes[i].rate);
        SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = tb_tariff(yaml);
        const struct sg_bill_install install = {"1000",          0,   INT64_MAX, extremes[i].num,
                                                extremes[i].den, NULL};
        int64_t wh = extremes[i].wh;
        SG_CLEANUP(sg_bill_clear) struct sg_bill b = {.client = 0};
        int r = tb_bill(
            &(struct tb_case){
                .tariff = t, .installs = &install, .n_installs = 1, .fn = tb_flat, .user = &wh},
            &b);
        if (r != extremes[i].want)
            fail_msg("%zu: %s", i, sg_bill_outcome_word(r));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_make_the_whole),
        cmocka_unit_test(a_period_cut_at_midnight_has_the_same_energy),
        cmocka_unit_test(the_order_of_charges_changes_no_line),
        cmocka_unit_test(two_meters_make_what_each_makes),
        cmocka_unit_test(a_day_has_the_intervals_of_its_clock),
        cmocka_unit_test(what_is_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
