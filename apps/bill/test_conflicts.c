/* Two signed days that differ in one reading, and the choice between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conflicts.h"
#include "source.h"
#include "store-fixture.h"

#include <stdio.h>

#define CLIENT INT64_C(3000000001)
#define FROM   INT64_C(1788231600)
#define SERIAL "10000000"
#define AT     40 /* the reading that differs */

static struct sg_kv_memory *memory;
static struct sg_kv *kv;
static struct sg_key *meter_key, *operator_key, *root_key;
static struct sg_cert *root, *operator_cert;
static struct sg_reading first[96], second[96];

/* ---- the store as an authenticator leaves it ----------------------------------------------------
 */

static void put_block_of(const struct sg_reading *readings, size_t n, uint8_t which)
{
    sx_sign_block(kv, CLIENT, SERIAL, SG_CLOCK_OK, readings, n, meter_key, which);
}

static void put_block(const struct sg_reading readings[96], uint8_t which)
{
    put_block_of(readings, 96, which);
}

static void put_conflict(const struct sg_reading *reading)
{
    sx_put_conflict(kv, CLIENT, SERIAL, reading);
}

static void put_readings(void)
{
    for (int i = 0; i < 96; i++)
        sx_put_reading(kv, CLIENT, SERIAL, &first[i], SG_ORIGIN_METROLOGY);
    put_conflict(&second[AT]);
}

static int make(void **state)
{
    const struct sg_cert_request ca = {.common_name = "operators",
                                       .not_before_s = FROM - 86400,
                                       .not_after_s = FROM + 8640000,
                                       .ca = true,
                                       .path_len = 0};
    const struct sg_cert_request ana = {.common_name = "Ana Souza",
                                        .not_before_s = FROM - 86400,
                                        .not_after_s = FROM + 8640000,
                                        .path_len = -1};

    (void)state;
    assert_int_equal(sg_key_generate(&meter_key, SG_KEY_P256), 0);
    assert_int_equal(sg_key_generate(&operator_key, SG_KEY_ED25519), 0);
    assert_int_equal(sg_key_generate(&root_key, SG_KEY_P256), 0);
    assert_int_equal(sg_cert_issue(&root, &ca, root_key, NULL, root_key), 0);
    assert_int_equal(sg_cert_issue(&operator_cert, &ana, operator_key, root, root_key), 0);
    assert_int_equal(sg_kv_memory_new(&memory), 0);
    assert_int_equal(sg_kv_open_memory(&kv, memory), 0);
    for (int i = 0; i < 96; i++) {
        first[i] = (struct sg_reading){.seq = (uint64_t)i + 1, .ts_s = FROM + (i + 1) * 900};
        for (int k = 0; k < SG_READING_N_FIELDS; k++)
            first[i].field[k] = SG_READING_NA;
        first[i].field[SG_READING_interval_energy] = 100 + i;
        second[i] = first[i];
    }
    second[AT].field[SG_READING_interval_energy] = 5;
    sx_put_meter(kv, CLIENT, SERIAL, FROM, NULL);
    put_block(first, 0x10);
    put_block(second, 0x01); /* before the other in the order of the store */
    put_readings();
    return 0;
}

static int clear(void **state)
{
    (void)state;
    sg_kv_free(kv);
    sg_kv_memory_free(memory);
    sg_key_free(meter_key);
    sg_key_free(operator_key);
    sg_key_free(root_key);
    sg_cert_free(root);
    sg_cert_free(operator_cert);
    return 0;
}

static struct client read_client(void)
{
    struct client c = {.id = CLIENT};
    assert_int_equal(source_store(&c, kv, FROM, FROM + 86400), 0);
    assert_int_equal(c.n_rows, 96);
    return c;
}

static int64_t energy(const struct client *c)
{
    return c->rows[AT].reading.field[SG_READING_interval_energy];
}

static void nobody_chose(void **state)
{
    (void)state;
    SG_CLEANUP(client_clear) struct client c = read_client();
    assert_int_equal(c.conflicts, 1);
    assert_int_equal(c.n_blocks, 2);
    assert_int_equal(energy(&c), 100 + AT);
}

