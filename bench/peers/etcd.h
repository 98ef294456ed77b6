#pragma once
/*
 * etcd - etcd 3.4, one member, over HTTPS with client certificates: its gRPC service through its
 * own JSON gateway (POST /v3/kv/...), keys and values in base64, for want of a gRPC library in C.
 * Durable by its log.  A batch is one transaction.
 */
#include "map.h"
#include "server.h"
#include "trust.h"

struct sg_bench_etcd;

/* Starts a server in the folder.  SG_BENCH_ABSENT, SG_BENCH_SILENT.  Borrows trust. */
SG_MUST_USE int sg_bench_etcd_start(struct sg_bench_etcd **ret, const char *folder,
                                    const struct sg_bench_trust *trust,
                                    struct sg_bench_reason *ret_reason);
void sg_bench_etcd_stop(struct sg_bench_etcd *e);
SG_DEFINE_FREEP(struct sg_bench_etcd, sg_bench_etcd_stop)
/* One connection; the server outlives it. */
SG_MUST_USE int sg_bench_etcd_open(struct sg_bench_map **ret, struct sg_bench_etcd *e);
