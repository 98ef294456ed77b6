/* Manifest: encoding of docs/adr/0003, section "Objects". */
#include "object-int.h"

#define SHARD_ENCODED (1 + 4 + 4 + 4 + SG_FRAGMENT_HASH_LEN)
#define KIND_INLINE   0
#define KIND_CHUNKS   1

struct sg_kv_key sg_object_key(struct sg_bytes name)
{
    return (struct sg_kv_key){.table = SG_TABLE_OBJECTS, .partition = name};
}

void sg_manifest_clear(struct sg_manifest *m)
{
    free(m->shards);
    m->shards = NULL;
    sg_wipe(m->key, sizeof(m->key));
}

size_t sg_manifest_chunk_len(const struct sg_manifest *m, size_t i)
{
    uint64_t left = m->size - (uint64_t)i * m->chunk_bytes;
    return (size_t)(left < m->chunk_bytes ? left : m->chunk_bytes);
}

size_t sg_manifest_shard_len(const struct sg_manifest *m, size_t i)
{
    size_t sealed = sg_manifest_chunk_len(m, i) + SG_TAG_LEN;
    unsigned k = m->policy.ec_data ? m->policy.ec_data : 1;
    return (sealed + k - 1) / k;
}

static int encode_shard(const struct sg_shard *s, struct sg_buf *out)
{
    uint8_t p[SHARD_ENCODED];
    p[0] = s->slot;
    sg_store_be32(p + 1, s->segment);
    sg_store_be32(p + 5, s->offset);
    sg_store_be32(p + 9, s->len);
    memcpy(p + 13, s->hash, SG_FRAGMENT_HASH_LEN);
    return sg_buf_append(out, SG_BYTES_ARRAY(p));
}

static int encode_chunks(const struct sg_manifest *m, struct sg_buf *out)
{
    uint8_t policy[3] = {(uint8_t)m->policy.replicas, (uint8_t)m->policy.ec_data,
                         (uint8_t)m->policy.ec_parity};
    size_t n = m->n_chunks * sg_manifest_shards(m);
    int r = sg_buf_append(out, SG_BYTES_ARRAY(m->id));
    if (r == 0)
        r = sg_buf_append(out, SG_BYTES_ARRAY(m->key));
    if (r == 0)
        r = sg_buf_append_be32(out, m->chunk_bytes);
    if (r == 0)
        r = sg_buf_append(out, SG_BYTES_ARRAY(policy));
    for (size_t i = 0; r == 0 && i < n; i++)
        r = encode_shard(&m->shards[i], out);
    return r;
}

int sg_manifest_encode(const struct sg_manifest *m, struct sg_buf *out)
{
    int r = sg_buf_append_u8(out, SG_FORMAT);
    if (r == 0)
        r = sg_buf_append_u8(out, m->is_inline ? KIND_INLINE : KIND_CHUNKS);
    if (r == 0)
        r = sg_buf_append_be64(out, m->size);
    if (r < 0)
        return r;
    return m->is_inline ? sg_buf_append(out, m->contents) : encode_chunks(m, out);
}

static bool take_shard(struct sg_reader *r, struct sg_shard *ret)
{
    struct sg_bytes hash;
    if (!sg_take_u8(r, &ret->slot) || !sg_take_be32(r, &ret->segment) ||
        !sg_take_be32(r, &ret->offset) || !sg_take_be32(r, &ret->len) ||
        !sg_take(r, SG_FRAGMENT_HASH_LEN, &hash))
        return false;
    memcpy(ret->hash, hash.data, hash.len);
    return true;
}

static bool take_policy(struct sg_reader *r, struct sg_policy *ret)
{
    struct sg_bytes p;
    if (!sg_take(r, 3, &p))
        return false;
    *ret = (struct sg_policy){p.data[0], p.data[1], p.data[2]};
    return ret->replicas <= SG_POLICY_REPLICAS_MAX && ret->ec_data <= SG_POLICY_EC_DATA_MAX &&
           ret->ec_parity <= SG_POLICY_EC_PARITY_MAX &&
           (ret->ec_data > 0) == (ret->ec_parity > 0) && ret->replicas + ret->ec_data > 0;
}

static bool chunks_fit(struct sg_manifest *m)
{
    if (m->size == 0 || m->chunk_bytes == 0 || m->chunk_bytes > SG_FRAGMENT_BYTES_MAX - 64)
        return false;
    uint64_t n = (m->size + m->chunk_bytes - 1) / m->chunk_bytes;
    m->n_chunks = (size_t)n;
    return n <= SG_OBJECT_CHUNKS_MAX;
}

static bool take_shards(struct sg_reader *r, struct sg_manifest *m)
{
    unsigned per_chunk = sg_manifest_shards(m);
    m->shards = calloc(m->n_chunks * per_chunk, sizeof(*m->shards));
    for (size_t i = 0; m->shards && i < m->n_chunks * per_chunk; i++) {
        bool copy = i % per_chunk < m->policy.replicas;
        size_t want = copy ? sg_manifest_chunk_len(m, i / per_chunk) + SG_TAG_LEN
                           : sg_manifest_shard_len(m, i / per_chunk);
        if (!take_shard(r, &m->shards[i]) || m->shards[i].len != want)
            return false;
    }
    return m->shards && r->left == 0;
}

static bool take_chunks(struct sg_reader *r, struct sg_manifest *m)
{
    struct sg_bytes id, key;
    if (!sg_take(r, SG_OBJECT_ID_LEN, &id) || !sg_take(r, SG_KEY_LEN, &key) ||
        !sg_take_be32(r, &m->chunk_bytes) || !take_policy(r, &m->policy) || !chunks_fit(m))
        return false;
    memcpy(m->id, id.data, id.len);
    memcpy(m->key, key.data, key.len);
    return take_shards(r, m);
}

int sg_manifest_decode(struct sg_bytes in, struct sg_manifest *ret)
{
    struct sg_manifest m = {.shards = NULL};
    struct sg_reader r = sg_reader_over(in);
    uint8_t format, kind;
    bool ok = sg_take_u8(&r, &format) && sg_take_u8(&r, &kind) && sg_take_be64(&r, &m.size) &&
              format == SG_FORMAT && kind <= KIND_CHUNKS;
    if (ok && kind == KIND_INLINE) {
        m.is_inline = true;
        ok = sg_take(&r, r.left, &m.contents) && m.contents.len == m.size;
    } else if (ok) {
        ok = take_chunks(&r, &m);
    }
    if (!ok) {
        sg_manifest_clear(&m);
        return sg_raise(-EBADMSG);
    }
    *ret = m;
    return 0;
}
