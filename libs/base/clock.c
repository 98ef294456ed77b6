/* clock - the system's clocks, and RFC 3339. */
#include <sealgrid/base/clock.h>

#include <stdio.h>
#include <time.h>

static int64_t read_clock_ns(clockid_t id)
{
    struct timespec t;
    sg_assert(clock_gettime(id, &t) == 0);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t sg_clock_unix_s(void)
{
    return (int64_t)time(NULL);
}

int64_t sg_clock_monotonic_ns(void)
{
    return read_clock_ns(CLOCK_MONOTONIC);
}

int64_t sg_clock_cpu_ns(void)
{
    return read_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* Both conversions: Howard Hinnant, "chrono-compatible low-level date algorithms". */
int64_t sg_days_from_civil(int year, unsigned month, unsigned day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

void sg_civil_from_days(int64_t days, int *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    unsigned month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);

    *ret_day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    *ret_month = month;
    *ret_year = (int)(yoe + era * 400 + (month <= 2));
}

static void put_digits(char *at, unsigned n, unsigned v)
{
    while (n--) {
        at[n] = (char)('0' + v % 10);
        v /= 10;
    }
}

void sg_time_rfc3339(char ret[SG_RFC3339_MAX], int64_t unix_s)
{
    int64_t days = unix_s / 86400, rest = unix_s % 86400;
    int year;
    unsigned month, day;

    if (rest < 0) {
        rest += 86400;
        days--;
    }
    sg_civil_from_days(days, &year, &month, &day);
    memcpy(ret, "0000-00-00T00:00:00Z", SG_RFC3339_MAX);
    put_digits(ret, 4, (unsigned)year);
    put_digits(ret + 5, 2, month);
    put_digits(ret + 8, 2, day);
    put_digits(ret + 11, 2, (unsigned)(rest / 3600));
    put_digits(ret + 14, 2, (unsigned)(rest / 60 % 60));
    put_digits(ret + 17, 2, (unsigned)(rest % 60));
}

/* Matches text against pattern: each 'd' takes a digit into the current field, ',' ends a field
 * without taking anything, every other character stands for itself. */
static bool scan(const char **text, const char *pattern, unsigned *ret_fields)
{
    unsigned *field = ret_fields;

    *field = 0;
    for (; *pattern; pattern++) {
        if (*pattern == ',') {
            *++field = 0;
            continue;
        }
        char c = **text;
        if (*pattern == 'd' && c >= '0' && c <= '9')
            *field = *field * 10 + (unsigned)(c - '0');
        else if (*pattern == 'd' || c != *pattern)
            return false;
        (*text)++;
    }
    return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

static bool scan_offset(const char **text, int64_t *ret_s)
{
    unsigned f[2];
    char sign = **text;

    *ret_s = 0;
    if (sign == 'Z') {
        (*text)++;
        return true;
    }
    if (sign != '+' && sign != '-')
        return false;
    (*text)++;
    if (!scan(text, "dd,:dd", f) || f[0] > 23 || f[1] > 59)
        return false;
    *ret_s = (int64_t)(f[0] * 3600 + f[1] * 60) * (sign == '-' ? -1 : 1);
    return true;
}

int sg_time_parse(const char *text, int64_t *ret_unix_s)
{
    unsigned f[6];
    int64_t offset;

    if (!scan(&text, "dddd,-dd,-dd,Tdd,:dd,:dd", f) || !scan_offset(&text, &offset) || *text)
        return sg_raisef(-EINVAL, "not a time of RFC 3339");
    if (f[0] < 1970 || f[1] < 1 || f[1] > 12 || f[2] < 1 || f[2] > days_in_month(f[0], f[1]) ||
        f[3] > 23 || f[4] > 59 || f[5] > 59)
        return sg_raisef(-EINVAL, "no such time");
    *ret_unix_s = sg_days_from_civil((int)f[0], f[1], f[2]) * 86400 +
                  (int64_t)(f[3] * 3600 + f[4] * 60 + f[5]) - offset;
    return 0;
}
