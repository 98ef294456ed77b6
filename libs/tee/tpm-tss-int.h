#pragma once
/*
 * tpm-tss - what the files of the TPM provider share over the TCG software stack (tss2).
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>
#include <sealgrid/base/secret.h>
#include <tss2/tss2_esys.h>

static inline int sg_tss_raise(TSS2_RC rc, const char *what)
{
    return rc == TSS2_RC_SUCCESS ? 0 : sg_raisef(-EIO, "TPM: %s: 0x%08x", what, rc);
}

static inline void sg_tss_free(void *p)
{
    Esys_Free(*(void **)p);
}
#define TSS_FREE SG_CLEANUP(sg_tss_free)

/* A primary key without a secret of its own; *ret_public is the caller's to free. */
static inline int sg_tss_create_primary(ESYS_CONTEXT *esys, ESYS_TR hierarchy,
                                        const TPM2B_PUBLIC *public, ESYS_TR *ret,
                                        TPM2B_PUBLIC **ret_public)
{
    const TPM2B_SENSITIVE_CREATE sensitive = {0};
    const TPM2B_DATA outside = {0};
    const TPML_PCR_SELECTION none = {0};
    TSS_FREE TPM2B_CREATION_DATA *data = NULL;
    TSS_FREE TPM2B_DIGEST *hash = NULL;
    TSS_FREE TPMT_TK_CREATION *ticket = NULL;
    return sg_tss_raise(Esys_CreatePrimary(esys, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                           ESYS_TR_NONE, &sensitive, public, &outside, &none, ret,
                                           ret_public, &data, &hash, &ticket),
                        hierarchy == ESYS_TR_RH_OWNER ? "CreatePrimary in the owner's hierarchy"
                                                      : "CreatePrimary");
}

/* Bank of SHA-256; bit by number. */
static inline TPML_PCR_SELECTION sg_tss_selection(uint32_t pcrs)
{
    TPML_PCR_SELECTION s = {.count = 1,
                            .pcrSelections[0] = {.hash = TPM2_ALG_SHA256, .sizeofSelect = 3}};
    for (int i = 0; i < 3; i++)
        s.pcrSelections[0].pcrSelect[i] = (BYTE)(pcrs >> 8 * i);
    return s;
}

/*
 * 32 octets that this TPM gives for this message while these PCRs have the values that they have
 * now, and at no other time: HMAC-SHA-256 by a key of the owner's hierarchy whose policy is those
 * values.  Nothing is stored; the same until the TPM is cleared.  Other values give other octets.
 * -EIO.  *ret must be empty.
 */
SG_MUST_USE int sg_tss_derive(ESYS_CONTEXT *esys, uint32_t pcrs, struct sg_bytes message,
                              struct sg_secret *ret);
