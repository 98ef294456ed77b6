#pragma once
/*
 * tuple internals shared with the page-body codec: unchecked stores and strict takes, inline
 * because both run once per field.
 */
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

static inline size_t sg_varint_len(uint64_t v)
{
    return (size_t)(63 - __builtin_clzll(v | 1)) / 7 + 1;
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

/* False: cut off, past 64 bits, or longer than needed; *r is then unchanged. */
static inline bool sg_varint_get(struct sg_reader *r, uint64_t *ret)
{
    uint64_t v = 0;
    size_t max = r->left < SG_VARINT_MAX ? r->left : SG_VARINT_MAX;
    for (size_t i = 0; i < max; i++) {
        uint8_t c = r->at[i];
        v |= (uint64_t)(c & 0x7f) << (7 * i);
        if (c & 0x80)
            continue;
        if ((c == 0 && i > 0) || (i == SG_VARINT_MAX - 1 && c > 1))
            return false;
        r->at += i + 1;
        r->left -= i + 1;
        *ret = v;
        return true;
    }
    return false;
}

/* Takes one element of the key form without decoding it, refusing what sg_tuple_key_next refuses;
 * *ret spans its octets. */
bool sg_tuple_key_span(struct sg_reader *r, struct sg_bytes *ret);
/* The same for one field of the value form (its type octet and contents). */
bool sg_tuple_value_span(struct sg_reader *r, struct sg_bytes *ret);
