#pragma once
/*
 * encode - hexadecimal and base64 (RFC 4648), text in and out.  Not constant time: not for keys.
 */
#include <sealgrid/base/buf.h>

/* Writes 2*n lower-case digits and a NUL to ret (2*n+1 octets). */
void sg_hex(char *ret, const void *p, size_t n);
SG_MUST_USE int sg_hex_append(struct sg_buf *b, struct sg_bytes bytes);
/* White space between octets is skipped.  -EINVAL on an odd or foreign digit. */
SG_MUST_USE int sg_hex_decode(struct sg_buf *b, struct sg_bytes text);
SG_MUST_USE int sg_base64_append(struct sg_buf *b, struct sg_bytes bytes);
SG_MUST_USE int sg_base64url_append(struct sg_buf *b, struct sg_bytes bytes); /* no padding */
/* Standard alphabet with padding; strict.  -EINVAL. */
SG_MUST_USE int sg_base64_decode(struct sg_buf *b, struct sg_bytes text);
