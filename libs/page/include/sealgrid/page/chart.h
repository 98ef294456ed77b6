#pragma once
/*
 * chart - charts as inline SVG in a frame of HTML: the plot stretches with the page, letters of
 * axes do not, so that one chart is readable on a phone, on a wide screen and in print.
 *
 * Every plot is an image to a screen reader (role=img) with the label as its text; the letters
 * around it are hidden from one.  tip, where given, writes what a pointer resting on point i is
 * shown. Colours are classes of the style sheet (s1..s6 for series, q0..q8 for steps of a heat
 * map). Values that are not finite are gaps.
 */
#include <sealgrid/page/format.h>

/* A place on an axis: 0..1 of its length.  minor ticks lose their letters on a phone. */
struct sg_chart_tick {
    double at;
    char text[32];
    bool minor;
};

#define SG_CHART_TIP_MAX 256
typedef void (*sg_chart_tip_fn)(void *user, size_t i, char ret[SG_CHART_TIP_MAX]);

struct sg_chart_series {
    const char *name;
    const double *y;
    unsigned color; /* 1..6 */
    bool area;      /* filled down to zero */
    bool dashed;
};

struct sg_chart_lines {
    const char *label; /* what the picture shows, one sentence */
    const char *unit;  /* of y; "" none */
    unsigned height_px;
    bool bare;           /* without axes: one of many small ones */
    double top;          /* end of the y axis; 0: from the values */
    const double *floor; /* the area of the first series ends there instead of at zero, and has no
                          * line of its own: a band; NULL: none */
    double mark;         /* an upright line at this place of the x axis, 0..1; 0: none */
    size_t n;            /* points of every series, evenly spaced */
    const struct sg_chart_series *series;
    size_t n_series;
    const struct sg_chart_tick *ticks; /* of x */
    size_t n_ticks;
    sg_chart_tip_fn tip; /* NULL: none */
    void *user;
};
void sg_chart_lines(struct sg_html *p, const struct sg_chart_lines *c);

/* Columns, each a stack of parts. */
struct sg_chart_columns {
    const char *label, *unit;
    unsigned height_px;
    size_t n, n_parts;
    const double *values; /* [n][n_parts], >= 0 */
    const unsigned *colors;
    const struct sg_chart_tick *ticks; /* of x */
    size_t n_ticks;
    sg_chart_tip_fn tip; /* of column i */
    void *user;
};
void sg_chart_columns(struct sg_html *p, const struct sg_chart_columns *c);

/* Rows from the top, columns from the left; nine steps from the least to the greatest value. */
struct sg_chart_heat {
    const char *label, *unit;
    unsigned row_px;
    size_t n_rows, n_columns;
    const double *values; /* [row][column] */
    const struct sg_chart_tick *row_ticks, *column_ticks;
    size_t n_row_ticks, n_column_ticks;
    sg_chart_tip_fn tip; /* of cell row * n_columns + column */
    void *user;
};
void sg_chart_heat(struct sg_html *p, const struct sg_chart_heat *c);

/* One horizontal bar that fills its place in the page: value of of, and in red what is lacking of
 * expected (0: nothing is expected). */
void sg_chart_bar(struct sg_html *p, const char *label, double value, double expected, double of,
                  unsigned color);

/* A legend: one patch and name a series. */
void sg_chart_legend(struct sg_html *p, const char *const *names, const unsigned *colors, size_t n);

/* The steps of an axis from 0 that ends at or above top: 1, 2 or 5 times a power of ten, at most
 * five of them. */
struct sg_chart_scale {
    double step;
    unsigned n_steps, decimals;
};
struct sg_chart_scale sg_chart_scale_for(double top);
