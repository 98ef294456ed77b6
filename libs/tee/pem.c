/* pem - RFC 7468, as forgiving as certificate bundles are: any text between blocks. */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>

#include "cert-int.h"

#include <stdio.h>

#define LABEL_MAX 32

/* Where `what` begins at or after `from`; text.len if nowhere. */
static size_t find(struct sg_bytes text, size_t from, struct sg_bytes what)
{
    const void *at =
        from < text.len ? memmem(text.data + from, text.len - from, what.data, what.len) : NULL;
    return at ? (size_t)((const uint8_t *)at - text.data) : text.len;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* base64 with its line ends taken out. */
static int decode(struct sg_bytes body, struct sg_buf *ret)
{
    SG_FREE uint8_t *packed = malloc(body.len ? body.len : 1);
    size_t n = 0;
    if (!packed)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < body.len; i++) {
        if (!is_space(body.data[i]))
            packed[n++] = body.data[i];
    }
    return sg_base64_decode(ret, SG_BYTES(packed, n)) < 0 ? SG_TEE_PEM_BROKEN : 0;
}

int sg_tee_pem_next(struct sg_bytes text, size_t *at, char ret_label[LABEL_MAX],
                    struct sg_buf *ret_der)
{
    const struct sg_bytes begin = SG_BYTES_LIT("-----BEGIN "), dashes = SG_BYTES_LIT("-----");
    const size_t start = find(text, *at, begin);
    char end[LABEL_MAX + 16];
    if (start == text.len)
        return 0;
    const size_t label = start + begin.len, label_end = find(text, label, dashes);
    *at = label;
    if (label_end == text.len || label_end - label >= LABEL_MAX)
        return SG_TEE_PEM_BROKEN;
    memcpy(ret_label, text.data + label, label_end - label);
    ret_label[label_end - label] = '\0';
    const int n = snprintf(end, sizeof end, "-----END %s-----", ret_label);
    const size_t body = label_end + dashes.len,
                 body_end = find(text, body, SG_BYTES(end, (size_t)n));
    if (body_end == text.len)
        return SG_TEE_PEM_BROKEN;
    sg_buf_reset(ret_der);
    int r = decode(SG_BYTES(text.data + body, body_end - body), ret_der);
    if (r == 0)
        *at = body_end + (size_t)n;
    return r == 0 ? SG_TEE_PEM_BLOCK : r;
}
