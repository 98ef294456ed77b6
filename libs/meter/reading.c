#include <sealgrid/base/cbor.h>
#include <sealgrid/meter/reading.h>

#define READING_ITEMS (2 + SG_READING_N_FIELDS)
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

int sg_reading_encode(const struct sg_reading *r, struct sg_buf *b)
{
    if (!sg_reading_valid(r))
        return sg_raise(-EINVAL);
    size_t start = b->len;
    int e = sg_cbor_put_array(b, READING_ITEMS);
    if (e == 0)
        e = sg_cbor_put_uint(b, r->seq);
    if (e == 0)
        e = sg_cbor_put_int(b, r->ts_s);
    for (size_t i = 0; e == 0 && i < SG_READING_N_FIELDS; i++)
        e = r->field[i] == SG_READING_NA ? sg_cbor_put_null(b) : sg_cbor_put_int(b, r->field[i]);
    if (e)
        b->len = start;
    return e;
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
    int r = sg_cbor_get_array(&rest, &items);
    if (r)
        return r;
    if (items != READING_ITEMS)
        return sg_raise(-EBADMSG);
    r = sg_cbor_get_uint(&rest, &v.seq);
    if (r)
        return r;
    r = sg_cbor_get_int(&rest, &v.ts_s);
    if (r)
        return r;
    for (size_t i = 0; i < SG_READING_N_FIELDS; i++) {
        r = take_field(&rest, i, &v.field[i]);
        if (r)
            return r;
    }
    if (!head_valid(&v)) /* the fields were judged one by one */
        return sg_raise(-EBADMSG);
    *ret = v;
    *in = rest;
    return 0;
}
