#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "nonces-int.h"

#define CAPACITY 8

static struct sg_cas_nonces table;
static const uint8_t here[SG_CAS_EXPORTER_LEN] = {1}, there[SG_CAS_EXPORTER_LEN] = {2};

static int set_up(void **state)
{
    (void)state;
    return sg_cas_nonces_init(&table, CAPACITY);
}

static int tear_down(void **state)
{
    (void)state;
    sg_cas_nonces_clear(&table);
    return 0;
}

static void test_a_nonce_serves_once(void **state)
{
    (void)state;
    uint8_t nonce[SG_CAS_NONCE_LEN];
    assert_int_equal(sg_cas_nonces_issue(&table, here, 0, nonce), 0);
    assert_int_equal(sg_cas_nonces_spend(&table, nonce, here, 1), 0);
    assert_int_equal(sg_cas_nonces_spend(&table, nonce, here, 2), SG_CAS_REFUSAL_NONCE_REPLAYED);
}

static void test_a_nonce_of_another_connection_is_foreign_and_stays_good(void **state)
{
    (void)state;
    uint8_t nonce[SG_CAS_NONCE_LEN];
    assert_int_equal(sg_cas_nonces_issue(&table, here, 0, nonce), 0);
    assert_int_equal(sg_cas_nonces_spend(&table, nonce, there, 1), SG_CAS_REFUSAL_NONCE_FOREIGN);
    assert_int_equal(sg_cas_nonces_spend(&table, nonce, here, 1), 0);
}

static void test_a_nonce_lives_30_s(void **state)
{
    (void)state;
    uint8_t a[SG_CAS_NONCE_LEN], b[SG_CAS_NONCE_LEN];
    assert_int_equal(sg_cas_nonces_issue(&table, here, 1000, a), 0);
    assert_int_equal(sg_cas_nonces_issue(&table, here, 1000, b), 0);
    assert_int_equal(sg_cas_nonces_spend(&table, a, here, 30999), 0);
    assert_int_equal(sg_cas_nonces_spend(&table, b, here, 31000), SG_CAS_REFUSAL_NONCE_EXPIRED);
}

static void test_an_invented_nonce_is_unknown(void **state)
{
    (void)state;
    uint8_t nonce[SG_CAS_NONCE_LEN] = {0};
    assert_int_equal(sg_cas_nonces_spend(&table, nonce, here, 0), SG_CAS_REFUSAL_NONCE_UNKNOWN);
    assert_int_equal(sg_cas_nonces_issue(&table, here, 0, nonce), 0);
    nonce[31] ^= 1;
    assert_int_equal(sg_cas_nonces_spend(&table, nonce, here, 0), SG_CAS_REFUSAL_NONCE_UNKNOWN);
}

static void test_the_table_is_bounded_and_recovers(void **state)
{
    (void)state;
    uint8_t first[SG_CAS_NONCE_LEN], nonce[SG_CAS_NONCE_LEN];
    assert_int_equal(sg_cas_nonces_issue(&table, here, 0, first), 0);
    for (int i = 1; i < CAPACITY; i++)
        assert_int_equal(sg_cas_nonces_issue(&table, here, 0, nonce), 0);
    assert_int_equal(sg_cas_nonces_issue(&table, here, 1, nonce), SG_CAS_REFUSAL_NONCES_EXHAUSTED);
    assert_int_equal(sg_cas_nonces_spend(&table, first, here, 1), 0);
    assert_int_equal(sg_cas_nonces_issue(&table, here, 1, nonce), 0);
    assert_int_equal(sg_cas_nonces_issue(&table, here, 30000, nonce), 0);
    /* Its slot belongs to another now. */
    assert_int_equal(sg_cas_nonces_spend(&table, first, here, 30000), SG_CAS_REFUSAL_NONCE_UNKNOWN);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_nonce_serves_once),
        TEST(test_a_nonce_of_another_connection_is_foreign_and_stays_good),
        TEST(test_a_nonce_lives_30_s),
        TEST(test_an_invented_nonce_is_unknown),
        TEST(test_the_table_is_bounded_and_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
