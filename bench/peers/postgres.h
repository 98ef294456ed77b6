#pragma once
/*
 * postgres - PostgreSQL 15 as a peer: its own cluster in a folder of the run, TLS 1.3 over
 * loopback, fsync and synchronous_commit on, statements prepared once, results as text or binary.
 *
 * The server's other settings are Debian's, but for shared_buffers (256 MiB, so that the table is
 * in memory as it is in ours) and max_wal_size (2 GB, so that no checkpoint falls into a lap).
 * Nobody has to log in: ours checks an API key with every request, PostgreSQL a password once.
 * Owns the server and its connection.  One thread.
 */
#include "suites/sql-data.h"

#include "server.h"

struct postgres_peer;

/* Positive outcomes as in server.h, with *ret_reason. */
SG_MUST_USE int postgres_peer_open(struct postgres_peer **ret, const char *folder,
                                   struct sg_bench_reason *ret_reason);
void postgres_peer_close(struct postgres_peer *p);
SG_DEFINE_FREEP(struct postgres_peer, postgres_peer_close)

/* Results in libpq's binary or text form; integers are 64 bits wide in both. */
struct sql_target postgres_peer_target(struct postgres_peer *p, bool binary);
/* Rows 1..n of a client by COPY, not timed. */
SG_MUST_USE int postgres_peer_load(struct postgres_peer *p, int64_t client, int64_t n);
/* VACUUM ANALYZE: index and planner are as they should be. */
SG_MUST_USE int postgres_peer_settle(struct postgres_peer *p);
const char *postgres_peer_name(bool binary);
/* Processor time that the server has spent on us so far, parallel workers included; in steps of the
 * kernel's clock tick, 10 ms. */
SG_MUST_USE int postgres_peer_cpu_ns(struct postgres_peer *p, int64_t *ret);
