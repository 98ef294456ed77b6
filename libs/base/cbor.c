/* cbor - deterministic CBOR, RFC 8949 section 4.2.1. */
#include <sealgrid/base/cbor.h>
#include <sealgrid/base/utf8.h>

#define DEPTH_MAX 16

enum {
    MAJOR_UINT,
    MAJOR_NEGINT,
    MAJOR_BYTES,
    MAJOR_TEXT,
    MAJOR_ARRAY,
    MAJOR_MAP,
    MAJOR_TAG,
    MAJOR_SIMPLE
};
enum { SIMPLE_FALSE = 20, SIMPLE_TRUE = 21, SIMPLE_NULL = 22 };

#define HEAD_MAX 9

/* Octets of the shortest head, at most HEAD_MAX of them. */
static inline size_t write_head(uint8_t *at, unsigned major, uint64_t v)
{
    unsigned m = major << 5;

    if (v < 24) {
        at[0] = (uint8_t)(m | (unsigned)v);
        return 1;
    }
    if (v <= UINT8_MAX) {
        at[0] = (uint8_t)(m | 24);
        at[1] = (uint8_t)v;
        return 2;
    }
    if (v <= UINT16_MAX) {
        at[0] = (uint8_t)(m | 25);
        sg_store_be16(at + 1, (uint16_t)v);
        return 3;
    }
    if (v <= UINT32_MAX) {
        at[0] = (uint8_t)(m | 26);
        sg_store_be32(at + 1, (uint32_t)v);
        return 5;
    }
    at[0] = (uint8_t)(m | 27);
    sg_store_be64(at + 1, v);
    return HEAD_MAX;
}

static int put_head(struct sg_buf *b, unsigned major, uint64_t v)
{
    uint8_t head[HEAD_MAX];

    /* Straight into the buffer where it surely has room: readings are forty small integers. */
    if (b->capacity - b->len >= HEAD_MAX) {
        b->len += write_head(b->data + b->len, major, v);
        return 0;
    }
    return sg_buf_append(b, SG_BYTES(head, write_head(head, major, v)));
}

int sg_cbor_put_uint(struct sg_buf *b, uint64_t v)
{
    return put_head(b, MAJOR_UINT, v);
}

int sg_cbor_put_int(struct sg_buf *b, int64_t v)
{
    return v < 0 ? put_head(b, MAJOR_NEGINT, ~(uint64_t)v) : put_head(b, MAJOR_UINT, (uint64_t)v);
}

/* Head and contents together or not at all. */
static int put_string(struct sg_buf *b, unsigned major, struct sg_bytes v)
{
    size_t before = b->len;
    int r = put_head(b, major, v.len);
    if (r)
        return r;
    r = sg_buf_append(b, v);
    if (r)
        b->len = before;
    return r;
}

int sg_cbor_put_bytes(struct sg_buf *b, struct sg_bytes v)
{
    return put_string(b, MAJOR_BYTES, v);
}

int sg_cbor_put_text(struct sg_buf *b, const char *v)
{
    return put_string(b, MAJOR_TEXT, sg_bytes_str(v));
}

int sg_cbor_put_array(struct sg_buf *b, uint64_t items)
{
    return put_head(b, MAJOR_ARRAY, items);
}

int sg_cbor_put_map(struct sg_buf *b, uint64_t pairs)
{
    return put_head(b, MAJOR_MAP, pairs);
}

int sg_cbor_put_tag(struct sg_buf *b, uint64_t tag)
{
    return put_head(b, MAJOR_TAG, tag);
}

int sg_cbor_put_bool(struct sg_buf *b, bool v)
{
    return put_head(b, MAJOR_SIMPLE, v ? SIMPLE_TRUE : SIMPLE_FALSE);
}

int sg_cbor_put_null(struct sg_buf *b)
{
    return put_head(b, MAJOR_SIMPLE, SIMPLE_NULL);
}

/* The argument after an initial octet with additional information info; shortest form only. */
static bool take_argument(struct sg_reader *r, unsigned info, uint64_t *ret)
{
    uint8_t v8;
    uint16_t v16;
    uint32_t v32;

    switch (info) {
    case 24:
        if (!sg_take_u8(r, &v8) || v8 < 24)
            return false;
        *ret = v8;
        return true;
    case 25:
        if (!sg_take_be16(r, &v16) || v16 <= UINT8_MAX)
            return false;
        *ret = v16;
        return true;
    case 26:
        if (!sg_take_be32(r, &v32) || v32 <= UINT16_MAX)
            return false;
        *ret = v32;
        return true;
    case 27:
        return sg_take_be64(r, ret) && *ret > UINT32_MAX;
    default: /* 28..30 reserved, 31 indefinite */
        *ret = info;
        return info < 24;
    }
}

