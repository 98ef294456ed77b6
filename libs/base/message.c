#include <sealgrid/base/message.h>

#include <stdalign.h>

#define TEXT_MAX 255

static bool length_fits(const struct sg_message_field *f, size_t n)
{
    return n >= (uint64_t)f->min && n <= (uint64_t)f->max;
}

/* A negative maximum of a UINT means none. */
static bool uint_fits(const struct sg_message_field *f, uint64_t v)
{
    return v >= (uint64_t)f->min && (f->max < 0 || v <= (uint64_t)f->max);
}

static bool int_fits(const struct sg_message_field *f, int64_t v)
{
    return v >= f->min && v <= f->max;
}

static int put_text(struct sg_buf *b, struct sg_bytes text)
{
    char z[TEXT_MAX + 1];
    if (text.len > TEXT_MAX || (text.len && memchr(text.data, 0, text.len)))
        return sg_raise(-EINVAL);
    if (text.len)
        memcpy(z, text.data, text.len);
    z[text.len] = 0;
    return sg_cbor_put_text(b, z);
}

static int put_run(const struct sg_message_field *f, struct sg_bytes v, struct sg_buf *b)
{
    if (!length_fits(f, v.len))
        return sg_raisef(-EINVAL, "field %s has %zu octets", f->name, v.len);
    switch (f->kind) {
    case SG_MESSAGE_TEXT:
        return put_text(b, v);
    case SG_MESSAGE_ITEM:
        return sg_buf_append(b, v);
    default:
        return sg_cbor_put_bytes(b, v);
    }
}

static int put_field(const struct sg_message_field *f, const void *member, struct sg_buf *b)
{
    switch (f->kind) {
    case SG_MESSAGE_UINT:
        if (!uint_fits(f, *(const uint64_t *)member))
            return sg_raisef(-EINVAL, "field %s out of range", f->name);
        return sg_cbor_put_uint(b, *(const uint64_t *)member);
    case SG_MESSAGE_INT:
        if (!int_fits(f, *(const int64_t *)member))
            return sg_raisef(-EINVAL, "field %s out of range", f->name);
        return sg_cbor_put_int(b, *(const int64_t *)member);
    case SG_MESSAGE_BOOL:
        return sg_cbor_put_bool(b, *(const bool *)member);
    case SG_MESSAGE_OCTETS:
        return sg_cbor_put_bytes(b, SG_BYTES(member, (size_t)f->max));
    case SG_MESSAGE_BYTES:
    case SG_MESSAGE_TEXT:
    case SG_MESSAGE_ITEM:
        return put_run(f, *(const struct sg_bytes *)member, b);
    }
    return sg_raise(-EINVAL);
}

static int put_fields(const struct sg_message_type *t, const void *message, struct sg_buf *b)
{
    int r = sg_cbor_put_map(b, t->n_fields);
    for (size_t i = 0; i < t->n_fields && r == 0; i++) {
        const struct sg_message_field *f = &t->fields[i];
        r = sg_cbor_put_uint(b, i + 1);
        if (r == 0)
            r = put_field(f, (const uint8_t *)message + f->offset, b);
    }
    return r;
}

int sg_message_encode(const struct sg_message_type *t, const void *message, struct sg_buf *ret)
{
    size_t before = ret->len;
    int r = put_fields(t, message, ret);
    if (r < 0) {
        if (ret->secret && ret->len > before)
            explicit_bzero(ret->data + before, ret->len - before);
        ret->len = before;
    }
    return r;
}

static int get_run(const struct sg_message_field *f, struct sg_reader *r, struct sg_bytes *ret)
{
    switch (f->kind) {
    case SG_MESSAGE_TEXT:
        return sg_cbor_get_text(r, ret);
    case SG_MESSAGE_ITEM:
        return sg_cbor_skip(r, ret);
    default:
        return sg_cbor_get_bytes(r, ret);
    }
}

static int get_bounded_run(const struct sg_message_field *f, struct sg_reader *in, void *member)
{
    struct sg_bytes v = SG_BYTES_NONE;
    int r = get_run(f, in, &v);
    if (r < 0)
        return r;
    if (f->kind == SG_MESSAGE_OCTETS ? v.len != (size_t)f->max : !length_fits(f, v.len))
        return sg_raisef(-EBADMSG, "field %s has %zu octets", f->name, v.len);
    if (f->kind == SG_MESSAGE_TEXT && v.len && (v.len > TEXT_MAX || memchr(v.data, 0, v.len)))
        return sg_raisef(-EBADMSG, "field %s is no plain text", f->name);
    if (f->kind == SG_MESSAGE_OCTETS)
        memcpy(member, v.data, v.len);
    else
        *(struct sg_bytes *)member = v;
    return 0;
}

static int get_field(const struct sg_message_field *f, struct sg_reader *in, void *member)
{
    int r;
    switch (f->kind) {
    case SG_MESSAGE_UINT:
        r = sg_cbor_get_uint(in, member);
        if (r == 0 && !uint_fits(f, *(uint64_t *)member))
            r = sg_raisef(-EBADMSG, "field %s out of range", f->name);
        return r;
    case SG_MESSAGE_INT:
        r = sg_cbor_get_int(in, member);
        if (r == 0 && !int_fits(f, *(int64_t *)member))
            r = sg_raisef(-EBADMSG, "field %s out of range", f->name);
        return r;
    case SG_MESSAGE_BOOL:
        return sg_cbor_get_bool(in, member);
    default:
        return get_bounded_run(f, in, member);
    }
}

static int get_fields(const struct sg_message_type *t, struct sg_reader *in, uint8_t *message)
{
    uint64_t pairs = 0, key = 0;
    int r = sg_cbor_get_map(in, &pairs);
    if (r < 0)
        return r;
    if (pairs != t->n_fields)
        return sg_raisef(-EBADMSG, "%s has %llu fields", t->name, (unsigned long long)pairs);
    for (size_t i = 0; i < t->n_fields; i++) {
        const struct sg_message_field *f = &t->fields[i];
        r = sg_cbor_get_uint(in, &key);
        if (r < 0)
            return r;
        if (key != i + 1)
            return sg_raisef(-EBADMSG, "%s.%s has a foreign key", t->name, f->name);
        r = get_field(f, in, message + f->offset);
        if (r < 0)
            return r;
    }
    return in->left ? sg_raisef(-EBADMSG, "%s is followed by something", t->name) : 0;
}

int sg_message_decode(const struct sg_message_type *t, struct sg_bytes encoded, void *ret)
{
    alignas(max_align_t) uint8_t message[SG_MESSAGE_STRUCT_MAX] = {0};
    sg_assert(t->size <= sizeof message);
    struct sg_reader in = sg_reader_over(encoded);
    int r = get_fields(t, &in, message);
    if (r == 0)
        memcpy(ret, message, t->size);
    return r;
}
