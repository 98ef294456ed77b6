#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../libs/billing/test-fixture.c"

#include "fleet.h"
#include "source.h"
#include "store-fixture.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>

static struct fixture f;
static struct sg_kv_memory *memory;
static struct sg_kv *kv;
static char folder[] = "/tmp/sg-test-bill.XXXXXX";

/* ---- the store as an authenticator leaves it ------------------------------------------------ */

static const char *serial_of(int meter)
{
    return f.installations.records[meter].serial;
}

static void put_meter(int meter)
{
    const struct sg_installation *in = &f.installations.records[meter];
    sx_put_meter(kv, in->client, in->serial, in->from_s, in->cert);
}

static void put_block(int meter, int day)
{
    const struct sg_block_evidence *e = &f.blocks[meter][day]->evidence;
    sx_put_block(kv, FX_CLIENT + meter, e, e->header.root);
}

static void put_reading(int meter, const struct sg_reading *reading, enum sg_row_origin origin)
{
    sx_put_reading(kv, FX_CLIENT + meter, serial_of(meter), reading, origin);
}

static void delete_reading(int meter, int64_t ts_s)
{
    sx_take_at(kv, FX_CLIENT + meter, SG_TABLE_READING, ts_s);
}

static void put_conflict(int meter, const struct sg_reading *reading)
{
    sx_put_conflict(kv, FX_CLIENT + meter, serial_of(meter), reading);
}

static int make(void **state)
{
    (void)state;
    if (fx_make(&f) || sg_kv_memory_new(&memory) || sg_kv_open_memory(&kv, memory))
        return -1;
    for (int meter = 0; meter < 2; meter++) {
        put_meter(meter);
        for (int day = 0; day < FX_DAYS; day++) {
            put_block(meter, day);
            for (int i = 0; i < 96; i++)
                put_reading(meter, &f.blocks[meter][day]->readings[i], SG_ORIGIN_METROLOGY);
        }
    }
    return mkdtemp(folder) ? 0 : -1;
}

static int clear(void **state)
{
    (void)state;
    sg_kv_free(kv);
    sg_kv_memory_free(memory);
    fx_clear(&f);
    return sg_remove_tree(folder);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static int open_session(void *user, struct sg_kv **ret)
{
    return sg_kv_open_memory(ret, user);
}

static struct bill_options options = {.out = folder, .upload = true, .threads = 2};

static struct fleet fleet_of(int64_t from_s, int64_t until_s)
{
    struct fleet fleet = {.options = &options,
                          .tariff = f.tariff,
                          .from_s = from_s,
                          .until_s = until_s,
                          .open_kv = open_session,
                          .user = memory};
    output_period_name(fleet.period, f.tariff, from_s, until_s);
    return fleet;
}

static int bill_one(int64_t from_s, int64_t until_s, struct sg_bill *ret, struct refusal *why)
{
    SG_CLEANUP(client_clear) struct client c = {.id = 0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(SG_BILL_JSON_MAX);
    struct fleet fleet = fleet_of(from_s, until_s);
    const struct fleet_stores stores = {kv, NULL};
    return fleet_one(&fleet, &stores, &c, FX_CLIENT, ret, &json, why);
}

static unsigned findings;

static void count(void *user, const struct sg_audit_finding *finding)
{
    (void)user;
    (void)finding;
    findings++;
}

static void audit_object(const char *evidence_name, const struct sg_bill *bill)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf packed = SG_BUF_INIT(1 << 24);
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_EVIDENCE_MAX);
    struct sg_audit_result result;

    assert_int_equal(sg_kv_object_get(kv, EVIDENCE_BUCKET, evidence_name, &packed), 0);
    assert_int_equal(sg_evidence_unpack(sg_buf_bytes(&packed), &evidence), 0);
    const struct sg_audit_input in = {.bill = bill,
                                      .bill_hash_ok = true,
                                      .evidence = sg_buf_bytes(&evidence),
                                      .installations = &f.installations,
                                      .authority = &f.authority,
                                      .tariff = f.tariff};
    findings = 0;
    assert_int_equal(sg_audit_run(&in, count, NULL, &result), 0);
    assert_int_equal(findings, 0);
}

