#include "kv-int.h"

#include <sealgrid/base/utf8.h>

void sg_kv_free(struct sg_kv *kv)
{
    if (kv)
        kv->ops->free(kv);
}

void sg_kv_scan_free(struct sg_kv_scan *s)
{
    if (s)
        s->ops->free(s);
}

/* ---- names and limits ---- */

bool sg_kv_bucket_name_ok(const char *bucket)
{
    size_t len = strnlen(bucket, 64);
    return len >= 3 && len <= 63 && strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len;
}

bool sg_kv_object_name_ok(const char *name)
{
    size_t len = strnlen(name, SG_KV_OBJECT_NAME_MAX + 1);
    if (len < 1 || len > SG_KV_OBJECT_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return false;
    return sg_utf8_valid(SG_BYTES(name, len));
}

static int check_bucket(const char *bucket)
{
    return sg_kv_bucket_name_ok(bucket) ? 0 : sg_raisef(-EINVAL, "bad bucket name");
}

static int check_object(const char *bucket, const char *name)
{
    int r = check_bucket(bucket);
    if (r < 0)
        return r;
    return sg_kv_object_name_ok(name) ? 0 : sg_raisef(-EINVAL, "bad object name");
}

static bool key_fits(const struct sg_kv_key *k)
{
    return k->partition.len <= SG_KV_KEY_MAX && k->sort.len <= SG_KV_KEY_MAX;
}

static int check_table(uint32_t table)
{
    bool own = table == SG_TABLE_OBJECTS || table == SG_TABLE_SETTINGS;
    return own ? sg_raisef(-EINVAL, "a table of the store itself") : 0;
}

/* *total grows by the operation's octets. */
static int check_op(const struct sg_kv_op *op, size_t *total)
{
    if ((unsigned)op->kind > SG_KV_CHECK)
        return sg_raisef(-EINVAL, "bad operation");
    int r = check_table(op->key.table);
    if (r < 0)
        return r;
    if (!key_fits(&op->key) || op->value.len > SG_KV_VALUE_MAX || op->expect.len > SG_KV_VALUE_MAX)
        return SG_KV_TOO_LARGE;
    *total += op->key.partition.len + op->key.sort.len + op->value.len + op->expect.len;
    return *total > SG_KV_BATCH_BYTES_MAX ? SG_KV_TOO_LARGE : 0;
}

static int check_range(const char *bucket, uint32_t table, struct sg_bytes partition,
                       struct sg_bytes from, struct sg_bytes until)
{
    int r = check_bucket(bucket);
    if (r == 0)
        r = check_table(table);
    if (r < 0)
        return r;
    bool fits =
        partition.len <= SG_KV_KEY_MAX && from.len <= SG_KV_KEY_MAX && until.len <= SG_KV_KEY_MAX;
    return fits ? 0 : SG_KV_TOO_LARGE;
}

/* ---- the interface ---- */

int sg_kv_batch(struct sg_kv *kv, const char *bucket, const struct sg_kv_op *ops, size_t n,
                enum sg_kv_op_result *ret_results)
{
    size_t total = 0;
    int r = check_bucket(bucket);
    if (r == 0 && n > SG_KV_BATCH_OPS_MAX)
        r = SG_KV_TOO_LARGE;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = check_op(&ops[i], &total);
    if (r != 0 || n == 0)
        return r;
    return kv->ops->batch(kv, bucket, ops, n, ret_results);
}

int sg_kv_get(struct sg_kv *kv, const char *bucket, struct sg_kv_key key, struct sg_buf *ret)
{
    int r = check_bucket(bucket);
    if (r == 0)
        r = check_table(key.table);
    if (r < 0)
        return r;
    return key_fits(&key) ? kv->ops->get(kv, bucket, key, ret) : SG_KV_TOO_LARGE;
}

int sg_kv_scan_open(struct sg_kv_scan **ret, struct sg_kv *kv, const char *bucket,
                    const struct sg_kv_range *range)
{
    int r = check_range(bucket, range->table, range->partition, range->from, range->until);
    if (r == 0 && range->fields.len > SG_KV_FIELDS_MAX)
        r = sg_raisef(-EINVAL, "bitmap of fields too long");
    return r ? r : kv->ops->scan_open(ret, kv, bucket, range);
}

int sg_kv_partitions_open(struct sg_kv_scan **ret, struct sg_kv *kv, const char *bucket,
                          uint32_t table, struct sg_bytes from, struct sg_bytes until)
{
    int r = check_range(bucket, table, SG_BYTES_NONE, from, until);
    return r ? r : kv->ops->partitions_open(ret, kv, bucket, table, from, until);
}

int sg_kv_scan_next(struct sg_kv_scan *s, struct sg_bytes *ret_sort, struct sg_bytes *ret_value)
{
    return s->ops->next(s, ret_sort, ret_value);
}

int sg_kv_object_put(struct sg_kv *kv, const char *bucket, const char *name,
                     struct sg_bytes contents)
{
    int r = check_object(bucket, name);
    if (r < 0)
        return r;
    return contents.len <= SG_KV_OBJECT_MAX ? kv->ops->object_put(kv, bucket, name, contents)
                                            : SG_KV_TOO_LARGE;
}

int sg_kv_object_get(struct sg_kv *kv, const char *bucket, const char *name, struct sg_buf *ret)
{
    int r = check_object(bucket, name);
    return r < 0 ? r : kv->ops->object_get(kv, bucket, name, ret);
}

int sg_kv_object_delete(struct sg_kv *kv, const char *bucket, const char *name)
{
    int r = check_object(bucket, name);
    return r < 0 ? r : kv->ops->object_delete(kv, bucket, name);
}

int sg_kv_object_list(struct sg_kv *kv, const char *bucket, const char *prefix,
                      int (*fn)(void *user, const char *name, uint64_t size), void *user)
{
    int r = check_bucket(bucket);
    return r < 0 ? r : kv->ops->object_list(kv, bucket, prefix, fn, user);
}

int sg_kv_bucket_create(struct sg_kv *kv, const char *bucket, const char *policy)
{
    int r = check_bucket(bucket);
    return r < 0 ? r : kv->ops->bucket_create(kv, bucket, policy);
}
