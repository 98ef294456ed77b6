#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test-fixture.c"

#include <sealgrid/base/cleanup.h>

/*
 * What a dishonest utility, or a dishonest customer, would try: each has the real evidence and all
 * of this code, and works out a bill that fits in itself.  They cannot sign, and they do not have
 * the authority's tariff, contracts and records in their hands.
 */

static struct fixture f;
static struct sg_tariff *tariff;
static struct sg_contract_credit credit = {.month = 2026 * 12 + 7, .post = "peak", .wh = 500};
static struct sg_contract contract = {.client = FX_CLIENT,
                                      .from_day = 20000,
                                      .until_day = SG_CONTRACT_NEVER,
                                      .tariff = "red",
                                      .phases = 2,
                                      .demand = {{SG_CONTRACT_ALL, 400}},
                                      .n_demand = 1,
                                      .credits = &credit,
                                      .n_credits = 1};
static struct sg_bill honest;

/* Parts of a tariff that a cheat may exchange. */
struct tariff_parts {
    const char *rounding, *rates, *flags, *taxes, *excess;
};
static const struct tariff_parts parts = {
    .rounding = "half-even",
    .rates = "{from: 2026-01-01, rate: {peak: 1.5, rest: 0.5}}, "
             "{from: 2026-09-01, rate: {peak: 1.7, rest: 0.6}}",
    .flags = "2026-08: {name: red-2, adder: 0.0949}, 2026-09: {name: yellow, adder: 0.0189}",
    .taxes = "{name: icms, rates: [{percent: 18}]}, "
             "{name: pis, excludes: [icms], rates: [{percent: 0.93}]}",
    .excess = "{tolerance_percent: 5, factor: 2}"};

static struct sg_tariff *make_tariff(const struct tariff_parts *p)
{
    struct sg_tariff *t = NULL;
    struct sg_yaml_error why = {0, ""};
    char yaml[2048];

    snprintf(
        yaml, sizeof(yaml),
        "format: 2\nid: red\ncurrency: BRL\ndecimals: 2\nzone: America/Sao_Paulo\n"
        "interval_minutes: 15\nrounding: %s\nposts:\n"
        "  - {name: peak, when: [{hours: \"18:00-21:00\"}]}\n  - {name: rest}\ncharges:\n"
        "  - {name: energy, kind: energy, rates: [%s]}\n"
        "  - {name: flag, kind: flag, split: days, months: {%s}}\n"
        "  - {name: service, kind: fixed, per: cycle, rates: [{amount: {one: 10.01, two: 20.02,"
        " three: 30.03}}]}\n"
        "  - {name: demand, kind: demand, integration_minutes: 15, contracted: true,"
        " excess: %s, rates: [{rate: 24.15}]}\ntaxes: [%s]\n",
        p->rounding, p->rates, p->flags, p->excess, p->taxes);
    if (sg_tariff_parse(&t, sg_bytes_str(yaml), &why) != 0)
        fail_msg("line %u: %s", why.line, why.text);
    return t;
}

static void bill_by(struct sg_bill *ret, const struct sg_tariff *t, const struct sg_contract *c,
                    int64_t ratio_num)
{
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    uint8_t sha256[32];
    const struct sg_bill_install install = {"10000000", FX_FROM, INT64_MAX, ratio_num, 1, sha256};
    struct sg_contract one = c ? *c : (struct sg_contract){0};
    const struct sg_contracts contracts = {&one, c ? 1 : 0};
    const struct sg_bill_input in = {.tariff = t,
                                     .client = FX_CLIENT,
                                     .from_s = FX_FROM,
                                     .until_s = FX_UNTIL,
                                     .installs = &install,
                                     .n_installs = 1,
                                     .contracts = &contracts};

    sg_cert_fingerprint(f.installations.records[0].cert, sha256);
    assert_int_equal(sg_billing_new(&b, &in), 0);
    assert_int_equal(add_readings(&f, b), 0);
    assert_int_equal(sg_billing_finish(b, ret), 0);
}

