#pragma once
/*
 * aead - authenticated encryption.  The caller owns the key and the nonce discipline.
 * Contexts are cached per thread, and in them the key used last, in its expanded form and until
 * another takes its place or the thread ends; no fetch in the hot path.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/error.h>

enum sg_aead_alg {
    SG_AEAD_AES_128_GCM,       /* key 16, nonce 12, tag 16 */
    SG_AEAD_AES_256_GCM,       /* key 32, nonce 12, tag 16; libsodium under 1 KiB where it has AES-NI */
    SG_AEAD_AES_CCM_16_64_128, /* RFC 9053: key 16, nonce 13, tag 8; L = 2: at most 65,535 octets */
    SG_AEAD_AES_CCM_16_128_128, /* key 16, nonce 13, tag 16 */
};

#define SG_AEAD_TAG_MAX 16

size_t sg_aead_key_len(enum sg_aead_alg alg);
size_t sg_aead_nonce_len(enum sg_aead_alg alg);
size_t sg_aead_tag_len(enum sg_aead_alg alg);

/* ret: plain.len + tag_len octets, may be plain.data itself.  -EMSGSIZE past the algorithm's limit. */
SG_MUST_USE int sg_aead_seal(enum sg_aead_alg alg, const uint8_t *key, const uint8_t *nonce,
                             struct sg_bytes aad, struct sg_bytes plain, uint8_t *ret);

enum sg_aead_outcome { SG_AEAD_FORGED = 1 };
/* ret: sealed.len - tag_len octets, wiped on SG_AEAD_FORGED; may be sealed.data itself. */
SG_MUST_USE int sg_aead_open(enum sg_aead_alg alg, const uint8_t *key, const uint8_t *nonce,
                             struct sg_bytes aad, struct sg_bytes sealed, uint8_t *ret);
