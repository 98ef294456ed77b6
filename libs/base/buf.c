/* buf - the bounded growable buffer. */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/secret.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CAPACITY_MIN 64

void sg_buf_clear(struct sg_buf *b)
{
    if (b->secret && b->data)
        sg_wipe(b->data, b->capacity);
    free(b->data);
    b->data = NULL;
    b->len = b->capacity = 0;
}

void sg_buf_reset(struct sg_buf *b)
{
    if (b->secret && b->len)
        sg_wipe(b->data, b->len);
    b->len = 0;
}

/* realloc may leave a copy behind, so a secret moves by hand. */
static uint8_t *move_storage(struct sg_buf *b, size_t capacity)
{
    uint8_t *data;

    if (!b->secret)
        return realloc(b->data, capacity);
    data = malloc(capacity);
    if (!data)
        return NULL;
    if (b->data) {
        memcpy(data, b->data, b->len);
        sg_wipe(b->data, b->capacity);
        free(b->data);
    }
    return data;
}

int sg_buf_reserve(struct sg_buf *b, size_t n)
{
    size_t capacity = b->capacity > CAPACITY_MIN ? b->capacity : CAPACITY_MIN;
    uint8_t *data;

    if (n <= b->capacity - b->len)
        return 0;
    if (b->len > b->max || n > b->max - b->len)
        return sg_raise(-ENOBUFS);
    while (capacity < b->len + n)
        capacity = capacity > b->max / 2 ? b->max : capacity * 2;
    if (capacity > b->max)
        capacity = b->max;
    data = move_storage(b, capacity);
    if (!data)
        return sg_raise(-ENOMEM);
    b->data = data;
    b->capacity = capacity;
    return 0;
}

int sg_buf_extend(struct sg_buf *b, size_t n, uint8_t **ret)
{
    int r = sg_buf_reserve(b, n);
    if (r)
        return r;
    *ret = b->data ? b->data + b->len : NULL;
    b->len += n;
    return 0;
}

int sg_buf_append(struct sg_buf *b, struct sg_bytes bytes)
{
    int r;

    if (bytes.len == 0)
        return 0;
    r = sg_buf_reserve(b, bytes.len);
    if (r)
        return r;
    memcpy(b->data + b->len, bytes.data, bytes.len);
    b->len += bytes.len;
    return 0;
}

int sg_buf_append_u8(struct sg_buf *b, uint8_t v)
{
    if (b->len < b->capacity) {
        b->data[b->len++] = v;
        return 0;
    }
    return sg_buf_append(b, SG_BYTES(&v, 1));
}

int sg_buf_append_be16(struct sg_buf *b, uint16_t v)
{
    uint8_t octets[2];
    sg_store_be16(octets, v);
    return sg_buf_append(b, SG_BYTES_ARRAY(octets));
}

int sg_buf_append_be32(struct sg_buf *b, uint32_t v)
{
    uint8_t octets[4];
    sg_store_be32(octets, v);
    return sg_buf_append(b, SG_BYTES_ARRAY(octets));
}

int sg_buf_append_be64(struct sg_buf *b, uint64_t v)
{
    uint8_t octets[8];
    sg_store_be64(octets, v);
    return sg_buf_append(b, SG_BYTES_ARRAY(octets));
}

int sg_buf_append_zeros(struct sg_buf *b, size_t n)
{
    uint8_t *at;
    int r = sg_buf_extend(b, n, &at);
    if (r)
        return r;
    if (n)
        memset(at, 0, n);
    return 0;
}

int sg_buf_printf(struct sg_buf *b, const char *fmt, ...)
{
    va_list args;
    char none[1];
    int n, r;

    va_start(args, fmt);
    n = vsnprintf(none, 0, fmt, args);
    va_end(args);
    if (n < 0)
        return sg_raise(-EINVAL);
    /* vsnprintf also writes a NUL, for which the buffer may have no room: the text goes through
     * memory of its own only then. */
    if ((size_t)n < b->capacity - b->len) {
        va_start(args, fmt);
        vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, args);
        va_end(args);
        b->len += (size_t)n;
        return 0;
    }
    char *text = malloc((size_t)n + 1);
    if (!text)
        return sg_raise(-ENOMEM);
    va_start(args, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, args);
    va_end(args);
    r = sg_buf_append(b, SG_BYTES(text, (size_t)n));
    if (b->secret)
        sg_wipe(text, (size_t)n);
    free(text);
    return r;
}

void sg_buf_consume(struct sg_buf *b, size_t n)
{
    sg_assert(n <= b->len);
    if (n == 0)
        return;
    memmove(b->data, b->data + n, b->len - n);
    if (b->secret)
        sg_wipe(b->data + (b->len - n), n);
    b->len -= n;
}
