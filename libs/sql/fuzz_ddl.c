/* CREATE TABLE: what parses is formatted, and that parses to the same table. */
#include "ddl-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sg_ddl d, again;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_DDL_TEXT_MAX);
    size_t at = SIZE_MAX;
    const char *what = NULL;
    (void)sg_ddl_is_ours(SG_BYTES(data, size));
    (void)sg_ddl_is_blank(SG_BYTES(data, size));
    if (sg_ddl_parse(SG_BYTES(data, size), &d, &at, &what)) {
        sg_assert(at <= size && what);
        return 0;
    }
    if (d.kind != SG_DDL_CREATE)
        return 0;
    sg_assert(sg_ddl_format(&d.shape, &b) == 0);
    sg_assert(sg_ddl_parse(sg_buf_bytes(&b), &again, &at, &what) == 0);
    sg_assert(memcmp(&again.shape, &d.shape, sizeof(d.shape)) == 0);
    return 0;
}
