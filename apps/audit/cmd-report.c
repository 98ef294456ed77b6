/* cmd-report - a signed report, checked. */
#include "commands.h"
#include "inputs.h"
#include "names.h"
#include "seal.h"
#include "summary.h"
#include "verdict.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/json.h>
#include <sealgrid/crypto/hash.h>

#include <limits.h>
#include <stdio.h>

struct options {
    char *report, *auditor, *bill, *dir;
};

/* O(name, field, required, help) */
#define OPTIONS(O)                                                                                 \
    O("report", report, true, "the signed report")                                                 \
    O("auditor", auditor, true, "the auditor's certificate or public key, PEM")                    \
    O("bill", bill, false, "the bill file that the report must be about")                          \
    O("dir", dir, false, "the folder whose bills the report of a folder must be about, all of them")
#define ROW(name, field, required, help)                                                           \
    {name, SG_CONF_STRING, offsetof(struct options, field), NULL, 0, 0, required, help},
static const struct sg_conf_option rows[] = {OPTIONS(ROW)};
#undef ROW
static const struct sg_conf_table table = {.program = "sealgrid-audit verify-report",
                                           .summary = "checks the signature of an audit's report",
                                           .options = rows,
                                           .n = sizeof(rows) / sizeof(rows[0])};

static int load_key(const char *path, struct sg_key **ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(1u << 16);
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    int r = inputs_file(path, 1u << 16, &pem);

    if (r)
        return r;
    if (sg_cert_load(&cert, sg_buf_bytes(&pem)) == 0)
        r = sg_cert_public_key(cert, ret);
    else
        r = sg_key_load_public(ret, sg_buf_bytes(&pem));
    return r ? complain(path, "neither a certificate nor a public key") : 0;
}

static void put_time(struct sg_json *j, const char *key, int64_t unix_s)
{
    char text[SG_RFC3339_MAX];

    sg_time_rfc3339(text, unix_s);
    sg_json_key(j, key);
    sg_json_str(j, text);
}

static void put_hash(struct sg_json *j, const char *key, const uint8_t hash[32])
{
    sg_json_key(j, key);
    sg_json_hex(j, SG_BYTES(hash, 32));
}

static void put_findings(struct sg_json *j, const struct verdict *v)
{
    struct sg_reader in = sg_reader_over(v->findings);
    struct verdict_finding f;

    sg_json_key(j, "findings");
    sg_json_array(j);
    while (in.left && verdict_next(&in, &f) == 0) {
        sg_json_object(j);
        sg_json_key(j, "code");
        sg_json_strn(j, f.code);
        if (f.serial.data) {
            sg_json_key(j, "serial");
            sg_json_strn(j, f.serial);
        }
        sg_json_key(j, "sequence");
        sg_json_uint(j, f.seq);
        if (f.ts_s != INT64_MIN)
            put_time(j, "interval_end", f.ts_s);
        sg_json_key(j, "count");
        sg_json_uint(j, f.count);
        sg_json_key(j, "text");
        sg_json_strn(j, f.text);
        sg_json_end_object(j);
    }
    sg_json_end_array(j);
}

static void put_optional_hash(struct sg_json *j, const char *key, bool there,
                              const uint8_t hash[32])
{
    if (there)
        put_hash(j, key, hash);
}

static void put_basis(struct sg_json *j, const struct basis *s)
{
    put_time(j, "made", s->made_s);
    sg_json_key(j, "tool");
    sg_json_str(j, s->tool);
    put_hash(j, "installations_sha256", s->installations);
    put_hash(j, "certificates_sha256", s->certificates);
    sg_json_key(j, "tariffs_sha256");
    sg_json_array(j);
    for (size_t i = 0; i < s->n_tariffs; i++)
        sg_json_hex(j, SG_BYTES_ARRAY(s->tariffs[i]));
    sg_json_end_array(j);
    put_optional_hash(j, "contracts_sha256", s->has_contracts, s->contracts);
    put_optional_hash(j, "rules_sha256", s->has_rules, s->rules);
    put_optional_hash(j, "operators_sha256", s->has_operators, s->operators);
    sg_json_key(j, "contract");
    sg_json_str(j, s->has_contracts ? "compared" : "as-billed");
    sg_json_key(j, "clock");
    sg_json_str(j, sg_audit_clock_word(s->clock));
    sg_json_key(j, "require_crl");
    sg_json_bool(j, s->require_crl);
}

