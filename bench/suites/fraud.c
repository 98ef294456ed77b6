/*
 * fraud - the map and the correlation beside R's (package kohonen, and base R), the whole score at
 * three sizes of fleet, and the reader of daily rows.  All on one thread, by CPU time.
 *
 * R takes its own time around what is compared, so neither its start nor reading files counts.
 */
#include "fraud-int.h"
#include "suites.h"

#include <math.h>
#include <stdio.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>

#define SIDE  10 /* of the map */
#define NODES (SIDE * SIDE)
#define AGAIN 20 /* our laps are short: what R does once is done so often */
#define R_MS  300000
#define PEERS SG_BENCH_PEERS "/"

static void clear(struct bench *s)
{
    fraud_data_clear(&s->data);
    free(s->vectors);
    free(s->nodes);
    sg_som_matcher_free(s->matcher);
    sg_som_free(s->first);
    sg_som_free(s->map);
    sg_full_model_free(s->model);
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
    /* whole customers: the scores take them as such */
    s->n_vectors = sg_bench_scale(s->b, FRAUD_MODELS, 10) * FRAUD_DAYS;
    s->n_customers = sg_bench_scale(s->b, FRAUD_MODELS, 20);
    s->epochs = (uint32_t)sg_bench_scale(s->b, 5, 2);
    s->vectors = malloc(s->n_vectors * FRAUD_POINTS * sizeof(float));
    s->nodes = malloc(s->n_vectors * sizeof(*s->nodes));
    if (!s->vectors || !s->nodes)
        return sg_raise(-ENOMEM);
    fraud_data_vectors(&s->data, s->n_vectors, s->vectors);
    int r = sg_fold(sg_som_new(&s->first, &shape));
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

static int measure_map(struct bench *s)
{
    struct sg_bench_line line = {.name = "SOM training, 96 points, 10 x 10",
                                 .unit = "presentations/s",
                                 .per_unit = s->epochs,
                                 .fixed_n = s->n_vectors,
                                 .cpu = true,
                                 .laps = fraud_laps(s, 3),
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
        .laps = fraud_laps(s, 5),
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

static int run_all(struct bench *s)
{
    int r = sg_bench_folder(s->b, "fraud", s->folder, sizeof(s->folder));
    if (r == 0)
        r = fraud_data_make(&s->data);
    if (r == 0)
        r = fraud_measure_fleet(s); /* before much is in memory */
    if (r == 0)
        r = prepare(s);
    if (r)
        return r;
    const char *why = no_r(s);
    r = why ? skip_r(s, why) : measure_map(s);
    if (r == 0 && !why)
        r = measure_correlation(s);
    if (r == 0)
        r = fraud_measure_scores(s, why ? NULL : r_match);
    if (r == 0)
        r = fraud_measure_balance(s);
    return r ? r : fraud_measure_rows(s);
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
