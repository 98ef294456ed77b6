/*
 * vectors_attestation [FOLDER] - published attestation evidence, judged.
 *
 * FOLDER (default ../shared/vectors/attestation) holds vectors.json.  Of every vector: each decoded
 * field that the list names must be equal; signatures, bindings, chains and dates alone must give
 * the list's verdict; with each collateral set at its instant the TCB statuses, dates and
 * advisories must be equal, and the default policy must trust exactly what is UpToDate, complete
 * and not debug.  Every refusal must name the reason that `refusals` expects.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/tee/policy.h>

#include "chain-int.h"
#include "exhibit.h"
#include "snp-int.h"

static unsigned fields_equal, fields_wrong, verdicts_right, verdicts_wrong, statuses_right,
    statuses_wrong, reasons_right, reasons_wrong, prefixes, skipped;

/* The list has verdicts in words; the codes are ours. */
static const struct {
    const char *file, *reason;
} refusals[] = {
    {"sgx/sgx-v3-fortanix-corrupted-NEG.quote", "quote-signature"},
    {"sgx/sgx-v3-openenclave-report-bad-NEG.quote", "pck-ca-signature"},
    {"sgx/sgx-v3-oasis-encrypted-ppid-INCOMPLETE.quote", "pck-missing"},
    {"intel-qvl-testroot-sgx/quote.dat", "pck-untrusted"},
    {"sgx/derived/v3-flip-mrenclave.quote", "quote-signature"},
    {"sgx/derived/v3-splice-qe-of-other-platform.quote", "qe-report-data"},
    {"synthetic-pki/good/quote.bin", "pck-untrusted"},
    {"synthetic-pki/pck-revoked/quote.bin", "pck-untrusted"},
    {"synthetic-pki/tdx-good/quote.bin", "pck-untrusted"},
    {"snp/snp-v5-turin-tinfoil-NOCERT.report", "vcek-missing"},
    {"snp/snp-v2-milan-trustee-vcek-invalid-legacy-NEG.report", "snp-report-signature"},
    {"snp/snp-v2-milan-trustee-vcek-invalid-new-NEG.report", "snp-report-signature"},
    {"snp/derived/snp-flip-measurement.report", "snp-report-signature"},
    {"nitro/nitro-fortanix-tampered-signature-NEG.cose", "cose-signature"},
    {"nitro/nitro-fortanix-tampered-certificate-NEG.cose", "nitro-leaf-malformed"},
    {"collateral/negative/corrupt_qe3_identity.json", "qe-identity-signature"},
    {"collateral/negative/tcbInfoNegativeSignature.json", "tcb-info-malformed"},
    {"collateral/negative/tcbInfoNegativeCompSvn.json", "tcb-info-malformed"},
    {"collateral/negative/tcbInfoNegativeInvalidIssueDate.json", "tcb-info-malformed"},
};

static void free_json(json_t **j)
{
    json_decref(*j);
}

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static bool starts(const char *s, const char *head)
{
    return strncmp(s, head, strlen(head)) == 0;
}

/* Every member that is expected must be there and equal; null may be absent. */
static unsigned count_differences(const json_t *wanted, const json_t *found, const char *where)
{
    const char *key;
    json_t *value;
    unsigned n = 0;
    if (json_is_object(wanted) && json_is_object(found)) {
        json_object_foreach((json_t *)(uintptr_t)wanted, key, value)
        {
            char deeper[256];
            snprintf(deeper, sizeof deeper, "%s.%s", where, key);
            n += count_differences(value, json_object_get(found, key), deeper);
        }
        return n;
    }
    if (json_is_null(wanted)
            ? !found || json_is_null(found)
            : found && json_equal((json_t *)(uintptr_t)wanted, (json_t *)(uintptr_t)found)) {
        fields_equal++;
        return 0;
    }
    char *a = json_dumps(wanted, JSON_ENCODE_ANY), *b = json_dumps(found, JSON_ENCODE_ANY);
    printf("    %s: %.80s expected, %.80s decoded\n", where, a ? a : "?", b ? b : "nothing");
    free(a);
    free(b);
    fields_wrong++;
    return 1;
}

