/* The request document: decoded, encoded, decoded again and encoded again, the same octets. */
#include <sealgrid/sql.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_sql_request_freep) struct sg_sql_request *q = NULL, *again = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf first = SG_BUF_INIT((size_t)16 << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf second = SG_BUF_INIT((size_t)16 << 20);
    struct sg_sql_error e = {0};
    int r = sg_sql_request_decode(SG_BYTES(data, size), &q, &e);
    if (r) {
        sg_assert(r < 0 || (e.code != SG_SQL_OK && e.message[0]));
        return 0;
    }
    sg_assert(sg_sql_request_encode(q, &first) == 0);
    sg_assert(sg_sql_request_decode(sg_buf_bytes(&first), &again, &e) == 0);
    sg_assert(sg_sql_request_encode(again, &second) == 0);
    sg_assert(sg_bytes_equal(sg_buf_bytes(&first), sg_buf_bytes(&second)));
    sg_assert(sg_sql_request_statements(q) == sg_sql_request_statements(again));
    return 0;
}
