#include <sealgrid/page/format.h>

#include <sealgrid/base/clock.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NBSP "\xc2\xa0"

static char point_of(enum sg_language l)
{
    return l == SG_PT_BR ? ',' : '.';
}

static char group_of(enum sg_language l)
{
    return l == SG_PT_BR ? '.' : ',';
}

/* Digits of a whole part, grouped by three. */
static void group(enum sg_language l, const char *digits, size_t n, char *ret)
{
    for (size_t i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            *ret++ = group_of(l);
        *ret++ = digits[i];
    }
    *ret = 0;
}

/* "-1234.50" to "-1,234.50"; a minus sign as printers set it. */
static struct sg_text localise(enum sg_language l, const char *plain)
{
    struct sg_text out;
    char whole[40];
    bool negative = *plain == '-';
    const char *digits = plain + negative;
    size_t n = strcspn(digits, ".");
    sg_assert(n < 28);
    group(l, digits, n, whole);
    if (digits[n])
        snprintf(out.s, sizeof out.s, "%s%s%c%.20s", negative ? "\xe2\x88\x92" : "", whole,
                 point_of(l), digits + n + 1);
    else
        snprintf(out.s, sizeof out.s, "%s%s", negative ? "\xe2\x88\x92" : "", whole);
    return out;
}

struct sg_text sg_format_int(enum sg_language l, int64_t v)
{
    char plain[32];
    snprintf(plain, sizeof plain, "%lld", (long long)v);
    return localise(l, plain);
}

struct sg_text sg_format_fixed(enum sg_language l, double v, unsigned decimals)
{
    char plain[48];
    if (!isfinite(v) || fabs(v) > 1e15)
        return (struct sg_text){"\xe2\x80\x93"};
    snprintf(plain, sizeof plain, "%.*f", (int)(decimals > 6 ? 6 : decimals), v);
    /* Zero has no sign. */
    if (plain[0] == '-' && strspn(plain + 1, "0.") == strlen(plain + 1))
        memmove(plain, plain + 1, strlen(plain));
    return localise(l, plain);
}

struct sg_text sg_format_decimal(enum sg_language l, int64_t v, unsigned digits,
                                 unsigned min_decimals)
{
    char all[48], plain[64];
    sg_assert(digits <= 18);
    uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    int n = snprintf(all, sizeof all, "%0*llu", (int)digits + 1, (unsigned long long)size);
    unsigned kept = digits;
    while (kept > min_decimals && all[n - 1 - (int)(digits - kept)] == '0')
        kept--;
    int whole = n - (int)digits;
    snprintf(plain, sizeof plain, "%s%.*s%s%.*s", v < 0 ? "-" : "", whole, all, kept ? "." : "",
             (int)kept, all + whole);
    return localise(l, plain);
}

static struct sg_text with_unit(struct sg_text number, const char *unit)
{
    struct sg_text out;
    snprintf(out.s, sizeof out.s, "%.48s" NBSP "%.8s", number.s, unit);
    return out;
}

static const char *sign_of(const char *currency)
{
    static const char *const signs[][2] = {
        {"BRL", "R$"}, {"USD", "US$"}, {"EUR", "\xe2\x82\xac"}, {"GBP", "\xc2\xa3"}};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (!strcmp(currency, signs[i][0]))
            return signs[i][1];
    return currency;
}

struct sg_text sg_format_money(enum sg_language l, int64_t minor, unsigned decimals,
                               const char *currency)
{
    struct sg_text out, number = sg_format_decimal(l, minor, decimals, decimals);
    snprintf(out.s, sizeof out.s, "%.8s" NBSP "%.48s", sign_of(currency), number.s);
    return out;
}

struct sg_text sg_format_percent(enum sg_language l, double fraction, unsigned decimals)
{
    return with_unit(sg_format_fixed(l, 100 * fraction, decimals), "%");
}

/* The largest unit that leaves at least one whole; one decimal below a thousand of the larger. */
static struct sg_text scaled(enum sg_language l, double v, double factor, const char *const *units,
                             size_t n)
{
    size_t i = 0;
    while (i + 1 < n && fabs(v) >= factor) {
        v /= factor;
        i++;
    }
    return with_unit(sg_format_fixed(l, v, i == 0 || fabs(v) >= 1000 ? 0 : 1), units[i]);
}

struct sg_text sg_format_energy(enum sg_language l, int64_t wh)
{
    static const char *const units[] = {"Wh", "kWh", "MWh", "GWh"};
    return scaled(l, (double)wh, 1000, units, 4);
}

