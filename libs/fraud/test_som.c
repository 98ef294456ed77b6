#include "som-int.h"

#include <sealgrid/base/random.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static float *random_vectors(size_t n, uint32_t points, uint64_t seed)
{
    struct sg_prng p;
    sg_prng_seed(&p, seed);
    float *x = malloc(n * points * sizeof(float));
    assert_non_null(x);
    for (size_t i = 0; i < n * points; i++)
        x[i] = (float)sg_prng_unit(&p);
    return x;
}

static struct sg_som *map_of(uint32_t columns, uint32_t rows, uint32_t points,
                             enum sg_som_topology topology)
{
    const struct sg_som_shape shape = {columns, rows, points, topology};
    struct sg_som *m = NULL;
    assert_int_equal(sg_som_new(&m, &shape), 0);
    return m;
}

static size_t code_bytes(const struct sg_som *m)
{
    return sg_som_nodes(m) * sg_som_shape(m)->points * sizeof(float);
}

static void test_shapes(void **state)
{
    (void)state;
    const struct sg_som_shape bad[] = {
        {0, 10, 24, SG_SOM_RECTANGULAR},        {10, 0, 24, SG_SOM_RECTANGULAR},
        {10, 10, 0, SG_SOM_RECTANGULAR},        {10, 10, 1025, SG_SOM_RECTANGULAR},
        {33, 32, 24, SG_SOM_RECTANGULAR},       {1025, 1, 24, SG_SOM_RECTANGULAR},
        {65536, 65536, 24, SG_SOM_RECTANGULAR}, {10, 10, 24, (enum sg_som_topology)2},
    };
    struct sg_som *m = NULL;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(sg_som_new(&m, &bad[i]), SG_SOM_BAD_SHAPE);
    assert_null(m);
}

/* Where kohonen's unit.distances puts the nodes of a 3 x 3 map, from node 0. */
static void test_grid(void **state)
{
    (void)state;
    static const double rectangular[] = {0, 1, 2, 1, 1, 2, 2, 2, 2};
    static const double hexagonal[] = {0, 1, 2, 1, 1, 1.732051, 1.732051, 2.000000, 2.645751};
    SG_CLEANUP(sg_som_freep) struct sg_som *r = map_of(3, 3, 1, SG_SOM_RECTANGULAR);
    SG_CLEANUP(sg_som_freep) struct sg_som *h = map_of(3, 3, 1, SG_SOM_HEXAGONAL);
    for (uint32_t i = 0; i < 9; i++) {
        assert_true(fabs(sg_som_grid_distance(r, 0, i) - rectangular[i]) < 1e-6);
        assert_true(fabs(sg_som_grid_distance(h, 0, i) - hexagonal[i]) < 1e-6);
        assert_true(sg_som_grid_distance(h, i, 0) == sg_som_grid_distance(h, 0, i));
    }
}

static void test_diameter(void **state)
{
    (void)state;
    for (uint32_t columns = 1; columns < 7; columns++)
        for (uint32_t rows = 1; rows < 7; rows++)
            for (int topology = 0; topology < 2; topology++) {
                SG_CLEANUP(sg_som_freep)
                struct sg_som *m = map_of(columns, rows, 1, (enum sg_som_topology)topology);
                double widest = 0;
                for (uint32_t a = 0; a < sg_som_nodes(m); a++)
                    for (uint32_t b = 0; b < a; b++) {
                        widest = fmax(widest, sg_som_grid_distance(m, a, b));
                        assert_true(sg_som_grid_step(&m->shape, a, b) <
                                    sg_som_grid_steps(&m->shape));
                    }
                assert_true(sg_som_grid_diameter(m) == widest);
            }
}

static void test_weights(void **state)
{
    (void)state;
    for (uint32_t d4 = 0; d4 < 4000; d4++)
        for (double radius = 0.05; radius < 20; radius *= 1.7) {
            double want = exp(-d4 / (8 * radius * radius));
            double have = sg_som_weight(SG_SOM_GAUSSIAN, radius, d4);
            assert_true(fabs(have - want) <= 4e-16 * want + 1e-300);
            assert_true(sg_som_weight(SG_SOM_BUBBLE, radius, d4) ==
                        (sqrt(d4) / 2 <= radius ? 1 : 0));
        }
    assert_true(sg_som_weight(SG_SOM_GAUSSIAN, 0, 0) == 1);
    assert_true(sg_som_weight(SG_SOM_GAUSSIAN, 0, 1) == 0);
    assert_true(sg_som_weight(SG_SOM_BUBBLE, 0, 0) == 1);
    assert_true(sg_som_weight(SG_SOM_BUBBLE, 0, 1) == 0);
}

