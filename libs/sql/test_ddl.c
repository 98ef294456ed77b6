#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ddl-int.h"

static void expect_canonical(const char *sql, const char *canonical)
{
    static struct sg_ddl d, again;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_DDL_TEXT_MAX);
    size_t at = 0;
    const char *what = "";
    if (sg_ddl_parse(sg_bytes_str(sql), &d, &at, &what))
        fail_msg("%s: %s at %zu", sql, what, at);
    assert_int_equal(d.kind, SG_DDL_CREATE);
    assert_int_equal(sg_ddl_format(&d.shape, &b), 0);
    assert_int_equal(b.len, strlen(canonical));
    assert_memory_equal(b.data, canonical, b.len);
    assert_int_equal(sg_ddl_parse(sg_buf_bytes(&b), &again, &at, &what), 0);
    assert_memory_equal(&again.shape, &d.shape, sizeof(d.shape));
}

static void t_create(void **state)
{
    (void)state;
    expect_canonical("CREATE TABLE t (a INTEGER PRIMARY KEY)",
                     "CREATE TABLE \"t\" (\"a\" INTEGER NOT NULL, PRIMARY KEY (\"a\")) "
                     "PARTITION BY (\"a\")");
    expect_canonical(
        "create /* c */ table if not exists \"Table\" -- x\n (A integer not null, "
        "b_2 TEXT, c BLOB, d REAL, primary key (b_2, a)) ;; ",
        "CREATE TABLE \"table\" (\"a\" INTEGER NOT NULL, \"b_2\" TEXT NOT NULL, "
        "\"c\" BLOB, \"d\" REAL, PRIMARY KEY (\"b_2\", \"a\")) PARTITION BY (\"b_2\")");
    expect_canonical("CREATE TABLE t (a TEXT, b TEXT, PRIMARY KEY (a, b)) PARTITION BY (a, b)",
                     "CREATE TABLE \"t\" (\"a\" TEXT NOT NULL, \"b\" TEXT NOT NULL, PRIMARY KEY "
                     "(\"a\", \"b\")) PARTITION BY (\"a\", \"b\")");
    expect_canonical("CREATE TABLE t (a TEXT PRIMARY KEY) PARTITION BY ()",
                     "CREATE TABLE \"t\" (\"a\" TEXT NOT NULL, PRIMARY KEY (\"a\")) "
                     "PARTITION BY ()");
}

static void t_shape(void **state)
{
    (void)state;
    static struct sg_ddl d;
    size_t at;
    const char *what;
    const char *sql = "CREATE TABLE t (v REAL, k INTEGER, w TEXT, j TEXT, PRIMARY KEY (j, k))";
    assert_int_equal(sg_ddl_parse(sg_bytes_str(sql), &d, &at, &what), 0);
    assert_int_equal(d.shape.n_key, 2);
    assert_int_equal(d.shape.n_partition, 1);
    assert_int_equal(d.shape.columns[0].field, 0);
    assert_int_equal(d.shape.columns[1].key, 1);
    assert_int_equal(d.shape.columns[1].field, -1);
    assert_int_equal(d.shape.columns[2].field, 1);
    assert_int_equal(d.shape.columns[3].key, 0);
    assert_true(d.shape.columns[1].not_null);
    assert_false(d.shape.columns[0].not_null);
}

