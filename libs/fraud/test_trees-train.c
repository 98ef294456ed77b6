#include "trees-test-int.h"

/* What test_bits_are_those_of_always holds. */
#define BITS UINT64_C(0x5e15a57623f15aa6)

/* --- by hand ------------------------------------------------------------------------------- */

static struct sg_trees_training one_stump(void)
{
    struct sg_trees_training t = SG_TREES_TRAINING_DEFAULT;
    t.trees = 1;
    t.depth = 1;
    t.leaves = 2;
    t.shrinkage = 1;
    t.least_child = 0.01;
    return t;
}

static double margin_at(const struct sg_trees *m, float x)
{
    double margin;
    assert_int_equal(sg_trees_features(m), 1);
    sg_trees_margins(m, &x, 1, &margin);
    return margin;
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-6;
}

/* Base log(2/2) = 0, p = 1/2, g = 1/2 or -1/2, h = 1/4.  Between 2 and 3: G = 1, H = 1/2, value
 * -1 / (1/2 + 1), gain (1/1.5 + 1/1.5 - 0) / 2. */
static void test_stump_by_hand(void **state)
{
    (void)state;
    const float x[] = {1, 2, 3, 4}, label[] = {0, 0, 1, 1};
    const struct sg_trees_rows rows = {.x = x, .label = label, .n = 4, .features = 1};
    struct sg_trees_training t = one_stump();
    double gain;
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = test_train(&rows, &t);
    assert_int_equal(sg_trees_count(m), 1);
    assert_true(near(margin_at(m, 2.5f), -2.0 / 3)); /* on the threshold: left */
    assert_true(near(margin_at(m, nextafterf(2.5f, 3)), 2.0 / 3));
    assert_true(near(margin_at(m, -INFINITY), -2.0 / 3) && near(margin_at(m, INFINITY), 2.0 / 3));
    sg_trees_importance(m, &gain);
    assert_true(near(gain, 2.0 / 3));
    t.least_gain = 0.7;
    SG_CLEANUP(sg_trees_freep) struct sg_trees *none = test_train(&rows, &t);
    assert_true(margin_at(none, 1) == 0);
}

/* Weights 3, 1 / 1, 1: base log(2/4); p = 1/3, h = 2/9 w.  Left: G = 4/3, H = 8/9; right: G = -4/3,
 * H = 4/9. */
static void test_weights_by_hand(void **state)
{
    (void)state;
    const float x[] = {1, 2, 3, 4}, label[] = {0, 0, 1, 1}, weight[] = {3, 1, 1, 1};
    const struct sg_trees_rows rows = {
        .x = x, .label = label, .weight = weight, .n = 4, .features = 1};
    struct sg_trees_training t = one_stump();
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = test_train(&rows, &t);
    assert_true(near(margin_at(m, 1), log(0.5) - (4.0 / 3) / (8.0 / 9 + 1)));
    assert_true(near(margin_at(m, 4), log(0.5) + (4.0 / 3) / (4.0 / 9 + 1)));
}

/* A row of weight k is k rows; a row of weight 0 is none. */
static void test_weights_are_repetitions(void **state)
{
    (void)state;
    static struct test_rows a;
    static float x[3 * TEST_ROWS * TEST_FEATURES], label[3 * TEST_ROWS], ones[3 * TEST_ROWS];
    struct sg_trees_training t = test_training();
    size_t n = 0;
    t.row_share = 1; /* a repeated row is not drawn together with its twin */
    test_rows_fill(&a, 11);
    for (size_t i = 0; i < TEST_ROWS; i++) {
        a.weight[i] = (float)(i % 4);
        for (size_t k = 0; k < i % 4; k++, n++) {
            memcpy(x + n * TEST_FEATURES, a.x + i * TEST_FEATURES, TEST_FEATURES * sizeof(float));
            label[n] = a.label[i];
            ones[n] = 1;
        }
    }
    /* Of the same largest weight, so of the same grid, and with every value there. */
    ones[0] = a.weight[1];
    assert_true(n < 2 * TEST_ROWS && a.weight[1] == 1);
    const struct sg_trees_rows repeated = {
        .x = x, .label = label, .weight = ones, .n = n, .features = TEST_FEATURES};
    const struct sg_trees_rows weighted = test_rows_of(&a);
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = test_train(&weighted, &t);
    SG_CLEANUP(sg_trees_freep) struct sg_trees *k = test_train(&repeated, &t);
    /* 600 rows have more values than bins, and quantiles count rows, not weights: near, not equal.
     */
    double rms = 0;
    for (size_t i = 0; i < TEST_ROWS; i++) {
        double u, v;
        sg_trees_margins(m, a.x + i * TEST_FEATURES, 1, &u);
        sg_trees_margins(k, a.x + i * TEST_FEATURES, 1, &v);
        rms += (u - v) * (u - v) / TEST_ROWS;
    }
    assert_true(sqrt(rms) < 0.25);
}

