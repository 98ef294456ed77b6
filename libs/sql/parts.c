#include "parts-int.h"

#include <sealgrid/base/cleanup.h>

void sg_sql_parts_clear(struct sg_sql_parts *p)
{
    sg_buf_clear(&p->octets);
    free(p->keys);
    p->keys = NULL;
    p->n = p->capacity = 0;
}

void sg_sql_parts_reset(struct sg_sql_parts *p)
{
    sg_buf_reset(&p->octets);
    p->n = 0;
}

int sg_sql_parts_add(struct sg_sql_parts *p, struct sg_bytes key)
{
    if (p->n == SG_SQL_PARTS_MAX)
        return sg_raise(-ENOBUFS);
    if (p->n == p->capacity) {
        size_t capacity = p->capacity ? p->capacity * 2 : 16;
        struct sg_sql_part *keys = realloc(p->keys, capacity * sizeof(*keys));
        if (!keys)
            return sg_raise(-ENOMEM);
        p->keys = keys;
        p->capacity = capacity;
    }
    uint32_t at = (uint32_t)p->octets.len;
    int r = sg_buf_append(&p->octets, key);
    if (r < 0)
        return r;
    p->keys[p->n++] = (struct sg_sql_part){at, (uint32_t)key.len};
    return 0;
}

static int by_octets(const void *a, const void *b, void *octets)
{
    const struct sg_sql_part *x = a, *y = b;
    const uint8_t *base = octets;
    return sg_bytes_cmp(SG_BYTES(base + x->at, x->len), SG_BYTES(base + y->at, y->len));
}

void sg_sql_parts_sort(struct sg_sql_parts *p)
{
    size_t kept = 0;
    if (p->n == 0)
        return;
    qsort_r(p->keys, p->n, sizeof(*p->keys), by_octets, p->octets.data);
    for (size_t i = 0; i < p->n; i++)
        if (kept == 0 || !sg_bytes_equal(sg_sql_parts_key(p, kept - 1), sg_sql_parts_key(p, i)))
            p->keys[kept++] = p->keys[i];
    p->n = kept;
}
