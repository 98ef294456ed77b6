#pragma once
/*
 * green-button-int - parts of the feed.
 */
#include <sealgrid/billing/green-button.h>
#include <sealgrid/page/html.h>

#define GB_UUID_LEN 36

/* UUID of version 5 under the namespace of URLs (RFC 9562 section 5.5 and 6.6). */
void sg_gb_uuid(char ret[GB_UUID_LEN + 1], const char *name);

void sg_gb_number(struct sg_html *x, const char *element, int64_t value);
void sg_gb_interval(struct sg_html *x, const char *element, int64_t from_s, int64_t until_s);
/* ISO 4217, numeric; 0 if this table does not have it. */
unsigned sg_gb_currency(const char *code);
/* Whether the amounts fit. */
bool sg_gb_summary_fits(const struct sg_bill *b);
/* The UsageSummary element. */
void sg_gb_summary(struct sg_html *x, const struct sg_bill_intervals *g);
bool sg_gb_fits(__int128 v);
