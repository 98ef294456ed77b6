#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "page.h"

#define ATTACK "<b onclick=x>\"'&"
#define DAYS   60

/* ---- picture ------------------------------------------------------------------------------- */

static struct sg_fraud_days days;

/* From day `change` on, `share` of 24 kWh a workday and 12 a day of the weekend. */
static void make_days(uint32_t change, float share)
{
    assert_int_equal(sg_fraud_days_start(&days, "a", 24), 0);
    for (uint32_t i = 0; i < DAYS; i++) {
        float load[24];
        for (int k = 0; k < 24; k++)
            load[k] = (i % 7 < 5 ? 1.0f : 0.5f) * (i >= change ? share : 1);
        assert_int_equal(sg_fraud_days_add(&days, (int32_t)i, (uint8_t)(i % 7), load, NULL), 0);
    }
}

static struct picture picture_of(void)
{
    struct picture p = {.points = 24};
    const struct picture_input in = {.days = &days,
                                     .reference = 0,
                                     .n_reference = 42,
                                     .recent = 42,
                                     .n_recent = 18,
                                     .shift = 1000};
    picture_fill(&p, &in);
    return p;
}

/* Half of the load is gone from Monday, day 35, on: a week before the judged ones begin.  The
 * regular days with that week in them have 22 and 11 kWh. */
static void a_step_is_found_and_counted(void **state)
{
    (void)state;
    make_days(35, 0.5f);
    const struct picture p = picture_of();
    assert_int_equal(p.n_days, DAYS);
    assert_int_equal(p.day[0], 1000);
    assert_int_equal(p.first_recent, 1042);
    assert_int_equal(p.change_day, 1035);
    assert_int_equal(p.missing_since, 1035);
    assert_int_equal(p.last_day, 1059);
    assert_true(fabs(p.missing_day - (19 * 10 + 6 * 5) / 25.0) < 1e-5);
    assert_true(fabs(p.regular_day - (5 * 22 + 2 * 11) / 7.0) < 1e-5);
    assert_true(p.low[3] == 0.5f && p.high[3] == 1);
    assert_int_equal(p.context.solar_since, SG_FRAUD_NO_DAY);
}

static void without_a_step_there_is_no_day(void **state)
{
    (void)state;
    make_days(DAYS, 1);
    struct picture p = picture_of();
    assert_int_equal(p.change_day, SG_FRAUD_NO_DAY);
    assert_int_equal(p.missing_since, 1042);
    assert_true(fabs(p.missing_day) < 1e-6);
    make_days(50, 1.5f); /* more than before: nothing is missing */
    p = picture_of();
    assert_int_equal(p.change_day, 1050);
    assert_true(p.missing_day < 0);
}

/* ---- page ---------------------------------------------------------------------------------- */

static struct fleet_result result;
static struct plan plan;
static struct sg_buf text = SG_BUF_INIT(PAGE_BYTES_MAX);

static void add(const char *id, double score, enum unjudged unjudged, uint8_t reason,
                uint8_t excuse)
{
    struct line l = {.score = score,
                     .unjudged = unjudged,
                     .likeness = NAN,
                     .level = 0.5f,
                     .per_1000 = 0.5f,
                     .class_then = UINT32_MAX,
                     .class_now = UINT32_MAX,
                     .change_day = SG_FRAUD_NO_DAY};
    snprintf(l.id, sizeof l.id, "%s", id);
    l.reason[0] =
        (struct sg_full_reason){reason, 0.25f, 8, reason == SG_FULL_REASON_STEP ? 20700 : 17};
    l.reason[1] = (struct sg_full_reason){excuse, 0.1f, 1, 0};
    assert_int_equal(ranking_add(&result.ranking, &l), 0);
}

static void make_page(enum plan_mode mode, size_t capacity, enum sg_language language)
{
    plan = (struct plan){.mode = mode,
                         .fixed = true,
                         .dated = true,
                         .windows = {.reference = {20697, 20726}, .test = {20727, 20756}}};
    const struct report report = {.plan = &plan, .result = &result, .seed = 1};
    const struct page page = {
        .report = &report, .capacity = capacity, .language = language, .dated = true};
    sg_buf_reset(&text);
    assert_int_equal(page_make(&page, &text), 0);
    assert_int_equal(sg_buf_append_u8(&text, 0), 0);
}

