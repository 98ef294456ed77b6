#include "object-int.h"

#include <sealgrid/base/random.h>

#define MANIFEST_BYTES_MAX SG_COLUMNS_VALUE_MAX

/* Put. */

static void describe(struct sg_manifest *m, struct sg_bucket *b, size_t size)
{
    *m = (struct sg_manifest){.size = size};
    m->is_inline = size <= SG_OBJECT_INLINE_MAX;
    if (m->is_inline)
        return;
    pthread_mutex_lock(&b->lock);
    m->policy = b->policy;
    pthread_mutex_unlock(&b->lock);
    sg_random_bytes(m->id, sizeof(m->id));
    sg_random_bytes(m->key, sizeof(m->key));
    size_t unit = SG_OBJECT_CHUNK_BYTES;
    size_t units = (size + unit * SG_OBJECT_CHUNKS_MAX - 1) / (unit * SG_OBJECT_CHUNKS_MAX);
    m->chunk_bytes = (uint32_t)(units * unit);
    m->n_chunks = (size + m->chunk_bytes - 1) / m->chunk_bytes;
}

static int write_chunks(struct sg_store *s, struct sg_manifest *m, struct sg_bytes contents)
{
    SG_CLEANUP(sg_chunk_clear) struct sg_chunk c = {.s = s, .m = m};
    unsigned per_chunk = sg_manifest_shards(m);
    uint64_t slots = 0;
    m->shards = calloc(m->n_chunks * per_chunk, sizeof(*m->shards));
    if (!m->shards)
        return sg_raise(-ENOMEM);
    for (c.i = 0; c.i < m->n_chunks; c.i++) {
        struct sg_bytes plain =
            SG_BYTES(contents.data + c.i * m->chunk_bytes, sg_manifest_chunk_len(m, c.i));
        int r = sg_chunk_seal(&c, plain);
        if (r == 0)
            r = sg_chunk_write(&c, (uint32_t)((1ull << per_chunk) - 1), m->shards + c.i * per_chunk,
                               &slots);
        if (r < 0)
            return r;
    }
    return sg_fragments_sync(s->fragments, slots);
}

static int put_manifest(struct sg_store *s, struct sg_bucket *b, const char *name,
                        const struct sg_manifest *m)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT_SECRET(MANIFEST_BYTES_MAX);
    int r = sg_manifest_encode(m, &value);
    if (r < 0)
        return r;
    const struct sg_kv_op op = {
        .kind = SG_KV_PUT, .key = sg_object_key(sg_bytes_str(name)), .value = sg_buf_bytes(&value)};
    r = sg_store_batch(s, b, &op, 1, NULL);
    return r == SG_KV_DAMAGED ? r : r ? sg_fold(r) : 0;
}

int sg_object_put(struct sg_store *s, struct sg_bucket *b, const char *name,
                  struct sg_bytes contents)
{
    SG_CLEANUP(sg_manifest_clear) struct sg_manifest m = {.shards = NULL};
    int r = sg_store_usable(s);
    if (r < 0)
        return r;
    describe(&m, b, contents.len);
    m.contents = contents;
    sg_fragments_use(s->fragments);
    if (!m.is_inline)
        r = write_chunks(s, &m, contents);
    if (r == 0)
        r = put_manifest(s, b, name, &m);
    sg_fragments_unuse(s->fragments);
    return r;
}

/* Get. */

static void count_damage(struct sg_store *s, const struct sg_chunk *c)
{
    for (unsigned slot = 0; slot < s->n_volumes; slot++)
        if (c->bad_slots >> slot & 1)
            sg_store_damage(s, slot, 1);
}

static int read_chunks(struct sg_store *s, const struct sg_manifest *m, struct sg_buf *ret)
{
    SG_CLEANUP(sg_chunk_clear) struct sg_chunk c = {.s = s, .m = m};
    int r = sg_buf_reserve(ret, (size_t)m->size);
    for (c.i = 0; r == 0 && c.i < m->n_chunks; c.i++) {
        c.bad_slots = 0;
        r = sg_chunk_read(&c, false);
        count_damage(s, &c);
        if (r == 0)
            r = sg_chunk_open(&c, ret);
    }
    return r;
}

