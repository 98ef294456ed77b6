/* fuzz - a bill that is read is written again as it stood, and its arithmetic can be judged. */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/billing/bill.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_BILL_JSON_MAX);
    struct sg_bill b;

    if (sg_bill_read(SG_BYTES(data, size), &b) == SG_BILL_MALFORMED)
        return 0;
    (void)sg_bill_inconsistency(&b);
    sg_assert(sg_bill_canonical(&b, &again) == 0);
    sg_assert(memcmp(data + sizeof("{\"bill\":") - 1, again.data, again.len) == 0);
    return 0;
}
