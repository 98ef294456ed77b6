/* fraud-balance - transformers of three sizes against their customers, beside the least that any
 * fit must do: the products of all loads with each other. */
#include "fraud-int.h"

#include <math.h>
#include <stdlib.h>

#include <sealgrid/base/random.h>
#include <sealgrid/fraud/balance.h>

#define PER_DAY 96
#define DAYS    120
#define PAST    90
#define N       ((size_t)PER_DAY * DAYS)

struct village {
    size_t n;
    float *load, *transformer; /* n rows of N; N */
    struct sg_balance_customer *customers;
    double sum;
};

/* Loads of random hours and spikes; customer 0 passes half of its load by the meter. */
static void settle(struct village *v)
{
    struct sg_prng prng;
    sg_prng_seed(&prng, v->n);
    for (size_t j = 0; j < v->n; j++) {
        const size_t peak = (size_t)sg_prng_below(&prng, PER_DAY);
        for (size_t t = 0; t < N; t++) {
            const size_t away = (t + PER_DAY - peak) % PER_DAY;
            const double kwh = (0.05 + (away < 16 ? 0.15 : 0)) * (0.5 + sg_prng_unit(&prng)) +
                               (sg_prng_below(&prng, 40) == 0 ? 0.5 : 0);
            v->transformer[t] += (float)(kwh * 1.01);
            v->load[j * N + t] = (float)(j == 0 ? kwh / 2 : kwh);
        }
    }
}

static int village_make(struct village *v, size_t n)
{
    *v = (struct village){.n = n};
    v->load = calloc(n * N, sizeof(*v->load));
    v->transformer = calloc(N, sizeof(*v->transformer));
    v->customers = calloc(n, sizeof(*v->customers));
    if (!v->load || !v->transformer || !v->customers)
        return sg_raise(-ENOMEM);
    settle(v);
    return 0;
}

static void village_clear(struct village *v)
{
    free(v->load);
    free(v->transformer);
    free(v->customers);
}

static int balance(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct village *v = ctx;
    struct sg_balance_result result;
    const struct sg_balance_input in = {.n_customers = v->n,
                                        .n_intervals = N,
                                        .transformer = v->transformer,
                                        .customer = v->load,
                                        .n_past = (size_t)PER_DAY * PAST,
                                        .per_day = PER_DAY,
                                        .no_load_kwh = NAN,
                                        .loss_per_kwh2 = NAN};
    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++) {
        int r = sg_fold(sg_balance(&in, v->customers, &result, NULL));
        if (r)
            return r;
        if (v->customers[0].sureness < 0.5)
            return sg_raisef(-EBADMSG, "the thief is not found: %.2f", v->customers[0].sureness);
    }
    return 0;
}

static int products(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct village *v = ctx;
    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++)
        for (size_t j = 0; j < v->n; j++)
            for (size_t k = 0; k <= j; k++) {
                const float *a = v->load + j * N, *b = v->load + k * N;
                double sum = 0;
                for (size_t t = 0; t < N; t++)
                    sum += (double)a[t] * (double)b[t];
                v->sum += sum;
            }
    return v->sum > 0 ? 0 : sg_raise(-EBADMSG);
}

static int measure(struct bench *s, const char *name, size_t n)
{
    SG_CLEANUP(village_clear) struct village v = {.n = 0};
    const struct sg_bench_line line = {.name = name,
                                       .unit = "customers/s",
                                       .per_unit = (double)n,
                                       .cpu = true,
                                       .laps = fraud_laps(s, 5),
                                       .note = "120 days of 96, 90 of them past; theirs: products "
                                               "of all loads with each other and nothing else",
                                       .ours = {"sealgrid", balance, &v},
                                       .theirs = {"products alone", products, &v}};
    int r = village_make(&v, n);
    return r ? r : sg_bench_pair(s->b, &line);
}

int fraud_measure_balance(struct bench *s)
{
    int r = measure(s, "transformer of 10 customers", 10);
    if (r == 0)
        r = measure(s, "transformer of 50 customers", 50);
    return r ? r : measure(s, "transformer of 200 customers", 200);
}
