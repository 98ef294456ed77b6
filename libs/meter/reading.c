#include <sealgrid/base/cbor.h>
#include <sealgrid/meter/reading.h>

#define READING_ITEMS (2 + SG_READING_N_FIELDS)
#define SHORT_ITEMS   (2 + SG_READING_FIELDS_FIRST)
#define CBOR_NULL     0xf6                  /* RFC 8949, appendix B */
#define TS_MAX        INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

const char *const sg_reading_names[SG_READING_N_FIELDS] = {
#define SG_F(name, unit, lo, hi) #name,
    SG_READING_FIELDS(SG_F)
#undef SG_F
};

const char *const sg_reading_units[SG_READING_N_FIELDS] = {
#define SG_F(name, unit, lo, hi) unit,
    SG_READING_FIELDS(SG_F)
#undef SG_F
};

static const struct {
    int64_t lo, hi;
} limits[SG_READING_N_FIELDS] = {
#define SG_F(name, unit, lo, hi) {INT64_C(lo), INT64_C(hi)},
    SG_READING_FIELDS(SG_F)
#undef SG_F
};

static bool in_range(size_t i, int64_t v)
{
    return v == SG_READING_NA || (v >= limits[i].lo && v <= limits[i].hi);
}

static bool head_valid(const struct sg_reading *r)
{
    return r->seq != 0 && r->seq <= INT64_MAX && r->ts_s >= 0 && r->ts_s <= TS_MAX;
}

bool sg_reading_valid(const struct sg_reading *r)
{
    if (!head_valid(r))
        return false;
    for (size_t i = 0; i < SG_READING_N_FIELDS; i++)
        if (!in_range(i, r->field[i]))
            return false;
    return true;
}

bool sg_reading_is_short(const struct sg_reading *r)
{
    for (size_t i = SG_READING_FIELDS_FIRST; i < SG_READING_N_FIELDS; i++)
        if (r->field[i] != SG_READING_NA)
            return false;
    return true;
}

static size_t fields_told(const struct sg_reading *r)
{
    return sg_reading_is_short(r) ? SG_READING_FIELDS_FIRST : SG_READING_N_FIELDS;
}

/* The fields that a short form leaves out. */
static void fill_short(struct sg_reading *r)
{
    for (size_t i = SG_READING_FIELDS_FIRST; i < SG_READING_N_FIELDS; i++)
        r->field[i] = SG_READING_NA;
}

/*
 * A reading is forty small integers, made and read for each interval of each meter, many times
 * over: both ways go by the octet where the buffer surely holds the longest form, and by the
 * general functions (cbor.h) where it may not, or where the input is not what an encoder writes.
 */
#define HEAD_MAX      9
#define ENCODED_MAX   (READING_ITEMS * HEAD_MAX + HEAD_MAX)
#define MAJOR_NEGINT  1u
#define ARRAY_OF_SOME 0x98 /* an array whose length follows in one octet */

static inline uint8_t *write_int(uint8_t *at, int64_t value)
{
    unsigned major = value < 0 ? MAJOR_NEGINT << 5 : 0;
    uint64_t v = value < 0 ? ~(uint64_t)value : (uint64_t)value;

    if (v < 24) {
        at[0] = (uint8_t)(major | (unsigned)v);
        return at + 1;
    }
    if (v <= UINT8_MAX) {
        at[0] = (uint8_t)(major | 24);
        at[1] = (uint8_t)v;
        return at + 2;
    }
    if (v <= UINT16_MAX) {
        at[0] = (uint8_t)(major | 25);
        sg_store_be16(at + 1, (uint16_t)v);
        return at + 3;
    }
    if (v <= UINT32_MAX) {
        at[0] = (uint8_t)(major | 26);
        sg_store_be32(at + 1, (uint32_t)v);
        return at + 5;
    }
    at[0] = (uint8_t)(major | 27);
    sg_store_be64(at + 1, v);
    return at + HEAD_MAX;
}

static void encode_fast(const struct sg_reading *r, struct sg_buf *b)
{
    uint8_t *at = b->data + b->len;
    const size_t n = fields_told(r);

    *at++ = ARRAY_OF_SOME;
    *at++ = (uint8_t)(2 + n);
    at = write_int(at, (int64_t)r->seq);
    at = write_int(at, r->ts_s);
    for (size_t i = 0; i < n; i++) {
        if (r->field[i] == SG_READING_NA)
            *at++ = CBOR_NULL;
        else
            at = write_int(at, r->field[i]);
    }
    b->len = (size_t)(at - b->data);
}

