/* decode -> encode -> equal. */
#include <sealgrid/meter/reading.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sg_reading v;
    struct sg_reader in = sg_reader_over(SG_BYTES(data, size));
    if (sg_reading_decode(&in, &v) != 0)
        return 0;
    struct sg_buf again = SG_BUF_INIT(SG_READING_LEAF_MAX);
    sg_assert(sg_reading_encode(&v, &again) == 0);
    sg_assert(again.len == size - in.left);
    sg_assert(memcmp(again.data, data, again.len) == 0);
    sg_buf_clear(&again);
    return 0;
}
