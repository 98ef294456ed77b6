#pragma once
/*
 * tee reason - why evidence is refused: one code per check, each with a stable name.
 *
 * Names are part of the interface (`sealgrid attest verify --json`, casd's log).  Reasons about a
 * certificate are a role and a fault ("pck-ca-expired"); about a signed document, a document and a
 * fault ("qe-identity-signature"); every other check has its own line below.  A new check is a new
 * line, at the end of its group; numbers are not stored anywhere and may move.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A leaf's role, then the role of every CA between it and the root. */
#define SG_TEE_CERT_ROLES(X)                                                                       \
    X(PCK, "pck")               /* Intel: the platform's certification key */                      \
    X(PCK_CA, "pck-ca")         /* Intel: Processor or Platform CA */                              \
    X(TCB_SIGNER, "tcb-signer") /* Intel: signs TCB infos and identities */                        \
    X(TCB_SIGNER_CA, "tcb-signer-ca")                                                              \
    X(VCEK, "vcek") /* AMD: the chip's key */                                                      \
    X(VCEK_CA, "ask")                                                                              \
    X(VLEK, "vlek") /* AMD: the cloud provider's key */                                            \
    X(VLEK_CA, "asvk")                                                                             \
    X(AK, "ak") /* TPM: attestation key */                                                         \
    X(AK_CA, "ak-ca")                                                                              \
    X(NITRO, "nitro-leaf")                                                                         \
    X(NITRO_CA, "nitro-ca")                                                                        \
    X(CPAK, "cpak") /* Arm: platform key */                                                        \
    X(CPAK_CA, "cpak-ca")

/* X(role, role_name, fault, fault_name).  The CRL of a certificate is its issuer's. */
#define SG_TEE_CERT_FAULTS(X, R, r)                                                                \
    X(R, r, MISSING, "missing")     /* neither in the evidence nor in the collateral */            \
    X(R, r, MALFORMED, "malformed") /* does not decode */                                          \
    X(R, r, UNTRUSTED, "untrusted") /* no path to a pinned root key */                             \
    X(R, r, SIGNATURE, "signature") /* its issuer is there, its signature is not the issuer's */   \
    X(R, r, EXPIRED, "expired")                                                                    \
    X(R, r, NOT_YET_VALID, "not-yet-valid")                                                        \
    X(R, r, CONSTRAINTS, "basic-constraints") /* a CA that is none, or a leaf that is one */       \
    X(R, r, KEY_USAGE, "key-usage")                                                                \
    X(R, r, PATH_LENGTH, "path-length")                                                            \
    X(R, r, CRITICAL, "critical-extension") /* one that nothing here understands */                \
    X(R, r, ALGORITHM, "algorithm")         /* of its key or of its signature */                   \
    X(R, r, NAME, "name")                   /* not the name that goes with the role */             \
    X(R, r, EXTENSION, "extension") /* the vendor's extension: absent, double, malformed */        \
    X(R, r, REVOKED, "revoked")                                                                    \
    X(R, r, CRL_MISSING, "crl-missing")                                                            \
    X(R, r, CRL_EXPIRED, "crl-expired")                                                            \
    X(R, r, CRL_NOT_YET_VALID, "crl-not-yet-valid")                                                \
    X(R, r, CRL_SIGNATURE, "crl-signature")                                                        \
    X(R, r, CRL_UNUSABLE, "crl-unusable") /* delta, partial, critical extension, no next update */ \
    X(R, r, CRL_SUPERSEDED, "crl-superseded") /* a newer one is known to exist */

#define SG_TEE_DOCS(X)                                                                             \
    X(TCB_INFO, "tcb-info")                                                                        \
    X(QE_IDENTITY, "qe-identity")

#define SG_TEE_DOC_FAULTS(X, D, d)                                                                 \
    X(D, d, MISSING, "missing")                                                                    \
    X(D, d, MALFORMED, "malformed")                                                                \
    X(D, d, VERSION, "version")                                                                    \
    X(D, d, MISMATCH, "mismatch") /* there, but for another platform (FMSPC, PCEID) or TEE */      \
    X(D, d, SIGNATURE, "signature")                                                                \
    X(D, d, EXPIRED, "expired")                                                                    \
    X(D, d, NOT_YET_VALID, "not-yet-valid")                                                        \
    X(D, d, SUPERSEDED, "superseded") /* a newer one is known to exist */

