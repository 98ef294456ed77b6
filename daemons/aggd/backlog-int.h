#pragma once
/*
 * backlog-int - segment files of the backlog (format in backlog.h).  Under the backlog's lock.
 */
#include "backlog.h"

struct agg_segments;

struct agg_place {
    uint32_t segment; /* from 1; 0: nowhere */
    uint64_t offset;  /* of the frame */
};

SG_MUST_USE int agg_segments_open(struct agg_segments **ret, const char *dir, size_t segment_bytes,
                                  uint64_t disk_max);
void agg_segments_free(struct agg_segments *s);
/* Every sound record of every segment, in order; each counts as in use until it is released. */
SG_MUST_USE int agg_segments_load(struct agg_segments *s,
                                  int (*fn)(void *user, struct sg_addr addr, struct sg_bytes frame,
                                            struct agg_place place),
                                  void *user, uint64_t *damaged);
enum agg_segments_outcome { AGG_SEGMENTS_FULL = 1 };
SG_MUST_USE int agg_segments_append(struct agg_segments *s, struct sg_addr addr,
                                    struct sg_bytes frame, struct agg_place *ret);
SG_MUST_USE int agg_segments_read(struct agg_segments *s, struct agg_place p, void *ret,
                                  size_t len);
/* One record of the segment is done with; the last one removes the file. */
void agg_segments_release(struct agg_segments *s, uint32_t segment);
uint64_t agg_segments_octets(const struct agg_segments *s);
