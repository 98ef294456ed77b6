/* caller - certificate or API key. */
#include <sealgrid/net/caller.h>

#include <sealgrid/base/secret.h>
#include <sealgrid/crypto/hash.h>

#include <stdio.h>
#include <strings.h>

#define KEY_MIN 16
#define KEY_MAX 512

struct key {
    char who[SG_CALLER_MAX];
    uint8_t hash[SG_SHA256_LEN];
};

struct sg_callers {
    size_t n;
    struct key keys[];
};

static int hash_key(struct key *ret, const struct sg_api_key *k)
{
    if (k->key.len < KEY_MIN || k->key.len > KEY_MAX)
        return sg_raisef(-EINVAL, "API key %s: want %d to %d octets", k->name, KEY_MIN, KEY_MAX);
    int n = snprintf(ret->who, sizeof ret->who, "key:%s", k->name);
    if (n < 0 || (size_t)n >= sizeof ret->who)
        return sg_raisef(-EINVAL, "API key: name too long");
    sg_sha256(ret->hash, k->key);
    return 0;
}

int sg_callers_new(struct sg_callers **ret, const struct sg_api_key *keys, size_t n)
{
    size_t size;
    if (__builtin_mul_overflow(n, sizeof(struct key), &size) ||
        __builtin_add_overflow(size, sizeof(struct sg_callers), &size))
        return sg_raise(-EOVERFLOW);
    SG_CLEANUP(sg_callers_freep) struct sg_callers *c = calloc(1, size);
    if (!c)
        return sg_raise(-ENOMEM);
    for (; c->n < n; c->n++) {
        int r = hash_key(&c->keys[c->n], &keys[c->n]);
        if (r < 0)
            return r;
    }
    *ret = TAKE_PTR(c);
    return 0;
}

void sg_callers_free(struct sg_callers *c)
{
    free(c);
}

/* Compares with every key, however early one fits: time tells neither which nor how much. */
static const struct key *find_key(const struct sg_callers *c, struct sg_bytes key)
{
    const struct key *found = NULL;
    uint8_t hash[SG_SHA256_LEN];
    sg_sha256(hash, key);
    for (size_t i = 0; i < c->n; i++)
        if (sg_secret_equal(SG_BYTES_ARRAY(hash), SG_BYTES_ARRAY(c->keys[i].hash)))
            found = &c->keys[i];
    return found;
}

/* NULL: not a known key. */
static const char *who_of_key(const struct sg_callers *c, const char *authorization)
{
    static const char scheme[] = "Bearer ";
    if (strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return NULL;
    const char *text = authorization + sizeof scheme - 1;
    struct sg_bytes key = sg_bytes_str(text + strspn(text, " "));
    const struct key *known = key.len >= KEY_MIN && key.len <= KEY_MAX ? find_key(c, key) : NULL;
    return known ? known->who : NULL;
}

static bool is_service(const char *uri)
{
    return strncmp(uri, "spiffe://", 9) == 0;
}

bool sg_caller_name_ok(const char *who)
{
    return is_service(who) || (strncmp(who, "key:", 4) == 0 && who[4]);
}

int sg_callers_find(const struct sg_callers *c, const char *uri, const char *authorization,
                    char ret[SG_CALLER_MAX])
{
    /* A certificate's URI is never taken for the name of a key. */
    const char *of_certificate = is_service(uri) ? uri : NULL;
    const char *who = authorization ? who_of_key(c, authorization) : of_certificate;
    size_t len = who ? strlen(who) : 0;
    if (!who || len >= SG_CALLER_MAX)
        return SG_CALLER_UNKNOWN;
    memcpy(ret, who, len + 1);
    return 0;
}

int sg_callers_of(const struct sg_callers *c, struct sg_http_exchange *x, char ret[SG_CALLER_MAX])
{
    const struct sg_tls *tls = sg_http_tls(x);
    return sg_callers_find(c, tls ? sg_tls_peer_uri(tls) : "", sg_http_header(x, "Authorization"),
                           ret);
}
