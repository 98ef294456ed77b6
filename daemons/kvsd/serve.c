#include "kvsd.h"

#include <sealgrid/base/log.h>
#include <sealgrid/base/metrics.h>
#include <sealgrid/cas/identity.h>
#include <sealgrid/net/http.h>
#include <sealgrid/net/ops.h>

#define MIB ((uint64_t)1 << 20)

enum { STOP_GRACE_MS = 5000, LOOK_EVERY_MS = 5000 };

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

static void http_end(struct sg_http_server **s)
{
    if (*s)
        sg_http_server_stop(*s, STOP_GRACE_MS);
    sg_http_server_free(*s);
}

static int serve(const struct kvsd_options *o, const struct sg_cas_identity *identity,
                 struct sg_kv_service *service, struct sg_store *store, int ends)
{
    SG_CLEANUP(http_end) struct sg_http_server *http = NULL;
    SG_CLEANUP(sg_ops_freep) struct sg_ops *ops = NULL;
    const struct sg_http_server_options so = {
        .listen = o->listen,
        .tls = sg_cas_identity_server(identity),
        .workers = (unsigned)o->workers,
        .max_connections = (unsigned)o->max_connections,
        .body_max = (uint64_t)o->object_mib * MIB,
    };
    int r = sg_http_server_start(&http, &so, sg_kv_service_handle, service);
    if (r == 0)
        r = sg_ops_start(&ops, o->common.ops_listen, is_ready, store);
    if (r < 0)
        return r;
    sg_log(SG_LOG_INFO, "started", SG_STR("listen", o->listen),
           SG_UINT("port", sg_http_server_port(http)));
    do
        update_metrics(store);
    while (!sg_daemon_wait(ends, LOOK_EVERY_MS));
    return 0;
}

int kvsd_run(const void *options, int ends)
{
    const struct kvsd_options *o = options;
    const struct sg_cas_bootstrap casd = sg_daemon_cas(&o->common, "kvsd");
    SG_CLEANUP(sg_cas_grant_clear) struct sg_cas_grant grant = {0};
    SG_CLEANUP(sg_store_closep) struct sg_store *store = NULL;
    SG_CLEANUP(sg_kv_service_freep) struct sg_kv_service *service = NULL;
    SG_CLEANUP(sg_cas_identity_freep) struct sg_cas_identity *identity = NULL;
    int r = sg_daemon_attest(&casd, &grant);
    if (r == 0)
        r = kvsd_open_store(&store, o, &grant);
    if (r == 0)
        r = kvsd_make_service(&service, o, &grant, store);
    sg_cas_forget_secrets(&grant);
    if (r == 0)
        r = sg_cas_identity_new(&identity, &casd, &grant, SG_TLS_PEER_OPTIONAL);
    if (r < 0)
        return r;
    register_metrics();
    log_volumes(store);
    return serve(o, identity, service, store, ends);
}
