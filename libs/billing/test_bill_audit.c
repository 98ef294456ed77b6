#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test-fixture.c"

#include <sealgrid/base/cleanup.h>

static struct fixture f;

static int make(void **state)
{
    (void)state;
    return fx_make(&f);
}

static int clear(void **state)
{
    (void)state;
    fx_clear(&f);
    return 0;
}

/* ---- a run and what it found ---------------------------------------------------------------- */

struct found {
    unsigned n[SG_AUDIT_N_CODES];
    struct sg_audit_finding first[SG_AUDIT_N_CODES];
};

static void note(void *user, const struct sg_audit_finding *finding)
{
    struct found *found = user;
    if (found->n[finding->code]++ == 0)
        found->first[finding->code] = *finding;
}

static struct found audit_with(const struct sg_bill *bill, struct sg_bytes evidence,
                               const struct sg_tariff *tariff)
{
    struct found found = {.n = {0}};
    struct sg_audit_result result;
    const struct sg_audit_input in = {.bill = bill,
                                      .bill_hash_ok = true,
                                      .evidence = evidence,
                                      .installations = &f.installations,
                                      .authority = &f.authority,
                                      .tariff = tariff};
    assert_int_equal(sg_audit_run(&in, note, &found, &result), 0);
    return found;
}

static struct found audit_blocks(const struct sg_evidence_block *const *blocks, size_t n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 24);
    assert_int_equal(fx_evidence(blocks, n, &file), 0);
    return audit_with(&f.bill, sg_buf_bytes(&file), f.tariff);
}

/* Only these codes, each at least once. */
static void expect_only(const struct found *found, size_t n, const enum sg_audit_code *codes)
{
    for (int code = 0; code < SG_AUDIT_N_CODES; code++) {
        bool expected = false;
        for (size_t i = 0; i < n; i++)
            expected = expected || (int)codes[i] == code;
        if (expected != (found->n[code] > 0))
            fail_msg("%s: %u", sg_audit_word((enum sg_audit_code)code), found->n[code]);
    }
}
#define EXPECT(found, ...)                                                                         \
    expect_only(&(found),                                                                          \
                sizeof((enum sg_audit_code[]){__VA_ARGS__}) / sizeof(enum sg_audit_code),          \
                (const enum sg_audit_code[]){__VA_ARGS__})

static void expect_at(const struct found *found, enum sg_audit_code code, uint64_t seq, uint64_t n)
{
    assert_int_equal(found->first[code].seq, seq);
    assert_int_equal(found->first[code].count, n);
    assert_int_equal(found->first[code].ts_s, FX_FROM + (int64_t)seq * 900);
}

/* A copy of the first day's block, to be doctored. */
static struct sg_evidence_block *copy_first(void)
{
    struct sg_evidence_block *b = malloc(sizeof(*b));
    assert_non_null(b);
    *b = *f.blocks[0][0];
    return b;
}

