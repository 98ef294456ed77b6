/* columns: bit-exact round trips of every shape, sizes on meter-like data, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/random.h>
#include <sealgrid/kvs/tuple.h>

#include "columns-int.h"
#include "transpose-int.h"
#include "tuple-int.h"

#define ROWS SG_COLUMNS_ROWS_MAX

/* A page being made: keys and values lie in two buffers that do not move. */
struct page {
    struct sg_buf octets;
    struct sg_row row[ROWS];
    size_t n;
};

static void page_begin(struct page *p)
{
    p->n = 0;
    p->octets = (struct sg_buf)SG_BUF_INIT(32u << 20);
    assert_int_equal(sg_buf_reserve(&p->octets, 20u << 20), 0);
}

static void page_clear(struct page *p)
{
    sg_buf_clear(&p->octets);
}

static void page_add_octets(struct page *p, struct sg_bytes sort, struct sg_bytes value)
{
    uint8_t *at;
    assert_int_equal(sg_buf_extend(&p->octets, sort.len + value.len, &at), 0);
    if (sort.len)
        memcpy(at, sort.data, sort.len);
    if (value.len)
        memcpy(at + sort.len, value.data, value.len);
    p->row[p->n++] = (struct sg_row){SG_BYTES(at, sort.len), SG_BYTES(at + sort.len, value.len)};
}

static void page_add(struct page *p, const struct sg_value *sort, size_t n_sort,
                     const struct sg_value *value, size_t n_value)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf s = SG_BUF_INIT(65536), v = SG_BUF_INIT(1u << 20);
    assert_int_equal(sg_tuple_key_append(&s, sort, n_sort), 0);
    assert_int_equal(sg_tuple_value_append(&v, value, n_value), 0);
    page_add_octets(p, sg_buf_bytes(&s), sg_buf_bytes(&v));
}

static void assert_rows(const struct sg_rows *got, const struct sg_row *want, size_t n)
{
    assert_int_equal(got->n, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(sg_bytes_equal(got->row[i].sort, want[i].sort));
        assert_true(sg_bytes_equal(got->row[i].value, want[i].value));
    }
}

/* Returns the body's length. */
static size_t check(const struct page *p)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(32u << 20);
    SG_CLEANUP(sg_rows_clear) struct sg_rows rows = SG_ROWS_INIT;
    assert_int_equal(sg_columns_encode(p->row, p->n, &body), 0);
    assert_int_equal(sg_columns_decode(sg_buf_bytes(&body), &rows), 0);
    assert_rows(&rows, p->row, p->n);
    return body.len;
}

/* ---- meter-like rows: the layout of the reading table (serial, seq, 38 quantities, origin) ----
 */

static int64_t near(struct sg_prng *p, double mean, double deviation)
{
    return (int64_t)(mean + deviation * sg_prng_normal(p));
}

static void fill_phases(struct sg_prng *p, int64_t *q, double load_w)
{
    q[9] = q[13] = 0;
    for (int k = 0; k < 3; k++) {
        double watt = load_w / 3 * (0.9 + 0.2 * sg_prng_unit(p));
        q[k] = near(p, 220e3, 1500);                             /* voltage, mV */
        q[3 + k] = (int64_t)(watt / 220 * 1050);                 /* current, mA */
        q[6 + k] = (int64_t)watt;                                /* active, W */
        q[10 + k] = (int64_t)(watt * 0.3 + 5 * sg_prng_unit(p)); /* reactive, var */
        q[15 + k] = near(p, 950, 8);                             /* power factor */
        q[19 + k] = near(p, 1700, 150);                          /* angle, 0.01 degree */
        q[22 + k] = near(p, 12000, 20);
        q[25 + k] = near(p, 250, 25); /* distortion, 0.01 % */
        q[28 + k] = near(p, 800, 80);
        q[9] += q[6 + k];
        q[13] += q[10 + k];
    }
    q[14] = q[9] + q[13] / 6;
    q[18] = near(p, 950, 5);
    q[31] = near(p, 60000, 15);
    q[32] = near(p, 251, 6);
}

