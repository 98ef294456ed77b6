#pragma once
/*
 * kv status - the one table between results of the kv interface, HTTP statuses, error codes on the
 * wire and log words.
 */
#include <sealgrid/kv.h>

struct sg_kv_status {
    int result; /* enum sg_kv_outcome, or negative errno */
    int http;
    const char *code;
    const char *message;
};

/* For any nonzero result; failures that callers cannot mend are all "failure". */
const struct sg_kv_status *sg_kv_status_of(int result);
/* By code; NULL if unknown. */
const struct sg_kv_status *sg_kv_status_named(struct sg_bytes code);
