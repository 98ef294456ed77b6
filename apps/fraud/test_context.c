#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include <sealgrid/kvs/memory.h>
#include <sealgrid/meter/rows.h>

#include "context-file.h"
#include "context-store.h"

#define CLIENT INT64_C(3000000001)

static struct context_files files;
static char why[CONTEXT_WHY_MAX];

static int parse(const char *text)
{
    context_files_clear(&files);
    return context_parse(&files, sg_bytes_str(text), why);
}

static struct sg_fraud_context fact(const char *id)
{
    struct sg_fraud_context c = SG_FRAUD_CONTEXT_NONE;
    context_fill(&files, id, &c);
    return c;
}

static void facts_by_column(void **state)
{
    (void)state;
    assert_int_equal(parse("region,customer,class,solar_kw,solar_since,vacant_since,contracted_kw\n"
                           "north,b,industrial,,,2026-09-01,75.5\r\n"
                           "\"a, or b\",a,,4.5,240,,\n"),
                     0);
    assert_int_equal(fact("b").cls, SG_FRAUD_CLASS_INDUSTRIAL);
    assert_int_equal(fact("b").vacant_since, 20697);
    assert_int_equal(fact("b").vacant_until, SG_FRAUD_NO_DAY);
    assert_true(fact("b").contracted_kw == 75.5f);
    assert_string_equal(fact("a").region, "a, or b");
    assert_int_equal(fact("a").solar_since, 240);
    assert_int_equal(fact("a").cls, SG_FRAUD_CLASS_UNKNOWN);
    assert_int_equal(fact("c").solar_since, SG_FRAUD_NO_DAY);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "line 1"},
        {"class\n", "line 1, column 1: header: column customer"},
        {"customer,klass\n", "line 1, column 2: header: no such column"},
        {"customer,class,class\n", "line 1, column 3: header: the same"},
        {"customer,class\na,shop\n", "line 2, column 2: class: residential"},
        {"customer,class\na,rural\n,rural\n", "line 3, column 1: customer"},
        {"customer,contracted_kw\na,-1\n", "line 2, column 2: contracted_kw"},
        {"customer,contracted_kw\na,nan\n", "line 2, column 2: contracted_kw"},
        {"customer,solar_since\na,2026-02-30\n", "line 2, column 2: solar_since"},
        {"customer,solar_since\na,1.5\n", "line 2, column 2: solar_since"},
        {"customer,region\na,01234567890123456789012345678901\n", "line 2, column 2: region"},
        {"customer,vacant_since,vacant_until\na,5,4\n", "vacant_until: before vacant_since"},
        {"customer\na\na\n", "customer a stands in it twice"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(parse(bad[i].text), CONTEXT_BAD);
        if (!strstr(why, bad[i].why))
            print_error("%zu: %s\n", i, why);
        assert_non_null(strstr(why, bad[i].why));
    }
    assert_true(context_read(&files, "/nonexistent/x", why) < 0);
}

static void holidays_of_a_region(void **state)
{
    (void)state;
    assert_int_equal(parse("customer,region\na,south\nb,north\nc,\n"), 0);
    assert_int_equal(
        context_parse_holidays(&files,
                               sg_bytes_str("date,region\n20,south\n10,\n2026-09-01,south\n"), why),
        0);
    const struct sg_fraud_context a = fact("a"), b = fact("b"), stranger = fact("x");
    assert_int_equal(a.n_holidays, 3);
    assert_int_equal(a.holiday[0], 10);
    assert_int_equal(a.holiday[2], 20697);
    assert_int_equal(b.n_holidays, 1);
    assert_int_equal(stranger.n_holidays, 1);
    context_files_clear(&files);
    assert_int_equal(context_parse_holidays(&files, sg_bytes_str("day\n1\n"), why), CONTEXT_BAD);
    assert_int_equal(context_parse_holidays(&files, sg_bytes_str("date\n\n1\nx\n"), why),
                     CONTEXT_BAD);
    assert_non_null(strstr(why, "line 4, column 1: date"));
}

/* ---- store --------------------------------------------------------------------------------- */

static struct sg_kv_memory *memory;
static struct sg_kv *kv;

static void put_row(uint32_t table, int64_t day, struct sg_bytes value)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    assert_int_equal(sg_row_client_partition(&partition, CLIENT), 0);
    assert_int_equal(sg_row_int_sort(&sort, day), 0);
    const struct sg_kv_op op = {.kind = SG_KV_PUT,
                                .key = {table, sg_buf_bytes(&partition), sg_buf_bytes(&sort)},
                                .value = value};
    assert_int_equal(sg_kv_batch(kv, "metering", &op, 1, NULL), 0);
}

