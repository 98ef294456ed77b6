#pragma once
/*
 * cose - COSE_Sign1 (RFC 9052 section 4.2) as attestation documents use it: attached payload, the
 * algorithm alone in the protected header, no external data.  Borrows.
 */
#include "key-int.h"

struct sg_tee_cose {
    int64_t algorithm; /* IANA COSE: -7 ES256, -35 ES384, -36 ES512 */
    struct sg_bytes protected_header, payload, signature;
};

/* The array, tagged 18 or not, to its last octet.  false: not one. */
bool sg_tee_cose_read(struct sg_bytes document, struct sg_tee_cose *ret);
/* 0 and *ret; -ENOMEM. */
SG_MUST_USE int sg_tee_cose_verify(const struct sg_tee_cose *c, const struct sg_tee_key *key,
                                   bool *ret);
/* Only ES256 and ES384 have an algorithm here. */
bool sg_tee_cose_supported(const struct sg_tee_cose *c);
