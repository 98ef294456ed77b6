#include "issuer-chain-int.h"

#define FIRST_LINE "-----BEGIN CERTIFICATE-----"

static int digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* One character of the text; false: there is none that is right. */
static bool next(struct sg_bytes header, size_t *at, bool form, uint8_t *ret)
{
    uint8_t c = header.data[(*at)++];
    if (c == '%') {
        if (header.len - *at < 2)
            return false;
        const int high = digit(header.data[*at]), low = digit(header.data[*at + 1]);
        if (high < 0 || low < 0)
            return false;
        *at += 2;
        c = (uint8_t)(high << 4 | low);
    } else if (c == '+' && form) {
        c = ' ';
    }
    *ret = c;
    return (c >= ' ' && c <= '~') || c == '\n' || c == '\r';
}

static bool holds(struct sg_bytes b, const char *word)
{
    return b.len && memmem(b.data, b.len, word, strlen(word)) != NULL;
}

int sg_issuer_chain_decode(struct sg_bytes header, struct sg_buf *ret)
{
    const bool form = holds(header, "BEGIN+CERTIFICATE");
    const size_t before = ret->len;
    if (!header.len || header.len > SG_ISSUER_CHAIN_MAX)
        return SG_ISSUER_CHAIN_BAD;
    int r = sg_buf_reserve(ret, header.len);
    if (r < 0)
        return r;
    for (size_t at = 0; at < header.len;) {
        uint8_t c;
        if (!next(header, &at, form, &c) || sg_buf_append_u8(ret, c) < 0) {
            ret->len = before;
            return SG_ISSUER_CHAIN_BAD;
        }
    }
    if (!holds(SG_BYTES(ret->data + before, ret->len - before), FIRST_LINE)) {
        ret->len = before;
        return SG_ISSUER_CHAIN_BAD;
    }
    return 0;
}
