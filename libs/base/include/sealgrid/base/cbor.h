#pragma once
/*
 * cbor - deterministic CBOR (RFC 8949 section 4.2.1), the subset our formats use: unsigned and
 * negative integers, byte and text strings, arrays, maps, tags, false/true/null.
 *
 * Encode: appends to a bounded buffer.  Decode: a cursor over borrowed bytes, no allocation, no
 * recursion; every head that is not the shortest form, every indefinite length, every float and
 * every reserved value is refused (-EBADMSG).
 */
#include <sealgrid/base/buf.h>

SG_MUST_USE int sg_cbor_put_uint(struct sg_buf *b, uint64_t v);
SG_MUST_USE int sg_cbor_put_int(struct sg_buf *b, int64_t v);
SG_MUST_USE int sg_cbor_put_bytes(struct sg_buf *b, struct sg_bytes v);
SG_MUST_USE int sg_cbor_put_text(struct sg_buf *b, const char *v);
SG_MUST_USE int sg_cbor_put_array(struct sg_buf *b, uint64_t items);
SG_MUST_USE int sg_cbor_put_map(struct sg_buf *b, uint64_t pairs);
SG_MUST_USE int sg_cbor_put_tag(struct sg_buf *b, uint64_t tag);
SG_MUST_USE int sg_cbor_put_bool(struct sg_buf *b, bool v);
SG_MUST_USE int sg_cbor_put_null(struct sg_buf *b);

enum sg_cbor_type {
    SG_CBOR_UINT,
    SG_CBOR_NEGINT,
    SG_CBOR_BYTES,
    SG_CBOR_TEXT,
    SG_CBOR_ARRAY,
    SG_CBOR_MAP,
    SG_CBOR_TAG,
    SG_CBOR_SIMPLE,
};

/* Type of the next item without taking it; -EBADMSG at the end or on a bad head. */
SG_MUST_USE int sg_cbor_peek(const struct sg_reader *r, enum sg_cbor_type *ret);
SG_MUST_USE int sg_cbor_get_uint(struct sg_reader *r, uint64_t *ret);
SG_MUST_USE int sg_cbor_get_int(struct sg_reader *r, int64_t *ret);
SG_MUST_USE int sg_cbor_get_bytes(struct sg_reader *r, struct sg_bytes *ret);
/* A byte string of exactly n octets, copied: a hash, a key, a digest. */
SG_MUST_USE int sg_cbor_get_octets(struct sg_reader *r, uint8_t *ret, size_t n);
/* Valid UTF-8 only; not NUL-terminated. */
SG_MUST_USE int sg_cbor_get_text(struct sg_reader *r, struct sg_bytes *ret);
/* The count is bounded by the octets left, so a loop over it ends. */
SG_MUST_USE int sg_cbor_get_array(struct sg_reader *r, uint64_t *ret_items);
SG_MUST_USE int sg_cbor_get_map(struct sg_reader *r, uint64_t *ret_pairs);
SG_MUST_USE int sg_cbor_get_tag(struct sg_reader *r, uint64_t *ret);
SG_MUST_USE int sg_cbor_get_bool(struct sg_reader *r, bool *ret);
SG_MUST_USE int sg_cbor_get_null(struct sg_reader *r);
/* One whole item of any kind, nesting at most 16 deep; *ret spans its encoding. */
SG_MUST_USE int sg_cbor_skip(struct sg_reader *r, struct sg_bytes *ret);
