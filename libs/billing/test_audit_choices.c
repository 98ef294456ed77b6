#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test-fixture.c"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/billing/resolution.h>

/* The last hour of the first day is told again, as by a clock that was set back: numbers go on, the
 * second day's are shifted by them.  An operator chooses; the utility would like to have it
 * otherwise. */

#define CHOICES 4
#define FIRST   92 /* reading of the first day */

static struct fixture f;
static struct sg_evidence_block again, next;
static struct sg_buf wire[2];
static struct sg_key *operators_key, *ana_key;
static struct sg_cert *operators_root, *ana;
static struct sg_authority operators;

/* Choices as they stand in the evidence and what their texts are borrowed from. */
struct records {
    struct sg_row_resolution rows[CHOICES];
    struct sg_buf certificate[CHOICES], signature[CHOICES];
    char name[CHOICES][SG_ROW_WHO_MAX + 1];
};
static struct records honest;
static struct sg_bill bill;

static void sign_again(struct sg_evidence_block *b, struct sg_buf *out, uint64_t seq, int64_t ts_s,
                       uint32_t n)
{
    struct sg_block_header h = f.blocks[0][0]->evidence.header;
    const uint8_t seed[SG_BLOCK_SEED_LEN] = {(uint8_t)seq, 0x55};

    h.first_seq = seq;
    h.first_ts_s = ts_s;
    for (uint32_t i = 0; i < n; i++) {
        b->readings[i] = f.blocks[0][1]->readings[i % 96];
        b->readings[i].seq = seq + i;
        b->readings[i].ts_s = ts_s + i * INT64_C(900);
    }
    *out = (struct sg_buf)SG_BUF_INIT(SG_BLOCK_MAX);
    assert_int_equal(sg_block_sign(&h, b->readings, n, f.meter_key[0], SG_SIGN_ES256, seed, out),
                     0);
    assert_int_equal(sg_block_decode(sg_buf_bytes(out), &b->evidence, b->readings), 0);
    b->n_readings = b->n_leaves = n;
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(sg_block_reading_hash(seed, i, &b->readings[i], b->leaves[i]), 0);
}

static const struct sg_reading *first_telling(int i)
{
    return &f.blocks[0][0]->readings[FIRST + i];
}

/* The first telling of all but the last interval, the second one of that. */
static const struct sg_reading *chosen(int i)
{
    return i == CHOICES - 1 ? &again.readings[i] : first_telling(i);
}

static void sign_choice(struct records *r, int i, const struct sg_reading *reading,
                        int64_t resolved_s, const struct sg_key *key, const struct sg_cert *cert)
{
    struct sg_resolution one = {.client = FX_CLIENT,
                                .row = {.ts_s = first_telling(i)->ts_s,
                                        .resolved_ts_s = resolved_s,
                                        .why = SG_BYTES_LIT("clock set back")}};

    sg_buf_clear(&r->certificate[i]);
    sg_buf_clear(&r->signature[i]);
    r->certificate[i] = r->signature[i] = (struct sg_buf)SG_BUF_INIT(1 << 14);
    assert_int_equal(sg_row_digest(reading, one.row.chosen), 0);
    assert_int_equal(
        sg_resolution_sign(&one, key, cert, r->name[i], &r->certificate[i], &r->signature[i]), 0);
    r->rows[i] = one.row;
}

static void clear_records(struct records *r)
{
    for (int i = 0; i < CHOICES; i++) {
        sg_buf_clear(&r->certificate[i]);
        sg_buf_clear(&r->signature[i]);
    }
}

static void sign_all(struct records *r, const struct sg_key *key, const struct sg_cert *cert)
{
    for (int i = 0; i < CHOICES; i++)
        sign_choice(r, i, chosen(i), FX_UNTIL, key, cert);
}

