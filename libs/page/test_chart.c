#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/page/chart.h>

#include <math.h>
#include <stdio.h>

static size_t count(const struct sg_buf *b, const char *what)
{
    size_t n = 0, len = strlen(what);
    for (size_t i = 0; i + len <= b->len; i++)
        n += memcmp(b->data + i, what, len) == 0;
    return n;
}

static void scale_is(double top, double step, unsigned n, unsigned decimals)
{
    struct sg_chart_scale s = sg_chart_scale_for(top);
    assert_true(fabs(s.step - step) <= step * 1e-9);
    assert_int_equal(s.n_steps, n);
    assert_int_equal(s.decimals, decimals);
    assert_true(top <= 0 || !isfinite(top) || s.step * s.n_steps >= top * (1 - 1e-9));
}

static void axes_have_round_steps(void **state)
{
    (void)state;
    scale_is(1, 0.2, 5, 1);
    scale_is(2.3, 0.5, 5, 1);
    scale_is(47, 10, 5, 0);
    scale_is(51, 20, 3, 0);
    scale_is(1234, 500, 3, 0);
    scale_is(0.013, 0.005, 3, 3);
    scale_is(0, 1, 1, 0);
    scale_is(-3, 1, 1, 0);
    scale_is(NAN, 1, 1, 0);
    for (double top = 1e-3; top < 1e9; top *= 1.37) {
        struct sg_chart_scale s = sg_chart_scale_for(top);
        assert_true(s.n_steps <= 5 && s.step * s.n_steps >= top * (1 - 1e-9));
    }
}

static void tip(void *user, size_t i, char ret[SG_CHART_TIP_MAX])
{
    snprintf(ret, SG_CHART_TIP_MAX, "%s %zu", (const char *)user, i);
}

static void a_gap_parts_a_line(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    struct sg_html p;
    const double y[] = {0, 1, NAN, 2, 1};
    const struct sg_chart_series s = {"a", y, 1, false, false};
    const struct sg_chart_tick tick = {0.5, "<noon>", false};
    char user[] = "\"<b>";
    const struct sg_chart_lines c = {.label = "load & <more>",
                                     .unit = "kW",
                                     .height_px = 100,
                                     .n = 5,
                                     .series = &s,
                                     .n_series = 1,
                                     .ticks = &tick,
                                     .n_ticks = 1,
                                     .tip = tip,
                                     .user = user};
    sg_html_init(&p, &b, SG_PT_BR);
    sg_chart_lines(&p, &c);
    assert_int_equal(sg_html_done(&p), 0);
    assert_int_equal(count(&b, "d=\"M0.0 400.0L250.0 200.0M750.0 0.0L1000.0 200.0\""), 1);
    assert_int_equal(count(&b, "role=\"img\" aria-label=\"load &amp; &lt;more&gt;\""), 1);
    assert_int_equal(count(&b, "<title>&quot;&lt;b&gt; "), 5);
    assert_int_equal(count(&b, "&lt;noon&gt;"), 1);
    assert_int_equal(count(&b, "0,5"), 1); /* a step of the axis, as Brazilians write it */
}

/* Along y and back along the floor, no line; and an upright line at a fifth of the axis. */
static void a_band_has_two_ends(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    struct sg_html p;
    const double high[] = {2, 2, NAN, 4}, low[] = {1, NAN, 1, 2};
    const struct sg_chart_series s = {"a", high, 1, true, false};
    const struct sg_chart_lines c = {.label = "band",
                                     .unit = "",
                                     .height_px = 100,
                                     .bare = true,
                                     .floor = low,
                                     .mark = 0.2,
                                     .n = 4,
                                     .series = &s,
                                     .n_series = 1};
    sg_html_init(&p, &b, SG_EN);
    sg_chart_lines(&p, &c);
    assert_int_equal(sg_html_done(&p), 0);
    assert_int_equal(count(&b,
                           "d=\"M0.0 200.0L333.3 200.0L333.3 400.0L0.0 300.0ZM1000.0 0.0L1000.0 "
                           "200.0Z\""),
                     1);
    assert_int_equal(count(&b, "stroke s1"), 0);
    assert_int_equal(count(&b, "<line class=\"mark\" x1=\"200\" x2=\"200\""), 1);
}

/* Down to zero on both sides of a gap, in one figure each. */
static void an_area_ends_at_zero(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    struct sg_html p;
    const double y[] = {2, 1, NAN, 2, 1};
    const struct sg_chart_series s = {"a", y, 1, true, false};
    sg_html_init(&p, &b, SG_EN);
    sg_chart_lines(&p, &(struct sg_chart_lines){
                           .label = "x", .unit = "", .n = 5, .series = &s, .n_series = 1});
    assert_int_equal(sg_html_done(&p), 0);
    assert_int_equal(count(&b, "class=\"area s1\" d=\"M0.0 400L0.0 0.0L250.0 200.0L250.0 400Z"
                               "M750.0 400L750.0 0.0L1000.0 200.0L1000.0 400Z\""),
                     1);
}

