#pragma once
/*
 * redis - Redis 7 over TLS 1.3 with client certificates, append-only file synced before every
 * answer.  A client's rows are one hash, field = time: Redis has no order within a hash, so a scan
 * of a client (HGETALL) is complete but unordered, and ranges are not asked of it.
 * A batch is one HSET for each run of rows of one client, sent together; not atomic across clients.
 *
 * Debian's hiredis 0.14 knows no TLS: commands are written and answers read here.
 */
#include "map.h"
#include "server.h"
#include "trust.h"

struct sg_bench_redis;

/* Starts a server in the folder.  SG_BENCH_ABSENT, SG_BENCH_SILENT.  Borrows trust. */
SG_MUST_USE int sg_bench_redis_start(struct sg_bench_redis **ret, const char *folder,
                                     const struct sg_bench_trust *trust,
                                     struct sg_bench_reason *ret_reason);
void sg_bench_redis_stop(struct sg_bench_redis *r);
SG_DEFINE_FREEP(struct sg_bench_redis, sg_bench_redis_stop)
/* One connection; the server outlives it.  Several gets at once are pipelined. */
SG_MUST_USE int sg_bench_redis_open(struct sg_bench_map **ret, struct sg_bench_redis *r);
