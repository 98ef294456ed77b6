#pragma once
/*
 * bytes - a borrowed run of octets, a bounded reader over one, and fixed-width loads and stores.
 * Nothing here allocates or fails except by returning false.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sg_bytes {
    const uint8_t *data; /* may be NULL only if len is 0 */
    size_t len;
};

#define SG_BYTES(ptr, n) ((struct sg_bytes){(const uint8_t *)(ptr), (n)})
#define SG_BYTES_LIT(s) ((struct sg_bytes){(const uint8_t *)("" s), sizeof(s) - 1})
#define SG_BYTES_ARRAY(a) ((struct sg_bytes){(const uint8_t *)(a), sizeof(a)})
#define SG_BYTES_NONE ((struct sg_bytes){NULL, 0})

static inline struct sg_bytes sg_bytes_str(const char *s)
{
    return (struct sg_bytes){(const uint8_t *)s, strlen(s)};
}

/* Not constant time; for secrets sg_secret_equal (secret.h). */
static inline bool sg_bytes_equal(struct sg_bytes a, struct sg_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* memcmp order, a shorter prefix first: <0, 0, >0. */
static inline int sg_bytes_cmp(struct sg_bytes a, struct sg_bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.data, b.data, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

static inline uint16_t sg_load_be16(const uint8_t *p)
{
    return (uint16_t)((uint16_t)p[0] << 8 | p[1]);
}

static inline uint32_t sg_load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t sg_load_be64(const uint8_t *p)
{
    return (uint64_t)sg_load_be32(p) << 32 | sg_load_be32(p + 4);
}

static inline void sg_store_be16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void sg_store_be32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static inline void sg_store_be64(uint8_t *p, uint64_t v)
{
    sg_store_be32(p, (uint32_t)(v >> 32));
    sg_store_be32(p + 4, (uint32_t)v);
}

/* A reader takes from the front; every take checks what is left first. */
struct sg_reader {
    const uint8_t *at;
    size_t left;
};

static inline struct sg_reader sg_reader_over(struct sg_bytes b)
{
    return (struct sg_reader){b.data, b.len};
}

static inline bool sg_take(struct sg_reader *r, size_t n, struct sg_bytes *ret)
{
    if (n > r->left)
        return false;
    *ret = (struct sg_bytes){r->at, n};
    if (n)
        r->at += n;
    r->left -= n;
    return true;
}

static inline bool sg_take_u8(struct sg_reader *r, uint8_t *ret)
{
    struct sg_bytes b;
    if (!sg_take(r, 1, &b))
        return false;
    *ret = b.data[0];
    return true;
}

static inline bool sg_take_be16(struct sg_reader *r, uint16_t *ret)
{
    struct sg_bytes b;
    if (!sg_take(r, 2, &b))
        return false;
    *ret = sg_load_be16(b.data);
    return true;
}

static inline bool sg_take_be32(struct sg_reader *r, uint32_t *ret)
{
    struct sg_bytes b;
    if (!sg_take(r, 4, &b))
        return false;
    *ret = sg_load_be32(b.data);
    return true;
}

static inline bool sg_take_be64(struct sg_reader *r, uint64_t *ret)
{
    struct sg_bytes b;
    if (!sg_take(r, 8, &b))
        return false;
    *ret = sg_load_be64(b.data);
    return true;
}
