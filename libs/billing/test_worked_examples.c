/* The bills that docs/tariff.md works by hand (tests/worked), line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/billing/bill.h>

#include <glob.h>
#include <stdio.h>

#define RUNS_MAX 256

struct run {
    int64_t from_s, until_s, wh, varh;
};
struct example {
    const char *path;
    struct sg_yaml doc;
    struct sg_tariff *tariff;
    struct sg_contracts contracts;
    struct run runs[RUNS_MAX];
    size_t n_runs;
    int64_t client, from_s, until_s;
};

static const char *text(const struct sg_yaml_node *mapping, const char *key)
{
    const struct sg_yaml_node *n = sg_yaml_get(mapping, key);
    return n ? n->text : NULL;
}

static int64_t number(const struct sg_yaml_node *mapping, const char *key, unsigned digits)
{
    const char *t = text(mapping, key);
    int64_t v = 0;

    if (t)
        assert_int_equal(sg_decimal_parse(t, digits, &v), 0);
    return v;
}

static int64_t instant(const struct sg_yaml_node *mapping, const char *key)
{
    int64_t s = 0;
    assert_int_equal(sg_time_parse(text(mapping, key), &s), 0);
    return s;
}

static void open_example(struct example *x, const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf yaml = SG_BUF_INIT(1 << 20);
    struct sg_yaml_error why = {0, ""};
    char tariff[256];

    *x = (struct example){.path = path};
    assert_int_equal(sg_file_read(path, &yaml), 0);
    if (sg_yaml_parse(&x->doc, sg_buf_bytes(&yaml), &why))
        fail_msg("%s:%u: %s", path, why.line, why.text);
    const struct sg_yaml_node *root = x->doc.nodes;
    snprintf(tariff, sizeof(tariff), "tests/worked/%s", text(root, "tariff"));
    if (sg_tariff_load(&x->tariff, tariff, &why))
        fail_msg("%s:%u: %s", tariff, why.line, why.text);
    if (sg_contracts_load(&x->contracts, "tests/worked/contracts.yaml", &why))
        fail_msg("contracts:%u: %s", why.line, why.text);
    x->client = number(root, "client", 0);
    x->from_s = instant(root, "from");
    x->until_s = instant(root, "until");
    for (const struct sg_yaml_node *n = sg_yaml_get(root, "load")->first; n; n = n->next) {
        assert_true(x->n_runs < RUNS_MAX);
        x->runs[x->n_runs++] = (struct run){instant(n, "from"), instant(n, "until"),
                                            number(n, "wh", 0), number(n, "varh", 0)};
    }
}

static void close_example(struct example *x)
{
    sg_yaml_clear(&x->doc);
    sg_tariff_free(x->tariff);
    sg_contracts_clear(&x->contracts);
}

/* Later runs over earlier ones. */
static const struct run *run_at(const struct example *x, int64_t begin_s)
{
    for (size_t i = x->n_runs; i > 0; i--)
        if (begin_s >= x->runs[i - 1].from_s && begin_s < x->runs[i - 1].until_s)
            return &x->runs[i - 1];
    fail_msg("%s: no load at %lld", x->path, (long long)begin_s);
    return NULL;
}

static void make_bill(const struct example *x, struct sg_bill *ret)
{
    static const struct sg_bill_install install = {"1", INT64_MIN, INT64_MAX, 1, 1, NULL};
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    const struct sg_bill_input in = {.tariff = x->tariff,
                                     .client = x->client,
                                     .from_s = x->from_s,
                                     .until_s = x->until_s,
                                     .installs = &install,
                                     .n_installs = 1,
                                     .contracts = &x->contracts};
    int r = sg_billing_new(&b, &in);

    for (int64_t s = x->from_s; s < x->until_s && !r; s += x->tariff->interval_s) {
        const struct run *run = run_at(x, s);
        const struct sg_bill_reading reading = {.serial = "1",
                                                .ts_s = s + x->tariff->interval_s,
                                                .energy_wh = run->wh,
                                                .reactive_varh = run->varh};
        r = sg_billing_add(b, &reading);
    }
    if (!r)
        r = sg_billing_finish(b, ret);
    if (r)
        fail_msg("%s: %s", x->path, r > 0 ? sg_bill_outcome_word(r) : sg_error_trace());
}

