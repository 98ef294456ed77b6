/* tuple: what either decoder accepts encodes to the same octets.  First octet: 0 key, else value.
 */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/kvs/tuple.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_key(struct sg_bytes in)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(1u << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf scratch = SG_BUF_INIT(1u << 20);
    struct sg_reader r = sg_reader_over(in);
    struct sg_value v;
    while (r.left && sg_tuple_key_next(&r, &v, &scratch) == 0)
        sg_assert(sg_tuple_key_append(&out, &v, 1) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&out), SG_BYTES(in.data, in.len - r.left)));
}

static void check_value(struct sg_bytes in)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(1u << 20);
    struct sg_value v[SG_TUPLE_FIELDS_MAX];
    size_t n;
    if (sg_tuple_value_decode(in, v, SG_TUPLE_FIELDS_MAX, &n) < 0)
        return;
    sg_assert(sg_tuple_value_append(&out, v, n) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&out), in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    (data[0] ? check_value : check_key)(SG_BYTES(data + 1, size - 1));
    return 0;
}
