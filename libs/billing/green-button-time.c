/* green-button-time - a zone's daylight saving as one rule for its begin and one for its end. */
#include <sealgrid/base/clock.h>
#include <sealgrid/billing/green-button.h>

/* Bits of a rule: seconds of the hour 0, hour 12, day of the week 17 (Monday 1), day of the month
 * 20, operator 25, month 28.  The hour is what clocks show just before the change. */
enum { OP_DAY = 0, OP_FIRST = 2, OP_LAST = 7 };
#define YEARS_AHEAD 10 /* a rule that holds for longer is the better one */

struct year {
    unsigned ups, downs;
    int64_t up, down; /* local time before the change */
    int32_t before_s, after_s, low_s, high_s;
};

static int year_of(int64_t local_s)
{
    unsigned month, day;
    int year;

    sg_civil_from_days(local_s / 86400 - (local_s % 86400 < 0), &year, &month, &day);
    return year;
}

static struct year changes(const struct sg_tz *tz, int year)
{
    int64_t end = sg_tz_midnight(tz, year + 1, 1, 1);
    struct sg_tz_span span = sg_tz_at(tz, sg_tz_midnight(tz, year, 1, 1));
    struct year y = {.before_s = span.east_s, .low_s = span.east_s, .high_s = span.east_s};

    while (span.until_s < end) {
        struct sg_tz_span next = sg_tz_at(tz, span.until_s);
        int64_t wall = span.until_s + span.east_s;
        if (next.east_s > span.east_s) {
            y.ups++;
            y.up = wall;
        } else if (next.east_s < span.east_s) {
            y.downs++;
            y.down = wall;
        }
        y.high_s = next.east_s > y.high_s ? next.east_s : y.high_s;
        y.low_s = next.east_s < y.low_s ? next.east_s : y.low_s;
        span = next;
    }
    y.after_s = span.east_s;
    return y;
}

static uint32_t pack(unsigned month, unsigned op, unsigned day, unsigned weekday, int64_t of_day)
{
    return month << 28 | op << 25 | day << 20 | weekday << 17 | (uint32_t)(of_day / 3600) << 12 |
           (uint32_t)(of_day % 3600);
}

/* The rule with that operator that gives this local time; 0 if none does. */
static uint32_t rule(int64_t wall, unsigned op)
{
    int64_t days = wall / 86400 - (wall % 86400 < 0), of_day = wall - days * 86400;
    unsigned month, day;
    int year;

    sg_civil_from_days(days, &year, &month, &day);
    int64_t next =
        sg_days_from_civil(year + (month == 12), month % 12 + 1, 1); /* of the next month */
    unsigned weekday = (unsigned)(((days + 3) % 7 + 7) % 7 + 1);     /* 1970-01-01: Thursday, 4 */
    if (op == OP_DAY)
        return pack(month, op, day, 0, of_day);
    if (op == OP_LAST ? days + 7 < next : (day - 1) / 7 != op - OP_FIRST)
        return 0;
    return pack(month, op, 0, weekday, of_day);
}

static uint32_t best_rule(const struct sg_tz *tz, int year, bool up, int64_t wall)
{
    uint32_t best = rule(wall, OP_DAY);
    int best_years = 1;

    for (unsigned op = OP_LAST; op >= OP_FIRST; op--) {
        uint32_t candidate = rule(wall, op);
        int years = candidate != 0;
        while (years && years < YEARS_AHEAD) {
            struct year y = changes(tz, year + years);
            if ((up ? y.ups : y.downs) != 1 || rule(up ? y.up : y.down, op) != candidate)
                break;
            years++;
        }
        if (years > best_years) {
            best_years = years;
            best = candidate;
        }
    }
    return best;
}

/*
 * A year in which daylight saving was given up (or begun) has one change only: then it lasts from
 * the year's first second, or to its last.  More than two changes no pair of rules can say: the
 * offset at that instant stands alone.
 */
struct sg_green_button_time sg_green_button_time_of(const struct sg_tz *tz, int64_t unix_s)
{
    int32_t east_s = sg_tz_at(tz, unix_s).east_s;
    int year = year_of(unix_s + east_s);
    struct year y = changes(tz, year);
    struct sg_green_button_time t = {east_s, 0, SG_GREEN_BUTTON_NO_DST, SG_GREEN_BUTTON_NO_DST};

    if (y.ups > 1 || y.downs > 1 || y.ups + y.downs == 0 ||
        (y.ups && y.downs && y.before_s != y.after_s))
        return t;
    t.start = y.ups ? best_rule(tz, year, true, y.up) : pack(1, OP_DAY, 1, 0, 0);
    t.end = y.downs ? best_rule(tz, year, false, y.down) : pack(12, OP_DAY, 31, 0, 86399);
    t.east_s = y.low_s;
    t.dst_s = y.high_s - y.low_s;
    return t;
}
