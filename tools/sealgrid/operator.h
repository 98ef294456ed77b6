#pragma once
/*
 * operator - this command's own identity: attested by casd like any service, as "operator".
 */
#include "deployment.h"

#include <sealgrid/base/buf.h>
#include <sealgrid/cas/client.h>
#include <sealgrid/kv.h>
#include <sealgrid/net/http.h>

struct sg_operator {
    struct sg_cas_grant grant;
    struct sg_tls_ctx *tls; /* client context */
};

SG_MUST_USE int sg_operator_attest(struct sg_operator *ret, const struct sg_deployment *d);
void sg_operator_clear(struct sg_operator *o);

/* Record session with kvsd. */
SG_MUST_USE int sg_operator_kv(const struct sg_operator *o, const struct sg_deployment *d,
                               struct sg_kv **ret);
/* HTTPS client of a service, by name. */
SG_MUST_USE int sg_operator_http(const struct sg_operator *o, const struct sg_deployment *d,
                                 const char *service, struct sg_http_client **ret);
/* Runs one statement; the whole JSON answer in *ret.  Positive: the HTTP status, if not 200. */
SG_MUST_USE int sg_operator_sql(const struct sg_operator *o, struct sg_http_client *sqld,
                                const char *sql, struct sg_buf *ret);
