#pragma once
/*
 * tee evidence - evidence of several documents as one octet string: what a provider hands out and
 * what travels (docs/protocols/cas.md).
 *
 * A map {part: octets, ...} of deterministic CBOR with the numbers of enum sg_tee_part, ascending,
 * none empty; anything else is a report alone.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/tee/verdict.h>

/* Borrows.  -EBADMSG. */
SG_MUST_USE int sg_tee_evidence_decode(struct sg_bytes encoded, struct sg_tee_evidence *ret);
/* Always the map, also of a report alone.  Appends. */
SG_MUST_USE int sg_tee_evidence_encode(const struct sg_tee_evidence *e, struct sg_buf *ret);