struct sg_text sg_format_bytes(enum sg_language l, int64_t octets)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    return scaled(l, (double)octets, 1024, units, 5);
}

struct sg_text sg_format_duration(enum sg_language l, double seconds)
{
    struct sg_text out;
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e15)
        return (struct sg_text){"\xe2\x80\x93"};
    if (seconds < 0.9995)
        return with_unit(sg_format_fixed(l, 1000 * seconds, seconds < 0.00995 ? 1 : 0), "ms");
    if (seconds < 99.95)
        return with_unit(sg_format_fixed(l, seconds, 1), "s");
    long long whole = llround(seconds);
    if (whole < 7200)
        snprintf(out.s, sizeof out.s, "%lld" NBSP "min" NBSP "%lld" NBSP "s", whole / 60,
                 whole % 60);
    else
        snprintf(out.s, sizeof out.s, "%lld" NBSP "h" NBSP "%lld" NBSP "min", whole / 3600,
                 whole % 3600 / 60);
    return out;
}

/* ---- dates ---------------------------------------------------------------------------------- */

static const char *const months_long[SG_N_LANGUAGES][12] = {
    {"January", "February", "March", "April", "May", "June", "July", "August", "September",
     "October", "November", "December"},
    {"janeiro", "fevereiro", "mar\xc3\xa7o", "abril", "maio", "junho", "julho", "agosto",
     "setembro", "outubro", "novembro", "dezembro"},
};

static const char *const months_short[SG_N_LANGUAGES][12] = {
    {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
    {"jan.", "fev.", "mar.", "abr.", "maio", "jun.", "jul.", "ago.", "set.", "out.", "nov.",
     "dez."},
};

const char *sg_format_weekday(enum sg_language l, unsigned weekday)
{
    static const char *const names[SG_N_LANGUAGES][7] = {
        {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"},
        {"seg.", "ter.", "qua.", "qui.", "sex.",
         "s\xc3\xa1"
         "b.",
         "dom."},
    };
    sg_assert(weekday < 7);
    return names[l][weekday];
}

/* In Portuguese the first of a month is written as an ordinal. */
static struct sg_text day_number(enum sg_language l, unsigned day)
{
    struct sg_text out;
    snprintf(out.s, sizeof out.s, "%u%s", day, l == SG_PT_BR && day == 1 ? "\xc2\xba" : "");
    return out;
}

struct sg_text sg_format_date(enum sg_language l, int64_t days, enum sg_date_form form)
{
    struct sg_text out;
    unsigned month, day;
    int year;
    bool pt = l == SG_PT_BR;
    sg_civil_from_days(days, &year, &month, &day);
    sg_assert(month >= 1 && month <= 12);
    const char *brief = months_short[l][month - 1];
    const struct sg_text number = day_number(l, day);
    const char *d = number.s;
    switch (form) {
    case SG_DATE_LONG:
        snprintf(out.s, sizeof out.s, pt ? "%.8s de %s de %d" : "%.8s %s %d", d,
                 months_long[l][month - 1], year);
        break;
    case SG_DATE_NUMERIC:
        if (pt)
            snprintf(out.s, sizeof out.s, "%02u/%02u/%d", day, month, year);
        else
            snprintf(out.s, sizeof out.s, "%u %s %d", day, brief, year);
        break;
    case SG_DATE_SHORT:
        snprintf(out.s, sizeof out.s, "%.8s %s", d, brief);
        break;
    case SG_DATE_WEEKDAY:
        /* 1970-01-01 was a Thursday. */
        snprintf(out.s, sizeof out.s, "%s %.8s %s",
                 sg_format_weekday(l, (unsigned)(((days + 3) % 7 + 7) % 7)), d, brief);
        break;
    }
    return out;
}

struct sg_text sg_format_time(enum sg_language l, int64_t local_s)
{
    struct sg_text out;
    int64_t days = local_s / 86400 - (local_s % 86400 < 0);
    int64_t s = local_s - days * 86400;
    struct sg_text date = sg_format_date(l, days, SG_DATE_NUMERIC);
    snprintf(out.s, sizeof out.s, "%.40s%s %02d:%02d", date.s, l == SG_PT_BR ? "" : ",",
             (int)(s / 3600), (int)(s % 3600 / 60));
    return out;
}

struct sg_text sg_format_month(enum sg_language l, int month)
{
    struct sg_text out;
    sg_assert(month >= 0);
    snprintf(out.s, sizeof out.s, "%s %s%d", months_long[l][month % 12], l == SG_PT_BR ? "de " : "",
             month / 12);
    return out;
}
