/* attest-text - evidence that was written down as text: hexadecimal or base64, as files of it are
 * published and sent.  It is the same evidence; nothing is judged by the text. */
#include "attest.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_base64(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '+' ||
           c == '/' || c == '=';
}

/* Without spaces, base64url as base64, padded. */
static int squeeze(struct sg_bytes text, struct sg_buf *ret, bool *ret_hex, bool *ret_base64)
{
    int r = 0;
    *ret_hex = *ret_base64 = true;
    for (size_t i = 0; i < text.len && !r && *ret_base64; i++) {
        const uint8_t c = text.data[i] == '-' ? '+' : text.data[i] == '_' ? '/' : text.data[i];
        if (is_space(c))
            continue;
        *ret_hex &= is_hex(c);
        *ret_base64 &= is_base64(c);
        r = sg_buf_append_u8(ret, c);
    }
    while (!r && *ret_base64 && !*ret_hex && ret->len % 4)
        r = sg_buf_append_u8(ret, '=');
    return r;
}

int sg_attest_text_decode(struct sg_bytes text, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf plain = SG_BUF_INIT(SG_ATTEST_PART_MAX + 4);
    bool hex, base64;
    int r;

    if (text.len > 2 && text.data[0] == '0' && (text.data[1] | 0x20) == 'x')
        text = SG_BYTES(text.data + 2, text.len - 2);
    r = squeeze(text, &plain, &hex, &base64);
    if (r)
        return r;
    if (!plain.len || !base64)
        return SG_ATTEST_NO_TEXT;
    r = hex ? sg_hex_decode(ret, sg_buf_bytes(&plain))
            : sg_base64_decode(ret, sg_buf_bytes(&plain));
    return r == -EINVAL ? (int)SG_ATTEST_NO_TEXT : r;
}
