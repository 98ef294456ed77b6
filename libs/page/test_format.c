#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/page/format.h>

#include <math.h>

#define EN               SG_EN
#define PT               SG_PT_BR
#define NB               "\xc2\xa0"
#define SAME(call, want) assert_string_equal((call).s, want)

static void whole_numbers(void **state)
{
    (void)state;
    SAME(sg_format_int(EN, 0), "0");
    SAME(sg_format_int(EN, 999), "999");
    SAME(sg_format_int(EN, 1000), "1,000");
    SAME(sg_format_int(PT, 2880000), "2.880.000");
    SAME(sg_format_int(PT, -161280), "−161.280");
    SAME(sg_format_int(EN, INT64_MIN), "−9,223,372,036,854,775,808");
}

static void fractions(void **state)
{
    (void)state;
    SAME(sg_format_fixed(EN, 1234.567, 2), "1,234.57");
    SAME(sg_format_fixed(PT, 1234.567, 2), "1.234,57");
    SAME(sg_format_fixed(EN, -0.001, 1), "0.0");
    SAME(sg_format_fixed(EN, -12.34, 1), "−12.3");
    SAME(sg_format_fixed(EN, NAN, 1), "–");
    SAME(sg_format_fixed(EN, 1e300, 1), "–");
    SAME(sg_format_percent(EN, 0.985, 1), "98.5" NB "%");
    SAME(sg_format_percent(PT, 0.985, 1), "98,5" NB "%");
}

static void exact_decimals(void **state)
{
    (void)state;
    SAME(sg_format_decimal(EN, 1479600000, 9, 2), "1.4796");
    SAME(sg_format_decimal(PT, 1479600000, 9, 5), "1,47960");
    SAME(sg_format_decimal(EN, 5, 2, 2), "0.05");
    SAME(sg_format_decimal(EN, -5, 2, 2), "−0.05");
    SAME(sg_format_decimal(EN, 100, 2, 0), "1");
    SAME(sg_format_decimal(EN, 1200, 0, 0), "1,200");
    SAME(sg_format_decimal(EN, 206094, 3, 0), "206.094");
    SAME(sg_format_decimal(EN, 0, 3, 0), "0");
    SAME(sg_format_decimal(EN, INT64_MAX, 18, 0), "9.223372036854775807");
}

static void money(void **state)
{
    (void)state;
    SAME(sg_format_money(PT, 15758, 2, "BRL"), "R$" NB "157,58");
    SAME(sg_format_money(EN, 123456789, 2, "BRL"), "R$" NB "1,234,567.89");
    SAME(sg_format_money(EN, -1, 2, "CHF"), "CHF" NB "−0.01");
}

static void units(void **state)
{
    (void)state;
    SAME(sg_format_energy(EN, 812), "812" NB "Wh");
    SAME(sg_format_energy(PT, 206094), "206,1" NB "kWh");
    SAME(sg_format_energy(EN, 12345678), "12.3" NB "MWh");
    SAME(sg_format_bytes(EN, 137279488), "130.9" NB "MiB");
    SAME(sg_format_bytes(PT, 512), "512" NB "B");
}

static void durations(void **state)
{
    (void)state;
    SAME(sg_format_duration(EN, 0.0083), "8.3" NB "ms");
    SAME(sg_format_duration(EN, 0.2194), "219" NB "ms");
    SAME(sg_format_duration(EN, 0.9996), "1.0" NB "s");
    SAME(sg_format_duration(EN, 1.2), "1.2" NB "s");
    SAME(sg_format_duration(PT, 1.5912), "1,6" NB "s");
    SAME(sg_format_duration(EN, 125), "2" NB "min" NB "5" NB "s");
    SAME(sg_format_duration(EN, 11520), "3" NB "h" NB "12" NB "min");
    SAME(sg_format_duration(EN, -1), "–");
    SAME(sg_format_duration(EN, NAN), "–");
    SAME(sg_format_duration(EN, 1e300), "–");
}

static void dates(void **state)
{
    (void)state;
    const int64_t first = 20697; /* 2026-09-01, a Tuesday */
    SAME(sg_format_date(EN, first, SG_DATE_LONG), "1 September 2026");
    SAME(sg_format_date(PT, first, SG_DATE_LONG), "1º de setembro de 2026");
    SAME(sg_format_date(PT, first + 1, SG_DATE_LONG), "2 de setembro de 2026");
    SAME(sg_format_date(PT, first, SG_DATE_NUMERIC), "01/09/2026");
    SAME(sg_format_date(EN, first, SG_DATE_NUMERIC), "1 Sep 2026");
    SAME(sg_format_date(EN, first, SG_DATE_WEEKDAY), "Tue 1 Sep");
    SAME(sg_format_date(PT, first + 4, SG_DATE_WEEKDAY), "sáb. 5 set.");
    SAME(sg_format_date(EN, 0, SG_DATE_WEEKDAY), "Thu 1 Jan");
    SAME(sg_format_date(EN, -1, SG_DATE_WEEKDAY), "Wed 31 Dec");
    SAME(sg_format_time(EN, first * 86400 + 14 * 3600 + 300), "1 Sep 2026, 14:05");
    SAME(sg_format_time(PT, first * 86400), "01/09/2026 00:00");
    SAME(sg_format_time(EN, -60), "31 Dec 1969, 23:59");
    SAME(sg_format_month(EN, 2026 * 12 + 8), "September 2026");
    SAME(sg_format_month(PT, 2026 * 12 + 2), "março de 2026");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers),  cmocka_unit_test(fractions),
        cmocka_unit_test(exact_decimals), cmocka_unit_test(money),
        cmocka_unit_test(units),          cmocka_unit_test(durations),
        cmocka_unit_test(dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
