#pragma once
/*
 * test-kv - for the tests here: kv sessions over sg_kv_memory that count what is asked of them and
 * can be made to fail, an engine and a connection over them, and short ways to run statements.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include <sealgrid/kvs/memory.h>

#include "../kvs/kv-int.h"
#include "sql-int.h"

struct counts {
    unsigned opens, gets, scans, listings, batches, rows, listed, octets;
    int fail;        /* the next so many calls fail with -EPIPE */
    int fail_after;  /* so many calls later one fails, the call after this number; 0: none */
    bool lost_reply; /* a failing batch is written all the same */
};

struct fixture {
    struct sg_kv_memory *memory;
    struct sg_sql_engine *engine;
    struct sg_sql *c;
    struct counts n;
};

struct counting_kv {
    struct sg_kv kv;
    struct sg_kv *inner;
    struct counts *n;
};

struct counting_scan {
    struct sg_kv_scan scan;
    struct sg_kv_scan *inner;
    unsigned *rows, *octets; /* octets: of values */
};

/* From any thread; the counts are read when nothing else runs. */
static inline void count(unsigned *n)
{
    __atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
}

static inline bool must_fail(struct counting_kv *k)
{
    int left = __atomic_load_n(&k->n->fail_after, __ATOMIC_RELAXED);
    if (left > 0 && __atomic_fetch_sub(&k->n->fail_after, 1, __ATOMIC_RELAXED) == 1)
        return true;
    left = __atomic_load_n(&k->n->fail, __ATOMIC_RELAXED);
    return left > 0 && __atomic_fetch_sub(&k->n->fail, 1, __ATOMIC_RELAXED) > 0;
}

static inline void counting_free(struct sg_kv *kv)
{
    struct counting_kv *k = (struct counting_kv *)kv;
    sg_kv_free(k->inner);
    free(k);
}

static inline int counting_batch(struct sg_kv *kv, const char *bucket, const struct sg_kv_op *list,
                                 size_t n, enum sg_kv_op_result *ret)
{
    struct counting_kv *k = (struct counting_kv *)kv;
    count(&k->n->batches);
    bool fails = must_fail(k);
    int r = fails && !k->n->lost_reply ? 0 : sg_kv_batch(k->inner, bucket, list, n, ret);
    return fails ? sg_raise(-EPIPE) : r;
}

static inline int counting_get(struct sg_kv *kv, const char *bucket, struct sg_kv_key key,
                               struct sg_buf *ret)
{
    struct counting_kv *k = (struct counting_kv *)kv;
    count(&k->n->gets);
    return must_fail(k) ? sg_raise(-EPIPE) : sg_kv_get(k->inner, bucket, key, ret);
}

static inline int counting_next(struct sg_kv_scan *s, struct sg_bytes *sort, struct sg_bytes *value)
{
    struct counting_scan *c = (struct counting_scan *)s;
    int r = sg_kv_scan_next(c->inner, sort, value);
    if (r == 0) {
        count(c->rows);
        __atomic_fetch_add(c->octets, (unsigned)value->len, __ATOMIC_RELAXED);
    }
    return r;
}

static inline void counting_scan_free(struct sg_kv_scan *s)
{
    struct counting_scan *c = (struct counting_scan *)s;
    sg_kv_scan_free(c->inner);
    free(c);
}

static inline int wrap_scan(struct sg_kv_scan *inner, unsigned *rows, unsigned *octets,
                            struct sg_kv_scan **ret)
{
    static const struct sg_kv_scan_ops ops = {counting_next, counting_scan_free};
    struct counting_scan *c = calloc(1, sizeof(*c));
    assert_non_null(c);
    *c = (struct counting_scan){{&ops}, inner, rows, octets};
    *ret = &c->scan;
    return 0;
}

static inline int counting_scan_open(struct sg_kv_scan **ret, struct sg_kv *kv, const char *bucket,
                                     const struct sg_kv_range *range)
{
    struct counting_kv *k = (struct counting_kv *)kv;
    struct sg_kv_scan *inner;
    count(&k->n->scans);
    int r = must_fail(k) ? sg_raise(-EPIPE) : sg_kv_scan_open(&inner, k->inner, bucket, range);
    return r ? r : wrap_scan(inner, &k->n->rows, &k->n->octets, ret);
}

static inline int counting_partitions(struct sg_kv_scan **ret, struct sg_kv *kv, const char *bucket,
                                      uint32_t table, struct sg_bytes from, struct sg_bytes until)
{
    struct counting_kv *k = (struct counting_kv *)kv;
    struct sg_kv_scan *inner;
    count(&k->n->listings);
    int r = must_fail(k) ? sg_raise(-EPIPE)
                         : sg_kv_partitions_open(&inner, k->inner, bucket, table, from, until);
    return r ? r : wrap_scan(inner, &k->n->listed, &k->n->octets, ret);
}

