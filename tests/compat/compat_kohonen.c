/*
 * compat_kohonen - our batch training against R's package kohonen (Debian r-cran-kohonen): from the
 * same data and first map both must come to the same map, and so to the same quantisation error
 * within 1 %.  Without Rscript or the package it says so and passes.
 *
 * Gaussian neighbourhoods only: with bubbles whole regions of the map are equal for a while, and of
 * equal nodes kohonen takes one at random, so that it differs from itself by more than that.
 */
#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>
#include <sealgrid/fraud/som.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { VECTORS = 2000, POINTS = 24, COLUMNS = 8, ROWS = 6, NODES = COLUMNS * ROWS, EPOCHS = 8 };

static const char *const topology_name[] = {"rectangular", "hexagonal"};

/* Days of a morning and an evening peak, more or less of each. */
static void make_days(float *x)
{
    struct sg_prng p;
    sg_prng_seed(&p, 1);
    for (size_t i = 0; i < VECTORS; i++) {
        double morning = sg_prng_unit(&p), evening = sg_prng_unit(&p), at = 3 * sg_prng_unit(&p);
        for (size_t k = 0; k < POINTS; k++) {
            double m = (double)k - 7 - at, e = (double)k - 19;
            x[i * POINTS + k] = (float)(0.5 + morning * exp(-m * m / 4) +
                                        evening * exp(-e * e / 8) + 0.1 * sg_prng_normal(&p));
        }
    }
}

static struct sg_som *train(const float *x, enum sg_som_topology topology, float *ret_first)
{
    const struct sg_som_shape shape = {COLUMNS, ROWS, POINTS, topology};
    const struct sg_som_training t = {
        .epochs = EPOCHS, .radius_from = 4, .radius_to = 0.5, .threads = 2};
    struct sg_som *m = NULL;
    assert_int_equal(sg_som_new(&m, &shape), 0);
    assert_int_equal(sg_som_seed(m, x, VECTORS, 1), 0);
    memcpy(ret_first, sg_som_code(m, 0), NODES * POINTS * sizeof(float));
    assert_int_equal(sg_som_train(m, x, VECTORS, &t, NULL), 0);
    return m;
}

/* What the script prints under `name`, or NAN. */
static double figure(const char *name, FILE *f)
{
    char line[128];
    size_t len = strlen(name);
    double value = (double)NAN;
    while (fgets(line, sizeof(line), f))
        if (strncmp(line, name, len) == 0 && line[len] == ' ')
            value = strtod(line + len, NULL);
    return value;
}

/* kohonen's quantisation error, its map in folder/codes; NAN if it is not installed. */
static double theirs(const char *folder, enum sg_som_topology topology)
{
    char command[512];
    snprintf(
        command, sizeof(command),
        "exec Rscript bench/peers/kohonen.R %s/data %s/first %s/codes %d %d %d %s gaussian %d 4 "
        "0.5 2>&1",
        folder, folder, folder, POINTS, COLUMNS, ROWS, topology_name[topology], EPOCHS);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    double error = figure("quantisation_error", f);
    int status = pclose(f);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127)
        return (double)NAN;
    assert_int_equal(WEXITSTATUS(status), 0);
    return error;
}

static double largest_difference(const struct sg_som *m, const char *folder)
{
    char path[128];
    double largest = 0;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(NODES * POINTS * 8);
    snprintf(path, sizeof(path), "%s/codes", folder);
    assert_int_equal(sg_file_read(path, &b), 0);
    assert_int_equal(b.len, NODES * POINTS * 8);
    for (size_t i = 0; i < NODES * POINTS; i++) {
        double code;
        memcpy(&code, b.data + 8 * i, sizeof(code)); /* as written: little-endian, like us */
        largest = fmax(largest, fabs(code - (double)sg_som_code(m, 0)[i]));
    }
    return largest;
}

static void write_floats(const char *folder, const char *name, const float *v, size_t n)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_int_equal(sg_file_write_atomic(path, SG_BYTES(v, n * sizeof(float)), 0600), 0);
}

static bool compare(const char *folder, const float *x, enum sg_som_topology topology)
{
    float first[NODES * POINTS];
    double error, peer;
    SG_CLEANUP(sg_som_freep) struct sg_som *m = train(x, topology, first);
    write_floats(folder, "data", x, VECTORS * POINTS);
    write_floats(folder, "first", first, NODES * POINTS);
    assert_int_equal(sg_som_quantisation_error(m, x, VECTORS, NULL, &error), 0);
    peer = theirs(folder, topology);
    if (peer != peer)
        return false;
    double difference = largest_difference(m, folder);
    print_message(
        "%s: quantisation error %.9f, kohonen's %.9f, ratio %.9f; codes differ by at most "
        "%.2g\n",
        topology_name[topology], error, peer, error / peer, difference);
    assert_true(fabs(error / peer - 1) < 0.01);
    assert_true(difference < 0.05);
    return true;
}

static void test_same_map_as_kohonen(void **state)
{
    (void)state;
    char folder[] = "/tmp/sealgrid-test-XXXXXX";
    SG_FREE float *x = malloc(VECTORS * POINTS * sizeof(float));
    assert_non_null(x);
    assert_non_null(mkdtemp(folder));
    make_days(x);
    bool there = compare(folder, x, SG_SOM_RECTANGULAR) && compare(folder, x, SG_SOM_HEXAGONAL);
    assert_int_equal(sg_remove_tree(folder), 0);
    if (!there)
        print_message("skipped: no Rscript with the package kohonen here (r-cran-kohonen)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_map_as_kohonen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