static struct found audit_doctored(const struct sg_evidence_block *first)
{
    const struct sg_evidence_block *blocks[] = {first, f.blocks[0][1]};
    return audit_blocks(blocks, 2);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void an_honest_bill_passes(void **state)
{
    (void)state;
    struct found with = audit_with(&f.bill, sg_buf_bytes(&f.evidence), f.tariff);
    struct found without = audit_with(&f.bill, sg_buf_bytes(&f.evidence), NULL);

    expect_only(&with, 0, NULL);
    expect_only(&without, 0, NULL);
}

static void a_dropped_reading_is_named(void **state)
{
    (void)state;
    SG_FREE struct sg_evidence_block *b = copy_first();

    memmove(&b->readings[40], &b->readings[41], 55 * sizeof(b->readings[0]));
    b->n_readings = 95;
    struct found found = audit_doctored(b);
    EXPECT(found, SG_AUDIT_READING_MISSING, SG_AUDIT_BILL_ROOT, SG_AUDIT_BILL_ARITHMETIC);
    expect_at(&found, SG_AUDIT_READING_MISSING, 41, 1);
}

static void a_doubled_reading_is_named(void **state)
{
    (void)state;
    SG_FREE struct sg_evidence_block *b = copy_first();

    b->readings[96] = b->readings[10];
    b->n_readings = 97;
    struct found found = audit_doctored(b);
    EXPECT(found, SG_AUDIT_READING_DUPLICATED);
    expect_at(&found, SG_AUDIT_READING_DUPLICATED, 11, 1);
}

static void an_altered_reading_is_named(void **state)
{
    (void)state;
    SG_FREE struct sg_evidence_block *b = copy_first();

    b->readings[70].field[SG_READING_interval_energy] -= 50;
    struct found found = audit_doctored(b);
    EXPECT(found, SG_AUDIT_READING_ALTERED, SG_AUDIT_BILL_ROOT, SG_AUDIT_BILL_ARITHMETIC);
    expect_at(&found, SG_AUDIT_READING_ALTERED, 71, 1);
}

/* With the leaf hash adjusted too, the block's root gives it away. */
static void an_altered_reading_with_its_hash_is_noticed(void **state)
{
    (void)state;
    SG_FREE struct sg_evidence_block *b = copy_first();

    b->readings[70].field[SG_READING_interval_energy] -= 50;
    assert_int_equal(sg_block_reading_hash(b->evidence.seed, 70, &b->readings[70], b->leaves[70]),
                     0);
    struct found found = audit_doctored(b);
    EXPECT(found, SG_AUDIT_BLOCK_LEAVES, SG_AUDIT_READING_ALTERED, SG_AUDIT_BILL_ROOT,
           SG_AUDIT_BILL_ARITHMETIC);
    expect_at(&found, SG_AUDIT_READING_ALTERED, 1, 96);
}

static void damaged_leaf_hashes_alone_change_no_reading(void **state)
{
    (void)state;
    SG_FREE struct sg_evidence_block *b = copy_first();

    b->leaves[3][0] ^= 1;
    struct found found = audit_doctored(b);
    EXPECT(found, SG_AUDIT_BLOCK_LEAVES);
}

static void a_reading_of_another_meter_is_named(void **state)
{
    (void)state;
    SG_FREE struct sg_evidence_block *b = copy_first();

    b->readings[20] = f.blocks[1][0]->readings[20];
    struct found found = audit_doctored(b);
    EXPECT(found, SG_AUDIT_READING_ALTERED, SG_AUDIT_BILL_ROOT, SG_AUDIT_BILL_ARITHMETIC);
    expect_at(&found, SG_AUDIT_READING_ALTERED, 21, 1);

    *b = *f.blocks[0][0];
    b->readings[20] = f.blocks[1][1]->readings[20]; /* a number of another block */
    found = audit_doctored(b);
    EXPECT(found, SG_AUDIT_READING_FOREIGN, SG_AUDIT_READING_MISSING, SG_AUDIT_BILL_ROOT,
           SG_AUDIT_BILL_ARITHMETIC);
}

static void a_block_of_another_client_is_named(void **state)
{
    (void)state;
    const struct sg_evidence_block *blocks[] = {f.blocks[1][0], f.blocks[0][1]};
    struct found found = audit_blocks(blocks, 2);

    EXPECT(found, SG_AUDIT_READING_FOREIGN, SG_AUDIT_READING_MISSING, SG_AUDIT_BILL_ROOT,
           SG_AUDIT_BILL_ARITHMETIC);
    assert_string_equal(found.first[SG_AUDIT_READING_FOREIGN].text,
                        "this meter was installed at another client");
    expect_at(&found, SG_AUDIT_READING_MISSING, 1, 96);
}

static void a_relabelled_block_fails_its_signature(void **state)
{
    (void)state;
    SG_FREE struct sg_evidence_block *b = copy_first();

    *b = *f.blocks[1][0];
    memcpy(b->evidence.header.serial, "10000000", 9);
    struct found found = audit_doctored(b);
    EXPECT(found, SG_AUDIT_BLOCK_SIGNATURE, SG_AUDIT_READING_MISSING, SG_AUDIT_BILL_ROOT,
           SG_AUDIT_BILL_ARITHMETIC);
}

static void a_dropped_block_is_named_by_its_numbers(void **state)
{
    (void)state;
    const struct sg_evidence_block *second[] = {f.blocks[0][1]}, *first[] = {f.blocks[0][0]};
    struct found found = audit_blocks(second, 1);

    EXPECT(found, SG_AUDIT_READING_MISSING, SG_AUDIT_BILL_ROOT, SG_AUDIT_BILL_ARITHMETIC);
    expect_at(&found, SG_AUDIT_READING_MISSING, 1, 96);
    found = audit_blocks(first, 1);
    expect_at(&found, SG_AUDIT_READING_MISSING, 97, 96);
    found = audit_blocks(first, 0);
    assert_int_equal(found.first[SG_AUDIT_READING_MISSING].count, 192);
}

static void a_doubled_block_is_named(void **state)
{
    (void)state;
    const struct sg_evidence_block *blocks[] = {f.blocks[0][0], f.blocks[0][1], f.blocks[0][0]};
    struct found found = audit_blocks(blocks, 3);

    EXPECT(found, SG_AUDIT_READING_DUPLICATED);
    assert_int_equal(found.n[SG_AUDIT_READING_DUPLICATED], 96);
}

static void certificates_must_chain(void **state)
{
    (void)state;
    struct sg_cert *ca = f.authority.intermediates[0];

    f.authority.intermediates[0] = f.root;
    struct found found = audit_with(&f.bill, sg_buf_bytes(&f.evidence), f.tariff);
    f.authority.intermediates[0] = ca;
    EXPECT(found, SG_AUDIT_CERTIFICATE, SG_AUDIT_READING_MISSING, SG_AUDIT_BILL_ROOT,
           SG_AUDIT_BILL_ARITHMETIC);
    assert_int_equal(found.n[SG_AUDIT_CERTIFICATE], 1);
}

static void a_meter_must_have_been_installed_then(void **state)
{
    (void)state;
    struct sg_installation *record = &f.installations.records[0];

    record->from_s = FX_FROM + 86400;
    struct found found = audit_with(&f.bill, sg_buf_bytes(&f.evidence), f.tariff);
    record->from_s = FX_FROM;
    assert_int_equal(found.n[SG_AUDIT_READING_FOREIGN], 1);
    expect_at(&found, SG_AUDIT_READING_FOREIGN, 1, 96);
    record->ratio_num = 40;
    found = audit_with(&f.bill, sg_buf_bytes(&f.evidence), NULL);
    record->ratio_num = 1;
    EXPECT(found, SG_AUDIT_INSTALLATION_RATIO, SG_AUDIT_BILL_ARITHMETIC);
}

static void put_on_list(const struct sg_cert *cert, const struct sg_cert *issuer,
                        const struct sg_key *issuer_key, int64_t since_s)
{
    const struct sg_crl_entry entry = {cert, since_s};
    struct sg_authority *a = &f.authority;

    assert_int_equal(sg_crl_issue(&a->crls[a->n_crls], issuer, issuer_key, FX_UNTIL,
                                  FX_UNTIL + 86400, &entry, cert ? 1 : 0),
                     0);
    a->crl_issuers[a->n_crls++] = issuer;
}

static void forget_lists(void)
{
    while (f.authority.n_crls)
        sg_crl_free(f.authority.crls[--f.authority.n_crls]);
}

static void a_certificate_revoked_by_then_is_named(void **state)
{
    (void)state;
    struct sg_bytes evidence = sg_buf_bytes(&f.evidence);

    put_on_list(f.installations.records[0].cert, f.ca, f.ca_key, FX_FROM + 86400 + 900);
    struct found found = audit_with(&f.bill, evidence, f.tariff);
    forget_lists();
    EXPECT(found, SG_AUDIT_CERTIFICATE_REVOKED, SG_AUDIT_READING_MISSING, SG_AUDIT_BILL_ROOT,
           SG_AUDIT_BILL_ARITHMETIC);
    expect_at(&found, SG_AUDIT_CERTIFICATE_REVOKED, 97, 96); /* the second day alone */

    put_on_list(f.installations.records[0].cert, f.ca, f.ca_key, FX_UNTIL + 1); /* later */
    found = audit_with(&f.bill, evidence, f.tariff);
    forget_lists();
    expect_only(&found, 0, NULL);

    put_on_list(f.ca, f.root, f.root_key, FX_FROM); /* the one above it */
    found = audit_with(&f.bill, evidence, f.tariff);
    forget_lists();
    assert_int_equal(found.n[SG_AUDIT_CERTIFICATE_REVOKED], 2);
}

static void audit_in(struct found *found, struct sg_audit_result *result, bool require_crl,
                     enum sg_audit_clock policy, struct sg_bytes evidence)
{
    const struct sg_audit_input in = {.bill = &f.bill,
                                      .bill_hash_ok = true,
                                      .evidence = evidence,
                                      .installations = &f.installations,
                                      .authority = &f.authority,
                                      .tariff = f.tariff,
                                      .require_crl = require_crl,
                                      .clock_policy = policy};