static void add_reading(struct sg_billing *b, const struct sg_evidence_block *block, size_t i)
{
    const struct sg_bill_reading reading = {
        .serial = "10000000",
        .ts_s = block->readings[i].ts_s,
        .energy_wh = block->readings[i].field[SG_READING_interval_energy],
        .reactive_varh = INT64_MIN,
        .leaf = block->leaves[i]};
    assert_int_equal(sg_billing_add(b, &reading), 0);
}

static void make_told_bill(void)
{
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    uint8_t sha256[32];
    const struct sg_bill_install install = {"10000000", FX_FROM, INT64_MAX, 1, 1, sha256};
    const struct sg_bill_input in = {.tariff = f.tariff,
                                     .client = FX_CLIENT,
                                     .from_s = FX_FROM,
                                     .until_s = FX_UNTIL,
                                     .installs = &install,
                                     .n_installs = 1};

    sg_cert_fingerprint(f.installations.records[0].cert, sha256);
    assert_int_equal(sg_billing_new(&b, &in), 0);
    for (size_t i = 0; i < 95; i++)
        add_reading(b, f.blocks[0][0], i);
    add_reading(b, &again, 3);
    for (size_t i = 0; i < 96; i++)
        add_reading(b, &next, i);
    for (int i = 0; i < CHOICES; i++) {
        struct sg_bill_choice c;
        assert_int_equal(sg_resolution_choice(&honest.rows[i], &c), 0);
        c.energy_wh = chosen(i)->field[SG_READING_interval_energy];
        assert_int_equal(sg_billing_add_choice(b, "10000000", &c), 0);
        assert_int_equal(sg_billing_add_choice(b, "10000000", &c), SG_BILL_REPEATED);
        assert_int_equal(sg_billing_add_choice(b, "10000001", &c), SG_BILL_FOREIGN);
    }
    assert_int_equal(sg_billing_finish(b, &bill), 0);
}

static int make(void **state)
{
    (void)state;
    int r = fx_make(&f);

    if (!r)
        r = sg_key_generate(&operators_key, SG_KEY_P256);
    if (!r)
        r = sg_key_generate(&ana_key, SG_KEY_ED25519);
    if (!r)
        r = make_cert(&operators_root, "operators", true, 0, operators_key, NULL, operators_key);
    if (!r)
        r = make_cert(&ana, "Ana", false, -1, ana_key, operators_root, operators_key);
    if (r)
        return r;
    operators = (struct sg_authority){.roots = {operators_root}, .n_roots = 1};
    sign_again(&again, &wire[0], 97, FX_FROM + 93 * 900, 4);
    sign_again(&next, &wire[1], 101, FX_FROM + 97 * 900, 96);
    sign_all(&honest, ana_key, ana);
    make_told_bill();
    return 0;
}

static int clear(void **state)
{
    (void)state;
    sg_bill_clear(&bill);
    clear_records(&honest);
    sg_buf_clear(&wire[0]);
    sg_buf_clear(&wire[1]);
    sg_key_free(operators_key);
    sg_key_free(ana_key);
    sg_cert_free(operators_root);
    sg_cert_free(ana);
    fx_clear(&f);
    return 0;
}

/* ---- a run ---------------------------------------------------------------------------------- */

static unsigned found[SG_AUDIT_N_CODES];

static void note(void *user, const struct sg_audit_finding *finding)
{
    (void)user;
    found[finding->code]++;
}

