/* Labels that were read, written out and read again are the same labels. */
#include <stdio.h>

#include "labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_all(const struct labels *l, struct sg_buf *b)
{
    sg_assert(sg_buf_printf(b, "customer,label,type,start_day,true_,reported_\n") == 0);
    for (size_t i = 0; i < l->n; i++) {
        const struct label *one = &l->list[i];
        sg_assert(labels_find(l, one->id) == one);
        sg_assert(sg_buf_printf(b, "\"%s\",%d,%u,%d,%.17g,0\n", one->id, one->thief,
                                (unsigned)one->type, (int)one->start_day, one->energy) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(labels_clear) struct labels l = {.list = NULL}, again = {.list = NULL};
    SG_CLEANUP(sg_buf_clear) struct sg_buf one = SG_BUF_INIT(64 << 20), two = SG_BUF_INIT(64 << 20);
    char why[160];
    if (labels_parse(&l, SG_BYTES(data, size), why) != 0)
        return 0;
    write_all(&l, &one);
    sg_assert(labels_parse(&again, sg_buf_bytes(&one), why) == 0);
    write_all(&again, &two);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&one), sg_buf_bytes(&two)));
    return 0;
}