static void put_consumer(int64_t day, const char *cls, int64_t contracted_w, int64_t solar_since)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(1024);
    const struct sg_row_consumer row = {.from_day = day,
                                        .cls = sg_bytes_str(cls),
                                        .contracted_w = contracted_w,
                                        .vacant_since = SG_READING_NA,
                                        .vacant_until = SG_READING_NA,
                                        .solar_since = solar_since,
                                        .solar_w = SG_READING_NA,
                                        .tariff_since = SG_READING_NA};
    assert_int_equal(sg_row_consumer_encode(&value, &row), 0);
    put_row(SG_TABLE_CONSUMER, day, sg_buf_bytes(&value));
}

static void put_contract(int64_t day, const char *terms)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(1024);
    const struct sg_row_contract row = {.from_day = day, .terms = sg_bytes_str(terms)};
    assert_int_equal(sg_row_contract_encode(&value, &row), 0);
    put_row(SG_TABLE_CONTRACT, day, sg_buf_bytes(&value));
}

static struct sg_fraud_context stored(int32_t day, uint32_t *bad)
{
    struct sg_fraud_context c;
    *bad = 0;
    struct context_meter meter;
    assert_int_equal(context_from_store(&c, kv, CLIENT, day, &meter, bad), 0);
    return c;
}

static bool stored_aron(int32_t day)
{
    struct sg_fraud_context c;
    struct context_meter meter = {.aron = true};
    uint32_t bad = 0;
    assert_int_equal(context_from_store(&c, kv, CLIENT, day, &meter, &bad), 0);
    assert_int_equal(bad, 0);
    return meter.aron;
}

static void wiring_of_the_row_that_holds(void **state)
{
    (void)state;
    static const char *const words[] = {"", "aron", "star", ""};
    assert_false(stored_aron(99)); /* no row */
    for (int i = 0; i < 4; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(1024);
        struct sg_row_consumer row = {.from_day = 100 + i, .wiring = sg_bytes_str(words[i])};
#define I(column, most) row.column = SG_READING_NA;
        SG_ROW_CONSUMER_INTS(I)
#undef I
        assert_int_equal(sg_row_consumer_encode(&value, &row), 0);
        put_row(SG_TABLE_CONSUMER, row.from_day, sg_buf_bytes(&value));
        assert_int_equal(stored_aron(100 + i), i == 1);
    }
    assert_true(stored_aron(101));
}

static void the_row_that_holds_on_a_day(void **state)
{
    (void)state;
    uint32_t bad;
    assert_int_equal(stored(20000, &bad).cls, SG_FRAUD_CLASS_UNKNOWN);
    put_consumer(100, "residential", SG_READING_NA, SG_READING_NA);
    put_consumer(200, "commercial", SG_READING_NA, 150);
    assert_int_equal(stored(99, &bad).cls, SG_FRAUD_CLASS_UNKNOWN);
    assert_int_equal(stored(199, &bad).cls, SG_FRAUD_CLASS_RESIDENTIAL);
    assert_int_equal(stored(199, &bad).solar_since, SG_FRAUD_NO_DAY);
    assert_int_equal(stored(200, &bad).cls, SG_FRAUD_CLASS_COMMERCIAL);
    assert_int_equal(stored(200, &bad).solar_since, 150);
    assert_int_equal(bad, 0);
}

/* 20697 is 2026-09-01. */
static void demand_of_the_contract_unless_told(void **state)
{
    (void)state;
    uint32_t bad;
    put_contract(20697, "{\"client\":3000000001,\"from\":\"2026-09-01\",\"until\":\"2026-10-01\","
                        "\"demand_kw\":{\"peak\":80,\"off_peak\":120}}");
    assert_true(stored(20696, &bad).contracted_kw == 0);
    assert_true(stored(20697, &bad).contracted_kw == 120);
    assert_int_equal(bad, 0);
    assert_true(stored(20727, &bad).contracted_kw == 0);
    put_consumer(20700, "industrial", 90000, SG_READING_NA);
    assert_true(stored(20701, &bad).contracted_kw == 90);
}

static void a_damaged_row_is_counted(void **state)
{
    (void)state;
    uint32_t bad;
    put_row(SG_TABLE_CONSUMER, 20800, SG_BYTES_LIT("\x01\x00"));
    put_contract(20800, "{}");
    assert_int_equal(stored(20800, &bad).cls, SG_FRAUD_CLASS_INDUSTRIAL);
    assert_int_equal(bad, 2);
}

static int setup(void **state)
{
    (void)state;
    return sg_kv_memory_new(&memory) || sg_kv_open_memory(&kv, memory);
}

static int teardown(void **state)
{
    (void)state;
    sg_kv_free(kv);
    sg_kv_memory_free(memory);
    context_files_clear(&files);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_by_column),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(holidays_of_a_region),
        cmocka_unit_test(the_row_that_holds_on_a_day),
        cmocka_unit_test(demand_of_the_contract_unless_told),
        cmocka_unit_test(wiring_of_the_row_that_holds),
        cmocka_unit_test(a_damaged_row_is_counted),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
