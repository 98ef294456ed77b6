/*
 * fraud-fleet CUSTOMERS [MODE [POINTS [THREADS]]] - the two passes of sealgrid-fraud over
 * a fleet of any size that nobody has to store: customers of 120 days are made when they are asked
 * for (bench/suites/fraud-data.h).  MODE correlation, paper or full (default); POINTS a day 24
 * (default), 48 or 96.
 *
 * Standard output: one JSON object: customers, points, threads; CPU seconds of the first pass with
 * what is learnt from it and of the second, those of making the customers apart; seconds on the
 * clock of the second with making them; CPU seconds of writing the ranking and hashing the file;
 * peak resident octets, all that included; the file's SHA-256.
 */
#include "fraud-made.h"

#include <stdio.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/metrics.h>
#include <sealgrid/crypto/hash.h>

/* ---- both passes --------------------------------------------------------------------------- */

struct times {
    double learn_s, score_s, making_s, score_wall_s;
};

static double seconds_since(int64_t cpu_ns, struct fraud_made *m, double *making_s)
{
    const int64_t made = fraud_made_ns(m);
    *making_s += (double)made / 1e9;
    return (double)(sg_clock_cpu_ns() - cpu_ns - made) / 1e9;
}

static int run(struct fraud_made *m, const struct plan *plan, unsigned threads,
               struct fleet_result *ret, struct times *ret_times)
{
    SG_CLEANUP(sg_som_freep) struct sg_som *map = NULL;
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *model = NULL;
    struct fleet f = {.plan = plan, .source = fraud_made_source(m), .threads = threads, .seed = 1};
    int64_t begun = sg_clock_cpu_ns();
    double error;
    int r = plan->mode == MODE_FULL    ? fleet_learn(&f, &model)
            : plan->mode == MODE_PAPER ? fleet_train(&f, &map, &error)
                                       : 0;
    ret_times->learn_s = seconds_since(begun, m, &ret_times->making_s);
    if (r)
        return r;
    f.full = model;
    const int64_t wall = sg_clock_monotonic_ns();
    begun = sg_clock_cpu_ns();
    r = fleet_score(&f, map, ret);
    ret_times->score_wall_s = (double)(sg_clock_monotonic_ns() - wall) / 1e9;
    ret_times->score_s = seconds_since(begun, m, &ret_times->making_s);
    return r;
}

/* Of the file of the ranking, which is written as the program does. */
static int hash_ranking(const struct fleet_result *result, const struct plan *plan, char ret[65])
{
    const char *folder = getenv("TMPDIR");
    uint8_t hash[32];
    char path[256];
    snprintf(path, sizeof(path), "%.200s/sealgrid-fleet-%d.csv", folder ? folder : "/var/tmp",
             (int)getpid());
    int r = ranking_write(&result->ranking, plan, path);
    if (r == 0)
        r = sg_sha256_file(path, hash);
    unlink(path);
    if (r)
        return r;
    sg_hex(ret, hash, 32);
    ret[64] = '\0';
    return 0;
}

static int report(const struct plan *plan, uint32_t points, unsigned threads,
                  const struct fleet_result *result, const struct times *t)
{
    char hash[65];
    const int64_t begun = sg_clock_cpu_ns();
    int r = hash_ranking(result, plan, hash);
    const double write_s = (double)(sg_clock_cpu_ns() - begun) / 1e9;
    const int64_t peak = sg_metrics_peak_rss();
    if (r)
        return r;
    printf("{\"customers\":%zu,\"mode\":\"%s\",\"points\":%u,\"threads\":%u,\"judged\":%zu,"
           "\"learn_cpu_s\":%.3f,\"score_cpu_s\":%.3f,\"making_cpu_s\":%.3f,\"score_wall_s\":%.3f,"
           "\"write_cpu_s\":%.3f,"
           "\"customers_per_cpu_s\":%.0f,\"peak_rss_bytes\":%lld,\"ranking_sha256\":\"%s\"}\n",
           result->ranking.n, plan_mode_word(plan->mode), points, threads,
           result->ranking.n - result->ranking.n_unjudged, t->learn_s, t->score_s, t->making_s,
           t->score_wall_s, write_s, (double)result->ranking.n / t->score_s, (long long)peak, hash);
    return 0;
}

static int whole(size_t customers, enum plan_mode mode, uint32_t points, unsigned threads)
{
    const struct sg_corr_windows windows = SG_CORR_WINDOWS_DEFAULT;
    const struct plan plan = {
        .mode = mode, .fixed = true, .windows = windows, .least_reference = 7, .least_recent = 3};
    struct fleet_result result = {.suspects = NULL};
    struct fraud_data data = {.load = NULL};
    struct fraud_made *m = NULL;
    struct times t = {0};
    int r = fraud_data_make(&data);
    if (r == 0)
        r = fraud_made_new(&m, &data, points);
    if (r == 0)
        fraud_made_resize(m, customers);
    if (r == 0)
        r = run(m, &plan, threads, &result, &t);
    if (r == 0)
        r = report(&plan, points, threads, &result, &t);
    fleet_result_clear(&result);
    fraud_made_free(m);
    fraud_data_clear(&data);
    return r;
}

static enum plan_mode mode_of(const char *word)
{
    for (enum plan_mode m = MODE_CORRELATION; m < MODE_FULL; m++)
        if (!strcmp(word, plan_mode_word(m)))
            return m;
    return MODE_FULL;
}

int main(int argc, char **argv)
{
    const size_t customers = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    const uint32_t points = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 24;
    const unsigned threads = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 1;
    if (customers == 0 || threads == 0 || points == 0 || FRAUD_POINTS % points != 0) {
        fprintf(stderr, "usage: fraud-fleet CUSTOMERS [MODE [POINTS [THREADS]]]\n");
        return 2;
    }
    int r = whole(customers, mode_of(argc > 2 ? argv[2] : "full"), points, threads);
    if (r)
        fprintf(stderr, "fraud-fleet: %s\n", r < 0 ? sg_error_trace() : "nothing to learn from");
    return r ? 1 : 0;
}
