#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/encode.h>

/* RFC 4648 section 10. */
static const char *const rfc4648[][2] = {{"", ""},
                                         {"f", "Zg=="},
                                         {"fo", "Zm8="},
                                         {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="},
                                         {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"}};

static void base64_of_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rfc4648) / sizeof(rfc4648[0]); i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(64);
        SG_CLEANUP(sg_buf_clear) struct sg_buf back = SG_BUF_INIT(64);
        struct sg_bytes plain = sg_bytes_str(rfc4648[i][0]);

        assert_int_equal(sg_base64_append(&text, plain), 0);
        assert_true(sg_bytes_equal(sg_buf_bytes(&text), sg_bytes_str(rfc4648[i][1])));
        assert_int_equal(sg_base64_decode(&back, sg_buf_bytes(&text)), 0);
        assert_true(sg_bytes_equal(sg_buf_bytes(&back), plain));
    }
}

static void base64_refuses_what_no_encoder_writes(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zm8*", "Zg==Zg==", "Zm 9", "Zm-_"};
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(64);

    assert_int_equal(sg_buf_append_u8(&out, 'x'), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(sg_base64_decode(&out, sg_bytes_str(bad[i])), -EINVAL);
        assert_int_equal(out.len, 1);
    }
}

static void base64url_has_no_padding(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(64);
    assert_int_equal(sg_base64url_append(&out, SG_BYTES_LIT("\xfb\xff\xfe\xfb")), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&out), SG_BYTES_LIT("-__--w")));
}

static void hex_both_ways(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(64);
    char text[7];

    sg_hex(text, "\x00\xaf\x10", 3);
    assert_string_equal(text, "00af10");
    assert_int_equal(sg_hex_decode(&out, SG_BYTES_LIT(" 00 aF\n10 ")), 0);
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.data, "\x00\xaf\x10", 3);
    assert_int_equal(sg_hex_decode(&out, SG_BYTES_LIT("0")), -EINVAL);
    assert_int_equal(sg_hex_decode(&out, SG_BYTES_LIT("00 0g")), -EINVAL);
    assert_int_equal(sg_hex_decode(&out, SG_BYTES_LIT("0 0")), -EINVAL);
    assert_int_equal(out.len, 3);
    assert_int_equal(sg_hex_append(&out, SG_BYTES_LIT("\x7f")), 0);
    assert_memory_equal(out.data + 3, "7f", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_of_the_rfc),
        cmocka_unit_test(base64_refuses_what_no_encoder_writes),
        cmocka_unit_test(base64url_has_no_padding),
        cmocka_unit_test(hex_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
