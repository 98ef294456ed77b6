#pragma once
/* cose-crypto - the algorithms of foreign COSE messages over OpenSSL: the only file that knows it.
 */
#include <sealgrid/meter/cose-message.h>

/* All: 0, SG_COSE_UNSUPPORTED, SG_COSE_FORGED, -errno. */
SG_MUST_USE int sg_cose_crypto_verify(int64_t alg, const struct sg_cose_key *key,
                                      struct sg_bytes message, struct sg_bytes signature);
/* Nonce length, 0 for an unknown algorithm. */
size_t sg_cose_crypto_nonce_len(int64_t alg);
SG_MUST_USE int sg_cose_crypto_open(int64_t alg, struct sg_bytes key, const uint8_t *nonce,
                                    struct sg_bytes aad, struct sg_bytes sealed,
                                    struct sg_buf *ret);
SG_MUST_USE int sg_cose_crypto_seal(int64_t alg, struct sg_bytes key, const uint8_t *nonce,
                                    struct sg_bytes aad, struct sg_bytes plain, struct sg_buf *ret);
SG_MUST_USE int sg_cose_crypto_mac(int64_t alg, struct sg_bytes key, struct sg_bytes message,
                                   struct sg_bytes tag);
