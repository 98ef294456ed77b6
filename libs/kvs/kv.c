#include "kv-int.h"

static bool bucket_name_ok(const char *name)
{
    size_t n = strlen(name);
    if (n < SG_KV_BUCKET_MIN || n > SG_KV_BUCKET_MAX)
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == n;
}

static bool key_ok(const struct sg_kv_key *k)
{
    return k->table > 0 && k->partition.len <= SG_KV_KEY_MAX && k->sort.len <= SG_KV_KEY_MAX;
}

static bool object_name_ok(const char *name)
{
    size_t n = strlen(name);
    return n >= 1 && n <= SG_KV_OBJECT_NAME_MAX;
}

void sg_kv_free(struct sg_kv *kv)
{
    if (kv)
        kv->vtable->free(kv);
}

int sg_kv_batch(struct sg_kv *kv, const char *bucket, const struct sg_kv_op *ops, size_t n,
                enum sg_kv_op_result *ret_results)
{
    size_t octets = 0;
    if (!bucket_name_ok(bucket))
        return sg_raise(-EINVAL);
    if (n > SG_KV_BATCH_OPS_MAX)
        return SG_KV_TOO_LARGE;
    for (size_t i = 0; i < n; i++) {
        if (!key_ok(&ops[i].key))
            return sg_raise(-EINVAL);
        if (ops[i].value.len > SG_KV_VALUE_MAX)
            return SG_KV_TOO_LARGE;
        octets += ops[i].key.partition.len + ops[i].key.sort.len + ops[i].value.len;
    }
    if (octets > SG_KV_BATCH_BYTES_MAX)
        return SG_KV_TOO_LARGE;
    return kv->vtable->batch(kv, bucket, ops, n, ret_results);
}

int sg_kv_get(struct sg_kv *kv, const char *bucket, struct sg_kv_key key, struct sg_buf *ret)
{
    if (!bucket_name_ok(bucket) || !key_ok(&key))
        return sg_raise(-EINVAL);
    return kv->vtable->get(kv, bucket, key, ret);
}

int sg_kv_scan_open(struct sg_kv_scan **ret, struct sg_kv *kv, const char *bucket,
                    const struct sg_kv_range *range)
{
    if (!bucket_name_ok(bucket) || range->table == 0)
        return sg_raise(-EINVAL);
    return kv->vtable->scan_open(ret, kv, bucket, range);
}

int sg_kv_scan_next(struct sg_kv_scan *s, struct sg_bytes *ret_sort, struct sg_bytes *ret_value)
{
    return s->vtable->next(s, ret_sort, ret_value);
}

void sg_kv_scan_free(struct sg_kv_scan *s)
{
    if (s)
        s->vtable->free(s);
}

int sg_kv_partitions_open(struct sg_kv_scan **ret, struct sg_kv *kv, const char *bucket,
                          uint32_t table, struct sg_bytes from, struct sg_bytes until)
{
    if (!bucket_name_ok(bucket) || table == 0)
        return sg_raise(-EINVAL);
    return kv->vtable->partitions_open(ret, kv, bucket, table, from, until);
}

int sg_kv_object_put(struct sg_kv *kv, const char *bucket, const char *name,
                     struct sg_bytes contents)
{
    if (!bucket_name_ok(bucket) || !object_name_ok(name))
        return sg_raise(-EINVAL);
    if (contents.len > SG_KV_OBJECT_MAX)
        return SG_KV_TOO_LARGE;
    return kv->vtable->object_put(kv, bucket, name, contents);
}

int sg_kv_object_get(struct sg_kv *kv, const char *bucket, const char *name, struct sg_buf *ret)
{
    if (!bucket_name_ok(bucket) || !object_name_ok(name))
        return sg_raise(-EINVAL);
    return kv->vtable->object_get(kv, bucket, name, ret);
}

int sg_kv_object_delete(struct sg_kv *kv, const char *bucket, const char *name)
{
    if (!bucket_name_ok(bucket) || !object_name_ok(name))
        return sg_raise(-EINVAL);
    return kv->vtable->object_delete(kv, bucket, name);
}

int sg_kv_object_list(struct sg_kv *kv, const char *bucket, const char *prefix,
                      int (*fn)(void *user, const char *name, uint64_t size), void *user)
{
    if (!bucket_name_ok(bucket) || strlen(prefix) > SG_KV_OBJECT_NAME_MAX)
        return sg_raise(-EINVAL);
    return kv->vtable->object_list(kv, bucket, prefix, fn, user);
}

int sg_kv_bucket_create(struct sg_kv *kv, const char *bucket, const char *policy)
{
    if (!bucket_name_ok(bucket))
        return sg_raise(-EINVAL);
    return kv->vtable->bucket_create(kv, bucket, policy);
}
