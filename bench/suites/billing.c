/*
 * billing - a client's month of quarter hours (31 day blocks, 2,976 readings): the bill from its
 * evidence file, and its audit, in memory and as the programs do them, beside the hashes and
 * signatures in them alone (billing-bare.c); on one core, and on all of the machine at once.
 * And three lengths of a bill, for its growth.
 */
#include "suites.h"

#include <sealgrid/base/cleanup.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "billing-month.h"

#define MONTH       31
#define YEAR        365
#define THREADS_MAX 64
#define GOAL        0.5 /* not more than twice what is in it */

/* ---- one core ------------------------------------------------------------------------------ */

static int ours_bill(void *ctx, uint64_t n, int64_t *ret_ns)
{
    int r = 0;
    (void)ret_ns;
    for (uint64_t i = 0; i < n && !r; i++)
        r = billing_month_bill(ctx);
    return r;
}

static int ours_audit(void *ctx, uint64_t n, int64_t *ret_ns)
{
    int r = 0;
    (void)ret_ns;
    for (uint64_t i = 0; i < n && !r; i++)
        r = billing_month_audit(ctx);
    return r;
}

static int bare_bill(void *ctx, uint64_t n, int64_t *ret_ns)
{
    int r = 0;
    (void)ret_ns;
    for (uint64_t i = 0; i < n && !r; i++)
        r = billing_bare_hashes(ctx);
    return r;
}

static int bare_audit(void *ctx, uint64_t n, int64_t *ret_ns)
{
    int r = 0;
    (void)ret_ns;
    for (uint64_t i = 0; i < n && !r; i++) {
        r = billing_bare_hashes(ctx);
        if (!r)
            r = billing_bare_signatures(ctx);
    }
    return r;
}

/* ---- all cores ----------------------------------------------------------------------------- */

/* A thread's own month, and the same of OpenSSL's. */
struct hand {
    struct billing_month month;
    struct billing_bare bare;
    int (*run)(void *ctx, uint64_t n, int64_t *ret_ns);
    void *ctx;
    uint64_t n;
    int failure;
};
struct crew {
    struct hand *hands;
    unsigned n;
};

static void clear_crew(struct crew *c)
{
    for (unsigned i = 0; i < c->n; i++) {
        billing_month_clear(&c->hands[i].month);
        billing_bare_clear(&c->hands[i].bare);
    }
    free(c->hands);
}

static unsigned cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);

    return n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

static int make_crew(struct crew *c)
{
    unsigned n = cores();
    int r = 0;

    c->hands = calloc(n, sizeof(*c->hands));
    if (!c->hands)
        return sg_raise(-ENOMEM);
    while (c->n < n && !r) {
        struct hand *h = &c->hands[c->n++];
        r = billing_month_make(&h->month, SG_SIGN_ES256, MONTH);
        if (!r)
            r = billing_bare_make(&h->bare, &h->month);
    }
    return r;
}

static void *work(void *arg)
{
    struct hand *h = arg;
    int64_t ns;

    h->failure = h->run(h->ctx, h->n, &ns);
    if (h->failure)
        fprintf(stderr, "billing: %s\n", sg_error_trace()); /* traces belong to their threads */
    return NULL;
}

/* n months or more, the same number for each; the last hand is this thread. */
static int together(struct crew *c, uint64_t n)
{
    pthread_t threads[THREADS_MAX];
    unsigned started = 0;
    int r = 0;

    for (unsigned i = 0; i < c->n; i++)
        c->hands[i].n = (n + c->n - 1) / c->n;
    while (started + 1 < c->n && !r) {
        r = -pthread_create(&threads[started], NULL, work, &c->hands[started]);
        started += r == 0;
    }
    if (!r)
        work(&c->hands[c->n - 1]);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < c->n && !r; i++)
        r = c->hands[i].failure;
    return r ? sg_raise(-EIO) : 0;
}

static int crew_bill(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct crew *c = ctx;
    (void)ret_ns;
    for (unsigned i = 0; i < c->n; i++) {
        c->hands[i].run = ours_bill;
        c->hands[i].ctx = &c->hands[i].month;
    }
    return together(c, n);
}

static int crew_bare(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct crew *c = ctx;
    (void)ret_ns;
    for (unsigned i = 0; i < c->n; i++) {
        c->hands[i].run = bare_bill;
        c->hands[i].ctx = &c->hands[i].bare;
    }
    return together(c, n);
}

