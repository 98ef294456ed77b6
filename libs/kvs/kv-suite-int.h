#pragma once
/*
 * kv suite - what every implementation of kv.h must do, as cmocka tests over *state, a struct sg_kv
 * with empty buckets "metering" and "evidence".  Each test uses a table or names of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/random.h>
#include <sealgrid/kv.h>
#include <sealgrid/kvs/tuple.h>

#define SUITE_BUCKET "metering"

/* A key of integers; its octets live in the struct, which must not move while the key is used. */
struct suite_key {
    uint8_t octets[2][9];
    struct sg_kv_key key;
};

static inline struct sg_bytes suite_integer(uint8_t ret[9], int64_t v)
{
    ret[0] = 0x15;
    sg_store_be64(ret + 1, (uint64_t)v ^ (UINT64_C(1) << 63));
    return SG_BYTES(ret, 9);
}

static inline struct sg_kv_key suite_key(struct suite_key *k, uint32_t table, int64_t partition,
                                         int64_t sort)
{
    k->key = (struct sg_kv_key){table, suite_integer(k->octets[0], partition),
                                suite_integer(k->octets[1], sort)};
    return k->key;
}

static inline int suite_write(struct sg_kv *kv, enum sg_kv_op_kind kind, struct sg_kv_key key,
                              const char *value, const char *expect)
{
    const struct sg_kv_op op = {.kind = kind,
                                .key = key,
                                .value = sg_bytes_str(value ? value : ""),
                                .expect = sg_bytes_str(expect ? expect : ""),
                                .expect_absent = !expect};
    return sg_kv_batch(kv, SUITE_BUCKET, &op, 1, NULL);
}

static inline void suite_expect(struct sg_kv *kv, struct sg_kv_key key, const char *want)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf got = SG_BUF_INIT(65536);
    int r = sg_kv_get(kv, SUITE_BUCKET, key, &got);
    assert_int_equal(r, want ? 0 : SG_KV_NOT_FOUND);
    if (want)
        assert_true(sg_bytes_equal(sg_buf_bytes(&got), sg_bytes_str(want)));
}

static inline void suite_put_get_delete(void **state)
{
    struct sg_kv *kv = *state;
    struct suite_key k;
    struct sg_kv_key key = suite_key(&k, 20, 1, 1);
    suite_expect(kv, key, NULL);
    assert_int_equal(suite_write(kv, SG_KV_PUT, key, "one", NULL), 0);
    suite_expect(kv, key, "one");
    assert_int_equal(suite_write(kv, SG_KV_PUT, key, "two", NULL), 0);
    suite_expect(kv, key, "two");
    assert_int_equal(suite_write(kv, SG_KV_DELETE, key, NULL, NULL), 0);
    suite_expect(kv, key, NULL);
    assert_int_equal(suite_write(kv, SG_KV_DELETE, key, NULL, NULL), 0);
    assert_int_equal(suite_write(kv, SG_KV_PUT, key, "", NULL), 0);
    suite_expect(kv, key, "");
}

static inline void suite_insert_once(void **state)
{
    struct sg_kv *kv = *state;
    struct suite_key k;
    struct sg_kv_key key = suite_key(&k, 21, 1, 1);
    enum sg_kv_op_result result = SG_KV_OP_CONFLICT;
    struct sg_kv_op op = {.kind = SG_KV_INSERT, .key = key, .value = SG_BYTES_LIT("v")};
    assert_int_equal(sg_kv_batch(kv, SUITE_BUCKET, &op, 1, &result), 0);
    assert_int_equal(result, SG_KV_OP_OK);
    assert_int_equal(sg_kv_batch(kv, SUITE_BUCKET, &op, 1, &result), 0);
    assert_int_equal(result, SG_KV_OP_SAME);
    op.value = SG_BYTES_LIT("another");
    assert_int_equal(sg_kv_batch(kv, SUITE_BUCKET, &op, 1, &result), SG_KV_CONFLICT);
    assert_int_equal(result, SG_KV_OP_CONFLICT);
    suite_expect(kv, key, "v");
}

