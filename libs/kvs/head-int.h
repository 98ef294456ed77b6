#pragma once
/*
 * head - the two sealed kinds of index entry of a partition (docs/adr/0003): its head and its
 * pages, and the keyed multiset hash that ties them together.
 *
 * A head is replaced at every commit that touches the partition; a page never changes: its id is
 * given once, replacing rows means a new page and the deletion of the old one.
 * Pure functions over caller's memory.
 */
#include "columns-int.h"
#include "seal-int.h"

#define SG_HEAD_KEY_LEN    (1 + 1 + SG_TABLE_TAG_LEN + SG_NAME_LEN)
#define SG_PAGE_KEY_LEN    (1 + 1 + SG_NAME_LEN + 8)
#define SG_HEAD_HEADER_LEN (1 + 1 + SG_BUCKET_TAG_LEN + 8 + 4 + SG_WRAPPED_LEN)
#define SG_PAGE_HEADER_LEN (1 + 1 + 8)
#define SG_HEAD_CLASS      'H'
#define SG_PAGE_CLASS      'P'
#define SG_MULTISET_LEN    32

/* Rows that live in the head until they are worth a page of their own. */
#define SG_TAIL_BYTES_MAX 2048
#define SG_TAIL_ROWS_MAX  256
/* Bound of anything in the index. */
#define SG_ENTRY_BYTES_MAX (1u << 20)

/* Copies b to at and returns where it ends; b may be empty with a NULL pointer, which memcpy may
 * not. */
static inline uint8_t *sg_put(uint8_t *at, struct sg_bytes b)
{
    if (b.len)
        memcpy(at, b.data, b.len);
    return at + b.len;
}

void sg_head_key(const uint8_t tag[SG_TABLE_TAG_LEN], const uint8_t name[SG_NAME_LEN],
                 uint8_t ret[SG_HEAD_KEY_LEN]);
/* The partition's name within a head's key. */
static inline const uint8_t *sg_head_key_name(const uint8_t key[SG_HEAD_KEY_LEN])
{
    return key + 2 + SG_TABLE_TAG_LEN;
}
void sg_page_key(const uint8_t name[SG_NAME_LEN], uint64_t id, uint8_t ret[SG_PAGE_KEY_LEN]);

/* Clear header of a head, without opening it. */
struct sg_head_clear {
    uint8_t bucket_tag[SG_BUCKET_TAG_LEN];
    uint64_t version;
    uint32_t epoch;
    const uint8_t *wrapped; /* SG_WRAPPED_LEN octets, borrowed */
};
/* False: not a head. */
bool sg_head_peek(struct sg_bytes entry, struct sg_head_clear *ret);

struct sg_head {
    uint64_t version;
    uint32_t table;
    struct sg_bytes partition; /* borrowed */
    uint64_t n_rows;           /* tail and pages together */
    uint64_t next_page;
    uint32_t n_pages;
    uint8_t sum[SG_MULTISET_LEN];
    const struct sg_row *tail; /* ascending by sort key, borrowed */
    size_t n_tail;
};

/* Appends the entry to out. */
SG_MUST_USE int sg_head_seal(struct sg_part_keys *k, struct sg_writer *w,
                             const struct sg_bucket_keys *b, const uint8_t key[SG_HEAD_KEY_LEN],
                             const struct sg_head *h, struct sg_buf *out);
/*
 * Unwraps the DEK into k, opens the body into *plain (cleared first) and fills *ret, which borrows
 * from it; the tail goes to tail[SG_TAIL_ROWS_MAX].  0, SG_SEAL_FORGED, SG_SEAL_NO_KEK.
 */
SG_MUST_USE int sg_head_open(struct sg_part_keys *k, const struct sg_bucket_keys *b,
                             const uint8_t key[SG_HEAD_KEY_LEN], struct sg_bytes entry,
                             struct sg_buf *plain, struct sg_row *tail, struct sg_head *ret);
/* The body alone, for the fuzzer: false if malformed. */
bool sg_head_body_decode(struct sg_bytes body, struct sg_row *tail, struct sg_head *ret);
SG_MUST_USE int sg_head_body_encode(const struct sg_head *h, struct sg_buf *out);

struct sg_page {
    uint64_t id;
    uint64_t version; /* of the head whose commit wrote it */
    uint16_t n_rows;
    struct sg_bytes first, last; /* sort keys */
    struct sg_bytes columns;     /* body of columns-int.h */
    uint8_t tag[SG_TAG_LEN];
};

/* Appends the entry to out and fills p->tag; p holds id, version, n_rows, first, last and columns.
 */
SG_MUST_USE int sg_page_seal(struct sg_part_keys *k, struct sg_writer *w,
                             const uint8_t name[SG_NAME_LEN], struct sg_page *p,
                             struct sg_buf *out);
/* Opens into *plain (cleared first), from which *ret borrows.  0, SG_SEAL_FORGED. */
SG_MUST_USE int sg_page_open(struct sg_part_keys *k, const uint8_t name[SG_NAME_LEN], uint64_t id,
                             struct sg_bytes entry, struct sg_buf *plain, struct sg_page *ret);
bool sg_page_body_decode(struct sg_bytes body, struct sg_page *ret);
SG_MUST_USE int sg_page_body_encode(const struct sg_page *p, struct sg_buf *out);

/* sum += or -= H(id || version || tag) modulo 2^256. */
void sg_multiset_add(uint8_t sum[SG_MULTISET_LEN], const struct sg_part_keys *k,
                     const struct sg_page *p);
void sg_multiset_remove(uint8_t sum[SG_MULTISET_LEN], const struct sg_part_keys *k,
                        const struct sg_page *p);
