/*
 * fraud - the map and the correlation beside R's (package kohonen, and base R), the whole score at
 * three sizes of fleet, and the reader of daily rows.  All on one thread, by CPU time.
 *
 * R takes its own time around what is compared, so neither its start nor reading files counts.
 */
#include "fraud-data.h"
#include "suites.h"

#include "fleet.h"
#include "peers/server.h"

#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <zlib.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/meter/daily-rows.h>

#define SIDE  10 /* of the map */
#define NODES (SIDE * SIDE)
#define AGAIN 20 /* our laps are short: what R does once is done so often */
#define R_MS  300000
#define PEERS SG_BENCH_PEERS "/"

struct bench {
    struct sg_bench *b;
    struct fraud_data data;
    char folder[1024];
    size_t n_vectors;
    float *vectors;
    uint32_t epochs;
    struct sg_som *first, *map; /* before and after training */
    struct sg_som_matcher *matcher;
    uint32_t *nodes;
    double r_error;           /* of kohonen's map, the last that it trained */
    double ours_mean, r_mean; /* of the correlation scores */
    size_t n_customers;
    struct sg_fraud_days all[FRAUD_MODELS];
    struct sg_fraud_days days;
    uint64_t fleet; /* customers of the whole-score line */
    const char *csv;
    size_t csv_bytes;
    struct sg_bench_reason reason;
};

static void clear(struct bench *s)
{
    fraud_data_clear(&s->data);
    free(s->vectors);
    free(s->nodes);
    sg_som_matcher_free(s->matcher);
    sg_som_free(s->first);
    sg_som_free(s->map);
    sg_fraud_days_clear(&s->days);
    for (size_t i = 0; i < FRAUD_MODELS; i++)
        sg_fraud_days_clear(&s->all[i]);
}

/* ---- R ------------------------------------------------------------------------------------- */

static double named(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? strtod(at + strlen(name), NULL) : (double)NAN;
}

/* Runs the script in the folder; the value of one line of its output. */
static int run_r(struct bench *s, const char *const *argv, const char *name, double *ret,
                 const char *second, double *ret_second)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1 << 20);
    const struct sg_bench_server_spec spec = {
        .name = "R", .argv = argv, .folder = s->folder, .wait_ms = R_MS};
    char path[1100];
    int r = sg_bench_server_command(&spec, &s->reason);
    if (r)
        return r > 0 ? sg_raisef(-ENOENT, "%s", s->reason.text) : r;
    snprintf(path, sizeof(path), "%s/R.log", s->folder);
    r = sg_file_read(path, &text);
    if (r == 0)
        r = sg_buf_append_u8(&text, 0);
    if (r)
        return r;
    *ret = named((const char *)text.data, name);
    *ret_second = named((const char *)text.data, second);
    return *ret > 0 ? 0 : sg_raisef(-EBADMSG, "R said no %s", name);
}

static int kohonen(struct bench *s, uint32_t epochs, const char *name, double *ret)
{
    char count[16];
    snprintf(count, sizeof(count), "%u", epochs);
    const char *const argv[] = {
        "Rscript", PEERS "kohonen.R", "vectors",  "first", "-", "96",  "10",
        "10",      "rectangular",     "gaussian", count,   "5", "0.5", NULL};
    return run_r(s, argv, name, ret, "quantisation_error", &s->r_error);
}

static int r_train(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bench *s = ctx;
    double seconds;
    int r = kohonen(s, s->epochs, "train_cpu_s", &seconds);
    (void)n;
    if (r == 0)
        *ret_ns = (int64_t)(seconds * 1e9);
    return r;
}

static int r_match(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bench *s = ctx;
    const double kept = s->r_error; /* one epoch is no training */
    double seconds;
    int r = kohonen(s, 1, "map_cpu_s", &seconds);
    (void)n;
    s->r_error = kept;
    if (r == 0)
        *ret_ns = (int64_t)(seconds * 1e9);
    return r;
}

static int r_correlate(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bench *s = ctx;
    char customers[16];
    double seconds;
    snprintf(customers, sizeof(customers), "%zu", s->n_customers);
    const char *const argv[] = {
        "Rscript", PEERS "correlation.R", "customers", customers, "120", "96", "90", NULL};
    int r = run_r(s, argv, "score_cpu_s", &seconds, "mean_score", &s->r_mean);
    (void)n;
    if (r == 0)
        *ret_ns = (int64_t)(seconds * 1e9);
    return r;
}