static inline void suite_replace_and_check(void **state)
{
    struct sg_kv *kv = *state;
    struct suite_key k;
    struct sg_kv_key key = suite_key(&k, 22, 1, 1);
    assert_int_equal(suite_write(kv, SG_KV_REPLACE, key, "a", "x"), SG_KV_CONFLICT);
    assert_int_equal(suite_write(kv, SG_KV_REPLACE, key, "a", NULL), 0);
    assert_int_equal(suite_write(kv, SG_KV_REPLACE, key, "b", NULL), SG_KV_CONFLICT);
    assert_int_equal(suite_write(kv, SG_KV_REPLACE, key, "b", "a"), 0);
    assert_int_equal(suite_write(kv, SG_KV_CHECK, key, NULL, "a"), SG_KV_CONFLICT);
    assert_int_equal(suite_write(kv, SG_KV_CHECK, key, NULL, "b"), 0);
    suite_expect(kv, key, "b");
}

/* One conflict anywhere, across partitions and tables: nothing is written. */
static inline void suite_all_or_nothing(void **state)
{
    struct sg_kv *kv = *state;
    struct suite_key k[3];
    enum sg_kv_op_result result[3];
    struct sg_kv_op ops[] = {
        {.kind = SG_KV_PUT, .key = suite_key(&k[0], 23, 1, 1), .value = SG_BYTES_LIT("a")},
        {.kind = SG_KV_INSERT, .key = suite_key(&k[1], 24, 2, 1), .value = SG_BYTES_LIT("b")},
        {.kind = SG_KV_CHECK, .key = suite_key(&k[2], 24, 3, 1), .expect = SG_BYTES_LIT("c")},
    };
    assert_int_equal(sg_kv_batch(kv, SUITE_BUCKET, ops, 3, result), SG_KV_CONFLICT);
    assert_int_equal(result[0], SG_KV_OP_OK);
    assert_int_equal(result[1], SG_KV_OP_OK);
    assert_int_equal(result[2], SG_KV_OP_CONFLICT);
    suite_expect(kv, k[0].key, NULL);
    suite_expect(kv, k[1].key, NULL);
    ops[2].expect_absent = true;
    assert_int_equal(sg_kv_batch(kv, SUITE_BUCKET, ops, 3, result), 0);
    suite_expect(kv, k[0].key, "a");
    suite_expect(kv, k[1].key, "b");
}

static inline void suite_two_writes_to_one_key(void **state)
{
    struct sg_kv *kv = *state;
    struct suite_key k[2];
    const struct sg_kv_op ops[] = {
        {.kind = SG_KV_PUT, .key = suite_key(&k[0], 25, 1, 1), .value = SG_BYTES_LIT("a")},
        {.kind = SG_KV_DELETE, .key = suite_key(&k[1], 25, 1, 1)},
    };
    assert_int_equal(sg_kv_batch(kv, SUITE_BUCKET, ops, 2, NULL), -EINVAL);
    suite_expect(kv, k[0].key, NULL);
}

static inline void suite_fill(struct sg_kv *kv, uint32_t table, int64_t partition, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        struct suite_key k;
        char value[32];
        snprintf(value, sizeof(value), "row %lld", (long long)i);
        assert_int_equal(
            suite_write(kv, SG_KV_INSERT, suite_key(&k, table, partition, 10 * i), value, NULL), 0);
    }
}

/* Rows first, first + step, ... of suite_fill, n of them, and then the end. */
static inline void suite_expect_rows(struct sg_kv *kv, const struct sg_kv_range *range,
                                     int64_t first, int64_t step, int64_t n)
{
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *scan = NULL;
    struct sg_bytes sort, value;
    assert_int_equal(sg_kv_scan_open(&scan, kv, SUITE_BUCKET, range), 0);
    for (int64_t i = 0; i < n; i++) {
        uint8_t octets[9];
        char text[32];
        snprintf(text, sizeof(text), "row %lld", (long long)(first + i * step));
        assert_int_equal(sg_kv_scan_next(scan, &sort, &value), 0);
        assert_true(sg_bytes_equal(sort, suite_integer(octets, 10 * (first + i * step))));
        assert_true(sg_bytes_equal(value, sg_bytes_str(text)));
    }
    assert_int_equal(sg_kv_scan_next(scan, &sort, &value), SG_KV_NOT_FOUND);
    assert_int_equal(sg_kv_scan_next(scan, &sort, &value), SG_KV_NOT_FOUND);
}

