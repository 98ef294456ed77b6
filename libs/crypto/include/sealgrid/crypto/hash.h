#pragma once
/*
 * hash - SHA-2, HMAC, HKDF over OpenSSL 3, algorithms fetched once per process, contexts per
 * thread; BLAKE2b (libsodium) where no standard asks for SHA-2.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/error.h>

#define SG_SHA256_LEN 32
#define SG_SHA512_LEN 64

/* One shot.  Abort on an internal failure of the library: they cannot fail on valid memory. */
void sg_sha256(uint8_t ret[32], struct sg_bytes data);
/* Concatenation of parts, without copying. */
void sg_sha256_parts(uint8_t ret[32], const struct sg_bytes *parts, size_t n);
void sg_sha512_parts(uint8_t ret[64], const struct sg_bytes *parts, size_t n);
void sg_hmac_sha256(uint8_t ret[32], struct sg_bytes key, const struct sg_bytes *parts, size_t n);
/* RFC 5869 with SHA-256; len <= 255*32. */
void sg_hkdf_extract(uint8_t ret_prk[32], struct sg_bytes salt, struct sg_bytes ikm);
void sg_hkdf_expand(uint8_t *ret, size_t len, struct sg_bytes prk, struct sg_bytes info);
/* Keyed BLAKE2b, key 16..64 octets or none, len 16..64. */
void sg_blake2b_parts(uint8_t *ret, size_t len, struct sg_bytes key, const struct sg_bytes *parts,
                      size_t n);
/* SHA-256 of a whole file. */
SG_MUST_USE int sg_sha256_file(const char *path, uint8_t ret[32]);
