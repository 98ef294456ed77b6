/* tuple: order, round trips, refusals. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/random.h>
#include <sealgrid/kvs/tuple.h>

static int value_cmp(const struct sg_value *a, const struct sg_value *b)
{
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    switch (a->type) {
    case SG_NULL:
        return 0;
    case SG_INTEGER:
        return (a->i > b->i) - (a->i < b->i);
    case SG_REAL:
        return (a->f > b->f) - (a->f < b->f);
    default:
        return sg_bytes_cmp(a->bytes, b->bytes);
    }
}

static int tuple_cmp(const struct sg_value *a, size_t na, const struct sg_value *b, size_t nb)
{
    for (size_t i = 0; i < na && i < nb; i++) {
        int c = value_cmp(&a[i], &b[i]);
        if (c)
            return c;
    }
    return (na > nb) - (na < nb);
}

/* Small alphabets, so that equal prefixes and the escapes are met often. */
static struct sg_value random_value(struct sg_prng *p, uint8_t *store)
{
    static const int64_t ints[] = {0, 1, -1, 255, 256, -256, INT64_MIN, INT64_MAX};
    static const double reals[] = {0.0, -0.0, 1.5, -1.5, 1e-310, -1e308, INFINITY, -INFINITY};
    static const uint8_t octets[] = {0x00, 0x01, 0xff, 0x05};
    struct sg_value v = {.type = (enum sg_value_type)sg_prng_below(p, 5)};
    v.i = sg_prng_below(p, 2) ? ints[sg_prng_below(p, 8)] : (int64_t)sg_prng_u64(p);
    v.f = reals[sg_prng_below(p, 8)];
    size_t len = sg_prng_below(p, 5);
    for (size_t i = 0; i < len; i++)
        store[i] = octets[sg_prng_below(p, 4)];
    v.bytes = SG_BYTES(store, len);
    return v;
}

static void test_memcmp_order_is_tuple_order(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf a = SG_BUF_INIT(256), b = SG_BUF_INIT(256);
    struct sg_value va[3], vb[3];
    uint8_t sa[3][8], sb[3][8];
    struct sg_prng p;
    sg_prng_seed(&p, 1);
    for (int round = 0; round < 100000; round++) {
        size_t na = sg_prng_below(&p, 4), nb = sg_prng_below(&p, 4);
        for (size_t i = 0; i < 3; i++) {
            va[i] = random_value(&p, sa[i]);
            vb[i] = sg_prng_below(&p, 2) ? va[i] : random_value(&p, sb[i]);
        }
        sg_buf_reset(&a);
        sg_buf_reset(&b);
        assert_int_equal(sg_tuple_key_append(&a, va, na), 0);
        assert_int_equal(sg_tuple_key_append(&b, vb, nb), 0);
        int want = tuple_cmp(va, na, vb, nb),
            got = sg_bytes_cmp(sg_buf_bytes(&a), sg_buf_bytes(&b));
        assert_int_equal((want > 0) - (want < 0), (got > 0) - (got < 0));
    }
}

static void assert_same(const struct sg_value *a, const struct sg_value *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(value_cmp(a, b), 0);
}

static void test_keys_come_back(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = SG_BUF_INIT(256), scratch = SG_BUF_INIT(256);
    struct sg_value in[5], out[5];
    uint8_t store[5][8];
    struct sg_prng p;
    sg_prng_seed(&p, 2);
    for (int round = 0; round < 20000; round++) {
        sg_buf_reset(&key);
        sg_buf_reset(&scratch);
        for (size_t i = 0; i < 5; i++)
            in[i] = random_value(&p, store[i]);
        assert_int_equal(sg_tuple_key_append(&key, in, 5), 0);
        struct sg_reader r = sg_reader_over(sg_buf_bytes(&key));
        for (size_t i = 0; i < 5; i++)
            assert_int_equal(sg_tuple_key_next(&r, &out[i], &scratch), 0);
        assert_int_equal(r.left, 0);
        /* All five at the end: unescaping one must not move another. */
        for (size_t i = 0; i < 5; i++)
            assert_same(&in[i], &out[i]);
    }
}

static void test_values_come_back(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1024);
    struct sg_value in[8], out[8];
    uint8_t store[8][8];
    struct sg_prng p;
    sg_prng_seed(&p, 3);
    for (int round = 0; round < 20000; round++) {
        size_t n = sg_prng_below(&p, 9), n_out = 99;
        sg_buf_reset(&b);
        for (size_t i = 0; i < n; i++)
            in[i] = random_value(&p, store[i]);
        assert_int_equal(sg_tuple_value_append(&b, in, n), 0);
        assert_int_equal(sg_tuple_value_decode(sg_buf_bytes(&b), out, 8, &n_out), 0);
        assert_int_equal(n_out, n);
        for (size_t i = 0; i < n; i++)
            assert_same(&in[i], &out[i]);
    }
}

static void assert_hex(const struct sg_buf *b, const char *want)
{
    char got[256];
    sg_hex(got, b->data, b->len);
    assert_string_equal(got, want);
}

