/* What a statement asks of the store: only the partitions, ranges and rows it needs. */
#include "test-kv.h"

/* 20 partitions of 50 rows. */
static struct fixture *filled(void)
{
    struct fixture *f = fixture_new();
    expect_done(f,
                "CREATE TABLE t (a INTEGER, b INTEGER, s TEXT, v INTEGER, PRIMARY KEY (a, b, s))");
    expect_done(f, "WITH RECURSIVE n(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM n WHERE x < 999) "
                   "INSERT INTO t SELECT x / 50, x % 50, 's' || (x % 3), x FROM n");
    expect_done(f, "CREATE TABLE d (a INTEGER PRIMARY KEY, name TEXT)");
    expect_done(f, "INSERT INTO d SELECT DISTINCT a, 'n' || a FROM t");
    return f;
}

static int setup_filled(void **state)
{
    *state = filled();
    return 0;
}

static void t_equality_visits_one_partition(void **state)
{
    struct counts n = counts_of(*state, "SELECT * FROM t WHERE a = 7");
    assert_int_equal(n.scans, 1);
    assert_int_equal(n.rows, 50);
    assert_int_equal(n.listings, 0);
}

static void t_in_visits_its_partitions(void **state)
{
    struct counts n = counts_of(*state, "SELECT * FROM t WHERE a IN (3, 19, 3, 77, NULL, '5')");
    assert_int_equal(n.scans, 4);
    assert_int_equal(n.rows, 150);
    assert_int_equal(n.listings, 0);
    n = counts_of(*state, "SELECT * FROM t WHERE a IN (SELECT a FROM d WHERE name = 'n4')");
    assert_int_equal(n.rows, 20 + 50); /* all of d, one partition of t */
}

static void t_range_visits_only_the_range(void **state)
{
    struct counts n = counts_of(*state, "SELECT * FROM t WHERE a = 7 AND b BETWEEN 10 AND 14");
    assert_int_equal(n.rows, 5);
    n = counts_of(*state, "SELECT * FROM t WHERE a = 7 AND b > 10 AND b < 14");
    assert_int_equal(n.rows, 3);
    n = counts_of(*state, "SELECT * FROM t WHERE a = 7 AND b >= 48");
    assert_int_equal(n.rows, 2);
    n = counts_of(*state, "SELECT * FROM t WHERE a = 7 AND b > 10.5 AND b <= 12.9");
    assert_int_equal(n.rows, 2);
    n = counts_of(*state, "SELECT * FROM t WHERE a = 7 AND b > 1e300");
    assert_int_equal(n.scans, 0);
}

static void t_prefix_of_sort_key(void **state)
{
    struct counts n = counts_of(*state, "SELECT * FROM t WHERE a = 7 AND b = 12");
    assert_int_equal(n.rows, 1);
    assert_int_equal(n.scans, 1);
    n = counts_of(*state, "SELECT * FROM t WHERE a = 7 AND b = 12 AND s > 's0'");
    assert_true(n.rows <= 1);
}

static void t_whole_key_is_a_get(void **state)
{
    struct counts n = counts_of(*state, "SELECT * FROM t WHERE a = 7 AND b = 12 AND s = 's2'");
    assert_int_equal(n.gets, 1);
    assert_int_equal(n.scans, 0);
    n = counts_of(*state, "SELECT * FROM d WHERE a IN (1, 2, 3)");
    assert_int_equal(n.gets, 3);
}

static void t_partition_range(void **state)
{
    struct counts n = counts_of(*state, "SELECT count(*) FROM t WHERE a >= 5 AND a < 8");
    assert_int_equal(n.listings, 1);
    assert_int_equal(n.listed, 3);
    assert_int_equal(n.scans, 3);
    assert_int_equal(n.rows, 150);
}

static void t_range_in_every_partition(void **state)
{
    struct counts n = counts_of(*state, "SELECT count(*) FROM t WHERE b = 3");
    assert_int_equal(n.listed, 20);
    assert_int_equal(n.rows, 20);
}

static void t_limit_stops_early(void **state)
{
    struct counts n = counts_of(*state, "SELECT * FROM t WHERE a = 7 LIMIT 3");
    assert_int_equal(n.rows, 3);
    n = counts_of(*state, "SELECT * FROM t LIMIT 4 OFFSET 2");
    assert_int_equal(n.rows, 6);
    assert_int_equal(n.scans, 1);
    n = counts_of(*state, "SELECT * FROM t WHERE a = 7 ORDER BY b DESC LIMIT 2");
    assert_int_equal(n.rows, 2);
    n = counts_of(*state, "SELECT * FROM t WHERE a = 7 AND b < 40 ORDER BY b DESC LIMIT 1");
    assert_int_equal(n.rows, 1);
}

