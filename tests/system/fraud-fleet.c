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
#include "fleet.h"
#include "fraud-data.h"
#include "source-int.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/encode.h>
#include <sealgrid/base/metrics.h>
#include <sealgrid/crypto/hash.h>

struct made {
    struct source source;
    struct fraud_data data;
    size_t customers;
    _Atomic size_t next;
    _Atomic int64_t making_ns; /* CPU time of the threads that made them */
};

static int64_t thread_cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* ---- the source ---------------------------------------------------------------------------- */

/* Sums of neighbouring intervals, in place of the customer's own days. */
static int fold_days(const struct sg_fraud_days *from, uint32_t points, struct sg_fraud_days *ret)
{
    const uint32_t each = from->points / points;
    int r = sg_fold(sg_fraud_days_start(ret, from->id, points));
    for (uint32_t i = 0; r == 0 && i < from->n_days; i++) {
        const float *v = sg_fraud_days_row(from, i);
        float day[FRAUD_POINTS] = {0};
        for (uint32_t k = 0; k < from->points; k++)
            day[k / each] += v[k];
        r = sg_fold(sg_fraud_days_add(ret, from->day[i], from->weekday[i], day, NULL));
    }
    return r;
}

static int next_made(struct source *s, struct source_session *v, struct sg_fraud_days *ret,
                     struct source_notes *ret_notes)
{
    static _Thread_local struct sg_fraud_days whole =
        SG_FRAUD_DAYS_INIT; /* as long as the thread */
    struct made *m = (struct made *)s;
    const size_t i = atomic_fetch_add(&m->next, 1);
    const int64_t begun = thread_cpu_ns();
    (void)v;
    if (i >= m->customers)
        return SOURCE_END;
    int r = fraud_data_customer(&m->data, i, s->points == FRAUD_POINTS ? ret : &whole);
    if (r == 0 && s->points != FRAUD_POINTS)
        r = fold_days(&whole, s->points, ret);
    *ret_notes =
        (struct source_notes){.index = i, .readings = FRAUD_DAYS, .last_day = FRAUD_DAYS - 1};
    atomic_fetch_add(&m->making_ns, thread_cpu_ns() - begun);
    return r;
}

static int rewind_made(struct source *s)
{
    ((struct made *)s)->next = 0;
    return 0;
}

static void free_made(struct source *s)
{
    fraud_data_clear(&((struct made *)s)->data);
}

/* ---- both passes --------------------------------------------------------------------------- */

struct times {
    double learn_s, score_s, making_s, score_wall_s;
};

static double seconds_since(int64_t cpu_ns, struct made *m, double *making_s)
{
    const int64_t made = atomic_exchange(&m->making_ns, 0);
    *making_s += (double)made / 1e9;
    return (double)(sg_clock_cpu_ns() - cpu_ns - made) / 1e9;
}

static int run(struct made *m, const struct plan *plan, unsigned threads, struct fleet_result *ret,
               struct times *ret_times)
{
    SG_CLEANUP(sg_som_freep) struct sg_som *map = NULL;
    SG_CLEANUP(sg_full_model_freep) struct sg_full_model *model = NULL;
    struct fleet f = {.plan = plan, .source = &m->source, .threads = threads, .seed = 1};
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

static int report(const struct made *m, const struct plan *plan, unsigned threads,
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
           m->customers, plan_mode_word(plan->mode), m->source.points, threads,
           result->ranking.n - result->ranking.n_unjudged, t->learn_s, t->score_s, t->making_s,
           t->score_wall_s, write_s, (double)m->customers / t->score_s, (long long)peak, hash);
    return 0;
}

static int whole(struct made *m, enum plan_mode mode, unsigned threads)
{
    const struct sg_corr_windows windows = SG_CORR_WINDOWS_DEFAULT;
    const struct plan plan = {
        .mode = mode, .fixed = true, .windows = windows, .least_reference = 7, .least_recent = 3};
    struct fleet_result result = {.suspects = NULL};
    struct times t = {0};
    int r = fraud_data_make(&m->data);
    if (r == 0)
        r = run(m, &plan, threads, &result, &t);
    if (r == 0)
        r = report(m, &plan, threads, &result, &t);
    fleet_result_clear(&result);
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
    static const struct source_kind kind = {
        .next = next_made, .rewind = rewind_made, .free = free_made};
    struct made m = {.source = {.kind = &kind, .points = 24}};
    m.customers = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    m.source.points = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 24;
    m.source.expected = m.customers;
    const unsigned threads = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 1;
    if (m.customers == 0 || threads == 0 || m.source.points == 0 ||
        FRAUD_POINTS % m.source.points != 0) {
        fprintf(stderr, "usage: fraud-fleet CUSTOMERS [MODE [POINTS [THREADS]]]\n");
        return 2;
    }
    int r = whole(&m, mode_of(argc > 2 ? argv[2] : "full"), threads);
    if (r)
        fprintf(stderr, "fraud-fleet: %s\n", r < 0 ? sg_error_trace() : "nothing to learn from");
    source_free(&m.source);
    return r ? 1 : 0;
}
