#pragma once
/*
 * object - whole values of any size (docs/adr/0003, section "Objects"): a manifest, which is the
 * one row of a partition named by the object, and its contents: in the manifest if short, else as
 * sealed chunks, copied or erasure-coded over the volumes.
 */
#include "ec-int.h"
#include "fragment-int.h"

#define SG_OBJECT_INLINE_MAX  1024
#define SG_OBJECT_CHUNK_BYTES (1u << 20)
#define SG_OBJECT_CHUNKS_MAX  64
#define SG_OBJECT_SHARDS_MAX  (SG_POLICY_REPLICAS_MAX + SG_EC_SHARDS_MAX)

struct sg_manifest {
    uint64_t size;
    bool is_inline;
    struct sg_bytes contents;     /* inline; borrowed */
    uint8_t id[SG_OBJECT_ID_LEN]; /* fresh for each put */
    uint8_t key[SG_KEY_LEN];      /* seals the chunks, chunk number as nonce */
    uint32_t chunk_bytes;         /* plain; the last chunk may be shorter */
    struct sg_policy policy;      /* replicas: copies of whole chunks */
    size_t n_chunks;
    struct sg_shard *shards; /* n_chunks times sg_manifest_shards(): copies, data, parity; owned */
};

void sg_manifest_clear(struct sg_manifest *m);
static inline unsigned sg_manifest_shards(const struct sg_manifest *m)
{
    return m->policy.replicas + m->policy.ec_data + m->policy.ec_parity;
}
/* Octets of chunk i, plain, and of each of its erasure-coded shards. */
size_t sg_manifest_chunk_len(const struct sg_manifest *m, size_t i);
size_t sg_manifest_shard_len(const struct sg_manifest *m, size_t i);
SG_MUST_USE int sg_manifest_encode(const struct sg_manifest *m, struct sg_buf *out);
/* -EBADMSG. */
SG_MUST_USE int sg_manifest_decode(struct sg_bytes in, struct sg_manifest *ret);
/* The one row that holds it. */
struct sg_kv_key sg_object_key(struct sg_bytes name);

/* object-chunk.c: one chunk on the volumes. */
struct sg_chunk {
    struct sg_store *s;
    const struct sg_manifest *m;
    size_t i;
    struct sg_buf
        sealed;         /* K shards of equal length, the last padded with zeros, then M of parity */
    uint64_t bad_slots; /* online volumes whose shard was gone or wrong */
    uint32_t bad_shards;
};
void sg_chunk_clear(struct sg_chunk *c);
SG_MUST_USE int sg_chunk_seal(struct sg_chunk *c, struct sg_bytes plain);
/* Writes the shards of `which` (bits), each where it belongs among the volumes that are online;
 * fills their places in shards and adds the slots touched. */
SG_MUST_USE int sg_chunk_write(struct sg_chunk *c, uint32_t which, struct sg_shard *shards,
                               uint64_t *slots);
/* Fills c->sealed from a copy or from any K shards; thorough: checks every shard.
 * 0, SG_KV_DAMAGED. */
SG_MUST_USE int sg_chunk_read(struct sg_chunk *c, bool thorough);
/* 0, SG_KV_DAMAGED. */
SG_MUST_USE int sg_chunk_open(struct sg_chunk *c, struct sg_buf *out);

/* object.c */
SG_MUST_USE int sg_object_put(struct sg_store *s, struct sg_bucket *b, const char *name,
                              struct sg_bytes contents);
/* 0, SG_KV_NOT_FOUND, SG_KV_DAMAGED. */
SG_MUST_USE int sg_object_get(struct sg_store *s, struct sg_bucket *b, const char *name,
                              struct sg_buf *ret);
/* 0, SG_KV_NOT_FOUND. */
SG_MUST_USE int sg_object_delete(struct sg_store *s, struct sg_bucket *b, const char *name);
SG_MUST_USE int sg_object_list(struct sg_store *s, struct sg_bucket *b, const char *prefix,
                               int (*fn)(void *user, const char *name, uint64_t size), void *user);

/* object-scrub.c: every object of the bucket; its fragments are marked live. */
/* light: no segment has a bad record, so fragments are only looked for, not read. */
SG_MUST_USE int sg_objects_scrub(struct sg_store *s, struct sg_bucket *b, bool light,
                                 bool verify_only, struct sg_scrub_report *report);
