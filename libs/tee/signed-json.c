#include "signed-json-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>

static void skip_space(struct sg_reader *r)
{
    while (r->left && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++, r->left--;
}

static bool take_char(struct sg_reader *r, char c)
{
    skip_space(r);
    if (!r->left || *r->at != (uint8_t)c)
        return false;
    r->at++, r->left--;
    return true;
}

/* The octets between the quotes, escapes left as they are. */
static bool take_string(struct sg_reader *r, struct sg_bytes *ret)
{
    if (!take_char(r, '"'))
        return false;
    const uint8_t *start = r->at;
    for (; r->left; r->at++, r->left--) {
        if (*r->at < 0x20)
            return false;
        if (*r->at == '"') {
            *ret = SG_BYTES(start, (size_t)(r->at - start));
            r->at++, r->left--;
            return true;
        }
        if (*r->at == '\\') {
            if (r->left < 2)
                return false;
            r->at++, r->left--;
        }
    }
    return false;
}

/* Up to the bracket that closes the one just read.  Bracket kinds must match; what stands between
 * is the library's to judge. */
static bool skip_nested(struct sg_reader *r, char close)
{
    char stack[SG_TEE_JSON_DEPTH];
    size_t depth = 0;
    struct sg_bytes string;
    stack[depth++] = close;
    while (r->left) {
        const uint8_t c = *r->at;
        if (c == '"') {
            if (!take_string(r, &string))
                return false;
            continue;
        }
        r->at++, r->left--;
        if (c == '{' || c == '[') {
            if (depth == SG_TEE_JSON_DEPTH)
                return false;
            stack[depth++] = c == '{' ? '}' : ']';
        } else if (c == '}' || c == ']') {
            if (stack[--depth] != (char)c)
                return false;
            if (depth == 0)
                return true;
        }
    }
    return false;
}

static bool is_plain(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' ||
           c == 'E';
}

static bool take_value(struct sg_reader *r, struct sg_bytes *ret)
{
    struct sg_bytes string;
    skip_space(r);
    const uint8_t *start = r->at;
    if (!r->left)
        return false;
    if (*start == '"') {
        if (!take_string(r, &string))
            return false;
    } else if (*start == '{' || *start == '[') {
        r->at++, r->left--;
        if (!skip_nested(r, *start == '{' ? '}' : ']'))
            return false;
    } else {
        while (r->left && is_plain(*r->at))
            r->at++, r->left--;
    }
    *ret = SG_BYTES(start, (size_t)(r->at - start));
    return ret->len > 0;
}

struct found {
    size_t n_names, name;
    struct sg_bytes object;
    size_t n_signatures;
    struct sg_bytes signature;
};

static void note(struct found *f, const char *const *names, struct sg_bytes key,
                 struct sg_bytes value)
{
    if (sg_bytes_equal(key, SG_BYTES_LIT("signature"))) {
        f->n_signatures++;
        f->signature = value;
    }
    for (size_t i = 0; names[i]; i++) {
        if (sg_bytes_equal(key, sg_bytes_str(names[i]))) {
            f->n_names++;
            f->name = i;
            f->object = value;
        }
    }
}

/* false: not well-formed up to the end. */
static bool scan(struct sg_bytes text, const char *const *names, struct found *f)
{
    struct sg_reader r = sg_reader_over(text);
    struct sg_bytes key, value;
    if (!take_char(&r, '{'))
        return false;
    do {
        if (!take_string(&r, &key) || memchr(key.data, '\\', key.len) || !take_char(&r, ':'))
            return false;
        const bool ok = take_value(&r, &value);
        note(f, names, key, ok ? value : SG_BYTES_NONE);
        if (!ok)
            return false;
    } while (take_char(&r, ','));
    if (!take_char(&r, '}'))
        return false;
    skip_space(&r);
    return !r.left;
}

static bool read_signature(struct sg_bytes quoted, uint8_t ret[64])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf raw = SG_BUF_INIT(64);
    if (quoted.len != 130 || quoted.data[0] != '"' ||
        sg_hex_decode(&raw, SG_BYTES(quoted.data + 1, 128)) < 0 || raw.len != 64)
        return false;
    memcpy(ret, raw.data, 64);
    return true;
}

enum sg_tee_signed_json sg_tee_signed_json(struct sg_bytes text, const char *const *names,
                                           size_t *ret_name, struct sg_bytes *ret_object,
                                           uint8_t ret_signature[64])
{
    struct found f = {0};
    const bool whole = scan(text, names, &f);
    if (!f.n_names)
        return SG_TEE_SIGNED_JSON_FOREIGN;
    if (!whole || f.n_names != 1 || f.n_signatures != 1 || f.object.data[0] != '{' ||
        !read_signature(f.signature, ret_signature))
        return SG_TEE_SIGNED_JSON_BROKEN;
    *ret_name = f.name;
    *ret_object = f.object;
    return SG_TEE_SIGNED_JSON_OK;
}