static void day_text(char ret[16], int64_t day)
{
    unsigned month, mday;
    int year;

    sg_civil_from_days(day, &year, &month, &mday);
    snprintf(ret, 16, "%04d-%02u-%02u", year % 10000, month % 13, mday % 32);
}

static void check_line(const struct example *x, const struct sg_bill *b,
                       const struct sg_bill_line *line, const struct sg_yaml_node *want)
{
    char from[16];
    int64_t amount = number(want, "amount", b->decimals);

    if (strcmp(line->code, text(want, "code")) || line->quantity != number(want, "quantity", 0) ||
        line->amount != amount)
        fail_msg("%s: line %u: %s %s: %s %lld for %lld", x->path, want->line, text(want, "code"),
                 text(want, "amount"), line->code, (long long)line->amount,
                 (long long)line->quantity);
    if (!text(want, "from"))
        return;
    day_text(from, line->from_day);
    if (strcmp(from, text(want, "from")))
        fail_msg("%s: line %u: from %s", x->path, want->line, from);
}

static void check_sums(const struct example *x, const struct sg_bill *b,
                       const struct sg_yaml_node *want)
{
    const struct sg_yaml_node *taxes = sg_yaml_get(want, "taxes");

    assert_int_equal(b->expected, number(want, "intervals", 0));
    assert_int_equal(b->days, number(want, "days", 0));
    assert_int_equal(b->import_wh, number(want, "import_wh", 0));
    assert_int_equal(b->export_wh, number(want, "export_wh", 0));
    assert_int_equal(b->net, number(want, "net", b->decimals));
    assert_int_equal(b->gross, number(want, "gross", b->decimals));
    assert_int_equal(b->lighting, number(want, "lighting", b->decimals));
    assert_int_equal(b->total, number(want, "total", b->decimals));
    assert_int_equal(b->n_taxes, taxes ? taxes->n_children : 0);
    for (size_t i = 0; i < b->n_taxes; i++)
        if (b->taxes[i].amount != number(taxes, b->taxes[i].name, b->decimals))
            fail_msg("%s: %s %lld", x->path, b->taxes[i].name, (long long)b->taxes[i].amount);
}

static void check_credits(const struct example *x, const struct sg_bill *b,
                          const struct sg_yaml_node *want)
{
    const struct sg_yaml_node *n = sg_yaml_get(want, "credits");
    char month[16];

    assert_int_equal(b->n_credits, n ? n->n_children : 0);
    n = n ? n->first : NULL;
    for (size_t i = 0; i < b->n_credits; i++, n = n->next) {
        day_text(month, sg_first_day_of_month(b->credits[i].month));
        month[7] = '\0';
        assert_string_equal(month, text(n, "month"));
        assert_string_equal(x->tariff->posts[b->credits[i].post].name, text(n, "post"));
        assert_int_equal(b->credits[i].wh, number(n, "wh", 0));
    }
}

static void every_worked_bill(void **state)
{
    (void)state;
    glob_t found;

    assert_int_equal(glob("tests/worked/[0-9]*.yaml", 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 17);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {0};
        struct example x;
        open_example(&x, found.gl_pathv[i]);
        make_bill(&x, &bill);
        const struct sg_yaml_node *want = sg_yaml_get(x.doc.nodes, "expected");
        const struct sg_yaml_node *line = sg_yaml_get(want, "lines")->first;
        for (size_t k = 0; k < bill.n_lines && line; k++, line = line->next)
            check_line(&x, &bill, &bill.lines[k], line);
        assert_int_equal(bill.n_lines, sg_yaml_get(want, "lines")->n_children);
        check_sums(&x, &bill, want);
        check_credits(&x, &bill, want);
        assert_null(sg_bill_inconsistency(&bill));
        close_example(&x);
    }
    globfree(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_worked_bill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
