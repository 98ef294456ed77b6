/*
 * sealgrid-audit - bills against signed blocks, installation records and public keys; the utility
 * is not asked.  Exit 0: nothing found; 1: findings; 2: unusable input.  A first argument that is a
 * word (prove-reading, check-reading, ...) is a command of its own.
 */
#include "commands.h"
#include "folder.h"
#include "inputs.h"
#include "seal.h"
#include "summary.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/json.h>
#include <sealgrid/base/metrics.h>
#include <sealgrid/base/secret.h>

#include <stdio.h>

#ifndef SG_VERSION
#define SG_VERSION "0.1.0"
#endif

/* O(name, type, field, default, min, max, help) */
#define OPTIONS(O)                                                                                 \
    O("bill", STRING, bill, NULL, 0, 0, "one bill, JSON")                                          \
    O("evidence", STRING, evidence, NULL, 0, 0, "its evidence file")                               \
    O("dir", STRING, dir, NULL, 0, 0, "instead: a folder with bill/ and evidence/, all of it")     \
    O("installations", STRING, installations, NULL, 0, 0, "the authority's records, JSON")         \
    O("keys", LIST, keys, NULL, 0, 0,                                                              \
      "the authority's certificates and revocation lists, PEM; or the folder of its files")        \
    O("tariff", LIST, tariffs, NULL, 0, 0,                                                         \
      "recompute every amount by this tariff; several: by the one that the bill names")            \
    O("contracts", STRING, contracts, NULL, 0, 0,                                                  \
      "the authority's copy of the contracts, YAML or JSON (the bill's is believed otherwise)")    \
    O("clock", STRING, clock, "note", 0, 0,                                                        \
      "what a meter says of its clock: note (counted), set (a finding if it was set), strict")     \
    O("require-crl", BOOL, require_crl, "false", 0, 0,                                             \
      "a certificate that no revocation list of its time covers is a finding")                     \
    O("vee", STRING, vee, NULL, 0, 0,                                                              \
      "make estimates again by these rules (their need otherwise)")                                \
    O("operators", LIST, operators, NULL, 0, 0,                                                    \
      "certificates of the operators' authority, PEM: their choices between readings hold")        \
    O("sign", STRING, sign, NULL, 0, 0, "the auditor's private key, PEM: signs --report")          \
    O("report", STRING, report, NULL, 0, 0, "file for the signed report")                          \
    O("at", STRING, at, NULL, 0, 0, "time of the audit, RFC 3339: now")                            \
    O("threads", INT, threads, "2", 1, 64, "bills worked on at a time (with --dir)")               \
    O("progress", BOOL, progress, "false", 0, 0,                                                   \
      "a JSON line a second on standard error (with --dir)")                                       \
    O("json", BOOL, json, "false", 0, 0, "report as JSON")

struct options {
    char *bill, *evidence, *dir, *installations, *contracts, *clock, *sign, *report, *at, *vee;
    struct sg_conf_list keys, operators, tariffs;
    int64_t threads;
    bool json, require_crl, progress;
};

#define ROW(name, type, field, def, lo, hi, help)                                                  \
    {name, SG_CONF_##type, offsetof(struct options, field), def, lo, hi, false, help},
static const struct sg_conf_option rows[] = {OPTIONS(ROW)};
#undef ROW
static const struct sg_conf_table table = {.program = "sealgrid-audit",
                                           .summary = "checks bills from signed evidence alone",
                                           .options = rows,
                                           .n = sizeof(rows) / sizeof(rows[0])};

struct app {
    struct options o;
    struct inputs in;
    struct authority_files files;
};

/* ---- the signature ------------------------------------------------------------------------------
 */

static int load_signer(const char *path, struct sg_key **ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT_SECRET(1u << 16);
    int r = inputs_file(path, 1u << 16, &pem);

    if (r)
        return r;
    return sg_key_load_private(ret, sg_buf_bytes(&pem)) ? complain(path, "not a private key") : 0;
}

static int sign_report(const struct app *a, struct sg_bytes payload)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf message = SG_BUF_INIT(SEAL_MESSAGE_MAX);
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    int r = load_signer(a->o.sign, &key);

    if (r)
        return r;
    if (seal_put(&message, key, payload))
        return complain("--sign", sg_error_trace());
    r = sg_file_write_atomic(a->o.report, sg_buf_bytes(&message), 0644);
    return r ? complain(a->o.report, strerror(-r)) : 0;
}

