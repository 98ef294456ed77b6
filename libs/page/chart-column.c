/* chart-column - upright columns, each a stack of parts. */
#include "chart-int.h"

#include <math.h>
#include <stdio.h>

static double height_of(const struct sg_chart_columns *c, size_t i)
{
    double sum = 0;
    for (size_t k = 0; k < c->n_parts; k++) {
        double v = c->values[i * c->n_parts + k];
        sum += isfinite(v) ? fmax(0, v) : 0;
    }
    return sum;
}

static void put_column(struct sg_html *p, const struct sg_chart_columns *c, size_t i, double top)
{
    double pitch = (double)PLOT_W / (double)c->n, y = PLOT_H;
    sg_html_open(p, "g");
    sg_chart_tip(p, c->tip, c->user, i);
    for (size_t k = 0; k < c->n_parts; k++) {
        double v = c->values[i * c->n_parts + k];
        double h = isfinite(v) && v > 0 ? PLOT_H * v / top : 0;
        char class[16];
        snprintf(class, sizeof class, "fill s%u", c->colors[k]);
        y -= h;
        sg_chart_rect(p, class, pitch * ((double)i + 0.1), y, pitch * 0.8, h);
        sg_html_close(p);
    }
    sg_chart_rect(p, "tip", pitch * (double)i, 0, pitch, PLOT_H);
    sg_html_close(p);
    sg_html_close(p);
}

void sg_chart_columns(struct sg_html *p, const struct sg_chart_columns *c)
{
    double top = 0;
    for (size_t i = 0; i < c->n; i++)
        top = fmax(top, height_of(c, i));
    struct sg_chart_scale scale = sg_chart_scale_for(top);
    sg_html_open_class(p, "div", "chart");
    sg_chart_unit(p, c->unit);
    sg_chart_y_scale(p, scale);
    sg_chart_open_svg(p, c->label, PLOT_W, PLOT_H, c->height_px);
    sg_chart_grid(p, scale);
    for (size_t i = 0; i < c->n; i++)
        put_column(p, c, i, scale.step * scale.n_steps);
    sg_html_close(p);
    sg_chart_x_letters(p, c->ticks, c->n_ticks);
    sg_html_close(p);
}
