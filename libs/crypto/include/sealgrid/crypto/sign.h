#pragma once
/*
 * sign - asymmetric keys over OpenSSL 3: P-256, RSA-2048..4096, Ed25519; X25519 and P-256 ECDH.
 * Signatures are in their COSE form (RFC 9053): ECDSA is r || s, 64 octets for P-256.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/secret.h>

enum sg_sign_alg {       /* COSE algorithm numbers */
    SG_SIGN_ES256 = -7,
    SG_SIGN_EDDSA = -8,
    SG_SIGN_PS256 = -37, /* salt 32 */
    SG_SIGN_RS256 = -257,
};

enum sg_key_type { SG_KEY_P256, SG_KEY_RSA2048, SG_KEY_ED25519 };

struct sg_key; /* a private or a public key; immutable, any thread */

SG_MUST_USE int sg_key_generate(struct sg_key **ret, enum sg_key_type type);
/* PEM or DER: PKCS#8 / SEC1 private, SubjectPublicKeyInfo.  -EBADMSG. */
SG_MUST_USE int sg_key_load_private(struct sg_key **ret, struct sg_bytes pem_or_der);
SG_MUST_USE int sg_key_load_public(struct sg_key **ret, struct sg_bytes pem_or_der);
/* Raw P-256: 32-octet scalar; public x || y (64) or x alone (32, compressed: y from sign_y). */
SG_MUST_USE int sg_key_p256_private(struct sg_key **ret, struct sg_bytes scalar);
SG_MUST_USE int sg_key_p256_public(struct sg_key **ret, struct sg_bytes xy);
SG_MUST_USE int sg_key_p256_public_x(struct sg_key **ret, struct sg_bytes x, bool odd_y);
SG_MUST_USE int sg_key_p256_xy(const struct sg_key *k, uint8_t ret_xy[64]);
SG_MUST_USE int sg_key_rsa_public(struct sg_key **ret, struct sg_bytes n, struct sg_bytes e);
SG_MUST_USE int sg_key_ed25519_public(struct sg_key **ret, struct sg_bytes x);
void sg_key_free(struct sg_key *k);
SG_DEFINE_FREEP(struct sg_key, sg_key_free)
enum sg_key_type sg_key_type(const struct sg_key *k);
bool sg_key_is_private(const struct sg_key *k);
/* DER.  The private form appends to a buffer that must be secret. */
SG_MUST_USE int sg_key_public_der(const struct sg_key *k, struct sg_buf *ret);
SG_MUST_USE int sg_key_private_der(const struct sg_key *k, struct sg_buf *ret);

/* What a key of its kind signs by unless told otherwise: ES256, EdDSA, PS256. */
enum sg_sign_alg sg_sign_alg_of(const struct sg_key *k);
/* *ret gets 64 (ES256, EdDSA) or 256..512 (RSA) octets appended. */
SG_MUST_USE int sg_sign(const struct sg_key *k, enum sg_sign_alg alg, struct sg_bytes message,
                        struct sg_buf *ret);
enum sg_verify_outcome { SG_VERIFY_BAD = 1, SG_VERIFY_UNSUITED /* key type and algorithm disagree */ };
SG_MUST_USE int sg_verify(const struct sg_key *k, enum sg_sign_alg alg, struct sg_bytes message,
                          struct sg_bytes signature);
/* ECDH on P-256: 32-octet x coordinate.  A point off the curve is refused at load. */
SG_MUST_USE int sg_ecdh_p256(const struct sg_key *priv, const struct sg_key *pub, uint8_t ret[32]);
/* The underlying EVP_PKEY (borrowed), for TLS and X.509 adaptors only. */
void *sg_key_evp(const struct sg_key *k);
