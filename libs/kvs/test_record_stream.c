/* record stream: every item comes back, cuts and foreign octets are noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>

#include "kv-int.h"
#include "record-stream-int.h"

static const struct sg_kv_op some_ops[] = {
    {.kind = SG_KV_PUT,
     .key = {6, SG_BYTES_LIT("part"), SG_BYTES_LIT("sort")},
     .value = SG_BYTES_LIT("value")},
    {.kind = SG_KV_REPLACE,
     .key = {UINT32_MAX, SG_BYTES_LIT("p"), SG_BYTES_NONE},
     .value = SG_BYTES_LIT("new"),
     .expect = SG_BYTES_LIT("old")},
    {.kind = SG_KV_CHECK, .key = {3, SG_BYTES_LIT("\0"), SG_BYTES_LIT("x")}, .expect_absent = true},
    {.kind = SG_KV_DELETE, .key = {4, SG_BYTES_LIT("p"), SG_BYTES_LIT("q")}},
    {.kind = SG_KV_INSERT,
     .key = {4, SG_BYTES_LIT("p"), SG_BYTES_LIT("r")},
     .value = SG_BYTES_LIT("v")},
};
#define N_OPS (sizeof(some_ops) / sizeof(some_ops[0]))

static void put_batch(struct sg_buf *out)
{
    struct sg_records_writer w;
    assert_int_equal(sg_records_begin(&w, out, SG_RECORDS_BATCH), 0);
    for (size_t i = 0; i < N_OPS; i++)
        assert_int_equal(sg_records_put_op(&w, &some_ops[i]), 0);
    assert_int_equal(sg_records_end(&w), 0);
}

static void assert_op(const struct sg_kv_op *a, const struct sg_kv_op *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->expect_absent, b->expect_absent);
    assert_int_equal(a->key.table, b->key.table);
    assert_true(sg_bytes_equal(a->key.partition, b->key.partition));
    assert_true(sg_bytes_equal(a->key.sort, b->key.sort));
    assert_true(sg_bytes_equal(a->value, b->value));
    assert_true(sg_bytes_equal(a->expect, b->expect));
}

static void test_a_batch_comes_back(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    struct sg_records_reader s = sg_records_reader(SG_RECORDS_BATCH);
    struct sg_item item;
    put_batch(&b);
    struct sg_reader in = sg_reader_over(sg_buf_bytes(&b));
    for (size_t i = 0; i < N_OPS; i++) {
        assert_int_equal(sg_records_next(&s, &in, &item), 0);
        assert_int_equal(item.type, SG_ITEM_OP);
        assert_op(&item.op, &some_ops[i]);
    }
    assert_int_equal(sg_records_next(&s, &in, &item), SG_RECORDS_END);
    assert_int_equal(item.type, SG_ITEM_END);
    assert_int_equal(in.left, 0);
}

/* The same when octets arrive one by one; no prefix is taken for the whole. */
static void test_any_split_and_every_cut(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    put_batch(&b);
    struct sg_records_reader s = sg_records_reader(SG_RECORDS_BATCH);
    struct sg_item item;
    size_t taken = 0, ops = 0;
    for (size_t len = 0; len <= b.len; len++) {
        struct sg_reader in = {b.data + taken, len - taken};
        int r;
        while ((r = sg_records_next(&s, &in, &item)) == 0)
            assert_op(&item.op, &some_ops[ops++]);
        assert_int_equal(r, len < b.len ? SG_RECORDS_MORE : SG_RECORDS_END);
        taken = len - in.left;
    }
    assert_int_equal(ops, N_OPS);
    assert_true(s.ended);
}

