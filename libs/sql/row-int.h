#pragma once
/*
 * row - a value tuple decoded only as far as it is asked for, each field once.
 * Borrows: the value.  Owns: the array of fields.
 */
#include <sealgrid/kvs/tuple.h>

struct sg_sql_row {
    struct sg_reader rest;
    unsigned n_fields;  /* in this row */
    unsigned n_decoded; /* of them in fields[] */
    struct sg_value *fields;
    unsigned max; /* room in fields[] */
};

enum sg_sql_row_outcome { SG_SQL_ROW_DAMAGED = 1 };

SG_MUST_USE int sg_sql_row_init(struct sg_sql_row *row, unsigned max);
void sg_sql_row_clear(struct sg_sql_row *row);
/* Begins another row.  0, SG_SQL_ROW_DAMAGED. */
SG_MUST_USE int sg_sql_row_set(struct sg_sql_row *row, struct sg_bytes value);
/* Decodes up to field i; slow path of sg_sql_row_field. */
SG_MUST_USE int sg_sql_row_decode(struct sg_sql_row *row, unsigned i);

/* A field past the end of the row is NULL. */
static inline int sg_sql_row_field(struct sg_sql_row *row, unsigned i, const struct sg_value **ret)
{
    static const struct sg_value null = {.type = SG_NULL};
    if (i >= row->n_fields) {
        *ret = &null;
        return 0;
    }
    if (i >= row->n_decoded) {
        int r = sg_sql_row_decode(row, i);
        if (r)
            return r;
    }
    *ret = &row->fields[i];
    return 0;
}
