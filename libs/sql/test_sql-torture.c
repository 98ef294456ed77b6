/*
 * The n-th call to the store fails, for every n, before or after it took effect: a statement is
 * written as a whole or not at all, says so truly, and the connection goes on working.
 */
#include "test-kv.h"

#define ALL       "SELECT * FROM t"
#define CALLS_MAX 60

static struct fixture *prepared(void)
{
    struct fixture *f = fixture_new();
    expect_done(f, "CREATE TABLE t (a INTEGER, b INTEGER, PRIMARY KEY (a, b))");
    expect_done(f, "INSERT INTO t VALUES (1, 1), (1, 2), (2, 1)");
    return f;
}

static const char *const statements[] = {
    "INSERT INTO t VALUES (3, 1), (1, 3), (4, 4)",
    "INSERT OR IGNORE INTO t VALUES (3, 1), (1, 1), (4, 4)",
    "INSERT OR REPLACE INTO t VALUES (3, 1), (1, 1), (4, 4)",
    "UPDATE t SET b = b + 10",
    "UPDATE t SET b = 7 WHERE a = 2 AND b = 1",
    "DELETE FROM t WHERE b = 1",
    "INSERT INTO t SELECT a + 10, b FROM t",
    "SELECT count(*) FROM t AS x JOIN t AS y ON y.a = x.a",
};

static void copy_rows(struct fixture *f, const char *sql, char *ret, size_t size)
{
    snprintf(ret, size, "%s", run(f, sql));
    assert_true(ret[0] != '!');
}

/* False: the statement needs fewer calls than that. */
static bool torture(const char *sql, int n, bool lost_reply)
{
    char before[512], after[512], got[512], outcome[512];
    struct fixture *f = prepared();
    copy_rows(f, ALL, before, sizeof(before));
    f->n.lost_reply = lost_reply;
    f->n.fail_after = n;
    snprintf(outcome, sizeof(outcome), "%s", run(f, sql));
    bool reached = f->n.fail_after == 0;
    f->n.fail_after = 0;
    copy_rows(f, ALL, got, sizeof(got));
    fixture_free(f);

    f = prepared();
    assert_true(run(f, sql)[0] != '!');
    copy_rows(f, ALL, after, sizeof(after));
    fixture_free(f);
    bool as_before = strcmp(got, before) == 0, as_after = strcmp(got, after) == 0;
    if (!as_before && !as_after)
        fail_msg("%s, call %d: half done: %s", sql, n, got);
    if (outcome[0] != '!' && !as_after)
        fail_msg("%s, call %d: said done and was not", sql, n);
    if (strcmp(outcome, "!store") == 0 && !as_before)
        fail_msg("%s, call %d: said not done and was", sql, n);
    if (outcome[0] == '!' && strcmp(outcome, "!store") != 0 &&
        strcmp(outcome, "!unknown_outcome") != 0)
        fail_msg("%s, call %d: %s", sql, n, outcome);
    return reached;
}

static void t_every_call_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
        for (int lost = 0; lost < 2; lost++) {
            int n = 1;
            while (torture(statements[i], n, lost))
                assert_true(++n < CALLS_MAX);
            assert_true(n > 1);
        }
}

/* Whatever happens to CREATE and DROP, the dictionary is whole, and trying again gets there. */
static void t_every_call_of_a_definition_fails(void **state)
{
    (void)state;
    for (int lost = 0; lost < 2; lost++)
        for (int n = 1; n < CALLS_MAX; n++) {
            struct fixture *f = prepared();
            f->n.lost_reply = lost;
            f->n.fail_after = n;
            (void)run(f, "DROP TABLE t");
            const char *created = run(f, "CREATE TABLE u (k TEXT PRIMARY KEY)");
            bool refused = strcmp(created, "!store") == 0;
            f->n.fail_after = 0;
            if (refused) /* said not made: not made */
                expect_rows(f, "SELECT * FROM u", "!no_table");
            expect_done(f, "DROP TABLE IF EXISTS t");
            expect_done(f, "CREATE TABLE IF NOT EXISTS u (k TEXT PRIMARY KEY)");
            expect_done(f, "INSERT INTO u VALUES ('x')");
            expect_done(f, "CREATE TABLE t (a INTEGER, b INTEGER, PRIMARY KEY (a, b))");
            expect_rows(f, ALL, "");
            expect_rows(f, "SELECT name FROM sealgrid_tables WHERE kind = 'user'", "'t';'u';");
            fixture_free(f);
        }
}

static void t_every_call_of_a_transaction_fails(void **state)
{
    (void)state;
    for (int lost = 0; lost < 2; lost++)
        for (int n = 1; n < CALLS_MAX; n++) {
            struct fixture *f = prepared();
            f->n.lost_reply = lost;
            f->n.fail_after = n;
            assert_int_equal(sg_sql_transaction_begin(f->c), 0);
            bool ok = run(f, "INSERT INTO t VALUES (9, 9)")[0] != '!';
            ok = ok && run(f, "DELETE FROM t WHERE a = 1")[0] != '!';
            int r = ok ? sg_sql_transaction_commit(f->c) : SG_SQL_REFUSED;
            enum sg_sql_code code = ok ? sg_sql_error(f->c)->code : SG_SQL_ERR_store;
            sg_sql_transaction_rollback(f->c);
            f->n.fail_after = 0;
            bool written = lost && code == SG_SQL_ERR_unknown_outcome;
            expect_rows(f, ALL, r == 0 || written ? "2 1;9 9;" : "1 1;1 2;2 1;");
            fixture_free(f);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t_every_call_fails),
        cmocka_unit_test(t_every_call_of_a_definition_fails),
        cmocka_unit_test(t_every_call_of_a_transaction_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