/* Takes one head; *r moves only on success. */
static inline int take_head(struct sg_reader *r, unsigned *ret_major, uint64_t *ret)
{
    struct sg_reader at = *r;
    uint8_t initial;
    uint64_t v;

    if (!sg_take_u8(&at, &initial) || !take_argument(&at, initial & 31, &v))
        return sg_raise(-EBADMSG);
    unsigned major = initial >> 5;
    /* Only the three simple values; floats share the major type. */
    if (major == MAJOR_SIMPLE && ((initial & 31) < SIMPLE_FALSE || (initial & 31) > SIMPLE_NULL))
        return sg_raise(-EBADMSG);
    *r = at;
    *ret_major = major;
    *ret = v;
    return 0;
}

static int take_major(struct sg_reader *r, unsigned want, uint64_t *ret)
{
    struct sg_reader at = *r;
    unsigned major;
    uint64_t v;
    int f = take_head(&at, &major, &v);

    if (f)
        return f;
    if (major != want)
        return sg_raise(-EBADMSG);
    *r = at;
    *ret = v;
    return 0;
}

int sg_cbor_peek(const struct sg_reader *r, enum sg_cbor_type *ret)
{
    struct sg_reader at = *r;
    unsigned major;
    uint64_t v;
    int f = take_head(&at, &major, &v);

    if (f)
        return f;
    *ret = (enum sg_cbor_type)major;
    return 0;
}

int sg_cbor_get_uint(struct sg_reader *r, uint64_t *ret)
{
    return take_major(r, MAJOR_UINT, ret);
}

int sg_cbor_get_int(struct sg_reader *r, int64_t *ret)
{
    struct sg_reader at = *r;
    unsigned major;
    uint64_t v;
    int f = take_head(&at, &major, &v);

    if (f)
        return f;
    if (major > MAJOR_NEGINT || v > INT64_MAX)
        return sg_raise(-EBADMSG);
    *r = at;
    *ret = major == MAJOR_UINT ? (int64_t)v : -1 - (int64_t)v;
    return 0;
}

static int get_string(struct sg_reader *r, unsigned major, struct sg_bytes *ret)
{
    struct sg_reader at = *r;
    uint64_t n;
    struct sg_bytes b;
    int f = take_major(&at, major, &n);

    if (f)
        return f;
    if (n > at.left || !sg_take(&at, (size_t)n, &b))
        return sg_raise(-EBADMSG);
    *r = at;
    *ret = b;
    return 0;
}

int sg_cbor_get_bytes(struct sg_reader *r, struct sg_bytes *ret)
{
    return get_string(r, MAJOR_BYTES, ret);
}

/* Length of the UTF-8 sequence at p (RFC 3629), 0 if it is not one. */
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
    uint8_t lo = 0x80, hi = 0xbf;
    size_t n;

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (n > left)
        return 0;
    if (p[0] == 0xe0)
        lo = 0xa0; /* overlong */
    else if (p[0] == 0xed)
        hi = 0x9f; /* surrogates */
    else if (p[0] == 0xf0)
        lo = 0x90; /* overlong */
    else if (p[0] == 0xf4)
        hi = 0x8f; /* past U+10FFFF */
    if (p[1] < lo || p[1] > hi)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

