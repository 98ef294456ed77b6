#include "kv-access-int.h"

#include <stdio.h>
#include <strings.h>

#include <sealgrid/base/secret.h>
#include <sealgrid/crypto/hash.h>

#include "kv-int.h"

#define API_KEY_MIN 16
#define API_KEY_MAX 512

struct api_key {
    char who[SG_KV_WHO_MAX];
    uint8_t hash[SG_SHA256_LEN];
};

struct sg_kv_access {
    struct sg_kv_grant *grants;
    size_t n_grants;
    struct api_key *keys;
    size_t n_keys;
};

static const struct {
    const char *name;
    unsigned verb;
} verb_names[] = {{"read", SG_KV_READ}, {"write", SG_KV_WRITE}, {"admin", SG_KV_ADMIN}};

/* ---- grants ---- */

static int parse_verb(const char *word, size_t len, unsigned *verbs)
{
    for (size_t i = 0; i < sizeof(verb_names) / sizeof(verb_names[0]); i++)
        if (strlen(verb_names[i].name) == len && memcmp(verb_names[i].name, word, len) == 0) {
            *verbs |= verb_names[i].verb;
            return 0;
        }
    return sg_raisef(-EINVAL, "access: no verb \"%.*s\"", (int)len, word);
}

static int parse_verbs(const char *text, unsigned *ret)
{
    unsigned verbs = 0;
    for (;;) {
        size_t len = strcspn(text, ",");
        int r = parse_verb(text, len, &verbs);
        if (r < 0)
            return r;
        if (text[len] == 0)
            break;
        text += len + 1;
    }
    *ret = verbs;
    return 0;
}

/* One word of text ended by a space; returns what follows it, NULL if there is none. */
static const char *take_word(const char *text, char *ret, size_t size)
{
    size_t len = strcspn(text, " ");
    if (len == 0 || len >= size || text[len] == 0)
        return NULL;
    memcpy(ret, text, len);
    ret[len] = 0;
    return text + len + strspn(text + len, " ");
}

static bool is_known_kind(const char *who)
{
    return (strncmp(who, "key:", 4) == 0 && who[4]) || strncmp(who, "spiffe://", 9) == 0;
}

int sg_kv_grant_parse(const char *text, struct sg_kv_grant *ret)
{
    struct sg_kv_grant g;
    const char *rest = take_word(text, g.who, sizeof(g.who));
    if (rest)
        rest = take_word(rest, g.bucket, sizeof(g.bucket));
    if (!rest)
        return sg_raisef(-EINVAL, "access: want \"WHO BUCKET VERBS\"");
    if (!is_known_kind(g.who))
        return sg_raisef(-EINVAL, "access: WHO is spiffe://... or key:NAME");
    if (strcmp(g.bucket, "*") != 0 && !sg_kv_bucket_name_ok(g.bucket))
        return sg_raisef(-EINVAL, "access: bad bucket name");
    int r = parse_verbs(rest, &g.verbs);
    if (r < 0)
        return r;
    *ret = g;
    return 0;
}

bool sg_kv_access_may(const struct sg_kv_access *a, const char *who, const char *bucket,
                      unsigned verbs)
{
    unsigned granted = 0;
    for (size_t i = 0; i < a->n_grants; i++) {
        const struct sg_kv_grant *g = &a->grants[i];
        if (strcmp(g->who, who) == 0 &&
            (strcmp(g->bucket, "*") == 0 || strcmp(g->bucket, bucket) == 0))
            granted |= g->verbs;
    }
    return (granted & verbs) == verbs;
}

/* ---- callers ---- */

static int hash_key(struct api_key *ret, const struct sg_kv_api_key *k)
{
    if (k->key.len < API_KEY_MIN || k->key.len > API_KEY_MAX)
        return sg_raisef(-EINVAL, "API key %s: want %d to %d octets", k->name, API_KEY_MIN,
                         API_KEY_MAX);
    int n = snprintf(ret->who, sizeof(ret->who), "key:%s", k->name);
    if (n < 0 || (size_t)n >= sizeof(ret->who))
        return sg_raisef(-EINVAL, "API key: name too long");
    sg_sha256(ret->hash, k->key);
    return 0;
}

int sg_kv_access_new(struct sg_kv_access **ret, const struct sg_kv_service_options *o)
{
    SG_CLEANUP(sg_kv_access_freep) struct sg_kv_access *a = calloc(1, sizeof(*a));
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

void sg_kv_access_free(struct sg_kv_access *a)
{
    if (!a)
        return;
    free(a->grants);
    free(a->keys);
    free(a);
}

/* Compares with every key, however early one fits: time tells neither which nor how much. */
static const struct api_key *find_key(const struct sg_kv_access *a, struct sg_bytes key)
{
    const struct api_key *found = NULL;
    uint8_t hash[SG_SHA256_LEN];
    sg_sha256(hash, key);
    for (size_t i = 0; i < a->n_keys; i++)
        if (sg_secret_equal(SG_BYTES_ARRAY(hash), SG_BYTES_ARRAY(a->keys[i].hash)))
            found = &a->keys[i];
    return found;
}

/* "Bearer KEY" (RFC 6750, section 2.1). */
static bool bearer(const char *authorization, struct sg_bytes *ret)
{
    static const char scheme[] = "Bearer ";
    if (strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
        return false;
    const char *key = authorization + sizeof(scheme) - 1;
    key += strspn(key, " ");
    *ret = sg_bytes_str(key);
    return ret->len >= API_KEY_MIN && ret->len <= API_KEY_MAX;
}

int sg_kv_access_who(const struct sg_kv_access *a, const char *uri, const char *authorization,
                     char ret[SG_KV_WHO_MAX])
{
    const char *who = uri;
    if (authorization) {
        struct sg_bytes key;
        const struct api_key *known = bearer(authorization, &key) ? find_key(a, key) : NULL;
        if (!known)
            return SG_KV_DENIED;
        who = known->who;
    }
    size_t len = strlen(who);
    if ((who == uri && strncmp(uri, "spiffe://", 9) != 0) || len >= SG_KV_WHO_MAX)
        return SG_KV_DENIED;
    memcpy(ret, who, len + 1);
    return 0;
}
