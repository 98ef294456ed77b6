#pragma once
/*
 * peers-int - common movement (weather, holidays, ends of term, prices) taken out through customers
 * who move alike.
 *
 * A customer's movement on a day is its level (features-int.h: SG_STAT_LEVEL) less the usual level
 * of that weekday, over the root mean square of that in the reference, cut at +-4 and rounded to
 * 1/31: a whole number of -124..124, so that sums over it are exact in any order.
 *
 * Peers are the panel's customers whose movement is most like the customer's own over the first two
 * thirds of the reference (Pearson's r about 0).  What they did on any day, weighted by r squared,
 * is what they say.  How much of it is believed comes from the last third, which chose nobody:
 * slope of the own movement there over theirs, times r there; nothing at all if r is not above 0.
 * So peers that agreed by chance alone take nothing away.
 *
 * Needs all customers' days numbered by one calendar; where they are not (days renumbered to each
 * customer's last) peers agree by season at best, and the held-back third says how much.
 *
 * Owns: its rows.  Only read while expecting: any number of threads.
 */
#include "features-int.h"

#include <sealgrid/base/buf.h>
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/cleanup.h>

enum { SG_PEERS_MAX = 8192 };

struct sg_peers {
    struct sg_corr_windows windows;
    uint32_t slots;  /* calendar days of both windows, reference first */
    uint32_t chosen; /* slots by which peers are chosen: first two thirds of the reference */
    uint32_t stride; /* of a row, a multiple of 16 */
    size_t n, room;
    uint64_t *id;   /* n: hash of the customer, so that nobody is its own peer */
    int32_t *norm2; /* n: sum of squares over the chosen slots */
    int16_t *move;  /* n x stride; 0: the day is missing */
};

SG_MUST_USE int sg_peers_init(struct sg_peers *p, const struct sg_corr_windows *w, size_t room);
void sg_peers_clear(struct sg_peers *p);
/* The customer whose sg_features_begin is in w; p has room. */
void sg_peers_add(struct sg_peers *p, uint64_t id, const struct sg_feature_work *w);
/* What peers lead to expect of the customer in w.  Its windows are the peers'. */
void sg_peers_expect(const struct sg_peers *p, uint64_t id, const struct sg_feature_work *w,
                     struct sg_expected *ret);
/* Two items of deterministic CBOR: ids and movements as byte strings. */
SG_MUST_USE int sg_peers_encode(const struct sg_peers *p, struct sg_buf *b);
/* p is initialised with its windows and no room.  0, -ENOMEM, or 1: damaged. */
SG_MUST_USE int sg_peers_decode(struct sg_peers *p, struct sg_reader *r);
