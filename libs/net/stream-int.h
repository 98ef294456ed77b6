#pragma once
/*
 * stream - what HTTP reads and writes: a descriptor, plain or under TLS, with patience.
 *
 * One wait lasts at most timeout_ms.  All waits of one exchange together last at most the patience
 * granted, to which every octet moved adds a millisecond: a peer slower than 1,000 octets a second
 * is given up, however regularly it sends.
 */
#include "tls-int.h"
#include <sealgrid/base/secret.h>

struct sg_stream {
    int fd; /* owned, also when tls is set (then by tls) */
    struct sg_tls *tls;
    int timeout_ms;
    int64_t patience_ms;
};

static inline void sg_stream_grant(struct sg_stream *s)
{
    s->patience_ms = s->timeout_ms;
}

enum sg_stream_outcome {
    SG_STREAM_CLOSED = SG_TLS_CLOSED,
    SG_STREAM_TIMEOUT = SG_TLS_TIMEOUT,
    SG_STREAM_REFUSED = SG_TLS_REFUSED,
};
/* What is there now; SG_STREAM_TIMEOUT if nothing is. */
SG_MUST_USE int sg_stream_read_now(struct sg_stream *s, void *p, size_t n, size_t *ret_n);
SG_MUST_USE int sg_stream_read(struct sg_stream *s, void *p, size_t n, size_t *ret_n);
/* All of it: 0, -ETIMEDOUT, -EPIPE, -ECONNRESET, ... */
SG_MUST_USE int sg_stream_write(struct sg_stream *s, struct sg_bytes b);
/* True if a read would find something that poll on fd does not show. */
bool sg_stream_pending(const struct sg_stream *s);
/* Says that nothing more follows, and drops TLS: afterwards a plain descriptor, to be drained. */
void sg_stream_end(struct sg_stream *s);
/* Closes.  sg_stream_cut leaves the peer no way to take what it got for all there was. */
void sg_stream_close(struct sg_stream *s);
void sg_stream_cut(struct sg_stream *s);

/* Octets received and not yet taken.  What was taken may have been secret: wiped between exchanges.
 */
struct sg_inbox {
    size_t at, len;
    size_t high; /* everything from here on has been wiped */
    uint8_t data[16384];
};

static inline struct sg_bytes sg_inbox_bytes(const struct sg_inbox *in)
{
    return SG_BYTES(in->data + in->at, in->len);
}

/* n octets were read to the start of data. */
static inline void sg_inbox_filled(struct sg_inbox *in, size_t n)
{
    in->at = 0;
    in->len = n;
    if (n > in->high)
        in->high = n;
}

static inline void sg_inbox_took(struct sg_inbox *in, size_t n)
{
    in->at += n;
    in->len -= n;
}

/* All but what is still to be taken. */
static inline void sg_inbox_wipe(struct sg_inbox *in)
{
    size_t keep = in->at + in->len;
    sg_wipe(in->data, in->len ? in->at : in->high);
    if (in->len && in->high > keep)
        sg_wipe(in->data + keep, in->high - keep);
    in->high = in->len ? keep : 0;
}
