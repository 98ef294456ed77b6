/* The request and result documents of the HTTPS interface. */
#include <jansson.h>

#include "test-kv.h"

static const char *code_of(const char *json)
{
    struct sg_sql_request *q = NULL;
    struct sg_sql_error e = {0};
    int r = sg_sql_request_decode(sg_bytes_str(json), &q, &e);
    if (r == 0) {
        assert_non_null(q);
        sg_sql_request_free(q);
        return "ok";
    }
    assert_int_equal(r, SG_SQL_REFUSED);
    assert_null(q);
    return sg_sql_code_name(e.code);
}

static void t_decode(void **state)
{
    (void)state;
    struct sg_sql_request *q;
    struct sg_sql_error e = {0};
    const char *json = "{\"sql\":\"SELECT ?\",\"params\":[1,-9223372036854775808,2.5,\"x\\u00e9\","
                       "null,{\"blob\":\"AP8=\"},{\"blob\":\"\"}]}";
    assert_int_equal(sg_sql_request_decode(sg_bytes_str(json), &q, &e), 0);
    assert_false(sg_sql_request_is_transaction(q));
    const struct sg_sql_statement *s = sg_sql_request_statement(q, 0);
    assert_int_equal(s->n_params, 7);
    assert_int_equal(s->params[1].i, INT64_MIN);
    assert_true(s->params[2].type == SG_REAL && s->params[2].f == 2.5);
    assert_int_equal(s->params[3].bytes.len, 3);
    assert_int_equal(s->params[4].type, SG_NULL);
    assert_true(sg_bytes_equal(s->params[5].bytes, SG_BYTES_LIT("\0\xff")));
    assert_true(s->params[6].type == SG_BLOB && s->params[6].bytes.len == 0);
    sg_sql_request_free(q);
}

static void t_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "1",
        "{}",
        "{\"sql\":1}",
        "{\"sql\":\"x\",\"sql\":\"y\"}",
        "{\"sql\":\"x\",\"parms\":[]}",
        "{\"sql\":\"x\",\"params\":{}}",
        "{\"sql\":\"x\",\"params\":[true]}",
        "{\"sql\":\"x\",\"params\":[[1]]}",
        "{\"sql\":\"x\",\"params\":[9223372036854775808]}",
        "{\"sql\":\"x\",\"params\":[1e999]}",
        "{\"sql\":\"x\",\"params\":[{\"blob\":\"A\"}]}",
        "{\"sql\":\"x\",\"params\":[{\"blob\":\"AAAA\",\"x\":1}]}",
        "{\"sql\":\"x\",\"params\":[{\"blob\":1}]}",
        "{\"sql\":\"x\"} {\"sql\":\"y\"}",
        "{\"sql\":\"x\\u0000\"}",
        "{\"sql\":\"\xff\"}",
        "{\"statements\":[]}",
        "{\"statements\":[\"x\"]}",
        "{\"statements\":[{\"sql\":\"x\"}],\"sql\":\"y\"}",
        "{\"statements\":[{\"params\":[]}]}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (strcmp(code_of(bad[i]), "request") != 0)
            fail_msg("%s: %s", bad[i], code_of(bad[i]));
}

static void t_round_trip(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"sql\":\"SELECT 1\"}",
        "{\"sql\":\"x\\n\\\"y\",\"params\":[1,-2,0.5,1e+300,3.0,\"z\",null,{\"blob\":\"AP8=\"}]}",
        "{\"statements\":[{\"sql\":\"a\"},{\"sql\":\"b\",\"params\":[1]}]}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(4096);
        struct sg_sql_request *q;
        struct sg_sql_error e = {0};
        assert_int_equal(sg_sql_request_decode(sg_bytes_str(texts[i]), &q, &e), 0);
        assert_int_equal(sg_sql_request_encode(q, &b), 0);
        assert_int_equal(b.len, strlen(texts[i]));
        assert_memory_equal(b.data, texts[i], b.len);
        sg_sql_request_free(q);
    }
}

