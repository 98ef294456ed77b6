/* The client's reading of a result document: any split, every cut, wrong counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sql-json.h"

static const char document[] =
    "{\"columns\":[{\"name\":\"rows\",\"type\":\"ANY\"}],\"rows\":["
    "[1,-20,\"ab\",null],[300,4,\"\",null],[-9223372036854775808,0,\"x\","
    "7]],\"rowcount\":3}\n";
#define SUM ((uint64_t)(1 - 20 + 2 + 300 + 4 + 1 + 7) + (UINT64_C(1) << 63))

static int feed(struct sql_json *j, const char *text, size_t len, size_t piece)
{
    int r = 0;
    sql_json_begin(j);
    for (size_t at = 0; r == 0 && at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece;
        uint8_t *room;
        r = sql_json_room(j, &room);
        if (r == 0) {
            memcpy(room, text + at, n);
            r = sql_json_took(j, n);
        }
    }
    return r ? r : sql_json_end(j);
}

static void t_any_split(void **state)
{
    (void)state;
    SG_CLEANUP(sql_json_clear) struct sql_json j = {.at = SQL_JSON_HEAD};
    for (size_t piece = 1; piece <= sizeof(document); piece++) {
        assert_int_equal(feed(&j, document, sizeof(document) - 1, piece), 0);
        assert_int_equal(j.tally.rows, 3);
        assert_true(j.tally.sum == SUM);
    }
}

static void t_every_cut(void **state)
{
    (void)state;
    SG_CLEANUP(sql_json_clear) struct sql_json j = {.at = SQL_JSON_HEAD};
    size_t count_ends = strstr(document, "3}") - document + 1;
    for (size_t len = 0; len < count_ends; len++)
        assert_int_equal(feed(&j, document, len, 16), -EBADMSG);
}

static void t_what_is_no_result(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"rows\":[[1]],\"rowcount\":2}",
        "{\"rows\":[[1]],\"error\":{\"code\":\"XX001\",\"message\":\"rowcount\"}}",
        "{\"error\":{\"code\":\"42601\",\"message\":\"x\"}}",
        "{\"rows\":[[1],x],\"rowcount\":1}",
        "{\"rows\":[[true]],\"rowcount\":1}",
        "",
    };
    SG_CLEANUP(sql_json_clear) struct sql_json j = {.at = SQL_JSON_HEAD};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(feed(&j, bad[i], strlen(bad[i]), 7), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(t_any_split), cmocka_unit_test(t_every_cut),
                                       cmocka_unit_test(t_what_is_no_result)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
