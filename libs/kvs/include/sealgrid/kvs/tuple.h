#pragma once
/*
 * tuple - typed tuples as octets: an order-preserving form for keys and a compact one for values.
 * Used by the SQL mapping and by the metering side alike (ARCHITECTURE, section 5).
 *
 * Key form: each element starts with a type octet, elements follow each other, memcmp order of two
 * encodings is the order of the tuples (NULL < integer < real < text < blob):
 *   NULL 05 | integer 15 + 8 octets big-endian with the sign bit flipped | real 19 + 8 octets IEEE
 *   754 big-endian, sign bit flipped if positive, all bits flipped if negative (no NaN; -0 becomes 0)
 *   | text 25 | blob 35, both with 00 written as 00 FF and ended by 00 01
 * Value form: varint field count, then per field a type octet and contents:
 *   NULL 00 | integer 01 zigzag varint | real 02 + 8 octets big-endian | text 03, blob 04 varint length
 * Both decoders refuse anything an encoder would not have written.
 */
#include <sealgrid/base/buf.h>

enum sg_value_type { SG_NULL, SG_INTEGER, SG_REAL, SG_TEXT, SG_BLOB };

struct sg_value {
    enum sg_value_type type;
    int64_t i;
    double f;
    struct sg_bytes bytes; /* text (UTF-8) and blob; borrowed */
};

#define SG_VAL_INT(v) ((struct sg_value){.type = SG_INTEGER, .i = (v)})
#define SG_VAL_TEXT(s) ((struct sg_value){.type = SG_TEXT, .bytes = sg_bytes_str(s)})
#define SG_VAL_BLOB(b) ((struct sg_value){.type = SG_BLOB, .bytes = (b)})

#define SG_TUPLE_FIELDS_MAX 256

SG_MUST_USE int sg_tuple_key_append(struct sg_buf *b, const struct sg_value *v, size_t n);
/* Takes one element; text and blob without a 00 octet are borrowed from the input, others unescaped
 * into scratch.  -EBADMSG. */
SG_MUST_USE int sg_tuple_key_next(struct sg_reader *r, struct sg_value *ret, struct sg_buf *scratch);
SG_MUST_USE int sg_tuple_value_append(struct sg_buf *b, const struct sg_value *v, size_t n);
/* Whole tuple: at most max fields (-E2BIG), borrowed from bytes; all octets used, else -EBADMSG. */
SG_MUST_USE int sg_tuple_value_decode(struct sg_bytes bytes, struct sg_value *ret, size_t max,
                                      size_t *ret_n);

/* LEB128 varints, at most 10 octets, shortest form only. */
SG_MUST_USE int sg_varint_append(struct sg_buf *b, uint64_t v);
SG_MUST_USE int sg_varint_take(struct sg_reader *r, uint64_t *ret);
static inline uint64_t sg_zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}
static inline int64_t sg_unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}
