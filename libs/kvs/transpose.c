#include "transpose-int.h"

#include <sealgrid/base/cleanup.h>

#include "ints-int.h"
#include "tuple-int.h"

#define SEEN(type) (1u << (type))

struct transposer {
    const struct sg_row *rows;
    size_t n;
    struct sg_cells *cells;
    struct sg_shape shape;
    bool whole[SG_COLUMNS_MAX];
    uint8_t seen[SG_COLUMNS_MAX];    /* bit per type met, but for integers */
    uint16_t others[SG_COLUMNS_MAX]; /* rows that are no integers */
};

void sg_cells_clear(struct sg_cells *c)
{
    free(c->cell);
    free(c->len);
    free(c->type);
    *c = (struct sg_cells)SG_CELLS_INIT;
}

int sg_cells_reserve(struct sg_cells *c, size_t n)
{
    if (n <= c->allocated)
        return 0;
    sg_cells_clear(c);
    c->cell = calloc(n, sizeof(*c->cell));
    c->len = calloc(n, sizeof(*c->len));
    c->type = calloc(n, sizeof(*c->type));
    if (!c->cell || !c->len || !c->type) {
        sg_cells_clear(c);
        return sg_raise(-ENOMEM);
    }
    c->allocated = n;
    return 0;
}

/* ---- shape ---- */

static bool count_elements(struct sg_bytes sort, size_t *ret)
{
    struct sg_reader r = sg_reader_over(sort);
    struct sg_bytes span;
    size_t n = 0;
    while (r.left)
        if (n++ == SG_SORT_ELEMENTS_MAX || !sg_tuple_key_span(&r, &span))
            return false;
    *ret = n;
    return true;
}

static bool count_fields(struct sg_bytes value, size_t *ret)
{
    struct sg_reader r = sg_reader_over(value);
    uint64_t n;
    if (!sg_varint_get(&r, &n) || n > SG_TUPLE_FIELDS_MAX)
        return false;
    *ret = (size_t)n;
    return true;
}

/* What the first row looks like; the others may disagree yet. */
static struct sg_shape shape_of(const struct sg_row *row)
{
    struct sg_shape s = {false, false, 1, 0};
    size_t fields = 1;
    s.sort_raw = !count_elements(row->sort, &s.sort_columns);
    s.value_raw = !count_fields(row->value, &fields);
    s.columns = s.sort_columns + fields;
    return s;
}

static void make_sort_raw(struct sg_shape *s)
{
    s->columns = s->columns - s->sort_columns + 1;
    s->sort_columns = 1;
    s->sort_raw = true;
}

static void make_value_raw(struct sg_shape *s)
{
    s->columns = s->sort_columns + 1;
    s->value_raw = true;
}

/* ---- rows to cells ---- */

static void set_span(struct transposer *t, size_t column, size_t i, struct sg_bytes span,
                     enum sg_value_type type)
{
    size_t at = column * t->n + i;
    t->cells->cell[at] = (int64_t)(intptr_t)span.data;
    t->cells->len[at] = (uint32_t)span.len;
    t->cells->type[at] = (uint8_t)type;
    t->seen[column] |= (uint8_t)SEEN(type);
    t->others[column]++;
}

/* Integers are by far the most: one store each, everything else about them is preset here. */
static void begin_columns(struct transposer *t, size_t from)
{
    memset(t->seen + from, 0, sizeof(t->seen) - from);
    memset(t->others + from, 0, sizeof(t->others) - from * sizeof(t->others[0]));
    memset(t->cells->type + from * t->n, SG_INTEGER, (t->shape.columns - from) * t->n);
}

static unsigned types_of(const struct transposer *t, size_t column)
{
    return t->seen[column] | (t->others[column] < t->n ? SEEN(SG_INTEGER) : 0);
}