static void add_reading(struct page *p, struct sg_prng *prng, int64_t i, int64_t *registers)
{
    static const double shape[8] = {0.3, 0.25, 0.4, 0.9, 0.8, 1.0, 1.9, 1.2}; /* over a day */
    struct sg_value v[41] = {SG_VAL_TEXT("0012345678"), SG_VAL_INT(2881 + i)};
    int64_t q[38];
    fill_phases(prng, q, 900 * shape[i / 12 % 8] * (0.7 + 0.6 * sg_prng_unit(prng)));
    q[33] = q[9];
    q[34] = q[9] / 4;
    q[35] = q[13] / 4;
    q[36] = registers[0] += q[34];
    q[37] = registers[1] += q[35];
    for (int k = 0; k < 38; k++)
        v[2 + k] = SG_VAL_INT(q[k]);
    v[40] = SG_VAL_INT(0);
    struct sg_value ts = SG_VAL_INT(1788231600 + 900 * i);
    page_add(p, &ts, 1, v, 41);
}

static void test_a_day_of_readings_is_small(void **state)
{
    (void)state;
    SG_CLEANUP(page_clear) struct page p;
    struct sg_prng prng;
    int64_t registers[2] = {123456789, 23456789};
    page_begin(&p);
    sg_prng_seed(&prng, 7);
    for (int64_t i = 0; i < 96; i++)
        add_reading(&p, &prng, i, registers);
    size_t len = check(&p);
    print_message("96 readings: %.1f octets a row\n", (double)len / 96);
    assert_true(len <= 60 * 96);
}

static void test_missing_quantities(void **state)
{
    (void)state;
    SG_CLEANUP(page_clear) struct page p;
    struct sg_prng prng;
    sg_prng_seed(&prng, 8);
    page_begin(&p);
    for (int64_t i = 0; i < 50; i++) {
        struct sg_value ts = SG_VAL_INT(900 * i), v[4] = {{.type = SG_NULL}};
        v[1] = i % 7 ? SG_VAL_INT(i * i) : v[0];
        v[2] = i == 49 ? SG_VAL_INT(-5) : v[0];
        v[3] = SG_VAL_INT(near(&prng, 0, 1e6));
        page_add(&p, &ts, 1, v, 4);
    }
    assert_true(check(&p) < 250);
}

/* ---- predictors ---- */

static size_t len_of_columns(int64_t (*fn)(int64_t i, size_t column, const int64_t *before),
                             size_t columns)
{
    SG_CLEANUP(page_clear) struct page p;
    page_begin(&p);
    for (int64_t i = 0; i < 96; i++) {
        struct sg_value ts = SG_VAL_INT(i), v[8];
        int64_t x[8];
        for (size_t c = 0; c < columns; c++) {
            x[c] = fn(i, c, x);
            v[c] = SG_VAL_INT(x[c]);
        }
        page_add(&p, &ts, 1, v, columns);
    }
    return check(&p);
}

static int64_t noise(int64_t i, size_t column)
{
    struct sg_prng p;
    sg_prng_seed2(&p, 99, (uint64_t)i * 16 + column);
    return (int64_t)sg_prng_below(&p, 4096);
}

static int64_t phases(int64_t i, size_t column, const int64_t *before)
{
    return column < 3 ? noise(i, column) : before[0] + before[1] + before[2];
}

static int64_t twins(int64_t i, size_t column, const int64_t *before)
{
    return column < 3 ? noise(i, column) : before[0] + 1000000;
}

static int64_t total;
static int64_t a_register(int64_t i, size_t column, const int64_t *before)
{
    if (column < 3)
        return noise(i, column);
    total = i ? total + before[0] : 5000000;
    return total;
}

static void test_derived_columns_cost_almost_nothing(void **state)
{
    (void)state;
    size_t base = len_of_columns(phases, 3);
    assert_true(len_of_columns(phases, 4) <= base + 12);
    assert_true(len_of_columns(twins, 4) <= base + 16);
    assert_true(len_of_columns(a_register, 4) <= base + 16);
}

/* ---- every shape ---- */

static struct sg_value random_value(struct sg_prng *p, unsigned type, uint8_t *store)
{
    struct sg_value v = {.type = (enum sg_value_type)type};
    v.i = (int64_t)(sg_prng_u64(p) >> sg_prng_below(p, 64));
    if (sg_prng_below(p, 2))
        v.i = (int64_t) - (uint64_t)v.i;
    v.f = sg_prng_normal(p);
    size_t len = sg_prng_below(p, 9);
    for (size_t i = 0; i < len; i++)
        store[i] = (uint8_t)sg_prng_below(p, 3);
    v.bytes = SG_BYTES(store, len);
    return v;
}

