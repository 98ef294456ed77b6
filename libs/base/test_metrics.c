#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/metrics.h>

static struct sg_metric replayed = {
    .name = "t_refused_total", .labels = "reason=\"replay\"", .help = "refused"};
static struct sg_metric backlog = {.name = "t_backlog", .help = "waiting", .gauge = true};
static struct sg_metric forged = {
    .name = "t_refused_total", .labels = "reason=\"forged\"", .help = "refused"};

static void families_stand_together(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    static const char want[] = "# HELP t_refused_total refused\n"
                               "# TYPE t_refused_total counter\n"
                               "t_refused_total{reason=\"replay\"} 2\n"
                               "t_refused_total{reason=\"forged\"} 0\n"
                               "# HELP t_backlog waiting\n"
                               "# TYPE t_backlog gauge\n"
                               "t_backlog -4\n"
                               "# TYPE process_resident_memory_bytes gauge\n"
                               "process_resident_memory_bytes ";

    sg_metric_register(&replayed);
    sg_metric_register(&backlog);
    sg_metric_register(&forged);
    sg_metric_register(&replayed); /* twice is once */
    sg_metric_add(&replayed, 2);
    sg_metric_set(&backlog, -4);
    assert_int_equal(sg_metrics_write(&b), 0);
    assert_true(b.len > sizeof(want));
    assert_memory_equal(b.data, want, sizeof(want) - 1);
    assert_int_equal(sg_buf_append_u8(&b, 0), 0);
    assert_non_null(strstr((char *)b.data, "\nprocess_cpu_seconds_total "));
    assert_non_null(strstr((char *)b.data, "\nprocess_open_fds "));
}

static void the_peak_follows_what_is_touched(void **state)
{
    (void)state;
    const size_t size = (size_t)64 << 20;
    int64_t before = sg_metrics_peak_rss();
    char *touched = malloc(size);

    assert_non_null(touched);
    memset(touched, 1, size);
    assert_int_equal(touched[size - 1], 1);
    free(touched);
    assert_true(before > 0);
    assert_true(sg_metrics_peak_rss() >= before + (int64_t)size / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(families_stand_together),
                                       cmocka_unit_test(the_peak_follows_what_is_touched)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
