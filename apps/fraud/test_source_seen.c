#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include <sealgrid/base/buf.h>
#include <sealgrid/base/file.h>

#include "source-seen.h"

static char path[64];
static struct seen seen;

/* A file of these customers, two days each. */
static void begin(const char *const *names, size_t n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1 << 20);
    assert_int_equal(sg_buf_printf(&text, "customer,day,weekday"), 0);
    for (int h = 0; h < 24; h++)
        assert_int_equal(sg_buf_printf(&text, ",h%02d", h), 0);
    for (size_t i = 0; i < 2 * n; i++) {
        assert_int_equal(sg_buf_printf(&text, "\n%s,%zu,0", names[i / 2], i), 0);
        for (int h = 0; h < 24; h++)
            assert_int_equal(sg_buf_printf(&text, ",1"), 0);
    }
    assert_int_equal(sg_file_write_atomic(path, sg_buf_bytes(&text), 0600), 0);
    seen_start(&seen, path);
}

static int meet(const char *name)
{
    return seen_meet(&seen, sg_bytes_str(name));
}

static void nothing_is_kept_of_names_in_order(void **state)
{
    (void)state;
    static const char *const orders[][4] = {{"b", "bb", "c", "d"}, {"c9", "c10", "c11", "d00"}};
    for (size_t i = 0; i < 2; i++) {
        begin(orders[i], 4);
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(meet(orders[i][k]), 0);
        assert_null(seen.slot);
    }
}

/* The name that breaks the order may be the one that comes again, or a later one may. */
static void names_before_are_known_all_the_same(void **state)
{
    (void)state;
    static const char *const names[] = {"c9", "c10", "c11", "a"};
    begin(names, 4);
    for (size_t k = 0; k < 4; k++)
        assert_int_equal(meet(names[k]), 0);
    assert_int_equal(seen.n, 4);
    assert_int_equal(meet("c12"), 0);
    for (size_t k = 0; k < 4; k++)
        assert_int_equal(meet(names[k]), SEEN_BEFORE);
    begin(names, 4);
    for (size_t k = 0; k < 3; k++)
        assert_int_equal(meet(names[k]), 0);
    assert_int_equal(meet("c10"), SEEN_BEFORE);
}

static void many_names_are_known(void **state)
{
    (void)state;
    static const char *const names[] = {"x", "wy"};
    char name[16];
    begin(names, 2);
    for (size_t k = 0; k < 2; k++)
        assert_int_equal(meet(names[k]), 0);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < 20000; i++) {
            snprintf(name, sizeof(name), "c%d", i * 7919 % 20000);
            assert_int_equal(meet(name), pass ? SEEN_BEFORE : 0);
        }
}

static void another_file_is_noticed(void **state)
{
    (void)state;
    static const char *const names[] = {"b", "c"};
    begin(names, 2);
    assert_int_equal(meet("b"), 0);
    assert_int_equal(meet("c"), 0);
    assert_int_equal(meet("d"), 0); /* not in it */
    assert_int_equal(meet("a"), -EBADMSG);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/sealgrid-seen-%d.csv", (int)getpid());
    return 0;
}

static int end(void **state)
{
    (void)state;
    seen_clear(&seen);
    unlink(path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_is_kept_of_names_in_order, end),
        cmocka_unit_test_teardown(names_before_are_known_all_the_same, end),
        cmocka_unit_test_teardown(many_names_are_known, end),
        cmocka_unit_test_teardown(another_file_is_noticed, end),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