static int get_once(struct sg_store *s, struct sg_bucket *b, const char *name, struct sg_buf *value,
                    struct sg_buf *ret)
{
    SG_CLEANUP(sg_manifest_clear) struct sg_manifest m = {.shards = NULL};
    size_t before = ret->len;
    sg_buf_reset(value);
    int r = sg_store_get(s, b, sg_object_key(sg_bytes_str(name)), value);
    if (r == 0)
        r = sg_manifest_decode(sg_buf_bytes(value), &m);
    if (r == 0)
        r = m.is_inline ? sg_buf_append(ret, m.contents) : read_chunks(s, &m, ret);
    if (r)
        ret->len = before;
    return r;
}

/* An object replaced while it was being read may lose its fragments: then the new one is read. */
int sg_object_get(struct sg_store *s, struct sg_bucket *b, const char *name, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT_SECRET(MANIFEST_BYTES_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT_SECRET(MANIFEST_BYTES_MAX);
    int r = get_once(s, b, name, &value, ret);
    if (r != SG_KV_DAMAGED || value.len == 0)
        return r;
    int now = sg_store_get(s, b, sg_object_key(sg_bytes_str(name)), &again);
    if (now || sg_bytes_equal(sg_buf_bytes(&value), sg_buf_bytes(&again)))
        return now ? now : r;
    return get_once(s, b, name, &value, ret);
}

/* Delete and list. */

int sg_object_delete(struct sg_store *s, struct sg_bucket *b, const char *name)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT_SECRET(MANIFEST_BYTES_MAX);
    const struct sg_kv_op op = {.kind = SG_KV_DELETE, .key = sg_object_key(sg_bytes_str(name))};
    int r = sg_store_get(s, b, op.key, &value);
    if (r)
        return r;
    r = sg_store_batch(s, b, &op, 1, NULL);
    return r == SG_KV_DAMAGED ? r : r ? sg_fold(r) : 0;
}

/* The least octets above every name with the prefix, into copy; empty if there are none. */
static struct sg_bytes above(const char *prefix, uint8_t *copy)
{
    size_t n = strlen(prefix);
    memcpy(copy, prefix, n);
    while (n && copy[n - 1] == 0xff)
        n--;
    if (n)
        copy[n - 1]++;
    return SG_BYTES(copy, n);
}

#define LIST_STOP 1000

static int list_one(struct sg_store *s, struct sg_bucket *b, struct sg_bytes key,
                    int (*fn)(void *user, const char *name, uint64_t size), void *user)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT_SECRET(MANIFEST_BYTES_MAX);
    SG_CLEANUP(sg_manifest_clear) struct sg_manifest m = {.shards = NULL};
    int r = sg_store_get(s, b, sg_object_key(key), &value);
    if (r == SG_KV_NOT_FOUND)
        return 0; /* deleted since the listing began */
    if (r == 0)
        r = sg_manifest_decode(sg_buf_bytes(&value), &m);
    SG_FREE char *name = r ? NULL : strndup((const char *)key.data, key.len);
    if (r)
        return r;
    if (!name)
        return sg_raise(-ENOMEM);
    return fn(user, name, m.size) ? LIST_STOP : 0;
}

int sg_object_list(struct sg_store *s, struct sg_bucket *b, const char *prefix,
                   int (*fn)(void *user, const char *name, uint64_t size), void *user)
{
    SG_CLEANUP(sg_part_list_clear) struct sg_part_list names = {NULL, 0};
    SG_FREE uint8_t *copy = malloc(strlen(prefix) + 1);
    int r = copy ? sg_store_usable(s) : sg_raise(-ENOMEM);
    if (r == 0)
        r = sg_store_list(s, b, SG_TABLE_OBJECTS, sg_bytes_str(prefix), above(prefix, copy),
                          &names);
    for (size_t i = 0; r == 0 && i < names.n; i++)
        r = list_one(s, b, names.keys[i], fn, user);
    return r == LIST_STOP ? 0 : r;
}
