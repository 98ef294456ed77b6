/* cmd-reading - the proof of one reading, made and checked. */
#include "bills.h"
#include "commands.h"
#include "inputs.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/json.h>

#include <stdio.h>

struct options {
    char *bill, *evidence, *installations, *tariff, *at, *proof, *out;
    struct sg_conf_list keys;
    bool json;
};

/* O(name, type, field, default, required, help) */
#define PROVE_OPTIONS(O)                                                                           \
    O("bill", STRING, bill, NULL, true, "the bill, JSON")                                          \
    O("evidence", STRING, evidence, NULL, true, "its evidence file")                               \
    O("tariff", STRING, tariff, NULL, true, "its tariff")                                          \
    O("at", STRING, at, NULL, true, "end of the reading's interval, RFC 3339")                     \
    O("out", STRING, out, NULL, true, "file for the proof")
#define CHECK_OPTIONS(O)                                                                           \
    O("proof", STRING, proof, NULL, true, "the proof")                                             \
    O("bill", STRING, bill, NULL, true, "the bill, JSON")                                          \
    O("installations", STRING, installations, NULL, false, "the authority's records, JSON")        \
    O("keys", LIST, keys, NULL, false, "the authority's certificates, PEM, or its folder")         \
    O("tariff", STRING, tariff, NULL, false, "check the price class, too")                         \
    O("json", BOOL, json, "false", false, "result as JSON")

#define ROW(name, type, field, def, required, help)                                                \
    {name, SG_CONF_##type, offsetof(struct options, field), def, 0, 0, required, help},
static const struct sg_conf_option prove_rows[] = {PROVE_OPTIONS(ROW)};
static const struct sg_conf_option check_rows[] = {CHECK_OPTIONS(ROW)};
#undef ROW
static const struct sg_conf_table prove_table = {
    .program = "sealgrid-audit prove-reading",
    .summary = "makes the proof that one reading is on a bill",
    .options = prove_rows,
    .n = sizeof(prove_rows) / sizeof(prove_rows[0])};
static const struct sg_conf_table check_table = {
    .program = "sealgrid-audit check-reading",
    .summary = "checks the proof that one reading is on a bill",
    .options = check_rows,
    .n = sizeof(check_rows) / sizeof(check_rows[0])};

/* ---- making -------------------------------------------------------------------------------- */

static int prove(const struct options *o, struct inputs *in, struct bills *bills)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_EVIDENCE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf proof = SG_BUF_INIT(SG_READING_PROOF_MAX);
    SG_CLEANUP(sg_prover_freep) struct sg_prover *prover = NULL;
    int64_t at_s;
    int r;

    if (sg_time_parse(o->at, &at_s) != 0)
        return complain("--at", "not a time of RFC 3339");
    r = bills_read_one(bills, o->bill, NULL);
    if (!r)
        r = inputs_tariff(in, o->tariff);
    if (!r)
        r = inputs_evidence(o->evidence, &evidence);
    if (r)
        return r;
    if (memcmp(in->tariff->sha256, bills->items[0].tariff_sha256, 32))
        return complain(o->tariff, "not the tariff of this bill");
    r = sg_prover_new(&prover, &bills->items[0], in->tariff, sg_buf_bytes(&evidence));
    if (r)
        return complain(o->evidence,
                        r > 0 ? "does not make the buckets of this bill" : sg_error_trace());
    r = sg_prover_at(prover, at_s, &proof);
    if (r)
        return complain(o->at, r > 0 ? "no reading of this bill ends then" : sg_error_trace());
    r = sg_file_write_atomic(o->out, sg_buf_bytes(&proof), 0644);
    return r ? complain(o->out, strerror(-r)) : 0;
}

static int with_options(const struct sg_conf_table *table, int argc, char **argv,
                        int (*fn)(const struct options *o, struct inputs *in, struct bills *bills))
{
    struct options o = {.json = false};
    struct inputs in = {.tariff = NULL};
    struct bills bills = {.n = 0};
    int first, r = sg_conf_parse(table, argc, argv, &o, &first);

    if (r)
        return r == SG_CONF_EXIT ? 0 : EXIT_UNUSABLE;
    r = first < argc ? complain(argv[first], "unexpected argument") : fn(&o, &in, &bills);
    bills_clear(&bills);
    inputs_clear(&in);
    sg_conf_clear(table, &o);
    return r;
}

