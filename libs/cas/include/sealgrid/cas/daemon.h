#pragma once
/*
 * cas daemon - what the main of every daemon does: harden the process, start the log, read the
 * options, hold back SIGTERM and SIGINT, run, say how it ended.  And what daemons with an identity
 * share: their options and the bootstrap.
 *
 * Exit status: 0 after an orderly end, 1 on a failure (the log says which), 2 on unusable options.
 */
#include <sealgrid/base/conf.h>
#include <sealgrid/cas/client.h>

/* Rows for tables of daemons that bootstrap, in the order of SG_CONF_ROW; ops_address: default of
 * ops.listen. */
#define SG_DAEMON_OPTIONS(X, ops_address)                                                          \
    X(STRING, ops_listen, "ops.listen", ops_address, 0, 0, false,                                  \
      "loopback address of /metrics, /healthz, /readyz")                                           \
    X(STRING, cas_connect, "cas.connect", "127.0.0.1:17400", 0, 0, false, "address of casd")       \
    X(STRING, cas_pin, "cas.pin", NULL, 0, 0, true, "SHA-256 of casd's CA certificate, hex")       \
    X(STRING, cas_provider, "cas.provider", "sim", 0, 0, false,                                    \
      "trusted environment; sim protects nobody")                                                  \
    X(STRING, cas_platform, "cas.platform", NULL, 0, 0, false,                                     \
      "of sim: its folder; of tpm: a TCTI, device:/dev/tpmrm0; of the others: their files")        \
    X(STRING, cas_policy, "cas.policy", NULL, 0, 0, false,                                         \
      "what casd's own evidence must be, as attest verify --policy; without: the pin alone")       \
    X(LIST, cas_collateral, "cas.collateral", NULL, 0, 0, false,                                   \
      "with cas.policy: files and folders of collateral")                                          \
    X(LIST, cas_roots, "cas.roots", NULL, 0, 0, false,                                             \
      "with cas.policy: roots of evidence beside the pinned ones, intel:FILE")                     \
    X(INT, cas_retry_ms, "cas.retry-ms", "60000", 0, 86400000, false,                              \
      "how long to go on trying to reach casd at the start")

/* A member of the daemon's struct; its rows are SG_CONF_ROW(type, kind, common.member, ...). */
struct sg_daemon_options {
    SG_DAEMON_OPTIONS(SG_CONF_MEMBER, NULL)
};

struct sg_daemon {
    const char *service; /* "kvsd": in the log and in the certificate */
    const struct sg_conf_table *table;
    /* From read options to the end.  ends: a descriptor that is readable once the daemon shall
     * stop, and stays so; the signals are blocked in every thread.  0 in good order; -errno, which
     * is logged; above 0: exit status, the reason was said. */
    int (*run)(const void *conf, int ends);
};

/* conf: zeroed, of the table's type; cleared at the end.  Returns the exit status of main. */
SG_MUST_USE int sg_daemon_main(const struct sg_daemon *d, int argc, char **argv, void *conf);
/* True as soon as the daemon shall stop; false after wait_ms (below 0: never). */
bool sg_daemon_wait(int ends, int wait_ms);

/* Borrows the strings of o. */
struct sg_cas_bootstrap sg_daemon_cas(const struct sg_daemon_options *o, const char *service);
/* sg_cas_bootstrap for who cannot go on without: a refusal is -EACCES. */
SG_MUST_USE int sg_daemon_attest(const struct sg_cas_bootstrap *b, struct sg_cas_grant *ret);
