/*
 * sealgrid-bill - bills from signed readings, on files or on the store.
 * Its first argument may be a command: lint (lint.h), import, vee, resolve (vee.h).
 * Exit 0: every bill was made; 1: some client was refused; 2: unusable input.
 */
#include "export.h"
#include "fleet.h"
#include "lint.h"
#include "source.h"
#include "vee.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/json.h>
#include <sealgrid/base/log.h>
#include <sealgrid/base/metrics.h>
#include <sealgrid/billing/installation.h>
#include <sealgrid/cas/client.h>
#include <sealgrid/meter/tables.h>

#include <stdio.h>

#define EXIT_REFUSED  1
#define EXIT_UNUSABLE 2
#define CAS_RETRY_MS  10000

struct app {
    struct bill_options options;
    struct sg_tariff *tariff;
    struct sg_contracts contracts;
    struct sg_vee_rules *rules;
    struct sg_cas_grant grant;
};

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "sealgrid-bill: %s: %s\n", what, why);
    return EXIT_UNUSABLE;
}

static int fail(const char *what)
{
    return complain(what, sg_error_trace());
}

static int load_tariff(struct app *a)
{
    struct sg_yaml_error why;
    int r;

    if (!a->options.tariff)
        return complain("--tariff", "must be given");
    r = sg_tariff_load(&a->tariff, a->options.tariff, &why);
    if (r < 0)
        return fail("tariff");
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
        return fail("contracts");
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
        return fail("rules");
    if (r > 0) {
        fprintf(stderr, "%s:%u: %s\n", a->options.vee, why.line, why.text);
        return EXIT_UNUSABLE;
    }
    return 0;
}

static const struct sg_contracts *contracts_of(const struct app *a)
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

/* True and the ends if the command line names a period; *ret_bad if it names it wrongly. */
static bool period_given(const struct app *a, int64_t *from_s, int64_t *until_s, bool *ret_bad)
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

/* ---- files --------------------------------------------------------------------------------- */

static int take_records(struct app *a, struct client *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_INSTALLATION_FILE_MAX);
    SG_CLEANUP(sg_installations_clear) struct sg_installations all = {NULL, 0, NULL};
    char why[160];
    size_t n;
    int r = sg_file_read(a->options.installations, &text);

    if (r)
        return fail(a->options.installations);
    r = sg_installations_read(sg_buf_bytes(&text), &all, why);
    if (r)
        return r < 0 ? fail("installations") : complain(a->options.installations, why);
    const struct sg_installation *own = sg_installations_of_client(&all, c->id, &n);
    for (size_t i = 0; i < n; i++) {
        struct client_install install = {.from_s = own[i].from_s,
                                         .until_s = own[i].until_s,
                                         .ratio_num = own[i].ratio_num,
                                         .ratio_den = own[i].ratio_den};
        memcpy(install.serial, own[i].serial, sizeof(install.serial));
        sg_installation_fingerprint(&own[i], install.certificate_sha256);
        install.has_certificate = true;
        if (client_add_install(c, &install))
            return fail("installations");
    }
    return 0;
}

/* Without records the one meter that occurs stands there all the time, directly connected. */
static int assume_install(struct client *c)
{
    struct client_install install = {
        .from_s = INT64_MIN, .until_s = INT64_MAX, .ratio_num = 1, .ratio_den = 1};

    if (c->n_rows == 0)
        return complain("--input", "no reading in it");
    memcpy(install.serial, c->rows[0].serial, sizeof(install.serial));
    for (size_t i = 1; i < c->n_rows; i++)
        if (strcmp(c->rows[i].serial, install.serial))
            return complain("--input",
                            "several meters: --installations must say when each was there");
    return client_add_install(c, &install) ? fail("installations") : 0;
}

static int print_refusal(const struct refusal *why)
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

static int write_files(const struct app *a, const struct sg_bill *bill, struct sg_bytes json,
                       struct sg_bytes evidence)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf packed = SG_BUF_INIT(SG_EVIDENCE_MAX);
    char period[PERIOD_NAME_MAX];
    int r = 0;

    if (!a->options.out)
        return 0;
    output_period_name(period, a->tariff, bill->from_s, bill->until_s);
    if (evidence.len)
        r = sg_evidence_pack(evidence, &packed);
    if (!r && evidence.len)
        r = output_file(a->options.out, "evidence", bill->client, period, "cbor",
                        sg_buf_bytes(&packed));
    if (!r)
        r = output_file(a->options.out, "bill", bill->client, period, "json", json);
    if (!r)
        r = output_sync(a->options.out);
    return r ? fail(a->options.out) : 0;
}

/* What the command line asks for besides the bill itself. */
static int write_forms(const struct app *a, const struct client *c, const struct terms *terms,
                       const struct sg_bill *bill)
{
    int r = export_bill(&a->options, c, terms, bill);

    if (r < 0)
        return fail("export");
    return r ? EXIT_UNUSABLE : 0;
}