static void put_file(const struct sg_evidence_block *const *blocks, size_t n,
                     const struct sg_row_resolution *rows, size_t n_rows, struct sg_buf *ret)
{
    const struct sg_evidence_head head = {FX_CLIENT, FX_FROM, FX_UNTIL, n};
    SG_CLEANUP(sg_buf_clear) struct sg_buf section = SG_BUF_INIT(1 << 16);

    assert_int_equal(sg_resolutions_encode(rows, n_rows, &section), 0);
    assert_int_equal(sg_evidence_put_head_sections(ret, &head), 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(sg_evidence_put_block(ret, blocks[i]), 0);
    assert_int_equal(sg_evidence_put_sections(ret, SG_BYTES_NONE, sg_buf_bytes(&section)), 0);
}

static struct sg_audit_result run(const struct sg_bill *b, struct sg_bytes evidence,
                                  const struct sg_authority *who)
{
    struct sg_audit_result result;
    const struct sg_audit_input in = {.bill = b,
                                      .bill_hash_ok = true,
                                      .evidence = evidence,
                                      .installations = &f.installations,
                                      .authority = &f.authority,
                                      .tariff = f.tariff,
                                      .operators = who};

    memset(found, 0, sizeof(found));
    assert_int_equal(sg_audit_run(&in, note, NULL, &result), 0);
    return result;
}

static struct sg_audit_result audit(const struct sg_bill *b, const struct sg_row_resolution *rows,
                                    size_t n, const struct sg_authority *who)
{
    const struct sg_evidence_block *blocks[] = {f.blocks[0][0], &again, &next};
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 20);

    put_file(blocks, 3, rows, n, &file);
    return run(b, sg_buf_bytes(&file), who);
}

static unsigned all_found(void)
{
    unsigned n = 0;
    for (int i = 0; i < SG_AUDIT_N_CODES; i++)
        n += found[i];
    return n;
}

