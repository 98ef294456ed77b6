#pragma once
/*
 * theft - what is done to an honest customer's last 30 days: the eight published forms, by the
 * formulas of the shared benchmark (h1..h6, FDI2, FDI3), harder forms of the same and two more; and
 * honest changes that are no theft.
 */
#include "windows.h"

struct draw {
    uint64_t state;
};
/* 0 to below 1. */
double draw_share(struct draw *d);

enum { THEFT_TYPES = 8, HARD_TYPES = 10 };

/* Types 1..8 from a day within 90..99; returns it. */
int theft_do(struct window *w, int type, struct draw *d);
/* Types 1..10, smaller and from a day within 90..105. */
int theft_do_hard(struct window *w, int type, struct draw *d);

enum change { CHANGE_VACANT, CHANGE_SOLAR, CHANGE_TARIFF, CHANGES };

/* An honest change from a day within 90..99; returns it. */
int change_do(struct window *w, enum change c, struct draw *d);
