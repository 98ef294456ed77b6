/* run - with a clock that only the sides move. */
#include "bench-int.h"

#include <sealgrid/base/file.h>
#include <sys/stat.h>

#include "../libs/kvs/cmocka-int.h"

static int64_t clock_ns;

static int64_t false_now(void)
{
    return clock_ns;
}

static int64_t half_now(void)
{
    return clock_ns / 2;
}

struct side {
    int64_t ns_each, ns_first; /* of a unit; more for the first call */
    bool own_clock;            /* the call itself takes a second more than it says */
    int fails_at;              /* call that fails; 0: none */
    int calls;
    uint64_t last_n;
};

static char order[256];

static int run_side(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct side *s = ctx;
    int64_t ns = (int64_t)n * s->ns_each + (s->calls ? 0 : s->ns_first);

    assert_int_equal(*ret_ns, 0);
    if (++s->calls == s->fails_at)
        return -EIO;
    s->last_n = n;
    clock_ns += ns;
    if (s->own_clock) {
        *ret_ns = ns;
        clock_ns += 1000000000;
    }
    return 0;
}

static int run_ours(void *ctx, uint64_t n, int64_t *ret_ns)
{
    strcat(order, "o");
    return run_side(ctx, n, ret_ns);
}

static int run_theirs(void *ctx, uint64_t n, int64_t *ret_ns)
{
    strcat(order, "t");
    return run_side(ctx, n, ret_ns);
}

static struct sg_bench_line line_of(struct side *ours, struct side *theirs)
{
    return (struct sg_bench_line){.name = "line",
                                  .unit = "units/s",
                                  .ours = {"sealgrid", run_ours, ours},
                                  .theirs = {"peer", run_theirs, theirs}};
}

static const struct sg_bench_suite nameless = {"test", "a test", NULL};

static struct sg_bench *begin(bool quick)
{
    static struct sg_bench b;
    sg_bench_init(&b, quick, "/tmp");
    b.now_ns = false_now;
    b.cpu_ns = half_now;
    b.suite = &nameless;
    *order = 0;
    return &b;
}

static void near(double a, double b)
{
    assert_true(a > b * 0.999 && a < b * 1.001);
}

static void test_ratio_of_rates(void **state)
{
    (void)state;
    struct sg_bench *b = begin(false);
    struct side ours = {.ns_each = 500}, theirs = {.ns_each = 250};
    struct sg_bench_line line = line_of(&ours, &theirs);
    line.per_unit = 2;
    assert_int_equal(sg_bench_pair(b, &line), 0);
    assert_int_equal(b->n_results, 1);
    near(b->results[0].ours.median, 4e6);
    near(b->results[0].theirs.median, 8e6);
    near(b->results[0].ratio.median, 0.5);
    assert_string_equal(b->results[0].suite, "test");
    sg_bench_clear(b);
}

/* Laps take about the same time on both sides, whatever a unit costs. */
static void test_calibrated(void **state)
{
    (void)state;
    struct sg_bench *b = begin(false);
    struct side ours = {.ns_each = 10, .ns_first = 40000000}, theirs = {.ns_each = 1000000};
    struct sg_bench_line line = line_of(&ours, &theirs);
    assert_int_equal(sg_bench_pair(b, &line), 0);
    double a = (double)ours.last_n * 10, t = (double)theirs.last_n * 1000000;
    assert_true(t > 100e6 && t < 200e6);
    /* a slow first call ends the search early, never late */
    assert_true(a <= 200e6);
    sg_bench_clear(b);
    struct side slow = {.ns_each = 3000000000};
    b = begin(false);
    line = line_of(&slow, &theirs);
    assert_int_equal(sg_bench_pair(b, &line), 0);
    assert_int_equal(slow.last_n, 1);
    sg_bench_clear(b);
}

