#include "object-int.h"

void sg_chunk_clear(struct sg_chunk *c)
{
    sg_buf_clear(&c->sealed);
}

/* Nonce: four zeros, chunk number; the key is used for one put of one object only. */
static void chunk_nonce(const struct sg_chunk *c, uint8_t ret[SG_NONCE_LEN])
{
    memset(ret, 0, 4);
    sg_store_be64(ret + 4, c->i);
}

#define CHUNK_AAD_LEN (9 + SG_OBJECT_ID_LEN + 8 + 8 + 4)
static void chunk_aad(const struct sg_chunk *c, uint8_t ret[CHUNK_AAD_LEN])
{
    memcpy(ret, "sg-chunk1", 9);
    memcpy(ret + 9, c->m->id, SG_OBJECT_ID_LEN);
    sg_store_be64(ret + 25, c->i);
    sg_store_be64(ret + 33, c->m->size);
    sg_store_be32(ret + 41, c->m->chunk_bytes);
}

/* Room for what all shards need, zeroed. */
static int make_room(struct sg_chunk *c)
{
    const struct sg_policy *p = &c->m->policy;
    unsigned n = p->ec_data ? p->ec_data + p->ec_parity : 1;
    c->sealed.max = SIZE_MAX / 2;
    sg_buf_reset(&c->sealed);
    return sg_buf_append_zeros(&c->sealed, n * sg_manifest_shard_len(c->m, c->i));
}

static void shard_pointers(const struct sg_chunk *c, uint8_t *ret[SG_EC_SHARDS_MAX])
{
    size_t len = sg_manifest_shard_len(c->m, c->i);
    for (unsigned i = 0; i < c->m->policy.ec_data + c->m->policy.ec_parity; i++)
        ret[i] = c->sealed.data + i * len;
}

int sg_chunk_seal(struct sg_chunk *c, struct sg_bytes plain)
{
    uint8_t nonce[SG_NONCE_LEN], aad[CHUNK_AAD_LEN];
    uint8_t *shards[SG_EC_SHARDS_MAX];
    int r = make_room(c);
    if (r < 0)
        return r;
    chunk_nonce(c, nonce);
    chunk_aad(c, aad);
    r = sg_aead_seal(SG_AEAD_AES_256_GCM, c->m->key, nonce, SG_BYTES_ARRAY(aad), plain,
                     c->sealed.data);
    if (r == 0 && c->m->policy.ec_data) {
        shard_pointers(c, shards);
        sg_ec_encode(c->m->policy.ec_data, c->m->policy.ec_parity,
                     sg_manifest_shard_len(c->m, c->i), shards);
    }
    return r;
}

int sg_chunk_open(struct sg_chunk *c, struct sg_buf *out)
{
    uint8_t nonce[SG_NONCE_LEN], aad[CHUNK_AAD_LEN], *at;
    size_t len = sg_manifest_chunk_len(c->m, c->i);
    chunk_nonce(c, nonce);
    chunk_aad(c, aad);
    int r = sg_buf_extend(out, len, &at);
    if (r < 0)
        return r;
    r = sg_aead_open(SG_AEAD_AES_256_GCM, c->m->key, nonce, SG_BYTES_ARRAY(aad),
                     SG_BYTES(c->sealed.data, len + SG_TAG_LEN), at);
    if (r == SG_AEAD_FORGED) {
        out->len -= len;
        return SG_KV_DAMAGED;
    }
    return r;
}

/* Shard numbers: copies first, then data, then parity. */

static struct sg_bytes shard_contents(const struct sg_chunk *c, unsigned shard)
{
    size_t len = sg_manifest_shard_len(c->m, c->i);
    if (shard < c->m->policy.replicas)
        return SG_BYTES(c->sealed.data, sg_manifest_chunk_len(c->m, c->i) + SG_TAG_LEN);
    return SG_BYTES(c->sealed.data + (shard - c->m->policy.replicas) * len, len);
}

static struct sg_shard_name shard_name(const struct sg_chunk *c, unsigned shard)
{
    struct sg_shard_name n = {.chunk = (uint32_t)c->i, .shard = (uint16_t)shard};
    memcpy(n.object, c->m->id, SG_OBJECT_ID_LEN);
    return n;
}

/* The volumes that are online, in this chunk's order of preference. */
static unsigned candidates(const struct sg_chunk *c, uint8_t ret[SG_STORE_VOLUMES_MAX])
{
    uint8_t rank[SG_STORE_VOLUMES_MAX];
    unsigned n = 0;
    sg_placement_rank(sg_load_be64(c->m->id) + c->i, c->s->n_volumes, rank);
    for (unsigned i = 0; i < c->s->n_volumes; i++)
        if (sg_volume_state(&c->s->volumes[rank[i]]) == SG_VOLUME_ONLINE)
            ret[n++] = rank[i];
    return n;
}

