#include "kernel-int.h"

#include <sealgrid/base/random.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { POINTS_MAX = 96, LANES_MAX = 144, VECTORS_MAX = 37 };

static _Alignas(64) float codes[POINTS_MAX * LANES_MAX];
static float x[VECTORS_MAX * POINTS_MAX];

static void fill(float *v, size_t n, uint64_t seed)
{
    struct sg_prng p;
    sg_prng_seed(&p, seed);
    for (size_t i = 0; i < n; i++)
        v[i] = (float)(sg_prng_normal(&p) * exp(sg_prng_normal(&p)));
}

/* Codes of `nodes` nodes in lanes; returns how many lanes there are. */
static uint32_t fill_codes(uint32_t nodes, uint32_t points, uint64_t seed)
{
    uint32_t lanes = (nodes + 15) / 16 * 16;
    fill(codes, (size_t)points * lanes, seed);
    for (uint32_t p = 0; p < points; p++)
        for (uint32_t i = nodes; i < lanes; i++)
            codes[p * lanes + i] = INFINITY;
    return lanes;
}

/* In binary64, so that it shares no code and no rounding with what it checks. */
static double distance2_of(const float *v, uint32_t node, uint32_t points, uint32_t lanes)
{
    double sum = 0;
    for (uint32_t p = 0; p < points; p++) {
        double d = (double)v[p] - (double)codes[p * lanes + node];
        sum += d * d;
    }
    return sum;
}

static void check_match(uint32_t nodes, uint32_t points, uint32_t lanes, size_t n)
{
    uint32_t node[VECTORS_MAX];
    float distance2[VECTORS_MAX];
    sg_fraud_kernel_portable.best_match(x, n, points, codes, lanes, node, distance2);
    for (size_t i = 0; i < n; i++) {
        const float *v = x + i * points;
        assert_true(node[i] < nodes);
        double d = distance2_of(v, node[i], points, lanes);
        assert_true(fabs(d - (double)distance2[i]) <= 1e-5 * d);
        for (uint32_t k = 0; k < nodes; k++)
            assert_true(distance2_of(v, k, points, lanes) >= d * (1 - 1e-5));
    }
    const struct sg_fraud_kernel *k;
    for (size_t which = 1; (k = sg_fraud_kernel_at(which)); which++) {
        uint32_t node_k[VECTORS_MAX];
        float distance2_k[VECTORS_MAX];
        k->best_match(x, n, points, codes, lanes, node_k, distance2_k);
        assert_memory_equal(node_k, node, n * sizeof(node[0]));
        assert_memory_equal(distance2_k, distance2, n * sizeof(distance2[0]));
    }
}

static void test_best_match(void **state)
{
    (void)state;
    const uint32_t nodes[] = {1, 2, 15, 16, 17, 32, 33, 48, 100, 144};
    const uint32_t points[] = {1, 3, 24, 96};
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
        for (size_t j = 0; j < sizeof(points) / sizeof(points[0]); j++) {
            uint32_t lanes = fill_codes(nodes[i], points[j], i * 10 + j);
            fill(x, (size_t)VECTORS_MAX * points[j], 1000 + i * 10 + j);
            for (size_t n = 1; n <= VECTORS_MAX; n += 6)
                check_match(nodes[i], points[j], lanes, n);
        }
}

static void test_lowest_of_equals(void **state)
{
    (void)state;
    uint32_t lanes = fill_codes(100, 24, 3);
    const struct sg_fraud_kernel *k;
    /* Nodes 7, 40 and 99 hold the same code, and the vector is that code. */
    for (uint32_t p = 0; p < 24; p++)
        x[p] = codes[p * lanes + 7] = codes[p * lanes + 40] = codes[p * lanes + 99] = (float)p;
    for (size_t which = 0; (k = sg_fraud_kernel_at(which)); which++) {
        uint32_t node;
        float distance2;
        k->best_match(x, 1, 24, codes, lanes, &node, &distance2);
        assert_int_equal(node, 7);
        assert_true(distance2 == 0);
    }
}

static void test_no_distance(void **state)
{
    (void)state;
    uint32_t lanes = fill_codes(20, 24, 4);
    const float bad[] = {NAN, INFINITY, -INFINITY, 3e19f};
    const struct sg_fraud_kernel *k;
    for (size_t which = 0; (k = sg_fraud_kernel_at(which)); which++)
        for (size_t b = 0; b < sizeof(bad) / sizeof(bad[0]); b++) {
            uint32_t node[9];
            float distance2[9];
            fill(x, 9 * 24, 5);
            x[6 * 24 + 11] = bad[b];
            k->best_match(x, 9, 24, codes, lanes, node, distance2);
            for (size_t i = 0; i < 9; i++)
                assert_int_equal(node[i] == UINT32_MAX, i == 6);
        }
}

/* One kernel's answers to the binary64 questions, to be compared as octets. */
struct answers {
    double sum[96], scaled[96], slid[96], unit[96], r[8];
    bool varies;
};

static void ask(const struct sg_fraud_kernel *k, uint32_t points, struct answers *a)
{
    memset(a, 0, sizeof(*a));
    double magic = ldexp(1.5, 52 + 5 - 40);
    for (uint32_t i = 0; i < VECTORS_MAX; i++)
        k->add_row(a->sum, x + i * points, points);
    for (uint32_t i = 0; i < 7; i++)
        k->add_scaled(a->scaled, a->sum, 0.1 * (i + 1), points);
    for (uint32_t i = 0; i < VECTORS_MAX; i++)
        k->slide(a->slid, x + i * points, i < 5 ? NULL : x + (i - 5) * points, magic, points);
    a->varies = k->unit(a->sum, a->unit, points);
    for (uint32_t i = 0; i < 8; i++)
        a->r[i] = k->correlate(x + i * points, a->unit, points);
}

