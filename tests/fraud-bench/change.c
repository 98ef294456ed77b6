#include "change.h"

#include <math.h>
#include <stdlib.h>

enum { HOURS = WINDOW_HOURS, START = WINDOW_REFERENCE };

const char *const change_words[CHANGES] = {
#define C(name, words) words,
    CHANGE_LIST(C)
#undef C
};

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The load of the fifth quietest night hour of the reference. */
static double base_of(const struct window *w)
{
    float night[START * 5];
    size_t n = 0;
    for (int day = 0; day < START; day++)
        for (int h = 0; h < 5; h++)
            night[n++] = w->load[day][h];
    qsort(night, n, sizeof(night[0]), by_value);
    return (double)night[n / 5];
}

/* Nobody there: the base load with its own noise.  Of less than that a refrigerator or a pump is
 * left, that comes and goes by the hour; or a lamp at times. */
static void empty_days(struct window *w, int from, int to, enum change c, struct draw *d)
{
    const double base = base_of(w);
    for (int day = from; day < to; day++) {
        double x[HOURS];
        for (int h = 0; h < HOURS; h++)
            x[h] = c == CHANGE_VACANT_LOW ? base / 8 * draw_within(d, 0.7, 1.3)
                   : c == CHANGE_VACANT_OFF
                       ? (draw_share(d) < 0.1 ? base / 40 * draw_within(d, 0.5, 1.5) : 0)
                       : base * draw_within(d, 0.95, 1.05);
        window_put(w->load[day], x);
    }
}

/* Panels of so many times the usual noon load, clouds by the day and by the hour. */
static void add_solar(struct window *w, int start, double least, double most, struct draw *d)
{
    double noon = 0;
    for (int day = 0; day < START; day++)
        noon += (double)w->load[day][12] / START;
    const double peak = noon * draw_within(d, least, most);
    for (int day = start; day < WINDOW_DAYS; day++) {
        const double clear = draw_within(d, 0.2, 1);
        double x[HOURS];
        for (int h = 0; h < HOURS; h++) {
            const double sun = h >= 6 && h < 18 ? sin(3.14159265358979 * (h - 5.5) / 12) : 0;
            x[h] = (double)w->load[day][h] - peak * sun * clear * draw_within(d, 0.85, 1);
        }
        window_put(w->load[day], x);
    }
}

/* A third to a half of what was drawn from 17 to 20 o'clock moves to 22 to 5 o'clock. */
static void change_tariff(struct window *w, int start, struct draw *d)
{
    const double moved = draw_within(d, 0.33, 0.5);
    for (int day = start; day < WINDOW_DAYS; day++) {
        double x[HOURS], sum = 0;
        for (int h = 0; h < HOURS; h++) {
            const double take = h >= 17 && h < 21 ? moved * (double)w->load[day][h] : 0;
            x[h] = (double)w->load[day][h] - take;
            sum += take;
        }
        for (int i = 0; i < 8; i++)
            x[(22 + i) % HOURS] += sum / 8;
        window_put(w->load[day], x);
    }
}

/* A workday of each week from the second on is lived as a Sunday of the reference. */
static void keep_holidays(struct window *w, struct draw *d, struct change_made *m)
{
    for (int k = 0; k < 3; k++) {
        int day = START + 7 * (k + 1) + (int)(draw_share(d) * 5),
            sunday = (int)(draw_share(d) * 80);
        while ((w->weekday + day) % 7 > 4)
            day++;
        while ((w->weekday + sunday) % 7 != 6)
            sunday++;
        for (int h = 0; h < HOURS; h++)
            w->load[day][h] = w->load[sunday][h];
        m->holiday[k] = day;
    }
    m->start = m->holiday[0];
}

void change_do(struct window *w, enum change c, struct draw *d, struct change_made *ret)
{
    *ret = (struct change_made){.start = draw_one_of(d, START, START + 9)};
    if (c == CHANGE_VACANT || c == CHANGE_VACANT_LOW || c == CHANGE_VACANT_OFF)
        empty_days(w, ret->start, WINDOW_DAYS, c, d);
    else if (c == CHANGE_SOLAR)
        add_solar(w, ret->start, 0.6, 1.5, d);
    else if (c == CHANGE_SOLAR_LARGE)
        add_solar(w, ret->start, 1.5, 4, d);
    else if (c == CHANGE_TARIFF)
        change_tariff(w, ret->start, d);
    else if (c == CHANGE_HOLIDAYS)
        keep_holidays(w, d, ret);
    else
        empty_days(w, ret->start + 7, ret->start + 7 + draw_one_of(d, 8, 14), c, d);
}

struct sg_fraud_context change_fact(enum change c, const struct change_made *m)
{
    struct sg_fraud_context f = SG_FRAUD_CONTEXT_NONE;
    if (c == CHANGE_VACANT || c == CHANGE_VACANT_LOW || c == CHANGE_VACANT_OFF)
        f.vacant_since = m->start;
    else if (c == CHANGE_SOLAR || c == CHANGE_SOLAR_LARGE)
        f.solar_since = m->start;
    else if (c == CHANGE_TARIFF)
        f.tariff_since = m->start;
    else if (c == CHANGE_HOLIDAYS) {
        f.holiday = m->holiday;
        f.n_holidays = 3;
    }
    return f;
}
