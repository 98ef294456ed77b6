/*
 * balance-frauds [--villages N] [--seed S] [--json]
 *
 * Transformers with 20 to 60 customers each, read every hour: thirty days of habit, thirty judged.
 * Meters have errors of class 1, the transformer's of class 0.5; one customer in twelve steals from
 * some day of the first half of the judged ones on, in the ways below; every fourth transformer has
 * a customer whom nobody lists, every third one whose readings stop.  Found: sureness of at least
 * one half (fraud/balance.h).
 *
 * Exit 0 if 25 % of the thieves who lower their own registered load are found at 2 % false alarms
 * or fewer, and the energy told of them is right within 40 % in the median.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sealgrid/base/random.h>
#include <sealgrid/fraud/balance.h>
#include <sealgrid/fraud/judge.h>

#define PER_DAY 24
#define DAYS    60
#define PAST    30
#define N       (DAYS * PER_DAY)
#define MOST    61

/* T(ID, "name") */
#define THEFTS(T)                                                                                  \
    T(NONE, "honest")                                                                              \
    T(SHARE, "share of the load") /* 10..80 % left */                                              \
    T(HOURS, "off for hours")     /* 4..12 h a day */                                              \
    T(CUT, "peaks cut")           /* at 0.6..1.5 of the mean */                                    \
    T(AMOUNT, "an amount off")    /* 0.3..0.8 of the mean */                                       \
    T(LINE, "a line of its own")  /* 0.2..1 of the mean, at all hours, not in step */
enum theft {
#define T(id, name) THEFT_##id,
    THEFTS(T)
#undef T
        N_THEFTS
};
static const char *const theft_names[N_THEFTS] = {
#define T(id, name) name,
    THEFTS(T)
#undef T
};

struct village {
    struct sg_prng prng;
    size_t n; /* customers, the last one perhaps in nobody's list */
    enum theft theft[MOST];
    double stolen[MOST]; /* kWh of the judged days */
    float drawn[MOST * N], reported[MOST * N], transformer[N];
};

struct tally {
    struct sg_judge_case *cases;
    size_t n, n_theft[N_THEFTS], found[N_THEFTS];
    double *error; /* of the energy told, relative, of those found */
    size_t n_errors;
};

static double between(struct sg_prng *p, double lo, double hi)
{
    return lo + (hi - lo) * sg_prng_unit(p);
}

/* ---- a village ------------------------------------------------------------------------------ */

static void draw_load(struct village *v, size_t j)
{
    struct sg_prng *p = &v->prng;
    const double mean = 0.4 * exp(0.7 * sg_prng_normal(p)), base = between(p, 0.2, 0.8);
    const double sigma_hour = between(p, 0.15, 0.6), sigma_day = between(p, 0.05, 0.3);
    const double peak = between(p, 0, 24), width = between(p, 2, 5), weekend = between(p, 0.5, 1.2);
    double day = 0, hour = 0;
    for (size_t t = 0; t < N; t++) {
        const double away = fabs((double)(t % 24) - peak), x = fmin(away, 24 - away) / width;
        if (t % 24 == 0)
            day = 0.5 * day + sigma_day * sg_prng_normal(p);
        hour = 0.5 * hour + sigma_hour * sg_prng_normal(p);
        v->drawn[j * N + t] = (float)(mean * (base + 2 * (1 - base) * exp(-x * x)) *
                                      (t / 24 % 7 >= 5 ? weekend : 1) * exp(day + hour));
    }
}

static double mean_of(const float *load)
{
    double sum = 0;
    for (size_t t = 0; t < N; t++)
        sum += (double)load[t];
    return sum / N;
}

static void steal(struct village *v, size_t j)
{
    struct sg_prng *p = &v->prng;
    const double mean = mean_of(v->drawn + j * N), left = between(p, 0.1, 0.8);
    const double cut = between(p, 0.6, 1.5) * mean, amount = between(p, 0.3, 0.8) * mean;
    const double line = between(p, 0.2, 1) * mean;
    const size_t from = (size_t)sg_prng_below(p, 24), hours = 4 + (size_t)sg_prng_below(p, 9);
    const size_t begun = PAST + (size_t)sg_prng_below(p, 16);
    for (size_t t = begun * PER_DAY; t < N; t++) {
        float *reported = &v->reported[j * N + t], *drawn = &v->drawn[j * N + t];
        const double x = (double)*reported;
        if (v->theft[j] == THEFT_SHARE)
            *reported = (float)(x * left);
        else if (v->theft[j] == THEFT_HOURS && (t % 24 + 24 - from) % 24 < hours)
            *reported = 0;
        else if (v->theft[j] == THEFT_CUT)
            *reported = (float)fmin(x, cut);
        else if (v->theft[j] == THEFT_AMOUNT)
            *reported = (float)fmax(x - amount, 0);
        else if (v->theft[j] == THEFT_LINE)
            *drawn = (float)((double)*drawn + line);
        v->stolen[j] += (double)*drawn - (double)*reported;
    }
}

static void settle(struct village *v, uint64_t seed, uint32_t index)
{
    sg_prng_seed2(&v->prng, seed, UINT64_C(0x76696c6c) << 32 | index);
    v->n = 20 + (size_t)sg_prng_below(&v->prng, 41);
    for (size_t j = 0; j < v->n; j++) {
        const double gain = between(&v->prng, 0.99, 1.01);
        draw_load(v, j);
        for (size_t t = 0; t < N; t++)
            v->reported[j * N + t] = (float)((double)v->drawn[j * N + t] * gain);
        v->stolen[j] = 0;
        v->theft[j] =
            sg_prng_below(&v->prng, 12) ? THEFT_NONE : (enum theft)(1 + sg_prng_below(&v->prng, 5));
        steal(v, j);
    }
}