static unsigned check_fields(const json_t *vector, const struct exhibit *x,
                             const struct sg_tee_store *store)
{
    static const char *const parts[] = {"fields", "hdr", "qe", "pck", "cert"};
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(1u << 20);
    struct sg_json j;
    unsigned n = 0;
    sg_json_init(&j, &out);
    sg_json_object(&j);
    if (sg_tee_describe(&x->e, store, &j) < 0)
        give_up("describe");
    sg_json_end_object(&j);
    if (sg_json_done(&j) < 0)
        give_up("describe: JSON");
    SG_CLEANUP(free_json)
    json_t *found = json_loadb((const char *)out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
    if (!found)
        give_up("describe: not JSON");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const json_t *wanted = json_object_get(vector, parts[i]);
        if (wanted)
            n += count_differences(wanted, json_object_get(found, parts[i]), parts[i]);
    }
    return n;
}

static int64_t instant(const char *s)
{
    int64_t t;
    char whole[32];
    snprintf(whole, sizeof whole, "%.19sZ", s); /* fractions and offsets: all are UTC */
    if (sg_time_parse(whole, &t) < 0)
        give_up(s);
    return t;
}

/* When signatures and chains are to be judged. */
static int64_t crypto_instant(const json_t *vector)
{
    const char *at = text(json_object_get(vector, "verified"), "chain_checked_at");
    if (!*at)
        at = text(vector, "at");
    if (!*at)
        at = text(json_object_get(vector, "fields"), "ts");
    return instant(*at ? at : "2025-06-20T12:00:00Z");
}

static void join_reasons(const struct sg_tee_verdict *v, char ret[256])
{
    size_t at = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < v->reasons.n && at < 200; i++)
        at += (size_t)snprintf(ret + at, 256 - at, "%s%s", i ? "," : "",
                               sg_tee_reason_name(v->reasons.at[i]));
}

static struct sg_tee_verdict judge(const struct exhibit *x, const struct sg_tee_store *s,
                                   int64_t at_s, bool crypto_only)
{
    const struct sg_tee_case c = {
        .evidence = &x->e, .store = s, .at_s = at_s, .crypto_only = crypto_only};
    struct sg_tee_policy p = crypto_only ? sg_tee_policy_crypto_only() : sg_tee_policy_default();
    struct sg_tee_verdict v;
    p.at_s = at_s;
    if (sg_tee_judge(&c, &v) < 0)
        give_up("judge");
    sg_tee_apply(&p, &v);
    return v;
}

static void row(const char *what, const char *expected, const struct sg_tee_verdict *v, bool ok)
{
    char reasons[256];
    join_reasons(v, reasons);
    printf("  %-26s %-34s %-8s %-34s %s%s\n", what, expected,
           sg_tee_trusted(v) ? "trusted" : "refused", sg_tee_status_name(v->tcb_status), reasons,
           ok ? "" : "   <== WRONG");
}

static const char *expected_reason(const char *file)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (strcmp(refusals[i].file, file) == 0)
            return refusals[i].reason;
    }
    return NULL;
}

static bool has_reason(const struct sg_tee_verdict *v, const char *name)
{
    for (size_t i = 0; i < v->reasons.n; i++) {
        if (strcmp(sg_tee_reason_name(v->reasons.at[i]), name) == 0)
            return true;
    }
    return false;
}

static bool check_reason(const char *file, const struct sg_tee_verdict *v)
{
    const char *wanted = expected_reason(file);
    if (!wanted)
        printf("    %s: refused, and this program expects no reason for it\n", file);
    else if (has_reason(v, wanted))
        return reasons_right++, true;
    else
        printf("    %s: reason %s expected\n", file, wanted);
    reasons_wrong++;
    return false;
}

/* Cut anywhere, evidence is refused; unless all that was cut off is padding. */
static bool check_prefixes(const struct exhibit *x, const struct sg_tee_store *s, int64_t at_s)
{
    const struct sg_bytes whole = x->e.part[SG_TEE_PART_REPORT];
    struct exhibit cut = *x;
    size_t end = whole.len;
    while (end && !whole.data[end - 1])
        end--;
    for (size_t n = 0; n < end; n++) {
        /* Exactly as long as it says, so that a sanitizer sees every octet read behind it. */
        SG_FREE uint8_t *copy = malloc(n ? n : 1);
        if (!copy)
            give_up("memory");
        memcpy(copy, whole.data, n);
        cut.e.part[SG_TEE_PART_REPORT] = SG_BYTES(copy, n);
        const struct sg_tee_verdict v = judge(&cut, s, at_s, true);
        if (sg_tee_trusted(&v)) {
            printf("    %zu of %zu octets are trusted\n", n, whole.len);
            return false;
        }
        prefixes++;
    }
    return true;
}

