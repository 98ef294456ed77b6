#include <sealgrid/base/random.h>
#include <sealgrid/fraud/paper.h>
#include <sealgrid/fraud/som-map.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { FLEET = 60, DAYS = 120, THIEVES = 6 };

static const struct sg_corr_windows windows = SG_CORR_WINDOWS_DEFAULT;

/* Customers of three habits and of any size; day 0 is a Monday.  Each of the first THIEVES steals
 * from day 95 on: odd ones half of everything, even ones turn their day round. */
static void make(struct sg_fraud_days *d, uint32_t number, uint32_t points)
{
    char id[16];
    struct sg_prng p;
    sg_prng_seed2(&p, 11, number);
    double size = exp(3 * sg_prng_normal(&p));
    snprintf(id, sizeof(id), "c%u", number);
    assert_int_equal(sg_fraud_days_start(d, id, points), 0);
    for (uint32_t i = 0; i < DAYS; i++) {
        float row[96];
        uint8_t weekday = (uint8_t)(i % 7);
        bool steals = number < THIEVES && i >= 95;
        for (uint32_t k = 0; k < points; k++) {
            double t = 2 * M_PI * (steals && number % 2 == 0 ? points - 1 - k : k) / points;
            double base = 1.5 + sin(t + number % 3) * (weekday < 5 ? 1 : 0.4);
            double theft = steals && number % 2 ? 0.5 : 1;
            row[k] = (float)(size * theft * (base + 0.3 * sg_prng_unit(&p)));
        }
        assert_int_equal(sg_fraud_days_add(d, (int32_t)i, weekday, row, NULL), 0);
    }
}

static struct sg_paper_sample *sample_new(uint32_t points, size_t max, uint64_t seed)
{
    struct sg_paper_sample *s = NULL;
    assert_int_equal(sg_paper_sample_new(&s, points, max, seed), 0);
    return s;
}

/* Customers from .. to - 1, or downwards if from > to. */
static void add_fleet(struct sg_paper_sample *s, uint32_t points, int from, int to)
{
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    for (int i = from; i != to; i += from < to ? 1 : -1) {
        make(&d, (uint32_t)i, points);
        assert_int_equal(sg_paper_sample_add(s, &d, windows.reference), 0);
    }
}

static struct sg_som *train(struct sg_paper_sample *s, uint32_t points, uint32_t threads,
                            const struct sg_fraud_kernel *kernel)
{
    struct sg_som_shape shape = SG_SOM_SHAPE_DEFAULT(points);
    struct sg_som_training t = SG_SOM_TRAINING_DEFAULT;
    struct sg_som *m = NULL;
    shape.columns = shape.rows = 6;
    t.threads = threads;
    t.kernel = kernel;
    t.epochs = 8;
    assert_int_equal(sg_paper_train(s, &shape, &t, &m), 0);
    return m;
}

static struct sg_som *fleet_map(uint32_t points)
{
    SG_CLEANUP(sg_paper_sample_freep) struct sg_paper_sample *s = sample_new(points, 1000, 1);
    add_fleet(s, points, 0, FLEET);
    return train(s, points, 1, NULL);
}

static struct sg_paper_judge *judge_of(const struct sg_som *m, const struct sg_fraud_kernel *k)
{
    struct sg_paper_judge *j = NULL;
    assert_int_equal(sg_paper_judge_new(&j, m, &windows, k), 0);
    return j;
}

/* --- sample -------------------------------------------------------------------------------- */

static void same_vectors(struct sg_paper_sample *a, struct sg_paper_sample *b, size_t want)
{
    size_t n_a, n_b;
    const float *x_a = sg_paper_sample_vectors(a, &n_a), *x_b = sg_paper_sample_vectors(b, &n_b);
    assert_int_equal(n_a, want);
    assert_int_equal(n_b, want);
    assert_memory_equal(x_a, x_b, n_a * 24 * sizeof(float));
}

static void test_sample_does_not_mind_the_order(void **state)
{
    (void)state;
    static const size_t max[] = {1, 500, FLEET * 90, FLEET * 90 + 5};
    for (size_t i = 0; i < sizeof(max) / sizeof(max[0]); i++) {
        size_t want = max[i] < FLEET * 90 ? max[i] : FLEET * 90;
        SG_CLEANUP(sg_paper_sample_freep) struct sg_paper_sample *up = sample_new(24, max[i], 5);
        SG_CLEANUP(sg_paper_sample_freep) struct sg_paper_sample *down = sample_new(24, max[i], 5);
        SG_CLEANUP(sg_paper_sample_freep) struct sg_paper_sample *half = sample_new(24, max[i], 5);
        size_t n;
        add_fleet(up, 24, 0, FLEET);
        add_fleet(down, 24, FLEET - 1, 20);
        sg_paper_sample_vectors(down, &n); /* reading in between changes nothing */
        add_fleet(down, 24, 20, -1);
        same_vectors(up, down, want);
        SG_CLEANUP(sg_paper_sample_freep) struct sg_paper_sample *rest = sample_new(24, max[i], 5);
        add_fleet(half, 24, 0, 25);
        add_fleet(rest, 24, 25, FLEET);
        assert_int_equal(sg_paper_sample_merge(rest, half), 0);
        same_vectors(up, rest, want);
    }
}

