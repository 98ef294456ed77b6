#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sealgrid/base/cleanup.h>

#include <sealgrid/kvs/tuple.h>
#include <sealgrid/meter/rows.h>

static struct sg_row_reading sample(void)
{
    struct sg_row_reading row = {.serial = "9003123456", .origin = SG_ORIGIN_METROLOGY};
    row.reading.seq = 12;
    row.reading.ts_s = 1788232500;
    for (int i = 0; i < SG_READING_N_FIELDS; i++)
        row.reading.field[i] = i * 3;
    row.reading.field[SG_READING_temperature] = SG_READING_NA;
    row.reading.field[SG_READING_events] = SG_READING_EVENT_COVER | SG_READING_EVENT_SERVICE;
    return row;
}

static void reading(void **state)
{
    (void)state;
    struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX), value = SG_BUF_INIT(SG_ROW_READING_MAX);
    const struct sg_row_reading in = sample();
    struct sg_row_reading out;
    assert_int_equal(sg_row_int_sort(&sort, in.reading.ts_s), 0);
    assert_int_equal(sg_row_reading_encode(&value, &in), 0);
    assert_int_equal(sg_row_reading_decode(sg_buf_bytes(&sort), sg_buf_bytes(&value), &out), 0);
    assert_string_equal(out.serial, in.serial);
    assert_int_equal(out.origin, in.origin);
    assert_memory_equal(&out.reading, &in.reading, sizeof(in.reading));
    for (size_t n = 0; n < value.len; n++)
        assert_true(sg_row_reading_decode(sg_buf_bytes(&sort), SG_BYTES(value.data, n), &out) < 0);
    sg_buf_clear(&sort);
    sg_buf_clear(&value);
}

/* The SQL mapping sees serial, seq, 40 fields, origin - in that order, NULL for what is missing. */
static void reading_columns(void **state)
{
    (void)state;
    struct sg_buf value = SG_BUF_INIT(SG_ROW_READING_MAX);
    const struct sg_row_reading in = sample();
    struct sg_value v[64];
    size_t n;
    assert_int_equal(sg_row_reading_encode(&value, &in), 0);
    assert_int_equal(sg_tuple_value_decode(sg_buf_bytes(&value), v, 64, &n), 0);
    assert_int_equal(n, 43);
    assert_int_equal(v[0].type, SG_TEXT);
    assert_int_equal(v[1].i, 12);
    assert_int_equal(v[2 + SG_READING_voltage_b].i, 3);
    assert_int_equal(v[2 + SG_READING_temperature].type, SG_NULL);
    assert_int_equal(v[2 + SG_READING_events].i, 18);
    assert_int_equal(v[42].i, SG_ORIGIN_METROLOGY);
    sg_buf_clear(&value);
}

/* A row without the fields that came later, or with more than there are, is none. */
static void other_counts_of_columns(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(SG_ROW_READING_MAX);
    const struct sg_row_reading in = sample();
    struct sg_row_reading out;
    struct sg_value v[64];
    size_t n;
    assert_int_equal(sg_row_int_sort(&sort, in.reading.ts_s), 0);
    assert_int_equal(sg_row_reading_encode(&value, &in), 0);
    assert_int_equal(sg_tuple_value_decode(sg_buf_bytes(&value), v, 64, &n), 0);
    const struct sg_value origin = v[n - 1];
    for (size_t columns = 39; columns <= 48; columns++) {
        for (size_t i = 42; i < 48; i++)
            v[i] = SG_VAL_INT(0);
        v[columns - 1] = origin;
        sg_buf_reset(&value);
        assert_int_equal(sg_tuple_value_append(&value, v, columns), 0);
        int r = sg_row_reading_decode(sg_buf_bytes(&sort), sg_buf_bytes(&value), &out);
        assert_int_equal(r < 0, columns != 43);
    }
}

/* The bit of each field stands where the whole value has it; a tuple of that column alone reads as
 * the field, NULL as not available. */
