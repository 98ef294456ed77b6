#pragma once
/*
 * tz-rule - the POSIX TZ text (POSIX.1-2017 section 8.3, with RFC 8536's hours -167..167):
 * what holds after the last transition of a zone file.
 */
#include <sealgrid/billing/tz.h>

enum sg_tz_day_kind { SG_TZ_JULIAN, SG_TZ_DAY_OF_YEAR, SG_TZ_WEEKDAY };

struct sg_tz_change {
    enum sg_tz_day_kind kind;
    int day;         /* Jn: 1..365 without 29 February; n: 0..365; Mm.w.d: d, 0 is Sunday */
    int week, month; /* Mm.w.d */
    int32_t time_s;  /* local time of the change, from midnight */
};

struct sg_tz_rule {
    bool present, has_dst;
    int32_t std_east_s, dst_east_s;
    struct sg_tz_change to_dst, to_std;
};

/* False if it is not such a text. */
bool sg_tz_rule_parse(struct sg_bytes text, struct sg_tz_rule *ret);
struct sg_tz_span sg_tz_rule_at(const struct sg_tz_rule *rule, int64_t unix_s);