static void expect_only(enum sg_audit_code code, unsigned n)
{
    if (found[code] != n || all_found() != n)
        fail_msg("%s: %u of %u findings", sg_audit_word(code), found[code], all_found());
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void choices_on_record_settle_and_are_shown(void **state)
{
    (void)state;
    struct sg_audit_result r = audit(&bill, honest.rows, CHOICES, &operators);

    assert_int_equal(all_found(), 0);
    assert_int_equal(r.resolved, CHOICES);
    assert_int_equal(bill.n_resolved, CHOICES);
    assert_string_equal(bill.resolved[0].who, "Ana");
    assert_null(sg_bill_inconsistency(&bill));
}

static void nobodys_choice_holds_unasked(void **state)
{
    (void)state;
    struct sg_audit_result r = audit(&bill, honest.rows, CHOICES, NULL);

    assert_int_equal(found[SG_AUDIT_READING_CONFLICT], CHOICES);
    assert_int_equal(found[SG_AUDIT_RESOLUTION], CHOICES);
    assert_int_equal(r.resolved, 0);
}

/* A meter's own key chooses, in a certificate of the meters' authority. */
static void a_strangers_choice_does_not_hold(void **state)
{
    (void)state;
    static struct records strange;

    sign_all(&strange, f.meter_key[0], f.installations.records[0].cert);
    audit(&bill, strange.rows, CHOICES, &operators);
    assert_int_equal(found[SG_AUDIT_RESOLUTION], CHOICES);
    assert_int_equal(found[SG_AUDIT_READING_CONFLICT], CHOICES);
    clear_records(&strange);
}

static void a_choice_that_the_bill_hides_is_named(void **state)
{
    (void)state;
    struct sg_bill b = bill;

    b.n_resolved = 0;
    audit(&b, honest.rows, CHOICES, &operators);
    expect_only(SG_AUDIT_RESOLUTION_HIDDEN, CHOICES);
    b.n_resolved = 3;
    audit(&b, honest.rows, CHOICES, &operators);
    expect_only(SG_AUDIT_RESOLUTION_HIDDEN, 1);
}

/* Another name, time, reason, energy, reading or record on the bill than was signed. */
static void a_choice_told_otherwise_is_named(void **state)
{
    (void)state;
    struct sg_bill_choice list[CHOICES];
    struct sg_bill b = bill;

    b.resolved = list;
    for (int what = 0; what < 6; what++) {
        memcpy(list, bill.resolved, sizeof(list));
        struct sg_bill_choice *c = &list[2];
        if (what == 0)
            c->who[0] = 'E';
        else if (what == 1)
            c->resolved_s++;
        else if (what == 2)
            c->why[0] = 'k';
        else if (what == 3)
            c->energy_wh++;
        else if (what == 4)
            c->chosen[0] ^= 1;
        else
            c->record_sha256[31] ^= 1;
        audit(&b, honest.rows, CHOICES, &operators);
        expect_only(SG_AUDIT_RESOLUTION_ALTERED, 1);
    }
}

static void a_choice_without_a_record_is_named(void **state)
{
    (void)state;
    struct sg_bill_choice list[CHOICES + 1];
    struct sg_bill b = bill;

    memcpy(list, bill.resolved, sizeof(bill.resolved[0]) * CHOICES);
    list[CHOICES] = list[CHOICES - 1];
    list[CHOICES].ts_s += 900;
    b.resolved = list;
    b.n_resolved = CHOICES + 1;
    audit(&b, honest.rows, CHOICES, &operators);
    expect_only(SG_AUDIT_RESOLUTION_UNRECORDED, 1);
    audit(&bill, honest.rows, CHOICES - 1, &operators); /* a record taken out of the file */
    assert_int_equal(found[SG_AUDIT_RESOLUTION_UNRECORDED], 1);
    assert_int_equal(found[SG_AUDIT_READING_CONFLICT], 1);
}

/* The operator chose one reading; the bill, its root and its arithmetic have the other. */
static void the_other_reading_on_the_bill_is_named(void **state)
{
    (void)state;
    static struct records turned;

    sign_all(&turned, ana_key, ana);
    sign_choice(&turned, 3, first_telling(3), FX_UNTIL, ana_key, ana);
    audit(&bill, turned.rows, CHOICES, &operators);
    assert_int_equal(found[SG_AUDIT_RESOLUTION_ALTERED], 1);
    assert_int_equal(found[SG_AUDIT_BILL_ROOT], 1);
    clear_records(&turned);
}

/* What was chosen is not in the file at all: neither telling is it. */
static void a_choice_of_no_reading_is_named(void **state)
{
    (void)state;
    static struct records lost;
    struct sg_reading third = *first_telling(3);

    third.field[SG_READING_interval_energy] = 1;
    sign_all(&lost, ana_key, ana);
    sign_choice(&lost, 3, &third, FX_UNTIL, ana_key, ana);
    audit(&bill, lost.rows, CHOICES, &operators);
    assert_int_equal(found[SG_AUDIT_RESOLUTION_OTHER], 1);
    assert_int_equal(found[SG_AUDIT_READING_CONFLICT], 1);
    clear_records(&lost);
}

/* For the bill after: what was not chosen had numbers behind the last one that is billed. */
static void numbers_that_were_not_chosen_count_at_the_end(void **state)
{
    (void)state;
    const struct sg_evidence_block *blocks[] = {f.blocks[0][0], &again};
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 20);
    static struct records firsts;

    for (int i = 0; i < CHOICES; i++)
        sign_choice(&firsts, i, first_telling(i), FX_UNTIL, ana_key, ana);
    put_file(blocks, 2, firsts.rows, CHOICES, &file);
    const struct sg_audit_result r = run(&bill, sg_buf_bytes(&file), &operators);
    assert_int_equal(r.last.ts_s, FX_FROM + 86400);
    assert_int_equal(r.last.seq, 100);
    clear_records(&firsts);
}

/* Blocks over the same numbers: only the chosen one is in the file, and the choice must be of it.
 */
static void a_day_told_twice_under_its_numbers(void **state)
{
    (void)state;
    const struct sg_evidence_block *blocks[] = {f.blocks[0][0], f.blocks[0][1]};
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 20);
    static struct records one;
    struct sg_bill b = f.bill;
    struct sg_bill_choice shown;
    struct sg_reading other = *first_telling(0);

    sign_choice(&one, 0, first_telling(0), FX_UNTIL, ana_key, ana);
    assert_int_equal(sg_resolution_choice(&one.rows[0], &shown), 0);
    shown.energy_wh = first_telling(0)->field[SG_READING_interval_energy];
    b.resolved = &shown;
    b.n_resolved = 1;
    put_file(blocks, 2, one.rows, 1, &file);
    run(&b, sg_buf_bytes(&file), &operators);
    assert_int_equal(all_found(), 0);

    other.field[SG_READING_interval_energy] = 7; /* chosen; the utility bills the first one */
    sign_choice(&one, 0, &other, FX_UNTIL, ana_key, ana);
    sg_buf_reset(&file);
    put_file(blocks, 2, one.rows, 1, &file);
    run(&b, sg_buf_bytes(&file), &operators);
    expect_only(SG_AUDIT_RESOLUTION_OTHER, 1);
    clear_records(&one);
}

