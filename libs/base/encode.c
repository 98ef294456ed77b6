/* encode - hexadecimal and base64. */
#include <sealgrid/base/encode.h>

static const char hex_digits[] = "0123456789abcdef";

static void hex_write(uint8_t *ret, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ret[2 * i] = (uint8_t)hex_digits[p[i] >> 4];
        ret[2 * i + 1] = (uint8_t)hex_digits[p[i] & 15];
    }
}

void sg_hex(char *ret, const void *p, size_t n)
{
    hex_write((uint8_t *)ret, p, n);
    ret[2 * n] = '\0';
}

int sg_hex_append(struct sg_buf *b, struct sg_bytes bytes)
{
    uint8_t *at;
    int r;

    if (bytes.len > SIZE_MAX / 2)
        return sg_raise(-ENOBUFS);
    r = sg_buf_extend(b, bytes.len * 2, &at);
    if (r)
        return r;
    hex_write(at, bytes.data, bytes.len);
    return 0;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int hex_decode_into(struct sg_buf *b, struct sg_bytes text)
{
    size_t i = 0;

    while (i < text.len) {
        if (is_space(text.data[i])) {
            i++;
            continue;
        }
        int hi = hex_value(text.data[i]);
        int lo = i + 1 < text.len ? hex_value(text.data[i + 1]) : -1;
        if (hi < 0 || lo < 0)
            return sg_raise(-EINVAL);
        int r = sg_buf_append_u8(b, (uint8_t)(hi << 4 | lo));
        if (r)
            return r;
        i += 2;
    }
    return 0;
}

int sg_hex_decode(struct sg_buf *b, struct sg_bytes text)
{
    size_t before = b->len;
    int r = hex_decode_into(b, text);
    if (r)
        b->len = before;
    return r;
}

static const char base64_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int base64_write(struct sg_buf *b, struct sg_bytes in, const char *alphabet, bool pad)
{
    size_t tail = in.len % 3, whole = in.len / 3;
    size_t tail_len = tail == 0 ? 0 : pad ? 4 : tail + 1;
    const uint8_t *p = in.data;
    uint8_t *at;
    int r;

    if (whole > SIZE_MAX / 8)
        return sg_raise(-ENOBUFS);
    r = sg_buf_extend(b, whole * 4 + tail_len, &at);
    if (r)
        return r;
    for (size_t i = 0; i < whole; i++, p += 3, at += 4) {
        at[0] = (uint8_t)alphabet[p[0] >> 2];
        at[1] = (uint8_t)alphabet[(p[0] & 3) << 4 | p[1] >> 4];
        at[2] = (uint8_t)alphabet[(p[1] & 15) << 2 | p[2] >> 6];
        at[3] = (uint8_t)alphabet[p[2] & 63];
    }
    if (tail) {
        uint8_t second = tail == 2 ? p[1] : 0;
        at[0] = (uint8_t)alphabet[p[0] >> 2];
        at[1] = (uint8_t)alphabet[(p[0] & 3) << 4 | second >> 4];
        if (tail == 2)
            at[2] = (uint8_t)alphabet[(second & 15) << 2];
        for (size_t i = tail + 1; i < tail_len; i++)
            at[i] = '=';
    }
    return 0;
}

int sg_base64_append(struct sg_buf *b, struct sg_bytes bytes)
{
    return base64_write(b, bytes, base64_std, true);
}

int sg_base64url_append(struct sg_buf *b, struct sg_bytes bytes)
{
    return base64_write(b, bytes, base64_url, false);
}

static int base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four with n_data characters before its padding. */
static bool base64_group(const uint8_t *p, size_t n_data, uint8_t ret[3])
{
    uint32_t v = 0;

    for (size_t i = 0; i < 4; i++) {
        int d = i < n_data ? base64_value(p[i]) : 0;
        if (d < 0)
            return false;
        v = v << 6 | (uint32_t)d;
    }
    ret[0] = (uint8_t)(v >> 16);
    ret[1] = (uint8_t)(v >> 8);
    ret[2] = (uint8_t)v;
    /* Bits that belong to no octet must be zero, or two texts would mean the same octets. */
    return (n_data != 3 || ret[2] == 0) && (n_data != 2 || (ret[1] == 0 && ret[2] == 0));
}

int sg_base64_decode(struct sg_buf *b, struct sg_bytes text)
{
    size_t groups = text.len / 4, pad = 0, before = b->len;
    int r;

    if (text.len % 4)
        return sg_raise(-EINVAL);
    if (text.len && text.data[text.len - 1] == '=')
        pad = text.data[text.len - 2] == '=' ? 2 : 1;
    for (size_t i = 0; i < groups; i++) {
        size_t n_data = i + 1 == groups ? 4 - pad : 4;
        uint8_t octets[3];
        if (!base64_group(text.data + 4 * i, n_data, octets)) {
            b->len = before;
            return sg_raise(-EINVAL);
        }
        r = sg_buf_append(b, SG_BYTES(octets, n_data - 1));
        if (r) {
            b->len = before;
            return r;
        }
    }
    return 0;
}
