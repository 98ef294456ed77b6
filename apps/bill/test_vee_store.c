/* Rows of the store as the checks see them, and estimates as the store keeps them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "estimate-table.h"
#include "store-fixture.h"
#include "vee.h"

#include <stdio.h>

#define CLIENT INT64_C(3000000001)
#define FROM   INT64_C(1788231600)
#define SERIAL "10000000"

static struct sg_kv_memory *memory;
static struct sg_kv *kv;
static struct sg_key *key;
static struct sg_vee_rules *rules;

static struct sg_reading reading_of(int i)
{
    struct sg_reading r = {.seq = (uint64_t)i + 1, .ts_s = FROM + (i + 1) * 900};
    for (int k = 0; k < SG_READING_N_FIELDS; k++)
        r.field[k] = SG_READING_NA;
    r.field[SG_READING_interval_energy] = 200 + i * 37 % 50;
    r.field[SG_READING_interval_reactive_energy] = 30 + i % 7;
    return r;
}

static void put_reading(const struct sg_reading *reading)
{
    sx_put_reading(kv, CLIENT, SERIAL, reading, SG_ORIGIN_METROLOGY);
}

static void put_conflict(const struct sg_reading *reading)
{
    sx_put_conflict(kv, CLIENT, SERIAL, reading);
}

static void put_installation(void)
{
    const struct sg_row_installation row = {.client_id = CLIENT,
                                            .from_ts_s = FROM,
                                            .serial = SERIAL,
                                            .open = true,
                                            .ratio_num = 20,
                                            .ratio_den = 1,
                                            .metrology_cert = SG_BYTES_LIT("\x30"),
                                            .tariff_class = "A4"};
    sx_put_installation(kv, &row);
}

/* The second day, by a meter that says of its clock that it was set. */
static void put_block(void)
{
    struct sg_reading readings[96];

    for (int i = 0; i < 96; i++)
        readings[i] = reading_of(96 + i);
    sx_sign_block(kv, CLIENT, SERIAL, SG_CLOCK_WAS_SET, readings, 96, key, 1);
}

static int make(void **state)
{
    struct sg_yaml_error why = {0, ""};

    (void)state;
    assert_int_equal(sg_kv_memory_new(&memory), 0);
    assert_int_equal(sg_kv_open_memory(&kv, memory), 0);
    assert_int_equal(sg_key_generate(&key, SG_KEY_P256), 0);
    assert_int_equal(sg_vee_rules_load(&rules, "apps/bill/vee/default.yaml", &why), 0);
    put_installation();
    put_block();
    for (int i = 0; i < 192; i++) {
        const struct sg_reading r = reading_of(i);
        if (i < 20 || i >= 26)
            put_reading(&r);
    }
    return 0;
}

static int clear(void **state)
{
    (void)state;
    sg_vee_rules_free(rules);
    sg_key_free(key);
    sg_kv_free(kv);
    sg_kv_memory_free(memory);
    return 0;
}

static struct sg_vee_series series_of(const struct vee_client *c)
{
    return (struct sg_vee_series){.client = CLIENT,
                                  .from_s = FROM,
                                  .until_s = FROM + 192 * 900,
                                  .interval_s = c->interval_s,
                                  .rows = c->rows,
                                  .n_rows = c->n_rows,
                                  .meters = c->meters,
                                  .n_meters = c->n_meters};
}

static uint64_t count_of(const struct vee_findings *f, const char *rule)
{
    for (size_t i = 0; i < f->n_tally; i++)
        if (!strcmp(f->tally[i].rule, rule))
            return f->tally[i].findings;
    return 0;
}

