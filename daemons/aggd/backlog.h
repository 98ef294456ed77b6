#pragma once
/*
 * backlog - frames taken from meters until an authenticator has finished with them.
 *
 * While an authenticator takes them as they come they stay in memory (bounded).  When the uplink is
 * down or memory is full they go to append-only segment files (bounded), which a later process
 * reads again: kill -9 loses none of those.  What is lost with memory the meters send again, since
 * only the sealed acknowledgement of an authenticator settles a frame; hence no sync either.
 *
 * Segment file NNNNNNNN.seg: records of
 *   magic "SGB1" 4 | length 4 | check 8 | ip 4 | port 2 | frame
 * all big-endian; length counts ip to the end, check is the first 8 octets of SHA-256 over length
 * and all that follows check.  Reading stops at the first record that fails.  A segment whose
 * frames are all done is removed.  Frames are sealed: the files show what the network showed.
 *
 * Owns: the folder.  Any thread (one lock).
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/meter/frame.h>
#include <sealgrid/net/loop.h>

struct agg_backlog;

struct agg_backlog_options {
    const char *dir;      /* made if absent */
    size_t memory_max;    /* octets of frames in memory */
    uint64_t disk_max;    /* octets of segments */
    size_t segment_bytes; /* 0: 16 MiB */
    size_t frames_max;    /* entries of either kind */
};

/* handle_of names the meter behind the address of each record found on disk. */
SG_MUST_USE int agg_backlog_open(struct agg_backlog **ret, const struct agg_backlog_options *o,
                                 uint64_t (*handle_of)(void *user, struct sg_addr addr),
                                 void *user);
void agg_backlog_free(struct agg_backlog *b);
SG_DEFINE_FREEP(struct agg_backlog, agg_backlog_free)

enum agg_backlog_outcome {
    AGG_BACKLOG_KNOWN =
        1, /* this very frame (connection, number, tag) waits or is being worked on */
    AGG_BACKLOG_FULL,
    AGG_BACKLOG_EMPTY,
};
/* Copies the datagram.  to_disk: the uplink is down. */
SG_MUST_USE int agg_backlog_add(struct agg_backlog *b, uint64_t handle, struct sg_addr addr,
                                const struct sg_frame *f, bool to_disk);

struct agg_backlog_item {
    uint64_t number; /* from 1 */
    uint64_t handle;
    struct sg_bytes datagram; /* in the caller's buffer */
};
/* The next frame to send, its octets in *buf; AGG_BACKLOG_EMPTY. */
SG_MUST_USE int agg_backlog_next(struct agg_backlog *b, struct sg_buf *buf,
                                 struct agg_backlog_item *ret);
/* An authenticator has finished with it; unknown numbers are ignored. */
void agg_backlog_done(struct agg_backlog *b, uint64_t number);
/* The connection is lost: everything sent and not done waits again, in order; what is in memory
 * only is written to disk. */
SG_MUST_USE int agg_backlog_uplink_lost(struct agg_backlog *b);

struct agg_backlog_status {
    size_t frames;    /* waiting and sent */
    size_t sent;      /* of these, sent and not done */
    size_t memory;    /* octets of frames in memory */
    uint64_t disk;    /* octets of segments */
    uint64_t damaged; /* records left out at open */
};
struct agg_backlog_status agg_backlog_status(struct agg_backlog *b);
