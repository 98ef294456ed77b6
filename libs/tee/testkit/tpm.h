#pragma once
/*
 * testkit tpm - a make-believe TPM: an attestation key, PCRs, quotes; event logs; and the bundles
 * that Azure's paravisor makes around an SNP report or beside a TD quote.
 */
#include "pki.h"

enum { TK_PCRS = 24, TK_HCL_LEN = 2600 };

struct tk_tpm {
    enum tk_key_type type;
    EVP_PKEY *key;
    enum tk_scheme scheme; /* TK_PKCS1, TK_PSS; of an elliptic curve key not looked at */
    unsigned hash;         /* TPM_ALG_ID of signature and PCR digest: 0x000b, 0x000c, 0x000d, 4 */
    unsigned bank;         /* of the PCRs selected */
    uint32_t selected;
    uint8_t pcr[TK_PCRS][64];
    uint32_t magic;
    uint16_t attest_type;
    size_t extra_len;
    uint8_t extra[64];
    uint32_t attributes; /* of the key's public area */
};
/* SHA-256 throughout (SHA-384 for P-384), PCRs 0 to 9 selected, extra of 64 octets. */
void tk_tpm_init(struct tk_tpm *t, enum tk_key_type type);
void tk_tpm_clear(struct tk_tpm *t);

/* All append. */
void tk_tpm_quote(const struct tk_tpm *t, struct sg_buf *ret);
void tk_tpm_sign(const struct tk_tpm *t, struct sg_bytes quote, struct sg_buf *ret);
void tk_tpm_public(const struct tk_tpm *t, struct sg_buf *ret); /* TPM2B_PUBLIC */
void tk_tpm_values(const struct tk_tpm *t, struct sg_buf *ret); /* of those selected */
/* A certificate of the key, of purpose AIK. */
X509 *tk_tpm_certify(const struct tk_tpm *t, struct tk_cert_spec spec, const X509 *issuer,
                     EVP_PKEY *issuer_key);

/* A crypto-agile log with banks SHA-1 and SHA-256; every event extends the TPM's PCR (bank
 * SHA-256) with the hash of its data. */
void tk_log_start(struct sg_buf *log);
void tk_log_event(struct tk_tpm *t, unsigned pcr, uint32_t type, const char *data,
                  struct sg_buf *log);
/* SHA-1 alone; an old log has no header. */
void tk_log_old_event(unsigned pcr, uint32_t type, const char *data, struct sg_buf *log);

/* Runtime data with the key as HCLAkPub; NULL: without. */
void tk_hcl_runtime(const struct tk_tpm *t, struct sg_buf *ret);
/* type 2: hardware is an SNP report; 4: what a TD's paravisor keeps (any octets).  TK_HCL_LEN. */
void tk_hcl_report(unsigned type, struct sg_bytes hardware, struct sg_bytes runtime,
                   struct sg_buf *ret);