/* ---- one bill ------------------------------------------------------------------------------ */

static int sign_verdict(const struct app *a, struct signable *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf payload = SG_BUF_INIT(VERDICT_MAX);

    s->verdict.basis = a->in.basis;
    if (verdict_encode(&s->verdict, &payload))
        return complain("report", sg_error_trace());
    return sign_report(a, sg_buf_bytes(&payload));
}

static int on_bill(const struct app *a)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf report = SG_BUF_INIT(64u << 20);
    struct signable s = {.findings = SG_BUF_INIT(VERDICT_MAX / 2)};
    struct audited bill;
    char why[160];
    int r = audit_one(&a->files, a->o.bill, a->o.evidence, !a->o.json, a->o.sign ? &s : NULL,
                      &report, &bill, why);

    if (r)
        r = complain("unusable", r > 0 ? why : sg_error_trace());
    if (!r && a->o.sign)
        r = sign_verdict(a, &s);
    sg_buf_clear(&s.findings);
    audited_clear(&bill);
    if (r)
        return r;
    if (a->o.json && sg_file_write_report("-", sg_buf_bytes(&report)))
        return complain("report", sg_error_trace());
    if (!a->o.json && !bill.bad)
        printf("ok: %llu readings\n", (unsigned long long)bill.readings);
    return bill.bad ? EXIT_FINDINGS : 0;
}

/* ---- a folder ------------------------------------------------------------------------------ */

static int put_summary(const struct app *a, const struct folder_result *result,
                       struct sg_bytes reports, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf list = SG_BUF_INIT(512u << 20);
    struct sg_json j;
    int r = sg_buf_printf(&list, "[%.*s]", (int)reports.len, (const char *)reports.data);

    if (r)
        return r;
    sg_json_init(&j, ret);
    sg_json_object(&j);
    sg_json_key(&j, "bills");
    sg_json_uint(&j, result->bills);
    sg_json_key(&j, "ok");
    sg_json_uint(&j, result->bills - result->bad - result->unusable);
    sg_json_key(&j, "refused");
    sg_json_uint(&j, result->bad + result->unusable);
    sg_json_key(&j, "unusable");
    sg_json_uint(&j, result->unusable);
    sg_json_key(&j, "readings");
    sg_json_uint(&j, result->readings);
    sg_json_key(&j, "contract");
    sg_json_str(&j, a->files.contracts ? "compared" : "as-billed");
    sg_json_key(&j, "cpu_ms");
    sg_json_int(&j, sg_clock_cpu_ns() / 1000000);
    sg_json_key(&j, "peak_rss_bytes");
    sg_json_int(&j, sg_metrics_peak_rss());
    sg_json_key(&j, "reports");
    sg_json_raw(&j, sg_buf_bytes(&list));
    sg_json_end_object(&j);
    return sg_json_done(&j);
}

static int sign_summary(const struct app *a, const struct folder_result *result,
                        struct sg_bytes items)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf payload = SG_BUF_INIT(SEAL_PAYLOAD_MAX);
    const struct summary s = {.basis = a->in.basis,
                              .bills = result->bills,
                              .bad = result->bad,
                              .unusable = result->unusable,
                              .readings = result->readings,
                              .items = items};

    if (summary_encode(&s, &payload))
        return complain("report", sg_error_trace());
    return sign_report(a, sg_buf_bytes(&payload));
}

static void print_folder(const struct app *a, const struct folder_result *result)
{
    printf("%llu bills, %llu with findings, %llu unusable, %llu readings\n",
           (unsigned long long)result->bills, (unsigned long long)result->bad,
           (unsigned long long)result->unusable, (unsigned long long)result->readings);
    if (!a->files.contracts)
        printf("note: no contracts were given; they were taken from the bills\n");
}