/* The hint is too small when SQLite drops rows: the scan goes on behind it. */
static void t_limit_with_filter(void **state)
{
    struct fixture *f = *state;
    expect_rows(f, "SELECT b FROM t WHERE a = 7 AND v % 10 = 9 LIMIT 3", "9;19;29;");
    expect_rows(f, "SELECT b FROM t WHERE a = 7 AND v % 10 = 9 ORDER BY b DESC LIMIT 3",
                "49;39;29;");
    struct counts n = counts_of(f, "SELECT b FROM t WHERE a = 7 AND v % 10 = 9 LIMIT 3");
    assert_true(n.rows < 50);
}

static bool sorts(struct fixture *f, const char *sql)
{
    char text[512];
    snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", sql);
    const char *plan = run(f, text);
    assert_true(plan[0] != '!');
    return strstr(plan, "TEMP B-TREE") != NULL;
}

static void t_order_without_sorter(void **state)
{
    struct fixture *f = *state;
    assert_false(sorts(f, "SELECT * FROM t ORDER BY a, b, s"));
    assert_false(sorts(f, "SELECT * FROM t ORDER BY a"));
    assert_false(sorts(f, "SELECT * FROM t WHERE a = 3 ORDER BY b"));
    assert_false(sorts(f, "SELECT * FROM t WHERE a = 3 ORDER BY b DESC, s DESC"));
    assert_false(sorts(f, "SELECT * FROM t WHERE a IN (9, 3, 5) ORDER BY a, b"));
    assert_false(sorts(f, "SELECT * FROM t WHERE a IN (9, 3, 5) ORDER BY a DESC, b DESC"));
    assert_false(sorts(f, "SELECT a, count(*) FROM t GROUP BY a"));
    assert_false(sorts(f, "SELECT a, b, max(v) FROM t GROUP BY a, b ORDER BY a, b"));
    assert_true(sorts(f, "SELECT * FROM t ORDER BY b"));
    assert_true(sorts(f, "SELECT * FROM t ORDER BY a, b DESC"));
    assert_true(sorts(f, "SELECT * FROM t ORDER BY a DESC"));
    assert_true(sorts(f, "SELECT * FROM t WHERE a = 3 ORDER BY s"));
    assert_true(sorts(f, "SELECT * FROM t WHERE a = 3 AND b IN (1, 2) ORDER BY b"));
}

static void t_order_is_right(void **state)
{
    struct fixture *f = *state;
    expect_rows(f, "SELECT a, b FROM t WHERE a IN (9, -4, 3) AND b < 2 ORDER BY a, b",
                "3 0;3 1;9 0;9 1;");
    expect_rows(f, "SELECT a, b FROM t WHERE a IN (9, -4, 3) AND b < 2 ORDER BY a DESC, b DESC",
                "9 1;9 0;3 1;3 0;");
}

static void t_join_drives_from_the_small_side(void **state)
{
    struct counts n =
        counts_of(*state, "SELECT count(*) FROM t JOIN d ON d.a = t.a WHERE d.name = 'n3'");
    assert_int_equal(n.rows, 20 + 50); /* all of d, one partition of t */
}

static void t_join_uses_the_key(void **state)
{
    struct fixture *f = *state;
    struct counts n = counts_of(f, "SELECT d.name FROM t JOIN d ON d.a = t.a WHERE t.a = 3 "
                                   "AND t.b = 4");
    assert_true(n.rows <= 1);
    assert_int_equal(n.gets, 1);
}

static void t_collation_is_not_pushed(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE c (k TEXT PRIMARY KEY, v INTEGER)");
    expect_done(f, "INSERT INTO c VALUES ('Ab', 1), ('aB', 2), ('b', 3)");
    expect_rows(f, "SELECT v FROM c WHERE k = 'ab' COLLATE NOCASE ORDER BY v", "1;2;");
    expect_rows(f, "SELECT v FROM c WHERE k = 'Ab'", "1;");
    expect_rows(f, "SELECT v FROM c WHERE k < 'B' COLLATE NOCASE ORDER BY v", "1;2;");
    expect_rows(f, "SELECT v FROM c WHERE k = 5", "!type");
}

