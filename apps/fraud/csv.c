#include "csv.h"

#include <math.h>
#include <stdlib.h>

#include <sealgrid/base/utf8.h>
#include <sealgrid/fraud/days.h>

struct sg_bytes csv_text(struct sg_bytes file)
{
    static const char mark[] = "\xef\xbb\xbf";
    const bool has = file.len >= 3 && memcmp(file.data, mark, 3) == 0;
    return has ? SG_BYTES(file.data + 3, file.len - 3) : file;
}

bool csv_line(struct sg_bytes *text, struct sg_bytes *ret)
{
    if (text->len == 0)
        return false;
    const uint8_t *end = memchr(text->data, '\n', text->len);
    size_t n = end ? (size_t)(end - text->data) : text->len;
    *ret = SG_BYTES(text->data, n);
    *text = SG_BYTES(text->data + n + (end != NULL), text->len - n - (end != NULL));
    if (ret->len && ret->data[ret->len - 1] == '\r')
        ret->len--;
    return true;
}

size_t csv_split(struct sg_bytes line, struct sg_bytes field[CSV_COLUMNS_MAX])
{
    size_t n = 0, at = 0;
    while (n < CSV_COLUMNS_MAX) {
        bool quoted = at < line.len && line.data[at] == '"';
        size_t from = at + quoted, to = from;
        while (to < line.len && (quoted || line.data[to] != ',')) {
            if (quoted && line.data[to] == '"') {
                if (to + 1 >= line.len || line.data[to + 1] != '"')
                    break;
                to++;
            }
            to++;
        }
        field[n++] = SG_BYTES(line.data + from, to - from);
        at = to + (quoted && to < line.len);
        if (at >= line.len)
            break;
        at++;
    }
    return n;
}

struct sg_bytes csv_at(const struct sg_bytes *field, size_t n, int column)
{
    return column >= 0 && (size_t)column < n ? field[column] : SG_BYTES_NONE;
}

bool csv_is(struct sg_bytes field, const char *word)
{
    return sg_bytes_equal(field, sg_bytes_str(word));
}

bool csv_number(struct sg_bytes field, double *ret)
{
    char text[48], *end;
    if (field.len == 0 || field.len >= sizeof(text))
        return false;
    memcpy(text, field.data, field.len);
    text[field.len] = 0;
    /* strtod knows blanks, hexadecimal and words; a NUL would hide what follows it. */
    if (strspn(text, "0123456789+-.eE") != field.len)
        return false;
    *ret = strtod(text, &end);
    return *end == 0 && isfinite(*ret);
}

bool csv_is_name(struct sg_bytes id)
{
    for (size_t i = 0; i < id.len; i++)
        if (id.data[i] < 0x20 || id.data[i] == '"' || id.data[i] == 0x7f)
            return false;
    return id.len >= 1 && id.len <= SG_FRAUD_ID_MAX;
}

/* A spreadsheet runs a cell that begins like this, unless it is a number. */
static bool is_formula(const char *id)
{
    if (!*id || !strchr("=+-@", *id))
        return false;
    const char *digits = id + 1 + strspn(id + 1, "0123456789");
    return *id != '-' || *digits || !id[1];
}

/* "<U+202E>"; n = 0: an octet that is no UTF-8, "<85>" */
static int put_code(struct sg_buf *b, const uint8_t *s, size_t n)
{
    const uint32_t code =
        n == 2   ? (uint32_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3f)
        : n == 3 ? (uint32_t)(s[0] & 0x0f) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f)
                 : s[0];
    return n ? sg_buf_printf(b, "<U+%04X>", (unsigned)code) : sg_buf_printf(b, "<%02X>", s[0]);
}

/* An id holds no quote and no control character, but a comma if it came from elsewhere; and what
 * would show another name than it is (sg_utf8_misleads), which is named in its place. */
int csv_put_name(struct sg_buf *b, const char *id)
{
    const char *quote = strchr(id, ',') ? "\"" : "", *text = is_formula(id) ? "'" : "";
    const struct sg_bytes name = sg_bytes_str(id);
    size_t from = 0, n;
    int r = sg_buf_printf(b, "%s%s", quote, text);
    for (size_t at = 0; r == 0 && at < name.len; at += n) {
        n = sg_utf8_next(name, at);
        const bool octet = n == 0;
        n = octet ? 1 : n;
        /* Octets of other encodings stay, but for C1 as they have it. */
        if (octet ? name.data[at] >= 0xa0 : !sg_utf8_misleads(name.data + at, n))
            continue;
        r = sg_buf_append(b, SG_BYTES(name.data + from, at - from));
        if (r == 0)
            r = put_code(b, name.data + at, octet ? 0 : n);
        from = at + n;
    }
    if (r == 0)
        r = sg_buf_append(b, SG_BYTES(name.data + from, name.len - from));
    return r ? r : sg_buf_printf(b, "%s", quote);
}

int csv_put_words(struct sg_buf *b, const char *words)
{
    if (!strpbrk(words, ",\""))
        return sg_buf_append(b, sg_bytes_str(words));
    int r = sg_buf_append_u8(b, '"');
    for (; r == 0 && *words; words++) {
        r = *words == '"' ? sg_buf_append_u8(b, '"') : 0;
        r = r ? r : sg_buf_append_u8(b, (uint8_t)*words);
    }
    return r ? r : sg_buf_append_u8(b, '"');
}
