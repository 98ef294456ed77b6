#include "sqld.h"

#include <stdio.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/log.h>
#include <sealgrid/kv.h>
#include <sealgrid/net/http.h>
#include <sealgrid/net/ops.h>

enum {
    STOP_GRACE_MS = 5000,
    LOOK_EVERY_S = 5,
    RENEW_AGAIN_S = 30,
    API_KEYS_MAX = 64,
};

/* What one identity serves with, in the order in which it is made. */
struct front {
    struct sg_kv_remote kvsd;
    struct sg_tls_ctx *kvsd_tls, *tls;
    struct sg_sql_engine *engine;
    struct sg_sql_service *service;
    struct sg_http_server *http;
};

static void front_close(struct front *f)
{
    if (f->http)
        sg_http_server_stop(f->http, STOP_GRACE_MS);
    sg_http_server_free(f->http);
    sg_sql_service_free(f->service);
    sg_sql_engine_free(f->engine);
    sg_tls_ctx_free(f->tls);
    sg_tls_ctx_free(f->kvsd_tls);
    *f = (struct front){0};
}

static void front_free(struct front **f)
{
    if (*f)
        front_close(*f);
    free(*f);
}

static int open_kvsd(void *user, struct sg_kv **ret)
{
    const struct front *f = user;
    return sg_kv_open_remote(ret, &f->kvsd);
}

static int make_engine(struct front *f, const struct sqld_options *o, const struct sg_cas_grant *g)
{
    int r = sg_cas_tls(g, false, SG_TLS_PEER_REQUIRED, &f->kvsd_tls);
    if (r < 0)
        return r;
    f->kvsd = (struct sg_kv_remote){
        .connect = o->kvsd_connect,
        .tls = f->kvsd_tls,
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

/* Every secret "api-key/NAME" of the grant. */
static size_t api_keys(const struct sg_cas_grant *g, struct sg_sql_api_key *ret)
{
    static const char prefix[] = "api-key/";
    size_t n = 0;
    for (size_t i = 0; i < g->n_secrets && n < API_KEYS_MAX; i++)
        if (strncmp(g->secrets[i].name, prefix, sizeof(prefix) - 1) == 0)
            ret[n++] = (struct sg_sql_api_key){g->secrets[i].name + sizeof(prefix) - 1,
                                               sg_secret_bytes(&g->secrets[i].value)};
    return n;
}

static int make_service(struct front *f, const struct sqld_options *o, const struct sg_cas_grant *g)
{
    struct sg_sql_grant grants[SQLD_GRANTS_MAX];
    struct sg_sql_api_key keys[API_KEYS_MAX];
    struct sg_sql_service_options so = {
        .engine = f->engine,
        .grants = grants,
        .api_keys = keys,
        .n_api_keys = api_keys(g, keys),
        .body_max = (size_t)o->body_kib << 10,
        .timeout_ms = o->statement_timeout_ms,
        .slow_ms = o->slow_ms,
    };
    int r = sqld_grants(o, grants, &so.n_grants);
    return r < 0 ? r : sg_sql_service_new(&f->service, &so);
}

static int make_server(struct front *f, const struct sqld_options *o, const struct sg_cas_grant *g)
{
    int r = sg_cas_tls(g, true, SG_TLS_PEER_OPTIONAL, &f->tls);
    if (r < 0)
        return r;
    const struct sg_http_server_options so = {
        .listen = o->listen,
        .tls = f->tls,
        .workers = (unsigned)o->workers,
        .max_connections = (unsigned)o->max_connections,
        .body_max = (uint64_t)o->body_kib << 10,
    };
    return sg_http_server_start(&f->http, &so, sg_sql_service_handle, f->service);
}

/* Fills *f, which must not move afterwards: the engine knows its address. */
static int front_open(struct front *f, const struct sqld_options *o, const struct sg_cas_grant *g)
{
    int r = make_engine(f, o, g);
    if (r == 0)
        r = make_service(f, o, g);
    if (r == 0)
        r = make_server(f, o, g);
    if (r < 0)
        front_close(f);
    return r;
}

/* Asked by probes now and then: ready is who reaches the dictionary. */
static bool is_ready(void *user)
{
    const struct front *f = user;
    return f->engine && sg_sql_engine_probe(f->engine) == 0;
}

static void forget_secrets(struct sg_cas_grant *g)
{
    for (size_t i = 0; i < g->n_secrets; i++)
        sg_secret_clear(&g->secrets[i].value);
}

/* A new identity on the same address: running statements end first, callers connect anew. */
static int renew(struct front *f, struct sg_ops **ops, const struct sqld_options *o,
                 struct sg_cas_grant *grant)
{
    SG_CLEANUP(sg_cas_grant_clear) struct sg_cas_grant fresh = {0};
    int r = sqld_bootstrap(o, &fresh);
    if (r < 0)
        return r;
    sg_ops_free(TAKE_PTR(*ops)); /* its probe looks at the engine */
    front_close(f);
    r = front_open(f, o, &fresh);
    if (r == 0)
        r = sg_ops_start(ops, o->ops_listen, is_ready, f);
    if (r < 0)
        return r;
    forget_secrets(&fresh);
    struct sg_cas_grant old = *grant;
    *grant = fresh;
    fresh = old;
    sg_log(SG_LOG_INFO, "certificate.renewed");
    return 0;
}

static int loop(struct front *f, struct sg_ops **ops, const struct sqld_options *o,
                struct sg_cas_grant *grant, const sigset_t *ends)
{
    int64_t renew_at = sg_cas_renew_at(grant);
    for (;;) {
        const struct timespec wait = {.tv_sec = LOOK_EVERY_S};
        if (sigtimedwait(ends, NULL, &wait) > 0)
            return 0;
        if (sg_clock_unix_s() < renew_at)
            continue;
        int r = renew(f, ops, o, grant);
        if (r < 0 && (!f->http || !*ops))
            return r;
        if (r < 0)
            sg_log_failure("certificate.renewal_failed", r); /* the old one is good for a while */
        renew_at = r < 0 ? sg_clock_unix_s() + RENEW_AGAIN_S : sg_cas_renew_at(grant);
    }
}

int sqld_serve(const struct sqld_options *o, struct sg_cas_grant *grant, const sigset_t *ends)
{
    SG_CLEANUP(front_free) struct front *f = calloc(1, sizeof(*f));
    SG_CLEANUP(sg_ops_freep) struct sg_ops *ops = NULL; /* goes before f, which it asks */
    if (!f)
        return sg_raise(-ENOMEM);
    int r = front_open(f, o, grant);
    forget_secrets(grant);
    if (r == 0)
        r = sg_ops_start(&ops, o->ops_listen, is_ready, f);
    if (r < 0)
        return r;
    sg_log(SG_LOG_INFO, "started", SG_STR("listen", o->listen),
           SG_UINT("port", sg_http_server_port(f->http)));
    return loop(f, &ops, o, grant, ends);
}
