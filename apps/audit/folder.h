#pragma once
/*
 * folder - every bill below DIR/bill with its evidence below DIR/evidence, as sealgrid-bill --out
 * writes them, on several threads.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/billing/audit.h>

struct authority_files {
    const struct sg_installations *installations;
    const struct sg_authority *authority;
    const struct sg_tariff *tariff; /* or NULL */
};

enum one_outcome { ONE_UNUSABLE = 1 };
/* One bill; its report object appended to ret_json.  *ret_bad: it has findings.  lines: findings on
 * standard output too.  ONE_UNUSABLE fills why. */
SG_MUST_USE int audit_one(const struct authority_files *a, const char *bill, const char *evidence,
                          bool lines, struct sg_buf *ret_json, bool *ret_bad,
                          uint64_t *ret_readings, char why[160]);

struct folder_result {
    uint64_t bills, bad, unusable, readings;
};
/* The reports of bills with findings, and of unusable ones, appended to ret_reports as JSON objects
 * separated by commas. */
SG_MUST_USE int audit_folder(const struct authority_files *a, const char *dir, unsigned threads,
                             struct sg_buf *ret_reports, struct folder_result *ret);
