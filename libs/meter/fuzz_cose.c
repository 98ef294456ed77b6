/* decode -> encode -> equal, for the strict profile and for messages of others. */
#include <sealgrid/meter/cose-message.h>
#include <sealgrid/meter/cose.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void message(struct sg_bytes in)
{
    struct sg_cose_message m;
    if (sg_cose_message_decode(in, SG_COSE_SIGN1, &m) != 0)
        return;
    struct sg_buf again = SG_BUF_INIT(1 << 20);
    sg_assert(sg_cose_message_encode(&m, &again) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&again), in));
    sg_buf_clear(&again);
}

static void profile(struct sg_bytes in)
{
    struct sg_cose_sign1 m;
    struct sg_reader r = sg_reader_over(in);
    if (sg_cose_sign1_take(&r, &m) != 0)
        return;
    struct sg_buf again = SG_BUF_INIT(1 << 20);
    sg_assert(sg_cose_sign1_put(&again, &m) == 0);
    sg_assert(again.len == in.len - r.left && memcmp(again.data, in.data, again.len) == 0);
    sg_buf_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    message(SG_BYTES(data, size));
    profile(SG_BYTES(data, size));
    return 0;
}