/* Columns keep one type mostly; now and then a row differs. */
static void add_random_row(struct page *page, struct sg_prng *p, const unsigned *types,
                           size_t n_sort, size_t n_value, unsigned oddity)
{
    struct sg_value v[48];
    uint8_t store[48][16];
    size_t extra = sg_prng_below(p, 4000) < oddity;
    for (size_t c = 0; c < n_sort + n_value; c++) {
        bool odd = sg_prng_below(p, 1000) < oddity;
        v[c] = random_value(p, odd ? (unsigned)sg_prng_below(p, 5) : types[c], store[c]);
    }
    if (n_value > extra)
        n_value -= extra;
    page_add(page, v, n_sort, v + n_sort, n_value);
}

static void test_random_shapes(void **state)
{
    (void)state;
    struct sg_prng p;
    sg_prng_seed(&p, 9);
    for (int round = 0; round < 400; round++) {
        SG_CLEANUP(page_clear) struct page page;
        unsigned types[48], oddity = (unsigned)sg_prng_below(&p, 3) * 40;
        size_t n = 1 + sg_prng_below(&p, ROWS), n_sort = sg_prng_below(&p, 20);
        size_t n_value = sg_prng_below(&p, 20);
        page_begin(&page);
        for (size_t c = 0; c < 48; c++)
            types[c] = sg_prng_below(&p, 2) ? SG_INTEGER : (unsigned)sg_prng_below(&p, 5);
        for (size_t i = 0; i < n; i++)
            add_random_row(&page, &p, types, n_sort, n_value, oddity);
        check(&page);
    }
}

/* ---- what is wanted of a page ---- */

/* By the whole page and the tuple codec. */
static void expect_some(const struct page *p, struct sg_bytes fields, const struct sg_rows *got)
{
    static uint8_t octets[SG_COLUMNS_VALUE_MAX];
    size_t len;
    assert_int_equal(got->n, p->n);
    for (size_t i = 0; i < p->n; i++) {
        assert_true(sg_tuple_value_pick(p->row[i].value, fields, octets, &len));
        assert_true(sg_bytes_equal(got->row[i].sort, p->row[i].sort));
        assert_true(sg_bytes_equal(got->row[i].value, SG_BYTES(octets, len)));
    }
}

static void expect_one(const struct page *p, struct sg_bytes body, size_t i, struct sg_rows *rows)
{
    struct sg_columns_want want = {.sort = &p->row[i].sort, .n_rows = p->n};
    assert_int_equal(sg_columns_decode_some(body, &want, rows), 0);
    assert_int_equal(rows->n, 1);
    assert_true(sg_bytes_equal(rows->row[0].sort, p->row[i].sort));
    assert_true(sg_bytes_equal(rows->row[0].value, p->row[i].value));
}

static void test_some_fields_and_one_row(void **state)
{
    (void)state;
    static const struct sg_bytes absent = SG_BYTES_LIT("\x15\xff");
    for (size_t n = 1; n <= 96; n += n < 5 ? 1 : 91) {
        SG_CLEANUP(page_clear) struct page p;
        SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(32u << 20);
        SG_CLEANUP(sg_rows_clear) struct sg_rows rows = SG_ROWS_INIT;
        struct sg_prng prng;
        sg_prng_seed(&prng, n);
        page_begin(&p);
        for (size_t i = 0; i < n; i++) {
            struct sg_value v[12];
            for (size_t f = 0; f < 12; f++)
                v[f] = f == 3                                   ? SG_VAL_TEXT("serial")
                       : f == 5 && sg_prng_below(&prng, 3) == 0 ? (struct sg_value){.type = SG_NULL}
                       : f == 7 ? (struct sg_value){.type = SG_REAL, .f = (double)i / 3}
                                : SG_VAL_INT((int64_t)sg_prng_below(&prng, 1u << (2 * f)));
            page_add(&p, &SG_VAL_INT((int64_t)(i * 900)), 1, v, 12);
        }
        assert_int_equal(sg_columns_encode(p.row, n, &body), 0);
        for (unsigned mask = 0; mask < 1u << 12; mask += 37) {
            const uint8_t fields[] = {(uint8_t)mask, (uint8_t)(mask >> 8)};
            const struct sg_columns_want want = {.fields = SG_BYTES_ARRAY(fields)};
            assert_int_equal(sg_columns_decode_some(sg_buf_bytes(&body), &want, &rows), 0);
            expect_some(&p, want.fields, &rows);
        }
        for (size_t i = 0; i < n; i++)
            expect_one(&p, sg_buf_bytes(&body), i, &rows);
        struct sg_columns_want none = {.sort = &absent};
        assert_int_equal(sg_columns_decode_some(sg_buf_bytes(&body), &none, &rows), 0);
        assert_int_equal(rows.n, 0);
        struct sg_columns_want other = {.n_rows = n + 1};
        assert_int_equal(sg_columns_decode_some(sg_buf_bytes(&body), &other, &rows), -EBADMSG);
        assert_int_equal(rows.n, 0);
    }
}