static int measure_crew(struct sg_bench *b)
{
    SG_CLEANUP(clear_crew) struct crew crew = {NULL, 0};
    char name[64];
    /* As many months a lap as every core has the same share of. */
    const struct sg_bench_line line = {
        .name = name,
        .unit = "months/s",
        .fixed_n = sg_bench_scale(b, 64, 2) * cores(),
        .goal = GOAL,
        .note =
            "the same on all cores of the machine at once, a client a core, by the wall's clock",
        .ours = {"sealgrid", crew_bill, &crew},
        .theirs = {"OpenSSL: its SHA-256", crew_bare, &crew}};
    int r = make_crew(&crew);

    snprintf(name, sizeof(name), "bill, ES256, %u cores", crew.n);
    return r ? r : sg_bench_pair(b, &line);
}

/* ---- lines --------------------------------------------------------------------------------- */

static int measure(struct sg_bench *b, enum sg_sign_alg alg, const char *word)
{
    SG_CLEANUP(billing_month_clear) struct billing_month m = {.days = 0};
    SG_CLEANUP(billing_bare_clear) struct billing_bare bare = {.md = NULL};
    char name[64];
    struct sg_bench_line line = {
        .name = name,
        .unit = "months/s",
        .cpu = true,
        .goal = GOAL,
        .note = "31 day blocks, 2,976 readings, from the evidence in memory to the bill's JSON and "
                "new evidence, against the hashes in it",
        .ours = {"sealgrid", ours_bill, &m},
        .theirs = {"OpenSSL: its SHA-256", bare_bill, &bare}};
    int r = billing_month_make(&m, alg, MONTH);

    if (!r)
        r = billing_bare_make(&bare, &m);
    snprintf(name, sizeof(name), "bill, %s, 1 core", word);
    /* the bill has no signature to check: one line is enough */
    if (!r && alg == SG_SIGN_ES256)
        r = sg_bench_pair(b, &line);
    snprintf(name, sizeof(name), "audit, %s", word);
    line.note = "that bill against its evidence, records and authority, with the tariff, against "
                "the hashes, 31 block and 2 certificate signatures in it";
    line.ours.run = ours_audit;
    line.theirs = (struct sg_bench_side){"OpenSSL: its SHA-256 and signatures", bare_audit, &bare};
    return r ? r : sg_bench_pair(b, &line);
}

/* The same figure for each length: time grows with readings. */
static int measure_length(struct sg_bench *b, uint32_t days)
{
    SG_CLEANUP(billing_month_clear) struct billing_month m = {.days = 0};
    SG_CLEANUP(billing_bare_clear) struct billing_bare bare = {.md = NULL};
    char name[64];
    const struct sg_bench_line line = {
        .name = name,
        .unit = "readings/s",
        .per_unit = (double)days * BILLING_PER_DAY,
        .cpu = true,
        .laps = 3,
        .note = "one bill over so many day blocks, against the hashes in it",
        .ours = {"sealgrid", ours_bill, &m},
        .theirs = {"OpenSSL: its SHA-256", bare_bill, &bare}};
    int r = billing_month_make(&m, SG_SIGN_ES256, days);

    if (!r)
        r = billing_bare_make(&bare, &m);
    snprintf(name, sizeof(name), "bill of %u days", days);
    return r ? r : sg_bench_pair(b, &line);
}

/* The goal: less than half a second, which is 2 years/s. */
static int measure_year(struct sg_bench *b)
{
    SG_CLEANUP(billing_month_clear) struct billing_month m = {.days = 0};
    SG_CLEANUP(billing_bare_clear) struct billing_bare bare = {.md = NULL};
    const struct sg_bench_line line = {
        .name = "audit of a year, RSA-2048 (PS256)",
        .unit = "years/s",
        .cpu = true,
        .goal = GOAL,
        .note = "one bill over 365 day blocks, 35,040 readings, against its evidence, records and "
                "authority, with the tariff, against the hashes and signatures in it",
        .ours = {"sealgrid", ours_audit, &m},
        .theirs = {"OpenSSL: its SHA-256 and signatures", bare_audit, &bare}};
    int r = billing_month_make(&m, SG_SIGN_PS256, YEAR);

    if (!r)
        r = billing_bare_make(&bare, &m);
    return r ? r : sg_bench_pair(b, &line);
}

static int run(struct sg_bench *b)
{
    static const uint32_t lengths[] = {7, MONTH, YEAR};
    int r = measure(b, SG_SIGN_ES256, "ES256");

    if (!r)
        r = measure_crew(b);
    if (!r)
        r = measure(b, SG_SIGN_PS256, "PS256");
    if (!r)
        r = measure_year(b);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]) && !r; i++)
        r = measure_length(b, lengths[i]);
    return r;
}

const struct sg_bench_suite sg_bench_suite_billing = {
    "billing", "bills and audits of months, audit of a year, beside their hashes and signatures",
    run};