static void one_field_of_a_reading(void **state)
{
    (void)state;
    struct sg_buf value = SG_BUF_INIT(SG_ROW_READING_MAX), sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    const struct sg_row_reading in = sample();
    struct sg_value v[64];
    size_t n;
    assert_int_equal(sg_row_int_sort(&sort, in.reading.ts_s), 0);
    assert_int_equal(sg_row_reading_encode(&value, &in), 0);
    assert_int_equal(sg_tuple_value_decode(sg_buf_bytes(&value), v, 64, &n), 0);
    for (int f = 0; f < SG_READING_N_FIELDS; f++) {
        struct sg_buf one = SG_BUF_INIT(64);
        uint8_t bits[SG_ROW_READING_FIELDS_LEN];
        int64_t ts_s = 0, got = 0;
        unsigned named = 0, column = 0;
        sg_row_reading_want((enum sg_reading_field)f, bits);
        for (unsigned i = 0; i < sizeof(bits) * 8; i++)
            if (bits[i / 8] & 1u << i % 8) {
                named++;
                column = i;
            }
        assert_int_equal(named, 1);
        assert_int_equal(sg_tuple_value_append(&one, &v[column], 1), 0);
        assert_int_equal(sg_row_reading_take(sg_buf_bytes(&sort), sg_buf_bytes(&one), &ts_s, &got),
                         0);
        assert_int_equal(ts_s, in.reading.ts_s);
        assert_int_equal(got, in.reading.field[f]);
        sg_buf_clear(&one);
    }
    int64_t ts_s, got;
    assert_true(sg_row_reading_take(sg_buf_bytes(&sort), sg_buf_bytes(&value), &ts_s, &got) < 0);
    sg_buf_clear(&value);
    sg_buf_clear(&sort);
}

