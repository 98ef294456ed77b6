#pragma once
/*
 * reading-proof - one reading on one bill: made by whoever holds the evidence, checked by anyone
 * who has the bill, the authority's records and its certificates.  docs/adr/0010 has the octets.
 */
#include <sealgrid/billing/evidence.h>
#include <sealgrid/billing/installation.h>
#include <sealgrid/billing/proof.h>

/* What of a bill proofs are about; everything borrowed. */
struct sg_proof_meter {
    const char *serial;
    int64_t from_s, until_s; /* clipped to the period */
    int64_t ratio_num, ratio_den;
};
#define SG_PROOF_METERS_MAX 16
struct sg_proof_bill {
    int64_t client, from_s, until_s;
    uint32_t interval_s;
    uint8_t sha256[32], tariff_sha256[32];
    struct sg_proof_meter meters[SG_PROOF_METERS_MAX];
    size_t n_meters;
    const struct sg_bucket *buckets;
    size_t n_buckets;
};

#define SG_READING_PROOF_MAX 2048
struct sg_reading_proof {
    uint8_t bill_sha256[32];
    uint64_t bucket;       /* number on the bill */
    uint64_t count, index; /* of its leaves */
    struct sg_totals before;
    struct sg_bytes block; /* sg_block_prove; borrowed */
    uint8_t path[SG_BUCKET_PATH_MAX][32];
    size_t path_len;
};
/* -ENOBUFS past SG_READING_PROOF_MAX. */
SG_MUST_USE int sg_reading_proof_put(struct sg_buf *out, const struct sg_reading_proof *p);
/* Borrows.  0, SG_PROOF_MALFORMED. */
SG_MUST_USE int sg_reading_proof_take(struct sg_bytes b, struct sg_reading_proof *ret);

/* ---- checking ------------------------------------------------------------------------------ */

/* V(id, word): what is wrong with a proof. */
#define SG_PROOF_FAULTS(V)                                                                         \
    V(NONE, "ok")                                                                                  \
    V(BILL, "proof.bill")         /* it is about another bill */                                   \
    V(BUCKET, "proof.bucket")     /* that bucket is not on it, or cannot be */                     \
    V(FOREIGN, "reading.foreign") /* not of the meter, or the time, that the bucket has */         \
    V(METER, "proof.meter")       /* the bill's meter is not as the records have it */             \
    V(CERTIFICATE, "certificate.untrusted")                                                        \
    V(REVOKED, "certificate.revoked")                                                              \
    V(SIGNATURE, "block.signature")                                                                \
    V(READING, "reading.altered")     /* not in the signed block */                                \
    V(NO_ENERGY, "reading.no_energy") /* nothing that could be billed */                           \
    V(PATH, "proof.path")             /* not in the bucket */                                      \
    V(TARIFF, "proof.tariff")         /* the tariff given is not the bill's */                     \
    V(CLASS, "proof.class")           /* the tariff puts it elsewhere */
enum sg_proof_fault {
#define SG_V(id, word) SG_PROOF_FAULT_##id,
    SG_PROOF_FAULTS(SG_V)
#undef SG_V
};
const char *sg_proof_fault_word(enum sg_proof_fault f);

/* L(id, word): what revocation lists say of a proof's certificate that they do not list. */
#define SG_PROOF_CRLS(L)                                                                           \
    L(NONE, "no_list")                                                                             \
    L(STALE, "stale_list") /* sg_authority_revocation: nothing of the reading's time */            \
    L(CHECKED, "checked")
enum sg_proof_crl {
#define SG_L(id, word) SG_PROOF_CRL_##id,
    SG_PROOF_CRLS(SG_L)
#undef SG_L
};
const char *sg_proof_crl_word(enum sg_proof_crl c);

struct sg_proof_authority {
    const struct sg_installations *installations;
    const struct sg_authority *authority;
    const struct sg_tariff *tariff; /* NULL: post and index are not checked */
    int64_t judged_s;               /* now, for the lists */
};
struct sg_proved {
    struct sg_block_header header;
    struct sg_reading reading;
    struct sg_leaf leaf; /* place in the bill's bucket; own: its energy */
    enum sg_proof_crl crl;
};
/* Where the tariff puts every interval of the bill's meters; see sg_buckets_plan. */
SG_MUST_USE int sg_proof_plan(const struct sg_proof_bill *bill, const struct sg_tariff *t,
                              struct sg_buckets **ret);
/* plan: of that bill, or NULL: made here if there is a tariff. */
SG_MUST_USE int sg_reading_proof_check(const struct sg_reading_proof *p,
                                       const struct sg_proof_bill *bill,
                                       const struct sg_proof_authority *a,
                                       const struct sg_buckets *plan, enum sg_proof_fault *ret,
                                       struct sg_proved *ret_proved);

/* ---- making -------------------------------------------------------------------------------- */

struct sg_prover;

enum sg_prover_outcome {
    SG_PROVER_EVIDENCE = 1, /* unreadable, or it does not make the buckets of the bill */
    SG_PROVER_NONE,         /* no billed reading there */
};
/* Borrows all three.  0, SG_PROVER_EVIDENCE. */
SG_MUST_USE int sg_prover_new(struct sg_prover **ret, const struct sg_proof_bill *bill,
                              const struct sg_tariff *t, struct sg_bytes evidence);
void sg_prover_free(struct sg_prover *p);
SG_DEFINE_FREEP(struct sg_prover, sg_prover_free)
/* Of the reading whose interval ends then; of that one whose import (export) covers that Wh.
 * Appended.  0, SG_PROVER_NONE. */
SG_MUST_USE int sg_prover_at(const struct sg_prover *p, int64_t ts_s, struct sg_buf *ret);
SG_MUST_USE int sg_prover_of(const struct sg_prover *p, const struct sg_leaf *leaf,
                             struct sg_buf *ret);
bool sg_prover_leaf(const struct sg_prover *p, size_t bucket, bool is_export, int64_t wh,
                    struct sg_leaf *ret);
