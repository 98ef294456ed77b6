#include "kvsd.h"

#include <stdio.h>

#define ROW(...)                  SG_CONF_ROW(struct kvsd_options, __VA_ARGS__)
#define COMMON(kind, member, ...) SG_CONF_ROW(struct kvsd_options, kind, common.member, __VA_ARGS__)

static const struct sg_conf_option rows[] = {KVSD_OPTIONS(ROW)
                                                 SG_DAEMON_OPTIONS(COMMON, "127.0.0.1:18410")};

int kvsd_bucket_parse(const char *text, struct kvsd_bucket *ret)
{
    struct sg_policy policy;
    struct kvsd_bucket b;
    size_t len = strcspn(text, " ");
    const char *rest = text + len + strspn(text + len, " ");
    if (len < 3 || len >= sizeof(b.name) || strlen(rest) >= sizeof(b.policy) ||
        strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") != len)
        return sg_raisef(-EINVAL, "want \"NAME POLICY\"");
    memcpy(b.name, text, len);
    b.name[len] = 0;
    memcpy(b.policy, rest, strlen(rest) + 1);
    int r = sg_policy_parse(b.policy, &policy);
    if (r < 0)
        return r;
    *ret = b;
    return 0;
}

static int complain(const char *option, const char *text)
{
    fprintf(stderr, "sealgrid-kvsd: %s: \"%s\": %s\n", option, text, sg_error_trace());
    return SG_CONF_BAD;
}

static int check(const void *conf)
{
    const struct kvsd_options *o = conf;
    struct kvsd_bucket bucket;
    struct sg_kv_grant grant;
    for (size_t i = 0; i < o->buckets.n; i++)
        if (kvsd_bucket_parse(o->buckets.items[i], &bucket) < 0)
            return complain("buckets", o->buckets.items[i]);
    for (size_t i = 0; i < o->access.n; i++)
        if (sg_kv_grant_parse(o->access.items[i], &grant) < 0)
            return complain("access", o->access.items[i]);
    if (o->buckets.n > SG_STORE_BUCKETS_MAX || o->volumes.n > SG_STORE_VOLUMES_MAX) {
        fprintf(stderr, "sealgrid-kvsd: at most %d buckets and %d volumes\n", SG_STORE_BUCKETS_MAX,
                SG_STORE_VOLUMES_MAX);
        return SG_CONF_BAD;
    }
    return 0;
}

const struct sg_conf_table kvsd_table = {
    .program = "sealgrid-kvsd",
    .summary = "keeps records and objects sealed on volumes that nobody has to trust",
    .options = rows,
    .n = sizeof(rows) / sizeof(rows[0]),
    .check = check,
};
