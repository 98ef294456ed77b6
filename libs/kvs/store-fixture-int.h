#pragma once
/*
 * store fixture - a small store in a temporary folder, with fixed keys, for the engine's tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>
#include <sealgrid/kv.h>
#include <sealgrid/kvs/store.h>

#define FIXTURE_VOLUMES_MAX 9

struct fixture {
    char root[64];
    char paths[FIXTURE_VOLUMES_MAX][96];
    const char *volumes[FIXTURE_VOLUMES_MAX];
    uint8_t keys[4][32];
    struct sg_store_kek keks[2];
    struct sg_store_bucket buckets[2];
    struct sg_store_options options;
    struct sg_store *store;
    struct sg_kv *kv;
};

static inline void fixture_init(struct fixture *f, size_t n_volumes)
{
    memset(f, 0, sizeof(*f));
    /* syncs cost nothing in memory, and none of these tests can lose power */
    strcpy(f->root, access("/dev/shm", W_OK) == 0 ? "/dev/shm/sealgrid-test-XXXXXX"
                                                  : "/tmp/sealgrid-test-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    for (size_t i = 0; i < n_volumes; i++) {
        snprintf(f->paths[i], sizeof(f->paths[i]), "%s/v%zu", f->root, i);
        f->volumes[i] = f->paths[i];
    }
    for (size_t i = 0; i < 4; i++)
        memset(f->keys[i], 0x11 * (int)(i + 1), 32);
    f->keks[0] = (struct sg_store_kek){.epoch = 1, .key = SG_BYTES(f->keys[0], 32)};
    f->keks[1] = (struct sg_store_kek){.epoch = 2, .key = SG_BYTES(f->keys[1], 32)};
    f->buckets[0] = (struct sg_store_bucket){.name = "metering",
                                             .policy = "replicas=3",
                                             .keks = f->keks,
                                             .n_keks = 1,
                                             .name_key = SG_BYTES(f->keys[2], 32)};
    f->buckets[1] = f->buckets[0];
    f->buckets[1].name = "evidence";
    f->buckets[1].policy = "ec=4+2";
    f->options = (struct sg_store_options){.volumes = f->volumes,
                                           .n_volumes = n_volumes,
                                           .buckets = f->buckets,
                                           .n_buckets = 2,
                                           .store_key = SG_BYTES(f->keys[3], 32),
                                           .lease = {7},
                                           .index_bytes = 16u << 20};
}

static inline void fixture_open(struct fixture *f)
{
    int r = sg_store_open(&f->store, &f->options);
    if (r)
        print_error("open: %d %s\n", r, sg_error_trace());
    assert_int_equal(r, 0);
    assert_int_equal(sg_kv_open_local(&f->kv, f->store), 0);
}

static inline void fixture_close(struct fixture *f)
{
    sg_kv_free(f->kv);
    sg_store_close(f->store);
    f->kv = NULL;
    f->store = NULL;
}

static inline void fixture_clear(struct fixture *f)
{
    fixture_close(f);
    assert_int_equal(sg_remove_tree(f->root), 0);
}

/* Keys and values from numbers: partition p, row i, `revision` of its value. */
struct fixture_row {
    uint8_t partition[9], sort[9];
    uint8_t value[96];
    size_t value_len;
    struct sg_kv_key key;
};

static inline void fixture_integer(uint8_t ret[9], int64_t v)
{
    ret[0] = 0x15;
    sg_store_be64(ret + 1, (uint64_t)v ^ (UINT64_C(1) << 63));
}

static inline struct sg_kv_key fixture_row(struct fixture_row *row, uint32_t table, int64_t p,
                                           int64_t i, int revision)
{
    fixture_integer(row->partition, p);
    fixture_integer(row->sort, i);
    row->value_len = (size_t)snprintf((char *)row->value, sizeof(row->value),
                                      "value of %lld/%lld revision %d .......... %lld",
                                      (long long)p, (long long)i, revision, (long long)(i * 7919));
    row->key = (struct sg_kv_key){table, SG_BYTES_ARRAY(row->partition), SG_BYTES_ARRAY(row->sort)};
    return row->key;
}

/* Rows first..first+n-1 of a partition in one batch. */
static inline int fixture_write(struct sg_kv *kv, enum sg_kv_op_kind kind, uint32_t table,
                                int64_t p, int64_t first, size_t n, int revision)
{
    struct fixture_row *rows = calloc(n, sizeof(*rows));
    struct sg_kv_op *ops = calloc(n, sizeof(*ops));
    assert_non_null(rows);
    assert_non_null(ops);
    for (size_t i = 0; i < n; i++) {
        ops[i].kind = kind;
        ops[i].key = fixture_row(&rows[i], table, p, first + (int64_t)i, revision);
        ops[i].value = SG_BYTES(rows[i].value, rows[i].value_len);
    }
    int r = sg_kv_batch(kv, "metering", ops, n, NULL);
    free(rows);
    free(ops);
    return r;
}

/* Whether row i is there with that revision; revision < 0: whether it is absent. */
static inline bool fixture_has(struct sg_kv *kv, uint32_t table, int64_t p, int64_t i, int revision)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf got = SG_BUF_INIT(1u << 16);
    struct fixture_row row;
    int r = sg_kv_get(kv, "metering", fixture_row(&row, table, p, i, revision), &got);
    if (revision < 0)
        return r == SG_KV_NOT_FOUND;
    return r == 0 && sg_bytes_equal(sg_buf_bytes(&got), SG_BYTES(row.value, row.value_len));
}

/* Rows that a whole-partition scan gives, or a negative number if it fails or is out of order. */
static inline long fixture_count(struct sg_kv *kv, uint32_t table, int64_t p)
{
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *scan = NULL;
    uint8_t partition[9], before[9] = {0};
    struct sg_bytes sort, value;
    long n = 0;
    fixture_integer(partition, p);
    const struct sg_kv_range range = {.table = table, .partition = SG_BYTES_ARRAY(partition)};
    int r = sg_kv_scan_open(&scan, kv, "metering", &range);
    while (r == 0 && (r = sg_kv_scan_next(scan, &sort, &value)) == 0) {
        if (sort.len != 9 || memcmp(before, sort.data, 9) >= 0)
            return -1000;
        memcpy(before, sort.data, 9);
        n++;
    }
    return r == SG_KV_NOT_FOUND ? n : -(long)(r < 0 ? -r : r);
}
