/* fuzz - a section of estimates is refused, or encodes to the octets it was read from. */
#include <sealgrid/billing/vee.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_vee_estimates_clear) struct sg_vee_estimates e = {NULL, 0, 0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(1u << 26);
    uint8_t sha256[32];

    if (sg_vee_section_decode(SG_BYTES(data, size), sha256, &e))
        return 0;
    sg_assert(sg_vee_section_encode(sha256, &e, &again) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&again), SG_BYTES(data, size)));
    return 0;
}
