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
                     struct audited *told, char why[160])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_BILL_JSON_MAX);
    int r = sg_file_read(path, &text);

    if (r)
        return unusable(why, path, strerror(-r));
    told->has_bill = true;
    sg_sha256(told->bill_file, sg_buf_bytes(&text));
    r = sg_bill_read(sg_buf_bytes(&text), ret);
    if (r == SG_BILL_MALFORMED)
        return unusable(why, path, "not a bill in its one form");
    in->bill = ret;
    in->bill_hash_ok = r != SG_BILL_BAD_HASH;
    in->bill_trace_bad = r == SG_BILL_BAD_TRACE;
    return r < 0 ? r : 0;
}

static int read_evidence(const char *path, struct sg_buf *ret, struct audited *told, char why[160])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf packed = SG_BUF_INIT(PACKED_MAX);
    int r = sg_file_read(path, &packed);

    if (r)
        return unusable(why, path, strerror(-r));
    r = sg_evidence_unpack(sg_buf_bytes(&packed), ret);
    if (r)
        return r > 0 ? unusable(why, path, "damaged") : r;
    told->has_evidence = true;
    sg_sha256(told->evidence, sg_buf_bytes(ret));
    return 0;
}

/* What the verdict says of the bill and of what stands behind it. */
static int fill_verdict(const struct sg_audit_input *in, const struct audited *told,
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
        .ok = result->findings == 0,
        .blocks = result->blocks,
        .readings = result->readings,
        .gaps = result->gaps,
        .clock = result->clock,
        .estimated = result->estimated,
        .resolved = result->resolved,
        .without_crl = result->without_crl,
        .stale_crl = result->stale_crl,
        .found = result->findings,
        .n_findings = report->n < REPORT_FINDINGS_MAX ? report->n : REPORT_FINDINGS_MAX,
        .findings = sg_buf_bytes(&s->findings)};
    memcpy(s->verdict.bill_file, told->bill_file, 32);
    memcpy(s->verdict.evidence, told->evidence, 32);
    sg_sha256(s->verdict.bill_sha256, sg_buf_bytes(&text));
    return 0;
}

static int judge(const struct sg_audit_input *in, bool lines, struct audited *told,
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
    r = report_write(&report, in, ret, &j);
    if (!r)
        r = sg_json_done(&j);
    if (lines)
        report_print_notes(in, ret);
    told->codes = report.codes;
    return r || !signable ? r : fill_verdict(in, told, ret, &report, signable);
}

void audited_clear(struct audited *a)
{
    credits_clear(&a->in);
    credits_clear(&a->out);
}

/* What the next bill has to go on with. */
static int note_credits(const struct sg_bill *bill, const struct sg_tariff *t, struct audited *ret)
{
    int r = credits_in(bill, &ret->in);

    if (!r)
        r = credits_out(bill, &ret->out);
    for (size_t i = 0; t && i < t->n_charges; i++)
        ret->netted = ret->netted || t->charges[i].kind == SG_CHARGE_NET_METERING;
    return r;
}

/* One that the bill was not made by is found to be so. */
static const struct sg_tariff *tariff_of(const struct authority_files *a,
                                         const struct sg_bill *bill)
{
    for (size_t i = 0; i < a->n_tariffs; i++)
        if (!memcmp(a->tariffs[i]->sha256, bill->tariff_sha256, 32))
            return a->tariffs[i];
    return a->n_tariffs ? a->tariffs[0] : NULL;
}

int audit_one(const struct authority_files *a, const char *bill_path, const char *evidence_path,
              bool lines, struct signable *signable, struct sg_buf *ret_json, struct audited *ret,
              char why[160])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_EVIDENCE_MAX);
    struct sg_audit_result result;
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct sg_audit_input in = {.installations = a->installations,
                                .authority = a->authority,
                                .contracts = a->contracts,
                                .clock_policy = a->clock_policy,
                                .require_crl = a->require_crl,
                                .judged_s = a->judged_s,
                                .rules = a->rules,
                                .operators = a->operators};
    *ret = (struct audited){.client = 0};
    int r = read_bill(bill_path, &in, &bill, ret, why);

    if (!r)
        r = read_evidence(evidence_path, &evidence, ret, why);
    if (r)
        return r;
    in.tariff = tariff_of(a, &bill);
    in.evidence = sg_buf_bytes(&evidence);
    r = judge(&in, lines, ret, signable, ret_json, &result);
    if (!r)
        r = note_credits(&bill, in.tariff, ret);
    if (r)
        return r;
    ret->client = bill.client;
    ret->from_s = bill.from_s;
    ret->until_s = bill.until_s;
    ret->interval_s = bill.interval_s;
    ret->first = result.first;
    ret->last = result.last;
    ret->readings = result.readings;
    ret->found = result.findings;
    ret->bad = result.findings > 0;
    return 0;
}
