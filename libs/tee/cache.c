#include "cache-int.h"

#include "store-int.h"

#define LINKS   1024
#define BUNDLES 64

struct sg_tee_cache {
    const struct sg_tee_store *store;
    struct sg_tee_link link[LINKS];
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

/* An empty place holds zeros, which are no hash of anything. */
bool sg_tee_cache_knows(const struct sg_tee_cache *c, const uint8_t signed_id[32],
                        const uint8_t key_id[32])
{
    if (!c)
        return false;
    const struct sg_tee_link *l = &c->link[place(signed_id, LINKS)];
    return memcmp(l->signed_id, signed_id, 32) == 0 && memcmp(l->key_id, key_id, 32) == 0;
}

void sg_tee_cache_learn(struct sg_tee_cache *c, const uint8_t signed_id[32],
                        const uint8_t key_id[32])
{
    if (!c)
        return;
    struct sg_tee_link *l = &c->link[place(signed_id, LINKS)];
    memcpy(l->signed_id, signed_id, 32);
    memcpy(l->key_id, key_id, 32);
}