static void some_fields_of_a_reading(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(SG_ROW_READING_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf some = SG_BUF_INIT(SG_ROW_READING_MAX);
    const struct sg_row_reading in = sample();
    struct sg_value v[64];
    uint8_t bits[SG_ROW_READING_FIELDS_LEN];
    int64_t ts_s = 0, got[4] = {1, 1, 1, 1};
    size_t n;
    assert_int_equal(sg_row_int_sort(&sort, in.reading.ts_s), 0);
    assert_int_equal(sg_row_reading_encode(&value, &in), 0);
    assert_int_equal(sg_tuple_value_decode(sg_buf_bytes(&value), v, 64, &n), 0);
    sg_row_reading_want(SG_READING_temperature, bits);
    sg_row_reading_want_also(SG_READING_voltage_b, bits);
    sg_row_reading_want_also(SG_READING_interval_energy, bits);
    n = 0;
    for (unsigned i = 0; i < sizeof(bits) * 8; i++)
        if (bits[i / 8] & 1u << i % 8)
            v[n++] = v[i];
    assert_int_equal(sg_tuple_value_append(&some, v, n), 0);
    assert_int_equal(
        sg_row_reading_take_all(sg_buf_bytes(&sort), sg_buf_bytes(&some), &ts_s, got, 3), 0);
    assert_int_equal(ts_s, in.reading.ts_s);
    assert_int_equal(got[0], in.reading.field[SG_READING_voltage_b]);
    assert_int_equal(got[1], SG_READING_NA);
    assert_int_equal(got[2], in.reading.field[SG_READING_interval_energy]);
    assert_int_equal(got[3], 1);
    ts_s = got[0] = 7;
    for (size_t of = 0; of < 50; of += of == 2 ? 2 : 1)
        assert_true(
            sg_row_reading_take_all(sg_buf_bytes(&sort), sg_buf_bytes(&some), &ts_s, got, of) < 0);
    assert_int_equal(ts_s, 7);
    assert_int_equal(got[0], 7);
}

static void topology(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(64);
    const struct sg_row_topology in = {20454, 9000000001}, bad[] = {{-1, 1}, {1, -1}};
    struct sg_row_topology out;
    for (size_t i = 0; i < 2; i++)
        assert_true(sg_row_topology_encode(&value, &bad[i]) < 0);
    assert_int_equal(value.len, 0);
    assert_int_equal(sg_row_int_sort(&sort, in.from_day), 0);
    assert_int_equal(sg_row_topology_encode(&value, &in), 0);
    assert_int_equal(sg_row_topology_decode(sg_buf_bytes(&sort), sg_buf_bytes(&value), &out), 0);
    assert_int_equal(out.from_day, in.from_day);
    assert_int_equal(out.transformer, in.transformer);
    for (size_t n = 0; n < value.len; n++)
        assert_true(sg_row_topology_decode(sg_buf_bytes(&sort), SG_BYTES(value.data, n), &out) < 0);
}

static void contract(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(4096);
    const struct sg_row_contract in = {-3, SG_BYTES_LIT("{}")}, none = {0, SG_BYTES_NONE};
    struct sg_row_contract out;
    assert_int_equal(sg_row_int_sort(&sort, in.from_day), 0);
    assert_true(sg_row_contract_encode(&value, &none) < 0);
    assert_int_equal(value.len, 0);
    assert_int_equal(sg_row_contract_encode(&value, &in), 0);
    assert_int_equal(sg_row_contract_decode(sg_buf_bytes(&sort), sg_buf_bytes(&value), &out), 0);
    assert_int_equal(out.from_day, -3);
    assert_true(sg_bytes_equal(out.terms, in.terms));
    for (size_t n = 0; n < value.len; n++)
        assert_true(sg_row_contract_decode(sg_buf_bytes(&sort), SG_BYTES(value.data, n), &out) < 0);
}

static void inspection(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(4096);
    struct sg_row_inspection out, in = {.inspected_day = 20454, .outcome = SG_OUTCOME_DEFECT};
    in.recovered_wh = SG_READING_NA;
    for (int round = 0; round < 2; round++) {
        sg_buf_reset(&sort);
        sg_buf_reset(&value);
        assert_int_equal(sg_row_int_sort(&sort, in.inspected_day), 0);
        assert_int_equal(sg_row_inspection_encode(&value, &in), 0);
        assert_int_equal(sg_row_inspection_decode(sg_buf_bytes(&sort), sg_buf_bytes(&value), &out),
                         0);
        assert_int_equal(out.inspected_day, 20454);
        assert_int_equal(out.outcome, SG_OUTCOME_DEFECT);
        assert_true(out.recovered_wh == in.recovered_wh);
        assert_true(sg_bytes_equal(out.note, in.note));
        for (size_t n = 0; n < value.len; n++)
            assert_true(
                sg_row_inspection_decode(sg_buf_bytes(&sort), SG_BYTES(value.data, n), &out) < 0);
        in.recovered_wh = 5;
        in.note = SG_BYTES_LIT("seal broken");
    }
    in.inspected_day = -1;
    assert_int_equal(sg_row_inspection_encode(&value, &in), -EINVAL);
    in.inspected_day = 1;
    in.recovered_wh = -1;
    assert_int_equal(sg_row_inspection_encode(&value, &in), -EINVAL);
    assert_true(sg_row_outcome_named(SG_BYTES_LIT("fraud"), NULL));
    assert_false(sg_row_outcome_named(SG_BYTES_LIT("frau"), NULL));
    assert_false(sg_row_outcome_named(SG_BYTES_NONE, NULL));
}

static void consumer(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(4096);
    struct sg_row_consumer out, in = {.from_day = 20454};
    in.contracted_w = in.vacant_since = in.vacant_until = in.solar_since = SG_READING_NA;
    in.solar_w = in.tariff_since = SG_READING_NA;
    for (int round = 0; round < 2; round++) {
        sg_buf_reset(&sort);
        sg_buf_reset(&value);
        assert_int_equal(sg_row_int_sort(&sort, in.from_day), 0);
        assert_int_equal(sg_row_consumer_encode(&value, &in), 0);
        assert_int_equal(sg_row_consumer_decode(sg_buf_bytes(&sort), sg_buf_bytes(&value), &out),
                         0);
        assert_int_equal(out.from_day, 20454);
        assert_true(out.contracted_w == in.contracted_w && out.tariff_since == in.tariff_since);
        assert_true(out.vacant_since == SG_READING_NA && out.solar_w == SG_READING_NA);
        assert_true(sg_bytes_equal(out.cls, in.cls) && sg_bytes_equal(out.region, in.region));
        assert_true(sg_bytes_equal(out.wiring, in.wiring));
        for (size_t n = 0; n < value.len; n++)
            assert_true(sg_row_consumer_decode(sg_buf_bytes(&sort), SG_BYTES(value.data, n), &out) <
                        0);
        in.cls = SG_BYTES_LIT("industrial");
        in.region = SG_BYTES_LIT("north");
        in.wiring = SG_BYTES_LIT("aron");
        in.contracted_w = 500000;
        in.tariff_since = 20400;
    }
    in.cls = SG_BYTES_LIT("Industrial");
    assert_int_equal(sg_row_consumer_encode(&value, &in), -EINVAL);
    in.cls = SG_BYTES_NONE;
    in.tariff_since = -1;
    assert_int_equal(sg_row_consumer_encode(&value, &in), -EINVAL);
    in.tariff_since = 1;
    in.wiring = SG_BYTES_LIT("delta");
    assert_int_equal(sg_row_consumer_encode(&value, &in), -EINVAL);
    in.wiring = SG_BYTES_NONE;
    in.region = SG_BYTES_LIT("a region whose name is longer than it may be");
    assert_int_equal(sg_row_consumer_encode(&value, &in), -EINVAL);
}

static void conflict(void **state)
{
    (void)state;
    struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX), value = SG_BUF_INIT(SG_ROW_READING_MAX);
    const struct sg_row_conflict in = {.row = sample(), .received_ts_s = 1788240000};
    struct sg_row_conflict out;
    uint8_t digest[SG_ROW_DIGEST_LEN], other[SG_ROW_DIGEST_LEN];
    assert_int_equal(sg_row_digest(&in.row.reading, digest), 0);
    struct sg_reading changed = in.row.reading;
    changed.field[0]++;
    assert_int_equal(sg_row_digest(&changed, other), 0);
    assert_memory_not_equal(digest, other, sizeof(digest));
    assert_int_equal(sg_row_conflict_sort(&sort, &in.row.reading, digest), 0);
    assert_int_equal(sg_row_conflict_encode(&value, &in), 0);
    assert_int_equal(sg_row_conflict_decode(sg_buf_bytes(&sort), sg_buf_bytes(&value), &out), 0);
    assert_int_equal(out.received_ts_s, in.received_ts_s);
    assert_memory_equal(&out.row.reading, &in.row.reading, sizeof(in.row.reading));
    sg_buf_clear(&sort);
    sg_buf_clear(&value);
}

