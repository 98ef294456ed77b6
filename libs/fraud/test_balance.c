/* balance - who takes past the meter is found from the transformer's loss. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sealgrid/base/random.h>
#include <sealgrid/fraud/balance.h>

#define PER_DAY 24
#define DAYS    60
#define PAST    30
#define N       (DAYS * PER_DAY)
#define MOST    40

/* kWh an hour of a village: true loads, and what is reported of them. */
struct village {
    struct sg_prng prng;
    size_t n;
    float drawn[MOST * N], reported[MOST * N], transformer[N];
    struct sg_balance_input in;
    struct sg_balance_customer customer[MOST];
    struct sg_balance_result result;
};

#define NO_LOAD 0.3
#define COPPER  2e-4

static void settle(struct village *v, uint64_t seed, size_t n)
{
    sg_prng_seed(&v->prng, seed);
    v->n = n;
    for (size_t j = 0; j < n; j++) {
        const double mean = 0.3 + 2 * sg_prng_unit(&v->prng);
        const uint32_t peak = (uint32_t)sg_prng_below(&v->prng, 24);
        double wander = 0;
        for (size_t t = 0; t < N; t++) {
            const double away = fabs((double)(t % 24) - peak);
            wander = 0.7 * wander + 0.3 * sg_prng_normal(&v->prng);
            const double w = mean * (0.4 + 1.6 * (fmin(away, 24 - away) < 4)) * exp(wander);
            v->drawn[j * N + t] = v->reported[j * N + t] = (float)w;
        }
    }
}

/* The transformer's meter after all is drawn; class 0.5. */
static void deliver(struct village *v)
{
    for (size_t t = 0; t < N; t++) {
        double sum = 0;
        for (size_t j = 0; j < v->n; j++)
            sum += (double)v->drawn[j * N + t];
        const double with_loss = sum + NO_LOAD + COPPER * sum * sum;
        v->transformer[t] = (float)(with_loss * (1 + 0.003 * sg_prng_normal(&v->prng)));
    }
    v->in = (struct sg_balance_input){.n_customers = v->n,
                                      .n_intervals = N,
                                      .transformer = v->transformer,
                                      .customer = v->reported,
                                      .n_past = PAST * PER_DAY,
                                      .per_day = PER_DAY,
                                      .no_load_kwh = NAN,
                                      .loss_per_kwh2 = NAN};
}

static double stolen(const struct village *v, size_t j)
{
    double sum = 0;
    for (size_t t = PAST * PER_DAY; t < N; t++)
        sum += (double)(v->drawn[j * N + t] - v->reported[j * N + t]);
    return sum;
}

/* What customer j drew in the judged intervals. */
static double drawn_by(const struct village *v, size_t j)
{
    double sum = 0;
    for (size_t t = PAST * PER_DAY; t < N; t++)
        sum += (double)v->drawn[j * N + t];
    return sum;
}

static size_t most(const struct village *v, size_t but)
{
    size_t best = but == 0;
    for (size_t j = 0; j < v->n; j++)
        if (j != but && v->customer[j].kwh > v->customer[best].kwh)
            best = j;
    return best;
}

static struct village *a_village(uint64_t seed, size_t n)
{
    struct village *v = calloc(1, sizeof(*v));
    assert_non_null(v);
    settle(v, seed, n);
    return v;
}

static void solve(struct village *v)
{
    deliver(v);
    assert_int_equal(sg_balance(&v->in, v->customer, &v->result, NULL), 0);
}

static void test_honest(void **state)
{
    struct village *v = a_village(1, 30);
    (void)state;
    solve(v);
    for (size_t j = 0; j < v->n; j++) {
        assert_true(v->customer[j].used);
        if (v->customer[j].sureness >= 0.5)
            fail_msg("customer %zu: share %.3f, sureness %.3f", j, v->customer[j].share,
                     v->customer[j].sureness);
    }
    const double loss = v->result.technical_kwh / v->result.delivered_kwh;
    assert_true(loss > 0.005 && loss < 0.03);
    assert_int_equal(v->result.intervals, (DAYS - PAST) * PER_DAY);
    free(v);
}

/* Two thieves, one of a share, one who is cut off for hours. */
static void test_thieves(void **state)
{
    struct village *v = a_village(2, 30);
    (void)state;
    for (size_t t = PAST * PER_DAY; t < N; t++) {
        v->reported[7 * N + t] *= 0.6f;
        if (t % 24 >= 16 && t % 24 < 23)
            v->reported[19 * N + t] = 0;
    }
    solve(v);
    const size_t first = most(v, SIZE_MAX), second = most(v, first);
    assert_true((first == 7 && second == 19) || (first == 19 && second == 7));
    for (size_t j = 7; j < 20; j += 12) {
        const struct sg_balance_customer *c = &v->customer[j];
        if (fabs(c->kwh - stolen(v, j)) > 0.3 * stolen(v, j))
            fail_msg("customer %zu: %.1f kWh of %.1f", j, c->kwh, stolen(v, j));
        assert_true(c->sureness > 0.5);
    }
    assert_true(fabs(v->customer[7].share - 0.4) < 0.08);
    assert_true(v->customer[7].correlation > 0.2);
    free(v);
}

