#pragma once
/*
 * resolution - which of the differing signed readings of one interval counts, on record: an
 * operator chose it by its digest, said why, and signed that.
 *
 * What is signed, under the key of the operator's certificate (P-256: ES256, Ed25519: EdDSA, RSA:
 * PS256), is deterministic CBOR:
 *   ["sealgrid-resolution-v1", client, ts, chosen (16 octets), resolved: unix s, who, why]
 * who is the certificate's common name.  A resolution chooses between readings that meters signed;
 * it makes none.
 */
#include <sealgrid/billing/bill.h>
#include <sealgrid/billing/installation.h>

#define SG_RESOLUTIONS_MAX 10000 /* of an evidence file */

struct sg_resolution {
    int64_t client;
    struct sg_row_resolution row; /* borrowed texts and octets */
};

/* Names the signer (row.who, into name) and appends the certificate and the signature of the other
 * members of row: ts, resolved_ts, chosen, why. */
SG_MUST_USE int sg_resolution_sign(struct sg_resolution *r, const struct sg_key *key,
                                   const struct sg_cert *cert, char name[SG_ROW_WHO_MAX + 1],
                                   struct sg_buf *ret_certificate, struct sg_buf *ret_signature);

enum sg_resolution_outcome {
    SG_RESOLUTION_BAD_SIGNATURE = 1, /* or no certificate, or another name than its */
    SG_RESOLUTION_UNTRUSTED,         /* the certificate does not chain, or was not valid then */
};
/* operators NULL: the chain is not asked for. */
SG_MUST_USE int sg_resolution_verify(const struct sg_resolution *r,
                                     const struct sg_authority *operators);

/* What a bill says of a record: everything but its meter and energy.  The record's hash is over its
 * item in the section below. */
SG_MUST_USE int sg_resolution_choice(const struct sg_row_resolution *row,
                                     struct sg_bill_choice *ret);

/* ["sealgrid-resolutions-v1", [* [ts, chosen, resolved, who, why, certificate, signature]]] by ts:
 * the section of an evidence file.  Of each interval the one that holds. */
SG_MUST_USE int sg_resolutions_encode(const struct sg_row_resolution *rows, size_t n,
                                      struct sg_buf *ret);
enum sg_resolutions_outcome { SG_RESOLUTIONS_MALFORMED = 1 };
/* Borrows from section; the caller frees the list. */
SG_MUST_USE int sg_resolutions_decode(struct sg_bytes section, struct sg_row_resolution **ret,
                                      size_t *ret_n);