static void test_octets_are_those_of_the_header(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(256);
    const struct sg_value v[] = {{.type = SG_NULL},
                                 SG_VAL_INT(-2),
                                 {.type = SG_REAL, .f = 1.0},
                                 SG_VAL_TEXT("ab"),
                                 SG_VAL_BLOB(SG_BYTES_LIT("\0\1"))};
    assert_int_equal(sg_tuple_key_append(&b, v, 5), 0);
    assert_hex(&b, "05"
                   "157ffffffffffffffe"
                   "19bff0000000000000"
                   "2561620001"
                   "3500ff010001");
    sg_buf_reset(&b);
    assert_int_equal(sg_tuple_value_append(&b, v, 5), 0);
    assert_hex(&b, "05"
                   "00"
                   "0103"
                   "023ff0000000000000"
                   "03026162"
                   "04020001");
}

static void check_key_refused(const char *hex)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(256), scratch = SG_BUF_INIT(256);
    struct sg_value v = {.type = SG_REAL, .f = 42};
    assert_int_equal(sg_hex_decode(&b, sg_bytes_str(hex)), 0);
    struct sg_reader r = sg_reader_over(sg_buf_bytes(&b));
    assert_int_equal(sg_tuple_key_next(&r, &v, &scratch), -EBADMSG);
    assert_int_equal(r.left, b.len);
    assert_true(v.type == SG_REAL && v.f == 42);
}

static void test_bad_keys_are_refused(void **state)
{
    (void)state;
    check_key_refused("");
    check_key_refused("06");
    check_key_refused("1500000000000000");   /* cut */
    check_key_refused("197fffffffffffffff"); /* -0 */
    check_key_refused("19fff8000000000000"); /* NaN */
    check_key_refused("25616200");           /* no end */
    check_key_refused("2561620002");         /* foreign escape */
    check_key_refused("2500ff");             /* no end after an escape */
}

static void check_value_refused(const char *hex, size_t max, int want)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(256);
    struct sg_value v[4];
    size_t n = 77;
    assert_int_equal(sg_hex_decode(&b, sg_bytes_str(hex)), 0);
    assert_int_equal(sg_tuple_value_decode(sg_buf_bytes(&b), v, max, &n), want);
    assert_int_equal(n, 77);
}

static void test_bad_values_are_refused(void **state)
{
    (void)state;
    check_value_refused("", 4, -EBADMSG);
    check_value_refused("8100", 4, -EBADMSG);     /* count not in shortest form */
    check_value_refused("810200", 4, -EBADMSG);   /* 257 fields */
    check_value_refused("01", 4, -EBADMSG);       /* field missing */
    check_value_refused("0105", 4, -EBADMSG);     /* foreign type */
    check_value_refused("01018000", 4, -EBADMSG); /* integer not in shortest form */
    check_value_refused("010180008000000000000000", 4, -EBADMSG);
    check_value_refused("0101ffffffffffffffffff02", 4, -EBADMSG); /* past 64 bits */
    check_value_refused("01027ff8000000000000", 4, -EBADMSG);     /* NaN */
    check_value_refused("01030261", 4, -EBADMSG);                 /* text cut */
    check_value_refused("0104ffffffffffffffffff01", 4, -EBADMSG); /* length past everything */
    check_value_refused("010000", 4, -EBADMSG);                   /* octet left over */
    check_value_refused("0300", 2, -E2BIG);
}

static void test_what_cannot_be_encoded_changes_nothing(void **state)
{
    (void)state;
    static struct sg_value many[SG_TUPLE_FIELDS_MAX + 1];
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(16);
    const struct sg_value nan_field = {.type = SG_REAL, .f = NAN};
    const struct sg_value longer = SG_VAL_TEXT("sixteen octets..");
    assert_int_equal(sg_tuple_key_append(&b, &nan_field, 1), -EINVAL);
    assert_int_equal(sg_tuple_value_append(&b, &nan_field, 1), -EINVAL);
    assert_int_equal(sg_tuple_key_append(&b, &longer, 1), -ENOBUFS);
    assert_int_equal(sg_tuple_value_append(&b, &longer, 1), -ENOBUFS);
    assert_int_equal(sg_tuple_key_append(&b, many, SG_TUPLE_FIELDS_MAX + 1), -E2BIG);
    assert_int_equal(sg_tuple_value_append(&b, many, SG_TUPLE_FIELDS_MAX + 1), -E2BIG);
    assert_int_equal(b.len, 0);
}

static void test_varints(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(32);
    for (int bit = 0; bit < 64; bit++)
        for (uint64_t v = (UINT64_C(1) << bit) - 1, end = v + 2; v != end; v++) {
            uint64_t back = ~v;
            sg_buf_reset(&b);
            assert_int_equal(sg_varint_append(&b, v), 0);
            struct sg_reader r = sg_reader_over(sg_buf_bytes(&b));
            assert_int_equal(sg_varint_take(&r, &back), 0);
            assert_true(back == v && r.left == 0);
            back = ~v;
            assert_int_equal(sg_buf_append_zeros(&b, 10), 0); /* long inputs take another path */
            r = sg_reader_over(sg_buf_bytes(&b));
            assert_int_equal(sg_varint_take(&r, &back), 0);
            assert_true(back == v && r.left == 10);
            assert_true(sg_zigzag(sg_unzigzag(v)) == v);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memcmp_order_is_tuple_order),
        cmocka_unit_test(test_keys_come_back),
        cmocka_unit_test(test_values_come_back),
        cmocka_unit_test(test_octets_are_those_of_the_header),
        cmocka_unit_test(test_bad_keys_are_refused),
        cmocka_unit_test(test_bad_values_are_refused),
        cmocka_unit_test(test_what_cannot_be_encoded_changes_nothing),
        cmocka_unit_test(test_varints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
