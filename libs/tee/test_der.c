#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "der-int.h"

static const struct {
    struct sg_bytes der;
    bool ok;
} lengths[] = {
    {SG_BYTES_LIT("\x04\x00"), true},
    {SG_BYTES_LIT("\x04\x02\x01\x02"), true},
    {SG_BYTES_LIT("\x04\x02\x01"), false},                  /* cut */
    {SG_BYTES_LIT("\x04"), false},                          /* no length */
    {SG_BYTES_LIT("\x04\x81\x02\x01\x02"), false},          /* not the shortest form */
    {SG_BYTES_LIT("\x04\x82\x00\x02\x01\x02"), false},      /* leading zero */
    {SG_BYTES_LIT("\x04\x80\x01\x02\x00\x00"), false},      /* indefinite */
    {SG_BYTES_LIT("\x04\x85\x00\x00\x00\x00\x01x"), false}, /* too many octets of length */
    {SG_BYTES_LIT("\x04\x84\xff\xff\xff\xff\x01"), false},  /* more than there is */
    {SG_BYTES_LIT("\x1f\x01\x00"), false},                  /* tag of several octets */
};

static void test_lengths_have_one_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct sg_reader r = sg_reader_over(lengths[i].der);
        struct sg_bytes content, whole;
        unsigned tag;
        assert_int_equal(sg_der_any(&r, &tag, &content, &whole), lengths[i].ok);
        if (lengths[i].ok)
            assert_int_equal(whole.len, lengths[i].der.len);
    }
}

static void test_a_long_element_is_taken_whole(void **state)
{
    (void)state;
    uint8_t der[3 + 200] = {0x04, 0x81, 200};
    struct sg_reader r = sg_reader_over(SG_BYTES_ARRAY(der));
    struct sg_bytes content;
    assert_true(sg_der_take(&r, SG_DER_OCTET_STRING, &content));
    assert_int_equal(content.len, 200);
    assert_int_equal(r.left, 0);
}