static int print(struct sg_json *j, struct sg_buf *text)
{
    int r = sg_json_done(j);

    if (!r)
        r = sg_file_write_report("-", sg_buf_bytes(text));
    return r ? complain("result", sg_error_trace()) : 0;
}

static void put_count(struct sg_json *j, const char *key, uint64_t n)
{
    sg_json_key(j, key);
    sg_json_uint(j, n);
}

static int show_verdict(const struct verdict *v)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(4 * VERDICT_MAX);
    struct sg_json j;

    sg_json_init(&j, &text);
    sg_json_object(&j);
    sg_json_key(&j, "genuine");
    sg_json_bool(&j, true);
    sg_json_key(&j, "ok");
    sg_json_bool(&j, v->ok);
    put_basis(&j, &v->basis);
    sg_json_key(&j, "client");
    sg_json_int(&j, v->client);
    put_time(&j, "from", v->from_s);
    put_time(&j, "until", v->until_s);
    put_hash(&j, "bill_sha256", v->bill_sha256);
    put_hash(&j, "bill_file_sha256", v->bill_file);
    put_hash(&j, "evidence_sha256", v->evidence);
    put_count(&j, "readings", v->readings);
    put_count(&j, "estimated", v->estimated);
    put_count(&j, "resolved", v->resolved);
    put_count(&j, "without_crl", v->without_crl);
    put_count(&j, "stale_crl", v->stale_crl);
    put_count(&j, "found", v->found);
    put_findings(&j, v);
    sg_json_end_object(&j);
    return print(&j, &text);
}

/* ---- of a folder --------------------------------------------------------------------------- */

static void put_item(struct sg_json *j, const struct summary_item *item)
{
    sg_json_object(j);
    sg_json_key(j, "name");
    sg_json_strn(j, item->name);
    sg_json_key(j, "verdict");
    sg_json_str(j, summary_state_word(item->state));
    put_optional_hash(j, "bill_file_sha256", item->has_bill, item->bill_file);
    put_optional_hash(j, "evidence_sha256", item->has_evidence, item->evidence);
    put_count(j, "found", item->found);
    sg_json_key(j, "codes");
    sg_json_array(j);
    for (size_t i = 0; i < item->n_codes; i++)
        sg_json_strn(j, item->codes[i]);
    sg_json_end_array(j);
    sg_json_end_object(j);
}

static int show_summary(const struct summary *s)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(2 * (size_t)SEAL_PAYLOAD_MAX);
    struct sg_reader in = sg_reader_over(s->items);
    struct summary_item item;
    struct sg_json j;

    sg_json_init(&j, &text);
    sg_json_object(&j);
    sg_json_key(&j, "genuine");
    sg_json_bool(&j, true);
    sg_json_key(&j, "ok");
    sg_json_bool(&j, s->bad + s->unusable == 0);
    put_basis(&j, &s->basis);
    put_count(&j, "bills", s->bills);
    put_count(&j, "refused", s->bad + s->unusable);
    put_count(&j, "unusable", s->unusable);
    put_count(&j, "readings", s->readings);
    sg_json_key(&j, "verdicts");
    sg_json_array(&j);
    while (in.left && summary_next(&in, &item) == 0)
        put_item(&j, &item);
    sg_json_end_array(&j);
    sg_json_end_object(&j);
    return print(&j, &text);
}

