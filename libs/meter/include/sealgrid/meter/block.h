#pragma once
/*
 * block - the signed block: 1 to 96 consecutive readings of one meter under its metrology key.
 *
 * COSE_Sign1 (RFC 9052) with external_aad "sealgrid-reading-v1"; the payload is the deterministic
 * CBOR header below, whose root is the RFC 6962 tree hash over salted leaves
 * leaf_i = salt_i (16 octets) || sg_reading_encode(reading_i).  docs/adr has the layout.  On the
 * wire the block is followed by the salt seed and the leaves; one reading is proved by its salt,
 * its leaf, a path and the signed header, without the seed and so without a hint at its neighbours.
 */
#include <sealgrid/crypto/sign.h>
#include <sealgrid/meter/reading.h>

#define SG_BLOCK_READINGS_MAX 96
#define SG_BLOCK_SERIAL_MAX   20
#define SG_BLOCK_MAX          49152 /* whole encoding on the wire */
#define SG_BLOCK_SEED_LEN     32
#define SG_BLOCK_SALT_LEN     16
/* Leaf formats: 1 has readings of 38 fields (sg_reading_is_short) alone, 2 also those of 40. */
#define SG_BLOCK_FORMAT_FIRST 1
#define SG_BLOCK_FORMAT       2

enum sg_clock_status { SG_CLOCK_OK = 0, SG_CLOCK_UNSYNCHRONISED = 1, SG_CLOCK_WAS_SET = 2 };

struct sg_block_header {
    char serial[SG_BLOCK_SERIAL_MAX + 1]; /* meter serial, printable ASCII without space */
    uint64_t first_seq;
    uint32_t count;      /* 1..96 */
    int64_t first_ts_s;  /* end of the first interval */
    uint32_t interval_s; /* 60..86400, divides 86400; ts_i = first_ts + i * interval */
    enum sg_clock_status clock;
    uint32_t software; /* legally relevant software id */
    uint32_t format;   /* of the leaves, SG_BLOCK_FORMAT_FIRST .. SG_BLOCK_FORMAT */
    uint8_t root[32];
};

/* What the store keeps beside the rows and an evidence file carries: all but the leaves. */
struct sg_block_evidence {
    struct sg_block_header header;
    enum sg_sign_alg alg;
    uint8_t seed[SG_BLOCK_SEED_LEN];
    struct sg_bytes signature; /* borrowed */
};

/* Leaf salt i of a block: first 16 octets of HMAC-SHA256(seed, "sealgrid-salt-v1" || be32(i)). */
void sg_block_salt(uint8_t ret[SG_BLOCK_SALT_LEN], const uint8_t seed[SG_BLOCK_SEED_LEN],
                   uint32_t i);
void sg_block_leaf_hash(uint8_t ret[32], const uint8_t salt[SG_BLOCK_SALT_LEN],
                        struct sg_bytes leaf);

/* False for a reading of 40 fields under a header of format 1: whatever a meter signed as format 1
 * is never taken for more than that could say. */
bool sg_block_format_has(const struct sg_block_header *h, const struct sg_reading *reading);

/* Meter side.  readings must be consecutive and of the format (checked: -EINVAL).  header.root and
 * count are made.  Appends the wire encoding. */
SG_MUST_USE int sg_block_sign(const struct sg_block_header *header,
                              const struct sg_reading *readings, size_t n, const struct sg_key *key,
                              enum sg_sign_alg alg, const uint8_t seed[SG_BLOCK_SEED_LEN],
                              struct sg_buf *ret);

enum sg_block_outcome {
    SG_BLOCK_MALFORMED = 1, /* not deterministic, out of range, wrong length */
    SG_BLOCK_BAD_SIGNATURE,
    SG_BLOCK_BAD_ROOT,     /* leaves are not those that were signed */
    SG_BLOCK_BAD_SEQUENCE, /* leaves not consecutive in sequence or time */
};

/* Serial, sequence, count, times, interval, clock status and format in their ranges. */
bool sg_block_header_valid(const struct sg_block_header *h);

/* The wire form from its parts: what sg_block_sign made, octet for octet (ingest compares). */
SG_MUST_USE int sg_block_encode(const struct sg_block_evidence *e,
                                const struct sg_reading *readings, struct sg_buf *ret);

/* Structure and sequence only; readings into ret_readings[96], which holds rubbish after a refusal.
 * Borrows from wire.  0, SG_BLOCK_MALFORMED, SG_BLOCK_BAD_SEQUENCE. */
SG_MUST_USE int sg_block_decode(struct sg_bytes wire, struct sg_block_evidence *ret,
                                struct sg_reading *ret_readings);
/* Root recomputed from readings (whose encoding is deterministic) and compared; then the signature.
 * readings may come from the wire or from rows.  0 or any sg_block_outcome. */
SG_MUST_USE int sg_block_verify(const struct sg_block_evidence *e,
                                const struct sg_reading *readings, const struct sg_key *key);
/* The signature alone: whoever signed stands for e->header, readings are not looked at.  0,
 * SG_BLOCK_MALFORMED, SG_BLOCK_BAD_SIGNATURE. */
SG_MUST_USE int sg_block_check_signature(const struct sg_block_evidence *e,
                                         const struct sg_key *key);
/* Hash of the leaf of reading i of a block with this seed.  -EINVAL for a reading that is not
 * valid. */
SG_MUST_USE int sg_block_reading_hash(const uint8_t seed[SG_BLOCK_SEED_LEN], uint32_t i,
                                      const struct sg_reading *reading, uint8_t ret[32]);
/* Evidence for the store: a deterministic CBOR array, bounded by SG_BLOCK_EVIDENCE_MAX. */
#define SG_BLOCK_EVIDENCE_MAX 1024
SG_MUST_USE int sg_block_evidence_encode(const struct sg_block_evidence *e, struct sg_buf *ret);
/* Borrows the signature from b.  0 or SG_BLOCK_MALFORMED. */
SG_MUST_USE int sg_block_evidence_decode(struct sg_bytes b, struct sg_block_evidence *ret);

/* One reading's proof, deterministic CBOR, at most 2 KiB: [header, algorithm, signature, index,
 * salt, leaf, path] - the evidence without the seed. */
#define SG_BLOCK_PROOF_MAX 2048
SG_MUST_USE int sg_block_prove(const struct sg_block_evidence *e, const struct sg_reading *readings,
                               uint32_t index, struct sg_buf *ret);
SG_MUST_USE int sg_block_check_proof(struct sg_bytes proof, const struct sg_key *key,
                                     struct sg_block_header *ret_header,
                                     struct sg_reading *ret_reading);
/* The leaf hash of the reading in a proof, for who looks it up in another tree; says nothing of
 * the proof itself.  0, SG_BLOCK_MALFORMED. */
SG_MUST_USE int sg_block_proof_leaf(struct sg_bytes proof, uint8_t ret[32]);