static int bill_rows(struct app *a, const struct client *c, int64_t from_s, int64_t until_s,
                     bool is_signed)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_EVIDENCE_MAX);
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    const struct terms terms = {a->tariff, contracts_of(a), from_s, until_s, a->rules, is_signed};
    struct refusal why;
    int r = issue(c, &terms, &bill, &evidence, &why);

    if (r == ISSUE_REFUSED)
        return print_refusal(&why);
    if (!r)
        r = sg_bill_write(&bill, &json);
    if (r)
        return fail("bill");
    r = write_files(a, &bill, sg_buf_bytes(&json), sg_buf_bytes(&evidence));
    if (!r)
        r = write_forms(a, c, &terms, &bill);
    return r ? r : print_bill(a, &bill, sg_buf_bytes(&json));
}

static int read_input(struct app *a, struct client *c, bool *is_signed, int64_t *from_s,
                      int64_t *until_s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1u << 30);
    char why[160];
    int r = sg_file_read(a->options.input, &file);

    if (!r)
        r = source_file(c, sg_buf_bytes(&file), is_signed, from_s, until_s, why);
    if (r)
        return r < 0 ? fail(a->options.input) : complain(a->options.input, why);
    if (!*is_signed && c->n_rows) {
        *from_s = c->rows[0].reading.ts_s - a->tariff->interval_s;
        *until_s = c->rows[c->n_rows - 1].reading.ts_s;
    }
    return 0;
}

static int on_file(struct app *a)
{
    SG_CLEANUP(client_clear) struct client c = {.id = 0};
    int64_t from_s = 0, until_s = 0;
    bool is_signed, bad;
    int r = read_input(a, &c, &is_signed, &from_s, &until_s);

    if (r)
        return r;
    period_given(a, &from_s, &until_s, &bad);
    if (bad)
        return complain("period", "--period 2026-09, or --from and --until in RFC 3339");
    r = a->options.installations ? take_records(a, &c) : assume_install(&c);
    return r ? r : bill_rows(a, &c, from_s, until_s, is_signed);
}

/* ---- store --------------------------------------------------------------------------------- */

/* A context a thread: OpenSSL 3 locks the shared parts of one. */
struct session_source {
    const struct app *a;
};

static int open_kv(void *user, struct sg_kv **ret)
{
    const struct session_source *s = user;
    static _Thread_local struct sg_tls_ctx *tls; /* lives as long as the process */
    int r = tls ? 0 : sg_cas_tls(&s->a->grant, false, SG_TLS_PEER_REQUIRED, &tls);

    if (r)
        return sg_fold(r);
    const struct sg_kv_remote remote = {
        .connect = s->a->options.kvsd_connect, .tls = tls, .expect_uri = "spiffe://sealgrid/kvsd"};
    return sg_fold(sg_kv_open_remote(ret, &remote));
}

static int attest(struct app *a)
{
    const struct bill_options *o = &a->options;
    const struct sg_cas_bootstrap b = {.connect = o->cas_connect,
                                       .pin_hex = o->cas_pin,
                                       .service = "bill",
                                       .provider = o->cas_provider,
                                       .sim_platform = o->cas_platform,
                                       .retry_ms = CAS_RETRY_MS};
    if (!o->cas_pin)
        return complain("--cas.pin", "must be given with --store");
    return sg_cas_bootstrap(&b, &a->grant) ? fail("attestation") : 0;
}

static void put_refusals(struct sg_json *j, const struct fleet_result *result)
{
    sg_json_key(j, "refused");
    sg_json_array(j);
    for (size_t i = 0; i < result->n_refusals; i++) {
        const struct fleet_refusal *f = &result->refusals[i];
        char at[SG_RFC3339_MAX];
        sg_json_object(j);
        sg_json_key(j, "client");
        sg_json_int(j, f->client);
        sg_json_key(j, "reason");
        sg_json_str(j, f->word);
        if (f->ts_s != INT64_MIN) {
            sg_time_rfc3339(at, f->ts_s);
            sg_json_key(j, "at");
            sg_json_str(j, at);
        }
        sg_json_end_object(j);
    }
    sg_json_end_array(j);
}

/* For a queue of tasks: why this client has no bill. */
static int print_refused_client(const struct app *a, int64_t client, const struct refusal *why)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(4096);
    struct fleet_refusal one = {.client = client, .ts_s = why->ts_s};
    const struct fleet_result result = {.refusals = &one, .n_refusals = 1};
    struct sg_json j;

    memcpy(one.word, why->word, sizeof(one.word));
    sg_json_init(&j, &text);
    sg_json_object(&j);
    put_refusals(&j, &result);
    sg_json_end_object(&j);
    if (a->options.json && (sg_json_done(&j) || sg_file_write_report("-", sg_buf_bytes(&text))))
        return fail("result");
    return print_refusal(why);
}

static int put_summary(const struct fleet *f, const struct fleet_result *result,
                       struct sg_buf *text)
{
    char total[SG_DECIMAL_MAX];
    struct sg_json j;