static bool says(const char *what)
{
    return strstr((const char *)text.data, what) != NULL;
}

static void make_result(void)
{
    fleet_result_clear(&result);
    add(ATTACK, 33, JUDGED, SG_FULL_REASON_GAP, SG_FULL_REASON_NONE);
    add("second", 20, JUDGED, SG_FULL_REASON_STEP, SG_FULL_REASON_PEAKS);
    add("empty-house", 3, JUDGED, SG_FULL_REASON_NONE, SG_FULL_REASON_VACANT);
    add("silent", 0, FEW_RECENT, SG_FULL_REASON_NONE, SG_FULL_REASON_NONE);
    result.ranking.lines[1].conflicts = 3;
    result.ranking.lines[1].incomplete = 2;
    result.conflicts = 3;
    result.incomplete = 2;
    result.bad_facts = 4;
    result.suspects = calloc(2, sizeof(*result.suspects));
    result.n_suspects = 2;
    make_days(40, 0.5f);
    for (size_t i = 0; i < 2; i++) {
        struct suspect *s = &result.suspects[i];
        s->picture = picture_of();
        snprintf(s->id, sizeof s->id, "%s", result.ranking.lines[i].id);
        snprintf(s->picture.context.activity, sizeof s->picture.context.activity, "%s", ATTACK);
        s->picture.context.cls = SG_FRAUD_CLASS_COMMERCIAL;
        s->picture.context.contracted_kw = 75;
    }
}

static void an_inspector_is_told(void **state)
{
    (void)state;
    make_result();
    result.suspects[1].picture.change_day = SG_FRAUD_NO_DAY;
    make_page(MODE_FULL, 50, SG_EN);
    assert_false(says("<b onclick"));
    assert_true(says("&lt;b onclick=x&gt;&quot;&#39;&amp;") ||
                says("&lt;b onclick=x&gt;&quot;'&amp;"));
    assert_true(says("between 8 and 17 o'clock only 25") ||
                says("between 8 and 17 o&#39;clock only 25"));
    assert_true(says("entre 8 h e 17 h"));
    assert_true(says("1 in 2,000 customers looks as suspect"));
    assert_true(says("1 em 2.000 clientes"));
    assert_true(says("commercial") && says("comercial") && says("75\xc2\xa0kW"));
    assert_true(says("3 readings were told twice"));
    assert_true(says("4 rows of facts or contracts cannot be read"));
    assert_false(says("Changed, and not taken for theft"));
    assert_true(says("Explained by a known change") && says("empty-house"));
    assert_true(says("vacant premises (known)"));
    assert_true(says("Explicados por mudan") && says("(informado)"));
    assert_true(says("on 4 Sep 2026 it fell by 75"));
    assert_true(says("em 04/09/2026 caiu 75"));
    assert_true(says("no hour above 0.10 kW any more; before, 1 of 0 days"));
    assert_true(says("too few complete recent days (1): silent"));
    assert_true(says("a switch, timer or contactor"));
    assert_true(says("id=\"s2-pt\"") && says("href=\"#s2-en\""));
    assert_true(says("id=\"language-en\" checked"));
}

/* What is only guessed from the load stands at the end; what is known near the top, most energy
 * first. */
static void changes_that_are_known_come_before_those_that_are_guessed(void **state)
{
    (void)state;
    make_result();
    for (int i = 0; i < 3; i++) {
        char name[24];
        snprintf(name, sizeof name, "known%d", i);
        add(name, 2, JUDGED, SG_FULL_REASON_NONE, SG_FULL_REASON_SOLAR);
        result.ranking.lines[result.ranking.n - 1].missing_day = (float)(i % 2 ? 9 : i);
    }
    add("guessed", 1, JUDGED, SG_FULL_REASON_NONE, SG_FULL_REASON_VACANT);
    result.ranking.lines[result.ranking.n - 1].reason[1].b = 0;
    assert_int_equal(ranking_sort(&result.ranking), 0);
    make_page(MODE_FULL, 50, SG_EN);
    const char *all = (const char *)text.data, *known = strstr(all, "Explained by a known change");
    const char *one_by_one = strstr(all, "One by one"), *guessed = strstr(all, ">guessed<");
    assert_true(known && known < one_by_one && one_by_one < guessed);
    assert_true(strstr(known, "known1") < strstr(known, "known2"));
    assert_true(strstr(known, "known2") < strstr(known, "known0"));
    assert_true(strstr(known, "known0") < one_by_one);
}

