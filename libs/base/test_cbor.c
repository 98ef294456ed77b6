#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cbor.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/utf8.h>

static struct sg_buf decode_hex(const char *hex)
{
    struct sg_buf b = SG_BUF_INIT(256);
    assert_int_equal(sg_hex_decode(&b, sg_bytes_str(hex)), 0);
    return b;
}

/* RFC 8949 appendix A: integers. */
static void integers_of_the_rfc(void **state)
{
    (void)state;
    static const struct {
        int64_t v;
        const char *hex;
    } cases[] = {{0, "00"},
                 {1, "01"},
                 {10, "0a"},
                 {23, "17"},
                 {24, "1818"},
                 {25, "1819"},
                 {100, "1864"},
                 {1000, "1903e8"},
                 {1000000, "1a000f4240"},
                 {1000000000000, "1b000000e8d4a51000"},
                 {-1, "20"},
                 {-10, "29"},
                 {-100, "3863"},
                 {-1000, "3903e7"},
                 {INT64_MAX, "1b7fffffffffffffff"},
                 {INT64_MIN, "3b7fffffffffffffff"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf want = decode_hex(cases[i].hex);
        SG_CLEANUP(sg_buf_clear) struct sg_buf got = SG_BUF_INIT(16);
        struct sg_reader r = sg_reader_over(sg_buf_bytes(&want));
        int64_t v = 0;

        assert_int_equal(sg_cbor_put_int(&got, cases[i].v), 0);
        assert_true(sg_bytes_equal(sg_buf_bytes(&got), sg_buf_bytes(&want)));
        assert_int_equal(sg_cbor_get_int(&r, &v), 0);
        assert_int_equal(v, cases[i].v);
        assert_int_equal(r.left, 0);
    }
}

static void the_widest_unsigned_fits_only_unsigned(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = decode_hex("1bffffffffffffffff");
    struct sg_reader r = sg_reader_over(sg_buf_bytes(&b));
    int64_t i = 5;
    uint64_t u = 0;

    assert_int_equal(sg_cbor_get_int(&r, &i), -EBADMSG);
    assert_int_equal(i, 5);
    assert_int_equal(r.left, 9);
    assert_int_equal(sg_cbor_get_uint(&r, &u), 0);
    assert_true(u == UINT64_MAX);
}

/* RFC 8949 appendix A: strings, arrays, maps, tags, simple values, as one document each. */
static void whole_items_of_the_rfc_are_skipped(void **state)
{
    (void)state;
    static const char *const good[] = {"f4",
                                       "f5",
                                       "f6",
                                       "40",
                                       "4401020304",
                                       "60",
                                       "6161",
                                       "6449455446",
                                       "62225c",
                                       "62c3bc",
                                       "63e6b0b4",
                                       "64f0908591",
                                       "80",
                                       "83010203",
                                       "8301820203820405",
                                       "a0",
                                       "a201020304",
                                       "a26161016162820203",
                                       "826161a161626163",
                                       "c074323031332d30332d32315432303a30343a30305a",
                                       "c11a514b67b0",
                                       "d74401020304",
                                       "d818456449455446"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = decode_hex(good[i]);
        struct sg_reader r = sg_reader_over(sg_buf_bytes(&b));
        struct sg_bytes all;
        assert_int_equal(sg_cbor_skip(&r, &all), 0);
        assert_true(sg_bytes_equal(all, sg_buf_bytes(&b)));
        assert_int_equal(r.left, 0);
    }
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           /* nothing */
        "1817",       /* not the shortest: 23 in two octets */
        "1900ff",     /* 255 in three */
        "1a0000ffff", /* in five */
        "1b00000000ffffffff",
        "5801aa",
        "9801 00",
        "b80100 00",
        "1c",
        "1d",
        "1e", /* reserved */
        "5f42010243030405ff",
        "7f657374726561646d696e67ff",
        "9fff",
        "bf61610161629fff",
        "ff",
        "f90000",
        "fa47c35000",
        "fb3ff199999999999a", /* floats */
        "e0",
        "f0",
        "f3",
        "f7",
        "f8ff",       /* other simple values */
        "4401 02 03", /* short string */
        "8201",       /* short array */
        "a101",       /* half a pair */
        "c0",         /* tag of nothing */
        "9bffffffffffffffff",
        "bbffffffffffffffff",
        "5bffffffffffffffff",
        "62c328",
        "61ff",
        "63eda080",
        "64f4908080",
        "62c080", /* not UTF-8 */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = decode_hex(bad[i]);
        struct sg_reader r = sg_reader_over(sg_buf_bytes(&b));
        struct sg_bytes all = SG_BYTES_NONE;
        assert_int_equal(sg_cbor_skip(&r, &all), -EBADMSG);
        assert_int_equal(r.left, b.len);
        assert_null(all.data);
    }
}