/* Some readings of the first meter's first day as a block of their own, signed again. */
static void put_part(unsigned at, unsigned n, bool take_away)
{
    const struct sg_reading *readings = f.blocks[0][0]->readings + at;
    struct sg_block_header header = f.blocks[0][0]->evidence.header;
    uint8_t seed[SG_BLOCK_SEED_LEN] = {0x77, (uint8_t)at};
    SG_CLEANUP(sg_buf_clear) struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX);
    struct sg_reading back[SG_BLOCK_READINGS_MAX];
    /* Before and behind the day's own key, by turns. */
    const uint8_t digest[SG_ROW_DIGEST_LEN] = {at % 2 ? 0xff : 0};
    struct sg_block_evidence e;
    struct sx_record r;

    header.first_seq += at;
    header.first_ts_s = readings->ts_s;
    assert_int_equal(
        sg_block_sign(&header, readings, n, f.meter_key[0], SG_SIGN_ES256, seed, &wire), 0);
    assert_int_equal(sg_block_decode(sg_buf_bytes(&wire), &e, back), 0);
    if (!take_away) {
        sx_put_block(kv, FX_CLIENT, &e, digest);
        return;
    }
    sx_record_init(&r, FX_CLIENT);
    assert_int_equal(sg_row_block_sort(&r.sort, &e.header, digest), 0);
    sx_take(kv, SG_TABLE_BLOCK, &r);
}

/* A reading sent at once and its day later, both signed, both stored. */
static void readings_told_by_two_blocks_are_proved_by_one(void **state)
{
    (void)state;
    static const struct {
        unsigned at, n;
    } parts[] = {{0, 1}, {1, 1}, {40, 9}, {42, 3}, {95, 1}};
    const size_t n = sizeof(parts) / sizeof(parts[0]);
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct refusal why;
    char path[256], period[PERIOD_NAME_MAX];

    for (size_t i = 0; i < n; i++)
        put_part(parts[i].at, parts[i].n, false);
    assert_int_equal(bill_one(FX_FROM, FX_UNTIL, &bill, &why), 0);
    assert_null(sg_bill_difference(&bill, &f.bill));
    output_period_name(period, f.tariff, FX_FROM, FX_UNTIL);
    snprintf(path, sizeof(path), "evidence/%lld/%s.cbor", (long long)FX_CLIENT, period);
    audit_object(path, &bill);
    for (size_t i = 0; i < n; i++)
        put_part(parts[i].at, parts[i].n, true);
}

static void the_fleet_is_billed_and_every_bill_passes_the_audit(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_FREE int64_t *clients = NULL;
    struct fleet fleet = fleet_of(FX_FROM, FX_UNTIL);
    struct fleet_result result;
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    char path[256];

    assert_int_equal(sg_table_clients(kv, &clients, &fleet.n_clients), 0);
    assert_int_equal(fleet.n_clients, 2);
    fleet.clients = clients;
    assert_int_equal(fleet_run(&fleet, NULL, &result), 0);
    assert_int_equal(result.bills, 2);
    assert_int_equal(result.readings, 2 * 96 * FX_DAYS);
    assert_int_equal(result.missing, 0);
    assert_int_equal(result.n_refusals, 0);

    snprintf(path, sizeof(path), "%s/bill/%lld/%s.json", folder, (long long)FX_CLIENT,
             fleet.period);
    assert_int_equal(sg_file_read(path, &json), 0);
    assert_int_equal(sg_bill_read(sg_buf_bytes(&json), &bill), 0);
    assert_null(sg_bill_difference(&bill, &f.bill));
    snprintf(path, sizeof(path), "evidence/%lld/%s.cbor", (long long)FX_CLIENT, fleet.period);
    audit_object(path, &bill);
}

