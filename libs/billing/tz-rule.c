/* tz-rule - the POSIX TZ text. */
#include "tz-rule-int.h"

#include <sealgrid/base/clock.h>

#define HOUR_MAX 167

static bool is_alpha(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(const struct sg_reader *r)
{
    return r->left && *r->at >= '0' && *r->at <= '9';
}

static bool take_char(struct sg_reader *r, char c)
{
    if (!r->left || *r->at != (uint8_t)c)
        return false;
    r->at++;
    r->left--;
    return true;
}

/* "-03" in angle brackets, or letters; at least three octets. */
static bool take_name(struct sg_reader *r)
{
    size_t n = 0;

    if (take_char(r, '<')) {
        while (r->left && *r->at != '>') {
            r->at++;
            r->left--;
            n++;
        }
        return take_char(r, '>') && n >= 3;
    }
    while (r->left && is_alpha(*r->at)) {
        r->at++;
        r->left--;
        n++;
    }
    return n >= 3;
}

static bool take_number(struct sg_reader *r, int max, int *ret)
{
    int v = 0;

    if (!is_digit(r))
        return false;
    while (is_digit(r)) {
        v = v * 10 + (*r->at - '0');
        if (v > max)
            return false;
        r->at++;
        r->left--;
    }
    *ret = v;
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct sg_reader *r, int32_t *ret_s)
{
    int h, m = 0, s = 0, sign = 1;

    if (take_char(r, '-'))
        sign = -1;
    else
        take_char(r, '+');
    if (!take_number(r, HOUR_MAX, &h))
        return false;
    if (take_char(r, ':')) {
        if (!take_number(r, 59, &m))
            return false;
        if (take_char(r, ':') && !take_number(r, 59, &s))
            return false;
    }
    *ret_s = sign * (h * 3600 + m * 60 + s);
    return true;
}

static bool take_weekday(struct sg_reader *r, struct sg_tz_change *c)
{
    c->kind = SG_TZ_WEEKDAY;
    return take_number(r, 12, &c->month) && c->month >= 1 && take_char(r, '.') &&
           take_number(r, 5, &c->week) && c->week >= 1 && take_char(r, '.') &&
           take_number(r, 6, &c->day);
}

static bool take_change(struct sg_reader *r, struct sg_tz_change *c)
{
    bool ok;

    c->time_s = 2 * 3600;
    if (take_char(r, 'M')) {
        ok = take_weekday(r, c);
    } else if (take_char(r, 'J')) {
        c->kind = SG_TZ_JULIAN;
        ok = take_number(r, 365, &c->day) && c->day >= 1;
    } else {
        c->kind = SG_TZ_DAY_OF_YEAR;
        ok = take_number(r, 365, &c->day);
    }
    return ok && (!take_char(r, '/') || take_time(r, &c->time_s));
}

static bool take_dst(struct sg_reader *r, struct sg_tz_rule *rule)
{
    int32_t west_s;

    rule->has_dst = true;
    rule->dst_east_s = rule->std_east_s + 3600;
    if (!take_name(r))
        return false;
    if (r->left && *r->at != ',') {
        if (!take_time(r, &west_s))
            return false;
        rule->dst_east_s = -west_s;
    }
    /* A rule must follow: the default of POSIX is the implementation's and no zone file uses it. */
    return take_char(r, ',') && take_change(r, &rule->to_dst) && take_char(r, ',') &&
           take_change(r, &rule->to_std);
}

bool sg_tz_rule_parse(struct sg_bytes text, struct sg_tz_rule *ret)
{
    struct sg_reader r = sg_reader_over(text);
    struct sg_tz_rule rule = {.present = true};
    int32_t west_s;

    if (text.len == 0) {
        *ret = (struct sg_tz_rule){.present = false};
        return true;
    }
    if (!take_name(&r) || !take_time(&r, &west_s))
        return false;
    rule.std_east_s = -west_s;
    if (r.left && !take_dst(&r, &rule))
        return false;
    if (r.left)
        return false;
    *ret = rule;
    return true;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t weekday_of_month(int year, const struct sg_tz_change *c)
{
    int64_t first = sg_days_from_civil(year, (unsigned)c->month, 1);
    int64_t next = c->month == 12 ? sg_days_from_civil(year + 1, 1, 1)
                                  : sg_days_from_civil(year, (unsigned)c->month + 1, 1);
    int weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    int64_t day = first + (c->day - weekday + 7) % 7 + 7 * (c->week - 1);

    return day < next ? day : day - 7; /* week 5 is the last one */
}

/* The instant of a change in local time of that year, as if local time were UTC. */
static int64_t change_local(int year, const struct sg_tz_change *c)
{
    int64_t day = 0;

    switch (c->kind) {
    case SG_TZ_JULIAN:
        day = sg_days_from_civil(year, 1, 1) + c->day - 1 + (is_leap(year) && c->day > 59);
        break;
    case SG_TZ_DAY_OF_YEAR:
        day = sg_days_from_civil(year, 1, 1) + c->day;
        break;
    case SG_TZ_WEEKDAY:
        day = weekday_of_month(year, c);
        break;
    }
    return day * 86400 + c->time_s;
}

struct sg_tz_span sg_tz_rule_at(const struct sg_tz_rule *rule, int64_t unix_s)
{
    struct sg_tz_span span = {INT64_MIN, INT64_MAX, rule->std_east_s};
    int64_t day = unix_s / 86400 - (unix_s % 86400 < 0);
    unsigned month, mday;
    int year;

    /* Rules repeat for ever; years outside the calendar's range keep the standard offset. */
    if (!rule->has_dst || day < -719162 || day > 2932896)
        return span;
    sg_civil_from_days(day, &year, &month, &mday);
    /* The latest change at or before unix_s and the earliest after it, among three years. */
    for (int y = year - 1; y <= year + 1; y++) {
        int64_t on = change_local(y, &rule->to_dst) - rule->std_east_s;
        int64_t off = change_local(y, &rule->to_std) - rule->dst_east_s;
        if (on <= unix_s && on >= span.from_s) {
            span.from_s = on;
            span.east_s = rule->dst_east_s;
        }
        if (off <= unix_s && off >= span.from_s) {
            span.from_s = off;
            span.east_s = rule->std_east_s;
        }
        if (on > unix_s && on < span.until_s)
            span.until_s = on;
        if (off > unix_s && off < span.until_s)
            span.until_s = off;
    }
    return span;
}
