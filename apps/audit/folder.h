#pragma once
/*
 * folder - every bill below DIR/bill with its evidence below DIR/evidence, as sealgrid-bill --out
 * writes them, on several threads.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/billing/audit.h>

#include "verdict.h"

struct authority_files {
    const struct sg_installations *installations;
    const struct sg_authority *authority;
    const struct sg_tariff *tariff; /* or NULL */
    enum sg_audit_clock clock_policy;
    bool require_crl;
    const struct sg_vee_rules *rules;     /* or NULL */
    const struct sg_authority *operators; /* or NULL */
};

enum one_outcome { ONE_UNUSABLE = 1 };
/* What a bill that was judged said it is about. */
struct audited {
    int64_t client, from_s, until_s;
    uint32_t interval_s;
    struct sg_audit_edge first, last;
    uint64_t readings;
    bool bad; /* it has findings */
};
/* What of an audit can be signed; the authority's own files and the time are the caller's to add.
 */
struct signable {
    struct verdict verdict;
    struct sg_buf findings; /* which the verdict borrows */
};
/* One bill; its report object appended to ret_json.  lines: findings on standard output too.
 * signable may be NULL.  ONE_UNUSABLE fills why. */
SG_MUST_USE int audit_one(const struct authority_files *a, const char *bill, const char *evidence,
                          bool lines, struct signable *signable, struct sg_buf *ret_json,
                          struct audited *ret, char why[160]);

struct folder_result {
    uint64_t bills, bad, unusable, readings;
};
/* Bills that are sound one by one may still not be so together: a bill below the name of another
 * client ("bill.misfiled": that client's own is then not here), and two bills of one client over
 * the same time ("bill.overlap": its readings are charged twice), and what a meter recorded may be
 * on neither of two bills ("reading.missing": its numbers do not run on from one to the next). The
 * reports of bills with findings, and of unusable ones, appended to ret_reports as JSON objects
 * separated by commas.  progress: a JSON line on standard error each second and at the end. */
SG_MUST_USE int audit_folder(const struct authority_files *a, const char *dir, unsigned threads,
                             bool progress, struct sg_buf *ret_reports, struct folder_result *ret);
