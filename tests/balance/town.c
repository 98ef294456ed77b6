/*
 * town - balances_decibel holds on towns that it was not made of: of the honest customers one in
 * ten may have 10 dB, one in a hundred 20.  And thieves are found, or nobody at all would hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "balances.h"
#include "street.h"

#define STREETS 120

struct town {
    size_t honest, above_10, above_20, above_26;
    size_t by_passes, found; /* 20 to 95 % of the load, from before the past on */
};

static void take(const struct street *s, const struct sg_balance_customer *c, struct town *town)
{
    for (size_t j = 0; j < s->listed; j++) {
        const double decibel = balances_decibel((float)c[j].sureness);
        if (!c[j].used)
            continue;
        if (s->theft[j] == STREET_THEFT_NONE) {
            town->honest++;
            town->above_10 += decibel > 10;
            town->above_20 += decibel > 20;
            town->above_26 += decibel > 26;
        } else if (s->theft[j] == STREET_THEFT_ALWAYS) {
            town->by_passes++;
            town->found += decibel > 20;
        }
    }
}

static void make(uint64_t seed, struct town *town)
{
    struct sg_balance_customer c[STREET_MOST];
    struct sg_balance_result result;
    *town = (struct town){.honest = 0};
    for (uint32_t i = 0; i < STREETS; i++) {
        const struct street_plan plan = street_of_town(seed, i);
        struct street s;
        assert_true(street_make(&s, &plan));
        const struct sg_balance_input in = street_input(&s);
        assert_int_equal(sg_balance(&in, c, &result, NULL), 0);
        take(&s, c, town);
        street_clear(&s);
    }
}

static void honest_have_their_decibels(void **state)
{
    struct town town;
    (void)state;
    make(501, &town);
    print_message(
        "of %zu honest %zu above 10 dB, %zu above 20, %zu above 26; %zu of %zu by-passes found\n",
        town.honest, town.above_10, town.above_20, town.above_26, town.found, town.by_passes);
    if (town.above_10 > town.honest * 13 / 100 || town.above_20 > town.honest * 16 / 1000 ||
        town.above_26 > town.honest * 9 / 2000)
        fail_msg("of %zu honest %zu above 10 dB, %zu above 20, %zu above 26", town.honest,
                 town.above_10, town.above_20, town.above_26);
    /* Neither is a scale that calls everybody harmless one. */
    assert_true(town.above_10 > town.honest * 6 / 100);
    if (town.found * 10 < town.by_passes * 8 || town.by_passes < 5)
        fail_msg("of %zu by-passes %zu found", town.by_passes, town.found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(honest_have_their_decibels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
