#pragma once
/*
 * tee verdict - evidence judged: facts, and every reason against it.
 *
 * Two steps.  sg_tee_judge: a pure function of evidence, store and instant; it checks signatures,
 * bindings, chains, dates, revocation and TCB levels, and records what it found, what it found
 * wrong (reasons) and what it could not check for want of a document (absent).  sg_tee_apply
 * (policy.h) then turns facts and absences into reasons as a policy says.  Evidence is trusted if
 * and only if both steps ran and no reason stands: a verdict that nobody finished refuses.
 *
 * After a failed check the verifier goes on as far as octets make sense, so that all reasons are
 * named; what it then learns is worth nothing unless the list stays empty.
 */
#include <sealgrid/base/json.h>
#include <sealgrid/tee/kind.h>
#include <sealgrid/tee/reason.h>
#include <sealgrid/tee/status.h>
#include <sealgrid/tee/store.h>
#include <sealgrid/tee/verifier.h>

/* A case of several documents; a single-file case is its REPORT.  Borrowed, any may be empty. */
#define SG_TEE_PARTS(X)                                                                            \
    X(REPORT, "report") /* SGX/TDX quote, SNP report, Nitro document, CCA token, HCL report */     \
    X(CERTIFICATES,                                                                                \
      "certificates") /* that travel with the evidence: trusted no more than others */             \
    X(RUNTIME_DATA, "runtime-data")   /* Azure: if not inside the HCL report */                    \
    X(TPM_QUOTE, "tpm-quote")         /* TPMS_ATTEST */                                            \
    X(TPM_SIGNATURE, "tpm-signature") /* TPMT_SIGNATURE or the bare RSA octets */                  \
    X(TPM_PCRS, "tpm-pcrs")                                                                        \
    X(TPM_KEY, "tpm-key") /* attestation key: TPM2B_PUBLIC, PEM or DER */                          \
    X(EVENT_LOG, "event-log")                                                                      \
    X(TD_QUOTE, "td-quote") /* Azure: of the hardware, beside; on TDX there is no other */

enum sg_tee_part {
#define X(id, name) SG_TEE_PART_##id,
    SG_TEE_PARTS(X)
#undef X
        SG_TEE_N_PARTS
};

struct sg_tee_evidence {
    struct sg_bytes part[SG_TEE_N_PARTS];
};

/* By content alone; SG_TEE_KIND_NONE. */
enum sg_tee_kind sg_tee_recognise(const struct sg_tee_evidence *e);

/* Verified signatures of certificate chains that come again and again; bounded.  One thread. */
struct sg_tee_cache;
SG_MUST_USE int sg_tee_cache_new(struct sg_tee_cache **ret, const struct sg_tee_store *store);
void sg_tee_cache_free(struct sg_tee_cache *c);
SG_DEFINE_FREEP(struct sg_tee_cache, sg_tee_cache_free)

struct sg_tee_case {
    const struct sg_tee_evidence *evidence;
    const struct sg_tee_store *store; /* sealed */
    struct sg_tee_cache *cache;       /* of this store, or NULL */
    int64_t at_s;                     /* everything is judged at this instant */
    bool crypto_only; /* signatures, bindings, chains and dates; no TCB info, no identity; a CRL
                         that is there still revokes */
};

/* One part of the platform with a status of its own. */
struct sg_tee_component {
    enum sg_tee_status status;
    int64_t date_s; /* tcbDate of the level; 0: none */
};

#define SG_TEE_ADVISORIES_MAX 64
struct sg_tee_advisories {
    size_t n, n_platform;                  /* the first n_platform are of the platform's level */
    const char *id[SG_TEE_ADVISORIES_MAX]; /* in the store */
};

/* A named field of the evidence, as policies and output know it. */
enum sg_tee_field_type {
    SG_TEE_FIELD_HEX,      /* octets as they stand */
    SG_TEE_FIELD_UINT,     /* little-endian number of 1, 2, 4 or 8 octets */
    SG_TEE_FIELD_HEX_UINT, /* the same, written "0x30000" */
};

struct sg_tee_field {
    const char *name;
    uint16_t offset, len;
    enum sg_tee_field_type type;
};

#define SG_TEE_FORMAT_MAX 24

struct sg_tee_verdict {
    enum sg_tee_kind kind;
    char format[SG_TEE_FORMAT_MAX]; /* "tdx-quote-v4"; "" before it is known */
    bool judged, applied;           /* both steps came to their ends */
    struct sg_tee_reasons reasons;
    struct sg_tee_reasons absent; /* documents that were missing; policy decides */

    /* Facts.  Meaningful only as far as judging came. */
    struct sg_tee_claims claims;
    bool migratable;               /* may move to another platform (TDX bit 29, SNP MIGRATE_MA) */
    unsigned vmpl;                 /* SNP; 0 for every other kind */
    enum sg_tee_status tcb_status; /* of all components together */
    struct sg_tee_component platform, qe, tdx_module;
    struct sg_tee_advisories
        advisories;          /* of the platform's level, then of QE and module; each once */
    uint32_t tcb_evaluation; /* lowest tcbEvaluationDataNumber used; 0: none */
    /* Collateral used: its oldest and newest issue, its earliest end; INT64_MAX, INT64_MIN and
     * INT64_MAX: none. */
    int64_t collateral_oldest_s, collateral_from_s, collateral_until_s;
    /* Fixed-offset fields of the body, borrowed from the evidence; none for CBOR kinds. */
    const struct sg_tee_field *fields;
    size_t n_fields;
    struct sg_bytes body;
    struct sg_bytes tpm_quote, tpm_pcrs; /* of kinds with a TPM, borrowed likewise */
};

/* 0 and *ret, whatever the evidence; -ENOMEM alone fails. */
SG_MUST_USE int sg_tee_judge(const struct sg_tee_case *c, struct sg_tee_verdict *ret);
bool sg_tee_trusted(const struct sg_tee_verdict *v);
/* The octets of a field by name, in the evidence; false if this kind has none of that name. */
bool sg_tee_verdict_field(const struct sg_tee_verdict *v, struct sg_bytes name,
                          struct sg_bytes *ret);

/*
 * Whether the evidence was made over these 64 octets: they stand in it; or, where a TPM holds no
 * nonce so long (TPM2B_DATA takes its longest digest and two octets), their SHA-256 does.  Evidence
 * over a nonce of another form is over none.
 */
bool sg_tee_is_over(const struct sg_tee_verdict *v, const uint8_t report_data[64]);

/* Decoded without judging: writes the members "fields", and as the kind has them "hdr", "qe",
 * "pck", "cert" (names as in published vectors) into an object that the caller has open.  Evidence
 * that does not decode writes as much as does, at least an empty "fields". */
SG_MUST_USE int sg_tee_describe(const struct sg_tee_evidence *e, const struct sg_tee_store *store,
                                struct sg_json *j);
