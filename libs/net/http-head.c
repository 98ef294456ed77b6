/*
 * Octets go one at a time through head_octet, which knows lines; a finished line goes through
 * start_line or field_line, which know syntax; end_head judges the fields together.
 */
#include "http-chars-int.h"
#include <sealgrid/net/http-parser.h>

bool sg_http_name_equal(const char *a, const char *b)
{
    while (*a && sg_http_lower((uint8_t)*a) == sg_http_lower((uint8_t)*b))
        a++, b++;
    return *a == '\0' && *b == '\0';
}

int sg_http_parse_status(int outcome)
{
    switch (outcome) {
    case SG_HTTP_PARSE_LONG_LINE:
        return 414;
    case SG_HTTP_PARSE_LARGE:
        return 431;
    case SG_HTTP_PARSE_VERSION:
        return 505;
    case SG_HTTP_PARSE_EXPECT:
        return 417;
    default:
        return 400;
    }
}

void sg_http_head_init(struct sg_http_head *h, enum sg_http_kind kind)
{
    memset(h, 0, sizeof(*h));
    h->kind = kind;
    h->raw = (struct sg_buf)SG_BUF_INIT_SECRET(SG_HTTP_HEAD_MAX);
}

void sg_http_head_reset(struct sg_http_head *h)
{
    struct sg_buf raw = h->raw;
    sg_buf_reset(&raw);
    sg_http_head_init(h, h->kind);
    h->raw = raw;
}

void sg_http_head_clear(struct sg_http_head *h)
{
    sg_buf_clear(&h->raw);
    sg_http_head_reset(h);
}

bool sg_http_head_begun(const struct sg_http_head *h)
{
    return h->raw.len > 0 || h->skipped_blank;
}

static const char *text_at(const struct sg_http_head *h, size_t at)
{
    sg_assert(at < h->raw.len);
    return (const char *)h->raw.data + at;
}

const char *sg_http_head_method(const struct sg_http_head *h)
{
    return text_at(h, h->method_at);
}

const char *sg_http_head_target(const struct sg_http_head *h)
{
    return text_at(h, h->target_at);
}

const char *sg_http_head_field_name(const struct sg_http_head *h, unsigned i)
{
    sg_assert(i < h->n_fields);
    return text_at(h, h->fields[i].name_at);
}

const char *sg_http_head_field_value(const struct sg_http_head *h, unsigned i)
{
    sg_assert(i < h->n_fields);
    return text_at(h, h->fields[i].value_at);
}

const char *sg_http_head_field(const struct sg_http_head *h, const char *name)
{
    for (unsigned i = 0; i < h->n_fields; i++)
        if (sg_http_name_equal(sg_http_head_field_name(h, i), name))
            return sg_http_head_field_value(h, i);
    return NULL;
}

/* ---- fields that decide how the message is read ---- */

/* Host = uri-host [":" port]: letters, digits and the marks of names, addresses and ports. */
static int note_host(struct sg_http_head *h, const char *value)
{
    if (h->kind == SG_HTTP_RESPONSE)
        return 0;
    if (h->host_at || *value == '\0')
        return SG_HTTP_PARSE_BAD;
    for (const char *c = value; *c; c++)
        if (!sg_http_is_alnum((uint8_t)*c) && !strchr("-._~:[]", *c))
            return SG_HTTP_PARSE_BAD;
    h->host_at = (uint16_t)((const uint8_t *)value - h->raw.data);
    return 0;
}

/* 1*DIGIT and nothing else: no sign, no list, no space within.  19 digits always fit. */
static int note_length(struct sg_http_head *h, const char *value)
{
    size_t digits = strlen(value);
    if (h->has_length || digits == 0 || digits > 19)
        return SG_HTTP_PARSE_BAD;
    uint64_t length = 0;
    for (const char *c = value; *c; c++) {
        if (!sg_http_is_digit((uint8_t)*c))
            return SG_HTTP_PARSE_BAD;
        length = length * 10 + (uint64_t)(*c - '0');
    }
    h->has_length = true;
    h->content_length = length;
    return 0;
}

static int note_coding(struct sg_http_head *h, const char *value)
{
    if (h->chunked || h->minor == 0 || !sg_http_name_equal(value, "chunked"))
        return SG_HTTP_PARSE_BAD;
    h->chunked = true;
    return 0;
}

