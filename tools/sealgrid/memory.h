#pragma once
/*
 * memory - the summed proportional set size (PSS) of this process and all its descendants plus
 * those of the supervisor, sampled once a second by a thread.  Where /proc/PID/smaps_rollup may not
 * be read (hardened processes of another user), the resident set of /proc/PID/statm stands in.
 */
#include <sealgrid/base/error.h>
#include <stdint.h>

struct sg_memory_watch;
SG_MUST_USE int sg_memory_watch_start(struct sg_memory_watch **ret, const char *dir);
/* Octets; also ends and frees the watch. */
int64_t sg_memory_watch_finish(struct sg_memory_watch *w);
