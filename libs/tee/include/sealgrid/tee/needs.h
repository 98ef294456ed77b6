#pragma once
/*
 * tee needs - which documents a piece of evidence will be judged by, so that somebody can gather
 * them: a pure function of the evidence and of what it brings along.  Where documents are had, and
 * whether to ask, is not known here (libs/collateral).
 *
 * Nothing that stands in the evidence is verified here: forged evidence asks for documents that do
 * not exist, or for somebody else's.
 */
#include <sealgrid/tee/documents.h>
#include <sealgrid/tee/verdict.h>

enum sg_tee_need_kind {
    SG_TEE_NEED_TCB_INFO = 1,   /* Intel: tdx, fmspc, pceid */
    SG_TEE_NEED_QE_IDENTITY,    /* Intel: tdx */
    SG_TEE_NEED_PCK_CRL,        /* Intel: platform */
    SG_TEE_NEED_INTEL_ROOT_CRL, /* Intel */
    SG_TEE_NEED_AMD_CHAIN,      /* AMD: product, vlek: ASK or ASVK */
    SG_TEE_NEED_AMD_CRL,        /* AMD: product, vlek */
    SG_TEE_NEED_VCEK,           /* AMD: product, chip, TCB */
};

struct sg_tee_need {
    enum sg_tee_need_kind kind;
    bool tdx;      /* else SGX */
    bool platform; /* the PCK's issuer is the Platform CA, else the Processor CA */
    uint8_t fmspc[6], pceid[2];
    const char *product; /* "Milan", "Genoa", "Turin"; static text */
    bool guess;          /* an old report does not say its product: the first that exists is it */
    bool vlek;
    size_t chip_id_len; /* 64; Turin 8 */
    uint8_t chip_id[64];
    int fmc, bl, tee, snp, ucode; /* fmc -1: the product has none */
};

#define SG_TEE_NEEDS_MAX 8
struct sg_tee_needs {
    size_t n;
    struct sg_tee_need at[SG_TEE_NEEDS_MAX];
};

/* What is needed in this order: issuers before what they issued.  None for kinds that bring or need
 * no documents, and for evidence that does not decode.  -ENOMEM. */
SG_MUST_USE int sg_tee_needs(const struct sg_tee_evidence *e, struct sg_tee_needs *ret);
/* Whether document i of a sealed store (documents.h) is what is needed; its dates are for the
 * caller. */
bool sg_tee_need_is(const struct sg_tee_need *n, const struct sg_tee_store *s, size_t i);
/* "sgx-tcb-info 00906ed50000", "crl Intel SGX Root CA", "certificate SEV-VCEK (Milan)". */
void sg_tee_need_name(const struct sg_tee_need *n, char ret[SG_TEE_DOCUMENT_NAME_MAX]);