    *found = (struct found){.n = {0}};
    assert_int_equal(sg_audit_run(&in, note, found, result), 0);
}

static void a_missing_list_is_told(void **state)
{
    (void)state;
    struct sg_bytes evidence = sg_buf_bytes(&f.evidence);
    struct sg_audit_result result;
    struct found found;

    audit_in(&found, &result, false, SG_AUDIT_POLICY_NOTE, evidence);
    expect_only(&found, 0, NULL);
    assert_int_equal(result.without_crl, 1);
    audit_in(&found, &result, true, SG_AUDIT_POLICY_NOTE, evidence);
    EXPECT(found, SG_AUDIT_CERTIFICATE_NO_CRL);
    put_on_list(NULL, f.ca, f.ca_key, 0);
    audit_in(&found, &result, true, SG_AUDIT_POLICY_NOTE, evidence);
    EXPECT(found, SG_AUDIT_CERTIFICATE_NO_CRL); /* nothing of the root about the second level */
    put_on_list(NULL, f.root, f.root_key, 0);
    audit_in(&found, &result, true, SG_AUDIT_POLICY_NOTE, evidence);
    forget_lists();
    expect_only(&found, 0, NULL);
    assert_int_equal(result.without_crl, 0);
}

/* A list that was issued before the readings counts until its own end, one issued after them for
 * ever, one issued after the certificate's end not at all. */
static void a_list_speaks_of_its_time(void **state)
{
    (void)state;
    struct sg_authority *a = &f.authority;
    const struct sg_cert *cert = f.installations.records[0].cert;
    const int64_t end_s = FX_FROM + 3650 * INT64_C(86400), day = 86400;
    const struct {
        int64_t issued_s, next_s, judged_s;
        bool stale;
    } cases[] = {
        {FX_UNTIL, FX_UNTIL + day, FX_UNTIL + 1000 * day, false}, /* years later */
        {FX_FROM, FX_UNTIL + day, FX_UNTIL + day, false},         /* still the newest one */
        {FX_FROM, FX_UNTIL + day, FX_UNTIL + day + 1, true},      /* a newer one must exist */
        {FX_FROM, FX_UNTIL - 1, FX_UNTIL - 1, true},              /* had run out by then */
        {FX_UNTIL - 1, FX_UNTIL - 1, 0, true},
        {end_s, end_s + day, end_s + day, false},
        {end_s + 1, end_s + day, end_s + day, true}, /* may have forgotten it */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int level = 0; level < 2; level++) {
            assert_int_equal(sg_crl_issue(&a->crls[a->n_crls], level ? f.root : f.ca,
                                          level ? f.root_key : f.ca_key, cases[i].issued_s,
                                          cases[i].next_s, NULL, 0),
                             0);
            a->crl_issuers[a->n_crls++] = level ? f.root : f.ca;
        }
        struct sg_revocation r = sg_authority_revocation(a, cert, cases[i].judged_s);
        forget_lists();
        assert_true(r.covered);
        if ((r.known_until_s < FX_UNTIL) != cases[i].stale)
            fail_msg("case %zu: known until %lld", i, (long long)r.known_until_s);
    }
}

