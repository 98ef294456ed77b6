#pragma once
/*
 * report - findings of one bill as JSON and as lines for people.
 */
#include <sealgrid/base/json.h>
#include <sealgrid/billing/audit.h>

struct report {
    struct sg_buf text;  /* the "findings" array's items, JSON */
    struct sg_json json; /* over text */
    bool lines;          /* print each finding on standard output, too */
};

void report_init(struct report *r, bool lines);
void report_clear(struct report *r);
/* An sg_audit_fn; user is a struct report. */
void report_finding(void *user, const struct sg_audit_finding *f);
/* {"client","period","ok","amounts","blocks","readings","gaps","findings":[...]} */
SG_MUST_USE int report_write(struct report *r, const struct sg_bill *bill, bool with_tariff,
                             const struct sg_audit_result *result, struct sg_json *out);
