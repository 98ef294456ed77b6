#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "signed-json-int.h"

static const char *const names[] = {"tcbInfo", "enclaveIdentity", NULL};

#define HEX64     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SIGNATURE "\"" HEX64 HEX64 "\""

static enum sg_tee_signed_json scan(const char *text, struct sg_bytes *ret_object)
{
    size_t name;
    uint8_t signature[64];
    return sg_tee_signed_json(sg_bytes_str(text), names, &name, ret_object, signature);
}

static void test_the_object_is_taken_as_it_stands(void **state)
{
    (void)state;
    const char *text =
        " {\n\"tcbInfo\" : { \"a\":\"}\\\"]\", \"b\" :[{},{}] } ,\"signature\":" SIGNATURE " }\n";
    const struct sg_bytes wanted = SG_BYTES_LIT("{ \"a\":\"}\\\"]\", \"b\" :[{},{}] }");
    struct sg_bytes object;
    size_t name = 9;
    uint8_t signature[64];
    assert_int_equal(sg_tee_signed_json(sg_bytes_str(text), names, &name, &object, signature),
                     SG_TEE_SIGNED_JSON_OK);
    assert_int_equal(name, 0);
    assert_true(sg_bytes_equal(object, wanted));
    assert_int_equal(signature[0], 0x01);
    assert_int_equal(signature[63], 0xef);
    assert_int_equal(scan("{\"signature\":" SIGNATURE ",\"enclaveIdentity\":{}}", &object),
                     SG_TEE_SIGNED_JSON_OK);
    assert_int_equal(scan("{\"more\":[1,-2.5e3,true,null],\"x\":7,\"signature\":" SIGNATURE
                          ",\"enclaveIdentity\":{}}",
                          &object),
                     SG_TEE_SIGNED_JSON_OK);
}

static void test_what_is_not_ours_is_foreign(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        "{",
                                        "[]",
                                        "{}",
                                        "\"tcbInfo\"",
                                        "{\"signature\":" SIGNATURE "}",
                                        "{\"a\":{\"tcbInfo\":{}}}"};
    struct sg_bytes object;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(scan(texts[i], &object), SG_TEE_SIGNED_JSON_FOREIGN);
}

static void test_two_readings_are_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"tcbInfo\":{},\"tcbInfo\":{},\"signature\":" SIGNATURE "}",
        "{\"tcbInfo\":{},\"enclaveIdentity\":{},\"signature\":" SIGNATURE "}",
        "{\"tcbInfo\":{},\"signature\":" SIGNATURE ",\"signature\":" SIGNATURE "}",
        "{\"tcbInfo\":{}}",
        "{\"tcbInfo\":[],\"signature\":" SIGNATURE "}",
        "{\"tcbInfo\":\"{}\",\"signature\":" SIGNATURE "}",
        "{\"tcbInfo\":{},\"signature\":\"" HEX64 "\"}",
        "{\"tcbInfo\":{},\"signature\":" SIGNATURE "} x",
        "{\"tcbInfo\":{},\"signature\":" SIGNATURE "}{}",
        "{\"tcbInfo\":{},\"signature\":" SIGNATURE,
        "{\"tcbInfo\":{},\"signature\":" SIGNATURE ",}",
        "{\"tcbInfo\":{}},\"signature\":" SIGNATURE "}",
        "{\"tcbInfo\":{\"a\":[}]},\"signature\":" SIGNATURE "}",
        "{\"tcbInfo\":{},\"\\u0073ignature\":" SIGNATURE "}",
        "{\"tcbInfo\":{} \"signature\":" SIGNATURE "}",
        "{\"tcbInfo\":{},\"signature\":\"" HEX64 HEX64 "}",
    };
    struct sg_bytes object;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(scan(texts[i], &object), SG_TEE_SIGNED_JSON_BROKEN);
}

static void test_nesting_is_bounded(void **state)
{
    (void)state;
    char deep[4096] = "{\"tcbInfo\":{\"a\":";
    struct sg_bytes object;
    for (unsigned i = 0; i < SG_TEE_JSON_DEPTH; i++)
        strcat(deep, "[");
    for (unsigned i = 0; i < SG_TEE_JSON_DEPTH; i++)
        strcat(deep, "]");
    strcat(deep, "},\"signature\":" SIGNATURE "}");
    assert_int_not_equal(scan(deep, &object), SG_TEE_SIGNED_JSON_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_object_is_taken_as_it_stands),
        cmocka_unit_test(test_what_is_not_ours_is_foreign),
        cmocka_unit_test(test_two_readings_are_none),
        cmocka_unit_test(test_nesting_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