/* Attack: the newest list held back, an old one shown that does not have the meter yet. */
static void a_stale_list_is_told(void **state)
{
    (void)state;
    struct sg_audit_result result;
    struct sg_audit_input in = {.bill = &f.bill,
                                .bill_hash_ok = true,
                                .evidence = sg_buf_bytes(&f.evidence),
                                .installations = &f.installations,
                                .authority = &f.authority,
                                .tariff = f.tariff,
                                .judged_s = FX_UNTIL + 86401};
    struct sg_authority *a = &f.authority;
    struct found found = {.n = {0}};

    put_on_list(NULL, f.root, f.root_key, 0);
    assert_int_equal(sg_crl_issue(&a->crls[1], f.ca, f.ca_key, FX_FROM, FX_UNTIL, NULL, 0), 0);
    a->crl_issuers[a->n_crls++] = f.ca;
    assert_int_equal(sg_audit_run(&in, note, &found, &result), 0);
    expect_only(&found, 0, NULL);
    assert_int_equal(result.stale_crl, 1);
    assert_int_equal(result.without_crl, 0);
    in.require_crl = true;
    assert_int_equal(sg_audit_run(&in, note, &found, &result), 0);
    EXPECT(found, SG_AUDIT_CERTIFICATE_STALE_CRL);
    put_on_list(NULL, f.ca, f.ca_key, 0);
    found = (struct found){.n = {0}};
    assert_int_equal(sg_audit_run(&in, note, &found, &result), 0);
    forget_lists();
    expect_only(&found, 0, NULL);
    assert_int_equal(result.stale_crl, 0);
}