/* By chance 1, 2, 3; by energy the second goes first. */
static void the_same_are_listed_by_chance_and_by_energy(void **state)
{
    (void)state;
    make_result();
    for (size_t i = 0; i < 2; i++) {
        struct line *l = &result.ranking.lines[i];
        l->unsupervised = l->score;
        l->missing_day = i ? 20 : 10;
        for (int n = 0; n < 20; n++)
            odds_add(&result.odds, l->score);
    }
    odds_find(&result.odds);
    make_page(MODE_FULL, 50, SG_EN);
    const char *all = (const char *)text.data, *chance = strstr(all, "These by chance of theft");
    const char *energy = strstr(all, "These by energy");
    assert_true(chance && chance < energy);
    assert_true(strstr(chance, "#s1-en") < strstr(chance, "#s2-en"));
    assert_true(strstr(energy, "#s2-en") < strstr(energy, "#s1-en"));
    assert_true(says("Chance of theft") && says("What speaks against it"));
    assert_false(says("no day stands out"));
    assert_false(says("of ten customers like this")); /* of 41 one is honest */
    result.suspects[0].picture.change_day = SG_FRAUD_NO_DAY;
    result.odds = (struct odds){.count = {0}};
    make_page(MODE_FULL, 50, SG_EN);
    assert_true(says("no day stands out"));
    assert_true(says("of ten customers like this about 10 are honest"));
}

/* The score sees a step among the judged days only; the picture may show when it really began. */
static void a_step_is_told_by_its_day(void **state)
{
    (void)state;
    make_result();
    result.suspects[1].picture.change_day = 20690;
    make_page(MODE_FULL, 50, SG_EN);
    assert_true(says("on 25 Aug 2026 it fell by 75"));
    assert_false(says("4 Sep 2026"));
}

static void no_more_are_shown_than_can_be_visited(void **state)
{
    (void)state;
    make_result();
    make_page(MODE_FULL, 1, SG_PT_BR);
    assert_true(says("id=\"s1-en\""));
    assert_false(says("id=\"s2-en\""));
    assert_true(says("id=\"language-pt\" checked"));
}

/* Without calibration nothing is said of one in so many. */
static void other_modes_promise_less(void **state)
{
    (void)state;
    make_result();
    for (size_t i = 0; i < 4; i++)
        result.ranking.lines[i].per_1000 = NAN;
    result.ranking.lines[0].likeness = 0.1f;
    make_page(MODE_CORRELATION, 50, SG_EN);
    assert_false(says("looks as suspect"));
    assert_true(says("it is no probability"));
    assert_true(says("likeness 0.10"));
}

static void nobody_is_a_page_too(void **state)
{
    (void)state;
    fleet_result_clear(&result);
    make_page(MODE_FULL, 50, SG_EN);
    assert_true(says("0 of 0 customers were judged"));
}

static int clear(void **state)
{
    (void)state;
    fleet_result_clear(&result);
    sg_fraud_days_clear(&days);
    sg_buf_clear(&text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_found_and_counted),
        cmocka_unit_test(without_a_step_there_is_no_day),
        cmocka_unit_test(an_inspector_is_told),
        cmocka_unit_test(changes_that_are_known_come_before_those_that_are_guessed),
        cmocka_unit_test(the_same_are_listed_by_chance_and_by_energy),
        cmocka_unit_test(a_step_is_told_by_its_day),
        cmocka_unit_test(no_more_are_shown_than_can_be_visited),
        cmocka_unit_test(other_modes_promise_less),
        cmocka_unit_test(nobody_is_a_page_too),
    };
    return cmocka_run_group_tests(tests, NULL, clear);
}
