#pragma once
/*
 * trees-test-int - rows and comparisons that the tests of the trees share.
 */
#include <sealgrid/base/random.h>
#include <sealgrid/fraud/trees-file.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { TEST_FEATURES = 5, TEST_ROWS = 600 };

/* Rows whose label depends on the first three of five features; a seventh of the values missing. */
struct test_rows {
    float x[TEST_ROWS * TEST_FEATURES];
    float label[TEST_ROWS], weight[TEST_ROWS];
    uint64_t group[TEST_ROWS], key[TEST_ROWS];
};

static inline void test_rows_fill(struct test_rows *t, uint64_t seed)
{
    struct sg_prng p;
    sg_prng_seed(&p, seed);
    for (size_t i = 0; i < TEST_ROWS; i++) {
        float *x = t->x + i * TEST_FEATURES;
        for (size_t f = 0; f < TEST_FEATURES; f++)
            x[f] = (float)((double)sg_prng_below(&p, 4000) / 1000 - 2);
        const double margin = 2 * (double)x[0] + (double)x[1] * (double)x[2] - 0.5;
        t->label[i] = sg_prng_unit(&p) < 1 / (1 + exp(-3 * margin)) ? 1 : 0;
        for (size_t f = 0; f < TEST_FEATURES; f++)
            x[f] = sg_prng_below(&p, 7) ? x[f] : NAN;
        t->weight[i] = (float)(1 + sg_prng_below(&p, 3));
        t->group[i] = sg_prng_below(&p, 60);
        t->key[i] = 1000 + i;
    }
}

static inline struct sg_trees_rows test_rows_of(const struct test_rows *t)
{
    return (struct sg_trees_rows){.x = t->x,
                                  .label = t->label,
                                  .weight = t->weight,
                                  .group = t->group,
                                  .key = t->key,
                                  .n = TEST_ROWS,
                                  .features = TEST_FEATURES};
}

static inline struct sg_trees_training test_training(void)
{
    struct sg_trees_training t = SG_TREES_TRAINING_DEFAULT;
    t.trees = 30;
    t.row_share = 0.8;
    t.column_share = 0.7;
    return t;
}

static inline struct sg_trees *test_train(const struct sg_trees_rows *rows,
                                          const struct sg_trees_training *t)
{
    struct sg_trees *m = NULL;
    assert_int_equal(sg_trees_train(&m, rows, t, NULL), 0);
    assert_non_null(m);
    return m;
}

/* The same octets in a file are the same bits in every number. */
static inline void test_same_trees(const struct sg_trees *a, const struct sg_trees *b)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf x = SG_BUF_INIT(SG_TREES_BYTES_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf y = SG_BUF_INIT(SG_TREES_BYTES_MAX);
    assert_int_equal(sg_trees_encode(a, "x", &x), 0);
    assert_int_equal(sg_trees_encode(b, "x", &y), 0);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
}
