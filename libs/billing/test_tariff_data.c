/* Ready tariffs against the data that their `source` names (../shared/data), and bills over a whole
 * published year of dynamic prices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/file.h>
#include <sealgrid/billing/bill.h>
#include <sealgrid/crypto/hash.h>
#include <sealgrid/meter/gz.h>

#include <stdio.h>

static bool published(const char *name, struct sg_buf *ret)
{
    SG_CLEANUP(sg_gz_closep) struct sg_gz *gz = NULL;
    char path[128];
    size_t n = 1;

    snprintf(path, sizeof(path), "../shared/data/%s", name);
    if (sg_gz_open(&gz, path)) {
        print_message("skipped: no %s\n", path);
        return false;
    }
    while (n) {
        uint8_t *to = NULL;
        assert_int_equal(sg_buf_extend(ret, 65536, &to), 0);
        assert_int_equal(sg_gz_read(gz, (char *)to, 65536, &n), 0);
        ret->len -= 65536 - n;
    }
    assert_int_equal(sg_buf_append_u8(ret, 0), 0);
    return true;
}

static struct sg_tariff *ready(const char *name)
{
    struct sg_tariff *t = NULL;
    struct sg_yaml_error why = {0, ""};
    char path[128];

    snprintf(path, sizeof(path), "apps/bill/tariffs/%s.yaml", name);
    if (sg_tariff_load(&t, path, &why))
        fail_msg("%s:%u: %s", path, why.line, why.text);
    return t;
}

static int64_t day_of(const char *text)
{
    char stamp[40];
    int64_t s = 0;

    snprintf(stamp, sizeof(stamp), "%.10sT00:00:00Z", text);
    assert_int_equal(sg_time_parse(stamp, &s), 0);
    return s / 86400;
}

/* "343.37" per MWh as 1e-9 per kWh. */
static int64_t rate_of(const char *per_mwh)
{
    char number[16];
    int64_t v = 0;

    assert_int_equal(sscanf(per_mwh, "%15[0-9.]", number), 1);
    assert_int_equal(sg_decimal_parse(number, 6, &v), 0);
    return v;
}

static void check_piece(const struct sg_tariff_charge *c, int64_t day, int64_t rate)
{
    size_t piece = sg_charge_piece_at(c, day);

    assert_true(piece != SG_CHARGE_NO_PIECE);
    assert_int_equal(c->pieces[piece].from_day, day);
    assert_int_equal(c->pieces[piece].rate[0], rate);
}

/* from,until,TE,TUSD,total,change, the latest first. */
static void history_of_ceee_d(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf csv = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *apart = ready("b1-te-tusd");
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *one = ready("b1-conventional");
    size_t rows = 0;

    if (!published("aneel_ceee_d_b1_history.csv", &csv))
        skip();
    for (char *line = strchr((char *)csv.data, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
        char te[16], tusd[16], total[16];
        assert_int_equal(sscanf(line + 22, "%15[^,],%15[^,],%15[^,],", te, tusd, total), 3);
        check_piece(&apart->charges[0], day_of(line), rate_of(te));
        check_piece(&apart->charges[1], day_of(line), rate_of(tusd));
        check_piece(&one->charges[0], day_of(line), rate_of(total));
        rows++;
    }
    assert_int_equal(rows, 20);
    assert_int_equal(apart->charges[0].n_pieces, rows);
    assert_int_equal(one->charges[0].n_pieces, rows);
}

static void rates_of_enel_ce(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf csv = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = ready("b1-bands");
    char te[16], tusd[16];

    if (!published("aneel_tarifafornecimentoresidencial.csv", &csv))
        skip();
    const char *at = strstr((char *)csv.data, ",22/04/2018,RESOLUÇÃO HOMOLOGATÓRIA Nº 2.383");
    assert_non_null(at);
    at = strstr(at, "2018,");            /* of the day */
    at = strstr(at + 5, "DE 2018,") + 8; /* of the resolution */
    assert_int_equal(sscanf(at, "%15[^,],%15[^,],", te, tusd), 2);
    check_piece(&t->charges[0], day_of("2018-04-22"), rate_of(te));
    check_piece(&t->charges[1], day_of("2018-04-22"), rate_of(tusd));
}

/* class,region,rate,month,year: of the month before the piece begins. */
static void means_of_commerce_in_the_south(void **state)
{
    (void)state;
    static const struct {
        const char *row, *from;
    } cases[] = {
        {"Comercial e Serviços e Outras,Sul,419.91,3,2017,", "2017-04-01"},
        {"Comercial e  Serviços e Outras,Sul,424.47,6,2017,", "2017-07-01"},
        {"Comercial e  Serviços e Outras,Sul,455.18,9,2017,", "2017-10-01"},
        {"Comercial e  Serviços e Outras,Sul,470.12,12,2017,", "2018-01-01"},
        {"Comercial e  Serviços e Outras,Sul,444.18,3,2018,", "2018-04-01"},
    };
    SG_CLEANUP(sg_buf_clear) struct sg_buf csv = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = ready("b3-commercial");

    if (!published("aneel_tarifamediafornecimento.csv", &csv))
        skip();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *at = strstr((char *)csv.data, cases[i].row);
        assert_non_null(at);
        check_piece(&t->charges[0], day_of(cases[i].from), rate_of(strstr(at, "Sul,") + 4));
    }
}

