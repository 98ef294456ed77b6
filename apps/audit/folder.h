#pragma once
/*
 * folder - every bill below DIR/bill with its evidence below DIR/evidence, as sealgrid-bill --out
 * writes them, on several threads.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/billing/audit.h>

#include "credits.h"
#include "verdict.h"

struct authority_files {
    const struct sg_installations *installations;
    const struct sg_authority *authority;
    struct sg_tariff *const *tariffs; /* the one of a bill is found by its hash; may be none */
    size_t n_tariffs;
    const struct sg_contracts *contracts; /* or NULL */
    enum sg_audit_clock clock_policy;
    bool require_crl;
    int64_t judged_s;
    const struct sg_vee_rules *rules;     /* or NULL */
    const struct sg_authority *operators; /* or NULL */
};

enum one_outcome { ONE_UNUSABLE = 1 };
/* What a bill that was judged said it is about. */
struct audited {
    int64_t client, from_s, until_s;
    uint32_t interval_s;
    struct sg_audit_edge first, last;
    uint64_t readings, found;
    uint64_t codes; /* of what was found, a bit for each sg_audit_code */
    bool bad;       /* it has findings */
    bool has_bill, has_evidence;
    uint8_t bill_file[32], evidence[32]; /* SHA-256; the evidence unpacked */
    bool netted;                         /* its tariff, which was given, carries credits on */
    struct credits in, out;
};
void audited_clear(struct audited *a);
/* What of an audit can be signed; its basis is the caller's to add. */
struct signable {
    struct verdict verdict;
    struct sg_buf findings; /* which the verdict borrows */
};
/* One bill; its report object appended to ret_json.  lines: findings on standard output too.
 * signable may be NULL.  ONE_UNUSABLE fills why, and of ret what files there were. */
SG_MUST_USE int audit_one(const struct authority_files *a, const char *bill, const char *evidence,
                          bool lines, struct signable *signable, struct sg_buf *ret_json,
                          struct audited *ret, char why[160]);

struct folder_result {
    uint64_t bills, bad, unusable, readings;
};
_Static_assert(SG_AUDIT_N_CODES <= 61, "codes of one bill, and three of its place among others");
/* Bills that are sound one by one may still not be so together: a bill below the name of another
 * client ("bill.misfiled": that client's own is then not here), and two bills of one client over
 * the same time ("bill.overlap": its readings are charged twice), and what a meter recorded may be
 * on neither of two bills ("reading.missing": its numbers do not run on from one to the next), and
 * credits may be lost or spent twice ("bill.credits").  The
 * reports of bills with findings, and of unusable ones, appended to ret_reports as JSON objects
 * separated by commas.  progress: a JSON line on standard error each second and at the end.  Every
 * bill's item of a summary appended to ret_items, names rising; NULL: none. */
SG_MUST_USE int audit_folder(const struct authority_files *a, const char *dir, unsigned threads,
                             bool progress, struct sg_buf *ret_reports, struct sg_buf *ret_items,
                             struct folder_result *ret);