static void nesting_has_a_limit(void **state)
{
    (void)state;
    uint8_t nested[18];
    struct sg_bytes all;
    struct sg_reader r;

    memset(nested, 0x81, sizeof(nested));
    nested[16] = 0x00; /* 16 arrays around an integer */
    r = sg_reader_over(SG_BYTES(nested, 17));
    assert_int_equal(sg_cbor_skip(&r, &all), 0);
    nested[16] = 0x81;
    nested[17] = 0x00;
    r = sg_reader_over(SG_BYTES(nested, 18));
    assert_int_equal(sg_cbor_skip(&r, &all), -EBADMSG);
}

static void each_getter_takes_its_type_only(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(64);
    enum sg_cbor_type type = SG_CBOR_UINT;
    struct sg_bytes bytes;
    uint64_t n;
    bool flag = false;

    assert_int_equal(sg_cbor_put_map(&b, 2), 0);
    assert_int_equal(sg_cbor_put_text(&b, "k"), 0);
    assert_int_equal(sg_cbor_put_bytes(&b, SG_BYTES_LIT("\x00\x01")), 0);
    assert_int_equal(sg_cbor_put_tag(&b, 18), 0);
    assert_int_equal(sg_cbor_put_array(&b, 2), 0);
    assert_int_equal(sg_cbor_put_bool(&b, true), 0);
    assert_int_equal(sg_cbor_put_null(&b), 0);
    assert_int_equal(sg_cbor_put_uint(&b, 65536), 0);

    struct sg_reader r = sg_reader_over(sg_buf_bytes(&b));
    assert_int_equal(sg_cbor_peek(&r, &type), 0);
    assert_int_equal(type, SG_CBOR_MAP);
    assert_int_equal(sg_cbor_get_array(&r, &n), -EBADMSG);
    assert_int_equal(sg_cbor_get_map(&r, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(sg_cbor_get_bytes(&r, &bytes), -EBADMSG);
    assert_int_equal(sg_cbor_get_text(&r, &bytes), 0);
    assert_int_equal(sg_cbor_get_text(&r, &bytes), -EBADMSG);
    struct sg_reader same = r;
    uint8_t two[2] = {0};
    assert_int_equal(sg_cbor_get_octets(&same, two, 1), -EBADMSG);
    assert_int_equal(sg_cbor_get_octets(&same, two, 3), -EBADMSG);
    assert_int_equal(sg_cbor_get_octets(&same, two, 2), 0);
    assert_int_equal(sg_cbor_get_bytes(&r, &bytes), 0);
    assert_memory_equal(two, bytes.data, 2);
    assert_ptr_equal(same.at, r.at);
    assert_int_equal(bytes.len, 2);
    assert_int_equal(sg_cbor_get_tag(&r, &n), 0);
    assert_int_equal(n, 18);
    assert_int_equal(sg_cbor_get_array(&r, &n), 0);
    assert_int_equal(sg_cbor_get_null(&r), -EBADMSG);
    assert_int_equal(sg_cbor_get_bool(&r, &flag), 0);
    assert_true(flag);
    assert_int_equal(sg_cbor_get_bool(&r, &flag), -EBADMSG);
    assert_int_equal(sg_cbor_get_null(&r), 0);
    assert_int_equal(sg_cbor_get_uint(&r, &n), 0);
    assert_int_equal(n, 65536);
    assert_int_equal(r.left, 0);
}

static void a_string_that_does_not_fit_leaves_no_head(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4);
    assert_int_equal(sg_cbor_put_text(&b, "abcd"), -ENOBUFS);
    assert_int_equal(b.len, 0);
    assert_int_equal(sg_cbor_put_text(&b, "abc"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_the_rfc),
        cmocka_unit_test(the_widest_unsigned_fits_only_unsigned),
        cmocka_unit_test(whole_items_of_the_rfc_are_skipped),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(each_getter_takes_its_type_only),
        cmocka_unit_test(a_string_that_does_not_fit_leaves_no_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