static void test_sample_by_seed(void **state)
{
    (void)state;
    SG_CLEANUP(sg_paper_sample_freep) struct sg_paper_sample *a = sample_new(24, 100, 1);
    SG_CLEANUP(sg_paper_sample_freep) struct sg_paper_sample *b = sample_new(24, 100, 2);
    size_t n;
    add_fleet(a, 24, 0, FLEET);
    add_fleet(b, 24, 0, FLEET);
    assert_memory_not_equal(sg_paper_sample_vectors(a, &n), sg_paper_sample_vectors(b, &n),
                            100 * 24 * sizeof(float));
}

/* 10,000 places, 60 * 90 days, a tenth kept: each customer has its share, within five sigma. */
static void test_sample_is_even(void **state)
{
    (void)state;
    SG_CLEANUP(sg_paper_sample_freep) struct sg_paper_sample *s = sample_new(24, 1000, 3);
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    uint32_t per_customer[50] = {0};
    for (uint32_t c = 0; c < 50; c++) {
        char id[8];
        snprintf(id, sizeof(id), "%u", c);
        assert_int_equal(sg_fraud_days_start(&d, id, 24), 0);
        for (int32_t day = 0; day < 90; day++) {
            float row[24];
            for (uint32_t k = 0; k < 24; k++)
                row[k] = k == 0 ? (float)c + 1 : 0;  /* normalised: 24 at one point */
            row[23] = row[0] * (float)(c + 1) / 100; /* tells whose day it is */
            assert_int_equal(sg_fraud_days_add(&d, day, (uint8_t)(day % 7), row, NULL), 0);
        }
        assert_int_equal(sg_paper_sample_add(s, &d, windows.reference), 0);
    }
    size_t n;
    const float *x = sg_paper_sample_vectors(s, &n);
    assert_int_equal(n, 1000);
    for (size_t i = 0; i < n; i++)
        per_customer[lroundf(100 * x[i * 24 + 23] / x[i * 24]) - 1]++;
    for (uint32_t c = 0; c < 50; c++)
        assert_in_range(per_customer[c], 2, 40); /* 20 +- 4 */
}

static void test_sample_refuses(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct sg_paper_sample *none = NULL;
    size_t n;
    assert_int_equal(sg_paper_sample_new(&none, 24, 0, 1), SG_PAPER_TOO_LARGE);
    assert_int_equal(sg_paper_sample_new(&none, 97, 10, 1), SG_PAPER_TOO_LARGE);
    assert_int_equal(sg_paper_sample_new(&none, 24, (size_t)SG_PAPER_SAMPLE_MAX + 1, 1),
                     SG_PAPER_TOO_LARGE);
    SG_CLEANUP(sg_paper_sample_freep) struct sg_paper_sample *s = sample_new(24, 10, 1);
    make(&d, 1, 48);
    assert_int_equal(sg_paper_sample_add(s, &d, windows.reference), SG_PAPER_POINTS);
    make(&d, 1, 24);
    const struct sg_corr_window later = {500, 600};
    assert_int_equal(sg_paper_sample_add(s, &d, later), SG_PAPER_NO_REFERENCE);
    memset(d.load, 0, 90 * 24 * sizeof(float));
    assert_int_equal(sg_paper_sample_add(s, &d, windows.reference), SG_PAPER_NO_LEVEL);
    sg_paper_sample_vectors(s, &n);
    assert_int_equal(n, 0);
    struct sg_som *m = NULL;
    const struct sg_som_shape shape = SG_SOM_SHAPE_DEFAULT(24);
    const struct sg_som_training t = SG_SOM_TRAINING_DEFAULT;
    assert_int_equal(sg_paper_train(s, &shape, &t, &m), SG_SOM_NO_VECTORS);
    const struct sg_som_shape wide = SG_SOM_SHAPE_DEFAULT(96);
    assert_int_equal(sg_paper_train(s, &wide, &t, &m), SG_SOM_BAD_SHAPE);
    assert_null(m);
}

/* --- judge --------------------------------------------------------------------------------- */

