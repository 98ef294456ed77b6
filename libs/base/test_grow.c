#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/grow.h>

static void room_doubles_up_to_the_limit(void **state)
{
    (void)state;
    SG_FREE uint32_t *list = NULL;
    size_t room = 0, n = 0;
    while (n < 1000) {
        assert_int_equal(sg_grow(&list, &room, n, 1000), 0);
        assert_true(room > n && room <= 1000);
        list[n] = (uint32_t)n;
        n++;
    }
    assert_int_equal(room, 1000);
    uint32_t *before = list;
    assert_int_equal(sg_grow(&list, &room, n, 1000), -E2BIG);
    assert_ptr_equal(list, before);
    assert_int_equal(room, 1000);
    for (n = 0; n < 1000; n++)
        assert_int_equal(list[n], n);
}

static void too_much_is_no_memory(void **state)
{
    (void)state;
    void *list = NULL;
    size_t room = 0;
    assert_int_equal(sg_grow_at(&list, &room, 0, SIZE_MAX / 2, SIZE_MAX), -ENOMEM);
    assert_null(list);
    assert_int_equal(room, 0);
}

/* Published: Fowler, Noll, Vo; draft-eastlake-fnv, appendix. */
static void fnv1a_is_that_of_its_authors(void **state)
{
    (void)state;
    assert_true(sg_fnv1a(SG_BYTES_NONE) == UINT64_C(0xcbf29ce484222325));
    assert_true(sg_fnv1a(SG_BYTES_LIT("a")) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(sg_fnv1a(SG_BYTES_LIT("foobar")) == UINT64_C(0x85944171f73967e8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_doubles_up_to_the_limit),
        cmocka_unit_test(too_much_is_no_memory),
        cmocka_unit_test(fnv1a_is_that_of_its_authors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