/* One who begins in the third fifth of the judged days; a transformer's meter that is wrong now and
 * then by far. */
static void test_late_and_outliers(void **state)
{
    struct village *v = a_village(8, 25);
    (void)state;
    for (size_t t = (PAST + 13) * PER_DAY; t < N; t++)
        v->reported[9 * N + t] *= 0.5f;
    deliver(v);
    for (size_t t = PAST * PER_DAY; t < N; t += 23)
        v->transformer[t] *= 4;
    assert_int_equal(sg_balance(&v->in, v->customer, &v->result, NULL), 0);
    assert_int_equal(most(v, SIZE_MAX), 9);
    const struct sg_balance_customer *c = &v->customer[9];
    /* Of the fifth in which it begins some is lost. */
    if (fabs(c->kwh - stolen(v, 9)) > 0.35 * stolen(v, 9) || c->sureness < 0.7)
        fail_msg("%.1f kWh of %.1f, sureness %.2f", c->kwh, stolen(v, 9), c->sureness);
    free(v);
}

/* Without any past a share is found all the same; technical losses may be given. */
static void test_without_past(void **state)
{
    struct village *v = a_village(3, 20);
    (void)state;
    for (size_t t = 0; t < N; t++)
        v->reported[4 * N + t] *= 0.5f;
    deliver(v);
    v->in.n_past = 0;
    v->in.no_load_kwh = NO_LOAD;
    v->in.loss_per_kwh2 = COPPER;
    assert_int_equal(sg_balance(&v->in, v->customer, &v->result, NULL), 0);
    assert_int_equal(most(v, SIZE_MAX), 4);
    assert_true(fabs(v->customer[4].share - 0.5) < 0.05);
    assert_true(fabs(v->result.no_load_kwh - NO_LOAD) < 1e-12);
    free(v);
}

/* One whose readings are missing, one who never had a meter, an outlier of the transformer. */
static void test_missing(void **state)
{
    struct village *v = a_village(4, 25);
    (void)state;
    for (size_t t = PAST * PER_DAY; t < N; t++)
        v->reported[11 * N + t] *= 0.4f;
    deliver(v);
    for (size_t t = 0; t < N; t += 2)
        v->reported[3 * N + t] = NAN;
    v->reported[5 * N + N - 7] = NAN;
    v->transformer[N - 30] *= 3;
    v->in.n_customers = 24; /* the last one is in nobody's list */
    assert_int_equal(sg_balance(&v->in, v->customer, &v->result, NULL), 0);
    assert_false(v->customer[3].used);
    assert_true(v->customer[5].used);
    /* The outlier is more than anybody could draw. */
    assert_int_equal(v->result.intervals, (DAYS - PAST) * PER_DAY - 1);
    assert_int_equal(most(v, SIZE_MAX), 11);
    assert_true(fabs(v->customer[11].share - 0.6) < 0.15);
    free(v);
}

static bool fits(const struct village *v, const float *rest, const float *load)
{
    struct sg_balance_match match;
    assert_int_equal(sg_balance_match(&v->in, rest, load, &match), 0);
    return match.fits;
}

/* A customer of the second village stands in the list of the first. */
static void test_listed_elsewhere(void **state)
{
    struct village *v = a_village(31, 20), *u = a_village(32, 25);
    float *rest = calloc(2 * N, sizeof(*rest));
    (void)state;
    assert_non_null(rest);
    deliver(v);
    deliver(u);
    memcpy(v->reported + 20 * N, u->reported + 24 * N, N * sizeof(float));
    v->in.n_customers = 21;
    u->in.n_customers = 24;
    assert_int_equal(sg_balance(&v->in, v->customer, &v->result, rest), 0);
    assert_int_equal(sg_balance(&u->in, u->customer, &u->result, rest + N), 0);
    for (size_t j = 0; j < 21; j++) {
        assert_int_equal(v->customer[j].elsewhere, j == 20);
        assert_true(v->customer[j].sureness < 0.3);
    }
    for (size_t j = 0; j < 24; j++) {
        assert_false(u->customer[j].elsewhere);
        assert_true(u->customer[j].sureness < 0.3);
    }
    assert_int_equal(v->result.findings, 0);
    assert_int_equal(u->result.findings, SG_BALANCE_UNLISTED);
    assert_true(fabs(u->result.unexplained_kwh - drawn_by(u, 24)) < 0.3 * drawn_by(u, 24));
    assert_true(fits(u, rest + N, v->reported + 20 * N));
    assert_false(fits(u, rest + N, v->reported));
    assert_false(fits(v, rest, v->reported + 20 * N));
    free(rest);
    free(v);
    free(u);
}