/* How many shards of this chunk a slot has already, those in `which` not counted. */
static unsigned load_of(const struct sg_chunk *c, const struct sg_shard *shards, uint32_t which,
                        unsigned slot)
{
    unsigned n = 0;
    for (unsigned i = 0; i < sg_manifest_shards(c->m); i++)
        n += !(which >> i & 1) && shards[i].slot == slot;
    return n;
}

/* The least loaded one, earlier ones first; failing ones (bits) left out. */
static int pick(const struct sg_chunk *c, const struct sg_shard *shards, uint32_t which,
                uint64_t failing)
{
    uint8_t order[SG_STORE_VOLUMES_MAX];
    unsigned n = candidates(c, order), least = UINT32_MAX;
    int best = -1;
    for (unsigned i = 0; i < n; i++) {
        unsigned load = load_of(c, shards, which, order[i]);
        if (!(failing >> order[i] & 1) && load < least) {
            best = order[i];
            least = load;
        }
    }
    return best;
}

static int write_shard(struct sg_chunk *c, unsigned shard, uint32_t left, struct sg_shard *shards,
                       uint64_t *failing)
{
    struct sg_shard_name name = shard_name(c, shard);
    int r = sg_raisef(-EIO, "no volume for a fragment"), slot;
    while ((slot = pick(c, shards, left, *failing)) >= 0) {
        r = sg_fragment_write(c->s->fragments, (unsigned)slot, &name, shard_contents(c, shard),
                              &shards[shard]);
        if (r == 0)
            return 0;
        *failing |= 1ull << slot;
    }
    return r;
}

int sg_chunk_write(struct sg_chunk *c, uint32_t which, struct sg_shard *shards, uint64_t *slots)
{
    uint32_t left = which;
    uint64_t failing = 0;
    for (unsigned i = 0; i < sg_manifest_shards(c->m); i++) {
        if (!(which >> i & 1))
            continue;
        int r = write_shard(c, i, left, shards, &failing);
        if (r < 0)
            return r;
        left &= ~(1u << i);
        *slots |= 1ull << shards[i].slot;
    }
    return 0;
}

/* Reading. */

static bool read_shard(struct sg_chunk *c, unsigned shard, uint8_t *into)
{
    const struct sg_shard *at = &c->m->shards[c->i * sg_manifest_shards(c->m) + shard];
    struct sg_shard_name name = shard_name(c, shard);
    if (sg_fragment_read(c->s->fragments, at, &name, into) == 0)
        return true;
    c->bad_shards |= 1u << shard;
    if (at->slot < c->s->n_volumes)
        c->bad_slots |= 1ull << at->slot;
    return false;
}

static bool read_copies(struct sg_chunk *c, bool thorough)
{
    bool found = false;
    for (unsigned i = 0; i < c->m->policy.replicas && (!found || thorough); i++)
        found |= read_shard(c, i, c->sealed.data);
    return found;
}

static int read_coded(struct sg_chunk *c, bool thorough)
{
    const struct sg_policy *p = &c->m->policy;
    uint8_t *shards[SG_EC_SHARDS_MAX];
    uint32_t present = 0;
    unsigned n = 0;
    shard_pointers(c, shards);
    for (unsigned i = 0; i < p->ec_data + p->ec_parity && (n < p->ec_data || thorough); i++)
        if (read_shard(c, p->replicas + i, shards[i])) {
            present |= 1u << i;
            n++;
        }
    int r =
        sg_ec_rebuild(p->ec_data, p->ec_parity, sg_manifest_shard_len(c->m, c->i), shards, present);
    return r > 0 ? SG_KV_DAMAGED : r;
}

/* From the data alone, where a copy was good and shards are not. */
static int code_again(struct sg_chunk *c)
{
    const struct sg_policy *p = &c->m->policy;
    uint8_t *shards[SG_EC_SHARDS_MAX];
    size_t len = sg_manifest_shard_len(c->m, c->i);
    size_t sealed = sg_manifest_chunk_len(c->m, c->i) + SG_TAG_LEN;
    shard_pointers(c, shards);
    memset(c->sealed.data + sealed, 0, p->ec_data * len - sealed);
    sg_ec_encode(p->ec_data, p->ec_parity, len, shards);
    return 0;
}

int sg_chunk_read(struct sg_chunk *c, bool thorough)
{
    const struct sg_policy *p = &c->m->policy;
    int r = make_room(c);
    if (r < 0)
        return r;
    if (!thorough)
        return read_copies(c, false) ? 0 : p->ec_data ? read_coded(c, false) : SG_KV_DAMAGED;
    r = p->ec_data ? read_coded(c, true) : SG_KV_DAMAGED;
    if (r < 0)
        return r;
    /* a bad copy leaves bad octets behind, so a good one, if there is one, is read last */
    bool copied = read_copies(c, true);
    if (p->replicas == 0)
        return r;
    if (copied && read_copies(c, false))
        return p->ec_data ? code_again(c) : 0;
    return r == 0 ? read_coded(c, false) : r;
}