/* Values that are no tuples, alone and among tuples, have no fields; one whole row is still found.
 */
static void test_fields_of_octets(void **state)
{
    (void)state;
    static const uint8_t fields[] = {2};
    for (size_t n = 2; n <= 40; n += 38) {
        SG_CLEANUP(page_clear) struct page p;
        SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(32u << 20);
        SG_CLEANUP(sg_rows_clear) struct sg_rows rows = SG_ROWS_INIT;
        page_begin(&p);
        for (size_t i = 0; i + 1 < n; i++) {
            struct sg_value v[2] = {SG_VAL_INT((int64_t)i), SG_VAL_INT(7)};
            page_add(&p, &SG_VAL_INT((int64_t)i), 1, v, 2);
        }
        page_add_octets(&p, SG_BYTES_LIT("zz"), SG_BYTES_LIT("\xff\xff\xff"));
        assert_int_equal(sg_columns_encode(p.row, n, &body), 0);
        struct sg_columns_want want = {.fields = SG_BYTES_ARRAY(fields)};
        assert_int_equal(sg_columns_decode_some(sg_buf_bytes(&body), &want, &rows),
                         SG_COLUMNS_NO_TUPLE);
        assert_int_equal(rows.n, 0);
        for (size_t i = 0; i < n; i++)
            expect_one(&p, sg_buf_bytes(&body), i, &rows);
    }
}

static void test_whole_range_of_integers(void **state)
{
    (void)state;
    static const int64_t x[] = {INT64_MIN, INT64_MAX, 0, -1, INT64_MIN, 1, INT64_MAX};
    SG_CLEANUP(page_clear) struct page p;
    page_begin(&p);
    for (size_t i = 0; i < 256; i++) {
        struct sg_value v[] = {SG_VAL_INT(x[i % 7]), SG_VAL_INT(x[i % 5]), SG_VAL_INT(x[i % 3]),
                               SG_VAL_INT(x[i % 2])};
        page_add(&p, v, 1, v, 4);
    }
    check(&p);
}

static void test_widths(void **state)
{
    (void)state;
    struct sg_prng prng;
    sg_prng_seed(&prng, 10);
    for (unsigned width = 0; width <= 64; width++) {
        SG_CLEANUP(page_clear) struct page p;
        page_begin(&p);
        for (size_t i = 0; i < 37; i++) {
            uint64_t u = width ? sg_prng_u64(&prng) >> (64 - width) : 0;
            struct sg_value v = SG_VAL_INT((int64_t)u);
            page_add(&p, &v, 1, &v, 1);
        }
        check(&p);
    }
}

static void test_octets_that_are_no_tuples(void **state)
{
    (void)state;
    SG_CLEANUP(page_clear) struct page p;
    page_begin(&p);
    page_add_octets(&p, SG_BYTES_NONE, SG_BYTES_NONE);
    for (int i = 0; i < 30; i++) {
        char key[16], value[64];
        snprintf(key, sizeof(key), "key-%02d", i);
        snprintf(value, sizeof(value), "some value, the same but for its number %d", i % 3);
        page_add_octets(&p, sg_bytes_str(key), sg_bytes_str(value));
    }
    size_t raw = p.octets.len;
    assert_true(check(&p) < raw / 4);
}