/* A period that cuts through both day blocks: evidence holds them whole. */
static void a_period_may_cut_blocks(void **state)
{
    (void)state;
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct refusal why;
    char name[128], period[PERIOD_NAME_MAX];

    assert_int_equal(bill_one(FX_FROM + 3600, FX_FROM + 36 * 3600, &bill, &why), 0);
    assert_int_equal(bill.billed, 35 * 4);
    assert_int_equal(bill.missing, 0);
    output_period_name(period, f.tariff, FX_FROM + 3600, FX_FROM + 36 * 3600);
    assert_string_equal(period, "20260901T040000Z-20260902T150000Z");
    snprintf(name, sizeof(name), "evidence/%lld/%s.cbor", (long long)FX_CLIENT, period);
    audit_object(name, &bill);
}

static void months_have_their_name(void **state)
{
    (void)state;
    char period[PERIOD_NAME_MAX];
    output_period_name(period, f.tariff, FX_FROM, FX_FROM + INT64_C(30) * 86400);
    assert_string_equal(period, "2026-09");
}

static void an_unsigned_reading_refuses_the_bill(void **state)
{
    (void)state;
    const struct sg_reading *reading = &f.blocks[0][0]->readings[5];
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct refusal why;

    put_reading(0, reading, SG_ORIGIN_SQL);
    assert_int_equal(bill_one(FX_FROM, FX_UNTIL, &bill, &why), ISSUE_REFUSED);
    assert_string_equal(why.word, "reading.unsigned");
    assert_int_equal(why.ts_s, reading->ts_s);
    put_reading(0, reading, SG_ORIGIN_METROLOGY);
    assert_int_equal(bill_one(FX_FROM, FX_UNTIL, &bill, &why), 0);
}

static void a_changed_or_lost_row_refuses_the_bill(void **state)
{
    (void)state;
    struct sg_reading changed = f.blocks[0][1]->readings[50];
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct refusal why;

    changed.field[SG_READING_interval_energy]++;
    put_reading(0, &changed, SG_ORIGIN_METROLOGY);
    assert_int_equal(bill_one(FX_FROM, FX_UNTIL, &bill, &why), ISSUE_REFUSED);
    assert_string_equal(why.word, "block.altered");
    delete_reading(0, changed.ts_s);
    assert_int_equal(bill_one(FX_FROM, FX_UNTIL, &bill, &why), ISSUE_REFUSED);
    assert_string_equal(why.word, "block.incomplete");
    put_reading(0, &f.blocks[0][1]->readings[50], SG_ORIGIN_METROLOGY);
    assert_int_equal(bill_one(FX_FROM, FX_UNTIL, &bill, &why), 0);
}

static void an_empty_stretch_is_counted_not_invented(void **state)
{
    (void)state;
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct refusal why;

    assert_int_equal(bill_one(FX_FROM, FX_UNTIL + 86400, &bill, &why), 0);
    assert_int_equal(bill.billed, 96 * FX_DAYS);
    assert_int_equal(bill.missing, 96);
}

static void damage_is_a_failure_not_a_short_bill(void **state)
{
    (void)state;
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct refusal why;

    sg_kv_memory_damage_after(memory, 100);
    assert_int_equal(bill_one(FX_FROM, FX_UNTIL, &bill, &why), -EUCLEAN);
    sg_kv_memory_damage_after(memory, -1);
}

