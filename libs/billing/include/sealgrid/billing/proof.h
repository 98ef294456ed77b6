#pragma once
/*
 * proof - the running-total trees ("buckets") that a bill commits to, one for each meter, piece and
 * post: a reading's place in them follows from its time, what it adds is what its meter signed.
 * docs/adr/0010 has the octets and what each of them stops.
 *
 *   leaf = SHA-256(02 || content || be64 import before || be64 export before)
 *   root = SHA-256(04 || be64 count || be64 import || be64 export || RFC 6962 node over the leaves)
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/billing/tariff.h>
#include <sealgrid/crypto/merkle.h>

#define SG_TOTAL_MAX (INT64_C(1) << 62)

/* Wh before any ratio; neither is ever negative. */
struct sg_totals {
    int64_t import_wh, export_wh;
};
/* Import is what is positive of an interval's energy, export what is negative. */
struct sg_totals sg_totals_of(int64_t energy_wh);

/* content: a signed reading's leaf hash (sg_block_reading_hash), or 32 zero octets. */
void sg_total_leaf(uint8_t ret[32], const uint8_t content[32], struct sg_totals before);
void sg_total_root(uint8_t ret[32], uint64_t count, struct sg_totals sum, const uint8_t top[32]);

enum sg_proof_outcome {
    SG_PROOF_MALFORMED = 1, /* not such a message, or not in its one form */
    SG_PROOF_OVERFLOW,      /* a sum would leave 0..SG_TOTAL_MAX */
    SG_PROOF_TOO_MANY,      /* more pieces or buckets than a bill may have */
    SG_PROOF_ORDER,         /* not an interval of that meter, or one that was passed already */
    SG_PROOF_MISMATCH,      /* the path does not lead to the root */
};

/* ---- buckets ------------------------------------------------------------------------------- */

#define SG_BUCKETS_MAX 4096

/* As on the bill; it has a leaf for every interval that its meter's time and the tariff put into
 * it, with a signed reading or without. */
struct sg_bucket {
    uint32_t meter;              /* index into the bill's meters */
    uint32_t post;               /* index into the tariff's */
    int64_t from_day, until_day; /* local days of the tariff's zone, [from, until) */
    uint64_t intervals;          /* leaves */
    uint64_t readings;           /* those with a signed reading, at least one */
    int64_t import_wh, export_wh;
    uint8_t root[32];
};

/* One meter's part of the period: intervals that end in (from, until]. */
struct sg_bucket_meter {
    int64_t from_s, until_s;
};

struct sg_buckets;

/* Borrows the tariff.  The period's local days are cut at each `from` of a charge priced by the
 * interval, and at the first of each month if a flag is split by the interval.  keep: leaves are
 * kept, so that paths can be made.  0, SG_PROOF_TOO_MANY. */
SG_MUST_USE int sg_buckets_new(struct sg_buckets **ret, const struct sg_tariff *t, int64_t from_s,
                               int64_t until_s, const struct sg_bucket_meter *meters,
                               size_t n_meters, bool keep);
void sg_buckets_free(struct sg_buckets *b);
SG_DEFINE_FREEP(struct sg_buckets, sg_buckets_free)
/* One signed reading, in the meter's time order; intervals passed over have none.
 * 0, SG_PROOF_ORDER, SG_PROOF_OVERFLOW, SG_PROOF_TOO_MANY. */
SG_MUST_USE int sg_buckets_add(struct sg_buckets *b, size_t meter, int64_t ts_s, int64_t energy_wh,
                               const uint8_t leaf_hash[32]);
/* Once.  *ret is in the bill's order (piece, meter, post) and lives as long as b. */
SG_MUST_USE int sg_buckets_finish(struct sg_buckets *b, const struct sg_bucket **ret,
                                  size_t *ret_n);

/* The same without readings: every bucket that the tariff and the meters' times could fill, listed
 * and finished, its leaves kept.  0, SG_PROOF_TOO_MANY. */
SG_MUST_USE int sg_buckets_plan(struct sg_buckets **ret, const struct sg_tariff *t, int64_t from_s,
                                int64_t until_s, const struct sg_bucket_meter *meters,
                                size_t n_meters);
/* Number i of those that finish listed. */
struct sg_bucket sg_buckets_get(const struct sg_buckets *b, size_t i);

/* Where an interval stands.  After finish, of buckets that keep. */
struct sg_leaf {
    size_t bucket;
    uint64_t index;
    int64_t ts_s;
    struct sg_totals before, own;
    uint8_t content[32]; /* zero: no reading */
};
/* False if that meter has no such interval. */
bool sg_buckets_leaf_of(const struct sg_buckets *b, size_t meter, int64_t ts_s,
                        struct sg_leaf *ret);
/* The leaf whose import (or export) covers that Wh of the bucket; false if none does. */
bool sg_buckets_leaf_at(const struct sg_buckets *b, size_t bucket, bool is_export, int64_t wh,
                        struct sg_leaf *ret);
#define SG_BUCKET_PATH_MAX 24 /* of a bucket: 16 million intervals */
/* At most SG_BUCKET_PATH_MAX nodes. */
size_t sg_buckets_path(const struct sg_buckets *b, const struct sg_leaf *leaf, uint8_t (*ret)[32]);

/* A leaf in the bucket that the bill shows: 0, SG_PROOF_MISMATCH, SG_PROOF_OVERFLOW. */
SG_MUST_USE int sg_bucket_check(const struct sg_bucket *bucket, const struct sg_leaf *leaf,
                                const uint8_t (*path)[32], size_t path_len);
