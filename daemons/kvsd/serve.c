#include "kvsd.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/base/log.h>
#include <sealgrid/base/metrics.h>
#include <sealgrid/net/http.h>
#include <sealgrid/net/ops.h>

#define MIB ((uint64_t)1 << 20)

enum { STOP_GRACE_MS = 5000, LOOK_EVERY_S = 5, RENEW_AGAIN_S = 30 };

/* What one certificate serves with. */
struct front {
    struct sg_tls_ctx *tls;
    struct sg_http_server *http;
};

static void front_close(struct front *f)
{
    if (f->http)
        sg_http_server_stop(f->http, STOP_GRACE_MS);
    sg_http_server_free(f->http);
    sg_tls_ctx_free(f->tls);
    *f = (struct front){0};
}

static int front_open(struct front *ret, const struct kvsd_options *o, const struct sg_cas_grant *g,
                      struct sg_kv_service *service)
{
    SG_CLEANUP(front_close) struct front f = {0};
    int r = sg_cas_tls(g, true, SG_TLS_PEER_OPTIONAL, &f.tls);
    if (r < 0)
        return r;
    const struct sg_http_server_options so = {
        .listen = o->listen,
        .tls = f.tls,
        .workers = (unsigned)o->workers,
        .max_connections = (unsigned)o->max_connections,
        .body_max = (uint64_t)o->object_mib * MIB,
    };
    r = sg_http_server_start(&f.http, &so, sg_kv_service_handle, service);
    if (r < 0)
        return r;
    *ret = f;
    f = (struct front){0};
    return 0;
}

/* ---- state for probes and metrics ---- */

static struct sg_metric online = {
    .name = "sealgrid_kvsd_volumes_online", .help = "volumes that serve", .gauge = true};
static struct sg_metric configured = {
    .name = "sealgrid_kvsd_volumes", .help = "volumes configured", .gauge = true};
static struct sg_metric writable = {
    .name = "sealgrid_kvsd_writable", .help = "1 while the store takes writes", .gauge = true};
static struct sg_metric damage = {.name = "sealgrid_kvsd_damage_found",
                                  .help = "pieces found damaged, withheld or rolled back",
                                  .gauge = true};
static struct sg_metric repaired = {.name = "sealgrid_kvsd_damage_repaired",
                                    .help = "pieces written again from a good copy",
                                    .gauge = true};

static void register_metrics(void)
{
    sg_metric_register(&online);
    sg_metric_register(&configured);
    sg_metric_register(&writable);
    sg_metric_register(&damage);
    sg_metric_register(&repaired);
}

static void update_metrics(struct sg_store *store)
{
    struct sg_store_status s;
    sg_store_status(store, &s);
    sg_metric_set(&online, s.online);
    sg_metric_set(&configured, (int64_t)s.n_volumes);
    sg_metric_set(&writable, s.writable);
    sg_metric_set(&damage, (int64_t)s.damage);
    sg_metric_set(&repaired, (int64_t)s.repaired);
}

static bool is_ready(void *store)
{
    struct sg_store_status s;
    sg_store_status(store, &s);
    return s.online > 0 && s.writable;
}

static void log_volumes(struct sg_store *store)
{
    struct sg_store_status s;
    sg_store_status(store, &s);
    for (unsigned slot = 0; slot < s.n_volumes; slot++) {
        struct sg_volume_status v;
        sg_store_volume_status(store, slot, &v);
        if (v.state != SG_VOLUME_ONLINE)
            sg_log(SG_LOG_WARN, "volume.set_aside", SG_UINT("volume", slot),
                   SG_STR("state", sg_volume_state_name(v.state)));
    }
}

/* ---- serving ---- */

/* A new identity on the same address: running requests end first, callers connect anew. */
static int renew(struct front *f, const struct kvsd_options *o, struct sg_cas_grant *grant,
                 struct sg_kv_service *service)
{
    SG_CLEANUP(sg_cas_grant_clear) struct sg_cas_grant fresh = {0};
    int r = kvsd_bootstrap(o, &fresh);
    if (r < 0)
        return r;
    kvsd_forget_secrets(&fresh);
    front_close(f);
    r = front_open(f, o, &fresh, service);
    if (r < 0)
        return r;
    struct sg_cas_grant old = *grant;
    *grant = fresh;
    fresh = old;
    sg_log(SG_LOG_INFO, "certificate.renewed");
    return 0;
}

static int loop(struct front *f, const struct kvsd_options *o, struct sg_cas_grant *grant,
                struct sg_kv_service *service, struct sg_store *store, const sigset_t *ends)
{
    int64_t renew_at = sg_cas_renew_at(grant);
    for (;;) {
        const struct timespec wait = {.tv_sec = LOOK_EVERY_S};
        update_metrics(store);
        if (sigtimedwait(ends, NULL, &wait) > 0)
            return 0;
        if (sg_clock_unix_s() < renew_at)
            continue;
        int r = renew(f, o, grant, service);
        if (r < 0 && !f->http)
            return r;
        if (r < 0)
            sg_log_failure("certificate.renewal_failed", r); /* the old one is good for a while */
        renew_at = r < 0 ? sg_clock_unix_s() + RENEW_AGAIN_S : sg_cas_renew_at(grant);
    }
}

int kvsd_serve(const struct kvsd_options *o, struct sg_cas_grant *grant,
               struct sg_kv_service *service, struct sg_store *store, const sigset_t *ends)
{
    SG_CLEANUP(front_close) struct front f = {0};
    SG_CLEANUP(sg_ops_freep) struct sg_ops *ops = NULL;
    register_metrics();
    log_volumes(store);
    int r = front_open(&f, o, grant, service);
    if (r == 0)
        r = sg_ops_start(&ops, o->ops_listen, is_ready, store);
    if (r < 0)
        return r;
    sg_log(SG_LOG_INFO, "started", SG_STR("listen", o->listen),
           SG_UINT("port", sg_http_server_port(f.http)));
    return loop(&f, o, grant, service, store, ends);
}