/* More than there is room for fills the bar, and lacks nothing. */
static void a_bar_ends_at_its_end(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 16);
    struct sg_html p;
    sg_html_init(&p, &b, SG_EN);
    sg_chart_bar(&p, "x", 30, 20, 20, 1);
    sg_chart_bar(&p, "x", -5, 0, 20, 2);
    sg_chart_bar(&p, "x", 5, 20, 20, 3);
    sg_chart_bar(&p, "x", 5, 0, 0, 4);
    assert_int_equal(sg_html_done(&p), 0);
    assert_int_equal(count(&b, "class=\"fill s1\" x=\"0\" y=\"0\" width=\"1000\""), 1);
    assert_int_equal(count(&b, "class=\"fill s2\" x=\"0\" y=\"0\" width=\"0\""), 1);
    assert_int_equal(count(&b, "class=\"fill s3\" x=\"0\" y=\"0\" width=\"250\""), 1);
    assert_int_equal(count(&b, "class=\"lack\" x=\"250\" y=\"0\" width=\"750\""), 1);
    assert_int_equal(count(&b, "class=\"lack\""), 1);
}

static void a_stack_adds_up(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    struct sg_html p;
    const double v[] = {1, 3, 2, 2};
    const unsigned colors[] = {1, 2};
    const struct sg_chart_columns c = {.label = "x",
                                       .unit = "kWh",
                                       .height_px = 100,
                                       .n = 2,
                                       .n_parts = 2,
                                       .values = v,
                                       .colors = colors};
    sg_html_init(&p, &b, SG_EN);
    sg_chart_columns(&p, &c);
    assert_int_equal(sg_html_done(&p), 0);
    /* Top 4: the first column is 1/4 and 3/4 of 400. */
    assert_int_equal(count(&b, "class=\"fill s1\" x=\"50\" y=\"300\" width=\"400\" height=\"100\""),
                     1);
    assert_int_equal(count(&b, "class=\"fill s2\" x=\"50\" y=\"0\" width=\"400\" height=\"300\""),
                     1);
}

static void heat_uses_all_steps(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    struct sg_html p;
    double v[10];
    for (int i = 0; i < 9; i++)
        v[i] = i;
    v[9] = NAN;
    const struct sg_chart_heat c = {
        .label = "x", .unit = "kW", .row_px = 10, .n_rows = 2, .n_columns = 5, .values = v};
    sg_html_init(&p, &b, SG_EN);
    sg_chart_heat(&p, &c);
    assert_int_equal(sg_html_done(&p), 0);
    for (int q = 0; q < 9; q++) {
        char class[32];
        snprintf(class, sizeof class, "class=\"q%d\"", q);
        assert_int_equal(count(&b, class), 2); /* a cell and the key */
    }
    assert_int_equal(count(&b, "class=\"none\""), 1);
}

static void empty_charts_stand(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    struct sg_html p;
    sg_html_init(&p, &b, SG_EN);
    sg_chart_lines(&p, &(struct sg_chart_lines){.label = "a", .unit = ""});
    sg_chart_columns(&p, &(struct sg_chart_columns){.label = "b", .unit = ""});
    sg_chart_heat(&p, &(struct sg_chart_heat){.label = "c", .unit = ""});
    sg_chart_bar(&p, "d", 0, 0, 0, 1);
    sg_chart_legend(&p, NULL, NULL, 0);
    assert_int_equal(sg_html_done(&p), 0);
    assert_int_equal(count(&b, "nan"), 0);
    assert_int_equal(count(&b, "inf"), 0);
}

static void what_is_lacking_is_drawn(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    struct sg_html p;
    sg_html_init(&p, &b, SG_EN);
    sg_chart_bar(&p, "all", 100, 100, 100, 1);
    assert_int_equal(count(&b, "lack"), 0);
    sg_chart_bar(&p, "one lost", 99999, 100000, 100000, 1);
    assert_int_equal(count(&b, "class=\"lack\" x=\"999.99\" y=\"0\" width=\"5\""), 1);
    assert_int_equal(sg_html_done(&p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(axes_have_round_steps),    cmocka_unit_test(a_gap_parts_a_line),
        cmocka_unit_test(a_band_has_two_ends),      cmocka_unit_test(an_area_ends_at_zero),
        cmocka_unit_test(a_bar_ends_at_its_end),    cmocka_unit_test(a_stack_adds_up),
        cmocka_unit_test(heat_uses_all_steps),      cmocka_unit_test(empty_charts_stand),
        cmocka_unit_test(what_is_lacking_is_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