static void check_crypto(const json_t *vector, const struct exhibit *x)
{
    const char *file = text(vector, "file"), *verdict = text(vector, "verdict");
    const char *names[] = {"collateral/intel", "collateral/amd", "collateral/aws", NULL, NULL};
    char own[2048];
    if (*text(vector, "cert_file"))
        names[3] = text(vector, "cert_file");
    else if (starts(file, "azure/"))
        names[3] = "snp"; /* the chips' certificates lie beside their bare reports */
    else if (strcmp(strrchr(file, '.') ? strrchr(file, '.') : "", ".cbor") == 0) {
        snprintf(own, sizeof own, "%.*s.cpak.pem", (int)(strlen(file) - 5), file);
        names[3] = own;
    }
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(names, NULL);
    const struct sg_tee_verdict v = judge(x, s, crypto_instant(vector), true);
    const bool accept = starts(verdict, "ACCEPT");
    bool ok = sg_tee_trusted(&v) == accept;
    ++*(ok ? &verdicts_right : &verdicts_wrong);
    if (!accept && ok)
        ok = check_reason(file, &v);
    row("crypto only", accept ? "ACCEPT" : "REJECT", &v, ok);
    if (!check_prefixes(x, s, crypto_instant(vector)))
        verdicts_wrong++;
}

static bool same_day(const char *wanted, int64_t found_s)
{
    char day[SG_RFC3339_MAX];
    if (!*wanted)
        return found_s == 0;
    sg_time_rfc3339(day, found_s);
    return strncmp(day, wanted, 10) == 0;
}

static bool same_status(const char *wanted, enum sg_tee_status found)
{
    if (!*wanted || strcmp(wanted, "n/a") == 0)
        return found == SG_TEE_STATUS_NOT_APPLICABLE;
    return strcmp(wanted, sg_tee_status_name(found)) == 0;
}

static bool same_advisories(const json_t *wanted, const struct sg_tee_advisories *found)
{
    if (json_array_size(wanted) != found->n_platform)
        return false;
    for (size_t i = 0; i < found->n_platform; i++) {
        if (strcmp(json_string_value(json_array_get(wanted, i)), found->id[i]) != 0)
            return false;
    }
    return true;
}

static bool is_complete(const char *set)
{
    char path[2048];
    struct stat st;
    snprintf(path, sizeof path, "%s/collateral/intel/%s/pck_crl.der", folder, set);
    return stat(path, &st) == 0;
}

/* "CERT_NOT_YET_VALID (would be OutOfDate)": the status in brackets. */
static void final_status(const char *final, char ret[64], bool *ret_too_early)
{
    const char *would = strstr(final, "would be ");
    *ret_too_early = starts(final, "CERT_NOT_YET_VALID");
    snprintf(ret, 64, "%s", would ? would + strlen("would be ") : final);
    if (would)
        ret[strcspn(ret, ")")] = '\0';
}

static void check_set(const json_t *with, const struct exhibit *x)
{
    char set[256], final[64];
    bool too_early;
    snprintf(set, sizeof set, "collateral/intel/%s", text(with, "set"));
    final_status(text(with, "final"), final, &too_early);
    SG_CLEANUP(sg_tee_store_freep)
    struct sg_tee_store *s = store_of((const char *const[]){set, NULL}, NULL);
    const struct sg_tee_verdict v = judge(x, s, instant(text(with, "at")), false);
    const bool same = strcmp(final, sg_tee_status_name(v.tcb_status)) == 0 &&
                      same_status(text(with, "tcb"), v.platform.status) &&
                      same_day(text(with, "tcb_date"), v.platform.date_s) &&
                      same_status(text(with, "qe"), v.qe.status) &&
                      same_status(text(with, "tdx_module"), v.tdx_module.status) &&
                      same_advisories(json_object_get(with, "advisories"), &v.advisories) &&
                      too_early == has_reason(&v, "pck-not-yet-valid");
    const bool trust = strcmp(final, "UpToDate") == 0 && !too_early && !v.claims.debug &&
                       !v.migratable && is_complete(text(with, "set"));
    const bool right = sg_tee_trusted(&v) == trust;
    ++*(same ? &statuses_right : &statuses_wrong);
    ++*(right ? &verdicts_right : &verdicts_wrong);
    row(text(with, "set"), text(with, "final"), &v, same && right);
}

