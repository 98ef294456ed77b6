#pragma once
/*
 * page-int - inside libs/page only.
 */
#include <sealgrid/page/page.h>

/* Text that is markup already: literals of ours. */
void sg_page_raw(struct sg_page *p, const char *text);

extern const char sg_page_style[]; /* the whole style sheet */
