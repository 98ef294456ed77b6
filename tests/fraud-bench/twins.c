/*
 * twins - buildings of the archive whose meters are one: some are told twice, some as a constant
 * share of another.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "windows.h"

enum { HOURS = WINDOW_DAYS * WINDOW_HOURS };

/* Means of the load, and of what it strays from its mean. */
static double mean_of(const struct window *w, double *ret_stray)
{
    double sum = 0, stray = 0;
    for (size_t d = 0; d < WINDOW_DAYS; d++)
        for (size_t h = 0; h < WINDOW_HOURS; h++)
            sum += (double)w->load[d][h];
    const double mean = sum / HOURS;
    for (size_t d = 0; d < WINDOW_DAYS; d++)
        for (size_t h = 0; h < WINDOW_HOURS; h++)
            stray += fabs((double)w->load[d][h] - mean);
    *ret_stray = stray / HOURS;
    return mean;
}

/* Both are rounded to 0.1: 0.025 off in the mean. */
#define ROUNDED 0.03
#define ALIKE   0.002 /* of the load, besides */
#define LIVELY  10    /* loads that hardly move are alike without being one */

static bool are_twins(const struct window *a, const struct window *b)
{
    double stray, none, apart = 0;
    const double of_b = mean_of(b, &stray), share = of_b / mean_of(a, &none);
    const double most = ROUNDED * (1 + share) + ALIKE * of_b;
    if (stray < LIVELY * most)
        return false;
    for (size_t d = 0; d < WINDOW_DAYS && apart <= most * HOURS; d++)
        for (size_t h = 0; h < WINDOW_HOURS; h++)
            apart += fabs((double)b->load[d][h] - share * (double)a->load[d][h]);
    return apart <= most * HOURS;
}

static void rename_meter(struct windows *w, const char *from, const char *to)
{
    char old[WINDOW_NAME + 1], new[WINDOW_NAME + 1];
    memcpy(old, from, sizeof(old)); /* it is one of those renamed */
    memcpy(new, to, sizeof(new));
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->list[i].meter, old) == 0)
            memcpy(w->list[i].meter, new, sizeof(new));
}

size_t windows_join_twins(struct windows *w)
{
    size_t twins = 0;
    for (size_t i = 0; i < w->n; i++)
        memcpy(w->list[i].meter, w->list[i].building, sizeof(w->list[i].meter));
    for (size_t i = 0; i < w->n; i++)
        for (size_t k = i + 1; k < w->n; k++) {
            const struct window *a = &w->list[i], *b = &w->list[k];
            if (a->day != b->day || !are_twins(a, b))
                continue;
            twins++;
            rename_meter(w, b->meter, a->meter);
        }
    return twins;
}
