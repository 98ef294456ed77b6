#include <sealgrid/base/random.h>
#include <sealgrid/fraud/correlation.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A customer with a habit: a shape a kind of day, noise on top; day 0 is a Wednesday. */
static void make(struct sg_fraud_days *d, uint32_t points, uint32_t n, uint64_t seed, double noise)
{
    struct sg_prng p;
    sg_prng_seed(&p, seed);
    assert_int_equal(sg_fraud_days_start(d, "customer", points), 0);
    for (uint32_t i = 0; i < n; i++) {
        float row[96];
        uint8_t weekday = (uint8_t)((i + 2) % 7);
        for (uint32_t k = 0; k < points; k++) {
            double t = 2 * M_PI * k / points;
            double base = weekday < 5 ? 2 + sin(t) : 1 + cos(2 * t);
            row[k] = (float)(base + noise * sg_prng_unit(&p));
        }
        assert_int_equal(sg_fraud_days_add(d, (int32_t)i, weekday, row, NULL), 0);
    }
}

static double pearson(const float *a, const double *b, uint32_t n)
{
    double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
    for (uint32_t i = 0; i < n; i++) {
        ma += (double)a[i] / n;
        mb += b[i] / n;
    }
    for (uint32_t i = 0; i < n; i++) {
        aa += ((double)a[i] - ma) * ((double)a[i] - ma);
        bb += (b[i] - mb) * (b[i] - mb);
        ab += ((double)a[i] - ma) * (b[i] - mb);
    }
    return ab / sqrt(aa * bb);
}

/* r of day i against the mean of the days listed, straight from the definition. */
static double by_definition(const struct sg_fraud_days *d, uint32_t i, const uint32_t *list,
                            uint32_t n)
{
    double mean[96] = {0};
    for (uint32_t j = 0; j < n; j++)
        for (uint32_t k = 0; k < d->points; k++)
            mean[k] += (double)sg_fraud_days_row(d, list[j])[k] / n;
    return pearson(sg_fraud_days_row(d, i), mean, d->points);
}

