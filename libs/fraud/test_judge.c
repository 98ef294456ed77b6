#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <sealgrid/base/random.h>
#include <sealgrid/fraud/judge.h>
#include <stdlib.h>
#include <string.h>

static const struct sg_judge_rounds plain = {.level = 0.95};

static double figure(const struct sg_judge_case *c, size_t n, enum sg_judge_kind kind, double at)
{
    const struct sg_judge_figure f = {kind, at};
    struct sg_judge_interval v;
    assert_int_equal(sg_judge(c, n, &f, 1, &plain, &v), 0);
    assert_true(isnan(v.low) && isnan(v.high));
    return v.value;
}

static void assert_near(double a, double b)
{
    if (!(fabs(a - b) < 1e-12))
        fail_msg("%.15g is not %.15g", a, b);
}

/* The example of scikit-learn's documentation of roc_auc_score and average_precision_score:
 * y_true = 0, 0, 1, 1; y_scores = 0.1, 0.4, 0.35, 0.8 -> 0.75 and 0.83.... */
static void the_published_example(void **state)
{
    (void)state;
    const struct sg_judge_case c[] = {{0.1, 0, 0}, {0.4, 0, 0}, {0.35, 0, 1}, {0.8, 0, 1}};
    assert_near(figure(c, 4, SG_JUDGE_AUC, 0), 0.75);
    assert_near(figure(c, 4, SG_JUDGE_AVERAGE_PRECISION, 0), 5.0 / 6);
}

/*
 * By hand.  Falling: T(9, 50 kWh) H(8) T(7, 30) H(6) H(5) T(4, 20) H(3) H(2) H(1) H(0): 3 thieves,
 * 7 honest.  Honest after each thief: 7, 6, 4 of 7: AUC 17/21.  Precision at each thief: 1, 2/3,
 * 3/6: AP 13/18.
 */
static const struct sg_judge_case ten[] = {{3, 0, 0}, {9, 50, 1}, {0, 0, 0}, {7, 30, 1},
                                           {8, 0, 0}, {4, 20, 1}, {6, 0, 0}, {1, 0, 0},
                                           {5, 0, 0}, {2, 0, 0}};

static void figures_worked_by_hand(void **state)
{
    (void)state;
    assert_near(figure(ten, 10, SG_JUDGE_AUC, 0), 17.0 / 21);
    assert_near(figure(ten, 10, SG_JUDGE_AVERAGE_PRECISION, 0), 13.0 / 18);
    assert_near(figure(ten, 10, SG_JUDGE_PRECISION_AT, 1), 1);
    assert_near(figure(ten, 10, SG_JUDGE_PRECISION_AT, 2), 0.5);
    assert_near(figure(ten, 10, SG_JUDGE_PRECISION_AT, 5), 0.4);
    assert_near(figure(ten, 10, SG_JUDGE_PRECISION_AT, 50), 0.3);
    assert_near(figure(ten, 10, SG_JUDGE_LIFT_AT, 5), 0.4 / 0.3);
    assert_near(figure(ten, 10, SG_JUDGE_LIFT_AT, 10), 1);
    assert_near(figure(ten, 10, SG_JUDGE_RECOVERED_AT, 3), 80);
    assert_near(figure(ten, 10, SG_JUDGE_RECOVERED_AT, 10), 100);
    /* One thief of three is a recall of 1/3; half of them needs the second, past one honest. */
    assert_near(figure(ten, 10, SG_JUDGE_FALSE_PER_1000, 0.3), 0);
    assert_near(figure(ten, 10, SG_JUDGE_FALSE_PER_1000, 0.5), 1000.0 / 7);
    assert_near(figure(ten, 10, SG_JUDGE_FALSE_PER_1000, 1), 3000.0 / 7);
}

/* {5: T H H} {3: T}: of 4 pairs half, half, none, none are won.  The first two of three tied hold
 * 2/3 of a thief. */
static void tied_customers_count_as_one_step(void **state)
{
    (void)state;
    struct sg_judge_case c[] = {{5, 9, 1}, {5, 0, 0}, {5, 0, 0}, {3, 1, 1}};
    for (int turn = 0; turn < 3; turn++) {
        assert_near(figure(c, 4, SG_JUDGE_AUC, 0), 1.0 / 4);
        assert_near(figure(c, 4, SG_JUDGE_AVERAGE_PRECISION, 0), 0.5 * (1.0 / 3) + 0.5 * 0.5);
        assert_near(figure(c, 4, SG_JUDGE_PRECISION_AT, 2), 1.0 / 3);
        assert_near(figure(c, 4, SG_JUDGE_RECOVERED_AT, 2), 6);
        assert_near(figure(c, 4, SG_JUDGE_FALSE_PER_1000, 0.5), 1000);
        const struct sg_judge_case first = c[0]; /* the order of the input does not matter */
        memmove(c, c + 1, 3 * sizeof(*c));
        c[3] = first;
    }
}

