#pragma once
/*
 * chart-int - what the kinds of chart share.  A plot has its own units and is stretched to the
 * page.
 */
#include <sealgrid/page/chart.h>

#define PLOT_W 1000
#define PLOT_H 400

/* Opens; the caller closes. */
void sg_chart_open_svg(struct sg_html *p, const char *label, double width, double height,
                       unsigned height_px);
void sg_chart_rect(struct sg_html *p, const char *class, double x, double y, double w, double h);
/* Whole. */
void sg_chart_grid(struct sg_html *p, struct sg_chart_scale s);
void sg_chart_x_letters(struct sg_html *p, const struct sg_chart_tick *ticks, size_t n);
void sg_chart_y_letters(struct sg_html *p, const struct sg_chart_tick *ticks, size_t n);
void sg_chart_y_scale(struct sg_html *p, struct sg_chart_scale s);
void sg_chart_tip(struct sg_html *p, sg_chart_tip_fn tip, void *user, size_t i);
void sg_chart_unit(struct sg_html *p, const char *unit);
