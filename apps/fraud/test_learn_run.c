#include "learn.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sealgrid/base/cbor.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>
#include <sealgrid/fraud/features.h>

enum { CUSTOMERS = 24, DAYS = 156, FIRST = 125, SECOND = 140, STEP = 14 };

/* What the second look at the fleet may know at most: 124 + 14. */
#define LAST_KNOWN 138

static struct sg_learned *learned; /* of the first test */
static char folder[] = "/tmp/sealgrid-test-XXXXXX", path[64];

/*
 * Customers who from day 95 on draw more at night: nothing that the unsupervised score suspects,
 * and what inspectors call fraud here.  With `later` everything after the last day that may be
 * known is another.
 */
static int write_fleet(bool later)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(64 << 20);
    struct sg_prng p;
    sg_prng_seed(&p, 3);
    int r = sg_buf_printf(&b, "customer,day,weekday");
    for (unsigned h = 0; h < 24; h++)
        r = r ? r : sg_buf_printf(&b, ",h%02u", h);
    for (unsigned c = 0; c < CUSTOMERS; c++)
        for (unsigned day = 0; day < DAYS; day++) {
            const bool more = c % 2 && day >= 95;
            r = r ? r : sg_buf_printf(&b, "\nc%03u,%u,%u", c, day, day % 7);
            for (unsigned h = 0; h < 24; h++) {
                double load = 4 + 2 * sin((h + c % 5) * 0.26) + 0.3 * sg_prng_normal(&p);
                load += more && h < 6 ? 4 : 0;
                load = later && day > LAST_KNOWN ? 1 + h % 3 : load;
                r = r ? r : sg_buf_printf(&b, ",%.2f", load < 0 ? 0 : load);
            }
        }
    return r ? r : sg_file_write_atomic(path, sg_buf_bytes(&b), 0600);
}

static int open_fleet(void *user, const struct plan *plan, struct source **ret)
{
    int *opened = user;
    if (opened)
        ++*opened;
    return source_file_open(ret, path, plan_span(plan));
}

/* Customers 0 to 9 were inspected on five days from FIRST on, 10 to 19 on five days from SECOND on,
 * 20 and 21 found closed, the others never inspected. */
static void make_outcomes(struct outcomes *o)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    char why[160];
    assert_int_equal(sg_buf_printf(&b, "customer,inspected_day,outcome\n"), 0);
    for (int c = 0; c < 22; c++)
        for (int day = c < 10 ? FIRST : SECOND; day % 5 || day == (c < 10 ? FIRST : SECOND); day++)
            assert_int_equal(sg_buf_printf(&b, "c%03d,%d,%s\n", c, day,
                                           c >= 20 ? "no-access"
                                           : c % 2 ? "fraud"
                                                   : "nothing"),
                             0);
    assert_int_equal(outcomes_parse(o, sg_buf_bytes(&b), why), 0);
}

static struct plan plan_of(void)
{
    return (struct plan){.mode = MODE_FULL,
                         .windows = {.reference = {0, 89}, .test = {90, 119}},
                         .least_reference = 7,
                         .least_recent = 3};
}

static int run(const struct plan *plan, const struct outcomes *o, unsigned threads,
               const struct sg_learned *old, struct learn_result *ret)
{
    const struct learn_job job = {
        .fleet = {.threads = threads, .seed = 1, .repeats = 1, .trees = 10},
        .plan = plan,
        .outcomes = o,
        .step = STEP,
        .old = old,
        .open = open_fleet,
        .sort_bytes = 1 << 20};
    return learn_run(&job, ret);
}

