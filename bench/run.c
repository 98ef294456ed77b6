/* run - laps in pairs, their ratios, and the lines and suites so far. */
#include "bench-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>

#include <stdarg.h>

/* Long enough that a switch of tasks (some ms) is a small part of a lap; short enough that a pair
 * sees one state of the machine. */
#define LAP_NS       150000000
#define LAP_QUICK_NS 4000000
#define LAPS         7
#define LAPS_QUICK   2

volatile int sg_bench_interrupted;

bool sg_bench_quick(const struct sg_bench *b)
{
    return b->quick;
}

uint64_t sg_bench_scale(const struct sg_bench *b, uint64_t full, uint64_t quick)
{
    return b->quick ? quick : full;
}

/* ---- folders ------------------------------------------------------------------------------- */

static int make_scratch(struct sg_bench *b)
{
    if (*b->scratch)
        return 0;
    snprintf(b->scratch, sizeof(b->scratch), "%s/sealgrid-bench-XXXXXX", b->parent);
    if (mkdtemp(b->scratch))
        return 0;
    int r = sg_raisef(-errno, "%s", b->scratch);
    *b->scratch = 0;
    return r;
}

int sg_bench_folder(struct sg_bench *b, const char *name, char *ret_path, size_t size)
{
    char path[PATH_MAX + 320];
    int r = make_scratch(b);

    if (r)
        return r;
    snprintf(path, sizeof(path), "%s/%u-%s", b->scratch, b->n_folders++, name);
    if (strlen(path) >= size)
        return sg_raise(-ENAMETOOLONG);
    r = sg_mkdir_p(path, 0700);
    if (!r)
        memcpy(ret_path, path, strlen(path) + 1);
    return r;
}

/* ---- laps ---------------------------------------------------------------------------------- */

static int lap(const struct sg_bench *b, const struct sg_bench_line *line,
               const struct sg_bench_side *side, uint64_t n, int64_t *ret_ns)
{
    int64_t (*const clock_ns)(void) = line->cpu ? b->cpu_ns : b->now_ns;
    int64_t own_ns = 0, before_ns = clock_ns();
    int r = side->run(side->ctx, n, &own_ns);
    int64_t whole_ns = clock_ns() - before_ns;

    if (r)
        return sg_fold(r);
    sg_assert(own_ns >= 0);
    own_ns = own_ns ? own_ns : whole_ns;
    *ret_ns = own_ns > 0 ? own_ns : 1;
    return sg_bench_interrupted ? sg_raise(-EINTR) : 0;
}

