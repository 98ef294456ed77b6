/* What stands on a bill in place of readings that lack stands in the table of estimates, for ever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../libs/billing/test-fixture.c"

#include "client.h"
#include "fleet.h"
#include "store-fixture.h"

#include <sealgrid/base/cleanup.h>

#include <stdio.h>

#define SERIAL "10000000"
#define LACK   96 /* the second day, whose block has not come */

static struct fixture f;
static struct sg_kv_memory *memory;
static struct sg_kv *kv;
static struct sg_vee_rules *rules;

static void put_day(int day)
{
    const struct sg_evidence_block *b = f.blocks[0][day];

    sx_put_block(kv, FX_CLIENT, &b->evidence, b->evidence.header.root);
    for (size_t i = 0; i < b->n_readings; i++)
        sx_put_reading(kv, FX_CLIENT, SERIAL, &b->readings[i], SG_ORIGIN_METROLOGY);
}

static int make(void **state)
{
    struct sg_yaml_error why = {0, ""};

    (void)state;
    if (fx_make(&f) || sg_kv_memory_new(&memory) || sg_kv_open_memory(&kv, memory) ||
        sg_vee_rules_load(&rules, "apps/bill/vee/default.yaml", &why))
        return -1;
    sx_put_meter(kv, FX_CLIENT, SERIAL, FX_FROM, NULL);
    put_day(0);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    sg_vee_rules_free(rules);
    sg_kv_free(kv);
    sg_kv_memory_free(memory);
    fx_clear(&f);
    return 0;
}

/* As one client's task does it. */
static int bill_with(const struct sg_vee_rules *by, struct sg_bill *ret, struct sg_buf *json,
                     struct refusal *why)
{
    SG_CLEANUP(client_clear) struct client c = {.id = 0};
    const struct bill_options options = {.threads = 1};
    const struct fleet fleet = {.options = &options,
                                .tariff = f.tariff,
                                .rules = by,
                                .from_s = FX_FROM,
                                .until_s = FX_UNTIL};
    const struct fleet_stores stores = {kv, by ? kv : NULL};

    sg_buf_reset(json);
    return fleet_one(&fleet, &stores, &c, FX_CLIENT, ret, json, why);
}

struct table {
    struct sg_row_estimate rows[2 * LACK + 1];
    size_t n;
};

static int take(void *ctx, struct sg_bytes partition, struct sg_bytes sort, struct sg_bytes value)
{
    struct table *t = ctx;

    (void)partition;
    assert_in_range(t->n, 0, 2 * LACK);
    return sg_row_estimate_decode(sort, value, &t->rows[t->n++]);
}

static void read_table(struct table *ret)
{
    memset(ret, 0, sizeof(*ret));
    assert_int_equal(
        sg_table_each(kv, FX_CLIENT, SG_TABLE_ESTIMATE, NULL, NULL, SG_BYTES_NONE, take, ret), 0);
}

static int64_t sum_of(const struct table *t)
{
    int64_t wh = 0;
    for (size_t i = 0; i < t->n; i++)
        wh += t->rows[i].energy_wh;
    return wh;
}

static int64_t estimated_wh(const struct sg_bill *bill)
{
    int64_t wh = 0;
    for (size_t i = 0; i < bill->n_estimates; i++)
        wh += bill->estimates[i].import_wh - bill->estimates[i].export_wh;
    return wh;
}

/* Some other member of the row is changed, or its energy. */
static void spoil(const struct sg_row_estimate *row)
{
    struct sx_record r;

    sx_record_init(&r, FX_CLIENT);
    assert_int_equal(sg_row_estimate_sort(&r.sort, row->ts_s, row->inputs), 0);
    assert_int_equal(sg_row_estimate_encode(&r.value, row), 0);
    sx_put(kv, SG_TABLE_ESTIMATE, &r);
}