static bool list_has(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = list; *at;) {
        at += strspn(at, " \t,");
        size_t n = strcspn(at, ",");
        size_t trimmed = n;
        while (trimmed && (at[trimmed - 1] == ' ' || at[trimmed - 1] == '\t'))
            trimmed--;
        if (trimmed == len) {
            size_t i = 0;
            while (i < len && sg_http_lower((uint8_t)at[i]) == (uint8_t)word[i])
                i++;
            if (i == len)
                return true;
        }
        at += n;
    }
    return false;
}

static int note_connection(struct sg_http_head *h, const char *value)
{
    h->says_close |= list_has(value, "close");
    h->says_keep |= list_has(value, "keep-alive");
    return 0;
}

static int note_expect(struct sg_http_head *h, const char *value)
{
    if (h->kind == SG_HTTP_RESPONSE)
        return 0;
    if (!sg_http_name_equal(value, "100-continue"))
        return SG_HTTP_PARSE_EXPECT;
    h->expect_continue = h->minor == 1;
    return 0;
}

static const struct {
    const char *name;
    int (*note)(struct sg_http_head *h, const char *value);
} deciding[] = {
    {"host", note_host},
    {"content-length", note_length},
    {"transfer-encoding", note_coding},
    {"connection", note_connection},
    {"expect", note_expect},
};

static int note_field(struct sg_http_head *h, const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof(deciding) / sizeof(*deciding); i++)
        if (sg_http_name_equal(name, deciding[i].name))
            return deciding[i].note(h, value);
    return 0;
}

/* ---- lines ---- */

static int parse_version(const char *text, unsigned *ret_minor)
{
    if (strncmp(text, "HTTP/", 5) != 0 || !sg_http_is_digit((uint8_t)text[5]) || text[6] != '.' ||
        !sg_http_is_digit((uint8_t)text[7]))
        return SG_HTTP_PARSE_BAD;
    if (text[5] != '1' || text[7] > '1')
        return SG_HTTP_PARSE_VERSION;
    *ret_minor = (unsigned)(text[7] - '0');
    return 0;
}

/* method SP target SP version */
static int request_line(struct sg_http_head *h, char *line, size_t len)
{
    size_t method_len = 0;
    while (sg_http_is_token((uint8_t)line[method_len]))
        method_len++;
    if (method_len == 0 || method_len > SG_HTTP_METHOD_MAX || line[method_len] != ' ')
        return SG_HTTP_PARSE_BAD;
    char *target = line + method_len + 1;
    size_t target_len = 0;
    while ((uint8_t)target[target_len] > ' ' && (uint8_t)target[target_len] < 0x7f)
        target_len++;
    if (target_len == 0 || target[target_len] != ' ')
        return SG_HTTP_PARSE_BAD;
    char *version = target + target_len + 1;
    if ((size_t)(line + len - version) != 8)
        return SG_HTTP_PARSE_BAD;
    line[method_len] = target[target_len] = '\0';
    h->method_at = (uint16_t)((uint8_t *)line - h->raw.data);
    h->target_at = (uint16_t)((uint8_t *)target - h->raw.data);
    return parse_version(version, &h->minor);
}

/* version SP 3DIGIT [SP reason]; the reason means nothing. */
static int status_line(struct sg_http_head *h, const char *line, size_t len)
{
    if (len < 12 || line[8] != ' ' || (len > 12 && line[12] != ' '))
        return SG_HTTP_PARSE_BAD;
    int r = parse_version(line, &h->minor);
    if (r)
        return r;
    int status = 0;
    for (size_t i = 9; i < 12; i++) {
        if (!sg_http_is_digit((uint8_t)line[i]))
            return SG_HTTP_PARSE_BAD;
        status = status * 10 + (line[i] - '0');
    }
    if (status < 100 || status > 599)
        return SG_HTTP_PARSE_BAD;
    h->status = status;
    return 0;
}

