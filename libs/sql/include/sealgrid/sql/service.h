#pragma once
/*
 * sql service - POST /v1/sql (docs/sql.md): an sg_http_handler in front of an engine.
 *
 * Who a caller is says net/caller.h; what it may do is a list of grants; nothing is granted by
 * default.  Neither SQL, nor values, nor messages that quote them are logged: a statement's log
 * line is its outcome, rows and milliseconds.
 *
 * Owns: its connections, at most one a worker.  Borrows: the engine.  Any thread.
 */
#include <sealgrid/net/caller.h>
#include <sealgrid/sql.h>

struct sg_sql_service;

struct sg_sql_grant {
    char who[SG_CALLER_MAX]; /* "spiffe://sealgrid/operator" or "key:NAME" */
    enum sg_sql_role role;
};

/* "key:reader reader", "spiffe://sealgrid/operator admin".  -EINVAL. */
SG_MUST_USE int sg_sql_grant_parse(const char *text, struct sg_sql_grant *ret);

struct sg_sql_service_options {
    struct sg_sql_engine *engine;
    const struct sg_sql_grant *grants;
    size_t n_grants;
    const struct sg_api_key *api_keys;
    size_t n_api_keys;
    size_t body_max;    /* of a request; 0: 8 MiB */
    int64_t timeout_ms; /* of a statement, or of all of a transaction; 0: 60,000 */
    int64_t slow_ms;    /* a log line for one that takes longer; 0: 5,000 */
};

SG_MUST_USE int sg_sql_service_new(struct sg_sql_service **ret,
                                   const struct sg_sql_service_options *o);
/* After its server was stopped. */
void sg_sql_service_free(struct sg_sql_service *s);
SG_DEFINE_FREEP(struct sg_sql_service, sg_sql_service_free)
/* Answers one exchange; user is the service. */
SG_MUST_USE int sg_sql_service_handle(void *service, struct sg_http_exchange *x);