static void all_of_one_score_say_nothing(void **state)
{
    (void)state;
    const struct sg_judge_case c[] = {{1, 0, 1}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}};
    assert_near(figure(c, 4, SG_JUDGE_AUC, 0), 0.5);
    assert_near(figure(c, 4, SG_JUDGE_AVERAGE_PRECISION, 0), 0.25);
    assert_near(figure(c, 4, SG_JUDGE_PRECISION_AT, 1), 0.25);
}

static void what_cannot_be_said_is_nan(void **state)
{
    (void)state;
    const struct sg_judge_case honest[] = {{1, 0, 0}, {2, 0, 0}}, thieves[] = {{1, 0, 1}};
    assert_true(isnan(figure(honest, 2, SG_JUDGE_AUC, 0)));
    assert_true(isnan(figure(honest, 2, SG_JUDGE_AVERAGE_PRECISION, 0)));
    assert_true(isnan(figure(honest, 2, SG_JUDGE_FALSE_PER_1000, 0.5)));
    assert_true(isnan(figure(honest, 2, SG_JUDGE_LIFT_AT, 1)));
    assert_near(figure(honest, 2, SG_JUDGE_PRECISION_AT, 1), 0);
    assert_true(isnan(figure(thieves, 1, SG_JUDGE_AUC, 0)));
    assert_near(figure(thieves, 1, SG_JUDGE_AVERAGE_PRECISION, 0), 1);
    assert_true(isnan(figure(NULL, 0, SG_JUDGE_AUC, 0)));
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    const struct sg_judge_case c[] = {{NAN, 0, 1}, {2, 0, 0}};
    const struct sg_judge_figure f[SG_JUDGE_FIGURES_MAX + 1] = {{SG_JUDGE_AUC, 0}};
    const struct sg_judge_rounds whole = {.level = 1};
    struct sg_judge_interval v = {7, 7, 7};
    assert_int_equal(sg_judge(c, 2, f, 1, &plain, &v), -EINVAL);
    assert_int_equal(sg_judge(ten, 10, f, SG_JUDGE_FIGURES_MAX + 1, &plain, &v), -EINVAL);
    assert_int_equal(sg_judge(ten, 10, f, 1, &whole, &v), -EINVAL);
    assert_true(v.value == 7 && v.low == 7 && v.high == 7);
}

/* ---- against the definitions, counted one by one ------------------------------------------- */

#define N 200

/* Scores with many ties; thieves lie higher by shift on the whole. */
static void make_cases(struct sg_judge_case *c, uint64_t seed, double shift)
{
    struct sg_prng p;
    sg_prng_seed(&p, seed);
    for (int i = 0; i < N; i++) {
        c[i].thief = sg_prng_below(&p, 10) == 0;
        c[i].energy = c[i].thief ? sg_prng_unit(&p) : 0;
        c[i].score = floor(4 * (sg_prng_normal(&p) + (c[i].thief ? shift : 0))) / 4;
    }
}

static double auc_by_pairs(const struct sg_judge_case *c)
{
    double won = 0, pairs = 0;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            if (c[i].thief && !c[k].thief) {
                won += c[i].score > c[k].score ? 1 : c[i].score == c[k].score ? 0.5 : 0;
                pairs++;
            }
    return won / pairs;
}

/* Mean over thieves of the precision of everyone who scores at least as high. */
static double precision_by_thief(const struct sg_judge_case *c)
{
    double sum = 0, thieves = 0;
    for (int i = 0; i < N; i++) {
        double caught = 0, accused = 0;
        for (int k = 0; k < N; k++) {
            accused += c[k].score >= c[i].score;
            caught += c[k].score >= c[i].score && c[k].thief;
        }
        sum += c[i].thief ? caught / accused : 0;
        thieves += c[i].thief;
    }
    return sum / thieves;
}

static void figures_are_their_definitions(void **state)
{
    (void)state;
    struct sg_judge_case c[N];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        make_cases(c, seed, 1);
        assert_near(figure(c, N, SG_JUDGE_AUC, 0), auc_by_pairs(c));
        assert_near(figure(c, N, SG_JUDGE_AVERAGE_PRECISION, 0), precision_by_thief(c));
    }
}

/* ---- bootstrap ----------------------------------------------------------------------------- */

static struct sg_judge_interval interval(const struct sg_judge_case *c, size_t n,
                                         enum sg_judge_kind kind, double at, uint64_t seed)
{
    const struct sg_judge_figure f = {kind, at};
    const struct sg_judge_rounds rounds = {.rounds = 2000, .seed = seed, .level = 0.95};
    struct sg_judge_interval v;
    assert_int_equal(sg_judge(c, n, &f, 1, &rounds, &v), 0);
    return v;
}

