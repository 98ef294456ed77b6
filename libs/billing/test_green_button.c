#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "green-button-int.h"
#include "test-bill.c"

#include <sealgrid/base/clock.h>
#include <sealgrid/billing/bill-csv.h>

#include <stdio.h>

static void names_are_uuids_of_version_5(void **state)
{
    char uuid[GB_UUID_LEN + 1];

    (void)state;
    /* python3: uuid.uuid5(uuid.NAMESPACE_URL, ...) */
    sg_gb_uuid(uuid, "http://www.example.com/");
    assert_string_equal(uuid, "fcde3c85-2270-590f-9e7c-ee003d65e0e2");
    sg_gb_uuid(uuid, "sealgrid:client/3000000001");
    assert_string_equal(uuid, "32e6d28a-8d4b-5f3d-9f92-c2e794bcbb18");
}

static struct sg_green_button_time at(const char *zone, const char *when)
{
    SG_CLEANUP(sg_tz_freep) struct sg_tz *tz = NULL;
    int64_t unix_s;

    assert_int_equal(sg_tz_load(&tz, zone), 0);
    assert_int_equal(sg_time_parse(when, &unix_s), 0);
    return sg_green_button_time_of(tz, unix_s);
}

static void expect(struct sg_green_button_time t, int32_t east_s, int32_t dst_s, uint32_t start,
                   uint32_t end)
{
    assert_int_equal(t.east_s, east_s);
    assert_int_equal(t.dst_s, dst_s);
    assert_int_equal(t.start, start);
    assert_int_equal(t.end, end);
}

static void rules_of_daylight_saving(void **state)
{
    (void)state;
    /* The United States as the published sample feeds have them: second Sunday of March and first
     * of November, 02:00 on the clock. */
    expect(at("America/New_York", "2026-07-01T00:00:00Z"), -18000, 3600, 0x360E2000, 0xB40E2000);
    /* Last Sundays of March, 01:00, and October, 02:00. */
    expect(at("Europe/London", "2026-01-15T00:00:00Z"), 0, 3600, 0x3E0E1000, 0xAE0E2000);
    /* The south: first Sunday of October 02:00 to first of April 03:00. */
    expect(at("Australia/Sydney", "2026-01-15T00:00:00Z"), 36000, 3600, 0xA40E2000, 0x440E3000);
    /* Half an hour: first Sundays of October and April, 02:00. */
    expect(at("Australia/Lord_Howe", "2026-01-15T00:00:00Z"), 37800, 1800, 0xA40E2000, 0x440E2000);
    expect(at("America/Sao_Paulo", "2026-01-15T00:00:00Z"), -10800, 0, 0xFFFFFFFF, 0xFFFFFFFF);
}

/* Brazil's last summer time ended on 2019-02-17 and none began: from the first day of the year. */
static void a_year_with_one_change(void **state)
{
    (void)state;
    struct sg_green_button_time t = at("America/Sao_Paulo", "2019-02-01T12:00:00Z");
    assert_int_equal(t.east_s, -10800);
    assert_int_equal(t.dst_s, 3600);
    assert_int_equal(t.start, 1u << 28 | 1u << 20);
    assert_int_equal(t.end >> 28, 2); /* February, at 00:00 of the 17th */
    assert_int_equal(t.end & 0x1ffff, 0);
}

struct made {
    struct sg_tariff *tariff;
    struct sg_bill bill;
    struct sg_bill_reading readings[2880];
};

static bool plain(void *user, int64_t ts_s, struct sg_bill_reading *ret)
{
    struct made *m = user;
    size_t i = (size_t)((ts_s - TB_FROM) / 900 - 1);

    ret->energy_wh = i % 5 == 4 ? -40 : 100;
    ret->reactive_varh = INT64_MIN;
    m->readings[i] = *ret;
    m->readings[i].ts_s = ts_s;
    m->readings[i].serial = "1000";
    return true;
}

static const struct sg_bill_intervals *make(struct made *m, const char *rate, int64_t ratio_num,
                                            int64_t ratio_den)
{
    static struct sg_bill_intervals in;
    const struct sg_bill_install install = {"1000",    INT64_MIN, INT64_MAX,
                                            ratio_num, ratio_den, NULL};
    char yaml[512];

    snprintf(yaml, sizeof(yaml),
             TB_HEADER "posts:\n  - {name: all}\ncharges:\n"
                       "  - {name: energy, kind: energy, rates: [{rate: %s}]}\n",
             rate);
    m->tariff = tb_tariff(yaml);
    m->bill = tb_made(&(struct tb_case){
        .tariff = m->tariff, .installs = &install, .n_installs = 1, .fn = plain, .user = m});
    in = (struct sg_bill_intervals){
        .bill = &m->bill, .tariff = m->tariff, .readings = m->readings, .n_readings = 2880};
    return &in;
}