/* Ten nodes in a row, one vector at each end: codes by hand. */
static void one_epoch(enum sg_som_neighbourhood neighbourhood, double radius, float ret[10])
{
    float first[20];
    const float x[] = {1000, 0, 10000, 1};
    for (uint32_t i = 0; i < 10; i++) {
        first[2 * i] = 1000 * (float)(i + 1);
        first[2 * i + 1] = 0.25f;
    }
    SG_CLEANUP(sg_som_freep) struct sg_som *m = map_of(10, 1, 2, SG_SOM_RECTANGULAR);
    const struct sg_som_training t = {.epochs = 1,
                                      .radius_from = radius,
                                      .radius_to = radius,
                                      .neighbourhood = neighbourhood,
                                      .threads = 1};
    assert_int_equal(sg_som_set(m, first), 0);
    assert_int_equal(sg_som_train(m, x, 2, &t, NULL), 0);
    for (uint32_t i = 0; i < 10; i++)
        ret[i] = sg_som_code(m, i)[1];
}

static void test_one_epoch_by_hand(void **state)
{
    (void)state;
    float code[10];
    static const float bubble3[] = {0, 0, 0, 0, 0.25f, 0.25f, 1, 1, 1, 1};
    one_epoch(SG_SOM_BUBBLE, 3, code);
    assert_memory_equal(code, bubble3, sizeof(code));
    /* What kohonen 3.0.11 made of this with a gaussian of radius 3. */
    static const double gaussian3[] = {0.01098694, 0.02931223, 0.07585818, 0.18242552, 0.37754067,
                                       0.62245933, 0.81757448, 0.92414182, 0.97068777, 0.98901306};
    one_epoch(SG_SOM_GAUSSIAN, 3, code);
    for (uint32_t i = 0; i < 10; i++)
        assert_true(fabs((double)code[i] - gaussian3[i]) < 1e-7);
    one_epoch(SG_SOM_GAUSSIAN, 0, code);
    for (uint32_t i = 1; i < 9; i++)
        assert_true(code[i] == 0.25f); /* out of reach: as they were */
    assert_true(code[0] == 0 && code[9] == 1);
}

/* Epoch t of T has radius from - (from - to) t / T: after T epochs only the last one's shows, as
 * the vectors at the ends never change their match. */
static void test_radius_schedule(void **state)
{
    (void)state;
    float first[20];
    const float x[] = {1000, 0, 10000, 1};
    for (uint32_t i = 0; i < 10; i++) {
        first[2 * i] = 1000 * (float)(i + 1);
        first[2 * i + 1] = 0.25f;
    }
    for (uint32_t epochs = 1; epochs < 6; epochs++) {
        SG_CLEANUP(sg_som_freep) struct sg_som *m = map_of(10, 1, 2, SG_SOM_RECTANGULAR);
        const struct sg_som_training t = {
            .epochs = epochs, .radius_from = 4, .radius_to = 1, .threads = 1};
        assert_int_equal(sg_som_set(m, first), 0);
        assert_int_equal(sg_som_train(m, x, 2, &t, NULL), 0);
        double code = (double)sg_som_code(m, 4)[1]; /* 4 steps from one end, 5 from the other */
        double radius = sqrt(-9 / (2 * log(code / (1 - code))));
        assert_true(fabs(radius - (4 - 3.0 * (epochs - 1) / epochs)) < 1e-5);
    }
}

