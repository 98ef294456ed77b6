#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bill-page-int.h"

#include <stdio.h>

#define FROM  1788231600 /* 2026-09-01T00:00 in Sao Paulo */
#define UNTIL (FROM + 30 * 86400)

struct made {
    struct sg_tariff *tariff;
    struct sg_bill bill;
    struct sg_bill_load load;
};

/* 100 Wh every quarter of an hour of September under the tariff with everything. */
static void make(struct made *m, const char *tariff, const char *serial)
{
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    const struct sg_bill_install install = {serial, FROM - 900, INT64_MAX, 1, 1, NULL};
    const uint8_t leaf[32] = {1};
    struct sg_yaml_error why;
    assert_int_equal(sg_tariff_load(&m->tariff, tariff, &why), 0);
    const struct sg_bill_input in = {.tariff = m->tariff,
                                     .client = 3000000001,
                                     .from_s = FROM,
                                     .until_s = UNTIL,
                                     .installs = &install,
                                     .n_installs = 1};
    assert_int_equal(sg_billing_new(&b, &in), 0);
    sg_bill_load_init(&m->load, m->tariff);
    for (int64_t ts = FROM + 900; ts <= UNTIL; ts += 900) {
        const struct sg_bill_reading reading = {.serial = serial,
                                                .ts_s = ts,
                                                .energy_wh = 100,
                                                .reactive_varh = INT64_MIN,
                                                .leaf = leaf};
        assert_int_equal(sg_billing_add(b, &reading), 0);
        sg_bill_load_add(&m->load, ts, 100);
    }
    assert_int_equal(sg_billing_finish(b, &m->bill), 0);
}

static void unmake(struct made *m)
{
    sg_tariff_free(m->tariff);
    sg_bill_clear(&m->bill);
}

static void page_of(const struct made *m, struct sg_buf *ret)
{
    const struct sg_bill_view v = {&m->bill, m->tariff, &m->load, "bill."};
    assert_int_equal(sg_bill_page(&v, ret), 0);
    assert_int_equal(sg_buf_append_u8(ret, 0), 0);
}

static bool has(const struct sg_buf *b, const char *what)
{
    return strstr((const char *)b->data, what) != NULL;
}

static void everything_on_the_bill_is_on_the_page(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf page = SG_BUF_INIT(4 << 20);
    static struct made m;
    make(&m, "apps/bill/tariffs/b1-taxed.yaml", "21952440");
    page_of(&m, &page);
    /* docs: 288 kWh; the total as the bill has it, in both ways of writing. */
    char en[64], pt[64];
    snprintf(en, sizeof en, "R$\xc2\xa0%lld.%02lld", (long long)m.bill.total / 100,
             (long long)m.bill.total % 100);
    snprintf(pt, sizeof pt, "R$\xc2\xa0%lld,%02lld", (long long)m.bill.total / 100,
             (long long)m.bill.total % 100);
    static const char *const wants[] = {
        "3000000001",
        "21952440",
        "288.000",
        "288,000",
        "0.82200",
        "0,82200",
        "2,880",
        "2.880",
        "Bandeira vermelha patamar 1, setembro de 2026",
        "Flag red, level 1, September 2026",
        "Cofins",
        "17.00\xc2\xa0%",
        "Contribuição de iluminação pública",
        "1 September 2026",
        "30 de setembro de 2026",
    };
    for (size_t i = 0; i < sizeof wants / sizeof *wants; i++)
        if (!has(&page, wants[i]))
            fail_msg("not on the page: %s", wants[i]);
    assert_true(has(&page, en));
    assert_true(has(&page, pt));
    assert_false(has(&page, "do not add up"));
    unmake(&m);
}

static void days_are_those_of_the_zone(void **state)
{
    (void)state;
    static struct made m;
    make(&m, "apps/bill/tariffs/b1-white.yaml", "1");
    assert_int_equal(m.load.n_days, 30);
    assert_int_equal(m.load.days[0].day, 20697);
    /* Tuesday: peak 18-21 h, intermediate 17-18 and 21-22 h; Saturday all off-peak. */
    assert_int_equal(m.load.days[0].wh[0], 1200);
    assert_int_equal(m.load.days[0].wh[1], 800);
    assert_int_equal(m.load.days[0].wh[2], 7600);
    assert_int_equal(m.load.days[4].wh[2], 9600);
    assert_int_equal(m.load.sum_wh, m.bill.import_wh);
    unmake(&m);
}

static void a_chart_of_other_readings_is_named(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf page = SG_BUF_INIT(4 << 20);
    static struct made m;
    make(&m, "apps/bill/tariffs/b1-white.yaml", "1");
    m.load.sum_wh -= 1;
    page_of(&m, &page);
    assert_true(has(&page, "do not add up"));
    unmake(&m);
}

