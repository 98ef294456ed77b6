/* chart-heat - a map of cells in nine steps of one hue, which stay apart in grey and for any eye.
 */
#include "chart-int.h"

#include <math.h>
#include <stdio.h>

#define STEPS 9

struct range {
    double low, high;
};

static struct range range_of(const struct sg_chart_heat *c)
{
    struct range r = {INFINITY, -INFINITY};
    for (size_t i = 0; i < c->n_rows * c->n_columns; i++)
        if (isfinite(c->values[i])) {
            r.low = fmin(r.low, c->values[i]);
            r.high = fmax(r.high, c->values[i]);
        }
    return r.low <= r.high ? r : (struct range){0, 0};
}

static unsigned step_of(double v, struct range r)
{
    double share = r.high > r.low ? (v - r.low) / (r.high - r.low) : 0;
    return (unsigned)fmin(STEPS - 1, floor(share * STEPS));
}

static void put_cells(struct sg_html *p, const struct sg_chart_heat *c, struct range range)
{
    for (size_t i = 0; i < c->n_rows * c->n_columns; i++) {
        char class[8] = "none";
        if (isfinite(c->values[i]))
            snprintf(class, sizeof class, "q%u", step_of(c->values[i], range));
        sg_chart_rect(p, class, (double)(i % c->n_columns), (double)(i / c->n_columns), 1, 1);
        sg_chart_tip(p, c->tip, c->user, i);
        sg_html_close(p);
    }
}

static void put_key(struct sg_html *p, const struct sg_chart_heat *c, struct range r)
{
    unsigned decimals = sg_chart_scale_for(r.high).decimals + 1;
    sg_html_open_class(p, "div", "key");
    sg_html_attr(p, "aria-hidden", "true");
    sg_html_textf(p, "%s ", sg_format_fixed(p->language, r.low, decimals).s);
    sg_html_open(p, "svg");
    sg_html_attrf(p, "viewBox", "0 0 %d 1", STEPS);
    sg_html_attr(p, "preserveAspectRatio", "none");
    for (unsigned q = 0; q < STEPS; q++) {
        char class[8];
        snprintf(class, sizeof class, "q%u", q);
        sg_chart_rect(p, class, q, 0, 1, 1);
        sg_html_close(p);
    }
    sg_html_close(p);
    sg_html_textf(p, " %s\xc2\xa0%s", sg_format_fixed(p->language, r.high, decimals).s, c->unit);
    sg_html_close(p);
}

void sg_chart_heat(struct sg_html *p, const struct sg_chart_heat *c)
{
    struct range range = range_of(c);
    sg_html_open_class(p, "div", "chart heat");
    sg_chart_y_letters(p, c->row_ticks, c->n_row_ticks);
    sg_chart_open_svg(p, c->label, (double)c->n_columns, (double)c->n_rows,
                      c->row_px * (unsigned)c->n_rows);
    put_cells(p, c, range);
    sg_html_close(p);
    sg_chart_x_letters(p, c->column_ticks, c->n_column_ticks);
    put_key(p, c, range);
    sg_html_close(p);
}