/* No split of one feature helps: it takes depth two. */
static void test_xor(void **state)
{
    (void)state;
    const float x[] = {0, 0, 0, 1, 1, 0, 1, 1}, label[] = {0, 1, 1, 0}, weight[] = {5, 4, 4, 4};
    const struct sg_trees_rows rows = {
        .x = x, .label = label, .weight = weight, .n = 4, .features = 2};
    struct sg_trees_training t = SG_TREES_TRAINING_DEFAULT;
    double margin[4];
    t.depth = 2;
    t.least_child = 0.01;
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = test_train(&rows, &t);
    sg_trees_margins(m, x, 4, margin);
    for (size_t i = 0; i < 4; i++)
        assert_true(label[i] > 0 ? margin[i] > 2 : margin[i] < -2);
    t.depth = 1;
    SG_CLEANUP(sg_trees_freep) struct sg_trees *flat = test_train(&rows, &t);
    sg_trees_margins(flat, x, 4, margin);
    assert_false(margin[0] < 0 && margin[1] > 0 && margin[2] > 0 && margin[3] < 0);
}

/* All start wrong: g = p or -p with p of the start, h = p (1 - p), no base. */
static void test_start(void **state)
{
    (void)state;
    const float x[] = {1, 2, 3, 4}, label[] = {0, 0, 1, 1};
    const double start[] = {1, 1, -1, -1};
    const struct sg_trees_rows rows = {
        .x = x, .label = label, .start = start, .n = 4, .features = 1};
    struct sg_trees_training t = one_stump();
    const double p = 1 / (1 + exp(-1)), h = p * (1 - p);
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = test_train(&rows, &t);
    assert_true(near(margin_at(m, 1), -2 * p / (2 * h + 1)));
    assert_true(near(margin_at(m, 4), 2 * p / (2 * h + 1)));
}

/* Between neighbours there is no number: the threshold is the lower one. */
static void test_neighbours(void **state)
{
    (void)state;
    const float low = nextafterf(1, 2), high = nextafterf(low, 2), label[] = {0, 0, 1, 1};
    const float x[] = {low, low, high, high};
    const struct sg_trees_rows rows = {.x = x, .label = label, .n = 4, .features = 1};
    struct sg_trees_training t = one_stump();
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = test_train(&rows, &t);
    assert_true(margin_at(m, low) < 0 && margin_at(m, high) > 0);
}

/* --- missing ------------------------------------------------------------------------------- */

/* Missing is where the label is: with the large values, with the small ones, by itself. */
static void test_missing_goes_where_it_belongs(void **state)
{
    (void)state;
    const float x[] = {1, 2, NAN, NAN, 3, 4};
    static const float label[3][6] = {{0, 0, 1, 1, 1, 1}, {1, 1, 1, 1, 0, 0}, {0, 0, 1, 1, 0, 0}};
    for (size_t k = 0; k < 3; k++) {
        const struct sg_trees_rows rows = {.x = x, .label = label[k], .n = 6, .features = 1};
        struct sg_trees_training t = one_stump();
        SG_CLEANUP(sg_trees_freep) struct sg_trees *m = test_train(&rows, &t);
        for (size_t i = 0; i < 6; i++)
            assert_true((margin_at(m, x[i]) > 0) == (label[k][i] > 0) ||
                        (k == 2 && margin_at(m, x[i]) > margin_at(m, 1)) == (label[k][i] > 0));
        assert_true(k < 2 || margin_at(m, 3e38f) == margin_at(m, 1));
    }
}