static void t_multi_row_insert_is_one_batch(void **state)
{
    struct counts n = counts_of(*state, "INSERT INTO d VALUES (100, 'x'), (101, 'y'), (102, 'z')");
    assert_int_equal(n.batches, 1);
    assert_int_equal(n.gets, 0);
    n = counts_of(*state, "UPDATE d SET name = 'q' WHERE a = 100");
    assert_int_equal(n.batches, 1);
    assert_int_equal(n.gets, 1);
}

static void t_one_partition_table(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE p (k TEXT PRIMARY KEY, v INTEGER) PARTITION BY ()");
    expect_done(f, "INSERT INTO p VALUES ('b', 2), ('a', 1), ('c', 3)");
    struct counts n = counts_of(f, "SELECT * FROM p WHERE k >= 'b'");
    assert_int_equal(n.listings, 0);
    assert_int_equal(n.rows, 2);
    expect_rows(f, "SELECT k FROM p ORDER BY k DESC", "'c';'b';'a';");
    assert_false(sorts(f, "SELECT k FROM p ORDER BY k DESC"));
}

static void t_two_partition_columns(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE p (x INTEGER, y TEXT, z INTEGER, PRIMARY KEY (x, y, z)) "
                   "PARTITION BY (x, y)");
    expect_done(f, "INSERT INTO p VALUES (1, 'a', 1), (1, 'b', 2), (2, 'a', 3), (2, 'b', 4)");
    expect_rows(f, "SELECT z FROM p WHERE x IN (1, 2) AND y IN ('b', 'a') ORDER BY x, y",
                "1;2;3;4;");
    struct counts n = counts_of(f, "SELECT z FROM p WHERE x IN (1, 2) AND y = 'b'");
    assert_int_equal(n.scans, 2);
    n = counts_of(f, "SELECT z FROM p WHERE x = 2");
    assert_int_equal(n.listed, 2);
    assert_int_equal(n.rows, 2);
}

/* More partitions than one listing brings: the next load goes on behind it, also past partitions
 * that only the transaction has. */
static void t_listing_in_loads(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE m (a INTEGER PRIMARY KEY)");
    for (int i = 0; i < 5; i++) {
        char sql[256];
        snprintf(sql, sizeof(sql),
                 "WITH RECURSIVE n(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM n WHERE x < 14999) "
                 "INSERT INTO m SELECT x * 10 + %d FROM n",
                 i);
        expect_done(f, sql);
    }
    expect_rows(f, "SELECT count(*), min(a), max(a) FROM m", "75000 0 149994;");
    assert_int_equal(sg_sql_transaction_begin(f->c), 0);
    expect_done(f, "INSERT INTO m VALUES (-1), (98305), (98299), (149999), (75009)");
    expect_rows(f, "SELECT count(*), min(a), max(a), sum(a % 10 > 4) FROM m", "75005 -1 149999 4;");
    expect_rows(f, "SELECT count(*) FROM m AS x WHERE a IN (SELECT a FROM m)", "75005;");
    sg_sql_transaction_rollback(f->c);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup_filled, teardown)

static unsigned octets_of(struct fixture *f, const char *sql)
{
    return counts_of(f, sql).octets;
}

/* A value of t is (v): count 1, type 1, and v as a varint of 1 or 2 octets. */
static void t_only_needed_columns(void **state)
{
    struct fixture *f = *state;
    unsigned whole = octets_of(f, "SELECT * FROM t");
    assert_int_equal(octets_of(f, "SELECT a, b, s FROM t"), 1000);
    assert_int_equal(octets_of(f, "SELECT count(*) FROM t"), 1000);
    assert_int_equal(octets_of(f, "SELECT a FROM t WHERE s LIKE 's%'"), 1000);
    assert_int_equal(octets_of(f, "SELECT v FROM t"), whole);
    assert_int_equal(octets_of(f, "SELECT a FROM t ORDER BY v"), whole);
    assert_int_equal(octets_of(f, "SELECT a FROM t WHERE v > 3"), whole);
    expect_done(f, "CREATE TABLE w (k INTEGER PRIMARY KEY, x TEXT, y INTEGER, z BLOB)"
                   " PARTITION BY ()");
    expect_done(f, "INSERT INTO w SELECT a, printf('%.100c', 'x'), a * 10, zeroblob(50) FROM d");
    assert_int_equal(octets_of(f, "SELECT sum(y) FROM w"), 20 * 3 + 20 - 7);
    expect_rows(f, "SELECT sum(y), count(DISTINCT k) FROM w", "1900 20;");
    expect_rows(f, "SELECT length(z), k FROM w WHERE y = 30", "50 3;");
    assert_true(octets_of(f, "SELECT length(z) FROM w") > 20 * 50);
    assert_true(octets_of(f, "SELECT length(z) FROM w") < 20 * 60);
}

