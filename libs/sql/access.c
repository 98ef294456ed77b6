#include "access-int.h"

#include <stdio.h>
#include <strings.h>

#include <sealgrid/base/secret.h>
#include <sealgrid/crypto/hash.h>

#define KEY_MIN 16
#define KEY_MAX 512

struct api_key {
    char who[128];
    uint8_t hash[SG_SHA256_LEN];
};

struct sg_sql_access {
    struct sg_sql_grant *grants;
    size_t n_grants;
    struct api_key *keys;
    size_t n_keys;
};

int sg_sql_grant_parse(const char *text, struct sg_sql_grant *ret)
{
    struct sg_sql_grant g = {.role = SG_SQL_READER};
    size_t len = strcspn(text, " ");
    const char *role = text + len + strspn(text + len, " ");
    if (len == 0 || len >= sizeof(g.who))
        return sg_raisef(-EINVAL, "access: want \"WHO ROLE\"");
    memcpy(g.who, text, len);
    if ((strncmp(g.who, "key:", 4) != 0 || !g.who[4]) && strncmp(g.who, "spiffe://", 9) != 0)
        return sg_raisef(-EINVAL, "access: WHO is spiffe://... or key:NAME");
    if (strcmp(role, "admin") == 0)
        g.role = SG_SQL_ADMIN;
    else if (strcmp(role, "reader") != 0)
        return sg_raisef(-EINVAL, "access: ROLE is reader or admin");
    *ret = g;
    return 0;
}

void sg_sql_access_free(struct sg_sql_access *a)
{
    if (!a)
        return;
    free(a->grants);
    free(a->keys);
    free(a);
}

static int hash_key(struct api_key *ret, const struct sg_sql_api_key *k)
{
    if (k->key.len < KEY_MIN || k->key.len > KEY_MAX)
        return sg_raisef(-EINVAL, "API key %s: want %d to %d octets", k->name, KEY_MIN, KEY_MAX);
    int n = snprintf(ret->who, sizeof(ret->who), "key:%s", k->name);
    if (n < 0 || (size_t)n >= sizeof(ret->who))
        return sg_raisef(-EINVAL, "API key: name too long");
    sg_sha256(ret->hash, k->key);
    return 0;
}

int sg_sql_access_new(struct sg_sql_access **ret, const struct sg_sql_service_options *o)
{
    SG_CLEANUP(sg_sql_access_freep) struct sg_sql_access *a = calloc(1, sizeof(*a));
    if (!a)
        return sg_raise(-ENOMEM);
    a->grants = calloc(o->n_grants + 1, sizeof(*a->grants));
    a->keys = calloc(o->n_api_keys + 1, sizeof(*a->keys));
    if (!a->grants || !a->keys)
        return sg_raise(-ENOMEM);
    if (o->n_grants)
        memcpy(a->grants, o->grants, o->n_grants * sizeof(*a->grants));
    a->n_grants = o->n_grants;
    for (; a->n_keys < o->n_api_keys; a->n_keys++) {
        int r = hash_key(&a->keys[a->n_keys], &o->api_keys[a->n_keys]);
        if (r < 0)
            return r;
    }
    *ret = TAKE_PTR(a);
    return 0;
}

/* Compares with every key, however early one fits: time tells neither which nor how much. */
static const struct api_key *find_key(const struct sg_sql_access *a, struct sg_bytes key)
{
    const struct api_key *found = NULL;
    uint8_t hash[SG_SHA256_LEN];
    sg_sha256(hash, key);
    for (size_t i = 0; i < a->n_keys; i++)
        if (sg_secret_equal(SG_BYTES_ARRAY(hash), SG_BYTES_ARRAY(a->keys[i].hash)))
            found = &a->keys[i];
    return found;
}

/* "Bearer KEY" (RFC 6750, section 2.1).  NULL: not a known key. */
static const char *who_of_key(const struct sg_sql_access *a, const char *authorization)
{
    static const char scheme[] = "Bearer ";
    if (strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
        return NULL;
    const char *key = authorization + sizeof(scheme) - 1;
    key += strspn(key, " ");
    size_t len = strlen(key);
    if (len < KEY_MIN || len > KEY_MAX)
        return NULL;
    const struct api_key *known = find_key(a, SG_BYTES(key, len));
    return known ? known->who : NULL;
}

int sg_sql_access_role(const struct sg_sql_access *a, const char *uri, const char *authorization,
                       enum sg_sql_role *ret)
{
    const char *who = authorization ? who_of_key(a, authorization) : uri;
    if (!who || !*who)
        return SG_SQL_ACCESS_UNKNOWN;
    /* A certificate's URI is never taken for the name of a key. */
    if (!authorization && strncmp(uri, "spiffe://", 9) != 0)
        return SG_SQL_ACCESS_UNKNOWN;
    for (size_t i = 0; i < a->n_grants; i++)
        if (strcmp(a->grants[i].who, who) == 0) {
            *ret = a->grants[i].role;
            return 0;
        }
    return SG_SQL_ACCESS_DENIED;
}
