#pragma once
/*
 * tpm provider - quotes of a TPM 2.0, and keys that it derives, through the TCG software stack
 * (tss2).
 *
 * The attestation key is a primary key of the endorsement hierarchy from a fixed template, so it is
 * the same at every start until the TPM is cleared: what a verifier pins, or certifies once.
 *
 * Sealing keys are HMACs by keys of the owner's hierarchy that work only while PCRs have the values
 * that they have now: SG_TEE_SEAL_MEASUREMENT all that are quoted (what was booted),
 * SG_TEE_SEAL_PLATFORM those of 0 to 7 (firmware and its settings, not what it boots).  After a
 * change of these PCRs the key is another one.
 */
#include "provider-int.h"

/* Firmware, its configuration, loaders, and what they loaded; 16 and 23 are for debugging. */
#define SG_TPM_PCRS_DEFAULT  UINT32_C(0x00ffff)
#define SG_TPM_PCRS_PLATFORM UINT32_C(0x0000ff)

struct sg_tpm_where {
    uint32_t pcrs;    /* of the bank of SHA-256, bit by number: quoted, and sealed to */
    const char *tcti; /* points into what was parsed; NULL: the stack's own choice */
};
/* "device:/dev/tpmrm0", or with PCRs of one's own "pcrs=0-9,11,14;device:/dev/tpmrm0".  -EINVAL. */
SG_MUST_USE int sg_tpm_where(const char *where, struct sg_tpm_where *ret);

/* What a TPM whose longest digest has so many octets takes as qualifying data: all 64 octets if it
 * can (TPM2B_DATA holds a TPMT_HA), else their SHA-256.  Returns the length. */
size_t sg_tpm_nonce(size_t digest_max, const uint8_t report_data[SG_TEE_REPORT_DATA_LEN],
                    uint8_t ret[SG_TEE_REPORT_DATA_LEN]);

/* where: as above; NULL or "": the stack's own choice of a TPM.  -ENOTSUP: built without tss2.
 * -EIO: the TPM's answer is in the trace. */
SG_MUST_USE int sg_tpm_provider_open(struct sg_tee_provider **ret, const char *where);
