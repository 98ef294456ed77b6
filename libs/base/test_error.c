#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include <sealgrid/base/error.h>

static void raise_returns_its_errno_and_leaves_a_trace(void **state)
{
    (void)state;
    assert_int_equal(sg_raise(-ENOENT), -ENOENT);
    assert_non_null(strstr(sg_error_trace(), "test_error.c:"));
    assert_non_null(strstr(sg_error_trace(), "No such file"));
    assert_null(strchr(sg_error_trace(), '/'));
    assert_int_equal(sg_raisef(-EIO, "volume %d", 3), -EIO);
    assert_non_null(strstr(sg_error_trace(), "volume 3"));
}

static void fold_lets_failures_through_and_refuses_outcomes(void **state)
{
    (void)state;
    assert_int_equal(sg_fold(0), 0);
    assert_int_equal(sg_fold(-ENOSPC), -ENOSPC);
    assert_int_equal(sg_fold(7), -EPROTO);
    assert_non_null(strstr(sg_error_trace(), "outcome 7"));
}

static void a_long_text_is_cut(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(sg_raisef(-EIO, "%s", text), -EIO);
    assert_true(strlen(sg_error_trace()) < 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raise_returns_its_errno_and_leaves_a_trace),
        cmocka_unit_test(fold_lets_failures_through_and_refuses_outcomes),
        cmocka_unit_test(a_long_text_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