/* ---- results ---- */

struct sink {
    struct sg_buf text;
    int pieces;
    int fail_at; /* this piece fails; 0: none */
};

static int to_sink(void *user, struct sg_bytes piece)
{
    struct sink *s = user;
    if (++s->pieces == s->fail_at)
        return sg_raise(-EPIPE);
    return sg_buf_append(&s->text, piece);
}

static int result(struct fixture *f, const char *sql, struct sink *s, bool *started)
{
    struct sg_sql_query q = query(sql);
    struct sg_sql_writer w = {to_sink, s};
    uint64_t rows;
    *s = (struct sink){.text = SG_BUF_INIT(1 << 26), .fail_at = s->fail_at};
    int r = sg_sql_write_result(f->c, &q, &w, started, &rows);
    assert_int_equal(sg_buf_append_u8(&s->text, 0), 0);
    return r;
}

static void expect_document(struct fixture *f, const char *sql, const char *document)
{
    struct sink s = {.fail_at = 0};
    bool started;
    assert_int_equal(result(f, sql, &s, &started), 0);
    assert_true(started);
    assert_string_equal((const char *)s.text.data, document);
    sg_buf_clear(&s.text);
}

static void t_documents(void **state)
{
    struct fixture *f = *state;
    expect_document(f, "CREATE TABLE t (a INTEGER PRIMARY KEY, r REAL, s TEXT, b BLOB)",
                    "{\"columns\":[],\"rows\":[],\"rowcount\":0}\n");
    expect_document(f,
                    "INSERT INTO t VALUES (9223372036854775807, 2, 'a\"b\\\n\xc3\xa9', x'00ff10'), "
                    "(-9223372036854775808, 0.1, '', x''), (0, NULL, NULL, NULL)",
                    "{\"columns\":[],\"rows\":[],\"rowcount\":3}\n");
    expect_document(f, "SELECT * FROM t ORDER BY a DESC",
                    "{\"columns\":[{\"name\":\"a\",\"type\":\"INTEGER\"},{\"name\":\"r\",\"type\":"
                    "\"REAL\"},{\"name\":\"s\",\"type\":\"TEXT\"},{\"name\":\"b\",\"type\":"
                    "\"BLOB\"}],\"rows\":[[9223372036854775807,2.0,\"a\\\"b\\\\\\n\xc3\xa9\","
                    "\"AP8Q\"],[0,null,null,null],[-9223372036854775808,0.1,\"\",\"\"]],"
                    "\"rowcount\":3}\n");
    expect_document(f,
                    "SELECT 1 + 1 AS n, x'41', 9e999, NULL, -9e999, 1e15, 'x', CAST(x'ff' AS TEXT)",
                    "{\"columns\":[{\"name\":\"n\",\"type\":\"INTEGER\"},{\"name\":\"x'41'\","
                    "\"type\":\"BLOB\"},{\"name\":\"9e999\",\"type\":\"REAL\"},{\"name\":\"NULL\","
                    "\"type\":\"ANY\"},{\"name\":\"-9e999\",\"type\":\"REAL\"},{\"name\":\"1e15\","
                    "\"type\":\"REAL\"},{\"name\":\"'x'\",\"type\":\"TEXT\"},{\"name\":"
                    "\"CAST(x'ff' AS TEXT)\",\"type\":\"TEXT\"}],\"rows\":[[2,\"QQ==\","
                    "\"Infinity\",null,\"-Infinity\",1e+15,\"x\",\"\xef\xbf\xbd\"]],"
                    "\"rowcount\":1}\n");
    expect_document(f, "SELECT value FROM (SELECT 1 AS value UNION ALL SELECT x'41')",
                    "{\"columns\":[{\"name\":\"value\",\"type\":\"INTEGER\"}],\"rows\":[[1],"
                    "[{\"blob\":\"QQ==\"}]],\"rowcount\":2}\n");
}

