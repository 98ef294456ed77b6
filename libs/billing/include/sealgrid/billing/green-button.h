#pragma once
/*
 * green-button - a bill and its intervals as a Green Button file: NAESB REQ.21 ESPI 3.3, an Atom
 * feed (RFC 4287).  docs/billing.md says what stands where.  The same input gives the same octets:
 * identifiers are UUIDs of version 5, and the feed is dated by the end of the period.
 */
#include <sealgrid/billing/bill.h>

struct sg_vee_rules;

#define SG_GREEN_BUTTON_MAX (256u << 20)

struct sg_bill_intervals {
    const struct sg_bill *bill;
    const struct sg_tariff *tariff;
    const struct sg_bill_reading *readings; /* those billed, estimates among them, in time order */
    size_t n_readings;
    const struct sg_vee_rules *rules; /* that the estimates were made by; NULL: none */
};

enum sg_green_button_outcome {
    SG_GREEN_BUTTON_TOO_LARGE = 1, /* an amount or energy past the 48 bits of the format */
};
/* Appended to ret. */
SG_MUST_USE int sg_green_button_write(const struct sg_bill_intervals *g, struct sg_buf *ret);

/* Daylight saving of one year as the format has it: tzOffset, dstOffset and the two rules. */
#define SG_GREEN_BUTTON_NO_DST UINT32_MAX
struct sg_green_button_time {
    int32_t east_s, dst_s;
    uint32_t start, end;
};
struct sg_green_button_time sg_green_button_time_of(const struct sg_tz *tz, int64_t unix_s);

/* The ratio of the meter that stood there, applied to one reading's energy. */
int64_t sg_bill_reading_value(const struct sg_bill *b, const struct sg_bill_reading *r,
                              int64_t value);