static void test_range_key_value_results(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    const struct sg_kv_range range = {
        6,    SG_BYTES_LIT("part"), SG_BYTES_LIT("a"),         SG_BYTES_LIT("b"),
        true, UINT64_MAX,           SG_BYTES_LIT("\x05\0\x80")};
    const enum sg_kv_op_result results[] = {SG_KV_OP_OK, SG_KV_OP_CONFLICT, SG_KV_OP_SAME};
    struct sg_records_writer w;
    struct sg_item item;
    assert_int_equal(sg_records_begin(&w, &b, SG_RECORDS_SCAN), 0);
    assert_int_equal(sg_records_put_range(&w, &range), 0);
    struct sg_reader in = sg_reader_over(sg_buf_bytes(&b));
    struct sg_records_reader s = sg_records_reader(SG_RECORDS_SCAN);
    assert_int_equal(sg_records_next(&s, &in, &item), 0);
    assert_int_equal(item.range.table, 6);
    assert_true(item.range.reverse && item.range.limit == UINT64_MAX);
    assert_true(sg_bytes_equal(item.range.partition, range.partition));
    assert_true(sg_bytes_equal(item.range.from, range.from));
    assert_true(sg_bytes_equal(item.range.until, range.until));
    assert_true(sg_bytes_equal(item.range.fields, range.fields));

    sg_buf_reset(&b);
    assert_int_equal(sg_records_begin(&w, &b, SG_RECORDS_GET), 0);
    assert_int_equal(sg_records_put_key(&w, &some_ops[0].key), 0);
    in = sg_reader_over(sg_buf_bytes(&b));
    s = sg_records_reader(SG_RECORDS_GET);
    assert_int_equal(sg_records_next(&s, &in, &item), 0);
    assert_true(sg_bytes_equal(item.op.key.sort, some_ops[0].key.sort));

    sg_buf_reset(&b);
    assert_int_equal(sg_records_begin(&w, &b, SG_RECORDS_VALUE), 0);
    assert_int_equal(sg_records_put_value(&w, SG_BYTES_LIT("the value")), 0);
    in = sg_reader_over(sg_buf_bytes(&b));
    s = sg_records_reader(SG_RECORDS_VALUE);
    assert_int_equal(sg_records_next(&s, &in, &item), 0);
    assert_true(sg_bytes_equal(item.bytes, SG_BYTES_LIT("the value")));

    sg_buf_reset(&b);
    assert_int_equal(sg_records_begin(&w, &b, SG_RECORDS_RESULTS), 0);
    assert_int_equal(sg_records_put_results(&w, results, 3), 0);
    in = sg_reader_over(sg_buf_bytes(&b));
    s = sg_records_reader(SG_RECORDS_RESULTS);
    assert_int_equal(sg_records_next(&s, &in, &item), 0);
    assert_true(sg_bytes_equal(item.bytes, SG_BYTES_LIT("\0\2\1")));
}

static void test_an_error_ends_rows(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
    struct sg_records_writer w;
    struct sg_records_reader s = sg_records_reader(SG_RECORDS_ROWS);
    struct sg_item item;
    assert_int_equal(sg_records_begin(&w, &b, SG_RECORDS_ROWS), 0);
    assert_int_equal(sg_records_put_row(&w, SG_BYTES_LIT("s"), SG_BYTES_LIT("v")), 0);
    assert_int_equal(sg_records_put_error(&w, SG_KV_DAMAGED, "damaged"), 0);
    struct sg_reader in = sg_reader_over(sg_buf_bytes(&b));
    assert_int_equal(sg_records_next(&s, &in, &item), 0);
    assert_true(sg_bytes_equal(item.row.sort, SG_BYTES_LIT("s")));
    assert_true(sg_bytes_equal(item.row.value, SG_BYTES_LIT("v")));
    assert_int_equal(sg_records_next(&s, &in, &item), SG_RECORDS_END);
    assert_int_equal(item.type, SG_ITEM_ERROR);
    assert_int_equal(item.error.outcome, SG_KV_DAMAGED);
    assert_true(sg_bytes_equal(item.error.code, SG_BYTES_LIT("damaged")));
}

/* ---- refusals ---- */

static int last_result(enum sg_records_kind kind, struct sg_bytes octets)
{
    struct sg_records_reader s = sg_records_reader(kind);
    struct sg_reader in = sg_reader_over(octets);
    struct sg_item item;
    int r;
    do
        r = sg_records_next(&s, &in, &item);
    while (r == 0 || (r == SG_RECORDS_END && in.left));
    return r;
}