static void train_and_compare(size_t n, enum sg_som_topology topology,
                              enum sg_som_neighbourhood neighbourhood)
{
    SG_FREE float *x = random_vectors(n, 24, n);
    SG_CLEANUP(sg_som_freep) struct sg_som *first = map_of(7, 5, 24, topology);
    struct sg_som_training t = {.epochs = 6,
                                .radius_from = 3,
                                .radius_to = 0.3,
                                .neighbourhood = neighbourhood,
                                .threads = 1,
                                .kernel = sg_fraud_kernel_at(0)};
    assert_int_equal(sg_som_seed(first, x, n, 5), 0);
    SG_CLEANUP(sg_som_freep) struct sg_som *one = map_of(7, 5, 24, topology);
    assert_int_equal(sg_som_set(one, sg_som_code(first, 0)), 0);
    assert_int_equal(sg_som_train(one, x, n, &t, NULL), 0);
    assert_memory_not_equal(sg_som_code(one, 0), sg_som_code(first, 0), code_bytes(one));

    static const uint32_t threads[] = {2, 3, 9};
    for (size_t i = 0; (t.kernel = sg_fraud_kernel_at(i)); i++)
        for (size_t j = 0; j < sizeof(threads) / sizeof(threads[0]); j++) {
            SG_CLEANUP(sg_som_freep) struct sg_som *m = map_of(7, 5, 24, topology);
            t.threads = threads[j];
            assert_int_equal(sg_som_set(m, sg_som_code(first, 0)), 0);
            assert_int_equal(sg_som_train(m, x, n, &t, NULL), 0);
            assert_memory_equal(sg_som_code(m, 0), sg_som_code(one, 0), code_bytes(m));
        }
}

static void test_same_bits_for_any_thread_and_kernel(void **state)
{
    (void)state;
    train_and_compare(1100, SG_SOM_RECTANGULAR, SG_SOM_GAUSSIAN);
    train_and_compare(1026, SG_SOM_HEXAGONAL, SG_SOM_GAUSSIAN);
    train_and_compare(1037, SG_SOM_RECTANGULAR, SG_SOM_BUBBLE);
    train_and_compare(3, SG_SOM_HEXAGONAL, SG_SOM_BUBBLE); /* fewer vectors than nodes */
}

static void last_error(void *ctx, uint32_t epochs_done, double quantisation_error)
{
    double *e = ctx;
    assert_true(epochs_done >= 1 && epochs_done <= 30);
    e[epochs_done - 1] = quantisation_error;
}

/*
 * The bits of one training, as every compiler and processor must make them: a change here changes
 * every ranking ever reported.  FNV-1a over the codes as 32-bit numbers.
 */
static void test_bits_are_those_of_always(void **state)
{
    (void)state;
    SG_FREE float *x = random_vectors(1500, 24, 42);
    SG_CLEANUP(sg_som_freep) struct sg_som *m = map_of(5, 4, 24, SG_SOM_HEXAGONAL);
    struct sg_som_training t = SG_SOM_TRAINING_DEFAULT;
    uint64_t hash = 0xcbf29ce484222325u;
    assert_int_equal(sg_som_seed(m, x, 1500, 42), 0);
    assert_int_equal(sg_som_train(m, x, 1500, &t, NULL), 0);
    for (size_t i = 0; i < code_bytes(m) / sizeof(float); i++) {
        uint32_t bits;
        memcpy(&bits, sg_som_code(m, 0) + i, sizeof(bits));
        hash = (hash ^ bits) * 0x100000001b3u;
    }
    assert_true(hash == 0x5ae9722bfcfd83a2u);
}

/* Four corners with a little noise: a 4 x 4 map finds them. */
static void test_learns(void **state)
{
    (void)state;
    SG_FREE float *x = random_vectors(4000, 2, 1);
    double errors[30] = {0}, quantisation;
    for (size_t i = 0; i < 4000; i++) {
        x[2 * i] = 0.1f * x[2 * i] + (float)(i % 2);
        x[2 * i + 1] = 0.1f * x[2 * i + 1] + (float)(i / 2 % 2);
    }
    SG_CLEANUP(sg_som_freep) struct sg_som *m = map_of(4, 4, 2, SG_SOM_RECTANGULAR);
    const struct sg_som_training t = {.epochs = 30,
                                      .radius_from = 2,
                                      .radius_to = 0,
                                      .threads = 2,
                                      .progress = last_error,
                                      .progress_ctx = errors};
    float first[32]; /* all in the middle, to be unfolded */
    for (size_t i = 0; i < 32; i++)
        first[i] = 0.5f + 0.01f * x[i];
    assert_int_equal(sg_som_set(m, first), 0);
    assert_int_equal(sg_som_train(m, x, 4000, &t, NULL), 0);
    assert_int_equal(sg_som_quantisation_error(m, x, 4000, NULL, &quantisation), 0);
    assert_true(quantisation < 0.05);
    assert_true(errors[0] > 10 * quantisation);
    assert_true(fabs(errors[29] - quantisation) < 1e-3);
}

