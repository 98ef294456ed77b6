#pragma once
/*
 * record stream - bodies of the record API: batch, get, scan, partitions (docs/protocols/
 * record-stream.md).  Octets in, items out; no I/O.
 *
 * A stream is a head, items and one last item: END with the number of items before it, or ERROR.  A
 * stream without its last item was cut off, whatever the transport says.
 */
#include <sealgrid/kv.h>

enum sg_records_kind {
    SG_RECORDS_BATCH = 1,      /* request: OP... */
    SG_RECORDS_RESULTS = 2,    /* reply: RESULTS */
    SG_RECORDS_GET = 3,        /* request: KEY */
    SG_RECORDS_VALUE = 4,      /* reply: VALUE */
    SG_RECORDS_SCAN = 5,       /* request: RANGE */
    SG_RECORDS_ROWS = 6,       /* reply to a scan: ROW... */
    SG_RECORDS_PARTITIONS = 7, /* request: RANGE with an empty partition */
    SG_RECORDS_KEYS = 8,       /* reply: ROW... with empty values */
};

enum sg_item_type {
    SG_ITEM_OP = 1,
    SG_ITEM_RESULTS = 2, /* one octet an operation: enum sg_kv_op_result */
    SG_ITEM_KEY = 3,
    SG_ITEM_VALUE = 4,
    SG_ITEM_RANGE = 5,
    SG_ITEM_ROW = 6,
    SG_ITEM_ERROR = 14,
    SG_ITEM_END = 15,
};

struct sg_item {
    enum sg_item_type type;
    union {
        struct sg_kv_op op;       /* OP; KEY: op.key */
        struct sg_kv_range range; /* RANGE */
        struct sg_row_item {
            struct sg_bytes sort, value;
        } row;                 /* ROW */
        struct sg_bytes bytes; /* RESULTS, VALUE */
        struct sg_records_error {
            int outcome;          /* enum sg_kv_outcome, or 0: the server failed */
            struct sg_bytes code; /* text as in JSON errors: "damaged" */
        } error;
    };
};

/* Longest contents of one item: an operation with the largest value and expectation. */
#define SG_ITEM_MAX ((size_t)256 << 10)
/* A reply's pieces; a row more than this may be appended before it is sent. */
#define SG_RECORDS_PIECE ((size_t)64 << 10)

/* ---- writing: each appends one item and counts it ---- */

struct sg_records_writer {
    struct sg_buf *out;
    uint64_t items;
};

SG_MUST_USE int sg_records_begin(struct sg_records_writer *w, struct sg_buf *out,
                                 enum sg_records_kind kind);
SG_MUST_USE int sg_records_put_op(struct sg_records_writer *w, const struct sg_kv_op *op);
SG_MUST_USE int sg_records_put_results(struct sg_records_writer *w,
                                       const enum sg_kv_op_result *results, size_t n);
SG_MUST_USE int sg_records_put_key(struct sg_records_writer *w, const struct sg_kv_key *key);
SG_MUST_USE int sg_records_put_value(struct sg_records_writer *w, struct sg_bytes value);
SG_MUST_USE int sg_records_put_range(struct sg_records_writer *w, const struct sg_kv_range *range);
SG_MUST_USE int sg_records_put_row(struct sg_records_writer *w, struct sg_bytes sort,
                                   struct sg_bytes value);
/* Last item, one of: */
SG_MUST_USE int sg_records_put_error(struct sg_records_writer *w, int outcome, const char *code);
SG_MUST_USE int sg_records_end(struct sg_records_writer *w);

/* ---- reading ---- */

struct sg_records_reader {
    enum sg_records_kind kind;
    uint64_t items;
    bool begun, ended;
};

enum sg_records_outcome {
    SG_RECORDS_MORE = 1, /* the next item is not wholly there: *in is unchanged */
    SG_RECORDS_END,      /* *ret is the last item, END or ERROR */
};

/* Expects a stream of this kind. */
static inline struct sg_records_reader sg_records_reader(enum sg_records_kind kind)
{
    return (struct sg_records_reader){.kind = kind};
}

/* Takes the next item from *in, borrowing its contents.  0, an outcome, or -EBADMSG: another
 * version or kind, an item that does not belong there or breaks a limit, a wrong count, octets
 * after the last item. */
SG_MUST_USE int sg_records_next(struct sg_records_reader *s, struct sg_reader *in,
                                struct sg_item *ret);