static void bill_and_table_tell_the_same(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf again = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    SG_CLEANUP(sg_bill_clear) struct sg_bill second = {.client = 0};
    static struct table t, later;
    struct refusal why;

    assert_int_equal(bill_with(NULL, &bill, &json, &why), 0);
    assert_int_equal(bill.missing, LACK);
    sg_bill_clear(&bill);
    read_table(&t);
    assert_int_equal(t.n, 0);

    assert_int_equal(bill_with(rules, &bill, &json, &why), 0);
    read_table(&t);
    assert_int_equal(bill.estimated, LACK);
    assert_int_equal(t.n, LACK);
    assert_int_equal(sum_of(&t), estimated_wh(&bill));
    assert_int_equal(t.rows[0].ts_s, bill.estimates[0].from_s + 900);
    assert_int_equal(t.rows[LACK - 1].ts_s, FX_UNTIL);
    assert_string_equal(t.rows[0].rule, bill.estimates[0].rule);
    assert_string_equal(t.rows[0].serial, SERIAL);
    assert_memory_equal(t.rows[0].rules, rules->sha256, 32);

    /* Made an hour ago, say: the rows of then stay, also over half of them. */
    for (size_t i = 0; i < LACK; i++) {
        t.rows[i].made_ts_s -= 3600;
        spoil(&t.rows[i]);
    }
    assert_int_equal(bill_with(rules, &second, &again, &why), 0);
    assert_true(sg_bytes_equal(sg_buf_bytes(&json), sg_buf_bytes(&again)));
    read_table(&later);
    assert_memory_equal(&later, &t, sizeof(t));
}

/* A row under the key of an estimate that tells something else than the estimate: whoever wrote it,
 * there is no bill of the two. */
static void a_row_that_tells_something_else_refuses_the_bill(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(SG_BILL_JSON_MAX);
    SG_CLEANUP(sg_bill_clear) struct sg_bill bill = {.client = 0};
    static struct table t, spoilt;
    struct refusal why;

    assert_int_equal(bill_with(rules, &bill, &json, &why), 0);
    read_table(&t);
    for (int c = 0; c < 4; c++) {
        struct sg_row_estimate row = t.rows[40];
        struct sg_bill none = {.client = 0};
        if (c == 0)
            row.energy_wh++;
        else if (c == 1)
            row.reactive_varh = 5;
        else if (c == 2)
            snprintf(row.rule, sizeof(row.rule), "guess");
        else
            row.adjusted = !row.adjusted;
        spoil(&row);
        assert_int_equal(bill_with(rules, &none, &json, &why), ISSUE_REFUSED);
        assert_string_equal(why.word, "estimate.conflict");
        assert_int_equal(why.ts_s, row.ts_s);
        read_table(&spoilt);
        assert_int_equal(spoilt.n, LACK);
        spoil(&t.rows[40]);
    }
    struct sg_bill right = {.client = 0};
    assert_int_equal(bill_with(rules, &right, &json, &why), 0);
    sg_bill_clear(&right);
}

/* Rows stay when the readings come, and beside those by another rule file. */
static void rows_stay(void **state)
{
    (void)state;
    static const char other[] =
        "format: 1\nid: other\nzone: America/Sao_Paulo\nrounding: half-up\nchecks: {}\n"
        "estimate:\n  adjust_to_register: false\n  chain:\n"
        "    - {rule: day, method: history, up_to_minutes: 10080, days: 1, least: 1}\n";
    SG_CLEANUP(sg_vee_rules_freep) struct sg_vee_rules *second = NULL;
    SG_CLEANUP(sg_buf_clear) struct sg_buf json = SG_BUF_INIT(SG_BILL_JSON_MAX);
    struct sg_yaml_error error = {0, ""};
    struct sg_bill bill = {.client = 0};
    static struct table t, later;
    struct refusal why;

    assert_int_equal(sg_vee_rules_parse(&second, sg_bytes_str(other), &error), 0);
    assert_int_equal(bill_with(rules, &bill, &json, &why), 0);
    sg_bill_clear(&bill);
    assert_int_equal(bill_with(second, &bill, &json, &why), 0);
    assert_int_equal(bill.estimated, LACK);
    read_table(&t);
    assert_int_equal(t.n, 2 * LACK);
    sg_bill_clear(&bill);

    put_day(1);
    assert_int_equal(bill_with(rules, &bill, &json, &why), 0);
    assert_int_equal(bill.estimated, 0);
    assert_int_equal(bill.billed, 2 * LACK);
    read_table(&later);
    assert_memory_equal(&later, &t, sizeof(t));
    sg_bill_clear(&bill);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, clear)
    const struct CMUnitTest tests[] = {
        T(bill_and_table_tell_the_same),
        T(a_row_that_tells_something_else_refuses_the_bill),
        T(rows_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
