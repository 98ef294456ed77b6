#pragma once
/*
 * tpm - TPM 2.0 quotes taken apart and judged.  Big-endian throughout; everything borrows.
 * Source: TCG "Trusted Platform Module Library", part 2 (structures), revision 1.59.
 */
#include "judge-int.h"
#include "key-int.h"

#include <sealgrid/base/buf.h>

enum { SG_TPM_PCRS = 24, SG_TPM_BANKS_MAX = 8, SG_TPM_DIGEST_MAX = 64 };

/* TPM_ALG_ID */
enum {
    SG_TPM_ALG_RSA = 0x0001,
    SG_TPM_ALG_SHA1 = 0x0004,
    SG_TPM_ALG_SHA256 = 0x000b,
    SG_TPM_ALG_SHA384 = 0x000c,
    SG_TPM_ALG_SHA512 = 0x000d,
    SG_TPM_ALG_NULL = 0x0010,
    SG_TPM_ALG_RSASSA = 0x0014,
    SG_TPM_ALG_RSAPSS = 0x0016,
    SG_TPM_ALG_ECDSA = 0x0018,
    SG_TPM_ALG_ECC = 0x0023,
};

/* Octets of a digest; 0: an algorithm that is not known here. */
size_t sg_tpm_digest_len(unsigned alg);
/* The digest of parts one after another.  false: not known here. */
bool sg_tpm_digest(unsigned alg, const struct sg_bytes *parts, size_t n,
                   uint8_t ret[SG_TPM_DIGEST_MAX]);

struct sg_tpm_bank {
    unsigned alg;
    uint32_t pcrs;          /* bit by number */
    struct sg_bytes bitmap; /* as it stands */
};

/* TPMS_ATTEST of type TPM_ST_ATTEST_QUOTE. */
struct sg_tpm_quote {
    struct sg_bytes signer, extra; /* qualified name of the key; qualifying data */
    uint64_t clock_ms, firmware;
    uint32_t resets, restarts;
    bool safe;
    size_t n_banks;
    struct sg_tpm_bank bank[SG_TPM_BANKS_MAX];
    struct sg_bytes pcr_digest;
    size_t len;
};
/* To its last octet.  SG_TEE_REASON_NONE, TPM_MAGIC, TPM_TYPE or TPM_STRUCTURE. */
enum sg_tee_reason sg_tpm_quote_read(struct sg_bytes octets, struct sg_tpm_quote *ret);

/* A signature, ready for sg_tee_key_verifies. */
struct sg_tpm_signature {
    enum sg_tee_alg alg;   /* NONE: of no algorithm taken here */
    unsigned scheme, hash; /* TPM_ALG_ID; the hash is of signature and PCR digest alike */
    struct sg_bytes octets;
    uint8_t room[96]; /* r || s */
};
/* TPMT_SIGNATURE to its last octet, or bare RSA octets, which are RSASSA with SHA-256. */
bool sg_tpm_signature_read(struct sg_bytes octets, const struct sg_tee_key *key,
                           struct sg_tpm_signature *ret);

/* An attestation key, and what its public area says of its use. */
struct sg_tpm_key {
    struct sg_tee_key *key; /* NULL: none */
    bool has_attributes;    /* a public area was given */
    unsigned scheme, hash;  /* TPM_ALG_ID: all that it signs with; 0: not said */
    bool may_attest; /* restricted: the TPM signs nothing with it that it did not make itself; made
                        in this TPM and bound to it; signs and does not decrypt */
};
void sg_tpm_key_clear(struct sg_tpm_key *k);
/* TPM2B_PUBLIC, TPMT_PUBLIC, PEM or DER (SubjectPublicKeyInfo).  0; SG_TEE_KEY_BAD; -ENOMEM.
 * Whatever it returns: clear ret. */
SG_MUST_USE int sg_tpm_key_read(struct sg_bytes octets, struct sg_tpm_key *ret);

/* Where in the PCR values given the value of one PCR stands.  Values are those selected, in the
 * order of selection, or the 24 of the one bank that is selected. */
bool sg_tpm_pcr(const struct sg_tpm_quote *q, struct sg_bytes values, unsigned alg, unsigned number,
                struct sg_bytes *ret);

/* Quote, signature, PCR values and event log of the case against a key that others vouch for (NULL:
 * nobody does, which is not said again here).  Fills quote, pcrs and the program's claims. */
void sg_tpm_judge_quote(const struct sg_tee_case *c, const struct sg_tpm_key *key,
                        struct sg_tee_verdict *v);
/* "extra", "signer", "pcrdigest", "pcr0".."pcr23" (of the first bank selected). */
bool sg_tpm_field(const struct sg_tee_verdict *v, struct sg_bytes name, struct sg_bytes *ret);
/* The member "tpm" of the open object; nothing if the quote does not decode. */
void sg_tpm_quote_json(const struct sg_tee_evidence *e, struct sg_json *j);

/*
 * One octet string for all parts of a bare quote, as a provider hands it out: the CBOR array
 * ["sealgrid-tpm-quote-v1", quote, signature, PCR values, key, event log, certificates], each a
 * byte string, the last two empty if there are none.
 */
SG_MUST_USE int sg_tpm_pack(const struct sg_tee_evidence *parts, struct sg_buf *ret);
/* The report is such an array by its first octets. */
bool sg_tpm_is_packed(const struct sg_tee_evidence *e);
/* To the last octet; ret borrows from e.  What is not packed comes back as it is.  false: broken.
 */
bool sg_tpm_unpack(const struct sg_tee_evidence *e, struct sg_tee_evidence *ret);