/* The share of thieves among all is a mean of zeros and ones, whose standard error is known:
 * precision at k >= n has the interval p -+ 1.96 sqrt(p (1 - p) / n). */
static void an_interval_of_a_mean_is_as_wide_as_theory_says(void **state)
{
    (void)state;
    static struct sg_judge_case c[2000];
    for (size_t i = 0; i < 2000; i++)
        c[i] = (struct sg_judge_case){.score = (double)i, .thief = i % 4 == 0};
    const struct sg_judge_interval v = interval(c, 2000, SG_JUDGE_PRECISION_AT, 2000, 3);
    const double half = 1.96 * sqrt(0.25 * 0.75 / 2000);
    assert_near(v.value, 0.25);
    assert_true(fabs(v.high - v.low - 2 * half) < 0.12 * half);
    assert_true(fabs(v.high + v.low - 0.5) < 0.12 * half);
}

static void the_seed_decides_the_interval(void **state)
{
    (void)state;
    struct sg_judge_case c[N];
    make_cases(c, 5, 1);
    const struct sg_judge_interval a = interval(c, N, SG_JUDGE_AUC, 0, 1);
    const struct sg_judge_interval again = interval(c, N, SG_JUDGE_AUC, 0, 1);
    const struct sg_judge_interval other = interval(c, N, SG_JUDGE_AUC, 0, 2);
    assert_memory_equal(&a, &again, sizeof(a));
    assert_true(a.low != other.low || a.high != other.high);
    assert_true(a.value == other.value && a.low < a.value && a.value < a.high);
}

/* One thief among ten: of 2,000 rounds about 700 have none, and no AUC; the rest still tell. */
static void rounds_without_a_thief_are_left_out(void **state)
{
    (void)state;
    struct sg_judge_case c[10];
    for (int i = 0; i < 10; i++)
        c[i] = (struct sg_judge_case){.score = i, .thief = i == 9};
    const struct sg_judge_interval v = interval(c, 10, SG_JUDGE_AUC, 0, 1);
    assert_near(v.low, 1);
    assert_near(v.high, 1);
}

/* All inspected: as much energy as thieves were drawn, each as often as it was. */
static void energy_counts_as_often_as_it_is_drawn(void **state)
{
    (void)state;
    struct sg_judge_case c[20];
    for (int i = 0; i < 20; i++)
        c[i] = (struct sg_judge_case){.score = i, .energy = 3, .thief = true};
    const struct sg_judge_interval v = interval(c, 20, SG_JUDGE_RECOVERED_AT, 20, 1);
    assert_near(v.low, 60);
    assert_near(v.high, 60);
}

/* Two rankings that agree but for little: their own intervals overlap widely, the paired one of the
 * difference does not hold 0. */
static void pairs_tell_what_two_intervals_cannot(void **state)
{
    (void)state;
    struct sg_judge_case a[N], b[N];
    const struct sg_judge_figure f = {SG_JUDGE_AUC, 0};
    const struct sg_judge_rounds rounds = {.rounds = 1000, .seed = 1, .level = 0.95};
    struct sg_judge_interval d, none;
    make_cases(a, 9, 1);
    memcpy(b, a, sizeof(a));
    for (int i = 0; i < N; i++)
        a[i].score += a[i].thief ? 0.3 : 0;
    assert_int_equal(sg_judge_paired(a, b, N, &f, 1, &rounds, &d), 0);
    assert_near(d.value, figure(a, N, SG_JUDGE_AUC, 0) - figure(b, N, SG_JUDGE_AUC, 0));
    assert_true(d.low > 0 && d.low < d.value && d.value < d.high);
    const struct sg_judge_interval ia = interval(a, N, SG_JUDGE_AUC, 0, 1);
    const struct sg_judge_interval ib = interval(b, N, SG_JUDGE_AUC, 0, 1);
    assert_true(ia.low < ib.high);
    assert_int_equal(sg_judge_paired(a, a, N, &f, 1, &rounds, &none), 0);
    assert_true(none.value == 0 && none.low == 0 && none.high == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_example),
        cmocka_unit_test(figures_worked_by_hand),
        cmocka_unit_test(tied_customers_count_as_one_step),
        cmocka_unit_test(all_of_one_score_say_nothing),
        cmocka_unit_test(what_cannot_be_said_is_nan),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(figures_are_their_definitions),
        cmocka_unit_test(an_interval_of_a_mean_is_as_wide_as_theory_says),
        cmocka_unit_test(the_seed_decides_the_interval),
        cmocka_unit_test(rounds_without_a_thief_are_left_out),
        cmocka_unit_test(energy_counts_as_often_as_it_is_drawn),
        cmocka_unit_test(pairs_tell_what_two_intervals_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
