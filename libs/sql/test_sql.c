#include "test-kv.h"

static void t_create_insert_select(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (a INTEGER, b TEXT, c REAL, d BLOB, PRIMARY KEY (a, b))");
    expect_done(f, "INSERT INTO t VALUES (1, 'x', 1.5, x'00ff'), (2, 'y', NULL, NULL)");
    assert_int_equal(sg_sql_changes(f->c), 2);
    expect_rows(f, "SELECT * FROM t", "1 'x' 1.5 x00ff;2 'y' null null;");
    expect_rows(f, "SELECT d, a FROM t WHERE a = 1 AND b = 'x'", "x00ff 1;");
    expect_rows(f, "SELECT count(*), sum(a) FROM t", "2 3;");
}

static void t_duplicate_key(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER)");
    expect_done(f, "INSERT INTO t VALUES (1, 1), (2, 2)");
    expect_rows(f, "INSERT INTO t VALUES (3, 3), (2, 9)", "!duplicate_key");
    expect_rows(f, "INSERT INTO t VALUES (4, 4), (4, 5)", "!duplicate_key");
    expect_rows(f, "SELECT * FROM t ORDER BY a", "1 1;2 2;");
    expect_done(f, "INSERT OR IGNORE INTO t VALUES (3, 3), (2, 9), (3, 4)");
    assert_int_equal(sg_sql_changes(f->c), 1);
    expect_rows(f, "SELECT * FROM t ORDER BY a", "1 1;2 2;3 3;");
    expect_done(f, "INSERT OR REPLACE INTO t VALUES (3, 30), (4, 4)");
    expect_rows(f, "SELECT * FROM t ORDER BY a", "1 1;2 2;3 30;4 4;");
    expect_rows(f, "INSERT INTO t VALUES (1, 1) ON CONFLICT (a) DO NOTHING", "!unsupported");
}

static void t_update_delete(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (a INTEGER, b INTEGER, c TEXT, PRIMARY KEY (a, b))");
    expect_done(f, "INSERT INTO t VALUES (1, 1, 'p'), (1, 2, 'q'), (2, 1, 'r')");
    expect_done(f, "UPDATE t SET c = c || '!' WHERE a = 1");
    assert_int_equal(sg_sql_changes(f->c), 2);
    expect_done(f, "UPDATE t SET c = 'one' WHERE a = 2 AND b = 1");
    expect_done(f, "UPDATE t SET b = b + 10 WHERE a = 1");
    expect_rows(f, "SELECT * FROM t ORDER BY a, b", "1 11 'p!';1 12 'q!';2 1 'one';");
    expect_rows(f, "UPDATE t SET b = 12 WHERE a = 1 AND b = 11", "!duplicate_key");
    expect_done(f, "DELETE FROM t WHERE b = 12 OR c = 'one'");
    assert_int_equal(sg_sql_changes(f->c), 2);
    expect_rows(f, "SELECT * FROM t", "1 11 'p!';");
    expect_done(f, "DELETE FROM t");
    expect_rows(f, "SELECT count(*) FROM t", "0;");
}

/* DELETE with LIMIT goes through the hidden column _row; nothing but reading it is possible. */
static void t_change_some(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (a INTEGER, b INTEGER, PRIMARY KEY (a, b))");
    expect_done(f, "INSERT INTO t VALUES (1, 1), (1, 2), (2, 2)");
    expect_done(f, "DELETE FROM t WHERE a = 1 ORDER BY b DESC LIMIT 1");
    expect_rows(f, "SELECT * FROM t", "1 1;2 2;");
    expect_done(f, "UPDATE t SET b = 9 LIMIT 1");
    expect_rows(f, "SELECT * FROM t", "1 9;2 2;");
    expect_done(f, "INSERT INTO t (a, b, _row) VALUES (3, 3, x'00')");
    expect_rows(f, "SELECT * FROM t", "1 9;2 2;3 3;");
    expect_rows(f, "UPDATE t SET _row = x'00'", "!denied");
    expect_rows(f, "INSERT INTO t VALUES (4, 4) RETURNING a + b", "8;");
    expect_rows(f, "DELETE FROM t RETURNING a", "!unsupported");
    expect_done(f, "CREATE TABLE n (a INTEGER PRIMARY KEY, v INTEGER)");
    expect_done(f, "INSERT INTO n VALUES (1, 0)");
    expect_rows(f, "UPDATE n SET v = u.b FROM t AS u", "!twice");
}

