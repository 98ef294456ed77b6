/* Rows as the authenticators write them (meter/rows.h), read through SQL column by column. */
#include "test-kv.h"

#include <sealgrid/meter/rows.h>

#define CLIENT INT64_C(3123456789)

static void put(struct fixture *f, uint32_t table, struct sg_bytes sort, struct sg_bytes value)
{
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(SG_ROW_KEY_MAX);
    assert_int_equal(sg_row_client_partition(&partition, CLIENT), 0);
    struct sg_kv_op op = {
        .kind = SG_KV_INSERT, .key = {table, sg_buf_bytes(&partition), sort}, .value = value};
    assert_int_equal(sg_kv_open_memory(&kv, f->memory), 0);
    assert_int_equal(sg_kv_batch(kv, "metering", &op, 1, NULL), 0);
}

static struct sg_row_reading a_reading(void)
{
    struct sg_row_reading row = {.serial = "12345678", .origin = SG_ORIGIN_EDGE};
    row.reading.seq = 77;
    row.reading.ts_s = 1788232500;
    for (int i = 0; i < SG_READING_N_FIELDS; i++)
        row.reading.field[i] = i;
    row.reading.field[SG_READING_temperature] = SG_READING_NA;
    row.reading.field[SG_READING_active_power_a] = -5;
    return row;
}

/* Every field stands in the column of its own name. */
static void expect_fields(struct fixture *f, const char *table)
{
    struct sg_row_reading row = a_reading();
    for (int i = 0; i < SG_READING_N_FIELDS; i++) {
        char sql[128], expected[32];
        snprintf(sql, sizeof(sql), "SELECT %s FROM %s", sg_reading_names[i], table);
        if (row.reading.field[i] == SG_READING_NA)
            snprintf(expected, sizeof(expected), "null;");
        else
            snprintf(expected, sizeof(expected), "%lld;", (long long)row.reading.field[i]);
        expect_rows(f, sql, expected);
    }
}

static void t_reading(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(SG_ROW_READING_MAX);
    struct sg_row_reading row = a_reading();
    assert_int_equal(sg_row_int_sort(&sort, row.reading.ts_s), 0);
    assert_int_equal(sg_row_reading_encode(&value, &row), 0);
    put(f, SG_TABLE_READING, sg_buf_bytes(&sort), sg_buf_bytes(&value));
    expect_rows(f, "SELECT client_id, ts, meter_serial, seq, origin FROM reading",
                "3123456789 1788232500 '12345678' 77 1;");
    expect_fields(f, "reading");
}

/* And the other way: a row inserted through SQL decodes as a reading, unsigned. */
static void t_inserted_reading(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(SG_ROW_READING_MAX);
    struct sg_row_reading row;
    expect_done(f, "INSERT INTO reading (client_id, ts, meter_serial, seq, demand, origin) "
                   "VALUES (3123456789, 900, '12345678', 5, 42, 0)");
    assert_int_equal(sg_row_client_partition(&partition, CLIENT), 0);
    assert_int_equal(sg_row_int_sort(&sort, 900), 0);
    assert_int_equal(sg_kv_open_memory(&kv, f->memory), 0);
    struct sg_kv_key key = {SG_TABLE_READING, sg_buf_bytes(&partition), sg_buf_bytes(&sort)};
    assert_int_equal(sg_kv_get(kv, "metering", key, &value), 0);
    assert_int_equal(sg_row_reading_decode(sg_buf_bytes(&sort), sg_buf_bytes(&value), &row), 0);
    assert_int_equal(row.origin, SG_ORIGIN_SQL);
    assert_int_equal(row.reading.field[SG_READING_demand], 42);
    assert_int_equal(row.reading.field[SG_READING_voltage_a], SG_READING_NA);
}

static void t_conflict(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(SG_ROW_READING_MAX);
    struct sg_row_conflict row = {.row = a_reading(), .received_ts_s = 1788240000};
    uint8_t digest[SG_ROW_DIGEST_LEN] = {0xab, 0, 1};
    assert_int_equal(sg_row_conflict_sort(&sort, &row.row.reading, digest), 0);
    assert_int_equal(sg_row_conflict_encode(&value, &row), 0);
    put(f, SG_TABLE_READING_CONFLICT, sg_buf_bytes(&sort), sg_buf_bytes(&value));
    expect_rows(f,
                "SELECT client_id, ts, meter_serial, seq, origin, received_ts, hex(digest) "
                "FROM reading_conflict",
                "3123456789 1788232500 '12345678' 77 1 1788240000 "
                "'AB000100000000000000000000000000';");
    expect_fields(f, "reading_conflict");
}

