#pragma once
/*
 * clock - time.  Instants of the world are seconds (or ns) since 1970-01-01T00:00:00Z without leap
 * seconds; durations come from the monotonic clock.  Code under simulation takes its time from
 * the loop (net/loop.h), not from here.
 */
#include <sealgrid/base/buf.h>

int64_t sg_clock_unix_s(void);
int64_t sg_clock_monotonic_ns(void);
/* CPU time of the process, ns. */
int64_t sg_clock_cpu_ns(void);

/* "2026-09-01T03:00:00Z" and back; proleptic Gregorian, years 1970..9999. */
#define SG_RFC3339_MAX 21
void sg_time_rfc3339(char ret[SG_RFC3339_MAX], int64_t unix_s);
/* Also accepts an offset ("-03:00").  -EINVAL. */
SG_MUST_USE int sg_time_parse(const char *text, int64_t *ret_unix_s);
/* Days since 1970-01-01 of a civil date, and back. */
int64_t sg_days_from_civil(int year, unsigned month, unsigned day);
void sg_civil_from_days(int64_t days, int *ret_year, unsigned *ret_month, unsigned *ret_day);