bool sg_utf8_valid(struct sg_bytes text)
{
    for (size_t i = 0; i < text.len;) {
        size_t n = utf8_sequence(text.data + i, text.len - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

size_t sg_utf8_next(struct sg_bytes text, size_t at)
{
    return utf8_sequence(text.data + at, text.len - at);
}

bool sg_utf8_misleads(const uint8_t *s, size_t n)
{
    if (n == 1)
        return s[0] < 0x20 || s[0] == 0x7f;
    if (n == 2)
        return (s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xd8 && s[1] == 0x9c);
    if (n != 3)
        return false;
    const uint32_t code =
        (uint32_t)(s[0] & 0x0f) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f);
    return (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0x200e || code == 0x200f || code >= 0xfffe;
}

int sg_cbor_get_octets(struct sg_reader *r, uint8_t *ret, size_t n)
{
    struct sg_reader at = *r;
    struct sg_bytes octets;
    int f = get_string(&at, MAJOR_BYTES, &octets);

    if (f)
        return f;
    if (octets.len != n)
        return sg_raise(-EBADMSG);
    *r = at;
    if (n)
        memcpy(ret, octets.data, n);
    return 0;
}

int sg_cbor_get_text(struct sg_reader *r, struct sg_bytes *ret)
{
    struct sg_reader at = *r;
    struct sg_bytes text;
    int f = get_string(&at, MAJOR_TEXT, &text);

    if (f)
        return f;
    if (!sg_utf8_valid(text))
        return sg_raise(-EBADMSG);
    *r = at;
    *ret = text;
    return 0;
}

/* A count that the octets left cannot hold is refused at once. */
static int get_count(struct sg_reader *r, unsigned major, uint64_t octets_each, uint64_t *ret)
{
    struct sg_reader at = *r;
    uint64_t n;
    int f = take_major(&at, major, &n);

    if (f)
        return f;
    if (n > at.left / octets_each)
        return sg_raise(-EBADMSG);
    *r = at;
    *ret = n;
    return 0;
}

int sg_cbor_get_array(struct sg_reader *r, uint64_t *ret_items)
{
    return get_count(r, MAJOR_ARRAY, 1, ret_items);
}

int sg_cbor_get_map(struct sg_reader *r, uint64_t *ret_pairs)
{
    return get_count(r, MAJOR_MAP, 2, ret_pairs);
}

int sg_cbor_get_tag(struct sg_reader *r, uint64_t *ret)
{
    return take_major(r, MAJOR_TAG, ret);
}

int sg_cbor_get_bool(struct sg_reader *r, bool *ret)
{
    struct sg_reader at = *r;
    uint64_t v;
    int f = take_major(&at, MAJOR_SIMPLE, &v);

    if (f)
        return f;
    if (v == SIMPLE_NULL)
        return sg_raise(-EBADMSG);
    *r = at;
    *ret = v == SIMPLE_TRUE;
    return 0;
}

int sg_cbor_get_null(struct sg_reader *r)
{
    struct sg_reader at = *r;
    uint64_t v;
    int f = take_major(&at, MAJOR_SIMPLE, &v);

    if (f)
        return f;
    if (v != SIMPLE_NULL)
        return sg_raise(-EBADMSG);
    *r = at;
    return 0;
}

/* Items that follow a head and belong to it; a string's contents are taken here. */
static int items_below(struct sg_reader *at, unsigned major, uint64_t v, uint64_t *ret)
{
    struct sg_bytes contents;

    *ret = 0;
    switch (major) {
    case MAJOR_BYTES:
    case MAJOR_TEXT:
        if (v > at->left || !sg_take(at, (size_t)v, &contents))
            return sg_raise(-EBADMSG);
        if (major == MAJOR_TEXT && !sg_utf8_valid(contents))
            return sg_raise(-EBADMSG);
        return 0;
    case MAJOR_TAG:
        *ret = 1;
        return 0;
    case MAJOR_ARRAY:
    case MAJOR_MAP:
        if (v > at->left / (major == MAJOR_MAP ? 2 : 1))
            return sg_raise(-EBADMSG);
        *ret = major == MAJOR_MAP ? 2 * v : v;
        return 0;
    default:
        return 0;
    }
}

int sg_cbor_skip(struct sg_reader *r, struct sg_bytes *ret)
{
    struct sg_reader at = *r;
    uint64_t open[DEPTH_MAX + 1]; /* items still due at each level */
    unsigned depth = 0;

    open[0] = 1;
    for (;;) {
        unsigned major;
        uint64_t v, below;
        int f = take_head(&at, &major, &v);
        if (f)
            return f;
        f = items_below(&at, major, v, &below);
        if (f)
            return f;
        open[depth]--;
        if (below) {
            if (depth == DEPTH_MAX)
                return sg_raise(-EBADMSG);
            open[++depth] = below;
        }
        while (open[depth] == 0) {
            if (depth == 0) {
                *ret = SG_BYTES(r->at, r->left - at.left);
                *r = at;
                return 0;
            }
            depth--;
        }
    }
}
