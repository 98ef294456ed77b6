/*
 * sealgrid-bill - bills from signed readings, on files or on the store.
 * Its first argument may be a command: lint (lint.h), import, vee, resolve (vee.h).
 */
#include "app.h"
#include "export.h"
#include "lint.h"
#include "vee.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/log.h>

#include <stdio.h>

int app_complain(const char *what, const char *why)
{
    fprintf(stderr, "sealgrid-bill: %s: %s\n", what, why);
    return EXIT_UNUSABLE;
}

int app_fail(const char *what)
{
    return app_complain(what, sg_error_trace());
}

static int load_tariff(struct app *a)
{
    struct sg_yaml_error why;
    int r;

    if (!a->options.tariff)
        return app_complain("--tariff", "must be given");
    r = sg_tariff_load(&a->tariff, a->options.tariff, &why);
    if (r < 0)
        return app_fail("tariff");
    if (r > 0) {
        fprintf(stderr, "%s:%u: %s\n", a->options.tariff, why.line, why.text);
        return EXIT_UNUSABLE;
    }
    return 0;
}

static int load_contracts(struct app *a)
{
    struct sg_yaml_error why;
    int r = a->options.contracts ? sg_contracts_load(&a->contracts, a->options.contracts, &why) : 0;

    if (r < 0)
        return app_fail("contracts");
    if (r > 0) {
        fprintf(stderr, "%s:%u: %s\n", a->options.contracts, why.line, why.text);
        return EXIT_UNUSABLE;
    }
    return 0;
}

/* NULL: none were given. */
static int load_rules(struct app *a)
{
    struct sg_yaml_error why = {0, ""};
    int r = a->options.vee ? sg_vee_rules_load(&a->rules, a->options.vee, &why) : 0;

    if (r < 0)
        return app_fail("rules");
    if (r > 0) {
        fprintf(stderr, "%s:%u: %s\n", a->options.vee, why.line, why.text);
        return EXIT_UNUSABLE;
    }
    return 0;
}

const struct sg_contracts *app_contracts(const struct app *a)
{
    return a->options.contracts ? &a->contracts : NULL;
}

/* "2026-09" */
static bool parse_month(const char *text, int *ret_year, unsigned *ret_month)
{
    char stamp[32];
    unsigned day;
    int64_t s;

    if (strlen(text) != 7)
        return false;
    snprintf(stamp, sizeof(stamp), "%s-01T00:00:00Z", text);
    if (sg_time_parse(stamp, &s) != 0)
        return false;
    sg_civil_from_days(s / 86400, ret_year, ret_month, &day);
    return true;
}

bool app_period(const struct app *a, int64_t *from_s, int64_t *until_s, bool *ret_bad)
{
    const struct bill_options *o = &a->options;
    unsigned month;
    int year;

    *ret_bad = false;
    if (o->period) {
        *ret_bad = o->from || o->until || !parse_month(o->period, &year, &month);
        if (*ret_bad)
            return true;
        *from_s = sg_tz_midnight(a->tariff->tz, year, month, 1);
        *until_s = sg_tz_midnight(a->tariff->tz, year + (month == 12), month % 12 + 1, 1);
        return true;
    }
    if (!o->from && !o->until)
        return false;
    *ret_bad = !o->from || !o->until || sg_time_parse(o->from, from_s) != 0 ||
               sg_time_parse(o->until, until_s) != 0 || *until_s <= *from_s;
    return true;
}

/* ---- results ------------------------------------------------------------------------------- */

int app_put_refusal(const struct refusal *why)
{
    char at[SG_RFC3339_MAX] = "";

    if (why->ts_s != INT64_MIN)
        sg_time_rfc3339(at, why->ts_s);
    fprintf(stderr, "sealgrid-bill: no bill: %s%s%s\n", why->word, *at ? " at " : "", at);
    return EXIT_REFUSED;
}

static int print_bill(const struct app *a, const struct sg_bill *bill, struct sg_bytes json)
{
    char total[SG_DECIMAL_MAX], wh[SG_DECIMAL_MAX];

    if (a->options.json) {
        fwrite(json.data, 1, json.len, stdout);
        return 0;
    }
    sg_decimal_format(total, bill->total, bill->decimals, bill->decimals);
    sg_decimal_format(wh, bill->import_wh, 3, 0);
    printf("client %lld: %s kWh, %s %s, %llu readings, %llu estimated, %llu missing\n",
           (long long)bill->client, wh, bill->currency, total, (unsigned long long)bill->billed,
           (unsigned long long)bill->estimated, (unsigned long long)bill->missing);
    return 0;
}

/* What the command line asks for besides the bill itself. */
static int write_forms(const struct app *a, const struct client *c, const struct terms *terms,
                       const struct sg_bill *bill)
{
    int r = export_bill(&a->options, c, terms, bill);

    if (r < 0)
        return app_fail("export");
    return r ? EXIT_UNUSABLE : 0;
}

int app_put_bill(const struct app *a, const struct client *c, const struct terms *terms,
                 const struct sg_bill *bill, struct sg_bytes json)
{
    int r = write_forms(a, c, terms, bill);
    return r ? r : print_bill(a, bill, json);
}

/* ---- start --------------------------------------------------------------------------------- */

static int run(struct app *a)
{
    int r = load_tariff(a);

    if (!r)
        r = load_contracts(a);
    if (!r)
        r = load_rules(a);
    if (r)
        return r;
    if (!a->options.input == !a->options.store)
        return app_complain("usage", "--input F or --store");
    return a->options.store ? app_on_store(a) : app_on_file(a);
}

int main(int argc, char **argv)
{
    struct app a = {.tariff = NULL};
    int first, r;

    if (sg_process_harden())
        return app_fail("start");
    sg_log_init("bill", SG_LOG_WARN);
    if (argc > 1 && !strcmp(argv[1], "lint"))
        return lint_main(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "vee"))
        return vee_main(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "import"))
        return vee_import_main(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "resolve"))
        return vee_resolve_main(argc - 1, argv + 1);
    r = sg_conf_parse(&bill_table, argc, argv, &a.options, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : EXIT_UNUSABLE;
    r = first < argc ? app_complain(argv[first], "unexpected argument") : run(&a);
    sg_cas_grant_clear(&a.grant);
    sg_cas_grant_clear(&a.estimates);
    sg_tariff_free(a.tariff);
    sg_contracts_clear(&a.contracts);
    sg_vee_rules_free(a.rules);
    sg_conf_clear(&bill_table, &a.options);
    return r;
}
