#pragma once
/*
 * windows - honest customers for the benchmark of injected theft: 120 consecutive days of one
 * building in one year, from its day 0, 120 or 240, with at most 0.5 % zeros, a mean of 2 kWh an
 * hour or more and no 36 equal hours running.
 */
#include <sealgrid/base/error.h>

#include <stddef.h>
#include <stdint.h>

enum { WINDOW_DAYS = 120, WINDOW_REFERENCE = 90, WINDOW_HOURS = 24, WINDOW_NAME = 63 };

struct window {
    char building[WINDOW_NAME + 1];
    char meter[WINDOW_NAME + 1]; /* set by windows_join_twins: the building, or its first twin */
    int32_t day;                 /* of the first, since 1970-01-01 */
    uint8_t weekday;
    float load[WINDOW_DAYS][WINDOW_HOURS]; /* rounded to 0.1 */
};

struct windows {
    struct window *list;
    size_t n, room;
};

/* 0, 1 and what is wrong with the file on standard error, -errno. */
SG_MUST_USE int windows_read(struct windows *ret, const char *path);
void windows_clear(struct windows *w);
/* Buildings of which a window is the same load as another building's, but for a factor, get one
 * meter.  How many such pairs of windows there are. */
size_t windows_join_twins(struct windows *w);
/* Buildings are in one of two parts: 1 was looked at while the score was made, 0 was not. */
int windows_part(const struct window *w);
