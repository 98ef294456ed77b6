#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test-fixture.c"
#include "vee-fixture.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/crypto/hash.h>

/* The fixture's two days; of the second one the meter did not record four intervals, which are
 * estimated, billed as estimates and stand in the evidence. */
#define GAP   (96 + 40)
#define GAP_N 4

static struct fixture f;
static struct {
    struct sg_vee_rules *rules;
    struct sg_evidence_block part[2];
    struct sg_buf wire[2];
    struct sg_vee_row rows[192];
    size_t n_rows;
    struct sg_vee_meter meter;
    struct sg_vee_series series;
    struct sg_vee_estimates honest;
} g;

static int sign_part(int i, uint64_t seq, int at, uint32_t n)
{
    struct sg_evidence_block *b = &g.part[i];
    struct sg_block_header h = f.blocks[0][1]->evidence.header;
    const uint8_t seed[SG_BLOCK_SEED_LEN] = {0x77, (uint8_t)i};
    int r;

    h.first_seq = seq;
    h.first_ts_s = FX_FROM + (at + 1) * INT64_C(900);
    for (uint32_t k = 0; k < n; k++) {
        b->readings[k] = f.blocks[0][1]->readings[(uint32_t)(at - 96) + k];
        b->readings[k].seq = seq + k;
    }
    g.wire[i] = (struct sg_buf)SG_BUF_INIT(SG_BLOCK_MAX);
    r = sg_block_sign(&h, b->readings, n, f.meter_key[0], SG_SIGN_ES256, seed, &g.wire[i]);
    if (!r)
        r = sg_block_decode(sg_buf_bytes(&g.wire[i]), &b->evidence, b->readings);
    b->n_readings = b->n_leaves = n;
    for (uint32_t k = 0; k < n && !r; k++)
        r = sg_block_reading_hash(seed, k, &b->readings[k], b->leaves[k]);
    return r;
}

static void list_rows(const struct sg_evidence_block *b)
{
    for (size_t i = 0; i < b->n_readings; i++) {
        g.rows[g.n_rows] = sg_vee_row_of(&b->readings[i], "10000000");
        g.rows[g.n_rows++].interval_s = 900;
    }
}

static int make(void **state)
{
    (void)state;
    int r = fx_make(&f);

    if (!r)
        r = sign_part(0, 97, 96, GAP - 96);
    if (!r)
        r = sign_part(1, GAP + 1, GAP + GAP_N, 192 - GAP - GAP_N);
    if (r)
        return r;
    g.rules = vx_rules("America/Sao_Paulo");
    list_rows(f.blocks[0][0]);
    list_rows(&g.part[0]);
    list_rows(&g.part[1]);
    g.meter = (struct sg_vee_meter){"10000000", FX_FROM, INT64_MAX, 1, 1};
    g.series = (struct sg_vee_series){.client = FX_CLIENT,
                                      .from_s = FX_FROM,
                                      .until_s = FX_UNTIL,
                                      .interval_s = 900,
                                      .rows = g.rows,
                                      .n_rows = g.n_rows,
                                      .meters = &g.meter,
                                      .n_meters = 1};
    return sg_vee_estimate(g.rules, &g.series, &g.honest);
}

static int clear(void **state)
{
    (void)state;
    sg_vee_estimates_clear(&g.honest);
    sg_vee_rules_free(g.rules);
    sg_buf_clear(&g.wire[0]);
    sg_buf_clear(&g.wire[1]);
    fx_clear(&f);
    return 0;
}

static void charge_block(struct sg_billing *b, const struct sg_evidence_block *block)
{
    for (size_t i = 0; i < block->n_readings; i++) {
        const struct sg_bill_reading r = {.serial = "10000000",
                                          .ts_s = block->readings[i].ts_s,
                                          .energy_wh =
                                              block->readings[i].field[SG_READING_interval_energy],
                                          .reactive_varh = INT64_MIN,
                                          .leaf = block->leaves[i]};
        assert_int_equal(sg_billing_add(b, &r), 0);
    }
}

/* Those from *at on that end before that instant. */
static void charge_estimates(struct sg_billing *b, const struct sg_vee_estimates *told, size_t *at,
                             int64_t before_s)
{
    for (; *at < told->n && told->items[*at].ts_s < before_s; (*at)++) {
        const size_t i = *at;
        const struct sg_bill_reading r = {.serial = "10000000",
                                          .ts_s = told->items[i].ts_s,
                                          .energy_wh = told->items[i].energy_wh,
                                          .reactive_varh = INT64_MIN,
                                          .estimated = told->items[i].rule};
        assert_int_equal(sg_billing_add(b, &r), 0);
    }
}