/* ---- ours ---------------------------------------------------------------------------------- */

static int copy_codes(struct sg_som *to, const struct sg_som *from)
{
    return sg_fold(sg_som_set(to, sg_som_code(from, 0)));
}

static int ours_train(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bench *s = ctx;
    struct sg_som_training t = SG_SOM_TRAINING_DEFAULT;
    t.epochs = s->epochs;
    int r = copy_codes(s->map, s->first);
    const int64_t begun = sg_clock_cpu_ns();
    if (r == 0)
        r = sg_fold(sg_som_train(s->map, s->vectors, s->n_vectors, &t, NULL));
    *ret_ns = sg_clock_cpu_ns() - begun;
    (void)n;
    return r;
}

static int ours_match(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bench *s = ctx;
    int r = 0;
    const int64_t begun = sg_clock_cpu_ns();
    for (int k = 0; r == 0 && k < AGAIN; k++)
        r = sg_fold(sg_som_match(s->matcher, s->vectors, s->n_vectors, s->nodes, NULL, NULL));
    *ret_ns = (sg_clock_cpu_ns() - begun) / AGAIN;
    (void)n;
    return r;
}

static const struct sg_corr_windows windows = SG_CORR_WINDOWS_DEFAULT;

/* Customers' days lie in memory, as R has them. */
static int ours_correlate(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bench *s = ctx;
    double score = 0, sum = 0;
    int r = 0;
    (void)n;
    const int64_t begun = sg_clock_cpu_ns();
    for (size_t i = 0; r == 0 && i < s->n_customers * AGAIN; i++) {
        r = sg_fold(sg_corr_score(&s->all[i % s->n_customers], &windows, NULL, &score));
        sum += score;
    }
    *ret_ns = (sg_clock_cpu_ns() - begun) / AGAIN;
    s->ours_mean = sum / (double)(s->n_customers * AGAIN);
    return r;
}

/* What sealgrid-fraud does with a customer in mode paper, by the map trained before. */
static int score_fleet(struct bench *s, uint64_t n, int64_t *ret_ns)
{
    const struct plan plan = {.mode = MODE_PAPER,
                              .fixed = true,
                              .windows = windows,
                              .least_reference = 7,
                              .least_recent = 3};
    const struct source_notes notes = {.index = 0};
    char reasons[REASONS_MAX];
    struct scorer scorer;
    struct line line;
    int64_t spent = 0;
    int r = scorer_init(&scorer, &plan, s->map);
    for (uint64_t i = 0; r == 0 && i < n; i++) {
        r = fraud_data_customer(&s->data, i, &s->days);
        const int64_t begun = sg_clock_cpu_ns();
        if (r == 0)
            r = score_one(&scorer, &s->days, &notes, &line, NULL);
        if (r == 0)
            score_reasons(&line, &plan, reasons);
        spent += sg_clock_cpu_ns() - begun;
        if (r == 0 && line.unjudged != JUDGED)
            r = sg_raisef(-EBADMSG, "customer %llu was not judged", (unsigned long long)i);
    }
    scorer_clear(&scorer);
    *ret_ns = spent;
    return r;
}

static int score_whole(void *ctx, uint64_t n, int64_t *ret_ns)
{
    return score_fleet(ctx, n, ret_ns);
}

/* The bound of the line: the best match of the same number of days and nothing else. */
static int match_days(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bench *s = ctx;
    int64_t spent = 0;
    for (uint64_t i = 0; i < n; i++) {
        const size_t at = (size_t)(i % (s->n_vectors / FRAUD_DAYS)) * FRAUD_DAYS;
        const int64_t begun = sg_clock_cpu_ns();
        int r = sg_fold(sg_som_match(s->matcher, s->vectors + at * FRAUD_POINTS, FRAUD_DAYS,
                                     s->nodes, NULL, NULL));
        spent += sg_clock_cpu_ns() - begun;
        if (r)
            return r;
    }
    *ret_ns = spent;
    return 0;
}