#define SG_TEE_OTHER_REASONS(X)                                                                    \
    /* any evidence */                                                                             \
    X(NOT_JUDGED, "not-judged") /* the verifier never came to its end */                           \
    X(MALFORMED, "evidence-malformed")                                                             \
    X(UNSUPPORTED, "evidence-unsupported") /* of no kind known here */                             \
    X(VERSION, "evidence-version")                                                                 \
    X(TRAILING, "evidence-trailing") /* octets after the end that are not zero padding */          \
    /* SGX and TDX quotes */                                                                       \
    X(QUOTE_KEY_TYPE, "quote-key-type")                                                            \
    X(QUOTE_TEE_TYPE, "quote-tee-type")                                                            \
    X(QUOTE_BODY_TYPE, "quote-body-type")                                                          \
    X(QUOTE_VENDOR, "quote-vendor") /* not Intel's quoting enclave */                              \
    X(QUOTE_CERT_TYPE, "quote-certification-type")                                                 \
    X(QUOTE_KEY, "quote-attestation-key") /* not a point of the curve */                           \
    X(QUOTE_SIGNATURE, "quote-signature")                                                          \
    X(QE_SIGNATURE, "qe-report-signature")                                                         \
    X(QE_BINDING, "qe-report-data") /* attestation key not the one the QE vouched for */           \
    X(QE_DEBUG, "qe-debug")                                                                        \
    X(QE_MISCSELECT, "qe-miscselect")                                                              \
    X(QE_ATTRIBUTES, "qe-attributes")                                                              \
    X(QE_MRSIGNER, "qe-mrsigner")                                                                  \
    X(QE_ISVPRODID, "qe-isvprodid")                                                                \
    X(QE_SVN, "qe-not-supported") /* below every level of its identity */                          \
    X(TCB_NOT_SUPPORTED, "tcb-not-supported")                                                      \
    X(TCB_REVOKED, "tcb-revoked")                                                                  \
    X(TDX_MODULE_UNKNOWN, "tdx-module-unknown")                                                    \
    X(TDX_MODULE_SIGNER, "tdx-module-mrsigner")                                                    \
    X(TDX_MODULE_ATTRIBUTES, "tdx-module-attributes")                                              \
    X(TDX_MODULE_SVN, "tdx-module-not-supported")                                                  \
    X(TD_ATTRIBUTES_RESERVED, "td-attributes-reserved")                                            \
    /* SEV-SNP reports */                                                                          \
    X(SNP_ALGORITHM, "snp-signature-algorithm")                                                    \
    X(SNP_PADDING, "snp-signature-padding")                                                        \
    X(SNP_SIGNATURE, "snp-report-signature")                                                       \
    X(SNP_SIGNING_KEY, "snp-signing-key") /* field and certificate disagree */                     \
    X(SNP_POLICY_RESERVED, "snp-policy-reserved")                                                  \
    X(SNP_TCB, "snp-tcb-mismatch")                                                                 \
    X(SNP_CHIP_ID, "snp-chip-id-mismatch")                                                         \
    X(SNP_PRODUCT, "snp-product-mismatch")                                                         \
    X(SNP_RESERVED, "snp-reserved")                                                                \
    /* TPM quotes, Azure bundles */                                                                \
    X(TPM_STRUCTURE, "tpm-quote-malformed")                                                        \
    X(TPM_MAGIC, "tpm-magic")                                                                      \
    X(TPM_TYPE, "tpm-attest-type")                                                                 \
    X(TPM_ALGORITHM, "tpm-algorithm")                                                              \
    X(TPM_SIGNATURE, "tpm-signature")                                                              \
    X(TPM_PCR_DIGEST, "tpm-pcr-digest")                                                            \
    X(TPM_PCR_MISSING, "tpm-pcr-missing")                                                          \
    X(TPM_EVENT_LOG, "tpm-event-log")                                                              \
    X(TPM_AK_UNBOUND, "tpm-ak-unbound")       /* nothing vouches for the key */                    \
    X(TPM_AK_ATTRIBUTES, "tpm-ak-attributes") /* not a key that signs only what the TPM made */    \
    X(HCL_MALFORMED, "hcl-malformed")                                                              \
    X(HCL_BINDING, "hcl-runtime-data")        /* runtime data not hashed into the report */        \
    X(HCL_QUOTE_MISSING, "hcl-quote-missing") /* of a TD, whose quote lies beside its report */    \
    X(HCL_REPORT, "hcl-report-mismatch")      /* an SNP report beside is not the one inside */     \
    /* Nitro, CCA */                                                                               \
    X(COSE_MALFORMED, "cose-malformed")                                                            \
    X(COSE_ALGORITHM, "cose-algorithm")                                                            \
    X(COSE_SIGNATURE, "cose-signature")                                                            \
    X(COSE_PAYLOAD, "cose-payload") /* claims absent, double or of the wrong form */               \
    X(NITRO_TIME, "nitro-time")                                                                    \
    X(CCA_BINDING, "cca-realm-binding")                                                            \
    /* policy */                                                                                   \
    X(DEBUG, "debug")                                                                              \
    X(MIGRATABLE, "migratable")                                                                    \
    X(SIMULATED, "simulated")                                                                      \
    X(VMPL, "vmpl")                                                                                \
    X(KIND_REFUSED, "kind-not-accepted")                                                           \
    X(TCB_STATUS, "tcb-status-not-accepted")                                                       \
    X(ADVISORY, "advisory-not-accepted")                                                           \
    X(TCB_EVALUATION, "tcb-evaluation-too-old")                                                    \
    X(COLLATERAL_AGE, "collateral-too-old")                                                        \
    X(MEASUREMENT, "measurement-unknown")                                                          \
    X(SIGNER, "signer-unknown")                                                                    \
    X(SVN, "svn-too-low")                                                                          \
    X(FIELD, "field-not-accepted")                                                                 \
    X(REPORT_DATA, "report-data-mismatch")

