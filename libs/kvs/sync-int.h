#pragma once
/*
 * sync - several files to their disks at once.
 *
 * A copy of the journal lies on each of three volumes; one sync after the other would wait three
 * times as long as a batch has to.  The caller syncs too, so that it waits for the slowest only.
 *
 * Owns: its threads, started at the first use.  One caller at a time.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>
#include <stddef.h>

#define SG_SYNC_MAX 8

struct sg_syncer;

SG_MUST_USE int sg_syncer_new(struct sg_syncer **ret);
void sg_syncer_free(struct sg_syncer *s);
SG_DEFINE_FREEP(struct sg_syncer, sg_syncer_free)
/* fdatasync of each; ret[i] is 0 or a negative errno, not raised.  n at most SG_SYNC_MAX.  With too
 * few threads (the system gave none) some wait for others. */
void sg_syncer_run(struct sg_syncer *s, const int *fds, size_t n, int *ret);