/* Signed in advance: for whatever the meter would say. */
static void a_choice_before_the_reading_does_not_hold(void **state)
{
    (void)state;
    static struct records early;

    sign_all(&early, ana_key, ana);
    sign_choice(&early, 1, chosen(1), chosen(1)->ts_s - 1, ana_key, ana);
    audit(&bill, early.rows, CHOICES, &operators);
    assert_int_equal(found[SG_AUDIT_RESOLUTION], 1);
    assert_int_equal(found[SG_AUDIT_READING_CONFLICT], 1);
    clear_records(&early);
}

/* The second telling and the choices left out: its numbers are missed. */
static void a_conflict_kept_back_is_named(void **state)
{
    (void)state;
    const struct sg_evidence_block *blocks[] = {f.blocks[0][0], &next};
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 20);
    struct sg_bill b = bill;

    b.n_resolved = 0;
    assert_int_equal(fx_evidence(blocks, 2, &file), 0);
    run(&b, sg_buf_bytes(&file), &operators);
    assert_int_equal(found[SG_AUDIT_READING_SEQUENCE], 1);
}

/* The first hour again and again under one choice: a telling that was rejected counts no more for
 * that, but an honest file has it once. */
static void a_rejected_telling_told_twice_is_named(void **state)
{
    (void)state;
    const struct sg_evidence_block *blocks[] = {f.blocks[0][0], &again, &again, &next};
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 20);

    put_file(blocks, 4, honest.rows, CHOICES, &file);
    run(&bill, sg_buf_bytes(&file), &operators);
    expect_only(SG_AUDIT_READING_DUPLICATED, CHOICES);
}

/* Choices that go to and fro between the tellings: numbers of what counts do not rise. */
static void choices_may_mix_the_tellings(void **state)
{
    (void)state;
    static struct records mixed;
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    SG_CLEANUP(sg_bill_clear) struct sg_bill other = {.client = 0};
    uint8_t sha256[32];
    const struct sg_bill_install install = {"10000000", FX_FROM, INT64_MAX, 1, 1, sha256};
    const struct sg_bill_input in = {.tariff = f.tariff,
                                     .client = FX_CLIENT,
                                     .from_s = FX_FROM,
                                     .until_s = FX_UNTIL,
                                     .installs = &install,
                                     .n_installs = 1};

    sg_cert_fingerprint(f.installations.records[0].cert, sha256);
    assert_int_equal(sg_billing_new(&b, &in), 0);
    for (size_t i = 0; i < FIRST; i++)
        add_reading(b, f.blocks[0][0], i);
    for (int i = 0; i < CHOICES; i++) { /* first, second, first, second */
        struct sg_bill_choice c;
        const struct sg_reading *r = i % 2 ? &again.readings[i] : first_telling(i);
        sign_choice(&mixed, i, r, FX_UNTIL, ana_key, ana);
        assert_int_equal(sg_resolution_choice(&mixed.rows[i], &c), 0);
        c.energy_wh = r->field[SG_READING_interval_energy];
        add_reading(b, i % 2 ? &again : f.blocks[0][0], i % 2 ? (size_t)i : FIRST + (size_t)i);
        assert_int_equal(sg_billing_add_choice(b, "10000000", &c), 0);
    }
    for (size_t i = 0; i < 96; i++)
        add_reading(b, &next, i);
    assert_int_equal(sg_billing_finish(b, &other), 0);
    struct sg_audit_result r = audit(&other, mixed.rows, CHOICES, &operators);
    assert_int_equal(all_found(), 0);
    assert_int_equal(r.gaps, 0);
    clear_records(&mixed);
}