/* The first client's meter, taken out and put back every day of MANY days before the period. */
#define MANY 40
static struct sg_evidence_block *old_block(int days_before)
{
    struct sg_evidence_block *b = copy_first();
    struct sg_block_header header = b->evidence.header;
    uint8_t seed[SG_BLOCK_SEED_LEN] = {0xaa, (uint8_t)days_before};
    static uint8_t wire[MANY][SG_BLOCK_MAX];
    struct sg_buf out = SG_BUF_INIT(SG_BLOCK_MAX);

    header.first_ts_s -= days_before * INT64_C(86400);
    for (uint32_t i = 0; i < header.count; i++)
        b->readings[i].ts_s -= days_before * INT64_C(86400);
    assert_int_equal(
        sg_block_sign(&header, b->readings, 96, f.meter_key[0], SG_SIGN_ES256, seed, &out), 0);
    memcpy(wire[days_before - 1], out.data, out.len);
    assert_int_equal(
        sg_block_decode(SG_BYTES(wire[days_before - 1], out.len), &b->evidence, b->readings), 0);
    for (uint32_t i = 0; i < 96; i++)
        assert_int_equal(sg_block_reading_hash(seed, i, &b->readings[i], b->leaves[i]), 0);
    sg_buf_clear(&out);
    return b;
}

static void many_installations_of_a_client_are_audited(void **state)
{
    (void)state;
    struct sg_evidence_block *blocks[MANY + FX_DAYS];
    struct sg_installation *records = calloc(MANY + 2, sizeof(*records));
    struct sg_installations many = {0}, one = f.installations;

    assert_non_null(records);
    records[0] = one.records[0];
    records[1] = one.records[1];
    for (int i = 0; i < MANY; i++) {
        records[2 + i] = one.records[0];
        records[2 + i].from_s = FX_FROM - (i + 1) * INT64_C(86400);
        records[2 + i].until_s = FX_FROM - i * INT64_C(86400);
        blocks[i] = old_block(i + 1);
    }
    for (int day = 0; day < FX_DAYS; day++)
        blocks[MANY + day] = f.blocks[0][day];
    assert_int_equal(sg_installations_index(&many, records, MANY + 2), 0);
    f.installations = many;
    struct found found =
        audit_blocks((const struct sg_evidence_block *const *)blocks, MANY + FX_DAYS);
    f.installations = one;
    expect_only(&found, 0, NULL);
    for (size_t i = 0; i < many.n; i++)
        many.records[i].cert = NULL; /* the fixture's */
    sg_installations_clear(&many);
    for (int i = 0; i < MANY; i++)
        free(blocks[i]);
}

