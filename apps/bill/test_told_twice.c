/* A day that the meter told twice under the same numbers: from the store to the audit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../libs/billing/test-fixture.c"

#include "client.h"
#include "fleet.h"
#include "source.h"
#include "store-fixture.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/billing/resolution.h>

#define SERIAL "10000000"
#define AT     40 /* two readings of the first day differ */
#define AND_AT 70

static struct fixture f;
static struct sg_kv_memory *memory;
static struct sg_kv *kv;
static struct sg_key *operators_key, *ana_key;
static struct sg_cert *operators_root, *ana;
static struct sg_authority operators;
static struct sg_reading second[96]; /* telling of the first day */

static void make_operators(void)
{
    const struct sg_cert_request root = {.common_name = "operators",
                                         .not_before_s = FX_FROM - 86400,
                                         .not_after_s = FX_FROM + 8640000,
                                         .ca = true,
                                         .path_len = 0};
    struct sg_cert_request person = root;

    person.common_name = "Ana Souza";
    person.ca = false;
    person.path_len = -1;
    assert_int_equal(sg_key_generate(&operators_key, SG_KEY_P256), 0);
    assert_int_equal(sg_key_generate(&ana_key, SG_KEY_P256), 0);
    assert_int_equal(sg_cert_issue(&operators_root, &root, operators_key, NULL, operators_key), 0);
    assert_int_equal(sg_cert_issue(&ana, &person, ana_key, operators_root, operators_key), 0);
    operators = (struct sg_authority){.roots = {operators_root}, .n_roots = 1};
}

static const struct sg_reading *first(int i)
{
    return &f.blocks[0][0]->readings[i];
}

static void put_days(void)
{
    for (int day = 0; day < FX_DAYS; day++) {
        const struct sg_evidence_block *b = f.blocks[0][day];
        sx_put_block(kv, FX_CLIENT, &b->evidence, b->evidence.header.root);
        for (size_t i = 0; i < b->n_readings; i++)
            sx_put_reading(kv, FX_CLIENT, SERIAL, &b->readings[i], SG_ORIGIN_METROLOGY);
    }
    for (int i = 0; i < 96; i++)
        second[i] = *first(i);
    second[AT].field[SG_READING_interval_energy] += 500;
    second[AND_AT].field[SG_READING_interval_energy] += 30;
    sx_sign_block(kv, FX_CLIENT, SERIAL, SG_CLOCK_OK, second, 96, f.meter_key[0], 0x55);
    sx_put_conflict(kv, FX_CLIENT, SERIAL, &second[AT]);
    sx_put_conflict(kv, FX_CLIENT, SERIAL, &second[AND_AT]);
}

static int make(void **state)
{
    (void)state;
    if (fx_make(&f) || sg_kv_memory_new(&memory) || sg_kv_open_memory(&kv, memory))
        return -1;
    sx_put_meter(kv, FX_CLIENT, SERIAL, FX_FROM, f.installations.records[0].cert);
    make_operators();
    put_days();
    return 0;
}

static int clear(void **state)
{
    (void)state;
    sg_kv_free(kv);
    sg_kv_memory_free(memory);
    sg_key_free(operators_key);
    sg_key_free(ana_key);
    sg_cert_free(operators_root);
    sg_cert_free(ana);
    fx_clear(&f);
    return 0;
}

static void choose(const struct sg_reading *reading)
{
    sx_put_resolution(kv, FX_CLIENT, reading, FX_UNTIL, ana_key, ana);
}

static int bill_it(struct sg_bill *ret, struct sg_buf *evidence, struct refusal *why)
{
    SG_CLEANUP(client_clear) struct client c = {.id = FX_CLIENT};
    const struct terms terms = {
        .tariff = f.tariff, .from_s = FX_FROM, .until_s = FX_UNTIL, .signed_only = true};

    assert_int_equal(source_store(&c, kv, FX_FROM, FX_UNTIL), 0);
    return issue(&c, &terms, ret, evidence, why);
}

static void fail_on_finding(void *user, const struct sg_audit_finding *finding)
{
    (void)user;
    fail_msg("%s: %s", sg_audit_word(finding->code), finding->text);
}

static int take_block(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                      struct sg_bytes value)
{
    (void)partition;
    (void)sort;
    (void)value;
    ++*(unsigned *)ctx;
    return 0;
}

/* The evidence has the block that signed what is billed, and the choice; the bill says what was
 * chosen, by whom and why; the other block stays in the store. */
static void expect_billed(const struct sg_reading day[96])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_EVIDENCE_MAX);
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct sg_audit_result result;
    struct refusal why;
    unsigned blocks = 0;
    int64_t wh = 0;

    if (bill_it(&bill, &evidence, &why))
        fail_msg("%s", why.word);
    for (int i = 0; i < 96; i++)
        wh += day[i].field[SG_READING_interval_energy] +
              f.blocks[0][1]->readings[i].field[SG_READING_interval_energy];
    assert_int_equal(bill.import_wh, wh);
    assert_int_equal(bill.n_resolved, 2);
    assert_int_equal(bill.resolved[0].energy_wh, day[AT].field[SG_READING_interval_energy]);
    const struct sg_audit_input in = {.bill = &bill,
                                      .bill_hash_ok = true,
                                      .evidence = sg_buf_bytes(&evidence),
                                      .installations = &f.installations,
                                      .authority = &f.authority,
                                      .tariff = f.tariff,
                                      .operators = &operators};
    assert_int_equal(sg_audit_run(&in, fail_on_finding, NULL, &result), 0);
    assert_int_equal(result.blocks, 2);
    assert_int_equal(result.resolved, 2);
    assert_int_equal(sg_table_each(kv, FX_CLIENT, SG_TABLE_BLOCK, NULL, NULL, SG_BYTES_NONE,
                                   take_block, &blocks),
                     0);
    assert_int_equal(blocks, 3);
}

static void the_first_telling_is_billed(void **state)
{
    (void)state;
    choose(first(AT));
    choose(first(AND_AT));
    expect_billed(f.blocks[0][0]->readings);
}

static void the_second_telling_is_billed(void **state)
{
    (void)state;
    choose(&second[AT]);
    choose(&second[AND_AT]);
    expect_billed(second);
}

/* One reading of either telling: no block signed such a day. */
static void a_mixture_is_no_signed_day(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_EVIDENCE_MAX);
    struct sg_bill bill = {.client = 0};
    struct refusal why;

    choose(&second[AT]);
    choose(first(AND_AT));
    assert_int_equal(bill_it(&bill, &evidence, &why), ISSUE_REFUSED);
    assert_string_equal(why.word, "reading.unsigned");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, clear)
    const struct CMUnitTest tests[] = {T(the_first_telling_is_billed),
                                       T(the_second_telling_is_billed),
                                       T(a_mixture_is_no_signed_day)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