static void test_integers_are_not_negative_and_shortest(void **state)
{
    (void)state;
    static const struct {
        struct sg_bytes der;
        bool ok;
        uint64_t value;
    } cases[] = {
        {SG_BYTES_LIT("\x02\x01\x00"), true, 0},
        {SG_BYTES_LIT("\x02\x01\x7f"), true, 127},
        {SG_BYTES_LIT("\x02\x02\x00\x80"), true, 128},
        {SG_BYTES_LIT("\x02\x01\x80"), false, 0},
        {SG_BYTES_LIT("\x02\x02\x00\x7f"), false, 0},
        {SG_BYTES_LIT("\x02\x00"), false, 0},
        {SG_BYTES_LIT("\x02\x02\x03\xe8"), true, 1000},
        {SG_BYTES_LIT("\x02\x02\x03\xe9"), false, 0},
        {SG_BYTES_LIT("\x02\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00"), false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sg_reader r = sg_reader_over(cases[i].der);
        uint64_t v = 0;
        assert_int_equal(sg_der_small(&r, 1000, &v), cases[i].ok);
        if (cases[i].ok)
            assert_int_equal(v, cases[i].value);
    }
}

static void test_booleans_are_00_or_ff(void **state)
{
    (void)state;
    struct sg_reader yes = sg_reader_over(SG_BYTES_LIT("\x01\x01\xff"));
    struct sg_reader odd = sg_reader_over(SG_BYTES_LIT("\x01\x01\x01"));
    bool v = false;
    assert_true(sg_der_boolean(&yes, &v));
    assert_true(v);
    assert_false(sg_der_boolean(&odd, &v));
}

static void test_times_are_real_dates(void **state)
{
    (void)state;
    static const struct {
        const char *der;
        bool ok;
        int64_t unix_s;
    } cases[] = {
        {"\x17\x0d"
         "200229000000Z",
         true, 1582934400}, /* leap day */
        {"\x17\x0d"
         "210229000000Z",
         false, 0}, /* none that year */
        {"\x17\x0d"
         "491231235959Z",
         true, 2524607999}, /* 2049 */
        {"\x17\x0d"
         "500101000000Z",
         true, -631152000}, /* 1950 */
        {"\x18\x0f"
         "20491231235959Z",
         true, 2524607999},
        {"\x18\x0f"
         "20500101000000Z",
         true, 2524608000},
        {"\x17\x0d"
         "201301000000Z",
         false, 0}, /* month 13 */
        {"\x17\x0d"
         "200001000000Z",
         false, 0}, /* month 0 */
        {"\x17\x0d"
         "200101240000Z",
         false, 0}, /* hour 24 */
        {"\x17\x0d"
         "200101000060Z",
         false, 0}, /* second 60 */
        {"\x17\x0d"
         "20010100000+Z",
         false, 0},
        {"\x17\x0d"
         "2001010000000",
         false, 0}, /* no Z */
        {"\x17\x0b"
         "2001010000Z",
         false, 0}, /* no seconds */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sg_reader r = sg_reader_over(sg_bytes_str(cases[i].der));
        int64_t v = 0;
        assert_int_equal(sg_der_time(&r, &v), cases[i].ok);
        if (cases[i].ok)
            assert_int_equal(v, cases[i].unix_s);
    }
}

/* CN=abc, O=x */
#define NAME(string_tag)                                                                           \
    "\x30\x1a\x31\x0c\x30\x0a\x06\x03\x55\x04\x03" string_tag "\x03"                               \
    "abc"                                                                                          \
    "\x31\x0a\x30\x08\x06\x03\x55\x04\x0a\x0c\x01"                                                 \
    "x"

static void test_names_are_alike_whatever_their_string_type(void **state)
{
    (void)state;
    const struct sg_bytes utf8 = SG_BYTES_LIT(NAME("\x0c")), printable = SG_BYTES_LIT(NAME("\x13"));
    const struct sg_bytes teletex = SG_BYTES_LIT(NAME("\x14"));
    uint8_t other[28];
    assert_int_equal(utf8.len, sizeof other);
    memcpy(other, utf8.data, sizeof other);
    other[13] = 'd';
    assert_true(sg_der_names_equal(utf8, utf8));
    assert_true(sg_der_names_equal(utf8, printable));
    assert_false(sg_der_names_equal(utf8, teletex));
    assert_false(sg_der_names_equal(utf8, SG_BYTES_ARRAY(other)));
    assert_false(sg_der_names_equal(utf8, SG_BYTES_LIT("\x30\x00")));
    /* The order of the attributes is part of a name. */
    assert_false(
        sg_der_names_equal(utf8, SG_BYTES_LIT("\x30\x1a\x31\x0a\x30\x08\x06\x03\x55\x04\x0a\x0c\x01"
                                              "x"
                                              "\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x03"
                                              "abc")));
}

static void test_a_common_name_is_one_and_has_no_nul(void **state)
{
    (void)state;
    char name[8] = "?";
    assert_true(sg_der_common_name(SG_BYTES_LIT(NAME("\x0c")), name, sizeof name));
    assert_string_equal(name, "abc");
    assert_true(sg_der_common_name(SG_BYTES_LIT(NAME("\x0c")), name, 3));
    assert_string_equal(name, "");
    assert_true(
        sg_der_common_name(SG_BYTES_LIT("\x30\x0e\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x03"
                                        "a\0c"),
                           name, sizeof name));
    assert_string_equal(name, "");
    assert_true(
        sg_der_common_name(SG_BYTES_LIT("\x30\x1c\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x03"
                                        "abc"
                                        "\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x03"
                                        "abd"),
                           name, sizeof name));
    assert_string_equal(name, "");
    assert_false(sg_der_common_name(SG_BYTES_LIT("\x31\x00"), name, sizeof name));
}

static void test_bits(void **state)
{
    (void)state;
    struct sg_reader whole = sg_reader_over(SG_BYTES_LIT("\x03\x02\x00\xaa"));
    struct sg_reader unused = sg_reader_over(SG_BYTES_LIT("\x03\x02\x01\xaa"));
    struct sg_reader named = sg_reader_over(SG_BYTES_LIT("\x03\x02\x05\xa0"));
    struct sg_reader none = sg_reader_over(SG_BYTES_LIT("\x03\x00"));
    struct sg_bytes b;
    unsigned bits;
    assert_true(sg_der_bits(&whole, &b));
    assert_int_equal(b.len, 1);
    assert_false(sg_der_bits(&unused, &b));
    assert_true(sg_der_named_bits(&named, &bits));
    assert_int_equal(bits, 0xa0);
    assert_false(sg_der_named_bits(&none, &bits));
}

/* Found by fuzzing: 03 02 03 66 is nonRepudiation and keyEncipherment; keyCertSign and cRLSign lie
 * among the three bits that are not there. */
static void test_bits_that_are_not_there_are_zero(void **state)
{
    (void)state;
    struct sg_reader unused = sg_reader_over(SG_BYTES_LIT("\x03\x02\x03\x66")),
                     last = sg_reader_over(SG_BYTES_LIT("\x03\x03\x07\x06\x81")),
                     all = sg_reader_over(SG_BYTES_LIT("\x03\x01\x03")),
                     good = sg_reader_over(SG_BYTES_LIT("\x03\x03\x07\x06\x80"));
    unsigned bits = 0;
    assert_false(sg_der_named_bits(&unused, &bits));
    assert_false(sg_der_named_bits(&last, &bits));
    assert_false(sg_der_named_bits(&all, &bits));
    assert_int_equal(bits, 0);
    assert_true(sg_der_named_bits(&good, &bits));
    assert_int_equal(bits, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_have_one_form),
        cmocka_unit_test(test_a_long_element_is_taken_whole),
        cmocka_unit_test(test_integers_are_not_negative_and_shortest),
        cmocka_unit_test(test_booleans_are_00_or_ff),
        cmocka_unit_test(test_times_are_real_dates),
        cmocka_unit_test(test_names_are_alike_whatever_their_string_type),
        cmocka_unit_test(test_a_common_name_is_one_and_has_no_nul),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_bits_that_are_not_there_are_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