static void test_thieves_come_first(void **state)
{
    (void)state;
    SG_CLEANUP(sg_som_freep) struct sg_som *m = fleet_map(24);
    SG_CLEANUP(sg_paper_judge_freep) struct sg_paper_judge *j = judge_of(m, NULL);
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    double least_thief = INFINITY, most_honest = -INFINITY;
    for (uint32_t i = 0; i < FLEET; i++) {
        struct sg_paper_score s;
        make(&d, i, 24);
        assert_int_equal(sg_paper_judge_score(j, &d, &s), 0);
        assert_int_equal(s.n_reference, 90);
        assert_int_equal(s.n_test, 30);
        if (i < THIEVES)
            least_thief = fmin(least_thief, s.score);
        else
            most_honest = fmax(most_honest, s.score);
    }
    assert_true(least_thief > most_honest + 0.05);
}

/* Half of every hour missing: the shape is the same, so correlation sees nothing; the map does. */
static void test_level_alone(void **state)
{
    (void)state;
    SG_CLEANUP(sg_som_freep) struct sg_som *m = fleet_map(24);
    SG_CLEANUP(sg_paper_judge_freep) struct sg_paper_judge *j = judge_of(m, NULL);
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct sg_paper_score s;
    make(&d, 1, 24);
    assert_int_equal(sg_paper_judge_score(j, &d, &s), 0);
    assert_true(fabs(s.own_drop) < 0.02 && fabs(s.class_drop) < 0.02);
    assert_true(s.shift_gain > 0.1);
    make(&d, 0, 24); /* turned round: all see it */
    assert_int_equal(sg_paper_judge_score(j, &d, &s), 0);
    assert_true(s.own_drop > 1 && s.class_drop > 1 && s.shift_gain > 0.1);
}

static void test_matrix(void **state)
{
    (void)state;
    SG_CLEANUP(sg_som_freep) struct sg_som *m = fleet_map(96);
    SG_CLEANUP(sg_paper_judge_freep) struct sg_paper_judge *j = judge_of(m, NULL);
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct sg_paper_score s;
    struct sg_corr_profile own, cls = {.points = 96};
    double own_r[120], class_r[120];
    size_t n;
    make(&d, 7, 96);
    assert_int_equal(sg_paper_judge_score(j, &d, &s), 0);
    assert_int_equal(sg_corr_profile_of(&d, windows.reference, NULL, &own), 0);
    for (unsigned k = 0; k < SG_FRAUD_DAY_KINDS; k++)
        sg_corr_profile_set(&cls, (enum sg_fraud_day_kind)k, sg_som_code(m, s.class_node[k]), NULL);
    sg_corr_rows(&own, &d, 0, 120, NULL, own_r);
    sg_corr_rows(&cls, &d, 0, 120, NULL, class_r);
    const struct sg_paper_day *day = sg_paper_judge_matrix(j, &n);
    assert_int_equal(n, 120);
    for (uint32_t i = 0; i < 120; i++) {
        uint32_t node = s.class_node[sg_fraud_day_kind_of(d.weekday[i])];
        double shift = sg_som_grid_distance(m, node, day[i].node) / sg_som_grid_diameter(m);
        assert_int_equal(day[i].index, i);
        assert_int_equal(day[i].test, i >= 90);
        assert_true(day[i].own == (float)own_r[i] && day[i].cls == (float)class_r[i]);
        assert_true(day[i].shift == (float)shift && shift <= 1);
    }
}

/* A million times the size, the same score: powers of two leave every bit of a ratio. */
static void test_size_does_not_matter(void **state)
{
    (void)state;
    SG_CLEANUP(sg_som_freep) struct sg_som *m = fleet_map(24);
    SG_CLEANUP(sg_paper_judge_freep) struct sg_paper_judge *j = judge_of(m, NULL);
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct sg_paper_score small, large;
    make(&d, 3, 24);
    assert_int_equal(sg_paper_judge_score(j, &d, &small), 0);
    for (size_t i = 0; i < DAYS * 24; i++)
        d.load[i] *= 0x1p20f;
    assert_int_equal(sg_paper_judge_score(j, &d, &large), 0);
    assert_true(small.score == large.score);
    assert_true(small.level * 0x1p20 == large.level);
}

