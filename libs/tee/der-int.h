#pragma once
/*
 * der - a strict reader of DER (X.690 section 10): definite lengths in their shortest form, tags of
 * one octet.  Reads from the front of a sg_reader; on false the reader's place is undefined.
 *
 * Ours and not OpenSSL's because its decoder takes as long for one certificate as for two
 * signatures (120 us against 64 us), and a quote carries three.  Tests hold both against each
 * other.
 */
#include <sealgrid/base/bytes.h>

enum {
    SG_DER_BOOLEAN = 0x01,
    SG_DER_INTEGER = 0x02,
    SG_DER_BIT_STRING = 0x03,
    SG_DER_OCTET_STRING = 0x04,
    SG_DER_NULL = 0x05,
    SG_DER_OID = 0x06,
    SG_DER_ENUMERATED = 0x0a,
    SG_DER_UTF8_STRING = 0x0c,
    SG_DER_PRINTABLE_STRING = 0x13,
    SG_DER_IA5_STRING = 0x16,
    SG_DER_UTC_TIME = 0x17,
    SG_DER_GENERALIZED_TIME = 0x18,
    SG_DER_SEQUENCE = 0x30,
    SG_DER_SET = 0x31,
    SG_DER_CONTEXT = 0xa0,       /* | number: constructed */
    SG_DER_CONTEXT_PLAIN = 0x80, /* | number: primitive */
};

/* Any element: its tag, its content, and (if not NULL) tag, length and content together. */
bool sg_der_any(struct sg_reader *r, unsigned *ret_tag, struct sg_bytes *ret_content,
                struct sg_bytes *ret_whole);
bool sg_der_take(struct sg_reader *r, unsigned tag, struct sg_bytes *ret_content);
/* The next element has this tag. */
bool sg_der_next_is(const struct sg_reader *r, unsigned tag);
/* A reader over the content of the next element. */
bool sg_der_enter(struct sg_reader *r, unsigned tag, struct sg_reader *ret);
/* A non-negative INTEGER in its shortest form: magnitude without leading zeros (empty for 0). */
bool sg_der_magnitude(struct sg_reader *r, struct sg_bytes *ret);
/* The same up to max. */
bool sg_der_small(struct sg_reader *r, uint64_t max, uint64_t *ret);
bool sg_der_boolean(struct sg_reader *r, bool *ret);
/* UTCTime (1950..2049) or GeneralizedTime, both with seconds and Z as RFC 5280 asks. */
bool sg_der_time(struct sg_reader *r, int64_t *ret_unix_s);
/* BIT STRING without unused bits. */
bool sg_der_bits(struct sg_reader *r, struct sg_bytes *ret);
/* The number 0x00..0xff in a BIT STRING of named bits, first bit highest; further octets ignored.
 */
bool sg_der_named_bits(struct sg_reader *r, unsigned *ret);
/* Names (RFC 5280 section 4.1.2.4) alike: the same attributes in the same order with the same
 * octets, whichever string type they are written in. */
bool sg_der_names_equal(struct sg_bytes a, struct sg_bytes b);
/* The one commonName of a Name, NUL-terminated; "" if none, several, too long, or with a NUL in it.
 * false: not a Name. */
bool sg_der_common_name(struct sg_bytes name, char *ret, size_t size);
