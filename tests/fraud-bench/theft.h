#pragma once
/*
 * theft - what is done to an honest customer's last 30 days: the eight published forms, by the
 * formulas of the shared benchmark (h1..h6, FDI2, FDI3), harder forms of the same and two more.
 */
#include "windows.h"

struct draw {
    uint64_t state;
};
/* 0 to below 1. */
double draw_share(struct draw *d);
double draw_within(struct draw *d, double from, double to);
/* from..to, both included */
int draw_one_of(struct draw *d, int from, int to);
/* A day's 24 loads, not below 0, as the file rounds them. */
void window_put(float *row, const double *x);

enum { THEFT_TYPES = 8, HARD_TYPES = 10 };

/* Types 1..8 from a day within 90..99; returns it. */
int theft_do(struct window *w, int type, struct draw *d);
/* Types 1..10, smaller and from a day within 90..105. */
int theft_do_hard(struct window *w, int type, struct draw *d);