static void t_refused(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        size_t at;
    } bad[] = {
        {"", 0},
        {"SELECT 1", 0},
        {"CREATE VIEW v AS SELECT 1", 7},
        {"CREATE TABLE", 12},
        {"CREATE TABLE select.x (a INTEGER PRIMARY KEY)", 19},
        {"CREATE TABLE t", 14},
        {"CREATE TABLE t ()", 16},
        {"CREATE TABLE t (a)", 17},
        {"CREATE TABLE t (a INT PRIMARY KEY)", 18},
        {"CREATE TABLE t (a VARCHAR(3) PRIMARY KEY)", 18},
        {"CREATE TABLE t (a INTEGER)", 26},
        {"CREATE TABLE t (a INTEGER, a TEXT, PRIMARY KEY (a))", 27},
        {"CREATE TABLE t (_row INTEGER PRIMARY KEY)", 16},
        {"CREATE TABLE t (a INTEGER DEFAULT 3, PRIMARY KEY (a))", 26},
        {"CREATE TABLE t (a INTEGER CHECK (1), PRIMARY KEY (a))", 26},
        {"CREATE TABLE t (a INTEGER, PRIMARY KEY (b))", 40},
        {"CREATE TABLE t (a INTEGER, PRIMARY KEY (a, a))", 43},
        {"CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT PRIMARY KEY)", 46},
        {"CREATE TABLE t (a INTEGER PRIMARY KEY, PRIMARY KEY (a))", 51},
        {"CREATE TABLE t (PRIMARY KEY (a), a INTEGER)", 29},
        {"CREATE TABLE t (a INTEGER, PRIMARY KEY (a), b TEXT)", 44},
        {"CREATE TABLE t (a INTEGER PRIMARY KEY) PARTITION BY (b)", 53},
        {"CREATE TABLE t (a INTEGER, b TEXT, PRIMARY KEY (a, b)) PARTITION BY (b)", 69},
        {"CREATE TABLE t (a INTEGER PRIMARY KEY) WITHOUT ROWID", 39},
        {"CREATE TABLE t (a INTEGER PRIMARY KEY); DROP TABLE t", 40},
        {"CREATE TABLE t (\"a b\" INTEGER PRIMARY KEY)", 16},
        {"CREATE TABLE t (\"a\"\"b\" INTEGER PRIMARY KEY)", 19},
        {"CREATE TABLE t (\"a\\\" INTEGER PRIMARY KEY)", 16},
        {"CREATE TABLE 't' (a INTEGER PRIMARY KEY)", 13},
        {"CREATE TABLE table (a INTEGER PRIMARY KEY)", 13},
        {"CREATE TEMP TABLE t (a INTEGER PRIMARY KEY)", 7},
        {"CREATE TABLE IF EXISTS t (a INTEGER PRIMARY KEY)", 16},
        {"DROP TABLE", 10},
        {"DROP TABLE t, u", 12},
        {"DROP TABLE IF NOT EXISTS t", 14},
        {"ALTER TABLE t ADD COLUMN x", 0},
        {"CREATE TABLE t (a INTEGER PRIMARY KEY /* never closed", 53},
        {"CREATE TABLE "
         "t234567890123456789012345678901234567890123456789012345678901234 (a INTEGER PRIMARY KEY)",
         13},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        static struct sg_ddl d;
        size_t at = 9999;
        const char *what = NULL;
        assert_int_equal(sg_ddl_parse(sg_bytes_str(bad[i].sql), &d, &at, &what), SG_DDL_BAD);
        assert_non_null(what);
        if (at != bad[i].at)
            fail_msg("%s: %s at %zu, expected at %zu", bad[i].sql, what, at, bad[i].at);
    }
}

static void t_nul_and_high_octets(void **state)
{
    (void)state;
    static struct sg_ddl d;
    size_t at;
    const char *what;
    assert_int_equal(sg_ddl_parse(SG_BYTES_LIT("DROP TABLE t\0"), &d, &at, &what), SG_DDL_BAD);
    assert_int_equal(sg_ddl_parse(SG_BYTES_LIT("DROP TABLE \xc3\xa9"), &d, &at, &what), SG_DDL_BAD);
}

static void t_drop(void **state)
{
    (void)state;
    static struct sg_ddl d;
    size_t at;
    const char *what;
    assert_int_equal(sg_ddl_parse(sg_bytes_str("drop table if exists T;"), &d, &at, &what), 0);
    assert_int_equal(d.kind, SG_DDL_DROP);
    assert_true(d.if_clause);
    assert_string_equal(d.shape.name, "t");
}

static void t_limits(void **state)
{
    (void)state;
    static struct sg_ddl d;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 16);
    size_t at;
    const char *what;
    assert_int_equal(sg_buf_printf(&b, "CREATE TABLE t (c INTEGER PRIMARY KEY"), 0);
    for (int i = 1; i < SG_SQL_COLUMNS_MAX; i++)
        assert_int_equal(sg_buf_printf(&b, ", c%d TEXT", i), 0);
    size_t full = b.len;
    assert_int_equal(sg_buf_printf(&b, ")"), 0);
    assert_int_equal(sg_ddl_parse(sg_buf_bytes(&b), &d, &at, &what), 0);
    assert_int_equal(d.shape.n_columns, SG_SQL_COLUMNS_MAX);
    b.len = full;
    assert_int_equal(sg_buf_printf(&b, ", z TEXT)"), 0);
    assert_int_equal(sg_ddl_parse(sg_buf_bytes(&b), &d, &at, &what), SG_DDL_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t_create),  cmocka_unit_test(t_shape),
        cmocka_unit_test(t_refused), cmocka_unit_test(t_nul_and_high_octets),
        cmocka_unit_test(t_drop),    cmocka_unit_test(t_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
