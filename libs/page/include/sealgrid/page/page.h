#pragma once
/*
 * page - a writer of self-contained HTML pages with inline SVG, without script.
 *
 * Borrows: the buffer.  Names of elements and attributes are literals of ours; every text and every
 * attribute's value is data, and is escaped whatever it holds.  Invalid UTF-8, control characters
 * and marks that reorder text become U+FFFD.  A page refers to nothing outside itself: href and src
 * keep only a fragment ("#..."), style keeps only plain declarations (no brackets), and the
 * document forbids the rest by its content security policy.
 *
 * A document holds its body once in each language; the reader switches by radio buttons and CSS.
 */
#include <sealgrid/base/buf.h>

#define SG_PAGE_DEPTH 64

enum sg_page_language { SG_PAGE_EN, SG_PAGE_PT_BR, SG_PAGE_N_LANGUAGES };

struct sg_page {
    struct sg_buf *out;
    enum sg_page_language language;
    int failure; /* first failure of the buffer; later calls do nothing */
    bool in_tag;
    unsigned depth;
    const char *open[SG_PAGE_DEPTH];
};

void sg_page_init(struct sg_page *p, struct sg_buf *out, enum sg_page_language language);
/* 0 if everything fitted and every element was closed. */
SG_MUST_USE int sg_page_done(const struct sg_page *p);

/* name is a literal (letters, digits, '-'), kept until the element is closed.  "script" and its
 * like are refused as a bug of ours. */
void sg_page_open(struct sg_page *p, const char *name);
/* Only directly after sg_page_open.  Event handlers ("on...") are refused as a bug of ours. */
void sg_page_attr(struct sg_page *p, const char *name, const char *value);
void sg_page_attrf(struct sg_page *p, const char *name, const char *fmt, ...) SG_PRINTF(3, 4);
/* At most two decimals, no exponent; what is not finite becomes 0. */
void sg_page_attr_number(struct sg_page *p, const char *name, double v);
void sg_page_text(struct sg_page *p, const char *text);
void sg_page_textf(struct sg_page *p, const char *fmt, ...) SG_PRINTF(2, 3);
void sg_page_textn(struct sg_page *p, struct sg_bytes text);
void sg_page_close(struct sg_page *p);

/* The words of the page's language. */
const char *sg_page_word(const struct sg_page *p, const char *en, const char *pt);
void sg_page_say(struct sg_page *p, const char *en, const char *pt);

/* Open with a class; a whole element; a whole element in the page's language.  class may be NULL.
 */
void sg_page_open_class(struct sg_page *p, const char *name, const char *class);
void sg_page_element(struct sg_page *p, const char *name, const char *class, const char *text);
void sg_page_element_say(struct sg_page *p, const char *name, const char *class, const char *en,
                         const char *pt);
/* A figure that a program can check: data-figure and data-value beside what is shown. */
void sg_page_figure(struct sg_page *p, const char *figure, const char *value, const char *shown);

/* A whole document; body is called once for each language with p->language set.  Ids that it gives
 * must differ between the two. */
struct sg_page_document {
    const char *title; /* of the window; names are the same in every language */
    void (*body)(struct sg_page *p, void *user);
    void *user;
};
SG_MUST_USE int sg_page_document(struct sg_buf *out, const struct sg_page_document *d);
