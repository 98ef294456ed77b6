#pragma once
/*
 * key - public keys of vendors and devices, over OpenSSL; verification only.
 * Signatures come as their formats have them; a bad key or signature is an outcome, never a
 * failure.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>

struct sg_tee_key; /* immutable, any thread */

enum sg_tee_key_type {
    SG_TEE_KEY_OTHER, /* well-formed, but of no kind that verifies anything here */
    SG_TEE_KEY_P256,
    SG_TEE_KEY_P384,
    SG_TEE_KEY_RSA, /* 2048..8192 bits */
};

enum sg_tee_alg {
    SG_TEE_ALG_NONE,  /* verifies nothing */
    SG_TEE_ES256,     /* r || s, 32 octets each, big-endian, P-256; SHA-256 */
    SG_TEE_ES384,     /* r || s, 48 octets each, P-384; SHA-384 */
    SG_TEE_ECDSA_256, /* DER as in X.509, P-256 or P-384; SHA-256 */
    SG_TEE_ECDSA_384,
    SG_TEE_ECDSA_512,
    SG_TEE_RS256, /* RSASSA-PKCS1-v1_5 */
    SG_TEE_RS384,
    SG_TEE_RS512,
    SG_TEE_PS256, /* RSASSA-PSS, MGF1 with the same digest, salt of any length */
    SG_TEE_PS384,
    SG_TEE_PS512,
};

enum sg_tee_key_outcome { SG_TEE_KEY_BAD = 1 };

/* SubjectPublicKeyInfo, DER, to its last octet.  SG_TEE_KEY_BAD: malformed, or not a point of its
 * curve; -ENOMEM. */
SG_MUST_USE int sg_tee_key_spki(struct sg_tee_key **ret, struct sg_bytes der);
/* x || y, big-endian, 64 or 96 octets.  SG_TEE_KEY_BAD: not a point of the curve. */
SG_MUST_USE int sg_tee_key_point(struct sg_tee_key **ret, struct sg_bytes xy);
/* Big-endian magnitudes.  SG_TEE_KEY_BAD: under 2048 or over 8192 bits, or a strange exponent. */
SG_MUST_USE int sg_tee_key_rsa(struct sg_tee_key **ret, struct sg_bytes n, struct sg_bytes e);
void sg_tee_key_free(struct sg_tee_key *k);
SG_DEFINE_FREEP(struct sg_tee_key, sg_tee_key_free)

enum sg_tee_key_type sg_tee_key_type(const struct sg_tee_key *k);
/* SHA-256 of the SubjectPublicKeyInfo, DER: how keys are pinned and compared. */
const uint8_t *sg_tee_key_id(const struct sg_tee_key *k);
/* false too if the key is not of the algorithm's type or the signature not of its length. */
bool sg_tee_key_verifies(const struct sg_tee_key *k, enum sg_tee_alg alg, struct sg_bytes message,
                         struct sg_bytes signature);
