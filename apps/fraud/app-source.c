/* app-source - the file of days, or the store: attestation, days of which zone, whose clients. */
#include "app.h"

#include <stdio.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/meter/tables.h>

#define CAS_RETRY_MS 10000

/* ---- file ---------------------------------------------------------------------------------- */

static int open_file(struct app *a, const struct plan *plan, struct source **ret)
{
    const char *path = a->options.input;
    SG_CLEANUP(source_freep) struct source *source = NULL;
    int r = source_file_open(&source, path, plan_span(plan));
    if (r < 0)
        return app_fail(path);
    if (r)
        return app_complain(path, source_why(source));
    if (plan->fixed && plan->dated != source_dated(source))
        return app_complain(a->options.learn ? "--outcomes" : "--test-days",
                            source_dated(source) ? "the file has dates: like 2026-06-01"
                                                 : "the file has no dates: numbers of its days");
    a->plan.calendar = source_dated(source);
    *ret = TAKE_PTR(source);
    return 0;
}

/* ---- store --------------------------------------------------------------------------------- */

/* A context a thread: OpenSSL 3 locks the shared parts of one. */
int app_open_kv(void *user, struct sg_kv **ret)
{
    const struct app *a = user;
    static _Thread_local struct sg_tls_ctx *tls; /* lives as long as the process */
    int r = tls ? 0 : sg_cas_tls(&a->grant, false, SG_TLS_PEER_REQUIRED, &tls);
    if (r)
        return sg_fold(r);
    const struct sg_kv_remote remote = {
        .connect = a->options.kvsd_connect, .tls = tls, .expect_uri = "spiffe://sealgrid/kvsd"};
    return sg_fold(sg_kv_open_remote(ret, &remote));
}

static int attest(struct app *a)
{
    const struct fraud_options *o = &a->options;
    const struct sg_cas_bootstrap b = {.connect = o->cas_connect,
                                       .pin_hex = o->cas_pin,
                                       .service = "fraud",
                                       .provider = o->cas_provider,
                                       .sim_platform = o->cas_platform,
                                       .retry_ms = CAS_RETRY_MS};
    if (!o->cas_pin)
        return app_complain("--cas.pin", "must be given with --store");
    if (!o->cas_platform && !strcmp(o->cas_provider, "sim"))
        return app_complain("--cas.platform", "must be given with --cas.provider sim");
    return sg_cas_bootstrap(&b, &a->grant) ? app_fail("attestation") : 0;
}

/* "-03:00" */
static bool parse_offset(const char *text, int32_t *ret_s)
{
    unsigned hours, minutes;
    char sign;
    int end = 0;
    if (sscanf(text, "%c%2u:%2u%n", &sign, &hours, &minutes, &end) != 3 || text[end] ||
        (sign != '+' && sign != '-') || hours > 14 || minutes > 59)
        return false;
    *ret_s = (int32_t)(hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
    return true;
}

int app_take_zone(struct app *a)
{
    int r = parse_offset(a->options.zone, &a->east_s) ? 0 : sg_tz_load(&a->tz, a->options.zone);
    if (r > 0)
        return app_complain("--zone",
                            r == SG_TZ_UNKNOWN ? "no such zone here" : "zone file damaged");
    return r ? app_fail("--zone") : 0;
}

/* Without --last-day: yesterday, the last day that is over. */
static int take_last_day(struct app *a)
{
    int32_t day;
    if (a->options.last_day) {
        if (!plan_date(a->options.last_day, &day))
            return app_complain("--last-day", "a date, 2026-09-30");
    } else {
        const int64_t now = sg_clock_unix_s();
        day = (int32_t)((now + (a->tz ? sg_tz_at(a->tz, now).east_s : a->east_s)) / 86400) - 1;
    }
    plan_anchor(&a->plan, day);
    return 0;
}

static int list_clients(struct app *a, size_t *ret_n)
{
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    if (a->options.client) {
        char *end;
        errno = 0;
        const long long client = strtoll(a->options.client, &end, 10);
        if (errno || *end || end == a->options.client)
            return app_complain("--client", "with --store a whole number");
        a->clients = malloc(sizeof(*a->clients));
        if (!a->clients)
            return app_complain("--client", "no memory");
        a->clients[0] = client;
        *ret_n = 1;
        return 0;
    }
    if (app_open_kv(a, &kv) || sg_table_clients(kv, &a->clients, ret_n))
        return app_fail("store");
    return 0;
}

/* Everything but the source itself. */
int app_prepare_store(struct app *a)
{
    const int64_t points = a->options.points;
    int r;
    if (points != 24 && points != 48 && points != 96)
        return app_complain("--points", "24, 48 or 96");
    r = app_take_zone(a);
    if (r == 0 && !a->options.learn)
        r = take_last_day(a);
    if (r == 0)
        r = attest(a);
    return r ? r : list_clients(a, &a->n_clients);
}

static int open_store(struct app *a, const struct plan *plan, struct source **ret)
{
    struct source_store o = {.open_kv = app_open_kv,
                             .user = a,
                             .tz = a->tz,
                             .east_s = a->east_s,
                             .span = plan_span(plan),
                             .points = (uint32_t)a->options.points,
                             .clients = a->clients,
                             .n_clients = a->n_clients};
    a->plan.calendar = true;
    if (a->plan.mode != MODE_CORRELATION && !a->options.map)
        o.keep_bytes = (uint64_t)a->options.keep_mib << 20;
    if (source_store_open(ret, &o))
        return app_fail("store");
    if (plan->mode == MODE_FULL && !a->options.phasors)
        source_want_phasors(*ret, plan->windows.test.first);
    return 0;
}

int app_open_source(void *user, const struct plan *plan, struct source **ret)
{
    struct app *a = user;
    return a->options.store ? open_store(a, plan, ret) : open_file(a, plan, ret);
}
