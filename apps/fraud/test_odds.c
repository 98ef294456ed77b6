#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "score.h"

static struct odds odds;

/* n customers whose shares p lie evenly over 0..1, as honest ones' do. */
static void add_honest(int n)
{
    for (int i = 0; i < n; i++)
        odds_add(&odds, -10 * log10((i + 0.5) / n));
}

static int start(void **state)
{
    (void)state;
    memset(&odds, 0, sizeof(odds));
    return 0;
}

/* The most suspect of the honest is the most suspect, and nothing else. */
static void nobody_is_a_thief_among_the_honest(void **state)
{
    (void)state;
    add_honest(10000);
    odds_find(&odds);
    for (double score = 0; score < 80; score += 0.5)
        assert_true(odds_of(&odds, score) < 0.35);
    assert_true(odds_of(&odds, 12) < 0.05);
}

/* 100 thieves at 30 and more, where 10 of 10,000 honest stand: of 110, 100. */
static void what_the_honest_would_not_bring_is_theft(void **state)
{
    (void)state;
    add_honest(10000);
    for (int i = 0; i < 100; i++)
        odds_add(&odds, 30.2);
    odds_find(&odds);
    assert_true(odds_of(&odds, 30.2) > 0.8 && odds_of(&odds, 30.2) < 1);
    assert_true(odds_of(&odds, 15) < 0.1);
    double before = 0;
    for (double score = 0; score < 400; score += 0.25) {
        assert_true(odds_of(&odds, score) >= before);
        before = odds_of(&odds, score);
    }
}

static void an_empty_fleet_has_no_thief(void **state)
{
    (void)state;
    odds_find(&odds);
    assert_true(odds_of(&odds, 100) == 0);
    odds_add(&odds, 100); /* one alone is no certainty */
    odds_find(&odds);
    assert_true(odds_of(&odds, 100) <= 0.5);
}

/* ---- energy -------------------------------------------------------------------------------- */

static void the_largest_of_what_is_sure_counts(void **state)
{
    (void)state;
    struct balances_customer balance = {.kwh_per_day = 9, .sureness = 0.4f};
    struct line l = {.missing_day = 3, .balance = &balance};
    l.phasor = (struct sg_phasor_finding){.kwh_per_day = 7, .sureness = 0.3f};
    score_energy(&l);
    assert_true(l.missing_day == 3);
    l.phasor.sureness = 0.6f;
    score_energy(&l);
    assert_true(l.missing_day == 7);
    balance.sureness = 0.9f;
    score_energy(&l);
    assert_true(l.missing_day == 9);
}

static void what_a_visit_would_recover(void **state)
{
    (void)state;
    struct line l = {.missing_day = 10, .unsupervised = 40};
    add_honest(1000);
    for (int i = 0; i < 49; i++)
        odds_add(&odds, 40);
    odds_find(&odds);
    const double chance = odds_of(&odds, 40);
    assert_true(chance > 0.9);
    assert_true(score_expected(&odds, &l) == 10 * chance);
    l.chance = 0.5f; /* inspections know better */
    assert_true(score_expected(&odds, &l) == 5);
}

static void energy_in_words(void **state)
{
    (void)state;
    char text[SCORE_ENERGY_MAX];
    struct plan plan = {.mode = MODE_FULL};
    struct line l = {.missing_day = 12.4f, .change_day = 93};
    assert_true(score_energy_words(&l, &plan, text));
    assert_string_equal(text, "about 12 kWh a day missing since day 93");
    plan.calendar = true;
    l.change_day = 20710;
    l.missing_day = 2.44f;
    assert_true(score_energy_words(&l, &plan, text));
    assert_string_equal(text, "about 2.4 kWh a day missing since 2026-09-14");
    l.change_day = SG_FRAUD_NO_DAY;
    assert_true(score_energy_words(&l, &plan, text));
    assert_string_equal(text, "about 2.4 kWh a day missing");
    l.missing_day = 0;
    assert_false(score_energy_words(&l, &plan, text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nobody_is_a_thief_among_the_honest, start),
        cmocka_unit_test_setup(what_the_honest_would_not_bring_is_theft, start),
        cmocka_unit_test_setup(an_empty_fleet_has_no_thief, start),
        cmocka_unit_test_setup(the_largest_of_what_is_sure_counts, start),
        cmocka_unit_test_setup(what_a_visit_would_recover, start),
        cmocka_unit_test_setup(energy_in_words, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
