#include "trees-int.h"
#include "trees-test-int.h"

static struct test_rows data;
static struct sg_trees *model;

static int setup(void **state)
{
    (void)state;
    struct sg_trees_training t = test_training();
    test_rows_fill(&data, 2);
    const struct sg_trees_rows rows = test_rows_of(&data);
    t.trees = 25;
    t.depth = 5;
    t.leaves = 20;
    t.least_child = 0.5;
    model = test_train(&rows, &t);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sg_trees_free(model);
    return 0;
}

/* --- margins ------------------------------------------------------------------------------- */

/* Straight from the definition. */
static double plain_margin(const struct sg_trees *m, const float *row)
{
    double sum = m->base;
    for (uint32_t t = 0; t < m->n_trees; t++) {
        const struct trees_node *tree = m->node + m->first[t];
        uint32_t at = 0;
        while (!trees_is_leaf(tree, at)) {
            const float x = row[tree[at].feature];
            const bool right = isnan(x) ? tree[at].missing_right : x > tree[at].threshold;
            at = tree[at].next[right];
        }
        sum += (double)tree[at].value;
    }
    return sum;
}

/* Any number of rows at a time, whatever the blocks. */
static void test_margins(void **state)
{
    (void)state;
    static double margin[TEST_ROWS + 1];
    for (size_t n = 0; n < 150; n += n < 20 ? 1 : 43) {
        margin[n] = 77;
        sg_trees_margins(model, data.x, n, margin);
        assert_true(margin[n] == 77);
        for (size_t i = 0; i < n; i++)
            assert_true(margin[i] == plain_margin(model, data.x + i * TEST_FEATURES));
    }
}

/* The trees learnt something: margins part the labels. */
static void test_margins_rank(void **state)
{
    (void)state;
    double margin[TEST_ROWS];
    uint64_t above = 0, pairs = 0;
    sg_trees_margins(model, data.x, TEST_ROWS, margin);
    for (size_t i = 0; i < TEST_ROWS; i++)
        for (size_t k = 0; k < TEST_ROWS; k++)
            if (data.label[i] > data.label[k]) {
                pairs++;
                above += margin[i] > margin[k];
            }
    assert_true((double)above > 0.9 * (double)pairs);
}

/* --- contributions ------------------------------------------------------------------------- */

/* What a tree is worth if only the features of the set are known. */
static double worth(const struct trees_node *tree, uint32_t at, const float *row, unsigned set,
                    double *ret_cover)
{
    if (trees_is_leaf(tree, at)) {
        *ret_cover = (double)tree[at].cover;
        return (double)tree[at].value;
    }
    double cover[2], value[2];
    for (unsigned side = 0; side < 2; side++)
        value[side] = worth(tree, tree[at].next[side], row, set, &cover[side]);
    *ret_cover = cover[0] + cover[1];
    if (!(set >> tree[at].feature & 1))
        return (cover[0] * value[0] + cover[1] * value[1]) / *ret_cover;
    const float x = row[tree[at].feature];
    return value[isnan(x) ? tree[at].missing_right : x > tree[at].threshold];
}

static double worth_of_all(const struct sg_trees *m, const float *row, unsigned set)
{
    double sum = m->base, cover;
    for (uint32_t t = 0; t < m->n_trees; t++)
        sum += worth(m->node + m->first[t], 0, row, set, &cover);
    return sum;
}

/* Shapley's formula over all 2^5 sets. */
static double shapley(const struct sg_trees *m, const float *row, unsigned feature)
{
    static const double weight[] = {24.0 / 120, 6.0 / 120, 4.0 / 120, 6.0 / 120, 24.0 / 120};
    double sum = 0;
    for (unsigned set = 0; set < 1u << TEST_FEATURES; set++)
        if (!(set >> feature & 1))
            sum += weight[__builtin_popcount(set)] *
                   (worth_of_all(m, row, set | 1u << feature) - worth_of_all(m, row, set));
    return sum;
}

