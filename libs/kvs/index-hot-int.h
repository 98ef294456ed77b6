#pragma once
/*
 * index-hot - the newest values of keys that are written again and again, before they are worth a
 * place in the index proper.  A partition's head is such a key: of the thirty versions that come
 * between two checkpoints of a busy store only the last one is ever read.
 *
 * Memory only, as everything in an index before its flush.  Owns: copies of keys and values.  The
 * caller locks.
 */
#include <sealgrid/base/buf.h>

#include "head-int.h"

struct sg_hot_entry {
    uint8_t key[SG_HEAD_KEY_LEN];
    bool used;
    uint8_t *value; /* NULL: was dropped again */
    uint32_t len, room;
};

/* All zero: empty. */
struct sg_hot {
    struct sg_hot_entry *slots; /* hashed by the end of the key, the next free one is taken */
    size_t n_slots, n_used;     /* n_slots: 0 or a power of two */
    size_t bytes;               /* of values */
};

static inline bool sg_hot_key(struct sg_bytes key)
{
    return key.len == SG_HEAD_KEY_LEN && key.data[1] == SG_HEAD_CLASS;
}
/* Whether such a key may begin so. */
static inline bool sg_hot_prefix(struct sg_bytes prefix)
{
    return prefix.len <= SG_HEAD_KEY_LEN && (prefix.len < 2 || prefix.data[1] == SG_HEAD_CLASS);
}

/* In place of what was there.  0, -ENOMEM. */
SG_MUST_USE int sg_hot_put(struct sg_hot *h, const uint8_t key[SG_HEAD_KEY_LEN],
                           struct sg_bytes value);
void sg_hot_drop(struct sg_hot *h, const uint8_t key[SG_HEAD_KEY_LEN]);
/* NULL: not here.  Borrowed until the next call. */
const struct sg_hot_entry *sg_hot_find(const struct sg_hot *h, const uint8_t key[SG_HEAD_KEY_LEN]);
/* Entries that have a value, in the order of keys.  The array is the caller's, what it points to is
 * borrowed until the next put, drop or end.  0, -ENOMEM. */
SG_MUST_USE int sg_hot_sorted(const struct sg_hot *h, const struct sg_hot_entry ***ret,
                              size_t *ret_n);
/* What it takes, one slot an entry.  A dropped one counts too: only sg_hot_empty gives it back. */
static inline size_t sg_hot_bytes(const struct sg_hot *h)
{
    return h->bytes + h->n_used * sizeof(struct sg_hot_entry);
}
/* Keeps the slots. */
void sg_hot_empty(struct sg_hot *h);
void sg_hot_clear(struct sg_hot *h);
