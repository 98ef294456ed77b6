#include "der-int.h"

#include <sealgrid/base/clock.h>

static bool take_length(struct sg_reader *r, size_t *ret)
{
    uint8_t first;
    struct sg_bytes more;
    size_t n = 0;
    if (!sg_take_u8(r, &first))
        return false;
    if (first < 0x80) {
        *ret = first;
        return true;
    }
    if (first < 0x81 || first > 0x84 || !sg_take(r, first & 0x7f, &more))
        return false;
    for (size_t i = 0; i < more.len; i++)
        n = n << 8 | more.data[i];
    *ret = n;
    return more.data[0] != 0 && n >= 0x80; /* the shortest form */
}

bool sg_der_any(struct sg_reader *r, unsigned *ret_tag, struct sg_bytes *ret_content,
                struct sg_bytes *ret_whole)
{
    const uint8_t *start = r->at;
    uint8_t tag;
    size_t len;
    if (!sg_take_u8(r, &tag) || (tag & 0x1f) == 0x1f || !take_length(r, &len) ||
        !sg_take(r, len, ret_content))
        return false;
    *ret_tag = tag;
    if (ret_whole)
        *ret_whole = SG_BYTES(start, (size_t)(r->at - start));
    return true;
}

bool sg_der_take(struct sg_reader *r, unsigned tag, struct sg_bytes *ret_content)
{
    unsigned found;
    return sg_der_any(r, &found, ret_content, NULL) && found == tag;
}

bool sg_der_next_is(const struct sg_reader *r, unsigned tag)
{
    return r->left && r->at[0] == tag;
}

bool sg_der_enter(struct sg_reader *r, unsigned tag, struct sg_reader *ret)
{
    struct sg_bytes content;
    if (!sg_der_take(r, tag, &content))
        return false;
    *ret = sg_reader_over(content);
    return true;
}

bool sg_der_magnitude(struct sg_reader *r, struct sg_bytes *ret)
{
    struct sg_bytes b;
    if (!sg_der_take(r, SG_DER_INTEGER, &b) || !b.len || b.data[0] >= 0x80)
        return false;
    if (b.len > 1 && b.data[0] == 0 && b.data[1] < 0x80)
        return false;
    const size_t zero = b.data[0] == 0;
    *ret = SG_BYTES(b.data + zero, b.len - zero);
    return true;
}

bool sg_der_small(struct sg_reader *r, uint64_t max, uint64_t *ret)
{
    struct sg_bytes b;
    uint64_t v = 0;
    if (!sg_der_magnitude(r, &b) || b.len > 8)
        return false;
    for (size_t i = 0; i < b.len; i++)
        v = v << 8 | b.data[i];
    *ret = v;
    return v <= max;
}

bool sg_der_boolean(struct sg_reader *r, bool *ret)
{
    struct sg_bytes b;
    if (!sg_der_take(r, SG_DER_BOOLEAN, &b) || b.len != 1 || (b.data[0] && b.data[0] != 0xff))
        return false;
    *ret = b.data[0] != 0;
    return true;
}

static bool two_digits(const uint8_t *p, unsigned max, unsigned *ret)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return false;
    *ret = (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
    return *ret <= max;
}

static bool is_date(int year, unsigned month, unsigned day, int64_t days)
{
    int y;
    unsigned m, d;
    sg_civil_from_days(days, &y, &m, &d);
    return y == year && m == month && d == day;
}

/* "MMDDhhmmssZ" */
static bool rest_of_time(int year, const uint8_t *p, int64_t *ret)
{
    unsigned month, day, hour, minute, second;
    if (!two_digits(p, 12, &month) || !two_digits(p + 2, 31, &day) ||
        !two_digits(p + 4, 23, &hour) || !two_digits(p + 6, 59, &minute) ||
        !two_digits(p + 8, 59, &second) || p[10] != 'Z' || !month || !day)
        return false;
    const int64_t days = sg_days_from_civil(year, month, day);
    *ret = days * 86400 + (int64_t)(hour * 3600 + minute * 60 + second);
    return is_date(year, month, day, days);
}

