#pragma once
/*
 * seal - the key and name hierarchy (docs/adr/0004) and the sealed envelope that heads and pages
 * share (docs/adr/0003).
 *
 *   name key --PRF--> partition name, table tag, bucket tag
 *   KEK(epoch) --wraps--> DEK --HKDF--> writer key (per salt), multiset key
 *
 * A struct sg_part_keys lives in a slot of locked memory (sg_part_keys_new) and is used under its
 * partition's lock.  Everything here is pure but for the random generator.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/secret.h>
#include <sealgrid/crypto/aead.h>
#include <sealgrid/kvs/store.h>

#define SG_KEY_LEN        32
#define SG_NAME_LEN       16
#define SG_TABLE_TAG_LEN  4
#define SG_BUCKET_TAG_LEN 8
#define SG_SALT_LEN       32
#define SG_NONCE_LEN      12
#define SG_TAG_LEN        16
#define SG_WRAPPED_LEN    (SG_NONCE_LEN + SG_KEY_LEN + SG_TAG_LEN)
#define SG_FORMAT         1

/* salt, nonce and tag around a sealed body */
#define SG_ENVELOPE_LEN (SG_SALT_LEN + SG_NONCE_LEN + SG_TAG_LEN)

enum sg_seal_outcome {
    SG_SEAL_FORGED = 1, /* not what these keys sealed under this name */
    SG_SEAL_NO_KEK,     /* wrapped under an epoch that we were not given */
};

struct sg_kek {
    uint32_t epoch;
    struct sg_secret key;
};

/* Keys of a bucket. */
#define SG_TABLE_TAGS_KEPT 32

struct sg_bucket_keys {
    char name[64];
    struct sg_kek *keks; /* ascending epochs */
    size_t n_keks;
    struct sg_secret name_key;
    uint8_t tag[SG_BUCKET_TAG_LEN];
    /* Of the tables that are named most, made once: every access names one. */
    uint8_t table_tags[SG_TABLE_TAGS_KEPT][SG_TABLE_TAG_LEN];
};

SG_MUST_USE int sg_bucket_keys_init(struct sg_bucket_keys *k, const struct sg_store_bucket *from);
void sg_bucket_keys_clear(struct sg_bucket_keys *k);

void sg_name_partition(const struct sg_bucket_keys *k, uint32_t table, struct sg_bytes partition,
                       uint8_t ret[SG_NAME_LEN]);
void sg_name_table(const struct sg_bucket_keys *k, uint32_t table, uint8_t ret[SG_TABLE_TAG_LEN]);

/* Who seals: the process's lease; each partition that is loaded takes a new salt from it. */
struct sg_writer {
    uint8_t lease[16];
    _Atomic uint32_t instances;
};

struct sg_part_keys {
    uint8_t dek[SG_KEY_LEN];
    uint8_t multiset[SG_KEY_LEN];
    uint8_t writer[SG_KEY_LEN];
    uint8_t writer_salt[SG_SALT_LEN];
    uint32_t sealed; /* under the writer key; the nonce's counter */
    bool can_write;
    uint8_t reader[SG_KEY_LEN]; /* for the salt read last */
    uint8_t reader_salt[SG_SALT_LEN];
    bool can_read;
};

/* From the slabs of locked memory; wiped when given back. */
SG_MUST_USE int sg_part_keys_new(struct sg_part_keys **ret);
void sg_part_keys_free(struct sg_part_keys *k);
SG_DEFINE_FREEP(struct sg_part_keys, sg_part_keys_free)

/* A fresh DEK and what follows from it. */
void sg_part_keys_generate(struct sg_part_keys *k);

/* The DEK under the newest KEK; *ret_epoch is that one. */
SG_MUST_USE int sg_dek_wrap(const struct sg_part_keys *k, const struct sg_bucket_keys *b,
                            const uint8_t name[SG_NAME_LEN], uint32_t *ret_epoch,
                            uint8_t ret[SG_WRAPPED_LEN]);
/* 0, SG_SEAL_FORGED, SG_SEAL_NO_KEK. */
SG_MUST_USE int sg_dek_unwrap(struct sg_part_keys *k, const struct sg_bucket_keys *b,
                              const uint8_t name[SG_NAME_LEN], uint32_t epoch,
                              const uint8_t wrapped[SG_WRAPPED_LEN]);

/*
 * Seals a body where it lies: at envelope there is room for salt and nonce, then the body
 * (body_len octets in clear, encrypted in place), then room for the tag.  aad is domain (9 octets)
 * || index key || clear header.  ret_tag may be NULL.  After a failure the body is wiped.
 */
SG_MUST_USE int sg_envelope_seal(struct sg_part_keys *k, struct sg_writer *w, struct sg_bytes aad,
                                 uint8_t *envelope, size_t body_len, uint8_t ret_tag[SG_TAG_LEN]);
#define SG_ENVELOPE_BODY_AT (SG_SALT_LEN + SG_NONCE_LEN)
/* The body is appended to out.  0, SG_SEAL_FORGED. */
SG_MUST_USE int sg_envelope_open(struct sg_part_keys *k, struct sg_bytes aad,
                                 struct sg_bytes envelope, struct sg_buf *out);
