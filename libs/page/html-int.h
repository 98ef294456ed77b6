#pragma once
/*
 * html-int - inside libs/page only.
 */
#include <sealgrid/page/html.h>

/* Text that is markup already: literals of ours. */
void sg_html_raw(struct sg_html *p, const char *text);

extern const char sg_html_style[]; /* the whole style sheet */
