/* Rows that were read, written out and read again are the same rows. */
#include <math.h>
#include <sealgrid/base/buf.h>
#include <sealgrid/meter/daily-rows.h>

#define OUT_MAX (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_row(struct sg_buf *b, const struct sg_daily_row *row, unsigned points)
{
    sg_assert(sg_buf_append(b, row->customer) == 0);
    sg_assert(sg_buf_printf(b, ",%d,%d", (int)row->day, row->weekday) == 0);
    for (unsigned i = 0; i < points; i++) {
        if (isnan(row->load[i]))
            sg_assert(sg_buf_printf(b, ",") == 0);
        else
            sg_assert(sg_buf_printf(b, ",%.9g", (double)row->load[i]) == 0);
    }
    sg_assert(sg_buf_append_u8(b, '\n') == 0);
}

static void write_all(struct sg_daily *d, struct sg_buf *b)
{
    struct sg_daily_error why;
    struct sg_daily_row row;
    const unsigned points = sg_daily_points(d);
    sg_assert(sg_buf_printf(b, "customer,day,weekday") == 0);
    for (unsigned i = 0; i < points; i++)
        sg_assert(sg_buf_printf(b, ",h") == 0);
    sg_assert(sg_buf_append_u8(b, '\n') == 0);
    while (sg_daily_next(d, &row, &why) == 0) {
        sg_assert(row.weekday <= 6 && row.customer.len >= 1);
        if (row.day >= 0) /* dates before 1970 have no other form */
            put_row(b, &row, points);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_daily_freep) struct sg_daily *d = NULL, *again = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf one = SG_BUF_INIT(OUT_MAX), two = SG_BUF_INIT(OUT_MAX);
    struct sg_daily_error why;
    if (sg_daily_over(&d, SG_BYTES(data, size), &why) != 0)
        return 0;
    write_all(d, &one);
    sg_assert(sg_daily_over(&again, sg_buf_bytes(&one), &why) == 0);
    write_all(again, &two);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&one), sg_buf_bytes(&two)));
    return 0;
}