static inline void suite_scans(void **state)
{
    struct sg_kv *kv = *state;
    uint8_t p[9], from[9], until[9];
    struct sg_kv_range range = {.table = 26, .partition = suite_integer(p, 7)};
    suite_fill(kv, 26, 6, 3);
    suite_fill(kv, 26, 7, 50);
    suite_fill(kv, 26, 8, 3);
    suite_expect_rows(kv, &range, 0, 1, 50);
    range.limit = 4;
    suite_expect_rows(kv, &range, 0, 1, 4);
    range.reverse = true;
    suite_expect_rows(kv, &range, 49, -1, 4);
    range.limit = 0;
    range.from = suite_integer(from, 95); /* between rows */
    range.until = suite_integer(until, 200);
    suite_expect_rows(kv, &range, 19, -1, 10);
    range.reverse = false;
    suite_expect_rows(kv, &range, 10, 1, 10);
    range.from = range.until;
    suite_expect_rows(kv, &range, 0, 1, 0);
    range = (struct sg_kv_range){.table = 26, .partition = suite_integer(p, 9)};
    suite_expect_rows(kv, &range, 0, 1, 0);
}

/* Tuples of 0 to 5 fields, then of whole pages and their rest: what is named comes back, as a tuple
 * of its own; what a row does not have is left out. */
static inline void suite_put_tuple(struct sg_kv *kv, int64_t partition, int64_t i, size_t n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1024);
    const struct sg_value v[5] = {SG_VAL_INT(i),
                                  SG_VAL_TEXT("text"),
                                  {.type = SG_NULL},
                                  SG_VAL_INT(-i * 1000003),
                                  SG_VAL_INT(i % 7)};
    struct suite_key k;
    assert_int_equal(sg_tuple_value_append(&b, v, n), 0);
    const struct sg_kv_op op = {
        .kind = SG_KV_PUT, .key = suite_key(&k, 49, partition, i), .value = sg_buf_bytes(&b)};
    assert_int_equal(sg_kv_batch(kv, SUITE_BUCKET, &op, 1, NULL), 0);
}

static inline void suite_expect_tuples(struct sg_kv *kv, int64_t partition, struct sg_bytes fields,
                                       int64_t n, bool short_rows)
{
    uint8_t p[9];
    struct sg_kv_scan *scan;
    struct sg_bytes sort, value;
    struct sg_value got[5];
    size_t n_got;
    const struct sg_kv_range range = {
        .table = 49, .partition = suite_integer(p, partition), .fields = fields};
    assert_int_equal(sg_kv_scan_open(&scan, kv, SUITE_BUCKET, &range), 0);
    for (int64_t i = 0; i < n; i++) {
        int64_t has = short_rows ? i % 6 : 5;
        size_t k = 0;
        assert_int_equal(sg_kv_scan_next(scan, &sort, &value), 0);
        assert_int_equal(sg_tuple_value_decode(value, got, 5, &n_got), 0);
        for (int64_t f = 0; f < has; f++) {
            if (!(fields.data[0] >> f & 1))
                continue;
            assert_true(k < n_got);
            assert_int_equal(got[k].type, f == 1 ? SG_TEXT : f == 2 ? SG_NULL : SG_INTEGER);
            if (got[k].type == SG_INTEGER)
                assert_true(got[k].i == (f == 0 ? i : f == 3 ? -i * 1000003 : i % 7));
            k++;
        }
        assert_int_equal(n_got, k);
    }
    assert_int_equal(sg_kv_scan_next(scan, &sort, &value), SG_KV_NOT_FOUND);
    sg_kv_scan_free(scan);
}

static inline void suite_fields(void **state)
{
    static const uint8_t masks[] = {0x00, 0x01, 0x08, 0x16, 0x1f, 0xff};
    struct sg_kv *kv = *state;
    for (int64_t i = 0; i < 400; i++) {
        suite_put_tuple(kv, 1, i, (size_t)(i % 6));
        suite_put_tuple(kv, 2, i, 5);
    }
    for (size_t m = 0; m < sizeof(masks); m++) {
        const uint8_t fields[2] = {masks[m], 0x80};
        suite_expect_tuples(kv, 1, SG_BYTES_ARRAY(fields), 400, true);
        suite_expect_tuples(kv, 2, SG_BYTES_ARRAY(fields), 400, false);
    }
}

