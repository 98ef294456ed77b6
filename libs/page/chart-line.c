/* chart-line - lines and areas over evenly spaced points. */
#include "chart-int.h"

#include <math.h>
#include <sealgrid/base/cleanup.h>
#include <stdio.h>

#define PATH_MAX_BYTES (4u << 20)

static double highest(const struct sg_chart_lines *c)
{
    double top = 0;
    for (size_t s = 0; s < c->n_series; s++)
        for (size_t i = 0; i < c->n; i++)
            if (isfinite(c->series[s].y[i]))
                top = fmax(top, c->series[s].y[i]);
    return top;
}

static double x_of(const struct sg_chart_lines *c, size_t i)
{
    return c->n > 1 ? PLOT_W * (double)i / (double)(c->n - 1) : PLOT_W / 2.0;
}

static double y_of(double v, double top)
{
    return PLOT_H * (1 - fmin(1, fmax(0, v / top)));
}

static bool is_band(const struct sg_chart_lines *c, const struct sg_chart_series *s)
{
    return c->floor && s == c->series;
}

/* Back along the lower end of a band. */
static int put_back(struct sg_buf *d, const struct sg_chart_lines *c, const double *low,
                    size_t from, size_t until, double top)
{
    int r = 0;
    for (size_t i = until; r == 0 && i > from; i--)
        r = sg_buf_printf(d, "L%.1f %.1f", x_of(c, i - 1),
                          y_of(isfinite(low[i - 1]) ? low[i - 1] : 0, top));
    return r ? r : sg_buf_append_u8(d, 'Z');
}

/* One run of points without a gap, [from, until). */
static int put_run(struct sg_buf *d, const struct sg_chart_lines *c,
                   const struct sg_chart_series *s, size_t from, size_t until, double top,
                   bool area)
{
    const bool band = area && is_band(c, s), to_zero = area && !band;
    int r = to_zero ? sg_buf_printf(d, "M%.1f %d", x_of(c, from), PLOT_H) : 0;
    for (size_t i = from; r == 0 && i < until; i++)
        r = sg_buf_printf(d, "%c%.1f %.1f", i == from && !to_zero ? 'M' : 'L', x_of(c, i),
                          y_of(s->y[i], top));
    if (r == 0 && to_zero)
        r = sg_buf_printf(d, "L%.1f %dZ", x_of(c, until - 1), PLOT_H);
    if (r == 0 && band)
        r = put_back(d, c, c->floor, from, until, top);
    return r;
}

static void put_path(struct sg_html *p, const struct sg_chart_lines *c,
                     const struct sg_chart_series *s, double top, bool area)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf d = SG_BUF_INIT(PATH_MAX_BYTES);
    int r = 0;
    for (size_t i = 0; r == 0 && i < c->n;) {
        size_t end = i;
        while (end < c->n && isfinite(s->y[end]))
            end++;
        if (end > i)
            r = put_run(&d, c, s, i, end, top, area);
        i = end + 1;
    }
    if (r == 0)
        r = sg_buf_append_u8(&d, 0);
    if (r) {
        p->failure = p->failure ? p->failure : r;
        return;
    }
    char class[32];
    snprintf(class, sizeof class, "%s s%u%s", area ? "area" : "stroke", s->color,
             s->dashed && !area ? " dashed" : "");
    sg_html_open_class(p, "path", class);
    sg_html_attr(p, "d", (const char *)d.data);
    sg_html_close(p);
}

/* Columns without colour that carry the tips. */
static void put_tips(struct sg_html *p, const struct sg_chart_lines *c)
{
    double w = (double)PLOT_W / (double)c->n;
    for (size_t i = 0; c->tip && i < c->n; i++) {
        sg_chart_rect(p, "tip", fmin(PLOT_W - w, fmax(0, x_of(c, i) - w / 2)), 0, w, PLOT_H);
        sg_chart_tip(p, c->tip, c->user, i);
        sg_html_close(p);
    }
}

static void put_mark(struct sg_html *p, double at)
{
    if (!(at > 0 && at <= 1))
        return;
    sg_html_open_class(p, "line", "mark");
    sg_html_attr_number(p, "x1", PLOT_W * at);
    sg_html_attr_number(p, "x2", PLOT_W * at);
    sg_html_attr_number(p, "y1", 0);
    sg_html_attr_number(p, "y2", PLOT_H);
    sg_html_close(p);
}

static void put_plot(struct sg_html *p, const struct sg_chart_lines *c, struct sg_chart_scale scale,
                     double top)
{
    sg_chart_open_svg(p, c->label, PLOT_W, PLOT_H, c->height_px);
    if (!c->bare)
        sg_chart_grid(p, scale);
    for (size_t s = 0; s < c->n_series; s++)
        if (c->series[s].area)
            put_path(p, c, &c->series[s], top, true);
    for (size_t s = 0; s < c->n_series; s++)
        if (!is_band(c, &c->series[s]))
            put_path(p, c, &c->series[s], top, false);
    put_mark(p, c->mark);
    put_tips(p, c);
    sg_html_close(p);
}

void sg_chart_lines(struct sg_html *p, const struct sg_chart_lines *c)
{
    double top = c->top > 0 ? c->top : highest(c);
    struct sg_chart_scale scale = sg_chart_scale_for(top);
    sg_html_open_class(p, "div", c->bare ? "chart bare" : "chart");
    if (!c->bare) {
        sg_chart_unit(p, c->unit);
        sg_chart_y_scale(p, scale);
    }
    put_plot(p, c, scale, c->bare ? (top > 0 ? top : 1) : scale.step * scale.n_steps);
    if (c->n_ticks)
        sg_chart_x_letters(p, c->ticks, c->n_ticks);
    sg_html_close(p);
}
