#pragma once
/*
 * bill-page - a bill as people know it: customer, meter, period, what was used and what it costs,
 * taxes, total, load per day, and how anybody verifies it.  English and Brazilian Portuguese.
 *
 * Everything on the page stands on the bill; the energy taken on each day is drawn beside it from
 * the same readings and says so if its sum is not the bill's import.
 */
#include <sealgrid/billing/bill.h>
#include <sealgrid/page/html.h>

#define SG_BILL_CHART_DAYS_MAX 400

/* Energy of local days by post, from a bill's readings. */
struct sg_bill_day {
    int64_t day; /* days since 1970, local */
    int64_t wh[SG_TARIFF_POSTS_MAX];
};
struct sg_bill_load {
    const struct sg_tariff *tariff; /* borrowed */
    struct sg_tariff_cursor cursor;
    struct sg_bill_day days[SG_BILL_CHART_DAYS_MAX];
    size_t n_days;
    int64_t sum_wh;
};
void sg_bill_load_init(struct sg_bill_load *l, const struct sg_tariff *t);
/* One reading or estimate, in time order: the end of its interval, its energy after ratios.  Days
 * beyond SG_BILL_CHART_DAYS_MAX, energy sent out and energy that no meter can report are not drawn.
 */
void sg_bill_load_add(struct sg_bill_load *l, int64_t ts_s, int64_t wh);

struct sg_bill_view {
    const struct sg_bill *bill;
    const struct sg_tariff *tariff;  /* NULL: times are shown in UTC */
    const struct sg_bill_load *load; /* NULL: no chart */
    const char *figures;             /* prefix of data-figure, "bill."; NULL: none */
};

/* As an element of a page that is being written. */
void sg_bill_view_put(struct sg_html *p, const struct sg_bill_view *v);
/* As a page of its own. */
SG_MUST_USE int sg_bill_page(const struct sg_bill_view *v, struct sg_buf *ret);