/* Cases under a root of their own: refused without it, judged with it. */
static void check_with_own_root(const json_t *vector, const struct exhibit *x)
{
    const char *file = text(vector, "file"), *verdict = text(vector, "verdict");
    char own[256], root[512];
    snprintf(own, sizeof own, "%.*s", (int)(strrchr(file, '/') - file), file);
    snprintf(root, sizeof root, "%s/%s", own,
             starts(file, "synthetic") ? "test_root.pem" : "trustedRootCaCert.pem");
    const bool ours = *text(vector, "at"); /* else Intel's sample, good for years */
    const int64_t at_s = instant(ours ? text(vector, "at") : "2021-01-01T00:00:00Z");
    const char *const names[] = {own, NULL};
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *without = store_of(names, NULL);
    const struct sg_tee_verdict v = judge(x, without, at_s, false);
    bool ok = !sg_tee_trusted(&v);
    ++*(ok ? &verdicts_right : &verdicts_wrong);
    ok = ok && check_reason(file, &v);
    row("pinned roots", "REJECT", &v, ok);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *with = store_of(names, root);
    const struct sg_tee_verdict w = judge(x, with, at_s, false);
    const bool accept = !ours || strstr(verdict, "ACCEPT");
    ok = sg_tee_trusted(&w) == accept && w.tcb_status == SG_TEE_STATUS_UP_TO_DATE &&
         (accept || (w.reasons.n == 1 && has_reason(&w, "pck-revoked")));
    ++*(ok ? &verdicts_right : &verdicts_wrong);
    row("with that root", accept ? "ACCEPT, UpToDate" : "REJECT, revoked", &w, ok);
}

/* A good quote whose set has this document in place of its own. */
static void check_negative_collateral(const json_t *vector)
{
    const char *file = text(vector, "file");
    const bool identity = strstr(file, "identity") != NULL;
    const char *set = "collateral/intel/sgx-00A067-2025-06";
    char path[5][256];
    const char *names[6] = {file};
    static const char *const kept[] = {"pck_crl.der", "root_ca_crl.der", "tcb_signing_chain.pem",
                                       "pck_ca_chain.pem"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(path[i], sizeof path[i], "%s/%s", set, kept[i]);
        names[i + 1] = path[i];
    }
    snprintf(path[4], sizeof path[4], "%s/%s", set,
             identity ? "tcb_info.json" : "qe_identity.json");
    names[5] = path[4];
    const char *const all[] = {names[0], names[1], names[2], names[3], names[4], names[5], NULL};
    SG_CLEANUP(clear_exhibit) struct exhibit x = {0};
    load_exhibit(&x, "sgx/sgx-v3-phala-00a067.quote");
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(all, NULL);
    const struct sg_tee_verdict v = judge(&x, s, instant("2025-06-20T12:00:00Z"), false);
    bool ok = !sg_tee_trusted(&v);
    ++*(ok ? &verdicts_right : &verdicts_wrong);
    ok = ok && check_reason(file, &v);
    row("in a good set", "REJECT", &v, ok);
}