/* token ":" OWS value OWS.  White space first would be obs-fold: no token character. */
static int field_line(struct sg_http_head *h, char *line, size_t len)
{
    size_t name_len = 0;
    while (sg_http_is_token((uint8_t)line[name_len]))
        name_len++;
    if (name_len == 0 || line[name_len] != ':')
        return SG_HTTP_PARSE_BAD;
    if (h->n_fields == SG_HTTP_HEADERS_MAX)
        return SG_HTTP_PARSE_LARGE;
    char *value = line + name_len + 1, *end = line + len;
    while (*value == ' ' || *value == '\t')
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    line[name_len] = *end = '\0';
    h->fields[h->n_fields].name_at = (uint16_t)((uint8_t *)line - h->raw.data);
    h->fields[h->n_fields].value_at = (uint16_t)((uint8_t *)value - h->raw.data);
    h->n_fields++;
    return note_field(h, line, value);
}

static bool answer_has_no_body(const struct sg_http_head *h)
{
    return h->answers_head || h->status < 200 || h->status == 204 || h->status == 304;
}

/* RFC 9112, section 6.3. */
static int end_head(struct sg_http_head *h)
{
    if (h->chunked && h->has_length)
        return SG_HTTP_PARSE_BAD;
    if (h->kind == SG_HTTP_REQUEST && h->minor == 1 && !h->host_at)
        return SG_HTTP_PARSE_BAD;
    if (h->chunked)
        h->framing = SG_HTTP_CHUNKED;
    else if (h->has_length)
        h->framing = SG_HTTP_LENGTH;
    else
        h->framing = h->kind == SG_HTTP_REQUEST ? SG_HTTP_NO_BODY : SG_HTTP_UNTIL_CLOSE;
    if (h->kind == SG_HTTP_RESPONSE && answer_has_no_body(h))
        h->framing = SG_HTTP_NO_BODY;
    h->keep_alive =
        !h->says_close && (h->minor == 1 || h->says_keep) && h->framing != SG_HTTP_UNTIL_CLOSE;
    return 0;
}

/* The line's CRLF has been appended.  0: that was the empty line which ends the head. */
static int end_line(struct sg_http_head *h)
{
    char *line = (char *)h->raw.data + h->line_at;
    size_t len = h->raw.len - h->line_at - 2;
    bool first = h->n_lines == 0;
    if (first && len == 0 && h->kind == SG_HTTP_REQUEST && !h->skipped_blank) {
        h->skipped_blank = true;
        sg_buf_reset(&h->raw);
        return SG_HTTP_PARSE_MORE;
    }
    line[len] = '\0';
    h->n_lines++;
    h->line_at = h->raw.len;
    int r;
    if (first)
        r = h->kind == SG_HTTP_REQUEST ? request_line(h, line, len) : status_line(h, line, len);
    else if (len == 0)
        return end_head(h);
    else
        r = field_line(h, line, len);
    return r ? r : SG_HTTP_PARSE_MORE;
}

/* Room in raw has been reserved by the caller. */
static int head_octet(struct sg_http_head *h, uint8_t c)
{
    size_t line_len = h->raw.len - h->line_at;
    bool after_cr = line_len && h->raw.data[h->raw.len - 1] == '\r';
    if (h->raw.len == SG_HTTP_HEAD_MAX)
        return SG_HTTP_PARSE_LARGE;
    if (after_cr != (c == '\n'))
        return SG_HTTP_PARSE_BAD;
    if (c != '\n' && c != '\r') {
        if (!sg_http_is_text(c))
            return SG_HTTP_PARSE_BAD;
        if (line_len == SG_HTTP_LINE_MAX)
            return h->n_lines ? SG_HTTP_PARSE_LARGE : SG_HTTP_PARSE_LONG_LINE;
    }
    h->raw.data[h->raw.len++] = c;
    return c == '\n' ? end_line(h) : SG_HTTP_PARSE_MORE;
}

int sg_http_head_feed(struct sg_http_head *h, struct sg_bytes in, size_t *ret_used)
{
    if (h->verdict)
        return h->verdict;
    size_t room = SG_HTTP_HEAD_MAX - h->raw.len;
    int r = sg_buf_reserve(&h->raw, in.len < room ? in.len : room);
    if (r < 0)
        return r;
    for (size_t i = 0; i < in.len; i++) {
        r = head_octet(h, in.data[i]);
        if (r == SG_HTTP_PARSE_MORE)
            continue;
        if (r == 0)
            *ret_used = i + 1;
        else
            h->verdict = r;
        return r;
    }
    *ret_used = in.len;
    return SG_HTTP_PARSE_MORE;
}
