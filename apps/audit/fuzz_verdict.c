/* fuzz_verdict - payload of a signed report: what decodes encodes to the same octets. */
#include "verdict.h"

#include <sealgrid/base/cleanup.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(VERDICT_MAX + 1024);
    struct verdict v;

    if (verdict_decode(SG_BYTES(data, size), &v) != 0)
        return 0;
    sg_assert(verdict_encode(&v, &again) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&again), SG_BYTES(data, size)));
    return 0;
}
