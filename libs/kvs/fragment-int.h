#pragma once
/*
 * fragment - append-only segment files on the volumes that hold the shards of large objects.
 * Layout in docs/adr/0003, section "Fragments".  A fragment never changes; what no manifest names
 * any more is waste until its whole segment is, which then goes.
 *
 * Owns: one open segment per volume, begun anew by each process.  Any thread.
 */
#include "store-int.h"

#define SG_FRAGMENT_HEADER_LEN 40
#define SG_FRAGMENT_HASH_LEN   16
#define SG_FRAGMENT_BYTES_MAX  (32u << 20)
#define SG_OBJECT_ID_LEN       16

struct sg_fragments;
SG_MUST_USE int sg_fragments_new(struct sg_fragments **ret, struct sg_store *s);
void sg_fragments_free(struct sg_fragments *f);

/* Where a shard is and what it must be; part of a manifest. */
struct sg_shard {
    uint8_t slot; /* SG_SHARD_NOWHERE: lost */
    uint32_t segment;
    uint32_t offset; /* of its header */
    uint32_t len;
    uint8_t hash[SG_FRAGMENT_HASH_LEN]; /* BLAKE2b-128 of the contents */
};
#define SG_SHARD_NOWHERE 0xff

struct sg_shard_name {
    uint8_t object[SG_OBJECT_ID_LEN];
    uint32_t chunk;
    uint16_t shard;
};

/* Appends to the slot's open segment, not yet durable; fills *ret. */
SG_MUST_USE int sg_fragment_write(struct sg_fragments *f, unsigned slot,
                                  const struct sg_shard_name *name, struct sg_bytes contents,
                                  struct sg_shard *ret);
/* Makes durable what was written to these slots (bits). */
SG_MUST_USE int sg_fragments_sync(struct sg_fragments *f, uint64_t slots);

enum sg_fragment_outcome { SG_FRAGMENT_BAD = 1 }; /* gone, or not what the manifest says */
/* Into contents, which has room for shard->len octets. */
SG_MUST_USE int sg_fragment_read(struct sg_fragments *f, const struct sg_shard *shard,
                                 const struct sg_shard_name *name, uint8_t *contents);

/*
 * Every octet of every segment on these slots (bits) against its record's checksum, fragments that
 * nothing names any more included; fn once for each segment with a bad record.  Those segments are
 * remembered until the next check: what lives in them moves elsewhere, so that they can go.
 */
SG_MUST_USE int sg_fragments_check(struct sg_fragments *f, uint64_t slots,
                                   void (*fn)(void *user, unsigned slot), void *user);
/* The segment is there and long enough; its contents are sg_fragments_check's business. */
bool sg_fragment_there(const struct sg_fragments *f, const struct sg_shard *shard);
bool sg_fragments_is_bad(const struct sg_fragments *f, const struct sg_shard *shard);

/*
 * Removal of waste.  Writers hold the use from before their first fragment until their manifest is
 * committed.  sg_fragments_mark waits for them and remembers the segments closed by then;
 * sg_fragments_live tells of one that is still named; sg_fragments_sweep deletes the others.
 */
void sg_fragments_use(struct sg_fragments *f);
void sg_fragments_unuse(struct sg_fragments *f);
SG_MUST_USE int sg_fragments_mark(struct sg_fragments *f);
void sg_fragments_live(struct sg_fragments *f, const struct sg_shard *shard);
SG_MUST_USE int sg_fragments_sweep(struct sg_fragments *f);

/* The volume's folder is new: begin a new segment there. */
void sg_fragments_restart(struct sg_fragments *f, unsigned slot);
uint64_t sg_fragments_bytes(struct sg_fragments *f, unsigned slot);
SG_MUST_USE int sg_fragments_files(struct sg_fragments *f,
                                   int (*fn)(void *user, enum sg_store_file_class class,
                                             const char *path, uint64_t live_bytes),
                                   void *user);