int command_prove_reading(int argc, char **argv)
{
    return with_options(&prove_table, argc, argv, prove);
}

/* ---- checking ------------------------------------------------------------------------------ */

static int show_proved(const struct sg_proof_bill *bill, const struct sg_proved *p, bool classed)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(4096);
    char at[SG_RFC3339_MAX];
    struct sg_json j;

    sg_time_rfc3339(at, p->reading.ts_s);
    sg_json_init(&j, &text);
    sg_json_object(&j);
    sg_json_key(&j, "ok");
    sg_json_bool(&j, true);
    sg_json_key(&j, "client");
    sg_json_int(&j, bill->client);
    sg_json_key(&j, "bill_sha256");
    sg_json_hex(&j, SG_BYTES_ARRAY(bill->sha256));
    sg_json_key(&j, "serial");
    sg_json_str(&j, p->header.serial);
    sg_json_key(&j, "sequence");
    sg_json_uint(&j, p->reading.seq);
    sg_json_key(&j, "interval_end");
    sg_json_str(&j, at);
    sg_json_key(&j, "energy_wh");
    sg_json_int(&j, p->reading.field[SG_READING_interval_energy]);
    sg_json_key(&j, "ratio_num");
    sg_json_int(&j, bill->meters[bill->buckets[p->leaf.bucket].meter].ratio_num);
    sg_json_key(&j, "ratio_den");
    sg_json_int(&j, bill->meters[bill->buckets[p->leaf.bucket].meter].ratio_den);
    sg_json_key(&j, "bucket");
    sg_json_uint(&j, p->leaf.bucket);
    sg_json_key(&j, "price_class");
    sg_json_str(&j, classed ? "checked" : "not_checked");
    sg_json_key(&j, "revocation");
    sg_json_str(&j, sg_proof_crl_word(p->crl));
    sg_json_end_object(&j);
    int r = sg_json_done(&j);
    return r ? r : sg_file_write_report("-", sg_buf_bytes(&text));
}

static int show_fault(const struct options *o, const char *word)
{
    if (o->json)
        printf("{\"ok\":false,\"code\":\"%s\"}\n", word);
    else
        printf("refused: %s\n", word);
    return EXIT_FINDINGS;
}

static int judge_proof(const struct options *o, const struct inputs *in,
                       const struct sg_proof_bill *bill, struct sg_bytes octets)
{
    const struct sg_proof_authority a = {&in->installations, &in->authority, in->tariff,
                                         sg_clock_unix_s()};
    struct sg_reading_proof proof;
    struct sg_proved proved;
    enum sg_proof_fault fault;
    int r = sg_reading_proof_take(octets, &proof);

    if (r)
        return complain(o->proof, "not the proof of a reading");
    r = sg_reading_proof_check(&proof, bill, &a, NULL, &fault, &proved);
    if (r)
        return complain(o->proof, sg_error_trace());
    if (fault)
        return show_fault(o, sg_proof_fault_word(fault));
    if (o->json)
        return show_proved(bill, &proved, in->tariff) ? complain("result", sg_error_trace()) : 0;
    char at[SG_RFC3339_MAX];
    sg_time_rfc3339(at, proved.reading.ts_s);
    printf("ok: meter %s, interval ending %s: %lld Wh (revocation: %s)\n", proved.header.serial, at,
           (long long)proved.reading.field[SG_READING_interval_energy],
           sg_proof_crl_word(proved.crl));
    return 0;
}

static int check(const struct options *o, struct inputs *in, struct bills *bills)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf proof = SG_BUF_INIT(SG_READING_PROOF_MAX);
    int r = inputs_installations(in, o->installations, &o->keys);

    if (!r)
        r = inputs_keys(in, &o->keys);
    if (!r)
        r = inputs_tariff(in, o->tariff);
    if (!r)
        r = bills_read_one(bills, o->bill, NULL);
    if (!r)
        r = inputs_file(o->proof, SG_READING_PROOF_MAX, &proof);
    return r ? r : judge_proof(o, in, &bills->items[0], sg_buf_bytes(&proof));
}

int command_check_reading(int argc, char **argv)
{
    return with_options(&check_table, argc, argv, check);
}
