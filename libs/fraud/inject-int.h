#pragma once
/*
 * inject-int - thefts put into honest days, for a fleet to learn by what theft would look like in
 * it (full.h).
 *
 * The published forms (Jokar 2016 h1..h6, Zanetti 2019 FDI1..FDI6) with wider parameters, and one
 * of three general ones, so that what is learnt is not these formulas alone: a x, a within .1 to .9
 * | 0 for three hours or more | g(t) x | g(t) mean | mean | x reversed | min(x, q peak), q within
 * .3 to .8 | max(x - q mean, 0), q within .15 to .8 | x some hours later, or x times a smooth curve
 * over the hours, or earlier days at a share x: an hour's load; g within .1 to .9 each hour.  It
 * begins on a random day of the first half of the recent ones; three of ten are mixed with the true
 * load, one of five skips some days. Reported loads are rounded to the customer's own grain: else
 * missing grain would give them away.
 */
#include "view-int.h"

/* X(constant) */
#define SG_INJECT_KINDS(X)                                                                         \
    X(SHARE)                                                                                       \
    X(HOURS_OFF) X(CHANGING_SHARE) X(SHARE_OF_MEAN) X(MEAN) X(REVERSED) X(CUT_PEAKS) X(AMOUNT_OFF) \
        X(GENERAL)

enum sg_inject_kind {
#define X(name) SG_INJECT_##name,
    SG_INJECT_KINDS(X)
#undef X
        SG_INJECT_COUNT
};

/* What a thief knows of the reference: its largest step that all loads are multiples of (0: none),
 * mean and 98 % quantile of an hour's load. */
struct sg_inject_base {
    float grain, mean, peak;
};

/* The coarsest of 10, 1, .1, .01 and .001 that all loads are multiples of; 0: none. */
float sg_inject_grain(const struct sg_view *v);

/* Writes the recent rows of to, a copy of from.  key: what is drawn depends on it alone. */
void sg_inject(const struct sg_view *from, const struct sg_inject_base *base,
               enum sg_inject_kind kind, uint64_t key, struct sg_view *to);
