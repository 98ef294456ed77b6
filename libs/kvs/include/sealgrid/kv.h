#pragma once
/*
 * kv - the record and object interface of the store: the same in process (over a struct sg_store,
 * kvs/store.h) and remote (to kvsd over mTLS).
 *
 * Model: bucket -> table -> partition -> rows ordered by their sort key.  partition and sort are
 * encoded key tuples (kvs/tuple.h); a partition is the unit of sealing, freshness and placement.
 * Limits: bucket name 3..63 of [a-z0-9.-]; partition and sort key <= 1 KiB each, value <= 64 KiB,
 * batch <= 16,384 operations and 16 MiB; object name 1..1024 octets, object <= 1 GiB.
 *
 * A session is used by one thread at a time; open one per thread.  Every call of a remote session
 * has a deadline.  Acknowledged means durable: a batch that returned 0 survives any crash.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/cleanup.h>

struct sg_kv;
struct sg_kv_scan;
struct sg_store;
struct sg_tls_ctx;

enum sg_kv_outcome {
    SG_KV_NOT_FOUND = 1,
    SG_KV_CONFLICT,  /* a precondition failed: nothing of the batch was written */
    SG_KV_DENIED,    /* this identity may not do that to this bucket */
    SG_KV_TOO_LARGE, /* a limit above */
    SG_KV_DAMAGED,   /* every copy is lost or fails its check: refused, never guessed */
};

struct sg_kv_key {
    uint32_t table;            /* from the dictionary; 1..15 are the system's (see below); 0 and
                                * 0xfffffffe are the store's own: -EINVAL */
    struct sg_bytes partition;
    struct sg_bytes sort;
};

enum sg_kv_op_kind {
    SG_KV_PUT,     /* write, whatever was there */
    SG_KV_INSERT,  /* write once: the same value again is fine, a differing one is a conflict */
    SG_KV_REPLACE, /* write if the present value equals expect (expect_absent: if there is none) */
    SG_KV_DELETE,  /* absent is fine */
    SG_KV_CHECK,   /* no write: as REPLACE's precondition */
};

struct sg_kv_op {
    enum sg_kv_op_kind kind;
    struct sg_kv_key key;
    struct sg_bytes value;
    struct sg_bytes expect;
    bool expect_absent;
};

/* Per-operation result of a refused batch. */
enum sg_kv_op_result {
    SG_KV_OP_OK,       /* would have been written */
    SG_KV_OP_SAME,     /* INSERT of the value that is there already */
    SG_KV_OP_CONFLICT, /* precondition failed */
};

/* In process; borrows the store. */
SG_MUST_USE int sg_kv_open_local(struct sg_kv **ret, struct sg_store *store);

struct sg_kv_remote {
    const char *connect;     /* "127.0.0.1:7100" */
    struct sg_tls_ctx *tls;  /* client context with the caller's identity; borrowed */
    const char *expect_uri;  /* spiffe://sealgrid/kvsd */
    const char *api_key;     /* NULL when the mTLS identity decides; copied */
    int timeout_ms;          /* 0: 30,000 */
};
SG_MUST_USE int sg_kv_open_remote(struct sg_kv **ret, const struct sg_kv_remote *o);
void sg_kv_free(struct sg_kv *kv);
SG_DEFINE_FREEP(struct sg_kv, sg_kv_free)

/*
 * All or nothing, across partitions and tables of one bucket; durable when it returns 0.
 * Preconditions see the state before the batch; two writes to one key in a batch: -EINVAL.
 * SG_KV_CONFLICT fills ret_results[n] (may be NULL).  0 fills it too (OK or SAME).
 */
SG_MUST_USE int sg_kv_batch(struct sg_kv *kv, const char *bucket, const struct sg_kv_op *ops, size_t n,
                            enum sg_kv_op_result *ret_results);
/* Value appended to *ret (its max bounds it).  0 or SG_KV_NOT_FOUND. */
SG_MUST_USE int sg_kv_get(struct sg_kv *kv, const char *bucket, struct sg_kv_key key,
                          struct sg_buf *ret);