static void t_types(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (k INTEGER, i INTEGER, r REAL, s TEXT NOT NULL, b BLOB, "
                   "PRIMARY KEY (k))");
    expect_done(f, "INSERT INTO t VALUES (1, 2.0, 3, 'x', x'01')");
    expect_rows(f, "SELECT typeof(i), typeof(r), typeof(s), typeof(b) FROM t",
                "'integer' 'real' 'text' 'blob';");
    expect_rows(f, "INSERT INTO t VALUES (2, '3', 3, 'x', NULL)", "!type");
    assert_string_equal(sg_sql_error(f->c)->message, "column i of table t takes INTEGER, not TEXT");
    expect_rows(f, "INSERT INTO t VALUES (2, 2.5, 3, 'x', NULL)", "!type");
    expect_rows(f, "INSERT INTO t VALUES (2, 1e300, 3, 'x', NULL)", "!type");
    expect_rows(f, "INSERT INTO t VALUES (2, 2, 9e999, 'x', NULL)", "!range");
    expect_rows(f, "INSERT INTO t VALUES (2, 2, 2, 5, NULL)", "!type");
    expect_rows(f, "INSERT INTO t VALUES (2, 2, 2, 'x', 'text')", "!type");
    expect_rows(f, "INSERT INTO t VALUES (2, 2, 2, NULL, NULL)", "!not_null");
    expect_rows(f, "INSERT INTO t (k, i) VALUES (2, 2)", "!not_null");
    expect_rows(f, "INSERT INTO t VALUES (NULL, 2, 2, 'x', NULL)", "!not_null");
    expect_rows(f, "INSERT INTO t VALUES (2, 2, 2, CAST(x'ff' AS TEXT), NULL)", "!type");
    expect_rows(f, "SELECT count(*) FROM t", "1;");
}

static void t_whole_range_of_integers(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (k INTEGER, v INTEGER, PRIMARY KEY (k))");
    expect_done(f, "INSERT INTO t VALUES (9223372036854775807, -9223372036854775808), "
                   "(-9223372036854775808, 9007199254740993)");
    expect_rows(f, "SELECT * FROM t ORDER BY k",
                "-9223372036854775808 9007199254740993;9223372036854775807 -9223372036854775808;");
    expect_rows(f, "SELECT v FROM t WHERE k = 9223372036854775807", "-9223372036854775808;");
    expect_rows(f, "SELECT count(*) FROM t WHERE k < 9.3e18 AND k >= -9.3e18", "2;");
    expect_rows(f, "SELECT count(*) FROM t WHERE k > 9.3e18", "0;");
    expect_rows(f, "SELECT sum(v) FROM t WHERE k = 9223372036854775807 OR k = 1",
                "-9223372036854775808;");
    expect_rows(f, "SELECT sum(k) FROM (SELECT k FROM t WHERE k > 0 UNION ALL SELECT 1)", "!range");
}

static void t_empty_and_odd_values(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (s TEXT, b BLOB, n TEXT, PRIMARY KEY (s, b))");
    struct sg_value p[3] = {SG_VAL_TEXT(""), SG_VAL_BLOB(SG_BYTES_NONE),
                            SG_VAL_TEXT("'; DROP TABLE t; --")};
    struct sg_sql_query q = query("INSERT INTO t VALUES (?, ?, ?)");
    q.params = p;
    q.n_params = 3;
    assert_string_equal(run_query(f, &q), "");
    p[0].bytes = SG_BYTES_LIT("a\0b");
    p[1].bytes = SG_BYTES_LIT("\0\xff\0\1");
    assert_string_equal(run_query(f, &q), "");
    expect_rows(f, "SELECT length(CAST(s AS BLOB)), hex(b), n FROM t",
                "0 '' ''; DROP TABLE t; --';3 '00FF0001' ''; DROP TABLE t; --';");
    q = query("SELECT hex(b) FROM t WHERE s = ?");
    q.params = p;
    q.n_params = 1;
    assert_string_equal(run_query(f, &q), "'00FF0001';");
}

static void t_parameters(void **state)
{
    struct fixture *f = *state;
    struct sg_value p[2] = {SG_VAL_INT(7), {.type = SG_REAL, .f = 0.5}};
    struct sg_sql_query q = query("SELECT ?1, ?2, ?1");
    q.params = p;
    q.n_params = 2;
    assert_string_equal(run_query(f, &q), "7 0.5 7;");
    q.n_params = 1;
    assert_string_equal(run_query(f, &q), "!params");
    q = query("SELECT 1");
    q.params = p;
    q.n_params = 1;
    assert_string_equal(run_query(f, &q), "!params");
}

