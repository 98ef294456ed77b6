#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/billing/money.h>

#include <string.h>

static void decimals_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned digits;
        int64_t v;
    } good[] = {{"0", 2, 0},          {"0.82200", 9, 822000000},
                {"-12.34", 2, -1234}, {"1234567.891", 9, 1234567891000000},
                {"7", 0, 7},          {"0.01", 2, 1}};
    static const char *const bad[] = {"",   "-",   ".5",    "5.",  "+1",   "1e3", " 1",
                                      "1 ", "1,5", "0.123", "--1", "0x10", "nan"};
    int64_t v;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(sg_decimal_parse(good[i].text, good[i].digits, &v), 0);
        assert_int_equal(v, good[i].v);
    }
    v = 42;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(sg_decimal_parse(bad[i], 2, &v), -EINVAL);
    assert_int_equal(sg_decimal_parse("99999999999999999999", 0, &v), -ERANGE);
    assert_int_equal(sg_decimal_parse("10000000000", 9, &v), -ERANGE);
    assert_int_equal(v, 42);
}

static void decimals_are_written_back(void **state)
{
    (void)state;
    char text[SG_DECIMAL_MAX];

    sg_decimal_format(text, 822000000, 9, 2);
    assert_string_equal(text, "0.822");
    sg_decimal_format(text, 800000000, 9, 2);
    assert_string_equal(text, "0.80");
    sg_decimal_format(text, -5, 2, 2);
    assert_string_equal(text, "-0.05");
    sg_decimal_format(text, 0, 2, 2);
    assert_string_equal(text, "0.00");
    sg_decimal_format(text, 7, 0, 0);
    assert_string_equal(text, "7");
    sg_decimal_format(text, 12000, 3, 0);
    assert_string_equal(text, "12");
    sg_decimal_format(text, INT64_MIN, 2, 2);
    assert_string_equal(text, "-92233720368547758.08");
}

static void ties_go_where_the_rule_says(void **state)
{
    (void)state;
    static const struct {
        int n, d, even, up;
    } cases[] = {{5, 2, 2, 3},   {7, 2, 4, 4},   {-5, 2, -2, -3},  {-7, 2, -4, -4},
                 {1, 3, 0, 0},   {2, 3, 1, 1},   {-2, 3, -1, -1},  {0, 5, 0, 0},
                 {25, 10, 2, 3}, {26, 10, 3, 3}, {-25, 10, -2, -3}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(sg_round_div(cases[i].n, cases[i].d, SG_ROUND_HALF_EVEN), cases[i].even);
        assert_int_equal(sg_round_div(cases[i].n, cases[i].d, SG_ROUND_HALF_UP), cases[i].up);
    }
    assert_int_equal(sg_round_div((__int128)INT64_MAX * 4, 2, SG_ROUND_HALF_UP), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_are_exact),
        cmocka_unit_test(decimals_are_written_back),
        cmocka_unit_test(ties_go_where_the_rule_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
