#pragma once
/*
 * kv internals - what an implementation of the kv interface gives: local (over a store), remote (to
 * kvsd) and memory (for tests).  kv.c has checked names and limits before it calls; what only an
 * engine can see cheaply (two writes to one key: -EINVAL) is the engine's to check.
 */
#include <sealgrid/kv.h>

struct sg_kv_ops {
    void (*free)(struct sg_kv *kv);
    int (*batch)(struct sg_kv *kv, const char *bucket, const struct sg_kv_op *ops, size_t n,
                 enum sg_kv_op_result *ret_results); /* may be NULL */
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

struct sg_kv_scan_ops {
    int (*next)(struct sg_kv_scan *s, struct sg_bytes *ret_sort, struct sg_bytes *ret_value);
    void (*free)(struct sg_kv_scan *s);
};

/* First member of each implementation's struct. */
struct sg_kv {
    const struct sg_kv_ops *ops;
};

struct sg_kv_scan {
    const struct sg_kv_scan_ops *ops;
};

/* Limits of kv.h. */
#define SG_KV_KEY_MAX         1024
#define SG_KV_VALUE_MAX       65536
#define SG_KV_BATCH_OPS_MAX   16384
#define SG_KV_BATCH_BYTES_MAX ((size_t)16 << 20)
#define SG_KV_OBJECT_MAX      ((size_t)1 << 30)
#define SG_KV_OBJECT_NAME_MAX 1024
#define SG_KV_FIELDS_MAX      32

/* The store's own tables, which kv.h does not name: manifests of objects, with their keys, and a
 * bucket's settings, which are its administrator's. */
#define SG_TABLE_OBJECTS  0u
#define SG_TABLE_SETTINGS 0xfffffffeu

/* 3..63 of [a-z0-9.-]. */
bool sg_kv_bucket_name_ok(const char *bucket);
/* 1..1024 octets of UTF-8 without control characters. */
bool sg_kv_object_name_ok(const char *name);
