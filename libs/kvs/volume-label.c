/* The label's encoding: docs/adr/0003, section "Volume label". */
#include <sealgrid/crypto/hash.h>

#include "volume-int.h"

static const char magic[9] = "SGLABEL1";
#define FILES_MAX 100000

static void label_mac(struct sg_bytes key, struct sg_bytes contents,
                      uint8_t ret[SG_JOURNAL_MAC_LEN])
{
    const struct sg_bytes parts[] = {SG_BYTES_LIT("sg-label1"), contents};
    sg_blake2b_parts(ret, SG_JOURNAL_MAC_LEN, key, parts, 2);
}

void sg_volume_inventory_clear(struct sg_volume_inventory *v)
{
    for (size_t i = 0; i < v->n; i++)
        free(v->files[i].name);
    free(v->files);
    *v = (struct sg_volume_inventory){NULL, 0};
}

static int encode_file(const struct sg_volume_file *f, struct sg_buf *out)
{
    struct sg_bytes name = sg_bytes_str(f->name);
    int r = sg_buf_append_be16(out, (uint16_t)name.len);
    if (r == 0)
        r = sg_buf_append(out, name);
    if (r == 0)
        r = sg_buf_append_be64(out, f->bytes);
    return r < 0 ? r : sg_buf_append_be32(out, f->crc);
}

static int encode_fixed(const struct sg_label *l, struct sg_buf *out)
{
    int r = sg_buf_append(out, SG_BYTES(magic, 8));
    if (r == 0)
        r = sg_buf_append(out, SG_BYTES_ARRAY(l->store_id));
    if (r == 0)
        r = sg_buf_append_be16(out, l->slot);
    if (r == 0)
        r = sg_buf_append_be64(out, l->seq);
    if (r == 0)
        r = sg_buf_append(out, SG_BYTES_ARRAY(l->mac));
    if (r == 0)
        r = sg_buf_append_be32(out, l->generation);
    return r < 0 ? r : sg_buf_append_be32(out, (uint32_t)l->inventory.n);
}

int sg_label_encode(const struct sg_label *l, struct sg_bytes key, struct sg_buf *out)
{
    uint8_t mac[SG_JOURNAL_MAC_LEN];
    int r = encode_fixed(l, out);
    for (size_t i = 0; r == 0 && i < l->inventory.n; i++)
        r = encode_file(&l->inventory.files[i], out);
    if (r < 0)
        return r;
    label_mac(key, sg_buf_bytes(out), mac);
    return sg_buf_append(out, SG_BYTES_ARRAY(mac));
}

static bool decode_file(struct sg_reader *r, struct sg_volume_file *ret)
{
    uint16_t len;
    struct sg_bytes name;
    if (!sg_take_be16(r, &len) || !sg_take(r, len, &name) || !sg_take_be64(r, &ret->bytes) ||
        !sg_take_be32(r, &ret->crc) || memchr(name.data, 0, name.len))
        return false;
    ret->name = strndup((const char *)name.data, name.len);
    return ret->name != NULL;
}

static bool decode_inventory(struct sg_reader *r, struct sg_volume_inventory *ret)
{
    uint32_t n;
    if (!sg_take_be32(r, &n) || n > FILES_MAX)
        return false;
    ret->files = calloc(n ? n : 1, sizeof(*ret->files));
    if (!ret->files)
        return false;
    for (; ret->n < n; ret->n++)
        if (!decode_file(r, &ret->files[ret->n]))
            return false;
    return r->left == 0;
}

static bool mac_ok(struct sg_bytes in, struct sg_bytes key)
{
    uint8_t mac[SG_JOURNAL_MAC_LEN];
    if (in.len < sizeof(mac))
        return false;
    size_t n = in.len - sizeof(mac);
    label_mac(key, SG_BYTES(in.data, n), mac);
    return sg_secret_equal(SG_BYTES_ARRAY(mac), SG_BYTES(in.data + n, sizeof(mac)));
}

int sg_label_decode(struct sg_bytes in, struct sg_bytes key, struct sg_label *ret)
{
    struct sg_label l = {.slot = 0};
    struct sg_bytes head, id, mac;
    if (!mac_ok(in, key))
        return sg_raise(-EBADMSG);
    struct sg_reader r = sg_reader_over(SG_BYTES(in.data, in.len - SG_JOURNAL_MAC_LEN));
    bool ok = sg_take(&r, 8, &head) && memcmp(head.data, magic, 8) == 0 &&
              sg_take(&r, SG_STORE_ID_LEN, &id) && sg_take_be16(&r, &l.slot) &&
              sg_take_be64(&r, &l.seq) && sg_take(&r, SG_JOURNAL_MAC_LEN, &mac) &&
              sg_take_be32(&r, &l.generation) && decode_inventory(&r, &l.inventory);
    if (!ok || l.slot >= SG_STORE_VOLUMES_MAX) {
        sg_volume_inventory_clear(&l.inventory);
        return sg_raise(-EBADMSG);
    }
    memcpy(l.store_id, id.data, SG_STORE_ID_LEN);
    memcpy(l.mac, mac.data, SG_JOURNAL_MAC_LEN);
    *ret = l;
    return 0;
}