static void test_foreign_streams_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum sg_records_kind kind;
        struct sg_bytes octets;
    } bad[] = {
        {SG_RECORDS_ROWS, SG_BYTES_LIT("SGRT\1\6\17\1\0")},        /* magic */
        {SG_RECORDS_ROWS, SG_BYTES_LIT("SGRS\2\6\17\1\0")},        /* version */
        {SG_RECORDS_ROWS, SG_BYTES_LIT("SGRS\1\5\17\1\0")},        /* kind */
        {SG_RECORDS_ROWS, SG_BYTES_LIT("SGRS\1\6\17\1\1")},        /* one item missing */
        {SG_RECORDS_ROWS, SG_BYTES_LIT("SGRS\1\6\6\1\0\17\1\0")},  /* one too many */
        {SG_RECORDS_ROWS, SG_BYTES_LIT("SGRS\1\6\17\1\0\0")},      /* octet after the end */
        {SG_RECORDS_ROWS, SG_BYTES_LIT("SGRS\1\6\4\1\0")},         /* a value among rows */
        {SG_RECORDS_ROWS, SG_BYTES_LIT("SGRS\1\6\6\2\5a")},        /* sort key past its item */
        {SG_RECORDS_ROWS, SG_BYTES_LIT("SGRS\1\6\6\x81\x80\x10")}, /* item past its limit */
        {SG_RECORDS_RESULTS, SG_BYTES_LIT("SGRS\1\2\2\1\3")},      /* no such result */
        {SG_RECORDS_GET, SG_BYTES_LIT("SGRS\1\3\3\4\1\0\0\0")},    /* contents left over */
        {SG_RECORDS_GET,
         SG_BYTES_LIT("SGRS\1\3\3\7\x80\x80\x80\x80\x10\0\0")},         /* table of 33 bits */
        {SG_RECORDS_BATCH, SG_BYTES_LIT("SGRS\1\1\1\7\5\0\0\0\0\0\0")}, /* no such operation */
        {SG_RECORDS_BATCH, SG_BYTES_LIT("SGRS\1\1\1\7\0\2\0\0\0\0\0")}, /* no such flag */
        {SG_RECORDS_SCAN, SG_BYTES_LIT("SGRS\1\5\5\6\6\0\0\0\4\0")},    /* no such flag */
        {SG_RECORDS_SCAN, SG_BYTES_LIT("SGRS\1\5\5\7\6\0\0\0\0\0\0")},  /* fields, no flag */
        {SG_RECORDS_SCAN, SG_BYTES_LIT("SGRS\1\5\5\6\6\0\0\0\2\0")},    /* flag without fields */
        {SG_RECORDS_SCAN, SG_BYTES_LIT("SGRS\1\5\5\7\6\0\0\0\2\0\0")},  /* no octet of fields */
        {SG_RECORDS_SCAN,
         SG_BYTES_LIT("SGRS\1\5\5\50\6\0\0\0\2\0\41"
                      "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1")},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(last_result(bad[i].kind, bad[i].octets), -EBADMSG);
}

static void test_limits_of_the_interface_hold(void **state)
{
    (void)state;
    static uint8_t zeros[SG_KV_VALUE_MAX + 1];
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1u << 20);
    struct sg_kv_op op = {
        .kind = SG_KV_REPLACE,
        .key = {6, SG_BYTES(zeros, SG_KV_KEY_MAX), SG_BYTES(zeros, SG_KV_KEY_MAX)},
        .value = SG_BYTES(zeros, SG_KV_VALUE_MAX),
        .expect = SG_BYTES(zeros, SG_KV_VALUE_MAX)};
    for (int longer = 0; longer < 4; longer++) {
        struct sg_kv_op it = op;
        struct sg_bytes *part[] = {NULL, &it.key.partition, &it.key.sort, &it.value};
        if (longer)
            part[longer]->len++;
        struct sg_records_writer w;
        sg_buf_reset(&b);
        assert_int_equal(sg_records_begin(&w, &b, SG_RECORDS_BATCH), 0);
        assert_int_equal(sg_records_put_op(&w, &it), 0);
        assert_int_equal(sg_records_end(&w), 0);
        assert_int_equal(last_result(SG_RECORDS_BATCH, sg_buf_bytes(&b)),
                         longer ? -EBADMSG : SG_RECORDS_END);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_batch_comes_back),
        cmocka_unit_test(test_any_split_and_every_cut),
        cmocka_unit_test(test_range_key_value_results),
        cmocka_unit_test(test_an_error_ends_rows),
        cmocka_unit_test(test_foreign_streams_are_refused),
        cmocka_unit_test(test_limits_of_the_interface_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