static bool split_element(struct transposer *t, size_t column, size_t i, struct sg_reader *r)
{
    struct sg_bytes span;
    if (r->left == 0)
        return false;
    uint8_t type = r->at[0];
    if (!sg_tuple_key_span(r, &span))
        return false;
    if (type == SG_KEY_INTEGER)
        t->cells->cell[column * t->n + i] = (int64_t)(sg_load_be64(span.data + 1) ^ SG_SIGN_BIT);
    else
        set_span(t, column, i, span, type == SG_KEY_NULL ? SG_NULL : SG_BLOB);
    return true;
}

static bool split_sort(struct transposer *t, size_t i)
{
    struct sg_reader r = sg_reader_over(t->rows[i].sort);
    for (size_t c = 0; c < t->shape.sort_columns; c++)
        if (!split_element(t, c, i, &r))
            return false;
    return r.left == 0;
}

static bool split_value(struct transposer *t, size_t i)
{
    struct sg_reader r = sg_reader_over(t->rows[i].value);
    int64_t *cell = t->cells->cell + i;
    size_t column = t->shape.sort_columns, end = t->shape.columns, n = t->n;
    struct sg_bytes span;
    uint64_t u;
    if (!sg_varint_get(&r, &u) || u != end - column)
        return false;
    for (; column < end && r.left; column++) {
        uint8_t type = r.at[0];
        if (type == SG_INTEGER) {
            r.at++;
            r.left--;
            if (!sg_varint_get(&r, &u))
                return false;
            cell[column * n] = sg_unzigzag(u);
            continue;
        }
        if (!sg_tuple_value_span(&r, &span))
            return false;
        set_span(t, column, i, span, (enum sg_value_type)type);
    }
    return column == end && r.left == 0;
}

static int split_sorts(struct transposer *t)
{
    /* a shape without elements or fields gets one column of each if it turns out raw after all */
    int r = sg_cells_reserve(t->cells, t->n * (t->shape.columns + 2));
    if (r < 0)
        return r;
    begin_columns(t, 0);
    for (size_t i = 0; i < t->n && !t->shape.sort_raw; i++)
        if (!split_sort(t, i))
            make_sort_raw(&t->shape);
    if (!t->shape.sort_raw)
        return 0;
    begin_columns(t, 0);
    for (size_t i = 0; i < t->n; i++)
        set_span(t, 0, i, t->rows[i].sort, SG_BLOB);
    return 0;
}

static void split_values(struct transposer *t)
{
    begin_columns(t, t->shape.sort_columns);
    for (size_t i = 0; i < t->n && !t->shape.value_raw; i++)
        if (!split_value(t, i))
            make_value_raw(&t->shape);
    if (!t->shape.value_raw)
        return;
    begin_columns(t, t->shape.sort_columns);
    for (size_t i = 0; i < t->n; i++)
        set_span(t, t->shape.sort_columns, i, t->rows[i].value, SG_BLOB);
}

/* ---- cells to columns ---- */

static struct sg_bytes span_at(const struct transposer *t, size_t at)
{
    return SG_BYTES((const void *)(intptr_t)t->cells->cell[at], t->cells->len[at]);
}

static int put_integer_field(int64_t v, enum sg_form form, struct sg_buf *out)
{
    uint8_t field[1 + SG_VARINT_MAX], *end = field + 1;
    if (form == SG_FORM_KEY) {
        field[0] = SG_KEY_INTEGER;
        sg_store_be64(end, (uint64_t)v ^ SG_SIGN_BIT);
        end += 8;
    } else {
        field[0] = SG_INTEGER;
        end = sg_varint_put(end, sg_zigzag(v));
    }
    return sg_buf_append(out, SG_BYTES(field, (size_t)(end - field)));
}

static int put_field(const struct transposer *t, size_t at, enum sg_form form, struct sg_buf *out)
{
    if (t->cells->type[at] == SG_INTEGER)
        return put_integer_field(t->cells->cell[at], form, out);
    struct sg_bytes span = span_at(t, at);
    int r = form == SG_FORM_RAW ? sg_varint_append(out, span.len) : 0;
    return r < 0 ? r : sg_buf_append(out, span);
}

