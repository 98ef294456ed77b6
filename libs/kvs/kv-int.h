#pragma once
/*
 * kv-int - what the two kinds of session (kv-local.c, kv-remote.c) have in common: each embeds a
 * struct sg_kv or sg_kv_scan as its first member and fills its table.  kv.c checks the arguments
 * against the limits of kv.h and dispatches.
 */
#include <sealgrid/kv.h>

#define SG_KV_BUCKET_MIN      3
#define SG_KV_BUCKET_MAX      63
#define SG_KV_KEY_MAX         1024
#define SG_KV_VALUE_MAX       65536
#define SG_KV_BATCH_OPS_MAX   16384
#define SG_KV_BATCH_BYTES_MAX (16u << 20)
#define SG_KV_OBJECT_NAME_MAX 1024
#define SG_KV_OBJECT_MAX      (1u << 30)

struct sg_kv_vtable {
    void (*free)(struct sg_kv *kv);
    int (*batch)(struct sg_kv *kv, const char *bucket, const struct sg_kv_op *ops, size_t n,
                 enum sg_kv_op_result *ret_results);
    int (*get)(struct sg_kv *kv, const char *bucket, struct sg_kv_key key, struct sg_buf *ret);
    int (*scan_open)(struct sg_kv_scan **ret, struct sg_kv *kv, const char *bucket,
                     const struct sg_kv_range *range);
    int (*partitions_open)(struct sg_kv_scan **ret, struct sg_kv *kv, const char *bucket,
                           uint32_t table, struct sg_bytes from, struct sg_bytes until);
    int (*object_put)(struct sg_kv *kv, const char *bucket, const char *name,
                      struct sg_bytes contents);
    int (*object_get)(struct sg_kv *kv, const char *bucket, const char *name, struct sg_buf *ret);
    int (*object_delete)(struct sg_kv *kv, const char *bucket, const char *name);
    int (*object_list)(struct sg_kv *kv, const char *bucket, const char *prefix,
                       int (*fn)(void *user, const char *name, uint64_t size), void *user);
    int (*bucket_create)(struct sg_kv *kv, const char *bucket, const char *policy);
};

struct sg_kv {
    const struct sg_kv_vtable *vtable;
};

struct sg_kv_scan_vtable {
    int (*next)(struct sg_kv_scan *s, struct sg_bytes *ret_sort, struct sg_bytes *ret_value);
    void (*free)(struct sg_kv_scan *s);
};

struct sg_kv_scan {
    const struct sg_kv_scan_vtable *vtable;
};