/* Losses of iron and copper: 0.4 % of the mean, and 1.5 % at twice the mean. */
static void deliver(struct village *v)
{
    double mean = 0;
    for (size_t j = 0; j < v->n; j++)
        mean += mean_of(v->drawn + j * N);
    const double iron = 0.004 * mean, copper = 0.015 / (2 * mean);
    const double gain = between(&v->prng, 0.995, 1.005);
    for (size_t t = 0; t < N; t++) {
        double sum = 0;
        for (size_t j = 0; j < v->n; j++)
            sum += (double)v->drawn[j * N + t];
        v->transformer[t] = (float)((sum + iron + copper * sum * sum) * gain *
                                    (1 + 0.002 * sg_prng_normal(&v->prng)));
    }
}

/* ---- judging -------------------------------------------------------------------------------- */

static void note(struct tally *out, const struct village *v, size_t j,
                 const struct sg_balance_customer *c)
{
    const enum theft theft = v->theft[j];
    out->n_theft[theft]++;
    if (theft != THEFT_LINE) /* nothing of it shows in its own load: not asked for */
        out->cases[out->n++] = (struct sg_judge_case){
            .score = c->sureness, .energy = v->stolen[j], .thief = theft != THEFT_NONE};
    if (c->sureness < 0.5)
        return;
    out->found[theft]++;
    if (theft != THEFT_NONE && theft != THEFT_LINE)
        out->error[out->n_errors++] = fabs(c->kwh - v->stolen[j]) / v->stolen[j];
}

static int run_village(uint64_t seed, uint32_t index, struct village *v, struct tally *out)
{
    struct sg_balance_customer customer[MOST];
    struct sg_balance_result result;
    settle(v, seed, index);
    deliver(v);
    const size_t listed = v->n - (index % 4 == 0), stopped = index % 3 == 0 ? 2 : SIZE_MAX;
    if (stopped != SIZE_MAX)
        for (size_t t = (PAST + 10) * PER_DAY; t < N; t++)
            v->reported[stopped * N + t] = NAN;
    const struct sg_balance_input in = {.n_customers = listed,
                                        .n_intervals = N,
                                        .transformer = v->transformer,
                                        .customer = v->reported,
                                        .n_past = PAST * PER_DAY,
                                        .per_day = PER_DAY,
                                        .no_load_kwh = NAN,
                                        .loss_per_kwh2 = NAN};
    int r = sg_balance(&in, customer, &result, NULL);
    for (size_t j = 0; r == 0 && j < listed; j++)
        if (j != stopped)
            note(out, v, j, &customer[j]);
    return r;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int tell(struct tally *out, uint64_t seed, bool json, bool *good)
{
    static const struct sg_judge_figure wanted[] = {{SG_JUDGE_AUC, 0},
                                                    {SG_JUDGE_AVERAGE_PRECISION, 0}};
    const struct sg_judge_rounds rounds = {200, seed, 0.95};
    struct sg_judge_interval f[2];
    size_t found = 0, own = 0;
    int r = sg_judge(out->cases, out->n, wanted, 2, &rounds, f);
    if (r)
        return r;
    qsort(out->error, out->n_errors, sizeof(*out->error), by_value);
    const double median = out->n_errors ? out->error[out->n_errors / 2] : NAN;
    for (int k = 1; k < THEFT_LINE; k++) {
        found += out->found[k];
        own += out->n_theft[k];
    }
    const double recall = (double)found / (double)own,
                 alarms = (double)out->found[THEFT_NONE] / (double)out->n_theft[THEFT_NONE];
    *good = recall >= 0.25 && alarms <= 0.02 && median < 0.4;
    printf(json
               ? "{\"found\":%.4f,\"false_alarms\":%.4f,\"auc\":%.4f,\"auc_low\":%.4f,"
                 "\"auc_high\":%.4f,\"average_precision\":%.4f,\"energy_error\":%.4f,\"types\":{"
               : "found %.4f at false alarms %.4f; AUC %.4f [%.4f, %.4f], AP %.4f; energy wrong by "
                 "%.3f in the median\n",
           recall, alarms, f[0].value, f[0].low, f[0].high, f[1].value, median);
    for (int k = json; k < N_THEFTS; k++)
        printf(json ? "%s\"%s\":[%zu,%zu]" : "%s  %-20s %6zu %6zu\n", json && k > 1 ? "," : "",
               theft_names[k], out->n_theft[k], out->found[k]);
    printf(json ? "}}\n" : "");
    return 0;
}

int main(int argc, char **argv)
{
    uint32_t villages = 40;
    uint64_t seed = 7001;
    bool json = false, good = false;
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--json"))
            json = true;
        else if (!strcmp(argv[i], "--villages") && i + 1 < argc)
            villages = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 10);
        else
            return 2;
    struct village *v = malloc(sizeof(*v));
    struct tally out = {.cases = calloc((size_t)villages * MOST + 1, sizeof(*out.cases)),
                        .error = calloc((size_t)villages * MOST + 1, sizeof(*out.error))};
    int r = v && out.cases && out.error && villages ? 0 : sg_raise(-ENOMEM);
    for (uint32_t i = 0; r == 0 && i < villages; i++)
        r = run_village(seed, i, v, &out);
    if (r == 0)
        r = tell(&out, seed, json, &good);
    free(v);
    free(out.cases);
    free(out.error);
    if (r)
        fprintf(stderr, "balance-frauds: %s\n", sg_error_trace());
    return r ? 2 : good ? 0 : 1;
}