static void test_contributions_are_shapley_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < 20; i++) {
        const float *row = data.x + i * TEST_FEATURES;
        double part[TEST_FEATURES], base, margin, sum;
        sg_trees_explain(model, row, part, &base);
        assert_true(fabs(base - worth_of_all(model, row, 0)) < 1e-12);
        sum = base;
        for (unsigned f = 0; f < TEST_FEATURES; f++) {
            assert_true(fabs(part[f] - shapley(model, row, f)) < 1e-12);
            sum += part[f];
        }
        sg_trees_margins(model, row, 1, &margin);
        assert_true(fabs(sum - margin) < 1e-9);
    }
}

/* --- calibration --------------------------------------------------------------------------- */

static void test_probability(void **state)
{
    (void)state;
    assert_true(sg_trees_probability(model, 0) == 0.5);
    assert_true(sg_trees_probability(model, 1) > sg_trees_probability(model, 0.99));
}

enum { DRAWS = 20000 };

static void draw_outcomes(double *margin, float *label, double slope, double intercept)
{
    struct sg_prng p;
    sg_prng_seed(&p, 6);
    for (size_t i = 0; i < DRAWS; i++) {
        margin[i] = 6 * sg_prng_unit(&p) - 3;
        label[i] = sg_prng_unit(&p) < 1 / (1 + exp(-(slope * margin[i] + intercept))) ? 1 : 0;
    }
}

/* Outcomes drawn from a known line: it is found again, to what 20,000 draws tell. */
static void test_calibration_finds_the_line(void **state)
{
    (void)state;
    static double margin[DRAWS];
    static float label[DRAWS];
    draw_outcomes(margin, label, 0.5, -1);
    assert_int_equal(sg_trees_calibrate(model, margin, label, NULL, DRAWS), 0);
    assert_true(fabs(model->slope - 0.5) < 0.05 && fabs(model->intercept + 1) < 0.05);
    /* In another order the same bits. */
    const double slope = model->slope, intercept = model->intercept;
    for (size_t i = 0, j = DRAWS - 1; i < j; i++, j--) {
        const double m = margin[i];
        const float l = label[i];
        margin[i] = margin[j];
        label[i] = label[j];
        margin[j] = m;
        label[j] = l;
    }
    assert_int_equal(sg_trees_calibrate(model, margin, label, NULL, DRAWS), 0);
    assert_true(model->slope == slope && model->intercept == intercept);
}

/* Margins that tell the contrary do not turn the order round. */
static void test_calibration_keeps_the_order(void **state)
{
    (void)state;
    static double margin[DRAWS];
    static float label[DRAWS];
    double mean = 0;
    draw_outcomes(margin, label, -1, -1);
    assert_int_equal(sg_trees_calibrate(model, margin, label, NULL, DRAWS), 0);
    assert_true(model->slope > 0 && model->slope < 0.01);
    for (size_t i = 0; i < DRAWS; i++)
        mean += (double)label[i] / DRAWS;
    assert_true(fabs(sg_trees_probability(model, 0) - mean) < 0.01);
}

/* Perfectly parted outcomes: sure, but no surer than two dozen of them allow. */
static void test_calibration_of_few(void **state)
{
    (void)state;
    double margin[24];
    float label[24];
    for (size_t i = 0; i < 24; i++) {
        margin[i] = i < 12 ? -1 : 1;
        label[i] = i < 12 ? 0 : 1;
    }
    assert_int_equal(sg_trees_calibrate(model, margin, label, NULL, 24), 0);
    const double p = sg_trees_probability(model, 1);
    assert_true(fabs(p - 13.0 / 14) < 1e-6);
    const double slope = model->slope;
    assert_int_equal(sg_trees_calibrate(model, margin, label, NULL, 12), SG_TREES_ONE_KIND);
    assert_int_equal(sg_trees_calibrate(model, NULL, NULL, NULL, 0), SG_TREES_ONE_KIND);
    assert_true(model->slope == slope);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_margins),
        cmocka_unit_test(test_margins_rank),
        cmocka_unit_test(test_contributions_are_shapley_values),
        cmocka_unit_test(test_probability),
        cmocka_unit_test(test_calibration_finds_the_line),
        cmocka_unit_test(test_calibration_keeps_the_order),
        cmocka_unit_test(test_calibration_of_few),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
