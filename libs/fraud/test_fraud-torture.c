/*
 * torture - the n-th allocation fails, for every n: the failure comes out as -ENOMEM, nothing leaks
 * (under the sanitizers), nothing is left half done, and the next run is as good as any.
 */
#include <sealgrid/fraud/balance.h>
#include <sealgrid/fraud/full-file.h>
#include <sealgrid/fraud/paper.h>
#include <sealgrid/fraud/som-map.h>
#include <sealgrid/fraud/trees-file.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The linker puts these in front of the C library's (--wrap). */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);

static unsigned countdown; /* 0: none fails */

static bool fails(void)
{
    return countdown > 0 && --countdown == 0;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
    return fails() ? NULL : __real_aligned_alloc(align, n);
}

enum { DAYS = 140, CUSTOMERS = 12 };

static const struct sg_corr_windows windows = SG_CORR_WINDOWS_DEFAULT;

static int make(struct sg_fraud_days *d, uint32_t number)
{
    char id[16];
    snprintf(id, sizeof(id), "c%u", number);
    int r = sg_fraud_days_start(d, id, 24);
    for (int32_t i = 0; r == 0 && i < DAYS; i++) {
        float row[24];
        for (uint32_t k = 0; k < 24; k++)
            row[k] = (float)((k * (number + 3) + (uint32_t)i) % 17);
        r = sg_fraud_days_add(d, i, (uint8_t)(i % 7), row, NULL);
    }
    return r;
}

static int add_fleet(struct sg_paper_sample *s)
{
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < CUSTOMERS; i++) {
        r = make(&d, i);
        if (r == 0)
            r = sg_paper_sample_add(s, &d, windows.reference);
    }
    return r;
}

static int train(struct sg_som **ret)
{
    SG_CLEANUP(sg_paper_sample_freep) struct sg_paper_sample *s = NULL, *all = NULL;
    struct sg_som_shape shape = SG_SOM_SHAPE_DEFAULT(24);
    struct sg_som_training t = SG_SOM_TRAINING_DEFAULT;
    shape.columns = shape.rows = 3;
    t.epochs = 2;
    int r = sg_paper_sample_new(&s, 24, 1050, 1);
    if (r == 0)
        r = sg_paper_sample_new(&all, 24, 1050, 1);
    if (r == 0)
        r = add_fleet(s);
    if (r == 0)
        r = sg_paper_sample_merge(all, s);
    return r ? r : sg_paper_train(all, &shape, &t, ret);
}

static int through_the_file(const struct sg_som *m, struct sg_som **ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 16);
    char label[SG_SOM_LABEL_MAX + 1];
    uint64_t seed;
    int r = sg_som_map_encode(m, SG_PAPER_LABEL, 1, &b);
    return r ? r : sg_som_map_decode(sg_buf_bytes(&b), ret, label, &seed);
}

static int everything(double *ret_score)
{
    SG_CLEANUP(sg_som_freep) struct sg_som *trained = NULL, *m = NULL;
    SG_CLEANUP(sg_paper_judge_freep) struct sg_paper_judge *j = NULL;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct sg_paper_score s;
    double error;
    int r = train(&trained);
    if (r == 0)
        r = through_the_file(trained, &m);
    if (r == 0)
        r = make(&d, 2);
    if (r == 0)
        r = sg_som_quantisation_error(m, sg_fraud_days_row(&d, 0), DAYS, NULL, &error);
    if (r == 0)
        r = sg_paper_judge_new(&j, m, &windows, NULL);
    if (r == 0)
        r = sg_paper_judge_score(j, &d, &s);
    if (r == 0)
        *ret_score = s.score;
    return r;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    double want, score = 0;
    unsigned n = 0;
    int r;
    assert_int_equal(everything(&want), 0);
    assert_true(want != 0);
    do {
        countdown = ++n;
        r = everything(&score);
        bool reached = countdown == 0;
        countdown = 0;
        assert_true(r == (reached ? -ENOMEM : 0));
        assert_true(reached == (score == 0)); /* untouched on failure */
    } while (r != 0);
    assert_true(score == want);
    assert_true(n > 30); /* so many allocations there are at least */
}

/* A sample that could not grow keeps what it had, and can go on. */
static void test_sample_goes_on(void **state)
{
    (void)state;
    SG_CLEANUP(sg_paper_sample_freep) struct sg_paper_sample *s = NULL;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    size_t n;
    assert_int_equal(sg_paper_sample_new(&s, 24, 1 << 20, 1), 0);
    assert_int_equal(make(&d, 1), 0);
    for (unsigned fail = 1; fail <= 2; fail++) {
        countdown = fail;
        assert_int_equal(sg_paper_sample_add(s, &d, windows.reference), -ENOMEM);
        sg_paper_sample_vectors(s, &n);
        assert_int_equal(n, 0);
    }
    assert_int_equal(sg_paper_sample_add(s, &d, windows.reference), 0);
    sg_paper_sample_vectors(s, &n);
    assert_int_equal(n, 90);
}

/* --- trees ----------------------------------------------------------------------------------- */

static int trees_and_back(double *ret_margin)
{
    SG_CLEANUP(sg_trees_freep) struct sg_trees *m = NULL, *back = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 16);
    char label[SG_TREES_LABEL_MAX + 1];
    float x[40], y[20];
    double margin[20];
    struct sg_trees_training t = SG_TREES_TRAINING_DEFAULT;
    for (size_t i = 0; i < 40; i++)
        x[i] = (float)(i * 7 % 13);
    for (size_t i = 0; i < 20; i++)
        y[i] = x[2 * i] > 6 ? 1 : 0;
    const struct sg_trees_rows rows = {.x = x, .label = y, .n = 20, .features = 2};
    t.trees = 3;
    int r = sg_trees_train(&m, &rows, &t, NULL);
    if (r == 0)
        sg_trees_margins(m, x, 20, margin);
    if (r == 0)
        r = sg_trees_calibrate(m, margin, y, NULL, 20);
    if (r == 0)
        r = sg_trees_encode(m, "x", &b);
    if (r == 0)
        r = sg_trees_decode(sg_buf_bytes(&b), &back, label);
    if (r == 0)
        sg_trees_margins(back, x, 1, ret_margin);
    return r;
}

