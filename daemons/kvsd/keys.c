/*
 * From casd's grant to the store's keys.  The store copies what it keeps; everything here only
 * borrows the grant.
 */
#include "kvsd.h"

#include <stdio.h>

#include <sealgrid/base/log.h>
#include <sealgrid/kvs/admin.h>

#define MIB ((size_t)1 << 20)

/* One bucket with room for all its epochs. */
struct keyed_bucket {
    struct kvsd_bucket conf;
    struct sg_store_kek keks[SG_STORE_EPOCHS_MAX];
};

/* Epoch in a secret's name "kek/BUCKET/EPOCH"; 0 if it is not one of this bucket. */
static uint32_t epoch_of(const char *secret, const char *bucket)
{
    size_t len = strlen(bucket);
    unsigned epoch;
    int end = 0;
    if (strncmp(secret, "kek/", 4) != 0 || strncmp(secret + 4, bucket, len) != 0)
        return 0;
    if (sscanf(secret + 4 + len, "/%9u%n", &epoch, &end) != 1 || secret[4 + len + (size_t)end])
        return 0;
    return epoch;
}

static int find_keys(struct sg_store_bucket *ret, struct keyed_bucket *b,
                     const struct sg_cas_grant *g)
{
    char name[128];
    snprintf(name, sizeof(name), SG_SECRET_NAME_KEY, b->conf.name);
    const struct sg_secret *name_key = sg_cas_secret(g, name);
    size_t n = 0;
    for (size_t i = 0; i < g->n_secrets && n < SG_STORE_EPOCHS_MAX; i++) {
        uint32_t epoch = epoch_of(g->secrets[i].name, b->conf.name);
        if (epoch)
            b->keks[n++] = (struct sg_store_kek){epoch, sg_secret_bytes(&g->secrets[i].value)};
    }
    if (!name_key || n == 0)
        return sg_raisef(-ENOKEY, "casd gave no keys for bucket %s", b->conf.name);
    *ret = (struct sg_store_bucket){.name = b->conf.name,
                                    .policy = b->conf.policy,
                                    .keks = b->keks,
                                    .n_keks = n,
                                    .name_key = sg_secret_bytes(name_key)};
    return 0;
}

static int find_all_keys(struct sg_store_bucket *ret, struct keyed_bucket *keyed,
                         const struct kvsd_options *o, const struct sg_cas_grant *g)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < o->buckets.n; i++) {
        r = kvsd_bucket_parse(o->buckets.items[i], &keyed[i].conf);
        if (r == 0)
            r = find_keys(&ret[i], &keyed[i], g);
    }
    return r;
}

static int open_with(struct sg_store **ret, const struct kvsd_options *o,
                     const struct sg_cas_grant *g, const struct sg_store_bucket *buckets)
{
    struct sg_store_options so = {
        .volumes = (const char *const *)o->volumes.items,
        .n_volumes = o->volumes.n,
        .buckets = buckets,
        .n_buckets = o->buckets.n,
        .cache_bytes = (size_t)o->cache_mib * MIB,
        .index_bytes = (size_t)o->index_mib * MIB,
        .journal_bytes = (size_t)o->journal_mib * MIB,
    };
    memcpy(so.lease, g->lease, sizeof(so.lease));
    int r = sg_store_open(ret, &so);
    switch (r) {
    case SG_STORE_LOCKED:
        return sg_raisef(-EBUSY, "another process owns one of the volumes");
    case SG_STORE_FOREIGN:
        return sg_raisef(-EKEYREJECTED, "no volume opens under the keys of this casd");
    default:
        return r;
    }
}

int kvsd_open_store(struct sg_store **ret, const struct kvsd_options *o,
                    const struct sg_cas_grant *grant)
{
    SG_FREE struct keyed_bucket *keyed = calloc(o->buckets.n + 1, sizeof(*keyed));
    SG_FREE struct sg_store_bucket *buckets = calloc(o->buckets.n + 1, sizeof(*buckets));
    if (!keyed || !buckets)
        return sg_raise(-ENOMEM);
    int r = find_all_keys(buckets, keyed, o, grant);
    return r < 0 ? r : open_with(ret, o, grant, buckets);
}

/* ---- service ---- */

static int open_session(void *store, struct sg_kv **ret)
{
    return sg_kv_open_local(ret, store);
}

static int parse_grants(struct sg_kv_grant *ret, const struct sg_conf_list *texts)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < texts->n; i++)
        r = sg_kv_grant_parse(texts->items[i], &ret[i]);
    return r;
}

int kvsd_make_service(struct sg_kv_service **ret, const struct kvsd_options *o,
                      const struct sg_cas_grant *grant, struct sg_store *store)
{
    SG_FREE struct sg_api_key *keys = calloc(grant->n_secrets + 1, sizeof(*keys));
    SG_FREE struct sg_kv_grant *grants = calloc(o->access.n + 1, sizeof(*grants));
    if (!keys || !grants)
        return sg_raise(-ENOMEM);
    int r = parse_grants(grants, &o->access);
    if (r < 0)
        return r;
    const struct sg_kv_service_options so = {
        .open = open_session,
        .user = store,
        .admin_volumes = sg_store_admin_volumes,
        .admin_scrub = sg_store_admin_scrub,
        .admin_files = sg_store_admin_files,
        .admin_user = store,
        .grants = grants,
        .n_grants = o->access.n,
        .api_keys = keys,
        .n_api_keys = sg_cas_api_keys(grant, keys),
        .object_max = (size_t)o->object_mib * MIB,
    };
    return sg_kv_service_new(ret, &so);
}
