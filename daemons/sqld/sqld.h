#pragma once
/*
 * sqld - options and the parts of its main (DESIGN.md).
 */
#include <sealgrid/cas/daemon.h>
#include <sealgrid/sql/service.h>

/* kind, member, name, default, min, max, required, help */
#define SQLD_OPTIONS(X)                                                                            \
    X(STRING, listen, "listen", "127.0.0.1:17440", 0, 0, false, "address of the service")          \
    X(STRING, kvsd_connect, "kvsd.connect", "127.0.0.1:17410", 0, 0, false, "address of kvsd")     \
    X(INT, kvsd_timeout_ms, "kvsd.timeout-ms", "30000", 100, 3600000, false,                       \
      "longest wait for one answer of kvsd")                                                       \
    X(INT, kvsd_sessions, "kvsd.sessions", "64", 2, 4096, false,                                   \
      "connections to kvsd at most; a statement takes one for each table it reads at once")        \
    X(STRING, bucket, "bucket", "metering", 0, 0, false,                                           \
      "bucket that holds tables and dictionary")                                                   \
    X(LIST, access, "access", NULL, 0, 0, false,                                                   \
      "\"WHO ROLE\" each: spiffe://... or key:NAME, reader or admin; default: key:reader reader, " \
      "key:admin admin, spiffe://sealgrid/operator admin")                                         \
    X(INT, workers, "workers", "16", 1, 256, false, "statements run at once")                      \
    X(INT, max_connections, "max-connections", "512", 1, 16000, false, "more are closed at once")  \
    X(INT, statement_timeout_ms, "statement-timeout-ms", "300000", 10, 86400000, false,            \
      "a statement that takes longer is ended")                                                    \
    X(INT, slow_ms, "slow-ms", "5000", 1, 86400000, false,                                         \
      "a statement that takes longer is logged (its time and rows only)")                          \
    X(INT, body_kib, "body-kib", "8192", 1, 65536, false, "largest request, KiB")                  \
    X(INT, memory_mib, "memory-mib", "512", 16, 65536, false,                                      \
      "memory of all sorters and temporary results together, MiB")                                 \
    X(INT, catalog_ms, "catalog-ms", "2000", 1, 3600000, false,                                    \
      "age at which the dictionary is read again; matters with several sqld")

struct sqld_options {
    struct sg_daemon_options common;
    SQLD_OPTIONS(SG_CONF_MEMBER)
};

extern const struct sg_conf_table sqld_table;

#define SQLD_GRANTS_MAX 64
/* Grants of the options, or the default ones. */
SG_MUST_USE int sqld_grants(const struct sqld_options *o, struct sg_sql_grant *ret, size_t *ret_n);

/* The daemon's whole life (sg_daemon). */
SG_MUST_USE int sqld_run(const void *options, int ends);