/* Last, because the conflict stays. */
static void a_conflict_blocks_that_client_alone(void **state)
{
    (void)state;
    SG_FREE int64_t *clients = NULL;
    struct fleet fleet = fleet_of(FX_FROM, FX_UNTIL);
    struct sg_reading other = f.blocks[0][0]->readings[7];
    struct fleet_result result;

    other.field[SG_READING_interval_energy] = 1;
    put_conflict(0, &other);
    assert_int_equal(sg_table_clients(kv, &clients, &fleet.n_clients), 0);
    fleet.clients = clients;
    assert_int_equal(fleet_run(&fleet, NULL, &result), 0);
    SG_FREE struct fleet_refusal *refusals = result.refusals;
    assert_int_equal(result.bills, 1);
    assert_int_equal(result.n_refusals, 1);
    assert_int_equal(refusals[0].client, FX_CLIENT);
    assert_string_equal(refusals[0].word, "reading.conflict");
}

/* ---- contracts ------------------------------------------------------------------------------ */

/* NULL: takes the row away. */
static void put_contract(int64_t from_day, const char *terms)
{
    const struct sg_row_contract row = {from_day, sg_bytes_str(terms ? terms : "{}")};
    struct sx_record r;

    if (!terms) {
        sx_take_at(kv, FX_CLIENT, SG_TABLE_CONTRACT, from_day);
        return;
    }
    sx_record_init(&r, FX_CLIENT);
    assert_int_equal(sg_row_int_sort(&r.sort, from_day), 0);
    assert_int_equal(sg_row_contract_encode(&r.value, &row), 0);
    sx_put(kv, SG_TABLE_CONTRACT, &r);
}

#define SEPTEMBER 20697 /* 2026-09-01 */

static void contracts_of_the_store_are_used(void **state)
{
    (void)state;
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    struct refusal why;

    put_contract(SEPTEMBER - 31, "{\"client\": 3000000001, \"from\": \"2026-08-01\", \"until\": "
                                 "\"2026-09-01\", \"phases\": 1}");
    put_contract(SEPTEMBER, "{\"client\": 3000000001, \"from\": \"2026-09-01\", \"until\": null, "
                            "\"phases\": 3}");
    assert_int_equal(bill_one(FX_FROM, FX_UNTIL, &bill, &why), 0);
    assert_true(bill.has_contract);
    assert_int_equal(bill.contract.phases, 3);
    assert_int_equal(bill.contract.from_day, SEPTEMBER);
    /* Of another client; of another day; two at a time; no contract at all. */
    static const char *const bad[] = {
        "{\"client\": 3000000002, \"from\": \"2026-09-01\", \"until\": null}",
        "{\"client\": 3000000001, \"from\": \"2026-09-02\", \"until\": null}", "{}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        put_contract(SEPTEMBER, bad[i]);
        assert_int_equal(bill_one(FX_FROM, FX_UNTIL, &bill, &why), ISSUE_REFUSED);
        assert_string_equal(why.word, "contract.bad");
    }
    put_contract(SEPTEMBER - 31, "{\"client\": 3000000001, \"from\": \"2026-08-01\", \"until\": "
                                 "null}");
    put_contract(SEPTEMBER, "{\"client\": 3000000001, \"from\": \"2026-09-01\", \"until\": null}");
    assert_int_equal(bill_one(FX_FROM, FX_UNTIL, &bill, &why), ISSUE_REFUSED);
    assert_string_equal(why.word, "contract.bad");
    put_contract(SEPTEMBER - 31, NULL);
    put_contract(SEPTEMBER, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fleet_is_billed_and_every_bill_passes_the_audit),
        cmocka_unit_test(readings_told_by_two_blocks_are_proved_by_one),
        cmocka_unit_test(a_period_may_cut_blocks),
        cmocka_unit_test(months_have_their_name),
        cmocka_unit_test(contracts_of_the_store_are_used),
        cmocka_unit_test(an_unsigned_reading_refuses_the_bill),
        cmocka_unit_test(a_changed_or_lost_row_refuses_the_bill),
        cmocka_unit_test(an_empty_stretch_is_counted_not_invented),
        cmocka_unit_test(damage_is_a_failure_not_a_short_bill),
        cmocka_unit_test(a_conflict_blocks_that_client_alone),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