/* Never missing while learning: to the side of more weight. */
static void test_missing_unseen(void **state)
{
    (void)state;
    const float x[] = {1, 2, 3, 4, 5, 6}, label[] = {1, 1, 0, 0, 0, 0};
    const float other[] = {0, 0, 0, 0, 1, 1};
    const struct sg_trees_rows rows = {.x = x, .label = label, .n = 6, .features = 1};
    const struct sg_trees_rows left = {.x = x, .label = other, .n = 6, .features = 1};
    struct sg_trees_training t = one_stump();
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = test_train(&rows, &t);
    SG_CLEANUP(sg_trees_freep) struct sg_trees *k = test_train(&left, &t);
    assert_true(margin_at(m, NAN) == margin_at(m, 6) && margin_at(m, 6) != margin_at(m, 1));
    assert_true(margin_at(k, NAN) == margin_at(k, 1) && margin_at(k, 6) != margin_at(k, 1));
}

static void test_all_missing(void **state)
{
    (void)state;
    const float x[] = {NAN, NAN, NAN}, label[] = {1, 0, 0};
    const struct sg_trees_rows rows = {.x = x, .label = label, .n = 3, .features = 1};
    struct sg_trees_training t = SG_TREES_TRAINING_DEFAULT;
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = test_train(&rows, &t);
    assert_true(near(margin_at(m, 5), log(0.5)) && near(margin_at(m, NAN), log(0.5)));
}

/* --- monotone ------------------------------------------------------------------------------ */

/* Greatest fall of the margin as feature f rises, over many other values. */
static double greatest_fall(const struct sg_trees *m, uint32_t f)
{
    struct sg_prng p;
    double fall = 0;
    sg_prng_seed(&p, 5);
    for (int i = 0; i < 200; i++) {
        float row[TEST_FEATURES];
        double before = -HUGE_VAL;
        for (size_t k = 0; k < TEST_FEATURES; k++)
            row[k] = sg_prng_below(&p, 5) ? (float)(4 * sg_prng_unit(&p) - 2) : NAN;
        for (row[f] = -2; row[f] < 2; row[f] += 0.01f) {
            double now;
            sg_trees_margins(m, row, 1, &now);
            fall = fmax(fall, before - now);
            before = now;
        }
    }
    return fall;
}

static void test_monotone(void **state)
{
    (void)state;
    static struct test_rows a;
    static const int8_t up[TEST_FEATURES] = {1, 0, 1, 0, 0}, down[TEST_FEATURES] = {0, -1, 0, 0, 0};
    struct sg_trees_training t = test_training();
    test_rows_fill(&a, 3);
    const struct sg_trees_rows rows = test_rows_of(&a);
    SG_CLEANUP(sg_trees_freep) struct sg_trees *freely = test_train(&rows, &t);
    print_message("%g %g\n", greatest_fall(freely, 0), greatest_fall(freely, 2));
    assert_true(greatest_fall(freely, 0) > 0.01 && greatest_fall(freely, 2) > 0.3);
    t.monotone = up;
    SG_CLEANUP(sg_trees_freep) struct sg_trees *rising = test_train(&rows, &t);
    assert_true(greatest_fall(rising, 0) <= 1e-12 && greatest_fall(rising, 2) <= 1e-12);
    assert_true(greatest_fall(rising, 1) > 0);
    double importance[TEST_FEATURES];
    sg_trees_importance(rising, importance);
    assert_true(importance[0] > 0 && importance[2] > 0);
    t.monotone = down;
    for (size_t i = 0; i < TEST_ROWS; i++) /* now the fall is what is allowed */
        a.x[i * TEST_FEATURES + 1] = -a.x[i * TEST_FEATURES + 1];
    SG_CLEANUP(sg_trees_freep) struct sg_trees *falling = test_train(&rows, &t);
    assert_true(greatest_fall(falling, 1) > 0.1);
    for (float at = -2; at < 2; at += 0.05f) {
        float row[TEST_FEATURES] = {0, at, 1, 0, 0}, next[TEST_FEATURES] = {0, at + 0.05f, 1, 0, 0};
        double u, v;
        sg_trees_margins(falling, row, 1, &u);
        sg_trees_margins(falling, next, 1, &v);
        assert_true(v <= u + 1e-12);
    }
}

/* --- the same bits ------------------------------------------------------------------------- */