enum sg_tee_reason {
    SG_TEE_REASON_NONE,
#define Y(R, r, F, f) SG_TEE_##R##_##F,
#define X(R, r)       SG_TEE_CERT_FAULTS(Y, R, r)
    SG_TEE_CERT_ROLES(X)
#undef X
#define X(D, d) SG_TEE_DOC_FAULTS(Y, D, d)
        SG_TEE_DOCS(X)
#undef X
#undef Y
#define X(id, name) SG_TEE_REASON_##id,
            SG_TEE_OTHER_REASONS(X)
#undef X
                SG_TEE_N_REASONS
};

enum sg_tee_cert_role {
#define X(R, r) SG_TEE_ROLE_##R,
    SG_TEE_CERT_ROLES(X)
#undef X
};

/* Bit numbers of a set of faults. */
enum sg_tee_cert_fault {
#define Y(R, r, F, f) SG_TEE_FAULT_##F,
    SG_TEE_CERT_FAULTS(Y, , )
#undef Y
        SG_TEE_N_CERT_FAULTS
};

enum sg_tee_doc {
#define X(D, d) SG_TEE_DOC_##D,
    SG_TEE_DOCS(X)
#undef X
};

enum sg_tee_doc_fault {
#define Y(D, d, F, f) SG_TEE_DOC_FAULT_##F,
    SG_TEE_DOC_FAULTS(Y, , )
#undef Y
        SG_TEE_N_DOC_FAULTS
};

/* Static text. */
const char *sg_tee_reason_name(enum sg_tee_reason r);
enum sg_tee_reason sg_tee_cert_reason(enum sg_tee_cert_role role, enum sg_tee_cert_fault fault);
enum sg_tee_reason sg_tee_doc_reason(enum sg_tee_doc doc, enum sg_tee_doc_fault fault);

/* Reasons in the order found, each once.  Full: the last place says so by NOT_JUDGED, which refuses
 * as well as any other. */
#define SG_TEE_REASONS_MAX 40
struct sg_tee_reasons {
    size_t n;
    enum sg_tee_reason at[SG_TEE_REASONS_MAX];
};

void sg_tee_reasons_add(struct sg_tee_reasons *list, enum sg_tee_reason r);
bool sg_tee_reasons_have(const struct sg_tee_reasons *list, enum sg_tee_reason r);