/* A first row of no elements and no fields, which the rows after it contradict. */
static void test_first_row_is_empty_tuples(void **state)
{
    (void)state;
    SG_CLEANUP(page_clear) struct page p;
    const struct sg_value v = SG_VAL_INT(5);
    page_begin(&p);
    page_add(&p, NULL, 0, NULL, 0);
    for (int i = 0; i < 255; i++)
        page_add(&p, &v, 1, &v, 1);
    check(&p);
}

static void test_largest_page(void **state)
{
    (void)state;
    static uint8_t sort[SG_COLUMNS_SORT_MAX], value[SG_COLUMNS_VALUE_MAX];
    SG_CLEANUP(page_clear) struct page p;
    struct sg_prng prng;
    sg_prng_seed(&prng, 11);
    page_begin(&p);
    for (int i = 0; i < 256; i++) {
        for (size_t k = 0; k < sizeof(value); k += 8)
            sg_store_be64(value + k, sg_prng_u64(&prng));
        memcpy(sort, value, sizeof(sort));
        page_add_octets(&p, SG_BYTES_ARRAY(sort), SG_BYTES_ARRAY(value));
    }
    check(&p);
}

/* ---- refusals ---- */

static void test_limits(void **state)
{
    (void)state;
    static uint8_t zeros[SG_COLUMNS_VALUE_MAX + 1];
    static struct sg_row rows[ROWS + 1];
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(1u << 20);
    const struct sg_row sort = {SG_BYTES(zeros, SG_COLUMNS_SORT_MAX + 1), SG_BYTES_NONE};
    const struct sg_row value = {SG_BYTES_NONE, SG_BYTES(zeros, SG_COLUMNS_VALUE_MAX + 1)};
    assert_int_equal(sg_columns_encode(rows, 0, &out), -EINVAL);
    assert_int_equal(sg_columns_encode(rows, ROWS + 1, &out), -EINVAL);
    assert_int_equal(sg_columns_encode(&sort, 1, &out), -EINVAL);
    assert_int_equal(sg_columns_encode(&value, 1, &out), -EINVAL);
    assert_int_equal(out.len, 0);
}

static void fill_small_page(struct page *p, size_t n)
{
    for (int64_t i = 0; i < (int64_t)n; i++) {
        struct sg_value ts = SG_VAL_INT(900 * i);
        struct sg_value v[] = {SG_VAL_TEXT("serial"), SG_VAL_INT(noise(i, 0)),
                               SG_VAL_INT(noise(i, 1))};
        page_add(p, &ts, 1, v, 3);
    }
}

static void test_no_room_changes_nothing(void **state)
{
    (void)state;
    for (size_t n = 2; n <= 32; n += 30) {
        SG_CLEANUP(page_clear) struct page p;
        page_begin(&p);
        fill_small_page(&p, n);
        for (size_t max = 4; max < 40; max++) {
            SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(max);
            assert_int_equal(sg_buf_append(&out, SG_BYTES_LIT("abc")), 0);
            assert_int_equal(sg_columns_encode(p.row, p.n, &out), -ENOBUFS);
            assert_int_equal(out.len, 3);
        }
    }
}

static void test_every_cut_is_noticed(void **state)
{
    (void)state;
    for (size_t n = 2; n <= 62; n += 20) {
        SG_CLEANUP(page_clear) struct page p;
        SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(1u << 20);
        SG_CLEANUP(sg_rows_clear) struct sg_rows rows = SG_ROWS_INIT;
        page_begin(&p);
        fill_small_page(&p, n);
        assert_int_equal(sg_columns_encode(p.row, p.n, &body), 0);
        for (size_t len = 0; len < body.len; len++) {
            assert_int_equal(sg_columns_decode(SG_BYTES(body.data, len), &rows), -EBADMSG);
            assert_int_equal(rows.n, 0);
        }
        assert_int_equal(sg_buf_append_u8(&body, 0), 0);
        assert_int_equal(sg_columns_decode(sg_buf_bytes(&body), &rows), -EBADMSG);
    }
}

