#pragma once
/*
 * spki - the forms of SubjectPublicKeyInfo (RFC 5280) in which meters' and services' keys come,
 * told apart octet by octet.  OpenSSL 3's general decoder tries every format and algorithm that it
 * knows: 0.3 ms a key, more than four ECDSA verifications.  What is not exactly one of these forms
 * goes to it.
 * Pure functions; borrows from the text.
 */
#include <sealgrid/base/bytes.h>

enum sg_spki_kind {
    SG_SPKI_OTHER,   /* for the general decoder, which may still refuse it */
    SG_SPKI_P256,    /* RFC 5480, named curve, uncompressed point; not checked to be on the curve */
    SG_SPKI_ED25519, /* RFC 8410 */
    SG_SPKI_RSA,     /* RFC 3279 rsaEncryption; modulus and exponent odd, any size */
};

struct sg_spki {
    enum sg_spki_kind kind;
    struct sg_bytes key;   /* P-256: x || y; Ed25519: x; RSA: modulus, no leading zero */
    struct sg_bytes rsa_e; /* no leading zero */
};

struct sg_spki sg_spki_recognise(struct sg_bytes der);

#define SG_SPKI_P256_LEN 91
/* The form of SG_SPKI_P256 around a point. */
void sg_spki_p256(uint8_t ret[SG_SPKI_P256_LEN], const uint8_t xy[64]);
