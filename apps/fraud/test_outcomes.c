#include "outcomes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sealgrid/kvs/memory.h>
#include <sealgrid/meter/rows.h>
#include <sealgrid/meter/tables.h>

static int parse(struct outcomes *o, const char *text, char why[160])
{
    return outcomes_parse(o, sg_bytes_str(text), why);
}

static void test_file(void **state)
{
    (void)state;
    SG_CLEANUP(outcomes_clear) struct outcomes o = {.list = NULL};
    char why[160];
    size_t n;
    assert_int_equal(parse(&o,
                           "outcome,customer,inspected_day,kwh,group,remark\n"
                           "nothing,b,2026-09-30,,feeder 7,\"as, it should be\"\n"
                           "fraud,\"a\",2026-10-02,1500.5,feeder 7,\r\n"
                           "\n"
                           "no-access,b,1970-01-01,0,,\n"
                           "defect,c,2026-10-02,3,x,",
                           why),
                     0);
    assert_true(o.dated);
    assert_int_equal(o.n, 4);
    const struct outcome *a = outcomes_of(&o, "a", &n);
    assert_int_equal(n, 1);
    assert_int_equal(a->outcome, SG_LEARN_FRAUD);
    assert_true(a->kwh == 1500.5);
    const struct outcome *b = outcomes_of(&o, "b", &n);
    assert_int_equal(n, 2);
    assert_int_equal(b[0].day, 0);
    assert_int_equal(b[0].outcome, SG_LEARN_NO_ACCESS);
    assert_int_equal(b[1].outcome, SG_LEARN_NOTHING);
    assert_int_equal(b[1].day - a->day, -2);
    assert_true(b[1].group == a->group); /* of one feeder */
    assert_true(b[0].group == outcomes_hash(SG_BYTES_LIT("b")) && b[0].group != a->group);
    assert_int_equal(outcomes_of(&o, "c", &n)->outcome, SG_LEARN_DEFECT);
    assert_null(outcomes_of(&o, "", &n));
    assert_null(outcomes_of(&o, "bb", &n));
    assert_null(outcomes_of(&o, "d", &n));
    assert_int_equal(n, 0);
}

static void test_numbers(void **state)
{
    (void)state;
    SG_CLEANUP(outcomes_clear) struct outcomes o = {.list = NULL};
    char why[160];
    assert_int_equal(parse(&o, "customer,inspected_day,outcome\n7,120,fraud\n", why), 0);
    assert_false(o.dated);
    assert_int_equal(o.list[0].day, 120);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "no outcome in it"},
        {"customer,inspected_day\nx,1\n", "line 1: columns"},
        {"customer,inspected_day,outcome\n", "no outcome in it"},
        {"customer,inspected_day,outcome\n,1,fraud\n", "line 2: customer"},
        {"customer,inspected_day,outcome\nx,,fraud\n", "line 2: inspected_day"},
        {"customer,inspected_day,outcome\nx,1.5,fraud\n", "line 2: inspected_day"},
        {"customer,inspected_day,outcome\nx,2026-13-01,fraud\n", "line 2: inspected_day"},
        {"customer,inspected_day,outcome\nx,1,theft\n", "line 2: outcome"},
        {"customer,inspected_day,outcome\nx,1,\n", "line 2: outcome"},
        {"customer,inspected_day,outcome,kwh\nx,1,fraud,-1\n", "line 2: kwh"},
        {"customer,inspected_day,outcome,kwh\nx,1,fraud,1e16\n", "line 2: kwh"},
        {"customer,inspected_day,outcome\nx,1,fraud\ny,2026-01-01,fraud\n",
         "line 3: inspected_day: dates and numbers"},
        {"customer,inspected_day,outcome\nx,1,fraud\nx,1,nothing\n", "two outcomes of one day"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct outcomes o = {.n = 99};
        char why[160] = "";
        assert_int_equal(parse(&o, cases[i].text, why), OUTCOMES_BAD);
        assert_non_null(strstr(why, cases[i].why));
        assert_int_equal(o.n, 99);
    }
}