static void test_turns(void **state)
{
    (void)state;
    struct sg_bench *b = begin(false);
    struct side ours = {.ns_each = 5}, theirs = {.ns_each = 5};
    struct sg_bench_line line = line_of(&ours, &theirs);
    line.fixed_n = 77;
    line.laps = 3;
    assert_int_equal(sg_bench_pair(b, &line), 0);
    assert_string_equal(order, "ottoot");
    assert_int_equal(ours.last_n, 77);
    assert_int_equal(theirs.last_n, 77);
    sg_bench_clear(b);
    b = begin(true);
    assert_int_equal(sg_bench_pair(b, &line), 0);
    assert_string_equal(order, "otto");
    sg_bench_clear(b);
}

/* A machine that slows down by 20 % with each lap favours neither side. */
static int run_slowing(void *ctx, uint64_t n, int64_t *ret_ns)
{
    static double slowness = 1;
    (void)ctx;
    (void)ret_ns;
    clock_ns += (int64_t)((double)n * 1000 * slowness);
    slowness *= 1.2;
    return 0;
}

static void test_drift(void **state)
{
    (void)state;
    struct sg_bench *b = begin(false);
    struct sg_bench_line line = {.name = "drift",
                                 .unit = "units/s",
                                 .fixed_n = 1000,
                                 .laps = 8,
                                 .ours = {"sealgrid", run_slowing, NULL},
                                 .theirs = {"peer", run_slowing, NULL}};
    assert_int_equal(sg_bench_pair(b, &line), 0);
    near(b->results[0].ratio.min, 1 / 1.2);
    near(b->results[0].ratio.max, 1.2);
    assert_true(b->results[0].ratio.median > 0.98 && b->results[0].ratio.median < 1.03);
    sg_bench_clear(b);
}

static void test_own_clock(void **state)
{
    (void)state;
    struct sg_bench *b = begin(false);
    struct side ours = {.ns_each = 1000, .own_clock = true}, theirs = {.ns_each = 1000};
    struct sg_bench_line line = line_of(&ours, &theirs);
    assert_int_equal(sg_bench_pair(b, &line), 0);
    near(b->results[0].ratio.median, 1);
    sg_bench_clear(b);
}

static void test_cpu_clock(void **state)
{
    (void)state;
    struct sg_bench *b = begin(false);
    struct side ours = {.ns_each = 1000}, theirs = {.ns_each = 1000, .own_clock = true};
    struct sg_bench_line line = line_of(&ours, &theirs);
    line.cpu = true;
    assert_int_equal(sg_bench_pair(b, &line), 0);
    near(b->results[0].ours.median, 2e6);
    near(b->results[0].theirs.median, 1e6); /* its own clock counts */
    sg_bench_clear(b);
}

static void test_spread(void **state)
{
    (void)state;
    double odd[] = {3, 1, 2}, even[] = {4, 1, 2, 3};
    struct sg_bench_spread s = sg_bench_spread(odd, 3);
    near(s.median, 2);
    near(s.min, 1);
    near(s.max, 3);
    near(sg_bench_spread(even, 4).median, 2.5);
}

static void test_quantity_and_goals(void **state)
{
    (void)state;
    struct sg_bench *b = begin(false);
    struct sg_bench_line line = {
        .name = "error", .unit = "kWh", .goal = 1.01, .ours.name = "us", .theirs.name = "them"};
    assert_int_equal(sg_bench_quantity(b, &line, 5.0, 5.0, true), 0);
    line.name = "error, worse";
    assert_int_equal(sg_bench_quantity(b, &line, 5.2, 5.0, true), 0);
    line.name = "at least";
    assert_int_equal(sg_bench_quantity(b, &line, 5.2, 5.0, false), 0);
    line.name = "at least, not reached";
    assert_int_equal(sg_bench_quantity(b, &line, 5.0, 5.0, false), 0);
    line.name = "no goal";
    line.goal = 0;
    assert_int_equal(sg_bench_quantity(b, &line, 1.0, 5.0, false), 0);
    sg_bench_skip(b, "peer", "not installed");
    const bool met[] = {true, false, true, false, true, true};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(sg_bench_met(&b->results[i]), met[i]);
    sg_bench_clear(b);
}

