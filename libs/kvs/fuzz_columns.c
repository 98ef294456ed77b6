/* columns: the decoder never crashes; what it accepts encodes and comes back the same. */
#include <sealgrid/base/cleanup.h>

#include "columns-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_rows_clear) struct sg_rows rows = SG_ROWS_INIT, again = SG_ROWS_INIT;
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(32u << 20);
    if (sg_columns_decode(SG_BYTES(data, size), &rows) < 0)
        return 0;
    sg_assert(sg_columns_encode(rows.row, rows.n, &body) == 0);
    sg_assert(sg_columns_decode(sg_buf_bytes(&body), &again) == 0);
    sg_assert(again.n == rows.n);
    for (size_t i = 0; i < rows.n; i++) {
        sg_assert(sg_bytes_equal(rows.row[i].sort, again.row[i].sort));
        sg_assert(sg_bytes_equal(rows.row[i].value, again.row[i].value));
    }
    return 0;
}