static void test_wrong_ratio(void **state)
{
    struct village *v = a_village(33, 20);
    (void)state;
    deliver(v);
    for (size_t t = 0; t < N; t++)
        v->transformer[t] *= 1.5f;
    assert_int_equal(sg_balance(&v->in, v->customer, &v->result, NULL), 0);
    assert_int_equal(v->result.findings, SG_BALANCE_RATIO);
    assert_true(fabs(v->result.ratio - 1.5) < 0.05);
    for (size_t j = 0; j < 20; j++)
        assert_true(v->customer[j].sureness < 0.3);
    free(v);
}

/* Every third customer hangs on a phase that the transformer's meter does not see. */
static void test_phase_missing(void **state)
{
    struct village *v = a_village(34, 24);
    (void)state;
    deliver(v);
    for (size_t j = 0; j < 24; j += 3)
        for (size_t t = 0; t < N; t++)
            v->transformer[t] -= v->drawn[j * N + t];
    assert_int_equal(sg_balance(&v->in, v->customer, &v->result, NULL), 0);
    assert_int_equal(v->result.findings, SG_BALANCE_PHASE);
    for (size_t j = 0; j < 24; j++)
        assert_true(!v->customer[j].elsewhere && v->customer[j].sureness < 0.3);
    free(v);
}

/* The transformer's clock is two intervals late; a thief is found all the same. */
static void test_clock(void **state)
{
    struct village *v = a_village(35, 20);
    (void)state;
    for (size_t t = 0; t < N; t++)
        v->reported[6 * N + t] *= 0.5f;
    deliver(v);
    memmove(v->transformer + 2, v->transformer, (N - 2) * sizeof(float));
    assert_int_equal(sg_balance(&v->in, v->customer, &v->result, NULL), 0);
    assert_int_equal(v->result.findings, SG_BALANCE_CLOCK);
    assert_int_equal(v->result.clock_late, 2);
    assert_int_equal(most(v, SIZE_MAX), 6);
    assert_true(v->customer[6].sureness > 0.5);
    free(v);
}

/* Street lights and a household that nobody lists accuse nobody; lacking readings are told. */
static void test_not_listed(void **state)
{
    struct village *v = a_village(36, 20);
    (void)state;
    for (size_t t = 0; t < N; t++)
        v->drawn[3 * N + t] += (t % 24 >= 18 || t % 24 < 6) ? 2 : 0;
    deliver(v);
    v->in.n_customers = 19;
    for (size_t t = PAST * PER_DAY; t < N; t += 9)
        v->transformer[t] = NAN;
    assert_int_equal(sg_balance(&v->in, v->customer, &v->result, NULL), 0);
    assert_int_equal(v->result.findings, SG_BALANCE_UNLISTED | SG_BALANCE_LACKING);
    assert_true(fabs(v->result.lacking - 1.0 / 9) < 0.001);
    for (size_t j = 0; j < 19; j++)
        assert_true(v->customer[j].sureness < 0.3);
    free(v);
}

/* Whatever the shape: an answer with finite numbers, or too few. */
static void check_shape(struct village *v, uint32_t per_day, size_t days, size_t past, size_t tail)
{
    float rest[N];
    v->in.per_day = per_day;
    v->in.n_intervals = per_day * days + tail;
    v->in.n_past = per_day * past;
    const int r = sg_balance(&v->in, v->customer, &v->result, rest);
    if (r == SG_BALANCE_TOO_FEW)
        return;
    assert_int_equal(r, 0);
    for (size_t j = 0; j < v->in.n_customers; j++) {
        const struct sg_balance_customer *c = &v->customer[j];
        assert_true(c->sureness >= 0 && c->sureness <= 1 && c->share >= 0 && c->share <= 1);
        assert_true(isfinite(c->kwh) && isfinite(c->weight) && fabs(c->correlation) <= 1);
    }
    assert_true(isfinite(v->result.unexplained_kwh) && isfinite(v->result.technical_kwh));
    assert_true(v->result.technical_kwh >= 0 && v->result.intervals >= 48);
}

