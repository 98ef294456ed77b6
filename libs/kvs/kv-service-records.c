/*
 * The record half of the kv service: batch, get, scan, partitions.
 */
#include "kv-int.h"
#include "kv-service-int.h"
#include "kv-status-int.h"
#include "record-stream-int.h"

#define RECORDS "application/vnd.sealgrid.records"

/* Octets of a batch beyond its keys and values: heads and lengths of each operation. */
enum { OP_OVERHEAD = 32 };
#define BATCH_BODY_MAX (SG_KV_BATCH_BYTES_MAX + SG_KV_BATCH_OPS_MAX * OP_OVERHEAD + 64)
#define QUERY_BODY_MAX 8192

/* Reads the body; true when it is there, else *ret is what the handler returns. */
static bool read_body(struct sg_kv_call *c, size_t max, struct sg_buf *body, int *ret)
{
    int r = sg_http_read_all(c->x, max, body);
    *ret = r < 0 ? r : 0; /* an outcome: the reply is settled */
    return r == 0;
}

/* ---- batch ---- */

struct ops {
    struct sg_kv_op *op;
    size_t n, allocated;
};

static void ops_clear(struct ops *o)
{
    free(o->op);
}

static int ops_add(struct ops *o, const struct sg_kv_op *op)
{
    if (o->n == SG_KV_BATCH_OPS_MAX)
        return SG_KV_TOO_LARGE;
    if (o->n == o->allocated) {
        size_t allocated = o->allocated ? 2 * o->allocated : 256;
        struct sg_kv_op *grown = reallocarray(o->op, allocated, sizeof(*grown));
        if (!grown)
            return sg_raise(-ENOMEM);
        o->op = grown;
        o->allocated = allocated;
    }
    o->op[o->n++] = *op;
    return 0;
}

/* All operations, borrowed from body.  SG_KV_TOO_LARGE, -EBADMSG also when it is cut. */
static int parse_batch(struct sg_bytes body, struct ops *ret)
{
    struct sg_records_reader s = sg_records_reader(SG_RECORDS_BATCH);
    struct sg_reader in = sg_reader_over(body);
    struct sg_item item;
    int r;
    while ((r = sg_records_next(&s, &in, &item)) == 0) {
        r = ops_add(ret, &item.op);
        if (r != 0)
            return r;
    }
    if (r < 0)
        return r;
    if (r != SG_RECORDS_END || item.type != SG_ITEM_END || in.left)
        return sg_raisef(-EBADMSG, "batch is cut");
    return 0;
}

static int reply_results(struct sg_kv_call *c, int status, const enum sg_kv_op_result *results,
                         size_t n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(SG_KV_BATCH_OPS_MAX + 64);
    struct sg_records_writer w;
    int r = sg_records_begin(&w, &out, SG_RECORDS_RESULTS);
    if (r == 0)
        r = sg_records_put_results(&w, results, n);
    if (r == 0)
        r = sg_records_end(&w);
    return r < 0 ? r : sg_http_reply(c->x, status, RECORDS, sg_buf_bytes(&out));
}

static int write_batch(struct sg_kv_call *c, const struct ops *ops)
{
    SG_FREE enum sg_kv_op_result *results = calloc(ops->n + 1, sizeof(*results));
    if (!results)
        return sg_kv_reply_result(c, sg_raise(-ENOMEM));
    int r = sg_kv_batch(c->kv, c->bucket, ops->op, ops->n, results);
    switch (r) {
    case 0:
        sg_kv_count(SG_KV_COUNT_ROWS_WRITTEN, (int64_t)ops->n);
        return reply_results(c, 200, results, ops->n);
    case SG_KV_CONFLICT:
        sg_kv_count(SG_KV_COUNT_CONFLICTS, 1);
        return reply_results(c, 409, results, ops->n);
    default:
        return sg_kv_reply_result(c, r);
    }
}

int sg_kv_handle_batch(struct sg_kv_call *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(BATCH_BODY_MAX);
    SG_CLEANUP(ops_clear) struct ops ops = {0};
    int r;
    if (!read_body(c, BATCH_BODY_MAX, &body, &r))
        return r;
    r = parse_batch(sg_buf_bytes(&body), &ops);
    return r ? sg_kv_reply_result(c, r) : write_batch(c, &ops);
}

/* ---- requests of one item ---- */

static int parse_one(struct sg_bytes body, enum sg_records_kind kind, struct sg_item *ret)
{
    struct sg_records_reader s = sg_records_reader(kind);
    struct sg_reader in = sg_reader_over(body);
    struct sg_item end;
    int r = sg_records_next(&s, &in, ret);
    if (r == 0)
        r = sg_records_next(&s, &in, &end);
    if (r < 0)
        return r;
    if (r != SG_RECORDS_END || end.type != SG_ITEM_END || s.items != 2 || in.left)
        return sg_raisef(-EBADMSG, "want one item and the end");
    return 0;
}