/* Any threads, any kernel, a map out of a file, customers in any order: one score. */
static void test_same_bits_as_an_independent_task(void **state)
{
    (void)state;
    SG_CLEANUP(sg_paper_sample_freep) struct sg_paper_sample *s = sample_new(24, 4000, 1);
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    struct sg_paper_score fleet[FLEET];
    add_fleet(s, 24, 0, FLEET);
    SG_CLEANUP(sg_som_freep) struct sg_som *m = train(s, 24, 1, sg_fraud_kernel_at(0));
    SG_CLEANUP(sg_paper_judge_freep) struct sg_paper_judge *j = judge_of(m, sg_fraud_kernel_at(0));
    for (uint32_t i = 0; i < FLEET; i++) {
        make(&d, i, 24);
        memset(&fleet[i], 0, sizeof(fleet[i]));
        assert_int_equal(sg_paper_judge_score(j, &d, &fleet[i]), 0);
    }
    const struct sg_fraud_kernel *k;
    for (size_t which = 0; (k = sg_fraud_kernel_at(which)); which++) {
        SG_CLEANUP(sg_som_freep) struct sg_som *again = train(s, 24, 5, k);
        SG_CLEANUP(sg_som_freep) struct sg_som *loaded = NULL;
        char label[SG_SOM_LABEL_MAX + 1];
        uint64_t seed;
        sg_buf_reset(&b);
        assert_int_equal(sg_som_map_encode(again, SG_PAPER_LABEL, 1, &b), 0);
        assert_int_equal(sg_som_map_decode(sg_buf_bytes(&b), &loaded, label, &seed), 0);
        for (uint32_t i = FLEET; i-- > 0;) {
            SG_CLEANUP(sg_paper_judge_freep) struct sg_paper_judge *alone = judge_of(loaded, k);
            struct sg_paper_score one;
            make(&d, i, 24);
            memset(&one, 0, sizeof(one));
            assert_int_equal(sg_paper_judge_score(alone, &d, &one), 0);
            assert_memory_equal(&one, &fleet[i], sizeof(one));
        }
    }
}

static void test_judge_refuses(void **state)
{
    (void)state;
    SG_CLEANUP(sg_som_freep) struct sg_som *m = fleet_map(24);
    SG_CLEANUP(sg_paper_judge_freep) struct sg_paper_judge *j = judge_of(m, NULL);
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct sg_paper_score s = {.score = 99};
    make(&d, 1, 48);
    assert_int_equal(sg_paper_judge_score(j, &d, &s), SG_PAPER_POINTS);
    make(&d, 1, 24);
    d.n_days = 90;
    assert_int_equal(sg_paper_judge_score(j, &d, &s), SG_PAPER_NO_TEST);
    memset(d.load, 0, 90 * 24 * sizeof(float));
    d.n_days = DAYS;
    assert_int_equal(sg_paper_judge_score(j, &d, &s), SG_PAPER_NO_LEVEL);
    for (int32_t i = 0; i < DAYS; i++)
        d.day[i] = i + 90;
    assert_int_equal(sg_paper_judge_score(j, &d, &s), SG_PAPER_NO_REFERENCE);
    /* Weekends only in the test window, workdays only in the reference. */
    make(&d, 1, 24);
    for (uint32_t i = 0; i < DAYS; i++)
        d.weekday[i] = i < 90 ? 0 : 6;
    assert_int_equal(sg_paper_judge_score(j, &d, &s), SG_PAPER_NO_TEST);
    assert_true(s.score == 99);
    d.weekday[119] = 0;
    assert_int_equal(sg_paper_judge_score(j, &d, &s), 0);
    assert_int_equal(s.n_test, 1);
    assert_int_equal(s.class_node[SG_FRAUD_WEEKEND], UINT32_MAX);
}

/* A meter gone mad: 10^12 for an hour, next to a customer that draws next to nothing. */
static void test_absurd_loads(void **state)
{
    (void)state;
    SG_CLEANUP(sg_som_freep) struct sg_som *m = fleet_map(24);
    SG_CLEANUP(sg_paper_judge_freep) struct sg_paper_judge *j = judge_of(m, NULL);
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct sg_paper_score s;
    make(&d, 10, 24);
    for (size_t i = 0; i < 90 * 24; i++)
        d.load[i] = 1e-44f;
    d.load[100 * 24 + 5] = SG_FRAUD_LOAD_MAX;
    assert_int_equal(sg_paper_judge_score(j, &d, &s), 0);
    assert_true(isfinite(s.score));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample_does_not_mind_the_order),
        cmocka_unit_test(test_sample_by_seed),
        cmocka_unit_test(test_sample_is_even),
        cmocka_unit_test(test_sample_refuses),
        cmocka_unit_test(test_thieves_come_first),
        cmocka_unit_test(test_level_alone),
        cmocka_unit_test(test_matrix),
        cmocka_unit_test(test_size_does_not_matter),
        cmocka_unit_test(test_same_bits_as_an_independent_task),
        cmocka_unit_test(test_judge_refuses),
        cmocka_unit_test(test_absurd_loads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