static void doctored_bills_are_named(void **state)
{
    (void)state;
    struct sg_bytes evidence = sg_buf_bytes(&f.evidence);
    struct sg_bill b = f.bill;
    struct sg_bill_line lines[8];

    assert_true(b.n_lines >= 3 && b.n_lines <= 8);
    memcpy(lines, b.lines, b.n_lines * sizeof(*lines));
    b.root[5] ^= 1;
    struct found found = audit_with(&b, evidence, f.tariff);
    EXPECT(found, SG_AUDIT_BILL_ROOT);
    b = f.bill;
    b.total += 100;
    found = audit_with(&b, evidence, NULL);
    EXPECT(found, SG_AUDIT_BILL_ARITHMETIC);
    /* Energy moved from a cheap post to a dear one, every sum adjusted: only the tariff can tell.
     */
    b = f.bill;
    b.lines = lines;
    lines[0].quantity += 1000;
    lines[2].quantity -= 1000;
    lines[0].amount += 148; /* 1.4796 */
    lines[2].amount -= 66;  /* 0.6576 */
    b.net += 82;
    b.gross += 82;
    b.total += 82;
    found = audit_with(&b, evidence, f.tariff);
    EXPECT(found, SG_AUDIT_BILL_ARITHMETIC);
    b = f.bill; /* taxes that leave nothing: the gross amount would leave its type */
    b.n_taxes = 2;
    b.taxes[0] = b.taxes[1] = (struct sg_bill_tax){.name = "all", .rate_ppm = 999999};
    b.taxes[1].excludes = 1;
    b.lines = lines;
    lines[0].amount = b.lighting = INT64_C(1000000000000000);
    found = audit_with(&b, evidence, NULL);
    EXPECT(found, SG_AUDIT_BILL_ARITHMETIC);
    b = f.bill;
    b.tariff_sha256[0] ^= 1;
    found = audit_with(&b, evidence, f.tariff);
    assert_int_equal(found.n[SG_AUDIT_BILL_TARIFF], 1);
    b = f.bill;
    b.client = FX_OTHER;
    found = audit_with(&b, evidence, f.tariff);
    assert_int_equal(found.n[SG_AUDIT_EVIDENCE_CLIENT], 1);
    assert_int_equal(found.n[SG_AUDIT_READING_FOREIGN], 2);
}

static struct sg_audit_result result_of(const struct sg_evidence_block *const *blocks, size_t n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 24);
    struct found found = {.n = {0}};
    struct sg_audit_result result;
    assert_int_equal(fx_evidence(blocks, n, &file), 0);
    const struct sg_audit_input in = {.bill = &f.bill,
                                      .bill_hash_ok = true,
                                      .evidence = sg_buf_bytes(&file),
                                      .installations = &f.installations,
                                      .authority = &f.authority};
    assert_int_equal(sg_audit_run(&in, note, &found, &result), 0);
    return result;
}

/* A period in which nobody's meter stood there: even a bill of nothing but the minimum is named. */
static void a_bill_without_a_meter_is_named(void **state)
{
    (void)state;
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(4096);
    const struct sg_evidence_head head = {FX_CLIENT, FX_FROM - 86400, FX_FROM, 0};
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    const struct sg_bill_input in = {
        .tariff = f.tariff, .client = FX_CLIENT, .from_s = head.from_s, .until_s = head.until_s};

    assert_int_equal(sg_billing_new(&b, &in), 0);
    assert_int_equal(sg_billing_finish(b, &bill), 0);
    assert_int_equal(sg_evidence_put_head(&file, &head), 0);
    struct found found = audit_with(&bill, sg_buf_bytes(&file), f.tariff);
    EXPECT(found, SG_AUDIT_INSTALLATION_NONE);
}

static void doubtful_clocks_are_counted(void **state)
{
    (void)state;
    struct sg_evidence_block *b = f.blocks[0][0];
    struct sg_block_header header = b->evidence.header;
    SG_CLEANUP(sg_buf_clear) struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX);
    SG_FREE struct sg_evidence_block *set = copy_first();
    const struct sg_evidence_block *blocks[] = {set, f.blocks[0][1]};

    header.clock = SG_CLOCK_WAS_SET;
    assert_int_equal(sg_block_sign(&header, b->readings, 96, f.meter_key[0], SG_SIGN_ES256,
                                   b->evidence.seed, &wire),
                     0);
    assert_int_equal(sg_block_decode(sg_buf_bytes(&wire), &set->evidence, set->readings), 0);
    assert_int_equal(result_of(blocks, 2).clock, 1);
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 24);
    struct sg_audit_result result;
    struct found found;
    assert_int_equal(fx_evidence(blocks, 2, &file), 0);
    audit_in(&found, &result, false, SG_AUDIT_POLICY_NOTE, sg_buf_bytes(&file));
    expect_only(&found, 0, NULL);
    audit_in(&found, &result, false, SG_AUDIT_POLICY_SET, sg_buf_bytes(&file));
    EXPECT(found, SG_AUDIT_CLOCK_SET);
    audit_in(&found, &result, false, SG_AUDIT_POLICY_STRICT, sg_buf_bytes(&file));
    EXPECT(found, SG_AUDIT_CLOCK_SET);
    assert_int_equal(sg_audit_clock_of("strict"), SG_AUDIT_POLICY_STRICT);
    assert_int_equal(sg_audit_clock_of("lax"), SG_AUDIT_N_CLOCKS);
    blocks[0] = b;
    assert_int_equal(result_of(blocks, 2).clock, 0);
}

