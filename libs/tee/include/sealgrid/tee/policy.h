#pragma once
/*
 * tee policy - what an operator accepts.  A policy that is all zero accepts nothing.
 *
 * Every list of values is closed: what is not in it is refused, and an empty list refuses all;
 * "anything goes" must be said (any_*).  Pure; borrowed values outlive the policy.
 */
#include <sealgrid/tee/verdict.h>

/* A field by name (verdict.h; "mrtd", "rtmr1", "mrsigner", "isvsvn", "reported_tcb"...). */
struct sg_tee_field_rule {
    const char *name;
    bool at_least;    /* a number that must not be lower; else one of the values */
    uint64_t minimum; /* at_least; per-octet minimum of a TCB version: policy-file's business */
    const struct sg_bytes *values;
    size_t n_values;
};

enum sg_tee_absence { /* bits: documents whose absence is accepted */
                      SG_TEE_ABSENT_TCB_INFO = 1,
                      SG_TEE_ABSENT_QE_IDENTITY = 2,
                      SG_TEE_ABSENT_CRL = 4,
};

struct sg_tee_policy {
    bool any_kind;
    uint32_t kinds; /* bit 1 << enum sg_tee_kind */
    bool any_measurement;
    const struct sg_bytes *measurements;
    size_t n_measurements;
    bool any_signer;
    const struct sg_bytes *signers;
    size_t n_signers;
    const struct sg_tee_field_rule *rules; /* all must hold; a field that the kind lacks refuses */
    size_t n_rules;
    uint64_t min_svn;
    bool any_status;   /* --crypto-only; Revoked and NOT_SUPPORTED are refused even so */
    uint32_t statuses; /* bit 1 << enum sg_tee_status */
    bool any_advisory; /* else every advisory that applies must be listed */
    const char *const *advisories;
    size_t n_advisories;
    uint32_t min_tcb_evaluation;
    int64_t max_collateral_age_s; /* 0: until it expires */
    uint32_t allow_absent;        /* enum sg_tee_absence */
    bool allow_debug, allow_migratable, allow_simulated;
    uint32_t vmpls;             /* bit 1 << vmpl, for SNP */
    const uint8_t *report_data; /* 64 octets that must be there; NULL: the caller's business */
    int64_t at_s;               /* the instant of the case, for ages */
};

/* Genuine, current evidence about any program: UpToDate, or a kind without levels; nothing missing,
 * no debug, no migration, VMPL 0. */
struct sg_tee_policy sg_tee_policy_default(void);
/* Signatures, bindings, chains and dates alone. */
struct sg_tee_policy sg_tee_policy_crypto_only(void);

/* Adds what the policy refuses to v->reasons. */
void sg_tee_apply(const struct sg_tee_policy *p, struct sg_tee_verdict *v);
