#include "cache-int.h"

#define LINKS   1024
#define BUNDLES 64

struct checked {
    struct sg_tee_link link;
    bool good;
};

struct sg_tee_cache {
    const struct sg_tee_store *store;
    struct checked checked[LINKS];
    struct {
        uint8_t hash[32];
        struct sg_tee_own_certs certs;
    } bundle[BUNDLES];
};

int sg_tee_cache_new(struct sg_tee_cache **ret, const struct sg_tee_store *store)
{
    struct sg_tee_cache *c = calloc(1, sizeof *c);
    if (!c)
        return sg_raise(-ENOMEM);
    c->store = store;
    *ret = c;
    return 0;
}

void sg_tee_cache_free(struct sg_tee_cache *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < BUNDLES; i++)
        sg_tee_own_certs_clear(&c->bundle[i].certs);
    free(c);
}

static size_t place(const uint8_t hash[32], size_t places)
{
    return sg_load_be32(hash) % places;
}

const struct sg_tee_own_certs *sg_tee_cache_bundle(struct sg_tee_cache *c, const uint8_t hash[32])
{
    const size_t i = place(hash, BUNDLES);
    return c->bundle[i].certs.n && memcmp(c->bundle[i].hash, hash, 32) == 0 ? &c->bundle[i].certs
                                                                            : NULL;
}

const struct sg_tee_own_certs *sg_tee_cache_keep(struct sg_tee_cache *c, const uint8_t hash[32],
                                                 struct sg_tee_own_certs *certs)
{
    const size_t i = place(hash, BUNDLES);
    sg_tee_own_certs_clear(&c->bundle[i].certs);
    memcpy(c->bundle[i].hash, hash, 32);
    c->bundle[i].certs = *certs;
    *certs = (struct sg_tee_own_certs){0};
    return &c->bundle[i].certs;
}

/* Two signatures of one thing, by different keys, have places of their own. */
static size_t link_place(const uint8_t signed_id[32], const uint8_t key_id[32])
{
    return (sg_load_be32(signed_id) ^ sg_load_be32(key_id)) % LINKS;
}

/* An empty place holds zeros, which are no hash of anything. */
enum sg_tee_known sg_tee_cache_knows(const struct sg_tee_cache *c, const uint8_t signed_id[32],
                                     const uint8_t key_id[32])
{
    if (!c)
        return SG_TEE_UNKNOWN;
    const struct checked *l = &c->checked[link_place(signed_id, key_id)];
    if (memcmp(l->link.signed_id, signed_id, 32) != 0 || memcmp(l->link.key_id, key_id, 32) != 0)
        return SG_TEE_UNKNOWN;
    return l->good ? SG_TEE_KNOWN_GOOD : SG_TEE_KNOWN_BAD;
}

void sg_tee_cache_learn(struct sg_tee_cache *c, const uint8_t signed_id[32],
                        const uint8_t key_id[32], bool good)
{
    if (!c)
        return;
    struct checked *l = &c->checked[link_place(signed_id, key_id)];
    memcpy(l->link.signed_id, signed_id, 32);
    memcpy(l->link.key_id, key_id, 32);
    l->good = good;
}
