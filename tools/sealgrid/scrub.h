#pragma once
/*
 * scrub - asks kvsd to verify and repair its volumes, and reads its report.
 */
#include "operator.h"

struct sg_scrub_result {
    int64_t damage, repaired, lost;
};

/* full: every page and fragment is opened; else the files' checksums.  json (may be NULL) gets the
 * whole report. */
SG_MUST_USE int sg_scrub_run(struct sg_http_client *kvsd, bool full, struct sg_scrub_result *ret,
                             struct sg_buf *json);
