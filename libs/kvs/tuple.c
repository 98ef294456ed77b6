#include "tuple-int.h"

#include <math.h>

enum { VALUE_NULL, VALUE_INTEGER, VALUE_REAL, VALUE_TEXT, VALUE_BLOB };

static uint64_t bits_of(double f)
{
    uint64_t u;
    memcpy(&u, &f, sizeof(u));
    return u;
}

static double double_of(uint64_t u)
{
    double f;
    memcpy(&f, &u, sizeof(f));
    return f;
}

static bool is_bytes(const struct sg_value *v)
{
    return v->type == SG_TEXT || v->type == SG_BLOB;
}

static bool is_encodable(const struct sg_value *v)
{
    return (unsigned)v->type <= SG_BLOB && !(v->type == SG_REAL && isnan(v->f));
}

/* ---- varints ---- */

int sg_varint_append(struct sg_buf *b, uint64_t v)
{
    uint8_t *p;
    int r = sg_buf_extend(b, sg_varint_len(v), &p);
    if (r < 0)
        return r;
    sg_varint_put(p, v);
    return 0;
}

bool sg_varint_get_slowly(struct sg_reader *r, uint64_t *ret)
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

int sg_varint_take(struct sg_reader *r, uint64_t *ret)
{
    return sg_varint_get(r, ret) ? 0 : sg_raise(-EBADMSG);
}

/* ---- key form ---- */

static size_t count_zeros(struct sg_bytes b)
{
    size_t n = 0;
    for (size_t i = 0; i < b.len; i++)
        n += b.data[i] == 0;
    return n;
}

static size_t key_len(const struct sg_value *v)
{
    switch (v->type) {
    case SG_NULL:
        return 1;
    case SG_INTEGER:
    case SG_REAL:
        return 9;
    default:
        return 1 + v->bytes.len + count_zeros(v->bytes) + 2;
    }
}

static uint8_t *key_put_bytes(uint8_t *p, struct sg_bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        *p++ = b.data[i];
        if (b.data[i] == 0)
            *p++ = SG_KEY_ESCAPED_ZERO;
    }
    *p++ = 0;
    *p++ = SG_KEY_END_OF_BYTES;
    return p;
}

static uint64_t ordered_bits_of(double f)
{
    uint64_t u = bits_of(f == 0 ? 0.0 : f); /* -0 and 0 are one key */
    return u & SG_SIGN_BIT ? ~u : u | SG_SIGN_BIT;
}

static uint8_t *key_put(uint8_t *p, const struct sg_value *v)
{
    switch (v->type) {
    case SG_NULL:
        *p++ = SG_KEY_NULL;
        return p;
    case SG_INTEGER:
        *p++ = SG_KEY_INTEGER;
        sg_store_be64(p, (uint64_t)v->i ^ SG_SIGN_BIT);
        return p + 8;
    case SG_REAL:
        *p++ = SG_KEY_REAL;
        sg_store_be64(p, ordered_bits_of(v->f));
        return p + 8;
    default:
        *p++ = v->type == SG_TEXT ? SG_KEY_TEXT : SG_KEY_BLOB;
        return key_put_bytes(p, v->bytes);
    }
}

int sg_tuple_key_append(struct sg_buf *b, const struct sg_value *v, size_t n)
{
    size_t total = 0;
    if (n > SG_TUPLE_FIELDS_MAX)
        return sg_raise(-E2BIG);
    for (size_t i = 0; i < n; i++) {
        if (!is_encodable(&v[i]))
            return sg_raise(-EINVAL);
        total += key_len(&v[i]);
    }
    uint8_t *p;
    int r = sg_buf_extend(b, total, &p);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        p = key_put(p, &v[i]);
    return 0;
}

static bool key_take_integer(struct sg_reader *r, int64_t *ret)
{
    uint64_t u;
    if (!sg_take_be64(r, &u))
        return false;
    *ret = (int64_t)(u ^ SG_SIGN_BIT);
    return true;
}

static bool key_take_real(struct sg_reader *r, double *ret)
{
    uint64_t u;
    if (!sg_take_be64(r, &u))
        return false;
    double f = double_of(u & SG_SIGN_BIT ? u ^ SG_SIGN_BIT : ~u);
    if (isnan(f) || ordered_bits_of(f) != u)
        return false;
    *ret = f;
    return true;
}

