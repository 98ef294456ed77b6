#pragma once
/*
 * page - the ranking as a page for those who go and look: which customer, why, since when, how
 * much, what to look at on site; and what was not taken for theft, who could not be judged, what
 * is wrong with the data.
 */
#include "report.h"

#include <sealgrid/page/html.h>

#define PAGE_CAPACITY_MAX 1000
#define PAGE_BYTES_MAX    ((size_t)256 << 20)

struct page_digest;

struct page {
    const struct report *report;
    size_t capacity;                  /* suspects shown, of those with a picture */
    enum sg_language language;        /* shown first */
    bool dated;                       /* days are days since 1970-01-01 */
    bool by_energy;                   /* that is how they are ranked */
    const struct page_digest *digest; /* set by page_make */
};

SG_MUST_USE int page_make(const struct page *g, struct sg_buf *ret);
