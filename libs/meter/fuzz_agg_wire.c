/* Messages between aggregator and authenticator: what is taken encodes to the same octets. */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/meter/agg-wire.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sg_reader r = sg_reader_over(SG_BYTES(data, size));
    struct sg_agg_message m;
    const uint8_t *start = data;
    while (sg_agg_take(&r, &m) == 0) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_AGG_MESSAGE_MAX);
        int e = sg_agg_encode(&m, &b);
        sg_assert(e == 0);
        sg_assert(sg_bytes_equal(sg_buf_bytes(&b), SG_BYTES(start, (size_t)(r.at - start))));
        start = r.at;
    }
    return 0;
}
