/* cmd-report - a signed report, checked. */
#include "commands.h"
#include "inputs.h"
#include "verdict.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/json.h>
#include <sealgrid/crypto/hash.h>

#include <stdio.h>

struct options {
    char *report, *auditor, *bill;
};

/* O(name, field, required, help) */
#define OPTIONS(O)                                                                                 \
    O("report", report, true, "the signed report")                                                 \
    O("auditor", auditor, true, "the auditor's certificate or public key, PEM")                    \
    O("bill", bill, false, "the bill file that the report must be about")
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

static int show(const struct verdict *v)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(4 * VERDICT_MAX);
    struct sg_json j;

    sg_json_init(&j, &text);
    sg_json_object(&j);
    sg_json_key(&j, "genuine");
    sg_json_bool(&j, true);
    sg_json_key(&j, "ok");
    sg_json_bool(&j, v->ok);
    put_time(&j, "made", v->made_s);
    sg_json_key(&j, "tool");
    sg_json_str(&j, v->tool);
    sg_json_key(&j, "client");
    sg_json_int(&j, v->client);
    put_time(&j, "from", v->from_s);
    put_time(&j, "until", v->until_s);
    put_hash(&j, "bill_sha256", v->bill_sha256);
    put_hash(&j, "bill_file_sha256", v->bill_file);
    put_hash(&j, "evidence_sha256", v->evidence);
    put_hash(&j, "installations_sha256", v->installations);
    put_hash(&j, "certificates_sha256", v->certificates);
    if (v->has_tariff)
        put_hash(&j, "tariff_sha256", v->tariff_sha256);
    sg_json_key(&j, "readings");
    sg_json_uint(&j, v->readings);
    sg_json_key(&j, "found");
    sg_json_uint(&j, v->found);
    put_findings(&j, v);
    sg_json_end_object(&j);
    int r = sg_json_done(&j);
    if (!r)
        r = sg_file_write_report("-", sg_buf_bytes(&text));
    return r ? complain("result", sg_error_trace()) : 0;
}

static int refuse(const char *why)
{
    printf("{\"genuine\":false,\"reason\":\"%s\"}\n", why);
    return EXIT_FINDINGS;
}

static int compare_bill(const char *path, const struct verdict *v, bool *ret_same)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_BILL_JSON_MAX);
    uint8_t hash[32];
    int r = inputs_file(path, SG_BILL_JSON_MAX, &text);

    if (r)
        return r;
    sg_sha256(hash, sg_buf_bytes(&text));
    *ret_same = memcmp(hash, v->bill_file, 32) == 0;
    return 0;
}

static int verify(const struct options *o)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf message = SG_BUF_INIT(2 * VERDICT_MAX);
    SG_CLEANUP(sg_key_freep) struct sg_key *key = NULL;
    struct verdict v;
    bool same = true;
    int r = inputs_file(o->report, 2 * VERDICT_MAX, &message);

    if (!r)
        r = load_key(o->auditor, &key);
    if (r)
        return r;
    r = verdict_verify(sg_buf_bytes(&message), key, &v);
    if (r < 0)
        return complain(o->report, sg_error_trace());
    if (r)
        return r == VERDICT_MALFORMED ? complain(o->report, "not a signed report")
                                      : refuse("not signed by this auditor");
    r = o->bill ? compare_bill(o->bill, &v, &same) : 0;
    if (r)
        return r;
    return same ? show(&v) : refuse("about another bill");
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
