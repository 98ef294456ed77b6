#pragma once
/*
 * tpm provider - quotes of a TPM 2.0, through the TCG software stack (tss2).
 *
 * The attestation key is a primary key of the endorsement hierarchy from a fixed template, so it is
 * the same at every start until the TPM is cleared: what a verifier pins, or certifies once.
 */
#include "provider-int.h"

/* where: a TCTI ("device:/dev/tpmrm0", "swtpm:port=2321"); NULL or "": the stack's own choice.
 * -ENOTSUP: built without tss2.  -EIO: the TPM's answer is in the trace. */
SG_MUST_USE int sg_tpm_provider_open(struct sg_tee_provider **ret, const char *where);
