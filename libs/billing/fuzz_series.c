/* fuzz - a series is refused with a line, or has a value at its ends and none outside. */
#include <sealgrid/billing/series.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"normal", "low", "high"};
    static const struct sg_series_words words = {names, 3};
    static const uint32_t steps[] = {900, 1800, 3600, 86400};
    SG_CLEANUP(sg_series_freep) struct sg_series *s = NULL;
    struct sg_yaml_error why = {0, ""};

    if (size == 0)
        return 0;
    /* The first octet is not the file's: it chooses what is asked for. */
    if (sg_series_read(&s, SG_BYTES(data + 1, size - 1), steps[data[0] % 4],
                       data[0] & 4 ? &words : NULL, &why)) {
        sg_assert(!s && why.text[0]);
        return 0;
    }
    int64_t end_s = s->from_s + (int64_t)s->n * s->step_s;
    sg_assert(sg_series_at(s, s->from_s) != SG_SERIES_NONE);
    sg_assert(sg_series_at(s, end_s - 1) != SG_SERIES_NONE);
    sg_assert(sg_series_at(s, s->from_s - 1) == SG_SERIES_NONE);
    sg_assert(sg_series_at(s, end_s) == SG_SERIES_NONE);
    return 0;
}
