#pragma once
/*
 * bill-page-int - between the page's text and its chart.
 */
#include <sealgrid/billing/bill-page.h>
#include <sealgrid/page/chart.h>

/* "peak" in the words of a bill. */
const char *sg_bill_post_word(enum sg_language l, const char *post);
/* A line's code likewise. */
void sg_bill_line_word(enum sg_language l, const char *code, char ret[160]);
/* The chart of the days; nothing if the view has no load. */
void sg_bill_load_put(struct sg_html *p, const struct sg_bill_view *v);