static void test_trees(void **state)
{
    (void)state;
    double want = 0, margin = 0;
    unsigned n = 0;
    int r;
    assert_int_equal(trees_and_back(&want), 0);
    assert_true(want != 0);
    do {
        countdown = ++n;
        r = trees_and_back(&margin);
        bool reached = countdown == 0;
        countdown = 0;
        assert_true(r == (reached ? -ENOMEM : 0));
        assert_true(reached == (margin == 0));
    } while (r != 0);
    assert_true(margin == want && n > 30);
}

/* --- the full score -------------------------------------------------------------------------- */

enum { PANEL = 24 };

static int full_sample(struct sg_full_sample **ret)
{
    const struct sg_corr_windows w = {.reference = {0, 17}, .test = {18, 23}};
    SG_CLEANUP(sg_full_sample_freep) struct sg_full_sample *s = NULL, *other = NULL;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    int r = sg_full_sample_new(&s, &w, PANEL, 1);
    if (r == 0)
        r = sg_full_sample_new(&other, &w, PANEL, 1);
    for (uint32_t i = 0; r == 0 && i < PANEL; i++) {
        r = make(&d, i);
        if (r == 0)
            r = sg_full_sample_add(i % 2 ? s : other, &d, NULL);
    }
    if (r == 0)
        r = sg_full_sample_merge(s, other);
    if (r == 0)
        *ret = TAKE_PTR(s);
    return r;
}

static int full_and_back(double *ret_score)
{
    SG_CLEANUP(sg_full_sample_freep) struct sg_full_sample *s = NULL;
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *m = NULL, *back = NULL;
    SG_CLEANUP(sg_full_judge_freep) struct sg_full_judge *j = NULL;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    struct sg_full_training t = SG_FULL_TRAINING_DEFAULT;
    struct sg_full_score score;
    t.repeats = t.trees = 1;
    int r = full_sample(&s);
    if (r == 0)
        r = sg_full_train(s, &t, &m);
    if (r == 0)
        r = sg_full_encode(m, &b);
    if (r == 0)
        r = sg_full_decode(sg_buf_bytes(&b), &back);
    if (r == 0)
        r = sg_full_judge_new(&j, back);
    if (r == 0)
        r = make(&d, 3);
    if (r == 0)
        r = sg_full_judge_score(j, &d, NULL, &score);
    if (r == 0)
        *ret_score = 1 + score.score;
    return r;
}

static void test_every_allocation_of_the_full_score_may_fail(void **state)
{
    (void)state;
    double want, score = 0;
    unsigned n = 0;
    int r;
    assert_int_equal(full_and_back(&want), 0);
    do {
        countdown = n += 1 + n / 16; /* all of the first ones, then ever fewer */
        r = full_and_back(&score);
        bool reached = countdown == 0;
        countdown = 0;
        assert_true(r == (reached ? -ENOMEM : 0));
        assert_true(reached == (score == 0));
    } while (r != 0);
    assert_true(score == want);
    assert_true(n > 300);
}

/* ---- a transformer -------------------------------------------------------------------------- */

enum { FED = 4, FED_DAYS = 20, FED_PAST = 10, FED_HOURS = 24, FED_N = FED_DAYS * FED_HOURS };

/* A thief among four, and whether the rest fits a load of its own. */
static int balance_and_match(double *ret_score)
{
    static float load[FED * FED_N], transformer[FED_N];
    float rest[FED_N];
    struct sg_balance_customer c[FED];
    struct sg_balance_result result;
    struct sg_balance_match match;
    const struct sg_balance_input in = {.n_customers = FED,
                                        .n_intervals = FED_N,
                                        .transformer = transformer,
                                        .customer = load,
                                        .n_past = FED_PAST * FED_HOURS,
                                        .per_day = FED_HOURS,
                                        .no_load_kwh = NAN,
                                        .loss_per_kwh2 = NAN};
    for (size_t t = 0; t < FED_N; t++) {
        transformer[t] = 0;
        for (size_t j = 0; j < FED; j++) {
            const float kwh = (float)((t * (7 + 4 * j) + t / 5 * 3) % (11 + j)) / 8;
            transformer[t] += kwh;
            load[j * FED_N + t] = j == 1 && t >= in.n_past ? kwh / 2 : kwh;
        }
    }
    int r = sg_balance(&in, c, &result, rest);
    if (r == 0)
        r = sg_balance_match(&in, rest, load, &match);
    if (r == 0)
        *ret_score = 1 + c[1].sureness;
    return r;
}

static void test_every_allocation_of_a_balance_may_fail(void **state)
{
    (void)state;
    double want, score = 0;
    unsigned n = 0;
    int r;
    assert_int_equal(balance_and_match(&want), 0);
    do {
        countdown = ++n;
        r = balance_and_match(&score);
        bool reached = countdown == 0;
        countdown = 0;
        assert_true(r == (reached ? -ENOMEM : 0));
        assert_true(reached == (score == 0));
    } while (r != 0);
    assert_true(score == want);
    assert_true(n > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_sample_goes_on),
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_every_allocation_of_the_full_score_may_fail),
        cmocka_unit_test(test_every_allocation_of_a_balance_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
