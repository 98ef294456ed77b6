#include <pthread.h>

#include <sealgrid/base/metrics.h>

#include "kv-service-int.h"

static struct sg_metric counters[SG_KV_COUNTERS_N] = {
#define SG_R(id, word)                                                                             \
    [SG_KV_COUNT_REQUESTS + SG_KV_ROUTE_##id] = {.name = "sealgrid_kv_requests_total",             \
                                                 .labels = "kind=\"" word "\"",                    \
                                                 .help = "requests let through, by kind"},
    SG_KV_ROUTES(SG_R)
#undef SG_R
        [SG_KV_COUNT_ROWS_READ] = {.name = "sealgrid_kv_rows_read_total",
                                   .help = "rows sent by scans and gets"},
    [SG_KV_COUNT_ROWS_WRITTEN] = {.name = "sealgrid_kv_operations_written_total",
                                  .help = "operations of accepted batches"},
    [SG_KV_COUNT_CONFLICTS] = {.name = "sealgrid_kv_conflicts_total",
                               .help = "batches refused by a precondition"},
    [SG_KV_COUNT_UNAUTHENTICATED] = {.name = "sealgrid_kv_unauthenticated_total",
                                     .help = "requests from nobody known"},
    [SG_KV_COUNT_DENIED] = {.name = "sealgrid_kv_denied_total",
                            .help = "requests that no grant covers"},
    [SG_KV_COUNT_FAILURES] = {.name = "sealgrid_kv_failures_total",
                              .help = "requests that failed on our side, damage included"},
};

static void register_all(void)
{
    for (size_t i = 0; i < SG_KV_COUNTERS_N; i++)
        sg_metric_register(&counters[i]);
}

void sg_kv_count_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_all);
}

void sg_kv_count(enum sg_kv_counter counter, int64_t n)
{
    sg_metric_add(&counters[counter], n);
}