/* Takes the octets up to the end mark, still escaped. */
static bool key_take_escaped(struct sg_reader *r, struct sg_bytes *ret, bool *ret_escapes)
{
    const uint8_t *begin = r->at;
    bool escapes = false;
    for (;;) {
        const uint8_t *zero = r->left ? memchr(r->at, 0, r->left) : NULL;
        struct sg_bytes skipped;
        uint8_t mark;
        if (!zero || !sg_take(r, (size_t)(zero - r->at) + 1, &skipped) || !sg_take_u8(r, &mark))
            return false;
        if (mark == SG_KEY_END_OF_BYTES) {
            *ret = SG_BYTES(begin, (size_t)(zero - begin));
            *ret_escapes = escapes;
            return true;
        }
        if (mark != SG_KEY_ESCAPED_ZERO)
            return false;
        escapes = true;
    }
}

/* Room for all that can still follow in this tuple is reserved at the first use, so that elements
 * unescaped earlier do not move. */
static int unescape(struct sg_bytes escaped, size_t left_after, struct sg_buf *scratch,
                    struct sg_bytes *ret)
{
    int r = sg_buf_reserve(scratch, escaped.len + left_after);
    if (r < 0)
        return r;
    uint8_t *begin = scratch->data + scratch->len, *p = begin;
    for (size_t i = 0; i < escaped.len; i++) {
        *p++ = escaped.data[i];
        if (escaped.data[i] == 0)
            i++;
    }
    scratch->len += (size_t)(p - begin);
    *ret = SG_BYTES(begin, (size_t)(p - begin));
    return 0;
}

static int key_take_bytes(struct sg_reader *r, struct sg_bytes *ret, struct sg_buf *scratch)
{
    bool escapes;
    if (!key_take_escaped(r, ret, &escapes))
        return sg_raise(-EBADMSG);
    return escapes ? unescape(*ret, r->left, scratch, ret) : 0;
}

int sg_tuple_key_next(struct sg_reader *r, struct sg_value *ret, struct sg_buf *scratch)
{
    struct sg_reader in = *r;
    struct sg_value v = {.type = SG_NULL};
    uint8_t type;
    int e = 0;
    if (!sg_take_u8(&in, &type))
        return sg_raise(-EBADMSG);
    switch (type) {
    case SG_KEY_NULL:
        break;
    case SG_KEY_INTEGER:
        v.type = SG_INTEGER;
        e = key_take_integer(&in, &v.i) ? 0 : sg_raise(-EBADMSG);
        break;
    case SG_KEY_REAL:
        v.type = SG_REAL;
        e = key_take_real(&in, &v.f) ? 0 : sg_raise(-EBADMSG);
        break;
    case SG_KEY_TEXT:
    case SG_KEY_BLOB:
        v.type = type == SG_KEY_TEXT ? SG_TEXT : SG_BLOB;
        e = key_take_bytes(&in, &v.bytes, scratch);
        break;
    default:
        e = sg_raise(-EBADMSG);
    }
    if (e < 0)
        return e;
    *r = in;
    *ret = v;
    return 0;
}

bool sg_tuple_key_span(struct sg_reader *r, struct sg_bytes *ret)
{
    struct sg_reader in = *r;
    struct sg_bytes contents;
    bool ok, escapes;
    uint8_t type;
    int64_t i;
    double f;
    if (!sg_take_u8(&in, &type))
        return false;
    switch (type) {
    case SG_KEY_NULL:
        ok = true;
        break;
    case SG_KEY_INTEGER:
        ok = key_take_integer(&in, &i);
        break;
    case SG_KEY_REAL:
        ok = key_take_real(&in, &f);
        break;
    case SG_KEY_TEXT:
    case SG_KEY_BLOB:
        ok = key_take_escaped(&in, &contents, &escapes);
        break;
    default:
        ok = false;
    }
    return ok && sg_take(r, r->left - in.left, ret);
}

/* ---- value form ---- */

static size_t value_len(const struct sg_value *v)
{
    switch (v->type) {
    case SG_NULL:
        return 1;
    case SG_INTEGER:
        return 1 + sg_varint_len(sg_zigzag(v->i));
    case SG_REAL:
        return 9;
    default:
        return 1 + sg_varint_len(v->bytes.len) + v->bytes.len;
    }
}

