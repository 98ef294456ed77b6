#include "sqld.h"

#include <sealgrid/base/log.h>
#include <sealgrid/cas/identity.h>
#include <sealgrid/kv.h>
#include <sealgrid/net/http.h>
#include <sealgrid/net/ops.h>

enum { STOP_GRACE_MS = 5000 };

/* What serves, in the order in which it is made. */
struct front {
    struct sg_cas_identity *identity;
    struct sg_kv_remote kvsd;
    struct sg_sql_engine *engine;
    struct sg_sql_service *service;
    struct sg_http_server *http;
    struct sg_ops *ops;
};

static void front_close(struct front *f)
{
    sg_ops_free(f->ops); /* its probe looks at the engine */
    if (f->http)
        sg_http_server_stop(f->http, STOP_GRACE_MS);
    sg_http_server_free(f->http);
    sg_sql_service_free(f->service);
    sg_sql_engine_free(f->engine);
    sg_cas_identity_free(f->identity);
}

static int open_kvsd(void *user, struct sg_kv **ret)
{
    const struct front *f = user;
    return sg_kv_open_remote(ret, &f->kvsd);
}

static int make_engine(struct front *f, const struct sqld_options *o)
{
    f->kvsd = (struct sg_kv_remote){
        .connect = o->kvsd_connect,
        .tls = sg_cas_identity_client(f->identity),
        .expect_uri = "spiffe://sealgrid/kvsd",
        .timeout_ms = (int)o->kvsd_timeout_ms,
    };
    const struct sg_sql_engine_options eo = {
        .open = open_kvsd,
        .user = f,
        .bucket = o->bucket,
        .max_sessions = (unsigned)o->kvsd_sessions,
        .catalog_ms = o->catalog_ms,
        .memory_max_bytes = o->memory_mib << 20,
    };
    return sg_sql_engine_new(&f->engine, &eo);
}

static int make_service(struct front *f, const struct sqld_options *o, const struct sg_cas_grant *g)
{
    struct sg_sql_grant grants[SQLD_GRANTS_MAX];
    SG_FREE struct sg_api_key *keys = calloc(g->n_secrets + 1, sizeof(*keys));
    if (!keys)
        return sg_raise(-ENOMEM);
    struct sg_sql_service_options so = {
        .engine = f->engine,
        .grants = grants,
        .api_keys = keys,
        .n_api_keys = sg_cas_api_keys(g, keys),
        .body_max = (size_t)o->body_kib << 10,
        .timeout_ms = o->statement_timeout_ms,
        .slow_ms = o->slow_ms,
    };
    int r = sqld_grants(o, grants, &so.n_grants);
    return r < 0 ? r : sg_sql_service_new(&f->service, &so);
}

static int make_server(struct front *f, const struct sqld_options *o)
{
    const struct sg_http_server_options so = {
        .listen = o->listen,
        .tls = sg_cas_identity_server(f->identity),
        .workers = (unsigned)o->workers,
        .max_connections = (unsigned)o->max_connections,
        .body_max = (uint64_t)o->body_kib << 10,
    };
    return sg_http_server_start(&f->http, &so, sg_sql_service_handle, f->service);
}

/* Asked by probes now and then: ready is who reaches the dictionary. */
static bool is_ready(void *user)
{
    const struct front *f = user;
    return sg_sql_engine_probe(f->engine) == 0;
}

/* Fills *f, which must not move afterwards: the engine knows its address. */
static int front_open(struct front *f, const struct sqld_options *o)
{
    const struct sg_cas_bootstrap casd = sg_daemon_cas(&o->common, "sqld");
    SG_CLEANUP(sg_cas_grant_clear) struct sg_cas_grant grant = {0};
    int r = sg_daemon_attest(&casd, &grant);
    if (r == 0)
        r = sg_cas_identity_new(&f->identity, &casd, &grant, SG_TLS_PEER_OPTIONAL);
    if (r == 0)
        r = make_engine(f, o);
    if (r == 0)
        r = make_service(f, o, &grant);
    if (r == 0)
        r = make_server(f, o);
    if (r == 0)
        r = sg_ops_start(&f->ops, o->common.ops_listen, is_ready, f);
    return r;
}

int sqld_run(const void *options, int ends)
{
    const struct sqld_options *o = options;
    SG_CLEANUP(front_close) struct front f = {0};
    int r = front_open(&f, o);
    if (r < 0)
        return r;
    sg_log(SG_LOG_INFO, "started", SG_STR("listen", o->listen),
           SG_UINT("port", sg_http_server_port(f.http)));
    (void)sg_daemon_wait(ends, -1);
    return 0;
}