/* The bill and the evidence of a utility that has these blocks and tells these estimates. */
static void make_files_of(const struct sg_evidence_block *const *blocks, size_t n,
                          const struct sg_vee_estimates *told, struct sg_bill *ret,
                          struct sg_buf *evidence)
{
    const struct sg_bill_install install = {"10000000", FX_FROM, INT64_MAX, 1, 1, NULL};
    const struct sg_bill_input in = {.tariff = f.tariff,
                                     .client = FX_CLIENT,
                                     .from_s = FX_FROM,
                                     .until_s = FX_UNTIL,
                                     .installs = &install,
                                     .n_installs = 1};
    const struct sg_evidence_head head = {FX_CLIENT, FX_FROM, FX_UNTIL, n};
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf section = SG_BUF_INIT(1 << 16);
    uint8_t sha256[32];
    size_t next = 0;

    assert_int_equal(sg_vee_section_encode(g.rules->sha256, told, &section), 0);
    sg_sha256(sha256, sg_buf_bytes(&section));
    assert_int_equal(sg_billing_new(&b, &in), 0);
    for (size_t i = 0; i < n; i++) {
        charge_estimates(b, told, &next, blocks[i]->evidence.header.first_ts_s);
        charge_block(b, blocks[i]);
    }
    charge_estimates(b, told, &next, INT64_MAX);
    sg_billing_set_estimates(b, sha256);
    assert_int_equal(sg_billing_finish(b, ret), 0);
    assert_int_equal(sg_evidence_put_head_sections(evidence, &head), 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(sg_evidence_put_block(evidence, blocks[i]), 0);
    assert_int_equal(sg_evidence_put_sections(evidence, sg_buf_bytes(&section), SG_BYTES_NONE), 0);
}

static void make_files(const struct sg_vee_estimates *told, struct sg_bill *ret,
                       struct sg_buf *evidence)
{
    const struct sg_evidence_block *const blocks[] = {f.blocks[0][0], &g.part[0], &g.part[1]};
    make_files_of(blocks, 3, told, ret, evidence);
}

struct found {
    unsigned n[SG_AUDIT_N_CODES], all;
    uint64_t missing; /* readings */
};

static void note(void *user, const struct sg_audit_finding *finding)
{
    struct found *found = user;
    found->n[finding->code]++;
    found->all++;
    found->missing += finding->code == SG_AUDIT_READING_MISSING ? finding->count : 0;
}

static struct found audit(const struct sg_bill *bill, struct sg_bytes evidence,
                          const struct sg_vee_rules *rules, struct sg_audit_result *ret)
{
    struct found found = {.all = 0};
    const struct sg_audit_input in = {.bill = bill,
                                      .bill_hash_ok = true,
                                      .evidence = evidence,
                                      .installations = &f.installations,
                                      .authority = &f.authority,
                                      .tariff = f.tariff,
                                      .rules = rules};

    assert_int_equal(sg_audit_run(&in, note, &found, ret), 0);
    return found;
}

static void honest_estimates_pass(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(1 << 24);
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct sg_audit_result result;

    assert_int_equal(g.honest.n, GAP_N);
    make_files(&g.honest, &bill, &evidence);
    assert_int_equal(bill.estimated, GAP_N);
    struct found found = audit(&bill, sg_buf_bytes(&evidence), g.rules, &result);
    assert_int_equal(found.all, 0);
    assert_int_equal(result.estimated, GAP_N);
    assert_int_equal(result.gaps, GAP_N);
    found = audit(&bill, sg_buf_bytes(&evidence), NULL, &result);
    assert_int_equal(found.all, 0);
}

/* One Wh more than the rule gives, everything else fitting. */
static void a_raised_estimate_is_named(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(1 << 24);
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct sg_vee_estimate items[GAP_N];
    const struct sg_vee_estimates told = {items, GAP_N, 0};
    struct sg_audit_result result;

    memcpy(items, g.honest.items, sizeof(items));
    items[2].energy_wh += 1;
    make_files(&told, &bill, &evidence);
    struct found found = audit(&bill, sg_buf_bytes(&evidence), g.rules, &result);
    assert_int_equal(found.n[SG_AUDIT_ESTIMATE_ALTERED], 1);
    assert_int_equal(found.all, 1);
}

/* The evidence without the block behind the gap, or without that before it: estimates reach to an
 * end of the period. */
static void make_open(bool at_begin, struct sg_bill *ret, struct sg_buf *evidence)
{
    const struct sg_evidence_block *blocks[2] = {&g.part[0], at_begin ? &g.part[1] : NULL};
    SG_CLEANUP(sg_vee_estimates_clear) struct sg_vee_estimates told = {NULL, 0, 0};
    struct sg_vee_series series = g.series;

    if (!at_begin) {
        blocks[0] = f.blocks[0][0];
        blocks[1] = &g.part[0];
    }
    g.n_rows = 0;
    list_rows(blocks[0]);
    list_rows(blocks[1]);
    series.n_rows = g.n_rows;
    assert_int_equal(sg_vee_estimate(g.rules, &series, &told), 0);
    make_files_of(blocks, 2, &told, ret, evidence);
}

/* Whether the meter recorded what lacks at an end shows only in the bill beyond it: its first
 * number, or the last one before. */
static void estimates_at_an_end_are_gaps(void **state)
{
    (void)state;
    for (int at_begin = 0; at_begin < 2; at_begin++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(1 << 24);
        SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
        struct sg_audit_result result;
        struct sg_audit_edge beyond;
        const uint64_t open = at_begin ? 96 : 192 - GAP;
        make_open(at_begin, &bill, &evidence);
        assert_int_equal(bill.missing, 0);
        struct found found = audit(&bill, sg_buf_bytes(&evidence), g.rules, &result);
        assert_int_equal(found.all, 0);
        assert_int_equal(result.gaps, open + (at_begin ? GAP_N : 0));
        if (at_begin) {
            beyond = result.first;
            beyond.seq = 0;
            assert_int_equal(sg_audit_lost_between(&beyond, &result.first, 900), 0);
            continue;
        }
        beyond = result.last;
        beyond.seq += 1; /* an outage over the end: the meter counted nothing */
        beyond.ts_s = FX_UNTIL + 900;
        assert_int_equal(sg_audit_lost_between(&result.last, &beyond, 900), 0);
        beyond.seq += open; /* it did count, and its readings were kept back */
        assert_int_equal(sg_audit_lost_between(&result.last, &beyond, 900), open);
    }
}

/* Of a tail that is estimated in part the rest is missing. */
static void an_end_that_is_not_estimated_is_missing(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(1 << 24);
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    const struct sg_evidence_block *blocks[] = {f.blocks[0][0], &g.part[0]};
    struct sg_vee_estimate items[7];
    const struct sg_vee_estimates told = {items, 7, 0};
    struct sg_audit_result result;

    for (int i = 0; i < 7; i++) {
        items[i] = g.honest.items[0];
        items[i].ts_s = FX_FROM + (GAP + i + 1) * 900;
    }
    make_files_of(blocks, 2, &told, &bill, &evidence);
    struct found found = audit(&bill, sg_buf_bytes(&evidence), NULL, &result);
    assert_int_equal(found.n[SG_AUDIT_READING_MISSING], 1);
    assert_int_equal(found.missing, 192 - GAP - 7);
}

/* The bill charges other estimates than the evidence has; or has none of those it names. */
static void estimates_of_another_file_are_named(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(1 << 24);
    SG_CLEANUP(sg_buf_clear) struct sg_buf other = SG_BUF_INIT(1 << 24);
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    SG_CLEANUP(sg_bill_clear) struct sg_bill raised = {.client = 0};
    struct sg_vee_estimate items[GAP_N];
    const struct sg_vee_estimates told = {items, GAP_N, 0};
    const struct sg_evidence_block *const blocks[] = {f.blocks[0][0], &g.part[0], &g.part[1]};
    SG_CLEANUP(sg_buf_clear) struct sg_buf bare = SG_BUF_INIT(1 << 24);
    struct sg_audit_result result;

    make_files(&g.honest, &bill, &evidence);
    memcpy(items, g.honest.items, sizeof(items));
    items[0].energy_wh += 500;
    make_files(&told, &raised, &other);
    struct found found = audit(&raised, sg_buf_bytes(&evidence), g.rules, &result);
    assert_int_equal(found.n[SG_AUDIT_ESTIMATE_SECTION], 1);
    assert_true(found.n[SG_AUDIT_BILL_ARITHMETIC] > 0);
    assert_int_equal(fx_evidence(blocks, 3, &bare), 0);
    found = audit(&bill, sg_buf_bytes(&bare), g.rules, &result);
    assert_int_equal(found.n[SG_AUDIT_ESTIMATE_SECTION], 1);
    assert_true(found.n[SG_AUDIT_BILL_ARITHMETIC] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(honest_estimates_pass),
        cmocka_unit_test(a_raised_estimate_is_named),
        cmocka_unit_test(estimates_of_another_file_are_named),
        cmocka_unit_test(estimates_at_an_end_are_gaps),
        cmocka_unit_test(an_end_that_is_not_estimated_is_missing),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
