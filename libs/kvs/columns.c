#include "columns-int.h"

#include <pthread.h>
#include <zstd.h>

#include <sealgrid/base/cleanup.h>

#include "ints-int.h"
#include "transpose-int.h"
#include "tuple-int.h"

/*
 * First octet of a body.
 *   PLAIN       varint n | n times (varint length, sort key, varint length, value)
 *   COLUMNS     the transposed rows
 *   SQUEEZED    varint length of the transposed rows | one zstd frame of them
 */
enum encoding { PLAIN = 1, COLUMNS = 2, SQUEEZED = 3 };

/* Below this a page has too few rows for columns to pay. */
enum { COLUMNS_FROM_ROWS = 4 };
/* Level 1: residuals are noise already, higher levels cost time and gain under 1 %. */
enum { ZSTD_LEVEL = 1 };
/* A workspace that met a large page is trimmed back to this. */
#define WORKSPACE_KEPT ((size_t)1 << 20)

struct workspace {
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
    struct sg_cells cells;
    struct sg_buf transposed;
};

static pthread_key_t workspace_key;
static pthread_once_t workspace_once = PTHREAD_ONCE_INIT;

static void workspace_free(void *p)
{
    struct workspace *w = p;
    ZSTD_freeCCtx(w->compressor);
    ZSTD_freeDCtx(w->decompressor);
    sg_cells_clear(&w->cells);
    sg_buf_clear(&w->transposed);
    free(w);
}

static void workspace_init(void)
{
    sg_assert(pthread_key_create(&workspace_key, workspace_free) == 0);
}

static int workspace_get(struct workspace **ret)
{
    pthread_once(&workspace_once, workspace_init);
    struct workspace *w = pthread_getspecific(workspace_key);
    if (!w) {
        w = calloc(1, sizeof(*w));
        if (!w)
            return sg_raise(-ENOMEM);
        w->transposed.max = SG_TRANSPOSED_MAX + SG_INTS_SLACK;
        w->compressor = ZSTD_createCCtx();
        w->decompressor = ZSTD_createDCtx();
        if (!w->compressor || !w->decompressor || pthread_setspecific(workspace_key, w) != 0) {
            workspace_free(w);
            return sg_raise(-ENOMEM);
        }
    }
    sg_buf_reset(&w->transposed);
    *ret = w;
    return 0;
}

static void workspace_trim(struct workspace *w)
{
    if (w->transposed.capacity > WORKSPACE_KEPT)
        sg_buf_clear(&w->transposed);
}

void sg_rows_clear(struct sg_rows *r)
{
    if (!r)
        return;
    free(r->row);
    free(r->arena);
    *r = (struct sg_rows)SG_ROWS_INIT;
}

/* ---- plain ---- */

static int put_plain(const struct sg_row *rows, size_t n, struct sg_buf *out)
{
    size_t total = 1 + SG_VARINT_MAX;
    for (size_t i = 0; i < n; i++)
        total += 2 * SG_VARINT_MAX + rows[i].sort.len + rows[i].value.len;
    int r = sg_buf_reserve(out, total);
    if (r == 0)
        r = sg_buf_append_u8(out, PLAIN);
    if (r == 0)
        r = sg_varint_append(out, n);
    for (size_t i = 0; i < n; i++) {
        const struct sg_bytes part[] = {rows[i].sort, rows[i].value};
        for (size_t k = 0; r == 0 && k < 2; k++) {
            r = sg_varint_append(out, part[k].len);
            if (r == 0)
                r = sg_buf_append(out, part[k]);
        }
    }
    return r;
}

static bool take_part(struct sg_reader *in, size_t max, uint8_t **p, struct sg_bytes *ret)
{
    uint64_t len;
    struct sg_bytes part;
    if (!sg_varint_get(in, &len) || len > max || !sg_take(in, (size_t)len, &part))
        return false;
    if (part.len)
        memcpy(*p, part.data, part.len);
    *ret = SG_BYTES(*p, part.len);
    *p += part.len;
    return true;
}

static int take_plain(struct sg_reader in, struct sg_rows *ret)
{
    uint64_t n;
    if (!sg_varint_get(&in, &n) || n < 1 || n > SG_COLUMNS_ROWS_MAX)
        return sg_raise(-EBADMSG);
    int r = sg_rows_reserve(ret, (size_t)n, in.left);
    if (r < 0)
        return r;
    uint8_t *p = ret->arena;
    for (size_t i = 0; i < n; i++)
        if (!take_part(&in, SG_COLUMNS_SORT_MAX, &p, &ret->row[i].sort) ||
            !take_part(&in, SG_COLUMNS_VALUE_MAX, &p, &ret->row[i].value))
            return sg_raise(-EBADMSG);
    if (in.left)
        return sg_raise(-EBADMSG);
    ret->n = (size_t)n;
    return 0;
}

/* ---- columns ---- */