/* A value that is no tuple has no fields: damage, wherever the row lies. */
static inline void suite_fields_of_no_tuple(void **state)
{
    static const uint8_t fields[] = {1};
    struct sg_kv *kv = *state;
    struct sg_kv_scan *scan = NULL;
    struct sg_bytes sort, value;
    struct suite_key k;
    for (int64_t n = 1; n <= 600; n += 599) {
        uint8_t p[9];
        const struct sg_kv_range range = {
            .table = 50, .partition = suite_integer(p, n), .fields = SG_BYTES_ARRAY(fields)};
        for (int64_t i = 0; i < n; i++)
            assert_int_equal(
                suite_write(kv, SG_KV_PUT, suite_key(&k, 50, n, i), "\xff\xff no tuple", NULL), 0);
        int r = sg_kv_scan_open(&scan, kv, SUITE_BUCKET, &range);
        if (r == 0) {
            r = sg_kv_scan_next(scan, &sort, &value);
            sg_kv_scan_free(scan);
        }
        assert_int_equal(r, SG_KV_DAMAGED);
    }
    static const uint8_t longest[33] = {0};
    const struct sg_kv_range range = {.table = 50, .fields = SG_BYTES_ARRAY(longest)};
    assert_int_equal(sg_kv_scan_open(&scan, kv, SUITE_BUCKET, &range), -EINVAL);
}

/* Manifests hold the keys of objects, and who writes settings is the bucket's administrator. */
static inline void suite_tables_of_the_store(void **state)
{
    static const uint32_t tables[] = {0, 0xfffffffe};
    struct sg_kv *kv = *state;
    for (size_t i = 0; i < 2; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1024);
        struct sg_kv_scan *scan = NULL;
        const struct sg_kv_key key = {tables[i], SG_BYTES_LIT("policy"), SG_BYTES_NONE};
        const struct sg_kv_op op = {
            .kind = SG_KV_PUT, .key = key, .value = SG_BYTES_LIT("replicas=1")};
        const struct sg_kv_range range = {.table = tables[i], .partition = key.partition};
        assert_int_equal(sg_kv_batch(kv, SUITE_BUCKET, &op, 1, NULL), -EINVAL);
        assert_int_equal(sg_kv_get(kv, SUITE_BUCKET, key, &b), -EINVAL);
        assert_int_equal(sg_kv_scan_open(&scan, kv, SUITE_BUCKET, &range), -EINVAL);
        assert_int_equal(
            sg_kv_partitions_open(&scan, kv, SUITE_BUCKET, tables[i], SG_BYTES_NONE, SG_BYTES_NONE),
            -EINVAL);
    }
}

static inline void suite_deleted_rows_are_gone(void **state)
{
    struct sg_kv *kv = *state;
    uint8_t p[9];
    struct suite_key k;
    struct sg_kv_range range = {.table = 27, .partition = suite_integer(p, 1)};
    suite_fill(kv, 27, 1, 10);
    for (int64_t i = 5; i < 10; i++)
        assert_int_equal(suite_write(kv, SG_KV_DELETE, suite_key(&k, 27, 1, 10 * i), NULL, NULL),
                         0);
    suite_expect_rows(kv, &range, 0, 1, 5);
}

/* Many rows of some size: more than any buffer on the way. */
static inline void suite_long_scan(void **state)
{
    enum { ROWS = 3000, EACH = 500, BATCH = 500 };
    struct sg_kv *kv = *state;
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *scan = NULL;
    static struct suite_key k[BATCH];
    static struct sg_kv_op ops[BATCH];
    static uint8_t value[EACH];
    struct sg_bytes got_sort, got;
    uint8_t p[9];
    for (int64_t i = 0; i < ROWS; i += BATCH) {
        for (int64_t j = 0; j < BATCH; j++)
            ops[j] = (struct sg_kv_op){.kind = SG_KV_INSERT,
                                       .key = suite_key(&k[j], 28, 1, i + j),
                                       .value = SG_BYTES_ARRAY(value)};
        memset(value, (int)(i / BATCH), sizeof(value));
        assert_int_equal(sg_kv_batch(kv, SUITE_BUCKET, ops, BATCH, NULL), 0);
    }
    const struct sg_kv_range range = {.table = 28, .partition = suite_integer(p, 1)};
    assert_int_equal(sg_kv_scan_open(&scan, kv, SUITE_BUCKET, &range), 0);
    for (int64_t i = 0; i < ROWS; i++) {
        uint8_t octets[9];
        assert_int_equal(sg_kv_scan_next(scan, &got_sort, &got), 0);
        assert_true(sg_bytes_equal(got_sort, suite_integer(octets, i)));
        assert_int_equal(got.len, EACH);
        assert_int_equal(got.data[EACH - 1], i / BATCH);
    }
    assert_int_equal(sg_kv_scan_next(scan, &got_sort, &got), SG_KV_NOT_FOUND);
}