static void test_single_node_is_the_mean(void **state)
{
    (void)state;
    SG_FREE float *x = random_vectors(1000, 3, 1);
    SG_CLEANUP(sg_som_freep) struct sg_som *m = map_of(1, 1, 3, SG_SOM_HEXAGONAL);
    const struct sg_som_training t = SG_SOM_TRAINING_DEFAULT;
    assert_int_equal(sg_som_train(m, x, 1000, &t, NULL), 0);
    for (size_t p = 0; p < 3; p++) {
        double mean = 0;
        for (size_t i = 0; i < 1000; i++)
            mean += (double)x[i * 3 + p] / 1000;
        assert_true(fabs((double)sg_som_code(m, 0)[p] - mean) < 1e-6);
    }
    assert_true(sg_som_grid_diameter(m) == 0);
}

static void test_seed(void **state)
{
    (void)state;
    SG_FREE float *x = random_vectors(50, 4, 1);
    SG_CLEANUP(sg_som_freep) struct sg_som *a = map_of(7, 7, 4, SG_SOM_RECTANGULAR);
    SG_CLEANUP(sg_som_freep) struct sg_som *b = map_of(7, 7, 4, SG_SOM_RECTANGULAR);
    assert_int_equal(sg_som_seed(a, x, 50, 1), 0);
    assert_int_equal(sg_som_seed(b, x, 50, 1), 0);
    assert_memory_equal(sg_som_code(a, 0), sg_som_code(b, 0), code_bytes(a));
    assert_int_equal(sg_som_seed(b, x, 50, 2), 0);
    assert_memory_not_equal(sg_som_code(a, 0), sg_som_code(b, 0), code_bytes(a));
    for (uint32_t i = 0; i < 49; i++) /* distinct vectors */
        for (uint32_t j = 0; j < i; j++)
            assert_memory_not_equal(sg_som_code(a, i), sg_som_code(a, j), 4 * sizeof(float));
    /* 3 vectors for 49 nodes: 16 or 17 times each. */
    assert_int_equal(sg_som_seed(a, x, 3, 1), 0);
    for (size_t v = 0; v < 3; v++) {
        uint32_t uses = 0;
        for (uint32_t i = 0; i < 49; i++)
            uses += memcmp(sg_som_code(a, i), x + 4 * v, 4 * sizeof(float)) == 0;
        assert_in_range(uses, 16, 17);
    }
    assert_int_equal(sg_som_seed(a, x, 0, 1), SG_SOM_NO_VECTORS);
}

static void test_refuses_values(void **state)
{
    (void)state;
    const float bad[] = {NAN, INFINITY, -INFINITY, 1.1e15f, -1.1e15f};
    const struct sg_som_training t = SG_SOM_TRAINING_DEFAULT;
    SG_FREE float *x = random_vectors(700, 24, 1);
    SG_CLEANUP(sg_som_freep) struct sg_som *m = map_of(3, 3, 24, SG_SOM_RECTANGULAR);
    SG_FREE float *before = malloc(code_bytes(m));
    assert_non_null(before);
    assert_int_equal(sg_som_seed(m, x, 700, 1), 0);
    memcpy(before, sg_som_code(m, 0), code_bytes(m));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        size_t at = 0;
        float good = x[650 * 24 + 23];
        x[650 * 24 + 23] = bad[i];
        assert_int_equal(sg_som_train(m, x, 700, &t, &at), SG_SOM_BAD_VALUE);
        assert_int_equal(at, 650);
        assert_int_equal(sg_som_set(m, x + 645 * 24), SG_SOM_BAD_VALUE);
        x[650 * 24 + 23] = good;
        assert_memory_equal(before, sg_som_code(m, 0), code_bytes(m));
    }
    /* Constant, zero, and as large as allowed: all fine. */
    for (size_t i = 0; i < 700 * 24; i++)
        x[i] = i % 2 ? SG_SOM_VALUE_MAX : -SG_SOM_VALUE_MAX;
    assert_int_equal(sg_som_train(m, x, 700, &t, NULL), 0);
    memset(x, 0, 700 * 24 * sizeof(float));
    assert_int_equal(sg_som_train(m, x, 700, &t, NULL), 0);
    for (size_t p = 0; p < 24; p++)
        assert_true(sg_som_code(m, 4)[p] == 0);
}

