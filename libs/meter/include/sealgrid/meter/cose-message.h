#pragma once
/*
 * cose-message - COSE messages of others (RFC 9052, algorithms of RFC 9053 and RFC 8230): parsed,
 * verified or opened, encoded again.  COSE_Sign1, COSE_Sign, COSE_Encrypt0, COSE_Encrypt and
 * COSE_Mac0 with one direct recipient; with tag or without.  Our own formats use the strict profile
 * of cose.h.
 *
 * Everything parsed is borrowed from the input.  A header marked critical (label 2) is refused:
 * none is understood.
 */
#include <sealgrid/base/buf.h>

enum sg_cose_kind { /* CBOR tags */
                    SG_COSE_ENCRYPT0 = 16,
                    SG_COSE_MAC0 = 17,
                    SG_COSE_SIGN1 = 18,
                    SG_COSE_ENCRYPT = 96,
                    SG_COSE_SIGN = 98,
};

struct sg_cose_headers {
    struct sg_bytes protected_map; /* contents of the byte string, as received */
    struct sg_bytes unprotected;   /* the whole map item */
    int64_t alg;                   /* 0: none */
    struct sg_bytes iv, partial_iv;
};

/* A signer of COSE_Sign or a recipient of COSE_Encrypt. */
struct sg_cose_party {
    struct sg_cose_headers headers;
    struct sg_bytes value; /* signature; encrypted key, empty for direct */
};

#define SG_COSE_PARTIES_MAX 4
struct sg_cose_message {
    enum sg_cose_kind kind;
    bool tagged;
    struct sg_cose_headers headers;
    struct sg_bytes content; /* payload or ciphertext with tag */
    struct sg_bytes proof;   /* Sign1: signature; Mac0: tag */
    struct sg_cose_party parties[SG_COSE_PARTIES_MAX];
    size_t n_parties;
};

enum sg_cose_outcome {
    SG_COSE_MALFORMED = 1,
    SG_COSE_UNSUPPORTED, /* algorithm, critical header, key of another kind */
    SG_COSE_FORGED,
};

/* untagged: what a message without a tag is taken for. */
SG_MUST_USE int sg_cose_message_decode(struct sg_bytes b, enum sg_cose_kind untagged,
                                       struct sg_cose_message *ret);
/* What decode was given, octet for octet. */
SG_MUST_USE int sg_cose_message_encode(const struct sg_cose_message *m, struct sg_buf *ret);

/* COSE_Key parts, raw big-endian; unused ones are empty. */
struct sg_cose_key {
    struct sg_bytes ec_x, ec_y; /* P-256, P-384, P-521 by length */
    struct sg_bytes okp_x;      /* Ed25519 */
    struct sg_bytes okp_d;      /* private, for signing again */
    struct sg_bytes rsa_n, rsa_e;
    struct sg_bytes secret; /* symmetric */
};

/* Octets that party i of Sign (i = 0 for Sign1) signs; Sign1 and Sign only. */
SG_MUST_USE int sg_cose_to_be_signed(const struct sg_cose_message *m, size_t i,
                                     struct sg_bytes external_aad, struct sg_buf *ret);
/* 0 or an outcome. */
SG_MUST_USE int sg_cose_verify(const struct sg_cose_message *m, size_t i,
                               struct sg_bytes external_aad, const struct sg_cose_key *key);
/* Encrypt0 and Encrypt with a direct recipient: plain text appended to ret.  base_iv: for messages
 * with a partial IV, as long as the nonce. */
SG_MUST_USE int sg_cose_open(const struct sg_cose_message *m, struct sg_bytes external_aad,
                             const struct sg_cose_key *key, struct sg_bytes base_iv,
                             struct sg_buf *ret);
/* The ciphertext that the message's headers, this key and this plain text give. */
SG_MUST_USE int sg_cose_seal(const struct sg_cose_message *m, struct sg_bytes external_aad,
                             const struct sg_cose_key *key, struct sg_bytes base_iv,
                             struct sg_bytes plain, struct sg_buf *ret);
SG_MUST_USE int sg_cose_check_mac(const struct sg_cose_message *m, struct sg_bytes external_aad,
                                  const struct sg_cose_key *key);