    sg_decimal_format(total, result->total, f->tariff->decimals, f->tariff->decimals);
    sg_json_init(&j, text);
    sg_json_object(&j);
    sg_json_key(&j, "period");
    sg_json_str(&j, f->period);
    sg_json_key(&j, "clients");
    sg_json_uint(&j, f->n_clients);
    sg_json_key(&j, "bills");
    sg_json_uint(&j, result->bills);
    sg_json_key(&j, "resumed");
    sg_json_uint(&j, f->n_done);
    sg_json_key(&j, "readings");
    sg_json_uint(&j, result->readings);
    sg_json_key(&j, "missing");
    sg_json_uint(&j, result->missing);
    sg_json_key(&j, "total");
    sg_json_str(&j, total);
    sg_json_key(&j, "currency");
    sg_json_str(&j, f->tariff->currency);
    put_refusals(&j, result);
    sg_json_key(&j, "cpu_ms");
    sg_json_int(&j, sg_clock_cpu_ns() / 1000000);
    sg_json_key(&j, "peak_rss_bytes");
    sg_json_int(&j, sg_metrics_peak_rss());
    sg_json_end_object(&j);
    return sg_json_done(&j);
}

static int run_fleet(struct app *a, const struct fleet *f, const struct fleet_result *before)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(256u << 20);
    struct fleet_result result;

    if (fleet_run(f, before, &result))
        return EXIT_UNUSABLE; /* said by the thread that failed */
    SG_FREE struct fleet_refusal *refusals = result.refusals;
    if (put_summary(f, &result, &text) ||
        (a->options.json && sg_file_write_report("-", sg_buf_bytes(&text))))
        return fail("summary");
    if (!a->options.json)
        printf("%llu bills of %zu clients, %llu readings, %llu missing, %zu refused\n",
               (unsigned long long)result.bills, f->n_clients, (unsigned long long)result.readings,
               (unsigned long long)result.missing, result.n_refusals);
    return refusals ? EXIT_REFUSED : 0;
}

static int run_one(struct app *a, const struct fleet *f, struct sg_kv *kv, int64_t client)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(client_clear) struct client c = {.id = 0};
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct refusal why;
    int r = fleet_one(f, kv, &c, client, &bill, &json, &why);

    if (r == ISSUE_REFUSED)
        return print_refused_client(a, client, &why);
    if (r)
        return fail("bill");
    const struct terms terms = {f->tariff, f->contracts, f->from_s, f->until_s, f->rules, true};
    r = write_forms(a, &c, &terms, &bill);
    return r ? r : print_bill(a, &bill, sg_buf_bytes(&json));
}

static int run_all(struct app *a, struct fleet *f, int64_t *clients)
{
    struct fleet_result before;
    int r = fleet_open(f, clients, JOURNAL_BATCH, &before);

    if (r == JOURNAL_OTHER)
        r = complain("--resume", "the stopped run was on other terms (tariff, contracts, rules, "
                                 "period, upload)");
    else if (r == JOURNAL_BUSY)
        r = complain("--out", "another run works in this folder on this period");
    else
        r = r ? fail("journal") : run_fleet(a, f, &before);
    fleet_close(f);
    return r;
}

static int run_store(struct app *a, struct fleet *f, struct sg_kv *kv)
{
    SG_FREE int64_t *clients = NULL;
    int64_t client;

    if (a->options.client) {
        if (sg_decimal_parse(a->options.client, 0, &client) != 0)
            return complain("--client", "a whole number");
        return run_one(a, f, kv, client);
    }
    if (sg_table_clients(kv, &clients, &f->n_clients))
        return fail("clients");
    return run_all(a, f, clients);
}

static int on_store(struct app *a)
{
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    struct session_source sessions = {a};
    struct fleet f = {.options = &a->options,
                      .tariff = a->tariff,
                      .contracts = contracts_of(a),
                      .rules = a->rules,
                      .open_kv = open_kv,
                      .user = &sessions,
                      .progress = a->options.progress};
    bool bad;

    if (!a->options.client == !a->options.all)
        return complain("--store", "--client N or --all");
    if (a->options.resume && (!a->options.all || !a->options.out))
        return complain("--resume", "only with --all and --out");
    if (export_asked(&a->options) && a->options.all)
        return complain("--page, --pdf, --green-button, --csv", "one client: not with --all");
    if (!period_given(a, &f.from_s, &f.until_s, &bad) || bad)
        return complain("period", "--period 2026-09, or --from and --until in RFC 3339");
    output_period_name(f.period, a->tariff, f.from_s, f.until_s);
    int r = attest(a);
    if (r)
        return r;
    if (open_kv(&sessions, &kv))
        return fail("store");
    return run_store(a, &f, kv);
}

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
        return complain("usage", "--input F or --store");
    return a->options.store ? on_store(a) : on_file(a);
}

int main(int argc, char **argv)
{
    struct app a = {.tariff = NULL};
    int first, r;

    if (sg_process_harden())
        return fail("start");
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
    r = first < argc ? complain(argv[first], "unexpected argument") : run(&a);
    sg_cas_grant_clear(&a.grant);
    sg_tariff_free(a.tariff);
    sg_contracts_clear(&a.contracts);
    sg_vee_rules_free(a.rules);
    sg_conf_clear(&bill_table, &a.options);
    return r;
}
