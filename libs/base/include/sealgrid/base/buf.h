#pragma once
/*
 * buf - a growable buffer born with its maximum.
 * Owns: its storage.  A buffer marked secret is wiped before its storage is released or moved.
 * An append that would pass the maximum fails with -ENOBUFS and changes nothing.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/error.h>

struct sg_buf {
    uint8_t *data;
    size_t len;
    size_t capacity;
    size_t max;
    bool secret;
};

#define SG_BUF_INIT(max_bytes) {NULL, 0, 0, (max_bytes), false}
#define SG_BUF_INIT_SECRET(max_bytes) {NULL, 0, 0, (max_bytes), true}

/* Releases the storage (wiping it if secret); the buffer stays usable with the same maximum. */
void sg_buf_clear(struct sg_buf *b);
/* Keeps the storage, len = 0. */
void sg_buf_reset(struct sg_buf *b);
/* Room for n more octets: -ENOBUFS past the maximum, -ENOMEM. */
SG_MUST_USE int sg_buf_reserve(struct sg_buf *b, size_t n);
SG_MUST_USE int sg_buf_append(struct sg_buf *b, struct sg_bytes bytes);
SG_MUST_USE int sg_buf_append_u8(struct sg_buf *b, uint8_t v);
SG_MUST_USE int sg_buf_append_be16(struct sg_buf *b, uint16_t v);
SG_MUST_USE int sg_buf_append_be32(struct sg_buf *b, uint32_t v);
SG_MUST_USE int sg_buf_append_be64(struct sg_buf *b, uint64_t v);
SG_MUST_USE int sg_buf_append_zeros(struct sg_buf *b, size_t n);
SG_MUST_USE int sg_buf_printf(struct sg_buf *b, const char *fmt, ...) SG_PRINTF(2, 3);
/* Appends n octets left for the caller to fill; *ret points at them until the next append. */
SG_MUST_USE int sg_buf_extend(struct sg_buf *b, size_t n, uint8_t **ret);
/* Removes the first n octets (n <= len). */
void sg_buf_consume(struct sg_buf *b, size_t n);

static inline struct sg_bytes sg_buf_bytes(const struct sg_buf *b)
{
    return (struct sg_bytes){b->data, b->len};
}
