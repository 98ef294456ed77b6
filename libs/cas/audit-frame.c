#include "audit-int.h"

const struct sg_message_type sg_cas_record_type =
    SG_MESSAGE_TYPE(sg_cas_record, SG_CAS_RECORD_FIELDS);
const struct sg_message_type sg_cas_head_type = SG_MESSAGE_TYPE(sg_cas_head, SG_CAS_HEAD_FIELDS);

#define LENGTH_LEN 4
#define ROOT_LEN   32

int sg_cas_frame_take(struct sg_cas_replay *p, struct sg_reader *in, struct sg_cas_record *ret,
                      uint8_t ret_leaf[32], size_t *ret_len)
{
    struct sg_reader r = *in;
    struct sg_bytes encoded, root;
    struct sg_cas_record record;
    struct sg_merkle tree = p->tree;
    uint8_t leaf[32], expected[ROOT_LEN];
    uint32_t len;
    *ret_len = 0;
    if (!sg_take_be32(&r, &len))
        return SG_CAS_FRAME_SHORT;
    *ret_len = LENGTH_LEN + (size_t)len + ROOT_LEN;
    if (len == 0 || len > SG_CAS_RECORD_MAX)
        return SG_CAS_FRAME_BAD;
    if (!sg_take(&r, len, &encoded) || !sg_take(&r, ROOT_LEN, &root))
        return SG_CAS_FRAME_SHORT;
    sg_merkle_leaf(leaf, &encoded, 1);
    sg_merkle_add(&tree, leaf);
    sg_merkle_finish(&tree, expected);
    if (!sg_bytes_equal(root, SG_BYTES_ARRAY(expected)) ||
        sg_message_decode(&sg_cas_record_type, encoded, &record) < 0 || record.index != p->tree.n)
        return SG_CAS_FRAME_BAD;
    *ret = record;
    memcpy(ret_leaf, leaf, sizeof leaf);
    p->tree = tree;
    *in = r;
    return 0;
}

static int put_frame(struct sg_bytes encoded, const uint8_t root[ROOT_LEN], struct sg_buf *ret)
{
    int r = sg_buf_reserve(ret, LENGTH_LEN + encoded.len + ROOT_LEN);
    if (r == 0)
        r = sg_buf_append_be32(ret, (uint32_t)encoded.len);
    if (r == 0)
        r = sg_buf_append(ret, encoded);
    return r < 0 ? r : sg_buf_append(ret, SG_BYTES(root, ROOT_LEN));
}

int sg_cas_frame_put(struct sg_cas_replay *p, const struct sg_cas_record *record,
                     struct sg_buf *ret, uint8_t ret_leaf[32])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf encoded = SG_BUF_INIT(SG_CAS_RECORD_MAX);
    struct sg_merkle tree = p->tree;
    uint8_t leaf[32], root[ROOT_LEN];
    sg_assert(record->index == tree.n);
    int r = sg_message_encode(&sg_cas_record_type, record, &encoded);
    if (r < 0)
        return r;
    struct sg_bytes octets = sg_buf_bytes(&encoded);
    sg_merkle_leaf(leaf, &octets, 1);
    sg_merkle_add(&tree, leaf);
    sg_merkle_finish(&tree, root);
    r = put_frame(octets, root, ret);
    if (r < 0)
        return r;
    memcpy(ret_leaf, leaf, sizeof leaf);
    p->tree = tree;
    return 0;
}

static int head_message(const struct sg_cas_head *h, struct sg_buf *ret)
{
    int r = sg_buf_append(ret, SG_BYTES_LIT(SG_CAS_HEAD_LABEL));
    if (r == 0)
        r = sg_buf_append_be64(ret, h->size);
    if (r == 0)
        r = sg_buf_append(ret, SG_BYTES_ARRAY(h->root));
    return r < 0 ? r : sg_buf_append_be64(ret, (uint64_t)h->time_s);
}

int sg_cas_head_verify(const struct sg_cas_head *h, const struct sg_key *key)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf message = SG_BUF_INIT(128);
    int r = head_message(h, &message);
    if (r < 0)
        return r;
    r = sg_verify(key, SG_SIGN_ES256, sg_buf_bytes(&message), SG_BYTES_ARRAY(h->signature));
    return r > 0 ? SG_VERIFY_BAD : r;
}

int sg_cas_head_sign(struct sg_cas_head *h, const struct sg_key *key)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf message = SG_BUF_INIT(128);
    SG_CLEANUP(sg_buf_clear) struct sg_buf signature = SG_BUF_INIT(64);
    int r = head_message(h, &message);
    if (r == 0)
        r = sg_sign(key, SG_SIGN_ES256, sg_buf_bytes(&message), &signature);
    if (r < 0)
        return r;
    sg_assert(signature.len == sizeof h->signature);
    memcpy(h->signature, signature.data, sizeof h->signature);
    return 0;
}
