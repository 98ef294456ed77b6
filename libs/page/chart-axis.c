/* chart-axis - scales and the letters around a plot. */
#include "chart-int.h"

#include <math.h>
#include <stdio.h>

struct sg_chart_scale sg_chart_scale_for(double top)
{
    static const double mantissas[] = {1, 2, 5, 10};
    if (!isfinite(top) || top <= 0)
        return (struct sg_chart_scale){1, 1, 0};
    double power = pow(10, floor(log10(top / 5)));
    double step = 10 * power;
    for (size_t i = 0; i < 4; i++)
        if (ceil(top / (mantissas[i] * power) - 1e-9) <= 5) {
            step = mantissas[i] * power;
            break;
        }
    double decimals = -floor(log10(step) + 1e-9);
    return (struct sg_chart_scale){step, (unsigned)fmax(1, ceil(top / step - 1e-9)),
                                   (unsigned)fmin(6, fmax(0, decimals))};
}

void sg_chart_x_letters(struct sg_html *p, const struct sg_chart_tick *ticks, size_t n)
{
    sg_html_open_class(p, "div", "x");
    sg_html_attr(p, "aria-hidden", "true");
    for (size_t i = 0; i < n; i++) {
        const struct sg_chart_tick *t = &ticks[i];
        /* Letters at an end stay inside the frame. */
        const char *end = t->at < 0.04 ? " from" : t->at > 0.96 ? " until" : "";
        sg_html_open(p, "span");
        sg_html_attrf(p, "class", "%s%s", t->minor ? "minor" : "major", end);
        sg_html_attrf(p, "style", "left:%.2f%%", 100 * t->at);
        sg_html_text(p, t->text);
        sg_html_close(p);
    }
    sg_html_close(p);
}

void sg_chart_y_letters(struct sg_html *p, const struct sg_chart_tick *ticks, size_t n)
{
    sg_html_open_class(p, "div", "y");
    sg_html_attr(p, "aria-hidden", "true");
    for (size_t i = 0; i < n; i++) {
        sg_html_open_class(p, "span", ticks[i].minor ? "minor" : "major");
        sg_html_attrf(p, "style", "top:%.2f%%", 100 * ticks[i].at);
        sg_html_text(p, ticks[i].text);
        sg_html_close(p);
    }
    sg_html_close(p);
}

void sg_chart_y_scale(struct sg_html *p, struct sg_chart_scale s)
{
    struct sg_chart_tick ticks[8];
    size_t n = 0;
    for (unsigned i = 0; i <= s.n_steps && n < 8; i++, n++) {
        ticks[n] = (struct sg_chart_tick){.at = 1 - (double)i / s.n_steps};
        snprintf(ticks[n].text, sizeof ticks[n].text, "%.30s",
                 sg_format_fixed(p->language, i * s.step, s.decimals).s);
    }
    sg_chart_y_letters(p, ticks, n);
}

void sg_chart_open_svg(struct sg_html *p, const char *label, double width, double height,
                       unsigned height_px)
{
    sg_html_open(p, "svg");
    sg_html_attr(p, "role", "img");
    sg_html_attr(p, "aria-label", label);
    sg_html_attrf(p, "viewBox", "0 0 %.0f %.0f", width, height);
    sg_html_attr(p, "preserveAspectRatio", "none");
    sg_html_attrf(p, "style", "height:%upx", height_px);
}

void sg_chart_rect(struct sg_html *p, const char *class, double x, double y, double w, double h)
{
    sg_html_open_class(p, "rect", class);
    sg_html_attr_number(p, "x", x);
    sg_html_attr_number(p, "y", y);
    sg_html_attr_number(p, "width", w);
    sg_html_attr_number(p, "height", h);
}

void sg_chart_grid(struct sg_html *p, struct sg_chart_scale s)
{
    for (unsigned i = 0; i <= s.n_steps; i++) {
        double y = PLOT_H * (1 - (double)i / s.n_steps);
        sg_html_open_class(p, "line", i ? "grid" : "axis");
        sg_html_attr_number(p, "x1", 0);
        sg_html_attr_number(p, "x2", PLOT_W);
        sg_html_attr_number(p, "y1", y);
        sg_html_attr_number(p, "y2", y);
        sg_html_close(p);
    }
}

void sg_chart_tip(struct sg_html *p, sg_chart_tip_fn tip, void *user, size_t i)
{
    char text[SG_CHART_TIP_MAX] = "";
    if (!tip)
        return;
    tip(user, i, text);
    sg_html_element(p, "title", NULL, text);
}

void sg_chart_unit(struct sg_html *p, const char *unit)
{
    if (!*unit)
        return;
    sg_html_open_class(p, "span", "unit");
    sg_html_attr(p, "aria-hidden", "true");
    sg_html_text(p, unit);
    sg_html_close(p);
}

void sg_chart_legend(struct sg_html *p, const char *const *names, const unsigned *colors, size_t n)
{
    sg_html_open_class(p, "ul", "legend");
    for (size_t i = 0; i < n; i++) {
        sg_html_open(p, "li");
        sg_html_open(p, "svg");
        sg_html_attr(p, "viewBox", "0 0 10 10");
        sg_html_attr(p, "aria-hidden", "true");
        char class[16];
        snprintf(class, sizeof class, "fill s%u", colors[i]);
        sg_chart_rect(p, class, 0, 0, 10, 10);
        sg_html_close(p);
        sg_html_close(p);
        sg_html_text(p, names[i]);
        sg_html_close(p);
    }
    sg_html_close(p);
}

void sg_chart_bar(struct sg_html *p, const char *label, double value, double expected, double of,
                  unsigned color)
{
    double w = of > 0 ? PLOT_W * fmin(1, fmax(0, value / of)) : 0;
    double lack = of > 0 ? PLOT_W * fmin(1, fmax(0, expected / of)) - w : 0;
    char class[16];
    snprintf(class, sizeof class, "fill s%u", color);
    sg_html_open_class(p, "svg", "bar");
    sg_html_attr(p, "role", "img");
    sg_html_attr(p, "aria-label", label);
    sg_html_attrf(p, "viewBox", "0 0 %d 10", PLOT_W);
    sg_html_attr(p, "preserveAspectRatio", "none");
    sg_chart_rect(p, "track", 0, 0, PLOT_W, 10);
    sg_html_close(p);
    /* What is there at all is seen: half a percent at least. */
    sg_chart_rect(p, class, 0, 0, value > 0 ? fmax(w, PLOT_W / 200.0) : 0, 10);
    sg_html_close(p);
    if (lack > 0) {
        sg_chart_rect(p, "lack", w, 0, fmax(lack, PLOT_W / 200.0), 10);
        sg_html_close(p);
    }
    sg_html_close(p);
}