/* Whole rows are compared when a statement writes, whatever it names. */
static void t_writing_reads_whole_rows(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE w (k INTEGER PRIMARY KEY, x TEXT, y INTEGER, z TEXT)"
                   " PARTITION BY ()");
    expect_done(f, "INSERT INTO w VALUES (1, 'a', 10, 'p'), (2, 'b', 20, 'q'), (3, 'c', 30, 'r')");
    expect_done(f, "UPDATE w SET y = 11 WHERE x = 'a'");
    expect_done(f, "UPDATE w SET x = z WHERE k > 1 AND y < 25");
    expect_done(f, "DELETE FROM w WHERE y = 30");
    expect_done(f, "INSERT INTO w SELECT k + 10, x, y, z FROM w WHERE y = 20");
    expect_rows(f, "SELECT * FROM w", "1 'a' 11 'p';2 'q' 20 'q';12 'q' 20 'q';");
    assert_int_equal(sg_sql_transaction_begin(f->c), 0);
    expect_done(f, "UPDATE w SET z = 'new' WHERE k = 2");
    expect_done(f, "INSERT INTO w VALUES (7, 'own', 70, 'o')");
    expect_rows(f, "SELECT y FROM w", "11;20;70;20;");
    expect_rows(f, "SELECT z, k FROM w WHERE y < 75", "'p' 1;'new' 2;'o' 7;'q' 12;");
    assert_int_equal(sg_sql_transaction_commit(f->c), 0);
}

/* SQLite tells of the columns past the 63rd, and of the row handle behind them, as one. */
static void t_wide_table(void **state)
{
    struct fixture *f = *state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(16384);
    int r = sg_buf_printf(&b, "CREATE TABLE w (k INTEGER PRIMARY KEY");
    for (int i = 1; r == 0 && i < 100; i++)
        r = sg_buf_printf(&b, ", c%d INTEGER", i);
    assert_int_equal(r < 0 ? r : sg_buf_printf(&b, ")%c", 0), 0);
    expect_done(f, (const char *)b.data);
    sg_buf_reset(&b);
    r = sg_buf_printf(&b, "INSERT INTO w VALUES (1");
    for (int i = 1; r == 0 && i < 100; i++)
        r = sg_buf_printf(&b, ", %d", 1000 + i);
    assert_int_equal(r < 0 ? r : sg_buf_printf(&b, ")%c", 0), 0);
    expect_done(f, (const char *)b.data);
    expect_rows(f, "SELECT c1 FROM w", "1001;");
    expect_rows(f, "SELECT c62, c5 FROM w", "1062 1005;");
    expect_rows(f, "SELECT c63, c99, c64 FROM w", "1063 1099 1064;");
    expect_rows(f, "SELECT c2, c80 FROM w", "1002 1080;");
    assert_true(octets_of(f, "SELECT c2 FROM w") < 8);
    assert_int_equal(octets_of(f, "SELECT c2, c80 FROM w"), octets_of(f, "SELECT * FROM w"));
}

/* The handle of a row is made of all of it. */
static void t_row_handle_is_whole(void **state)
{
    struct fixture *f = *state;
    expect_done(f, "CREATE TABLE w (k INTEGER PRIMARY KEY, x TEXT, y INTEGER)");
    expect_done(f, "INSERT INTO w VALUES (1, 'a', 10)");
    SG_FREE char *alone = strdup(run(f, "SELECT hex(_row) FROM w"));
    assert_non_null(alone);
    expect_rows(f, "SELECT hex(_row) FROM w WHERE x = 'a' AND y = 10", alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(t_equality_visits_one_partition),
        T(t_in_visits_its_partitions),
        T(t_range_visits_only_the_range),
        T(t_prefix_of_sort_key),
        T(t_whole_key_is_a_get),
        T(t_partition_range),
        T(t_range_in_every_partition),
        T(t_limit_stops_early),
        T(t_limit_with_filter),
        T(t_order_without_sorter),
        T(t_order_is_right),
        T(t_join_drives_from_the_small_side),
        T(t_join_uses_the_key),
        T(t_collation_is_not_pushed),
        T(t_multi_row_insert_is_one_batch),
        T(t_one_partition_table),
        T(t_two_partition_columns),
        T(t_only_needed_columns),
        T(t_writing_reads_whole_rows),
        T(t_wide_table),
        T(t_row_handle_is_whole),
        cmocka_unit_test_setup_teardown(t_listing_in_loads, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
