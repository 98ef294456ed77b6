#pragma once
/*
 * kv service internals - one exchange on its way through routing, access and handlers.
 */
#include <sealgrid/kvs/service.h>

#define SG_KV_ROUTES(R)                                                                            \
    R(BATCH, "batch")                                                                              \
    R(GET, "get")                                                                                  \
    R(SCAN, "scan")                                                                                \
    R(PARTITIONS, "partitions")                                                                    \
    R(OBJECT_PUT, "object_put")                                                                    \
    R(OBJECT_GET, "object_get")                                                                    \
    R(OBJECT_DELETE, "object_delete")                                                              \
    R(OBJECT_LIST, "object_list")                                                                  \
    R(BUCKET, "bucket")                                                                            \
    R(VOLUMES, "volumes")                                                                          \
    R(FILES, "files")                                                                              \
    R(SCRUB, "scrub")

enum sg_kv_route {
#define SG_R(name, word) SG_KV_ROUTE_##name,
    SG_KV_ROUTES(SG_R)
#undef SG_R
        SG_KV_ROUTES_N,
    SG_KV_ROUTE_UNKNOWN = SG_KV_ROUTES_N,
    SG_KV_ROUTE_BAD_METHOD,
};

struct sg_kv_call {
    struct sg_kv_service *service;
    struct sg_http_exchange *x;
    struct sg_kv *kv;
    char bucket[64];
    const char *name; /* object */
};

/* Bucket of the path ("*" for the administration) and what follows it. */
enum sg_kv_route sg_kv_route(const char *method, const char *path, char ret_bucket[64],
                             const char **ret_name);

/* JSON of one listing at most. */
#define SG_KV_LISTING_MAX ((size_t)64 << 20)

/* The error reply of a nonzero result. */
SG_MUST_USE int sg_kv_reply_result(struct sg_kv_call *c, int result);

/* Counts and logs a failure of ours, or damage. */
void sg_kv_report(const char *event, int result);

SG_MUST_USE int sg_kv_handle_batch(struct sg_kv_call *c);
SG_MUST_USE int sg_kv_handle_get(struct sg_kv_call *c);
SG_MUST_USE int sg_kv_handle_scan(struct sg_kv_call *c);
SG_MUST_USE int sg_kv_handle_partitions(struct sg_kv_call *c);

/* ---- counters ---- */

enum sg_kv_counter {
    SG_KV_COUNT_REQUESTS, /* one a route */
    SG_KV_COUNT_ROWS_READ = SG_KV_COUNT_REQUESTS + SG_KV_ROUTES_N,
    SG_KV_COUNT_ROWS_WRITTEN,
    SG_KV_COUNT_CONFLICTS,
    SG_KV_COUNT_UNAUTHENTICATED,
    SG_KV_COUNT_DENIED,
    SG_KV_COUNT_FAILURES,
    SG_KV_COUNTERS_N,
};

void sg_kv_count_init(void);
void sg_kv_count(enum sg_kv_counter counter, int64_t n);