static void installation_with(bool open)
{
    struct sg_buf part = SG_BUF_INIT(SG_ROW_KEY_MAX), sort = SG_BUF_INIT(SG_ROW_KEY_MAX),
                  value = SG_BUF_INIT(4096);
    const struct sg_row_installation in = {.client_id = 3123456789,
                                           .from_ts_s = 1788231600,
                                           .serial = "12345678",
                                           .open = open,
                                           .until_ts_s = open ? 0 : 1790000000,
                                           .ratio_num = 200,
                                           .ratio_den = 5,
                                           .metrology_cert = SG_BYTES_LIT("\x30\x00"),
                                           .tariff_class = "B1"};
    struct sg_row_installation out;
    assert_int_equal(sg_row_client_partition(&part, in.client_id), 0);
    assert_int_equal(sg_row_int_sort(&sort, in.from_ts_s), 0);
    assert_int_equal(sg_row_installation_encode(&value, &in), 0);
    assert_int_equal(sg_row_installation_decode(sg_buf_bytes(&part), sg_buf_bytes(&sort),
                                                sg_buf_bytes(&value), &out),
                     0);
    assert_int_equal(out.client_id, in.client_id);
    assert_int_equal(out.from_ts_s, in.from_ts_s);
    assert_int_equal(out.open, open);
    assert_int_equal(out.until_ts_s, in.until_ts_s);
    assert_int_equal(out.ratio_num, 200);
    assert_string_equal(out.tariff_class, "B1");
    assert_true(sg_bytes_equal(out.metrology_cert, in.metrology_cert));
    sg_buf_clear(&part);
    sg_buf_clear(&sort);
    sg_buf_clear(&value);
}

