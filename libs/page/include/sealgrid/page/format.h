#pragma once
/*
 * format - numbers, money, dates and durations as people of a language write them.
 * English: 1,234.5; Brazilian Portuguese: 1.234,5.  A no-break space stands before a unit.
 * Pure functions; the result is returned by value and holds at most 63 octets.
 */
#include <sealgrid/page/html.h>

struct sg_text {
    char s[64];
};

/* "161,280" */
struct sg_text sg_format_int(enum sg_language l, int64_t v);
/* Rounded to so many decimals (0..6); "–" for what is not finite. */
struct sg_text sg_format_fixed(enum sg_language l, double v, unsigned decimals);
/* v / 10^digits exactly; trailing zeros beyond min_decimals are left out.  digits 0..18. */
struct sg_text sg_format_decimal(enum sg_language l, int64_t v, unsigned digits,
                                 unsigned min_decimals);
/* Minor units: "R$ 1,234.56".  A currency without a sign of its own keeps its code. */
struct sg_text sg_format_money(enum sg_language l, int64_t minor, unsigned decimals,
                               const char *currency);
/* A fraction: 0.985 is "98.5 %". */
struct sg_text sg_format_percent(enum sg_language l, double fraction, unsigned decimals);
/* Three to four significant digits: "812 Wh", "206.1 kWh", "12.3 MWh". */
struct sg_text sg_format_energy(enum sg_language l, int64_t wh);
/* Octets: "131 MiB". */
struct sg_text sg_format_bytes(enum sg_language l, int64_t octets);
/* "36 ms", "1.6 s", "48 s", "2 min 5 s", "3 h 12 min" */
struct sg_text sg_format_duration(enum sg_language l, double seconds);

/* Days since 1970-01-01. */
enum sg_date_form {
    SG_DATE_LONG,    /* "1 September 2026", "1º de setembro de 2026" */
    SG_DATE_NUMERIC, /* "1 Sep 2026", "01/09/2026" */
    SG_DATE_SHORT,   /* "1 Sep", "1º set." */
    SG_DATE_WEEKDAY, /* "Tue 1 Sep", "ter. 1º set." */
};
struct sg_text sg_format_date(enum sg_language l, int64_t days, enum sg_date_form form);
/* Local seconds since 1970: "1 Sep 2026, 14:05", "01/09/2026 14:05". */
struct sg_text sg_format_time(enum sg_language l, int64_t local_s);
/* year * 12 + month - 1: "September 2026", "setembro de 2026". */
struct sg_text sg_format_month(enum sg_language l, int month);
/* 0 = Monday: "Mon", "seg." */
const char *sg_format_weekday(enum sg_language l, unsigned weekday);
