/* columns: the decoder never crashes; what it accepts encodes and comes back the same, and some of
 * it is some of the whole. */
#include <sealgrid/base/cleanup.h>

#include "columns-int.h"
#include "tuple-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_fields(const struct sg_rows *rows, struct sg_bytes body)
{
    static const uint8_t bitmap[] = {0x15, 0x00, 0x82};
    static uint8_t octets[SG_COLUMNS_VALUE_MAX + 8];
    SG_CLEANUP(sg_rows_clear) struct sg_rows some = SG_ROWS_INIT;
    const struct sg_columns_want want = {.fields = SG_BYTES_ARRAY(bitmap)};
    bool tuples = true;
    size_t len;
    int r = sg_columns_decode_some(body, &want, &some);
    for (size_t i = 0; i < rows->n; i++) {
        bool is = sg_tuple_value_pick(rows->row[i].value, want.fields, octets, &len);
        tuples = tuples && is;
        if (r == 0 && is)
            sg_assert(sg_bytes_equal(some.row[i].value, SG_BYTES(octets, len)));
    }
    sg_assert(r == (tuples ? 0 : SG_COLUMNS_NO_TUPLE));
    sg_assert(some.n == (tuples ? rows->n : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_rows_clear) struct sg_rows rows = SG_ROWS_INIT, again = SG_ROWS_INIT;
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(32u << 20);
    if (sg_columns_decode(SG_BYTES(data, size), &rows) < 0)
        return 0;
    expect_fields(&rows, SG_BYTES(data, size));
    sg_assert(sg_columns_encode(rows.row, rows.n, &body) == 0);
    sg_assert(sg_columns_decode(sg_buf_bytes(&body), &again) == 0);
    sg_assert(again.n == rows.n);
    for (size_t i = 0; i < rows.n; i++) {
        sg_assert(sg_bytes_equal(rows.row[i].sort, again.row[i].sort));
        sg_assert(sg_bytes_equal(rows.row[i].value, again.row[i].value));
    }
    return 0;
}