static void t_installation(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(4096);
    struct sg_row_installation row = {.client_id = CLIENT,
                                      .from_ts_s = 1000,
                                      .serial = "87654321",
                                      .open = true,
                                      .ratio_num = 20,
                                      .ratio_den = 1,
                                      .metrology_cert = SG_BYTES_LIT("\x30\x03xyz"),
                                      .tariff_class = "B1"};
    assert_int_equal(sg_row_int_sort(&sort, row.from_ts_s), 0);
    assert_int_equal(sg_row_installation_encode(&value, &row), 0);
    put(f, SG_TABLE_INSTALLATION, sg_buf_bytes(&sort), sg_buf_bytes(&value));
    expect_rows(f, "SELECT * FROM installation",
                "3123456789 1000 '87654321' null 20 1 x300378797a 'B1';");
    expect_done(f, "UPDATE installation SET until_ts = 2000 WHERE client_id = 3123456789");
    expect_rows(f, "SELECT until_ts, class FROM installation", "2000 'B1';");
}

static void t_estimate(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(4096);
    const struct sg_row_estimate row = {.ts_s = 1788232500,
                                        .inputs = {0xab},
                                        .serial = "12345678",
                                        .energy_wh = 120,
                                        .reactive_varh = SG_READING_NA,
                                        .rule = "short-gap",
                                        .parameters = "method=linear up_to_minutes=120",
                                        .rules = {0xcd},
                                        .adjusted = true,
                                        .made_ts_s = 1788240000};
    assert_int_equal(sg_row_estimate_sort(&sort, row.ts_s, row.inputs), 0);
    assert_int_equal(sg_row_estimate_encode(&value, &row), 0);
    put(f, SG_TABLE_ESTIMATE, sg_buf_bytes(&sort), sg_buf_bytes(&value));
    expect_rows(f,
                "SELECT client_id, ts, substr(hex(inputs), 1, 4), meter_serial, energy_wh, "
                "reactive_varh, rule, parameters, substr(hex(rules), 1, 4), adjusted, made_ts "
                "FROM estimate",
                "3123456789 1788232500 'AB00' '12345678' 120 null 'short-gap' "
                "'method=linear up_to_minutes=120' 'CD00' 1 1788240000;");
}

/* Written through SQL, it is what the bill's program reads. */
static void t_contract(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(4096);
    const struct sg_row_contract row = {.from_day = 20454,
                                        .terms = SG_BYTES_LIT("{\"client\":3123456789}")};
    assert_int_equal(sg_row_int_sort(&sort, row.from_day), 0);
    assert_int_equal(sg_row_contract_encode(&value, &row), 0);
    put(f, SG_TABLE_CONTRACT, sg_buf_bytes(&sort), sg_buf_bytes(&value));
    expect_done(f, "INSERT INTO contract VALUES (3123456789, 20500, '{}')");
    expect_rows(f, "SELECT client_id, from_day, terms FROM contract WHERE client_id = 3123456789",
                "3123456789 20454 '{\"client\":3123456789}';3123456789 20500 '{}';");
}