bool sg_der_time(struct sg_reader *r, int64_t *ret_unix_s)
{
    struct sg_bytes b;
    unsigned tag, century, year;
    if (!sg_der_any(r, &tag, &b, NULL))
        return false;
    if (tag == SG_DER_UTC_TIME && b.len == 13 && two_digits(b.data, 99, &year))
        return rest_of_time((int)year + (year < 50 ? 2000 : 1900), b.data + 2, ret_unix_s);
    if (tag == SG_DER_GENERALIZED_TIME && b.len == 15 && two_digits(b.data, 99, &century) &&
        two_digits(b.data + 2, 99, &year))
        return rest_of_time((int)(century * 100 + year), b.data + 4, ret_unix_s);
    return false;
}

bool sg_der_bits(struct sg_reader *r, struct sg_bytes *ret)
{
    struct sg_bytes b;
    if (!sg_der_take(r, SG_DER_BIT_STRING, &b) || !b.len || b.data[0] != 0)
        return false;
    *ret = SG_BYTES(b.data + 1, b.len - 1);
    return true;
}

bool sg_der_named_bits(struct sg_reader *r, unsigned *ret)
{
    struct sg_bytes b;
    if (!sg_der_take(r, SG_DER_BIT_STRING, &b) || !b.len || b.data[0] > 7 ||
        (b.len == 1 && b.data[0]))
        return false;
    /* Bits that are not there say nothing, and are zero (X.690, 11.2.1). */
    if (b.len > 1 && (b.data[b.len - 1] & ((1u << b.data[0]) - 1)))
        return false;
    *ret = b.len > 1 ? b.data[1] : 0;
    return true;
}

static bool is_string(unsigned tag)
{
    return tag == SG_DER_UTF8_STRING || tag == SG_DER_PRINTABLE_STRING || tag == SG_DER_IA5_STRING;
}

struct attribute {
    struct sg_bytes type, value;
    unsigned tag;
};

/* RelativeDistinguishedNames of one attribute each; of several there is no use here. */
static bool take_attribute(struct sg_reader *name, struct attribute *ret)
{
    struct sg_reader set, pair;
    return sg_der_enter(name, SG_DER_SET, &set) && sg_der_enter(&set, SG_DER_SEQUENCE, &pair) &&
           !set.left && sg_der_take(&pair, SG_DER_OID, &ret->type) &&
           sg_der_any(&pair, &ret->tag, &ret->value, NULL) && !pair.left;
}

static bool open_name(struct sg_bytes name, struct sg_reader *ret)
{
    struct sg_reader r = sg_reader_over(name);
    return sg_der_enter(&r, SG_DER_SEQUENCE, ret) && !r.left;
}

bool sg_der_names_equal(struct sg_bytes a, struct sg_bytes b)
{
    struct sg_reader ra, rb;
    struct attribute x, y;
    if (sg_bytes_equal(a, b))
        return true;
    if (!open_name(a, &ra) || !open_name(b, &rb))
        return false;
    while (ra.left && rb.left) {
        if (!take_attribute(&ra, &x) || !take_attribute(&rb, &y))
            return false;
        if (x.tag != y.tag && !(is_string(x.tag) && is_string(y.tag)))
            return false;
        if (!sg_bytes_equal(x.type, y.type) || !sg_bytes_equal(x.value, y.value))
            return false;
    }
    return !ra.left && !rb.left;
}

bool sg_der_common_name(struct sg_bytes name, char *ret, size_t size)
{
    const struct sg_bytes common_name = SG_BYTES_LIT("\x55\x04\x03");
    struct sg_reader r;
    struct attribute a;
    struct sg_bytes found = SG_BYTES_NONE;
    unsigned n = 0;
    if (!open_name(name, &r))
        return false;
    while (r.left) {
        if (!take_attribute(&r, &a))
            return false;
        if (sg_bytes_equal(a.type, common_name)) {
            found = is_string(a.tag) ? a.value : SG_BYTES_NONE;
            n++;
        }
    }
    ret[0] = '\0';
    if (n == 1 && found.len && found.len < size && !memchr(found.data, 0, found.len)) {
        memcpy(ret, found.data, found.len);
        ret[found.len] = '\0';
    }
    return true;
}
