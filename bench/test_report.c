/* report - what the table and the JSON say. */
#include "bench-int.h"

#include <sealgrid/base/cleanup.h>

#include <jansson.h>
#include <math.h>

#include "../libs/kvs/cmocka-int.h"

static void number_is(double v, const char *text)
{
    char got[16];
    sg_bench_number(got, v);
    assert_string_equal(got, text);
}

static void test_numbers(void **state)
{
    (void)state;
    number_is(0, "0");
    number_is(0.8437, "0.844");
    number_is(1.005, "1.00");
    number_is(42.25, "42.2");
    number_is(999.6, "1000");
    number_is(9999.4, "9999");
    number_is(9999.6, "10.0k");
    number_is(123456, "123k");
    number_is(1234567, "1.23M");
    number_is(999499, "999k");
    number_is(-0.5, "-0.500");
    number_is(NAN, "-");
}

static void fill(struct sg_bench *b)
{
    static const struct sg_bench_suite suite = {"crypto", "sealing", NULL};
    const struct sg_bench_line line = {
        .name = "a figure whose name is longer than the column it stands in",
        .unit = "a unit wider than its column",
        .goal = 0.8,
        .note = "a \"note\"",
        .ours.name = "sealgrid",
        .theirs.name = "a peer whose name is longer than its column"};
    sg_bench_init(b, false, "/tmp");
    b->suite = &suite;
    assert_int_equal(sg_bench_quantity(b, &line, 123456, 200000, false), 0);
    sg_bench_skip(b, "other", "redis-server is not installed");
    sg_bench_skip(
        b, "a figure whose name is longer than the column it stands in, too",
        "it said:\nno, and went on for so long that one line of the table cannot hold it");
}

static void test_table_fits(void **state)
{
    (void)state;
    struct sg_bench b;
    char text[4096] = "";
    fill(&b);
    b.results[0].kind = SG_BENCH_RATE;
    FILE *f = fmemopen(text, sizeof(text), "w");
    sg_bench_print_head(f, &b);
    for (size_t i = 0; i < b.n_results; i++)
        sg_bench_print_result(f, &b.results[i]);
    sg_bench_print_end(f, &b);
    fclose(f);
    assert_non_null(strstr(text, "0.62"));
    assert_non_null(strstr(text, "0.80 NOT"));
    assert_non_null(strstr(text, "skipped: redis-server is not installed"));
    assert_non_null(strstr(text, "3 lines, 2 skipped, 1 below their goal"));
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        assert_in_range(n, 1, 100);
        line += n + 1;
    }
    sg_bench_clear(&b);
}

static void test_json(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1 << 20);
    struct sg_bench b;
    fill(&b);
    assert_int_equal(sg_bench_json(&b, &text), 0);
    json_t *all = json_loadb((const char *)text.data, text.len, 0, NULL);
    assert_non_null(all);
    const json_t *lines = json_object_get(all, "lines"), *first = json_array_get(lines, 0);
    assert_int_equal(json_array_size(lines), 3);
    assert_string_equal(json_string_value(json_object_get(first, "note")), "a \"note\"");
    double ratio = json_real_value(json_object_get(json_object_get(first, "ratio"), "median"));
    assert_true(fabs(ratio - 0.61728) < 1e-9);
    assert_true(json_is_false(json_object_get(first, "goal_met")));
    const json_t *machine = json_object_get(all, "machine");
    assert_true(json_integer_value(json_object_get(machine, "cores")) >= 1);
    assert_true(json_is_string(json_object_get(machine, "kernel")));
    assert_true(json_is_object(json_object_get(all, "packages")));
    json_decref(all);
    sg_bench_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers),
                                       cmocka_unit_test(test_table_fits),
                                       cmocka_unit_test(test_json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
