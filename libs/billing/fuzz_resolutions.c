/* fuzz - a section of choices is refused, or encodes to the octets it was read from; each choice
 * can be judged and shown. */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/billing/resolution.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(1u << 26);
    SG_FREE struct sg_row_resolution *rows = NULL;
    size_t n;

    if (size > 1u << 18 || sg_resolutions_decode(SG_BYTES(data, size), &rows, &n) != 0)
        return 0;
    sg_assert(sg_resolutions_encode(rows, n, &again) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&again), SG_BYTES(data, size)));
    for (size_t i = 0; i < n && i < 4; i++) {
        const struct sg_resolution r = {.client = 7, .row = rows[i]};
        struct sg_bill_choice choice;
        sg_assert(sg_resolution_verify(&r, NULL) >= 0);
        sg_assert(sg_resolution_choice(&rows[i], &choice) == 0);
        sg_assert(strlen(choice.who) == rows[i].who.len && strlen(choice.why) == rows[i].why.len);
    }
    return 0;
}
