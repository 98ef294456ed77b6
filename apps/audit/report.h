#pragma once
/*
 * report - findings of one bill as JSON and as lines for people.
 */
#include <sealgrid/base/json.h>
#include <sealgrid/billing/audit.h>

#include "verdict.h"

/* Findings that a report holds; more are counted and not written, so that a file made of nothing
 * but findings cannot end the audit of others. */
#define REPORT_FINDINGS_MAX VERDICT_FINDINGS_MAX

struct report {
    struct sg_buf text;   /* the "findings" array's items, JSON */
    struct sg_json json;  /* over text */
    uint64_t n;           /* findings so far */
    uint64_t codes;       /* of them, a bit for each sg_audit_code */
    bool lines;           /* print each finding on standard output, too */
    struct sg_buf *items; /* verdict_put_finding's, or NULL */
    int failure;          /* of items */
};

void report_init(struct report *r, bool lines, struct sg_buf *items);
void report_clear(struct report *r);
/* An sg_audit_fn; user is a struct report. */
void report_finding(void *user, const struct sg_audit_finding *f);
/* {"client","from","until","ok","amounts","contract","blocks","readings","gaps","clock_in_doubt",
 * "estimated","resolved","without_crl","stale_crl","found","findings":[...]}; found counts them
 * all. */
SG_MUST_USE int report_write(struct report *r, const struct sg_audit_input *in,
                             const struct sg_audit_result *result, struct sg_json *out);
/* For people: what the audit had to believe, or could not know.  Nothing if there is nothing. */
void report_print_notes(const struct sg_audit_input *in, const struct sg_audit_result *result);