static bool same_kind(const struct sg_fraud_days *d, uint32_t a, uint32_t b)
{
    return (d->weekday[a] >= 5) == (d->weekday[b] >= 5);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_file_form(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    const struct sg_corr_windows w = SG_CORR_WINDOWS_DEFAULT;
    for (uint32_t points = 24; points <= 96; points *= 2) {
        double r[30], score;
        make(&d, points, 120, points, 3);
        for (uint32_t i = 90; i < 120; i++) {
            uint32_t list[90], n = 0;
            for (uint32_t j = 0; j < 90; j++)
                if (same_kind(&d, i, j))
                    list[n++] = j;
            r[i - 90] = by_definition(&d, i, list, n);
        }
        qsort(r, 30, sizeof(r[0]), ascending);
        assert_int_equal(sg_corr_score(&d, &w, NULL, &score), 0);
        assert_true(fabs(score - (1 - (r[14] + r[15]) / 2)) < 1e-12);
        assert_true(score > 0.05 && score < 1);
    }
}

static void test_same_bits_from_every_kernel(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    const struct sg_corr_windows w = SG_CORR_WINDOWS_DEFAULT;
    const struct sg_corr_sliding s = SG_CORR_SLIDING_DEFAULT;
    const struct sg_fraud_kernel *k;
    double score[2], r[2][200];
    make(&d, 96, 200, 9, 2);
    assert_int_equal(sg_corr_score(&d, &w, sg_fraud_kernel_at(0), &score[0]), 0);
    sg_corr_slide(&d, &s, sg_fraud_kernel_at(0), r[0]);
    for (size_t i = 1; (k = sg_fraud_kernel_at(i)); i++) {
        assert_int_equal(sg_corr_score(&d, &w, k, &score[1]), 0);
        sg_corr_slide(&d, &s, k, r[1]);
        assert_memory_equal(&score[0], &score[1], sizeof(score[0]));
        assert_memory_equal(r[0], r[1], sizeof(r[0]));
    }
}

static void test_constant_days(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    const struct sg_corr_windows w = SG_CORR_WINDOWS_DEFAULT;
    double score;
    make(&d, 24, 120, 1, 1);
    for (uint32_t i = 90; i < 120; i++)
        for (uint32_t k = 0; k < 24; k++)
            d.load[i * 24 + k] = 0.7f;
    assert_int_equal(sg_corr_score(&d, &w, NULL, &score), 0);
    assert_true(score == 1);
    /* A customer that never moved: 0.1 ninety times sums to something else than 9. */
    for (uint32_t i = 0; i < 120 * 24; i++)
        d.load[i] = 0.1f;
    assert_int_equal(sg_corr_score(&d, &w, NULL, &score), 0);
    assert_true(score == 1);
    make(&d, 24, 120, 1, 1);
    for (uint32_t i = 0; i < 90 * 24; i++)
        d.load[i] = 0;
    assert_int_equal(sg_corr_score(&d, &w, NULL, &score), 0);
    assert_true(score == 1);
}

static void test_windows(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    uint32_t first = 99;
    double score = 99;
    make(&d, 24, 60, 1, 1);
    for (uint32_t i = 0; i < 60; i++)
        d.day[i] = (int32_t)(3 * i) - 30; /* every third day */
    assert_int_equal(sg_corr_find(&d, (struct sg_corr_window){-30, -30}, &first), 1);
    assert_int_equal(first, 0);
    assert_int_equal(sg_corr_find(&d, (struct sg_corr_window){-29, 0}, &first), 10);
    assert_int_equal(first, 1);
    assert_int_equal(sg_corr_find(&d, (struct sg_corr_window){INT32_MIN, INT32_MAX}, &first), 60);
    assert_int_equal(sg_corr_find(&d, (struct sg_corr_window){10, 5}, &first), 0);
    assert_int_equal(sg_corr_find(&d, (struct sg_corr_window){1, 2}, &first), 0);

    const struct sg_corr_windows none = {{1000, 2000}, {0, 100}}, late = {{0, 50}, {1000, 2000}};
    assert_int_equal(sg_corr_score(&d, &none, NULL, &score), SG_CORR_NO_REFERENCE);
    assert_int_equal(sg_corr_score(&d, &late, NULL, &score), SG_CORR_NO_TEST);
    assert_true(score == 99);
    assert_int_equal(sg_fraud_days_start(&d, "new", 24), 0);
    assert_int_equal(sg_corr_score(&d, &none, NULL, &score), SG_CORR_NO_REFERENCE);
}

/* Days of a kind that the reference has not are not judged. */
static void test_kind_without_reference(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    make(&d, 24, 14, 1, 1);
    struct sg_corr_windows w = {{0, 2}, {3, 13}}; /* Wednesday to Friday */
    struct sg_corr_profile p;
    double r[14], score;
    assert_int_equal(sg_corr_profile_of(&d, w.reference, NULL, &p), 0);
    assert_int_equal(p.n_days[SG_FRAUD_WORKDAY], 3);
    assert_int_equal(p.n_days[SG_FRAUD_WEEKEND], 0);
    sg_corr_rows(&p, &d, 0, 14, NULL, r);
    for (uint32_t i = 0; i < 14; i++)
        assert_int_equal(isnan(r[i]) != 0, d.weekday[i] >= 5);
    assert_int_equal(sg_corr_score(&d, &w, NULL, &score), 0);
    w.test = (struct sg_corr_window){3, 4};
    assert_int_equal(sg_corr_score(&d, &w, NULL, &score), SG_CORR_NO_TEST);
}

static void test_profile_of_somebody_else(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    make(&d, 24, 7, 1, 1);
    struct sg_corr_profile p = {.points = 24};
    double r[7];
    sg_corr_profile_set(&p, SG_FRAUD_WEEKEND, sg_fraud_days_row(&d, 3), NULL); /* a Saturday */
    sg_corr_rows(&p, &d, 0, 7, NULL, r);
    for (uint32_t i = 0; i < 7; i++)
        assert_int_equal(isnan(r[i]) != 0, d.weekday[i] < 5);
    assert_true(fabs(r[3] - 1) < 1e-12);
    assert_true(r[4] < 1);
}

/* --- sliding ------------------------------------------------------------------------------- */

static uint32_t preceding(const struct sg_fraud_days *d, const struct sg_corr_sliding *s,
                          uint32_t i, uint32_t *list)
{
    uint32_t n = 0;
    for (uint32_t j = i; j-- > 0 && n < s->reference_days;)
        if (same_kind(d, i, j) && d->day[j] < d->day[i] - (int32_t)s->lag_days)
            list[n++] = j;
    return n;
}

static void check_sliding(const struct sg_fraud_days *d, const struct sg_corr_sliding *s)
{
    double r[400];
    sg_corr_slide(d, s, NULL, r);
    for (uint32_t i = 0; i < d->n_days; i++) {
        uint32_t list[400], n = preceding(d, s, i, list);
        assert_int_equal(isnan(r[i]) != 0, n < s->least_days);
        if (n >= s->least_days)
            assert_true(fabs(r[i] - by_definition(d, i, list, n)) < 1e-9);
    }
}

static void test_sliding_by_definition(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    const struct sg_corr_sliding forms[] = {
        {20, 5, 0, 30}, {1, 1, 0, 30}, {60, 8, 30, 30}, {4096, 1, 0, 1}, {5, 5, 3, 30}};
    make(&d, 24, 400, 4, 2);
    /* Gaps: a fortnight away, and single days. */
    for (uint32_t i = 200; i < 400; i++)
        d.day[i] += 14 + (int32_t)(i / 50);
    for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++)
        check_sliding(&d, &forms[f]);
}

