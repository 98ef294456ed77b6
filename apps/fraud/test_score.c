#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "score.h"

#define POINTS 24

/* Reference days 0..9, recent days 10..15; which days there are is up to the test. */
static const struct plan base = {
    .fixed = true, .windows = {{0, 9}, {10, 15}}, .least_reference = 4, .least_recent = 3};
static struct sg_fraud_days days;
static struct source_notes notes;
static struct line line;

enum shape { RISING, FALLING, FLAT };

static void start(void)
{
    assert_int_equal(sg_fraud_days_start(&days, "x", POINTS), 0);
}

static float at(enum shape shape, int k)
{
    return shape == FLAT ? 1 : (float)(shape == RISING ? 1 + k : POINTS - k);
}

static void add(int day, uint8_t weekday, enum shape shape, float size)
{
    float load[POINTS];
    for (int k = 0; k < POINTS; k++)
        load[k] = size * at(shape, k);
    assert_int_equal(sg_fraud_days_add(&days, day, weekday, load, NULL), 0);
}

static void add_all(int from, int until, uint8_t weekday, enum shape shape, float size)
{
    for (int day = from; day < until; day++)
        add(day, weekday, shape, size);
}

static void score(enum plan_mode mode, const struct sg_som *map, struct picture *pic)
{
    SG_CLEANUP(scorer_clear) struct scorer s = {.plan = NULL};
    struct plan plan = base;
    plan.mode = mode;
    assert_int_equal(scorer_init(&s, &plan, map), 0);
    assert_int_equal(score_one(&s, &days, &notes, &line, pic), 0);
}

static enum unjudged judged_with(int n_reference, int n_recent)
{
    start();
    add_all(0, n_reference, 0, RISING, 1);
    add_all(10, 10 + n_recent, 0, RISING, 1);
    score(MODE_CORRELATION, NULL, NULL);
    return line.unjudged;
}

static void so_many_days_and_not_one_fewer(void **state)
{
    (void)state;
    assert_int_equal(judged_with(4, 3), JUDGED);
    assert_int_equal(judged_with(3, 3), FEW_REFERENCE);
    assert_int_equal(judged_with(4, 2), FEW_RECENT);
    assert_int_equal(judged_with(0, 0), NO_DAYS);
    assert_int_equal(judged_with(0, 6), FEW_REFERENCE);
}

/* Told is what concerns the kind of day that most recent days are; of as many, workdays. */
static void the_usual_kind_is_told(void **state)
{
    (void)state;
    struct picture pic;
    for (int weekends = 0; weekends <= 6; weekends++) {
        start();
        add_all(0, 5, 0, RISING, 1);
        add_all(5, 10, 6, FALLING, 3);
        add_all(10, 16 - weekends, 0, RISING, 2);
        add_all(16 - weekends, 16, 6, FALLING, 1.5f);
        score(MODE_CORRELATION, NULL, &pic);
        const bool workdays = weekends <= 3;
        assert_int_equal(line.kind, workdays ? SG_FRAUD_WORKDAY : SG_FRAUD_WEEKEND);
        assert_true(fabs((double)line.level - (workdays ? 2 : 0.5)) < 1e-6);
        assert_true(fabs((double)line.likeness - 1) < 1e-6);
        assert_true(fabs(line.score) < 1e-9);
        assert_int_equal(pic.points, POINTS);
        assert_true(pic.regular[0] == (workdays ? 1 : 3 * POINTS));
        assert_true(pic.recent[0] == (workdays ? 2 : 1.5f * POINTS));
    }
}

static void recent_days_of_another_kind_are_no_test(void **state)
{
    (void)state;
    start();
    add_all(0, 5, 0, RISING, 1);
    add_all(10, 14, 6, RISING, 1);
    score(MODE_CORRELATION, NULL, NULL);
    assert_int_equal(line.unjudged, FEW_REFERENCE);
}

/* A map of three nodes: rising, falling, flat days. */
static void make_map(struct sg_som **ret)
{
    const struct sg_som_shape shape = {.columns = 3, .rows = 1, .points = POINTS};
    float codes[3 * POINTS];
    for (int s = 0; s < 3; s++)
        for (int k = 0; k < POINTS; k++)
            codes[s * POINTS + k] = at(s, k) / (s == FLAT ? 1 : 12.5f);
    assert_int_equal(sg_som_new(ret, &shape), 0);
    assert_int_equal(sg_som_set(*ret, codes), 0);
}

static void classes_are_those_of_most_days(void **state)
{
    (void)state;
    SG_CLEANUP(sg_som_freep) struct sg_som *map = NULL;
    make_map(&map);
    for (int falling = 0; falling <= 6; falling++) {
        start();
        add_all(0, 10, 0, RISING, 1);
        add_all(10, 16 - falling, 0, RISING, 1);
        add_all(16 - falling, 16, 0, FALLING, 1);
        score(MODE_PAPER, map, NULL);
        assert_int_equal(line.class_then, RISING);
        assert_int_equal(line.class_now, falling > 3 ? FALLING : RISING); /* the lowest of equals */
    }
    start();
    add_all(0, 16, 0, FLAT, 0);
    score(MODE_PAPER, map, NULL);
    assert_int_equal(line.unjudged, NOTHING_DRAWN);
}

static void reasons_in_words(void **state)
{
    (void)state;
    char text[REASONS_MAX];
    struct plan plan = base;
    plan.mode = MODE_PAPER;
    struct line l = {.likeness = 0.125f, .level = 0.5f, .class_then = 1, .class_now = 2};
    score_reasons(&l, &plan, text);
    assert_string_equal(text,
                        "correlation with own workdays 0.12; class 1 -> 2; level 0.50 of before");
    /* The longest that there can be is not cut: from the least reference to the largest recent. */
    l = (struct line){.kind = SG_FRAUD_WEEKEND,
                      .likeness = -0.999f,
                      .level = 1e12f,
                      .class_then = 1023,
                      .class_now = 1023,
                      .incomplete = UINT32_MAX,
                      .conflicts = UINT32_MAX};
    score_reasons(&l, &plan, text);
    assert_non_null(strstr(text, " readings in conflict"));
}

static int clear(void **state)
{
    (void)state;
    sg_fraud_days_clear(&days);
    return 0;
}

/* What was learnt stands first; one separator between parts, also where nothing else is told. */
static void parts_are_separated_once(void **state)
{
    (void)state;
    struct plan full = base;
    char words[REASONS_MAX];
    full.mode = MODE_FULL;
    struct line l = {.chance = 0.2f,
                     .unsupervised = 12.34,
                     .per_1000 = 58,
                     .likeness = NAN,
                     .level = NAN,
                     .class_then = UINT32_MAX,
                     .class_now = UINT32_MAX,
                     .gaps = 1};
    score_reasons(&l, &full, words);
    assert_string_equal(words, "chance of a find 0.20 after inspections, unsupervised score 12.3; "
                               "58 of 1000 honest customers look like this; "
                               "1 day with readings missing");
    l.chance = 0;
    l.per_1000 = 1;
    l.gaps = 0;
    score_reasons(&l, &full, words);
    assert_string_equal(words, "1 of 1000 honest customers looks like this");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_days_and_not_one_fewer),
        cmocka_unit_test(the_usual_kind_is_told),
        cmocka_unit_test(recent_days_of_another_kind_are_no_test),
        cmocka_unit_test(classes_are_those_of_most_days),
        cmocka_unit_test(reasons_in_words),
        cmocka_unit_test(parts_are_separated_once),
    };
    return cmocka_run_group_tests(tests, NULL, clear);
}