static int make(void **state)
{
    (void)state;
    int r = fx_make(&f);

    if (r)
        return r;
    tariff = make_tariff(&parts);
    bill_by(&honest, tariff, &contract, 1);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    sg_bill_clear(&honest);
    sg_tariff_free(tariff);
    fx_clear(&f);
    return 0;
}

/* ---- a run ---------------------------------------------------------------------------------- */

static unsigned found[SG_AUDIT_N_CODES];
static char first_text[SG_AUDIT_N_CODES][128];

static void note(void *user, const struct sg_audit_finding *finding)
{
    (void)user;
    if (found[finding->code]++ == 0)
        snprintf(first_text[finding->code], sizeof(first_text[0]), "%s", finding->text);
}

static unsigned audit_by(const struct sg_bill *bill, struct sg_bytes evidence,
                         const struct sg_contract *c)
{
    struct sg_contract one = c ? *c : (struct sg_contract){0};
    const struct sg_contracts contracts = {&one, c ? 1 : 0};
    struct sg_audit_result result;
    const struct sg_audit_input in = {.bill = bill,
                                      .bill_hash_ok = true,
                                      .evidence = evidence,
                                      .installations = &f.installations,
                                      .authority = &f.authority,
                                      .tariff = tariff,
                                      .contracts = &contracts};

    memset(found, 0, sizeof(found));
    assert_int_equal(sg_audit_run(&in, note, NULL, &result), 0);
    return (unsigned)result.findings;
}

static unsigned audit(const struct sg_bill *bill)
{
    return audit_by(bill, sg_buf_bytes(&f.evidence), &contract);
}

static void expect_one(unsigned n, enum sg_audit_code code, const char *text)
{
    if (n != 1 || found[code] != 1 || strcmp(first_text[code], text) != 0)
        fail_msg("%u findings, %s: %u: %s", n, sg_audit_word(code), found[code], first_text[code]);
}

static void the_honest_bill_passes(void **state)
{
    (void)state;
    assert_int_equal(audit(&honest), 0);
}

/* ---- another tariff under the right name ----------------------------------------------------- */

/* Worked out by other parts, under the name and hash of the right tariff. */
static void cheat(const struct tariff_parts *p, const char *differs)
{
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *other = make_tariff(p);
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    char text[192];

    bill_by(&bill, other, &contract, 1);
    assert_null(sg_bill_inconsistency(&bill)); /* in itself it fits */
    unsigned n = audit(&bill);
    assert_int_equal(found[SG_AUDIT_BILL_TARIFF], 1); /* as it stands: another hash */
    memcpy(bill.tariff_sha256, tariff->sha256, 32);
    n = audit(&bill);
    snprintf(text, sizeof(text), "%s does not follow", differs);
    expect_one(n, SG_AUDIT_BILL_ARITHMETIC, text);
}

static void rates_of_another_month_are_found(void **state)
{
    (void)state;
    struct tariff_parts p = parts;

    p.rates = "{from: 2026-01-01, rate: {peak: 1.5, rest: 0.5}}"; /* the new ones left out */
    cheat(&p, "energy.peak");
    p.rates = "{from: 2026-01-01, rate: {peak: 1.5, rest: 0.5}}, "
              "{from: 2026-09-02, rate: {peak: 1.7, rest: 0.6}}"; /* a day late */
    cheat(&p, "buckets");
}

static void a_rounding_rule_swapped_is_found(void **state)
{
    (void)state;
    struct tariff_parts p = parts;

    p.rounding = "half-up";
    cheat(&p, "tariff"); /* the bill says by which rule it was rounded */
}

static void flags_of_another_month_are_found(void **state)
{
    (void)state;
    struct tariff_parts p = parts;

    p.flags = "2026-08: {name: yellow, adder: 0.0189}, 2026-09: {name: red-2, adder: 0.0949}";
    cheat(&p, "flag.2026-09.red-2");
    p.flags =
        "2026-09: {name: yellow, adder: 0.0949}"; /* the dear one under the cheap one's name */
    cheat(&p, "flag.2026-09.yellow");
}

