#pragma once
/*
 * pdf - a page printed by headless Chromium, if one is installed.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/error.h>

#define PDF_WHY_MAX 200

enum pdf_outcome { PDF_NOT_MADE = 1 };
/* PDF_NOT_MADE fills why: no browser, it failed, or it took longer than a minute.  The file is
 * there whole, or as it was. */
SG_MUST_USE int pdf_write(struct sg_bytes html, const char *path, char why[PDF_WHY_MAX]);