int sg_reading_encode(const struct sg_reading *r, struct sg_buf *b)
{
    if (!sg_reading_valid(r))
        return sg_raise(-EINVAL);
    if (b->capacity - b->len >= ENCODED_MAX) {
        encode_fast(r, b);
        return 0;
    }
    const size_t start = b->len, n = fields_told(r);
    int e = sg_cbor_put_array(b, 2 + n);
    if (e == 0)
        e = sg_cbor_put_uint(b, r->seq);
    if (e == 0)
        e = sg_cbor_put_int(b, r->ts_s);
    for (size_t i = 0; e == 0 && i < n; i++)
        e = r->field[i] == SG_READING_NA ? sg_cbor_put_null(b) : sg_cbor_put_int(b, r->field[i]);
    if (e)
        b->len = start;
    return e;
}

/* NULL: not an integer in its shortest form.  HEAD_MAX octets can be read. */
static inline const uint8_t *read_int(const uint8_t *at, int64_t *ret)
{
    unsigned info = at[0] & 31u;
    uint64_t v = info;

    if (at[0] >> 5 > MAJOR_NEGINT || info > 27)
        return NULL;
    if (info >= 24) {
        static const uint64_t least[] = {24, UINT8_MAX + 1, UINT16_MAX + 1, UINT64_C(1) << 32};
        v = info == 24   ? at[1]
            : info == 25 ? sg_load_be16(at + 1)
            : info == 26 ? sg_load_be32(at + 1)
                         : sg_load_be64(at + 1);
        if (v < least[info - 24] || v > INT64_MAX)
            return NULL;
        *ret = at[0] >> 5 ? ~(int64_t)v : (int64_t)v;
        return at + 1 + ((size_t)1 << (info - 24));
    }
    *ret = at[0] >> 5 ? ~(int64_t)v : (int64_t)v;
    return at + 1;
}

/* False: the general way judges it. */
static bool decode_fast(struct sg_reader *in, struct sg_reading *ret)
{
    const uint8_t *at = in->at;
    int64_t seq;

    if (in->left < ENCODED_MAX || at[0] != ARRAY_OF_SOME ||
        (at[1] != READING_ITEMS && at[1] != SHORT_ITEMS))
        return false;
    const size_t n = at[1] - 2u;
    at = read_int(at + 2, &seq);
    if (at)
        at = read_int(at, &ret->ts_s);
    for (size_t i = 0; at && i < n; i++) {
        if (*at == CBOR_NULL) {
            ret->field[i] = SG_READING_NA;
            at++;
            continue;
        }
        at = read_int(at, &ret->field[i]);
        if (at && (ret->field[i] < limits[i].lo || ret->field[i] > limits[i].hi))
            return false;
    }
    if (!at || seq < 0)
        return false;
    ret->seq = (uint64_t)seq;
    if (n < SG_READING_N_FIELDS)
        fill_short(ret);
    else if (sg_reading_is_short(ret))
        return false;
    if (!head_valid(ret))
        return false;
    in->left -= (size_t)(at - in->at);
    in->at = at;
    return true;
}

static int take_field(struct sg_reader *in, size_t i, int64_t *ret)
{
    int64_t v;

    if (in->left && in->at[0] == CBOR_NULL) {
        *ret = SG_READING_NA;
        return sg_cbor_get_null(in);
    }
    int r = sg_cbor_get_int(in, &v);
    if (r)
        return r;
    /* The NA value itself has one encoding only: null. */
    if (v == SG_READING_NA || !in_range(i, v))
        return sg_raise(-EBADMSG);
    *ret = v;
    return 0;
}

int sg_reading_decode(struct sg_reader *in, struct sg_reading *ret)
{
    struct sg_reader rest = *in;
    struct sg_reading v;
    uint64_t items;

    if (decode_fast(&rest, &v)) {
        *ret = v;
        *in = rest;
        return 0;
    }
    int r = sg_cbor_get_array(&rest, &items);
    if (r)
        return r;
    if (items != READING_ITEMS && items != SHORT_ITEMS)
        return sg_raise(-EBADMSG);
    r = sg_cbor_get_uint(&rest, &v.seq);
    if (r)
        return r;
    r = sg_cbor_get_int(&rest, &v.ts_s);
    if (r)
        return r;
    fill_short(&v);
    for (size_t i = 0; i < items - 2; i++) {
        r = take_field(&rest, i, &v.field[i]);
        if (r)
            return r;
    }
    /* The fields were judged one by one; a long form that says no more than the short one is a
     * second encoding. */
    if (!head_valid(&v) || (items == READING_ITEMS && sg_reading_is_short(&v)))
        return sg_raise(-EBADMSG);
    *ret = v;
    *in = rest;
    return 0;
}