/* Of the second and third telling the third was chosen, and the first one's block left out: the
 * lowest number that is left is of a later interval. */
static void a_first_telling_left_out_is_named(void **state)
{
    (void)state;
    static struct sg_evidence_block early, rest, late;
    struct sg_buf wire3[3];
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 20);
    const struct sg_evidence_block *all[] = {&early, &rest, &late};
    static struct records records;

    sign_again(&early, &wire3[0], 1, FX_FROM + 900, 2);    /* 1, 2 */
    sign_again(&rest, &wire3[1], 3, FX_FROM + 3 * 900, 4); /* 3 to 6 */
    sign_again(&late, &wire3[2], 7, FX_FROM + 900, 3);     /* the first three again */
    for (int i = 0; i < 3; i++) {
        struct sg_resolution one = {.client = FX_CLIENT,
                                    .row = {.ts_s = late.readings[i].ts_s,
                                            .resolved_ts_s = FX_UNTIL,
                                            .why = SG_BYTES_LIT("clock set back")}};
        records.certificate[i] = records.signature[i] = (struct sg_buf)SG_BUF_INIT(1 << 14);
        assert_int_equal(sg_row_digest(&late.readings[i], one.row.chosen), 0);
        assert_int_equal(sg_resolution_sign(&one, ana_key, ana, records.name[i],
                                            &records.certificate[i], &records.signature[i]),
                         0);
        records.rows[i] = one.row;
    }
    struct sg_bill b = bill;
    b.n_resolved = 0;
    for (int without = 0; without < 2; without++) {
        sg_buf_reset(&file);
        put_file(&all[without], 3 - (size_t)without, records.rows, 3, &file);
        run(&b, sg_buf_bytes(&file), &operators);
        assert_int_equal(found[SG_AUDIT_READING_SEQUENCE], 0);
        /* Two of the first telling; and always what is due until the period's end. */
        assert_int_equal(found[SG_AUDIT_READING_MISSING], 1 + without);
    }
    clear_records(&records);
    for (int i = 0; i < 3; i++)
        sg_buf_clear(&wire3[i]);
}

/* ---- a clock set back over the end of a period ------------------------------------------------
 */

/* After the second day come two intervals of the third; then the clock is set back by an hour, and
 * the last two of the second day and the first two of the third are told again, 195 to 198. */
static struct sg_evidence_block third, over;

static void told_over_midnight(struct sg_buf *wire2)
{
    sign_again(&third, &wire2[0], 193, FX_UNTIL + 900, 2);
    sign_again(&over, &wire2[1], 195, FX_UNTIL - 900, 4);
}

/* The bill of the two days, of which that reading counts in the last interval but one. */
static void bill_before_midnight(const struct sg_evidence_block *block, size_t at,
                                 struct records *records, struct sg_bill *ret)
{
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    uint8_t sha256[32];
    const struct sg_bill_install install = {"10000000", FX_FROM, INT64_MAX, 1, 1, sha256};
    const struct sg_bill_input in = {.tariff = f.tariff,
                                     .client = FX_CLIENT,
                                     .from_s = FX_FROM,
                                     .until_s = FX_UNTIL,
                                     .installs = &install,
                                     .n_installs = 1};
    const struct sg_reading *chosen_two[] = {&block->readings[at], &over.readings[1]};