static int hash_file(const char *path, uint8_t ret[32])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_BILL_JSON_MAX);
    int r = inputs_file(path, SG_BILL_JSON_MAX, &text);

    if (!r)
        sg_sha256(ret, sg_buf_bytes(&text));
    return r;
}

/* Whether a bill of that hash is among those of the report. */
static bool is_among(const struct summary *s, const uint8_t hash[32])
{
    struct sg_reader in = sg_reader_over(s->items);
    struct summary_item item;

    while (in.left && summary_next(&in, &item) == 0)
        if (item.has_bill && !memcmp(item.bill_file, hash, 32))
            return true;
    return false;
}

/* Names of the folder and of the report both rise. */
static int compare_folder(const char *dir, const struct summary *s, bool *ret_same)
{
    SG_CLEANUP(names_clear) struct names names = {.n = 0};
    struct sg_reader in = sg_reader_over(s->items);
    struct summary_item item;
    char path[PATH_MAX];
    uint8_t hash[32];

    if (names_read(&names, dir))
        return complain(dir, sg_error_trace());
    *ret_same = names.n == s->bills;
    for (size_t i = 0; i < names.n && *ret_same; i++) {
        if (summary_next(&in, &item) != 0 ||
            !sg_bytes_equal(item.name, sg_bytes_str(names.items[i])) || !item.has_bill) {
            *ret_same = false;
            return 0;
        }
        snprintf(path, sizeof(path), "%s/bill/%s.json", dir, names.items[i]);
        int r = hash_file(path, hash);
        if (r)
            return r;
        *ret_same = memcmp(hash, item.bill_file, 32) == 0;
    }
    return 0;
}

static int refuse(const char *why)
{
    printf("{\"genuine\":false,\"reason\":\"%s\"}\n", why);
    return EXIT_FINDINGS;
}

static int on_verdict(const struct options *o, const struct verdict *v)
{
    uint8_t hash[32];
    int r = o->bill ? hash_file(o->bill, hash) : 0;

    if (r)
        return r;
    if (o->dir)
        return refuse("about one bill, not about a folder");
    return o->bill && memcmp(hash, v->bill_file, 32) ? refuse("about another bill")
                                                     : show_verdict(v);
}

static int on_summary(const struct options *o, const struct summary *s)
{
    uint8_t hash[32];
    bool same = true;
    int r = o->bill ? hash_file(o->bill, hash) : 0;

    if (r)
        return r;
    if (o->bill && !is_among(s, hash))
        return refuse("about other bills");
    r = o->dir ? compare_folder(o->dir, s, &same) : 0;
    if (r)
        return r;
    return same ? show_summary(s) : refuse("about another folder's bills");
}

static int verify(const struct options *o)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf message = SG_BUF_INIT(SEAL_MESSAGE_MAX);
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    struct sg_bytes payload;
    struct verdict v;
    struct summary s;
    int r = inputs_file(o->report, SEAL_MESSAGE_MAX, &message);

    if (!r)
        r = load_key(o->auditor, &key);
    if (r)
        return r;
    r = seal_open(sg_buf_bytes(&message), key, &payload);
    if (r < 0)
        return complain(o->report, sg_error_trace());
    if (r)
        return r == SEAL_MALFORMED ? complain(o->report, "not a signed report")
                                   : refuse("not signed by this auditor");
    if (verdict_decode(payload, &v) == 0)
        return on_verdict(o, &v);
    if (summary_decode(payload, &s) == 0)
        return on_summary(o, &s);
    return complain(o->report, "not a report of an audit");
}

int command_verify_report(int argc, char **argv)
{
    struct options o;
    int first, r = sg_conf_parse(&table, argc, argv, &o, &first);

    if (r)
        return r == SG_CONF_EXIT ? 0 : EXIT_UNUSABLE;
    r = first < argc ? complain(argv[first], "unexpected argument") : verify(&o);
    sg_conf_clear(&table, &o);
    return r;
}
