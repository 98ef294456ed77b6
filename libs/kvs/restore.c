#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <sealgrid/base/cleanup.h>

#include "ints-int.h"
#include "transpose-int.h"
#include "tuple-int.h"

/* Octets an integer takes at most in either form. */
enum { INTEGER_FIELD_MAX = 1 + SG_VARINT_MAX };

struct restorer {
    struct sg_reader in;
    struct sg_cells *cells;
    struct sg_shape shape;
    size_t n;
    size_t bytes; /* of all rows, at most */
    bool whole[SG_COLUMNS_MAX];
    uint8_t kind[SG_COLUMNS_MAX];
    uint16_t wanted[SG_COLUMNS_MAX]; /* columns of the value, ascending */
    uint16_t run[SG_COLUMNS_MAX];    /* of each: integers side by side from it on */
    size_t n_wanted;
    sg_run_put *put_run;
    /* Of integer columns, when only some fields are wanted: they are read in a second pass, those
     * that are wanted or leant on. */
    bool lazy, needed[SG_COLUMNS_MAX];
    struct late {
        struct sg_reader in;
        uint16_t lean_from, lean_until; /* distances */
    } late[SG_COLUMNS_MAX];
};

int sg_rows_reserve(struct sg_rows *r, size_t n, size_t bytes)
{
    r->n = 0;
    if (!r->row && !(r->row = calloc(SG_COLUMNS_ROWS_MAX, sizeof(*r->row))))
        return sg_raise(-ENOMEM);
    sg_assert(n <= SG_COLUMNS_ROWS_MAX);
    if (bytes <= r->arena_bytes)
        return 0;
    free(r->arena);
    r->arena_bytes = 0;
    r->arena = malloc(bytes);
    if (!r->arena)
        return sg_raise(-ENOMEM);
    r->arena_bytes = bytes;
    return 0;
}

/* ---- columns to cells ---- */

static bool take_count(struct sg_reader *r, size_t max, bool *ret_raw, size_t *ret)
{
    uint64_t v;
    if (!sg_varint_get(r, &v) || v > max + 1)
        return false;
    *ret_raw = v == 0;
    *ret = v == 0 ? 1 : (size_t)v - 1;
    return true;
}

static bool take_shape(struct restorer *t)
{
    uint64_t n;
    size_t fields;
    if (!sg_varint_get(&t->in, &n) || n < 1 || n > SG_COLUMNS_ROWS_MAX ||
        !take_count(&t->in, SG_SORT_ELEMENTS_MAX, &t->shape.sort_raw, &t->shape.sort_columns) ||
        !take_count(&t->in, SG_TUPLE_FIELDS_MAX, &t->shape.value_raw, &fields))
        return false;
    t->n = (size_t)n;
    t->shape.columns = t->shape.sort_columns + fields;
    return true;
}

static bool take_raw(struct sg_reader *r, struct sg_bytes *ret)
{
    uint64_t len;
    return sg_varint_get(r, &len) && len <= SG_COLUMNS_VALUE_MAX && sg_take(r, (size_t)len, ret);
}

static bool take_field(struct restorer *t, enum sg_form form, size_t at)
{
    struct sg_bytes span;
    bool ok = form == SG_FORM_KEY     ? sg_tuple_key_span(&t->in, &span)
              : form == SG_FORM_VALUE ? sg_tuple_value_span(&t->in, &span)
                                      : take_raw(&t->in, &span);
    if (!ok || span.len > SG_TRANSPOSED_MAX)
        return false;
    t->cells->cell[at] = (int64_t)(intptr_t)span.data;
    t->cells->len[at] = (uint32_t)span.len;
    return true;
}

static bool take_fields(struct restorer *t, size_t column, enum sg_form form)
{
    for (size_t i = 0; i < t->n; i++) {
        if (!take_field(t, form, column * t->n + i))
            return false;
        t->bytes += t->cells->len[column * t->n + i];
    }
    return true;
}

static bool take_same(struct restorer *t, size_t column, enum sg_form form)
{
    if (!take_field(t, form, column * t->n))
        return false;
    t->bytes += t->n * t->cells->len[column * t->n];
    return true;
}

