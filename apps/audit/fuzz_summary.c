/* fuzz_summary - payload of a folder's signed report: what decodes encodes to the same octets. */
#include "summary.h"

#include <sealgrid/base/cleanup.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(1u << 24);
    SG_CLEANUP(sg_buf_clear) struct sg_buf items = SG_BUF_INIT(1u << 24);
    struct summary_item item;
    struct summary s;

    if (summary_decode(SG_BYTES(data, size), &s) != 0)
        return 0;
    for (struct sg_reader in = sg_reader_over(s.items); in.left;) {
        sg_assert(summary_next(&in, &item) == 0);
        sg_assert(summary_put_item(&items, &item) == 0);
    }
    s.items = sg_buf_bytes(&items);
    sg_assert(summary_encode(&s, &again) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&again), SG_BYTES(data, size)));
    return 0;
}
