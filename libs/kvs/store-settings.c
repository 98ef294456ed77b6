#include "store-int.h"

#define POLICY_KEY SG_BYTES_LIT("policy")

static struct sg_kv_key policy_key(void)
{
    return (struct sg_kv_key){.table = SG_TABLE_SETTINGS, .partition = POLICY_KEY};
}

static void adopt(struct sg_bucket *b, const struct sg_policy *policy)
{
    pthread_mutex_lock(&b->lock);
    b->policy = *policy;
    pthread_mutex_unlock(&b->lock);
}

static int load_bucket(struct sg_store *s, struct sg_bucket *b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_POLICY_TEXT_MAX);
    struct sg_policy policy;
    int r = sg_store_get(s, b, policy_key(), &text);
    if (r == SG_KV_NOT_FOUND || r == SG_KV_DAMAGED)
        return 0; /* damaged: the policy of the configuration then holds */
    if (r == 0)
        r = sg_buf_append_u8(&text, 0);
    if (r == 0)
        r = sg_policy_parse((const char *)text.data, &policy);
    if (r < 0)
        return r;
    adopt(b, &policy);
    return 0;
}

int sg_settings_load(struct sg_store *s)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < s->n_buckets; i++)
        r = load_bucket(s, &s->buckets[i]);
    return r;
}

/* Entries that exist keep their copies until a full scrub adds what the new policy wants. */
static int change_policy(struct sg_store *s, struct sg_bucket *b, const struct sg_policy *policy)
{
    const struct sg_scrub_options full = {.depth = SG_SCRUB_FULL, .volumes = SG_SCRUB_ALL_VOLUMES};
    struct sg_scrub_report report;
    char text[SG_POLICY_TEXT_MAX];
    sg_policy_print(policy, text);
    const struct sg_kv_op op = {
        .kind = SG_KV_PUT, .key = policy_key(), .value = sg_bytes_str(text)};
    int r = sg_store_batch(s, b, &op, 1, NULL);
    if (r)
        return sg_fold(r);
    unsigned before = sg_policy_index_replicas(&b->policy, s->n_volumes);
    adopt(b, policy);
    if (sg_policy_index_replicas(policy, s->n_volumes) == before)
        return 0;
    sg_cache_forget_replicas(s, b);
    return sg_store_scrub(s, &full, &report);
}

int sg_settings_bucket_create(struct sg_store *s, const char *bucket, const char *text)
{
    struct sg_policy policy;
    struct sg_bucket *b = sg_store_bucket(s, bucket);
    int r = sg_policy_parse(text, &policy);
    if (r < 0)
        return r;
    if (!b)
        return SG_KV_DENIED;
    pthread_mutex_lock(&b->lock);
    bool same = sg_policy_equal(&b->policy, &policy);
    pthread_mutex_unlock(&b->lock);
    return same ? 0 : change_policy(s, b, &policy);
}