/* What was recorded after one period's last reading and before the next one's first. */
static void numbers_run_on_over_bills(void **state)
{
    (void)state;
    const struct sg_evidence_block *blocks[] = {f.blocks[0][0], f.blocks[0][1]};
    struct sg_audit_result r = result_of(blocks, 2);
    struct sg_audit_edge next = r.last;

    assert_int_equal(r.first.seq, 1);
    assert_int_equal(r.first.ts_s, FX_FROM + 900);
    assert_int_equal(r.last.seq, 192);
    assert_string_equal(r.last.serial, "10000000");
    assert_int_equal(r.first.end_s, FX_FROM);
    assert_int_equal(r.last.end_s, FX_UNTIL);
    next.seq = 193;
    next.ts_s += 900;
    assert_int_equal(sg_audit_lost_between(&r.last, &next, 900), 0);
    next.seq += 96; /* a day told again with another clock, and kept back */
    assert_int_equal(sg_audit_lost_between(&r.last, &next, 900), 96);
    next.ts_s += 96 * 900; /* which the bill before estimates, or calls missing */
    assert_int_equal(sg_audit_lost_between(&r.last, &next, 900), 96);
    next.ts_s -= 900;
    next.end_s += 86400; /* bills of a month between the two are not here */
    assert_int_equal(sg_audit_lost_between(&r.last, &next, 900), 1);
    next.ts_s += 900;
    assert_int_equal(sg_audit_lost_between(&r.last, &next, 900), 0);
    next.seq = 192;
    assert_int_equal(sg_audit_lost_between(&r.last, &next, 900), 1);
    next.serial[0] = '2'; /* another meter */
    assert_int_equal(sg_audit_lost_between(&r.last, &next, 900), 0);
}

static void a_cut_file_is_named(void **state)
{
    (void)state;
    struct found found =
        audit_with(&f.bill, SG_BYTES(f.evidence.data, f.evidence.len - 1), f.tariff);
    assert_int_equal(found.n[SG_AUDIT_EVIDENCE_MALFORMED], 1);
    found = audit_with(&f.bill, SG_BYTES_LIT("nothing"), f.tariff);
    assert_int_equal(found.n[SG_AUDIT_EVIDENCE_MALFORMED], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_bill_passes),
        cmocka_unit_test(a_dropped_reading_is_named),
        cmocka_unit_test(a_doubled_reading_is_named),
        cmocka_unit_test(an_altered_reading_is_named),
        cmocka_unit_test(an_altered_reading_with_its_hash_is_noticed),
        cmocka_unit_test(damaged_leaf_hashes_alone_change_no_reading),
        cmocka_unit_test(a_reading_of_another_meter_is_named),
        cmocka_unit_test(a_block_of_another_client_is_named),
        cmocka_unit_test(a_relabelled_block_fails_its_signature),
        cmocka_unit_test(a_dropped_block_is_named_by_its_numbers),
        cmocka_unit_test(a_doubled_block_is_named),
        cmocka_unit_test(certificates_must_chain),
        cmocka_unit_test(a_meter_must_have_been_installed_then),
        cmocka_unit_test(a_certificate_revoked_by_then_is_named),
        cmocka_unit_test(a_missing_list_is_told),
        cmocka_unit_test(a_list_speaks_of_its_time),
        cmocka_unit_test(a_stale_list_is_told),
        cmocka_unit_test(many_installations_of_a_client_are_audited),
        cmocka_unit_test(doctored_bills_are_named),
        cmocka_unit_test(a_bill_without_a_meter_is_named),
        cmocka_unit_test(doubtful_clocks_are_counted),
        cmocka_unit_test(numbers_run_on_over_bills),
        cmocka_unit_test(a_cut_file_is_named),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