/* The smallest fleet over and over, ten times at most: n is what it would have been. */
static int score_smallest(void *ctx, uint64_t n, int64_t *ret_ns)
{
    struct bench *s = ctx;
    uint64_t done = 0;
    int64_t spent = 0;
    int r = 0;
    for (int k = 0; r == 0 && k < 10 && done < n; k++, done += s->fleet) {
        int64_t ns = 0;
        r = score_fleet(s, s->fleet, &ns);
        spent += ns;
    }
    *ret_ns = done ? (int64_t)((double)spent * (double)n / (double)done) : 0;
    return r;
}

/* ---- rows ---------------------------------------------------------------------------------- */

static int read_rows(void *ctx, uint64_t n, int64_t *ret_ns)
{
    const struct bench *s = ctx;
    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++) {
        SG_CLEANUP(sg_daily_freep) struct sg_daily *d = NULL;
        struct sg_daily_error why;
        struct sg_daily_row row;
        int r = sg_daily_open(&d, s->csv, &why);
        while (r == 0)
            r = sg_daily_next(d, &row, &why);
        if (r != SG_DAILY_END)
            return sg_fold(r);
    }
    return 0;
}

/* The same octets through zlib alone, in chunks of the same size. */
static int inflate_alone(void *ctx, uint64_t n, int64_t *ret_ns)
{
    const struct bench *s = ctx;
    static char chunk[256 * 1024];
    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++) {
        size_t sum = 0;
        int got;
        gzFile f = gzopen(s->csv, "rb");
        if (!f)
            return sg_raise(-EIO);
        (void)gzbuffer(f, sizeof(chunk));
        while ((got = gzread(f, chunk, sizeof(chunk))) > 0)
            sum += (size_t)got;
        gzclose(f);
        if (sum != s->csv_bytes)
            return sg_raise(-EIO);
    }
    return 0;
}

/* Every value of the plain file by the C library, which checks nothing else. */
static int read_by_library(void *ctx, uint64_t n, int64_t *ret_ns)
{
    const struct bench *s = ctx;
    static char line[SG_DAILY_LINE_MAX];
    double sum = 0;
    (void)ret_ns;
    for (uint64_t i = 0; i < n; i++) {
        FILE *f = fopen(s->csv, "re");
        if (!f)
            return sg_raise_errno();
        while (fgets(line, sizeof(line), f))
            for (char *at = strchr(line, ','); at; at = strchr(at + 1, ','))
                sum += (double)strtof(at + 1, NULL);
        fclose(f);
    }
    return sum > 0 ? 0 : sg_raise(-EIO);
}

/* ---- lines --------------------------------------------------------------------------------- */

static int write_floats(const struct bench *s, const char *leaf, const float *v, size_t n)
{
    char path[1100];
    snprintf(path, sizeof(path), "%s/%s", s->folder, leaf);
    return sg_file_write_atomic(path, SG_BYTES(v, n * sizeof(*v)), 0644);
}

static int prepare(struct bench *s)
{
    const struct sg_som_shape shape = SG_SOM_SHAPE_DEFAULT(FRAUD_POINTS);
    s->n_vectors = sg_bench_scale(s->b, 20000, 1200);
    s->n_customers = sg_bench_scale(s->b, FRAUD_MODELS, 20);
    s->epochs = (uint32_t)sg_bench_scale(s->b, 5, 2);
    int r = sg_bench_folder(s->b, "fraud", s->folder, sizeof(s->folder));
    if (r == 0)
        r = fraud_data_make(&s->data);
    if (r)
        return r;
    s->vectors = malloc(s->n_vectors * FRAUD_POINTS * sizeof(float));
    s->nodes = malloc(s->n_vectors * sizeof(*s->nodes));
    if (!s->vectors || !s->nodes)
        return sg_raise(-ENOMEM);
    fraud_data_vectors(&s->data, s->n_vectors, s->vectors);
    r = sg_fold(sg_som_new(&s->first, &shape));
    if (r == 0)
        r = sg_fold(sg_som_new(&s->map, &shape));
    if (r == 0)
        r = sg_fold(sg_som_seed(s->first, s->vectors, s->n_vectors, 1));
    if (r == 0)
        r = write_floats(s, "vectors", s->vectors, s->n_vectors * FRAUD_POINTS);
    if (r == 0)
        r = write_floats(s, "first", sg_som_code(s->first, 0), NODES * FRAUD_POINTS);
    for (size_t i = 0; r == 0 && i < s->n_customers; i++)
        r = fraud_data_customer(&s->data, i, &s->all[i]);
    return r ? r
             : write_floats(s, "customers", s->data.load,
                            s->n_customers * FRAUD_DAYS * FRAUD_POINTS);
}

