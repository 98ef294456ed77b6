#pragma once
/* page-int - between the parts of the page. */
#include "page-digest.h"

#include <sealgrid/page/chart.h>

/* page-words.c: in an inspector's words.  Texts hold at most PAGE_TEXT_MAX octets. */
#define PAGE_TEXT_MAX 320
struct page_text {
    char s[PAGE_TEXT_MAX];
};
/* Why this one: n of them, most telling first; 0 of those whom nothing speaks against. */
#define PAGE_REASONS_MAX (SG_FULL_REASONS + 2)
size_t page_reasons(const struct sg_html *p, const struct page *g, const struct line *l,
                    struct page_text ret[PAGE_REASONS_MAX]);
/* What speaks for the customer, "" if nothing. */
struct page_text page_excuse(const struct sg_html *p, const struct line *l);
/* What to look at on site. */
#define PAGE_CHECKS_MAX 6
size_t page_checks(const struct sg_html *p, const struct page *g, const struct line *l,
                   const char *ret[PAGE_CHECKS_MAX]);
/* "1 in 250 customers looks as suspect" */
struct page_text page_meaning(const struct sg_html *p, const struct line *l);
struct sg_text page_day(const struct sg_html *p, const struct page *g, int32_t day);
const char *page_class_word(const struct sg_html *p, enum sg_fraud_class cls);
const char *page_unjudged_word(const struct sg_html *p, enum unjudged u);

/* As the score's own scale has it, whatever ranks. */
double page_score(const struct page *g, const struct line *l);
/* "93 %"; a dash where there is none. */
struct sg_text page_chance(const struct sg_html *p, const struct page *g, const struct line *l);
/* What speaks against a theft, or for doubt; n of them. */
#define PAGE_DOUBTS_MAX 6
size_t page_doubts(const struct sg_html *p, const struct page *g, const struct line *l,
                   const struct picture *pic, struct page_text ret[PAGE_DOUBTS_MAX]);
/* Suspects that have a card. */
size_t page_shown(const struct page *g);

/* page-list.c */
struct page_column {
    const char *en, *pt;
    bool number;
};
void page_put_heads(struct sg_html *p, const struct page_column *columns, size_t n);
void page_put_cell(struct sg_html *p, const struct page_column *c, const char *text);
/* Those that have a card, by chance and by energy. */
void page_put_list(struct sg_html *p, const struct page *g);
/* Whose change is known and explains the load. */
void page_put_known(struct sg_html *p, const struct page *g);

/* page-suspect.c: one card of the list. */
void page_put_suspect(struct sg_html *p, const struct page *g, size_t i);
struct sg_text page_energy(const struct sg_html *p, double kwh);

/* page-learnt.c: what a learnt ranking rests on, and what has moved since. */
void page_put_learnt(struct sg_html *p, const struct page *g);