static void t_findings(void **state)
{
    SG_CLEANUP(vee_client_clear) struct vee_client c = {.rows = NULL};
    SG_CLEANUP(vee_findings_clear) struct vee_findings f = {.kept = NULL};
    struct sg_reading other = reading_of(50);

    (void)state;
    other.field[SG_READING_interval_energy]++;
    put_conflict(&other);
    assert_int_equal(vee_client_read(&c, kv, CLIENT, FROM, FROM + 192 * 900), 0);
    assert_int_equal(c.n_rows, 192 - 6 + 1);
    assert_int_equal(c.interval_s, 900);
    const struct sg_vee_series s = series_of(&c);
    assert_int_equal(sg_vee_check(rules, &s, vee_findings_add, &f), 0);
    assert_int_equal(count_of(&f, "consecutive"), 1);
    assert_int_equal(count_of(&f, "conflict"), 1);
    assert_int_equal(count_of(&f, "clock"), 1);
    assert_int_equal(count_of(&f, "order"), 0);
    assert_int_equal(f.n_tally, 3);
    assert_int_equal(f.by_severity[SG_VEE_FAIL], 2);
}

/* Two records: until the third hour another meter stood here, whose readings lack. */
static void t_records(void **state)
{
    SG_CLEANUP(vee_client_clear) struct vee_client c = {.rows = NULL};
    const struct sg_row_installation row = {.client_id = CLIENT,
                                            .from_ts_s = FROM - 7200,
                                            .serial = "20000000",
                                            .until_ts_s = FROM,
                                            .ratio_num = 1,
                                            .ratio_den = 1,
                                            .metrology_cert = SG_BYTES_LIT("\x30"),
                                            .tariff_class = "A4"};

    (void)state;
    sx_put_installation(kv, &row);
    assert_int_equal(vee_client_read(&c, kv, CLIENT, FROM, FROM + 192 * 900), 0);
    assert_int_equal(c.n_meters, 2);
    assert_string_equal(c.meters[0].serial, "20000000");
    assert_int_equal(c.meters[0].until_s, FROM);
    assert_string_equal(c.meters[1].serial, SERIAL);
    assert_int_equal(c.meters[1].until_s, INT64_MAX);
    assert_int_equal(c.meters[1].ratio_num, 20);
}

/* The second day's block tells of all its readings, from the first to the last, and of no other. */
static void t_clock_of_block(void **state)
{
    SG_CLEANUP(vee_client_clear) struct vee_client c = {.rows = NULL};

    (void)state;
    assert_int_equal(vee_client_read(&c, kv, CLIENT, FROM, FROM + 192 * 900), 0);
    for (size_t i = 0; i < c.n_rows; i++) {
        const bool second = c.rows[i].ts_s > FROM + 96 * 900;
        assert_int_equal(c.rows[i].flags, second ? SG_VEE_ROW_CLOCK_SET : 0);
        assert_int_equal(c.rows[i].interval_s, second ? 900 : 0);
        assert_true(i == 0 || c.rows[i].ts_s > c.rows[i - 1].ts_s);
    }
}

/* A second reading stands behind the first of its interval, whatever came after it. */
static void t_order_of_conflicts(void **state)
{
    SG_CLEANUP(vee_client_clear) struct vee_client c = {.rows = NULL};

    (void)state;
    for (int i = 180; i > 0; i -= 60) {
        struct sg_reading other = reading_of(i);
        other.field[SG_READING_interval_energy]++;
        put_conflict(&other);
    }
    assert_int_equal(vee_client_read(&c, kv, CLIENT, FROM, FROM + 192 * 900), 0);
    assert_int_equal(c.n_rows, 192 - 6 + 3);
    for (size_t i = 1; i < c.n_rows; i++)
        assert_true(c.rows[i].ts_s >= c.rows[i - 1].ts_s);
}

struct kept_rows {
    size_t n;
    struct sg_row_estimate last;
};

static int take(void *ctx, struct sg_bytes partition, struct sg_bytes sort, struct sg_bytes value)
{
    struct kept_rows *k = ctx;
    (void)partition;
    k->n++;
    return sg_row_estimate_decode(sort, value, &k->last);
}

