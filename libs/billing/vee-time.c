/* vee-time - stamps of foreign files. */
#include "vee-time-int.h"

#include <sealgrid/base/clock.h>

enum vee_stamp_kind vee_stamp_kind(const char *format)
{
    if (!strcmp(format, "unix"))
        return VEE_STAMP_UNIX;
    return strcmp(format, "rfc3339") ? VEE_STAMP_LOCAL : VEE_STAMP_RFC3339;
}

bool vee_stamp_format_ok(const char *format)
{
    static const char letters[] = "dmYHMS";
    unsigned seen = 0;

    if (vee_stamp_kind(format) != VEE_STAMP_LOCAL)
        return true;
    for (const char *f = format; *f; f++) {
        if (*f != '%')
            continue;
        const char *at = *++f ? strchr(letters, *f) : NULL;
        if (!at || seen & 1u << (at - letters))
            return false;
        seen |= 1u << (at - letters);
    }
    return (seen & 7u) == 7u;
}

/* One or two digits; of a year exactly four. */
static bool take_number(const char **text, bool year, int *ret)
{
    int v = 0, n = 0;
    const int most = year ? 4 : 2;

    while (n < most && **text >= '0' && **text <= '9') {
        v = v * 10 + (**text - '0');
        (*text)++;
        n++;
    }
    *ret = v;
    return year ? n == 4 : n > 0;
}

struct civil {
    int day, month, year, hour, minute, second;
};

static int *member_of(struct civil *c, char letter)
{
    switch (letter) {
    case 'd':
        return &c->day;
    case 'm':
        return &c->month;
    case 'Y':
        return &c->year;
    case 'H':
        return &c->hour;
    case 'M':
        return &c->minute;
    default:
        return &c->second;
    }
}

static bool civil_valid(const struct civil *c)
{
    int year;
    unsigned month, day;

    if (c->year < 1970 || c->month < 1 || c->month > 12 || c->day < 1 || c->day > 31 ||
        c->minute > 59 || c->second > 59 || c->hour > 24 ||
        (c->hour == 24 && (c->minute || c->second)))
        return false;
    sg_civil_from_days(sg_days_from_civil(c->year, (unsigned)c->month, (unsigned)c->day), &year,
                       &month, &day);
    return (int)day == c->day && (int)month == c->month; /* no 31st of June */
}

bool vee_stamp_parse(const char *format, const char *text, int64_t *ret_local_s)
{
    struct civil c = {0, 0, 0, 0, 0, 0};

    for (const char *f = format; *f; f++) {
        if (*f == '%') {
            f++;
            if (!take_number(&text, *f == 'Y', member_of(&c, *f)))
                return false;
        } else if (*text++ != *f) {
            return false;
        }
    }
    if (*text || !civil_valid(&c))
        return false;
    *ret_local_s = sg_days_from_civil(c.year, (unsigned)c.month, (unsigned)c.day) * 86400 +
                   c.hour * 3600 + c.minute * 60 + c.second;
    return true;
}

size_t vee_local_instants(const struct sg_tz *tz, int64_t local_s, int64_t ret[2])
{
    /* The offset of a day before holds before a change nearby, that of a day after behind it. */
    const int32_t before = sg_tz_at(tz, local_s - 2 * 86400).east_s;
    const int32_t after = sg_tz_at(tz, local_s + 2 * 86400).east_s;
    const int64_t candidates[2] = {local_s - before, local_s - after};
    size_t n = 0;

    for (size_t i = 0; i < (before == after ? 1u : 2u); i++)
        if (sg_tz_at(tz, candidates[i]).east_s == local_s - candidates[i])
            ret[n++] = candidates[i];
    if (n == 2 && ret[1] < ret[0]) {
        const int64_t first = ret[1];
        ret[1] = ret[0];
        ret[0] = first;
    }
    return n;
}
