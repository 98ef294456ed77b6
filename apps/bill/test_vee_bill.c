/*
 * The steel site and the HUE house of the shared data, from the foreign file to the bill.  Totals
 * were worked out by a program in another language, from the files and the documentation alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "source.h"
#include "vee.h"

#include <stdio.h>

#define FILE_MAX (16u << 20)

struct site {
    struct client client;
    struct sg_tariff *tariff;
    struct sg_contracts contracts;
    struct sg_vee_rules *rules;
};

static void clear(struct site *s)
{
    client_clear(&s->client);
    sg_tariff_free(s->tariff);
    sg_contracts_clear(&s->contracts);
    sg_vee_rules_free(s->rules);
}

static void load(struct site *s, const char *tariff, const char *rules)
{
    struct sg_yaml_error why = {0, ""};

    *s = (struct site){.tariff = NULL};
    assert_int_equal(sg_tariff_load(&s->tariff, tariff, &why), 0);
    assert_int_equal(sg_contracts_load(&s->contracts, "tests/vee/contracts.yaml", &why), 0);
    assert_int_equal(sg_vee_rules_load(&s->rules, rules, &why), 0);
}

/* As `import` and the bill's --input do it, without a file between. */
static void read_site(struct site *s, const char *preset, const char *file, int64_t client)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf raw = SG_BUF_INIT(FILE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf csv = SG_BUF_INIT(FILE_MAX);
    struct sg_import_result in = {.rows = NULL};
    const char *folder = getenv("SEALGRID_DATA");
    struct sg_import_format format;
    int64_t from_s, until_s;
    bool is_signed;
    char path[512], why[160];

    snprintf(path, sizeof(path), "%s/%s", folder ? folder : "../shared/data", file);
    if (access(path, R_OK) != 0) {
        printf("skipped: %s is not there\n", path);
        clear(s);
        skip();
    }
    assert_int_equal(vee_read_file(path, &raw), 0);
    assert_true(sg_import_preset(preset, &format));
    format.repeats_once = true;
    assert_int_equal(sg_import_csv(&format, sg_buf_bytes(&raw), NULL, NULL, &in, why), 0);
    for (size_t i = 0; i < in.n; i++)
        snprintf(in.rows[i].serial, sizeof(in.rows[i].serial), "SITE");
    assert_int_equal(sg_vee_csv_write(in.rows, in.n, client, format.interval_s, &csv), 0);
    sg_import_clear(&in);
    assert_int_equal(
        source_file(&s->client, sg_buf_bytes(&csv), &is_signed, &from_s, &until_s, why), 0);
    assert_false(is_signed);
    const struct client_install install = {.serial = "SITE",
                                           .from_s = INT64_MIN,
                                           .until_s = INT64_MAX,
                                           .ratio_num = 1,
                                           .ratio_den = 1};
    assert_int_equal(client_add_install(&s->client, &install), 0);
}

static struct sg_bill bill_month(struct site *s, int year, unsigned month)
{
    const struct terms terms = {
        .tariff = s->tariff,
        .contracts = &s->contracts,
        .from_s = sg_tz_midnight(s->tariff->tz, year, month, 1),
        .until_s = sg_tz_midnight(s->tariff->tz, year + (month == 12), month % 12 + 1, 1),
        .rules = s->rules};
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(FILE_MAX);
    struct sg_bill bill = {.client = 0};
    struct refusal why;

    if (issue(&s->client, &terms, &bill, &evidence, &why))
        fail_msg("%d-%02u: %s", year, month, why.word);
    assert_null(sg_bill_inconsistency(&bill));
    return bill;
}

/* Six months under a demand tariff with reactive energy by the hour, 550 kW contracted. */
static void t_steel(void **state)
{
    static const struct {
        int64_t wh, measured_w, total;
    } right[] = {{126238290, 612560, 10419054}, {91497340, 582040, 7801368},
                 {80230410, 605240, 6983754},   {78769800, 556120, 6924747},
                 {79059280, 560160, 7238721},   {65404640, 535400, 6373592}};
    struct site s;

    (void)state;
    load(&s, "tests/vee/plant-green.yaml", "apps/bill/vee/plant-kr.yaml");
    read_site(&s, "steel", "steel_15min_2018H1.csv.gz", 78);
    for (unsigned m = 0; m < 6; m++) {
        SG_CLEANUP(sg_bill_clear) struct sg_bill bill = bill_month(&s, 2018, m + 1);
        assert_int_equal(bill.import_wh, right[m].wh);
        assert_int_equal(bill.total, right[m].total);
        assert_int_equal(bill.missing + bill.estimated, 0);
        bool excess = false;
        for (size_t i = 0; i < bill.n_lines; i++)
            excess |= !strcmp(bill.lines[i].code, "demand.excess");
        assert_int_equal(excess, right[m].measured_w * 100 > 550000 * 105);
    }
    clear(&s);
}

/* 40 months under steps and hours, three changes of the clocks each way, 26 hours estimated. */
static void t_hue(void **state)
{
    uint64_t billed = 0, estimated = 0, changed = 0;
    int64_t total = 0;
    struct site s;

    (void)state;
    load(&s, "tests/vee/house-bc.yaml", "apps/bill/vee/house-bc.yaml");
    read_site(&s, "hue", "hue_residential1_hourly.csv.gz", 77);
    for (int m = 2012 * 12 + 5; m < 2015 * 12 + 9; m++) {
        SG_CLEANUP(sg_bill_clear)
        struct sg_bill bill = bill_month(&s, m / 12, (unsigned)(m % 12) + 1);
        billed += bill.billed;
        estimated += bill.estimated;
        changed += bill.expected != 24u * (uint64_t)bill.days;
        total += bill.total;
        assert_int_equal(bill.missing, 0);
        assert_int_equal(bill.has_estimates_hash, bill.estimated > 0);
        for (size_t i = 0; i < bill.n_estimates; i++)
            assert_string_equal(bill.estimates[i].rule, "short-gap");
    }
    assert_int_equal(estimated, 25); /* the last one lies in October 2015 */
    assert_int_equal(billed + estimated, 29208);
    assert_int_equal(changed, 6);
    assert_int_equal(total, 341344);
    clear(&s);
}

/* The same house told twice of one hour: no bill, rather than a choice that nobody made. */
static void t_hue_repeat(void **state)
{
    struct site s;

    (void)state;
    load(&s, "tests/vee/house-bc.yaml", "apps/bill/vee/house-bc.yaml");
    read_site(&s, "hue", "hue_residential1_hourly.csv.gz", 77);
    struct sg_row_reading *row;
    assert_int_equal(client_add_row(&s.client, &row), 0);
    memmove(&s.client.rows[101], &s.client.rows[100],
            (s.client.n_rows - 101) * sizeof(*s.client.rows));
    const struct terms terms = {.tariff = s.tariff,
                                .contracts = &s.contracts,
                                .from_s = sg_tz_midnight(s.tariff->tz, 2012, 6, 1),
                                .until_s = sg_tz_midnight(s.tariff->tz, 2012, 7, 1)};
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(FILE_MAX);
    struct sg_bill bill;
    struct refusal why;
    assert_int_equal(issue(&s.client, &terms, &bill, &evidence, &why), ISSUE_REFUSED);
    assert_string_equal(why.word, "reading.duplicated");
    clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(t_steel), cmocka_unit_test(t_hue),
                                       cmocka_unit_test(t_hue_repeat)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