static bool read_ints(struct restorer *t, size_t column, struct sg_reader *in)
{
    struct sg_ints_before b = {t->cells->cell, t->whole, t->n, column};
    return sg_ints_take(in, t->cells->cell + column * t->n, t->n, &b);
}

static bool skip_ints(struct restorer *t, size_t column)
{
    struct sg_ints_before b = {t->cells->cell, t->whole, t->n, column};
    size_t from, until;
    t->late[column].in = t->in;
    if (!sg_ints_skip(&t->in, t->n, &b, &from, &until))
        return false;
    t->late[column].lean_from = (uint16_t)from;
    t->late[column].lean_until = (uint16_t)until;
    return true;
}

static bool take_ints(struct restorer *t, size_t column)
{
    t->bytes += t->n * INTEGER_FIELD_MAX;
    t->whole[column] = true;
    return t->lazy ? skip_ints(t, column) : read_ints(t, column, &t->in);
}

/* A column leans on earlier ones only. */
static bool read_late(struct restorer *t)
{
    for (size_t c = 0; c < t->shape.sort_columns; c++)
        t->needed[c] = true;
    for (size_t k = 0; k < t->n_wanted; k++)
        t->needed[t->wanted[k]] = true;
    for (size_t c = t->shape.columns; c-- > 0;)
        if (t->needed[c] && t->kind[c] == SG_COLUMN_INTS)
            for (size_t d = t->late[c].lean_from; d <= t->late[c].lean_until; d++)
                t->needed[c - d] = true;
    for (size_t c = 0; c < t->shape.columns; c++)
        if (t->needed[c] && t->kind[c] == SG_COLUMN_INTS && !read_ints(t, c, &t->late[c].in))
            return false;
    return true;
}

static bool take_sparse(struct restorer *t, size_t column)
{
    const struct sg_ints_before none = {t->cells->cell, t->whole, t->n, 0};
    int64_t present[SG_COLUMNS_ROWS_MAX];
    struct sg_bytes bitmap;
    size_t m = 0, at = column * t->n;
    if (!sg_take(&t->in, (t->n + 7) / 8, &bitmap))
        return false;
    for (size_t i = 0; i < t->n; i++)
        m += bitmap.data[i / 8] >> (i % 8) & 1;
    if (!sg_ints_take(&t->in, present, m, &none))
        return false;
    t->bytes += t->n * INTEGER_FIELD_MAX;
    m = 0;
    for (size_t i = 0; i < t->n; i++) {
        bool is = bitmap.data[i / 8] >> (i % 8) & 1;
        t->cells->type[at + i] = is ? SG_INTEGER : SG_NULL;
        t->cells->cell[at + i] = is ? present[m++] : 0;
    }
    return true;
}

static bool take_column(struct restorer *t, size_t column)
{
    enum sg_form form = sg_form_of(&t->shape, column);
    uint8_t kind;
    if (!sg_take_u8(&t->in, &kind) || (form == SG_FORM_RAW && kind < SG_COLUMN_SAME))
        return false;
    t->kind[column] = kind;
    switch (kind) {
    case SG_COLUMN_NULLS:
        t->bytes += t->n;
        return true;
    case SG_COLUMN_INTS:
        return take_ints(t, column);
    case SG_COLUMN_SPARSE:
        return take_sparse(t, column);
    case SG_COLUMN_SAME:
        return take_same(t, column, form);
    case SG_COLUMN_FIELDS:
        return take_fields(t, column, form);
    default:
        return false;
    }
}

/* ---- cells to rows ---- */

static inline uint8_t *put_integer(uint8_t *p, enum sg_form form, int64_t v)
{
    if (form == SG_FORM_KEY) {
        *p++ = SG_KEY_INTEGER;
        sg_store_be64(p, (uint64_t)v ^ SG_SIGN_BIT);
        return p + 8;
    }
    *p++ = SG_INTEGER;
    return sg_varint_put_wide(p, sg_zigzag(v));
}

