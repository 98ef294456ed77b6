#pragma once
/*
 * cache, inside - signatures already checked, and certificate bundles already decoded.
 * Direct-mapped: a newcomer takes its place from whoever had it.
 */
#include "chain-int.h"
#include "store-int.h"

/* By the SHA-256 of the bundle's octets; NULL: not there. */
const struct sg_tee_own_certs *sg_tee_cache_bundle(struct sg_tee_cache *c, const uint8_t hash[32]);
/* Takes *certs (left empty). */
const struct sg_tee_own_certs *sg_tee_cache_keep(struct sg_tee_cache *c, const uint8_t hash[32],
                                                 struct sg_tee_own_certs *certs);
/* signed_id, key_id: uniform hashes.  c may be NULL. */
enum sg_tee_known sg_tee_cache_knows(const struct sg_tee_cache *c, const uint8_t signed_id[32],
                                     const uint8_t key_id[32]);
void sg_tee_cache_learn(struct sg_tee_cache *c, const uint8_t signed_id[32],
                        const uint8_t key_id[32], bool good);