static void installation(void **state)
{
    (void)state;
    installation_with(true);
    installation_with(false);
    struct sg_buf value = SG_BUF_INIT(4096);
    const struct sg_row_installation bad = {.serial = "1", .tariff_class = "B1", .open = true};
    assert_true(sg_row_installation_encode(&value, &bad) < 0); /* ratio 0 */
    assert_int_equal(value.len, 0);
}

static void credential_and_block(void **state)
{
    (void)state;
    struct sg_buf value = SG_BUF_INIT(4096);
    const struct sg_row_credential c = {.serial = "12345678",
                                        .client_id = 3000000001,
                                        .edhoc_cert = SG_BYTES_LIT("edhoc"),
                                        .metrology_cert = SG_BYTES_LIT("metrology")};
    struct sg_row_credential c2;
    assert_int_equal(sg_row_credential_encode(&value, &c), 0);
    assert_int_equal(sg_row_credential_decode(sg_buf_bytes(&value), &c2), 0);
    assert_int_equal(c2.client_id, c.client_id);
    assert_true(sg_bytes_equal(c2.metrology_cert, c.metrology_cert));
    sg_buf_reset(&value);

    const struct sg_row_block b = {.count = 96, .evidence = SG_BYTES_LIT("evidence")};
    struct sg_row_block b2;
    assert_int_equal(sg_row_block_encode(&value, &b), 0);
    assert_int_equal(sg_row_block_decode(sg_buf_bytes(&value), &b2), 0);
    assert_int_equal(b2.count, 96);
    assert_int_equal(b2.original.len, 0);
    assert_true(sg_row_credential_decode(sg_buf_bytes(&value), &c2) < 0);
    sg_buf_clear(&value);
}

/* Keys sort by time, negative before positive. */
static void order(void **state)
{
    (void)state;
    static const int64_t ascending[] = {INT64_MIN, -1, 0, 1, 255, 256, 1788231600, INT64_MAX};
    struct sg_buf before = SG_BUF_INIT(SG_ROW_KEY_MAX), key = SG_BUF_INIT(SG_ROW_KEY_MAX);
    for (size_t i = 0; i < sizeof(ascending) / sizeof(ascending[0]); i++) {
        int64_t back;
        sg_buf_reset(&key);
        assert_int_equal(sg_row_int_sort(&key, ascending[i]), 0);
        assert_int_equal(sg_row_int_take(sg_buf_bytes(&key), &back), 0);
        assert_true(back == ascending[i]);
        if (i)
            assert_true(sg_bytes_cmp(sg_buf_bytes(&before), sg_buf_bytes(&key)) < 0);
        sg_buf_reset(&before);
        assert_int_equal(sg_buf_append(&before, sg_buf_bytes(&key)), 0);
    }
    sg_buf_clear(&before);
    sg_buf_clear(&key);
}

