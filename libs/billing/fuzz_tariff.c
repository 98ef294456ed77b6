/* fuzz - a tariff file either is refused with a reason or answers for every minute of a year. */
#include <sealgrid/billing/tariff.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *t = NULL;
    struct sg_yaml_error why = {0, ""};
    struct sg_tariff_cursor c = {0};

    if (sg_tariff_parse(&t, SG_BYTES(data, size), &why)) {
        sg_assert(!t && why.text[0]);
        return 0;
    }
    for (int64_t s = 1788231600; s < 1788231600 + 366 * INT64_C(86400); s += 3 * 3600 + 900)
        sg_assert(sg_tariff_slot_at(t, &c, s).post < t->n_posts);
    return 0;
}
