#pragma once
/*
 * journal - the write-ahead log of the whole store (docs/adr/0003, section "Journal").
 *
 * One stream of records, written to up to three volumes at once in segments of equal octets; each
 * record carries a keyed MAC chained over all records before it, so storage can neither forge,
 * splice, reorder nor drop one in the middle.  A record is committed when its write quorum of
 * copies is synced.  A record that failed is void: the next segment starts at its number.
 *
 * Owns: its descriptors, the threads that sync them.  One thread at a time (the store's committer,
 * or recovery).
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/secret.h>

#include "io-int.h"

#define SG_JOURNAL_COPIES        3
#define SG_JOURNAL_MAC_LEN       16
#define SG_JOURNAL_RECORD_MAX    (96u << 20)
#define SG_JOURNAL_SEGMENT_BYTES (32u << 20)
#define SG_STORE_ID_LEN          16

/* Where a copy goes. */
struct sg_journal_site {
    unsigned slot;
    char folder[300];
};

struct sg_journal_segment {
    uint64_t first, last;
    uint64_t bytes;
    char paths[SG_JOURNAL_COPIES][320];
    unsigned slots[SG_JOURNAL_COPIES];
    size_t n_copies;
};

/*
 * Of two segments that start at the same record the one of the higher era counts; the other holds
 * void records, perhaps on a volume that was away meanwhile.  An era is the wall clock in
 * microseconds at the segment's start, or one more than the highest seen if that is more.
 */
struct sg_journal {
    struct sg_secret key;
    uint8_t store_id[SG_STORE_ID_LEN];
    uint64_t seq;                    /* last committed */
    uint8_t mac[SG_JOURNAL_MAC_LEN]; /* of that record */
    struct sg_io_file copies[SG_JOURNAL_COPIES];
    unsigned slots[SG_JOURNAL_COPIES];
    size_t n_copies; /* 0: a new segment is due */
    struct sg_syncer *syncer;
    size_t quorum;                       /* copies that must be synced */
    uint64_t failed;                     /* slots whose copy failed since the caller last looked */
    struct sg_journal_segment *segments; /* the last is the open one */
    size_t n_segments;
    uint64_t bytes; /* in all segments, one copy */
    uint64_t era;   /* of the last segment begun: see below */
};

SG_MUST_USE int sg_journal_init(struct sg_journal *j, struct sg_bytes key,
                                const uint8_t store_id[SG_STORE_ID_LEN]);
void sg_journal_clear(struct sg_journal *j);

/* Ends the open segment; the first n_sites (at most SG_JOURNAL_COPIES) get the next.  Fails only if
 * fewer than the quorum (2, or 1 of a single site) could be started. */
SG_MUST_USE int sg_journal_begin(struct sg_journal *j, const struct sg_journal_site *sites,
                                 size_t n_sites);
/* One record, synced on the quorum.  On failure it is void and sg_journal_begin is due. */
SG_MUST_USE int sg_journal_append(struct sg_journal *j, const struct sg_bytes *parts, size_t n);
/* Deletes the closed segments whose records are all <= seq. */
SG_MUST_USE int sg_journal_cut(struct sg_journal *j, uint64_t seq);

/* Reading, at start and by scrub. */
struct sg_journal_scan {
    uint64_t
        run_first; /* first record of the unbroken run that ends with `last`; last + 1 if none */
    uint64_t last; /* 0: no record at all */
    uint8_t mac[SG_JOURNAL_MAC_LEN];
    uint64_t era;        /* the highest seen */
    uint64_t damage[64]; /* per slot: pieces that were there and failed their check */
    uint64_t bytes;
};

/*
 * Every record of all segments found in the sites' folders, in order, each from a good copy.
 * thorough: every copy of every record is checked, not only the first good one, and fn not called.
 */
SG_MUST_USE int sg_journal_read(const struct sg_journal *j, const struct sg_journal_site *sites,
                                size_t n_sites, bool thorough,
                                int (*fn)(void *user, uint64_t seq, struct sg_bytes payload),
                                void *user, struct sg_journal_scan *ret);

/* Segment header and record header, for the fuzzer. */
#define SG_JOURNAL_HEADER_LEN (8 + SG_STORE_ID_LEN + 8 + 8 + 2 * SG_JOURNAL_MAC_LEN)
#define SG_JOURNAL_RECORD_LEN (4 + 8 + SG_JOURNAL_MAC_LEN)
struct sg_journal_header {
    uint64_t first, era;
    uint8_t mac[SG_JOURNAL_MAC_LEN]; /* of the record before the first */
};
bool sg_journal_header_decode(const struct sg_journal *j, const uint8_t p[SG_JOURNAL_HEADER_LEN],
                              struct sg_journal_header *ret);

/* Physical operations, the payload of a record. */
struct sg_physical {
    bool is_delete;
    uint8_t replicas; /* on the first so many slots of the entry's placement group */
    struct sg_bytes key, value;
};
SG_MUST_USE int sg_physical_append(struct sg_buf *b, const struct sg_physical *op);
/* 0, or 1 at the end, or -EBADMSG. */
SG_MUST_USE int sg_physical_next(struct sg_reader *r, struct sg_physical *ret);