static uint8_t *value_put(uint8_t *p, const struct sg_value *v)
{
    *p++ = (uint8_t)v->type;
    if (v->type == SG_INTEGER)
        return sg_varint_put(p, sg_zigzag(v->i));
    if (v->type == SG_REAL) {
        sg_store_be64(p, bits_of(v->f));
        return p + 8;
    }
    if (!is_bytes(v))
        return p;
    p = sg_varint_put(p, v->bytes.len);
    if (v->bytes.len)
        memcpy(p, v->bytes.data, v->bytes.len);
    return p + v->bytes.len;
}

int sg_tuple_value_append(struct sg_buf *b, const struct sg_value *v, size_t n)
{
    size_t total = sg_varint_len(n);
    if (n > SG_TUPLE_FIELDS_MAX)
        return sg_raise(-E2BIG);
    for (size_t i = 0; i < n; i++) {
        if (!is_encodable(&v[i]))
            return sg_raise(-EINVAL);
        total += value_len(&v[i]);
    }
    uint8_t *p;
    int r = sg_buf_extend(b, total, &p);
    if (r < 0)
        return r;
    p = sg_varint_put(p, n);
    for (size_t i = 0; i < n; i++)
        p = value_put(p, &v[i]);
    return 0;
}

static bool value_take_integer(struct sg_reader *r, struct sg_value *ret)
{
    uint64_t u;
    if (!sg_varint_get(r, &u))
        return false;
    ret->i = sg_unzigzag(u);
    return true;
}

static bool value_take_real(struct sg_reader *r, struct sg_value *ret)
{
    uint64_t u;
    if (!sg_take_be64(r, &u))
        return false;
    ret->f = double_of(u);
    return !isnan(ret->f);
}

static bool value_take_bytes(struct sg_reader *r, struct sg_value *ret)
{
    uint64_t len;
    return sg_varint_get(r, &len) && len <= r->left && sg_take(r, (size_t)len, &ret->bytes);
}

static bool value_take(struct sg_reader *r, struct sg_value *ret)
{
    uint8_t type;
    if (!sg_take_u8(r, &type) || type > VALUE_BLOB)
        return false;
    *ret = (struct sg_value){.type = (enum sg_value_type)type};
    switch (type) {
    case VALUE_NULL:
        return true;
    case VALUE_INTEGER:
        return value_take_integer(r, ret);
    case VALUE_REAL:
        return value_take_real(r, ret);
    default:
        return value_take_bytes(r, ret);
    }
}

bool sg_tuple_value_span(struct sg_reader *r, struct sg_bytes *ret)
{
    struct sg_reader in = *r;
    struct sg_value v;
    return value_take(&in, &v) && sg_take(r, r->left - in.left, ret);
}

bool sg_tuple_value_pick(struct sg_bytes value, struct sg_bytes fields, uint8_t *out,
                         size_t *ret_len)
{
    struct sg_reader in = sg_reader_over(value);
    struct sg_bytes span;
    uint64_t n;
    size_t wanted = 0, taken = 0;
    if (!sg_varint_get(&in, &n) || n > SG_TUPLE_FIELDS_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        wanted += sg_fields_has(fields, i);
    uint8_t *p = sg_varint_put(out, wanted);
    for (size_t i = 0; taken < wanted; i++) {
        if (!sg_tuple_value_span(&in, &span))
            return false;
        if (!sg_fields_has(fields, i))
            continue;
        memmove(p, span.data, span.len);
        p += span.len;
        taken++;
    }
    *ret_len = (size_t)(p - out);
    return true;
}

int sg_tuple_value_decode(struct sg_bytes bytes, struct sg_value *ret, size_t max, size_t *ret_n)
{
    struct sg_reader in = sg_reader_over(bytes);
    uint64_t n;
    if (!sg_varint_get(&in, &n) || n > SG_TUPLE_FIELDS_MAX)
        return sg_raise(-EBADMSG);
    if (n > max)
        return sg_raise(-E2BIG);
    for (size_t i = 0; i < n; i++)
        if (!value_take(&in, &ret[i]))
            return sg_raise(-EBADMSG);
    if (in.left)
        return sg_raise(-EBADMSG);
    *ret_n = (size_t)n;
    return 0;
}

_Static_assert((int)VALUE_NULL == SG_NULL && (int)VALUE_INTEGER == SG_INTEGER &&
                   (int)VALUE_REAL == SG_REAL && (int)VALUE_TEXT == SG_TEXT &&
                   (int)VALUE_BLOB == SG_BLOB,
               "value_put writes the type as its octet");
