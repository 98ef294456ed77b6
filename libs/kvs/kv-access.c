#include "kv-access-int.h"

#include "kv-int.h"

struct sg_kv_access {
    struct sg_kv_grant *grants;
    size_t n_grants;
};

static const struct {
    const char *name;
    unsigned verb;
} verb_names[] = {{"read", SG_KV_READ}, {"write", SG_KV_WRITE}, {"admin", SG_KV_ADMIN}};

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

int sg_kv_grant_parse(const char *text, struct sg_kv_grant *ret)
{
    struct sg_kv_grant g;
    const char *rest = take_word(text, g.who, sizeof(g.who));
    if (rest)
        rest = take_word(rest, g.bucket, sizeof(g.bucket));
    if (!rest)
        return sg_raisef(-EINVAL, "access: want \"WHO BUCKET VERBS\"");
    if (!sg_caller_name_ok(g.who))
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

int sg_kv_access_new(struct sg_kv_access **ret, const struct sg_kv_service_options *o)
{
    SG_CLEANUP(sg_kv_access_freep) struct sg_kv_access *a = calloc(1, sizeof(*a));
    if (!a)
        return sg_raise(-ENOMEM);
    a->grants = calloc(o->n_grants + 1, sizeof(*a->grants));
    if (!a->grants)
        return sg_raise(-ENOMEM);
    if (o->n_grants)
        memcpy(a->grants, o->grants, o->n_grants * sizeof(*a->grants));
    a->n_grants = o->n_grants;
    *ret = TAKE_PTR(a);
    return 0;
}

void sg_kv_access_free(struct sg_kv_access *a)
{
    if (!a)
        return;
    free(a->grants);
    free(a);
}