    sg_cert_fingerprint(f.installations.records[0].cert, sha256);
    assert_int_equal(sg_billing_new(&b, &in), 0);
    for (size_t i = 0; i < 96; i++)
        add_reading(b, f.blocks[0][0], i);
    for (size_t i = 0; i < 94; i++)
        add_reading(b, f.blocks[0][1], i);
    add_reading(b, block, at);
    add_reading(b, &over, 1);
    for (int i = 0; i < 2; i++) {
        struct sg_resolution one = {.client = FX_CLIENT,
                                    .row = {.ts_s = chosen_two[i]->ts_s,
                                            .resolved_ts_s = FX_UNTIL + 86400,
                                            .why = SG_BYTES_LIT("clock set back")}};
        struct sg_bill_choice c;
        records->certificate[i] = records->signature[i] = (struct sg_buf)SG_BUF_INIT(1 << 14);
        assert_int_equal(sg_row_digest(chosen_two[i], one.row.chosen), 0);
        assert_int_equal(sg_resolution_sign(&one, ana_key, ana, records->name[i],
                                            &records->certificate[i], &records->signature[i]),
                         0);
        records->rows[i] = one.row;
        assert_int_equal(sg_resolution_choice(&one.row, &c), 0);
        c.energy_wh = chosen_two[i]->field[SG_READING_interval_energy];
        assert_int_equal(sg_billing_add_choice(b, "10000000", &c), 0);
    }
    assert_int_equal(sg_billing_finish(b, ret), 0);
}

static void a_clock_set_back_over_midnight(void **state)
{
    (void)state;
    const struct sg_evidence_block *blocks[] = {f.blocks[0][0], f.blocks[0][1], &over};
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_bill_clear) struct sg_bill mixed = {.client = 0};
    static struct records records;
    struct sg_buf wire2[2];

    told_over_midnight(wire2);
    bill_before_midnight(f.blocks[0][1], 94, &records, &mixed);
    put_file(blocks, 3, records.rows, 2, &file);
    struct sg_audit_result r = run(&mixed, sg_buf_bytes(&file), &operators);
    assert_int_equal(all_found(), 0); /* 193 and 194 are the next bill's to show */
    assert_int_equal(r.resolved, 2);
    struct sg_audit_edge following = r.last;
    assert_int_equal(r.last.seq, 196);
    following.seq = 193; /* as the next bill has it, with choices of its own */
    following.ts_s += 900;
    assert_int_equal(sg_audit_lost_between(&r.last, &following, 900), 0);
    following.told_again = false; /* it shows no second telling: then the numbers do not go on */
    assert_int_equal(sg_audit_lost_between(&r.last, &following, 900), 1);

    /* The second telling left out, and the choices: the bill of the first one alone. */
    sg_buf_reset(&file);
    assert_int_equal(fx_evidence(blocks, 2, &file), 0);
    r = run(&f.bill, sg_buf_bytes(&file), &operators);
    assert_int_equal(all_found(), 0); /* one period cannot show it ... */
    following.seq = 193;
    following.ts_s = FX_UNTIL + 900;
    following.told_again = true;
    following.end_s = r.last.end_s;
    assert_int_equal(sg_audit_lost_between(&r.last, &following, 900), 0);
    following.seq = 199; /* ... but where the next one goes on after all that was told, it does */
    assert_int_equal(sg_audit_lost_between(&r.last, &following, 900), 6);
    clear_records(&records);
    sg_buf_clear(&wire2[0]);
    sg_buf_clear(&wire2[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices_on_record_settle_and_are_shown),
        cmocka_unit_test(nobodys_choice_holds_unasked),
        cmocka_unit_test(a_strangers_choice_does_not_hold),
        cmocka_unit_test(a_choice_that_the_bill_hides_is_named),
        cmocka_unit_test(a_choice_told_otherwise_is_named),
        cmocka_unit_test(a_choice_without_a_record_is_named),
        cmocka_unit_test(the_other_reading_on_the_bill_is_named),
        cmocka_unit_test(a_choice_of_no_reading_is_named),
        cmocka_unit_test(numbers_that_were_not_chosen_count_at_the_end),
        cmocka_unit_test(a_day_told_twice_under_its_numbers),
        cmocka_unit_test(a_choice_before_the_reading_does_not_hold),
        cmocka_unit_test(a_conflict_kept_back_is_named),
        cmocka_unit_test(a_rejected_telling_told_twice_is_named),
        cmocka_unit_test(choices_may_mix_the_tellings),
        cmocka_unit_test(a_first_telling_left_out_is_named),
        cmocka_unit_test(a_clock_set_back_over_midnight),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
