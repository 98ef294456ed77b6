#pragma once
/*
 * html - a writer of self-contained HTML pages with inline SVG, without script.
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

#define SG_HTML_DEPTH 64

enum sg_language { SG_EN, SG_PT_BR, SG_N_LANGUAGES };

struct sg_html {
    struct sg_buf *out;
    enum sg_language language;
    int failure; /* first failure of the buffer; later calls do nothing */
    bool in_tag;
    bool links_outside; /* a feed for programs, no page: links may lead anywhere */
    unsigned depth;
    const char *open[SG_HTML_DEPTH];
};

void sg_html_init(struct sg_html *p, struct sg_buf *out, enum sg_language language);
/* 0 if everything fitted and every element was closed. */
SG_MUST_USE int sg_html_done(const struct sg_html *p);

/* name is a literal (letters, digits, '-'), kept until the element is closed.  "script" and its
 * like are refused as a bug of ours. */
void sg_html_open(struct sg_html *p, const char *name);
/* Only directly after sg_html_open.  Event handlers ("on...") are refused as a bug of ours. */
void sg_html_attr(struct sg_html *p, const char *name, const char *value);
/* The value has at most 511 octets: for words and numbers of ours. */
void sg_html_attrf(struct sg_html *p, const char *name, const char *fmt, ...) SG_PRINTF(3, 4);
/* At most two decimals, no exponent; what is not finite becomes 0. */
void sg_html_attr_number(struct sg_html *p, const char *name, double v);
void sg_html_text(struct sg_html *p, const char *text);
void sg_html_textf(struct sg_html *p, const char *fmt, ...) SG_PRINTF(2, 3);
void sg_html_textn(struct sg_html *p, struct sg_bytes text);
void sg_html_close(struct sg_html *p);

/* The words of the page's language; may be a format, which is then checked in both. */
const char *sg_html_word(const struct sg_html *p, const char *en, const char *pt)
    __attribute__((format_arg(2), format_arg(3)));
void sg_html_say(struct sg_html *p, const char *en, const char *pt);

/* Open with a class; a whole element; a whole element in the page's language.  class may be NULL.
 */
void sg_html_open_class(struct sg_html *p, const char *name, const char *class);
void sg_html_element(struct sg_html *p, const char *name, const char *class, const char *text);
void sg_html_element_say(struct sg_html *p, const char *name, const char *class, const char *en,
                         const char *pt);
/* One fact of a list (dl class "facts"): what it is, and its value. */
void sg_html_fact(struct sg_html *p, const char *en, const char *pt, const char *value);
/* A figure that a program can check: data-figure and data-value beside what is shown. */
void sg_html_figure(struct sg_html *p, const char *figure, const char *value, const char *shown);

/* A whole document; body is called once for each language with p->language set.  Ids that it gives
 * must differ between the two. */
struct sg_html_document {
    const char *title; /* of the window; names are the same in every language */
    void (*body)(struct sg_html *p, void *user);
    void *user;
    enum sg_language language; /* that is shown first */
};
SG_MUST_USE int sg_html_document(struct sg_buf *out, const struct sg_html_document *d);
