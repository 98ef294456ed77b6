#include "http-chars-int.h"
#include <sealgrid/net/http-parser.h>

void sg_http_target_init(struct sg_http_target *t)
{
    memset(t, 0, sizeof(*t));
    /* Decoding never lengthens; every pair adds two NULs, the path one. */
    t->text = (struct sg_buf)SG_BUF_INIT_SECRET(SG_HTTP_LINE_MAX + 2 * SG_HTTP_HEADERS_MAX + 2);
}

void sg_http_target_clear(struct sg_http_target *t)
{
    sg_buf_clear(&t->text);
    t->n_params = 0;
}

const char *sg_http_target_path(const struct sg_http_target *t)
{
    return (const char *)t->text.data + t->path_at;
}

const char *sg_http_target_param(const struct sg_http_target *t, const char *name)
{
    const char *text = (const char *)t->text.data;
    for (unsigned i = 0; i < t->n_params; i++)
        if (strcmp(text + t->params[i].name_at, name) == 0)
            return text + t->params[i].value_at;
    return NULL;
}

/* One octet of coded text at *at, which moves on; -1 if it is not allowed there. */
static int take_octet(const char **at, const char *end, bool query)
{
    uint8_t c = (uint8_t) * (*at)++;
    if (query && c == '+')
        return ' ';
    if (c != '%')
        return sg_http_is_path(c) || (query && c == '?') ? c : -1;
    if (end - *at < 2)
        return -1;
    int high = sg_http_hex_value((uint8_t)(*at)[0]), low = sg_http_hex_value((uint8_t)(*at)[1]);
    *at += 2;
    int octet = high < 0 || low < 0 ? -1 : high << 4 | low;
    return octet < 0x20 || octet == 0x7f ? -1 : octet;
}

/* Appends the decoded text and a NUL; *ret_at is where it begins. */
static int decode(struct sg_buf *out, struct sg_bytes coded, bool query, size_t *ret_at)
{
    size_t begin = out->len;
    const char *at = (const char *)coded.data, *end = at + coded.len;
    while (at < end) {
        int octet = take_octet(&at, end, query);
        if (octet < 0)
            return SG_HTTP_PARSE_BAD;
        int r = sg_buf_append_u8(out, (uint8_t)octet);
        if (r < 0)
            return r;
    }
    int r = sg_buf_append_u8(out, 0);
    if (r < 0)
        return r;
    *ret_at = begin;
    return 0;
}

static bool has_dot_segment(const char *path)
{
    for (const char *at = path; *at;) {
        at += *at == '/';
        size_t n = strcspn(at, "/");
        if ((n == 1 && at[0] == '.') || (n == 2 && at[0] == '.' && at[1] == '.'))
            return true;
        at += n;
    }
    return false;
}

static int parse_path(struct sg_http_target *t, const char *path, size_t len)
{
    if (len == 0 || path[0] != '/')
        return SG_HTTP_PARSE_BAD;
    int r = decode(&t->text, SG_BYTES(path, len), false, &t->path_at);
    if (r)
        return r;
    return has_dot_segment(sg_http_target_path(t)) ? SG_HTTP_PARSE_BAD : 0;
}

static int parse_param(struct sg_http_target *t, const char *pair, size_t len)
{
    if (len == 0)
        return 0;
    if (t->n_params == SG_HTTP_HEADERS_MAX)
        return SG_HTTP_PARSE_BAD;
    const char *equals = memchr(pair, '=', len);
    size_t name_len = equals ? (size_t)(equals - pair) : len;
    size_t value_from = equals ? name_len + 1 : len;
    size_t name_at, value_at;
    int r = decode(&t->text, SG_BYTES(pair, name_len), true, &name_at);
    if (r)
        return r;
    r = decode(&t->text, SG_BYTES(pair + value_from, len - value_from), true, &value_at);
    if (r)
        return r;
    t->params[t->n_params].name_at = name_at;
    t->params[t->n_params].value_at = value_at;
    t->n_params++;
    return 0;
}

static int parse_query(struct sg_http_target *t, const char *query)
{
    for (;;) {
        size_t n = strcspn(query, "&");
        int r = parse_param(t, query, n);
        if (r || query[n] == '\0')
            return r;
        query += n + 1;
    }
}

static bool same_authority(const char *a, size_t a_len, const char *host)
{
    if (!host || strlen(host) != a_len)
        return false;
    for (size_t i = 0; i < a_len; i++)
        if (sg_http_lower((uint8_t)a[i]) != sg_http_lower((uint8_t)host[i]))
            return false;
    return true;
}

/* The part of an absolute-form target after its authority, NULL if it is not ours to answer. */
static const char *strip_authority(const char *target, const char *host)
{
    for (size_t i = 0; i < 2; i++) {
        const char *scheme = i ? "https://" : "http://";
        size_t n = strlen(scheme);
        if (strncmp(target, scheme, n) != 0)
            continue;
        const char *authority = target + n;
        size_t len = strcspn(authority, "/?");
        return same_authority(authority, len, host) ? authority + len : NULL;
    }
    return NULL;
}

int sg_http_target_parse(struct sg_http_target *t, const char *method, const char *target,
                         const char *host)
{
    sg_buf_reset(&t->text);
    t->n_params = 0;
    t->path_at = 0;
    if (strcmp(target, "*") == 0) {
        if (strcmp(method, "OPTIONS") != 0)
            return SG_HTTP_PARSE_BAD;
        return sg_buf_append(&t->text, SG_BYTES("*", 2));
    }
    if (target[0] != '/') {
        target = strip_authority(target, host);
        if (!target)
            return SG_HTTP_PARSE_BAD;
    }
    size_t path_len = strcspn(target, "?");
    int r = parse_path(t, target, path_len);
    if (r || target[path_len] == '\0')
        return r;
    return parse_query(t, target + path_len + 1);
}