static void the_first_counts(void **state)
{
    (void)state;
    sx_put_resolution(kv, CLIENT, &first[AT], FROM + 300000, operator_key, operator_cert);
    SG_CLEANUP(client_clear) struct client c = read_client();
    assert_int_equal(c.conflicts, 0);
    assert_int_equal(c.n_blocks, 1);
    assert_int_equal(c.blocks[0].evidence.seed[0], 0x10);
    assert_int_equal(energy(&c), 100 + AT);
}

/* Two conflicts, and a choice in one of them only. */
static void one_choice_is_not_two(void **state)
{
    (void)state;
    second[AT + 1].field[SG_READING_interval_energy] = 6;
    put_conflict(&second[AT + 1]);
    sx_put_resolution(kv, CLIENT, &first[AT + 1], FROM + 300000, operator_key, operator_cert);
    struct client c = read_client();
    assert_int_equal(c.conflicts, 1);
    client_clear(&c);
    sx_put_resolution(kv, CLIENT, &first[AT], FROM + 300000, operator_key, operator_cert);
    c = read_client();
    assert_int_equal(c.conflicts, 0);
    assert_int_equal(c.n_blocks, 1);
    client_clear(&c);
}

/* A later choice of the other reading: its block is the evidence then. */
static void the_second_counts(void **state)
{
    (void)state;
    sx_put_resolution(kv, CLIENT, &first[AT], FROM + 300000, operator_key, operator_cert);
    sx_put_resolution(kv, CLIENT, &second[AT], FROM + 400000, operator_key, operator_cert);
    SG_CLEANUP(client_clear) struct client c = read_client();
    assert_int_equal(c.conflicts, 0);
    assert_int_equal(c.n_blocks, 1);
    assert_int_equal(c.blocks[0].evidence.seed[0], 0x01);
    assert_int_equal(energy(&c), 5);
}

/* Attack: somebody who can write rows, but has no operator's key. */
static void a_forged_choice_settles_nothing(void **state)
{
    (void)state;
    sx_put_resolution(kv, CLIENT, &second[AT], FROM + 500000, meter_key, operator_cert);
    SG_CLEANUP(client_clear) struct client c = read_client();
    assert_int_equal(c.conflicts, 1);
    assert_int_equal(energy(&c), 100 + AT);
}

/* Attack: a reading that no meter sent, chosen. */
static void a_choice_makes_no_reading(void **state)
{
    struct sg_reading third = first[AT];

    (void)state;
    third.field[SG_READING_interval_energy] = 1;
    sx_put_resolution(kv, CLIENT, &third, FROM + 600000, operator_key, operator_cert);
    SG_CLEANUP(client_clear) struct client c = read_client();
    assert_int_equal(c.conflicts, 1);
    assert_int_equal(energy(&c), 100 + AT);
}

/* ---- a clock that was set back
 * -------------------------------------------------------------------- */

/* The last hour of the day once more, under numbers of its own, in a block of its own. */
static void put_hour_again(struct sg_reading again[4])
{
    for (int i = 0; i < 4; i++) {
        again[i] = first[92 + i];
        again[i].seq = 97 + (uint64_t)i;
        again[i].field[SG_READING_interval_energy] += 7;
        put_conflict(&again[i]);
    }
    put_block_of(again, 4, 0x20);
}

static int issue_day(struct client *c, struct sg_bill *ret, struct sg_buf *ret_evidence,
                     struct refusal *why)
{
    SG_CLEANUP(sg_tariff_freep) struct sg_tariff *tariff = NULL;
    struct sg_contract contract = {.client = CLIENT, .from_day = 0, .until_day = INT64_MAX};
    const struct sg_contracts contracts = {&contract, 1};
    struct sg_yaml_error why_not = {0, ""};

