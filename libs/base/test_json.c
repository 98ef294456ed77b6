#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/json.h>

#include <math.h>

static void check(const struct sg_buf *b, const char *want)
{
    assert_int_equal(b->len, strlen(want));
    assert_memory_equal(b->data, want, b->len);
}

static void nesting_and_commas(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1024);
    struct sg_json j;

    sg_json_init(&j, &b);
    sg_json_object(&j);
    sg_json_key(&j, "a");
    sg_json_array(&j);
    sg_json_int(&j, -1);
    sg_json_array(&j);
    sg_json_end_array(&j);
    sg_json_object(&j);
    sg_json_end_object(&j);
    sg_json_null(&j);
    sg_json_end_array(&j);
    sg_json_key(&j, "b");
    sg_json_bool(&j, true);
    sg_json_key(&j, "c");
    sg_json_hex(&j, SG_BYTES_LIT("\x01\xfe"));
    sg_json_key(&j, "d");
    sg_json_raw(&j, SG_BYTES_LIT("[1]"));
    sg_json_end_object(&j);
    assert_int_equal(sg_json_done(&j), 0);
    check(&b, "{\"a\":[-1,[],{},null],\"b\":true,\"c\":\"01fe\",\"d\":[1]}");
}

static void numbers(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1024);
    struct sg_json j;

    sg_json_init(&j, &b);
    sg_json_array(&j);
    sg_json_int(&j, 0);
    sg_json_int(&j, 9);
    sg_json_int(&j, 10);
    sg_json_int(&j, 99);
    sg_json_int(&j, 100);
    sg_json_int(&j, -12345);
    sg_json_int(&j, INT64_MIN);
    sg_json_uint(&j, UINT64_MAX);
    sg_json_double(&j, 0.1);
    sg_json_double(&j, 1.0 / 3);
    sg_json_double(&j, 1e300);
    sg_json_double(&j, NAN);
    sg_json_end_array(&j);
    assert_int_equal(sg_json_done(&j), 0);
    check(&b, "[0,9,10,99,100,-12345,-9223372036854775808,18446744073709551615,0.1,"
              "0.3333333333333333,1e+300,null]");
}

static void strings_are_escaped_and_made_valid(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1024);
    struct sg_json j;

    sg_json_init(&j, &b);
    sg_json_array(&j);
    sg_json_str(&j, "a\"b\\c\n\x01/");
    sg_json_strn(&j, SG_BYTES_LIT("\xc3\xa7\xff\xe2\x82z\0"));
    sg_json_end_array(&j);
    assert_int_equal(sg_json_done(&j), 0);
    check(&b,
          "[\"a\\\"b\\\\c\\n\\u0001/\",\"\xc3\xa7\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\\u0000\"]");
}

static void a_full_buffer_is_remembered(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4);
    struct sg_json j;

    sg_json_init(&j, &b);
    sg_json_array(&j);
    sg_json_str(&j, "long");
    sg_json_end_array(&j);
    assert_int_equal(sg_json_done(&j), -ENOBUFS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nesting_and_commas),
        cmocka_unit_test(numbers),
        cmocka_unit_test(strings_are_escaped_and_made_valid),
        cmocka_unit_test(a_full_buffer_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