static void estimate(void **state)
{
    (void)state;
    struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX), value = SG_BUF_INIT(SG_ROW_READING_MAX);
    struct sg_row_estimate out, in = {.ts_s = 1788232500,
                                      .inputs = {0, 7, 0},
                                      .serial = "9003123456",
                                      .energy_wh = -5,
                                      .reactive_varh = 12,
                                      .rule = "same-kind",
                                      .parameters = "method=history days=4",
                                      .rules = {9},
                                      .made_ts_s = 1788240000};
    assert_int_equal(sg_row_estimate_sort(&sort, in.ts_s, in.inputs), 0);
    assert_int_equal(sg_row_estimate_encode(&value, &in), 0);
    memset(&out, 0, sizeof(out));
    assert_int_equal(sg_row_estimate_decode(sg_buf_bytes(&sort), sg_buf_bytes(&value), &out), 0);
    assert_int_equal(out.ts_s, in.ts_s);
    assert_memory_equal(out.inputs, in.inputs, 32);
    assert_memory_equal(out.rules, in.rules, 32);
    assert_string_equal(out.serial, in.serial);
    assert_string_equal(out.rule, in.rule);
    assert_string_equal(out.parameters, in.parameters);
    assert_int_equal(out.energy_wh, -5);
    assert_int_equal(out.reactive_varh, 12);
    assert_false(out.adjusted);
    assert_int_equal(out.made_ts_s, in.made_ts_s);
    for (size_t n = 0; n < value.len; n++)
        assert_true(sg_row_estimate_decode(sg_buf_bytes(&sort), SG_BYTES(value.data, n), &out) < 0);
    for (size_t n = 0; n < sort.len; n++)
        assert_true(sg_row_estimate_decode(SG_BYTES(sort.data, n), sg_buf_bytes(&value), &out) < 0);
    in.rule[0] = '\0';
    assert_int_equal(sg_row_estimate_encode(&value, &in), -EINVAL);
    sg_buf_clear(&sort);
    sg_buf_clear(&value);
}

static void resolution(void **state)
{
    (void)state;
    struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX), value = SG_BUF_INIT(SG_ROW_READING_MAX);
    struct sg_row_resolution out, in = {.ts_s = 1788232500,
                                        .resolved_ts_s = 1788250000,
                                        .chosen = {1, 2, 3},
                                        .who = SG_BYTES_LIT("Ana"),
                                        .why = SG_BYTES_LIT("meter opened on that day"),
                                        .certificate = SG_BYTES_LIT("\x30\x00"),
                                        .signature = SG_BYTES_LIT("sig")};
    assert_int_equal(sg_row_resolution_sort(&sort, in.ts_s, in.resolved_ts_s), 0);
    assert_int_equal(sg_row_resolution_encode(&value, &in), 0);
    assert_int_equal(sg_row_resolution_decode(sg_buf_bytes(&sort), sg_buf_bytes(&value), &out), 0);
    assert_int_equal(out.resolved_ts_s, in.resolved_ts_s);
    assert_memory_equal(out.chosen, in.chosen, SG_ROW_DIGEST_LEN);
    assert_true(sg_bytes_equal(out.why, in.why));
    assert_true(sg_bytes_equal(out.signature, in.signature));
    for (size_t n = 0; n < value.len; n++)
        assert_true(sg_row_resolution_decode(sg_buf_bytes(&sort), SG_BYTES(value.data, n), &out) <
                    0);
    in.who = SG_BYTES_NONE; /* nobody */
    assert_int_equal(sg_row_resolution_encode(&value, &in), -EINVAL);
    sg_buf_clear(&sort);
    sg_buf_clear(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimate),
        cmocka_unit_test(resolution),
        cmocka_unit_test(reading),
        cmocka_unit_test(reading_columns),
        cmocka_unit_test(other_counts_of_columns),
        cmocka_unit_test(one_field_of_a_reading),
        cmocka_unit_test(topology),
        cmocka_unit_test(some_fields_of_a_reading),
        cmocka_unit_test(conflict),
        cmocka_unit_test(contract),
        cmocka_unit_test(inspection),
        cmocka_unit_test(consumer),
        cmocka_unit_test(installation),
        cmocka_unit_test(order),
        cmocka_unit_test(credential_and_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