/* A VCEK without a report is no evidence; its extensions and its chain are judged all the same. */
static void check_certificate(const json_t *vector)
{
    const char *const names[] = {"collateral/amd", NULL};
    const struct sg_tee_evidence none = {0};
    SG_CLEANUP(clear_exhibit) struct exhibit x = {0};
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = store_of(names, NULL);
    SG_CLEANUP(sg_tee_cert_freep) struct sg_tee_cert *c = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(65536);
    struct sg_tee_verdict v = {.judged = true, .collateral_until_s = INT64_MAX};
    struct sg_snp_key_info info;
    struct sg_tee_chain chain;
    struct sg_json j;
    load_exhibit(&x, text(vector, "file"));
    if (sg_tee_cert_new(&c, x.e.part[SG_TEE_PART_REPORT]) != 0 || sg_snp_key_info(c, &info) != 0)
        give_up("certificate");
    const struct sg_tee_case of = {
        .evidence = &none, .store = s, .at_s = c->not_before_s, .crypto_only = true};
    const struct sg_tee_chain_request q = {.of = &of,
                                           .vendor = SG_TEE_VENDOR_AMD,
                                           .role = SG_TEE_ROLE_VCEK,
                                           .min_cas = 1,
                                           .max_cas = 1,
                                           .leaf_may_be_bare = true,
                                           .no_leaf_crl = true};
    sg_json_init(&j, &out);
    sg_json_object(&j);
    sg_snp_key_info_json(&info, &j);
    sg_json_end_object(&j);
    if (sg_json_done(&j) < 0)
        give_up("certificate: JSON");
    SG_CLEANUP(free_json)
    json_t *found = json_loadb((const char *)out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
    const unsigned different = count_differences(json_object_get(vector, "cert"), found, "cert");
    printf("  %-26s %s\n", "fields", different ? "DIFFERENT   <== WRONG" : "equal");
    sg_tee_chain_judge(&q, c, &chain);
    sg_tee_chain_report(&q, &chain, &v);
    v.applied = true;
    const bool ok = sg_tee_trusted(&v) == starts(text(vector, "verdict"), "ACCEPT");
    ++*(ok ? &verdicts_right : &verdicts_wrong);
    row("chain", "ACCEPT", &v, ok);
}

static void check_vector(const json_t *vector)
{
    const char *file = text(vector, "file"), *kind = text(vector, "kind");
    const json_t *with = json_object_get(vector, "with_collateral");
    SG_CLEANUP(clear_exhibit) struct exhibit x = {0};
    printf("%s\n", file);
    if (starts(kind, "negative collateral")) {
        check_negative_collateral(vector);
        return;
    }
    if (strstr(kind, "certificate only")) {
        check_certificate(vector);
        return;
    }
    load_exhibit(&x, file);
    if (sg_tee_recognise(&x.e) == SG_TEE_KIND_NONE) {
        printf("  skipped: no verifier for %s\n", kind);
        skipped++;
        return;
    }
    SG_CLEANUP(sg_tee_store_freep)
    struct sg_tee_store *certificate = store_of(
        (const char *const[]){*text(vector, "cert_file") ? text(vector, "cert_file") : NULL, NULL},
        NULL);
    const unsigned different = check_fields(vector, &x, certificate);
    printf("  %-26s %s\n", "fields", different ? "DIFFERENT   <== WRONG" : "equal");
    if (starts(file, "synthetic") || starts(file, "intel-qvl"))
        check_with_own_root(vector, &x);
    else
        check_crypto(vector, &x);
    for (size_t i = 0; i < json_array_size(with); i++)
        check_set(json_array_get(with, i), &x);
}

int main(int argc, char **argv)
{
    char path[2048];
    const char *shared = getenv("SEALGRID_VECTORS");
    json_error_t where;
    snprintf(path, sizeof path, "%s/attestation", shared ? shared : "../shared/vectors");
    folder = argc > 1 ? argv[1] : path;
    char list[4096];
    snprintf(list, sizeof list, "%s/vectors.json", folder);
    SG_CLEANUP(free_json) json_t *vectors = json_load_file(list, JSON_REJECT_DUPLICATES, &where);
    if (!vectors && argc > 1)
        give_up(where.text);
    if (!vectors) {
        printf("skipped: nothing in %s\n", folder);
        return 0;
    }
    for (size_t i = 0; i < json_array_size(vectors); i++)
        check_vector(json_array_get(vectors, i));
    printf("\n%-10s %6s %6s\n", "", "right", "wrong");
    printf("%-10s %6u %6u\n", "fields", fields_equal, fields_wrong);
    printf("%-10s %6u %6u\n", "verdicts", verdicts_right, verdicts_wrong);
    printf("%-10s %6u %6u\n", "statuses", statuses_right, statuses_wrong);
    printf("%-10s %6u %6u\n", "reasons", reasons_right, reasons_wrong);
    printf("%u prefixes refused\n", prefixes);
    printf("%zu vectors, %u skipped for want of a verifier\n", json_array_size(vectors), skipped);
    return fields_wrong || verdicts_wrong || statuses_wrong || reasons_wrong;
}
