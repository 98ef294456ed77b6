/* Outcomes that were read, written out and read again are the same outcomes. */
#include <stdio.h>

#include <sealgrid/base/clock.h>

#include "outcomes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_day(struct sg_buf *b, const struct outcomes *o, int32_t day)
{
    int year;
    unsigned month, of_month;
    if (o->dated) {
        sg_civil_from_days(day, &year, &month, &of_month);
        sg_assert(sg_buf_printf(b, "%04d-%02u-%02u", year, month, of_month) == 0);
    } else {
        sg_assert(sg_buf_printf(b, "%d", (int)day) == 0);
    }
}

static void write_all(const struct outcomes *o, struct sg_buf *b)
{
    static const char *const words[] = {"", "fraud", "nothing", "defect", "no-access"};
    sg_assert(sg_buf_printf(b, "customer,kwh,outcome,inspected_day\n") == 0);
    for (size_t i = 0; i < o->n; i++) {
        const struct outcome *one = &o->list[i];
        size_t n;
        const struct outcome *first = outcomes_of(o, one->id, &n);
        sg_assert(first && first <= one && one < first + n);
        sg_assert(sg_buf_printf(b, "\"%s\",%.17g,%s,", one->id, one->kwh, words[one->outcome]) ==
                  0);
        write_day(b, o, one->day);
        sg_assert(sg_buf_append_u8(b, '\n') == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(outcomes_clear) struct outcomes o = {.list = NULL}, again = {.list = NULL};
    SG_CLEANUP(sg_buf_clear) struct sg_buf one = SG_BUF_INIT(64 << 20), two = SG_BUF_INIT(64 << 20);
    char why[160];
    if (outcomes_parse(&o, SG_BYTES(data, size), why) != 0)
        return 0;
    write_all(&o, &one);
    sg_assert(outcomes_parse(&again, sg_buf_bytes(&one), why) == 0);
    write_all(&again, &two);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&one), sg_buf_bytes(&two)));
    return 0;
}