static inline uint8_t *put_null(uint8_t *p, enum sg_form form)
{
    *p++ = form == SG_FORM_KEY ? SG_KEY_NULL : SG_NULL;
    return p;
}

static uint8_t *put_span(uint8_t *p, const struct restorer *t, size_t at)
{
    size_t len = t->cells->len[at];
    if (len)
        memcpy(p, (const void *)(intptr_t)t->cells->cell[at], len);
    return p + len;
}

uint8_t *sg_run_put_portable(uint8_t *p, const int64_t *cell, size_t stride, size_t n)
{
    for (; n; n--, cell += stride)
        p = put_integer(p, SG_FORM_VALUE, *cell);
    return p;
}

#ifdef __x86_64__
/* The same with instructions that spread bits over octets and cut off the upper ones. */
__attribute__((target("bmi,bmi2,lzcnt"))) static uint8_t *
run_put_bmi2(uint8_t *p, const int64_t *cell, size_t stride, size_t n)
{
    for (; n; n--, cell += stride) {
        uint64_t v = sg_zigzag(*cell);
        if (__builtin_expect(v >> 49 != 0, 0)) { /* with its type more than one word */
            p = put_integer(p, SG_FORM_VALUE, *cell);
            continue;
        }
        size_t len = sg_varint_len(v);
        uint64_t octets = _pdep_u64(v, 0x7f7f7f7f7f7f7f7f) |
                          _bzhi_u64(0x8080808080808080, (unsigned)(8 * (len - 1)));
        octets = octets << 8 | SG_INTEGER;
        memcpy(p, &octets, 8);
        p += 1 + len;
    }
    return p;
}

/* The first two Zen take hundreds of cycles for one of them. */
static bool has_fast_bmi2(void)
{
    return __builtin_cpu_supports("bmi2") && !__builtin_cpu_is("znver1") &&
           !__builtin_cpu_is("znver2");
}
#endif

sg_run_put *sg_run_put_choose(void)
{
#ifdef __x86_64__
    if (has_fast_bmi2())
        return run_put_bmi2;
#endif
    return sg_run_put_portable;
}

static inline uint8_t *put_column(uint8_t *p, const struct restorer *t, size_t c, size_t i)
{
    enum sg_form form = sg_form_of(&t->shape, c);
    size_t at = c * t->n + i;
    switch (t->kind[c]) {
    case SG_COLUMN_INTS:
        return put_integer(p, form, t->cells->cell[at]);
    case SG_COLUMN_NULLS:
        return put_null(p, form);
    case SG_COLUMN_SPARSE:
        return t->cells->type[at] == SG_INTEGER ? put_integer(p, form, t->cells->cell[at])
                                                : put_null(p, form);
    case SG_COLUMN_SAME:
        return put_span(p, t, c * t->n);
    default:
        return put_span(p, t, at);
    }
}

static bool restore_sort(const struct restorer *t, size_t i, uint8_t **p, struct sg_row *ret)
{
    uint8_t *end = *p;
    for (size_t c = 0; c < t->shape.sort_columns; c++)
        end = put_column(end, t, c, i);
    ret->sort = SG_BYTES(*p, (size_t)(end - *p));
    *p = end;
    return ret->sort.len <= SG_COLUMNS_SORT_MAX;
}

static bool restore_value(const struct restorer *t, size_t i, uint8_t **p, struct sg_row *ret)
{
    uint8_t *end = *p;
    if (!t->shape.value_raw)
        end = sg_varint_put(end, t->n_wanted);
    for (size_t k = 0; k < t->n_wanted;) {
        size_t c = t->wanted[k], n = t->run[k];
        end =
            n ? t->put_run(end, t->cells->cell + c * t->n + i, t->n, n) : put_column(end, t, c, i);
        k += n ? n : 1;
    }
    ret->value = SG_BYTES(*p, (size_t)(end - *p));
    *p = end;
    return ret->value.len <= SG_COLUMNS_VALUE_MAX;
}