static void t_drop(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (a INTEGER, b INTEGER, PRIMARY KEY (a, b))");
    expect_rows(f, "create table T (a integer primary key)", "!table_exists");
    expect_done(f, "CREATE TABLE IF NOT EXISTS t (x TEXT PRIMARY KEY)");
    expect_done(f, "INSERT INTO t SELECT value % 7, value FROM json_each('[1,2,3,4,5,6,7,8,9]')");
    expect_rows(f, "SELECT count(*) FROM t", "9;");
    expect_done(f, "DROP TABLE t");
    expect_rows(f, "SELECT count(*) FROM t", "!no_table");
    expect_rows(f, "DROP TABLE t", "!no_table");
    expect_done(f, "DROP TABLE IF EXISTS t");
    expect_done(f, "CREATE TABLE t (a INTEGER, b INTEGER, PRIMARY KEY (a, b))");
    expect_rows(f, "SELECT count(*) FROM t", "0;");
    expect_rows(f, "DROP TABLE reading", "!denied");
    expect_rows(f, "CREATE TABLE sqlite_x (a INTEGER PRIMARY KEY)", "!denied");
    expect_rows(f, "CREATE TABLE block (a INTEGER PRIMARY KEY)", "!table_exists");
}

/* Rows of a dropped table are really gone from the store, and its id is not given out again. */
static void t_drop_removes_rows(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (a INTEGER PRIMARY KEY)");
    expect_done(f, "INSERT INTO t VALUES (1), (2), (3)");
    expect_done(f, "DROP TABLE t");
    struct sg_kv *kv;
    struct sg_kv_scan *scan;
    struct sg_bytes key, none;
    assert_int_equal(sg_kv_open_memory(&kv, f->memory), 0);
    assert_int_equal(sg_kv_partitions_open(&scan, kv, "metering", SG_TABLE_USER_FIRST,
                                           SG_BYTES_NONE, SG_BYTES_NONE),
                     0);
    assert_int_equal(sg_kv_scan_next(scan, &key, &none), SG_KV_NOT_FOUND);
    sg_kv_scan_free(scan);
    sg_kv_free(kv);
    expect_done(f, "CREATE TABLE u (a INTEGER PRIMARY KEY)");
    struct sg_sql_catalog *catalog;
    struct sg_sql_error error = {0};
    assert_int_equal(sg_sql_engine_catalog(f->engine, true, &catalog, &error), 0);
    assert_int_equal(sg_sql_catalog_find(catalog, "u")->id, SG_TABLE_USER_FIRST + 1);
    sg_sql_catalog_unref(catalog);
}

static void t_second_connection_sees_tables(void **state)
{
    struct fixture *f = *state;
    struct sg_sql *first = f->c;
    assert_int_equal(sg_sql_open(&f->c, f->engine), 0);
    expect_rows(f, "SELECT * FROM t", "!no_table");
    struct sg_sql *second = f->c;
    f->c = first;
    expect_done(f, "CREATE TABLE t (a INTEGER PRIMARY KEY)");
    expect_done(f, "INSERT INTO t VALUES (5)");
    f->c = second;
    expect_rows(f, "SELECT * FROM t", "5;");
    f->c = first;
    expect_done(f, "DROP TABLE t");
    expect_done(f, "CREATE TABLE t (b TEXT PRIMARY KEY)");
    expect_done(f, "INSERT INTO t VALUES ('z')");
    f->c = second;
    expect_rows(f, "SELECT b FROM t", "'z';");
    sg_sql_close(second);
    f->c = first;
}

/* Another engine (another sqld) drops the table: nothing is written into its old rows. */
static void t_write_into_dropped_table(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (a INTEGER PRIMARY KEY)");
    expect_done(f, "INSERT INTO t VALUES (1)");
    struct fixture other = {.memory = f->memory};
    struct sg_sql_engine_options o = {.open = open_counting, .user = &other};
    assert_int_equal(sg_sql_engine_new(&other.engine, &o), 0);
    assert_int_equal(sg_sql_open(&other.c, other.engine), 0);
    expect_done(&other, "DROP TABLE t");
    expect_rows(f, "INSERT INTO t VALUES (2)", "!no_table");
    sg_sql_close(other.c);
    sg_sql_engine_free(other.engine);
}

