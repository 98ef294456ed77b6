/* one - one bill from its two files. */
#include "folder.h"
#include "report.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>

#include <stdio.h>

#define PACKED_MAX (SG_EVIDENCE_MAX + (1u << 20))

static int unusable(char why[160], const char *path, const char *reason)
{
    const char *leaf = strrchr(path, '/');
    snprintf(why, 160, "%.100s: %.50s", leaf ? leaf + 1 : path, reason);
    return ONE_UNUSABLE;
}

static int read_bill(const char *path, struct sg_audit_input *in, struct sg_bill *ret,
                     uint8_t ret_file[32], char why[160])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_BILL_JSON_MAX);
    int r = sg_file_read(path, &text);

    if (r)
        return unusable(why, path, strerror(-r));
    r = sg_bill_read(sg_buf_bytes(&text), ret);
    if (r == SG_BILL_MALFORMED)
        return unusable(why, path, "not a bill in its one form");
    sg_sha256(ret_file, sg_buf_bytes(&text));
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

/* What the verdict says of the bill and of what stands behind it. */
static int fill_verdict(const struct sg_audit_input *in, const uint8_t bill_file[32],
                        const struct sg_audit_result *result, const struct report *report,
                        struct signable *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_BILL_JSON_MAX);
    int r = report->failure ? report->failure : sg_bill_canonical(in->bill, &text);

    if (r)
        return r;
    s->verdict = (struct verdict){
        .client = in->bill->client,
        .from_s = in->bill->from_s,
        .until_s = in->bill->until_s,
        .has_tariff = in->tariff != NULL,
        .ok = result->findings == 0,
        .blocks = result->blocks,
        .readings = result->readings,
        .gaps = result->gaps,
        .clock = result->clock,
        .without_crl = result->without_crl,
        .found = result->findings,
        .n_findings = report->n < REPORT_FINDINGS_MAX ? report->n : REPORT_FINDINGS_MAX,
        .findings = sg_buf_bytes(&s->findings)};
    memcpy(s->verdict.bill_file, bill_file, 32);
    sg_sha256(s->verdict.bill_sha256, sg_buf_bytes(&text));
    sg_sha256(s->verdict.evidence, in->evidence);
    if (in->tariff)
        memcpy(s->verdict.tariff_sha256, in->tariff->sha256, 32);
    return 0;
}

static int judge(const struct sg_audit_input *in, bool lines, const uint8_t bill_file[32],
                 struct signable *signable, struct sg_buf *ret_json, struct sg_audit_result *ret)
{
    SG_CLEANUP(report_clear) struct report report;
    struct sg_json j;
    int r;

    report_init(&report, lines, signable ? &signable->findings : NULL);
    r = sg_audit_run(in, report_finding, &report, ret);
    if (r)
        return r;
    sg_json_init(&j, ret_json);
    r = report_write(&report, in->bill, in->tariff, ret, &j);
    if (!r)
        r = sg_json_done(&j);
    return r || !signable ? r : fill_verdict(in, bill_file, ret, &report, signable);
}

int audit_one(const struct authority_files *a, const char *bill_path, const char *evidence_path,
              bool lines, struct signable *signable, struct sg_buf *ret_json, struct audited *ret,
              char why[160])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_EVIDENCE_MAX);
    struct sg_audit_result result;
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    uint8_t bill_file[32];
    struct sg_audit_input in = {.installations = a->installations,
                                .authority = a->authority,
                                .tariff = a->tariff,
                                .clock_policy = a->clock_policy,
                                .require_crl = a->require_crl,
                                .rules = a->rules,
                                .operators = a->operators};
    int r = read_bill(bill_path, &in, &bill, bill_file, why);

    if (!r)
        r = read_evidence(evidence_path, &evidence, why);
    if (r)
        return r;
    in.evidence = sg_buf_bytes(&evidence);
    r = judge(&in, lines, bill_file, signable, ret_json, &result);
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
