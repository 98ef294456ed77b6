#pragma once
/*
 * child - runs one of our programs to its end and keeps what it printed on standard output.
 * Progress on its standard error goes to ours.
 */
#include <sealgrid/base/buf.h>

struct sg_child;

/* argv ends with NULL; argv[0] is the path. */
SG_MUST_USE int sg_child_start(struct sg_child **ret, const char *const *argv);
/* Reads standard output to its end (bounded by ret_out->max) and waits; *ret_exit is the exit
 * status, 128 + signal if killed.  Frees the child. */
SG_MUST_USE int sg_child_finish(struct sg_child *c, struct sg_buf *ret_out, int *ret_exit);
/* Both; what it printed may be dropped with NULL. */
SG_MUST_USE int sg_child_run(const char *const *argv, struct sg_buf *ret_out, int *ret_exit);
int sg_child_pid(const struct sg_child *c);