/* ---- store --------------------------------------------------------------------------------- */

static void put_inspection(struct sg_kv *kv, int64_t client, const struct sg_row_inspection *row)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(SG_ROW_KEY_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(4096);
    assert_int_equal(sg_row_client_partition(&partition, client), 0);
    assert_int_equal(sg_row_int_sort(&sort, row->inspected_day), 0);
    assert_int_equal(sg_row_inspection_encode(&value, row), 0);
    const struct sg_kv_op op = {
        .kind = SG_KV_PUT,
        .key = {SG_TABLE_INSPECTION, sg_buf_bytes(&partition), sg_buf_bytes(&sort)},
        .value = sg_buf_bytes(&value)};
    assert_int_equal(sg_kv_batch(kv, SG_METERING_BUCKET, &op, 1, NULL), 0);
}

static void test_store(void **state)
{
    (void)state;
    static const int64_t clients[] = {9, 10, 11};
    SG_CLEANUP(sg_kv_memory_freep) struct sg_kv_memory *memory = NULL;
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    SG_CLEANUP(outcomes_clear) struct outcomes o = {.list = NULL};
    size_t n;
    assert_int_equal(sg_kv_memory_new(&memory), 0);
    assert_int_equal(sg_kv_open_memory(&kv, memory), 0);
    assert_int_equal(outcomes_from_store(&o, kv, clients, 3), OUTCOMES_BAD); /* none yet */
    put_inspection(kv, 9,
                   &(struct sg_row_inspection){.inspected_day = 20700,
                                               .outcome = SG_OUTCOME_NOTHING,
                                               .recovered_wh = SG_READING_NA});
    put_inspection(kv, 10,
                   &(struct sg_row_inspection){.inspected_day = 20702,
                                               .outcome = SG_OUTCOME_FRAUD,
                                               .recovered_wh = 1500500,
                                               .note = SG_BYTES_LIT("bypass")});
    put_inspection(kv, 10,
                   &(struct sg_row_inspection){.inspected_day = 20701,
                                               .outcome = SG_OUTCOME_NO_ACCESS,
                                               .recovered_wh = SG_READING_NA});
    put_inspection(kv, 12, /* not asked for */
                   &(struct sg_row_inspection){
                       .inspected_day = 20701, .outcome = SG_OUTCOME_DEFECT, .recovered_wh = 0});
    assert_int_equal(outcomes_from_store(&o, kv, clients, 3), 0);
    assert_true(o.dated);
    assert_int_equal(o.n, 3);
    const struct outcome *ten = outcomes_of(&o, "10", &n);
    assert_int_equal(n, 2);
    assert_int_equal(ten[0].day, 20701);
    assert_int_equal(ten[0].outcome, SG_LEARN_NO_ACCESS);
    assert_int_equal(ten[1].outcome, SG_LEARN_FRAUD);
    assert_true(ten[1].kwh == 1500.5 && ten[0].kwh == 0);
    assert_int_equal(outcomes_of(&o, "9", &n)->outcome, SG_LEARN_NOTHING);
    assert_null(outcomes_of(&o, "12", &n));
}

static void test_limit(void **state)
{
    (void)state;
    SG_CLEANUP(outcomes_clear) struct outcomes o = {.list = NULL};
    char why[160];
    const struct sg_bytes text =
        SG_BYTES_LIT("\xef\xbb\xbf"
                     "customer,inspected_day,outcome\n1,120,fraud\n2,121,fraud\n");
    assert_int_equal(outcomes_parse_most(&o, text, 1, why), OUTCOMES_BAD);
    assert_string_equal(why, "line 3: more outcomes than there may be");
    assert_int_equal(outcomes_parse_most(&o, text, 2, why), 0);
    assert_int_equal(o.n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),    cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_store),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