static void test_hostile_lengths(void **state)
{
    (void)state;
    static const struct sg_bytes bad[] = {
        SG_BYTES_LIT("\x00\x01"),
        SG_BYTES_LIT("\x04\x01"),
        SG_BYTES_LIT("\x01\x00"),                                         /* no rows */
        SG_BYTES_LIT("\x01\x81\x02"),                                     /* 257 rows */
        SG_BYTES_LIT("\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), /* key of 2^64 - 1 */
        SG_BYTES_LIT("\x02\x04\x02\x02\x01\x04\x01\x00\x00"),             /* leans on no column */
        SG_BYTES_LIT("\x02\x04\x02\x02\x01\x03\x00\x00"),                 /* sums no columns */
        SG_BYTES_LIT("\x02\x04\x02\x02\x01\x00\x00\x41"),                 /* width 65 */
        SG_BYTES_LIT("\x02\x04\x02\x02\x01\x00\x00\x40"),                 /* residuals missing */
        SG_BYTES_LIT("\x03\xff\xff\xff\xff\xff\x01"),                     /* huge squeezed length */
    };
    SG_CLEANUP(sg_rows_clear) struct sg_rows rows = SG_ROWS_INIT;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(sg_columns_decode(bad[i], &rows), -EBADMSG);
}

/* 256 columns that each say "this 60 KiB text in all 256 rows": 1 GiB out of little. */
static void test_expansion_is_bounded(void **state)
{
    (void)state;
    static uint8_t text[60000];
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(32u << 20);
    SG_CLEANUP(sg_rows_clear) struct sg_rows rows = SG_ROWS_INIT;
    assert_int_equal(sg_buf_append(&b, SG_BYTES_LIT("\x02\x80\x02\x01\x81\x02")), 0);
    for (int c = 0; c < 257; c++) {
        assert_int_equal(sg_buf_append_u8(&b, 3), 0);
        assert_int_equal(c ? sg_buf_append_u8(&b, 3) : 0, 0);
        assert_int_equal(sg_varint_append(&b, sizeof(text)), 0);
        assert_int_equal(sg_buf_append(&b, SG_BYTES_ARRAY(text)), 0);
    }
    assert_int_equal(sg_columns_decode(sg_buf_bytes(&b), &rows), -EBADMSG);
    assert_true(rows.arena_bytes == 0);
}

/* Every width, both signs and the edges between them: as the tuple encoder writes them. */
static void test_runs_are_tuples(void **state)
{
    (void)state;
    enum { STRIDE = 3, N = 65 * 6 };
    static int64_t cells[N * STRIDE];
    static uint8_t got[N * 11 + 8], portable[N * 11 + 8];
    SG_CLEANUP(sg_buf_clear) struct sg_buf want = SG_BUF_INIT(1u << 16);
    for (size_t i = 0; i < N; i++) {
        uint64_t edge = i / 6 < 64 ? UINT64_C(1) << (i / 6) : 0;
        uint64_t v = edge + (uint64_t)(int64_t[]){-1, 0, 1}[i % 3];
        cells[i * STRIDE] = (int64_t)(i % 6 < 3 ? v : 0 - v);
        struct sg_value field = SG_VAL_INT(cells[i * STRIDE]);
        size_t before = want.len;
        assert_int_equal(sg_tuple_value_append(&want, &field, 1), 0);
        /* without the count of fields */
        memmove(want.data + before, want.data + before + 1, want.len - before - 1);
        want.len--;
    }
    size_t len = (size_t)(sg_run_put_choose()(got, cells, STRIDE, N) - got);
    assert_int_equal(len, want.len);
    assert_memory_equal(got, want.data, len);
    len = (size_t)(sg_run_put_portable(portable, cells, STRIDE, N) - portable);
    assert_int_equal(len, want.len);
    assert_memory_equal(portable, want.data, len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_day_of_readings_is_small),
        cmocka_unit_test(test_missing_quantities),
        cmocka_unit_test(test_derived_columns_cost_almost_nothing),
        cmocka_unit_test(test_random_shapes),
        cmocka_unit_test(test_some_fields_and_one_row),
        cmocka_unit_test(test_fields_of_octets),
        cmocka_unit_test(test_whole_range_of_integers),
        cmocka_unit_test(test_widths),
        cmocka_unit_test(test_octets_that_are_no_tuples),
        cmocka_unit_test(test_first_row_is_empty_tuples),
        cmocka_unit_test(test_largest_page),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_no_room_changes_nothing),
        cmocka_unit_test(test_every_cut_is_noticed),
        cmocka_unit_test(test_hostile_lengths),
        cmocka_unit_test(test_expansion_is_bounded),
        cmocka_unit_test(test_runs_are_tuples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
