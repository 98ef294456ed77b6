/* A table is read or refused, within its octets; what is read is PEM from end to end. */
#include "snp-table-int.h"

#include "cert-int.h"

#include <sealgrid/base/cleanup.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    if (size > SG_SNP_TABLE_MAX)
        return 0;
    const int r = sg_snp_table_read(SG_BYTES(data, size), &b);
    sg_assert(r == 0 || r == -EBADMSG || r == -ENOBUFS);
    sg_assert(r == 0 || b.len == 0);
    return 0;
}