static void t_reading_is_unsigned_and_once(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "INSERT INTO reading (client_id, ts, meter_serial, seq, voltage_a, origin) "
                   "VALUES (3000000001, 900, '12345678', 1, 220000, 0)");
    expect_rows(f,
                "SELECT client_id, ts, meter_serial, seq, voltage_a, voltage_b, origin "
                "FROM reading",
                "3000000001 900 '12345678' 1 220000 null 2;");
    const char *again = "INSERT INTO reading (client_id, ts, meter_serial, seq) "
                        "VALUES (3000000001, 900, '12345678', 1)";
    expect_rows(f, again, "!duplicate_key");
    expect_rows(f,
                "INSERT OR REPLACE INTO reading (client_id, ts, meter_serial, seq) "
                "VALUES (3000000001, 900, '12345678', 1)",
                "!read_only");
    expect_rows(f, "UPDATE reading SET voltage_a = 1", "!read_only");
    expect_rows(f, "DELETE FROM reading", "!read_only");
    expect_rows(f,
                "INSERT INTO block (client_id, first_ts, meter_serial, first_seq) "
                "VALUES (1, 1, 'x', 1)",
                "!read_only");
    expect_rows(f, "SELECT count(*) FROM pragma_table_info('reading')", "45;");
    expect_done(f,
                "INSERT INTO reading (client_id, ts, meter_serial, seq, neutral_current, events) "
                "VALUES (3000000001, 1800, '12345678', 2, 1230, 18)");
    expect_rows(f, "SELECT ts, neutral_current FROM reading WHERE events & 6 != 0", "1800 1230;");
    expect_rows(f, "SELECT events FROM reading WHERE ts = 900", "null;");
}

/* What SQL lets in, billing and audit can read. */
static void t_system_rows_keep_their_ranges(void **state)
{
    struct fixture *f = *state;
    static const char *const refused[] = {
        "INSERT INTO reading (client_id, ts, meter_serial, seq) VALUES (1, -1, 'm', 1)",
        "INSERT INTO reading (client_id, ts, meter_serial, seq) VALUES (1, 1, 'm', 0)",
        "INSERT INTO reading (client_id, ts, meter_serial, seq) VALUES (1, 1, '', 1)",
        "INSERT INTO reading (client_id, ts, meter_serial, seq) VALUES (1, 1, 'a b', 1)",
        "INSERT INTO reading (client_id, ts, meter_serial, seq, voltage_a) "
        "VALUES (1, 1, 'm', 1, -1)",
        "INSERT INTO reading (client_id, ts, meter_serial, seq, power_factor) "
        "VALUES (1, 1, 'm', 1, 1001)",
        "INSERT INTO reading (client_id, ts, meter_serial, seq, events) VALUES (1, 1, 'm', 1, 64)",
        "INSERT INTO reading (client_id, ts, meter_serial, seq, neutral_current) "
        "VALUES (1, 1, 'm', 1, -1)",
        "INSERT INTO installation VALUES (1, 5, 'm', 5, 1, 1, x'30', 'B1')",
        "INSERT INTO installation VALUES (1, 5, 'm', NULL, 0, 1, x'30', 'B1')",
        "INSERT INTO installation VALUES (1, 5, 'm', NULL, 1, 1, x'30', '')",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        expect_rows(f, refused[i], "!range");
    expect_rows(f, "INSERT INTO reading (client_id, ts) VALUES (1, 1)", "!not_null");
    expect_done(f, "INSERT INTO installation VALUES (1, 5, 'm', 6, 1, 1, x'30', 'B1')");
}

static void t_schema_tables(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE z (a TEXT, b INTEGER, c REAL, PRIMARY KEY (b, a)) "
                   "PARTITION BY (b, a)");
    expect_rows(f, "SELECT name, kind, partition_columns FROM sealgrid_tables",
                "'block' 'system' 'client_id';'consumer' 'system' 'client_id';"
                "'contract' 'system' 'client_id';"
                "'estimate' 'system' 'client_id';"
                "'inspection' 'system' 'client_id';"
                "'installation' 'system' 'client_id';'reading' 'system' 'client_id';"
                "'reading_conflict' 'system' 'client_id';'resolution' 'system' 'client_id';"
                "'topology' 'system' 'client_id';"
                "'z' 'user' 'b, a';");
    expect_rows(f,
                "SELECT position, name, type, not_null, key_position, unit "
                "FROM sealgrid_columns WHERE table_name = 'z'",
                "1 'a' 'TEXT' 1 2 null;2 'b' 'INTEGER' 1 1 null;3 'c' 'REAL' 0 null null;");
    expect_rows(f,
                "SELECT unit FROM sealgrid_columns WHERE table_name = 'reading' "
                "AND name IN ('ts', 'voltage_a', 'origin')",
                "'s';'mV';null;");
    expect_rows(f, "DELETE FROM sealgrid_tables", "!read_only");
    expect_rows(f, "CREATE TABLE sealgrid_x (a INTEGER PRIMARY KEY)", "!denied");
}

