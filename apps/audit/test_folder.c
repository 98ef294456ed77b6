#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../libs/billing/test-fixture.c"

#include "folder.h"
#include "summary.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>

#include <fcntl.h>
#include <ftw.h>
#include <unistd.h>

static struct fixture f;
static struct sg_buf bill_json = SG_BUF_INIT(SG_BILL_JSON_MAX);
static struct sg_buf items = SG_BUF_INIT(1 << 20); /* of the summary */
static char dir[] = "/tmp/sealgrid-audit-XXXXXX";

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    return at->level == 0 ? 0 : remove(path);
}

static int make(void **state)
{
    (void)state;
    int r = fx_make(&f);
    if (!r)
        r = sg_bill_write(&f.bill, &bill_json);
    return r || !mkdtemp(dir) ? -1 : 0;
}

static int clear(void **state)
{
    (void)state;
    fx_clear(&f);
    sg_buf_clear(&bill_json);
    sg_buf_clear(&items);
    return rmdir(dir);
}

static int empty(void **state)
{
    (void)state;
    return nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void put_file(const char *kind, const char *folder, const char *leaf, struct sg_bytes octets)
{
    char path[400];

    snprintf(path, sizeof(path), "%s/%s/%s", dir, kind, folder);
    assert_int_equal(sg_mkdir_p(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/%s/%s/%s", dir, kind, folder, leaf);
    SG_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(sg_write_all(fd, octets), 0);
}

/* The fixture's honest bill and evidence under a name. */
static void put_honest(const char *folder, const char *period)
{
    char leaf[64];

    snprintf(leaf, sizeof(leaf), "%s.json", period);
    put_file("bill", folder, leaf, sg_buf_bytes(&bill_json));
    snprintf(leaf, sizeof(leaf), "%s.cbor", period);
    put_file("evidence", folder, leaf, sg_buf_bytes(&f.evidence));
}

static struct sg_tariff *own_tariff;            /* beside the fixture's; NULL: none */
static const struct sg_contracts *contracts_of; /* by which put_next_day bills */

static struct folder_result audit(struct sg_buf *reports)
{
    struct sg_tariff *tariffs[] = {f.tariff, own_tariff};
    const struct authority_files files = {.installations = &f.installations,
                                          .authority = &f.authority,
                                          .tariffs = tariffs,
                                          .n_tariffs = own_tariff ? 2 : 1};
    struct folder_result result;

    sg_buf_reset(reports);
    sg_buf_reset(&items);
    assert_int_equal(audit_folder(&files, dir, 2, false, reports, &items, &result), 0);
    assert_int_equal(sg_buf_append_u8(reports, 0), 0);
    return result;
}

static void expect(const struct sg_buf *reports, const char *text, bool there)
{
    if ((strstr((const char *)reports->data, text) != NULL) != there)
        fail_msg("%s %s: %s", text, there ? "not in" : "in", (const char *)reports->data);
}

static void one_honest_bill_passes(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf reports = SG_BUF_INIT(1 << 20);

    put_honest("3000000001", "2026-09");
    struct folder_result r = audit(&reports);
    assert_int_equal(r.bills, 1);
    assert_int_equal(r.bad + r.unusable, 0);
    assert_int_equal(r.readings, 192);
}

/* Each of the two is sound by itself; together they charge the same readings twice. */
static void the_same_time_on_two_bills_is_named(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf reports = SG_BUF_INIT(1 << 20);

    put_honest("3000000001", "2026-09");
    put_honest("3000000001", "2026-09-second");
    struct folder_result r = audit(&reports);
    assert_int_equal(r.bills, 2);
    assert_int_equal(r.bad, 1);
    expect(&reports, "bill.overlap", true);
    expect(&reports, "bill.misfiled", false);
}

/* A second bill of the first of the two days: sound, with a root of its own, and everything on it
 * charged already. */
static void a_second_bill_of_a_part_is_named(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf reports = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 20);
    const struct sg_bill_install install = {"10000000", FX_FROM, INT64_MAX, 1, 1, NULL};
    const struct sg_evidence_head head = {FX_CLIENT, FX_FROM, FX_FROM + 86400, 1};
    const struct sg_bill_input in = {.tariff = f.tariff,
                                     .client = FX_CLIENT,
                                     .from_s = head.from_s,
                                     .until_s = head.until_s,
                                     .installs = &install,
                                     .n_installs = 1};

    assert_int_equal(sg_billing_new(&b, &in), 0);
    for (uint32_t i = 0; i < 96; i++) {
        const struct sg_reading *r = &f.blocks[0][0]->readings[i];
        const struct sg_bill_reading reading = {.serial = "10000000",
                                                .ts_s = r->ts_s,
                                                .energy_wh = r->field[SG_READING_interval_energy],
                                                .reactive_varh = INT64_MIN,
                                                .leaf = f.blocks[0][0]->leaves[i]};
        assert_int_equal(sg_billing_add(b, &reading), 0);
    }
    assert_int_equal(sg_billing_finish(b, &bill), 0);
    assert_memory_not_equal(bill.root, f.bill.root, 32);
    assert_int_equal(sg_bill_write(&bill, &json), 0);
    assert_int_equal(sg_evidence_put_head(&file, &head), 0);
    assert_int_equal(sg_evidence_put_block(&file, f.blocks[0][0]), 0);
    put_file("bill", "3000000001", "day.json", sg_buf_bytes(&json));
    put_file("evidence", "3000000001", "day.cbor", sg_buf_bytes(&file));
    struct folder_result r = audit(&reports);
    assert_int_equal(r.bad, 0); /* by itself there is nothing wrong with it */
    put_honest("3000000001", "2026-09");
    r = audit(&reports);
    assert_int_equal(r.bad, 1);
    expect(&reports, "bill.overlap", true);
}

/* Every bill is in the summary by its hash, the unusable ones too, and what was found beside it. */
static void a_summary_has_every_bill(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf reports = SG_BUF_INIT(1 << 20);
    static const enum summary_state due[] = {SUMMARY_OK, SUMMARY_FOUND, SUMMARY_UNUSABLE};
    struct summary_item item;
    uint8_t hash[32];

    put_honest("3000000001", "2026-09");
    put_honest("3000000001", "2026-09-second");
    put_file("bill", "3000000002", "2026-09.json", SG_BYTES_LIT("no bill"));
    audit(&reports);
    struct sg_reader in = sg_reader_over(sg_buf_bytes(&items));
    sg_sha256(hash, sg_buf_bytes(&bill_json));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(summary_next(&in, &item), 0);
        assert_int_equal(item.state, due[i]);
        assert_true(item.has_bill);
        assert_int_equal(item.has_evidence, i < 2);
        assert_int_equal(memcmp(item.bill_file, hash, 32) == 0, i < 2);
    }
    assert_int_equal(in.left, 0);
    in = sg_reader_over(sg_buf_bytes(&items));
    assert_int_equal(summary_next(&in, &item), 0);
    assert_int_equal(summary_next(&in, &item), 0);
    assert_int_equal(item.n_codes, 1);
    assert_true(sg_bytes_equal(item.codes[0], SG_BYTES_LIT("bill.overlap")));
}

static void a_bill_in_anothers_place_is_named(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf reports = SG_BUF_INIT(1 << 20);

    put_honest("3000000002", "2026-09");
    struct folder_result r = audit(&reports);
    assert_int_equal(r.bills, 1);
    assert_int_equal(r.bad, 1);
    expect(&reports, "bill.misfiled", true);
}

static void a_doctored_explanation_is_named(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf reports = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(SG_BILL_JSON_MAX);

    assert_int_equal(sg_buf_append(&json, sg_buf_bytes(&bill_json)), 0);
    uint8_t *at = memmem(json.data, json.len, "\"wh_by_meter\":[", 15);
    assert_non_null(at);
    at[15] = at[15] == '9' ? '1' : '9';
    put_file("bill", "3000000001", "2026-09.json", sg_buf_bytes(&json));
    put_file("evidence", "3000000001", "2026-09.cbor", sg_buf_bytes(&f.evidence));
    struct folder_result r = audit(&reports);
    assert_int_equal(r.bad, 1);
    expect(&reports, "bill.trace", true);
    expect(&reports, "bill.hash", false);
}

/* The day after the fixture's, its readings numbered from first_seq, billed and filed. */
static void put_next_day(uint64_t first_seq)
{
    static struct sg_evidence_block block;
    const struct sg_bill_install install = {"10000000", FX_FROM, INT64_MAX, 1, 1, NULL};
    const struct sg_evidence_head head = {FX_CLIENT, FX_UNTIL, FX_UNTIL + 86400, 1};
    struct sg_block_header header = f.blocks[0][1]->evidence.header;
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf wire = SG_BUF_INIT(SG_BLOCK_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(SG_BILL_JSON_MAX);
    const uint8_t seed[SG_BLOCK_SEED_LEN] = {9};
    struct sg_reading readings[96];
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    const struct sg_bill_input in = {.tariff = own_tariff ? own_tariff : f.tariff,
                                     .client = FX_CLIENT,
                                     .from_s = head.from_s,
                                     .until_s = head.until_s,
                                     .installs = &install,
                                     .n_installs = 1,
                                     .contracts = contracts_of};

    make_readings(readings, 0, 2);
    for (unsigned i = 0; i < 96; i++)
        readings[i].seq = first_seq + i;
    header.first_seq = first_seq;
    header.first_ts_s = readings[0].ts_s;
    assert_int_equal(
        sg_block_sign(&header, readings, 96, f.meter_key[0], SG_SIGN_ES256, seed, &wire), 0);
    assert_int_equal(sg_block_decode(sg_buf_bytes(&wire), &block.evidence, block.readings), 0);
    block.n_readings = block.n_leaves = 96;
    assert_int_equal(sg_billing_new(&b, &in), 0);
    for (uint32_t i = 0; i < 96; i++) {
        assert_int_equal(sg_block_reading_hash(seed, i, &readings[i], block.leaves[i]), 0);
        const struct sg_bill_reading reading = {.serial = "10000000",
                                                .ts_s = readings[i].ts_s,
                                                .energy_wh =
                                                    readings[i].field[SG_READING_interval_energy],
                                                .reactive_varh = INT64_MIN,
                                                .leaf = block.leaves[i]};
        assert_int_equal(sg_billing_add(b, &reading), 0);
    }
    assert_int_equal(sg_billing_finish(b, &bill), 0);
    assert_int_equal(sg_bill_write(&bill, &json), 0);
    assert_int_equal(sg_evidence_put_head(&file, &head), 0);
    assert_int_equal(sg_evidence_put_block(&file, &block), 0);
    put_file("bill", "3000000001", "next.json", sg_buf_bytes(&json));
    put_file("evidence", "3000000001", "next.cbor", sg_buf_bytes(&file));
}

static void numbers_run_on_from_bill_to_bill(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf reports = SG_BUF_INIT(1 << 20);

    put_honest("3000000001", "2026-09");
    put_next_day(193);
    struct folder_result r = audit(&reports);
    assert_int_equal(r.bills, 2);
    assert_int_equal(r.bad + r.unusable, 0);
}

/* The last day told once more after its end, with other figures, and kept back: either bill alone
 * has all its intervals. */
static void what_lies_on_neither_of_two_bills_is_named(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf reports = SG_BUF_INIT(1 << 20);

    put_honest("3000000001", "2026-09");
    put_next_day(193 + 96);
    struct folder_result r = audit(&reports);
    assert_int_equal(r.bills, 2);
    assert_int_equal(r.bad, 1);
    expect(&reports, "reading.missing", true);
    expect(&reports, "96 recorded by the meter", true);
}

/* The fixture's two days under a tariff that sets off what was sent out, with a credit of 100 kWh.
 */
static int64_t put_netted(struct sg_contract_credit *credit)
{
    SG_CLEANUP(sg_billing_freep) struct sg_billing *b = NULL;
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(SG_BILL_JSON_MAX);
    const struct sg_bill_install install = {"10000000", FX_FROM, INT64_MAX, 1, 1, NULL};
    const struct sg_bill_input in = {.tariff = own_tariff,
                                     .client = FX_CLIENT,
                                     .from_s = FX_FROM,
                                     .until_s = FX_UNTIL,
                                     .installs = &install,
                                     .n_installs = 1,
                                     .contracts = contracts_of};

    credit->wh = 100000;
    assert_int_equal(sg_billing_new(&b, &in), 0);
    assert_int_equal(add_readings(&f, b), 0);
    assert_int_equal(sg_billing_finish(b, &bill), 0);
    assert_int_equal(bill.n_credits, 1);
    assert_int_equal(sg_bill_write(&bill, &json), 0);
    put_file("bill", "3000000001", "2026-09.json", sg_buf_bytes(&json));
    put_file("evidence", "3000000001", "2026-09.cbor", sg_buf_bytes(&f.evidence));
    return bill.credits[0].wh;
}

/* A dishonest customer, or a careless utility: the same credit on two bills, or none on the second.
 */
static void credits_go_from_bill_to_bill(void **state)
{
    (void)state;
    static const char yaml[] =
        "format: 2\nid: netted\ncurrency: BRL\ndecimals: 2\nzone: America/Sao_Paulo\n"
        "interval_minutes: 15\nrounding: half-even\nposts: [{name: all}]\ncharges:\n"
        "  - {name: e, kind: energy, rates: [{rate: 0.5}]}\n"
        "  - {name: net, kind: net_metering, carry_months: 60,"
        " rates: [{from: 2026-01-01, percent: {e: 100}}]}\n";
    SG_CLEANUP(sg_buf_clear) struct sg_buf reports = SG_BUF_INIT(1 << 20);
    struct sg_contract_credit credit = {.month = 2026 * 12 + 7, .post = "all"};
    struct sg_contract contract = {.client = FX_CLIENT,
                                   .from_day = 20000,
                                   .until_day = SG_CONTRACT_NEVER,
                                   .credits = &credit,
                                   .n_credits = 1};
    const struct sg_contracts contracts = {&contract, 1};
    struct sg_yaml_error why;

    assert_int_equal(sg_tariff_parse(&own_tariff, sg_bytes_str(yaml), &why), 0);
    contracts_of = &contracts;
    for (int what = 0; what < 3; what++) {
        int64_t left = put_netted(&credit);
        assert_true(left > 0 && left < 100000);
        if (what == 0)
            credit.wh = left; /* and 100 kWh once more, or nothing */
        contract.n_credits = what < 2;
        put_next_day(193);
        contract.n_credits = 1;
        struct folder_result r = audit(&reports);
        assert_int_equal(r.bills, 2);
        assert_int_equal(r.bad, what > 0);
        expect(&reports, "bill.credits", what > 0);
        assert_int_equal(empty(state), 0);
    }
    sg_tariff_free(own_tariff);
    own_tariff = NULL;
    contracts_of = NULL;
}

/* A file that is nothing but findings is refused, and others are judged all the same. */
static void a_flood_of_findings_ends_nothing(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf reports = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf flood = SG_BUF_INIT(SG_EVIDENCE_MAX);
    const struct sg_evidence_block *blocks[100];

    for (size_t i = 0; i < 100; i++)
        blocks[i] = f.blocks[0][i % 2];
    assert_int_equal(fx_evidence(blocks, 100, &flood), 0);
    put_honest("3000000001", "2026-09");
    put_file("bill", "3000000002", "flood.json", sg_buf_bytes(&bill_json));
    put_file("evidence", "3000000002", "flood.cbor", sg_buf_bytes(&flood));
    struct folder_result r = audit(&reports);
    assert_int_equal(r.bills, 2);
    assert_int_equal(r.bad, 1);
    expect(&reports, "\"found\":9408,", true); /* 98 blocks too many */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(one_honest_bill_passes, empty),
        cmocka_unit_test_teardown(the_same_time_on_two_bills_is_named, empty),
        cmocka_unit_test_teardown(a_second_bill_of_a_part_is_named, empty),
        cmocka_unit_test_teardown(a_summary_has_every_bill, empty),
        cmocka_unit_test_teardown(a_bill_in_anothers_place_is_named, empty),
        cmocka_unit_test_teardown(a_doctored_explanation_is_named, empty),
        cmocka_unit_test_teardown(numbers_run_on_from_bill_to_bill, empty),
        cmocka_unit_test_teardown(what_lies_on_neither_of_two_bills_is_named, empty),
        cmocka_unit_test_teardown(credits_go_from_bill_to_bill, empty),
        cmocka_unit_test_teardown(a_flood_of_findings_ends_nothing, empty),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
