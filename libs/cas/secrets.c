#include "messages-int.h"

#define NAME_MAX_LEN 127
#define VALUE_MAX    65536

void sg_cas_secrets_clear(struct sg_cas_secrets *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->items[i].name);
        sg_secret_clear(&l->items[i].value);
    }
    free(l->items);
    *l = (struct sg_cas_secrets){NULL, 0};
}

int sg_cas_secrets_add(struct sg_cas_secrets *l, struct sg_bytes name, struct sg_secret *value)
{
    SG_FREE char *copy = strndup((const char *)name.data, name.len);
    struct sg_cas_secret *grown = realloc(l->items, (l->n + 1) * sizeof *grown);
    if (grown)
        l->items = grown;
    if (!copy || !grown)
        return sg_raise(-ENOMEM);
    l->items[l->n++] =
        (struct sg_cas_secret){.name = TAKE_PTR(copy), .value = sg_secret_take(value)};
    return 0;
}

struct sg_secret *sg_cas_secrets_find(const struct sg_cas_secrets *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->items[i].name, name) == 0)
            return &l->items[i].value;
    return NULL;
}

int sg_cas_secret_put(struct sg_buf *ret, const char *name, struct sg_bytes value)
{
    int r = sg_cbor_put_array(ret, 2);
    if (r == 0)
        r = sg_cbor_put_text(ret, name);
    return r < 0 ? r : sg_cbor_put_bytes(ret, value);
}

int sg_cas_secrets_encode(const struct sg_cas_secrets *l, struct sg_buf *ret)
{
    int r = sg_cbor_put_array(ret, l->n);
    for (size_t i = 0; i < l->n && r == 0; i++)
        r = sg_cas_secret_put(ret, l->items[i].name, sg_secret_bytes(&l->items[i].value));
    return r;
}

static int take_pair(struct sg_cas_secrets *l, struct sg_reader *in)
{
    SG_CLEANUP(sg_secret_clear) struct sg_secret value = SG_SECRET_INIT;
    struct sg_bytes name = SG_BYTES_NONE, octets = SG_BYTES_NONE;
    uint64_t two = 0;
    int r = sg_cbor_get_array(in, &two);
    if (r == 0 && two != 2)
        r = sg_raise(-EBADMSG);
    if (r == 0)
        r = sg_cbor_get_text(in, &name);
    if (r == 0)
        r = sg_cbor_get_bytes(in, &octets);
    if (r < 0)
        return r;
    if (name.len == 0 || name.len > NAME_MAX_LEN || memchr(name.data, 0, name.len))
        return sg_raisef(-EBADMSG, "secret with a bad name");
    if (octets.len == 0 || octets.len > VALUE_MAX)
        return sg_raisef(-EBADMSG, "secret of %zu octets", octets.len);
    for (size_t i = 0; i < l->n; i++)
        if (sg_bytes_equal(sg_bytes_str(l->items[i].name), name))
            return sg_raisef(-EBADMSG, "secret stands twice");
    r = sg_secret_copy(&value, octets);
    return r < 0 ? r : sg_cas_secrets_add(l, name, &value);
}

int sg_cas_secrets_decode(struct sg_cas_secrets *ret, struct sg_bytes encoded)
{
    SG_CLEANUP(sg_cas_secrets_clear) struct sg_cas_secrets l = {NULL, 0};
    struct sg_reader in = sg_reader_over(encoded);
    uint64_t n = 0;
    int r = sg_cbor_get_array(&in, &n);
    for (uint64_t i = 0; i < n && r == 0; i++)
        r = take_pair(&l, &in);
    if (r == 0 && in.left)
        r = sg_raise(-EBADMSG);
    if (r < 0)
        return r;
    *ret = l;
    l = (struct sg_cas_secrets){NULL, 0};
    return 0;
}