/* A scan may be given up midway; the session is then free for more. */
static inline void suite_abandoned_scan(void **state)
{
    struct sg_kv *kv = *state;
    struct sg_bytes sort, value;
    struct sg_kv_scan *scan = NULL;
    uint8_t p[9];
    const struct sg_kv_range range = {.table = 29, .partition = suite_integer(p, 1)};
    suite_fill(kv, 29, 1, 5);
    assert_int_equal(sg_kv_scan_open(&scan, kv, SUITE_BUCKET, &range), 0);
    assert_int_equal(sg_kv_scan_next(scan, &sort, &value), 0);
    sg_kv_scan_free(scan);
    suite_expect_rows(kv, &range, 0, 1, 5);
}

static inline void suite_partitions(void **state)
{
    struct sg_kv *kv = *state;
    SG_CLEANUP(sg_kv_scan_freep) struct sg_kv_scan *all = NULL, *some = NULL;
    struct sg_bytes key, value;
    uint8_t from[9], until[9], octets[9];
    for (int64_t i = 0; i < 6; i++)
        suite_fill(kv, 30, 100 * i, 2);
    assert_int_equal(
        sg_kv_partitions_open(&all, kv, SUITE_BUCKET, 30, SG_BYTES_NONE, SG_BYTES_NONE), 0);
    for (int64_t i = 0; i < 6; i++) {
        assert_int_equal(sg_kv_scan_next(all, &key, &value), 0);
        assert_true(sg_bytes_equal(key, suite_integer(octets, 100 * i)));
        assert_int_equal(value.len, 0);
    }
    assert_int_equal(sg_kv_scan_next(all, &key, &value), SG_KV_NOT_FOUND);
    sg_kv_scan_free(TAKE_PTR(all));
    assert_int_equal(sg_kv_partitions_open(&some, kv, SUITE_BUCKET, 30, suite_integer(from, 100),
                                           suite_integer(until, 300)),
                     0);
    for (int64_t i = 1; i < 3; i++) {
        assert_int_equal(sg_kv_scan_next(some, &key, &value), 0);
        assert_true(sg_bytes_equal(key, suite_integer(octets, 100 * i)));
    }
    assert_int_equal(sg_kv_scan_next(some, &key, &value), SG_KV_NOT_FOUND);
}

static inline void suite_limits(void **state)
{
    static uint8_t zeros[65537];
    struct sg_kv *kv = *state;
    struct sg_kv_op op = {.kind = SG_KV_PUT,
                          .key = {31, SG_BYTES(zeros, 1024), SG_BYTES(zeros, 1024)},
                          .value = SG_BYTES(zeros, 65536)};
    assert_int_equal(sg_kv_batch(kv, SUITE_BUCKET, &op, 1, NULL), 0);
    op.value.len++;
    assert_int_equal(sg_kv_batch(kv, SUITE_BUCKET, &op, 1, NULL), SG_KV_TOO_LARGE);
    op.value.len = 1;
    op.key.sort.len++;
    assert_int_equal(sg_kv_batch(kv, SUITE_BUCKET, &op, 1, NULL), SG_KV_TOO_LARGE);
    assert_int_equal(sg_kv_batch(kv, "Metering", &op, 1, NULL), -EINVAL);
    assert_int_equal(sg_kv_batch(kv, SUITE_BUCKET, &op, 0, NULL), 0);
}

/* ---- objects ---- */