static void a_tax_split_in_two_is_found(void **state)
{
    (void)state;
    struct tariff_parts p = parts;

    p.taxes = "{name: icms, rates: [{percent: 9}]}, {name: icms-2, rates: [{percent: 9}]}, "
              "{name: pis, excludes: [icms, icms-2], rates: [{percent: 0.93}]}";
    cheat(&p, "taxes");
    p.taxes = "{name: icms, rates: [{percent: 18}]}, {name: pis, rates: [{percent: 0.93}]}";
    cheat(&p, "gross"); /* pis no longer outside the other's base */
    p.excess = "{tolerance_percent: 0, factor: 3}";
    p.taxes = parts.taxes;
    cheat(&p, "demand.excess");
}

/* ---- the contract ---------------------------------------------------------------------------- */

/* The bill is worked out by this contract; the authority has another. */
static void doctored(const struct sg_contract *c, const char *member)
{
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    char text[96];

    bill_by(&bill, tariff, c, 1);
    audit(&bill);
    snprintf(text, sizeof(text), "%s is not the authority's", member);
    assert_int_equal(found[SG_AUDIT_CONTRACT], 1);
    assert_string_equal(first_text[SG_AUDIT_CONTRACT], text);
    assert_int_equal(audit_by(&bill, sg_buf_bytes(&f.evidence), c), 0); /* by itself it fits */
}

static void a_doctored_contract_is_found(void **state)
{
    (void)state;
    struct sg_contract_credit other_credit = credit;
    struct sg_contract c = contract;

    c.demand[0].w = 390; /* more above the contract */
    doctored(&c, "demand_kw");
    c = contract;
    c.phases = 3;
    doctored(&c, "phases");
    c = contract;
    snprintf(c.exempt[c.n_exempt++], sizeof(c.exempt[0]), "icms");
    doctored(&c, "exempt");
    c = contract;
    c.tariff[0] = '\0'; /* so that another tariff could be charged */
    doctored(&c, "tariff");
    c = contract;
    c.credits = &other_credit;
    other_credit.wh++;
    doctored(&c, "credits");
    c = contract;
    c.until_day = 30000;
    doctored(&c, "from, until");
}

/* The authority lists posts, credits and exemptions in its own order: the same contract. */
static void another_order_is_no_other_contract(void **state)
{
    (void)state;
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct sg_contract_credit credits[2][2] = {{credit, credit}, {credit, credit}};
    struct sg_contract c[2] = {contract, contract};

    for (int i = 0; i < 2; i++) {
        snprintf(credits[i][i].post, sizeof(credits[i][i].post), "rest");
        c[i].credits = credits[i];
        c[i].n_credits = c[i].n_demand = c[i].n_exempt = 2;
        c[i].demand[1 - i] = (struct sg_contract_demand){SG_CONTRACT_ALL, 400};
        c[i].demand[i] = (struct sg_contract_demand){"peak", 100};
        snprintf(c[i].exempt[i], sizeof(c[i].exempt[i]), "pis");
        snprintf(c[i].exempt[1 - i], sizeof(c[i].exempt[i]), "icms");
    }
    bill_by(&bill, tariff, &c[0], 1);
    assert_int_equal(audit_by(&bill, sg_buf_bytes(&f.evidence), &c[1]), 0);
    snprintf(bill.contract.exempt[0], sizeof(bill.contract.exempt[0]), "icms"); /* twice */
    audit_by(&bill, sg_buf_bytes(&f.evidence), &c[1]);
    assert_int_equal(found[SG_AUDIT_CONTRACT], 1);
    snprintf(bill.contract.exempt[0], sizeof(bill.contract.exempt[0]), "pis");
    c[1].demand[0].w++;
    assert_true(audit_by(&bill, sg_buf_bytes(&f.evidence), &c[1]) > 0);
    assert_int_equal(found[SG_AUDIT_CONTRACT], 1);
}

