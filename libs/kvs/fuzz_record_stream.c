/* record stream: what was accepted encodes to the octets that were read.  First octet: kind. */
#include <sealgrid/base/cleanup.h>

#include "record-stream-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int put_results(struct sg_records_writer *w, struct sg_bytes octets)
{
    SG_FREE enum sg_kv_op_result *results = calloc(octets.len + 1, sizeof(*results));
    sg_assert(results);
    for (size_t i = 0; i < octets.len; i++)
        results[i] = octets.data[i];
    return sg_records_put_results(w, results, octets.len);
}

static int put_error(struct sg_records_writer *w, const struct sg_records_error *e)
{
    char code[65];
    memcpy(code, e->code.data, e->code.len);
    code[e->code.len] = 0;
    return sg_records_put_error(w, e->outcome, code);
}

static int put(struct sg_records_writer *w, const struct sg_item *item)
{
    switch (item->type) {
    case SG_ITEM_OP:
        return sg_records_put_op(w, &item->op);
    case SG_ITEM_RESULTS:
        return put_results(w, item->bytes);
    case SG_ITEM_KEY:
        return sg_records_put_key(w, &item->op.key);
    case SG_ITEM_VALUE:
        return sg_records_put_value(w, item->bytes);
    case SG_ITEM_RANGE:
        return sg_records_put_range(w, &item->range);
    case SG_ITEM_ROW:
        return sg_records_put_row(w, item->row.sort, item->row.value);
    case SG_ITEM_ERROR:
        return put_error(w, &item->error);
    case SG_ITEM_END:
        return sg_records_end(w);
    }
    return -EINVAL;
}

static bool has_nul(const struct sg_item *item)
{
    return item->type == SG_ITEM_ERROR && item->error.code.len &&
           memchr(item->error.code.data, 0, item->error.code.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(16u << 20);
    struct sg_records_reader s = sg_records_reader((enum sg_records_kind)(1 + data[0] % 8));
    struct sg_reader in = {data + 1, size - 1};
    struct sg_records_writer w;
    struct sg_item item;
    int r;
    sg_assert(sg_records_begin(&w, &out, s.kind) == 0);
    do {
        r = sg_records_next(&s, &in, &item);
        if (r < 0 || r == SG_RECORDS_MORE || has_nul(&item))
            return 0;
        sg_assert(put(&w, &item) == 0);
        sg_assert(sg_bytes_equal(sg_buf_bytes(&out), SG_BYTES(data + 1, size - 1 - in.left)));
    } while (r == 0);
    return 0;
}
