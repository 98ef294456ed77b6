#include "exact-int.h"
#include "trees-int.h"

#include <math.h>

/* Below this a fit of the slope says that the margins tell nothing, or the contrary. */
#define SLOPE_LEAST 1e-3

struct sample {
    double margin, target, weight;
};

/* Sums in one order, whatever order the rows came in. */
static int compare(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    if (x->margin != y->margin)
        return x->margin < y->margin ? -1 : 1;
    if (x->target != y->target)
        return x->target < y->target ? -1 : 1;
    return (x->weight > y->weight) - (x->weight < y->weight);
}

static double loss(const struct sample *s, size_t n, struct trees_line l)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double m = l.slope * s[i].margin + l.intercept;
        sum += s[i].weight *
               ((m > 0 ? m : 0) + sg_fraud_log(1 + sg_fraud_exp(-fabs(m))) - s[i].target * m);
    }
    return sum;
}

/* Newton's step; the slope stays as it is if `fixed`. */
static struct trees_line newton_step(const struct sample *s, size_t n, struct trees_line l,
                                     bool fixed)
{
    double g_slope = 0, g = 0, h_slope = 1e-12, h_both = 0, h = 1e-12;
    for (size_t i = 0; i < n; i++) {
        const double p = sg_fraud_sigmoid(l.slope * s[i].margin + l.intercept);
        const double d = s[i].weight * (p - s[i].target), v = s[i].weight * p * (1 - p);
        g += d;
        g_slope += d * s[i].margin;
        h += v;
        h_both += v * s[i].margin;
        h_slope += v * s[i].margin * s[i].margin;
    }
    if (fixed)
        return (struct trees_line){0, -g / h};
    const double determinant = h_slope * h - h_both * h_both;
    return (struct trees_line){-(h * g_slope - h_both * g) / determinant,
                               -(h_slope * g - h_both * g_slope) / determinant};
}

/* Steps are halved until the loss falls (Lin, Lin and Weng 2007). */
static struct trees_line fit(const struct sample *s, size_t n, struct trees_line l, bool fixed)
{
    double now = loss(s, n, l);
    for (int round = 0; round < 100; round++) {
        const struct trees_line d = newton_step(s, n, l, fixed);
        double share = 1, then;
        struct trees_line next;
        do {
            next =
                (struct trees_line){l.slope + share * d.slope, l.intercept + share * d.intercept};
            then = loss(s, n, next);
            share /= 2;
        } while (!(then < now) && share > 1e-10);
        if (!(then < now))
            break;
        l = next;
        if (now - then < 1e-12 * now) /* what rounding alone may do */
            break;
        now = then;
    }
    return l;
}

static double clamp(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

int trees_fit_line(const double *margin, const float *label, const float *weight, size_t n,
                   struct trees_line *ret)
{
    double yes = 0, no = 0;
    size_t kept = 0;
    SG_FREE struct sample *s = calloc(n ? n : 1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < n; i++) {
        const double w = weight ? (double)weight[i] : 1;
        if (w > 0)
            s[kept++] = (struct sample){margin[i], (double)label[i], w};
    }
    qsort(s, kept, sizeof(*s), compare);
    for (size_t i = 0; i < kept; i++) {
        yes += s[i].weight * s[i].target;
        no += s[i].weight * (1 - s[i].target);
    }
    if (yes <= 0 || no <= 0)
        return SG_TREES_ONE_KIND;
    /* Nobody is surer than the sample is large. */
    const double high = (yes + 1) / (yes + 2), low = 1 / (no + 2);
    for (size_t i = 0; i < kept; i++)
        s[i].target = s[i].target * high + (1 - s[i].target) * low;
    const double odds = sg_fraud_log((yes + 1) / (no + 1));
    struct trees_line l = fit(s, kept, (struct trees_line){0, odds}, false);
    if (!(l.slope >= SLOPE_LEAST))
        l = fit(s, kept, (struct trees_line){SLOPE_LEAST, odds}, true);
    ret->slope = clamp(l.slope, SLOPE_LEAST, TREES_NUMBER_MAX);
    ret->intercept = clamp(l.intercept, -TREES_NUMBER_MAX, TREES_NUMBER_MAX) + 0.0;
    return 0;
}

int sg_trees_calibrate(struct sg_trees *m, const double *margin, const float *label,
                       const float *weight, size_t n)
{
    struct trees_line l;
    int r = trees_fit_line(margin, label, weight, n, &l);
    if (r)
        return r;
    m->slope = l.slope;
    m->intercept = l.intercept;
    return 0;
}