/* The customer is on another tariff than the one that was charged. */
static void a_tariff_that_is_not_the_customers_is_found(void **state)
{
    (void)state;
    struct sg_contract c = contract;

    snprintf(c.tariff, sizeof(c.tariff), "green");
    unsigned n = audit_by(&honest, sg_buf_bytes(&f.evidence), &c);
    expect_one(n, SG_AUDIT_CONTRACT, "contract.tariff");
    n = audit_by(&honest, sg_buf_bytes(&f.evidence), NULL); /* no contract at all */
    expect_one(n, SG_AUDIT_CONTRACT, "contract.missing");
    c = contract;
    c.from_day = FX_FROM / 86400 + 1; /* on the first day another one held */
    n = audit_by(&honest, sg_buf_bytes(&f.evidence), &c);
    expect_one(n, SG_AUDIT_CONTRACT, "contract.changed");
}

/* ---- records --------------------------------------------------------------------------------- */

/* The neighbour's current transformer has 40:1. */
static void a_ratio_of_another_meter_is_found(void **state)
{
    (void)state;
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};

    f.installations.records[1].ratio_num = 40;
    bill_by(&bill, tariff, &contract, 40);
    assert_null(sg_bill_inconsistency(&bill));
    audit(&bill);
    f.installations.records[1].ratio_num = 1;
    assert_int_equal(found[SG_AUDIT_INSTALLATION_RATIO], 1);
}

/* The neighbour's meter on record here as well, for a part of the time: two meters, one place. */
static void records_that_overlap_are_found(void **state)
{
    (void)state;
    struct sg_installation *other = &f.installations.records[1], old = *other;

    other->client = FX_CLIENT;
    other->from_s = FX_UNTIL - 3600;
    unsigned n = audit(&honest);
    *other = old;
    assert_true(n > 0);
    assert_int_equal(found[SG_AUDIT_INSTALLATION_BAD], 1);
}

/* Revoked at the second at which a block ends, and one later. */
static void revocation_is_to_the_second(void **state)
{
    (void)state;
    struct sg_authority *a = &f.authority;
    const struct sg_cert *meter = f.installations.records[0].cert;

    for (int late = 0; late < 2; late++) {
        const struct sg_crl_entry entry = {meter, FX_FROM + 86400 + late};
        assert_int_equal(
            sg_crl_issue(&a->crls[0], f.ca, f.ca_key, FX_UNTIL, FX_UNTIL + 86400, &entry, 1), 0);
        a->crl_issuers[0] = f.ca;
        a->n_crls = 1;
        audit(&honest);
        sg_crl_free(a->crls[--a->n_crls]);
        assert_int_equal(found[SG_AUDIT_CERTIFICATE_REVOKED], late ? 1 : 2); /* blocks */
    }
}

/* ---- readings -------------------------------------------------------------------------------- */

/* Four intervals that the meter never recorded: made up, and charged as if it had. */
static void a_guess_passed_off_as_measured_is_found(void **state)
{
    (void)state;
    const struct sg_evidence_block *whole = f.blocks[0][1];
    static struct sg_evidence_block part;
    SG_CLEANUP(sg_buf_clear) struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 20);
    const uint8_t seed[SG_BLOCK_SEED_LEN] = {0x31};
    struct sg_block_header h = whole->evidence.header;

    h.first_seq = 97; /* the meter was without supply for an hour, and went on counting after it */
    h.first_ts_s += 4 * 900;
    for (uint32_t i = 0; i < 92; i++) {
        part.readings[i] = whole->readings[i + 4];
        part.readings[i].seq = 97 + i;
    }
    assert_int_equal(
        sg_block_sign(&h, part.readings, 92, f.meter_key[0], SG_SIGN_ES256, seed, &wire), 0);
    assert_int_equal(sg_block_decode(sg_buf_bytes(&wire), &part.evidence, part.readings), 0);
    part.n_readings = part.n_leaves = 92;
    for (uint32_t i = 0; i < 92; i++)
        assert_int_equal(sg_block_reading_hash(seed, i, &part.readings[i], part.leaves[i]), 0);
    const struct sg_evidence_block *blocks[] = {f.blocks[0][0], &part};
    assert_int_equal(fx_evidence(blocks, 2, &file), 0);
    audit_by(&honest, sg_buf_bytes(&file), &contract); /* which charges all 192 as measured */
    assert_int_equal(found[SG_AUDIT_BILL_ROOT], 1);
    assert_int_equal(found[SG_AUDIT_BILL_ARITHMETIC], 1);
    assert_string_equal(first_text[SG_AUDIT_BILL_ARITHMETIC], "meters does not follow");
}

