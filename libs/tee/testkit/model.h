#pragma once
/*
 * testkit model - rules.h for structures without fixed offsets: what a TPM's quote, an AWS Nitro
 * document and an Arm CCA token must say to be trusted by the default policy.  A second reading,
 * from the standards; signatures, keys and certificates are the caller's.
 */
#include "tpm.h"

/* TPMS_ATTEST (TCG, TPM 2.0 part 2, 10.12.12) over these PCR values, hashed by `hash`
 * (TPM_ALG_ID). */
bool tk_tpm_is_right(struct sg_bytes quote, struct sg_bytes values, unsigned hash);

struct tk_nitro_rules {
    struct sg_bytes leaf, ca, root; /* DER; the bundle is of these, ca among them */
    int64_t from_s, until_s;        /* of the leaf */
    struct sg_bytes root_key;       /* its point; empty: not looked for */
    bool *ret_unclear; /* if NULL not: the bundle has the root's key in a certificate that is not
                          the root's octet by octet; right if it can be read, as roots are pinned
                          by key */
};
/* The payload of a document (AWS Nitro Enclaves user guide, "Attestation document"). */
bool tk_nitro_is_right(struct sg_bytes payload, const struct tk_nitro_rules *rules);

/* The claims of both tokens (Arm DEN0137, A7.2.3; draft-ffm-rats-cca-token); key: the realm's, as
 * in its claim. */
bool tk_cca_is_right(struct sg_bytes platform, struct sg_bytes realm, struct sg_bytes key);