static void test_match_refuses(void **state)
{
    (void)state;
    SG_FREE float *x = random_vectors(700, 24, 1);
    SG_CLEANUP(sg_som_freep) struct sg_som *m = map_of(3, 3, 24, SG_SOM_RECTANGULAR);
    SG_CLEANUP(sg_som_matcher_freep) struct sg_som_matcher *w = NULL;
    uint32_t node[700];
    size_t at = 0;
    double error = 99;
    assert_int_equal(sg_som_seed(m, x, 700, 1), 0);
    assert_int_equal(sg_som_matcher_new(&w, m, NULL), 0);
    assert_int_equal(sg_som_match(w, x, 700, node, NULL, NULL), 0);
    x[333 * 24] = NAN;
    assert_int_equal(sg_som_match(w, x, 700, node, NULL, &at), SG_SOM_BAD_VALUE);
    assert_int_equal(at, 333);
    assert_int_equal(sg_som_quantisation_error(m, x, 700, NULL, &error), SG_SOM_BAD_VALUE);
    assert_true(error == 99);
}

static void test_refuses_training(void **state)
{
    (void)state;
    const struct sg_som_training good = SG_SOM_TRAINING_DEFAULT;
    const float x[24] = {0};
    SG_CLEANUP(sg_som_freep) struct sg_som *m = map_of(3, 3, 24, SG_SOM_RECTANGULAR);
    struct sg_som_training bad[7] = {good, good, good, good, good, good, good};
    bad[0].epochs = 0;
    bad[1].epochs = SG_SOM_EPOCHS_MAX + 1;
    bad[2].threads = 0;
    bad[3].threads = SG_SOM_THREADS_MAX + 1;
    bad[4].radius_from = -1;
    bad[5].radius_to = (double)NAN;
    bad[6].neighbourhood = (enum sg_som_neighbourhood)2;
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(sg_som_train(m, x, 1, &bad[i], NULL), SG_SOM_BAD_TRAINING);
    assert_int_equal(sg_som_train(m, x, 0, &good, NULL), SG_SOM_NO_VECTORS);
    assert_int_equal(sg_som_train(m, x, 1, &good, NULL), 0);
}

/* The largest map there may be: nothing overflows. */
static void test_large_map(void **state)
{
    (void)state;
    SG_FREE float *x = random_vectors(600, 2, 1);
    SG_CLEANUP(sg_som_freep) struct sg_som *m = map_of(1, 1024, 2, SG_SOM_HEXAGONAL);
    struct sg_som_training t = SG_SOM_TRAINING_DEFAULT;
    double error;
    t.epochs = 2;
    assert_int_equal(sg_som_seed(m, x, 600, 1), 0);
    assert_int_equal(sg_som_train(m, x, 600, &t, NULL), 0);
    assert_int_equal(sg_som_quantisation_error(m, x, 600, NULL, &error), 0);
    assert_true(error > 0 && error < 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_grid),
        cmocka_unit_test(test_diameter),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_one_epoch_by_hand),
        cmocka_unit_test(test_radius_schedule),
        cmocka_unit_test(test_same_bits_for_any_thread_and_kernel),
        cmocka_unit_test(test_bits_are_those_of_always),
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_single_node_is_the_mean),
        cmocka_unit_test(test_seed),
        cmocka_unit_test(test_refuses_values),
        cmocka_unit_test(test_match_refuses),
        cmocka_unit_test(test_refuses_training),
        cmocka_unit_test(test_large_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
