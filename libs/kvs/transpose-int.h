#pragma once
/*
 * transpose - rows to columns and back: the part of a page body inside zstd.
 * Layout: docs/adr/0006-page-body.md.
 */
#include "columns-int.h"

/* A matrix in one thread's workspace: column c, row i at [c * stride + i]. */
struct sg_cells {
    int64_t *cell; /* integer, or where the field's octets are (as a pointer) */
    uint32_t *len; /* of those octets */
    uint8_t *type; /* enum sg_value_type */
    size_t allocated;
};

#define SG_CELLS_INIT                                                                              \
    {                                                                                              \
        NULL, NULL, NULL, 0                                                                        \
    }
void sg_cells_clear(struct sg_cells *c);

/* 256 rows of 1 KiB sort keys and 64 KiB values, and room for what integers may take more; nothing
 * transposed or restored is ever larger. */
#define SG_TRANSPOSED_MAX ((size_t)20 << 20)

SG_MUST_USE int sg_rows_transpose(const struct sg_row *rows, size_t n, struct sg_cells *cells,
                                  struct sg_buf *out);
/* in.data is readable for SG_INTS_SLACK octets past its end.  -EBADMSG, -ENOMEM, SG_COLUMNS_*. */
SG_MUST_USE int sg_rows_restore(struct sg_bytes in, const struct sg_columns_want *want,
                                struct sg_cells *cells, struct sg_rows *ret);
/* Whole rows made those wanted: values shrink where they lie, in the arena.  SG_COLUMNS_*. */
SG_MUST_USE int sg_rows_narrow(struct sg_rows *rows, const struct sg_columns_want *want);
/* Room for n rows and bytes of arena; what was there is kept only if it suffices. */
SG_MUST_USE int sg_rows_reserve(struct sg_rows *r, size_t n, size_t bytes);

/* ---- shared by the two directions ---- */

/* Elements of a sort key that are transposed; one of more is kept whole. */
#define SG_SORT_ELEMENTS_MAX 16
#define SG_COLUMNS_MAX       (SG_SORT_ELEMENTS_MAX + 256)

/* How one column's fields look among the row's octets. */
enum sg_form {
    SG_FORM_KEY,   /* element of the key form */
    SG_FORM_VALUE, /* field of the value form */
    SG_FORM_RAW,   /* the whole sort key or value; with a varint length in the body only */
};

enum sg_column_kind {
    SG_COLUMN_NULLS,  /* all NULL */
    SG_COLUMN_INTS,   /* all integers */
    SG_COLUMN_SPARSE, /* bitmap of the rows that are integers, the others are NULL */
    SG_COLUMN_SAME,   /* one field for all rows */
    SG_COLUMN_FIELDS, /* a field a row */
};

/* Which columns stem from sort keys and which from values. */
struct sg_shape {
    bool sort_raw, value_raw;
    size_t sort_columns, columns;
};

static inline enum sg_form sg_form_of(const struct sg_shape *s, size_t column)
{
    if (column < s->sort_columns)
        return s->sort_raw ? SG_FORM_RAW : SG_FORM_KEY;
    return s->value_raw ? SG_FORM_RAW : SG_FORM_VALUE;
}

SG_MUST_USE int sg_cells_reserve(struct sg_cells *c, size_t n);

/*
 * Integers of one row of a value, side by side: cell[0], cell[stride], ...; nearly all that a page
 * of readings consists of.  Returns the end; may write 8 octets past it.
 */
typedef uint8_t *sg_run_put(uint8_t *p, const int64_t *cell, size_t stride, size_t n);
uint8_t *sg_run_put_portable(uint8_t *p, const int64_t *cell, size_t stride, size_t n);
/* The fastest that this processor has. */
sg_run_put *sg_run_put_choose(void);