static void t_roles(void **state)
{
    struct fixture *f = *state;
    static const char *const refused[] = {"CREATE TABLE u (a INTEGER PRIMARY KEY)", "DROP TABLE t",
                                          "INSERT INTO t VALUES (1)", "UPDATE t SET a = 2",
                                          "DELETE FROM t"};
    expect_done(f, "CREATE TABLE t (a INTEGER PRIMARY KEY)");
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct sg_sql_query q = query(refused[i]);
        q.role = SG_SQL_READER;
        assert_string_equal(run_query(f, &q), "!denied");
    }
    struct sg_sql_query q = query("SELECT count(*) FROM t");
    q.role = SG_SQL_READER;
    assert_string_equal(run_query(f, &q), "0;");
}

static void t_nothing_but_tables(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *sql, *code;
    } cases[] = {
        {"ATTACH 'x.db' AS x", "!unsupported"},
        {"PRAGMA journal_mode = wal", "!unsupported"},
        {"PRAGMA temp_store = file", "!unsupported"},
        {"PRAGMA writable_schema = 1", "!unsupported"},
        {"VACUUM INTO 'x.db'", "!unsupported"},
        {"BEGIN", "!unsupported"},
        {"COMMIT", "!unsupported"},
        {"SAVEPOINT s", "!unsupported"},
        {"ANALYZE", "!denied"},
        {"CREATE VIEW v AS SELECT 1", "!syntax"},
        {"CREATE TEMP TABLE v (a)", "!syntax"},
        {"/**/ create /*x*/ virtual table v USING fts5(a)", "!syntax"},
        {"CREATE TABLE v AS SELECT 1", "!syntax"},
        {"ALTER TABLE reading ADD COLUMN x", "!syntax"},
        {"SELECT load_extension('x')", "!denied"},
        {"SELECT * FROM sqlite_master", "!denied"},
        {"SELECT sql FROM sqlite_schema", "!denied"},
        {"SELECT * FROM sqlite_stmt", "!no_table"},
        {"SELECT * FROM pragma_database_list", "!denied"},
        {"SELECT * FROM dbstat", "!no_table"},
        {"UPDATE installation SET _row = x'00'", "!denied"},
        {"INSERT INTO sqlite_master VALUES (1,2,3,4,5)", "!denied"},
        {"SELECT fts3_tokenizer('x')", "!denied"},
        {"SELECT 1; SELECT 2", "!syntax"},
        {"SELECT 1;;", "1;"},
        {"SELECT 1 -- comment", "1;"},
        {"", "!syntax"},
        {" ; ", "!syntax"},
        {"SELECT \"literal\"", "!no_column"},
        {"SELEC 1", "!syntax"},
        {"SELECT nosuch FROM reading", "!no_column"},
        {"SELECT nosuch(1)", "!no_function"},
        {"EXPLAIN QUERY PLAN ATTACH 'x' AS y", "!unsupported"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *got = run(f, cases[i].sql);
        if (strcmp(got, cases[i].code) != 0)
            fail_msg("%s: %s (%s), expected %s", cases[i].sql, got, sg_sql_error(f->c)->message,
                     cases[i].code);
    }
}

static void t_nul_in_sql(void **state)
{
    struct fixture *f = *state;
    struct sg_sql_query q = query("");
    q.sql = SG_BYTES_LIT("SELECT 1\0; DROP TABLE t");
    assert_string_equal(run_query(f, &q), "!syntax");
}

static void t_limits(void **state)
{
    struct fixture *f = *state;
    struct sg_sql_query q = query("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
                                  "SELECT count(*) FROM n");
    q.timeout_ms = 30;
    assert_string_equal(run_query(f, &q), "!timeout");
    expect_rows(f, "SELECT zeroblob(1000000000)", "!limit");
    expect_done(f, "CREATE TABLE t (a TEXT PRIMARY KEY, b BLOB)");
    expect_rows(f, "INSERT INTO t VALUES ('x', zeroblob(70000))", "!limit");
    expect_rows(f, "INSERT INTO t VALUES (hex(zeroblob(600)), NULL)", "!limit");
    expect_rows(f, "SELECT * FROM t WHERE a = hex(zeroblob(6000))", "");
    expect_rows(f, "SELECT * FROM t WHERE a < hex(zeroblob(6000))", "");
    expect_rows(f,
                "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 20000) "
                "INSERT INTO t SELECT 'k' || x, NULL FROM n",
                "!limit");
    expect_rows(f, "SELECT count(*) FROM t", "0;");
}

