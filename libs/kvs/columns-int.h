#pragma once
/*
 * columns - the body of a page: rows (sort key, value) to compact octets and back, bit for bit.
 *
 * Layout in docs/adr/0006-page-body.md.  Rows whose sort keys and values are tuples of one shape
 * are transposed; each integer column takes the cheapest of several predictors and is bit-packed;
 * what remains goes through zstd if that helps.  Anything else is stored length-prefixed.
 *
 * The body is sealed by its caller, so the decoder never meets a stranger's octets; it still
 * checks every length and count before use.
 *
 * Any thread; each thread keeps one workspace (about 1 MiB once large pages were seen, released at
 * the thread's end).
 */
#include <sealgrid/base/buf.h>

#define SG_COLUMNS_ROWS_MAX  256
#define SG_COLUMNS_SORT_MAX  1024
#define SG_COLUMNS_VALUE_MAX 65536

struct sg_row {
    struct sg_bytes sort, value;
};

/* Rows that own what they point to. */
struct sg_rows {
    struct sg_row *row;
    size_t n;
    uint8_t *arena;
    size_t arena_bytes; /* allocated */
};

#define SG_ROWS_INIT                                                                               \
    {                                                                                              \
        NULL, 0, NULL, 0                                                                           \
    }

void sg_rows_clear(struct sg_rows *r);

/* Appends one body.  n 1..256 rows ascending by sort key without a repetition, sort key <= 1 KiB,
 * value <= 64 KiB, else -EINVAL.  -ENOBUFS, -ENOMEM. */
SG_MUST_USE int sg_columns_encode(const struct sg_row *rows, size_t n, struct sg_buf *out);
/* What a reader wants of a page; zeroed: all of it. */
struct sg_columns_want {
    struct sg_bytes fields;      /* as in struct sg_kv_range */
    const struct sg_bytes *sort; /* NULL: every row; else the one with this sort key, if any */
    size_t n_rows;               /* that the page must hold; 0: any number */
};

enum sg_columns_outcome { SG_COLUMNS_NO_TUPLE = 1 }; /* fields are wanted of a value without any */

/* *ret is empty or from an earlier call, whose allocations are used again.  -EBADMSG (*ret is then
 * empty), -ENOMEM. */
SG_MUST_USE int sg_columns_decode(struct sg_bytes body, struct sg_rows *ret);
/* Only what is wanted, and what it leans on, is restored; lengths are checked everywhere.  As
 * above, and SG_COLUMNS_NO_TUPLE. */
SG_MUST_USE int sg_columns_decode_some(struct sg_bytes body, const struct sg_columns_want *want,
                                       struct sg_rows *ret);