static void t_integers(void **state)
{
    struct fixture *f = *state;
    struct sink s = {.fail_at = 0};
    bool started;
    const char *sql = "WITH RECURSIVE p(x) AS (SELECT 1 UNION ALL SELECT x * 10 FROM p LIMIT 19), "
                      "v AS (SELECT x FROM p UNION ALL SELECT x - 1 FROM p UNION ALL "
                      "SELECT -x FROM p UNION ALL SELECT x * 7 / 3 + 5 FROM p WHERE x < 1e17) "
                      "SELECT x, CAST(x AS TEXT) FROM v";
    assert_int_equal(result(f, sql, &s, &started), 0);
    json_t *root = json_loads((const char *)s.text.data, 0, NULL);
    const json_t *rows = json_object_get(root, "rows");
    assert_int_equal(json_array_size(rows), 19 * 3 + 17);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        char text[32];
        const json_t *row = json_array_get(rows, i);
        snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(json_array_get(row, 0)));
        assert_string_equal(text, json_string_value(json_array_get(row, 1)));
    }
    json_decref(root);
    sg_buf_clear(&s.text);
}

#define MANY "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 50000) "

static void t_pieces(void **state)
{
    struct fixture *f = *state;
    struct sink s = {.fail_at = 0};
    bool started;
    assert_int_equal(result(f, MANY "SELECT x, 'some text' FROM n", &s, &started), 0);
    assert_true(s.pieces > 5);
    json_t *root = json_loads((const char *)s.text.data, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(root, "rowcount")), 50000);
    json_decref(root);
    sg_buf_clear(&s.text);
}

static void t_error_before_and_after_start(void **state)
{
    struct fixture *f = *state;
    struct sink s = {.fail_at = 0};
    bool started;
    assert_int_equal(result(f, "SELECT nosuch", &s, &started), SG_SQL_REFUSED);
    assert_false(started);
    assert_int_equal(s.pieces, 0);
    sg_buf_clear(&s.text);
    const char *late = MANY "SELECT x, abs(CASE WHEN x = 49999 THEN -9223372036854775808 "
                            "ELSE x END) FROM n";
    assert_int_equal(result(f, late, &s, &started), SG_SQL_REFUSED);
    assert_true(started);
    json_t *root = json_loads((const char *)s.text.data, 0, NULL);
    assert_non_null(root);
    assert_null(json_object_get(root, "rowcount"));
    assert_string_equal(json_string_value(json_object_get(json_object_get(root, "error"), "code")),
                        "22003");
    json_decref(root);
    sg_buf_clear(&s.text);
}

static void t_row_too_long(void **state)
{
    struct fixture *f = *state;
    struct sink s = {.fail_at = 0};
    bool started;
    const char *sql = "SELECT x, printf('%.*c', 15000000, 'a'), printf('%.*c', 15000000, 'b'), "
                      "printf('%.*c', x, 'c') FROM (SELECT 1 AS x UNION ALL SELECT 15000000)";
    assert_int_equal(result(f, sql, &s, &started), SG_SQL_REFUSED);
    assert_int_equal(sg_sql_error(f->c)->code, SG_SQL_ERR_limit);
    assert_true(started);
    json_t *root = json_loads((const char *)s.text.data, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(root, "rows")), 1);
    assert_non_null(json_object_get(root, "error"));
    json_decref(root);
    sg_buf_clear(&s.text);
}

static void t_reader_gone(void **state)
{
    struct fixture *f = *state;
    struct sink s = {.fail_at = 3};
    bool started;
    assert_true(result(f, MANY "SELECT x, 'some text' FROM n", &s, &started) < 0);
    assert_int_equal(s.pieces, 3);
    sg_buf_clear(&s.text);
    expect_rows(f, "SELECT 1", "1;");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t_decode),
        cmocka_unit_test(t_refused),
        cmocka_unit_test(t_round_trip),
        T(t_documents),
        T(t_integers),
        T(t_pieces),
        T(t_error_before_and_after_start),
        T(t_row_too_long),
        T(t_reader_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