static inline void suite_object_sizes(void **state)
{
    static const size_t sizes[] = {0, 1, 70000, 3000000};
    struct sg_kv *kv = *state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        SG_CLEANUP(sg_buf_clear)
        struct sg_buf in = SG_BUF_INIT(4u << 20), out = SG_BUF_INIT(4u << 20);
        uint8_t *p;
        struct sg_prng prng;
        char name[32];
        snprintf(name, sizeof(name), "sizes/%zu", sizes[i]);
        assert_int_equal(sg_buf_extend(&in, sizes[i], &p), 0);
        sg_prng_seed(&prng, i);
        for (size_t k = 0; k < sizes[i]; k++)
            p[k] = (uint8_t)sg_prng_u64(&prng);
        assert_int_equal(sg_kv_object_put(kv, "evidence", name, sg_buf_bytes(&in)), 0);
        assert_int_equal(sg_kv_object_get(kv, "evidence", name, &out), 0);
        assert_true(sg_bytes_equal(sg_buf_bytes(&in), sg_buf_bytes(&out)));
    }
}

struct suite_names {
    char seen[256];
    int stop_after;
};

static inline int suite_note_name(void *user, const char *name, uint64_t size)
{
    struct suite_names *n = user;
    size_t len = strlen(n->seen);
    snprintf(n->seen + len, sizeof(n->seen) - len, "%s:%llu;", name, (unsigned long long)size);
    return --n->stop_after == 0;
}

static inline void suite_object_names(void **state)
{
    static const char *const names[] = {"list/b", "list/a b?%&", "list/\xc3\xa7", "other",
                                        "list/a"};
    struct sg_kv *kv = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(64);
    struct suite_names got = {.stop_after = 0};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(sg_kv_object_put(kv, "evidence", names[i], SG_BYTES_LIT("xy")), 0);
    assert_int_equal(sg_kv_object_list(kv, "evidence", "list/", suite_note_name, &got), 0);
    assert_string_equal(got.seen, "list/a:2;list/a b?%&:2;list/b:2;list/\xc3\xa7:2;");
    got = (struct suite_names){.stop_after = 1};
    assert_int_equal(sg_kv_object_list(kv, "evidence", "list/", suite_note_name, &got), 0);
    assert_string_equal(got.seen, "list/a:2;");
    assert_int_equal(sg_kv_object_get(kv, "evidence", "list/a b?%&", &out), 0);
    assert_int_equal(sg_kv_object_put(kv, "evidence", "bad\nname", SG_BYTES_NONE), -EINVAL);
    assert_int_equal(sg_kv_object_put(kv, "evidence", "", SG_BYTES_NONE), -EINVAL);
}

static inline void suite_object_delete(void **state)
{
    struct sg_kv *kv = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(64);
    assert_int_equal(sg_kv_object_get(kv, "evidence", "gone", &out), SG_KV_NOT_FOUND);
    assert_int_equal(sg_kv_object_put(kv, "evidence", "gone", SG_BYTES_LIT("old")), 0);
    assert_int_equal(sg_kv_object_put(kv, "evidence", "gone", SG_BYTES_LIT("new")), 0);
    assert_int_equal(sg_kv_object_get(kv, "evidence", "gone", &out), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&out), SG_BYTES_LIT("new")));
    assert_int_equal(sg_kv_object_delete(kv, "evidence", "gone"), 0);
    assert_int_equal(sg_kv_object_get(kv, "evidence", "gone", &out), SG_KV_NOT_FOUND);
}

#define SUITE_TESTS                                                                                \
    cmocka_unit_test(suite_put_get_delete), cmocka_unit_test(suite_insert_once),                   \
        cmocka_unit_test(suite_replace_and_check), cmocka_unit_test(suite_all_or_nothing),         \
        cmocka_unit_test(suite_two_writes_to_one_key), cmocka_unit_test(suite_scans),              \
        cmocka_unit_test(suite_fields), cmocka_unit_test(suite_fields_of_no_tuple),                \
        cmocka_unit_test(suite_tables_of_the_store),                                               \
        cmocka_unit_test(suite_deleted_rows_are_gone), cmocka_unit_test(suite_long_scan),          \
        cmocka_unit_test(suite_abandoned_scan), cmocka_unit_test(suite_partitions),                \
        cmocka_unit_test(suite_limits), cmocka_unit_test(suite_object_sizes),                      \
        cmocka_unit_test(suite_object_names), cmocka_unit_test(suite_object_delete)