struct sg_kv_range {
    uint32_t table;
    struct sg_bytes partition;
    struct sg_bytes from;  /* inclusive; empty: from the first */
    struct sg_bytes until; /* exclusive; empty: to the last */
    bool reverse;
    uint64_t limit;        /* rows; 0: all */
    /*
     * Empty: whole values.  Else a bitmap, bit i % 8 of octet i / 8 for field i, at most 32 octets:
     * values are value tuples (kvs/tuple.h) and come back as tuples of the named fields alone, in
     * their order; fields that a row does not have are left out.  A value that is no tuple ends the
     * scan with SG_KV_DAMAGED.  Fields that are not named need not be looked at.
     */
    struct sg_bytes fields;
};

/* Rows of one partition in sort order, a consistent snapshot of that partition.  A whole-partition
 * scan is complete or an error: rows withheld or rolled back by storage end it with
 * SG_KV_DAMAGED.  The session is busy until the scan is freed. */
SG_MUST_USE int sg_kv_scan_open(struct sg_kv_scan **ret, struct sg_kv *kv, const char *bucket,
                                const struct sg_kv_range *range);
/* 0 and a row (borrowed until the next call), SG_KV_NOT_FOUND at the end, SG_KV_DAMAGED. */
SG_MUST_USE int sg_kv_scan_next(struct sg_kv_scan *s, struct sg_bytes *ret_sort,
                                struct sg_bytes *ret_value);
void sg_kv_scan_free(struct sg_kv_scan *s);
SG_DEFINE_FREEP(struct sg_kv_scan, sg_kv_scan_free)

/* Partition keys of a table with at least one row, in key order, through the scan's iterator with
 * the partition in *ret_sort and an empty value.  from/until as above on partition keys. */
SG_MUST_USE int sg_kv_partitions_open(struct sg_kv_scan **ret, struct sg_kv *kv, const char *bucket,
                                      uint32_t table, struct sg_bytes from, struct sg_bytes until);

/* Objects: whole values of any size, stored by the bucket's policy as manifest and fragments. */
SG_MUST_USE int sg_kv_object_put(struct sg_kv *kv, const char *bucket, const char *name,
                                 struct sg_bytes contents);
SG_MUST_USE int sg_kv_object_get(struct sg_kv *kv, const char *bucket, const char *name,
                                 struct sg_buf *ret);
SG_MUST_USE int sg_kv_object_delete(struct sg_kv *kv, const char *bucket, const char *name);
/* Names with the prefix, in order, one call of fn each; fn returning nonzero ends the listing. */
SG_MUST_USE int sg_kv_object_list(struct sg_kv *kv, const char *bucket, const char *prefix,
                                  int (*fn)(void *user, const char *name, uint64_t size), void *user);

/* Buckets.  policy: "replicas=3", "ec=6+2", "replicas=1,ec=6+2".  Creating one that exists with the
 * same policy is fine. */
SG_MUST_USE int sg_kv_bucket_create(struct sg_kv *kv, const char *bucket, const char *policy);

/* System tables of the bucket "metering". */
enum sg_table {
    SG_TABLE_DICTIONARY = 1,  /* SQL dictionary */
    SG_TABLE_SESSION = 2,     /* authenticator: EDHOC sessions */
    SG_TABLE_WINDOW = 3,      /* authenticator: replay windows */
    SG_TABLE_CREDENTIAL = 4,  /* meter credentials by x5t */
    SG_TABLE_INSTALLATION = 5,
    SG_TABLE_READING = 6,
    SG_TABLE_READING_CONFLICT = 7,
    SG_TABLE_BLOCK = 8,       /* block evidence */
    SG_TABLE_ESTIMATE = 9,    /* in place of readings that lack; never signed */
    SG_TABLE_RESOLUTION = 10, /* which of two differing readings counts, and who said so */
    SG_TABLE_CONTRACT = 11,   /* clients' contracts, dated */
    SG_TABLE_INSPECTION = 12, /* what inspectors found */
    SG_TABLE_CONSUMER = 13,   /* what is known of consumers besides their load, dated */
    SG_TABLE_TOPOLOGY = 14,   /* whose energy comes through which transformer, dated */
    SG_TABLE_USER_FIRST = 16, /* first id that CREATE TABLE gives out */
};
