#include "row-int.h"

#include <stdlib.h>

int sg_sql_row_init(struct sg_sql_row *row, unsigned max)
{
    struct sg_value *fields = calloc(max ? max : 1, sizeof(*fields));
    if (!fields)
        return sg_raise(-ENOMEM);
    *row = (struct sg_sql_row){.fields = fields, .max = max};
    return 0;
}

void sg_sql_row_clear(struct sg_sql_row *row)
{
    free(row->fields);
    *row = (struct sg_sql_row){0};
}

/* One octet is the common case: most fields of a reading are small or NULL. */
static inline bool take_varint(struct sg_reader *r, uint64_t *ret)
{
    uint64_t v = 0;
    for (size_t i = 0; i < r->left && i < 10; i++) {
        uint8_t c = r->at[i];
        v |= (uint64_t)(c & 0x7f) << (7 * i);
        if (c & 0x80)
            continue;
        if ((c == 0 && i > 0) || (i == 9 && c > 1))
            return false;
        r->at += i + 1;
        r->left -= i + 1;
        *ret = v;
        return true;
    }
    return false;
}

int sg_sql_row_set(struct sg_sql_row *row, struct sg_bytes value)
{
    struct sg_reader in = sg_reader_over(value);
    uint64_t n;
    if (!take_varint(&in, &n) || n > row->max)
        return SG_SQL_ROW_DAMAGED;
    row->rest = in;
    row->n_fields = (unsigned)n;
    row->n_decoded = 0;
    return 0;
}

static bool take_real(struct sg_reader *r, double *ret)
{
    uint64_t bits;
    if (!sg_take_be64(r, &bits))
        return false;
    memcpy(ret, &bits, sizeof(*ret));
    return *ret == *ret;
}

static bool take_field(struct sg_reader *r, struct sg_value *v)
{
    uint8_t type;
    uint64_t u;
    if (!sg_take_u8(r, &type))
        return false;
    v->type = (enum sg_value_type)type;
    switch (type) {
    case SG_NULL:
        return true;
    case SG_INTEGER:
        if (!take_varint(r, &u))
            return false;
        v->i = sg_unzigzag(u);
        return true;
    case SG_REAL:
        return take_real(r, &v->f);
    case SG_TEXT:
    case SG_BLOB:
        return take_varint(r, &u) && u <= r->left && sg_take(r, (size_t)u, &v->bytes);
    default:
        return false;
    }
}

int sg_sql_row_decode(struct sg_sql_row *row, unsigned i)
{
    while (row->n_decoded <= i) {
        if (!take_field(&row->rest, &row->fields[row->n_decoded]))
            return SG_SQL_ROW_DAMAGED;
        row->n_decoded++;
    }
    return 0;
}
