/* Which statements give their rows without SQLite's machine, and that they are the same rows. */
#include "test-kv.h"

/* Two partitions of 200 rows. */
static int setup_filled(void **state)
{
    struct fixture *f = fixture_new();
    expect_done(f, "CREATE TABLE t (a INTEGER, b INTEGER, s TEXT, v REAL, n INTEGER, x BLOB, "
                   "PRIMARY KEY (a, b, s))");
    expect_done(f, "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 399) "
                   "INSERT INTO t SELECT i / 200, i % 200, 's' || i, i / 4.0, nullif(i % 7, 3), "
                   "CASE i % 5 WHEN 0 THEN NULL ELSE CAST(i AS BLOB) END FROM n");
    expect_done(f, "CREATE TABLE k (s TEXT PRIMARY KEY, i INTEGER)");
    expect_done(f, "INSERT INTO k SELECT s, b FROM t");
    *state = f;
    return 0;
}

/* Runs it to the end: whether it became plain on the way. */
static bool becomes_plain(struct fixture *f, const char *sql)
{
    struct sg_sql_query q = query(sql);
    bool plain = false;
    int r = sg_sql_begin(f->c, &q);
    for (; r == 0; r = sg_sql_next(f->c))
        plain = plain || f->c->plain;
    if (r != SG_SQL_DONE)
        fail_msg("%s: %s", sql, sg_sql_error(f->c)->message);
    assert_int_equal(sg_sql_next(f->c), SG_SQL_DONE);
    sg_sql_end(f->c);
    assert_false(f->c->plain);
    return plain;
}

static void t_columns_of_one_table(void **state)
{
    static const char *const plain[] = {
        "SELECT * FROM t",
        "SELECT n, n, a, x FROM t WHERE a = 1",
        "SELECT b FROM t WHERE a = 1 AND b >= 20 AND b < 190 ORDER BY b",
        "SELECT * FROM t WHERE a = 0 ORDER BY b DESC, s DESC",
        "SELECT q.b FROM (SELECT a, b FROM t) AS q WHERE q.a = 1",
        "SELECT b FROM t WHERE a = (SELECT 1)",
    };
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (!becomes_plain(*state, plain[i]))
            fail_msg("%s", plain[i]);
}

static void t_anything_else(void **state)
{
    static const char *const others[] = {
        "SELECT b + 0 FROM t",
        "SELECT b, 1 FROM t",
        "SELECT b FROM t WHERE n > 2",
        "SELECT b FROM t WHERE a = 1 LIMIT 100",
        "SELECT b FROM t LIMIT 100 OFFSET 20",
        "SELECT DISTINCT b FROM t",
        "SELECT b FROM t ORDER BY v",
        "SELECT count(*) FROM t GROUP BY b",
        "SELECT b FROM t UNION ALL SELECT i FROM k",
        "SELECT t.b FROM t, k WHERE k.s = t.s",
        "SELECT t.b, k.i FROM t LEFT JOIN k ON k.s = 's3'",
        "SELECT v FROM t WHERE a IN (0, 1, 5)",
        "SELECT i FROM k WHERE s > 's1'", /* text keys are looked at again by SQLite */
        "SELECT b FROM t WHERE a = 1 AND b IN (SELECT i FROM k)",
        "SELECT value FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]')",
        "SELECT b FROM t WHERE a = 1 AND random() IS NOT NULL",
        "SELECT a, row_number() OVER (ORDER BY b) FROM t",
        "EXPLAIN SELECT t.b, k.s FROM t LEFT JOIN k ON k.s = t.s ORDER BY 2, 1",
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (becomes_plain(*state, others[i]))
            fail_msg("%s", others[i]);
}

/* The outer query of the second goes through SQLite, row by row. */
static void same_rows(struct fixture *f, const char *sql)
{
    char through[512];
    SG_FREE char *direct = strdup(run(f, sql));
    assert_non_null(direct);
    snprintf(through, sizeof(through), "SELECT * FROM (%s) WHERE random() IS NOT NULL", sql);
    assert_false(becomes_plain(f, through));
    assert_true(becomes_plain(f, sql));
    assert_string_equal(direct, run(f, through));
    assert_true(strlen(direct) > 200);
}

static void t_same_rows(void **state)
{
    same_rows(*state, "SELECT * FROM t");
    same_rows(*state, "SELECT x, s, n, v FROM t WHERE a = 1 AND b > 100");
    same_rows(*state, "SELECT s, b FROM t WHERE a = 1 ORDER BY b DESC");
}

/* A plain statement sees what the transaction wrote, as any other does. */
static void t_in_a_transaction(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(sg_sql_transaction_begin(f->c), 0);
    expect_done(f, "DELETE FROM t WHERE a = 1 AND b % 2 = 1");
    expect_done(f, "UPDATE t SET n = 77 WHERE a = 1 AND b = 198");
    expect_done(f, "INSERT INTO t VALUES (1, 500, 'new', 1, 2, NULL)");
    same_rows(f, "SELECT b, n FROM t WHERE a = 1");
    expect_rows(f, "SELECT count(*), max(b), sum(n = 77) FROM t WHERE a = 1", "101 500 1;");
    sg_sql_transaction_rollback(f->c);
}

static void put_row(struct fixture *f, const char *value, size_t len)
{
    struct sg_kv *kv;
    SG_CLEANUP(sg_buf_clear) struct sg_buf partition = SG_BUF_INIT(64), sort = SG_BUF_INIT(64);
    assert_int_equal(sg_kv_open_memory(&kv, f->memory), 0);
    assert_int_equal(sg_tuple_key_append(&partition, &SG_VAL_INT(1), 1), 0);
    assert_int_equal(sg_tuple_key_append(&sort, &SG_VAL_INT(150), 1), 0);
    assert_int_equal(sg_tuple_key_append(&sort, &SG_VAL_TEXT("s350"), 1), 0);
    struct sg_kv_op op = {
        .kind = SG_KV_PUT,
        .key = {SG_TABLE_USER_FIRST, sg_buf_bytes(&partition), sg_buf_bytes(&sort)},
        .value = SG_BYTES(value, len)};
    assert_int_equal(sg_kv_batch(kv, "metering", &op, 1, NULL), 0);
    sg_kv_free(kv);
}

/* Row 150 of a partition is text where there must be a number: found far behind the first rows. */
static void t_damage_far_behind(void **state)
{
    struct fixture *f = *state;
    put_row(f, "\x03\x03\x01x\x00\x00", 6);
    expect_rows(f, "SELECT v FROM t WHERE a = 1", "!damaged");
    expect_rows(f, "SELECT n FROM t WHERE a = 1 AND b = 150", "null;");
}

static void t_time_runs_out(void **state)
{
    struct fixture *f = *state;
    struct sg_sql_query q = query("SELECT * FROM t");
    q.timeout_ms = 3600000;
    assert_int_equal(sg_sql_begin(f->c, &q), 0);
    for (int i = 0; i < 40; i++)
        assert_int_equal(sg_sql_next(f->c), 0);
    assert_true(f->c->plain);
    f->c->deadline_ns = 1;
    int r = 0;
    for (int i = 0; i < 200 && r == 0; i++)
        r = sg_sql_next(f->c);
    assert_int_equal(r, SG_SQL_REFUSED);
    assert_int_equal(sg_sql_error(f->c)->code, SG_SQL_ERR_timeout);
    sg_sql_end(f->c);
    assert_true(becomes_plain(f, "SELECT * FROM t"));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup_filled, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(t_columns_of_one_table), T(t_anything_else),     T(t_same_rows),
        T(t_in_a_transaction),     T(t_damage_far_behind), T(t_time_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
