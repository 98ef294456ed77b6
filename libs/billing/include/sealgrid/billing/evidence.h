#pragma once
/*
 * evidence - the file that stands behind one client's bill: every signed block of the period with
 * its readings, enough to check all of it without the store.  docs/evidence.md has the octets.
 *
 *   ["sealgrid-evidence-v1", client, from, until, [block, ...]]      deterministic CBOR
 *   block = [evidence (sg_block_evidence_encode), leaf hashes (32 octets each), [reading, ...]]
 *   ["sealgrid-evidence-v2", client, from, until, [block, ...], estimates, resolutions]
 *
 * The second form has, each as octets or null, what is not signed by a meter: estimates
 * (billing/vee.h) and choices between differing readings (billing/resolution.h).  A file without
 * either is written in the first.
 *
 * on disk in one zstd frame or bare.  The leaf hashes are redundant in an honest file; in a
 * doctored one they say which reading of a block was changed, because the signed root covers them.
 * A reader accepts blocks whose readings are too many, too few or wrong: judging is audit's work.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/meter/block.h>

#define SG_EVIDENCE_MAX          (64u * 1024 * 1024) /* unpacked */
#define SG_EVIDENCE_BLOCKS_MAX   100000
#define SG_EVIDENCE_READINGS_MAX (2 * SG_BLOCK_READINGS_MAX) /* of a block in a file */

struct sg_evidence_head {
    int64_t client;
    int64_t from_s, until_s; /* as the bill's */
    uint64_t n_blocks;
};

struct sg_evidence_block {
    struct sg_block_evidence evidence; /* signature borrowed from the file */
    uint8_t leaves[SG_BLOCK_READINGS_MAX][32];
    size_t n_leaves; /* <= 96; of an honest file, header.count */
    struct sg_reading readings[SG_EVIDENCE_READINGS_MAX];
    size_t n_readings;
};

/* Writes: head, then n_blocks times a block, each appended to out. */
SG_MUST_USE int sg_evidence_put_head(struct sg_buf *out, const struct sg_evidence_head *h);
/* The same of a file with sections behind its blocks. */
SG_MUST_USE int sg_evidence_put_head_sections(struct sg_buf *out, const struct sg_evidence_head *h);
SG_MUST_USE int sg_evidence_put_block(struct sg_buf *out, const struct sg_evidence_block *b);
/* The same, of n_readings readings that were encoded before (sg_reading_encode): b->readings are
 * not looked at. */
SG_MUST_USE int sg_evidence_put_block_encoded(struct sg_buf *out, const struct sg_evidence_block *b,
                                              const struct sg_bytes *readings);
/* Behind the last block; empty: there is none. */
SG_MUST_USE int sg_evidence_put_sections(struct sg_buf *out, struct sg_bytes estimates,
                                         struct sg_bytes resolutions);

enum sg_evidence_outcome {
    SG_EVIDENCE_MALFORMED = 1,
    SG_EVIDENCE_END,
};
/* A cursor over an unpacked file, which it borrows. */
struct sg_evidence_reader {
    struct sg_reader in;
    uint64_t left;                          /* blocks */
    bool sections;                          /* follow them, and have not been taken */
    struct sg_bytes estimates, resolutions; /* borrowed, from SG_EVIDENCE_END on; empty: none */
};
/* 0 or SG_EVIDENCE_MALFORMED. */
SG_MUST_USE int sg_evidence_open(struct sg_evidence_reader *r, struct sg_bytes file,
                                 struct sg_evidence_head *ret);
/* 0, SG_EVIDENCE_END (all read, nothing follows), SG_EVIDENCE_MALFORMED (*ret may hold rubbish). */
SG_MUST_USE int sg_evidence_next(struct sg_evidence_reader *r, struct sg_evidence_block *ret);

/* One zstd frame around a file, and back; a bare file is copied.  Unpack: SG_EVIDENCE_MALFORMED
 * past SG_EVIDENCE_MAX or for a damaged frame. */
SG_MUST_USE int sg_evidence_pack(struct sg_bytes file, struct sg_buf *ret);
SG_MUST_USE int sg_evidence_unpack(struct sg_bytes packed, struct sg_buf *ret);
