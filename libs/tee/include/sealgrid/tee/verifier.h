#pragma once
/*
 * tee verifier - a pure function from evidence, collateral and an instant to claims, or to the
 * name of the first rule it breaks.  No I/O, no clock, no policy: which measurement may have
 * which secret is the caller's business (cas).  Any thread.
 */
#include <sealgrid/crypto/sign.h>
#include <sealgrid/tee/kind.h>

#define SG_TEE_MEASUREMENT_MAX 64 /* SHA-512 of CCA */

struct sg_tee_claims {
    enum sg_tee_kind kind;
    uint8_t measurement[SG_TEE_MEASUREMENT_MAX]; /* of the program; 32 to 64 octets */
    size_t measurement_len;
    uint8_t
        signer[SG_TEE_MEASUREMENT_MAX]; /* who signed the program; 0 octets: the kind has none */
    size_t signer_len;
    uint8_t platform[64]; /* which machine: key hash (sim), PPID, chip id */
    size_t platform_len;
    uint64_t svn; /* security version of the program */
    bool debug;   /* its memory can be read from outside: as good as no protection */
    uint8_t report_data[64];
    bool no_report_data; /* nothing of that form in it: the octets above are of no one */
};

/* What the verifier trusts and consults; borrowed.  Hardware kinds will add documents here
 * (certificates, CRLs, TCB information), recognised by content. */
struct sg_tee_collateral {
    struct sg_key *const *sim_platforms; /* public keys of simulated platforms */
    size_t n_sim_platforms;
};

#define SG_TEE_REFUSALS(X)                                                                         \
    X(MALFORMED, "evidence-malformed")     /* does not decode, or not in its one encoding */       \
    X(UNSUPPORTED, "evidence-unsupported") /* a kind without a verifier in this build */           \
    X(VERSION, "evidence-version")                                                                 \
    X(PLATFORM, "evidence-platform") /* under no root of the collateral */                         \
    X(SIGNATURE, "evidence-signature")

enum sg_tee_refusal {
    SG_TEE_ACCEPTED,
#define X(id, name) SG_TEE_REFUSED_##id,
    SG_TEE_REFUSALS(X)
#undef X
};

/* Static text; stable, part of the interface. */
const char *sg_tee_refusal_name(enum sg_tee_refusal r);

/* 0 and *ret; an enum sg_tee_refusal; -errno.  at_s: the instant to judge validity at. */
SG_MUST_USE int sg_tee_verify(enum sg_tee_kind kind, struct sg_bytes evidence,
                              const struct sg_tee_collateral *collateral, int64_t at_s,
                              struct sg_tee_claims *ret);