int sg_kv_handle_get(struct sg_kv_call *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(QUERY_BODY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(SG_KV_VALUE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(SG_KV_VALUE_MAX + 64);
    struct sg_records_writer w;
    struct sg_item item;
    int r;
    if (!read_body(c, QUERY_BODY_MAX, &body, &r))
        return r;
    r = parse_one(sg_buf_bytes(&body), SG_RECORDS_GET, &item);
    if (r == 0)
        r = sg_kv_get(c->kv, c->bucket, item.op.key, &value);
    if (r != 0)
        return sg_kv_reply_result(c, r);
    sg_kv_count(SG_KV_COUNT_ROWS_READ, 1);
    r = sg_records_begin(&w, &out, SG_RECORDS_VALUE);
    if (r == 0)
        r = sg_records_put_value(&w, sg_buf_bytes(&value));
    if (r == 0)
        r = sg_records_end(&w);
    return r < 0 ? r : sg_http_reply(c->x, 200, RECORDS, sg_buf_bytes(&out));
}

/* ---- rows ---- */

/* The first piece is small and each one twice the last: the reader has rows to work on while the
 * next are read here. */
#define FIRST_PIECE ((size_t)8 << 10)

/* Appends rows until a piece is full.  0: more to come; SG_KV_NOT_FOUND: that was the last. */
static int gather(struct sg_kv_scan *scan, size_t piece, struct sg_records_writer *w)
{
    struct sg_bytes sort, value;
    int r = 0;
    while (r == 0 && w->out->len < piece) {
        r = sg_kv_scan_next(scan, &sort, &value);
        if (r == 0)
            r = sg_records_put_row(w, sort, value);
    }
    return r;
}

/* The rows before it are right: say so in the stream, as the status is long gone. */
static int put_last(struct sg_records_writer *w, int result)
{
    if (result == SG_KV_NOT_FOUND)
        return sg_records_end(w);
    sg_kv_report("kv.scan_failed", result);
    return sg_records_put_error(w, result > 0 ? result : 0, sg_kv_status_of(result)->code);
}

/* Some rows are read before the reply begins, so that most failures still get a status. */
static int stream_rows(struct sg_kv_call *c, struct sg_kv_scan *scan, enum sg_records_kind kind)
{
    SG_CLEANUP(sg_buf_clear)
    struct sg_buf out = SG_BUF_INIT(SG_RECORDS_PIECE + SG_ITEM_MAX);
    struct sg_records_writer w;
    int r = sg_records_begin(&w, &out, kind);
    if (r < 0)
        return sg_kv_reply_result(c, r);
    size_t piece = FIRST_PIECE;
    int read = gather(scan, piece, &w);
    if (read != 0 && read != SG_KV_NOT_FOUND && w.items == 0)
        return sg_kv_reply_result(c, read);
    r = sg_http_reply_begin(c->x, 200, RECORDS);
    while (r == 0 && read == 0) {
        r = sg_http_reply_write(c->x, sg_buf_bytes(&out));
        sg_buf_reset(&out);
        piece = piece < SG_RECORDS_PIECE ? 2 * piece : piece;
        read = gather(scan, piece, &w);
    }
    sg_kv_count(SG_KV_COUNT_ROWS_READ, (int64_t)w.items);
    if (r == 0)
        r = put_last(&w, read);
    if (r == 0)
        r = sg_http_reply_write(c->x, sg_buf_bytes(&out));
    return r < 0 ? r : sg_http_reply_end(c->x);
}

static int handle_range(struct sg_kv_call *c, enum sg_records_kind request,
                        enum sg_records_kind reply,
                        int (*open)(struct sg_kv_scan **ret, struct sg_kv_call *c,
                                    const struct sg_kv_range *range))
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(QUERY_BODY_MAX);
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *scan = NULL;
    struct sg_item item;
    int r;
    if (!read_body(c, QUERY_BODY_MAX, &body, &r))
        return r;
    r = parse_one(sg_buf_bytes(&body), request, &item);
    if (r == 0)
        r = open(&scan, c, &item.range);
    return r ? sg_kv_reply_result(c, r) : stream_rows(c, scan, reply);
}

static int open_scan(struct sg_kv_scan **ret, struct sg_kv_call *c, const struct sg_kv_range *range)
{
    return sg_kv_scan_open(ret, c->kv, c->bucket, range);
}

static int open_partitions(struct sg_kv_scan **ret, struct sg_kv_call *c,
                           const struct sg_kv_range *range)
{
    if (range->partition.len || range->reverse || range->limit || range->fields.len)
        return sg_raisef(-EBADMSG, "partitions go forward and are all listed");
    return sg_kv_partitions_open(ret, c->kv, c->bucket, range->table, range->from, range->until);
}

int sg_kv_handle_scan(struct sg_kv_call *c)
{
    return handle_range(c, SG_RECORDS_SCAN, SG_RECORDS_ROWS, open_scan);
}

int sg_kv_handle_partitions(struct sg_kv_call *c)
{
    return handle_range(c, SG_RECORDS_PARTITIONS, SG_RECORDS_KEYS, open_partitions);
}