/* Whether there is an R with that package: tried once, on nothing to speak of. */
static const char *no_r(struct bench *s)
{
    static const char *const argv[] = {"Rscript", "-e", "library(kohonen); cat('here 1\\n')", NULL};
    double here, none;
    int r = run_r(s, argv, "here", &here, "none", &none);
    return r ? s->reason.text[0] ? s->reason.text : "R does not answer" : NULL;
}

/* R takes a second to start: once is proof enough that it runs. */
static unsigned laps(const struct bench *s, unsigned full)
{
    return (unsigned)sg_bench_scale(s->b, full, 1);
}

static int measure_map(struct bench *s)
{
    struct sg_bench_line line = {.name = "SOM training, 96 points, 10 x 10",
                                 .unit = "presentations/s",
                                 .per_unit = s->epochs,
                                 .fixed_n = s->n_vectors,
                                 .cpu = true,
                                 .laps = laps(s, 3),
                                 .goal = 24,
                                 .note = "same days, same first map, Gaussian, radius 5 to 0.5",
                                 .ours = {"sealgrid", ours_train, s},
                                 .theirs = {"kohonen, mode batch", r_train, s}};
    const struct sg_bench_line error = {.name = "quantisation error of both maps",
                                        .unit = "mean distance",
                                        .goal = 1.01,
                                        .note = "after that training",
                                        .ours = {.name = "sealgrid"},
                                        .theirs = {.name = "kohonen"}};
    double own;
    int r = sg_bench_pair(s->b, &line);
    if (r == 0)
        r = sg_fold(sg_som_quantisation_error(s->map, s->vectors, s->n_vectors, NULL, &own));
    if (r == 0)
        r = sg_bench_quantity(s->b, &error, own, s->r_error, true);
    if (r == 0)
        r = sg_som_matcher_new(&s->matcher, s->map, NULL);
    line.name = "SOM best match, 96 points, 10 x 10";
    line.unit = "vectors/s";
    line.per_unit = 1;
    line.goal = 30;
    line.note = "every day of the set against all nodes";
    line.ours.run = ours_match;
    line.theirs = (struct sg_bench_side){"kohonen, map()", r_match, s};
    return r ? r : sg_bench_pair(s->b, &line);
}

static int measure_correlation(struct bench *s)
{
    const struct sg_bench_line line = {
        .name = "correlation score, 120 days of 96",
        .unit = "customer-days/s",
        .per_unit = FRAUD_DAYS,
        .fixed_n = s->n_customers,
        .cpu = true,
        .laps = laps(s, 5),
        .note = "profiles of 90 days, r of 30, median; R: cor() by matrices, a customer at a time",
        .ours = {"sealgrid", ours_correlate, s},
        .theirs = {"R", r_correlate, s}};
    int r = sg_bench_pair(s->b, &line);
    if (r == 0 && !(fabs(s->ours_mean - s->r_mean) < 1e-6))
        r = sg_raisef(-EBADMSG, "R has another mean score: %.9f, ours %.9f", s->r_mean,
                      s->ours_mean);
    return r;
}

/* Without R: the map is trained all the same, the lines are told as skipped. */
static int skip_r(struct bench *s, const char *why)
{
    int64_t ns;
    int r = ours_train(s, 0, &ns);
    sg_bench_skip(s->b, "SOM training, 96 points, 10 x 10", why);
    sg_bench_skip(s->b, "quantisation error of both maps", why);
    sg_bench_skip(s->b, "SOM best match, 96 points, 10 x 10", why);
    sg_bench_skip(s->b, "correlation score, 120 days of 96", why);
    return r ? r : sg_som_matcher_new(&s->matcher, s->map, NULL);
}

static int64_t peak_kib(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) ? 0 : u.ru_maxrss;
}

