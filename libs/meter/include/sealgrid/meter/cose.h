#pragma once
/*
 * cose - COSE_Sign1 (RFC 9052 section 4.2) in the one profile that our own formats use: tag 18, the
 * algorithm alone in the protected header, nothing in the unprotected one, payload attached.
 * Deterministic: for given parts there is one encoding, and no other is accepted.
 * Messages of others, with all their freedom, are judged by cose-message.h.
 */
#include <sealgrid/crypto/sign.h>

/* Longest signature: RSA with a modulus of 4096 bits. */
#define SG_COSE_SIGNATURE_MAX 512

struct sg_cose_sign1 {
    enum sg_sign_alg alg;
    struct sg_bytes payload;   /* borrowed */
    struct sg_bytes signature; /* borrowed */
};

/* The four algorithms of crypto/sign.h. */
bool sg_cose_alg_known(int64_t alg);
/* 64 octets for ES256 and EdDSA, 256..512 for RSA. */
bool sg_cose_signature_len_ok(enum sg_sign_alg alg, size_t len);

/* Sig_structure ["Signature1", protected, external_aad, payload]: the octets that are signed. */
SG_MUST_USE int sg_cose_sign1_to_be_signed(enum sg_sign_alg alg, struct sg_bytes external_aad,
                                           struct sg_bytes payload, struct sg_buf *ret);
SG_MUST_USE int sg_cose_sign1_put(struct sg_buf *b, const struct sg_cose_sign1 *m);
/* Takes one message; -EBADMSG for every encoding that sg_cose_sign1_put would not have made. */
SG_MUST_USE int sg_cose_sign1_take(struct sg_reader *in, struct sg_cose_sign1 *ret);