static void t_transaction(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (a INTEGER, b INTEGER, c INTEGER, PRIMARY KEY (a, b))");
    expect_done(f, "CREATE TABLE u (a INTEGER PRIMARY KEY, b INTEGER)");
    expect_done(f, "INSERT INTO t VALUES (1, 1, 10), (1, 2, 20), (2, 1, 30)");
    unsigned before = f->n.batches;
    assert_int_equal(sg_sql_transaction_begin(f->c), 0);
    expect_done(f, "INSERT INTO t VALUES (1, 3, 40), (0, 9, 50)");
    expect_done(f, "UPDATE t SET c = c + 1 WHERE a = 1");
    expect_done(f, "UPDATE t SET c = c + 1 WHERE a = 1 AND b = 3");
    expect_done(f, "DELETE FROM t WHERE a = 2");
    expect_done(f, "INSERT INTO u SELECT b, c FROM t WHERE a = 1");
    expect_rows(f, "SELECT * FROM t", "0 9 50;1 1 11;1 2 21;1 3 42;");
    expect_rows(f, "SELECT * FROM t WHERE a = 1 ORDER BY b DESC", "1 3 42;1 2 21;1 1 11;");
    expect_rows(f, "SELECT c FROM t WHERE a = 1 AND b = 3", "42;");
    expect_rows(f, "SELECT c FROM t WHERE a = 2 AND b = 1", "");
    expect_rows(f, "SELECT c FROM t WHERE a = 1 AND b > 1 AND b < 3", "21;");
    expect_rows(f, "INSERT INTO t VALUES (5, 5, 5), (1, 3, 0)", "!duplicate_key");
    expect_rows(f, "SELECT count(*) FROM t WHERE a = 5", "0;");
    assert_int_equal(f->n.batches, before);
    assert_int_equal(sg_sql_transaction_commit(f->c), 0);
    assert_int_equal(f->n.batches, before + 1);
    expect_rows(f, "SELECT * FROM t", "0 9 50;1 1 11;1 2 21;1 3 42;");
    expect_rows(f, "SELECT * FROM u", "1 11;2 21;3 42;");
}

static void t_transaction_rollback(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (a INTEGER PRIMARY KEY)");
    assert_int_equal(sg_sql_transaction_begin(f->c), 0);
    expect_done(f, "INSERT INTO t VALUES (1)");
    expect_rows(f, "CREATE TABLE u (a INTEGER PRIMARY KEY)", "!unsupported");
    sg_sql_transaction_rollback(f->c);
    expect_rows(f, "SELECT count(*) FROM t", "0;");
    assert_int_equal(sg_sql_transaction_begin(f->c), 0);
    expect_done(f, "INSERT INTO t VALUES (1)");
    expect_done(f, "DELETE FROM t");
    assert_int_equal(sg_sql_transaction_commit(f->c), 0);
    expect_rows(f, "SELECT count(*) FROM t", "0;");
}

/* Two transactions change the same row: the second commit fails and changes nothing. */
static void t_lost_update_is_refused(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (a INTEGER PRIMARY KEY, n INTEGER)");
    expect_done(f, "INSERT INTO t VALUES (1, 0), (2, 0)");
    struct fixture g = {.memory = f->memory, .engine = f->engine};
    assert_int_equal(sg_sql_open(&g.c, f->engine), 0);
    assert_int_equal(sg_sql_transaction_begin(f->c), 0);
    expect_done(f, "UPDATE t SET n = n + 1");
    expect_done(&g, "UPDATE t SET n = n + 1 WHERE a = 2");
    assert_int_equal(sg_sql_transaction_commit(f->c), SG_SQL_REFUSED);
    assert_int_equal(sg_sql_error(f->c)->code, SG_SQL_ERR_conflict);
    expect_rows(f, "SELECT * FROM t", "1 0;2 1;");
    assert_int_equal(sg_sql_transaction_begin(f->c), 0);
    expect_done(f, "DELETE FROM t WHERE a = 2");
    expect_done(&g, "UPDATE t SET n = n + 1 WHERE a = 2");
    assert_int_equal(sg_sql_transaction_commit(f->c), SG_SQL_REFUSED);
    expect_rows(f, "SELECT * FROM t", "1 0;2 2;");
    sg_sql_close(g.c);
}