/* ---- suites -------------------------------------------------------------------------------- */

static int suite_fails(struct sg_bench *b)
{
    struct side ours = {.ns_each = 1000}, theirs = {.ns_each = 1000, .fails_at = 2};
    struct sg_bench_line line = line_of(&ours, &theirs);
    line.fixed_n = 10;
    return sg_bench_pair(b, &line);
}

static int suite_raises(struct sg_bench *b)
{
    sg_bench_skip(b, "one", "a reason");
    return sg_raisef(-ENODATA, "the well is dry");
}

static int suite_says_nothing(struct sg_bench *b)
{
    (void)b;
    return 0;
}

static int suite_works(struct sg_bench *b)
{
    struct side ours = {.ns_each = 1000}, theirs = {.ns_each = 1000};
    struct sg_bench_line line = line_of(&ours, &theirs);
    return sg_bench_pair(b, &line);
}

/* A suite that fails, or is silent, is reported; the next one runs. */
static void test_failing_suites(void **state)
{
    (void)state;
    static const struct sg_bench_suite suites[] = {{"fails", "", suite_fails},
                                                   {"raises", "", suite_raises},
                                                   {"silent", "", suite_says_nothing},
                                                   {"works", "", suite_works}};
    struct sg_bench *b = begin(true);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(sg_bench_run_suite(b, &suites[i]), 0);
    assert_int_equal(b->n_ended, 4);
    assert_non_null(b->ended[0].failure);
    assert_non_null(strstr(b->ended[1].failure, "the well is dry"));
    assert_non_null(strstr(b->ended[2].failure, "no line"));
    assert_null(b->ended[3].failure);
    assert_int_equal(b->n_results, 2); /* of "raises" and "works": half a line is none */
    sg_bench_clear(b);
}

static void test_interrupted(void **state)
{
    (void)state;
    static const struct sg_bench_suite suite = {"works", "", suite_works};
    struct sg_bench *b = begin(true);
    sg_bench_interrupted = 1;
    assert_int_equal(sg_bench_run_suite(b, &suite), 0);
    sg_bench_interrupted = 0;
    assert_non_null(b->ended[0].failure);
    assert_int_equal(b->n_results, 0);
    sg_bench_clear(b);
}

static void test_folders(void **state)
{
    (void)state;
    struct sg_bench *b = begin(true);
    char one[PATH_MAX], two[PATH_MAX], tiny[8] = "before", scratch[PATH_MAX];
    struct stat st;
    assert_int_equal(sg_bench_folder(b, "store", one, sizeof(one)), 0);
    assert_int_equal(sg_bench_folder(b, "store", two, sizeof(two)), 0);
    assert_string_not_equal(one, two);
    assert_int_equal(sg_bench_folder(b, "store", tiny, sizeof(tiny)), -ENAMETOOLONG);
    assert_string_equal(tiny, "before");
    assert_true(stat(one, &st) == 0 && S_ISDIR(st.st_mode));
    memcpy(scratch, b->scratch, sizeof(scratch));
    sg_bench_clear(b);
    assert_int_equal(stat(scratch, &st), -1);
    sg_bench_init(b, true, "/nonexistent/folder");
    assert_int_equal(sg_bench_folder(b, "store", one, sizeof(one)), -ENOENT);
    sg_bench_clear(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ratio_of_rates), cmocka_unit_test(test_calibrated),
        cmocka_unit_test(test_turns),          cmocka_unit_test(test_drift),
        cmocka_unit_test(test_own_clock),      cmocka_unit_test(test_cpu_clock),
        cmocka_unit_test(test_spread),         cmocka_unit_test(test_quantity_and_goals),
        cmocka_unit_test(test_failing_suites), cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