static void swap_rows(struct test_rows *t, size_t i, size_t j)
{
    for (size_t f = 0; f < TEST_FEATURES; f++) {
        const float x = t->x[i * TEST_FEATURES + f];
        t->x[i * TEST_FEATURES + f] = t->x[j * TEST_FEATURES + f];
        t->x[j * TEST_FEATURES + f] = x;
    }
#define SWAP(member)                                                                               \
    do {                                                                                           \
        const __typeof__(t->member[0]) v = t->member[i];                                           \
        t->member[i] = t->member[j];                                                               \
        t->member[j] = v;                                                                          \
    } while (0)
    SWAP(label);
    SWAP(weight);
    SWAP(group);
    SWAP(key);
#undef SWAP
}

static void test_order_of_rows(void **state)
{
    (void)state;
    static struct test_rows a, b;
    struct sg_trees_training t = test_training();
    struct sg_prng p;
    t.stop_share = 0.3;
    test_rows_fill(&a, 7);
    b = a;
    sg_prng_seed(&p, 8);
    for (size_t i = TEST_ROWS - 1; i > 0; i--)
        swap_rows(&b, i, sg_prng_below(&p, i + 1));
    const struct sg_trees_rows one = test_rows_of(&a), two = test_rows_of(&b);
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = test_train(&one, &t);
    SG_CLEANUP(sg_trees_freep) struct sg_trees *k = test_train(&two, &t);
    test_same_trees(m, k);
}

/* Enough rows for several slices and threads. */
static void test_threads(void **state)
{
    (void)state;
    enum { N = 40000, F = 20 };
    SG_FREE float *x = malloc(N * F * sizeof(*x));
    SG_FREE float *label = malloc(N * sizeof(*label));
    struct sg_trees_training t = test_training();
    struct sg_prng p;
    assert_true(x && label);
    sg_prng_seed(&p, 1);
    for (size_t i = 0; i < N * F; i++)
        x[i] = (float)sg_prng_below(&p, 1000);
    for (size_t i = 0; i < N; i++)
        label[i] = x[i * F] + x[i * F + 9] > 900 ? 1 : 0;
    const struct sg_trees_rows rows = {.x = x, .label = label, .n = N, .features = F};
    t.trees = 3;
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = test_train(&rows, &t);
    t.threads = 5;
    SG_CLEANUP(sg_trees_freep) struct sg_trees *k = test_train(&rows, &t);
    test_same_trees(m, k);
}

/* FNV-1a of the file of one training: every compiler, every machine. */
static void test_bits_are_those_of_always(void **state)
{
    (void)state;
    static struct test_rows a;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TREES_BYTES_MAX);
    struct sg_trees_training t = test_training();
    uint64_t hash = 0xcbf29ce484222325u;
    test_rows_fill(&a, 1);
    const struct sg_trees_rows rows = test_rows_of(&a);
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = test_train(&rows, &t);
    assert_int_equal(sg_trees_encode(m, "x", &b), 0);
    for (size_t i = 0; i < b.len; i++)
        hash = (hash ^ b.data[i]) * 0x100000001b3u;
    print_message("%lx\n", hash);
    assert_true(hash == BITS);
}

/* --- early stop ---------------------------------------------------------------------------- */

static void test_early_stop(void **state)
{
    (void)state;
    static struct test_rows a;
    struct sg_trees_training t = test_training();
    test_rows_fill(&a, 21);
    const struct sg_trees_rows rows = test_rows_of(&a);
    t.trees = 1000;
    t.shrinkage = 0.3;
    t.stop_share = 0.3;
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = test_train(&rows, &t);
    assert_in_range(sg_trees_count(m), 3, 200);
    /* Nothing but noise: the base alone is best, or nearly. */
    for (size_t i = 0; i < TEST_ROWS; i++)
        a.label[i] = (float)(a.key[i] * 0x9e3779b97f4a7c15u >> 63);
    SG_CLEANUP(sg_trees_freep) struct sg_trees *none = test_train(&rows, &t);
    assert_in_range(sg_trees_count(none), 0, 3);
}

/* A group lies wholly on one side: labels that are the group's own cannot be learnt across it. */
static void test_groups_stay_together(void **state)
{
    (void)state;
    static struct test_rows a;
    struct sg_trees_training t = test_training();
    t.trees = 300;
    t.stop_share = 0.4;
    t.row_share = 1;
    t.column_share = 1;
    t.least_child = 0.1;
    test_rows_fill(&a, 4);
    for (size_t i = 0; i < TEST_ROWS; i++) {
        a.label[i] = (float)(a.group[i] * 0x9e3779b97f4a7c15u >> 63);
        for (size_t f = 0; f < TEST_FEATURES; f++)
            a.x[i * TEST_FEATURES + f] = (float)(a.group[i] * (2 * f + 3) % 61);
    }
    struct sg_trees_rows rows = test_rows_of(&a);
    SG_CLEANUP(sg_trees_freep) struct sg_trees *grouped = test_train(&rows, &t);
    rows.group = NULL;
    SG_CLEANUP(sg_trees_freep) struct sg_trees *leaked = test_train(&rows, &t);
    assert_true(sg_trees_count(leaked) == 300);
    assert_true(sg_trees_count(grouped) < 100);
}

