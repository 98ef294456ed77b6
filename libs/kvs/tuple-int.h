#pragma once
/*
 * tuple internals shared with the page-body codec: unchecked stores and strict takes, inline
 * because both run once per field.
 */
#include <endian.h>

#include <sealgrid/kvs/tuple.h>

/* Type octets of the key form; gaps leave room for types between them. */
enum {
    SG_KEY_NULL = 0x05,
    SG_KEY_INTEGER = 0x15,
    SG_KEY_REAL = 0x19,
    SG_KEY_TEXT = 0x25,
    SG_KEY_BLOB = 0x35,
    SG_KEY_ESCAPED_ZERO = 0xff,
    SG_KEY_END_OF_BYTES = 0x01,
};

#define SG_VARINT_MAX 10
#define SG_SIGN_BIT   (UINT64_C(1) << 63)

/* Significant bits / 7, rounded up: 9/64 stands for 1/7, exact for 1..64 bits. */
static inline size_t sg_varint_len(uint64_t v)
{
    return ((size_t)(64 - __builtin_clzll(v | 1)) * 9 + 64) / 64;
}

/* The caller made room for SG_VARINT_MAX octets; returns the end. */
static inline uint8_t *sg_varint_put(uint8_t *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

/* The same without a branch on the length where v < 2^56; may write 8 octets whatever it returns.
 */
static inline uint8_t *sg_varint_put_wide(uint8_t *p, uint64_t v)
{
    if (v >> 56)
        return sg_varint_put(p, v);
    size_t len = sg_varint_len(v);
    /* Groups of 7 bits move apart to octets: halves, quarters, eighths. */
    v = (v & 0x000000000fffffff) | (v & 0x00fffffff0000000) << 4;
    v = (v & 0x00003fff00003fff) | (v & 0x0fffc0000fffc000) << 2;
    v = (v & 0x007f007f007f007f) | (v & 0x3f803f803f803f80) << 1;
    v |= 0x8080808080808080 & ((UINT64_C(1) << (8 * (len - 1))) - 1);
    uint64_t le = htole64(v);
    memcpy(p, &le, 8);
    return p + len;
}

bool sg_varint_get_slowly(struct sg_reader *r, uint64_t *ret);

/* False: cut off, past 64 bits, or longer than needed; *r is then unchanged. */
static inline bool sg_varint_get(struct sg_reader *r, uint64_t *ret)
{
    uint64_t v;
    if (r->left < 8)
        return sg_varint_get_slowly(r, ret);
    memcpy(&v, r->at, 8);
    v = le64toh(v);
    uint64_t ends = ~v & 0x8080808080808080;
    if (!ends)
        return sg_varint_get_slowly(r, ret);
    size_t len = (size_t)__builtin_ctzll(ends) / 8 + 1;
    v &= (ends ^ (ends - 1)) & 0x7f7f7f7f7f7f7f7f;
    v = (v & 0x007f007f007f007f) | (v & 0x7f007f007f007f00) >> 1;
    v = (v & 0x00003fff00003fff) | (v & 0x3fff00003fff0000) >> 2;
    v = (v & 0x000000000fffffff) | (v & 0x0fffffff00000000) >> 4;
    if (sg_varint_len(v) != len)
        return false;
    r->at += len;
    r->left -= len;
    *ret = v;
    return true;
}

/* Takes one element of the key form without decoding it, refusing what sg_tuple_key_next refuses;
 * *ret spans its octets. */
bool sg_tuple_key_span(struct sg_reader *r, struct sg_bytes *ret);
/* The same for one field of the value form (its type octet and contents). */
bool sg_tuple_value_span(struct sg_reader *r, struct sg_bytes *ret);

static inline bool sg_fields_has(struct sg_bytes fields, size_t i)
{
    return i / 8 < fields.len && (fields.data[i / 8] >> (i % 8) & 1);
}
/* Of a tuple the fields in the bitmap (kv.h, sg_kv_range), to out, which has room for as much as
 * value and may be value itself.  False: not a tuple, as far as it was looked at. */
bool sg_tuple_value_pick(struct sg_bytes value, struct sg_bytes fields, uint8_t *out,
                         size_t *ret_len);
