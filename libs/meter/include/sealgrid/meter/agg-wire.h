#pragma once
/*
 * agg-wire - what an aggregator and an authenticator say to each other over one mTLS stream
 * (docs/protocols/aggregator.md): 32-bit length, type, body, all integers big-endian.
 *
 *   1 UP    aggregator -> authenticator   handle 8 | number 8 | frame
 *   2 DONE  authenticator -> aggregator   number 8
 *   3 DOWN  authenticator -> aggregator   handle 8 | frame
 * handle: the aggregator's own number for a meter's address.  number: its place in the backlog, or
 * 0 for what is not kept there (handshakes) and needs no DONE.
 */
#include <sealgrid/meter/frame.h>

enum sg_agg_type { SG_AGG_UP = 1, SG_AGG_DONE = 2, SG_AGG_DOWN = 3 };

struct sg_agg_message {
    enum sg_agg_type type;
    uint64_t handle;       /* UP, DOWN */
    uint64_t number;       /* UP, DONE */
    struct sg_bytes frame; /* UP, DOWN; borrowed; 1..SG_FRAME_MAX octets */
};

#define SG_AGG_HEAD        5 /* length and type */
#define SG_AGG_MESSAGE_MAX (SG_AGG_HEAD + 16 + SG_FRAME_MAX)

enum sg_agg_outcome {
    SG_AGG_PARTIAL = 1, /* more octets are needed; nothing was taken */
    SG_AGG_MALFORMED,   /* never a message: cut the connection */
};
SG_MUST_USE int sg_agg_encode(const struct sg_agg_message *m, struct sg_buf *ret);
/* Takes one message from the front. */
SG_MUST_USE int sg_agg_take(struct sg_reader *r, struct sg_agg_message *ret);