/* --- refused ------------------------------------------------------------------------------- */

static void test_refused(void **state)
{
    (void)state;
    float x[] = {1, 2, 3, 4}, label[] = {0, 0, 1, 1}, weight[] = {1, 1, 1, 1};
    double start[] = {0, 0, 0, 0};
    static const int8_t bad_sign[] = {2};
    const struct sg_trees_rows rows = {
        .x = x, .label = label, .weight = weight, .start = start, .n = 4, .features = 1};
    const struct sg_trees_training good = SG_TREES_TRAINING_DEFAULT;
    struct sg_trees *m = NULL;
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        struct sg_trees_training t = good;                                                         \
        t.change;                                                                                  \
        assert_int_equal(sg_trees_train(&m, &rows, &t, NULL), SG_TREES_BAD_TRAINING);              \
    } while (0)
    REFUSED(trees = 0);
    REFUSED(trees = SG_TREES_MAX + 1);
    REFUSED(depth = 0);
    REFUSED(depth = SG_TREES_DEPTH_MAX + 1);
    REFUSED(leaves = 1);
    REFUSED(leaves = 257);
    REFUSED(bins = 1);
    REFUSED(bins = 256);
    REFUSED(shrinkage = 0);
    REFUSED(shrinkage = 1.01);
    REFUSED(shrinkage = NAN);
    REFUSED(l2 = -1);
    REFUSED(least_child = 0);
    REFUSED(least_gain = -1);
    REFUSED(row_share = 0);
    REFUSED(column_share = 1.5);
    REFUSED(stop_share = 0.95);
    REFUSED(threads = 0);
    REFUSED(monotone = bad_sign);
#undef REFUSED
    size_t at = 99;
#define REFUSED(array, value, row)                                                                 \
    do {                                                                                           \
        const __typeof__(array[0]) kept = array[row];                                              \
        array[row] = value;                                                                        \
        assert_int_equal(sg_trees_train(&m, &rows, &good, &at), SG_TREES_BAD_VALUE);               \
        assert_int_equal(at, row);                                                                 \
        array[row] = kept;                                                                         \
    } while (0)
    REFUSED(x, INFINITY, 2);
    REFUSED(label, NAN, 1);
    REFUSED(label, 1.1f, 3);
    REFUSED(label, -0.1f, 0);
    REFUSED(weight, -1, 1);
    REFUSED(weight, NAN, 2);
    REFUSED(weight, 2e6f, 3);
    REFUSED(start, (double)NAN, 0);
    REFUSED(start, 2e6, 3);
#undef REFUSED
    struct sg_trees_rows none = rows;
    none.n = 0;
    assert_int_equal(sg_trees_train(&m, &none, &good, NULL), SG_TREES_BAD_SHAPE);
    none = rows;
    none.features = SG_TREES_FEATURES_MAX + 1;
    assert_int_equal(sg_trees_train(&m, &none, &good, NULL), SG_TREES_BAD_SHAPE);
    label[2] = label[3] = 0;
    assert_int_equal(sg_trees_train(&m, &rows, &good, NULL), SG_TREES_ONE_KIND);
    label[2] = 1;
    weight[2] = 0;
    assert_int_equal(sg_trees_train(&m, &rows, &good, NULL), SG_TREES_ONE_KIND);
    assert_null(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stump_by_hand),
        cmocka_unit_test(test_weights_by_hand),
        cmocka_unit_test(test_weights_are_repetitions),
        cmocka_unit_test(test_xor),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_missing_goes_where_it_belongs),
        cmocka_unit_test(test_missing_unseen),
        cmocka_unit_test(test_all_missing),
        cmocka_unit_test(test_monotone),
        cmocka_unit_test(test_order_of_rows),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_bits_are_those_of_always),
        cmocka_unit_test(test_early_stop),
        cmocka_unit_test(test_groups_stay_together),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