/* Written through SQL, it is what sealgrid-fraud reads. */
static void t_inspection(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(4096);
    const struct sg_row_inspection row = {.inspected_day = 20454,
                                          .outcome = SG_OUTCOME_FRAUD,
                                          .recovered_wh = 1234000,
                                          .note = SG_BYTES_LIT("bypass")};
    assert_int_equal(sg_row_int_sort(&sort, row.inspected_day), 0);
    assert_int_equal(sg_row_inspection_encode(&value, &row), 0);
    put(f, SG_TABLE_INSPECTION, sg_buf_bytes(&sort), sg_buf_bytes(&value));
    expect_done(f, "INSERT INTO inspection VALUES (3123456789, 20500, 'no-access', NULL, NULL)");
    expect_done(f, "UPDATE inspection SET outcome = 'nothing' WHERE client_id = 3123456789 AND "
                   "inspected_day = 20500");
    expect_rows(f, "SELECT * FROM inspection",
                "3123456789 20454 'fraud' 1234000 'bypass';3123456789 20500 'nothing' null null;");
    static const char *const refused[] = {
        "INSERT INTO inspection VALUES (1, 20500, 'thief', NULL, NULL)",
        "INSERT INTO inspection VALUES (1, 20500, '', NULL, NULL)",
        "INSERT INTO inspection VALUES (1, -1, 'fraud', NULL, NULL)",
        "INSERT INTO inspection VALUES (1, 2932897, 'fraud', NULL, NULL)",
        "INSERT INTO inspection VALUES (1, 20500, 'fraud', -1, NULL)",
        "INSERT INTO inspection VALUES (1, 20500, 'fraud', NULL, '')",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        expect_rows(f, refused[i], "!range");
    expect_rows(f, "INSERT INTO inspection (client_id, inspected_day) VALUES (1, 1)", "!not_null");
}

static void t_consumer(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(4096);
    const struct sg_row_consumer row = {.from_day = 20454,
                                        .cls = SG_BYTES_LIT("commercial"),
                                        .activity = SG_BYTES_LIT("bakery"),
                                        .contracted_w = 75000,
                                        .vacant_since = SG_READING_NA,
                                        .vacant_until = SG_READING_NA,
                                        .solar_since = 20400,
                                        .solar_w = SG_READING_NA,
                                        .tariff_since = SG_READING_NA,
                                        .wiring = SG_BYTES_LIT("aron")};
    assert_int_equal(sg_row_int_sort(&sort, row.from_day), 0);
    assert_int_equal(sg_row_consumer_encode(&value, &row), 0);
    put(f, SG_TABLE_CONSUMER, sg_buf_bytes(&sort), sg_buf_bytes(&value));
    expect_done(f, "INSERT INTO consumer (client_id, from_day, vacant_since) VALUES (3123456789, "
                   "20500, 20499)");
    expect_rows(f, "SELECT * FROM consumer",
                "3123456789 20454 'commercial' 'bakery' null 75000 null null 20400 null null "
                "'aron';"
                "3123456789 20500 null null null null 20499 null null null null null;");
    static const char *const refused[] = {
        "INSERT INTO consumer (client_id, from_day) VALUES (1, -1)",
        "INSERT INTO consumer (client_id, from_day, class) VALUES (1, 1, 'shop')",
        "INSERT INTO consumer (client_id, from_day, class) VALUES (1, 1, '')",
        "INSERT INTO consumer (client_id, from_day, region) VALUES (1, 1, '')",
        "INSERT INTO consumer (client_id, from_day, activity) VALUES (1, 1, "
        "'12345678901234567890123456789012')",
        "INSERT INTO consumer (client_id, from_day, contracted_w) VALUES (1, 1, -5)",
        "INSERT INTO consumer (client_id, from_day, wiring) VALUES (1, 1, 'delta')",
        "INSERT INTO consumer (client_id, from_day, solar_since) VALUES (1, 1, 2932897)",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        expect_rows(f, refused[i], "!range");
}

/* Written through SQL, it is what sealgrid-fraud reads. */
static void t_topology(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(64);
    const struct sg_row_topology row = {.from_day = 20454, .transformer = 9000000001};
    assert_int_equal(sg_row_int_sort(&sort, row.from_day), 0);
    assert_int_equal(sg_row_topology_encode(&value, &row), 0);
    put(f, SG_TABLE_TOPOLOGY, sg_buf_bytes(&sort), sg_buf_bytes(&value));
    expect_done(f, "INSERT INTO topology VALUES (3123456789, 20500, 0)");
    expect_rows(f, "SELECT * FROM topology", "3123456789 20454 9000000001;3123456789 20500 0;");
    expect_rows(f, "INSERT INTO topology VALUES (1, -1, 5)", "!range");
    expect_rows(f, "INSERT INTO topology VALUES (1, 2932897, 5)", "!range");
    expect_rows(f, "INSERT INTO topology VALUES (1, 1, -5)", "!range");
    expect_rows(f, "INSERT INTO topology (client_id, from_day) VALUES (1, 1)", "!not_null");
}

static void t_resolution(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(4096);
    const struct sg_row_resolution row = {.ts_s = 1788232500,
                                          .resolved_ts_s = 1788250000,
                                          .chosen = {1, 2},
                                          .who = SG_BYTES_LIT("Ana"),
                                          .why = SG_BYTES_LIT("meter opened"),
                                          .certificate = SG_BYTES_LIT("\x30\x01"),
                                          .signature = SG_BYTES_LIT("\x05")};
    assert_int_equal(sg_row_resolution_sort(&sort, row.ts_s, row.resolved_ts_s), 0);
    assert_int_equal(sg_row_resolution_encode(&value, &row), 0);
    put(f, SG_TABLE_RESOLUTION, sg_buf_bytes(&sort), sg_buf_bytes(&value));
    expect_rows(f,
                "SELECT client_id, ts, resolved_ts, hex(chosen), who, why, hex(certificate), "
                "hex(signature) FROM resolution",
                "3123456789 1788232500 1788250000 '01020000000000000000000000000000' 'Ana' "
                "'meter opened' '3001' '05';");
}

static void t_block(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(4096);
    struct sg_block_header h = {.first_seq = 97, .first_ts_s = 1788232500};
    snprintf(h.serial, sizeof(h.serial), "12345678");
    struct sg_row_block row = {.count = 96, .evidence = SG_BYTES_LIT("\1\2\3")};
    const uint8_t digest[SG_ROW_DIGEST_LEN] = {0xab};
    assert_int_equal(sg_row_block_sort(&sort, &h, digest), 0);
    assert_int_equal(sg_row_block_encode(&value, &row), 0);
    put(f, SG_TABLE_BLOCK, sg_buf_bytes(&sort), sg_buf_bytes(&value));
    expect_rows(f, "SELECT * FROM block",
                "3123456789 1788232500 '12345678' 97 xab000000000000000000000000000000 96 "
                "x010203 null;");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(t_reading),    T(t_inserted_reading), T(t_conflict),   T(t_installation),
        T(t_block),      T(t_estimate),         T(t_resolution), T(t_contract),
        T(t_inspection), T(t_consumer),         T(t_topology),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
