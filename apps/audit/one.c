/* one - one bill from its two files. */
#include "folder.h"
#include "report.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>

#include <stdio.h>

#define PACKED_MAX (SG_EVIDENCE_MAX + (1u << 20))

static int unusable(char why[160], const char *path, const char *reason)
{
    const char *leaf = strrchr(path, '/');
    snprintf(why, 160, "%.100s: %.50s", leaf ? leaf + 1 : path, reason);
    return ONE_UNUSABLE;
}

static int read_bill(const char *path, struct sg_audit_input *in, struct sg_bill *ret,
                     char why[160])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_BILL_JSON_MAX);
    int r = sg_file_read(path, &text);

    if (r)
        return unusable(why, path, strerror(-r));
    r = sg_bill_read(sg_buf_bytes(&text), ret);
    if (r == SG_BILL_MALFORMED)
        return unusable(why, path, "not a bill in its one form");
    in->bill = ret;
    in->bill_hash_ok = r != SG_BILL_BAD_HASH;
    in->bill_trace_bad = r == SG_BILL_BAD_TRACE;
    return r < 0 ? r : 0;
}

static int read_evidence(const char *path, struct sg_buf *ret, char why[160])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf packed = SG_BUF_INIT(PACKED_MAX);
    int r = sg_file_read(path, &packed);

    if (r)
        return unusable(why, path, strerror(-r));
    r = sg_evidence_unpack(sg_buf_bytes(&packed), ret);
    return r > 0 ? unusable(why, path, "damaged") : r;
}

static int judge(const struct authority_files *a, const struct sg_audit_input *in, bool lines,
                 struct sg_buf *ret_json, struct sg_audit_result *ret)
{
    SG_CLEANUP(report_clear) struct report report;
    struct sg_json j;
    int r;

    report_init(&report, lines);
    r = sg_audit_run(in, report_finding, &report, ret);
    if (r)
        return r;
    sg_json_init(&j, ret_json);
    r = report_write(&report, in->bill, a->tariff, ret, &j);
    return r ? r : sg_json_done(&j);
}

int audit_one(const struct authority_files *a, const char *bill_path, const char *evidence_path,
              bool lines, struct sg_buf *ret_json, struct audited *ret, char why[160])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_EVIDENCE_MAX);
    struct sg_audit_result result;
    struct sg_bill bill;
    struct sg_audit_input in = {
        .installations = a->installations, .authority = a->authority, .tariff = a->tariff};
    int r = read_bill(bill_path, &in, &bill, why);

    if (!r)
        r = read_evidence(evidence_path, &evidence, why);
    if (r)
        return r;
    in.evidence = sg_buf_bytes(&evidence);
    r = judge(a, &in, lines, ret_json, &result);
    if (r)
        return r;
    *ret = (struct audited){.client = bill.client,
                            .from_s = bill.from_s,
                            .until_s = bill.until_s,
                            .interval_s = bill.interval_s,
                            .first = result.first,
                            .last = result.last,
                            .readings = result.readings,
                            .bad = result.findings > 0};
    return 0;
}