static int measure_whole(struct bench *s)
{
    const uint64_t small = sg_bench_scale(s->b, 1000, 20);
    char name[64];
    struct sg_bench_line line = {.name = name,
                                 .unit = "customers/s",
                                 .cpu = true,
                                 .laps = 3,
                                 .fixed_n = small,
                                 .note = "mode paper, 120 days of 96, with reasons; theirs: the "
                                         "best match of those days alone",
                                 .ours = {"sealgrid", score_whole, s},
                                 .theirs = {"best match alone", match_days, s}};
    s->fleet = small;
    snprintf(name, sizeof(name), "whole score, %llu customers", (unsigned long long)small);
    int r = sg_bench_pair(s->b, &line);
    const int64_t before = peak_kib();
    line.goal = 0.9;
    line.note = "growth: theirs is the rate over the smallest fleet";
    line.theirs = (struct sg_bench_side){"smallest fleet", score_smallest, s};
    for (uint64_t times = 10; r == 0 && times <= 100; times *= 10) {
        line.fixed_n = small * times;
        line.laps = times == 100 ? 1 : 3;
        snprintf(name, sizeof(name), "whole score, %llu customers",
                 (unsigned long long)line.fixed_n);
        r = sg_bench_pair(s->b, &line);
    }
    const struct sg_bench_line memory = {.name = "memory of the largest fleet",
                                         .unit = "MiB",
                                         .goal = 1.05,
                                         .note = "peak of the process that scores; a ranking keeps "
                                                 "some 120 octets a customer besides",
                                         .ours = {.name = "100 times the customers"},
                                         .theirs = {.name = "smallest fleet"}};
    return r ? r
             : sg_bench_quantity(s->b, &memory, (double)peak_kib() / 1024, (double)before / 1024,
                                 true);
}

static int write_csv(struct bench *s, const char *path, const char *mode)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(256 << 20);
    int r = fraud_data_csv(&s->data, sg_bench_scale(s->b, 300, 5), &text);
    gzFile f = r ? NULL : gzopen(path, mode);
    if (r)
        return r;
    if (!f)
        return sg_raise(-EIO);
    const bool whole = gzwrite(f, text.data, (unsigned)text.len) == (int)text.len;
    s->csv_bytes = text.len;
    return gzclose(f) == Z_OK && whole ? 0 : sg_raise(-EIO);
}

static int measure_rows(struct bench *s)
{
    const struct {
        const char *leaf, *mode, *name, *note;
        struct sg_bench_side theirs;
    } kinds[] = {
        {"rows.csv",
         "wbT",
         "daily rows, plain",
         "96 values a line, checked",
         {"fgets, strtof", read_by_library, s}},
        {"rows.csv.gz",
         "wb6",
         "daily rows, gzip",
         "theirs: the octets without looking at them",
         {"zlib alone", inflate_alone, s}},
    };
    int r = 0;
    for (int i = 0; r == 0 && i < 2; i++) {
        char path[1100];
        snprintf(path, sizeof(path), "%s/%s", s->folder, kinds[i].leaf);
        r = write_csv(s, path, kinds[i].mode);
        s->csv = path;
        const struct sg_bench_line line = {.name = kinds[i].name,
                                           .unit = "MB/s",
                                           .per_unit = (double)s->csv_bytes / 1e6,
                                           .cpu = true,
                                           .note = kinds[i].note,
                                           .ours = {"sealgrid", read_rows, s},
                                           .theirs = kinds[i].theirs};
        if (r == 0)
            r = sg_bench_pair(s->b, &line);
    }
    return r;
}

static int run_all(struct bench *s)
{
    int r = prepare(s);
    if (r)
        return r;
    const char *why = no_r(s);
    r = why ? skip_r(s, why) : measure_map(s);
    if (r == 0 && !why)
        r = measure_correlation(s);
    if (r == 0)
        r = measure_whole(s);
    return r ? r : measure_rows(s);
}

static int run(struct sg_bench *b)
{
    struct bench *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    s->b = b;
    int r = run_all(s);
    clear(s);
    free(s);
    return r;
}

const struct sg_bench_suite sg_bench_suite_fraud = {
    "fraud", "map, correlation, whole score and daily rows, beside R", run};