/* kvsd restarted: idle sessions are dead, reads go on over new ones; a write says that its outcome
 * is unknown. */
static void t_store_restart(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (a INTEGER PRIMARY KEY, n INTEGER)");
    expect_done(f, "INSERT INTO t VALUES (1, 0), (2, 0)");
    f->n.fail = 1;
    expect_rows(f, "SELECT * FROM t", "1 0;2 0;");
    f->n.fail = 1;
    expect_rows(f, "SELECT * FROM t WHERE a = 2", "2 0;");
    f->n.fail = 2;
    expect_rows(f, "SELECT * FROM t WHERE a = 2", "!store");
    f->n.fail = 1;
    expect_rows(f, "INSERT INTO t VALUES (3, 0)", "!unknown_outcome");
    expect_rows(f, "SELECT * FROM t", "1 0;2 0;");
}

static void t_damage_is_refused(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (a INTEGER, b INTEGER, PRIMARY KEY (a, b))");
    expect_done(f, "INSERT INTO t VALUES (1, 1), (1, 2), (1, 3)");
    sg_kv_memory_damage_after(f->memory, 2);
    expect_rows(f, "SELECT * FROM t WHERE a = 1", "!damaged");
    sg_kv_memory_damage_after(f->memory, -1);
    expect_rows(f, "SELECT count(*) FROM t WHERE a = 1", "3;");
}

/* A value that does not fit the definition (not written by us) is an error, not a guess. */
static void t_foreign_row(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (a INTEGER PRIMARY KEY, n INTEGER)");
    expect_done(f, "INSERT INTO t VALUES (1, 7)");
    SG_CLEANUP(sg_buf_clear) struct sg_buf key = SG_BUF_INIT(64);
    SG_CLEANUP(sg_buf_clear) struct sg_buf sort = SG_BUF_INIT(64);
    assert_int_equal(sg_tuple_key_append(&key, &SG_VAL_INT(1), 1), 0);
    assert_int_equal(sg_tuple_key_append(&sort, &SG_VAL_INT(0), 1), 0);
    struct sg_kv *kv;
    assert_int_equal(sg_kv_open_memory(&kv, f->memory), 0);
    struct sg_kv_op op = {
        .kind = SG_KV_PUT,
        .key = {SG_TABLE_USER_FIRST, sg_buf_bytes(&key), sg_buf_bytes(&sort)},
        .value = SG_BYTES_LIT("\x01\x03\x01x"), /* one field, text "x" */
    };
    assert_int_equal(sg_kv_batch(kv, "metering", &op, 1, NULL), 0);
    expect_rows(f, "SELECT n FROM t WHERE a = 1", "!damaged");
    op.value = SG_BYTES_LIT("\x01\x01");
    assert_int_equal(sg_kv_batch(kv, "metering", &op, 1, NULL), 0);
    expect_rows(f, "SELECT n FROM t WHERE a = 1", "!damaged");
    sg_kv_free(kv);
}

static void t_too_many_cursors(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (a INTEGER PRIMARY KEY) PARTITION BY ()");
    expect_done(f, "INSERT INTO t VALUES (1), (2)");
    expect_rows(f, "SELECT count(*) FROM t AS a, t AS b, t AS c, t AS d, t AS e, t AS f, t AS g",
                "128;");
    expect_rows(f,
                "SELECT count(*) FROM t AS a, t AS b, t AS c, t AS d, t AS e, t AS f, t AS g, "
                "t AS h, t AS i",
                "!busy");
    expect_rows(f, "SELECT count(*) FROM t", "2;");
}

/* Statements are kept: the same text again must mean what it means now. */
static void t_same_text_again(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)");
    struct sg_value p[2] = {SG_VAL_INT(1), SG_VAL_TEXT("one")};
    struct sg_sql_query insert = query("INSERT INTO t VALUES (?, ?)"),
                        read = query("SELECT b FROM t WHERE a = ?");
    insert.params = read.params = p;
    insert.n_params = 2;
    read.n_params = 1;
    assert_string_equal(run_query(f, &insert), "");
    assert_string_equal(run_query(f, &insert), "!duplicate_key");
    p[0].i = 2;
    p[1].bytes = SG_BYTES_LIT("two");
    assert_string_equal(run_query(f, &insert), "");
    assert_string_equal(run_query(f, &read), "'two';");
    p[0].i = 1;
    assert_string_equal(run_query(f, &read), "'one';");
    read.n_params = 0;
    assert_string_equal(run_query(f, &read), "!params");
    insert.role = SG_SQL_READER;
    assert_string_equal(run_query(f, &insert), "!denied");
    expect_done(f, "DROP TABLE t");
    expect_done(f, "CREATE TABLE t (a TEXT PRIMARY KEY, b INTEGER)");
    read.n_params = 1;
    assert_string_equal(run_query(f, &read), "!type");
    expect_done(f, "DROP TABLE t");
    assert_string_equal(run_query(f, &read), "!no_table");
}

