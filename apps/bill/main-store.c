/* main-store - bills from the store: of one client, or of all. */
#include "app.h"
#include "export.h"
#include "summary.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <sealgrid/meter/tables.h>

#include <stdio.h>

#define CAS_RETRY_MS 10000

/* ---- sessions ------------------------------------------------------------------------------ */

static int open_as(const struct app *a, const struct sg_cas_grant *grant, struct sg_tls_ctx **tls,
                   struct sg_kv **ret)
{
    int r = *tls ? 0 : sg_cas_tls(grant, false, SG_TLS_PEER_REQUIRED, tls);

    if (r)
        return sg_fold(r);
    const struct sg_kv_remote remote = {
        .connect = a->options.kvsd_connect, .tls = *tls, .expect_uri = "spiffe://sealgrid/kvsd"};
    return sg_fold(sg_kv_open_remote(ret, &remote));
}

/* A context a thread: OpenSSL 3 locks the shared parts of one. */
static int open_kv(void *user, struct sg_kv **ret)
{
    const struct app *a = user;
    static _Thread_local struct sg_tls_ctx *tls; /* lives as long as the process */
    return open_as(a, &a->grant, &tls, ret);
}

static int open_estimates(void *user, struct sg_kv **ret)
{
    const struct app *a = user;
    static _Thread_local struct sg_tls_ctx *tls;
    return open_as(a, &a->estimates, &tls, ret);
}

static int attest_as(struct app *a, const char *service, struct sg_cas_grant *ret)
{
    const struct bill_options *o = &a->options;
    const struct sg_cas_bootstrap b = {.connect = o->cas_connect,
                                       .pin_hex = o->cas_pin,
                                       .service = service,
                                       .provider = o->cas_provider,
                                       .sim_platform = o->cas_platform,
                                       .retry_ms = CAS_RETRY_MS};
    return sg_cas_bootstrap(&b, ret) ? app_fail("attestation") : 0;
}

/* Estimates go into a bucket that "bill" may only read. */
static int attest(struct app *a)
{
    if (!a->options.cas_pin)
        return app_complain("--cas.pin", "must be given with --store");
    int r = attest_as(a, "bill", &a->grant);
    return !r && a->rules ? attest_as(a, "vee", &a->estimates) : r;
}

/* ---- one client, or all -------------------------------------------------------------------- */

/* For a queue of tasks: why this client has no bill. */
static int put_refused_client(const struct app *a, int64_t client, const struct refusal *why)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(4096);

    if (a->options.json &&
        (summary_put_refused(client, why, &text) || sg_file_write_report("-", sg_buf_bytes(&text))))
        return app_fail("result");
    return app_put_refusal(why);
}

static int run_fleet(struct app *a, const struct fleet *f, const struct fleet_result *before)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(256u << 20);
    struct fleet_result result;

    if (fleet_run(f, before, &result))
        return EXIT_UNUSABLE; /* said by the thread that failed */
    SG_FREE struct fleet_refusal *refusals = result.refusals;
    if (summary_put(f, &result, &text) ||
        (a->options.json && sg_file_write_report("-", sg_buf_bytes(&text))))
        return app_fail("summary");
    if (!a->options.json)
        printf("%llu bills of %zu clients, %llu readings, %llu missing, %zu refused\n",
               (unsigned long long)result.bills, f->n_clients, (unsigned long long)result.readings,
               (unsigned long long)result.missing, result.n_refusals);
    return refusals ? EXIT_REFUSED : 0;
}

static int run_one(struct app *a, const struct fleet *f, const struct fleet_stores *s,
                   int64_t client)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(client_clear) struct client c = {.id = 0};
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct refusal why;
    int r = fleet_one(f, s, &c, client, &bill, &json, &why);

    if (r == ISSUE_REFUSED)
        return put_refused_client(a, client, &why);
    if (r)
        return app_fail("bill");
    const struct terms terms = {f->tariff, f->contracts, f->from_s, f->until_s, f->rules, true};
    return app_put_bill(a, &c, &terms, &bill, sg_buf_bytes(&json));
}

static int run_all(struct app *a, struct fleet *f, int64_t *clients)
{
    struct fleet_result before;
    int r = fleet_open(f, clients, JOURNAL_BATCH, &before);

    if (r == JOURNAL_OTHER)
        r = app_complain("--resume",
                         "the stopped run was on other terms (tariff, contracts, rules, "
                         "period, upload)");
    else if (r == JOURNAL_BUSY)
        r = app_complain("--out", "another run works in this folder on this period");
    else
        r = r ? app_fail("journal") : run_fleet(a, f, &before);
    fleet_close(f);
    return r;
}

static int run_store(struct app *a, struct fleet *f, const struct fleet_stores *s)
{
    SG_FREE int64_t *clients = NULL;
    int64_t client;

    if (a->options.client) {
        if (sg_decimal_parse(a->options.client, 0, &client) != 0)
            return app_complain("--client", "a whole number");
        return run_one(a, f, s, client);
    }
    if (sg_table_clients(s->kv, &clients, &f->n_clients))
        return app_fail("clients");
    return run_all(a, f, clients);
}

int app_on_store(struct app *a)
{
    SG_CLEANUP(fleet_stores_close) struct fleet_stores stores = {NULL, NULL};
    struct fleet f = {.options = &a->options,
                      .tariff = a->tariff,
                      .contracts = app_contracts(a),
                      .rules = a->rules,
                      .open_kv = open_kv,
                      .open_estimates = open_estimates,
                      .user = a,
                      .progress = a->options.progress};
    bool bad;

    if (!a->options.client == !a->options.all)
        return app_complain("--store", "--client N or --all");
    if (a->options.resume && (!a->options.all || !a->options.out))
        return app_complain("--resume", "only with --all and --out");
    if (export_asked(&a->options) && a->options.all)
        return app_complain("--page, --pdf, --green-button, --csv", "one client: not with --all");
    if (!app_period(a, &f.from_s, &f.until_s, &bad) || bad)
        return app_complain("period", "--period 2026-09, or --from and --until in RFC 3339");
    output_period_name(f.period, a->tariff, f.from_s, f.until_s);
    int r = attest(a);
    if (r)
        return r;
    if (fleet_stores_open(&f, &stores))
        return app_fail("store");
    return run_store(a, &f, &stores);
}
