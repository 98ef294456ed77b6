#pragma once
/*
 * ops - what an operator's probes ask of every daemon, as plain HTTP on a loopback address:
 *   GET /metrics   every registered metric, Prometheus text format
 *   GET /healthz   200 while the process can answer at all
 *   GET /readyz    200 when ready(user) is true, else 503
 * Owns: its server and two threads.  Borrows: user.  ready is called on any of those threads.
 * An address outside 127.0.0.0/8 is refused (-EINVAL): there is no authentication here.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>
#include <stdbool.h>
#include <stdint.h>

struct sg_ops;

/* listen: "127.0.0.1:18400", port 0 picks one.  ready NULL: always ready. */
SG_MUST_USE int sg_ops_start(struct sg_ops **ret, const char *listen, bool (*ready)(void *user),
                             void *user);
uint16_t sg_ops_port(const struct sg_ops *o);
void sg_ops_free(struct sg_ops *o);
SG_DEFINE_FREEP(struct sg_ops, sg_ops_free)