static int take_piece(void *user, struct sg_bytes piece)
{
    return sg_buf_append(user, piece);
}

static void expect_document(struct fixture *f, const struct sg_sql_query *q, const char *want)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf got = SG_BUF_INIT(65536);
    struct sg_sql_writer w = {take_piece, &got};
    bool started;
    uint64_t rows;
    assert_int_equal(sg_sql_write_result(f->c, q, &w, &started, &rows), 0);
    assert_int_equal(sg_buf_append_u8(&got, 0), 0);
    assert_string_equal((const char *)got.data, want);
}

/* Of a kept statement the names and types are written once, unless they come from the row. */
static void t_same_document_again(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB)");
    expect_done(f, "INSERT INTO t VALUES (1, x'00')");
    struct sg_value p = SG_VAL_INT(1);
    struct sg_sql_query q = query("SELECT b, a AS n FROM t WHERE a = ?"), e = query("SELECT ?");
    q.params = e.params = &p;
    q.n_params = e.n_params = 1;
    for (int i = 0; i < 3; i++)
        expect_document(f, &q,
                        "{\"columns\":[{\"name\":\"b\",\"type\":\"BLOB\"},"
                        "{\"name\":\"n\",\"type\":\"INTEGER\"}],"
                        "\"rows\":[[\"AA==\",1]],\"rowcount\":1}\n");
    size_t heads = 0;
    for (size_t i = 0; i < SG_SQL_PREPARED_KEPT; i++)
        heads += f->c->prepared.kept[i] && f->c->prepared.kept[i]->head.len > 0;
    assert_int_equal(heads, 1);
    expect_document(f, &e,
                    "{\"columns\":[{\"name\":\"?\",\"type\":\"INTEGER\"}],\"rows\":[[1]],"
                    "\"rowcount\":1}\n");
    p = SG_VAL_TEXT("x");
    expect_document(f, &e,
                    "{\"columns\":[{\"name\":\"?\",\"type\":\"TEXT\"}],\"rows\":[[\"x\"]],"
                    "\"rowcount\":1}\n");
    expect_document(f, &q,
                    "{\"columns\":[{\"name\":\"b\",\"type\":\"BLOB\"},"
                    "{\"name\":\"n\",\"type\":\"INTEGER\"}],\"rows\":[],\"rowcount\":0}\n");
}

static void t_more_texts_than_are_kept(void **state)
{
    struct fixture *f = *state;
    char sql[64], rows[16];
    expect_done(f, "CREATE TABLE t (a INTEGER PRIMARY KEY)");
    expect_done(f, "INSERT INTO t VALUES (7)");
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 3 * SG_SQL_PREPARED_KEPT; i++) {
            snprintf(sql, sizeof(sql), "SELECT a + %d FROM t", i);
            snprintf(rows, sizeof(rows), "%d;", 7 + i);
            expect_rows(f, sql, rows);
        }
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(t_create_insert_select),
        T(t_duplicate_key),
        T(t_update_delete),
        T(t_change_some),
        T(t_types),
        T(t_whole_range_of_integers),
        T(t_empty_and_odd_values),
        T(t_parameters),
        T(t_drop),
        T(t_drop_removes_rows),
        T(t_second_connection_sees_tables),
        T(t_write_into_dropped_table),
        T(t_reading_is_unsigned_and_once),
        T(t_system_rows_keep_their_ranges),
        T(t_schema_tables),
        T(t_roles),
        T(t_nothing_but_tables),
        T(t_nul_in_sql),
        T(t_limits),
        T(t_transaction),
        T(t_transaction_rollback),
        T(t_lost_update_is_refused),
        T(t_store_restart),
        T(t_damage_is_refused),
        T(t_foreign_row),
        T(t_too_many_cursors),
        T(t_same_text_again),
        T(t_same_document_again),
        T(t_more_texts_than_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