/* Units that fill a lap; the laps of the search warm the side up. */
static int calibrate(const struct sg_bench *b, const struct sg_bench_line *line,
                     const struct sg_bench_side *side, uint64_t *ret_n)
{
    const int64_t wanted_ns = b->quick ? LAP_QUICK_NS : LAP_NS;
    uint64_t n = 1;

    for (;;) {
        int64_t ns;
        int r = lap(b, line, side, n, &ns);
        if (r)
            return r;
        if (ns >= wanted_ns / 8) {
            double filled = (double)n * (double)wanted_ns / (double)ns;
            *ret_n = filled < 1 ? 1 : (uint64_t)filled;
            return 0;
        }
        /* at least twice, at most sixteen times as many: the first units are slow ones */
        int64_t times = wanted_ns / 8 / ns + 1;
        n *= (uint64_t)(times < 2 ? 2 : times > 16 ? 16 : times);
    }
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

struct sg_bench_spread sg_bench_spread(double *v, size_t n)
{
    qsort(v, n, sizeof(*v), by_size);
    return (struct sg_bench_spread){
        .median = n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2, .min = v[0], .max = v[n - 1]};
}

static double rate(const struct sg_bench_line *line, uint64_t n, int64_t ns)
{
    return (double)n * (line->per_unit > 0 ? line->per_unit : 1) / ((double)ns / 1e9);
}

/* Ours first in even pairs, theirs first in odd ones: a drift of the machine favours neither. */
static int pair(const struct sg_bench *b, const struct sg_bench_line *line,
                const struct sg_bench_result *r, unsigned i, double *ret_ours, double *ret_theirs)
{
    int64_t ours_ns = 0, theirs_ns = 0;
    int e = i % 2 ? lap(b, line, &line->theirs, r->theirs_n, &theirs_ns)
                  : lap(b, line, &line->ours, r->ours_n, &ours_ns);

    if (!e)
        e = i % 2 ? lap(b, line, &line->ours, r->ours_n, &ours_ns)
                  : lap(b, line, &line->theirs, r->theirs_n, &theirs_ns);
    if (e)
        return e;
    *ret_ours = rate(line, r->ours_n, ours_ns);
    *ret_theirs = rate(line, r->theirs_n, theirs_ns);
    return 0;
}

static int measure(const struct sg_bench *b, const struct sg_bench_line *line,
                   struct sg_bench_result *r)
{
    double ours[SG_BENCH_LAPS_MAX], theirs[SG_BENCH_LAPS_MAX], ratio[SG_BENCH_LAPS_MAX];
    int e = 0;

    r->ours_n = r->theirs_n = line->fixed_n;
    if (!line->fixed_n)
        e = calibrate(b, line, &line->ours, &r->ours_n);
    if (!e && !line->fixed_n)
        e = calibrate(b, line, &line->theirs, &r->theirs_n);
    for (unsigned i = 0; !e && i < r->laps; i++) {
        e = pair(b, line, r, i, &ours[i], &theirs[i]);
        ratio[i] = e ? 0 : ours[i] / theirs[i];
    }
    if (e)
        return e;
    r->ratio = sg_bench_spread(ratio, r->laps);
    r->ours = sg_bench_spread(ours, r->laps);
    r->theirs = sg_bench_spread(theirs, r->laps);
    return 0;
}

/* ---- lines --------------------------------------------------------------------------------- */

static void clear_result(struct sg_bench_result *r)
{
    free(r->suite);
    free(r->name);
    free(r->unit);
    free(r->note);
    free(r->ours_name);
    free(r->theirs_name);
    free(r->reason);
    *r = (struct sg_bench_result){.kind = SG_BENCH_SKIPPED};
}

static char *copy_text(const char *text, bool *failed)
{
    char *copy = text ? strdup(text) : NULL;
    *failed |= text && !copy;
    return copy;
}

static int describe(const struct sg_bench *b, const struct sg_bench_line *line, const char *reason,
                    struct sg_bench_result *r)
{
    bool failed = false;

    r->suite = copy_text(b->suite->name, &failed);
    r->name = copy_text(line->name, &failed);
    r->unit = copy_text(line->unit, &failed);
    r->note = copy_text(line->note, &failed);
    r->ours_name = copy_text(line->ours.name, &failed);
    r->theirs_name = copy_text(line->theirs.name, &failed);
    r->reason = copy_text(reason, &failed);
    r->goal = line->goal;
    r->cpu = line->cpu;
    return failed ? sg_raise(-ENOMEM) : 0;
}

/* The run owns r afterwards. */
static int add(struct sg_bench *b, struct sg_bench_result *r)
{
    for (size_t i = 0; i < b->n_results; i++)
        sg_assert(strcmp(b->results[i].suite, r->suite) || strcmp(b->results[i].name, r->name));
    struct sg_bench_result *grown = reallocarray(b->results, b->n_results + 1, sizeof(*b->results));
    if (!grown)
        return sg_raise(-ENOMEM);
    b->results = grown;
    grown[b->n_results++] = *r;
    if (b->table)
        sg_bench_print_result(b->table, r);
    *r = (struct sg_bench_result){.kind = SG_BENCH_SKIPPED};
    return 0;
}

int sg_bench_pair(struct sg_bench *b, const struct sg_bench_line *line)
{
    SG_CLEANUP(clear_result)
    struct sg_bench_result r = {.kind = SG_BENCH_RATE,
                                .laps = b->quick     ? LAPS_QUICK
                                        : line->laps ? line->laps
                                                     : LAPS};
    sg_assert(r.laps <= SG_BENCH_LAPS_MAX && line->ours.name && line->theirs.name && line->unit);
    int e = describe(b, line, NULL, &r);
    if (!e)
        e = measure(b, line, &r);
    return e ? e : add(b, &r);
}

int sg_bench_quantity(struct sg_bench *b, const struct sg_bench_line *line, double ours,
                      double theirs, bool at_most)
{
    SG_CLEANUP(clear_result)
    struct sg_bench_result r = {.kind = SG_BENCH_QUANTITY,
                                .laps = 1,
                                .ours = {ours, ours, ours},
                                .theirs = {theirs, theirs, theirs},
                                .at_most = at_most};
    double ratio = ours / theirs;
    r.ratio = (struct sg_bench_spread){ratio, ratio, ratio};
    int e = describe(b, line, NULL, &r);
    return e ? e : add(b, &r);
}

void sg_bench_skip(struct sg_bench *b, const char *line, const char *reason)
{
    SG_CLEANUP(clear_result) struct sg_bench_result r = {.kind = SG_BENCH_SKIPPED};
    const struct sg_bench_line bare = {.name = line};
    /* Silence about a line that is missing would be a lie: without memory there is no run. */
    sg_assert(describe(b, &bare, reason, &r) == 0 && add(b, &r) == 0);
}

bool sg_bench_met(const struct sg_bench_result *r)
{
    if (r->kind == SG_BENCH_SKIPPED || !(r->goal > 0))
        return true;
    return r->at_most ? r->ratio.median <= r->goal : r->ratio.median >= r->goal;
}

/* ---- suites -------------------------------------------------------------------------------- */

static int note_failure(struct sg_bench_ended *e, int r)
{
    char text[512];

    if (!r)
        snprintf(text, sizeof(text), "it gave no line");
    else
        snprintf(text, sizeof(text), "%s",
                 *sg_error_trace() ? sg_error_trace() : strerror(r < 0 ? -r : EPROTO));
    e->failure = strdup(text);
    return e->failure ? 0 : sg_raise(-ENOMEM);
}

int sg_bench_run_suite(struct sg_bench *b, const struct sg_bench_suite *suite)
{
    struct sg_bench_ended e = {.suite = suite};
    struct sg_bench_ended *grown = reallocarray(b->ended, b->n_ended + 1, sizeof(*b->ended));
    size_t n_before = b->n_results;
    int64_t before_ns = b->now_ns();

    if (!grown)
        return sg_raise(-ENOMEM);
    b->ended = grown;
    b->suite = suite;
    if (b->table)
        sg_bench_print_suite(b->table, suite);
    int r = suite->run(b);
    e.seconds = (double)(b->now_ns() - before_ns) / 1e9;
    if (r || b->n_results == n_before) {
        int failed = note_failure(&e, r);
        if (failed)
            return failed;
    }
    if (e.failure && b->table)
        sg_bench_print_failure(b->table, &e);
    b->suite = NULL;
    grown[b->n_ended++] = e;
    return 0;
}

void sg_bench_init(struct sg_bench *b, bool quick, const char *parent)
{
    *b = (struct sg_bench){
        .quick = quick, .now_ns = sg_clock_monotonic_ns, .cpu_ns = sg_clock_cpu_ns};
    snprintf(b->parent, sizeof(b->parent), "%s", parent);
}

void sg_bench_clear(struct sg_bench *b)
{
    if (*b->scratch && sg_remove_tree(b->scratch))
        fprintf(stderr, "sealgrid-bench: %s is left: %s\n", b->scratch, sg_error_trace());
    for (size_t i = 0; i < b->n_results; i++)
        clear_result(&b->results[i]);
    for (size_t i = 0; i < b->n_ended; i++)
        free(b->ended[i].failure);
    free(b->results);
    free(b->ended);
    *b = (struct sg_bench){.quick = false};
}