static struct kept_rows kept(void)
{
    struct kept_rows k = {.n = 0};
    assert_int_equal(
        sg_table_each(kv, CLIENT, SG_TABLE_ESTIMATE, NULL, NULL, SG_BYTES_NONE, take, &k), 0);
    return k;
}

static void estimate_and_keep(int64_t now_s)
{
    SG_CLEANUP(vee_client_clear) struct vee_client c = {.rows = NULL};
    SG_CLEANUP(sg_vee_estimates_clear) struct sg_vee_estimates e = {NULL, 0, 0};
    int64_t ts_s;

    assert_int_equal(vee_client_read(&c, kv, CLIENT, FROM, FROM + 192 * 900), 0);
    const struct sg_vee_series s = series_of(&c);
    assert_int_equal(sg_vee_estimate(rules, &s, &e), 0);
    assert_int_equal(estimate_table_keep(kv, CLIENT, rules, &e, now_s, &ts_s), 0);
}

/* Once; again the same; and then, a reading having come, anew for what still lacks: history stays.
 */
static void t_estimates_stay(void **state)
{
    (void)state;
    estimate_and_keep(1000);
    struct kept_rows k = kept();
    assert_int_equal(k.n, 6);
    assert_string_equal(k.last.rule, "short-gap");
    assert_string_equal(k.last.parameters, "method=linear up_to_minutes=120");
    assert_memory_equal(k.last.rules, rules->sha256, 32);
    assert_int_equal(k.last.made_ts_s, 1000);
    estimate_and_keep(2000);
    k = kept();
    assert_int_equal(k.n, 6);
    assert_int_equal(k.last.made_ts_s, 1000);
    const struct sg_reading late = reading_of(20);
    put_reading(&late);
    estimate_and_keep(3000);
    k = kept();
    assert_int_equal(k.n, 6 + 5);
}

static void t_report(void **state)
{
    SG_CLEANUP(vee_client_clear) struct vee_client c = {.rows = NULL};
    SG_CLEANUP(vee_findings_clear) struct vee_findings f = {.kept = NULL};
    SG_CLEANUP(sg_vee_estimates_clear) struct sg_vee_estimates e = {NULL, 0, 0};
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf csv = SG_BUF_INIT(1 << 20);

    (void)state;
    assert_int_equal(vee_client_read(&c, kv, CLIENT, FROM, FROM + 192 * 900), 0);
    const struct sg_vee_series s = series_of(&c);
    assert_int_equal(sg_vee_check(rules, &s, vee_findings_add, &f), 0);
    assert_int_equal(sg_vee_estimate(rules, &s, &e), 0);
    const struct vee_report_head head = {rules, &s, &e};
    assert_int_equal(vee_report_text(&head, &f, &text), 0);
    assert_int_equal(vee_report_json(&head, &f, &json), 0);
    assert_int_equal(vee_estimates_csv(CLIENT, &e, &csv), 0);
    assert_int_equal(
        sg_buf_append_u8(&text, 0) | sg_buf_append_u8(&json, 0) | sg_buf_append_u8(&csv, 0), 0);
    assert_non_null(strstr((char *)text.data, "192 intervals of 900 s, 186 rows, rules default"));
    assert_non_null(strstr((char *)text.data, "6 intervals estimated, 0 left missing"));
    assert_non_null(strstr((char *)json.data, "\"counts\":{\"clock\":1,\"consecutive\":1}"));
    assert_non_null(strstr((char *)json.data,
                           "\"rule\":\"consecutive\",\"severity\":\"fail\",\"meter\":null,"
                           "\"from\":\"2026-09-01T08:00:00Z\",\"until\":\"2026-09-01T09:30:00Z\","
                           "\"count\":6"));
    size_t lines = 0;
    for (const char *at = (char *)csv.data; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 1 + 6);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, clear)
    const struct CMUnitTest tests[] = {T(t_findings),       T(t_records),
                                       T(t_clock_of_block), T(t_order_of_conflicts),
                                       T(t_estimates_stay), T(t_report)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
