#include "operator.h"

#include <sealgrid/base/json.h>
#include <stdio.h>

#define ATTEST_RETRY_MS 15000

int sg_operator_attest(struct sg_operator *ret, const struct sg_deployment *d)
{
    char connect[32], platform[SG_PATH_MAX + 16];
    snprintf(connect, sizeof connect, "127.0.0.1:%u", sg_deployment_port(d, "casd"));
    snprintf(platform, sizeof platform, "%s/platform", d->dir);
    struct sg_cas_bootstrap o = {
        .connect = connect,
        .pin_hex = d->pin,
        .service = "operator",
        .provider = "sim",
        .sim_platform = platform,
        .retry_ms = ATTEST_RETRY_MS,
    };
    struct sg_operator op = {0};
    int r = sg_fold(sg_cas_bootstrap(&o, &op.grant));
    if (r)
        return r;
    r = sg_cas_tls(&op.grant, false, SG_TLS_PEER_REQUIRED, &op.tls);
    if (r) {
        sg_cas_grant_clear(&op.grant);
        return r;
    }
    *ret = op;
    return 0;
}

void sg_operator_clear(struct sg_operator *o)
{
    if (o->tls)
        sg_tls_ctx_free(o->tls);
    o->tls = NULL;
    sg_cas_grant_clear(&o->grant);
}

int sg_operator_kv(const struct sg_operator *o, const struct sg_deployment *d, struct sg_kv **ret)
{
    char connect[32];
    snprintf(connect, sizeof connect, "127.0.0.1:%u", sg_deployment_port(d, "kvsd"));
    struct sg_kv_remote remote = {
        .connect = connect, .tls = o->tls, .expect_uri = "spiffe://sealgrid/kvsd"};
    return sg_kv_open_remote(ret, &remote);
}

int sg_operator_http(const struct sg_operator *o, const struct sg_deployment *d,
                     const char *service, struct sg_http_client **ret)
{
    char connect[32], uri[64];
    snprintf(connect, sizeof connect, "127.0.0.1:%u", sg_deployment_port(d, service));
    snprintf(uri, sizeof uri, "spiffe://sealgrid/%s", service);
    struct sg_http_client_options options = {.connect = connect,
                                             .tls = o->tls,
                                             .expect_uri = uri,
                                             .io_timeout_ms = 300000,
                                             .body_max = UINT64_C(1) << 30};
    return sg_http_client_new(ret, &options);
}

int sg_operator_sql(const struct sg_operator *o, struct sg_http_client *sqld, const char *sql,
                    struct sg_buf *ret)
{
    (void)o; /* the client carries the identity */
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(65536);
    struct sg_json j;
    sg_json_init(&j, &body);
    sg_json_object(&j);
    sg_json_key(&j, "sql");
    sg_json_str(&j, sql);
    sg_json_end_object(&j);
    int r = sg_json_done(&j);
    if (r)
        return r;
    const struct sg_http_field field = {"Content-Type", "application/json"};
    int status;
    r = sg_http_call(sqld, "POST", "/v1/sql", &field, 1, sg_buf_bytes(&body), &status, ret);
    return r ? sg_fold(r) : status == 200 ? 0 : status;
}