static void test_shapes(void **state)
{
    static const uint32_t per_day[] = {1, 2, 12, 23, 24, 48, 96};
    struct village *v = a_village(41, 6);
    (void)state;
    deliver(v);
    for (int fill = 0; fill < 4; fill++) {
        for (size_t t = 0; t < N; t++) {
            if (fill == 1) /* nobody draws anything */
                v->transformer[t] = v->reported[N + t] = v->reported[t] = 0;
            if (fill == 2) /* readings of one are missing */
                v->reported[2 * N + t] = NAN;
            if (fill == 3) /* of all */
                for (size_t j = 0; j < 6; j++)
                    v->reported[j * N + t] = NAN;
        }
        for (size_t i = 0; i < sizeof(per_day) / sizeof(per_day[0]); i++) {
            const size_t days = N / per_day[i] < 60 ? N / per_day[i] : 60;
            check_shape(v, per_day[i], days, 0, 0);
            check_shape(v, per_day[i], days - 1, days / 2, per_day[i] / 2);
            check_shape(v, per_day[i], days, days - 1, 0);
            check_shape(v, per_day[i], days, 2, 0);
        }
    }
    free(v);
}

static void test_refusals(void **state)
{
    struct village *v = a_village(6, 10);
    (void)state;
    deliver(v);
    v->customer[0].kwh = 77;
    v->in.per_day = 0;
    assert_int_equal(sg_balance(&v->in, v->customer, &v->result, NULL), -EINVAL);
    v->in.per_day = PER_DAY;
    v->in.n_past = N;
    assert_int_equal(sg_balance(&v->in, v->customer, &v->result, NULL), -EINVAL);
    v->in.n_past = (DAYS - 1) * PER_DAY;
    assert_int_equal(sg_balance(&v->in, v->customer, &v->result, NULL), SG_BALANCE_TOO_FEW);
    v->in.n_past = 0;
    v->in.n_customers = SG_BALANCE_CUSTOMERS_MAX + 1;
    assert_int_equal(sg_balance(&v->in, v->customer, &v->result, NULL), -EINVAL);
    assert_true(v->customer[0].kwh == 77);
    free(v);
}

/* Whoever drops its readings is left out; no neighbour whose load goes up and down with it is
 * accused in its place. */
static void test_dropped_readings_accuse_nobody(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed < 15; seed++) {
        struct village *v = a_village(seed, 20);
        for (size_t t = PAST * PER_DAY; t < N; t++)
            v->reported[3 * N + t] = NAN;
        solve(v);
        assert_false(v->customer[3].used);
        assert_true(v->result.unexplained_kwh > 0.6 * drawn_by(v, 3));
        for (size_t j = 0; j < v->n; j++)
            if (v->customer[j].sureness >= 0.5)
                fail_msg("seed %d, customer %zu: share %.3f, sureness %.3f", (int)seed, j,
                         v->customer[j].share, v->customer[j].sureness);
        free(v);
    }
}

/* Every customer lacks one day in ten, each others: together they would leave none. */
static void test_a_few_gaps_of_each(void **state)
{
    struct village *v = a_village(21, 30);
    (void)state;
    for (size_t t = PAST * PER_DAY; t < N; t++)
        v->reported[8 * N + t] *= 0.4f;
    for (size_t j = 0; j < v->n; j++)
        for (size_t t = 0; t < N; t++)
            if ((t / PER_DAY + j) % 10 == 0)
                v->reported[j * N + t] = NAN;
    solve(v);
    assert_int_equal(v->result.intervals, (DAYS - PAST) * PER_DAY);
    assert_int_equal(most(v, SIZE_MAX), 8);
    assert_true(v->customer[8].sureness > 0.5);
    for (size_t j = 0; j < v->n; j++)
        if (j != 8 && v->customer[j].sureness >= 0.5)
            fail_msg("customer %zu: share %.3f, sureness %.3f", j, v->customer[j].share,
                     v->customer[j].sureness);
    free(v);
}

/* Two customers of one and the same load: the loss is shared, nobody gets more than there is. */
static void test_twins(void **state)
{
    struct village *v = a_village(7, 10);
    (void)state;
    for (size_t t = 0; t < N; t++)
        v->drawn[N + t] = v->reported[N + t] = v->drawn[t];
    for (size_t t = PAST * PER_DAY; t < N; t++)
        v->reported[t] = v->reported[N + t] = v->drawn[t] * 0.5f;
    solve(v);
    const double found = v->customer[0].kwh + v->customer[1].kwh;
    assert_true(fabs(found - stolen(v, 0) - stolen(v, 1)) < 0.2 * found);
    free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest),
        cmocka_unit_test(test_thieves),
        cmocka_unit_test(test_without_past),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_listed_elsewhere),
        cmocka_unit_test(test_wrong_ratio),
        cmocka_unit_test(test_phase_missing),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_not_listed),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_twins),
        cmocka_unit_test(test_late_and_outliers),
        cmocka_unit_test(test_dropped_readings_accuse_nobody),
        cmocka_unit_test(test_a_few_gaps_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
