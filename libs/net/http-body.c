/*
 * Body framing of RFC 9112, sections 6 and 7.
 *
 *   SIZE -';'-> EXT        SIZE,EXT -CR-> SIZE_LF -LF-> DATA (size > 0) | LINE (size 0)
 *   DATA -> DATA_CR -> DATA_LF -> SIZE
 *   LINE -CR-> END_LF -LF-> done
 *   LINE -token-> NAME -':'-> VALUE -CR-> VALUE_LF -LF-> LINE
 */
#include "http-chars-int.h"
#include <sealgrid/net/http-parser.h>

enum state {
    SIZE,
    EXT,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    LINE,
    NAME,
    VALUE,
    VALUE_LF,
    END_LF,
};

void sg_http_body_init(struct sg_http_body *b, enum sg_http_framing framing, uint64_t length)
{
    *b = (struct sg_http_body){.framing = framing, .state = SIZE};
    if (framing == SG_HTTP_LENGTH)
        b->left = length;
    b->done = framing == SG_HTTP_NO_BODY || (framing == SG_HTTP_LENGTH && length == 0);
}

uint64_t sg_http_body_plain(const struct sg_http_body *b)
{
    if (b->done)
        return 0;
    switch (b->framing) {
    case SG_HTTP_LENGTH:
        return b->left;
    case SG_HTTP_CHUNKED:
        return b->state == DATA ? b->left : 0;
    case SG_HTTP_UNTIL_CLOSE:
        return UINT64_MAX;
    default:
        return 0;
    }
}

void sg_http_body_took(struct sg_http_body *b, uint64_t n)
{
    sg_assert(n <= sg_http_body_plain(b));
    if (b->framing == SG_HTTP_UNTIL_CLOSE)
        return;
    b->left -= n;
    if (b->left == 0 && n) {
        if (b->framing == SG_HTTP_LENGTH)
            b->done = true;
        else
            b->state = DATA_CR;
    }
}

static int size_octet(struct sg_http_body *b, uint8_t c)
{
    int digit = sg_http_hex_value(c);
    if (digit >= 0) {
        /* 15 digits: 2^60 - 1, so that sums of sizes cannot overflow. */
        if (++b->digits > 15)
            return SG_HTTP_PARSE_BAD;
        b->left = b->left << 4 | (uint64_t)digit;
        return 0;
    }
    if (b->digits == 0 || (c != ';' && c != '\r'))
        return SG_HTTP_PARSE_BAD;
    b->state = c == ';' ? EXT : SIZE_LF;
    return 0;
}

static void begin_size(struct sg_http_body *b)
{
    b->state = SIZE;
    b->digits = b->line_len = 0;
    b->left = 0;
}

static int size_line_octet(struct sg_http_body *b, uint8_t c)
{
    if (++b->line_len > SG_HTTP_CHUNK_LINE_MAX)
        return SG_HTTP_PARSE_BAD;
    if (b->state == SIZE)
        return size_octet(b, c);
    if (b->state == EXT) {
        if (c == '\r')
            b->state = SIZE_LF;
        else if (!sg_http_is_text(c))
            return SG_HTTP_PARSE_BAD;
        return 0;
    }
    if (c != '\n')
        return SG_HTTP_PARSE_BAD;
    b->state = b->left ? DATA : LINE;
    b->line_len = 0;
    return 0;
}

static int value_octet(struct sg_http_body *b, uint8_t c)
{
    if (c == '\r')
        b->state = VALUE_LF;
    else if (!sg_http_is_text(c))
        return SG_HTTP_PARSE_BAD;
    return 0;
}

static int name_octet(struct sg_http_body *b, uint8_t c)
{
    if (c == ':')
        b->state = VALUE;
    else if (!sg_http_is_token(c))
        return SG_HTTP_PARSE_BAD;
    return 0;
}

static int line_first_octet(struct sg_http_body *b, uint8_t c)
{
    if (c == '\r') {
        b->state = END_LF;
        return 0;
    }
    if (!sg_http_is_token(c))
        return SG_HTTP_PARSE_BAD;
    if (++b->trailers > SG_HTTP_HEADERS_MAX)
        return SG_HTTP_PARSE_LARGE;
    b->state = NAME;
    return 0;
}

/* Trailer fields are checked and dropped: nobody acts on them, so nobody can be fooled. */
static int trailer_octet(struct sg_http_body *b, uint8_t c)
{
    if (++b->trailer_len > SG_HTTP_HEAD_MAX)
        return SG_HTTP_PARSE_LARGE;
    switch (b->state) {
    case LINE:
        return line_first_octet(b, c);
    case NAME:
        return name_octet(b, c);
    case VALUE:
        return value_octet(b, c);
    default:
        if (c != '\n')
            return SG_HTTP_PARSE_BAD;
        b->done = b->state == END_LF;
        b->state = LINE;
        return 0;
    }
}

static int framing_octet(struct sg_http_body *b, uint8_t c)
{
    switch (b->state) {
    case SIZE:
    case EXT:
    case SIZE_LF:
        return size_line_octet(b, c);
    case DATA_CR:
        b->state = DATA_LF;
        return c == '\r' ? 0 : SG_HTTP_PARSE_BAD;
    case DATA_LF:
        begin_size(b);
        return c == '\n' ? 0 : SG_HTTP_PARSE_BAD;
    default:
        return trailer_octet(b, c);
    }
}

int sg_http_body_feed(struct sg_http_body *b, struct sg_bytes in, size_t *ret_used,
                      struct sg_bytes *ret_piece)
{
    size_t used = 0;
    struct sg_bytes piece = SG_BYTES_NONE;
    while (!b->done && used < in.len && piece.len == 0) {
        uint64_t plain = sg_http_body_plain(b);
        if (plain) {
            size_t n = in.len - used < plain ? in.len - used : (size_t)plain;
            piece = SG_BYTES(in.data + used, n);
            sg_http_body_took(b, n);
            used += n;
            continue;
        }
        int r = framing_octet(b, in.data[used]);
        if (r)
            return r;
        used++;
    }
    *ret_used = used;
    *ret_piece = piece;
    return 0;
}