static bool all_same(const struct transposer *t, size_t column)
{
    size_t first = column * t->n;
    if (t->others[column] < t->n)
        return false;
    for (size_t i = 1; i < t->n; i++)
        if (!sg_bytes_equal(span_at(t, first), span_at(t, first + i)))
            return false;
    return true;
}

static int put_fields(const struct transposer *t, size_t column, enum sg_form form,
                      struct sg_buf *out)
{
    bool same = all_same(t, column);
    int r = sg_buf_append_u8(out, same ? SG_COLUMN_SAME : SG_COLUMN_FIELDS);
    for (size_t i = 0; r == 0 && i < (same ? 1 : t->n); i++)
        r = put_field(t, column * t->n + i, form, out);
    return r;
}

static struct sg_ints_before before(const struct transposer *t, size_t column, bool whole)
{
    return (struct sg_ints_before){t->cells->cell, t->whole, t->n, whole ? column : 0};
}

static int put_ints(struct transposer *t, size_t column, struct sg_buf *out)
{
    struct sg_ints_before b = before(t, column, true);
    int r = sg_buf_reserve(out, 1 + SG_INTS_BYTES_MAX(t->n));
    if (r < 0)
        return r;
    uint8_t *p = out->data + out->len;
    *p++ = SG_COLUMN_INTS;
    p = sg_ints_put(p, t->cells->cell + column * t->n, t->n, &b);
    out->len = (size_t)(p - out->data);
    t->whole[column] = true;
    return 0;
}

static int put_sparse(const struct transposer *t, size_t column, struct sg_buf *out)
{
    struct sg_ints_before b = before(t, column, false);
    int64_t present[SG_COLUMNS_ROWS_MAX];
    size_t m = 0, bitmap_len = (t->n + 7) / 8;
    int r = sg_buf_reserve(out, 1 + bitmap_len + SG_INTS_BYTES_MAX(t->n));
    if (r < 0)
        return r;
    uint8_t *p = out->data + out->len;
    *p++ = SG_COLUMN_SPARSE;
    memset(p, 0, bitmap_len);
    for (size_t i = 0; i < t->n; i++) {
        if (t->cells->type[column * t->n + i] != SG_INTEGER)
            continue;
        p[i / 8] |= (uint8_t)(1u << (i % 8));
        present[m++] = t->cells->cell[column * t->n + i];
    }
    p = sg_ints_put(p + bitmap_len, present, m, &b);
    out->len = (size_t)(p - out->data);
    return 0;
}

static int put_column(struct transposer *t, size_t column, struct sg_buf *out)
{
    switch (types_of(t, column)) {
    case SEEN(SG_NULL):
        return sg_buf_append_u8(out, SG_COLUMN_NULLS);
    case SEEN(SG_INTEGER):
        return put_ints(t, column, out);
    case SEEN(SG_INTEGER) | SEEN(SG_NULL):
        return put_sparse(t, column, out);
    default:
        return put_fields(t, column, sg_form_of(&t->shape, column), out);
    }
}

static int put_shape(const struct transposer *t, struct sg_buf *out)
{
    size_t fields = t->shape.columns - t->shape.sort_columns;
    int r = sg_varint_append(out, t->n);
    if (r == 0)
        r = sg_varint_append(out, t->shape.sort_raw ? 0 : t->shape.sort_columns + 1);
    return r < 0 ? r : sg_varint_append(out, t->shape.value_raw ? 0 : fields + 1);
}

int sg_rows_transpose(const struct sg_row *rows, size_t n, struct sg_cells *cells,
                      struct sg_buf *out)
{
    struct transposer t = {.rows = rows, .n = n, .cells = cells, .shape = shape_of(&rows[0])};
    int r = split_sorts(&t);
    if (r < 0)
        return r;
    split_values(&t);
    r = put_shape(&t, out);
    for (size_t c = 0; r == 0 && c < t.shape.columns; c++)
        r = put_column(&t, c, out);
    return r;
}