static int on_folder(const struct app *a)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf items = SG_BUF_INIT(SEAL_PAYLOAD_MAX / 2);
    SG_CLEANUP(sg_buf_clear) struct sg_buf reports = SG_BUF_INIT(256u << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf summary = SG_BUF_INIT(512u << 20);
    struct folder_result result;

    if (audit_folder(&a->files, a->o.dir, (unsigned)a->o.threads, a->o.progress, &reports,
                     a->o.sign ? &items : NULL, &result) ||
        put_summary(a, &result, sg_buf_bytes(&reports), &summary))
        return complain(a->o.dir, sg_error_trace());
    int r = a->o.sign ? sign_summary(a, &result, sg_buf_bytes(&items)) : 0;
    if (r)
        return r;
    if (a->o.json && sg_file_write_report("-", sg_buf_bytes(&summary)))
        return complain("report", sg_error_trace());
    if (!a->o.json)
        print_folder(a, &result);
    if (result.unusable || result.bills == 0)
        return EXIT_UNUSABLE;
    return result.bad ? EXIT_FINDINGS : 0;
}

/* ---- what was asked for -------------------------------------------------------------------- */

static int check_options(struct app *a)
{
    if (!a->o.dir == !a->o.bill || !a->o.bill != !a->o.evidence)
        return complain("usage", "--bill B --evidence E, or --dir D");
    if (!a->o.sign != !a->o.report)
        return complain("usage", "--sign KEY --report F");
    a->files.clock_policy = sg_audit_clock_of(a->o.clock);
    if (a->files.clock_policy == SG_AUDIT_N_CLOCKS)
        return complain("--clock", "note, set or strict");
    a->files.require_crl = a->o.require_crl;
    a->files.judged_s = sg_clock_unix_s();
    if (a->o.at && sg_time_parse(a->o.at, &a->files.judged_s) != 0)
        return complain("--at", "not a time of RFC 3339");
    return 0;
}

static int load_inputs(struct app *a)
{
    int r = inputs_installations(&a->in, a->o.installations, &a->o.keys);

    if (!r)
        r = inputs_keys(&a->in, &a->o.keys);
    if (!r)
        r = inputs_tariffs(&a->in, &a->o.tariffs);
    if (!r)
        r = inputs_contracts(&a->in, a->o.contracts);
    if (!r)
        r = inputs_rules(&a->in, a->o.vee);
    return r ? r : inputs_operators(&a->in, &a->o.operators);
}

static int run(struct app *a)
{
    struct basis *basis = &a->in.basis;
    int r = check_options(a);

    if (!r)
        r = load_inputs(a);
    if (r)
        return r;
    a->files.installations = &a->in.installations;
    a->files.authority = &a->in.authority;
    a->files.tariffs = a->in.tariffs;
    a->files.n_tariffs = a->in.n_tariffs;
    a->files.contracts = a->o.contracts ? &a->in.contracts : NULL;
    a->files.rules = a->in.rules;
    a->files.operators = a->o.operators.n ? &a->in.operators : NULL;
    basis->made_s = a->files.judged_s;
    snprintf(basis->tool, sizeof(basis->tool), "sealgrid-audit " SG_VERSION);
    basis->clock = a->files.clock_policy;
    basis->require_crl = a->files.require_crl;
    return a->o.dir ? on_folder(a) : on_bill(a);
}

static int audit(int argc, char **argv)
{
    struct app a = {.o = {.json = false}};
    int first, r = sg_conf_parse(&table, argc, argv, &a.o, &first);

    if (r)
        return r == SG_CONF_EXIT ? 0 : EXIT_UNUSABLE;
    r = first < argc ? complain(argv[first], "unexpected argument") : run(&a);
    inputs_clear(&a.in);
    sg_conf_clear(&table, &a.o);
    return r;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*fn)(int argc, char **argv);
    } commands[] = {{"prove-reading", command_prove_reading},
                    {"check-reading", command_check_reading},
                    {"nonce", command_nonce},
                    {"commitment", command_commitment},
                    {"draw", command_draw},
                    {"respond", command_respond},
                    {"judge", command_judge},
                    {"verify-report", command_verify_report}};

    if (sg_process_harden())
        return complain("start", sg_error_trace());
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
        if (!strcmp(argv[1], commands[i].name))
            return commands[i].fn(argc - 1, argv + 1);
    return audit(argc, argv);
}