/* A customer sends in his own cheap day twice, the second time for the dear one: signed, and his.
 */
static void an_old_day_replayed_is_found(void **state)
{
    (void)state;
    static struct sg_evidence_block moved;
    const struct sg_evidence_block *blocks[] = {f.blocks[0][0], &moved};
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 20);

    moved = *f.blocks[0][0];
    moved.evidence.header.first_ts_s += 86400;
    moved.evidence.header.first_seq += 96;
    for (int i = 0; i < 96; i++) {
        moved.readings[i].ts_s += 86400;
        moved.readings[i].seq += 96;
    }
    assert_int_equal(fx_evidence(blocks, 2, &file), 0);
    audit_by(&honest, sg_buf_bytes(&file), &contract);
    assert_int_equal(found[SG_AUDIT_BLOCK_SIGNATURE], 1);
    assert_int_equal(found[SG_AUDIT_READING_MISSING], 1);
    moved.evidence = f.blocks[0][0]->evidence; /* the header as it was signed */
    sg_buf_reset(&file);
    assert_int_equal(fx_evidence(blocks, 2, &file), 0);
    audit_by(&honest, sg_buf_bytes(&file), &contract);
    assert_true(found[SG_AUDIT_READING_FOREIGN] > 0); /* no readings of that block */
    assert_true(found[SG_AUDIT_READING_MISSING] > 0);
}

/* A zone is a word: what a bill says of it goes nowhere as text. */
static void a_zone_that_is_none_is_found(void **state)
{
    (void)state;
    struct sg_bill bill = honest;
    struct sg_audit_result result;
    const struct sg_audit_input in = {.bill = &bill,
                                      .bill_hash_ok = true,
                                      .evidence = sg_buf_bytes(&f.evidence),
                                      .installations = &f.installations,
                                      .authority = &f.authority};

    snprintf(bill.zone, sizeof(bill.zone), "UTC\nlighting: {rates: [{amount: 1}]}");
    memset(found, 0, sizeof(found));
    assert_int_equal(sg_audit_run(&in, note, NULL, &result), 0);
    assert_int_equal(found[SG_AUDIT_BILL_ARITHMETIC], 1);
    assert_string_equal(first_text[SG_AUDIT_BILL_ARITHMETIC], "tariff does not follow");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_honest_bill_passes),
        cmocka_unit_test(rates_of_another_month_are_found),
        cmocka_unit_test(a_rounding_rule_swapped_is_found),
        cmocka_unit_test(flags_of_another_month_are_found),
        cmocka_unit_test(a_tax_split_in_two_is_found),
        cmocka_unit_test(a_doctored_contract_is_found),
        cmocka_unit_test(another_order_is_no_other_contract),
        cmocka_unit_test(a_tariff_that_is_not_the_customers_is_found),
        cmocka_unit_test(a_ratio_of_another_meter_is_found),
        cmocka_unit_test(records_that_overlap_are_found),
        cmocka_unit_test(revocation_is_to_the_second),
        cmocka_unit_test(a_guess_passed_off_as_measured_is_found),
        cmocka_unit_test(an_old_day_replayed_is_found),
        cmocka_unit_test(a_zone_that_is_none_is_found),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