static void test_sums_have_the_same_bits(void **state)
{
    (void)state;
    for (uint32_t points = 24; points <= 96; points *= 2) {
        struct answers portable, other;
        const struct sg_fraud_kernel *k;
        fill(x, (size_t)VECTORS_MAX * points, points);
        ask(&sg_fraud_kernel_portable, points, &portable);
        assert_true(portable.varies);
        for (size_t which = 1; (k = sg_fraud_kernel_at(which)); which++) {
            ask(k, points, &other);
            assert_memory_equal(&other, &portable, sizeof(portable));
        }
    }
}

/* Sums of any width, for maps of any width. */
static void test_sums_of_odd_width(void **state)
{
    (void)state;
    const struct sg_fraud_kernel *k;
    for (size_t which = 0; (k = sg_fraud_kernel_at(which)); which++)
        for (uint32_t points = 1; points < 20; points++) {
            double sum[24] = {0}, y[24] = {0};
            fill(x, points, points);
            k->add_row(sum, x, points);
            k->add_scaled(y, sum, 2, points);
            for (uint32_t i = 0; i < 24; i++) {
                assert_true(sum[i] == (i < points ? (double)x[i] : 0));
                assert_true(y[i] == 2 * sum[i]);
            }
        }
}

static void test_largest(void **state)
{
    (void)state;
    const struct sg_fraud_kernel *k;
    fill(x, 200, 1);
    for (size_t which = 0; (k = sg_fraud_kernel_at(which)); which++) {
        for (size_t n = 0; n < 100; n++)
            for (size_t at = 0; at < n; at++) {
                float usual = x[at];
                x[at] = 1e6f;
                assert_true(k->largest(x, n) == 1e6f);
                x[at] = usual;
            }
        x[70] = -1;
        assert_true(k->largest(x + 70, 1) == 0 && k->largest(x, 0) == 0);
    }
}

static double pearson(const float *a, const double *b, uint32_t n)
{
    long double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
    for (uint32_t i = 0; i < n; i++) {
        ma += (long double)a[i] / n;
        mb += (long double)b[i] / n;
    }
    for (uint32_t i = 0; i < n; i++) {
        aa += (a[i] - ma) * (a[i] - ma);
        bb += (b[i] - mb) * (b[i] - mb);
        ab += (a[i] - ma) * (b[i] - mb);
    }
    return (double)(ab / sqrtl(aa * bb));
}

static void test_correlate(void **state)
{
    (void)state;
    const struct sg_fraud_kernel *k = sg_fraud_kernel_best();
    for (uint32_t points = 24; points <= 96; points *= 2) {
        double sum[96] = {0}, unit[96];
        fill(x, (size_t)VECTORS_MAX * points, 77);
        for (uint32_t i = 0; i < VECTORS_MAX * points; i++)
            x[i] += 1000; /* small movements on a large base */
        for (uint32_t i = 0; i < 9; i++)
            k->add_row(sum, x + i * points, points);
        assert_true(k->unit(sum, unit, points));
        for (uint32_t i = 0; i < VECTORS_MAX; i++) {
            const float *row = x + i * points;
            assert_true(fabs(k->correlate(row, unit, points) - pearson(row, sum, points)) < 1e-11);
        }
    }
}

static void test_constants_have_no_correlation(void **state)
{
    (void)state;
    const struct sg_fraud_kernel *k;
    for (size_t which = 0; (k = sg_fraud_kernel_at(which)); which++) {
        double sum[24], unit[24];
        float row[24];
        for (uint32_t i = 0; i < 24; i++)
            sum[i] = 0.1 * 90;
        assert_false(k->unit(sum, unit, 24));
        for (uint32_t i = 0; i < 24; i++) {
            assert_true(unit[i] == 0);
            sum[i] = i;
            row[i] = 0.1f;
        }
        assert_true(k->unit(sum, unit, 24));
        assert_true(k->correlate(row, unit, 24) == 0);
        row[3] = nextafterf(row[3], 1); /* rounding is no shape */
        assert_true(k->correlate(row, unit, 24) == 0);
        row[3] = 0.1001f; /* this is */
        assert_true(k->correlate(row, unit, 24) != 0);
        memset(row, 0, sizeof(row));
        assert_true(k->correlate(row, unit, 24) == 0);
        for (uint32_t i = 0; i < 24; i++)
            row[i] = (float)i * 1e10f + 5;
        assert_true(fabs(k->correlate(row, unit, 24) - 1) < 1e-12);
    }
}

static void test_names(void **state)
{
    (void)state;
    size_t n = 0;
    while (sg_fraud_kernel_at(n)) {
        const struct sg_fraud_kernel *k = sg_fraud_kernel_at(n++);
        assert_ptr_equal(sg_fraud_kernel_named(sg_fraud_kernel_name(k)), k);
    }
    assert_true(n >= 1);
    assert_ptr_equal(sg_fraud_kernel_best(), sg_fraud_kernel_at(n - 1));
    assert_null(sg_fraud_kernel_named("abacus"));
    print_message("kernels here: %zu, best %s\n", n, sg_fraud_kernel_name(sg_fraud_kernel_best()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_best_match),
        cmocka_unit_test(test_lowest_of_equals),
        cmocka_unit_test(test_no_distance),
        cmocka_unit_test(test_sums_have_the_same_bits),
        cmocka_unit_test(test_sums_of_odd_width),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_correlate),
        cmocka_unit_test(test_constants_have_no_correlation),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
