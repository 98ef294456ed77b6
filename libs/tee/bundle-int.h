#pragma once
/*
 * bundle - the certificates that travel with one piece of evidence, decoded; from the cache if the
 * same octets came before.  Good until the next bundle is loaded with the same cache.
 */
#include "chain-int.h"

struct sg_tee_bundle {
    struct sg_tee_own_certs own;          /* empty if the cache has them */
    const struct sg_tee_own_certs *certs; /* never NULL once loaded */
};

#define SG_TEE_BUNDLE_PARTS_MAX 3

/* All certificates of all parts (DER, or PEM with anything between), in order.  Certificates count
 * as the same if type and parts are.  SG_TEE_CERT_BROKEN: one does not decode, or there are more
 * than SG_TEE_OWN_CERTS_MAX; -ENOMEM.  Whatever it returns: clear ret. */
SG_MUST_USE int sg_tee_bundle_load(const struct sg_tee_case *c, uint8_t type,
                                   const struct sg_bytes *parts, size_t n,
                                   struct sg_tee_bundle *ret);
void sg_tee_bundle_clear(struct sg_tee_bundle *b);
