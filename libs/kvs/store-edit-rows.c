/* Sorted lists of borrowed rows. */
#include "store-edit-int.h"

int sg_row_list_push(struct sg_row_list *l, struct sg_row row)
{
    if (l->n == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 64;
        struct sg_row *rows = reallocarray(l->rows, capacity, sizeof(*rows));
        if (!rows)
            return sg_raise(-ENOMEM);
        l->rows = rows;
        l->capacity = capacity;
    }
    l->rows[l->n++] = row;
    return 0;
}

size_t sg_row_list_bytes(const struct sg_row_list *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++)
        n += l->rows[i].sort.len + l->rows[i].value.len;
    return n;
}

int sg_rows_merge(const struct sg_row *a, size_t n_a, const struct sg_row *b, size_t n_b,
                  struct sg_row_list *out)
{
    size_t i = 0, k = 0;
    while (i < n_a || k < n_b) {
        bool from_a = k == n_b || (i < n_a && sg_bytes_cmp(a[i].sort, b[k].sort) < 0);
        int r = sg_row_list_push(out, from_a ? a[i] : b[k]);
        if (r < 0)
            return r;
        *(from_a ? &i : &k) += 1;
    }
    return 0;
}

int sg_rows_change(const struct sg_row *rows, size_t n, const struct sg_change *changes,
                   size_t n_changes, enum sg_where where, size_t page, struct sg_row_list *out)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const struct sg_row *row = &rows[i];
        bool drop = false;
        for (; at < n_changes; at++) {
            const struct sg_change *c = &changes[at];
            int order = sg_bytes_cmp(c->row.sort, row->sort);
            if (order > 0)
                break;
            if (order == 0 && c->where == where && c->page == page) {
                row = &c->row;
                drop = c->is_delete;
            }
        }
        int r = drop ? 0 : sg_row_list_push(out, *row);
        if (r < 0)
            return r;
    }
    return 0;
}

int sg_rows_copy(const struct sg_row *rows, size_t n, struct sg_row **ret)
{
    size_t octets = n * sizeof(*rows);
    for (size_t i = 0; i < n; i++)
        octets += rows[i].sort.len + rows[i].value.len;
    struct sg_row *copy = malloc(octets ? octets : 1);
    if (!copy)
        return sg_raise(-ENOMEM);
    uint8_t *at = (uint8_t *)(copy + n);
    for (size_t i = 0; i < n; i++) {
        copy[i].sort = SG_BYTES(at, rows[i].sort.len);
        at = sg_put(at, rows[i].sort);
        copy[i].value = SG_BYTES(at, rows[i].value.len);
        at = sg_put(at, rows[i].value);
    }
    *ret = copy;
    return 0;
}
