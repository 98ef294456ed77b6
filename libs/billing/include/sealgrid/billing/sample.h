#pragma once
/*
 * sample - monetary-unit sampling over the buckets of one bill or of a city's: n points drawn from
 * a seed that neither side can choose, each answered by the proof of the one reading that covers
 * it.  docs/adr/0010 has the octets, the argument and what a sample does not show.
 */
#include <sealgrid/billing/reading-proof.h>

#define SG_SAMPLE_PPM        1000000
#define SG_SAMPLE_POINTS_MAX 1000000
#define SG_SAMPLE_BILLS_MAX  2000000

struct sg_challenge {
    uint8_t nonce[32], commitment[32];
    uint64_t bills;
    uint32_t confidence_ppm, tolerable_ppm; /* 1..999999 */
    uint32_t points;
};
/* The least n with (1 - f)^n <= 1 - c, never too small; 0 if it would pass SG_SAMPLE_POINTS_MAX or
 * c or f is out of range. */
uint32_t sg_sample_size(uint32_t confidence_ppm, uint32_t tolerable_ppm);
#define SG_CHALLENGE_MAX 160
SG_MUST_USE int sg_challenge_put(struct sg_buf *out, const struct sg_challenge *c);
/* Also checks that points are what confidence and share ask for.  0, SG_PROOF_MALFORMED. */
SG_MUST_USE int sg_challenge_take(struct sg_bytes b, struct sg_challenge *ret);

/* ---- population ---------------------------------------------------------------------------- */

struct sg_population;

enum sg_sample_outcome {
    SG_SAMPLE_BAD_BILLS =
        1,                /* out of order, overlapping, with impossible buckets, or worth nothing */
    SG_SAMPLE_COMMITMENT, /* the bills are not those that were committed to */
    SG_SAMPLE_NONCE,      /* the nonce is not the one whose hash was given */
};
/* Bills by client, then begin; borrowed.  why: which bill, and what of it. */
SG_MUST_USE int sg_population_new(struct sg_population **ret, const struct sg_proof_bill *bills,
                                  size_t n, char why[160]);
void sg_population_free(struct sg_population *p);
SG_DEFINE_FREEP(struct sg_population, sg_population_free)
/* RFC 6962 over SHA-256(00 || bill sha256). */
void sg_population_commitment(const struct sg_population *p, uint8_t ret[32]);
/* Wh after ratios, rounded down. */
uint64_t sg_population_wh(const struct sg_population *p);

/* Where a point falls. */
struct sg_point {
    size_t bill, bucket;
    bool is_export;
    int64_t wh; /* of the bucket */
};
/* All points of a challenge.  0, SG_SAMPLE_COMMITMENT. */
SG_MUST_USE int sg_sample_draw(const struct sg_population *p, const struct sg_challenge *c,
                               struct sg_point **ret);
/* SG_SAMPLE_NONCE unless SHA-256 of the challenge's nonce is this. */
SG_MUST_USE int sg_sample_check_nonce(const struct sg_challenge *c, const uint8_t nonce_hash[32]);

/* ---- response ------------------------------------------------------------------------------ */

#define SG_RESPONSE_MAX (1u << 30)
/* Of the holder: a prover for a bill of the population; borrowed until the next call. */
typedef int (*sg_sample_prover_fn)(void *user, size_t bill, const struct sg_prover **ret);
/* 0, SG_SAMPLE_COMMITMENT, SG_PROVER_EVIDENCE (positive outcomes of fn too, unchanged). */
SG_MUST_USE int sg_sample_respond(const struct sg_population *p, const struct sg_challenge *c,
                                  sg_sample_prover_fn fn, void *user, struct sg_buf *ret);

/* S(id, word): what is wrong with a response. */
#define SG_SAMPLE_CODES(S)                                                                         \
    S(RESPONSE, "sample.response")     /* unreadable, or to another challenge */                   \
    S(ORDER, "sample.order")           /* not ascending, or the same twice */                      \
    S(PROOF, "sample.proof")           /* a proof that does not hold: why says what */             \
    S(UNANSWERED, "sample.unanswered") /* a point that no proof covers */                          \
    S(EXCESS, "sample.excess")         /* a reading shown that no point asked for */
enum sg_sample_code {
#define SG_S(id, word) SG_SAMPLE_CODE_##id,
    SG_SAMPLE_CODES(SG_S)
#undef SG_S
};
const char *sg_sample_code_word(enum sg_sample_code code);
struct sg_sample_finding {
    enum sg_sample_code code;
    int64_t client; /* 0: about the whole */
    const struct sg_proof_bill *bill;
    const char *why;
};
typedef void (*sg_sample_fn)(void *user, const struct sg_sample_finding *f);
struct sg_sample_result {
    uint64_t points, answered, readings, findings, without_crl, stale_crl;
};
/* The authority needs the tariff of the bills.  0, SG_SAMPLE_COMMITMENT. */
SG_MUST_USE int sg_sample_judge(const struct sg_population *p, const struct sg_challenge *c,
                                struct sg_bytes response, const struct sg_proof_authority *a,
                                sg_sample_fn fn, void *user, struct sg_sample_result *ret);