static inline int open_counting(void *user, struct sg_kv **ret)
{
    static const struct sg_kv_ops ops = {
        .free = counting_free,
        .batch = counting_batch,
        .get = counting_get,
        .scan_open = counting_scan_open,
        .partitions_open = counting_partitions,
    };
    struct fixture *f = user;
    struct counting_kv *k = calloc(1, sizeof(*k));
    assert_non_null(k);
    k->kv.ops = &ops;
    k->n = &f->n;
    count(&f->n.opens);
    assert_int_equal(sg_kv_open_memory(&k->inner, f->memory), 0);
    *ret = &k->kv;
    return 0;
}

static inline struct fixture *fixture_new(void)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    assert_int_equal(sg_kv_memory_new(&f->memory), 0);
    struct sg_sql_engine_options o = {
        .open = open_counting, .user = f, .max_sessions = 8, .catalog_ms = 3600000};
    assert_int_equal(sg_sql_engine_new(&f->engine, &o), 0);
    assert_int_equal(sg_sql_open(&f->c, f->engine), 0);
    return f;
}

static inline void fixture_free(struct fixture *f)
{
    sg_sql_close(f->c);
    sg_sql_engine_free(f->engine);
    sg_kv_memory_free(f->memory);
    free(f);
}

static inline int setup(void **state)
{
    *state = fixture_new();
    return 0;
}

static inline int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

static inline struct sg_sql_query query(const char *sql)
{
    return (struct sg_sql_query){.sql = sg_bytes_str(sql), .role = SG_SQL_ADMIN};
}

static inline void append_value(struct sg_buf *b, const struct sg_value *v)
{
    int r = 0;
    switch (v->type) {
    case SG_INTEGER:
        r = sg_buf_printf(b, "%lld", (long long)v->i);
        break;
    case SG_REAL:
        r = sg_buf_printf(b, "%.15g", v->f);
        break;
    case SG_TEXT:
        r = sg_buf_printf(b, "'%.*s'", (int)v->bytes.len, (const char *)v->bytes.data);
        break;
    case SG_BLOB:
        r = sg_buf_printf(b, "x");
        for (size_t i = 0; i < v->bytes.len; i++)
            r = sg_buf_printf(b, "%02x", v->bytes.data[i]);
        break;
    default:
        r = sg_buf_printf(b, "null");
    }
    assert_int_equal(r, 0);
}

/* Rows as "1 'a';2 null;", or "!code" if the statement was refused, borrowed until the next call.
 */
static inline const char *run_query(struct fixture *f, const struct sg_sql_query *q)
{
    static struct sg_buf text = SG_BUF_INIT(1 << 26);
    sg_buf_reset(&text);
    int r = sg_sql_begin(f->c, q);
    for (; r == 0; r = sg_sql_next(f->c)) {
        for (size_t i = 0; i < sg_sql_columns(f->c); i++) {
            struct sg_value v = sg_sql_value(f->c, i);
            if (i)
                assert_int_equal(sg_buf_append_u8(&text, ' '), 0);
            append_value(&text, &v);
        }
        assert_int_equal(sg_buf_append_u8(&text, ';'), 0);
    }
    if (r == SG_SQL_REFUSED) {
        sg_buf_reset(&text);
        assert_int_equal(sg_buf_printf(&text, "!%s", sg_sql_code_name(sg_sql_error(f->c)->code)),
                         0);
    } else {
        assert_int_equal(r, SG_SQL_DONE);
    }
    sg_sql_end(f->c);
    assert_int_equal(sg_buf_append_u8(&text, 0), 0);
    return (const char *)text.data;
}

static inline const char *run(struct fixture *f, const char *sql)
{
    struct sg_sql_query q = query(sql);
    return run_query(f, &q);
}

#define expect_rows(f, sql, rows) assert_string_equal(run(f, sql), rows)
#define expect_done(f, sql)       expect_rows(f, sql, "")

/* Counts of what the statement asked of the store, the dictionary apart. */
static inline struct counts counts_of(struct fixture *f, const char *sql)
{
    (void)run(f, "SELECT 1");
    struct counts before = f->n;
    const char *rows = run(f, sql);
    if (rows[0] == '!')
        fail_msg("%s: %s %s", sql, rows, sg_sql_error(f->c)->message);
    return (struct counts){
        .gets = f->n.gets - before.gets,
        .scans = f->n.scans - before.scans,
        .listings = f->n.listings - before.listings,
        .batches = f->n.batches - before.batches,
        .rows = f->n.rows - before.rows,
        .listed = f->n.listed - before.listed,
        .octets = f->n.octets - before.octets,
    };
}
