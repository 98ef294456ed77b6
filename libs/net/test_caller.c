/* caller: every way to be somebody, and to be nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include <sealgrid/net/caller.h>

#define READER "reader-0123456789abcdef"
#define ADMIN  "admin-0123456789abcdef"
#define AUTHD  "spiffe://sealgrid/authd"

static struct sg_callers *callers;

static int set_up(void **state)
{
    (void)state;
    const struct sg_api_key keys[] = {{"reader", SG_BYTES_LIT(READER)},
                                      {"admin", SG_BYTES_LIT(ADMIN)}};
    return sg_callers_new(&callers, keys, 2);
}

static int tear_down(void **state)
{
    (void)state;
    sg_callers_free(callers);
    return 0;
}

static void assert_is(const char *uri, const char *authorization, const char *expected)
{
    char who[SG_CALLER_MAX] = "untouched";
    int r = sg_callers_find(callers, uri, authorization, who);
    assert_int_equal(r, expected ? 0 : SG_CALLER_UNKNOWN);
    assert_string_equal(who, expected ? expected : "untouched");
}

static void test_a_service_is_its_certificate(void **state)
{
    (void)state;
    assert_is(AUTHD, NULL, AUTHD);
    assert_is("", NULL, NULL);
    assert_is("https://sealgrid/authd", NULL, NULL);
    assert_is("key:admin", NULL, NULL); /* a certificate cannot name a key */
    char too_long[200] = "spiffe://sealgrid/";
    memset(too_long + strlen(too_long), 'x', 199 - strlen(too_long));
    too_long[199] = 0;
    assert_is(too_long, NULL, NULL);
    too_long[SG_CALLER_MAX] = 0;
    assert_is(too_long, NULL, NULL);
    too_long[SG_CALLER_MAX - 1] = 0;
    assert_is(too_long, NULL, too_long);
}

static void test_a_key_is_known_whole(void **state)
{
    (void)state;
    assert_is("", "Bearer " READER, "key:reader");
    assert_is("", "bearer   " ADMIN, "key:admin");
    assert_is("", "Bearer " READER "x", NULL);
    assert_is("", "Bearer reader-0123456789abcde", NULL);
    assert_is("", "Bearer " READER " ", NULL);
    assert_is("", "Basic " READER, NULL);
    assert_is("", "Bearer" READER, NULL);
    assert_is("", "Bearer ", NULL);
    assert_is("", "", NULL);
    assert_is("", READER, NULL);
}

static void test_a_key_goes_before_the_certificate(void **state)
{
    (void)state;
    assert_is(AUTHD, "Bearer " READER, "key:reader");
    assert_is(AUTHD, "Bearer wrong-0123456789abcdef", NULL); /* not authd either */
    assert_is(AUTHD, "", NULL);
}

static void test_weak_keys_are_refused(void **state)
{
    (void)state;
    struct sg_callers *c = NULL;
    char huge[600], name[200];
    memset(huge, 'k', sizeof huge);
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = 0;
    const struct sg_api_key shorter = {"k", SG_BYTES_LIT("0123456789abcde")};
    const struct sg_api_key shortest = {"k", SG_BYTES_LIT("0123456789abcdef")};
    const struct sg_api_key longest = {"k", SG_BYTES(huge, 512)};
    const struct sg_api_key longer = {"k", SG_BYTES(huge, 513)};
    const struct sg_api_key unnamed = {name, SG_BYTES_LIT("0123456789abcdef")};
    assert_int_equal(sg_callers_new(&c, &shorter, 1), -EINVAL);
    assert_int_equal(sg_callers_new(&c, &longer, 1), -EINVAL);
    assert_int_equal(sg_callers_new(&c, &unnamed, 1), -EINVAL);
    assert_null(c);
    assert_int_equal(sg_callers_new(&c, &shortest, 1), 0);
    sg_callers_free(c);
    assert_int_equal(sg_callers_new(&c, &longest, 1), 0);
    sg_callers_free(c);
    assert_int_equal(sg_callers_new(&c, NULL, 0), 0);
    sg_callers_free(c);
}

static void test_names_for_lists_of_grants(void **state)
{
    (void)state;
    assert_true(sg_caller_name_ok(AUTHD));
    assert_true(sg_caller_name_ok("key:reader"));
    assert_false(sg_caller_name_ok("key:"));
    assert_false(sg_caller_name_ok("reader"));
    assert_false(sg_caller_name_ok("spiffe:/x"));
    assert_false(sg_caller_name_ok(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_service_is_its_certificate),
        cmocka_unit_test(test_a_key_is_known_whole),
        cmocka_unit_test(test_a_key_goes_before_the_certificate),
        cmocka_unit_test(test_weak_keys_are_refused),
        cmocka_unit_test(test_names_for_lists_of_grants),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
