#pragma once
/*
 * bill-page-int - between the page's text, its words and its chart.
 */
#include <sealgrid/billing/bill-page.h>
#include <sealgrid/page/chart.h>

#define SG_BILL_WORD_MAX 320

/* "peak" in the words of a bill. */
const char *sg_bill_post_word(enum sg_language l, const char *post);
const char *sg_bill_tax_word(enum sg_language l, const char *tax);
/* A line's code likewise. */
void sg_bill_line_word(enum sg_language l, const char *code, char ret[SG_BILL_WORD_MAX]);
/* The chart of the days; nothing if the view has no load. */
void sg_bill_load_put(struct sg_html *p, const struct sg_bill_view *v);

/* ---- pieces of tables (bill-page.c) ---------------------------------------------------------- */

int64_t sg_bill_local_s(const struct sg_bill_view *v, int64_t unix_s);
struct sg_text sg_bill_money(const struct sg_html *p, const struct sg_bill *b, int64_t minor);
void sg_bill_put_fact(struct sg_html *p, const char *en, const char *pt, const char *value);
void sg_bill_put_heads(struct sg_html *p, const char *const (*words)[2], size_t n);
/* A number's cell; on a phone its label stands beside it. */
void sg_bill_put_number(struct sg_html *p, const char *const word[2], const char *text);
void sg_bill_put_row_head(struct sg_html *p, const char *text);

/* ---- parts (bill-page-parts.c): nothing if the bill has none --------------------------------- */

void sg_bill_put_contract(struct sg_html *p, const struct sg_bill_view *v);
void sg_bill_put_estimates(struct sg_html *p, const struct sg_bill_view *v);
void sg_bill_put_choices(struct sg_html *p, const struct sg_bill_view *v);
void sg_bill_put_credits(struct sg_html *p, const struct sg_bill_view *v);