static void same_learned(const struct sg_learned *a, const struct sg_learned *b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf x = SG_BUF_INIT(SG_LEARNED_BYTES_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf y = SG_BUF_INIT(SG_LEARNED_BYTES_MAX);
    assert_int_equal(sg_learned_encode(a, &x), 0);
    assert_int_equal(sg_learned_encode(b, &y), 0);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
}

static void test_learns(void **state)
{
    (void)state;
    SG_CLEANUP(outcomes_clear) struct outcomes o = {.list = NULL};
    const struct plan plan = plan_of();
    struct learn_result r, again;
    char label[SG_TREES_LABEL_MAX + 1];
    make_outcomes(&o);
    assert_int_equal(write_fleet(false), 0);
    assert_int_equal(run(&plan, &o, 1, NULL, &r), 0);
    assert_non_null(r.learned);
    assert_int_equal(r.anchors, 2);
    assert_int_equal(r.too_early + r.not_judged, 0);
    assert_int_equal(r.report.n[SG_LEARN_FRAUD], 50);
    assert_int_equal(r.report.n[SG_LEARN_NOTHING], 50);
    assert_int_equal(r.report.n[SG_LEARN_NO_ACCESS], 10);
    assert_int_equal(r.report.n[SG_LEARN_UNKNOWN], 2 * 2); /* at either anchor */
    assert_true(r.report.has_later && r.report.later_from == SECOND + 1);
    assert_true(r.report.folds.learnt.value > 0.95);
    learn_label(label);
    assert_string_equal(sg_learned_facts(r.learned).label, label);

    /* Nothing of the day of an inspection or later is in it; any number of threads. */
    assert_int_equal(write_fleet(true), 0);
    assert_int_equal(run(&plan, &o, 3, r.learned, &again), 0);
    same_learned(r.learned, again.learned);
    assert_int_equal(again.check.n, 0); /* no outcome after the old model's last */
    learn_result_clear(&again);
    learned = TAKE_PTR(r.learned);
}

/* With windows that are given, one look; inspections up to its last day are too early.  The model
 * of before expects finds where inspectors found nothing since. */
static void test_old_model_is_checked(void **state)
{
    (void)state;
    SG_CLEANUP(outcomes_clear) struct outcomes o = {.list = NULL};
    struct plan plan = plan_of();
    struct learn_result r;
    make_outcomes(&o);
    assert_int_equal(write_fleet(false), 0);
    for (size_t i = 0; i < o.n; i++)
        if (o.list[i].day >= SECOND && o.list[i].outcome != SG_LEARN_NO_ACCESS) {
            o.list[i].day += 5;
            o.list[i].outcome = SG_LEARN_NOTHING;
        }
    plan.fixed = true;
    plan.windows = (struct sg_corr_windows){{19, 108}, {109, LAST_KNOWN}};
    assert_int_equal(run(&plan, &o, 2, learned, &r), 0);
    assert_null(r.learned);
    assert_int_equal(r.why_not, SG_LEARN_FEW);
    assert_int_equal(r.anchors, 1);
    assert_int_equal(r.too_early, 50);
    assert_int_equal(r.report.n[SG_LEARN_NOTHING], 50);
    assert_int_equal(r.check.n, 50);
    assert_true(r.check.found == 0 && r.check.expected > 15 && r.check.expected < 35);
    assert_true(r.check.surprise < -SG_LEARN_TRUST);
    plan.windows = (struct sg_corr_windows){{20, 99}, {100, SECOND + 9}};
    assert_int_equal(run(&plan, &o, 2, NULL, &r), LEARN_NO_OUTCOME);
}

/* A file that was written before the visits: all of them take what was known on its last day, as
 * with windows that end there; however long ago that was. */
static void test_readings_that_end_before_the_visits(void **state)
{
    (void)state;
    struct plan fixed = plan_of();
    const struct plan plan = plan_of();
    struct learn_result r, by_windows;
    assert_int_equal(write_fleet(false), 0);
    plan_anchor(&fixed, DAYS - 1);
    fixed.dated = false;
    for (int days = 0; days <= 50; days += 50) { /* the last day is an anchor, or long past */
        SG_CLEANUP(outcomes_clear) struct outcomes o = {.list = NULL};
        make_outcomes(&o);
        for (size_t i = 0; i < o.n; i++)
            o.list[i].day += DAYS - FIRST + days;
        assert_int_equal(run(&plan, &o, 2, NULL, &r), 0);
        assert_non_null(r.learned);
        assert_int_equal(r.anchors, days ? 1 : 2);
        assert_int_equal(r.too_early + r.not_judged, 0);
        assert_int_equal(r.report.n[SG_LEARN_UNKNOWN], 2);
        if (days) {
            assert_int_equal(run(&fixed, &o, 2, NULL, &by_windows), 0);
            same_learned(r.learned, by_windows.learned);
            learn_result_clear(&by_windows);
        }
        learn_result_clear(&r);
    }
}

static void test_many_anchors_are_refused(void **state)
{
    (void)state;
    SG_CLEANUP(outcomes_clear) struct outcomes o = {.list = NULL};
    struct plan plan = plan_of();
    struct learn_result r;
    make_outcomes(&o);
    o.list[0].day = FIRST + STEP * (int32_t)LEARN_ANCHORS_MAX;
    assert_int_equal(run(&plan, &o, 1, NULL, &r), LEARN_TOO_LONG);
}

/* A file as learn-file.c reads it: trees of one leaf, over `features` and the score. */
static int put_learned(struct sg_buf *b, uint32_t features)
{
    static const uint8_t numbers[24] = {[8] = 0x3f, 0xf0}, one[] = {0, 1};
    static const uint8_t leaf[12] = {0xff, 0xff, [8] = 0x3f, 0x80}, start[16] = {0x3f, 0xf0};
    static const uint8_t zeros[(SG_LEARN_FEATURES_MAX + 2) * SG_DRIFT_CLASSES * 4];
    SG_CLEANUP(sg_buf_clear) struct sg_buf trees = SG_BUF_INIT(1 << 16);
    const size_t columns = features + 2;
    char label[SG_TREES_LABEL_MAX + 1];
    learn_label(label);
    int r = sg_cbor_put_array(&trees, 8);
    r = r ? r : sg_cbor_put_text(&trees, "sealgrid-trees");
    r = r ? r : sg_cbor_put_uint(&trees, 1);
    r = r ? r : sg_cbor_put_text(&trees, label);
    r = r ? r : sg_cbor_put_uint(&trees, 1);
    r = r ? r : sg_cbor_put_uint(&trees, features + 1);
    r = r ? r : sg_cbor_put_bytes(&trees, SG_BYTES_ARRAY(numbers));
    r = r ? r : sg_cbor_put_bytes(&trees, SG_BYTES_ARRAY(one));
    r = r ? r : sg_cbor_put_bytes(&trees, SG_BYTES_ARRAY(leaf));
    r = r ? r : sg_cbor_put_array(b, 10);
    r = r ? r : sg_cbor_put_text(b, "sealgrid-learned");
    for (unsigned i = 0; i < 5; i++) /* version, days, outcomes */
        r = r ? r : sg_cbor_put_uint(b, 1);
    r = r ? r : sg_cbor_put_bytes(b, SG_BYTES_ARRAY(start));
    r = r ? r : sg_cbor_put_bytes(b, SG_BYTES(zeros, columns * (SG_DRIFT_CLASSES - 2) * 4));
    r = r ? r : sg_cbor_put_bytes(b, SG_BYTES(zeros, columns * SG_DRIFT_CLASSES * 4));
    return r ? r : sg_cbor_put_bytes(b, sg_buf_bytes(&trees));
}

static void check_fits(uint32_t features, bool wanted)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_LEARNED_BYTES_MAX);
    SG_CLEANUP(sg_learned_freep) struct sg_learned *m = NULL;
    assert_int_equal(put_learned(&b, features), 0);
    assert_int_equal(sg_learned_decode(sg_buf_bytes(&b), &m), 0);
    assert_int_equal(learn_fits(m), wanted);
}

/* It would read beyond a customer's features. */
static void test_more_features_under_our_label_are_refused(void **state)
{
    (void)state;
    check_fits(sg_feature_count(), true);
    check_fits(sg_feature_count() + 1, false);
    check_fits(SG_LEARN_FEATURES_MAX, false);
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/fleet.csv", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sg_learned_free(learned);
    return sg_remove_tree(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_old_model_is_checked),
        cmocka_unit_test(test_readings_that_end_before_the_visits),
        cmocka_unit_test(test_many_anchors_are_refused),
        cmocka_unit_test(test_more_features_under_our_label_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