static int restore_all(const struct restorer *t, struct sg_rows *ret)
{
    uint8_t *p = ret->arena;
    for (size_t i = 0; i < t->n; i++)
        if (!restore_sort(t, i, &p, &ret->row[i]) || !restore_value(t, i, &p, &ret->row[i]))
            return sg_raise(-EBADMSG);
    ret->n = t->n;
    return 0;
}

/* Rows ascend, so a few sort keys are enough to find one. */
static int restore_one(const struct restorer *t, struct sg_bytes sort, struct sg_rows *ret)
{
    size_t low = 0, high = t->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        uint8_t *p = ret->arena;
        if (!restore_sort(t, mid, &p, &ret->row[0]))
            return sg_raise(-EBADMSG);
        int order = sg_bytes_cmp(ret->row[0].sort, sort);
        if (order == 0) {
            ret->n = 1;
            return restore_value(t, mid, &p, &ret->row[0]) ? 0 : sg_raise(-EBADMSG);
        }
        *(order < 0 ? &low : &high) = order < 0 ? mid + 1 : mid;
    }
    return 0;
}

static void want_columns(struct restorer *t, struct sg_bytes fields)
{
    size_t first = t->shape.sort_columns;
    for (size_t c = first; c < t->shape.columns; c++)
        if (fields.len == 0 || t->shape.value_raw || sg_fields_has(fields, c - first))
            t->wanted[t->n_wanted++] = (uint16_t)c;
}

/* Backwards, so that each entry knows how far the integers go on from it. */
static void find_runs(struct restorer *t)
{
    for (size_t k = t->n_wanted, n = 0; k-- > 0;) {
        size_t c = t->wanted[k];
        bool next = k + 1 < t->n_wanted && t->wanted[k + 1] == c + 1;
        bool is = t->kind[c] == SG_COLUMN_INTS && !t->shape.value_raw;
        n = is ? (next ? n : 0) + 1 : 0;
        t->run[k] = (uint16_t)n;
    }
    t->put_run = sg_run_put_choose();
}

int sg_rows_narrow(struct sg_rows *rows, const struct sg_columns_want *want)
{
    size_t kept = 0;
    for (size_t i = 0; i < rows->n; i++) {
        struct sg_row *row = &rows->row[i];
        size_t len = row->value.len;
        if (want->sort && !sg_bytes_equal(row->sort, *want->sort))
            continue;
        if (want->fields.len && !sg_tuple_value_pick(row->value, want->fields,
                                                     (uint8_t *)(uintptr_t)row->value.data, &len))
            return SG_COLUMNS_NO_TUPLE;
        row->value.len = len;
        rows->row[kept++] = *row;
    }
    rows->n = kept;
    return 0;
}

int sg_rows_restore(struct sg_bytes in, const struct sg_columns_want *want, struct sg_cells *cells,
                    struct sg_rows *ret)
{
    struct restorer t = {.in = sg_reader_over(in), .cells = cells};
    if (!take_shape(&t))
        return sg_raise(-EBADMSG);
    t.lazy = want->fields.len != 0 && !t.shape.value_raw;
    int r = sg_cells_reserve(cells, t.n * t.shape.columns);
    for (size_t c = 0; r == 0 && c < t.shape.columns; c++)
        if (!take_column(&t, c) || t.bytes > SG_TRANSPOSED_MAX)
            return sg_raise(-EBADMSG);
    if (r < 0)
        return r;
    if (t.in.left || (want->n_rows && want->n_rows != t.n))
        return sg_raise(-EBADMSG);
    want_columns(&t, want->fields);
    find_runs(&t);
    if (t.lazy && !read_late(&t))
        return sg_raise(-EBADMSG);
    /* Each value's field count, and what the last wide store may touch. */
    r = sg_rows_reserve(ret, t.n, t.bytes + t.n * SG_VARINT_MAX + 8);
    if (r < 0)
        return r;
    r = want->sort ? restore_one(&t, *want->sort, ret) : restore_all(&t, ret);
    if (r == 0 && want->fields.len && t.shape.value_raw)
        r = sg_rows_narrow(ret, want);
    if (r)
        ret->n = 0;
    return r;
}