static int put_stored(struct sg_bytes transposed, struct sg_buf *out)
{
    int r = sg_buf_reserve(out, 1 + transposed.len);
    if (r == 0)
        r = sg_buf_append_u8(out, COLUMNS);
    return r < 0 ? r : sg_buf_append(out, transposed);
}

/* Squeezed if that saves a thirty-second, else stored: reading back is then faster. */
static int put_squeezed(struct workspace *w, struct sg_buf *out)
{
    struct sg_bytes in = sg_buf_bytes(&w->transposed);
    size_t before = out->len, bound = ZSTD_compressBound(in.len);
    int r = sg_buf_reserve(out, 1 + SG_VARINT_MAX + bound);
    if (r < 0)
        return put_stored(in, out); /* may still fit */
    uint8_t *p = out->data + before;
    *p++ = SQUEEZED;
    p = sg_varint_put(p, in.len);
    size_t len = ZSTD_compressCCtx(w->compressor, p, bound, in.data, in.len, ZSTD_LEVEL);
    if (ZSTD_isError(len) || len + in.len / 32 > in.len)
        return put_stored(in, out);
    out->len = (size_t)(p - out->data) + len;
    return 0;
}

static int put_columns(const struct sg_row *rows, size_t n, struct sg_buf *out)
{
    struct workspace *w;
    int r = workspace_get(&w);
    if (r < 0)
        return r;
    r = sg_rows_transpose(rows, n, &w->cells, &w->transposed);
    if (r == 0)
        r = put_squeezed(w, out);
    workspace_trim(w);
    return r;
}

static int unsqueeze(struct workspace *w, struct sg_reader in)
{
    uint64_t len;
    uint8_t *p;
    if (!sg_varint_get(&in, &len) || len > SG_TRANSPOSED_MAX)
        return sg_raise(-EBADMSG);
    int r = sg_buf_extend(&w->transposed, (size_t)len + SG_INTS_SLACK, &p);
    if (r < 0)
        return r;
    size_t got = ZSTD_decompressDCtx(w->decompressor, p, (size_t)len, in.at, in.left);
    if (ZSTD_isError(got) || got != len)
        return sg_raise(-EBADMSG);
    memset(p + len, 0, SG_INTS_SLACK);
    return 0;
}

static int unstore(struct workspace *w, struct sg_reader in)
{
    if (in.left > SG_TRANSPOSED_MAX)
        return sg_raise(-EBADMSG);
    int r = sg_buf_append(&w->transposed, SG_BYTES(in.at, in.left));
    return r < 0 ? r : sg_buf_append_zeros(&w->transposed, SG_INTS_SLACK);
}

static int take_columns(enum encoding encoding, struct sg_reader in,
                        const struct sg_columns_want *want, struct sg_rows *ret)
{
    struct workspace *w;
    int r = workspace_get(&w);
    if (r < 0)
        return r;
    r = encoding == SQUEEZED ? unsqueeze(w, in) : unstore(w, in);
    if (r == 0)
        r = sg_rows_restore(SG_BYTES(w->transposed.data, w->transposed.len - SG_INTS_SLACK), want,
                            &w->cells, ret);
    workspace_trim(w);
    return r;
}

/* ---- body ---- */

int sg_columns_encode(const struct sg_row *rows, size_t n, struct sg_buf *out)
{
    if (n < 1 || n > SG_COLUMNS_ROWS_MAX)
        return sg_raise(-EINVAL);
    for (size_t i = 0; i < n; i++)
        if (rows[i].sort.len > SG_COLUMNS_SORT_MAX || rows[i].value.len > SG_COLUMNS_VALUE_MAX)
            return sg_raise(-EINVAL);
    size_t before = out->len;
    int r = n < COLUMNS_FROM_ROWS ? put_plain(rows, n, out) : put_columns(rows, n, out);
    if (r < 0)
        out->len = before;
    return r;
}

static int take_some_plain(struct sg_reader in, const struct sg_columns_want *want,
                           struct sg_rows *ret)
{
    int r = take_plain(in, ret);
    if (r == 0 && want->n_rows && want->n_rows != ret->n)
        r = sg_raise(-EBADMSG);
    if (r == 0)
        r = sg_rows_narrow(ret, want);
    if (r)
        ret->n = 0;
    return r;
}

int sg_columns_decode(struct sg_bytes body, struct sg_rows *ret)
{
    const struct sg_columns_want everything = {.n_rows = 0};
    return sg_fold(sg_columns_decode_some(body, &everything, ret));
}

int sg_columns_decode_some(struct sg_bytes body, const struct sg_columns_want *want,
                           struct sg_rows *ret)
{
    struct sg_reader in = sg_reader_over(body);
    uint8_t encoding;
    ret->n = 0;
    if (!sg_take_u8(&in, &encoding))
        return sg_raise(-EBADMSG);
    switch (encoding) {
    case PLAIN:
        return take_some_plain(in, want, ret);
    case COLUMNS:
    case SQUEEZED:
        return take_columns((enum encoding)encoding, in, want, ret);
    default:
        return sg_raise(-EBADMSG);
    }
}