/* ---- a year of a published series ---------------------------------------------------------- */

struct folder {
    struct sg_buf csv; /* in our form */
};

static int fetch(void *user, const char *name, struct sg_buf *ret)
{
    struct folder *f = user;
    return strcmp(name, "s.csv") ? -ENOENT : sg_buf_append(ret, sg_buf_bytes(&f->csv));
}

/* Lines "2013-01-01 00:30:00,Value" brought into our form. */
static void convert(const struct sg_buf *csv, struct sg_buf *ret)
{
    for (const char *at = strchr((char *)csv->data, '\n') + 1; *at; at = strchr(at, '\n') + 1) {
        char word[16] = "";
        memcpy(word, at + 20, strcspn(at + 20, "\r\n") % sizeof(word));
        for (char *c = word; *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        assert_int_equal(sg_buf_printf(ret, "%.10sT%.8sZ,%s\n", at, at + 11, word), 0);
    }
}

static struct sg_tariff *with_series(struct folder *f, const char *before, const char *after)
{
    struct sg_tariff *t = NULL;
    struct sg_yaml_error why = {0, ""};
    const struct sg_tariff_reading how = {.fetch = fetch, .user = f};
    uint8_t hash[32];
    char hex[65], text[1500];

    sg_sha256(hash, sg_buf_bytes(&f->csv));
    sg_hex(hex, hash, 32);
    snprintf(text, sizeof(text), "%s%s%s", before, hex, after);
    if (sg_tariff_read(&t, sg_bytes_str(text), &how, &why))
        fail_msg("%u: %s", why.line, why.text);
    return t;
}

static void bill_of(const struct sg_tariff *t, const char *from, const char *until, int64_t wh,
                    struct sg_bill *ret)
{
    static const struct sg_bill_install install = {"1", INT64_MIN, INT64_MAX, 1, 1, NULL};
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    struct sg_bill_input in = {.tariff = t, .client = 1, .installs = &install, .n_installs = 1};
    int r;

    assert_int_equal(sg_time_parse(from, &in.from_s), 0);
    assert_int_equal(sg_time_parse(until, &in.until_s), 0);
    r = sg_billing_new(&b, &in);
    for (int64_t s = in.from_s + t->interval_s; s <= in.until_s && !r; s += t->interval_s) {
        const struct sg_bill_reading reading = {
            .serial = "1", .ts_s = s, .energy_wh = wh, .reactive_varh = INT64_MIN};
        r = sg_billing_add(b, &reading);
    }
    if (!r)
        r = sg_billing_finish(b, ret);
    if (r)
        fail_msg("%s", r > 0 ? sg_bill_outcome_word(r) : sg_error_trace());
}

/*
 * 2013 at 250 Wh a half-hour, by the published numbers of half-hours:
 *   normal 15,072 x 0.25 = 3768 kWh x 0.1176 = 443.1168; low 1,660: 415 x 0.0399 = 16.5585;
 *   high 788: 197 x 0.6720 = 132.384; together 592.06, VAT 29.603; the flat tariff has
 *   4380 x 0.14228 = 623.1864.
 */
static void a_year_of_londons_dynamic_tariff(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf csv = SG_BUF_INIT(4 << 20);
    struct folder folder = {SG_BUF_INIT(4 << 20)};
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {0}, flat = {0};

    if (!published("lcl_dtou_tariff_2013_halfhourly.csv.gz", &csv))
        skip();
    convert(&csv, &folder.csv);
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *flat_tariff = ready("gb-flat");
    SG_CLEANUP(sg_tariff_freep)
    struct sg_tariff *t =
        with_series(&folder,
                    "format: 2\nid: t\ncurrency: GBP\ndecimals: 2\nzone: Europe/London\n"
                    "interval_minutes: 30\nrounding: half-even\n"
                    "posts: [{name: normal}, {name: low}, {name: high}]\n"
                    "schedule: {file: s.csv, sha256: ",
                    ", step_minutes: 30}\n"
                    "charges: [{name: energy, kind: energy, rates: [{rate: {normal: 0.1176, low: "
                    "0.0399, high: 0.6720}}]}]\n"
                    "taxes: [{name: vat, on_top: true, rates: [{percent: 5}]}]\n");
    bill_of(t, "2013-01-01T00:00:00Z", "2014-01-01T00:00:00Z", 250, &bill);
    assert_int_equal(bill.days, 365);
    assert_int_equal(bill.lines[0].quantity, 3768000);
    assert_int_equal(bill.lines[0].amount, 44312);
    assert_int_equal(bill.lines[1].amount, 1656);
    assert_int_equal(bill.lines[2].amount, 13238);
    assert_int_equal(bill.net, 59206);
    assert_int_equal(bill.total, 59206 + 2960);
    bill_of(flat_tariff, "2013-01-01T00:00:00Z", "2014-01-01T00:00:00Z", 250, &flat);
    assert_int_equal(flat.net, 62319);
    sg_buf_clear(&folder.csv);
}

/* 2020, of whose hours some have prices below zero: one kWh an hour is the sum of the prices. */
static void a_year_of_negative_prices(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf csv = SG_BUF_INIT(4 << 20);
    struct folder folder = {SG_BUF_INIT(4 << 20)};
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {0};
    int64_t sum = 0;
    size_t negative = 0;

    if (!published("agile_octopus_import_regA_hourly_2019_2023.csv.gz", &csv))
        skip();
    convert(&csv, &folder.csv);
    for (const char *at = strstr((char *)csv.data, "\n2020-01-01 00:00:00,") + 1;
         !strncmp(at, "2020", 4); at = strchr(at, '\n') + 1) {
        char price[16];
        int64_t v = 0;
        size_t len = strcspn(at + 20, "\r\n") % sizeof(price);
        memcpy(price, at + 20, len);
        price[len] = '\0';
        assert_int_equal(sg_decimal_parse(price, 4, &v), 0);
        negative += v < 0;
        sum += v;
    }
    SG_CLEANUP(sg_tariff_freep)
    struct sg_tariff *t =
        with_series(&folder,
                    "format: 2\nid: t\ncurrency: GBP\ndecimals: 4\nzone: Europe/London\n"
                    "interval_minutes: 60\nrounding: half-even\nposts: [{name: all}]\n"
                    "charges: [{name: energy, kind: dynamic, prices: {file: s.csv, sha256: ",
                    ", step_minutes: 60}}]\n");
    bill_of(t, "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z", 1000, &bill);
    assert_true(negative > 0);
    assert_int_equal(bill.expected, 366 * 24);
    assert_int_equal(bill.net, sum);
    sg_buf_clear(&folder.csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(history_of_ceee_d),
        cmocka_unit_test(rates_of_enel_ce),
        cmocka_unit_test(means_of_commerce_in_the_south),
        cmocka_unit_test(a_year_of_londons_dynamic_tariff),
        cmocka_unit_test(a_year_of_negative_prices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