static void names_with_markup_stay_names(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf page = SG_BUF_INIT(4 << 20);
    static struct made m;
    make(&m, "apps/bill/tariffs/b1-taxed.yaml", "<script>x</script>");
    snprintf(m.bill.lines[0].code, sizeof m.bill.lines[0].code, "energy.<img src=x>");
    snprintf(m.bill.taxes[0].name, sizeof m.bill.taxes[0].name, "<b onclick=x>");
    snprintf(m.bill.tariff_id, sizeof m.bill.tariff_id, "\"><svg onload=x>");
    snprintf(m.bill.currency, sizeof m.bill.currency, "<i>");
    page_of(&m, &page);
    assert_false(has(&page, "<script"));
    assert_false(has(&page, "<img"));
    assert_false(has(&page, "<b onclick"));
    assert_false(has(&page, "<svg onload"));
    assert_false(has(&page, "<i>"));
    unmake(&m);
}

static void more_days_than_fit_are_left_out(void **state)
{
    (void)state;
    static struct made m;
    make(&m, "apps/bill/tariffs/b1-white.yaml", "1");
    for (int64_t ts = UNTIL + 900; ts < UNTIL + INT64_C(86400) * 500; ts += 86400)
        sg_bill_load_add(&m.load, ts, 1);
    assert_int_equal(m.load.n_days, SG_BILL_CHART_DAYS_MAX);
    unmake(&m);
}

/* What only some bills have, each in words; and no promise of signatures that are not there. */
static void other_parts_are_shown(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf page = SG_BUF_INIT(4 << 20);
    static struct made m;
    static const struct sg_bill_estimate estimate = {.from_s = FROM,
                                                     .until_s = FROM + 1800,
                                                     .rule = "short-gap",
                                                     .intervals = 2,
                                                     .import_wh = 77};
    static const struct sg_bill_credit credit = {.month = 2026 * 12 + 7, .post = 0, .wh = 4321};
    static const struct sg_bill_choice choice = {
        .ts_s = FROM + 900, .energy_wh = 123456, .who = "Ana Souza", .why = "meter <opened>"};
    make(&m, "apps/bill/tariffs/b1-white.yaml", "1");
    struct sg_bill b = m.bill; /* borrows its lists */
    b.estimates = (struct sg_bill_estimate *)(uintptr_t)&estimate;
    b.n_estimates = 1;
    b.estimated = 2;
    b.credits = (struct sg_bill_credit *)(uintptr_t)&credit;
    b.n_credits = 1;
    b.has_contract = true;
    b.contract = (struct sg_contract){.phases = 2, .demand = {{"peak", 80500}}, .n_demand = 1};
    b.export_wh = 5000;
    b.resolved = (struct sg_bill_choice *)(uintptr_t)&choice;
    b.n_resolved = 1;
    struct made other = {m.tariff, b, m.load};
    page_of(&other, &page);
    static const char *const wants[] = {"short-gap",
                                        "Estimated, not measured",
                                        "August 2026",
                                        "agosto de 2026",
                                        "80.5",
                                        "Demanda contratada, ponta",
                                        "Energy sent out",
                                        "Ana Souza",
                                        "meter &lt;opened&gt;",
                                        "123.456",
                                        "signed every reading that was measured"};
    for (size_t i = 0; i < sizeof wants / sizeof *wants; i++)
        if (!has(&page, wants[i]))
            fail_msg("not on the page: %s", wants[i]);
    sg_buf_reset(&page);
    other.bill.n_buckets = 0;
    page_of(&other, &page);
    assert_false(has(&page, "signed every reading"));
    assert_true(has(&page, "not signed by a meter"));
    unmake(&m);
}

/* Codes of lines in words, in both languages; what nobody knows stands as it is. */
static void codes_have_words(void **state)
{
    (void)state;
    static const struct {
        const char *code, *en, *pt;
    } words[] = {
        {"te.peak", "Energy (TE), peak", "Energia (TE), ponta"},
        {"demand.off_peak.excess", "Demand, off-peak, above the contract",
         "Demanda, fora ponta, ultrapassagem"},
        {"energy.tier3", "Energy, step 3", "Consumo, faixa 3"},
        {"net.te.all", "Energy sent out, credited, Energy (TE), all hours",
         "Energia injetada, compensada, Energia (TE), todas as horas"},
        {"flag.2026-09.red-1", "Flag red, level 1, September 2026",
         "Bandeira vermelha patamar 1, setembro de 2026"},
        {"my-own.thing", "my-own, thing", "my-own, thing"},
        {"", "", ""},
        {"...", "", ""}, /* no charge has an empty name */
    };
    char word[SG_BILL_WORD_MAX];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        sg_bill_line_word(SG_EN, words[i].code, word);
        assert_string_equal(word, words[i].en);
        sg_bill_line_word(SG_PT_BR, words[i].code, word);
        assert_string_equal(word, words[i].pt);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_on_the_bill_is_on_the_page),
        cmocka_unit_test(days_are_those_of_the_zone),
        cmocka_unit_test(a_chart_of_other_readings_is_named),
        cmocka_unit_test(names_with_markup_stay_names),
        cmocka_unit_test(more_days_than_fit_are_left_out),
        cmocka_unit_test(other_parts_are_shown),
        cmocka_unit_test(codes_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
