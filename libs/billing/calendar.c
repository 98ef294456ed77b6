/* calendar - which post an instant belongs to. */
#include <sealgrid/base/clock.h>
#include <sealgrid/billing/tariff.h>

/* Meeus, "Astronomical Algorithms", chapter 8 (the anonymous Gregorian algorithm). */
int64_t sg_easter(int year)
{
    int a = year % 19, b = year / 100, c = year % 100;
    int d = b / 4, e = b % 4, f = (b + 8) / 25, g = (b - f + 1) / 3;
    int h = (19 * a + b - d - g + 15) % 30;
    int i = c / 4, k = c % 4;
    int l = (32 + 2 * e + 2 * i - h - k) % 7;
    int m = (a + 11 * h + 22 * l) / 451;
    int month = (h + l - 7 * m + 114) / 31, day = (h + l - 7 * m + 114) % 31 + 1;

    return sg_days_from_civil(year, (unsigned)month, (unsigned)day);
}

static bool is_holiday(const struct sg_tariff_holiday *list, size_t n, int64_t day)
{
    unsigned month, mday;
    int year;

    sg_civil_from_days(day, &year, &month, &mday);
    for (size_t i = 0; i < n; i++) {
        const struct sg_tariff_holiday *h = &list[i];
        if ((h->kind == SG_HOLIDAY_DATE && h->day == day) ||
            (h->kind == SG_HOLIDAY_YEARLY && h->day == (int64_t)(month * 32 + mday)) ||
            (h->kind == SG_HOLIDAY_EASTER && year >= 1583 && sg_easter(year) + h->day == day))
            return true;
    }
    return false;
}

enum sg_day_kind sg_day_kind_of(const struct sg_tariff_holiday *holidays, size_t n,
                                int64_t local_day)
{
    int64_t weekday = ((local_day + 4) % 7 + 7) % 7; /* 0 is Sunday: 1970-01-01 was a Thursday */

    if (is_holiday(holidays, n, local_day))
        return SG_DAY_HOLIDAY;
    return weekday == 0 ? SG_DAY_SUNDAY : weekday == 6 ? SG_DAY_SATURDAY : SG_DAY_WORKING;
}

enum sg_day_kind sg_tariff_day_kind(const struct sg_tariff *t, int64_t local_day)
{
    return sg_day_kind_of(t->holidays, t->n_holidays, local_day);
}

/* Seasons stand by their first day; before the first one the last one goes on. */
size_t sg_tariff_season_of(const struct sg_tariff *t, int64_t local_day)
{
    unsigned month, mday;
    size_t i;
    int year;

    if (t->n_seasons == 0)
        return 0;
    sg_civil_from_days(local_day, &year, &month, &mday);
    for (i = t->n_seasons; i > 0; i--)
        if (t->seasons[i - 1].from <= month * 32 + mday)
            return i - 1;
    return t->n_seasons - 1;
}

int sg_month_of_day(int64_t local_day)
{
    unsigned month, mday;
    int year;

    sg_civil_from_days(local_day, &year, &month, &mday);
    return year * 12 + (int)month - 1;
}

int64_t sg_first_day_of_month(int month)
{
    return sg_days_from_civil(month / 12, (unsigned)(month % 12) + 1, 1);
}

static void enter_day(const struct sg_tariff *t, struct sg_tariff_cursor *c, int64_t start_s)
{
    struct sg_tz_span span = sg_tz_at(t->tz, start_s);
    int64_t local = start_s + span.east_s;

    c->day = local / 86400 - (local % 86400 < 0);
    c->midnight_s = c->day * 86400 - span.east_s;
    c->from_s = c->midnight_s > span.from_s ? c->midnight_s : span.from_s;
    c->until_s = c->midnight_s + 86400 < span.until_s ? c->midnight_s + 86400 : span.until_s;
    c->month = sg_month_of_day(c->day);
    c->season = (uint8_t)sg_tariff_season_of(t, c->day);
    c->post_at = t->post_at[c->season][sg_tariff_day_kind(t, c->day)];
}

struct sg_tariff_slot sg_tariff_slot_at(const struct sg_tariff *t, struct sg_tariff_cursor *c,
                                        int64_t start_s)
{
    struct sg_tariff_slot slot;

    if (start_s < c->from_s || start_s >= c->until_s)
        enter_day(t, c, start_s);
    slot.minute = (uint16_t)((start_s - c->midnight_s) / 60);
    slot.month = c->month;
    slot.season = c->season;
    slot.day = c->day;
    slot.post = c->post_at[slot.minute];
    if (t->schedule) {
        int64_t post = sg_series_at(t->schedule, start_s);
        slot.post = post == SG_SERIES_NONE ? SG_TARIFF_NO_POST : (uint8_t)post;
    }
    return slot;
}
