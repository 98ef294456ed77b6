/*
 * fuzz - what the decoder takes, the encoder writes again octet for octet: the subset has one
 * encoding for each value.
 */
#include <sealgrid/base/cbor.h>
#include <sealgrid/base/cleanup.h>

#define DEPTH_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int copy_item(struct sg_reader *r, struct sg_buf *out, unsigned depth);

static int copy_items(struct sg_reader *r, struct sg_buf *out, uint64_t n, unsigned depth)
{
    int f = 0;
    for (uint64_t i = 0; i < n && !f; i++)
        f = copy_item(r, out, depth + 1);
    return f;
}

static int copy_string(struct sg_reader *r, struct sg_buf *out, enum sg_cbor_type type)
{
    struct sg_bytes s;
    int f = type == SG_CBOR_TEXT ? sg_cbor_get_text(r, &s) : sg_cbor_get_bytes(r, &s);
    if (f)
        return f;
    size_t before = out->len;
    f = sg_cbor_put_bytes(out, s);
    if (!f && type == SG_CBOR_TEXT)
        out->data[before] |= 0x20; /* major type 2 becomes 3; put_text wants a NUL */
    return f;
}

static int copy_simple(struct sg_reader *r, struct sg_buf *out)
{
    bool flag;
    if (sg_cbor_get_null(r) == 0)
        return sg_cbor_put_null(out);
    int f = sg_cbor_get_bool(r, &flag);
    return f ? f : sg_cbor_put_bool(out, flag);
}

static int copy_negative(struct sg_reader *r, struct sg_buf *out)
{
    int64_t v;
    struct sg_bytes all;
    if (sg_cbor_get_int(r, &v) == 0)
        return sg_cbor_put_int(out, v);
    int f = sg_cbor_skip(r, &all); /* below INT64_MIN: no type of ours holds it */
    return f ? f : sg_buf_append(out, all);
}

static int copy_item(struct sg_reader *r, struct sg_buf *out, unsigned depth)
{
    enum sg_cbor_type type;
    uint64_t v;
    int f = sg_cbor_peek(r, &type);

    if (f || depth > DEPTH_MAX)
        return f ? f : -EBADMSG;
    switch (type) {
    case SG_CBOR_UINT:
        f = sg_cbor_get_uint(r, &v);
        return f ? f : sg_cbor_put_uint(out, v);
    case SG_CBOR_NEGINT:
        return copy_negative(r, out);
    case SG_CBOR_BYTES:
    case SG_CBOR_TEXT:
        return copy_string(r, out, type);
    case SG_CBOR_ARRAY:
        f = sg_cbor_get_array(r, &v);
        if (!f)
            f = sg_cbor_put_array(out, v);
        return f ? f : copy_items(r, out, v, depth);
    case SG_CBOR_MAP:
        f = sg_cbor_get_map(r, &v);
        if (!f)
            f = sg_cbor_put_map(out, v);
        return f ? f : copy_items(r, out, 2 * v, depth);
    case SG_CBOR_TAG:
        f = sg_cbor_get_tag(r, &v);
        if (!f)
            f = sg_cbor_put_tag(out, v);
        return f ? f : copy_items(r, out, 1, depth);
    case SG_CBOR_SIMPLE:
        return copy_simple(r, out);
    }
    return -EBADMSG;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(1 << 20);
    struct sg_reader skipped = {data, size}, copied = {data, size};
    struct sg_bytes all;
    int skip = sg_cbor_skip(&skipped, &all);
    int copy = copy_item(&copied, &out, 0);

    sg_assert((skip == 0) == (copy == 0) || size > 1 << 19);
    if (skip == 0 && copy == 0) {
        sg_assert(sg_bytes_equal(sg_buf_bytes(&out), all));
        sg_assert(copied.left == skipped.left);
    }
    return 0;
}