    assert_int_equal(sg_tariff_load(&tariff, "tests/vee/flat.yaml", &why_not), 0);
    const struct terms terms = {.tariff = tariff,
                                .contracts = &contracts,
                                .from_s = FROM,
                                .until_s = FROM + 86400,
                                .signed_only = true};
    return issue(c, &terms, ret, ret_evidence, why);
}

/* From its evidence file the same bill, choices and all; from one without its choices none. */
static void bill_from(struct sg_bytes file, const struct sg_bill *due)
{
    SG_CLEANUP(client_clear) struct client c = {.id = 0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct refusal why = {.word = ""};
    int64_t from_s, until_s;
    char text[160];
    bool is_signed;

    assert_int_equal(source_file(&c, file, &is_signed, &from_s, &until_s, text), 0);
    assert_int_equal(c.conflicts, 0);
    assert_int_equal(c.n_rejected, 4);
    c.n_installs = 0;
    const struct client_install install = {
        .serial = SERIAL, .from_s = FROM, .until_s = INT64_MAX, .ratio_num = 1, .ratio_den = 1};
    assert_int_equal(client_add_install(&c, &install), 0);
    assert_int_equal(issue_day(&c, &bill, &again, &why), 0);
    assert_int_equal(bill.n_resolved, 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(sg_bill_same_choice(&bill.resolved[i], &due->resolved[i]));
    assert_memory_equal(bill.root, due->root, 32);
    assert_true(sg_bytes_equal(sg_buf_bytes(&again), file));

    client_reset(&c, CLIENT);
    sg_buf_reset(&c.resolutions);
    assert_int_equal(conflicts_settle_file(&c, SG_BYTES_NONE), 0);
    assert_int_equal(c.conflicts, 0); /* no rows */
    assert_int_equal(conflicts_settle_file(&c, SG_BYTES_LIT("x")), CONFLICTS_MALFORMED);
}

/* Both blocks are evidence, the choices too; what was not chosen is not billed. */
static void both_tellings_are_shown_and_one_is_billed(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    SG_FREE struct sg_evidence_block *b = calloc(1, sizeof(*b));
    SG_FREE struct sg_row_resolution *rows = NULL;
    struct sg_reading again[4];
    struct sg_evidence_reader in;
    struct sg_evidence_head head;
    struct refusal why = {.word = ""};
    size_t n;

    (void)state;
    sx_put_resolution(kv, CLIENT, &first[AT], FROM + 300000, operator_key, operator_cert);
    put_hour_again(again);
    SG_CLEANUP(client_clear) struct client undecided = {.id = CLIENT};
    assert_int_equal(source_store(&undecided, kv, FROM, FROM + 86400), 0);
    assert_int_equal(undecided.conflicts, 4);
    assert_int_equal(issue_day(&undecided, &bill, &file, &why), ISSUE_REFUSED);
    assert_string_equal(why.word, "reading.conflict");

    for (int i = 0; i < 4; i++) /* the second telling of two intervals, the first of the others */
        sx_put_resolution(kv, CLIENT, i < 2 ? &again[i] : &first[92 + i], FROM + 300000,
                          operator_key, operator_cert);
    SG_CLEANUP(client_clear) struct client c = {.id = CLIENT};
    assert_int_equal(source_store(&c, kv, FROM, FROM + 86400), 0);
    assert_int_equal(c.conflicts, 0);
    assert_int_equal(c.n_rows, 100);
    assert_int_equal(c.n_rejected, 4);
    assert_int_equal(c.n_blocks, 2);
    assert_int_equal(issue_day(&c, &bill, &file, &why), 0);
    assert_int_equal(bill.billed, 96);
    int64_t wh = 2 * 7;
    for (int i = 0; i < 96; i++)
        wh += 100 + i;
    assert_int_equal(bill.import_wh, wh);
    assert_int_equal(bill.n_resolved, 5);
    assert_true(bill.resolved[1].ts_s == again[0].ts_s);
    assert_true(bill.resolved[1].energy_wh == again[0].field[SG_READING_interval_energy]);
    assert_string_equal(bill.resolved[1].who, "Ana Souza");
    assert_null(sg_bill_inconsistency(&bill));

    assert_int_equal(sg_evidence_open(&in, sg_buf_bytes(&file), &head), 0);
    assert_int_equal(head.n_blocks, 2);
    assert_int_equal(sg_evidence_next(&in, b), 0);
    assert_int_equal(b->n_readings, 96);
    assert_int_equal(sg_evidence_next(&in, b), 0);
    assert_int_equal(b->n_readings, 4);
    assert_int_equal(sg_evidence_next(&in, b), SG_EVIDENCE_END);
    assert_int_equal(sg_resolutions_decode(in.resolutions, &rows, &n), 0);
    assert_int_equal(n, 5);
    bill_from(sg_buf_bytes(&file), &bill);
}

/* ---- the record itself --------------------------------------------------------------------------
 */

static void a_record_is_verified(void **state)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf der = SG_BUF_INIT(4096);
    SG_CLEANUP(sg_buf_clear) struct sg_buf signature = SG_BUF_INIT(1024);
    SG_CLEANUP(sg_buf_clear) struct sg_buf section = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(8192);
    SG_FREE struct sg_row_resolution *back = NULL;
    struct sg_authority operators = {.roots = {root}, .n_roots = 1};
    struct sg_resolution r = {CLIENT,
                              {.ts_s = FROM + 900,
                               .resolved_ts_s = FROM + 86400,
                               .chosen = {1, 2, 3},
                               .why = SG_BYTES_LIT("clock had been set")}};
    char name[SG_ROW_WHO_MAX + 1];
    size_t n;

    (void)state;
    assert_int_equal(sg_resolution_sign(&r, operator_key, operator_cert, name, &der, &signature),
                     0);
    assert_string_equal(name, "Ana Souza");
    assert_int_equal(sg_resolution_verify(&r, &operators), 0);
    struct sg_resolution other = r;
    other.client++;
    assert_int_equal(sg_resolution_verify(&other, NULL), SG_RESOLUTION_BAD_SIGNATURE);
    other = r;
    other.row.chosen[0]++;
    assert_int_equal(sg_resolution_verify(&other, NULL), SG_RESOLUTION_BAD_SIGNATURE);
    other = r;
    other.row.ts_s++;
    assert_int_equal(sg_resolution_verify(&other, NULL), SG_RESOLUTION_BAD_SIGNATURE);
    other = r;
    other.row.why = SG_BYTES_LIT("clock had been set!");
    assert_int_equal(sg_resolution_verify(&other, NULL), SG_RESOLUTION_BAD_SIGNATURE);
    other = r;
    other.row.who = SG_BYTES_LIT("Bia Souza");
    assert_int_equal(sg_resolution_verify(&other, NULL), SG_RESOLUTION_BAD_SIGNATURE);
    operators.n_roots = 0;
    assert_int_equal(sg_resolution_verify(&r, &operators), SG_RESOLUTION_UNTRUSTED);

    assert_int_equal(sg_resolutions_encode(&r.row, 1, &section), 0);
    assert_int_equal(sg_resolutions_decode(sg_buf_bytes(&section), &back, &n), 0);
    assert_int_equal(n, 1);
    r.row = back[0];
    assert_int_equal(sg_resolution_verify(&r, NULL), 0);
    assert_int_equal(sg_resolutions_encode(back, 1, &again), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&section), sg_buf_bytes(&again)));
    for (size_t cut = 0; cut < section.len; cut++) {
        struct sg_row_resolution *none = NULL;
        assert_int_equal(sg_resolutions_decode(SG_BYTES(section.data, cut), &none, &n),
                         SG_RESOLUTIONS_MALFORMED);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, clear)
    const struct CMUnitTest tests[] = {T(nobody_chose),
                                       T(the_first_counts),
                                       T(one_choice_is_not_two),
                                       T(the_second_counts),
                                       T(a_forged_choice_settles_nothing),
                                       T(a_choice_makes_no_reading),
                                       T(both_tellings_are_shown_and_one_is_billed),
                                       T(a_record_is_verified)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
