#pragma once
/*
 * metrics - counters and gauges in the Prometheus text format (version 0.0.4).
 * Metrics live for the process; register at start, count from any thread.
 */
#include <stdatomic.h>
#include <sealgrid/base/buf.h>

struct sg_metric {
    const char *name; /* sealgrid_authd_readings_accepted_total */
    const char *labels; /* NULL or "reason=\"replay\"" */
    const char *help;
    bool gauge;
    _Atomic int64_t value;
    struct sg_metric *next; /* registry's */
};

void sg_metric_register(struct sg_metric *m);
static inline void sg_metric_add(struct sg_metric *m, int64_t n)
{
    atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}
static inline void sg_metric_set(struct sg_metric *m, int64_t v)
{
    atomic_store_explicit(&m->value, v, memory_order_relaxed);
}
static inline int64_t sg_metric_get(const struct sg_metric *m)
{
    return atomic_load_explicit(&m->value, memory_order_relaxed);
}
/* Everything registered, plus process_resident_memory_bytes, process_cpu_seconds_total and
 * process_open_fds. */
SG_MUST_USE int sg_metrics_write(struct sg_buf *b);
/* The most octets of memory that this process had resident since its program began; 0: not told. */
int64_t sg_metrics_peak_rss(void);
