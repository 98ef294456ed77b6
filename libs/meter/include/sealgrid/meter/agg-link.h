#pragma once
/*
 * agg-link - one framed mTLS stream between aggregator and authenticator, pumped by one thread that
 * never waits for the peer to read: both ends go on taking what arrives while what they have to
 * say is held up, so neither can block the other.
 * Owns: the stream and two bounded buffers.  One thread.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/meter/agg-wire.h>

struct sg_tls;
struct sg_agg_link;

/* out_max: octets waiting to be sent.  Takes tls over on success. */
SG_MUST_USE int sg_agg_link_new(struct sg_agg_link **ret, struct sg_tls *tls, size_t out_max);
void sg_agg_link_free(struct sg_agg_link *l);
SG_DEFINE_FREEP(struct sg_agg_link, sg_agg_link_free)
/* -ENOBUFS when out_max is reached: see sg_agg_link_room first. */
SG_MUST_USE int sg_agg_link_put(struct sg_agg_link *l, const struct sg_agg_message *m);
size_t sg_agg_link_room(const struct sg_agg_link *l);

/* Nonzero ends the pump with that value. */
typedef int (*sg_agg_link_fn)(void *user, const struct sg_agg_message *m);
enum sg_agg_link_outcome { SG_AGG_LINK_CLOSED = 16, SG_AGG_LINK_MALFORMED };
/*
 * Sends what it can, waits at most timeout_ms for something to do (or for wake_fd, -1: none, which
 * the caller drains), then hands over what has arrived: at most about 1 MiB.  reading false leaves
 * the peer's octets where they are: back-pressure.
 */
SG_MUST_USE int sg_agg_link_pump(struct sg_agg_link *l, int wake_fd, int timeout_ms, bool reading,
                                 sg_agg_link_fn fn, void *user);
struct sg_tls *sg_agg_link_tls(struct sg_agg_link *l);