/*
 * The window that slid over years of loads between a millionth and a million holds the same bits
 * as one that starts afresh: r of the last days, judged with all of the past before them or with
 * nothing but their own references.
 */
static void test_sliding_is_exact(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days all = SG_FRAUD_DAYS_INIT;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days tail = SG_FRAUD_DAYS_INIT;
    const struct sg_corr_sliding s = {30, 30, 0, 30};
    struct sg_prng p;
    double r_all[2000], r_tail[300];
    sg_prng_seed(&p, 8);
    assert_int_equal(sg_fraud_days_start(&all, "all", 96), 0);
    assert_int_equal(sg_fraud_days_start(&tail, "tail", 96), 0);
    for (int32_t i = 0; i < 2000; i++) {
        float row[96];
        for (uint32_t k = 0; k < 96; k++)
            row[k] = (float)exp(14 * (2 * sg_prng_unit(&p) - 1));
        if (i == 1950)
            row[50] = 4e6f; /* the largest, in both: it sets the grid that loads are rounded to */
        assert_int_equal(sg_fraud_days_add(&all, i, (uint8_t)(i % 7), row, NULL), 0);
        if (i >= 1700)
            assert_int_equal(sg_fraud_days_add(&tail, i, (uint8_t)(i % 7), row, NULL), 0);
    }
    sg_corr_slide(&all, &s, NULL, r_all);
    sg_corr_slide(&tail, &s, NULL, r_tail);
    assert_true(r_tail[180] == r_tail[180]); /* judged */
    assert_memory_equal(r_all + 1880, r_tail + 180, 120 * sizeof(double));
}

static void test_sliding_score(void **state)
{
    (void)state;
    SG_CLEANUP(sg_fraud_days_clear) struct sg_fraud_days d = SG_FRAUD_DAYS_INIT;
    struct sg_corr_sliding s = SG_CORR_SLIDING_DEFAULT;
    double r[150], score = 99, honest;
    make(&d, 24, 10, 4, 0.1);
    assert_int_equal(sg_corr_sliding_score(&d, &s, NULL, r, &score), SG_CORR_NO_TEST);
    assert_true(score == 99);
    make(&d, 24, 150, 4, 0.1);
    assert_int_equal(sg_corr_sliding_score(&d, &s, NULL, r, &honest), 0);
    assert_true(honest < 0.1);
    /* The last 25 days upside down: with a lag of 30 none is its own reference. */
    for (uint32_t i = 125; i < 150; i++)
        for (uint32_t k = 0; k < 24; k++)
            d.load[i * 24 + k] = 5 - d.load[i * 24 + k];
    assert_int_equal(sg_corr_sliding_score(&d, &s, NULL, r, &score), 0);
    assert_true(score > 1.9);
}

static void test_median(void **state)
{
    (void)state;
    struct sg_prng p;
    sg_prng_seed(&p, 1);
    for (uint32_t n = 1; n < 300; n++) {
        double v[300], sorted[300];
        for (uint32_t i = 0; i < n; i++)
            v[i] = (double)sg_prng_below(&p, n % 3 ? 1000000 : 7); /* many equals */
        memcpy(sorted, v, sizeof(v));
        qsort(sorted, n, sizeof(v[0]), ascending);
        double want = n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
        assert_true(sg_corr_median(v, n) == want);
        assert_true(sg_corr_median(sorted, n) == want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_form),
        cmocka_unit_test(test_same_bits_from_every_kernel),
        cmocka_unit_test(test_constant_days),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_kind_without_reference),
        cmocka_unit_test(test_profile_of_somebody_else),
        cmocka_unit_test(test_sliding_by_definition),
        cmocka_unit_test(test_sliding_is_exact),
        cmocka_unit_test(test_sliding_score),
        cmocka_unit_test(test_median),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
