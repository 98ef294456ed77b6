#pragma once
/*
 * tee kind - the kinds of evidence, and their names in policies, requests and logs.
 * A verdict says the format too ("tdx-quote-v4"); the kind is what a policy speaks of.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/error.h>

#define SG_TEE_KINDS(X)                                                                            \
    X(SIM, "sim")                                                                                  \
    X(SGX, "sgx")                                                                                  \
    X(TDX, "tdx")                                                                                  \
    X(SNP, "snp")                                                                                  \
    X(TPM, "tpm")                                                                                  \
    X(AZURE, "azure-vtpm")                                                                         \
    X(NITRO, "nitro")                                                                              \
    X(CCA, "cca")

enum sg_tee_kind {
    SG_TEE_KIND_NONE,
#define X(id, name) SG_TEE_##id,
    SG_TEE_KINDS(X)
#undef X
};

/* Static text. */
const char *sg_tee_kind_name(enum sg_tee_kind kind);
/* SG_TEE_KIND_NONE for a name this build does not know. */
enum sg_tee_kind sg_tee_kind_parse(struct sg_bytes name);
