#include "windows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/crypto/hash.h>
#include <sealgrid/meter/daily-rows.h>

enum { YEAR_DAYS = 366, STARTS = 3, RUN_MAX = 36 };

#define ZEROS_MAX 0.005
#define MEAN_MIN  2.0

/* The building's year at hand. */
struct year {
    char building[WINDOW_NAME + 1];
    int64_t number; /* of the year; 0: none */
    int32_t first;  /* its January 1 */
    bool there[YEAR_DAYS];
    uint8_t weekday[YEAR_DAYS];
    float load[YEAR_DAYS][WINDOW_HOURS];
};

int windows_part(const struct window *w)
{
    char text[WINDOW_NAME + 8];
    uint8_t hash[32];
    snprintf(text, sizeof(text), "own-%s", w->building);
    sg_sha256(hash, sg_bytes_str(text));
    return hash[0] < 128;
}

void windows_clear(struct windows *w)
{
    free(w->list);
    *w = (struct windows){.list = NULL};
}

static bool is_good(const struct window *w)
{
    const float *v = w->load[0];
    size_t zeros = 0, run = 1, longest = 1;
    const size_t n = (size_t)WINDOW_DAYS * WINDOW_HOURS;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        zeros += v[i] == 0;
        sum += (double)v[i];
        run = i > 0 && v[i] == v[i - 1] ? run + 1 : 1;
        longest = run > longest ? run : longest;
    }
    return (double)zeros <= ZEROS_MAX * (double)n && sum >= MEAN_MIN * (double)n &&
           longest < RUN_MAX;
}

static struct window *next_window(struct windows *w)
{
    if (w->n == w->room) {
        const size_t room = w->room ? w->room * 2 : 64;
        struct window *list = reallocarray(w->list, room, sizeof(*list));
        if (!list)
            return NULL;
        w->list = list;
        w->room = room;
    }
    return &w->list[w->n];
}

static int cut(struct windows *w, const struct year *y)
{
    for (int s = 0; s < STARTS && y->number; s++) {
        const int first = s * WINDOW_DAYS;
        struct window *next = next_window(w);
        bool whole = true;
        if (!next)
            return sg_raise(-ENOMEM);
        for (int d = first; d < first + WINDOW_DAYS; d++)
            whole = whole && y->there[d];
        memcpy(next->building, y->building, sizeof(next->building));
        next->day = y->first + first;
        next->weekday = y->weekday[first];
        for (int d = 0; d < WINDOW_DAYS; d++)
            for (int h = 0; h < WINDOW_HOURS; h++)
                next->load[d][h] = (float)(floor((double)y->load[first + d][h] * 10 + 0.5) / 10);
        w->n += whole && is_good(next);
    }
    return 0;
}

/* The year of a day, and its first. */
static int64_t year_of(int32_t day, int32_t *ret_first)
{
    char text[SG_RFC3339_MAX];
    int64_t year = 0, first_s = 0;
    sg_time_rfc3339(text, (int64_t)day * 86400);
    for (int i = 0; i < 4; i++)
        year = year * 10 + (text[i] - '0');
    snprintf(text + 4, sizeof(text) - 4, "-01-01T00:00:00Z");
    if (sg_time_parse(text, &first_s))
        return 0;
    *ret_first = (int32_t)(first_s / 86400);
    return year;
}

static int put_row(struct windows *w, struct year *y, const struct sg_daily_row *row)
{
    int32_t first = 0;
    const int64_t year = year_of(row->day, &first);
    if (year != y->number || !sg_bytes_equal(row->customer, sg_bytes_str(y->building))) {
        int r = cut(w, y);
        if (r)
            return r;
        *y = (struct year){.number = year, .first = first};
        memcpy(y->building, row->customer.data, row->customer.len);
    }
    const int32_t d = row->day - first;
    y->there[d] = row->missing == 0;
    y->weekday[d] = row->weekday;
    memcpy(y->load[d], row->load, sizeof(y->load[d]));
    return 0;
}

int windows_read(struct windows *ret, const char *path)
{
    SG_CLEANUP(sg_daily_freep) struct sg_daily *in = NULL;
    SG_CLEANUP(windows_clear) struct windows w = {.list = NULL};
    struct sg_daily_error why = {.line = 0};
    struct sg_daily_row row;
    struct year y = {.number = 0};
    int r = sg_daily_open(&in, path, &why);
    if (r == 0 && (!sg_daily_dated(in) || sg_daily_points(in) != WINDOW_HOURS))
        r = SG_DAILY_BAD;
    while (r == 0 && (r = sg_daily_next(in, &row, &why)) == 0)
        r = put_row(&w, &y, &row);
    if (r == SG_DAILY_END)
        r = cut(&w, &y);
    if (r > 0)
        fprintf(stderr, "%s: line %llu: %s\n", path, (unsigned long long)why.line,
                why.text[0] ? why.text : "not 24 dated hours");
    if (r)
        return r < 0 ? r : 1;
    *ret = w;
    w.list = NULL;
    return 0;
}
