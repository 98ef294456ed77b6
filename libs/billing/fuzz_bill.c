/* fuzz - a bill that is read is written again as it stood, its arithmetic can be judged, and it can
 * be shown. */
#include <sealgrid/base/cleanup.h>
#include <sealgrid/billing/bill-page.h>

#define PAGE_MAX_BYTES (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf page = SG_BUF_INIT(PAGE_MAX_BYTES);
    SG_CLEANUP(sg_bill_clear) struct sg_bill b = {.client = 0};

    if (sg_bill_read(SG_BYTES(data, size), &b) == SG_BILL_MALFORMED)
        return 0;
    (void)sg_bill_inconsistency(&b);
    const struct sg_bill_view view = {.bill = &b, .figures = "bill."};
    sg_assert(sg_bill_page(&view, &page) == 0);
    sg_assert(sg_bill_canonical(&b, &again) == 0);
    sg_assert(memcmp(data + sizeof("{\"bill\":") - 1, again.data, again.len) == 0);
    return 0;
}