static void unmake(struct made *m)
{
    sg_tariff_free(m->tariff);
    sg_bill_clear(&m->bill);
}

static size_t count(const struct sg_buf *b, const char *what)
{
    size_t n = 0;

    for (const char *at = (const char *)b->data; (at = strstr(at, what)); at++)
        n++;
    return n;
}

static void a_feed_has_every_interval_and_the_total(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf xml = SG_BUF_INIT(SG_GREEN_BUTTON_MAX);
    static struct made m;
    char want[80];

    (void)state;
    const struct sg_bill_intervals *in = make(&m, "0.50000", 20, 1);
    assert_int_equal(sg_green_button_write(in, &xml), 0);
    assert_int_equal(sg_buf_append_u8(&xml, 0), 0);
    /* 2304 of 100 Wh taken and 576 of 40 Wh sent out, by 20. */
    assert_int_equal(count(&xml, "<value>2000</value>"), 2304);
    assert_int_equal(count(&xml, "<value>800</value>"), 576);
    assert_int_equal(count(&xml, "<IntervalBlock "), 60);
    assert_int_equal(m.bill.total, 230400);
    snprintf(want, sizeof(want), "<billLastPeriod>%lld</billLastPeriod>", 230400000LL);
    assert_int_equal(count(&xml, want), 1);
    assert_int_equal(count(&xml, "<unitCost>50000</unitCost>"), 1);
    unmake(&m);
}

static void a_price_of_six_decimals_is_left_out(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf xml = SG_BUF_INIT(SG_GREEN_BUTTON_MAX);
    static struct made m;

    (void)state;
    assert_int_equal(sg_green_button_write(make(&m, "0.500001", 1, 1), &xml), 0);
    assert_int_equal(sg_buf_append_u8(&xml, 0), 0);
    assert_int_equal(count(&xml, "<unitCost>"), 0);
    unmake(&m);
}

static void what_48_bits_cannot_hold_is_refused(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf xml = SG_BUF_INIT(SG_GREEN_BUTTON_MAX);
    static struct made m;
    struct sg_bill_intervals in = *make(&m, "0.50", 1, 1);

    (void)state;
    m.bill.total = INT64_C(140737488355); /* cents: 1.4e14 of 1e-5, the last that fits */
    assert_int_equal(sg_green_button_write(&in, &xml), 0);
    m.bill.total++;
    assert_int_equal(sg_green_button_write(&in, &xml), SG_GREEN_BUTTON_TOO_LARGE);
    m.bill.total = 0;
    m.readings[0].energy_wh = INT64_C(140737488355328);
    assert_int_equal(sg_green_button_write(&in, &xml), SG_GREEN_BUTTON_TOO_LARGE);
    unmake(&m);
}

static void a_table_refuses_a_serial_that_would_end_a_field(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf csv = SG_BUF_INIT(SG_BILL_CSV_MAX);
    static const char *const bad[] = {"1,2", "\"1\"", "1\n", "=1+1", "-1"};
    static struct made m;
    struct sg_bill_intervals in = *make(&m, "0.50", 1, 1);

    (void)state;
    assert_int_equal(sg_bill_csv_write(&in, &csv), 0);
    assert_int_equal(sg_buf_append_u8(&csv, 0), 0);
    assert_int_equal(count(&csv, "\n"), 2881);
    assert_non_null(strstr((const char *)csv.data, "2026-09-01T03:00:00Z,2026-09-01T00:00:00-03:00,"
                                                   "all,1000,100,0,,signed,\n"));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(m.bill.meters[0].serial, sizeof(m.bill.meters[0].serial), "%s", bad[i]);
        assert_int_equal(sg_bill_csv_write(&in, &csv), SG_BILL_CSV_SERIAL);
    }
    unmake(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_uuids_of_version_5),
        cmocka_unit_test(rules_of_daylight_saving),
        cmocka_unit_test(a_year_with_one_change),
        cmocka_unit_test(a_feed_has_every_interval_and_the_total),
        cmocka_unit_test(a_price_of_six_decimals_is_left_out),
        cmocka_unit_test(what_48_bits_cannot_hold_is_refused),
        cmocka_unit_test(a_table_refuses_a_serial_that_would_end_a_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
